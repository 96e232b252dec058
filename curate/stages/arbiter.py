"""The two files that pass between a run and an arbiter: rows it is asked about, answers that come back.

Requests: `row_id`, `prompt`, `system`; no ground truth and no answer of others, which would sway it.
Answers: `row_id`, and `response` (whole text) or `answer` (bare), each a text or a list of several samples;
if there is a `model`, it is kept as evidence; if there is a `prompt`, it must be the row's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow as pa

from curate.answers.votes import MAX_CHARACTERS, final_text
from curate.errors import InputError, did_you_mean
from curate.flow import ROW_ID, read_parquet, write_tables
from curate.stages.inputs import Shard

ArbiterAnswers = dict[int, tuple[tuple[str | None, ...], str | None]]
"""By row_id: its final answers (None: a response without one), and the arbiter's name."""

REQUESTS = pa.schema([(ROW_ID, pa.int64()), ("prompt", pa.large_string()), ("system", pa.large_string())])
TEXTS = ("response", "answer")


def read_arbiter(path: Path, extract: Literal["boxed", "final"], think_close: str) -> ArbiterAnswers:
    """The answers of a file, by row_id. Raises InputError for one that cannot be one."""
    table = _table(path)
    if ROW_ID not in table.columns:
        raise InputError(_without(path, ROW_ID, table.columns))
    given = [name for name in TEXTS if name in table.columns]
    if not given:
        raise InputError(_without(path, "response (whole texts) or answer (bare ones)", table.columns))
    row_ids = table[ROW_ID].cast(pl.Int64, strict=False)
    if row_ids.null_count():
        line = int(row_ids.is_null().arg_max() or 0)
        raise InputError(
            f"{path}: expected whole numbers in {ROW_ID}, found {table[ROW_ID][line]} in line {line}. "
            "Copy the column from the file of requests."
        )
    twice = row_ids.filter(row_ids.is_duplicated())
    if len(twice):
        raise InputError(
            f"{path}: expected each {ROW_ID} once, found {twice[0]} in {(row_ids == twice[0]).sum()} lines "
            f"({twice.n_unique()} such rows). Put several samples of one row into a list."
        )
    models = table["model"].cast(pl.String).to_list() if "model" in table.columns else [None] * table.height
    whole = given[0] == "response"
    found: ArbiterAnswers = {}
    for row_id, value, model in zip(row_ids, table[given[0]].to_list(), models, strict=True):
        texts = value if isinstance(value, list) else [value]
        told = [final_text(text, extract, think_close) if whole else _bare(text) for text in texts]
        found[row_id] = (tuple(told), model)
    return found


def _table(path: Path) -> pl.DataFrame:
    """The file's columns that matter, texts as texts."""
    try:
        table = pl.DataFrame(read_parquet(path))
    except FileNotFoundError:
        raise InputError(
            f"{path}: there is no such file. Name the Parquet file of the arbiter's answers."
        ) from None
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"{path}: expected a Parquet file of answers: {str(error).splitlines()[0]}."
        ) from error
    for name in (*TEXTS, "prompt"):
        if name in table.columns:
            dtype = table.schema[name]
            inner = dtype.inner if isinstance(dtype, pl.List) else dtype
            if inner.is_nested():
                raise InputError(f"{path}: expected texts in {name}, or lists of texts; found {dtype}.")
            kind = pl.List(pl.String) if isinstance(dtype, pl.List) else pl.String()
            table = table.with_columns(pl.col(name).cast(kind))
    return table


def _bare(text: str | None) -> str | None:
    return text.strip() if text is not None and 0 < len(text.strip()) <= MAX_CHARACTERS else None


def _without(path: Path, wanted: str, columns: Sequence[str]) -> str:
    hint = did_you_mean(wanted, columns)
    return f"{path}: expected a column {wanted}; found {', '.join(columns)}. {hint}".rstrip()


def check_rows(answers: ArbiterAnswers, shards: Sequence[Shard], path: str) -> None:
    """Raise InputError for an answer to a row that is not there, or to another problem than the row's."""
    table = _table(Path(path))
    asked = (
        dict(zip(table[ROW_ID].cast(pl.Int64), table["prompt"], strict=True))
        if "prompt" in table.columns
        else {}
    )
    unknown = set(answers)
    for shard in shards:
        rows = read_parquet(shard.rows, [ROW_ID, *(["prompt"] if asked else [])]).to_pydict()
        unknown.difference_update(rows[ROW_ID])
        for row_id, prompt in zip(rows[ROW_ID], rows.get("prompt", []), strict=False):
            if row_id in asked and asked[row_id] != prompt:
                raise InputError(
                    f"{path}: row {row_id} answers another problem than this input has there. Expected the "
                    "answers to requests that were written for the same files, in the same order."
                )
    if unknown:
        some = ", ".join(str(row_id) for row_id in sorted(unknown)[:5])
        raise InputError(
            f"{path}: expected rows of this input, found {len(unknown):,} others ({some}). "
            "The row_id is that of the requests; the input must be the same files, in the same order."
        )


def write_requests(rows: Sequence[Path], evidence: Sequence[Path], path: Path) -> int:
    """Write the rows that the arbiter is needed for, in order; their number.

    rows: shards of ROWS; evidence: those of cross-verify, in the same order.
    """
    n_rows = 0

    def tables() -> Any:
        nonlocal n_rows
        for shard, found in zip(rows, evidence, strict=True):
            ask = read_parquet(found, ["ask"])["ask"].fill_null(False).combine_chunks()
            table = read_parquet(shard, REQUESTS.names).filter(ask)
            n_rows += table.num_rows
            yield table

    path.parent.mkdir(parents=True, exist_ok=True)
    write_tables(tables(), REQUESTS, path)
    return n_rows
