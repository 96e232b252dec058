"""`transformers serve`: a real server that ignores `n`, and the temperature where the model's files do not say to sample."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_model.problems import SYSTEM

from curate.errors import InputError
from curate.models.address import open_generator
from curate.models.types import Message, Request, Sampling

pytestmark = pytest.mark.slow
SERVE = "from transformers.cli.transformers import main; main()"
START_S = 120


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Address of `transformers serve` on loopback, /v1 and all."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, "serve", "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(10 * START_S):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, "transformers serve ended"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.wait()


def test_transformers_serve_is_asked_for_one_sample_at_a_time(small_model: Path, tmp_path: Path) -> None:
    """It answers `n = 8` with one choice: all samples come, and differ. Without `do_sample` it is refused."""
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
        pytest.skip(
            "NOT RUN against transformers serve: fastapi or uvicorn not installed (pip install '.[dev]')"
        )
    models = {}
    for name, do_sample in (("samples", True), ("greedy", False)):
        models[name] = tmp_path / name
        shutil.copytree(small_model, models[name])
        told = json.loads((models[name] / "generation_config.json").read_text())
        (models[name] / "generation_config.json").write_text(json.dumps({**told, "do_sample": do_sample}))
    prompts = [(Message("system", SYSTEM), Message("user", f"{n} + 5")) for n in range(2)]
    requests = [Request(prompt, sample) for prompt in prompts for sample in range(4)]
    with served(tmp_path) as url:
        with open_generator(f"server:{url}#{models['samples']}") as generator:
            assert generator.capabilities.most_samples == 1
            assert generator.capabilities.heeds_temperature
            came = list(generator.generate(requests, Sampling(temperature=2, max_tokens=24)))
            assert Counter(request for request, _ in came) == Counter(requests)
            assert all(one.failure is None and one.text for _, one in came)
            assert len({one.text for _, one in came}) > len(prompts)
        with open_generator(f"server:{url}#{models['greedy']}") as generator:
            assert not generator.capabilities.heeds_temperature
            with pytest.raises(InputError, match="do_sample: true"):
                next(generator.generate(requests, Sampling(max_tokens=24)))
