"""SQL over a finished run with DuckDB: read-only, nothing outside the run can be reached.

Views: each evidence by its name, `row`, `response`, `original`, `verdicts`, `response_verdicts`, `kept`,
`dropped`, `undecided`, `quarantined`; and two that let a recipe's predicate stand as it is written:

    everything      one line per row: row_id, keep, reasons, undecided, kept_instead, masked (where the
                    recipe has mask rules), and one struct column per table: row, original (the columns of
                    the input), responses (given, left, undecided), and each row evidence
    every_response  one line per response: the same of the response, and of its row

so that `SELECT row_id FROM everything WHERE leak.containment >= 0.5` is the rule as the recipe has it.

The views are Arrow datasets handed to a DuckDB that has no access to files at all, so a query can
neither read another file nor write into the run.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from curate.errors import RunError
from curate.flow import KEYS, RESPONSE_ID, RESPONSES, ROW_ID, ROWS, Grain
from curate.ingest.unify import python_values
from curate.predicate import ORIGINAL, RESPONSE_COUNTS
from curate.report.run import ORIGINALS_TABLE, FinishedRun, open_run
from curate.report.text import shown

_NAMES = pa.list_(pa.string())
_RESPONSE_KEYS = [(ROW_ID, pa.int64()), (RESPONSE_ID, pa.int32())]
_JUDGED = [("keep", pa.bool_()), ("reasons", _NAMES), ("undecided", _NAMES)]
TABLES: dict[str, tuple[str, pa.Schema]] = {
    "row": ("input/rows", ROWS),
    "response": ("input/responses", RESPONSES),
    "original": ("input/originals", pa.schema([])),
    "verdicts": ("verdicts", pa.schema([(ROW_ID, pa.int64()), *_JUDGED, ("kept_instead", pa.int64())])),
    "response_verdicts": ("response_verdicts", pa.schema([*_RESPONSE_KEYS, *_JUDGED])),
    "kept": ("kept", pa.schema([])),
    "dropped": (
        "dropped",
        pa.schema([(ROW_ID, pa.int64()), ("reasons", _NAMES), ("kept_instead", pa.int64())]),
    ),
    "undecided": ("undecided", pa.schema([(ROW_ID, pa.int64()), ("undecided", _NAMES)])),
    "masked": ("masked", pa.schema([(ROW_ID, pa.int64()), ("masked", _NAMES)])),
    "replaced": (
        "replaced",
        pa.schema([(ROW_ID, pa.int64()), *((name, pa.string()) for name in ("answer", "before", "rule"))]),
    ),
    "quarantined": ("quarantined", pa.schema([])),
}
"""View → folder of the run, and the schema it has where the run wrote no such file."""


class Result(NamedTuple):
    """Rows of an answer; `truncated` says that there were more than the limit."""

    table: pa.Table
    truncated: bool


def connect(
    folder: Path, sql: str | None = None, *, memory_bytes: int | None = None, allow_external: bool = False
) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with a view for every table of the run, locked down. See the module's text.

    With `allow_external` queries may read files and the network, and extensions that are installed are
    loaded; none is downloaded. `memory_bytes`: what a query may use (DuckDB's default: 80 % of the machine);
    nothing is spilled. With the `sql` that will be asked, only tables that it may read are checked to be as
    the run wrote them.
    Raises RunError if the folder is not a finished run, or such a table is damaged.
    """
    run = open_run(folder)
    run.check([shard for table in _tables_in(run, sql) for shard in run.shards(table)])
    outside = "true" if allow_external else "false"
    limit = {} if memory_bytes is None else {"memory_limit": f"{memory_bytes}B"}
    connection = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": outside,
            "autoload_known_extensions": outside,
            "autoinstall_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
            "temp_directory": "",
            **limit,
        },
    )
    for view, (table, schema) in TABLES.items():
        if view == "masked" and not run.recipe.get("mask"):
            continue
        source = _dataset(run, table, schema)
        if source is not None:
            connection.register(view, source)
    for grain in ("row", "response"):
        for name in run.evidence(grain):
            source = _dataset(run, f"evidence/{name}", None)
            if source is not None:
                connection.register(name, source)
    connection.execute(_everything(run))
    connection.execute(_every_response(run))
    connection.execute("SET lock_configuration = true")
    return connection


