"""Values as numbers, to many digits: they can prove two values different, never equal."""

from __future__ import annotations

import threading
from fractions import Fraction
from typing import Any

from curate.answers.forms.algebra import I, Value, mentions, thaw
from curate.answers.forms.tokens import Unreadable

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
    at = {name: point[0] + point[1] * place for place, name in enumerate(names) if point is not None}
    return _at(value, at, digits, _context())


def as_fraction(number: Any) -> Fraction:
    """A real number of mpmath, exactly as it is held."""
    sign, mantissa, exponent, _ = number._mpf_
    found = Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
    return -found if sign else found


def differ(a: Value, b: Value) -> bool:
    """Whether two values surely are different: at some point, beyond any rounding."""
    mp = _context()
    names = sorted(a.symbols | b.symbols)
    complex_is_meant = mentions(a, I) and mentions(b, I)
    for start, step in POINTS[: len(POINTS) if names else 1]:
        at = {name: start + step * place for place, name in enumerate(names)}
        pairs = [(_at(a, at, digits, mp), _at(b, at, digits, mp)) for digits in (DIGITS, 2 * DIGITS)]
        if any(x is None or y is None for x, y in pairs):
            continue
        if names and not complex_is_meant and any(mp.im(z) != 0 for pair in pairs for z in pair):
            continue  # a root or logarithm of something negative: which branch is meant, nobody knows
        if (
            all(_apart(x, y) for x, y in pairs)
            and not _apart(pairs[0][0], pairs[1][0])
            and not _apart(pairs[0][1], pairs[1][1])
        ):
            return True
    return False


def _apart(x: Any, y: Any) -> bool:
    larger = max(abs(x), abs(y))
    return bool(larger > 0 and abs(x - y) > APART * larger)


def _at(value: Value, at: dict[str, Fraction], digits: int, mp: Any) -> Any:
    with mp.workdps(digits):
        try:
            found = _sum(value.above, at, mp) / _sum(value.below, at, mp)
        except (ZeroDivisionError, OverflowError, ValueError, Unreadable, NotImplementedError):
            return None
        return found if mp.isfinite(found) else None


def _sum(part: Any, at: dict[str, Fraction], mp: Any) -> Any:
    total = mp.mpf(0)
    for product, factor in part.items():
        term = mp.mpf(factor.numerator) / factor.denominator
        for one, exponent in product:
            base = _atom(one, at, mp)
            if exponent.denominator == 1:
                term *= base**exponent.numerator
            else:
                term *= mp.power(base, mp.mpf(exponent.numerator) / exponent.denominator)
        total += term
    return total


def _value(frozen: Any, at: dict[str, Fraction], mp: Any) -> Any:
    value = thaw(frozen)
    return _sum(value.above, at, mp) / _sum(value.below, at, mp)


def _atom(one: Any, at: dict[str, Fraction], mp: Any) -> Any:
    kind = one[0]
    if kind == "p":
        return mp.mpf(one[1])
    if kind == "c":
        return {"pi": +mp.pi, "e": +mp.e, "i": mp.mpc(0, 1)}[one[1]]
    if kind == "s":
        return mp.mpf(at[one[1]].numerator) / at[one[1]].denominator
    if kind == "b":
        return _value(one[1], at, mp)
    if kind == "x":
        base = one[1]
        if base[0] == "n":
            below = mp.mpf(-1)
        elif base[0] == "v":
            below = _value(base[1], at, mp)
        else:
            below = _atom(base, at, mp)
        exponent = _value(one[2], at, mp)
        if abs(exponent) > 10_000:
            raise Unreadable("an exponent too large to compute")
        return mp.power(below, exponent)
    name, args = one[1], one[2:]
    if name == "ln" and isinstance(args[0], int):
        return mp.log(args[0])
    values = [_value(arg, at, mp) for arg in args]
    if name in ("sin", "cos") and abs(values[0]) > 1e6:
        raise Unreadable("an angle too large to compute")
    known = {
        "ln": mp.log, "sin": mp.sin, "cos": mp.cos, "arcsin": mp.asin, "arctan": mp.atan, "abs": abs,
        "floor": mp.floor, "factorial": mp.factorial, "arsinh": mp.asinh, "arcosh": mp.acosh,
        "artanh": mp.atanh, "sgn": mp.sign, "factorial2": mp.fac2,
    }  # fmt: skip
    if name not in known or any(abs(one) > 1e4 for one in values if name in ("factorial", "factorial2")):
        raise Unreadable(f"{name} is not computed")
    return known[name](*values)
