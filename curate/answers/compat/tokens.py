r"""The tokens that Math-Verify's formula reader cuts a text into.

Like a lexer made by ANTLR: at each place the longest token wins, whatever the words look like: `\pir` is
`\pi` and `r`, `tr` in "try" is the name of the trace, `dx` anywhere is a differential.
Source: latex2sympy2_extended 1.11.0, grammar PS.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Token(NamedTuple):
    """A piece of the text; kind is the name of a literal's group, or of its pattern."""

    kind: str
    text: str


class NoToken(Exception):  # noqa: N818 - says what a text is
    """The text has a character that starts no token: Math-Verify cannot read it."""


class Unsure(Exception):  # noqa: N818 - not an error: Math-Verify is asked
    """Not known here; Math-Verify has to be asked."""


_LITERALS = {
    "transpose": r"^T ^{T} '",
    "degree": r"^\circ ^\degree ^\circle ^° ^{\circ} ^{\degree} ^{\circle} ^{°}",
    "+": "+ ∔ ⊕ ⊞",
    "-": "- − ∸",
    "*": r"* × ⋅ ⋄ ⊡ ∗ ⋆ ∘ ∙ ⊗ ⊠ ⋈ ⋉ ⋊ \times \cdot",
    "/": r"/ ÷ ∕ \over \div",
    "mod": r"\mod",
    "(": "(",
    ")": ")",
    r"\(": r"\(",
    r"\)": r"\)",
    "lgroup": r"\lgroup",
    "rgroup": r"\rgroup",
    "{": "{",
    "}": "}",
    r"\{": r"\{",
    r"\}": r"\}",
    "lbrace": r"\lbrace",
    "rbrace": r"\rbrace",
    "[": "[",
    "]": "]",
    "lbrack": r"\lbrack",
    "rbrack": r"\rbrack",
    "phantom": r"\phantom",
    "boxed": r"\boxed",
    "|": "|",
    "lvert": r"\lvert",
    "rvert": r"\rvert",
    "vert": r"\vert",
    "norm": r"\|",
    "langle": r"\langle",
    "rangle": r"\rangle",
    "lfloor": r"\lfloor",
    "rfloor": r"\rfloor",
    "llcorner": r"\llcorner",
    "lrcorner": r"\lrcorner",
    "lceil": r"\lceil",
    "rceil": r"\rceil",
    "ulcorner": r"\ulcorner",
    "urcorner": r"\urcorner",
    "lim": r"\lim",
    "to": r"\to \rightarrow \Rightarrow \longrightarrow \Longrightarrow",
    "int": r"\int",
    "sum": r"\sum \prod",
    "gamma": r"\Gamma \gamma",
    "function": (
        r"\log \ln \exp \sin \cos \tan \csc \sec \cot \arcsin \arccos \arctan \arccsc \arcsec \arccot"
        r" \sinh \cosh \tanh \arsinh \arcosh \artanh \arcsinh \arccosh \arctanh \floor \ceil \det"
    ),
    "functions": r"\gcd \lcm \max \min",
    "name": (
        "arsinh arcsinh arcosh arccosh artanh arctanh floor ceil eye cols rows norm rank trace tr rref"
        " nullspace eig eigen diagonalize eigenvals eigenvalues eigenvects eigenvectors svd SVD"
    ),
    "names": "gcd lcm zeros ones diag hstack vstack orth ortho orthogonal orthogonalize",
    "sqrt": r"\sqrt",
    "frac": r"\frac \dfrac \tfrac \cfrac",
    "binom": r"\binom \tbinom \dbinom",
    "choose": r"\choose",
    "unused": r"\mathit matrix pmatrix bmatrix vmatrix . \mathbb{P} ℙ",
    "operatorname": r"\operatorname",
    "begin": r"\begin{matrix} \begin{pmatrix} \begin{bmatrix}",
    "end": r"\end{matrix} \end{pmatrix} \end{bmatrix}",
    "endarray": r"\end{array}",
    "beginvmatrix": r"\begin{vmatrix}",
    "endvmatrix": r"\end{vmatrix}",
    "&": "&",
    r"\\": r"\\",
    "_": "_",
    "^": "^",
    ":": ":",
    ";": ";",
    ",": ",",
    "e": r"e \exponentialE",
    "E": "E",
    "xrightarrow": r"\xrightarrow \xRightarrow",
    "exchange": r"<-> <=> \leftrightarrow \Leftrightarrow",
    "in": r"\in",
    "=": "= ≡ ≣ ≟ ≎ ≏ ≐ ≑ ≒ ≓ ≔ ≕ ≖ ≗",
    "==": r"== \equiv",
    "~=": r"~= ≈ ≊ ≋ ≃ ≅ \approx",
    "<": r"< ≪ ≺ ⋖ \lt",
    "<=": r"\leq \le \leqslant ≤ ≦ ≲ ≾ <=",
    ">": r"> ≫ ≻ ⋗ \gt",
    ">=": r"\geq \ge \geqslant ≥ ≧ ≳ ≿ >=",
    "!=": r"!= !== \ne \neq \not\equiv ≠ ≁ ≄ ≇ ≉ ≢",
    "!": "!",
    "symbol": r"\partial \infty \$\infty \infty% \infty\%",
    "N": r"\mathbb{N} ℕ",
    "Z": r"\mathbb{Z} ℤ",
    "Q": r"\mathbb{Q} ℚ",
    "R": r"\mathbb{R} ℝ",
    "C": r"\mathbb{C} ℂ",
    "cup": r"\cup ∪",
    "cap": r"\cap ∩",
    "setminus": r"\setminus ∖",
    "+-": r"\pm ± ∓ \mp",
    "emptyset": r"\emptyset ∅ \{\} \lbrace\rbrace",
    "supset": r"\supseteq ⊇",
    "subset": r"\subseteq ⊆",
    "notin": r"\notin ∉",
    "": (
        r"\, \thinspace \: \medspace \; \thickspace \quad \qquad \! \negthinspace \negmedspace"
        r" \negthickspace \$ \vrule \vcenter \vbox \vskip \vspace \hfil"
    ),
}
"""Kind of token -> what it is written as; the kind "" is skipped, `unused` is in no formula."""

