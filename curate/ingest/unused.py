"""What curate does not take from an input, as notes for the user. Pure: nothing is read here."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

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


class Unused(NamedTuple):
    """Columns that no shape reads, in order, and the roles of `HINTS` that no shape fills."""

    columns: tuple[str, ...] = ()
    open_roles: tuple[str, ...] = ()

    def note(self, read: Collection[str] = ()) -> str | None:
        """The note that names the columns that nothing uses; null if there are none to tell of.

        read: columns that a rule reads. Where there is no answer (or no column of responses) and the name
        of a column sounds like one, the note says how to use it.
        """
        left = [name for name in self.columns if name not in read]
        if not left:
            return None
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        note = f"columns not used: {', '.join(_shown(name) for name in left[:SHOWN])}{more}"
        hints: dict[str, str] = {}  # column → how to use it
        for role, words in HINTS.items():
            name = next((name for name in left if name not in hints and words.search(name)), None)
            if name is not None and role in self.open_roles:
                hints[name] = f"--{role}-column {_quoted(name)}"
        return f"{note}. If wanted: {', '.join(hints.values())}" if hints else note


def unused_columns(schema: pa.Schema, shapes: Collection[Shape]) -> Unused:
    """The columns that none of the shapes reads; those that say nothing about a problem are left out."""
    used = {
        steps[0] for shape in set(shapes) for path in shape.columns() if (steps := steps_of(schema, path))
    }
    left = [name for name in schema.names if name not in used and plain_name(name) not in TECHNICAL]
    filled = set()
    for shape in shapes:
        chat = shape.completion if shape.is_prompt else shape.messages
        filled |= {"responses"} if shape.responses or chat else set()
        filled |= {"answer"} if shape.answer is not None else set()
    return Unused(tuple(left), tuple(role for role in HINTS if role not in filled))


PROMPTS = re.compile(r"(?i)prompt|question|problem|query|instruction")


def prompts_note(n_rows: int, schema: pa.Schema, shapes: Collection[Shape]) -> str:
    """The note about rows without a prompt; it names columns that nothing uses and that sound like one."""
    rows = "1 row has" if n_rows == 1 else f"{n_rows:,} rows have"
    read = list(dict.fromkeys(path for s in shapes for path in (*s.prompt, s.messages) if path))
    note = f"{rows} no prompt: {' and '.join(read)} {'is' if len(read) == 1 else 'are'} null there"
    others = [name for name in unused_columns(schema, shapes).columns if PROMPTS.search(name)]
    if not others:
        return note
    listed = ", ".join(_shown(name) for name in others)
    return f"{note}. Not looked at: {listed}; to use such a column, put it and {read[0]} into one"


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
