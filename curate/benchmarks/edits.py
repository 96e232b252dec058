"""Edits of benchmark items, as contamination looks in the wild: to plant, and to see what is found.

`EDITS` names every edit, its function and the class that a scanner should give the edited text: `verbatim`
(the same words), `near` (the same problem, slightly other words), `variant` (another problem: its numbers
differ). An edit takes a text, a generator and the corpus to plant into, and returns the edited text, or
None where it does not apply (renamed variables of a text without formulas). Equal generators give equal
texts on every machine: draws use nothing but `Random.random()`, whose sequence is promised to stay.

Formulas are `$...$`, `$$...$$`, `\\(...\\)` and `\\[...\\]`; a dollar sign opens one only where the rules of
Pandoc say so, and sums of money ("$5 and $10") are none. Chinese and Japanese characters count as words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from random import Random
from typing import Literal, NamedTuple, TypeVar

from curate.benchmarks.formula_edits import FORMULA, rename_variables, rewrite_latex

T = TypeVar("T")
Class = Literal["verbatim", "near", "variant"]


class Corpus(NamedTuple):
    """What the text is planted into: words to substitute and insert, texts to stand around it."""

    words: Sequence[str]
    texts: Sequence[str]


PLAIN = Corpus(
    words=(
        *("about", "after", "always", "among", "around", "because", "before", "below", "better", "between"),
        *("bridge", "carefully", "city", "common", "during", "early", "every", "garden", "green", "group"),
        *("house", "instead", "known", "large", "later", "letter", "little", "market", "moment", "morning"),
        *("music", "never", "often", "other", "paper", "quickly", "quiet", "river", "second", "seldom"),
        *("simple", "sometimes", "story", "street", "summer", "table", "teacher", "together", "usually"),
    ),
    texts=(
        "The library opens at nine. Readers who come earlier may wait in the hall, where coffee is sold.",
        "Write a short note to a neighbour who has looked after your plants while you were away.",
        "Steel expands when it is warmed, which is why long bridges rest on rollers at one of their ends.",
        "List three reasons for keeping the tests of a program beside its source, and one against it.",
        "Bread dough rises faster in a warm kitchen. Cover the bowl, wait an hour, fold it twice, and bake.",
        "Which of these words rhyme: tower, shower, rower? Explain how you know that without a dictionary.",
    ),
)

Function = Callable[[str, Random, Corpus], str | None]


class Edit(NamedTuple):
    """One way to change an item, and the class that the result should be found as."""

    apply: Function
    expected: Class


_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PROSE_WORD = re.compile(rf"(?<![\w\\@#{{}}^.])[^\W\d_{_CJK}]{{2,}}(?![\w({{\[=])|[{_CJK}]")
_ANY_WORD = re.compile(rf"[{_CJK}]|[^\s{_CJK}]+")
_DRAWING = re.compile(r"\[asy\](?:(?!\[asy\]).){0,20000}?\[/asy\]|```[^`]*```", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[.?!])(?<!\b[A-Z]\.)\s+(?=[A-Z$\\\"“(])|(?<=[。？！])\s*(?=\S)")
_NUMBER = re.compile(
    r"(?<![A-Za-z\d_/.])(?<!\d,)(\d{1,3}(?:(?:,|\{,\})\d{3})+(?!\d)|\d+)(\.\d+)?(?!\d|[A-Za-z_]{2}|\.\d|,\d{3}(?!\d))"
)
_LIST_MARK = re.compile(r"(?:^|\n)[ \t]*\(?$")
_SUBSCRIPT = re.compile(r"_\s*\{?[^{}\s]*$")
_BREAK = re.compile(r"\s+")


def _below(random: Random, limit: int) -> int:
    return int(random.random() * limit)


def _pick(random: Random, choices: Sequence[T]) -> T:
    return choices[_below(random, len(choices))]


def _some(random: Random, choices: Sequence[T], count: int) -> list[T]:
    """`count` different choices in random order."""
    left = list(choices)
    drawn = []
    for _ in range(min(count, len(left))):
        index = _below(random, len(left))
        left[index], left[-1] = left[-1], left[index]
        drawn.append(left.pop())
    return drawn


def is_cjk(text: str) -> bool:
    """Whether a fifth of the characters or more are Chinese or Japanese."""
    return len(re.findall(f"[{_CJK}]", text)) * 5 >= max(1, len(text))


def verbatim(text: str, _: Random, __: Corpus) -> str:
    """The text itself."""
    return text


def rewrap(text: str, random: Random, _: Corpus) -> str | None:
    """The text in lines of five to eleven words (Chinese: ten to twenty-five characters)."""
    if is_cjk(text):
        joined = _BREAK.sub(" ", text.strip())
        width = 10 + _below(random, 16)
        lines, at = [], 0
        while at < len(joined):
            end = at + width
            while end < len(joined) and not (is_cjk(joined[end - 1]) or is_cjk(joined[end])):
                end += 1  # not within a number, a word or a formula
            lines.append(joined[at:end])
            at = end
        wrapped = "\n".join(lines)
    else:
        words = text.split()
        width = 5 + _below(random, 7)
        wrapped = "\n".join(" ".join(words[i : i + width]) for i in range(0, len(words), width))
    return wrapped if wrapped != text else None


def case_and_space(text: str, random: Random, _: Corpus) -> str | None:
    """The same words in other case and with other white space between them.

    Case changes only outside formulas and drawings, where it would make other variables, and not beside
    LaTeX commands.
    """
    change = _pick(random, (str.lower, str.upper, str.title, str.swapcase))
    pieces, at = [], 0
    for start, end in [*_protected(text), (len(text), len(text))]:
        prose = text[at:start]
        pieces += [prose if "\\" in prose else change(prose), text[start:end]]
        at = end
    space = _pick(random, ("  ", "\n", "\t", "\u00a0", " \n "))
    changed = _BREAK.sub(lambda found: space if random.random() < 0.5 else found[0], "".join(pieces))
    return changed if changed != text else None


_FRAMES = (
    (
        "You are a patient tutor. Read the task, think it through step by step, and finish with one line "
        "that starts with Answer.\n\nTask:\n",
        "\n\nKeep the explanation below three hundred words.",
    ),
    ("### Instruction\nSolve what follows and check the result twice.\n\n### Input\n", "\n\n### Response\n"),
    ("A colleague sent me this and I am stuck: ", " How would you begin, and what comes out in the end?"),
    ("<question>", "</question>\nReturn JSON with the keys reasoning and result, and nothing else."),
    ("请仔细阅读下面的题目，逐步推理，并把最终答案写在最后一行。\n\n题目：", "\n\n请用中文回答。"),
)


def in_instructions(text: str, random: Random, _: Corpus) -> str:
    """The text between instructions to a model."""
    before, after = _FRAMES[-1] if is_cjk(text) else _pick(random, _FRAMES[:-1])
    return before + text + after


def in_chat(text: str, random: Random, corpus: Corpus) -> str:
    """The text as one of the user's turns in the middle of a chat of five to nine turns.

    Turns are headed `User:` and `Assistant:`; the other turns are texts of the corpus.
    """
    pairs = 2 + _below(random, 3)
    place = 1 + _below(random, pairs - 1)
    turns = []
    for index in range(pairs):
        asked = text if index == place else _clip(_pick(random, corpus.texts), 600)
        turns += [f"User: {asked}", f"Assistant: {_clip(_pick(random, corpus.texts), 600)}"]
    return "\n\n".join([*turns, "User: Thank you, that helped."])


def in_document(text: str, random: Random, corpus: Corpus) -> str:
    """The text as one paragraph of a document of six to eighteen texts of the corpus."""
    paragraphs = [_clip(_pick(random, corpus.texts), 1500) for _ in range(6 + _below(random, 13))]
    paragraphs.insert(1 + _below(random, len(paragraphs) - 1), text)
    return "\n\n".join(paragraphs)


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit].rsplit(None, 1)[0]


def _protected(text: str) -> list[tuple[int, int]]:
    """Spans that word edits leave alone, in order and apart: formulas, drawings, fenced code."""
    spans: list[tuple[int, int]] = []
    for span in sorted(found.span() for kind in (FORMULA, _DRAWING) for found in kind.finditer(text)):
        if spans and span[0] < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], span[1]))
        else:
            spans.append(span)
    return spans


def _prose(text: str) -> list[tuple[int, int]]:
    """Spans of the words that are neither in a formula, nor a number, nor a name that is called."""
    spans = _protected(text)
    words, at = [], 0
    for found in _PROSE_WORD.finditer(text):
        while at < len(spans) and spans[at][1] <= found.start():
            at += 1
        if at == len(spans) or found.end() <= spans[at][0]:
            words.append(found.span())
    return words


def n_words(text: str) -> int:
    """Pieces between white space; a Chinese or Japanese character is a piece of its own."""
    return sum(1 for _ in _ANY_WORD.finditer(text))


def word_edits(rate: float) -> Function:
    """The edit that changes this share of a text's words.

    Counted are all words, changed only those of the prose: numbers, formulas and code stay, so that the
    problem stays the same. Of ten edits about four substitute a word of the corpus, two delete, two insert,
    one swaps neighbours, one mistypes. None if that is less than half an edit, or if the prose has fewer than
    twice as many words as edits.
    """

    def edit(text: str, random: Random, corpus: Corpus) -> str | None:
        words = _prose(text)
        count = round(rate * n_words(text))
        if not 0 < count <= len(words) / 2:
            return None
        pieces = [text[start:end] for start, end in words]
        chosen = _some(random, range(len(words)), count)
        staying = set(range(len(words))).difference(chosen)
        for index in chosen:
            after = index + 1
            if random.random() < 0.1 and after in staying:
                pieces[index], pieces[after] = pieces[after], pieces[index]
            else:
                pieces[index] = _one_edit(pieces[index], random, corpus)
        changed, at = [], 0
        for (start, end), piece in zip(words, pieces, strict=True):
            changed += [text[at:start], piece]
            at = end
        result = "".join([*changed, text[at:]])
        return result if result != text else None

    return edit


def _one_edit(word: str, random: Random, corpus: Corpus) -> str:
    """What becomes of one word: another, nothing, itself and another, itself mistyped."""
    kind, other = random.random(), _pick(random, corpus.words)
    if kind < 0.45 and other != word:
        return other
    if kind < 0.67:
        return ""
    if kind < 0.89:
        return word + other if is_cjk(word) else f"{word} {other}"
    return _typo(word, random) if len(word) > 1 else other


def _typo(word: str, random: Random) -> str:
    """One letter lost, doubled, or swapped with the next."""
    at, kind = _below(random, len(word) - 1), _below(random, 3)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1 or word[at] == word[at + 1]:
        return word[: at + 1] + word[at:]
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def renamed_variables(text: str, random: Random, _: Corpus) -> str | None:
    """Every variable of the formulas under another letter, in formulas and prose alike."""
    return None if _DRAWING.search(text) else rename_variables(text, random)


def changed_numbers(text: str, random: Random, _: Corpus) -> str | None:
    """About half of the distinct numbers, at least one, replaced by others of their size.

    A number keeps its decimals and thousands commas, and changes wherever it stands. Subscripts, marks of
    lists, drawings and numbers inside words stay.
    """
    drawings = [found.span() for found in _DRAWING.finditer(text)]
    places = [found for found in _NUMBER.finditer(text) if _is_quantity(text, found, drawings)]
    values = list(dict.fromkeys(found[0] for found in places))
    if not values:
        return None
    chosen = _some(random, values, max(1, round(len(values) * (0.3 + 0.4 * random.random()))))
    new: dict[str, str] = {}
    for value in chosen:
        new[value] = _other_number(value, random, {*values, *new.values()})
    changed, at = [], 0
    for found in places:
        changed += [text[at : found.start()], new.get(found[0], found[0])]
        at = found.end()
    return "".join([*changed, text[at:]])


def _is_quantity(text: str, found: re.Match[str], drawings: list[tuple[int, int]]) -> bool:
    line = text[max(0, found.start() - 20) : found.start()]
    mark = _LIST_MARK.search(line) and text[found.end() : found.end() + 1] in (".", ")", "、")
    return not mark and not _SUBSCRIPT.search(line) and not _within(found.start(), drawings)


def _within(place: int, spans: list[tuple[int, int]]) -> bool:
    """Whether a place lies in one of the spans, which are in order and apart."""
    before = bisect_left(spans, (place, place)) - 1
    return before >= 0 and place < spans[before][1]


def _other_number(value: str, random: Random, taken: set[str]) -> str:
    """Another number of about the size, written alike, and none of those taken."""
    comma = "{,}" if "{" in value else ","
    whole, _, decimals = value.replace(comma, "").partition(".")
    scaled = int(whole + decimals)
    for reach in range(10, 10_000, 10):
        drawn = max(2, scaled // 2) + _below(random, scaled + reach)
        digits = f"{drawn:0{len(decimals) + 1}d}"
        head, tail = (digits[: -len(decimals)], f".{digits[-len(decimals) :]}") if decimals else (digits, "")
        written = (f"{int(head):,}".replace(",", comma) if "," in value else str(int(head))) + tail
        if written not in taken:
            return written
    raise AssertionError("a draw from a growing range missed a finite set a thousand times")


def latex(text: str, random: Random, _: Corpus) -> str | None:
    """The formulas in other LaTeX of the same meaning."""
    return rewrite_latex(text, random)


def sentences(text: str) -> list[str]:
    """The sentences of a text with the white space that follows them; none ends inside a formula."""
    spans = _protected(text)
    ends = [found.end() for found in _SENTENCE_END.finditer(text) if not _within(found.start(), spans)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def reordered(text: str, random: Random, _: Corpus) -> str | None:
    """The sentences in another order, the last one in its place; None with fewer than three."""
    parts = sentences(text)
    if len(parts) < 3 or len(set(parts[:-1])) < 2:
        return None
    order = parts[:-1]
    while order == parts[:-1]:
        order = _some(random, parts[:-1], len(parts) - 1)
    return "".join(_spaced(part) for part in order) + parts[-1]


def sentence_dropped(text: str, random: Random, _: Corpus) -> str | None:
    """The text without one of its sentences, never the last, the longest, or more than a third of it."""
    parts = sentences(text)
    longest = max(map(len, parts))
    short = [i for i, part in enumerate(parts[:-1]) if len(part) < longest and len(part) * 3 <= len(text)]
    if not short:
        return None
    gone = _pick(random, short)
    return "".join(part for i, part in enumerate(parts) if i != gone)


def _spaced(part: str) -> str:
    return part if part[-1:].isspace() or part[-1:] in "。？！" else f"{part} "


EDITS: dict[str, Edit] = {
    "verbatim": Edit(verbatim, "verbatim"),
    "re-wrapped": Edit(rewrap, "verbatim"),
    "case-and-space": Edit(case_and_space, "verbatim"),
    "in-instructions": Edit(in_instructions, "verbatim"),
    "in-chat": Edit(in_chat, "verbatim"),
    "in-document": Edit(in_document, "verbatim"),
    "words-5%": Edit(word_edits(0.05), "near"),
    "words-10%": Edit(word_edits(0.10), "near"),
    "words-20%": Edit(word_edits(0.20), "near"),
    "renamed-variables": Edit(renamed_variables, "near"),
    "latex": Edit(latex, "near"),
    "reordered": Edit(reordered, "near"),
    "sentence-dropped": Edit(sentence_dropped, "near"),
    "changed-numbers": Edit(changed_numbers, "variant"),
}
