"""The measurement of cards runs end to end, on a machine without one too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "perf" / "gpu.py"


@pytest.mark.slow
def test_the_tiny_measurement_writes_its_figures(tmp_path: Path) -> None:
    """Perplexity and rollouts of a tiny model: a JSON file and a table with every figure that needs no card."""
    pytest.importorskip("torch", reason="NOT RUN with a model: torch is not installed")
    done = subprocess.run(
        [sys.executable, SCRIPT, "--tiny", "--out", tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    parts = found["models"]["tiny"]
    assert parts["perplexity"]["texts"] == 12
    assert parts["perplexity"]["tokens_per_s"] > 0
    assert 0 < parts["perplexity"]["padding_share"] < 0.5
    assert parts["perplexity"]["share_of_limit"] > 0
    assert parts["rollouts"]["completions"] == 8
    assert parts["rollouts"]["tokens"] == 96
    assert parts["rollouts"]["share_of_bare"] > 0
    assert parts["rollouts"]["graphs_compiled"] == 0
    table = (tmp_path / "gpu.md").read_text()
    assert "| tiny | perplexity |" in table
    assert "| tiny | rollouts |" in table
