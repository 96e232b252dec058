"""An item laid beside a window of a text: its words that are there in order, and what stands in the gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from oracles_vocabulary import EXCHANGED_WITH, GREEK
from oracles_words import Words
from rapidfuzz.distance import OSA, LCSseq

SPELT = 5
"""A word of so many capitals is a word ("the letters of MISSISSIPPI"), a shorter one may be points."""
ALIKE = 0.7
"""Least similarity of a word and its misspelling: 1 - edits / letters, a swap of neighbours is one edit."""


class Gap(NamedTuple):
    """Words of the item between two aligned runs, and those of the text in their place; half open."""

    item: tuple[int, int]
    row: tuple[int, int]
    edge: bool = False
    """It lies before the first run, or after the last."""


class Laid(NamedTuple):
    """An item beside a text."""

    runs: list[tuple[int, int, int]]
    """Where runs of words in order begin in item and text, and their lengths."""
    gaps: list[Gap]
    kept: list[bool]
    """Which words of the item are in order, misspelt ones and other forms among them."""

    @property
    def span(self) -> tuple[int, int]:
        """The words of the text from the first to the last in order, half open."""
        return self.runs[0][1], self.runs[-1][1] + self.runs[-1][2]

    @property
    def around(self) -> tuple[int, int]:
        """The span, and as many words around it as the item has before its first and after its last run."""
        edges = [gap for gap in self.gaps if gap.edge]
        return min([self.span[0], *(g.row[0] for g in edges)]), max(
            [self.span[1], *(g.row[1] for g in edges)]
        )


def lay(item: Words, row: Words, begin: int, stop: int) -> Laid | None:
    """The item beside words [begin, stop) of the text; None if they share none."""
    size = len(item.stems)
    runs = _runs(item.stems, row.stems[begin:stop], begin)
    if not runs:
        return None
    gaps = [Gap((x[0] + x[2], y[0]), (x[1] + x[2], y[1])) for x, y in pairwise(runs)]
    last = runs[-1]
    head, tail = runs[0][0], size - last[0] - last[2]
    if head:
        gaps.append(Gap((0, head), (max(0, runs[0][1] - head), runs[0][1]), True))
    if tail:
        after = last[1] + last[2]
        gaps.append(Gap((size - tail, size), (after, min(len(row.stems), after + tail)), True))
    return Laid(runs, gaps, _kept(item, row, runs, gaps))


def exchanged_letters(item: Words, row: Words, laid: Laid) -> Counter[tuple[str, str]]:
    """Letters of the item's labels that have another in their place, and how often."""
    found: Counter[tuple[str, str]] = Counter()
    for gap in laid.gaps:
        labels = item.labels[slice(*gap.item)]
        if any(labels):
            found.update(_exchanged(labels, row.labels[slice(*gap.row)]))
    return found


def one_for_one(renames: Counter[tuple[str, str]]) -> dict[str, str]:
    """The letter of the item that each letter of the text stands for.

    Pairs seen most often come first; no letter is in two.
    """
    names: dict[str, str] = {}
    for (a, b), _ in sorted(renames.items(), key=lambda pair: (-pair[1], pair[0])):
        if b not in names and a not in names.values():
            names[b] = a
    return names


def with_names(row: Words, names: dict[str, str]) -> Words:
    """The text with its letters renamed."""
    stems = list(row.stems)
    labels = list(row.labels)
    for k, label in enumerate(row.labels):
        if label is None:
            continue
        if label in GREEK:
            renamed = names.get(label, label)
        elif len(label) < SPELT or set(label) <= names.keys():
            renamed = names.get(label) or "".join(names.get(letter, letter) for letter in label)
        else:
            continue
        labels[k], stems[k] = renamed, renamed.lower() if renamed != label else stems[k]
    return row._replace(stems=stems, labels=labels)


def found_whole(item: Sequence[str], row: Sequence[str], begin: int, stop: int) -> int | None:
    """Where the words of the item begin in row[begin:stop], all of them and nothing between."""
    size = len(item)
    while size:
        try:
            begin = row.index(item[0], begin, max(begin, stop - size + 1))
        except ValueError:
            return None
        if row[begin : begin + size] == item:
            return begin
        begin += 1
    return None


def _kept(item: Words, row: Words, runs: list[tuple[int, int, int]], gaps: Sequence[Gap]) -> list[bool]:
    """Which words of the item the text has in order; a misspelling or another form counts as the word."""
    kept = [False] * len(item.stems)
    for a, _, n in runs:
        kept[a : a + n] = [True] * n
    for gap in gaps:
        at = gap.row[0]
        for k in range(*gap.item):
            word = item.stems[k]
            if len(word) < 4 or item.values[k] is not None or word in EXCHANGED_WITH:
                continue
            for j in range(at, gap.row[1]):
                other = row.stems[j]
                if len(other) >= 4 and OSA.normalized_similarity(word, other, score_cutoff=ALIKE) >= ALIKE:
                    kept[k], at = True, j + 1
                    break
    return kept


def _runs(item: Sequence[str], row: Sequence[str], offset: int) -> list[tuple[int, int, int]]:
    """Where runs of the longest common subsequence begin in item and text, and their lengths.

    Short runs far out at either end are chance ("the" a line before the problem) and are left out.
    """
    runs = [
        (code.src_start, code.dest_start + offset, code.src_end - code.src_start)
        for code in LCSseq.opcodes(item, row)
        if code.tag == "equal"
    ]

    def stray(end: tuple[int, int, int], gap: int) -> bool:
        return end[2] < 3 and gap > 4 * end[2] + 2

    while len(runs) > 1:
        if stray(runs[0], runs[1][1] - runs[0][1] - runs[0][2]):
            runs.pop(0)
        elif stray(runs[-1], runs[-1][1] - runs[-2][1] - runs[-2][2]):
            runs.pop()
        else:
            break
    return runs


def _exchanged(of_item: Sequence[str | None], of_row: Sequence[str | None]) -> Iterator[tuple[str, str]]:
    """Letters that differ, where both have the same number of labels of the same lengths."""
    mine, others = [x for x in of_item if x is not None], [x for x in of_row if x is not None]
    if len(mine) != len(others):
        return
    for a, b in zip(mine, others, strict=True):
        if a == b:
            continue
        if a in GREEK or b in GREEK or len(a) == len(b) == 1:
            yield a, b
        elif len(a) == len(b) < SPELT:
            yield from ((x, y) for x, y in zip(a, b, strict=True) if x != y)
