"""report.html: one page that shows what a run kept and dropped and why, with rows to look at.

The page is whole in itself: no script, no font, no image, no address on the network. Texts of rows are
untrusted: escaped by the template, control characters spelled out, and a content security policy in the
page forbids scripts. Examples are a sample, so the page stays small however long the run.
"""

from __future__ import annotations

import importlib.util
import os
import random
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jinja2
import numpy as np
import polars as pl
import pyarrow.parquet as pq

from curate.flow import KEYS, RESPONSE_ID, ROW_ID, Dataset
from curate.report.benchmarks import guards
from curate.report.explain import Explanation, ResponseExplained, Ruling, explain_rows, values_of_kept
from curate.report.funnel import funnels, only_text, undecided_counts, without_lines
from curate.report.run import (
    RESPONSE_VERDICTS_TABLE,
    ROWS_TABLE,
    VERDICTS_TABLE,
    FinishedRun,
    Rule,
    open_run,
    record_order,
    rule_of,
)
from curate.report.text import Piece, excerpt, marked_excerpt, printable, shown

EXAMPLES = 12  # per reason
KEPT_EXAMPLES = 6
SOURCES = 30  # rows of the table of sources; the rest is added up
BINS = 24
SEED = 0


class ExampleView(NamedTuple):
    """A row, or one response of it, as the page shows it."""

    row: Explanation
    prompt: tuple[Piece, ...]
    matched: str  # what the marked span matched
    item: tuple[Piece, ...]  # the benchmark item it matched
    response_text: tuple[Piece, ...]  # of the response, if it is one
    values: tuple[tuple[str, Any], ...]  # what the rule looked at
    kept_values: tuple[tuple[str, Any], ...]  # the same of the row kept instead
    response: ResponseExplained | None
    also: tuple[str, ...]  # other reasons
    written: tuple[Piece, ...]  # the prompt, or the response, as it was written if something was cut


class Section(NamedTuple):
    """A rule with the lines it dropped, or could not judge."""

    rule: Rule
    unit: str
    lines: int
    only: int | None
    examples: tuple[ExampleView, ...]
    more: str = ""  # another count


class Bar(NamedTuple):
    """A bar of a histogram: where it begins, how many lines, height 0 to 1 (logarithmic)."""

    label: str
    lines: int
    height: float


class Histogram(NamedTuple):
    """Distribution of one evidence column."""

    column: str
    bars: tuple[Bar, ...]
    low: float
    median: float
    high: float
    n_null: int
    threshold: float | None  # of a rule that compares this column to a number; 0 to 1 along the axis
    rule: str


class Counts(NamedTuple):
    """How often each value of a text or boolean column occurs, most first."""

    column: str
    values: tuple[tuple[str, int], ...]


def render(folder: Path, manifest: Mapping[str, Any] | None = None) -> str:
    """The page of a run; a run about to be finished passes the manifest it will write.

    The same run gives the same page. Raises RunError if the folder is not a finished run.
    """
    run = open_run(folder, manifest)
    chosen = _choose(run)
    explained = explain_rows(run, {line[0] for lines in chosen.values() for line in lines})
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(),
    )
    environment.filters.update(
        number=lambda value: f"{value:,}",
        percent=lambda share: f"{100 * share:.1f}%" if share == 0 or share >= 0.001 else "<0.1%",
        shown=shown,
        only=only_text,
        cut=excerpt,
        printable=printable,
    )
    found = funnels(run.manifest)
    page = environment.get_template("report.html.j2").render(
        title=run.recipe.get("title") or "curate run",
        manifest=run.manifest,
        funnels=found,
        no_row=without_lines(found[0]),
        no_response=tuple(reason for funnel in found[1:] for reason in without_lines(funnel)),
        order=record_order(run.recipe, str(run.manifest.get("format", ""))),
        row_sections=_sections(run, "row", chosen, explained),
        response_sections=_sections(run, "response", chosen, explained),
        undecided_sections=_undecided_sections(run, chosen, explained),
        masked_sections=_masked_sections(run, chosen, explained),
        guards=guards(run),
        kept_examples=[_example(explained[line[0]], None, "") for line in chosen.get(("kept", ""), [])],
        evidence=[_evidence(run, name) for name in (*run.evidence("row"), *run.evidence("response"))],
        sources=_sources(run),
        recipe=run.recipe_text,
    )
    return page.lstrip() + "\n"


def _compiled() -> jinja2.BytecodeCache | None:
    """Where the compiled template is kept, beside Python's own, if it may: to compile it takes 0.2 s."""
    folder = Path(importlib.util.cache_from_source(__file__)).parent
    if sys.dont_write_bytecode or not os.access(folder, os.W_OK):
        return None
    return jinja2.FileSystemBytecodeCache(str(folder))


Line = tuple[int, int | None]  # row_id, response_id
Chosen = dict[tuple[str, str], list[Line]]
"""Lines by what became of them (row, response: dropped; undecided; masked row; ...; kept) and why."""


