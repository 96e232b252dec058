"""Which rows have nearly the same prompt, and how nearly.

Measures
    Every prompt is a set of shingles: hashes of `ngram` tokens in a row (tokenizer `math`: numbers,
    variables and operators are tokens, so a prompt with another number is another set). Rows that share
    a MinHash band become candidate pairs; every candidate pair is then measured exactly, as the Jaccard
    of the two sets. Prompts whose numbers differ are different prompts however much else they share
    (numbers = "agree", the default): in a long text one number changes only a few shingles. Clusters come
    from the exact values alone. With linkage `leader` (the default), in
    ascending row_id, a row joins the representative most like it, at `threshold` or above, or becomes a
    representative itself: each member is that near to its representative, and a chain of small edits
    does not run together. With `single`, clusters are the connected components of the measured pairs.
Columns
    cluster_id      row_id of the representative, the smallest of the cluster
    cluster_size    rows in the cluster, this one included
    representative  the same row_id as cluster_id
    jaccard         exact Jaccard to the representative; 1.0 for the representative itself
    best_link, worst_link
                    highest and lowest exact Jaccard measured to another row of the cluster; null if alone
    status          ok; short: fewer than `ngram` tokens, which make one shingle, so that only prompts of
                    the same tokens are alike; no-text: null, or without tokens, and so every other column
                    is null; skipped: `skip-if` holds, the row is compared with none, the others are null
Not covered
    Paraphrases and translations. Pairs the bands miss: one in 600 at a Jaccard of 0.8 with 21 bands of
    6, fewer above (`curate.kernels.minhash.expected_recall`). Where more than MAX_BUCKET prompts share a
    band, each is paired there with 2 * (MAX_BUCKET // 2) of them only, so that templated data stays
    linear; such a pair can still meet in another band, and prompts of the same tokens are joined before.
Source
    MinHash and banding: Broder 1997; Leskovec, Rajaraman, Ullman, 3rd ed., §3.4. We differ from the usual
    tools in that every pair is verified and clusters do not chain (test_chains_do_not_merge).

In:  {"row_id": 0, "prompt": "Let a be 2. Find a + 3 and a - 3."},
     {"row_id": 1, "prompt": "Let $a$ be $2$. Find $a+3$, and $a-3$!?"}    (ngram = 3)
Out: {"row_id": 0, "cluster_id": 0, "cluster_size": 2, "representative": 0, "jaccard": 1.0,
      "best_link": 0.909, "worst_link": 0.909, "status": "ok"},
     {"row_id": 1, "cluster_id": 0, "cluster_size": 2, "representative": 0, "jaccard": 0.909,
      "best_link": 0.909, "worst_link": 0.909, "status": "ok"}
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from curate.flow import ROW_ID, Dataset, Engine, Stage, StageParams
from curate.kernels import clusters, minhash
from curate.kernels.clusters import F64, Clusters, Linkage, Links
from curate.kernels.minhash import ShingleSets
from curate.kernels.text import I64, U64, Tokenizer, text_hash128
from curate.stages.inputs import Inputs, Shard

Scalar = TypeVar("Scalar", bound=np.generic)

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("cluster_id", pa.int64()),
        ("cluster_size", pa.int32()),
        ("representative", pa.int64()),
        ("jaccard", pa.float64()),
        ("best_link", pa.float64()),
        ("worst_link", pa.float64()),
        ("status", pa.string()),
    ]
)

STATUSES = np.array(["ok", "short", "no-text", "skipped"])
OK, SHORT, NO_TEXT, SKIPPED = range(4)

MAX_BUCKET = 8
"""Prompts that may share a band and still all be paired. More only cost time: with 4, 8, 16 and 32, a corpus
of 100,000 prompts from 50 templates falls into 28,461, 28,465, 28,460 and 28,454 clusters."""


class NearDedupParams(StageParams):
    """How prompts are cut into shingles, how they meet, and how near is near."""

    stage: Literal["near-dedup"]
    tokenizer: Tokenizer = Field(
        default="math",
        description="math: numbers, variables and operators are tokens; words: letters and numbers",
    )
    ngram: Annotated[int, Field(ge=1)] = Field(default=5, description="Tokens in a shingle")
    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.8, description="Least Jaccard at which two prompts are near-duplicates"
    )
    bands: Annotated[int, Field(ge=1, le=1024)] = Field(default=21, description="Bands of a signature")
    rows_per_band: Annotated[int, Field(ge=1, le=64)] = Field(default=6, description="Minhashes in a band")
    seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(default=0, description="Seed of the permutations")
    numbers: Literal["agree", "ignore"] = Field(
        default="agree",
        description="agree: near-duplicates have the same numbers, in any order; ignore: they need not",
    )
    linkage: Linkage = Field(
        default="leader",
        description="leader: every member is near to its representative; single: connected components",
    )


class Rows(NamedTuple):
    """All rows, ascending by row_id; row i of shard k is at starts[k] + i."""

    row_id: I64
    status: npt.NDArray[np.uint8]
    sequence: U64
    starts: I64


class Wanted(NamedTuple):
    """Rows of a shard whose shingle sets are needed, by their position in it."""

    shard: Shard
    positions: I64


class Found(NamedTuple):
    """What was found about each row, in the order of Rows."""

    row_id: I64
    status: npt.NDArray[np.uint8]
    representative: I64
    size: npt.NDArray[np.int32]
    jaccard: F64
    best: F64
    worst: F64


def find_near(engine: Engine, inputs: Inputs, params: NearDedupParams, folder: Path) -> Dataset:
    """Evidence of all shards, in their order; what lies between is written to `folder`."""
    order = sorted(
        range(len(inputs.shards)), key=lambda k: (inputs.shards[k].first_row, inputs.shards[k].n_rows)
    )
    shards = [inputs.shards[k] for k in order]
    signatures = engine.map(
        functools.partial(sign, params=params),
        shards,
        folder / "signatures",
        runs="thread",
        label="near-dedup: signatures",
    )
    rows = gather(signatures)
    measured = np.flatnonzero(rows.status <= SHORT)
    sequence = rows.sequence[measured]
    first = measured[clusters.first_equal(sequence[:, 0].copy(), sequence[:, 1].copy())]

    # Only the first of rows with the same tokens, and only one with a whole shingle, can have neighbours.
    distinct = measured[(first == measured) & (rows.status[measured] == OK)]
    pairs = clusters.merge_pairs(band_pairs(signatures, distinct, params.bands, engine.workers))
    nodes = np.unique(np.concatenate(clusters.split_pairs(pairs)))
    number = np.zeros(len(distinct), dtype=np.uint32)
    number[nodes] = np.arange(len(nodes), dtype=np.uint32)
    pairs = clusters.renumber(pairs, number)
    candidates = distinct[nodes]

    edges = np.searchsorted(candidates, rows.starts)
    wanted = [
        Wanted(shard, candidates[edges[k] : edges[k + 1]] - rows.starts[k]) for k, shard in enumerate(shards)
    ]
    made = engine.map(
        functools.partial(shingle, params=params),
        wanted,
        folder / "sets",
        runs="thread",
        label="near-dedup: shingle sets",
    )
    if params.numbers == "agree":
        numbers = np.concatenate([unpacked(shard, "numbers", np.uint64) for shard in made.shards])
        one, other = clusters.split_pairs(pairs)
        pairs = pairs[numbers[one] == numbers[other]]
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        sets = on_disk(made, len(candidates), Path(scratch) / "sets.u64")
        values = clusters.jaccards(pairs, sets, threads=engine.workers)
        joined = clusters.link(pairs, values, sets, threshold=params.threshold, linkage=params.linkage)
    found = describe(rows, measured, first, candidates, joined, clusters.links(pairs, values, joined))
    pieces = [part(found, rows.starts, order.index(k)) for k in range(len(order))]
    return engine.map(evidence, pieces, folder / "evidence", runs="thread", label="near-dedup: evidence")


def sign(shard: Shard, params: NearDedupParams) -> pa.Table:
    """One line: the arrays row_id, status, sequence hash and the keys of each band, as bytes."""
    rows = shard.read("prompt")
    row_id = rows[ROW_ID].to_numpy()
    signatures = minhash.band_keys(
        rows["prompt"].to_arrow(),
        params.tokenizer,
        ngram=params.ngram,
        bands=params.bands,
        rows_per_band=params.rows_per_band,
        seed=params.seed,
    )
    status = np.where(signatures.n_tokens < params.ngram, SHORT, OK).astype(np.uint8)
    status[signatures.n_tokens == 0] = NO_TEXT
    status[np.isin(row_id, shard.skipped())] = SKIPPED
    bands = {band_name(band): signatures.keys[:, band] for band in range(params.bands)}
    return packed(row_id=row_id, status=status, sequence=signatures.sequence, **bands)


def band_name(band: int) -> str:
    """Column of a band's keys."""
    return f"band_{band:04d}"


