"""Exact answers for small corpora, by a route of its own, and how a tool's answers compare with them.

Texts are read in plain Python (NFKC, case folded, format characters dropped; words are runs of letters,
marks and digits; a Chinese or Japanese character is a word) and cut into sets of 5-word shingles; every
pair that shares a shingle is counted by one sparse matrix product. Nothing here uses curate.
"""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import scipy.sparse as sparse
from scipy.sparse.csgraph import connected_components

SHINGLE = 5
THRESHOLD = 0.8
ASCII_WORD = re.compile("[a-z0-9]+")
IDEOGRAPHS = ("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA", "IDEOGRAPHIC")


@dataclass(frozen=True)
class Truth:
    """Every pair of rows whose exact Jaccard similarity reaches the threshold."""

    n_rows: int
    first: np.ndarray  # the lower row of each pair
    second: np.ndarray
    jaccard: np.ndarray

    @property
    def n_with_twin(self) -> int:
        """Rows that are in some pair."""
        return len(np.union1d(self.first, self.second))

    def components(self) -> np.ndarray:
        """Label of the connected component of each row."""
        shape = (self.n_rows, self.n_rows)
        graph = sparse.coo_matrix((np.ones(len(self.first)), (self.first, self.second)), shape=shape)
        return np.asarray(connected_components(graph, directed=False)[1])


def words(text: str) -> list[str]:
    """Split a text into words."""
    if text.isascii():
        return ASCII_WORD.findall(text.lower())
    found: list[str] = []
    run = ""
    for character in unicodedata.normalize("NFKC", text).casefold():
        category = unicodedata.category(character)
        if category == "Cf" or "\ufe00" <= character <= "\ufe0f":
            continue
        alone = character > "\u2e80" and unicodedata.name(character, "").startswith(IDEOGRAPHS)
        if category[0] in "LMN" and not alone:
            run += character
            continue
        if run:
            found.append(run)
            run = ""
        if alone and category[0] in "LN":
            found.append(character)
    return [*found, run] if run else found


def shingle_matrix(texts: list[str]) -> sparse.csr_matrix:
    """Row by shingle, 1 where the row has the shingle; a text of fewer than five words is one shingle."""
    known: dict[tuple[str, ...], int] = {}
    columns: list[int] = []
    ends = [0]
    for text in texts:
        tokens = words(text)
        last = max(1, len(tokens) - SHINGLE + 1) if tokens else 0
        columns += [
            known.setdefault(s, len(known)) for s in {tuple(tokens[i : i + SHINGLE]) for i in range(last)}
        ]
        ends.append(len(columns))
    ones = np.ones(len(columns), np.int32)
    shape = (len(texts), len(known))
    return sparse.csr_matrix((ones, np.array(columns, np.int64), np.array(ends, np.int64)), shape=shape)


def similar_pairs(texts: list[str], threshold: float = THRESHOLD) -> Truth:
    """Find every pair at or above the threshold."""
    matrix = shingle_matrix(texts)
    sizes = np.diff(matrix.indptr)
    often = np.asarray(matrix.sum(axis=0)).ravel() > 1  # a shingle of one row makes no pair
    matrix = matrix[:, often]
    found = []
    for start in range(0, len(texts), 5_000):  # by blocks of rows: the product of all at once need not fit
        block = (matrix[start : start + 5_000] @ matrix.T).tocoo()
        first, second, shared = block.row.astype(np.int64) + start, block.col.astype(np.int64), block.data
        jaccard = shared / (sizes[first] + sizes[second] - shared)
        wanted = (first < second) & (jaccard >= threshold)
        found.append((first[wanted], second[wanted], jaccard[wanted]))
    first, second, jaccard = (np.concatenate(part) for part in zip(*found, strict=True))
    return Truth(len(texts), first, second, jaccard)


def truth_of(path: Path) -> Truth:
    """Read or compute the truth of one corpus; it is kept beside the corpus."""
    kept = path.with_suffix(".truth.npz")
    if not kept.exists():
        truth = similar_pairs(pq.read_table(path, columns=["text"])["text"].to_pylist())
        np.savez(kept, n_rows=truth.n_rows, first=truth.first, second=truth.second, jaccard=truth.jaccard)
    stored = np.load(kept)
    return Truth(int(stored["n_rows"]), stored["first"], stored["second"], stored["jaccard"])


@dataclass(frozen=True)
class Answer:
    """What a tool said about each row; None where it does not say such a thing."""

    marked: np.ndarray | None  # the row has a duplicate
    dropped: np.ndarray | None  # the row goes
    cluster: np.ndarray | None  # label


@dataclass(frozen=True)
class Quality:
    """How an answer compares with the truth; a *twin* is a row at the threshold or above."""

    marked: int | None
    marked_recall: float | None  # of the rows with a twin: marked
    marked_precision: float | None  # of the rows marked: with a twin
    pairs_joined: float | None  # of the true pairs: both rows in one cluster
    dropped: int | None
    pairs_settled: float | None  # of the true pairs: at least one row is dropped
    unequal_pairs_settled: float | None  # the same, of the pairs below 1
    kept_twin: float | None  # of the rows dropped: some row that is kept is a twin


def answer_of(path: Path) -> Answer:
    """Read what a tool wrote."""
    table: pa.Table = pq.read_table(path)
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return Answer(columns.get("marked"), columns.get("dropped"), columns.get("cluster"))


def ratio(part: np.ndarray, whole: np.ndarray) -> float:
    """Share of the whole (both bool) that is in the part; 1 of nothing."""
    n = int(whole.sum())
    return float((part & whole).sum() / n) if n else 1.0


def assess(truth: Truth, answer: Answer) -> Quality:
    """Compare an answer with the truth."""
    first, second = truth.first, truth.second
    every = np.ones(len(first), bool)
    with_twin = np.zeros(truth.n_rows, bool)
    with_twin[first] = with_twin[second] = True
    marked, dropped, cluster = answer.marked, answer.dropped, answer.cluster
    settled = kept_twin = None
    if dropped is not None:
        settled = dropped[first] | dropped[second]
        kept_twin = np.zeros(truth.n_rows, bool)
        kept_twin[first[~dropped[second]]] = kept_twin[second[~dropped[first]]] = True
    return Quality(
        marked=None if marked is None else int(marked.sum()),
        marked_recall=None if marked is None else ratio(marked, with_twin),
        marked_precision=None if marked is None else ratio(with_twin, marked),
        pairs_joined=None if cluster is None else ratio(cluster[first] == cluster[second], every),
        dropped=None if dropped is None else int(dropped.sum()),
        pairs_settled=None if settled is None else ratio(settled, every),
        unequal_pairs_settled=None if settled is None else ratio(settled, truth.jaccard < 1),
        kept_twin=None if dropped is None or kept_twin is None else ratio(kept_twin, dropped),
    )
