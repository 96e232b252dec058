r"""Which answer most responses of a row give, how many give it, and how sure that is.

Measures
    The final answers of a row's responses (see math-verify), counted. Answers with one exact value or one
    text are a group; groups are compared, largest first, with the representatives of the clusters that are
    there, in both directions, and join the first equal one. Nothing is joined through a third answer: 50 is
    50 %, and 50 % is 0.5. An answer of which it is not known whether it equals another joins none.
Columns
    answer    the answer with most votes, as most of its votes write it; ties in writing go to the shorter
              text, then to the first in order of characters; null unless the status is ok
    n         responses that vote (those of `models`); valid: of these with a final answer
    clusters  different answers; top: votes of the largest cluster; lead: votes it is ahead of the next
    share     top / n; margin: lead / n; low: lower end of the Wilson interval of `share`
    entropy   of the clusters among the valid votes, in nats; null without a valid vote
    unknown   votes in clusters of which it is not known whether they equal another one
    said      who says what: answers, votes and the names of the models, most votes first
    status    ok; tie: two clusters have most votes; undecided: comparisons that could not be decided might
              change the winner; no-answer: no response names a final answer; no-response: none votes
              (n is 0); skipped
Not covered
    Whether the answer is right: see cross-verify. Of more than 64 different answers of a row the rarest are
    not compared, and count as unknown. Answers of more than 1,000 characters count as none.
Source
    Self-consistency: Wang et al. 2022, §2. Calibration on real votes (four samples of two small models on
    GSM8K): a tie is right in 4 of 100, two of four votes 53, three 84, four 96; so a pseudo-label needs
    `vote.share >= 0.5 and vote.lead >= 2`, an answer that replaces another `vote.share >= 0.75`.

In:  row_id 0, responses "\boxed{1/2}", "\boxed{0.5}", "\boxed{2}", "I do not know."
Out: row_id 0, answer "0.5", n 4, valid 3, clusters 2, top 2, lead 1, share 0.5, margin 0.25, low 0.15,
     entropy 0.637, unknown 0, said [{0.5, 2, []}, {2, 1, []}], status ok
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.answers.votes import Vote, vote_all
from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage
from curate.kernels.estimators import wilson_interval
from curate.stages.ballots import SAID, VoteParams, as_evidence, check_models, read_ballots, referee
from curate.stages.inputs import Inputs, Shard

VERSION = 2

COUNTS: list[tuple[str, pa.DataType]] = [
    ("answer", pa.large_string()),
    ("n", pa.int32()),
    ("valid", pa.int32()),
    ("clusters", pa.int32()),
    ("top", pa.int32()),
    ("lead", pa.int32()),
    ("share", pa.float64()),
    ("margin", pa.float64()),
    ("low", pa.float64()),
    ("entropy", pa.float64()),
    ("unknown", pa.int32()),
]
EVIDENCE = pa.schema([*COUNTS, ("said", SAID), (STATUS, pa.string())])


class Params(VoteParams):
    """Parameters of `majority-vote`."""

    stage: Literal["majority-vote"] = "majority-vote"
    models: list[str] = Field([])
    """Models whose responses vote (names; * and ? stand for any letters); empty: all."""
    confidence: float = Field(0.95, gt=0, lt=1)


def count_votes(engine: Engine, inputs: Inputs, params: Params, folder: Path) -> Dataset:
    """Evidence of all shards, in their order. Raises InputError for a model that no response is of."""
    check_models(inputs.shards, params.models, "majority-vote.models")
    fn = functools.partial(measure, params=params)
    return engine.map(fn, inputs.shards, folder / "evidence", runs="inline", label="majority-vote")


def measure(shard: Shard, params: Params) -> pa.Table:
    """The evidence of one shard."""
    ballots = read_ballots(shard, params)
    if params.models:
        ballots = [ballot.of(params.models) for ballot in ballots]
    votes = vote_all([ballot.answers for ballot in ballots], referee(params))
    lines = [
        {ROW_ID: ballot.row_id, **line, "said": ballot.said(vote.clusters), STATUS: vote.status}
        for ballot, vote, line in zip(ballots, votes, counts(votes, params.confidence), strict=True)
    ]
    return as_evidence(lines, shard, pa.schema([(ROW_ID, pa.int64()), *EVIDENCE]))


def counts(votes: list[Vote], confidence: float) -> list[dict[str, Any]]:
    """The columns of COUNTS for each vote; shares are null where nobody votes."""
    n = np.array([vote.n for vote in votes], np.int64)
    low = wilson_interval(np.array([vote.top for vote in votes], np.int64), n, confidence).low
    return [
        {
            "answer": vote.answer,
            "n": vote.n,
            "valid": vote.valid,
            "clusters": len(vote.clusters),
            "top": vote.top,
            "lead": vote.lead,
            "share": vote.top / vote.n if vote.n else None,
            "margin": vote.lead / vote.n if vote.n else None,
            "low": float(bound) if vote.n else None,
            "entropy": vote.entropy if vote.valid else None,
            "unknown": vote.unsure,
        }
        for vote, bound in zip(votes, low, strict=True)
    ]


STAGE = Stage(
    name="majority-vote",
    version=VERSION,
    grain="row",
    reads=("response", "model"),
    evidence=EVIDENCE,
    params=Params,
    whole=count_votes,
    runs="inline",
)
