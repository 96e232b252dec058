r"""How likely each ground truth is wrong, by what models answer and what copies of the problem say, and why.

Measures
    The posterior log-odds that the ground truth is wrong, under the model of `curate.kernels.answer_model`:
    problems differ in difficulty, models in ability, wrong answers meet. Abilities and the rest are learnt
    from the data itself. So one strong model against the ground truth may weigh more than ten weak ones for
    it, and unanimity on problems where everybody errs alike weighs little.
    Stated beforehand: `prior`, that a ground truth is wrong (0.5 for one that cannot be compared with
    anything: a placeholder, prose, a broken formula); `same-problem`, that near-duplicates whose ground
    truths differ are one problem (else the difference means nothing; of 30 such pairs of five maths corpora,
    read, 24 were); `copied`, that two equal ground truths of copies have one origin, and so count as one.
Columns
    log_odds       of the ground truth being wrong, natural logarithm; above 0 it is more likely wrong than
                   right. Sort by it, highest first, to check the worst
    probability    the same as a probability
    gold           the ground truth as it was compared: after `####`, in the last box, or the whole text
    likely         the most likely answer that is not the ground truth; null if nobody gives another
    likely_votes   responses that give it; gold_votes: that give the ground truth; gold_unknown: of which that
                   is not known
    n              responses; valid: of these with a final answer; share: likely_votes / valid
    copies_against ground truths of copies of the problem that differ from this one
    reasons        sentences that say what speaks against the ground truth; empty if nothing does
    example_id     response_id of a response that gives `likely`, of the ablest model that does
    status         ok; no-gold: null or blank; no-evidence: no response with an answer, no copy that differs,
                   and the ground truth can be compared (log_odds is that of the prior); skipped
Not covered
    Whether the problem itself is sound. Errors that models and ground truths share. Several samples of one
    model count as several opinions, apart from what the difficulty of the problem explains.
Source
    Ours; parts in `curate.kernels.answer_model`. That models which agree against a label point to wrong
    labels: Northcutt et al. 2021 (Confident Learning), §3. Weak models right where strong ones are wrong, as
    a sign of a bad ground truth: reported for Skywork-OR1's data (SkyworkAI/Skywork-OR1, issue 40).

In:  row_id 0, answer "3", responses "\boxed{4}" of a, "\boxed{4}" of b, "\boxed{4}" of c, "\boxed{3}" of d
     (in data in which a, b and c agree with nine tenths of the ground truths, and d with a third)
Out: row_id 0, log_odds 2.1, probability 0.89, gold "3", likely "4", likely_votes 3, gold_votes 1,
     gold_unknown 0, n 4, valid 4, share 0.75, copies_against 0, reasons ["3 of 4 answers are 4; 1 is the
     ground truth, 3.", "Only d agrees with the ground truth (as with 33 % of all); every one of the 3 abler
     models that answer does not."], example_id 0, status ok
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage, read_parquet
from curate.kernels.answer_model import Fitted, believe, fit
from curate.stages.ballots import VoteParams, as_evidence, read_ballots, referee
from curate.stages.gold_polls import (
    NO_NAME,
    POLLS,
    Copies,
    Poll,
    Stated,
    as_votes,
    copies_by_row,
    gold_count,
    polls_of,
    votes_for,
)
from curate.stages.inputs import Inputs, Shard

VERSION = 2

EVIDENCE = pa.schema(
    [
        ("log_odds", pa.float64()),
        ("probability", pa.float64()),
        ("gold", pa.large_string()),
        ("likely", pa.large_string()),
        ("likely_votes", pa.int32()),
        ("gold_votes", pa.int32()),
        ("gold_unknown", pa.int32()),
        ("n", pa.int32()),
        ("valid", pa.int32()),
        ("share", pa.float64()),
        ("copies_against", pa.int32()),
        ("reasons", pa.list_(pa.string())),
        ("example_id", pa.int32()),
        (STATUS, pa.string()),
    ]
)

MAX_FIT_ROWS = 5_000
"""Rows from which abilities are learnt, spread evenly over the data: more change the third digit."""
WEIGHED_AT_ONCE = 10_000
"""Rows, so that the arrays stay below a few hundred megabytes."""
MAX_NAMED = 3  # models named in a sentence
SHOWN_ROWS = 5  # copies named in a sentence


class Params(VoteParams):
    """Parameters of `gold-audit`."""

    stage: Literal["gold-audit"] = "gold-audit"
    clusters: str | None = Field(None, min_length=1)
    """Name of the row evidence whose `cluster_id` says which rows are copies of one problem."""
    prior: float = Field(0.05, gt=0, lt=1)
    """Probability that a ground truth is wrong, before anything is looked at."""
    same_problem: float = Field(0.8, gt=0, lt=1)
    """Probability that copies whose ground truths differ are the same problem."""
    copied: float = Field(0.5, gt=0, lt=1)
    """Probability that two copies with equal ground truths have them from one origin."""

    def evidence_read(self) -> tuple[str, ...]:
        """The clusters."""
        return () if self.clusters is None else (self.clusters,)

    def stated(self) -> Stated:
        """What is stated before anything is looked at."""
        return Stated(self.prior, self.same_problem, self.copied)


class Voters(NamedTuple):
    """Who answers: names, what was fitted, and with what share of the ground truths each agrees."""

    names: list[str]
    fitted: Fitted
    agreement: list[float]

    def told(self, name: str) -> str:
        """The name, and how often it agrees with ground truths."""
        return f"{name} (as with {self.agreement[self.names.index(name)]:.0%} of all)"

    def ability(self, name: str) -> float:
        """What was fitted for this one."""
        return float(self.fitted.ability[self.names.index(name)])


def audit(engine: Engine, inputs: Inputs, params: Params, folder: Path) -> Dataset:
    """Evidence of all shards, in their order: votes are counted, voters fitted, then every row is weighed."""
    label = "gold-audit"
    copies = copies_by_row(inputs.shards, params.clusters)
    read = functools.partial(read_polls, params=params, copies=copies)
    polls = engine.map(read, inputs.shards, folder / "polls", runs="inline", label=f"{label}: votes")
    voters = fit_voters(polls.shards, params)
    fn = functools.partial(weigh, params=params, voters=voters)
    items = list(zip(inputs.shards, polls.shards, strict=True))
    return engine.map(fn, items, folder / "evidence", runs="inline", label=f"{label}: evidence")


def read_polls(shard: Shard, params: Params, copies: dict[int, Copies]) -> pa.Table:
    """What is known of each row of a shard that `skip-if` leaves; schema POLLS."""
    ballots = read_ballots(shard, params)
    golds = dict(zip(*read_parquet(shard.rows, [ROW_ID, "answer"]).to_pydict().values(), strict=True))
    polls = polls_of([golds[ballot.row_id] for ballot in ballots], ballots, copies, referee(params))
    return pa.Table.from_pylist([poll._asdict() for poll in polls], schema=POLLS)


def fit_voters(shards: Sequence[Path], params: Params) -> Voters:
    """Abilities, from at most MAX_FIT_ROWS rows with a ground truth and an answer, spread over the data."""
    n_told = sum(len(_told(shard)) for shard in shards)
    step, seen = max(1, -(-n_told // MAX_FIT_ROWS)), 0
    sample: list[Poll] = []
    names: set[str] = set()
    for shard in shards:
        polls = _told(shard)
        sample += polls[-seen % step :: step]
        seen += len(polls)
        names |= {name for poll in polls for name in poll.models}
    order = sorted(names)
    votes = as_votes(sample, order, params.stated())
    agree = np.bincount(votes.voter, votes.is_gold[votes.cluster], len(order))
    share = agree / np.maximum(1, np.bincount(votes.voter, minlength=len(order)))
    return Voters(order, fit(votes), [float(one) for one in share])


def _told(shard: Path) -> list[Poll]:
    return [poll for poll in _polls(shard) if poll.gold is not None and poll.valid]


def _polls(shard: Path) -> list[Poll]:
    return [Poll(**line) for line in read_parquet(shard).to_pylist()]


def weigh(item: tuple[Shard, Path], params: Params, voters: Voters) -> pa.Table:
    """The evidence of one shard."""
    shard, path = item
    polls = _polls(path)
    judged = [poll for poll in polls if poll.gold is not None]
    lines = [
        {ROW_ID: poll.row_id, "n": len(poll.votes), "valid": poll.valid, "reasons": [], STATUS: "no-gold"}
        for poll in polls
        if poll.gold is None
    ]
    for start in range(0, len(judged), WEIGHED_AT_ONCE):
        some = judged[start : start + WEIGHED_AT_ONCE]
        votes = as_votes(some, voters.names, params.stated())
        belief = believe(votes, voters.fitted)
        firsts = np.searchsorted(votes.row, np.arange(len(some)))
        for poll, odds, first in zip(some, belief.log_odds, firsts, strict=True):
            truth = belief.truth[first : first + len(poll.answers)]
            lines.append(_line(poll, float(odds), _likeliest(poll, truth), voters))
    return as_evidence(lines, shard, pa.schema([(ROW_ID, pa.int64()), *EVIDENCE]))


def _likeliest(poll: Poll, truth: np.ndarray[Any, Any]) -> int | None:
    """The most likely cluster that is not the ground truth; None if there is none."""
    others = [number for number, equal in enumerate(poll.equals_gold) if equal is not True]
    return min(others, key=lambda number: (-truth[number], number)) if others else None


def _line(poll: Poll, odds: float, likely: int | None, voters: Voters) -> dict[str, Any]:
    n_likely = 0 if likely is None else votes_for(poll, likely)
    answer = poll.answers[likely] if likely is not None else poll.against[0] if poll.against else None
    return {
        ROW_ID: poll.row_id,
        "log_odds": odds,
        "probability": 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0,
        "gold": poll.gold,
        "likely": answer,
        "likely_votes": n_likely,
        "gold_votes": gold_count(poll, True),
        "gold_unknown": gold_count(poll, None),
        "n": len(poll.votes),
        "valid": poll.valid,
        "share": n_likely / poll.valid if poll.valid else None,
        "copies_against": sum(len(rows) for rows in poll.against_rows),
        "reasons": reasons(poll, likely, voters),
        "example_id": _example(poll, likely, voters),
        STATUS: "ok" if poll.is_evidence else "no-evidence",
    }


def _example(poll: Poll, likely: int | None, voters: Voters) -> int | None:
    """The response that gives the likely answer, of the ablest model that does, the first of several."""
    places = [place for place, vote in enumerate(poll.votes) if vote == likely]
    if likely is None or not places:
        return None
    return poll.response_ids[min(places, key=lambda place: (-voters.ability(poll.models[place]), place))]


def reasons(poll: Poll, likely: int | None, voters: Voters) -> list[str]:
    """What speaks against the ground truth of a row, in sentences; empty if nothing does."""
    gold, said = _shown(poll.gold), []
    if poll.unverifiable:
        said.append(f"The ground truth is {poll.unverifiable}: no answer can be compared with it.")
    n_likely, n_gold = (0 if likely is None else votes_for(poll, likely)), gold_count(poll, True)
    if likely is not None and n_likely >= n_gold:
        answer, of_gold = _shown(poll.answers[likely]), f"{n_gold or 'none'} {'are' if n_gold > 1 else 'is'}"
        if n_likely == poll.valid > 1:
            said.append(f"All {n_likely} answers are {answer}, not {gold}.")
        else:
            said.append(
                f"{n_likely} of {poll.valid} answers are {answer}; {of_gold} the ground truth, {gold}."
            )
        said += _by_ability(poll, likely, voters)
    for answer, rows in zip(poll.against, poll.against_rows, strict=True):
        some = ", ".join(str(row_id) for row_id in rows[:SHOWN_ROWS]) + (", ..." if rows[SHOWN_ROWS:] else "")
        copies = f"copy of the problem (row {some}) has" if len(rows) == 1 else f"copies (rows {some}) have"
        said.append(f"{len(rows)} {copies} another ground truth: {_shown(answer)}.")
    if n_unknown := gold_count(poll, None):
        said.append(f"Whether {n_unknown} of the answers equal the ground truth could not be decided.")
    return said


def _by_ability(poll: Poll, likely: int, voters: Voters) -> list[str]:
    """What follows from who the models are, where they have names."""
    against = {model for model, vote in zip(poll.models, poll.votes, strict=True) if vote == likely}
    agree = {
        model
        for model, vote in zip(poll.models, poll.votes, strict=True)
        if vote >= 0 and poll.equals_gold[vote]
    }
    every = {model for model, vote in zip(poll.models, poll.votes, strict=True) if vote >= 0}
    if len(every) < 2 or NO_NAME in every:
        return []
    order = sorted(every, key=lambda model: (-voters.ability(model), model))
    said = []
    if order[0] in against - agree:
        share = f"{voters.agreement[voters.names.index(order[0])]:.0%}"
        said.append(
            f"{order[0]}, the ablest of the models that answer (it agrees with {share} of the ground "
            f"truths), says {_shown(poll.answers[likely])}."
        )
    n_abler = next((place for place, model in enumerate(order) if model in agree), 0)
    if n_abler >= 2:
        some = [voters.told(model) for model in order[n_abler:] if model in agree]
        more = f" and {len(some) - MAX_NAMED} more" if len(some) > MAX_NAMED else ""
        said.append(
            f"Only {', '.join(some[:MAX_NAMED])}{more} {'agrees' if len(some) == 1 else 'agree'} with the "
            f"ground truth; not one of the {n_abler} abler models that answer does."
        )
    return said


def _shown(answer: str | None) -> str:
    text = "" if answer is None else " ".join(answer[:200].split())
    return text if len(text) <= 60 else f"{text[:57]}..."


STAGE = Stage(
    name="gold-audit",
    version=VERSION,
    grain="row",
    reads=("response", "model", "answer"),
    evidence=EVIDENCE,
    params=Params,
    whole=audit,
    runs="inline",
)
