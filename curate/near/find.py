"""Near-duplicates of a corpus that need not fit in memory, told row by row.

1. Every part of the corpus is signed: band keys, a hash of its tokens, a key of its numbers (`signing`).
2. Rows of the same tokens are one row from here on; the first stands for all.
3. Rows that share a band, or all words but one, make candidate pairs (`pairs`).
4. Rows in a pair get their shingle sets, on disk (`shingled`), and every pair its exact Jaccard.
5. Pairs at the threshold or above make clusters, very large ones once more at a stricter one (`linking`).
With mode `exact-join` every distinct row gets its set, and one set-similarity join makes the clusters.

Rows are known by their position: the order of the parts and of the rows in them.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curate.disk import return_memory
from curate.errors import MachineError
from curate.kernels import clusters
from curate.kernels.clusters import F64, Links
from curate.kernels.minhash import U32
from curate.kernels.text import I64
from curate.near.linking import (
    Known,
    Measured,
    cluster,
    keep_apart,
    large_leaders,
    link_range,
    measure,
    near_nodes,
)
from curate.near.pairs import Pairs, band_pairs, gap_pairs
from curate.near.shingled import Label, Read, Work, label_rows, shingle_rows
from curate.near.signing import SHORT, U8, NearParams, Signed, sign

LARGE = 4
STATUSES = np.array(["ok", "short", "no-text", "skipped", "large"])
"""By number: the statuses of `signing`, and LARGE."""

NOBODY = np.uint32(0xFFFFFFFF)
BYTES_A_ROW = 30
"""Held for every row from beginning to end; everything else is cut into pieces that fit."""


class Settled(NamedTuple):
    """Leaders of the rows of earlier parts, by position, at the threshold and at the stricter one."""

    base: U32
    strict: U32


NOTHING_SETTLED = Settled(np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.uint32))


class Found(NamedTuple):
    """What was found about some rows, in their order."""

    status: U8
    """Place in STATUSES."""
    representative: U32
    """Position of the representative; the row's own if it is alone or not measured."""
    size: U32
    jaccard: F64
    best: F64
    """NaN if the row is alone."""
    worst: F64


class Near(NamedTuple):
    """What was found about all rows, by their positions; `part` tells it row by row."""

    starts: I64
    """Position of the first row of each part; one more for the end."""
    status: U8
    first: U32
    """Position of the first row of the same tokens."""
    leader: U32
    """Position of the representative."""
    size: U32
    """Rows in the cluster, by the position of the representative."""
    settled: Settled
    """What later data needs to know of these rows."""
    node: U32
    """Which candidate a row is; NOBODY for others."""
    to_leader: F64
    """Of each candidate."""
    links: Links
    copied: npt.NDArray[np.bool_]
    """Whether another row has the same tokens, by the position of their first."""

    def part(self, index: int) -> Found:
        """What was found about the rows of one part."""
        span = slice(int(self.starts[index]), int(self.starts[index + 1]))
        first = self.first[span]
        node = self.node[first]
        paired = node != NOBODY
        node = node[paired]
        found = Found(
            status=self.status[first],
            representative=self.leader[first],
            size=self.size[self.leader[first]],
            jaccard=np.ones(len(first)),
            best=np.full(len(first), np.nan),
            worst=np.full(len(first), np.nan),
        )
        found.jaccard[paired] = self.to_leader[node]
        found.best[paired], found.worst[paired] = self.links.best[node], self.links.worst[node]
        copied = self.copied[first]
        found.best[copied], found.worst[copied] = 1.0, np.fmin(found.worst[copied], 1.0)
        return found


