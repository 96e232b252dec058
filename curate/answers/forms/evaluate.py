"""The exact value of a tree of arithmetic."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms.algebra import (
    PI,
    Value,
    add,
    atom,
    constant,
    divide,
    function,
    multiply,
    negative,
    power,
    root,
    symbol,
)
from curate.answers.forms.effort import Limited
from curate.answers.forms.nodes import Node
from curate.answers.forms.tokens import Unreadable

_OF_TWO = {
    "add": add, "mul": multiply, "div": divide, "mixed": add, "pow": power, "root": root,
}  # fmt: skip
_PERCENT = constant(Fraction(1, 100))
DEGREE = multiply(constant(Fraction(1, 180)), atom(PI))
"""One degree in radians."""


def value(tree: Node) -> Value:
    """The value of a tree of arithmetic. Raises Unreadable for anything else, and what costs too much."""
    with Limited():
        return evaluate(tree)


def evaluate(tree: Node) -> Value:
    """The value of a tree, as part of the work on a larger one. Raises Unreadable."""
    op = tree.op
    if op in _OF_TWO:
        return _OF_TWO[op](evaluate(tree.node(0)), evaluate(tree.node(1)))
    match op:
        case "num":
            return constant(tree.number())
        case "sym":
            return symbol(tree.text())
        case "const" if tree.text() != "infinity":
            return atom(("c", tree.text()))
        case "neg":
            return negative(evaluate(tree.node(0)))
        case "percent":
            return multiply(evaluate(tree.node(0)), _PERCENT)
        case "degree":
            return multiply(evaluate(tree.node(0)), DEGREE)
        case "group" | "square":
            return evaluate(tree.node(0))
        case "call":
            return function(tree.text(), *[evaluate(one) for one in tree.items(1)])
    raise Unreadable(f"a {op} in a sum")
