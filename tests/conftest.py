"""Fixtures that many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from small_model_fixtures import small_gguf, small_model, small_server

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"

__all__ = ["small_gguf", "small_model", "small_server"]

settings.register_profile("curate", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("curate")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real labelled data; tests that need it are skipped, loudly, where it is not."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"NOT RUN on real data: {SHARED_DATA} is absent")
    return SHARED_DATA


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the very end how many tests on real data did not run."""
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if "NOT RUN on real data" in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.write_line(
            f"WARNING: {len(skipped)} tests on real data were NOT RUN: {SHARED_DATA} is absent.", red=True
        )
