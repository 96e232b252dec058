"""Formulas of a text under other variables, and in other LaTeX of the same meaning.

Formulas are found by their marks: `$...$`, `$$...$$`, `\\(...\\)`, `\\[...\\]`. A dollar sign opens a formula
if no white space follows it, and closes one if none stands before it and no digit after it (Pandoc's
rule), so that "$5 and $10" holds none.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from random import Random

# No body holds an opening mark of its kind, so that marks that never close cost one look each.
FORMULA = re.compile(
    r"\$\$(?:[^$\\]|\\.){1,4000}\$\$|\\\[(?:[^\\]|\\[^\[\]]){1,4000}\\\]|\\\((?:[^\\]|\\[^()]){1,4000}\\\)"
    r"|(?<![\\$])\$(?![\s$])(?!\d[^$\\]{0,4000}?[ ,][a-z]{2})(?:[^$\\]|\\.){1,4000}(?<!\s)\$(?![\d$])",
    re.DOTALL,
)
_OPEN_CLOSE = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}

# What holds no variables: text inside a formula, names of alphabets and environments, commands.
_SYMBOL = re.compile(
    r"\\(?:text\w*|math\w+|mbox|operatorname|begin|end|label|color)\*?\s*\{[^{}]*\}|\\[A-Za-z]+|\\."
    r"|(?P<run>[A-Za-z]+)",
    re.DOTALL,
)
_NO_VARIABLES = frozenset(
    (
        *("sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "gcd", "lcm", "max", "min", "mod"),
        *("deg", "det", "dim", "arg", "sup", "inf", "lim", "GCD", "LCM", "HCF", "AIME"),
        *("if", "or", "in", "is", "of", "to", "by", "at", "on", "be", "we", "st", "nd", "rd", "th"),
        *("cm", "mm", "km", "kg", "ft", "mi"),
    )
)
_CONSTANTS = frozenset("eid")  # Euler's number, the imaginary unit, the d of differentials
_LETTERS = string.ascii_lowercase, string.ascii_uppercase
_UNUSED = _CONSTANTS | frozenset("loIO")  # never a new name: read as digits, or constants
_IN_PROSE = re.compile(r"(?<![\w\\'’.])(?:[B-HJ-Zb-z]|[A-Z]{2,4})(?![\w'’])")
_OPTION = re.compile(r"(?:(?:^|\n)[ \t]*|\s)\($|(?:^|\n)[ \t]*$")


def split(formula: str) -> tuple[str, str, str]:
    """A formula's opening mark, body and closing mark."""
    opening = formula[:2] if formula[:2] in _OPEN_CLOSE else formula[:1]
    closing = _OPEN_CLOSE[opening]
    return opening, formula[len(opening) : -len(closing)], closing


def _around(text: str, in_formula: Callable[[str], str], in_prose: Callable[[str], str]) -> str:
    """The text with each formula and each piece between formulas replaced."""
    pieces, at = [], 0
    for found in FORMULA.finditer(text):
        pieces += [in_prose(text[at : found.start()]), in_formula(found[0])]
        at = found.end()
    return "".join([*pieces, in_prose(text[at:])])


def variables(text: str) -> list[str]:
    """The letters that stand for something in a text's formulas, sorted.

    A letter alone is one, and each letter of a run of capitals (points of a figure) or of a product such as
    `xy`; names of functions, units, e, i and the d of differentials are not.
    """
    runs = {
        symbol["run"]
        for formula in FORMULA.finditer(text)
        for symbol in _SYMBOL.finditer(split(formula[0])[1])
        if symbol["run"]
    } - _NO_VARIABLES
    letters = {letter for run in runs if _is_product(run) for letter in run}
    return sorted(letters - _CONSTANTS)


def _is_product(run: str) -> bool:
    return len(run) <= 2 or (run.isupper() and len(run) <= 6)


def rename_variables(text: str, random: Random) -> str | None:
    """Every variable under another letter of its case, everywhere the same; None if there are none.

    In prose, letters that stand alone and runs of renamed capitals follow their formulas; `a`, `A` and `I`
    do not, being words, nor marks of options such as `(B)`.
    """
    names = variables(text)
    renamed = _mapping(names, random)
    if not renamed:
        return None
    known = renamed.keys()

    def run(letters: str) -> str:
        whole = _is_product(letters) or set(letters) <= known
        return "".join(renamed.get(x, x) for x in letters) if whole else letters

    def in_formula(formula: str) -> str:
        opening, body, closing = split(formula)
        body = _SYMBOL.sub(
            lambda found: (
                run(found["run"]) if found["run"] and found["run"] not in _NO_VARIABLES else found[0]
            ),
            body,
        )
        return opening + body + closing

    def in_prose(prose: str) -> str:
        def letter(found: re.Match[str]) -> str:
            option = _OPTION.search(prose[max(0, found.start() - 9) : found.start()])
            if option and "B" <= found[0] <= "H" and prose[found.end() : found.end() + 1] in (")", ".", ":"):
                return found[0]
            return "".join(renamed[x] for x in found[0]) if set(found[0]) <= known else found[0]

        return _IN_PROSE.sub(letter, prose)

    changed = _around(text, in_formula, in_prose)
    return changed if changed != text else None


