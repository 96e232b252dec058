"""From band keys to candidate pairs, from pairs to exact Jaccards, from Jaccards to clusters.

A *node* is a position in an array whose order is ascending row_id, so "smallest node" means smallest
row_id. A pair of nodes is one number, higher << 32 | lower: sorted pairs are grouped by the higher node.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from curate.kernels.minhash import ShingleSets
from curate.kernels.native import call
from curate.kernels.text import I64, U64

F64 = npt.NDArray[np.float64]
U32 = npt.NDArray[np.uint32]

Linkage = Literal["leader", "single"]
MERGE_AT = 1 << 24
"""Unmerged pairs kept at most, besides as many as are already merged: 128 MB."""


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


def first_equal(keys: U64, second: U64 | None = None) -> I64:
    """For every position the smallest position with the same key (and the same second key)."""
    _check_size(len(keys))
    first = np.empty(len(keys), dtype=np.int64)
    call("curate_first_equal", keys, second, len(keys), first)
    return first


def candidate_pairs(keys: U64, nodes: U32, *, cap: int) -> U64:
    """Pairs of nodes with equal keys, in no particular order, each once.

    nodes ascend. In a bucket of at most `cap` nodes every two make a pair; in a larger one each node is
    paired with the first cap // 2 nodes and the cap // 2 before it, so there are at most cap pairs a node.
    """
    _check_size(len(keys))
    capacity = max(1024, 2 * len(keys))
    while True:
        pairs = np.empty(capacity, dtype=np.uint64)
        found = call("curate_candidate_pairs", keys, nodes, len(keys), cap, pairs, capacity)
        if found <= capacity:
            return pairs[:found].copy()
        capacity = found


def merge_pairs(parts: Iterable[U64]) -> U64:
    """All pairs, ascending, each once; holds little more than the result at any time."""
    merged = np.empty(0, dtype=np.uint64)
    waiting: list[U64] = []
    n_waiting = 0
    for part in parts:
        waiting.append(part)
        n_waiting += len(part)
        if n_waiting > MERGE_AT + len(merged):
            merged = _sorted_unique([merged, *waiting])
            waiting, n_waiting = [], 0
    return _sorted_unique([merged, *waiting])


def _sorted_unique(parts: list[U64]) -> U64:
    values = np.concatenate(parts)
    values.sort()
    return values[np.r_[True, values[1:] != values[:-1]]] if len(values) else values


def split_pairs(pairs: U64) -> tuple[U32, U32]:
    """Lower and higher node of every pair."""
    return pairs.astype(np.uint32), (pairs >> np.uint64(32)).astype(np.uint32)


def renumber(pairs: U64, number: U32) -> U64:
    """The pairs with number[node] in place of every node; their order stays if `number` ascends."""
    lower, higher = split_pairs(pairs)
    return number[higher].astype(np.uint64) << np.uint64(32) | number[lower]


def jaccards(pairs: U64, sets: ShingleSets, *, threads: int = 1) -> F64:
    """Exact Jaccard of the shingle sets of every pair; 0.0 for two empty sets."""
    values = np.empty(len(pairs), dtype=np.float64)

    def measure(start: int, stop: int) -> None:
        call(
            "curate_jaccards", pairs[start:stop], stop - start, sets.values, sets.offsets, values[start:stop]
        )

    if threads == 1 or len(pairs) < 10_000:
        measure(0, len(pairs))
        return values
    edges = np.linspace(0, len(pairs), 8 * threads + 1, dtype=np.int64).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(measure, edges[:-1], edges[1:]))
    return values


def link(pairs: U64, values: F64, sets: ShingleSets, *, threshold: float, linkage: Linkage) -> Clusters:
    """Clusters of all nodes that have a set, from ascending pairs and their Jaccards.

    leader: in ascending order a node joins the leader with the highest Jaccard of at least `threshold`
    (the smaller on a tie) among the leaders of its lower neighbours, computed where no pair holds it;
    else it leads. Every member is that near to its leader, so chains do not merge.
    single: connected components.
    """
    n_nodes = len(sets.offsets) - 1
    leader = np.empty(n_nodes, dtype=np.uint32)
    to_leader = np.empty(n_nodes, dtype=np.float64)
    call(
        f"curate_{linkage}_clusters",
        pairs,
        values,
        len(pairs),
        n_nodes,
        sets.values,
        sets.offsets,
        threshold,
        leader,
        to_leader,
    )
    return Clusters(leader, to_leader)


def links(pairs: U64, values: F64, clusters: Clusters) -> Links:
    """Highest and lowest known Jaccard of every node within its cluster."""
    n_nodes = len(clusters.leader)
    best, worst = np.full(n_nodes, np.nan), np.full(n_nodes, np.nan)
    call("curate_links", pairs, values, len(pairs), n_nodes, clusters.leader, clusters.to_leader, best, worst)
    return Links(best, worst)


def _check_size(n_nodes: int) -> None:
    assert n_nodes < 2**32 - 1, "a node is a 32-bit number"
