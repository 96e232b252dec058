r"""An answer as a tree: `x \in [1, \frac{3}{2}]` is a relation of a symbol and a bracket.

Reads LaTeX and plain text in one grammar, in one pass, without evaluating anything. What it does not
know (sums, integrals, prose) raises Unreadable: never a guess at part of a text.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, Union

from curate.answers.forms.tokens import Token, Unreadable, names, tokens

MAX_DEPTH = 60
UNIT_LETTERS = frozenset("mgshLlNJWVAKCF")
"""Letters that are units where they stand in text behind a number."""
MAX_DIGITS = 1_000

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


FUNCTIONS = names(
    "sin cos tan cot sec csc arcsin arccos arctan arccot asin acos atan sinh cosh tanh coth "
    "arsinh arcosh artanh asinh acosh atanh arcsinh arccosh arctanh log ln lg exp sqrt cbrt abs "
    "floor ceil gcd lcm max min det sgn sign Re Im Arg arg"
)
_RENAMED = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot", "arctg": "arctan",
    "asinh": "arsinh", "acosh": "arcosh", "atanh": "artanh", "arcsinh": "arsinh", "arccosh": "arcosh",
    "arctanh": "artanh", "sign": "sgn", "cosec": "csc", "Log": "log", "Ln": "ln",
}  # fmt: skip
_GREEK = names(
    "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi rho sigma tau upsilon "
    "phi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell hbar aleph partial "
    "nabla"
)
_LONG_NAMES = sorted((*_GREEK, "pi", "sin", "cos", "tan", "ln", "log"), key=lambda name: -len(name))
_RELATIONS = names(
    r"= < > \le \ge \ne \in \approx \notin => \equiv \subset \subseteq -> \mapsto \propto "
    r"\parallel \perp :="
)  # fmt: skip
_SETS = {r"\cup": "union", r"\cap": "intersection", r"\setminus": "difference"}
_CLOSING = {"(": ")", "[": "]", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil",
            r"\langle": r"\rangle", "{": "}"}  # fmt: skip
_STOPS = frozenset([r"\end", ")", "]", "}", r"\}", r"\rfloor", r"\rceil", r"\rangle", ",", ";", ":", "&",
                    r"\\", "",
                    "and", "or", *_RELATIONS, *_SETS])  # fmt: skip
_APPLIED = frozenset("fghFGHPQpquvyITVNLSEB")
"""Letters that name functions."""
_DECORATIONS = names(
    r"\dot \ddot \overline \bar \vec \hat \tilde \overrightarrow \widehat \underline \boxed "
    r"\fbox \mathop \overarc \overset \underbrace \widetilde \mathring"
)
_MATRICES = names(
    "matrix pmatrix bmatrix Bmatrix vmatrix smallmatrix array cases aligned align* align "
    "gathered split"
)  # fmt: skip
_PREFIX_SHAPES = frozenset([r"\angle", r"\triangle", r"\measuredangle", r"\odot", r"\square", r"\#"])


def parse(text: str) -> tuple[Node, int]:
    r"""The tree of a text, and where what it did not read begins (a unit, or the end).

    >>> parse(r"\frac12")[0].op, parse("5 cm")[1]
    ('div', 2)

    Raises Unreadable.
    """
    parser = _Parser(tokens(text))
    tree = parser.answer()
    return tree, parser.here.start


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.at = 0
        self.depth = 0
        self.inside = 0
        """Brackets around what is read now."""
        self.bars = 0
        self.raised = False
        """In an exponent without braces."""
        self.conditional = False
        """In a set whose colon would begin a condition."""

    @property
    def here(self) -> Token:
        return self.tokens[min(self.at, len(self.tokens) - 1)]

    @property
    def next(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.here
        self.at += 1
        return token

    def accept(self, *texts: str) -> bool:
        if self.here.kind != "text" and self.here.text in texts and self.here.kind != "end":
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.accept(text):
            raise Unreadable(f"{text} expected, {self.here.text!r} found")

    # -- lists and relations

    def answer(self) -> Node:
        """A whole answer: one thing, or a list of things."""
        items = [self.relation()]
        separators = []
        while True:
            separator = self.separator()
            if separator is None:
                break
            separators.append(separator)
            if self.here.kind == "end":
                break
            items.append(self.relation())
        if not separators or len(items) == 1:
            return items[0]
        return Node("list", (tuple(items), "or" if "or" in separators else ","))

    def separator(self) -> str | None:
        """A comma, semicolon, "and", "or", or several of these in a row; None if there is none."""
        found = None
        while True:
            token = self.here
            if token.kind == "text" and token.text.strip(" ,;~").lower() in (
                "and",
                "or",
                "和",
                "或",
                "and/or",
            ):
                found = token.text.strip(" ,;~").lower()
            elif token.kind != "text" and token.text in (",", ";", "and", "or", "&", "和", "或", "、"):
                found = found if found in ("and", "or") else token.text
            else:
                return {"和": "and", "或": "or"}.get(found, found) if found else None
            self.at += 1

    def relation(self) -> Node:
        """Sets joined by relation signs: 1 < x \\le 2 has three."""
        self.deeper()
        first = self.sets()
        operands, signs = [first], []
        while self.here.kind == "operator" and self.here.text in _RELATIONS:
            signs.append(self.take().text)
            operands.append(self.sets())
        self.depth -= 1
        return Node("relation", (" ".join(signs), tuple(operands))) if signs else first

    def sets(self) -> Node:
        """Sets joined by union, intersection and difference."""
        found = self.ratio()
        while self.here.kind == "operator" and self.here.text in _SETS:
            sign = self.take().text
            found = Node(_SETS[sign], (found, self.ratio()))
        return found

    def ratio(self) -> Node:
        """Sums with colons between them."""
        items = [self.sum()]
        while self.here.text == ":" and self.here.kind == "operator" and not self.conditional:
            self.at += 1
            items.append(self.sum())
        return items[0] if len(items) == 1 else Node("ratio", (tuple(items),))

    # -- arithmetic

    def sum(self) -> Node:
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
        found = self.signed()
        while True:
            if self.accept("*"):
                found = Node("mul", (found, self.signed()))
            elif self.here.text == "/" and self.here.kind == "operator":
                if self.next.kind in ("word", "text") and not self.is_factor(self.next):
                    return found  # of a unit: 5 km / h
                self.at += 1
                found = Node("div", (found, self.signed()))
            elif self.here.text == r"\bmod" or (self.here.kind == "word" and self.here.text == "mod"):
                self.at += 1
                found = Node("call", ("mod", (found, self.signed())))
            elif self.starts_factor():
                found = self.juxtaposed(found)
            else:
                return found

    def juxtaposed(self, left: Node) -> Node:
        """What stands directly behind a factor: 2x, 2\\frac12 (a mixed number), 2 1/2."""
        if self.here.kind == "number":
            raise Unreadable("two numbers side by side")
        return Node("mul", (left, self.power()))

    def mixed(self, whole: Node) -> Node:
        """A whole number with the fraction behind it that makes it a mixed number, if there is one."""
        token = self.here
        if token.kind == "number" and token.after_blank and token.text.isdigit() and self.next.text == "/":
            below = self.tokens[self.at + 2]
            if below.kind == "number" and below.text.isdigit() and int(token.text) < int(below.text):
                self.at += 3
                return Node("mixed", (whole, Node("div", (_number(token.text), _number(below.text)))))
        if token.text == r"\frac" and not self.raised:
            start, held = self.at, list(self.tokens)
            fraction = self.primary()
            parts = [fraction.node(0), fraction.node(1)] if fraction.op == "div" else []
            if len(parts) == 2 and all(part.op == "num" and part.text(1).isdigit() for part in parts):
                above, below_ = parts[0].args[0], parts[1].args[0]
                assert isinstance(above, Fraction)
                assert isinstance(below_, Fraction)
                if above < below_ and self.here.text not in ("^", "!"):
                    return Node("mixed", (whole, fraction))
            self.at, self.tokens = start, held
        return whole

    def signed(self) -> Node:
        if self.accept("+"):
            return self.signed()
        if self.accept("-"):
            self.deeper()
            found = Node("neg", (self.signed(),))
            self.depth -= 1
            return found
        if self.accept(r"\pm"):
            return Node("pm", (Node("num", (Fraction(0), "0")), self.signed()))
        if self.accept(r"\mp"):
            return Node("mp", (Node("num", (Fraction(0), "0")), self.signed()))
        return self.power()

    def starts_factor(self) -> bool:
        """Whether what comes is a factor without a sign before it."""
        token = self.here
        if token.kind == "end":
            return False
        if token.kind in ("number", "grouped", "name"):
            return True
        if token.kind in ("text", "word"):
            return self.is_factor(token)
        if token.text in _STOPS or token.text in (
            "+",
            "-",
            "*",
            "/",
            r"\pm",
            r"\mp",
            "^",
            "_",
            "!",
            "'",
            "%",
            r"\%",
        ):
            return False
        if token.text == "|":
            return self.bars == 0 or not self.closes_bar()
        return token.text.startswith("\\") or token.text in "([{√"

    def is_factor(self, token: Token) -> bool:
        """Whether a word or text is part of a formula, not a unit or prose."""
        if token.kind == "text":
            return _RENAMED.get(token.text.strip(), token.text.strip()) in FUNCTIONS or (
                self.read_text(token.text) is not None
            )
        return token.text in FUNCTIONS or token.text in _RENAMED or self.is_symbols(token)

    def closes_bar(self) -> bool:
        return True

    def is_symbols(self, token: Token) -> bool:
        """Whether letters side by side are a product of variables, not a word."""
        from curate.answers.forms.units import is_word

        return token.text in _CONSTANT_WORDS or token.text in _GREEK or not is_word(token.text)

    def power(self) -> Node:
        found = self.postfix()
        if self.accept("^"):
            if self.accept(r"\circ") or (
                self.here.text == "{" and self.next.text == r"\circ" and self.tokens[self.at + 2].text == "}"
            ):
                if self.here.text == "{":
                    self.at += 3
                found = Node("degree", (found,))
                return self.minutes(found)
            if (self.here.text == "{" and self.next.text == "'") or self.here.text == "'":
                raise Unreadable("a derivative")
            self.deeper()
            exponent = self.group() if self.here.text == "{" else self.exponent()
            self.depth -= 1
            found = Node("pow", (found, exponent))
            while self.accept("!"):
                found = Node("call", ("factorial", (found,)))
        return found

    def minutes(self, degrees: Node) -> Node:
        """Minutes and seconds of arc behind degrees."""
        if self.here.kind == "number" and self.next.text == "'":
            arc = self.take()
            self.at += 1
            sixtieth = Node("div", (_number(arc.text), _number("60")))
            degrees = Node("add", (degrees, Node("degree", (sixtieth,))))
        return degrees

    def exponent(self) -> Node:
        r"""What stands in an exponent without braces: one digit of 10^23 in LaTeX, all in 10^23 of a text."""
        if self.accept("-"):
            return Node("neg", (self.exponent(),))
        if self.accept("+"):
            return self.exponent()
        self.raised = True
        found = self.postfix()
        self.raised = False
        if self.here.text == "^":
            self.at += 1
            self.deeper()
            found = Node("pow", (found, self.group() if self.here.text == "{" else self.exponent()))
            self.depth -= 1
        return found

    def postfix(self) -> Node:
        found = self.primary()
        while True:
            if self.accept("!"):
                double = self.accept("!")
                found = Node("call", ("factorial2" if double else "factorial", (found,)))
            elif self.accept("%", r"\%"):
                found = Node("percent", (found,))
            elif self.here.text == "°" or self.here.text == r"\circ":
                self.at += 1
                found = self.minutes(Node("degree", (found,)))
            elif self.here.text == "'" and found.op == "sym":
                self.at += 1
                found = Node("sym", (found.text() + "'",))
            elif self.here.text == "_":
                found = self.subscript(found)
            else:
                return found

    def subscript(self, found: Node) -> Node:
        """A name with an index, or digits with a base."""
        self.at += 1
        if self.here.text == "{":
            start = self.at
            depth = 0
            while True:
                token = self.take()
                if token.kind == "end":
                    raise Unreadable("a brace that is not closed")
                depth += (token.text == "{") - (token.text == "}")
                if depth == 0:
                    break
            index = "".join(token.text for token in self.tokens[start + 1 : self.at - 1])
        else:
            token = self.take()
            index = token.text
            if token.kind == "number" and found.op != "num" and "." in index:
                raise Unreadable("a decimal index")
        if not index:
            return found
        if found.op == "sym" or (found.op == "const" and found.text() in ("e", "i")):
            name = f"{found.text()}_{index}"
            return self.applied(name) or Node("sym", (name,))
        if found.op == "group":
            found = found.node(0)
        index = _BASES.get(index, index.strip("()"))
        if found.op == "num" and index.isdigit() and 2 <= int(index) <= 36 and "." not in found.text(1):
            return Node("base", (found.text(1), index))
        if found.op == "mul" and index.isdigit():  # 1A3_{16} is read as a product
            raise Unreadable("digits and letters in a base")
        raise Unreadable("an index of something else")

    # -- what stands alone

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable(f"brackets more than {MAX_DEPTH} deep")

    def primary(self) -> Node:
        token = self.here
        if token.kind == "number":
            self.at += 1
            return self.mixed(_number(token.text)) if token.text.isdigit() else _number(token.text)
        if token.kind == "grouped":
            return self.grouped()
        if token.kind == "name":
            self.at += 1
            return self.applied(token.text) or _symbol(token.text)
        if token.kind == "word":
            return self.word()
        if token.kind == "text":
            name = _RENAMED.get(token.text.strip(), token.text.strip())
            if name in FUNCTIONS:
                self.at += 1
                return self.function(name)
            found = self.read_text(token.text)
            if found is None:
                raise Unreadable("words")
            self.at += 1
            return found
        if token.text in ("(", "[", r"\{", r"\langle"):
            return self.bracket()
        if token.text == "{":
            return self.group()
        if token.text in ("|", r"\|"):
            return self.absolute()
        if token.text in (r"\lfloor", r"\lceil"):
            self.at += 1
            inside = self.relation()
            self.expect(_CLOSING[token.text])
            return Node("call", ("floor" if token.text == r"\lfloor" else "ceil", (inside,)))
        if token.text == "]":
            return self.bracket()
        if token.text.startswith("\\"):
            return self.command()
        if token.text == "∞":
            self.at += 1
            return Node("const", ("infinity",))
        raise Unreadable(f"{token.text!r} where a number or name should be")

    def applied(self, name: str) -> Node | None:
        """f(0): a name with a number in brackets directly behind it is a function's value, not a product."""
        texts = [token.text for token in self.tokens[self.at : self.at + 4]]
        sign = texts[1:2] == ["-"]
        if len(texts) < 4 or texts[0] != "(" or texts[2 + sign : 3 + sign] != [")"] or self.here.after_blank:
            return None
        if self.tokens[self.at + 1 + sign].kind != "number" or name[0] not in _APPLIED:
            return None
        if self.tokens[self.at + 3 + sign].text == "^":
            return None
        self.at += 3 + sign
        return Node("sym", (f"{name}({''.join(texts[1 : 2 + sign])})",))

    def grouped(self) -> Node:
        """1,234: a number, or in brackets items of a list."""
        token = self.take()
        comma_before = self.at >= 2 and self.tokens[self.at - 2].text == "," and not token.after_blank
        comma_behind = self.here.text == "," and not self.next.after_blank and self.next.kind != "end"
        alone = self.at >= 2 and self.tokens[self.at - 2].text == "{" and self.here.text == "}"
        if alone or (self.inside == 0 and not comma_before and not comma_behind):
            return Node("num", (_number(token.text.replace(",", "")).args[0], token.text))
        first, *others = token.text.split(",")
        more = [Token("number", part, token.start, False) for part in others]
        split: list[Token] = []
        for one in more:
            split += [Token("operator", ",", token.start, False), one]
        self.tokens[self.at : self.at] = split
        return _number(first)

    def word(self) -> Node:
        token = self.take()
        name = _RENAMED.get(token.text, token.text)
        if name in FUNCTIONS:
            return self.function(name)
        if name in _CONSTANT_WORDS:
            return Node("const", (_CONSTANT_WORDS[name],))
        if name in _GREEK:
            return Node("sym", (name,))
        if not self.is_symbols(token):
            raise Unreadable("words")
        letters = [_symbol(letter) for letter in name]
        found = letters[0]
        for letter in letters[1:]:
            found = Node("mul", (found, letter))
        if self.here.text in ("^", "_"):  # only the last letter has the exponent
            self.at -= 1
            rest = [Token("name", letter, token.start, False) for letter in name]
            self.tokens[self.at : self.at + 1] = rest
            return self.postfix()
        return found

    def read_text(self, content: str) -> Node | None:
        r"""What the content of a \text{...} is, where it is a number, a variable or a function."""
        inside = content.strip().strip("$").strip()
        if not inside or len(inside) > 200:
            return None
        if inside.isascii() and inside.isdigit() and len(inside) <= MAX_DIGITS:
            return _number(inside)
        if len(inside) == 1 and inside.isalpha():
            if inside in UNIT_LETTERS and self.at > 0:
                return None  # 5 \\text{ m}
            return _symbol(inside) if inside not in "RNZQCP" or len(self.tokens) > 2 else None
        if inside in _CONSTANT_WORDS:
            return Node("const", (_CONSTANT_WORDS[inside],))
        return None

    def bracket(self) -> Node:
        """Round, square or curly brackets: a tuple, an interval, a set, or only brackets."""
        opening = self.take().text
        self.deeper()
        self.depth += 1
        self.inside += 1
        if opening == r"\{" and self.accept(r"\}"):
            self.depth -= 2
            self.inside -= 1
            return Node("set", ((),))
        bars, self.bars = self.bars, int(opening == r"\{")
        outer, self.conditional = self.conditional, opening == r"\{"
        items = [self.relation()]
        self.conditional = outer
        if opening == r"\{" and self.here.text in ("|", ":"):
            self.at += 1
            conditions = [self.relation()]
            while self.separator() is not None:
                conditions.append(self.relation())
            self.expect(r"\}")
            self.depth -= 2
            self.inside -= 1
            self.bars = bars
            return Node("builder", (items[0], tuple(conditions)))
        while (separator := self.separator()) is not None:
            if separator in ("and", "or") and opening == "(" and len(items) == 1:
                separator = ","
            items.append(self.relation())
        self.bars = bars
        closing = self.take()
        self.depth -= 2
        self.inside -= 1
        expected = {"(": ")]", "[": ")][", "]": "[])", r"\{": r"\}", r"\langle": r"\rangle"}[opening]
        if closing.kind != "operator" or closing.text not in (
            tuple(expected) if len(opening) == 1 else (expected,)
        ):
            raise Unreadable(f"{opening} closed by {closing.text!r}")
        if opening == r"\{":
            return Node("set", (tuple(items),))
        if opening == r"\langle":
            return Node("tuple", (tuple(items),))
        if len(items) == 1:
            if opening == "(" and closing.text == ")":
                return items[0] if items[0].op != "num" else Node("group", (items[0],))
            if opening == "[" and closing.text == "]":
                return Node("square", (items[0],))
            raise Unreadable("an interval of one end")
        if opening == "(" and closing.text == ")":
            return Node("tuple", (tuple(items),))
        if len(items) != 2:
            if opening == "[" and closing.text == "]":
                return Node("tuple", (tuple(items),))
            raise Unreadable("an interval of more than two ends")
        left = "(" if opening in "(]" else "["
        right = ")" if closing.text in ")[" else "]"
        return Node("interval", (left + right, items[0], items[1]))

    def group(self) -> Node:
        """Braces that only group."""
        self.expect("{")
        self.deeper()
        self.depth += 1
        self.inside += 1
        raised, self.raised = self.raised, False
        found = self.answer() if self.here.text != "}" else Node("set", ((),))
        self.raised = raised
        self.expect("}")
        self.depth -= 2
        self.inside -= 1
        return found

    def absolute(self) -> Node:
        closing = self.take().text
        self.deeper()
        self.bars += 1
        inside = self.sum()
        self.bars -= 1
        self.depth -= 1
        self.expect(closing)
        return Node("call", ("abs", (inside,)))

    def argument(self) -> Node:
        """One argument of a command: braces, or one sign (of a number one digit)."""
        token = self.here
        if token.text == "{" and token.kind == "operator":
            return self.group()
        if token.kind == "number" and len(token.text) > 1 and token.text.isdigit():
            rest = Token("number", token.text[1:], token.start + 1, False)
            self.tokens[self.at] = rest
            return _number(token.text[0])
        if token.kind == "grouped":
            raise Unreadable("a grouped number as an argument")
        if token.kind == "word":
            self.tokens[self.at : self.at + 1] = [Token("name", c, token.start, False) for c in token.text]
        return self.primary()

    def command(self) -> Node:
        name = self.take().text
        bare = name[1:]
        if bare in FUNCTIONS or bare in _RENAMED:
            return self.function(_RENAMED.get(bare, bare))
        if bare in _CONSTANT_WORDS:
            return Node("const", (_CONSTANT_WORDS[bare],))
        if bare in _GREEK:
            return Node("sym", (bare,))
        if name == r"\frac":
            above = self.argument()
            return Node("div", (above, self.argument()))
        if name == r"\binom":
            above = self.argument()
            return Node("call", ("binomial", (above, self.argument())))
        if name == r"\text":
            return self.function(_operator(self.take().text))
        if name == r"\begin":
            return self.environment()
        if name in _DECORATIONS:
            return self.decorated(name)
        if name in _PREFIX_SHAPES:
            inside = self.postfix()
            return Node("sym", (name + _letters(inside),))
        if name == r"\emptyset":
            return Node("set", ((),))
        if name == r"\pmod":
            raise Unreadable("a congruence")
        for known in (*_LONG_NAMES,):
            rest = bare.removeprefix(known)
            if rest != bare and len(rest) <= 3:  # \\omegat, where a blank was lost
                start = self.tokens[self.at - 1].start
                self.at -= 1
                self.tokens[self.at : self.at + 1] = [
                    Token("operator", "\\" + known, start, False),
                    *(Token("name", letter, start, False) for letter in rest),
                ]
                return self.command()
        raise Unreadable(f"{name} is not known")

    def decorated(self, name: str) -> Node:
        inside = self.argument()
        if name in (r"\boxed", r"\fbox"):
            return inside
        if name == r"\overline" and inside.op not in ("sym", "mul"):
            raise Unreadable("a line over something")
        if name in (r"\overset", r"\underbrace"):
            raise Unreadable(f"{name} is not known")
        return Node("sym", (name + _letters(inside),))

    def function(self, name: str) -> Node:
        """A function with its exponent, its base and its argument."""
        exponent: Node | None = None
        base: Node | None = None
        if name == "sqrt" or name == "cbrt":
            degree = _number("2" if name == "sqrt" else "3")
            if self.here.text == "[":
                self.at += 1
                degree = self.sum()
                self.expect("]")
            return Node("root", (self.argument_of_function(tight=True), degree))
        while self.here.text in ("^", "_"):
            sign = self.take().text
            found = self.group() if self.here.text == "{" else self.exponent()
            if sign == "^":
                exponent = found
            elif name in ("log", "lg"):
                base = found
            else:
                raise Unreadable(f"an index of {name}")
        inside = self.argument_of_function()
        args = (
            inside.items()
            if inside.op in ("tuple", "set") and name in ("gcd", "lcm", "max", "min")
            else (inside,)
        )
        if name == "log" and base is not None:
            args = (*args, base)
        if exponent is not None and exponent == Node("neg", (_number("1"),)) and "arc" + name in FUNCTIONS:
            return Node("call", ("arc" + name, args))
        found = Node("call", (name, args))
        return found if exponent is None else Node("pow", (found, exponent))

    def argument_of_function(self, *, tight: bool = False) -> Node:
        """Braces or brackets, or the factors that follow: sin 2x is sin(2x), sin x cos x is not nested."""
        self.deeper()
        if self.here.text in ("(", "[") and self.here.kind == "operator":
            found = self.postfix_of_bracket()
        elif tight:
            found = self.argument()
        elif self.here.text == "{":
            found = self.group()
        else:
            found = Node("neg", (self.power(),)) if self.accept("-") else self.power()
            while self.starts_factor() and not self.starts_function() and self.here.text != "(":
                found = self.juxtaposed(found)
            if self.here.text == "/" and found.op == "const" and self.next.kind == "number":
                self.at += 1
                found = Node("div", (found, self.power()))
        self.depth -= 1
        return found

    def postfix_of_bracket(self) -> Node:
        found = self.bracket()
        return found.node(0) if found.op in ("group", "square") else found

    def starts_function(self) -> bool:
        name = self.here.text.lstrip("\\")
        return (name in FUNCTIONS or name in _RENAMED) and name not in ("sqrt", "cbrt")

    def environment(self) -> Node:
        """A matrix: rows divided by \\\\, cells by &."""
        self.expect("{")
        name = self.take().text
        if self.here.text == "*":
            self.at += 1
            name += "*"
        self.expect("}")
        if name not in _MATRICES:
            raise Unreadable(f"the environment {name}")
        if name == "array" and self.here.text == "{":
            while self.take().text != "}":
                if self.here.kind == "end":
                    raise Unreadable("a brace that is not closed")
        self.deeper()
        self.depth += 1
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while True:
            if self.here.text == r"\end":
                break
            if self.here.kind == "end":
                raise Unreadable("an environment that does not end")
            if self.accept(r"\\"):
                rows.append(tuple(row))
                row = []
                continue
            if self.accept("&", r"\hline", ",", ";"):
                continue
            row.append(self.relation())
        if row:
            rows.append(tuple(row))
        self.at += 1
        self.expect("{")
        end = self.take().text
        if self.accept("*"):
            end += "*"
        self.expect("}")
        if end != name:
            raise Unreadable(f"{name} ended by {end}")
        self.depth -= 2
        if name in ("cases", "aligned", "align", "align*", "gathered", "split"):
            if any(len(cells) != 1 for cells in rows):
                raise Unreadable("cases with conditions")
            return Node("list", (tuple(cells[0] for cells in rows), "and"))
        if name == "vmatrix":
            raise Unreadable("a determinant")
        if not rows or any(len(cells) != len(rows[0]) for cells in rows):
            raise Unreadable("a matrix of unequal rows")
        return Node("matrix", (tuple(Node("row", (cells,)) for cells in rows),))


