"""The small model and a server of it, trained once and kept in the user's cache.

A test takes `small_model` (a folder that `AutoModelForCausalLM` loads), `small_gguf` (the same weights for
llama.cpp) or `small_server` (the address of an OpenAI-compatible server of them, without /v1).
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent / "small_model"


def _needs(*modules: str) -> None:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        pytest.skip(f"NOT RUN with a model: {', '.join(missing)} not installed (pip install '.[dev]')")


def _kept_at() -> Path:
    """The folder of what these scripts make with the installed torch and transformers."""
    told = hashlib.sha256()
    for name in ("problems.py", "train.py", "to_gguf.py"):
        told.update((SCRIPTS / name).read_bytes())
    for package in ("torch", "transformers", "tokenizers"):
        told.update(importlib.metadata.version(package).encode())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "curate" / f"small-model-{told.hexdigest()[:16]}"


def make_small_model() -> Path:
    """The folder of the small model (and of small.gguf); trained first if it is not there.

    Whoever comes second waits for the one that trains. Raises CalledProcessError if that fails.
    """
    folder = _kept_at()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            made = folder.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)
            subprocess.run(
                [sys.executable, SCRIPTS / "train.py", made], check=True, stdout=subprocess.DEVNULL
            )
            subprocess.run([sys.executable, SCRIPTS / "to_gguf.py", made, made / "small.gguf"], check=True)
            made.rename(folder)
    return folder


@pytest.fixture(scope="session")
def small_model() -> Path:
    """Folder of a model with which `transformers` does sums, some of them wrong."""
    _needs("torch", "transformers")
    return make_small_model()


@pytest.fixture(scope="session")
def small_gguf(small_model: Path) -> Path:
    """The same weights for llama.cpp."""
    return small_model / "small.gguf"


@pytest.fixture(scope="session")
def small_server(small_gguf: Path) -> Iterator[str]:
    """Address of an OpenAI-compatible server of the small model, as http://127.0.0.1:PORT."""
    _needs("xllamacpp")
    with subprocess.Popen(
        [sys.executable, SCRIPTS / "serve.py", small_gguf],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert address.startswith("http"), f"the server of the small model did not start: {address!r}"
        yield address
        server.kill()
