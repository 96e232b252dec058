r"""What the tree of an answer stands for, as far as it matters for Math-Verify's verdict.

Numbers and formulas have an exact value where they are made of rationals, roots, pi, e and letters, and
floats at two points, which can prove two formulas different. How a number was written stays with it (`form`):
Math-Verify compares a decimal, a fraction, a percentage and an expression that it has to evaluate in
different ways. Everything else raises Unsure.
"""

from __future__ import annotations

from itertools import pairwise

from curate.answers.compat.cleaning import grouped
from curate.answers.compat.formulas import (
    PI,
    E,
    Number,
    applied,
    function,
    imaginary,
    letter,
    negative,
    power,
    product,
    quotient,
    total,
    whole_number,
    written,
    written_power,
)
from curate.answers.compat.grammar import Node, Parsed, Tree, is_rule, is_token, parsed
from curate.answers.compat.kinds import Endless, Interval, Letter, Matrix, Meaning, Relation, Several, Union
from curate.answers.compat.tokens import Token, Unsure

_OPEN = frozenset({"(", ")", r"\(", r"\)", "lgroup", "rgroup"})
_UNEQUAL = frozenset({"<", "<=", ">", ">=", "!="})


def meaning(found: Parsed, source: str, *, real: bool) -> Meaning:
    """What a text stands for. Raises Unsure where that is not known."""
    try:
        return _Meanings(found, source, real=real).whole()
    except RecursionError:
        raise Unsure from None


