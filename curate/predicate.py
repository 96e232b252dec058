"""Predicates of recipes: SQL over evidence, checked before any data is read.

A predicate names evidence as `name.column` (`leak.containment >= 0.5`). Evaluated, every table is one
struct column of a frame, so the same text runs in Polars here and in DuckDB over a finished run.

Besides the evidence of the recipe four tables are always there: `row` (prompt, answer, source, ...),
`response` (response, model, finish_reason, given_correct), `responses` (row grain: how many
responses were `given`, are `left` after the rules that drop responses, and are `undecided`) and
`original` (row grain: the columns of the input as they were read). The columns of `original` are known
only once the input is; until then any name will do (`Table.schema` is None).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from curate.errors import RecipeError, did_you_mean
from curate.flow import KEYS, RESPONSES, ROWS, Grain

RESPONSE_COUNTS = pa.schema([("given", pa.int32()), ("left", pa.int32()), ("undecided", pa.int32())])


class Table(NamedTuple):
    """What a predicate may name: the grain and the columns of one evidence table."""

    grain: Grain
    schema: pa.Schema | None  # None: not known yet, any column name will do


ORIGINAL = "original"
BUILT_IN: dict[str, Table] = {
    "row": Table("row", pa.schema([field for field in ROWS if field.name not in KEYS["response"]])),
    "response": Table("response", pa.schema([f for f in RESPONSES if f.name not in KEYS["response"]])),
    "responses": Table("row", RESPONSE_COUNTS),
    ORIGINAL: Table("row", None),
}

_NOT_CODE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Strings and comments: what stands in them names no evidence."""
_NOT_PORTABLE = {
    re.compile(r"\bis\s+(?:not\s+)?(?:true|false)\b", re.IGNORECASE): (
        "IS TRUE and IS FALSE answer null differently in Polars and DuckDB; write coalesce(..., false)"
    ),
    re.compile(r"\b(?:strpos|position|instr|round)\s*\(", re.IGNORECASE): (
        "strpos, position, instr and round differ between Polars and DuckDB; use LIKE, or compare unrounded"
    ),
    re.compile(r"\b(?:select|exists)\b", re.IGNORECASE): (
        "a rule judges each line alone; it cannot hold a query (SELECT, EXISTS). Measure first, then compare"
    ),
    re.compile(r"\boctet_length\s*\(", re.IGNORECASE): (
        "octet_length is not the same in Polars and DuckDB; length counts characters in both"
    ),
}
_MANY_ROWS = re.compile(r'"(?:Agg|Over|Len|Rank|CumSum|Shift)"')
_REFERENCE = re.compile(r"(?<![\w.\"])\"?([A-Za-z_]\w*)\"?\.(?:([A-Za-z_]\w*)|\"([^\"]+)\")")


def references(sql: str) -> list[tuple[str, str]]:
    """All `table.column` pairs a predicate names, in order, without repeats.

    >>> references("leak.containment >= 0.5 and row.source = 'a.b' and leak.row_span.start > 1")
    [('leak', 'containment'), ('row', 'source'), ('leak', 'row_span')]
    >>> references('original."Question ID" > 3 and original.meta.date is null')
    [('original', 'Question ID'), ('original', 'meta')]
    """
    found = _REFERENCE.findall(_NOT_CODE.sub("''", sql))
    return list(dict.fromkeys((table, bare or quoted) for table, bare, quoted in found))


def tables_of(sql: Iterable[str]) -> list[str]:
    """Names of the tables that the predicates use, in order, without repeats."""
    return list(dict.fromkeys(table for text in sql for table, _ in references(text)))


def grain_of(sql: str, tables: Mapping[str, Table]) -> Grain:
    """`response` if the predicate names a table of that grain, else `row`."""
    grains = {tables[name].grain for name, _ in references(sql) if name in tables}
    return "response" if "response" in grains else "row"


