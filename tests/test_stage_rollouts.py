"""Rollouts with a real model: the whole loop, resumed and from a cache, in rounds, and what never came."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from small_model.problems import KINDS, SYSTEM, problem
from typer.testing import CliRunner

from curate.cli.main import app
from curate.flow import RESPONSES
from curate.models.types import Sampling
from curate.stages.rollouts import Params

RECIPE = f"""
[source]
files = ["rows.jsonl"]
[evidence.query]
stage = "query-quality"
[evidence.roll]
stage = "rollouts"
model = "MODEL"
name = "small"
n = 6
system = {json.dumps(SYSTEM)}
skip-if = "query.has_url"
[evidence.roll.sampling]
max-tokens = 120
[evidence.math]
stage = "math-verify"
[evidence.pass]
stage = "pass-rate"
[drop.too-easy]
when = "pass.pass_rate = 1"
on-missing = "undecided"
[drop.too-hard]
when = "pass.pass_rate = 0"
on-missing = "undecided"
[output]
format = "verl"
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test in a folder of its own."""
    monkeypatch.chdir(tmp_path)


def write_rows(n: int, *more: dict[str, Any]) -> list[dict[str, Any]]:
    """n problems of every kind, then others."""
    rng = random.Random(3)
    problems = [problem(rng, KINDS[index % len(KINDS)]) for index in range(n)]
    rows = [{"problem": one.question, "answer": str(one.answer)} for one in problems] + list(more)
    Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return rows


def run(model: str, *options: str, out: str = "out", recipe: str = RECIPE) -> str:
    """Run the recipe with a model; what was printed."""
    Path("recipe.toml").write_text(recipe.replace("MODEL", model), encoding="utf-8")
    result = CliRunner().invoke(app, ["run", "recipe.toml", "-o", out, *options])
    assert result.exit_code == 0, result.output
    return result.output


def evidence(name: str, out: str = "out") -> pl.DataFrame:
    """Evidence of a run."""
    return pl.read_parquet(f"{out}/evidence/{name}/*.parquet")


def responses(out: str = "out") -> pl.DataFrame:
    """All responses of a run, those that came with the data among them."""
    return pl.read_parquet(f"{out}/input/responses/*.parquet")


def test_the_whole_loop_with_a_server(small_server: str) -> None:
    """Rollouts, verdicts, pass rates, selection: what is kept has a pass rate strictly between 0 and 1."""
    rows = write_rows(
        25, {"problem": "See http://x.org: how much is 1+1?", "answer": "2"}, {"problem": "   "}
    )
    run(f"server:{small_server}/v1")
    roll, rates = evidence("roll"), evidence("pass")
    assert roll["status"].to_list() == ["ok"] * 25 + ["skipped", "no-text"]
    assert roll["asked"].to_list() == roll["came"].to_list() == [6] * 25 + [0, 0]
    assert roll["failed"].sum() == 0
    assert roll.filter(pl.col("asked") > 0).select(pl.col("completion_tokens") > 0).to_series().all()
    there = responses()
    assert there.columns == RESPONSES.names
    assert there["response_id"].to_list() == list(range(6)) * 25
    assert set(there["model"]) == {"small"}
    assert 0.1 < rates["pass_rate"].mean() < 0.95  # type: ignore[operator]
    kept = {
        row["row_id"]
        for row in pl.read_parquet("out/verdicts/*.parquet").iter_rows(named=True)
        if row["keep"]
    }
    assert kept == set(rates.filter(pl.col("pass_rate").is_between(0, 1, closed="none"))["row_id"])
    assert 0 < len(kept) < len(rows)
    assert CliRunner().invoke(app, ["check", "out"]).exit_code == 0


def test_weights_in_this_process_and_the_same_run_twice(small_model: Path) -> None:
    """A folder of weights needs no server; the same seeds give the same bytes, another seed others."""
    write_rows(10)
    run(f"hf:{small_model}", out="one")
    run(f"hf:{small_model}", out="two")
    assert responses("one").equals(responses("two"))
    run(f"hf:{small_model}", "--set", "evidence.roll.sampling.seed=1", out="three")
    assert not responses("one").equals(responses("three"))
    assert evidence("roll", "one")["model"].n_unique() == 1


def test_what_was_sampled_is_not_sampled_again(small_model: Path) -> None:
    """More samples of the same problems: the first ones come from the journal, as they were."""
    write_rows(6)
    run(f"hf:{small_model}", "--cache", "cache", out="six")
    run(f"hf:{small_model}", "--cache", "cache", "--set", "evidence.roll.n=8", out="eight")
    six, eight = responses("six"), responses("eight")
    assert eight.height == 48
    assert eight.filter(pl.col("response_id") < 6).equals(six)


def test_responses_that_came_with_the_data_stay_first(small_model: Path) -> None:
    """New responses are numbered after those of the row; stages are about all of them."""
    write_rows(2, {"problem": "Ann has 2 pens and buys 3 more. How many pens?", "answer": "5",
                   "responses": ["\\boxed{5}", "\\boxed{6}"]})  # fmt: skip
    run(f"hf:{small_model}", "--set", "evidence.roll.n=2")
    last = responses().filter(pl.col("row_id") == 2)
    assert last["response_id"].to_list() == [0, 1, 2, 3]
    assert last["response"].to_list()[:2] == ["\\boxed{5}", "\\boxed{6}"]
    assert last["model"].to_list() == [None, None, "small", "small"]
    assert evidence("pass").filter(pl.col("row_id") == 2)["n"].to_list() == [4]


def test_two_rows_with_one_prompt_both_have_their_samples(small_server: str) -> None:
    """Equal prompts are asked once and answered twice."""
    same = {"problem": "Ann has 2 pens and buys 3 more. How many pens?", "answer": "5"}
    write_rows(1, same, same)
    run(f"server:{small_server}/v1")
    there = responses().partition_by("row_id")
    assert [part.height for part in there] == [6, 6, 6]
    assert there[1]["response"].equals(there[2]["response"])


def test_rounds_stop_where_the_rule_is_settled(small_server: str) -> None:
    """With `select`, a problem with a right and a wrong answer is sampled no further; verdicts agree."""
    write_rows(25)
    run(f"server:{small_server}/v1", "--set", "evidence.roll.n=16", out="all")
    run(f"server:{small_server}/v1", "--set", "evidence.roll.n=16",
        "--set", "evidence.roll.select=0 < pass_rate < 1", out="some")  # fmt: skip
    some, rates = evidence("roll", "some"), evidence("pass", "some")
    assert some["asked"].sum() < 0.75 * evidence("roll", "all")["asked"].sum()
    sure = some.filter(pl.col("settled") == "sure")
    assert sure.height > 0
    assert rates.join(sure, on="row_id")["pass_rate"].is_between(0, 1, closed="none").all()
    assert (some["rounds"] > 1).any()
    assert (
        some.filter(pl.col("settled") == "n")["asked"].to_list()
        == [16] * some.filter(pl.col("settled") == "n").height
    )


def test_a_prompt_that_is_too_long_is_a_failure_of_no_model(small_model: Path) -> None:
    """What cannot be completed has the status failed and no pass rate; other rows are as ever."""
    write_rows(2, {"problem": "word " * 3000, "answer": "1"})
    run(f"hf:{small_model}")
    roll = evidence("roll")
    assert roll["status"].to_list() == ["ok", "ok", "failed"]
    assert roll["failed"].to_list() == [0, 0, 6]
    assert roll["error"][2]
    assert roll["error"][0] is None
    assert evidence("pass")["pass_rate"][2] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": "gpt:x"}, "expected server:"),
        ({"model": "server:http://127.0.0.1:1/v1"}, "127.0.0.1:1"),
        ({"select": "pass_rate is high"}, "select"),
        ({"n": "0"}, "n"),
    ],
)
def test_what_is_wrong_with_the_settings_is_said(change: dict[str, str], said: str) -> None:
    """A model that is none, a server that is not there, a rule that is none: an error, no traceback."""
    write_rows(1)
    text = RECIPE.replace("MODEL", change.get("model", "hf:nowhere"))
    Path("recipe.toml").write_text(text, encoding="utf-8")
    options = [part for key, value in change.items() for part in ("--set", f"evidence.roll.{key}={value}")]
    result = CliRunner().invoke(app, ["run", "recipe.toml", "-o", "out", *options])
    assert result.exit_code != 0
    assert said in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("n", "max_tokens", "rows"), [(8, 32_768, 256), (16, 32_768, 128), (1, 1, 65_536), (4096, 1 << 20, 1)]
)
def test_shards_are_so_small_that_their_responses_can_be_held(n: int, max_tokens: int, rows: int) -> None:
    """256 MB of responses of four bytes a token, were each as long as it may be; one row at least."""
    params = Params(model="server:http://127.0.0.1:1/v1", n=n, sampling=Sampling(max_tokens=max_tokens))
    assert params.most_rows() == rows


def test_the_shards_of_the_run_are_cut_for_its_rollouts(small_model: Path) -> None:
    """Rows, responses and evidence of every stage lie in as many shards, and no row is lost."""
    write_rows(7)
    long = "evidence.roll.sampling.max-tokens=16777216"  # times 6: a third of a shard's bytes and more
    short = ["--set", 'evidence.roll.sampling.stop=["="]']
    run(f"hf:{small_model}", "--set", long, *short)
    assert len(list(Path("out/input/rows").glob("*.parquet"))) == 7
    assert len(list(Path("out/evidence/math").glob("*.parquet"))) == 7
    assert evidence("roll")["row_id"].to_list() == list(range(7))
    assert responses()["row_id"].unique().to_list() == list(range(7))


def test_rollouts_come_before_evidence_about_responses(tmp_path: Path) -> None:
    """Evidence about responses that were not there yet would have holes: the recipe is refused."""
    head, _, rest = RECIPE.partition("[evidence.roll]")
    roll, _, tail = rest.partition("[evidence.math]")
    Path("recipe.toml").write_text(f"{head}[evidence.math]{tail}[evidence.roll]{roll}", encoding="utf-8")
    result = CliRunner().invoke(app, ["run", "recipe.toml", "-o", "out"])
    assert result.exit_code != 0
    assert "Put [evidence.roll] before it" in result.output.replace("\n", " ")
