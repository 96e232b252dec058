"""Inputs, recipes and names that nobody trusts: what fuzz/inputs.py checks, in short, and what it once found."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from typer.testing import CliRunner, Result

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "fuzz"))
import inputs as fuzzing  # noqa: E402

from curate.cli.main import app  # noqa: E402
from curate.errors import InputError, RecipeError  # noqa: E402
from curate.ingest import FieldMap, Limits, ingest, readers, sources  # noqa: E402  # noqa: E402
from curate.recipe import parse  # noqa: E402

QUICK = [name for name in fuzzing.KINDS if name not in fuzzing.RARE]
GOOD = '{"problem": "What is 1 + 1?", "answer": "2"}\n'


@pytest.mark.parametrize("kind", QUICK)
def test_every_kind_of_bad_input_ends_in_a_message_or_in_rows_that_are_all_there(kind: str) -> None:
    """Eight cases of each quick kind hold what fuzz/inputs.py checks; `make` of a case is in its head."""
    found = [problem for number in range(8) for problem in fuzzing.try_case(kind, f"test-{number}")[1]]
    assert found == []


FOUND = [
    "special 0-12",  # a link to itself
    "no-file 0-144",  # a NUL in an address
    "no-file 2-172",  # a home folder that nobody has
    "odd-name 0-243",  # a name that is not UTF-8
    "csv 0-232",  # a quote in the names of the columns
    "arrow 0-141",  # a decimal of 70 digits
    "deep 1-305",  # lists in lists, 900 deep
    "key 2-586",  # a name of 300 characters
    "column-name 2-378",  # a column whose name Polars takes for a pattern
    "mixed 3-84",  # nanoseconds, which Python does not have
    "arrow 4-854",  # a column name that is not UTF-8
    "parquet-odd 11-779",  # a moment in the year 60,000, asked for by curate sql
    "arrow 11-3385",  # seconds that are too many for Parquet's milliseconds
    "mixed 11-3281",  # numbers, text and bytes under one name in three files
    "mixed 11-3559",  # an object without keys in one row, a boolean under its name in another
    "special 4-365",  # a pipe in a folder, called like JSON
]


@pytest.mark.parametrize("case", FOUND)
def test_what_the_fuzzer_found_stays_mended(case: str) -> None:
    """Cases that once ended in a traceback."""
    kind, seed = case.split()
    assert fuzzing.try_case(kind, seed)[1] == []


def test_the_checks_of_the_fuzzer_see_what_is_wrong(tmp_path: Path) -> None:
    """A traceback, a message too many, output of a failed run and a lost row are each found."""
    case = fuzzing.Case([])
    done = fuzzing.Done
    bad = "curate: rows.jsonl: expected rows, found none at all in it\n"
    assert list(fuzzing.problems_of(case, done(2, bad), tmp_path)) == []
    assert "traceback" in next(
        fuzzing.problems_of(case, done(1, "Traceback (most recent call last):"), tmp_path)
    )
    assert "2 messages" in next(fuzzing.problems_of(case, done(2, bad * 2), tmp_path))
    assert "exit code -11" in next(fuzzing.problems_of(case, done(-11, bad), tmp_path))
    assert "expected an error" in next(fuzzing.problems_of(case._replace(fails=True), done(0, ""), tmp_path))
    (tmp_path / "kept").mkdir()
    assert "output of a run" in next(fuzzing.problems_of(case, done(2, bad), tmp_path))


def run(tmp: Path, *words: str) -> Result:
    """`curate run` with a rule or two, into a fresh folder."""
    recipe = tmp / "recipe.toml"
    recipe.write_text('[drop.empty]\nwhen = "row.prompt = \'\'"\non-missing = "keep"\n')
    return CliRunner().invoke(app, ["run", str(recipe), "-o", str(tmp / "out"), "--workers", "1", *words])


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    """Nobody waits for a writer that never comes."""
    os.mkfifo(tmp_path / "rows.jsonl")
    done = run(tmp_path, "-i", str(tmp_path / "rows.jsonl"))
    assert (done.exit_code, "expected a file, found a pipe" in done.stderr) == (2, True)


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv"])
@pytest.mark.parametrize(("end", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_a_bomb_is_refused_before_it_fills_anything(
    tmp_path: Path, kind: str, end: str, pack: object
) -> None:
    """The message says the limit, what was found, and the setting that raises it."""
    path = tmp_path / f"rows.{kind}{end}"
    path.write_bytes(pack(b'{"problem": "a"}\n' + b" " * 3_000_000))  # type: ignore[operator]
    with pytest.raises(
        InputError, match=r"no more than 1,000,000 bytes.*found \d[\d,]* bytes made of .*max-unpacked-bytes"
    ):
        ingest([str(path)], FieldMap(), tmp_path / "out", limits=Limits(unpacked_bytes=1_000_000))


def test_the_ratio_of_a_bomb_is_limited_from_a_size_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small files may be packed as well as they like: what is refused is large and says next to nothing."""
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD.encode() * 20_000))
    assert ingest([str(path)], FieldMap(), tmp_path / "a").n_rows == 20_000
    monkeypatch.setattr(sources, "RATIO_FROM_BYTES", 100_000)
    with pytest.raises(InputError, match="no more than 50 times its packed size.*max-unpacked-ratio"):
        ingest([str(path)], FieldMap(), tmp_path / "b", limits=Limits(ratio=50))
    assert ingest([str(path)], FieldMap(), tmp_path / "b", limits=Limits(ratio=5_000)).n_rows == 20_000


