r"""Exact values: fractions of sums of products of powers of primes, pi, e, i, logarithms and letters.

A product is a tuple of (atom, exponent); a sum maps products to rational coefficients; a value is a sum over
a sum. Roots of rational numbers are products of primes with exponents in (0, 1), which are linearly
independent over the rationals (Besicovitch 1940), and so are logarithms of primes: two values made of these
are equal exactly when their sums are. For functions that are not evaluated (sin 1) equal arguments give equal
values; different ones may too, which `Unknown` in a comparison stands for.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from math import comb, factorial, gcd, isqrt, lcm
from operator import add as plus
from operator import sub
from typing import NamedTuple

from curate.answers.forms.tokens import Unreadable

Atom = tuple[object, ...]
Exponent = int | Fraction
"""A whole one is an int: hashing it takes a tenth of the time."""
Product = tuple[tuple[Atom, Exponent], ...]
Sum = dict[Product, Fraction]

MAX_TERMS = 400
MAX_BITS = 40_000
MAX_FACTORIAL = 10_000
MAX_EXPONENT = 60
"""Of a sum; a single product may have any."""
MAX_ANGLES, MAX_MULTIPLE = 3, 6
"""Angles in a sum, and times an angle, that are expanded."""
MAX_TRIAL = 10_000
"""Primes up to here are divided out; what is left under a root stays whole."""

ONE: Product = ()
PI: Atom = ("c", "pi")
E: Atom = ("c", "e")
I: Atom = ("c", "i")  # noqa: E741 - the unit
HALF = Fraction(1, 2)


class Value(NamedTuple):
    """above over below, both sums; below is not empty, and 1 wherever a division comes out."""

    above: Sum
    below: Sum

    @property
    def rational(self) -> Fraction | None:
        """The number, if it is a rational one."""
        if self.below != {ONE: Fraction(1)}:
            return None
        if not self.above:
            return Fraction(0)
        if len(self.above) == 1 and ONE in self.above:
            return self.above[ONE]
        return None

    @property
    def symbols(self) -> frozenset[str]:
        """The names of the variables in it."""
        return frozenset(
            name for part in (self.above, self.below) for product in part for atom, _ in product
            for name in _symbols_of(atom)
        )  # fmt: skip

    @property
    def frozen(self) -> tuple[object, ...]:
        """The value as one sorted, hashable thing."""
        return _frozen(self.above), _frozen(self.below)


UNIT: Sum = {ONE: Fraction(1)}


def constant(number: Fraction | int) -> Value:
    """A rational number."""
    if number == 0:
        return Value({}, UNIT)
    number = Fraction(number)
    if number.numerator.bit_length() + number.denominator.bit_length() > MAX_BITS:
        raise Unreadable("a number of too many digits")
    return Value({ONE: number}, UNIT)


def atom(one: Atom) -> Value:
    """An atom alone."""
    return Value({((one, 1),): Fraction(1)}, UNIT)


def symbol(name: str) -> Value:
    """A variable."""
    return atom(("s", name))


def add(a: Value, b: Value) -> Value:
    """a + b."""
    if a.below == b.below:
        return _reduced(_add(a.above, b.above), a.below)
    return _reduced(_add(_times(a.above, b.below), _times(b.above, a.below)), _times(a.below, b.below))


def negative(a: Value) -> Value:
    """-a."""
    return Value({product: -factor for product, factor in a.above.items()}, a.below)


def multiply(a: Value, b: Value) -> Value:
    """a times b."""
    return _reduced(_times(a.above, b.above), _times(a.below, b.below))


def divide(a: Value, b: Value) -> Value:
    """a over b. Raises Unreadable if b is 0."""
    if not b.above:
        raise Unreadable("a division by zero")
    return _reduced(_times(a.above, b.below), _times(a.below, b.above))


def power(base: Value, exponent: Value) -> Value:
    """base to the exponent; even roots are of what is taken to be positive only where it surely is."""
    number = exponent.rational
    if number is None:
        return _symbolic_power(base, exponent)
    if number.denominator == 1:
        return _whole_power(base, number.numerator)
    return _root_power(base, number)


def root(inside: Value, degree: Value) -> Value:
    """The root of a degree that is a whole number."""
    n = degree.rational
    if n is None:
        return power(inside, divide(constant(1), degree))
    if n.denominator != 1 or not 1 <= n.numerator <= 10_000:
        raise Unreadable("a root of such a degree")
    return _root_power(inside, 1 / n)


def equal(a: Value, b: Value) -> bool:
    """Whether two values are the same in this normal form: True is proven, False is not."""
    if a.below == b.below and a.above == b.above:
        return True
    left, right = _times(a.above, b.below), _times(b.above, a.below)
    if left == right:
        return True
    gap = _add(left, right, -1)
    roots = {one for product in gap for one, _ in product if one[0] == "b"}
    return bool(roots) and not _cleared(gap, roots)


def _cleared(gap: Sum, roots: set[Atom]) -> Sum:
    """A sum without negative powers of what is under its roots, and with whole powers multiplied out."""
    for one in roots:
        base = _thawed(one[1])
        if base.below != UNIT:
            return gap
        least = min((dict(product).get(one, Fraction(0)) for product in gap), default=Fraction(0))
        lift = -(least.numerator // least.denominator) if least < 0 else 0
        found: Sum = {}
        for product, factor in gap.items():
            exponents = dict(product)
            exponent = exponents.pop(one, Fraction(0)) + lift
            whole = exponent.numerator // exponent.denominator
            if whole > MAX_EXPONENT:
                return gap
            if exponent - whole:
                exponents[one] = exponent - whole
            rest, outside = _tidied(exponents)
            part: Sum = {rest: factor * outside}
            for _ in range(whole):
                part = _times(part, base.above)
            found = _add(found, part)
        gap = found
    return gap


def is_exact(a: Value) -> bool:
    """Whether equal values surely have equal forms: rationals, their roots, pi or e, variables."""
    return all(_plain(one) for part in (a.above, a.below) for product in part for one, _ in product) and not (
        mentions(a, PI) and mentions(a, E)
    )


def mentions(a: Value, wanted: Atom) -> bool:
    """Whether an atom is a factor anywhere in a value."""
    return any(one == wanted for part in (a.above, a.below) for product in part for one, _ in product)


def _plain(one: Atom) -> bool:
    return one[0] in ("p", "s") or one in (PI, E, I)


# -- sums and products


def _add(a: Sum, b: Sum, times: Fraction | int = 1) -> Sum:
    found = dict(a)
    for product, factor in b.items():
        total = found.get(product, 0) + factor * times
        if total:
            found[product] = Fraction(total)
        else:
            found.pop(product, None)
    if len(found) > MAX_TERMS:
        raise Unreadable("a sum of too many terms")
    return found


def _times(a: Sum, b: Sum) -> Sum:
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
            amount = factor * other * outside
            if amount.numerator.bit_length() + amount.denominator.bit_length() > MAX_BITS:
                raise Unreadable("a number of too many digits")
            total = found.get(product, 0) + amount
            if total:
                found[product] = Fraction(total)
            else:
                found.pop(product, None)
    return _trigonometric(found)


def _joined(left: Product, right: Product) -> tuple[Product, Fraction]:
    """The product of two products, whole powers of primes and of i taken out."""
    if not left or not right:
        return left or right, Fraction(1)
    exponents = dict(left)
    for one, exponent in right:
        exponents[one] = exponents.get(one, 0) + exponent
    return _tidied(exponents)


def _tidied(exponents: dict[Atom, Exponent]) -> tuple[Product, Fraction]:
    outside = Fraction(1)
    kept: list[tuple[Atom, Exponent]] = []
    for one, exponent in exponents.items():
        if exponent == 0:
            continue
        if one[0] == "p":
            whole = exponent.numerator // exponent.denominator
            if whole:
                if abs(whole) * int(str(one[1])).bit_length() > MAX_BITS:
                    raise Unreadable("a number of too many digits")
                outside *= Fraction(int(str(one[1]))) ** whole
                exponent -= whole
        elif one == I and exponent.denominator == 1:
            turn = exponent.numerator % 4
            outside *= -1 if turn >= 2 else 1
            exponent = Fraction(turn % 2)
        if exponent:
            kept.append((one, exponent.numerator if exponent.denominator == 1 else exponent))
    if len(kept) > 1:
        kept.sort(key=_order)
    return tuple(kept), outside


def _order(item: tuple[Atom, Exponent]) -> tuple[str, Exponent]:
    return repr(item[0]), item[1]


def _trigonometric(found: Sum) -> Sum:
    """sin^2 as 1 - cos^2, wherever it stands with a whole exponent of two or more."""
    for product in list(found):
        for one, exponent in product:
            if one[:2] == ("f", "sin") and exponent >= 2 and exponent.denominator == 1:
                factor = found.pop(product)
                rest = dict(product)
                rest[one] = exponent - 2
                without, outside = _tidied(rest)
                cosine: Sum = {ONE: Fraction(1), (((("f", "cos", *one[2:])), Fraction(2)),): Fraction(-1)}
                more = _times({without: factor * outside}, cosine)
                return _trigonometric(_add(found, more))
    return found


def _reduced(above: Sum, below: Sum) -> Value:
    """above over below with a denominator of 1 where that can be had, else a leading coefficient of 1."""
    if not below:
        raise Unreadable("a division by zero")
    if not above:
        return Value({}, UNIT)
    if below == UNIT:
        return Value(above, UNIT)
    if len(below) == 1:
        [(product, factor)] = below.items()
        inverse, outside = _tidied({one: -exponent for one, exponent in product})
        return Value(_times(above, {inverse: outside / factor}), UNIT)
    below_, above_ = below, above
    for _ in range(4):  # rationalise: a product with the conjugate has one root less
        prime = _a_root(below_)
        if prime is None:
            break
        conjugate = {p: -f if dict(p).get(prime) else f for p, f in below_.items()}
        below_, above_ = _times(below_, conjugate), _times(above_, conjugate)
        if len(below_) == 1:
            return _reduced(above_, below_)
        if not below_:
            raise Unreadable("a division by zero")
    else:
        below_, above_ = below, above
    quotient = _divided(above_, below_)
    if quotient is not None:
        return Value(quotient, UNIT)
    inverted = _divided(below_, above_)
    if inverted is not None and len(inverted) < len(below_):
        above_, below_ = UNIT, inverted
    lead = max(below_, key=_rank)
    content = _content(below_)
    factor = below_[lead]
    scale, outside = _tidied({one: -exponent for one, exponent in content})
    scaled: Sum = {scale: outside / factor}
    return Value(_times(above_, scaled), _times(below_, scaled))


def _a_root(below: Sum) -> Atom | None:
    """A square root of a prime, or i, that stands in a denominator whose other atoms are such too."""
    found = None
    for product in below:
        for one, exponent in product:
            if (one[0] == "p" and exponent == HALF) or one == I:
                found = one if found is None or repr(one) > repr(found) else found
            elif one[0] == "p":
                return None
    return found


def _content(part: Sum) -> Product:
    """What all products of a sum have in common (the least exponent of every atom)."""
    least: dict[Atom, Exponent] | None = None
    for product in part:
        here = dict(product)
        if least is None:
            least = here
        else:
            least = {
                one: min(least.get(one, Fraction(0)), here.get(one, Fraction(0)))
                for one in {**least, **here}
                if one[0] != "p" and one != I
            }
    return tuple(
        sorted(((one, e) for one, e in (least or {}).items() if e and one[0] != "p" and one != I), key=_order)
    )


def _shared(part: Sum) -> Product:
    """The roots of primes and letters that all products of a sum have."""
    products = [dict(product) for product in part]
    found = {
        one: min(product.get(one, Fraction(0)) for product in products) for one in products[0] if one != I
    }
    return tuple(sorted(((one, exponent) for one, exponent in found.items() if exponent > 0), key=_order))


def _rank(product: Product) -> tuple[Exponent, str]:
    """Lexicographic order of products by degree, then by what they are."""
    return sum((exponent for _, exponent in product), Fraction(0)), repr(product)


def _divided(above: Sum, below: Sum) -> Sum | None:
    """The quotient of two sums if the division comes out, by the leading terms; None otherwise."""
    if len(above) > 100 or len(below) > 30 or (len(above) < len(below) and len(above) == 1):
        return None
    names = sorted({one for part in (above, below) for product in part for one, _ in product}, key=repr)
    if any(one[0] == "p" or one == I for one in names):
        return None
    rest, divisor = _vectors(above, names), _vectors(below, names)
    lead = max(divisor)
    bottom = min(rest)
    quotient: dict[tuple[Exponent, ...], Fraction] = {}
    for _ in range(120):
        if not rest:
            back: Sum = {}
            for vector, factor in quotient.items():
                product = tuple(
                    (one, exponent) for one, exponent in zip(names, vector, strict=True) if exponent
                )
                back[tuple(sorted(product, key=_order))] = factor
            return back
        first = max(rest)
        if first < bottom:
            return None
        step = tuple(map(sub, first, lead))
        factor = rest[first] / divisor[lead]
        quotient[step] = quotient.get(step, 0) + factor
        for vector, other in divisor.items():
            place = tuple(map(plus, step, vector))
            left = rest.get(place, 0) - factor * other
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


# -- powers


def _whole_power(base: Value, n: int) -> Value:
    if n == 0:
        if not base.above:
            raise Unreadable("zero to the zero")
        return constant(1)
    if n < 0:
        return divide(constant(1), _whole_power(base, -n))
    if len(base.above) == 1 and base.below == UNIT:
        [(product, factor)] = base.above.items()
        bits = max(factor.numerator.bit_length(), factor.denominator.bit_length())
        if bits > 1 and bits * n > MAX_BITS:
            raise Unreadable("a number of too many digits")
        raised, outside = _tidied({one: exponent * n for one, exponent in product})
        return Value(_trigonometric({raised: factor**n * outside}), UNIT)
    if not base.above:
        return base
    if (
        n > MAX_EXPONENT
        or (n > 12 and len(base.above) > 4)
        or (base.below == UNIT and len(base.above) ** n > 10**12)
    ):
        return _high_power(base, n)
    found, square = constant(1), base
    while n:
        if n & 1:
            found = multiply(found, square)
        n >>= 1
        if n:
            square = multiply(square, square)
    return found


def _high_power(base: Value, n: int) -> Value:
    """A power of a sum that is not multiplied out: of the sum with a positive leading part."""
    if base.below != UNIT:
        raise Unreadable("a high power of a fraction")
    rational, _ = _rational_content(base.above)
    lead = max(base.above, key=_rank)
    factor = rational if base.above[lead] > 0 else -rational
    inner = multiply(base, constant(1 / factor))
    one: Atom = ("b", inner.frozen)
    return multiply(constant(factor**n), Value({((one, Fraction(n)),): Fraction(1)}, UNIT))


def _root_power(base: Value, exponent: Fraction) -> Value:
    """A fractional power: of numbers into primes, of products by factors, of sums as a whole."""
    if not base.above:
        if exponent <= 0:
            raise Unreadable("zero to a negative power")
        return base
    if exponent < 0:
        return divide(constant(1), _root_power(base, -exponent))
    if base.below != UNIT:
        if _positive(Value(base.below, UNIT)):
            return divide(
                _root_power(Value(base.above, UNIT), exponent), _root_power(Value(base.below, UNIT), exponent)
            )
        return _opaque_power(base, exponent)
    if len(base.above) == 1:
        [(product, factor)] = base.above.items()
        found = _root_of_number(factor, exponent)
        for one, power_ in product:
            found = multiply(found, _root_of_atom(one, power_, exponent))
        return found
    if exponent.denominator == 2:
        simple = _denested(base)
        if simple is not None:
            return _whole_power(simple, exponent.numerator)
    rational, product = _rational_content(base.above)
    if rational != 1:
        inner = multiply(base, constant(1 / rational))
        return multiply(_root_of_number(rational, exponent), _root_power(inner, exponent))
    del product
    return _opaque_power(base, exponent)


def _opaque_power(base: Value, exponent: Fraction) -> Value:
    whole = exponent.numerator // exponent.denominator
    one: Atom = ("b", base.frozen)
    found = Value({((one, exponent - whole),): Fraction(1)}, UNIT)
    return multiply(found, _whole_power(base, whole)) if whole else found


def _rational_content(part: Sum) -> tuple[Fraction, Product]:
    """The positive rational that can be taken out of a sum."""
    above = gcd(*(factor.numerator for factor in part.values()))
    below = lcm(*(factor.denominator for factor in part.values()))
    return Fraction(above, below), ONE


def _root_of_number(number: Fraction, exponent: Fraction) -> Value:
    if number < 0:
        if exponent.denominator == 2:
            turned = power(atom(I), constant(exponent.numerator))
            return multiply(turned, _root_of_number(-number, exponent))
        if exponent.denominator % 2:
            sign = -1 if exponent.numerator % 2 else 1
            return multiply(constant(sign), _root_of_number(-number, exponent))
        raise Unreadable("a high even root of a negative number")
    exponents: dict[Atom, Exponent] = {}
    for prime, times in _factors(number.numerator):
        exponents[("p", prime)] = exponents.get(("p", prime), Fraction(0)) + times * exponent
    for prime, times in _factors(number.denominator):
        exponents[("p", prime)] = exponents.get(("p", prime), Fraction(0)) - times * exponent
    product, outside = _tidied(exponents)
    return Value({product: outside}, UNIT)


@lru_cache(maxsize=4096)
def _factors(number: int) -> tuple[tuple[int, int], ...]:
    """The prime factors of a whole number and how often; a large rest without small primes is one factor."""
    if number.bit_length() > 400:
        raise Unreadable("a root of a number of too many digits")
    found = []
    for prime in _primes():
        if prime * prime > number:
            break
        times = 0
        while number % prime == 0:
            number //= prime
            times += 1
        if times:
            found.append((prime, times))
    if number > 1:
        if number > MAX_TRIAL**2:  # may be composite: only a perfect power can be told
            for n in range(12, 1, -1):
                whole = _whole_root(number, n)
                if whole**n == number:
                    return (*found, *((p, t * n) for p, t in _factors(whole)))
        found.append((number, 1))
    return tuple(found)


def _whole_root(number: int, n: int) -> int:
    if n == 2:
        return isqrt(number)
    low, high = 1, 1 << (number.bit_length() // n + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**n <= number:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=1)
def _primes() -> tuple[int, ...]:
    sieve = bytearray([1]) * MAX_TRIAL
    sieve[:2] = b"\0\0"
    for number in range(2, isqrt(MAX_TRIAL) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, MAX_TRIAL, number)))
    return tuple(number for number in range(MAX_TRIAL) if sieve[number])


def _root_of_atom(one: Atom, have: Exponent, exponent: Fraction) -> Value:
    """(atom^have)^exponent: of x^2 the absolute value of x, where nothing says that x is positive."""
    raised = have * exponent
    if one == I:
        raise Unreadable("a root of i")
    is_even = have.denominator == 1 and have.numerator % 2 == 0 and exponent.denominator != 1
    if is_even and not _positive(atom(one)) and (raised.denominator != 1 or raised.numerator % 2):
        return power(function("abs", atom(one)), constant(raised))
    product, outside = _tidied({one: raised})
    return Value({product: outside}, UNIT)


def _positive(value: Value) -> bool:
    """Whether a value is surely positive: sums of products of positive atoms with positive factors."""
    return all(
        factor > 0 and all(_atom_positive(one) or (e.denominator == 1 and e.numerator % 2 == 0 and one != I)
                           for one, e in product)
        for part in (value.above, value.below) for product, factor in part.items()
    )  # fmt: skip


def _atom_positive(one: Atom) -> bool:
    if one[0] == "f" and one[1] == "ln":
        return isinstance(one[2], int) and one[2] > 1
    return (
        one[0] in ("p", "b")
        or one in (PI, E)
        or (one[0] == "x" and _atom_positive_base(one))
        or (one[:2] == ("f", "abs"))
    )


def _atom_positive_base(one: Atom) -> bool:
    base = one[1]
    return isinstance(base, tuple) and len(base) > 0 and _atom_positive(base)


def _denested(base: Value) -> Value | None:
    """sqrt(a + b sqrt(c)) as sqrt(x) + sqrt(y) or their difference, where x and y are rational."""
    if len(base.above) != 2 or ONE not in base.above:
        return None
    a = base.above[ONE]
    [(product, b)] = [(p, f) for p, f in base.above.items() if p != ONE]
    if any(one[0] != "p" or exponent != HALF for one, exponent in product):
        return None
    c = Fraction(1)
    for one, _ in product:
        c *= int(str(one[1]))
    inside = a * a - b * b * c
    if a <= 0 or inside < 0:
        return None
    middle = _rational_root(inside)
    if middle is None:
        return None
    x, y = (a + middle) / 2, (a - middle) / 2
    first, second = _root_of_number(x, HALF), _root_of_number(y, HALF) if y else constant(0)
    return add(first, second if b > 0 else negative(second))


def _rational_root(number: Fraction) -> Fraction | None:
    above, below = isqrt(number.numerator), isqrt(number.denominator)
    return Fraction(above, below) if above**2 == number.numerator and below**2 == number.denominator else None


def _symbolic_power(base: Value, exponent: Value) -> Value:
    """base^(2n + 1) as (base^n)^2 base; of a number by its primes, so that 4^n is 2^(2n)."""
    if exponent.below != UNIT:
        return _one_power(base, exponent)
    found = constant(1)
    for product, factor in exponent.above.items():
        if product == ONE:
            found = multiply(found, power(base, constant(factor)))
        else:
            found = multiply(found, _one_power(base, Value({product: Fraction(1)}, UNIT), factor))
    return found


def _one_power(base: Value, exponent: Value, times: Fraction = Fraction(1)) -> Value:
    number = base.rational
    if not base.above:
        raise Unreadable("zero to an unknown power")
    if number is not None and number > 0:
        exponents: dict[Atom, Exponent] = {}
        for part, sign in ((number.numerator, 1), (number.denominator, -1)):
            for prime, count in _factors(part):
                one: Atom = ("x", ("p", prime), exponent.frozen)
                exponents[one] = exponents.get(one, Fraction(0)) + sign * count * times
        product, outside = _tidied(exponents)
        return Value({product: outside}, UNIT)
    if len(base.above) == 1 and base.below == UNIT:
        [(inside, factor)] = base.above.items()
        if factor == 1 and len(inside) == 1:
            one_atom, have = inside[0]
            if (
                one_atom[0] == "x" and isinstance(one_atom[2], tuple) and have.denominator == 1
            ) or one_atom == E:
                if one_atom == E:
                    pi_part = _euler(exponent, have * times)
                    if pi_part is not None:
                        return pi_part
                    return Value({((("x", E, exponent.frozen), have * times),): Fraction(1)}, UNIT)
                inner = multiply(_thawed(one_atom[2]), multiply(exponent, constant(have * times)))
                base_atom = one_atom[1]
                assert isinstance(base_atom, tuple)
                below = atom(base_atom) if base_atom[0] != "p" else constant(int(str(base_atom[1])))
                return _symbolic_power(below, inner)
            if one_atom[0] == "s":
                return Value({((("x", one_atom, exponent.frozen), have * times),): Fraction(1)}, UNIT)
        if factor > 0 and inside and _positive(Value({inside: Fraction(1)}, UNIT)):
            found = constant(1) if factor == 1 else _one_power(constant(factor), exponent, times)
            for one_atom, have in inside:
                if one_atom[0] == "p":
                    below = constant(int(str(one_atom[1])))
                    found = multiply(found, _one_power(below, exponent, have * times))
                else:
                    key: Atom = ("x", one_atom, exponent.frozen)
                    found = multiply(found, Value({((key, have * times),): Fraction(1)}, UNIT))
            return found
        if factor == -1 and not inside and times.denominator == 1:
            turned = Value(
                {((("x", ("n",), exponent.frozen), Fraction(times.numerator % 2)),): Fraction(1)}, UNIT
            )
            return turned if times.numerator % 2 else constant(1)
    return Value({((("x", ("v", base.frozen), exponent.frozen), times),): Fraction(1)}, UNIT)


def _euler(exponent: Value, times: Fraction) -> Value | None:
    """e^(i pi q) for a whole or half q."""
    if exponent.below != UNIT or len(exponent.above) != 1:
        return None
    [(product, factor)] = exponent.above.items()
    if dict(product) != {PI: Fraction(1), I: Fraction(1)}:
        return None
    angle = multiply(atom(PI), constant(factor * times))
    return add(function("cos", angle), multiply(atom(I), function("sin", angle)))


# -- functions


def function(name: str, *args: Value) -> Value:
    """A function of values, evaluated where that is exact; a name for it otherwise."""
    if name in _EXACT:
        return _EXACT[name](*args)
    if len(args) == 1:
        return _opaque(name, args[0])
    raise Unreadable(f"{name} of {len(args)} arguments")


def _opaque(name: str, *args: Value) -> Value:
    return atom(("f", name, *(one.frozen for one in args)))


def _whole(value: Value) -> int | None:
    number = value.rational
    return number.numerator if number is not None and number.denominator == 1 else None


def _factorial(n: Value) -> Value:
    whole = _whole(n)
    if whole is None:
        if n.rational is not None:
            raise Unreadable("a factorial of a fraction")
        return _shifted_factorial(n)
    if not 0 <= whole <= MAX_FACTORIAL:
        raise Unreadable(f"a factorial of more than {MAX_FACTORIAL:,}")
    if whole > 3_000:
        raise Unreadable("a number of too many digits")
    return constant(factorial(whole))


def _shifted_factorial(n: Value) -> Value:
    """(n + 2)! as n! (n + 1) (n + 2)."""
    shift = n.above.get(ONE, Fraction(0)) if n.below == UNIT else Fraction(0)
    if shift.denominator != 1 or abs(shift) > 12:
        return _opaque("factorial", n)
    bare = add(n, constant(-shift))
    found = _opaque("factorial", bare)
    for step in range(1, abs(shift.numerator) + 1):
        if shift > 0:
            found = multiply(found, add(bare, constant(step)))
        else:
            found = divide(found, add(bare, constant(1 - step)))
    return found


def _double_factorial(n: Value) -> Value:
    whole = _whole(n)
    if whole is None:
        return _opaque("factorial2", n)
    if not -1 <= whole <= 2_000:
        raise Unreadable("a large double factorial")
    found = 1
    for step in range(whole, 1, -2):
        found *= step
    return constant(found)


def _binomial(n: Value, k: Value) -> Value:
    above, below = _whole(n), _whole(k)
    if above is not None and below is not None and 0 <= above <= 10_000:
        return constant(comb(above, below)) if below >= 0 else constant(0)
    if above is None and below is not None and 0 <= below <= 6:
        found = constant(1)
        for step in range(below):
            found = multiply(found, add(n, constant(-step)))
        return divide(found, constant(factorial(below)))
    return divide(_factorial(n), multiply(_factorial(k), _factorial(add(n, negative(k)))))


def _logarithm(value: Value, base: Value | None = None) -> Value:
    if base is not None:
        return divide(_ln(value), _ln(base))
    return _ln(value)


def _ln(value: Value) -> Value:
    if not value.above:
        raise Unreadable("a logarithm of zero")
    if value.below != UNIT:
        if _positive(value):
            return add(_ln(Value(value.above, UNIT)), negative(_ln(Value(value.below, UNIT))))
        return _opaque("ln", value)
    if len(value.above) > 1:
        rational, _ = _rational_content(value.above)
        common = _shared(value.above)
        if rational == 1 and not common:
            return _opaque("ln", value)
        outside = Value({common: rational}, UNIT)
        inside = divide(value, outside)
        return add(_ln(outside), _opaque("ln", inside))
    [(product, factor)] = value.above.items()
    if factor < 0 or any(one == I for one, _ in product):
        return _opaque("ln", value)
    found = constant(0)
    for part, sign in ((factor.numerator, 1), (factor.denominator, -1)):
        for prime, times in _factors(part):
            found = add(found, multiply(constant(sign * times), atom(("f", "ln", prime))))
    for one, exponent in product:
        if one == E:
            logarithm = constant(1)
        elif one[0] == "p":
            logarithm = atom(("f", "ln", one[1]))
        elif one[0] == "x" and isinstance(one[2], tuple):
            base = one[1]
            assert isinstance(base, tuple)
            inner = _ln(atom(base) if base[0] != "p" else constant(int(str(base[1]))))
            logarithm = multiply(_thawed(one[2]), inner)
        else:
            logarithm = atom(("f", "ln", (_frozen({((one, Fraction(1)),): Fraction(1)}), _frozen(UNIT))))
        found = add(found, multiply(constant(exponent), logarithm))
    return found


_SINES: dict[Fraction, tuple[tuple[Fraction, int], ...]] = {
    # sin(pi q) for q in [0, 1/2] as a sum of coefficient times the root of a whole number
    Fraction(0): (), Fraction(1, 6): ((Fraction(1, 2), 1),), Fraction(1, 4): ((Fraction(1, 2), 2),),
    Fraction(1, 3): ((Fraction(1, 2), 3),), Fraction(1, 2): ((Fraction(1), 1),),
    Fraction(1, 12): ((Fraction(1, 4), 6), (Fraction(-1, 4), 2)),
    Fraction(5, 12): ((Fraction(1, 4), 6), (Fraction(1, 4), 2)),
    Fraction(1, 10): ((Fraction(1, 4), 5), (Fraction(-1, 4), 1)),
    Fraction(3, 10): ((Fraction(1, 4), 5), (Fraction(1, 4), 1)),
}  # fmt: skip


def _of_pi(value: Value) -> Fraction | None:
    """q where a value is q times pi."""
    if not value.above:
        return Fraction(0)
    if value.below == UNIT and len(value.above) == 1:
        [(product, factor)] = value.above.items()
        if product == ((PI, Fraction(1)),):
            return factor
    return None


def _sine(value: Value) -> Value:
    """The sine; of a sum of angles by the addition theorem, down to sines and cosines of single ones."""
    q = _of_pi(value)
    if q is not None:
        return _known_sine(q)
    return _angles(value)[1]


def _known_sine(q: Fraction) -> Value:
    """sin(q pi): exactly where it is a sum of roots, else as a name for q in [0, 1/2]."""
    q %= 2
    sign = 1
    if q >= 1:
        q, sign = q - 1, -1
    if q > HALF:
        q = 1 - q
    if q not in _SINES:
        return multiply(constant(sign), _opaque("sin", multiply(constant(q), atom(PI))))
    found = constant(0)
    for factor, inside in _SINES[q]:
        found = add(found, multiply(constant(factor * sign), _root_of_number(Fraction(inside), HALF)))
    return found


def _angles(value: Value) -> tuple[Value, Value]:
    """Cosine and sine of an angle that is no multiple of pi."""
    parts = list(value.above.items())
    if value.below != UNIT or len(parts) > MAX_ANGLES:
        return _opaque("cos", value), _opaque("sin", value)
    cosine, sine = constant(1), constant(0)
    for product, factor in parts:
        if product == ((PI, Fraction(1)),):
            c, s = _known_sine(HALF - factor), _known_sine(factor)
        else:
            c, s = _multiple_angle(product, factor)
        cosine, sine = (
            add(multiply(cosine, c), negative(multiply(sine, s))),
            add(multiply(sine, c), multiply(cosine, s)),
        )
    return cosine, sine


def _multiple_angle(product: Product, factor: Fraction) -> tuple[Value, Value]:
    """Cosine and sine of n/m times an angle, by those of an m-th of it."""
    times = abs(factor.numerator)
    if times > MAX_MULTIPLE:
        one = Value({product: abs(factor)}, UNIT)
        cosine, sine = _opaque("cos", one), _opaque("sin", one)
    else:
        one = Value({product: Fraction(1, factor.denominator)}, UNIT)
        c, s = _opaque("cos", one), _opaque("sin", one)
        cosine, sine = c, s
        for _ in range(times - 1):
            cosine, sine = (
                add(multiply(cosine, c), negative(multiply(sine, s))),
                add(multiply(sine, c), multiply(cosine, s)),
            )
    return cosine, (sine if factor > 0 else negative(sine))


def _turned(value: Value) -> bool:
    """Whether the leading part of a value, multiples of pi aside, is negative."""
    parts = [(product, factor) for product, factor in value.above.items() if product != ((PI, Fraction(1)),)]
    return bool(parts) and max(parts, key=lambda part: _rank(part[0]))[1] < 0


def _odd(name: str, value: Value) -> Value:
    return negative(_opaque(name, negative(value))) if _turned(value) else _opaque(name, value)


def _even(name: str, value: Value) -> Value:
    return _opaque(name, negative(value) if _turned(value) else value)


def _cosine(value: Value) -> Value:
    q = _of_pi(value)
    return _known_sine(HALF - q) if q is not None else _angles(value)[0]


def _absolute(value: Value) -> Value:
    number = value.rational
    if number is not None:
        return constant(abs(number))
    if _positive(value):
        return value
    if _positive(negative(value)):
        return negative(value)
    if not value.symbols:
        return value if _approximately(value) > 0 else negative(value)
    if len(value.above) == 1 and value.below == UNIT:
        [(product, factor)] = value.above.items()
        found = constant(abs(factor))
        for one, exponent in product:
            single = Value({((one, exponent),): Fraction(1)}, UNIT)
            if one == I:
                continue
            found = multiply(
                found, single if _positive(single) else power(_even("abs", atom(one)), constant(exponent))
            )
        return found
    return _even("abs", value)


def _approximately(value: Value) -> float:
    from curate.answers.forms.numeric import approximate

    found = approximate(value, 30)
    if found is None or abs(found.imag) > 1e-12 or abs(found.real) < 1e-12:
        raise Unreadable("a sign that cannot be told")
    return float(found.real)


def _rounded(value: Value, *, up: bool) -> Value:
    number = value.rational
    if number is not None:
        return constant(
            -((-number.numerator) // number.denominator) if up else number.numerator // number.denominator
        )
    if up:
        return negative(_rounded(negative(value), up=False))
    return _opaque("floor", value)


def _hyperbolic(value: Value, sign: int) -> Value:
    plus, minus = power(atom(E), value), power(atom(E), negative(value))
    return divide(add(plus, multiply(constant(sign), minus)), constant(2))


def _arcsine(value: Value) -> Value:
    for q in _SINES:
        angle = multiply(constant(q), atom(PI))
        sine = _sine(angle)
        if equal(sine, value):
            return angle
        if equal(negative(sine), value):
            return negative(angle)
    return _odd("arcsin", value)


def _arccosine(value: Value) -> Value:
    return add(multiply(constant(HALF), atom(PI)), negative(_arcsine(value)))


def _arctangent(value: Value) -> Value:
    for q in _SINES:
        if q == HALF:
            continue
        angle = multiply(constant(q), atom(PI))
        tangent = divide(_sine(angle), _cosine(angle))
        if equal(tangent, value):
            return angle
        if equal(negative(tangent), value):
            return negative(angle)
    return _odd("arctan", value)


def _of_wholes(name: str, *args: Value) -> Value:
    numbers = [one.rational for one in args]
    if any(number is None for number in numbers) or len(args) < 2:
        raise Unreadable(f"{name} of unknown numbers")
    known = [number for number in numbers if number is not None]
    if name in ("max", "min"):
        return constant(max(known) if name == "max" else min(known))
    if any(number.denominator != 1 for number in known):
        raise Unreadable(f"{name} of fractions")
    wholes = [number.numerator for number in known]
    if name == "mod":
        if len(wholes) != 2 or wholes[1] == 0:
            raise Unreadable("a remainder by zero")
        return constant(wholes[0] % wholes[1])
    return constant(gcd(*wholes) if name == "gcd" else lcm(*wholes))


_EXACT: dict[str, Callable[..., Value]] = {
    "factorial": _factorial,
    "factorial2": _double_factorial,
    "binomial": _binomial,
    "ln": _ln,
    "log": lambda value, base=None: _ln(value) if base is None else _logarithm(value, base),
    "lg": lambda value, base=None: _logarithm(value, base or constant(10)),
    "exp": lambda value: power(atom(E), value),
    "sin": _sine,
    "cos": _cosine,
    "tan": lambda value: divide(_sine(value), _cosine(value)),
    "cot": lambda value: divide(_cosine(value), _sine(value)),
    "sec": lambda value: divide(constant(1), _cosine(value)),
    "csc": lambda value: divide(constant(1), _sine(value)),
    "sinh": lambda value: _hyperbolic(value, -1),
    "cosh": lambda value: _hyperbolic(value, 1),
    "tanh": lambda value: divide(_hyperbolic(value, -1), _hyperbolic(value, 1)),
    "arcsin": _arcsine,
    "arccos": _arccosine,
    "arctan": _arctangent,
    "arccot": lambda value: add(multiply(constant(HALF), atom(PI)), negative(_arctangent(value))),
    "abs": _absolute,
    "floor": lambda value: _rounded(value, up=False),
    "ceil": lambda value: _rounded(value, up=True),
    **{
        name: (lambda *args, name=name: _of_wholes(name, *args))
        for name in ("gcd", "lcm", "max", "min", "mod")
    },
}


# -- sorted, hashable


def _frozen(part: Sum) -> tuple[object, ...]:
    return tuple(sorted(((product, factor) for product, factor in part.items()), key=repr))


def _thawed(frozen: object) -> Value:
    """The value of what `Value.frozen` gave."""
    above, below = frozen  # type: ignore[misc]
    return Value(dict(above), dict(below))  # type: ignore[has-type]


thaw = _thawed


def _symbols_of(one: object) -> frozenset[str]:
    if not isinstance(one, tuple):
        return frozenset()
    if len(one) == 2 and one[0] == "s" and isinstance(one[1], str):
        return frozenset([one[1]])
    found: frozenset[str] = frozenset()
    for part in one:
        found |= _symbols_of(part)
    return found
