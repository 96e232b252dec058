"""Shingles, signatures, candidate pairs, Jaccards and clusters agree with their naive twins."""

from __future__ import annotations

import itertools
import math

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.kernels import clusters, minhash
from curate.kernels.clusters import Linkage
from curate.kernels.minhash import ShingleSets
from curate.kernels.text import U64, Tokenizer

Pairs = set[tuple[int, int]]

short_texts = st.lists(st.text("ab1+ é你", max_size=30), max_size=8)


def packed(pairs: Pairs) -> U64:
    """Pairs of nodes as the kernels take them: ascending, higher node in the upper half."""
    return np.array(sorted(high << 32 | low for low, high in pairs), dtype=np.uint64)


def unpacked(pairs: U64) -> Pairs:
    """Pairs (lower, higher)."""
    lower, higher = clusters.split_pairs(pairs)
    return set(zip(lower.tolist(), higher.tolist(), strict=True))


def as_sets(sets: list[set[int]]) -> ShingleSets:
    """Sets as the kernels take them."""
    offsets = np.cumsum([0, *map(len, sets)])
    values = np.array([value for members in sets for value in sorted(members)], dtype=np.uint64)
    return ShingleSets(offsets.astype(np.int64), values)


@given(short_texts, st.sampled_from(["words", "math"]), st.integers(1, 6))
def test_shingle_sets_are_those_of_the_oracle(texts: list[str], tokenizer: Tokenizer, ngram: int) -> None:
    """Every set holds the hashes of the text's n-grams, ascending, each once."""
    found = minhash.shingle_sets(pa.array(texts, pa.large_string()), tokenizer, ngram=ngram)
    for index, sample in enumerate(texts):
        expected = sorted(oracles.shingles(sample, tokenizer, ngram))
        assert found.values[found.offsets[index] : found.offsets[index + 1]].tolist() == expected


def test_large_sets_are_sorted_and_unique() -> None:
    """Sets of many sizes, with and without repeats, come out in order."""
    rng = np.random.default_rng(0)
    texts = [
        " ".join(map(str, rng.integers(0, top, n)))
        for n in (47, 60, 300, 5000, 70_000)
        for top in (3, 99, 10**9)
    ]
    found = minhash.shingle_sets(pa.array(texts), "words", ngram=1)
    for index, sample in enumerate(texts):
        expected = sorted({oracles.ngram_hash([token]) for token in sample.split()})
        assert found.values[found.offsets[index] : found.offsets[index + 1]].tolist() == expected


@given(short_texts, st.integers(1, 5), st.integers(1, 4), st.integers(1, 7), st.integers(0, 2**40))
def test_band_keys_are_those_of_the_oracle(
    texts: list[str], ngram: int, bands: int, rows_per_band: int, seed: int
) -> None:
    """Keys, token counts and equality of sequences, for any shape of signature."""
    found = minhash.band_keys(
        pa.array(texts, pa.large_string()),
        "math",
        ngram=ngram,
        bands=bands,
        rows_per_band=rows_per_band,
        seed=seed,
    )
    assert found.keys.tolist() == [
        oracles.band_keys(oracles.shingles(sample, "math", ngram), bands, rows_per_band, seed)
        for sample in texts
    ]
    tokens = [tuple(oracles.tokens(sample, "math")) for sample in texts]
    assert found.n_tokens.tolist() == [len(own) for own in tokens]
    sequences = [tuple(pair) for pair in found.sequence.tolist()]
    assert len(set(sequences)) == len(set(tokens)) == len(set(zip(sequences, tokens, strict=True)))


def test_more_bands_keep_the_keys_of_the_first() -> None:
    """Keys depend on seed and shape of a band alone, so bands can be added to what is already signed."""
    column = pa.array(["one two three four five six", "seven"])
    few = minhash.band_keys(column, "words", ngram=2, bands=3, rows_per_band=6, seed=7)
    more = minhash.band_keys(column, "words", ngram=2, bands=9, rows_per_band=6, seed=7)
    other = minhash.band_keys(column, "words", ngram=2, bands=3, rows_per_band=6, seed=8)
    assert (more.keys[:, :3] == few.keys).all()
    assert not (other.keys == few.keys).any()


def edited(words: list[str], n_edits: int, rng: np.random.Generator) -> str:
    """The words with some replaced."""
    copy = list(words)
    for place in rng.choice(len(copy), n_edits, replace=False):
        copy[place] = f"w{rng.integers(10**6)}"
    return " ".join(copy)


