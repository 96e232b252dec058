"""Candidate pairs: in memory while they fit, else in files by their higher row."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from curate.kernels.clusters import candidate_pairs, sorted_unique, split_pairs
from curate.kernels.minhash import U32
from curate.kernels.text import U64
from curate.near.signing import NearParams, Signed

MAX_BUCKET = 8
"""Rows that may share a band and still all be paired. More only cost time: with 4, 8, 16 and 32, a corpus
of 100,000 prompts from 50 templates falls into 28,461, 28,465, 28,460 and 28,454 clusters."""

RANGES = 64
"""Files that pairs are spread over, by their higher row, once they do not fit."""

BYTES_A_KEY = 28
"""What grouping the keys of a band takes at most: the key, and twice the key with its row, and the pairs."""


class Pairs:
    """Pairs of rows, each once, ascending, in ranges of the higher row."""

    def __init__(
        self, n_rows: int, folder: Path, memory_bytes: int, wanted: npt.NDArray[np.bool_] | None = None
    ) -> None:
        """`wanted`: the rows of which one at least is in every pair that is kept (default: all)."""
        self.memory_bytes = memory_bytes
        self._wanted = wanted
        self._n_rows = n_rows
        self._folder = folder
        self._held: list[U64] = []
        self._n_held = 0
        self.spilled = False

    def add(self, pairs: U64) -> None:
        """Take pairs in any order, known or not."""
        if self._wanted is not None:
            low, high = split_pairs(pairs)
            pairs = pairs[self._wanted[low] | self._wanted[high]]
        self._held.append(pairs)
        self._n_held += len(pairs)
        if 16 * self._n_held <= self.memory_bytes:  # sorting needs as much again
            return
        merged = self._merged()
        if 32 * len(merged) <= self.memory_bytes:
            self._held, self._n_held = [merged], len(merged)
            return
        self._spill(merged)

    def _spill(self, merged: U64) -> None:
        cuts = np.searchsorted(merged, self._edges()[1:-1] << np.uint64(32))
        for index, some in enumerate(np.split(merged, cuts)):
            # A run that was cut short may have left files of this name, the last pair not whole.
            with self._file(index).open("ab" if self.spilled else "wb") as file:
                some.tofile(file)
        self._held, self._n_held, self.spilled = [], 0, True

    def ranges(self, *, cut: bool = False) -> Iterator[tuple[int, int, U64]]:
        """First row, row after the last, and the pairs whose higher row lies between: one range, or many.

        There are many if the pairs did not fit in memory, or if it is asked for.
        """
        if not self.spilled:
            merged = self._merged()
            self._held, self._n_held = [merged], len(merged)
            edges = self._edges() if cut else self._edges()[[0, -1]]
            places = np.searchsorted(merged, edges << np.uint64(32)).tolist()
            for (first, last), (start, stop) in zip(
                itertools.pairwise(edges.tolist()), itertools.pairwise(places), strict=True
            ):
                yield first, last, merged[start:stop]
            return
        if self._held:
            self._spill(self._merged())
        edges = self._edges().tolist()
        for index, (first, last) in enumerate(itertools.pairwise(edges)):
            yield first, last, sorted_unique(np.fromfile(self._file(index), dtype=np.uint64))

    def _merged(self) -> U64:
        return sorted_unique(np.concatenate([*self._held, np.empty(0, dtype=np.uint64)]))

    def _edges(self) -> U64:
        return np.linspace(0, self._n_rows, RANGES + 1).astype(np.uint64)

    def _file(self, index: int) -> Path:
        return self._folder / f"pairs-{index:03d}.u64"


def band_pairs(signed: Signed, distinct: U32, params: NearParams, workers: int, into: Pairs) -> None:
    """Put the pairs of distinct rows that share a band into `into`; one band a worker is in memory."""
    n_slices = -(-BYTES_A_KEY * len(distinct) * workers // max(1, into.memory_bytes))
    room = threading.local()

    def of_band(band: int) -> Iterator[U64]:
        room.keys = keys = signed.column(f"band-{band}", getattr(room, "keys", None))
        for index in range(n_slices):
            yield candidate_pairs(keys, distinct, by_node=True, cap=MAX_BUCKET, part=index, n_parts=n_slices)

    _spread(of_band, params.banding.bands, workers, into)


def gap_pairs(signed: Signed, first: U32, params: NearParams, workers: int, into: Pairs) -> None:
    """Put the pairs of short rows that differ in one word into `into`."""
    rows = signed.short()
    distinct = first[rows] == rows

    def of_place(place: int) -> Iterator[U64]:
        keys = signed.short_column(f"gap-{place}")
        some = distinct & (keys != 0)
        yield candidate_pairs(keys[some], rows[some], cap=MAX_BUCKET)

    if len(rows):
        _spread(of_place, params.short_tokens, workers, into)


def _spread(make: Callable[[int], Iterator[U64]], count: int, workers: int, into: Pairs) -> None:
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, count, workers):
            for made in pool.map(lambda index: list(make(index)), range(start, min(count, start + workers))):
                for pairs in made:
                    into.add(pairs)
