"""Files → Arrow record batches, each with the types its own values need; bad rows are named, not lost.

JSON is parsed by Python's own parser: on reasoning data (long strings) it is as fast as pyarrow's and
Polars', and unlike them it neither turns date-like text into timestamps (pyarrow), nor replaces half a
surrogate pair or a repeated key without a word (Polars), nor ends the process on deep nesting (pyarrow).
CSV has no types: every column is text, and an empty field is null.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.arrays import TEXT, row_bytes
from curate.errors import InputError
from curate.ingest.sources import READ_ERRORS, Source, damaged, open_stream
from curate.ingest.unify import infer, plain_schema

BLOCK_BYTES = 8 << 20
MAX_LINE_BYTES = 1 << 30
MAX_NESTING = 200  # what is nested deeper cannot be written as JSON again: Python's own limit is near
BATCH_ROWS = 8_192
BATCH_BYTES = 16 << 20
BOM = b"\xef\xbb\xbf"

# An escaped surrogate; whether it is half of a pair shows when the text is encoded.
SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class BadRow(NamedTuple):
    """A row that could not be read."""

    file: str
    line: int  # where it begins, from 1; in a JSON array, the number of the item
    reason: str
    text: str
    unit: Literal["line", "item"] = "line"


OnBad = Callable[[BadRow], None]


class _RepeatedKeyError(ValueError):
    pass


def text_batches(source: Source, on_bad: OnBad, note: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
    """The rows of a JSON Lines, JSON or CSV file, in order; rows that cannot be read go to `on_bad`."""
    read = {"jsonl": _jsonl, "json": _json_array, "csv": _csv}[source.kind]
    try:
        with open_stream(source) as stream:
            yield from read(source, stream, on_bad, note)
    except READ_ERRORS as problem:
        raise damaged(source, problem) from problem


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _RepeatedKeyError(f"the key {json.dumps(twice)} is there twice")
    return found


def _constant(name: str) -> float | None:
    """NaN is null; Infinity is a float."""
    return None if name == "NaN" else float(name.replace("Infinity", "inf"))


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_constant)


def _jsonl(
    source: Source, stream: BinaryIO, on_bad: OnBad, note: Callable[[str], None]
) -> Iterator[pa.RecordBatch]:
    line = 1
    for block in _blocks(source, stream):
        lines = block.split(b"\n")
        numbered = [(line + index, text) for index, raw in enumerate(lines) if (text := raw.strip())]
        rows = _rows_at_once([text for _, text in numbered])
        if rows is None:
            rows = _rows_one_by_one(source, numbered, on_bad)
        if rows:
            yield _batch(source, rows, note)
        line += len(lines) - 1


def _batch(source: Source, rows: list[dict[str, Any]], note: Callable[[str], None]) -> pa.RecordBatch:
    try:
        return infer(rows, note)
    except InputError as problem:
        raise InputError(f"{source.name}: {problem}") from problem


def _blocks(source: Source, stream: BinaryIO) -> Iterator[bytes]:
    """The file in blocks of whole lines, about BLOCK_BYTES each; the BOM is left out."""
    pending = [stream.read(len(BOM)).removeprefix(BOM)]
    size = len(pending[0])
    while chunk := stream.read(BLOCK_BYTES):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield b"".join([*pending, chunk[:cut]])
            pending, size = [], 0
        pending.append(chunk[cut:])
        size += len(chunk) - cut
        if size > MAX_LINE_BYTES:
            raise InputError(
                f"{source.name}: expected JSON Lines, found a line of more than {MAX_LINE_BYTES >> 30} GiB. "
                f"Is it one JSON document?"
            )
    if size:
        yield b"".join(pending)


def _rows_at_once(lines: list[bytes]) -> list[dict[str, Any]] | None:
    """The rows of a block without any fault, else null.

    The lines are parsed as one array, several times faster for short rows than one by one. That each
    begins with { and ends with }, and that there are as many objects as lines, shows that no object
    runs over a line end.
    """
    try:
        text = b",".join(lines).decode()
        if SURROGATE.search(text) or not all(line[:1] == b"{" and line[-1:] == b"}" for line in lines):
            return None
        rows = _DECODER.decode(f"[{text}]")
    except (ValueError, RecursionError):
        return None
    if len(rows) != len(lines) or not all(isinstance(row, dict) for row in rows):
        return None
    deep = any(_may_be_deep(line) and _is_deep(row) for line, row in zip(lines, rows, strict=True))
    return None if deep else rows


def _may_be_deep(text: str | bytes) -> bool:
    if isinstance(text, str):
        return text.count("[") + text.count("{") > MAX_NESTING
    return text.count(b"[") + text.count(b"{") > MAX_NESTING


def _is_deep(value: Any) -> bool:
    """Whether a parsed value is nested more than MAX_NESTING deep."""
    level = [value]
    for _ in range(MAX_NESTING):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return False
    return True


def _rows_one_by_one(source: Source, lines: list[tuple[int, bytes]], on_bad: OnBad) -> list[dict[str, Any]]:
    """The rows of a block; each line that is not one goes to `on_bad` with its fault."""
    rows = []
    for number, line in lines:
        row = _row(line)
        if isinstance(row, str):
            on_bad(BadRow(source.name, number, row, _shown(line)))
        else:
            rows.append(row)
    return rows


def _row(line: bytes) -> dict[str, Any] | str:
    """The object on a line, or what is wrong with the line."""
    if b"\0" in line:
        return f"a NUL byte (column {line.index(0) + 1})"
    try:
        text = line.decode()
    except UnicodeDecodeError as problem:
        return f"not UTF-8: byte 0x{line[problem.start]:02x} (column {problem.start + 1})"
    try:
        return _checked(_DECODER.decode(text), text)
    except json.JSONDecodeError as problem:
        return f"broken JSON: {problem.msg} (column {problem.colno})"
    except RecursionError:
        return "broken JSON: nested too deep"
    except _RepeatedKeyError as problem:
        return str(problem)
    except ValueError:  # the one other fault Python's parser knows
        return "an integer of more than 4,300 digits"


def _checked(value: Any, text: str) -> dict[str, Any] | str:
    """The value if it is an object that can be written as UTF-8, else what is wrong with it."""
    if not isinstance(value, dict):
        return f"{_json_kind(value)}, not an object"
    if _may_be_deep(text) and _is_deep(value):
        return f"nested more than {MAX_NESTING} deep"
    if SURROGATE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as problem:
            half = str(problem.object)[problem.start]
            return f"half of a surrogate pair: \\u{ord(half):04x}"
    return value


def _json_kind(value: Any) -> str:
    names = {list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(line: bytes) -> str:
    """The line as text, at most 2,000 bytes of it."""
    more = f" ... ({len(line)} bytes in all)" if len(line) > 2_000 else ""
    return line[:2_000].decode("utf-8", "backslashreplace").replace("\0", "\\x00") + more


def _json_array(
    source: Source, stream: BinaryIO, on_bad: OnBad, note: Callable[[str], None]
) -> Iterator[pa.RecordBatch]:
    rows: list[dict[str, Any]] = []
    size = 0
    for number, (value, text) in enumerate(_items(source, stream), 1):
        row = value if isinstance(value, str) else _checked(value.item, text)
        if isinstance(row, str):
            on_bad(BadRow(source.name, number, row, _shown(text.encode("utf-8", "backslashreplace")), "item"))
            continue
        rows.append(row)
        size += len(text)
        if size > BLOCK_BYTES:
            yield _batch(source, rows, note)
            rows, size = [], 0
    if rows:
        yield _batch(source, rows, note)


class _Item(NamedTuple):
    item: Any


def _items(source: Source, stream: BinaryIO) -> Iterator[tuple[_Item | str, str]]:
    """The items of a JSON array with their text; a fault that leaves the borders known is a str.

    Read piece by piece; a piece that ends inside an item is read on to twice its length, so that even
    an item of gigabytes is scanned no more than about twice.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    lenient = json.JSONDecoder(parse_constant=_constant)
    text, at, ended, number = "", 0, False, 0

    def more(kept: int) -> None:
        nonlocal text, at, ended
        if len(text) - kept > MAX_LINE_BYTES:
            raise broken(f"an item of more than {MAX_LINE_BYTES >> 30} GiB")
        wanted = max(BLOCK_BYTES, len(text) - kept)
        raw = stream.read(wanted)
        ended = len(raw) == 0
        try:
            text, at = text[kept:] + decoder.decode(raw, ended), 0
        except UnicodeDecodeError as problem:
            raise broken(f"bytes that are not UTF-8 ({problem.reason})") from problem

    def skip(marks: str) -> str:
        """The next character that is not white space; taken if it is one of `marks`."""
        nonlocal at
        while True:
            while at < len(text) and text[at] in " \t\r\n":
                at += 1
            if at < len(text):
                found = text[at]
                at += found in marks
                return found
            if ended:
                return ""
            more(at)

    def broken(what: str) -> InputError:
        return InputError(
            f"{source.name}: expected a whole JSON array of objects, found {what} after item {number}. What "
            f"follows cannot be read: mend the file, or write it as JSON Lines, where one bad row stays one"
        )

    skip("[")
    if skip("]") == "]":
        return
    while True:
        skip("")
        try:
            _, end = lenient.raw_decode(text, at)
        except (ValueError, RecursionError) as problem:
            if ended or isinstance(problem, RecursionError):
                reason = getattr(problem, "msg", None) or "an item nested too deep"
                raise broken(f"broken JSON ({reason})") from problem
            more(at)
            continue
        if end == len(text) and not ended:  # a number may go on in the next piece
            more(at)
            continue
        number += 1
        part = text[at:end]
        try:
            yield _Item(_DECODER.decode(part)), part
        except _RepeatedKeyError as problem:
            yield str(problem), part
        at = end
        mark = skip(",]")
        if mark == "]":
            if skip(""):
                raise broken("text after the closing bracket")
            return
        if mark != ",":
            raise broken(f"{json.dumps(mark)} where a comma should be" if mark else "the end of the file")


