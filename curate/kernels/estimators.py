"""Statistics of repeated attempts at one problem: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import comb
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Interval(NamedTuple):
    """Lower and upper ends, one pair a row."""

    low: Floats
    high: Floats


def wilson_interval(n_correct: npt.ArrayLike, n: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """The Wilson score interval of a share of successes.

    n_correct, n: integers, (rows,), 0 <= n_correct <= n. Returns ends in [0, 1]; NaN where n is 0.
    Unlike c/n plus or minus its standard error it has width at c = 0 and c = n, where pass rates
    of hard and easy problems are. Raises ValueError if `confidence` is not between 0 and 1.
    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
    JASA 22 (1927).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    c, total = _counts(n_correct, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = c / total
        middle = (share + z * z / (2 * total)) / (1 + z * z / total)
        half = z / (1 + z * z / total) * np.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    # At c = 0 and c = n the ends are 0 and 1 exactly; the formula misses them by a rounding error.
    low = np.where(c == 0, 0.0, np.clip(middle - half, 0.0, 1.0))
    high = np.where(c == total, 1.0, np.clip(middle + half, 0.0, 1.0))
    nowhere = total == 0
    return Interval(np.where(nowhere, np.nan, low), np.where(nowhere, np.nan, high))


def pass_at_k(n: npt.ArrayLike, n_correct: npt.ArrayLike, k: int) -> Floats:
    """The unbiased estimate of the chance that one of k attempts is right, 1 - C(n-c, k) / C(n, k).

    n, n_correct: integers, (rows,), 0 <= n_correct <= n. NaN where n < k: there it cannot be known.
    Computed as a product of k ratios, each at most 1, so that nothing overflows.
    Raises ValueError if k < 1. Source: Chen et al., Evaluating Large Language Models Trained on
    Code (2021), §2.1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    c, total = _counts(n_correct, n)
    enough = total >= k
    all_wrong = np.ones_like(total)
    for drawn in range(k):
        left = np.where(enough, total - drawn, 1.0)
        all_wrong *= (total - c - drawn) / left  # 0 from c = n - drawn on, and stays 0
    return np.where(enough, 1.0 - all_wrong, np.nan)


def d_me(pass_rate: npt.ArrayLike, p0: float = 0.5) -> Floats:
    """How far a pass rate is from p0: the relative entropy p ln(p/p0) + (1-p) ln((1-p)/(1-p0)).

    pass_rate: in [0, 1], (rows,). Natural logarithm, 0 ln 0 = 0, NaN stays NaN. At p0 = 0.5 it is
    0 for a problem solved half of the time and ln 2 for one solved always or never.
    Raises ValueError if p0 is not between 0 and 1. Source: VibeThinker-1.5B, §3.4 (MGPO).
    """
    if not 0 < p0 < 1:
        raise ValueError(f"p0 must lie between 0 and 1, not {p0}")
    p = np.asarray(pass_rate, dtype=np.float64)
    return _p_log_ratio(p, p0) + _p_log_ratio(1.0 - p, 1.0 - p0)


def w_me(pass_rate: npt.ArrayLike, strength: float, p0: float = 0.5) -> Floats:
    """The weight of a problem in MGPO: exp(-strength * d_me), 1 at p0 and falling to both sides.

    strength: the lambda of the paper, which states no value; 0 weighs all alike. NaN stays NaN.
    Raises ValueError if it is negative. Source: VibeThinker-1.5B, §3.4.
    """
    if strength < 0:
        raise ValueError(f"strength must be at least 0, not {strength}")
    weight: Floats = np.exp(-strength * d_me(pass_rate, p0))
    return weight


def majority_at_k(n: int, right: int, wrong: Sequence[int], k: int) -> float:
    """The chance that the most common answer of k attempts out of n is right; ties are drawn by lot.

    right: attempts with the right answer; wrong: attempts with each wrong answer; the other attempts name no
    answer and do not vote. NaN if n < k. Exact: over the number j of right ones among the k, ways to draw
    them times ways to draw the others so that no wrong answer comes up more often, as coefficients of a
    product of polynomials. With t wrong answers at j too, the lot is right in 1 / (t + 1), the integral of
    u**t over [0, 1]; Gauss-Legendre nodes make it exact. Costs about n log n such products.
    Raises ValueError if k < 1, or the answers are more than n.
    Source: Wang et al., Self-Consistency (2022), §2, as an average over all draws.
    """
    silent = n - right - sum(wrong)
    if k < 1 or min(right, silent, *wrong, 0) < 0:
        raise ValueError(f"k must be at least 1 and the answers at most n, not {k}, {right} + {wrong} of {n}")
    if n < k:
        return float("nan")
    ways = 0.0
    for j in range(1, min(k, right) + 1):
        often = [size for size in wrong if size >= j]
        seldom = _choices(n - right - sum(often), k - j)
        nodes, weights = np.polynomial.legendre.leggauss((k - j) // j // 2 + 1)
        for u, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            drawn = seldom
            for size in often:
                no_more = _choices(size, j).copy()
                no_more[j] *= u
                drawn = np.convolve(drawn, no_more)[: k - j + 1]
            if len(drawn) > k - j:
                ways += weight * comb(right, j) * float(drawn[k - j])
    return ways / comb(n, k)


@lru_cache(maxsize=4096)
def _choices(n: int, most: int) -> Floats:
    """Ways to choose 0, 1, ... at most `most` of n."""
    return np.array([comb(n, drawn) for drawn in range(min(n, most) + 1)], np.float64)


def _p_log_ratio(p: Floats, p0: float) -> Floats:
    """p ln(p / p0), with 0 ln 0 = 0."""
    return p * np.log(np.where(p == 0, 1.0, p) / p0)


def _counts(n_correct: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Both counts as float arrays of the same shape; raises ValueError if one makes no sense."""
    c, total = np.broadcast_arrays(np.asarray(n_correct, np.float64), np.asarray(n, np.float64))
    if np.any(c < 0) or np.any(c > total):
        raise ValueError("counts must satisfy 0 <= n_correct <= n")
    return c, total
