"""The small model is one model, whoever runs it."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from small_model.problems import SYSTEM, problems

from curate.models.types import Message, Request, Sampling

pytest.importorskip("torch", reason="NOT RUN with a model: torch is not installed")


def test_llama_cpp_writes_what_transformers_writes(small_model: Path, small_server: str) -> None:
    """The likeliest completion of each prompt is the same from the GGUF as from the folder, thinking included."""
    from curate.models.transformers_ import TransformersGenerator

    asked = [
        Request((*([Message("system", SYSTEM)] if index % 2 else []), Message("user", one.question)), 0)
        for index, one in enumerate(problems(seed=31, n=10))
    ]
    with TransformersGenerator(small_model, device="cpu") as generator:
        written = dict(generator.generate(asked, Sampling(temperature=0, max_tokens=64)))
    for request in asked:
        body = {
            "messages": [message._asdict() for message in request.messages],
            "temperature": 0,
            "max_tokens": 64,
        }
        call = urllib.request.Request(
            f"{small_server}/v1/chat/completions",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(call, timeout=60) as reply:
            found = json.load(reply)
        assert found["choices"][0]["message"]["content"] == written[request].text
        assert found["usage"]["prompt_tokens"] == written[request].prompt_tokens
        assert found["choices"][0]["finish_reason"] == "stop"