def generated_texts(n_originals: int) -> list[str]:
    """Originals of 60 words, each with four copies in which one to eight words are other ones."""
    rng = np.random.default_rng(1)
    texts = []
    for _ in range(n_originals):
        words = [f"w{number}" for number in rng.integers(0, 5000, 60)]
        texts += [" ".join(words), *(edited(words, int(rng.integers(1, 9)), rng) for _ in range(4))]
    return texts


def test_bands_share_as_often_as_the_curve_says() -> None:
    """Over pairs of known Jaccard, the share that becomes a candidate follows `expected_recall`."""
    texts = generated_texts(400)
    sets = [oracles.shingles(sample, "words", 3) for sample in texts]
    keys = minhash.band_keys(pa.array(texts), "words", ngram=3, bands=8, rows_per_band=4, seed=0).keys
    pairs = [(5 * k, 5 * k + other) for k in range(400) for other in range(1, 5)]
    values = [oracles.jaccard(sets[low], sets[high]) for low, high in pairs]
    met = [bool((keys[low] == keys[high]).any()) for low, high in pairs]
    expected = [minhash.expected_recall(8, 4, value) for value in values]
    deviation = math.sqrt(sum(p * (1 - p) for p in expected))
    assert 0.3 < np.mean(expected) < 0.95
    assert abs(sum(met) - sum(expected)) < 4 * deviation


def test_candidates_hold_all_near_pairs() -> None:
    """With 21 bands of 6 at least 99 % of the pairs at a Jaccard of 0.8 or more are found."""
    texts = generated_texts(100)
    sets = [oracles.shingles(sample, "words", 3) for sample in texts]
    near = {
        (low, high)
        for low, high in itertools.combinations(range(len(texts)), 2)
        if oracles.jaccard(sets[low], sets[high]) >= 0.8
    }
    keys = minhash.band_keys(pa.array(texts), "words", ngram=3, bands=21, rows_per_band=6, seed=0).keys
    nodes = np.arange(len(texts), dtype=np.uint32)
    found = unpacked(
        clusters.merge_pairs(
            clusters.candidate_pairs(keys[:, band].copy(), nodes, cap=8) for band in range(21)
        )
    )
    assert len(near) > 80
    assert len(near & found) >= 0.99 * len(near)
    assert len(found) < 5 * len(near)


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(0, 12))
def test_candidate_pairs_are_those_of_the_oracle(keys: list[int], cap: int) -> None:
    """All pairs in small buckets, the first and the last before each node in large ones."""
    nodes = np.arange(len(keys), dtype=np.uint32)
    found = clusters.candidate_pairs(np.array(keys, dtype=np.uint64), nodes, cap=cap)
    assert unpacked(found) == oracles.candidate_pairs(keys, cap)
    assert len(unpacked(found)) == len(found)


def test_one_bucket_of_a_million_makes_a_linear_number_of_pairs() -> None:
    """A million equal keys make at most cap pairs each, and far fewer than all."""
    n = 1_000_000
    found = clusters.candidate_pairs(np.full(n, 5, dtype=np.uint64), np.arange(n, dtype=np.uint32), cap=8)
    assert n - 1 <= len(found) <= 8 * n


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=50))
def test_first_equal_is_the_first_with_both_keys(keys: list[tuple[int, int]]) -> None:
    """The smallest position whose two keys are the same."""
    both = np.array(keys, dtype=np.uint64).reshape(-1, 2)
    found = clusters.first_equal(both[:, 0].copy(), both[:, 1].copy())
    assert found.tolist() == [keys.index(pair) for pair in keys]
    firsts = [pair[0] for pair in keys]
    assert clusters.first_equal(both[:, 0].copy()).tolist() == [firsts.index(key) for key in firsts]


def test_first_equal_over_many_parts() -> None:
    """With a hundred thousand random keys, each twice, the first half finds itself."""
    keys = np.random.default_rng(0).integers(0, 2**63, 100_000).astype(np.uint64)
    found = clusters.first_equal(np.concatenate([keys, keys]))
    assert (found == np.concatenate([np.arange(100_000)] * 2)).all()


