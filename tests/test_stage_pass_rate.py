"""Pass rates of rows from the verdicts on their responses."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from curate.stages.pass_rate import EVIDENCE, KS, STAGE, Params, measure


def frame(*rows: tuple[list[str | None] | None, list[str] | None]) -> pl.DataFrame:
    """Rows of (statuses, causes), with row_id 10, 11, ..."""
    return pl.DataFrame(
        {
            "row_id": range(10, 10 + len(rows)),
            "status": [verdicts for verdicts, _ in rows],
            "cause": [cause for _, cause in rows],
        },
        schema={"row_id": pl.Int64, "status": pl.List(pl.String), "cause": pl.List(pl.String)},
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
    for wrong in ({"no-answer": "right"}, {"confidence": 1.0}, {"k": 4}):
        with pytest.raises(ValidationError):
            Params.model_validate(wrong)
