"""From band keys to candidate pairs, from pairs to exact Jaccards, from Jaccards to clusters.

A *node* is a position in an array whose order is ascending row_id, so "smallest node" means smallest
row_id. A pair of nodes is one number, higher << 32 | lower: sorted pairs are grouped by the higher node.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from curate.kernels.minhash import ShingleSets
from curate.kernels.native import call
from curate.kernels.text import U64

F64 = npt.NDArray[np.float64]
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]

Linkage = Literal["leader", "single"]


NO_PAIRS: U64 = np.empty(0, dtype=np.uint64)
NO_VALUES: F64 = np.empty(0, dtype=np.float64)


class Sets(NamedTuple):
    """All nodes: their shingle sets, where they lie, and what keeps two apart however alike those are."""

    starts: U64
    """Address of the first value of each set; whoever made it keeps the values alive."""
    sizes: U32
    symbol_starts: U64 | None = None
    """Likewise of its symbols (`curate.kernels.symbols`); null: they may differ."""
    symbol_sizes: U32 | None = None
    labels: U64 | None = None
    """Nodes of different odd labels are kept apart; those of equal ones may differ in words; 0: no label.
    Null: all may."""

    def of(self, nodes: U32) -> Sets:
        """Some of the nodes."""
        return Sets(
            self.starts[nodes],
            self.sizes[nodes],
            None if self.symbol_starts is None else self.symbol_starts[nodes],
            None if self.symbol_sizes is None else self.symbol_sizes[nodes],
            None if self.labels is None else self.labels[nodes],
        )

    def plain(self) -> Sets:
        """The shingle sets alone."""
        return Sets(self.starts, self.sizes)


class Clusters(NamedTuple):
    """Cluster of every node."""

    leader: U32
    """Node the cluster is named after, the smallest; a node alone leads itself."""
    to_leader: F64
    """Exact Jaccard to the leader; 1.0 for the leader."""


class Links(NamedTuple):
    """Highest and lowest exact Jaccard known between a node and another of its cluster; NaN if alone."""

    best: F64
    worst: F64


def sets_at(sets: ShingleSets) -> Sets:
    """The sets, by their places in `sets.values`, which must outlive them."""
    starts = np.uint64(sets.values.ctypes.data) + np.uint64(8) * sets.offsets[:-1].astype(np.uint64)
    return Sets(starts, np.diff(sets.offsets).astype(np.uint32))


def first_equal(keys: U64, second: U64) -> U32:
    """For every position the smallest position with the same two keys."""
    _check_size(len(keys))
    first = np.empty(len(keys), dtype=np.uint32)
    call("curate_first_equal", keys, second, len(keys), first)
    return first


def count(values: U32, n: int) -> U32:
    """How often each number below n is among the values."""
    counts = np.zeros(n, dtype=np.uint32)
    call("curate_count", values, len(values), counts)
    return counts


def candidate_pairs(
    keys: U32, nodes: U32, *, cap: int, by_node: bool = False, part: int = 0, n_parts: int = 1
) -> U64:
    """Pairs of nodes with equal keys, in no particular order, each once.

    nodes ascend; the key of nodes[i] is keys[i], or keys[nodes[i]] with `by_node`. Of the 32-bit numbers cut
    into `n_parts` equal ranges only keys in range `part` are looked at. In a bucket of at most `cap` nodes
    every two make a pair; in a larger one each node is paired with the first cap // 2 nodes and the cap // 2
    before it, so there are at most cap pairs a node.
    """
    _check_size(len(nodes))
    capacity = max(1024, len(nodes) // n_parts)
    while True:
        pairs = np.empty(capacity, dtype=np.uint64)
        arguments = (keys, nodes, len(nodes), int(by_node), cap, part, n_parts, pairs, capacity)
        found = call("curate_candidate_pairs", *arguments)
        if found <= capacity:
            return pairs[:found].copy()
        capacity = found


def sorted_unique(values: U64) -> U64:
    """The values, ascending, each once; the array given is used up."""
    return values[: call("curate_sort_unique", values, len(values))]


def split_pairs(pairs: U64) -> tuple[U32, U32]:
    """Lower and higher node of every pair."""
    return pairs.astype(np.uint32), (pairs >> np.uint64(32)).astype(np.uint32)


def pack_pairs(low: U32, high: U32) -> U64:
    """The pairs of lower and higher nodes."""
    return high.astype(np.uint64) << np.uint64(32) | low


def jaccards(pairs: U64, sets: Sets, *, threshold: float = 0.0, threads: int = 1) -> F64:
    """Exact Jaccard of every pair, 0.0 of two empty sets; NaN below `threshold` and where kept apart."""
    values = np.empty(len(pairs), dtype=np.float64)

    def measure(start: int, stop: int) -> None:
        out = values[start:stop]
        call("curate_jaccards", pairs[start:stop], stop - start, *sets, float(threshold), out)

    if threads == 1 or len(pairs) < 10_000:
        measure(0, len(pairs))
        return values
    edges = np.linspace(0, len(pairs), 8 * threads + 1, dtype=np.int64).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(measure, edges[:-1], edges[1:]))
    return values


class Linking:
    """Clusters of all nodes, made from ascending pairs that come range by range.

    leader: in ascending order a node joins the leader with the highest Jaccard of at least `threshold`
    (the smaller on a tie) among the leaders of its lower neighbours, computed where no pair holds it;
    else it leads. Every member is that near to its leader, so chains do not merge.
    single: connected components.
    """

    def __init__(self, sets: Sets, *, threshold: float, linkage: Linkage, known: U32 | None = None) -> None:
        """`known`: leaders of the first nodes, settled already."""
        self._sets = sets
        self._threshold = threshold
        self._linkage = linkage
        self._n_nodes = len(sets.sizes)
        self._leader = np.arange(self._n_nodes, dtype=np.uint32)
        self._to_leader = np.ones(self._n_nodes, dtype=np.float64)
        self._n_known = 0 if known is None else len(known)
        self._leader[: self._n_known] = [] if known is None else known

    def add(self, pairs: U64, values: F64, first: int, last: int) -> None:
        """Take the pairs whose higher node lies in [first, last); `values` are at the threshold or above."""
        if self._linkage == "single":
            call("curate_join_pairs", pairs, len(pairs), self._leader)
            return
        if first < self._n_known:
            first = self._n_known
            start = int(np.searchsorted(pairs, np.uint64(first) << np.uint64(32)))
            pairs, values = pairs[start:], values[start:]
        given = (pairs, values, len(pairs), first, last, *self._sets, float(self._threshold))
        call("curate_leader_clusters", *given, self._leader, self._to_leader)

    def clusters(self) -> Clusters:
        """The clusters, once all pairs are in."""
        if self._linkage == "leader":
            return Clusters(self._leader, self._to_leader)
        call("curate_flatten", self._leader, self._n_nodes)
        return _measured(self._leader, self._sets)


def _measured(leader: U32, sets: Sets) -> Clusters:
    """The clusters of these leaders, with the exact Jaccard of every node to its own."""
    to_leader = np.ones(len(leader), dtype=np.float64)
    others = np.flatnonzero(leader != np.arange(len(leader), dtype=np.uint32)).astype(np.uint32)
    to_leader[others] = jaccards(pack_pairs(leader[others], others), sets.plain())
    return Clusters(leader, to_leader)


def links(pairs: U64, values: F64, leader: U32, known: Links) -> None:
    """Put the pairs within one cluster into the highest and lowest Jaccard of their nodes, but for NaN."""
    call("curate_links", pairs, values, len(pairs), leader, *known)


class Frequencies(NamedTuple):
    """How many sets each shingle is in, up to 255; shingles that share a place are counted together."""

    table: U8
    bits: int


def count_shingles(sets: Sets, memory_bytes: int) -> Frequencies:
    """How many of the sets each shingle is in; at most a byte a shingle, and at most `memory_bytes`."""
    n_shingles = int(sets.sizes.sum(dtype=np.int64))
    bits = max(16, min(n_shingles.bit_length(), max(1, memory_bytes).bit_length() - 1))
    made = Frequencies(np.zeros(1 << bits, dtype=np.uint8), bits)
    call("curate_count_shingles", len(sets.sizes), sets.starts, sets.sizes, *made)
    return made


def join_sets(
    sets: Sets,
    frequencies: Frequencies,
    *,
    threshold: float,
    linkage: Linkage,
    numbers: U64 | None = None,
    pairs: U64 = NO_PAIRS,
    values: F64 = NO_VALUES,
) -> Clusters:
    """Clusters by a set-similarity join: as `Linking` over all pairs at `threshold` or above, none missed.

    Nodes with different `numbers` are kept apart. `pairs` (ascending) are alike for another reason, as much
    as `values` say. Source: prefix filter, see native/set_join.cpp.
    """
    n_nodes = len(sets.sizes)
    _check_size(n_nodes)
    made = Clusters(np.empty(n_nodes, dtype=np.uint32), np.empty(n_nodes, dtype=np.float64))
    given = (*sets, numbers, *frequencies, pairs, values, len(pairs))
    call("curate_join_sets", n_nodes, *given, float(threshold), int(linkage == "single"), *made)
    return made if linkage == "leader" else _measured(made.leader, sets)


def _check_size(n_nodes: int) -> None:
    assert n_nodes < 2**32 - 1, "a node is a 32-bit number"
