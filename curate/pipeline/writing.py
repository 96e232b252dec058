"""What a run leaves behind: training-ready records, dropped and undecided rows, linked input and evidence."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.export import FORMATS, Options, shuffle_key
from curate.flow import KEYS, RESPONSE_ID, ROW_ID, Dataset, Engine, Grain, shard_path, write_parquet
from curate.ingest import Ingested
from curate.pipeline.deciding import Verdicts
from curate.pipeline.files import link
from curate.pipeline.measuring import Evidence
from curate.recipe import Recipe


def write_kept(
    recipe: Recipe,
    ingested: Ingested,
    evidence: Mapping[str, Evidence],
    verdicts: Verdicts,
    engine: Engine,
    work: Path,
) -> tuple[Dataset, str]:
    """kept/: the records of the kept rows in the chosen format, shuffled; and the format's name."""
    output = recipe.output
    name = output.format
    if name == "auto":
        name = "messages" if ingested.n_responses else "verl"
    options = Options(
        system=output.system, prompt_suffix=output.prompt_suffix, data_source=output.data_source
    )
    rates = [item.dataset.shards for item in evidence.values() if "pass_rate" in item.columns]
    items = [
        KeptShard(
            rows=ingested.rows.shards[i],
            responses=ingested.responses.shards[i],
            originals=ingested.originals.shards[i],
            verdicts=verdicts.rows.shards[i],
            response_verdicts=verdicts.responses.shards[i],
            pass_rate=rates[0][i] if rates else None,
            judged_responses=bool(ingested.n_responses and verdicts.reasons["response"]),
        )
        for i in range(len(ingested.rows.shards))
    ]
    seed = output.shuffle_seed
    if seed is None:
        seed = "none" if name == ORIGINAL else 0
    fn = functools.partial(_records_of_shard, name, options, seed, output.max_responses_per_row)
    parts = engine.map(fn, items, work / "records", runs="thread", label=f"writing {name}")
    n_bytes = sum(
        pq.read_metadata(p).row_group(g).total_byte_size
        for p in parts.shards
        for g in range(pq.read_metadata(p).num_row_groups)
    )
    n_shards = max(1, min(parts.n_rows, -(-n_bytes // output.shard_bytes)))
    span = ingested.n_rows if seed == "none" else 1 << 63
    bounds = [i * span // n_shards for i in range(1, n_shards)]
    whole = engine.shuffle(parts, ORDER, _in_order, work / "ordered", bounds=bounds)
    kept = work / "kept"
    kept.mkdir()
    paths = []
    for index, path in enumerate(whole.shards):
        paths.append(kept / f"train-{index:05d}-of-{n_shards:05d}.parquet")
        path.replace(paths[-1])
    shutil.rmtree(work / "records")
    shutil.rmtree(work / "ordered")
    return Dataset(tuple(paths)), name


ORIGINAL = "original"
"""The format that is none: the kept rows with the columns they came with."""
ORDER, ORDER_ROW, ORDER_RESPONSE = "__order", "__order_row", "__order_response"


class KeptShard(NamedTuple):
    """Files of one shard that its records are made from."""

    rows: Path
    responses: Path
    originals: Path
    verdicts: Path
    response_verdicts: Path
    pass_rate: Path | None  # evidence with a pass rate, for the formats that carry it
    judged_responses: bool  # the recipe has rules about responses, and there are some


def _records_of_shard(
    fmt: str, options: Options, seed: int | Literal["none"], max_responses: int | None, shard: KeptShard
) -> pa.Table:
    rows = _kept_lines(shard.rows, shard.verdicts, "row")
    lines = rows.with_columns(pl.lit(0, dtype=pl.Int32).alias(RESPONSE_ID))
    if fmt == ORIGINAL:
        table = pq.read_table(shard.originals)
        table = table.filter(pc.is_in(table[ROW_ID], pa.array(rows[ROW_ID].to_numpy())))
        if shard.judged_responses:
            name = own_name("kept_responses", table.column_names)
            table = table.append_column(name, _kept_responses(shard, rows))
    elif FORMATS[fmt].grain == "row":
        table = FORMATS[fmt].records(_with_pass_rate(rows, shard.pass_rate), None, options)
    else:
        lines = _kept_lines(shard.responses, shard.response_verdicts, "response")
        lines = lines.join(rows.select(ROW_ID), on=ROW_ID, how="semi", maintain_order="left")
        if max_responses is not None:
            lines = lines.filter(pl.int_range(pl.len()).over(ROW_ID) < max_responses)
        table = FORMATS[fmt].records(_with_pass_rate(rows, shard.pass_rate), lines, options)
    row_id, response_id = lines[ROW_ID].to_numpy(), lines[RESPONSE_ID].to_numpy()
    if seed == "none":
        order = row_id
    else:
        order = (shuffle_key(seed, row_id, response_id) >> np.uint64(1)).astype(np.int64)
    keys = {ORDER: order, ORDER_ROW: row_id, ORDER_RESPONSE: response_id}
    for name, values in keys.items():
        table = table.append_column(name, pa.array(values))
    return table


def _kept_responses(shard: KeptShard, rows: pl.DataFrame) -> pa.Array:
    """Per kept row the response_ids that no rule dropped: `original` keeps the columns as they came."""
    kept = _kept_lines(shard.responses, shard.response_verdicts, "response").select(ROW_ID, RESPONSE_ID)
    lists = kept.group_by(ROW_ID).agg(pl.col(RESPONSE_ID).sort())
    joined = rows.select(ROW_ID).join(lists, on=ROW_ID, how="left", maintain_order="left")[RESPONSE_ID]
    return joined.to_arrow().cast(pa.list_(pa.int32()))


def _with_pass_rate(rows: pl.DataFrame, evidence: Path | None) -> pl.DataFrame:
    if evidence is None:
        return rows
    rates = pl.from_arrow(pq.read_table(evidence, columns=[ROW_ID, "pass_rate"]))
    assert isinstance(rates, pl.DataFrame)
    return rows.join(rates, on=ROW_ID, how="left", maintain_order="left")


def _kept_lines(table: Path, verdicts: Path, grain: Grain) -> pl.DataFrame:
    keep = pq.read_table(verdicts, columns=["keep"])["keep"]
    frame = pl.from_arrow(pq.read_table(table).filter(keep.combine_chunks()))
    assert isinstance(frame, pl.DataFrame)
    return frame.sort(KEYS[grain])


def _in_order(table: pa.Table) -> pa.Table:
    keys = [ORDER, ORDER_ROW, ORDER_RESPONSE]  # the ids break ties of the shuffle key
    order = pc.sort_indices(table.select(keys), [(key, "ascending") for key in keys])
    return table.drop_columns(keys).take(order).combine_chunks()


def write_others(ingested: Ingested, verdicts: Verdicts, work: Path) -> None:
    """dropped/ and undecided/: the original columns, and why."""
    for folder, columns in (("dropped", ["reasons", "kept_instead"]), ("undecided", ["undecided"])):
        (work / folder).mkdir()
        for index, (originals, judged) in enumerate(
            zip(ingested.originals.shards, verdicts.rows.shards, strict=True)
        ):
            table = pq.read_table(judged)
            n_reasons = pc.list_value_length(table["reasons"])
            dropped = pc.greater(n_reasons, 0)
            mask = dropped if folder == "dropped" else pc.invert(pc.or_(dropped, table["keep"]))
            source = pq.read_table(originals).filter(mask.combine_chunks())
            why = table.filter(mask.combine_chunks())
            for place, column in enumerate(columns, start=1):
                name = own_name(column, source.column_names)
                source = source.add_column(place, pa.field(name, why.schema.field(column).type), why[column])
            if source.num_rows or index == 0:
                write_parquet(source.combine_chunks(), shard_path(work / folder, index))


def own_name(column: str, taken: Sequence[str]) -> str:
    """The name of a column of ours beside original ones: never one of theirs.

    >>> own_name("reasons", ["id", "reasons"])
    'curate_reasons'
    """
    while column in taken:
        column = f"curate_{column}"
    return column


def link_inputs(ingested: Ingested, evidence: Mapping[str, Evidence], work: Path) -> None:
    """input/, evidence/ and quarantined/: hard links to the cache."""
    tables: dict[str, Sequence[Path]] = {
        "input/rows": ingested.rows.shards,
        "input/responses": ingested.responses.shards,
        "input/originals": ingested.originals.shards,
        **{f"evidence/{name}": item.dataset.shards for name, item in evidence.items()},
    }
    for folder, shards in tables.items():
        (work / folder).mkdir(parents=True)
        for shard in shards:
            link(shard, work / folder / shard.name)
    for name, item in evidence.items():
        if item.taken is not None:
            (work / "taken").mkdir(exist_ok=True)
            link(item.taken, work / "taken" / f"{name}.parquet")
    source = ingested.rows.shards[0].parent.parent
    link(source / "ingest.json", work / "input" / "ingest.json")
    quarantined = source / "quarantined"
    if quarantined.is_dir():
        (work / "quarantined").mkdir()
        for path in sorted(quarantined.glob("*.parquet")):
            link(path, work / "quarantined" / path.name)
