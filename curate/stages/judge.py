"""A language model's opinion of a problem or a response, by vote.

*Measures*: a question of yours about each problem (`judge`) or each response (`judge-response`), put to a
model `votes` times. The model is told to answer with a JSON object; its `verdict` is one of `verdicts`,
its numbers are those named in `scores`. Uses: is a query clear, which of two ground truths is right, is a
response helpful, correct, coherent.

*Columns*: `verdict` that at least `agree` votes gave; `votes` for it; `parsed` votes that were what was
asked for; `unparsed` that were not; `failed`, completions that never came; `score`, mean over the parsed
votes of the mean of their `scores`; `reason`, of the first vote for the verdict; `model`, fingerprint;
`error`; `status`: `ok`, `no-majority`, `unparsed` (no vote could be read), `failed` (none came),
`no-text` (a text that the question needs is null or empty), `skipped`. Where the status is not `ok` the
verdict is null: rules about it are undecided.

The question is a text file with `{prompt}`, `{answer}`, `{response}` where the texts go. Other braces are
text. What stands in the texts is never looked at as a template. A text can try to talk to the judge: ask
for a JSON object at the end, and give rules a second leg to stand on.

*Not covered*: pairs of responses side by side; calibration of scores between models.

*Source*: AM-Thinking-v1 §3.1 (clarity of queries by a model), §4.1 (helpfulness, correctness, coherence).

In:  row_id 0, prompt "Find x.", votes {"verdict": "unclear", "reason": "no equation"} twice, and "Sure!"
Out: row_id 0, verdict unclear, votes 2, parsed 2, unparsed 1, failed 0, score null, reason "no equation",
     model server:qwen:5f0c..., error null, status ok
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from curate.errors import InputError
from curate.flow import (
    KEY_TYPES,
    KEYS,
    STATUS,
    Dataset,
    Engine,
    Grain,
    Stage,
    StageParams,
    shard_path,
    write_parquet,
)
from curate.models.address import weights_of
from curate.models.journal import Journal
from curate.models.types import Request, Sampling
from curate.stages.inputs import Inputs, Shard
from curate.stages.sampling import FILLED, JOURNAL, Asking, Wanted, fields_of, open_sampler, prompts_of

VERSION = 1
THINK_CLOSE = "</think>"

EVIDENCE = pa.schema(
    [
        ("verdict", pa.string()),
        ("votes", pa.int32()),
        ("parsed", pa.int32()),
        ("unparsed", pa.int32()),
        ("failed", pa.int32()),
        ("score", pa.float64()),
        ("reason", pa.large_string()),
        ("model", pa.string()),
        ("error", pa.string()),
        (STATUS, pa.string()),
    ]
)


class Params(StageParams):
    """Parameters of `judge`."""

    stage: Literal["judge"] = "judge"
    model: str = Field(min_length=1)
    """server:http://HOST:PORT/v1, hf:FOLDER or vllm:FOLDER."""
    question: str = Field(min_length=1)
    """File with the text that is sent: {prompt}, {answer} and, of responses, {response} are filled in."""
    verdicts: list[str] = Field(min_length=1)
    """What `verdict` may be."""
    scores: list[str] = Field(default=[])
    """Names of numbers in the object, e.g. helpfulness; `score` is their mean."""
    range_: Annotated[list[float], Field(min_length=2, max_length=2, alias="range")] = Field(
        default=[0.0, 10.0]
    )
    """Least and greatest number; a vote with another cannot be read. If both are whole, so are the scores."""
    votes: int = Field(1, ge=1, le=64)
    """How often the model is asked."""
    agree: int | None = Field(None, ge=1)
    """Votes that a verdict needs; more than half of `votes` if null."""
    structured: bool = True
    """Have a server hold the model to the form of the object. A model that thinks first may need false."""
    system: str | None = None
    sampling: Sampling = Sampling(temperature=0.6, max_tokens=4096)
    concurrency: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _can_be_met(self) -> Params:
        if self.agree is not None and self.agree > self.votes:
            raise ValueError(f"agree = {self.agree} can never be met by votes = {self.votes}")
        return self

    @property
    def needed(self) -> int:
        """Votes that a verdict needs."""
        return self.agree or self.votes // 2 + 1

    @property
    def form(self) -> str:
        """What an answer has to look like, as a JSON schema."""
        low, high = self.range_
        kind = "integer" if low.is_integer() and high.is_integer() else "number"
        numbers = {
            name: {"type": kind, "minimum": _plain(low), "maximum": _plain(high)} for name in self.scores
        }
        fields = {"reason": {"type": "string", "maxLength": 400}, **numbers,
                  "verdict": {"type": "string", "enum": self.verdicts}}  # fmt: skip
        required = [*numbers, "verdict"]
        return json.dumps({"type": "object", "properties": fields, "required": required})

    def files(self) -> tuple[str, ...]:
        """The question, and what tells one set of weights from another."""
        return (self.question, *weights_of(self.model))

    def template(self, grain: Grain) -> str:
        """The question. Raises InputError if it cannot be read, or asks about nothing."""
        try:
            text = Path(self.question).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{self.question}: expected a text file with the question, found: {error}"
            ) from error
        names = ", ".join(f"{{{name}}}" for name in FILLED[grain])
        found = fields_of(text)
        if not found or not set(found) <= set(FILLED[grain]):
            raise InputError(
                f"{self.question}: expected a question with some of {names}, found "
                f"{', '.join(f'{{{name}}}' for name in found) or 'none of them'}"
            )
        return text


