"""`curate explain` shows where in a response the answer stands that was compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from curate.answers.verifier import MAX_EXTRACTED, find_answer
from curate.cli.main import app
from curate.report.answered import place_of_answer

MATH = {"stage": "math-verify"}
THINKING = "<think>41? \\boxed{41}</think> Half of 84 is 42: \\boxed{42}."


@pytest.mark.parametrize(
    ("entry", "extracted", "response", "marked"),
    [
        (MATH, "42", THINKING, "42"),
        (MATH, "4", "A third of 9 is three; the answer is 4.", "4"),
        (MATH, "1,2", r"$x=\boxed{1}$ or $x=\boxed{2}$", r"1}$ or $x=\boxed{2"),
        (MATH, "5", "😀 é\u0301 the answer is 5.", "5"),
        (MATH | {"extract": "boxed"}, "3", r"\boxed{3}; the answer is 4.", "3"),
        (MATH | {"extract": "any"}, "7", "Of 12, there were 7 left.", "7"),
        (MATH | {"extract": "auto"}, "7", "7", "7"),
        (MATH | {"think-close": "[/end]"}, "2", r"\boxed{1}[/end] \boxed{2}", "2"),
        (MATH, "1" * MAX_EXTRACTED, r"\boxed{" + "1" * 3_000 + "}", "1" * 3_000),
        (MATH, "41", THINKING, None),  # measured by another extraction
        (MATH, None, "I do not know.", None),
        (MATH, "2", None, None),
        (MATH, "2", r"<think>\boxed{2}", None),
        ({"stage": "structure"}, "42", THINKING, None),
        ({}, "42", THINKING, None),
    ],
)
def test_the_place_of_the_answer(
    entry: dict[str, Any], extracted: str | None, response: str | None, marked: str | None
) -> None:
    """The place is that of the answer of the evidence, in the whole response, found as the recipe says."""
    place = place_of_answer(entry, {"extracted": extracted}, response)
    assert marked == (None if place is None or response is None else response[slice(*place)])


PIECES = st.lists(
    st.sampled_from(
        ["</think>", "<think>", r"\boxed{", "}", "12", r"\frac12", " The answer is ", "\n", "**", "#### ", "x=", "é"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(PIECES, st.sampled_from(["boxed", "final", "any", "auto"]))
def test_every_answer_that_is_found_has_a_place(response: str, extract: Any) -> None:
    """Whatever the response, the place is there if an answer is, and lies inside the response."""
    found, _ = find_answer(response, None if extract == "auto" else extract)
    columns = {"extracted": None if found is None else found.text[:MAX_EXTRACTED]}
    place = place_of_answer(MATH | {"extract": extract}, columns, response)
    if found is None:
        assert place is None
    elif found.how not in ("whole", "last-number", "last-formula"):
        assert place is not None
    if place is not None:
        assert 0 <= place[0] < place[1] <= len(response)


def test_explain_marks_the_answer(tmp_path: Path) -> None:
    """The answer is marked in the response, and no other number of it."""
    rows = {"prompt": ["Half of 84?"], "answer": ["42"], "response": [THINKING]}
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    run = str(tmp_path / "out")
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "rows.parquet"), "-o", run])
    assert done.exit_code == 0, done.output
    told = CliRunner().invoke(app, ["explain", run, "0"]).output
    assert r"Half of 84 is 42: \boxed{⟦42⟧}." in told
    assert told.count("⟦") == 1
