"""Every error a user can cause.

CurateError
├── InputError       a file, a row or a column of the input is not what was asked for
├── RecipeError      a recipe, a rule or a flag is wrong; known before any data is read
├── RunError         a run folder is missing, incomplete, foreign or damaged
├── MissingEvidence  a rule met a null and its recipe does not say what to do about it
└── MachineError     disk, memory or permission: the machine, not the data

A message says what was expected, what was found, where, and what to do next. Anything that is
not a CurateError is a bug and shows its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CurateError(Exception):
    """Base of all errors a user can cause; `str(error)` is the whole message."""

    exit_code = 2


class InputError(CurateError):
    """A file, a row or a column of the input is not what was asked for."""


class RecipeError(CurateError):
    """A recipe, a rule or a flag is wrong; found before any data is read."""

    @classmethod
    def from_problems(cls, where: str, problems: list[str]) -> RecipeError:
        """All problems of one recipe in one message, one a line."""
        if len(problems) == 1:
            return cls(f"{where}: {problems[0]}")
        lines = "\n".join(f"  - {problem}" for problem in problems)
        return cls(f"{where}: {len(problems)} problems\n{lines}")


class RunError(CurateError):
    """A run folder is missing, incomplete, foreign or damaged."""

    exit_code = 3


class MissingEvidence(CurateError):  # noqa: N818 - a state of the data, named as the guide names it
    """A rule met a null and the recipe does not say what to do about it."""

    exit_code = 4


class MachineError(CurateError):
    """Disk, memory or permission: the machine said no."""

    exit_code = 5


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A sentence naming the nearest known word, or the known words; empty if there are none.

    >>> did_you_mean("containmnt", ["containment", "item"])
    'Did you mean containment?'
    >>> did_you_mean("zzz", ["a", "b"])
    'Known: a, b.'
    """
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Known: {', '.join(words)}." if words else ""
