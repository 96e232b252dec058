"""Passages of a text that are copies of items: all of them, whole, with what belongs to their ends."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from curate.benchmarks import resolve
from curate.benchmarks.matching import State, write_state
from curate.benchmarks.passages import MOST, passages, widened

LADDER = "A ladder 13 metres long leans against a wall, its foot 5 metres away. How high does it reach?"
CHINESE = (
    "一个农夫养了24只山羊和36只绵羊。每只山羊每天吃3公斤干草，每只绵羊每天吃2公斤干草。15天需要多少公斤干草？"
)


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A benchmark of two items."""
    pl.DataFrame({"id": ["ladder", "hay"], "problem": [LADDER, CHINESE]}).write_parquet(
        tmp_path / "exam.parquet"
    )
    return write_state(resolve([str(tmp_path / "exam.parquet")]), "problem", tmp_path / "state")


def found(text: str | None, state: State) -> list[str] | None:
    """The passages of a text, as text."""
    [held] = passages(pa.array([text], pa.large_string()), state, ["verbatim", "near"])
    return None if held is None else [(text or "")[one.start : one.end] for one in held.passages]


def test_every_copy_is_found_whole(state: State) -> None:
    """In whatever text, in whatever language, once or several times."""
    text = f"😀 1. {LADDER}\n2. {CHINESE}\n3. Prove that the square root of two is irrational. 4. {LADDER}"
    assert found(text, state) == [LADDER, CHINESE, LADDER]


def test_texts_without_a_copy_have_no_passage(state: State) -> None:
    """Null and empty texts have no answer; other problems, and the item with other numbers, no passage."""
    assert found(None, state) is None
    assert found("", state) is None
    assert found("Prove that the square root of two is irrational.", state) == []
    assert found(LADDER.replace("13", "17"), state) == []


def test_more_copies_than_are_looked_for_show_in_the_rest(state: State) -> None:
    """After ten passages the rest is still a copy, so that a rule can drop the text."""
    column = pa.array([f"{LADDER} " * n for n in (MOST, MOST + 1)], pa.large_string())
    ten, eleven = passages(column, state, ["verbatim", "near"])
    assert ten is not None
    assert eleven is not None
    assert (len(ten.passages), ten.rest) == (MOST, "none")
    assert (len(eleven.passages), eleven.rest) == (MOST, "verbatim")


def test_passages_lie_apart_and_in_order(state: State) -> None:
    """No two passages share a character, and none is empty."""
    text = f"{LADDER}{LADDER} {CHINESE}{CHINESE}"
    [held] = passages(pa.array([text], pa.large_string()), state, ["verbatim", "near"])
    assert held is not None
    bounds = [place for one in held.passages for place in (one.start, one.end)]
    assert bounds == sorted(bounds)
    assert all(one.start < one.end for one in held.passages)


@pytest.mark.parametrize(
    ("text", "core", "expected"),
    [
        ("Q: What is $x$? Bye.", "What is $x", "What is $x$?"),
        ("$x$ is even.", "x$ is even", "$x$ is even."),
        ("(see (a) and b)", "see (a", "see (a)"),
        ("{f(x)} is", "f(x", "f(x)"),
        ("<question>How far?</question>", "How far", "How far?"),
        ('{"q": "How far?"}', "How far", "How far?"),
        ("costs $5 and it", "5 and", "$5 and"),
        ("多少公斤？好", "多少公斤", "多少公斤？"),
        ("Area? [asy]draw(a);[/asy] Bye", "Area", "Area? [asy]draw(a);[/asy]"),
        ("Area? [asy]draw(a);", "Area", "Area?"),
    ],
)
def test_what_belongs_to_the_ends_is_cut_too(text: str, core: str, expected: str) -> None:
    """A formula is not left open, a bracket not half; marks of what stands around stay."""
    start = text.index(core)
    begin, end = widened(text, start, start + len(core))
    assert text[begin:end] == expected
