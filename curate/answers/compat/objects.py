r"""The sympy objects that Math-Verify's formula reader makes, made from our tree of the text.

Imports sympy: only the worker processes import this module. Whatever is not surely the same object raises,
and Math-Verify reads the text itself.
Source: latex2sympy2_extended 1.11.0, with the settings that Math-Verify 0.9.0 uses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import sympy
from latex2sympy2_extended.latex2sympy2 import is_expr_of_only_symbols
from latex2sympy2_extended.logic import And
from latex2sympy2_extended.sets import FiniteSet
from latex2sympy2_extended.symbols import get_symbol

from curate.answers.compat.cleaning import grouped, is_real
from curate.answers.compat.grammar import Node, Parsed, Tree, is_rule, is_token, parsed
from curate.answers.compat.tokens import Token, Unsure

_RELATIONS: dict[str, Any] = {
    "=": sympy.Eq,
    "==": sympy.Eq,
    "<": sympy.StrictLessThan,
    "<=": sympy.LessThan,
    ">": sympy.StrictGreaterThan,
    ">=": sympy.GreaterThan,
    "!=": sympy.Ne,
}
_SETS = {
    "N": sympy.S.Naturals,
    "Z": sympy.S.Integers,
    "Q": sympy.S.Rationals,
    "R": sympy.S.Reals,
    "C": sympy.S.Complexes,
    "emptyset": sympy.S.EmptySet,
}
_OPEN = frozenset({"(", ")", r"\(", r"\)", "lgroup", "rgroup"})
_TRIGONOMETRIC = frozenset({"sin", "cos", "tan", "csc", "sec", "cot", "sinh", "cosh", "tanh"})
_ARC = {
    **{f"arc{name}": f"a{name}" for name in _TRIGONOMETRIC if name not in ("csch", "sech", "coth")},
    **{f"ar{name}": f"a{name}" for name in ("sinh", "cosh", "tanh")},
}
_ACCENTS = {"bar": "bar", "overline": "bar", "vec": "vec", "overrightarrow": "vec", "tilde": "tilde"}


def as_object(text: str) -> Any:
    """The object that Math-Verify reads in a cleaned text, None where it cannot read it.

    Raises Unsure, or whatever sympy raises, where that has to be asked.
    """
    found = parsed(text)
    return None if found is None else _Objects(found, text, real=is_real(text)).whole()


class _Objects:
    """The objects of one tree."""

    def __init__(self, found: Parsed, source: str, *, real: bool) -> None:
        self.found = found
        self.source = source
        self.real = real

    def whole(self) -> Any:
        """The object of the whole text."""
        tree = self.found.tree
        if isinstance(tree, Node) and tree.rule == "set_elements":
            if (digits := grouped(self.source)) is not None:
                return _number(digits)
            return _set_or_one(self.several(tree.parts[0]))
        return self.of(tree)

    def of(self, tree: Tree) -> Any:
        """The object of a part of the tree."""
        if isinstance(tree, Token):
            return self.of_token(tree)
        return getattr(self, f"_{tree.rule}")(tree.parts)

    def of_token(self, token: Token) -> Any:
        """The object of a single token."""
        kind, text = token
        if kind == "number":
            return _number(text)
        if kind in ("letter", "accent"):
            return self.symbol(token, "")
        if kind == "percent":
            return _percent(_number(_digits(text)))
        if kind == "symbol" and text.replace("\\$", "").replace("\\%", "") == "\\infty":
            return sympy.oo
        if kind == "E":
            return sympy.Symbol("e", real=self.real)
        if kind == "differential":
            return sympy.Symbol("d" + text[1:].strip().removeprefix("\\"), real=self.real)
        if kind == "gamma":
            return get_symbol(text, self.real, True)
        if kind == "power" and text.isascii():
            return sympy.Float(text)
        if kind in _SETS:
            return _SETS[kind]
        raise Unsure

    # -- lists, sets and relations

    def several(self, tree: Tree) -> list[list[Any]]:
        """The elements between commas, of every part between semicolons."""
        assert isinstance(tree, Node)
        return [
            [one for element in part.parts if not is_token(element, ",") for one in self.elements(element)]
            for part in tree.parts
            if isinstance(part, Node)
        ]

    def elements(self, tree: Tree) -> list[Any]:
        """What an element stands for: two things where it has a ± in it."""
        if not (isinstance(tree, Node) and tree.rule == "plus_minus"):
            return [self.of(tree)]
        if len(tree.parts) == 2:
            one = self.of(tree.parts[1])
            return [_negative(one), one]
        left, right = self.of(tree.parts[0]), self.of(tree.parts[2])
        return [sympy.Add(left, right, evaluate=False), sympy.Add(left, _negative(right), evaluate=False)]

    def _set_elements_relation(self, parts: tuple[Tree, ...]) -> Any:
        right = _set_or_one(self.several(parts[2]))
        return sympy.Eq(self.of(parts[0]), right, evaluate=False)

    def _atom_expr_list(self, parts: tuple[Tree, ...]) -> Any:
        names = [self.of(part) for part in parts[1:-1] if not is_token(part, ",")]
        return names[0] if len(names) == 1 else sympy.Tuple(*names)

    def _set_sides(self, parts: tuple[Tree, ...]) -> Any:
        if is_token(parts[1], "notin"):
            raise Unsure
        return sympy.Eq(self.of(parts[0]), self.of(parts[2]), evaluate=False)

    def _set_minus(self, parts: tuple[Tree, ...]) -> Any:
        return reduce(lambda a, b: sympy.Complement(a, b, evaluate=False), map(self.of, parts[::2]))

    def _set_union(self, parts: tuple[Tree, ...]) -> Any:
        return reduce(
            lambda a, b: sympy.Union(_as_set(a), _as_set(b), evaluate=False), map(self.of, parts[::2])
        )

    def _set_intersection(self, parts: tuple[Tree, ...]) -> Any:
        return reduce(
            lambda a, b: sympy.Intersection(_as_set(a), _as_set(b), evaluate=False), map(self.of, parts[::2])
        )

    def _set_group(self, parts: tuple[Tree, ...]) -> Any:
        return self.of(parts[1])

    def _literal_set(self, _braces: tuple[Tree, ...]) -> Any:
        return sympy.S.EmptySet

    def _interval(self, parts: tuple[Tree, ...]) -> Any:
        left_open, right_open = (is_token(parts[at], *_OPEN) for at in (0, 4))
        left, right = self.of(parts[1]), self.of(parts[3])
        try:
            if (left_open and right_open and right <= left) or (
                not left_open and not right_open and right < left
            ):
                return sympy.Tuple(left, right)
        except Exception:
            pass
        return sympy.Interval(left, right, left_open=left_open, right_open=right_open)

    def _ordered_tuple(self, parts: tuple[Tree, ...]) -> Any:
        several = self.several(parts[1])
        if len(several) == 1 and len(several[0]) == 1:
            return several[0][0]
        return sympy.Tuple(*(one for group in several for one in group))

    def _finite_set(self, parts: tuple[Tree, ...]) -> Any:
        several = self.several(parts[-2])
        if is_token(parts[0], "boxed"):
            return _set_or_one(several)
        return FiniteSet(*(one for group in several for one in group))

    def _relation(self, parts: tuple[Tree, ...]) -> Any:
        left = self.of(parts[0])
        for sign, part in zip(parts[1::2], parts[2::2], strict=True):
            assert isinstance(sign, Token)
            right = self.of(part)
            if sign.kind == "~=":
                left = right if is_expr_of_only_symbols(left) else left
                continue
            if sign.kind == "in":
                raise Unsure
            relation = _RELATIONS[sign.kind]
            if isinstance(left, And):
                last = left._unsorted_args[-1].rhs
                left = And(*left._unsorted_args, relation(last, right, evaluate=False))
            elif isinstance(left, sympy.core.relational.Relational):
                left = And(left, relation(left.rhs, right, evaluate=False))
            else:
                left = relation(left, right, evaluate=False)
        return left

    # -- sums, products and powers

    def _expr(self, parts: tuple[Tree, ...]) -> Any:
        left = self.of(parts[0])
        for sign, part in zip(parts[1::2], parts[2::2], strict=True):
            right = self.of(part)
            in_matrices = _is_matrix(left) or _is_matrix(right)
            if is_token(sign, "-"):
                if in_matrices:
                    right = _product(-1, right)
                else:
                    right = -right if right.func.is_Number else _product(-1, right)
            left = _flat(sympy.MatAdd, "is_MatAdd", left, right) if in_matrices else _sum(left, right)
        return left

    def _mp(self, parts: tuple[Tree, ...]) -> Any:
        left = self.of(parts[0])
        for sign, part in zip(parts[1::2], parts[2::2], strict=True):
            right = self.of(part)
            if is_token(sign, "*"):
                left = _product(left, right)
            elif is_token(sign, "mod"):
                raise Unsure
            else:
                left = _quotient(left, right)
        return left

    _mp_nofunc = _mp

    def _unary(self, parts: tuple[Tree, ...]) -> Any:
        if is_token(parts[0], "+"):
            return self.of(parts[1])
        if is_token(parts[0], "-"):
            inner = self.of(parts[1])
            if not _is_matrix(inner) and (inner.func.is_Number or inner.is_Number):
                return -inner
            return _product(-1, inner)
        return self._side_by_side(parts)

    _unary_nofunc = _unary

    def _side_by_side(self, parts: tuple[Tree, ...]) -> Any:
        """A product without signs, or a mixed number."""
        first = self.of(parts[0])
        if not isinstance(first, sympy.Expr | sympy.Matrix) or len(parts) == 1:
            if isinstance(first, list):
                raise Unsure
            return first
        rest = self._side_by_side(parts[1:])
        if _is_matrix(first) or _is_matrix(rest):
            return _product(first, rest)
        if first.is_Integer and getattr(rest, "is_Rational", False) and rest.p > 0 and rest.q > 0:
            return sympy.Rational(first * rest.q + (-rest.p if first < 0 else rest.p), rest.q)
        return _product(first, rest)

    def _postfix(self, parts: tuple[Tree, ...]) -> Any:
        found = self.of(parts[0])
        for sign in parts[1:]:
            if is_token(sign, "!"):
                found = sympy.factorial(found, evaluate=False)
            elif not is_token(sign, "degree"):
                raise Unsure
        return found

    _postfix_nofunc = _postfix

    def _exp(self, parts: tuple[Tree, ...]) -> Any:
        found = self.of(parts[0])
        rest = [
            part for part in parts[1:] if not is_token(part, "^", "{", "}") and not is_rule(part, "subexpr")
        ]
        for part in rest:
            found = sympy.Pow(found, self.of(part), evaluate=False)
        return found

    _exp_nofunc = _exp

    def _group(self, parts: tuple[Tree, ...]) -> Any:
        return self.of(parts[-2])

    _boxed = _group

    def _bars(self, parts: tuple[Tree, ...]) -> Any:
        inner = self.of(parts[1])
        if is_token(parts[0], "norm"):
            return inner.norm()
        if is_token(parts[0], "lfloor", "llcorner"):
            return sympy.floor(inner, evaluate=False)
        if is_token(parts[0], "lceil", "ulcorner"):
            return sympy.ceiling(inner, evaluate=False)
        return sympy.Abs(inner, evaluate=False)

    def _matrix(self, parts: tuple[Tree, ...]) -> Any:
        rows = [part for part in parts if is_rule(part, "matrix_row")]
        return sympy.Matrix(
            [
                [self.of(one) for one in row.parts if not is_token(one, "&")]
                for row in rows
                if isinstance(row, Node)
            ]
        )

    def _det(self, parts: tuple[Tree, ...]) -> Any:
        return self._matrix(parts).det()

    def _frac(self, parts: tuple[Tree, ...]) -> Any:
        if is_token(parts[5], "differential"):
            raise Unsure
        return _quotient(self.of(parts[2]), self.of(parts[5]))

    def _binom(self, parts: tuple[Tree, ...]) -> Any:
        above, below = (parts[2], parts[5]) if is_token(parts[0], "binom") else (parts[1], parts[3])
        return sympy.binomial(self.of(above), self.of(below))

    # -- functions

    def _sqrt(self, parts: tuple[Tree, ...]) -> Any:
        inside = self.of(parts[-2])
        exponent = 1 / self.of(parts[2]) if is_token(parts[1], "[") else sympy.S.Half
        return sympy.Pow(inside, exponent, evaluate=False)

    def _exponential(self, parts: tuple[Tree, ...]) -> Any:
        return sympy.exp(self.of(parts[1]) if len(parts) == 2 else 1)

    def _supexpr(self, parts: tuple[Tree, ...]) -> Any:
        return self.of(parts[1] if len(parts) == 2 else parts[2])

    _subexpr = _supexpr

    def _of_one(self, parts: tuple[Tree, ...]) -> Any:
        head, below, power, argument = self.of_function(parts)
        arg = self.of(argument)
        name = head.text[1:]
        if name in ("log", "ln"):
            base = (10 if name == "log" else sympy.E) if below is None else self.of(below)
            found = sympy.log(arg, base, evaluate=False)
        elif name in _TRIGONOMETRIC:
            if power == -1:
                name, power = f"a{name}", None
            found = getattr(sympy, name)(arg, evaluate=False)
        elif name in _ARC:
            found = getattr(sympy, _ARC[name])(arg, evaluate=False)
        elif name in ("exp", "floor", "ceil"):
            function = {"exp": sympy.exp, "floor": sympy.floor, "ceil": sympy.ceiling}[name]
            found = function(arg, evaluate=False)
        elif name in ("Gamma", "gamma"):
            found = sympy.gamma(arg)
        elif name == "det":
            found = arg.det()
        else:
            raise Unsure
        return sympy.Pow(found, power, evaluate=False) if power else found

    def _of_several(self, parts: tuple[Tree, ...]) -> Any:
        head, _, power, argument = self.of_function(parts)
        if not is_rule(argument, "args") or head.text not in (r"\max", r"\min"):
            raise Unsure
        function = sympy.Max if head.text == r"\max" else sympy.Min
        found = function(*self.arguments(self.found.text(argument)), evaluate=False)
        return sympy.Pow(found, power, evaluate=False) if power else found

    def _applied(self, parts: tuple[Tree, ...]) -> Any:
        power = next((self.of(part) for part in parts if is_rule(part, "supexpr")), None)
        arguments = next(part for part in parts if is_rule(part, "arguments"))
        function = sympy.Function(self.found.text(parts[0]))
        found = function(*self.arguments(self.found.text(arguments).removesuffix(",")))
        return found if power is None else sympy.Pow(found, power, evaluate=False)

    def of_function(self, parts: tuple[Tree, ...]) -> tuple[Token, Tree | None, Any, Tree]:
        """The name of a function, what stands below it, its power, and its argument."""
        head = parts[0]
        assert isinstance(head, Token)
        below = next((part for part in parts[1:-1] if is_rule(part, "subexpr")), None)
        above = next((part for part in parts[1:-1] if is_rule(part, "supexpr")), None)
        argument = parts[-2] if is_token(parts[-1], ")") else parts[-1]
        return head, below, None if above is None else self.of(above), argument

    def arguments(self, text: str) -> list[Any]:
        """What stands between the commas of a text, read as texts of their own."""
        found = []
        for part in text.split(","):
            inner = parsed(part)
            if inner is None:
                raise Unsure
            found.append(_Objects(inner, part, real=self.real).whole())
        return found

    # -- letters

    def _number(self, parts: tuple[Tree, ...]) -> Any:
        return self.of(parts[0])

    def _atom_expr(self, parts: tuple[Tree, ...]) -> Any:
        letter = parts[0]
        assert isinstance(letter, Token)
        if letter.text == "I":
            return sympy.I  # whatever its subscript and power are
        below = next((part for part in parts[1:] if is_rule(part, "subexpr")), None)
        power = next((part for part in parts[1:] if is_rule(part, "supexpr")), None)
        found = self.symbol(letter, "" if below is None else self.subscript(below))
        return found if power is None else sympy.Pow(found, self.of(power), evaluate=False)

    def subscript(self, tree: Tree) -> str:
        """The subscript as it becomes a part of the letter's name."""
        assert isinstance(tree, Node)
        inner = self.found.text(tree.parts[1] if len(tree.parts) == 2 else tree.parts[2]).strip()
        return f"_{{{inner}}}" if len(inner) > 1 else f"_{inner}"

    def symbol(self, token: Token, subscript: str) -> Any:
        """The symbol of a letter or word."""
        text = token.text
        if text == "I":
            return sympy.I
        if token.kind == "accent":
            text = _accented(text)
        return get_symbol(text.strip() + subscript, self.real, True)


