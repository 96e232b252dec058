"""Thinking text: derivation steps with openings, doubts, checks, side calculations and second passes.

All side calculations are true statements about numbers; the steps come from the problem. Nothing
here knows whether the conclusion that follows is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from curate.sample.dice import Dice

_OPENINGS = (
    "Okay, let me look at this.",
    "Let me start by writing down what is given.",
    "Alright, so what do we have here?",
    "Hmm, let me think.",
    "First I want to understand the question.",
    "Let me read this carefully.",
    "So the task is clear enough; let me set it up.",
    "I'll go step by step.",
    "Let me restate this in my own words.",
    "We need a clean way to write this down.",
    "Let's see what is known and what is wanted.",
    "Okay. No tricks yet, as far as I see.",
    "Let me collect the data first.",
    "I have seen this sort of thing before, but let me be careful.",
    "To begin with, I list the quantities that appear.",
    "Good, a concrete question with concrete numbers.",
)
_QUOTES = (
    'The problem says: "%s".',
    "What is asked: %s.",
    "So we are told that %s, and so on.",
    "Given: %s.",
    'The statement begins "%s" — fine.',
    'The relevant part is "%s".',
    "Reading again: %s.",
)
_PLANS = (
    "My plan is to translate the words into an equation and solve it.",
    "I will do the direct computation and then check it another way.",
    "There are two ways that come to mind; the direct one looks shorter.",
    "I could guess, but a derivation is safer.",
    "The standard approach should work here.",
    "Let me keep the fractions exact until the end.",
    "I should watch the signs, that is where such things go wrong.",
    "Let me define everything before I calculate.",
    "It helps to separate what depends on the unknown from what does not.",
    "An estimate first: the result cannot be huge.",
    "The numbers are small enough to do this by hand.",
    "Let me avoid decimals for now.",
)
_LINKS = (
    "So ",
    "Now, ",
    "Then ",
    "Next, ",
    "First, ",
    "This means that ",
    "OK, ",
    "I note that ",
    "Here ",
    "We see that ",
    "From this, ",
    "That is, ",
    "It follows that ",
    "Clearly ",
    "As far as I can see, ",
    "By the way, ",
    "In other words, ",
    "Going on, ",
    "Hence ",
    "Let me write it out: ",
    "Right, ",
    "Thus ",
    "To be explicit, ",
    "",
    "",
    "And ",
)
_DOUBTS = (
    "Wait, did I copy that correctly? Yes, the statement has %(a)d there.",
    "Hmm, is it really %(a)d and not %(b)d? Let me look again. Yes.",
    "Wait, I should double-check that step before going on.",
    "Hold on. Could the question mean something else? I don't think so.",
    "Actually, let me reconsider: would it matter if I swapped the roles? No, not for the result asked.",
    "Hmm, for a moment I thought I had lost a factor, but it is there.",
    "Is there a hidden condition? I don't see one.",
    "Wait, maybe I should treat the case of equality too. It changes nothing here.",
    "Let me pause. The units agree, good.",
    "I almost used %(s)d in place of %(a)d, which would have been wrong.",
    "But is that legitimate? Yes, nothing is divided by zero.",
    "Hmm, %(a)d plus %(b)d would be %(s)d, but that is not what is asked for.",
    "Let me not rush; the last line deserves a second look.",
    "Okay, that seems plausible so far.",
    "Wait. If I took %(b)d for the first quantity, I would get nonsense, so the reading is right.",
    "Alternatively I could have worked backwards from the end, but this is fine.",
    "I keep in mind that an exact value is wanted.",
    "Is the order important here? Reading the question again, I take it as written.",
    "Hmm, that looks a little odd, but the arithmetic is simple enough to trust.",
    "No wait, that is what I already have.",
)
_CHECKS = (
    "Let me verify this by going back to the start.",
    "A quick sanity check is in order.",
    "Let me test the result against the statement.",
    "To be sure, I go through the steps once more.",
    "Checking once more, slowly.",
    "Now for the check.",
    "Let me re-derive it in a different order.",
    "Before I answer, let me look for slips.",
    "One more time, but shorter:",
    "Second pass:",
    "Another look at the same thing.",
)
_VERDICTS = (
    "That agrees with what I had.",
    "Good, both ways match.",
    "Fine, the check works out.",
    "No contradiction, so I trust it.",
    "Consistent.",
    "Everything fits together.",
    "The same again, good.",
)
_CLOSINGS = (
    "So I get %s.",
    "Therefore the result is %s.",
    "This leads to %s.",
    "That gives %s as the answer.",
    "Altogether: %s.",
    "So it must be %s.",
    "I am confident that it is %s.",
    "Hence %s.",
    "The final value is %s.",
    "Putting it together yields %s.",
    "So, %s it is.",
)
_NUMBER = re.compile(r"\d+")


def _side_product(a: int, b: int, dice: Dice) -> str:
    tens, ones = b - b % 10, b % 10
    start = dice.pick(
        (
            "To be safe, multiply",
            "Side calculation:",
            "By hand,",
            "Let me recompute",
            "In pieces,",
            "As a reminder,",
        )
    )
    return (
        f"{start} {a} times {b}: {a} times {tens} is {a * tens}, {a} times {ones} is {a * ones}, "
        f"together {a * b}."
    )


def _side_table(a: int, b: int, dice: Dice) -> str:
    step, start = dice.between(2, 9), dice.between(0, 6)
    square = dice.chance(0.4)
    rows = [
        f"{k} gives {(k * k if square else step * k) + a % 50}"
        for k in range(start, start + dice.between(4, 11))
    ]
    lead = dice.pick(
        (
            "Trying small values for a feeling:",
            "Let me tabulate a related expression:",
            "For orientation,",
            "A few values:",
        )
    )
    return (
        f"{lead} {', '.join(rows)}. The growth is {'quadratic' if square else 'linear'}, as it should "
        f"be, and {b} plays no role in it."
    )


def _side_division(a: int, b: int, dice: Dice) -> str:
    big = a * dice.between(3, 40) + b
    small = dice.between(3, 29)
    start = dice.pick(
        ("What about divisibility?", "Division with remainder:", "A remainder check:", "Let me divide once:")
    )
    return (
        f"{start} {big} = {small} times {big // small} plus {big % small}, so the remainder is {big % small}."
    )


def _side_bounds(a: int, b: int, dice: Dice) -> str:
    low, high = min(a, b), max(a, b)
    start = dice.pick(
        ("For the size:", "Roughly speaking,", "An upper and a lower bound:", "As an estimate,")
    )
    return (
        f"{start} {low} and {high} have mean {(low + high) // 2}{'.5' if (low + high) % 2 else ''}, their "
        f"difference is {high - low}, "
        f"and their product {low * high} lies between {low * low} and {high * high}."
    )


def _side_squares(a: int, b: int, dice: Dice) -> str:
    n = a % 60 + 2
    start = dice.pick(
        ("Squares nearby:", "Just to have the squares at hand:", "Useful squares:", "I recall that")
    )
    return (
        f"{start} {n - 1}^2 = {(n - 1) ** 2}, {n}^2 = {n * n}, {n + 1}^2 = {(n + 1) ** 2}, with gaps "
        f"{2 * n - 1} and {2 * n + 1} ({b} aside)."
    )


def _side_digits(a: int, b: int, dice: Dice) -> str:
    value = a * 37 + b
    total = sum(map(int, str(value)))
    start = dice.pick(("Casting out nines:", "Digit sums help:", "The rule of nine:", "A digit check:"))
    return (
        f"{start} {value} has digit sum {total}, which is {total % 9} modulo 9, and indeed {value} = 9 "
        f"times {value // 9} plus {value % 9}."
    )


def _side_story(a: int, b: int, dice: Dice) -> str:
    thing = dice.pick(
        (
            "a table",
            "a number line",
            "a small sketch",
            "a list of cases",
            "a tree",
            "two columns",
            "a formula with letters",
        )
    )
    use = dice.pick(("it would show", "one would see", "that makes visible", "it confirms"))
    what = dice.pick(
        (
            f"how {a} enters the result",
            f"why {b} matters only once",
            f"that {a} and {b} are used in the right order",
            f"that nothing depends on more than {a + b} cases",
            f"where {b} comes from",
        )
    )
    return f"If I drew {thing}, {use} {what}."


_SIDES: tuple[Callable[[int, int, Dice], str], ...] = (
    _side_product,
    _side_table,
    _side_division,
    _side_bounds,
    _side_squares,
    _side_digits,
    _side_story,
)


def target_length(dice: Dice) -> int:
    """Characters of thinking to aim at: mostly 300 to 1,500, seldom up to 15,000."""
    draw = dice.between(0, 999)
    for share, low, high in ((700, 260, 800), (930, 800, 1700), (990, 1700, 4000), (1000, 4000, 14_500)):
        if draw < share:
            return dice.between(low, high)
    raise AssertionError("the shares end at 1000")


def _sentence(link: str, step: str) -> str:
    if not link:
        step = step[0].upper() + step[1:]
    elif step[0].isupper() and step[1:2].islower():
        link = link.rstrip(" ,") + ": "
    text = link + step
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?:" else text + "."


class Subject(NamedTuple):
    """What the thinking is about."""

    ending: tuple[str, ...]  # the last words of the problem
    given: tuple[int, ...]  # numbers that stand in it
    language: str


def subject_of(text: str, language: str = "en") -> Subject:
    """The parts of a problem's text that its responses speak of."""
    given = tuple(int(found) for found in _NUMBER.findall(text) if len(found) < 5)
    return Subject(tuple(text.split()[-30:]), given or (2, 3, 5), language)


