"""Verdicts on responses: a table of pairs, why each was decided, and agreement with given grades."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest

from curate.answers import verify
from curate.answers.pool import Outcome
from curate.answers.verdict import Verdict
from curate.answers.verifier import Verifier
from curate.answers.zygote import Limits
from curate.errors import InputError


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    """Two workers."""
    with Verifier(workers=2) as verifier:
        yield verifier


EQUAL = [
    ("5 kg", r"5 \text{ kilogram}"),
    ("4:30 p.m.", "16:30"),
    (r"\frac{\sqrt{a}}{\sqrt{b}}", r"\sqrt{\frac{a}{b}}"),
    ("f(z) = z", "f(n) = n"),
    ("(0.1666..., 2)", r"(\frac16, 2)"),
    ("183", r"183 \text{ 元}"),
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
]

UNEQUAL = [
    ("4:30 p.m.", "4:30 a.m."),
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
    ("19, 46, 82", "21, 36, 82"),
    (r"\cos 60^\circ", "0.6"),
]


@pytest.mark.parametrize(
    ("gold", "answer", "expected"),
    [
        ("24 + 18 = 42\n#### 42", "42", "equal"),
        ("12", r"twelve, \\or so; who \\knows", "unequal"),
    ],
)
def test_a_ground_truth_is_no_response(gold: str, answer: str, expected: str, verifier: Verifier) -> None:
    """A solution as ground truth has its answer behind ####; an answer that nobody can read is not equal."""
    assert verifier.verify_all([gold], [f"So $\\boxed{{{answer}}}$."])[0].status == expected


@pytest.mark.parametrize("expected", ["equal", "unequal"])
def test_the_table_of_verdicts(expected: str, verifier: Verifier) -> None:
    """Equal and different pairs have the right verdict in both orders, and every verdict says why."""
    pairs = EQUAL if expected == "equal" else UNEQUAL
    golds, answers = [gold for gold, _ in pairs], [answer for _, answer in pairs]
    for left, right in ((golds, answers), (answers, golds)):
        found = verifier.verify_all(left, [f"So $\\boxed{{{answer}}}$." for answer in right])
        wrong = [(pair, one) for pair, one in zip(pairs, found, strict=True) if one.status != expected]
        assert wrong == []
        assert all(one.cause == "ok" and one.reason and one.found_in == "boxed" for one in found)


NO_ANSWER = "no-answer"


@pytest.mark.parametrize(
    ("gold", "response", "expected"),
    # status, tier, reason, cause, extracted, found_in
    [
        ("2", r"\boxed{2}", ("equal", "text", "the same text", "ok", "2", "boxed")),
        ("1/2", r"\boxed{0.5}", ("equal", "key", "both are 1/2", "ok", "0.5", "boxed")),
        ("2", r"\boxed{3}", ("unequal", "key", "2 and 3 are different numbers", "ok", "3", "boxed")),
        ("1+x", r"\boxed{x+1}", ("equal", "key", "both are x + 1", "ok", "x+1", "boxed")),
        ("x+2", r"\boxed{x+1}", ("unequal", "algebra", "x + 2 and x + 1 differ", "ok", "x+1", "boxed")),
        ("5 cm", r"\boxed{5 kg}", ("unequal", "key", "units differ: centimeter, kilogram", "ok", "5 kg", "boxed")),
        (
            r"\int_0^1 x dx", r"\boxed{\frac12}",
            ("equal", "sympy", "math-verify: equal", "ok", r"\frac12", "boxed"),
        ),
        ("18", "9 * 2 = 18\nA: 18", ("equal", "text", "the same text", "ok", "18", "line")),
        (
            "25000", "so\n#### $25,000/year",
            ("equal", "key", "both are 25000 (dollar / year left out)", "ok", "$25,000/year", "hashes"),
        ),
        ("2", "hm", ("undecided", "extract", "no final answer in the response", NO_ANSWER, None, None)),
        ("2", "", ("undecided", "extract", "the response is empty", NO_ANSWER, None, None)),
        ("2", r"<think>\boxed{2}", ("undecided", "extract", "the thinking never ends", NO_ANSWER, None, None)),
        ("2", None, ("undecided", "extract", "there is no response", "no-text", None, None)),
        (None, r"\boxed{2}", ("undecided", "extract", "there is no ground truth", "no-gold", "2", "boxed")),
        (" ", "hm", ("undecided", "extract", "there is no ground truth", "no-gold", None, None)),
        (
            "2", r"\boxed{2^{2^{2^{2^{2}}}}}",
            ("undecided", "guard", "not compared: the answer has a tower of more than two powers", "too-complex",
             "2^{2^{2^{2^{2}}}}", "boxed"),
        ),
        (
            "x" * 5_000, r"\boxed{2}",
            ("undecided", "guard", "not compared: more than 4,096 characters", "too-complex", "2", "boxed"),
        ),
        (
            r"1, 2, \ldots, n", r"\boxed{1, 3, \ldots, n}",
            ("undecided", "guard", "a list or sum that goes on with dots, which nobody can compare", "incomparable",
             r"1, 3, \ldots, n", "boxed"),
        ),
        (
            "C", r"\boxed{12}",
            ("undecided", "key", "an option and a value, without the text of the option", "incomparable", "12",
             "boxed"),
        ),
        (
            r"\frac{1}{0}", r"\boxed{2}",
            ("undecided", "sympy", "math-verify could not compare them: ValueError: Can't evaluate nan or zoo",
             "error", "2", "boxed"),
        ),
    ],
)  # fmt: skip
def test_every_verdict_says_why(
    gold: str | None, response: str | None, expected: tuple[str | None, ...], verifier: Verifier
) -> None:
    """Each way to a verdict has its own sentence; what could not be told is undecided, never unequal."""
    found = verifier.verify_all([gold], [response], "final")[0]
    assert (found.status, found.tier, found.reason, found.cause, found.extracted, found.found_in) == expected


