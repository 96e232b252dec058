r"""A reader of LaTeX formulas for checking the labels of constructed pairs, independent of curate's own.

`read(text)` returns a tree, or None where the text is not wholly understood; `value(tree, point)` its value
at a point by mpmath; `symbolic(tree)` a sympy expression, for rewriting. Whatever is rewritten is printed,
read again and evaluated here, so that a label rests on two texts and arithmetic, not on the rewriting.
"""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import mpmath
import sympy

Tree = tuple[Any, ...]
Point = Mapping[str, mpmath.mpf]

DIGITS = 50
_TOKEN = re.compile(
    r"\s+|\\[,;!: ]|\\(?:left|right|displaystyle|limits|quad|qquad)(?![A-Za-z])"  # nothing
    r"|(?P<number>\d+(?:\{,\}\d{3}|,\d{3}(?!\d))*(?:\.\d+)?|\.\d+)"
    r"|(?P<name>\\[A-Za-z]+)|(?P<word>sqrt(?=\()|pi(?![A-Za-z]))|(?P<letter>[A-Za-z])"
    r"|(?P<sign>\*\*|[-+*/^_!()\[\]{}|,=<>])"
)
_GREEK = frozenset(
    r"\alpha \beta \gamma \delta \theta \lambda \mu \rho \sigma \phi \varphi \omega".split()  # noqa: SIM905
)
_FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "\\sin": (mpmath.sin, sympy.sin),
    "\\cos": (mpmath.cos, sympy.cos),
    "\\tan": (mpmath.tan, sympy.tan),
    "\\cot": (mpmath.cot, sympy.cot),
    "\\sec": (mpmath.sec, sympy.sec),
    "\\csc": (mpmath.csc, sympy.csc),
    "\\arcsin": (mpmath.asin, sympy.asin),
    "\\arccos": (mpmath.acos, sympy.acos),
    "\\arctan": (mpmath.atan, sympy.atan),
    "\\ln": (mpmath.log, sympy.log),
    "\\exp": (mpmath.exp, sympy.exp),
}
_MAX_EXPONENT = 400
_PLAIN = {"pi": "\\pi", "**": "^"}
_CLOSING = {"(": ")", "[": "]", "{": "}", "|": "|"}


