r"""Sums of products: the numerators and denominators of exact values.

An atom is something that is not taken apart further, a tuple that begins with its kind:
`("p", 3)` a prime, `("c", "pi")` pi, e or i, `("s", "x")` a variable, `("f", "sin", argument)` a function
that is not evaluated, `("b", value)` a sum under a root or in a high power, `("x", base, exponent)` a power
whose exponent is no number.

A product is a sorted tuple of (atom, exponent); a sum maps products to coefficients.
No sum holds a coefficient of 0, and no product a whole power of a prime, of i but the first, or of a sine but
the first: 2 sqrt(2) is the coefficient 2 and the product of 2 to the 1/2.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from math import comb, gcd, lcm
from operator import add as plus
from operator import sub
from typing import NamedTuple

from curate.answers.forms.effort import BITS_A_STEP, spend
from curate.answers.forms.tokens import Unreadable

Atom = tuple[object, ...]
Exponent = int | Fraction
"""A whole one is an int: hashing it takes a tenth of the time."""
Product = tuple[tuple[Atom, Exponent], ...]
Sum = dict[Product, Fraction]

MAX_TERMS = 400
MAX_BITS = 40_000
"""Of one coefficient, above and below the line together."""
MAX_EXPONENT_BITS = 1_000
MAX_SINE = 120
"""A power of a sine that is multiplied out."""
MAX_DIVIDEND, MAX_DIVISOR, MAX_QUOTIENT = 100, 30, 120
"""Terms of sums that are divided by each other."""

PI: Atom = ("c", "pi")
E: Atom = ("c", "e")
I: Atom = ("c", "i")  # noqa: E741 - the unit
ONE: Product = ()
UNIT: Sum = {ONE: Fraction(1)}
HALF = Fraction(1, 2)
LEVELS_OF_VALUE = 6
"""Tuples in each other from an atom to those in a value in it: value, sum, term, product, factor, atom."""
_PLAIN = frozenset("psc")
"""Kinds of atoms that hold no value."""


def number_in(one: Atom) -> int:
    """The prime that an atom of kind `p` is."""
    prime = one[1]
    assert isinstance(prime, int)
    return prime


def checked(number: Fraction) -> Fraction:
    """The number itself. Raises Unreadable where it has too many digits."""
    bits = number.numerator.bit_length() + number.denominator.bit_length()
    if bits > MAX_BITS:
        raise Unreadable("a number of too many digits")
    if bits > BITS_A_STEP:
        spend(bits // BITS_A_STEP)
    return number


def checked_exponent(exponent: Fraction | int) -> Exponent:
    """An exponent, as an int where it is whole. Raises Unreadable where it has too many digits."""
    if exponent.numerator.bit_length() + exponent.denominator.bit_length() > MAX_EXPONENT_BITS:
        raise Unreadable("an exponent of too many digits")
    return exponent.numerator if exponent.denominator == 1 else exponent


def add_sums(a: Sum, b: Sum, times: int = 1) -> Sum:
    """a + times b."""
    spend(1 + len(b) // 4)
    found = dict(a)
    for product, factor in b.items():
        _put(found, product, factor if times == 1 else factor * times)
    if len(found) > MAX_TERMS:
        raise Unreadable("a sum of too many terms")
    return found


def multiply_sums(a: Sum, b: Sum) -> Sum:
    """a times b."""
    if a == UNIT:
        return b
    if b == UNIT:
        return a
    if len(a) * len(b) > 4 * MAX_TERMS:
        raise Unreadable("a product of too many terms")
    found: Sum = {}
    for left, factor in a.items():
        for right, other in b.items():
            product, outside = _joined(left, right)
            _put(found, product, factor * other * outside)
    return without_squared_sines(found)


def _put(found: Sum, product: Product, amount: Fraction) -> None:
    have = found.get(product)
    total = checked(amount if have is None else have + amount)
    if total:
        found[product] = total
    else:
        found.pop(product, None)


def _joined(left: Product, right: Product) -> tuple[Product, Fraction]:
    """The product of two products, and the number that comes out of it."""
    if not left or not right:
        spend(1)
        return left or right, Fraction(1)
    exponents = dict(left)
    for one, exponent in right:
        exponents[one] = exponents.get(one, 0) + exponent
    return tidied(exponents)


def tidied(exponents: dict[Atom, Exponent]) -> tuple[Product, Fraction]:
    """A product with its whole powers of primes and of i taken out, and the number that these are."""
    outside = Fraction(1)
    kept: list[tuple[Atom, Exponent]] = []
    steps = 1
    for one, exponent in exponents.items():
        if one[0] == "p":
            whole = exponent.numerator // exponent.denominator
            if whole:
                if abs(whole) * number_in(one).bit_length() > MAX_BITS:
                    raise Unreadable("a number of too many digits")
                outside *= Fraction(number_in(one)) ** whole
                exponent -= whole
        elif one == I and exponent.denominator == 1:
            turn = exponent.numerator % 4
            outside *= -1 if turn >= 2 else 1
            exponent = turn % 2
        elif one[0] not in _PLAIN:
            steps += 1 + _described(one).size // 16
        if exponent:
            kept.append((one, exponent.numerator if exponent.denominator == 1 else exponent))
    spend(steps)
    return _sorted(kept), outside


def _sorted(product: Iterable[tuple[Atom, Exponent]]) -> Product:
    return tuple(sorted(product, key=lambda item: _described(item[0]).text))


class _Described(NamedTuple):
    text: str
    """What atoms are sorted by."""
    size: int
    """How many things are in it."""
    nesting: int
    """How many values are in each other in it."""


@lru_cache(maxsize=2048)
def _described(one: Atom) -> _Described:
    levels = _levels(one)
    return _Described(repr(one), _size(one), -(-(levels - 1) // LEVELS_OF_VALUE))


def _size(thing: object) -> int:
    return 1 + sum(map(_size, thing)) if isinstance(thing, tuple) else 1


def _levels(thing: object) -> int:
    return 1 + max(map(_levels, thing), default=0) if isinstance(thing, tuple) else 0


def size(part: Sum) -> int:
    """How many things are in a sum, those in its atoms as well."""
    return sum(2 + sum(_described(one).size for one, _ in product) for product in part)


def nesting(part: Sum) -> int:
    """How many values are in each other in a sum: 1 for sin x + 1, 2 for sin cos x."""
    return max((_described(one).nesting for product in part for one, _ in product), default=0)


def without_squared_sines(part: Sum) -> Sum:
    """A sum with 1 - cos^2 for every sin^2, wherever a sine stands in a power of two or more."""
    if not any(_is_high_sine(one, exponent) for product in part for one, exponent in product):
        return part
    found: Sum = {}
    for product, factor in part.items():
        sine = next((one for one, exponent in product if _is_high_sine(one, exponent)), None)
        found = add_sums(found, {product: factor} if sine is None else _as_cosines(product, factor, sine))
    return found


def _as_cosines(product: Product, factor: Fraction, sine: Atom) -> Sum:
    exponents = dict(product)
    times, exponents[sine] = divmod(exponents[sine].numerator, 2)
    if times > MAX_SINE // 2:
        raise Unreadable("a high power of a sine")
    rest, outside = tidied(exponents)
    cosine: Atom = ("f", "cos", *sine[2:])
    squares = {
        ((cosine, 2 * n),) if n else ONE: Fraction((-1) ** n * comb(times, n)) for n in range(times + 1)
    }
    return multiply_sums({rest: factor * outside}, squares)


def _is_high_sine(one: Atom, exponent: Exponent) -> bool:
    return one[0] == "f" and one[1] == "sin" and exponent >= 2 and exponent.denominator == 1


def inverse(part: Sum) -> Sum:
    """1 over a sum of one term."""
    [(product, factor)] = part.items()
    inverted, outside = tidied({one: -exponent for one, exponent in product})
    return {inverted: outside / factor}


def rational_content(part: Sum) -> Fraction:
    """The largest positive number by which all coefficients can be divided to whole ones."""
    above = gcd(*(factor.numerator for factor in part.values()))
    below = lcm(*(factor.denominator for factor in part.values()))
    return checked(Fraction(above, below))


def content(part: Sum) -> Product:
    """What all products of a sum have in common, with its least exponent; of primes and i nothing."""
    products = [dict(product) for product in part]
    names = {one: None for product in products for one in product if one[0] != "p" and one != I}
    least = {one: min(product.get(one, 0) for product in products) for one in names}
    return _sorted((one, exponent) for one, exponent in least.items() if exponent)


def shared(part: Sum) -> Product:
    """The roots of primes, letters and functions with positive exponents that all products of a sum have."""
    products = [dict(product) for product in part]
    least = {one: min(product.get(one, 0) for product in products) for one in products[0] if one != I}
    return _sorted((one, exponent) for one, exponent in least.items() if exponent > 0)


def leading(part: Sum) -> Product:
    """The product of the highest degree; of several, the last by what they are written as."""
    return max(part, key=rank)


def rank(product: Product) -> tuple[Exponent, str]:
    """The degree of a product and its text: what products are ordered by."""
    return sum(exponent for _, exponent in product), written(product)


def written(product: Product) -> str:
    """A product as text, which is different for different ones."""
    return "".join(f"({_described(one).text}, {exponent})" for one, exponent in product)


def divide_sums(above: Sum, below: Sum) -> Sum | None:
    """The quotient of two sums of letters and functions where the division comes out; None elsewhere."""
    if len(above) > MAX_DIVIDEND or len(below) > MAX_DIVISOR or len(above) == 1 < len(below):
        return None
    names = sorted(
        {one for part in (above, below) for product in part for one, _ in product},
        key=lambda one: _described(one).text,
    )
    if any(one[0] == "p" or one == I for one in names):
        return None
    rest, divisor = _vectors(above, names), _vectors(below, names)
    lead, bottom = max(divisor), min(rest)
    quotient: dict[tuple[Exponent, ...], Fraction] = {}
    for _ in range(MAX_QUOTIENT):
        if not rest:
            return {_from_vector(vector, names): factor for vector, factor in quotient.items()}
        spend(len(divisor))
        first = max(rest)
        if first < bottom:
            return None
        step = tuple(map(sub, first, lead))
        factor = checked(rest[first] / divisor[lead])
        quotient[step] = quotient.get(step, Fraction(0)) + factor
        for vector, other in divisor.items():
            place = tuple(map(plus, step, vector))
            left = checked(rest.get(place, Fraction(0)) - factor * other)
            if left:
                rest[place] = left
            else:
                del rest[place]
    return None


def _vectors(part: Sum, names: list[Atom]) -> dict[tuple[Exponent, ...], Fraction]:
    """The exponents of a sum's products, in the order of the names."""
    found = {}
    for product, factor in part.items():
        have = dict(product)
        found[tuple(have.get(one, 0) for one in names)] = factor
    return found


def _from_vector(vector: tuple[Exponent, ...], names: list[Atom]) -> Product:
    return tuple(
        (one, checked_exponent(exponent)) for one, exponent in zip(names, vector, strict=True) if exponent
    )
