"""The tree of an answer: operations and what they are applied to."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple, Union

Arg = Union["Node", str, Fraction, tuple["Node", ...]]


class Node(NamedTuple):
    """An operation and what it is applied to."""

    op: str
    args: tuple[Arg, ...]

    def node(self, place: int) -> Node:
        """The argument at a place, a node."""
        found = self.args[place]
        assert isinstance(found, Node)
        return found

    def items(self, place: int = 0) -> tuple[Node, ...]:
        """The argument at a place, several nodes."""
        found = self.args[place]
        assert isinstance(found, tuple)
        assert not isinstance(found, Node)
        return found

    def text(self, place: int = 0) -> str:
        """The argument at a place, a text."""
        found = self.args[place]
        assert isinstance(found, str)
        return found

    def number(self, place: int = 0) -> Fraction:
        """The argument at a place, a number."""
        found = self.args[place]
        assert isinstance(found, Fraction)
        return found

    @property
    def children(self) -> Iterator[Node]:
        """The nodes among the arguments."""
        for arg in self.args:
            if isinstance(arg, Node):
                yield arg
            elif isinstance(arg, tuple):
                yield from arg


INFINITY = Node("const", ("infinity",))


def walk(tree: Node) -> Iterator[Node]:
    """Every node of a tree."""
    left = [tree]
    while left:
        node = left.pop()
        yield node
        left.extend(node.children)


def depth(tree: Node) -> int:
    """How many nodes are above each other at most."""
    found, level = 0, [tree]
    while level:
        found += 1
        level = [child for node in level for child in node.children]
    return found


def names(tree: Node) -> frozenset[str]:
    """The variables in a tree."""
    return frozenset(node.text() for node in walk(tree) if node.op == "sym")
