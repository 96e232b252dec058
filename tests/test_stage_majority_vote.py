"""Evidence of majority-vote: counts, shares, who said what, and whose responses vote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tables import evidence, shards

from curate.engines.local import LocalEngine
from curate.errors import InputError
from curate.stages.majority_vote import Params

LINES: list[dict[str, Any]] = [
    {"prompt": "p", "answer": "9", "responses": [
        {"response": "\\boxed{1/2}", "model": "a"}, {"response": "\\boxed{0.5}", "model": "b"},
        {"response": "\\boxed{2}", "model": "c-7b"}, {"response": "I do not know.", "model": "c-70b"},
    ]},
    {"prompt": "q", "responses": []},
    {"prompt": "r", "responses": [{"response": None, "model": "a"}]},
    {"prompt": "s", "responses": [{"response": "\\boxed{x+1}"}, {"response": "\\boxed{1+x}"}]},
]  # fmt: skip


def measured(tmp: Path, **params: Any) -> pl.DataFrame:
    """Evidence over the lines, cut in two shards."""
    with LocalEngine(1) as engine:
        items = shards(tmp / "in", LINES, "majority-vote", cuts=(2,))
        return evidence(engine, tmp / "out", Params(**params), items)


def test_counts_and_shares(tmp_path: Path) -> None:
    """Votes, shares of all responses, the Wilson bound and who said what."""
    line = measured(tmp_path).row(0, named=True)
    assert line | {"low": round(line["low"], 3), "entropy": round(line["entropy"], 3)} == {
        "row_id": 0, "answer": "0.5", "n": 4, "valid": 3, "clusters": 2, "top": 2, "lead": 1, "share": 0.5,
        "margin": 0.25, "low": 0.15, "entropy": 0.637, "unknown": 0, "status": "ok",
        "said": [{"answer": "0.5", "n": 2, "models": ["a", "b"]}, {"answer": "2", "n": 1, "models": ["c-7b"]}],
    }  # fmt: skip


def test_rows_without_a_vote_or_an_answer(tmp_path: Path) -> None:
    """No response: shares are null; no answer: the share is 0; formulas are compared with algebra."""
    found = measured(tmp_path)
    assert found["status"].to_list() == ["ok", "no-response", "no-answer", "ok"]
    assert found["share"].to_list() == [0.5, None, 0.0, 1.0]
    assert found["answer"].to_list() == ["0.5", None, None, "1+x"]


def test_only_the_models_named_vote(tmp_path: Path) -> None:
    """Names may hold wildcards; the responses of others are not counted."""
    found = measured(tmp_path, models=["b", "c-*"]).row(0, named=True)
    assert (found["n"], found["valid"], found["status"]) == (3, 2, "tie")


def test_a_model_that_nobody_is_stops_the_run(tmp_path: Path) -> None:
    """A name no response has is a mistake, not a vote of nobody."""
    with pytest.raises(
        InputError, match=r"majority-vote.models: expected the name of a model.*found c-7.*c-7b"
    ):
        measured(tmp_path, models=["c-7"])
