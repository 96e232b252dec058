"""One Arrow type for values that came with different ones, and the arrays made to fit it.

Files and blocks of one input seldom agree: a column is null in one file and text in the next, a
number here and a word there, a struct gains a field. `unify` finds the type that holds all of them,
`fit` brings an array to it without losing a value, `infer` does both for parsed JSON.

The rules, which do not depend on where a file or a block ends:

* null and anything: the other type; null everywhere: text;
* integers of two widths: int64; integer and float: float64;
* lists: their item types are unified; structs: their fields are united, in order of appearance;
* anything else that conflicts: text. Text stays as it is, a number is written without `.0` if whole,
  a list or struct becomes JSON (sorted keys, null fields left out, so that a field added by
  another row does not show).
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curate.arrays import TEXT, is_binary, is_list, is_text, plain_type, type_name
from curate.errors import InputError

MAX_FIELDS = 256  # a struct of more fields is a mapping with free keys; it is kept as JSON text
MAX_DEPTH = 32  # deeper nesting is kept as JSON text; Parquet readers recurse over it

Note = Callable[[str], None]


def text_of(value: Any) -> str | None:
    """The text of a parsed value: null for null and NaN, numbers without `.0`, JSON for lists and dicts.

    >>> [text_of(v) for v in (3.0, 2.5, True, "a", [1.0, None], {"b": 1, "a": None}, float("nan"))]
    ['3', '2.5', 'true', 'a', '[1, null]', '{"b": 1}', None]
    """
    if value is None or isinstance(value, str):
        return value
    simple = _json_value(value)
    if simple is None or isinstance(simple, str):
        return simple
    return json.dumps(simple, ensure_ascii=False, sort_keys=True)


def _json_value(value: Any) -> Any:
    """The value as JSON can hold it; whole floats as integers, NaN as null, null fields left out."""
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isnan(value):
            return None
        case float():
            return int(value) if abs(value) < 1e16 and value.is_integer() else value
        case dict():
            return {str(key): _json_value(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_json_value(item) for item in value]
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case decimal.Decimal() | datetime.date() | datetime.time() | datetime.timedelta():
            return str(value)
        case _:
            return str(value)


def unify(left: pa.DataType, right: pa.DataType, where: str, note: Note) -> pa.DataType:
    """The type that holds the values of both (plain types); `note` is told of conversions.

    `where` names the column, for the notes. Binary and anything but text: InputError.
    """
    if left.equals(right) or pa.types.is_null(right):
        return left
    if pa.types.is_null(left):
        return right
    if pa.types.is_struct(left) and pa.types.is_struct(right):
        fields = {field.name: field.type for field in left}
        for field in right:
            known = fields.get(field.name)
            inner = f"{where}.{field.name}" if where else field.name
            fields[field.name] = field.type if known is None else unify(known, field.type, inner, note)
        if where and len(fields) > MAX_FIELDS:
            note(f"{where}: more than {MAX_FIELDS} keys, kept as JSON text")
            return TEXT
        return pa.struct(list(fields.items()))
    if is_list(left) and is_list(right):
        return pa.large_list(unify(left.value_type, right.value_type, f"{where}[]", note))
    number = _common_number(left, right)
    if number is not None:
        if pa.types.is_floating(left) != pa.types.is_floating(right):
            note(f"{where}: integers and floats, kept as floats")
        return number
    if is_binary(left) or is_binary(right):
        if is_text(left) or is_text(right):
            return pa.large_binary()
        raise InputError(
            f"column {where}: expected one type in all files, found {type_name(left)} and "
            f"{type_name(right)}. Bytes cannot be joined with it: cast the column in one of the files"
        )
    note(f"{where}: {' and '.join(sorted({_family(left), _family(right)}))}, kept as text")
    return TEXT


def _common_number(left: pa.DataType, right: pa.DataType) -> pa.DataType | None:
    """int64 or float64 if both are numbers that fit, else null."""
    kinds = (left, right)
    if not all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return None
    if any(pa.types.is_floating(kind) for kind in kinds):
        return pa.float64()
    return None if any(pa.types.is_uint64(kind) for kind in kinds) else pa.int64()


def _family(kind: pa.DataType) -> str:
    """The kind of value, in one word for notes."""
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "numbers"
    if pa.types.is_boolean(kind):
        return "booleans"
    if is_list(kind):
        return "lists"
    return "objects" if pa.types.is_struct(kind) else type_name(kind)


def unify_schemas(left: pa.Schema, right: pa.Schema, note: Note) -> pa.Schema:
    """The schema that holds the columns of both, in order of appearance; see `unify`."""
    names = [field.name for field in left] + [f.name for f in right if left.get_field_index(f.name) < 0]

    def kind(name: str) -> pa.DataType:
        here, there = left.get_field_index(name), right.get_field_index(name)
        if here < 0 or there < 0:
            return (left if there < 0 else right).field(max(here, there)).type
        return unify(left.field(here).type, right.field(there).type, name, note)

    return pa.schema([(name, kind(name)) for name in names])


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema with plain types, nullable fields and no metadata."""
    return pa.schema([(field.name, plain_type(field.type)) for field in schema])


