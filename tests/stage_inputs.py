"""Rows in memory as the shards a whole-corpus stage is given, and its evidence back as one frame."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa

from curate.engines.local import LocalEngine
from curate.flow import ROWS, Stage, StageParams, shard_path, write_parquet
from curate.stages.inputs import Inputs, Shard


def inputs_of(
    prompts: Sequence[str | None],
    folder: Path,
    *,
    rows_per_shard: int = 4,
    skipped: Sequence[int] = (),
) -> Inputs:
    """Shards of rows with these prompts; row_id is the position; skip-if holds for the rows `skipped`."""
    folder.mkdir(parents=True, exist_ok=True)
    shards = []
    for index, first in enumerate(range(0, len(prompts), rows_per_shard) or [0]):
        part = prompts[first : first + rows_per_shard]
        columns = {name: pa.nulls(len(part), ROWS.field(name).type) for name in ROWS.names}
        columns["row_id"] = pa.array(np.arange(first, first + len(part)))
        columns["prompt"] = pa.array(part, pa.large_string())
        source = ["skip" if first + row in skipped else None for row in range(len(part))]
        columns["source"] = pa.array(source, pa.large_string())
        path = shard_path(folder, index)
        write_parquet(pa.table(columns, schema=ROWS), path)
        skip_if = "row.source IS NOT NULL" if skipped else None
        shards.append(Shard("row", index, first, path, path, (), skip_if))
    return Inputs(tuple(shards), "row", tuple(shard.first_row for shard in shards[1:]))


def run_whole(
    stage: Stage, params: StageParams, inputs: Inputs, folder: Path, *, workers: int = 2
) -> pl.DataFrame:
    """Evidence of all shards, in the order of the inputs."""
    assert stage.whole is not None
    dataset = stage.whole(LocalEngine(workers), inputs, params, folder)
    assert len(dataset.shards) == len(inputs.shards)
    frame = pl.from_arrow(dataset.read())
    assert isinstance(frame, pl.DataFrame)
    return frame
