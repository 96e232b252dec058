"""Locks that say who holds them: one run writes a folder, whichever machine it runs on.

The lock is `flock` on a file, and the file says who has it: host, process, since when, which command. On
one machine flock is all it takes: it ends with the process, so a record that a killed run left means nothing.
Of a run on another machine, on a file system that they share, flock may know nothing (a mount with local
locks, an object store). There the record counts: its owner writes a new number into it every few seconds, and
only one whose number stands still for several beats is taken to be dead. No clock is compared with another.

Neither the file nor what it says is part of a run's output.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import json
import os
import shlex
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple

from curate.errors import RunError

LOCK = ".lock"
"""The lock of a folder of the cache."""
BEAT_S = 5.0
DEAD_BEATS = 4
"""Beats without a new number after which the owner on another machine is dead."""
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
"""What a file system says that has no locks."""

Announce = Callable[[str], None]
SILENT: Announce = lambda _line: None  # noqa: E731


class Owner(NamedTuple):
    """Who holds a lock; `beat` counts up while the owner lives."""

    host: str
    machine: str
    pid: int
    since: str
    command: str
    beat: int = 0

    def __str__(self) -> str:
        return f"pid {self.pid} on host {self.host}, since {self.since}: {self.command}"

    def same(self, other: Owner | None) -> bool:
        """Whether it is the same owner, at whatever beat."""
        return other is not None and self._replace(beat=0) == other._replace(beat=0)


class Held:
    """A lock that is held until its context ends."""

    def __init__(self, path: Path, handle: IO[bytes], owner: Owner) -> None:
        self.path = path
        self._handle = handle
        self._owner = owner
        self._over = threading.Event()
        self._taken = False
        self._thread = threading.Thread(target=self._live, daemon=True)
        _write(handle, owner)
        self._thread.start()

    def check(self) -> None:
        """Raise RunError if another machine took this process for dead and holds the lock now."""
        if self._taken or self._is_taken():
            raise RunError(
                f"{self.path.parent}: expected this run to hold the folder, found another "
                f"({_read(self.path)}). This process stood still for so long that it was taken to be dead. "
                "Let the other finish"
            )

    def release(self) -> None:
        """Say that nobody holds it, and let go."""
        self._over.set()
        self._thread.join()
        if not self._taken:
            os.ftruncate(self._handle.fileno(), 0)

    def _is_taken(self) -> bool:
        other = _read(self.path)
        return other is not None and not self._owner.same(other)

    def _live(self) -> None:
        beat = 0
        while not self._over.wait(BEAT_S):
            self._taken = self._is_taken()
            if self._taken:
                return
            beat += 1
            _write(self._handle, self._owner._replace(beat=beat))


@contextmanager
def held(path: Path, announce: Announce | None = None, *, wait: bool) -> Iterator[Held]:
    """Hold the lock of a file, made if need be in a folder made if need be.

    With `wait` another owner is waited for, and announced; else RunError says who it is.
    """
    handle = _opened(path, announce, wait=wait)
    with handle:
        lock = Held(path, handle, this_process())
        try:
            yield lock
        finally:
            lock.release()


@contextmanager
def locked(folder: Path, announce: Announce | None = None) -> Iterator[None]:
    """Hold a folder of the cache, made if need be; another run that has it is waited for."""
    with held(folder / LOCK, announce, wait=True):
        yield


def _opened(path: Path, announce: Announce | None, *, wait: bool) -> IO[bytes]:
    told = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            busy = _busy(path, handle)
            if busy is None and _is_at(handle, path):
                return handle
            if busy is not None and not wait:
                raise Busy(path, busy.owner)
            if busy is not None and not told and announce is not None:
                announce(f"waiting for another curate run ({busy.owner or 'unnamed'}): {path.parent}")
                told = True
            if busy is not None and busy.by_flock:
                fcntl.flock(handle, fcntl.LOCK_EX)
                fcntl.flock(handle, fcntl.LOCK_UN)
        except BaseException:
            handle.close()
            raise
        handle.close()


class Busy(RunError):  # noqa: N818 - a state of the folder
    """Another run holds the lock."""

    def __init__(self, path: Path, owner: Owner | None) -> None:
        self.owner = owner
        who = f" ({owner})" if owner else ""
        super().__init__(
            f"{path.parent}: another curate run{who} is writing this folder. "
            "Wait for it, or name another folder with -o."
        )


class _Other(NamedTuple):
    owner: Owner | None
    by_flock: bool


def _busy(path: Path, handle: IO[bytes]) -> _Other | None:
    """Who else holds the lock; null if this process may have it (with the flock, if there are flocks)."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locks = True
    except BlockingIOError:
        return _Other(_read(path), by_flock=True)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        locks = False
    owner = _read(path)
    if owner is None or (locks and owner.machine == machine()):
        return None  # nobody, or a process of this machine that is gone: its flock is
    if _lives(path, owner):
        return _Other(owner, by_flock=False)
    mine = this_process()
    _write(handle, mine)  # somebody else may have come to the same conclusion: who wrote last has it
    time.sleep(BEAT_S)
    found = _read(path)
    return None if mine.same(found) else _Other(found, by_flock=False)


def _lives(path: Path, owner: Owner) -> bool:
    """Whether the owner's number changes within some beats."""
    for _ in range(DEAD_BEATS):
        time.sleep(BEAT_S)
        found = _read(path)
        if found is None:
            return False
        if found != owner:
            return True
    return False


def _is_at(handle: IO[bytes], path: Path) -> bool:
    """Whether the file that is locked is the one that others would lock: `curate gc` may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _write(handle: IO[bytes], owner: Owner) -> None:
    """Write the record in place; of one that is there already only the number changes."""
    told = {name: value for name, value in owner._asdict().items() if name != "beat"}
    text = f"{owner.beat:012d} {json.dumps(told)}\n".encode()
    os.pwrite(handle.fileno(), text, 0)
    os.ftruncate(handle.fileno(), len(text))


def _read(path: Path) -> Owner | None:
    """The owner that a lock file names; null if it names none."""
    try:
        beat, _, told = path.read_text(encoding="utf-8").partition(" ")
        return Owner(**json.loads(told), beat=int(beat))
    except (FileNotFoundError, ValueError, TypeError):
        return None


@functools.cache
def machine() -> str:
    """What tells the running kernel from every other: processes with the same share their flocks."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()


SINCE = datetime.now(UTC).isoformat(timespec="seconds")


def this_process() -> Owner:
    """This process as an owner."""
    return Owner(socket.gethostname(), machine(), os.getpid(), SINCE, shlex.join(sys.argv))
