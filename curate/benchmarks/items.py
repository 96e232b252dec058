"""Items of one evaluation set: their texts, and with them what a leak is judged by."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from curate.benchmarks.load import ids_in, read_columns, texts_in, well_formed
from curate.benchmarks.registry import Fields
from curate.errors import InputError, did_you_mean

STANDARD = Fields(problem="problem", answer="answer", solution="solution", id="id", date="date")
"""Columns of items.parquet."""

SCHEMA = pa.schema([(name, pa.large_string()) for name in ("id", "problem", "answer", "solution", "date")])


class Items(NamedTuple):
    """Items in file order; the lists run in parallel, null where the set has none."""

    name: str
    ids: list[str]
    texts: list[str | None]
    answers: list[str | None]
    solutions: list[str | None]
    dates: list[str | None]

    def where(self, chosen: Callable[[str | None], bool]) -> Items:
        """The items whose date is chosen."""
        keep = [i for i, date in enumerate(self.dates) if chosen(date)]
        answers, solutions, dates = (
            [column[i] for i in keep] for column in (self.answers, self.solutions, self.dates)
        )
        ids, texts = [self.ids[i] for i in keep], [self.texts[i] for i in keep]
        return Items(self.name, ids, texts, answers, solutions, dates)


def read_items(paths: Sequence[Path], name: str, fields: Fields) -> Items:
    """The items of the files of one set, in the order given; without a column of ids their positions.

    Raises InputError if a file cannot be read or has no column of a name that `fields` gives.
    """
    parts = [_read(path, fields) for path in paths]
    ids, texts, answers, solutions, dates = ([x for part in parts for x in part[i]] for i in range(5))
    if len(set(ids)) < len(ids):
        ids = list(map(str, range(len(ids))))  # files that count from 0 each, or a column that is no id
    return Items(name, ids, texts, answers, solutions, dates)


def table_of(items: Items) -> pa.Table:
    """The table of items.parquet."""
    return pa.table([pa.array(items[column], pa.large_string()) for column in (1, 2, 3, 4, 5)], schema=SCHEMA)


def _read(path: Path, fields: Fields) -> tuple[list[Any], ...]:
    wanted = {what: name for what, name in fields.model_dump().items() if name is not None}
    columns = read_columns(path, list(wanted.values()))
    for what, name in wanted.items():
        if name not in columns:
            raise InputError(f"{path}: no column {name} (the {what}). {did_you_mean(name, columns)}")
    texts = texts_in(path, columns, fields.problem)

    def plain(name: str | None, most: int | None = None) -> list[str | None]:
        values = columns[name] if name is not None else [None] * len(texts)
        return [None if value is None else _plain(value)[:most] for value in values]

    answers, solutions = plain(fields.answer), plain(fields.solution)
    return ids_in(columns, fields.id, len(texts)), texts, answers, solutions, plain(fields.date, DAY)


DAY = len("2024-02-01")


def _plain(value: Any) -> str:
    """A value as text; what is neither text nor number as JSON."""
    if isinstance(value, str):
        return well_formed(value)
    return (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value)
    )
