"""Files that are not as they were written: measured again, or told by name, never used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate import recipe as recipes
from curate.disk import SUMS
from curate.engines.local import LocalEngine
from curate.errors import RunError
from curate.pipeline import finish, run
from curate.pipeline.checking import check_run
from curate.pipeline.collecting import collect
from curate.pipeline.places import READY
from curate.report.diff import diff
from curate.report.explain import explain
from curate.report.html import render
from curate.report.query import query

RECIPE = """
[evidence.exact]
stage = "exact-dedup"
[evidence.near]
stage = "near-dedup"
[evidence.loops]
stage = "repetition"
[drop.looping]
when = "loops.tail_loop_words >= 50"
[keep-one.exact-duplicate]
per = "exact.cluster_id"
"""
ROWS = pl.DataFrame(
    {
        "problem": ["What is 1 + 6?", "What is 2 + 6?", "What is 2 + 6?"],
        "answer": ["7", "8", "8"],
        "responses": [["It is \\boxed{7}.", "Seven and on. " * 90], ["It is \\boxed{8}."], ["Eight."]],
    }
)


def made(folder: Path, text: str = RECIPE, out: str = "out", **settings: Any) -> tuple[Path, list[str]]:
    """A run over the rows, and what it announced."""
    folder.mkdir(exist_ok=True)
    if not (folder / "in.parquet").exists():
        ROWS.write_parquet(folder / "in.parquet")
    said: list[str] = []
    recipe = recipes.parse(text, "test", {"source.files": [str(folder / "in.parquet")], **settings})
    with LocalEngine(1) as engine:
        run(recipe, folder / out, engine=engine, announce=said.append)
    return folder / out, said


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a run."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".")
    }


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, in place."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def cut(path: Path) -> None:
    """Take the last third of a file away, in place."""
    data = path.read_bytes()
    path.write_bytes(data[: 2 * len(data) // 3])


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (".cache/evidence-*/shards/00000.parquet", "measured again there"),
        (".cache/input-*/*/00000.parquet", "the input is read again"),
        (".cache/input-*/ingest.json", "the input is read again"),
        (".cache/*/complete.json", ""),
    ],
)
def test_what_is_damaged_in_the_cache_is_made_again(
    pattern: str, told: str, harm: Any, tmp_path: Path
) -> None:
    """A bit, an end or a file is gone: it is told, and the run is what it was."""
    out, _ = made(tmp_path)
    whole = content(out)
    for path in sorted(out.glob(pattern)):
        harm(path)
        again, said = made(tmp_path)
        assert content(again) == whole, path
        expected = "" if harm is Path.unlink and path.name == "ingest.json" else told  # as of a killed run
        assert any(expected in line for line in said), (path, said)


def test_a_shard_that_is_damaged_is_measured_alone(tmp_path: Path) -> None:
    """Of three shards the damaged one is made again; the other two are the files that they were."""
    rows = pl.DataFrame({"problem": [f"What is {i} + 6?" for i in range(3)], "responses": [["It is 7."]] * 3})
    rows = rows.with_columns(pl.lit("x" * 9_000_000).alias("weight") + pl.col("problem"))
    tmp_path.mkdir(exist_ok=True)
    rows.write_parquet(tmp_path / "in.parquet")
    out, _ = made(tmp_path)
    shards = sorted(out.glob("evidence/loops/*.parquet"))
    assert len(shards) == 3
    before = [path.stat().st_ino for path in shards]
    flip(shards[1])
    made(tmp_path)
    after = [path.stat().st_ino for path in shards]
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True]


def test_half_done_shards_are_checked_before_they_are_used(tmp_path: Path) -> None:
    """What a killed run left has checksums beside it: what fits stays, what does not is made again."""
    rows = pl.DataFrame({"problem": [f"What is {i} + 6?" for i in range(3)], "responses": [["It is 7."]] * 3})
    rows = rows.with_columns(pl.lit("x" * 9_000_000).alias("weight") + pl.col("problem"))
    rows.write_parquet(tmp_path / "in.parquet")
    out, _ = made(tmp_path)
    whole = content(out)
    [folder] = [path.parent.parent for path in out.glob(".cache/evidence-*/shards/00000.parquet")
                if path.samefile(out / "evidence/loops/00000.parquet")]  # fmt: skip
    told = json.loads((folder / "complete.json").read_text())["files"]
    (folder / "complete.json").unlink()
    (folder / SUMS).mkdir()
    for name in (
        "shards/00000.parquet",
        "shards/00001.parquet",
    ):  # the third was not noted when it was killed
        (folder / SUMS / name.replace("/", "+")).write_text(f"{told[name]['bytes']} {told[name]['sha256']}\n")
    flip(folder / "shards" / "00001.parquet")
    (folder / "shards" / ".00002.parquet.123.tmp").write_bytes(b"half")
    before = {path.name: path.stat().st_ino for path in folder.glob("shards/*.parquet")}
    _, said = made(tmp_path)
    after = {path.name: path.stat().st_ino for path in folder.glob("shards/*.parquet")}
    assert [before[name] == after[name] for name in sorted(before)] == [True, False, False]
    assert any("00001.parquet: not as it was written; loops is measured again there" in line for line in said)
    assert not any("00002" in line for line in said)
    assert content(out) == whole
    assert not list(out.rglob("*.tmp"))
    assert not (folder / SUMS).exists()


ASKING = {
    "explain": lambda out: explain(out, 1),
    "sql": lambda out: query(out, "SELECT * FROM everything"),
    "sql of responses": lambda out: query(out, "SELECT * FROM every_response"),
    "report": render,
    "diff": lambda out: diff(out, out),
}


@pytest.mark.parametrize("harm", [flip, cut, Path.unlink])
@pytest.mark.parametrize(
    ("ask", "name"),
    [
        ("explain", "verdicts/00000.parquet"),
        ("explain", "evidence/near/00000.parquet"),
        ("explain", "input/rows/00000.parquet"),
        ("sql", "evidence/exact/00000.parquet"),
        ("sql of responses", "evidence/loops/00000.parquet"),
        ("report", "evidence/near/00000.parquet"),
        ("report", "verdicts/00000.parquet"),
        ("diff", "verdicts/00000.parquet"),
    ],
)
def test_a_finished_run_that_is_damaged_gives_no_answer(
    ask: str, name: str, harm: Any, tmp_path: Path
) -> None:
    """The error names the file, and what to do."""
    out, _ = made(tmp_path)
    ASKING[ask](out)  # type: ignore[no-untyped-call]
    harm(out / name)
    with pytest.raises(RunError, match=f"{name}: expected the file that the run wrote .* `curate check`"):
        ASKING[ask](out)  # type: ignore[no-untyped-call]


def test_sql_checks_what_it_reads(tmp_path: Path) -> None:
    """A damaged table is no concern of a query that does not name it."""
    out, _ = made(tmp_path)
    flip(out / "evidence" / "near" / "00000.parquet")
    assert query(out, "SELECT count(*) FROM verdicts").table.num_rows == 1
    with pytest.raises(RunError, match="evidence/near/00000.parquet"):
        query(out, "SELECT count(*) FROM near")


def test_decide_uses_nothing_that_is_damaged(tmp_path: Path) -> None:
    """Evidence that the recipe asks for is checked; what it does not ask for is not read."""
    out, _ = made(tmp_path)
    without = RECIPE.replace('[evidence.near]\nstage = "near-dedup"\n', "")
    flip(out / "evidence" / "near" / "00000.parquet")
    with LocalEngine(1) as engine:
        run(recipes.parse(without, "test"), tmp_path / "fine", engine=engine, decide_from=out)
        with pytest.raises(RunError, match="evidence/near/00000.parquet: expected the file"):
            run(recipes.parse(RECIPE, "test"), tmp_path / "new", engine=engine, decide_from=out)
        flip(out / "input" / "rows" / "00000.parquet")
        with pytest.raises(RunError, match="input/rows/00000.parquet: expected the file"):
            run(recipes.parse(without, "test"), tmp_path / "new", engine=engine, decide_from=out)


def test_a_manifest_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    """It has a checksum of its own."""
    out, _ = made(tmp_path)
    text = (out / "manifest.json").read_text(encoding="utf-8")
    (out / "manifest.json").write_text(text.replace('"kept": 2', '"kept": 3'), encoding="utf-8")
    with pytest.raises(RunError, match="does not fit its own manifest_sha256"):
        explain(out, 1)


def test_deciding_again_in_place_keeps_the_quarantine(tmp_path: Path) -> None:
    """Rows that could not be read are still there after `decide`."""
    (tmp_path / "in.jsonl").write_text('{"problem": "What is 1 + 6?", "answer": "7"}\n{broken\n')
    settings = {"source.files": [str(tmp_path / "in.jsonl")], "source.on-bad-rows": "quarantine"}
    recipe = recipes.parse('[evidence.exact]\nstage = "exact-dedup"\n', "test", settings)
    with LocalEngine(1) as engine:
        run(recipe, tmp_path / "out", engine=engine)
        before = content(tmp_path / "out")
        run(recipe, tmp_path / "out", engine=engine, decide_from=tmp_path / "out")
    assert "quarantined/00000.parquet" in before
    assert content(tmp_path / "out") == before


def test_a_run_that_was_killed_while_it_took_its_place_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at any of these renames, `finish` brings the new run about; nothing of the old one is left."""
    new, _ = made(tmp_path, RECIPE.replace("exact-duplicate", "copy"), "new")
    expected = content(new)
    killed = 0
    for at in range(20):
        out, _ = made(tmp_path, RECIPE, f"out{at}")
        calls, real = iter(range(100)), Path.replace

        def replace(path: Path, target: Path, at: int = at, calls: Any = calls, real: Any = real) -> Path:
            if READY in str(path) + str(target) and next(calls) == at:
                raise KeyboardInterrupt
            return real(path, target)  # type: ignore[no-any-return]

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            try:
                made(tmp_path, RECIPE.replace("exact-duplicate", "copy"), f"out{at}")
            except KeyboardInterrupt:
                killed += 1
        if (out / READY).exists():
            finish(out)
            assert content(out) == expected, at
    assert killed > 8


