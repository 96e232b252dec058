"""How many of a row's responses are right, and how sure one can be of that.

*Measures*: over the responses of a row, the share graded equal to the ground truth, with its
Wilson interval, and pass@k for k up to the number of graded responses.

*Columns*: `n` responses; `decided` of them graded; `correct`; `undecided` (n - decided);
`no_answer`, responses that name no final answer; `pass_rate` = correct / decided, null if none is
decided; `low`, `high`, its Wilson interval; `pass_at_1` ... `pass_at_64`, the unbiased estimates over
the decided responses, null where there are fewer than k; `d_me`, the distance of the pass rate from
one half that MGPO weights by (0 at 1/2, ln 2 at 0 and 1); `status`: `ok`, `no-response`,
`none-decided` (all timed out, no ground truth, ...), `skipped` (all responses were).

A response without an answer counts as wrong (AM-Thinking-v1 scores it 0), unless
`no-answer = "undecided"`. One that could not be graded never counts as wrong.

*Not covered*: the model and its sampling parameters (compare rows only within one model);
truncation. A pass rate of 0 over many responses is often a wrong ground truth.

*Source*: AM-Thinking-v1 §4.2 (keep rows with a pass rate strictly between 0 and 1), DeepDistill
§2.4; pass@k after Chen et al. 2021 §2.1; D_ME after VibeThinker-1.5B §3.4.

In:  row_id 0, status [equal, unequal, undecided, undecided], cause [ok, ok, no-answer, timeout]
Out: row_id 0, n 4, decided 3, correct 1, undecided 1, no_answer 1, pass_rate 0.333, low 0.061,
     high 0.792, pass_at_1 0.333, pass_at_2 0.667, pass_at_4 null, ..., d_me 0.057, status ok
"""

from __future__ import annotations

from typing import Literal

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.flow import ROW_ID, STATUS, Stage, StageParams
from curate.kernels.estimators import d_me, pass_at_k, wilson_interval

VERSION = 2

KS = (1, 2, 4, 8, 16, 32, 64)

EVIDENCE = pa.schema(
    [
        ("n", pa.int32()),
        ("decided", pa.int32()),
        ("correct", pa.int32()),
        ("undecided", pa.int32()),
        ("no_answer", pa.int32()),
        ("pass_rate", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        *((f"pass_at_{k}", pa.float64()) for k in KS),
        ("d_me", pa.float64()),
        (STATUS, pa.string()),
    ]
)


class Params(StageParams):
    """Parameters of `pass-rate`."""

    stage: Literal["pass-rate"] = "pass-rate"
    verdicts: str = Field("math", min_length=1)
    """Name of the response-grain evidence with columns `status` and `cause`."""
    no_answer: Literal["wrong", "undecided"] = "wrong"
    confidence: float = Field(0.95, gt=0, lt=1)

    def evidence_read(self) -> tuple[str, ...]:
        """The verdicts that are counted."""
        return (self.verdicts,)


def measure(frame: pl.DataFrame, params: Params, _state: None = None) -> pl.DataFrame:
    """One line of counts a row.

    frame: row_id, and the lists `status` and `cause` in parallel, one element a response; null
    or empty without responses.
    """
    counts = _counts(frame, params.no_answer)
    decided, correct = counts["decided"].to_numpy(), counts["correct"].to_numpy()
    interval = wilson_interval(correct, decided, params.confidence)
    pass_rate = counts.select(pl.col("correct") / pl.col("decided")).to_series()  # 0 / 0 is NaN
    estimates = {
        "pass_rate": pass_rate.to_numpy(),
        "low": interval.low,
        "high": interval.high,
        **{f"pass_at_{k}": pass_at_k(decided, correct, k) for k in KS},
        "d_me": d_me(pass_rate.to_numpy()),
    }
    return counts.hstack(pl.DataFrame(estimates).fill_nan(None)).select(ROW_ID, *EVIDENCE.names)


def _counts(frame: pl.DataFrame, no_answer: Literal["wrong", "undecided"]) -> pl.DataFrame:
    """Counts of responses by what became of them, and the status, one line a row."""
    is_no_answer = (pl.col(STATUS) == "undecided") & (pl.col("cause") == "no-answer")
    is_decided = pl.col(STATUS).is_in(["equal", "unequal"])
    if no_answer == "wrong":
        is_decided |= is_no_answer
    responses = (
        frame.select(ROW_ID, STATUS, "cause")
        .filter(pl.col(STATUS).list.len() > 0)
        .explode(STATUS, "cause")
        .group_by(ROW_ID)
        .agg(
            pl.len().alias("n"),
            is_decided.sum().alias("decided"),
            (pl.col(STATUS) == "equal").sum().alias("correct"),
            is_no_answer.sum().alias("no_answer"),
            (pl.col(STATUS) == "skipped").all().alias("skipped"),
        )
    )
    numbers = ["n", "decided", "correct", "no_answer"]
    status = (
        pl.when(pl.col("n") == 0)
        .then(pl.lit("no-response"))
        .when(pl.col("skipped"))
        .then(pl.lit("skipped"))
        .when(pl.col("decided") == 0)
        .then(pl.lit("none-decided"))
        .otherwise(pl.lit("ok"))
    )
    return (
        frame.select(ROW_ID)
        .join(responses, on=ROW_ID, how="left", maintain_order="left")
        .with_columns(pl.col(numbers).fill_null(0).cast(pl.Int32))
        .with_columns((pl.col("n") - pl.col("decided")).alias("undecided"), status.alias(STATUS))
    )


STAGE = Stage(
    name="pass-rate",
    version=VERSION,
    grain="row",
    reads=(STATUS, "cause"),
    evidence=EVIDENCE,
    params=Params,
    measure=measure,
    runs="thread",
)
