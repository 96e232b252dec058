"""Logarithms: of products as sums, of numbers by their primes."""

from __future__ import annotations

from curate.answers.forms.powers import base_of
from curate.answers.forms.primes import factors
from curate.answers.forms.signs import positive
from curate.answers.forms.sums import UNIT, E, I, Sum, rational_content, shared
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.values import (
    Value,
    add,
    atom,
    constant,
    divide,
    multiply,
    named,
    negative,
    term,
    thaw,
)


def ln(value: Value) -> Value:
    """The natural logarithm. Raises Unreadable for 0."""
    if not value.above:
        raise Unreadable("a logarithm of zero")
    above, below = Value(value.above, UNIT), Value(value.below, UNIT)
    if value.below != UNIT:
        return add(ln(above), negative(ln(below))) if positive(value) else named("ln", value)
    if len(value.above) > 1:
        outside = term(shared(value.above), rational_content(value.above))
        if outside.above == UNIT:
            return named("ln", value)
        return add(ln(outside), named("ln", divide(value, outside)))
    return _ln_of_term(value.above)


def logarithm(value: Value, base: Value) -> Value:
    """The logarithm in a base. Raises Unreadable for 0, and for the base 1."""
    return divide(ln(value), ln(base))


def _ln_of_term(part: Sum) -> Value:
    [(product, factor)] = part.items()
    if factor < 0 or any(one == I for one, _ in product):
        return named("ln", Value(part, UNIT))
    found = constant(0)
    for number, sign in ((factor.numerator, 1), (factor.denominator, -1)):
        for prime, times in factors(number):
            found = add(found, multiply(constant(sign * times), atom(("f", "ln", prime))))
    for one, exponent in product:
        if one == E:
            logarithm_of_one = constant(1)
        elif one[0] == "p":
            logarithm_of_one = atom(("f", "ln", one[1]))
        elif one[0] == "b":
            logarithm_of_one = ln(thaw(one[1]))
        elif one[0] == "x":
            logarithm_of_one = multiply(thaw(one[2]), ln(base_of(one)))
        else:
            logarithm_of_one = named("ln", atom(one))
        found = add(found, multiply(constant(exponent), logarithm_of_one))
    return found
