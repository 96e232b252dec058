"""Files of any format → canonical tables; bad input is named, never lost."""

from __future__ import annotations

import gzip
import http.server
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from bad_inputs import CASES, GOOD
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.arrays import TEXT, row_bytes, type_name
from curate.errors import InputError, MachineError
from curate.export import FORMATS as TRAINING_FORMATS
from curate.export import Options
from curate.flow import RESPONSES, ROWS
from curate.ingest import FieldMap, Ingested, ingest, load_ingested
from curate.ingest.unify import (
    MAX_DEPTH,
    MAX_FIELDS,
    final_type,
    fit_batch,
    infer,
    plain_schema,
    unify_schemas,
)

GOLDEN = Path(__file__).parent / "golden" / "bad_inputs"

ROWS_IN: list[dict[str, Any]] = [
    {
        "problem": f"What is {index} + {index}?",
        "answer": f"0{2 * index}",
        "source": "tens",
        "note": 'é\n"x", y',
    }
    for index in range(1, 41)
]


def notes_of(made: Ingested) -> tuple[str, ...]:
    """What a run announces of its input, with the columns that nothing uses last."""
    return tuple(note for note in (*made.notes, made.unused.note()) if note is not None)


def jsonl(rows: list[dict[str, Any]]) -> bytes:
    """The rows as JSON Lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def write_as(rows: list[dict[str, Any]], path: Path) -> Path:
    """The rows in the format the name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows)
    name = path.name
    if name.endswith(".jsonl"):
        path.write_bytes(jsonl(rows))
    elif name.endswith(".jsonl.gz"):
        path.write_bytes(gzip.compress(jsonl(rows)))
    elif name.endswith(".jsonl.zst"):  # two frames, as `cat a.zst b.zst` gives
        half = len(rows) // 2
        path.write_bytes(zstandard.compress(jsonl(rows[:half])) + zstandard.compress(jsonl(rows[half:])))
    elif name.endswith("lines.json"):
        path.write_bytes(jsonl(rows))
    elif name.endswith(".json"):
        path.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    elif name.endswith(".csv"):
        pl.from_arrow(table).write_csv(path)  # type: ignore[union-attr]
    elif name.endswith(".csv.gz"):
        sink = path.with_name("plain.csv")
        pl.from_arrow(table).write_csv(sink)  # type: ignore[union-attr]
        path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + sink.read_bytes()))
        sink.unlink()
    elif name.endswith(".stream.arrow"):
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    elif name.endswith((".arrow", ".feather")):
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    else:
        pq.write_table(table, path, row_group_size=6)
    return path


def read(tmp_path: Path, *files: Path | str, into: str = "out", **options: Any) -> Ingested:
    """The files, ingested into a folder of tmp_path."""
    return ingest([str(file) for file in files], FieldMap(), tmp_path / into, **options)


def shard_bytes_of(made: Ingested) -> list[bytes]:
    """The bytes of every shard of the three tables."""
    return [
        path.read_bytes() for table in (made.rows, made.responses, made.originals) for path in table.shards
    ]


FORMATS = (
    "a.jsonl",
    "a.ndjson.jsonl",
    "a.jsonl.gz",
    "a.jsonl.zst",
    "a.json",
    "a.lines.json",
    "a.csv",
    "a.csv.gz",
    "a.parquet",
    "a.arrow",
    "a.stream.arrow",
    "a.feather",
)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_tables(name: str, tmp_path: Path) -> None:
    """The same flat rows in any format give the same bytes, shard by shard."""
    expected = read(tmp_path, write_as(ROWS_IN, tmp_path / "in.parquet"), shard_rows=16)
    made = read(tmp_path, write_as(ROWS_IN, tmp_path / name), into="other", shard_rows=16)
    assert made.n_rows == 40
    assert made.rows.read().to_pylist()[39] == {
        "row_id": 39,
        "prompt": "What is 40 + 40?",
        "answer": "080",
        "source": "tens",
        "system": None,
        "turns": None,
        "tests": None,
    }
    assert made.originals.read().to_pylist()[39] == {"row_id": 39, **ROWS_IN[39]}
    assert shard_bytes_of(made) == shard_bytes_of(expected)


def test_tables_have_the_declared_schemas_and_cover_the_same_rows(tmp_path: Path) -> None:
    """rows and responses are as flow declares them; shard i of the three tables has the same row_ids."""
    rows = [{"query": f"q{i}", "responses": ["a"] * (i % 3)} for i in range(10)]
    made = read(tmp_path, write_as(rows, tmp_path / "a.parquet"), shard_rows=4)
    assert made.bounds == (4, 8)
    assert (made.n_rows, made.n_responses) == (10, 9)
    for low, high, *shards in zip(
        (0, 4, 8), (4, 8, 10), made.rows.shards, made.originals.shards, strict=True
    ):
        for shard in shards:
            assert pq.read_table(shard)["row_id"].to_pylist() == list(range(low, high))
    for shard in made.rows.shards:
        assert pq.read_schema(shard).equals(ROWS)
    for low, high, shard in zip((0, 4, 8), (4, 8, 10), made.responses.shards, strict=True):
        assert pq.read_schema(shard).equals(RESPONSES)
        assert all(low <= row < high for row in pq.read_table(shard)["row_id"].to_pylist())
    assert made.schema.names == ["row_id", "query", "responses"]


