r"""Math-Verify's own verdict on two answers, without Math-Verify where it is certain what that would be.

Math-Verify 0.9.0 with its defaults, called as verl calls it: both texts in a box. Decided here: the same
text, and numbers written in a way that it reads exactly (integers, decimals, fractions, roots and pi), as
long as they are neither so small that it takes them for zero nor so near that it rounds them alike.
Everything else is its own to say, wrong verdicts included.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

from curate.answers.forms import algebra
from curate.answers.forms.algebra import Value
from curate.answers.forms.grammar import parse
from curate.answers.forms.read import value
from curate.answers.forms.tokens import Unreadable
from curate.answers.verdict import Verdict

_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,8})\.\d{1,6}")
_EXACT = re.compile(
    r"(?:\d++|\\d?frac(?=\{)|\\sqrt(?=\{)|\\pi(?![A-Za-z])|\\left(?=\()|\\right(?=\))|[-+(){} ]"
    r"|\^(?=\d)|\^(?=\{\d\}))++"
)
_PLAIN = re.compile(r"[^\s$'\"`%].*[^\s$'\"`.,]|[^\s$'\"`.,%]", re.DOTALL)
_BLANK_BETWEEN = re.compile(r"[\d})]\s+[\d(\\{]|\d\s*\(|\)\s*\d|\)\s*\(|\d\\d?frac|\}\s*\d|\}\s*\(")
LEAST, MOST = Fraction(1, 10**6), Fraction(10**9)
APART = Fraction(1, 10**5)


def decide(gold: str, answer: str) -> Verdict | None:
    """Math-Verify's verdict, where it is certain; None where it has to be asked."""
    if gold == answer:
        if _PLAIN.fullmatch(gold) and gold.isascii():
            return Verdict("equal", "text", "the same text")
        return None
    a, b = _number(gold), _number(answer)
    if a is None or b is None:
        return None
    gap = algebra.add(a, algebra.negative(b))
    if not gap.above:
        return Verdict("equal", "algebra", "the same number")
    rational = gap.rational
    if rational is None:
        from curate.answers.forms.numeric import approximate

        found = approximate(gap)
        if found is None or found.imag or not 1e-5 < abs(found.real) < 1e9:
            return None
        return Verdict("unequal", "numeric", "computed, they differ")
    if APART < abs(rational) < MOST:
        return Verdict("unequal", "algebra", "different numbers")
    return None


@lru_cache(maxsize=16_384)
def _number(text: str) -> Value | None:
    """The exact value of a number that Math-Verify reads as just that."""
    if _INTEGER.fullmatch(text) or _DECIMAL.fullmatch(text):
        return algebra.constant(Fraction(text))
    if len(text) > 200 or not _EXACT.fullmatch(text) or _BLANK_BETWEEN.search(text):
        return None
    try:
        tree, end = parse(text)
        found = value(tree) if end == len(text) else None
    except (Unreadable, RecursionError, ZeroDivisionError):
        return None
    if found is None or not algebra.is_exact(found) or algebra.mentions(found, algebra.I):
        return None
    rational = found.rational
    if rational is not None and rational and not LEAST < abs(rational) < MOST:
        return None
    return found
