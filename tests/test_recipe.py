"""Recipes are checked whole, and all problems are told at once, before any data is read."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from curate import recipe
from curate.errors import RecipeError
from curate.stages.patterns import rules_folder

GOOD = """
title = "small"

[source]
files = ["a.parquet"]

[evidence.query]
stage = "query-quality"

[evidence.near]
stage = "near-dedup"
threshold = 0.9
skip-if = "query.is_empty"

[drop.url]
when = "query.has_url"
on-missing = "keep"

[keep-one.near-duplicate]
per = "near.cluster_id"
prefer = ["query.n_chars desc", "row_id"]
on-missing = "keep"
"""


def test_a_recipe_survives_being_written_and_read() -> None:
    """parse(to_toml(recipe)) is the same recipe."""
    first = recipe.parse(GOOD, "small.toml")
    assert recipe.parse(recipe.to_toml(first), "again.toml") == first
    assert first.evidence["near"].threshold == 0.9  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('stage = "near-dedup"', 'stage = "near-dedupe"'),
         "small.toml: evidence.near: unknown stage near-dedupe. Did you mean near-dedup?"),
        (("threshold = 0.9", "treshold = 0.9"),
         "small.toml: evidence.near.treshold: there is no such setting. Did you mean threshold?"),
        (("threshold = 0.9", 'threshold = "0.9"'),
         'small.toml: evidence.near.threshold: expected a valid number; found "0.9"'),
        (('when = "query.has_url"', 'when = "query.has_urls"'), "Did you mean has_url?"),
        (('when = "query.has_url"', 'when = "query.n_chars"'),
         "small.toml: drop.url: `query.n_chars`: expected true or false, found a value of type Int32. "
         "Compare it to something."),
        (('when = "query.has_url"', ""), "small.toml: drop.url.when: missing."),
        (('skip-if = "query.is_empty"', 'skip-if = "near.jaccard > 0"'), "unknown evidence near"),
        (('per = "near.cluster_id"', 'per = "response.model"'),
         "`response.model` is response evidence; a keep-one rule needs rows."),
        (("[evidence.near]", "[evidence.Near-1]"), "evidence.Near-1: use another name"),
        (("[keep-one.near-duplicate]", "[keep-one.url]"),
         "url: names a drop rule and a keep-one rule; every reason needs its own name."),
        (("[drop.url]", "[drop.Has_URL]"), "Has_URL: a reason is lower-case letters, digits and hyphens"),
        (("[source]", "[sauce]"), "small.toml: sauce: there is no such setting. Did you mean source?"),
        (("title =", "title"), "small.toml: not valid TOML"),
        (('per = "near.cluster_id"', 'per = "near.cluster_id"\nprotect = "row.sauce = 1"'),
         "keep-one.near-duplicate.protect: `row.sauce = 1`: unknown column row.sauce."),
        (('per = "near.cluster_id"', 'per = "near.cluster_id"\nprotect = "row.source"'),
         "keep-one.near-duplicate.protect: `row.source`: expected true or false"),
        (('per = "near.cluster_id"', "per = \"near.cluster_id\"\nprotect = \"response.model = 'x'\""),
         "`response.model = 'x'` is response evidence; a keep-one rule needs rows."),
        (('when = "query.has_url"', 'when = "query.has_url"\nmax-drop-share = 20'),
         "small.toml: drop.url.max-drop-share: expected less than or equal to 1; found 20"),
        (('per = "near.cluster_id"', 'per = "near.cluster_id"\nmax-drop-share = "all"'),
         'keep-one.near-duplicate.max-drop-share: expected a valid number; found "all"'),
        (("[drop.url]", '[evidence.label]\nstage = "label-conflict"\nclusters = "nere"\n[drop.url]'),
         "evidence.label: reads evidence nere, which is not measured before it. Did you mean near?"),
        (("[drop.url]", '[evidence.label]\nstage = "label-conflict"\nclusters = "query"\n[drop.url]'),
         "evidence.label: reads evidence query, which has no columns cluster_id per row."),
        (("[drop.url]", '[evidence.pass]\nstage = "pass-rate"\nverdicts = "near"\n[drop.url]'),
         "evidence.pass: reads evidence near, which has no columns cause, extracted, status per response."),
        (("[evidence.near]", "[evidence.original]"), "evidence.original: use another name"),
    ],
)  # fmt: skip
def test_a_wrong_recipe_says_where_and_what(change: tuple[str, str], message: str) -> None:
    """Place, what was expected, what was found, and the nearest right word."""
    assert change[0] in GOOD
    with pytest.raises(RecipeError) as caught:
        recipe.parse(GOOD.replace(*change), "small.toml")
    assert message in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    """Two wrong predicates and a wrong preference are three lines of one message."""
    text = GOOD.replace("query.has_url", "query.has_urls").replace("query.n_chars", "query.nchars")
    text = text.replace("near.cluster_id", "near.cluster")
    with pytest.raises(RecipeError) as caught:
        recipe.parse(text, "small.toml")
    assert str(caught.value).startswith("small.toml: 3 problems\n  - drop.url:")


def test_overrides_are_put_in_before_the_check() -> None:
    """--set changes one value; a path through a value is an error."""
    changed = recipe.parse(GOOD, "small.toml", {"evidence.near.threshold": 0.7, "output.format": "verl"})
    assert changed.evidence["near"].threshold == 0.7  # type: ignore[attr-defined]
    assert changed.output.format == "verl"
    with pytest.raises(RecipeError, match="cannot set title.x: title is a value, not a table"):
        recipe.parse(GOOD, "small.toml", {"title.x": 1})


def test_every_shipped_recipe_is_valid() -> None:
    """The recipes in rules/ load, once they are told what to protect."""
    assert "default" in recipe.shipped()
    for name in recipe.shipped():
        loaded = recipe.load(recipe.find(name))
        assert recipe.parse(recipe.to_toml(loaded), name) == loaded


def test_an_unknown_recipe_names_the_nearest() -> None:
    """A misspelt recipe name is answered with the shipped one."""
    with pytest.raises(RecipeError, match="Did you mean default?"):
        recipe.find("defualt")


def test_the_committed_schema_is_current() -> None:
    """rules/schema.json is what `curate schema` prints; run `make docs` after changing a parameter."""
    committed = json.loads((rules_folder() / "schema.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(recipe.json_schema()))


ORIGINALS = """
[evidence.exact]
stage = "exact-dedup"
skip-if = "original.lang <> 'en'"