def _csv(
    source: Source, stream: BinaryIO, on_bad: OnBad, note: Callable[[str], None]
) -> Iterator[pa.RecordBatch]:
    csv.field_size_limit(sys.maxsize)  # process-wide; the default refuses fields over 128 KiB
    lines = _Lines(source, io.TextIOWrapper(stream, "utf-8-sig", "surrogateescape", newline=""))
    reader = csv.reader(lines, strict=True)
    try:
        names = _header(source, next(reader, []), note)
    except csv.Error as problem:
        raise InputError(
            f"{source.name}: line 1: expected the names of the columns, found broken CSV ({problem}). "
            f"Mend the first line; a quote inside a name is doubled"
        ) from problem
    rows: list[list[str]] = []
    size = 0
    while True:
        start = reader.line_num + 1
        lines.size = 0
        try:
            row = next(reader, None)
        except csv.Error as problem:
            if "unexpected end" in str(problem):
                raise InputError(
                    f"{source.name}: line {start}: expected a closing quote, found the end of the file. "
                    f"Close the quote that this row opens, or double the quotes inside its text"
                ) from problem
            on_bad(BadRow(source.name, start, f"broken CSV: {problem}", ""))
            continue
        if row is None:
            break
        if not row:
            continue
        fault = _csv_fault(row, len(names))
        if fault:
            raw = ",".join(row).encode("utf-8", "surrogateescape")
            on_bad(BadRow(source.name, start, fault, _shown(raw)))
            continue
        rows.append(row)
        size += sum(map(len, row))
        if size > BLOCK_BYTES or len(rows) >= BATCH_ROWS:
            yield _text_batch(names, rows)
            rows, size = [], 0
    if rows:
        yield _text_batch(names, rows)


