"""Inputs that cannot be read, one of each kind: name → a function that makes it and returns what to ingest.

The message of each is in golden/bad_inputs/NAME.txt, with the temporary folder written as TMP.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from curate.ingest.fields import FieldMap

GOOD = '{"problem": "What is 1 + 1?", "answer": "2"}\n'


class Case(NamedTuple):
    files: list[str]
    fields: FieldMap = FieldMap()


def written(name: str, content: bytes | str) -> Callable[[Path], Case]:
    """A case of one file with this content."""

    def make(tmp: Path) -> Case:
        path = tmp / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return Case([str(path)])

    return make


def named(address: str, **fields: str) -> Callable[[Path], Case]:
    """A case of one address, TMP in it standing for the folder."""
    return lambda tmp: Case([address.replace("TMP", str(tmp))], FieldMap(**fields))


def mapped(rows: str, **fields: str) -> Callable[[Path], Case]:
    """A case of good rows and columns the user named."""
    return lambda tmp: written("rows.jsonl", rows)(tmp)._replace(fields=FieldMap(**fields))


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def arrow_bytes(table: pa.Table) -> bytes:
    """The table as an Arrow file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


TABLE = pa.table({"problem": ["a", "b"], "answer": ["1", "2"]})


def missing_in_folder(tmp: Path) -> Case:
    """A name that is not among the files of its folder."""
    (tmp / "train-1.jsonl").write_text(GOOD)
    (tmp / "train-2.jsonl").write_text(GOOD)
    return Case([str(tmp / "train.jsonl")])


def folder_without_data(tmp: Path) -> Case:
    """A folder of words, a manifest and a hidden file."""
    (tmp / "README.md").write_text("words")
    (tmp / "manifest.json").write_text('{"rows": 3}')
    (tmp / ".hidden.jsonl").write_text(GOOD)
    return Case([str(tmp)])


def named_twice(tmp: Path) -> Case:
    """A file named by its path and by a glob."""
    path = tmp / "a.jsonl"
    path.write_text(GOOD)
    return Case([str(path), str(tmp / "*.jsonl")])


def several_files(tmp: Path) -> Case:
    """Three files with three bad lines each."""
    for index in range(3):
        (tmp / f"{index}.jsonl").write_text(GOOD + "{broken\n" * 2 + GOOD + '["a"]\n')
    return Case([str(tmp)])


def bytes_and_numbers(tmp: Path) -> Case:
    """A column of bytes in one file, of numbers in the next."""
    pq.write_table(pa.table({"problem": ["a"], "x": pa.array([b"\x00"])}), tmp / "a.parquet")
    pq.write_table(pa.table({"problem": ["a"], "x": [1]}), tmp / "b.parquet")
    return Case([str(tmp)])


def parquet_not_utf8(tmp: Path) -> Case:
    """A text column whose second value is not UTF-8."""
    raw = pa.array([b"fine", b"\xff\xfe"]).cast(pa.binary())
    text = pa.StringArray.from_buffers(2, raw.buffers()[1], raw.buffers()[2])
    pq.write_table(pa.table({"problem": text}), tmp / "a.parquet")
    return Case([str(tmp / "a.parquet")])


def damaged_page(tmp: Path) -> Case:
    """A Parquet file whole at both ends and broken in between."""
    table = pa.table({"problem": [f"problem {index}" for index in range(1000)]})
    pq.write_table(table, tmp / "a.parquet", compression="zstd", use_dictionary=False)
    raw = bytearray((tmp / "a.parquet").read_bytes())
    raw[40:90] = b"\xaa" * 50
    (tmp / "a.parquet").write_bytes(raw)
    return Case([str(tmp / "a.parquet")])


def two_files(other: str, **fields: str) -> Callable[[Path], Case]:
    """A case of a file with `query` and one with other columns."""

    def make(tmp: Path) -> Case:
        (tmp / "a.jsonl").write_text('{"query": "What is 1 + 1?", "answer": "2"}\n')
        (tmp / "b.jsonl").write_text(other)
        return Case([str(tmp / "a.jsonl"), str(tmp / "b.jsonl")], FieldMap(**fields))

    return make


