"""The text of an answer without what only wraps it."""

from __future__ import annotations

import re

from curate.answers.extract import tidy
from curate.answers.forms.literals import cycle_of
from curate.answers.latex import as_latex

MAX_WRAPPERS = 8
_WRAPPED = re.compile(
    r"\\(?:boxed|fbox|displaystyle|math(?:bf|rm)|boldsymbol|bm|ensuremath|text(?:bf|rm|it)?|rm|bf|mbox"
    r"|underline)\s*\{(.*)\}",
    re.DOTALL,
)
_PAIRS = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("**", "**"), ("`", "`"))
_NOISE = re.compile(
    r"\\(?:left|right)\s*\.|\\(?:displaystyle|textstyle|limits|nolimits|hfill|centering|quad\s*$)(?![A-Za-z])"
)
_LEAD = re.compile(
    r"(?:approximately|about|roughly|around|≈|\\approx(?![A-Za-z]))\s*(?=[-\d.\\$])"
    r"|(?:so\b|thus\b|hence\b|therefore\b)?[\s,]*"
    r"(?:(?:the\s+)?(?:final\s+|correct\s+)?(?:answer|option|choice)\s*(?:is|:)+)\s*",
    re.IGNORECASE,
)
"""What leads to an answer without being part of it."""
_BRACE = re.compile(r"(?<!\\)[{}]")
_BEGIN = re.compile(r"(?<!\\)\\begin")
_BLANKS = re.compile(r"(\s)\s{2,}")
_REPEATING = re.compile(r"\.(\d{1,100})\s*(?:\(repeating\)|repeating\b)")
_ORDINAL = re.compile(
    r"(\d)\s*\^\s*(?:\{\s*)?(?:\\(?:text|mathrm|rm)(?![A-Za-z])\s*\{?\s*)?(?:st|nd|rd|th)\s*(?:\}\s*){0,2}$"
)
_MAXIMA = re.compile(r"(?<![\d\\])%(pi|e|i)(?![A-Za-z])")
_STRAY = re.compile(r"(?<!\\)\\(?=\d|\Z)")
_TITLED = re.compile(r"(?=[A-Za-z _]*[A-Za-z]{3})[A-Za-z][A-Za-z _]{2,60}(?:=|:|\bis\b)\s*(?P<rest>[^=]+)")
_TIMES_TEN = re.compile(r"(\d)\s*[xX]\s*10(?=\s*\^)")
_ESCAPED = re.compile(r"\\(?=\\[A-Za-z(\[])")
_NOTHING_IN_BRACES = re.compile(r"(?:[_^]\s*)?\{?\\(?:text|mathrm|mbox)\{\s*\}\}?|[_^]\{\s*\}")
_MONEY = ("$", r"\$", "-$")


def unwrapped(text: str) -> str:
    r"""A text as LaTeX without what only wraps it: dollars, boxes, bold, a full stop, "the answer is".

    >>> unwrapped(r"The answer is **$\boxed{\frac12}$**.")
    '\\frac12'
    """
    plain = _rewritten(as_latex(text))
    for _ in range(MAX_WRAPPERS):
        before = plain
        plain = _without_command(_without_pairs(tidy(plain)))
        lead = _LEAD.match(plain)
        plain = plain[lead.end() :] if lead else plain
        if plain == before:
            break
    if plain.startswith(_MONEY) and plain.count("$") == 1:
        return plain
    parts = plain.split(r"\$")
    return r"\$".join(_NOISE.sub("", part).replace("$", " ") for part in parts).strip()


def untitled(plain: str) -> str | None:
    """What stands behind words that are its name; None without such words.

    >>> untitled("Total_cost = 80")
    '80'
    """
    titled = _TITLED.fullmatch(plain)
    return titled["rest"] if titled else None


def _rewritten(plain: str) -> str:
    """A text with what is often written wrongly written as it should be."""
    plain = _BLANKS.sub(r"\1\1", plain)  # of more than two, patterns would try every part of a run
    if r"\\begin{" in plain and _BEGIN.search(plain) is None:
        plain = plain.replace("\\\\", "\\")  # of a JSON string that nobody decoded
    if "repeating" in plain:
        plain = _REPEATING.sub(_repeating, plain)
    if "\\" in plain and r"\begin" not in plain:
        plain = _STRAY.sub("", plain)
    if "%" in plain:
        plain = _MAXIMA.sub(lambda found: r"\pi " if found[1] == "pi" else found[1], plain)
    if "^" in plain:
        plain = _ORDINAL.sub(r"\1", plain)
    if "10" in plain:
        plain = _TIMES_TEN.sub(r"\1\\times 10", plain)
    if r"\\" in plain and r"\begin" not in plain:
        plain = _ESCAPED.sub("", plain)
    if "{}" in plain or "{ }" in plain:
        plain = _NOTHING_IN_BRACES.sub("", plain)
    return plain


def _repeating(decimals: re.Match[str]) -> str:
    """The digits that are said to repeat: those that do where some do already, all where none do."""
    fixed, cycle = cycle_of(decimals[1])
    return rf".{fixed}\overline{{{cycle}}}" if cycle else rf".\overline{{{fixed}}}"


def _without_pairs(plain: str) -> str:
    r"""A text without dollars, brackets of a formula, bold signs or braces around all of it."""
    for left, right in _PAIRS:
        inner = plain[len(left) : -len(right)]
        is_pair = plain.startswith(left) and plain.endswith(right) and len(plain) >= len(left + right)
        if is_pair and left not in inner:
            plain = inner.strip()
    if plain.startswith("{") and _closes_last(plain):
        plain = plain[1:-1].strip()
    return plain


def _without_command(plain: str) -> str:
    r"""A text without a \boxed{...} or the like around all of it."""
    wrapped = _WRAPPED.fullmatch(plain)
    if wrapped is None or not _closes_last(plain[plain.index("{") :]):
        return plain
    return wrapped.group(1).strip() or plain


def _closes_last(text: str) -> bool:
    """Whether the brace a text opens with is closed by its last sign."""
    depth = 0
    for brace in _BRACE.finditer(text):
        depth += 1 if brace.group() == "{" else -1
        if depth == 0:
            return brace.end() == len(text)
    return False
