"""Predicates of recipes: SQL over evidence, checked before any data is read.

A predicate names evidence as `name.column` (`leak.containment >= 0.5`). Evaluated, every table is one
struct column of a frame, so the same text runs in Polars here and in DuckDB over a finished run.

Besides the evidence of the recipe three tables are always there: `row` (prompt, answer, source, ...),
`response` (response, model, finish_reason, given_correct) and `responses` (row grain: how many
responses were `given`, are `left` after the rules that drop responses, and are `undecided`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from curate.errors import did_you_mean
from curate.flow import RESPONSES, ROWS, Grain

RESPONSE_COUNTS = pa.schema([("given", pa.int32()), ("left", pa.int32()), ("undecided", pa.int32())])


class Table(NamedTuple):
    """What a predicate may name: the grain and the columns of one evidence table."""

    grain: Grain
    schema: pa.Schema


BUILT_IN: dict[str, Table] = {
    "row": Table("row", ROWS),
    "response": Table("response", RESPONSES),
    "responses": Table("row", RESPONSE_COUNTS),
}

_STRING = re.compile(r"'(?:[^']|'')*'")
_REFERENCE = re.compile(r"(?<![\w.\"])\"?([A-Za-z_]\w*)\"?\.\"?([A-Za-z_]\w*)\"?")


def references(sql: str) -> list[tuple[str, str]]:
    """All `table.column` pairs a predicate names, in order, without repeats.

    >>> references("leak.containment >= 0.5 and row.source = 'a.b' and leak.row_span.start > 1")
    [('leak', 'containment'), ('row', 'source'), ('leak', 'row_span')]
    """
    return list(dict.fromkeys(_REFERENCE.findall(_STRING.sub("''", sql))))


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
    `boolean=False` any result type will do (the keys of `prefer`, the column of `per`).
    """
    found = []
    names = references(sql)
    if not names and not re.search(r"\brow_id\b", sql):
        found.append(f"`{sql}` names no evidence. {did_you_mean('', tables)}")
    for table, column in names:
        if table not in tables:
            found.append(f"`{sql}`: unknown evidence {table}. {did_you_mean(table, tables)}")
        elif column not in tables[table].schema.names:
            columns = tables[table].schema.names
            found.append(
                f"`{sql}`: unknown column {table}.{column}. {table} has: {', '.join(columns)}. "
                + did_you_mean(column, columns)
            )
    if found:
        return found
    try:
        result = _made_up_rows({name: tables[name] for name in tables_of([sql])}).select(
            pl.sql_expr(sql).alias("result")
        )
    except (pl.exceptions.PolarsError, pl.exceptions.SQLSyntaxError) as error:
        return [f"`{sql}`: not a predicate that can be evaluated: {str(error).splitlines()[0]}"]
    except BaseException as error:  # Polars' SQL front end panics on some inputs; a panic is no Exception
        if type(error).__name__ != "PanicException":
            raise
        return [f"`{sql}`: not a predicate that can be evaluated: {str(error).splitlines()[0]}"]
    renamed = pl.sql_expr(sql)
    if not renamed.meta.eq(renamed.meta.undo_aliases()):
        return [f"`{sql}`: the last word would be a new name for the value. Expected an expression."]
    dtype = result.schema["result"]
    if boolean and dtype != pl.Boolean:
        return [f"`{sql}`: expected true or false, found a value of type {dtype}. Compare it to something."]
    return []


def _made_up_rows(tables: Mapping[str, Table]) -> pl.DataFrame:
    columns = [pl.Series("row_id", [0, 1, 2, 3], dtype=pl.Int64)]
    for name, table in tables.items():
        frame = pl.from_arrow(table.schema.empty_table())
        assert isinstance(frame, pl.DataFrame)
        columns.append(frame.clear(4).to_struct(name))
    return pl.DataFrame(columns)


def evaluate(sql: str, facts: pl.DataFrame) -> pl.Series:
    """Value of an expression for each line of a frame whose evidence are struct columns."""
    result = facts.select(pl.sql_expr(sql).alias("result")).to_series()
    # an expression without a column (`1 = 1`) yields one line
    return result if len(result) == facts.height else result.new_from_index(0, facts.height)
