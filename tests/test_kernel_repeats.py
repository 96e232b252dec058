"""What repeats in a text, against the plain reading of it."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.kernels import repeats
from curate.kernels.repeats import Ints, covered, find_repeats, find_runs

Text = list[int]


def layout(texts: list[Text]) -> tuple[Ints, Ints]:
    """Texts as the kernel takes them."""
    offsets = np.cumsum([0, *map(len, texts)])
    return np.array(list(itertools.chain.from_iterable(texts)), dtype=np.int64), offsets.astype(np.int64)


def naive_runs(text: Text) -> list[tuple[int, int, int]]:
    """Every maximal stretch of three periods or more, with its smallest period, by trying all periods."""
    found: dict[tuple[int, int], int] = {}
    for period in range(1, len(text) // 3 + 1):
        equal = [text[i] == text[i + period] for i in range(len(text) - period)]
        start = 0
        for same, group in itertools.groupby(equal):
            end = start + len(list(group))
            if same and end + period - start >= 3 * period:
                found.setdefault((start, end + period), period)
            start = end
    return sorted((start, end, period) for (start, end), period in found.items())


def naive_top(text: Text, length: int) -> int:
    """How often the most common phrase of `length` words stands in the text."""
    phrases = Counter(tuple(text[i : i + length]) for i in range(len(text) - length + 1))
    return max(phrases.values(), default=0)


def naive_stood_before(text: Text, length: int) -> list[int]:
    """Places where a phrase stands that stood earlier."""
    seen: set[tuple[int, ...]] = set()
    places = []
    for i in range(len(text) - length + 1):
        phrase = tuple(text[i : i + length])
        if phrase in seen:
            places.append(i)
        seen.add(phrase)
    return places


words = st.integers(0, 2)
looping = st.builds(
    lambda head, phrase, times, tail: head + phrase * times + tail,
    st.lists(words, max_size=15),
    st.lists(words, min_size=1, max_size=11),
    st.integers(1, 6),
    st.lists(words, max_size=8),
)
texts = st.lists(st.one_of(st.lists(words, max_size=60), looping), max_size=4)


@given(texts)
def test_runs_are_those_of_the_plain_search(texts: list[Text]) -> None:
    """Runs, their ends and their smallest periods are those found by trying every period, text by text."""
    ids, offsets = layout(texts)
    runs = find_runs(ids, offsets)
    expected = [
        (start + begin, end + begin, period)
        for text, begin in zip(texts, offsets.tolist(), strict=False)
        for start, end, period in naive_runs(text)
    ]
    assert list(zip(*(part.tolist() for part in runs), strict=True)) == expected
    assert [part.tolist() for part in find_repeats(ids, offsets).runs] == [part.tolist() for part in runs]


@given(texts)
def test_phrases_are_counted_as_the_plain_search_counts_them(texts: list[Text]) -> None:
    """Most common phrases, new phrases and duplicate phrases agree with the plain search, text by text."""
    ids, offsets = layout(texts)
    found = find_repeats(ids, offsets)
    for length, top in ((2, found.top_2gram), (3, found.top_3gram), (4, found.top_4gram)):
        assert top.tolist() == [naive_top(text, length) for text in texts]
    new, duplicate = [], []
    for text in texts:
        before = set(naive_stood_before(text, 8))
        new += [i not in before for i in range(len(text))]
        inside = {i + j for i in naive_stood_before(text, 10) for j in range(10)}
        duplicate += [i in inside for i in range(len(text))]
    assert found.new.tolist() == new
    assert found.in_duplicate.tolist() == duplicate


def test_numbers_too_long_to_pack_give_the_same_phrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting by three keys, as texts of millions of words need, gives what sorting packed numbers gives."""
    rng = np.random.default_rng(7)
    ids = np.concatenate([rng.integers(0, 3, 200), np.tile(rng.integers(0, 9, 7), 12)]).astype(np.int64)
    offsets = np.array([0, 120, len(ids)], dtype=np.int64)
    packed = find_repeats(ids, offsets)
    huge = find_repeats(ids * 2**55, offsets)
    for one, other in zip(packed[1:], huge[1:], strict=True):
        assert one.tolist() == other.tolist()
    assert [part.tolist() for part in packed.runs] == [part.tolist() for part in huge.runs]


def test_a_phrase_that_repeats_inside_itself_has_its_own_period() -> None:
    """The period of "a b a c" four times is four words, although a comes back after two."""
    ids, offsets = layout([[1, 2, 1, 3] * 4 + [9]])
    runs = find_runs(ids, offsets)
    assert (runs.start.tolist(), runs.end.tolist(), runs.period.tolist()) == ([0], [16], [4])


def test_equal_words_on_both_sides_of_a_border_are_no_run() -> None:
    """A loop does not go on into the next text."""
    ids, offsets = layout([[5, 5], [5, 5], []])
    assert find_runs(ids, offsets).start.tolist() == []


def test_a_phrase_across_a_border_is_no_phrase() -> None:
    """Three words have no phrase of four, not even with the next text's first word."""
    found = find_repeats(*layout([[5, 5, 5], [6, 6, 6]]))
    assert (found.top_3gram.tolist(), found.top_4gram.tolist()) == ([1, 1], [0, 0])


def test_no_text_and_no_word_have_no_repeats() -> None:
    """No texts, and one empty text, are measured like any other."""
    for offsets in ([0], [0, 0]):
        found = find_repeats(np.zeros(0, dtype=np.int64), np.array(offsets, dtype=np.int64))
        assert found.runs.start.tolist() == []
        assert found.top_2gram.tolist() == [0] * (len(offsets) - 1)


def test_covered_counts_overlaps_once() -> None:
    """Words in several stretches are covered like words in one."""
    assert covered(np.array([0, 1, 4]), np.array([2, 3, 5]), 6).tolist() == [True] * 3 + [False, True, False]


@pytest.mark.parametrize("period", [1, 7, 1000, 60_000])
def test_a_megabyte_in_a_loop_takes_no_longer_for_a_longer_period(period: int) -> None:
    """200,000 words in a loop are measured in seconds, whatever the period: no work per period."""
    ids = np.tile(np.arange(period, dtype=np.int64), 200_000 // period)
    offsets = np.array([0, len(ids)], dtype=np.int64)
    start = time.process_time()
    runs = repeats.find_runs(ids, offsets)
    assert time.process_time() - start < 5
    assert (runs.start.tolist(), runs.end.tolist(), runs.period.tolist()) == ([0], [len(ids)], [period])
