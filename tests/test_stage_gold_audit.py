"""Evidence of gold-audit: what stands first, why, what copies of a problem say, and what nobody can compare."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from tables import evidence, shards

from curate.engines.local import LocalEngine
from curate.flow import write_parquet
from curate.stages.gold_audit import Params
from curate.stages.gold_polls import Poll, Stated, prior_of

ABLE, WEAK = ["able-1", "able-2", "able-3"], ["weak-1", "weak-2"]


def row(place: int, answer: str | None, able: list[Any], weak: list[Any]) -> dict[str, Any]:
    """A row with what the able and the weak models answer; None: no answer."""
    given = [
        {"response": f"\\boxed{{{value}}}" if value is not None else "hm", "model": model}
        for model, value in zip([*ABLE, *WEAK], [*able, *weak], strict=True)
    ]
    return {"prompt": f"Problem {place}", "answer": answer, "responses": given}


def lines() -> list[dict[str, Any]]:
    """Sixty sound rows, on which weak models often err, each in its own way; then the rows of CASES."""
    sound = [
        row(i, str(i), [i, i, i if i % 9 else i + 1], [i + 7 if i % 3 else i, i if i % 2 else i + 11])
        for i in range(1, 61)
    ]
    return [*sound, *CASES]


CASES = [
    row(60, "3", [4, 4, 4], [4, 4]),  # all against it
    row(61, "3", [4, 4, 4], [3, 5]),  # a weak one for it
    row(62, "3", [3, 3, 4], [4, 5]),  # the able for it
    row(63, "notfound", [4, 4, 4], [4, 9]),
    row(64, None, [4, 4, 4], [4, 4]),
    row(65, "3", [None] * 3, [None] * 2),
    row(66, "9^{9^{9^{9}}}", [4, 4, 4], [4, 4]),
]
AT = {"unanimous": 60, "inverted": 61, "sound": 62, "placeholder": 63, "none": 64, "silent": 65, "tower": 66}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Evidence over the lines, cut in three shards."""
    tmp = tmp_path_factory.mktemp("audit")
    with LocalEngine(1) as engine:
        return evidence(
            engine, tmp / "out", Params(), shards(tmp / "in", lines(), "gold-audit", cuts=(20, 50))
        )


def test_the_wrong_ones_stand_first(found: pl.DataFrame) -> None:
    """Ground truths that all or the able contradict, or that nothing can equal, are more likely wrong than right."""
    first = found.filter(pl.col("log_odds") > 0)["row_id"].to_list()
    assert first == [AT["unanimous"], AT["inverted"], AT["placeholder"], AT["tower"]]
    assert found["log_odds"][AT["sound"]] < 0


def test_the_reasons_are_sentences_with_the_evidence(found: pl.DataFrame) -> None:
    """Who answers what, and how often each agrees with ground truths, is told."""
    assert found["reasons"][AT["unanimous"]][0] == "All 5 answers are 4, not 3."
    inverted = found["reasons"][AT["inverted"]].to_list()
    assert inverted[0] == "3 of 5 answers are 4; 1 is the ground truth, 3."
    assert inverted[1].startswith("able-")
    assert inverted[2].startswith("Only weak-1 (as with 3")
    assert inverted[2].endswith(
        "agrees with the ground truth; not one of the 4 abler models that answer does."
    )
    assert found["reasons"][AT["placeholder"]][0] == (
        "The ground truth is a placeholder: notfound: no answer can be compared with it."
    )


def test_columns_of_a_contradicted_row(found: pl.DataFrame) -> None:
    """Answer, votes and the example of the ablest model."""
    line = found.row(AT["inverted"], named=True)
    assert {name: line[name] for name in ("gold", "likely", "likely_votes", "gold_votes", "n", "valid", "status")} == {
        "gold": "3", "likely": "4", "likely_votes": 3, "gold_votes": 1, "n": 5, "valid": 5, "status": "ok",
    }  # fmt: skip
    assert line["example_id"] in (0, 1)
    assert line["probability"] == pytest.approx(1 / (1 + math.exp(-line["log_odds"])))


def test_rows_that_cannot_be_audited_say_so(found: pl.DataFrame) -> None:
    """No ground truth: nothing is told; no answers: the odds of the prior."""
    assert found["status"].to_list()[AT["none"] : AT["silent"] + 1] == ["no-gold", "no-evidence"]
    assert found["log_odds"][AT["none"]] is None
    assert found["log_odds"][AT["silent"]] == pytest.approx(math.log(0.05 / 0.95))


def test_copies_with_other_ground_truths_count(tmp_path: Path) -> None:
    """Of three copies the odd one out is the most likely wrong; copies that agree make it less likely."""
    rows = [{"prompt": "p", "answer": one} for one in ("5", "5.0", "7", "8", "8", "x+1", "1+x", "what")]
    cluster = [0, 0, 0, 3, 3, 5, 5, 7]
    table = pa.table({"row_id": pa.array(range(8)), "cluster_id": pa.array(cluster), "status": ["ok"] * 8})
    (tmp_path / "near").mkdir()
    write_parquet(table, tmp_path / "near" / "00000.parquet")
    with LocalEngine(1) as engine:
        items = shards(tmp_path / "in", rows, "gold-audit", near=tmp_path / "near")
        told = evidence(engine, tmp_path / "out", Params(clusters="near"), items)
    assert told["copies_against"].to_list() == [1, 1, 2, 0, 0, 0, 0, 0]
    assert told["log_odds"][2] > 0 > told["log_odds"][0] == told["log_odds"][1] > told["log_odds"][3]
    assert told["log_odds"][3] == told["log_odds"][5] < told["log_odds"][7]
    assert told["reasons"][2].to_list() == ["2 copies (rows 0, 1) have another ground truth: 5."]
    assert told["likely"][2] == "5"


@pytest.mark.parametrize("n_equal", [1, 3])
@pytest.mark.parametrize("against", [[], [[9]], [[9], [8, 7]]])
@pytest.mark.parametrize("problem", ["", "a placeholder"])
def test_priors_are_probabilities(n_equal: int, against: list[list[int]], problem: str) -> None:
    """What is believed before any vote sums to one, with every combination of copies."""
    poll = Poll(
        0, "3", problem, [], [], [], [], [], n_equal, ["4"] * len(against), against, [[]] * len(against)
    )
    prior = prior_of(poll, Stated(0.05, 0.8, 0.5))
    assert prior.right + prior.other + sum(prior.told) == pytest.approx(1)
    assert min(prior.right, prior.other, *prior.told, 1) >= 0
