r"""Math-Verify's opinion on two answers, with its known wrong "equal" on tiny numbers taken back.

Imports sympy, which takes a second and holds 100 MB: only the worker processes import this
module (`curate.answers.zygote`). Call it where a time limit can interrupt it.

Both sides are wrapped in `\boxed{}`, as verl does: bare LaTeX is not recognised by Math-Verify.
Only the whole box is parsed: by default Math-Verify goes on to look for any number inside a
formula that it failed to read, and then 1 - 1/e can be "equal" to 1 + 1/e.
"""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from latex2sympy2_extended.latex2sympy2 import NormalizationConfig, normalize_latex
from latex2sympy2_extended.logic import And
from math_verify import LatexExtractionConfig, parse, verify
from sympy import Derivative, Expr, Float, Integral, Limit, MatrixExpr, Product, Rational, Sum, Symbol
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational

from curate.answers.compat import asked

# It warns that time limits are off in every process; ours are outside.
logging.getLogger("math_verify").setLevel(logging.CRITICAL)
logging.getLogger("latex2sympy2_extended").setLevel(logging.CRITICAL)

_NO_UNITS = LatexExtractionConfig().normalization_config
_UNITS_STAY = replace(_NO_UNITS, units=False)
_UNIT_POWER = re.compile(r"\^\{?-?\d\}?")
_COMMAND = re.compile(r"\\[A-Za-z]+")

# Digits to which two expressions are computed, one by one, and how far they may be apart.
# Math-Verify subtracts them and chops what is small, so 10^-34 - 10^-33 is 0 for it; and where
# they differ it goes on to simplify the difference, which takes most of its time.
_DIGITS = 30
_MAX_RELATIVE = Float("1e-20", 10)
_SURELY_NOT_ZERO = Float("1e-100", 10)  # a hidden zero evaluates to about 1e-125

_NOT_PROBED = (Float, Sum, Product, Integral, Limit, Derivative, MatrixExpr, AppliedUndef)

