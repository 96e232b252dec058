"""What must be told of a text beside benchmark items, said plainly."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from oracles_differences import Differences, differences
from oracles_laying import Laid, exchanged_letters, found_whole, lay, one_for_one, with_names
from oracles_vocabulary import is_content
from oracles_words import Words, words_of

from curate.kernels.item_index import FEW_WORDS, STOCK_WEIGHT, Background
from curate.kernels.native import Texts

Kind = Literal["verbatim", "near", "reworded", "variant", "template", "none"]
KINDS: tuple[Kind, ...] = ("verbatim", "near", "reworded", "variant", "template", "none")
"""From the same problem to another one."""

SURE, NEAR, ANOTHER = 0.8, 0.6, 0.55
"""Least alignment of a near copy; of one whose numbers agree; of a variant."""
REWORDED_SURE, REWORDED, REWORDED_WITHOUT_NUMBERS, REWORDED_IDEOGRAPHS = 0.42, 0.5, 0.65, 0.85
"""Least share of a reworded item with three numbers, all there, no other; with two; without; in Chinese."""
SAME_FORMULAS = 0.65
"""Least agreement of the signs, variables and numbers of a copy."""
FEW_EDITS = 0.85
"""Part of the words, however common, that a short copy has in order where a rare one is lost."""
TELLING, TWICE_AS_LONG = 1000, 140
"""Least weight of what a reworded item has of its rare words; on top, whenever the text is twice as long as it."""
SHORT = 15
"""Below so many words anything but a near copy is chance."""


class Alignment(NamedTuple):
    """What a text has of an item."""

    kind: Kind
    alignment: float
    """Weight of the item's words that the text has in order, of that of all, 0 to 1."""
    share: float
    """Weight of the item's distinct content words that the window has, of that of all, 0 to 1."""
    numbers_agree: bool | None
    """Whether the text has the item's numbers and none in their place; None if the item has none."""
    why: str
    row: tuple[int, int]
    """Tokens of the text from the first to the last word aligned, half open."""
    item: tuple[int, int]
    """The same in the item."""
    density: float
    """Part of the words of the span that are in order."""

    @property
    def rank(self) -> Rank:
        """How near it is."""
        return KINDS.index(self.kind), -self.alignment * (1 + self.density) / 2, -self.share


def _margin(size: int) -> int:
    return size // 4 + 5


Rank = tuple[int, float, float]
"""Of two alignments the smaller one counts: the nearer kind, the better fit, the larger share."""


def nearest(
    texts: Texts, line: int, items: Texts, windows: Sequence[tuple[int, int, int]], background: Background
) -> tuple[int, int, Alignment] | None:
    """The nearest of the items that a text is compared with, how many were laid beside it, what it has of it.

    windows: item, and the tokens of the text that may hold it; after an item that is there as it stands no other
    is looked at.
    """
    found: tuple[int, Alignment] | None = None
    hits = 0
    for number, first, end in windows:
        hits += 1
        item = next(words_of(_one(items, number), background))
        row = next(words_of(_one(texts, line), background, draws=item.draws))
        laid = align(item, row, first, end)
        if laid is not None and (found is None or laid.rank < found[1].rank):
            found = number, laid
        if laid is not None and laid.kind == "verbatim":
            break
    return (found[0], hits, found[1]) if found is not None else None


def content_shared(texts: Texts, line: int, items: Texts, number: int, background: Background) -> float:
    """The part of the item's content words that the text has, anywhere."""
    item = next(words_of(_one(items, number), background))
    row = next(words_of(_one(texts, line), background, draws=False))
    content = {word for word in item.stems if is_content(word)}
    return len(content & set(row.stems)) / max(1, len(content))


def _one(texts: Texts, number: int) -> Texts:
    return Texts(texts.array.slice(number, 1), composed=False)


def align(item: Words, row: Words, first: int, end: int) -> Alignment | None:
    """The item beside tokens [first, end) of the text and what is around them; None if they share no word."""
    size = len(item.stems)
    margin = size if row.drawn else _margin(size)
    begin = max(0, bisect_left(row.first, first) - margin - item.light[0])
    stop = min(len(row.stems), bisect_left(row.first, end) + margin + item.light[1])
    at = found_whole(item.stems, row.stems, begin, stop)
    if at is not None:
        has_numbers = any(value is not None and value[0] != "w" for value in item.values)
        return Alignment(
            "verbatim",
            1.0,
            1.0,
            True if has_numbers else None,
            "all words, in order",
            (row.first[at], row.end[at + size - 1]),
            (item.first[0], item.end[-1]),
            1.0,
        )
    laid = lay(item, row, begin, stop)
    if laid is None:
        return None
    letters: Counter[tuple[str, str]] = Counter()
    renamed = False
    for _ in range(3):  # letters in their places show which others have another name
        found_letters = exchanged_letters(item, row, laid)
        letters += found_letters
        if not found_letters:
            break
        other_row = with_names(row, one_for_one(found_letters))
        other = lay(item, other_row, begin, stop)
        if other is None or sum(other.kept) <= sum(laid.kept):
            break
        row, laid, renamed = other_row, other, True
    measured = _measure(item, row, laid)
    found = differences(item, row, laid, renamed=renamed)
    if renamed and found.renames.total() * 4 <= letters.total():  # r and R are one letter here
        found = found._replace(renames=Counter())
    kind, why = _judge(len(item.stems), measured, found, renamed)
    first_run, last_run = laid.runs[0], laid.runs[-1]
    return Alignment(
        kind,
        measured.in_order,
        measured.share,
        None if found.numbers == 0 else not (found.missing or found.exchanged),
        why,
        (row.first[first_run[1]], row.end[last_run[1] + last_run[2] - 1]),
        (item.first[first_run[0]], item.end[last_run[0] + last_run[2] - 1]),
        measured.density,
    )


