"""Who holds a folder: told, waited for, refused; and who is dead."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from curate.errors import RunError
from curate.pipeline import locks
from curate.pipeline.locks import Busy, held

HOLD = """
import sys, time
from pathlib import Path
from curate.pipeline.locks import held
with held(Path(sys.argv[1]), wait=False):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    """Another process that holds a lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def foreign(lock: Path, beat: int = 0) -> None:
    """Write the record of a run on another machine."""
    told = {
        "host": "far",
        "machine": "another",
        "pid": 7,
        "since": "2026-01-01T00:00:00+00:00",
        "command": "curate",
    }
    lock.write_text(f"{beat:012d} {json.dumps(told)}\n")


def test_another_run_is_refused_and_says_who_holds_the_folder(tmp_path: Path) -> None:
    """Host, process, since when and which command."""
    process = holder(tmp_path / "lock")
    try:
        with pytest.raises(Busy) as caught, held(tmp_path / "lock", wait=False):
            pass
    finally:
        process.kill()
        process.wait()
    said = str(caught.value)
    assert f"another curate run (pid {process.pid} on host " in said
    assert ", since 20" in said
    assert f": -c {tmp_path / 'lock'}) is writing" in said
    assert "is writing this folder. Wait for it, or name another folder with -o." in said


def test_a_killed_run_of_this_machine_holds_nothing(tmp_path: Path) -> None:
    """Its record is still there; the lock is had at once, and is empty when it is given back."""
    process = holder(tmp_path / "lock")
    process.kill()
    process.wait()
    assert f'"pid": {process.pid}' in (tmp_path / "lock").read_text()
    started = time.monotonic()
    with held(tmp_path / "lock", wait=False):
        assert f'"pid": {process.pid}' not in (tmp_path / "lock").read_text()
    assert time.monotonic() - started < locks.BEAT_S
    assert (tmp_path / "lock").read_text() == ""


def test_a_run_of_another_machine_whose_number_stands_still_is_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is had after some beats, not before."""
    monkeypatch.setattr(locks, "BEAT_S", 0.05)
    foreign(tmp_path / "lock")
    started = time.monotonic()
    with held(tmp_path / "lock", wait=False):
        pass
    assert time.monotonic() - started >= locks.DEAD_BEATS * 0.05


def test_a_run_of_another_machine_that_counts_on_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """flock is free (the file system knows nothing of the other machine), and yet the lock is not had."""
    monkeypatch.setattr(locks, "BEAT_S", 0.05)
    lock, over = tmp_path / "lock", threading.Event()
    foreign(lock)

    def beats() -> None:
        beat = 0
        while not over.wait(0.02):
            foreign(lock, beat := beat + 1)

    thread = threading.Thread(target=beats)
    thread.start()
    try:
        with pytest.raises(Busy, match="pid 7 on host far, since 2026-01-01"), held(lock, wait=False):
            pass
    finally:
        over.set()
        thread.join()


def test_the_owner_counts_up_while_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another machine watches."""
    monkeypatch.setattr(locks, "BEAT_S", 0.02)
    with held(tmp_path / "lock", wait=False):
        deadline = time.monotonic() + 10
        while not (tmp_path / "lock").read_text().startswith("000000000002") and time.monotonic() < deadline:
            time.sleep(0.01)
        assert int((tmp_path / "lock").read_text().split()[0]) >= 2


def test_who_was_taken_for_dead_writes_nothing_more(tmp_path: Path) -> None:
    """A process that stood still until another machine took the folder stops before it replaces anything."""
    with held(tmp_path / "lock", wait=False) as claim:
        claim.check()
        foreign(tmp_path / "lock")
        with pytest.raises(RunError, match="taken to be dead"):
            claim.check()
        claim._taken = True  # as its own thread finds out at the next beat: the record is the other's
    assert "far" in (tmp_path / "lock").read_text()


def test_a_lock_that_was_removed_while_it_was_waited_for_is_made_again(tmp_path: Path) -> None:
    """`curate gc` removes folders with their locks: who waited holds a new file, not the one that is gone."""
    folder, said, order = tmp_path / "folder", [], []

    def wait() -> None:
        with held(folder / "lock", said.append, wait=True):
            order.append("second")
            assert (folder / "lock").exists()

    with held(folder / "lock", wait=False):
        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.monotonic() + 10
        while not said and time.monotonic() < deadline:
            time.sleep(0.01)
        (folder / "lock").unlink()
        folder.rmdir()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert "waiting for another curate run (pid " in said[0]
