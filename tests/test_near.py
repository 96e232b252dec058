"""Near-duplicates are those of comparing every two texts, whatever the mode, the memory and the cutting."""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import oracles
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curate.disk import write_arrow
from curate.errors import MachineError
from curate.kernels import clusters
from curate.kernels import symbols as kinds_of
from curate.kernels.clusters import F64
from curate.kernels.minhash import Banding, choose_banding
from curate.kernels.native import Texts
from curate.kernels.text import I64, U64
from curate.near import find, near_duplicates
from curate.near import pairs as pairs_module
from curate.near.find import STATUSES, find_near
from curate.near.pairs import MAX_BUCKET, RANGES, Pairs
from curate.near.short import MATHEMATICAL_WORDS, NUMBER_WORDS, edit_similarity, token_texts
from curate.near.signing import NearParams, Prompts

BOTH_MODES = pytest.mark.parametrize("mode", ["lsh", "exact-join"])
MISSES_NOTHING = Banding(120, 3)
"""Of pairs at a Jaccard of 0.5 it misses one in nine million."""


class Row(NamedTuple):
    """What is found about one row; NaN is None."""

    status: str
    representative: int
    size: int
    jaccard: float
    best: float | None = None
    worst: float | None = None


def params_of(*, threshold: float = 0.8, **changed: Any) -> NearParams:
    """The defaults, with bands for the threshold; symbols may be exchanged, of which the twin knows nothing."""
    plain: dict[str, Any] = {
        "banding": choose_banding(threshold),
        "symbols_agree": False,
        "words_agree": False,
        "labels_agree": False,
    }
    return NearParams(threshold=threshold, **plain | changed)


def found_in(
    texts: Sequence[str | None],
    folder: Path,
    params: NearParams,
    *,
    cuts: Iterable[int] = (),
    skipped: Iterable[int] = (),
    memory_bytes: int = 1 << 30,
    workers: int = 2,
    in_files: bool = False,
    labels: Sequence[int] | None = None,
) -> list[Row]:
    """What `find_near` says of every text; a part ends at each of the cuts."""
    folder.mkdir(parents=True, exist_ok=True)
    left_out = np.isin(np.arange(len(texts)), list(skipped))
    edges = [0, *sorted(cuts), len(texts)]

    def read(part: tuple[int, int]) -> Prompts:
        column = pa.array(texts[slice(*part)], pa.large_string())
        return Prompts(Texts(column), left_out[slice(*part)] if left_out.any() else None)

    def work(fn: Callable[[Any], pa.Table], items: Sequence[Any], name: str) -> Sequence[Path | pa.Table]:
        made = [fn(item) for item in items]
        if not in_files:
            return made
        paths = [folder / f"{name}-{index}.arrow" for index in range(len(made))]
        for table, path in zip(made, paths, strict=True):
            write_arrow(table, path)
        return paths

    def label(part: tuple[int, int], places: I64) -> U64:
        return np.array(labels, dtype=np.uint64)[part[0] + places]

    parts = list(itertools.pairwise(edges))
    limits: dict[str, Any] = {"memory_bytes": memory_bytes, "workers": workers}
    near = find_near(parts, read, params, work, folder, **limits, label=label if labels else None)
    rows = []
    for index in range(len(parts)):
        found = near.part(index)
        links = ([None if math.isnan(link) else link for link in side] for side in (found.best, found.worst))
        status = STATUSES[found.status].tolist()
        told = (status, found.representative.tolist(), found.size.tolist(), found.jaccard.tolist(), *links)
        rows += [Row(*row) for row in zip(*told, strict=True)]
    return rows


def without_links(rows: Sequence[Row]) -> list[tuple[str, int, int, float]]:
    """All but the best and worst link, which speak of the pairs that were looked at."""
    return [row[:4] for row in rows]


def one_letter_apart(one: str, other: str) -> bool:
    """Whether the words, of five letters or more, differ by one letter changed, left out or put in."""
    if min(len(one), len(other)) < 5:
        return False
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) == 1
    shorter, longer = sorted((one, other), key=len)
    return any(shorter == longer[:place] + longer[place + 1 :] for place in range(len(longer)))


def swapped(one: str, other: str) -> bool:
    """Whether the words, of three letters or more, are equal but for two neighbouring letters."""
    exchanges = (
        one[:place] + one[place + 1] + one[place] + one[place + 2 :] for place in range(len(one) - 1)
    )
    return len(one) >= 3 and one != other and other in exchanges


def levenshtein(one: str, other: str) -> int:
    """Least number of letters to change, leave out or put in."""
    before = list(range(len(other) + 1))
    for row, a in enumerate(one, start=1):
        now = [row]
        for column, b in enumerate(other, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (a != b)))
        before = now
    return before[-1]