def test_the_forms_are_told(verifier: Verifier) -> None:
    """A verdict shows what both answers were read as; words are shown as words."""
    found = verifier.verify_all([r"\frac{2}{4}", "red"], [r"\boxed{50\%}", r"\boxed{[1,2)}"])
    assert [one[3:5] for one in found] == [("1/2", "50 percent"), ("red", "[1, 2)")]


def test_only_the_answer_part_is_compared(verifier: Verifier) -> None:
    """A right box inside the thinking does not make a wrong answer right."""
    thinking = "<think>It is \\boxed{2}.</think>"
    assert verifier.verify_all(["2"], [f"{thinking} \\boxed{{3}}"])[0].status == "unequal"
    assert verifier.verify_all(["2"], [thinking], "final")[0].cause == NO_ANSWER


def test_the_extracted_answer_is_cut(verifier: Verifier) -> None:
    """Evidence keeps at most 1,000 characters of an answer; the comparison sees all of it."""
    long = "1" * 3_000
    same, other = verifier.verify_all([long, long], [f"\\boxed{{{long}}}", f"\\boxed{{{long}2}}"])
    assert (same.status, other.cause) == ("equal", "too-complex")
    assert same.extracted == other.extracted == "1" * 1_000


def test_a_bare_answer_is_taken_whole() -> None:
    """`verify` takes a response or a bare answer; the profile may be named."""
    assert verify("0.5", r"\frac12").status == "equal"
    assert verify("0.5", r"<think>0.4?</think> The answer is $\frac12$.").found_in == "sentence"
    assert [verify("(1, 2)", "(2, 1)", profile).status for profile in ("strict", "lenient")] == [
        "unequal",
        "equal",
    ]


@pytest.mark.parametrize(
    ("gold", "response", "status", "found_in"),
    [
        ("5", "5.", "unequal", "whole"),
        ("5.", "5", "unequal", "whole"),
        ("C", "C.", "unequal", "whole"),
        ("5", "**5**", "unequal", "whole"),
        ("$5$", "5", "equal", "whole"),
        ("5", r"So it is \boxed{5}.", "equal", "boxed"),
        ("5.", r"So it is \boxed{5}.", "equal", "boxed"),
        ("5", "The answer is 5.", "equal", "sentence"),
        ("1 + 4 = 5\n#### 5", "5", "equal", "whole"),
        ("5", "<think>6?</think>5.", "equal", "whole"),
    ],
)
def test_compat_takes_bare_answers_as_they_are(gold: str, response: str, status: str, found_in: str) -> None:
    """Under compat nothing is taken off an answer that stands alone; in a response it is looked for."""
    found = verify(gold, response, "compat")
    assert (found.status, found.found_in) == (status, found_in)
    assert verify(gold, response).status == "equal"


