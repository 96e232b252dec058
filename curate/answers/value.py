"""The exact value of a ground truth, where it has one: what tells two answers apart beyond doubt."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.extract import gold_answer
from curate.answers.forms.kinds import Number
from curate.answers.forms.read import read

MAX_CHARACTERS = 200


def known_value(answer: str | None) -> Fraction | None:
    r"""The number a ground truth stands for; null if it is no plain number, or not surely.

    >>> known_value("so it is\n#### 1,200"), known_value(r"\frac{2}{4}"), known_value("x + 1")
    (Fraction(1200, 1), Fraction(1, 2), None)
    """
    found = gold_answer(answer) if answer is not None and len(answer) <= 4 * MAX_CHARACTERS else None
    return None if found is None else latex_value(found.text)


def latex_value(latex: str) -> Fraction | None:
    """The number an answer stands for: without a unit, and without commas that may part a list."""
    found = read(latex).answer if len(latex) <= MAX_CHARACTERS else None
    if not isinstance(found, Number) or found.unit is not None or found.degrees:
        return None
    return found.value.rational