def _choose(run: FinishedRun) -> Chosen:
    """A seeded sample of lines for every reason, in row order."""
    chosen: Chosen = {}
    for kind, table in (("row", VERDICTS_TABLE), ("response", RESPONSE_VERDICTS_TABLE)):
        shards = run.sound_shards(table)
        if not shards:
            continue
        lines = pl.scan_parquet(list(shards), glob=False)
        if kind == "row":
            lines = lines.with_columns(pl.lit(None, dtype=pl.Int32).alias(RESPONSE_ID))
        keys = (ROW_ID, RESPONSE_ID)
        dropped = lines.filter(pl.col("reasons").list.len() > 0).select(
            *keys, pl.col("reasons").alias("reason")
        )
        undecided = lines.filter(~pl.col("keep") & (pl.col("reasons").list.len() == 0)).select(
            *keys, pl.col("undecided").alias("reason")
        )
        groups_of = [(kind, dropped), ("undecided", undecided)]
        if run.recipe.get("mask"):
            masked = lines.filter(pl.col("masked").list.len() > 0)
            groups_of.append((f"masked {kind}", masked.select(*keys, pl.col("masked").alias("reason"))))
        for name, found in groups_of:
            groups = found.collect().explode("reason").partition_by("reason", as_dict=True)
            for (reason,), group in sorted(groups.items(), key=lambda item: str(item[0])):
                here = chosen.setdefault((name, str(reason)), [])
                here += _sample(group.select(keys), f"{name} {reason}", EXAMPLES - len(here))
        if kind == "row":
            kept = lines.filter("keep").select(keys).collect()
            chosen["kept", ""] = _sample(kept, "kept", KEPT_EXAMPLES)
    return chosen


def _sample(lines: pl.DataFrame, what: str, n: int) -> list[Line]:
    at = random.Random(f"{SEED} {what}").sample(range(lines.height), min(n, lines.height))
    return list(lines[sorted(at)].iter_rows())


def _sections(
    run: FinishedRun, grain: Literal["row", "response"], chosen: Chosen, explained: Mapping[int, Explanation]
) -> list[Section]:
    found = [funnel for funnel in funnels(run.manifest) if funnel.grain == grain]
    return [
        Section(
            rule_of(run, item.reason),
            f"{grain}s",
            item.lines,
            item.only,
            _examples(chosen.get((grain, item.reason), []), explained, item.reason),
        )
        for funnel in found
        for item in funnel.reasons
        if item.lines
    ]


def _masked_sections(run: FinishedRun, chosen: Chosen, explained: Mapping[int, Explanation]) -> list[Section]:
    return [
        Section(
            rule_of(run, item.reason), f"{funnel.grain}s masked", item.lines, None,
            _examples(chosen.get((f"masked {funnel.grain}", item.reason), []), explained, item.reason),
            f"{item.passages:,} passages, {item.characters:,} characters",
        )
        for funnel in funnels(run.manifest)
        for item in funnel.masked
        if item.lines
    ]  # fmt: skip


def _undecided_sections(
    run: FinishedRun, chosen: Chosen, explained: Mapping[int, Explanation]
) -> list[Section]:
    return [
        Section(
            rule_of(run, reason), "lines", lines, None,
            _examples(chosen.get(("undecided", reason), []), explained, reason),
        )
        for reason, lines in undecided_counts(run.manifest)
    ]  # fmt: skip


def _examples(
    lines: Iterable[Line], explained: Mapping[int, Explanation], reason: str
) -> tuple[ExampleView, ...]:
    return tuple(_example(explained[row_id], response_id, reason) for row_id, response_id in lines)


def _example(row: Explanation, response_id: int | None, reason: str) -> ExampleView:
    response = next((item for item in row.responses if item.response_id == response_id), None)
    rulings: tuple[Ruling, ...] = (
        row.reasons + row.undecided + row.masked
        if response is None
        else response.reasons + response.undecided + response.masked
    )
    ruling = next((item for item in rulings if item.rule.reason == reason), None)
    read = {table for table, _ in ruling.rule.reads} if ruling else set()
    span = next((span for span in row.spans if span.evidence in read), None)
    prompt = marked_excerpt(row.prompt, (span.start, span.end) if span else None)
    facts, beside, place = row.evidence, row.beside, None
    if response is not None:
        beside = response.beside
        if response.span is not None and response.span.evidence in read:
            facts, span = response.evidence, response.span
            place = span.start, span.end
    written = row.written if response is None else response.written
    matched = ""
    if span is not None:
        values = facts[span.evidence]
        matched = " / ".join(
            printable(str(values[name])) for name in ("benchmark", "item") if values.get(name)
        )
    item = next((one for one in beside if span is not None and one.evidence == span.evidence), None)
    return ExampleView(
        row,
        prompt,
        matched,
        marked_excerpt(item.text, item.span) if item else (),
        marked_excerpt(response.response, place, 900) if response else (),
        ruling.values if ruling else (),
        tuple(values_of_kept(row)),
        response,
        tuple(item.rule.reason for item in rulings if item.rule.reason != reason),
        marked_excerpt(written.text, written.first) if written else (),
    )


