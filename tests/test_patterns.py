"""Pattern files: each pattern against its own examples, and what is said about a wrong file."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from curate.errors import RecipeError
from curate.stages.patterns import Pattern, check, load_patterns, matches, pattern_files, rules_folder

PATTERNS = load_patterns()

ENTRY = """
[[pattern]]
id = "polite"
language = "en"
regex = '(?i)\\bplease\\b'
explanation = "A polite request."
matches = ["Please add.", "Add, please!", "please"]
rejects = ["Add.", "It pleases me.", "Displease"]
"""


def holds(pattern: Pattern, text: str) -> bool:
    """Whether a pattern holds for a text."""
    return pl.DataFrame({"text": [text]}).select(matches(pattern, pl.col("text"))).item() is True


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.id)
def test_a_pattern_matches_and_rejects_its_examples(pattern: Pattern) -> None:
    """Every pattern that comes with curate matches each of its `matches` and none of its `rejects`."""
    assert [text for text in pattern.matches if not holds(pattern, text)] == []
    assert [text for text in pattern.rejects if holds(pattern, text)] == []


def test_the_needed_categories_are_there_in_english_and_chinese() -> None:
    """Seven categories feed columns; those that depend on a language know English and Chinese."""
    categories = {pattern.category for pattern in PATTERNS}
    assert categories >= {
        "image", "multi-part", "multiple-choice", "proof", "table", "true-false", "url",
    }  # fmt: skip
    for category in ("image", "multi-part", "multiple-choice", "proof", "table", "true-false"):
        ids = [pattern.id for pattern in PATTERNS if pattern.category == category]
        assert any(name.endswith("-zh") for name in ids), category


def test_patterns_are_sorted_and_their_ids_unique() -> None:
    """The order of patterns does not depend on the order of files or entries."""
    ids = [pattern.id for pattern in PATTERNS]
    assert ids == sorted(set(ids))


def test_the_rules_folder_holds_the_patterns() -> None:
    """The folder is found beside the package, and has the files that are loaded."""
    assert {path.parent for path in pattern_files()} == {rules_folder() / "patterns"}


def test_a_folder_of_ones_own_adds_patterns(tmp_path: Path) -> None:
    """A file in a user's folder is a category of its own; no code knows its name."""
    (tmp_path / "manners.toml").write_text(ENTRY, encoding="utf-8")
    own = [pattern for pattern in load_patterns(str(tmp_path)) if pattern.category == "manners"]
    assert [pattern.id for pattern in own] == ["polite"]
    assert len(load_patterns(str(tmp_path))) == len(PATTERNS) + 1
    assert check(str(tmp_path)) == []


def test_check_names_the_examples_a_pattern_gets_wrong(tmp_path: Path) -> None:
    """`check` gives one line for each example that fails."""
    wrong = ENTRY.replace('"Add."', '"Please do not."').replace('"please"', '"bitte"')
    (tmp_path / "manners.toml").write_text(wrong, encoding="utf-8")
    assert check(str(tmp_path)) == [
        "manners: polite does not match 'bitte'",
        "manners: polite matches 'Please do not.'",
    ]


def test_all_and_none_combine(tmp_path: Path) -> None:
    """An entry with `all` and `none` holds where every one of `all` and no one of `none` matches."""
    entry = ENTRY.replace("regex = '(?i)\\bplease\\b'", "all = ['a', 'b']\nnone = ['c', 'd']")
    (tmp_path / "manners.toml").write_text(entry, encoding="utf-8")
    [pattern] = [pattern for pattern in load_patterns(str(tmp_path)) if pattern.id == "polite"]
    assert [holds(pattern, text) for text in ("ab", "a", "abc", "bda")] == [True, False, False, False]


def test_a_word_boundary_is_one_of_ascii_words() -> None:
    """A Han character beside an ASCII word does not hide the word."""
    pattern = Pattern("x", "x", (r"\bcat\b",), (), (), ())
    assert [holds(pattern, text) for text in ("一cat二", "a cat", "cats")] == [True, True, False]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("language", "langage"), ["manners.toml: polite: langage: Extra inputs", "polite: language: Field"]),
        (('"en"', '"fr"'), ["manners.toml: polite: language: Input should be 'en', 'zh' or 'any'"]),
        (("(?i)", "(?=x)"), ["manners.toml: polite: not a regular expression in Rust syntax: (?=x)"]),
        (('"polite"', '"Polite!"'), ["manners.toml: Polite!: id: String should match pattern"]),
        (('"polite"', '"url-www"'), ["manners.toml: url-www: the id is taken by url.toml"]),
        (('["Add.", "It pleases me.", "Displease"]', "[]"), ["polite: rejects: List should have at least 3"]),
        (("regex =", "all = []\n# "), ["manners.toml: polite: expected either `regex` or `all`"]),
        (
            ("[[pattern]]", "[patern]"),
            ["unknown key patern", "expected at least one [[pattern]], found none"],
        ),
        (("[[pattern]]", "[[pattern]"), ["manners.toml: not TOML in UTF-8: "]),
    ],
    ids=["key", "language", "regex", "id", "id-taken", "examples", "no-regex", "table", "toml"],
)
def test_a_wrong_file_is_named_with_its_entry_and_problem(
    change: tuple[str, str], said: list[str], tmp_path: Path
) -> None:
    """What is wrong is said with the file, the entry and the problem."""
    assert change[0] in ENTRY
    (tmp_path / "manners.toml").write_text(ENTRY.replace(*change), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_patterns(str(tmp_path))
    for part in said:
        assert part in str(caught.value)


def test_all_problems_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    """Two wrong files give one error with both."""
    (tmp_path / "a.toml").write_text(ENTRY.replace("(?i)", "("), encoding="utf-8")
    (tmp_path / "b.toml").write_text("", encoding="utf-8")
    with pytest.raises(RecipeError, match=r"(?s)patterns: 2 problems.*a\.toml: polite.*b\.toml: expected"):
        load_patterns(str(tmp_path))


@pytest.mark.parametrize(("make", "found"), [(False, "no such folder"), (True, "no .toml file in it")])
def test_a_folder_without_patterns_is_an_error(make: bool, found: str, tmp_path: Path) -> None:
    """A missing folder and an empty one are told apart."""
    folder = tmp_path / "own"
    if make:
        folder.mkdir()
    with pytest.raises(RecipeError, match=f"expected a folder of .toml files at .*own, found {found}"):
        load_patterns(str(folder))
