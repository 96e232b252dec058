"""Stage string-similarity: each measure on strings whose value is worked out by hand, and in a second way."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from curate.errors import InputError
from curate.recipe import parse
from curate.stages.string_similarity import EVIDENCE, StringSimilarity, measure, prepare

PRIMES = "Find the sum of all primes below ten."


def evidence(
    prompts: list[str | None], items: list[str | None], folder: Path, **params: Any
) -> list[dict[str, Any]]:
    """Evidence of the prompts against a benchmark `aime` of items 0, 1, ..."""
    path = folder / "aime.jsonl"
    path.write_text("".join(json.dumps({"id": str(i), "problem": t}) + "\n" for i, t in enumerate(items)))
    chosen = StringSimilarity(stage="string-similarity", against=[str(path)], **params)
    frame = pl.DataFrame(
        {"row_id": range(len(prompts)), "prompt": prompts},
        schema={"row_id": pl.Int64, "prompt": pl.String},
    )
    found = measure(frame, chosen, prepare(chosen, folder))
    assert found.schema == {"row_id": pl.Int64, **pl.Schema(EVIDENCE)}
    return found.to_dicts()


def test_the_example_of_the_module(tmp_path: Path) -> None:
    """By lcs seven of eight words are in order."""
    [row] = evidence(["Find the product of all primes below ten."], [PRIMES], tmp_path, by="lcs")
    assert row == {
        "row_id": 0, "benchmark": "aime", "item": "0", "similarity": 0.875, "shared": 7, "row_units": 8,
        "item_units": 8, "row_span": {"start": 0, "end": 40}, "item_span": {"start": 0, "end": 36},
        "status": "ok",
    }  # fmt: skip


def test_each_measure_of_one_pair(tmp_path: Path) -> None:
    """The six measures of the strings "abcdefgh" and "xbcdefyz"."""
    values = {}
    for by in ("indel", "partial", "lcs", "run", "blocks", "equal"):
        more = {"unit": "characters"} if by in ("lcs", "run", "blocks") else {}
        [row] = evidence(["abcdefgh"], ["xbcdefyz"], tmp_path, by=by, min_similarity=0.0, **more)
        values[by] = (row["item"], row["similarity"], row["shared"])
    assert values == {
        "indel": ("0", 2 * 5 / 16, 5),  # b c d e f
        "partial": ("0", 2 * 5 / 14, None),  # xbcdef beside abcdefgh
        "lcs": ("0", 5 / 8, 5),
        "run": ("0", 5 / 8, 5),
        "blocks": ("0", 5 / 8, 5),
        "equal": (None, 0.0, 0),
    }


def test_rows_without_a_match(tmp_path: Path) -> None:
    """Nothing alike enough is similarity 0; nothing to compare is null, with the reason."""
    rows = evidence(["Where is it?", None, "", "x" * 50], [PRIMES, None, ""], tmp_path, by="indel",
                    max_characters=40)  # fmt: skip
    assert [(r["item"], r["similarity"], r["row_units"], r["status"]) for r in rows] == [
        (None, 0.0, 12, "ok"),
        (None, None, None, "no-text"),
        (None, None, None, "no-text"),
        (None, None, None, "too-long"),
    ]


def test_spans_point_at_what_is_in_common(tmp_path: Path) -> None:
    """By partial, run and blocks the spans are those of the common stretch, in the texts as given."""
    prompt = f"Zoë asks: {PRIMES.upper()} Thanks!"
    steps = ["strip-accents", "lower", "collapse-whitespace"]
    for by, text in (("partial", PRIMES), ("run", PRIMES[:-1]), ("blocks", PRIMES[:-1])):
        [row] = evidence([prompt], [f"Né:  {PRIMES}"], tmp_path, by=by, normalizer=steps, min_run=3)
        start, end = row["row_span"]["start"], row["row_span"]["end"]
        assert text.upper() in prompt[start:end], by
        assert by == "partial" or (start, end) == (10, 10 + len(text))


def test_ties_go_to_the_item_named_first(tmp_path: Path) -> None:
    """Of equal items, and of items of other lengths that are as alike, the first is told."""
    for by in ("indel", "partial", "lcs", "run", "blocks", "equal"):
        [row] = evidence([PRIMES], ["zzz", PRIMES, PRIMES], tmp_path, by=by)
        assert (row["item"], row["similarity"]) == ("1", 1.0), by
    [row] = evidence(["abcdef"], ["abcdefxy", "abcd"], tmp_path, by="indel")  # 12 / 14, 8 / 10
    assert row["item"] == "0"


def test_lengths_that_allow_the_similarity_are_compared(tmp_path: Path) -> None:
    """Of 20 characters, texts of 17 and 24 can just be alike by 0.9: 34 / 37 and 40 / 44."""
    text = "abcdefghijklmnopqrst"
    for other, similarity in ((text[:17], 34 / 37), (f"{text}0123", 40 / 44)):
        for row, item in ((text, other), (other, text)):
            [found] = evidence([row], ["zz", item, "z" * 60], tmp_path, by="indel", min_similarity=0.9)
            assert (found["item"], found["similarity"]) == ("1", pytest.approx(similarity))


letters = st.text("ab cd", max_size=24)


@given(items=st.lists(letters, min_size=1, max_size=5), prompts=st.lists(letters, min_size=1, max_size=5),
       by=st.sampled_from(["indel", "partial", "lcs", "run", "blocks"]), least=st.sampled_from([0.1, 0.5, 0.9]),
       min_run=st.sampled_from([None, 2]))  # fmt: skip
def test_the_best_item_is_that_of_comparing_every_pair(
    items: list[str],
    prompts: list[str],
    by: str,
    least: float,
    min_run: int | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Length bounds, cutoffs and candidates lose nothing: every pair compared in turn gives the same."""
    folder = tmp_path_factory.mktemp("pairs")
    unit = {"unit": "characters", "min_block": 2}
    rows = evidence(prompts, items, folder, by=by, min_similarity=least, min_run=min_run, **unit)
    for prompt, row in zip(prompts, rows, strict=True):
        best, score = None, 0.0
        for number, item in enumerate(items):
            blocks = difflib.SequenceMatcher(None, prompt, item, autojunk=False).get_matching_blocks()
            longest = max(block.size for block in blocks)
            least_run = min_run or {"run": 5, "blocks": 2}.get(by, 0)
            if not prompt or not item or longest < least_run:
                continue
            value = {
                "indel": fuzz.ratio(prompt, item) / 100,
                "partial": fuzz.partial_ratio(prompt, item) / 100,
                "lcs": lcs(prompt, item) / min(len(prompt), len(item)),
                "run": longest / len(item),
                "blocks": sum(block.size for block in blocks if block.size >= 2) / len(item),
            }[by]
            if value >= least and value > score:
                best, score = str(number), value
        assert (row["item"], row["similarity"]) == (best, score if prompt else None)


def lcs(a: str, b: str) -> int:
    """Length of the longest common subsequence, by the textbook's table."""
    row = [0] * (len(b) + 1)
    for x in a:
        before = row
        row = [0]
        for j, y in enumerate(b):
            row.append(before[j] + 1 if x == y else max(before[j + 1], row[j]))
    return row[-1]


def test_a_cascade_measures_only_what_the_stage_before_found() -> None:
    """skip-if on n-gram evidence is the prefilter: the recipe is valid, and other names are not."""
    text = """
[evidence.grams]
stage = "ngram-overlap"
against = ["x"]

[evidence.alike]
stage = "string-similarity"
against = ["x"]
by = "lcs"
skip-if = "grams.hits = 0"
"""
    assert parse(text, "cascade.toml").evidence["alike"].skip_if == "grams.hits = 0"


def test_only_texts_can_be_compared(tmp_path: Path) -> None:
    """A benchmark of which only the fingerprint is here is refused, with the command that gets its text."""
    chosen = StringSimilarity(stage="string-similarity", against=["aime-2024"], by="indel")
    with pytest.raises(InputError, match="aime-2024: expected the text .* curate benchmarks pull aime-2024"):
        prepare(chosen, tmp_path)
