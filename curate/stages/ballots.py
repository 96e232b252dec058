"""The final answers of a shard's responses, row by row, as votes: what the stages that count them share."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.answers.votes import Cluster, Referee, final_text
from curate.answers.zygote import Limits
from curate.errors import InputError, did_you_mean
from curate.flow import ROW_ID, StageParams, read_parquet
from curate.stages.inputs import Shard

MAX_SHOWN = 1_000  # characters of an answer that are kept as evidence

SAID = pa.list_(pa.struct([("answer", pa.string()), ("n", pa.int32()), ("models", pa.list_(pa.string()))]))
"""Who says what: each answer, how many say it, and which models do (a name once, in order)."""


class VoteParams(StageParams):
    """Parameters of every stage that counts answers."""

    extract: Literal["boxed", "final"] = "final"
    """What the answer of a response is: its last box, or what else names it where there is no box."""
    think_close: str = Field("</think>", min_length=1)
    timeout_s: float = Field(1.0, gt=0, le=3600)
    """Processor time for one pair of answers."""
    memory_bytes: int = Field(1_500_000_000, ge=500_000_000)
    """Address space of one worker that compares answers."""


class Ballot(NamedTuple):
    """The votes of one row: final answers (None: no answer), and the model of each (None: not named)."""

    row_id: int
    answers: tuple[str | None, ...]
    models: tuple[str | None, ...]
    response_ids: tuple[int, ...]

    def of(self, models: Sequence[str], *, but: bool = False) -> Ballot:
        """The votes of these models alone, or of the others; names may hold * and ?."""
        places = [i for i, model in enumerate(self.models) if named(model, models) != but]
        return Ballot(
            self.row_id,
            tuple(self.answers[i] for i in places),
            tuple(self.models[i] for i in places),
            tuple(self.response_ids[i] for i in places),
        )

    def said(self, clusters: Iterable[Cluster]) -> list[dict[str, Any]]:
        """Who says what, in the order of the clusters."""
        return [
            {
                "answer": cluster.answer[:MAX_SHOWN],
                "n": len(cluster.members),
                "models": sorted({str(self.models[i]) for i in cluster.members if self.models[i]}),
            }
            for cluster in clusters
        ]


def named(model: str | None, patterns: Sequence[str]) -> bool:
    """Whether a model is one of those named.

    >>> named("gpt4", ["gpt*"]), named(None, ["*"])
    (True, False)
    """
    return model is not None and any(
        model == pattern or fnmatch.fnmatchcase(model, pattern) for pattern in patterns
    )


def check_models(shards: Sequence[Shard], patterns: Sequence[str], where: str) -> None:
    """Raise InputError for a name that no response has: it would count nobody, silently."""
    if not patterns:
        return
    models: set[str] = set()
    for shard in shards:
        models |= set(read_parquet(shard.responses, ["model"])["model"].unique().to_pylist()) - {None}
    for pattern in patterns:
        if not any(named(model, [pattern]) for model in models):
            known = did_you_mean(pattern, models) if models else "The responses name no models."
            raise InputError(f"{where}: expected the name of a model that responds, found {pattern}. {known}")


def read_ballots(shard: Shard, params: VoteParams) -> list[Ballot]:
    """The votes of every row of the shard that `skip-if` leaves, in order; rows without responses too."""
    responses = pl.DataFrame(read_parquet(shard.responses, [ROW_ID, "response_id", "response", "model"]))
    skipped = set(shard.skipped().tolist())
    votes: dict[int, list[tuple[str | None, str | None, int]]] = {
        row_id: [] for row_id in shard.keys()[ROW_ID].to_list() if row_id not in skipped
    }
    for row_id, response_id, response, model in responses.iter_rows():
        if row_id in votes:
            answer = final_text(response, params.extract, params.think_close)
            votes[row_id].append((answer, model, response_id))
    return [
        Ballot(row_id, *(tuple(column) for column in zip(*lines, strict=True)) if lines else ((), (), ()))
        for row_id, lines in votes.items()
    ]


_referees: dict[Limits, Referee] = {}
_referees_lock = threading.Lock()


def referee(params: VoteParams) -> Referee:
    """This process's comparer of answers with these limits; it keeps its workers from shard to shard."""
    limits = Limits(params.timeout_s, params.memory_bytes, wall_s=10 * params.timeout_s)
    with _referees_lock:
        if limits not in _referees:
            _referees[limits] = Referee(limits)
        return _referees[limits]


def as_evidence(lines: Sequence[dict[str, Any]], shard: Shard, schema: pa.Schema) -> pa.Table:
    """Evidence of a shard from one dict a row; rows without one are skipped ones. `schema` has row_id."""
    found = {line[ROW_ID]: line for line in lines}
    nothing = {"status": "skipped"}
    every = [{ROW_ID: row_id, **found.get(row_id, nothing)} for row_id in shard.keys()[ROW_ID].to_list()]
    return pa.Table.from_pylist(every, schema=schema)
