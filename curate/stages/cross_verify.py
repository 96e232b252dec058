r"""What other models make of a row's ground truth: confirmed, to be revised, or contested.

Measures
    Scheme `arbiter` (AM-Thinking-v1): the answer that most responses of the first models give is compared
    with the ground truth. Where they agree, the ground truth is `kept`. Where not, the arbiter's answer
    decides: if it is the first models', the ground truth is to be `revised` to the arbiter's text. The
    arbiter's responses are those of the models named in `arbiter`, or stand in the file `arbiter-answers`.
    Scheme `k-of-n` (Skywork-OR1): kept if at least `k` of the first `n` responses agree with the ground
    truth. `all-agree` (DeepMath): if all responses, `n` of them or more, agree with each other and with it.
    `re-extraction` (Skywork-OR1): if a response that boxed the ground truth would be read as the ground
    truth. The counts are the same under every scheme, so a rule may ask for more.
Columns
    outcome         kept; revised; b-agrees-with-gt: the arbiter confirms the ground truth against the
                    first models; all-disagree: three answers; needs-arbiter: the arbiter has not answered
                    yet; weak: the first models contradict the ground truth, but fewer than `min-share` of
                    them, or no more than `min-lead` votes ahead; arbiter-no-answer: the arbiter names none,
                    or its votes are tied; tie, no-answer, no-response: of the first models; undecided: a
                    comparison that matters could not be decided; unverifiable-gt: a placeholder, prose,
                    a broken formula: nothing can be equal to it (and the arbiter has not agreed with the
                    first models); pseudo-label: there was no ground truth, `answer` is one; no-gt: there is
                    none. Of the schemes without arbiter too: too-few-votes, too-few-responses
    answer          what the ground truth should be, where that is something new (revised, pseudo-label)
    ask             the arbiter has not answered, and its answer would change the outcome
    gold            the ground truth as it was compared: after `####`, in the last box, or the whole text
    gold_votes      responses of the first models that agree with it; gold_unknown: those of which it is not
                    known; null without a ground truth
    first_answer    the answer with most votes of the first models; with n, valid, clusters, top, lead, share,
                    margin, low, entropy, unknown and said as in majority-vote
    arbiter_answer  the arbiter's most frequent answer; arbiter_n: its responses; arbiter_share: of its votes
                    that gave this one; arbiter_models: who that is
    why             what was found, as a sentence
    status          ok; undecided, no-answer, no-response (of the first models); skipped
Not covered
    Whether the arbiter is independent of the first models: models of one family make the same mistakes.
    Multiple-choice letters against the text of the option.
Source
    AM-Thinking-v1 §2.2.1, which says neither how many responses there are, nor what share they need, nor what
    becomes of rows where all disagree: these are `min-share`, `min-lead` and rules here. The defaults
    follow real votes: four samples of two small models on GSM8K are right in 53 of 100 where half of them
    agree, in 4 of 100 ties. Skywork-OR1 §6 (9 of 32; re-extraction); DeepMath-103K §2 (three solutions).

In:  row_id 0, answer "3", responses "\boxed{4}", "\boxed{4}", "\boxed{3}" of the first models, "\boxed{4}"
     of the arbiter (min-lead = 1)
Out: row_id 0, outcome revised, answer "4", ask false, gold "3", gold_votes 1, gold_unknown 0, first_answer
     "4", n 3, valid 3, clusters 2, top 2, lead 1, share 0.667, ..., arbiter_answer "4", arbiter_n 1,
     arbiter_share 1.0, why "2 of 3 answers and the arbiter's are 4, not 3", status ok
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from curate.answers.cross import Scheme, Sides, Terms, conclude
from curate.answers.votes import Pair, gold_text, reextracted, unverifiable, vote_all
from curate.errors import InputError
from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage, read_parquet
from curate.stages.arbiter import ArbiterAnswers, check_rows, read_arbiter
from curate.stages.ballots import (
    SAID,
    Ballot,
    VoteParams,
    as_evidence,
    check_models,
    read_ballots,
    referee,
)
from curate.stages.inputs import Inputs, Shard
from curate.stages.majority_vote import COUNTS, counts

VERSION = 2

EVIDENCE = pa.schema(
    [
        ("outcome", pa.string()),
        ("answer", pa.large_string()),
        ("ask", pa.bool_()),
        ("gold", pa.large_string()),
        ("gold_votes", pa.int32()),
        ("gold_unknown", pa.int32()),
        ("first_answer", pa.large_string()),
        *COUNTS[1:],
        ("said", SAID),
        ("arbiter_answer", pa.large_string()),
        ("arbiter_n", pa.int32()),
        ("arbiter_share", pa.float64()),
        ("arbiter_models", pa.list_(pa.string())),
        ("why", pa.string()),
        (STATUS, pa.string()),
    ]
)
NOT_OK = ("undecided", "no-answer", "no-response")


class Params(VoteParams):
    """Parameters of `cross-verify`."""

    stage: Literal["cross-verify"] = "cross-verify"
    scheme: Scheme = "arbiter"
    """Who must agree with the ground truth."""
    first: list[str] = Field([])
    """Models whose responses vote (names; * and ? stand for any letters); empty: all but the arbiter."""
    arbiter: list[str] = Field([])
    """Models among the responses whose answer decides where the others contradict the ground truth."""
    arbiter_answers: str | None = None
    """File of the arbiter's answers (Parquet): row_id and `response` or `answer`, see `curate verify`."""
    min_share: float = Field(0.5, ge=0, le=1)
    """Least share of the first models' responses that an answer against the ground truth needs."""
    min_lead: int = Field(2, ge=1)
    """Least number of votes that it is ahead of the next answer."""
    label_share: float = Field(0.75, ge=0, le=1)
    """Least share that an answer needs to become a ground truth without an arbiter, where there is none."""
    k: int = Field(9, ge=1)
    """Scheme k-of-n: responses that must agree with the ground truth."""
    n: int = Field(32, ge=1)
    """Scheme k-of-n: responses that are looked at; all-agree: the least number of responses."""
    confidence: float = Field(0.95, gt=0, lt=1)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.scheme == "k-of-n" and self.k > self.n:
            raise ValueError(f"k of n with k at most n; found k = {self.k}, n = {self.n}")
        return self

    def files(self) -> tuple[str, ...]:
        """The arbiter's answers. Raises InputError if they are not there."""
        if self.arbiter_answers is None:
            return ()
        if not Path(self.arbiter_answers).is_file():
            raise InputError(
                f"{self.arbiter_answers}: expected the Parquet file of the arbiter's answers, found no file."
            )
        return (self.arbiter_answers,)

    def terms(self) -> Terms:
        """What the conclusions depend on."""
        return Terms(self.scheme, self.min_share, self.min_lead, self.label_share, self.k, self.n)


