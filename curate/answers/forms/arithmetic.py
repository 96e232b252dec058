"""Sums, products, powers, and what stands behind a number or a name."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms.literals import number
from curate.answers.forms.nodes import Node
from curate.answers.forms.things import Things
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.vocabulary import BASES

_NOTHING = Node("num", (Fraction(0), "0"))


class Arithmetic(Things):
    """The part of the grammar that reads arithmetic."""

    def sum(self) -> Node:
        """Terms with signs between them."""
        found = self.term()
        while True:
            if self.accept("+"):
                found = Node("add", (found, self.term()))
            elif self.accept("-"):
                found = Node("add", (found, Node("neg", (self.term(),))))
            elif self.accept(r"\pm"):
                found = Node("pm", (found, self.term()))
            elif self.accept(r"\mp"):
                found = Node("mp", (found, self.term()))
            else:
                return found

    def term(self) -> Node:
        """Factors, with or without signs between them."""
        found = self.signed()
        while True:
            if self.accept("*"):
                found = Node("mul", (found, self.signed()))
            elif self.stands("/"):
                if self.next.kind in ("word", "text") and not self.is_factor(self.next):
                    return found  # of a unit: 5 km / h
                self.at += 1
                found = Node("div", (found, self.signed()))
            elif self.accept(r"\bmod", "mod"):
                found = Node("call", ("mod", (found, self.signed())))
            elif self.starts_factor():
                found = self.juxtaposed(found)
            else:
                return found

    def signed(self) -> Node:
        """A power, with signs before it."""
        while self.accept("+"):
            pass
        if not self.stands("-", r"\pm", r"\mp"):
            return self.power()
        sign = self.take().text
        self.deeper()
        found = self.signed()
        self.depth -= 1
        return Node("neg", (found,)) if sign == "-" else Node(sign[1:], (_NOTHING, found))

    def power(self) -> Node:
        """Something, perhaps with an exponent, which is a degree's sign at times."""
        found = self.postfix()
        if not self.accept("^"):
            return found
        if self.accept_degree():
            return self.minutes(Node("degree", (found,)))
        if self.stands("'") or (self.stands("{") and self.next.text == "'"):
            raise Unreadable("a derivative")
        found = Node("pow", (found, self.raised_argument()))
        while self.accept("!"):
            found = Node("call", ("factorial", (found,)))
        return found

    def accept_degree(self) -> bool:
        r"""Whether a \circ is here, in braces or not, and past it if so."""
        if self.stands("{") and self.next.text == r"\circ" and self.token(2).text == "}":
            self.at += 3
            return True
        return self.accept(r"\circ")

    def minutes(self, degrees: Node) -> Node:
        """Degrees with the minutes of arc behind them, if there are any."""
        if self.here.kind == "number" and self.next.text == "'":
            arc = Node("div", (number(self.take().text), number("60")))
            self.at += 1
            degrees = Node("add", (degrees, Node("degree", (arc,))))
        return degrees

    def postfix(self) -> Node:
        """Something with what stands behind it."""
        found = self.primary()
        while True:
            if self.accept("!"):
                name = "factorial2" if self.accept("!") else "factorial"
                found = Node("call", (name, (found,)))
            elif self.accept("%", r"\%"):
                found = Node("percent", (found,))
            elif self.accept(r"\circ"):
                found = self.minutes(Node("degree", (found,)))
            elif found.op == "sym" and self.accept("'"):
                found = Node("sym", (found.text() + "'",))
            elif self.accept("_"):
                found = self.subscript(found)
            else:
                return found

    def subscript(self, found: Node) -> Node:
        """A name with an index, or digits with a base."""
        index = self.index()
        if not index:
            return found
        if found.op == "sym" or (found.op == "const" and found.text() in ("e", "i")):
            name = f"{found.text()}_{index}"
            return self.applied(name) or Node("sym", (name,))
        if found.op == "group":
            found = found.node(0)
        base = BASES.get(index, index.strip("()"))
        if found.op != "num" or not base.isdecimal() or "." in found.text(1) or not 2 <= int(base) <= 36:
            raise Unreadable("an index of something else")
        return Node("base", (found.text(1), base))

    def index(self) -> str:
        """The signs of an index, in braces or one without."""
        first = self.take()
        if first.text != "{":
            return first.text
        found, open_braces = "", 1
        while True:
            sign = self.take().text
            open_braces += (sign == "{") - (sign == "}")
            if open_braces == 0:
                return found
            found += sign
