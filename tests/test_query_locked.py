"""`curate sql` reads the run and nothing else, unless it is told otherwise."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from runs import build_run
from typer.testing import CliRunner

from curate.cli.main import app
from curate.errors import RunError
from curate.report.query import connect, query


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made run."""
    return build_run(tmp_path_factory.mktemp("run"))


OUTSIDE = {
    "read_csv('/etc/passwd')": "A query reads the run and nothing else",
    "read_text('/etc/passwd')": "A query reads the run and nothing else",
    "read_parquet('{run}/verdicts/00000.parquet')": "A query reads the run and nothing else",
    "'/etc/passwd.csv'": "passwd.csv",
    "glob('/etc/*')": "A query reads the run and nothing else",
    "read_csv('http://127.0.0.1:9/x.csv')": "A query reads the run and nothing else",
    "read_parquet('s3://bucket/x.parquet')": "A query reads the run and nothing else",
}
STATEMENTS = (
    "COPY row TO '{run}/x.csv'",
    "ATTACH '{run}/x.db'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
)


@pytest.mark.parametrize("source", OUTSIDE)
def test_a_query_reads_no_file_and_no_address(run: Path, source: str) -> None:
    """Files, folders and addresses are refused in words, and nothing is written."""
    before = sorted(run.rglob("*"))
    with pytest.raises(RunError, match=OUTSIDE[source]) as caught:
        query(run, f"SELECT * FROM {source.format(run=run)}")
    assert "Views of" in str(caught.value)
    assert sorted(run.rglob("*")) == before


@pytest.mark.parametrize("statement", STATEMENTS)
@pytest.mark.parametrize("allow_external", [False, True])
def test_a_query_writes_attaches_and_installs_nothing(
    run: Path, statement: str, allow_external: bool
) -> None:
    """Only SELECT is asked, whatever else is allowed."""
    before = sorted(run.rglob("*"))
    with pytest.raises(RunError, match="expected one SELECT"):
        query(run, statement.format(run=run), allow_external=allow_external)
    assert sorted(run.rglob("*")) == before


def test_the_environment_is_not_told(run: Path) -> None:
    """There is no getenv."""
    with pytest.raises(RunError, match="getenv"):
        query(run, "SELECT getenv('HOME')")


@pytest.mark.parametrize(
    "setting",
    [
        "enable_external_access = true",
        "memory_limit = '1TB'",
        "autoload_known_extensions = true",
        "threads = 1",
    ],
)
def test_what_is_locked_stays_locked(run: Path, setting: str) -> None:
    """No statement of a connection that is handed out opens it again."""
    with connect(run) as connection, pytest.raises(duckdb.Error, match="locked"):
        connection.execute(f"SET {setting}")


def test_files_are_read_where_it_is_asked_for(run: Path, tmp_path: Path) -> None:
    """With --allow-external a query joins a file of the user's with the run."""
    (tmp_path / "mine.csv").write_text("row_id,note\n3,look\n4,skip\n")
    sql = f"SELECT row_id, note FROM row JOIN read_csv('{tmp_path}/mine.csv') USING (row_id) ORDER BY row_id"
    answer = CliRunner().invoke(app, ["sql", str(run), sql, "--output", "csv", "--allow-external"])
    assert (answer.exit_code, answer.output) == (0, "row_id,note\n3,look\n4,skip\n")
    refused = CliRunner().invoke(app, ["sql", str(run), sql])
    assert refused.exit_code == 3
    assert "--allow-external" in refused.output


def test_a_query_that_needs_too_much_memory_ends_in_a_message(run: Path) -> None:
    """The limit holds, nothing is spilled, and the message says which option gives more."""
    sql = "SELECT list(a.range || repeat('x', 9999)) FROM range(100000) AS a"
    with pytest.raises(RunError, match="Give it more with --memory"):
        query(run, sql, memory_bytes=50_000_000)