def misspelt_similarity(one: str, other: str) -> float:
    """1 - Levenshtein / length of the longer if the tokens are equal but for one misspelt word, else 0."""
    tokens = [oracles.tokens(text, "math") for text in (one, other)]
    if len(tokens[0]) != len(tokens[1]):
        return 0.0
    different = [(a, b) for a, b in zip(*tokens, strict=True) if a != b]
    if len(different) != 1:
        return 0.0
    a, b = different[0]
    names = {name.casefold() for name in re.findall("[A-Z]{2,}", f"{one} {other}")}
    if not (a.isalpha() and b.isalpha()) or {a, b} & (NUMBER_WORDS | MATHEMATICAL_WORDS | names):
        return 0.0
    if not (one_letter_apart(a, b) or swapped(a, b)):
        return 0.0
    joined = [" ".join(own) for own in tokens]
    return 1.0 - levenshtein(*joined) / max(map(len, joined))


def clustered(n: int, similar: dict[tuple[int, int], float], linkage: str) -> list[int]:
    """Leader of every node over all pairs that are alike."""
    if linkage == "single":
        return oracles.components(n, set(similar))
    return [leader for leader, _ in oracles.closest_leaders(n, similar)]


def compared_all(
    texts: Sequence[str | None],
    params: NearParams,
    skipped: Iterable[int] = (),
    labels: Sequence[int] | None = None,
) -> list[tuple[str, int, int, float]]:
    """What comparing every two texts says of each: status, representative, size, Jaccard."""
    label = labels or [0] * len(texts)
    tokens = [oracles.tokens(text or "", params.tokenizer) for text in texts]
    status = ["short" if len(own) <= params.short_tokens else "ok" for own in tokens]
    for row, own in enumerate(tokens):
        status[row] = "skipped" if row in skipped else status[row] if own else "no-text"
    measured = [row for row in range(len(texts)) if status[row] in ("ok", "short")]
    firsts: dict[tuple[str, ...], int] = {}
    first = {row: firsts.setdefault(tuple(tokens[row]), row) for row in measured}
    rows = sorted(set(first.values()))
    sets = [oracles.shingles(texts[row] or "", params.tokenizer, params.ngram) for row in rows]
    numbers = [sorted(oracles.numbers_in(texts[row] or "")) for row in rows]
    similar = {}
    for low, high in itertools.combinations(range(len(rows)), 2):
        if params.numbers_agree and numbers[low] != numbers[high]:
            continue
        value = oracles.jaccard(sets[low], sets[high])
        a, b = label[rows[low]], label[rows[high]]
        if params.labels_agree and a & b & 1 and a != b:
            continue
        if params.words_agree and not (a and a == b):
            value *= not oracles.words_part(texts[rows[high]] or "", texts[rows[low]] or "")
        if value < params.threshold and status[rows[low]] == status[rows[high]] == "short":
            value = misspelt_similarity(texts[rows[low]] or "", texts[rows[high]] or "")
        if value >= params.threshold:
            similar[low, high] = value
    leader = clustered(len(rows), similar, params.linkage)
    large = [
        params.large_cluster is not None
        and params.large_threshold > params.threshold
        and leader.count(leading) > params.large_cluster
        for leading in leader
    ]
    stricter = {
        (low, high): value
        for (low, high), value in similar.items()
        if large[low] and leader[low] == leader[high] and value >= params.large_threshold
    }
    again = clustered(len(rows), stricter, params.linkage)
    final = [again[node] if large[node] else leader[node] for node in range(len(rows))]
    node_of = {row: node for node, row in enumerate(rows)}
    sizes: dict[int, int] = {}
    for row in measured:
        leading = final[node_of[first[row]]]
        sizes[leading] = sizes.get(leading, 0) + 1
    told = []
    for row in range(len(texts)):
        if row not in first:
            told.append((status[row], row, 1, 1.0))
            continue
        node = node_of[first[row]]
        leading = final[node]
        value = 1.0 if leading == node else similar.get((leading, node), 0.0)
        if leading != node and params.linkage == "single":
            value = oracles.jaccard(sets[leading], sets[node])
        told.append(("large" if large[node] else status[row], rows[leading], sizes[leading], value))
    return told


def misspelt(word: str, rng: random.Random) -> str:
    """The word with a letter changed, left out, put in or swapped."""
    place = rng.randrange(len(word) - 1)
    kinds = (
        word[:place] + rng.choice("aeiou") + word[place + 1 :],
        word[:place] + word[place + 1 :],
        word[:place] + rng.choice("aeiou") + word[place:],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
    )
    return rng.choice(kinds)


def generated(n_originals: int, seed: int, longest: int = 45) -> list[str | None]:
    """Originals with copies: exact, in other case, reworded, misspelt, with other numbers; nulls; any order."""
    rng = random.Random(seed)
    letters = "bcdfgklmnprst"
    vocabulary = [
        "".join(rng.choice(letters + "aeiou") for _ in range(rng.randrange(3, 9))) for _ in range(900)
    ]
    texts: list[str | None] = [None, "", " ?! ", "x", "x", "1 2 3", "题目一", "题目二"]
    for _ in range(n_originals):
        words = [rng.choice(vocabulary) for _ in range(rng.randrange(3, longest))]
        words[rng.randrange(len(words))] = str(rng.randrange(50))
        for _ in range(rng.randrange(1, 6)):
            copy = list(words)
            for _ in range(rng.randrange(0, 3)):
                place = rng.randrange(len(copy))
                if copy[place].isalpha():
                    copy[place] = rng.choice([rng.choice(vocabulary), misspelt(copy[place], rng)])
            text = " ".join(copy)
            texts.append(
                rng.choice(
                    [text, text, text.title() + ".", text.replace(" ", ", "), f"{text} {rng.randrange(9)}"]
                )
            )
    rng.shuffle(texts)
    return texts


