r"""Numbers and formulas: an exact value where there is one, floats at two points, and how it was written.

The floats stand in for Math-Verify's computing with fifteen digits. It takes any part of a formula for
nothing that is smaller than 2**-49, about 1.8e-15, so a formula with a part below 1e-9 is none of ours
(Unsure).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple
from zlib import crc32

from curate.answers.compat.tokens import Unsure
from curate.answers.forms import algebra
from curate.answers.forms.algebra import Value
from curate.answers.forms.tokens import Unreadable

MAX_DIGITS = 15
"""Of a decimal that sympy holds with its standard precision."""
MAX_EXACT_TERMS, MAX_EXACT_LETTERS = 60, 8
LEAST, MOST = 1e-9, 1e25
APART_FROM_WHOLE = 1e-9

Form = Literal["integer", "fraction", "decimal", "percent", "decimal percent", "formula"]


class Number(NamedTuple):
    """A number or a formula."""

    form: Form
    value: Value | None
    """Exactly what it is; None where that is not known."""
    at: tuple[float, float]
    """About what it is at two points of its letters; nan where it is not a moderate real number."""
    letters: frozenset[str] = frozenset()
    has_floats: bool = False
    """Whether Math-Verify computes it with floats: there is a decimal in the formula, or a very long one."""
    tangled: bool = False
    """Whether sums of irrational parts are in it, which Math-Verify may fail to see through."""
    word: str | None = None
    """The letters of a product of nothing but letters, which Math-Verify compares with words."""
    only_letters: bool = False
    """Whether it is built of nothing but letters: as a left side that makes an equation an assignment."""
    is_real: bool = True
    """Whether its letters are taken for real numbers."""

    @property
    def has_letters(self) -> bool:
        """Whether it is more than a number."""
        return bool(self.letters)

    @property
    def size(self) -> float:
        """About how large it is, where it has no letters."""
        assert not self.has_letters
        return self.at[0]

    @property
    def rational(self) -> Fraction:
        """Exactly what it is, where it is a single number."""
        found = None if self.value is None else self.value.rational
        assert found is not None, "integers, fractions, decimals and percentages"
        return found

    @property
    def is_decimal(self) -> bool:
        """Whether Math-Verify holds it as a float, or a float and a percent sign."""
        return self.form in ("decimal", "decimal percent")


PI = Number("formula", algebra.atom(algebra.PI), (math.pi, math.pi))
E = Number("formula", algebra.atom(algebra.E), (math.e, math.e), word="e")


def written(text: str, *, is_percent: bool = False) -> Number:
    """A whole number, decimal or percentage as it is written in digits."""
    number = Fraction(text)
    if "." not in text:
        found = whole_number(number)
        return found if not is_percent else _percentage(found, "percent")
    digits = text.replace(".", "").lstrip("-0")
    size = float(number)
    found = Number("decimal", algebra.constant(number), (size, size), has_floats=len(digits) > MAX_DIGITS)
    return found if not is_percent else _percentage(found, "decimal percent")


def written_power(text: str) -> Number:
    """A number as programs write it, with a power of ten."""
    mantissa, _, exponent = text.partition("E")
    if abs(int(exponent)) > 12:
        raise Unsure
    number = Fraction(mantissa) * Fraction(10) ** int(exponent)
    size = float(number)
    return Number("decimal", algebra.constant(number), (size, size), has_floats=len(mantissa) > MAX_DIGITS)


def whole_number(number: Fraction) -> Number:
    """A whole number or a fraction that is one number to Math-Verify."""
    try:
        size = float(number)
    except OverflowError:
        size = math.inf if number > 0 else -math.inf
    form: Form = "integer" if number.denominator == 1 else "fraction"
    try:
        return Number(form, algebra.constant(number), (size, size))
    except Unreadable:
        raise Unsure from None


def letter(name: str, *, is_real: bool) -> Number:
    """A letter or word as a formula."""
    at = _seed(name, 1), _seed(name, 2)
    letters = frozenset({name})
    return Number("formula", algebra.symbol(name), at, letters, word=name, only_letters=True, is_real=is_real)


def imaginary(*, is_real: bool) -> Number:
    """The imaginary unit, of which nothing is computed here."""
    return Number("formula", None, (math.nan, math.nan), frozenset("I"), is_real=is_real)


def negative(one: Number) -> Number:
    """One that is subtracted, or has a sign, and stays what it is otherwise."""
    value = None if one.value is None else algebra.negative(one.value)
    return one._replace(value=value, at=(-one.at[0], -one.at[1]), word=None, only_letters=False)


def total(terms: list[Number], *, subtracts: bool) -> Number:
    """A sum."""
    at = math.fsum(term.at[0] for term in terms), math.fsum(term.at[1] for term in terms)
    irrational = any(not term.has_letters and not _is_rational(term) for term in terms)
    found = _joined(terms, _folded(algebra.add, terms), at, tangled=irrational)
    return found._replace(only_letters=not subtracts and all(term.only_letters for term in terms))


def product(a: Number, b: Number) -> Number:
    """A product."""
    found = _joined([a, b], _folded(algebra.multiply, [a, b]), (a.at[0] * b.at[0], a.at[1] * b.at[1]))
    word = None if a.word is None or b.word is None else a.word + b.word
    return found._replace(word=word, only_letters=a.only_letters and b.only_letters)


def quotient(a: Number, b: Number) -> Number:
    """A quotient; of two whole numbers it is a single number."""
    if not b.has_letters and not abs(b.size) > 0:
        raise Unsure
    if a.form == b.form == "integer":
        return whole_number(a.rational / b.rational)
    if not b.has_letters and abs(b.size) > 1 / LEAST:
        raise Unsure
    found = _joined(
        [a, b], _folded(algebra.divide, [a, b]), (_over(a.at[0], b.at[0]), _over(a.at[1], b.at[1]))
    )
    return found._replace(only_letters=a.only_letters and b.only_letters)


def power(base: Number, exponent: Number) -> Number:
    """A power; exact where the exponent is a small rational number and a root has no letters in it."""
    raised = _raised(base.at[0], exponent.at[0]), _raised(base.at[1], exponent.at[1])
    value = None
    whole = None if exponent.value is None else exponent.value.rational
    if whole is not None and whole.denominator <= 6 and abs(whole) <= 20 and not exponent.is_decimal:
        is_number = not base.has_letters and base.value is not None and base.value.rational is not None
        if whole.denominator == 1 or (is_number and base.size > 0) or base.value == E.value:
            value = _folded(algebra.power, [base, exponent])
    if not (base.has_letters or exponent.has_letters) and not math.isfinite(raised[0]):
        raise Unsure
    return _joined([base, exponent], value, raised)


def function(name: str, arguments: Sequence[Number]) -> Number:
    """A function that Math-Verify knows, of numbers."""
    if name not in _FUNCTIONS:
        raise Unsure
    at = _computed(name, [one.at[0] for one in arguments]), _computed(name, [one.at[1] for one in arguments])
    if not math.isfinite(at[0]) and not any(one.has_letters for one in arguments):
        raise Unsure
    value = None
    if name in _WHOLE and all(one.form == "integer" for one in arguments) and math.isfinite(at[0]):
        value = algebra.constant(round(at[0]))
    return _joined(list(arguments), value, at)


def applied(name: str, arguments: Sequence[Number]) -> Number:
    """A function that Math-Verify knows nothing about: some smooth one, another for every name."""
    phase, slope = _seed(name, 3), _seed(name, 4)
    at = [
        math.sin(phase + sum((slope + place) * one.at[point] for place, one in enumerate(arguments)))
        if all(math.isfinite(one.at[point]) for one in arguments)
        else math.nan
        for point in (0, 1)
    ]
    found = _joined([*arguments, letter(name, is_real=arguments[0].is_real)], None, (at[0] + 2, at[1] + 2))
    return found._replace(only_letters=all(one.only_letters for one in arguments))


def _seed(name: str, number: int) -> float:
    """A value for a letter, between 0.4 and 2.9, the same on every machine."""
    return 0.4 + crc32(f"{number}{name}".encode()) % 9_973 / 4_000


def _percentage(inner: Number, form: Form) -> Number:
    value = algebra.constant(inner.rational / 100)
    return inner._replace(form=form, value=value, at=(inner.at[0] / 100, inner.at[1] / 100))


def _is_rational(one: Number) -> bool:
    return one.value is not None and one.value.rational is not None


def _folded(operation: Callable[[Value, Value], Value], parts: list[Number]) -> Value | None:
    """An exact operation on exact values, None where one of them is not exact or it gets too long."""
    values = [part.value for part in parts if part.value is not None]
    if len(values) < len(parts) or sum(len(part.letters) for part in parts) > MAX_EXACT_LETTERS:
        return None
    found = values[0]
    try:
        for value in values[1:]:
            found = operation(found, value)
            if len(found.above) + len(found.below) > MAX_EXACT_TERMS or not algebra.is_exact(found):
                return None
    except (Unreadable, ArithmeticError, RecursionError):
        return None
    return found


def _joined(
    parts: list[Number], value: Value | None, at: tuple[float, float], *, tangled: bool = False
) -> Number:
    """A formula made of parts. Raises Unsure if a part without letters is too small or large."""
    letters = frozenset[str]().union(*(part.letters for part in parts))
    if len({part.is_real for part in parts if part.has_letters}) > 1:
        raise Unsure
    if value is not None and not letters and not value.above:
        at = 0.0, 0.0
    for part in parts:
        if not part.has_letters and not _is_moderate(part.at[0]):
            raise Unsure
    if not letters and not _is_moderate(at[0]):
        raise Unsure
    return Number(
        "formula",
        value,
        (at[0] if _is_moderate(at[0]) else math.nan, at[1] if _is_moderate(at[1]) else math.nan),
        letters,
        has_floats=any(part.has_floats or part.is_decimal for part in parts),
        tangled=tangled or any(part.tangled for part in parts),
        is_real=all(part.is_real for part in parts),
    )


def _is_moderate(size: float) -> bool:
    return size == 0 or LEAST < abs(size) < MOST


def _over(a: float, b: float) -> float:
    return a / b if b else math.nan


def _raised(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError):
        return math.nan


def _computed(name: str, arguments: list[float]) -> float:
    """A function of floats, nan where it has no real value."""
    try:
        return _FUNCTIONS[name](*arguments) if all(map(math.isfinite, arguments)) else math.nan
    except (ValueError, OverflowError, ZeroDivisionError):
        return math.nan


def _clear(x: float) -> float:
    """A number that is whole, or clearly not; nan where rounding could go either way."""
    return math.nan if x != round(x) and abs(x - round(x)) < APART_FROM_WHOLE else x


def _factorial(n: float) -> float:
    return math.gamma(n + 1) if n > 0 else math.nan


def _binomial(n: float, k: float) -> float:
    return float(math.comb(int(n), int(k))) if n == int(n) and k == int(k) and n < 40 else math.nan


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "floor": lambda x: float(math.floor(_clear(x))),
    "ceil": lambda x: float(math.ceil(_clear(x))),
    "factorial": _factorial,
    "binomial": _binomial,
    "log": math.log,
    "ln": math.log,
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "csc": lambda x: 1 / math.sin(x),
    "sec": lambda x: 1 / math.cos(x),
    "cot": lambda x: 1 / math.tan(x),
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "arcsinh": math.asinh,
    "arccosh": math.acosh,
    "arctanh": math.atanh,
}
_WHOLE = frozenset({"abs", "floor", "ceil", "factorial", "binomial"})
"""Functions of whole numbers that are whole."""
