r"""Math-Verify's verdict on two meanings, right or wrong, where it is certain.

Follows its order of business: equations are cut to their last side where only one of the two is one; then
sets, tuples and intervals element by element, down to letters and numbers (`scalars`). None wherever
rounding, simplifying or solving could tip the verdict.
Source: Math-Verify 0.9.0, grader, with its defaults.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from curate.answers.compat.formulas import Number, negative, total
from curate.answers.compat.kinds import (
    Endless,
    Interval,
    Letter,
    Matrix,
    Meaning,
    Relation,
    Several,
    Union,
)
from curate.answers.compat.scalars import APART, are_apart, same_numbers, same_scalars
from curate.answers.compat.tokens import Unsure
from curate.answers.compat.values import as_number

CLOSE = 1e-12
"""Distance below which it is not certain how two numbers are sorted."""

_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "="}


def same(gold: Meaning, answer: Meaning) -> bool | None:
    """Whether Math-Verify takes two things for equal; None where it has to be asked."""
    if isinstance(answer, Relation) and answer.is_equation:
        if isinstance(gold, Relation):
            return _relations(gold, answer) if gold.is_equation else None
        return same(gold, answer.sides[-1])
    if isinstance(gold, Relation) and gold.is_equation:
        if gold.is_assignment:
            return same(gold.sides[-1], answer)
        return False if isinstance(answer, Number) else None
    if isinstance(gold, Relation) and isinstance(answer, Interval | Union):
        region = _region(gold)
        return None if region is None else _sets(region, answer)
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return _relations(gold, answer)
    if isinstance(gold, Relation):
        return False if isinstance(answer, Number | Letter | Endless | Matrix) else None
    if isinstance(answer, Relation):
        return None if isinstance(gold, Several) else False
    if isinstance(gold, Several | Interval | Union) or isinstance(answer, Several | Interval | Union):
        return _sets(gold, answer)
    if isinstance(gold, Matrix) or isinstance(answer, Matrix):
        return _matrices(gold, answer)
    return same_scalars(gold, answer)


# -- equations and inequalities


def _relations(gold: Relation, answer: Relation) -> bool | None:
    if gold.is_equation:
        return _equations(gold, answer)
    if len(gold.signs) != len(answer.signs):
        return False
    pairs = zip(gold.signs, gold.sides, gold.sides[1:], strict=False)
    others = zip(answer.signs, answer.sides, answer.sides[1:], strict=False)
    return _all([_inequalities(one, other) for one, other in zip(pairs, others, strict=True)])


def _inequalities(gold: tuple[str, Meaning, Meaning], answer: tuple[str, Meaning, Meaning]) -> bool | None:
    """Two inequalities: what is left of the sign less what is right of it has to be the same."""
    a, b = _difference(gold[1], gold[2]), _difference(answer[1], answer[2])
    if a is None or b is None:
        return None
    found: list[bool | None] = []
    if gold[0] == answer[0]:
        found.append(same_numbers(a, b))
    if _TURNED.get(gold[0]) == answer[0]:
        found.append(same_numbers(a, negative(b)))
    return True if True in found else None if None in found else False


def _difference(left: Meaning, right: Meaning) -> Number | None:
    try:
        return total([as_number(left), negative(as_number(right))], subtracts=True)
    except Unsure:
        return None


def _equations(gold: Relation, answer: Relation) -> bool | None:
    """Two equations: Math-Verify compares their sides, and then solves both."""
    left, right = gold.sides[0], answer.sides[0]
    if not (gold.is_assignment and answer.is_assignment) and len(gold.sides) + len(answer.sides) > 4:
        return None
    a, b = _difference(left, gold.sides[-1]), _difference(right, answer.sides[-1])
    if a is None or b is None:
        return None
    if not (a.has_floats or b.has_floats) and (
        same_numbers(a, b) is True or (same_numbers(a, negative(b)) is True)
    ):
        return True
    if not (isinstance(left, Letter) and isinstance(right, Letter) and left.is_real and right.is_real):
        return None
    one, other = as_number(gold.sides[-1]), as_number(answer.sides[-1])
    if left.name != right.name:
        return False if not one.has_letters and not other.has_letters else None
    if left.name in one.letters | other.letters:
        return None
    return False if are_apart(one, other) else None


def _region(relation: Relation) -> Interval | None:
    """The numbers for which an inequality in one letter holds, where they are plain to see."""
    if "!=" in relation.signs:
        return None
    left: Number | Endless = Endless(-1)
    right: Number | Endless = Endless(1)
    left_open = right_open = True
    letters = [at for at, side in enumerate(relation.sides) if isinstance(side, Letter)]
    if len(letters) != 1 or len({sign[0] for sign in relation.signs}) > 1 or len(relation.signs) > 2:
        return None
    [at] = letters
    letter = relation.sides[at]
    if not (isinstance(letter, Letter) and letter.is_real) or (len(relation.signs) == 2 and at != 1):
        return None
    for place, sign in enumerate(relation.signs):
        other = relation.sides[place if place < at else place + 1]
        if not isinstance(other, Number) or other.has_letters or other.is_decimal or other.has_floats:
            return None
        is_below = (sign[0] == "<") == (place < at)
        if is_below:
            left, left_open = other, "=" not in sign
        else:
            right, right_open = other, "=" not in sign
    if isinstance(left, Number) and isinstance(right, Number) and not left.size < right.size - APART:
        return None
    return Interval(left, right, left_open, right_open)


# -- sets, tuples, intervals and matrices


def _sets(gold: Meaning, answer: Meaning) -> bool | None:
    if isinstance(gold, Union) or isinstance(answer, Union):
        return _unions(gold, answer)
    if isinstance(gold, Interval) and isinstance(answer, Interval):
        if (gold.left_open, gold.right_open) != (answer.left_open, answer.right_open):
            return False
        return _all([same_scalars(gold.left, answer.left), same_scalars(gold.right, answer.right)])
    if isinstance(gold, Interval) or isinstance(answer, Interval):
        interval, other = (gold, answer) if isinstance(gold, Interval) else (answer, gold)
        assert isinstance(interval, Interval)
        if not isinstance(other, Several) or not (interval.left_open and interval.right_open):
            return False
        ends = Several("tuple", (interval.left, interval.right))
        return _several(ends, other) if isinstance(gold, Interval) else _several(other, ends)
    return _several(_listed(gold), _listed(answer))


def _listed(one: Meaning) -> Several:
    return one if isinstance(one, Several) else Several("set", (one,))


def _unions(gold: Meaning, answer: Meaning) -> bool | None:
    if not (isinstance(gold, Union) and isinstance(answer, Union)):
        other = answer if isinstance(gold, Union) else gold
        return False if isinstance(other, Interval | Number | Letter | Matrix) else None
    ends = [one for union in (gold, answer) for piece in union.pieces for one in (piece.left, piece.right)]
    if len(gold.pieces) != len(answer.pieces):
        return False
    if _pairwise(gold.in_order, answer.in_order) is False:
        return False
    are_plain = all(isinstance(end, Endless) or end.form in ("integer", "fraction") for end in ends)
    return (
        True if are_plain and _pairwise(gold.pieces, answer.pieces) else None
    )  # it may fail in another order


def _several(gold: Several, answer: Several) -> bool | None:
    """Two lists: sets are sorted, and a set against a tuple is taken in the order that it is written in."""
    if gold.kind == "tuple":
        if answer.kind == "tuple":
            return _pairwise(gold.items, answer.items)
        distinct = _distinct(answer.items)
        if distinct is None:
            return None
        return _pairwise(gold.items, answer.items) if len(distinct) == len(gold.items) else False
    a, b = _distinct(gold.items), _distinct(answer.items) if answer.kind == "set" else answer.items
    if a is None or b is None:
        return False if _has_stranger(gold.items, answer.items) else None
    if len(a) != len(b):
        return False
    if len(a) == 1:
        return same(a[0], b[0])
    first, second = _sorted(a), _sorted(b)
    if first is None or second is None:
        return None
    return _pairwise(first, second)


def _has_stranger(a: Sequence[Meaning], b: Sequence[Meaning]) -> bool:
    """Whether something in one list differs from everything in the other: then no order makes them equal."""
    known = (Number, Letter, Several)
    if len(a) * len(b) > 100 or not all(isinstance(one, known) for one in (*a, *b)):
        return False
    found = [[same(one, other) for other in b] for one in a]
    return any(all(one is False for one in row) for row in found) or any(
        all(row[at] is False for row in found) for at in range(len(b))
    )


def _pairwise(a: Sequence[Meaning], b: Sequence[Meaning]) -> bool | None:
    if len(a) != len(b):
        return False
    return _all([same(one, other) for one, other in zip(a, b, strict=True)])


def _all(found: list[bool | None]) -> bool | None:
    if any(one is False for one in found):
        return False
    return None if any(one is None for one in found) else True


def _distinct(items: Sequence[Meaning]) -> Sequence[Meaning] | None:
    """The elements of a set, without those that are written again; None where it is not clear which are."""
    if len(items) == 1:
        return items
    if all(isinstance(one, Letter) for one in items):
        return list(dict.fromkeys(items))
    numbers = _plain_numbers(items)
    if numbers is None:
        return None
    found: dict[tuple[str, float], Number] = {}
    for one in numbers:
        found.setdefault((one.form if one.form != "formula" else repr(one.at), one.size), one)
    sizes = sorted(one.size for one in found.values())
    if any(b - a < CLOSE * max(1.0, abs(a)) for a, b in pairwise(sizes)):
        return None
    if len(found) < len(items) and any(one.form == "formula" for one in numbers):
        return None
    return list(found.values())


def _plain_numbers(items: Sequence[Meaning]) -> list[Number] | None:
    """The items, if they are numbers whose order is known."""
    numbers = [one for one in items if isinstance(one, Number) and not one.has_letters]
    if len(numbers) < len(items) or any("percent" in one.form for one in numbers):
        return None
    return numbers


def _sorted(items: Sequence[Meaning]) -> Sequence[Meaning] | None:
    """Elements in the order in which Math-Verify compares them."""
    if all(isinstance(one, Letter) for one in items):
        return sorted((one for one in items if isinstance(one, Letter)), key=lambda one: one.name)
    numbers = _plain_numbers(items)
    if numbers is None:
        return None
    numbers.sort(key=lambda one: one.size)
    if any(b.size - a.size < CLOSE for a, b in pairwise(numbers)):
        return None
    return numbers


def _matrices(gold: Meaning, answer: Meaning) -> bool | None:
    if not (isinstance(gold, Matrix) and isinstance(answer, Matrix)):
        return False if isinstance(gold, Number) or isinstance(answer, Number) else None
    if [len(row) for row in gold.rows] != [len(row) for row in answer.rows]:
        return False if {len(row) for row in gold.rows} != {len(row) for row in answer.rows} else None
    if len({len(row) for row in gold.rows}) > 1:
        return None
    pairs = [
        (a, b)
        for one, other in zip(gold.rows, answer.rows, strict=True)
        for a, b in zip(one, other, strict=True)
    ]
    return _all([same_numbers(a, b) for a, b in pairs])