class _Lines:
    """The lines of a CSV file; what lies between two calls that set `size` to 0 is one row."""

    def __init__(self, source: Source, text: io.TextIOWrapper) -> None:
        self.source = source
        self.text = text
        self.size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.text.readline(MAX_LINE_BYTES)
        if not line:
            raise StopIteration
        self.size += len(line)
        if self.size >= MAX_LINE_BYTES:
            raise InputError(
                f"{self.source.name}: expected CSV, found a row of more than {MAX_LINE_BYTES >> 30} GiB. "
                f"Is there a quote that is never closed?"
            )
        return line


def _header(source: Source, names: list[str], note: Callable[[str], None]) -> list[str]:
    """The column names of a CSV file; a nameless one (an index that pandas wrote) is given a name."""
    named = [name or f"column_{index}" for index, name in enumerate(names)]
    for index, name in enumerate(names):
        if not name:
            note(f"{source.name}: column {index} has no name, called column_{index}")
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InputError(
            f"{source.name}: expected column names that differ, found {', '.join(twice)} more than once"
        )
    if any("\udc80" <= mark <= "\udcff" for name in named for mark in name):
        raise InputError(f"{source.name}: expected UTF-8, found other bytes in its first line. Convert it")
    return named


def _csv_fault(row: list[str], width: int) -> str | None:
    if len(row) != width:
        return f"{len(row)} field{'s' * (len(row) != 1)}, the header has {width}"
    text = "".join(row)
    if text.isascii():
        return "a NUL byte" if "\0" in text else None
    try:
        return "a NUL byte" if b"\0" in text.encode() else None
    except UnicodeEncodeError as problem:
        return f"not UTF-8: byte 0x{ord(text[problem.start]) - 0xDC00:02x}"