@BOTH_MODES
@pytest.mark.parametrize(
    ("seed", "changed"),
    [
        (0, {"threshold": 0.5}),
        (1, {"threshold": 0.5, "linkage": "single"}),
        (2, {"threshold": 0.6, "numbers_agree": False, "tokenizer": "words", "ngram": 2}),
        (3, {"threshold": 0.7, "ngram": 1, "short_tokens": 0}),
        (4, {"threshold": 0.5, "ngram": 1, "large_cluster": 2, "large_threshold": 0.8}),
        (5, {"threshold": 0.5, "ngram": 1, "large_cluster": 2, "linkage": "single"}),
    ],
)
def test_clusters_are_those_of_comparing_every_two_texts(
    mode: str, seed: int, changed: dict[str, Any], tmp_path: Path
) -> None:
    """Status, representative, size and Jaccard, in both modes, with both linkages, whatever the settings."""
    texts = generated(70, seed)
    params = params_of(mode=mode, banding=MISSES_NOTHING, **changed)
    expected = compared_all(texts, params, skipped={3, 20})
    found = found_in(texts, tmp_path, params, cuts=(50, 120), skipped={3, 20})
    assert without_links(found) == expected
    joined = [row for place, row in enumerate(expected) if row[1] != place]
    assert len(joined) > 30


WORDS = ["find", "fnid", "derivative", "derivitive", "derivatives", "sine", "sin", "tan", "the", "teh"]
OTHERS = ["eight", "eighty", "ABC", "ACB", "xy", "yx", "7", "8", "+", "x", "题", "目"]
vocabulary = st.sampled_from([*WORDS, *OTHERS])
small_corpora = st.lists(st.lists(vocabulary, max_size=7).map(" ".join) | st.none(), max_size=MAX_BUCKET)


@given(
    small_corpora,
    st.sampled_from([0.4, 0.6, 0.8, 0.95]),
    st.integers(1, 3),
    st.sampled_from(["leader", "single"]),
    st.booleans(),
    st.booleans(),
    st.sets(st.integers(0, 8), max_size=3),
)
def test_small_corpora_are_clustered_as_comparing_all_does(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str | None],
    threshold: float,
    ngram: int,
    linkage: str,
    numbers_agree: bool,
    symbols_agree: bool,
    cuts: set[int],
) -> None:
    """Any few texts of words that are easily mistaken for one another, in any parts; both modes always agree."""
    folder = tmp_path_factory.getbasetemp() / "small"
    params = params_of(
        threshold=threshold,
        banding=Banding(100, 1),
        ngram=ngram,
        linkage=linkage,
        numbers_agree=numbers_agree,
        symbols_agree=symbols_agree,
    )
    edges = [cut for cut in cuts if cut <= len(texts)]
    lsh = found_in(texts, folder, params, cuts=edges)
    exact = found_in(texts, folder, params._replace(mode="exact-join"), cuts=edges)
    assert without_links(lsh) == without_links(exact)
    if not symbols_agree:
        assert without_links(lsh) == compared_all(texts, params)


THINGS = [
    "river",
    "rivers",
    "rivre",
    "color",
    "colour",
    "stop",
    "stopped",
    "carry",
    "carries",
    "house",
    "horse",
    "king",
]
TOLD = [
    "two",
    "half",
    "double",
    "twice",
    "not",
    "never",
    "and",
    "or",
    "either",
    "the",
    "find",
    "area",
    "greatest",
]
worded_corpora = st.lists(
    st.tuples(
        st.lists(st.sampled_from([*THINGS, *TOLD, "largest", "queen"]), min_size=2, max_size=9).map(" ".join),
        st.sampled_from([0, 0, 4, 8, 17, 33]),
    ),
    max_size=MAX_BUCKET,
)


