"""What kind of text a prompt is: how long, in which script, and which patterns it shows.

Measures
    Sizes and scripts of the prompt, and the patterns of `rules/patterns/*.toml` that hold for it (see
    `curate.stages.patterns`). A category of patterns feeds a flag of its own; patterns of other
    categories, a user's own among them, show in `patterns`:
    `array_contains(query.patterns, 'my-pattern')`.
Columns
    n_chars, n_words     characters; words between spaces, each character a word in scripts without spaces
    is_empty             null, empty, or nothing but white space
    script               the script of most letters: latin, han, kana, hangul, cyrillic, greek, arabic,
                         hebrew, devanagari, thai or other; none without a letter. LaTeX commands and
                         letters that stand alone (variables) are left out.
    script_share         share of the letters in that script; 0.0 without a letter
    letter_share         letters among the characters that are no white space
    non_ascii_share      characters beyond ASCII among all characters
    has_url, has_image, has_table, is_proof, is_multi_part, is_multiple_choice, is_true_false
                         a pattern of the category holds
    patterns             ids of all patterns that hold, sorted
    status               ok; no-text: the prompt is null, measured as if it were empty, so that no rule
                         on this evidence meets a null
Not covered
    Clarity and completeness (that takes a judge), the language beyond its script, a leaked answer.
    Patterns are written for precision: a flag that is false is no proof of absence.
Source
    AM-Thinking-v1 §2.2 (URLs, images, proofs, several questions, multiple choice); DeepDistill §2.2.1
    (Unicode ratio, empty queries, tables). The papers publish no patterns; these are ours.

In:  {"row_id": 0, "prompt": "Let n be odd. Prove that n^2 - 1 is even."}
Out: {"row_id": 0, "n_chars": 41, "n_words": 11, "is_empty": False, "script": "latin", "script_share": 1.0,
      "letter_share": 0.806..., "non_ascii_share": 0.0, "has_url": False, ..., "is_proof": True, ...,
      "patterns": ["proof-prove-en"], "status": "ok"}
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
from pydantic import Field, field_validator

from curate.errors import RecipeError
from curate.flow import ROW_ID, Stage, StageParams
from curate.stages.patterns import Pattern, held, load_patterns, pattern_files

VERSION = 1

CATEGORIES = {
    "has_url": "url",
    "has_image": "image",
    "has_table": "table",
    "is_proof": "proof",
    "is_multi_part": "multi-part",
    "is_multiple_choice": "multiple-choice",
    "is_true_false": "true-false",
}

EVIDENCE = pa.schema(
    [
        ("n_chars", pa.int32()),
        ("n_words", pa.int32()),
        ("is_empty", pa.bool_()),
        ("script", pa.string()),
        ("script_share", pa.float64()),
        ("letter_share", pa.float64()),
        ("non_ascii_share", pa.float64()),
        *((flag, pa.bool_()) for flag in CATEGORIES),
        ("patterns", pa.list_(pa.string())),
        ("status", pa.string()),
    ]
)

NON_LATIN = {
    "han": r"\p{Han}",
    "kana": r"[\p{Hiragana}\p{Katakana}]",
    "hangul": r"\p{Hangul}",
    "cyrillic": r"\p{Cyrillic}",
    "greek": r"\p{Greek}",
    "arabic": r"\p{Arabic}",
    "hebrew": r"\p{Hebrew}",
    "devanagari": r"\p{Devanagari}",
    "thai": r"\p{Thai}",
}
WORD = r"[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]+|\S"
NOT_PROSE = r"\\[a-zA-Z]+|(?-u:\b)[A-Za-z](?-u:\b)"
"""LaTeX commands, and letters that stand alone, which in a problem are variables."""


class QueryQualityParams(StageParams):
    """Which patterns are tried besides those that come with curate."""

    stage: Literal["query-quality"]
    patterns: str | None = Field(
        default=None, description="Folder of your own pattern files, one .toml file a category"
    )

    @field_validator("patterns")
    @classmethod
    def _readable(cls, folder: str | None) -> str | None:
        """Wrong pattern files are found with the other problems of a recipe, before any data is read."""
        try:
            load_patterns(folder)
        except RecipeError as error:
            raise ValueError(str(error)) from error
        return folder

    def files(self) -> tuple[str, ...]:
        """The pattern files: a changed pattern is measured again."""
        return tuple(str(path) for path in pattern_files(self.patterns))


def prepare(params: QueryQualityParams, _folder: Path) -> tuple[Pattern, ...]:
    """The patterns, read and checked once a run."""
    return load_patterns(params.patterns)


def measure(frame: pl.DataFrame, _params: QueryQualityParams, patterns: tuple[Pattern, ...]) -> pl.DataFrame:
    """One line of query evidence a row."""
    text = frame["prompt"].fill_null("")
    is_null = pl.col("prompt").is_null()
    status = pl.when(is_null).then(pl.lit("no-text")).otherwise(pl.lit("ok"))
    measured = pl.concat(
        [
            frame.select(ROW_ID, status=status),
            _sizes(text),
            _scripts(text),
            _patterns(patterns, text),
        ],
        how="horizontal",
    )
    schema = pl.DataFrame(EVIDENCE.empty_table()).schema
    return measured.select(ROW_ID, *(pl.col(name).cast(schema[name]) for name in EVIDENCE.names))


def _sizes(text: pl.Series) -> pl.DataFrame:
    counts = (
        text.alias("text")
        .to_frame()
        .select(
            n_chars=pl.col("text").str.len_chars(),
            n_words=pl.col("text").str.count_matches(WORD),
            n_spaces=pl.col("text").str.count_matches(r"\s"),
            n_letters=pl.col("text").str.count_matches(r"\p{L}"),
        )
    )
    n_visible = pl.col("n_chars") - pl.col("n_spaces")
    return counts.select(
        "n_chars", "n_words", is_empty=n_visible == 0, letter_share=_share(pl.col("n_letters"), n_visible)
    )


def _scripts(text: pl.Series) -> pl.DataFrame:
    """`non_ascii_share`, `script` and `script_share` of each text; ASCII has one script, so the others are
    not looked for in texts of nothing else.
    """
    is_ascii = text.str.len_bytes() == text.str.len_chars()
    prose = text.str.replace_all(NOT_PROSE, " ").alias("text").to_frame().with_row_index()
    has_letter = pl.col("text").str.contains("[A-Za-z]")
    ascii_only = prose.filter(is_ascii).select(
        "index",
        script=pl.when(has_letter).then(pl.lit("latin")).otherwise(pl.lit("none")),
        script_share=pl.when(has_letter).then(1.0).otherwise(0.0),
        non_ascii_share=0.0,
    )
    others = prose.filter(~is_ascii)
    whole = text.filter(~is_ascii).alias("text").to_frame()
    n_others = pl.col("text").str.count_matches(r"[^\x00-\x7F]")
    shares = whole.select(non_ascii_share=_share(n_others, pl.col("text").str.len_chars()))
    mixed = pl.concat([others.select("index"), _script(others), shares], how="horizontal")
    return pl.concat([ascii_only, mixed]).sort("index").drop("index")


def _script(frame: pl.DataFrame) -> pl.DataFrame:
    """`script` and `script_share` of each text; of scripts with as many letters the first in the order
    of NON_LATIN, latin, other.
    """
    text = pl.col("text")
    counts = frame.select(
        *(text.str.count_matches(letters).alias(name) for name, letters in NON_LATIN.items()),
        foreign=text.str.count_matches(r"[\p{L}--\p{Latin}]"),
        letters=text.str.count_matches(r"\p{L}"),
    ).with_columns(latin=pl.col("letters") - pl.col("foreign"))
    known = pl.min_horizontal("foreign", pl.sum_horizontal(*NON_LATIN))
    counts = counts.with_columns(other=pl.col("foreign") - known)
    names = [*NON_LATIN, "latin", "other"]
    most = pl.max_horizontal(names)
    choices = [pl.when(pl.col(name) == most).then(pl.lit(name)) for name in names]
    script = pl.when(pl.col("letters") > 0).then(pl.coalesce(choices)).otherwise(pl.lit("none"))
    return counts.select(
        script=script, script_share=_share(pl.min_horizontal(most, "letters"), pl.col("letters"))
    )


def _patterns(patterns: Sequence[Pattern], text: pl.Series) -> pl.DataFrame:
    """The flag of each category, and the ids of all that hold."""
    found = held(patterns, text)
    flags = {
        flag: found[:, [pattern.category == category for pattern in patterns]].any(axis=1)
        for flag, category in CATEGORIES.items()
    }
    ends = np.concatenate([[0], np.cumsum(found.sum(axis=1))]).astype(np.int32)
    ids = pa.array([pattern.id for pattern in patterns], pa.string()).take(pa.array(found.nonzero()[1]))
    lists = pl.Series("patterns", pa.ListArray.from_arrays(pa.array(ends), ids))
    return pl.DataFrame(flags).with_columns(lists)


def _share(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """part / whole, 0.0 where there is nothing."""
    return pl.when(whole > 0).then(part / whole).otherwise(0.0)


STAGE = Stage(
    name="query-quality",
    version=VERSION,
    grain="row",
    reads=("prompt",),
    evidence=EVIDENCE,
    params=QueryQualityParams,
    measure=measure,
    prepare=prepare,
    runs="thread",
)