def think(subject: Subject, steps: Sequence[str], conclusion: str, dice: Dice, length: int) -> list[str]:
    """Paragraphs of thinking that reach the conclusion, about `length` characters in all."""
    given, language = subject.given, subject.language
    if language == "zh":
        return _think_chinese(given, steps, conclusion, dice, length)
    opening = [dice.pick(_OPENINGS)]
    if dice.chance(0.4):
        opening.append(dice.pick(_QUOTES) % " ".join(subject.ending[-dice.between(12, 30) :]).rstrip(".?"))
    opening.append(dice.pick(_PLANS))
    parts = [" ".join(opening)]
    lines: list[str] = []
    for line in _chain(steps, dice):
        lines.append(line)
        if dice.chance(0.22):
            lines.append(_doubt(given, dice))
        if dice.chance(0.35):
            parts.append(" ".join(lines))
            lines = []
    lines.append(dice.pick(_CLOSINGS) % conclusion)
    parts.append(" ".join(lines))
    size = sum(map(len, parts))
    doubts = passes = 0
    first_doubt, first_check = dice.below(len(_DOUBTS)), dice.below(len(_CHECKS))
    while size < length:
        kind = dice.below(10)
        if kind < 2 and passes < 3:
            again = [line for line in _chain(steps, dice) if dice.chance(0.7)]
            part = " ".join([_CHECKS[(first_check + passes) % len(_CHECKS)], *again, dice.pick(_VERDICTS)])
            passes += 1
        elif kind < 4 and doubts < 12:
            doubt = _DOUBTS[(first_doubt + doubts) % len(_DOUBTS)]
            part = f"{_slot(doubt, given, dice)} {_side(given, dice)}"
            doubts += 1
        else:
            part = " ".join(_side(given, dice) for _ in range(dice.between(1, 3)))
        parts.append(part)
        size += len(part) + 2
    if len(parts) > 3 and dice.chance(0.7):
        parts.append(dice.pick(_CLOSINGS) % conclusion)
    return parts


