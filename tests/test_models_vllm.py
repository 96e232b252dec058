"""vLLM in this process and as a server; where it is not installed these tests say that they did not run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from curate.models.scoring import TransformersScorer
from curate.models.types import Message, Request, Sampling, Text

vllm = pytest.importorskip("vllm", reason="NOT RUN: no vLLM here (pip install vllm)")
pytestmark = pytest.mark.slow
CONTEXT = 512
PORT = 18_391
OPTIONS = [
    "--served-model-name=small",
    "--host=127.0.0.1",
    f"--port={PORT}",
    "--dtype=float32",
    f"--max-model-len={CONTEXT}",
    "--enforce-eager",
]
SAMPLING = Sampling(max_tokens=40)
RESPONSES = [
    Text((Message("user", f"What is {n} + 7?"),), f"<think>{n}+7</think> \\boxed{{{n}}}") for n in range(12)
]
ALONE = [Text((), "The answer is 12. " * times) for times in (1, 80, 200)]


@pytest.fixture(autouse=True, scope="module")
def small_machine() -> None:
    """A cache of 1 GB, and nothing sent to anybody."""
    os.environ.update(
        VLLM_CPU_KVCACHE_SPACE="1", VLLM_NO_USAGE_STATS="1", DO_NOT_TRACK="1", HF_HUB_OFFLINE="1"
    )


def wanted(prompts: int, samples: int) -> list[Request]:
    """So many samples of each of so many prompts."""
    return [
        Request((Message("user", f"What is {prompt} + 7?"),), sample)
        for prompt in range(prompts)
        for sample in range(samples)
    ]


def test_vllm_writes_and_rates_in_this_process(small_model: Path) -> None:
    """Each sample has a seed of its own, whatever else is asked; ratings are those of transformers."""
    from curate.models.vllm_ import VllmGenerator, VllmScorer

    options = {"dtype": "float32", "max_model_len": CONTEXT, "enforce_eager": True}
    requests = [*wanted(8, 4), Request((Message("user", "x " * 2000),), 0)]
    with VllmGenerator(small_model, logprobs=True, **options) as generator:
        came = dict(generator.generate(requests, SAMPLING))
        again = dict(generator.generate(requests[20:8:-1], SAMPLING))
    assert set(came) == set(requests)
    assert {request: came[request].text for request in again} == {r: one.text for r, one in again.items()}
    assert [one.failure for one in came.values()].count("permanent") == 1
    assert came[requests[-1]].failure == "permanent"
    with VllmScorer(small_model, **options) as scorer:
        found = scorer.score([*RESPONSES, *ALONE])
    expected = TransformersScorer(small_model, context=CONTEXT - 1).score([*RESPONSES, *ALONE])
    for one, other in zip(found, expected, strict=True):
        assert one.logprob == pytest.approx(other.logprob, rel=1e-4)
        assert (one.tokens, one.bytes, one.windows) == (other.tokens, other.bytes, other.windows)


@pytest.fixture(scope="module")
def vllm_server(small_model: Path) -> Iterator[str]:
    """URL of vLLM's own server of the small model."""
    process = subprocess.Popen(
        [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(small_model), *OPTIONS],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 400
        while not _up(f"http://127.0.0.1:{PORT}/health"):
            assert process.poll() is None, "vLLM ended"
            assert time.monotonic() < until, "vLLM did not come up"
            time.sleep(1)
        yield f"http://127.0.0.1:{PORT}/v1"
    finally:
        process.terminate()
        process.wait(timeout=60)


def _up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_vllm_as_a_server(vllm_server: str, small_model: Path) -> None:
    """All that it can do is found out, and it rates responses as transformers does."""
    from curate.models.rating import ServerScorer
    from curate.models.server import ServerGenerator

    with ServerGenerator(vllm_server) as generator:
        assert generator.capabilities == (16, True, True, True, CONTEXT)
        came = list(generator.generate(wanted(10, 20), SAMPLING))
    assert sorted(request for request, _ in came) == sorted(wanted(10, 20))
    with ServerScorer(vllm_server) as scorer:
        found = scorer.score(RESPONSES)
    expected = TransformersScorer(small_model, context=CONTEXT - 1).score(RESPONSES)
    for one, other in zip(found, expected, strict=True):
        assert one.logprob == pytest.approx(other.logprob, rel=1e-4)
        assert one.tokens == other.tokens
