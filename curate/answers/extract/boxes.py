r"""Boxes: `\boxed{...}`, `\fbox{...}`, `\framebox{...}`, `\boxed 5`, and a box whose end is missing.

Looked for from the end of the text. Each stretch of it is read once, so that fifty thousand open
boxes cost what one pass over the text costs.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from curate.answers.extract.cues import backwards

# Also with its backslash doubled, or lost ("\b" read as a backspace), or with "\begin" before it.
_BOX = re.compile(
    r"(?:\\(?:begin\{?)?(?:boxed|(?:f|frame)?box)|\x08oxed)\}?(?:\[[^\]\n]{0,20}\])?"
    r"(?:[ \t\n]*(?P<open>\{)|(?<=boxed)(?:[ \t]+(?P<word>[^\s{}$\\]+)|(?P<number>\d+(?:\.\d+)?)))"
)
_BRACE = re.compile(r"\\[{}\\]|[{}]")

# What may stand between two boxes that are one answer: delimiters, a comma or "and", a "y =".
# Math-Verify joins boxes less than 10 characters apart whatever stands between them, so that
# "\boxed{35 cm} ++++++ \boxed{4}" is the list 35 cm, 4; here a separator is needed.
_MAX_GAP = 60
_AND = r"(?:and|or|y|o|et|ou|und|oder|e|и|или|ve|veya|và|hoặc|dan|atau)"
_JOIN = (
    rf"[,;\uff0c\uff1b、和或及と와과&]|또는|(?<![A-Za-z\\]){_AND}(?![A-Za-z])"
    r"|\\q?quad(?![A-Za-z])|\\[,;](?!\w)|\((?:[b-h]|[ivx]{1,4})\)"
)
_TEXT = rf"\\(?:text|textbf|mathrm|mbox)\s{{0,3}}\{{\s{{0,3}}(?:{_JOIN})?\s{{0,3}}\}}"
_NAME = (
    r"(?:\\?[A-Za-z]+(?:_\{?\w{1,4}\}?)?'?(?:\([A-Za-z](?:,\s?[A-Za-z])?\))?"
    r"|\([A-Za-z](?:,\s?[A-Za-z]){1,3}\))\s{0,3}(?:=|\\approx|≈)"
)
_JOINS = re.compile(_JOIN)
GAP = re.compile(rf"(?:[\s$.~*]|\\[()\[\] !:]|\\\\|{_TEXT}|{_JOIN})*(?:{_NAME}(?:[\s$]|\\[(\[])*)?")
_MATHS_ENDS = re.compile(r"(?<!\\)\$|\\[)\]]|\n")
_NOT_WHOLE = re.compile(r"[-+*/^_=<>(\[{,.:\\]$|\\[A-Za-z]+$")


class Box(NamedTuple):
    """Where a box stands in a text, and its content."""

    start: int
    end: int
    inner: tuple[int, int]


class OpenBox(NamedTuple):
    """The content of a box that never closes, and whether something other than a brace ends it."""

    span: tuple[int, int]
    is_ended: bool


def last_boxes(text: str, start: int, end: int) -> list[Box]:
    """The last closed box with something in it, after those that are parts of the same answer."""
    if "oxed" not in text and "box{" not in text:
        return []
    found: list[Box] = []
    horizon = end  # no brace that is open before it closes behind it
    for match in backwards(_BOX, text, start, end, None):
        box = _closed(text, match, horizon)
        if box is None:
            horizon = match.start()
        elif not text[slice(*box.inner)].strip():
            continue
        elif found and not is_gap(text, box.end, found[-1].start):
            break
        else:
            found.append(box)
            horizon = box.start
            continue
        if found:
            break
    return found[::-1]


def open_box(text: str, start: int, end: int) -> OpenBox | None:
    r"""The last box of a part if it never closes, and may be whole.

    `\boxed{5$.` is ended by the dollar; a box that the end of the text cuts may have lost something.
    """
    if "oxed" not in text and "box{" not in text:
        return None
    match = next(backwards(_BOX, text, start, end, None), None)
    if match is None or match["open"] is None:
        return None
    stop = _MATHS_ENDS.search(text, match.end(), min(end, match.end() + 500))
    inner_end = stop.start() if stop else end
    inner = text[match.end() : inner_end].rstrip() if inner_end - match.end() <= 500 else ""
    depth = 0
    for brace in _BRACE.finditer(inner):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
    whole = (
        inner and depth == 0 and inner.count("(") + inner.count("[") == inner.count(")") + inner.count("]")
    )
    if not whole or _NOT_WHOLE.search(inner):
        return None
    return OpenBox((match.end(), inner_end), stop is not None)


def is_gap(text: str, start: int, end: int) -> bool:
    """Whether what stands between two boxes (or formulas) makes them parts of one answer."""
    if not 0 < end - start <= _MAX_GAP:
        return False
    gap = text[start:end]
    return bool(_JOINS.search(gap) and GAP.fullmatch(gap))


def _closed(text: str, match: re.Match[str], horizon: int) -> Box | None:
    """The box that opens here; None if it does not close before the horizon."""
    if match["open"] is None:
        return Box(match.start(), match.end(), match.span("word" if match["word"] else "number"))
    depth = 1
    for brace in _BRACE.finditer(text, match.end(), horizon):
        kind = brace.group()
        depth += {"{": 1, "}": -1}.get(kind, 0)
        if depth == 0:
            return Box(match.start(), brace.end(), (match.end(), brace.start()))
    return None