def query(
    folder: Path,
    sql: str,
    limit: int | None = 1000,
    *,
    memory_bytes: int | None = None,
    allow_external: bool = False,
) -> Result:
    """At most `limit` rows of one SELECT over the run's views (None: all). For the rest see `connect`.

    Raises RunError with DuckDB's message and the views that there are, if the SQL is wrong or is not a
    single SELECT.
    """
    with connect(folder, sql, memory_bytes=memory_bytes, allow_external=allow_external) as connection:
        try:
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                kinds = ", ".join(str(item.type).rpartition(".")[2] for item in statements) or "nothing"
                raise RunError(
                    f"expected one SELECT, found {kinds}. A run is read-only; ask with SELECT … FROM …"
                )
            return _read(connection.sql(statements[0].query).to_arrow_reader(2048), limit)
        except duckdb.Error as error:
            said = str(error).split("\nDid you mean")[0].strip()  # it would name DuckDB's own tables
            if isinstance(error, duckdb.BinderException) and re.search(r"\beverything\b", sql, re.IGNORECASE):
                said += "\n\nresponse evidence is in every_response"
            if isinstance(error, duckdb.PermissionException) and not allow_external:
                said += "\n\nA query reads the run and nothing else."
                said += " curate sql --allow-external lets it read files"
            if isinstance(error, duckdb.OutOfMemoryException):
                said += (
                    "\n\nGive it more with --memory, ask for fewer columns, or sort and group less at once"
                )
            raise RunError(f"{said}\n\nViews of {folder}:\n{_views(connection)}") from error


def _read(reader: pa.RecordBatchReader, limit: int | None) -> Result:
    batches, n_rows = [], 0
    for batch in reader:
        batches.append(batch)
        n_rows += batch.num_rows
        if limit is not None and n_rows > limit:
            break
    table = pa.Table.from_batches(batches, schema=reader.schema)
    return Result(table if limit is None else table.slice(0, limit), limit is not None and n_rows > limit)


def _dataset(run: FinishedRun, table: str, schema: pa.Schema | None) -> Any:
    """The table as an Arrow dataset; an empty table of `schema` without files; None without columns."""
    shards = run.shards(table)
    if shards:
        _schema(run, shards[0])
        return ds.dataset([str(path) for path in shards], format="parquet")
    return schema.empty_table() if schema is not None and schema.names else None


def _tables_in(run: FinishedRun, sql: str | None) -> list[str]:
    """Tables that a query may read: all whose views it names, or all where it names a view of everything."""
    views = {view: table for view, (table, _) in TABLES.items()}
    views.update({name: f"evidence/{name}" for grain in ("row", "response") for name in run.evidence(grain)})
    if sql is None or "every" in sql.lower():
        return list(views.values())
    return [table for view, table in views.items() if view.lower() in sql.lower()]


def _schema(run: FinishedRun, shard: Path) -> pa.Schema:
    """The schema of a file; RunError if the file is not as the run wrote it."""
    try:
        return pq.read_schema(shard)
    except (OSError, pa.ArrowException):
        run.check([shard])
        raise


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _structs(run: FinishedRun, grain: Grain) -> tuple[list[str], list[str]]:
    """Columns and joins that put each evidence of a grain (of rows: the originals too) into one struct."""
    keys = ", ".join(KEYS[grain])
    tables = {ORIGINAL: ORIGINALS_TABLE} if grain == "row" else {}
    tables.update({name: f"evidence/{name}" for name in run.evidence(grain)})
    columns, joins = [], []
    for name, table in tables.items():
        shards = run.shards(table)
        if not shards:
            continue
        view = _quoted(name)
        names = {column.lower(): column for column in reversed(_schema(run, shards[0]).names)}
        # DuckDB has no empty names, and none that differ by case alone: of these the first counts
        fields = [column for column in reversed(names.values()) if column and column not in KEYS[grain]]
        packed = ", ".join(f"{_quoted(field)} := {view}.{_quoted(field)}" for field in fields)
        columns.append(f"struct_pack({packed}) AS {view}")
        joins.append(f"LEFT JOIN {view} USING ({keys})")
    return columns, joins


_ROW_STRUCT = "struct_pack({}) AS row".format(
    ", ".join(f"{name} := r.{name}" for name in ROWS.names if name != ROW_ID)
)
_RESPONSE_STRUCT = "struct_pack({}) AS response".format(
    ", ".join(f"{name} := s.{name}" for name in RESPONSES.names if name not in KEYS["response"])
)


