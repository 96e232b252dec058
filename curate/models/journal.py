"""Completions that were paid for, kept on disk: a run that is killed asks only for the rest.

One SQLite file in WAL mode, shared by any number of processes. `put_many` comes back when its lines are on
the disk. `through` writes at most every half second, in a thread of its own: a run that is killed loses what
was in flight and at most the last half second of what came, and asks for that again.
"""

from __future__ import annotations

import contextlib
import fcntl
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from curate.errors import RunError
from curate.models.journal_file import is_no_room, no_room, open_file, packed, put_aside, salvage, unpacked
from curate.models.types import Completion, Generator, Request, Sampling

FLUSH_S = 0.5
ASKED_AT_ONCE = 500
LOOKED_UP_AT_ONCE = 4096


def to_stderr(line: str) -> None:
    """Say something to who watches the run."""
    sys.stderr.write(line + "\n")


class Journal:
    """A file of completions by key. Any thread may use it; close it, or use it in `with`."""

    def __init__(self, path: Path, *, tell: Callable[[str], None] = to_stderr) -> None:
        """Open or begin a journal.

        All of the file's structure is read once (`quick_check`). A damaged journal is put aside under
        another name, what can still be read of it goes into a new one, and `tell` is told. Raises InputError
        if the file is something else than a journal, MachineError if it cannot be written.
        """
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._users = path.with_name(path.name + ".users").open("ab")
        try:
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._file = self._opened(tell)
        except BaseException:
            self._users.close()
            raise

    def _opened(self, tell: Callable[[str], None]) -> sqlite3.Connection:
        try:
            return open_file(self._path)
        except sqlite3.DatabaseError as error:
            if is_no_room(error):
                raise no_room(self._path, error) from error
            damage = str(error)
        aside = put_aside(self._path, self._users)
        file = open_file(self._path)
        n_saved = salvage(aside, file)
        tell(
            f"{self._path}: the journal is damaged ({damage}). It is put aside as {aside.name}; "
            f"{n_saved} completions of it could be read and are kept, the others are asked for again"
        )
        fcntl.flock(self._users, fcntl.LOCK_SH)
        return file

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, Completion]:
        """What is known of these keys. A line that was damaged on the disk is not known."""
        found: dict[bytes, Completion] = {}
        with self._lock, self._told():
            for start in range(0, len(keys), ASKED_AT_ONCE):
                part = keys[start : start + ASKED_AT_ONCE]
                marks = ",".join("?" * len(part))
                lines = self._file.execute(f"SELECT key, said FROM completions WHERE key IN ({marks})", part)
                for key, said in lines:
                    completion = unpacked(said)
                    if completion is not None:
                        found[key] = completion
        return found

    def put_many(self, said: Mapping[bytes, Completion]) -> None:
        """Write completions down; they last when this returns.

        Transient failures are left out: they are to be asked for again. Of two processes that bring the
        same key the first is kept.
        """
        lines = [(key, packed(one)) for key, one in said.items() if one.failure != "transient"]
        with self._lock, self._told(), self._file:
            self._file.executemany(
                "INSERT INTO completions VALUES (?, ?) ON CONFLICT (key) DO NOTHING", lines
            )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Errors of the file as a user's."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if is_no_room(error):
                raise no_room(self._path, error) from error
            raise RunError(
                f"{self._path}: the journal was damaged while it was in use ({error}). Run the same command "
                "again: what can be read of it is kept"
            ) from error

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._file.close()
            self._users.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Writer:
    """Writes down completions in a thread, at most every half second; all of them before it is left."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._held: dict[bytes, Completion] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def put(self, key: bytes, completion: Completion) -> None:
        """Raises what a write before has raised."""
        if self._failed is not None:
            raise self._failed
        with self._lock:
            self._held[key] = completion

    def _write(self) -> None:
        while not self._over.wait(FLUSH_S):
            try:
                self._flush()
            except BaseException as error:  # told to the thread that brings completions
                self._failed = error
                return

    def _flush(self) -> None:
        with self._lock:
            held, self._held = self._held, {}
        if held:
            self._journal.put_many(held)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._failed is None:
            self._flush()
        elif kind is None:
            raise self._failed


def through(
    generator: Generator,
    requests: Iterable[Request],
    sampling: Sampling,
    journal: Journal,
    *,
    known: Callable[[Request, Completion], None] = lambda _request, _completion: None,
) -> Iterator[tuple[Request, Completion]]:
    """One completion for each request: first those that the journal has, then those of the generator.

    The generator is asked once for requests that are equal. Those that are not known are held in memory
    (their texts once). `known` is called with what the journal had, just before it is yielded.
    """
    rest: dict[bytes, Request] = {}
    copies: Counter[bytes] = Counter()
    for part in _parts(requests):
        keyed = [(request.key(generator.fingerprint, sampling), request) for request in part]
        had = journal.get_many(list(dict.fromkeys(key for key, _ in keyed)))
        for key, request in keyed:
            if key in had:
                known(request, had[key])
                yield request, had[key]
            else:
                rest[key] = request
                copies[key] += 1
    if not rest:
        return
    with _Writer(journal) as writer:
        for request, completion in generator.generate(rest.values(), sampling):
            key = request.key(generator.fingerprint, sampling)
            writer.put(key, completion)
            for _ in range(copies[key]):
                yield request, completion


def _parts(requests: Iterable[Request]) -> Iterator[list[Request]]:
    held: list[Request] = []
    for request in requests:
        held.append(request)
        if len(held) == LOOKED_UP_AT_ONCE:
            yield held
            held = []
    yield held
