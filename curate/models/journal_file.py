"""The SQLite file of a journal: opened, checked, put aside when it is damaged, and its lines."""

from __future__ import annotations

import contextlib
import fcntl
import json
import sqlite3
from pathlib import Path
from typing import IO

import zstandard

from curate.errors import InputError, MachineError, RunError
from curate.models.types import Completion

LOCKED_S = 60.0
SAVED_AT_ONCE = 500
MAGIC = b"SQLite format 3\0"
APPLICATION = 0x63757261  # "cura": what the header of the file says it is of
NO_ROOM = ("full", "I/O error", "readonly", "unable to open", "locked")
"""Of SQLite's messages: no damage."""
TABLE = "CREATE TABLE IF NOT EXISTS completions (key BLOB PRIMARY KEY, said BLOB NOT NULL)"


def open_file(path: Path) -> sqlite3.Connection:
    """A journal, begun if there is none, its structure read through.

    Raises sqlite3.DatabaseError if the file is damaged, InputError if it is something else.
    """
    if not _is_ours(path):
        raise InputError(
            f"{path}: expected a journal of completions, found something else. Name another file"
        )
    file = sqlite3.connect(path, timeout=LOCKED_S, check_same_thread=False)
    try:
        (application,) = file.execute("PRAGMA application_id").fetchone()
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if application not in (0, APPLICATION) or (tables and tables != ["completions"]):
            raise InputError(
                f"{path}: expected a journal of completions, found a database of something else "
                f"({', '.join(tables)}). Name another file"
            )
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = FULL")
        if not application:
            file.execute(f"PRAGMA application_id = {APPLICATION}")
        file.execute(TABLE)
        (checked,) = file.execute("PRAGMA quick_check(1)").fetchone()
        if checked != "ok":
            raise sqlite3.DatabaseError(" ".join(checked.split()))
    except BaseException:
        file.close()
        raise
    return file


def _is_ours(path: Path) -> bool:
    """Whether a file may be a journal: new, begun as SQLite begins a file, or wiped out by a power cut."""
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
    except FileNotFoundError:
        return True
    except OSError as error:
        raise no_room(path, error) from error
    return head in (b"", MAGIC, bytes(len(MAGIC)))


def is_no_room(error: Exception) -> bool:
    """Whether the machine said no; otherwise the file is damaged."""
    return any(words in str(error) for words in NO_ROOM)


def no_room(path: Path, error: Exception) -> MachineError:
    """What to raise if a journal cannot be written."""
    return MachineError(
        f"{path}: expected a journal that can be written, found: {error}. Make room, or look at its "
        "permissions, and run the same command again; what was done is kept"
    )


def put_aside(path: Path, users: IO[bytes]) -> Path:
    """Give a damaged journal another name, unless another process is at it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunError(
            f"{path}: the journal is damaged, and another process uses it. End that one first"
        ) from None
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for ending in ("-wal", "-shm", ""):  # the file last: with it gone the others would mean nothing
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
    return aside


def salvage(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy what can be read of a damaged journal; the number of completions."""
    n_saved = 0
    source = sqlite3.connect(damaged)
    try:
        (last,) = source.execute("SELECT max(rowid) FROM completions").fetchone()
        start = 0
        while last is not None and start <= last:
            end = start + SAVED_AT_ONCE
            with contextlib.suppress(sqlite3.DatabaseError):
                lines = source.execute(
                    "SELECT key, said FROM completions WHERE rowid >= ? AND rowid < ?", (start, end)
                )
                for key, said in lines:
                    if isinstance(key, bytes) and isinstance(said, bytes) and unpacked(said) is not None:
                        cursor = into.execute("INSERT OR IGNORE INTO completions VALUES (?, ?)", (key, said))
                        n_saved += cursor.rowcount
            start = end
    except sqlite3.DatabaseError:
        pass  # not even its first page can be read
    finally:
        source.close()
    into.commit()
    return n_saved


def packed(completion: Completion) -> bytes:
    """A completion as JSON in zstd, with a checksum."""
    text = json.dumps(completion, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(text)


def unpacked(said: bytes) -> Completion | None:
    """The completion that was packed; null if it was damaged since."""
    try:
        values = json.loads(zstandard.ZstdDecompressor().decompress(said).decode("utf-8", "surrogatepass"))
    except (zstandard.ZstdError, ValueError):
        return None
    if not isinstance(values, list) or len(values) != len(Completion._fields):
        return None
    return Completion(*values)