def test_check_tells_every_failure_with_its_file(tmp_path: Path) -> None:
    """A sound run has none; a flipped bit, a missing file and a foreign one are three."""
    out, _ = made(tmp_path)
    assert [check.failures for check in check_run(out)] == [()] * 7
    flip(out / "kept" / "train-00000-of-00001.parquet")
    (out / "evidence" / "near" / "00000.parquet").unlink()
    ROWS.write_parquet(out / "kept" / "more.parquet")
    files, *_ = check_run(out)
    assert [(failure.file, failure.what) for failure in files.failures] == [
        ("evidence/near/00000.parquet", "is gone"),
        ("kept/train-00000-of-00001.parquet", "has other content than was written (SHA-256)"),
        ("kept/more.parquet", "is not a file of this run"),
    ]


LIES = {
    "rows": ("verdicts/00000.parquet", lambda frame: frame.head(2)),
    "responses": ("response_verdicts/00000.parquet", lambda frame: frame.with_columns(keep=~pl.col("keep"))),
    "records": ("kept/train-00000-of-00001.parquet", lambda frame: pl.concat([frame, frame.head(1)])),
    "shards": ("evidence/exact/00000.parquet", lambda frame: frame.with_columns(pl.col("row_id") + 1)),
    "schemas": ("evidence/near/00000.parquet", lambda frame: frame.with_columns(pl.col("jaccard").cast(pl.Float32))),
    "manifest": ("evidence/loops/00000.parquet", lambda frame: frame.with_columns(status=pl.lit("skipped"))),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_check_finds_what_no_checksum_tells(name: str, tmp_path: Path) -> None:
    """A table that was wrong when it was written, with its right checksum in the manifest, fails its check."""
    from curate.disk import sum_of
    from curate.flow import write_parquet
    from curate.report.run import SELF, manifest_sha256

    out, _ = made(tmp_path)
    file, lie = LIES[name]
    schema = None
    frame = lie(pl.read_parquet(out / file))  # type: ignore[no-untyped-call]
    table = frame.to_arrow()
    if name != "schemas":
        schema = pl.read_parquet_schema(out / file)
        import pyarrow.parquet as pq

        table = table.cast(pq.read_schema(out / file))
        assert schema
    write_parquet(table, out / file)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"][file] = sum_of(out / file).told()
    manifest[SELF] = manifest_sha256(manifest)
    (out / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    failed = {check.name for check in check_run(out) if check.failures}
    assert name in failed
    assert "files" not in failed


def test_gc_removes_what_no_recipe_needs(tmp_path: Path) -> None:
    """Evidence of the parameters before goes, that of the recipe now stays; the dry run removes nothing."""
    out, _ = made(tmp_path)
    made(tmp_path, **{"evidence.near.threshold": 0.7})
    folders = {path.name for path in (out / ".cache").glob("evidence-*")}
    assert len(folders) == 4
    told = collect(out, dry_run=True)
    assert {path.name for path in (out / ".cache").glob("evidence-*")} == folders
    done = collect(out, dry_run=False)
    assert done == told
    [gone] = done.removed
    assert gone.why == "needed by no run"
    assert gone.bytes > 1000
    assert {path.name for path in (out / ".cache").glob("evidence-*")} == folders - {gone.path.name}
    assert collect(out, dry_run=False).removed == ()
    whole = content(out)
    again, _ = made(tmp_path, **{"evidence.near.threshold": 0.7})
    assert content(again) == whole


def test_gc_of_a_shared_cache_keeps_what_each_run_needs(tmp_path: Path) -> None:
    """Of two runs with one cache both keep theirs; when one is deleted, what it alone needed goes."""
    import shutil

    ROWS.write_parquet(tmp_path / "in.parquet")
    for name, threshold in (("a", 0.8), ("b", 0.6)):
        settings = {"source.files": [str(tmp_path / "in.parquet")], "evidence.near.threshold": threshold}
        with LocalEngine(1) as engine:
            run(
                recipes.parse(RECIPE, "test", settings),
                tmp_path / name,
                engine=engine,
                cache=tmp_path / "cache",
            )
    assert collect(tmp_path / "cache", dry_run=False).removed == ()
    shutil.rmtree(tmp_path / "a")
    gone = collect(tmp_path / "cache", dry_run=False).removed
    assert sorted(one.why for one in gone) == ["needed by no run", "of a run that is gone"]
    assert all(check.failures == () for check in check_run(tmp_path / "b"))


def test_gc_leaves_what_a_run_holds_and_what_it_goes_on_with(tmp_path: Path) -> None:
    """A held folder stays though nobody needs it; of a killed run temporary files go and whole shards stay."""
    from curate.pipeline.locks import locked

    out, _ = made(tmp_path)
    made(tmp_path, **{"evidence.near.threshold": 0.7})
    [unneeded] = [one.path for one in collect(out, dry_run=True).removed]
    with locked(unneeded):
        found = collect(out, dry_run=False)
        assert found.removed == ()
        assert "another curate run (pid " in found.held[0]
    [loops] = [path for path in out.glob(".cache/evidence-*")
               if (path / "shards/00000.parquet").samefile(out / "evidence/loops/00000.parquet")]  # fmt: skip
    (loops / "complete.json").unlink()
    (loops / "shards" / ".00001.parquet.99.tmp").write_bytes(b"half")
    removed = {one.path for one in collect(out, dry_run=False).removed}
    assert removed == {unneeded, loops / "shards" / ".00001.parquet.99.tmp"}
    assert (loops / "shards" / "00000.parquet").exists()


def test_gc_of_another_folder_is_refused(tmp_path: Path) -> None:
    """Nothing is removed of a folder that is neither a run nor a cache."""
    (tmp_path / "evidence-mine").mkdir()
    (tmp_path / "evidence-mine" / "thesis.tex").write_text("x")
    with pytest.raises(RunError, match="expected a run or a cache of runs"):
        collect(tmp_path, dry_run=False)
    assert (tmp_path / "evidence-mine" / "thesis.tex").exists()


def test_a_missing_shard_is_not_a_shorter_table(tmp_path: Path) -> None:
    """Of three shards one is gone: a sum over two of them would look like an answer."""
    rows = pl.DataFrame({"problem": [f"What is {i} + 6?" for i in range(3)], "responses": [["It is 7."]] * 3})
    rows = rows.with_columns(pl.lit("x" * 9_000_000).alias("weight") + pl.col("problem"))
    rows.write_parquet(tmp_path / "in.parquet")
    out, _ = made(tmp_path)
    assert query(out, "SELECT count(*) AS n FROM loops").table["n"].to_pylist() == [3]
    (out / "evidence" / "loops" / "00001.parquet").unlink()
    for ask in (lambda: query(out, "SELECT count(*) FROM loops"), lambda: render(out)):
        with pytest.raises(RunError, match="evidence/loops/00001.parquet: expected the file .* found none"):
            ask()
