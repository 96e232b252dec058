"""Verdicts on responses: a table of pairs, why each was decided, and agreement with given grades."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from curate.answers.grade import Grader, Verdict
from curate.answers.pool import Outcome, Pool


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two workers."""
    with Pool(workers=2) as pool:
        yield pool


@pytest.fixture
def grader(pool: Pool) -> Grader:
    """A grader that remembers nothing yet."""
    return Grader(pool)


EQUAL = [
    ("1/2", r"\frac{1}{2}"),
    ("0.5", r"\dfrac12"),
    ("0.333333", r"\frac{1}{3}"),
    ("1,234", "1234"),
    ("10,\\!080", "10080"),
    ("033", "33"),
    ("1.07e16", r"1.07 \times 10^{16}"),
    ("5", "5."),
    ("5", "x = 5"),
    ("x=5", "5"),
    ("12", r"12 \text{ cm}"),
    ("11", "11 cups"),
    ("15", r"15 \text{ kcal m}^{-2}\text{yr}^{-1}"),
    ("5", r"\$5"),
    ("28%", "28"),
    ("50%", "0.5"),
    ("17.5", r"17.5\%"),
    ("90", r"90^\circ"),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}"),
    ("2√3", r"2\sqrt{3}"),
    ("½", "0.5"),
    ("2.5", r"2\frac{1}{2}"),
    (r"\frac{x^2-1}{x-1}", "x+1"),
    ("(a+b)^2", "a^2+2ab+b^2"),
    ("x+y", "y+x"),
    (r"\frac{1}{\sqrt{2}}c", r"\frac{c}{\sqrt{2}}"),
    ("1, 2", "2, 1"),
    ("(1, 2)", r"\left( 1, 2 \right)"),
    (r"\{1, 2\}", r"\{2, 1\}"),
    (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}"),
    (r"(-\infty, 3)", "x < 3"),
    ("x < 3", r"(-\infty, 3)"),
    ("[-2, 7]", r"x \in [-2, 7]"),
    ("2x+4y-3=0", r"y = -\frac{1}{2}x + \frac{3}{4}"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}"),
    (r"\text{Monday}", r"\text{monday}"),
    ("C", r"\text{(C)}"),
    ("C", "(C) 12 apples"),
    ("东", "东"),
    ("24 + 18 = 42\n#### 42", "42"),
]

UNEQUAL = [
    ("1", "2"),
    ("1/2", "1/3"),
    (r"\frac{1}{2004!}", r"\frac{1}{2006!}"),
    (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}"),
    (r"1-2^{-60}", r"1-2^{-70}"),
    (r"\frac{50!}{2^{200}}", r"\frac{51!}{2^{200}}"),
    ("0.0000001", "0.0000002"),
    ("10^{-34}", "10^{-33}"),
    (r"1 - \frac{1}{\mathrm{e}}", r"1 + \frac{1}{\mathrm{e}}"),
    ("5", r"5 \text{ hours } 30 \text{ minutes}"),
    ("3", r"3\text{ red}, 4\text{ blue}"),
    (r"\pi r^2", r"\pi r^2 h"),
    ("n^2", "n^2 m"),
    ("52_8", "52_9"),
    ("11", "11 dozen"),
    ("4", r"4\sqrt{2}"),
    ("x+1", "x-1"),
    ("(2, 1)", "1, 2"),
    ("(1, 2)", "[1, 2]"),
    ("1331, 1728", "1728"),
    ("C", "D"),
    ("C", "(D) 12 apples"),
    (r"\text{Monday}", r"\text{Tuesday}"),
    ("x < 3", "x > 3"),
    ("12", "twelve, \\\\or so; who \\\\knows"),
    ("19, 46, 82", "21, 36, 82"),
    (r"\cos 60^\circ", "0.6"),
]


@pytest.mark.parametrize("expected", ["equal", "unequal"])
def test_the_table_of_verdicts(expected: str, grader: Grader) -> None:
    """Forty-one equal and twenty-seven different pairs have the right verdict, and every verdict says why."""
    pairs = EQUAL if expected == "equal" else UNEQUAL
    graded = grader.grade([gold for gold, _ in pairs], [f"So $\\boxed{{{answer}}}$." for _, answer in pairs])
    wrong = [
        (pair, verdict) for pair, verdict in zip(pairs, graded, strict=True) if verdict.verdict != expected
    ]
    assert wrong == []
    assert all(verdict.status == "ok" and verdict.why for verdict in graded)


