"""What a run leaves behind: training-ready records, dropped and undecided rows, linked input and evidence."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curate.export import FORMATS, Options, shuffle_key
from curate.flow import (
    RESPONSE_ID,
    ROW_ID,
    Dataset,
    Engine,
    read_parquet,
)
from curate.ingest import Ingested
from curate.pipeline.cutting import cut_responses, cut_rows, read_cuts, shard_cuts
from curate.pipeline.deciding import Verdicts
from curate.pipeline.files import link
from curate.pipeline.measuring import Evidence
from curate.pipeline.originals import (
    OTHERS,
    KeptShard,
    encoded_bytes,
    kept_lines,
    kept_originals,
    kept_paths,
    write_originals,
    write_others,
)
from curate.pipeline.replacing import replace_answers, with_replaced
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
            place=i,
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
        return write_originals(items, ingested, n_kept, output.shard_bytes, work), name
    fn = functools.partial(_records_of_shard, name, options, seed, output.max_responses_per_row, work)
    parts = engine.map(fn, items, work / "records", runs="thread", label=f"writing {name}")
    n_bytes = sum(encoded_bytes(path) for path in parts.shards)
    n_shards = max(1, min(parts.n_rows, -(-n_bytes // output.shard_bytes)))
    first, span = (ingested.first_row, ingested.n_rows) if seed == "none" else (0, 1 << 63)
    bounds = [first + i * span // n_shards for i in range(1, n_shards)]
    whole = engine.shuffle(parts, ORDER, _in_order, work / "ordered", bounds=bounds)
    kept = kept_paths(work, n_shards)
    for source, target in zip(whole.shards, kept, strict=True):
        source.replace(target)
    shutil.rmtree(work / "records")
    shutil.rmtree(work / "ordered")
    return Dataset(kept), name


ORIGINAL = "original"
"""The format that is none: the kept rows with the columns they came with."""
WRITTEN_AT_ONCE = 1_024
"""Records that are put in order and held, of a file that is being written."""
ORDER, ORDER_ROW, ORDER_RESPONSE = "__order", "__order_row", "__order_response"


def _records_of_shard(
    fmt: str,
    options: Options,
    seed: int | Literal["none"],
    max_responses: int | None,
    work: Path,
    shard: KeptShard,
) -> pa.Table:
    """The records of the rows that are kept; the other rows are written where they belong."""
    originals = read_parquet(shard.originals)
    write_others(originals, shard, work)
    rows = kept_lines(shard.rows, shard.verdicts, "row")
    cuts = read_cuts(shard.cuts, shard.rows, shard.responses) if shard.cuts and fmt != ORIGINAL else {}
    rows = with_replaced(cut_rows(rows, cuts), shard.replaced)
    lines = rows.with_columns(pl.lit(0, dtype=pl.Int32).alias(RESPONSE_ID))
    if fmt == ORIGINAL:
        table = kept_originals(originals, read_parquet(shard.verdicts, ["keep"])["keep"], shard)
    elif FORMATS[fmt].grain == "row":
        table = FORMATS[fmt].records(_with_pass_rate(rows, shard.pass_rate), None, options)
    else:
        lines = cut_responses(kept_lines(shard.responses, shard.response_verdicts, "response"), cuts)
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


def _with_pass_rate(rows: pl.DataFrame, evidence: Path | None) -> pl.DataFrame:
    if evidence is None:
        return rows
    rates = pl.from_arrow(read_parquet(evidence, [ROW_ID, "pass_rate"]))
    assert isinstance(rates, pl.DataFrame)
    return rows.join(rates, on=ROW_ID, how="left", maintain_order="left")


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
