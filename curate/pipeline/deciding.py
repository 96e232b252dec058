"""Verdicts of a run: the rules of `curate.decide` asked shard by shard, written down and added up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from curate import decide
from curate.flow import RESPONSE_ID, ROW_ID, Dataset, Grain, shard_path, write_parquet
from curate.ingest import Ingested
from curate.pipeline.drop_share import check_drop_shares
from curate.pipeline.measuring import Evidence, shards_of
from curate.predicate import RESPONSE_COUNTS, grain_of
from curate.recipe import Recipe, is_descending, sort_key


class Verdicts(NamedTuple):
    """Where the verdicts lie, and what they add up to."""

    rows: Dataset
    responses: Dataset
    counts: dict[str, dict[str, int]]
    reasons: dict[str, dict[str, dict[str, int]]]
    undecided: dict[str, int]


def judge(
    recipe: Recipe,
    ingested: Ingested,
    evidence: Mapping[str, Evidence],
    work: Path,
    taken: Mapping[str, pl.DataFrame] | None = None,
) -> Verdicts:
    """verdicts/ and response_verdicts/: rules about responses, then rows, then keep-one rules.

    taken: by keep-one rule, groups of which earlier data holds a row already (see `decide.keep_one`).
    Raises RunError if a rule drops more of a source than its `max-drop-share`; nothing is written then.
    """
    tables = recipe.tables()
    rules: dict[Grain, list[decide.Rule]] = {"row": [], "response": []}
    for reason, rule in recipe.drop.items():
        rules[grain_of(rule.when, tables)].append(decide.Rule(reason, rule.when, rule.on_missing))
    shards = shards_of(ingested, evidence, "row", None)

    response_answers = []
    for shard in shards:
        facts = shard.facts([rule.when for rule in rules["response"]], "response")
        response_answers.append(decide.apply_rules(facts, rules["response"], "response"))
    response_reasons = [rule.reason for rule in rules["response"]]
    response_verdicts = [decide.verdicts(a, response_reasons, "response") for a in response_answers]

    keep_rules = [
        decide.KeepOne(
            reason,
            keep.per,
            tuple((sort_key(text), is_descending(text)) for text in keep.prefer),
            keep.on_missing,
            keep.protect,
            keep.where,
        )
        for reason, keep in recipe.keep_one.items()
    ]
    row_answers, orders = [], {rule.reason: list[pl.DataFrame]() for rule in keep_rules}
    named = [rule.when for rule in rules["row"]]
    for one in keep_rules:
        named += [one.per, *(text for text, _ in one.prefer)]
        named += [text for text in (one.protect, one.where) if text is not None]
    for shard, judged in zip(shards, response_verdicts, strict=True):
        facts = _with_response_counts(shard.facts(named, "row"), judged)
        row_answers.append(decide.apply_rules(facts, rules["row"], "row"))
        for one in keep_rules:
            orders[one.reason].append(decide.keep_one_order(facts, one))
    answers = pl.concat(row_answers)
    order = {reason: pl.concat(parts) for reason, parts in orders.items()}
    reasons = [*(rule.reason for rule in rules["row"]), *(one.reason for one in keep_rules)]
    judged_rows = decide.keep_one_chain(answers, order, keep_rules, taken)
    check_drop_shares(recipe, ingested, judged_rows, pl.concat(response_answers), order)
    row_verdicts = decide.verdicts(judged_rows, reasons, "row")
    only = decide.only_by_keep_one(answers, order, keep_rules, taken)
    return _write_verdicts(
        ingested, row_verdicts, reasons, only, pl.concat(response_verdicts), response_reasons, work
    )


def _with_response_counts(facts: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    zero = pl.struct(pl.lit(0, dtype=pl.Int32).alias(name) for name in RESPONSE_COUNTS.names)
    counts = judged.group_by(ROW_ID).agg(
        pl.struct(
            pl.len().cast(pl.Int32).alias("given"),
            pl.col("keep").sum().cast(pl.Int32).alias("left"),
            (~pl.col("keep") & (pl.col("reasons").list.len() == 0)).sum().cast(pl.Int32).alias("undecided"),
        ).alias("responses")
    )
    joined = facts.join(counts, on=ROW_ID, how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce("responses", zero))


VERDICT_SCHEMA = pa.schema(
    [
        (ROW_ID, pa.int64()),
        ("keep", pa.bool_()),
        ("reasons", pa.list_(pa.string())),
        ("undecided", pa.list_(pa.string())),
        ("kept_instead", pa.int64()),
    ]
)
RESPONSE_VERDICT_SCHEMA = pa.schema(
    [(ROW_ID, pa.int64()), (RESPONSE_ID, pa.int32()), *list(VERDICT_SCHEMA)[1:4]]
)


def _write_verdicts(
    ingested: Ingested,
    rows: pl.DataFrame,
    reasons: list[str],
    only: Mapping[str, int],
    responses: pl.DataFrame,
    response_reasons: list[str],
    work: Path,
) -> Verdicts:
    lows = [0, *ingested.bounds]
    datasets = []
    for name, frame, schema in (
        ("verdicts", rows, VERDICT_SCHEMA),
        ("response_verdicts", responses, RESPONSE_VERDICT_SCHEMA),
    ):
        folder = work / name
        folder.mkdir()
        starts = [*np.searchsorted(frame[ROW_ID].to_numpy(), lows), frame.height]
        for index in range(len(lows)):
            piece = frame.slice(starts[index], starts[index + 1] - starts[index])
            write_parquet(piece.to_arrow().cast(schema), shard_path(folder, index))
        datasets.append(Dataset(tuple(shard_path(folder, index) for index in range(len(lows)))))
    counts = {"rows": _counts(rows, ingested.n_rows), "responses": _counts(responses, ingested.n_responses)}
    counts["rows"]["quarantined"] = ingested.n_quarantined
    of_kept = responses.join(rows.filter("keep").select(ROW_ID), on=ROW_ID, how="semi")["keep"].sum()
    answered = responses.filter("keep").select(ROW_ID)
    counts["rows"]["without_response"] = rows.filter("keep").join(answered, on=ROW_ID, how="anti").height
    counts["responses"]["of_other_rows"] = counts["responses"]["kept"] - int(of_kept)
    counts["responses"]["kept"] = int(of_kept)
    return Verdicts(
        rows=datasets[0],
        responses=datasets[1],
        counts=counts,
        reasons={
            "row": {
                r: {"rows": t.lines, "only": only.get(r, t.only)}
                for r, t in decide.tally(rows, reasons).items()
            },
            "response": {
                r: {"responses": t.lines, "only": t.only}
                for r, t in decide.tally(responses, response_reasons).items()
            },
        },
        undecided=_undecided_counts(rows, responses),
    )


def _counts(judged: pl.DataFrame, expected: int) -> dict[str, int]:
    kept = int(judged["keep"].sum())
    dropped = int((judged["reasons"].list.len() > 0).sum())
    counts = {"in": expected, "kept": kept, "dropped": dropped, "undecided": judged.height - kept - dropped}
    if judged.height != expected or min(counts.values()) < 0:
        raise AssertionError(f"lines were lost: {counts}")
    return counts


def _undecided_counts(*verdicts: pl.DataFrame) -> dict[str, int]:
    names = pl.concat(
        [v.filter(pl.col("reasons").list.len() == 0).select(pl.col("undecided").explode()) for v in verdicts]
    ).drop_nulls()
    counted = names.group_by("undecided").len().sort("undecided")
    return dict(counted.iter_rows())
