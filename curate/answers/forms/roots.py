"""Rational powers of values: whole ones multiplied out, roots taken apart as far as they go."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms.primes import factors, rational_root
from curate.answers.forms.signs import above_zero, absolute, positive, positive_atom
from curate.answers.forms.sums import (
    HALF,
    MAX_BITS,
    ONE,
    UNIT,
    Atom,
    Exponent,
    I,
    Product,
    Sum,
    checked_exponent,
    content,
    leading,
    number_in,
    rational_content,
    tidied,
    without_squared_sines,
)
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.values import Value, add, atom, constant, divide, mentions, multiply, negative, term

MAX_EXPONENT = 60
"""Of a sum that is multiplied out; a single product may have any."""
MAX_LONG_EXPONENT, LONG = 12, 4
"""Of a sum of more than four terms."""
MAX_EXPANDED = 10**12
"""Products of terms that multiplying out a power may take, before equal ones are added."""


def rational_power(base: Value, exponent: Fraction) -> Value:
    """A value to a rational exponent. Raises Unreadable where there is none, or several."""
    if exponent.denominator == 1:
        return whole_power(base, exponent.numerator)
    if not base.above:
        if exponent <= 0:
            raise Unreadable("zero to a negative power")
        return base
    if exponent < 0:
        return divide(constant(1), rational_power(base, -exponent))
    if _is_negative_number(base):
        return multiply(root_of_number(Fraction(-1), exponent), rational_power(negative(base), exponent))
    if base.below != UNIT:
        above, below = Value(base.above, UNIT), Value(base.below, UNIT)
        return divide(rational_power(above, exponent), rational_power(below, exponent))
    if len(base.above) == 1 and _may_be_parted(next(iter(base.above))):
        return _power_by_factors(base.above, exponent)
    simple = _denested(base) if exponent.denominator == 2 else None
    if simple is not None:
        return whole_power(simple, exponent.numerator)
    common = content(base.above)
    outside = term(common if _may_be_parted(common) else ONE, rational_content(base.above))
    if outside.above == UNIT:
        return _power_of_sum(base, exponent)
    return multiply(rational_power(outside, exponent), rational_power(divide(base, outside), exponent))


def _is_negative_number(base: Value) -> bool:
    """Whether a number that is not rational is below zero, of which a root is that of -1 times another."""
    if base.rational is not None or base.symbols or mentions(base, I) or positive(base):
        return False
    return positive(negative(base)) or not above_zero(base)


def _may_be_parted(product: Product) -> bool:
    """Whether the root of a product is the product of the roots: not of numbers some of which are negative.

    Variables are taken to be such that it is.
    """
    whole = term(product)
    if positive(whole) or whole.symbols or mentions(whole, I):
        return True
    parts = [term(((one, exponent),)) for one, exponent in product]
    return all(positive(part) or above_zero(part) for part in parts)


def _power_by_factors(part: Sum, exponent: Fraction) -> Value:
    [(product, factor)] = part.items()
    found = root_of_number(factor, exponent)
    for one, have in product:
        found = multiply(found, _root_of_atom(one, have, exponent))
    return found


def whole_power(base: Value, n: int) -> Value:
    """A value to a whole exponent, multiplied out where that is not too long."""
    if n == 0:
        if not base.above:
            raise Unreadable("zero to the zero")
        return constant(1)
    if n < 0:
        return divide(constant(1), whole_power(base, -n))
    if not base.above:
        return base
    if len(base.above) == 1 and base.below == UNIT:
        return _power_of_term(base.above, n)
    if _is_long(base, n):
        return _high_power(base, n)
    found, square = constant(1), base
    while n:
        if n & 1:
            found = multiply(found, square)
        n >>= 1
        if n:
            square = multiply(square, square)
    return found


def _power_of_term(part: Sum, n: int) -> Value:
    [(product, factor)] = part.items()
    raised, outside = tidied({one: checked_exponent(exponent * n) for one, exponent in product})
    return Value(without_squared_sines({raised: _power_of_number(factor, n) * outside}), UNIT)


def _power_of_number(number: Fraction, n: int) -> Fraction:
    bits = max(number.numerator.bit_length(), number.denominator.bit_length())
    if bits > 1 and bits * n > MAX_BITS:
        raise Unreadable("a number of too many digits")
    return number**n


def _is_long(base: Value, n: int) -> bool:
    """Whether a power would be too long to multiply out."""
    terms = len(base.above)
    if n > MAX_EXPONENT or (n > MAX_LONG_EXPONENT and terms > LONG):
        return True
    return base.below == UNIT and terms**n > MAX_EXPANDED


def _high_power(base: Value, n: int) -> Value:
    """A power of a sum that is not multiplied out: of the sum with a positive leading part."""
    if base.below != UNIT:
        raise Unreadable("a high power of a fraction")
    outside = rational_content(base.above)
    if base.above[leading(base.above)] < 0:
        outside = -outside
    one: Atom = ("b", multiply(base, constant(1 / outside)).inner)
    return multiply(constant(_power_of_number(outside, n)), term(((one, checked_exponent(n)),)))


def _power_of_sum(base: Value, exponent: Fraction) -> Value:
    """A fractional power of a sum: its whole part multiplied out, the rest as an atom."""
    whole, left = divmod(exponent, 1)
    found = term(((("b", base.inner), left),))
    return multiply(found, whole_power(base, whole)) if whole else found


def root_of_number(number: Fraction, exponent: Fraction) -> Value:
    """A rational number to a fractional exponent, by its primes; of a negative one, the real root or i's."""
    if number < 0:
        if exponent.denominator == 2:
            return multiply(whole_power(atom(I), exponent.numerator), root_of_number(-number, exponent))
        if exponent.denominator % 2:
            sign = -1 if exponent.numerator % 2 else 1
            return multiply(constant(sign), root_of_number(-number, exponent))
        raise Unreadable("a high even root of a negative number")
    exponents: dict[Atom, Exponent] = {}
    for part, sign in ((number.numerator, 1), (number.denominator, -1)):
        for prime, times in factors(part):
            exponents[("p", prime)] = sign * times * exponent
    product, outside = tidied(exponents)
    return term(product, outside)


def _root_of_atom(one: Atom, have: Exponent, exponent: Fraction) -> Value:
    """(atom^have)^exponent: of x^2 the absolute value of x, where nothing says that x is positive."""
    if one == I:
        raise Unreadable("a root of i")
    raised = checked_exponent(have * exponent)
    is_even = have.denominator == 1 and have.numerator % 2 == 0
    if is_even and not positive_atom(one) and (raised.denominator != 1 or raised.numerator % 2):
        return rational_power(absolute(atom(one)), Fraction(raised))
    product, outside = tidied({one: raised})
    return term(product, outside)


def _denested(base: Value) -> Value | None:
    """sqrt(a + b sqrt(c)) as sqrt(x) + sqrt(y) or their difference, where x and y are rational."""
    if len(base.above) != 2 or ONE not in base.above:
        return None
    a = base.above[ONE]
    [(product, b)] = [(product, factor) for product, factor in base.above.items() if product != ONE]
    if any(one[0] != "p" or exponent != HALF for one, exponent in product):
        return None
    c = Fraction(1)
    for one, _ in product:
        c *= number_in(one)
    inside = a * a - b * b * c
    if a <= 0 or inside < 0:
        return None
    middle = rational_root(inside)
    if middle is None:
        return None
    x, y = (a + middle) / 2, (a - middle) / 2
    first, second = root_of_number(x, HALF), root_of_number(y, HALF) if y else constant(0)
    return add(first, second if b > 0 else negative(second))
