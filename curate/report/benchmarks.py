"""What a run found of evaluation sets: by set, by item, at other thresholds; what it cannot; its self-test.

Everything is counted from the evidence that is there; nothing is measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from curate.report.run import FinishedRun
from curate.report.text import shown

SELF_TEST = "self_test.json"
CLASSES = ("verbatim", "near", "reworded", "variant", "template", "none")
COPIES = CLASSES[:3]
SWEPT = ("alignment", "containment", "coverage", "similarity")
"""Columns of evidence, 0 to 1, of which a rule may ask for so much."""
TENTHS = range(3, 11)
LEAST = 0.5
"""Of evidence without classes, so much of the swept column makes a row one that holds the item."""
ITEMS = 20


class SetCount(NamedTuple):
    """One evaluation set: what of it the rows hold, and what could not be found if they held it."""

    name: str
    by: str
    items: int | None
    held: int
    """Items of which there is a copy; where no class is told, LEAST of the swept column."""
    lines: dict[str, int]
    """Rows (or responses) by class; by `rows` where no class is told."""
    short: int
    unprotectable: int
    generic: int


class ItemCount(NamedTuple):
    """An item, and the rows (or responses) that are it."""

    benchmark: str
    item: str
    lines: int
    classes: str


class Step(NamedTuple):
    """Rows that a threshold reaches; null for variants where no class is told."""

    least: float
    lines: int
    variants: int | None


class Sweep(NamedTuple):
    """How many lines each threshold of a column reaches."""

    column: str
    steps: tuple[Step, ...]


class Guard(NamedTuple):
    """One evidence that compares with evaluation sets."""

    evidence: str
    unit: str
    told: str
    ngram: int | None
    sets: tuple[SetCount, ...]
    items: tuple[ItemCount, ...]
    n_items: int
    sweeps: tuple[Sweep, ...]
    self_test: dict[str, Any] | None


def guards(run: FinishedRun) -> tuple[Guard, ...]:
    """What the run's evidence says of evaluation sets, in the order of the recipe."""
    protection: Mapping[str, Any] = run.manifest.get("protection", {})
    return tuple(
        _guard(run, name, protection[name]) for name in run.recipe.get("evidence", {}) if name in protection
    )


def _guard(run: FinishedRun, name: str, protection: Mapping[str, Any]) -> Guard:
    entry = run.manifest["evidence"][name]
    lines = pl.scan_parquet(list(run.sound_shards(f"evidence/{name}")), glob=False)
    columns = lines.collect_schema().names()
    wanted = [column for column in ("benchmark", "item", "class", "status", *SWEPT) if column in columns]
    found = (
        lines.select(wanted).filter(pl.col("benchmark").is_not_null()).collect()
        if "benchmark" in wanted
        else None
    )
    result = _self_test(run, name, str(entry["key"]))
    if found is None:
        found = pl.DataFrame(schema={"benchmark": pl.String, "item": pl.String})
    sweeps = sweeps_of(found)
    if sweeps and "class" not in wanted:
        found = found.filter(pl.col(sweeps[0].column) >= LEAST)
    items = item_counts(found)
    return Guard(
        evidence=name,
        unit=f"{entry['grain']}s",
        told=str(protection["told"]),
        ngram=protection.get("ngram"),
        sets=tuple(_set(set_name, one, found) for set_name, one in protection["sets"].items()),
        items=tuple(items[:ITEMS]),
        n_items=len(items),
        sweeps=sweeps,
        self_test=result,
    )


def _set(name: str, protection: Mapping[str, Any], found: pl.DataFrame) -> SetCount:
    here = found.filter(pl.col("benchmark") == name)
    if "class" in found.columns:
        held = here.filter(pl.col("class").is_in(COPIES))["item"].n_unique()
        lines = dict(here["class"].value_counts().iter_rows())
    else:
        held, lines = here["item"].n_unique(), {"rows": here.height}
    counts = (int(protection.get(key, 0)) for key in ("short", "unprotectable", "generic"))
    return SetCount(name, protection["by"], protection.get("items"), held, lines, *counts)


def item_counts(found: pl.DataFrame) -> list[ItemCount]:
    """The items of which there are copies, most rows first; of evidence without classes, all items named."""
    if "class" in found.columns:
        copies = found.filter(pl.col("class").is_in(COPIES))
    else:
        copies = found.with_columns(pl.lit("").alias("class"))
    order = {name: number for number, name in enumerate(CLASSES)}
    by_class = copies.group_by("benchmark", "item", "class").len().rows()
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for benchmark, item, kind, n in by_class:
        counts.setdefault((benchmark, item), {})[kind] = n
    made = [
        ItemCount(
            *key,
            sum(kinds.values()),
            ", ".join(
                f"{kind} {kinds[kind]:,}" for kind in sorted(kinds, key=lambda one: order.get(one, 0)) if kind
            ),
        )
        for key, kinds in counts.items()
    ]
    return sorted(made, key=lambda one: (-one.lines, one.benchmark, one.item))


