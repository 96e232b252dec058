"""The default recipe on the built-in sample: what was planted is found, twice the same, killed or not."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from curate.sample import SampleFiles, write_sample
from curate.sample.score import as_table, score

ROWS = 1200


def command(sample: SampleFiles, out: Path, *more: str) -> list[str]:
    """The main job as a command line."""
    recipe = ["run", "default", "--input", str(sample.rows[0]), "--against", str(sample.benchmark)]
    return [sys.executable, "-c", "from curate.cli.main import app; app()", *recipe, "--out", str(out), *more]


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a run, the cache left out."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".")
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    """A sample data set."""
    return write_sample(tmp_path_factory.mktemp("sample"), ROWS, seed=3)


@pytest.fixture(scope="module")
def finished(sample: SampleFiles, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the default recipe on it."""
    out = tmp_path_factory.mktemp("run") / "out"
    subprocess.run(command(sample, out), check=True, capture_output=True)
    return out


def test_every_planted_defect_is_found(
    sample: SampleFiles, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recall of every demanded defect is at least 0.95 and hardly a sound line is accused; the table is printed."""
    scores = score(
        pl.read_parquet(sample.truth),
        pl.read_parquet(finished / "verdicts" / "*.parquet"),
        pl.read_parquet(finished / "response_verdicts" / "*.parquet"),
    )
    with capsys.disabled():
        Console(width=140).print(as_table(scores))
    graded = ungraded_left_out(scores, sample, finished)
    demanded = scores.filter(
        pl.col("demanded") & pl.col("recall").is_not_null() & (pl.col("defect") != "wrong")
    )
    missed = demanded.filter(pl.col("recall") < 0.95)
    assert missed.is_empty(), missed
    assert graded >= 0.99
    sound = scores.filter(pl.col("defect").is_in(["right", "odd-unicode"]))
    assert (sound["false_alarms"] <= 0.002 * sound["planted"]).all(), sound
    # n-gram containment cannot tell a renumbered copy from a reworded one: its false alarms are known
    precise = scores.filter((pl.col("expected") != "contaminated") & pl.col("precision").is_not_null())
    accused = precise.filter((pl.col("precision") < 0.9) & (pl.col("false_alarms") > 3))
    assert accused.is_empty(), accused


def ungraded_left_out(scores: pl.DataFrame, sample: SampleFiles, run: Path) -> float:
    """Recall of wrong answers among those that there is a ground truth for and that were compared."""
    wrong = pl.read_parquet(sample.truth).filter(pl.col("defect") == "wrong")
    grades = pl.read_parquet(run / "evidence" / "math" / "*.parquet")
    compared = wrong.join(grades.filter(pl.col("cause") == "ok"), on=["row_id", "response_id"])
    assert compared.height > 0.5 * wrong.height
    return float((compared["status"] == "unequal").mean())  # type: ignore[arg-type]


def test_no_row_is_lost(finished: Path) -> None:
    """in = kept + dropped + undecided, in the manifest and in the files."""
    manifest = json.loads((finished / "manifest.json").read_text(encoding="utf-8"))
    counts = manifest["counts"]["rows"]
    assert counts["in"] == ROWS == counts["kept"] + counts["dropped"] + counts["undecided"]
    verdicts = pl.read_parquet(finished / "verdicts" / "*.parquet")
    assert verdicts["row_id"].to_list() == list(range(ROWS))
    for table, expected in (("dropped", counts["dropped"]), ("undecided", counts["undecided"])):
        assert pl.read_parquet(finished / table / "*.parquet").height == expected
    dropped = pl.read_parquet(finished / "dropped" / "*.parquet")
    assert dropped["reasons"].list.len().min() >= 1  # type: ignore[operator]
    assert {"problem", "answer", "responses"} <= set(dropped.columns)
    kept = pl.read_parquet(finished / "kept" / "*.parquet")
    assert kept.height == manifest["counts"]["records"]
    assert set(kept["row_id"]) <= set(verdicts.filter("keep")["row_id"])


def test_the_manifest_holds_every_file(finished: Path) -> None:
    """Each file that is read again is listed with its SHA-256, and a Parquet file with its rows."""
    manifest = json.loads((finished / "manifest.json").read_text(encoding="utf-8"))
    read_again = (".parquet", "ingest.json")
    found = {name: digest for name, digest in tree(finished).items() if name.endswith(read_again)}
    assert all("rows" in entry for name, entry in manifest["files"].items() if name.endswith(".parquet"))
    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == found


def test_the_same_command_twice_gives_the_same_bytes(
    sample: SampleFiles, finished: Path, tmp_path: Path
) -> None:
    """From nothing, with another number of workers, every file of the run is the same, byte for byte."""
    subprocess.run(command(sample, tmp_path / "again", "--workers", "1"), check=True, capture_output=True)
    assert tree(tmp_path / "again") == tree(finished)


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_it_goes_on_to_the_same_bytes(
    seed: int, sample: SampleFiles, finished: Path, tmp_path: Path
) -> None:
    """SIGKILL at a random moment, then the same command: the output of an undisturbed run."""
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(sample, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(random.Random(seed).uniform(1.0, 8.0))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run(command(sample, out), check=True, capture_output=True)
    assert tree(out) == tree(finished)


def test_ctrl_c_says_that_nothing_is_lost(sample: SampleFiles, tmp_path: Path) -> None:
    """SIGINT ends the run with one sentence and exit code 130, no traceback, no manifest."""
    process = subprocess.Popen(
        command(sample, tmp_path / "out"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:  # the run is under way once the input has been announced
        if "recognised" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted. What was finished is kept" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_new_threshold_measures_nothing_again(sample: SampleFiles, finished: Path, tmp_path: Path) -> None:
    """`decide` with another predicate keeps the evidence bytes and changes the verdicts."""
    stricter = [
        sys.executable, "-c", "from curate.cli.main import app; app()", "decide", str(finished), "--recipe", "default",
        "--set", "drop.contaminated.when=leak.alignment >= 0.05", "--out", str(tmp_path / "new"),
    ]  # fmt: skip
    subprocess.run(stricter, check=True, capture_output=True)
    old, new = tree(finished), tree(tmp_path / "new")
    evidence = [name for name in old if name.startswith(("evidence/", "input/"))]
    assert evidence
    assert {name: new[name] for name in evidence} == {name: old[name] for name in evidence}
    before, after = (
        json.loads((run / "manifest.json").read_text(encoding="utf-8"))["reasons"]["row"]["contaminated"][
            "rows"
        ]
        for run in (finished, tmp_path / "new")
    )
    assert after > before


@pytest.mark.parametrize("fmt", ["messages", "verl", "trl", "prompt-completion", "sharegpt", "original"])
def test_every_format_loads_as_a_data_set(fmt: str, finished: Path, tmp_path: Path) -> None:
    """`datasets.load_dataset` reads the shards of every format, all with one schema."""
    import datasets

    again = [
        sys.executable, "-c", "from curate.cli.main import app; app()", "decide", str(finished), "--recipe", "default",
        "--set", f"output.format={fmt}", "--set", "output.shard-bytes=200000", "--out", str(tmp_path / "new"),
    ]  # fmt: skip
    subprocess.run(again, check=True, capture_output=True)
    manifest = json.loads((tmp_path / "new" / "manifest.json").read_text(encoding="utf-8"))
    files = sorted(str(path) for path in (tmp_path / "new" / "kept").glob("*.parquet"))
    assert len(files) > 1
    assert len({str(pl.read_parquet_schema(file)) for file in files}) == 1
    loaded = datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=str(tmp_path / "hub")
    )
    assert len(loaded) == manifest["counts"]["records"]
    shutil.rmtree(tmp_path / "hub")
