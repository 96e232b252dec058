"""What is known of a row's ground truth before anything is weighed: who answers what, what copies say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from curate.answers.votes import Compare, Pair, gold_text, key, unverifiable, vote_all
from curate.flow import ROW_ID, read_parquet
from curate.kernels.answer_model import Votes
from curate.stages.ballots import Ballot
from curate.stages.inputs import Shard
from curate.stages.label_conflict import CLUSTER, shared_clusters

MAX_COPY_ANSWERS = 8
"""More different ground truths in a cluster are a template's, not one problem's."""
UNREADABLE_PRIOR = 0.5
NO_NAME = ""
"""The voter that all responses without a model's name belong to."""


class Poll(NamedTuple):
    """One row. Clusters of answers are numbered from 0, most votes first."""

    row_id: int
    gold: str | None
    unverifiable: str  # why nothing can be equal to the ground truth; empty if something can
    models: list[str]
    response_ids: list[int]
    votes: list[int]  # cluster of each response; -1: no answer
    answers: list[str]  # of each cluster
    equals_gold: list[bool | None]  # of each cluster; None: not known
    n_equal: int  # copies with this row's ground truth, the row included
    against: list[str]  # other ground truths of copies
    against_rows: list[list[int]]
    told: list[list[int]]  # for each of these, the clusters it equals

    @property
    def valid(self) -> int:
        """Responses with an answer."""
        return sum(vote >= 0 for vote in self.votes)

    @property
    def is_evidence(self) -> bool:
        """Whether anything speaks for or against the ground truth."""
        return bool(self.valid or self.against or self.unverifiable)


POLLS = pa.schema(
    [
        (ROW_ID, pa.int64()),
        ("gold", pa.large_string()),
        ("unverifiable", pa.string()),
        ("models", pa.list_(pa.string())),
        ("response_ids", pa.list_(pa.int32())),
        ("votes", pa.list_(pa.int32())),
        ("answers", pa.list_(pa.large_string())),
        ("equals_gold", pa.list_(pa.bool_())),
        ("n_equal", pa.int32()),
        ("against", pa.list_(pa.large_string())),
        ("against_rows", pa.list_(pa.list_(pa.int64()))),
        ("told", pa.list_(pa.list_(pa.int32()))),
    ]
)


class Copies(NamedTuple):
    """Ground truths of the rows of one cluster: their keys, and for each the text and the rows."""

    texts: dict[str, str]
    rows: dict[str, list[int]]


NO_COPIES = Copies({}, {})


def copies_by_row(shards: Sequence[Shard], clusters: str | None) -> dict[int, Copies]:
    """For each row that has copies, what their ground truths are; clusters where all agree in writing too."""
    if clusters is None:
        return {}
    shared = shared_clusters(shards, clusters)
    by_cluster: dict[int, Copies] = {}
    of_row: dict[int, Copies] = {}
    for shard in shards:
        path = next(item.path for item in shard.evidence if item.name == clusters)
        cluster = read_parquet(path, [CLUSTER])[CLUSTER].to_numpy()
        met = np.isin(cluster, shared)
        rows = read_parquet(shard.rows, [ROW_ID, "answer"]).filter(pa.array(met)).to_pydict()
        for row_id, answer, its in zip(rows[ROW_ID], rows["answer"], cluster[met], strict=True):
            text = gold_text(answer)
            if text is None or unverifiable(text):
                continue
            copies = by_cluster.setdefault(int(its), Copies({}, {}))
            copies.texts.setdefault(key(text), text)
            copies.rows.setdefault(key(text), []).append(row_id)
            of_row[row_id] = copies
    return of_row


def polls_of(
    golds: Sequence[str | None], ballots: Sequence[Ballot], copies: Mapping[int, Copies], compare: Compare
) -> list[Poll]:
    """The polls of these rows. Answers are compared in a few rounds of questions, all rows at once."""
    texts = [gold_text(gold) for gold in golds]
    votes = vote_all([ballot.answers for ballot in ballots], compare)
    found = [copies.get(ballot.row_id, NO_COPIES) for ballot in ballots]
    others = [
        [its for its in one.texts if text is not None and its != key(text)]
        if len(one.texts) <= MAX_COPY_ANSWERS
        else []
        for one, text in zip(found, texts, strict=True)
    ]
    pairs: dict[Pair, None] = {}
    for text, vote, one, keys in zip(texts, votes, found, others, strict=True):
        if text is not None:
            pairs |= {(text, cluster.answer): None for cluster in vote.clusters}
            pairs |= {(text, one.texts[its]): None for its in keys}
            pairs |= {(one.texts[its], cluster.answer): None for its in keys for cluster in vote.clusters}
    said = dict(zip(pairs, compare(list(pairs)), strict=True))
    polls = []
    for text, ballot, vote, one, keys in zip(texts, ballots, votes, found, others, strict=True):
        place = [-1] * len(ballot.answers)
        for number, cluster in enumerate(vote.clusters):
            for member in cluster.members:
                place[member] = number
        answers = [cluster.answer for cluster in vote.clusters]
        equal = [its for its in keys if text is not None and said[text, one.texts[its]]]
        against = [its for its in keys if text is not None and said[text, one.texts[its]] is False]
        own = len(one.rows.get(key(text), [])) if text is not None else 0
        polls.append(
            Poll(
                ballot.row_id,
                text,
                "" if text is None else unverifiable(text),
                [model or NO_NAME for model in ballot.models],
                list(ballot.response_ids),
                place,
                answers,
                [None if text is None else said[text, answer] for answer in answers],
                max(1, own + sum(len(one.rows[its]) for its in equal)),
                [one.texts[its] for its in against],
                [one.rows[its] for its in against],
                [
                    [number for number, answer in enumerate(answers) if said[one.texts[its], answer]]
                    for its in against
                ],
            )
        )
    return polls