def sweeps_of(found: pl.DataFrame) -> tuple[Sweep, ...]:
    """How many lines of evidence reach each threshold, 0.3 to 1, of each column that has values.

    Where lines are aligned with a text, the share of n-grams counts for those of a fingerprint alone.
    """
    swept = []
    for column in [column for column in SWEPT if column in found.columns]:
        lines = found
        if column == "containment" and "alignment" in found.columns:
            lines = found.filter(pl.col("status") == "fingerprint")
        if lines[column].count():
            swept.append(Sweep(column, tuple(_step(lines, column, tenth / 10) for tenth in TENTHS)))
    return tuple(swept)


def _step(lines: pl.DataFrame, column: str, least: float) -> Step:
    reached = lines.filter(pl.col(column) >= least)
    variants = reached.filter(pl.col("class") == "variant").height if "class" in lines.columns else None
    return Step(least, reached.height, variants)


def _self_test(run: FinishedRun, name: str, key: str) -> dict[str, Any] | None:
    """The self-test of the evidence, where it was made with the same rows, sets and parameters."""
    path = run.folder / SELF_TEST
    if not path.is_file():
        return None
    result = json.loads(path.read_text(encoding="utf-8"))
    return dict(result) if (result["evidence"], result["key"]) == (name, key) else None


def as_text(guard: Guard) -> str:
    """The same for a terminal."""
    parts = [f"{guard.evidence}: {guard.told}", _sets_text(guard), _items_text(guard)]
    parts += [sweep_text(one, guard.evidence, guard.unit) for one in guard.sweeps]
    if guard.self_test is not None:
        parts.append(self_test_text(guard.self_test))
    return "\n\n".join(part for part in parts if part)


def _sets_text(guard: Guard) -> str:
    told = [one for one in guard.sets if one.held or one.lines.get("variant") or one.unprotectable]
    if not told:
        return ""
    width = max(len(one.name) for one in told)
    with_class = any("rows" not in one.lines for one in told)
    names = ("verbatim", "near", "reworded", "variant") if with_class else ("rows",)
    lines = [
        f"{'set':<{width}} {'items':>7} {'held':>6} "
        + " ".join(f"{name:>9}" for name in names)
        + "  cannot be found"
    ]
    for one in told:
        items = f"{one.items:,}" if one.items is not None else "?"
        counts = " ".join(f"{one.lines.get(name, 0):>9,}" for name in names)
        lines.append(f"{one.name:<{width}} {items:>7} {one.held:>6,} {counts}  {one.unprotectable:>15,}")
    if any(one.unprotectable for one in told):
        lines.append("which items cannot be found: curate benchmarks show SET")
    return "\n".join(lines)


def _items_text(guard: Guard) -> str:
    if not guard.items:
        return ""
    lines = [f"items held by most {guard.unit}"]
    lines += [
        f"  {shown(one.benchmark, 40)} {shown(one.item, 60)}: {one.lines:,}"
        + (f" ({one.classes})" if one.classes else "")
        for one in guard.items
    ]
    more = guard.n_items - len(guard.items)
    return "\n".join([*lines, *([f"  and {more:,} more items"] if more > 0 else [])])


def sweep_text(swept: Sweep, evidence: str, unit: str) -> str:
    """How many rows would go where one number alone decided."""
    with_class = any(step.variants is not None for step in swept.steps)
    head = f"{evidence}.{swept.column} >="
    lines = [f"{head} {unit:>9}" + ("   of these variant" if with_class else "")]
    for step in swept.steps:
        variants = f"{step.variants:>19,}" if step.variants is not None else ""
        lines.append(f"{step.least:>{len(head)}.1f} {step.lines:>9,}{variants}")
    return "\n".join(lines)


def self_test_text(result: Mapping[str, Any]) -> str:
    """The result of a self-test as `curate decontam --self-test` keeps it."""
    lines = [
        f"self-test: {result['copies']:,} edited copies of {result['items']:,} items, planted among the data",
        f"{'edit':<20} {'copies':>7} {'told as':<9} {'right':>7}  95 % interval",
    ]
    for edit in result["edits"]:
        told = "variant" if edit["expected"] == "variant" else "copy"
        share = f"{edit['right'] / edit['copies']:>7.1%}  {edit['low']:.1%} to {edit['high']:.1%}"
        lines.append(f"{edit['edit']:<20} {edit['copies']:>7,} {told:<9} {share}")
    lines += [
        "",
        f"Of {result['rows']:,} rows of the data {result['flagged']:,} are told to be copies, "
        f"{result['flagged_low']:.3%} to {result['flagged_high']:.3%} at 95 %.",
        "No more than these can be false alarms; how many are, reading tells (--preview).",
    ]
    return "\n".join(lines)