@given(
    worded_corpora,
    st.sampled_from([0.3, 0.5, 0.8]),
    st.sampled_from(["leader", "single"]),
    st.booleans(),
    st.booleans(),
    st.sets(st.integers(0, 8), max_size=3),
)
@example(
    [("two kings carry", 0), ("half kings carry", 0), ("carries two king", 4), ("queen two carried", 4)],
    0.3,
    "leader",
    False,
    True,
    set(),
)
def test_exchanged_words_keep_texts_apart_as_their_twin_says(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list[tuple[str, int]],
    threshold: float,
    linkage: str,
    labels_agree: bool,
    labelled: bool,
    cuts: set[int],
) -> None:
    """In both modes the clusters are those of comparing every two texts: words exchanged or the same, amounts,
    negations, and ground truths that excuse, keep apart, or say nothing."""
    texts: list[str | None] = [text for text, _ in corpus]
    labels = [label for _, label in corpus] if labelled else None
    params = params_of(
        threshold=threshold,
        banding=Banding(100, 1),
        ngram=1,
        linkage=linkage,
        words_agree=True,
        labels_agree=labels_agree,
    )
    edges = [cut for cut in cuts if cut <= len(texts)]
    folder = tmp_path_factory.getbasetemp() / "worded"
    expected = compared_all(texts, params, labels=labels)
    for mode in ("lsh", "exact-join"):
        found = found_in(texts, folder, params._replace(mode=mode), cuts=edges, labels=labels)
        assert without_links(found) == expected


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("is the red card a king", "is the red card an ace", True),
        ("at the end Alice has the ball of Bob", "at the end Bob has the ball of Bob", True),
        ("the colour of the center", "the color of the centre", False),
        ("he travelled to the station", "he traveled to the statoin", False),
        ("it moves and carries on", "it moved, carried on", False),
        ("houses by the river", "horses by the river", False),  # a letter apart: not seen
        ("the mouse is grey", "the house is grey", True),
        ("ten kilometers away", "ten miles away", True),
        ("the maximum of f", "the largest f", False),
        ("find the value", "Please compute the values! (Hint: a sketch helps)", False),
        ("digits that are not zero", "digits that are zero", True),
        ("stored in order, which is not so", "stored in order, which is never so", False),
        ("Ann did not see that Bob did not", "Ann did see that Bob did not", True),
        ("the two roots of f", "the roots of f", True),
        ("twice as many", "double as many", False),
        ("both coffee and tea", "either coffee or tea", True),
        ("THE GREAT RIVER BEND", "the great river bend", False),
        ("satis\ufb01es the claim", "satisfies the claim", False),
        ("a cat \\begin{array}{ccc}", "a dog \\begin{array}{rrr}", True),
        ("\\begin{array}{ccc} cat", "\\begin{array}{rrr} cat", False),
        ("intersections of counterexamples", "intersection of counterexample", False),
        ("counterexamples", "counterclaims", True),
    ],
)
def test_words_that_part_and_words_that_do_not(one: str, other: str, apart: bool) -> None:
    """Another thing, person, amount or a negation parts; spelling, inflection, and what is merely added do not."""
    assert parted(one, other, kinds_of.WORDS) == apart
    assert not parted(one, other, kinds_of.WORDS, same_truth=True)


def parted(one: str, other: str, kinds: int, *, same_truth: bool = False) -> bool:
    """Whether symbols of these kinds keep the texts apart, in either order."""
    own = kinds_of.symbols(Texts(pa.array([one, other], pa.large_string())), np.arange(2), kinds)
    told = clusters.sets_at(own)
    shingle = np.ones(1, dtype=np.uint64)
    sets = clusters.Sets(
        np.full(2, shingle.ctypes.data, dtype=np.uint64),
        np.ones(2, dtype=np.uint32),
        told.starts,
        told.sizes,
        np.full(2, 4 * same_truth, dtype=np.uint64),
    )
    both = [sets, sets.of(np.array([1, 0], dtype=np.uint32))]
    apart = [
        bool(np.isnan(clusters.jaccards(np.array([1 << 32], dtype=np.uint64), way, threshold=0.5)[0]))
        for way in both
    ]
    assert apart[0] == apart[1]
    return apart[0]


def little_memory(texts: Sequence[str | None]) -> int:
    """Barely enough for what is held of every row, so that all else is cut into pieces."""
    return find.BYTES_A_ROW * len(texts) * 11 // 8


