"""Write the sample: rows, its own evaluation set, and the truth about every planted defect."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from curate.errors import RecipeError
from curate.flow import write_parquet
from curate.sample.build import Item, Line, Row, make_items, make_row
from curate.sample.plan import Plan, make_plan

MIN_ROWS, MAX_ROWS = 200, 1_000_000
ROWS_PER_FILE = 50_000
_ROWS_PER_BATCH = 2_048  # fixed: the bytes of a Parquet file depend on where its arrays are cut

MESSAGE = pa.struct([("role", pa.string()), ("content", pa.string())])
ROWS_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("problem", pa.string()),  # null in a chat row, and in some rows by defect
        ("answer", pa.string()),  # null in chat and code rows
        ("messages", pa.list_(MESSAGE)),  # null unless a chat row
        ("tests", pa.string()),  # JSON; null unless a code row
        ("source", pa.string()),
        ("responses", pa.list_(pa.string())),
        ("response_models", pa.list_(pa.string())),
        ("finish_reasons", pa.list_(pa.string())),
    ]
)
BENCHMARK_SCHEMA = pa.schema([("id", pa.string()), ("problem", pa.string()), ("answer", pa.string())])
TRUTH_SCHEMA = pa.schema(
    [
        ("row_id", pa.int64()),  # position among all rows
        ("response_id", pa.int32()),  # position among the row's responses; null: the row itself
        ("defect", pa.string()),  # what was planted, or "right" / "wrong" for a graded response
        ("detail", pa.string()),
        ("partner", pa.int64()),  # the row that was copied
        ("partner_item", pa.string()),  # the item of the evaluation set that leaked
    ]
)


class SampleFiles(NamedTuple):
    """The files of a sample; `rows` is one file up to 50,000 rows, several above."""

    rows: tuple[Path, ...]
    benchmark: Path
    truth: Path


def write_sample(out: Path, rows: int, seed: int, *, workers: int = 1) -> SampleFiles:
    """Write a data set of invented problems and responses with known defects to the folder `out`.

    rows: 200 to 1,000,000; about 70% mathematics, 12% code, 18% chat. seed: 0 or more. The same
    (rows, seed) gives the same bytes. Up to 50,000 rows there is one file, rows.parquet; above,
    rows-00000.parquet and so on with 50,000 rows each. benchmark.parquet holds the sample's own
    evaluation set (one item for 20 rows, 40 to 400), truth.parquet one line for each planted
    defect and for each response with a definite right or wrong answer. With `workers` above 1 the
    text is made in that many spawned processes; the bytes are the same.
    Raises RecipeError if `rows` or `seed` is out of range.
    """
    problems = []
    if not MIN_ROWS <= rows <= MAX_ROWS:
        problems.append(
            f"expected {MIN_ROWS:,} to {MAX_ROWS:,} rows, found {rows:,}. Choose a number in this range."
        )
    if seed < 0:
        problems.append(f"expected a seed of 0 or more, found {seed}. Choose a seed that is not negative.")
    if problems:
        raise RecipeError.from_problems("sample", problems)
    out.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    truth: list[pa.Table] = []
    with contextlib.ExitStack() as stack:
        run: Callable[..., Iterator[tuple[pa.Table, pa.Table]]] = map
        if workers > 1:
            context = multiprocessing.get_context("spawn")
            run = stack.enter_context(ProcessPoolExecutor(workers, mp_context=context)).map
        for start in range(0, rows, ROWS_PER_FILE):
            end = min(rows, start + ROWS_PER_FILE)
            firsts = range(start, end, _ROWS_PER_BATCH)
            made = list(run(_batch, *zip(*((rows, seed, first, end) for first in firsts), strict=True)))
            path = out / (
                "rows.parquet" if rows <= ROWS_PER_FILE else f"rows-{start // ROWS_PER_FILE:05d}.parquet"
            )
            write_parquet(pa.concat_tables([table for table, _ in made]), path)
            files.append(path)
            truth += [lines for _, lines in made]
    _, items = _foundation(rows, seed)
    benchmark = {
        "id": [item.id for item in items],
        "problem": [item.problem.text for item in items],
        "answer": [item.problem.answer.forms[0][1] for item in items],
    }
    write_parquet(pa.table(benchmark, schema=BENCHMARK_SCHEMA), out / "benchmark.parquet")
    write_parquet(pa.concat_tables(truth), out / "truth.parquet")
    return SampleFiles(tuple(files), out / "benchmark.parquet", out / "truth.parquet")


def _batch(rows: int, seed: int, first: int, end: int) -> tuple[pa.Table, pa.Table]:
    """The rows from `first` on that one batch holds, and the truth about them."""
    plan, items = _foundation(rows, seed)
    ids = range(first, min(end, first + _ROWS_PER_BATCH))
    made = [make_row(plan, items, seed, row) for row in ids]
    return _rows_table(ids, made), _truth_table(ids, [row.lines for row in made])


@functools.lru_cache(maxsize=1)
def _foundation(rows: int, seed: int) -> tuple[Plan, tuple[Item, ...]]:
    return make_plan(rows, seed), make_items(rows, seed)


def _rows_table(ids: range, made: list[Row]) -> pa.Table:
    columns = {
        "id": [f"sample-{row:07d}" for row in ids],
        "problem": [row.problem for row in made],
        "answer": [row.answer for row in made],
        "messages": [
            None
            if row.messages is None
            else [{"role": role, "content": content} for role, content in row.messages]
            for row in made
        ],
        "tests": [row.tests for row in made],
        "source": [row.source for row in made],
        "responses": [[response.text for response in row.responses] for row in made],
        "response_models": [[response.model for response in row.responses] for row in made],
        "finish_reasons": [[response.finish_reason for response in row.responses] for row in made],
    }
    return pa.table(columns, schema=ROWS_SCHEMA)


def _truth_table(ids: range, lines: list[tuple[Line, ...]]) -> pa.Table:
    flat = [(row, line) for row, some in zip(ids, lines, strict=True) for line in some]
    columns = {
        "row_id": [row for row, _ in flat],
        "response_id": [line.response_id for _, line in flat],
        "defect": [line.defect for _, line in flat],
        "detail": [line.detail for _, line in flat],
        "partner": [line.partner for _, line in flat],
        "partner_item": [line.partner_item for _, line in flat],
    }
    return pa.table(columns, schema=TRUTH_SCHEMA)