@pytest.mark.parametrize("change", ["grows", "is replaced", "is gone"])
def test_a_file_that_changes_while_it_is_read_stops_the_run(tmp_path: Path, change: str) -> None:
    """What was read is not what its fingerprint says, so nothing of it is used, now or later."""
    path = tmp_path / "rows.jsonl"
    path.write_text(GOOD * 10)
    other = tmp_path / "other"
    other.write_text(GOOD.replace("1 + 1", "2 + 2") * 10)
    changes = {
        "grows": lambda: path.open("a").write(GOOD),
        "is replaced": lambda: other.replace(path),
        "is gone": path.unlink,
    }

    def meddle(label: str, done: int, total: int) -> None:
        if label == "writing":
            changes[change]()

    with pytest.raises(InputError, match="stays as it is while it is read"):
        ingest([str(path)], FieldMap(), tmp_path / "out", progress=meddle)
    assert not (tmp_path / "out" / "ingest.json").exists()


def test_a_long_text_that_is_said_once_is_not_unpacked_for_all_rows_at_once(tmp_path: Path) -> None:
    """A dictionary of one text of 100,000 characters for 2,000 rows is read some rows at a time, whole."""
    long = "x" * 100_000
    column = pa.DictionaryArray.from_arrays(pa.array([0, None] * 1_000, pa.int32()), pa.array([long]))
    turns = pa.ListArray.from_arrays(
        pa.array(range(2_001), pa.int32()),
        pa.StructArray.from_arrays([pa.array(["user"] * 2_000), column], ["role", "content"]),
    )
    table = pa.table({"problem": [str(i) for i in range(2_000)], "system": column, "turns": turns})
    pq.write_table(table, tmp_path / "a.parquet", dictionary_pagesize_limit=1 << 30)
    source = sources.Source("a.parquet", tmp_path / "a.parquet", "parquet", "")
    batches = list(readers.binary_batches(source))
    sizes = [sum(len(v or "") for v in batch["system"].to_pylist()) for batch in batches]
    assert max(sizes) <= 3 * readers.BATCH_BYTES
    assert sum(sizes) == 1_000 * 100_000
    assert [p for batch in batches for p in batch["problem"].to_pylist()] == table["problem"].to_pylist()
    assert [bool(t[0]["content"]) for batch in batches for t in batch["turns"].to_pylist()] == [
        True,
        False,
    ] * 1_000


