"""Completions that were paid for, kept on disk: a run that is killed asks only for the rest.

One SQLite file in WAL mode, shared by any number of processes. `put_many` comes back when its lines are on
the disk. `through` writes at most every half second, in a thread of its own: a run that is killed loses what
was in flight and at most the last half second of what came, and asks for that again.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, NamedTuple, Self, TypeVar

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
        self._writing = threading.Lock()
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
                self.flush()
            except BaseException as error:  # told to the thread that brings completions
                self._failed = error
                return

    def flush(self) -> None:
        """All that was put before is written when this returns."""
        with self._writing:
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
            self.flush()
        elif kind is None:
            raise self._failed


Place = TypeVar("Place")


class Got(NamedTuple, Generic[Place]):
    """A completion, and whatever the asker wants to find it by."""

    place: Place
    request: Request
    completion: Completion
    known: bool
    """Whether the journal had it before."""


def through(
    generator: Generator,
    asked: Callable[[], Iterable[tuple[Place, Request]]],
    sampling: Sampling,
    journal: Journal,
) -> Iterator[Got[Place]]:
    """One completion for each request: first those that the journal has, then those of the generator.

    `asked()` is gone through twice, and has to be the same each time: so that what is held in memory are the
    requests in flight and a byte for each of the others. The generator is asked once for requests that are
    equal; if it fails (`transient`), again for those that come much later.
    """
    is_known = bytearray()
    for part, keys in _keyed(asked(), generator.fingerprint, sampling):
        had = journal.get_many(list(dict.fromkeys(keys)))
        for key, (place, request) in zip(keys, part, strict=True):
            is_known.append(key in had)
            if key in had:
                yield Got(place, request, had[key], known=True)
    if all(is_known):
        return
    with _Writer(journal) as writer:
        rest = itertools.compress(asked(), (not known for known in is_known))
        waiting = _Waiting(_keyed(rest, generator.fingerprint, sampling), writer, journal)
        for request, completion in generator.generate(waiting.requests(), sampling):
            key = request.key(generator.fingerprint, sampling)
            writer.put(key, completion)
            yield from waiting.came(key, request, completion)
        yield from waiting.copies()


Keyed = tuple[list[tuple[Place, Request]], list[bytes]]


class _Waiting(Generic[Place]):
    """Requests in flight and who waits for them; a request that is in flight already is not made again."""

    def __init__(self, parts: Iterator[Keyed[Place]], writer: _Writer, journal: Journal) -> None:
        self._parts, self._writer, self._journal = parts, writer, journal
        self._places: dict[bytes, list[Place]] = {}
        self._copies: list[Got[Place]] = []
        self._recent: dict[bytes, Completion | None] = {}
        """Of keys that will be met again before the journal is asked again; null until they have come."""

    def requests(self) -> Iterator[Request]:
        """What the generator is to be asked for, as it takes it."""
        for part, keys in self._parts:
            self._writer.flush()
            had = self._journal.get_many(list(dict.fromkeys(keys)))
            again = (key for key, n in Counter(keys).items() if n > 1 or key in self._places)
            self._recent = dict.fromkeys(again)
            for key, (place, request) in zip(keys, part, strict=True):
                completion = had.get(key) or self._recent.get(key)
                if completion is not None:
                    self._copies.append(Got(place, request, completion, known=False))
                elif key in self._places:
                    self._places[key].append(place)
                else:
                    self._places[key] = [place]
                    yield request

    def came(self, key: bytes, request: Request, completion: Completion) -> Iterator[Got[Place]]:
        """All that waited for a completion, and all that came too late to wait for another."""
        if key in self._recent:
            self._recent[key] = completion
        for place in self._places.pop(key):
            yield Got(place, request, completion, known=False)
        yield from self.copies()

    def copies(self) -> Iterator[Got[Place]]:
        """Those whose completion had come before they were met; each is given once."""
        copies, self._copies = self._copies, []
        yield from copies


def _keyed(
    asked: Iterable[tuple[Place, Request]], fingerprint: str, sampling: Sampling
) -> Iterator[Keyed[Place]]:
    """The requests in parts, with their keys."""
    asked = iter(asked)
    while part := list(itertools.islice(asked, LOOKED_UP_AT_ONCE)):
        yield part, [request.key(fingerprint, sampling) for _, request in part]
