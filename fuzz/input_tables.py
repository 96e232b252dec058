"""Cases of Parquet and Arrow: damage at every place, odd types, odd layouts."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
from input_cases import NAMES, Case, Make, damaged, text
from input_texts import write


def good_text(rng: Random) -> str:
    """A text that Arrow takes."""
    return text(rng).encode("utf-8", "replace").decode()


def odd_column(rng: Random, n: int) -> pa.Array:
    """A column of n values of one of Arrow's types."""
    moment = datetime.datetime(2024, 2, 29, 23, 59, 59, 999_999)
    units = ("s", "ms", "us", "ns")
    texts = [good_text(rng) if rng.random() < 0.8 else None for _ in range(n)]
    numbers = [rng.randrange(-5, 120) for _ in range(n)]
    makes = [
        lambda: pa.array(texts, pa.string()),
        lambda: pa.array(texts, pa.large_string()),
        lambda: pa.array(texts, pa.string_view()),
        lambda: pa.array(texts).dictionary_encode(),
        lambda: pa.array([rng.randbytes(rng.randrange(9)) for _ in range(n)], pa.binary()),
        lambda: pa.array([rng.randbytes(4) for _ in range(n)], pa.binary(4)),
        lambda: pa.array(numbers, rng.choice((pa.int8(), pa.int64(), pa.float32(), pa.float64()))),
        lambda: pa.array([abs(i) + 2**63 for i in numbers], pa.uint64()),
        lambda: pa.array([float(i) for i in numbers]).cast(pa.float16()),
        lambda: pa.array([decimal.Decimal(i) / 100 for i in numbers], pa.decimal128(38, 9)),
        lambda: pa.array([decimal.Decimal(i) for i in numbers], pa.decimal256(70, 2)),
        lambda: pa.array([moment] * n, pa.timestamp(rng.choice(units), rng.choice((None, "UTC")))),
        lambda: pa.array([moment.date()] * n, rng.choice((pa.date32(), pa.date64()))),
        lambda: pa.array([moment.time()] * n, pa.time64("us")),
        lambda: pa.array([rng.choice((2**60, -(2**62))) for _ in range(n)], pa.timestamp(rng.choice(units))),
        lambda: pa.array([[i] for i in numbers], pa.list_(pa.timestamp("ns"))),
        lambda: pa.array([[i] for i in numbers], pa.list_(pa.duration(rng.choice(units)))),
        lambda: pa.UnionArray.from_sparse(pa.array([0] * n, pa.int8()), [pa.array(numbers)]),
        lambda: pa.array([(i, 2, 3) for i in numbers], pa.month_day_nano_interval()),
        lambda: nested(rng.choice((8, 40, 150)), n),
        lambda: pa.array(numbers, pa.duration("ns")),
        lambda: pa.nulls(n),
        lambda: pa.array([i % 2 == 0 for i in numbers]),
        lambda: pa.array([[("a", 1), ("b", None)]] * n, pa.map_(pa.string(), pa.int32())),
        lambda: pa.array([texts[:2]] * n, pa.list_(pa.string())),
        lambda: pa.array([numbers[:1] * 3] * n, pa.list_(pa.int64(), 3)),
        lambda: pa.array([[{"role": "user", "content": "What?"}, None]] * n),
        lambda: pa.array([{"a": {"b": [{"c": 1}]}}, *[None] * (n - 1)] if n else [], None),
        lambda: pa.array([[]] * n, pa.list_(pa.struct([]))) if n else pa.nulls(0),
        lambda: pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"] * n, pa.string())),
        lambda: pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16] * n, pa.binary(16))),
        lambda: pa.RunEndEncodedArray.from_arrays([n], ["x"]) if n else pa.nulls(0),
    ]  # fmt: skip
    made: pa.Array = rng.choice(makes)()
    return made


def nested(depth: int, n: int) -> pa.Array:
    """A column of lists in lists."""
    made = pa.array(["deep"] * n, pa.string())
    for level in range(depth):
        ends = pa.array(range(n + 1), pa.int32())
        made = (
            pa.ListArray.from_arrays(ends, made)
            if level % 2
            else pa.StructArray.from_arrays([made], names=["inner"])
        )
    return made


def odd_table(rng: Random) -> pa.Table:
    """A table with prompts and a few odd columns, under odd names."""
    n = rng.choice((0, 1, 2, 3, 30))
    arrays, names = [], []
    if rng.random() < 0.92:
        arrays.append(
            pa.array([good_text(rng) for _ in range(n)], rng.choice((pa.string(), pa.large_string())))
        )
        names.append(rng.choice(("problem", "problem", "problem", "prompt", "question", "Problem")))
    for _ in range(rng.randrange(4)):
        arrays.append(odd_column(rng, n))
        names.append(rng.choice((*NAMES, "problem", "responses", "messages", "response", "answer")))
    return pa.Table.from_arrays(arrays, names=names)


