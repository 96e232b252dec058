"""The records of masked rows without what is cut of them: canonical tables, and the columns of the input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curate.errors import RunError
from curate.flow import KEYS, ROW_ID, Grain, read_parquet
from curate.masking import Cut, Place, without

Cuts = dict[int, list[Cut]]
"""By row_id: of the prompt, and of the responses, that something is cut of."""
Lines = npt.NDArray[np.int64]


class ShardCuts(NamedTuple):
    """What is cut of the kept lines of one shard: key columns, reason, start, end; see `find_cuts`."""

    row: pl.DataFrame
    response: pl.DataFrame
    tokens: Mapping[str, str]
    """What stands where a passage was, by reason."""

    @property
    def row_ids(self) -> pl.Series:
        """Rows that something is cut of, ascending."""
        return pl.concat([self.row[ROW_ID], self.response[ROW_ID]]).unique().sort()


def shard_cuts(
    cuts: Mapping[Grain, pl.DataFrame], tokens: Mapping[str, str], first: int, end: int | None
) -> ShardCuts | None:
    """The cuts of the rows from `first` up to `end` (None: all that follow); null if there are none."""
    parts: dict[Grain, pl.DataFrame] = {}
    for grain in KEYS:
        found = cuts.get(grain, pl.DataFrame(schema=_empty(grain)))
        here = pl.col(ROW_ID) >= first
        parts[grain] = found.filter(here if end is None else here & (pl.col(ROW_ID) < end))
    made = ShardCuts(parts["row"], parts["response"], tokens)
    return made if len(made.row_ids) else None


def _empty(grain: Grain) -> dict[str, pl.DataType]:
    keys = {name: pl.Int64() if name == ROW_ID else pl.Int32() for name in KEYS[grain]}
    return {**keys, "reason": pl.String(), "start": pl.Int32(), "end": pl.Int32()}


def read_cuts(cuts: ShardCuts, rows: Path, responses: Path) -> Cuts:
    """The cuts with their texts, from the shard's canonical tables."""
    found: Cuts = {}
    for lines, path, grain, column in (
        (cuts.row, rows, "row", "prompt"),
        (cuts.response, responses, "response", "response"),
    ):
        keys = KEYS["row" if grain == "row" else "response"]
        if lines.is_empty():
            continue
        texts = pl.from_arrow(read_parquet(path, [*keys, column]))
        assert isinstance(texts, pl.DataFrame)
        places = lines.group_by(keys, maintain_order=True).agg("start", "end", "reason")
        joined = places.join(texts, on=list(keys), how="left", maintain_order="left")
        for row_id, text, starts, ends, reasons in joined.select(
            ROW_ID, column, "start", "end", "reason"
        ).iter_rows():
            tokens = [cuts.tokens[reason] for reason in reasons]
            found.setdefault(row_id, []).append(Cut(text, _apart(zip(starts, ends, tokens, strict=True))))
    return found


def _apart(places: Iterable[Place]) -> tuple[Place, ...]:
    """Places of several rules, those that overlap as one with the token of the first."""
    made: list[Place] = []
    for start, end, token in sorted(places):
        if made and start < made[-1][1]:
            made[-1] = made[-1][0], max(end, made[-1][1]), made[-1][2]
        else:
            made.append((start, end, token))
    return tuple(made)


def cut_rows(rows: pl.DataFrame, cuts: Cuts) -> pl.DataFrame:
    """Lines of ROWS: prompt, system prompt and turns without what is cut."""

    def cut(line: dict[str, object]) -> dict[str, object]:
        here = cuts[line[ROW_ID]]  # type: ignore[index]
        turns = line["turns"]
        return {
            **line,
            "prompt": _of(line["prompt"], here),
            "system": _of(line["system"], here),
            "turns": [{**turn, "content": _of(turn["content"], here)} for turn in turns]
            if isinstance(turns, list)
            else None,
        }

    return _changed(rows, cuts, cut)


def cut_responses(responses: pl.DataFrame, cuts: Cuts) -> pl.DataFrame:
    """Lines of RESPONSES without what is cut of them, and of their rows."""
    return _changed(
        responses,
        cuts,
        lambda line: {**line, "response": _of(line["response"], cuts[line[ROW_ID]])},  # type: ignore[index]
    )


def _of(text: object, cuts: Sequence[Cut]) -> str | None:
    return without(text, cuts) if isinstance(text, str) else None


def _changed(
    lines: pl.DataFrame, cuts: Cuts, change: Callable[[dict[str, object]], dict[str, object]]
) -> pl.DataFrame:
    """The lines, those of rows that something is cut of changed, in their order."""
    masked = pl.Series([row_id in cuts for row_id in lines[ROW_ID].to_list()], dtype=pl.Boolean)
    if not masked.any():
        return lines
    made = pl.DataFrame([change(line) for line in lines.filter(masked).iter_rows(named=True)], lines.schema)
    order = pl.Series("place", np.argsort(np.concatenate([np.flatnonzero(~masked), np.flatnonzero(masked)])))
    return pl.concat([lines.filter(~masked), made])[order]


def cut_originals(table: pa.Table, cuts: Cuts) -> pa.Table:
    """Rows with the columns they came with: every text of a masked row without what is cut.

    Raises RunError if something that is cut stands in no column, because the prompt was put together of other
    than texts.
    """
    row_ids = table[ROW_ID].to_numpy()
    places = np.flatnonzero(np.isin(row_ids, list(cuts)))
    if not len(places):
        return table
    left = {(row_id, number) for row_id in row_ids[places].tolist() for number in range(len(cuts[row_id]))}

    def cut(line: int, text: str) -> str:
        row_id = int(row_ids[line])
        for number, one in enumerate(cuts[row_id]):
            if (row_id, number) in left and without(text, [one]) != text:
                left.discard((row_id, number))
        return without(text, cuts[row_id])

    some = table.take(pa.array(places)).combine_chunks()
    columns = [
        column if name == ROW_ID else _rewritten(_one(column), places, cut)
        for name, column in zip(some.column_names, some.columns, strict=True)
    ]
    if left:
        rows = sorted({row_id for row_id, _ in left})
        more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        raise RunError(
            f"row {rows[0]}{more}: what a mask rule cuts is in no column of the input as text: the prompt "
            "was put together of other values. Write a format that is made of the prompt (output.format: "
            "messages, verl, trl, ...), or use a drop rule."
        )
    changed = pa.table(columns, schema=table.schema)
    order = np.arange(len(row_ids))
    order[places] = len(row_ids) + np.arange(len(places))
    return pa.concat_tables([table, changed]).take(pa.array(order)).combine_chunks()


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)


def _rewritten(array: pa.Array, lines: Lines, change: Callable[[int, str], str]) -> pa.Array:
    """The array with every text in it, however deep, changed; `lines` says which line each value is of."""
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        texts = array.to_pylist()
        pairs = zip(lines.tolist(), texts, strict=True)
        return pa.array([None if text is None else change(line, text) for line, text in pairs], kind)
    if pa.types.is_struct(kind):
        fields = [_rewritten(array.field(number), lines, change) for number in range(kind.num_fields)]
        return pa.StructArray.from_arrays(fields, fields=list(kind), mask=array.is_null())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        sizes = np.diff(array.offsets.to_numpy())
        values = _rewritten(array.values, np.repeat(lines, sizes), change)
        return type(array).from_arrays(array.offsets, values, type=kind, mask=array.is_null())
    return array
