r"""What a sentence names: its formula, its number, its bold words, else all of it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from curate.answers.extract.boxes import is_gap
from curate.answers.extract.pieces import COVER, COVERED, Piece, Span, sentence_end, tidy_span

_SPACED = r"[1-9]\d{0,2}(?:[ \u00a0\u202f]\d{3})++(?=\s*(?:[.!?](?:\s|\Z)|\n|\*\*|\Z))"
"""9 500 at the end of a sentence; in the middle of one two numbers may stand side by side."""
_DIGITS = rf"(?:{_SPACED}|\d(?:[\d,]*\d)?(?:\.\d+)?|\.\d+)"
_NUMBER = (
    rf"(?:\d+[ \t]\d+\s?/\s?\d+|{_DIGITS}?[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]|{_DIGITS}(?:\s?/\s?{_DIGITS}|(?::\d+)+)?"
    r"(?:[eE][-+]?\d+|\s?(?:×|\\times|\*|·|x)\s?10(?:\s?\^\s?(?:\{[-+−]?\d+\}|[-+−]?\d+)|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))?)"
    r"(?:\s?\\?[%٪])?"
)
_CURRENCY = r"(?:(?:US|[AC]\$?|HK|Rs\.?)?\s?\\?[$€£¥₹₽₩฿]\s?|Rs\.?\s|RM\s?)"
_LEADING_NUMBER = re.compile(rf"(?:{_CURRENCY})?(?P<number>(?:[-+−](?:{_CURRENCY})?)?(?>{_NUMBER}))")
_UNIT = (
    r"(?:hours?|hrs?|minutes?|mins?|seconds?|secs?|days?|weeks?|months?|years?|feet|foot|ft|inch(?:es)?|yards?"
    r"|pounds?|lbs?|ounces?|oz|dollars?|cents?|euros?|degrees?|gallons?|quarts?|k?m|cm|kg|dozens?)"
)
_GOES_ON = re.compile(
    rf"\s*(?:and\b|or\b|to\s+\d|:\s*\d|,\s*(?:(?:and|or)\s+)?-?\d|[-+*/^=×÷±\\(\[{{<>≤≥≈√π{COVER}]|!\s*[-+*/=^×!\d(]"
    rf"|[A-Za-z]\s*[-+*/^=]|(?:[A-Za-z]{{2,20}}\s+){{1,3}}and\s+\d|{_UNIT}[,\s]*(?:and\s+)?\d)|[A-Za-z]\b(?!['’])",
    re.IGNORECASE,
)
_AND_ANOTHER = re.compile(r"\s+(?:[A-Za-z]{2,20}\s+){1,3}and\s+\d")  # "9 chickens and 10 rabbits"
_RAW_LATEX = (
    r"[-+−]?\d*\s?\\(?:[dtc]?frac\s?\{[^{}\n]{0,40}\}\s?\{[^{}\n]{0,40}\}|sqrt(?:\[\d+\])?\{[^{}\n]{0,40}\})"
)
_VALUE = re.compile(
    rf"(?P<formula>{COVER}{COVERED}*)|(?P<latex>{_RAW_LATEX})"
    rf"|(?<![A-Za-z_.\\\d{COVERED}])(?P<number>(?:(?<![)\]}}])[-+−])?(?:{_CURRENCY})?(?>{_NUMBER}))"
    r"(?!\s?(?:st|nd|rd|th)\b|[A-Za-z]\b|[\^_\d])"
)
_BOLD = re.compile(r"\*\*(?=[^\s*])([^*\n]{1,200})\*\*")
_NO_ANSWER_IN_BOLD = re.compile(r"(?:step|part|question|problem|case|note|method)\b|.*[:\uff1a]\s*\Z", re.I)
_HEADING = re.compile(r"[\s#>*-]*\*\*[^*\n:\uff1a]{1,80}(?:[:\uff1a]\s?\*\*|\*\*\s?[:\uff1a])")
_ADVERB = (
    r"(?:approximately|about|around|roughly|nearly|exactly|indeed|simply|just|only|therefore|thus|hence"
    r"|actually|now|clearly|surely|for sure|definitely|certainly|obviously|probably|likely|donc|entonces"
    r"|portanto|dunque|still|equal to|given by|as follows|at (?:least|most)|a total of|then"
    r"|the (?:number|option|choice|value)(?=\s[\d($\\*]))"
)
_SKIP = re.compile(
    rf"(?:[\s:\uff1a=≈>•]|(?<=[\s*:])[-–—](?=\s)|\*\*(?=\s)|__(?=\s)|\.\.+|…|```\w*|that\b(?=\s)|{_ADVERB}\b)*",
    re.I,
)
_LINK = re.compile(
    r"(?P<which>\b(?:which|that|who)\s+)?"
    r"(?:\b(?:is|are|was|were|be|becomes?|equals?|equal to|will be|comes? to|totals?"
    r"|total of|es|est|ist|è|é|são|son|sind|beträgt|là|adalah|ni|jest|wynosi|to)\b"
    r"|[=≈—是为]|равн[оаы]?|等于|は|คือ|هو|هي|হল|है)"
    rf"[\s:\uff1a]*(?:{_ADVERB}\s+)*(?:\*\*)?",
    re.IGNORECASE,
)
# A formula that only mentions something: a letter, a pair of letters, f(x), a triangle's corners.
_MENTION = re.compile(
    r"(?!.*(?:[\d=<>≤≥π∞∅]|\\(?:pi|infty|[dt]?frac|sqrt|emptyset|varnothing|pm|leq?|geq?|neq?|in|text|math(?:rm|bf)"
    r"|log|ln|sin|cos|tan|exp|begin)(?![A-Za-z])))",
    re.DOTALL,
)
WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}(?:'[a-z]+)?|[\u0400-\u04ff]{2,}|[\u4e00-\u9fff\u3040-\u30ff]")
_OPTION = re.compile(
    r"\(?[A-J][).:](?=\s|\Z)|[A-J](?=[\s,;]+(?:[a-z]|\W)|\s?[\u0e00-\uffef])|\([A-J]\)(?=[\u0e00-\uffef])"
)
_OPTION_ALONE = re.compile(
    r"[A-J](?=[,;]?\s+(?!and\b|or\b|et\b|y\b|und\b)[a-z])|\(?[A-J]\)?(?=\s?[\u0e00-\uffef])"
    r"|\([A-J]\)(?=\s(?:because|since|as)\b)"
)
_DETERMINER = re.compile(r"(?:the|an?|there|they|it|he|she|we|you)\s", re.I)
_MAX_WORDS = 3


class Named(NamedTuple):
    """Where in a text an answer stands, in one or several pieces, and what it is."""

    pieces: tuple[Span, ...]
    kind: Literal["formula", "number", "short", "prose"]


def named(piece: Piece, start: int, end: int | None = None) -> Named | None:
    """What the rest of a sentence names: the formula, bold words or number it opens with, or all of it.

    In prose of more than three words, what it says its subject is, or the only number in it.
    """
    skipped = _SKIP.match(piece.covered, start)
    start = skipped.end() if skipped else start
    end = sentence_end(piece, start) if end is None else end
    if start >= end:
        return None
    opening = _opening(piece, start, end)
    if opening is not None:
        return opening
    while start < end and piece.covered[start] == "*":
        start += 1
    words = len(WORD.findall(piece.covered, start, end))
    if _OPTION.match(piece.covered, start, end):
        words = 0
        if alone := _OPTION_ALONE.match(piece.covered, start, end):
            end = alone.end()
    if words > _MAX_WORDS or _DETERMINER.match(piece.covered, start, end):
        value = value_of(piece, start, end)
        if value is not None:
            return value
    span = tidy_span(piece.text, piece.base + start, piece.base + end)
    if span[0] == span[1] or not any(map(str.isalnum, piece.text[slice(*span)])):
        return None
    return Named((span,), "prose" if words > _MAX_WORDS else "short")


def _opening(piece: Piece, start: int, end: int) -> Named | None:
    """The formula, bold text or number that a span opens with."""
    text = piece.covered
    if text[start] == COVER:
        found, after = _formulas(piece, start)
        rest = text[after:end].lstrip()
        return None if rest[:1] in ("=", "<", ">", "+", "-", "^", "≤", "≥") and rest else found
    if bold := _BOLD.match(text, start):
        return _inside_bold(piece, bold)
    number = _LEADING_NUMBER.match(text, start, end)
    if (
        number
        and not _GOES_ON.match(text, number.end(), end)
        and not text.startswith(("th", "st", "nd", "rd"), number.end())
    ):
        return Named(((piece.base + number.start("number"), piece.base + number.end("number")),), "number")
    return None


def _inside_bold(piece: Piece, bold: re.Match[str]) -> Named | None:
    """What bold text names; None where it is a heading."""
    start, end = bold.span(1)
    if _NO_ANSWER_IN_BOLD.match(piece.covered, start, end):
        return None
    if piece.covered[start] == COVER or _LEADING_NUMBER.match(piece.covered, start, end):
        opening = _opening(piece, start, end)
        if opening is not None:
            return opening
    is_prose = len(WORD.findall(piece.covered, start, end)) > _MAX_WORDS
    if is_prose and not _OPTION.match(piece.covered, start, end):
        return value_of(piece, start, end)
    return Named((tidy_span(piece.text, piece.base + start, piece.base + end),), "short")


def _formulas(piece: Piece, start: int) -> tuple[Named, int]:
    """The formula that starts here with those after it that are parts of the same answer, and their end."""
    found: list[Span] = []
    at = start + piece.base
    after = at
    while (formula := piece.formulas.get(at)) is not None:
        after = formula[0]
        found.append(tidy_span(piece.text, *formula[1:]))
        following = piece.covered.find(COVER, after - piece.base)
        if following < 0 or not is_gap(piece.text, after, following + piece.base):
            break
        at = following + piece.base
    return Named(tuple(found), "formula"), after - piece.base


def value_of(piece: Piece, start: int, end: int) -> Named | None:
    """The value that a sentence states: bold, after its last "is" or "=", or the only one in it."""
    text = piece.covered
    heading = _HEADING.match(text, start, end)
    start = heading.end() if heading else start
    for bold in reversed(list(_BOLD.finditer(text, start, min(end + 2, len(text))))):
        if _VALUE.search(text, *bold.span(1)) and (inside := _inside_bold(piece, bold)) is not None:
            return inside
    values = {match.start(): match for match in _VALUE.finditer(text, start, end)}
    stated = [
        (link["which"] is not None, values[link.end()])
        for link in _LINK.finditer(text, start, end)
        if link.end() in values
    ]
    if stated:
        main = [value for is_aside, value in stated if not is_aside]
        return _as_named(piece, main[-1] if main else stated[-1][1], end)
    told = [value for value in values.values() if not _is_mention(piece, value)]
    if len({_written(piece, value) for value in told}) == 1:
        return _as_named(piece, told[-1], end)
    return None


def last_value(piece: Piece, start: int, end: int) -> Named | None:
    """The last formula or number of a span."""
    told = [value for value in _VALUE.finditer(piece.covered, start, end) if not _is_mention(piece, value)]
    return _as_named(piece, told[-1], end) if told else None


def _written(piece: Piece, value: re.Match[str]) -> str:
    """How a value is written; a formula without its dollars."""
    if value["formula"] is None:
        return value.group()
    return piece.text[slice(*piece.formulas[value.start() + piece.base][1:])]


def _is_mention(piece: Piece, value: re.Match[str]) -> bool:
    """Whether a value is a formula that only mentions something."""
    return value["formula"] is not None and bool(_MENTION.match(_written(piece, value)))


def _as_named(piece: Piece, value: re.Match[str], end: int) -> Named | None:
    """The formulas or the number that start where a value does; a number with the sum it opens."""
    if value["formula"] is not None:
        return _formulas(piece, value.start())[0]
    kind: Literal["formula", "number"] = "formula" if value["latex"] is not None else "number"
    if value["number"] is not None:
        number = _LEADING_NUMBER.match(piece.covered, value.start(), value.end())
        start = number.start("number") if number else value.start()
        goes_on = _GOES_ON.match(piece.covered, value.end(), end)
        words = len(WORD.findall(piece.covered, value.end(), end))
        if goes_on and _AND_ANOTHER.match(piece.covered, value.end(), end):
            return None
        if not goes_on or words > _MAX_WORDS:
            return Named(((piece.base + start, piece.base + value.end()),), kind)
        return Named((tidy_span(piece.text, piece.base + start, piece.base + end),), "short")
    return Named(((piece.base + value.start(), piece.base + value.end()),), kind)
