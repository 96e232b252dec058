"""Pieces of a text to read closely: formulas covered, sentences parted, wrapping taken off the ends.

A piece has at most `WINDOW` characters, so that no pattern that reads one costs more than a few
milliseconds. Formulas are covered first: a full stop or a line break inside one ends no sentence.
"""

from __future__ import annotations

import re
from typing import NamedTuple

WINDOW = 2_000
Span = tuple[int, int]

_WRAPPERS = (
    ("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("__", "__"), ("`", "`"),
    ('"', '"'), ("“", "”"), ("「", "」"), ("『", "』"), ("<b>", "</b>"), ("<strong>", "</strong>"),
)  # fmt: skip
_WRAPS = frozenset(left[0] for left, _ in _WRAPPERS)
_STOPS = frozenset(".,;。\uff0c、।\uff1b")

_KEPT_STOPS = ("..", "\\.", "\\,", "\\;", "\\right.", "\\left.")

COVER, COVERED = "\ue000", "\ue001"  # private use: the first character of a covered formula, the others
_UNCOVERED = dict.fromkeys(map(ord, (COVER, COVERED)), "\ufffd")  # what a text itself has of these
_OPENS = re.compile(r"\$\$|(?<!\\)\$|\\\(|\\\[")
_CLOSES = {
    "$$": re.compile(r"\$\$"),
    "$": re.compile(r"(?<!\\)\$"),
    "\\(": re.compile(r"\\\)"),
    "\\[": re.compile(r"\\\]"),
}
# "$18 a day and $3", "$5 - $10": money
_MONEY_TALK = re.compile(r"\d[^\\]*?[A-Za-z]{2}[^\\]*\Z|\d[\d.,]*\s*(?:[-–+/]|to|and)\s*\Z")
_BREAK = re.compile(r"\s*\n\s*")
_SENTENCE_END = re.compile(
    r"[.!?。\uff01\uff1f।؟\n](?:(?<=[。\uff01\uff1f।؟\n])|(?=[\s*\"')\]_]|\Z)"
    r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\b[DM]r\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bNo\.)(?<!approx\.)"
    r"(?!(?<=[\dn)]!)\s+[a-z=<>+*/-]))"
)


class Piece(NamedTuple):
    """A part of a text with its formulas covered, and these formulas: start → end, inner start, inner end."""

    covered: str
    base: int  # where the part begins in the text
    formulas: dict[int, tuple[int, int, int]]
    text: str


def tidy_span(text: str, start: int, end: int) -> Span:
    """The span without what is only wrapping at its ends; see `tidy`."""
    while True:
        before = start, end
        while start < end and text[start].isspace():
            start += 1
        while start < end and (text[end - 1].isspace() or _is_stop(text, start, end)):
            end -= 1
        if text.endswith("**", start, end) and text.find("**", start, end - 2) < 0:
            end -= 2
        if text.startswith("**", start, end) and text.find("**", start + 2, end) < 0:
            start += 2
        for left, right in _WRAPPERS if text[start : start + 1] in _WRAPS else ():
            inner = start + len(left), end - len(right)
            if (
                inner[0] < inner[1]
                and text.startswith(left, start)
                and text.endswith(right, inner[0], end)
                and text.find(left, *inner) < 0
                and not text[slice(*inner)].isspace()
            ):
                start, end = inner
                break
        if (start, end) == before:
            return start, end


def _is_stop(text: str, start: int, end: int) -> bool:
    """Whether a span ends in a mark that is no part of an answer: a full stop, a comma, a line's end."""
    if text[end - 1] in _STOPS:
        return not text.endswith(_KEPT_STOPS, start, end)
    return text[end - 1] == "\\" and text.endswith("\\\\", start, end)


def tidy(answer: str) -> str:
    r"""An answer without what is only wrapping: blanks, `$...$`, `**...**`, quotes, a full stop at the end.

    >>> tidy(r" $\frac{1}{2}$. ")
    '\\frac{1}{2}'
    """
    return answer[slice(*tidy_span(answer, 0, len(answer)))]


def cover(text: str, start: int, end: int) -> Piece:
    """A part of a text with its formulas covered, so that the lengths stay the same."""
    parts: list[str] = []
    formulas: dict[int, tuple[int, int, int]] = {}
    at = start
    while (opened := _OPENS.search(text, at, end)) is not None:
        closed = _CLOSES[opened.group()].search(text, opened.end(), end)
        inner = text[opened.end() : closed.start()] if closed else ""
        is_formula = closed is not None and inner.strip() and inner.strip() != "\\boxed{}"
        if (
            closed is None
            or not is_formula
            or (opened.group() == "$" and _is_money(text, inner, closed.end()))
        ):
            parts.append(text[at : opened.end()].translate(_UNCOVERED))
            at = opened.end()
            continue
        parts += [
            text[at : opened.start()].translate(_UNCOVERED),
            COVER,
            COVERED * (closed.end() - opened.start() - 1),
        ]
        formulas[opened.start()] = closed.end(), opened.end(), closed.start()
        at = closed.end()
    parts.append(text[at:end].translate(_UNCOVERED))
    return Piece(_BREAK.sub(_without_break, "".join(parts)), start, formulas, text)


def _without_break(blanks: re.Match[str]) -> str:
    """A line break, as blanks where the sentence goes on: before and after a formula, after a colon."""
    covered, start, end = blanks.string, blanks.start(), blanks.end()
    before, after = covered[start - 1 : start], covered[end : end + 1]
    goes_on = (
        after == COVER
        or before == ":"
        or (before in (COVER, COVERED) and (after.islower() or after in ",.;"))
    )
    return " " * (end - start) if goes_on and before else blanks.group()


def _is_money(text: str, inner: str, after: int) -> bool:
    """Whether what stands between two dollar signs is talk about money rather than a formula."""
    return (
        "\n\n" in inner
        or bool(_MONEY_TALK.match(inner))
        or (inner[0].isdigit() and text[after : after + 1].isdigit())
    )


def sentence_end(piece: Piece, start: int) -> int:
    """Where the sentence that begins here ends: at its full stop, its line's end or the piece's end."""
    found = _SENTENCE_END.search(piece.covered, start)
    return found.start() if found else len(piece.covered)


def sentences(piece: Piece) -> list[tuple[int, int, bool]]:
    """The sentences of a piece: start, end, and whether a mark ends them."""
    found: list[tuple[int, int, bool]] = []
    start = 0
    for stop in _SENTENCE_END.finditer(piece.covered):
        if piece.covered[start : stop.start()].strip():
            found.append((start, stop.start(), stop.group() != "\n"))
        start = stop.end()
    if piece.covered[start:].strip():
        found.append((start, len(piece.covered), False))
    return found
