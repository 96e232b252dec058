"""What stands alone in a formula: numbers, names, words, and whatever begins with a bracket or a command."""

from __future__ import annotations

from curate.answers.forms.commands import Commands, is_symbols, symbol
from curate.answers.forms.literals import number
from curate.answers.forms.nodes import Node
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.vocabulary import APPLIED, CONSTANTS, FUNCTIONS, GREEK, RENAMED, ROUNDING


class Things(Commands):
    """The part of the grammar that reads what stands alone."""

    def primary(self) -> Node:
        """A number, a name, a command with its arguments, something in brackets."""
        token = self.here
        match token.kind:
            case "number":
                self.at += 1
                found = number(token.text)
                return self.mixed(found) if token.text.isdigit() else found
            case "grouped":
                return self.grouped()
            case "name":
                self.at += 1
                return self.applied(token.text) or symbol(token.text)
            case "word":
                return self.word()
            case "text":
                return self.text()
        match token.text:
            case "(" | "[" | "]" | r"\{" | r"\langle":
                return self.bracket()
            case "{":
                return self.group()
            case "|" | r"\|":
                return self.absolute()
            case r"\lfloor" | r"\lceil":
                return self.rounded()
        if token.text.startswith("\\"):
            return self.command()
        raise Unreadable(f"{token.text!r} where a number or name should be")

    def mixed(self, whole: Node) -> Node:
        """A whole number with the fraction behind it that makes it a mixed number, if there is one."""
        above, below = self.here, self.token(2)
        digits = [token.text for token in (above, below) if token.kind == "number" and token.text.isdigit()]
        if len(digits) == 2 and above.after_blank and self.next.text == "/":
            if int(digits[0]) < int(digits[1]):
                self.at += 3
                return Node("mixed", (whole, Node("div", (number(digits[0]), number(digits[1])))))
        elif not self.raised and self.stands(r"\frac") and self.is_proper_fraction():
            return Node("mixed", (whole, self.command()))
        return whole

    def is_proper_fraction(self) -> bool:
        r"""Whether the arguments of the \frac here are digits, fewer above, and no power is behind them."""
        ahead, rest, parts = 1, "", list[int]()
        for _ in range(2):
            token = self.token(ahead)
            if rest:
                digits, rest = rest[0], rest[1:]
            elif token.text == "{" and self.token(ahead + 2).text == "}":
                digits = self.token(ahead + 1).text
                ahead += 3
            elif token.kind == "number":
                digits, rest = token.text[0], token.text[1:]
                ahead += 1
            else:
                return False
            if not (digits + rest).isdecimal():
                return False
            parts.append(int(digits))
        return parts[0] < parts[1] and (bool(rest) or self.token(ahead).text not in ("^", "!"))

    def applied(self, name: str) -> Node | None:
        """f(0): a name with a number in brackets directly behind it is a function's value, not a product."""
        sign = int(self.next.text == "-")
        argument = self.token(1 + sign)
        if name[0] not in APPLIED or not self.stands("(") or self.here.after_blank:
            return None
        if argument.kind != "number" or self.token(2 + sign).text != ")" or self.token(3 + sign).text == "^":
            return None
        self.at += 3 + sign
        return Node("sym", (f"{name}({'-' * sign}{argument.text})",))

    def grouped(self) -> Node:
        """1,234: a number, or in brackets items of a list."""
        before = self.tokens[self.at - 1].text if self.at else ""
        token = self.take()
        comma_before = before == "," and not token.after_blank
        comma_behind = self.stands(",") and not self.next.after_blank and self.next.kind != "end"
        alone = before == "{" and self.stands("}")
        if alone or (self.inside == 0 and not comma_before and not comma_behind):
            return Node("num", (number(token.text.replace(",", "")).args[0], token.text))
        self.at -= 1
        first, *others = token.text.split(",")
        self.replace(first, *(sign for other in others for sign in (",", other)))
        return number(self.take().text)

    def word(self) -> Node:
        """The name of a function, a constant or a letter, or a product of letters."""
        text = self.here.text
        name = RENAMED.get(text, text)
        if name not in FUNCTIONS and not is_symbols(name) and not self.is_product(name):
            raise Unreadable("words")
        self.at += 1
        if name in FUNCTIONS:
            return self.function(name)
        if name in CONSTANTS:
            return Node("const", (CONSTANTS[name],))
        if name in GREEK:
            return Node("sym", (name,))
        if self.stands("^", "_"):  # only the last letter has the exponent
            self.at -= 1
            self.replace(*name)
            return self.postfix()
        found = symbol(name[0])
        for letter in name[1:]:
            found = Node("mul", (found, symbol(letter)))
        return found

    def text(self) -> Node:
        r"""The function, number or variable that a \text{...} holds."""
        text = self.here.text.strip()
        name = RENAMED.get(text, text)
        found = None if name in FUNCTIONS else self.read_text(text)
        if name not in FUNCTIONS and found is None:
            raise Unreadable("words")
        self.at += 1
        return self.function(name) if found is None else found

    def rounded(self) -> Node:
        """What stands between the brackets of a floor or a ceiling."""
        closing, name = ROUNDING[self.take().text]
        self.deeper(2)
        inside = self.relation()
        self.depth -= 2
        self.expect(closing)
        return Node("call", (name, (inside,)))
