"""What is known of the sign of a value, and its absolute value."""

from __future__ import annotations

from curate.answers.forms.numeric import approximate
from curate.answers.forms.sums import PI, UNIT, Atom, E, Exponent, I, Sum, leading
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.values import Value, constant, multiply, named, negative, term

SURE = 1e-12
"""A value nearer to zero than this is not told from it."""


def positive(value: Value) -> bool:
    """Whether a value is surely positive: sums of products of positive atoms with positive factors."""
    return _positive(value.above) and _positive(value.below)


def positive_atom(one: Atom) -> bool:
    """Whether an atom is surely positive: primes, pi, e, roots, absolute values, and powers of such."""
    if one[0] == "f":
        return one[1] == "abs" or (one[1] == "ln" and isinstance(one[2], int) and one[2] > 1)
    if one[0] == "x":
        base = one[1]
        return isinstance(base, tuple) and positive_atom(base)
    return one[0] in ("p", "b") or one in (PI, E)


def _positive(part: Sum) -> bool:
    return all(
        factor > 0 and all(positive_atom(one) or _is_square(one, exponent) for one, exponent in product)
        for product, factor in part.items()
    )


def _is_square(one: Atom, exponent: Exponent) -> bool:
    return exponent.denominator == 1 and exponent.numerator % 2 == 0 and one != I


def turned(value: Value) -> bool:
    """Whether the leading part of a value, multiples of pi aside, has a negative factor."""
    others = {product: factor for product, factor in value.above.items() if product != ((PI, 1),)}
    return bool(others) and others[leading(others)] < 0


def odd(name: str, value: Value) -> Value:
    """A function that is not evaluated, with f(-x) = -f(x)."""
    return negative(named(name, negative(value))) if turned(value) else named(name, value)


def even(name: str, value: Value) -> Value:
    """A function that is not evaluated, with f(-x) = f(x)."""
    return named(name, negative(value) if turned(value) else value)


def absolute(value: Value) -> Value:
    """The absolute value. Raises Unreadable for a number of which the sign cannot be told."""
    number = value.rational
    if number is not None:
        return constant(abs(number))
    if positive(value):
        return value
    if positive(negative(value)):
        return negative(value)
    if not value.symbols:
        return value if above_zero(value) else negative(value)
    if len(value.above) > 1 or value.below != UNIT:
        return even("abs", value)
    [(product, factor)] = value.above.items()
    found = constant(abs(factor))
    for one, exponent in product:
        if one == I:
            continue
        single = term(((one, exponent),))
        if positive(single) or not single.symbols:
            found = multiply(found, absolute(single))
        else:
            found = multiply(found, term(((_size_of(one), exponent),)))
    return found


def _size_of(one: Atom) -> Atom:
    """The absolute value of an atom, as an atom."""
    return ("f", "abs", term(((one, 1),)).inner)


def above_zero(value: Value) -> bool:
    """Whether a number is above zero, computed. Raises Unreadable where that cannot be told."""
    found = approximate(value, 30)
    if found is None or abs(found.imag) > SURE or abs(found.real) < SURE:
        raise Unreadable("a sign that cannot be told")
    return bool(found.real > 0)
