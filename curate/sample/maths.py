"""All families of maths problems, and the one way to draw a problem from them."""

from __future__ import annotations

from collections.abc import Callable

from curate.sample import (
    maths_algebra,
    maths_chinese,
    maths_numbers,
    maths_series,
    maths_sets,
    maths_shapes,
    maths_words,
)
from curate.sample.dice import ITEM_NUMBERS, ITEM_WORDS, NUMBERS, WORDS, Dice
from curate.sample.values import Problem
from curate.sample.words import listed, scene

Family = Callable[[Dice, Dice], Problem]

DOMAINS: tuple[tuple[str, tuple[Family, ...]], ...] = (
    ("word-problems", maths_words.FAMILIES),
    ("algebra", maths_algebra.FAMILIES),
    ("numbers", maths_numbers.FAMILIES),
    ("geometry", maths_shapes.FAMILIES),
    ("series", maths_series.FAMILIES),
    ("sets", maths_sets.FAMILIES),
)
ENGLISH: tuple[tuple[str, Family], ...] = tuple(
    (domain, family) for domain, some in DOMAINS for family in some
)
CHINESE: tuple[tuple[str, Family], ...] = tuple(("chinese", family) for family in maths_chinese.FAMILIES)
FAMILIES = ENGLISH + CHINESE

CHINESE_SHARE = 0.04
# Families with so few different numbers that in a large sample two problems would be alike without a scene.
_FEW_NUMBERS = listed(
    "round-solid stars-and-bars divisor-count ladder grid-paths geometric-sum sector quadratic-inequality "
    "letters telescope dice-sum quadratic-surd recurrence trailing-zeros quadratic at-least-one"
)
_BREAKS = (" ", "\n", "\n\n")
_TAILS = {
    "number": ("Give an exact answer.", "Simplify your answer as far as possible.", "Do not round."),
    "interval": ("Use interval notation.",),
    "tuple": ("Answer with an ordered tuple.",),
    "set": ("List all of them.",),
}


def family_of(pick: float) -> int:
    """Index into FAMILIES for a uniform number in [0, 1)."""
    if pick < CHINESE_SHARE:
        return len(ENGLISH) + int(pick / CHINESE_SHARE * len(CHINESE))
    return int((pick - CHINESE_SHARE) / (1 - CHINESE_SHARE) * len(ENGLISH))


def draw(family: int, numbers: Dice, words: Dice, scenes: float = 0.34) -> Problem:
    """A problem of one family; the two dice fix its numbers and its wording independently.

    Same numbers and other words: the same problem told differently. Same words and other
    numbers: another problem with the same text around it.
    """
    problem = FAMILIES[family][1](numbers, words)
    if problem.language != "en":
        return problem
    text = problem.text
    if words.chance(max(scenes, 0.92) if scenes and problem.family in _FEW_NUMBERS else scenes):
        text = f"{scene(words)}{words.pick(_BREAKS)}{text}"
    tails = _TAILS.get(problem.answer.kind)
    if tails and words.chance(0.1):
        text = f"{text} {words.pick(tails)}"
    return problem._replace(text=text)


def row_problem(seed: int, row: int, family: int) -> Problem:
    """The maths problem that belongs to a row."""
    return draw(family, Dice(seed, NUMBERS, row), Dice(seed, WORDS, row))


def benchmark_problem(seed: int, item: int, family: int, *, numbers: int = 0, words: int = 0) -> Problem:
    """An item of the evaluation set; `numbers` and `words` above 0 give its variants."""
    return draw(
        family,
        Dice(seed, ITEM_NUMBERS, item * 1_000_003 + numbers),
        Dice(seed, ITEM_WORDS, item * 1_000_003 + words),
    )
