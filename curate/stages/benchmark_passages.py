"""benchmark-passages: the parts of a prompt that are copies of benchmark items, so that they can be cut out.

*Measures.* benchmark-match tells the one item that a prompt is nearest to. Here what was found is taken away
and the rest is looked at again, until no copy is found any more, at most ten times. A passage runs from the
first to the last word of the copy, with the marks that belong to it: a closing bracket, a formula's $, a full
stop.

*Columns.*
- spans: characters of the prompt, in order and apart; empty if there is no copy
- items: benchmark and id of the item that each of them is a copy of
- rest: class of what is left once the passages are gone. One of `classes` if there are more than ten;
  `reworded` if the rest, or the whole prompt, says an item in other words, which leaves nothing to cut
- status: `ok`; `no-text`: null or without a token

*Not covered.* As benchmark-match. Of a benchmark of which only the fingerprint is at hand the passage runs
from the first to the last n-gram that was found: words at an end that were edited stay.

*Source.* Cutting instead of dropping: GPT-3 (Brown et al. 2020, appendix C), which cuts the n-gram and 200
characters on each side; here it is the copy that is cut, whole.

One row in and out, against a benchmark `aime` with item `7`, "A ladder 13 metres long leans against a wall,
its foot 5 metres away. How high does it reach?":

    {"row_id": 0, "prompt": "Grade this answer. Q: A ladder 13 metres long leans against a wall, its foot 5
     metres away. How high does it reach? A: 12 metres."}
    {"row_id": 0, "spans": [{"start": 22, "end": 115}], "items": ["aime 7"], "rest": "none", "status": "ok"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.benchmarks.matching import State, write_state
from curate.benchmarks.passages import Held, passages
from curate.benchmarks.protect import resolve
from curate.flow import ROW_ID, STATUS, Stage, StageParams

VERSION = 2

SPANS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
EVIDENCE = pa.schema(
    [("spans", SPANS), ("items", pa.list_(pa.string())), ("rest", pa.string()), (STATUS, pa.string())]
)

Cut = Literal["verbatim", "near"]
"""Classes of which a copy has a beginning and an end."""


class BenchmarkPassages(StageParams):
    """Find the passages of prompts that are copies of benchmark items."""

    stage: Literal["benchmark-passages"]
    against: list[str] = Field(min_length=1)
    """Evaluation sets to protect: names and groups of the registry (`curate benchmarks list`), a release or
    dates of them (livecodebench@v5), files, globs or folders (`curate run --against NAME_OR_FILE`)."""
    against_column: str | None = None
    """Text column of the files that `against` names; by default recognised by its name."""
    classes: list[Cut] = Field(default=["verbatim", "near"], min_length=1)
    """Classes of benchmark-match whose passages are looked for."""

    def files(self) -> tuple[str, ...]:
        """What is read of the benchmarks: texts where they are at hand, else fingerprints."""
        return tuple(str(benchmark.file) for benchmark in resolve(self.against, self.against_column))


def prepare(params: BenchmarkPassages, folder: Path) -> State:
    """Write what the workers need of the benchmarks into `folder`."""
    return write_state(resolve(params.against, params.against_column), "problem", folder)


def measure(frame: pl.DataFrame, params: BenchmarkPassages, state: State) -> pl.DataFrame:
    """Evidence of every row."""
    found = passages(frame.get_column("prompt").to_arrow(), state, params.classes)
    return frame.select(ROW_ID).hstack(evidence_of(found))


def evidence_of(found: list[Held | None]) -> pl.DataFrame:
    """A line for every text, as EVIDENCE."""
    columns: dict[str, list[Any]] = {name: [] for name in EVIDENCE.names}
    for held in found:
        if held is None:
            values: tuple[Any, ...] = (None, None, None, "no-text")
        else:
            spans = [{"start": one.start, "end": one.end} for one in held.passages]
            items = [f"{one.benchmark} {one.item}" for one in held.passages]
            values = (spans, items, held.rest, "ok")
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return pl.DataFrame(columns, schema=dict(pl.DataFrame(EVIDENCE.empty_table()).schema))


STAGE = Stage(
    name="benchmark-passages",
    version=VERSION,
    grain="row",
    reads=("prompt",),
    evidence=EVIDENCE,
    params=BenchmarkPassages,
    measure=measure,
    prepare=prepare,
)
