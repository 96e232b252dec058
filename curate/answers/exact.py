r"""What can be decided about two answers without computer algebra: same text, and exact numbers.

Decides only where it is certain, and then as Math-Verify does, with three exceptions on purpose.
Math-Verify rounds to six decimals whatever the size, so for it 0.0000001 is 0.0000002; here two
decimals that differ by more than one part in a hundred are different
(`test_tiny_decimals_are_not_equal`). It reads 1.5e3 as 1.5 times e times 3; here it is 1500. And
it knows cm but neither cups nor a year: here 11 cups are 11, and $11/year too.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

_NOISE = re.compile(r"\\(?:left|right|displaystyle)(?![A-Za-z])|\\!|(?<=\d)\\,(?=\d{3}(?!\d))|\s+")
_ONE_IN_BRACES = re.compile(r"([_^])\{(\w)\}")
_SMALL_FRAC = re.compile(r"\\[dtc]frac(?![A-Za-z])")
_INTEGER = r"\d+|[1-9]\d{0,2}(?:(?:,|\{,\})\d{3})+"
_NUMBER = re.compile(rf"([+-]?)(?:({_INTEGER})(?:\.(\d*))?|\.(\d+))")
_SCIENTIFIC = re.compile(
    r"(.{1,40}?)(?:[eE]([+-]?\d{1,3})|(?:\\times|\\cdot|\*)10\^(?:\{([+-]?\d{1,3})\}|(\d)))"
)
_SLASH = re.compile(r"([+-]?)(\d+)/(\d+)")
_FRAC = re.compile(r"([+-]?)\\frac(?:\{([+-]?\d+)\}|(\d))(?:\{([+-]?\d+)\}|(\d))")
_BLANK_THAT_MEANS = re.compile(r"[\w.][^\S\n]+[\w.]|\d,[^\S\n]+\d{3}(?!\d)")
_AFTER_COMMAND = re.compile(r"(\\[A-Za-z]+)[^\S\n]+(?![A-Za-z\s])")
# A number with a currency before or after it, a unit of three letters or more, or both: "11 cups",
# "$25,000/year", "18 € a day". A shorter word may be a variable, so of these only what is surely a unit.
_COUNTED = re.compile(
    r"(?=.*[A-Za-z$€£¥₹])(?P<sign>[-+]?)(?:(?:US)?\\?[$€£¥₹]\s*)?(?P<number>[\d.,]+)"
    r"(?:\\[ ,])*\s*(?:\\?[$€£¥₹]\s*)?(?:\\(?:text|mathrm)\{\s*)?"
    r"(?P<words>(?:(?:/\s*|an?\s+)?[A-Za-z]{3,}[A-Za-z ./-]*"
    r"|/\s*(?:hr|yr|wk|lb|kg|oz)|(?:km|mi|ft|cm)/(?:hr?|s))?)\}?",
    re.DOTALL,
)
_MULTIPLES = re.compile(
    r"dozen|hundred|thousand|[mbtr]illion|percent|pct|sqrt|mod|log|sin|cos|tan|exp|half|plus|minus|squared|cubed|factorial",
    re.I,
)
_WITH_BASE = re.compile(r"(\d+)_\{?(\d+)\}?")
_PERCENT = re.compile(r"\\?%$")
_ONLY_OPTION = re.compile(r"(?:\\text\w*\{)?\(?([A-J])\)?\}?")
_OPTION = re.compile(
    r"(?:\\(?:text|math)\w*\{)?\s*(?:\(([A-J])\)(?=\s|\}|\\|\$|$)|([A-J])(?:\)(?=\s|$)|[.:](?=\s)|\}?$))"
)
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
    return _ONE_IN_BRACES.sub(r"\1\2", _NOISE.sub("", _SMALL_FRAC.sub(r"\\frac", answer)))


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
    if match := _SCIENTIFIC.fullmatch(text):
        factor = _NUMBER.fullmatch(match.group(1)) and number(match.group(1))
        exponent = match.group(2) or match.group(3) or match.group(4)
        return _Number(factor.value * Fraction(10) ** int(exponent), True) if factor else None
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
    >>> decide("C", "(D) 12")
    Decision(equal=False, why='option C and option D')
    >>> decide("50%", "0.4") is None
    True
    """
    if gold == answer:
        return Decision(True, "same text")
    wanted, chosen = _ONLY_OPTION.fullmatch(gold), _OPTION.match(answer)
    if wanted and chosen:
        a, b = wanted.group(1), chosen.group(1) or chosen.group(2)
        return Decision(a == b, f"option {a} and option {b}" if a != b else f"both are option {a}")
    counted = _COUNTED.fullmatch(answer) if len(answer) <= _MAX_CHARS else None
    if counted:  # "11 cups" or "$11/day", where the ground truth is a bare 11
        a, b = number(normal(gold)), number(counted["sign"] + counted["number"])
        if a and b and a.value == b.value and not _MULTIPLES.search(counted["words"]):
            return Decision(True, f"both are {_short(str(a.value))}")
    left, right = normal(gold), normal(answer)
    if left == right and " ".join(gold.split()) == " ".join(answer.split()):
        return Decision(True, "same text")
    # Blanks carry meaning between digits and in words ("1 234", "not prime"), so where a blank
    # stands between two of these, no more is decided here. Not so after a command: "\\times 10".
    if _BLANK_THAT_MEANS.search(_AFTER_COMMAND.sub(r"\1", gold + "\n" + answer)):
        return None
    return Decision(True, "same text but for spacing") if left == right else _decide_numbers(left, right)


def _decide_numbers(left: str, right: str) -> Decision | None:
    """Whether two numbers are equal; None if one is no number, or they differ by rounding only."""
    if (m := _WITH_BASE.fullmatch(left)) and (n := _WITH_BASE.fullmatch(right)):
        why = f"{m[1]} in base {m[2]} and {n[1]} in base {n[2]}"
        return Decision(m.groups() == n.groups(), why)
    n_percent = left.endswith("%") + right.endswith("%")
    x, y = number(_PERCENT.sub("", left)), number(_PERCENT.sub("", right))
    if x is None or y is None:
        return None
    a, b = x.value, y.value
    if a == b or (n_percent == 1 and a == (b * 100 if left.endswith("%") else b / 100)):
        return Decision(True, f"both are {_short(str(a))}")
    if n_percent:
        return None
    if x.is_decimal or y.is_decimal:
        distance = abs(a - b)
        if distance < _ROUNDING and distance <= _MAX_RELATIVE * max(abs(a), abs(b)):
            return None
    return Decision(False, f"{_short(left)} and {_short(right)} are different numbers")


def _short(text: str) -> str:
    """The text, cut to 40 characters."""
    return text if len(text) <= 40 else f"{text[:37]}..."
