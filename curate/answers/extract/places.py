"""The places where a text without a box names its answer, surest first; spans in, spans out."""

from __future__ import annotations

import re
from typing import NamedTuple

from curate.answers.extract.cues import CONCLUSION, MAX_LOOK, announcements, backwards
from curate.answers.extract.naming import Named, last_value, named, value_of
from curate.answers.extract.pieces import WINDOW, Piece, Span, cover, sentences

_HASHES = re.compile(r"####[ \t]*(?=[^\s#])")
# "#### Step 2" and "#### 2. Solve" are Markdown headings; an answer opens with a number or formula.
_HEADING = re.compile(r"(?![-+−]?[\d.$€£¥\\(\[{*])|\**\d+[.):]\s+\**[A-Za-z]")

_JSON = re.compile(
    r"answer[\"']\s{0,9}:\s{0,9}"
    r"(?:\"(?P<a>(?:[^\"\\\n]|\\.)*+)\"|'(?P<b>(?:[^'\\\n]|\\.)*+)'|(?P<c>-?\d[\d.,]*\d|\d|\[[^\[\]\n]*\]))",
    re.IGNORECASE,
)
_JSON_KEYS = ('nswer"', "nswer'", 'NSWER"')

# A last line "A: 18", or "A:" and the answer on the next. Of a list "A: ..., B: ..." or a dialogue
# "Q: ... A: ... Q: ... A: ..." nobody can tell which line is meant.
_LAST_LINE = re.compile(
    r"(?:\n|\A)[ \t]{0,9}(?:\*\*)?(?:A|Ans\.?|ANS|答)(?:\*\*)?"
    r"[ \t]{0,9}[:\uff1a](?:\*\*)?\s{0,9}([^\n]+)\s*\Z"
)
_OTHER_LABEL = re.compile(
    r"^[ \t]{0,9}(?:\*\*)?(?:(?P<asks>Q(?:uestion)?[ \t]?\d{0,3}|问题?)|[B-Z])(?:\*\*)?[ \t]{0,9}[:)\uff1a]",
    re.MULTILINE,
)
_NEXT_OPTION = re.compile(r"\s\(?[B-J][:)\uff1a]")
_MAX_LAST_LINE = 200

# "Answer: Let's see, ..." opens a solution and names nothing.
_OPENS_WORK = re.compile(
    r"(?:let(?:'s|’s| us| me| \w+ be)?|we |i |first|to (?:find|solve|determine|get|calculate)|since|if|given"
    r"|in order to|here|not?)\b",
    re.IGNORECASE,
)
_LIST = re.compile(r"\s*\n[ \t]*(?:[-*•]|\d[.)])[ \t][^\n]*\n+[ \t]*(?:[-*•]|\d[.)])[ \t]")  # several answers
_MAX_TRIES = 8

# "n = 35 is indeed the correct answer", "option D is correct": the answer stands before.
_BEFORE = re.compile(
    r"\b(?:is|are|as|must be|should be)\s+(?:indeed |also |definitely |therefore |clearly )?"
    r"(?:(?:the|our|my|your)\s+(?:(?:final|right|correct|best|only|desired|required|overall)\s+){0,3}"
    r"(?:answer|option|choice|solution)s?\b|correct\b)|是正确(?:的)?(?:答案|选项)",
    re.IGNORECASE,
)
_OPTION = re.compile(
    r"(?:[Oo]ption|[Cc]hoice|[Aa]nswer|选项)\s?\(?(?P<a>[A-J])(?![A-Za-z0-9])|\((?P<b>[A-J])\)"
)
# A last sentence that only looks back at the answer.
_REMARK = re.compile(
    r"\b(?:hope|think|believe|sure|confident|that'?s|that is|this is|let me know|feel free|check|confirm"
    r"|correct|right|answer|done|thank|happy|good)",
    re.IGNORECASE,
)
# Bold type and formulas end a sentence too, and Thai has no mark that does.
_ENDS_MARKLESS = frozenset("*\ue000\ue001" + "".join(map(chr, range(0x0E00, 0x0E80))))
_MAX_REMARK, _MAX_REMARKS = 160, 4


class Concluded(NamedTuple):
    """What a last sentence names, and whether a word of conclusion ("therefore") says so, or bold type."""

    named: Named
    is_conclusion: bool


def after_hashes(text: str, start: int, end: int) -> Named | None:
    """What the rest of the line after the last `####` names; None if that is a heading."""
    is_there = text.find("####", max(start, end - MAX_LOOK), end) >= 0
    match = next(backwards(_HASHES, text, start, end), None) if is_there else None
    if match is None:
        return None
    line_end = text.find("\n", match.end(), end)
    line_end = end if line_end < 0 else line_end
    is_last = not text[line_end:end].strip()
    if _HEADING.match(text, match.end(), line_end):
        # "#### Seth is 16 years old." as the last line is an answer all the same.
        found = named(cover(text, match.end(), line_end), 0) if is_last else None
        return found if found is not None and found.kind in ("number", "formula") else None
    return named(cover(text, match.end(), min(line_end, match.end() + WINDOW)), 0)


