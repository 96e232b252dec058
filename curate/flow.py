"""What moves through curate: two tables, evidence about them, and an engine that maps and shuffles.

A run works on two tables, whatever the input looked like (`curate.ingest` makes them):

* rows, one line a problem: `ROWS`, keyed by `row_id`, the row's position in the input;
* responses, one line a model answer: `RESPONSES`, keyed by (`row_id`, `response_id`).

Both lie as Parquet shards. Shard i of every table (rows, responses, originals, and the evidence of
every stage) covers the same range of `row_id`, so evidence is joined shard by shard, always by key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from curate.arrays import cut_by_size
from curate.disk import whole_file

ROW_ID = "row_id"
RESPONSE_ID = "response_id"
STATUS = "status"

NEW_RESPONSES = "responses"
Grain = Literal["row", "response"]
Runs = Literal["thread", "process", "inline", "gpu"]
"""thread: releases the GIL; process: plain Python; inline: has workers of its own; gpu: needs one each."""
Gathered = Callable[[pa.Table], pa.Table | Iterable[pa.Table]]
"""What a shuffle does with the lines of a partition."""
KEY_TYPES = {ROW_ID: pa.int64(), RESPONSE_ID: pa.int32()}
KEYS: dict[Grain, tuple[str, ...]] = {"row": (ROW_ID,), "response": (ROW_ID, RESPONSE_ID)}

TURN = pa.struct([("role", pa.large_string()), ("content", pa.large_string())])

ROWS = pa.schema(
    [
        (ROW_ID, pa.int64()),
        ("prompt", pa.large_string()),  # text of the user turns before the last answer
        ("answer", pa.large_string()),  # the ground truth, as text
        ("source", pa.large_string()),  # where the row comes from, as the input says it
        ("system", pa.large_string()),  # the system prompt
        ("turns", pa.large_list(TURN)),  # the whole conversation, answer included; null if not a chat
        ("tests", pa.large_string()),  # code tests, JSON text
    ]
)

RESPONSES = pa.schema(
    [
        (ROW_ID, pa.int64()),
        (RESPONSE_ID, pa.int32()),  # position among the row's responses
        ("response", pa.large_string()),  # the whole text, thinking included
        ("model", pa.large_string()),
        ("finish_reason", pa.large_string()),  # as the input says it: stop, length, ...
        ("given_correct", pa.bool_()),  # the grade that came with the data
    ]
)


class KebabModel(BaseModel):
    """What a TOML file says, its keys in kebab-case; strict, no extra keys."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
    )


class StageParams(KebabModel):
    """Parameters of one stage, as a recipe writes them."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    skip_if: str | None = None
    """Predicate on earlier evidence; where it holds the row is not measured (status `skipped`)."""

    def files(self) -> tuple[str, ...]:
        """Files the stage reads besides the data; their content is part of the cache key."""
        return ()

    def without_earlier(self) -> str:
        """Why these parameters cannot be used with an index of earlier data; empty if they can."""
        return ""

    def most_rows(self) -> int:
        """Rows that a shard may have for its tables to stay small, if the stage makes them larger."""
        return SHARD_ROWS

    def evidence_read(self) -> tuple[str, ...]:
        """Names of earlier evidence the stage reads."""
        return ()


class Stage(NamedTuple):
    """A measurement: a function from a frame of rows (or responses) to a frame of evidence.

    `measure(frame, params, state)` gets a Polars frame with the key columns of its grain and the
    columns it `reads`, and returns one line per input line: the key columns and the columns of
    `evidence`. `state` is what `prepare(params, folder)` returned, once per run (None without it);
    it must be small and picklable: a large index is a file in `folder`, opened once per worker.

    `whole(engine, inputs, params, folder)` replaces `measure` where rows must meet (duplicates).
    """

    name: str
    version: int  # raise it when the evidence changes for any input
    grain: Grain
    reads: tuple[str, ...]  # columns of ROWS (row grain), of RESPONSES and ROWS (response grain)
    evidence: pa.Schema  # without key columns; has a `status` column
    params: type[StageParams]
    measure: Callable[..., Any] | None = None
    whole: Callable[..., Any] | None = None
    prepare: Callable[[Any, Path], Any] | None = None
    runs: Runs = "process"
    makes_responses: bool = False
    """Whether `whole` leaves tables of RESPONSES in `folder / NEW_RESPONSES`, for all that comes after."""


class Dataset(NamedTuple):
    """Parquet shards of one schema, in row order."""

    shards: tuple[Path, ...]

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All shards as one table (small tables only)."""
        return pa.concat_tables([read_parquet(shard, columns) for shard in self.shards])

    @property
    def n_rows(self) -> int:
        """Rows over all shards, from the Parquet footers."""
        return sum(pq.read_metadata(shard).num_rows for shard in self.shards)


