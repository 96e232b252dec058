"""One row of the sample from the plan: its problem, its responses, and what is true about both.

A row depends only on (rows, seed, its number): any part of the data set can be made alone, and a
copy makes the row it copies once more.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from curate.sample import edits, forms
from curate.sample.chat import TOPICS, Talk, other_reply, talk
from curate.sample.code import FAMILIES as TASKS
from curate.sample.code import Task, row_task
from curate.sample.dice import DEFECT, RESPONSES, WORDS, Dice
from curate.sample.maths import FAMILIES, benchmark_problem, family_of, row_problem
from curate.sample.plan import CODE, COPIES, DEFECTS, LEAKS, MATHS, Plan, benchmark_size
from curate.sample.reasoning import subject_of
from curate.sample.responses import (
    DEFECT_SHARES,
    UNGRADED,
    Response,
    chat_response,
    code_response,
    draw_defect,
    maths_response,
    model_names,
)
from curate.sample.values import Answer, Problem

_WORD = re.compile(r"\w+")
_ALL = tuple(defect for defect, _ in DEFECT_SHARES)
_NO_BOX = tuple(defect for defect in _ALL if defect != "no-box")
_SILENT = ("looping", "truncated", "empty-answer")  # defects that leave no answer behind
_MIN_ITEM_WORDS = 14
Message = tuple[str, str]


class Line(NamedTuple):
    """One line of the truth about a row, or about a response of it."""

    response_id: int | None
    defect: str
    detail: str
    partner: int | None = None
    partner_item: str | None = None


class Row(NamedTuple):
    """One row of the sample with the truth about it."""

    problem: str | None
    answer: str | None
    messages: tuple[Message, ...] | None
    tests: str | None
    source: str
    responses: tuple[Response, ...]
    lines: tuple[Line, ...]


class Item(NamedTuple):
    """One problem of the sample's own evaluation set."""

    id: str
    family: int
    number: int  # which draw of the item stream it is
    problem: Problem


def make_items(rows: int, seed: int) -> tuple[Item, ...]:
    """The evaluation set: problems of the same families, other draws, at least 14 words each."""
    items: list[Item] = []
    draw = 0
    while len(items) < benchmark_size(rows):
        family = draw * 7 % (len(FAMILIES) - 6)  # English families only; 7 shares no factor with their number
        problem = benchmark_problem(seed, draw, family)
        if len(_WORD.findall(problem.text)) >= _MIN_ITEM_WORDS:
            items.append(Item(f"item-{len(items):04d}", family, draw, problem))
        draw += 1
    return tuple(items)


def make_row(plan: Plan, items: tuple[Item, ...], seed: int, row: int) -> Row:
    """Row number `row`."""
    kind = int(plan.kind[row])
    if kind == MATHS:
        return _maths_row(plan, items, seed, row)
    return _code_row(plan, seed, row) if kind == CODE else _chat_row(plan, seed, row)


def _defect(plan: Plan, row: int) -> str:
    index = int(plan.defect[row])
    return DEFECTS[index] if index >= 0 else ""


def _partners(plan: Plan, row: int) -> list[int]:
    """Clean rows of the same kind that this copy may copy; no other copy may use them."""
    kind = int(plan.kind[row])
    return [int(other) for other in plan.clean[kind][int(plan.serial[row]) :: plan.copies[kind]][:60]]


def _base(plan: Plan, seed: int, row: int) -> Problem:
    return row_problem(seed, row, family_of(float(plan.pick[row])))


def _gold(answer: Answer, dice: Dice) -> str:
    return answer.forms[0][1] if dice.chance(0.75) else dice.pick(answer.forms)[1]


# --- mathematics


def _maths_row(plan: Plan, items: tuple[Item, ...], seed: int, row: int) -> Row:
    defect = _defect(plan, row)
    dice = Dice(seed, RESPONSES, row)
    problem, lines = _maths_problem(defect, plan, items, seed, row)
    gold: str | None = "proof" if problem.answer.kind == "proof" else _gold(problem.answer, dice)
    wrong = problem.answer.wrong
    if defect == "wrong-answer-key":
        slip, gold = dice.pick(wrong)
        wrong = tuple(pair for pair in wrong if pair[1] != gold)
        lines = (Line(None, defect, slip),)
    responses = _maths_responses(problem, wrong, defect, dice)
    text: str | None = problem.text
    if defect == "empty-prompt":
        text, detail = dice.pick(
            ((None, "null"), ("", "empty"), ("  \n ", "white-space"), ("\t", "white-space"))
        )
        lines = (Line(None, defect, detail),)
    if defect == "missing-answer":
        gold = None
    if defect and not lines:
        lines = (Line(None, defect, problem.family),)
    source = f"maths/{FAMILIES[family_of(float(plan.pick[row]))][0]}"
    return Row(text, gold, None, None, source, responses, lines + _response_lines(responses))


