"""How a text departs from the item it was laid beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from oracles_laying import SPELT, Gap, Laid, exchanged_letters
from oracles_vocabulary import (
    ASKING,
    EXCHANGED_WITH,
    GREEK,
    INDEFINITE,
    NEGATIONS,
    OPERATORS,
    is_formula,
    is_variable,
)
from oracles_words import Words

FEW_SIGNS = 4
"""An item of fewer signs, variables and numbers is words, and nothing is asked of its formulas."""


class Differences(NamedTuple):
    """How the text departs from the item."""

    lost: float
    """Part of the item's words, numbers not counted, that are not aligned."""
    numbers: int
    """Numbers in digits in the item."""
    missing: int
    """Those of them that the text has nowhere in or around the span."""
    added: int
    """Numbers in digits in the span that the item has nowhere."""
    exchanged: list[tuple[str, str]]
    """A number of the item, and the one in its place."""
    clause: int
    """Words of the longest piece put in."""
    number_clause: bool
    """A piece of five words or more that brings a number was put in."""
    left_out: str
    """A number that is no longer told, though the sentence is there; empty if there is none."""
    asked: list[tuple[str, str]]
    """A word or sign that changes the question, and the one in its place."""
    negated: bool
    """One of them says not where the other does not."""
    formulas: tuple[float, float]
    """Agreement of signs, variables and numbers, in order and in any order; 1 if there are few."""
    other_question: bool
    renames: Counter[tuple[str, str]]
    """Letters of the item that have another in their place, and how often."""


def differences(item: Words, row: Words, laid: Laid, *, renamed: bool = False) -> Differences:
    """What became of the item's words, numbers, formulas and question; `renamed`: its letters have been."""
    kept = laid.kept
    plain = [here for here, value in zip(kept, item.values, strict=True) if value is None]
    around = slice(*laid.around)
    of_item, of_row = _numbers(item.values), _numbers(row.values[around])
    digits = _digits(item.values)
    missing = digits - of_row
    added = _digits(row.values[slice(*laid.span)]) - of_item
    unaligned = {stem for stem, here in zip(item.stems, kept, strict=True) if not here}
    exchanged: list[tuple[str, str]] = []
    asked: list[tuple[str, str]] = []
    clause, number_clause, left_out = 0, False, ""
    for gap in laid.gaps:
        source, target = item.values[slice(*gap.item)], row.values[slice(*gap.row)]
        words, others = item.stems[slice(*gap.item)], row.stems[slice(*gap.row)]
        if gap.edge:
            others = others if len(words) <= 4 else []
        else:
            longer = sum(word not in unaligned for word in others) - len(words)
            clause = max(clause, longer)
            if longer >= 5:
                number_clause |= any(v is not None and v.removeprefix("w") not in of_item for v in target)
        if any(source) or any(target):
            gone, come = _telling(source) - _numbers(target), _telling(target) - _numbers(source)
            there = of_row if gap.edge else Counter()
            exchanged += [
                (a, b)
                for a, b in zip(sorted(gone.elements()), sorted(come.elements()), strict=False)
                if (a not in of_row or b not in of_item) and there[a] < of_item[a]
            ]
            lost_numbers = [value for value in source if value in missing]
            if lost_numbers and not come and not _is_sentence(item, gap):
                cut_short = 3 <= len(words) <= 8 and len(words) - len(others) >= 2
                if cut_short or any(word in INDEFINITE or is_variable(word) for word in others):
                    left_out = str(lost_numbers[0])
        asked += _asked(words, others)
        if not renamed:
            asked += _spelt(item.labels[slice(*gap.item)], row.labels[slice(*gap.row)])
    return Differences(
        1.0 - sum(plain) / max(1, len(plain)),
        digits.total(),
        sum(missing.values()),
        sum(added.values()),
        exchanged,
        clause,
        number_clause,
        left_out,
        asked,
        _negations(item.stems) != _negations(row.stems[slice(*laid.span)]),
        _formulas(item, row, laid),
        _other_question(item, row, laid),
        exchanged_letters(item, row, laid),
    )


