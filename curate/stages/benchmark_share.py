"""benchmark-share: how much of an evaluation set the rows of one source hold between them.

*Measures.* An earlier evidence names for each row the item it matches (`benchmark`, `item`); `when` says
which matches count. Of the rows with the same `row.source` (rows without one are a source too) the distinct
items they match are counted, set by set. Every row of a source gets the same line: the set of which its
source holds the largest share; ties go to the set named first. So a rule can drop a whole source:
`share.of_benchmark > 0.02`.

*Columns.*
- benchmark: set of which the source of the row holds the largest share; null if it holds no item of any
- of_benchmark: matched items / items of the set, 0 to 1; 0 if the source holds none
- items: matched items of that set
- benchmark_items: all its items, also those no rule can find; null if benchmark is
- source_rows: rows of the source that match an item of that set
- status: `ok`; `skipped`

*Not covered.* A row counts for the one item its evidence names: a row that holds three items counts for one,
so the share is a lower bound. Rows of earlier data (`source.earlier`) are not counted.

*Source.* Tülu 3, section 3.2: a data set is contaminated if more than 2 % of the items of an evaluation
match.

Two rows in and out, against a benchmark `aime` of 30 items, with the evidence leak as it is for row 0:

    {"row_id": 0, "source": "web", "leak": {"benchmark": "aime", "item": "7", "coverage": 1.0}}
    {"row_id": 1, "source": "web", "leak": {"benchmark": null, "item": null, "coverage": 0.0}}
    {"row_id": 0, "benchmark": "aime", "of_benchmark": 0.0333, "items": 1, "benchmark_items": 30,
     "source_rows": 1, "status": "ok"}
    {"row_id": 1, "benchmark": "aime", "of_benchmark": 0.0333, "items": 1, "benchmark_items": 30,
     "source_rows": 1, "status": "ok"}
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import pyarrow as pa
from pydantic import AfterValidator, Field

from curate.benchmarks.protect import resolve
from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage, StageParams
from curate.predicate import BUILT_IN, evaluate, tables_of
from curate.stages.inputs import Inputs, Shard

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("benchmark", pa.string()),
        ("of_benchmark", pa.float64()),
        ("items", pa.int32()),
        ("benchmark_items", pa.int32()),
        ("source_rows", pa.int32()),
        (STATUS, pa.string()),
    ]
)
_SCHEMA = pa.schema([(ROW_ID, pa.int64()), *EVIDENCE])

BENCHMARK, ITEM, SOURCE = "benchmark", "item", "source"
READS = (BENCHMARK, ITEM)
"""Columns of the earlier evidence."""


def one_evidence(when: str) -> str:
    """The predicate, if it names one evidence and nothing else; else ValueError."""
    named = tables_of([when])
    if len(named) != 1 or named[0] in BUILT_IN:
        raise ValueError("a predicate on one evidence with benchmark and item, as in leak.coverage > 0.5")
    return when


class BenchmarkShare(StageParams):
    """Which matches count, and of which sets they are."""

    stage: Literal["benchmark-share"]
    against: list[str] = Field(min_length=1)
    """The evaluation sets of the evidence that `when` names: the same list, so that their items are known."""
    against_column: str | None = None
    """Text column of the files that `against` names; by default recognised by its name."""
    when: Annotated[str, AfterValidator(one_evidence)]
    """Predicate on one earlier evidence: the matches that count, e.g. leak.coverage > 0.5."""

    def files(self) -> tuple[str, ...]:
        """The evaluation sets, whose items are counted."""
        return tuple(str(benchmark.file) for benchmark in resolve(self.against, self.against_column))

    def evidence_read(self) -> tuple[str, ...]:
        """The evidence that `when` names."""
        return tuple(tables_of([self.when]))


def find_shares(engine: Engine, inputs: Inputs, params: BenchmarkShare, folder: Path) -> Dataset:
    """Evidence of all shards, in their order."""
    name = "benchmark-share"
    read = functools.partial(read_matches, when=params.when)
    matches = engine.map(read, inputs.shards, folder / "matches", runs="thread", label=f"{name}: read")
    found = pl.concat([_frame(matches.read()), _frame(_MATCHES.empty_table())])
    shares = shares_of(found, item_counts(params))
    fn = functools.partial(evidence, shares=shares)
    return engine.map(fn, inputs.shards, folder / "evidence", runs="thread", label=f"{name}: evidence")


def item_counts(params: BenchmarkShare) -> dict[str, int]:
    """Items of each evaluation set, by its name in evidence, in the order named."""
    return {
        one.name: len(one.items().ids if one.text is not None else one.fingerprint().ids)
        for one in resolve(params.against, params.against_column)
    }


_MATCHES = pa.schema([(SOURCE, pa.large_string()), (BENCHMARK, pa.large_string()), (ITEM, pa.large_string())])


def read_matches(shard: Shard, when: str) -> pa.Table:
    """Source, benchmark and item of the rows whose match counts; where `when` is null it does not."""
    [name] = tables_of([when])
    texts = [when, *(f"{name}.{column}" for column in READS), f"row.{SOURCE}"]
    facts = shard.facts(texts, "row").join(shard.skip_mask(), on=ROW_ID, how="anti", maintain_order="left")
    chosen = facts.filter(evaluate(when, facts).fill_null(value=False)).select(
        pl.col("row").struct.field(SOURCE), *(pl.col(name).struct.field(column) for column in READS)
    )
    return chosen.filter(pl.col(ITEM).is_not_null()).to_arrow().cast(_MATCHES)


def shares_of(matches: pl.DataFrame, n_items: dict[str, int]) -> pl.DataFrame:
    """Of each source with a match the set of which it holds most.

    >>> matches = pl.DataFrame({"source": ["a", "a"], "benchmark": ["x", "x"], "item": ["1", "1"]})
    >>> shares_of(matches, {"x": 4}).rows()
    [('a', 'x', 0.25, 1, 4, 2)]
    """
    sets = pl.DataFrame(
        {
            BENCHMARK: list(n_items),
            "benchmark_items": pl.Series(list(n_items.values()), dtype=pl.Int32),
            "order": range(len(n_items)),
        },
        schema_overrides={BENCHMARK: pl.String},
    )
    counted = matches.group_by(SOURCE, BENCHMARK).agg(
        pl.col(ITEM).n_unique().cast(pl.Int32).alias("items"), pl.len().cast(pl.Int32).alias("source_rows")
    )
    return (
        counted.join(sets, on=BENCHMARK, how="inner")
        .with_columns((pl.col("items") / pl.col("benchmark_items")).alias("of_benchmark"))
        .sort([pl.col("of_benchmark"), pl.col("order")], descending=[True, False])
        .unique(SOURCE, keep="first", maintain_order=True)
        .select(SOURCE, BENCHMARK, "of_benchmark", "items", "benchmark_items", "source_rows")
    )


def evidence(shard: Shard, shares: pl.DataFrame) -> pa.Table:
    """The evidence of one shard."""
    skipped = shard.skip_mask().with_columns(pl.lit("skipped").alias(STATUS))
    rows = (
        shard.read(SOURCE)
        .join(shares, on=SOURCE, how="left", nulls_equal=True, maintain_order="left")
        .join(skipped, on=ROW_ID, how="left", maintain_order="left")
    )
    ok = pl.col(STATUS).is_null()
    told = rows.with_columns(
        pl.when(ok).then(pl.col(BENCHMARK, "benchmark_items")),
        *(pl.when(ok).then(pl.col(name).fill_null(0)) for name in ("of_benchmark", "items", "source_rows")),
        pl.col(STATUS).fill_null("ok"),
    )
    return told.select(_SCHEMA.names).to_arrow().cast(_SCHEMA)


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


STAGE = Stage(
    name="benchmark-share",
    version=VERSION,
    grain="row",
    reads=READS,
    evidence=EVIDENCE,
    params=BenchmarkShare,
    whole=find_shares,
    runs="thread",
)
