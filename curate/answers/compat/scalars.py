r"""Math-Verify's verdict on two letters, numbers or formulas, where it is certain.

Letters are compared by their names, numbers rounded to six places where one is a decimal, the rest by value.
Source: Math-Verify 0.9.0, grader, with its defaults.
"""

from __future__ import annotations

import math
from fractions import Fraction

from curate.answers.compat.formulas import MAX_DIGITS, Number
from curate.answers.compat.kinds import Endless, Letter, Meaning
from curate.answers.forms import algebra

PLACES = 6
APART = 1e-5
"""From this distance on, and this share of their size, no way of computing them makes two numbers equal."""

_CONSTANTS = frozenset({"pi", "e", "i", "oo", "nan", "zoo", "eulergamma"})


def same_scalars(gold: Meaning, answer: Meaning) -> bool | None:
    """Whether two letters, numbers or infinities are equal to Math-Verify; None where it has to be asked."""
    if isinstance(gold, Endless) or isinstance(answer, Endless):
        if isinstance(gold, Endless) and isinstance(answer, Endless):
            return gold == answer
        other = answer if isinstance(gold, Endless) else gold
        return (
            False if isinstance(other, Number) or (isinstance(other, Letter) and other.name != "oo") else None
        )
    if isinstance(gold, Letter) and isinstance(answer, Letter):
        return gold.name.lower() == answer.name.lower() if len(gold.name) > 1 else gold.name == answer.name
    if isinstance(gold, Letter) or isinstance(answer, Letter):
        letter, other = (gold, answer) if isinstance(gold, Letter) else (answer, gold)
        assert isinstance(letter, Letter)
        assert isinstance(other, Number), "nothing else is left"
        return _letter(letter, other)
    assert isinstance(gold, Number)
    assert isinstance(answer, Number), "nothing else is left"
    return same_numbers(gold, answer)


def _letter(letter: Letter, other: Number) -> bool | None:
    """A letter or word and a formula: the same if that is a product which spells it, or is printed so."""
    if other.word is not None:
        return letter.name.lower() == other.word.lower()
    if letter.name in _CONSTANTS:
        return None
    if other.form in ("integer", "fraction"):
        return letter.name == str(other.rational)
    if other.is_decimal:
        return False if len(letter.name) < MAX_DIGITS else None
    return False if letter.name.isalnum() else None


def same_numbers(a: Number, b: Number) -> bool | None:
    """The same of two numbers or formulas, in whatever order."""
    if a.has_letters or b.has_letters:
        return _formulas(a, b)
    if a.is_decimal or b.is_decimal:
        return _rounded(a, b)
    if a.has_floats or b.has_floats or a.value is None or b.value is None:
        return False if are_apart(a, b) else None
    atomic = a.form != "formula" or b.form != "formula"
    if a.value == b.value:
        return None if atomic and (a.tangled or b.tangled) else True
    if {a.form, b.form} == {"integer", "percent"}:
        number, percent = (a, b) if a.form == "integer" else (b, a)
        return percent.rational * 100 == number.rational
    if a.form != "formula" and b.form != "formula":
        return False
    return False if are_apart(a, b) else None


def are_apart(a: Number, b: Number) -> bool:
    """Whether two things differ at some point, so far that no way of computing them makes them equal."""
    return any(abs(x - y) > APART * max(1.0, abs(x), abs(y)) for x, y in zip(a.at, b.at, strict=True))


def _formulas(a: Number, b: Number) -> bool | None:
    """Two formulas, at least one of them with letters."""
    if a.has_letters and b.has_letters and a.is_real != b.is_real:
        return None
    if are_apart(a, b):
        return False
    if a.value is None or b.value is None or a.has_floats or b.has_floats:
        return None
    is_simple = _is_rational(a) and _is_rational(b)
    return True if is_simple and algebra.equal(a.value, b.value) else None


def _is_rational(one: Number) -> bool:
    """Whether a formula has letters and rational numbers only, which Math-Verify simplifies completely."""
    assert one.value is not None
    return all(
        atom[0] == "s" and isinstance(exponent, int)
        for part in (one.value.above, one.value.below)
        for product in part
        for atom, exponent in product
    )


def _rounded(a: Number, b: Number) -> bool | None:
    """A decimal (or a percentage of one) and another number: rounded to six places they have to agree.

    Math-Verify's rounded numbers remember how many digits are good, which depends on the place of the first
    digit, and a rounded decimal is no whole number to it: that has to be the same exactly.
    """
    if abs(a.size - b.size) > APART:
        return False
    if a.form == b.form == "decimal percent" and a.value == b.value:
        return True
    decimal, other = (a, b) if a.form == "decimal" else (b, a)
    if decimal.form != "decimal" or other.form == "decimal percent" or decimal.has_floats or other.has_floats:
        return None
    x = decimal.rational
    if other.form == "formula":
        return _near(x, other)
    y = other.rational
    if other.form != "decimal" and y.denominator == 1:
        return x == y
    if other.form == "decimal" and x == y:
        return True
    if other.form != "decimal" and _is_tie(y * 10**PLACES, Fraction(1, 1000)):
        return None
    if round(x, PLACES) != round(y, PLACES):
        return False
    return _remember_alike(x, y)


def _is_tie(millionths: Fraction, width: Fraction) -> bool:
    return abs(millionths - math.floor(millionths) - Fraction(1, 2)) < width


def _remember_alike(x: Fraction, y: Fraction) -> bool | None:
    """Whether two numbers that are rounded to the same also have as many good digits."""
    if round(x, PLACES).denominator == 1:
        return True
    if min(abs(x), abs(y)) < Fraction(1, 1000):
        return None
    places = [math.floor(math.log10(abs(float(one)))) for one in (x, y)]
    return True if places[0] == places[1] else None


def _near(x: Fraction, other: Number) -> bool | None:
    """A decimal and a formula, by its size: only where the sixth place is clear."""
    if other.value is None or other.value.rational is not None or abs(other.size) > 1e5:
        return None
    y = Fraction(other.size)
    if _is_tie(y * 10**PLACES, Fraction(1, 100)):
        return None
    if round(x, PLACES) != round(y, PLACES):
        return False
    return _remember_alike(x, y)
