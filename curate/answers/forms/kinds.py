"""What an answer can be: a number, several things, a region, a relation, a matrix, an option, words."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from curate.answers.forms.algebra import Value
from curate.answers.forms.units import Unit


class Number(NamedTuple):
    """A number or an expression with variables, and what it counts."""

    value: Value
    unit: Unit | None = None
    places: int | None = None
    """Digits behind the point, if it was written as one decimal."""
    thousands: bool = False
    """Written with commas that might part a list."""
    degrees: bool = False


class Several(NamedTuple):
    """A tuple (order counts), a set or a list without brackets (order does not)."""

    kind: str
    items: tuple[Answer, ...]


class Piece(NamedTuple):
    """An interval: None is no end on that side."""

    low: Value | None
    low_closed: bool
    high: Value | None
    high_closed: bool


class Region(NamedTuple):
    """Intervals of the line, from left to right; none are the empty set."""

    pieces: tuple[Piece, ...]


class Relation(NamedTuple):
    """Two sides and a sign between them."""

    sign: str
    left: Answer
    right: Answer


class Matrix(NamedTuple):
    """Rows of values, all of one length."""

    rows: tuple[tuple[Value, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns."""
        return len(self.rows), len(self.rows[0])

    @property
    def is_vector(self) -> bool:
        """Whether it is one row or one column."""
        return 1 in self.shape

    @property
    def cells(self) -> tuple[Value, ...]:
        """All values, row by row."""
        return tuple(cell for row in self.rows for cell in row)


class Option(NamedTuple):
    """A letter of multiple choice and what was written behind it."""

    letter: str
    rest: str


class Words(NamedTuple):
    """Words in small letters, without articles and marks."""

    text: str


class Based(NamedTuple):
    """Digits in a number base."""

    digits: str
    base: int


class Proportion(NamedTuple):
    """Values with colons between them; a clock's time looks the same."""

    items: tuple[Value, ...]
    clock: bool
    half: str = ""
    """am or pm."""


class Infinite(NamedTuple):
    """Plus or minus infinity."""

    sign: int


class Yes(NamedTuple):
    """Yes or no, true or false."""

    value: bool
    kind: str = "yes or no"
    """Always this: without it, yes and infinity would be one tuple."""


Answer: TypeAlias = (
    "Number | Several | Region | Relation | Matrix | Option | Words | Based | Proportion | Infinite | Yes"
)
EMPTY = Region(())
LINE = Region((Piece(None, False, None, False),))
