"""Pass rates of rows from the verdicts on their responses."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from curate.answers import Verifier
from curate.engines.local import LocalEngine
from curate.kernels.estimators import wilson_interval
from curate.pipeline import run
from curate.recipe import build
from curate.report.query import query
from curate.stages.pass_rate import EVIDENCE, KS, LISTS, STAGE, Params, measure


def frame(*rows: tuple[list[str | None] | None, list[str] | None], **lists: Any) -> pl.DataFrame:
    """Rows of (statuses, causes), with row_id 10, 11, ...; `lists` of the other columns, else null."""
    nulls = [None if verdicts is None else [None] * len(verdicts) for verdicts, _ in rows]
    return pl.DataFrame(
        {
            "row_id": range(10, 10 + len(rows)),
            "status": [verdicts for verdicts, _ in rows],
            "cause": [cause for _, cause in rows],
            **{name: lists.get(name, nulls) for name in ("extracted", "model", "finish_reason")},
        },
        schema={"row_id": pl.Int64} | dict.fromkeys(LISTS, pl.List(pl.String)),
    )


MIXED = (["equal", "unequal", "undecided", "undecided"], ["ok", "ok", "no-answer", "timeout"])


def one(row: tuple[list[str | None] | None, list[str] | None], **params: Any) -> dict[str, Any]:
    """Evidence of a single row."""
    return measure(frame(row), Params(**params), None).row(0, named=True)


def test_counts_and_rate_of_a_mixed_row() -> None:
    """Of four responses one is right, one wrong, one without an answer (wrong) and one undecided."""
    found = one(MIXED)
    assert {name: found[name] for name in ("n", "decided", "correct", "undecided", "no_answer", "status")} == {
        "n": 4, "decided": 3, "correct": 1, "undecided": 1, "no_answer": 1, "status": "ok",
    }  # fmt: skip
    assert found["pass_rate"] == pytest.approx(1 / 3)
    assert found["low"] == pytest.approx(0.061492, abs=1e-6)
    assert found["high"] == pytest.approx(0.792340, abs=1e-6)
    assert found["pass_at_1"] == pytest.approx(1 / 3)
    assert found["pass_at_2"] == pytest.approx(2 / 3)
    assert found["pass_at_4"] is None
    assert found["d_me"] == pytest.approx(1 / 3 * math.log(2 / 3) + 2 / 3 * math.log(4 / 3))


def test_no_answer_may_be_left_out() -> None:
    """With no-answer = undecided a response without an answer is not held against the model."""
    found = one(MIXED, no_answer="undecided")
    assert (found["decided"], found["correct"], found["undecided"], found["no_answer"]) == (2, 1, 2, 1)
    assert found["pass_rate"] == 0.5


@pytest.mark.parametrize(
    ("row", "status"),
    [
        ((None, None), "no-response"),
        (([], []), "no-response"),
        ((["undecided"], ["timeout"]), "none-decided"),
        ((["undecided"], ["no-gold"]), "none-decided"),
        (([None, None], ["skipped", "skipped"]), "skipped"),
        (([None, "equal"], ["skipped", "ok"]), "ok"),
        ((["undecided"], ["no-answer"]), "ok"),
    ],
)
def test_the_status_says_why_there_is_no_rate(
    row: tuple[list[str | None] | None, list[str] | None], status: str
) -> None:
    """Without a graded response the rate and its interval are null, and the status says why."""
    found = one(row)
    assert found["status"] == status
    for name in ("pass_rate", "low", "high", "pass_at_1", "d_me"):
        assert (found[name] is None) == (status != "ok")


def test_timeouts_never_lower_a_rate() -> None:
    """Adding responses that could not be graded leaves rate and interval as they were."""
    graded = one((["equal", "unequal"], ["ok", "ok"]))
    more = one((["equal", "unequal", "undecided", "undecided"], ["ok", "ok", "timeout", "too-complex"]))
    assert [graded[name] for name in ("pass_rate", "low", "high", "pass_at_2")] == [
        more[name] for name in ("pass_rate", "low", "high", "pass_at_2")
    ]


def test_one_line_a_row_in_order_and_in_the_schema() -> None:
    """Rows keep their order, and every column has its declared type, also over no rows at all."""
    rows = frame(MIXED, (None, None), (["equal"] * 64, ["ok"] * 64), ([], []))
    found = measure(rows, Params(), None)
    assert found["row_id"].to_list() == [10, 11, 12, 13]
    assert found.columns == ["row_id", *EVIDENCE.names]
    assert found["pass_at_64"].to_list() == [None, None, 1.0, None]
    for table in (found, measure(rows.clear(), Params(), None)):
        assert table.drop("row_id").to_arrow().cast(EVIDENCE).schema == EVIDENCE


def test_measuring_row_by_row_gives_the_same() -> None:
    """A row's evidence does not depend on the rows beside it."""
    rows = frame(MIXED, (None, None), (["equal", "equal"], ["ok", "ok"]))
    parts = [measure(part, Params(), None) for part in rows.iter_slices(1)]
    assert pl.concat(parts).equals(measure(rows, Params(), None))


