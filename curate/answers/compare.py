r"""Math-Verify's opinion on two answers, with its known wrong "equal" on tiny numbers taken back.

Imports sympy, which takes a second and holds 100 MB: only the worker processes import this
module (`curate.answers.zygote`). Call it where a time limit can interrupt it.

Both sides are wrapped in `\boxed{}`, as verl does: bare LaTeX is not recognised by Math-Verify.
Only the whole box is parsed: by default Math-Verify goes on to look for any number inside a
formula that it failed to read, and then 1 - 1/e can be "equal" to 1 + 1/e.
"""

from __future__ import annotations

import logging
from typing import Any, Literal, NamedTuple

from math_verify import LatexExtractionConfig, parse, verify
from sympy import Basic, Expr, Float, Rational

# It warns that time limits are off in every process; ours are outside.
logging.getLogger("math_verify").setLevel(logging.CRITICAL)
logging.getLogger("latex2sympy2_extended").setLevel(logging.CRITICAL)

_WHOLE_BOX = (LatexExtractionConfig(try_extract_without_anchor=False, boxed_match_priority=0),)

# Digits to which two "equal" constants are computed again, one by one, and how far they may be
# apart. Math-Verify subtracts them and chops what is small: 10^-34 - 10^-33 is 0 for it.
_DIGITS = 30
_MAX_RELATIVE = Float("1e-20", 10)
_SURELY_NOT_ZERO = Float("1e-100", 10)  # a hidden zero evaluates to about 1e-125

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
    """Whether two answers mean the same, asked in both orders, because Math-Verify is not symmetric.

    An error inside Math-Verify, which it would report as "not equal", is `undecided` here. May
    take any time and memory: the caller limits both, and a MemoryError goes through to it.
    """
    try:
        golds, answers = _parse(gold), _parse(answer)
    except MemoryError:
        raise
    except Exception as error:  # the libraries raise what they like; the row says so
        return Comparison("undecided", f"math-verify could not read the answers: {_name(error)}", "error")
    if not golds or not answers:
        side = "ground truth" if not golds else "answer"
        return Comparison("undecided", f"math-verify could not read the {side}", "error")
    failure: Exception | None = None
    for left, right, order in ((golds, answers, ""), (answers, golds, ", with the sides swapped")):
        for a in left:
            for b in right:
                try:
                    equal = verify(a, b, timeout_seconds=None, raise_on_error=True)
                    if equal and _surely_different(a, b):
                        why = "math-verify: equal, but computed to 30 digits they differ"
                        return Comparison("unequal", why, "ok")
                except MemoryError:
                    raise
                except Exception as error:
                    failure = failure or error
                    continue
                if equal:
                    return Comparison("equal", f"math-verify: equal{order}", "ok")
    if failure is not None:
        return Comparison("undecided", f"math-verify could not compare them: {_name(failure)}", "error")
    return Comparison("unequal", "math-verify: not equal", "ok")


def warm_up() -> None:
    """Read and compare typical answers once: the parser's tables are built as it goes."""
    for gold, answer in _WARM_UP:
        compare(gold, answer)


def _parse(answer: str) -> list[Any]:
    """What Math-Verify reads in an answer: a sympy object if it can, then the text as it cleaned it."""
    parsed: list[Any] = parse(
        "\\boxed{" + answer + "}",
        _WHOLE_BOX,
        extraction_mode="first_match",
        parsing_timeout=None,
        raise_on_error=True,
    )
    return parsed


def _surely_different(a: Any, b: Any) -> bool:
    """Whether two exact constants differ for certain; False for anything with a letter or a decimal."""
    if not (isinstance(a, Basic) and isinstance(b, Basic)):
        return False
    if not (isinstance(a, Expr) and isinstance(b, Expr)) or a.free_symbols or b.free_symbols:
        return False
    if a.has(Float) or b.has(Float):
        return False
    x, y = a.doit(), b.doit()
    if isinstance(x, Rational) and isinstance(y, Rational):
        return bool(x != y) and not _percent(a) and not _percent(b)
    x, y = x.evalf(_DIGITS), y.evalf(_DIGITS)
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
