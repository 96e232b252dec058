"""Rules for regions, matrices, proportions and numbers in bases, and for kinds that can mean the same."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms import algebra
from curate.answers.forms.algebra import Value, constant
from curate.answers.forms.finding import Compare, Finding, Rules, brief, of, two, two_kinds
from curate.answers.forms.kinds import (
    Answer,
    Based,
    Infinite,
    Matrix,
    Number,
    Proportion,
    Region,
    Several,
)
from curate.answers.forms.same_numbers import numbers, places
from curate.answers.forms.same_several import in_order, several

MAX_DIGITS = 4_000
"""Of a whole number that is written out; Python writes none of more than 4,300."""
NOON = 12


def mixed(a: Answer, b: Answer, rules: Rules) -> Finding | None:
    """Two kinds that can mean the same: an interval and a pair, a column and a tuple, 1,234 and 1, 234.

    None where the two are of no such kinds.
    """
    return _mixed(a, b, rules, rules.compare) or _mixed(b, a, rules, lambda y, x: rules.compare(x, y))


def _mixed(one: Answer, other: Answer, rules: Rules, compare: Compare) -> Finding | None:
    rules = rules._replace(compare=compare)
    match one, other:
        case Region(), Several():
            return _region_and_several(one, other, rules)
        case Region(), Number():
            points = _points(one)
            return compare(points.items[0], other) if points and len(points.items) == 1 else None
        case Matrix(), Several(kind="tuple"):
            return _vector_and_tuple(one, other, rules)
        case Several(), Number():
            return _several_and_number(one, other, rules)
        case Proportion(), Number():
            return _proportion_and_number(one, other, compare)
        case Based(), Number():
            if other.value.rational == int(one.digits, one.base):
                return Finding(None, "key", f"{brief(one)} is {brief(other)} in base ten")
            if other.value.rational is not None and _digits(other.value) == one.digits:
                return Finding(True, "key", f"both are {one.digits} (base {one.base} left out)")
            return Finding(False, "key", two(one, other))
    return None


def _region_and_several(region: Region, other: Several, rules: Rules) -> Finding:
    """The interval (1, 2) is written like a pair, and the points {1, 2} are a region of two pieces."""
    if not region.pieces:
        return Finding(
            not other.items, "key", "the empty set" if not other.items else "the empty set and values"
        )
    if len(region.pieces) == 1 and other.kind == "tuple" and len(other.items) == 2:
        [piece] = region.pieces
        if piece.low_closed or piece.high_closed:
            return Finding(False, "key", two_kinds(region, other))
        return in_order((_end(piece.low, -1), _end(piece.high, 1)), other.items, rules)
    points = _points(region)
    return (
        Finding(False, "key", two_kinds(region, other)) if points is None else several(points, other, rules)
    )


def _end(value: Value | None, sign: int) -> Answer:
    return Infinite(sign) if value is None else Number(value)


def _points(region: Region) -> Several | None:
    """A region of single points as a set; None for another one."""
    found = []
    for piece in region.pieces:
        if piece.low is None or piece.high is None or not algebra.equal(piece.low, piece.high):
            return None
        found.append(Number(piece.low))
    return Several("set", tuple(found))


def _vector_and_tuple(matrix: Matrix, other: Several, rules: Rules) -> Finding | None:
    if not matrix.is_vector:
        return None
    if len(matrix.cells) != len(other.items):
        return Finding(False, "key", f"{len(matrix.cells)} values and {len(other.items)}")
    return in_order(tuple(map(Number, matrix.cells)), other.items, rules)


def _several_and_number(one: Several, other: Number, rules: Rules) -> Finding:
    """1000,99 may be a decimal, and 1,234 a list."""
    if other.places is not None and one.kind == "list" and _with_comma(one) == other.value.rational:
        return Finding(True, "key", f"both are {of(other.value)}, one with a decimal comma")
    digits = _digits(other.value) if other.thousands else None
    if digits is not None:
        split = tuple(Number(constant(int(part))) for part in f"{int(digits):,}".split(","))
        if len(split) == len(one.items):
            return in_order(split, one.items, rules)
    return Finding(False, "key", two_kinds(one, other))


def _with_comma(one: Several) -> Fraction | None:
    """The decimal number that two whole numbers with a comma between them are."""
    parts = [
        digits
        for item in one.items
        if isinstance(item, Number) and item.places is None and (digits := _digits(item.value)) is not None
    ]
    return Fraction(".".join(parts)) if len(one.items) == len(parts) == 2 else None


def _digits(value: Value) -> str | None:
    """The digits of a whole number that is not negative; None for another value, or one that is too long."""
    number = value.rational
    if number is None or number.denominator != 1 or not 0 <= number < 10**MAX_DIGITS:
        return None
    return str(number)


def _proportion_and_number(one: Proportion, other: Number, compare: Compare) -> Finding | None:
    """3:4 is three quarters; 12:30, which may be a time, only where the number is no decimal."""
    if len(one.items) != 2 or not one.items[1].above:
        return None
    quotient = algebra.divide(*one.items)
    if not one.clock:
        return compare(Number(quotient), other)
    if other.places is None and algebra.equal(quotient, other.value):
        return Finding(True, "algebra", f"both are {of(quotient)}")
    return None


def regions(a: Region, b: Region, rules: Rules) -> Finding:
    """Two regions, piece by piece and end by end."""
    if len(a.pieces) != len(b.pieces):
        return Finding(False, "key", two(a, b))
    for x, y in zip(a.pieces, b.pieces, strict=True):
        if (x.low is None) != (y.low is None) or (x.high is None) != (y.high is None):
            return Finding(False, "key", two(a, b))
        are_alike = (x.low_closed, x.high_closed) == (y.low_closed, y.high_closed)
        if not are_alike and not rules.profile.open_or_closed:
            why = f"an end is open in one and closed in the other: {brief(a)}, {brief(b)}"
            return Finding(False, "key", why)
        for left, right in ((x.low, y.low), (x.high, y.high)):
            if left is None or right is None:
                continue
            ends = Number(left, places=places(left)), Number(right, places=places(right))
            found = numbers(*ends, rules.profile)
            if not found.equal:
                return found
    return Finding(True, "algebra", f"both are {brief(a)}")


def matrices(a: Matrix, b: Matrix, rules: Rules) -> Finding:
    """Two matrices of one shape, or two vectors, lying or standing."""
    are_vectors = a.is_vector and b.is_vector and len(a.cells) == len(b.cells)
    if a.shape != b.shape and not are_vectors:
        return Finding(False, "key", "matrices of different shapes")
    return in_order(tuple(map(Number, a.cells)), tuple(map(Number, b.cells)), rules)


def based(a: Based, b: Based) -> Finding:
    """Two numbers in bases."""
    if a.base == b.base:
        return Finding(False, "key", two(a, b))
    is_same = int(a.digits, a.base) == int(b.digits, b.base)
    return Finding(is_same, "algebra", f"{brief(a)} {'is' if is_same else 'is not'} {brief(b)}")


def proportions(a: Proportion, b: Proportion) -> Finding:
    """Two proportions, or two times of the day."""
    if len(a.items) != len(b.items):
        return Finding(False, "key", two(a, b))
    if a.half or b.half or (a.clock and b.clock):
        return Finding(_same_time(a, b), "key", two(a, b))
    if not all(one.above for one in (*a.items, *b.items)):
        return Finding(a.items == b.items, "key", two(a, b))
    for x, y in zip(a.items[1:], b.items[1:], strict=True):
        if not algebra.equal(algebra.multiply(a.items[0], y), algebra.multiply(b.items[0], x)):
            return Finding(False, "algebra", f"{two(a, b)} are different proportions")
    return Finding(True, "algebra", f"both are {brief(a)}")


def _same_time(a: Proportion, b: Proportion) -> bool:
    """3:30 pm is 15:30, and 3:30 where nothing is said of am or pm."""
    are_marked = bool(a.half and b.half) or _is_late(a, b) or _is_late(b, a)
    if a.half == b.half or not are_marked:
        return a.items == b.items
    return _minutes(a) == _minutes(b)


def _is_late(plain: Proportion, marked: Proportion) -> bool:
    """Whether the first is a time as only a clock of 24 hours shows it and the second says am or pm."""
    hour = plain.items[0].rational
    return bool(marked.half) and not plain.half and hour is not None and not 1 <= hour <= NOON


def _minutes(one: Proportion) -> Fraction | None:
    """Minutes since midnight."""
    hour, minute = one.items[0].rational, one.items[1].rational
    if hour is None or minute is None:
        return None
    if one.half:
        hour = hour % NOON + (NOON if one.half == "p" else 0)
    return hour * 60 + minute