[drop.hard]
when = "original.level > 3"
max-drop-share = 0.5

[keep-one.copy]
per = "exact.cluster_id"
prefer = ["original.meta.date desc"]
protect = "original.checked"
max-drop-share = 1
"""
COLUMNS = pa.schema(
    [
        ("row_id", pa.int64()),
        ("lang", pa.string()),
        ("level", pa.int64()),
        ("meta", pa.struct([("date", pa.string())])),
        ("checked", pa.bool_()),
    ]
)


def test_columns_of_the_input_may_have_any_name_until_it_is_read() -> None:
    """A recipe about `original` is valid by itself, survives writing, and fits an input with such columns."""
    loaded = recipe.parse(ORIGINALS, "mine.toml")
    assert recipe.parse(recipe.to_toml(loaded), "again") == loaded
    recipe.check_originals(loaded, COLUMNS)


def test_all_that_is_wrong_about_the_columns_is_told_at_once() -> None:
    """Names, types and row_id, which is no column of the input."""
    text = ORIGINALS.replace("lang", "language").replace("original.level > 3", "original.level > 'high'")
    text = text.replace("original.meta.date", "original.meta").replace(
        "original.checked", "original.row_id = 1"
    )
    loaded = recipe.parse(text, "mine.toml", {"title": "mine"})
    with pytest.raises(RecipeError) as caught:
        recipe.check_originals(loaded, COLUMNS)
    lines = str(caught.value).splitlines()
    assert lines[0] == "mine: 4 problems"
    expected = (
        "evidence.exact.skip-if: `original.language <> 'en'`: unknown column original.language",
        "drop.hard: `original.level > 'high'`: not a predicate that can be evaluated",
        "keep-one.copy: `original.meta`: expected a number, text, date or true/false",
        "keep-one.copy.protect: `original.row_id = 1`: unknown column original.row_id",
    )
    for line, start in zip(lines[1:], expected, strict=True):
        assert line.startswith(f"  - {start}")