def test_an_unknown_profile_is_refused() -> None:
    """The message names the profiles there are."""
    with pytest.raises(InputError, match="profile 'loose': expected one of strict, lenient, compat"):
        verify("1", "1", "loose")


def test_order_company_and_threads_change_no_verdict(verifier: Verifier) -> None:
    """All pairs at once, reversed, in threes, or from four threads: the same verdicts."""
    golds = [gold for gold, _ in EQUAL + UNEQUAL]
    responses = [f"\\boxed{{{answer}}}" for _, answer in EQUAL + UNEQUAL]
    expected = verifier.verify_all(golds, responses)
    with Verifier(workers=1) as fresh:
        assert fresh.verify_all(golds[::-1], responses[::-1])[::-1] == expected
    threes = [verifier.verify_all(golds[i : i + 3], responses[i : i + 3]) for i in range(0, len(golds), 3)]
    assert [one for three in threes for one in three] == expected
    found: list[list[Verdict]] = []
    threads = [
        threading.Thread(target=lambda: found.append(verifier.verify_all(golds, responses))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


HARD = [(r"\int_0^1 x dx", r"\frac12"), (r"\sum_{k=1}^{3} k", "6")]


def asked_of(verifier: Verifier, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pairs each call handed to the pool; filled as it goes."""
    asked: list[int] = []
    compare = verifier._pool.compare

    def counted(pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
        asked.append(len(pairs))
        return compare(pairs)

    monkeypatch.setattr(verifier._pool, "compare", counted)
    return asked


def test_a_pair_is_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same two answers reach the pool once, however many responses give them."""
    with Verifier(workers=1) as verifier:
        asked = asked_of(verifier, monkeypatch)
        for _ in range(2):
            verifier.compare_all(HARD * 20)
        assert asked == [2]


def test_a_memo_outlives_its_verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the pool said is read from the file by the next verifier; another profile does not use it."""
    memo = tmp_path / "memo.sqlite"
    with Verifier(workers=1, memo=memo) as first:
        expected = first.compare_all(HARD)
    with Verifier(workers=1, memo=memo) as second:
        asked = asked_of(second, monkeypatch)
        assert second.compare_all(HARD) == expected
        assert asked == []
    with Verifier("compat", workers=1, memo=memo) as third:
        asked = asked_of(third, monkeypatch)
        third.compare_all(HARD)
        assert asked == [2]


def test_a_memo_keeps_no_timeout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pair that ran out of time is tried again by the next verifier."""
    memo, pair = tmp_path / "memo.sqlite", (r"\sum_{k=1}^{99999} k^{k}", "1")
    limits = Limits(timeout_s=0.2, wall_s=5.0)
    for _ in range(2):
        with Verifier(workers=1, memo=memo, limits=limits) as verifier:
            asked = asked_of(verifier, monkeypatch)
            assert verifier.compare_all([pair])[0].cause == "timeout"
            assert asked == [1]


def test_a_file_that_is_no_memo_is_refused(tmp_path: Path) -> None:
    """The message names the file and says what to do."""
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and nobody wants them overwritten." * 100, encoding="utf-8")
    with pytest.raises(InputError, match=r"notes\.txt: no memo of verdicts .* Name another file"):
        Verifier(memo=path)
    assert path.read_text(encoding="utf-8").startswith("These are notes")


def graded_sample(shared_data: Path, verifier: Verifier, name: str, n_rows: int) -> pl.DataFrame:
    """The first rows of a corpus with graded responses, and our verdicts beside the given ones."""
    rows = pl.read_parquet(shared_data / "corpora" / f"{name}.parquet").head(n_rows)
    frame = rows.select("answer", "responses", "response_correct").explode("responses", "response_correct")
    found = verifier.verify_all(frame["answer"].to_list(), frame["responses"].to_list(), "final")
    return frame.with_columns(pl.Series("status", [one.status for one in found])).filter(
        pl.col("status") != "undecided"
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
    name: str, n_rows: int, min_agreement: float, shared_data: Path, verifier: Verifier
) -> None:
    """On real responses with grades of other graders the verdicts agree nearly everywhere."""
    graded = graded_sample(shared_data, verifier, name, n_rows)
    agreement = ((graded["status"] == "equal") == graded["response_correct"]).mean()
    assert len(graded) > 700
    assert isinstance(agreement, float)
    assert agreement >= min_agreement
