r"""Whether a response gives the ground truth: exact arithmetic first, then Math-Verify in killable processes.

*Measures*: for each response the final answer (last box, then `#### x`, a last line `A: x`, "the answer is x"
and the like in many languages) of the part after the thinking, compared with the answer of the ground truth:
as text, as exact typed values (numbers, roots, sets, intervals, matrices, quantities with units, options,
...), and what these cannot tell by Math-Verify and sympy. AM-Thinking-v1 and its relatives take the last box
only: `extract = "boxed"`.

*Columns*: `status` equal | unequal | undecided; `tier`, who found out (text, key, algebra, numeric, sympy;
extract and guard where nobody did); `reason`, a sentence; `gold_form`, `predicted_form`, the two answers as
they were read, null where they could not be; `extracted`, the answer found, cut to 1,000 characters, null if
none; `found_in`, what marked it (boxed, hashes, sentence, ...); `cause`: `ok`, or why it is undecided:
`no-answer` (none found, an empty response, a thinking that never ends), `no-gold`, `no-text` (null),
`incomparable` (a list that goes on with dots, an option against the text of another), `too-complex` (not
handed to Math-Verify: towers, huge factorials, over 4,096 characters), `timeout`, `memory`, `crashed`,
`error` (Math-Verify could not read or compare them).

*Not covered*: prose answers that need reading; an option's letter against a text without its letter.
`timeout-s` is processor time, so a busy machine changes nothing, but a slower one may time out where another
does not. How long a pair took is not evidence, since no two runs would agree: `curate verify` prints it. On
macOS the memory limit is not enforced.

*Source*: Math-Verify 0.9 (huggingface/Math-Verify), AM-Thinking-v1 §3. `profile` says what may differ:
`strict`, `lenient` (order, units, rounding), or `compat`, Math-Verify's own verdicts.

In:  row_id 0, response_id 0, response "<think>...</think> So \boxed{\frac{1}{2}}.", answer "0.5"
Out: row_id 0, response_id 0, status equal, tier key, reason "both are 1/2", gold_form "1/2",
     predicted_form "1/2", extracted "\frac{1}{2}", found_in boxed, cause ok
"""

from __future__ import annotations

import threading
from typing import Literal

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.answers.profiles import ProfileName
from curate.answers.verifier import VERSION as VERDICTS
from curate.answers.verifier import Verifier
from curate.answers.zygote import Limits
from curate.flow import RESPONSE_ID, ROW_ID, STATUS, Stage, StageParams

VERSION = 10 + VERDICTS

EVIDENCE = pa.schema(
    [
        (STATUS, pa.string()),
        ("tier", pa.string()),
        ("reason", pa.string()),
        ("gold_form", pa.large_string()),
        ("predicted_form", pa.large_string()),
        ("extracted", pa.large_string()),
        ("found_in", pa.string()),
        ("cause", pa.string()),
    ]
)


class Params(StageParams):
    """Parameters of `math-verify`."""

    stage: Literal["math-verify"] = "math-verify"
    profile: ProfileName = "strict"
    """What may differ between equal answers."""
    extract: Literal["boxed", "final", "any", "auto"] = "final"
    """Where an answer is looked for: in a box, at any mark, or at last the last formula or number. `auto`
    takes a bare answer whole, and looks in a response for any."""
    think_close: str = Field("</think>", min_length=1)
    timeout_s: float = Field(1.0, gt=0, le=3600)
    """Processor time for one pair of answers. On one core 99.9 % of pairs need less than a second."""
    memory_bytes: int = Field(1_500_000_000, ge=500_000_000)
    """Address space of one worker; Math-Verify and sympy alone take about 200 MB."""


_verifiers: dict[tuple[str, Limits], Verifier] = {}
_verifiers_lock = threading.Lock()


def _verifier(params: Params) -> Verifier:
    """This process's verifier with these parameters: it keeps its workers from shard to shard."""
    limits = Limits(params.timeout_s, params.memory_bytes, wall_s=10 * params.timeout_s)
    with _verifiers_lock:
        key = params.profile, limits
        if key not in _verifiers:
            _verifiers[key] = Verifier(params.profile, limits)
        return _verifiers[key]


def measure(frame: pl.DataFrame, params: Params, _state: None = None) -> pl.DataFrame:
    """One verdict a response. Raises MachineError if no worker process can be started."""
    extract = None if params.extract == "auto" else params.extract
    verdicts = _verifier(params).verify_all(
        frame["answer"].to_list(), frame["response"].to_list(), extract, params.think_close
    )
    columns = {name: [getattr(verdict, name) for verdict in verdicts] for name in EVIDENCE.names}
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
