"""ngram-overlap: how much of a benchmark item a prompt contains, and which item and where.

*Measures.* Prompt and items are cut into tokens: NFKC, letters lower-cased, punctuation and symbols
gone, Han and Kana one token a character (`unit = "words"`; `"math"` keeps operators and parts
digits from letters). An item is the set of its n-grams; its containment in a prompt is the share of
them that the prompt has, in any order, anywhere. Of all items of all benchmarks the one with the
largest containment is reported; ties go to more shared n-grams, then to the item named first.
An item of fewer than n tokens counts as one n-gram, its whole: found anywhere in the prompt from four
tokens on, below that only as the whole prompt. `item_tokens < n` tells such a match.

The rules of papers are other settings of the same: `normalizer` and `unit` (`curate.benchmarks.normal_forms`
has them by name), `short` and `min-item-tokens` for short items, `ignore` for an allow-list, `best-by` for
the item that is told. Any of them needs the texts of the benchmarks, and takes the time of Python: on 25,417
maths prompts, a quarter of them with a hit, 1 s where the kernel takes 0.1. `rules/papers` has a recipe for
each paper.

*Columns.*
- benchmark, item: name of the benchmark file and id in it; null if nothing is shared
- containment: shared / item_ngrams, 0 to 1; 0 if nothing is shared; null if status is `no-text`
- row_containment: shared / distinct n-grams of the prompt; the greater of the two is the share of the
  smaller side
- coverage: tokens of the item that shared n-grams cover / item_tokens; null where only the fingerprint is at
  hand
- longest_run: tokens of the longest stretch of the item every n-gram of which the prompt has; null where
  coverage is
- shared: distinct n-grams of the item that the prompt has
- item_ngrams, item_tokens: distinct n-grams (that are not ignored) and tokens of the item; null if nothing is
  shared
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
measured containment for rules to judge, are our choice. Coverage: Tülu 3, section 3.2; the share of the
smaller side: Phi-4, algorithm 1.

One row in and out, against a benchmark `aime` with item `7`, "Find the number of pairs of positive
integers whose sum is 2024.":

    {"row_id": 0, "prompt": "Q: find the NUMBER of pairs of positive integers whose sum is 2024"}
    {"row_id": 0, "benchmark": "aime", "item": "7", "containment": 1.0, "row_containment": 0.75,
     "coverage": 1.0, "longest_run": 12, "shared": 3, "item_ngrams": 3, "item_tokens": 12, "hits": 3,
     "row_span": {"start": 3, "end": 66},
     "item_span": {"start": 0, "end": 63}, "status": "ok"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from pydantic import AfterValidator, Field

from curate.benchmarks.item_file import items_with_text, write_item_file
from curate.benchmarks.normal_forms import (
    NATIVE_UNITS,
    UNITS,
    form,
    known_normalizer,
    known_unit,
    span,
)
from curate.benchmarks.protect import resolve
from curate.benchmarks.protection import parts_of
from curate.benchmarks.shared_ngrams import Rank, Rule, State, open_state
from curate.benchmarks.shared_ngrams import scan as scan_forms
from curate.errors import InputError
from curate.flow import ROW_ID, STATUS, Stage, StageParams
from curate.kernels.native import Texts
from curate.kernels.ngram_index import MAX_NGRAM, extents, open_index, scan, spans, write_index
from curate.kernels.text import Tokenizer

VERSION = 3

SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32())])

EVIDENCE = pa.schema(
    [
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("containment", pa.float64()),
        ("row_containment", pa.float64()),
        ("coverage", pa.float64()),
        ("longest_run", pa.int32()),
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
    unit: Annotated[str, AfterValidator(known_unit)] = "words"
    """What a token is: words, math, whitespace, word-characters, characters, or the JSON file of a Hugging
    Face tokenizer."""
    normalizer: Annotated[str | list[str], AfterValidator(known_normalizer)] = "none"
    """Normal form before tokens are cut: none, openr1, lightr1-exact, vibethinker, qwen, decon, cosmopedia,
    or a list of steps such as ["lower", "delete-punctuation", "collapse-whitespace"]."""
    short: Literal["whole", "skip"] = "whole"
    """Items of fewer than n tokens: found as a whole, or not at all."""
    min_item_tokens: int | None = Field(default=None, ge=1)
    """Items of fewer tokens are not looked for; all others, if short is whole, anywhere in a prompt."""
    ignore: str | list[str] = Field(default=[])
    """Phrases that say nothing, or a text file of them, one a line: their n-grams do not count; a phrase of
    fewer than n tokens discounts every n-gram that contains it."""
    ignore_one_character: bool = False
    """N-grams more than half of whose tokens are one ASCII character do not count."""
    best_by: Rank = "containment"
    """Which item is told: the one of the largest containment, coverage, or share of the smaller side
    (overlap)."""

    def files(self) -> tuple[str, ...]:
        """What is read of the benchmarks: texts where they are at hand, else fingerprints."""
        own = [self.unit] if self.unit not in UNITS else []
        own += [self.ignore] if isinstance(self.ignore, str) else []
        against = resolve(self.against, self.against_column)
        return (*(str(benchmark.file) for benchmark in against), *existing(own))

    def native_unit(self) -> Tokenizer | None:
        """The tokenizer of the kernel that does what is asked for; None if other settings are."""
        plain = (self.normalizer, self.short, self.min_item_tokens, self.best_by) == (
            "none", "whole", None, "containment"
        ) and not (self.ignore or self.ignore_one_character)  # fmt: skip
        return NATIVE_UNITS.get(self.unit) if plain else None


def existing(files: list[str]) -> list[str]:
    """The files. Raises InputError about one that is not there."""
    for file in files:
        if not Path(file).is_file():
            raise InputError(
                f"{file}: there is no such file. Expected a tokenizer (unit) or phrases (ignore)."
            )
    return files


def phrases(ignore: str | list[str]) -> tuple[str, ...]:
    """The phrases, or the lines of the file that is named, that are not blank."""
    if not isinstance(ignore, str):
        return tuple(ignore)
    try:
        lines = Path(ignore).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{ignore}: cannot be read as phrases, one a line: {error}.") from error
    return tuple(line for line in lines if line.strip())


def rule_of(params: NgramOverlap) -> Rule:
    """What the parameters ask for, where the kernel cannot do it."""
    return Rule(
        form(params.normalizer, params.unit),
        params.ngram,
        params.short == "skip",
        params.min_item_tokens,
        phrases(params.ignore),
        params.ignore_one_character,
        params.best_by,
    )


def prepare(params: NgramOverlap, folder: Path) -> str | State:
    """Write the items into `folder`: the path of the kernel's index, or the state of the plain way."""
    against = resolve(params.against, params.against_column)
    native = params.native_unit()
    if native is not None:
        return str(write_index(parts_of(against, params.ngram, native), params.ngram, native, folder))
    state = State(write_item_file(items_with_text(against), folder), rule_of(params))
    open_state(state)  # a tokenizer that is not there stops before any row
    return state


