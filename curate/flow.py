"""What moves through curate: two tables, evidence about them, and an engine that maps and shuffles.

A run works on two tables, whatever the input looked like (`curate.ingest` makes them):

* rows, one line a problem: `ROWS`, keyed by `row_id`, the row's position in the input;
* responses, one line a model answer: `RESPONSES`, keyed by (`row_id`, `response_id`).

Both lie as Parquet shards. Shard i of every table (rows, responses, originals, and the evidence of
every stage) covers the same range of `row_id`, so evidence is joined shard by shard, always by key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from curate.disk import whole_file

ROW_ID = "row_id"
RESPONSE_ID = "response_id"
STATUS = "status"

Grain = Literal["row", "response"]
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


class StageParams(BaseModel):
    """Parameters of one stage, as a recipe writes them (kebab-case); strict, no extra keys."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", "-"),
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    skip_if: str | None = None
    """Predicate on earlier evidence; where it holds the row is not measured (status `skipped`)."""

    def files(self) -> tuple[str, ...]:
        """Files the stage reads besides the data; their content is part of the cache key."""
        return ()

    def without_earlier(self) -> str:
        """Why these parameters cannot be used with an index of earlier data; empty if they can."""
        return ""

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
    runs: Literal["thread", "process", "inline"] = "process"
    """thread: the kernel releases the GIL; process: plain Python; inline: has workers of its own."""


class Dataset(NamedTuple):
    """Parquet shards of one schema, in row order."""

    shards: tuple[Path, ...]

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All shards as one table (small tables only)."""
        parts = [pq.read_table(shard, columns=columns) for shard in self.shards]
        return pa.concat_tables(parts)

    @property
    def n_rows(self) -> int:
        """Rows over all shards, from the Parquet footers."""
        return sum(pq.read_metadata(shard).num_rows for shard in self.shards)


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
        runs: Literal["thread", "process", "inline"] = "process",
        label: str = "",
        scratch: bool = False,
    ) -> Dataset:
        """Write `fn(items[i])` to shard i of `into`; shards already there are not made again.

        `fn` and the items must be picklable. Output order is item order; an item is asked for when its
        turn comes. With `scratch` shards are Arrow files as they lie in memory (`curate.disk.write_arrow`),
        for what is read back soon and thrown away; else Parquet.
        """
        ...

    def shuffle(
        self,
        rows: Dataset,
        by: str,
        fn: Callable[[pa.Table], pa.Table],
        into: Path,
        *,
        partitions: int | None = None,
        bounds: Sequence[int] | None = None,
        label: str = "",
    ) -> Dataset:
        """Bring all lines with equal `by` (an integer column) together and write fn(partition).

        Each call of `fn` gets whole groups of `by`, many of them at once, lines in input order.
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


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table so that it is there whole or not at all, with the same bytes for the same rows.

    zstd level 3, row groups of 16,384 rows. Written under a temporary name, synced, renamed.
    pyarrow writes it because Polars' writer gives other bytes for input that was not rechunked.
    """
    with whole_file(path) as sink:
        pq.write_table(table, sink, compression="zstd", compression_level=3, row_group_size=16_384)
