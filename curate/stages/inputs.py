"""What a stage is given: shards of rows or responses, with the evidence that is already there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curate.flow import KEYS, RESPONSES, ROW_ID, ROWS, STATUS, Grain, read_parquet
from curate.predicate import ORIGINAL, evaluate, references


class EvidenceShard(NamedTuple):
    """One shard of evidence measured earlier."""

    name: str
    grain: Grain
    path: Path


@dataclass(frozen=True)
class Shard:
    """One range of rows with their responses; picklable, reads what it is asked for."""

    grain: Grain
    index: int
    first_row: int
    rows: Path
    responses: Path
    evidence: tuple[EvidenceShard, ...] = ()
    skip_if: str | None = None
    originals: Path | None = None
    """Columns of the input as they were read; only predicates about `original` look at them."""
    part: slice | None = None
    """The lines of `keys` that are meant, if not all; what is read besides is of the whole shard."""

    def keys(self) -> pl.DataFrame:
        """Key columns of the grain, one line per row (or response), in order."""
        path = self.rows if self.grain == "row" else self.responses
        keys = _read(path, KEYS[self.grain])
        return keys if self.part is None else keys[self.part]

    def halves(self) -> tuple[Shard, ...]:
        """The two halves of the lines that are meant; empty if it is one line."""
        start, stop, _ = (self.part or slice(None)).indices(self.n_rows)
        middle = (start + stop) // 2
        if stop - start < 2:
            return ()
        return replace(self, part=slice(start, middle)), replace(self, part=slice(middle, stop))

    def name(self) -> str:
        """The single line that is meant, for a message."""
        return " ".join(f"{name} {value}" for name, value in self.keys().row(0, named=True).items())

    @property
    def n_rows(self) -> int:
        """Lines of the grain, from the Parquet footer."""
        path = self.rows if self.grain == "row" else self.responses
        return int(pq.read_metadata(path).num_rows)

    def read(self, *columns: str) -> pl.DataFrame:
        """Key columns and the named columns of ROWS (response grain: of RESPONSES, then of ROWS)."""
        if self.grain == "row":
            return _read(self.rows, dict.fromkeys((*KEYS["row"], *columns)))
        own = [name for name in columns if name in RESPONSES.names and name not in KEYS["response"]]
        joined = [name for name in columns if name in ROWS.names and name not in RESPONSES.names]
        frame = _read(self.responses, (*KEYS["response"], *own))
        if joined:
            rows = _read(self.rows, (ROW_ID, *joined))
            frame = frame.join(rows, on=ROW_ID, how="left", maintain_order="left")
        return frame

    def facts(self, texts: Iterable[str], grain: Grain | None = None) -> pl.DataFrame:
        """What the predicates look at: key columns and one struct column per table they name.

        Only the columns they name are read; row tables are repeated for each response. `responses`,
        which is known only after the rules about responses, is left to the caller.
        """
        grain = grain or self.grain
        keys = _read(self.rows if grain == "row" else self.responses, KEYS[grain])
        known = {shard.name: shard for shard in self.evidence}
        for name, columns in _columns_of(texts).items():
            if name == "responses":
                continue
            if name == "row":
                path, on = self.rows, KEYS["row"]
            elif name == ORIGINAL:
                assert self.originals is not None
                path, on = self.originals, KEYS["row"]
            elif name == "response":
                path, on = self.responses, KEYS["response"]
            else:
                path, on = known[name].path, KEYS[known[name].grain]
            named = [column for column in columns if column not in on]
            if name in known and STATUS not in named:
                named.append(STATUS)  # what a message about a null tells
            read = _read(path, [*on, *named])
            packed = pl.DataFrame([read[column] for column in named]).to_struct(name)  # `^a.*$` may be a name
            struct = read.select(on).with_columns(packed)
            keys = keys.join(struct, on=list(on), how="left", maintain_order="left")
        return keys

    def skipped(self) -> npt.NDArray[np.int64]:
        """row_id of the lines where the stage's `skip-if` holds (row grain), ascending."""
        return self.skip_mask().get_column(ROW_ID).to_numpy()

    def skip_mask(self) -> pl.DataFrame:
        """Key columns of the lines where `skip-if` holds."""
        keys = self.keys()
        if self.skip_if is None:
            return keys.clear()
        facts = self.facts([self.skip_if])
        return facts.filter(evaluate(self.skip_if, facts).fill_null(value=False)).select(KEYS[self.grain])

    def evidence_lists(self, name: str, columns: Sequence[str]) -> pl.DataFrame:
        """Response evidence gathered per row: row_id and one list column per name, in response order.

        Columns of RESPONSES are read there, beside the evidence. A row without responses has null lists.
        """
        path = next(shard.path for shard in self.evidence if shard.name == name)
        own = [column for column in columns if column in RESPONSES.names]
        lines = _read(path, (*KEYS["response"], *(column for column in columns if column not in own)))
        if own:
            responses = _read(self.responses, (*KEYS["response"], *own))
            lines = lines.join(responses, on=KEYS["response"], how="left", maintain_order="left")
        lists = lines.group_by(ROW_ID, maintain_order=True)
        return _read(self.rows, (ROW_ID,)).join(
            lists.agg([pl.col(column) for column in columns]), on=ROW_ID, how="left", maintain_order="left"
        )


