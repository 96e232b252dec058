"""response-match: the benchmark solution, or problem, that a response holds.

*Measures.* Each response is laid beside the solutions of benchmark items as benchmark-match lays a prompt
beside their problems: in a long response the windows are found that have a large share of a solution's words,
then the two are compared word by word. The classes are those of benchmark-match, for solutions:
- `verbatim`, `near`, `reworded`: the published solution, or what was made of it: a model trained on it, or
  asked with it, learns the benchmark
- `variant`: the same steps with other numbers; `template`, `none`: what any solution of the kind has

With part = "problem" responses are compared with the problems instead: a response that restates a question.

*Columns.* Those of benchmark-match; `row_span` are characters of the response, `item_span` of the solution.

*Not covered.* Benchmarks of which only the fingerprint is at hand, and items without a solution (curate
decontam --responses says how many); solutions of fewer than 15 tokens, which are answers. A right solution
that takes another way shares no words with the published one, and is none.

*Source.* As benchmark-match.

One response in and out, against a benchmark `farm` with item `3` and the solution "Each of the 24 goats eats
3 kilograms a day, that is 72 kilograms. Over 15 days the goats eat 1080 kilograms of hay.":

    {"row_id": 0, "response_id": 0, "response": "Let me think. Each of the 24 goats eats 3 kilograms a day,
     that is 72 kilograms. Over 15 days the goats eat 1080 kilograms of hay. So: 1080"}
    {"row_id": 0, "response_id": 0, "benchmark": "farm", "item": "3", "class": "verbatim", "alignment": 1.0,
     "idf_containment": 1.0, "containment": null, "numbers_agree": true, "hits": 1,
     "why": "all words, in order", "row_span": {"start": 14, "end": 129},
     "item_span": {"start": 0, "end": 115}, "status": "ok"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import Field

from curate.benchmarks.matching import SOLUTION_TOKENS, Part, State, match, write_state
from curate.benchmarks.protect import resolve
from curate.errors import InputError
from curate.flow import RESPONSE_ID, ROW_ID, Stage, StageParams
from curate.stages.benchmark_match import EVIDENCE, evidence_of

VERSION = 2


class ResponseMatch(StageParams):
    """Compare responses with the solutions, or the problems, of benchmark items."""

    stage: Literal["response-match"]
    against: list[str] = Field(min_length=1)
    """Evaluation sets to protect: names and groups of the registry (`curate benchmarks list`), a release or
    dates of them (livecodebench@v5), files, globs or folders (`curate run --against NAME_OR_FILE`)."""
    against_column: str | None = None
    """Column of the problem in the files that `against` names; by default recognised by its name, as that of
    the solution always is."""
    part: Part = "solution"
    """What of the items responses are compared with."""

    def files(self) -> tuple[str, ...]:
        """What is read of the benchmarks: texts where they are at hand, else fingerprints."""
        return tuple(str(benchmark.file) for benchmark in resolve(self.against, self.against_column))


def prepare(params: ResponseMatch, folder: Path) -> State:
    """Write what the workers need of the benchmarks into `folder`.

    Raises InputError where there is no solution to compare with: every response would pass.
    """
    against = resolve(params.against, params.against_column)
    state = write_state(against, params.part, folder)
    if state.items is None and state.fingerprints is None:
        names = ", ".join(one.name for one in against)
        raise InputError(
            f"response-match: expected solutions of {SOLUTION_TOKENS} tokens or more, found none in {names}. "
            'Name sets or files with a column "solution" (of a set that is here as a fingerprint alone, '
            'curate benchmarks pull gets the text), or compare with the problems (part = "problem").'
        )
    return state


def measure(frame: pl.DataFrame, _: ResponseMatch, state: State) -> pl.DataFrame:
    """Evidence of every response."""
    responses = frame.get_column("response").to_arrow()
    return frame.select(ROW_ID, RESPONSE_ID).hstack(evidence_of(match(responses, state)))


STAGE = Stage(
    name="response-match",
    version=VERSION,
    grain="response",
    reads=("response",),
    evidence=EVIDENCE,
    params=ResponseMatch,
    measure=measure,
    prepare=prepare,
)
