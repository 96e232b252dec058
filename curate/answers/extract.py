"""Where the final answer is in a text: strings in, strings out.

Everything here is linear in the length of the text and never recurses, so that a response of
ten megabytes or fifty thousand open braces costs milliseconds, not the run.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

How = Literal["boxed", "hashes", "line", "sentence", "whole"]

_BRACE = re.compile(
    r"(?P<box>\\f?box(?:ed)?[ \t\n]*\{)"
    r"|(?P<bare>\\boxed(?:[ \t]+(?:[^\s{}$\\]+)|\d+(?:\.\d+)?))"
    r"|(?P<escaped>\\[{}\\])"
    r"|(?P<open>\{)|(?P<close>\})"
)
_BARE_VALUE = re.compile(r"\\boxed[ \t]*(.*)", re.DOTALL)
_HASHES = re.compile(r"####[ \t]*([^\s#][^\n]*)")
# "#### Step 2" and "#### 2. Solve" are Markdown headings; an answer opens with a number or formula.
_HEADING = re.compile(r"(?![-+−]?[\d.$€£¥\\(\[{*])|\**\d+[.):]\s+\**[A-Za-z]")

# What may stand between two boxes that are one answer: delimiters, a comma or "and", a "y =".
# Math-Verify joins boxes less than 10 characters apart whatever stands between them, so that
# "\boxed{35 cm} ++++++ \boxed{4}" is the list 35 cm, 4; here a separator is needed.
_MAX_GAP = 40
_GAP = re.compile(
    r"[\s$.]*(?:\\[)\]][\s.]*)?"
    r"(?:,|;|,?\s*(?:and|or)\b|,?\s*\\text\s*\{\s*(?:and|or)\s*\}|\\(?:q?quad|,|;)|、|和|或)+"
    r"[\s$]*(?:\\[(\[]\s*)?(?:[A-Za-z](?:_\{?\w\}?)?\s*=\s*)?"
)

_SENTENCE = re.compile(
    r"(?:\banswer(?:\s{1,9}(?:to|for)\b[^.\n:]{0,80})?(?:\s{1,9}is\b|\s{0,9}(?:\*\*)?\s{0,9}[:\uff1a])"
    r"|答案(?:是|为|[:\uff1a]))"
    r"(?:\s{1,9}that\b)?[:\uff1a]?(?:\*\*)?[ \t]{0,99}(?:\n[ \t]{0,99})?(?=[^\n])",
    re.IGNORECASE,
)
_MAX_SENTENCE = 2_000
_DELIMITED = re.compile(
    r"\s*(?:\*\*)?\s*(?:\$\$(?P<a>[^$]+)\$\$|\$(?P<b>[^$]+)\$"
    r"|\\\((?P<c>.+?)\\\)|\\\[(?P<d>.+?)\\\]|\*\*(?P<e>[^*]+)\*\*)"
)
_PROSE = re.compile(r"\d.*(?<![\\A-Za-z{])[A-Za-z]{2}")  # "$18 a day and $3": money, not maths
_NUMBER = re.compile(
    r"\s*(?:\\?[$€£¥]\s*)?(?P<number>[-+−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s*/\s*\d+)?(?:\s*\\?%)?)"
)
_NUMBER_GOES_ON = re.compile(
    r"\s*(?:and\b|or\b|to\s+\d|,\s*-?\d|[-+*/^=×÷±:\\(\[{<>])|[A-Za-z]\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|\*|$)|[。!?\uff01\uff1f]")

# A last line "A: 18", or "A:" and the answer on the next. Of a list "A: ..., B: ..." or a dialogue
# "Q: ... A: ... Q: ... A: ..." nobody can tell which line is meant, and a line of prose needs reading.
_LAST_LINE = re.compile(
    r"\n[ \t]{0,9}(?:\*\*)?(?:A|Ans\.?|ANS|答)(?:\*\*)?[ \t]{0,9}[:\uff1a](?:\*\*)?\s{0,9}([^\n]+)\Z"
)
_OTHER_LABEL = re.compile(
    r"^[ \t]{0,9}(?:\*\*)?(?:(?P<asks>Q(?:uestion)?[ \t]?\d{0,3}|问题?)|[B-Z])(?:\*\*)?[ \t]{0,9}[:)\uff1a]",
    re.MULTILINE,
)
_NEXT_OPTION = re.compile(r"\s\(?[B-J][:)\uff1a]")
_WORD = re.compile(r"(?<![A-Za-z\\])[A-Za-z]{2,}|[\u4e00-\u9fff]")
_MAX_LAST_LINE = 200
_MAX_WORDS = 3

_WRAPPERS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"))


class Extracted(NamedTuple):
    """A final answer, and what marked it: a box, `####`, `A:`, a sentence, or nothing (the whole text)."""

    text: str
    how: How


def answer_part(text: str, think_close: str = "</think>") -> str | None:
    """The part of a response that counts: after the thinking, inside `<answer>` where there is one.

    A response without think tags counts whole. None: the thinking never ends (the text was cut).

    >>> answer_part("<think>2+2</think> It is 4.")
    ' It is 4.'
    >>> answer_part("<think>2+2 is") is None
    True
    """
    _, _, rest = text.rpartition(think_close)
    think_open = think_close.replace("/", "", 1)
    if think_open != think_close and think_open in rest:
        return None
    _, tag, inside = rest.rpartition("<answer>")
    return inside.partition("</answer>")[0] if tag else rest


def last_boxed(text: str) -> str | None:
    r"""The content of the last closed `\boxed{...}`, `\fbox{...}` or `\boxed 5`; None without one.

    Escaped braces do not count as braces, an empty box is no box, and of nested boxes the inner
    one is last. Boxes with only a separator between them are one answer, joined by commas.

    >>> last_boxed(r"so \boxed{\frac{1}{2}}, no: \boxed{3}")
    '3'
    >>> last_boxed(r"$x=\boxed{1}$ or $x=\boxed{2}$")
    '1,2'
    """
    if "\\boxed" not in text and "\\fbox" not in text:
        return None
    boxes: list[tuple[int, int, str]] = []  # start, end, content of every closed box
    open_at: list[tuple[int, int] | None] = []  # a box: (start, start of its content); a brace: None
    for match in _BRACE.finditer(text):
        kind = match.lastgroup
        if kind == "box":
            open_at.append((match.start(), match.end()))
        elif kind == "open":
            open_at.append(None)
        elif kind == "close" and open_at:
            opened = open_at.pop()
            # Cheap: the content is cut out below, only for the boxes that are the answer.
            if opened is not None and match.start() > opened[1]:
                boxes.append((opened[0], match.end(), ""))
        elif kind == "bare":
            value = _BARE_VALUE.match(match.group())
            boxes.append((match.start(), match.end(), value.group(1) if value else ""))
    if not boxes:
        return None
    boxes.sort()
    found = [boxes[-1]]
    for box in reversed(boxes[:-1]):
        gap = text[box[1] : found[-1][0]] if box[1] <= found[-1][0] else None
        if gap is None or len(gap) > _MAX_GAP or not _GAP.fullmatch(gap):
            break
        found.append(box)
    contents: list[str] = []
    for start, end, bare in reversed(found):
        content = (bare or text[text.index("{", start) + 1 : end - 1]).strip()
        if content and (not contents or contents[-1] != content):
            contents.append(content)
    return ",".join(contents) or None


def _after_hashes(text: str) -> str | None:
    """The rest of the line after the last `####`; None without one."""
    found = None
    for match in _HASHES.finditer(text):
        found = match
    return found.group(1).strip() if found else None


def _on_last_line(text: str) -> str | None:
    """What a short last line `A: 18` or `答:18` names; None without one, or in a list or dialogue."""
    body = "\n" + text.strip()
    tail = body[-_MAX_LAST_LINE:]
    line = _LAST_LINE.search(tail)
    if line is None or _NEXT_OPTION.search(line[1]) or _SENTENCE.search(line[1]):
        return None
    for label in _OTHER_LABEL.finditer(body, 1, len(body) - len(tail) + line.start()):
        if label.start() > 1 or not label["asks"]:  # a response may open with the question
            return None
    answer = _named(line[1])
    return answer if answer and len(_WORD.findall(answer)) <= _MAX_WORDS else None


def _in_sentence(text: str) -> str | None:
    """What the last "the answer is ..." of a text names; None without one."""
    last = None
    for match in _SENTENCE.finditer(text):
        last = match
    if last is None:
        return None
    return _named(text[last.end() : last.end() + _MAX_SENTENCE].partition("\n")[0])


def _named(rest: str) -> str | None:
    """What the rest of a sentence names: a formula or bold text it opens with, a number, or all of it."""
    delimited = _DELIMITED.match(rest)
    inside = next(part for part in delimited.groups() if part is not None) if delimited else ""
    if inside and not _PROSE.match(inside):
        return inside.strip() or None
    number = _NUMBER.match(rest)
    if number and not _NUMBER_GOES_ON.match(rest, number.end()):
        return number.group("number").rstrip(",")
    end = _SENTENCE_END.search(rest)
    return (rest[: end.start()] if end else rest).strip() or None


def tidy(answer: str) -> str:
    r"""An answer without what is only wrapping: blanks, `$...$`, `**...**`, a full stop at the end.

    >>> tidy(r" $\frac{1}{2}$. ")
    '\\frac{1}{2}'
    """
    text = answer.strip()
    while True:
        before = text
        if text.endswith((".", "。", ",", ";")) and not text.endswith(("..", "\\.", "\\,", "\\;")):
            text = text[:-1].rstrip()
        if text.endswith("**") and "**" not in text[:-2]:
            text = text[:-2].rstrip()
        for left, right in _WRAPPERS:
            inner = text[len(left) : -len(right)]
            if text.startswith(left) and text.endswith(right) and inner.strip() and left not in inner:
                text = inner.strip()
                break
        if text == before:
            return text


def final_answer(text: str, extract: Literal["boxed", "final"] = "final") -> Extracted | None:
    r"""The final answer of the answer part of a response; None if it names none.

    extract: `boxed` takes the last box only; `final` then tries `#### x`, then a last line `A: x`,
    then a sentence "the answer is x" / "Answer: x" / "答案是 x" (the last one of each).

    >>> final_answer("Half of 84. The answer is $42$.")
    Extracted(text='42', how='sentence')
    """
    candidates: list[tuple[How, str | None]] = [("boxed", last_boxed(text))]
    if extract == "final" and candidates[0][1] is None:
        hashes = _after_hashes(text)
        answer = None if hashes is None or _HEADING.match(hashes) else _named(hashes)
        candidates += [("hashes", answer), ("line", _on_last_line(text)), ("sentence", _in_sentence(text))]
    for how, found in candidates:
        if found is not None and (clean := tidy(found)):
            return Extracted(clean, how)
    return None


def gold_answer(text: str) -> Extracted | None:
    r"""The answer of a ground truth: after `####`, in the last box, or the whole text; None if blank.

    >>> gold_answer("She sold 24 + 18.\n#### 42").text
    '42'
    """
    candidates: tuple[tuple[How, str | None], ...] = (
        ("hashes", _after_hashes(text)),
        ("boxed", last_boxed(text)),
        ("whole", text),
    )
    for how, found in candidates:
        if found is not None and (clean := tidy(found)):
            return Extracted(clean, how)
    return None
