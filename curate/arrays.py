"""What an Arrow array holds, whatever its layout: the meaning of its type, the bytes of its rows.

Text, bytes and lists have three to five layouts each in Arrow; who reads a file of somebody else meets all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

TEXT = pa.large_string()


def type_name(kind: pa.DataType) -> str:
    """The type as messages name it.

    >>> type_name(pa.large_list(pa.struct([("role", TEXT)])))
    'list<struct<role: text>>'
    """
    if is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{field.name}: {type_name(field.type)}' for field in kind)}>"
    if is_text(kind):
        return "text"
    return "bytes" if is_binary(kind) else str(kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether a value of this type is a list of any Arrow layout."""
    t = pa.types
    return any(
        (
            t.is_list(kind),
            t.is_large_list(kind),
            t.is_fixed_size_list(kind),
            t.is_list_view(kind),
            t.is_large_list_view(kind),
        )
    )


def is_text(kind: pa.DataType) -> bool:
    """Whether a value of this type is text of any Arrow layout."""
    t = pa.types
    return any((t.is_string(kind), t.is_large_string(kind), t.is_string_view(kind)))


def is_binary(kind: pa.DataType) -> bool:
    """Whether a value of this type is bytes of any Arrow layout."""
    t = pa.types
    return any(
        (t.is_binary(kind), t.is_large_binary(kind), t.is_fixed_size_binary(kind), t.is_binary_view(kind))
    )


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type with one layout per meaning: 64-bit offsets, no dictionaries, maps as lists of pairs.

    Decimals of more than 38 digits, which neither Polars nor DuckDB can hold, are text. 64-bit offsets
    because a column of long responses passes 2 GiB.
    """
    if isinstance(kind, pa.BaseExtensionType):
        return plain_type(kind.storage_type)
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return plain_type(kind.value_type)
    if is_text(kind) or pa.types.is_union(kind) or pa.types.is_interval(kind):
        return TEXT
    if is_binary(kind):
        return pa.large_binary()
    if pa.types.is_map(kind):
        pair = [("key", plain_type(kind.key_type)), ("value", plain_type(kind.item_type))]
        return pa.large_list(pa.struct(pair))
    if is_list(kind):
        return pa.large_list(plain_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, plain_type(field.type)) for field in kind])
    if pa.types.is_decimal(kind) and not pa.types.is_decimal128(kind):
        return pa.decimal128(kind.precision, kind.scale) if kind.precision <= 38 else TEXT
    return pa.float32() if pa.types.is_float16(kind) else kind


def row_bytes(array: pa.Array) -> NDArray[np.int64]:
    """Bytes of the values of each row, nested ones included; (len(array),) int64, null counts 0.

    It depends on the values and the type only, not on how the array was sliced or joined.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return row_bytes(array.storage)
    if pa.types.is_dictionary(kind):
        values = np.append(row_bytes(array.dictionary), 0)  # null is the last of them
        return np.asarray(values[pc.fill_null(array.indices, len(values) - 1).to_numpy(zero_copy_only=False)])
    if pa.types.is_run_end_encoded(kind):
        return row_bytes(pc.run_end_decode(array))
    if pa.types.is_map(kind):
        array = array.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))
        kind = array.type
    if is_list(kind):
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
        ends = np.cumsum(lengths, dtype=np.int64)
        inner = np.concatenate([[0], np.cumsum(row_bytes(array.flatten()))])
        return np.asarray(inner[ends] - inner[ends - lengths], dtype=np.int64)
    if pa.types.is_struct(kind):
        return np.asarray(
            sum((row_bytes(child) for child in array.flatten()), np.zeros(len(array), np.int64))
        )
    if is_text(kind) or is_binary(kind):
        if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
            array = array.cast(plain_type(kind))
        sizes = pc.fill_null(pc.binary_length(array), 0).to_numpy(zero_copy_only=False)
        return np.asarray(sizes, dtype=np.int64)
    if pa.types.is_union(kind):
        return np.full(len(array), array.nbytes // max(1, len(array)), np.int64)
    width = 0 if pa.types.is_null(kind) else max(1, kind.bit_width // 8)
    return np.full(len(array), width, np.int64)


def _bytes_of_rows(table: pa.Table) -> NDArray[np.int64]:
    sizes = np.zeros(table.num_rows, np.int64)
    for column in table.columns:
        if column.num_chunks:
            sizes += np.concatenate([row_bytes(chunk) for chunk in column.chunks])
    return sizes


def cut_by_size(tables: Iterable[pa.Table], most_rows: int, most_bytes: int) -> Iterator[pa.Table]:
    """The rows of the tables, cut by their number and bytes alone, each column of a piece in one chunk.

    A row of more bytes than a piece may have is a piece by itself.
    """
    held: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        ends = np.cumsum(_bytes_of_rows(table))
        start = 0
        while start < table.num_rows:
            before = int(ends[start - 1]) if start else 0
            fitting = int(np.searchsorted(ends, most_bytes - size + before, side="right"))
            stop = min(max(fitting, start), start + most_rows - rows, table.num_rows)
            if stop == start and rows == 0:
                stop = start + 1
            if stop > start:
                held.append(table.slice(start, stop - start))
                rows += stop - start
                size += int(ends[stop - 1]) - before
            if stop < table.num_rows or rows == most_rows:
                yield pa.concat_tables(held).combine_chunks()
                held, rows, size = [], 0, 0
            start = stop
    if held:
        yield pa.concat_tables(held).combine_chunks()
