"""Verdicts of a run: the rules of `curate.decide` asked shard by shard, written down and added up."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from curate import decide
from curate.flow import KEYS, RESPONSE_ID, ROW_ID, Dataset, Grain, shard_path, write_parquet
from curate.ingest import Ingested
from curate.masking import TEXT, Mask, find_cuts
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
    cuts: dict[Grain, pl.DataFrame]
    """What is cut of the kept lines: key columns, reason, start, end; see `curate.masking.find_cuts`."""
    masked: dict[str, dict[str, dict[str, int]]]
    """By grain and mask rule: lines that are masked, passages, characters of these."""


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
    masks = _mask_rules(recipe, rules)
    cuts: dict[Grain, list[pl.DataFrame]] = {"row": [], "response": []}
    shards = shards_of(ingested, evidence, "row", None)

    response_answers = []
    for shard in shards:
        facts = shard.facts(_named(rules["response"], masks, "response"), "response")
        facts = _with_cuts(facts, masks, cuts, "response")
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
    named = _named(rules["row"], masks, "row")
    for one in keep_rules:
        named += [one.per, *(text for text, _ in one.prefer)]
        named += [text for text in (one.protect, one.where) if text is not None]
    for shard, judged in zip(shards, response_verdicts, strict=True):
        facts = _with_response_counts(shard.facts(named, "row"), judged)
        facts = _with_cuts(facts, masks, cuts, "row")
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
    judged_responses = pl.concat(response_verdicts)
    made = _kept_cuts(cuts, row_verdicts, judged_responses)
    if recipe.mask:
        row_verdicts = _with_masked(row_verdicts, made.get("row"), masks["row"], "row")
        judged_responses = _with_masked(judged_responses, made.get("response"), masks["response"], "response")
    found = _write_verdicts(ingested, row_verdicts, reasons, only, judged_responses, response_reasons, work)
    return found._replace(cuts=made, masked=_masked_counts(made, masks) if recipe.mask else {})


Masks = dict[Grain, list[Mask]]


def _mask_rules(recipe: Recipe, rules: dict[Grain, list[decide.Rule]]) -> Masks:
    """The mask rules by grain; each is a rule too, that drops the lines of which too little would be left."""
    masks: Masks = {"row": [], "response": []}
    tables = recipe.tables()
    for reason, rule in recipe.mask.items():
        grain = grain_of(rule.spans, tables)
        masks[grain].append(Mask(reason, rule.when, rule.spans, rule.min_left))
        rules[grain].append(decide.Rule(reason, rule.when, rule.on_missing, spares=_spared(reason)))
    return masks


def _spared(reason: str) -> str:
    """Column of the facts that says whether a line is masked; no table has such a name."""
    return f"masked by {reason}"


def _named(rules: list[decide.Rule], masks: Masks, grain: Grain) -> list[str]:
    """The expressions that the rules of a grain look at."""
    spans = [mask.spans for mask in masks[grain]]
    return [*(rule.when for rule in rules), *spans, *([TEXT[grain]] if spans else [])]


def _with_cuts(
    facts: pl.DataFrame, masks: Masks, cuts: dict[Grain, list[pl.DataFrame]], grain: Grain
) -> pl.DataFrame:
    """The facts with a column per mask rule that says which lines it masks; what it cuts joins `cuts`."""
    if not masks[grain]:
        return facts
    found = find_cuts(facts, masks[grain], grain)
    cuts[grain].append(found)
    keys = list(KEYS[grain])
    for mask in masks[grain]:
        lines = found.filter(pl.col("reason") == mask.reason).select(keys).unique()
        marked = lines.with_columns(pl.lit(value=True).alias(_spared(mask.reason)))
        facts = facts.join(marked, on=keys, how="left", maintain_order="left")
    return facts.with_columns(pl.col(_spared(mask.reason)).fill_null(value=False) for mask in masks[grain])


def _kept_cuts(
    cuts: dict[Grain, list[pl.DataFrame]], rows: pl.DataFrame, responses: pl.DataFrame
) -> dict[Grain, pl.DataFrame]:
    """What is cut of lines that are kept; of responses, those of kept rows."""
    kept_rows = rows.filter("keep").select(ROW_ID)
    kept: dict[Grain, pl.DataFrame] = {
        "row": kept_rows,
        "response": responses.filter("keep").join(kept_rows, on=ROW_ID, how="semi").select(KEYS["response"]),
    }
    return {
        grain: pl.concat(found).join(kept[grain], on=KEYS[grain], how="semi", maintain_order="left")
        for grain, found in cuts.items()
        if found
    }


def _masked_counts(cuts: Mapping[Grain, pl.DataFrame], masks: Masks) -> dict[str, dict[str, dict[str, int]]]:
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for grain, rules in masks.items():
        for mask in rules:
            found = cuts[grain].filter(pl.col("reason") == mask.reason)
            counts.setdefault(grain, {})[mask.reason] = {
                f"{grain}s": found.select(KEYS[grain]).n_unique(),
                "passages": found.height,
                "characters": int((found["end"] - found["start"]).cast(pl.Int64).sum()),
            }
    return counts


def _with_masked(
    judged: pl.DataFrame, cuts: pl.DataFrame | None, masks: list[Mask], grain: Grain
) -> pl.DataFrame:
    """The verdicts with `masked`, the mask rules that cut something of a line that is kept."""
    none = pl.lit([], dtype=pl.List(pl.String))
    if cuts is None:
        return judged.with_columns(none.alias("masked"))
    order = {mask.reason: number for number, mask in enumerate(masks)}
    names = (
        cuts.select(*KEYS[grain], "reason")
        .unique()
        .sort(pl.col("reason").replace_strict(order, return_dtype=pl.Int32))
        .group_by(KEYS[grain], maintain_order=True)
        .agg(pl.col("reason").alias("masked"))
    )
    joined = judged.join(names, on=list(KEYS[grain]), how="left", maintain_order="left")
    return joined.with_columns(pl.col("masked").fill_null(none))


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
        if "masked" in frame.columns:
            schema = schema.append(pa.field("masked", pa.list_(pa.string())))
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
    if "masked" in rows.columns:
        for grain_name, judged in (("rows", rows), ("responses", responses)):
            counts[grain_name]["masked"] = int((judged["masked"].list.len() > 0).sum())
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
        cuts={},
        masked={},
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
