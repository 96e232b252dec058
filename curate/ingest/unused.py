"""What curate does not take from an input, as notes for the user. Pure: nothing is read here."""

from __future__ import annotations

import re
from collections.abc import Collection

import polars as pl
import pyarrow as pa

from curate.ingest.canonical import ANSWERING, THINKING, text_field, turn_keys
from curate.ingest.fields import Shape, plain_name, steps_of

SHOWN = 12
TECHNICAL = frozenset({
    "rowid", "rowidoriginal", "responseid", "id", "uid", "uuid", "guid", "idx", "index", "key", "meta",
    "metadata", "extrainfo", "split", "hash", "indexlevel0", "unnamed:0", "column0", "problemid",
    "questionid", "promptid", "queryid", "sampleid", "exampleid", "instanceid",
})  # fmt: skip
"""Plain names of columns that say nothing about a problem; leaving them out needs no note."""

HINTS = {
    "responses": re.compile(r"(?i)response|output|completion|generation|solution|rollout|reply"),
    "answer": re.compile(r"(?i)answer|truth|label|target|gold|solution"),
}
"""Words in the names of columns that may be a response or an answer; the first that fits is told."""


def unused_columns(schema: pa.Schema, shape: Shape) -> str | None:
    """The note that names the columns the shape does not read; null if there are none to tell of.

    Where the shape has no answer (or no column of responses) and the name of such a column sounds like
    one, the note says how to use it.
    """
    used = {steps[0] for path in shape.columns() if (steps := steps_of(schema, path))}
    left = [name for name in schema.names if name not in used and plain_name(name) not in TECHNICAL]
    if not left:
        return None
    more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
    note = f"columns not used: {', '.join(_shown(name) for name in left[:SHOWN])}{more}"
    chat = shape.completion if shape.is_prompt else shape.messages
    filled = {"responses": bool(shape.responses or chat), "answer": shape.answer is not None}
    hints = {}  # column → how to use it
    for role, words in HINTS.items():
        name = next((name for name in left if name not in hints and words.search(name)), None)
        if name is not None and not filled[role]:
            hints[name] = f"--{role}-column {_quoted(name)}"
    return f"{note}. If wanted: {', '.join(hints.values())}" if hints else note


def uncarried_fields(table: pa.Table, shape: Shape) -> dict[str, list[str]]:
    """Of each chat the shape reads: the fields of its turns that hold something and are not read."""
    found = {}
    for path in (shape.messages, shape.completion):
        steps = steps_of(table.schema, path) if path else None
        if path is None or steps is None:
            continue
        turns = _turns(table, steps)
        kind = turns.dtype
        read = {*turn_keys(kind), "role", "from", "content", "value", "info"}
        read |= {name for paths in (THINKING, ANSWERING) if (name := text_field(kind, paths))}
        assert isinstance(kind, pl.Struct)
        names = [field.name for field in kind.fields if field.name not in read]
        names = [name for name in names if _holds(turns.struct.field(name))]
        if names:
            found[path] = names
    return found


def uncarried_note(path: str, names: Collection[str]) -> str:
    """The note about fields of turns that only the original columns keep."""
    listed = ", ".join(_shown(name) for name in names)
    return f"{path}: fields {listed} are not carried into training formats (format original keeps them)"


def _turns(table: pa.Table, steps: list[str]) -> pl.Series:
    """The turns of all rows, one after another."""
    column = pl.DataFrame(table.select([steps[0]])).to_series()
    for step in steps[1:]:
        column = column.struct.field(step)
    return column.filter(column.list.len() > 0).explode()


def _holds(values: pl.Series) -> bool:
    """Whether a value is neither null, nor empty text, nor an empty list."""
    values = values.drop_nulls()
    if isinstance(values.dtype, pl.List):
        return bool((values.list.len() > 0).any())
    return bool((values != "").any()) if values.dtype == pl.String else len(values) > 0


def _shown(name: str) -> str:
    """The name on one line, at most 60 characters of it."""
    plain = name if name.isprintable() and name else ascii(name)
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def _quoted(name: str) -> str:
    """The name as an argument."""
    return name if re.fullmatch(r"[\w.-]+", name) else '"' + _shown(name).replace('"', '\\"') + '"'
