"""A text beside a benchmark item: whether it is the same problem, another one of its kind, or neither.

The kernel of native/item_align.cpp tells it; here it is put into words.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from curate.benchmarks.background import background
from curate.kernels.item_align import TOLD, align
from curate.kernels.native import Texts

Kind = Literal["verbatim", "near", "reworded", "variant", "template", "none"]
KINDS: tuple[Kind, ...] = ("verbatim", "near", "reworded", "variant", "template", "none")
"""From the same problem to another one; in the order of enum Kind of the kernel."""

WHY = (
    "all words, in order",
    "{part:.0%} of the words, in order",
    "{one} became {other}",
    "{count} of {of} numbers are others",
    "{count} words with a number put in",
    "{count} words put in",
    "{one} is not told",
    "a condition turned round",
    "{count} numbers more",
    "another question",
    "variables renamed",
    "{part:.0%} of the formulas",
    "{part:.0%} of the rare words, the same numbers",
)
"""What a kind rests on, in the order of enum Why of the kernel."""


class Alignment(NamedTuple):
    """What a text has of the nearest of the items that were laid beside it."""

    line: int
    """Number of the text."""
    item: int
    hits: int
    """Items that were laid beside the text."""
    kind: Kind
    alignment: float
    """Weight of the item's words that the text has in order, of that of all, 0 to 1."""
    share: float
    """Weight of the item's distinct content words that the window has, of that of all, 0 to 1."""
    numbers_agree: bool | None
    """Whether the text has the item's numbers and none in their place; None if the item has none."""
    why: str
    row_tokens: tuple[int, int]
    """Tokens of the text from the first to the last word aligned, half open."""
    item_tokens: tuple[int, int]


def alignments(texts: Texts, items: Texts, candidates: npt.NDArray[np.void]) -> list[Alignment]:
    """The nearest candidate of each text that shares a word with one.

    The nearest is of the nearest kind; of these it has the highest alignment, then the largest share, and
    then comes first. items: the texts of the items, with their drawings.
    """
    told, strings = align(texts, items, background(), candidates)
    lines = np.flatnonzero(told["item"] >= 0)
    columns = [told[name][lines].tolist() for name in TOLD.names or ()]
    return [
        Alignment(
            line,
            item,
            hits,
            KINDS[kind],
            alignment,
            share,
            None if agree < 0 else agree == 1,
            WHY[why].format(
                part=part,
                count=count,
                of=of,
                one=strings[one:other].decode(),
                other=strings[other:end].decode(),
            ),
            (row_first, row_end),
            (item_first, item_end),
        )
        for line, alignment, share, part, one, other, end, item, hits, kind, why, row_first, row_end,
        item_first, item_end, count, of, agree, _ in zip(lines.tolist(), *columns, strict=True)
    ]  # fmt: skip
