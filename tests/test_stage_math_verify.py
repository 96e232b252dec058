"""The stage math-verify: one verdict a response, in the declared schema, with its own workers."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from curate.stages.math_verify import EVIDENCE, STAGE, Params, measure

REPOSITORY = Path(__file__).resolve().parent.parent

RESPONSES: list[tuple[int, int, str | None, str | None]] = [
    # row_id, response_id, response, answer
    (0, 0, "<think>hm</think> So \\boxed{\\frac{1}{2}}.", "0.5"),
    (0, 1, "<think>hm</think> So \\boxed{\\frac{1}{3}}.", "0.5"),
    (0, 2, "<think>hm, \\boxed{0.5}", "0.5"),
    (3, 0, "The answer is $x+1$.", "1+x"),
    (3, 1, None, "1+x"),
    (4, 0, "\\boxed{7}", None),
    (5, 0, "\\boxed{9^{9^{9^{9}}}}", "7"),
]


def frame(responses: list[tuple[int, int, str | None, str | None]] = RESPONSES) -> pl.DataFrame:
    """Responses with their row's ground truth, as the pipeline hands them over."""
    return pl.DataFrame(
        responses,
        schema={"row_id": pl.Int64, "response_id": pl.Int32, "response": pl.String, "answer": pl.String},
        orient="row",
    )


def test_one_verdict_a_response_with_its_status() -> None:
    """Each response has a verdict, a reason, the answer found and a status, in order."""
    found = measure(frame(), Params(), None)
    assert found.select("row_id", "response_id").rows() == [row[:2] for row in RESPONSES]
    assert found.select("status", "reason", "extracted", "cause").rows() == [
        ("equal", "both are 1/2", "\\frac{1}{2}", "ok"),
        ("unequal", "1/2 and 1/3 are different numbers", "\\frac{1}{3}", "ok"),
        ("undecided", "the thinking never ends", None, "no-answer"),
        ("equal", "both are x + 1", "x+1", "ok"),
        ("undecided", "there is no response", None, "no-text"),
        ("undecided", "there is no ground truth", "7", "no-gold"),
        ("undecided", "not compared: the answer has a tower of more than two powers", "9^{9^{9^{9}}}", "too-complex"),
    ]  # fmt: skip


def test_evidence_has_the_declared_schema() -> None:
    """Also for a shard without responses every column is there with its type."""
    for responses in (RESPONSES, []):
        found = measure(frame(responses), Params(), None)
        assert found.columns == ["row_id", "response_id", *EVIDENCE.names]
        assert found.select(EVIDENCE.names).to_arrow().cast(EVIDENCE).schema == EVIDENCE


def test_shards_change_nothing() -> None:
    """Measured shard by shard, the evidence is that of one go."""
    parts = [measure(part, Params(), None) for part in frame().iter_slices(2)]
    assert pl.concat(parts).equals(measure(frame(), Params(), None))


def test_boxed_only_is_a_parameter() -> None:
    """With extract = boxed, "the answer is" is no answer."""
    found = measure(frame(RESPONSES[3:4]), Params.model_validate({"extract": "boxed"}), None)
    assert found["cause"].to_list() == ["no-answer"]
    assert found["reason"].to_list() == ["no boxed answer in the response"]


def test_the_time_limit_is_a_parameter() -> None:
    """A pair over the limit is undecided with status timeout; the limit is in the sentence."""
    slow = [(0, 0, r"\boxed{\sum_{k=1}^{99999} k^{k}}", "1"), (0, 1, r"\boxed{\int_0^2 x dx}", "2")]
    found = measure(frame(list(slow)), Params.model_validate({"timeout-s": 0.3}), None)
    assert found.select("status", "reason", "cause").rows() == [
        ("undecided", "comparing took more than 0.3 s", "timeout"),
        ("equal", "math-verify: equal", "ok"),
    ]


def test_a_spawned_process_may_measure() -> None:
    """In a process started by spawn the stage starts workers of its own and gives the same evidence."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes:
        found = processes.submit(measure, frame(), Params(), None).result(120)
    assert found.equals(measure(frame(), Params(), None))


def test_sympy_stays_out_of_this_process() -> None:
    """Importing the stage imports neither sympy nor Math-Verify: a second and 100 MB a process."""
    program = "import sys, curate.stages.math_verify; print({'sympy', 'math_verify'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    "wrong", [{"timeout-s": 0}, {"extract": "last"}, {"think-close": ""}, {"memory-bytes": 1}, {"workers": 2}]
)
def test_parameters_are_checked(wrong: dict[str, object]) -> None:
    """Unknown or impossible parameters are refused."""
    with pytest.raises(ValidationError):
        Params.model_validate(wrong)


def test_the_stage_is_declared() -> None:
    """It measures responses, reads the ground truth, and has workers of its own."""
    assert (STAGE.grain, STAGE.reads, STAGE.runs) == ("response", ("response", "answer"), "inline")