def _everything(run: FinishedRun) -> str:
    columns, joins = _structs(run, "row")
    given = ", ".join(f"{name} := coalesce(c.{name}, 0)" for name in RESPONSE_COUNTS.names)
    counts = f"struct_pack({given}) AS responses"
    judged = f"v.keep, v.reasons, v.undecided, {'v.masked, ' if run.recipe.get('mask') else ''}v.kept_instead"
    return f"""CREATE VIEW everything AS SELECT {", ".join([ROW_ID, judged, _ROW_STRUCT, counts, *columns])}
        FROM row AS r LEFT JOIN verdicts AS v USING (row_id)
        LEFT JOIN (SELECT row_id, count(*) AS given, count(*) FILTER (keep) AS left,
                          count(*) FILTER (NOT keep AND len(reasons) = 0) AS undecided
                   FROM response_verdicts GROUP BY row_id) AS c USING (row_id)
        {" ".join(joins)}"""


def _every_response(run: FinishedRun) -> str:
    columns, joins = _structs(run, "response")
    row_columns, row_joins = _structs(run, "row")
    keys = f"s.{ROW_ID}, s.{RESPONSE_ID}"
    judged = "v.keep, v.reasons, v.undecided" + (", v.masked" if run.recipe.get("mask") else "")
    return f"""CREATE VIEW every_response AS
        SELECT {", ".join([keys, judged, _RESPONSE_STRUCT, _ROW_STRUCT, *columns, *row_columns])}
        FROM response AS s LEFT JOIN response_verdicts AS v USING (row_id, response_id)
        {" ".join(joins)} LEFT JOIN row AS r USING (row_id) {" ".join(row_joins)}"""


def _views(connection: duckdb.DuckDBPyConnection) -> str:
    lines = connection.execute(
        "SELECT table_name, string_agg(column_name, ', ' ORDER BY column_index) FROM duckdb_columns()"
        " WHERE NOT internal GROUP BY table_name ORDER BY table_name"
    ).fetchall()
    return "\n".join(f"  {name}: {columns}" for name, columns in lines)


def as_text(result: Result, cell: int = 60) -> str:
    """The rows as an aligned plain-text table; long cells are cut, control characters made visible."""
    names = result.table.column_names
    lines = [
        [shown(value, cell).replace("\n", "⏎") for value in line.values()] for line in _lines(result.table)
    ]
    widths = [max([len(name), *(len(line[i]) for line in lines)]) for i, name in enumerate(names)]
    rows = [names, ["-" * width for width in widths], *lines]
    text = "\n".join("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows)
    more = " shown; there are more" if result.truncated else ""
    return f"{text}\n({len(lines):,} row{'' if len(lines) == 1 else 's'}{more})\n"


def as_csv(result: Result) -> str:
    """The rows as CSV with a header; lists and structs are JSON text, null is an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.table.column_names)
    for line in _lines(result.table):
        writer.writerow(
            [_json(value) if isinstance(value, dict | list) else value for value in line.values()]
        )
    return out.getvalue()


def as_json(result: Result) -> str:
    """The rows as a JSON list of objects; a float that JSON cannot say (NaN, infinity) is null."""
    lines = [_json(line) for line in _lines(result.table)]
    return "[" + ",".join(f"\n  {line}" for line in lines) + "\n]\n"


def as_parquet(result: Result) -> bytes:
    """The rows as a Parquet file."""
    out = io.BytesIO()
    pq.write_table(result.table, out, compression="zstd")
    return out.getvalue()


def _lines(table: pa.Table) -> Iterator[dict[str, Any]]:
    unique = _unique(table.column_names)
    for batch in table.to_batches():
        for line in zip(*map(python_values, batch.columns), strict=True):
            yield dict(zip(unique, line, strict=True))


def _unique(names: list[str]) -> list[str]:
    return [name if name not in names[:i] else f"{name}_{i}" for i, name in enumerate(names)]


def _json(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, default=str, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


RENDER: dict[str, Callable[[Result], str | bytes]] = {
    "table": as_text,
    "csv": as_csv,
    "json": as_json,
    "parquet": as_parquet,
}
