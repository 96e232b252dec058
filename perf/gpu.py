"""How fast a card rates and writes: python perf/gpu.py [--out FOLDER] [--models 1.5b,7b] [--tiny].

Models of real shape with random weights, made on the card in bfloat16, so that nothing is downloaded:

* perplexity: tokens a second over texts of 2,000 to 8,000 tokens; the share of the arithmetic limit, which is
  2 operations a weight and token plus attention, over the rate of matrix products measured on this card;
  the share of tokens that were padding;
* rollouts: tokens a second with continuous batching, against transformers' own `generate_batch` over the same
  prompts, and the share of time the card was busy (nvidia-smi, the middle of the run).

Writes gpu.json and gpu.md into FOLDER ($OUT, or the folder at hand). `--tiny` runs all of it in a minute on
any machine, to see that it runs; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
import transformers
from gpu_models import SEED, SHAPES, Shape, make, text_of
from transformers import ContinuousBatchingConfig, GenerationConfig

from curate.models.transformers_ import TransformersGenerator, TransformersScorer
from curate.models.types import Message, Request, Sampling, Text
from curate.models.weights import Opened, prompt_text, token_ids


class Load(NamedTuple):
    """How much is measured."""

    texts: int
    text_tokens: tuple[int, int]
    prompts: int
    prompt_tokens: tuple[int, int]
    samples: int
    new_tokens: int
    product: int
    """Side of the square matrices whose product is timed."""
    settings: dict[str, Any]
    """Of continuous batching; none on a GPU, where transformers finds them."""


REAL = Load(128, (2_000, 8_000), 64, (60, 400), 8, 1_024, 8_192, {})
SMALL = Load(
    12, (40, 160), 4, (5, 20), 2, 12, 256, {"num_blocks": 64, "page_size": 32, "max_batch_tokens": 128}
)


def wait(device: torch.device) -> None:
    """Until the card has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def product_rate(side: int, device: torch.device) -> float:
    """Operations a second of products of square bfloat16 matrices (float32 on a CPU); the best of five."""
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    best = math.inf
    for _ in range(5):
        wait(device)
        start = time.perf_counter()
        for _ in range(10):
            a @ b
        wait(device)
        best = min(best, (time.perf_counter() - start) / 10)
    return 2 * side**3 / best


def operations(shape: Shape, opened: Opened, lengths: list[int]) -> float:
    """Operations of reading texts of these lengths once: 2 a weight and token, plus causal attention.

    Embeddings are looked up, not multiplied; where they are the output matrix too they are multiplied there.
    """
    weights = sum(weight.numel() for weight in opened.model.parameters())
    weights -= 0 if shape.tied else shape.vocabulary * shape.hidden
    attention = 2 * shape.layers * shape.hidden  # two products, 2 operations each, over half the length
    return sum(2 * weights * n + attention * n**2 for n in lengths)


