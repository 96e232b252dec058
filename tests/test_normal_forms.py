"""Normal forms and units: what of a text counts, and where it was."""

from __future__ import annotations

import importlib
import json
import unicodedata
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.benchmarks.normal_forms import (
    NORMALIZERS,
    STEPS,
    UNITS,
    Form,
    hugging_face,
    normalize,
    span,
    tokens,
)
from curate.errors import InputError, RecipeError
from curate.recipe import parse
from curate.stages.ngram_overlap import NgramOverlap, measure, prepare

TEXT = "  Zoë’s\tset: {x_1 + ½} ≤ 12 — ‘OK’!\n"

CASES = {
    "none": TEXT,
    "openr1": "zoë’s set: {x_1 + ½} ≤ 12 — ‘ok’!",
    "lightr1-exact": "zoëssetx_½ok",  # letters, _ and ½, which is a number but no digit
    "vibethinker": "zoës set x1 ½ 12 ok",
    "qwen": "Zoës set x1 ½ 12 OK",
    "decon": "zoë s set x 1 ½ ≤ 12 ok",
    "cosmopedia": "zoe s set x_1 ½ 12 ok",
}


@pytest.mark.parametrize("name", NORMALIZERS)
def test_each_normal_form_of_one_text(name: str) -> None:
    """What each named normal form leaves of one text."""
    assert normalize(TEXT, NORMALIZERS[name]) == CASES[name]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_steps_are_what_their_names_say(text: str) -> None:
    """Each step by character is the step of the whole text, said in another way."""
    kinds = [unicodedata.category(c) for c in text]
    kept = {"P": "", "S": "", "Nd": ""}
    for kind, name in (("P", "punctuation"), ("S", "symbols"), ("Nd", "digits")):
        kept[kind] = "".join(c for c, k in zip(text, kinds, strict=True) if not k.startswith(kind))
        assert normalize(text, (f"delete-{name}",)) == kept[kind]
    assert normalize(text, ("collapse-whitespace",)) == " ".join(text.split())
    if "Σ" not in text:  # its lower case depends on its place in a word
        assert normalize(text, ("lower",)) == text.lower()
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
    assert sorted(normalize(text, ("strip-accents",))) == sorted(plain)


@given(
    st.text(st.sampled_from("aB ßİé\u0301½,1\n"), max_size=30),
    st.sampled_from(sorted(NORMALIZERS)),
    st.sampled_from(["whitespace", "word-characters", "characters"]),
)
def test_spans_point_at_the_text_as_given(text: str, name: str, unit: str) -> None:
    """The characters of a token, normalised, hold that token; spans of all tokens are in order."""
    form = Form(NORMALIZERS[name], unit)
    found = tokens([text], form)
    n_tokens = int(found.counts[0])
    begins = []
    for i in range(n_tokens):
        begin, end = span(text, form, i, i + 1)
        assert 0 <= begin < end <= len(text)
        begins.append(begin)
        own = tokens([text[begin:end]], form).hash
        if text[begin:end].strip() and unit != "characters":
            assert found.hash[i] in own
    assert begins == sorted(begins)


def test_units_count_what_they_are_called() -> None:
    """One text in each unit."""
    text = "x_1+x_2 中文, naïve"
    counts = {unit: int(tokens([text], Form((), unit)).counts[0]) for unit in UNITS}
    assert counts == {"words": 7, "math": 8, "whitespace": 3, "word-characters": 4, "characters": 17}
    assert tokens([None, "", "a a"], Form((), "whitespace")).counts.tolist() == [0, 0, 2]


def bench(folder: Path, *texts: str | None) -> str:
    """A benchmark file of items 0, 1, ..."""
    path = folder / "exam.jsonl"
    path.write_text("".join(json.dumps({"id": str(i), "problem": t}) + "\n" for i, t in enumerate(texts)))
    return str(path)


def evidence(prompts: list[str | None], against: str, folder: Path, **params: Any) -> list[dict[str, Any]]:
    """Evidence of ngram-overlap with these settings."""
    chosen = NgramOverlap(stage="ngram-overlap", against=[against], **params)
    frame = pl.DataFrame(
        {"row_id": range(len(prompts)), "prompt": prompts},
        schema={"row_id": pl.Int64, "prompt": pl.String},
    )
    return measure(frame, chosen, prepare(chosen, folder)).to_dicts()


words = st.lists(st.sampled_from(["a", "b", "c", "the", "x1", "é", "中文", "Ab", ",", "7"]), max_size=16).map(
    " ".join
)


