"""benchmark-match: the benchmark item a prompt is: verbatim, edited, in other words, or with other numbers.

*Measures.* Layer one finds the items of whose words a window of the prompt has a large share, in any order;
words are weighed by how rare they are in problems at large. Layer two lays each of the best four beside the
window (longest common subsequence) and looks at what stands in the gaps. That tells the class:
- `verbatim`: all words of the item in order, nothing between; case, spaces, punctuation, markup and the
  spelling of LaTeX do not matter
- `near`: most of its words in order, its numbers kept: words changed, left out, put in, misspelt; sentences
  moved; variables renamed one for one
- `reworded`: its rare words in another order, more than chance gives, and its numbers; or its formulas, in
  another language
- `variant`: near, but another problem: numbers exchanged, a clause put in, a number no longer told, another
  operator, the area where it was the perimeter
- `template`: words of it in order, as any problem of the kind has them; `none`: less than that
Of the candidates the nearest class counts, then the one that leaves the least of item and prompt out of
order, then the share, then the item named first.

A benchmark of which only the fingerprint is at hand is compared by its n-grams of ten words, as ngram-overlap
does: with all of an item's the prompt is `verbatim`, with half of them `near`. The status says that nobody
looked at the words.

*Columns.*
- benchmark, item: name of the evaluation set and id in it; null if there is no candidate
- class: as above; `none` if there is no candidate
- alignment: weight of the item's words that the prompt has in order, of that of all, 0 to 1
- idf_containment: the same in any order, each word once, without numbers and signs
- containment: of the item's n-grams the part that the prompt has; null unless a fingerprint was compared
- numbers_agree: whether the item's numbers are all there and none is exchanged; null if it has none
- hits: candidates that were laid beside the prompt
- why: what the class rests on, in words
- row_span, item_span: characters of the prompt, of the item, from the first to the last word aligned
- status: `ok`; `fingerprint`: what is told rests on n-grams alone; `no-text`: null or without a token

*Not covered.* Translations, other than by numbers and formulas; rewordings that share no rare word with the
item. An item all of whose words are common is found only where the prompt is that item and nothing else.

*Source.* Inverse-document-frequency-weighted containment: measured against sentence encoders on reworded
items of AIME, where it was as good. Classes instead of one threshold: GSM-Plus and MATH-Perturb, whose items
with other numbers are other problems.

One row in and out, against a benchmark `aime` with item `7`, "A ladder 13 metres long leans against a wall,
its foot 5 metres away. How high does it reach?":

    {"row_id": 0, "prompt": "Q: a ladder 17 metres long leans against a wall, its foot 5 metres away. How high
     does it reach?"}
    {"row_id": 0, "benchmark": "aime", "item": "7", "class": "variant", "alignment": 0.96,
     "idf_containment": 1.0, "containment": null, "numbers_agree": false, "hits": 1,
     "why": "13 became 17", "row_span": {"start": 3, "end": 95}, "item_span": {"start": 0, "end": 92},
     "status": "ok"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.benchmarks.matching import NGRAM, Match, Matches, State, match, write_state
from curate.benchmarks.protect import resolve
from curate.flow import ROW_ID, STATUS, Stage, StageParams

__all__ = ["NGRAM", "STAGE"]

VERSION = 2

SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32())])

EVIDENCE = pa.schema(
    [
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("class", pa.string()),
        ("alignment", pa.float64()),
        ("idf_containment", pa.float64()),
        ("containment", pa.float64()),
        ("numbers_agree", pa.bool_()),
        ("hits", pa.int32()),
        ("why", pa.string()),
        ("row_span", SPAN),
        ("item_span", SPAN),
        (STATUS, pa.string()),
    ]
)


class BenchmarkMatch(StageParams):
    """Compare prompts with benchmark items: copies, rewordings, variants."""

    stage: Literal["benchmark-match"]
    against: list[str] = Field(min_length=1)
    """Evaluation sets to protect: names and groups of the registry (`curate benchmarks list`), a release or
    dates of them (livecodebench@v5), files, globs or folders (`curate run --against NAME_OR_FILE`)."""
    against_column: str | None = None
    """Text column of the files that `against` names; by default recognised by its name."""

    def files(self) -> tuple[str, ...]:
        """What is read of the benchmarks: texts where they are at hand, else fingerprints."""
        return tuple(str(benchmark.file) for benchmark in resolve(self.against, self.against_column))


def prepare(params: BenchmarkMatch, folder: Path) -> State:
    """Write what the workers need of the benchmarks into `folder`."""
    return write_state(resolve(params.against, params.against_column), "problem", folder)


def measure(frame: pl.DataFrame, _: BenchmarkMatch, state: State) -> pl.DataFrame:
    """Evidence of every row."""
    prompts = frame.get_column("prompt").to_arrow()
    return frame.select(ROW_ID).hstack(evidence_of(match(prompts, state)))


def evidence_of(matches: Matches) -> pl.DataFrame:
    """A line for every text, as EVIDENCE."""
    schema = pl.DataFrame(EVIDENCE.empty_table()).schema
    lines = np.fromiter(matches.of, np.int64, len(matches.of))
    columns = zip(*map(_evidence, matches.of.values()), strict=True) if matches.of else [[]] * len(schema)
    told = pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=dict(schema))
    at = np.full(len(matches.n_tokens), len(lines))
    at[lines] = np.arange(len(lines))
    has_text = pl.lit(pl.Series(matches.n_tokens > 0))
    return pl.concat([told, told.clear(1)])[at].with_columns(
        pl.col("class").fill_null(pl.when(has_text).then(pl.lit("none"))),
        pl.col("hits").fill_null(pl.when(has_text).then(0)),
        pl.col(STATUS).fill_null(pl.when(has_text).then(pl.lit("ok")).otherwise(pl.lit("no-text"))),
    )


def _evidence(one: Match) -> tuple[Any, ...]:
    """The columns of a text that has a candidate."""
    row_span, item_span = (
        span and {"start": span[0], "end": span[1]} for span in (one.row_span, one.item_span)
    )
    return (
        one.benchmark, one.item, one.kind, one.alignment, one.share, one.containment,
        one.numbers_agree, one.hits, one.why, row_span, item_span, one.status,
    )  # fmt: skip


STAGE = Stage(
    name="benchmark-match",
    version=VERSION,
    grain="row",
    reads=("prompt",),
    evidence=EVIDENCE,
    params=BenchmarkMatch,
    measure=measure,
    prepare=prepare,
)
