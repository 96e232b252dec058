r"""The profile `compat`: Math-Verify's verdicts, wrong ones included, each beside Math-Verify itself."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from latex2sympy2_extended.logic import And
from latex2sympy2_extended.sets import FiniteSet
from math_verify import parse
from math_verify import verify as math_verify

from curate.answers import compat
from curate.answers.compat import asked, cleaning
from curate.answers.verifier import Verifier

logging.getLogger("math_verify").setLevel(logging.CRITICAL)


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    """One worker."""
    with Verifier("compat", workers=1) as verifier:
        yield verifier


def read_by_math_verify(text: str) -> list[Any]:
    r"""What Math-Verify reads in `\boxed{text}`."""
    return list(parse("\\boxed{" + text + "}", parsing_timeout=None))


def said_by_math_verify(gold: str, answer: str) -> bool:
    """Its verdict on two texts in boxes."""
    sides = read_by_math_verify(gold), read_by_math_verify(answer)
    return bool(math_verify(*sides, timeout_seconds=None))


DECIDED = [
    # numbers
    ("007", "7", True),
    ("1,234", "1234", True),
    ("1,23", "123", False),  # a list
    ("2450", "２４５０", False),
    ("0.5", r"\frac12", True),
    ("0.333333", r"\frac{1}{3}", True),
    ("0.33333", r"\frac{1}{3}", False),
    ("0.1234564", "0.1234561", True),
    ("0.1234566", "0.1234564", False),
    ("2.0000001", "2", False),
    ("2.0000001", "2.0000002", True),
    ("0.0000001", "0.0000002", True),  # both are 0 to six places
    (r"\frac{2}{4}", r"\dfrac{1}{2}", True),
    (r"2\frac{1}{2}", "2.5", True),
    (r"-2\frac{1}{2}", "-2.5", True),
    ("12 345", "357", True),  # a blank adds
    (r"1\,234", "1234", False),
    ("5%", "5", True),
    (r"5\%", "0.05", True),
    (r"-5\%", "-5", False),
    (r"12.5\%", "12.5", False),
    (r"90^\circ", "90", True),
    ("$5$", r"\boxed{5}", True),
    (r"\$5", "5", True),
    ("5.", "5", False),
    ("5,", "5", False),
    ("52_8", "52_9", True),
    ("12:30", "24:60", True),
    # units and words
    ("5 cm", "5 kg", True),
    (r"5 \text{ hours } 30 \text{ minutes}", "5", True),
    (r"864 \mbox{ inches}^2", "864", True),
    ("4ab", "4", True),
    ("2t", "2", True),
    (r"\pi r^2 h", r"\pi r^2", True),
    ("f'(x)", "f(x)", True),
    (r"\text{east}", "East", True),
    ("stop", r"\text{stop}", True),
    ("tree", r"\text{tree}", False),  # `tr` is the trace
    (r"\text{(C)}", "C", True),
    ("C.", "C", False),
    (r"\text{13}", "13", True),
    ("二", "二", True),
    ("二", "三", False),
    # lists, tuples, sets and intervals
    ("1, 2", "2, 1", True),
    (r"\{1,2\}", "(1,2)", True),
    (r"\{1,2\}", "(2,1)", True),
    ("(1,2)", "(2,1)", False),
    ("(2,1)", r"\{2,1\}", True),
    ("(1,2)", "[1,2]", False),
    ("[1,2]", "1,2", False),
    ("(1,2,3)", "(1,2)", False),
    ("1,1", "1", True),
    ("1 \\text{ and } 2", "1,2", True),
    (r"\pm 3", "3, -3", True),
    (r"(-\infty,3]", r"(-\infty, 3.0]", True),
    (r"(-\infty,1)\cup(2,\infty)", r"(-\infty,1) \cup (2, \infty)", True),
    (r"(-\infty,1)\cup(2,\infty)", r"(-\infty,1) \cup [2, \infty)", False),
    ("x < 3", r"(-\infty, 3)", True),
    # equations and inequalities
    ("x=5", "5", True),
    ("5", "x=5", True),
    ("x=5", "y=5", False),
    ("x=5", "x=6", False),
    ("x = 1,000", r"\{0,1\}", True),
    ("x > 3", "3 < x", True),
    ("2x > 6", "x > 3", False),
    ("y=2x+1", "y=1+2x", True),
    ("y=2x+1", "y=2x-1", False),
    # formulas
    (r"\sqrt{8}", r"2\sqrt{2}", True),
    (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt2}{2}", True),
    (r"\sqrt{2}", "1.414214", True),
    (r"\sqrt{2}", "1.414213", False),
    (r"2\pi", "6.283185", True),
    ("(a+b)^2", "a^2+2ab+b^2", True),
    ("(a+b)^2", "a^2+b^2", False),
    (r"\sin x", r"\cos x", False),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{bmatrix}1.0\\2\end{bmatrix}", True),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1&2\end{pmatrix}", False),
    ("", "5", False),
]


@pytest.mark.parametrize(("gold", "answer", "equal"), DECIDED)
def test_decided_without_math_verify_as_it_says(gold: str, answer: str, equal: bool) -> None:
    """Each of these is decided in this process, and it is what Math-Verify says, right or wrong."""
    assert said_by_math_verify(gold, answer) is equal
    verdict = compat.decide(gold, answer)
    assert verdict is not None
    assert verdict.status == ("equal" if equal else "unequal")


LEFT = [
    (r"\frac{50!}{2^{200}}", r"\frac{51!}{2^{200}}", True),  # parts below 1e-15 are nothing
    (r"10^{-34}", r"10^{-33}", True),
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}", True),
    (r"\int_0^1 x\,dx", r"\frac12", True),
    (r"\lim_{x \to 0} \frac{\sin x}{x}", "1", True),
    ("1.07 \\times 10^{3}", "1070", True),
    (r"\log_2 8", "3", True),
    ("2x+4y-3=0", r"y = -\frac{1}{2}x + \frac{3}{4}", True),
    (r"\{x \mid x < 3\}", "3", True),  # the number in what it cannot read
    ("1, 2, \\ldots, n", "1, 3, 5, \\ldots, 2n-1", True),
    (r"x^2+1=0", r"x^2+2=0", True),  # neither has a real solution
    (r"\operatorname{gcd}(4,6)", "2", True),
    (r"(-\infty,x^2)\cup(1,2)", r"(-\infty,x^2) \cup (1,2)", True),
]


@pytest.mark.parametrize(("gold", "answer", "equal"), LEFT)
def test_the_rest_is_asked(gold: str, answer: str, equal: bool, verifier: Verifier) -> None:
    """What depends on rounding, simplifying or solving is left to Math-Verify, and its verdict is taken."""
    assert said_by_math_verify(gold, answer) is equal
    assert compat.decide(gold, answer) is None
    assert verifier.compare_all([(gold, answer)])[0].status == ("equal" if equal else "unequal")


def shown(one: Any) -> str:
    """An object of sympy with all that Math-Verify's grader looks at."""
    if isinstance(one, list | tuple):
        return f"[{', '.join(map(shown, one))}]"
    if isinstance(one, sympy.Float):
        return f"Float({one._mpf_}, {one._prec})"
    if isinstance(one, sympy.Symbol):
        return f"{one.name}:{one.is_real}"
    if isinstance(one, sympy.MatrixBase):
        return f"{type(one).__name__}{one.shape}{shown(one.flat())}"
    if isinstance(one, And | FiniteSet):
        return f"{type(one).__name__}<{shown(one._unsorted_args)}>"
    if isinstance(one, sympy.Basic) and one.args:
        return f"{type(one).__name__}({', '.join(map(shown, one.args))})"
    return repr(one)


