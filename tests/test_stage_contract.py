"""What every stage owes: one line per input line, its schema, and the same values however rows are cut."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from tables import evidence, shards

from curate.engines.local import LocalEngine
from curate.flow import KEYS, Engine, StageParams
from curate.stages import STAGES
from curate.stages.inputs import Shard
from curate.stages.measure import evidence_schema, measure_shard, taken_apart

MODELS = ("rollouts", "perplexity", "judge", "judge-response")
PLAIN = {name: stage for name, stage in STAGES.items() if name not in MODELS}
"""Stages that need no model; those that do are tested with one in files of their own."""

BENCHMARK = "What is the remainder when the sum of the first one hundred primes is divided by seven"

SOLUTION = "<think>2 + 3 = 5</think> The five apples go to the girls, and none is left for the boys."

LINES: list[dict[str, Any]] = [
    {"prompt": "Find 2 + 3 for twelve boys and girls who share five apples with each other.", "answer": "5",
     "responses": ["<think>2 + 3 = 5</think> \\boxed{5}", "<think>hm</think> \\boxed{6}", "no answer"]},
    {"prompt": f"Please solve this. {BENCHMARK}? Thank you.", "answer": "4", "responses": ["\\boxed{4}"]},
    {"prompt": None, "answer": None, "responses": [None, ""]},
    {"prompt": "", "answer": "", "responses": []},
    {"prompt": "🙂🙃 zero\u200bwidth \u0301combining １２３ 求和：甲乙丙丁，戊己庚辛。", "answer": "½",
     "responses": ["🙂" * 50, "答案是 \\boxed{½}", "\x00\x01"]},
    {"prompt": "Find 2 + 3 for twelve boys and girls who share five apples with each other.", "answer": "5",
     "responses": ["Step one. " * 60]},
    {"prompt": "Find 2 + 3 for twelve boys and girls who share five apples with each  other!", "answer": "5",
     "turns": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "responses": ["b"]},
    {"prompt": "x", "answer": "x", "responses": ["x"]},
]  # fmt: skip


def params_of(name: str, folder: Path) -> StageParams:
    """Parameters of a stage, defaults wherever there are any."""
    given: dict[str, Any] = {"stage": name}
    given |= {"string-similarity": {"by": "lcs"}, "benchmark-share": {"when": "leak.containment > 0.5"}}.get(
        name, {}
    )
    if "against" in STAGES[name].params.model_fields:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "bench.parquet"
        pl.DataFrame({"id": ["b0"], "problem": [BENCHMARK + "?"], "solution": [SOLUTION]}).write_parquet(path)
        given["against"] = [str(path)]
    return STAGES[name].params.model_validate(given)


EARLIER = {
    "pass-rate": ("math", "math-verify"),
    "label-conflict": ("near", "near-dedup"),
    "benchmark-share": ("leak", "ngram-overlap"),
}
"""Evidence that a stage reads, and the stage that measures it."""


def items_of(
    name: str, folder: Path, lines: list[dict[str, Any]], engine: Engine, cuts: tuple[int, ...] = ()
) -> list[Shard]:
    """The lines as shards of one stage's grain, with the evidence it reads."""
    facts = {}
    if name in EARLIER:
        other, stage = EARLIER[name]
        evidence(
            engine, folder / other, params_of(stage, folder), shards(folder / "before", lines, stage, cuts)
        )
        facts = {other: folder / other / "shards"}
    return shards(folder / "in", lines, name, cuts, **facts)


def measured(
    name: str, folder: Path, lines: list[dict[str, Any]], cuts: tuple[int, ...] = (), workers: int = 1
) -> pl.DataFrame:
    """Evidence of one stage over the lines."""
    with LocalEngine(workers) as engine:
        items = items_of(name, folder, lines, engine, cuts)
        return evidence(engine, folder / "out", params_of(name, folder), items)


@pytest.mark.parametrize("name", PLAIN)
def test_evidence_is_dense_and_in_its_schema(name: str, tmp_path: Path) -> None:
    """Every line of the grain once, in order, in the declared schema, with a status."""
    found = measured(name, tmp_path, LINES)
    stage = STAGES[name]
    assert found.to_arrow().schema.names == evidence_schema(stage).names
    keys = [(r,) for r in range(len(LINES))]
    if stage.grain == "response":
        keys = [(r, i) for r, line in enumerate(LINES) for i in range(len(line["responses"]))]  # type: ignore[misc]
    assert found.select(KEYS[stage.grain]).rows() == keys
    assert found["status"].null_count() == 0


