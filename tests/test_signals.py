"""A run that is told to end ends with one sentence and the exit code that schedulers expect."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curate.sample import write_sample

COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from curate.cli.main import app
app()
"""


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_a_signal_ends_a_run_with_a_sentence(
    sent: signal.Signals, code: int, word: str, tmp_path: Path
) -> None:
    """SIGTERM and SIGINT: no traceback, no manifest, and what was finished is kept."""
    sample = write_sample(tmp_path / "sample", 200, seed=1)
    words = ["run", "default", "--input", str(sample.rows[0]), "--against", str(sample.benchmark)]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words, "--out", str(tmp_path / "out")],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:  # the run is under way once the input has been announced
        if "recognised" in line:
            break
    process.send_signal(sent)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert f"curate: {word}. What was finished is kept" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert list((tmp_path / "out").glob(".cache/input-*/complete.json"))
