r"""Math-Verify's own verdict on two answers, right or wrong, without Math-Verify where it is certain.

Math-Verify 0.9.0 with its defaults, both texts in a box, as verl calls it. It cleans a text with regular
expressions (`cleaning` calls the same), reads it with a grammar (`grammar` makes the same trees, some twenty
times as fast), makes a sympy object of it (`objects`, in the workers) and compares two of them by a long list
of rules, which `grade` follows on exact values (`values`, `formulas`) for numbers, formulas, lists,
intervals, matrices and relations. What is not certain goes to a worker, where Math-Verify's grader gets the
objects (`asked`). With another version of Math-Verify than `cleaning.VERSIONS` it is always asked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from curate.answers.compat.cleaning import (
    clean,
    grouped,
    is_known_version,
    is_real,
    last_side,
    may_fail,
    may_hold_more,
)
from curate.answers.compat.grade import same
from curate.answers.compat.grammar import Parsed, parsed
from curate.answers.compat.kinds import Meaning
from curate.answers.compat.tokens import Unsure
from curate.answers.compat.values import meaning
from curate.answers.verdict import Verdict

__all__ = ["decide"]


def decide(gold: str, answer: str) -> Verdict | None:
    """Math-Verify's verdict, where it is certain; None where it has to be asked.

    Takes about 0.3 ms for a pair not seen before, and never more than a few: long texts are not looked at.
    """
    if not is_known_version():
        return None
    if not gold.strip() or not answer.strip():
        return Verdict("unequal", "text", "Math-Verify finds nothing in an empty box")
    a, b = _reading(gold), _reading(answer)
    if a.cleaned is None or b.cleaned is None:
        return None
    if (a.is_unsure and may_fail(gold)) or (b.is_unsure and may_fail(answer)):
        return None
    if a.cleaned == b.cleaned:
        return Verdict("equal", "text", "the same text, as Math-Verify cleans it")
    if a.is_unsure or b.is_unsure:
        return None
    if a.meaning is None or b.meaning is None:
        side = "ground truth" if a.meaning is None else "answer"
        return Verdict("unequal", "text", f"Math-Verify cannot read the {side}, and the texts differ")
    if a.tokens == b.tokens:
        return Verdict("equal", "key", "the same formula, as Math-Verify reads it")
    found = same(a.meaning, b.meaning)
    if found is None:
        return None
    return Verdict("equal" if found else "unequal", "algebra", _REASONS[found])


_REASONS = {True: "equal, as Math-Verify compares them", False: "different, as Math-Verify compares them"}


class _Reading(NamedTuple):
    """What Math-Verify makes of one text."""

    cleaned: str | None
    """The text without what does not matter to it; None where that is not known here."""
    meaning: Meaning | None = None
    """What it stands for; None where Math-Verify can only compare it as text."""
    tokens: tuple[str, ...] = ()
    is_unsure: bool = False
    """Whether there is a meaning that is not known here."""


@lru_cache(maxsize=4_096)
def _reading(text: str) -> _Reading:
    cleaned = clean(text)
    if cleaned is None:
        return _Reading(None)
    try:
        found, source = _parsed(cleaned)
        if found is None:
            return _Reading(cleaned, is_unsure=may_hold_more(text))
        real = is_real(source)
        stands_for = meaning(found, source, real=real)
        digits = grouped(source)
    except (Unsure, RecursionError):
        return _Reading(cleaned, is_unsure=True)
    texts = (digits,) if digits else (str(real), *(token.text for token in found.stream))
    return _Reading(cleaned, stands_for, texts)


def _parsed(cleaned: str) -> tuple[Parsed | None, str]:
    """The tree of a cleaned text, or of its last side, and which of them it is."""
    found = parsed(cleaned)
    if found is None and (last := last_side(cleaned)) is not None:
        return parsed(last), last
    return found, cleaned
