"""The passages of texts that are copies of benchmark items: found, cut out, and looked for again in the rest.

`match` tells the item that a text is nearest to. A long text may hold several, so what was found is blanked
and the rest is matched again, until no copy is found any more.

Source: GPT-3 (Brown et al. 2020, appendix C) cuts what collides out of a document, and gives up a document of
which more than ten pieces were cut; so does this.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

import pyarrow as pa

from curate.benchmarks.alignment import Kind
from curate.benchmarks.matching import State, match

MOST = 10
"""Passages of one text that are looked for."""
PAIRS = {")": "(", "]": "[", "}": "{", "”": "“", "’": "‘", "»": "«"}
ENDINGS = ".?!。？！"
DRAWING = re.compile(r"\s*\[asy\](?:(?!\[/?asy\]).){0,20000}\[/asy\]", re.DOTALL)
MARKS = 16
"""So many marks at each end may belong to a passage."""


class Passage(NamedTuple):
    """A part of a text that is a copy of an item: characters, half open."""

    start: int
    end: int
    benchmark: str
    item: str


class Held(NamedTuple):
    """What one text holds."""

    passages: list[Passage]
    """In order, and apart."""
    rest: Kind
    """What the text is nearest to once the passages are gone; a class that was to be cut: more than MOST."""


def passages(column: pa.Array, state: State, classes: Collection[Kind]) -> list[Held | None]:
    """The passages of every text whose class is one of `classes`; null for a text without a token."""
    texts: list[str | None] = column.to_pylist()
    first = match(column, state)
    held: list[Held | None] = [
        Held([], "none") if size else None for size in first.n_tokens.tolist()
    ]  # a line without a match is near to nothing
    found, lines = first.of, list(range(len(texts)))
    for round_number in range(MOST + 1):
        again: list[int] = []
        for place, line in enumerate(lines):
            one, text, before = found.get(place), texts[line], held[line]
            if one is None or text is None or before is None:
                continue
            held[line] = before._replace(rest=one.kind)
            if one.kind not in classes or one.row_span is None or round_number == MOST:
                continue
            start, end = widened(text, *one.row_span)
            before.passages.append(Passage(start, end, one.benchmark, one.item))
            texts[line] = text[:start] + "\n" * (end - start) + text[end:]  # later places stay what they are
            held[line] = before._replace(rest="none")
            again.append(line)
        if not again:
            break
        lines = again
        found = match(pa.array([texts[line] for line in lines], pa.large_string()), state).of
    for one_held in held:
        if one_held is not None:
            one_held.passages.sort()
    return held


def widened(text: str, start: int, end: int) -> tuple[int, int]:
    r"""A span with what belongs to it at its ends: half of a pair, a formula's $, a full stop, a drawing.

    >>> text = "Q: $x$ is (a or $y$)? Why"
    >>> start, end = widened(text, 4, 18)
    >>> text[start:end]
    '$x$ is (a or $y$)?'
    """
    inside = text[start:end]
    first, last = max(0, start - MARKS), min(len(text), end + MARKS)
    while end < last:
        mark = text[end]
        whole_formula = mark == "$" and text.count("$", 0, end) % 2 == 1
        if not whole_formula and not (mark in PAIRS and inside.count(mark) < inside.count(PAIRS[mark])):
            break
        end += 1
        inside = text[start:end]
    while start > first:
        mark = text[start - 1]
        closing = next((close for close, opening in PAIRS.items() if opening == mark), None)
        whole_formula = mark == "$" and text.count("$", 0, start) % 2 == 1
        if not whole_formula and not (closing and inside.count(mark) < inside.count(closing)):
            break
        start -= 1
        inside = text[start:end]
    while end < last and text[end] in ENDINGS:
        end += 1
    following = DRAWING.match(text, end)
    return start, following.end() if following is not None else end