class ResponseParams(Params):
    """Parameters of `judge-response`."""

    stage: Literal["judge-response"] = "judge-response"  # type: ignore[assignment]


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number


class Vote(NamedTuple):
    """One answer of the judge that could be read."""

    verdict: str
    score: float | None
    reason: str | None


def parse_vote(text: str, params: Params) -> Vote | None:
    """The last JSON object of an answer, behind the thinking, if it is what was asked for."""
    decoder = json.JSONDecoder()
    thought_until = text.rfind(THINK_CLOSE)
    place = text.rfind("{")
    while place >= 0:
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            found, end = None, len(text)
        if end <= thought_until:
            return None
        if isinstance(found, dict) and "verdict" in found:
            return _vote(found, params)
        place = text.rfind("{", 0, place)
    return None


def _vote(found: dict[str, Any], params: Params) -> Vote | None:
    known = {verdict.casefold(): verdict for verdict in params.verdicts}
    verdict = known.get(str(found["verdict"]).strip().casefold())
    numbers = [found.get(name) for name in params.scores]
    low, high = params.range_
    if verdict is None or not all(
        isinstance(one, int | float) and not isinstance(one, bool) and low <= one <= high for one in numbers
    ):
        return None
    reason = found.get("reason")
    score = float(np.mean(numbers)) if numbers else None  # type: ignore[arg-type]
    return Vote(verdict, score, reason if isinstance(reason, str) else None)


def judge_all(engine: Engine, inputs: Inputs, params: Params, folder: Path) -> Dataset:
    """Put the question about every line, as often as it has votes; write what they say."""
    asking = Asking(
        params.model,
        params.sampling.model_copy(update={"form": params.form}) if params.structured else params.sampling,
        params.system,
        "",
        params.concurrency,
        template=params.template(inputs.grain),
    )
    journal = folder.parent / JOURNAL
    asked = [_asked(shard, asking, params.votes) for shard in inputs.shards]
    errors: list[dict[int, str]] = [{} for _ in asked]
    evidence = []
    with closing(open_sampler(asking, engine, journal)) as sampler:
        if any(one.more.any() for one in asked):
            for answer in sampler.sample(asked, folder / "asked"):
                if answer.completion.failure is not None:
                    errors[answer.shard].setdefault(answer.row, answer.completion.error)
        (folder / "evidence").mkdir(exist_ok=True)
        with Journal(journal) as kept:
            for index, one in enumerate(asked):
                table = _table(one, asking, params, sampler.fingerprint, kept, errors[index])
                evidence.append(shard_path(folder / "evidence", index))
                write_parquet(table, evidence[-1])
    return Dataset(tuple(evidence))


def _asked(shard: Shard, asking: Asking, votes: int) -> Wanted:
    has_text = [messages is not None for messages in prompts_of(shard, asking).messages]
    none = np.zeros(len(has_text), dtype=np.int32)
    return Wanted(shard, none, np.where(has_text, votes, 0).astype(np.int32))


def _table(
    wanted: Wanted, asking: Asking, params: Params, fingerprint: str, journal: Journal, errors: dict[int, str]
) -> pa.Table:
    """Evidence of a shard."""
    shard = wanted.shard
    keys = shard.keys()
    skipped = set(shard.skip_mask().rows())
    lines = []
    for row, (key, messages) in enumerate(zip(keys.rows(), prompts_of(shard, asking).messages, strict=True)):
        requests = [Request(messages, vote) for vote in range(wanted.more[row])] if messages else []
        hashes = [request.key(fingerprint, asking.sampling) for request in requests]
        known = journal.get_many(hashes)
        texts = [known[one].text for one in hashes if one in known and known[one].failure is None]
        line = tally([parse_vote(text, params) for text in texts], len(requests), params.needed)
        if not requests:
            line[STATUS] = "skipped" if key in skipped else "no-text"
        model = fingerprint if requests else None
        lines.append(
            {**dict(zip(keys.columns, key, strict=True)), **line, "model": model, "error": errors.get(row)}
        )
    schema = pa.schema([*((name, KEY_TYPES[name]) for name in KEYS[shard.grain]), *EVIDENCE])
    return pa.Table.from_pylist(lines, schema=schema)


def tally(votes: Sequence[Vote | None], asked: int, needed: int) -> dict[str, Any]:
    """Evidence of one line from the votes that came, null where one could not be read."""
    parsed = [vote for vote in votes if vote is not None]
    (verdict, n_votes), *_ = [*Counter(vote.verdict for vote in parsed).most_common(), (None, 0)]
    scores = [vote.score for vote in parsed if vote.score is not None]
    if n_votes >= needed and sum(vote.verdict != verdict for vote in parsed) < n_votes:
        status = "ok"
    else:
        status = "no-majority" if parsed else "unparsed" if votes else "failed"
    decided = verdict if status == "ok" else None
    return {
        "verdict": decided,
        "votes": n_votes,
        "parsed": len(parsed),
        "unparsed": len(votes) - len(parsed),
        "failed": asked - len(votes),
        "score": float(np.mean(scores)) if scores else None,
        "reason": next((vote.reason for vote in parsed if vote.verdict == decided), None),
        STATUS: status,
    }


STAGE = Stage(
    name="judge",
    version=VERSION,
    grain="row",
    reads=FILLED["row"],
    evidence=EVIDENCE,
    params=Params,
    whole=judge_all,
    runs="gpu",
)

RESPONSE_STAGE = STAGE._replace(
    name="judge-response", grain="response", reads=("response", "prompt", "answer"), params=ResponseParams
)
