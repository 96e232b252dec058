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
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from curate.disk import Mapped, packed
from curate.flow import ROW_ID, Dataset, Engine, Stage, StageParams, read_parquet, write_parquet
from curate.kernels.text import Normalization, text_hash128
from curate.stages.inputs import TAKEN, TAKEN_SCHEMA, Inputs, Shard

VERSION = 2

EVIDENCE = pa.schema([("cluster_id", pa.int64()), ("cluster_size", pa.int32()), ("status", pa.string())])

STATUSES = ("ok", "no-text", "skipped")
OK, NO_TEXT, SKIPPED = range(3)
PASS_ROWS = 1 << 22
"""Rows whose hashes are in memory at once, about 200 MB with what sorting them takes."""


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
    order = sorted(
        range(len(inputs.shards)), key=lambda i: (inputs.shards[i].first_row, inputs.shards[i].n_rows)
    )
    own = [inputs.shards[i] for i in order]
    state = folder if inputs.state is None else inputs.state / state_name(params)
    parts = [(part.as_shards(), part.state / state_name(params)) for part in inputs.earlier]
    fn = functools.partial(hash_rows, normalize=params.normalize)
    made = [
        engine.map(fn, shards, into / "hashes", runs="thread", label="exact-dedup: hash", scratch=True)
        for shards, into in [*parts, (own, state)]
    ]
    files = [path for dataset in made for path in dataset.shards]
    first_rows = np.array([shard.first_row for some, _ in [*parts, (own, state)] for shard in some])
    equal = group_rows(files, first_rows)
    if inputs.earlier:
        write_parquet(taken(equal, inputs.kept_earlier()), folder / TAKEN)
    places = [len(files) - len(own) + order.index(i) for i in range(len(order))]
    fn = functools.partial(evidence, files=files, equal=equal)
    return engine.map(fn, places, folder / "evidence", runs="thread", label="exact-dedup: evidence")


def state_name(params: ExactDedupParams) -> str:
    """Folder of an index where the hashes of earlier data lie."""
    return f"exact-dedup-{VERSION}-{params.normalize}"


def hash_rows(shard: Shard, normalize: Normalization) -> pa.Table:
    """The two halves of the hash and the status (its place in STATUSES) of each row of a shard."""
    rows = read_parquet(shard.rows, [ROW_ID, "prompt"])
    row_id = rows[ROW_ID].to_numpy()
    assert (row_id == np.arange(len(row_id)) + shard.first_row).all(), "a shard is a range of row_id"
    hashes = text_hash128(rows["prompt"].combine_chunks(), normalize)
    status = np.where(hashes.size == 0, NO_TEXT, OK).astype(np.uint8)
    if shard.skip_if is not None:
        status[np.isin(row_id, shard.skipped())] = SKIPPED
    return packed(first=hashes.hash[:, 0], second=hashes.hash[:, 1], status=status)


