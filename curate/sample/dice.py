"""Reproducible random draws: the same key gives the same draws on every machine and version.

Only `random.Random(int).random()` is used below: it is the one part of the standard library's
generator whose sequence is promised to stay. No draw depends on string hashes or on numpy.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

# Streams keep the draws of one row apart, so that a row's words can change while its numbers stay.
NUMBERS, WORDS, RESPONSES, DEFECT, ITEM_NUMBERS, ITEM_WORDS = range(6)


class Dice:
    """Draws of one stream of one row.

    >>> Dice(7, NUMBERS, 0).between(1, 6) == Dice(7, NUMBERS, 0).between(1, 6)
    True
    """

    __slots__ = ("_uniform",)

    def __init__(self, seed: int, stream: int, row: int) -> None:
        self._uniform = random.Random((seed * 16 + stream << 40) + row).random

    def below(self, limit: int) -> int:
        """An integer from 0 to `limit - 1`."""
        return int(self._uniform() * limit)

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both included."""
        return low + int(self._uniform() * (high - low + 1))

    def nonzero(self, high: int) -> int:
        """An integer from `-high` to `high`, never 0."""
        value = 1 + int(self._uniform() * high)
        return value if self._uniform() < 0.5 else -value

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._uniform() < probability

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices, all equally likely."""
        return choices[int(self._uniform() * len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` different choices in random order (all of them if there are fewer)."""
        left = list(choices)
        drawn = []
        for _ in range(min(count, len(left))):
            index = int(self._uniform() * len(left))
            left[index], left[-1] = left[-1], left[index]
            drawn.append(left.pop())
        return drawn
