"""What a change makes a run measure again: what depends on it, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from curate import recipe as recipes
from curate.engines.local import LocalEngine
from curate.ingest import tables
from curate.pipeline import measuring, run
from curate.stages import STAGES

RECIPE = """
[evidence.query]
stage = "query-quality"
[evidence.exact]
stage = "exact-dedup"
[evidence.near]
stage = "near-dedup"
skip-if = "query.is_empty"
[evidence.leak]
stage = "ngram-overlap"
against = ["BENCH"]
[evidence.loops]
stage = "repetition"
[evidence.math]
stage = "math-verify"
[evidence.pass]
stage = "pass-rate"
verdicts = "math"
[drop.looping]
when = "loops.tail_loop_words >= 50"
on-missing = "keep"
[keep-one.near-duplicate]
per = "near.cluster_id"
on-missing = "keep"
"""
ROWS = pl.DataFrame(
    {
        "problem": ["What is 1 + 6?", "What is 2 + 6?", "What is 3 + 6?", ""],
        "answer": ["7", "8", "9", "1"],
        "grade": ["1", "2", "3", "4"],
        "responses": [["It is \\boxed{7}."], ["It is \\boxed{9}."], ["It is \\boxed{9}."], None],
    }
)
ALL = {"query", "exact", "near", "leak", "loops", "math", "pass"}


class Before(NamedTuple):
    """A run that is there, and what it was made from."""

    folder: Path
    rows: Path
    bench: Path
    patch: pytest.MonkeyPatch
    settings: dict[str, Any]


def inodes(folder: Path, pattern: str) -> dict[str, int]:
    """By path the file that is there; a file that was made again is another."""
    return {path.relative_to(folder).as_posix(): path.stat().st_ino for path in folder.glob(pattern)}


def measure(before: Before, recipe: str = RECIPE) -> tuple[dict[str, int], dict[str, int]]:
    """Files of evidence and of input of a run."""
    settings = {"source.files": [str(before.rows)], **before.settings}
    with LocalEngine(1) as engine:
        text = recipe.replace("BENCH", str(before.bench))
        run(recipes.parse(text, "test", settings), before.folder / "out", engine=engine)
    out = before.folder / "out"
    evidence = {name.split("/")[1]: ino for name, ino in inodes(out, "evidence/*/*.parquet").items()}
    return evidence, inodes(out, "input/*/*.parquet")


def bump(name: str) -> Callable[[Before], None]:
    """Raise the VERSION of a stage."""
    raised = STAGES[name]._replace(version=STAGES[name].version + 1)
    return lambda before: before.patch.setitem(STAGES, name, raised)


def bump_ingest(before: Before) -> None:
    """Raise the VERSION of the canonical tables."""
    before.patch.setattr(tables, "VERSION", tables.VERSION + 1)
    before.patch.setattr(measuring, "INGEST_VERSION", tables.VERSION)


def append_bench(before: Before) -> None:
    """Another item in the benchmark."""
    pl.DataFrame({"problem": ["What is the capital of France, and why is it Paris?"]}).write_parquet(
        before.bench
    )


def rename_bench(before: Before) -> str:
    """The benchmark under another name."""
    target = before.bench.with_name("other.parquet")
    before.bench.rename(target)
    return RECIPE.replace("BENCH", str(target))


def setting(name: str, value: Any) -> Callable[[Before], None]:
    """A value of the recipe."""
    return lambda before: before.settings.update({name: value})


def changed_rows(before: Before) -> None:
    """One character of the input."""
    ROWS.with_columns(pl.col("problem").str.replace("3", "4")).write_parquet(before.rows)


def moved_rows(before: Before) -> None:
    """The same input in another file."""
    moved = before.rows.with_name("moved.parquet")
    before.rows.rename(moved)
    before.settings["source.files"] = [str(moved)]


CASES: dict[str, tuple[Callable[[Before], Any], set[str], bool]] = {
    "nothing": (lambda _: None, set(), False),
    "a threshold": (setting("drop.looping.when", "loops.tail_loop_words >= 20"), set(), False),
    "another rule": (setting("drop.empty", {"when": "query.is_empty"}), set(), False),
    "the format": (setting("output.format", "verl"), set(), False),
    "the date of the input": (lambda before: os.utime(before.rows, (1, 1)), set(), False),
    "the date of the benchmark": (lambda before: os.utime(before.bench, (1, 1)), set(), False),
    "the place of the input": (moved_rows, set(), True),
    "what is done about bad rows": (setting("source.on-bad-rows", "quarantine"), set(), True),
    "the input": (changed_rows, ALL, True),
    "which column is the answer": (setting("source.answer", "grade"), ALL, True),
    "a parameter of near": (setting("evidence.near.threshold", 0.7), {"near"}, False),
    "what near skips": (setting("evidence.near.skip-if", "not query.is_empty"), {"near"}, False),
    "a parameter of math": (setting("evidence.math.timeout-s", 2.0), {"math", "pass"}, False),
    "the benchmark": (append_bench, {"leak"}, False),
    "the name of the benchmark": (rename_bench, {"leak"}, False),
    "VERSION of query-quality": (bump("query-quality"), {"query", "near"}, False),
    "VERSION of near-dedup": (bump("near-dedup"), {"near"}, False),
    "VERSION of math-verify": (bump("math-verify"), {"math", "pass"}, False),
    "VERSION of pass-rate": (bump("pass-rate"), {"pass"}, False),
    "VERSION of the tables": (bump_ingest, ALL, True),
    "the order of the evidence": (
        lambda _: RECIPE.replace("[evidence.exact]\nstage = \"exact-dedup\"\n", "")
        + '[evidence.exact]\nstage = "exact-dedup"\n',
        set(),
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CASES)
def test_a_change_measures_again_what_depends_on_it(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table of cases: of the seven measurements these are made anew, the files of the others stay."""
    before = Before(tmp_path, tmp_path / "in.parquet", tmp_path / "bench.parquet", monkeypatch, {})
    ROWS.write_parquet(before.rows)
    pl.DataFrame({"problem": ["What is the capital of France?"]}).write_parquet(before.bench)
    old, old_input = measure(before)
    assert set(old) == ALL
    change_it, expected, read_again = CASES[change]
    recipe = change_it(before)
    new, new_input = measure(before, recipe if isinstance(recipe, str) else RECIPE)
    assert {name for name in ALL if new[name] != old[name]} == expected
    assert (new_input != old_input) == read_again


def test_a_name_and_what_is_left_out_measure_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evidence under another name is the same; without one measurement the others stay."""
    before = Before(tmp_path, tmp_path / "in.parquet", tmp_path / "bench.parquet", monkeypatch, {})
    ROWS.write_parquet(before.rows)
    pl.DataFrame({"problem": ["What is the capital of France?"]}).write_parquet(before.bench)
    old, _ = measure(before)
    named, _ = measure(before, RECIPE.replace("evidence.exact", "evidence.same"))
    assert named == {**{name: ino for name, ino in old.items() if name != "exact"}, "same": old["exact"]}
    fewer, _ = measure(before, RECIPE.replace('[evidence.exact]\nstage = "exact-dedup"\n', ""))
    assert fewer == {name: ino for name, ino in old.items() if name != "exact"}