class Equal(NamedTuple):
    """Of each row, at its place in the shards laid end to end: what it is equal to."""

    starts: npt.NDArray[np.int64]  # (n_shards + 1,) place of the first row of each shard
    first_rows: npt.NDArray[np.int64]  # (n_shards,) and its row_id
    leader: npt.NDArray[
        np.uint32
    ]  # place of the first row that is equal; its own if it is compared with none
    size: npt.NDArray[np.uint32]  # rows that are equal, this one included

    def row_id(self, places: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        """row_id of the rows at these places."""
        shard = np.searchsorted(self.starts, places, side="right") - 1
        return np.asarray(places - self.starts[shard] + self.first_rows[shard], dtype=np.int64)


def group_rows(files: Sequence[Path], first_rows: npt.NDArray[np.int64], pass_rows: int = PASS_ROWS) -> Equal:
    """Which rows are equal, by the files that `hash_rows` made, in row order.

    Eight bytes a row are held, and the hashes of about `pass_rows` rows at a time: those of one range of
    hashes after the other.
    """
    n_rows = [len(Mapped(path).array("status", np.uint8)) for path in files]
    starts = np.concatenate([[0], np.cumsum(n_rows, dtype=np.int64)])
    assert starts[-1] < 1 << 32, "places are 32 bits"
    leader, size = np.arange(starts[-1], dtype=np.uint32), np.ones(starts[-1], dtype=np.uint32)
    n_passes = max(1, -(-int(starts[-1]) // pass_rows))
    for number in range(n_passes):
        firsts, seconds, places = [], [], []
        for path, start in zip(files, starts[:-1], strict=True):
            file = Mapped(path)
            first = file.array("first", np.uint64)
            mine = ((first >> np.uint64(32)) * np.uint64(n_passes)) >> np.uint64(32) == number
            mine &= file.array("status", np.uint8) == OK
            firsts.append(first[mine])
            seconds.append(file.array("second", np.uint64)[mine])
            places.append((np.flatnonzero(mine) + start).astype(np.uint32))
        found = equal_runs(np.concatenate(firsts), np.concatenate(seconds))
        place = np.concatenate(places)[found.order]
        lengths = np.diff(found.starts, append=len(place))
        if len(place):
            leader[place] = np.repeat(np.minimum.reduceat(place, found.starts), lengths)
            size[place] = np.repeat(lengths, lengths)
    return Equal(starts, first_rows, leader, size)


class Runs(NamedTuple):
    """An order in which equal hashes lie side by side, and where in it each run of them begins."""

    order: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


def equal_runs(first: npt.NDArray[np.uint64], second: npt.NDArray[np.uint64]) -> Runs:
    """Runs of equal hashes, of which two halves are given.

    >>> runs = equal_runs(np.array([7, 5, 7], np.uint64), np.array([1, 1, 1], np.uint64))
    >>> runs.order[0], sorted(runs.order[1:].tolist()), runs.starts.tolist()
    (np.int64(1), [0, 2], [0, 1])
    """
    order = np.argsort(first)
    same_first = np.diff(first[order]) == 0
    same_second = np.diff(second[order]) == 0
    if (same_first & ~same_second).any():  # one half alone is equal: once in 2**64 pairs
        order = np.lexsort((second, first))
        same_first, same_second = np.diff(first[order]) == 0, np.diff(second[order]) == 0
    begins = np.ones(len(order), dtype=np.bool_)
    begins[1:] = ~(same_first & same_second)
    return Runs(order, np.flatnonzero(begins))


def taken(equal: Equal, kept: npt.NDArray[np.bool_]) -> pa.Table:
    """Clusters of earlier rows that a new row is in, and the first kept row of each, by that row.

    `kept` tells by row_id which rows of earlier data were kept; those rows come first.
    """
    assert int(equal.first_rows[0]) == 0, "earlier data begins at row 0"
    old = np.flatnonzero(kept)
    groups, place = np.unique(equal.leader[old], return_index=True)
    wanted = np.isin(groups, equal.leader[len(kept) :])
    by_row = np.argsort(place[wanted])
    columns = [equal.row_id(groups[wanted][by_row]), old[place[wanted][by_row]]]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=TAKEN_SCHEMA)


def evidence(place: int, files: Sequence[Path], equal: Equal) -> pa.Table:
    """The evidence of one shard."""
    rows = slice(int(equal.starts[place]), int(equal.starts[place + 1]))
    status = Mapped(files[place]).array("status", np.uint8)
    no_cluster = status != OK
    columns = [
        pa.array(np.arange(len(status), dtype=np.int64) + equal.first_rows[place]),
        pa.array(equal.row_id(equal.leader[rows]), mask=no_cluster),
        pa.array(equal.size[rows].astype(np.int32), mask=no_cluster),
        pa.DictionaryArray.from_arrays(status, pa.array(STATUSES)).cast(pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema([(ROW_ID, pa.int64()), *EVIDENCE]))


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