def _maths_problem(
    defect: str, plan: Plan, items: tuple[Item, ...], seed: int, row: int
) -> tuple[Problem, tuple[Line, ...]]:
    """The row's problem with its planted defect, and the truth as far as the text tells it."""
    if not defect:
        return _base(plan, seed, row), ()
    dice = Dice(seed, DEFECT, row)
    if defect in COPIES:
        for other in _partners(plan, row):
            problem = _base(plan, seed, other)
            copied = _copy_text(problem.text, defect, dice)
            if copied is not None and (defect != "near-duplicate" or problem.language == "en"):
                return problem._replace(text=copied[0]), (Line(None, defect, copied[1], other),)
        raise AssertionError(f"row {row} found no row to copy")
    if defect in LEAKS:
        return _leak(defect, items[int(plan.serial[row])], seed, dice)
    if defect in forms.FROM_NOTHING:
        return forms.FROM_NOTHING[defect](dice), ()
    problem = _base(plan, seed, row)
    if defect in forms.FROM_PROBLEM:
        return forms.FROM_PROBLEM[defect](problem, dice), ()
    if defect == "odd-unicode":
        text, which = edits.odd_characters(problem.text, dice)
        return problem._replace(text=text), (Line(None, defect, which),)
    return problem, ()


def _copy_text(
    text: str, defect: str, dice: Dice, *, rest: str = "", code: bool = False
) -> tuple[str, str] | None:
    """The text of a copy and what was done to it; None if this text is not fit for such a copy."""
    if defect == "exact-duplicate":
        return text, ""
    if defect == "exact-duplicate-spacing":
        return edits.respace(text, dice, code=code)
    for _ in range(4):
        copied = edits.reword_slightly(text, dice, rest)
        if copied is not None and copied[0] != text:
            return copied[0], f"jaccard={copied[1]:.3f}"
    return None


def _leak(defect: str, item: Item, seed: int, dice: Dice) -> tuple[Problem, tuple[Line, ...]]:
    problem, detail = item.problem, ""
    text = problem.text
    if defect == "leak-embedded":
        text = edits.wrap(text, dice)
    elif defect == "leak-reformatted":
        text, detail = edits.reformat(text, dice)
    elif defect == "leak-reworded":
        told = (benchmark_problem(seed, item.number, item.family, words=n) for n in range(1, 12))
        problem = min(told, key=lambda other: edits.jaccard(text, other.text))
        detail = f"jaccard={edits.jaccard(text, problem.text):.3f}"
        text = problem.text
    elif defect == "leak-renumbered":
        redrawn = (benchmark_problem(seed, item.number, item.family, numbers=n) for n in range(1, 50))
        right = {form for _, form in problem.answer.forms}
        problem = next(
            other for other in redrawn if other.answer.forms[0][1] not in right and other.text != text
        )
        detail = f"jaccard={edits.jaccard(text, problem.text):.3f}"
        text = problem.text
    return problem._replace(text=text), (Line(None, defect, detail, None, item.id),)


def _maths_responses(
    problem: Problem, wrong: tuple[tuple[str, str], ...], defect: str, dice: Dice
) -> tuple[Response, ...]:
    """Four to eight responses; how many are right depends on how hard the row is.

    Unless the row has no correct response by plan, at least one boxed answer is right; with a wrong
    answer key the right ones are the majority and no wrong one meets the key.
    """
    hopeless = defect == "no-correct-response"
    many = hopeless or defect == "wrong-answer-key"  # enough of them to tell that nobody meets the key
    count = dice.pick((6, 6, 7, 8) if many else (4, 4, 4, 5, 5, 5, 6, 6, 7, 8))
    hardness = (
        1.0
        if hopeless
        else 0.08
        if defect == "wrong-answer-key"
        else dice.pick((0.02,) * 6 + (0.2,) * 3 + (0.5,))
    )
    names = model_names(count, dice)
    plans: list[tuple[str | None, bool]] = []
    for _ in range(count):
        flaw = draw_defect(dice, _SILENT if hopeless else _ALL)
        plans.append((flaw, not hopeless and (flaw is not None or not dice.chance(hardness))))
    n_right = sum(right for flaw, right in plans if flaw is None)
    if hopeless:
        plans[0] = (None, False)
    elif not n_right or (defect == "wrong-answer-key" and n_right <= sum(not right for _, right in plans)):
        plans = [(None, True)] * count
    if problem.answer.kind in UNGRADED:
        plans = [(flaw, True) for flaw, _ in plans]
    subject, right_forms = subject_of(problem.text, problem.language), problem.answer.forms
    return tuple(
        maths_response(
            problem, subject, dice.pick(right_forms if right else wrong), right, (flaw, model), dice
        )
        for (flaw, right), model in zip(plans, names, strict=True)
    )