class EarlierPart(NamedTuple):
    """Rows of earlier data, numbered before those of the run."""

    first_row: int
    n_rows: int
    shards: tuple[Path, ...]
    """Tables of ROWS, in order."""
    kept: Path
    """row_id and keep of all its rows."""
    state: Path
    """Folder for what a stage wants to find again when these rows are earlier data once more."""

    def as_shards(self) -> tuple[Shard, ...]:
        """The rows, to be read; they have no responses and no evidence."""
        firsts = [read_parquet(path, [ROW_ID])[ROW_ID][0].as_py() for path in self.shards]
        return tuple(
            Shard("row", index, first, path, path)
            for index, (path, first) in enumerate(zip(self.shards, firsts, strict=True))
        )


class Inputs(NamedTuple):
    """All shards of a run, for a stage in which rows must meet."""

    shards: tuple[Shard, ...]
    grain: Grain
    bounds: tuple[int, ...]
    """First row_id of shards 1, 2, ...: `Engine.shuffle(..., bounds=bounds)` restores shard order."""
    earlier: tuple[EarlierPart, ...] = ()
    """Data that the rows are compared with too; evidence is about the shards alone."""
    state: Path | None = None
    """Where these rows will be looked for as earlier data; null: they will not be."""

    @property
    def first_row(self) -> int:
        """row_id of the first row of the shards: every smaller one is of earlier data."""
        return min(shard.first_row for shard in self.shards)

    def kept_earlier(self) -> npt.NDArray[np.bool_]:
        """By row_id, whether each row of the earlier data was kept."""
        parts = [read_parquet(part.kept, ["keep"])["keep"].to_numpy() for part in self.earlier]
        return np.concatenate([np.empty(0, dtype=np.bool_), *parts])


TAKEN = "taken.parquet"
"""Written to its folder by a stage that compared with earlier data: `group` (a cluster_id that the evidence
names) and `row_id` (the smallest kept row of earlier data in it)."""

TAKEN_SCHEMA = pa.schema([("group", pa.int64()), (ROW_ID, pa.int64())])


def _columns_of(texts: Iterable[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for text in texts:
        for table, column in references(text):
            if column not in named.setdefault(table, []):
                named[table].append(column)
    return named


def _read(path: Path, columns: Sequence[str] | dict[str, None] | None = None) -> pl.DataFrame:
    frame = pl.from_arrow(read_parquet(path, None if columns is None else list(columns)))
    assert isinstance(frame, pl.DataFrame)
    return frame
