"""Functions by name, evaluated where that is exact; the others are names."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb, factorial, floor, gcd, lcm

from curate.answers.forms.logarithms import ln, logarithm
from curate.answers.forms.powers import power
from curate.answers.forms.signs import absolute
from curate.answers.forms.sums import HALF, MAX_BITS, ONE, PI, UNIT, E
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.trigonometry import arccosine, arcsine, arctangent, cosine, sine, tangent
from curate.answers.forms.values import Value, add, atom, constant, divide, multiply, named, negative

MAX_FACTORIAL = 3_000
"""3,001! has more bits than any number here."""
MAX_DOUBLE_FACTORIAL = 2_000
MAX_BINOMIAL = 10_000
MAX_SHIFT = 12
"""(n + 12)! is n! times twelve factors."""
MAX_CHOSEN = 6
"""Factors into which n over k is multiplied out."""


def function(name: str, *args: Value) -> Value:
    """A function of values, evaluated where that is exact; a name for it otherwise. Raises Unreadable."""
    if name in _OF_NUMBERS:
        return _of_numbers(name, args)
    if name in ("log", "lg", "binomial") and len(args) == 2:
        return logarithm(*args) if name != "binomial" else _binomial(*args)
    if len(args) != 1:
        raise Unreadable(f"{name} of {len(args)} arguments")
    return _EXACT[name](args[0]) if name in _EXACT else named(name, args[0])


def _whole(value: Value) -> int | None:
    number = value.rational
    return number.numerator if number is not None and number.denominator == 1 else None


def _factorial(n: Value) -> Value:
    whole = _whole(n)
    if whole is not None:
        if not 0 <= whole <= MAX_FACTORIAL:
            raise Unreadable(f"a factorial of a number not between 0 and {MAX_FACTORIAL:,}")
        return constant(factorial(whole))
    if n.rational is not None:
        raise Unreadable("a factorial of a fraction")
    return _shifted_factorial(n)


def _shifted_factorial(n: Value) -> Value:
    """(n + 2)! as n! (n + 1) (n + 2)."""
    shift = n.above.get(ONE, Fraction(0)) if n.below == UNIT else Fraction(0)
    if shift.denominator != 1 or abs(shift) > MAX_SHIFT:
        return named("factorial", n)
    bare = add(n, constant(-shift))
    found = named("factorial", bare)
    for step in range(1, abs(shift.numerator) + 1):
        if shift > 0:
            found = multiply(found, add(bare, constant(step)))
        else:
            found = divide(found, add(bare, constant(1 - step)))
    return found


def _double_factorial(n: Value) -> Value:
    whole = _whole(n)
    if whole is None:
        return named("factorial2", n)
    if not -1 <= whole <= MAX_DOUBLE_FACTORIAL:
        raise Unreadable("a large double factorial")
    found = 1
    for step in range(whole, 1, -2):
        found *= step
    return constant(found)


def _binomial(n: Value, k: Value) -> Value:
    above, below = _whole(n), _whole(k)
    if above is not None and below is not None and 0 <= above <= MAX_BINOMIAL:
        return constant(comb(above, below) if below >= 0 else 0)
    if above is None and below is not None and 0 <= below <= MAX_CHOSEN:
        found = constant(1)
        for step in range(below):
            found = multiply(found, add(n, constant(-step)))
        return divide(found, constant(factorial(below)))
    return divide(_factorial(n), multiply(_factorial(k), _factorial(add(n, negative(k)))))


def _floor(value: Value) -> Value:
    number = value.rational
    return named("floor", value) if number is None else constant(floor(number))


def _ceiling(value: Value) -> Value:
    return negative(_floor(negative(value)))


def _sign(value: Value) -> Value:
    number = value.rational
    return named("sgn", value) if number is None else constant((number > 0) - (number < 0))


def _exponential(value: Value) -> Value:
    return power(atom(E), value)


def _hyperbolic(value: Value, sign: int) -> Value:
    """Half of e^x - e^-x (sign -1), or of e^x + e^-x (sign 1)."""
    reflected = multiply(constant(sign), _exponential(negative(value)))
    return divide(add(_exponential(value), reflected), constant(2))


def _of_numbers(name: str, args: tuple[Value, ...]) -> Value:
    """Functions of two or more rational numbers."""
    numbers = [number for one in args if (number := one.rational) is not None]
    if len(numbers) < len(args) or len(args) < 2:
        raise Unreadable(f"{name} of unknown numbers")
    if name in ("max", "min"):
        return constant(max(numbers) if name == "max" else min(numbers))
    wholes = [number.numerator for number in numbers if number.denominator == 1]
    if len(wholes) < len(numbers):
        raise Unreadable(f"{name} of fractions")
    if name == "mod":
        if len(wholes) != 2 or wholes[1] == 0:
            raise Unreadable("a remainder by zero")
        return constant(wholes[0] % wholes[1])
    if sum(whole.bit_length() for whole in wholes) > MAX_BITS:
        raise Unreadable("numbers of too many digits")
    return constant(gcd(*wholes) if name == "gcd" else lcm(*wholes))


_OF_NUMBERS = ("gcd", "lcm", "max", "min", "mod")
_EXACT: dict[str, Callable[[Value], Value]] = {
    "factorial": _factorial,
    "factorial2": _double_factorial,
    "ln": ln,
    "log": ln,
    "lg": lambda value: logarithm(value, constant(10)),
    "exp": _exponential,
    "sin": sine,
    "cos": cosine,
    "tan": tangent,
    "cot": lambda value: divide(cosine(value), sine(value)),
    "sec": lambda value: divide(constant(1), cosine(value)),
    "csc": lambda value: divide(constant(1), sine(value)),
    "sinh": lambda value: _hyperbolic(value, -1),
    "cosh": lambda value: _hyperbolic(value, 1),
    "tanh": lambda value: divide(_hyperbolic(value, -1), _hyperbolic(value, 1)),
    "sech": lambda value: divide(constant(1), _hyperbolic(value, 1)),
    "csch": lambda value: divide(constant(1), _hyperbolic(value, -1)),
    "coth": lambda value: divide(_hyperbolic(value, 1), _hyperbolic(value, -1)),
    "arcsin": arcsine,
    "arccos": arccosine,
    "arctan": arctangent,
    "arccot": lambda value: add(multiply(constant(HALF), atom(PI)), negative(arctangent(value))),
    "abs": absolute,
    "sgn": _sign,
    "floor": _floor,
    "ceil": _ceiling,
}
