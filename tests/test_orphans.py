"""Worker processes end with the run that started them, however it ends."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

WORKERS = """
import os, time
from pathlib import Path
from curate.engines.local import LocalEngine
from curate.flow import shard_path
import pyarrow as pa

def slow(place):
    (Path(__file__).parent / f"pid-{place}").write_text(str(os.getpid()))
    time.sleep(0.5)
    return pa.table({"place": [place]})

if __name__ == "__main__":
    with LocalEngine(2) as engine:
        engine.map(slow, range(200), Path(__file__).parent / "out", runs="process")
"""


def test_workers_of_a_run_that_was_killed_end(tmp_path: Path) -> None:
    """SIGKILL to the first process alone, as the system does when memory is short: no worker is left."""
    script = tmp_path / "script.py"
    script.write_text(WORKERS)
    process = subprocess.Popen(
        [sys.executable, str(script)], env={"PYTHONPATH": str(Path(__file__).parents[1])}
    )
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("pid-*"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    pids = {int(path.read_text()) for path in tmp_path.glob("pid-*")}
    assert pids - {process.pid}
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
