"""Which rows have nearly the same prompt, and how nearly.

Measures
    Every prompt is a set of shingles: hashes of `ngram` tokens in a row (tokenizer `math`: numbers,
    variables and operators are tokens, so a prompt with another number is another set). Rows that share
    a MinHash band become candidate pairs; every candidate pair is then measured exactly, as the Jaccard
    of the two sets. Mode `exact-join` needs no luck: it finds every pair at the threshold or above.
    However alike, prompts are kept apart that differ in what `agree` names: in their numbers; in a symbol
    that one has in place of another (x for y, sin for tan, area for perimeter); in a word that one has in
    place of another (king for ace, Bob for Alice), a number word or a "not", unless their ground truths
    are the same (numbers; other texts with a digit or eight letters); and, if asked, in the number that is
    their ground truth (`curate.kernels.symbols` has the rules). In a long text any of these changes only
    a few shingles. Prompts of the same tokens are always together. Prompts of at most
    `short-tokens` tokens, of which one other word changes most shingles, are near also where one word is
    misspelt.
    Clusters come from the exact values alone. With linkage `leader` (the default), in ascending row_id, a
    row joins the representative most like it, at `threshold` or above, or becomes a representative
    itself: each member is that near to its representative, and a chain of small edits does not run
    together. With `single`, clusters are the connected components of the measured pairs. Clusters of more
    than `large-cluster` different texts are more often one template than one problem: their rows are
    clustered once more at `large-threshold`.
Columns
    cluster_id      row_id of the representative, the smallest of the cluster
    cluster_size    rows in the cluster, this one included
    representative  the same row_id as cluster_id
    jaccard         exact Jaccard to the representative, 1.0 for the representative itself; for a short
                    prompt that is near by its one misspelt word, 1 - Levenshtein / length of the longer
    best_link, worst_link
                    highest and lowest Jaccard measured to another row of the cluster; null if alone
    status          ok; short: at most `short-tokens` tokens; large: was in a cluster of more than
                    `large-cluster` texts, and what is said here comes from the stricter pass; no-text:
                    null, or without tokens, and so every other column is null; skipped: `skip-if` holds,
                    the row is compared with none, the others are null
Not covered
    Paraphrases and translations. Mode `lsh` misses the pairs that share no band: one in 600 at a Jaccard
    of 0.8 with 16 bands of 5, fewer above (`curate.kernels.minhash.expected_recall`); and where more than
    eight prompts share a band, each is paired there with eight of them only, so that templated data stays
    linear: such a pair can still meet in another band. Mode `exact-join` holds about 150 bytes a
    row in memory, and compares a row with representatives only (best and worst link speak of those).
Source
    MinHash and banding: Broder 1997; Leskovec, Rajaraman, Ullman, 3rd ed., §3.4. Join: Chaudhuri, Ganti,
    Kaushik 2006; Bayardo, Ma, Srikant 2007. We differ from the usual tools in that every pair is verified
    and clusters do not chain (test_chains_do_not_merge).

In:  {"row_id": 0, "prompt": "Let a be 2. Find a + 3 and a - 3."},
     {"row_id": 1, "prompt": "Let $a$ be $2$. Find $a+3$, and $a-3$!?"}    (ngram = 3, threshold = 0.7)
Out: {"row_id": 0, "cluster_id": 0, "cluster_size": 2, "representative": 0, "jaccard": 1.0,
      "best_link": 0.769, "worst_link": 0.769, "status": "short"},
     {"row_id": 1, "cluster_id": 0, "cluster_size": 2, "representative": 0, "jaccard": 0.769,
      "best_link": 0.769, "worst_link": 0.769, "status": "short"}
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from curate.answers.value import known_value
from curate.disk import Mapped, check_free, packed, write_arrow
from curate.flow import ROW_ID, Dataset, Engine, Stage, StageParams, read_parquet, write_parquet
from curate.kernels.clusters import Linkage
from curate.kernels.minhash import Banding, choose_banding
from curate.kernels.native import Texts
from curate.kernels.text import I64, U64, Tokenizer, text_hash128
from curate.near.find import NOTHING_SETTLED, STATUSES, Near, Settled, find_near
from curate.near.signing import NO_TEXT, SKIPPED, Mode, NearParams, Prompts, scratch_bytes
from curate.stages.inputs import TAKEN, TAKEN_SCHEMA, Inputs, Shard

VERSION = 4

SPECIAL_TOKEN = re.compile(r"<\|[^|<>]{1,40}\|>")
MANY_LETTERS = 8

TOLD_BYTES = 1_000_000_000
"""Scratch that is worth a word beforehand."""

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
    mode: Mode = Field(
        default="lsh",
        description="lsh: pairs that share a MinHash band; exact-join: all pairs, at up to twice the cost",
    )
    bands: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        default=None, description="Bands of a signature; default: chosen for the threshold (0.8: 21 of 6)"
    )
    rows_per_band: Annotated[int, Field(ge=1, le=64)] | None = Field(
        default=None, description="Minhashes in a band; default: chosen for the threshold"
    )
    seed: Annotated[int, Field(ge=0, lt=2**32)] = Field(
        default=1, description="Seed of the permutations, as datasketch draws them"
    )
    agree: list[Literal["numbers", "symbols", "words", "answers"]] = Field(
        default=["numbers", "symbols", "words"],
        description="What near-duplicates may not differ in, however alike: numbers (in any order), symbols "
        "(none exchanged), words (none exchanged, unless the ground truths are the same), answers (ground "
        "truths that are different numbers)",
    )
    linkage: Linkage = Field(
        default="leader",
        description="leader: every member is near to its representative; single: connected components",
    )
    short_tokens: Annotated[int, Field(ge=0, le=64)] = Field(
        default=20, description="Most tokens of a prompt that is also compared by edit distance"
    )
    large_cluster: Annotated[int, Field(ge=1)] | Literal["none"] = Field(
        default=100, description='Most different texts of a cluster that is believed at once, or "none"'
    )
    large_threshold: Annotated[float, Field(gt=0.0, le=1.0)] = Field(
        default=0.95, description="Threshold for the rows of a cluster that is not"
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> NearDedupParams:
        if (self.bands is None) != (self.rows_per_band is None):
            raise ValueError("bands and rows-per-band together, or neither")
        return self

    def without_earlier(self) -> str:
        """Why these parameters cannot be used with an index of earlier data; empty if they can."""
        if self.linkage == "single":
            return 'linkage = "single" would join clusters of earlier data to one another'
        return "skip-if speaks of evidence that earlier data does not have" if self.skip_if else ""

    def banding(self) -> Banding:
        """The bands asked for, or those that suit the threshold."""
        if self.bands is None or self.rows_per_band is None:
            return choose_banding(self.threshold)
        return Banding(self.bands, self.rows_per_band)

    def near(self) -> NearParams:
        """The same, as `curate.near` takes it."""
        return NearParams(
            threshold=self.threshold,
            banding=self.banding(),
            tokenizer=self.tokenizer,
            ngram=self.ngram,
            numbers_agree="numbers" in self.agree,
            symbols_agree="symbols" in self.agree,
            words_agree="words" in self.agree,
            labels_agree="answers" in self.agree,
            mode=self.mode,
            linkage=self.linkage,
            seed=self.seed,
            short_tokens=self.short_tokens,
            large_cluster=None if self.large_cluster == "none" else self.large_cluster,
            large_threshold=self.large_threshold,
        )


def find_near_rows(engine: Engine, inputs: Inputs, params: NearDedupParams, folder: Path) -> Dataset:
    """Evidence of all shards, in their order; what lies between is written to `folder`."""
    order = sorted(
        range(len(inputs.shards)), key=lambda k: (inputs.shards[k].first_row, inputs.shards[k].n_rows)
    )
    own = [inputs.shards[k] for k in order]
    parts = [(part.as_shards(), part.state / state_name(params)) for part in inputs.earlier]
    parts.append((tuple(own), folder if inputs.state is None else inputs.state / state_name(params)))
    shards = [shard for some, _ in parts for shard in some]

    folder.mkdir(parents=True, exist_ok=True)
    need = scratch_bytes(*text_size(shards), params.near())
    check_free(folder, need, "signatures and shingle sets of near-dedup")

    def work(fn: Callable[[Any], pa.Table], items: Sequence[Any], name: str) -> Sequence[Path]:
        label, into = f"near-dedup: {name}", name.replace(" ", "-")
        if name == "signatures" and need > TOLD_BYTES:
            label += f" (up to {need / 1e9:.1f} GB on disk)"
        if name != "signatures":
            return engine.map(fn, items, folder / into, runs="thread", label=label, scratch=True).shards
        made = [
            engine.map(fn, some, state / into, runs="thread", label=label, scratch=True)
            for some, state in parts
        ]
        return [path for dataset in made for path in dataset.shards]

    near = find_near(
        shards,
        prompts_of,
        params.near(),
        work,
        folder,
        memory_bytes=engine.memory_bytes,
        workers=engine.workers,
        label=answers_of,
        settled=read_settled([state for _, state in parts[:-1]]),
    )
    first_rows = np.array([shard.first_row for shard in shards], dtype=np.int64)
    if inputs.state is not None:
        write_settled(near, parts)
    if inputs.earlier:
        write_parquet(taken(near, first_rows, inputs.kept_earlier()), folder / TAKEN)
    places = [len(shards) - len(own) + order.index(k) for k in range(len(order))]
    fn = functools.partial(evidence, near=near, first_rows=first_rows)
    return engine.map(fn, places, folder / "evidence", runs="thread", label="near-dedup: evidence")


def text_size(shards: Sequence[Shard]) -> tuple[int, int]:
    """Rows, and bytes of their prompts before compression."""
    n_rows = n_bytes = 0
    for shard in shards:
        metadata = pq.read_metadata(shard.rows)
        n_rows += metadata.num_rows
        place = metadata.schema.names.index("prompt")
        groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
        n_bytes += sum(group.column(place).total_uncompressed_size for group in groups)
    return n_rows, n_bytes


def state_name(params: NearDedupParams) -> str:
    """Folder of an index where what is known of earlier data lies."""
    settings = repr(params.near()).encode()
    return f"near-dedup-{VERSION}-{hashlib.sha256(settings).hexdigest()[:16]}"


def read_settled(states: Sequence[Path]) -> Settled:
    """Leaders of the rows of earlier data; of none, if they were not found with these parameters."""
    paths = [state / "settled.arrow" for state in states]
    if not paths or not all(path.exists() for path in paths):
        return NOTHING_SETTLED
    files = [Mapped(path) for path in paths]
    return Settled(
        *(np.concatenate([file.array(name, np.uint32) for file in files]) for name in Settled._fields)
    )


def write_settled(near: Near, parts: Sequence[tuple[Sequence[Shard], Path]]) -> None:
    """Write the leaders of the rows of each part, for the runs that will compare with them."""
    end = 0
    for shards, state in parts:
        begin, end = end, end + len(shards)
        rows = slice(int(near.starts[begin]), int(near.starts[end]))
        leaders = {name: values[rows] for name, values in near.settled._asdict().items()}
        write_arrow(packed(**leaders), state / "settled.arrow")


def taken(near: Near, first_rows: I64, kept: npt.NDArray[np.bool_]) -> pa.Table:
    """Clusters of earlier rows that a new row is in, and the first kept row of each; rows are contiguous."""
    n_earlier = len(kept)
    leader = near.leader[near.first]
    groups = np.unique(leader[n_earlier:])
    old = np.flatnonzero(kept)
    old_groups, place = np.unique(leader[:n_earlier][old], return_index=True)
    wanted = np.isin(old_groups, groups)
    columns = [old_groups[wanted].astype(np.int64), old[place[wanted]]]
    assert int(first_rows[0]) == 0, "earlier data begins at row 0"
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=TAKEN_SCHEMA)


def prompts_of(shard: Shard) -> Prompts:
    """The prompts of a shard, and which of them are compared with none."""
    rows = read_parquet(shard.rows, [ROW_ID, "prompt"])
    row_id = rows[ROW_ID].to_numpy()
    assert (row_id == np.arange(len(row_id)) + shard.first_row).all(), "a shard is a range of row_id"
    skipped = None if shard.skip_if is None else np.isin(row_id, shard.skipped())
    return Prompts(Texts(rows["prompt"]), skipped)


def answers_of(shard: Shard, places: I64) -> U64:
    """Labels of the ground truths of some rows of a shard."""
    answers = read_parquet(shard.rows, ["answer"])["answer"].take(pa.array(places)).combine_chunks()
    each = answers.dictionary_encode()
    labels: U64 = np.append(answer_labels(each.dictionary.to_pylist()), np.uint64(0))
    found: U64 = labels[each.indices.fill_null(len(labels) - 1).to_numpy()]
    return found


def answer_labels(answers: Sequence[str]) -> U64:
    """A hash of the number an answer is, odd; of a text that is seldom the same by chance, even; else 0.

    Seldom the same are texts with a digit, or of eight letters or more: not "yes", "(B)", "true".
    """
    values = [known_value(answer) for answer in answers]
    texts = [" ".join(SPECIAL_TOKEN.sub(" ", answer).casefold().split()) for answer in answers]
    telling = [any(map(str.isdigit, text)) or sum(map(str.isalpha, text)) >= MANY_LETTERS for text in texts]
    told = [text if value is None else str(value) for text, value in zip(texts, values, strict=True)]
    hashes = text_hash128(pa.array(told, pa.large_string()), "none").hash[:, 0] | np.uint64(3)
    is_number = np.array([value is not None for value in values], dtype=np.bool_)
    hashes[~is_number] ^= np.uint64(1)
    return np.where(is_number | np.array(telling, dtype=np.bool_), hashes, np.uint64(0))


def evidence(place: int, near: Near, first_rows: I64) -> pa.Table:
    """The evidence of one shard; first_rows has the first row_id of each."""
    found = near.part(place)
    shard = np.searchsorted(near.starts, found.representative, side="right") - 1
    representative = found.representative - near.starts[shard] + first_rows[shard]
    unmeasured = (found.status == NO_TEXT) | (found.status == SKIPPED)
    alone = unmeasured | np.isnan(found.best)
    columns = [
        pa.array(np.arange(len(shard), dtype=np.int64) + first_rows[place]),
        pa.array(representative, mask=unmeasured),
        pa.array(found.size.astype(np.int32), mask=unmeasured),
        pa.array(representative, mask=unmeasured),
        pa.array(found.jaccard, mask=unmeasured),
        pa.array(found.best, mask=alone),
        pa.array(found.worst, mask=alone),
        pa.DictionaryArray.from_arrays(found.status, pa.array(STATUSES)).cast(pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema([(ROW_ID, pa.int64()), *EVIDENCE]))


STAGE = Stage(
    name="near-dedup",
    version=VERSION,
    grain="row",
    reads=("prompt", "answer"),
    evidence=EVIDENCE,
    params=NearDedupParams,
    whole=find_near_rows,
    runs="thread",
)
