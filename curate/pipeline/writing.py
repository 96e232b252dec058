"""What a run leaves behind: training-ready records, dropped and undecided rows, linked input and evidence."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from curate.export import FORMATS, Options, shuffle_key
from curate.flow import (
    KEYS,
    RESPONSE_ID,
    ROW_ID,
    Dataset,
    Engine,
    Grain,
    read_parquet,
    shard_path,
    write_parquet,
    write_tables,
)
from curate.ingest import Ingested
from curate.pipeline.cutting import ShardCuts, cut_originals, cut_responses, cut_rows, read_cuts, shard_cuts
from curate.pipeline.deciding import Verdicts
from curate.pipeline.files import link
from curate.pipeline.measuring import Evidence
from curate.pipeline.replacing import replace_answers, replacements, with_replaced
from curate.recipe import Recipe


def write_rows(
    recipe: Recipe,
    ingested: Ingested,
    evidence: Mapping[str, Evidence],
    verdicts: Verdicts,
    engine: Engine,
    work: Path,
) -> tuple[Dataset, str]:
    """kept/, dropped/ and undecided/: records of the kept rows in the chosen format, whose name is returned
    too; of the other rows the original columns, and why."""
    output = recipe.output
    name = output.format
    if name == "auto":
        name = "messages" if ingested.n_responses else "verl"
    options = Options(
        system=output.system, prompt_suffix=output.prompt_suffix, data_source=output.data_source
    )
    rates = [item.dataset.shards for item in evidence.values() if "pass_rate" in item.columns]
    tokens = {reason: rule.replace_with for reason, rule in recipe.mask.items()}
    lows = [ingested.first_row, *ingested.bounds]
    replaced = replace_answers(recipe, ingested, evidence, verdicts.rows, work)
    items = [
        KeptShard(
            rows=ingested.rows.shards[i],
            responses=ingested.responses.shards[i],
            originals=ingested.originals.shards[i],
            verdicts=verdicts.rows.shards[i],
            response_verdicts=verdicts.responses.shards[i],
            pass_rate=rates[0][i] if rates else None,
            judged_responses=bool(ingested.n_responses and verdicts.reasons["response"]),
            cuts=shard_cuts(verdicts.cuts, tokens, lows[i], lows[i + 1] if i + 1 < len(lows) else None)
            if recipe.mask
            else None,
            masks=bool(recipe.mask),
            replaced=replaced[i] if replaced else None,
        )
        for i in range(len(ingested.rows.shards))
    ]
    for folder in ("kept", *OTHERS):
        (work / folder).mkdir()
    seed = output.shuffle_seed
    if seed is None:
        seed = "none" if name == ORIGINAL else 0
    if name == ORIGINAL and seed == "none":
        n_kept = verdicts.counts["rows"]["kept"]
        return _write_originals(items, ingested, n_kept, output.shard_bytes, work), name
    for index, shard in enumerate(items):
        _write_others(read_parquet(shard.originals), shard, index, work)
    fn = functools.partial(_records_of_shard, name, options, seed, output.max_responses_per_row)
    parts = engine.map(fn, items, work / "records", runs="thread", label=f"writing {name}")
    n_bytes = sum(_n_bytes(path) for path in parts.shards)
    n_shards = max(1, min(parts.n_rows, -(-n_bytes // output.shard_bytes)))
    first, span = (ingested.first_row, ingested.n_rows) if seed == "none" else (0, 1 << 63)
    bounds = [first + i * span // n_shards for i in range(1, n_shards)]
    whole = engine.shuffle(parts, ORDER, _in_order, work / "ordered", bounds=bounds)
    kept = _kept_paths(work, n_shards)
    for source, target in zip(whole.shards, kept, strict=True):
        source.replace(target)
    shutil.rmtree(work / "records")
    shutil.rmtree(work / "ordered")
    return Dataset(kept), name


def _kept_paths(work: Path, n_files: int) -> tuple[Path, ...]:
    return tuple(work / "kept" / f"train-{index:05d}-of-{n_files:05d}.parquet" for index in range(n_files))


ORIGINAL = "original"
"""The format that is none: the kept rows with the columns they came with."""
WRITTEN_AT_ONCE = 1_024
"""Records that are put in order and held, of a file that is being written."""
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
    cuts: ShardCuts | None = None  # what mask rules cut of the kept lines
    masks: bool = False  # the recipe has mask rules
    replaced: Path | None = None  # new ground truths, if the recipe has rules that replace them


def _records_of_shard(
    fmt: str, options: Options, seed: int | Literal["none"], max_responses: int | None, shard: KeptShard
) -> pa.Table:
    rows = _kept_lines(shard.rows, shard.verdicts, "row")
    cuts = read_cuts(shard.cuts, shard.rows, shard.responses) if shard.cuts and fmt != ORIGINAL else {}
    rows = with_replaced(cut_rows(rows, cuts), shard.replaced)
    lines = rows.with_columns(pl.lit(0, dtype=pl.Int32).alias(RESPONSE_ID))
    if fmt == ORIGINAL:
        table = read_parquet(shard.originals)
        table = _kept_originals(table, read_parquet(shard.verdicts, ["keep"])["keep"], shard)
    elif FORMATS[fmt].grain == "row":
        table = FORMATS[fmt].records(_with_pass_rate(rows, shard.pass_rate), None, options)
    else:
        lines = cut_responses(_kept_lines(shard.responses, shard.response_verdicts, "response"), cuts)
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


def _kept_originals(table: pa.Table, keep: pa.ChunkedArray, shard: KeptShard) -> pa.Table:
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


MASKED = pa.list_(pa.string())


def _kept_responses(shard: KeptShard, rows: pl.DataFrame) -> pa.Array:
    """Per kept row the response_ids that no rule dropped: `original` keeps the columns as they came."""
    kept = _kept_lines(shard.responses, shard.response_verdicts, "response").select(ROW_ID, RESPONSE_ID)
    lists = kept.group_by(ROW_ID).agg(pl.col(RESPONSE_ID).sort())
    joined = rows.select(ROW_ID).join(lists, on=ROW_ID, how="left", maintain_order="left")[RESPONSE_ID]
    return joined.to_arrow().cast(pa.list_(pa.int32()))


def _with_pass_rate(rows: pl.DataFrame, evidence: Path | None) -> pl.DataFrame:
    if evidence is None:
        return rows
    rates = pl.from_arrow(read_parquet(evidence, [ROW_ID, "pass_rate"]))
    assert isinstance(rates, pl.DataFrame)
    return rows.join(rates, on=ROW_ID, how="left", maintain_order="left")


def _kept_lines(table: Path, verdicts: Path, grain: Grain) -> pl.DataFrame:
    keep = read_parquet(verdicts, ["keep"])["keep"]
    frame = pl.from_arrow(read_parquet(table).filter(keep.combine_chunks()))
    assert isinstance(frame, pl.DataFrame)
    return frame.sort(KEYS[grain])


def _in_order(table: pa.Table) -> Iterator[pa.Table]:
    keys = [ORDER, ORDER_ROW, ORDER_RESPONSE]  # the ids break ties of the shuffle key
    order = (
        pc.sort_indices(table.select(keys), [(key, "ascending") for key in keys]).to_numpy().astype(np.int64)
    )
    records = table.drop_columns(keys)
    for first in range(0, max(1, len(order)), WRITTEN_AT_ONCE):
        yield _lines(records, order[first : first + WRITTEN_AT_ONCE])


def _lines(table: pa.Table, lines: NDArray[np.int64]) -> pa.Table:
    """These lines of a table, in the order given; `Table.take` would copy all its chunks into one first."""
    batches = table.to_batches()
    starts = np.cumsum([0, *(batch.num_rows for batch in batches)])
    batch_of = np.searchsorted(starts, lines, side="right") - 1
    by_batch = np.argsort(batch_of, kind="stable")
    used, firsts = np.unique(batch_of[by_batch], return_index=True)
    parts = zip(used, np.split(lines[by_batch], firsts[1:]), strict=False)
    taken = [batches[index].take(pa.array(part - starts[index])) for index, part in parts]
    found = pa.Table.from_batches(taken, schema=table.schema).combine_chunks()
    return found.take(pa.array(np.argsort(by_batch)))


def _write_originals(
    shards: Sequence[KeptShard], ingested: Ingested, n_kept: int, shard_bytes: int, work: Path
) -> Dataset:
    """The format `original` in the order of the input: each shard is read once, no text is written twice.

    The share of the rows that is kept says how many files it takes; each covers as many row_ids.
    """
    n_bytes = sum(_n_bytes(shard.originals) for shard in shards) * n_kept // ingested.n_rows
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

    paths = _kept_paths(work, n_files)
    for index, path in enumerate(paths, start=1):
        write_tables(rows_before(ingested.first_row + index * ingested.n_rows // n_files), schema, path)
    assert rest is None, "every kept row is written"
    return Dataset(paths)


def _sorted_out(shards: Sequence[KeptShard], work: Path) -> Iterator[pa.Table]:
    """The kept rows of each shard; the others are written. A shard is read while the one before is used."""
    with ThreadPoolExecutor(1) as reader:
        following = reader.submit(_sort_out, shards[0], 0, work)
        for index in range(1, len(shards) + 1):
            table = following.result()
            if index < len(shards):
                following = reader.submit(_sort_out, shards[index], index, work)
            yield table


def _sort_out(shard: KeptShard, index: int, work: Path) -> pa.Table:
    originals = read_parquet(shard.originals)
    _write_others(originals, shard, index, work)
    return _kept_originals(originals, read_parquet(shard.verdicts, ["keep"])["keep"], shard)


OTHERS = {"dropped": ["reasons", "kept_instead"], "undecided": ["undecided"]}
"""Folders of the rows that are not kept, and what is said of each row before its original columns."""


def _write_others(originals: pa.Table, shard: KeptShard, index: int, work: Path) -> None:
    """The rows of one shard that are dropped or undecided, and those that are masked, as they came.

    Only the first shard writes a file of none.
    """
    judged = read_parquet(shard.verdicts)
    if shard.masks:
        (work / "masked").mkdir(exist_ok=True)
        masked = masked_by(shard.cuts, pl.DataFrame({ROW_ID: originals[ROW_ID].to_numpy()}))
        cut = pc.greater(pc.list_value_length(masked), 0)
        if cut.true_count or not index:
            name = own_name("masked", originals.column_names)
            table = originals.filter(cut).add_column(1, name, masked.filter(cut))
            write_parquet(table, shard_path(work / "masked", index))
    dropped = pc.greater(pc.list_value_length(judged["reasons"]), 0).combine_chunks()
    undecided = pc.invert(pc.or_(dropped, judged["keep"].combine_chunks()))
    for folder, mask in (("dropped", dropped), ("undecided", undecided)):
        if index and not mask.true_count:
            continue
        table, why = originals.filter(mask), judged.filter(mask)
        for place, column in enumerate(OTHERS[folder], start=1):
            name = own_name(column, table.column_names)
            table = table.add_column(place, pa.field(name, why.schema.field(column).type), why[column])
        write_parquet(table, shard_path(work / folder, index))


def _n_bytes(path: Path) -> int:
    """Bytes of a table as it is encoded, before compression."""
    footer = pq.read_metadata(path)
    return sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))


def own_name(column: str, taken: Sequence[str]) -> str:
    """The name of a column of ours beside original ones: never one of theirs.

    >>> own_name("reasons", ["id", "reasons"])
    'curate_reasons'
    """
    while column in taken:
        column = f"curate_{column}"
    return column


def link_inputs(ingested: Ingested, evidence: Mapping[str, Evidence], work: Path) -> dict[str, Path]:
    """input/, evidence/ and quarantined/: hard links to the cache; by path in the run, what each links to."""
    tables: dict[str, Sequence[Path]] = {
        "input/rows": ingested.rows.shards,
        "input/responses": ingested.responses.shards,
        "input/originals": ingested.originals.shards,
        **{f"evidence/{name}": item.dataset.shards for name, item in evidence.items()},
    }
    sources = {f"{folder}/{shard.name}": shard for folder, shards in tables.items() for shard in shards}
    sources.update({f"taken/{name}.parquet": item.taken for name, item in evidence.items() if item.taken})
    source = ingested.rows.shards[0].parent.parent
    sources["input/ingest.json"] = source / "ingest.json"
    quarantined = source / "quarantined"
    if not quarantined.is_dir():  # of a finished run it lies beside input/
        quarantined = source.parent / "quarantined"
    sources.update({f"quarantined/{path.name}": path for path in sorted(quarantined.glob("*.parquet"))})
    for name, path in sources.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        link(path, work / name)
    return sources
