"""How many of a row's responses are right, and how sure one can be of that.

*Measures*: over the responses of a row (of all models, or of `models`), the share graded equal to the ground
truth, with its Wilson interval; pass@k and majority@k for k up to the number of graded responses.

*Columns*: `n` responses; `decided` of them graded; `correct`; `undecided` (n - decided); `no_answer`,
responses that name no final answer; `truncated`, responses that a limit cut off, null if none says how it
ended; `pass_rate` = correct / decided, null if none is decided; `low`, `high`, its Wilson interval;
`pass_at_1` ... `pass_at_64`, the unbiased estimates over the decided responses, null where there are fewer
than k; `majority_at_4` ... `majority_at_64`, the chance that the answer most of k of them give is right, ties
drawn by lot; `d_me`, the distance of the pass rate from one half that MGPO weights by (0 at 1/2, ln 2 at 0
and 1); `w_me` = exp(-mgpo-lambda * d_me), null without `mgpo-lambda`; `too_hard_or_wrong_truth`: none is
right of at least `suspect-from`; `model`, of all counted responses, null if they are of several or say none;
`status`: `ok`, `no-response`, `none-decided` (all timed out, no ground truth, ...), `skipped` (all were).

A response without an answer counts as wrong (AM-Thinking-v1 scores it 0), unless
`no-answer = "undecided"`. One that could not be graded never counts as wrong, and is no vote. Wrong answers
are one where they have one exact value or one text (see majority-vote, which compares them all).

*Not covered*: sampling parameters (`rollouts` has them); other k than these: what evidence has for columns is
the same for all recipes, and `1 - C(n - c, k) / C(n, k)` needs only `decided` and `correct`.

*Source*: AM-Thinking-v1 §4.2 (keep rows with a pass rate strictly between 0 and 1), DeepDistill
§2.4; pass@k after Chen et al. 2021 §2.1; D_ME and its weight after VibeThinker-1.5B §3.4, which states no
lambda; several models side by side, one evidence each, after Difficulty-aware staged RL §3.2.

In:  row_id 0, status [equal, unequal, undecided, undecided], cause [ok, ok, no-answer, timeout],
     extracted [5, 6, null, 7], model [a, a, a, a], finish_reason [stop, stop, length, stop]
Out: row_id 0, n 4, decided 3, correct 1, undecided 1, no_answer 1, truncated 1, pass_rate 0.333, low 0.061,
     high 0.792, pass_at_1 0.333, pass_at_2 0.667, pass_at_4 null, ..., majority_at_4 null, ..., d_me 0.057,
     w_me null, too_hard_or_wrong_truth false, model a, status ok
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.answers.votes import key
from curate.flow import ROW_ID, STATUS, Stage, StageParams
from curate.kernels.estimators import d_me, majority_at_k, pass_at_k, w_me, wilson_interval
from curate.stages.ballots import named
from curate.stages.structure import CUT_REASONS

VERSION = 3

KS = (1, 2, 4, 8, 16, 32, 64)
MAJORITY_KS = KS[2:]  # of one or two answers the majority is the pass rate

EVIDENCE = pa.schema(
    [
        ("n", pa.int32()),
        ("decided", pa.int32()),
        ("correct", pa.int32()),
        ("undecided", pa.int32()),
        ("no_answer", pa.int32()),
        ("truncated", pa.int32()),
        ("pass_rate", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        *((f"pass_at_{k}", pa.float64()) for k in KS),
        *((f"majority_at_{k}", pa.float64()) for k in MAJORITY_KS),
        ("d_me", pa.float64()),
        ("w_me", pa.float64()),
        ("too_hard_or_wrong_truth", pa.bool_()),
        ("model", pa.large_string()),
        (STATUS, pa.string()),
    ]
)


class Params(StageParams):
    """Parameters of `pass-rate`."""

    stage: Literal["pass-rate"] = "pass-rate"
    verdicts: str = Field("math", min_length=1)
    """Name of the response-grain evidence with columns `status`, `cause` and `extracted`."""
    models: list[str] = Field([])
    """Models whose responses count (names; * and ? stand for any letters); empty: all. Several models side by
    side are several evidence entries."""
    no_answer: Literal["wrong", "undecided"] = "wrong"
    confidence: float = Field(0.95, gt=0, lt=1)
    mgpo_lambda: float | None = Field(None, ge=0)
    """Lambda of the weight `w_me`; the paper states none."""
    suspect_from: int = Field(8, ge=1)
    """Graded responses from which a row with none right is flagged."""

    def evidence_read(self) -> tuple[str, ...]:
        """The verdicts that are counted."""
        return (self.verdicts,)


LISTS = (STATUS, "cause", "extracted", "model", "finish_reason")


def measure(frame: pl.DataFrame, params: Params, _state: None = None) -> pl.DataFrame:
    """One line of counts a row.

    frame: row_id, and the LISTS in parallel, one element a response; null or empty without responses.
    """
    responses = _responses(frame, params)
    counts = _counts(frame, responses)
    decided, correct = counts["decided"].to_numpy(), counts["correct"].to_numpy()
    interval = wilson_interval(correct, decided, params.confidence)
    pass_rate = counts.select(pl.col("correct") / pl.col("decided")).to_series().to_numpy()  # 0 / 0 is NaN
    estimates = pl.DataFrame(
        {
            "pass_rate": pass_rate,
            "low": interval.low,
            "high": interval.high,
            **{f"pass_at_{k}": pass_at_k(decided, correct, k) for k in KS},
            **_majorities(counts, responses),
            "d_me": d_me(pass_rate),
        }
    )
    estimates = estimates.fill_nan(None).with_columns(
        pl.lit(None, pl.Float64).alias("w_me")
        if params.mgpo_lambda is None
        else pl.Series("w_me", w_me(pass_rate, params.mgpo_lambda)).fill_nan(None)
    )
    suspect = pl.when(pl.col("decided") > 0).then(
        (pl.col("correct") == 0) & (pl.col("decided") >= params.suspect_from)
    )
    return (
        counts.hstack(estimates)
        .with_columns(suspect.alias("too_hard_or_wrong_truth"))
        .select(ROW_ID, *EVIDENCE.names)
    )


def _responses(frame: pl.DataFrame, params: Params) -> pl.DataFrame:
    """One line a response that counts, with what became of it."""
    is_no_answer = (pl.col(STATUS) == "undecided") & (pl.col("cause") == "no-answer")
    is_decided = pl.col(STATUS).is_in(["equal", "unequal"])
    if params.no_answer == "wrong":
        is_decided |= is_no_answer
    responses = frame.select(ROW_ID, *LISTS).filter(pl.col(STATUS).list.len() > 0).explode(*LISTS)
    if params.models:
        models = [model for model in responses["model"].unique().sort() if named(model, params.models)]
        responses = responses.filter(pl.col("model").is_in(models))
    ended = pl.col("finish_reason").str.strip_chars().str.to_lowercase().str.replace_all("[- ]", "_")
    return responses.select(
        ROW_ID,
        "model",
        decided=is_decided.fill_null(value=False),
        correct=(pl.col(STATUS) == "equal").fill_null(value=False),
        no_answer=is_no_answer.fill_null(value=False),
        skipped=pl.col(STATUS) == "skipped",
        truncated=ended.is_in(CUT_REASONS),
        wrong_answer=pl.when(pl.col(STATUS) == "unequal").then("extracted"),
    )


def _counts(frame: pl.DataFrame, responses: pl.DataFrame) -> pl.DataFrame:
    """Counts of responses by what became of them, and the status, one line a row."""
    numbers = ["n", "decided", "correct", "no_answer"]
    by_row = responses.group_by(ROW_ID).agg(
        pl.len().alias("n"),
        pl.col("decided", "correct", "no_answer").sum(),
        pl.when(pl.col("truncated").is_not_null().any()).then(pl.col("truncated").sum()).alias("truncated"),
        pl.when(pl.col("model").n_unique() == 1).then(pl.col("model").first()).alias("model"),
        pl.col("skipped").all(),
    )
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
        .join(by_row, on=ROW_ID, how="left", maintain_order="left")
        .with_columns(pl.col(numbers).fill_null(0).cast(pl.Int32))
        .with_columns((pl.col("n") - pl.col("decided")).alias("undecided"), status.alias(STATUS))
    )


def _majorities(counts: pl.DataFrame, responses: pl.DataFrame) -> dict[str, list[float]]:
    """majority@k of every row, NaN where fewer than k are decided."""
    wrong: dict[int, Counter[str]] = {}
    for row_id, answer in responses.select(ROW_ID, "wrong_answer").drop_nulls().iter_rows():
        wrong.setdefault(row_id, Counter())[answer] += 1
    found: dict[str, list[float]] = {f"majority_at_{k}": [] for k in MAJORITY_KS}
    for row_id, decided, correct in counts.select(ROW_ID, "decided", "correct").iter_rows():
        sizes: Counter[str] = Counter()
        if correct and decided >= MAJORITY_KS[0]:  # else there is no question
            for answer, n in wrong.get(row_id, Counter()).items():
                sizes[key(answer)] += n
        votes = sorted(sizes.values(), reverse=True)
        for k in MAJORITY_KS:
            found[f"majority_at_{k}"].append(majority_at_k(decided, correct, votes, k))
    return found


STAGE = Stage(
    name="pass-rate",
    version=VERSION,
    grain="row",
    reads=LISTS,
    evidence=EVIDENCE,
    params=Params,
    measure=measure,
    runs="thread",
)
