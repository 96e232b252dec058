"""Verdicts of a run: the rules of `curate.decide` asked shard by shard, written down and added up."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from curate import decide
from curate.flow import KEYS, ROW_ID, Grain
from curate.ingest import Ingested
from curate.masking import TEXT, Mask, find_cuts
from curate.pipeline.asked import Asked, order_table
from curate.pipeline.drop_share import check_drop_shares
from curate.pipeline.measuring import Evidence, shards_of
from curate.pipeline.told import Told, Verdicts
from curate.predicate import RESPONSE_COUNTS, grain_of
from curate.recipe import Recipe, is_descending, sort_key
from curate.stages.inputs import Shard

__all__ = ["Verdicts", "judge"]


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
    asked = Asked(work / "asked", len(ingested.rows.shards))
    cuts = _ask(shards_of(ingested, evidence, "row", None), rules, keep_rules, masks, asked)
    met = asked.met(keep_rules, taken)
    few, orders = asked.rows(met), {one.reason: asked.order(one, met) for one in keep_rules}
    chosen = decide.keep_one_chain(few, orders, keep_rules, taken)
    only = decide.only_by_keep_one(few, orders, keep_rules, taken)
    reasons = [*(rule.reason for rule in rules["row"]), *(one.reason for one in keep_rules)]
    _check_drop_shares(recipe, ingested, asked, chosen, keep_rules, orders)
    told = Told(
        work,
        {"row": reasons, "response": [rule.reason for rule in rules["response"]]},
        masks if recipe.mask else None,
        {"row": ingested.n_rows, "response": ingested.n_responses},
    )
    for index in range(asked.n_shards):
        told.write(index, asked.judged(index, chosen, keep_rules), asked.read("response", index), cuts[index])
    shutil.rmtree(asked.folder)
    return told.verdicts(only, ingested.n_quarantined)


def _ask(
    shards: Sequence[Shard],
    rules: Mapping[Grain, list[decide.Rule]],
    keep_rules: Sequence[decide.KeepOne],
    masks: Masks,
    asked: Asked,
) -> list[dict[Grain, pl.DataFrame]]:
    """Ask every rule of every line, shard by shard; what is to be cut of each shard, by grain."""
    named = _named(rules["row"], masks, "row")
    for one in keep_rules:
        named += [one.per, *(text for text, _ in one.prefer)]
        named += [text for text in (one.protect, one.where) if text is not None]
    cuts = []
    response_reasons = [rule.reason for rule in rules["response"]]
    for index, shard in enumerate(shards):
        found: dict[Grain, pl.DataFrame] = {}
        facts = shard.facts(_named(rules["response"], masks, "response"), "response")
        facts = _with_cuts(facts, masks, found, "response")
        answers = decide.apply_rules(facts, rules["response"], "response")
        asked.write("response", index, answers)
        judged = decide.verdicts(answers, response_reasons, "response")
        facts = _with_response_counts(shard.facts(named, "row"), judged)
        facts = _with_cuts(facts, masks, found, "row")
        asked.write("row", index, decide.apply_rules(facts, rules["row"], "row"))
        for one in keep_rules:
            asked.write(order_table(one), index, decide.keep_one_order(facts, one))
        cuts.append(found)
    return cuts


def _check_drop_shares(
    recipe: Recipe,
    ingested: Ingested,
    asked: Asked,
    chosen: pl.DataFrame,
    keep_rules: Sequence[decide.KeepOne],
    orders: Mapping[str, pl.DataFrame],
) -> None:
    """`check_drop_shares` with the lines that rules with a limit drop."""
    limited = [reason for reason, rule in recipe.drop.items() if rule.max_drop_share is not None]
    limited += [reason for reason, rule in recipe.keep_one.items() if rule.max_drop_share is not None]
    if not limited:
        return
    parts: dict[Grain, list[pl.DataFrame]] = {"row": [], "response": []}
    for index in range(asked.n_shards):
        judged = {"row": asked.judged(index, chosen, keep_rules), "response": asked.read("response", index)}
        for grain, frame in judged.items():
            here = [name for name in limited if name in frame.columns]
            parts[grain].append(frame.filter(pl.any_horizontal(pl.lit(value=False), *here)))  # type: ignore[index]
    check_drop_shares(recipe, ingested, pl.concat(parts["row"]), pl.concat(parts["response"]), orders)


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
    facts: pl.DataFrame, masks: Masks, cuts: dict[Grain, pl.DataFrame], grain: Grain
) -> pl.DataFrame:
    """The facts with a column per mask rule that says which lines it masks; what it cuts goes to `cuts`."""
    if not masks[grain]:
        return facts
    found = find_cuts(facts, masks[grain], grain)
    cuts[grain] = found
    keys = list(KEYS[grain])
    for mask in masks[grain]:
        lines = found.filter(pl.col("reason") == mask.reason).select(keys).unique()
        marked = lines.with_columns(pl.lit(value=True).alias(_spared(mask.reason)))
        facts = facts.join(marked, on=keys, how="left", maintain_order="left")
    return facts.with_columns(pl.col(_spared(mask.reason)).fill_null(value=False) for mask in masks[grain])


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