class Measured(NamedTuple):
    """How much of an item a text has."""

    in_order: float
    """Weight of the words in order, of that of all."""
    plain: float
    """Part of the words that are in order."""
    share: float
    """Weight of the distinct content words that are there, of that of all."""
    density: float
    """Part of the words of the span that are in order."""
    telling: bool
    """What is there says more than chance gives a text of this length."""
    n_rare: int
    """Distinct content words of the item."""
    ideographs: bool
    """Most of these are ideographs, of which texts on the same matter share more than of words."""


def _measure(item: Words, row: Words, laid: Laid) -> Measured:
    in_order = sum(weight for weight, here in zip(item.weights, laid.kept, strict=True) if here)
    held = set(row.stems[slice(*laid.around)])
    rare = {
        word: weight
        for word, weight in zip(item.stems, item.weights, strict=True)
        if weight > STOCK_WEIGHT and is_content(word)
    }
    start, end = laid.span
    there = sum(weight for word, weight in rare.items() if word in held)
    doubled = max(0, (len(row.stems) // len(item.stems)).bit_length() - 1)
    return Measured(
        in_order / sum(item.weights),
        sum(laid.kept) / len(item.stems),
        there / max(1, sum(rare.values())),
        sum(n for _, _, n in laid.runs) / (end - start),
        there >= TELLING + TWICE_AS_LONG * doubled,
        len(rare),
        sum(len(word) == 1 for word in rare) * 2 > len(rare),
    )


def _judge(size: int, laid: Measured, found: Differences, renamed: bool) -> tuple[Kind, str]:
    """What kind of copy it is, and why. Thresholds are measured: perf/RESULTS.md, "Contamination"."""
    parts = max(1, found.numbers)
    another = ""
    if found.exchanged and len(found.exchanged) / parts > max(0.5 * found.lost, 0.04):
        another = "{} became {}".format(*found.exchanged[0])
    elif found.missing and found.added and found.missing / parts > max(found.lost, 0.08):
        another = f"{found.missing} of {found.numbers} numbers are others"
    elif found.lost <= 0.25 and found.number_clause:
        another = f"{found.clause} words with a number put in"
    elif found.lost <= 0.25 and found.clause >= 8 and found.numbers >= 2:
        another = f"{found.clause} words put in"
    elif found.lost <= 0.25 and found.left_out:
        another = f"{found.left_out} is not told"
    elif found.lost <= 0.12 and found.asked:
        another = "{} became {}".format(*found.asked[0])
    elif found.lost <= 0.12 and size < 60 and found.negated:
        another = "a condition turned round"
    elif found.lost <= 0.12 and found.added > 0.15 * found.numbers:
        another = f"{found.added} numbers more"
    elif found.lost <= 0.12 and found.renames:
        another = "{} became {}".format(*min(found.renames))
    elif found.other_question:
        another = "another question"
    agree = found.missing <= 0.2 * parts and found.added <= max(1, 0.34 * parts)
    in_words = f"{laid.in_order:.0%} of the words, in order"
    short = size < SHORT or laid.n_rare < FEW_WORDS
    if another and (laid.in_order >= (SURE if short else ANOTHER) or laid.plain >= FEW_EDITS):
        return "variant", another
    dense = laid.density >= (0.5 if agree or laid.in_order >= SURE else 0.9)
    few_edits = laid.in_order >= (SURE if short else NEAR) or (
        laid.in_order >= NEAR and laid.plain >= FEW_EDITS and agree
    )
    if short:
        dense &= laid.density >= NEAR and laid.plain >= SURE
    if few_edits and laid.plain >= NEAR and dense and not another:
        if found.formulas[0] >= SAME_FORMULAS:
            return "near", "variables renamed" if renamed else in_words
        if laid.in_order >= SURE:
            return "variant", f"{found.formulas[0]:.0%} of the formulas"
    if laid.n_rare >= FEW_WORDS and laid.density >= 0.3 and laid.telling and agree and not another:
        sure = found.numbers >= 3 and not found.missing and not found.added
        least = REWORDED_SURE if sure else REWORDED if found.numbers >= 2 else REWORDED_WITHOUT_NUMBERS
        if laid.ideographs and found.numbers:
            least = max(least, REWORDED_IDEOGRAPHS)
        if laid.share >= least and found.formulas[1] >= SAME_FORMULAS:
            return "reworded", f"{laid.share:.0%} of the rare words, the same numbers"
    if laid.in_order >= 0.3 or laid.share >= ANOTHER:
        return "template", another or in_words
    return "none", in_words