_WARM_UP = (
    (r"\frac{1}{2}+x", "x+0.5"),
    (r"(-\infty, 3] \cup [5, \infty)", r"x \le 3"),
    (r"\left\{1, \sqrt{2}\right\}", r"\{\sqrt2, 1\}"),
    (r"x = \frac{-b \pm \sqrt{b^2-4ac}}{2a}", "y = 2x + 3"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", r"\begin{bmatrix} 1 & 2 \\ 3 & 5 \end{bmatrix}"),
    (r"\text{Monday}", r"\mathrm{Tuesday}"),
    (r"2^{10} \pi r^2 \sin\left(\frac{\pi}{3}\right)", r"1024 \log_2(8) \cos 60^\circ e^{i\pi}"),
    (r"(3, \frac{\pi}{2})", "(3, 4)"),
    (r"12.5\%", r"\binom{5}{2} \cdot 3!"),
    (r"a \equiv 3 \pmod{7}", r"f(x) = |x| + \lfloor x \rfloor"),
    (r"\sum_{k=1}^{n} k^2", r"\int_0^1 x\,dx + \lim_{x \to 0} \frac{\sin x}{x}"),
    (r"\sqrt[3]{2} - \frac{\sqrt{5}+1}{2}", r"\frac{1+\sqrt5}{2} \times 10^{-3}"),
)


class Comparison(NamedTuple):
    """What Math-Verify said: a verdict, why, and a status other than `ok` if it could not say."""

    verdict: Literal["equal", "unequal", "undecided"]
    why: str
    status: Literal["ok", "error"]


def compare(gold: str, answer: str) -> Comparison:
    """Whether two answers mean the same.

    Math-Verify is asked in both orders where one side is a relation: it reads x < 3 as an interval
    only in the ground truth. Not for lists and tuples, where the other order is wrong: it would
    take the list 1, 2 for the pair (2, 1).

    An error inside Math-Verify and a ground truth that it cannot read, which it would report as "not
    equal", are `undecided` here; an answer that it cannot read is `unequal`, as a grader would say. May
    take any time and memory: the caller limits both, and a MemoryError goes through to it.
    """
    try:
        golds, answers = _readings(gold), _readings(answer)
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise what they like; the row says so
        return Comparison("undecided", f"math-verify could not read the answers: {_name(error)}", "error")
    comparison = _compare_readings(golds[0], answers[0])
    if comparison.verdict != "equal" and len(golds) + len(answers) > 2:
        with_units = _compare_readings(golds[-1], answers[-1])
        if with_units.verdict == "equal":
            return with_units._replace(why=f"{with_units.why}, no letter taken for a unit")
    return comparison


def as_is(gold: str, answer: str) -> Comparison:
    """What Math-Verify says with its defaults, both sides boxed, as verl asks it: right or wrong."""
    try:
        is_equal = asked.is_equal(gold, answer)
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise what they like; the row says so
        return Comparison("undecided", f"math-verify could not compare them: {_name(error)}", "error")
    return Comparison("equal" if is_equal else "unequal", "math-verify: as it is", "ok")


def _compare_readings(golds: list[Any], answers: list[Any]) -> Comparison:
    """What Math-Verify says of two lists of readings of the same text (an expression, the text)."""
    if not golds or not answers:
        side = "ground truth" if not golds else "answer"
        return Comparison("undecided", f"math-verify could not read the {side}", "error")
    failure: Exception | None = None
    computed = False
    for a in golds:
        for b in answers:
            try:
                if _surely_different(a, b):
                    computed = True
                elif verify(a, b, timeout_seconds=None, raise_on_error=True):
                    return Comparison("equal", "math-verify: equal", "ok")
                elif _may_be_swapped(a, b) and verify(b, a, timeout_seconds=None, raise_on_error=True):
                    return Comparison("equal", "math-verify: equal, with the sides swapped", "ok")
            except MemoryError:
                raise
            except Exception as error:
                failure = failure or error
    if computed:
        return Comparison("unequal", "computed, they differ", "ok")
    if failure is not None:
        return Comparison("undecided", f"math-verify could not compare them: {_name(failure)}", "error")
    if all(isinstance(reading, str) for reading in golds):
        why = "math-verify cannot read the ground truth as a formula, and the texts differ"
        return Comparison("undecided", why, "error")
    if all(isinstance(reading, str) for reading in answers):
        return Comparison("unequal", "math-verify cannot read the answer as a formula", "ok")
    return Comparison("unequal", "math-verify: not equal", "ok")


def warm_up(*, is_as_is: bool) -> None:
    """Read and compare typical answers once: the parser's tables are built as it goes."""
    for gold, answer in _WARM_UP:
        compare(gold, answer)
        if is_as_is:
            as_is(gold, answer)


def _readings(answer: str) -> list[list[Any]]:
    """What Math-Verify reads in an answer: first without the unit at its end, then, if there is
    something it takes for a unit, with it. Only the latter where the former would lose more.
    """
    bare, whole = normalize_latex(answer, _NO_UNITS), normalize_latex(answer, _UNITS_STAY)
    if bare == whole:
        return [_parse(answer, _NO_UNITS)]
    if _loses_more_than_a_unit(bare, whole):
        return [_parse(answer, _UNITS_STAY)]
    return [_parse(answer, _NO_UNITS), _parse(answer, _UNITS_STAY)]


def _loses_more_than_a_unit(bare: str, whole: str) -> bool:
    r"""Whether Math-Verify cuts more than a unit: it cuts from the first `\text{` of a text that ends
    in one (5 \text{ hours } 30 \text{ minutes}), and the last letter of \pi r^2 h.
    """
    if bare.count("{") != bare.count("}"):
        return True
    cut = whole[len(bare) :] if whole.startswith(bare) else ""
    if any(letter.isdigit() for letter in _UNIT_POWER.sub("", cut)):
        return True
    value = _COMMAND.sub("", bare.rpartition("=")[2])
    return len(cut.strip()) <= 2 and any(letter.isalpha() for letter in value)


def _parse(answer: str, normalization: NormalizationConfig) -> list[Any]:
    """A sympy object, if Math-Verify can make one of the answer, and the text as it cleaned it."""
    config = LatexExtractionConfig(
        try_extract_without_anchor=False, boxed_match_priority=0, normalization_config=normalization
    )
    parsed: list[Any] = parse(
        "\\boxed{" + answer + "}",
        (config,),
        extraction_mode="first_match",
        parsing_timeout=None,
        raise_on_error=True,
    )
    return parsed


def _may_be_swapped(a: Any, b: Any) -> bool:
    """Whether one side is a relation and the other a set of numbers it may describe; never a number."""
    return _is_relation(a) != _is_relation(b) and not isinstance(a, Expr) and not isinstance(b, Expr)


def _is_relation(value: Any) -> bool:
    """Whether a value is an equation or inequality, or several joined by "and"."""
    return isinstance(value, Relational | And)


def _surely_different(a: Any, b: Any) -> bool:
    """Whether two exact expressions have different values, at one point where they have letters.

    False wherever that is not certain: decimals (Math-Verify rounds them), percent (50 % is 50 and
    0.5), sets, matrices, relations, single letters, sums and integrals.
    """
    if not (isinstance(a, Expr) and isinstance(b, Expr)) or isinstance(a, Symbol) or isinstance(b, Symbol):
        return False
    if a.has(*_NOT_PROBED) or b.has(*_NOT_PROBED) or _percent(a) or _percent(b):
        return False
    letters = sorted({letter.name for letter in a.free_symbols | b.free_symbols})
    if not letters:
        x, y = a.doit(), b.doit()
        if isinstance(x, Rational) and isinstance(y, Rational):
            return bool(x != y)
    point = {name: Rational(37 + 101 * i, 113) for i, name in enumerate(letters)}
    x, y = (
        value.subs({letter: point[letter.name] for letter in value.free_symbols}).evalf(_DIGITS)
        for value in (a, b)
    )
    if not (isinstance(x, Float) and isinstance(y, Float)):
        return False
    larger = max(abs(x), abs(y))
    return bool(larger > _SURELY_NOT_ZERO and abs(x - y) > _MAX_RELATIVE * larger)


def _percent(value: Expr) -> bool:
    """Whether a value was written with a percent sign, which Math-Verify lets be 5 or 0.05."""
    return bool(value.has(Rational(1, 100))) and not isinstance(value, Rational)


def _name(error: Exception) -> str:
    """The kind of an error and the start of its message."""
    return f"{type(error).__name__}: {str(error)[:120]}".rstrip(": ")
