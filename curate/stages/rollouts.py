"""Completions of every problem by a model, as responses of the run.

*Measures*: how many completions of a row's prompt came, were cut off, and did not come. The completions
themselves become responses: from here on the run's table of responses holds them after those that came with
the data, with `model` as the stage calls it, so that every response stage and rule is about them too.

*Columns*: `asked`, completions that were asked for; `came`, those that came; `truncated` of them ended at
`max-tokens` (finish reason `length`); `failed`, those that never came (said in `error`, no failure of the
model); `prompt_tokens`, `completion_tokens`, over all that came; `rounds`, times that the row was sampled;
`settled`: why no more were asked for (`n`: all of them, `sure`: more could not change what `select` says of
the row, `likely`: they would with a probability of at most `error-rate`); `model`, fingerprint of the model
that answered; `error`; `status`: `ok`, `partial` (some never came), `failed` (none came), `no-text`,
`skipped`.

Every completion is kept, under model, prompt, sampling and number, as soon as it comes: whatever is asked
again, by this run or another with the same cache, is not sampled again.

With `select` problems are sampled in rounds, and one whose place is settled is left alone: the rounds are
graded with `math-verify`'s verifier as they come. Which is which: `docs/design/011-adaptive-rollouts.md`.

*Not covered*: tools and several turns; code problems are sampled but not graded here.

*Source*: AM-Thinking-v1 §4.2 (pass rate of the SFT model), VibeThinker-1.5B §3.4, OLMo 3 (8 rollouts at
temperature 1.0).

In:  row_id 0, prompt "What is 2 + 3?"
Out: row_id 0, asked 8, came 8, truncated 1, failed 0, prompt_tokens 96, completion_tokens 4102, rounds 1,
     settled n, model 5f0c..., error null, status ok; and eight responses
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from curate.answers import Verdict, Verifier
from curate.flow import (
    NEW_RESPONSES,
    RESPONSE_ID,
    RESPONSES,
    ROW_ID,
    SHARD_ROWS,
    STATUS,
    Dataset,
    Engine,
    Stage,
    StageParams,
    read_parquet,
    shard_path,
    write_parquet,
)
from curate.kernels.sequential import Rule, parse_rule, plan_round
from curate.models.address import weights_of
from curate.models.journal import Journal
from curate.models.types import Completion, Request, Sampling
from curate.stages.inputs import Inputs, Shard
from curate.stages.sampling import I32, JOURNAL, Answered, Asking, Wanted, open_sampler, prompts_of

VERSION = 1
GRADED_AT_ONCE = 256
RESPONSES_BYTES = 256 << 20
"""Of the responses of a shard, at most, but for those of one row."""
BYTES_A_TOKEN = 4
"""About as many as English prose and formulas have."""

EVIDENCE = pa.schema(
    [
        ("asked", pa.int32()),
        ("came", pa.int32()),
        ("truncated", pa.int32()),
        ("failed", pa.int32()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("rounds", pa.int32()),
        ("settled", pa.string()),
        ("model", pa.string()),
        ("error", pa.string()),
        (STATUS, pa.string()),
    ]
)


class Params(StageParams):
    """Parameters of `rollouts`."""

    stage: Literal["rollouts"] = "rollouts"
    model: str = Field(min_length=1)
    """server:http://HOST:PORT/v1, hf:FOLDER or vllm:FOLDER."""
    name: str | None = Field(None, min_length=1)
    """What `response.model` says of these responses; the model as it is given here, if null."""
    n: int = Field(8, ge=1, le=4096)
    """Completions of each problem; with `select`, at most."""
    sampling: Sampling = Sampling()
    system: str | None = None
    """System prompt, instead of the row's own."""
    suffix: str = ""
    """Text after each problem, as `\\nPut the answer in \\\\boxed{}.`"""
    concurrency: int | None = Field(None, ge=1)
    """Most requests to a server at once; found by trying if null."""
    gpus: int = Field(0, ge=0, exclude=True)
    """GPUs that the server has: their hours are told as the run goes on. Changes nothing."""
    prices: list[float] | None = Field(None, min_length=2, max_length=2, exclude=True)
    """Of a million tokens read, and of a million written: the cost so far is told. Changes nothing."""
    select: str | None = None
    """What pass rates are wanted, e.g. `0 < pass_rate < 1` or `pass_rate <= 0.625`. Problems of which that
    is settled are sampled no further. Null: all are sampled `n` times."""
    error_rate: float = Field(0.01, gt=0, lt=0.5)
    """Highest probability that a problem left alone early would be judged otherwise after `n`."""
    first_round: int = Field(4, ge=1)
    """Completions of each problem before any is left alone."""
    profile: Literal["strict", "lenient", "compat"] = "strict"
    """How the rounds are graded, as in `math-verify`."""

    @property
    def asking(self) -> Asking:
        """How a row becomes a request."""
        return Asking(
            self.model,
            self.sampling,
            self.system,
            self.suffix,
            self.concurrency,
            self.gpus,
            tuple(self.prices or ()),
        )

    def files(self) -> tuple[str, ...]:
        """What tells one set of weights from another: evidence is measured again when they change."""
        return weights_of(self.model)

    def most_rows(self) -> int:
        """So many that all completions of a shard can be held, were each as long as it may be."""
        bytes_a_row = self.n * self.sampling.max_tokens * BYTES_A_TOKEN
        return min(SHARD_ROWS, max(1, RESPONSES_BYTES // bytes_a_row))

    @field_validator("select")
    @classmethod
    def _is_a_rule(cls, select: str | None) -> str | None:
        if select is not None:
            parse_rule(select)
        return select

    def rule(self) -> Rule | None:
        """`select` as an interval of pass rates. Raises ValueError if it is none."""
        return None if self.select is None else parse_rule(self.select)


class Tally:
    """What is known of the rows of a shard: counts, so that memory does not grow with the texts."""

    def __init__(self, shard: Shard, asking: Asking) -> None:
        self.shard = shard
        messages = prompts_of(shard, asking).messages
        self.has_prompt = np.array([one is not None for one in messages], dtype=np.bool_)
        self.asked, self.correct, self.decided, self.rounds = np.zeros((4, len(messages)), dtype=np.int32)
        self.settled = np.full(len(messages), "n", dtype=object)
        self.errors: dict[int, str] = {}

    def add(self, row: int, verdict: Verdict) -> None:
        """Count a graded completion; one that names no answer is wrong, one that cannot be graded nothing."""
        self.correct[row] += verdict.status == "equal"
        self.decided[row] += verdict.status != "undecided" or verdict.cause == "no-answer"


def sample_all(engine: Engine, inputs: Inputs, params: Params, folder: Path) -> Dataset:
    """Sample, round by round, until nothing more is wanted; write the evidence and the responses."""
    tallies = [Tally(shard, params.asking) for shard in inputs.shards]
    journal = folder.parent / JOURNAL
    with closing(open_sampler(params.asking, engine, journal)) as sampler, _grader(params) as grader:
        for number in itertools.count(1):
            wanted = [
                Wanted(tally.shard, tally.asked.copy(), more)
                for tally, more in zip(tallies, _more(tallies, params), strict=True)
            ]
            if not any(one.more.any() for one in wanted):
                break
            _count(sampler.sample(wanted, folder / f"round-{number}"), tallies, grader)
            for tally, one in zip(tallies, wanted, strict=True):
                tally.asked += one.more
                tally.rounds += one.more > 0
        evidence = []
        with Journal(journal) as kept:
            for index, tally in enumerate(tallies):
                lines, responses = _tables(tally, params, sampler.fingerprint, kept)
                evidence.append(shard_path(_made(folder / "evidence"), index))
                write_parquet(lines, evidence[-1])
                write_parquet(responses, shard_path(_made(folder / NEW_RESPONSES), index))
    return Dataset(tuple(evidence))


def _more(tallies: Sequence[Tally], params: Params) -> list[I32]:
    """How many more completions each row gets now; one that is settled gets none."""
    rule = params.rule()
    if rule is None:
        return [np.where(tally.has_prompt, params.n - tally.asked, 0).astype(np.int32) for tally in tallies]
    names = ("correct", "decided", "asked", "has_prompt")
    correct, decided, asked, has_prompt = (
        np.concatenate([getattr(tally, name) for tally in tallies]) for name in names
    )
    plan = plan_round(correct, decided, asked, rule, params.n, params.first_round, params.error_rate)
    ends = np.cumsum([len(tally.asked) for tally in tallies])[:-1]
    for tally, why in zip(tallies, np.split(plan.settled, ends), strict=True):
        tally.settled[:] = why
    return np.split(np.where(has_prompt, plan.more, 0).astype(np.int32), ends)


def _count(answered: Iterator[Answered], tallies: Sequence[Tally], grader: Grader | None) -> None:
    """Add what comes to the tallies."""
    while batch := list(itertools.islice(answered, GRADED_AT_ONCE)):
        for one in batch:
            if one.completion.failure is not None:
                tallies[one.shard].errors.setdefault(one.row, one.completion.error)
        if grader is not None:
            came = [one for one in batch if one.completion.failure is None]
            for one, verdict in zip(came, grader.grade(came, tallies), strict=True):
                tallies[one.shard].add(one.row, verdict)


class Grader:
    """The verifier of the rounds, and the ground truths of the shards at hand."""

    def __init__(self, params: Params) -> None:
        self._verifier = Verifier(params.profile)
        self._truths: dict[int, list[str | None]] = {}

    def close(self) -> None:
        """End the verifier's workers."""
        self._verifier.close()

    def grade(self, answered: Sequence[Answered], tallies: Sequence[Tally]) -> list[Verdict]:
        """A verdict on every completion."""
        shards = {one.shard for one in answered}
        self._truths = {
            index: self._truths.get(index) or tallies[index].shard.read("answer")["answer"].to_list()
            for index in shards
        }
        golds = [self._truths[one.shard][one.row] for one in answered]
        return self._verifier.verify_all(golds, [one.completion.text for one in answered], "final")


def _grader(params: Params) -> AbstractContextManager[Grader | None]:
    return nullcontext() if params.select is None else closing(Grader(params))


def _tables(tally: Tally, params: Params, fingerprint: str, journal: Journal) -> tuple[pa.Table, pa.Table]:
    """Evidence of a shard, and its responses: those that were there, then those that came, row by row."""
    prompts = prompts_of(tally.shard, params.asking)
    given = read_parquet(tally.shard.responses)
    n_given = Counter(given[ROW_ID].to_pylist())
    lines, new = [], []
    for row, (row_id, messages) in enumerate(zip(prompts.row_ids.tolist(), prompts.messages, strict=True)):
        requests = [Request(messages, sample) for sample in range(tally.asked[row])] if messages else []
        keys = [request.key(fingerprint, params.sampling) for request in requests]
        known = journal.get_many(keys)
        came = [one for key in keys if (one := known.get(key)) is not None and one.failure is None]
        lines.append({ROW_ID: row_id, **_line(tally, row, came, has_prompt=messages is not None)})
        for place, completion in enumerate(came, start=n_given[row_id]):
            new.append(
                {
                    ROW_ID: row_id,
                    RESPONSE_ID: place,
                    "response": completion.text,
                    "model": params.name or params.model,
                    "finish_reason": completion.finish_reason,
                    "given_correct": None,
                }
            )
    for line in lines:
        line["model"] = fingerprint if line["asked"] else None
    skipped = set(tally.shard.skipped().tolist())
    for line in lines:
        if line[ROW_ID] in skipped:
            line[STATUS] = "skipped"
    schema = pa.schema([(ROW_ID, pa.int64()), *EVIDENCE])
    merged = pa.concat_tables([given.cast(RESPONSES), pa.Table.from_pylist(new, schema=RESPONSES)])
    merged = merged.sort_by([(ROW_ID, "ascending"), (RESPONSE_ID, "ascending")]).combine_chunks()
    return pa.Table.from_pylist(lines, schema=schema), merged


def _line(tally: Tally, row: int, came: Sequence[Completion], *, has_prompt: bool) -> dict[str, object]:
    """Evidence of one row."""
    asked = int(tally.asked[row])
    status = "no-text" if not has_prompt else "ok" if len(came) == asked else "partial" if came else "failed"
    return {
        "asked": asked,
        "came": len(came),
        "truncated": sum(one.finish_reason == "length" for one in came),
        "failed": asked - len(came),
        "prompt_tokens": sum(one.prompt_tokens for one in came),
        "completion_tokens": sum(one.completion_tokens for one in came),
        "rounds": int(tally.rounds[row]),
        "settled": str(tally.settled[row]) if has_prompt else None,
        "error": tally.errors.get(row),
        STATUS: status,
    }


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return folder


STAGE = Stage(
    name="rollouts",
    version=VERSION,
    grain="row",
    reads=("prompt", "system", "turns", "answer"),
    evidence=EVIDENCE,
    params=Params,
    whole=sample_all,
    runs="gpu",
    makes_responses=True,
)