@pytest.mark.parametrize("limits", [{"shard_rows": 7}, {"shard_bytes": 200}, {"shard_bytes": 1}])
@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl"])
def test_shards_depend_on_the_rows_not_on_the_files(
    name: str, limits: dict[str, int], tmp_path: Path
) -> None:
    """Forty rows in one file or in five of uneven size give the same shards, byte for byte."""
    one = read(tmp_path, write_as(ROWS_IN, tmp_path / "one" / name), **limits)
    cuts = [0, 3, 4, 20, 21, 40]
    for index, (low, high) in enumerate(itertools.pairwise(cuts)):
        write_as(ROWS_IN[low:high], tmp_path / "five" / f"{index}{name}")
    five = read(tmp_path, tmp_path / "five", into="out5", **limits)
    assert [file.rows for file in five.files] == [3, 1, 16, 1, 19]
    assert five.bounds == one.bounds
    assert len(one.bounds) > 3
    assert shard_bytes_of(five) == shard_bytes_of(one)


def test_a_shard_stays_within_its_bytes(tmp_path: Path) -> None:
    """A shard holds at most shard_bytes of values, but always at least one row."""
    sizes = [10, 10, 10, 500, 10, 90, 10, 0, 0]
    rows = [{"text": "x" * size} for size in sizes]
    made = read(tmp_path, write_as(rows, tmp_path / "a.jsonl"), shard_bytes=100)
    assert made.bounds == (3, 4, 6)


def test_moments_beyond_the_calendar_are_text(tmp_path: Path) -> None:
    """A prompt that is a moment no calendar has, alone or in a list, neither panics nor loses the others."""
    far = pa.array([2**63 - 1, 0, None], pa.timestamp("us"))
    lists = pa.array([[2**63 - 1], [0], None], pa.list_(pa.timestamp("ms")))
    (tmp_path / "in").mkdir()
    for name, column in (("far", far), ("lists", lists)):
        pq.write_table(pa.table({"problem": column}), tmp_path / "in" / f"{name}.parquet")
        made = read(tmp_path, tmp_path / "in" / f"{name}.parquet", into=name)
        first, second, third = made.rows.read()["prompt"].to_pylist()
        assert "9223372036854775807" in first
        assert "1970-01-01 00:00:00" in second
        assert third is None


@pytest.mark.parametrize(
    "lines", ['{"text": "a", "x": %d}\n{"x": 0.5}', '{"text": "a", "x": 0.5}\n{"x": %d}']
)
def test_the_least_integer_beside_floats_is_refused(lines: str, tmp_path: Path) -> None:
    """-2**63 is a float exactly, but Arrow refuses it; in one block of lines or in two, the run stops."""
    (tmp_path / "a.jsonl").write_text(lines % -(2**63))
    with pytest.raises(InputError, match=r"beyond 2\*\*53"):
        read(tmp_path, tmp_path / "a.jsonl")


def test_files_are_read_in_order(tmp_path: Path) -> None:
    """Addresses in the order given, the files of a folder in name order, recursively."""
    for name in ("b/2.jsonl", "b/10.jsonl", "b/c/1.jsonl", "a.jsonl"):
        write_as([{"text": name}], tmp_path / "in" / name)
    folder = tmp_path / "in"
    made = read(tmp_path, folder / "b", folder / "a.jsonl")
    assert made.rows.read()["prompt"].to_pylist() == ["b/10.jsonl", "b/2.jsonl", "b/c/1.jsonl", "a.jsonl"]
    made = read(tmp_path, folder / "**" / "*.jsonl", into="glob")
    expected = ["a.jsonl", "b/10.jsonl", "b/2.jsonl", "b/c/1.jsonl"]
    assert made.rows.read()["prompt"].to_pylist() == expected
    assert [file.path for file in made.files] == [str(folder / name) for name in expected]


def test_other_files_of_a_folder_are_left_out_and_named(tmp_path: Path) -> None:
    """README, manifests, hidden files and partial writes are not data; the visible ones are noted."""
    folder = tmp_path / "in"
    write_as(ROWS_IN, folder / "a.parquet")
    for name, text in {
        "README.md": "words",
        "dataset_info.json": '{\n "rows": 3\n}',
        "state.json": '{"rows": 3}',
        ".cache.jsonl": GOOD,
        "_SUCCESS": "",
    }.items():
        (folder / name).write_text(text)
    write_as(ROWS_IN, folder / ".hidden" / "a.parquet")
    made = read(tmp_path, folder)
    assert made.n_rows == 40
    assert notes_of(made) == (
        f"{folder}: not data, left out: README.md, dataset_info.json, state.json",
        "columns not used: note",
    )