class _Meanings:
    """The meanings of one tree."""

    def __init__(self, found: Parsed, source: str, *, real: bool) -> None:
        self.found = found
        self.source = source
        self.real = real

    def whole(self) -> Meaning:
        """What the whole text stands for."""
        tree = self.found.tree
        if isinstance(tree, Node) and tree.rule == "set_elements":
            if (digits := grouped(self.source)) is not None:
                return written(digits)
            return _set_or_one(self.several(tree.parts[0]))
        if isinstance(tree, Node) and tree.rule == "set_elements_relation":
            return self.equation(tree.parts[0], _set_or_one(self.several(tree.parts[2])))
        return self.of(tree)

    def several(self, tree: Tree) -> list[Several]:
        """The things between commas, for every part between semicolons."""
        assert isinstance(tree, Node)
        found = []
        for part in tree.parts:
            if isinstance(part, Node):
                items = (one for one in part.parts if not is_token(one, ","))
                found.append(Several("tuple", tuple(one for item in items for one in self.element(item))))
        return found

    def element(self, tree: Tree) -> tuple[Meaning, ...]:
        """What an element stands for: two things where it has a ± in it."""
        if not is_rule(tree, "plus_minus"):
            return (self.of(tree),)
        assert isinstance(tree, Node)
        more = self.operand(tree.parts[-1])
        less = negative(more) if more.form in ("integer", "fraction") else product(written("-1"), more)
        if len(tree.parts) == 2:
            return less, self.of(tree.parts[1])
        left = self.operand(tree.parts[0])
        return total([left, more], subtracts=False), total([left, less], subtracts=True)

    def equation(self, left: Tree, right: Meaning) -> Relation:
        side = self.of(left)
        return Relation(("=",), (side, right), _only_letters(side))

    def of(self, tree: Tree) -> Meaning:
        """What a part of the tree stands for."""
        if isinstance(tree, Token):
            return self.of_token(tree)
        parts = tree.parts
        match tree.rule:
            case "interval":
                return self.interval(parts)
            case "ordered_tuple" | "finite_set":
                return self.brackets(tree)
            case "set_union":
                return _union([self.of(part) for part in parts[::2]])
            case "relation":
                return self.relation(parts)
            case "set_sides" if is_token(parts[1], "in", "="):
                return self.equation(parts[0], self.of(parts[2]))
            case "group" | "boxed":
                return self.of(parts[-2])
            case "number":
                return self.of(parts[0])
            case "matrix":
                rows = [part for part in parts if isinstance(part, Node)]
                return Matrix(
                    tuple(
                        tuple(self.operand(one) for one in row.parts if not is_token(one, "&"))
                        for row in rows
                    )
                )
            case "unary" | "unary_nofunc":
                return self.unary(parts)
            case "atom_expr" if len(parts) == 2 and is_rule(parts[1], "subexpr"):
                return self.letter(parts[0], self.subscript(parts[1]))
            case "postfix" | "postfix_nofunc" if all(is_token(part, "degree") for part in parts[1:]):
                return self.of(parts[0])
        return self.number(tree)

    def interval(self, parts: tuple[Tree, ...]) -> Meaning:
        left_open, right_open = (is_token(parts[at], *_OPEN) for at in (0, 4))
        left, right = self.of(parts[1]), self.of(parts[3])
        if not isinstance(left, Number | Endless) or not isinstance(right, Number | Endless):
            raise Unsure
        order = _order(left, right)
        if (left_open and right_open and order >= 0) or (not left_open and not right_open and order > 0):
            return Several("tuple", (left, right))
        if order >= 0:
            raise Unsure
        return Interval(
            left, right, left_open or isinstance(left, Endless), right_open or isinstance(right, Endless)
        )

    def brackets(self, tree: Node) -> Meaning:
        several = self.several(tree.parts[-2])
        if is_token(tree.parts[0], "boxed"):
            return _set_or_one(several)
        items = tuple(one for part in several for one in part.items)
        if tree.rule == "ordered_tuple" and len(items) == 1:
            return items[0]
        return Several("set" if tree.rule == "finite_set" else "tuple", items)

    def relation(self, parts: tuple[Tree, ...]) -> Meaning:
        signs = tuple(part.kind.replace("==", "=") for part in parts[1::2] if isinstance(part, Token))
        if all(sign == "=" for sign in signs):
            sides = tuple(self.of(part) for part in parts[::2])
            return Relation(signs, sides, _only_letters(sides[0]))
        if all(sign in _UNEQUAL for sign in signs):
            return Relation(signs, tuple(self.of(part) for part in parts[::2]), is_assignment=False)
        raise Unsure

    def unary(self, parts: tuple[Tree, ...]) -> Meaning:
        if is_token(parts[0], "+"):
            return self.of(parts[1])
        if not is_token(parts[0], "-"):
            return self.side_by_side(parts)
        inner = self.of(parts[1])
        if isinstance(inner, Endless):
            return Endless(-inner.sign)
        number = as_number(inner)
        if number.form in ("integer", "fraction", "decimal"):
            return negative(number)
        return product(written("-1"), number)

    def side_by_side(self, parts: tuple[Tree, ...]) -> Meaning:
        """A product without a sign, or a mixed number."""
        first = self.of(parts[0])
        if len(parts) == 1:
            return first
        left, right = as_number(first), as_number(self.side_by_side(parts[1:]))
        if left.form == "integer" and right.form in ("integer", "fraction") and right.rational > 0:
            sign = -1 if left.rational < 0 else 1
            return whole_number(left.rational + sign * right.rational)
        return product(left, right)

    def of_token(self, token: Token) -> Meaning:
        kind, text = token
        if kind == "number":
            return written(text)
        if kind == "percent":
            digits = text.replace("\\%", "").replace("%", "").rstrip()
            if digits[0] == "0" and digits[1:2] not in ("", "."):
                raise Unsure
            return written(digits, is_percent=True)
        if kind == "power" and text.isascii():
            return written_power(text)
        if kind == "symbol" and text == "\\infty":
            return Endless(1)
        if kind == "E":
            return Letter("e", self.real)
        if kind == "e":
            return E
        if kind == "differential":
            return Letter("d" + text[1:].strip().removeprefix("\\"), self.real)
        if kind in ("letter", "accent"):
            return self.letter(token, "")
        raise Unsure

    def letter(self, token: Tree, subscript: str) -> Meaning:
        """A letter or word with its subscript; pi is a number."""
        assert isinstance(token, Token)
        text = token.text.strip()
        if text == "I":
            return imaginary(is_real=self.real)
        if token.kind == "accent":
            command, _, inside = text[:-1].partition("{")
            if command.strip() not in (r"\text", r"\mbox"):
                raise Unsure
            text = inside.replace(" ", "").replace("(", "").replace(")", "")
        name = (text + subscript).removeprefix("\\").lower()
        if not name or not name.isascii() or name == "gamma":
            raise Unsure
        return PI if name == "pi" else Letter(name, self.real)

    def subscript(self, tree: Tree) -> str:
        assert isinstance(tree, Node)
        inner = self.found.text(tree.parts[1] if len(tree.parts) == 2 else tree.parts[2]).strip()
        return f"_{{{inner}}}" if len(inner) > 1 else f"_{inner}"

    # -- formulas

    def operand(self, tree: Tree) -> Number:
        """A part of a formula."""
        return as_number(self.of(tree))

    def number(self, tree: Node) -> Number:
        """A formula that is no single thing."""
        parts = tree.parts
        match tree.rule:
            case "expr":
                terms = [self.operand(parts[0])]
                for sign, part in zip(parts[1::2], parts[2::2], strict=True):
                    term = self.operand(part)
                    terms.append(negative(term) if is_token(sign, "-") else term)
                return total(terms, subtracts=any(is_token(sign, "-") for sign in parts[1::2]))
            case "mp" | "mp_nofunc":
                found = self.operand(parts[0])
                for sign, part in zip(parts[1::2], parts[2::2], strict=True):
                    if is_token(sign, "mod"):
                        raise Unsure
                    found = (product if is_token(sign, "*") else quotient)(found, self.operand(part))
                return found
            case "frac" if not is_token(parts[5], "differential"):
                return quotient(self.operand(parts[2]), self.operand(parts[5]))
            case "sqrt":
                degree = self.operand(parts[2]) if is_token(parts[1], "[") else written("2")
                return power(self.operand(parts[-2]), quotient(written("1"), degree))
            case "exponential":
                return power(E, self.operand(parts[1])) if len(parts) == 2 else E
            case "supexpr" | "subexpr":
                return self.operand(parts[1] if len(parts) == 2 else parts[2])
            case "exp" | "exp_nofunc":
                found = self.operand(parts[0])
                for part in parts[1:]:
                    if not is_token(part, "^", "{", "}") and not is_rule(part, "subexpr"):
                        found = power(found, self.operand(part))
                return found
            case "atom_expr":
                below = next((part for part in parts[1:] if is_rule(part, "subexpr")), None)
                above = next((part for part in parts[1:] if is_rule(part, "supexpr")), None)
                base = as_number(self.letter(parts[0], "" if below is None else self.subscript(below)))
                return base if above is None else power(base, self.operand(above))
            case "bars" if not is_token(parts[0], "norm"):
                return function(_BARS.get(_kind(parts[0]), "abs"), [self.operand(parts[1])])
            case "postfix" | "postfix_nofunc" if is_token(parts[1], "!") and len(parts) == 2:
                return function("factorial", [self.operand(parts[0])])
            case "binom" if is_token(parts[0], "binom"):
                return function("binomial", [self.operand(parts[2]), self.operand(parts[5])])
            case "of_one":
                return self.function(parts)
            case "applied":
                return self.applied(parts)
        raise Unsure

    def function(self, parts: tuple[Tree, ...]) -> Number:
        """A function that has a name in LaTeX."""
        assert isinstance(parts[0], Token)
        name = parts[0].text[1:]
        below = next((part for part in parts[1:-1] if is_rule(part, "subexpr")), None)
        above = next((part for part in parts[1:-1] if is_rule(part, "supexpr")), None)
        arguments = [self.operand(parts[-2] if is_token(parts[-1], ")") else parts[-1])]
        if name == "log":
            arguments.append(written("10") if below is None else self.operand(below))
        elif below is not None:
            raise Unsure
        found = function(name, arguments)
        if above is None:
            return found
        exponent = self.operand(above)
        if exponent.form != "integer" or exponent.rational <= 0:
            raise Unsure  # the inverse of a sine, among others
        return power(found, exponent)

    def applied(self, parts: tuple[Tree, ...]) -> Number:
        """A function that is a letter, of what stands between its brackets."""
        if any(is_rule(part, "supexpr") for part in parts):
            raise Unsure
        inside = next(part for part in parts if is_rule(part, "arguments"))
        arguments = []
        for text in self.found.text(inside).removesuffix(",").split(","):
            found = parsed(text)
            if found is None:
                raise Unsure
            arguments.append(as_number(_Meanings(found, text, real=self.real).whole()))
        return applied(self.found.text(parts[0]), arguments)


