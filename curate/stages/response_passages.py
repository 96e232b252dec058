"""response-passages: the parts of a response that copy the solution, or the problem, of a benchmark item.

*Measures.* As benchmark-passages, for responses: what response-match finds is taken away and the rest is
looked at again. With part = "problem" it finds where a response restates a question.

*Columns.* Those of benchmark-passages; `spans` are characters of the response.

*Not covered.* As response-match.

*Source.* As benchmark-passages.

One response in and out, against a benchmark `farm` with item `3` and the solution "Each of the 24 goats eats
3 kilograms a day, that is 72 kilograms. Over 15 days the goats eat 1080 kilograms of hay.":

    {"row_id": 0, "response_id": 0, "response": "Let me think. Each of the 24 goats eats 3 kilograms a day,
     that is 72 kilograms. Over 15 days the goats eat 1080 kilograms of hay. So: 1080"}
    {"row_id": 0, "response_id": 0, "spans": [{"start": 14, "end": 130}], "items": ["farm 3"], "rest": "none",
     "status": "ok"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import Field

from curate.benchmarks.matching import Part, State, write_state
from curate.benchmarks.passages import passages
from curate.benchmarks.protect import resolve
from curate.flow import RESPONSE_ID, ROW_ID, Stage, StageParams
from curate.stages.benchmark_passages import EVIDENCE, Cut, evidence_of

VERSION = 2


class ResponsePassages(StageParams):
    """Find the passages of responses that copy solutions, or problems, of benchmark items."""

    stage: Literal["response-passages"]
    against: list[str] = Field(min_length=1)
    """Evaluation sets to protect: names and groups of the registry (`curate benchmarks list`), a release or
    dates of them (livecodebench@v5), files, globs or folders (`curate run --against NAME_OR_FILE`)."""
    against_column: str | None = None
    """Column of the problem in the files that `against` names; by default recognised by its name, as that of
    the solution always is."""
    part: Part = "solution"
    """What of the items responses are compared with."""
    classes: list[Cut] = Field(default=["verbatim", "near"], min_length=1)
    """Classes of response-match whose passages are looked for."""

    def files(self) -> tuple[str, ...]:
        """What is read of the benchmarks: texts where they are at hand, else fingerprints."""
        return tuple(str(benchmark.file) for benchmark in resolve(self.against, self.against_column))


def prepare(params: ResponsePassages, folder: Path) -> State:
    """Write what the workers need of the benchmarks into `folder`."""
    return write_state(resolve(params.against, params.against_column), params.part, folder)


def measure(frame: pl.DataFrame, params: ResponsePassages, state: State) -> pl.DataFrame:
    """Evidence of every response."""
    found = passages(frame.get_column("response").to_arrow(), state, params.classes)
    return frame.select(ROW_ID, RESPONSE_ID).hstack(evidence_of(found))


STAGE = Stage(
    name="response-passages",
    version=VERSION,
    grain="response",
    reads=("response",),
    evidence=EVIDENCE,
    params=ResponsePassages,
    measure=measure,
    prepare=prepare,
)
