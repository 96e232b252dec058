"""Logarithms: of products as sums, of numbers by their primes."""

from __future__ import annotations

from curate.answers.forms.powers import base_of
from curate.answers.forms.primes import factors
from curate.answers.forms.signs import above_zero, absolute, positive
from curate.answers.forms.sums import UNIT, Atom, E, I, Sum, rational_content, shared
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.values import (
    Value,
    add,
    atom,
    constant,
    divide,
    mentions,
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
        common = term(shared(value.above), rational_content(value.above))
        outside = common if value.symbols or positive(common) else constant(rational_content(value.above))
        if outside.above == UNIT:
            return named("ln", value)
        return add(ln(outside), named("ln", divide(value, outside)))
    return _ln_of_term(value.above)


def logarithm(value: Value, base: Value) -> Value:
    """The logarithm in a base. Raises Unreadable for 0, and for the base 1."""
    return divide(ln(value), ln(base))


def _ln_of_term(part: Sum) -> Value:
    [(product, factor)] = part.items()
    value = Value(part, UNIT)
    is_unsure = not value.symbols and not positive(value)
    if mentions(value, I) or (factor < 0 and not is_unsure) or (is_unsure and not above_zero(value)):
        return named("ln", value)
    found = constant(0)
    for number, sign in ((abs(factor.numerator), 1), (factor.denominator, -1)):
        for prime, times in factors(number):
            found = add(found, multiply(constant(sign * times), atom(("f", "ln", prime))))
    for one, exponent in product:
        found = add(found, multiply(constant(exponent), _ln_of_atom(one)))
    return found


def _ln_of_atom(one: Atom) -> Value:
    """The logarithm of an atom; of a number the logarithm of its size, as the whole of it is positive."""
    if one == E:
        return constant(1)
    if one[0] == "p":
        return atom(("f", "ln", one[1]))
    if one[0] == "b":
        return ln(thaw(one[1]))
    if one[0] == "x":
        return multiply(thaw(one[2]), ln(base_of(one)))
    alone = atom(one)
    return named("ln", alone if alone.symbols else absolute(alone))
