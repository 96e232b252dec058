"""What repeats in a text: back-to-back phrases, phrases that stood before, the most common phrase.

Works on many texts at once, laid out as Arrow lists are: `ids` holds one integer a word, and text t
is `ids[offsets[t]:offsets[t + 1]]`. Nothing is compared across texts, so the grouping into calls
does not show in the results.

One idea carries the module. Number the phrases of 1, 2, 4, 8, ... words so that equal phrases of one
text have equal numbers (two numbers of length n make one of length 2n), and note for each position
how far back its phrase last stood. A phrase that stands once in its text cannot begin a longer one
that stands twice, so each doubling works on fewer positions: O(n log n) for ordinary text and
O(n log² n) for the most repetitive. Phrases are compared exactly; nothing is hashed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEW_WORDS = 8
DUPLICATE_WORDS = 10
MIN_RUN_PERIODS = 3


class Grams(NamedTuple):
    """Phrases of one length, sorted by phrase and then by position.

    Phrases may be left out that stand once in their text; all that stand twice are there.
    """

    length: int
    position: Ints
    """Where in `ids` the phrase starts."""
    first: Bools
    """True at the earliest place of a phrase in its text."""


class Runs(NamedTuple):
    """Stretches in which every word equals the word `period` places before it.

    Positions in `ids`, `end` exclusive; sorted by start, then by end. A run is as long as it can be
    and at least three periods long; `period` is its smallest. Runs of different periods may overlap.
    """

    start: Ints
    end: Ints
    period: Ints


class Repeats(NamedTuple):
    """What `find_repeats` found; one value a text unless said otherwise."""

    runs: Runs
    top_2gram: Ints
    """How often the most common phrase of two words stands in the text; 0 in a text of one word."""
    top_3gram: Ints
    top_4gram: Ints
    in_duplicate: Bools
    """One value a word: it lies in a phrase of ten words that stood earlier in the text."""
    new: Bools
    """One value a word: no phrase of eight words starts here, or one that did not stand earlier."""


def find_repeats(ids: Ints, offsets: Ints) -> Repeats:
    """All repeats of every text.

    ids: int64, any values not negative, equal exactly when the words are. offsets: int64, ascending
    from 0 to len(ids), one more than there are texts. Needs about 100 bytes a word.
    """
    n, text = len(ids), _text_of(offsets)
    top: dict[int, Ints] = {}
    new, in_duplicate = np.ones(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    found: list[Runs] = []
    level = _words(ids, text)
    while len(level.position) or level.length <= NEW_WORDS:
        found.append(_runs(level))
        if level.length == 2:
            top[3] = _top_count(_longer(level, 1, n), text, offsets)
        if level.length in (2, 4):
            top[level.length] = _top_count(level, text, offsets)
        if level.length == NEW_WORDS:
            new[level.position[~level.first]] = False
            tens = _longer(level, DUPLICATE_WORDS - NEW_WORDS, n)
            stood = tens.position[~tens.first]
            in_duplicate = covered(stood, stood + DUPLICATE_WORDS, n)
        level = _longer(level, level.length, n)
    return Repeats(_by_start(found), top[2], top[3], top[4], in_duplicate, new)


def find_runs(ids: Ints, offsets: Ints) -> Runs:
    """The back-to-back repeats of every text: `find_repeats(ids, offsets).runs`, in less time."""
    text = _text_of(offsets)
    found: list[Runs] = []
    level = _words(ids, text)
    while len(level.position) or not found:
        found.append(_runs(level))
        level = _longer(level, level.length, len(ids))
    return _by_start(found)


def covered(start: Ints, end: Ints, n: int) -> Bools:
    """True for each of n words that lies in one of the stretches [start, end).

    >>> covered(np.array([1, 2]), np.array([3, 4]), 5).tolist()
    [False, True, True, True, False]
    """
    change = np.bincount(start, minlength=n + 1) - np.bincount(end, minlength=n + 1)
    return np.asarray(np.cumsum(change)[:n] > 0)


def _text_of(offsets: Ints) -> Ints:
    """The number of the text each word belongs to."""
    return np.repeat(np.arange(len(offsets) - 1, dtype=np.int64), np.diff(offsets))


def _by_start(found: list[Runs]) -> Runs:
    """All runs of all levels, sorted by start, then by end."""
    start, end, period = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((end, start))
    return Runs(start[order], end[order], period[order])


def _words(ids: Ints, text: Ints) -> Grams:
    """The phrases of one word, all of them."""
    return _sorted(text, ids, np.arange(len(ids), dtype=np.int64), 1)


def _longer(level: Grams, by: int, n: int) -> Grams:
    """The phrases `by` words longer, 1 <= by <= level.length: two of this level that overlap or meet.

    n: words of all texts. Two that meet at the border of two texts make a phrase as well; it stands
    once, because a number belongs to one text, so no repeat comes of it.
    """
    twice = ~level.first
    twice[:-1] |= twice[1:]
    number = np.full(n + by, -1, dtype=np.int64)
    position = level.position[twice]
    number[position] = np.cumsum(level.first[twice])
    position = position[number[position + by] >= 0]
    return _sorted(number[position], number[position + by], position, level.length + by)


def _sorted(major: Ints, minor: Ints, position: Ints, length: int) -> Grams:
    """Phrases named by the pair (major, minor), none negative, sorted by name and then by position.

    The three numbers are packed into one where they fit: sorting values is ten times faster than
    finding the order that sorts them (9 ms against 120 ms for a million). They do not fit for texts
    of more than two million words.
    """
    if len(position) == 0:
        return Grams(length, position, np.zeros(0, dtype=np.bool_))
    _, minor_bits, position_bits = bits = [int(x.max()).bit_length() for x in (major, minor, position)]
    if sum(bits) < 64:
        packed = np.sort((((major << minor_bits) | minor) << position_bits) | position)
        name = packed >> position_bits
        position = packed & ((1 << position_bits) - 1)
        starts = name[1:] != name[:-1]
    else:
        order = np.lexsort((position, minor, major))
        major, minor, position = major[order], minor[order], position[order]
        starts = (major[1:] != major[:-1]) | (minor[1:] != minor[:-1])
    return Grams(length, position, np.concatenate(([True], starts)))


def _runs(level: Grams) -> Runs:
    """Runs whose period is over half this level's length and not over it; the other levels have the rest.

    A phrase at least as long as the period cannot stand nearer than one period back (else the period
    were not the smallest), so inside a run all distances to the last place are equal to the period.
    """
    length = level.length
    distance = np.diff(level.position, prepend=0)
    near = ~level.first & (distance <= length) & (2 * distance > length)
    order = np.argsort(level.position[near])
    position, period = level.position[near][order], distance[near][order]
    begins = np.flatnonzero((np.diff(position, prepend=-2) != 1) | (np.diff(period, prepend=0) != 0))
    ends = np.append(begins, len(position))[1:]
    start, end, period = position[begins] - period[begins], position[ends - 1] + length, period[begins]
    long = end - start >= MIN_RUN_PERIODS * period
    return Runs(start[long], end[long], period[long])


def _top_count(level: Grams, text: Ints, offsets: Ints) -> Ints:
    """How often the most common phrase of a level stands in each text; 0 where the text is shorter."""
    begins = np.flatnonzero(level.first)
    counts = np.diff(np.append(begins, len(level.position)))
    top = np.ones(len(offsets) - 1, dtype=np.int64)
    np.maximum.at(top, text[level.position[begins]], counts)
    return np.where(np.diff(offsets) >= level.length, top, 0)
