r"""Which rows of a cluster of duplicates have another ground truth than their copies.

Measures
    The ground truths of the rows that earlier evidence puts into one cluster (`clusters`, near-dedup by
    default), compared with each other by the tiers of math-verify that need no computer algebra
    (`curate.answers.forms`): same text, exact typed values, options, currencies and units. An
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

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from curate.answers.extract import gold_answer
from curate.answers.latex import as_latex
from curate.answers.profiles import STRICT
from curate.answers.value import latex_value
from curate.answers.verifier import quick
from curate.flow import ROW_ID, STATUS, Dataset, Engine, Stage, StageParams, read_parquet
from curate.kernels.text import I64
from curate.stages.inputs import Inputs, Shard

VERSION = 3

EVIDENCE = pa.schema(
    [
        ("n_answers", pa.int32()),
        ("conflict", pa.bool_()),
        ("majority", pa.large_string()),
        ("agree_share", pa.float64()),
        (STATUS, pa.string()),
    ]
)

_SCHEMA = pa.schema([(ROW_ID, pa.int64()), *EVIDENCE])
STATUSES = ("ok", "no-cluster", "skipped", "alone")
OK, NO_CLUSTER, SKIPPED, ALONE = range(4)

CLUSTER = "cluster_id"
MEETING = "meeting"  # the cluster
ANSWER = "answer"

MAX_SHOWN = 1_000  # characters of an answer that are kept as evidence
MAX_COMPARED = 1_000  # characters; a longer answer is only looked at for equality of the text
MAX_PAIRS = 20_000
"""Pairs of answers of one cluster that are compared one by one, about 0.2 s; numbers need no pairs."""
NEIGHBOURS = 4
MAX_DISTANCE = Fraction(1, 1_000)
"""A number is asked about with this many numbers next in size, up to this far away: only near ones can
differ by rounding alone."""


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
    """Evidence of all shards, in their order; what lies between is written to `folder`.

    Most rows are alone in their cluster; only the others, with their answers, are brought together.
    """
    name, clusters = "label-conflict", params.clusters
    shared = shared_clusters(inputs.shards, clusters)
    compared: Sequence[Path | None] = [None] * len(inputs.shards)
    if len(shared) and any(_has_answers(shard) for shard in inputs.shards):
        read = functools.partial(read_labels, clusters=clusters, shared=shared)
        labels = engine.map(read, inputs.shards, folder / "labels", runs="thread", label=f"{name}: read")
        met = engine.shuffle(labels, MEETING, compare_rows, folder / "compared", label=f"{name}: compare")
        compared = engine.shuffle(
            met, ROW_ID, in_order, folder / "sorted", bounds=inputs.bounds, label=f"{name}: sort"
        ).shards
    fn = functools.partial(evidence, clusters=clusters, shared=shared)
    items = list(zip(inputs.shards, compared, strict=True))
    return engine.map(fn, items, folder / "evidence", runs="thread", label=f"{name}: evidence")


def _has_answers(shard: Shard) -> bool:
    """Whether a row of the shard may have a ground truth, by the footer of its table."""
    footer = pq.read_metadata(shard.rows)
    column = footer.schema.names.index(ANSWER)
    groups = (footer.row_group(index) for index in range(footer.num_row_groups))
    return any(group.column(column).statistics.null_count < group.num_rows for group in groups)


class _Clusters(NamedTuple):
    """The rows of one shard, in order."""

    row_id: I64
    cluster: I64  # 0 where `status` is not ok
    status: npt.NDArray[np.uint8]  # place in STATUSES: ok, no-cluster or skipped


def _read_clusters(shard: Shard, clusters: str) -> _Clusters:
    path = next(item.path for item in shard.evidence if item.name == clusters)
    table = read_parquet(path, [ROW_ID, CLUSTER])
    row_id = table[ROW_ID].to_numpy()
    status = np.where(table[CLUSTER].is_null().to_numpy(), NO_CLUSTER, OK).astype(np.uint8)
    if shard.skip_if is not None:
        status[np.isin(row_id, shard.skipped())] = SKIPPED
    cluster = table[CLUSTER].cast(pa.int64()).fill_null(0).to_numpy()
    return _Clusters(row_id, np.where(status == OK, cluster, 0), status)


def shared_clusters(shards: Sequence[Shard], clusters: str) -> I64:
    """The clusters that two or more rows are in, ascending; skipped rows do not count."""
    read = (_read_clusters(shard, clusters) for shard in shards)
    found = np.concatenate([np.empty(0, np.int64), *(part.cluster[part.status == OK] for part in read)])
    found.sort()
    return np.unique(found[1:][found[1:] == found[:-1]])


def _is_shared(rows: _Clusters, shared: I64) -> npt.NDArray[np.bool_]:
    """Whether each row is in a cluster with others."""
    at = np.searchsorted(shared, rows.cluster)
    found = np.append(shared, 0)[at] == rows.cluster
    return np.asarray(found & (at < len(shared)) & (rows.status == OK))


def read_labels(shard: Shard, clusters: str, shared: I64) -> pa.Table:
    """row_id, cluster and answer of the rows of one shard that are in a cluster with others."""
    rows = _read_clusters(shard, clusters)
    met = _is_shared(rows, shared)
    answers = read_parquet(shard.rows, [ROW_ID, ANSWER])
    assert (answers[ROW_ID].to_numpy() == rows.row_id).all(), "evidence is in row order"
    columns = [pa.array(rows.row_id[met]), pa.array(rows.cluster[met]), answers[ANSWER].filter(pa.array(met))]
    return pa.table(columns, names=[ROW_ID, MEETING, ANSWER])


def evidence(item: tuple[Shard, Path | None], clusters: str, shared: I64) -> pa.Table:
    """The evidence of one shard: that of the rows that were compared, and what is known of the others."""
    shard, path = item
    rows = _read_clusters(shard, clusters)
    met = _is_shared(rows, shared)
    compared = _without_answers(rows.row_id[met]) if path is None else read_parquet(path)
    assert (rows.row_id[met] == compared[ROW_ID].to_numpy()).all(), (
        "every row that shares a cluster is compared"
    )
    place = pa.array(np.cumsum(met) - 1, mask=~met)
    alone = (rows.status == OK) & ~met
    others = pa.DictionaryArray.from_arrays(np.where(alone, ALONE, rows.status), pa.array(STATUSES))
    given = compared.select(EVIDENCE.names).combine_chunks().take(place)
    is_false = pa.array(np.zeros(len(met), np.bool_), mask=~alone)
    columns = {name: given[name] for name in EVIDENCE.names} | {
        "conflict": pc.coalesce(given["conflict"], is_false),
        STATUS: pc.coalesce(given[STATUS], others.cast(pa.string())),
    }
    return pa.table([pa.array(rows.row_id), *columns.values()], schema=_SCHEMA)


def _without_answers(row_id: I64) -> pa.Table:
    """The evidence of rows that share clusters of which nobody has an answer."""
    columns = {name: pa.nulls(len(row_id), _SCHEMA.field(name).type) for name in _SCHEMA.names} | {
        ROW_ID: pa.array(row_id),
        "n_answers": pa.array(np.zeros(len(row_id), np.int32)),
        STATUS: pa.repeat("no-answer", len(row_id)),
    }
    return pa.table(list(columns.values()), schema=_SCHEMA)


LABELS = {
    MEETING: pl.Int64, ANSWER: pl.String, "n_answers": pl.Int32, "conflict": pl.Boolean,
    "majority": pl.String, "agree_share": pl.Float64, "unsure": pl.Boolean,
}  # fmt: skip


def compare_rows(partition: pa.Table) -> pa.Table:
    """The evidence of rows whose clusters are all in this partition, in no particular order."""
    rows = pl.from_arrow(partition)
    assert isinstance(rows, pl.DataFrame)
    given = (
        rows.filter(pl.col(ANSWER).is_not_null())
        .group_by(MEETING, ANSWER)
        .agg(pl.len().alias("n"), pl.col(ROW_ID).min().alias("first"))
        .sort(MEETING, "first")
    )
    lines: list[tuple[object, ...]] = []
    for cluster, answers in itertools.groupby(given.iter_rows(), key=lambda line: int(line[0])):
        lines += [(cluster, *line) for line in compare([Given(*answer[1:]) for answer in answers])]
    labels = pl.DataFrame(lines, schema=LABELS, orient="row")
    of_cluster = labels.group_by(MEETING).agg(pl.col("n_answers", "majority").first())
    judged = rows.join(labels, on=[MEETING, ANSWER], how="left").with_columns(
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
    return judged.select(ROW_ID, *EVIDENCE.names).to_arrow()


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
            if _said(kinds[i].latex, kinds[j].latex) is not False:
                n_near[i] += 1
                n_near[j] += 1
    for i in numbers:
        told.unsure[i] = n_near[i] > 0
        told.differs[i] = len(numbers) - 1 > n_near[i]


def _key(latex: str) -> Fraction | str:
    """What answers have in common that are equal beyond doubt: a value, or the text but for its blanks."""
    value = latex_value(latex)
    return " ".join(latex.split()) if value is None else value


def _equal(left: str, right: str) -> bool | None:
    """Whether two answers are equal, either taken as the ground truth; None if that is not known."""
    if max(len(left), len(right)) > MAX_COMPARED:
        return None
    return _said(left, right)


def _said(left: str, right: str) -> bool | None:
    """What exact arithmetic says of two answers, the same in either order."""
    found = quick(left, right, STRICT)
    return None if found is None or found.status == "undecided" else found.status == "equal"


def in_order(partition: pa.Table) -> pa.Table:
    """The evidence of the rows of one shard that were compared, by row_id."""
    return partition.sort_by(ROW_ID).select(_SCHEMA.names).cast(_SCHEMA)


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
