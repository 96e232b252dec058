"""How responses go wrong in form: loops to the end of the budget, and cuts in mid-sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from curate.sample.dice import Dice

_LOOP_SENTENCES = (
    "Wait, no, %(a)d cannot be right, because then the other one would have to be %(b)d as well.",
    "But wait, that contradicts what I had before, so let me go back to the equation.",
    "Hmm, so if I take %(a)d here, I am left with %(b)d there, which is not possible.",
    "Therefore the value is not determined by this alone, and I need the other condition.",
    "Alternatively, perhaps the problem wants me to use %(a)d instead of %(b)d.",
    "So that is invalid. Similarly, the next case is also invalid.",
    "Let me recompute. The sum is the same as before, so nothing has changed.",
    "I think I made a mistake somewhere. Let me check the calculation again.",
    "Wait, maybe I misread the statement; it says %(a)d and not %(b)d.",
    "However, the same argument shows that %(b)d is again too large.",
)
_COUNTERS = (
    "Step %(n)d: However, the expression with %(a)d is still equal to the one with %(b)d, not to what we "
    "need.",
    "Case %(n)d: the remainder is not zero, so this case is excluded.",
    "If k = %(n)d, then the left side is too small, so k must be larger.",
    "Attempt %(n)d. I substitute and obtain the same equation as before.",
    "For n = %(n)d we get no solution.",
)
_TOKENS = (
    " so",
    " the",
    " 0",
    "\n\\mathrm{cm}^{2}",
    " \\boxed{}.",
    " re",
    " \\quad",
    " ...",
    "0",
    " wait",
    "\n",
    " and",
    "1, ",
    " \\\\ ",
    "=",
    " no",
    "\n---",
)
_SENTENCE_END = re.compile(r"(?<=[.!?:。]) ?|\n+")


def loop(thinking: str, closing: str, given: Sequence[int], dice: Dice) -> tuple[str, str, str]:
    """A response that repeats something until its budget is spent: (text, finish reason, kind of loop).

    The part before the loop is sound thinking; the loop is repeated at least 15 times.
    """
    kind = dice.pick(
        ("sentence", "sentence", "passage", "passage", "counter", "token", "alternating", "after-answer")
    )
    numbers = {"a": dice.pick(given), "b": dice.pick(given)}
    size = dice.between(1800, 5200)
    glue = dice.pick((" ", "\n\n", "\n"))
    sentences = [part for part in _SENTENCE_END.split(thinking) if part]
    kept = max(1, len(sentences) * dice.between(30, 90) // 100)
    head = thinking[: thinking.index(sentences[kept - 1]) + len(sentences[kept - 1])]
    if kind == "counter":
        line = dice.pick(_COUNTERS)
        first = dice.between(1, 40)
        count = max(18, size // (len(line) + 1))
        tail = glue.join(line % (numbers | {"n": n}) for n in range(first, first + count))
    elif kind == "token":
        glue = ""
        unit = dice.pick(_TOKENS)
        tail = unit * max(60, size // 2 // len(unit))
    else:
        units = {
            "sentence": [dice.pick(_LOOP_SENTENCES)],
            "alternating": dice.some(_LOOP_SENTENCES, 2),
            "passage": sentences[max(0, kept - dice.between(1, 3)) : kept],
            "after-answer": [closing],
        }[kind]
        unit = glue.join(units)
        if kind in ("sentence", "alternating"):
            unit = unit % numbers
        tail = glue.join([unit] * max(15, size // (len(unit) + 1)))
    if kind == "after-answer":
        text = f"<think>\n{thinking}\n</think>\n\n{tail}"
    else:
        text = f"<think>\n{head}{glue}{tail}"
    return text[: len(text) - dice.between(0, 12)], "length", kind


def cut(thinking: str, answer: str, dice: Dice) -> tuple[str, str, str]:
    """A response that stops in mid-sentence: (text, finish reason, where it stops)."""
    if answer and dice.chance(0.3):
        return f"<think>\n{thinking}\n</think>\n\n{_torn(answer, dice)}", "length", "in-answer"
    return f"<think>\n{_torn(thinking, dice)}", "length", "in-think"


def _torn(text: str, dice: Dice) -> str:
    """The text up to somewhere in its middle, not at the end of a sentence."""
    torn = text[: max(20, len(text) * dice.between(35, 92) // 100)].rstrip()
    while len(torn) > 10 and not (torn[-1].isalnum() or torn[-1] == ","):
        torn = torn[:-1]
    return torn[:-2] if torn.endswith("boxed") else torn
