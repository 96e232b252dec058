"""Stage response-match and `curate decontam --responses`: responses that copy the solution of a benchmark item."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from curate.cli.main import app
from curate.errors import InputError
from curate.stages.benchmark_match import EVIDENCE
from curate.stages.response_match import ResponseMatch, measure, prepare

PROBLEM = (
    "A farmer keeps 24 goats and 36 sheep on a meadow near the river. Every goat eats 3 kilograms of hay and every "
    "sheep eats 2 kilograms of hay per day. How many kilograms of hay does the farmer need for 15 days?"
)
SOLUTION = (
    "Each of the 24 goats eats 3 kilograms of hay a day, which makes 72 kilograms for the goats. The 36 sheep eat "
    "another 72 kilograms. Together they eat 144 kilograms, so that over 15 days the farmer needs 2160 kilograms."
)
OWN_WAY = "Per day: 24*3 + 36*2 = 144. Times fifteen gives \\boxed{2160}."
THINKING = "Let me check the units once more before I write this down, since a slip here would be costly. "


def farm(folder: Path, problem: str | None = PROBLEM, solution: str | None = SOLUTION) -> str:
    """A benchmark file of one item; returns its path."""
    path = folder / "farm.jsonl"
    path.write_text(json.dumps({"id": "3", "problem": problem, "solution": solution}) + "\n", "utf-8")
    return str(path)


def evidence(responses: list[str | None], folder: Path, **more: Any) -> list[dict[str, Any]]:
    """Evidence of the responses of row 7."""
    params = ResponseMatch(stage="response-match", against=[farm(folder)], **more)
    keys = {"row_id": [7] * len(responses), "response_id": range(len(responses))}
    schema = {"row_id": pl.Int64, "response_id": pl.Int32, "response": pl.String}
    frame = pl.DataFrame({**keys, "response": responses}, schema=schema)
    return measure(frame, params, prepare(params, folder / "state")).to_dicts()


def covered(text: str, span: dict[str, int]) -> str:
    """What a span covers."""
    return text[span["start"] : span["end"]]


def test_a_solution_is_found_in_a_response_and_a_solution_of_ones_own_is_not(tmp_path: Path) -> None:
    """Copied, edited, with other numbers, found by oneself, nothing: the classes of benchmark-match."""
    edited = SOLUTION.replace("another", "a further").replace("Together they", "All of them")
    responses = {
        f"<think>{THINKING}</think>{SOLUTION}": "verbatim",
        edited: "near",
        SOLUTION.replace("24", "28"): "variant",
        OWN_WAY: "none",
        "I do not know.": "none",
    }
    rows = evidence([*responses, None, ""], tmp_path)
    assert [row["class"] for row in rows] == [*responses.values(), None, None]
    assert [row["status"] for row in rows] == ["ok"] * 5 + ["no-text"] * 2
    assert [(row["row_id"], row["response_id"]) for row in rows] == [(7, i) for i in range(7)]
    assert covered(next(iter(responses)), rows[0]["row_span"]) == SOLUTION[:-1]
    assert covered(SOLUTION, rows[0]["item_span"]) == SOLUTION[:-1]
    assert set(rows[0]) == {"row_id", "response_id", *EVIDENCE.names}


def test_the_example_of_the_module(tmp_path: Path) -> None:
    """What the docstring shows is what comes out."""
    solution = (
        "Each of the 24 goats eats 3 kilograms a day, that is 72 kilograms. Over 15 days the goats eat 1080 "
    )
    path = farm(tmp_path, solution=solution + "kilograms of hay.")
    params = ResponseMatch(stage="response-match", against=[path])
    frame = pl.DataFrame(
        {
            "row_id": [0],
            "response_id": [0],
            "response": [f"Let me think. {solution}kilograms of hay. So: 1080"],
        }
    )
    [row] = measure(frame, params, prepare(params, tmp_path / "state")).to_dicts()
    assert row == {
        "row_id": 0, "response_id": 0, "benchmark": "farm", "item": "3", "class": "verbatim", "alignment": 1.0,
        "idf_containment": 1.0, "containment": None, "numbers_agree": True, "hits": 1,
        "why": "all words, in order", "row_span": {"start": 14, "end": 129}, "item_span": {"start": 0, "end": 115},
        "status": "ok",
    }  # fmt: skip


def test_part_problem_finds_a_question_that_a_response_restates(tmp_path: Path) -> None:
    """The same response holds the problem and not the solution."""
    response = f"<think>The question: {PROBLEM} So.</think>{OWN_WAY}"
    [by_solution] = evidence([response], tmp_path)
    [by_problem] = evidence([response], tmp_path, part="problem")
    assert by_solution["class"] == "none" or by_solution["class"] == "template"
    assert by_problem["class"] == "verbatim"
    assert covered(response, by_problem["row_span"]) == PROBLEM[:-1]


def test_without_a_solution_nothing_is_compared_and_that_is_an_error(tmp_path: Path) -> None:
    """Null, empty, and an answer in the place of a solution: every response would pass, so the run stops."""
    for solution in (None, "", "2160", "So the farmer needs 2160 kilograms."):
        params = ResponseMatch(stage="response-match", against=[farm(tmp_path, solution=solution)])
        with pytest.raises(InputError, match="found none in farm"):
            prepare(params, tmp_path / "state")


def test_a_solution_deep_in_a_long_response_is_found_and_located(tmp_path: Path) -> None:
    """Before, in the middle of and after a long chain of thought, with its offsets; in time linear in it."""
    thinking = THINKING * 4_000  # 390 KB
    half = len(thinking) // 2
    responses = [f"{thinking[:at]}\n{SOLUTION}\n{thinking[at:]}" for at in (0, half, len(thinking))]
    started = time.process_time()
    rows = evidence([*responses, thinking], tmp_path)
    assert time.process_time() - started < 5
    assert [row["class"] for row in rows] == ["verbatim"] * 3 + ["none"]
    for response, row in zip(responses, rows[:3], strict=True):
        assert covered(response, row["row_span"]) == SOLUTION[:-1]


def curate(*arguments: str | Path, fails: bool = False) -> str:
    """Run a command; what it printed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert (done.exit_code != 0) == fails, done.output
    return done.output


