"""Answers read as typed values: what every kind of text is, and that no text hurts."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import curate.answers.forms.read as reading
from curate.answers.forms.algebra import Value, constant, symbol
from curate.answers.forms.cleaning import untitled, unwrapped
from curate.answers.forms.effort import MAX_STEPS, Limited, spend
from curate.answers.forms.grammar import parse
from curate.answers.forms.kinds import (
    EMPTY,
    LINE,
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
from curate.answers.forms.nodes import Node, depth
from curate.answers.forms.read import MAX_CHARACTERS, read
from curate.answers.forms.spelled import spelled
from curate.answers.forms.tokens import Unreadable, tokens
from curate.answers.forms.units import is_word, read_unit
from curate.answers.forms.words import normal_words

x, y = symbol("x"), symbol("y")


def n(number: int | str) -> Number:
    """A number alone."""
    return Number(constant(Fraction(number)))


def c(number: int | str) -> Value:
    """A value alone."""
    return constant(Fraction(number))


KINDS: list[tuple[str, Answer]] = [
    # numbers: what they are, what they count, how they are written
    ("1/2", n("1/2")),
    ("0.50", Number(c("1/2"), places=2)),
    ("-.5", Number(c("-1/2"), places=1)),
    ("5.", n(5)),
    ("033", n(33)),
    ("1,234", Number(c(1234), thousands=True)),
    ("1,234.50", Number(c("2469/2"), places=2, thousands=True)),
    (r"1\,234\,567", n(1234567)),
    (r"10,\!080", n(10080)),
    ("10{,}080", n(10080)),
    ("12 345", n(12345)),
    (r"2.5 \times 10^{-3}", n("1/400")),
    ("2.5 x 10^3", n(2500)),
    ("1.5e3", n(1500)),
    ("1.5E-3", n("3/2000")),
    (r"0.\overline{3}", n("1/3")),
    (r"0.1\dot6", n("1/6")),
    ("0.(142857)", n("1/7")),
    ("0.1666...", n("1/6")),
    ("0.6 repeating", n("2/3")),
    ("0.27 (repeating)", n("3/11")),
    ("0.1666 repeating", n("1/6")),
    (r"\frac12", n("1/2")),
    (r"\dfrac{3}4", n("3/4")),
    (r"2\frac12", n("5/2")),
    ("2 1/2", n("5/2")),
    (r"-1\frac{1}{3}", n("-4/3")),
    (r"2\frac32", n(3)),
    ("½", n("1/2")),
    ("x²", Number(x._replace(above={((("s", "x"), 2),): Fraction(1)}))),
    ("90°", Number(c(90), degrees=True)),
    (r"90^{\circ}", Number(c(90), degrees=True)),
    ("45 degrees", Number(c(45), degrees=True)),
    ("three hundred and five", n(305)),
    ("三十二", n(32)),
    ("2 million", n(2_000_000)),
    ("3 dozen", n(36)),
    ("1000,99", Several("list", (n(1000), n(99)))),
    # several things
    ("(1, 2)", Several("tuple", (n(1), n(2)))),
    (r"\left(1,2,3\right)", Several("tuple", (n(1), n(2), n(3)))),
    (r"\langle 1, 2\rangle", Several("tuple", (n(1), n(2)))),
    ("[1, 2, 3]", Several("tuple", (n(1), n(2), n(3)))),
    (r"\{1, 2\}", Several("set", (n(1), n(2)))),
    (r"\{x = 1, x = 2\}", Several("set", (n(1), n(2)))),
    ("1, 2", Several("list", (n(1), n(2)))),
    ("1 and 2", Several("list", (n(1), n(2)))),
    (r"1 \text{ or } 2", Several("list", (n(1), n(2)))),
    ("1、2", Several("list", (n(1), n(2)))),
    ("1;2", Several("list", (n(1), n(2)))),
    ("1, 2,", Several("list", (n(1), n(2)))),
    ("(1,234)", Several("tuple", (n(1), n(234)))),
    ("(1,2)(3,4)", Several("list", (Several("tuple", (n(1), n(2))), Several("tuple", (n(3), n(4)))))),
    (r"\pm 2", Several("list", (n(2), n(-2)))),
    (r"3 \pm 1 \mp 2", Several("list", (n(2), n(4)))),
    # regions
    ("[1, 2)", Region((Piece(c(1), True, c(2), False),))),
    (r"]1, 2[ \cup ]3, 4]", Region((Piece(c(1), False, c(2), False), Piece(c(3), False, c(4), True)))),
    ("]1, 2[", Region((Piece(c(1), False, c(2), False),))),
    (r"(-\infty, 3]", Region((Piece(None, False, c(3), True),))),
    (r"x \in [1, 2]", Region((Piece(c(1), True, c(2), True),))),
    ("x > 3", Region((Piece(c(3), False, None, False),))),
    ("3 < x", Region((Piece(c(3), False, None, False),))),
    (r"3 \ge x", Region((Piece(None, False, c(3), True),))),
    (r"1 < x \le 2", Region((Piece(c(1), False, c(2), True),))),
    (r"2 \ge x > 1", Region((Piece(c(1), False, c(2), True),))),
    ("x > 1, x < 2", Region((Piece(c(1), False, c(2), False),))),
    ("x < 1 or x > 2", Region((Piece(None, False, c(1), False), Piece(c(2), False, None, False)))),
    (r"x \ne 5", Region((Piece(None, False, c(5), False), Piece(c(5), False, None, False)))),
    ("|x| < 2", Region((Piece(c(-2), False, c(2), False),))),
    (r"|x| \ge 2", Region((Piece(None, False, c(-2), True), Piece(c(2), True, None, False)))),
    ("|x| < -1", EMPTY),
    (r"\{x \mid x > 1, x < 2\}", Region((Piece(c(1), False, c(2), False),))),
    (r"\{x : 1 < x < 2\}", Region((Piece(c(1), False, c(2), False),))),
    (r"(1,2) \cup [2,3)", Region((Piece(c(1), False, c(3), False),))),
    (r"[1,3] \cap (2,4)", Region((Piece(c(2), False, c(3), True),))),
    (r"[1,3] \setminus \{2\}", Region((Piece(c(1), True, c(2), False), Piece(c(2), False, c(3), True)))),
    (r"\mathbb{R} \setminus \{1\}", Region((Piece(None, False, c(1), False), Piece(c(1), False, None, False)))),
    (r"\emptyset", EMPTY),
    ("no solution", EMPTY),
    ("无解", EMPTY),
    ("all real numbers", LINE),
    (r"\mathbb{R}", LINE),
    (r"(-\infty, \infty)", Several("tuple", (Infinite(-1), Infinite(1)))),
    # relations
    ("x = 5", Relation("=", Number(x), n(5))),
    ("x := 5", Relation("=", Number(x), n(5))),
    (r"x \to 5", Relation("=", Number(x), n(5))),
    (r"x = \frac13 \approx 0.33", Relation("=", Number(x), n("1/3"))),
    (r"x \approx 0.33", Relation("=", Number(x), Number(c("33/100"), places=2))),
    (r"\frac13 \approx 0.33", n("1/3")),
    ("x < y", Relation("<", Number(x), Number(y))),
    (r"x = \pm 2", Relation("=", Number(x), Several("list", (n(2), n(-2))))),
    (r"x \in \{1, 2\}", Relation(r"\in", Number(x), Several("set", (n(1), n(2))))),
    (r"\begin{cases} x = 1 \\ y = 2 \end{cases}",
     Several("list", (Relation("=", Number(x), n(1)), Relation("=", Number(y), n(2))))),
    # the rest
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", Matrix(((c(1), c(2)), (c(3), c(4))))),
    (r"\begin{array}{cc} 1 & 2 \end{array}", Matrix(((c(1), c(2)),))),
    ("C", Option("C", "")),
    ("(C)", Option("C", "")),
    ("C.", Option("C", "")),
    (r"\text{C}", Option("C", "")),
    ("(C) 12 apples", Option("C", "12 apples")),
    ("option C", Option("C", "")),
    ("x", Number(x)),
    (r"(A) \cup (B)", Words(r"(A)\cup(B)")),
    ("Monday", Words("monday")),
    (r"\text{the East side}", Words("east side")),
    ("52_8", Based("52", 8)),
    ("(052)_{8}", Based("52", 8)),
    (r"1011_{\text{two}}", Based("1011", 2)),
    ("3:4", Proportion((c(3), c(4)), False)),
    ("1:2:3", Proportion((c(1), c(2), c(3)), False)),
    ("12:30", Proportion((c(12), c(30)), True)),
    (r"3:30 \text{ p.m.}", Proportion((c(3), c(30)), True, "p")),
    (r"\infty", Infinite(1)),
    (r"+\infty", Infinite(1)),
    (r"-\infty", Infinite(-1)),
    ("unbounded", Infinite(1)),
    ("Yes", Yes(True)),
    (r"\text{False}", Yes(False)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer"), KINDS, ids=[text for text, _ in KINDS])
def test_kinds(text: str, answer: Answer) -> None:
    """Every kind of answer is read as the thing it is."""
    assert read(text).answer == answer


UNREADABLE = [
    (r"\sum_{k=1}^{n} k", r"\sum is not known"),
    (r"\int x dx", r"\int is not known"),
    ("1 +", "'' where a number or name should be"),
    ("((1)", "( closed by ''"),
    ("{1", "} expected, '' found"),
    ("1]", "']' is left over"),
    ("2 3", "two numbers side by side"),
    ("the sum of two", "words"),
    ("f'(x)^{'}", "a derivative"),
    (r"x \equiv 2 \pmod 5", r"\pmod is not known"),
    (r"x \equiv 2", r"\equiv is not compared"),
    ("x = y = x", None),
    ("x = x + 1 = 3", "a chain of equations"),
    (r"\mp 2", "∓ without ±"),
    (r"\pm1 \pm1 \pm1 \pm1 \pm1", "too many ±"),
    ("[1)", "an interval of one end"),
    ("[1, 2, 3)", "an interval of more than two ends"),
    ("(1, 2}", "( closed by '}'"),
    ("98_8", "a digit that its base has not"),
    (r"\begin{vmatrix} 1 \end{vmatrix}", "a determinant"),
    (r"\begin{pmatrix} 1 & 2 \\ 3 \end{pmatrix}", "a matrix of unequal rows"),
    (r"\begin{pmatrix} 1 \end{bmatrix}", "pmatrix ended by bmatrix"),
    (r"\begin{tikz} 1 \end{tikz}", "the environment tikz"),
    (r"\begin{cases} 1 & 2 \end{cases}", "cases with conditions"),
    (r"\text{x", "a brace that is not closed"),
    (r"\overline{2}", "a line over something"),
    (r"x_{", "an end in the middle"),
    ("0.123...", "a decimal that goes on in an unknown way"),
    ("1e999", "an exponent of more than 400"),
    ("5 pm", "am or pm behind something that is no time"),
    (r"90^\circ \text{cm}", "a unit behind degrees"),
    (r"\{x \mid x + y = 1\}", "a set by a condition"),
    (r"(a,b) \cup (b,c)", "ends that depend on variables"),
    ("9" * 1_001, "a number of more than 1,000 digits"),
    ("1+" * 300 + "1", "a formula of more than 200 levels"),
    ("x " * 2_001, "more than 2,000 signs"),
    ("(" * 40 + "1" + ")" * 40, "more than 80 levels"),
]


@pytest.mark.parametrize(("text", "why"), UNREADABLE, ids=[text[:30] for text, _ in UNREADABLE])
def test_what_is_not_read_says_why(text: str, why: str | None) -> None:
    """What is no formula is words, with the reason; nothing is guessed from a part of it."""
    reading = read(text)
    assert reading.unreadable == why
    assert isinstance(reading.answer, Words) == (why is not None)
    assert (reading.form is None, reading.key is None) == (why is not None, why is not None)


def test_long_texts_are_words() -> None:
    """A text of more than 4,096 characters is not parsed, and is not the same as one that begins like it."""
    long = "1" * (MAX_CHARACTERS + 1)
    assert read(long).unreadable == "more than 4,096 characters"
    assert read(long).answer == Words(long) != read(long + "1").answer


UNITS = [
    ("5 km/h", "25/18", (("m", 1), ("s", -1)), ""),
    (r"5 \text{ cm}^2", "1/2000", (("m", 2),), ""),
    ("5 square feet", "145161/312500", (("m", 2),), ""),
    ("5 miles per hour", "1397/625", (("m", 1), ("s", -1)), ""),
    ("5 meters squared", "5", (("m", 2),), ""),
    ("$5", "500", (("dollar", 1),), ""),
    ("5 dollars", "500", (("dollar", 1),), ""),
    ("-$5", "-500", (("dollar", 1),), ""),
    ("$5 per hour", "5/36", (("dollar", 1), ("s", -1)), ""),
    ("5€", "5", (("euro", 1),), ""),
    ("5 平方米", "5", (("m", 2),), ""),
    ("5 apples", "5", (), "apples"),
    ("5 red apples in total", "5", (), "red apples"),
    ("50%", "1/2", (), ""),
    (r"50\%", "1/2", (), ""),
    ("50 percent", "1/2", (), ""),
    ("5 hours 30 minutes", "19800", (("s", 1),), ""),
    (r"5 \text{ hours } 30 \text{ minutes}", "19800", (("s", 1),), ""),
    ("3 feet 4 inches", "127/125", (("m", 1),), ""),
    ("5 m", "5", (("m", 1),), ""),
    (r"\frac{1}{2} kg", "500", (("g", 1),), ""),
    ("90°C", "90", (("celsius", 1),), ""),
    (r"90^{\circ} \text{C}", "90", (("celsius", 1),), ""),
    (r"90\text{ }^\circ\mathrm{C}", "90", (("celsius", 1),), ""),
    ("90 degrees Celsius", "90", (("celsius", 1),), ""),
    ("-40 ℉", "-40", (("fahrenheit", 1),), ""),
]


@pytest.mark.parametrize(("text", "base", "dimension", "words"), UNITS, ids=[row[0] for row in UNITS])
def test_units(text: str, base: str, dimension: tuple[tuple[str, int], ...], words: str) -> None:
    """A number with a unit is so much of the base unit; words that are no known unit are kept."""
    answer = read(text).answer
    assert isinstance(answer, Number)
    assert answer.unit is not None
    assert answer.value.rational is not None
    assert answer.value.rational * answer.unit.factor == Fraction(base)
    assert (answer.unit.dimension, answer.unit.words) == (dimension, words)


def test_no_units() -> None:
    """Words are no unit where they hold signs, are too long, or raise one beyond the sixth power."""
    assert [read_unit(text) for text in ("cm = 2", "x" * 101, "m^7", "5 m 3")] == [None] * 4
    empty = read_unit(r"\text{ }")
    assert empty is not None
    assert (empty.factor, empty.dimension, empty.words) == (1, (), "")
    assert is_word("cm")
    assert not is_word("xy")


WRAPPED = [
    (r"$\boxed{5}$.", "5"),
    (r"\[ \boxed{\frac{1}{2}} \]", r"\frac{1}{2}"),
    (r"**5**", "5"),
    (r"`5`", "5"),
    (r"{5}", "5"),
    (r"\text{5}", "5"),
    ("The final answer is: $5$", "5"),
    (r"So, the answer is \boxed{5}.", "5"),
    (r"\approx 3.14", "3.14"),
    ("about 3", "3"),
    (r"\displaystyle 5", "5"),
    (r"5\left.", "5"),
    (r"\{1\}", r"\{1\}"),
    (r"{1}{2}", "{1}{2}"),
    (r"\\begin{matrix} 1 \\\\ 2 \\end{matrix}", r"\begin{matrix} 1 \\ 2 \end{matrix}"),
    ("%pi*%i", r"\pi *i"),
    ("50%", "50%"),
    (r"12^{\text{th}}", "12"),
    ("21^{st}", "21"),
    (r"12^{th} x", r"12^{th} x"),
    (r"\$5", r"\$5"),
    (r"\\frac{1}{2}", r"\frac{1}{2}"),
    ("3 x 10^5", r"3\times 10^5"),
    (r"x_{}", "x"),
    ("1\n\n\n\n2", "1\n\n2"),
    ("５＋３", "5+3"),
]


@pytest.mark.parametrize(("text", "plain"), WRAPPED, ids=[text for text, _ in WRAPPED])
def test_wrappers(text: str, plain: str) -> None:
    """What only wraps an answer is taken off, and only that."""
    assert unwrapped(text) == plain


def test_titles() -> None:
    """A value with words before it is the value; of names of one or two letters it is an equation."""
    assert untitled("Total cost: 80") == "80"
    assert untitled("ab = 80") is None
    assert read("The total cost = 80").answer == n(80)
    assert read("cat: " * 800 + "1").unreadable is not None


SPELLED = [
    ("zero", "0"), ("twenty one", "21"), ("twenty-one", "21"), ("two hundred and five", "205"),
    ("one million two thousand", "1002000"), ("half", "1/2"), ("three quarters", "3/4"), ("two thirds", "2/3"),
    ("一百零五", "105"), ("两万三千", "23000"), ("十二", "12"), ("一亿", "100000000"),
    ("third", None), ("and five", None), ("five and", None), ("half five", None), ("cat", None), ("", None),
]  # fmt: skip


@pytest.mark.parametrize(("words", "number"), SPELLED)
def test_numbers_in_words(words: str, number: str | None) -> None:
    """Numbers in words have their value; ordinals and other words have none."""
    assert spelled(words) == (None if number is None else Fraction(number))


def test_normal_words() -> None:
    """Articles, marks, commands and capitals do not count."""
    assert normal_words(r"\text{The East Side, a~park!}") == "east side park"


TOKENS: list[tuple[str, list[str]]] = [
    (r"\left(1,\,\dfrac12\right)", ["(", "1", ",", r"\frac", "12", ")", ""]),
    ("2**3<=4", ["2", "^", "3", r"\le", "4", ""]),
    ("1,234,567", ["1,234,567", ""]),
    ("1,23", ["1", ",", "23", ""]),
    ("0.333...", ["0.333...", ""]),
    ("0.(3)", ["0.(3)", ""]),
    ("5e3 5ex", ["5e3", "5", "ex", ""]),
    (r"\mathrm{e}", ["e", ""]),
    ("%pi", [r"\pi", ""]),
    ("1or 2", ["1", "or", "2", ""]),
    (r"a\quad b\hspace{1cm}c", ["a", "b", "c", ""]),
]


@pytest.mark.parametrize(("text", "texts"), TOKENS, ids=[text for text, _ in TOKENS])
def test_tokens(text: str, texts: list[str]) -> None:
    """A text falls into signs of one meaning each; blanks and sizes are left out."""
    assert [token.text for token in tokens(text)] == texts


def num(number: int) -> Node:
    """A whole number as a node."""
    return Node("num", (Fraction(number), str(number)))


TREES = [
    ("2x", Node("mul", (num(2), Node("sym", ("x",))))),
    ("-2^2", Node("neg", (Node("pow", (num(2), num(2))),))),
    (r"\frac12", Node("div", (num(1), num(2)))),
    (r"2\frac12", Node("mixed", (num(2), Node("div", (num(1), num(2)))))),
    ("f(0)", Node("sym", ("f(0)",))),
    ("f(-1)", Node("sym", ("f(-1)",))),
    ("x_{12}", Node("sym", ("x_12",))),
    (r"\sin^{-1} 1", Node("call", ("arcsin", (num(1),)))),
    (r"\omegat", Node("mul", (Node("sym", ("omega",)), Node("sym", ("t",))))),
    (r"\overline{AB}", Node("sym", (r"\overlineAB",))),
    (r"\angle ABC", Node("sym", (r"\angleABC",))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tree"), TREES, ids=[text for text, _ in TREES])
def test_trees(text: str, tree: Node) -> None:
    """A formula is one tree."""
    assert parse(text)[0] == tree


def test_where_parsing_ends() -> None:
    """What is behind a formula is left to the units."""
    assert [parse(text)[1] for text in ("5 cm", "5 km / h", r"5 \text{ m}", "5")] == [2, 2, 2, 1]


def test_depth_of_a_tree() -> None:
    """The depth of a tree is counted without recursion: a sum of a thousand terms has a thousand levels."""
    tree = num(0)
    for number in range(1_000):
        tree = Node("add", (tree, num(number)))
    assert depth(tree) == 1_001


# No text hurts.


def test_steps_are_counted_inside_limits_only() -> None:
    """Steps are counted from the start of a limit; the code around it has its own."""
    spend(10 * MAX_STEPS)
    with Limited():
        spend(MAX_STEPS)
        with Limited():
            spend(MAX_STEPS)
        with pytest.raises(Unreadable, match="too much to compute"):
            spend(1)
    spend(10 * MAX_STEPS)


HURTING = {
    "digits": "1" * 4_000,
    "decimals": "." + "1" * 4_000,
    "blanks": "1" + " " * 4_000 + "2",
    "braces": "{" * 4_000,
    "brackets": "(" * 2_000 + ")" * 2_000,
    "plus signs": "+" * 4_000 + "1",
    "minus signs": "2^" + "-" * 4_000 + "1",
    "tower": "x^" * 1_500 + "x",
    "roots": r"\sqrt" * 600 + "x",
    "fractions": r"1\frac{" * 300 + "1" + "}{2}" * 300,
    "nested sines": r"\sin(2" * 20 + "x" + ")" * 20,
    "high sine": r"\sin^{300} x",
    "high power": "(2x+2)^{1000000000}",
    "long cycle": "0." + "0" * 400 + "1" * 50 + "...",
    "points": "(" + r"\{" + ",".join(map(str, range(400))) + r"\})\setminus(\{" + ",".join(map(str, range(400))) + r"\})",
    "polynomials": "(a+b+c)^{12}(a+b)^{12}(b+c)^{12}",
    "signs": r"\pm1" * 1_000,
    "factorials": "5" + "!" * 3_000,
    "titles": "cat: " * 800,
    "noon": "1" + " ~" * 1_500 + "p.m",
    "text": r"\text{" * 600,
    "index": "x_{" * 1_000,
    "environment": r"\begin{matrix}" * 200,
    "money": r"\$" * 2_000,
    "bars": "|x" * 2_000,
    "numbers in braces": "{1}" * 1_300,
    "strange digits": "²" * 2_000 + "x_①",
    "large number inside": r"\frac{1}{x^{2^{200}}+x+1}+\sin(2^{20000}x)",
    "end in braces": r"\begin{array}{",
}  # fmt: skip


@pytest.mark.parametrize("text", HURTING.values(), ids=HURTING.keys())
def test_no_text_takes_long(text: str) -> None:
    """Whatever is written, it is read or not in less than a second of work."""
    started = time.process_time()
    reading = read(text)
    _ = reading.form, reading.key
    assert time.process_time() - started < 1


PIECES = (
    r"1 2.5 007 1,234 x y n A C \pi e i \infty ( ) [ ] { } \{ \} | \left( \right) , ; : & \\ + - * / ^ _ ! % \% "
    r"\circ \frac \frac{1}{2} \sqrt \sqrt[3] \binom \sin \cos \ln \log_2 \text{ \text{cm} \begin{pmatrix} "
    r"\end{pmatrix} = < \le \ne \in \cup \setminus \pm \mp \approx \equiv \lfloor \rfloor \overline{ \cdot \bmod "
    r"gcd( and or yes none cm km/h $ half three 万 一 é ² √ ½ ∞ 0.\overline{3} _{8} 1e5 ^{99} ^{-1} (A) B. "
    r"\boxed{ am 12:30 \emptyset f(0) ... 5! 2^{100} (-1)^{n} |x-1| \' \" ~ repeating ]1,2["
)
SOME = st.lists(st.sampled_from(PIECES.split(" ")), max_size=14)
FRAGMENTS = SOME.map(" ".join) | SOME.map("".join)
TEXTS = FRAGMENTS | st.text(max_size=40) | st.text("0123456789+-*/^(){}\\xyz., =<>", max_size=40)


@given(TEXTS)
def test_any_text_is_read(text: str) -> None:
    """Nothing is raised whatever the text, and the same is read every time."""
    reading = read(text)
    assert read.__wrapped__(text) == reading if hasattr(read, "__wrapped__") else read(text) == reading
    assert reading.form is None or len(reading.form) <= 200
    assert (reading.key is None) == (reading.unreadable is not None)


@given(TEXTS)
def test_what_is_shown_of_a_number_is_read_as_it(text: str) -> None:
    """The form of a number without a unit is read as a number of the same form."""
    reading = read(text)
    answer = reading.answer
    if isinstance(answer, Number) and not answer.unit and not answer.degrees and len(str(reading.form)) < 200:
        again = read(str(reading.form))
        assert again.form == reading.form or not _is_plain(str(reading.form))


def _is_plain(form: str) -> bool:
    """Whether a form holds nothing but numbers and one letter, which is read in one way only."""
    return all(sign in "0123456789 +-*/^()x" for sign in form)


def test_reading_does_not_depend_on_the_thread() -> None:
    """Four threads read the same of the same texts."""
    texts = [text for text, _ in KINDS] + [rf"\sin({number})+\sqrt{{{number}}}" for number in range(50)]
    found: list[list[object]] = []

    def work() -> None:
        found.append([read(text) for text in texts])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[read(text) for text in texts]] * 4


def test_keys_and_forms_do_not_depend_on_the_process() -> None:
    """Keys and forms are the same text in a process of other hashes."""
    texts = [r"\{3,1,2\}", r"x\sin(y)+y\ln(z)", r"\frac{a}{b+\sqrt{c}}", "2019!"]
    program = (
        "from curate.answers.forms.read import read\n"
        f"for text in {texts!r}:\n"
        "    print(repr((read(text).key, read(text).form)))"
    )
    said: Callable[[str], str] = lambda seed: subprocess.run(  # noqa: E731
        [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    assert said("1") == said("2") == "".join(f"{(read(text).key, read(text).form)!r}\n" for text in texts)


def test_whole_numbers_are_read_as_the_grammar_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs, leading zeros and lengths: the short way gives what the long way gives."""
    texts = ["0", "-0", "00", "007", "-12", "42", "9" * 15, "-" + "9" * 15, "9" * 16, "٣"]
    short = [reading._unwrapped(text) for text in texts]
    monkeypatch.setattr(reading, "_WHOLE", re.compile("(?!)"))
    assert short == [reading._unwrapped(text) for text in texts]