@given(
    items=st.lists(words, min_size=1, max_size=6),
    prompts=st.lists(words | st.none(), min_size=1, max_size=8),
    n=st.sampled_from([1, 2, 4, 10]),
    unit=st.sampled_from(["words", "math"]),
)
def test_the_plain_way_is_the_kernel(
    items: list[str], prompts: list[str | None], n: int, unit: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Without any step the plain way gives, column for column, the evidence of the kernel."""
    folder = tmp_path_factory.mktemp("both")
    against = bench(folder, *items)
    rows = [*prompts, *items]
    by_kernel = evidence(rows, against, folder, ngram=n, unit=unit)
    assert evidence(rows, against, folder, ngram=n, unit=unit, normalizer=[]) == by_kernel


@given(items=st.lists(words, min_size=1, max_size=4), prompt=words, n=st.integers(1, 4))
def test_coverage_and_runs_are_those_of_sets(
    items: list[str], prompt: str, n: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """coverage, longest_run and row_containment, counted plainly with sets of tuples."""
    folder = tmp_path_factory.mktemp("sets")
    [row] = evidence([prompt], bench(folder, *items), folder, ngram=n, unit="whitespace", short="skip")
    if row["item"] is None:
        return
    mine, item = prompt.split(), items[int(row["item"])].split()
    have = {tuple(mine[i : i + n]) for i in range(len(mine) - n + 1)}
    shared = [tuple(item[i : i + n]) in have for i in range(len(item) - n + 1)]
    covered = {i + k for i, yes in enumerate(shared) if yes for k in range(n)}
    runs = max(len(run) for run in "".join("x" if yes else " " for yes in shared).split())
    assert row["coverage"] == len(covered) / len(item)
    assert row["longest_run"] == runs + n - 1
    assert row["row_containment"] == row["shared"] / len(have)
    first, last = shared.index(True), len(shared) - shared[::-1].index(True) + n - 1
    start, end = row["item_span"]["start"], row["item_span"]["end"]
    assert items[int(row["item"])][start:end].split() == item[first:last]


def test_phrases_can_come_from_a_file(tmp_path: Path) -> None:
    """`ignore` names a file of phrases; a phrase of fewer than n tokens discounts the n-grams around it."""
    against = bench(tmp_path, "one two three four five six seven eight")
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("four five\n\n", "utf-8")
    [row] = evidence(
        ["one two three four five six seven eight"], against, tmp_path, ngram=3, ignore=str(phrases)
    )
    # of 6 trigrams those with `four five` go: three four five, four five six
    assert (row["item_ngrams"], row["shared"], row["containment"], row["coverage"]) == (4, 4, 1.0, 1.0)
    [row] = evidence(["three four five six"], against, tmp_path, ngram=3, ignore=str(phrases))
    assert (row["item"], row["hits"], row["containment"]) == (None, 0, 0.0)
    with pytest.raises(InputError, match="nowhere.txt: there is no such file"):
        NgramOverlap(stage="ngram-overlap", against=[against], ignore="nowhere.txt").files()


def test_settings_of_papers_need_the_text(tmp_path: Path) -> None:
    """A benchmark of which only the fingerprint is here is refused, with the command that gets its text."""
    with pytest.raises(InputError, match="aime-2024: expected the text .* curate benchmarks pull aime-2024"):
        evidence(["x"], "aime-2024", tmp_path, normalizer="openr1")


def test_wrong_forms_are_refused_by_name() -> None:
    """Unknown normal forms, steps and units are told with those that are known."""
    text = '[evidence.leak]\nstage = "ngram-overlap"\nagainst = ["x"]\n'
    for wrong, message in {
        'normalizer = "openr2"': "normalizer: expected one of none, openr1",
        'normalizer = ["lower", "shout"]': "normalizer: expected steps among lower, strip-accents",
        'unit = "spacy"': "unit: expected one of words, math, whitespace, word-characters, characters, or",
    }.items():
        with pytest.raises(RecipeError, match=message):
            parse(text + wrong, "wrong.toml")
    assert set(STEPS) | {"collapse-whitespace"} >= {step for steps in NORMALIZERS.values() for step in steps}


def test_a_tokenizer_without_its_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe that names a tokenizer's file says what to install, before any row is read."""
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    hugging_face.cache_clear()
    with pytest.raises(
        InputError, match=r"expected the package `tokenizers`.*pip install 'curate\[tokenizers\]'"
    ):
        evidence(["x"], bench(tmp_path, "x"), tmp_path, unit=str(tmp_path / "tokenizer.json"))


def test_a_hugging_face_tokenizer_is_a_unit(tmp_path: Path) -> None:
    """Tokens of a tokenizer's file are compared, and spans are characters of the text."""
    package = importlib.import_module("tokenizers")
    model = package.models.WordLevel({"[UNK]": 0, "find": 1, "the": 2, "sum": 3, "of": 4, "7": 5}, "[UNK]")
    made = package.Tokenizer(model)
    made.normalizer = package.normalizers.Lowercase()
    made.pre_tokenizer = package.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    unit = {"unit": str(tmp_path / "tokenizer.json"), "ngram": 3}
    [row] = evidence(["é: Find THE sum of 8"], bench(tmp_path, "find the sum of 9!"), tmp_path, **unit)
    # find the sum, the sum of, sum of [UNK] of 4 trigrams; 8 and 9 are both unknown
    assert (row["shared"], row["item_ngrams"], row["row_span"]) == (3, 4, {"start": 3, "end": 20})
    hugging_face.cache_clear()
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read as a tokenizer"):
        evidence(["x"], bench(tmp_path, "x"), tmp_path, unit=str(tmp_path / "broken.json"))


def test_spans_of_a_byte_level_tokenizer_are_characters(tmp_path: Path) -> None:
    """Tokens that are bytes of a letter or an emoji still point at whole characters of the text."""
    package = importlib.import_module("tokenizers")
    made = package.Tokenizer(package.models.BPE())
    made.pre_tokenizer = package.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = package.pre_tokenizers.ByteLevel.alphabet()
    trainer = package.trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator(["the sum of the digits", "the digits of the sum"] * 9, trainer)
    made.save(str(tmp_path / "tokenizer.json"))
    hugging_face.cache_clear()
    unit = {"unit": str(tmp_path / "tokenizer.json"), "ngram": 6}
    text = "😀 naïve 求和: the sum of the digits, ﬁn"
    item = " the sum of the digits"
    [row] = evidence([text], bench(tmp_path, item), tmp_path, **unit)
    assert text[row["row_span"]["start"] : row["row_span"]["end"]] == item
    [row] = evidence([text], bench(tmp_path, text), tmp_path, **unit)
    assert (row["containment"], row["row_span"]) == (1.0, {"start": 0, "end": len(text)})
