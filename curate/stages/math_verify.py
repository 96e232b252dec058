r"""Whether a response gives the ground truth, by Math-Verify in processes that can be killed.

*Measures*: for each response the final answer (last box, then `#### x`, then a last line `A: x`, then
"the answer is x") of the part after the thinking, compared with the answer of the ground truth: first
as text and exact numbers, then by Math-Verify, asked in both orders. AM-Thinking-v1 and its relatives
take the last box only: `extract = "boxed"`.

*Columns*: `verdict` equal | unequal | undecided; `why`, a sentence; `extracted`, the answer found,
cut to 1,000 characters, null if none; `status`: `ok`, or why the verdict is undecided: `no-answer`
(no box or sentence, an empty response, a thinking that never ends), `no-gold`, `no-text` (null),
`too-complex` (not handed to Math-Verify: towers, huge factorials, over 4,096 characters),
`timeout`, `memory`, `crashed`, `error` (Math-Verify could not read or compare them).

*Not covered*: prose answers, units of measurement (5 cm and 5 kg are equal for Math-Verify),
number bases, multiple-choice letters against the text of the option. `timeout-s` is processor time,
so a busy machine changes nothing, but a slower one may time out where another does not. A library
that catches its own lack of memory reports unequal. On macOS the memory limit is not enforced.

*Source*: Math-Verify 0.9 (huggingface/Math-Verify), AM-Thinking-v1 §3. Differences on purpose: only
the whole box is parsed, never a number inside a formula that could not be read; both orders are
tried; "equal" is taken back where 30 digits say otherwise (`tests/test_answers_grade.py`).

In:  row_id 0, response_id 0, response "<think>...</think> So \boxed{\frac{1}{2}}.", answer "0.5"
Out: row_id 0, response_id 0, verdict equal, why "both are 1/2", extracted "\frac{1}{2}", status ok
"""

from __future__ import annotations

import threading
from typing import Literal

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.answers.grade import Grader
from curate.answers.pool import shared_pool
from curate.answers.zygote import Limits
from curate.flow import RESPONSE_ID, ROW_ID, STATUS, Stage, StageParams

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("verdict", pa.string()),
        ("why", pa.string()),
        ("extracted", pa.large_string()),
        (STATUS, pa.string()),
    ]
)


class Params(StageParams):
    """Parameters of `math-verify`."""

    stage: Literal["math-verify"] = "math-verify"
    extract: Literal["boxed", "final"] = "final"
    think_close: str = Field("</think>", min_length=1)
    timeout_s: float = Field(1.0, gt=0, le=3600)
    """Processor time for one pair of answers. On one core 99.9 % of pairs need less than a second."""
    memory_bytes: int = Field(1_500_000_000, ge=500_000_000)
    """Address space of one worker; Math-Verify and sympy alone take about 200 MB."""


_graders: dict[Params, Grader] = {}
_graders_lock = threading.Lock()


def _grader(params: Params) -> Grader:
    """This process's grader with these parameters: it keeps its workers from shard to shard."""
    with _graders_lock:
        if params not in _graders:
            limits = Limits(params.timeout_s, params.memory_bytes, wall_s=10 * params.timeout_s)
            _graders[params] = Grader(shared_pool(limits), params.extract, params.think_close)
        return _graders[params]


def measure(frame: pl.DataFrame, params: Params, _state: None = None) -> pl.DataFrame:
    """One verdict a response. Raises MachineError if no worker process can be started."""
    verdicts = _grader(params).grade(frame["answer"].to_list(), frame["response"].to_list())
    columns = dict(zip(EVIDENCE.names, zip(*verdicts, strict=True), strict=True)) if verdicts else {}
    evidence = pl.DataFrame(columns, schema=dict.fromkeys(EVIDENCE.names, pl.String))
    return frame.select(ROW_ID, RESPONSE_ID).hstack(evidence)


STAGE = Stage(
    name="math-verify",
    version=VERSION,
    grain="response",
    reads=("response", "answer"),
    evidence=EVIDENCE,
    params=Params,
    measure=measure,
    runs="inline",
)