class Apart(NamedTuple):
    """How an item is taken apart when a worker dies of it or its function fails: a bad row costs one row."""

    halves: Callable[[Any], Sequence[Any]]
    """Two items that together are this one, in order; empty if it is a single line."""
    lost: Callable[[Any], pa.Table]
    """What stands for a single line that could not be done."""
    name: Callable[[Any], str]
    """How a message calls a single line."""


class Engine(Protocol):
    """Where work runs. Two verbs; the bytes they write are the same on every engine."""

    workers: int
    memory_bytes: int
    """What the stages may use at once, over all workers."""

    def map(
        self,
        fn: Callable[[Any], pa.Table],
        items: Sequence[Any],
        into: Path,
        *,
        runs: Runs = "process",
        label: str = "",
        scratch: bool = False,
        apart: Apart | None = None,
    ) -> Dataset:
        """Write `fn(items[i])` to shard i of `into`; shards already there are not made again.

        `fn` and the items must be picklable. Output order is item order; an item is asked for when its
        turn comes. With `scratch` shards are Arrow files as they lie in memory (`curate.disk.write_arrow`),
        for what is read back soon and thrown away; else Parquet. An item that cannot be done stops the
        run, or is taken apart.
        """
        ...

    def shuffle(
        self,
        rows: Dataset,
        by: str,
        fn: Gathered,
        into: Path,
        *,
        partitions: int | None = None,
        bounds: Sequence[int] | None = None,
        label: str = "",
    ) -> Dataset:
        """Bring all lines with equal `by` (an integer column) together and write fn(partition).

        Each call of `fn` gets whole groups of `by`, many of them at once, lines in input order, as a table
        that lies on disk; of tables that it yields one at a time no more is held.
        With `bounds` (ascending first values of partitions 1, 2, ...) partitions are ranges of
        `by`, so the output is in that order; otherwise keys are spread by a fixed hash.
        """
        ...


def shard_path(folder: Path, index: int, kind: str = "parquet") -> Path:
    """Path of shard `index` of a table.

    >>> shard_path(Path("rows"), 7).as_posix()
    'rows/00007.parquet'
    """
    return folder / f"{index:05d}.{kind}"


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in one file, or the columns that are named.

    A third of the work of `pyarrow.parquet.read_table`, which looks for a folder of files first.
    """
    with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
        return file.read(columns=None if columns is None else list(columns), use_threads=False)


SHARD_ROWS = 65_536
"""Rows of a shard, at most."""
ROW_GROUP = 16_384
ROW_GROUP_BYTES = 64 << 20
"""Of values: rows of long responses make smaller groups, so that whoever reads one can hold it."""


def write_parquet(table: pa.Table, path: Path, *, scanned: bool = False) -> None:
    """Write a table so that it is there whole or not at all, with the same bytes for the same rows.

    See `write_tables`. pyarrow writes it because Polars' writer gives other bytes for input that was not
    rechunked.
    """
    write_tables([table], table.schema, path, scanned=scanned)


def write_tables(tables: Iterable[pa.Table], schema: pa.Schema, path: Path, *, scanned: bool = False) -> int:
    """Write tables as one, whole or not at all, holding a row group at a time; the number of its rows.

    The bytes are those of the tables in one piece: zstd level 1 (half the work of level 3, a fifth more
    bytes of prose), row groups of 16,384 rows or 64 MB, integers as differences, so that ids, sizes and
    positions take next to nothing. A table that is `scanned` by stage after stage is packed with LZ4
    instead, which takes two thirds of the work to write, half to read, and 1.4 times the bytes. Written
    under a temporary name, synced, renamed.
    """
    integers = [field.name for field in schema if pa.types.is_integer(field.type)]
    others = [path for field in schema if field.name not in integers for path in _leaves(field)]
    n_rows = 0
    with (
        whole_file(path) as sink,
        pq.ParquetWriter(
            sink,
            schema,
            compression="lz4" if scanned else "zstd",
            compression_level=None if scanned else 1,
            use_dictionary=others,
            column_encoding=dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
        ) as writer,
    ):
        for group in cut_by_size(tables, ROW_GROUP, ROW_GROUP_BYTES):
            writer.write_table(group, row_group_size=ROW_GROUP)
            n_rows += group.num_rows
    return n_rows


def _leaves(field: pa.Field) -> list[str]:
    """The paths of the Parquet columns that a field becomes."""
    if pa.types.is_struct(field.type):
        return [f"{field.name}.{path}" for inner in field.type for path in _leaves(inner)]
    if pa.types.is_nested(field.type) and not pa.types.is_map(field.type):
        inner = field.type.value_field.with_name("element")
        return [f"{field.name}.list.{path}" for path in _leaves(inner)]
    if pa.types.is_map(field.type):
        pair = (field.type.key_field.with_name("key"), field.type.item_field.with_name("value"))
        return [f"{field.name}.key_value.{path}" for inner in pair for path in _leaves(inner)]
    return [field.name]