def find_near(
    parts: Sequence[Any],
    read: Read,
    params: NearParams,
    work: Work,
    folder: Path,
    *,
    memory_bytes: int,
    workers: int,
    label: Label | None = None,
    settled: Settled = NOTHING_SETTLED,
) -> Near:
    """Near-duplicates of the rows of all parts; `folder` is for what does not fit in memory.

    `label` tells the labels of rows: those of different odd labels are not near-duplicates, if labels must
    agree, unless their tokens are the same; words of rows of equal labels may differ.

    The rows of the first parts may be settled: then what is found about the others is what would be found
    about them with all parts new, and nothing of value is said about the first. Mode exact-join compares
    them again; linkage single cannot settle anything.

    Raises MachineError if the rows are too many for `memory_bytes`.
    """
    signed = Signed(work(functools.partial(_sign, read=read, params=params), parts, "signatures"))
    n_rows, n_settled = signed.n_rows, len(settled.base)
    room = memory_bytes - BYTES_A_ROW * n_rows
    if room < memory_bytes // 4:
        raise MachineError(
            f"expected {BYTES_A_ROW * n_rows * 4 // 3 / 1e6:,.2f} MB or more for near-duplicates of "
            f"{n_rows:,} rows, found {memory_bytes / 1e6:,.2f} MB left of the memory allowed. "
            "Allow more (--memory)"
        )
    return_memory()
    first = signed.first_equal(room)
    from_row = n_settled if params.mode == "lsh" else 0
    own = np.arange(n_rows, dtype=np.uint32)
    unsettled = None
    if from_row:
        unsettled = own >= from_row
        unsettled[first[from_row:]] = True  # a new row says what its first, which may be settled, says
    pairs = Pairs(n_rows, folder, room // 2, unsettled)
    gap_pairs(signed, first, params, workers, pairs)
    worded = _rows_in(pairs, n_rows)
    distinct = np.flatnonzero((signed.status <= SHORT) & (first == own)).astype(np.uint32)
    if params.mode == "lsh":
        band_pairs(signed, distinct, params, workers, pairs)
        wanted = _rows_in(pairs, n_rows)
        for leader in settled:
            wanted[leader[wanted[:n_settled]]] = True
        rows = np.flatnonzero(wanted).astype(np.uint32)
    else:
        rows = distinct
    node = np.full(n_rows, NOBODY, dtype=np.uint32)
    node[rows] = np.arange(len(rows), dtype=np.uint32)

    worded = worded[rows]
    shingled = shingle_rows(parts, read, params, work, signed, rows, worded)
    return_memory()
    if params.words_agree and label is None:
        unknown = np.zeros(len(rows), dtype=np.uint64)
        shingled = shingled._replace(sets=shingled.sets._replace(labels=unknown))
    numbers = signed.numbers_of(rows) if params.numbers_agree else None
    # Sets that do not fit are in files: they are looked at a range of rows and a block of sets at a time.
    blockwise = pairs.spilled or 8 * int(shingled.sets.sizes.sum(dtype=np.int64)) > room // 4
    measured = Measured(folder, spills=blockwise)
    for start, stop, some in pairs.ranges(cut=blockwise):
        low, high = (node[side] for side in clusters.split_pairs(some))
        if numbers is not None:
            agree = numbers[low] == numbers[high]
            low, high = low[agree], high[agree]
        some = clusters.pack_pairs(low, high)
        begin, end = np.searchsorted(rows, [start, stop]).tolist()
        values = measure(some, shingled, worded, params, workers=workers, blockwise=blockwise)
        measured.add(begin, end, some, values)
    if label is not None and (params.words_agree or params.labels_agree):
        wanted = np.ones(len(rows), dtype=np.bool_)
        if params.mode == "lsh":
            wanted = near_nodes(measured, len(rows))
            wanted[: int(np.searchsorted(rows, from_row))] = True  # leaders of earlier rows among them
        labels = label_rows(parts, label, work, signed, rows, wanted)
        if not params.labels_agree:
            labels &= ~np.uint64(1)  # equal ones excuse, different ones do not keep apart
        shingled = keep_apart(measured, labels, shingled, worded, params, workers=workers)
    old = rows[: int(np.searchsorted(rows, from_row))]
    known = Known(*(node[leader[old]] for leader in settled))
    linked = cluster(measured, shingled, numbers, params, known, room)

    # From candidates back to rows; a row that is in no pair leads itself.
    base, strict = own.copy(), own
    base[:n_settled], strict[:n_settled] = settled
    base[rows], strict[rows] = rows[linked.base.leader], rows[linked.strict.leader]
    large = large_leaders(base, distinct, params)
    leader = np.where(large[base], strict, base)
    signed.status[distinct[large[base[distinct]]]] = LARGE
    to_leader = np.where(large[base[rows]], linked.strict.to_leader, linked.base.to_leader)
    links = link_range(measured, node[leader[rows]], to_leader, shingled, workers)
    size = clusters.count(leader[first], n_rows)
    return Near(
        signed.starts,
        signed.status,
        first,
        leader,
        size,
        Settled(base, strict),
        node,
        to_leader,
        links,
        clusters.count(first, n_rows) > 1,
    )


def _sign(part: Any, read: Read, params: NearParams) -> pa.Table:
    return sign(read(part), params)


def _rows_in(pairs: Pairs, n_rows: int) -> npt.NDArray[np.bool_]:
    """Whether each row is in a pair."""
    known = np.zeros(n_rows, dtype=np.bool_)
    for _, _, some in pairs.ranges():
        for side in clusters.split_pairs(some):
            known[side] = True
    return known
