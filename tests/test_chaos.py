"""The short form of perf/chaos.py: a few runs of each kind, killed, starved, damaged."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "perf" / "chaos.py"


@pytest.mark.slow
def test_killed_starved_or_damaged_runs_come_to_the_same_bytes(tmp_path: Path) -> None:
    """A dozen runs and more of the default recipe: none ends wrong, none loses more than a shard a worker."""
    command = [sys.executable, str(SCRIPT), "--scale", "0.03", "--seed", "1"]
    found = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)}, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    [(cases, wrong)] = re.findall(r"(\d+) cases, (\d+) wrong", found.stdout)
    assert int(cases) >= 12
    assert wrong == "0"
    assert "SIGKILL at a rename" in found.stdout
    assert "worker killed" in found.stdout