# Columns beside `problem` → the note about those that are not used.
UNUSED: dict[str, tuple[tuple[str, ...], str | None]] = {
    "all used": (("answer", "source"), None),
    "technical": (("id", "UUID", "__index_level_0__", "problem_id", "Meta", "row_id"), None),
    "a licence": (("answer", "licence"), "columns not used: licence"),
    "an output": (
        ("answer", "Output Text"),
        'columns not used: Output Text. If wanted: --responses-column "Output Text"',
    ),
    "both": (
        ("gold", "output", "licence"),
        "columns not used: gold, output, licence. If wanted: --responses-column output, --answer-column gold",
    ),
    "a response beside responses": (("answer", "response", "output"), "columns not used: output"),
    "many": (
        tuple(f"c{index}" for index in range(14)),
        "columns not used: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 and 2 more",
    ),
    "odd names": (("a\nb", "c" * 70), f"columns not used: 'a\\nb', {'c' * 57}..."),
}


@pytest.mark.parametrize("name", UNUSED)
def test_columns_that_are_not_used_are_named(name: str, tmp_path: Path) -> None:
    """Columns that the shape does not read are noted, with the option for one that sounds like a part."""
    columns, expected = UNUSED[name]
    made = read(tmp_path, write_as([{"problem": "a", **dict.fromkeys(columns, "x")}], tmp_path / "a.jsonl"))
    notes = [note for note in notes_of(made) if note.startswith("columns not used")]
    assert notes == ([expected] if expected else [])


def test_fields_of_turns_that_are_not_carried_are_named(tmp_path: Path) -> None:
    """Fields that hold something in any shard are named; empty ones and those that are read are not."""
    turns: list[list[dict[str, Any]]] = [
        [{"role": "user", "content": "a", "name": "", "tool_calls": [], "train": True, "weight": None}],
        [
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "c", "reasoning_content": "r", "tool_calls": [{"f": 1}]},
        ],
    ]
    path = write_as([{"messages": list_of} for list_of in turns], tmp_path / "a.jsonl")
    made = read(tmp_path, path, shard_rows=1)
    assert made.notes == (
        "messages: fields train, tool_calls are not carried into training formats "
        "(format original keeps them)",
    )
    completion = [turns[1][1] | {"audio": 0}]
    path = write_as([{"prompt": turns[1][:1], "completion": completion}], tmp_path / "b.jsonl")
    assert read(tmp_path, path, into="b").notes == (
        "completion: fields tool_calls, audio are not carried into training formats "
        "(format original keeps them)",
    )


SYSTEM = {"role": "system", "content": "Be brief."}
TALK = [{"role": "user", "content": "3 + 4?"}, {"role": "assistant", "content": "7"}]
EXPORTED: list[dict[str, Any]] = [
    {"problem": "1 + 1?", "answer": "2", "source": "ones", "responses": ["2", "<think>a</think>two"]},
    {"problem": "Print 1.", "tests": '{"inputs": [""], "outputs": ["1"]}', "responses": ["print(1)"]},
    {"messages": [SYSTEM, *TALK, {"role": "user", "content": "Again?"}], "answer": "[7]", "responses": ["8"]},
    {"messages": TALK, "system": "Be kind.", "answer": "7", "source": "talks"},
    {
        "problem": "é\n\n\U0001f600",
        "answer": "x",
        "tests": "[1]",
        "responses": [""],
        "response_models": ["m"],
    },
]


@pytest.mark.parametrize("name", TRAINING_FORMATS)
def test_training_formats_are_recognised_when_read_back(name: str, tmp_path: Path) -> None:
    """What curate wrote in a training format comes back with the same texts, whatever the format."""
    first = read(tmp_path, write_as(EXPORTED, tmp_path / "a.jsonl"))
    rows, responses = pl.from_arrow(first.rows.read()), pl.from_arrow(first.responses.read())
    assert isinstance(rows, pl.DataFrame)
    assert isinstance(responses, pl.DataFrame)
    form = TRAINING_FORMATS[name]
    by_response = form.grain == "response"
    pq.write_table(form.records(rows, responses if by_response else None, Options()), tmp_path / "b.parquet")
    second = read(tmp_path, tmp_path / "b.parquet", into="back")
    back = pl.from_arrow(second.rows.read())
    assert isinstance(back, pl.DataFrame)
    answered = pl.from_arrow(second.responses.read())
    assert isinstance(answered, pl.DataFrame)
    expected = responses.join(rows, on="row_id", maintain_order="left") if by_response else rows
    carried = ["prompt", "answer", "source", "system", *([] if by_response else ["tests"])]
    assert back.select(carried).rows() == expected.select(carried).rows()
    if by_response:
        assert answered["row_id"].to_list() == list(range(6))
        assert answered.select("response", "model").rows() == expected.select("response", "model").rows()
        ends = back["turns"].list.last().struct.field("content")
        assert ends.to_list() == expected["response"].to_list()
        spoken = pl.element().filter(pl.element().struct.field("role") != "system")
        assert back["turns"].list.eval(spoken).list.len().to_list() == [2, 2, 2, 4, 2, 2]
    else:
        assert answered.is_empty()
        assert back["turns"].list.len().to_list() == [None, None, 4, None, None]


