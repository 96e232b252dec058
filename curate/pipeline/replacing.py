"""Ground truths that evidence replaces in what is written: of which rows, by what, what stood before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pyarrow as pa

from curate.flow import ROW_ID, Dataset, read_parquet, shard_path, write_parquet
from curate.ingest import Ingested
from curate.pipeline.measuring import Evidence, shards_of
from curate.predicate import evaluate
from curate.recipe import Recipe

REPLACED = pa.schema(
    [
        (ROW_ID, pa.int64()),
        ("answer", pa.large_string()),
        ("before", pa.large_string()),
        ("rule", pa.string()),
    ]
)


def replace_answers(
    recipe: Recipe, ingested: Ingested, evidence: Mapping[str, Evidence], verdicts: Dataset, work: Path
) -> tuple[Path, ...]:
    """replaced/: a line for every kept row whose ground truth is replaced; no files without such rules.

    The first rule that holds and has a value counts. A null, in `when` or in the value, replaces nothing.
    """
    if not recipe.replace:
        return ()
    folder = work / "replaced"
    folder.mkdir()
    rules = recipe.replace.items()
    texts = ["row.answer", *(text for _, rule in rules for text in (rule.when, rule.by))]
    for index, shard in enumerate(shards_of(ingested, evidence, "row", None)):
        facts = shard.facts(texts).filter(
            pl.from_arrow(read_parquet(verdicts.shards[index], ["keep"])["keep"])
        )
        found = facts.select(ROW_ID, evaluate("row.answer", facts).alias("before"))
        answer, rule_of = pl.lit(None, pl.String), pl.lit(None, pl.String)
        for name, rule in rules:
            holds = evaluate(rule.when, facts).cast(pl.Boolean).fill_null(value=False)
            value = pl.Series(f"by {name}", evaluate(rule.by, facts)).cast(pl.String)
            found = found.with_columns(value.set(~holds, None))
            answer = pl.coalesce(answer, pl.col(value.name))
            rule_of = pl.coalesce(rule_of, pl.when(pl.col(value.name).is_not_null()).then(pl.lit(name)))
        found = found.with_columns(answer.alias("answer"), rule_of.alias("rule"))
        found = found.filter(pl.col("answer").is_not_null())
        write_parquet(found.select(REPLACED.names).to_arrow().cast(REPLACED), shard_path(folder, index))
    return tuple(shard_path(folder, index) for index in range(len(ingested.rows.shards)))


def with_replaced(rows: pl.DataFrame, replaced: Path | None) -> pl.DataFrame:
    """Rows with the ground truths that replace theirs."""
    if replaced is None:
        return rows
    found = pl.DataFrame(read_parquet(replaced, [ROW_ID, "answer"])).rename({"answer": "__answer"})
    joined = rows.join(found, on=ROW_ID, how="left", maintain_order="left")
    return joined.with_columns(answer=pl.coalesce("__answer", "answer")).drop("__answer")


def replacements(row_ids: pl.Series, replaced: Path) -> pa.Array:
    """For each row the ground truth that replaces its own; null where it stays."""
    found = pl.DataFrame(read_parquet(replaced, [ROW_ID, "answer"]))
    rows = pl.DataFrame({ROW_ID: row_ids})
    return (
        rows.join(found, on=ROW_ID, how="left", maintain_order="left")["answer"].to_arrow().cast(pa.string())
    )


def count_replaced(work: Path) -> dict[str, int]:
    """Rows whose ground truth each rule replaced."""
    paths = sorted((work / "replaced").glob("*.parquet"))
    names = pl.concat([pl.DataFrame(read_parquet(path, ["rule"])) for path in paths])["rule"]
    return dict(names.value_counts(name="n").sort("rule").iter_rows())
