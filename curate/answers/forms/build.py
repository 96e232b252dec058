"""Typed answers of trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from curate.answers.forms.algebra import Value, negative
from curate.answers.forms.evaluate import evaluate
from curate.answers.forms.kinds import (
    Answer,
    Based,
    Infinite,
    Matrix,
    Number,
    Piece,
    Proportion,
    Region,
    Relation,
    Several,
)
from curate.answers.forms.nodes import INFINITY, Node, names
from curate.answers.forms.plus_minus import choices
from curate.answers.forms.regions import combined, intersection, of_absolute
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.units import read_unit

ORDER = ("<", ">", r"\le", r"\ge")
_WITH_EQUALITY = (r"\le", r"\ge")


def build(tree: Node) -> Answer:
    """The typed value of a tree. Raises Unreadable."""
    found: list[Answer] = []
    for choice in choices(tree):
        one = _build(choice)
        if one not in found:
            found.append(one)
    if len(found) == 1:
        return found[0]
    relations = [one for one in found if isinstance(one, Relation)]
    if tree.op == "relation" and len(relations) == len(found):
        return relations[0]._replace(right=Several("list", tuple(one.right for one in relations)))
    flat: list[Answer] = []
    for one in found:
        for item in one.items if isinstance(one, Several) and one.kind != "tuple" else (one,):
            if item not in flat:
                flat.append(item)
    return Several("list", tuple(flat))


def _build(tree: Node) -> Answer:
    if tree.op in _BUILDERS:
        return _BUILDERS[tree.op](tree)
    if tree.op == "mul" and _is_tuples(tree):
        return Several("list", tuple(_tuples(tree)))
    if _is_infinite(tree):
        return Infinite(1)
    if tree.op == "neg" and tree.node(0).op in ("const", "degree", "percent"):
        inside = _build(tree.node(0))
        if isinstance(inside, Infinite):
            return Infinite(-1)
        assert isinstance(inside, Number)
        return inside._replace(value=negative(inside.value))
    return Number(evaluate(tree), None, _places(tree), thousands=tree.op == "num" and "," in tree.text(1))


def _is_infinite(tree: Node) -> bool:
    """Whether a tree is infinity, or 0 + infinity."""
    return tree == INFINITY or (tree.op == "add" and tree.node(1) == INFINITY and tree.node(0).op == "num")


def _is_tuples(tree: Node) -> bool:
    """Whether tuples stand side by side, with nothing between them: (1, 2)(3, 4)."""
    return tree.op == "tuple" or (tree.op == "mul" and _is_tuples(tree.node(0)) and _is_tuples(tree.node(1)))


def _tuples(tree: Node) -> Iterator[Answer]:
    if tree.op == "tuple":
        yield _build(tree)
    else:
        yield from _tuples(tree.node(0))
        yield from _tuples(tree.node(1))


def _places(tree: Node) -> int | None:
    """Digits behind the point of one decimal, with or without a sign; None for another number."""
    if tree.op == "neg":
        return _places(tree.node(0))
    if tree.op != "num":
        return None
    whole, point, decimals = tree.text(1).partition(".")
    return len(decimals) if point and (whole + decimals).replace(",", "").isdecimal() else None


def _end(tree: Node) -> Value | None:
    """The value of an end of an interval; None if it is infinite."""
    inner = tree.node(0) if tree.op == "neg" else tree.node(1) if tree.op == "add" else tree
    return None if inner == INFINITY else evaluate(tree)


# Several things, and sets.


def _several(tree: Node) -> Answer:
    """A list; conditions on one variable are one region."""
    items = [_build(one) for one in tree.items()]
    regions = [one for one in items if isinstance(one, Region)]
    if not items or len(regions) < len(items):
        return Several("list", tuple(items))
    are_conditions = all(one.op == "relation" for one in tree.items())
    are_all_needed = tree.text(1) == "and" or (tree.text(1) == "," and are_conditions)
    found: Answer = regions[0]
    for one in regions[1:]:
        found = combined("intersection" if are_all_needed else "union", found, one)
    return found


def _set(tree: Node) -> Answer:
    items = [_build(one) for one in tree.items()]
    values = (one.right if isinstance(one, Relation) and one.sign == "=" else one for one in items)
    return Several("set", tuple(values))


def _builder(tree: Node) -> Answer:
    """A set by conditions on one variable."""
    conditions = [_build(one) for one in tree.items(1)]
    regions = [one for one in conditions if isinstance(one, Region)]
    if len(regions) < len(conditions):
        raise Unreadable("a set by a condition")
    found = regions[0]
    for one in regions[1:]:
        found = intersection(found, one)
    return found


def _interval(tree: Node) -> Answer:
    brackets = tree.text()
    low, high = _end(tree.node(1)), _end(tree.node(2))
    low_closed = low is not None and brackets[0] == "["
    high_closed = high is not None and brackets[1] == "]"
    return Region((Piece(low, low_closed, high, high_closed),))


# Relations.


def _relation(tree: Node) -> Answer:
    signs, operands = _exact_part(tree.text().split(" "), list(tree.items(1)))
    if not signs:
        return _build(operands[0])
    if all(sign == "=" for sign in signs):
        mine = names(operands[0])
        if any(mine and mine <= names(one) for one in operands[1:-1]):
            raise Unreadable("a chain of equations")
        return Relation("=", _build(operands[0]), _build(operands[-1]))
    if signs[0] in (r"\in", r"\subseteq") and len(signs) == 1:
        right = _build(operands[1])
        is_pair = isinstance(right, Several) and right.kind == "tuple" and len(right.items) == 2
        if isinstance(right, Region) or is_pair:
            return right
        return Relation(r"\in", _build(operands[0]), right)
    if signs[0] in ("->", r"\mapsto") and len(signs) == 1:
        return Relation("=", _build(operands[0]), _build(operands[1]))
    if not all(sign in (*ORDER, r"\ne") for sign in signs):
        raise Unreadable(f"{' '.join(signs)} is not compared")
    region = _region(signs, operands)
    if region is not None:
        return region
    numbers = [Number(evaluate(one)) for one in operands]
    parts = tuple(map(Relation, signs, numbers, numbers[1:]))
    return parts[0] if len(parts) == 1 else Several("list", parts)


def _exact_part(signs: list[str], operands: list[Node]) -> tuple[list[str], list[Node]]:
    """The signs and operands before an approximation: of x = 1/3, about 0.333, the exact value counts."""
    signs = ["=" if sign == ":=" else sign for sign in signs]
    if r"\approx" not in signs:
        return signs, operands
    keep = signs.index(r"\approx")
    if keep == 0 and names(operands[0]):
        return ["="], operands[:2]
    return signs[:keep], operands[: keep + 1]


def _region(signs: list[str], operands: list[Node]) -> Region | None:
    """The region of 1 < x <= 2, of x > 3, of x != 5; None where several variables are meant."""
    places = [place for place, one in enumerate(operands) if _is_name(one)]
    if len(operands) == 3 and 1 in places:
        places = [1]
    if len(places) != 1:
        return None
    [at] = places
    name = operands[at]
    others = [one for place, one in enumerate(operands) if place != at]
    if any(names(one) & names(name) for one in others):
        return None
    is_next = all(at in (place, place + 1) for place in range(len(signs)))
    ends = [None if one is name else _end(one) for one in operands]
    if not is_next:
        return None
    if r"\ne" in signs:
        [point] = ends[:at] + ends[at + 1 :] if len(signs) == 1 else [None]
        if point is None or name.op == "call":
            return None
        return Region((Piece(None, False, point, False), Piece(point, False, None, False)))
    piece = Piece(None, False, None, False)
    for place, sign in enumerate(signs):
        end = ends[place] if at == place + 1 else ends[place + 1]
        closed = sign in _WITH_EQUALITY and end is not None
        if (sign in (">", r"\ge")) == (at == place):  # the variable is the larger one
            piece = piece._replace(low=end, low_closed=closed)
        else:
            piece = piece._replace(high=end, high_closed=closed)
    return of_absolute(Region((piece,))) if name.op == "call" else Region((piece,))


def _is_name(tree: Node) -> bool:
    """Whether a tree is a variable, a product of them, f(x), or the absolute value of a variable."""
    if tree.op == "mul":
        return _is_name(tree.node(0)) and _is_name(tree.node(1))
    if tree.op == "call":
        return tree.text() == "abs" and tree.items(1)[0].op == "sym"
    return tree.op == "sym"


# The rest.


def _matrix(tree: Node) -> Answer:
    return Matrix(tuple(tuple(evaluate(cell) for cell in row.items()) for row in tree.items()))


def _based(tree: Node) -> Answer:
    digits, base = tree.text(0), int(tree.text(1))
    if any(int(digit, 36) >= base for digit in digits):
        raise Unreadable("a digit that its base has not")
    return Based(digits.lstrip("0") or "0", base)


def _proportion(tree: Node) -> Answer:
    items = tree.items()
    written = [one.text(1) if one.op == "num" else "" for one in items]
    is_clock = len(items) in (2, 3) and all(text.isdecimal() and len(text) <= 2 for text in written)
    return Proportion(
        tuple(evaluate(one) for one in items), is_clock and all(len(text) == 2 for text in written[1:])
    )


def _percent(tree: Node) -> Answer:
    return Number(evaluate(tree.node(0)), read_unit("percent"), _places(tree.node(0)))


def _degree(tree: Node) -> Answer:
    return Number(evaluate(tree.node(0)), None, _places(tree.node(0)), degrees=True)


_BUILDERS: dict[str, Callable[[Node], Answer]] = {
    "list": _several,
    "set": _set,
    "tuple": lambda tree: Several("tuple", tuple(_build(one) for one in tree.items())),
    "square": lambda tree: _build(tree.node(0)),
    "group": lambda tree: _build(tree.node(0)),
    "interval": _interval,
    "union": lambda tree: combined("union", _build(tree.node(0)), _build(tree.node(1))),
    "intersection": lambda tree: combined("intersection", _build(tree.node(0)), _build(tree.node(1))),
    "difference": lambda tree: combined("difference", _build(tree.node(0)), _build(tree.node(1))),
    "builder": _builder,
    "relation": _relation,
    "matrix": _matrix,
    "base": _based,
    "ratio": _proportion,
    "percent": _percent,
    "degree": _degree,
}
