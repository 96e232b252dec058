"""Rules for two numbers: their values, their units, and how exactly they are written."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms import algebra
from curate.answers.forms.algebra import Value, constant
from curate.answers.forms.evaluate import DEGREE
from curate.answers.forms.finding import Finding, decimal, of
from curate.answers.forms.kinds import Number
from curate.answers.forms.numeric import approximate, as_fraction, differ
from curate.answers.forms.read import read
from curate.answers.forms.renaming import renamed
from curate.answers.forms.units import Unit
from curate.answers.profiles import Profile

MAX_WRITTEN_PLACES = 12
_ZEROS = {
    "kelvin": (Fraction(1), Fraction(0)),
    "celsius": (Fraction(1), Fraction("273.15")),
    "fahrenheit": (Fraction(5, 9), Fraction("459.67") * 5 / 9),
}
"""What a degree of each scale of temperature is in kelvins, and where its zero is."""


def numbers(a: Number, b: Number, profile: Profile) -> Finding:
    """Two numbers with what they count."""
    if a.unit is not None and b.unit is not None:
        return _both_counted(a, a.unit, b, b.unit, profile)
    if a.unit is not None:
        return _one_counted(a, a.unit, b, profile)
    if b.unit is not None:
        return _one_counted(b, b.unit, a, profile)
    if a.degrees != b.degrees:
        return _degrees(a, b, profile) if a.degrees else _degrees(b, a, profile)
    return values(a, b, profile)


def _degrees(angle: Number, plain: Number, profile: Profile) -> Finding:
    """90 degrees is 90, their sign left out, and pi/2."""
    found = values(angle, plain, profile)
    if not found.equal and algebra.equal(algebra.multiply(angle.value, DEGREE), plain.value):
        return Finding(True, "algebra", f"both are {of(plain.value)} in radians")
    return found


def _one_counted(counted: Number, unit: Unit, plain: Number, profile: Profile) -> Finding:
    """5 cm is 5, its unit left out; 50 % is one half as well; 5 m may be 5 times m."""
    found = values(plain, counted, profile)
    if found.equal:
        return found._replace(why=f"{found.why} ({unit.shown} left out)")
    if not unit.dimension and unit.factor != 1:
        found = values(plain, _converted(counted, unit.factor), profile)
        return found if found.equal else values(_converted(plain, 1 / unit.factor), counted, profile)
    if plain.value.symbols and unit.written:
        letters = read(unit.written).answer
        if isinstance(letters, Number):
            return values(plain, Number(algebra.multiply(counted.value, letters.value)), profile)
    return found


def _both_counted(a: Number, unit_a: Unit, b: Number, unit_b: Unit, profile: Profile) -> Finding:
    """5 m is 500 cm and not 5 kg; words that are no known units (apples) are not compared."""
    if unit_a.dimension == unit_b.dimension:
        if unit_a.factor != unit_b.factor:
            found = values(a, _converted(b, unit_b.factor / unit_a.factor), profile)
            return found if found.equal else values(_converted(a, unit_a.factor / unit_b.factor), b, profile)
        found = values(a, b, profile)
        if unit_a.words != unit_b.words and found.equal:
            return found._replace(why=f"{found.why} ({unit_a.shown} and {unit_b.shown} not compared)")
        return found
    kelvins = _kelvins(a, unit_a), _kelvins(b, unit_b)
    if None not in kelvins and kelvins[0] == kelvins[1]:
        return Finding(True, "algebra", f"both are {of(a.value)} {unit_a.shown}")
    if unit_a.dimension and unit_b.dimension and not profile.any_unit:
        return Finding(False, "key", f"units differ: {unit_a.shown}, {unit_b.shown}")
    return values(a, b, profile)


def _converted(one: Number, factor: Fraction) -> Number:
    """A number in another unit, of which the factor goes into its own."""
    return one._replace(value=algebra.multiply(one.value, constant(factor)), places=None)


def _kelvins(one: Number, unit: Unit) -> Fraction | None:
    """A temperature above absolute zero; None for anything else."""
    number = one.value.rational
    if number is None or unit.shown not in _ZEROS:
        return None
    size, zero = _ZEROS[unit.shown]
    return number * size + zero


def values(a: Number, b: Number, profile: Profile) -> Finding:
    """Two numbers without what they count."""
    x, y = a.value, b.value
    if algebra.equal(x, y):
        return Finding(True, "algebra" if x != y else "key", f"both are {of(x)}")
    if profile.any_case and x.symbols != y.symbols and _equal_in_small_letters(x, y):
        return Finding(True, "algebra", f"both are {of(x)} but for capitals")
    rounded = _is_rounded(a, b, profile) or _is_rounded(b, a, profile)
    if rounded is not None:
        return rounded
    if x.rational is not None and y.rational is not None:
        return Finding(False, "key", f"{of(x)} and {of(y)} are different numbers")
    if algebra.is_exact(x) and algebra.is_exact(y):
        return Finding(False, "algebra", f"{of(x)} and {of(y)} differ")
    if differ(x, y):
        return Finding(False, "numeric", f"computed, {of(x)} and {of(y)} differ")
    return Finding(None, "numeric", "they agree to many digits, which proves nothing")


def _equal_in_small_letters(x: Value, y: Value) -> bool:
    """Whether two values are equal but for capitals; not where that would make two variables one."""
    if any(len({name.lower() for name in one.symbols}) < len(one.symbols) for one in (x, y)):
        return False
    return algebra.equal(renamed(x, str.lower), renamed(y, str.lower))


def _is_rounded(one: Number, other: Number, profile: Profile) -> Finding | None:
    """Whether a decimal is the other value, rounded to the digits it is written with; None if not."""
    written = one.value.rational
    if one.places is None or written is None:
        return None
    exact = other.value.rational
    if exact is None:
        exact = _computed(other.value)
    elif other.places is not None and other.places < one.places:
        return None
    if exact is None:
        return None
    unit = Fraction(1, 10**one.places)
    digits = len(str(abs(written // unit)))
    is_longer = (exact / unit).denominator != 1
    if is_longer and digits >= profile.rounded_digits and abs(exact - written) < unit:
        return Finding(True, "numeric", f"{of(other.value)} is {decimal(written)} to the digits given")
    if profile.tolerance and exact and abs(exact - written) <= Fraction(profile.tolerance) * abs(exact):
        why = f"{decimal(written)} is within {profile.tolerance:g} of {decimal(exact)}"
        return Finding(True, "numeric", why)
    return None


def _computed(value: Value) -> Fraction | None:
    """A real number without variables, to many digits; None for anything else."""
    found = approximate(value)
    return as_fraction(found.real) if found is not None and found.imag == 0 else None


def places(value: Value) -> int | None:
    """Digits behind the point that a rational number may have been written with; None if it was not so.

    0 counts as none: a whole number is not rounded.
    """
    number = value.rational
    if number is None or number.denominator == 1:
        return None
    return next((n for n in range(1, MAX_WRITTEN_PLACES + 1) if 10**n % number.denominator == 0), None)
