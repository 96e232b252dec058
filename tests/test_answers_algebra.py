"""Exact values: what is equal has one form, what it means is what mpmath computes, and nothing takes long."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from curate.answers.forms.algebra import (
    PI,
    E,
    I,
    Value,
    add,
    atom,
    constant,
    divide,
    equal,
    function,
    is_exact,
    mentions,
    multiply,
    negative,
    power,
    root,
    substitute,
    symbol,
)
from curate.answers.forms.effort import Limited
from curate.answers.forms.evaluate import value
from curate.answers.forms.grammar import parse
from curate.answers.forms.numeric import approximate, as_fraction, differ
from curate.answers.forms.primes import factors, rational_root, whole_root
from curate.answers.forms.show import value_text
from curate.answers.forms.tokens import Unreadable


def of(text: str) -> Value:
    """The value of a formula."""
    tree, end = parse(text)
    assert end == len(text), text
    return value(tree)


SHOWN = [
    # numbers
    ("1/2 + 1/3", "5/6"),
    ("-2^2", "-4"),
    ("2^{-3}", "1/8"),
    ("(1/2)^{10}", "1/1024"),
    (r"2\frac{1}{2}", "5/2"),
    ("50%", "1/2"),
    ("1.5e3", "1500"),
    (r"0.1\overline{6}", "1/6"),
    # roots
    (r"\sqrt{12}", "2*sqrt(3)"),
    (r"\frac{1}{\sqrt{2}}", "1/2*sqrt(2)"),
    (r"\sqrt[3]{54}", "3*2^(1/3)"),
    (r"\sqrt{\frac{8}{9}}", "2/3*sqrt(2)"),
    (r"\sqrt{2}\sqrt{3}", "sqrt(2)*sqrt(3)"),
    (r"\sqrt{|\sin 10|}", "sqrt(-sin(10))"),
    (r"\sqrt{\sin 10}", "sqrt(-sin(10))*i"),
    (r"\sqrt{3-2\pi}", "sqrt(2*pi - 3)*i"),
    (r"\sqrt{\frac{1}{3-\pi}}", "(pi - 3)^(-1/2)*i"),
    (r"\sqrt{\sin(1)x}", "sin(1)^(1/2)*x^(1/2)"),
    (r"\ln \sqrt{x+1}", "1/2*ln(x + 1)"),
    (r"\sqrt{-4}", "2*i"),
    (r"\sqrt[3]{-8}", "-2"),
    (r"\sqrt{5+2\sqrt{6}}", "sqrt(2) + sqrt(3)"),
    (r"\sqrt{6-2\sqrt{5}}", "sqrt(5) - 1"),
    (r"\frac{1}{1+\sqrt{2}+\sqrt{3}}", "-1/4*sqrt(2)*sqrt(3) + 1/4*sqrt(2) + 1/2"),
    (r"\sqrt{x^2}", "abs(x)"),
    (r"\sqrt{x^4}", "x^2"),
    (r"\sqrt{4x+8}", "2*sqrt(x + 2)"),
    (r"(\sqrt{2}+1)^{3}", "5*sqrt(2) + 7"),
    # complex numbers
    ("i^2", "-1"),
    ("i^{2023}", "-i"),
    (r"\frac{1}{1+i}", "-1/2*i + 1/2"),
    ("(1+i)^{8}", "16"),
    (r"e^{i\pi}", "-1"),
    (r"e^{\frac{i\pi}{3}}", "1/2*i*sqrt(3) + 1/2"),
    # variables
    ("(a+b)^2", "2*a*b + a^2 + b^2"),
    (r"\frac{x^2-1}{x-1}", "x + 1"),
    (r"\frac{x+1}{x^2-1}", "(1)/(x - 1)"),
    (r"\frac{2x}{4x^2+2x}", "(1/2)/(x + 1/2)"),
    (r"\frac{1}{x}+\frac{1}{y}", "x^(-1) + y^(-1)"),
    ("x^{2n}x^{n}", "(x^(n))^3"),
    ("4^{n}", "(2^(n))^2"),
    (r"2^{n+1}", "2*2^(n)"),
    ("(-1)^{2n}", "1"),
    ("((-1)^{n})^{m}", "(-1)^(m*n)"),
    ("((x+1)^{n})^{2}", "((x + 1)^(n))^2"),
    ("(x+1)^{100}", "(x + 1)^100"),
    ("(2-2x)^{70}", f"{2**70}*(x - 1)^70"),
    # logarithms
    (r"\log_2 8", "3"),
    (r"\ln 12", "2*ln(2) + ln(3)"),
    (r"\ln \frac{e^{2}}{x}", "-ln(x) + 2"),
    (r"\log_{9} 27", "3/2"),
    (r"\lg 1000", "3"),
    (r"\ln(2^{n})", "ln(2)*n"),
    # trigonometry
    (r"\sin^2 x + \cos^2 x", "1"),
    (r"\sin 2x - 2 \sin x \cos x", "0"),
    (r"\cos 3x", "4*cos(x)^3 - 3*cos(x)"),
    (r"\sin(x+\pi)", "-sin(x)"),
    (r"\sin(-x)", "-sin(x)"),
    (r"\cos(-x)", "cos(x)"),
    (r"\sin 15^\circ", "1/4*sqrt(2)*sqrt(3) - 1/4*sqrt(2)"),
    (r"\cos 36^\circ", "1/4*sqrt(5) + 1/4"),
    (r"\tan 60^\circ", "sqrt(3)"),
    (r"\cot 45^\circ", "1"),
    (r"\sec 60^\circ", "2"),
    (r"\csc 30^\circ", "2"),
    (r"\sin \frac{8\pi}{7}", "-sin(1/7*pi)"),
    (r"\arcsin \frac{1}{2}", "1/6*pi"),
    (r"\arccos 0", "1/2*pi"),
    (r"\arctan(-1)", "-1/4*pi"),
    (r"\sin^{-1} 1", "1/2*pi"),
    (r"\sinh 0 + \cosh 0 + \tanh 0", "1"),
    (r"\coth x \tanh x", "1"),
    # whole numbers
    ("5!", "120"),
    ("7!!", "105"),
    (r"\binom{5}{2}", "10"),
    (r"\binom{n}{2}", "1/2*n^2 - 1/2*n"),
    (r"\frac{(n+1)!}{(n-1)!}", "n^2 + n"),
    (r"\gcd(12, 18) + \lcm(4, 6)", "18"),
    (r"\max(1, 5/2) - \min(2, 3)", "1/2"),
    (r"17 \bmod 5", "2"),
    (r"\lfloor -2.5 \rfloor + \lceil 2.5 \rceil", "0"),
    # absolute values
    (r"|1-\sqrt{2}|", "sqrt(2) - 1"),
    ("|-3x|", "3*abs(x)"),
    ("|1-x|", "abs(x - 1)"),
    ("|x-1|", "abs(x - 1)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), SHOWN, ids=[text for text, _ in SHOWN])
def test_forms(text: str, shown: str) -> None:
    """A formula has one exact form, whatever it was written as."""
    assert value_text(of(text)) == shown


UNREADABLE = [
    (r"\frac{1}{0}", "a division by zero"),
    (r"\frac{1}{x-x}", "a division by zero"),
    (r"\frac{1}{\sqrt{2}-\sqrt{2}}", "a division by zero"),
    (r"\tan 90^\circ", "a division by zero"),
    ("0^0", "zero to the zero"),
    ("0^{-1/2}", "zero to a negative power"),
    ("0^{n}", "zero to an unknown power"),
    (r"\ln 0", "a logarithm of zero"),
    (r"\log_1 5", "a division by zero"),
    (r"\sqrt[4]{-1}", "a high even root of a negative number"),
    (r"\sqrt{i}", "a root of i"),
    (r"\sqrt[0]{5}", "a root of such a degree"),
    ("2^{100000}", "a number of too many digits"),
    ("2^{2^{2^{2^{2}}}}", "a number of too many digits"),
    ("(2x+2)^{1000000000}", "a number of too many digits"),
    ("x^{10^{350}}", "an exponent of too many digits"),
    ("3001!", "a factorial of a number not between 0 and 3,000"),
    ("(-1)!", "a factorial of a number not between 0 and 3,000"),
    (r"\frac{1}{2}!", "a factorial of a fraction"),
    ("(a+b+c+d+e+f)^{12}(a-b+c-d+e-f)^{12}", "a product of too many terms"),
    ("(a+b+c+d)^{9}+(e+f+g+h)^{9}", "a sum of too many terms"),
    (r"\sin^{1000} x", "a high power of a sine"),
    (r"\gcd(1/2, 3)", "gcd of fractions"),
    (r"\max(x, 3)", "max of unknown numbers"),
    (r"5 \bmod 0", "a remainder by zero"),
    (r"\infty - \infty", "a const in a sum"),
    (r"\sqrt{" + "7" * 200 + "}", "a root of a number of too many digits"),
    (r"\sin(2^{20000}x)", "an argument of too many digits"),
    (r"\sin((a+b+c+d)^{8})", "an argument of too many terms"),
]


@pytest.mark.parametrize(("text", "why"), UNREADABLE, ids=[text[:30] for text, _ in UNREADABLE])
def test_what_has_no_value(text: str, why: str) -> None:
    """What has no value, or too large a one, raises Unreadable with the reason."""
    with pytest.raises(Unreadable) as raised:
        of(text)
    assert why in str(raised.value)


def test_sine_powers_are_binomials() -> None:
    """A high power of a sine is multiplied out at once: sin^40 is (1 - cos^2)^20, 21 terms."""
    assert len(of(r"\sin^{40} x").above) == 21
    assert equal(of(r"\sin^{40} x"), power(add(constant(1), negative(of(r"\cos^2 x"))), constant(20)))


def test_cardano_is_not_proven() -> None:
    """A nested cube root that is 1 is neither proven equal to 1 nor said to differ."""
    cardano, one = of(r"\sqrt[3]{2+\sqrt{5}}+\sqrt[3]{2-\sqrt{5}}"), constant(1)
    assert not equal(cardano, one)
    assert not is_exact(cardano)
    assert not differ(cardano, one)


def test_roots_of_sums_are_compared_cleared() -> None:
    """Powers of what is under a root are multiplied out where two values are compared."""
    assert equal(of(r"\sqrt{x+1}\sqrt{x+1}"), of("x+1"))
    assert equal(of(r"\frac{1}{\sqrt{x+1}}"), of(r"\frac{\sqrt{x+1}}{x+1}"))
    assert not equal(of(r"\sqrt{x+1}"), of(r"\sqrt{x+2}"))


def test_exactness() -> None:
    """Roots, letters and pi or e are exact; both together, functions and large composites are not."""
    assert all(is_exact(of(text)) for text in (r"\sqrt{2}+\sqrt[3]{5}i", r"\pi x", "e^{2}", "x/y"))
    assert not any(is_exact(of(text)) for text in (r"\pi+e", r"\sin 1", r"\ln 2", "2^{x}", r"\sqrt{x+1}"))


def test_composite_under_a_root() -> None:
    """The root of a product of two large primes is not said to differ from the product of their roots."""
    product, parts = of(rf"\sqrt{{{10007 * 10009}}}"), of(r"\sqrt{10007}\sqrt{10009}")
    assert not is_exact(product)
    assert is_exact(parts)
    assert not differ(product, parts)


def test_mentions() -> None:
    """A value mentions the atoms that are factors in it."""
    found = of(r"\pi x + i")
    assert [mentions(found, one) for one in (PI, I, E, ("s", "x"))] == [True, True, False, True]


def test_substitution() -> None:
    """A variable is renamed everywhere, in functions, exponents and roots as well."""
    text = r"x+\sin(x)+2^{x}+\sqrt{x+1}+x^{n}+|x|"
    assert substitute(of(text), "x", "a") == of(text.replace("x", "a"))


def test_factors() -> None:
    """Whole numbers fall into primes; a large rest is one factor, of a perfect power its root."""
    assert factors(360) == ((2, 3), (3, 2), (5, 1))
    assert factors(1) == ()
    assert factors(10007 * 10009) == ((10007 * 10009, 1),)
    assert factors(2 * 10007**3) == ((2, 1), (10007, 3))
    assert (whole_root(80, 4), whole_root(81, 4), whole_root(99, 2)) == (2, 3, 9)
    assert rational_root(Fraction(4, 9)) == Fraction(2, 3)
    assert rational_root(Fraction(2, 9)) is None


def test_differ() -> None:
    """Numbers differ where that is beyond rounding, however near to each other or to zero they are."""
    assert differ(of(r"\sin 1"), of(r"\sin 1 + 10^{-10}"))
    assert differ(of("e^{-300}"), of("e^{-301}"))
    assert not differ(of(r"\sin(1)+10^{-50}"), of(r"\sin 1"))
    assert not differ(of(r"\ln(x^2)"), of(r"2\ln(|x|)"))
    assert differ(of(r"\sin x"), of(r"\sin y"))
    assert not differ(of(r"\sqrt{x-100}"), of(r"-\sqrt{x-100}"))  # never real where it is looked at


def test_approximate() -> None:
    """A value without variables is computed to forty digits; what is too large to write out is not."""
    found = approximate(of(r"\sqrt{2}"))
    assert abs(as_fraction(found) ** 2 - 2) < Fraction(1, 10**35)
    assert approximate(of("x")) is None
    assert approximate(of("x^2"), point=(Fraction(3), Fraction(0))) == 9
    assert approximate(of(r"\sin(10^{30})")) is None
    assert as_fraction(approximate(of("e^{9999999}"))) is None


def _long_work() -> None:
    found = of("(a+b+c)^{14}")
    for _ in range(300):
        multiply(found, of("a+b+c"))


def test_work_is_limited() -> None:
    """Work beyond the limit is not done, and the limit is a count: it hits at the same place every time."""
    reasons = []
    for _ in range(2):
        started = time.process_time()
        with pytest.raises(Unreadable) as raised, Limited():
            _long_work()
        reasons.append(str(raised.value))
        assert time.process_time() - started < 2
    assert reasons == ["too much to compute"] * 2


# Properties: random trees of arithmetic, and what mpmath says of them.

LETTERS = {"x": Fraction(7, 3), "y": Fraction(11, 5), "z": Fraction(1, 7)}


class Formula:
    """A tree of arithmetic: its exact value, and what mpmath computes for it."""

    def __init__(self, text: str, exact: Callable[[], Value], computed: Callable[[], Any]) -> None:
        self.text, self.exact, self.computed = text, exact, computed

    def __repr__(self) -> str:
        return self.text


def _number(n: int) -> Formula:
    return Formula(str(n), lambda: constant(n), lambda: mpmath.mpf(n))


def _letter(name: str) -> Formula:
    at = LETTERS[name]
    return Formula(name, lambda: symbol(name), lambda: mpmath.mpf(at.numerator) / at.denominator)


def _two(sign: str, exact: Callable[[Value, Value], Value], computed: Callable[[Any, Any], Any]) -> Any:
    def join(pair: tuple[Formula, Formula]) -> Formula:
        a, b = pair
        return Formula(
            f"({a.text}){sign}({b.text})",
            lambda: exact(a.exact(), b.exact()),
            lambda: computed(a.computed(), b.computed()),
        )

    return join


def _one(name: str, exact: Callable[[Value], Value], computed: Callable[[Any], Any]) -> Any:
    def apply(inside: Formula) -> Formula:
        return Formula(
            f"{name}({inside.text})", lambda: exact(inside.exact()), lambda: computed(inside.computed())
        )

    return apply


def _floor(number: Any) -> Any:
    """The floor of what is no whole number by a hair."""
    if abs(number - mpmath.nint(number)) < 1e-30 and number != mpmath.nint(number):
        raise ValueError("too near to tell")
    return mpmath.floor(number)


CONSTANTS = st.one_of(
    st.integers(-12, 12).map(_number),
    st.just(Formula("pi", lambda: atom(PI), lambda: +mpmath.pi)),
    st.just(Formula("e", lambda: atom(E), lambda: +mpmath.e)),
)
_square_root = _one("sqrt", lambda a: root(a, constant(2)), mpmath.sqrt)
VARIABLES = st.sampled_from(sorted(LETTERS)).map(_letter)


def _larger(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(_two("+", add, lambda a, b: a + b)),
        pair.map(_two("*", multiply, lambda a, b: a * b)),
        pair.map(_two("/", divide, lambda a, b: a / b)),
        inner.map(_one("-", negative, lambda a: -a)),
        st.tuples(inner, st.integers(-3, 4).map(_number)).map(_two("^", power, lambda a, b: a ** int(b))),
        inner.map(_one("abs", lambda a: function("abs", a), abs)),
        inner.map(_one("sin", lambda a: function("sin", a), mpmath.sin)),
        inner.map(_one("cos", lambda a: function("cos", a), mpmath.cos)),
        inner.map(_one("ln", lambda a: function("ln", a), mpmath.log)),
        inner.map(_one("arctan", lambda a: function("arctan", a), mpmath.atan)),
        inner.map(_one("floor", lambda a: function("floor", a), _floor)),
    )


NUMBERS = st.recursive(CONSTANTS, lambda inner: _larger(inner) | inner.map(_square_root), max_leaves=6)
WITH_LETTERS = st.recursive(CONSTANTS | VARIABLES | VARIABLES.map(_square_root), _larger, max_leaves=6)
FORMULAS = NUMBERS | WITH_LETTERS
"""Roots of sums with letters are left out: which sign of a product is meant under one, nobody knows."""


def _known(formula: Formula) -> tuple[Value, Any]:
    """Both readings of a tree that has a real value everywhere in it, of a size that can be compared."""
    with mpmath.workdps(60):
        try:
            computed = formula.computed()
        except (ZeroDivisionError, ValueError, OverflowError):
            assume(False)
        assume(mpmath.isfinite(computed) and mpmath.im(computed) == 0)
        assume(1e-15 < abs(computed) < 1e15)
    try:
        with Limited():
            return formula.exact(), mpmath.re(computed)
    except Unreadable:
        assume(False)
    raise AssertionError("not reached")


def _at_letters(found: Value) -> Any:
    """A value where the letters are what LETTERS says, by reading it from its text with numbers for them."""
    text = value_text(found)
    for name, number in LETTERS.items():
        text = text.replace(name, f"({number})")
    try:
        return approximate(of(text), 60)
    except Unreadable:  # the logarithm of something negative, say
        return None


@given(FORMULAS)
def test_exact_values_are_what_mpmath_computes(formula: Formula) -> None:
    """The exact value of a tree, read again from its text with numbers for letters, is what mpmath computes."""
    found, computed = _known(formula)
    again = _at_letters(found)
    assume(again is not None)
    with mpmath.workdps(60):
        assert abs(again - computed) <= mpmath.mpf(10) ** -30 * (1 + abs(computed)), value_text(found)


@given(FORMULAS)
def test_text_of_a_value_is_read_as_the_value(formula: Formula) -> None:
    """What a value is shown as is read as that value."""
    found, _ = _known(formula)
    text = value_text(found)
    assume(len(text) < 2_000)
    assert equal(of(text), found), text


@given(FORMULAS, FORMULAS)
def test_equal_values_are_the_same_number(a: Formula, b: Formula) -> None:
    """Values that are proven equal never differ by computing; sums and products do not mind their order."""
    x, computed_x = _known(a)
    y, computed_y = _known(b)
    if equal(x, y):
        assert not differ(x, y)
        with mpmath.workdps(60):
            assert abs(computed_x - computed_y) <= mpmath.mpf(10) ** -30 * (1 + abs(computed_x))
    if differ(x, y):
        assert not equal(x, y)
    assert equal(add(x, y), add(y, x))
    assert equal(multiply(x, y), multiply(y, x))
    assert add(x, negative(x)) == constant(0)


@given(FORMULAS, FORMULAS, FORMULAS)
def test_arithmetic_keeps_its_laws(a: Formula, b: Formula, c: Formula) -> None:
    """Products of sums are sums of products, and what is divided can be multiplied back."""
    (x, _), (y, _), (z, _) = map(_known, (a, b, c))
    try:
        with Limited():
            left, right = multiply(x, add(y, z)), add(multiply(x, y), multiply(x, z))
            back = multiply(divide(x, y), y)
    except Unreadable:
        assume(False)
    assert equal(left, right)
    assert equal(back, x)


@given(FORMULAS)
def test_frozen_values_are_told_apart_by_what_they_are(formula: Formula) -> None:
    """A value and its frozen form stand for each other, and hashing one is possible."""
    found, _ = _known(formula)
    same = add(add(found, constant(3)), constant(-3))
    assert hash(found.frozen) == hash(same.frozen) or found != same
    assert (found.frozen == same.frozen) == (found == same)