def measure(frame: pl.DataFrame, params: NgramOverlap, state: str | State) -> pl.DataFrame:
    """Evidence of every row; `state` is what `prepare` returned."""
    prompts = frame.get_column("prompt")
    found = by_kernel(prompts, state) if isinstance(state, str) else by_form(prompts, state)
    has_text = pl.col("n_tokens") > 0
    evidence = found.with_columns(
        *(
            pl.when(has_text).then((pl.col("shared") / pl.col(of)).fill_null(0.0)).alias(name)
            for name, of in (("containment", "item_ngrams"), ("row_containment", "row_ngrams"))
        ),
        pl.when(has_text).then(pl.col("shared").fill_null(0)),
        pl.when(has_text).then(pl.col("hits")),
        *(
            pl.when(has_text)
            .then(pl.when(pl.col("item").is_null()).then(0).otherwise(pl.col(name)))
            .alias(name)
            for name in ("coverage", "longest_run")
        ),
        pl.when(~has_text)
        .then(pl.lit("no-text"))
        .when(pl.col("n_tokens") < params.ngram)
        .then(pl.lit("short-row"))
        .otherwise(pl.lit("ok"))
        .alias(STATUS),
    )
    declared = pl.Schema(EVIDENCE)
    return frame.select(ROW_ID).hstack(
        evidence.select(pl.col(name).cast(declared[name]) for name in declared)
    )