def test_the_order_of_responses_changes_nothing() -> None:
    """Counts do not depend on which response came first."""
    verdicts, statuses = MIXED
    assert one((verdicts[::-1], statuses[::-1])) == one(MIXED)


def test_parameters_are_checked() -> None:
    """The stage reads the evidence it is told to; unknown values are refused."""
    assert Params.model_validate({"verdicts": "grades"}).evidence_read() == ("grades",)
    assert [f"pass_at_{k}" in STAGE.evidence.names for k in KS] == [True] * len(KS)
    for wrong in ({"no-answer": "right"}, {"confidence": 1.0}, {"k": 4}, {"mgpo-lambda": -1.0}):
        with pytest.raises(ValidationError):
            Params.model_validate(wrong)


EIGHT = ["equal", "equal", "equal", "unequal", "unequal", "unequal", "undecided", "undecided"]
CAUSES = ["ok"] * 6 + ["no-answer", "timeout"]
ANSWERS = ["5", "5", "5", "6", "6.0", "7", None, "8"]


def test_the_majority_of_four_is_counted_over_all_draws() -> None:
    """Seven graded: three right, two for 6 (written twice), one for 7, one silent; the timeout is no vote.

    Of 35 draws of four: with 3 right 4 ways, all won. With 2 right (3 ways) two of the other four: both 6 is
    a tie (1/2), the 5 other pairs are won: 5.5. With 1 right (3 ways) three of the other four: 6 twice is
    lost (2 ways), 6, 7 and silent is a tie of three (2 ways): 2/3. None right: lost.
    """
    found = measure(frame((EIGHT, CAUSES), extracted=[ANSWERS]), Params()).row(0, named=True)
    assert found["majority_at_4"] == pytest.approx((4 + 3 * 5.5 + 3 * 2 / 3) / 35)
    assert found["majority_at_8"] is None
    assert found["decided"] == 7


def test_a_right_answer_in_the_minority_is_outvoted() -> None:
    """At k = n the vote is one vote: 3 to 5 is lost, 4 to 4 a coin, 5 to 3 won, 3 to 1s won; none right is lost."""
    votes = [
        (["equal"] * right + ["unequal"] * (8 - right), ["ok"] * 8, ["1"] * right + wrong)
        for right, wrong in [
            (3, ["2"] * 5),
            (4, ["2"] * 4),
            (5, ["2"] * 3),
            (3, list("34567")),
            (0, ["2"] * 8),
        ]
    ]
    rows = frame(
        *[(verdicts, causes) for verdicts, causes, _ in votes], extracted=[said for *_, said in votes]
    )
    found = measure(rows, Params())["majority_at_8"].to_list()
    assert found == [pytest.approx(one) for one in (0.0, 0.5, 1.0, 1.0, 0.0)]


