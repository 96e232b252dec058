"""A limit on what one answer may cost, counted in steps: the same on any machine and in any thread."""

from __future__ import annotations

import math
import threading

from curate.answers.forms.tokens import Unreadable

MAX_STEPS = 50_000
"""Of 4 microseconds or so: multiplying two products of a few letters and roots is one."""
BITS_A_STEP = 64
"""A number of 40,000 bits is multiplied in the time of 600 small ones."""


class _Left(threading.local):
    steps: float = math.inf


_left = _Left()


class Limited:
    """`with Limited():` what is inside may take MAX_STEPS, whatever the code around it has left."""

    def __enter__(self) -> None:
        self._outer = _left.steps
        _left.steps = MAX_STEPS

    def __exit__(self, *_: object) -> None:
        _left.steps = self._outer


def spend(steps: int) -> None:
    """Count steps. Raises Unreadable when there are none left; without a limit around it there always are."""
    _left.steps -= steps
    if _left.steps < 0:
        raise Unreadable("too much to compute")