def parquet_bytes(table: pa.Table, rng: Random) -> bytes:
    """The table as Parquet of any layout; types that Parquet does not know become text."""
    sink = pa.BufferOutputStream()
    settings = {
        "compression": rng.choice(("none", "snappy", "gzip", "brotli", "lz4", "zstd")),
        "row_group_size": rng.choice((1, 2, 1_000)),
        "data_page_version": rng.choice(("1.0", "2.0")),
        "use_dictionary": rng.random() < 0.5,
        "write_statistics": rng.random() < 0.5,
        "version": rng.choice(("1.0", "2.6")),
        "use_deprecated_int96_timestamps": rng.random() < 0.2,
        "store_schema": rng.random() < 0.7,
    }
    with pq.ParquetWriter(
        sink, table.schema, **{k: v for k, v in settings.items() if k != "row_group_size"}
    ) as made:
        if rng.random() < 0.3:
            made.write_table(table.slice(0, 0))  # a row group of no rows
        made.write_table(table, row_group_size=settings["row_group_size"])
        if rng.random() < 0.3:
            made.write_table(table.slice(0, 0))
    return bytes(sink.getvalue().to_pybytes())


def writable(rng: Random) -> tuple[pa.Table, bytes]:
    """A table that Parquet can hold, with its bytes."""
    while True:
        table = odd_table(rng)
        try:
            return table, parquet_bytes(table, rng)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            continue


def parquet_odd(rng: Random, folder: Path) -> Case:
    """A whole file of odd types, names and layout."""
    table, content = writable(rng)
    return Case([write(folder, "rows.parquet", content)], n_rows=table.num_rows)


def parquet_damaged(rng: Random, folder: Path) -> Case:
    """A file damaged anywhere."""
    content = damaged(writable(rng)[1], rng, rng.choice((0, 4)))
    return Case([write(folder, "rows.parquet", content)])


def parquet_footer(rng: Random, folder: Path) -> Case:
    """A file whose footer was changed and is where it belongs."""
    content = writable(rng)[1]
    size = int.from_bytes(content[-8:-4], "little")
    body, footer = content[: -8 - size], content[-8 - size : -8]
    footer = damaged(footer, rng)
    length = len(footer) if rng.random() < 0.9 else rng.choice((0, 2**31, 2**32 - 1, len(content)))
    return Case([write(folder, "rows.parquet", body + footer + length.to_bytes(4, "little") + b"PAR1")])


def parquet_pages(rng: Random, folder: Path) -> Case:
    """A file whose pages were changed, with an honest footer."""
    content = writable(rng)[1]
    size = int.from_bytes(content[-8:-4], "little")
    made = bytearray(content)
    for _ in range(rng.choice((1, 3, 20))):
        if len(content) > size + 13:
            made[rng.randrange(4, len(content) - 8 - size)] = rng.randrange(256)
    return Case([write(folder, "rows.parquet", bytes(made))])


def parquet_wide(rng: Random, folder: Path) -> Case:
    """Thousands of columns, none at all, names twice, names that differ in case alone."""
    match rng.randrange(4):
        case 0:
            n = rng.choice((1_000, 3_000))
            table = pa.table({"problem": ["a", "b"], **{f"c{i}": [i, None] for i in range(n)}})
        case 1:
            table = pa.table({}).slice(0, 0) if rng.random() < 0.5 else pa.table({"x": [1, 2]}).select([])
        case 2:
            table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["problem", "problem"])
        case _:
            names = ["problem", "Problem", "PROBLEM", "answer", "Answer"]
            table = pa.Table.from_arrays([pa.array(["a"]) for _ in names], names=names)
    return Case([write(folder, "rows.parquet", parquet_bytes(table, rng))])


def parquet_repeats(rng: Random, folder: Path) -> Case:
    """One long text, said once in the file and meant by every row: few bytes, a great many when read."""
    long, n = "x" * rng.choice((100_000, 400_000)), rng.choice((100, 300))
    indices = pa.array([0] * n, pa.int32())
    column = pa.DictionaryArray.from_arrays(indices, pa.array([long]))
    table = pa.table({"problem": [f"problem {i}" for i in range(n)], "system": column})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", dictionary_pagesize_limit=1 << 30)
    recipe = "[drop.none]\nwhen = \"row.prompt = ''\"\n"
    return Case([write(folder, "rows.parquet", sink.getvalue().to_pybytes())], recipe, n_rows=n, fails=False)


def arrow_odd(rng: Random, folder: Path) -> Case:
    """An Arrow file or stream of odd types, whole or damaged."""
    table = odd_table(rng)
    sink = pa.BufferOutputStream()
    opened = pa.ipc.new_file if rng.random() < 0.5 else pa.ipc.new_stream
    try:
        with opened(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=rng.choice((1, 100)))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return arrow_odd(rng, folder)
    content, whole = sink.getvalue().to_pybytes(), rng.random() < 0.5
    path = write(folder, "rows.arrow", content if whole else damaged(content, rng, rng.choice((0, 8))))
    return Case([path], n_rows=table.num_rows if whole else None)


KINDS: dict[str, Make] = {
    "parquet-odd": parquet_odd,
    "parquet-damaged": parquet_damaged,
    "parquet-footer": parquet_footer,
    "parquet-pages": parquet_pages,
    "parquet-wide": parquet_wide,
    "parquet-repeats": parquet_repeats,
    "arrow": arrow_odd,
}