def by_kernel(column: pl.Series, state: str) -> pl.DataFrame:
    """What the kernel finds: a line for every prompt, columns null where nothing is shared."""
    index = open_index(Path(state))
    prompts = column.to_arrow()
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
    reach = extents(texts, index, lines, items)
    n_tokens = index.n_tokens[items].astype(np.int64)
    whole = n_tokens < index.ngram
    matched = pl.DataFrame(
        {
            "line": lines.astype(np.uint32),
            "benchmark": pl.Series(index.benchmarks.take(pa.array(items))),
            "item": pl.Series(index.ids.take(pa.array(items))),
            "item_ngrams": index.n_ngrams[items].astype(np.int32),
            "item_tokens": n_tokens.astype(np.int32),
            "row_ngrams": reach.row_ngrams.astype(np.int64),
            "row_span": _structs(row_span),
        }
    )
    told = pl.DataFrame(
        {
            "line": lines[known].astype(np.uint32),
            "item_span": _structs(item_span),
            "coverage": np.where(whole, 1.0, reach.covered / np.maximum(n_tokens, 1))[known],
            "longest_run": np.where(whole, n_tokens, reach.longest_run)[known],
        }
    )
    evidence = pl.DataFrame(
        {
            "line": np.arange(len(found), dtype=np.uint32),
            **{name: found[name].astype(np.int32) for name in ("n_tokens", "shared", "hits")},
        }
    )
    for more in (matched, told):
        evidence = evidence.join(more, on="line", how="left", maintain_order="left")
    return evidence


def by_form(column: pl.Series, state: State) -> pl.DataFrame:
    """The same in any normal form and unit."""
    index, prompts = open_state(state), column.to_list()
    scanned = scan_forms(prompts, state)
    found, of = scanned.found, state.rule.form
    items = found.item.tolist()
    row_spans = [
        span(prompts[row], of, first, end)
        for row, first, end in zip(
            *(values.tolist() for values in (found.row, found.row_first, found.row_end)), strict=True
        )
    ]
    item_spans = [
        span(index.items.texts[item] or "", of, first, end)
        for item, first, end in zip(items, found.item_first.tolist(), found.item_end.tolist(), strict=True)
    ]
    matched = pl.DataFrame(
        {
            "line": found.row.astype(np.uint32),
            "benchmark": pl.Series([index.items.benchmarks[item] for item in items], dtype=pl.String),
            "item": pl.Series([index.items.ids[item] for item in items], dtype=pl.String),
            "item_ngrams": index.n_grams[found.item],
            "item_tokens": index.tokens.counts[found.item],
            "row_ngrams": found.row_ngrams,
            "shared": found.shared,
            "coverage": found.coverage,
            "longest_run": found.longest_run,
            "row_span": _structs(_columns(row_spans)),
            "item_span": _structs(_columns(item_spans)),
        }
    )
    evidence = pl.DataFrame(
        {
            "line": np.arange(len(scanned.n_tokens), dtype=np.uint32),
            "n_tokens": scanned.n_tokens,
            "hits": scanned.hits,
        }
    )
    return evidence.join(matched, on="line", how="left", maintain_order="left")


def _columns(pairs: list[tuple[int, int]]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    both = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    return both[:, 0], both[:, 1]


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
