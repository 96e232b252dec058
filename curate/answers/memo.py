"""What the slow tier has said, kept on disk: a pair of answers is compared by computer algebra once.

One SQLite file, shared by any number of processes. Only verdicts that any run would give are kept: an answer
that ran out of time or memory is tried again. The key holds the versions of everything that could change it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from curate.errors import InputError

Said = tuple[str, str, str]
"""Status, reason and cause."""
KEPT = frozenset(["ok", "incomparable", "error"])
MAX_ASKED = 500


class Memo:
    """A file of verdicts, by profile, versions and the two texts. Not for several threads at once."""

    def __init__(self, path: Path, profile: str, our_version: int) -> None:
        """Raises InputError if the file is something else than such a memo."""
        versions = [version(name) for name in ("math-verify", "sympy", "latex2sympy2_extended")]
        self._salt = "\0".join([profile, str(our_version), *versions])
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = sqlite3.connect(path, timeout=60, check_same_thread=False)
        try:
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS said"
                " (key BLOB PRIMARY KEY, status TEXT, reason TEXT, cause TEXT) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError as error:
            raise InputError(
                f"{path}: no memo of verdicts ({error}). Name another file, or delete a damaged one."
            ) from error

    def _key(self, pair: tuple[str, str]) -> bytes:
        text = "\0".join((self._salt, *pair)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=16).digest()

    def recall(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Said]:
        """What is known of these pairs."""
        found: dict[tuple[str, str], Said] = {}
        for start in range(0, len(pairs), MAX_ASKED):
            by_key = {self._key(pair): pair for pair in pairs[start : start + MAX_ASKED]}
            marks = ",".join("?" * len(by_key))
            rows = self._file.execute(
                f"SELECT key, status, reason, cause FROM said WHERE key IN ({marks})",
                list(by_key),
            )
            found.update({by_key[key]: (status, reason, cause) for key, status, reason, cause in rows})
        return found

    def keep(self, said: Mapping[tuple[str, str], Said]) -> None:
        """Write down what was said of these pairs, where every run would say the same."""
        rows: Iterable[tuple[bytes, str, str, str]] = (
            (self._key(pair), *one) for pair, one in said.items() if one[2] in KEPT
        )
        with self._file:
            self._file.executemany("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
