"""Numbers with units: what a text holds behind its formula, and what the two make together."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from curate.answers.forms.kinds import Answer, Based, Number, Proportion, Region, Relation, Several
from curate.answers.forms.literals import MAX_DIGITS
from curate.answers.forms.tokens import Unreadable
from curate.answers.forms.units import Unit, is_word, joined, read_unit
from curate.answers.forms.values import constant, multiply

_COUNTED = re.compile(
    r"(?P<number>[^A-Za-z]*(?:\\(?:frac|sqrt|times|pi|cdot)[^A-Za-z]*)*[\d})])(?:\s|~|\\[ ,;:])+"
    r"(?P<unit>[mgshLlNJWVAK](?:\^\{?-?[1-6]\}?)?(?:\s*(?:/|\\cdot)\s*[A-Za-z]{1,3}(?:\^\{?-?[1-6]\}?)?)?)"
)
"""A number, a blank, and a letter that is a unit there, and would be a variable elsewhere."""
_MINUTES = re.compile(
    r"(?P<number>.*[\d)}])\s*(?:\\[ ,;:!]|~)*(?:\\(?:text|mathrm)\{[~\s]*)?(?P<unit>min|sec)\.?\s*\}?"
)
_NOTED = re.compile(r"(.*[\d)}])\s*\(([A-Za-z][A-Za-z ]*)\)")
_HALF_OF_DAY = re.compile(r"(?<![A-Za-z])([pa])\.?\s?m\.?\s*\}?\s*$", re.IGNORECASE)
_BEFORE_HALF = (r"\text{", r"\mathrm{", r"\,")
_COMPOUND = re.compile(
    r"(\d+(?:\.\d+)?)\s*(?:\\text\{\s*)?([A-Za-z]+)\s*\}?[\s,]*(?:(?:\\text\{)?\s*and\b\s*\}?)?\s*"
)
_TEMPERATURE = re.compile(
    r"(?P<number>.*[\d)}])\s*(?:\\(?:text|mathrm)\s*\{\s*)?(?:\^\s*\{?\s*\\circ\s*\}?|\^o|degrees?|deg\.?)"
    r"(?:\s|~|\\[ ,;:!])*(?:\\(?:text|mathrm)\s*\{\s*)?(?P<scale>C|F|[Cc]elsius|[Ff]ahrenheit)\s*\}?"
)
_SCALES = {"c": "celsius", "f": "fahrenheit"}


class Split(NamedTuple):
    """A text as a formula, the words behind it, and whether it is a time before or after noon."""

    formula: str
    words: str
    half: str


def split(text: str) -> Split:
    r"""What of a text is the formula, as far as that can be told before reading it.

    >>> split("5 m"), split(r"3:30 \text{p.m.}").half
    (Split(formula='5', words='m', half=''), 'p')
    """
    half = _HALF_OF_DAY.search(text)
    formula = _without_end(text[: half.start()]) if half else text
    noted = _NOTED.fullmatch(formula)
    if noted is not None and (is_word(noted[2]) or " " in noted[2]):
        formula = f"{noted[1]} {noted[2]}"
    counted = _COUNTED.fullmatch(formula) or _MINUTES.fullmatch(formula)
    temperature = _TEMPERATURE.fullmatch(formula)
    words = ""
    if temperature is not None:
        formula, words = temperature["number"], _SCALES[temperature["scale"][0].lower()]
    elif counted is not None:
        formula, words = counted["number"], counted["unit"]
    return Split(formula, words, half[1].lower() if half else "")


def _without_end(text: str) -> str:
    """A text without blanks and the beginning of a text command at its end."""
    while True:
        before, text = text, text.rstrip(" ~\t\n")
        for end in _BEFORE_HALF:
            text = text.removesuffix(end)
        if text == before:
            return text


def unit_of(words: str, currency: Unit | None) -> Unit | None:
    """The unit of words behind a number, with the currency before it. Raises Unreadable for other words."""
    if not words:
        return currency
    balanced = words if words.count("{") == words.count("}") else words.replace("{", " ").replace("}", " ")
    found = read_unit(balanced)
    if found is None:
        raise Unreadable(f"{words[:40]!r} is left over")
    if currency is None:
        return found
    if found.dimension == currency.dimension:  # $5 dollars
        found = found._replace(factor=Fraction(1), dimension=())
    return joined(currency, found)


def with_unit(answer: Answer, unit: Unit) -> Answer:
    """An answer that counts something. Raises Unreadable where it cannot."""
    if unit.dimension == () and unit.factor == 1 and not unit.words:
        return answer
    match answer:
        case Number():
            return _number_with_unit(answer, unit)
        case Several():
            return Several(answer.kind, tuple(with_unit(one, unit) for one in answer.items))
        case Relation():
            return answer._replace(right=with_unit(answer.right, unit))
        case Proportion() | Region() | Based():
            return answer
    raise Unreadable("a unit behind something that has none")


def _number_with_unit(answer: Number, unit: Unit) -> Number:
    if unit.words in ("degree", "degrees") and not unit.dimension:
        return answer._replace(degrees=True)
    if answer.degrees:
        raise Unreadable("a unit behind degrees")
    is_many = not unit.dimension and not unit.words and unit.shown != "percent"  # million, dozen
    if is_many:
        return answer._replace(value=multiply(answer.value, constant(unit.factor)), places=None)
    return answer._replace(unit=unit)


def compound(text: str) -> Number | None:
    """5 hours 30 minutes, 3 feet 4 inches: quantities of one dimension, larger ones first, added."""
    at, parts = 0, list[tuple[Fraction, Unit]]()
    text = text.strip()
    while at < len(text):
        match = _COMPOUND.match(text, at)
        unit = read_unit(match.group(2)) if match else None
        if match is None or unit is None or not unit.dimension or unit.words or len(match[1]) > MAX_DIGITS:
            return None
        parts.append((Fraction(match.group(1)), unit))
        at = match.end()
    units = [unit for _, unit in parts]
    if len(parts) < 2 or any(unit.dimension != units[0].dimension for unit in units):
        return None
    if any(larger.factor <= smaller.factor for larger, smaller in pairwise(units)):
        return None
    total = sum((number * unit.factor for number, unit in parts), Fraction(0)) / units[0].factor
    return Number(constant(total), units[0]._replace(shown=" ".join(unit.shown for unit in units)))
