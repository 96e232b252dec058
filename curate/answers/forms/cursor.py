"""Where the parser is among its tokens, what it is inside of, and the levels of the grammar it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod

from curate.answers.forms.nodes import Node
from curate.answers.forms.tokens import Token, Unreadable

MAX_DEPTH = 80
"""Levels; each stands for three calls of a function or so, so that Python's own limit is never met."""


class Cursor(ABC):
    """A place in a list of tokens that ends with one of kind `end`."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.at = 0
        self.depth = 0
        self.inside = 0
        """Brackets around what is read now."""
        self.bar_closes = False
        """Whether a bar would end what is read now: an absolute value, or what a set is made of."""
        self.colon_closes = False
        """Whether a colon would begin the conditions of a set."""
        self.raised = False
        """Whether this is an exponent without braces."""

    @property
    def here(self) -> Token:
        """The token that is next to be read."""
        return self.tokens[self.at]

    @property
    def next(self) -> Token:
        """The token behind it."""
        return self.token(1)

    def token(self, ahead: int) -> Token:
        """The token at some places ahead; at the end, the one of kind `end`."""
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The token here, and on to the next one."""
        token = self.here
        if token.kind == "end":
            raise Unreadable("an end in the middle")
        self.at += 1
        return token

    def stands(self, *texts: str) -> bool:
        """Whether one of these signs is here."""
        return self.here.kind not in ("text", "end") and self.here.text in texts

    def accept(self, *texts: str) -> bool:
        """Whether one of these signs is here, and past it if so."""
        found = self.stands(*texts)
        self.at += found
        return found

    def expect(self, text: str) -> None:
        """Past a sign. Raises Unreadable if something else is here."""
        if not self.accept(text):
            raise Unreadable(f"{text} expected, {self.here.text!r} found")

    def replace(self, *texts: str) -> None:
        """Put one-sign tokens in place of the token here: letters of a word, digits of a number."""
        start = self.here.start
        self.tokens[self.at : self.at + 1] = [
            Token(
                "number" if text.isdigit() else "name" if text.isalpha() else "operator", text, start, False
            )
            for text in texts
        ]

    def deeper(self, levels: int = 1) -> None:
        """Count levels; who goes deeper comes back. Raises Unreadable where there are too many."""
        self.depth += levels
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"more than {MAX_DEPTH} levels")

    # The levels of the grammar, each made of the next; what is in brackets begins again at the top.

    @abstractmethod
    def answer(self) -> Node:
        """Relations with separators between them."""

    @abstractmethod
    def separator(self) -> str | None:
        """A comma, semicolon, "and" or "or", or several of them; None if something else is here."""

    @abstractmethod
    def relation(self) -> Node:
        """Sums, and sets of them, with relation signs between them."""

    @abstractmethod
    def sum(self) -> Node:
        """Terms with signs between them."""

    @abstractmethod
    def power(self) -> Node:
        """Something, perhaps with an exponent."""

    @abstractmethod
    def postfix(self) -> Node:
        """Something with what stands behind it: a factorial's sign, an index, a degree's sign."""

    @abstractmethod
    def primary(self) -> Node:
        """A number, a name, a command with its arguments, something in brackets."""
