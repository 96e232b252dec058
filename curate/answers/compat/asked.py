"""Math-Verify asked, without the slow part of its reading.

Imports sympy: only the worker processes import this module. The objects are those that Math-Verify makes
(`objects`), its grader compares them. Where our reading is not sure, Math-Verify reads the text.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from math_verify import parse, verify

from curate.answers.compat.cleaning import clean, is_known_version, last_side, may_hold_more
from curate.answers.compat.objects import as_object


def is_equal(gold: str, answer: str) -> bool:
    r"""What Math-Verify says with its defaults of two texts, each in a box.

    Raises what sympy raises, where Math-Verify would call the answers different.
    """
    return bool(verify(reading(gold), reading(answer), timeout_seconds=None))


@lru_cache(maxsize=256)
def reading(text: str) -> list[Any]:
    """What Math-Verify reads in a text in a box: an object, if it can make one, and the cleaned text."""
    found = _quick(text) if is_known_version() else None
    if found is None:
        found = parse("\\boxed{" + text + "}", parsing_timeout=None)
    return found


def _quick(text: str) -> list[Any] | None:
    """The same from our own tree of the text; None where that is not sure."""
    cleaned = clean(text)
    if cleaned is None:
        return None
    try:
        found = as_object(cleaned)
        if found is None and (last := last_side(cleaned)) is not None:
            found = as_object(last)
    except MemoryError:
        raise
    except Exception:  # whatever sympy raises; Math-Verify then reads it in its own way
        return None
    if found is None:
        return None if may_hold_more(text) else [cleaned]
    return [found, cleaned]