def _accented(text: str) -> str:
    """The name of a word or accented letter: fonts and `\text` leave no trace."""
    at = text.index("{")
    command, inside = text[1:at], text[at + 1 : -1].replace(" ", "")
    if "text" in command or "mbox" in command:
        return inside.replace("(", "").replace(")", "")
    name = _ACCENTS.get(command) or ("tilde" if command == "widetilde" else command)
    return f"{'math' if 'math' in name else name}{{{inside}}}"


def _is_matrix(one: Any) -> bool:
    return bool(getattr(one, "is_Matrix", False))


def _flat(head: Callable[..., Any], attribute: str, left: Any, right: Any) -> Any:
    """Two things under one head that is not evaluated, taken out of the same head if they stand in it."""
    args = [
        one for side in (left, right) for one in (side.args if getattr(side, attribute, False) else (side,))
    ]
    return head(*args, evaluate=False)


def _sum(left: Any, right: Any) -> Any:
    return _flat(sympy.Add, "is_Add", left, right)


def _product(left: Any, right: Any) -> Any:
    if _is_matrix(left) or _is_matrix(right):
        return _flat(sympy.MatMul, "is_MatMul", left, right)
    return _flat(sympy.Mul, "is_Mul", left, right)


def _quotient(above: Any, below: Any) -> Any:
    if _is_matrix(above) or _is_matrix(below):
        return sympy.MatMul(above, sympy.Pow(below, -1, evaluate=False), evaluate=False)
    if getattr(above, "is_Integer", False) and getattr(below, "is_Integer", False):
        return sympy.Rational(above, below)
    return sympy.Mul(above, sympy.Pow(below, -1, evaluate=False), evaluate=False)


def _negative(one: Any) -> Any:
    if getattr(one, "is_Rational", False):
        return sympy.Rational(-one.p, one.q)
    return sympy.Mul(-1, one, evaluate=False)


def _percent(number: Any) -> Any:
    return sympy.Mul(number, sympy.UnevaluatedExpr(sympy.Rational(1, 100)), evaluate=False)


def _digits(percent: str) -> str:
    digits = percent.replace("\\%", "").replace("%", "")
    if digits != digits.rstrip() and digits[0] == "0":
        raise Unsure
    return digits.rstrip()


def _number(text: str) -> Any:
    return sympy.Float(text) if "." in text else sympy.Integer(int(text))


def _as_set(one: Any) -> Any:
    return FiniteSet(*one) if isinstance(one, sympy.Tuple) else one


def _set_or_one(several: list[list[Any]]) -> Any:
    """A list of lists: the one thing in it, a set of things, or a set of tuples."""
    if len(several) == 1:
        return several[0][0] if len(several[0]) == 1 else FiniteSet(*several[0])
    if all(len(part) == 1 for part in several):
        return FiniteSet(*(part[0] for part in several))
    return FiniteSet(*(sympy.Tuple(*part) for part in several))
