"""ngram-overlap: how much of a benchmark item a prompt contains, and which item and where.

*Measures.* Prompt and items are cut into tokens: NFKC, letters lower-cased, punctuation and symbols
gone, Han and Kana one token a character (`tokenizer = "words"`; `"math"` keeps operators and parts
digits from letters). An item is the set of its n-grams; its containment in a prompt is the share of
them that the prompt has, in any order, anywhere. Of all items of all benchmarks the one with the
largest containment is reported; ties go to more shared n-grams, then to the item named first.
An item of fewer than n tokens counts as one n-gram, its whole: found anywhere in the prompt from four
tokens on, below that only as the whole prompt. `item_tokens < n` tells such a match.

*Columns.*
- benchmark, item: name of the benchmark file and id in it; null if nothing is shared
- containment: shared / item_ngrams, 0 to 1; 0 if nothing is shared; null if status is `no-text`
- shared: distinct n-grams of the item that the prompt has
- item_ngrams, item_tokens: distinct n-grams and tokens of the item; null if nothing is shared
- hits: positions of the prompt at which an n-gram of any item begins
- row_span, item_span: characters of the prompt, of the item, from the first to the last shared n-gram;
  item_span is null where only the fingerprint of the benchmark is at hand
- status: `ok`; `short-row`, fewer than n tokens, so only items as short can be found; `no-text`, null or
  without a token

*Not covered.* Rewording, translation, other numbers: a changed word takes up to n n-grams away. A part
of an item of fewer than n tokens. Items without a token. A shared stock phrase ("where m and n are
relatively prime positive integers. Find m + n") is a hit like any other: `hits > 0` alone condemns many
innocent rows, and a rule should ask for containment.

*Source.* VibeThinker-1.5B technical report, §3.5: "10-gram matching" after removing punctuation and
symbols and unifying case. The report names neither the unit nor how much must match; words, and a
measured containment for rules to judge, are our choice.

One row in and out, against a benchmark `aime` with item `7`, "Find the number of pairs of positive
integers whose sum is 2024.":

    {"row_id": 0, "prompt": "Q: find the NUMBER of pairs of positive integers whose sum is 2024"}
    {"row_id": 0, "benchmark": "aime", "item": "7", "containment": 1.0, "shared": 3, "item_ngrams": 3,
     "item_tokens": 12, "hits": 3, "row_span": {"start": 3, "end": 66},
     "item_span": {"start": 0, "end": 63}, "status": "ok"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.benchmarks.protect import resolve
from curate.benchmarks.protection import parts_of
from curate.flow import ROW_ID, STATUS, Stage, StageParams
from curate.kernels.native import Texts
from curate.kernels.ngram_index import MAX_NGRAM, open_index, scan, spans, write_index

VERSION = 2

SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32())])

EVIDENCE = pa.schema(
    [
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("containment", pa.float64()),
        ("shared", pa.int32()),
        ("item_ngrams", pa.int32()),
        ("item_tokens", pa.int32()),
        ("hits", pa.int32()),
        ("row_span", SPAN),
        ("item_span", SPAN),
        (STATUS, pa.string()),
    ]
)


class NgramOverlap(StageParams):
    """Compare prompts with benchmark items by shared n-grams of tokens."""

    stage: Literal["ngram-overlap"]
    against: list[str] = Field(min_length=1)
    """Evaluation sets to protect: names and groups of the registry (`curate benchmarks list`), a release or
    dates of them (livecodebench@v5), files, globs or folders (`curate run --against NAME_OR_FILE`). Without
    any to protect, leave the stage out (`--without leak`)."""
    against_column: str | None = None
    """Text column of the files that `against` names; by default recognised by its name."""
    ngram: int = Field(default=10, ge=1, le=MAX_NGRAM)
    tokenizer: Literal["words", "math"] = "words"

    def files(self) -> tuple[str, ...]:
        """What is read of the benchmarks: texts where they are at hand, else fingerprints."""
        return tuple(str(benchmark.file) for benchmark in resolve(self.against, self.against_column))


def prepare(params: NgramOverlap, folder: Path) -> str:
    """Write the index of all benchmark items into `folder`; returns its path."""
    against = resolve(params.against, params.against_column)
    parts = parts_of(against, params.ngram, params.tokenizer)
    return str(write_index(parts, params.ngram, params.tokenizer, folder))


def measure(frame: pl.DataFrame, params: NgramOverlap, state: str) -> pl.DataFrame:
    """Evidence of every row; `state` is the path of the index."""
    index = open_index(Path(state))
    prompts = frame.get_column("prompt").to_arrow()
    texts = Texts(prompts)
    found = scan(texts, index)
    lines = np.flatnonzero(found["item"] >= 0)
    hit = found[lines]
    items = hit["item"].astype(np.int64)
    row_span = spans(texts, prompts, index.tokenizer, lines, hit["row_first"], hit["row_end"])
    known = index.has_text[items]
    item_span = spans(
        index.item_texts,
        index.texts,
        index.tokenizer,
        items[known],
        hit["item_first"][known],
        hit["item_end"][known],
    )
    matched = pl.DataFrame(
        {
            "line": lines.astype(np.uint32),
            "benchmark": pl.Series(index.benchmarks.take(pa.array(items))),
            "item": pl.Series(index.ids.take(pa.array(items))),
            "item_ngrams": index.n_ngrams[items].astype(np.int32),
            "item_tokens": index.n_tokens[items].astype(np.int32),
            "row_span": _structs(row_span),
        }
    )
    told = pl.DataFrame({"line": lines[known].astype(np.uint32), "item_span": _structs(item_span)})
    n_tokens, shared = pl.Series(found["n_tokens"]), pl.Series(found["shared"])
    evidence = pl.DataFrame(
        {
            "line": np.arange(len(found), dtype=np.uint32),
            "shared": shared.cast(pl.Int32),
            "hits": pl.Series(found["hits"]).cast(pl.Int32),
            STATUS: pl.select(
                pl.when(n_tokens == 0)
                .then(pl.lit("no-text"))
                .when(n_tokens < params.ngram)
                .then(pl.lit("short-row"))
                .otherwise(pl.lit("ok"))
            ).to_series(),
        }
    )
    for more in (matched, told):
        evidence = evidence.join(more, on="line", how="left", maintain_order="left")
    has_text = pl.col(STATUS) != "no-text"
    evidence = evidence.with_columns(
        pl.when(has_text)
        .then((pl.col("shared") / pl.col("item_ngrams")).fill_null(0.0))
        .alias("containment"),
        pl.when(has_text).then(pl.col("shared", "hits")),
    )
    return frame.select(ROW_ID).hstack(evidence.select(EVIDENCE.names))


def _structs(span: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]) -> pl.Series:
    return pl.DataFrame({"start": span[0], "end": span[1]}).to_struct()


STAGE = Stage(
    name="ngram-overlap",
    version=VERSION,
    grain="row",
    reads=("prompt",),
    evidence=EVIDENCE,
    params=NgramOverlap,
    measure=measure,
    prepare=prepare,
    runs="thread",
)