def cross_verify(engine: Engine, inputs: Inputs, params: Params, folder: Path) -> Dataset:
    """Evidence of all shards, in their order.

    Raises InputError for models that nobody is, and for a file of answers that does not fit the rows.
    """
    check_models(inputs.shards, params.first, "cross-verify.first")
    check_models(inputs.shards, params.arbiter, "cross-verify.arbiter")
    answers: ArbiterAnswers = {}
    if params.arbiter_answers is not None:
        answers = read_arbiter(Path(params.arbiter_answers), params.extract, params.think_close)
        check_rows(answers, inputs.shards, params.arbiter_answers)
    fn = functools.partial(measure, params=params, answers=answers)
    return engine.map(fn, inputs.shards, folder / "evidence", runs="inline", label="cross-verify")


def measure(shard: Shard, params: Params, answers: ArbiterAnswers) -> pa.Table:
    """The evidence of one shard."""
    ballots = read_ballots(shard, params)
    golds = dict(zip(*read_parquet(shard.rows, [ROW_ID, "answer"]).to_pydict().values(), strict=True))
    firsts = [_first(ballot, params) for ballot in ballots]
    arbiters = [_arbiter(ballot, params, answers) for ballot in ballots]
    found = look([golds[ballot.row_id] for ballot in ballots], firsts, arbiters, params)
    tallies = counts([sides.first for sides in found], params.confidence)
    lines = []
    for first, arbiter, sides, tally in zip(firsts, arbiters, found, tallies, strict=True):
        ending = conclude(sides, params.terms())
        lines.append(
            {
                **tally,
                ROW_ID: first.row_id,
                **ending._asdict(),
                "gold": sides.gold,
                "gold_votes": None if sides.gold is None else sides.gold_votes,
                "gold_unknown": None if sides.gold is None else sides.gold_unknown,
                "first_answer": tally["answer"],
                "said": first.said(sides.first.clusters),
                "arbiter_answer": sides.arbiter.answer,
                "arbiter_n": sides.arbiter.n,
                "arbiter_share": sides.arbiter.top / sides.arbiter.n if sides.arbiter.n else None,
                "arbiter_models": sorted({model for model in arbiter.models if model is not None}),
                STATUS: ending.outcome if ending.outcome in NOT_OK else "ok",
            }
        )
    return as_evidence(lines, shard, pa.schema([(ROW_ID, pa.int64()), *EVIDENCE]))