def test_truncated_responses_are_counted_where_it_is_known() -> None:
    """Ends at a limit, in any of its spellings, count; where no response says how it ended it is null."""
    rows = frame(MIXED, MIXED, finish_reason=[["length", "MAX TOKENS", None, "stop"], [None] * 4])
    assert measure(rows, Params())["truncated"].to_list() == [2, None]


def test_models_are_counted_side_by_side() -> None:
    """Only responses of the models named count; the evidence says of which model they all are."""
    rows = frame(
        (["equal", "unequal", "equal", "equal"], ["ok"] * 4),
        (["equal", "equal"], ["ok"] * 2),
        model=[["small", "small", "large", None], ["large", "large-2"]],
    )
    told = {
        name: measure(rows, Params(models=models)).select("n", "pass_rate", "model", "status").rows()
        for name, models in {"all": [], "small": ["small"], "large": ["large*"]}.items()
    }
    assert told == {
        "all": [(4, 0.75, None, "ok"), (2, 1.0, None, "ok")],
        "small": [(2, 0.5, "small", "ok"), (0, None, None, "no-response")],
        "large": [(1, 1.0, "large", "ok"), (2, 1.0, None, "ok")],
    }


def test_the_weight_needs_a_lambda() -> None:
    """exp(-lambda D): null without one; 1 at one half, 0.5 at 0 and 1, 0.877383 at a quarter with lambda 1."""
    rows = frame(*[(["equal"] * c + ["unequal"] * (4 - c), ["ok"] * 4) for c in (0, 1, 2, 4)], (None, None))
    assert measure(rows, Params())["w_me"].to_list() == [None] * 5
    weights = measure(rows, Params(mgpo_lambda=1.0))["w_me"].to_list()
    assert weights[:4] == [pytest.approx(one, abs=1e-6) for one in (0.5, 0.877383, 1.0, 0.5)]
    assert weights[4] is None


def test_none_right_of_many_is_flagged() -> None:
    """Eight graded and none right: too hard, or a wrong ground truth. Seven, or one right, are not; none is null."""
    rows = frame(
        (["unequal"] * 7 + ["undecided"], ["ok"] * 7 + ["no-answer"]),
        (["unequal"] * 7 + ["undecided"], ["ok"] * 7 + ["timeout"]),
        (["unequal"] * 7 + ["equal"], ["ok"] * 8),
        (["undecided"], ["timeout"]),
    )
    assert measure(rows, Params())["too_hard_or_wrong_truth"].to_list() == [True, False, False, None]
    assert measure(rows, Params(suspect_from=7))["too_hard_or_wrong_truth"].to_list() == [
        True,
        True,
        False,
        None,
    ]


