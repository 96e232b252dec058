"""What is decided without computer algebra, and what is never handed to it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.answers.exact import decide, number
from curate.answers.guard import nesting, too_complex, tower_height
from curate.answers.latex import as_latex


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", Fraction(7)),
        ("-7", Fraction(-7)),
        ("007", Fraction(7)),
        ("0.5", Fraction(1, 2)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1,234,567", Fraction(1234567)),
        ("1{,}234", Fraction(1234)),
        ("12/8", Fraction(3, 2)),
        (r"-\frac{1}{2}", Fraction(-1, 2)),
        (r"\frac{-1}{2}", Fraction(-1, 2)),
        (r"\frac12", Fraction(1, 2)),
        ("1.5e3", Fraction(1500)),
        (r"2.5\times10^{-2}", Fraction(1, 40)),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    """Integers, decimals, fractions and powers of ten are read as exact fractions."""
    found = number(text)
    assert found is not None
    assert found.value == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1,23",
        "12,34,567",
        "1 234",
        "1/0",
        r"\frac{1}{0}",
        "5%",
        "2e",
        "1:2",
        r"\frac{x}{2}",
        "9" * 500,
    ],
)
def test_what_is_not_surely_a_number_is_left_alone(text: str) -> None:
    """Anything else is not decided here."""
    assert number(text) is None


@given(st.fractions(), st.integers(1, 99))
def test_a_fraction_is_equal_however_it_is_written(value: Fraction, factor: int) -> None:
    """p/q, \\frac{p}{q} and both expanded by a factor are equal; p/q + 1 is not."""
    p, q = value.numerator, value.denominator
    forms = [f"{p}/{q}", f"\\frac{{{p}}}{{{q}}}", f"\\dfrac{{{p * factor}}}{{{q * factor}}}"]
    for left in forms:
        for right in forms:
            decision = decide(left, right)
            assert decision is not None
            assert decision.equal
        different = decide(left, f"{p + q}/{q}")
        assert different is not None
        assert not different.equal


@pytest.mark.parametrize(
    ("gold", "answer", "equal"),
    [
        ("x+1", "x+1", True),
        ("(1, 2)", "(1,2)", True),
        (r"\left(1,\dfrac{1}{2}\right)", r"(1, \frac{1}{2})", True),
        ("E_{1}", "E_1", True),
        ("0.5", r"\frac{1}{2}", True),
        ("1.07e16", r"1.07 \times 10^{16}", True),
        ("17.5", r"17.5\%", True),
        ("50", r"50\%", True),
        ("0.5", r"50\%", True),
        ("C", "(C) 12 apples", True),
        ("(C)", r"\text{(C) Plane}", True),
        ("1234", r"1\,234", True),
        ("C", "D", False),
        ("C", "(D) 12", False),
        ("11", "11 cups", True),
        ("11", r"11 \text{ cups of tea}", True),
        ("11", "11 dozen", None),
        ("11 cups", "11", None),
        ("25000", "$25,000/year", True),
        ("25000", r"\$25,000 \text{ per year}", True),
        ("25,000", "25000€", True),
        ("25000", "US$25,000 a year in all", True),
        ("-5", "-$5/day", True),
        ("3", "3 $/lb", True),
        ("60", "60 km/h", True),
        ("60", "60 miles/hour", True),
        ("25000", "$26,000/year", None),
        ("25", "25/x", None),
        ("25", "25 m/s", None),  # maybe variables
        ("3", "$3/dozen", None),
        ("15", "$15 billion", None),
        ("5", "5 squared", None),
        ("5", "-5 dollars", None),
        ("25", "25/12", False),
        ("1", "2", False),
        ("52_8", "52_9", False),
        ("1,234", "1235", False),
        ("1 234", "1234", None),
        ("1, 234", "1,234", None),
        ("not prime", "notprime", None),
        (r"\pi r", r"\pir", None),
        ("50%", "0.4", None),
        ("x", "y", None),
        ("C", "C + 1", None),
        ("0.333333", r"\frac{1}{3}", None),  # equal for Math-Verify, which rounds
    ],
)
def test_only_certain_cases_are_decided(gold: str, answer: str, equal: bool | None) -> None:
    """Same text, exact numbers and option letters are decided; None leaves it to Math-Verify."""
    decision = decide(gold, answer)
    assert (decision and decision.equal) == equal


def test_tiny_decimals_are_not_equal() -> None:
    """0.0000001 and 0.0000002 are different, although both round to 0.000000."""
    decision = decide("0.0000001", "0.0000002")
    assert decision is not None
    assert decision == (False, "0.0000001 and 0.0000002 are different numbers")


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_texts_can_be_looked_at(gold: str, answer: str) -> None:
    """No text crashes the look, and looking from the other side gives the same."""
    there, back = decide(gold, answer), decide(answer, gold)
    if there is not None and back is not None:
        assert there.equal == back.equal
    too_complex(as_latex(gold))


@pytest.mark.parametrize(
    ("text", "height"),
    [("7", 0), ("2^7", 1), ("2^{3^4}", 2), ("2^3^4^5", 3), ("2^{2^{2^7}}", 3), ("x^2+y^2+z^2+w^2", 1),
     ("(2^3)^{4}", 1), ("2**3**4**5", 3), ("a^{b+c^{d}}", 2)],
)  # fmt: skip
def test_tower_height_counts_stacked_powers(text: str, height: int) -> None:
    """Powers of powers count, powers beside one another do not."""
    assert tower_height(text) == height


@pytest.mark.parametrize(
    "text",
    [
        "2^{2^{2^{2}}}",
        "9^{999999999}",
        "10**10**10**10",
        "99999999!",
        "(((9!)!)!)!",
        "9!!!!",
        "(" * 61 + "1" + ")" * 61,
        "{" * 50_000,
        "1" * 1_001,
        "x+" * 3_000,
        r"\binom{1000000}{500000}",
        r"\sum_{k=1}^{1000000000} k",
    ],
)
def test_what_would_not_come_back_is_not_compared(text: str) -> None:
    """Towers, huge factorials and sums, deep brackets and long texts have a reason not to be parsed."""
    assert too_complex(text)


@pytest.mark.parametrize(
    "text",
    [
        "5!", "n!", "2^{2005}", "10^{99999}", "2^{2^{10}}", r"\frac{1}{2004!}", "10000!", r"\binom{100}{50}",
        r"\sum_{k=1}^{n} k^2", r"\int_0^1 x^2\,dx", "(" * 60 + "1" + ")" * 60, "7" * 1_000, "n!!",
    ],
)  # fmt: skip
def test_ordinary_mathematics_is_compared(text: str) -> None:
    """What real answers hold passes."""
    assert too_complex(text) is None


def test_nesting_ignores_closing_brackets_without_opening() -> None:
    """Brackets that only close add no depth."""
    assert nesting("))))((") == 2


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x+1", "x+1"),
        ("2√3", r"2\sqrt{3}"),
        ("√(x+1)", r"\sqrt{x+1}"),
        ("x² − y¹²", "x^{2} - y^{12}"),
        ("½", r"\frac{1}{2}"),
        ("12", "12"),
        ("1\u200b2", "12"),
        ("a₁₂", "a_{12}"),
    ],
)
def test_unicode_mathematics_becomes_latex(text: str, latex: str) -> None:
    """Signs, superscripts, roots and full-width digits become what Math-Verify reads."""
    assert as_latex(text) == latex
