r"""Where the final answer is in a text: strings in, strings out.

Everything here is linear in the length of the text and never recurses, so that a response of
ten megabytes or fifty thousand open braces costs milliseconds, not the run.

`how` says what marked an answer, surest first: `boxed`; `open-box`, a box that something other than
its brace ends; `hashes` (`#### 42`); `json` (`"answer": "42"`); `line` (a last line `A: 42`);
`sentence` ("the answer is 42", in two dozen languages); `whole`, the text is nothing else;
`conclusion` (the last sentence says "therefore ..."); `bold` in the last sentence; `last-formula` and
`last-number`, a guess that a caller asks for with `extract="any"` and may refuse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from curate.answers.extract import places
from curate.answers.extract.boxes import last_boxes, open_box
from curate.answers.extract.cues import CONCLUSION
from curate.answers.extract.naming import WORD, Named, named, value_of
from curate.answers.extract.pieces import WINDOW, Span, cover, tidy, tidy_span
from curate.answers.extract.sections import answer_part, answer_span, next_question, turn_end

__all__ = [
    "Extract", "Extracted", "How", "answer_part", "final_answer", "gold_answer", "last_boxed",
    "predicted_answer", "tidy",
]  # fmt: skip

Extract = Literal["boxed", "final", "any"]
How = Literal[
    "boxed", "open-box", "hashes", "json", "line", "sentence", "whole", "conclusion", "bold",
    "last-formula", "last-number",
]  # fmt: skip

_LABEL = re.compile(
    r"[^\W\d_]{2,20}\s{0,3}(?:\d{1,3}\s?)?[:\uff1a]|[^\W\d_][:\uff1a](?=\s|\Z)|[\u4e00-\u9fff][:\uff1a]"
    r"|[?\uff1f]|[.!](?=\s+[^\W\d_]{2})|。(?=.)|\A\s*[^\W\d_]{2,}\s.*?[^\W\d_]{2}"
)
_VERB = re.compile(r"\b(?:is|are|was|were|equals?|has|have|there)\b", re.IGNORECASE)
_BARE_OPTION = re.compile(r"(?:\\text\w*\{)?\(?[A-J]\)?\}?(?:[.:)]|\Z)")
_ENVIRONMENT = re.compile(r"\\begin\{(\w+)\*?\}.*?\\end\{\1\*?\}", re.DOTALL)
_LATEX_WORD = re.compile(r"\\(?:text|mathrm|textbf|mbox)\s*\{[^{}]*\}|\\[A-Za-z]+")
_MAX_BARE, _MAX_SHORT, _MAX_WORDS, _MAX_AFTER = 400, 160, 3, 30

_GOLD_LABEL = re.compile(
    r"\s*(?:\*\*)?(?:(?:so|the|final|correct)\s+){0,3}"
    r"(?:(?:answer|ans)(?:\*\*)?\s{0,3}(?:[:\uff1a=]|\bis\b:?)|答案?(?:[:\uff1a]|是|为))"
    r"(?:\*\*)?(?=\s*\S)",
    re.IGNORECASE,
)


class Extracted(NamedTuple):
    """A final answer, what marked it, and where in the text it stands (of several parts: first to last)."""

    text: str
    how: How
    span: Span | None = None


def last_boxed(text: str) -> str | None:
    r"""The content of the last closed `\boxed{...}`, `\fbox{...}` or `\boxed 5`; None without one.

    Escaped braces do not count as braces, an empty box is no box, and of nested boxes the inner
    one is last. Boxes with only a separator between them are one answer, joined by commas.

    >>> last_boxed(r"so \boxed{\frac{1}{2}}, no: \boxed{3}")
    '3'
    >>> last_boxed(r"$x=\boxed{1}$ or $x=\boxed{2}$")
    '1,2'
    """
    found = _in_boxes(text, 0, len(text))
    return found.text if found else None


def final_answer(text: str, extract: Extract = "final") -> Extracted | None:
    r"""The final answer of the answer part of a response; None if it names none.

    extract: `boxed` takes the last box only; `final` then tries what the text says is its answer;
    `any` then guesses: the last formula or number.

    >>> final_answer("Half of 84. The answer is $42$.")
    Extracted(text='42', how='sentence', span=(27, 29))
    """
    start, end = 0, _end(text, 0, len(text))
    found = _in_boxes(text, start, end)
    if extract != "boxed":
        found = found or next(filter(None, _said(text, start, end)), None)
    if extract == "any":
        found = found or next(filter(None, _guesses(text, start, end)), None)
    return found


def predicted_answer(
    text: str, extract: Extract = "final", think_close: str = "</think>"
) -> Extracted | None:
    r"""The answer of a text that is a whole response or a bare answer; None if it names none.

    A bare answer, and a line that no rule finds an answer in, are taken whole. The span is that in
    the whole text, thinking and all.

    >>> predicted_answer(r"x=1/3\approx1.3").text, predicted_answer("<think>No.</think> So it is **7**.").text
    ('x=1/3\\approx1.3', '7')
    """
    part = answer_span(text, think_close)
    if part is None:
        return None
    start, end = part[0], _end(text, *part)
    if boxed := _in_boxes(text, start, end):
        return boxed
    if extract == "boxed":
        return None
    if found := next(filter(None, _said(text, start, end)), None):
        return found
    line = tidy_span(text, start, end)
    if 0 < line[1] - line[0] <= _MAX_SHORT and "\n" not in text[slice(*line)]:
        only = value_of(piece := cover(text, *line), 0, len(piece.covered))
        return _guessed(text, only) or Extracted(text[slice(*line)], "whole", line)
    return next(filter(None, _guesses(text, start, end)), None) if extract == "any" else None


def gold_answer(text: str) -> Extracted | None:
    r"""The answer of a ground truth: after `####`, in the last box, or the whole text; None if blank.

    Of a whole worked solution without these, what it says is its answer. A bare answer is never cut.

    >>> gold_answer("She sold 24 + 18.\n#### 42").text, gold_answer("Answer: 5 or 6").text
    ('42', '5 or 6')
    """
    end = len(text)
    if found := places.after_hashes(text, 0, end):
        return _joined(text, found.pieces, "hashes")
    if boxed := _in_boxes(text, 0, end):
        return boxed
    whole = tidy_span(text, 0, end)
    if whole[0] == whole[1]:
        return None
    if label := _GOLD_LABEL.match(text):
        return _joined(text, [(label.end(), end)], "sentence")
    if (end > _MAX_SHORT or "\n" in text[slice(*whole)]) and not _is_bare(text, *whole):
        solution = final_answer(text)
        if solution is not None and (solution.how not in ("conclusion", "bold") or _is_last(text, solution)):
            return solution
    return Extracted(text[slice(*whole)], "whole", whole)


def _is_last(text: str, found: Extracted) -> bool:
    """Whether next to nothing follows an answer: a unit, the end of its sentence."""
    return found.span is not None and len(text[found.span[1] :].strip()) <= _MAX_AFTER


def _said(text: str, start: int, end: int) -> Iterator[Extracted | None]:
    """What each place without a closed box says is the answer, surest first."""
    is_open = open_box(text, start, end)
    if is_open is not None and is_open.is_ended:
        yield _joined(text, [is_open.span], "open-box")
    yield _named(text, places.after_hashes(text, start, end), "hashes")
    if (value := places.in_json(text, start, end)) is not None:
        corrected = places.in_sentence(text, value[1], end)
        if corrected is not None and corrected.kind in ("number", "formula"):
            yield _named(text, corrected, "sentence")
        yield _from_json(text, value)
    yield _named(text, places.on_last_line(text, start, end), "line")
    sentence = places.in_sentence(text, start, end)
    if sentence is not None and sentence.kind != "prose":
        yield _named(text, sentence, "sentence")
    whole = tidy_span(text, start, end)
    if _is_bare(text, *whole):
        yield Extracted(text[slice(*whole)], "whole", whole)
    if (concluded := places.in_conclusion(places.tail_piece(text, start, end))) is not None:
        yield _named(text, concluded.named, "conclusion" if concluded.is_conclusion else "bold")
    yield _named(text, sentence, "sentence")


def _guesses(text: str, start: int, end: int) -> Iterator[Extracted | None]:
    """What may be the answer of a text that names none, likeliest first."""
    if (cut := open_box(text, start, end)) is not None:
        yield _joined(text, [cut.span], "open-box")
    yield _guessed(text, places.last_resort(places.tail_piece(text, start, end)))


def _in_boxes(text: str, start: int, end: int) -> Extracted | None:
    """The last box of a part, with those before it that are parts of the same answer."""
    boxes = last_boxes(text, start, end)
    found = _joined(text, [box.inner for box in boxes], "boxed")
    if found is not None and all(_is_doubled(text, box.start) for box in boxes):
        return found._replace(text=found.text.replace("\\\\", "\\"))
    return found


def _is_doubled(text: str, place: int) -> bool:
    r"""Whether a command begins with two backslashes, as in a JSON string that nobody decoded."""
    run = len(text[max(0, place - 8) : place + 1]) - len(text[max(0, place - 8) : place + 1].rstrip("\\"))
    return run % 2 == 0


def _named(text: str, found: Named | None, how: How) -> Extracted | None:
    """What a place names, tidied."""
    return None if found is None else _joined(text, found.pieces, how)


def _guessed(text: str, found: Named | None) -> Extracted | None:
    """A formula or number that nothing marks, tidied."""
    return _named(text, found, "last-formula" if found and found.kind == "formula" else "last-number")


def _joined(text: str, pieces: Sequence[Span], how: How) -> Extracted | None:
    """Parts of one answer, tidied and joined by commas; None if nothing is left."""
    spans = [span for piece in pieces if (span := tidy_span(text, *piece))[0] < span[1]]
    contents = [text[slice(*span)] for span in spans]
    parts = [part for i, part in enumerate(contents) if i == 0 or contents[i - 1] != part]
    return Extracted(",".join(parts), how, (spans[0][0], spans[-1][1])) if parts else None


def _from_json(text: str, span: Span) -> Extracted | None:
    r"""The answer of a JSON string: all of it if bare, else what it names; `\\frac` is `\frac` in there."""
    value = text[slice(*span)].replace("\\\\", "\\").replace('\\"', '"')
    inner = tidy_span(value, 0, len(value))
    if not _is_bare(value, *inner):
        piece = cover(value, inner[0], min(inner[1], inner[0] + WINDOW))
        found = _named(value, named(piece, 0, len(piece.covered)), "json")
        return None if found is None else found._replace(span=span)
    return Extracted(value[slice(*inner)], "json", span)


def _end(text: str, start: int, end: int) -> int:
    """Where the answer to the question ends: before the next turn and before another question.

    Not before another question for a text that opens with a question: it may answer several in turn.
    """
    end = turn_end(text, start, end)
    stop = next_question(text, start, end)
    if stop is None or not text[start:stop].strip():
        return end
    is_answered = (
        last_boxes(text, start, stop)
        or places.after_hashes(text, start, stop)
        or places.on_last_line(text, start, stop)
        or places.in_sentence(text, start, stop)
    )
    return stop if is_answered else end


def _is_bare(text: str, start: int, end: int) -> bool:
    """Whether a part is an answer and nothing else: a value, few words, one line, no label, no sentence."""
    if not 0 < end - start <= _MAX_BARE:
        return False
    answer = _ENVIRONMENT.sub("1", text[start:end])
    bare = _LATEX_WORD.sub(" ", answer)
    if "\n" in answer or "</" in answer or "box" in answer or CONCLUSION.match(answer):
        return False
    if _LABEL.search(bare) or _VERB.search(bare) or len(WORD.findall(bare)) > _MAX_WORDS:
        return False
    return bool(
        any(map(str.isdigit, answer)) or "\\" in answer or "=" in answer or _BARE_OPTION.fullmatch(answer)
    )
