"""string-similarity: how alike a prompt and the most alike benchmark item are, by one of six measures.

*Measures.* Prompt and items are brought to a normal form and cut into units
(`curate.benchmarks.normal_forms`); one measure (`by`) is taken of the prompt and every item that can reach
`min-similarity`, and the item of the largest similarity is told; ties go to the item named first.
- `indel`: 2 * longest common subsequence / (length of both): rapidfuzz's `fuzz.ratio` / 100
- `partial`: the same of the shorter text and the stretch of the longer one it fits best: `fuzz.partial_ratio`
- `lcs`: longest common subsequence / length of the shorter text
- `run`: longest common contiguous run / length of the item
- `blocks`: matching blocks of at least `min-block` units, as difflib finds them / length of the item
- `equal`: 1 if the normal forms are equal
With `min-run` only items count of which the prompt has so many units in a row: an n-gram rule AND a measure,
of the same item.

*Columns.*
- benchmark, item: of the most alike item; null if none reaches `min-similarity`
- similarity: as above, 0 to 1; 0 if no item reaches `min-similarity`; null if status is not `ok`
- shared: units in common, as the measure counts them; for indel of the common subsequence; null for partial
- row_units, item_units: lengths; item_units is null if item is
- row_span, item_span: characters from the first to the last unit in common; for lcs, indel and equal of the
  whole texts; null if item is
- status: `ok`; `too-long`: more than `max-characters` characters, not compared; `no-text`: null, or nothing
  left of it in the normal form

*Not covered.* A prompt in which an item is embedded is little alike by `indel` and `equal`. Every prompt is
compared with every item whose length allows it; long prompts cost in proportion. Only `equal` and what has a
`min-run` (`run` and `blocks` always do) looks at few items. Let an n-gram stage choose the rows first:
`skip-if = "grams.hits = 0"`. Only texts can be compared, not fingerprints.
Measured on one core, maths prompts against 7,600 items, per prompt: `equal` 0.01 ms; `lcs` with a `min-run`
of 13 0.1 ms; `indel` 0.7 ms from 0.95 on, 3 ms from 0.8 on; `run` and `blocks` of words 1 ms, of characters
14 ms; `lcs` of all items 2 ms; `partial` 800 ms: for more than a few thousand prompts give it `min-run = 3`
with `run-unit = "words"`.

*Source.* `indel`: open-thoughts (`fuzz.ratio` >= 95); `partial`: OpenThoughts-Agent (`data/commons.py`);
`lcs`: Qwen2 and Qwen2.5 technical reports; `blocks`: cosmopedia (`decontamination/decontaminate.py`) and
Apertus; `equal`: Light-R1 (`decontaminate/character_matching.py`).

One row in and out, by `lcs`, against a benchmark `aime` with item `7`, "Find the sum of all primes below
ten.":

    {"row_id": 0, "prompt": "Find the product of all primes below ten."}
    {"row_id": 0, "benchmark": "aime", "item": "7", "similarity": 0.875, "shared": 7, "row_units": 8,
     "item_units": 8, "row_span": {"start": 0, "end": 40}, "item_span": {"start": 0, "end": 36},
     "status": "ok"}
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import polars as pl
import pyarrow as pa
from pydantic import AfterValidator, Field

from curate.benchmarks.alike import Measure, Setting, best_matches, units_of
from curate.benchmarks.item_file import items_with_text, read_item_file, write_item_file
from curate.benchmarks.normal_forms import UNITS, form, known_normalizer, known_unit, span
from curate.benchmarks.protect import resolve
from curate.flow import ROW_ID, STATUS, Stage, StageParams
from curate.stages.ngram_overlap import SPAN, existing

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("benchmark", pa.string()),
        ("item", pa.string()),
        ("similarity", pa.float64()),
        ("shared", pa.int32()),
        ("row_units", pa.int32()),
        ("item_units", pa.int32()),
        ("row_span", SPAN),
        ("item_span", SPAN),
        (STATUS, pa.string()),
    ]
)


class StringSimilarity(StageParams):
    """Compare prompts with benchmark items as strings."""

    stage: Literal["string-similarity"]
    against: list[str] = Field(min_length=1)
    """Evaluation sets to protect, whose texts must be at hand: names, groups, files, globs or folders."""
    against_column: str | None = None
    """Text column of the files that `against` names; by default recognised by its name."""
    by: Measure
    """indel, partial, lcs, run, blocks or equal."""
    unit: Annotated[str, AfterValidator(known_unit)] | None = None
    """What is compared: words, math, whitespace, word-characters, characters, or a tokenizer's JSON file; by
    default characters for indel, partial and equal, words for the others."""
    normalizer: Annotated[str | list[str], AfterValidator(known_normalizer)] = "none"
    """Normal form: none, openr1, lightr1-exact, vibethinker, qwen, decon, cosmopedia, or a list of steps."""
    min_similarity: float = Field(default=0.5, ge=0, le=1)
    """Less alike items are not told; the higher, the faster indel and partial are."""
    min_shared: int = Field(default=0, ge=0)
    """Only items with which so many units are shared count; not for partial."""
    min_block: int = Field(default=5, ge=1)
    """Units of the shortest block that counts for blocks."""
    min_run: int | None = Field(default=None, ge=1)
    """Only items of which the prompt has so many units in a row count; for run 5 and for blocks `min-block`
    by default."""
    run_unit: Annotated[str, AfterValidator(known_unit)] | None = None
    """The unit of `min-run`, if it is another one."""
    max_characters: int = Field(default=30_000, ge=1)
    """Longer prompts are not compared."""

    def files(self) -> tuple[str, ...]:
        """The texts of the benchmarks, and the tokenizer."""
        own = [unit for unit in (self.unit, self.run_unit) if unit is not None and unit not in UNITS]
        against = resolve(self.against, self.against_column)
        return (*(str(benchmark.file) for benchmark in against), *existing(own))


def setting(params: StringSimilarity) -> Setting:
    """What the parameters ask for."""
    unit = params.unit or ("characters" if params.by in ("indel", "partial", "equal") else "words")
    least = {"run": 5, "blocks": params.min_block}.get(params.by)
    return Setting(
        params.by,
        form(params.normalizer, unit),
        params.min_similarity,
        params.min_shared,
        params.min_block,
        params.min_run or least,
        form(params.normalizer, params.run_unit or unit),
    )


def prepare(params: StringSimilarity, folder: Path) -> Path:
    """Write the items into `folder`; returns the path."""
    path = write_item_file(items_with_text(resolve(params.against, params.against_column)), folder)
    units_of(path, setting(params).form)  # a tokenizer that is not there stops before any row
    return path


def measure(frame: pl.DataFrame, params: StringSimilarity, state: Path) -> pl.DataFrame:
    """Evidence of every row; `state` is the path of the items."""
    asked, items = setting(params), read_item_file(state)
    prompts = frame.get_column("prompt").to_list()
    too_long = [len(text or "") > params.max_characters for text in prompts]
    found = best_matches(
        [None if long else text for text, long in zip(prompts, too_long, strict=True)], state, asked
    )
    columns: dict[str, list[object]] = {name: [] for name in EVIDENCE.names}
    for prompt, long, row_units, match in zip(prompts, too_long, found.row_units, found.matches, strict=True):
        if long or not row_units:
            values: tuple[object, ...] = (*[None] * 8, "too-long" if long else "no-text")
        elif match is None:
            values = (None, None, 0.0, 0, row_units, None, None, None, "ok")
        else:
            text = items.texts[match.item] or ""
            spans = (_span(prompt, asked, match.row_units), _span(text, asked, match.item_units))
            values = (
                items.benchmarks[match.item], items.ids[match.item], match.similarity, match.shared,
                row_units, found.item_units[match.item], *spans, "ok",
            )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return frame.select(ROW_ID).hstack(pl.DataFrame(columns, schema=dict(pl.Schema(EVIDENCE))))


def _span(text: str, asked: Setting, units: tuple[int, int]) -> dict[str, int]:
    start, end = span(text, asked.form, *units)
    return {"start": start, "end": end}


STAGE = Stage(
    name="string-similarity",
    version=VERSION,
    grain="row",
    reads=("prompt",),
    evidence=EVIDENCE,
    params=StringSimilarity,
    measure=measure,
    prepare=prepare,
)
