"""What report and `curate report` say of evaluation sets: by set, by item, other thresholds, the self-test."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from test_report import tags
from typer.testing import CliRunner

from curate.cli.main import app
from curate.report.benchmarks import guards, item_counts, sweeps_of
from curate.report.run import open_run

LADDER = "A ladder 13 metres long leans against a wall, its foot 5 metres away. How high does it reach?"
FARM = (
    "A farmer keeps 24 goats and 36 sheep on a meadow near the river. Every goat eats 3 kilograms of hay and every "
    "sheep eats 2 kilograms of hay per day. How many kilograms of hay does the farmer need for 15 days?"
)
ROWS = [LADDER, LADDER.upper(), FARM.replace("meadow", "pasture"), FARM.replace("36", "41"), "Prove it."]


def curate(*arguments: str | Path, fails: bool = False) -> str:
    """Run a command; what it printed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert (done.exit_code != 0) == fails, done.output
    return done.output


@pytest.fixture
def data(tmp_path: Path) -> tuple[Path, Path]:
    """Rows, and a benchmark of four items, one of them too short to be found in a text."""
    pl.DataFrame({"problem": ROWS}).write_parquet(tmp_path / "data.parquet")
    items = {
        "id": ["ladder", "farm", "sum", "other"],
        "problem": [LADDER, FARM, "2 + 2?", " ".join(FARM.split()[:12])],
    }
    pl.DataFrame(items).write_parquet(tmp_path / "exam.parquet")
    return tmp_path / "data.parquet", tmp_path / "exam.parquet"


def test_the_manifest_says_what_is_protected(data: tuple[Path, Path], tmp_path: Path) -> None:
    """Items of each set, those found only whole and those that cannot be found; a decision keeps it."""
    said = curate("decontam", data[0], "--against", data[1], "-o", tmp_path / "run")
    told = "against 1 benchmark, 4 items; 1 unprotectable (fewer than 4 tokens)"
    assert f"leak: {told}" in said
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    expected = {"by": "text", "items": 4, "short": 0, "unprotectable": 1, "generic": 1}
    assert manifest["protection"]["leak"] == {
        "told": told, "ngram": 10, "sets": {"exam": expected}, "absent": [],
    }  # fmt: skip
    recipe = tmp_path / "run" / "recipe.toml"
    setting = "drop.contaminated.when=leak.alignment >= 0.99"
    curate("decide", tmp_path / "run", "--recipe", recipe, "--set", setting, "-o", tmp_path / "other")
    again = json.loads((tmp_path / "other" / "manifest.json").read_text())
    assert again["protection"] == manifest["protection"]