def _response_lines(responses: tuple[Response, ...]) -> tuple[Line, ...]:
    lines = []
    for index, response in enumerate(responses):
        if response.defect is not None:
            lines.append(Line(index, response.defect, response.defect_detail))
        if response.label is not None:
            lines.append(Line(index, response.label, response.form))
    return tuple(lines)


# --- code


def _code_task(plan: Plan, seed: int, row: int) -> Task:
    return row_task(seed, row, int(float(plan.pick[row]) * len(TASKS)))


def _code_row(plan: Plan, seed: int, row: int) -> Row:
    defect = _defect(plan, row)
    lines: tuple[Line, ...] = ()
    task = _code_task(plan, seed, row)
    if defect:
        dice = Dice(seed, DEFECT, row)
        for other in _partners(plan, row):
            original = _code_task(plan, seed, other)
            copied = _copy_text(original.text, defect, dice, code=True)
            if copied is not None:
                task, lines = original._replace(text=copied[0]), (Line(None, defect, copied[1], other),)
                break
        assert lines, f"row {row} found no row to copy"
    dice = Dice(seed, RESPONSES, row)
    hardness = dice.pick((0.05, 0.05, 0.3, 0.6))
    names = model_names(dice.between(4, 8), dice)
    plans = [(draw_defect(dice, _NO_BOX), dice.chance(hardness)) for _ in names]
    plans[0] = (None, False)
    subject = subject_of(task.text)
    responses = tuple(
        code_response(task, subject, flaw is not None or not fails, (flaw, model), dice)
        for (flaw, fails), model in zip(plans, names, strict=True)
    )
    return Row(
        task.text,
        None,
        None,
        task.tests,
        f"code/{task.family}",
        responses,
        lines + _response_lines(responses),
    )


# --- chat


def _base_talk(plan: Plan, seed: int, row: int) -> Talk:
    return talk(int(float(plan.pick[row]) * len(TOPICS)), Dice(seed, WORDS, row))


def _chat_row(plan: Plan, seed: int, row: int) -> Row:
    defect = _defect(plan, row)
    dice = Dice(seed, DEFECT, row)
    base = _base_talk(plan, seed, row)
    lines: tuple[Line, ...] = ()
    if defect in COPIES:
        for other in _partners(plan, row):
            original = _base_talk(plan, seed, other)
            first = int(original.turns[0][0] == "system")
            said = [content for role, content in original.turns if role == "user"]
            copied = _copy_text(said[0], defect, dice, rest="".join(f"\n{line}" for line in said[1:]))
            if copied is not None:
                turns = (*original.turns[:first], ("user", copied[0]), *original.turns[first + 1 :])
                base, lines = original._replace(turns=turns), (Line(None, defect, copied[1], other),)
                break
        assert lines, f"row {row} found no row to copy"
    turns, detail = _spoiled(base, defect, dice)
    if detail:
        lines = (Line(None, defect, detail),)
    source = f"chat/{base.topic}"
    if turns[-1][0] == "user":
        return Row(None, None, turns, None, source, (), lines)
    draws = Dice(seed, RESPONSES, row)
    names = model_names(draws.between(1, 2), draws)
    flaws = [draw_defect(draws, _NO_BOX) for _ in names]
    topic = next(index for index, known in enumerate(TOPICS) if known.name == base.topic)
    texts = [turns[-1][1], *(other_reply(topic, draws) for _ in names[1:])]
    responses = tuple(
        chat_response(text, (flaw, model), draws)
        for text, flaw, model in zip(texts, flaws, names, strict=True)
    )
    turns = (*turns[:-1], ("assistant", responses[0].text))
    return Row(None, None, turns, None, source, responses, lines + _response_lines(responses))


def _spoiled(base: Talk, defect: str, dice: Dice) -> tuple[tuple[Message, ...], str]:
    """The turns with a defect of order, and which one; no detail for a sound conversation."""
    turns = base.turns
    if defect == "last-turn-user":
        return turns[:-1], "no-reply"
    if defect != "odd-turns":
        return turns, ""
    how = dice.pick(("two-user-turns", "assistant-first", "two-assistant-turns"))
    if how == "two-user-turns":
        return (
            *turns[:-1],
            ("user", dice.pick(("Are you there?", "Please answer soon.", "One more thing: keep it short."))),
            turns[-1],
        ), how
    if how == "assistant-first":
        head = tuple(turn for turn in turns if turn[0] == "system")
        return (*head, ("assistant", "Hello! What can I do for you today?"), *turns[len(head) :]), how
    topic = next(index for index, known in enumerate(TOPICS) if known.name == base.topic)
    return (*turns, ("assistant", other_reply(topic, dice))), how