# Rows of one file each → unified type and values of column x.
UNIFIED: dict[str, tuple[list[list[Any]], str, list[Any]]] = {
    "null and text": ([[None], ["a"]], "text", [None, "a"]),
    "null everywhere": ([[None], [None]], "text", [None, None]),
    "integers and floats": ([[1], [2.5]], "double", [1.0, 2.5]),
    "numbers and text": ([[1, 2.5, 3.0], ["x"]], "text", ["1", "2.5", "3", "x"]),
    "booleans and numbers": ([[True], [2]], "text", ["true", "2"]),
    "struct gains a field": (
        [[{"a": 1}], [{"b": "x"}], [None]],
        "struct<a: int64, b: text>",
        [{"a": 1, "b": None}, {"a": None, "b": "x"}, None],
    ),
    "empty struct and struct": ([[{}], [{"a": 1}]], "struct<a: int64>", [{"a": None}, {"a": 1}]),
    "empty struct everywhere": ([[{}]], "text", ["{}"]),
    "empty list everywhere": ([[[]]], "list<text>", [[]]),
    "list items": ([[[1]], [[2.5]], [[]], [None]], "list<double>", [[1.0], [2.5], [], None]),
    "list items of two kinds": ([[[1, 2]], [["a", None]]], "list<text>", [["1", "2"], ["a", None]]),
    "scalar and list": ([["a"], [[1, 2.0]], [None]], "text", ["a", "[1, 2]", None]),
    "scalar and struct": ([[7], [{"b": [1], "a": None}]], "text", ["7", '{"b": [1]}']),
    "list and struct": ([[[1]], [{"a": "é"}]], "text", ["[1]", '{"a": "é"}']),
    "nested conflict": (
        [[{"a": {"b": 1}}], [{"a": {"b": "x"}}]],
        "struct<a: struct<b: text>>",
        [{"a": {"b": "1"}}, {"a": {"b": "x"}}],
    ),
    "list of structs": (
        [[[{"a": 1}, {"a": 2}]], [[{"b": True}, None]]],
        "list<struct<a: int64, b: bool>>",
        [[{"a": 1, "b": None}, {"a": 2, "b": None}], [{"a": None, "b": True}, None]],
    ),
    "beyond 64 bits": ([[1], [2**64]], "text", ["1", str(2**64)]),
    "date-like text": (
        [["2024-01-01"], ["2024-01-01T00:00:00Z"]],
        "text",
        ["2024-01-01", "2024-01-01T00:00:00Z"],
    ),
    "not a number": ([[float("nan")], [1.0]], "double", [None, 1.0]),
}


@pytest.mark.parametrize("name", UNIFIED)
@pytest.mark.parametrize("apart", [True, False], ids=["files", "one-file"])
def test_types_are_unified(name: str, apart: bool, tmp_path: Path) -> None:
    """Values of several types, in one file or several, end in one type that holds them all."""
    files, kind, expected = UNIFIED[name]
    for index, values in enumerate(files):
        lines = "".join(json.dumps({"text": "t", "x": value}) + "\n" for value in values)
        with (tmp_path / f"{index if apart else 0}.jsonl").open("a") as file:
            file.write(lines)
    made = read(tmp_path, tmp_path / "*.jsonl", shard_rows=1)
    assert type_name(made.schema.field("x").type) == kind
    assert made.originals.read()["x"].to_pylist() == expected
    assert all(pq.read_schema(shard).equals(made.schema) for shard in made.originals.shards)


def test_absent_columns_are_null_and_joined_types_are_noted(tmp_path: Path) -> None:
    """A column of one file is null for the rows of the others; what became text is said."""
    pq.write_table(pa.table({"problem": ["a"], "x": pa.array([1], pa.int32())}), tmp_path / "1.parquet")
    pq.write_table(
        pa.table({"problem": pa.array(["b"]).dictionary_encode(), "x": ["w"]}), tmp_path / "2.parquet"
    )
    pq.write_table(pa.table({"problem": [None], "y": [[None]]}), tmp_path / "3.parquet")
    made = read(tmp_path, tmp_path / "*.parquet")
    assert made.originals.read().to_pylist() == [
        {"row_id": 0, "problem": "a", "x": "1", "y": None},
        {"row_id": 1, "problem": "b", "x": "w", "y": None},
        {"row_id": 2, "problem": None, "x": None, "y": [None]},
    ]
    assert notes_of(made) == (
        "x: numbers and text, kept as text",
        "1 row has no prompt: problem is null there",
        "columns not used: x, y",
    )
    assert [type_name(field.type) for field in made.schema] == ["int64", "text", "text", "list<text>"]


