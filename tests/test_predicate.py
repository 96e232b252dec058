"""Predicates are checked on made-up rows and mean the same in Polars and in DuckDB."""

from __future__ import annotations

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from curate.errors import RecipeError
from curate.predicate import BUILT_IN, Table, evaluate, grain_of, problems, references

TABLES = {
    **BUILT_IN,
    "leak": Table(
        "row",
        pa.schema(
            [
                ("containment", pa.float64()),
                ("item", pa.string()),
                ("row_span", pa.struct([("start", pa.int32()), ("end", pa.int32())])),
                ("status", pa.string()),
            ]
        ),
    ),
    "query": Table("row", pa.schema([("patterns", pa.list_(pa.string())), ("has_url", pa.bool_())])),
    "math": Table("response", pa.schema([("verdict", pa.string()), ("status", pa.string())])),
}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("leak.containmnt >= 0.5", "unknown column leak.containmnt. leak has: containment, item, row_span, "
         "status. Did you mean containment?"),
        ("leek.containment >= 0.5", "unknown evidence leek. Did you mean leak?"),
        ("leak.containment", "expected true or false, found a value of type Float64. Compare it to something."),
        ("leak.containment >=", "not a predicate that can be evaluated"),
        ("1 = 1", "names no evidence"),
        ("leak.item > 3", "not a predicate that can be evaluated"),
        ("leak.containment > 0.5 * max(leak.containment)", "looks at more than one line"),
        ("count(*) > 3 and leak.containment > 0.5", "looks at more than one line"),
        ("sum(leak.containment) over () > 3", "looks at more than one line"),
        ("query.has_url is not true", "write coalesce(..., false)"),
        ("strpos(leak.item, 'x') = 0", "differ between Polars and DuckDB"),
        ("leak.containment > 0.5 desk", "the last word would be a new name"),
        ("row.row_id = 1", "unknown column row.row_id"),
        ("original.level >", "not a predicate that can be evaluated"),
        ("original.level > max(original.level)", "looks at more than one line"),
        ("original.level > 3 desk", "the last word would be a new name"),
        ("octet_length(row.prompt) > 3", "length counts characters in both"),
        ('original."*" = 1', "no predicate can name such a column"),
        ("row.prompt IN (SELECT 1)", "cannot hold a query"),
        ("unnest(row.prompt) and exists(select 1)", "cannot hold a query"),
    ],
)  # fmt: skip
def test_a_wrong_predicate_is_explained(sql: str, expected: str) -> None:
    """What is wrong with a predicate is said in a sentence, with the nearest known name."""
    (problem,) = problems(sql, TABLES)
    assert expected in problem


@pytest.mark.parametrize(
    "sql",
    [
        "leak.containment >= 0.5",
        "leak.item IS NULL OR leak.containment BETWEEN 0.2 AND 0.8",
        "leak.row_span.start > 1",
        "NOT query.has_url",
        "row.prompt LIKE '%prove%' AND row.source IN ('a.b', 'c')",
        "length(row.prompt) > 3",
        "coalesce(leak.containment, 0) = 0",
        "math.verdict = 'unequal' AND leak.containment < 0.5",
        "array_contains(query.patterns, 'my-id')",
        "responses.given > 0 AND responses.left = 0",
        "leak.status <> 'ok'",
        "original.level > 3 and leak.containment > 0.5",
        "original.meta.date < '2024' or original.\"Question ID\" = 7",
    ],
)
def test_a_right_predicate_has_no_problems(sql: str) -> None:
    """The SQL that the guide uses is accepted."""
    assert problems(sql, TABLES) == []


def test_references_ignore_text_in_quotes() -> None:
    """A dotted word inside a string is not a reference."""
    assert references("row.source = 'leak.x' and query.has_url") == [("row", "source"), ("query", "has_url")]


def test_references_ignore_comments() -> None:
    """What a comment says does not make a rule one about responses."""
    assert references("leak.item = '--' -- unlike response.model\n or /* math.x */ query.has_url") == [
        ("leak", "item"),
        ("query", "has_url"),
    ]


def test_a_value_that_cannot_be_read_is_an_error_with_the_predicate() -> None:
    """A cast that fails on the data names the predicate."""
    facts = pl.DataFrame({"row": [{"answer": "twelve"}]})
    with pytest.raises(RecipeError, match="cannot be evaluated on this data"):
        evaluate("cast(row.answer as double) > 3", facts)


