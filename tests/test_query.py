from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from runs import RECIPE, build_run

from curate.errors import RunError
from curate.report.query import RENDER, Result, as_csv, as_json, as_parquet, as_text, connect, query


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made run."""
    return build_run(tmp_path_factory.mktemp("run"))


def ids(run: Path, sql: str) -> list[int]:
    """First column of an answer, sorted."""
    return sorted(query(run, sql).table.column(0).to_pylist())


@pytest.mark.parametrize(
    ("predicate", "row_ids"),
    [
        ("leak.containment >= 0.5", [1, 2]),
        ("pass.pass_rate = 1.0", [1, 5, 8, 9, 11]),
        ("row.prompt IS NULL", [7]),
        ("responses.given > 0 AND responses.left = 0", [10]),
        ("leak.row_span.start > 0", [1]),
        ("responses.undecided > 0", [8]),
    ],
)
def test_predicates_of_the_recipe_work_as_they_are_written(
    run: Path, predicate: str, row_ids: list[int]
) -> None:
    """`everything` has a struct column per table, so the recipe's text is the WHERE clause."""
    assert ids(run, f"SELECT row_id FROM everything WHERE {predicate}") == row_ids


def test_predicates_about_responses_work_over_every_response(run: Path) -> None:
    """Response evidence, the response itself and evidence of its row stand side by side."""
    table = query(
        run,
        "SELECT row_id, response_id FROM every_response WHERE loops.longest_run >= 50 OR "
        "(math.verdict = 'wrong' AND leak.containment = 0 AND response.model = 'm2') ORDER BY ALL",
    ).table
    assert table.to_pylist() == [{"row_id": 0, "response_id": 1}, {"row_id": 10, "response_id": 0}]


def test_evidence_can_be_joined_to_rows(run: Path) -> None:
    """Each table is a view of its own, evidence under its name in the recipe."""
    assert ids(run, "SELECT row_id FROM row JOIN leak USING (row_id) WHERE leak.containment >= 0.5") == [1, 2]
    assert ids(run, "SELECT row_id FROM everything WHERE keep") == [0, 5, 9, 11]
    assert ids(run, "FROM dropped SELECT row_id") == [1, 2, 3, 4, 7, 8, 10]
    assert ids(run, "SELECT row_id FROM undecided") == [6]
    assert ids(run, "SELECT DISTINCT row_id FROM kept") == [0, 5, 9, 11]
    assert ids(run, "SELECT count(*) FROM response_verdicts WHERE NOT keep") == [3]


def test_a_run_with_nothing_dropped_still_has_the_view(run: Path, tmp_path: Path) -> None:
    """`dropped` and `undecided` are empty, not absent."""
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    shutil.rmtree(copy / "dropped")
    shutil.rmtree(copy / "undecided")
    assert ids(copy, "SELECT row_id FROM dropped") == []
    assert ids(copy, "SELECT count(*) FROM undecided") == [0]


def test_the_limit_cuts_and_says_so(run: Path) -> None:
    """`truncated` is true exactly when there were more rows."""
    assert query(run, "SELECT row_id FROM row ORDER BY row_id", limit=3).table["row_id"].to_pylist() == [
        0,
        1,
        2,
    ]
    assert [query(run, "FROM row", limit=n).truncated for n in (11, 12, 13, None)] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{run}/manifest.json')",
        "SELECT * FROM '{run}/verdicts/00000.parquet'",
        "SELECT * FROM read_csv('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "COPY row TO '{run}/stolen.csv'",
        "ATTACH '{run}/new.db'",
        "CREATE TABLE t AS SELECT 1",
        "DROP VIEW row",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "SELECT 1; DROP VIEW row",
        "",
    ],
)
def test_a_query_reads_views_and_nothing_else(run: Path, sql: str) -> None:
    """Files, other statements, settings and extensions are refused, and nothing is written."""
    before = sorted(run.rglob("*"))
    with pytest.raises(RunError):
        query(run, sql.format(run=run))
    assert sorted(run.rglob("*")) == before


def test_a_connection_cannot_write_into_the_run_either(run: Path) -> None:
    """What `connect` gives is locked: no file access, no way to switch it on."""
    with connect(run) as connection:
        with pytest.raises(duckdb.PermissionException):
            connection.execute(f"COPY (SELECT 1) TO '{run}/stolen.csv'")
        with pytest.raises(duckdb.InvalidInputException):
            connection.execute("SET enable_external_access = true")
        with pytest.raises(duckdb.InvalidInputException, match="locked"):
            connection.execute("SET threads = 1")
        assert connection.execute("SELECT count(*) FROM row").fetchall() == [(12,)]


