"""`curate verify` with an arbiter, `curate audit-gold`, and rules that replace ground truths."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from curate.cli.main import app
from curate.errors import RecipeError
from curate.recipe import parse, to_toml


def problems() -> list[dict[str, Any]]:
    """Eight sums with three answers of one model and one of a weak one; rows 2, 3 and 4 lack a right answer."""
    rows = []
    for i in range(8):
        right = f"so \\boxed{{{3 * i + 1}}}"
        rows.append(
            {
                "problem": f"What is {i} times three, plus one?",
                "answer": str(3 * i + 1),
                "responses": [right, right, right, f"\\boxed{{{i + 50}}}"],
                "models": ["good", "good", "good", "weak"],
            }
        )
    rows[2]["answer"], rows[3]["answer"], rows[4]["answer"] = "99", "<b>notfound</b>", None
    rows[5]["problem"] = "<script>alert(1)</script> What is 5 times three, plus one?"
    rows[5]["answer"] = "61"
    rows[3]["answer"] = "notfound"
    return rows


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """The problems as a file."""
    path = tmp_path / "in.parquet"
    pl.DataFrame(problems()).write_parquet(path)
    return path


def curate(*arguments: str | Path) -> str:
    """Output of a command that must succeed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_two_phases_over_files(given: Path, tmp_path: Path) -> None:
    """Requests hold only rows that need the arbiter; with its answers kept rows carry its strings."""
    out, ask, answers = tmp_path / "out", tmp_path / "ask.parquet", tmp_path / "answers.parquet"
    told = curate("verify", given, "-o", out, "--first", "good", "--arbiter-requests", ask)
    assert "needs-arbiter    2     2" in told
    asked = pl.read_parquet(ask)
    assert asked.columns == ["row_id", "prompt", "system"]
    assert asked["row_id"].to_list() == [2, 3, 5]
    assert not any("99" in text or "61" in text for text in asked["prompt"])
    pl.DataFrame({"row_id": [2, 3, 5], "answer": ["7.0", "10", "61"]}).write_parquet(answers)
    curate("verify", given, "-o", out, "--first", "good", "--arbiter-answers", answers, "--format", "verl")
    kept = pl.read_parquet(out / "kept" / "*.parquet").unnest("extra_info").sort("row_id")
    gold = [line["ground_truth"] for line in kept["reward_model"]]
    assert gold == ["1", "4", "7.0", "10", "13", "61", "19", "22"]
    replaced = pl.read_parquet(out / "replaced" / "*.parquet")
    assert replaced.rows() == [
        (2, "7.0", "99", "revised-answer"),
        (3, "10", "notfound", "revised-answer"),
        (4, "13", None, "revised-answer"),
    ]
    assert pl.read_parquet(out / "input" / "originals" / "*.parquet")["answer"][2] == "99"
    outcomes = curate("sql", out, "SELECT truth.outcome FROM everything WHERE row_id = 5")
    assert "b-agrees-with-gt" in outcomes
    assert "revised-answer" in curate("sql", out, "SELECT rule FROM replaced")


def test_an_arbiter_among_the_responses_needs_one_run(given: Path, tmp_path: Path) -> None:
    """Original columns stay as they came, beside the new ground truth; nothing is written without --repair."""
    out = tmp_path / "out"
    curate("verify", given, "-o", out, "--arbiter", "weak")
    kept = pl.read_parquet(out / "kept" / "*.parquet").sort("row_id")
    assert kept["answer"].to_list()[2:5] == ["99", "notfound", None]
    assert kept["new_answer"].to_list() == [None] * 8  # the weak model never agrees with the good one
    curate("verify", given, "-o", tmp_path / "plain")
    assert "new_answer" not in pl.read_parquet(tmp_path / "plain" / "kept" / "*.parquet").columns
    assert not (tmp_path / "plain" / "replaced").exists()


