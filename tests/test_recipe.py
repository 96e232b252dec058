"""Recipes are checked whole, and all problems are told at once, before any data is read."""

from __future__ import annotations

import json

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
        loaded = recipe.load(recipe.find(name), {"evidence.leak.against": ["benchmark.parquet"]})
        assert recipe.parse(recipe.to_toml(loaded), name) == loaded


def test_an_unknown_recipe_names_the_nearest() -> None:
    """A misspelt recipe name is answered with the shipped one."""
    with pytest.raises(RecipeError, match="Did you mean default?"):
        recipe.find("defualt")


def test_the_committed_schema_is_current() -> None:
    """rules/schema.json is what `curate schema` prints; run `make docs` after changing a parameter."""
    committed = json.loads((rules_folder() / "schema.json").read_text(encoding="utf-8"))
    assert committed == json.loads(json.dumps(recipe.json_schema()))