def test_any_parquet_type_survives(tmp_path: Path) -> None:
    """Columns of types that only Parquet has are kept with their values."""
    columns = {
        "problem": pa.array(["a", None], pa.string_view()),
        "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
        "fixed": pa.array([[1, 2], None], pa.list_(pa.int8(), 2)),
        "decimal": pa.array(["1.50", None]).cast(pa.decimal128(5, 2)),
        "when": pa.array([0, None], pa.timestamp("us", "UTC")),
        "raw": pa.array([b"\xff", None]),
        "deep": pa.array([[[{"x": ["y"]}]], []]),
        "u": pa.array([2**64 - 1, None], pa.uint64()),
    }
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    made = read(tmp_path, tmp_path / "a.parquet").originals.read()
    first = made.to_pylist()[0]
    assert first["map"] == [{"key": "k", "value": 1}]
    assert first["fixed"] == [1, 2]
    assert str(first["decimal"]) == "1.50"
    assert first["raw"] == b"\xff"
    assert first["deep"] == [[{"x": ["y"]}]]
    assert first["u"] == 2**64 - 1
    assert made.to_pylist()[1] == {"row_id": 1, **dict.fromkeys(columns), "deep": []}


def test_free_keys_and_deep_nesting_are_kept_as_json_text(tmp_path: Path) -> None:
    """A mapping with more keys than a struct should have, and a value nested very deep, become JSON text."""
    keys = [{"text": "t", "scores": {f"id-{index}": index}} for index in range(MAX_FIELDS + 1)]
    deep: Any = "end"
    for _ in range(60):
        deep = [deep]
    made = read(tmp_path, write_as([*keys, {"text": "t", "deep": deep}], tmp_path / "a.jsonl"))
    table = made.originals.read()
    assert table["scores"].to_pylist()[7] == '{"id-7": 7}'
    inner, depth = table["deep"].to_pylist()[-1], 0
    while isinstance(inner, list):
        inner, depth = inner[0], depth + 1
    assert depth == MAX_DEPTH
    assert inner == "[" * (60 - depth) + '"end"' + "]" * (60 - depth)
    assert f"scores: more than {MAX_FIELDS} keys, kept as JSON text" in made.notes


def test_a_column_called_row_id_is_kept_under_another_name(tmp_path: Path) -> None:
    """The input's own row_id is not lost, and its new name is noted."""
    made = read(tmp_path, write_as([{"row_id": "x7", "problem": "a"}], tmp_path / "a.jsonl"))
    assert made.originals.read().to_pylist() == [{"row_id": 0, "row_id_original": "x7", "problem": "a"}]
    assert made.notes == ("the input has a column row_id, kept as row_id_original",)


def test_odd_text_survives(tmp_path: Path) -> None:
    """NUL escapes, emoji, lone combining marks, line separators and ten million characters come through."""
    texts = ["a\0b", "\U0001f600", "\u0301", "x\u2028y\u0085z", "é" * 10_000_000, "", None, "a\r\nb"]
    rows = [{"problem": text} for text in texts]
    (tmp_path / "crlf.jsonl").write_bytes(jsonl(rows).replace(b"\n", b"\r\n\r\n").removesuffix(b"\r\n\r\n"))
    assert read(tmp_path, tmp_path / "crlf.jsonl").rows.read()["prompt"].to_pylist() == texts
    (tmp_path / "a.json").write_text(json.dumps(rows), encoding="utf-8")
    assert read(tmp_path, tmp_path / "a.json", into="array").rows.read()["prompt"].to_pylist() == texts


def test_csv_without_types_keeps_leading_zeros_and_names_a_nameless_column(tmp_path: Path) -> None:
    """Every CSV column is text; an empty field is null; pandas' index column is called column_0."""
    (tmp_path / "a.csv").write_text(',problem,answer\n0,"a ""b"", c\nd",033\n1,,\n')
    made = read(tmp_path, tmp_path / "a.csv")
    assert made.originals.read().to_pylist() == [
        {"row_id": 0, "column_0": "0", "problem": 'a "b", c\nd', "answer": "033"},
        {"row_id": 1, "column_0": "1", "problem": None, "answer": None},
    ]
    assert made.notes == (
        f"{tmp_path}/a.csv: column 0 has no name, called column_0",
        "1 row has no prompt: problem is null there",
    )