def gather(signatures: Dataset) -> Rows:
    """The rows of all shards."""
    row_ids = [unpacked(path, "row_id", np.int64) for path in signatures.shards]
    rows = Rows(
        row_id=np.concatenate(row_ids),
        status=np.concatenate([unpacked(path, "status", np.uint8) for path in signatures.shards]),
        sequence=np.concatenate(
            [unpacked(path, "sequence", np.uint64) for path in signatures.shards]
        ).reshape(-1, 2),
        starts=np.cumsum([0, *map(len, row_ids)]),
    )
    assert (rows.row_id[1:] > rows.row_id[:-1]).all(), "shards are ranges of row_id"
    return rows


def band_pairs(signatures: Dataset, distinct: I64, bands: int, threads: int) -> Iterator[U64]:
    """Candidate pairs of each band; nodes are positions in `distinct`. One band a thread is in memory."""
    nodes = np.arange(len(distinct), dtype=np.uint32)

    def of_band(band: int) -> U64:
        keys = [unpacked(path, band_name(band), np.uint64) for path in signatures.shards]
        return clusters.candidate_pairs(np.concatenate(keys)[distinct], nodes, cap=MAX_BUCKET)

    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, bands, threads):
            yield from pool.map(of_band, range(start, min(bands, start + threads)))


