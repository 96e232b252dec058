"""Regions of the line: unions, intersections and differences of intervals."""

from __future__ import annotations

from functools import cmp_to_key

from curate.answers.forms.algebra import Value, add, constant, equal, negative, symbol
from curate.answers.forms.effort import spend
from curate.answers.forms.kinds import EMPTY, LINE, Answer, Infinite, Number, Piece, Region, Several
from curate.answers.forms.numeric import approximate
from curate.answers.forms.tokens import Unreadable

NEAR = 1e-25
"""Values that are nearer to each other than this are not ordered by computing them."""
COMPARISON_STEPS = 4


def combined(op: str, left: Answer, right: Answer) -> Answer:
    """Union, intersection or difference of regions and finite sets of numbers. Raises Unreadable."""
    a, b = _as_region(left), _as_region(right)
    if a is None or b is None:
        if op == "union" and isinstance(left, Several) and isinstance(right, Several):
            return Several("set", left.items + right.items)
        raise Unreadable("sets of other things")
    if op == "union":
        return merged([*a.pieces, *b.pieces])
    return intersection(a, _complement(b) if op == "difference" else b)


def intersection(a: Region, b: Region) -> Region:
    """What is in both of two regions."""
    overlaps = [_overlap(x, y) for x in a.pieces for y in b.pieces]
    return merged([one for one in overlaps if one is not None])


def _as_region(one: Answer) -> Region | None:
    """A region, all numbers, a pair that is an interval, a finite set of numbers; None for the others."""
    if isinstance(one, Region):
        return one
    if one == Number(symbol("R")):
        return LINE
    if not isinstance(one, Several) or one.kind not in ("tuple", "set"):
        return None
    ends = [item for item in one.items if isinstance(item, Number)]
    if one.kind == "set":
        points = [Piece(end.value, True, end.value, True) for end in ends]
        return merged(points) if len(ends) == len(one.items) else None
    if len(one.items) != 2 or not all(isinstance(item, Number | Infinite) for item in one.items):
        return None
    low, high = (item.value if isinstance(item, Number) else None for item in one.items)
    return Region((Piece(low, False, high, False),))


def _complement(region: Region) -> Region:
    found: list[Piece] = []
    low: Value | None = None
    closed = False
    for piece in region.pieces:
        if piece.low is not None:
            found.append(Piece(low, closed, piece.low, not piece.low_closed))
        if piece.high is None:
            return Region(tuple(found))
        low, closed = piece.high, not piece.high_closed
    found.append(Piece(low, closed, None, False))
    return Region(tuple(found))


def _overlap(x: Piece, y: Piece) -> Piece | None:
    low, low_closed = _narrower((x.low, x.low_closed), (y.low, y.low_closed), -1)
    high, high_closed = _narrower((x.high, x.high_closed), (y.high, y.high_closed), 1)
    if low is not None and high is not None:
        order = compare(low, high)
        if order > 0 or (order == 0 and not (low_closed and high_closed)):
            return None
    return Piece(low, low_closed, high, high_closed)


def _narrower(
    a: tuple[Value | None, bool], b: tuple[Value | None, bool], side: int
) -> tuple[Value | None, bool]:
    """The narrower of two ends: the larger low end (side -1), the smaller high end (side 1)."""
    if a[0] is None:
        return b
    if b[0] is None:
        return a
    order = compare(a[0], b[0]) * side
    if order == 0:
        return a[0], a[1] and b[1]
    return b if order > 0 else a


def compare(a: Value, b: Value) -> int:
    """-1, 0 or 1 as a is smaller than, equal to or larger than b. Raises Unreadable where nobody can say."""
    spend(COMPARISON_STEPS)
    if equal(a, b):
        return 0
    gap = add(a, negative(b))
    number = gap.rational
    if number is not None:
        return 1 if number > 0 else -1
    if gap.symbols:
        raise Unreadable("ends that depend on variables")
    found = approximate(gap)
    if found is None or abs(found.imag) > NEAR or abs(found.real) < NEAR:
        raise Unreadable("ends that cannot be ordered")
    return 1 if found.real > 0 else -1


def merged(pieces: list[Piece]) -> Region:
    """Pieces from left to right, those that touch joined."""
    found: list[Piece] = []
    for piece in sorted(pieces, key=cmp_to_key(_order)):
        last = found[-1] if found else None
        if last is None or _is_apart(last, piece):
            found.append(piece)
        elif last.high is not None:
            found[-1] = _reaching(last, piece)
    return Region(tuple(found))


def _order(x: Piece, y: Piece) -> int:
    if x.low is None or y.low is None:
        return (x.low is not None) - (y.low is not None)
    return compare(x.low, y.low) or (y.low_closed - x.low_closed)


def _is_apart(last: Piece, piece: Piece) -> bool:
    """Whether there is a gap, or a point missing, between a piece and the next one."""
    if last.high is None or piece.low is None:
        return False
    gap = compare(piece.low, last.high)
    return gap > 0 or (gap == 0 and not (piece.low_closed or last.high_closed))


def _reaching(last: Piece, piece: Piece) -> Piece:
    """A piece with an end, made as long as another one that begins in it."""
    if piece.high is None or last.high is None:
        return last._replace(high=None, high_closed=False)
    beyond = compare(piece.high, last.high)
    if beyond > 0 or (beyond == 0 and piece.high_closed):
        return last._replace(high=piece.high, high_closed=piece.high_closed)
    return last


def of_absolute(region: Region) -> Region:
    """Where x is for |x| in a region of one piece."""
    outside = _overlap(region.pieces[0], Piece(constant(0), True, None, False))
    if outside is None:
        return EMPTY
    low, high = (None if end is None else negative(end) for end in (outside.high, outside.low))
    return merged([Piece(low, outside.high_closed, high, outside.low_closed), outside])