@dataclass
class Busy:
    """What nvidia-smi said of the card, five times a second."""

    percents: list[float] = field(default_factory=list)

    @property
    def share(self) -> float | None:
        """Mean over the middle four fifths of the run; null without nvidia-smi."""
        n = len(self.percents)
        middle = self.percents[n // 10 : n - n // 10]
        return statistics.fmean(middle) / 100 if middle else None


@contextmanager
def watched(device: torch.device) -> Iterator[Busy]:
    """Watch how busy the card is meanwhile."""
    busy = Busy()
    program = shutil.which("nvidia-smi")
    if device.type != "cuda" or program is None:
        yield busy
        return
    query = ["--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200"]
    with subprocess.Popen([program, *query], stdout=subprocess.PIPE, text=True) as watcher:
        try:
            yield busy
        finally:
            watcher.terminate()
            said = watcher.communicate()[0]
            busy.percents += [float(line) for line in said.split() if line.isdigit()]


def peak_bytes(device: torch.device) -> int | None:
    """Most memory of the card that was in use since this was last asked."""
    if device.type != "cuda":
        return None
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return peak


def graphs_compiled() -> int:
    """Graphs that torch has compiled so far in this process."""
    from torch._dynamo.utils import counters

    return int(counters["stats"]["unique_graphs"])


def perplexity(shape: Shape, opened: Opened, load: Load, rate: float) -> dict[str, Any]:
    """Rate texts of many lengths."""
    rng = random.Random(SEED)
    lengths = [rng.randint(*load.text_tokens) for _ in range(load.texts)]
    texts = [Text((), text_of(rng, n)) for n in lengths]
    scorer = TransformersScorer(opened)
    scorer.score(texts[:4])
    scorer.read_tokens = scorer.padding_tokens = 0
    peak_bytes(opened.device)
    compiled = graphs_compiled()
    wait(opened.device)
    start = time.perf_counter()
    with watched(opened.device) as busy:
        ratings = scorer.score(texts)
        wait(opened.device)
        took = time.perf_counter() - start
    assert all(math.isfinite(rating.logprob) for rating in ratings)
    return {
        "texts": len(texts),
        "tokens": scorer.read_tokens,
        "seconds": took,
        "tokens_per_s": scorer.read_tokens / took,
        "share_of_limit": operations(shape, opened, lengths) / took / rate,
        "padding_share": scorer.padding_tokens / (scorer.read_tokens + scorer.padding_tokens),
        "busy_share": busy.share,
        "peak_bytes": peak_bytes(opened.device),
        "graphs_compiled": graphs_compiled() - compiled,
    }


def rollouts(opened: Opened, load: Load) -> dict[str, Any]:
    """Write samples of many prompts, then the same with transformers alone."""
    rng = random.Random(SEED)
    prompts = [text_of(rng, rng.randint(*load.prompt_tokens)) for _ in range(load.prompts)]
    requests = [Request((Message("user", text),), i) for text in prompts for i in range(load.samples)]
    sampling = Sampling(max_tokens=load.new_tokens)
    generator = TransformersGenerator(opened, batching="continuous", settings=load.settings)
    list(generator.generate(requests[:2], sampling.model_copy(update={"max_tokens": 4})))
    peak_bytes(opened.device)
    compiled = graphs_compiled()
    start = time.perf_counter()
    with watched(opened.device) as busy:
        found = [completion for _, completion in generator.generate(requests, sampling)]
        took = time.perf_counter() - start
    wrong = [completion.error for completion in found if completion.failure]
    assert len(found) == len(requests), f"{len(requests) - len(found)} completions did not come"
    assert not wrong, f"{len(wrong)} completions failed, the first: {wrong[0]}"
    n_tokens = sum(completion.completion_tokens for completion in found)
    told: dict[str, Any] = {
        "completions": len(found),
        "tokens": n_tokens,
        "seconds": took,
        "tokens_per_s": n_tokens / took,
        "busy_share": busy.share,
        "peak_bytes": peak_bytes(opened.device),
        "graphs_compiled": graphs_compiled() - compiled,
    }
    bare = bare_rate(opened, requests, load)
    return told | {"bare_tokens_per_s": bare, "share_of_bare": told["tokens_per_s"] / bare}


def bare_rate(opened: Opened, requests: list[Request], load: Load) -> float:
    """Tokens a second of transformers' own loop over the same prompts."""
    inputs = token_ids(opened, [prompt_text(opened, request.messages) for request in requests])
    told = GenerationConfig(
        do_sample=True,
        max_new_tokens=load.new_tokens,
        eos_token_id=opened.tokenizer.eos_token_id,
        pad_token_id=opened.tokenizer.pad_token_id,
    )
    settings = ContinuousBatchingConfig(seed=SEED, **load.settings)
    start = time.perf_counter()
    outputs = opened.model.generate_batch(inputs, generation_config=told, continuous_batching_config=settings)
    took = time.perf_counter() - start
    assert len(outputs) == len(inputs), "transformers' own loop lost completions"
    return sum(len(output.generated_tokens) for output in outputs.values()) / took


def measured(
    shape: Shape, device: torch.device, load: Load, rate: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is measured of one model, part by part; the model is gone afterwards."""
    opened = make(shape, device)
    yield "perplexity", perplexity(shape, opened, load, rate)
    yield "rollouts", rollouts(opened, load)
    del opened
    if device.type == "cuda":
        torch.cuda.empty_cache()


COLUMNS = "model part tokens tokens/s of-limit of-bare-loop busy padding peak-GB graphs".split(" ")  # noqa: SIM905
SHARES = ("share_of_limit", "share_of_bare", "busy_share", "padding_share")


def table(found: dict[str, Any]) -> str:
    """The figures in Markdown."""
    lines = [
        f"{found['device']}, torch {found['torch']}, transformers {found['transformers']}; products of "
        f"matrices: {found['product_rate'] / 1e12:.2f} T operations/s.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
    ]
    for name, parts in found["models"].items():
        for part, row in parts.items():
            shares = ["" if row.get(key) is None else f"{row[key]:.1%}" for key in SHARES]
            peak = "" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 1e9:.1f}"
            cells = [name, part, f"{row['tokens']:,}", f"{row['tokens_per_s']:,.0f}", *shares, peak]
            lines.append(f"| {' | '.join([*cells, str(row['graphs_compiled'])])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", ".")))
    parser.add_argument("--models", default="1.5b,7b")
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() and not asked.tiny else "cpu")
    if device.type == "cpu" and not asked.tiny:
        sys.exit("expected a GPU, found none; --tiny runs without one")
    load = SMALL if asked.tiny else REAL
    asked.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "product_rate": product_rate(load.product, device),
        "models": {},
    }
    for name in ["tiny"] if asked.tiny else asked.models.split(","):
        for part, row in measured(SHAPES[name], device, load, found["product_rate"]):
            found["models"].setdefault(name, {})[part] = row
            # written as far as it is, so that a run that is cut off leaves what it found
            (asked.out / "gpu.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            (asked.out / "gpu.md").write_text(table(found), encoding="utf-8")
            print(name, part, json.dumps(row), flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