@pytest.mark.parametrize("block_bytes", [1, 7, 300])
def test_where_a_block_ends_does_not_show(
    block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files with a byte order mark, read in blocks of any size, give the same rows and line numbers."""
    monkeypatch.setattr("curate.ingest.readers.BLOCK_BYTES", block_bytes)
    rows = jsonl(ROWS_IN)
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + rows + b"{broken\n" + rows)
    items = [12, 345, "x", *ROWS_IN, *ROWS_IN]
    (tmp_path / "b.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(items, ensure_ascii=False).encode())
    made = read(tmp_path, tmp_path / "a.jsonl", tmp_path / "b.json", on_bad_rows="quarantine")
    originals = made.originals.read().drop_columns("row_id").to_pylist()
    assert originals == ROWS_IN * 4
    aside = pq.read_table(tmp_path / "out" / "quarantined").to_pylist()
    assert [(Path(row["file"]).name, row["line"], row["text"]) for row in aside] == [
        ("a.jsonl", 41, "{broken"),
        ("b.json", 1, "12"),
        ("b.json", 2, "345"),
        ("b.json", 3, '"x"'),
    ]


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gives_its_message(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of bad input stops with the message beside it, and leaves no finished ingest."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    folder = tmp_path / "in"
    folder.mkdir()
    case = CASES[name](folder)
    with pytest.raises(InputError) as problem:
        ingest(case.files, case.fields, tmp_path / "out")
    message = str(problem.value).replace(str(folder), "TMP") + "\n"
    assert message == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert load_ingested(tmp_path / "out") is None


def test_every_golden_message_has_its_case() -> None:
    """No message lies in the folder that no case gives."""
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(CASES)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    """A file that may not be read is refused with the system's reason."""
    path = write_as(ROWS_IN, tmp_path / "a.jsonl")
    path.chmod(0)
    with pytest.raises(InputError, match=r"a\.jsonl: expected a readable file, found: Permission denied"):
        read(tmp_path, path)


def test_a_folder_that_cannot_be_written_is_the_machines_fault(tmp_path: Path) -> None:
    """An output folder below a file is a MachineError that names the folder."""
    path = write_as(ROWS_IN, tmp_path / "a.jsonl")
    with pytest.raises(MachineError, match="expected a folder that can be written"):
        ingest([str(path)], FieldMap(), path / "out")


def test_bad_rows_are_put_aside_on_request(tmp_path: Path) -> None:
    """With quarantine the readable rows go on, numbered without gaps; the others are written with reasons."""
    lines = [GOOD, "{broken\n", GOOD, "[1]\n", "\n", '{"problem": "c", "answer": 3}\n', "x" * 5_000 + "\n"]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    (tmp_path / "b.csv").write_text("problem,answer\nd,4\nd,4,5\n")
    (tmp_path / "c.json").write_text('[{"problem": "e"}, null]')
    made = read(tmp_path, tmp_path / "*.*", on_bad_rows="quarantine")
    assert (made.n_rows, made.n_quarantined) == (5, 5)
    assert [file.rows for file in made.files] == [3, 1, 1]
    rows = made.rows.read()
    assert rows["row_id"].to_pylist() == [0, 1, 2, 3, 4]
    assert rows["answer"].to_pylist() == ["2", "2", "3", "4", None]
    aside = pq.read_table(tmp_path / "out" / "quarantined").to_pylist()
    assert [(Path(row["file"]).name, row["line"], row["reason"]) for row in aside] == [
        ("a.jsonl", 2, "broken JSON: Expecting property name enclosed in double quotes (column 2)"),
        ("a.jsonl", 4, "a list, not an object"),
        ("a.jsonl", 7, "broken JSON: Expecting value (column 1)"),
        ("b.csv", 3, "3 fields, the header has 2"),
        ("c.json", 2, "null, not an object"),
    ]
    assert aside[1]["text"] == "[1]"
    assert aside[2]["text"] == "x" * 2_000 + " ... (5000 bytes in all)"


@given(st.lists(st.sampled_from(["good", "{", "[1]", "", "  ", '{"problem": "\\ud800"}', "{}"]), max_size=12))
@settings(max_examples=40)
def test_rows_read_and_rows_put_aside_are_all_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    """Every line that is not blank is read or put aside."""
    folder = tmp_path_factory.mktemp("lines")
    lines = ["good", *lines]
    (folder / "a.jsonl").write_text("\n".join(GOOD.strip() if line == "good" else line for line in lines))
    made = read(folder, folder / "a.jsonl", on_bad_rows="quarantine")
    assert made.n_rows == sum(line in ("good", "{}") for line in lines)
    assert made.n_rows + made.n_quarantined == sum(line.strip() != "" for line in lines)


def test_a_finished_ingest_is_used_again(tmp_path: Path) -> None:
    """The same files and settings give the tables that are there; anything else makes them anew."""
    path = write_as(ROWS_IN, tmp_path / "a.jsonl")
    assert load_ingested(tmp_path / "out") is None
    made = read(tmp_path, path)
    stamp = made.rows.shards[0].stat().st_mtime_ns
    assert load_ingested(tmp_path / "out") == made
    assert read(tmp_path, path) == made
    assert made.rows.shards[0].stat().st_mtime_ns == stamp

    moved = path.rename(tmp_path / "b.jsonl")
    again = read(tmp_path, moved)
    assert made.rows.shards[0].stat().st_mtime_ns == stamp
    assert again.files == [made.files[0]._replace(path=str(moved))]

    moved.write_bytes(moved.read_bytes() + GOOD.encode())
    assert read(tmp_path, moved).n_rows == 41
    assert read(tmp_path, moved, shard_rows=10).bounds == (10, 20, 30, 40)
    assert (
        ingest([str(moved)], FieldMap(answer="source"), tmp_path / "out").shape.count("answer ← source") == 1
    )


def test_an_unfinished_or_damaged_ingest_is_made_again(tmp_path: Path) -> None:
    """Without ingest.json, or with a shard gone, the tables are made anew, the same to the byte."""
    path = write_as(ROWS_IN, tmp_path / "a.jsonl")
    made = read(tmp_path, path, shard_rows=16)
    expected = shard_bytes_of(made)
    made.responses.shards[1].unlink()
    assert load_ingested(tmp_path / "out") is None
    assert shard_bytes_of(read(tmp_path, path, shard_rows=16)) == expected
    (tmp_path / "out" / "ingest.json").unlink()
    (tmp_path / "out" / "rows" / "00007.parquet").write_bytes(b"left over")
    assert shard_bytes_of(read(tmp_path, path, shard_rows=16)) == expected
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "ingest.json",
        "originals",
        "responses",
        "rows",
    ]
    assert len(list((tmp_path / "out" / "rows").iterdir())) == 3


