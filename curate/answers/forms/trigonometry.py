"""Sines and cosines: exact where they are sums of roots, by the addition theorem where they are of sums."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from curate.answers.forms.effort import Limited
from curate.answers.forms.roots import root_of_number
from curate.answers.forms.signs import even, odd
from curate.answers.forms.sums import HALF, PI, UNIT, Product
from curate.answers.forms.values import (
    Value,
    add,
    atom,
    constant,
    divide,
    equal,
    multiply,
    named,
    negative,
    term,
)

MAX_ANGLES, MAX_MULTIPLE = 3, 6
"""Angles in a sum, and times an angle, that are expanded."""
_PI: Product = ((PI, 1),)

_SINES: dict[Fraction, tuple[tuple[Fraction, int], ...]] = {
    # sin(pi q) for q in [0, 1/2] as a sum of coefficient times the root of a whole number
    Fraction(0): (), Fraction(1, 6): ((HALF, 1),), Fraction(1, 4): ((HALF, 2),),
    Fraction(1, 3): ((HALF, 3),), HALF: ((Fraction(1), 1),),
    Fraction(1, 12): ((Fraction(1, 4), 6), (Fraction(-1, 4), 2)),
    Fraction(5, 12): ((Fraction(1, 4), 6), (Fraction(1, 4), 2)),
    Fraction(1, 10): ((Fraction(1, 4), 5), (Fraction(-1, 4), 1)),
    Fraction(3, 10): ((Fraction(1, 4), 5), (Fraction(1, 4), 1)),
}  # fmt: skip


def sine(value: Value) -> Value:
    """The sine; of a sum of angles by the addition theorem, down to sines and cosines of single ones."""
    q = _of_pi(value)
    return _known_sine(q) if q is not None else _of_sum(value).sine


def cosine(value: Value) -> Value:
    """The cosine, likewise."""
    q = _of_pi(value)
    return _known_sine(HALF - q) if q is not None else _of_sum(value).cosine


def tangent(value: Value) -> Value:
    """The sine over the cosine. Raises Unreadable where that is a division by zero."""
    return divide(sine(value), cosine(value))


def arcsine(value: Value) -> Value:
    """The angle in [-pi/2, pi/2] where it is known, else the function of the value."""
    return _angle_of(value, _sines(), "arcsin")


def arccosine(value: Value) -> Value:
    """pi/2 less the arcsine."""
    return add(multiply(constant(HALF), atom(PI)), negative(arcsine(value)))


def arctangent(value: Value) -> Value:
    """The angle in (-pi/2, pi/2) where it is known, else the function of the value."""
    return _angle_of(value, _tangents(), "arctan")


def _angle_of(value: Value, known: tuple[tuple[Fraction, Value], ...], name: str) -> Value:
    for q, found in known:
        if equal(found, value):
            return multiply(constant(q), atom(PI))
        if equal(negative(found), value):
            return multiply(constant(-q), atom(PI))
    return odd(name, value)


@lru_cache(maxsize=1)
def _sines() -> tuple[tuple[Fraction, Value], ...]:
    with Limited():
        return tuple((q, _known_sine(q)) for q in _SINES)


@lru_cache(maxsize=1)
def _tangents() -> tuple[tuple[Fraction, Value], ...]:
    with Limited():
        return tuple((q, divide(_known_sine(q), _known_sine(HALF - q))) for q in _SINES if q != HALF)


def _of_pi(value: Value) -> Fraction | None:
    """q where a value is q times pi."""
    if not value.above:
        return Fraction(0)
    if value.below == UNIT and len(value.above) == 1:
        return value.above.get(_PI)
    return None


def _known_sine(q: Fraction) -> Value:
    """sin(q pi): exactly where it is a sum of roots, else as a name for q in [0, 1/2]."""
    q %= 2
    sign = 1
    if q >= 1:
        q, sign = q - 1, -1
    if q > HALF:
        q = 1 - q
    if q not in _SINES:
        return multiply(constant(sign), named("sin", term(_PI, q)))
    found = constant(0)
    for factor, inside in _SINES[q]:
        found = add(found, multiply(constant(factor * sign), root_of_number(Fraction(inside), HALF)))
    return found


class _Turn(NamedTuple):
    """What turning by an angle is."""

    cosine: Value
    sine: Value

    def and_by(self, other: _Turn) -> _Turn:
        """Turning by both angles."""
        return _Turn(
            add(multiply(self.cosine, other.cosine), negative(multiply(self.sine, other.sine))),
            add(multiply(self.sine, other.cosine), multiply(self.cosine, other.sine)),
        )


def _of_sum(value: Value) -> _Turn:
    """Turning by an angle that is no multiple of pi."""
    if value.below != UNIT or len(value.above) > MAX_ANGLES:
        return _Turn(even("cos", value), odd("sin", value))
    found = _Turn(constant(1), constant(0))
    for product, factor in value.above.items():
        if product == _PI:
            found = found.and_by(_Turn(_known_sine(HALF - factor), _known_sine(factor)))
        else:
            found = found.and_by(_of_multiple(product, factor))
    return found


def _of_multiple(product: Product, factor: Fraction) -> _Turn:
    """Turning by n/m times an angle, by n turns of an m-th of it."""
    times = abs(factor.numerator)
    is_long = times > MAX_MULTIPLE
    angle = term(product, abs(factor) if is_long else Fraction(1, factor.denominator))
    once = _Turn(named("cos", angle), named("sin", angle))
    found = once
    for _ in range(0 if is_long else times - 1):
        found = found.and_by(once)
    return found if factor > 0 else found._replace(sine=negative(found.sine))
