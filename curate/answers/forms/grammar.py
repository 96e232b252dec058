r"""An answer as a tree: `x \in [1, \frac{3}{2}]` is a relation of a symbol and a bracket.

Reads LaTeX and plain text in one grammar, in one pass, without evaluating anything. What it does not
know (sums, integrals, prose) raises Unreadable: never a guess at part of a text.

The parser is one class in layers, the lowest first: `cursor` (tokens), `brackets`, `commands`, `things`,
`arithmetic`, and here lists and relations.
"""

from __future__ import annotations

from curate.answers.forms.arithmetic import Arithmetic
from curate.answers.forms.nodes import Node, depth
from curate.answers.forms.tokens import Unreadable, tokens
from curate.answers.forms.vocabulary import CONJUNCTIONS, RELATIONS, SEPARATORS, SETS

__all__ = ["Node", "parse"]

MAX_LEVELS = 200
"""Nodes above each other: a sum of 200 terms."""


def parse(text: str) -> tuple[Node, int]:
    r"""The tree of a text, and where what it did not read begins (a unit, or the end).

    >>> parse(r"\frac12")[0].op, parse("5 cm")[1]
    ('div', 2)

    Raises Unreadable.
    """
    parser = _Parser(tokens(text))
    tree = parser.answer()
    if depth(tree) > MAX_LEVELS:
        raise Unreadable(f"a formula of more than {MAX_LEVELS} levels")
    return tree, parser.here.start


class _Parser(Arithmetic):
    """The whole grammar."""

    def answer(self) -> Node:
        items = [self.relation()]
        separators = []
        while (separator := self.separator()) is not None:
            separators.append(separator)
            if self.here.kind == "end":
                break
            items.append(self.relation())
        if len(items) == 1:
            return items[0]
        return Node("list", (tuple(items), "or" if "or" in separators else ","))

    def separator(self) -> str | None:
        found = None
        while True:
            token = self.here
            text = token.text.strip(" ,;~").lower() if token.kind == "text" else token.text
            if text in CONJUNCTIONS:
                found = CONJUNCTIONS[text]
            elif text in SEPARATORS and token.kind != "text":
                found = found or ","
            else:
                return found
            self.at += 1

    def relation(self) -> Node:
        self.deeper()
        operands, signs = [self.sets()], []
        while self.here.text in RELATIONS and self.here.kind == "operator":
            signs.append(self.take().text)
            operands.append(self.sets())
        self.depth -= 1
        return Node("relation", (" ".join(signs), tuple(operands))) if signs else operands[0]

    def sets(self) -> Node:
        """Sets joined by union, intersection and difference."""
        found = self.ratio()
        while self.here.text in SETS and self.here.kind == "operator":
            sign = self.take().text
            found = Node(SETS[sign], (found, self.ratio()))
        return found

    def ratio(self) -> Node:
        """Sums with colons between them."""
        items = [self.sum()]
        while not self.colon_closes and self.accept(":"):
            items.append(self.sum())
        return items[0] if len(items) == 1 else Node("ratio", (tuple(items),))
