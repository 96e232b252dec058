"""Values as people write them, and as keys: equal keys are equal answers."""

from __future__ import annotations

from fractions import Fraction

from curate.answers.forms.algebra import UNIT, Value, thaw
from curate.answers.forms.kinds import (
    Answer,
    Based,
    Infinite,
    Matrix,
    Number,
    Option,
    Piece,
    Proportion,
    Region,
    Relation,
    Several,
    Words,
    Yes,
)

MAX_SHOWN = 200


def shown(answer: Answer) -> str:
    """An answer as text, cut to 200 characters."""
    text = _shown(answer)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def _shown(answer: Answer) -> str:
    match answer:
        case Number():
            unit = answer.unit.shown if answer.unit is not None else ""
            text = value_text(answer.value)
            return f"{text} degrees" if answer.degrees else f"{text} {unit}".rstrip()
        case Several():
            left, right = {"tuple": "()", "set": "{}", "list": ("", "")}[answer.kind]
            return left + ", ".join(_shown(item) for item in answer.items) + right
        case Region():
            return " or ".join(_piece(piece) for piece in answer.pieces) or "the empty set"
        case Relation():
            return f"{_shown(answer.left)} {answer.sign} {_shown(answer.right)}"
        case Matrix():
            return "[" + "; ".join(", ".join(value_text(cell) for cell in row) for row in answer.rows) + "]"
        case Option():
            return f"option {answer.letter}"
        case Words():
            return answer.text
        case Based():
            return f"{answer.digits} in base {answer.base}"
        case Proportion():
            return ":".join(value_text(item) for item in answer.items)
        case Infinite():
            return "infinity" if answer.sign > 0 else "-infinity"
        case Yes():
            return "yes" if answer.value else "no"


def _piece(piece: Piece) -> str:
    low = "-infinity" if piece.low is None else value_text(piece.low)
    high = "infinity" if piece.high is None else value_text(piece.high)
    return f"{'[' if piece.low_closed else '('}{low}, {high}{']' if piece.high_closed else ')'}"


def value_text(value: Value) -> str:
    """A value as text: 1/2, 2*sqrt(3), x^2 + 1."""
    above = _sum(value.above)
    if value.below == UNIT:
        return above
    return f"({above})/({_sum(value.below)})"


def _sum(part: object) -> str:
    terms = []
    assert isinstance(part, dict)
    for product, factor in sorted(
        part.items(), key=lambda item: (-sum(e for _, e in item[0]), repr(item[0]))
    ):
        letters = "*".join(_power(one, exponent) for one, exponent in product)
        number = _fraction(abs(factor))
        text = number if not letters else letters if abs(factor) == 1 else f"{number}*{letters}"
        terms.append(("-" if factor < 0 else "+", text))
    if not terms:
        return "0"
    first = ("-" if terms[0][0] == "-" else "") + terms[0][1]
    return first + "".join(f" {sign} {text}" for sign, text in terms[1:])


def _fraction(number: Fraction) -> str:
    if number.numerator.bit_length() > 2_000 or number.denominator.bit_length() > 2_000:
        bits = number.numerator.bit_length() - number.denominator.bit_length()
        return f"(a number of about 10^{bits * 0.30103:.0f})"
    return str(number)


def _power(one: tuple[object, ...], exponent: Fraction) -> str:
    name = _atom(one)
    if exponent == 1:
        return name
    if one[0] == "x":
        return (
            f"({name})^{exponent}" if exponent.denominator == 1 and exponent > 0 else f"({name})^({exponent})"
        )
    if exponent == Fraction(1, 2) and one[0] in ("p", "b"):
        return f"sqrt({name.removeprefix('(').removesuffix(')') if one[0] == 'b' else name})"
    return f"{name}^{exponent}" if exponent.denominator == 1 and exponent > 0 else f"{name}^({exponent})"


def _atom(one: tuple[object, ...]) -> str:
    kind = one[0]
    if kind in ("p", "s", "c"):
        return str(one[1])
    if kind == "b":
        return f"({value_text(thaw(one[1]))})"
    if kind == "x":
        base = one[1]
        assert isinstance(base, tuple)
        below = (
            "(-1)" if base[0] == "n" else f"({value_text(thaw(base[1]))})" if base[0] == "v" else _atom(base)
        )
        return f"{below}^({value_text(thaw(one[2]))})"
    if kind == "v":
        return f"({value_text(thaw(one[1]))})"
    if isinstance(one[2], int):
        return f"{one[1]}({one[2]})"
    return f"{one[1]}({', '.join(value_text(thaw(arg)) for arg in one[2:])})"
