"""A model's opinion by vote: what is read of its answers, who wins, and what a real server says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from curate.cli.main import app
from curate.stages.judge import Params, Vote, parse_vote, tally
from curate.stages.sampling import fields_of


def params(**given: Any) -> Params:
    """Parameters with two verdicts."""
    return Params.model_validate(
        {"model": "hf:x", "question": "q", "verdicts": ["clear", "unclear"], **given}
    )


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ('{"verdict": "clear"}', Vote("clear", None, None)),
        (
            'Let me see. {"verdict": " CLEAR ", "reason": "all is there"} Done.',
            Vote("clear", None, "all is there"),
        ),
        ('{"verdict": "clear"} No, wait: {"verdict": "unclear"}', Vote("unclear", None, None)),
        ('<think>{"verdict": "clear"}</think> {"verdict": "unclear"}', Vote("unclear", None, None)),
        ('```json\n{"verdict": "clear", "detail": {"verdict": "unclear"}}\n```', Vote("unclear", None, None)),
        ('<think>{"verdict": "clear"}</think> I cannot say.', None),
        ('{"reason": "a </think> b", "verdict": "clear"}', Vote("clear", None, "a </think> b")),
        ('{"verdict": "perhaps"}', None),
        ('{"verdict": "clear"', None),
        ('{"verdict": null}', None),
        ("clear", None),
        ("", None),
        ("{" * 5000, None),
    ],
)
def test_what_is_read_of_an_answer(text: str, vote: Vote | None) -> None:
    """The last object with a verdict behind the thinking; what is not one of the verdicts is no vote."""
    assert parse_vote(text, params()) == vote


@pytest.mark.parametrize(
    ("numbers", "score"),
    [('"a": 4, "b": 5', 4.5), ('"a": 4', None), ('"a": 4, "b": 11', None), ('"a": 4, "b": true', None),
     ('"a": 4, "b": NaN', None), ('"a": "4", "b": 5', None)],
)  # fmt: skip
def test_scores_are_numbers_in_the_range(numbers: str, score: float | None) -> None:
    """A vote without all of its scores, or with one that is no number in the range, is no vote."""
    vote = parse_vote(f'{{"verdict": "clear", {numbers}}}', params(scores=["a", "b"]))
    assert (vote.score if vote else None) == score


CLEAR, UNCLEAR = Vote("clear", 4.0, "yes"), Vote("unclear", 2.0, "no")


@pytest.mark.parametrize(
    ("votes", "asked", "needed", "expected"),
    [
        ([CLEAR, UNCLEAR, CLEAR], 3, 2, ("clear", 2, 0, 0, "ok")),
        ([CLEAR, UNCLEAR, None], 3, 2, (None, 1, 1, 0, "no-majority")),
        ([CLEAR, UNCLEAR], 2, 1, (None, 1, 0, 0, "no-majority")),
        ([CLEAR], 3, 2, (None, 1, 0, 2, "no-majority")),
        ([None, None], 3, 2, (None, 0, 2, 1, "unparsed")),
        ([], 3, 2, (None, 0, 0, 3, "failed")),
    ],
)
def test_who_wins(votes: list[Vote | None], asked: int, needed: int, expected: tuple[object, ...]) -> None:
    """Enough votes and more than all others together; else nothing is decided, and the status says why."""
    line = tally(votes, asked, needed)
    assert (line["verdict"], line["votes"], line["unparsed"], line["failed"], line["status"]) == expected
    assert line["reason"] == ("yes" if expected[0] else None)


def test_the_score_is_the_mean_of_all_votes_that_were_read() -> None:
    """Whatever their verdict."""
    assert tally([CLEAR, UNCLEAR, None], 3, 2)["score"] == 3.0


def test_only_known_names_in_braces_are_filled() -> None:
    """JSON and LaTeX in a question stay as they are."""
    assert fields_of('Is {prompt} {clear}? Say {"verdict": "x"} of \\frac{1}{2}. {response}') == [
        "prompt",
        "response",
    ]


RECIPE = """
[source]
files = ["rows.jsonl"]
[evidence.clarity]
stage = "STAGE"
model = "server:URL/v1"
question = "question.txt"
verdicts = ["clear", "unclear"]
scores = ["help"]
range = [1.0, 5.0]
votes = 3
[evidence.clarity.sampling]
max-tokens = 400
[drop.unclear]
when = "clarity.verdict = 'unclear'"
on-missing = "undecided"
"""


@pytest.mark.parametrize(
    ("stage", "texts"), [("judge", "{prompt}"), ("judge-response", "{prompt} {response}")]
)
def test_a_real_server_is_held_to_the_form(
    small_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, texts: str
) -> None:
    """A model that knows nothing but sums still gives votes that can be read, and every line has a status."""
    monkeypatch.chdir(tmp_path)
    Path("question.txt").write_text(f'Is this clear? {texts} Answer {{"verdict": ...}}', encoding="utf-8")
    Path("recipe.toml").write_text(
        RECIPE.replace("STAGE", stage).replace("URL", small_server), encoding="utf-8"
    )
    rows = [
        {"problem": "How much is 1+1?", "responses": ["2", "{prompt}"]},
        {"problem": " ", "responses": ["3"]},
    ]
    Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    result = CliRunner().invoke(app, ["run", "recipe.toml", "-o", "out"])
    assert result.exit_code == 0, result.output
    found = pl.read_parquet("out/evidence/clarity/*.parquet")
    *asked, last = found.iter_rows(named=True)
    assert last["status"] == "no-text"
    for line in asked:
        assert line["status"] in ("ok", "no-majority", "unparsed")
        assert line["parsed"] + line["unparsed"] == 3
        assert line["failed"] == 0
        assert (line["verdict"] in ("clear", "unclear")) == (line["status"] == "ok")
    assert sum(line["parsed"] for line in asked) > 0
    scores = found["score"].drop_nulls()
    assert scores.is_between(1, 5).all()
    assert CliRunner().invoke(app, ["check", "out"]).exit_code == 0


@pytest.mark.parametrize(
    ("question", "said"),
    [(None, "question.txt"), ("Is it clear?", "{prompt}"), ("{response}?", "{response}")],
)
def test_a_question_that_cannot_be_asked_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str | None, said: str
) -> None:
    """No file, no text of the line, a response where problems are judged: an error before any call."""
    monkeypatch.chdir(tmp_path)
    if question is not None:
        Path("question.txt").write_text(question, encoding="utf-8")
    Path("rows.jsonl").write_text('{"problem": "How much is 1+1?", "answer": "2"}\n', encoding="utf-8")
    recipe = RECIPE.replace("STAGE", "judge").replace("URL", "http://127.0.0.1:1")
    Path("recipe.toml").write_text(recipe, encoding="utf-8")
    result = CliRunner().invoke(app, ["run", "recipe.toml", "-o", "out"])
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output
