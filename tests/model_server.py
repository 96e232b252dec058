"""A real server of a tiny model for tests: llama.cpp in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).parent / "small_model" / "serve.py"
PARALLEL = 8
START_S = 60


@contextmanager
def served(gguf: Path, port: int = 0) -> Iterator[str]:
    """The URL of a server that is up; it ends with the block, or when this process dies."""
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(gguf), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http"), f"the server did not start: {process.poll()}"
        _wait(url)
        yield f"{url}/v1"
    finally:
        process.kill()
        process.wait()


def _wait(url: str) -> None:
    for _ in range(10 * START_S):
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} did not come up within {START_S} s")
