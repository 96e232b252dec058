r"""The signs of an answer: numbers, names, commands, brackets. LaTeX and plain text alike."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Kind = Literal["number", "grouped", "name", "word", "text", "operator", "end"]

MAX_TOKENS = 2_000


def names(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


class Unreadable(ValueError):  # noqa: N818 - not an error: the next tier reads it
    """A text is no formula of the kinds that are read here."""


class Token(NamedTuple):
    """A sign of an answer and where it starts."""

    kind: Kind
    text: str
    start: int
    after_blank: bool


_NUMBER = r"(?:\d+(?:\.\d+)?|\.\d+)"
_SEPARATOR = r"(?:\{,\}|,\s*\\!\s*|\\,|\\!|\\[ ]|\\;)"
_TOKEN = re.compile(
    rf"""(?P<blank>(?:\s|~|\\[,!;:>\ ]|\\q?quad(?![A-Za-z])|\\hspace\*?\{{[^{{}}]*\}})+)
    |(?P<repeating>\d*\.\d*+(?:
        \\(?:overline|bar)\s*(?:\{{\s*\d+\s*\}}|\d)
        |\\dot\s*\{{?\d\}}?(?:\d*\\dot\s*\{{?\d\}}?)?
        |\(\d{{1,20}}\)(?![\d.(^!])
        |(?<=\d{{3}})(?:\.\.\.|\\[lc]?dots(?![A-Za-z])|…)))
    |(?P<scientific>\d+(?:\.\d+)?[eE][-+]?\d{{1,4}}(?![\d.A-Za-z]))
    |(?P<spaced>[1-9]\d{{0,2}}(?:{_SEPARATOR}\d{{3}})+(?!\d)(?:\.\d+)?
      |[1-9]\d{{0,2}}(?:[\ \u00a0]\d{{3}})+(?![\d/.])(?:\.\d+)?)
    |(?P<grouped>[1-9]\d{{0,2}}(?:,\d{{3}})+(?!\d)(?:\.\d+)?)
    |(?P<number>{_NUMBER})
    |\\(?P<text>text(?:bf|it|rm|sf|tt|normal)?|mbox|math(?:rm|bf|it|sf|bb|cal|frak)|bm|boldsymbol
        |operatorname\*?|emph|rm|bf)(?![A-Za-z])\s*
    |(?P<command>\\(?:[A-Za-z]+|.))
    |%(?P<maxima>pi|e|i)(?![A-Za-z])
    |(?P<joint>(?<=[\d)}}\]])(?:or|and)(?=[^a-z]|[a-z]\W))
    |(?P<word>[A-Za-z]+)
    |(?P<operator>\*\*|:=|<=|>=|!=|==|=>|->|\.\.\.|\S)""",
    re.VERBOSE | re.DOTALL,
)
_SIZES = names(
    r"\left \right \big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr "
    r"\displaystyle \textstyle \scriptstyle \limits \nolimits \middle \it \! \/ "
    r"\mathstrut"
)
_SAME = {
    r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac", r"\leq": r"\le", r"\geq": r"\ge",
    r"\leqslant": r"\le", r"\geqslant": r"\ge", "<=": r"\le", ">=": r"\ge", "!=": r"\ne", r"\neq": r"\ne",
    "==": "=", r"\lt": "<", r"\gt": ">", r"\cdot": "*", r"\times": "*", r"\ast": "*", "**": "^",
    r"\div": "/", r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]",
    r"\lparen": "(", r"\rparen": ")", r"\vert": "|", r"\lvert": "|", r"\rvert": "|", r"\mid": "|",
    r"\|": r"\|", r"\Vert": r"\|", r"\lVert": r"\|", r"\rVert": r"\|", r"\to": "->",
    r"\rightarrow": "->", r"\dbinom": r"\binom", r"\tbinom": r"\binom", r"\colon": ":",
    r"\varnothing": r"\emptyset", r"\land": "and", r"\lor": "or", r"\wedge": "and", r"\vee": "or",
    r"\simeq": r"\approx", r"\cong": r"\approx", r"\doteq": r"\approx",
    r"\dots": "...", r"\ldots": "...", r"\cdots": "...", "…": "...", r"\degree": r"\circ",
    r"\backslash": r"\setminus", r"\Rightarrow": "=>", r"\implies": "=>", r"\iff": "=>",
    r"\Leftrightarrow": "=>", r"\iota": "i", r"\varphi": r"\phi", r"\varepsilon": r"\epsilon",
    r"\vartheta": r"\theta", r"\prime": "'",
}  # fmt: skip


def tokens(text: str) -> list[Token]:
    r"""The tokens of a text, without sizes and blanks; the last one is of kind `end`.

    >>> [token.text for token in tokens(r"\left(1,\,\dfrac12\right)")]
    ['(', '1', ',', '\\frac', '12', ')', '']

    Raises Unreadable where there are too many or a `\text{` does not end.
    """
    found: list[Token] = []
    at, blank = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unreadable(f"a sign that nothing begins with at {at}")
        kind, end = match.lastgroup, match.end()
        piece = match.group()
        if kind == "blank":
            blank = True
        elif kind == "text":
            content, end = _braced(text, end)
            found.append(Token("text", content, at, blank))
            blank = False
        else:
            token = _token(kind or "", piece, at, blank)
            if token is not None:
                found.append(token)
                blank = False
        at = end
        if len(found) > MAX_TOKENS:
            raise Unreadable(f"more than {MAX_TOKENS:,} signs")
    found.append(Token("end", "", len(text), blank))
    return found


def _token(kind: str, piece: str, at: int, blank: bool) -> Token | None:
    """A token of a piece of text; None for one that says nothing."""
    match kind:
        case "number" | "repeating" | "scientific":
            return Token("number", piece, at, blank)
        case "spaced":
            return Token("number", re.sub(r"[^\d.]", "", piece), at, blank)
        case "grouped":
            return Token("grouped", piece, at, blank)
        case "maxima" if piece == "%pi":
            return Token("operator", r"\pi", at, blank)
        case "maxima":
            return Token("name", piece[1:], at, blank)
        case "joint":
            return Token("word", piece, at, blank)
        case "word":
            return Token("name" if len(piece) == 1 else "word", piece, at, blank)
    if piece in _SIZES:
        return None
    piece = _SAME.get(piece, piece)
    return Token("word" if piece in ("and", "or") else "operator", piece, at, blank)


def _braced(text: str, at: int) -> tuple[str, int]:
    r"""The content of the braces at `at` (or the one sign that stands there) and where it ends."""
    if at >= len(text):
        raise Unreadable("a command without what it applies to")
    if text[at] != "{":
        return text[at], at + 1
    depth = 0
    for end in range(at, len(text)):
        if text[end] == "{":
            depth += 1
        elif text[end] == "}":
            depth -= 1
            if depth == 0:
                return text[at + 1 : end], end + 1
    raise Unreadable("a brace that is not closed")