_GREEK = (
    r"\alpha α \beta β \gamma γ \Gamma Γ \delta δ \Delta Δ \epsilon ε \varepsilon ϵ \zeta ζ \eta η \theta θ"
    r" \Theta Θ \vartheta ϑ \iota ι \kappa κ \lambda λ \Lambda Λ \mu μ \nu ν \xi ξ \Xi Ξ \omicron ο \pi π"
    r" \Pi Π \varpi ϖ \rho ρ \varrho ϱ \sigma σ \Sigma Σ \varsigma ς \tau τ \upsilon υ \Upsilon Υ \phi φ"
    r" \Phi Φ \varphi ϕ \chi χ \psi ψ \Psi Ψ \omega ω \Omega Ω"
)
_OTHER = (
    r"\Bbbk \wp \nabla \bigstar \angle \nexists \diagdown \measuredangle \eth ℵ ℶ ℷ ℸ \diagup"
    r" \sphericalangle \clubsuit \varnothing \Diamond \complement \diamondsuit \imath \Finv \triangledown"
    r" \heartsuit \jmath \Game \triangle \spadesuit \ell \hbar \vartriangle \hslash \blacklozenge \lozenge"
    r" \blacksquare \mho \blacktriangle \sharp \prime \Im \flat \square \backprime \Re \natural \surd"
    r" \circledS"
)
_ACCENTS = (
    "acute bar overline breve check widecheck dot ddot grave hat tilde widetilde vec overrightarrow bm"
    " boldsymbol text textit textbf textnormal mathbb mathbin mathbf mathcal mathclap mathclose"
    " mathellipsis mathfrak mathinner mathit mathnormal mathop mathopen mathord mathpunct mathrel mathring"
    " mathrlap mathrm mathscr mathsf mathsterling mathtt mbox"
)


def _longest_first(written: str) -> str:
    return "|".join(re.escape(one) for one in sorted(written.split(), key=lambda one: (-len(one), one)))


_KIND = {text: kind for kind, written in _LITERALS.items() for text in written.split()}
_LITERAL = re.compile(_longest_first(" ".join(_KIND)))
_LONG = {
    "\\": (
        ("letter", re.compile(rf"(?:{_longest_first(_GREEK)}|{_longest_first(_OTHER)}) ?")),
        ("accent", re.compile(rf"\\(?:{'|'.join(_ACCENTS.split())})[ \t\r\n]?\{{[^}}]*\}}")),
        ("array", re.compile(r"\\begin\{array\}\{[clr]*\}")),
    ),
    "d": (("differential", re.compile(r"d[ \t\r\n]*(?:[A-Za-z]|\\[A-Za-z]+)")),),
}
"""Other tokens, by the character they begin with; a literal that is as long comes before them."""
_CHARACTER = re.compile(rf"(?:{_longest_first(_GREEK + ' ' + _OTHER)}) ?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_AFTER_NUMBER = re.compile(r"(?P<power>E[-+−∸∔⊕⊞]?[0-9]+)|(?P<percent>[ \t\r\n]?\\?%)")
_LETTER = frozenset("abcdfghijklmnopqrstuvwxyzABCDFGHIJKLMNOPQRSTUVWXYZ")
_DIGIT = frozenset(".0123456789")


def tokens(text: str) -> list[Token]:
    """The tokens of a text, without blanks. Raises NoToken where it has none, Unsure at rare ones."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        first = text[at]
        if first in " \t\r\n":
            at += 1
            continue
        if first in _DIGIT and (number := _NUMBER.match(text, at)):
            token = _number(text, number)
        elif first in _LETTER and first not in _NAMED:
            token = Token("letter", first)
        else:
            token = _longest(text, at, first)
        if token.kind:
            found.append(token)
        at += len(token.text)
    return found


_NAMED = frozenset({one[0] for one in _KIND if one[0].isalpha() and one[0].isascii()} | {"d"})


def _number(text: str, number: re.Match[str]) -> Token:
    """A number, with the power of ten or the percent sign behind it."""
    after = _AFTER_NUMBER.match(text, number.end())
    if after is None:
        return Token("number", number.group())
    if after.group("power"):
        return Token("power", number.group() + after.group())
    return Token("percent", number.group() + after.group())


def _longest(text: str, at: int, first: str) -> Token:
    literal = _LITERAL.match(text, at)
    best = Token(_KIND[literal.group()], literal.group()) if literal else None
    if best is None and first in _LETTER:
        best = Token("letter", first)
    for kind, pattern in _LONG.get(first, ()):
        match = pattern.match(text, at)
        if match is not None and (best is None or len(match.group()) > len(best.text)):
            best = Token(kind, match.group())
    if best is None and (match := _CHARACTER.match(text, at)):
        best = Token("letter", match.group())
    if best is None:
        if text.startswith(("\\variable", "\\char"), at):
            raise Unsure
        raise NoToken
    if best.kind == "accent" and "\\}" in best.text:
        raise Unsure
    return best