@pytest.mark.parametrize(
    ("gold", "response", "verdict"),
    [
        ("2", "\\boxed{2}", Verdict("equal", "same text", "2", "ok")),
        ("1/2", "\\boxed{0.5}", Verdict("equal", "both are 1/2", "0.5", "ok")),
        ("2", "\\boxed{3}", Verdict("unequal", "2 and 3 are different numbers", "3", "ok")),
        ("1+x", "\\boxed{x+1}", Verdict("equal", "math-verify: equal", "x+1", "ok")),
        ("x+2", "\\boxed{x+1}", Verdict("unequal", "computed, they differ", "x+1", "ok")),
        ("(1,3)", "\\boxed{[1,3]}", Verdict("unequal", "math-verify: not equal", "[1,3]", "ok")),
        ("18", "9 * 2 = 18\nA: 18", Verdict("equal", "same text", "18", "ok")),
        ("18", "9 + 2 = 11\nA: 11", Verdict("unequal", "18 and 11 are different numbers", "11", "ok")),
        ("25000", "so\n#### $25,000/year", Verdict("equal", "both are 25000", "$25,000/year", "ok")),
        ("2", "hm", Verdict("undecided", "no final answer in the response", None, "no-answer")),
        ("2", "", Verdict("undecided", "the response is empty", None, "no-answer")),
        ("2", "<think>\\boxed{2}", Verdict("undecided", "the thinking never ends", None, "no-answer")),
        ("2", None, Verdict("undecided", "there is no response", None, "no-text")),
        (None, "\\boxed{2}", Verdict("undecided", "there is no ground truth", "2", "no-gold")),
        (" ", "hm", Verdict("undecided", "there is no ground truth", None, "no-gold")),
        (None, None, Verdict("undecided", "there is no ground truth", None, "no-gold")),
        (
            "2",
            "\\boxed{2^{2^{2^{2}}}}",
            Verdict(
                "undecided",
                "not compared: the answer has a tower of more than two powers",
                "2^{2^{2^{2}}}",
                "too-complex",
            ),
        ),
        (
            "x" * 5_000,
            "\\boxed{2}",
            Verdict(
                "undecided",
                "not compared: the ground truth has more than 4,096 characters",
                "2",
                "too-complex",
            ),
        ),
        (
            "东",
            "\\boxed{西}",
            Verdict(
                "undecided",
                "math-verify cannot read the ground truth as a formula, and the texts differ",
                "西",
                "error",
            ),
        ),
        (
            "5",
            "\\boxed{the number of pairs \\\\((a, b)\\\\), which is 3}",
            Verdict(
                "unequal",
                "math-verify cannot read the answer as a formula",
                "the number of pairs \\\\((a, b)\\\\), which is 3",
                "ok",
            ),
        ),
        (
            r"\frac{1}{0}",
            "\\boxed{2}",
            Verdict(
                "undecided",
                "math-verify could not compare them: ValueError: Can't evaluate nan or zoo",
                "2",
                "error",
            ),
        ),
    ],
)
def test_every_verdict_says_why(
    gold: str | None, response: str | None, verdict: Verdict, grader: Grader
) -> None:
    """Each way to a verdict has its own sentence; what could not be told is undecided, never unequal."""
    assert grader.grade([gold], [response]) == [verdict]


def test_only_the_answer_part_is_graded(grader: Grader) -> None:
    """A right box inside the thinking does not make a wrong answer right."""
    thinking = "<think>It is \\boxed{2}.</think>"
    assert grader.grade(["2"], [f"{thinking} \\boxed{{3}}"])[0].verdict == "unequal"
    assert grader.grade(["2"], [thinking])[0].status == "no-answer"


def test_the_extracted_answer_is_cut(grader: Grader) -> None:
    """Evidence keeps at most 1,000 characters of an answer; the comparison sees all of it."""
    long = "1" * 3_000
    same, other = grader.grade([long, long], [f"\\boxed{{{long}}}", f"\\boxed{{{long}2}}"])
    assert (same.verdict, other.status) == ("equal", "too-complex")
    assert same.extracted == other.extracted == "1" * 1_000


def test_order_and_company_change_no_verdict(pool: Pool) -> None:
    """All pairs at once, reversed, or in threes by a grader that remembers: the same verdicts."""
    golds = [gold for gold, _ in EQUAL + UNEQUAL]
    responses = [f"\\boxed{{{answer}}}" for _, answer in EQUAL + UNEQUAL]
    expected = Grader(pool).grade(golds, responses)
    assert Grader(pool).grade(golds[::-1], responses[::-1])[::-1] == expected
    grader = Grader(pool)
    for _ in range(2):
        threes = [grader.grade(golds[i : i + 3], responses[i : i + 3]) for i in range(0, len(golds), 3)]
        assert [verdict for three in threes for verdict in three] == expected


def test_a_pair_is_compared_once(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same two answers reach the pool once, however many responses give them."""
    asked: list[int] = []
    compare = pool.compare

    def counted(pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
        asked.append(len(pairs))
        return compare(pairs)

    monkeypatch.setattr(pool, "compare", counted)
    grader = Grader(pool)
    grader.grade(["x+1"] * 50, ["\\boxed{1+x}"] * 50)
    grader.grade(["x+1"] * 50, ["the answer is $1+x$."] * 50)
    assert asked == [1, 0]


def graded_sample(shared_data: Path, grader: Grader, name: str, n_rows: int) -> pl.DataFrame:
    """The first rows of a corpus with graded responses, and our verdicts beside the given ones."""
    rows = pl.read_parquet(shared_data / "corpora" / f"{name}.parquet").head(n_rows)
    frame = rows.select("answer", "responses", "response_correct").explode("responses", "response_correct")
    verdicts = grader.grade(frame["answer"].to_list(), frame["responses"].to_list())
    return frame.with_columns(pl.Series("verdict", [verdict.verdict for verdict in verdicts])).filter(
        pl.col("verdict") != "undecided"
    )


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "n_rows", "min_agreement"),
    # What is missing is mostly the given grade's: a grader that takes 1 % for 1, or "10{,}000" for no number.
    [
        ("math_cot_100x8", 100, 0.997),
        ("math_model_outputs", 300, 0.975),
        ("gsm8k_test_multi_model", 200, 0.985),
    ],
)
def test_given_grades_are_met(
    name: str, n_rows: int, min_agreement: float, shared_data: Path, grader: Grader
) -> None:
    """On real responses with grades of other graders the verdicts agree nearly everywhere."""
    graded = graded_sample(shared_data, grader, name, n_rows)
    agreement = ((graded["verdict"] == "equal") == graded["response_correct"]).mean()
    assert len(graded) > 700
    assert isinstance(agreement, float)
    assert agreement >= min_agreement
