"""Evidence of cross-verify, and the two files between a run and its arbiter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tables import evidence, shards

from curate.engines.local import LocalEngine
from curate.errors import InputError
from curate.stages.arbiter import write_requests
from curate.stages.cross_verify import Params


def row(answer: str | None, first: str, arbiter: str = "") -> dict[str, Any]:
    """A row whose first model gives these one-letter answers, and the arbiter these."""
    given = [{"response": f"\\boxed{{{one}}}", "model": "a"} for one in first]
    given += [{"response": f"\\boxed{{{one}}}", "model": "judge"} for one in arbiter]
    return {"prompt": f"Problem {answer} {first}", "answer": answer, "responses": given}


LINES = [
    row("3", "333"),
    row("3", "444", "4"),
    row("3", "444", "3"),
    row("3", "444"),
    row(None, "555"),
    row("3", ""),
]


def measured(tmp: Path, lines: list[dict[str, Any]] = LINES, **params: Any) -> pl.DataFrame:
    """Evidence over the lines, cut in two shards; the arbiter is the model `judge`, if a response is its."""
    named = (
        {"arbiter": ["judge"]}
        if any(one["model"] == "judge" for x in lines for one in x["responses"])
        else {}
    )
    with LocalEngine(1) as engine:
        items = shards(tmp / "in", lines, "cross-verify", cuts=(2,))
        return evidence(engine, tmp / "out", Params(**{**named, **params}), items)


def test_who_said_what_is_kept(tmp_path: Path) -> None:
    """Outcome, proposed answer, counts, models and the sentence of a revised row."""
    line = measured(tmp_path).row(1, named=True)
    assert {name: line[name] for name in ("outcome", "answer", "ask", "gold", "gold_votes", "first_answer", "n",
            "lead", "said", "arbiter_answer", "arbiter_n", "arbiter_share", "arbiter_models", "why", "status")} == {
        "outcome": "revised", "answer": "4", "ask": False, "gold": "3", "gold_votes": 0, "first_answer": "4",
        "n": 3, "lead": 3, "said": [{"answer": "4", "n": 3, "models": ["a"]}], "arbiter_answer": "4",
        "arbiter_n": 1, "arbiter_share": 1.0, "arbiter_models": ["judge"],
        "why": "3 of 3 answers and the arbiter's are 4, not 3", "status": "ok",
    }  # fmt: skip


def test_outcomes_and_statuses_of_rows(tmp_path: Path) -> None:
    """Confirmed, revised, contested, waiting, labelled, silent."""
    found = measured(tmp_path)
    assert found["outcome"].to_list() == [
        "kept", "revised", "b-agrees-with-gt", "needs-arbiter", "pseudo-label", "no-response",
    ]  # fmt: skip
    assert found["status"].to_list() == ["ok"] * 5 + ["no-response"]


def test_requests_hold_the_problem_and_nothing_that_sways(tmp_path: Path) -> None:
    """Only rows that need the arbiter are written: row_id, prompt and system, no ground truth, no answer."""
    measured(tmp_path)
    paths = [sorted((tmp_path / part).glob("*.parquet")) for part in ("in/rows", "out/shards")]
    assert write_requests(paths[0], paths[1], tmp_path / "ask.parquet") == 1
    assert pl.read_parquet(tmp_path / "ask.parquet").to_dicts() == [
        {"row_id": 3, "prompt": "Problem 3 444", "system": None}
    ]


def test_answers_of_a_file_are_the_arbiters(tmp_path: Path) -> None:
    """Whole responses, samples in a list: their majority arbitrates, under the name they come with."""
    answers = pl.DataFrame(
        {"row_id": [3], "response": [["so \\boxed{4}", "\\boxed{4.0}", "\\boxed{7}"]], "model": ["o4-mini"]}
    )
    answers.write_parquet(tmp_path / "answers.parquet")
    line = measured(tmp_path, arbiter_answers=str(tmp_path / "answers.parquet")).row(3, named=True)
    assert (line["outcome"], line["answer"], line["arbiter_n"]) == ("revised", "4", 3)
    assert line["arbiter_models"] == ["o4-mini"]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"row_id": [99], "answer": ["4"]}, "expected rows of this input, found 1 others (99)"),
        ({"row_id": [3, 3], "answer": ["4", "5"]}, "expected each row_id once, found 3 in 2 lines"),
        ({"id": [3], "answer": ["4"]}, "expected a column row_id; found id, answer"),
        ({"row_id": [3], "reply": ["4"]}, "expected a column response (whole texts) or answer (bare ones)"),
        ({"row_id": ["x"], "answer": ["4"]}, "expected whole numbers in row_id, found x in line 0"),
        ({"row_id": [3], "answer": ["4"], "prompt": ["Another"]}, "row 3 answers another problem"),
        ({"row_id": [3], "answer": [{"text": "4"}]}, "expected texts in answer, or lists of texts"),
    ],
)
def test_a_file_that_does_not_fit_stops_the_run(
    answers: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """Unknown and repeated rows, missing columns and answers to other problems are told, with the file."""
    path = tmp_path / "answers.parquet"
    pl.DataFrame(answers).write_parquet(path)
    with pytest.raises(InputError) as told:
        measured(tmp_path, arbiter_answers=str(path))
    assert message in str(told.value)
    assert str(path) in str(told.value)


def test_an_absent_or_damaged_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is known before any data is read; one that is no Parquet says so."""
    with pytest.raises(InputError, match="found no file"):
        Params(arbiter_answers=str(tmp_path / "none.parquet")).files()
    (tmp_path / "text.parquet").write_text("row_id,answer\n3,4\n")
    with pytest.raises(InputError, match="expected a Parquet file"):
        measured(tmp_path, arbiter_answers=str(tmp_path / "text.parquet"))


def test_the_other_schemes_count_all_responses(tmp_path: Path) -> None:
    """k of n and all-agree look at every response, the first n of them where there are more."""
    lines = [row("3", "3344444"), row("3", "333"), row("\\frac{1}{2", "333"), row("3", "334")]
    found = measured(tmp_path / "k", lines, scheme="k-of-n", k=2, n=3)
    assert found["outcome"].to_list() == ["kept", "kept", "unverifiable-gt", "kept"]
    found = measured(tmp_path / "all", lines, scheme="all-agree", n=3)
    assert found["outcome"].to_list() == ["all-disagree", "kept", "unverifiable-gt", "all-disagree"]
    found = measured(tmp_path / "re", lines, scheme="re-extraction")
    assert found["outcome"].to_list() == ["kept", "kept", "unverifiable-gt", "kept"]


def test_k_of_n_needs_a_k_of_at_most_n() -> None:
    """Nine of three is refused when the recipe is read."""
    with pytest.raises(ValueError, match="k at most n"):
        Params(scheme="k-of-n", k=9, n=3)
