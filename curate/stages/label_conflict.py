r"""Which rows of a cluster of duplicates have another ground truth than their copies.

Measures
    The ground truths of the rows that earlier evidence puts into one cluster (`clusters`, near-dedup by
    default), compared with each other by the tiers of math-verify that need no computer algebra
    (`curate.answers.exact`): same text, exact numbers, options, currencies and units at the end. An
    answer is what `gold_answer` finds: after `####`, in the last box, or the whole text. One that equals
    several others counts with the most frequent of them. What those tiers cannot decide
    (x + 1 and 1 + x, a word and a number) is never a conflict.
Columns
    n_answers    distinct ground truths in the cluster; answers that are not known to be equal count apart
    conflict     some answer of the cluster surely differs from this row's; null if that is not known
    majority     the most frequent answer of the cluster, cut to 1,000 characters; ties go to the answer of
                 the smallest row_id
    agree_share  share of the cluster's answered rows that agree with this one's answer, this row included;
                 null without an answer, and where some answer may or may not be equal to it
    status       ok; alone: no other row is in the cluster, `conflict` is false and the rest is null;
                 undecided: of two answers of the cluster it is not known whether they are equal (where
                 another answer surely differs from the row's, `conflict` is true all the same);
                 no-answer: the ground truth is null or blank; no-cluster: `cluster_id` is null;
                 skipped: `skip-if` holds, and the row is compared with none
Not covered
    Algebra: see math-verify. Rounding: 6.67 is not 20/3. Whether the problems are the same: a near copy
    that asks for another quantity, or has its options in another order, has another answer rightly. Which
    of two answers is right.
Source
    Ours. That copies disagree about the answer is a known defect of merged mathematics corpora; which
    rule acts on it is for the recipe to say.

In:  row_id 0, near.cluster_id 0, answer "1/2"; row_id 1, 0, "0.5"; row_id 2, 0, "2"
Out: row_id 0, n_answers 2, conflict true, majority "1/2", agree_share 0.667, status ok; row_id 1 the same;
     row_id 2, n_answers 2, conflict true, majority "1/2", agree_share 0.333, status ok
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.answers import exact
from curate.answers.extract import gold_answer
from curate.answers.latex import as_latex
from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage, StageParams
from curate.stages.inputs import Inputs, Shard

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("n_answers", pa.int32()),
        ("conflict", pa.bool_()),
        ("majority", pa.large_string()),
        ("agree_share", pa.float64()),
        (STATUS, pa.string()),
    ]
)

CLUSTER = "cluster_id"
MEETING = "meeting"  # the cluster, or the row itself where it has none
ANSWER = "answer"

MAX_SHOWN = 1_000  # characters of an answer that are kept as evidence
MAX_COMPARED = 1_000  # characters; a longer answer is only looked at for equality of the text
MAX_PAIRS = 20_000
"""Pairs of answers of one cluster that are compared one by one, about 0.2 s; numbers need no pairs."""
NEIGHBOURS = 4
MAX_DISTANCE = Fraction(1, 1_000)
"""A number is asked about with this many numbers next in size, up to this far away: only near ones can
differ by rounding alone (`exact` leaves open at most two millionths)."""


class LabelConflictParams(StageParams):
    """Which rows are copies of each other."""

    stage: Literal["label-conflict"]
    clusters: str = Field(
        default="near",
        min_length=1,
        description="Name of the row evidence whose `cluster_id` groups the rows",
    )

    def evidence_read(self) -> tuple[str, ...]:
        """The clusters."""
        return (self.clusters,)


def find_conflicts(engine: Engine, inputs: Inputs, params: LabelConflictParams, folder: Path) -> Dataset:
    """Evidence of all shards, in their order; what lies between is written to `folder`."""
    name = "label-conflict"
    labels = engine.map(
        functools.partial(read_labels, clusters=params.clusters),
        inputs.shards,
        folder / "labels",
        runs="thread",
        label=f"{name}: read",
    )
    compared = engine.shuffle(labels, MEETING, compare_rows, folder / "compared", label=f"{name}: compare")
    return engine.shuffle(
        compared, ROW_ID, in_order, folder / "evidence", bounds=inputs.bounds, label=f"{name}: sort"
    )


def read_labels(shard: Shard, clusters: str) -> pa.Table:
    """row_id, the cluster (the row itself where it has none), answer, status, of one shard."""
    facts = shard.facts([f"row.{ANSWER}", f"{clusters}.{CLUSTER}"], "row")
    cluster = pl.col(clusters).struct.field(CLUSTER)
    status = (
        pl.when(pl.col(ROW_ID).is_in(shard.skipped().tolist()))
        .then(pl.lit("skipped"))
        .when(cluster.is_null())
        .then(pl.lit("no-cluster"))
        .otherwise(pl.lit("ok"))
    )
    rows = facts.select(
        ROW_ID,
        pl.coalesce(cluster, ROW_ID).cast(pl.Int64).alias(MEETING),
        pl.col("row").struct.field(ANSWER),
        status.alias(STATUS),
    )
    return rows.to_arrow()


LABELS = {
    MEETING: pl.Int64, ANSWER: pl.String, "n_answers": pl.Int32, "conflict": pl.Boolean,
    "majority": pl.String, "agree_share": pl.Float64, "unsure": pl.Boolean,
}  # fmt: skip


def compare_rows(partition: pa.Table) -> pa.Table:
    """The evidence of rows whose clusters are all in this partition, in no particular order."""
    rows = pl.from_arrow(partition)
    assert isinstance(rows, pl.DataFrame)
    alone = (pl.col(STATUS) == "ok") & (pl.len().over(MEETING, STATUS) == 1)
    rows = rows.with_columns(pl.when(alone).then(pl.lit("alone")).otherwise(STATUS).alias(STATUS))
    met = rows.filter(pl.col(STATUS) == "ok")
    given = (
        met.filter(pl.col(ANSWER).is_not_null())
        .group_by(MEETING, ANSWER)
        .agg(pl.len().alias("n"), pl.col(ROW_ID).min().alias("first"))
        .sort(MEETING, "first")
    )
    lines: list[tuple[object, ...]] = []
    for cluster, answers in itertools.groupby(given.iter_rows(), key=lambda line: int(line[0])):
        lines += [(cluster, *line) for line in compare([Given(*answer[1:]) for answer in answers])]
    labels = pl.DataFrame(lines, schema=LABELS, orient="row")
    of_cluster = labels.group_by(MEETING).agg(pl.col("n_answers", "majority").first())
    judged = met.join(labels, on=[MEETING, ANSWER], how="left").with_columns(
        pl.when(pl.col("unsure"))
        .then(pl.lit("undecided"))
        .when(pl.col("unsure").is_null())
        .then(pl.lit("no-answer"))
        .otherwise(pl.lit("ok"))
        .alias(STATUS)
    )
    judged = judged.join(of_cluster, on=MEETING, how="left", suffix="_of_cluster").with_columns(
        pl.coalesce("n_answers", "n_answers_of_cluster", pl.lit(0)).cast(pl.Int32).alias("n_answers"),
        pl.coalesce("majority", "majority_of_cluster").alias("majority"),
    )
    is_alone = pl.when(pl.col(STATUS) == "alone").then(pl.lit(value=False))
    rest = rows.filter(pl.col(STATUS) != "ok").with_columns(is_alone.alias("conflict"))
    columns = [ROW_ID, *EVIDENCE.names]
    return pl.concat(
        [judged.select(columns), rest.select(ROW_ID, "conflict", STATUS)], how="diagonal"
    ).to_arrow()


class Given(NamedTuple):
    """A ground truth as rows of one cluster write it."""

    answer: str
    n: int  # rows that write it so
    first: int  # smallest of their row_ids


class Label(NamedTuple):
    """What the evidence says of the rows with one answer."""

    answer: str
    n_answers: int
    conflict: bool | None
    majority: str
    agree_share: float | None
    unsure: bool  # of some two answers of the cluster it is not known whether they are equal


class _Kind(NamedTuple):
    """Answers that are equal beyond doubt: one number, or one text."""

    key: Fraction | str
    text: str  # of the first row
    latex: str
    n: int
    first: int

    @property
    def is_number(self) -> bool:
        """Whether it is told apart by its value."""
        return isinstance(self.key, Fraction)


def compare(given: Sequence[Given]) -> list[Label]:
    r"""What is known of the ground truths of one cluster; those that are blank are left out.

    >>> [(x.answer, x.conflict, x.agree_share) for x in compare([Given("1/2", 2, 0), Given("0.5", 1, 3)])]
    [('1/2', False, 1.0), ('0.5', False, 1.0)]
    >>> [x.conflict for x in compare([Given("3", 1, 0), Given("4", 1, 1), Given("x+1", 1, 2)])]
    [True, True, None]
    """
    kinds: dict[Fraction | str, _Kind] = {}
    key_of: dict[str, Fraction | str] = {}
    for answer, n, first in given:
        found = gold_answer(answer)
        if found is None:
            continue
        latex = as_latex(found.text)
        key = key_of[answer] = _key(latex)
        known = kinds.get(key) or _Kind(key, found.text, latex, 0, first)
        kinds[key] = known._replace(n=known.n + n, first=min(known.first, first))
    if not kinds:
        return []
    order = sorted(kinds.values(), key=lambda kind: (-kind.n, kind.first))
    told = _tell_apart(order)
    group_of = {kind.key: group for kind, group in zip(order, told.group, strict=True)}
    n_rows = dict.fromkeys(told.group, 0)
    first_row = {group: order[group].first for group in n_rows}
    for kind in order:
        group = group_of[kind.key]
        n_rows[group] += kind.n
        first_row[group] = min(first_row[group], kind.first)
    best = min(n_rows, key=lambda group: (-n_rows[group], first_row[group]))
    majority = next(kind.text for kind in order if group_of[kind.key] == best)[:MAX_SHOWN]
    total, unsure = sum(n_rows.values()), any(told.unsure)
    labels = []
    for answer, key in key_of.items():
        group = group_of[key]
        conflict = True if told.differs[group] else None if told.unsure[group] else False
        share = None if told.unsure[group] else n_rows[group] / total
        labels.append(Label(answer, len(n_rows), conflict, majority, share, unsure))
    return labels


class _Told(NamedTuple):
    """Of each kind of answer: the place of the kind it counts with, and what is known of the others."""

    group: list[int]
    differs: list[bool]  # surely, from some other
    unsure: list[bool]  # of some other it is not known


def _tell_apart(kinds: Sequence[_Kind]) -> _Told:
    """Join the kinds that are equal, most frequent first, and compare what is left.

    Numbers are told apart by their values, so a cluster may have any number of them. The others are
    compared one by one, unless there are too many: then nothing is known of them.
    """
    told = _Told(list(range(len(kinds))), [False] * len(kinds), [False] * len(kinds))
    numbers = [place for place, kind in enumerate(kinds) if kind.is_number]
    others = [place for place, kind in enumerate(kinds) if not kind.is_number]
    _compare_numbers(kinds, numbers, told)
    if len(others) * len(kinds) > MAX_PAIRS:
        told.unsure[:] = [True] * len(kinds)
        return told
    for i in others:
        leaders = (j for j in range(len(kinds)) if (j < i or kinds[j].is_number) and told.group[j] == j)
        equal = {j: _equal(kinds[i].latex, kinds[j].latex) for j in leaders}
        told.group[i] = next((j for j, said in equal.items() if said), i)
        if told.group[i] == i:
            for j, said in equal.items():
                known = told.unsure if said is None else told.differs
                known[i] = known[j] = True
    return told


def _compare_numbers(kinds: Sequence[_Kind], numbers: Sequence[int], told: _Told) -> None:
    """Different values differ, but for those so near that only rounding may part them."""
    by_size = sorted((Fraction(kinds[place].key), place) for place in numbers)
    n_near = dict.fromkeys(numbers, 0)
    for start, (value, i) in enumerate(by_size):
        for other, j in by_size[start + 1 : start + 1 + NEIGHBOURS]:
            if other - value > MAX_DISTANCE:
                break
            if exact.decide(kinds[i].latex, kinds[j].latex) is None:
                n_near[i] += 1
                n_near[j] += 1
    for i in numbers:
        told.unsure[i] = n_near[i] > 0
        told.differs[i] = len(numbers) - 1 > n_near[i]


def _key(latex: str) -> Fraction | str:
    """What answers have in common that are equal beyond doubt: a value, or the text but for its blanks.

    `decide` is asked too: it knows where a blank may part two numbers ("1 234").
    """
    found = exact.number(exact.normal(latex)) if len(latex) <= MAX_COMPARED else None
    if found is not None and exact.decide("0", latex) is not None:
        return found.value
    return " ".join(latex.split())


def _equal(left: str, right: str) -> bool | None:
    """Whether two answers are equal, either taken as the ground truth; None if that is not known."""
    if max(len(left), len(right)) > MAX_COMPARED:
        return None
    said = {decision.equal for decision in (exact.decide(left, right), exact.decide(right, left)) if decision}
    return True if True in said else False if said else None


def in_order(partition: pa.Table) -> pa.Table:
    """The evidence of one shard, by row_id."""
    schema = pa.schema([(ROW_ID, pa.int64()), *EVIDENCE])
    return partition.sort_by(ROW_ID).select(schema.names).cast(schema)


STAGE = Stage(
    name="label-conflict",
    version=VERSION,
    grain="row",
    reads=(ANSWER,),
    evidence=EVIDENCE,
    params=LabelConflictParams,
    whole=find_conflicts,
    runs="thread",
)