def final_type(kind: pa.DataType) -> pa.DataType:
    """The type without null types and empty structs, which Parquet and its readers cannot hold: text."""
    if pa.types.is_null(kind):
        return TEXT
    if is_list(kind):
        return pa.large_list(final_type(kind.value_type))
    if pa.types.is_struct(kind):
        fields = [(field.name, final_type(field.type)) for field in kind]
        return pa.struct(fields) if fields else TEXT
    return kind


def fit(array: pa.Array, kind: pa.DataType, where: str) -> pa.Array:
    """The array in a type that `unify` (and `final_type`) made from its own; nulls stay null.

    Raises InputError where an integer beyond 2**53 shares its column with floats.
    """
    own = array.type
    if isinstance(own, pa.BaseExtensionType):
        return fit(array.storage, kind, where)
    if pa.types.is_dictionary(own):
        return fit(array.dictionary_decode(), kind, where)
    if pa.types.is_run_end_encoded(own):
        return fit(pc.run_end_decode(array), kind, where)
    if pa.types.is_null(own):
        return pa.nulls(len(array), kind)
    if pa.types.is_large_list(kind):
        if pa.types.is_map(own):
            maps = python_values(array)
            pairs = [None if m is None else [{"key": k, "value": v} for k, v in m] for m in maps]
            line = pa.struct([("key", own.key_type), ("value", own.item_type)])
            return fit(pa.array(pairs, pa.large_list(line)), kind, where)
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        items = fit(array.flatten(), kind.value_type, f"{where}[]")
        return pa.LargeListArray.from_arrays(pa.array(offsets), items, mask=array.is_null())
    if pa.types.is_struct(kind):
        given = dict(zip((field.name for field in own), array.flatten(), strict=True))
        children = [
            fit(given[field.name], field.type, f"{where}.{field.name}")
            if field.name in given
            else pa.nulls(len(array), field.type)
            for field in kind
        ]
        return pa.StructArray.from_arrays(children, fields=list(kind), mask=array.is_null())
    if pa.types.is_timestamp(own) and own.unit == "s":
        _check_moments(array, where)
    if own.equals(kind):
        return array
    if is_binary(kind) and not (is_text(own) or is_binary(own)):  # another file has text here, a third bytes
        return fit(array, TEXT, where).cast(kind)
    if kind.equals(TEXT) and not is_text(own):
        return pa.array([text_of(value) for value in python_values(array)], TEXT)
    try:
        return array.cast(kind)
    except pa.ArrowInvalid as problem:
        raise InputError(
            f"column {where}: expected numbers that fit one type, found integers beyond 2**53 beside "
            f"floats ({problem}). Write the column as text in the input"
        ) from problem


def _check_moments(array: pa.Array, where: str) -> None:
    """Parquet counts milliseconds at most: raise InputError for seconds that do not fit."""
    try:
        array.cast(pa.timestamp("ms", array.type.tz))
    except pa.ArrowInvalid as problem:
        raise InputError(
            f"column {where}: expected moments that Parquet can hold, in milliseconds, found seconds that "
            f"do not fit. Leave the column out, or write it as text"
        ) from problem


