"""Tables are written alike however their rows come, and read back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate import flow
from curate.flow import RESPONSES, ROWS, read_parquet, write_parquet, write_tables

NESTED = pa.schema(
    [
        ("tags", pa.map_(pa.string(), pa.int64())),
        (
            "meta",
            pa.struct([("a.b", pa.int32()), ("seen", pa.list_(pa.struct([("x", pa.list_(pa.bool_()))])))]),
        ),
        ("pair", pa.list_(pa.large_string(), 2)),
        ("size", pa.uint8()),
        ("day", pa.date32()),
    ]
)


def numbered(n_rows: int) -> pa.Table:
    """Rows with an id, a text, a null and a list."""
    return pa.table(
        {
            "row_id": pa.array(range(n_rows), pa.int64()),
            "text": pa.array([f"What is {i} + {i % 7}?" for i in range(n_rows)], pa.large_string()),
            "answer": pa.nulls(n_rows, pa.large_string()),
            "reasons": pa.array([["copy"] * (i % 3) for i in range(n_rows)], pa.list_(pa.string())),
        }
    )


@pytest.mark.parametrize("cuts", [[0], [1, 4, 5], [10, 10, 19], [20]])
def test_the_bytes_of_a_table_do_not_depend_on_its_pieces(
    cuts: Sequence[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pieces of any length, empty ones too, give the file of the whole, in row groups of one length."""
    monkeypatch.setattr(flow, "ROW_GROUP", 6)
    table = numbered(20)
    ends = [0, *cuts, 20]
    pieces = [table.slice(low, high - low) for low, high in pairwise(ends)]
    write_parquet(table, tmp_path / "whole.parquet")
    assert write_tables(iter(pieces), table.schema, tmp_path / "pieces.parquet") == 20
    assert (tmp_path / "pieces.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    footer = pq.read_metadata(tmp_path / "whole.parquet")
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [6, 6, 6, 2]


def test_a_row_group_holds_so_many_bytes_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long rows make small row groups, the same ones however the table comes; a row is never cut."""
    monkeypatch.setattr(flow, "ROW_GROUP_BYTES", 100)
    table = pa.table({"text": pa.array(["x" * n for n in (10, 10, 90, 30, 500, 1, 0, 0)], pa.large_string())})
    pieces = [table.slice(0, 3), table.slice(3, 0), table.slice(3)]
    for name, given in (("whole", [table]), ("pieces", pieces)):
        write_tables(given, table.schema, tmp_path / name)
        footer = pq.read_metadata(tmp_path / name)
        assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [2, 1, 1, 1, 3]


@pytest.mark.parametrize("scanned", [False, True])
def test_a_table_is_read_as_it_was_written(scanned: bool, tmp_path: Path) -> None:
    """All of it, some of its columns as they are named, or a table without rows."""
    table = numbered(50)
    write_parquet(table, tmp_path / "some.parquet", scanned=scanned)
    assert read_parquet(tmp_path / "some.parquet").equals(table)
    assert pq.read_table(tmp_path / "some.parquet").equals(table)
    two = read_parquet(tmp_path / "some.parquet", ["reasons", "row_id"])
    assert two.equals(table.select(["reasons", "row_id"]))
    write_parquet(table.slice(0, 0), tmp_path / "none.parquet", scanned=scanned)
    assert read_parquet(tmp_path / "none.parquet").equals(table.slice(0, 0))


@pytest.mark.parametrize("schema", [ROWS, RESPONSES, NESTED, pa.schema([("row_id", pa.int64())])])
def test_every_column_but_integers_may_have_a_dictionary(schema: pa.Schema, tmp_path: Path) -> None:
    """Nested fields are named as Parquet names them; a name that it does not know would have no effect."""
    write_parquet(schema.empty_table(), tmp_path / "none.parquet")
    named = [path for field in schema for path in flow._leaves(field)]
    columns = pq.ParquetFile(tmp_path / "none.parquet").schema
    assert named == [columns.column(index).path for index in range(len(columns))]
    line = {field.name: None for field in schema} | {"row_id": 1} if "row_id" in schema.names else {}
    table = pa.Table.from_pylist([line], schema)
    write_parquet(table, tmp_path / "one.parquet")
    assert read_parquet(tmp_path / "one.parquet").equals(table)
