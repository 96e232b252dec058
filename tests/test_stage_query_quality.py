"""Query quality: sizes, scripts and patterns of prompts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from curate.stages.patterns import load_patterns
from curate.stages.query_quality import CATEGORIES, EVIDENCE, QueryQualityParams, measure


def frame(*prompts: str | None) -> pl.DataFrame:
    """Rows with these prompts."""
    return pl.DataFrame(
        {"row_id": range(len(prompts)), "prompt": prompts}, schema={"row_id": pl.Int64, "prompt": pl.String}
    )


def measured(*prompts: str | None, **params: Any) -> list[dict[str, Any]]:
    """Evidence of each prompt."""
    given = QueryQualityParams.model_validate({"stage": "query-quality", **params})
    return measure(frame(*prompts), given, load_patterns(given.patterns)).to_dicts()


def flags(prompt: str) -> set[str]:
    """The flags that are true for a prompt."""
    [line] = measured(prompt)
    return {flag for flag in CATEGORIES if line[flag]}


def test_the_example_of_the_docstring() -> None:
    """The literal example of the module docstring is what the stage gives."""
    [line] = measured("Let n be odd. Prove that n^2 - 1 is even.")
    assert (line["n_chars"], line["n_words"], line["is_empty"]) == (41, 11, False)
    assert (line["script"], line["script_share"], line["non_ascii_share"]) == ("latin", 1.0, 0.0)
    assert line["letter_share"] == pytest.approx(25 / 31)
    assert (line["is_proof"], line["patterns"], line["status"]) == (True, ["proof-prove-en"], "ok")


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("How many primes are below 30?", set()),
        ("See https://example.org and the diagram below. Find x.", {"has_url", "has_image"}),
        ("![](https://example.org/a.png) Find x.", {"has_url", "has_image"}),
        ("| n | f |\n|---|---|\n| 1 | 2 |\nFind f(3).", {"has_table"}),
        ("It can be proved that the limit exists. Find it.", set()),
        ("Which of the following is prime? (A) 4 (B) 5 (C) 6", {"is_multiple_choice"}),
        ("True or false: every prime is odd.", {"is_true_false"}),
        ("(a) Find x. (b) Prove that x is odd.", {"is_multi_part"}),
        ("已知数列递增。（1）求通项；（2）求证：它无界。", {"is_multi_part"}),
        ("（1）求证：它递增；（2）求证：它无界。", {"is_multi_part", "is_proof"}),
        ("如图，下列说法正确的是（ ）A．一 B．二 C．三 D．四", {"has_image", "is_multiple_choice"}),
        ("f(x) = \\begin{cases} 1 & (a) \\\\ 2 & (b) \\end{cases}, find \\begin{pmatrix} a & b \\end{pmatrix}", set()),
    ],
)  # fmt: skip
def test_categories_become_flags(prompt: str, expected: set[str]) -> None:
    """A flag is true exactly where a pattern of its category holds."""
    assert flags(prompt) == expected


def test_null_empty_and_blank_prompts_are_empty_without_nulls() -> None:
    """No prompt, however absent, leaves a null for a rule to stumble on; the status tells null apart."""
    null, empty, blank = measured(None, "", " \n\t ")
    for line in (null, empty, blank):
        assert None not in line.values()
        assert (line["is_empty"], line["script"], line["patterns"]) == (True, "none", [])
        assert not any(line[flag] for flag in CATEGORIES)
    assert [line["status"] for line in (null, empty, blank)] == ["no-text", "ok", "ok"]


@pytest.mark.parametrize(
    ("prompt", "script"),
    [
        ("Find the sum.", "latin"),
        ("已知a>b，求证$\\frac{a}{b}>1$", "han"),
        ("Найдите x", "cyrillic"),
        ("日本のひらがなです", "kana"),
        ("합을 구하시오", "hangul"),
        ("βρείτε το x", "greek"),
        ("أوجد المجموع", "arabic"),
        ("योग ज्ञात कीजिए", "devanagari"),
        ("գտնել գումարը", "other"),
        ("12 + 3 = 🙂", "none"),
        ("$x + y = \\frac{1}{2}$", "none"),
    ],
)
def test_the_script_of_most_letters_is_named(prompt: str, script: str) -> None:
    """LaTeX commands and single letters are no prose; all other letters count."""
    [line] = measured(prompt)
    assert line["script"] == script


def test_shares_have_known_wholes() -> None:
    """Letters are shared among visible characters, scripts among letters, non-ASCII among all characters."""
    [line] = measured("ab 求证 12")
    assert line["letter_share"] == pytest.approx(4 / 6)
    assert line["non_ascii_share"] == pytest.approx(2 / 8)
    assert (line["script"], line["script_share"]) == ("han", 0.5)
    assert line["n_words"] == 4


def test_a_pattern_of_ones_own_shows_in_patterns_and_in_the_cache_key(tmp_path: Path) -> None:
    """A user's category feeds `patterns`, a user's entry of a known category its flag as well."""
    entry = (
        "[[pattern]]\nid = '{}'\nlanguage = 'en'\nregex = 'zebra'\nexplanation = 'Zebras.'\n"
        "matches = ['zebra', 'a zebra', 'zebras']\nrejects = ['horse', 'zeb', 'ra']\n"
    )
    (tmp_path / "animals.toml").write_text(entry.format("my-zebra"), encoding="utf-8")
    (tmp_path / "proof.toml").write_text(entry.format("proof-by-zebra"), encoding="utf-8")
    [line] = measured("Count the zebras.", patterns=str(tmp_path))
    assert line["patterns"] == ["my-zebra", "proof-by-zebra"]
    assert line["is_proof"] is True
    files = QueryQualityParams.model_validate({"stage": "query-quality", "patterns": str(tmp_path)}).files()
    assert [Path(path).name for path in files][-2:] == ["animals.toml", "proof.toml"]
    assert len(files) == len(QueryQualityParams(stage="query-quality").files()) + 2


def test_a_wrong_pattern_folder_is_found_when_the_recipe_is_read(tmp_path: Path) -> None:
    """The parameters themselves refuse a folder whose files are wrong."""
    (tmp_path / "bad.toml").write_text("[[pattern]]\nid = 'x'\n", encoding="utf-8")
    with pytest.raises(ValidationError, match=r"bad\.toml: x: regex|bad\.toml: x: language: Field required"):
        QueryQualityParams.model_validate({"stage": "query-quality", "patterns": str(tmp_path)})


odd = st.lists(
    st.sampled_from(["Prove that ", "(a) Find ", "(b) ", "🙂", "\x00", "\u0301", "求证", "$$", "\n", " ", "½", "x"]),
    max_size=15,
).map("".join)  # fmt: skip


@settings(max_examples=20)
@given(st.lists(st.one_of(st.none(), odd), min_size=1, max_size=6), st.integers(1, 6))
def test_cutting_and_order_change_nothing(prompts: list[str | None], cut: int) -> None:
    """A prompt has the same evidence alone, in another order and in another shard."""
    params = QueryQualityParams(stage="query-quality")
    patterns = load_patterns(params.patterns)
    whole = measure(frame(*prompts), params, patterns)
    assert pl.concat([measure(part, params, patterns) for part in frame(*prompts).iter_slices(cut)]).equals(
        whole
    )
    assert measure(frame(*prompts).reverse(), params, patterns).reverse().equals(whole)


def test_an_empty_frame_has_the_schema() -> None:
    """No row gives no line, in the declared schema."""
    found = measure(frame(), QueryQualityParams(stage="query-quality"), load_patterns())
    assert found.height == 0
    assert found.drop("row_id").schema == pl.DataFrame(EVIDENCE.empty_table()).schema


@pytest.mark.real_data
def test_plain_word_problems_show_no_pattern(shared_data: Path) -> None:
    """Of 7,473 word problems with one number as answer, at most two are flagged."""
    prompts = pl.read_parquet(shared_data / "corpora" / "gsm8k_train.parquet")["query"]
    found = measure(frame(*prompts), QueryQualityParams(stage="query-quality"), load_patterns())
    assert found.select(pl.any_horizontal(*CATEGORIES).sum()).item() <= 2
    assert found["is_proof"].sum() == 0
    assert set(found["script"]) == {"latin"}