def test_a_file_that_does_not_fit_is_a_message(given: Path, tmp_path: Path) -> None:
    """A wrong file of answers ends with a sentence and no run."""
    path = tmp_path / "answers.parquet"
    pl.DataFrame({"row_id": [800], "answer": ["4"]}).write_parquet(path)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["verify", str(given), "-o", str(out), "--arbiter-answers", str(path)])
    assert done.exit_code == 2
    assert "expected rows of this input, found 1 others (800)" in done.stderr
    assert not (out / "manifest.json").exists()


def test_audit_gold_lists_the_worst_with_reasons(given: Path, tmp_path: Path) -> None:
    """The terminal, the table, the CSV and the page name the same rows, the worst first."""
    out = tmp_path / "out"
    told = curate("audit-gold", given, "-o", out, "--show", "2")
    table = pl.read_parquet(out / "audit.parquet")
    assert set(table["row_id"]) == {2, 3, 5}
    assert table["log_odds"].to_list() == sorted(table["log_odds"], reverse=True)
    assert (
        "3 of 4 answers are 7; none is the ground truth, 99."
        in table.filter(row_id=2)["reasons"][0].to_list()
    )
    assert table.filter(row_id=2)["example"].to_list() == ["so \\boxed{7}"]
    assert [line.split("row ")[1].split()[0] for line in told.splitlines() if ". row " in line] == [
        str(row_id) for row_id in table["row_id"][:2]
    ]
    with (out / "audit.csv").open(encoding="utf-8") as file:
        assert [int(line["row_id"]) for line in csv.DictReader(file)] == table["row_id"].to_list()
    page = (out / "audit.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_audit_gold_is_the_same_every_time(given: Path, tmp_path: Path) -> None:
    """The same input gives the same lists, byte for byte, with any number of workers."""
    for name, workers in (("one", "1"), ("two", "2")):
        curate("audit-gold", given, "-o", tmp_path / name, "--workers", workers)
    for name in ("audit.parquet", "audit.csv", "audit.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


RECIPE = """[evidence.vote]
stage = "majority-vote"
[replace.by-vote]
when = "vote.share >= 0.75 and row.answer is null"
by = "vote.answer"
"""


def test_a_recipe_says_what_replaces_a_ground_truth(given: Path, tmp_path: Path) -> None:
    """A rule of a recipe: a null in `when` replaces nothing, and the manifest counts what was replaced."""
    (tmp_path / "my.toml").write_text(RECIPE, encoding="utf-8")
    curate("run", tmp_path / "my.toml", "-i", given, "-o", tmp_path / "out", "--format", "trl")
    kept = pl.read_parquet(tmp_path / "out" / "kept" / "*.parquet").sort("row_id")
    assert kept["ground_truth"].to_list()[2:5] == ["99", "notfound", "13"]
    import json

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["replaced"] == {"by-vote": 1}
    assert parse(to_toml(parse(RECIPE, "x")), "x") == parse(RECIPE, "x")


def test_leaving_evidence_out_leaves_its_rule_out(given: Path, tmp_path: Path) -> None:
    """`--without vote` runs without the rule that names it."""
    (tmp_path / "my.toml").write_text(RECIPE, encoding="utf-8")
    curate("run", tmp_path / "my.toml", "-i", given, "-o", tmp_path / "out", "--without", "vote")
    assert not (tmp_path / "out" / "replaced").exists()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            'when = "vote.shore > 1"\nby = "vote.answer"',
            "replace.x: `vote.shore > 1`: unknown column vote.shore",
        ),
        ('when = "vote.n > 1"\nby = "vote.anser"', "replace.x: by: `vote.anser`: unknown column vote.anser"),
        (
            'when = "response.model = \'a\'"\nby = "vote.answer"',
            "is response evidence; a ground truth is a row's",
        ),
        ('when = "vote.n > 1"', "replace.x.by: missing. Column of row evidence with the new ground truth"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(rule: str, message: str) -> None:
    """Unknown columns, response evidence and a missing column are told before any data is read."""
    with pytest.raises(RecipeError) as told:
        parse(f'[evidence.vote]\nstage = "majority-vote"\n[replace.x]\n{rule}\n', "my.toml")
    assert message in str(told.value)