CASES: dict[str, Callable[[Path], Case]] = {
    # lines of JSON Lines
    "jsonl-broken-line": written("a.jsonl", GOOD + '{"problem": "What is\n' + GOOD),
    "jsonl-list-line": written("a.jsonl", GOOD + "[1, 2]\n"),
    "jsonl-number-line": written("a.jsonl", GOOD + "7\n"),
    "jsonl-two-objects-on-a-line": written("a.jsonl", GOOD + '{"problem": "a"} {"problem": "b"}\n'),
    "jsonl-object-over-two-lines": written("a.jsonl", GOOD + '{"problem":\n"a"}\n'),
    "jsonl-object-cut-between-braces": written("a.jsonl", GOOD + '{"problem": "a", "x": [{}\n{}]}\n'),
    "jsonl-not-utf8": written("a.jsonl", GOOD.encode() + b'{"problem": "caf\xe9"}\n'),
    "jsonl-nul-byte": written("a.jsonl", GOOD.encode() + b'{"problem": "a\x00b"}\n'),
    "jsonl-half-surrogate": written("a.jsonl", GOOD + '{"problem": "smile \\ud83d"}\n'),
    "jsonl-repeated-key": written("a.jsonl", GOOD + '{"problem": "a", "problem": "b"}\n'),
    "jsonl-nested-too-deep": written(
        "a.jsonl", GOOD + '{"problem": ' + "[" * 100_000 + "]" * 100_000 + "}\n"
    ),
    "jsonl-integer-too-long": written("a.jsonl", GOOD + '{"problem": ' + "7" * 5_000 + "}\n"),
    "jsonl-many-bad-lines": several_files,
    # files that do not fit together
    "files-prompt-named-in-one": two_files(GOOD, prompt="query"),
    "files-answer-named-in-one": two_files('{"query": "What?", "gold": "2"}\n', answer="gold"),
    "files-no-prompt-in-one": two_files('{"date": "2024", "licence": "mit"}\n'),
    "files-no-column-in-one": two_files("{}\n"),
    # files that are not what their name says
    "empty-file": written("a.jsonl", ""),
    "white-space-only": written("a.jsonl", " \n\n"),
    "parquet-is-json": written("a.parquet", GOOD),
    "parquet-truncated": written("a.parquet", parquet_bytes(TABLE)[:-20]),
    "parquet-broken-footer": written(
        "a.parquet", parquet_bytes(TABLE)[:-60] + b"\xff" * 52 + parquet_bytes(TABLE)[-8:]
    ),
    "parquet-encrypted": written("a.parquet", b"PARE" + b"\x00" * 40 + b"PARE"),
    "parquet-damaged-page": damaged_page,
    "parquet-not-utf8": parquet_not_utf8,
    "arrow-truncated": written("a.arrow", arrow_bytes(TABLE)[:-40]),
    "arrow-is-parquet": written("a.arrow", parquet_bytes(TABLE)),
    "jsonl-is-gzip": written("a.jsonl", gzip.compress(GOOD.encode(), mtime=0)),
    "jsonl-is-json-array": written("a.jsonl", '[{"problem": "a"},\n {"problem": "b"}]'),
    "gz-is-text": written("a.jsonl.gz", GOOD),
    "gz-cut-off": written("a.jsonl.gz", gzip.compress(GOOD.encode() * 50, mtime=0)[:-30]),
    "gz-corrupt": written("a.csv.gz", gzip.compress(b"problem\n1\n", mtime=0)[:10] + b"\xff" * 30),
    "zst-cut-off": written("a.jsonl.zst", zstandard.compress(GOOD.encode() * 500)[:-20] + b"\x99" * 20),
    "parquet-gz": written("a.parquet.gz", gzip.compress(parquet_bytes(TABLE), mtime=0)),
    "utf16": written("a.csv", "problem,answer\na,b\n".encode("utf-16")),
    "git-lfs-pointer": written(
        "a.jsonl", "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 12\n"
    ),
    "html-page": written("a.csv", "<!DOCTYPE html>\n<html><body>Not found</body></html>\n"),
    "unknown-extension": written("a.txt", GOOD),
    # JSON arrays
    "json-single-object": written("a.json", json.dumps({"data": [{"problem": "a"}]}, indent=1)),
    "json-broken-item": written("a.json", '[{"problem": "a"}, {"problem": }]'),
    "json-cut-off": written("a.json", '[{"problem": "a"}, {"problem": "b"'),
    "json-no-comma": written("a.json", '[{"problem": "a"} {"problem": "b"}]'),
    "json-text-after": written("a.json", '[{"problem": "a"}] and more'),
    "json-number-item": written("a.json", '[{"problem": "a"}, 12, "b"]'),
    "json-is-text": written("a.json", "problem, answer\n"),
    # CSV
    "csv-too-many-fields": written("a.csv", "problem,answer\n1+1,2\n1+2,3,4\n"),
    "csv-too-few-fields": written("a.csv", 'problem,answer\n"a\nb",2\n1+2\n'),
    "csv-open-quote": written("a.csv", 'problem,answer\na,b\n"never closed,2\nc,d\n'),
    "csv-stray-quote": written("a.csv", 'problem,answer\n"a"b,2\n'),
    "csv-repeated-column": written("a.csv", "problem,answer,problem\n1,2,3\n"),
    "csv-nul-byte": written("a.csv", b"problem,answer\na\x00b,2\n"),
    "csv-latin-1": written("a.csv", "problem,answer\ncafé,2\n".encode("latin-1")),
    "csv-semicolons": written("a.csv", "problem;answer\n1+1;2\n"),
    "csv-header-only": written("a.csv", "problem,answer\n"),
    # places
    "no-files": lambda tmp: Case([]),
    "missing-file": missing_in_folder,
    "missing-folder": named("TMP/nowhere/a.jsonl"),
    "glob-without-match": named("TMP/*.parquet"),
    "folder-without-data": folder_without_data,
    "named-twice": named_twice,
    "unknown-scheme": named("ftp://example.org/a.parquet"),
    "hf-not-a-data-set": named("hf://models/owner/name"),
    "hf-unreachable": named("hf://datasets/owner/name/train.parquet"),
    # columns
    "no-rows": written("a.parquet", parquet_bytes(TABLE.slice(0, 0))),
    "no-known-shape": written("a.jsonl", '{"foo": "a", "bar": {"x": [1]}, "id": 1}\n'),
    "unknown-column": mapped(GOOD, prompt="problm"),
    "unknown-field": mapped('{"problem": "a", "meta": {"truth": "1"}}\n', answer="meta.truht"),
    "messages-not-a-chat": mapped('{"messages": "a", "problem": "b"}\n', messages="messages"),
    "row-id-twice": written("a.jsonl", '{"problem": "a", "row_id": 1, "row_id_original": 2}\n'),
    "integers-no-float-holds": written("a.jsonl", '{"problem": "a", "x": 9007199254740993}\n{"x": 0.5}\n'),
    "bytes-and-numbers": bytes_and_numbers,
}