@pytest.mark.parametrize("name", ["rows.json", "rows.csv"])
def test_an_item_without_end_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text or a quote that never closes does not fill the memory."""
    monkeypatch.setattr(readers, "MAX_LINE_BYTES", 1 << 20)
    start = '[{"problem": "' if name.endswith("json") else 'problem\n"'
    path = tmp_path / name
    path.write_text(start + "x\n" * (9 << 20))
    with pytest.raises(InputError, match=r"more than 0 GiB"):
        ingest([str(path)], FieldMap(), tmp_path / "out")


def test_nesting_beyond_what_can_be_written_again_is_a_bad_row(tmp_path: Path) -> None:
    """200 levels are kept as JSON text, 201 are put aside with the reason."""
    lines = [{"problem": "a", "meta": json.loads("[" * n + "1" + "]" * n)} for n in (199, 200)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = ingest([str(path)], FieldMap(), tmp_path / "out", on_bad_rows="quarantine")
    assert (done.n_rows, done.n_quarantined) == (1, 1)
    [bad] = pq.ParquetFile(next((tmp_path / "out" / "quarantined").glob("*.parquet"))).read().to_pylist()
    assert (bad["line"], bad["reason"]) == (2, "nested more than 200 deep")


def test_text_of_a_recipe_is_never_run(tmp_path: Path) -> None:
    """Python, SQL and paths in a recipe are text, and most of it is refused before any data is read."""
    hacked = tmp_path / "hacked"
    code = f"__import__('pathlib').Path('{hacked}').touch()"
    for text in (
        code,
        f"row.prompt = '' OR {code}",
        "row.prompt = ''; DROP TABLE row",
        "read_csv('/etc/passwd')",
    ):
        with pytest.raises(RecipeError):
            parse(f"[drop.x]\nwhen = {json.dumps(text)}\n", "recipe")
    for name in ("../evil", "a/b", "..", "x" * 200, "A", ""):
        with pytest.raises(RecipeError, match="use another name"):
            parse(f'[evidence.{json.dumps(name)}]\nstage = "exact-dedup"\n', "recipe")
    assert not hacked.exists()


def test_a_column_name_that_is_a_pattern_is_a_name(tmp_path: Path) -> None:
    """`^p.*$` beside `problem` is one column, kept as it is; a predicate cannot name it and says so."""
    (tmp_path / "rows.jsonl").write_text('{"problem": "a", "^p.*$": "b"}\n')
    done = run(tmp_path, "-i", str(tmp_path / "rows.jsonl"), "--format", "original")
    assert done.exit_code == 0, done.stderr
    [kept] = (tmp_path / "out" / "kept").glob("*.parquet")
    assert pq.ParquetFile(kept).read(["problem", "^p.*$"]).to_pylist() == [{"problem": "a", "^p.*$": "b"}]
    with pytest.raises(RecipeError, match="no predicate can name such a column"):
        parse("[drop.x]\nwhen = 'original.\"^p.*$\" = 1'\n", "recipe")


def test_names_in_messages_do_not_steer_the_terminal(tmp_path: Path) -> None:
    """Escape sequences in a file name are spelled out."""
    done = run(tmp_path, "-i", str(tmp_path / "\x1b[31mred\x07.jsonl"))
    assert done.exit_code == 2
    assert "\\x1b[31mred\\x07.jsonl" in done.stderr
    assert "\x1b" not in done.stderr


def test_the_plan_of_the_fuzzer_covers_every_kind() -> None:
    """A run of 2,000 has cases of all kinds, and about as many as asked for."""
    kinds = fuzzing.plan(2_000)
    assert set(kinds) == set(fuzzing.KINDS)
    assert abs(len(kinds) - 2_000) < 40
