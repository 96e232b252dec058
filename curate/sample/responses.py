"""Model responses: thinking and answer, right or wrong, and the defects that responses have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curate.sample.code import Task
from curate.sample.damage import cut, loop
from curate.sample.dice import Dice
from curate.sample.reasoning import Subject, target_length, think
from curate.sample.values import Problem

_CODE_STEPS = (
    "an empty input must not raise an error",
    "the examples in the statement are a good first test",
    "negative numbers need no special care in Python",
    "a single pass is enough",
    "nothing has to be sorted unless the task says so",
    "a list is the right structure for the intermediate result",
    "the bound is inclusive, so the comparison must be chosen with care",
    "the limits are small, so clarity comes before speed",
    "the last element needs the same treatment as the others",
    "I return a new value and do not change the argument",
    "integer arithmetic is exact, so rounding is no issue",
    "I check the first example by hand and it agrees",
)


Flaw = tuple[str | None, str]  # (defect of form or None, name of the model)


class Response(NamedTuple):
    """One response and what is true about it."""

    text: str
    model: str
    finish_reason: str
    defect: str | None  # a planted defect of form, None if there is none
    defect_detail: str
    label: str | None  # "right" or "wrong"; None if no answer stands outside the thinking
    form: str  # how a right answer is written, or which slip made it wrong


MODELS = (
    "larch-7b",
    "larch-32b",
    "heron-14b",
    "heron-70b",
    "quartz-8b",
    "quartz-235b",
    "plover-1.5b",
    "plover-12b",
)
UNGRADED = ("proof", "multi-part")  # kinds of answers that have no single value
DEFECT_SHARES = (
    ("looping", 0.030),
    ("truncated", 0.032),
    ("no-think-end", 0.024),
    ("empty-answer", 0.024),
    ("no-think", 0.026),
    ("no-box", 0.030),
)
_ANSWERS = (
    "The answer is $\\boxed{%s}$.",
    "Final answer: $\\boxed{%s}$",
    "\\boxed{%s}",
    "**Answer:** $\\boxed{%s}$",
    "### Result\n\n$$\\boxed{%s}$$",
    "Therefore we obtain\n\\[\n\\boxed{%s}\n\\]",
    "Thus the result is \\(\\boxed{%s}\\).",
    "So the required value is $\\boxed{%s}$.",
    "\\[\\boxed{%s}\\]",
    "Hence, $\\boxed{%s}$.",
    "This gives the final result: $\\boxed{%s}$",
)
_PROSE = (
    "The answer is $%s$.",
    "So the final result is **%s**.",
    "Therefore we obtain $%s$ in the end.",
    "Answer: %s",
    "Hence the value we were asked for is %s.",
    "In conclusion, it is $%s$.",
    "The solution is therefore \\(%s\\).",
)
_LEADS = (
    "Here is the solution.",
    "In short:",
    "**Solution.**",
    "The main steps are these.",
    "We proceed as follows.",
    "To solve this:",
    "",
)
_ZH_ANSWERS = (
    "所以答案是$\\boxed{%s}$。",
    "答：$\\boxed{%s}$。",
    "因此，最终结果为\\[\\boxed{%s}\\]",
    "综上所述，答案为 \\(\\boxed{%s}\\)。",
)
_ZH_PROSE = ("所以答案是$%s$。", "答：%s。", "因此结果等于%s。")


def draw_defect(dice: Dice, names: Sequence[str]) -> str | None:
    """A defect of form among `names` at its share, mostly None."""
    draw = dice.below(10_000) / 10_000
    for defect, share in DEFECT_SHARES:
        if draw < share:
            return defect if defect in names else None
        draw -= share
    return None


def model_names(count: int, dice: Dice) -> list[str]:
    """The models that answer one row, two responses of one model side by side now and then."""
    chosen = dice.some(MODELS, count)
    return [chosen[index] if not index or dice.chance(0.8) else chosen[index - 1] for index in range(count)]


def maths_response(
    problem: Problem, subject: Subject, value: tuple[str, str], right: bool, flaw: Flaw, dice: Dice
) -> Response:
    """A response to a maths problem. `value` is (form or slip, LaTeX) of the answer it gives."""
    defect, model = flaw
    form, answer = value
    chinese = problem.language == "zh"
    steps = problem.steps if right or dice.chance(0.5) else problem.steps[:-1]
    paragraphs = think(
        subject, steps, f"${answer}$" if dice.chance(0.6) else answer, dice, target_length(dice)
    )
    thinking = "\n\n".join(paragraphs) if dice.chance(0.85) else "\n".join(paragraphs)
    recap = _recap(steps, dice, always=defect == "truncated", chinese=chinese)
    closing = dice.pick(_ZH_ANSWERS if chinese else _ANSWERS) % answer
    ungraded = problem.answer.kind in UNGRADED
    label = None if ungraded else "right" if right else "wrong"
    form = "ungraded" if ungraded else form

    def done(text: str, finish: str = "stop", detail: str = "", graded: bool = False) -> Response:
        return Response(text, model, finish, defect, detail, label if graded else None, form)

    whole = f"<think>\n{thinking}\n</think>\n\n{recap}{closing}"
    if defect is None:
        return done(whole, graded=True)
    if defect == "looping":
        return done(*loop(thinking, closing, subject.given, dice))
    if defect == "truncated":
        return done(*cut(thinking, recap, dice))
    if defect == "no-think-end":
        return done(f"<think>\n{thinking}\n\n{recap}{closing}", detail="never-closed")
    if defect == "empty-answer":
        return done(
            f"<think>\n{thinking}\n</think>{dice.pick(('', chr(10), chr(10) * 2, '  '))}",
            detail="nothing-after-think",
        )
    if defect == "no-think":
        text = f"{recap}{closing}" if recap and dice.chance(0.5) else f"{thinking}\n\n{closing}"
        return done(text, detail="no-tags", graded=True)
    prose = dice.pick(_ZH_PROSE if chinese else _PROSE) % answer
    return done(f"<think>\n{thinking}\n</think>\n\n{recap}{prose}", detail="prose", graded=True)


def code_response(task: Task, subject: Subject, right: bool, flaw: Flaw, dice: Dice) -> Response:
    """A response to a programming problem: thinking, then a program in a fenced block."""
    defect, model = flaw
    slip, program = ("program", dice.pick(task.right)) if right else dice.pick(task.wrong)
    steps = (task.idea, *dice.some(_CODE_STEPS, dice.between(2, 5)))
    thinking = "\n\n".join(think(subject, steps, "this program", dice, target_length(dice)))
    lead = dice.pick(
        (
            "Here is the program.",
            "This solves the task:",
            "**Solution**",
            "The following code does it.",
            task.idea,
        )
    )
    closing = f"```python\n{program}```"
    tail = dice.pick(("", "", "\n\nIt runs in linear time.", "\n\nThe edge cases are covered."))
    label = "right" if right else "wrong"

    def done(text: str, finish: str = "stop", detail: str = "", graded: bool = False) -> Response:
        return Response(text, model, finish, defect, detail, label if graded else None, slip)

    if defect == "looping":
        return done(*loop(thinking, lead, subject.given, dice))
    if defect == "truncated":
        return done(*cut(thinking, f"{lead} {task.idea} ", dice))
    if defect == "no-think-end":
        return done(f"<think>\n{thinking}\n\n{lead}\n\n{closing}", detail="never-closed")
    if defect == "empty-answer":
        return done(f"<think>\n{thinking}\n</think>\n", detail="nothing-after-think")
    if defect == "no-think":
        return done(f"{lead}\n\n{closing}{tail}", detail="no-tags", graded=True)
    return done(f"<think>\n{thinking}\n</think>\n\n{lead}\n\n{closing}{tail}", graded=True)


def chat_response(text: str, flaw: Flaw, dice: Dice) -> Response:
    """A reply of a conversation; it has no right answer, but it may have a defect of form."""
    defect, model = flaw
    thinking, _, said = text.removeprefix("<think>\n").partition("\n</think>\n\n")

    def done(text: str, finish: str = "stop", detail: str = "") -> Response:
        return Response(text, model, finish, defect, detail, None, "chat")

    if defect == "looping":
        return done(*loop(thinking, said, [2, 3], dice))
    if defect == "truncated":
        return done(*cut(thinking, said, dice))
    if defect == "no-think-end":
        return done(f"<think>\n{thinking}\n\n{said}", detail="never-closed")
    if defect == "empty-answer":
        return done(f"<think>\n{thinking}\n</think>\n", detail="nothing-after-think")
    if defect == "no-think":
        return done(said, detail="no-tags")
    return done(text)


def _recap(steps: Sequence[str], dice: Dice, *, always: bool, chinese: bool) -> str:
    """The main steps again, as the answer part of a response shows them; often nothing."""
    if not always and dice.chance(0.5):
        return ""
    if chinese:
        return "".join(f"{step}。\n" for step in steps) + "\n"
    lead = dice.pick(_LEADS)
    if dice.chance(0.4):
        body = "\n".join(f"{index}. {step[0].upper()}{step[1:]}." for index, step in enumerate(steps, 1))
        return f"{lead}\n\n{body}\n\n"
    body = ". ".join(step[0].upper() + step[1:] for step in steps)
    return f"{lead}{' ' if lead else ''}{body}.\n\n"