def test_wrong_sql_is_an_error_with_the_views_there_are(run: Path) -> None:
    """DuckDB's message, then every view with its columns."""
    with pytest.raises(RunError) as caught:
        query(run, "SELECT nope FROM leak")
    message = str(caught.value)
    assert 'Referenced column "nope" not found' in message
    assert "  leak: row_id, benchmark, item, containment, row_span, status\n" in message
    with pytest.raises(RunError, match="expected one SELECT, found COPY"):
        query(run, "COPY row TO 'x'")
    with pytest.raises(RunError, match="expected a finished run"):
        query(run / "evidence", "SELECT 1")


def test_response_evidence_asked_of_everything_is_pointed_to_its_view(run: Path) -> None:
    """`everything` has a line per row; only a column it does not have gets the hint."""
    hint = "response evidence is in every_response\n"
    for column in ("response.model", "loops.longest_run"):
        with pytest.raises(RunError) as caught:
            query(run, f"SELECT {column} FROM Everything")
        assert hint in str(caught.value)
    for sql in ("SELECT nope FROM leak", "SELEC row_id FROM everything"):
        with pytest.raises(RunError) as caught:
            query(run, sql)
        assert hint not in str(caught.value)


RESULT = Result(
    pa.table(
        {"row_id": [1, 2], "text": ["a\nb, \x1b[31m", None], "rate": [0.5, float("nan")], "why": [["x"], []]}
    ),
    truncated=True,
)


def test_a_result_as_a_table_is_aligned_and_safe_to_print() -> None:
    """Control characters are spelled out, line breaks shown, the cut announced."""
    assert as_text(RESULT) == (
        "row_id  text           rate  why\n"
        "------  -------------  ----  ----\n"
        "1       a⏎b, \\x1b[31m  0.5   x\n"
        "2       null           nan   none\n"
        "(2 rows shown; there are more)\n"
    )


def test_a_result_as_csv_and_json_reads_back() -> None:
    """Lists are JSON text in CSV; NaN is null in JSON, which has no NaN."""
    rows = list(csv.reader(io.StringIO(as_csv(RESULT))))
    assert rows == [
        ["row_id", "text", "rate", "why"], ["1", "a\nb, \x1b[31m", "0.5", '["x"]'], ["2", "", "nan", "[]"],
    ]  # fmt: skip
    assert json.loads(as_json(RESULT)) == [
        {"row_id": 1, "text": "a\nb, \x1b[31m", "rate": 0.5, "why": ["x"]},
        {"row_id": 2, "text": None, "rate": None, "why": []},
    ]
    assert json.loads(as_json(Result(RESULT.table.slice(0, 0), truncated=False))) == []


def test_a_result_as_parquet_reads_back() -> None:
    """The same table, types included."""
    assert (
        pq.read_table(pa.BufferReader(as_parquet(RESULT)))
        .drop_columns("rate")
        .equals(RESULT.table.drop_columns("rate"))
    )
    assert set(RENDER) == {"table", "csv", "json", "parquet"}


def test_columns_of_one_name_are_all_shown(run: Path) -> None:
    """A join that gives row_id twice loses neither."""
    result = query(run, "SELECT 1 AS a, 2 AS a")
    assert list(json.loads(as_json(result))[0].values()) == [1, 2]


def test_evidence_is_found_whatever_it_is_called(tmp_path: Path) -> None:
    """A recipe may name evidence `select` or `table`; quoted, they are views like any other."""
    run = build_run(tmp_path / "run", RECIPE.replace("evidence.leak", "evidence.select"))
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["evidence"]["select"] = manifest["evidence"].pop("leak")
    (run / "manifest.json").write_text(json.dumps(manifest))
    (run / "evidence" / "leak").rename(run / "evidence" / "select")
    assert ids(run, 'SELECT row_id FROM everything WHERE "select".containment >= 0.5') == [1, 2]


def test_columns_of_the_input_may_have_any_name(tmp_path: Path) -> None:
    """Names that DuckDB cannot tell apart, empty names and quotes do not break the views; the first of equals counts."""
    run = build_run(tmp_path / "run")
    for path in sorted((run / "input" / "originals").glob("*.parquet")):
        table = pq.read_table(path)
        n = table.num_rows
        for name, value in (("Level", 2), ("", 3), ('a"b', 4), ("Question ID", 5), ("ROW_ID", 6)):
            table = table.append_column(name, pa.array([value] * n))
        pq.write_table(table, path)
    assert ids(run, "SELECT DISTINCT original.level FROM everything") == [1]
    assert ids(run, 'SELECT DISTINCT original."a""b" FROM everything') == [4]
    assert ids(run, 'SELECT row_id FROM everything WHERE original."Question ID" = 5') == list(range(12))
    assert ids(run, "SELECT DISTINCT original.level FROM every_response") == [1]