def _first(ballot: Ballot, params: Params) -> Ballot:
    """The votes that are counted first: those of `first`, or of all that are not the arbiter's."""
    chosen = ballot.of(params.first) if params.first else ballot.of(params.arbiter, but=True)
    if params.scheme != "k-of-n":
        return chosen
    return chosen._replace(
        answers=chosen.answers[: params.n],
        models=chosen.models[: params.n],
        response_ids=chosen.response_ids[: params.n],
    )


def _arbiter(ballot: Ballot, params: Params, answers: ArbiterAnswers) -> Ballot:
    """The arbiter's votes: those among the responses, then those of the file."""
    own = ballot.of(params.arbiter)
    texts, model = answers.get(ballot.row_id, ((), None))
    return own._replace(
        answers=(*own.answers, *texts),
        models=(*own.models, *([model] * len(texts))),
        response_ids=(*own.response_ids, *([-1] * len(texts))),
    )


def look(
    golds: Sequence[str | None], firsts: Sequence[Ballot], arbiters: Sequence[Ballot], params: Params
) -> list[Sides]:
    """Both votes of every row, and how they and the ground truth compare; one round of questions each."""
    compare = referee(params)
    texts = [gold_text(gold) for gold in golds]
    problems = ["" if text is None else unverifiable(text) for text in texts]
    if params.scheme == "re-extraction":
        problems = _unread(texts, problems, params)
    first = vote_all([ballot.answers for ballot in firsts], compare)
    second = vote_all([ballot.answers for ballot in arbiters], compare)
    pairs: dict[Pair, None] = {}
    for gold, a, b in zip(texts, first, second, strict=True):
        if gold is not None:
            pairs |= {(gold, cluster.answer): None for cluster in a.clusters}
        pairs |= {(x, y): None for x in (gold, a.answer) for y in [b.answer] if x is not None and y}
    said: dict[Pair, bool | None] = dict(zip(pairs, compare(list(pairs)), strict=True))

    def same(x: str | None, y: str | None) -> bool | None:
        return None if x is None or y is None else said[x, y]

    sides = []
    for gold, problem, a, b in zip(texts, problems, first, second, strict=True):
        with_gold = [same(gold, cluster.answer) for cluster in a.clusters]
        sizes = [len(cluster.members) for cluster in a.clusters]
        sides.append(
            Sides(
                gold,
                problem,
                a,
                b,
                sum(size for size, equal in zip(sizes, with_gold, strict=True) if equal),
                sum(size for size, equal in zip(sizes, with_gold, strict=True) if equal is None),
                same(gold, a.answer),
                same(a.answer, b.answer),
                same(gold, b.answer),
            )
        )
    return sides


def _unread(texts: Sequence[str | None], problems: list[str], params: Params) -> list[str]:
    """Why ground truths are not read back from a box as what they are; empty for those that are."""
    back = [None if text is None else reextracted(text) for text in texts]
    asked = [(text, again) for text, again in zip(texts, back, strict=True) if text and again]
    said = dict(zip(asked, referee(params)(asked), strict=True))
    return [
        problem
        or ("" if text is None or (again is not None and said[text, again]) else f"read back as {again}")
        for text, again, problem in zip(texts, back, problems, strict=True)
    ]


STAGE = Stage(
    name="cross-verify",
    version=VERSION,
    grain="row",
    reads=("response", "model", "answer"),
    evidence=EVIDENCE,
    params=Params,
    whole=cross_verify,
    runs="inline",
)
