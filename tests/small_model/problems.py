"""Word problems of one or two steps, with the reasoning that solves them.

>>> problem(random.Random(0), "add")
Problem(question='Sam has 15 coins and buys 43 more. How many coins?', steps=('15+43=58',), answer=58, kind='add')
"""

from __future__ import annotations

import random
from typing import NamedTuple

NAMES = ("Ann", "Ben", "Mia", "Sam", "Tom", "Zoe")
THINGS = ("apples", "books", "cards", "coins", "pens", "stamps")
SYSTEM = "Please reason step by step, and put your final answer within \\boxed{}."
KINDS = ("easy", "add", "take", "times", "steps")


class Problem(NamedTuple):
    """A question, the sums that lead to its answer, and which sort it is of."""

    question: str
    steps: tuple[str, ...]
    answer: int
    kind: str

    @property
    def response(self) -> str:
        """The response the model is taught."""
        return f"<think>{', '.join(self.steps)}</think>\nThe answer is \\boxed{{{self.answer}}}."


def problem(rng: random.Random, kind: str) -> Problem:
    """A problem of a kind, from what the model finds easy (`easy`) to what it hardly can do (`steps`)."""
    who, what = rng.choice(NAMES), rng.choice(THINGS)
    ask = f"How many {what}?"
    if kind == "easy":
        a, b = rng.randint(1, 9), rng.randint(1, 9)
        return Problem(f"{who} has {a} {what} and buys {b} more. {ask}", (f"{a}+{b}={a + b}",), a + b, kind)
    if kind == "add":
        a, b = rng.randint(10, 99), rng.randint(10, 99)
        return Problem(f"{who} has {a} {what} and buys {b} more. {ask}", (f"{a}+{b}={a + b}",), a + b, kind)
    if kind == "take":
        a, b = rng.randint(50, 99), rng.randint(2, 49)
        return Problem(f"{who} has {a} {what} and gives away {b}. {ask}", (f"{a}-{b}={a - b}",), a - b, kind)
    if kind == "times":
        a, b = rng.randint(2, 19), rng.randint(2, 9)
        return Problem(f"{who} has {b} boxes of {a} {what}. {ask}", (f"{a}*{b}={a * b}",), a * b, kind)
    a, b = rng.randint(1, 29), rng.randint(1, 29)
    c = rng.randint(1, a + b - 1)
    steps = (f"{a}+{b}={a + b}", f"{a + b}-{c}={a + b - c}")
    question = f"{who} has {a} {what} and buys {b} more and gives away {c}. {ask}"
    return Problem(question, steps, a + b - c, kind)


def problems(seed: int, n: int) -> list[Problem]:
    """n problems of all kinds in turn; the same for the same seed."""
    rng = random.Random(seed)
    return [problem(rng, KINDS[index % len(KINDS)]) for index in range(n)]
