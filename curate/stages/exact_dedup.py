"""Which rows have the same prompt.

Measures
    Groups of rows whose prompts are equal after `normalize`: `none` byte for byte; `whitespace` (the
    default) with every run of whitespace as one blank and none at the ends; `words` and `math` by their
    tokens alone (`curate.kernels.text`), so that case, punctuation and full-width letters do not count.
Columns
    cluster_id    smallest row_id among the equal rows; null if there is no text
    cluster_size  how many rows are equal, this one included; null if there is no text
    status        ok; no-text: the prompt is null, or nothing is left of it after `normalize`;
                  skipped: `skip-if` holds, and the row is compared with none
Not covered
    Anything but equality: see near-dedup. Answers and responses are not compared.
Source
    Equality is that of 128-bit hashes, one chance in 2**129 a pair to be wrong.

In:  {"row_id": 0, "prompt": "What is 2+2?"}, {"row_id": 1, "prompt": " What  is 2+2?\\n"}
Out: {"row_id": 0, "cluster_id": 0, "cluster_size": 2, "status": "ok"},
     {"row_id": 1, "cluster_id": 0, "cluster_size": 2, "status": "ok"}
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage, StageParams
from curate.kernels.text import Normalization, text_hash128
from curate.stages.inputs import Inputs, Shard

VERSION = 1

EVIDENCE = pa.schema([("cluster_id", pa.int64()), ("cluster_size", pa.int32()), ("status", pa.string())])

HASH = ["hash_0", "hash_1"]


class ExactDedupParams(StageParams):
    """What makes two prompts equal."""

    stage: Literal["exact-dedup"]
    normalize: Normalization = Field(
        default="whitespace",
        description="What is made equal first: none (bytes), whitespace, words or math (tokens alone)",
    )


def find_equal(engine: Engine, inputs: Inputs, params: ExactDedupParams, folder: Path) -> Dataset:
    """Evidence of all shards, in their order; what lies between is written to `folder`."""
    hashes = engine.map(
        functools.partial(hash_rows, normalize=params.normalize),
        inputs.shards,
        folder / "hashes",
        runs="thread",
        label="exact-dedup: hash",
    )
    grouped = engine.shuffle(hashes, HASH[0], group_rows, folder / "groups", label="exact-dedup: group")
    return engine.shuffle(
        grouped, ROW_ID, in_order, folder / "evidence", bounds=inputs.bounds, label="exact-dedup: sort"
    )


def hash_rows(shard: Shard, normalize: Normalization) -> pa.Table:
    """row_id, the two halves of the hash, status, of one shard.

    A row that is compared with none has its row_id for a hash, so that such rows do not all meet.
    """
    rows = shard.read("prompt")
    row_id = rows[ROW_ID].to_numpy()
    hashes = text_hash128(rows["prompt"].to_arrow(), normalize)
    status = np.where(hashes.size == 0, "no-text", "ok")
    status[np.isin(row_id, shard.skipped())] = "skipped"
    first = np.where(status == "ok", hashes.hash[:, 0], row_id.astype(np.uint64))
    return pa.table([row_id, first, hashes.hash[:, 1], status], names=[ROW_ID, *HASH, STATUS])


def group_rows(partition: pa.Table) -> pa.Table:
    """The evidence of rows whose equals are all in this partition, in no particular order."""
    equal, measured = [*HASH, STATUS], pl.col(STATUS) == "ok"
    return (
        pl.LazyFrame(partition)
        .select(
            ROW_ID,
            pl.when(measured).then(pl.col(ROW_ID).min().over(equal)).alias("cluster_id"),
            pl.when(measured).then(pl.len().over(equal)).alias("cluster_size"),
            STATUS,
        )
        .collect()
        .to_arrow()
    )


def in_order(partition: pa.Table) -> pa.Table:
    """The evidence of one shard, by row_id."""
    schema = pa.schema([(ROW_ID, pa.int64()), *EVIDENCE])
    return partition.sort_by(ROW_ID).select(schema.names).cast(schema)


STAGE = Stage(
    name="exact-dedup",
    version=VERSION,
    grain="row",
    reads=("prompt",),
    evidence=EVIDENCE,
    params=ExactDedupParams,
    whole=find_equal,
    runs="thread",
)
