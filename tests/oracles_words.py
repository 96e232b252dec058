"""What the words of a text are to alignment, said plainly: stems, values of numbers, markup left out.

Tokens are those of the tokenizer `math`. HTML tags and entities are taken out; words are brought to a stem,
so that a plural or a tense is no difference; the digits of a decimal or of a grouped number are one word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import oracles
from oracles_vocabulary import CARDINALS, COMMANDS, GREEK, NUMBER_WORDS, stem

from curate.kernels.item_index import STOCK_WEIGHT, TOKENIZER, Background
from curate.kernels.native import Texts
from curate.kernels.text import token_spans

MARKUP = re.compile(
    rb"</?[A-Za-z][A-Za-z0-9]{0,20}(?:\s{1,9}[A-Za-z-]{1,30}=(?:\"[^\"<>]{0,300}\"|'[^'<>]{0,300}'|[^\s<>]{1,300}))*"
    rb"\s{0,9}/?>"  # not in "a < b and c > d": a number in it is not passed over
    rb"|&(?:#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});"
    rb"|<<[^<>\n]{0,200}>>"  # what a calculator worked out (GSM8K)
    rb"|####[ \t]{0,9}-?\$?(?=[0-9])[0-9.,]{1,30}(?=\n|\Z)"  # the answer at the end of a solution (GSM8K)
)
DRAWINGS = (
    (b"[asy]", b"[/asy]"),
    (b"\\begin{asy}", b"\\end{asy}"),
    (b"\\begin{tikzpicture}", b"\\end{tikzpicture}"),
)
"""How drawing code begins and ends."""
SIGNS = {b"&lt;": b"<", b"&gt;": b">"}
DRAWN = 25
"""A drawing is left out of a text that has so many words beside it; of fewer it may be the problem."""
SENTENCE_END = re.compile(rb"[.?!;]\s|\n|\xe3\x80\x82|\xef\xbc\x9f|\xef\xbc\x81")


class Words(NamedTuple):
    """A text as alignment sees it, a value for each word (or number, or sign)."""

    stems: list[str]
    values: list[str | None]
    """The number it is, if it is one; `w` before it if it is spelt out."""
    labels: list[str | None]
    """As it is written, if it may name something: a letter, a word in capitals, a Greek letter."""
    weights: list[int]
    """Hundredths of the logarithm of how rare it is."""
    first: list[int]
    """The token it begins with, of those the kernels count."""
    end: list[int]
    """The token after it."""
    starts: list[bool]
    """Whether a sentence starts with it."""
    draws: bool
    """Whether drawing code counts: of a text with few words beside it, it may be the problem."""
    drawn: bool
    """Whether drawing code was left out."""

    @property
    def light(self) -> tuple[int, int]:
        """Words before the first and after the last that a text is found by."""
        heavy = [k for k, weight in enumerate(self.weights) if weight > STOCK_WEIGHT]
        return (heavy[0], len(self.weights) - 1 - heavy[-1]) if heavy else (0, 0)


def words_of(texts: Texts, background: Background, *, draws: bool | None = None) -> Iterator[Words]:
    """The words of each text; `draws` tells whether drawing code counts, None that the text tells."""
    spans = token_spans(texts, TOKENIZER)
    weight_of = np.maximum(background.weights_of(spans.hash, spans.offsets), STOCK_WEIGHT).tolist()
    begins, ends = spans.begin.tolist(), spans.end.tolist()
    for index in range(texts.size):
        tokens = slice(int(spans.offsets[index]), int(spans.offsets[index + 1]))
        content = (texts.array[index].as_py() or "").encode()
        drawings = [] if draws else _drawings(content, always=draws is False)
        left_out = _left_out(content, drawings)
        found = _cut(content, begins[tokens], ends[tokens], left_out, weight_of[tokens])
        yield found._replace(draws=_has_drawing(content) and not drawings, drawn=bool(drawings))


def _cut(
    content: bytes,
    begins: list[int],
    ends: list[int],
    left_out: list[tuple[int, int]],
    weight_of: list[int],
) -> Words:
    """The words of these tokens."""
    stems: list[str] = []
    values: list[str | None] = []
    labels: list[str | None] = []
    firsts: list[int] = []
    lasts: list[int] = []
    weights: list[int] = []
    starts: list[bool] = []
    markup = [*left_out, (len(content) + 1, len(content) + 2)]
    inside = 0
    at, before, size = 0, 0, len(begins)
    while at < size:
        begin, first = begins[at], at
        piece = content[begin : ends[at]]
        at += 1
        while markup[inside][1] <= begin:
            inside += 1
        if markup[inside][0] <= begin:
            while at < size and begins[at] < markup[inside][1]:
                at += 1
            piece = SIGNS.get(content[slice(*markup[inside])], b"")
            if not piece:
                continue
        token = _token(piece)
        if token.is_command and content[begin - 1 : begin] == b"\\":
            token = _token(piece, printed=True)
        word, stemmed, value = token.word, token.stem, token.value
        if token.is_decimal:
            while at < size and (joint := content[ends[at - 1] : begins[at]]) in (b".", b","):
                more = content[begins[at] : ends[at]]
                if not (more.isdigit() and (len(more) == 3 if joint == b"," else "." not in word)):
                    break
                word += ("." if joint == b"." else "") + more.decode()
                at += 1
            value = _value(word)
            stemmed = "#" + value
        elif token.counts and (word != "one" or _is_counted(content, begins, ends, at)):
            at, counted = _spelt_out(word, content, begins, ends, at)
            stemmed, value = f"#{counted}", f"w{counted}"
        stems.append(stemmed)
        labels.append(_name(token.label, piece, content, begins, ends, first))
        values.append(value)
        firsts.append(first)
        lasts.append(at)
        light = len(word) == 1 and word.isascii()
        weights.append(STOCK_WEIGHT if light else max(weight_of[first:at]))
        starts.append(not starts or SENTENCE_END.search(content, before, begin) is not None)
        before = ends[at - 1]
    return Words(stems, values, labels, weights, firsts, lasts, starts, draws=False, drawn=False)


def _next_number(content: bytes, begins: list[int], ends: list[int], at: int) -> tuple[str, int] | None:
    """The number word that comes next, after a blank or a hyphen, and the token after it."""
    if at < len(begins) and content[begins[at] : ends[at]] == b"-" and begins[at] == ends[at - 1]:
        at += 1
    if at >= len(begins):
        return None
    word = content[begins[at] : ends[at]].lower().decode("utf-8", "replace")
    between = content[ends[at - 1] : begins[at]].strip()
    return (word, at + 1) if (word in CARDINALS or word == "one") and not between else None


def _is_counted(content: bytes, begins: list[int], ends: list[int], at: int) -> bool:
    """Whether "one" is a number: another number word follows ("one hundred")."""
    following = _next_number(content, begins, ends, at)
    return following is not None and following[0] in ("hundred", "thousand", "million", "billion")


def _spelt_out(word: str, content: bytes, begins: list[int], ends: list[int], at: int) -> tuple[int, int]:
    """The token after a number that is spelt out, and what it counts to.

    "eighty thousand" is 80000, "one hundred fifty" 150, "twenty-five" 25; "two three" are two numbers.
    """
    total, part = 0, int(NUMBER_WORDS[word])
    while (following := _next_number(content, begins, ends, at)) is not None:
        value = int(NUMBER_WORDS[following[0]])
        if value >= 1000:
            total, part = total + part * value, 0
        elif value == 100 and 0 < part < 100:
            part *= 100
        elif (value < 10 and part % 100 >= 20 and part % 10 == 0) or (value < 100 and part % 100 == 0):
            part += value
        else:
            break
        at = following[1]
    return at, total + part


def without_drawings(text: str) -> str:
    """The text with blanks for drawing code, where enough is left; an index of items is made of it."""
    content = text.encode()
    return _blanked(content, _drawings(content)).decode()


def _has_drawing(content: bytes) -> bool:
    return any(mark in content for mark in (b"[asy]", b"{asy}", b"tikzpicture"))


def _drawings(content: bytes, *, always: bool = False) -> list[tuple[int, int]]:
    """Where the drawings are that do not count, in order."""
    spans: list[tuple[int, int]] = []
    for opening, closing in DRAWINGS:
        at = 0
        while (begin := content.find(opening, at)) >= 0 and (end := content.find(closing, begin)) >= 0:
            at = end + len(closing)
            spans.append((begin, at))
    spans.sort()
    return spans if spans and (always or len(_blanked(content, spans).split()) >= DRAWN) else []


def _blanked(content: bytes, spans: list[tuple[int, int]]) -> bytes:
    """The text with a blank for every character in the spans, so that all others keep their places."""
    parts, at = [], 0
    for begin, end in spans:
        parts += [content[at:begin], b" " * len(content[max(at, begin) : end].decode())]
        at = max(at, end)
    return b"".join([*parts, content[at:]])


def _left_out(content: bytes, drawings: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where markup and these drawings are, in order."""
    spans = drawings
    if any(sign in content for sign in (b"<", b"&", b"#")):
        spans = sorted(spans + [match.span() for match in MARKUP.finditer(content)])
    return spans