def test_a_predicate_about_responses_has_response_grain() -> None:
    """Naming one response table makes the rule a rule about responses."""
    assert grain_of("leak.containment > 0.5", TABLES) == "row"
    assert grain_of("leak.containment > 0.5 and math.verdict = 'equal'", TABLES) == "response"


@pytest.mark.parametrize(
    "sql",
    [
        "leak.containment >= 0.5",
        "leak.containment >= 0.5 OR leak.item = 'x'",
        "NOT (leak.containment >= 0.5 AND leak.item = 'x')",
        "leak.item IS NULL",
        "leak.row_span.start + 1 > 2",
        "coalesce(leak.containment, 0) < 0.3",
        "array_contains(query.patterns, 'a')",
        "leak.item LIKE 'x%'",
        "leak.item IN ('x', 'y')",
        "leak.containment BETWEEN 0.1 AND 0.6",
        "CASE WHEN leak.containment > 0.5 THEN query.has_url ELSE false END",
    ],
)
def test_polars_and_duckdb_agree(sql: str) -> None:
    """The same text gives the same answers in a rule and in a notebook, nulls included."""
    facts = pl.DataFrame(
        {
            "row_id": [0, 1, 2, 3],
            "leak": [
                {"containment": 0.9, "item": "x", "row_span": {"start": 1, "end": 4}},
                {"containment": 0.5, "item": "y1", "row_span": {"start": 2, "end": 4}},
                {"containment": None, "item": None, "row_span": {"start": None, "end": None}},
                {"containment": 0.2, "item": "xy", "row_span": {"start": 0, "end": 4}},
            ],
            "query": [
                {"patterns": ["a", "b"], "has_url": True},
                {"patterns": [], "has_url": False},
                {"patterns": ["b"], "has_url": None},
                {"patterns": ["a"], "has_url": True},
            ],
        }
    )
    with duckdb.connect() as connection:
        connection.register("facts", facts.to_arrow())
        theirs = [row[0] for row in connection.sql(f"SELECT {sql} FROM facts ORDER BY row_id").fetchall()]
    assert evaluate(sql, facts).to_list() == theirs


KNOWN = {
    **TABLES,
    "original": Table(
        "row",
        pa.schema(
            [
                ("level", pa.int64()),
                ("Question ID", pa.string()),
                ("date", pa.date32()),
                ("meta", pa.struct([("date", pa.timestamp("us"))])),
                ("tags", pa.list_(pa.string())),
            ]
        ),
    ),
}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("original.levle > 3", "unknown column original.levle. original has: level, Question ID, date, meta, "
         "tags. Did you mean level?"),
        ("original.level", "expected true or false, found a value of type Int64"),
        ('original."Question ID" > 3', "not a predicate that can be evaluated"),
        ("original.meta.day is null", "not a predicate that can be evaluated"),
    ],
)  # fmt: skip
def test_columns_of_the_input_are_checked_once_they_are_known(sql: str, expected: str) -> None:
    """Any name of `original` will do before the input is read; then names and types are checked."""
    assert problems(sql, TABLES) == []
    (problem,) = problems(sql, KNOWN)
    assert expected in problem


@pytest.mark.parametrize(
    "sql", ["original.level", 'original."Question ID"', "original.date", "original.meta.date"]
)
def test_plain_columns_of_the_input_can_be_sorted_by(sql: str) -> None:
    """Numbers, texts, dates and fields of structs are keys of `prefer`."""
    assert problems(sql, KNOWN, boolean=False) == []


@pytest.mark.parametrize("sql", ["original.meta", "original.tags", "query.patterns"])
def test_nested_values_are_no_sort_keys(sql: str) -> None:
    """A struct or a list has no order that a person would expect."""
    (problem,) = problems(sql, KNOWN, boolean=False)
    assert "expected a number, text, date or true/false" in problem


def test_length_means_characters_everywhere() -> None:
    """length() counts code points in a rule and in a notebook, of texts with emoji, marks and NUL alike."""
    texts = ["a🙂", "e\u0301", None, "", "a\x00b", "👨‍👩‍👧", "求和"]
    facts = pl.DataFrame({"row": [{"prompt": text} for text in texts]})
    with duckdb.connect() as connection:
        connection.register("facts", facts.to_arrow())
        theirs = [line[0] for line in connection.sql("SELECT length(row.prompt) FROM facts").fetchall()]
    assert evaluate("length(row.prompt)", facts).to_list() == theirs == [2, 2, None, 0, 3, 5, 2]
