r"""What can be decided about two answers without computer algebra: same text, and exact numbers.

Decides only where it is certain, and then as Math-Verify does, with one exception on purpose:
Math-Verify rounds to six decimals whatever the size, so for it 0.0000001 is 0.0000002; here two
decimals that differ by more than one part in a hundred are different
(`test_tiny_decimals_are_not_equal`).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_NOISE = re.compile(r"\\(?:left|right|displaystyle)(?![A-Za-z])|\\!|\s+")
_SMALL_FRAC = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_INTEGER = r"\d+|[1-9]\d{0,2}(?:(?:,|\{,\})\d{3})+"
_NUMBER = re.compile(rf"([+-]?)(?:({_INTEGER})(?:\.(\d*))?|\.(\d+))")
_SLASH = re.compile(r"([+-]?)(\d+)/(\d+)")
_FRAC = re.compile(r"([+-]?)\\frac(?:\{([+-]?\d+)\}|(\d))(?:\{([+-]?\d+)\}|(\d))")
_MAX_CHARS = 400  # a number of more digits is left to the guards

_ROUNDING = Fraction(2, 10**6)  # twice Math-Verify's: two numbers this far apart never round alike
_MAX_RELATIVE = Fraction(1, 100)


class Decision(NamedTuple):
    """Whether two answers are equal, and why, as a sentence."""

    equal: bool
    why: str


class _Number(NamedTuple):
    value: Fraction
    is_decimal: bool  # written with a decimal point


def normal(answer: str) -> str:
    r"""An answer without what never carries meaning in LaTeX maths: sizes, negative space, blanks.

    >>> normal(r"\left( 1, \dfrac{1}{2} \right)")
    '(1,\\frac{1}{2})'
    """
    return _NOISE.sub("", _SMALL_FRAC.sub(r"\\frac", answer)).replace("−", "-")


def number(text: str) -> _Number | None:
    """The exact value of an integer, a decimal or a fraction of integers; None for anything else."""
    if len(text) > _MAX_CHARS:
        return None
    if match := _NUMBER.fullmatch(text):
        sign, integer, decimals, only_decimals = match.groups()
        digits = (integer or "0").replace("{,}", "").replace(",", "")
        fraction = decimals or only_decimals or ""
        value = Fraction(int(digits + fraction), 10 ** len(fraction))
        return _Number(-value if sign == "-" else value, bool(fraction))
    if match := _SLASH.fullmatch(text):
        sign, above, below = match.groups()
    elif match := _FRAC.fullmatch(text):
        sign = match.group(1)
        above, below = match.group(2) or match.group(3), match.group(4) or match.group(5)
    else:
        return None
    if int(below) == 0:
        return None
    value = Fraction(int(above), int(below))
    return _Number(-value if sign == "-" else value, False)


def decide(gold: str, answer: str) -> Decision | None:
    r"""Whether two answers are equal, where that needs no algebra; None where it may.

    >>> decide("0.5", r"\frac{1}{2}")
    Decision(equal=True, why='both are 1/2')
    >>> decide("1,234", "1235")
    Decision(equal=False, why='1,234 and 1235 are different numbers')
    >>> decide("50%", "0.5") is None
    True
    """
    # Blanks carry meaning between digits and in words ("1 234", "not prime"), so texts that are
    # the same only without blanks must hold no two digits or letters with a blank between them.
    if gold == answer:
        return Decision(True, "same text")
    left, right = normal(gold), normal(answer)
    if left == right and " ".join(gold.split()) == " ".join(answer.split()):
        return Decision(True, "same text")
    if re.search(r"[\w.,]\s+[\w.,]", gold) or re.search(r"[\w.,]\s+[\w.,]", answer):
        return None
    if left == right:
        return Decision(True, "same text but for spacing")
    a, b = number(left), number(right)
    if a is None or b is None:
        return None
    if a.value == b.value:
        return Decision(True, f"both are {_short(str(a.value))}")
    distance = abs(a.value - b.value)
    if (
        not (a.is_decimal or b.is_decimal)
        or distance >= _ROUNDING
        or distance > _MAX_RELATIVE * max(abs(a.value), abs(b.value))
    ):
        return Decision(False, f"{_short(left)} and {_short(right)} are different numbers")
    return None


def _short(text: str) -> str:
    """The text, cut to 40 characters."""
    return text if len(text) <= 40 else f"{text[:37]}..."
