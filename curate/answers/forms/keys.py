"""Keys of answers: two answers with one key are equal under the strict profile, beyond doubt.

Not the other way round: 50 % has the key of 0.5, and is equal to 50 too, its sign left out.
"""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms import algebra
from curate.answers.forms.algebra import UNIT, Value
from curate.answers.forms.kinds import (
    Answer,
    Based,
    Infinite,
    Matrix,
    Number,
    Option,
    Proportion,
    Region,
    Relation,
    Several,
    Words,
    Yes,
)
from curate.answers.forms.sums import written

MAX_BITS = 13_000


def key(answer: Answer) -> str:
    """The key of an answer, some hundred characters, whatever the order of a set or the unit of a length."""
    return repr(_key(answer))


def _key(answer: Answer) -> tuple[object, ...]:
    match answer:
        case Number():
            return _number(answer)
        case Several():
            items = [repr(_key(item)) for item in answer.items]
            if answer.kind == "set":
                items = sorted(set(items))
            elif answer.kind == "list":
                items = sorted(items)
            return answer.kind, *items
        case Region():
            ends = [
                (_value(piece.low), piece.low_closed, _value(piece.high), piece.high_closed)
                for piece in answer.pieces
            ]
            return "region", *ends
        case Relation():
            return "relation", answer.sign, _key(answer.left), _key(answer.right)
        case Matrix():
            return "matrix", *(tuple(_value(cell) for cell in row) for row in answer.rows)
        case Option():
            return "option", answer.letter
        case Words():
            return "words", answer.text
        case Based():
            return "base", answer.base, answer.digits
        case Proportion():
            return "proportion", answer.clock, answer.half, *(_value(item) for item in answer.items)
        case Infinite():
            return "infinity", answer.sign
        case Yes():
            return "yes", answer.value


def _number(answer: Number) -> tuple[object, ...]:
    unit = answer.unit
    if unit is None:
        return "degrees" if answer.degrees else "number", _value(answer.value)
    value = algebra.multiply(answer.value, algebra.constant(unit.factor))
    if not unit.dimension and not unit.words:  # 50 % is one half
        return "number", _value(value)
    return "quantity", _value(value), unit.dimension, unit.words


def _value(value: Value | None) -> str | None:
    """A value as text, a rational number as itself; different for different ones."""
    if value is None or value.rational is not None:
        return None if value is None else _digits(value.rational or Fraction(0))
    above, below = (
        "+".join(_digits(factor) + written(product) for product, factor in part) for part in value.frozen
    )
    return above if value.below == UNIT else f"{above} over {below}"


def _digits(number: Fraction) -> str:
    """A number as text; one that Python does not write in decimals, in hexadecimals."""
    if max(number.numerator.bit_length(), number.denominator.bit_length()) < MAX_BITS:
        return str(number)
    return f"{number.numerator:#x}/{number.denominator:#x}"
