"""Which part of a response counts: after the thinking, inside the answer tags, before the next turn."""

from __future__ import annotations

import re

from curate.answers.extract.cues import MAX_LOOK

# Opening and closing marks of the thinking, as models write them.
_THINKING = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis", "<|channel|>final<|message|>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)
# Asked first, because they cost next to nothing: most texts have none of these, and of the others few.
_MARKS = ("<", "◁", "[THINK]")
_HINTS = ("hink", "THINK", "thought>", "reasoning>", "<|channel|>", "_of_thought")
_ANSWER_TAGS = (
    ("<answer>", "</answer>"),
    ("<final_answer>", "</final_answer>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|begin_of_answer|>", "<|end_of_answer|>"),
)
# What ends a turn. What a model writes after it is no longer its answer.
_TURN_ENDS = re.compile(
    r"<\|(?:im_end|im_start|endoftext|eot_id|end_of_text|eom_id|end_of_solution|end|return|start_header_id)\|>"
    r"|</s>|<eos>|<end_of_turn>|<start_of_turn>|<｜end▁of▁sentence｜>|<｜User｜>|\[INST\]|\[/INST\]"
)
_TURN_HINTS = ("|>", "</s>", "<eos>", "_of_turn>", "<｜", "INST]")
_QUESTION_HINTS = ("uestion", "roblem", "xercise", "\nQ", "问", "題", "题")
_NEXT_QUESTION = re.compile(
    r"\n[ \t]{0,9}(?:\*\*|#{1,6}[ \t])?(?:Q|Question|Problem|Exercise|问题?|题目|問題)"
    r"[ \t]?\d{0,3}(?:\*\*)?[ \t]{0,9}[:\uff1a]"
)


def answer_span(text: str, think_close: str = "</think>") -> tuple[int, int] | None:
    """Where the part of a response that counts stands in it; None if the thinking never ends."""
    think_open = think_close.replace("/", "", 1)
    marks = [(think_open if think_open != think_close else "", think_close)]
    marks += [mark for mark in _THINKING if mark[1] != think_close]
    if not any(hint in text for hint in _MARKS) or not any(hint in text for hint in _HINTS):
        marks = marks[:1]
    start = 0
    for _, close in marks:
        found = text.rfind(close, start)
        if found >= 0:
            start = found + len(close)
    if any(mark and text.find(mark, start) >= 0 for mark, _ in marks):
        return None
    if text.find("<", start) < 0:
        return start, len(text)
    tagged = [
        (found + len(tag), tag_close)
        for tag, tag_close in _ANSWER_TAGS
        if (found := text.rfind(tag, start)) >= 0
    ]
    if not tagged:
        return start, len(text)
    inside, tag_close = max(tagged)
    end = text.find(tag_close, inside)
    return inside, len(text) if end < 0 else end


def answer_part(text: str, think_close: str = "</think>") -> str | None:
    """The part of a response that counts: after the thinking, inside `<answer>` where there is one.

    A response without think tags counts whole; the tags of the usual models are known besides
    `think_close`. None: the thinking never ends (the text was cut).

    >>> answer_part("<think>2+2</think> It is 4.")
    ' It is 4.'
    >>> answer_part("<think>2+2 is") is None
    True
    """
    span = answer_span(text, think_close)
    return None if span is None else text[slice(*span)]


def turn_end(text: str, start: int, end: int) -> int:
    """Where the first turn of a part ends: at the first mark of an end that comes after something."""
    if "<" not in text and "INST]" not in text:
        return end
    if not any(hint in text for hint in _TURN_HINTS):
        return end
    for mark in _TURN_ENDS.finditer(text, start, end):
        if text[start : mark.start()].strip():
            return mark.start()
        start = mark.end()
    return end


def next_question(text: str, start: int, end: int) -> int | None:
    """Where the first line "Question: ..." of a part begins; None without one."""
    end = min(end, start + MAX_LOOK)
    hints = _QUESTION_HINTS[:4] if text.isascii() else _QUESTION_HINTS
    if not any(text.find(hint, start, end) >= 0 for hint in hints):
        return None
    label = _NEXT_QUESTION.search(text, start, end)
    return label.start() if label else None
