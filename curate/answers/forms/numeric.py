"""Values as numbers, to many digits: they can prove two values different, never equal."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from curate.answers.forms.effort import spend
from curate.answers.forms.sums import Atom, Exponent, I, Sum
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.values import Value, mentions, thaw

POINTS = (
    (Fraction(37, 113), Fraction(101, 113)), (Fraction(251, 97), Fraction(101, 113)),
    (Fraction(1009, 53), Fraction(-211, 113)), (Fraction(13, 29), Fraction(-1, 17)),
    (Fraction(7), Fraction(5)),
    (Fraction(4), Fraction(-1)), (Fraction(1009, 53), Fraction(-1900, 113)), (Fraction(3, 2), Fraction(61)),
)  # fmt: skip
"""Where the variables are put: the first of them, and how far the next one is from it."""
DIGITS = 40
APART = 1e-12
"""Relative distance from which two values are different, if computing to more digits changes neither."""
MAX_EXPONENT, MAX_EXPONENT_BITS = 10_000, 64
"""Of a power whose exponent is computed, and of one whose exponent is written."""
MAX_ANGLE, MAX_FACTORIAL = 1e6, 1e4
MAX_BINARY_EXPONENT = 20_000
"""A number beyond 2^20000, or nearer to zero than 2^-20000, is no fraction that is worth writing out."""
POWER_STEPS, FUNCTION_STEPS = 3, 8

_local = threading.local()


def _context() -> Any:
    """mpmath's arithmetic, one for each thread: its precision is a setting of the whole of it."""
    if not hasattr(_local, "mp"):
        from mpmath.ctx_mp import MPContext

        _local.mp = MPContext()
    return _local.mp


def approximate(value: Value, digits: int = DIGITS, point: tuple[Fraction, Fraction] | None = None) -> Any:
    """A value to many digits, its variables at a point; None if it cannot be computed there."""
    names = sorted(value.symbols)
    if names and point is None:
        return None
    return _at(value, _places(names, point or POINTS[0]), digits)


def as_fraction(number: Any) -> Fraction | None:
    """A real number of mpmath, exactly as it is held; None for a very large or small one."""
    sign, mantissa, exponent, _ = number._mpf_
    if abs(exponent) > MAX_BINARY_EXPONENT:
        return None
    found = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -found if sign else found


def differ(a: Value, b: Value) -> bool:
    """Whether two values surely are different: at some point, beyond any rounding."""
    names = sorted(a.symbols | b.symbols)
    is_complex = mentions(a, I) and mentions(b, I)
    return any(
        _differ_at(a, b, _places(names, point), may_be_complex=is_complex or not names)
        for point in POINTS[: len(POINTS) if names else 1]
    )


def _places(names: list[str], point: tuple[Fraction, Fraction]) -> dict[str, Fraction]:
    start, step = point
    return {name: start + step * place for place, name in enumerate(names)}


def _differ_at(a: Value, b: Value, at: Mapping[str, Fraction], *, may_be_complex: bool) -> bool:
    rough = _at(a, at, DIGITS), _at(b, at, DIGITS)
    if None in rough:
        return False
    fine = _at(a, at, 2 * DIGITS), _at(b, at, 2 * DIGITS)
    if None in fine:
        return False
    if not may_be_complex and any(number.imag != 0 for number in (*rough, *fine)):
        return False  # a root or logarithm of something negative: which branch is meant, nobody knows
    is_steady = not _apart(rough[0], fine[0]) and not _apart(rough[1], fine[1])
    return is_steady and _apart(*rough) and _apart(*fine)


def _apart(x: Any, y: Any) -> bool:
    larger = max(abs(x), abs(y))
    return bool(larger > 0 and abs(x - y) > APART * larger)


def _at(value: Value, at: Mapping[str, Fraction], digits: int) -> Any:
    mp = _context()
    with mp.workdps(digits):
        try:
            found = _Computing(mp, at).value(value)
        except (ZeroDivisionError, OverflowError, ValueError, NotImplementedError):
            return None
        return found if mp.isfinite(found) else None


class _Computing:
    """One computation: mpmath's arithmetic, where the variables are, and the atoms that are known by now."""

    def __init__(self, mp: Any, at: Mapping[str, Fraction]) -> None:
        self.mp = mp
        self.at = at
        self.known: dict[Atom, Any] = {}

    def value(self, value: Value) -> Any:
        return self.sum(value.above) / self.sum(value.below)

    def sum(self, part: Sum) -> Any:
        total = self.mp.mpf(0)
        for product, factor in part.items():
            number = self.fraction(factor)
            for one, exponent in product:
                number *= self.power(self.atom(one), exponent)
            total += number
        return total

    def fraction(self, number: Exponent) -> Any:
        return self.mp.mpf(number.numerator) / number.denominator

    def power(self, base: Any, exponent: Exponent) -> Any:
        spend(POWER_STEPS)
        if max(exponent.numerator.bit_length(), exponent.denominator.bit_length()) > MAX_EXPONENT_BITS:
            raise Unreadable("an exponent too large to compute")
        if exponent.denominator == 1:
            return base**exponent.numerator
        return self.mp.power(base, self.fraction(exponent))

    def atom(self, one: Atom) -> Any:
        if one not in self.known:
            self.known[one] = self.compute(one)
        return self.known[one]

    def compute(self, one: Any) -> Any:
        mp = self.mp
        match one[0]:
            case "p":
                return mp.mpf(one[1])
            case "c":
                return {"pi": +mp.pi, "e": +mp.e, "i": mp.mpc(0, 1)}[one[1]]
            case "s":
                return self.fraction(self.at[one[1]])
            case "b" | "v":
                return self.value(thaw(one[1]))
            case "n":
                return mp.mpf(-1)
            case "x":
                return self.general_power(one[1], self.value(thaw(one[2])))
            case _:
                return self.function(one[1], one[2:])

    def general_power(self, base: Atom, exponent: Any) -> Any:
        if abs(exponent) > MAX_EXPONENT:
            raise Unreadable("an exponent too large to compute")
        spend(FUNCTION_STEPS)
        return self.mp.power(self.atom(base), exponent)

    def function(self, name: str, args: Any) -> Any:
        mp = self.mp
        spend(FUNCTION_STEPS)
        if name == "ln" and isinstance(args[0], int):
            return mp.log(args[0])
        values = [self.value(thaw(arg)) for arg in args]
        if name in ("sin", "cos") and abs(values[0]) > MAX_ANGLE:
            raise Unreadable("an angle too large to compute")
        if name in ("factorial", "factorial2") and abs(values[0]) > MAX_FACTORIAL:
            raise Unreadable("a factorial too large to compute")
        known = {
            "ln": mp.log, "sin": mp.sin, "cos": mp.cos, "arcsin": mp.asin, "arctan": mp.atan, "abs": abs,
            "floor": mp.floor, "factorial": mp.factorial, "arsinh": mp.asinh, "arcosh": mp.acosh,
            "artanh": mp.atanh, "sgn": mp.sign, "factorial2": mp.fac2,
        }  # fmt: skip
        if name not in known:
            raise Unreadable(f"{name} is not computed")
        return known[name](*values)
