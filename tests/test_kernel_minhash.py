"""Shingles, signatures, candidate pairs, Jaccards and clusters agree with their naive twins."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.kernels import clusters, minhash
from curate.kernels.clusters import Clusters, Frequencies, Linkage, Links, Sets
from curate.kernels.minhash import Banding, ShingleSets
from curate.kernels.native import call
from curate.kernels.text import U64, Tokenizer

Pairs = set[tuple[int, int]]
Similar = dict[tuple[int, int], float]

short_texts = st.lists(st.text("ab1+ é你", max_size=30), max_size=8)
tokenizers = st.sampled_from(["words", "math"])


def packed(pairs: Pairs) -> U64:
    """Pairs of nodes as the kernels take them: ascending, higher node in the upper half."""
    return np.array(sorted(high << 32 | low for low, high in pairs), dtype=np.uint64)


def unpacked(pairs: U64) -> Pairs:
    """Pairs (lower, higher)."""
    lower, higher = clusters.split_pairs(pairs)
    return set(zip(lower.tolist(), higher.tolist(), strict=True))


def as_sets(sets: Sequence[set[int]]) -> ShingleSets:
    """Sets in one array; it must outlive what `sets_at` makes of it."""
    offsets = np.cumsum([0, *map(len, sets)])
    values = np.array([value for members in sets for value in sorted(members)], dtype=np.uint64)
    return ShingleSets(offsets.astype(np.int64), values)


def list_of(found: Clusters) -> list[tuple[int, float]]:
    """Leader of every node and the Jaccard to it."""
    return list(zip(found.leader.tolist(), found.to_leader.tolist(), strict=True))


@given(short_texts, tokenizers, st.integers(1, 6))
def test_shingle_sets_are_those_of_the_oracle(texts: list[str], tokenizer: Tokenizer, ngram: int) -> None:
    """Every set holds the hashes of the text's n-grams, ascending, each once."""
    found = minhash.shingle_sets(pa.array(texts, pa.large_string()), tokenizer, ngram=ngram)
    for index, sample in enumerate(texts):
        expected = sorted(oracles.shingles(sample, tokenizer, ngram))
        assert found.values[found.offsets[index] : found.offsets[index + 1]].tolist() == expected


@given(short_texts, st.data())
def test_shingle_sets_of_some_rows_are_those_of_the_rows(texts: list[str], draw: st.DataObject) -> None:
    """In the order asked for, a row as often as it is asked for; null is the empty text."""
    column = [*texts, None]
    wanted = draw.draw(st.lists(st.integers(0, len(texts)), max_size=12))
    rows = np.array(wanted, dtype=np.int64)
    found = minhash.shingle_sets(pa.array(column, pa.large_string()), "math", ngram=2, rows=rows)
    assert [
        found.values[start:end].tolist() for start, end in itertools.pairwise(found.offsets.tolist())
    ] == [sorted(oracles.shingles(column[row] or "", "math", 2)) for row in wanted]


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


def test_characters_that_become_many_tokens_fit() -> None:
    """A text of nothing but signs that NFKC writes out in full has room for all its shingles."""
    texts = [character * 50 for character in "¼½⅓⑴㏂⩶⨌ﷺ㍿"] + ["¼½⅓⑴㏂⩶⨌ﷺ㍿"]
    found = minhash.shingle_sets(pa.array(texts), "math", ngram=3)
    for index, sample in enumerate(texts):
        expected = sorted(oracles.shingles(sample, "math", 3))
        assert found.values[found.offsets[index] : found.offsets[index + 1]].tolist() == expected