def _spelt(labels: Sequence[str | None], others: Sequence[str | None]) -> list[tuple[str, str]]:
    """Words in capitals that stand one for another ("the letters of BANANA")."""
    if not any(label is not None and len(label) >= SPELT for label in labels):
        return []
    mine, theirs = (
        {label for label in side if label is not None and len(label) >= SPELT - 1 and label not in GREEK}
        for side in (labels, others)
    )
    if any(len(label) >= SPELT for label in mine) and mine - theirs and theirs - mine:
        return [(min(mine), min(theirs))]
    return []


def _negations(stems: Sequence[str]) -> int:
    return sum(map(NEGATIONS.__contains__, stems))


def _formulas(item: Words, row: Words, laid: Laid) -> tuple[float, float]:
    """Agreement of the formulas in order and in any order (Dice of their signs, variables and numbers)."""
    of_item = Counter(filter(is_formula, item.stems))
    if sum(n for word, n in of_item.items() if not word.startswith("#")) < FEW_SIGNS:
        return 1.0, 1.0
    of_row = Counter(filter(is_formula, row.stems[slice(*laid.span)]))
    both = of_item.total() + of_row.total()
    aligned = sum(here for word, here in zip(item.stems, laid.kept, strict=True) if is_formula(word))
    return 2 * aligned / both, 2 * (of_item & of_row).total() / both


def _other_question(item: Words, row: Words, laid: Laid) -> bool:
    """Whether another sentence asks, in the place of the one that did, and the rest is as it was."""
    starts = [*(k for k, first in enumerate(item.starts) if first), len(item.stems)]
    asking = [
        (begin, end)
        for begin, end in pairwise(starts)
        if end - begin >= 3 and not ASKING.isdisjoint(item.stems[begin:end])
    ]
    if not asking:
        return False
    begin, end = asking[-1]
    question, rest = laid.kept[begin:end], laid.kept[:begin] + laid.kept[end:]
    if len(rest) < 12 or sum(question) >= 0.5 * len(question) or sum(rest) < 0.85 * len(rest):
        return False
    held = set(row.stems[slice(*laid.around)])
    lost = [item.stems[k] for k in range(begin, end) if not laid.kept[k]]
    moved = sum(word in held for word in lost) >= 0.8 * len(lost)
    return not moved and any(
        gap.row[1] - gap.row[0] >= 2 for gap in laid.gaps if begin < gap.item[1] and gap.item[0] < end
    )


def _numbers(values: Sequence[str | None]) -> Counter[str]:
    return Counter([value.removeprefix("w") for value in values if value is not None])


def _digits(values: Sequence[str | None]) -> Counter[str]:
    return Counter([value for value in values if value is not None and value[0] != "w"])


def _telling(values: Sequence[str | None]) -> Counter[str]:
    """Numbers in digits, and spelt out from three on: one, first and twice are words as often."""
    return Counter(
        [
            value.removeprefix("w")
            for value in values
            if value is not None and (value[0] != "w" or float(value[1:]) >= 3)
        ]
    )


def _is_sentence(item: Words, gap: Gap) -> bool:
    """Whether what is missing is one sentence or more, whole."""
    first, end = gap.item
    return item.starts[first] and (end == len(item.starts) or item.starts[end])


def _asked(words: Sequence[str], others: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    groups = {group for word in words if word in EXCHANGED_WITH for group in EXCHANGED_WITH[word]}
    groups &= {group for word in others if word in EXCHANGED_WITH for group in EXCHANGED_WITH[word]}
    for group in sorted(groups):
        a = {word for word in words if group in EXCHANGED_WITH.get(word, ())}
        b = {word for word in others if group in EXCHANGED_WITH.get(word, ())}
        if a - b and b - a:
            found.append((min(a - b), min(b - a)))
    signs, other_signs = ([w for w in side if w in OPERATORS] for side in (words, others))
    if len(signs) == len(other_signs) == 1 and signs != other_signs:
        found.append((signs[0], other_signs[0]))
    return found