def in_json(text: str, start: int, end: int) -> Span | None:
    """The value of the last `"answer": ...` of a text."""
    if not any(text.find(key, max(start, end - MAX_LOOK), end) >= 0 for key in _JSON_KEYS):
        return None
    for match in backwards(_JSON, text, start, end):
        kind = match.lastgroup or ""
        if text[slice(*match.span(kind))].strip():
            return match.span(kind)
    return None


def on_last_line(text: str, start: int, end: int) -> Named | None:
    """What a short last line `A: 18` or `答:18` names; None without one, or in a list or dialogue."""
    tail = max(start, end - _MAX_LAST_LINE)
    line = _LAST_LINE.search(text, tail, end)
    if line is None or (line.start() == tail > start and text[tail] != "\n"):
        return None
    if _NEXT_OPTION.search(line[1]) or next(announcements(text, *line.span(1)), None):
        return None
    for label in _OTHER_LABEL.finditer(text, start, line.start()):
        if text[start : label.start()].strip() or not label["asks"]:  # a response may open with the question
            return None
    found = named(cover(text, *line.span(1)), 0)
    return found if found is not None and found.kind != "prose" else None


def in_sentence(text: str, start: int, end: int) -> Named | None:
    """What the last "the answer is ..." of a text names; None if it names nothing."""
    for tries, match in enumerate(announcements(text, start, end)):
        if tries == _MAX_TRIES:
            return None
        if _LIST.match(text, match.end(), end):
            continue
        piece = cover(text, match.end(), min(end, match.end() + WINDOW))
        found = named(piece, 0)
        if found is None or "boxed" in text[slice(*found.pieces[0])]:
            continue
        if found.kind == "prose":
            opens = text[slice(*found.pieces[0])]
            if _OPENS_WORK.match(opens):
                continue
            if match.group()[-1:] in ":\uff1a=" and text[found.pieces[-1][1] : end].strip(" \n.*)\"'`"):
                continue  # "Answer:" above a solution
        return found
    return None


def tail_piece(text: str, start: int, end: int) -> Piece:
    """The end of a text, from the beginning of a line, so that no formula is cut in two."""
    begin = max(start, end - WINDOW)
    if begin > start:
        line = text.find("\n\n", begin, end - WINDOW // 4)
        line = text.find("\n", begin, end - WINDOW // 4) if line < 0 else line
        blank = text.find(" ", begin, end) if line < 0 else line
        begin = begin if blank < 0 else blank
    return cover(text, begin, end)


def in_conclusion(piece: Piece) -> Concluded | None:
    """What the last sentence names, where it says that it concludes or puts a value in bold.

    None too if the text is cut in it.
    """
    for start, end, is_ended in reversed(sentences(piece)[-_MAX_REMARKS:]):
        sentence = piece.covered[start:end]
        before = _BEFORE.search(sentence)
        if before and (found := _before(piece, start, start + before.start())):
            return Concluded(found, True)
        closes = is_ended or sentence.rstrip()[-1:] in _ENDS_MARKLESS
        concludes = CONCLUSION.match(piece.covered, start, end)
        if closes and (concludes or "**" in sentence) and (found := value_of(piece, start, end)):
            is_bold = piece.covered[: found.pieces[0][0] - piece.base].count("**") % 2 == 1
            if concludes or is_bold:
                return Concluded(found, bool(concludes))
        if (
            concludes
            or end - start > _MAX_REMARK
            or not _REMARK.search(sentence)
            or _has_value(piece, start, end)
        ):
            return None
    return None


def _before(piece: Piece, start: int, end: int) -> Named | None:
    """The option or value that stands before "is the answer"."""
    options = list(_OPTION.finditer(piece.covered, start, end))
    if options:
        span = options[-1].span(options[-1].lastgroup or "")
        return Named(((piece.base + span[0], piece.base + span[1]),), "short")
    return value_of(piece, start, end) or last_value(piece, start, end)


def _has_value(piece: Piece, start: int, end: int) -> bool:
    """Whether a span holds a number or formula."""
    return last_value(piece, start, end) is not None


def last_resort(piece: Piece) -> Named | None:
    """What the last sentence with a value in it states; the last formula or number of the piece."""
    for start, end, _ in reversed(sentences(piece)):
        found = value_of(piece, start, end) or last_value(piece, start, end)
        if found is not None:
            return found
    return None