class Stated(NamedTuple):
    """What is stated before anything is looked at; see the parameters of gold-audit."""

    prior: float
    same_problem: float
    copied: float


class Prior(NamedTuple):
    """Before any vote: that the ground truth is right; wrong, nobody says what is right; wrong, and each of
    `against` right."""

    right: float
    other: float
    told: list[float]


def prior_of(poll: Poll, stated: Stated) -> Prior:
    """What the ground truth itself and those of copies say.

    Copies that differ are one problem with probability `same_problem`: then exactly one answer is right, each
    as likely as the others, but for those that stand in two or more copies, which count 1 / `copied` times.
    """
    wrong = UNREADABLE_PRIOR if poll.unverifiable else stated.prior
    odds = wrong / (1 - wrong)
    if not poll.against:
        odds *= stated.copied if poll.n_equal > 1 else 1.0
        return Prior(1 / (1 + odds), odds / (1 + odds), [])
    unreadable = odds * (1 - stated.prior) / stated.prior

    def support(n_rows: int) -> float:
        return 1.0 if n_rows == 1 else 1 / stated.copied

    weights = [unreadable * support(len(rows)) / support(poll.n_equal) for rows in poll.against_rows]
    total = 1 + sum(weights)
    same = stated.same_problem
    told = [same * weight / total for weight in weights]
    return Prior(same / total + (1 - same) * (1 - wrong), (1 - same) * wrong, told)


def as_votes(polls: Sequence[Poll], names: Sequence[str], stated: Stated) -> Votes:
    """The polls as arrays: candidates are the clusters of each poll, then "none of them"."""
    number = {name: place for place, name in enumerate(names)}
    cluster: list[int] = []
    voter: list[int] = []
    row: list[int] = []
    is_gold: list[float] = []
    told: list[float] = []
    priors = [prior_of(poll, stated) for poll in polls]
    for place, (poll, prior) in enumerate(zip(polls, priors, strict=True)):
        first = len(row)
        for vote, model in zip(poll.votes, poll.models, strict=True):
            if vote >= 0:
                cluster.append(first + vote)
                voter.append(number[model])
        n = len(poll.answers)
        row += [place] * (n + 1)
        is_gold += _gold_shares(poll)
        told_here = [0.0] * (n + 1)
        for chance, equal in zip(prior.told, poll.told, strict=True):
            for candidate in equal or [n]:
                told_here[candidate] += chance / max(1, len(equal))
        told += told_here
    return Votes(
        np.array(cluster, np.int64),
        np.array(voter, np.int64),
        np.array(row, np.int64),
        np.array(is_gold, np.float64),
        np.array([prior.right for prior in priors], np.float64),
        np.array([prior.other for prior in priors], np.float64),
        np.array(told, np.float64),
        len(names),
    )


def _gold_shares(poll: Poll) -> list[float]:
    """Probability that each cluster, and at last none of them, is the ground truth."""
    sure = [equal is True for equal in poll.equals_gold]
    if any(sure):
        return [one / sum(sure) for one in sure] + [0.0]
    maybe = [equal is None and not poll.unverifiable for equal in poll.equals_gold]
    if any(maybe):
        return [one / sum(maybe) / 2 for one in maybe] + [0.5]
    return [0.0] * len(sure) + [1.0]


def votes_for(poll: Poll, cluster: int) -> int:
    """Responses that give the answer of a cluster."""
    return poll.votes.count(cluster)


def gold_count(poll: Poll, equal: Literal[True] | None) -> int:
    """Responses that give the ground truth; with None those of which that is not known."""
    return sum(vote >= 0 and poll.equals_gold[vote] is equal for vote in poll.votes)