READ = [
    "2", "-0.50", "1,234.5", "0,125", "2E3", r"5\%", r"-5 \%", r"3\frac12", "2 3 4", r"\frac{x}{0.5}", "1/2/3",
    "a:b", r"2^{3^{4}}", "x^2y", "x_1^2", "x^2_1", "x_{10}", r"\alpha_1", r"\Pi", "E", "e", "e^{2x}", "I^2",
    "abcdef", "Monday", "d x", r"\text{ two words }", r"\mathrm{cm}", r"\vec{v}", r"\overline{AB}", r"\bar x",
    r"\sqrt{2}", r"\sqrt[3]{x}", r"\sqrt2x", "-x", "--x", "2-3", "2 - x - 3", "a*b/c", r"a\div b\times c",
    "|x|", "2|x|+1", r"\lfloor x \rfloor", r"\lceil 2.5 \rceil", r"\|v\|", "3!", "(2n)!", r"\binom{5}{2}",
    r"{5 \choose 2}", r"\sin x", r"\sin 2x y", r"\sin^2 x", r"\sin^{-1} x", r"\log x", r"\log_2(8)", r"\ln x^2",
    r"\arctan x", r"\exp(x)", r"\max(1,2)", "f(x)", "f(x,y)", "f_{1}(2)^2", r"\Gamma(3)", r"\gamma", "f(x)=x+1",
    "x=1", "x=1,2", "a=1,b=2", "x=y=z", "1<x<2", r"x\le 3", r"x \ne 3", r"x \approx 3", r"x \equiv 3",
    "x \\in [1,2]", "(x,y)=(1,2)", r"x \in \{1,2\}", "(1,2)", "(2,1)", "[1,2)", "[2,1]", "(1,2,3)", "((1,2),(3,4))",
    "(1;2)", "1;2", "1,2;3,4", r"\{1,2,2\}", "{1,2}", r"\{\}", r"\emptyset", r"\mathbb{R}", r"(-\infty,\infty)",
    r"(1,2)\cup[3,4]", r"[1,3]\cap[2,4]", r"\mathbb{R}\setminus\{1\}", r"\pm 3", r"1\pm\sqrt2", r"2, \pm i",
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", "A^T", r"90^\circ", "5!",
    r"\left(\begin{array}{cc}1&2\\3&4\end{array}\right)", r"2\begin{pmatrix}1\\2\end{pmatrix}", "3 + 4i", "",
    "5.", "1/43.", "½", "√2", "(1", "1)", "}", "{", r"\foo", "?", "a&b", r"x\\y", "2^", r"\frac{1}", r"\sqrt{}",
]  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_reads_the_same_objects(text: str) -> None:
    """Where our reading is sure, the objects are those that Math-Verify makes, part by part."""
    assert shown(asked.reading(text)) == shown(read_by_math_verify(text))


