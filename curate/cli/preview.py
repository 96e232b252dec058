"""`curate dedup --preview`: what each threshold would drop, and the pairs about the chosen one."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path

import polars as pl
import typer

from curate.cli import options
from curate.cli.execute import open_engine, progress_lines, say, spare_pandas
from curate.flow import ROW_ID
from curate.ingest import Ingested
from curate.pipeline.measuring import measure_all
from curate.pipeline.reading import read_input
from curate.recipe import Recipe
from curate.stages.near_dedup import NearDedupParams

BELOW = 0.2
"""How far below the threshold pairs are looked for."""
N_PAIRS = 20
CONTEXT_WORDS = 6
MAX_WORDS = 60


def show_preview(recipe: Recipe, machine: options.Machine) -> None:
    """Print the sweep and the pairs; nothing is left behind."""
    spare_pandas()
    near = recipe.evidence["near"]
    assert isinstance(near, NearDedupParams)
    lowest = max(0.1, round(near.threshold - BELOW, 2))
    wide = near.model_copy(
        update={"threshold": lowest, "bands": None, "rows_per_band": None, "large_cluster": "none"}
    )
    asked = recipe.model_copy(update={"evidence": {"exact": recipe.evidence["exact"], "near": wide}})
    with (
        tempfile.TemporaryDirectory() as folder,
        progress_lines() as progress,
        open_engine(machine, progress) as engine,
    ):
        ingested = read_input(asked, Path(folder), progress)
        _, measured = measure_all(asked, ingested, engine, Path(folder))
        say(f"{ingested.n_rows:,} rows: {ingested.shape}")
        exact, found = (
            pl.concat(pl.read_parquet(shard) for shard in measured[name].dataset.shards)
            for name in ("exact", "near")
        )
        found = found.join(exact.select(ROW_ID, exact="cluster_id"), on=ROW_ID).filter(
            pl.col("exact").fill_null(pl.col(ROW_ID)) == pl.col(ROW_ID)  # exact copies go first
        )
        typer.echo(sweep(found, ingested.n_rows, lowest, near.threshold))
        typer.echo(borderline(found, ingested, near.threshold))


def sweep(found: pl.DataFrame, n_rows: int, lowest: float, chosen: float) -> str:
    """A table: threshold, rows that would go, clusters, the largest of them."""
    lines = [
        f"{n_rows - found.height:,} of {n_rows:,} rows are exact copies. Of the rest near-duplicates:",
        "",
    ]
    lines.append(f"{'threshold':>11} {'rows dropped':>13} {'share':>7} {'clusters':>9} {'largest':>8}")
    steps = {round(lowest + 0.05 * step, 2) for step in range(20)} | {chosen, 1.0}
    for threshold in sorted(step for step in steps if lowest <= step <= 1.0):
        gone = found.filter((pl.col("jaccard") >= threshold) & (pl.col("representative") != pl.col(ROW_ID)))
        sizes = gone.group_by("representative").len()["len"]
        largest = int(sizes.max() or 0) + 1 if len(sizes) else 0  # type: ignore[arg-type]
        mark = "  <- --threshold" if threshold == chosen else ""
        lines.append(
            f"{threshold:>11.2f} {gone.height:>13,} {gone.height / max(1, n_rows):>7.2%} {len(sizes):>9,} "
            f"{largest:>8,}{mark}"
        )
    return "\n".join([*lines, ""])


def borderline(found: pl.DataFrame, ingested: Ingested, threshold: float) -> str:
    """The pairs of a row and its representative nearest to the threshold, half of them on each side."""
    pairs = (
        found.filter(pl.col("representative") != pl.col(ROW_ID))
        .with_columns((pl.col("jaccard") - threshold).abs().alias("distance"))
        .sort("distance", ROW_ID)
    )
    kept = pairs.filter(pl.col("jaccard") < threshold).head(N_PAIRS // 2)
    dropped = pairs.filter(pl.col("jaccard") >= threshold).head(N_PAIRS - kept.height)
    wanted = pl.concat([dropped, kept]).sort("jaccard", ROW_ID, descending=[True, False])
    rows = [*wanted[ROW_ID], *wanted["representative"]]
    texts = dict(
        pl.scan_parquet(list(ingested.rows.shards))
        .filter(pl.col(ROW_ID).is_in(rows))
        .select(ROW_ID, "prompt")
        .collect()
        .iter_rows()
    )
    lines = [
        f"{wanted.height} pairs about {threshold:g}; [-only in the row that stays-] {{+only in the copy+}}"
    ]
    for row_id, representative, jaccard in wanted.select(ROW_ID, "representative", "jaccard").iter_rows():
        verdict = "same" if jaccard >= threshold else "kept apart"
        lines += ["", f"rows {representative} and {row_id}, Jaccard {jaccard:.3f}: {verdict}"]
        lines.append("  " + word_difference(texts[representative] or "", texts[row_id] or ""))
    return "\n".join(lines)


def word_difference(one: str, other: str) -> str:
    """What differs between two texts, word by word, with a few words around it.

    >>> word_difference("Find all x with x > 2.", "Find all y with y > 2.")
    'Find all [-x-] {+y+} with [-x-] {+y+} > 2.'
    """
    words, others = one.split(), other.split()
    pieces: list[str] = []
    blocks = difflib.SequenceMatcher(a=words, b=others, autojunk=False).get_opcodes()
    for index, (kind, a, b, c, d) in enumerate(blocks):
        if kind == "equal":
            first, last = index == 0, index == len(blocks) - 1
            pieces.append(_shortened(words[a:b], keep_start=not first, keep_end=not last))
            continue
        pieces += [f"[-{_shortened(words[a:b], True, True)}-]"] if b > a else []
        pieces += [f"{{+{_shortened(others[c:d], True, True)}+}}"] if d > c else []
    return " ".join(piece for piece in pieces if piece)


def _shortened(words: list[str], keep_start: bool, keep_end: bool) -> str:
    start = words[:CONTEXT_WORDS] if keep_start else []
    end = words[-CONTEXT_WORDS:] if keep_end else []
    if len(words) <= len(start) + len(end) + 1 or not (start or end):
        return " ".join(words[:MAX_WORDS])
    return " ".join([*start, "...", *end])
