"""What stands in brackets, braces or bars."""

from __future__ import annotations

from curate.answers.forms.cursor import Cursor
from curate.answers.forms.literals import number
from curate.answers.forms.nodes import Node
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.vocabulary import CLOSING


class Brackets(Cursor):
    """The part of the grammar that reads brackets."""

    def bracket(self) -> Node:
        """Round, square, curly or pointed brackets: a tuple, an interval, a set, or only brackets."""
        opening = self.take().text
        if opening == r"\{" and self.accept(r"\}"):
            return Node("set", ((),))
        self.deeper(2)
        self.inside += 1
        outer = self.bar_closes, self.colon_closes
        self.bar_closes = self.colon_closes = opening == r"\{"
        items = [self.relation()]
        self.colon_closes = outer[1]
        if opening == r"\{" and self.accept("|", ":"):
            found = self.builder(items[0])
        else:
            while self.separator() is not None:
                items.append(self.relation())
            found = self.closed(opening, tuple(items))
        self.bar_closes = outer[0]
        self.inside -= 1
        self.depth -= 2
        return found

    def builder(self, wanted: Node) -> Node:
        r"""A set by conditions: the rest of \{ x | x > 1, x < 5 \}."""
        conditions = [self.relation()]
        while self.separator() is not None:
            conditions.append(self.relation())
        self.expect(r"\}")
        return Node("builder", (wanted, tuple(conditions)))

    def closed(self, opening: str, items: tuple[Node, ...]) -> Node:
        """What several things between an opening and the closing bracket that is here are."""
        if not self.stands(*CLOSING[opening]):
            raise Unreadable(f"{opening} closed by {self.here.text!r}")
        closing = self.take().text
        if opening == r"\{":
            return Node("set", (items,))
        if opening == r"\langle":
            return Node("tuple", (items,))
        pair = opening + closing
        if len(items) == 1:
            if pair == "()":
                return items[0] if items[0].op != "num" else Node("group", items)
            if pair == "[]":
                return Node("square", items)
            raise Unreadable("an interval of one end")
        if pair == "()" or (pair == "[]" and len(items) > 2):
            return Node("tuple", (items,))
        if len(items) > 2:
            raise Unreadable("an interval of more than two ends")
        left = "(" if opening in "(]" else "["
        right = ")" if closing in ")[" else "]"
        return Node("interval", (left + right, *items))

    def group(self) -> Node:
        """Braces that only group."""
        self.expect("{")
        self.deeper(2)
        self.inside += 1
        raised, self.raised = self.raised, False
        found = Node("set", ((),)) if self.stands("}") else self.answer()
        self.raised = raised
        self.expect("}")
        self.inside -= 1
        self.depth -= 2
        return found

    def absolute(self) -> Node:
        """What stands between bars."""
        bar = self.take().text
        self.deeper(3)
        outer, self.bar_closes = self.bar_closes, True
        inside = self.sum()
        self.bar_closes = outer
        self.depth -= 3
        self.expect(bar)
        return Node("call", ("abs", (inside,)))

    def argument(self) -> Node:
        """One argument of a command: braces, or one sign (of a number one digit)."""
        token = self.here
        if self.stands("{"):
            return self.group()
        if token.kind == "number" and len(token.text) > 1 and token.text.isdigit():
            self.replace(token.text[0], token.text[1:])
            return number(self.take().text)
        if token.kind == "grouped":
            raise Unreadable("a grouped number as an argument")
        if token.kind == "word":
            self.replace(*token.text)
        return self.primary()

    def exponent(self) -> Node:
        r"""What stands in an exponent without braces: one digit of 10^23 in LaTeX, all in 10^23 of a text."""
        self.deeper()
        if self.accept("-"):
            found = Node("neg", (self.exponent(),))
        elif self.accept("+"):
            found = self.exponent()
        else:
            self.raised = True
            found = self.postfix()
            self.raised = False
            if self.accept("^"):
                found = Node("pow", (found, self.raised_argument()))
        self.depth -= 1
        return found

    def raised_argument(self) -> Node:
        """An exponent, with or without braces."""
        return self.group() if self.stands("{") else self.exponent()
