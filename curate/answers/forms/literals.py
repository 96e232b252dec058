"""Numbers as they are written: 12, 0.5, 1.5e3, repeating decimals."""

from __future__ import annotations

import re
from fractions import Fraction

from curate.answers.forms.nodes import Node
from curate.answers.forms.tokens import Unreadable

MAX_DIGITS = 1_000
MAX_EXPONENT = 400
MAX_CYCLE = 200
"""Digits in which a cycle is looked for."""
_GOES_ON = re.compile(r"(\d+)(?:\.\.\.|…|\\[lc]?dots)")


def number(text: str) -> Node:
    r"""A number as a node of its value and its text.

    >>> str(number(r"0.1\overline{6}").args[0]), str(number("1.5e3").args[0])
    ('1/6', '1500')

    Raises Unreadable where it has too many digits, or goes on in an unknown way.
    """
    if len(text) > MAX_DIGITS:
        raise Unreadable(f"a number of more than {MAX_DIGITS:,} digits")
    if text.isdigit():
        return Node("num", (Fraction(int(text)), text))
    if "\\" in text or "(" in text or text.endswith(("...", "…")):
        return Node("num", (_repeating(text), text))
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > MAX_EXPONENT:
        raise Unreadable(f"an exponent of more than {MAX_EXPONENT}")
    return Node("num", (Fraction(f"0{mantissa}") * Fraction(10) ** int(exponent or 0), text))


def _repeating(text: str) -> Fraction:
    """The value of a repeating decimal: its cycle is marked, or written out and followed by dots."""
    whole, _, decimals = text.partition(".")
    goes_on = _GOES_ON.fullmatch(decimals)
    if goes_on is not None:
        fixed, cycle = cycle_of(goes_on[1])
    else:
        fixed, marked = re.fullmatch(r"(\d*)(.*)", decimals, re.DOTALL).groups()  # type: ignore[union-attr]
        cycle = re.sub(r"\D", "", marked)
    if not cycle:
        raise Unreadable("a decimal that goes on in an unknown way")
    start = Fraction(int(whole + fixed or "0"), 10 ** len(fixed))
    return start + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(fixed))


def cycle_of(digits: str) -> tuple[str, str]:
    """Digits before a cycle, and the cycle that the rest repeats at least twice (one digit: thrice)."""
    for fixed in range(len(digits) if len(digits) <= MAX_CYCLE else 0):
        rest = digits[fixed:]
        for size in range(1, len(rest) // 2 + 1):
            if len(rest) >= 3 and rest.startswith(rest[size:]):
                return digits[:fixed], rest[:size]
    return digits, ""