_CONSTANT_WORDS = {
    "pi": "pi", "infty": "infinity", "infinity": "infinity", "inf": "infinity", "Infinity": "infinity",
    "oo": "infinity", "Pi": "pi",
}  # fmt: skip


_BASES = {"two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
          "nine": "9",
          "ten": "10", "twelve": "12", "sixteen": "16"}  # fmt: skip


def _number(text: str) -> Node:
    """A number as it is written: 12, 0.5, 1.5e3, 0.\\overline{3}."""
    if len(text) > MAX_DIGITS:
        raise Unreadable(f"a number of more than {MAX_DIGITS:,} digits")
    if text.isdigit():
        return Node("num", (Fraction(int(text)), text))
    mantissa, _, exponent = text.lower().partition("e") if "\\" not in text else (text, "", "")
    if exponent:
        if abs(int(exponent)) > 400:
            raise Unreadable("an exponent of more than 400")
        value = Fraction(mantissa) * Fraction(10) ** int(exponent)
        return Node("num", (value, text))
    if "\\" in text or "(" in text or text.endswith(("...", "…")):
        return Node("num", (_repeating(text), text))
    return Node("num", (Fraction("0" + text if text.startswith(".") else text), text))


def _repeating(text: str) -> Fraction:
    """The value of a repeating decimal."""
    import re

    whole, _, decimals = text.partition(".")
    if decimals.endswith(("...", "…", "dots")):
        digits = re.match(r"\d+", decimals)
        assert digits is not None
        fixed, cycle = _cycle(digits.group())
    else:
        marks = (
            re.findall(r"\d", re.split(r"[^\d]", decimals, maxsplit=1)[1])
            if re.search(r"\D", decimals)
            else []
        )
        fixed_match = re.match(r"\d*", decimals)
        assert fixed_match is not None
        fixed, cycle = fixed_match.group(), "".join(marks)
    if not cycle:
        raise Unreadable("a decimal that goes on in an unknown way")
    start = Fraction(int((whole or "0") + fixed or "0"), 10 ** len(fixed))
    return start + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(fixed))


def _cycle(digits: str) -> tuple[str, str]:
    """Digits before a cycle and the cycle that the rest of them repeats, at least twice and a bit."""
    for fixed in range(len(digits)):
        rest = digits[fixed:]
        for size in range(1, len(rest) // 2 + 1):
            if len(rest) < max(3, 2 * size):
                continue
            if all(rest[place] == rest[place % size] for place in range(len(rest))):
                return digits[:fixed], rest[:size]
    return digits, ""


def _symbol(letter: str) -> Node:
    if letter in ("e", "i"):
        return Node("const", (letter,))
    return Node("sym", (letter,))


def _letters(node: Node) -> str:
    """The letters of a name such as AB under a line."""
    if node.op in ("sym", "const"):
        return node.text()
    if node.op == "num":
        return node.text(1)
    if node.op == "mul":
        return _letters(node.node(0)) + _letters(node.node(1))
    raise Unreadable("a mark over something that is no name")


def _operator(name: str) -> str:
    name = _RENAMED.get(name.strip(), name.strip())
    if name not in FUNCTIONS:
        raise Unreadable(f"the function {name}")
    return name
