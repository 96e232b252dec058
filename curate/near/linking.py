"""From candidate pairs to clusters: exact similarities, then who joins whom."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from curate.disk import Mapped, packed, write_arrow
from curate.kernels import clusters
from curate.kernels.clusters import F64, Clusters, Links
from curate.kernels.minhash import U32
from curate.kernels.text import U64
from curate.near.shingled import Shingled
from curate.near.short import edit_similarity
from curate.near.signing import NearParams

BLOCK_BYTES = 64_000_000
"""Shingle sets looked at before their memory is let go, where pairs did not fit."""


SPARSE_PAIRS = 512
"""Pairs all over the files that are measured before memory is let go: each may bring in 128 kB."""


class Measured:
    """Pairs of candidates and their similarity, NaN below the threshold: range by range."""

    def __init__(self, folder: Path, *, spills: bool) -> None:
        self._folder = folder
        self.spills = spills
        self.ranges: list[tuple[int, int, U64, F64]] = []
        self._files: list[Mapped] = []

    def add(self, first: int, last: int, pairs: U64, values: F64) -> None:
        """Take the pairs whose higher candidate lies in [first, last); the ranges ascend."""
        if self.spills:
            path = self._folder / f"measured-{len(self.ranges):03d}.arrow"
            write_arrow(packed(pairs=pairs, values=values), path)
            self._files.append(file := Mapped(path))
            pairs, values = file.array("pairs", np.uint64), file.array("values", np.float64)
        self.ranges.append((first, last, pairs, values))

    def release(self) -> None:
        """Let go of the memory of what was read of the files."""
        for file in self._files:
            file.release()


def measure(
    pairs: U64,
    shingled: Shingled,
    worded: npt.NDArray[np.bool_],
    params: NearParams,
    *,
    workers: int,
    blockwise: bool,
) -> F64:
    """Jaccard of every pair, or the edit similarity of two whose tokens were kept; NaN below the threshold.

    With `blockwise` the sets of the lower candidates are read a block at a time and let go.
    """
    jaccards = functools.partial(clusters.jaccards, threshold=params.threshold, threads=workers)
    low, high = clusters.split_pairs(pairs)
    if blockwise:
        values = np.empty(len(pairs), dtype=np.float64)
        ends = np.cumsum(shingled.sets.sizes, dtype=np.int64) * 8 // BLOCK_BYTES
        order = np.argsort(low, kind="stable")
        cuts = np.flatnonzero(np.diff(ends[low[order]], prepend=-1))
        for block in np.split(order, cuts[1:]):
            values[block] = jaccards(pairs[block], shingled.sets)
            shingled.release()
    else:
        values = jaccards(pairs, shingled.sets)
    for index in np.flatnonzero(np.isnan(values) & worded[low] & worded[high]).tolist():
        one, other = shingled.words(int(low[index])), shingled.words(int(high[index]))
        values[index] = edit_similarity(one, other, params.threshold)
    return values


def near_nodes(measured: Measured, n_nodes: int) -> npt.NDArray[np.bool_]:
    """Whether each candidate is in a pair at the threshold or above."""
    near = np.zeros(n_nodes, dtype=np.bool_)
    for _, _, pairs, values in measured.ranges:
        for side in clusters.split_pairs(pairs[~np.isnan(values)]):
            near[side] = True
    return near


def keep_apart(
    measured: Measured,
    labels: U64,
    shingled: Shingled,
    worded: npt.NDArray[np.bool_],
    params: NearParams,
    *,
    workers: int,
) -> Shingled:
    """Forget the similarity of pairs that the labels, or words that they do not excuse, keep apart.

    Returns the sets with their labels.
    """
    labelled = shingled._replace(sets=shingled.sets._replace(labels=labels))
    for index, (first, last, pairs, values) in enumerate(measured.ranges):
        near = np.flatnonzero(~np.isnan(values))
        kept = np.full(len(values), np.nan)
        some = pairs[near]
        kept[near] = measure(some, labelled, worded, params, workers=workers, blockwise=measured.spills)
        low, high = (labels[side] for side in clusters.split_pairs(some))
        kept[near[(low & high & np.uint64(1) == 1) & (low != high)]] = np.nan
        measured.ranges[index] = (first, last, pairs, kept)
    return labelled


class Linked(NamedTuple):
    """Clusters of the candidates, at the threshold and at the stricter one for those that grow too large."""

    base: Clusters
    strict: Clusters


class Known(NamedTuple):
    """Leaders of the candidates that earlier data has settled: the first of all, by their numbers."""

    base: U32
    strict: U32


def cluster(
    measured: Measured,
    shingled: Shingled,
    numbers: U64 | None,
    params: NearParams,
    known: Known,
    memory_bytes: int,
) -> Linked:
    """Clusters from the measured pairs, or, with mode exact-join, from all pairs there are."""
    if params.mode == "exact-join":
        everything = np.arange(len(shingled.sets.sizes), dtype=np.uint32)
        base = _joined(measured, shingled, numbers, params, params.threshold, everything, memory_bytes)
        strict = Clusters(everything.copy(), np.ones(len(everything)))
        is_large = large_leaders(base.leader, everything, params)
        large = np.flatnonzero(is_large[base.leader]).astype(np.uint32)
        if len(large):
            stricter = params.large_threshold
            own = base.leader.astype(np.uint64)
            again = _joined(measured, shingled, own, params, stricter, large, memory_bytes)
            strict.leader[large], strict.to_leader[large] = large[again.leader], again.to_leader
        return Linked(base, strict)
    base = _linked(measured, shingled, params, params.threshold, known.base)
    if params.large_cluster is None or params.large_threshold <= params.threshold:
        return Linked(base, base)
    strict = _linked(measured, shingled, params, params.large_threshold, known.strict, within=base.leader)
    return Linked(base, strict)


def large_leaders(leader: U32, members: U32, params: NearParams) -> npt.NDArray[np.bool_]:
    """Whether more of the members follow each than are believed at once."""
    if params.large_cluster is None or params.large_threshold <= params.threshold:
        return np.zeros(len(leader), dtype=np.bool_)
    return clusters.count(leader[members], len(leader)) > params.large_cluster


def _linked(
    measured: Measured,
    shingled: Shingled,
    params: NearParams,
    threshold: float,
    known: U32,
    within: U32 | None = None,
) -> Clusters:
    """Clusters from the measured pairs, or from those in one cluster of which `within` has the leaders."""
    linking = clusters.Linking(shingled.sets, threshold=threshold, linkage=params.linkage, known=known)
    for first, last, pairs, values in measured.ranges:
        near = values >= threshold
        if within is not None:  # a leader outside may itself follow another there
            low, high = clusters.split_pairs(pairs)
            near &= within[low] == within[high]
        linking.add(pairs[near], values[near], first, last)
        if measured.spills:
            shingled.release()
            measured.release()
    made = linking.clusters()
    settled = np.flatnonzero(made.leader[: len(known)] != np.arange(len(known))).astype(np.uint32)
    wanted = clusters.pack_pairs(made.leader[settled], settled)
    made.to_leader[settled] = clusters.jaccards(wanted, shingled.sets.plain())
    for _, _, pairs, values in measured.ranges:  # where the edit similarity is what counts
        _, here, there = np.intersect1d(wanted, pairs, assume_unique=True, return_indices=True)
        made.to_leader[settled[here]] = np.fmax(made.to_leader[settled[here]], values[there])
    return made


def _joined(
    measured: Measured,
    shingled: Shingled,
    apart: U64 | None,
    params: NearParams,
    threshold: float,
    nodes: U32,
    memory_bytes: int,
) -> Clusters:
    """Clusters among some candidates, which ascend, told by their places among them.

    Candidates that differ in `apart` do not meet.
    """
    sets = shingled.sets.of(nodes)
    place = np.full(len(shingled.sets.sizes), len(nodes), dtype=np.uint32)
    place[nodes] = np.arange(len(nodes), dtype=np.uint32)
    pairs = np.concatenate([clusters.NO_PAIRS, *(pairs for _, _, pairs, _ in measured.ranges)])
    values = np.concatenate([clusters.NO_VALUES, *(values for _, _, _, values in measured.ranges)])
    low, high = clusters.split_pairs(pairs)
    near = values >= threshold
    if apart is not None:
        near &= apart[low] == apart[high]
    low, high = place[low], place[high]
    near &= (low < len(nodes)) & (high < len(nodes))
    return clusters.join_sets(
        sets,
        clusters.count_shingles(sets, memory_bytes // 4),
        threshold=threshold,
        linkage=params.linkage,
        numbers=None if apart is None else apart[nodes],
        pairs=clusters.pack_pairs(low[near], high[near]),
        values=values[near],
    )


def link_range(measured: Measured, leader: U32, to_leader: F64, shingled: Shingled, workers: int) -> Links:
    """Highest and lowest similarity known of every candidate to another of its cluster; NaN if alone."""
    n = len(leader)
    known = Links(np.full(n, np.nan), np.full(n, np.nan))
    for _, _, pairs, values in measured.ranges:
        clusters.links(pairs, values, leader, known)
        low, high = clusters.split_pairs(pairs)
        below = pairs[np.isnan(values) & (leader[low] == leader[high])]
        at_once = SPARSE_PAIRS if measured.spills else max(1, len(below))
        for start in range(0, len(below), at_once):
            some = below[start : start + at_once]
            clusters.links(
                some, clusters.jaccards(some, shingled.sets.plain(), threads=workers), leader, known
            )
            if measured.spills:
                shingled.release()
        if measured.spills:
            measured.release()
    others = np.flatnonzero(leader != np.arange(n, dtype=np.uint32)).astype(np.uint32)
    clusters.links(clusters.pack_pairs(leader[others], others), to_leader[others], leader, known)
    return known
