"""Exact values, fractions of sums, and arithmetic with them: what is equal has one form, wherever it can."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, cast

from curate.answers.forms.primes import SURELY_PRIME
from curate.answers.forms.sums import (
    HALF,
    ONE,
    PI,
    UNIT,
    Atom,
    E,
    I,
    Product,
    Sum,
    add_sums,
    checked,
    content,
    divide_sums,
    inverse,
    leading,
    multiply_sums,
    nesting,
    number_in,
    size,
    tidied,
    written,
)
from curate.answers.forms.tokens import Unreadable

MAX_CONJUGATES = 4
"""Roots that are taken out of a denominator."""
MAX_CLEARED = 60
"""A power of what is under a root that is multiplied out."""
MAX_SIZE = 1_500
"""Things in a value that stands in another one: under a root, in an exponent, as an argument."""
MAX_NESTING = 20
"""Values in each other's atoms."""
MAX_DIGITS = 4_000
"""Of numbers in such a value; Python writes none of more than 4,300."""

FrozenSum = tuple[tuple[Product, Fraction], ...]
Frozen = tuple[FrozenSum, FrozenSum]


class Value(NamedTuple):
    """above over below, both sums; below is not empty, and 1 wherever a division comes out."""

    above: Sum
    below: Sum

    @property
    def rational(self) -> Fraction | None:
        """The number, if it is a rational one."""
        if self.below != UNIT:
            return None
        if not self.above:
            return Fraction(0)
        if len(self.above) == 1 and ONE in self.above:
            return self.above[ONE]
        return None

    @property
    def symbols(self) -> frozenset[str]:
        """The names of the variables in it."""
        return frozenset(_symbols((*self.above, *self.below)))

    @property
    def frozen(self) -> Frozen:
        """The value as one sorted, hashable thing."""
        return _frozen(self.above), _frozen(self.below)

    @property
    def inner(self) -> Frozen:
        """The value as part of an atom. Raises Unreadable where that would be too large."""
        if size(self.above) + size(self.below) > MAX_SIZE:
            raise Unreadable("an argument of too many terms")
        if max(nesting(self.above), nesting(self.below)) >= MAX_NESTING:
            raise Unreadable(f"functions more than {MAX_NESTING} deep")
        for part in self:
            for factor in part.values():
                if max(abs(factor.numerator), factor.denominator) >= _LARGE:
                    raise Unreadable("an argument of too many digits")
        return self.frozen


_LARGE = 10**MAX_DIGITS


def constant(number: Fraction | int) -> Value:
    """A rational number. Raises Unreadable where it has too many digits."""
    if number == 0:
        return Value({}, UNIT)
    return Value({ONE: checked(Fraction(number))}, UNIT)


def atom(one: Atom) -> Value:
    """An atom alone."""
    return Value({((one, 1),): Fraction(1)}, UNIT)


def term(product: Product, factor: Fraction = Fraction(1)) -> Value:
    """A number times a product."""
    return Value({product: factor}, UNIT)


def symbol(name: str) -> Value:
    """A variable."""
    return atom(("s", name))


def named(name: str, *args: Value) -> Value:
    """A function of values that is not evaluated."""
    return atom(("f", name, *(one.inner for one in args)))


def thaw(frozen: object) -> Value:
    """The value of what `Value.frozen` gave."""
    above, below = cast(Frozen, frozen)
    return Value(dict(above), dict(below))


def add(a: Value, b: Value) -> Value:
    """a + b."""
    if a.below == b.below:
        return _reduced(add_sums(a.above, b.above), a.below)
    above = add_sums(multiply_sums(a.above, b.below), multiply_sums(b.above, a.below))
    return _reduced(above, multiply_sums(a.below, b.below))


def negative(a: Value) -> Value:
    """-a."""
    return Value({product: -factor for product, factor in a.above.items()}, a.below)


def multiply(a: Value, b: Value) -> Value:
    """a times b."""
    return _reduced(multiply_sums(a.above, b.above), multiply_sums(a.below, b.below))


def divide(a: Value, b: Value) -> Value:
    """a over b. Raises Unreadable if b is 0."""
    return _reduced(multiply_sums(a.above, b.below), multiply_sums(a.below, b.above))


