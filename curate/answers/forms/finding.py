"""What is found when two answers are compared, and how answers are named in the reason."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from curate.answers.forms.kinds import (
    Answer,
    Based,
    Infinite,
    Matrix,
    Number,
    Option,
    Proportion,
    Region,
    Relation,
    Several,
    Words,
    Yes,
)
from curate.answers.forms.show import shown, value_text
from curate.answers.forms.values import Value, constant
from curate.answers.profiles import Profile
from curate.answers.verdict import Tier

MAX_SHOWN = 60
MAX_FLOAT_BITS = 1_000
_KINDS: dict[type[Answer], str] = {
    Number: "a number", Several: "several values", Region: "a set of numbers", Relation: "a relation",
    Matrix: "a matrix", Words: "words", Based: "a number in another base", Proportion: "a proportion",
    Infinite: "infinity", Yes: "yes or no", Option: "an option",
}  # fmt: skip


class Finding(NamedTuple):
    """Equal, unequal (None where neither is sure), by what, and why."""

    equal: bool | None
    tier: Tier
    why: str


Compare = Callable[[Answer, Answer], Finding]


class Rules(NamedTuple):
    """What may differ, and how the parts of answers are compared."""

    profile: Profile
    compare: Compare


def of(value: Value) -> str:
    """A value, cut to the length of a reason."""
    return _cut(value_text(value))


def brief(answer: Answer) -> str:
    """An answer, cut to the length of a reason."""
    return _cut(shown(answer))


def kind(answer: Answer) -> str:
    """An answer with what kind of thing it is."""
    return f"{_KINDS[type(answer)]} ({brief(answer)})"


def two(a: Answer, b: Answer) -> str:
    """Two answers of one kind."""
    return f"{brief(a)} and {brief(b)}"


def two_kinds(a: Answer, b: Answer) -> str:
    """Two answers of different kinds."""
    return f"{kind(a)} and {kind(b)}"


def decimal(number: Fraction) -> str:
    """A number to six digits."""
    if abs(number.numerator.bit_length() - number.denominator.bit_length()) > MAX_FLOAT_BITS:
        return of(constant(number))
    return f"{number.numerator / number.denominator:g}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