def _chain(steps: Sequence[str], dice: Dice) -> list[str]:
    """The steps as sentences, each with another link before it."""
    first = dice.below(len(_LINKS))
    return [_sentence(_LINKS[(first + 5 * index) % len(_LINKS)], step) for index, step in enumerate(steps)]


def _slot(line: str, given: Sequence[int], dice: Dice) -> str:
    if "%" not in line:
        return line
    a, b = dice.pick(given), dice.pick(given)
    return line % {"a": a, "b": b, "s": a + b}


def _doubt(given: Sequence[int], dice: Dice) -> str:
    return _slot(dice.pick(_DOUBTS), given, dice)


def _side(given: Sequence[int], dice: Dice) -> str:
    a = dice.pick(given) if dice.chance(0.4) else dice.between(11, 989)
    return dice.pick(_SIDES)(a, dice.between(12, 98), dice)


_ZH_OPENINGS = (
    "好，我先看一下题目。",
    "先把已知条件列出来。",
    "嗯，让我想一想。",
    "我们一步一步来。",
    "先弄清楚题目问的是什么。",
    "这道题要先找数量关系。",
)
_ZH_LINKS = ("首先，", "然后，", "接着，", "所以，", "也就是说，", "由此可知，", "注意到", "再看，")
_ZH_DOUBTS = (
    "等一下，这里有没有算错？再看一遍，没有问题。",
    "单位是一致的。",
    "换一种方法也能得到同样的关系。",
    "这个数看起来合理。",
    "不过要注意符号。",
)
_ZH_CLOSINGS = ("因此结果是%s。", "所以答案应该是%s。", "综上，得到%s。", "算出来是%s。")


def _think_chinese(
    given: Sequence[int], steps: Sequence[str], conclusion: str, dice: Dice, length: int
) -> list[str]:
    parts = [dice.pick(_ZH_OPENINGS)]
    for link, step in zip(dice.some(_ZH_LINKS, len(steps)), steps, strict=True):
        parts.append(f"{link}{step}。" + (dice.pick(_ZH_DOUBTS) if dice.chance(0.3) else ""))
    parts.append(dice.pick(_ZH_CLOSINGS) % conclusion)
    size = 3 * sum(map(len, parts))  # a character of Chinese says about as much as three of English
    while size < length:
        a, b = dice.pick(given), dice.between(12, 98)
        part = dice.pick(
            (
                f"验算一下：{a}×{b}={a * b}，{a}+{b}={a + b}，大小关系是对的。",
                f"再估计一下：{a}和{b}的差是{abs(a - b)}，平方分别是{a * a}和{b * b}。",
                f"顺便用{b}去除{a * 7 + b}，商{(a * 7 + b) // b}余{(a * 7 + b) % b}，可以帮助检查。",
                f"如果把{a}换成{a + 1}，和就变成{a + 1 + b}，这说明结果对条件很敏感。",
            )
        )
        parts.append(part)
        size += 3 * len(part)
    return ["".join(parts[:3]), *parts[3:]]