def equal(a: Value, b: Value) -> bool:
    """Whether two values are the same in this normal form: True is proven, False is not."""
    if a.below == b.below and a.above == b.above:
        return True
    left, right = multiply_sums(a.above, b.below), multiply_sums(b.above, a.below)
    if left == right:
        return True
    gap = add_sums(left, right, -1)
    roots = sorted({one for product in gap for one, _ in product if one[0] == "b"}, key=repr)
    return bool(roots) and not _cleared(gap, roots)


def is_exact(a: Value) -> bool:
    """Whether equal values surely have equal forms: rationals, their roots, pi or e, variables."""
    plain = all(_is_plain(one) for part in a for product in part for one, _ in product)
    return plain and not (mentions(a, PI) and mentions(a, E))


def _is_plain(one: Atom) -> bool:
    if one[0] == "p":
        return number_in(one) < SURELY_PRIME
    return one[0] == "s" or one in (PI, E, I)


def mentions(a: Value, wanted: Atom) -> bool:
    """Whether an atom is a factor anywhere in a value."""
    return any(one == wanted for part in a for product in part for one, _ in product)


def _frozen(part: Sum) -> FrozenSum:
    return tuple(sorted(part.items(), key=lambda item: written(item[0])))


def _symbols(thing: object) -> set[str]:
    """The names of variables anywhere in nested tuples."""
    if not isinstance(thing, tuple):
        return set()
    if len(thing) == 2 and thing[0] == "s" and isinstance(thing[1], str):
        return {thing[1]}
    found: set[str] = set()
    for part in thing:
        found |= _symbols(part)
    return found


def _cleared(gap: Sum, roots: list[Atom]) -> Sum:
    """A sum without negative powers of what is under its roots, and with whole powers multiplied out."""
    for one in roots:
        base = thaw(one[1])
        if base.below != UNIT:
            return gap
        least = min(dict(product).get(one, 0) for product in gap) if gap else 0
        lift = -(least.numerator // least.denominator) if least < 0 else 0
        found: Sum = {}
        for product, factor in gap.items():
            exponents = dict(product)
            whole, left = divmod(exponents.pop(one, 0) + lift, 1)
            if whole > MAX_CLEARED:
                return gap
            if left:
                exponents[one] = left
            rest, outside = tidied(exponents)
            part: Sum = {rest: factor * outside}
            for _ in range(whole):
                part = multiply_sums(part, base.above)
            found = add_sums(found, part)
        gap = found
    return gap


def _reduced(above: Sum, below: Sum) -> Value:
    """above over below with a denominator of 1 where that can be had, else a leading coefficient of 1."""
    if not below:
        raise Unreadable("a division by zero")
    if below == UNIT:
        return Value(above, UNIT)
    if above and len(below) > 1:
        above, below = _rationalised(above, below)
    if not above:
        return constant(0)
    if len(below) == 1:
        return Value(multiply_sums(above, inverse(below)), UNIT)
    quotient = divide_sums(above, below)
    if quotient is not None:
        return Value(quotient, UNIT)
    inverted = divide_sums(below, above)
    if inverted is not None and len(above) > 1:
        above, below = UNIT, inverted
    scale, outside = tidied({one: -exponent for one, exponent in content(below)})
    scaled = {scale: outside / below[leading(below)]}
    return Value(multiply_sums(above, scaled), multiply_sums(below, scaled))


def _rationalised(above: Sum, below: Sum) -> tuple[Sum, Sum]:
    """Both multiplied by conjugates of the denominator, each of which takes one root out of it."""
    free_above, free_below = above, below
    for _ in range(MAX_CONJUGATES):
        root = _a_root(free_below)
        if root is None:
            return free_above, free_below
        conjugate = {
            product: -factor if root in dict(product) else factor for product, factor in free_below.items()
        }
        free_below, free_above = multiply_sums(free_below, conjugate), multiply_sums(free_above, conjugate)
        if not free_below:
            raise Unreadable("a division by zero")
        if len(free_below) == 1:
            return free_above, free_below
    return above, below


def _a_root(below: Sum) -> Atom | None:
    """A square root of a prime, or i, that stands in a denominator whose other atoms are such too."""
    found: Atom | None = None
    for product in below:
        for one, exponent in product:
            if (one[0] == "p" and exponent == HALF) or one == I:
                found = one if found is None or repr(one) > repr(found) else found
            elif one[0] == "p":
                return None
    return found