def test_progress_is_told(tmp_path: Path) -> None:
    """Progress counts bytes while reading and rows while writing, up to the total."""
    path = write_as(ROWS_IN, tmp_path / "a.jsonl")
    told: list[tuple[str, int, int]] = []
    read(tmp_path, path, shard_rows=20, progress=lambda *step: told.append(step))
    size = path.stat().st_size
    assert told == [
        ("checking", size, size),
        ("reading", size, size),
        ("writing", 20, 40),
        ("writing", 40, 40),
    ]


MEASURE = """
import re, sys
from pathlib import Path
import curate.ingest.readers
from curate.ingest import FieldMap, ingest
curate.ingest.readers.BLOCK_BYTES = curate.ingest.readers.BATCH_BYTES = 1 << 20
made = ingest([sys.argv[1]], FieldMap(), Path(sys.argv[2]), shard_bytes=1 << 20)
status = Path("/proc/self/status").read_text()  # getrusage would count the process that started this one
print(made.n_rows, int(re.search(r"VmHWM:\\s+(\\d+)", status)[1]) * 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.parquet"])
def test_memory_does_not_grow_with_the_input(name: str, tmp_path: Path) -> None:
    """Eight times the rows need less than 40 MB more, where their text alone is 56 MB more."""
    peaks = []
    for times in (1, 8):
        row = {"problem": "What is it? " * 20, "solution": "Think about it. " * 240}
        rows = [row | {"answer": str(index)} for index in range(2_000 * times)]
        path = write_as(rows, tmp_path / str(times) / name)
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, str(path), str(tmp_path / str(times) / "out")],
            capture_output=True,
            text=True,
            check=True,
        )
        n_rows, peak = map(int, done.stdout.split())
        assert n_rows == 2_000 * times
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 40 << 20


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**66), 2**66)
    | st.floats(allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)


def _is_wide(value: Any) -> bool:
    """Whether an integer beyond 2**53 is in the value: beside floats it is refused."""
    if isinstance(value, dict | list):
        return any(_is_wide(item) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and abs(value) > 2**53


@given(
    st.lists(st.fixed_dictionaries({}, optional={"x": VALUES, "y": VALUES}), min_size=1, max_size=6),
    st.data(),
)
def test_any_json_fits_one_schema_however_it_is_cut(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    """Blocks of any size end in the same types, and their sizes do not depend on how they were cut."""
    cut = data.draw(st.integers(0, len(rows)))
    parts = [part for part in (rows[:cut], rows[cut:]) if part]
    try:
        batches = [infer(part, lambda _: None) for part in parts]
        schema = pa.schema([])
        for batch in batches:
            schema = unify_schemas(schema, plain_schema(batch.schema), lambda _: None)
        schema = pa.schema([(field.name, final_type(field.type)) for field in schema])
        fitted = pa.concat_tables([fit_batch(batch, schema) for batch in batches])
    except InputError:
        assert _is_wide(rows)
        return
    for field in schema:
        column = fitted[field.name].combine_chunks()
        column.validate(full=True)
        assert not pa.types.is_null(field.type)
        whole = row_bytes(column)
        assert [int(row_bytes(column.slice(i, 1))[0]) for i in range(len(column))] == whole.tolist()
        given_values = [row.get(field.name) for row in rows]
        if all(isinstance(value, str) or value is None for value in given_values):
            assert field.type.equals(TEXT)
            assert column.to_pylist() == given_values


class _Hub(http.server.BaseHTTPRequestHandler):
    """The two endpoints of a data set hub, serving the files of a folder; a listing has two pages."""

    folder: Path
    tokens: list[str | None]

    def do_GET(self) -> None:
        self.tokens.append(self.headers.get("Authorization"))
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/api/datasets/owner/name/tree/v%2F1":
            paths = sorted(
                p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*") if p.is_file()
            )
            items = [{"type": "directory", "path": "data"}, *({"type": "file", "path": p} for p in paths)]
            second = "cursor=2" in address.query
            self.send_response(200)
            if not second:
                host, port = self.server.server_address[:2]
                link = f"http://{host!s}:{port}{address.path}?recursive=true&cursor=2"
                self.send_header("Link", f'<{link}>; rel="next"')
            self.end_headers()
            self.wfile.write(json.dumps(items[2:] if second else items[:2]).encode())
        elif address.path.startswith("/datasets/owner/name/resolve/v%2F1/"):
            name = urllib.parse.unquote(address.path.removeprefix("/datasets/owner/name/resolve/v%2F1/"))
            content = (self.folder / name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content) + (name == "short.jsonl")))
            self.end_headers()
            self.wfile.write(content)
        else:
            self.send_error(404)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    """A hub on this machine whose data set owner/name, revision v/1, has three data files."""
    handler = type("Hub", (_Hub,), {"folder": tmp_path / "hub", "tokens": []})
    for index, name in enumerate(("data/a b.parquet", "data/c/d.jsonl", "test.csv")):
        write_as(ROWS_IN[10 * index : 10 * index + 10], handler.folder / name)
    (handler.folder / "README.md").write_text("words")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("", 30),
        ("/data", 20),
        ("/data/*.parquet", 10),
        ("/**/*.jsonl", 10),
        ("/test.csv", 10),
        ("/data/a%20b.parquet", 0),
    ],
)
def test_hub_files_are_copied_and_read(path: str, rows: int, hub: type[_Hub], tmp_path: Path) -> None:
    """A data set, a folder of it, a glob and a file are read like local files; the token is sent."""
    address = f"hf://datasets/owner/name@v%2F1{path}"
    if not rows:
        with pytest.raises(InputError, match="expected data files there, found none"):
            ingest([address], FieldMap(), tmp_path / "out")
        return
    made = ingest([address], FieldMap(), tmp_path / "out")
    assert made.n_rows == rows
    assert all(file.path.startswith("hf://datasets/owner/name@v/1/") for file in made.files)
    assert set(hub.tokens) == {"Bearer secret"}
    assert not (tmp_path / "out" / ".spool").exists()


def test_hub_faults_are_named(hub: type[_Hub], tmp_path: Path) -> None:
    """A data set that is not there and a transfer that breaks off stop with their reasons."""
    with pytest.raises(InputError, match="hf://datasets/owner/other: .* no such data set"):
        ingest(["hf://datasets/owner/other"], FieldMap(), tmp_path / "out")
    (hub.folder / "short.jsonl").write_text(GOOD)
    with pytest.raises(InputError, match=r"short\.jsonl|broke off"):
        ingest(["hf://datasets/owner/name@v%2F1/short.jsonl"], FieldMap(), tmp_path / "out")


@pytest.mark.real_data
@pytest.mark.parametrize("folder", ["corpora", "benchmarks"])
def test_all_corpora_and_benchmarks_are_recognised(folder: str, shared_data: Path, tmp_path: Path) -> None:
    """Every file gives as many rows as it has, as many responses as its lists hold, and its own texts."""
    files = sorted((shared_data / folder).glob("*.parquet"))
    assert len(files) > 20
    for index, path in enumerate(files):
        if path.stat().st_size > 5_000_000:  # three of them take as long as all the others
            continue
        made = read(tmp_path, path, into=str(index))
        table = pq.read_table(path)
        prompts = table["query" if folder == "corpora" else "problem"].to_pylist()
        assert made.n_rows == table.num_rows, path.name
        assert made.rows.read()["prompt"].to_pylist() == prompts, path.name
        answers = [a if a is not None and re.search(r"\S", a) else None for a in table["answer"].to_pylist()]
        assert made.rows.read()["answer"].to_pylist() == answers, path.name
        if folder == "corpora":
            given_responses = [text for texts in table["responses"].to_pylist() for text in texts or []]
            assert made.responses.read()["response"].to_pylist() == given_responses, path.name
            correct = [
                c for row in table.to_pylist() for c in _parallel(row["responses"], row["response_correct"])
            ]
            assert made.responses.read()["given_correct"].to_pylist() == correct, path.name


def _parallel(responses: list[str] | None, beside: list[bool] | None) -> list[bool | None]:
    return list(beside) if beside else [None] * len(responses or [])