@given(short_texts, tokenizers, st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_signatures_are_those_of_datasketch(
    texts: list[str], tokenizer: Tokenizer, ngram: int, n: int, seed: int
) -> None:
    """Bit for bit the hash values of a datasketch MinHash of the shingles; all ones without a token."""
    column = pa.array([*texts, "", None], pa.large_string())
    found = minhash.signatures(column, tokenizer, ngram=ngram, n=n, seed=seed)
    assert found.shape == (len(texts) + 2, n)
    for own, sample in zip(found.tolist(), [*texts, "", ""], strict=True):
        assert own == oracles.signature(oracles.shingles(sample, tokenizer, ngram), n, seed)
    assert set(found[-2:].ravel().tolist()) == {2**32 - 1}


@pytest.mark.parametrize(("n", "n_words"), [(126, 700), (128, 1), (256, 263), (5, 3000)])
def test_signatures_of_long_texts_are_those_of_datasketch(n: int, n_words: int) -> None:
    """More shingles than are taken at a time, and a few left over; with and without whole vectors."""
    text = " ".join(f"w{word % 1999}" for word in range(n_words))
    found = minhash.signatures(pa.array([text]), "words", ngram=1, n=n, seed=1)
    assert found[0].tolist() == oracles.signature(oracles.shingles(text, "words", 1), n, 1)


@given(
    short_texts, st.integers(1, 5), st.integers(1, 4), st.integers(1, 7), st.integers(0, 99), st.booleans()
)
def test_band_keys_are_those_of_the_oracle(
    texts: list[str], ngram: int, bands: int, rows_per_band: int, seed: int, numbers_agree: bool
) -> None:
    """Keys, token counts, number keys and equality of sequences, for any shape of signature."""
    found = minhash.band_keys(
        pa.array(texts, pa.large_string()),
        "math",
        ngram=ngram,
        banding=Banding(bands, rows_per_band),
        seed=seed,
        numbers_agree=numbers_agree,
    )
    assert found.keys.shape == (bands, len(texts))
    numbers = [oracles.number_key(sample) for sample in texts]
    assert found.numbers.tolist() == numbers
    for row, sample in enumerate(texts):
        shingles = oracles.shingles(sample, "math", ngram)
        minima = oracles.signature(shingles, bands * rows_per_band, seed)
        expected = oracles.band_keys(minima, bands, rows_per_band, numbers[row] if numbers_agree else 0)
        assert found.keys[:, row].tolist() == (expected if shingles else [0] * bands)
    tokens = [tuple(oracles.tokens(sample, "math")) for sample in texts]
    assert found.n_tokens.tolist() == [len(own) for own in tokens]
    sequences = [tuple(pair) for pair in found.sequence.T.tolist()]
    assert len(set(sequences)) == len(set(tokens)) == len(set(zip(sequences, tokens, strict=True)))


@given(st.lists(st.text("ab12 ", max_size=12), min_size=2, max_size=12), st.booleans())
def test_a_band_key_is_shared_where_the_band_is(texts: list[str], numbers_agree: bool) -> None:
    """Two texts share the key of a band exactly where that slice of the signature, and the numbers, are equal."""
    column, banding = pa.array(texts, pa.large_string()), Banding(6, 2)
    keys = minhash.band_keys(
        column, "math", ngram=1, banding=banding, seed=4, numbers_agree=numbers_agree
    ).keys
    minima = minhash.signatures(column, "math", ngram=1, n=12, seed=4).reshape(len(texts), 6, 2)
    has_tokens = [bool(oracles.tokens(sample, "math")) for sample in texts]
    numbers = [sorted(oracles.numbers_in(sample)) if numbers_agree else [] for sample in texts]
    for (one, other), band in itertools.product(itertools.combinations(range(len(texts)), 2), range(6)):
        if has_tokens[one] and has_tokens[other]:
            same = bool((minima[one, band] == minima[other, band]).all()) and numbers[one] == numbers[other]
            assert (keys[band, one] == keys[band, other]) == same


def test_more_bands_keep_the_keys_of_the_first() -> None:
    """Keys depend on seed and place of a band alone where datasketch draws the same permutations."""
    column = pa.array(["one two three four five six", "seven"])
    made = minhash.band_keys(column, "words", ngram=2, banding=Banding(3, 6), seed=7)
    again = minhash.band_keys(column, "words", ngram=2, banding=Banding(3, 6), seed=7)
    other = minhash.band_keys(column, "words", ngram=2, banding=Banding(3, 6), seed=8)
    assert (again.keys == made.keys).all()
    assert not (other.keys == made.keys).any()


words = st.sampled_from(["ab", "abc", "xyz", "été", "Größe", "12", "123", "+", "x", "题", "число", "題目"])
sentences = st.lists(st.lists(words, max_size=5).map(" ".join), min_size=1, max_size=10)


@given(sentences, st.booleans())
def test_word_gap_keys_are_shared_by_texts_that_differ_in_that_word(
    texts: list[str], numbers_agree: bool
) -> None:
    """A key where a token is a word of three letters or more; equal exactly where all other tokens are."""
    n_rows, max_tokens = len(texts), 4
    keys = minhash.word_gap_keys(
        pa.array(texts, pa.large_string()),
        "math",
        rows=np.arange(n_rows),
        max_tokens=max_tokens,
        numbers_agree=numbers_agree,
    )
    assert keys.shape == (max_tokens, n_rows)
    tokens = [oracles.tokens(sample, "math") for sample in texts]
    for place in range(max_tokens):
        gaps = [oracles.word_gap(own, place, max_tokens) for own in tokens]
        assert [key == 0 for key in keys[place].tolist()] == [gap is None for gap in gaps]
        for one, other in itertools.combinations(range(n_rows), 2):
            if gaps[one] is not None and gaps[other] is not None:
                assert (keys[place, one] == keys[place, other]) == (gaps[one] == gaps[other])


def test_word_gap_keys_of_some_rows() -> None:
    """Line by line those of the rows asked for."""
    column = pa.array(["find the sum", "no", "fund the sum", "find the product"])
    keys = minhash.word_gap_keys(column, "math", rows=np.array([2, 0, 3]), max_tokens=5)
    assert keys[0, 0] == keys[0, 1] != keys[0, 2]
    assert keys[2, 0] != keys[2, 1] == keys[2, 2]
    assert not keys[3:].any()


thresholds = st.floats(0.3, 1.0)


@given(thresholds)
def test_chosen_bands_find_what_they_promise(threshold: float) -> None:
    """Recall at the threshold is 0.998 or more; no pickier band that may be had, and no band fewer, has it."""
    banding = minhash.choose_banding(threshold)
    bands, rows_per_band = banding
    recall = minhash.expected_recall
    assert recall(banding, threshold) >= 0.998
    assert bands * rows_per_band <= 96
    pickier = [Banding(96 // length, length) for length in range(rows_per_band + 1, 97)]
    assert all(recall(other, threshold) < 0.998 for other in pickier)
    assert recall(Banding(bands - 1, rows_per_band), threshold) < 0.998
    more = minhash.choose_banding(threshold, max_permutations=512)
    assert minhash.false_candidate_rate(more, threshold) <= minhash.false_candidate_rate(banding, threshold)


@given(st.integers(1, 40), st.integers(1, 12), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_recall_rises_with_likeness_and_bands_and_falls_with_rows(
    bands: int, rows_per_band: int, one: float, other: float
) -> None:
    """The curve is monotone; the false candidate rate lies below the recall at the threshold."""
    banding, low, high = Banding(bands, rows_per_band), min(one, other), max(one, other)
    recall = minhash.expected_recall
    assert 0.0 <= recall(banding, low) <= recall(banding, high) <= 1.0
    assert recall(banding, low) <= recall(Banding(bands + 1, rows_per_band), low)
    assert recall(banding, low) >= recall(Banding(bands, rows_per_band + 1), low)
    assert minhash.false_candidate_rate(banding, low) <= recall(banding, low)


def edited(tokens: list[str], n_edits: int, rng: np.random.Generator) -> str:
    """The words with some replaced."""
    copy = list(tokens)
    for place in rng.choice(len(copy), n_edits, replace=False):
        copy[place] = f"w{rng.integers(10**6)}"
    return " ".join(copy)


def generated_texts(n_originals: int) -> list[str]:
    """Originals of 60 words, each with four copies in which one to eight words are other ones."""
    rng = np.random.default_rng(1)
    texts = []
    for _ in range(n_originals):
        tokens = [f"w{number}" for number in rng.integers(0, 5000, 60)]
        texts += [" ".join(tokens), *(edited(tokens, int(rng.integers(1, 9)), rng) for _ in range(4))]
    return texts


def test_bands_share_as_often_as_the_curve_says() -> None:
    """Over pairs of known Jaccard, the share that becomes a candidate follows `expected_recall`."""
    texts = generated_texts(400)
    sets = [oracles.shingles(sample, "words", 3) for sample in texts]
    banding = Banding(8, 4)
    keys = minhash.band_keys(pa.array(texts), "words", ngram=3, banding=banding, seed=0).keys
    pairs = [(5 * k, 5 * k + other) for k in range(400) for other in range(1, 5)]
    values = [oracles.jaccard(sets[low], sets[high]) for low, high in pairs]
    met = [bool((keys[:, low] == keys[:, high]).any()) for low, high in pairs]
    expected = [minhash.expected_recall(banding, value) for value in values]
    deviation = math.sqrt(sum(p * (1 - p) for p in expected))
    assert 0.3 < np.mean(expected) < 0.95
    assert abs(sum(met) - sum(expected)) < 4 * deviation


def test_candidates_hold_all_near_pairs() -> None:
    """With 16 bands of 5 at least 99 % of the pairs at a Jaccard of 0.8 or more are found."""
    texts = generated_texts(100)
    sets = [oracles.shingles(sample, "words", 3) for sample in texts]
    near = {
        (low, high)
        for low, high in itertools.combinations(range(len(texts)), 2)
        if oracles.jaccard(sets[low], sets[high]) >= 0.8
    }
    keys = minhash.band_keys(pa.array(texts), "words", ngram=3, banding=Banding(16, 5), seed=0).keys
    nodes = np.arange(len(texts), dtype=np.uint32)
    bands = [clusters.candidate_pairs(keys[band].copy(), nodes, cap=8) for band in range(16)]
    found = unpacked(clusters.sorted_unique(np.concatenate(bands)))
    assert len(near) > 80
    assert len(near & found) >= 0.99 * len(near)
    assert len(found) < 5 * len(near)


def spread_key(number: int) -> int:
    """A 32-bit key as band keys are: any range of the numbers has some."""
    return oracles.finish(number + 1) >> 32


@given(
    st.integers(0, 60), st.integers(1, 9), st.integers(0, 12), st.integers(1, 9), st.integers(0, 2**32 - 1)
)
def test_candidate_pairs_are_those_of_the_oracle(
    n: int, n_keys: int, cap: int, n_parts: int, seed: int
) -> None:
    """All pairs in small buckets, the first and the last before each node in large ones, whole or in parts.

    Of some nodes only, with their keys in a row or by node.
    """
    rng = np.random.default_rng(seed)
    keys = [spread_key(number) for number in rng.integers(0, n_keys, n).tolist()]
    nodes = np.flatnonzero(rng.random(n) < rng.choice([0.5, 1.0])).astype(np.uint32)
    all_keys = np.array(keys, dtype=np.uint32)
    places = oracles.candidate_pairs([keys[node] for node in nodes.tolist()], cap)
    expected = {(int(nodes[low]), int(nodes[high])) for low, high in places}
    found = clusters.candidate_pairs(all_keys[nodes], nodes, cap=cap)
    assert sorted(found.tolist()) == packed(expected).tolist()
    parts = [
        clusters.candidate_pairs(all_keys, nodes, cap=cap, by_node=True, part=part, n_parts=n_parts)
        for part in range(n_parts)
    ]
    assert sorted(np.concatenate(parts).tolist()) == packed(expected).tolist()


def test_candidate_pairs_of_many_keys() -> None:
    """Among 50,000 keys, many of them alone, in several parts of the table and in seven ranges of the keys."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 40_000, 50_000)
    keys = (numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)).astype(np.uint32)
    nodes = np.arange(len(keys), dtype=np.uint32)
    members: dict[int, list[int]] = {}
    for node, key in enumerate(keys.tolist()):
        members.setdefault(key, []).append(node)
    expected = {pair for own in members.values() for pair in itertools.combinations(own, 2)}
    assert len(expected) > 25_000
    whole = clusters.candidate_pairs(keys, nodes, cap=100)
    parts = [clusters.candidate_pairs(keys, nodes, cap=100, part=part, n_parts=7) for part in range(7)]
    assert all(len(part) > 1000 for part in parts)
    assert sorted(whole.tolist()) == sorted(np.concatenate(parts).tolist()) == packed(expected).tolist()


def test_one_bucket_of_a_million_makes_a_linear_number_of_pairs() -> None:
    """A million equal keys make at most cap pairs each, and far fewer than all."""
    n = 1_000_000
    found = clusters.candidate_pairs(np.full(n, 5, dtype=np.uint32), np.arange(n, dtype=np.uint32), cap=8)
    assert n - 1 <= len(found) <= 8 * n


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=50))
def test_first_equal_is_the_first_with_both_keys(keys: list[tuple[int, int]]) -> None:
    """The smallest position whose two keys are the same."""
    both = np.array(keys, dtype=np.uint64).reshape(-1, 2)
    found = clusters.first_equal(both[:, 0].copy(), both[:, 1].copy())
    assert found.tolist() == [keys.index(pair) for pair in keys]


def test_first_equal_over_many_parts() -> None:
    """With a hundred thousand random keys, each twice, the first half finds itself."""
    keys = np.random.default_rng(0).integers(0, 2**63, 100_000).astype(np.uint64)
    twice = np.concatenate([keys, keys])
    found = clusters.first_equal(twice, np.zeros_like(twice))
    assert (found == np.concatenate([np.arange(100_000)] * 2)).all()
    apart = np.concatenate([np.zeros_like(keys), np.ones_like(keys)])
    assert (clusters.first_equal(twice, apart) == np.arange(200_000)).all()


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=40))
def test_sorted_unique_values(values: list[int]) -> None:
    """Ascending, each once."""
    assert clusters.sorted_unique(np.array(values, dtype=np.uint64)).tolist() == sorted(set(values))


@pytest.mark.parametrize("top", [1, 50, 2**31, 2**63, 2**64 - 1])
def test_many_values_are_sorted_in_parts(top: int) -> None:
    """Two hundred thousand values of any size, also where their upper bits are all the same."""
    values = np.random.default_rng(0).integers(0, top, 200_000, dtype=np.uint64)
    expected = np.unique(values)
    assert (clusters.sorted_unique(values.copy()) == expected).all()
    above = expected + np.uint64(2**64 - 1 - top)
    assert (clusters.sorted_unique(above[::-1].copy()) == above).all()


@given(st.lists(st.integers(0, 9), max_size=50))
def test_counts_are_how_often_each_number_is_there(values: list[int]) -> None:
    """A number that is not among the values counts 0."""
    found = clusters.count(np.array(values, dtype=np.uint32), 10)
    assert found.tolist() == [values.count(number) for number in range(10)]


def test_jaccards_are_exact_on_any_number_of_threads() -> None:
    """160 random sets, all pairs, more pairs than one thread takes."""
    rng = np.random.default_rng(0)
    sets = [set(rng.integers(0, 60, rng.integers(0, 50)).tolist()) for _ in range(160)]
    pairs = set(itertools.combinations(range(160), 2))
    stored = as_sets(sets)
    expected = [oracles.jaccard(sets[low], sets[high]) for high in range(160) for low in range(high)]
    for threads in (1, 3):
        assert (
            clusters.jaccards(packed(pairs), clusters.sets_at(stored), threads=threads).tolist() == expected
        )


@st.composite
def two_sets(draw: st.DrawFn) -> tuple[set[int], set[int]]:
    """Two sets of up to 2,000 numbers with any overlap, anywhere among them."""
    n_common, n_one, n_other = (draw(st.integers(0, 40) | st.integers(0, 1000)) for _ in range(3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_all = n_common + n_one + n_other
    numbers = np.sort(rng.choice(4000, n_all, replace=False)).tolist()
    if draw(st.booleans()):  # else all of one kind come first
        rng.shuffle(numbers)
    common = numbers[:n_common]
    return {*common, *numbers[n_common : n_common + n_one]}, {*common, *numbers[n_common + n_one :]}


@settings(max_examples=300)
@given(two_sets(), st.floats(0.0, 1.0))
def test_a_jaccard_is_told_at_the_threshold_or_above(
    both: tuple[set[int], set[int]], threshold: float
) -> None:
    """To the last bit: at its own value it is told, above it is NaN, however early it shows; two empty sets have 0.0."""
    stored, pairs = as_sets(both), packed({(0, 1)})
    sets = clusters.sets_at(stored)
    exact = oracles.jaccard(*both)

    def found(threshold: float) -> float:
        return float(clusters.jaccards(pairs, sets, threshold=threshold)[0])

    if not any(both):
        assert found(threshold) == 0.0
        return
    assert found(0.0) == found(exact) == exact
    assert exact == 1.0 or math.isnan(found(math.nextafter(exact, 1.0)))
    assert found(threshold) == exact if exact >= threshold else math.isnan(found(threshold))


stretches = st.tuples(st.integers(0, 12), st.integers(3, 8)).map(lambda at: set(range(at[0], at[0] + at[1])))
"""Sets of neighbouring numbers: near ones overlap, so they make chains."""


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[set[int]], Pairs]:
    """Some sets, and pairs of them: all, or some."""
    sets = draw(st.lists(stretches | st.sets(st.integers(0, 9), min_size=1), min_size=2, max_size=16))
    every = list(itertools.combinations(range(len(sets)), 2))
    return sets, set(every) if draw(st.booleans()) else draw(st.sets(st.sampled_from(every)))


def linked(sets: Sets, pairs: U64, threshold: float, linkage: Linkage, cuts: Sequence[int] = ()) -> Clusters:
    """Clusters from the pairs at the threshold or above, given in ranges of the higher node."""
    linking = clusters.Linking(sets, threshold=threshold, linkage=linkage)
    for first, last in itertools.pairwise([0, *sorted(cuts), len(sets.sizes)]):
        start, end = np.searchsorted(pairs >> np.uint64(32), [first, last])
        some = pairs[start:end]
        values = clusters.jaccards(some, sets, threshold=threshold)
        linking.add(some[values >= threshold], values[values >= threshold], first, last)
    return linking.clusters()


cluster_thresholds = st.sampled_from([0.2, 0.5, 0.6, 0.75, 0.8, 1.0])
linkages = st.sampled_from(["leader", "single"])


@settings(max_examples=300)
@given(graphs(), cluster_thresholds, linkages, st.lists(st.integers(0, 16), max_size=4))
def test_clusters_are_those_of_the_oracle(
    graph: tuple[list[set[int]], Pairs], threshold: float, linkage: Linkage, cuts: list[int]
) -> None:
    """Leaders, Jaccards to them, best and worst links, over any sets and pairs, at once or range by range."""
    sets, pairs = graph
    stored, ascending = as_sets(sets), packed(pairs)
    at = clusters.sets_at(stored)
    found = linked(at, ascending, threshold, linkage)
    twin = oracles.leader_clusters if linkage == "leader" else oracles.single_clusters
    expected = twin(sets, pairs, threshold)
    assert list_of(found) == expected
    ranges = [cut for cut in cuts if cut <= len(sets)]
    assert list_of(linked(at, ascending, threshold, linkage, ranges)) == expected

    known = {(low, high): oracles.jaccard(sets[low], sets[high]) for low, high in pairs}
    links = Links(np.full(len(sets), np.nan), np.full(len(sets), np.nan))
    clusters.links(ascending, clusters.jaccards(ascending, at), found.leader, links)
    to_leader = {(leader, node) for node, (leader, _) in enumerate(expected) if leader != node}
    by_node = np.array(
        [high << 32 | low for low, high in sorted(to_leader, key=lambda pair: pair[1])], np.uint64
    )
    clusters.links(by_node, clusters.jaccards(by_node, at), found.leader, links)
    measured = [
        None if math.isnan(best) else (best, worst)
        for best, worst in zip(links.best.tolist(), links.worst.tolist(), strict=True)
    ]
    assert measured == oracles.links(expected, known)


def test_links_pass_over_what_was_not_measured() -> None:
    """A pair of NaN, or of two clusters, says nothing about its nodes."""
    pairs = packed({(0, 1), (0, 2), (2, 3)})
    links = Links(np.full(4, np.nan), np.full(4, np.nan))
    leader = np.array([0, 0, 0, 3], dtype=np.uint32)
    clusters.links(pairs, np.array([0.9, np.nan, 0.8]), leader, links)
    assert links.best[:2].tolist() == links.worst[:2].tolist() == [0.9, 0.9]
    assert np.isnan([links.best[2:], links.worst[2:]]).all()


@given(graphs(), cluster_thresholds)
def test_leader_clusters_keep_their_promises(graph: tuple[list[set[int]], Pairs], threshold: float) -> None:
    """A leader is the smallest of its cluster and leads itself; members are at the threshold or above."""
    sets, pairs = graph
    stored = as_sets(sets)
    found = linked(clusters.sets_at(stored), packed(pairs), threshold, "leader")
    for node, leader in enumerate(found.leader.tolist()):
        assert leader <= node
        assert found.leader[leader] == leader
        assert oracles.jaccard(sets[node], sets[leader]) == found.to_leader[node] >= threshold
    near = {pair for pair in pairs if oracles.jaccard(sets[pair[0]], sets[pair[1]]) >= threshold}
    alone = set(range(len(sets))) - {node for pair in near for node in pair}
    assert all(found.leader[node] == node for node in alone)


def test_a_node_joins_the_leader_of_a_neighbour_though_no_pair_holds_it() -> None:
    """No pair holds sets 0 and 2; set 2 reaches 0 through 1 and is measured against it."""
    sets = [{*range(10)}, {*range(9), 10}, {*range(8), 10, 11}]
    stored = as_sets(sets)
    found = linked(clusters.sets_at(stored), packed({(0, 1), (1, 2)}), 0.6, "leader")
    assert list_of(found) == [(0, 1.0), (0, 9 / 11), (0, 8 / 12)]


def test_of_two_leaders_as_near_the_smaller_is_joined() -> None:
    """Whichever is met first: node 4 reaches leader 1 through node 2, and then leader 0 through node 3."""
    sets = [{1, 2, 3}, {3, 4, 5}, {4, 5}, {1, 2}, {2, 3, 4}]
    stored = as_sets(sets)
    at = clusters.sets_at(stored)
    expected = [(0, 1.0), (1, 1.0), (1, 2 / 3), (0, 2 / 3), (0, 0.5)]
    assert list_of(linked(at, packed({(1, 2), (0, 3), (2, 4), (3, 4)}), 0.25, "leader")) == expected
    assert list_of(linked(at, packed({(0, 4), (1, 4)}), 0.5, "leader"))[4] == (0, 0.5)
    assert joined(sets, 0.5, "leader") == expected


def near_sets(
    rng: np.random.Generator, n_sets: int, universe: int, size: int, spread: float
) -> list[set[int]]:
    """Sets that copy one another with some members exchanged, dropped or added, a few empty or copied whole.

    Members are hashes, as shingles are: what the join looks at are their upper bits.
    """
    pool = [oracles.finish(number + 1) for number in range(universe)]
    made: list[set[int]] = []
    for _ in range(n_sets):
        kind = rng.random()
        if kind < 0.03:
            made.append(set())
            continue
        if made and kind < 0.8:
            members = set(made[int(rng.integers(len(made)))])
            for _ in range(int(rng.poisson(spread * max(1, len(members))))):
                change = rng.random()
                if change < 0.7 and members:
                    members.discard(sorted(members)[int(rng.integers(len(members)))])
                if change > 0.3:
                    members.add(pool[int(rng.integers(universe))])
            made.append(members)
        else:
            made.append({pool[index] for index in rng.integers(0, universe, int(rng.integers(1, size + 1)))})
    return made


def similarities(sets: Sequence[set[int]], numbers: Sequence[int] | None, threshold: float) -> Similar:
    """Every pair of sets of the same numbers whose Jaccard is at the threshold or above: all are compared."""
    shingles = sorted(set().union(*sets))
    column = {shingle: place for place, shingle in enumerate(shingles)}
    rows = np.zeros((len(sets), len(shingles)), dtype=np.float32)
    for row, members in enumerate(sets):
        rows[row, [column[shingle] for shingle in members]] = 1.0
    common = (rows @ rows.T).astype(np.float64)  # whole numbers below 2**24 are exact in float32
    sizes = np.array([len(members) for members in sets], dtype=np.float64)
    either = np.maximum(sizes[:, None] + sizes[None, :] - common, 1.0)
    near = np.triu(common / either >= threshold, 1)
    if numbers is not None:
        key = np.array(numbers)
        near &= key[:, None] == key[None, :]
    return {
        (low, high): float(common[low, high] / either[low, high]) for low, high in np.argwhere(near).tolist()
    }


def expected_clusters(
    sets: Sequence[set[int]], similar: Similar, linkage: Linkage
) -> list[tuple[int, float]]:
    """Clusters over all pairs that are alike; single linkage tells the exact Jaccard, alike or not."""
    if linkage == "leader":
        return oracles.closest_leaders(len(sets), similar)
    found = oracles.components(len(sets), set(similar))
    return [
        (first, 1.0 if first == node else oracles.jaccard(sets[first], sets[node]))
        for node, first in enumerate(found)
    ]


def joined(
    sets: Sequence[set[int]],
    threshold: float,
    linkage: Linkage,
    numbers: Sequence[int] | None = None,
    extra: Similar | None = None,
    *,
    bits: int | None = None,
) -> list[tuple[int, float]]:
    """What `join_sets` says of the sets."""
    stored = as_sets(sets)
    at = clusters.sets_at(stored)
    frequencies = clusters.count_shingles(at, 1 << 20)
    if bits is not None:  # a table so small that most shingles share a place
        frequencies = Frequencies(np.zeros(1 << bits, dtype=np.uint8), bits)
        call("curate_count_shingles", len(sets), at.starts, at.sizes, *frequencies)
    extra = extra or {}
    ascending = sorted(extra, key=lambda pair: (pair[1], pair[0]))
    found = clusters.join_sets(
        at,
        frequencies,
        threshold=threshold,
        linkage=linkage,
        numbers=None if numbers is None else np.array(numbers, dtype=np.uint64),
        pairs=packed(set(extra)),
        values=np.array([extra[pair] for pair in ascending], dtype=np.float64),
    )
    return list_of(found)


join_thresholds = st.floats(0.3, 1.0) | st.tuples(st.integers(1, 12), st.integers(1, 12)).map(
    lambda parts: max(0.3, min(parts) / max(parts))
)
"""Any, and the fractions that Jaccards of small sets are: there the threshold is met to the last bit."""


@settings(max_examples=600)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 24),
    st.integers(2, 40),
    st.sampled_from([0.02, 0.1, 0.3]),
    join_thresholds,
    linkages,
    st.integers(0, 3),
    st.sampled_from([None, 2, 5]),
)
def test_the_join_finds_every_pair(
    seed: int,
    n_sets: int,
    size: int,
    spread: float,
    threshold: float,
    linkage: Linkage,
    n_numbers: int,
    bits: int | None,
) -> None:
    """Clusters of the join are those of comparing every two sets, however shingles are counted."""
    rng = np.random.default_rng(seed)
    sets = near_sets(rng, n_sets, 3 * size, size, spread)
    numbers = rng.integers(0, n_numbers, n_sets).tolist() if n_numbers else None
    similar = similarities(sets, numbers, threshold)
    found = joined(sets, threshold, linkage, numbers, bits=bits)
    assert found == expected_clusters(sets, similar, linkage)


def test_the_join_misses_nothing_in_thousands_of_collections() -> None:
    """4,000 collections, a quarter of a million pairs at every threshold: the same clusters as comparing all."""
    rng = np.random.default_rng(2)
    n_near = 0
    for index in range(4000):
        size = int(rng.integers(1, 30))
        sets = near_sets(rng, int(rng.integers(2, 14)), 3 * size, size, float(rng.choice([0.02, 0.1, 0.2])))
        threshold = float(rng.choice([0.3, 0.5, 2 / 3, 0.7, 0.75, 0.8, 0.9, 0.95, 1.0]))
        similar = similarities(sets, None, threshold)
        n_near += len(similar)
        assert joined(sets, threshold, "leader") == expected_clusters(sets, similar, "leader"), index
    assert n_near > 20_000


@given(st.integers(0, 2**32 - 1), st.floats(0.4, 0.9), linkages)
def test_pairs_alike_for_another_reason_join_too(seed: int, threshold: float, linkage: Linkage) -> None:
    """A pair below the threshold that is known to be alike counts as much as it is said to be."""
    rng = np.random.default_rng(seed)
    sets = near_sets(rng, 14, 40, 15, 0.15)
    similar = similarities(sets, None, threshold)
    others = [pair for pair in itertools.combinations(range(14), 2) if pair not in similar]
    chosen = rng.choice(len(others), min(6, len(others)), replace=False).tolist()
    extra = {others[index]: float(rng.uniform(threshold, 1.0)) for index in chosen}
    extra |= dict(itertools.islice(similar.items(), 2))  # known twice over
    found = joined(sets, threshold, linkage, None, extra)
    assert found == expected_clusters(sets, similar | extra, linkage)


@pytest.mark.parametrize(
    ("threshold", "linkage", "n_numbers"),
    [(0.8, "leader", 0), (0.5, "leader", 3), (0.8, "single", 2), (0.95, "leader", 0)],
)
def test_the_join_of_a_large_templated_collection(threshold: float, linkage: Linkage, n_numbers: int) -> None:
    """1,500 sets that share what 300 and more have, so that counts end at 255, and 60 copies of one set."""
    rng = np.random.default_rng(5)
    templates = [{oracles.finish(10**6 + 100 * k + i) for i in range(60)} for k in range(3)]
    sets = near_sets(rng, 500, 3000, 60, 0.08)
    for _ in range(940):
        own = set(templates[int(rng.integers(3))])
        for member in sorted(own)[:: int(rng.integers(4, 30))]:
            own.discard(member)
        sets.append(own | {oracles.finish(int(rng.integers(2 * 10**6, 3 * 10**6))) for _ in range(3)})
    sets += [set(templates[0])] * 60
    order = rng.permutation(len(sets)).tolist()
    sets = [sets[index] for index in order]
    numbers = rng.integers(0, n_numbers, len(sets)).tolist() if n_numbers else None
    similar = similarities(sets, numbers, threshold)
    assert len(similar) > 1500
    found = joined(sets, threshold, linkage, numbers)
    expected = expected_clusters(sets, similar, linkage)
    assert found == expected
    assert 100 < len({leader for leader, _ in found}) < 1500


def test_shingles_with_equal_upper_bits_are_told_apart() -> None:
    """The join looks at the upper 56 bits of a shingle first; the Jaccard at all of it."""
    sets = [{1, 2, 3, 4}, {5, 6, 7, 8}, {1, 2, 3, 9}]
    assert joined(sets, 0.6, "leader") == [(0, 1.0), (1, 1.0), (0, 0.6)]


def test_counts_of_shingles_end_at_255() -> None:
    """300 sets with the same shingle and one each of their own."""
    sets = [{oracles.finish(1), oracles.finish(100 + k)} for k in range(300)]
    stored = as_sets(sets)
    found = clusters.count_shingles(clusters.sets_at(stored), 1 << 20)
    assert len(found.table) == 1 << found.bits <= 1 << 20
    assert found.table.max() == 255
    assert found.table.sum(dtype=np.int64) >= 255 + 290
