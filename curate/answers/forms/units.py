"""Units of measurement: what a word behind a number stands for, and how much of the base unit it is."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from curate.answers.forms.unit_table import (
    CHINESE,
    FILLING,
    MANY,
    RAISED,
    RAISING,
    SHORT_WORDS,
    SIGNS,
    UNITS,
    Dimension,
)


class Unit(NamedTuple):
    """What a number counts.

    `dimension` is empty for a pure number (percent, dozen); `words` are those that are no known unit.
    """

    factor: Fraction
    dimension: Dimension
    words: str
    shown: str
    written: str = ""
    """As it stood in the text, where that may have been a product of variables."""


class _Known(NamedTuple):
    name: str
    factor: Fraction
    dimension: Dimension


MAX_CHARACTERS = 100
MAX_POWER = 6
MAX_WRITTEN = 6
_BY_NAME = {
    spelling: _Known(name, Fraction(factor), dimension)
    for name, (factor, dimension, spellings) in UNITS.items()
    for spelling in spellings.split()
}
_BY_SMALL_NAME = frozenset(["km", "cm", "mm", "kg", "ml"])
"""Names of two letters that are the same in capitals."""
_LONGEST_CHINESE_FIRST = sorted(CHINESE, key=lambda name: (-len(name), name))
_WORD = re.compile(r"[A-Za-z]+|[\u4e00-\u9fff]+|[/*^()]|-?\d+|[^\sA-Za-z]")
_NO_MEANING = frozenset("^*()-·")
_LATEX = re.compile(
    r"\\(?:text|mathrm|mbox|textbf|textit|operatorname|rm|hbox)(?![A-Za-z])|\\[ ,;:!]|[{}~\\]"
)
_SIGN = re.compile(
    r"\s*([-+]?)\s*(?:(?:US|USD|Rs\.?|RMB|EUR|CAD|AU)\s*)?(\\?\$|€|£|¥|₹)\s*(?=[-\d.(\\])"
)  # fmt: skip


def is_word(letters: str) -> bool:
    """Whether letters side by side are a word or a unit rather than a product of variables."""
    low = letters.lower()
    if len(letters) > 3 or letters in _BY_NAME or low in _BY_NAME or low in SHORT_WORDS:
        return True
    return len(letters) == 3 and letters[0].isupper() and letters[1:].islower()


def read_sign(text: str) -> tuple[str, Unit | None]:
    r"""A text without the currency before its number, and that currency.

    >>> read_sign(r"\$5")[0], read_sign(r"\$5")[1].shown
    ('5', 'dollar')
    """
    match = _SIGN.match(text)
    if match is None:
        return text, None
    return match.group(1) + text[match.end() :], read_unit(SIGNS[match.group(2)])


@lru_cache(maxsize=8192)
def read_unit(text: str) -> Unit | None:
    r"""The unit that a text behind a number names; None where it holds what no unit has.

    >>> read_unit(r"\text{ cm}^2").dimension, read_unit("miles per hour").factor
    ((('m', 2),), Fraction(1397, 3125))
    """
    plain = _LATEX.sub(" ", text).strip(" .,;:")
    for chinese in _LONGEST_CHINESE_FIRST:
        plain = plain.replace(chinese, f" {CHINESE[chinese]} ")
    if len(plain) > MAX_CHARACTERS:
        return None
    pieces = _WORD.findall(plain)
    if pieces == ["in"]:
        pieces = ["inch"]
    reader = _Reader()
    before = ""
    for piece in pieces:
        if not reader.read(piece, before):
            return None
        before = piece.lower()
    return reader.unit(plain if len(plain) <= MAX_WRITTEN else "")


class _Reader:
    """A unit while its words are read."""

    def __init__(self) -> None:
        self.factor = Fraction(1)
        self.dimension: dict[str, int] = {}
        self.words: list[str] = []
        self.shown: list[str] = []
        self.sign = 1
        """-1 behind a "per"."""
        self.power = 1
        """Of the next unit, behind "square"."""
        self.last: _Known | None = None
        """The unit that an exponent here would be of."""

    def read(self, piece: str, before: str) -> bool:
        """Take a word; False where no unit has it."""
        low = piece.lower()
        known = _named(piece)
        if low in ("per", "/") or (low in ("a", "an") and self.shown and before != "per"):
            self.sign = -1
            self.last = None
            self.shown.append("/")
        elif piece in _NO_MEANING:
            pass
        elif low in RAISING:
            self.power = RAISING[low]
        elif self.last is not None and (low in RAISED or piece.lstrip("-").isdecimal()):
            power = RAISED.get(low) or int(piece)
            if abs(power) > MAX_POWER:
                return False
            self.times(self.last, power - 1)
            self.shown.append(f"^{power}")
            self.last = None
        elif low in MANY:
            self.factor *= Fraction(MANY[low]) ** self.sign
            self.shown.append(low)
        elif known is not None:
            self.times(known, self.power)
            self.shown.append(known.name + (f"^{self.power}" if self.power != 1 else ""))
            self.last, self.power = known, 1
        elif piece.isalpha():
            if low not in FILLING:
                self.words.append(low)
                self.shown.append(low)
            self.last = None
        else:
            return False
        return True

    def times(self, known: _Known, power: int) -> None:
        """Multiply with a power of a unit."""
        for name, exponent in known.dimension:
            self.dimension[name] = self.dimension.get(name, 0) + exponent * power * self.sign
        self.factor *= known.factor ** (power * self.sign)

    def unit(self, written: str) -> Unit:
        left = tuple(sorted((name, times) for name, times in self.dimension.items() if times))
        return Unit(self.factor, left, " ".join(self.words), " ".join(self.shown), written)


def joined(a: Unit, b: Unit) -> Unit:
    """Two units multiplied: $5 per hour has one before its number and one behind it."""
    dimension = dict(a.dimension)
    for name, power in b.dimension:
        dimension[name] = dimension.get(name, 0) + power
    left = tuple(sorted((name, times) for name, times in dimension.items() if times))
    return Unit(a.factor * b.factor, left, b.words, f"{a.shown} {b.shown}".strip())


def _named(word: str) -> _Known | None:
    """The unit a word is a name of: as it stands, in small letters, without the s of a plural."""
    low = word.lower()
    spellings = (word, low) if len(word) > 2 or low in _BY_SMALL_NAME else (word,)
    for one in spellings:
        if one in _BY_NAME:
            return _BY_NAME[one]
        if one.endswith("s") and len(one) > 2 and one[:-1] in _BY_NAME:
            return _BY_NAME[one[:-1]]
    return _BY_NAME[SIGNS[word]] if word in SIGNS else None