class Watched(NamedTuple):
    """What was done on the way."""

    pairs: list[Pairs]
    n_parts: list[int]
    """Ranges of keys that were looked at one by one, of each band."""
    n_measured: list[int]
    """Pairs whose Jaccard was computed, of each call."""


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Notes what the real parts do."""
    seen = Watched([], [], [])
    make, find_pairs, measure = Pairs, clusters.candidate_pairs, clusters.jaccards

    def making(*args: Any, **kwargs: Any) -> Pairs:
        seen.pairs.append(make(*args, **kwargs))
        return seen.pairs[-1]

    def finding(*args: Any, **kwargs: Any) -> U64:
        seen.n_parts.append(kwargs.get("n_parts", 1))
        return find_pairs(*args, **kwargs)

    def measuring(pairs: U64, *args: Any, **kwargs: Any) -> F64:
        seen.n_measured.append(len(pairs))
        return measure(pairs, *args, **kwargs)

    monkeypatch.setattr(find, "Pairs", making)
    monkeypatch.setattr(pairs_module, "candidate_pairs", finding)
    monkeypatch.setattr(clusters, "jaccards", measuring)
    return seen


@BOTH_MODES
@pytest.mark.parametrize("linkage", ["leader", "single"])
def test_the_result_does_not_depend_on_memory_workers_or_parts(
    mode: str, linkage: str, tmp_path: Path, watched: Watched
) -> None:
    """With room for all, and with so little that pairs go to files and keys are looked at a range at a time."""
    texts = generated(400, seed=7, longest=25)
    for number in range(60):
        texts += [f"what {letter * 6} is half of its square {number} ?" for letter in "abcdefgh"]
    params = params_of(threshold=0.5, ngram=2, mode=mode, linkage=linkage, large_cluster=3)
    expected = found_in(texts, tmp_path / "much", params, workers=1)
    assert not watched.pairs[0].spilled
    assert {row.status for row in expected} == {"ok", "short", "no-text", "large"}
    assert len({row.representative for row in expected}) < 0.9 * len(texts)
    little = little_memory(texts)
    for index, (workers, n_cuts) in enumerate([(1, 0), (2, 3), (3, 40)]):
        cuts = random.Random(index).sample(range(len(texts)), n_cuts)
        folder = tmp_path / str(index)
        found = found_in(
            texts, folder, params, cuts=cuts, memory_bytes=little, workers=workers, in_files=index > 0
        )
        assert watched.pairs[-1].spilled
        assert mode == "exact-join" or max(watched.n_parts) > 3
        assert found == expected
    assert found_in(texts, tmp_path / "parts", params, cuts=[5, 5, 900], workers=3) == expected


def test_pairs_left_by_a_run_that_was_cut_short_are_not_read(tmp_path: Path, watched: Watched) -> None:
    """A file of pairs from before, its last pair not whole, changes nothing."""
    texts = generated(300, seed=8, longest=20)
    params = params_of(threshold=0.5, ngram=2)
    expected = found_in(texts, tmp_path / "clean", params, memory_bytes=little_memory(texts))
    assert watched.pairs[-1].spilled
    (tmp_path / "again").mkdir()
    for index in range(RANGES):
        (tmp_path / "again" / f"pairs-{index:03d}.u64").write_bytes(b"\xff" * 13)
    assert found_in(texts, tmp_path / "again", params, memory_bytes=little_memory(texts)) == expected


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=30), max_size=8))
def test_pairs_are_the_same_in_memory_and_in_files(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[int, int]]]
) -> None:
    """Each once, ascending, in ranges of the higher row that cover all rows; also when asked for on the way."""
    folder = tmp_path_factory.mktemp("pairs")
    every = sorted({max(pair) << 32 | min(pair) for part in parts for pair in part})
    for memory_bytes in (1 << 20, 400, 0):
        held = Pairs(100, folder, memory_bytes)
        for index, part in enumerate(parts):
            held.add(np.array([max(pair) << 32 | min(pair) for pair in part], dtype=np.uint64))
            if index == 3:
                list(held.ranges())
        ranges = list(held.ranges())
        assert [value for _, _, pairs in ranges for value in pairs.tolist()] == every
        assert [first for first, _, _ in ranges] == [0, *(last for _, last, _ in ranges)][: len(ranges)]
        assert ranges[-1][1] == 100
        assert all(first <= value >> 32 < last for first, last, pairs in ranges for value in pairs.tolist())
        assert held.spilled == (memory_bytes == 0 and any(parts)) or memory_bytes == 400


@BOTH_MODES
def test_corpora_of_next_to_nothing(mode: str, tmp_path: Path) -> None:
    """No text at all, parts without rows first, last and between, one row, the same row twice."""
    params = params_of(mode=mode)
    assert found_in([], tmp_path, params) == []
    assert found_in([], tmp_path, params, cuts=[0, 0]) == []
    assert found_in([None, ""], tmp_path, params, cuts=[0, 1, 1, 2]) == [
        Row("no-text", 0, 1, 1.0),
        Row("no-text", 1, 1, 1.0),
    ]
    assert found_in(["find x"], tmp_path, params) == [Row("short", 0, 1, 1.0)]
    twice = [Row("short", 0, 2, 1.0, 1.0, 1.0)] * 2
    assert found_in(["find x", "Find x."], tmp_path, params, cuts=[0, 1, 1, 2]) == twice
    long = " ".join(f"word{place}" for place in range(30))
    assert found_in([long, "find x", long], tmp_path, params, cuts=[0, 0, 2, 3]) == [
        Row("ok", 0, 2, 1.0, 1.0, 1.0),
        Row("short", 1, 1, 1.0),
        Row("ok", 0, 2, 1.0, 1.0, 1.0),
    ]


@BOTH_MODES
def test_no_parts_at_all(mode: str, tmp_path: Path) -> None:
    """Nothing is found in nothing; of no file, and of files without rows, there is an empty table."""
    near = find_near(
        [], lambda part: part, params_of(mode=mode), lambda *_: [], tmp_path, memory_bytes=1 << 20, workers=2
    )
    assert len(near.starts) == 1
    assert near_duplicates([], mode=mode).num_rows == 0  # type: ignore[arg-type]
    path = tmp_path / "empty.parquet"
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    assert near_duplicates([path, path], mode=mode).num_rows == 0  # type: ignore[arg-type]


@BOTH_MODES
def test_one_huge_text_among_small_ones(mode: str, tmp_path: Path) -> None:
    """Two texts of 300,000 tokens, one word apart, and a part of one: exact, and the rest as without them."""
    words = [f"w{number}" for number in range(300_000)]
    other = [*words[:777], "changed", *words[778:]]
    texts: list[str | None] = [
        "find x",
        " ".join(words),
        "find x",
        " ".join(other),
        " ".join(words[:200_000]),
    ]
    found = found_in(texts, tmp_path, params_of(mode=mode, numbers_agree=False), cuts=[2])
    n_shared = 600_000 - 4 - 10  # w1 is two tokens in `math`; ten shingles or less hold the word that changed
    assert [row.representative for row in found] == [0, 1, 0, 1, 4]
    assert found[3].jaccard == found[1].best == pytest.approx(n_shared / (600_000 - 4), rel=1e-4)
    assert [row.size for row in found] == [2, 2, 2, 2, 1]


def test_too_little_memory_for_the_rows_is_an_error_that_says_how_much_is_needed(tmp_path: Path) -> None:
    """A thousand rows with little more than what is held of each: how much they need, and what to raise."""
    texts = [f"text {number}" for number in range(1000)]
    with pytest.raises(
        MachineError,
        match=r"expected 0\.04 MB or more for near-duplicates of 1,000 rows, found 0\.03 MB left of the memory allowed",
    ):
        found_in(texts, tmp_path, params_of(), memory_bytes=1100 * find.BYTES_A_ROW)
    assert len(found_in(texts, tmp_path, params_of(), memory_bytes=little_memory(texts))) == 1000


def test_best_and_worst_link_of_every_row(tmp_path: Path) -> None:
    """In mode lsh of all pairs that were measured; in exact-join of representatives and the rows that joined them.

    Of an exact copy 1.0 is the best; of a row alone there is neither.
    """
    words = [f"w{chr(97 + place)}" for place in range(24)]
    first, second = [*words[:-1], "end"], ["begin", *words[1:]]
    texts: list[str | None] = [" ".join(words), " ".join(first), " ".join(second), " ".join(words), "alone"]
    sets = [oracles.shingles(text or "", "math", 5) for text in texts]
    to_first, across = oracles.jaccard(sets[0], sets[1]), oracles.jaccard(sets[1], sets[2])
    assert across < to_first == oracles.jaccard(sets[0], sets[2]) == 19 / 21
    for mode, worst in (("lsh", across), ("exact-join", to_first)):
        found = found_in(texts, tmp_path, params_of(mode=mode, banding=MISSES_NOTHING))
        assert [row.representative for row in found] == [0, 0, 0, 0, 4]
        assert [row.best for row in found] == [1.0, to_first, to_first, 1.0, None]
        assert [row.worst for row in found] == [to_first, worst, worst, to_first, None]


ALIKE = [
    ("find the derivative of x", "find the derivitive of x"),
    ("find the derivative of x", "find the derivatve of x"),
    ("find the derivative of x", "find the derivaative of x"),
    ("find the derivative of x", "find the dervative of x"),
    ("find the derivative of x", "find teh derivative of x"),
    ("what is the sum of 3 and 4?", "what is the smu of 3 and 4"),
    ("how many apples form the whole", "how many apples from the whole"),
    ("Trouvez la dérivée de x", "Trouvez la dérivee de x"),
    ("solve for integers", "solve for integres"),
]
NOT_ALIKE = [
    ("find the derivative of x", "find the derivative of y"),
    ("find the derivative of 3 x", "find the derivative of 4 x"),
    ("find the value of 3 + x", "find the value of 3 - x"),
    ("find the sin of x", "find the tan of x"),
    ("find the max of the list", "find the mix of the list"),
    ("what is the cube root of eight", "what is the cube root of eighty"),
    ("write one million in digits", "write one billion in digits"),
    ("the sixth of his apples", "the sixty of his apples"),
    ("simplify the product xy", "simplify the product yx"),
    ("find the size of angle ABC", "find the size of angle ACB"),
    ("find the area of pentagon ABCDE", "find the area of pentagon ABCDF"),
    ("find the derivative of arccos x", "find the derivative of arccot x"),
    (r"show that $A \subset B$ holds", r"show that $A \supset B$ holds"),
    (r"find $\bigcap A_n$ of the sets", r"find $\bigcup A_n$ of the sets"),
    ("find the derivative of x", "find the derivation of x"),
    ("find the derivative of x", "fnid the derivitive of x"),
    ("find the derivative of x", "find the derivative of x now"),
    ("abcde fghij", "abcdf fghij klmno"),
    ("求函数的导数是多少", "求函数的异数是多少"),
    ("解くとき", "解くとぎ"),
]


@BOTH_MODES
@pytest.mark.parametrize(
    ("one", "other", "alike"), [*((*p, True) for p in ALIKE), *((*p, False) for p in NOT_ALIKE)]
)
def test_short_texts_are_alike_where_one_word_is_misspelt(
    mode: str, one: str, other: str, alike: bool, tmp_path: Path
) -> None:
    """A typing error in one word joins; another number, variable, operator, short word or number word does not."""
    for texts in ([one, other], [other, one]):
        first, second = found_in(texts, tmp_path, params_of(mode=mode))
        assert (second.representative == 0) == alike
        assert first.status == second.status == "short"
        if alike:
            assert second.jaccard == first.best == second.worst == misspelt_similarity(*texts) >= 0.8
        else:
            assert misspelt_similarity(*texts) < 0.8


@BOTH_MODES
def test_only_short_texts_are_compared_by_their_letters(mode: str, tmp_path: Path) -> None:
    """A typing error joins two texts of 20 tokens, as many as `short_tokens`, and not two of 21."""
    start = (
        "let every number of this sequence be as large as all of those before it together and then find its"
    )
    for length, alike in ((20, True), (21, False)):
        words = [*start.split(), "very", "derivative"][-length:]
        words[length // 2] = "derivation"
        texts = [" ".join(words), " ".join(words).replace("derivation", "derivatoin")]
        assert len(oracles.tokens(texts[0], "math")) == length
        found = found_in(texts, tmp_path, params_of(mode=mode))
        assert (found[1].representative == 0) == alike
        off = found_in(texts, tmp_path, params_of(mode=mode, short_tokens=19))
        assert off[1].representative == 1


def test_a_typing_error_below_the_threshold_does_not_join(tmp_path: Path) -> None:
    """One letter of eleven is a similarity of 0.909."""
    texts = ["solve integr", "solve intagr"]
    similarity = 11 / 12
    assert found_in(texts, tmp_path, params_of(threshold=0.9))[1].jaccard == similarity
    assert found_in(texts, tmp_path, params_of(threshold=0.95))[1].representative == 1


def test_tokens_are_told_in_small_letters_but_for_names_in_capitals() -> None:
    """As the tokenizer cuts them, with blanks between; odd characters and nulls do no harm."""
    texts = pa.array([r"Let $x^2$ BE \alpha.", "Angle ABC, A=ａ", None, "", "na\u00efve \U0001f600 \x00 é"])
    assert token_texts(texts, "math") == ["let x ^ 2 BE alpha", "angle ABC a = a", "", "", "naïve é"]
    assert math.isnan(edit_similarity("", "", 0.8))


@example("ab ab ab xy", "ab ab ab yx", 0.1)
@given(st.text("abdeit 1+", max_size=14), st.text("abdeit 1+", max_size=14), st.floats(0.1, 1.0))
def test_edit_similarity_is_that_of_its_twin(one: str, other: str, threshold: float) -> None:
    """For any two texts; it does not depend on their order."""
    expected = misspelt_similarity(one, other)
    texts = [" ".join(oracles.tokens(text, "math")) for text in (one, other)]
    for pair in (texts, texts[::-1]):
        found = edit_similarity(pair[0], pair[1], threshold)
        assert (found == expected >= threshold) or (math.isnan(found) and expected < threshold)


def test_many_short_texts_of_one_template_stay_linear(tmp_path: Path, watched: Watched) -> None:
    """12,000 texts that differ in one word, which meet in their gaps and in few bands: twice MAX_BUCKET a text."""
    rng = random.Random(0)
    names = {"".join(rng.choice("abcdefghijklmnop") for _ in range(8)) for _ in range(12_000)}
    texts = [f"what is the age of {name} in ten years" for name in sorted(names)]
    found = found_in(texts, tmp_path, params_of(), workers=1)
    assert sum(watched.n_measured) <= 2 * len(texts) * MAX_BUCKET
    assert len({row.representative for row in found}) > 0.99 * len(texts)


def templated(n_texts: int) -> list[str | None]:
    """Texts of 60 words, numbers equal, that differ in the third; each fifth with a copy, its last word another."""
    rng = random.Random(1)
    words = ["".join(rng.choice("abcdefghij") for _ in range(6)) for _ in range(60)]
    made: list[str | None] = []
    copies: list[str | None] = []
    for number in range(n_texts):
        own = list(words)
        own[2] = "".join("klmnopqrst"[int(digit)] for digit in f"{number:06d}")
        made.append(" ".join(own))
        if number % 5 == 0:
            copies.append(" ".join([*own[:-1], "other"]))
    return made + copies


@BOTH_MODES
def test_a_large_templated_cluster_is_not_collapsed(mode: str, tmp_path: Path) -> None:
    """150 texts and 30 real copies at Jaccards of 0.898 and 0.965: each text stays, each copy joins its own."""
    texts = templated(150)
    sets = [oracles.shingles(text or "", "math", 5) for text in (texts[0], texts[1], texts[150])]
    assert oracles.jaccard(sets[0], sets[1]) == 53 / 59
    assert oracles.jaccard(sets[0], sets[2]) == 55 / 57
    assert found_in(texts[:100], tmp_path, params_of(mode=mode))[99].representative == 0
    found = found_in(texts, tmp_path, params_of(mode=mode, banding=Banding(60, 6)))
    assert {row.status for row in found} == {"large"}
    assert [row.representative for row in found] == [*range(150), *range(0, 150, 5)]
    assert [row.jaccard for row in found[150:]] == [55 / 57] * 30
    assert [row.size for row in found[:10]] == [2, 1, 1, 1, 1, 2, 1, 1, 1, 1]
    off = found_in(texts, tmp_path, params_of(mode=mode, large_cluster=None))
    assert {(row.status, row.representative, row.size) for row in off} == {("ok", 0, 180)}
    as_strict = params_of(mode=mode, threshold=0.89, large_threshold=0.89)
    assert {row.status for row in found_in(texts, tmp_path, as_strict)} == {"ok"}


@BOTH_MODES
def test_rows_of_large_clusters_do_not_follow_a_row_that_follows_another(mode: str, tmp_path: Path) -> None:
    """Whatever the threshold, a representative is its own representative, in the large cluster and beside it.

    Row 1 is nearest to row 0, row 2 to row 1 and above the stricter threshold, but row 2 is in the large
    cluster of row 3 and its like.
    """
    for seed in range(12):
        rng = random.Random(seed)
        words = ["".join(rng.choice("abcdefghij") for _ in range(5)) for _ in range(40)]
        texts: list[str | None] = []
        for _ in range(60):
            own = list(words)
            for place in rng.sample(range(40), rng.randrange(1, 9)):
                own[place] = rng.choice("klmnop") * 5
            texts.append(" ".join(own))
        params = params_of(
            mode=mode, banding=Banding(60, 2), ngram=1, threshold=0.75, large_cluster=8, large_threshold=0.85
        )
        found = found_in(texts, tmp_path, params)
        assert {row.status for row in found} == {"ok", "large"}, seed
        if (
            mode == "exact-join"
        ):  # the rows of a template are more than MAX_BUCKET: lsh does not see all pairs
            assert without_links(found) == compared_all(texts, params)
        for row in found:
            leader = found[row.representative]
            assert (leader.representative, leader.status) == (row.representative, row.status)


def parquet_files(texts: Sequence[str | None], folder: Path) -> list[Path]:
    """Three files of these texts, of different types, each of several row groups."""
    folder.mkdir()
    kinds = (pa.string(), pa.large_string(), pa.string())
    edges = [0, len(texts) // 5, len(texts) // 2, len(texts)]
    paths = []
    for index, (kind, span) in enumerate(zip(kinds, itertools.pairwise(edges), strict=True)):
        paths.append(folder / f"{index}.parquet")
        table = pa.table({"id": range(*span), "problem": pa.array(texts[slice(*span)], kind)})
        pq.write_table(table, paths[-1], row_group_size=97)
    return paths


@BOTH_MODES
def test_near_duplicates_of_files_are_those_of_their_texts(mode: Any, tmp_path: Path) -> None:
    """One line per row over all files; with much memory or little, on any number of workers."""
    texts = generated(250, seed=9)
    files = parquet_files(texts, tmp_path / "files")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    expected = found_in(texts, tmp_path / "work", params_of(mode=mode, words_agree=True))
    for memory, workers in ((1 << 30, 2), (2 * little_memory(texts), 1), (2 * little_memory(texts), 3)):
        table = near_duplicates(
            [str(path) for path in files],
            "problem",
            mode=mode,
            memory=memory,
            workers=workers,
            scratch=scratch,
        )
        assert table["row"].to_pylist() == list(range(len(texts)))
        columns = ["status", "representative", "cluster_size", "jaccard", "best_link", "worst_link"]
        assert [tuple(line[name] for name in columns) for line in table.to_pylist()] == expected
        assert list(scratch.iterdir()) == []
        into = tmp_path / "found.parquet"
        written = near_duplicates(files, "problem", into=into, mode=mode, memory=memory, workers=workers)
        assert written.num_rows == 0
        assert pq.read_table(into).equals(table)
    with pytest.raises(MachineError, match="near-duplicates of"):
        near_duplicates(files, "problem", memory=little_memory(texts))


@pytest.mark.real_data
def test_bands_find_what_the_join_finds_in_real_problems(shared_data: Path, tmp_path: Path) -> None:
    """Of the pairs (row, representative) the join makes, mode lsh has 99.95 %; every Jaccard told is exact."""
    texts: list[str | None] = []
    for name in ("dapo_math_25k", "math_train_7500", "limr_math_8k"):
        texts += pq.read_table(shared_data / "corpora" / f"{name}.parquet", columns=["query"])[
            "query"
        ].to_pylist()
    cuts = range(5000, len(texts), 5000)
    exact = found_in(texts, tmp_path, params_of(mode="exact-join"), cuts=cuts, in_files=True)
    lsh = found_in(texts, tmp_path, params_of(), cuts=cuts, in_files=True)
    wanted = {(place, row.representative) for place, row in enumerate(exact) if row.representative != place}
    have = {(place, row.representative) for place, row in enumerate(lsh) if row.representative != place}
    assert len(wanted) > 5000
    assert len(wanted & have) >= 0.9995 * len(wanted)
    for rows in (exact, lsh):
        told = {(p, r.representative, r.jaccard) for p, r in enumerate(rows) if r.representative != p}
        inexact = [
            (place, leader, value)
            for place, leader, value in sorted(told)
            if value < 1.0
            and value
            != oracles.jaccard(*(oracles.shingles(texts[row] or "", "math", 5) for row in (place, leader)))
        ]
        for place, leader, value in inexact:  # then by the one word that is misspelt
            both = [texts[row] or "" for row in (place, leader)]
            assert value == misspelt_similarity(both[0], both[1])
            assert len(oracles.tokens(both[0], "math")) <= 20