def _mapping(names: list[str], random: Random) -> dict[str, str]:
    """Another letter for every one: letters not yet used, or where too few are left, one another's."""
    renamed: dict[str, str] = {}
    for alphabet in _LETTERS:
        own = [name for name in names if name in alphabet]
        free = [letter for letter in alphabet if letter not in names and letter not in _UNUSED]
        if len(free) >= len(own):
            renamed |= {name: free.pop(int(random.random() * len(free))) for name in own}
        elif len(own) > 1:
            renamed |= dict(zip(own, [*own[1:], own[0]], strict=True))
    return renamed


# One level of braces inside an argument; deeper fractions keep their form.
_ARGUMENT = r"\{((?:[^{}]|\{[^{}]*\})*)\}"
_FRACTION = re.compile(rf"(?<![\w^_}}{{)])\s*\\[dt]?frac\s*{_ARGUMENT}\s*{_ARGUMENT}(?!\s*[\w({{\\^_])")
_ATOM = re.compile(r"\d+|[A-Za-z]|\\[a-z]+")
_SAME = (
    *(("\\le", "\\leq"), ("\\ge", "\\geq"), ("\\ne", "\\neq"), ("\\to", "\\rightarrow")),
    *(("\\ldots", "\\dots"), ("\\text", "\\mbox"), ("\\land", "\\wedge"), ("\\lor", "\\vee")),
)
_OTHER_NAME = {a: b for pair in _SAME for a, b in (pair, pair[::-1])}
_COMMAND = re.compile(r"\\[A-Za-z]+")


def _as_slash(found: re.Match[str]) -> str:
    above, below = (
        part if _ATOM.fullmatch(part) else f"({part})" for part in (found[1].strip(), found[2].strip())
    )
    return f" {above}/{below}" if found[0][0].isspace() else f"{above}/{below}"


def _fraction_command(body: str) -> str:
    if "\\dfrac" in body or "\\tfrac" in body:
        return re.sub(r"\\[dt]frac(?![A-Za-z])", r"\\frac", body)
    return re.sub(r"\\frac(?![A-Za-z])", r"\\dfrac", body)


def _slashed(body: str) -> str:
    return _FRACTION.sub(_as_slash, body)


def _stretched(body: str) -> str:
    """\\left and \\right gone, or put before round brackets where these are balanced."""
    if "\\left" in body:
        if re.search(r"\\(?:left|right)\s*[.<>/\\]", body):
            return body
        return re.sub(r"\\(?:left|right)(?![A-Za-z])\s*", "", body)
    depth = 0
    for letter in body:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            return body
    plain = depth == 0 and not re.search(r"\\[()]|\\[bB]igg?[lr]?|\\begin|&", body)
    return body.replace("(", "\\left(").replace(")", "\\right)") if plain else body


def _times(body: str) -> str:
    """A product of two numbers with a cross; not the other way, for a 3 × 3 grid is no product."""
    return re.sub(r"(?<=\d)\s*\\cdot\s*(?=\d)", r" \\times ", body)


def _braced(body: str) -> str:
    """Exponents and subscripts of one letter or digit with braces, or without."""
    if re.search(r"[\^_]\{\w\}(?!\w)", body):
        return re.sub(r"([\^_])\{(\w)\}(?!\w)", r"\1\2", body)
    return re.sub(r"([\^_])(\w)", r"\1{\2}", body)


def _spaced(body: str) -> str:
    """White space around signs added, or taken away."""
    if re.search(r"\w [+=<>]", body):
        return re.sub(r"(?<=[\w}]) ([+=<>]) (?=[\w{(\\-])", r"\1", body)
    return re.sub(r"(?<=[\w})])([+=<>])(?=[\w{(\\-])", r" \1 ", body)


def _renamed_commands(body: str) -> str:
    return _COMMAND.sub(lambda found: _OTHER_NAME.get(found[0], found[0]), body)


def _thin_spaces(body: str) -> str:
    if "\\," in body:
        return body.replace("\\,", " ")
    return re.sub(r", (?=[\w\\])", r",\\, ", body)


REWRITES: tuple[Callable[[str], str], ...] = (
    *(_fraction_command, _slashed, _stretched, _times, _braced, _spaced, _renamed_commands, _thin_spaces),
)
_MARKS = {"$": ("\\(", "\\)"), "\\(": ("$", "$"), "$$": ("\\[", "\\]"), "\\[": ("$$", "$$")}


def rewrite_latex(text: str, random: Random) -> str | None:
    """The formulas with other marks, commands, fractions, brackets and spaces; None if there are none.

    Each rewriting is taken with probability 0.6 for the whole text, all of them if that changes nothing.
    Drawings between [asy] and [/asy] stay.
    """
    if "[asy]" in text:
        return None
    taken = [random.random() < 0.6 for _ in range(len(REWRITES) + 1)]
    for chosen in (taken, [True] * len(taken)):
        steps = [step for step, on in zip(REWRITES, chosen[1:], strict=True) if on]
        changed = _around(text, lambda formula: _rewritten(formula, steps, chosen[0]), str)  # noqa: B023
        if changed != text:
            return changed
    return None


def _rewritten(formula: str, steps: list[Callable[[str], str]], other_marks: bool) -> str:
    opening, body, closing = split(formula)
    for step in steps:
        body = step(body)
    if other_marks and not (opening == "\\(" and (body[:1].isspace() or body[-1:].isspace() or "$" in body)):
        opening, closing = _MARKS[opening]
    return opening + body + closing