def shingle(wanted: Wanted, params: NearDedupParams) -> pa.Table:
    """One line, as bytes: the shingle sets of the wanted rows one after the other, where each ends, and
    a hash of the numbers of each row.
    """
    prompts = wanted.shard.read("prompt")["prompt"].gather(wanted.positions)
    sets = minhash.shingle_sets(prompts.to_arrow(), params.tokenizer, ngram=params.ngram)
    return packed(values=sets.values, ends=sets.offsets[1:], numbers=number_keys(prompts))


def number_keys(prompts: pl.Series) -> U64:
    """Hash of the digit runs of each prompt, in any order; equal for prompts with the same numbers.

    >>> keys = number_keys(pl.Series(["2 of 13", "13 or 2?", "2 of 31"]))
    >>> bool(keys[0] == keys[1]), bool(keys[0] == keys[2])
    (True, False)
    """
    runs = prompts.str.normalize("NFKC").str.extract_all("[0-9]+").list.sort().list.join(",")
    return np.ascontiguousarray(text_hash128(runs.to_arrow(), "none").hash[:, 0])


def on_disk(made: Dataset, n_sets: int, path: Path) -> ShingleSets:
    """All sets; the values are a file mapped into memory, so that what does not fit stays on disk."""
    ends = [unpacked(shard, "ends", np.int64) for shard in made.shards]
    offsets = np.zeros(n_sets + 1, dtype=np.int64)
    base, at = 0, 1
    for part_ends in ends:
        offsets[at : at + len(part_ends)] = part_ends + base
        at += len(part_ends)
        base = int(offsets[at - 1])
    with path.open("wb") as file:
        for shard in made.shards:
            unpacked(shard, "values", np.uint64).tofile(file)
    values = np.memmap(path, dtype=np.uint64, mode="r") if base else np.empty(0, dtype=np.uint64)
    return ShingleSets(offsets, values)


def describe(rows: Rows, measured: I64, first: I64, candidates: I64, joined: Clusters, links: Links) -> Found:
    """What was found about all rows, from what was found about the candidates."""
    n = len(rows.row_id)
    leader = np.arange(n)
    leader[measured] = first
    jaccard, best, worst = np.ones(n), np.full(n, np.nan), np.full(n, np.nan)
    leader[candidates] = candidates[joined.leader]
    jaccard[candidates] = joined.to_leader
    best[candidates], worst[candidates] = links.best, links.worst
    copies = np.bincount(first, minlength=n)
    same = copies > 1  # rows of the same tokens are linked at 1.0
    best[same], worst[same] = 1.0, np.fmin(worst[same], 1.0)
    for values in (leader, jaccard, best, worst):
        values[measured] = values[first]
    size = np.bincount(leader[measured], minlength=n)[leader].astype(np.int32)
    return Found(rows.row_id, rows.status, rows.row_id[leader], size, jaccard, best, worst)


def part(found: Found, starts: I64, index: int) -> Found:
    """What was found about the rows of one shard."""
    return Found._make(values[starts[index] : starts[index + 1]] for values in found)


def evidence(found: Found) -> pa.Table:
    """The evidence of one shard."""
    unmeasured = found.status > SHORT
    alone = unmeasured | np.isnan(found.best)
    schema = pa.schema([(ROW_ID, pa.int64()), *EVIDENCE])
    columns = [
        pa.array(found.row_id),
        pa.array(found.representative, mask=unmeasured),
        pa.array(found.size, mask=unmeasured),
        pa.array(found.representative, mask=unmeasured),
        pa.array(found.jaccard, mask=unmeasured),
        pa.array(found.best, mask=alone),
        pa.array(found.worst, mask=alone),
        pa.array(STATUSES[found.status]),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def packed(**arrays: npt.NDArray[Any]) -> pa.Table:
    """One line with the bytes of each array: five times cheaper to write than a column of random numbers."""
    return pa.table({name: pa.array([array.tobytes()], pa.large_binary()) for name, array in arrays.items()})


def unpacked(path: Path, name: str, kind: type[Scalar]) -> npt.NDArray[Scalar]:
    """An array written by `packed`; read-only."""
    table = pq.read_table(path, columns=[name], use_threads=False)
    return np.frombuffer(table[name][0].as_buffer(), dtype=kind)


STAGE = Stage(
    name="near-dedup",
    version=VERSION,
    grain="row",
    reads=("prompt",),
    evidence=EVIDENCE,
    params=NearDedupParams,
    whole=find_near,
    runs="thread",
)
