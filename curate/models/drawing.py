"""How the next token is drawn: from the model's logits and a number that belongs to the completion alone.

The number depends on the completion's seed and on how many tokens it has, not on what else is in the batch,
so that a prompt and a seed give the same completion whatever is written beside it (but for rounding of the
logits, which changes a token about once in a million in float32, and more often in bfloat16).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from curate.models.types import Sampling

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(seeds: npt.ArrayLike, positions: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """A number in [0, 1) for each seed and position; the same for the same two.

    24 bits of splitmix64 of the position in the stream that starts at the mixed seed.
    Source: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014.
    """
    with np.errstate(over="ignore"):
        start = _mixed(np.asarray(seeds, dtype=np.uint64) + GOLDEN)
        bits = _mixed(start + (np.asarray(positions, dtype=np.uint64) + np.uint64(1)) * GOLDEN)
    return ((bits >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)).astype(np.float32)


def _mixed(bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def draw(logits: Any, numbers: Any, sampling: Sampling) -> Any:
    """The token of each row at which the summed probabilities pass the row's number.

    logits: float32, (n, vocabulary); numbers: float32, (n,). Returns int64, (n,). Temperature first, then the
    cuts at top-k, min-p and top-p, each over what the one before left.
    """
    if sampling.temperature == 0:
        return logits.argmax(1)
    logits = logits / sampling.temperature
    if 0 < sampling.top_k < logits.shape[1]:
        least = logits.topk(sampling.top_k, dim=1).values[:, -1:]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if sampling.min_p > 0:
        least = logits.max(1, keepdim=True).values + float(np.log(sampling.min_p))
        logits = logits.masked_fill(logits < least, -torch.inf)
    if sampling.top_p < 1:
        likeliest, order = logits.sort(1, descending=True)
        before = likeliest.softmax(1).cumsum(1) - likeliest.softmax(1)
        cut = (before >= sampling.top_p).scatter(1, order, before >= sampling.top_p)
        logits = logits.masked_fill(cut, -torch.inf)
    # float64: over 150,000 tokens the rounding of float32 sums is as large as a rare token's probability
    sums = logits.softmax(1, dtype=torch.float64).cumsum(1)
    wanted = numbers.double()[:, None] * sums[:, -1:]
    return torch.searchsorted(sums, wanted, right=True)[:, 0].clamp(max=logits.shape[1] - 1)