class _Token(NamedTuple):
    word: str
    """As the tokenizer folds it."""
    stem: str
    value: str | None
    label: str | None
    is_decimal: bool
    counts: bool
    """A number word that is counted with."""
    is_command: bool
    """Straight after a backslash it prints something else."""


@lru_cache(maxsize=1 << 16)
def _token(piece: bytes, *, printed: bool = False) -> _Token:
    """What a token is, or what it prints as a command; all texts together have not many different ones."""
    word = oracles.normalize(piece.decode(), "math").replace(" ", "")
    if printed:
        word = COMMANDS.get(word, word)
    number = NUMBER_WORDS.get(word)
    return _Token(
        word,
        stem(word),
        None if number is None else "w" + number,
        _label(piece, word),
        word.isdecimal(),
        word in CARDINALS or word == "one",
        word in COMMANDS,
    )


def _name(
    label: str | None, piece: bytes, content: bytes, begins: list[int], ends: list[int], at: int
) -> str | None:
    """The label of a token where it stands: "xy" in a formula has one, an article has none."""
    before, after = content[: begins[at]][-1:], content[begins[at] + len(piece) :][:1]
    if label is None and len(piece) == 2 and piece.isascii() and piece.isalpha() and before != b"\\":
        signs = [sign for sign in (before, after) if sign and sign in b"$^_+=*"]
        return piece.decode() if signs else None
    if (
        piece in (b"a", b"A")
        and at + 1 < len(begins)
        and after.isspace()
        and (before.isspace() or not before)
    ):
        following = content[begins[at + 1] : ends[at + 1]]
        is_word = len(following) >= 2 and following.isascii() and following.isalpha()
        return None if is_word and following not in (b"and", b"or", b"is", b"be") else label
    return label


def _label(piece: bytes, word: str) -> str | None:
    if word in GREEK:
        return word
    if piece.isalpha() and piece.isascii() and (len(piece) == 1 or piece.isupper()):
        return piece.decode()
    return None


def _value(digits: str) -> str:
    whole, _, part = digits.partition(".")
    part = part.rstrip("0")
    return (whole.lstrip("0") or "0") + ("." + part if part else "")
