"""Passages cut out of texts: which a mask rule cuts, and the texts without them. Nothing is read or written.

A rule names the places in the prompt (or in the response). What is cut there is cut wherever else the row's
record has the same words: in the turns that the prompt was put together from, in a response that quotes it,
in another column of the input.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from curate.flow import KEYS, Grain
from curate.predicate import evaluate


class Mask(NamedTuple):
    """A mask rule: lines where `when` holds lose their `spans` if enough is left, and are dropped if not."""

    reason: str
    when: str
    spans: str  # expression: a span (struct of start and end) or a list of spans, characters of the text
    min_left: int  # characters, see `left`


def find_cuts(facts: pl.DataFrame, masks: Sequence[Mask], grain: Grain) -> pl.DataFrame:
    """What mask rules cut: key columns, `reason`, `start`, `end`, a line for every passage, in order.

    Passages are characters of the prompt (of the response), half open, apart, and one rule's are merged where
    they meet. A line of which less than `min_left` characters would be left, or none of whose spans holds a
    character, has no passage.

    >>> facts = pl.DataFrame({
    ...     "row_id": [0, 1], "row": [{"prompt": "spam and eggs"}, {"prompt": "spam"}],
    ...     "leak": [{"share": 0.9, "span": {"start": 0, "end": 4}}] * 2,
    ... })
    >>> find_cuts(facts, [Mask("contaminated", "leak.share > 0.5", "leak.span", 5)], "row").rows()
    [(0, 'contaminated', 0, 4)]
    """
    keys = list(KEYS[grain])
    found: list[tuple[object, ...]] = []
    for mask in masks:
        says = evaluate(mask.when, facts).cast(pl.Boolean).fill_null(value=False)
        chosen = facts.filter(says)
        spans = evaluate(mask.spans, chosen).to_list()
        texts = evaluate(TEXT[grain], chosen).to_list()
        for key, given, text in zip(chosen.select(keys).iter_rows(), spans, texts, strict=True):
            places = places_of([given] if isinstance(given, dict) else given or [], len(text or ""))
            if places and left(text or "", places) >= mask.min_left:
                found += [(*key, mask.reason, start, end) for start, end in places]
    kinds = {"reason": pl.String(), "start": pl.Int32(), "end": pl.Int32()}
    schema = pl.Schema({**facts.select(keys).schema, **kinds})
    return pl.DataFrame(found, schema=schema, orient="row").sort(*keys, "start", "end", maintain_order=True)


TEXT: dict[Grain, str] = {"row": "row.prompt", "response": "response.response"}
"""The text that spans of a grain point into."""


def places_of(spans: Sequence[Mapping[str, int | None]], length: int) -> list[tuple[int, int]]:
    """Spans inside a text, in order, those that meet as one."""
    places: list[tuple[int, int]] = []
    for span in sorted((one["start"] or 0, min(one["end"] or 0, length)) for one in spans):
        if span[0] >= span[1]:
            continue
        if places and span[0] <= places[-1][1]:
            places[-1] = places[-1][0], max(places[-1][1], span[1])
        else:
            places.append(span)
    return places


DRAWINGS = (("[asy]", "[/asy]"), ("\\begin{tikzpicture}", "\\end{tikzpicture}"))


def _without_drawings(text: str) -> str:
    """The text with blanks for the code of drawings, every other character in its place."""
    for opening, closing in DRAWINGS:
        pieces, at = [], 0
        while (begin := text.find(opening, at)) >= 0 and (end := text.find(closing, begin)) >= 0:
            end += len(closing)
            pieces += [text[at:begin], " " * (end - begin)]
            at = end
        text = "".join([*pieces, text[at:]])
    return text


def left(text: str, places: Sequence[tuple[int, int]]) -> int:
    """Characters outside of the places; white space and drawings are nothing that is left."""
    text = _without_drawings(text)
    begins, ends = [0, *(end for _, end in places)], [*(start for start, _ in places), len(text)]
    return sum(len("".join(text[a:b].split())) for a, b in zip(begins, ends, strict=True))


Place = tuple[int, int, str]
"""Characters of a text that are cut, half open, and what stands there instead."""


class Cut(NamedTuple):
    """A text and the places that are cut of it, in order and apart."""

    text: str
    places: tuple[Place, ...]


JOIN = "\n\n"
"""Between the parts that a prompt is put together from."""
PART = 40
"""A text of so many characters that stands in a prompt is the part of the prompt it looks like."""


def without(text: str, cuts: Sequence[Cut]) -> str:
    """A text of a record without the passages that are cut.

    Where the text is what was cut, or a part of it (a turn of the prompt, the thinking of a response), it
    loses the same places; then whole passages, wherever they stand word for word, or as JSON spells them.

    >>> cut = Cut("Q: add 2 and 2! Thanks.", ((3, 15, "[removed]"),))
    >>> without("Q: add 2 and 2! Thanks.", [cut]), without("I am asked to add 2 and 2! Easy.", [cut])
    ('Q: [removed] Thanks.', 'I am asked to [removed] Easy.')
    """
    for cut in cuts:
        start = _place(text, cut.text)
        if start is not None:
            text = _cut(text, [(a - start, b - start, token) for a, b, token in cut.places])
    for cut in cuts:
        passages = {cut.text[a:b]: token for a, b, token in cut.places}
        for passage in sorted(passages, key=len, reverse=True):
            for spelt in dict.fromkeys((passage, _json(passage, ascii=False), _json(passage, ascii=True))):
                text = text.replace(spelt, passages[passage])
    return text


def _place(part: str, whole: str) -> int | None:
    """Where a text begins in another that it is a part of: a paragraph or more of it, or long."""
    if len(part) >= PART:
        start = whole.find(part)
    else:
        start = f"{JOIN}{whole}{JOIN}".find(f"{JOIN}{part}{JOIN}") if part else -1
    return start if start >= 0 else None


def _cut(text: str, places: Sequence[Place]) -> str:
    pieces, at = [], 0
    for start, end, token in places:
        start, end = max(start, 0), min(end, len(text))
        if start >= end:
            continue
        pieces += [text[at:start], token]
        at = end
    return "".join([*pieces, text[at:]])


def _json(text: str, *, ascii: bool) -> str:
    return json.dumps(text, ensure_ascii=ascii)[1:-1]