def _text_batch(names: list[str], rows: list[list[str]]) -> pa.RecordBatch:
    columns = [pa.array([row[index] or None for row in rows], TEXT) for index in range(len(names))]
    return pa.RecordBatch.from_arrays(columns, names=names)


def binary_schema(source: Source) -> tuple[pa.Schema, int | None]:
    """The schema of a Parquet or Arrow file, and its rows where the file says how many."""
    try:
        own, n_rows = _binary_schema(source)
        plain_schema(own)  # looks at every name, however deep
    except (pa.ArrowException, OSError, UnicodeDecodeError) as problem:
        raise damaged(source, problem) from problem
    return own, n_rows


def _binary_schema(source: Source) -> tuple[pa.Schema, int | None]:
    if source.kind == "parquet":
        with _parquet(source) as file:
            return _distinct(source, file.schema_arrow), file.metadata.num_rows
    with pa.memory_map(str(source.path)) as memory:
        return _distinct(source, _arrow_reader(memory).schema), None


def binary_batches(source: Source) -> Iterator[pa.RecordBatch]:
    """The rows of a Parquet or Arrow file, in order, in batches of about BATCH_BYTES.

    Raises InputError if a page is damaged or text is not UTF-8, with the first such row.
    """
    start = 0
    try:
        for batch in _parquet_batches(source) if source.kind == "parquet" else _arrow_batches(source):
            _validate(source, batch, start)
            yield from _pieces(batch)
            start += batch.num_rows
    except (pa.ArrowException, OSError) as problem:
        raise damaged(source, problem) from problem


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The batch in pieces of about BATCH_BYTES, each at least a row; values said once count for every row."""
    sizes = sum((row_bytes(column) for column in batch.columns), np.zeros(batch.num_rows, np.int64))
    ends = np.cumsum(sizes)
    start = 0
    while start < batch.num_rows:
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + 2 * BATCH_BYTES, side="right")))
        yield batch.slice(start, stop - start)
        start = stop


def _parquet(source: Source, repeating: Sequence[str] = ()) -> pq.ParquetFile:
    # Pages are read as they are needed, not whole row groups, which can be larger than memory. 64-bit
    # offsets: a nested column past 2 GiB cannot be read with 32-bit ones. Where columns are read as
    # dictionaries pyarrow knows 32-bit offsets alone; batches are small then.
    kind = None if repeating else pa.large_binary()
    return pq.ParquetFile(
        source.path, pre_buffer=False, buffer_size=1 << 20, binary_type=kind, read_dictionary=list(repeating)
    )


REPEATED_BYTES = 1 << 30


def _parquet_batches(source: Source) -> Iterator[pa.RecordBatch]:
    with _parquet(source) as file:
        repeated = _repeated(file.metadata)
        if not repeated.columns:
            yield from file.iter_batches(batch_size=repeated.batch_rows, use_threads=False)
            return
    with _parquet(source, repeated.columns) as file:
        yield from file.iter_batches(batch_size=repeated.batch_rows, use_threads=False)


class _Repeated(NamedTuple):
    columns: list[str]  # those that are best read as the dictionaries they are
    batch_rows: int


def _repeated(footer: pq.FileMetaData) -> _Repeated:
    """How to read a file whose values may stand in more rows than they were written for.

    The size of a dictionary is told by where it ends. Groups are looked at one after the other: what
    pyarrow makes of each takes more memory than a small one's rows.
    """
    columns: set[str] = set()
    widest = longest = 1.0  # bytes of a row as it is encoded, and of a value that may stand in many rows
    for group in map(footer.row_group, range(footer.num_row_groups)):
        widest = max(widest, group.total_byte_size / max(1, group.num_rows))
        if group.total_byte_size * BATCH_ROWS <= 4 * BATCH_BYTES:
            continue
        for column in map(group.column, range(group.num_columns)):
            if not column.has_dictionary_page or column.physical_type != "BYTE_ARRAY":
                continue
            packed = max(1, column.total_compressed_size)
            share = (column.data_page_offset - (column.dictionary_page_offset or 0)) / packed
            size = min(max(share, 0.0), 1.0) * column.total_uncompressed_size
            if size * BATCH_ROWS <= 4 * BATCH_BYTES:  # no value so long that repeating it matters
                continue
            if share >= 0.5:
                columns.add(column.path_in_schema)
            else:
                longest = max(longest, size)
    size = min(BATCH_ROWS, BATCH_BYTES / widest, REPEATED_BYTES / longest)
    return _Repeated(sorted(columns), int(max(1, size)))


def _arrow_batches(source: Source) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(str(source.path)) as memory:
        reader = _arrow_reader(memory)
        if isinstance(reader, pa.RecordBatchFileReader):
            batches: Iterator[pa.RecordBatch] = (
                reader.get_batch(i) for i in range(reader.num_record_batches)
            )
        else:
            batches = iter(reader)
        for batch in batches:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield batch.slice(start, BATCH_ROWS)


def _arrow_reader(memory: pa.MemoryMappedFile) -> pa.RecordBatchFileReader | pa.RecordBatchStreamReader:
    is_file = memory.read(6) == b"ARROW1"
    memory.seek(0)
    return pa.ipc.open_file(memory) if is_file else pa.ipc.open_stream(memory)


def _distinct(source: Source, schema: pa.Schema) -> pa.Schema:
    twice = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if twice:
        raise InputError(
            f"{source.name}: expected column names that differ, found {', '.join(twice)} more than once"
        )
    return schema


def _validate(source: Source, batch: pa.RecordBatch, start: int) -> None:
    """Refuse text that is not UTF-8 and offsets that point nowhere, which would end the process later."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid as problem:
        for index in range(batch.num_rows):
            for name, column in zip(batch.schema.names, batch.slice(index, 1).columns, strict=True):
                try:
                    column.validate(full=True)
                except pa.ArrowInvalid as fault:
                    raise InputError(
                        f"{source.name}: row {start + index + 1}, column {name}: expected a valid value, "
                        f"found {str(fault).splitlines()[0]}. Mend or remove the row in the input"
                    ) from fault
        raise damaged(source, problem) from problem