def test_sets_items_and_thresholds_are_counted(data: tuple[Path, Path], tmp_path: Path) -> None:
    """By set the rows of each class, by item the rows that are it, by threshold the rows it would reach."""
    run = tmp_path / "run"
    curate("decontam", data[0], "--against", data[1], "-o", run)
    [guard] = guards(open_run(run))
    [exam] = guard.sets
    assert (exam.held, exam.unprotectable) == (2, 1)
    assert {name: exam.lines.get(name, 0) for name in ("verbatim", "near", "variant")} == {
        "verbatim": 2, "near": 1, "variant": 1,
    }  # fmt: skip
    assert [(one.item, one.lines, one.classes) for one in guard.items] == [
        ("ladder", 2, "verbatim 2"), ("farm", 1, "near 1"),
    ]  # fmt: skip
    [swept] = guard.sweeps
    assert (swept.column, swept.steps[0], swept.steps[-1]) == ("alignment", (0.3, 4, 1), (1.0, 2, 0))
    said = curate("report", run)
    assert "exam ladder: 2 (verbatim 2)" in said
    assert "which items cannot be found: curate benchmarks show SET" in said
    assert "leak.alignment >=" in said
    page = (run / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="benchmarks">Evaluation sets</h2>' in page
    assert "unprotectable (fewer than 4 tokens)" in page
    assert "At other thresholds of alignment" in page
    tags(page)


def test_thresholds_need_no_second_measurement(data: tuple[Path, Path], tmp_path: Path) -> None:
    """Deciding by a threshold of the table drops as many rows as it says."""
    run = tmp_path / "run"
    curate("decontam", data[0], "--against", data[1], "-o", run)
    [swept] = guards(open_run(run))[0].sweeps
    for step in swept.steps:
        setting = f"drop.contaminated.when=coalesce(leak.alignment, 0) >= {step.least}"
        curate(
            "decide",
            run,
            "--recipe",
            run / "recipe.toml",
            "--set",
            setting,
            "-o",
            tmp_path / "o",
        )
        manifest = json.loads((tmp_path / "o" / "manifest.json").read_text())
        assert manifest["counts"]["rows"]["dropped"] == step.lines


def test_evidence_without_classes_is_swept_too(data: tuple[Path, Path], tmp_path: Path) -> None:
    """Of n-grams alone the containment is swept, and an item counts as held from a half of it on."""
    run = tmp_path / "run"
    curate("decontam", data[0], "--against", data[1], "--ngram", "8", "-o", run)
    [guard] = guards(open_run(run))
    assert [one.column for one in guard.sweeps] == ["containment", "coverage"]
    assert guard.sweeps[0].steps[-1] == (1.0, 2, None)
    assert guard.sets[0].held == len({one.item for one in guard.items})
    assert "leak.containment >=" in curate("report", run)
    tags((run / "report.html").read_text(encoding="utf-8"))


def test_the_share_of_a_fingerprint_is_swept_apart() -> None:
    """Containment of lines that were compared with a text says something else, and is left out."""
    lines = {
        "benchmark": ["a", "b", "b"], "item": ["1", "2", "2"], "class": ["near", "near", "verbatim"],
        "alignment": [0.75, None, None], "containment": [0.9, 0.6, 1.0],
        "status": ["ok", "fingerprint", "fingerprint"],
    }  # fmt: skip
    found = pl.DataFrame(lines)
    alignment, containment = sweeps_of(found)
    assert [step.lines for step in alignment.steps] == [1, 1, 1, 1, 1, 0, 0, 0]
    assert [step.lines for step in containment.steps] == [2, 2, 2, 2, 1, 1, 1, 1]
    assert [tuple(one) for one in item_counts(found)] == [
        ("b", "2", 2, "verbatim 1, near 1"), ("a", "1", 1, "near 1"),
    ]  # fmt: skip


def test_the_report_carries_the_self_test(data: tuple[Path, Path], tmp_path: Path) -> None:
    """Made before or after the run, in its folder; it stays when the report is written again, and no longer
    than rows, sets and parameters stay what they were."""
    run = tmp_path / "run"
    said = curate("decontam", data[0], "--against", data[1], "--self-test", "-o", run)
    assert "the report of this run will show it" in said
    assert not (run / "manifest.json").exists()
    curate("decontam", data[0], "--against", data[1], "-o", run)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<h4>Self-test</h4>" in page
    assert "changed-numbers" in page
    tags(page)
    assert "self-test: " in curate("report", run)
    (run / "self_test.json").unlink()
    assert "self-test: " not in curate("report", run)
    assert "its report shows it" in curate(
        "decontam", data[0], "--against", data[1], "--self-test", "-o", run
    )
    assert "<h4>Self-test</h4>" in (run / "report.html").read_text(encoding="utf-8")
    pl.DataFrame({"problem": ROWS[:3]}).write_parquet(data[0])
    curate("decontam", data[0], "--against", data[1], "-o", run)
    assert "<h4>Self-test</h4>" not in (run / "report.html").read_text(encoding="utf-8")


def test_a_self_test_is_kept_in_no_folder_of_others(data: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder that holds files of somebody is refused; without -o nothing is written."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("x")
    flags = ["decontam", data[0], "--against", data[1], "--self-test"]
    assert "expected an empty folder" in curate(*flags, "-o", tmp_path / "theirs", fails=True)
    before = sorted(tmp_path.rglob("*"))
    curate(*flags)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_preview_says_what_becomes_of_each_class(data: tuple[Path, Path]) -> None:
    """Beside the classes that are contaminated stands what the mode does about them."""
    said = curate("decontam", data[0], "--against", data[1], "--preview", "--mode", "mask")
    assert re.search(r"^verbatim +2 +40.00%  cut out$", said, re.MULTILINE)
    assert re.search(r"^near +1 +20.00%  cut out$", said, re.MULTILINE)
    assert re.search(r"^reworded +0 +0.00%  dropped$", said, re.MULTILINE)
    assert re.search(r"^variant +1 +20.00%$", said, re.MULTILINE)