def test_merged_pairs_are_sorted_and_unique(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often the parts are merged on the way."""
    rng = np.random.default_rng(0)
    parts = [rng.integers(0, 50, 40).astype(np.uint64) for _ in range(9)]
    expected = sorted(set(np.concatenate(parts).tolist()))
    assert clusters.merge_pairs(iter(parts)).tolist() == expected
    monkeypatch.setattr(clusters, "MERGE_AT", 10)
    assert clusters.merge_pairs(iter(parts)).tolist() == expected
    assert clusters.merge_pairs([]).tolist() == []


def test_jaccards_are_exact_on_any_number_of_threads() -> None:
    """Sixty random sets, all pairs, more pairs than one thread takes."""
    rng = np.random.default_rng(0)
    sets = [set(rng.integers(0, 60, rng.integers(0, 50)).tolist()) for _ in range(160)]
    pairs = set(itertools.combinations(range(160), 2))
    expected = [oracles.jaccard(sets[low], sets[high]) for high in range(160) for low in range(high)]
    for threads in (1, 3):
        assert clusters.jaccards(packed(pairs), as_sets(sets), threads=threads).tolist() == expected


stretches = st.tuples(st.integers(0, 12), st.integers(3, 8)).map(lambda at: set(range(at[0], at[0] + at[1])))
"""Sets of neighbouring numbers: near ones overlap, so they make chains."""


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[set[int]], Pairs]:
    """Some sets, and pairs of them: all, or some."""
    sets = draw(st.lists(stretches | st.sets(st.integers(0, 9), min_size=1), min_size=2, max_size=16))
    every = list(itertools.combinations(range(len(sets)), 2))
    return sets, set(every) if draw(st.booleans()) else draw(st.sets(st.sampled_from(every)))


thresholds = st.sampled_from([0.2, 0.5, 0.6, 0.75, 0.8, 1.0])


@given(graphs(), thresholds, st.sampled_from(["leader", "single"]))
def test_clusters_are_those_of_the_oracle(
    graph: tuple[list[set[int]], Pairs], threshold: float, linkage: Linkage
) -> None:
    """Leaders, Jaccards to them, best and worst links, over any sets and any pairs among them."""
    sets, pairs = graph
    csr, ascending = as_sets(sets), packed(pairs)
    values = clusters.jaccards(ascending, csr)
    found = clusters.link(ascending, values, csr, threshold=threshold, linkage=linkage)
    twin = oracles.leader_clusters if linkage == "leader" else oracles.single_clusters
    expected = twin(sets, pairs, threshold)
    assert list(zip(found.leader.tolist(), found.to_leader.tolist(), strict=True)) == expected

    known = {(low, high): oracles.jaccard(sets[low], sets[high]) for low, high in pairs}
    best, worst = clusters.links(ascending, values, found)
    measured = [None if math.isnan(b) else (b, w) for b, w in zip(best.tolist(), worst.tolist(), strict=True)]
    assert measured == oracles.links(expected, known)


@given(graphs(), thresholds)
def test_leader_clusters_keep_their_promises(graph: tuple[list[set[int]], Pairs], threshold: float) -> None:
    """A leader is the smallest of its cluster and leads itself; members are at the threshold or above."""
    sets, pairs = graph
    csr, ascending = as_sets(sets), packed(pairs)
    found = clusters.link(
        ascending, clusters.jaccards(ascending, csr), csr, threshold=threshold, linkage="leader"
    )
    for node, leader in enumerate(found.leader.tolist()):
        assert leader <= node
        assert found.leader[leader] == leader
        assert oracles.jaccard(sets[node], sets[leader]) == found.to_leader[node] >= threshold
    near = {pair for pair in pairs if oracles.jaccard(sets[pair[0]], sets[pair[1]]) >= threshold}
    alone = set(range(len(sets))) - {node for pair in near for node in pair}
    assert all(found.leader[node] == node for node in alone)


def test_a_jaccard_computed_for_the_leader_counts_as_a_link_of_both() -> None:
    """No pair holds sets 0 and 2; set 2 reaches 0 through 1, is measured against it, and both remember."""
    sets = [{*range(10)}, {*range(9), 10}, {*range(8), 10, 11}]
    csr, pairs = as_sets(sets), packed({(0, 1), (1, 2)})
    values = clusters.jaccards(pairs, csr)
    found = clusters.link(pairs, values, csr, threshold=0.6, linkage="leader")
    best, worst = clusters.links(pairs, values, found)
    assert found.leader.tolist() == [0, 0, 0]
    assert found.to_leader.tolist() == [1.0, 9 / 11, 8 / 12]
    assert best.tolist() == [9 / 11, 9 / 11, 9 / 11]
    assert worst.tolist() == [8 / 12, 9 / 11, 8 / 12]
