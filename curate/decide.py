"""Evidence and rules in, verdicts out: the only module that condemns a row.

Order: rules about responses, rules about rows, keep-one rules over the rows that survived. Every rule
is asked of every row, so all reasons are known, not only the first. A rule's answer is true, false or
null; a null counts only where no other rule drops the line, and then the rule's `on-missing` says what
it means: keep, drop, undecided, or stop the run (the default).

Nothing is read or written here. The caller gives one frame of facts per shard (key columns and one
struct column per table, see `curate.predicate`) and gets keys and one nullable boolean column per rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa

from curate.errors import MissingEvidence
from curate.flow import KEYS, ROW_ID, Grain
from curate.predicate import evaluate

OnMissing = Literal["stop", "keep", "drop", "undecided"]
"""What a null means where it matters: an error, no, yes, or nobody knows."""


class Rule(NamedTuple):
    """A row or response rule: the reason it gives, its predicate, and what a null means."""

    reason: str
    when: str
    on_missing: OnMissing = "stop"
    spares: str | None = None  # boolean column of the facts: lines that are masked instead of dropped


class KeepOne(NamedTuple):
    """A keep-one rule: the column that names the group and the order of preference."""

    reason: str
    per: str
    prefer: tuple[tuple[str, bool], ...]  # expression, descending
    on_missing: OnMissing = "stop"
    protect: str | None = None  # rows where it holds are never dropped by this rule
    where: str | None = None  # rows where it does not hold take no part in this rule


def apply_rules(facts: pl.DataFrame, rules: Sequence[Rule], grain: Grain) -> pl.DataFrame:
    """Ask every rule of every line: key columns and a boolean column per reason, null = undecided.

    >>> facts = pl.DataFrame({"row_id": [0, 1], "leak": [{"containment": 0.9}, {"containment": 0.1}]})
    >>> apply_rules(facts, [Rule("contaminated", "leak.containment >= 0.5")], "row").to_dict(as_series=False)
    {'row_id': [0, 1], 'contaminated': [True, False]}

    Raises MissingEvidence where a rule that must stop meets a null that matters.
    """
    keys = list(KEYS[grain])
    answers = facts.select(*keys, *(_answer(rule, facts).alias(rule.reason) for rule in rules))
    if not rules:
        return answers
    unknown = {rule.reason: pl.col(rule.reason).is_null() for rule in rules}
    says_so = pl.any_horizontal(pl.col(rule.reason).fill_null(value=False) for rule in rules)
    by_null = pl.any_horizontal(
        pl.lit(value=False), *(unknown[rule.reason] for rule in rules if rule.on_missing == "drop")
    )
    resolved = answers.with_columns(says_so.alias("__true"), (by_null & ~says_so).alias("__null"))
    columns = []
    for rule in rules:
        if rule.on_missing == "stop":
            missing = resolved.filter(unknown[rule.reason] & ~pl.col("__true") & ~pl.col("__null"))
            if missing.height:
                raise MissingEvidence(_missing_message(rule.reason, rule.when, missing, facts, keys))
        meaning = {"stop": False, "keep": False, "drop": True, "undecided": None}[rule.on_missing]
        elsewhere = pl.col("__true") if rule.on_missing == "drop" else pl.col("__true") | pl.col("__null")
        columns.append(
            pl.when(~unknown[rule.reason])
            .then(pl.col(rule.reason))
            .when(elsewhere)  # the line is dropped for another reason: this rule need not know
            .then(pl.lit(value=False))
            .otherwise(pl.lit(meaning, dtype=pl.Boolean))
            .alias(rule.reason)
        )
    return resolved.select(*keys, *columns)


def _answer(rule: Rule, facts: pl.DataFrame) -> pl.Series:
    """What a rule says of each line; null where its predicate is null."""
    says = evaluate(rule.when, facts).cast(pl.Boolean)
    if rule.spares is None:
        return says
    spared = facts.select(pl.when(says.is_not_null()).then(~pl.col(rule.spares)))[rule.spares]
    return says & spared


def keep_one_order(facts: pl.DataFrame, rule: KeepOne) -> pl.DataFrame:
    """What a keep-one rule looks at, per row: `row_id`, `group`, and one sort column per preference.

    A rule that protects rows has a column `protected` too; a null counts as not protected. Of a rule with
    `where`, rows where it is false are left out, and `meets` is true or null for the others.
    """
    protected = [] if rule.protect is None else [evaluate(rule.protect, facts).alias("protected")]
    meets = [] if rule.where is None else [evaluate(rule.where, facts).cast(pl.Boolean).alias("meets")]
    order = facts.select(
        ROW_ID,
        evaluate(rule.per, facts).alias("group"),
        *(_sort_key(evaluate(text, facts)).alias(f"k{i}") for i, (text, _) in enumerate(rule.prefer)),
        *(values.cast(pl.Boolean).fill_null(value=False) for values in protected),
        *meets,
    )
    return order.filter(pl.col("meets").fill_null(value=True)) if meets else order


def _sort_key(values: pl.Series) -> pl.Series:
    """Values to sort by: not-a-number sorts last, as null does, in either direction."""
    return values.fill_nan(None) if values.dtype.is_float() else values


def keep_one(order: pl.DataFrame, rule: KeepOne, taken: pl.DataFrame | None = None) -> pl.DataFrame:
    """Choose within each group: `row_id`, the reason's column, and `kept_instead` (null where kept).

    `order` holds `keep_one_order` of the surviving rows. The best row by `prefer` stays, nulls sort
    last, ties go to the smallest row_id. Protected rows all stay, and the best of them stands for the
    rest of its group. A row whose group is null is alone, or undecided, dropped or a reason to stop, as
    `on-missing` says, unless it is protected; so is a row whose `where` is null if another of its group
    may meet it.

    `taken`: groups that earlier data holds already: `group` and the `row_id` kept there, of no row of
    this run. All rows of such a group lose to that row, protected rows excepted.

    >>> order = pl.DataFrame({"row_id": [3, 5, 8], "group": [3, 3, 8], "k0": [1, 2, 0]})
    >>> rule = KeepOne("near-duplicate", "near.cluster_id", (("pass.correct", True),))
    >>> keep_one(order, rule).rows()
    [(3, True, 5), (5, False, None), (8, False, None)]
    >>> keep_one(order, rule, pl.DataFrame({"group": [8], "row_id": [0]})).rows()
    [(3, True, 5), (5, False, None), (8, True, 0)]
    """
    protected = pl.lit(value=False) if rule.protect is None else pl.col("protected")
    no_group = pl.col("group").is_null()
    missing = order.filter(no_group & ~protected)
    if missing.height and rule.on_missing == "stop":
        raise MissingEvidence(_missing_message(rule.reason, rule.per, missing, missing, [ROW_ID]))
    if rule.where is not None:
        unsure = _unsure(order, taken)
        missing = order.filter(unsure & ~protected)
        if missing.height and rule.on_missing == "stop":
            raise MissingEvidence(_missing_message(rule.reason, rule.where, missing, missing, [ROW_ID]))
        order = order.with_columns(pl.when(~unsure).then("group").alias("group"))
    grouped = order.filter(~no_group)
    first = [] if rule.protect is None else ["protected"]
    chosen = (
        grouped.sort(
            [*first, *(f"k{i}" for i in range(len(rule.prefer))), ROW_ID],
            descending=[*(True for _ in first), *(down for _, down in rule.prefer), False],
            nulls_last=True,
        )
        .group_by("group", maintain_order=True)
        .agg(pl.col(ROW_ID).first().alias("chosen"))
    )
    if taken is not None:
        earlier = taken.select(pl.col("group").cast(order.schema["group"]), pl.col(ROW_ID).alias("earlier"))
        assert earlier["group"].is_unique().all(), f"{rule.reason}: a group is taken twice"
        chosen = chosen.join(earlier, on="group", how="left").select(
            "group", pl.coalesce("earlier", "chosen").alias("chosen")
        )
    loses = (pl.col("chosen") != pl.col(ROW_ID)) & ~protected
    judged = grouped.join(chosen, on="group", how="left").select(
        ROW_ID, loses.alias(rule.reason), pl.when(loses).then(pl.col("chosen")).alias("kept_instead")
    )
    value = {"stop": False, "keep": False, "drop": True, "undecided": None}[rule.on_missing]
    alone = order.filter(no_group).select(
        ROW_ID,
        (pl.lit(value, dtype=pl.Boolean) & ~protected).alias(rule.reason),
        pl.lit(None, dtype=pl.Int64).alias("kept_instead"),
    )
    return pl.concat([judged, alone]).sort(ROW_ID)


def _unsure(order: pl.DataFrame, taken: pl.DataFrame | None) -> pl.Expr:
    """Whether nobody knows if a row takes part, and another one of its group may."""
    others = pl.col("group").is_duplicated()
    if taken is not None:
        others |= pl.col("group").is_in(taken["group"].cast(order.schema["group"]).implode())
    return pl.col("group").is_not_null() & pl.col("meets").is_null() & others


def keep_one_chain(
    answers: pl.DataFrame,
    orders: Mapping[str, pl.DataFrame],
    rules: Sequence[KeepOne],
    taken: Mapping[str, pl.DataFrame] | None = None,
) -> pl.DataFrame:
    """The answers with a column per keep-one rule and `kept_instead`.

    Each rule is asked of the rows that no rule before it drops or leaves undecided. `answers`: `row_id`
    and one boolean column per row rule; `orders`: `keep_one_order` of every row, by reason; `taken`: by
    reason, groups of which earlier data holds a row already (see `keep_one`).
    """
    met = rows_that_meet(orders, rules, taken)
    places = answers[ROW_ID].is_in(met.implode()).arg_true()
    few = answers[places].with_columns(pl.lit(None, dtype=pl.Int64).alias("kept_instead"))
    asked = [name for name in answers.columns if name != ROW_ID]
    for rule in rules:
        alive = few.filter(_certain(asked)).select(ROW_ID)
        survivors = orders[rule.reason].join(alive, on=ROW_ID, how="semi")
        chosen = keep_one(survivors, rule, (taken or {}).get(rule.reason))
        few = few.join(
            chosen.with_columns(pl.lit(value=True).alias("asked")),
            on=ROW_ID,
            how="left",
            suffix="_new",
            maintain_order="left",
        )
        few = few.with_columns(
            pl.col("kept_instead").fill_null(pl.col("kept_instead_new")),
            # a row that did not survive was not asked
            pl.when(pl.col("asked")).then(pl.col(rule.reason)).otherwise(pl.lit(value=False)),
        ).drop("kept_instead_new", "asked")
        asked.append(rule.reason)
    every = answers.with_columns(
        pl.lit(None, dtype=pl.Int64).alias("kept_instead"),
        *(pl.lit(value=False).alias(rule.reason) for rule in rules),
    )
    new = ["kept_instead", *(rule.reason for rule in rules)]
    return every.with_columns(every[name].scatter(places, few[name]) for name in new)


def only_by_keep_one(
    answers: pl.DataFrame,
    orders: Mapping[str, pl.DataFrame],
    rules: Sequence[KeepOne],
    taken: Mapping[str, pl.DataFrame] | None = None,
) -> dict[str, int]:
    """Rows that each keep-one rule drops and that would be kept if the recipe did not have it."""
    lenient = [rule._replace(on_missing="keep") if rule.on_missing == "stop" else rule for rule in rules]
    met = rows_that_meet(orders, lenient, taken).implode()
    answers = answers.filter(pl.col(ROW_ID).is_in(met))
    orders = {reason: order.filter(pl.col(ROW_ID).is_in(met)) for reason, order in orders.items()}
    dropped = keep_one_chain(answers, orders, lenient, taken)
    found = {}
    for rule in lenient:
        others = [other for other in lenient if other.reason != rule.reason]
        without = keep_one_chain(answers, orders, others, taken)
        kept = without.filter(
            _certain([name for name in without.columns if name not in (ROW_ID, "kept_instead")])
        )
        mine = dropped.filter(pl.col(rule.reason))
        found[rule.reason] = mine.join(kept, on=ROW_ID, how="semi").height
    return found


def _certain(reasons: Sequence[str]) -> pl.Expr:
    """Whether no rule drops the row or leaves it undecided."""
    return pl.all_horizontal(
        pl.lit(value=True), *(pl.col(name).eq_missing(pl.lit(value=False)) for name in reasons)
    )


def rows_that_meet(
    orders: Mapping[str, pl.DataFrame], rules: Sequence[KeepOne], taken: Mapping[str, pl.DataFrame] | None
) -> pl.Series:
    """row_id of the rows that a keep-one rule chooses among, or cannot judge; most rows are alone."""
    found = [pl.Series(ROW_ID, [], dtype=pl.Int64)]
    for rule in rules:
        order = orders[rule.reason]
        group = order["group"]
        met = group.is_duplicated() & group.is_not_null()
        if rule.on_missing != "keep":
            met |= group.is_null()
        if taken is not None and rule.reason in taken:
            met |= group.is_in(taken[rule.reason]["group"].cast(group.dtype).implode()).fill_null(value=False)
        found.append(order.filter(met)[ROW_ID])
    return pl.concat(found).unique()


def verdicts(answers: pl.DataFrame, reasons: Sequence[str], grain: Grain) -> pl.DataFrame:
    """Verdict of each line: keep, reasons, undecided (names of the rules that could not say).

    keep = no reason and nothing undecided; dropped = at least one reason; else undecided.
    """
    keys = list(KEYS[grain])
    extra = ["kept_instead"] if "kept_instead" in answers.columns else []
    n_lines, columns = answers.height, [answers[reason] for reason in reasons]
    drops = _names_where([column.fill_null(value=False) for column in columns], n_lines)
    unknown = _names_where([column.is_null() for column in columns], n_lines)
    keep = (drops.list.len() == 0) & (unknown.list.len() == 0)
    judged = [keep.alias("keep"), drops.alias("reasons"), unknown.alias("undecided")]
    return answers.select(keys).with_columns(*judged, *(answers[name] for name in extra))


def _names_where(marks: Sequence[pl.Series], n_lines: int) -> pl.Series:
    """Of each line the names of the marks that are true, in their order.

    Made of the few marks there are: lists put together line by line take thirty times as long.
    """
    table = np.stack([np.zeros(n_lines, dtype=np.bool_), *(mark.to_numpy() for mark in marks)], axis=1)
    line, column = table.nonzero()
    ends = np.zeros(n_lines + 1, dtype=np.int64)
    np.cumsum(np.bincount(line, minlength=n_lines), out=ends[1:])
    names = pa.array(["", *(mark.name for mark in marks)], pa.large_string()).take(pa.array(column))
    return pl.Series(pa.LargeListArray.from_arrays(pa.array(ends), names), dtype=pl.List(pl.String))


class Tally(NamedTuple):
    """Of one reason: lines it drops, and lines that no other reason drops."""

    lines: int
    only: int


def tally(judged: pl.DataFrame, reasons: Sequence[str]) -> dict[str, Tally]:
    """How many lines each reason drops, and how many only it drops."""
    exploded = judged.select("reasons", pl.col("reasons").list.len().alias("n")).explode("reasons")
    counts = exploded.group_by("reasons").agg(pl.len().alias("lines"), (pl.col("n") == 1).sum().alias("only"))
    found: Mapping[str, tuple[int, int]] = {
        reason: (lines, only) for reason, lines, only in counts.select("reasons", "lines", "only").iter_rows()
    }
    return {reason: Tally(*found.get(reason, (0, 0))) for reason in reasons}


def _missing_message(
    reason: str, text: str, missing: pl.DataFrame, facts: pl.DataFrame, keys: list[str]
) -> str:
    some = missing.select(keys).head(3)
    where = "; ".join(", ".join(f"{key} {value}" for key, value in row.items()) for row in some.to_dicts())
    statuses = []
    for name, dtype in facts.schema.items():
        if isinstance(dtype, pl.Struct) and any(field.name == "status" for field in dtype.fields):
            found = (
                facts.join(some, on=keys, how="semi").get_column(name).struct.field("status").unique().sort()
            )
            statuses.append(f"{name}.status: {', '.join(str(value) for value in found)}")
    return (
        f"rule {reason}: `{text}` is null for {missing.height} line(s), first {where}"
        + (f" ({'; '.join(statuses)})" if statuses else "")
        + '. Say in the rule what that means: on-missing = "keep", "drop" or "undecided".'
    )
