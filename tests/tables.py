"""Canonical tables made by hand, cut into shards, and stages measured over them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curate.flow import RESPONSE_ID, RESPONSES, ROWS, Dataset, Engine, StageParams, shard_path, write_parquet
from curate.stages import STAGES
from curate.stages.inputs import EvidenceShard, Inputs, Shard
from curate.stages.measure import check_whole, measure_shard


def canonical(lines: Sequence[dict[str, Any]]) -> tuple[pa.Table, pa.Table]:
    """ROWS and RESPONSES from dicts: any ROWS column, and `responses` (texts or dicts of columns)."""
    rows, responses = [], []
    for row_id, line in enumerate(lines):
        rows.append({"row_id": row_id, **{key: value for key, value in line.items() if key != "responses"}})
        for response_id, response in enumerate(line.get("responses") or []):
            values = response if isinstance(response, dict) else {"response": response}
            responses.append({"row_id": row_id, "response_id": response_id, **values})
    return pa.Table.from_pylist(rows, schema=ROWS), pa.Table.from_pylist(responses, schema=RESPONSES)


def shards(
    folder: Path, lines: Sequence[dict[str, Any]], stage: str, cuts: Sequence[int] = (), **facts: Path
) -> list[Shard]:
    """The lines as shards of one stage's grain, cut before the given row_ids."""
    rows, responses = canonical(lines)
    starts, ends = [0, *cuts], [*cuts, rows.num_rows]
    result = []
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        paths = {}
        for name, table in (("rows", rows), ("responses", responses)):
            ids = table["row_id"].to_numpy()
            (folder / name).mkdir(parents=True, exist_ok=True)
            paths[name] = shard_path(folder / name, index)
            piece = table.filter(pa.array((ids >= start) & (ids < end)))
            write_parquet(piece.combine_chunks(), paths[name])
        result.append(
            Shard(
                grain=STAGES[stage].grain, index=index, first_row=start,
                rows=paths["rows"], responses=paths["responses"],
                evidence=tuple(
                    evidence_shard(name, shard_path(path, index)) for name, path in facts.items()
                ),
            )
        )  # fmt: skip
    return result


def evidence_shard(name: str, path: Path) -> EvidenceShard:
    """One shard of earlier evidence; its key columns say the grain."""
    return EvidenceShard(name, "response" if RESPONSE_ID in pq.read_schema(path).names else "row", path)


def evidence(engine: Engine, folder: Path, params: StageParams, items: Sequence[Shard]) -> pl.DataFrame:
    """Evidence of a stage over shards, as the pipeline measures it; it lies in folder/shards."""
    stage = STAGES[params.stage]  # type: ignore[attr-defined]
    folder.mkdir(parents=True, exist_ok=True)
    if stage.whole is not None:
        inputs = Inputs(tuple(items), stage.grain, tuple(item.first_row for item in items[1:]))
        dataset = stage.whole(engine, inputs, params, folder)
        check_whole(dataset, inputs, stage)
        (folder / "shards").mkdir()
        dataset = Dataset(tuple(path.replace(folder / "shards" / path.name) for path in dataset.shards))
    else:
        state = stage.prepare(params, folder) if stage.prepare else None
        fn = functools.partial(measure_shard, stage.name, params, state)
        dataset = engine.map(fn, list(items), folder / "shards", runs=stage.runs)
    frame = pl.from_arrow(dataset.read())
    assert isinstance(frame, pl.DataFrame)
    return frame