def write_lines(path: Path, lines: list[dict[str, Any]]) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_decontam_responses_drops_copied_solutions_and_shows_them(tmp_path: Path) -> None:
    """Off by default; on, responses that copy go, a row without any left goes too, both texts are shown."""
    other = "Which of the two barns holds more hay in winter, the old one or the new one?"
    rows = write_lines(
        tmp_path / "rows.jsonl",
        [
            {"prompt": other, "responses": [f"Well. {SOLUTION}", OWN_WAY]},
            {"prompt": other + " Why?", "responses": [SOLUTION]},
        ],
    )
    curate("decontam", rows, "--against", farm(tmp_path), "-o", tmp_path / "off")
    assert not (tmp_path / "off" / "evidence" / "leak_response").exists()
    said = curate("decontam", rows, "--against", farm(tmp_path), "--responses", "-o", tmp_path / "on")
    assert "leak_response: 1 solutions of 1 benchmarks" in said
    verdicts = pl.read_parquet(tmp_path / "on" / "response_verdicts")
    assert verdicts["reasons"].to_list() == [["contaminated-response"], [], ["contaminated-response"]]
    assert pl.read_parquet(tmp_path / "on" / "verdicts")["reasons"].to_list() == [[], ["no-response-left"]]
    shown = curate("explain", tmp_path / "on", "0")
    assert "farm item 3, its solution" in shown
    assert f"Well. ⟦{SOLUTION[:-1]}⟧." in shown
    page = (tmp_path / "on" / "report.html").read_text("utf-8")
    assert f"<mark>{SOLUTION[:-1]}</mark>." in page
    assert "farm / 3" in page


def test_a_question_deep_in_a_long_conversation_is_found_and_located(tmp_path: Path) -> None:
    """Quoted by a user turn in the middle of a chat of 40 turns: the row goes, and the span is that question."""
    talk = [
        {
            "role": role,
            "content": f"Turn {i}: I wonder about the weather in the valley, and about the harvest.",
        }
        for i in range(20)
        for role in ("user", "assistant")
    ]
    asked = [dict(turn) for turn in talk]
    asked[22]["content"] += f" By the way, my book asks: {PROBLEM} Any idea?"
    rows = write_lines(tmp_path / "chats.jsonl", [{"messages": talk}, {"messages": asked}])
    curate("decontam", rows, "--against", farm(tmp_path), "-o", tmp_path / "out")
    [line] = pl.read_parquet(tmp_path / "out" / "dropped").to_dicts()
    assert (line["row_id"], line["reasons"]) == (1, ["contaminated"])
    leak = pl.read_parquet(tmp_path / "out" / "evidence" / "leak").row(1, named=True)
    prompt = pl.read_parquet(tmp_path / "out" / "input" / "rows")["prompt"][1]
    assert leak["class"] == "verbatim"
    assert covered(prompt, leak["row_span"]) == PROBLEM[:-1]


def test_preview_and_self_test_look_at_prompts_alone(tmp_path: Path) -> None:
    """--responses with either is an error that says so."""
    rows = write_lines(tmp_path / "rows.jsonl", [{"prompt": "x", "responses": ["y"]}])
    for flag in ("--preview", "--self-test"):
        said = curate("decontam", rows, "--against", farm(tmp_path), "--responses", flag, fails=True)
        assert "leave out --responses" in said
