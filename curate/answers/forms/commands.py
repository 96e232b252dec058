"""Commands of LaTeX and names of functions, with their arguments."""

from __future__ import annotations

from curate.answers.forms.brackets import Brackets
from curate.answers.forms.literals import number
from curate.answers.forms.nodes import Node
from curate.answers.forms.tokens import Token, Unreadable
from curate.answers.forms.units import is_word
from curate.answers.forms.vocabulary import (
    BEHIND_CLOSED,
    BOXES,
    CONSTANTS,
    DECORATIONS,
    FUNCTIONS,
    GREEK,
    MATRICES,
    NO_FACTOR,
    OF_SEVERAL,
    PRODUCTS,
    RENAMED,
    RUN_TOGETHER,
    SET_LETTERS,
    SHAPES,
    SYSTEMS,
    UNIT_LETTERS,
)

MAX_TEXT = 200


class Commands(Brackets):
    """The part of the grammar that reads commands and functions."""

    def command(self) -> Node:
        """A command and its arguments."""
        name = self.take().text
        bare = name[1:]
        if bare in FUNCTIONS or bare in RENAMED:
            return self.function(RENAMED.get(bare, bare))
        if bare in CONSTANTS:
            return Node("const", (CONSTANTS[bare],))
        if bare in GREEK:
            return Node("sym", (bare,))
        if name == r"\emptyset":
            return Node("set", ((),))
        if name == r"\begin":
            return self.environment()
        self.deeper(2)
        found = self.applied_command(name)
        self.depth -= 2
        return found

    def applied_command(self, name: str) -> Node:
        """A command that is applied to what stands behind it."""
        if name == r"\frac":
            return Node("div", (self.argument(), self.argument()))
        if name == r"\binom":
            return Node("call", ("binomial", (self.argument(), self.argument())))
        if name in BOXES:
            return self.argument()
        if name in DECORATIONS:
            inside = self.argument()
            if name == r"\overline" and inside.op not in ("sym", "mul"):
                raise Unreadable("a line over something")
            return Node("sym", (name + _letters(inside),))
        if name in SHAPES:
            return Node("sym", (name + _letters(self.postfix()),))
        known = next((one for one in RUN_TOGETHER if _begins(name[1:], one)), None)
        if known is None:
            raise Unreadable(f"{name} is not known")
        self.at -= 1
        self.replace("\\" + known, *name[1 + len(known) :])
        return self.command()

    def function(self, name: str) -> Node:
        """A function with its exponent, its base and its argument."""
        if name in ("sqrt", "cbrt"):
            return self.root(number("2" if name == "sqrt" else "3"))
        exponent: Node | None = None
        base: Node | None = None
        while self.stands("^", "_"):
            sign = self.take().text
            found = self.raised_argument()
            if sign == "^":
                exponent = found
            elif name in ("log", "lg"):
                base = found
            else:
                raise Unreadable(f"an index of {name}")
        inside = self.argument_of_function()
        args = inside.items() if inside.op in ("tuple", "set") and name in OF_SEVERAL else (inside,)
        if name == "log" and base is not None:
            args = (*args, base)
        if exponent == Node("neg", (number("1"),)) and f"arc{name}" in FUNCTIONS:
            return Node("call", (f"arc{name}", args))
        called = Node("call", (name, args))
        return called if exponent is None else Node("pow", (called, exponent))

    def root(self, degree: Node) -> Node:
        r"""The root behind \sqrt, of the degree in square brackets if there is one."""
        if self.accept("["):
            degree = self.sum()
            self.expect("]")
        return Node("root", (self.argument_of_function(tight=True), degree))

    def argument_of_function(self, *, tight: bool = False) -> Node:
        """Braces or brackets, or the factors that follow: sin 2x is sin(2x), sin x cos x is not nested."""
        self.deeper(2)
        if self.stands("(", "["):
            found = self.bracket()
            if found.op in ("group", "square"):
                found = found.node(0)
        elif tight:
            found = self.argument()
        elif self.stands("{"):
            found = self.group()
        else:
            found = Node("neg", (self.power(),)) if self.accept("-") else self.power()
            while self.starts_factor() and not self.starts_function() and not self.stands("("):
                found = self.juxtaposed(found)
            if self.stands("/") and found.op == "const" and self.next.kind == "number":
                self.at += 1
                found = Node("div", (found, self.power()))
        self.depth -= 2
        return found

    # What stands behind a factor without a sign between them.

    def juxtaposed(self, left: Node) -> Node:
        """A factor and the one directly behind it: 2x."""
        if self.here.kind == "number":
            raise Unreadable("two numbers side by side")
        return Node("mul", (left, self.power()))

    def starts_function(self) -> bool:
        """Whether the name of a function is here; a root is as good as a number."""
        name = self.here.text.lstrip("\\")
        return (name in FUNCTIONS or name in RENAMED) and name not in ("sqrt", "cbrt")

    def starts_factor(self) -> bool:
        """Whether a factor without a sign before it is here."""
        token = self.here
        if token.kind in ("number", "grouped", "name"):
            return True
        if token.kind in ("text", "word"):
            return self.is_factor(token)
        if token.kind == "end" or token.text in NO_FACTOR:
            return False
        if token.text == "|":
            return not self.bar_closes
        if token.text == "[" and (self.next.kind == "end" or self.next.text in BEHIND_CLOSED):
            return False  # of ]1, 2[
        return token.text.startswith("\\") or token.text in ("(", "[", "{")

    def is_factor(self, token: Token) -> bool:
        """Whether a word or text is part of a formula, not a unit or prose."""
        name = token.text
        if token.kind == "text":
            name = name.strip()
            return RENAMED.get(name, name) in FUNCTIONS or self.read_text(name) is not None
        if token is self.here and self.is_product(name):
            return True
        return name in FUNCTIONS or name in RENAMED or is_symbols(name)

    def is_product(self, word: str) -> bool:
        """Whether a short word here is a product: in brackets, and with no word or blank before it."""
        before = self.tokens[self.at - 1].kind if self.at else "end"
        is_apart = self.here.after_blank and before != "operator"
        return self.inside > 0 and word in PRODUCTS and before not in ("word", "text") and not is_apart

    def read_text(self, content: str) -> Node | None:
        r"""What the content of a \text{...} is, where it is a number, a variable or a constant."""
        inside = content.strip().strip("$").strip()
        if not inside or len(inside) > MAX_TEXT:
            return None
        if inside.isascii() and inside.isdigit():
            return number(inside)
        if len(inside) == 1 and inside.isascii() and inside.isalpha():
            is_unit = inside in UNIT_LETTERS and self.at > 0  # 5 \text{ m}
            is_set = inside in SET_LETTERS and len(self.tokens) <= 2
            return None if is_unit or is_set else symbol(inside)
        return Node("const", (CONSTANTS[inside],)) if inside in CONSTANTS else None

    # Environments.

    def environment(self) -> Node:
        r"""What stands between \begin and \end: a matrix, or equations below each other."""
        name = self.name_in_braces()
        if name not in MATRICES and name not in SYSTEMS:
            raise Unreadable(f"the environment {name}")
        if name == "array" and self.stands("{"):
            while self.take().text != "}":
                pass
        self.deeper(2)
        rows = self.rows()
        self.depth -= 2
        end = self.name_in_braces()
        if end != name:
            raise Unreadable(f"{name} ended by {end}")
        if name in SYSTEMS:
            if any(len(cells) != 1 for cells in rows):
                raise Unreadable("cases with conditions")
            return Node("list", (tuple(cells[0] for cells in rows), "and"))
        if name == "vmatrix":
            raise Unreadable("a determinant")
        if not rows or any(len(cells) != len(rows[0]) for cells in rows):
            raise Unreadable("a matrix of unequal rows")
        return Node("matrix", (tuple(Node("row", (cells,)) for cells in rows),))

    def name_in_braces(self) -> str:
        """The name of an environment, with its star."""
        self.expect("{")
        name = self.take().text
        if self.accept("*"):
            name += "*"
        self.expect("}")
        return name

    def rows(self) -> list[tuple[Node, ...]]:
        r"""Rows divided by \\, their cells by &, up to the \end that closes them."""
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while not self.accept(r"\end"):
            if self.accept(r"\\"):
                rows.append(tuple(row))
                row = []
            elif not self.accept("&", r"\hline", ",", ";"):
                row.append(self.relation())
        return [*rows, tuple(row)] if row else rows


def symbol(letter: str) -> Node:
    """A variable; e and i are the constants."""
    return Node("const" if letter in ("e", "i") else "sym", (letter,))


def is_symbols(letters: str) -> bool:
    """Whether letters side by side are a product of variables, or one with a name, not a word."""
    return letters in CONSTANTS or letters in GREEK or not is_word(letters)


def _begins(name: str, known: str) -> bool:
    return name.startswith(known) and 0 < len(name) - len(known) <= 3


def _letters(node: Node) -> str:
    """The letters of a name such as AB under a line."""
    if node.op in ("sym", "const"):
        return node.text()
    if node.op == "num":
        return node.text(1)
    if node.op == "mul":
        return _letters(node.node(0)) + _letters(node.node(1))
    raise Unreadable("a mark over something that is no name")