def python_values(array: pa.Array) -> list[Any]:
    """The values as Python has them; moments that it cannot hold (nanoseconds, the year 12345) as text."""
    try:
        return list(array.to_pylist())
    except (ValueError, OverflowError):
        return list(array.cast(_without_moments(array.type)).to_pylist())


def _without_moments(kind: pa.DataType) -> pa.DataType:
    """The type with text for moments and numbers for durations."""
    if pa.types.is_map(kind):
        return pa.map_(_without_moments(kind.key_type), _without_moments(kind.item_type))
    if is_list(kind):
        return pa.large_list(_without_moments(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _without_moments(field.type)) for field in kind])
    if pa.types.is_duration(kind):
        return pa.int64()
    return TEXT if pa.types.is_temporal(kind) else kind


def fit_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
    """The batch with the columns and types of `schema`; absent columns are null."""
    columns = [
        fit(batch.column(field.name), field.type, field.name)
        if batch.schema.get_field_index(field.name) >= 0
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def infer(rows: Sequence[dict[str, Any]], note: Note) -> pa.RecordBatch:
    """The rows of parsed JSON as one batch, in the plain types that hold all their values."""
    try:
        kind = plain_type(pa.infer_type(rows))
        if _depth(kind) <= MAX_DEPTH and _most_fields(kind) <= MAX_FIELDS:
            return pa.RecordBatch.from_struct_array(pa.array(rows, kind))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        pass  # values of several kinds in one column, or integers beyond 64 bits: the slow way
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        kind = pa.null()
        for value in values:
            kind = unify(kind, _type_of(value, name, 1, note), name, note)
        columns[name] = pa.array([_conform(value, kind, name) for value in values], kind)
    return pa.RecordBatch.from_pydict(columns)


def _type_of(value: Any, where: str, depth: int, note: Note) -> pa.DataType:
    """The plain type of one parsed JSON value."""
    match value:
        case None:
            return pa.null()
        case bool():
            return pa.bool_()
        case int():
            if -(2**63) <= value < 2**63:
                return pa.int64()
            note(f"{where}: integers beyond 64 bits, kept as text")
            return TEXT
        case float():
            return pa.float64()
        case str():
            return TEXT
        case _ if depth > MAX_DEPTH:
            note(f"{where}: nested more than {MAX_DEPTH} deep, kept as JSON text below that")
            return TEXT
        case list():
            inner = f"{where}[]"
            kinds = (_type_of(item, inner, depth + 1, note) for item in value)
            return pa.large_list(reduce(lambda a, b: unify(a, b, inner, note), kinds, pa.null()))
        case _:
            if len(value) > MAX_FIELDS:
                note(f"{where}: more than {MAX_FIELDS} keys, kept as JSON text")
                return TEXT
            return pa.struct([(k, _type_of(v, f"{where}.{k}", depth + 1, note)) for k, v in value.items()])


def _conform(value: Any, kind: pa.DataType, where: str) -> Any:
    """The parsed JSON value as pyarrow takes it for `kind`; the twin of `fit` for single values."""
    if value is None:
        return None
    if kind.equals(TEXT):
        return text_of(value)
    if pa.types.is_large_list(kind):
        return [_conform(item, kind.value_type, f"{where}[]") for item in value]
    if pa.types.is_struct(kind):
        return {field.name: _conform(value.get(field.name), field.type, where) for field in kind}
    if pa.types.is_floating(kind) and isinstance(value, int) and abs(value) > 2**53:
        raise InputError(
            f"column {where}: expected numbers that fit one type, found {value}, an integer beyond 2**53, "
            f"beside floats. Write the column as text in the input"
        )
    return value


def _depth(kind: pa.DataType) -> int:
    if is_list(kind):
        return 1 + _depth(kind.value_type)
    if pa.types.is_struct(kind):
        return 1 + max((_depth(field.type) for field in kind), default=0)
    return 0


def _most_fields(kind: pa.DataType, *, top: bool = True) -> int:
    """The field count of the widest struct inside the type; the row itself does not count."""
    if is_list(kind):
        return _most_fields(kind.value_type, top=False)
    if pa.types.is_struct(kind):
        inner = max((_most_fields(field.type, top=False) for field in kind), default=0)
        return inner if top else max(inner, kind.num_fields)
    return 0
