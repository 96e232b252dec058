"""The guard `max-drop-share`: a rule that takes more of one source than it may stops the run.

A templated source that collapses into one cluster, or a pattern that fits a whole source, is most often a
mistake; it should be seen before anything is written, not when the data is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from curate.errors import RunError
from curate.flow import RESPONSE_ID, ROW_ID, read_parquet
from curate.ingest import Ingested
from curate.predicate import tables_of
from curate.recipe import DropRule, KeepOneRule, Recipe
from curate.report.text import printable

SOURCE = "source"
SHOWN_CHARS = 100
SHOWN_SOURCES = 3


class Share(NamedTuple):
    """Lines of one source, and how many of them a rule drops."""

    source: str | None
    dropped: int
    lines: int

    def told(self, unit: str) -> str:
        """Share, source and counts of a unit, to be shown."""
        name = "the rows without source" if self.source is None else f'source "{printable(self.source)}"'
        return f"{self.dropped / self.lines:.1%} of {name} ({self.dropped:,} of {self.lines:,} {unit})"


def check_drop_shares(
    recipe: Recipe,
    ingested: Ingested,
    rows: pl.DataFrame,
    responses: pl.DataFrame,
    orders: Mapping[str, pl.DataFrame],
) -> None:
    """Raise RunError if a rule drops a larger share of a source than its `max-drop-share`.

    rows, responses: of the lines that a rule with a limit drops, key columns, a boolean column per rule and,
    of rows, `kept_instead`; `orders`: row_id and `group` by keep-one rule, of all rows that share a group. Of
    a keep-one rule only rows count whose surviving copy is of the same
    source: a source that another one holds whole is no collapse. Rows without a source are one source.
    """
    rules: dict[str, DropRule | KeepOneRule] = {**recipe.drop, **recipe.keep_one}
    limits = {reason: rule.max_drop_share for reason, rule in rules.items()}
    if all(limit is None for limit in limits.values()):
        return
    source_of = _sources(ingested)  # at row_id - first_row
    problems = []
    for reason, limit in limits.items():
        if limit is None:
            continue
        judged = rows if reason in rows.columns else responses
        keys = [name for name in (ROW_ID, RESPONSE_ID, "kept_instead") if name in judged.columns]
        dropped = judged.filter(pl.col(reason)).select(keys)  # a reason may be called like a column of ours
        dropped = dropped.with_columns(source_of.gather(dropped[ROW_ID] - ingested.first_row).cast(pl.String))
        if reason in recipe.keep_one:
            dropped = _for_a_copy_in_the_same_source(dropped, source_of, ingested.first_row)
        lines = source_of if judged is rows else source_of.gather(_row_ids(ingested) - ingested.first_row)
        over = shares_over(dropped, lines.to_frame(), limit)
        if over:
            problems.append(_message(reason, rules[reason], over, dropped, source_of, orders, ingested))
    if problems:
        raise RunError("\n".join(problems))


def _sources(ingested: Ingested) -> pl.Series:
    """The source of every row, four bytes each."""
    parts = [
        pl.Series(read_parquet(shard, [SOURCE])[SOURCE]).cast(pl.Categorical)
        for shard in ingested.rows.shards
    ]
    return pl.concat(parts).alias(SOURCE)


def _row_ids(ingested: Ingested) -> pl.Series:
    """row_id of every response."""
    return pl.Series(ingested.responses.read([ROW_ID])[ROW_ID])


def shares_over(dropped: pl.DataFrame, lines: pl.DataFrame, limit: float) -> list[Share]:
    """Sources of which more than the limit is dropped, the largest share first. Both frames: `source`.

    >>> lines = pl.DataFrame({"source": ["a", "a", "a", None]})
    >>> shares_over(lines.head(2), lines, 0.5)
    [Share(source='a', dropped=2, lines=3)]
    """
    counts = lines.group_by(SOURCE).len("lines").with_columns(pl.col(SOURCE).cast(pl.String))
    counts = dropped.group_by(SOURCE).len("dropped").join(counts, on=SOURCE, nulls_equal=True)
    share = pl.col("dropped") / pl.col("lines")
    over = counts.filter(share > limit).sort(
        share, "dropped", SOURCE, descending=[True, True, False], nulls_last=True
    )
    return [Share(*line) for line in over.select(SOURCE, "dropped", "lines").iter_rows()]


def _for_a_copy_in_the_same_source(
    dropped: pl.DataFrame, source_of: pl.Series, first_row: int
) -> pl.DataFrame:
    """The dropped rows whose surviving copy is of their source; one in earlier data is of none."""
    here = dropped.filter(pl.col("kept_instead") >= first_row)
    of_copy = source_of.gather(here["kept_instead"] - first_row).cast(pl.String).alias("of_copy")
    return here.filter(here[SOURCE].eq_missing(of_copy))


def _message(
    reason: str,
    rule: DropRule | KeepOneRule,
    over: list[Share],
    dropped: pl.DataFrame,
    source_of: pl.Series,
    orders: Mapping[str, pl.DataFrame],
    ingested: Ingested,
) -> str:
    worst = over[0]
    of_worst = dropped.filter(pl.col(SOURCE).eq_missing(pl.lit(worst.source, dtype=pl.String)))
    if isinstance(rule, KeepOneRule):
        unit, table = "rows, for copies in the same source", f"[keep-one.{reason}]"
        what = _cluster(rule, of_worst, source_of, orders[reason], ingested)
        measured = " or ".join(f"[evidence.{name}]" for name in tables_of([rule.per]))
        change = f"If they are not copies, measure more strictly in {measured}."
    else:
        unit, table = "responses" if RESPONSE_ID in dropped.columns else "rows", f"[drop.{reason}]"
        what = _examples(of_worst, ingested)
        change = "If they should stay, change `when` there."
    others = "".join(f"\n  also {share.told(unit)}" for share in over[1:SHOWN_SOURCES])
    others += f"\n  and {len(over) - SHOWN_SOURCES:,} more sources" if len(over) > SHOWN_SOURCES else ""
    return (
        f"rule {reason} drops {worst.told(unit)}; its max-drop-share is {rule.max_drop_share:g}.{others}\n"
        f"{what.lines}\n"
        f"  If that is right, raise max-drop-share in {table}. {change} To see all of it, run once more with "
        f"max-drop-share = 1 (nothing is measured again), and then: {what.query}"
    )


class _Shown(NamedTuple):
    lines: str
    query: str  # a command that shows the whole of it


def _cluster(
    rule: KeepOneRule, dropped: pl.DataFrame, source_of: pl.Series, order: pl.DataFrame, ingested: Ingested
) -> _Shown:
    """The cluster that does most of it: its size, and the prompts of the row kept and of two victims."""
    biggest = (
        dropped.select(ROW_ID, SOURCE, "kept_instead")
        .join(order.select(ROW_ID, "group"), on=ROW_ID)
        .group_by("group")
        .agg(pl.len().alias("n"), pl.col(SOURCE).first(), pl.col("kept_instead", ROW_ID).sort_by(ROW_ID))
        .sort(pl.col("n"), pl.col(ROW_ID).list.first(), descending=[True, False])
        .row(0, named=True)
    )
    members = order.filter(pl.col("group") == biggest["group"])
    sources = source_of.gather(members[ROW_ID] - ingested.first_row).cast(pl.String)
    members = members.select(ROW_ID).with_columns(sources)
    here = members.filter(pl.col(SOURCE).eq_missing(pl.lit(biggest[SOURCE], dtype=pl.String))).height
    kept, victims = biggest["kept_instead"][0], biggest[ROW_ID][:2]
    prompts = _prompts(ingested, [kept, *victims])
    value = f"'{biggest['group']}'" if isinstance(biggest["group"], str) else biggest["group"]
    lines = [
        f"  Most of it is the cluster {rule.per} = {printable(str(value))}: {members.height:,} rows, "
        f"{here:,} of them in this source, of which {biggest['n']:,} go.",
        f"    kept    row {kept}: {prompts[kept]}",
        *(f"    dropped row {row_id}: {prompts[row_id]}" for row_id in victims),
    ]
    query = f'curate sql RUN "SELECT row_id, row.prompt FROM everything WHERE {rule.per} = {value}"'
    return _Shown("\n".join(lines), printable(query))


def _examples(dropped: pl.DataFrame, ingested: Ingested) -> _Shown:
    """Up to three of the dropped lines, with the prompts of their rows."""
    keys = dropped.select([name for name in (ROW_ID, RESPONSE_ID) if name in dropped.columns]).head(3)
    prompts = _prompts(ingested, keys[ROW_ID].to_list())
    lines = [
        f"    dropped row {row_id}{''.join(f', response {number}' for number in of)}: {prompts[row_id]}"
        for row_id, *of in keys.iter_rows()
    ]
    return _Shown("\n".join(lines), f"curate explain RUN {keys[ROW_ID][0]}")


def _prompts(ingested: Ingested, row_ids: list[int]) -> dict[int, str]:
    """The beginnings of a few prompts, quoted, fit to be shown."""
    found = {}
    for row_id in sorted(set(row_ids)):
        shard = ingested.rows.shards[int(np.searchsorted(ingested.bounds, row_id, side="right"))]
        prompt = pq.read_table(shard, columns=["prompt"], filters=[(ROW_ID, "=", row_id)])["prompt"][
            0
        ].as_py()
        text = " ".join((prompt or "")[: 4 * SHOWN_CHARS].split())
        cut = text[: SHOWN_CHARS - 1] + "…" if len(text) > SHOWN_CHARS else text
        found[row_id] = "null" if prompt is None else f'"{printable(cut)}"'
    return found