def test_reading_is_sure_of_most() -> None:
    """Nearly all of these texts are read without Math-Verify's parser."""
    unsure = [text for text in READ if asked._quick(text) is None]
    assert len(unsure) <= 6, unsure


PIECES = st.sampled_from(
    [
        *(
            [
                "1",
                "2",
                "3",
                "10",
                "12",
                "0.5",
                ".25",
                "1,000",
                "x",
                "y",
                "a",
                "b",
                "n",
                "e",
                "E",
                "i",
                "I",
                "d",
            ]
        ),
        *(
            [
                r"\pi",
                r"\alpha",
                r"\infty",
                r"+",
                r"-",
                r"*",
                r"/",
                r"^2",
                r"^{3}",
                r"_1",
                r"^\circ",
                r"\frac{1}{2}",
                r"\frac12",
                r"\sqrt{2}",
                r"\sqrt3",
                r"\sqrt[3]{2}",
            ]
        ),
        *(
            [
                r"(",
                r")",
                r"[",
                r"]",
                r"\{",
                r"\}",
                r"{",
                r"}",
                r"|",
                r",",
                r";",
                r":",
                r"=",
                r"<",
                r">",
                r"\le",
                r"\ne",
                r"\in",
                r"\cup",
                r"\cap",
                r"\pm",
                r"\%",
                r"%",
                r"\cdot",
                r"\text{cm}",
                r"\text{or}",
            ]
        ),
        *(
            [
                r"\left(",
                r"\right)",
                r"!",
                r"\sin",
                r"\cos",
                r"\log_2",
                r"\ln",
                r"e^{2}",
                r"f(x)",
                r"\,",
                r"$",
                r".",
                r"\binom{5}{2}",
                r"cm",
                r"'",
                r"\mathbb{R}",
                r"°",
            ]
        ),
        *(
            [
                r"\begin{pmatrix}1\\2\end{pmatrix}",
                r"\vec{v}",
                r"dx",
                r"½",
                r"５",
                r"\gamma",
                r"\max(1,2)",
                r"&",
                r"\\",
                r"^",
                r"_",
                r"and",
            ]
        ),
        " ",
    ]
)
WHOLE = st.integers(-30, 30).map(str)
NUMBER = st.one_of(
    WHOLE,
    st.decimals(-3, 3, places=2).map(str),
    st.tuples(WHOLE, st.integers(1, 12)).map(lambda pair: f"\\frac{{{pair[0]}}}{{{pair[1]}}}"),
    st.tuples(WHOLE, st.integers(1, 12)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.tuples(st.integers(1, 5), st.integers(2, 12)).map(lambda pair: f"{pair[0]}\\sqrt{{{pair[1]}}}"),
    WHOLE.map(lambda number: f"{number}\\%"),
    WHOLE.map(lambda number: f"{number}\\text{{ m}}"),
    WHOLE.map(lambda number: f"{number}\\pi"),
    st.sampled_from(["x", "2x", "x+1", "x^2-1", "(x-1)(x+1)", "ab", "ba"]),
)
ANSWER = st.one_of(
    NUMBER,
    NUMBER.map("x={}".format),
    st.lists(NUMBER, min_size=2, max_size=3).map(", ".join),
    st.lists(NUMBER, min_size=2, max_size=3).map(lambda items: f"({', '.join(items)})"),
    st.lists(NUMBER, min_size=1, max_size=3).map(lambda items: f"\\{{{', '.join(items)}\\}}"),
    st.tuples(NUMBER, NUMBER).map("[{0[0]}, {0[1]})".format),
    st.lists(PIECES, min_size=1, max_size=6).map("".join),
)
PATIENT = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@PATIENT
@given(st.lists(PIECES, min_size=1, max_size=7).map("".join))
def test_generated_texts_are_read_the_same(text: str) -> None:
    """Of any string of pieces of formulas Math-Verify's objects are made, or none where it makes none."""
    assert shown(asked.reading(text)) == shown(read_by_math_verify(text))


@PATIENT
@given(ANSWER, ANSWER)
def test_generated_pairs_are_decided_the_same(gold: str, answer: str) -> None:
    """Whatever is decided here is what Math-Verify says."""
    verdict = compat.decide(gold, answer)
    if verdict is not None:
        assert (verdict.status == "equal") is said_by_math_verify(gold, answer)


def test_the_pool_says_the_same(verifier: Verifier) -> None:
    """A column of pairs gets Math-Verify's verdicts, whoever decides them."""
    pairs = [(gold, answer) for gold, answer, _ in DECIDED + LEFT]
    expected = [equal for _, _, equal in DECIDED + LEFT]
    assert [one.status == "equal" for one in verifier.compare_all(pairs)] == expected


HARD = [
    "9" * 100_000, "9" * 590, "{" * 590, "}" * 590, "(" * 590, " " * 590 + "1", "1 " * 290, "x" * 590, "|" * 590,
    "x^" * 200 + "2", "x_" * 200 + "2", r"\sqrt" * 100, r"\sin" * 140, "-" * 590 + "1", "1," * 290 + "1",
    "[(" * 100 + "1,2", r"\frac{" * 50 + "1", "a" * 590 + "{,", r"\text{" * 90, "\\" * 590, "$" * 590,
    "(a" * 250 + ")_{1}", ", and" * 110, "2^{99999999}", "99999999!", r"\binom{99999}{55555}", "\x00\ud7ff🦉\u0301",
]  # fmt: skip


@pytest.mark.parametrize("text", HARD, ids=range(len(HARD)))
def test_never_slow(text: str) -> None:
    """No text takes more than a moment: what is long or nested is left to the workers, which are limited."""
    begun = time.process_time()
    compat.decide(text, "1")
    compat.decide("1", text + "1")
    compat.decide(text, text + "1")
    assert time.process_time() - begun < 1.0


def test_another_version_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a Math-Verify that is not the one it was written for, nothing is taken for granted."""
    assert compat.decide("1", "1") is not None
    monkeypatch.setitem(cleaning.VERSIONS, "math-verify", "0.0.1")
    cleaning.is_known_version.cache_clear()
    try:
        assert compat.decide("1", "1") is None
    finally:
        cleaning.is_known_version.cache_clear()


def test_another_version_reads_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a worker then says is what Math-Verify reads and says, without our reading of a text."""

    def ours(_text: str) -> None:
        raise AssertionError("not to be called")

    monkeypatch.setitem(cleaning.VERSIONS, "latex2sympy2_extended", "0.0.1")
    monkeypatch.setattr(asked, "as_object", ours)
    cleaning.is_known_version.cache_clear()
    asked.reading.cache_clear()
    try:
        assert [asked.is_equal(gold, answer) for gold, answer, _ in DECIDED[:40]] == [
            equal for *_, equal in DECIDED[:40]
        ]
    finally:
        cleaning.is_known_version.cache_clear()
        asked.reading.cache_clear()


def test_decides_without_sympy() -> None:
    """Deciding imports neither sympy nor Math-Verify, which take a second and 100 MB."""
    program = (
        "import sys; from curate.answers import compat;"
        "assert compat.decide('1/2', '0.5').status == 'equal';"
        "assert not {'sympy', 'math_verify'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