def problems(sql: str, tables: Mapping[str, Table], *, boolean: bool = True) -> list[str]:
    """What is wrong with a predicate, in sentences; empty if nothing is.

    Checks every name, then evaluates on four made-up rows of the declared types. With
    `boolean=False` any plain value will do (the keys of `prefer`, the column of `per`). Of a predicate
    that names a table whose columns are not known yet, all but names and types of that table is checked.
    """
    found = []
    names = references(sql)
    if not names and not re.search(r"\brow_id\b", sql):
        found.append(f"`{sql}` names no evidence. {did_you_mean('', tables)}")
    for table, column in names:
        if column == "*" or (column.startswith("^") and column.endswith("$")):  # to Polars a pattern of names
            found.append(
                f"`{sql}`: {table}.{column}: no predicate can name such a column. Rename it in the input."
            )
        elif table not in tables:
            found.append(f"`{sql}`: unknown evidence {table}. {did_you_mean(table, tables)}")
        elif (schema := tables[table].schema) is not None and column not in schema.names:
            found.append(
                f"`{sql}`: unknown column {table}.{column}. {table} has: {', '.join(schema.names)}. "
                + did_you_mean(column, schema.names)
            )
    code = _NOT_CODE.sub("''", sql)
    found += [f"`{sql}`: {why}." for pattern, why in _NOT_PORTABLE.items() if pattern.search(code)]
    if found:
        return found
    named = {name: tables[name] for name in tables_of([sql])}
    dtype: pl.DataType | None = None  # None: not known yet
    try:
        expression = pl.sql_expr(sql)
        if all(table.schema is not None for table in named.values()):
            dtype = _made_up_rows(named, names).select(expression.alias("result")).schema["result"]
    except (pl.exceptions.PolarsError, pl.exceptions.SQLSyntaxError) as error:
        return [f"`{sql}`: not a predicate that can be evaluated: {str(error).splitlines()[0]}"]
    except BaseException as error:  # Polars' SQL front end panics on some inputs; a panic is no Exception
        if type(error).__name__ != "PanicException":
            raise
        return [f"`{sql}`: not a predicate that can be evaluated: {str(error).splitlines()[0]}"]
    if _MANY_ROWS.search(expression.meta.serialize(format="json")):
        return [
            f"`{sql}`: looks at more than one line (max, count, over, ...). A rule judges each line alone."
        ]
    if not expression.meta.eq(expression.meta.undo_aliases()):
        return [f"`{sql}`: the last word would be a new name for the value. Expected an expression."]
    if boolean and dtype not in (None, pl.Boolean):
        return [f"`{sql}`: expected true or false, found a value of type {dtype}. Compare it to something."]
    if not boolean and dtype is not None and dtype.is_nested():
        return [
            f"`{sql}`: expected a number, text, date or true/false, found a value of type {dtype}. "
            "Name one field of it, as in original.meta.date, or an expression such as array_length(...)."
        ]
    return []


def _made_up_rows(tables: Mapping[str, Table], names: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """Four rows of nulls with the named columns of the tables."""
    columns = [pl.Series("row_id", [0, 1, 2, 3], dtype=pl.Int64)]
    for name, table in tables.items():
        assert table.schema is not None
        fields = [table.schema.field(column) for owner, column in names if owner == name]
        kinds = pl.Schema(pa.schema(fields)).items()
        nulls = [pl.Series(column, [None] * 4, dtype=kind) for column, kind in kinds]  # `^a.*$` may be a name
        columns.append(pl.DataFrame(nulls).to_struct(name))
    return pl.DataFrame(columns)


def evaluate(sql: str, facts: pl.DataFrame) -> pl.Series:
    """Value of an expression for each line of a frame whose evidence are struct columns."""
    try:
        result = facts.select(pl.sql_expr(sql).alias("result")).to_series()
    except pl.exceptions.PolarsError as error:
        raise RecipeError(
            f"`{sql}`: cannot be evaluated on this data: {str(error).splitlines()[0]}. Change the predicate."
        ) from error
    # an expression without a column (`1 = 1`) yields one line
    return result if len(result) == facts.height else result.new_from_index(0, facts.height)
