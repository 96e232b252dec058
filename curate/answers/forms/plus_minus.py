"""Answers with ±: every choice of signs is one answer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from curate.answers.forms.nodes import Arg, Node, walk
from curate.answers.forms.tokens import Unreadable

MAX_SIGNS = 4


def choices(tree: Node) -> Iterator[Node]:
    """A tree once for every choice of signs, plus first. Raises Unreadable for more than four ±.

    Every ∓ is the opposite of the first ±.
    """
    signs = sum(node.op == "pm" for node in walk(tree))
    if signs > MAX_SIGNS:
        raise Unreadable("too many ±")
    if signs == 0:
        if any(node.op == "mp" for node in walk(tree)):
            raise Unreadable("∓ without ±")
        yield tree
        return
    for signs_chosen in product((1, -1), repeat=signs):
        yield _chosen(tree, iter(signs_chosen), -signs_chosen[0])


def _chosen(node: Node, signs: Iterator[int], opposite: int) -> Node:
    if node.op in ("pm", "mp"):
        left = _chosen(node.node(0), signs, opposite)
        sign = next(signs) if node.op == "pm" else opposite
        right = _chosen(node.node(1), signs, opposite)
        return Node("add", (left, right if sign > 0 else Node("neg", (right,))))
    args: list[Arg] = []
    for arg in node.args:
        if isinstance(arg, Node):
            args.append(_chosen(arg, signs, opposite))
        elif isinstance(arg, tuple):
            args.append(tuple(_chosen(one, signs, opposite) for one in arg))
        else:
            args.append(arg)
    return Node(node.op, tuple(args))
