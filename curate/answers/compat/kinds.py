"""The kinds of things that an answer can stand for, as far as they are told apart here."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from curate.answers.compat.formulas import Number


class Letter(NamedTuple):
    """A letter or word alone."""

    name: str
    is_real: bool


class Endless(NamedTuple):
    """Plus or minus infinity."""

    sign: int


class Several(NamedTuple):
    """Things in a tuple or a set, in the order in which they are written."""

    kind: Literal["set", "tuple"]
    items: tuple[Meaning, ...]


class Interval(NamedTuple):
    """Numbers between two ends."""

    left: Number | Endless
    right: Number | Endless
    left_open: bool
    right_open: bool


class Union(NamedTuple):
    """Several intervals with gaps between them, as they are written."""

    pieces: tuple[Interval, ...]

    @property
    def in_order(self) -> list[Interval]:
        """The pieces from left to right."""
        return sorted(
            self.pieces, key=lambda piece: -math.inf if isinstance(piece.left, Endless) else piece.left.size
        )


class Matrix(NamedTuple):
    """Numbers in rows."""

    rows: tuple[tuple[Number, ...], ...]


class Relation(NamedTuple):
    """Sides joined by signs: all of them equals signs, or none."""

    signs: tuple[str, ...]
    sides: tuple[Meaning, ...]
    is_assignment: bool
    """Whether it is an equation with nothing but letters on its first side."""

    @property
    def is_equation(self) -> bool:
        """Whether its signs are equals signs."""
        return self.signs[0] == "="


Meaning = Number | Letter | Endless | Several | Interval | Union | Matrix | Relation
