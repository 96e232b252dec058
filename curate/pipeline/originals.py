"""The rows of a run as they came: those that are kept, if that is the format, and those that are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.flow import (
    KEYS,
    RESPONSE_ID,
    ROW_ID,
    Dataset,
    Grain,
    read_parquet,
    shard_path,
    write_parquet,
    write_tables,
)
from curate.ingest import Ingested
from curate.pipeline.cutting import ShardCuts, cut_originals, read_cuts
from curate.pipeline.replacing import replacements


class KeptShard(NamedTuple):
    """Files of one shard that its records are made from."""

    place: int
    rows: Path
    responses: Path
    originals: Path
    verdicts: Path
    response_verdicts: Path
    pass_rate: Path | None  # evidence with a pass rate, for the formats that carry it
    judged_responses: bool  # the recipe has rules about responses, and there are some
    cuts: ShardCuts | None = None  # what mask rules cut of the kept lines
    masks: bool = False  # the recipe has mask rules
    replaced: Path | None = None  # new ground truths, if the recipe has rules that replace them


OTHERS = {"dropped": ["reasons", "kept_instead"], "undecided": ["undecided"]}
"""Folders of the rows that are not kept, and what is said of each row before its original columns."""


MASKED = pa.list_(pa.string())


def write_originals(
    shards: Sequence[KeptShard], ingested: Ingested, n_kept: int, shard_bytes: int, work: Path
) -> Dataset:
    """The format `original` in the order of the input: each shard is read once, no text is written twice.

    The share of the rows that is kept says how many files it takes; each covers as many row_ids.
    """
    n_bytes = sum(encoded_bytes(shard.originals) for shard in shards) * n_kept // ingested.n_rows
    n_files = max(1, min(n_kept, -(-n_bytes // shard_bytes)))
    tables = _sorted_out(shards, work)
    rest = next(tables, None)
    assert rest is not None, "there is at least one shard"
    schema = rest.schema

    def rows_before(end: int) -> Iterator[pa.Table]:
        nonlocal rest
        while rest is not None:
            n_before = int(np.searchsorted(rest[ROW_ID].to_numpy(), end))
            yield rest.slice(0, n_before)
            if n_before < rest.num_rows:
                rest = rest.slice(n_before)
                return
            rest = next(tables, None)

    paths = kept_paths(work, n_files)
    for index, path in enumerate(paths, start=1):
        write_tables(rows_before(ingested.first_row + index * ingested.n_rows // n_files), schema, path)
    assert rest is None, "every kept row is written"
    return Dataset(paths)


def _sorted_out(shards: Sequence[KeptShard], work: Path) -> Iterator[pa.Table]:
    """The kept rows of each shard; the others are written. A shard is read while the one before is used."""
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(_sort_out, shards[0], work)
        for index in range(1, len(shards) + 1):
            table = following.result()
            if index < len(shards):
                following = reader.submit(_sort_out, shards[index], work)
            yield table


def _sort_out(shard: KeptShard, work: Path) -> pa.Table:
    originals = read_parquet(shard.originals)
    write_others(originals, shard, work)
    return kept_originals(originals, read_parquet(shard.verdicts, ["keep"])["keep"], shard)


def kept_originals(table: pa.Table, keep: pa.ChunkedArray, shard: KeptShard) -> pa.Table:
    """The kept rows as they came, and, where responses were judged, which of them are kept.

    Of a recipe with mask rules without what these cut, and with the rules that cut something of the row.
    """
    table = table.filter(keep.combine_chunks())
    if shard.cuts is not None:
        table = cut_originals(table, read_cuts(shard.cuts, shard.rows, shard.responses))
    rows = pl.DataFrame({ROW_ID: table[ROW_ID].to_numpy()})
    if shard.masks:
        name = own_name("masked", table.column_names)
        table = table.append_column(name, masked_by(shard.cuts, rows))
    if shard.replaced is not None:
        name = own_name("new_answer", table.column_names)
        table = table.append_column(name, replacements(rows[ROW_ID], shard.replaced))
    if not shard.judged_responses:
        return table
    name = own_name("kept_responses", table.column_names)
    return table.append_column(name, _kept_responses(shard, rows))


def _kept_responses(shard: KeptShard, rows: pl.DataFrame) -> pa.Array:
    """Per kept row the response_ids that no rule dropped: `original` keeps the columns as they came."""
    kept = kept_lines(shard.responses, shard.response_verdicts, "response").select(ROW_ID, RESPONSE_ID)
    lists = kept.group_by(ROW_ID).agg(pl.col(RESPONSE_ID).sort())
    joined = rows.select(ROW_ID).join(lists, on=ROW_ID, how="left", maintain_order="left")[RESPONSE_ID]
    return joined.to_arrow().cast(pa.list_(pa.int32()))


def write_others(originals: pa.Table, shard: KeptShard, work: Path) -> None:
    """The rows of one shard that are dropped or undecided, and those that are masked, as they came.

    Only the first shard writes a file of none.
    """
    judged = read_parquet(shard.verdicts)
    if shard.masks:
        (work / "masked").mkdir(exist_ok=True)
        masked = masked_by(shard.cuts, pl.DataFrame({ROW_ID: originals[ROW_ID].to_numpy()}))
        cut = pc.greater(pc.list_value_length(masked), 0)
        if cut.true_count or not shard.place:
            name = own_name("masked", originals.column_names)
            table = originals.filter(cut).add_column(1, name, masked.filter(cut))
            write_parquet(table, shard_path(work / "masked", shard.place))
    dropped = pc.greater(pc.list_value_length(judged["reasons"]), 0).combine_chunks()
    undecided = pc.invert(pc.or_(dropped, judged["keep"].combine_chunks()))
    for folder, mask in (("dropped", dropped), ("undecided", undecided)):
        if shard.place and not mask.true_count:
            continue
        table, why = originals.filter(mask), judged.filter(mask)
        for place, column in enumerate(OTHERS[folder], start=1):
            name = own_name(column, table.column_names)
            table = table.add_column(place, pa.field(name, why.schema.field(column).type), why[column])
        write_parquet(table, shard_path(work / folder, shard.place))


def masked_by(cuts: ShardCuts | None, rows: pl.DataFrame) -> pa.Array:
    """Of each row the mask rules that cut something of it, or of a response of it."""
    none = pl.lit([], dtype=pl.List(pl.String))
    if cuts is None:
        return rows.with_columns(none.alias("masked"))["masked"].to_arrow().cast(MASKED)
    lines = pl.concat([cuts.row.select(ROW_ID, "reason"), cuts.response.select(ROW_ID, "reason")])
    order = list(cuts.tokens)
    names = lines.unique().sort(
        pl.col("reason").replace_strict(order, range(len(order)), return_dtype=pl.Int32)
    )
    lists = names.group_by(ROW_ID, maintain_order=True).agg(pl.col("reason").alias("masked"))
    joined = rows.select(ROW_ID).join(lists, on=ROW_ID, how="left", maintain_order="left")
    return joined.with_columns(pl.col("masked").fill_null(none))["masked"].to_arrow().cast(MASKED)


def kept_lines(table: Path, verdicts: Path, grain: Grain) -> pl.DataFrame:
    """The lines of a shard that are kept, in order."""
    keep = read_parquet(verdicts, ["keep"])["keep"]
    frame = pl.from_arrow(read_parquet(table).filter(keep.combine_chunks()))
    assert isinstance(frame, pl.DataFrame)
    return frame.sort(KEYS[grain])


def encoded_bytes(path: Path) -> int:
    """Bytes of a table as it is encoded, before compression."""
    footer = pq.read_metadata(path)
    return sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))


def kept_paths(work: Path, n_files: int) -> tuple[Path, ...]:
    """Where the files of a run's kept records go."""
    return tuple(work / "kept" / f"train-{index:05d}-of-{n_files:05d}.parquet" for index in range(n_files))


def own_name(column: str, taken: Sequence[str]) -> str:
    """The name of a column of ours beside original ones: never one of theirs.

    >>> own_name("reasons", ["id", "reasons"])
    'curate_reasons'
    """
    while column in taken:
        column = f"curate_{column}"
    return column
