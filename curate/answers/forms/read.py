r"""An answer as a typed value: what is written, not what it might have meant.

A text that is no formula is words, with what is known of such words (yes, none, all real numbers, three).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from curate.answers.forms.build import build
from curate.answers.forms.cleaning import untitled, unwrapped
from curate.answers.forms.effort import Limited
from curate.answers.forms.evaluate import value
from curate.answers.forms.grammar import parse
from curate.answers.forms.keys import key
from curate.answers.forms.kinds import Answer, Number, Proportion, Words
from curate.answers.forms.quantities import compound, split, unit_of, with_unit
from curate.answers.forms.show import shown
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.units import read_sign
from curate.answers.forms.values import constant
from curate.answers.forms.words import as_words, known_words

__all__ = ["Reading", "read", "unwrapped", "value"]

MAX_CHARACTERS = 4_096
MAX_REMEMBERED = 4_096
"""Readings; a few kilobytes each, and some hundred where a long power is multiplied out."""
MAX_TITLES = 3


class Reading(NamedTuple):
    """An answer and, where it is words only because no formula could be read, why."""

    answer: Answer
    unreadable: str | None
    plain: str
    """The text without what only wraps it."""

    @property
    def form(self) -> str | None:
        """The answer in canonical form, cut to 200 characters; None where it could not be read."""
        return None if self.unreadable else shown(self.answer)

    @property
    def key(self) -> str | None:
        """What only answers have that are equal beyond doubt; None where it could not be read."""
        return None if self.unreadable else key(self.answer)


def read(text: str) -> Reading:
    r"""The typed value of an answer; of a text of more than 4,096 characters, the text.

    >>> read(r"\dfrac{2}{4}").answer == read("0.5").answer._replace(places=None)
    True

    Takes at most a good tenth of a second, whatever the text; most often a tenth of a millisecond.
    """
    if len(text) > MAX_CHARACTERS:
        return Reading(Words(text), f"more than {MAX_CHARACTERS:,} characters", text.strip())
    return _read(text)


def form_of(text: str) -> str | None:
    """The canonical form of an answer, as `Reading.form`."""
    return None if len(text) > MAX_CHARACTERS else _form_of(text)


@lru_cache(maxsize=MAX_REMEMBERED)
def _form_of(text: str) -> str | None:
    return _read(text).form


@lru_cache(maxsize=MAX_REMEMBERED)
def _read(text: str) -> Reading:
    first = found = _unwrapped(unwrapped(text))
    for _ in range(MAX_TITLES):
        rest = untitled(found.plain) if found.unreadable else None
        if rest is None:
            break
        found = _unwrapped(unwrapped(rest))
    return first if found.unreadable else found


_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)


def _unwrapped(plain: str) -> Reading:
    if _WHOLE.fullmatch(plain):  # most answers: a tenth of the time that the grammar takes
        return Reading(Number(constant(int(plain))), None, plain)
    known = known_words(plain)
    if known is not None:
        return Reading(known, None, plain)
    try:
        with Limited():
            return Reading(_formula(plain), None, plain)
    except Unreadable as error:
        return Reading(as_words(plain), str(error), plain)


def _formula(text: str) -> Answer:
    """The typed value of a formula, with its unit. Raises Unreadable."""
    rest, currency = read_sign(text)
    quantities = compound(rest)
    if quantities is not None:
        return quantities
    parts = split(rest)
    tree, end = parse(parts.formula)
    unit = unit_of(parts.words or parts.formula[end:].strip(), currency)
    answer = build(tree)
    if parts.half:
        if not isinstance(answer, Proportion):
            raise Unreadable("am or pm behind something that is no time")
        return answer._replace(half=parts.half)
    return answer if unit is None else with_unit(answer, unit)
