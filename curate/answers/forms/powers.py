"""Powers and roots, of exponents that are numbers or hold variables."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms.primes import factors
from curate.answers.forms.roots import rational_power
from curate.answers.forms.signs import positive
from curate.answers.forms.sums import (
    ONE,
    PI,
    UNIT,
    Atom,
    E,
    Exponent,
    I,
    Product,
    checked_exponent,
    number_in,
    tidied,
)
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.trigonometry import cosine, sine
from curate.answers.forms.values import Value, add, atom, constant, divide, multiply, term, thaw

MAX_DEGREE = 10_000


def power(base: Value, exponent: Value) -> Value:
    """base to the exponent; even roots are of what is taken to be positive only where it surely is.

    base^(2n + 1) is (base^n)^2 base, and a number is taken by its primes, so that 4^n is 2^(2n).
    Raises Unreadable where there is no such power.
    """
    number = exponent.rational
    if number is not None:
        return rational_power(base, Fraction(checked_exponent(number)))
    if not base.above:
        raise Unreadable("zero to an unknown power")
    if exponent.below != UNIT:
        return _power_of_any(base, exponent)
    found = constant(1)
    for product, factor in exponent.above.items():
        if product == ONE:
            found = multiply(found, power(base, constant(factor)))
        else:
            times = Fraction(checked_exponent(factor))
            found = multiply(found, _power_of_any(base, term(product), times))
    return found


def root(inside: Value, degree: Value) -> Value:
    """The root of a degree that is a whole number, or holds variables. Raises Unreadable elsewhere."""
    n = degree.rational
    if n is None:
        return power(inside, divide(constant(1), degree))
    if n.denominator != 1 or not 1 <= n.numerator <= MAX_DEGREE:
        raise Unreadable("a root of such a degree")
    return rational_power(inside, 1 / n)


def _power_of_any(base: Value, exponent: Value, times: Fraction = Fraction(1)) -> Value:
    """base to times the exponent, which is no number."""
    number = base.rational
    if number is not None and number > 0:
        return _power_of_number(number, exponent, times)
    if base.below == UNIT and len(base.above) == 1:
        [(product, factor)] = base.above.items()
        found = _power_of_term(product, factor, exponent, times)
        if found is not None:
            return found
    return _atom_power(("v", base.inner), exponent, times)


def _atom_power(base: Atom, exponent: Value, times: Exponent) -> Value:
    return term(((("x", base, exponent.inner), checked_exponent(times)),))


def _power_of_number(number: Fraction, exponent: Value, times: Exponent) -> Value:
    exponents: dict[Atom, Exponent] = {}
    for part, sign in ((number.numerator, 1), (number.denominator, -1)):
        for prime, count in factors(part):
            exponents[("x", ("p", prime), exponent.inner)] = checked_exponent(sign * count * times)
    product, outside = tidied(exponents)
    return term(product, outside)


def _power_of_term(product: Product, factor: Fraction, exponent: Value, times: Fraction) -> Value | None:
    """A power of a number times a product; None where that has to stay as a whole."""
    if factor == 1 and len(product) == 1:
        found = _power_of_atom(*product[0], exponent, times)
        if found is not None:
            return found
    if factor > 0 and product and positive(term(product)):
        found = constant(1) if factor == 1 else _power_of_number(factor, exponent, times)
        for one, have in product:
            if one[0] == "p":
                part = _power_of_number(Fraction(number_in(one)), exponent, have * times)
            else:
                part = _atom_power(one, exponent, have * times)
            found = multiply(found, part)
        return found
    if factor == -1 and not product and times.denominator == 1:
        return _atom_power(("n",), exponent, 1) if times.numerator % 2 else constant(1)
    return None


def _power_of_atom(one: Atom, have: Exponent, exponent: Value, times: Fraction) -> Value | None:
    """(atom^have) to times the exponent, for e, variables, and powers of powers."""
    if one == E:
        turned = _euler(exponent, have * times)
        return _atom_power(E, exponent, have * times) if turned is None else turned
    is_safe = one[0] == "x" and (one[1] == ("n",) or positive(base_of(one)))  # (x^2)^(1/2) is not x
    if is_safe and have.denominator == 1:
        return power(base_of(one), multiply(thaw(one[2]), multiply(exponent, constant(have * times))))
    return _atom_power(one, exponent, have * times) if one[0] == "s" else None


def base_of(one: Atom) -> Value:
    """The base of an atom that is a power, as a value."""
    base = one[1]
    assert isinstance(base, tuple)
    if base[0] == "n":
        return constant(-1)
    if base[0] == "v":
        return thaw(base[1])
    return constant(number_in(base)) if base[0] == "p" else atom(base)


def _euler(exponent: Value, times: Exponent) -> Value | None:
    """e to a multiple of i pi, as a cosine and a sine; None for another exponent."""
    if exponent.below != UNIT or len(exponent.above) != 1:
        return None
    [(product, factor)] = exponent.above.items()
    if dict(product) != {PI: 1, I: 1}:
        return None
    angle = term(((PI, 1),), factor * times)
    return add(cosine(angle), multiply(atom(I), sine(angle)))