_BARS = {"lfloor": "floor", "llcorner": "floor", "lceil": "ceil", "ulcorner": "ceil"}


def as_number(one: Meaning) -> Number:
    """A letter as a formula, and a formula as it is. Raises Unsure for other things."""
    if isinstance(one, Letter):
        return letter(one.name, is_real=one.is_real)
    if not isinstance(one, Number):
        raise Unsure
    return one


def _only_letters(one: Meaning) -> bool:
    return isinstance(one, Letter) or (isinstance(one, Number) and one.only_letters)


def _order(left: Number | Endless, right: Number | Endless) -> int:
    """Which of two ends is larger. Raises Unsure where that is not clear."""
    if any(isinstance(end, Number) and end.has_letters for end in (left, right)):
        raise Unsure  # also beside infinity: an interval's ends have a size
    if isinstance(left, Endless) or isinstance(right, Endless):
        a = left.sign if isinstance(left, Endless) else 0
        b = right.sign if isinstance(right, Endless) else 0
        return (a > b) - (a < b)
    if left.value is not None and left.value == right.value and not (left.has_floats or right.has_floats):
        return 0
    if abs(left.size - right.size) < 1e-6:
        raise Unsure
    return 1 if left.size > right.size else -1


def _set_or_one(several: list[Several]) -> Meaning:
    """A list of lists: the one thing in it, a set of things, or a set of tuples."""
    if len(several) == 1:
        [part] = several
        return part.items[0] if len(part.items) == 1 else part._replace(kind="set")
    items = tuple(part.items[0] if len(part.items) == 1 else part for part in several)
    if len({len(part.items) == 1 for part in several}) > 1:
        raise Unsure
    return Several("set", items)


def _union(parts: list[Meaning]) -> Union:
    """Intervals with gaps between them. Raises Unsure for others."""
    pieces = [part for part in parts if isinstance(part, Interval)]
    if len(pieces) < len(parts):
        raise Unsure
    union = Union(tuple(pieces))
    for one, other in pairwise(union.in_order):
        order = _order(one.right, other.left)
        if order > 0 or (order == 0 and not (one.right_open and other.left_open)):
            raise Unsure
    return union


def _kind(tree: Tree) -> str:
    return tree.kind if isinstance(tree, Token) else ""
