"""`curate decontam`: classes that go, reports without dropping, preview, self-test; texts side by side."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from curate.benchmarks import resolve
from curate.benchmarks.edits import EDITS
from curate.benchmarks.matching import write_state
from curate.benchmarks.self_test import plant, recalls
from curate.cli.main import app
from curate.report import beside
from curate.report.explain import as_text, explain

LADDER = "A ladder 13 metres long leans against a wall, its foot 5 metres away. How high does it reach?"
FARM = (
    "A farmer keeps 24 goats and 36 sheep on a meadow near the river. Every goat eats 3 kilograms of hay and every "
    "sheep eats 2 kilograms of hay per day. How many kilograms of hay does the farmer need for 15 days?"
)
TRAIN = (
    "Two trains leave stations 480 kilometres apart at the same moment and travel towards each other, one at 70 and the "
    "other at 90 kilometres per hour. After how many hours do the drivers greet each other?"
)
ROWS = {
    "verbatim": f"Solve this.\n\n{LADDER.upper()}",
    "near": FARM.replace("meadow", "pasture").replace("farmer", "peasant"),
    "variant": FARM.replace("36", "41"),
    "none": "Prove that the square root of two is irrational.",
}


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    """Data, a row of each class, and a benchmark of three items."""
    pl.DataFrame({"problem": list(ROWS.values())}).write_parquet(tmp_path / "data.parquet")
    pl.DataFrame({"id": ["ladder", "farm", "train"], "problem": [LADDER, FARM, TRAIN]}).write_parquet(
        tmp_path / "exam.parquet"
    )
    return str(tmp_path / "data.parquet"), str(tmp_path / "exam.parquet")


def decontam(files: tuple[str, str], *flags: str) -> str:
    """What the command prints."""
    done = CliRunner().invoke(app, ["decontam", files[0], "--against", files[1], *flags])
    assert done.exit_code == 0, done.output
    return done.stdout


def dropped(run: Path) -> list[int]:
    """Rows that are dropped in a run."""
    return pl.read_parquet(run / "verdicts/*.parquet").filter(~pl.col("keep"))["row_id"].to_list()


def test_copies_go_and_variants_stay(files: tuple[str, str], tmp_path: Path) -> None:
    """Verbatim and near rows are dropped as contaminated, the one with another number is kept."""
    decontam(files, "-o", str(tmp_path / "run"))
    assert dropped(tmp_path / "run") == [0, 1]
    evidence = pl.read_parquet(tmp_path / "run/evidence/leak/*.parquet")
    assert evidence["class"].to_list() == list(ROWS)
    assert evidence["item"].to_list() == ["ladder", "farm", "farm", None]


def test_classes_are_chosen(files: tuple[str, str], tmp_path: Path) -> None:
    """`--class` says which classes go; `--mode report` drops nothing and measures all the same."""
    decontam(files, "-o", str(tmp_path / "run"), "--class", "variant", "--class", "verbatim")
    assert dropped(tmp_path / "run") == [0, 2]
    decontam(files, "-o", str(tmp_path / "report"), "--mode", "report")
    assert dropped(tmp_path / "report") == []
    assert pl.read_parquet(tmp_path / "report/evidence/leak/*.parquet")["class"].to_list() == list(ROWS)


def test_ngrams_alone_know_no_classes(files: tuple[str, str]) -> None:
    """`--ngram` with `--class`, `--preview` or `--self-test` is refused, with the way out."""
    for flag in (["--class", "near"], ["--preview"], ["--self-test"]):
        done = CliRunner().invoke(app, ["decontam", *files[:1], "--against", files[1], "--ngram", "8", *flag])
        assert done.exit_code != 0
        assert "without classes" in done.output


def test_row_and_item_stand_side_by_side(files: tuple[str, str], tmp_path: Path) -> None:
    """`explain` and the report show the item with its matched part; where it is gone, they say so."""
    run = tmp_path / "run"
    decontam(files, "-o", str(run))
    said = as_text(explain(run, 1))
    assert "exam item farm" in said
    assert f"⟦{FARM[:-1]}⟧?" in said
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "exam / farm" in page
    assert "A farmer keeps 24 goats" in page
    Path(files[1]).unlink()
    beside._texts.cache_clear()  # texts are read once a process
    assert "there is no such file" in as_text(explain(run, 0))


def test_the_preview_counts_classes_and_shows_the_border(files: tuple[str, str], tmp_path: Path) -> None:
    """A row of each class; near and variant beside the item; no run is written."""
    said = decontam(files, "--preview", "-o", str(tmp_path / "run"))
    counts = dict(re.findall(r"^(verbatim|near|reworded|variant|template|none) +(\d+)", said, re.MULTILINE))
    assert counts == {
        "verbatim": "1",
        "near": "1",
        "reworded": "0",
        "variant": "1",
        "template": "0",
        "none": "1",
    }
    assert "copies of: exam 2" in said
    assert "row 2: variant of exam farm: 36 became 41" in said
    assert not (tmp_path / "run").exists()


def test_the_self_test_prints_recall_by_edit(files: tuple[str, str]) -> None:
    """Every kind of edit that applies has a line; verbatim copies are all found."""
    said = decontam(files, "--self-test")
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line.split()[:1]}
    assert lines["verbatim"][1:4] == ["3", "copy", "100.0%"]
    assert lines["changed-numbers"][2] == "variant"
    assert "Of 4 rows of the data 2 are told to be copies" in said


def test_the_self_test_can_fail(files: tuple[str, str], tmp_path: Path) -> None:
    """Copies of items that the index does not hold are not found."""
    against = resolve([files[1]])
    planted = plant(against, ["The library opens at nine."])
    assert {one.edit for one in planted} <= EDITS.keys()
    assert planted == plant(against, ["The library opens at nine."])
    pl.DataFrame({"id": ["other"], "problem": [ROWS["none"]]}).write_parquet(tmp_path / "other.parquet")
    state = write_state(resolve([str(tmp_path / "other.parquet")]), "problem", tmp_path / "state")
    assert all(row.as_copy == 0 for row in recalls(planted, state))
    found = recalls(planted, write_state(against, "problem", tmp_path / "state"))
    assert all(row.as_copy == row.n for row in found if row.expected == "verbatim")


def test_the_self_test_needs_texts(files: tuple[str, str]) -> None:
    """With fingerprints alone it says how to get the texts."""
    done = CliRunner().invoke(app, ["decontam", files[0], "--against", "aime-2024", "--self-test"])
    assert done.exit_code != 0
    assert "curate benchmarks pull aime-2024" in done.output