def _evidence(run: FinishedRun, name: str) -> dict[str, Any]:
    """What the page says of one evidence table: its stage, its statuses, its columns."""
    entry = run.manifest["evidence"][name]
    shards = run.sound_shards(f"evidence/{name}")
    columns: list[Histogram | Counts] = []
    if shards:
        for column in pq.read_schema(shards[0]).names:
            if column in (*KEYS["response"], "status", "representative") or column.endswith("_id"):
                continue  # keys and labels have no distribution
            values = pl.DataFrame(Dataset(shards).read([column])).to_series()
            if values.dtype.is_numeric():
                columns += _histogram(run, name, values.cast(pl.Float64))
            elif values.dtype in (pl.String, pl.Boolean):
                columns += _value_counts(values)
    status = sorted(entry["status"].items(), key=lambda item: (-item[1], item[0]))
    return {"name": name, **entry, "status": status, "columns": columns}


def _histogram(run: FinishedRun, evidence: str, values: pl.Series) -> list[Histogram | Counts]:
    known = values.drop_nulls().to_numpy()
    known = known[np.isfinite(known)]
    if len(known) == 0:
        return []
    low, high = float(known.min()), float(known.max())
    if low == high:
        return [Counts(values.name, ((shown(low), len(known)),))]
    whole = bool((known == np.floor(known)).all())
    bins = min(BINS, int(high - low) + 1) if whole and high - low < 1e9 else BINS
    counts, edges = np.histogram(known, bins=np.linspace(low, high + 1 if whole else high, bins + 1))
    top = np.log1p(counts.max())
    bars = tuple(
        Bar(f"{shown(float(start))} to {shown(float(end))}", int(n), float(np.log1p(n) / top))
        for start, end, n in zip(edges[:-1], edges[1:], counts, strict=True)
    )
    limit, rule = _threshold(run, evidence, values.name)
    at = None if limit is None else (limit - float(edges[0])) / float(edges[-1] - edges[0])
    inside = at if at is not None and 0 <= at <= 1 else None
    return [
        Histogram(values.name, bars, low, float(np.median(known)), high, values.null_count(), inside, rule)
    ]


def _threshold(run: FinishedRun, evidence: str, column: str) -> tuple[float | None, str]:
    """The number a rule compares a column to, and the rule's reason; the first such rule."""
    comparison = re.compile(rf"\b{evidence}\.{column}\s*(?:>=|<=|>|<|=)\s*(-?\d+(?:\.\d+)?)")
    rules = (*run.recipe.get("drop", {}).items(), *run.recipe.get("keep-one", {}).items())
    for reason, rule in rules:
        match = comparison.search(str(rule.get("when") or rule.get("where", "")))
        if match:
            return float(match.group(1)), reason
    return None, ""


def _value_counts(values: pl.Series, most: int = 12) -> list[Counts]:
    """Counts of the commonest values; nothing where they are less than half of the lines."""
    counted = values.drop_nulls().cast(pl.String).value_counts(name="n")
    top = counted.sort(["n", values.name], descending=[True, False])
    rest = int(top["n"].tail(max(0, top.height - most)).sum())
    if top.is_empty() or rest * 2 > int(top["n"].sum()):
        return []
    some = [(shown(value, 40), int(n)) for value, n in top.head(most).iter_rows()]
    return [Counts(values.name, (*some, *([(f"{top.height - most:,} others", rest)] if rest else [])))]


def _sources(run: FinishedRun) -> Sequence[tuple[str, int, int, int, int]]:
    """Source, rows in, kept, dropped, undecided; most rows first. Empty if no row names a source."""
    shards, verdicts = run.sound_shards(ROWS_TABLE), run.sound_shards(VERDICTS_TABLE)
    if not shards:
        return []
    rows = pl.DataFrame(Dataset(shards).read([ROW_ID, "source"]))
    if rows["source"].null_count() == rows.height:
        return []
    judged = pl.scan_parquet(list(verdicts), glob=False).select(
        ROW_ID, "keep", (pl.col("reasons").list.len() > 0).alias("dropped")
    )
    table = (
        rows.lazy()
        .join(judged, on=ROW_ID)
        .group_by("source")
        .agg(
            pl.len().alias("rows"),
            pl.col("keep").sum().alias("kept"),
            pl.col("dropped").sum(),
            (~pl.col("keep") & ~pl.col("dropped")).sum().alias("undecided"),
        )
        .sort(["rows", "source"], descending=[True, False])
        .collect()
    )
    lines = [
        ("(none)" if s is None else shown(s, 80), *counts) for s, *counts in table.head(SOURCES).iter_rows()
    ]
    if table.height > SOURCES:
        rest = table.tail(-SOURCES).select("rows", "kept", "dropped", "undecided").sum().row(0)
        lines.append((f"{table.height - SOURCES:,} others", *rest))
    return [(str(name), int(n), int(kept), int(gone), int(open_)) for name, n, kept, gone, open_ in lines]
