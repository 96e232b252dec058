"""Which answers are never handed to a computer algebra system, because it would not come back.

Cheap looks at the text alone, before anything parses it. They need not be complete: what gets
past them meets the time and memory limits of the worker.
"""

from __future__ import annotations

import re

MAX_CHARS = 4_096
"""ANTLR reads about 5,000 characters a second; no final answer needs more than a few hundred."""
MAX_NESTING = 60
"""The parser recurses about ten Python frames a level."""
MAX_DIGITS = 1_000
"""Python refuses integers of more than 4,300 digits, and a product of two of these is below that."""
MAX_EXPONENT_DIGITS = 5
"""10^99999 is a number of 100,000 digits: milliseconds. Ten times more digits cost a hundred times more."""
MAX_FACTORIAL = 10_000

_DIGITS = re.compile(rf"\d{{{MAX_DIGITS + 1}}}")
_BIG_EXPONENT = re.compile(rf"(?:\^|\*\*)[\s{{(\[+-]*[\d,.]{{{MAX_EXPONENT_DIGITS + 1}}}")
_FACTORIAL = re.compile(r"(\d+)[\s})\]]*!")
_FACTORIAL_OF_FACTORIAL = re.compile(r"![\s})\]]*[})\]][\s})\]]*!|!!!")
_BIG_BINOMIAL = re.compile(r"binom\s*(?:\{\s*\d{6}|\{[^{}]*\}\s*\{\s*\d{6})")
_BIG_RANGE = re.compile(r"\\(?:sum|prod|int)\b[^=]{0,20}=?[^^]{0,40}\^\s*\{?[\s\d]{6}")
_POWER = re.compile(r"\^|\*\*|[{}()\[\]]|[^\s\w]")


def tower_height(text: str) -> int:
    """How many powers are stacked at most: 0 for 7, 1 for 2^7, 3 for 2^{2^{2^7}} and for 2^2^2^7."""
    highest = in_a_row = 0
    above: list[int] = [0]  # height at which each open brace stands
    for match in _POWER.finditer(text):
        sign = match.group()
        if sign in ("^", "**"):
            in_a_row += 1
            highest = max(highest, above[-1] + in_a_row)
        elif sign in "{([":
            above.append(above[-1] + in_a_row)
            in_a_row = 0
        elif sign in "})]":
            if len(above) > 1:
                above.pop()
                in_a_row = 0
        elif sign != "\\":
            in_a_row = 0
    return highest


def nesting(text: str) -> int:
    """How deep the brackets of any kind are nested at most; closing without opening counts nothing."""
    deepest = depth = 0
    for sign in re.findall(r"[{(\[})\]]", text):
        depth = depth + 1 if sign in "{([" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def too_complex(text: str) -> str | None:
    """Why an answer is not handed to Math-Verify, the thing it has, as a noun; None if it may be.

    >>> too_complex("2^{10}") is None
    True
    >>> too_complex("9!!!!")
    'a factorial of a factorial'
    """
    if len(text) > MAX_CHARS:
        return f"more than {MAX_CHARS:,} characters"
    if nesting(text) > MAX_NESTING:
        return f"brackets more than {MAX_NESTING} deep"
    if _DIGITS.search(text):
        return f"a number of more than {MAX_DIGITS:,} digits"
    if tower_height(text) > 2:
        return "a tower of more than two powers"
    if _BIG_EXPONENT.search(text):
        return f"an exponent of more than {MAX_EXPONENT_DIGITS} digits"
    if _FACTORIAL_OF_FACTORIAL.search(text):
        return "a factorial of a factorial"
    if any(len(digits) > 5 or int(digits) > MAX_FACTORIAL for digits in _FACTORIAL.findall(text)):
        return f"a factorial of more than {MAX_FACTORIAL:,}"
    if _BIG_BINOMIAL.search(text):
        return "a binomial coefficient of more than five digits"
    if _BIG_RANGE.search(text):
        return "a sum over more than a hundred thousand terms"
    return None
