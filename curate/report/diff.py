"""Two runs side by side: which rows changed their verdict, from what to what, and what the recipes changed.

Rows are matched by row_id where both runs read the same input files in the same order, otherwise by the
text of the prompt (the first copy of a text with the first copy, the second with the second).
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl
import pyarrow.parquet as pq

from curate.flow import RESPONSE_ID, ROW_ID
from curate.report.run import RESPONSE_VERDICTS_TABLE, ROWS_TABLE, VERDICTS_TABLE, FinishedRun, open_run
from curate.report.text import shown

ABSENT = "absent"
"""Outcome of a row that one of the two runs does not have."""


class Example(NamedTuple):
    """A row whose outcome changed; a row_id is null where that run does not have the row."""

    before: int | None
    after: int | None
    prompt: str | None


class Transition(NamedTuple):
    """Rows (or responses) that went from one outcome to another: `kept`, `dropped: REASON, …`, …"""

    before: str
    after: str
    lines: int
    examples: tuple[Example, ...]


class Diff(NamedTuple):
    """What changed between two runs; transitions with the most lines first."""

    matched_by: Literal["row_id", "prompt"]
    n_rows: tuple[int, int]
    n_same: int  # rows with the same outcome in both
    rows: tuple[Transition, ...]
    responses: tuple[Transition, ...]
    recipe: tuple[str, ...]  # lines of a unified diff


def diff(before: Path, after: Path, examples: int = 5) -> Diff:
    """Compare two finished runs; at most `examples` rows per transition, smallest row_ids first.

    Raises RunError if one of the folders is not a finished run.
    """
    runs = open_run(before), open_run(after)
    same_input = _input(runs[0]) == _input(runs[1])
    pairs = _paired(*(_outcomes(run, VERDICTS_TABLE, by_prompt=not same_input) for run in runs))
    row_pairs = pairs.select("before", "after").drop_nulls()
    response_pairs = _paired_responses(runs, row_pairs)
    was, now = (run.recipe_text.splitlines() for run in runs)
    changes = difflib.unified_diff(was, now, fromfile="before", tofile="after", lineterm="", n=2)
    return Diff(
        matched_by="row_id" if same_input else "prompt",
        n_rows=(pairs["before"].count(), pairs["after"].count()),
        n_same=pairs.filter(pl.col("was") == pl.col("is")).height,
        rows=_transitions(pairs, runs, examples),
        responses=_transitions(response_pairs, runs, examples),
        recipe=tuple(changes),
    )


def _input(run: FinishedRun) -> list[tuple[str, int]]:
    return [(entry["sha256"], entry["rows"]) for entry in run.manifest["input"]]


def _outcome(lines: pl.DataFrame) -> pl.Expr:
    masked = pl.col("masked") if "masked" in lines.columns else pl.lit([], dtype=pl.List(pl.String))

    def listed(names: pl.Expr) -> pl.Expr:
        return names.list.sort().list.join(", ")

    return (
        pl.when(pl.col("keep") & (masked.list.len() > 0))
        .then(pl.lit("kept, masked: ") + listed(masked))
        .when("keep")
        .then(pl.lit("kept"))
        .when(pl.col("reasons").list.len() > 0)
        .then(pl.lit("dropped: ") + listed(pl.col("reasons")))
        .otherwise(pl.lit("undecided: ") + listed(pl.col("undecided")))
        .alias("outcome")
    )


def _outcomes(run: FinishedRun, table: str, *, by_prompt: bool) -> pl.DataFrame:
    """Lines of row_id, key columns `k0`, `k1` to match by, and outcome; in row order."""
    lines = _read(run.sound_shards(table), (ROW_ID, "keep", "reasons", "undecided"))
    lines = lines.select(ROW_ID, _outcome(lines))
    if not by_prompt:
        return lines.with_columns(pl.col(ROW_ID).alias("k0"), pl.lit(0, dtype=pl.Int64).alias("k1"))
    keys = pl.concat([_prompt_keys(shard) for shard in run.sound_shards(ROWS_TABLE)])
    joined = lines.join(keys, on=ROW_ID, how="left", maintain_order="left")
    return joined.with_columns(pl.int_range(pl.len()).over("k0").alias("k1"))  # which copy of the text


def _prompt_keys(shard: Path) -> pl.DataFrame:
    """row_id and `k0`, 16 bytes of BLAKE2 of the prompt; a missing prompt has an empty key."""
    rows = pq.read_table(shard, columns=[ROW_ID, "prompt"])
    keys = [
        b"" if text is None else hashlib.blake2b(text.encode(), digest_size=16).digest()
        for text in rows["prompt"].to_pylist()
    ]
    return pl.DataFrame({ROW_ID: rows[ROW_ID].to_numpy(), "k0": pl.Series(keys, dtype=pl.Binary)})


def _paired(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """One line per row of either run: before, after (row_ids), was, is (outcomes)."""
    left = before.rename({ROW_ID: "before", "outcome": "was"})
    right = after.rename({ROW_ID: "after", "outcome": "is"})
    joined = left.join(right, on=["k0", "k1"], how="full", coalesce=True, nulls_equal=True)
    return joined.with_columns(pl.col("was", "is").fill_null(ABSENT)).sort("before", "after", nulls_last=True)


def _paired_responses(runs: Sequence[FinishedRun], row_pairs: pl.DataFrame) -> pl.DataFrame:
    """As `_paired`, one line per response of the rows that both runs have."""
    columns = (ROW_ID, RESPONSE_ID, "keep", "reasons", "undecided")
    tables = [_read(run.sound_shards(RESPONSE_VERDICTS_TABLE), columns) for run in runs]
    was, now = (lines.select(ROW_ID, RESPONSE_ID, _outcome(lines)) for lines in tables)
    left = was.rename({ROW_ID: "before", "outcome": "was"}).join(row_pairs, on="before")
    right = now.rename({ROW_ID: "after", "outcome": "is"}).join(row_pairs, on="after")
    joined = left.join(right, on=["before", "after", RESPONSE_ID], how="full", coalesce=True)
    return joined.with_columns(pl.col("was", "is").fill_null(ABSENT)).sort("before", RESPONSE_ID)


_EMPTY = pl.DataFrame(
    schema={
        ROW_ID: pl.Int64,
        RESPONSE_ID: pl.Int32,
        "keep": pl.Boolean,
        "reasons": pl.List(pl.String),
        "undecided": pl.List(pl.String),
    }
)


def _read(shards: Sequence[Path], columns: Sequence[str]) -> pl.DataFrame:
    """The columns of verdicts; `masked` too where the recipe has mask rules."""
    if not shards:
        return _EMPTY.select(columns)
    more = [name for name in ("masked",) if name in pq.read_schema(shards[0]).names]
    return pl.scan_parquet(list(shards), glob=False).select(*columns, *more).collect()


def _transitions(pairs: pl.DataFrame, runs: Sequence[FinishedRun], examples: int) -> tuple[Transition, ...]:
    changed = pairs.filter(pl.col("was") != pl.col("is"))
    groups = (
        changed.group_by("was", "is", maintain_order=True)
        .agg(pl.len().alias("lines"), pl.struct("before", "after").head(examples).alias("some"))
        .sort(["lines", "was", "is"], descending=[True, False, False])
    )
    chosen = [pair for some in groups["some"].to_list() for pair in some]
    prompts = [_prompts(runs[side], {pair[name] for pair in chosen}) for side, name in enumerate(_SIDES)]

    def example(pair: dict[str, int | None]) -> Example:
        side = 1 if pair["before"] is None else 0
        return Example(pair["before"], pair["after"], prompts[side].get(pair[_SIDES[side]]))

    return tuple(
        Transition(was, now, lines, tuple(example(pair) for pair in some))
        for was, now, lines, some in groups.select("was", "is", "lines", "some").iter_rows()
    )


_SIDES = ("before", "after")


def _prompts(run: FinishedRun, row_ids: set[int | None]) -> dict[int | None, str | None]:
    wanted = {row_id for row_id in row_ids if row_id is not None}
    if not wanted:
        return {}
    lines = run.read(ROWS_TABLE, wanted, (ROW_ID, "prompt"), run.places(wanted))
    return dict(lines.iter_rows())


def as_text(difference: Diff, prompt: int = 90) -> str:
    """The difference for a terminal: transitions with examples, then what the recipes changed."""
    found = difference
    before, after = found.n_rows
    changed = sum(item.lines for item in found.rows)
    lines = [
        f"rows: {before:,} before, {after:,} after, matched by {found.matched_by}; "
        f"{found.n_same:,} the same, {changed:,} changed"
    ]
    for item in found.rows:
        lines += ["", f"{item.lines:>9,}  {item.before} → {item.after}"]
        lines += [f"           {_ids(example)}  {shown(example.prompt, prompt)}" for example in item.examples]
    if found.responses:
        lines += ["", "responses"]
        lines += [f"{item.lines:>9,}  {item.before} → {item.after}" for item in found.responses]
    lines += ["", "recipe", *(found.recipe or ("  the same",))]
    return "\n".join(line.replace("\n", "⏎") for line in lines) + "\n"


def _ids(example: Example) -> str:
    if example.before == example.after or example.after is None:
        return f"row {example.before}"
    return f"row {example.after}" if example.before is None else f"row {example.before} → {example.after}"