class _NotReadError(Exception):
    """The text is not in the language of this reader."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise _NotReadError
            if match.lastgroup:
                self.tokens.append(_PLAIN.get(match.group(), match.group()))
            at = match.end()
        self.at = 0
        self.bars = 0

    @property
    def next(self) -> str:
        """The next token, empty at the end."""
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.next
        if not token or (wanted is not None and token != wanted):
            raise _NotReadError
        self.at += 1
        return token

    def sum(self) -> Tree:
        tree = self.product()
        while self.next in ("+", "-"):
            sign = self.take()
            right = self.product()
            tree = ("+", tree, right if sign == "+" else ("neg", right))
        return tree

    def product(self) -> Tree:
        if self.next in ("+", "-"):  # -1\frac{1}{2} is -(1\frac{1}{2})
            sign = self.take()
            right = self.product()
            return right if sign == "+" else ("neg", right)
        tree = self.signed()
        while True:
            token = self.next
            if token in ("*", "\\cdot", "\\times"):
                self.take()
                tree = ("*", tree, self.signed())
            elif token in ("/", "\\div"):
                self.take()
                tree = ("/", tree, self.signed())
            elif self.starts_factor() and not token[0].isdigit() and token[0] != ".":
                right = self.power()
                tree = ("+", tree, right) if _is_mixed(tree, right) else ("*", tree, right)
            else:
                return tree

    def starts_factor(self) -> bool:
        token = self.next
        if not token or (token == "|" and self.bars):
            return False
        return token in "([{|" or token[0].isalnum() or (token[0] in ".\\" and token not in _RELATIONS)

    def signed(self) -> Tree:
        if self.next in ("+", "-"):
            sign = self.take()
            right = self.signed()
            return right if sign == "+" else ("neg", right)
        return self.power()

    def power(self) -> Tree:
        base = self.postfix()
        if self.next == "^":
            self.take()
            exponent = self.exponent()
            if exponent == ("degree",):
                raise _NotReadError
            return ("^", base, exponent)
        return base

    def exponent(self) -> Tree:
        if self.next in ("{", "("):
            closing = _CLOSING[self.take()]
            tree = self.sum()
            self.take(closing)
            return tree
        token = self.next
        if token and token[0].isdigit():
            # x^23 is x^2 times 3 in TeX; nobody means it, and nobody writes x^{2}3.
            if len(self.take()) > 1 and "\\" in self.text:
                raise _NotReadError
            return ("number", token)
        if token == "-":
            raise _NotReadError
        return self.atom()

    def postfix(self) -> Tree:
        tree = self.atom()
        while self.next == "!":
            self.take()
            tree = ("!", tree)
        return tree

    def group(self) -> Tree:
        """`{...}`, or the one token that TeX takes for it."""
        if self.next == "{":
            self.take()
            tree = self.sum()
            self.take("}")
            return tree
        token = self.take()
        if token.isdigit():
            first, rest = token[0], token[1:]
            if rest:
                self.at -= 1
                self.tokens[self.at] = rest
            return ("number", first)
        if len(token) == 1 and token.isalpha():
            return _letter(token)
        if token == "\\pi":
            return ("pi",)
        raise _NotReadError

    def atom(self) -> Tree:
        token = self.take()
        if token[0].isdigit() or token[0] == ".":
            return ("number", token.replace("{,}", "").replace(",", ""))
        if (len(token) == 1 and token.isalpha()) or token in _GREEK:
            return self.subscripted(token)
        if token in "([{|":
            self.bars += token == "|"
            tree = self.sum()
            self.take(_CLOSING[token])
            self.bars -= token == "|"
            return ("abs", tree) if token == "|" else tree
        if token == "\\pi":
            return ("pi",)
        if token in ("\\frac", "\\dfrac", "\\tfrac", "\\cfrac"):
            return ("/", self.group(), self.group())
        if token in ("\\binom", "\\dbinom", "\\tbinom"):
            return ("binom", self.group(), self.group())
        if token == "\\sqrt":
            index: Tree = ("number", "2")
            if self.next == "[":
                self.take()
                index = self.sum()
                self.take("]")
            return ("root", self.group(), index)
        if token == "sqrt":
            self.take("(")
            tree = self.sum()
            self.take(")")
            return ("root", tree, ("number", "2"))
        if token == "\\log":
            return self.logarithm()
        if token in _FUNCTIONS:
            return self.function(token)
        raise _NotReadError

    def subscripted(self, letter: str) -> Tree:
        if self.next != "_":
            return _letter(letter)
        self.take()
        name = self.take()
        if name == "{":
            name = self.take()
            self.take("}")
        if not name.isalnum():
            raise _NotReadError
        return ("letter", f"{letter}_{name}")

    def logarithm(self) -> Tree:
        if self.next != "_":
            raise _NotReadError  # base 10 or e, who knows
        self.take()
        base = self.group()
        return ("/", ("\\ln", self.argument()), ("\\ln", base))

    def function(self, name: str) -> Tree:
        power: Tree | None = None
        if self.next == "^":
            self.take()
            power = self.exponent()
            if power[0] != "number":
                raise _NotReadError
        tree: Tree = (name, self.argument())
        return ("^", tree, power) if power else tree

    def argument(self) -> Tree:
        if self.next in ("(", "[", "{", "|"):
            closes = self.next
            tree = self.postfix()
            if closes != "{" and self.next == "^":
                raise _NotReadError  # \sin(x)^2 is read in two ways
            return tree
        tree = self.power()
        while self.starts_factor() and self.next not in ("(", "[", "{") and self.next not in _FUNCTIONS:
            if self.next == "\\log":
                break
            tree = ("*", tree, self.power())
        return tree


_RELATIONS = frozenset(
    (  # noqa: SIM905
        r"\le \leq \ge \geq \ne \neq \in \cup \cap \pm \mp \infty \text \mathrm \circ \cdot \times \div "
        r"\to \ldots \dots \cdots \equiv \pmod \mid \approx \begin \end \and \or \Rightarrow"
    ).split()
)


def _letter(letter: str) -> Tree:
    return ("e",) if letter == "e" else ("letter", letter)


def _is_mixed(left: Tree, right: Tree) -> bool:
    """Whether a whole number and a fraction beside it are a mixed number."""
    plain = right[0] == "/" and right[1][0] == right[2][0] == "number"
    return left[0] == "number" and "." not in left[1] and plain and float(right[1][1]) < float(right[2][1])


def read(text: str) -> Tree | None:
    """The tree of a formula; None if any part of it is not understood."""
    try:
        reader = _Reader(text)
        tree = reader.sum()
        return tree if not reader.next else None
    except (_NotReadError, RecursionError):
        return None


def letters(tree: Tree) -> frozenset[str]:
    """The letters of a formula, without e."""
    if tree[0] == "letter":
        return frozenset([tree[1]])
    return frozenset().union(*(letters(part) for part in tree[1:] if isinstance(part, tuple)))


def value(tree: Tree, point: Point) -> Any:
    """The value at a point, an mpf or mpc; raises ArithmeticError or ValueError where there is none."""
    kind = tree[0]
    if kind == "number":
        return mpmath.mpf(tree[1])
    if kind == "letter":
        return mpmath.mpc(0, 1) if tree[1] == "i" else point[tree[1]]
    if kind == "pi":
        return +mpmath.pi
    if kind == "e":
        return +mpmath.e
    parts = [value(part, point) for part in tree[1:]]
    if kind == "+":
        return parts[0] + parts[1]
    if kind == "neg":
        return -parts[0]
    if kind == "*":
        return parts[0] * parts[1]
    if kind == "/":
        return parts[0] / parts[1]
    if kind == "abs":
        return abs(parts[0])
    if kind == "^":
        if abs(parts[1]) > _MAX_EXPONENT:
            raise ValueError("too large a power")
        return parts[0] ** parts[1]
    if kind == "root":
        return (
            mpmath.root(parts[0], int(parts[1])) if parts[1] == int(parts[1]) else parts[0] ** (1 / parts[1])
        )
    if kind == "!":
        if isinstance(parts[0], mpmath.mpc) or not 0 <= parts[0] <= _MAX_EXPONENT:
            raise ValueError("too large a factorial")
        return mpmath.factorial(parts[0])
    if kind == "binom":
        return mpmath.binomial(*parts)
    return _FUNCTIONS[kind][0](parts[0])


def symbolic(tree: Tree) -> Any:
    """The tree as a sympy expression; letters are real."""
    kind = tree[0]
    if kind == "number":
        return sympy.Rational(tree[1])
    if kind == "letter":
        return sympy.I if tree[1] == "i" else sympy.Symbol(tree[1], real=True)
    if kind == "pi":
        return sympy.pi
    if kind == "e":
        return sympy.E
    parts = [symbolic(part) for part in tree[1:]]
    if kind == "+":
        return parts[0] + parts[1]
    if kind == "neg":
        return -parts[0]
    if kind == "*":
        return parts[0] * parts[1]
    if kind == "/":
        return parts[0] / parts[1]
    if kind == "abs":
        return sympy.Abs(parts[0])
    if kind == "^":
        return parts[0] ** parts[1]
    if kind == "root":
        return sympy.root(parts[0], parts[1])
    if kind == "!":
        return sympy.factorial(parts[0])
    if kind == "binom":
        return sympy.binomial(*parts)
    return _FUNCTIONS[kind][1](parts[0])


def points(names: frozenset[str]) -> list[dict[str, mpmath.mpf]]:
    """Points at which formulas with these letters are compared: positive, negative, of mixed signs."""
    ordered = sorted(names - {"i"})
    if not ordered:
        return [{}]
    with mpmath.workdps(DIGITS):
        sizes = [
            [mpmath.mpf(37 + 101 * i + 61 * n) / (113 - 17 * n) for i in range(len(ordered))]
            for n in range(5)
        ]
    signs = ((1, 1), (1, 1), (1, 1), (-1, -1), (-1, 1))
    return [
        {name: size[i] * sign[i % 2] for i, name in enumerate(ordered)}
        for size, sign in zip(sizes, signs, strict=True)
    ]


def _values(tree: Tree, names: frozenset[str]) -> list[Any]:
    """The values at all points, None where there is none."""
    found: list[Any] = []
    for point in points(names):
        try:
            found.append(value(tree, point))
        except (ArithmeticError, ValueError, TypeError):
            found.append(None)
    return found


def _apart(one: Any, two: Any) -> Any:
    """How far two values are apart, relative to the larger; 0 for two that are nearly nothing."""
    larger = max(abs(one), abs(two))
    return abs(one - two) / larger if larger > mpmath.mpf("1e-30") else mpmath.mpf(0)


def same(one: Tree | None, two: Tree | None) -> bool | None:
    """Whether two formulas have the same value wherever either is real; None where that is not sure.

    Formulas that are real nowhere (those with i, most often) are compared at all points.
    """
    if one is None or two is None:
        return None
    names = letters(one) | letters(two)
    with mpmath.workdps(DIGITS):
        both = [
            (x, y)
            for x, y in zip(_values(one, names), _values(two, names), strict=True)
            if x is not None and y is not None and mpmath.isfinite(x) and mpmath.isfinite(y)
        ]
        real = [(x, y) for x, y in both if abs(mpmath.im(x)) < 1e-30 or abs(mpmath.im(y)) < 1e-30]
        distances = [_apart(x, y) for x, y in real or both]
        if len(distances) < (2 if names - {"i"} else 1):
            return None
        if max(distances) < mpmath.mpf("1e-35"):
            return True
        return False if max(distances) > mpmath.mpf("1e-4") else None
