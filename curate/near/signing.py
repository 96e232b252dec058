"""First pass over the texts: what of each row is needed to find the rows like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curate.disk import Mapped, packed
from curate.kernels.clusters import Linkage, first_equal
from curate.kernels.minhash import U32, Banding, band_keys, word_gap_keys
from curate.kernels.native import Texts
from curate.kernels.text import I64, U64, Tokenizer

U8 = npt.NDArray[np.uint8]
Mode = Literal["lsh", "exact-join"]
Agree = Literal["numbers", "symbols", "words"]

OK, SHORT, NO_TEXT, SKIPPED = range(4)
"""Status of a row: measured; measured, and few tokens; without tokens; left out by the caller."""


class NearParams(NamedTuple):
    """How texts are cut into shingles, how they meet, and how near is near."""

    threshold: float
    banding: Banding
    tokenizer: Tokenizer = "math"
    ngram: int = 5
    numbers_agree: bool = True
    symbols_agree: bool = True
    words_agree: bool = True
    labels_agree: bool = True
    mode: Mode = "lsh"
    linkage: Linkage = "leader"
    seed: int = 1
    short_tokens: int = 20
    large_cluster: int | None = 100
    large_threshold: float = 0.95


def scratch_bytes(n_rows: int, text_bytes: int, params: NearParams) -> int:
    """What signatures and shingle sets may take on disk: measured, then rounded up.

    A row has its band keys, 128 bits of token hash, a number key and a status; a short one its word-gap keys
    besides. A byte of text makes about a fifth of a token, of which each has a shingle of 8 bytes: of all
    rows for the join, of those in a pair for bands, of which there were at most 40 in 100 rows.
    """
    signatures = n_rows * (4 * params.banding.bands + 32)
    return signatures + int(text_bytes * (2.0 if params.mode == "exact-join" else 0.8))


class Prompts(NamedTuple):
    """The texts of one part of the corpus."""

    texts: Texts
    skipped: npt.NDArray[np.bool_] | None = None
    """Rows to be compared with none."""


def sign(prompts: Prompts, params: NearParams) -> pa.Table:
    """Status, token hash, number key and band keys of every row; the word-gap keys of short ones; packed."""
    made = band_keys(
        prompts.texts,
        params.tokenizer,
        ngram=params.ngram,
        banding=params.banding,
        seed=params.seed,
        numbers_agree=params.numbers_agree,
    )
    status = np.where(made.n_tokens <= params.short_tokens, SHORT, OK).astype(np.uint8)
    status[made.n_tokens == 0] = NO_TEXT
    if prompts.skipped is not None:
        status[prompts.skipped] = SKIPPED
    short = np.flatnonzero(status == SHORT)
    gaps = word_gap_keys(
        prompts.texts,
        params.tokenizer,
        rows=short,
        max_tokens=params.short_tokens,
        numbers_agree=params.numbers_agree,
    )
    arrays: dict[str, npt.NDArray[Any]] = {
        "status": status,
        "sequence": made.sequence,
        "numbers": made.numbers,
        "short": short.astype(np.uint32),
    }
    arrays |= {f"band-{band}": keys for band, keys in enumerate(made.keys)}
    arrays |= {f"gap-{place}": keys for place, keys in enumerate(gaps)}
    return packed(**arrays)


class Signed:
    """What `sign` wrote about all parts; a row is known by its position, in the order of the parts."""

    def __init__(self, files: Sequence[Path | pa.Table]) -> None:
        self.files = files
        statuses = [Mapped(file).array("status", np.uint8) for file in files]
        self.starts: I64 = np.cumsum([0, *map(len, statuses)])
        """starts[k] is the position of the first row of part k; one more for the end."""
        self.status: U8 = np.concatenate(statuses) if statuses else np.empty(0, np.uint8)

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return int(self.starts[-1])

    def bounds(self) -> Iterator[tuple[int, int]]:
        """First position of each part, and the first after it."""
        return zip(self.starts[:-1].tolist(), self.starts[1:].tolist(), strict=True)

    def column(self, name: str, room: U32 | None = None) -> U32:
        """The keys of all rows, in `room` if it is given."""
        column = np.empty(self.n_rows, dtype=np.uint32) if room is None else room
        for file, (start, stop) in zip(self.files, self.bounds(), strict=True):
            column[start:stop] = Mapped(file).array(name, np.uint32)
        return column

    def numbers_of(self, positions: U32) -> U64:
        """Number keys of some rows; positions ascend."""
        cuts = np.searchsorted(positions, self.starts)
        found = np.empty(len(positions), dtype=np.uint64)
        for k, file in enumerate(self.files):
            part = slice(cuts[k], cuts[k + 1])
            found[part] = Mapped(file).array("numbers", np.uint64)[positions[part] - self.starts[k]]
        return found

    def first_equal(self, memory_bytes: int) -> U32:
        """Position of the first row with the same tokens; a row that is not measured is its own."""
        # Keys, their positions, and what the kernel needs to group them: about 64 bytes a row.
        n_slices = 1 << max(0, (64 * self.n_rows // max(1, memory_bytes) - 1).bit_length())
        shift = np.uint64(64 - n_slices.bit_length() + 1) if n_slices > 1 else None
        first = np.arange(self.n_rows, dtype=np.uint32)
        for index in range(n_slices):
            rows: list[U32] = []
            halves: tuple[list[U64], list[U64]] = ([], [])
            for file, (start, stop) in zip(self.files, self.bounds(), strict=True):
                sequence = Mapped(file).array("sequence", np.uint64).reshape(2, stop - start)
                wanted = self.status[start:stop] <= SHORT
                if shift is not None:
                    wanted &= sequence[0] >> shift == index
                some = np.flatnonzero(wanted)
                rows.append((some + start).astype(np.uint32))
                for half, kept in zip(sequence, halves, strict=True):
                    kept.append(half[some])
            if rows:
                positions = np.concatenate(rows)
                equal = first_equal(np.concatenate(halves[0]), np.concatenate(halves[1]))
                first[positions] = positions[equal]
        return first

    def short(self) -> U32:
        """Positions of short rows, ascending."""
        parts = [
            Mapped(file).array("short", np.uint32) + np.uint32(start)
            for file, start in zip(self.files, self.starts[:-1], strict=True)
        ]
        return np.concatenate([*parts, np.empty(0, dtype=np.uint32)])

    def short_column(self, name: str) -> U32:
        """Keys of the short rows."""
        return np.concatenate([Mapped(file).array(name, np.uint32) for file in self.files])
