"""`curate decontam --preview` and `--self-test`: what would go, and how much of what should go is found."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl
import typer

from curate.benchmarks import resolve
from curate.benchmarks.matching import State
from curate.benchmarks.self_test import plant, recalls
from curate.cli.execute import progress_lines, say, spare_pandas
from curate.errors import InputError
from curate.flow import ROW_ID
from curate.kernels.estimators import wilson_interval
from curate.pipeline.measuring import evidence_key
from curate.pipeline.reading import read_input
from curate.recipe import Recipe
from curate.report.benchmarks import CLASSES, COPIES, self_test_text, sweep_text, sweeps_of
from curate.report.text import marked_excerpt
from curate.stages.benchmark_match import BenchmarkMatch, measure, prepare

SAMPLE = 20_000
"""Rows that are looked at, at even distances."""
EXAMPLES = 12
UNLIKE = ("template", "none")
"""Classes of rows among which copies are planted: others hold an item already, which may be told instead."""


class Sampled(NamedTuple):
    """Rows of the data, and what is told of them."""

    params: BenchmarkMatch
    state: State
    """What `prepare` wrote of the benchmarks; gone with the sample's folder."""
    rows: pl.DataFrame
    evidence: pl.DataFrame
    n_rows: int
    """How many rows there are in all."""
    key: str
    """Of the evidence that a run makes of all rows."""


def show_preview(recipe: Recipe, becomes: Mapping[str, str]) -> None:
    """Print classes, a sweep and the nearest rows beside their items; nothing is left behind.

    becomes: what is done about the classes that are contaminated, such as `dropped`.
    """
    with sampled(recipe) as sample:
        say(f"{sample.rows.height:,} of {sample.n_rows:,} rows looked at")
        typer.echo(class_table(sample.evidence, becomes))
        for swept in sweeps_of(sample.evidence):
            typer.echo(sweep_text(swept, "leak", "rows") + "\n")
        typer.echo(examples(sample.rows, sample.evidence, sample.params))


def show_self_test(recipe: Recipe, out: Path | None) -> None:
    """Print recall by kind of edit, and what is found in the data itself; keep it in the run folder `out`."""
    with sampled(recipe) as sample:
        evidence = sample.evidence
        against = resolve(sample.params.against, sample.params.against_column)
        clean = sample.rows.join(evidence.filter(pl.col("class").is_in(UNLIKE)), on=ROW_ID, how="semi")
        planted = plant(against, [text for text in clean["prompt"].to_list() if text])
        if not planted:
            names = " ".join(dict.fromkeys(name.partition("@")[0] for name in sample.params.against))
            raise InputError(
                "--self-test edits the text of benchmarks, and only fingerprints are at hand. "
                f"Get the text first: curate benchmarks pull {names}"
            )
        rows = recalls(planted, sample.state)
    flagged = evidence.filter(pl.col("class").is_in(COPIES)).height
    low, high = (float(x[0]) for x in wilson_interval([flagged], [max(1, evidence.height)]))
    result = {
        "evidence": "leak",
        "key": sample.key,
        "items": len({one.item for one in planted}),
        "copies": len(planted),
        "without_text": [one.name for one in against if one.text is None],
        "edits": [
            {
                "edit": row.edit, "expected": row.expected, "copies": row.n, "right": row.right,
                "low": row.low, "high": row.high,
            }
            for row in rows
            if row.n
        ],
        "rows": evidence.height,
        "flagged": flagged,
        "flagged_low": low,
        "flagged_high": high,
    }  # fmt: skip
    typer.echo(self_test_text(result))
    if out is not None:
        from curate.pipeline import keep_self_test

        kept = keep_self_test(out, result)
        say(f"kept in {out}: " + ("its report shows it" if kept else "the report of this run will show it"))


@contextmanager
def sampled(recipe: Recipe) -> Iterator[Sampled]:
    """A sample of the recipe's rows, measured."""
    spare_pandas()
    params = recipe.evidence["leak"]
    assert isinstance(params, BenchmarkMatch)
    with tempfile.TemporaryDirectory() as folder, progress_lines() as progress:
        ingested = read_input(recipe, Path(folder), progress)
        n_rows = ingested.n_rows
        step = max(1, -(-n_rows // SAMPLE))
        rows = pl.scan_parquet(list(ingested.rows.shards)).select(ROW_ID, "prompt")
        frame = rows.filter(pl.col(ROW_ID) % step == 0).collect()
        state = prepare(params, Path(folder) / "state")
        key = evidence_key(params, ingested, {}, None)
        yield Sampled(params, state, frame, measure(frame, params, state), n_rows, key)


def class_table(evidence: pl.DataFrame, becomes: Mapping[str, str]) -> str:
    """Rows of each class, and of each benchmark the copies among them."""
    counts = dict(evidence["class"].value_counts().iter_rows())
    lines = ["class          rows   share"]
    lines += [
        f"{name:<10} {counts.get(name, 0):>8,} {counts.get(name, 0) / max(1, evidence.height):>7.2%}"
        + (f"  {becomes[name]}" if name in becomes else "")
        for name in CLASSES
    ]
    copies = evidence.filter(pl.col("class").is_in(COPIES))
    by_set = copies["benchmark"].value_counts(sort=True)
    if by_set.height:
        lines += ["", "copies of: " + ", ".join(f"{name} {n:,}" for name, n in by_set.iter_rows())]
    return "\n".join([*lines, ""])


def examples(frame: pl.DataFrame, evidence: pl.DataFrame, params: BenchmarkMatch) -> str:
    """Rows about the border between copies and the rest, each beside its item."""
    near = evidence.filter(pl.col("class").is_in(("near", "reworded", "variant")))
    chosen = pl.concat(
        [
            near.filter(pl.col("class") == name)
            .sort("alignment", ROW_ID, nulls_last=True)
            .head(EXAMPLES // 3)
            for name in ("near", "reworded", "variant")
        ]
    )
    texts = _item_texts(params, chosen.select("benchmark", "item").rows())
    prompts = dict(
        frame.filter(pl.col(ROW_ID).is_in(chosen[ROW_ID].implode())).select(ROW_ID, "prompt").rows()
    )
    if chosen.is_empty():
        return "no row is near the border between copies and the rest"
    lines = [f"{chosen.height} row{'s' * (chosen.height > 1)} about the border; the matched part in ⟦ ⟧"]
    for one in chosen.iter_rows(named=True):
        text = texts.get((one["benchmark"], one["item"]))
        lines += [
            "",
            f"row {one[ROW_ID]}: {one['class']} of {one['benchmark']} {one['item']}: {one['why']}",
            "  row:  " + _marked(prompts[one[ROW_ID]], one["row_span"]),
            "  item: " + (_marked(text, one["item_span"]) if text is not None else "(only its fingerprint)"),
        ]
    return "\n".join(lines)


def _item_texts(params: BenchmarkMatch, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for one in resolve(params.against, params.against_column):
        if one.text is None or one.name not in {name for name, _ in wanted}:
            continue
        items = one.items()
        found |= {(one.name, item): text or "" for item, text in zip(items.ids, items.texts, strict=True)}
    return found


def _marked(text: str, span: dict[str, int] | None) -> str:
    place = (span["start"], span["end"]) if span else None
    pieces = marked_excerpt(text, place, 400)
    return "".join(f"⟦{p.text}⟧" if p.marked else p.text for p in pieces).replace("\n", " ")
