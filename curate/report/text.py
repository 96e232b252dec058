"""Text of a row made fit to be shown: cut, control characters made visible, the matched span marked.

Rows are untrusted. A terminal must not obey an escape sequence in a prompt and a page must not change
its reading order because of one, so control and bidirectional characters are shown as `\\x1b`, `\\u202e`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Piece(NamedTuple):
    """A part of a text, marked or not."""

    text: str
    marked: bool


def printable(text: str) -> str:
    r"""The text with control and bidirectional characters spelled out; newline and tab stay.

    >>> printable("a\x1b[31mb\u202ec\n")
    'a\\x1b[31mb\\u202ec\n'
    """
    return _UNSAFE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def excerpt(text: str | None, limit: int = 600) -> str:
    """At most about `limit` characters: the beginning and, where it was cut, the end.

    >>> excerpt("a" * 60 + "z" * 40, 12)
    'aaaaaaaa … [88 characters] … zzzz'
    """
    if text is None:
        return ""
    if len(text) <= limit + 40:  # the note about a cut should not be longer than what it cuts
        return printable(text)
    tail = limit // 3
    head = limit - tail
    return f"{printable(text[:head])} … [{len(text) - limit:,} characters] … {printable(text[-tail:])}"


def marked_excerpt(text: str | None, span: tuple[int, int] | None, limit: int = 600) -> tuple[Piece, ...]:
    """The text around a span, in pieces; the span (character offsets, end exclusive) is marked.

    Without a span, or with one outside the text, one unmarked piece. The marked part is cut too where
    it is longer than the limit; a third of the limit goes to the text on each side.

    >>> [(piece.text, piece.marked) for piece in marked_excerpt("Find the sum of all primes.", (5, 16))]
    [('Find ', False), ('the sum of ', True), ('all primes.', False)]
    """
    if text is None:
        return ()
    start, end = span if span is not None else (0, 0)
    start, end = max(start, 0), min(end, len(text))
    if start >= end:
        return (Piece(excerpt(text, limit), marked=False),)
    room = max(limit - (end - start), limit // 2) // 2
    before = printable(text[max(0, start - room) : start])
    after = printable(text[end : end + room])
    pieces = (
        Piece(("… " if start > room else "") + before, marked=False),
        Piece(excerpt(text[start:end], limit), marked=True),
        Piece(after + (" …" if end + room < len(text) else ""), marked=False),
    )
    return tuple(piece for piece in pieces if piece.text)


def shown(value: object, limit: int = 120) -> str:
    """A measured value as a short text; null is `null`.

    >>> shown(0.58333333), shown(None), shown({"start": 3, "end": 9}), shown([1.0, 2])
    ('0.5833', 'null', 'start 3, end 9', '1, 2')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {shown(item, limit)}" for name, item in value.items())
    if isinstance(value, list):
        inside = ", ".join(shown(item, limit) for item in value[:8])
        return inside + (f", … ({len(value):,} in all)" if len(value) > 8 else "") if value else "none"
    text = printable(str(value)[: limit + 1])
    return text if len(text) <= limit else text[: limit - 1] + "…"
