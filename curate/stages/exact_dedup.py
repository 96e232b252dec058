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
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage, StageParams, write_parquet
from curate.kernels.text import Normalization, text_hash128
from curate.stages.inputs import TAKEN, TAKEN_SCHEMA, Inputs, Shard

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

    def without_earlier(self) -> str:
        """Why these parameters cannot be used with an index of earlier data; empty if they can."""
        return "skip-if speaks of evidence that earlier data does not have" if self.skip_if else ""


def find_equal(engine: Engine, inputs: Inputs, params: ExactDedupParams, folder: Path) -> Dataset:
    """Evidence of all shards, in their order; what lies between is written to `folder`."""
    fn = functools.partial(hash_rows, normalize=params.normalize)
    own = folder if inputs.state is None else inputs.state / state_name(params)
    made = [
        engine.map(fn, shards, into / "hashes", runs="thread", label="exact-dedup: hash")
        for shards, into in [
            *((part.as_shards(), part.state / state_name(params)) for part in inputs.earlier),
            (inputs.shards, own),
        ]
    ]
    hashes = Dataset(tuple(path for dataset in made for path in dataset.shards))
    fn = functools.partial(group_rows, kept=inputs.kept_earlier())
    grouped = engine.shuffle(hashes, HASH[0], fn, folder / "groups", label="exact-dedup: group")
    bounds = (*((inputs.first_row,) if inputs.earlier else ()), *inputs.bounds)
    ordered = engine.shuffle(
        grouped, ROW_ID, in_order, folder / "evidence", bounds=bounds, label="exact-dedup: sort"
    )
    if not inputs.earlier:
        return ordered
    earlier = pq.read_table(ordered.shards[0], columns=["cluster_id", ROW_ID])
    write_parquet(earlier.rename_columns(TAKEN_SCHEMA.names), folder / TAKEN)
    return Dataset(ordered.shards[1:])


def state_name(params: ExactDedupParams) -> str:
    """Folder of an index where the hashes of earlier data lie."""
    return f"exact-dedup-{VERSION}-{params.normalize}"


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


def group_rows(partition: pa.Table, kept: npt.NDArray[np.bool_]) -> pa.Table:
    """The evidence of rows whose equals are all in this partition, in no particular order.

    `kept` tells by row_id which rows of earlier data were kept; those come first. Of them only the first
    kept one of each cluster that has a later row is left.
    """
    equal, measured = [*HASH, STATUS], pl.col(STATUS) == "ok"
    frame = pl.LazyFrame(partition).select(
        ROW_ID,
        pl.when(measured).then(pl.col(ROW_ID).min().over(equal)).alias("cluster_id"),
        pl.when(measured).then(pl.len().over(equal)).alias("cluster_size"),
        STATUS,
    )
    if len(kept):
        is_new = pl.col(ROW_ID) >= len(kept)
        earlier = np.flatnonzero(kept)
        of_old = frame.filter(~is_new & pl.col(ROW_ID).is_in(pl.Series(earlier, dtype=pl.Int64).implode()))
        first = of_old.filter(pl.col(ROW_ID) == pl.col(ROW_ID).min().over("cluster_id"))
        new = frame.filter(is_new)
        frame = pl.concat([new, first.join(new, on="cluster_id", how="semi")])
    return frame.collect().to_arrow()


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