@pytest.mark.parametrize("name", PLAIN)
def test_cutting_and_workers_change_nothing(name: str, tmp_path: Path) -> None:
    """One shard and one worker, or four shards and two workers: the same evidence."""
    whole = measured(name, tmp_path / "whole", LINES)
    cut = measured(name, tmp_path / "cut", LINES, cuts=(1, 4, 6), workers=2)
    assert whole.equals(cut)


@pytest.mark.parametrize("name", [name for name, stage in PLAIN.items() if stage.whole is None])
def test_a_shard_measured_in_halves_is_the_same(name: str, tmp_path: Path) -> None:
    """What is measured part by part, to find a line that workers die of, is what is measured at once."""
    with LocalEngine(1) as engine:
        (item,) = items_of(name, tmp_path, LINES, engine)
        params = params_of(name, tmp_path).model_copy(update={"skip_if": "row.prompt = 'x'"})
        whole = evidence(engine, tmp_path / "out", params, [replace(item, skip_if=params.skip_if)])
        item = replace(item, skip_if=params.skip_if)
        state = None if STAGES[name].prepare is None else STAGES[name].prepare(params, tmp_path)  # type: ignore[misc]
    parts = [quarter for half in item.halves() for quarter in half.halves()]
    assert len(parts) == 4
    tables = [measure_shard(name, params, state, part) for part in parts]
    assert pl.from_arrow(pa.concat_tables(tables)).equals(whole)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", [name for name, stage in PLAIN.items() if stage.whole is None])
def test_a_line_that_cannot_be_measured_has_nulls_and_says_failed(name: str, tmp_path: Path) -> None:
    """The line that workers die of is there, in the schema, named, and says nothing."""
    with LocalEngine(1) as engine:
        (item,) = items_of(name, tmp_path, LINES, engine)
    line = replace(item, part=slice(1, 2))
    apart = taken_apart(name)
    assert apart.halves(line) == ()
    assert apart.name(line).startswith("row_id ")
    lost = apart.lost(line)
    assert lost.schema.equals(evidence_schema(STAGES[name]))
    assert lost["status"].to_pylist() == ["failed"]
    assert all(
        value is None
        for name, value in lost.to_pylist()[0].items()
        if name not in ("row_id", "response_id", "status")
    )


@pytest.mark.parametrize("name", [name for name, stage in PLAIN.items() if stage.whole is None])
def test_evidence_moves_with_its_row(name: str, tmp_path: Path) -> None:
    """A row-local stage says the same of a row wherever it stands."""
    order = [5, 2, 7, 0, 3, 6, 1, 4]
    straight = measured(name, tmp_path / "straight", LINES)
    moved = measured(name, tmp_path / "moved", [LINES[i] for i in order])
    back = moved.with_columns(pl.col("row_id").replace_strict(dict(enumerate(order)), return_dtype=pl.Int64))
    assert back.sort(KEYS[STAGES[name].grain]).equals(straight)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("lines", [[], LINES[:1], LINES[2:3]], ids=["no-rows", "one-row", "one-null-row"])
def test_the_smallest_inputs_are_measured(name: str, lines: list[dict[str, Any]], tmp_path: Path) -> None:
    """No rows, one row and one null row give evidence of the same schema."""
    found = measured(name, tmp_path, lines)
    n_lines = len(lines) if STAGES[name].grain == "row" else sum(len(line["responses"]) for line in lines)
    assert found.height == n_lines
    assert found.to_arrow().schema.names == evidence_schema(STAGES[name]).names


@pytest.mark.parametrize("name", PLAIN)
def test_a_ten_megabyte_text_is_measured(name: str, tmp_path: Path) -> None:
    """A single text of ten megabytes is one line like any other."""
    text = "The quick brown fox counts 12345 sheep and \\frac{1}{2} goats. " * 165_000
    lines = [{"prompt": text, "answer": "7", "responses": [text + " \\boxed{7}"]}, LINES[0]]
    found = measured(name, tmp_path, lines)
    assert found.height == (2 if STAGES[name].grain == "row" else 4)


@pytest.mark.parametrize("name", [name for name, stage in PLAIN.items() if name != "pass-rate"])
def test_skipped_lines_are_recorded_as_skipped(name: str, tmp_path: Path) -> None:
    """Where skip-if holds, the line is there with the status skipped and nulls, and is not measured."""
    params = params_of(name, tmp_path).model_copy(update={"skip_if": "row.prompt = 'x'"})
    with LocalEngine(1) as engine:
        items = [replace(item, skip_if=params.skip_if) for item in items_of(name, tmp_path, LINES, engine)]
        found = evidence(engine, tmp_path / "out", params, items)
    assert found.filter(pl.col("row_id") == 7)["status"].to_list() == ["skipped"]
    assert "skipped" not in found.filter(pl.col("row_id") != 7)["status"].to_list()
