"""The shape of each file of an input: one for all where it serves all, else each file's own. Pure.

The columns of all files make one schema, so a shape found in it may look for the prompt in a column that
only some of the files have. Where such a shape leaves a file without something the file has under another
name (`query` here, `problem` there), every file is mapped by itself. A file without any prompt, and a column
that the user named and a file has under another name, are errors: nobody but the user can tell what is meant.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import pyarrow as pa

from curate.errors import InputError
from curate.ingest.fields import FieldMap, Shape, recognise, steps_of

SHOWN = 12


class FileColumns(NamedTuple):
    """One file that has rows: its columns, as the schema of the input names them."""

    name: str
    columns: frozenset[str]
    filled: frozenset[str]  # those whose values are not known to be null, all of them


def shapes_of(schema: pa.Schema, files: Sequence[FileColumns], fields: FieldMap, whole: Shape) -> list[Shape]:
    """The shape of each file, the same for all where that leaves nothing of a file out.

    schema, whole: the columns of all files, and the shape they have together. Raises InputError for a file
    that has no prompt, and for a column that the user named where a file has another one in its place.
    """
    kinds: dict[tuple[frozenset[str], frozenset[str]], Shape] = {}
    alike = True
    for file in files:
        kind = (file.columns, file.filled)
        if kind in kinds:
            continue
        own = _own(schema, file, fields, whole)
        missed = [] if own is None else _missed(schema, whole, own, file.filled)
        named = [role for role in missed if _setting(role, fields)]
        if own is None or named:
            role = named[0] if named else "prompt"
            raise InputError(_message(schema, role, fields, whole, own, file, files))
        kinds[kind] = own
        alike = alike and not missed
    return [whole if alike else kinds[file.columns, file.filled] for file in files]


def _own(schema: pa.Schema, file: FileColumns, fields: FieldMap, whole: Shape) -> Shape | None:
    """The shape of a file by its own columns; null if there is no prompt in it."""
    for names in (file.filled, file.columns):
        here = pa.schema([field for field in schema if field.name in names])
        there = {name: path for name, path in fields._asdict().items() if path and steps_of(here, path)}
        try:
            return recognise(here, FieldMap(**there))
        except InputError:  # the shape of all may still find the prompt in it: `instruction` without `output`
            if any(_column(schema, path) in names for path in _roles(whole)["prompt"]):
                return whole
    return None


def _missed(schema: pa.Schema, whole: Shape, own: Shape, columns: Collection[str]) -> list[str]:
    """What the shape of all finds in no column of a file, and the file's own shape does."""
    mine = _roles(own)
    return [
        role
        for role, paths in _roles(whole).items()
        if paths and mine[role] and not any(_column(schema, path) in columns for path in paths)
    ]


def _roles(shape: Shape) -> dict[str, list[str]]:
    """Of each setting of `FieldMap` the columns a shape takes it from; a chat is a prompt and a response."""
    chat = None if shape.is_prompt and not shape.completion else shape.completion or shape.messages
    paths = {
        "prompt": (*shape.prompt, shape.messages),
        "responses": (*shape.responses, chat),
        "tests": (shape.tests, shape.code_tests),
        **{name: (getattr(shape, name),) for name in _SINGLE},
    }
    return {role: [path for path in found if path] for role, found in paths.items()}


_SINGLE = ("answer", "source", "system", "models", "finish_reasons", "correct")


def _column(schema: pa.Schema, path: str) -> str:
    steps = steps_of(schema, path)
    assert steps is not None  # a shape's paths are in the schema it was made from
    return steps[0]


def _setting(role: str, fields: FieldMap) -> str | None:
    """The setting by which the user named the column of a role; null if they did not."""
    names = ("prompt", "messages") if role == "prompt" else (role,)
    return next((name for name in names if getattr(fields, name) is not None), None)


def _message(
    schema: pa.Schema,
    role: str,
    fields: FieldMap,
    whole: Shape,
    own: Shape | None,
    file: FileColumns,
    files: Sequence[FileColumns],
) -> str:
    """What is amiss with one file: the columns, the files that have them, and what to do."""
    wanted = _roles(whole)[role]
    heads = {_column(schema, path) for path in wanted}
    fitting = next((other.name for other in files if heads & other.columns), "the files together")
    named = " + ".join(wanted)
    if own is None:
        found = ", ".join(sorted(file.columns)[:SHOWN]) or "no columns"
        found += ", ..." if len(file.columns) > SHOWN else ""
        return (
            f"{file.name}: expected a column that holds the prompt, as {named} in {fitting}; found {found}. "
            f"Rename the one that does to {named}, or leave the file out"
        )
    setting = _setting(role, fields)
    return (
        f"{setting} = {named}: {fitting} has that column, {file.name} has {' + '.join(_roles(own)[role])} in "
        f"its place. Rename the column in one of the two, or do not name it (--{setting}-column, or "
        f"{setting} under [source]): then each file is mapped by itself"
    )


def shape_line(shapes: Sequence[Shape]) -> str:
    """What was recognised, in one line that does not depend on the names of the files.

    >>> query, problem = Shape("queries", prompt=("query",)), Shape("problem", prompt=("problem",))
    >>> shape_line([problem, problem])
    'recognised problem: prompt ← problem'
    >>> shape_line([query, problem, problem])
    'file 1: recognised queries: prompt ← query; files 2-3: recognised problem: prompt ← problem'
    """
    places = _places(shapes)
    if len(places) == 1:
        return shapes[0].line()
    return "; ".join(f"{_numbers(at)}: {shape.line()}" for shape, at in places.items())


def shape_notes(shapes: Sequence[Shape], files: Sequence[FileColumns]) -> list[str]:
    """A line for each shape with the files it holds for; none where there is one shape."""
    places = _places(shapes)
    if len(places) == 1:
        return []
    told = []
    for shape, at in places.items():
        more = f" and {len(at) - 1} more" if len(at) > 1 else ""
        told.append(f"{files[at[0]].name}{more}: {shape.line()}")
    return told


def _places(shapes: Sequence[Shape]) -> dict[Shape, list[int]]:
    places: dict[Shape, list[int]] = {}
    for index, shape in enumerate(shapes):
        places.setdefault(shape, []).append(index)
    return places


def _numbers(at: Sequence[int]) -> str:
    """Places as people count them, runs of them put together."""
    runs: list[list[int]] = []
    for place in at:
        if runs and runs[-1][1] == place:
            runs[-1][1] = place + 1
        else:
            runs.append([place, place + 1])
    told = ", ".join(str(end) if end - start == 1 else f"{start + 1}-{end}" for start, end in runs)
    return f"file{'s' if len(at) > 1 else ''} {told}"