PROBLEMS = [  # source, problem, ground truth, final answers of eight responses
    ("algebra", "What is 2 + 3?", "5", ["5"] * 8),
    ("algebra", "What is 2 times 8?", "16", ["16"] * 4 + ["10"] * 4),
    ("algebra", "What is 7 minus 4?", "3", ["3"] * 6 + ["11", "4"]),
    ("geometry", "What is the area of a square of side 3?", "12", ["9"] * 8),
    ("geometry", "How many corners has a cube?", "8", list("12345679")),
    ("geometry", "How many edges has a cube?", "12", ["12"] * 7 + ["8"]),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over PROBLEMS with verdicts, pass rates and the audit of ground truths."""
    folder = tmp_path_factory.mktemp("run")
    lines = [
        {
            "source": source,
            "problem": text,
            "answer": truth,
            "responses": [f"So it is \\boxed{{{answer}}}." for answer in answers],
            "response_models": [f"m{place}" for place in range(8)],
        }
        for source, text, truth, answers in PROBLEMS
    ]
    pl.DataFrame(lines).write_parquet(folder / "data.parquet")
    evidence = {
        "math": {"stage": "math-verify"},
        "pass": {"stage": "pass-rate"},
        "one": {"stage": "pass-rate", "models": ["m0"]},
        "gold": {"stage": "gold-audit"},
    }
    recipe = build({"source": {"files": [str(folder / "data.parquet")]}, "evidence": evidence}, "here")
    with LocalEngine(1) as engine:
        run(recipe, folder / "out", engine=engine)
    return folder / "out"


def test_the_queries_of_the_guide_tell_domains_and_suspects(finished: Path) -> None:
    """Pass@8 by source; and of two rows with none right, first the one whose models agree on another answer."""
    guide = (Path(__file__).resolve().parent.parent / "docs" / "guide.md").read_text(encoding="utf-8")
    by_domain, suspects = re.findall(
        r"```sql\n(.*?)```", guide.split("## Pass rates")[1].split("\n## ")[0], re.DOTALL
    )
    # Of 16, half of the lots of four to four are won; 6 of 8 and 7 of 8 always.
    assert rows_of(finished, by_domain) == [
        ("algebra", 3, pytest.approx((1 + 0.5 + 0.75) / 3), 1.0, pytest.approx((1 + 0.5 + 1) / 3)),
        ("geometry", 3, pytest.approx((0 + 0 + 7 / 8) / 3), pytest.approx(1 / 3), pytest.approx(1 / 3)),
    ]
    found = rows_of(finished, suspects)
    assert [row[:5] for row in found] == [(3, 8, "12", "9", 8), (4, 8, "8", found[1][3], 1)]
    assert found[0][5] > found[1][5]


def test_a_run_counts_models_from_the_responses(finished: Path) -> None:
    """`models` looks at the table of responses, beside the verdicts: one response of each row is m0's."""
    found = rows_of(
        finished, "SELECT one.n, one.correct, one.model, pass.model AS mixed FROM everything ORDER BY row_id"
    )
    assert found == [(1, correct, "m0", None) for correct in (1, 1, 1, 0, 0, 1)]


def rows_of(run_folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a query over a run answers."""
    return list(zip(*query(run_folder, sql).table.to_pydict().values(), strict=True))


@pytest.mark.real_data
def test_pass_rates_are_those_of_given_grades(shared_data: Path) -> None:
    """On 150 real problems with 18 graded responses nine of ten rates are the same, none differs much on average."""
    table = pl.read_parquet(shared_data / "corpora" / "gsm8k_test_multi_model.parquet")[::9]
    golds = [gold for gold in table["answer"] for _ in range(18)]
    with Verifier() as verifier:
        verdicts = verifier.verify_all(golds, table["responses"].explode().to_list(), "final")
    rows = [verdicts[start : start + 18] for start in range(0, len(verdicts), 18)]
    found = measure(
        frame(
            *[([one.status for one in row], [one.cause for one in row]) for row in rows],
            extracted=[[one.extracted for one in row] for row in rows],
            model=table["response_models"].to_list(),
        ),
        Params(),
    )
    given = table["response_correct"].list.eval(pl.element().cast(pl.Float64)).list.mean().to_numpy()
    rates = found["pass_rate"].to_numpy()
    assert (abs(rates - given) < 1e-9).mean() > 0.88
    assert abs((rates - given).mean()) < 0.005
    assert (
        found["majority_at_16"] >= found["majority_at_4"] - 1e-9
    ).mean() > 0.6  # voting helps where it can
    random = np.random.default_rng(0)
    decided, correct = found["decided"].to_numpy(), found["correct"].to_numpy()
    half = decided // 2
    covers = []
    for _ in range(20):
        drawn = random.hypergeometric(correct, decided - correct, half)
        interval = wilson_interval(drawn, half)
        other = (correct - drawn) / (decided - half)
        covers.append(((interval.low <= other) & (other <= interval.high)).mean())
    assert 0.68 < np.mean(covers) < 0.9  # both halves vary: 77 % where both are drawn at one rate
