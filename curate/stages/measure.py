"""From a stage and a shard to a checked table of evidence."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa

from curate.flow import KEY_TYPES, KEYS, ROW_ID, STATUS, Apart, Dataset, Stage, StageParams
from curate.stages import STAGES
from curate.stages.inputs import Inputs, Shard


def evidence_schema(stage: Stage) -> pa.Schema:
    """Key columns of the stage's grain, then its evidence."""
    keys = [pa.field(name, KEY_TYPES[name]) for name in KEYS[stage.grain]]
    return pa.schema([*keys, *stage.evidence])


def measure_shard(name: str, params: StageParams, state: Any, shard: Shard) -> pa.Table:
    """Evidence of one shard: every line of its grain once, in order, in the declared schema.

    Lines where `skip-if` holds are not measured: nulls and the status `skipped`.
    """
    stage = STAGES[name]
    assert stage.measure is not None
    keys = shard.keys()
    reads = params.evidence_read()
    if reads:
        columns = [column for column in stage.reads if column != ROW_ID]
        frame = shard.evidence_lists(reads[0], columns)
    else:
        frame = shard.read(*stage.reads)
    on = list(KEYS[stage.grain])
    skipped = shard.skip_mask()
    if shard.part is not None:
        frame, skipped = (
            whole.join(keys, on=on, how="semi", maintain_order="left") for whole in (frame, skipped)
        )
    if skipped.height:
        frame = frame.join(skipped, on=on, how="anti", maintain_order="left")
    measured = stage.measure(frame, params, state)
    if skipped.height:
        measured = pl.concat([measured, _unmeasured(skipped, stage, "skipped")], how="vertical_relaxed")
    measured = keys.join(measured, on=on, how="left", maintain_order="left")
    return checked(measured, keys, stage, frame.height + skipped.height)


def taken_apart(name: str) -> Apart:
    """How a shard is halved, down to the line that workers die of: it gets nulls and the status `failed`."""
    stage = STAGES[name]

    def lost(shard: Shard) -> pa.Table:
        keys = shard.keys()
        return checked(_unmeasured(keys, stage, "failed"), keys, stage, keys.height)

    return Apart(Shard.halves, lost, Shard.name)


def _unmeasured(keys: pl.DataFrame, stage: Stage, status: str) -> pl.DataFrame:
    """Lines of evidence that say nothing but why."""
    values = [pl.lit(status if column == STATUS else None).alias(column) for column in stage.evidence.names]
    return keys.select(*KEYS[stage.grain], *values)


def checked(measured: pl.DataFrame, keys: pl.DataFrame, stage: Stage, expected: int) -> pa.Table:
    """The evidence in its declared schema; an assertion if a stage lost, doubled or invented lines."""
    assert expected == keys.height, f"{stage.name}: {expected} lines for {keys.height} keys"
    assert measured.height == keys.height, f"{stage.name}: {measured.height} lines for {keys.height} keys"
    assert measured[STATUS].null_count() == 0, f"{stage.name}: lines without a status"
    schema = evidence_schema(stage)
    return measured.select(schema.names).to_arrow().cast(schema).combine_chunks()


def check_whole(dataset: Dataset, inputs: Inputs, stage: Stage) -> None:
    """Assert that a stage over all shards gave every line once, in order, in the declared schema."""
    schema = evidence_schema(stage)
    for shard, path in zip(inputs.shards, dataset.shards, strict=True):
        table = Dataset((path,)).read()
        assert table.schema.equals(schema), f"{stage.name}: {table.schema} is not {schema}"
        keys = shard.keys()
        found = pl.from_arrow(table.select(list(KEYS[stage.grain])))
        assert isinstance(found, pl.DataFrame)
        assert found.equals(keys), f"{stage.name}: the keys of shard {shard.index} differ"
