"""Wilson interval, pass@k and D_ME against enumeration, exact fractions and published values."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from curate.kernels.estimators import d_me, pass_at_k, wilson_interval


def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_one() -> None:
    """Equal to counting all k-subsets of n attempts, for every n up to 7, c and k."""
    for n in range(1, 8):
        for c in range(n + 1):
            attempts = [True] * c + [False] * (n - c)
            for k in range(1, n + 1):
                draws = list(combinations(attempts, k))
                share = sum(any(draw) for draw in draws) / len(draws)
                assert pass_at_k([n], [c], k)[0] == pytest.approx(share, abs=1e-15)


def test_pass_at_k_is_exact_where_binomials_overflow() -> None:
    """At n = 5,000 and k = 64 the product agrees with exact fractions to 13 digits."""
    for c in (0, 1, 2, 50, 2_500, 4_936, 4_937, 5_000):
        exact = 1 - Fraction(math.comb(5_000 - c, 64), math.comb(5_000, 64))
        assert pass_at_k([5_000], [c], 64)[0] == pytest.approx(float(exact), rel=1e-13)


def test_pass_at_k_needs_k_attempts() -> None:
    """With fewer than k attempts the estimate is unknown, also where all are right."""
    assert np.isnan(pass_at_k([3, 0, 7], [3, 0, 0], 8)).all()
    assert pass_at_k([8], [8], 8)[0] == 1.0


def test_pass_at_k_grows_with_k_and_c() -> None:
    """More attempts or more right ones never lower it; pass@1 is c/n."""
    c = np.arange(65)
    table = np.stack([pass_at_k(np.full(65, 64), c, k) for k in (1, 2, 4, 8, 16, 32, 64)])
    assert (np.diff(table, axis=0) >= -1e-15).all()
    assert (np.diff(table, axis=1) >= -1e-15).all()
    assert np.allclose(table[0], c / 64, atol=1e-15)


@pytest.mark.parametrize(
    ("c", "n", "low", "high"),
    # By hand: (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n), z = 1.959964.
    [(0, 10, 0.0, 0.277533), (5, 10, 0.236593, 0.763407), (10, 10, 0.722467, 1.0), (1, 1, 0.206549, 1.0)],
)
def test_wilson_interval_of_known_cases(c: int, n: int, low: float, high: float) -> None:
    """The interval has the textbook values."""
    interval = wilson_interval([c], [n])
    assert interval.low[0] == pytest.approx(low, abs=1e-6)
    assert interval.high[0] == pytest.approx(high, abs=1e-6)


def test_wilson_ends_are_where_the_normal_test_would_just_reject() -> None:
    """Each inner end p solves |c/n - p| = z √(p(1-p)/n), which is how the interval is defined."""
    z = 1.6448536269514722
    for c, n in [(1, 4), (3, 8), (15, 16), (63, 64)]:
        for end in (e[0] for e in wilson_interval([c], [n], 0.9)):
            assert abs(c / n - end) == pytest.approx(z * math.sqrt(end * (1 - end) / n), abs=1e-12)


def test_wilson_holds_the_share_and_shrinks() -> None:
    """The share lies inside; more attempts at the same share narrow it; swapping right and wrong mirrors it."""
    n = np.array([4, 16, 64, 256])
    few = wilson_interval(n // 4, n)
    assert ((few.low < 0.25) & (few.high > 0.25)).all()
    assert (np.diff(few.high - few.low) < 0).all()
    mirrored = wilson_interval(n - n // 4, n)
    assert np.allclose(mirrored.low, 1 - few.high)


def test_nothing_tried_is_unknown() -> None:
    """With no attempts both ends are NaN."""
    assert np.isnan(wilson_interval([0], [0])).all()


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0, 0.693147), (1, 0.693147), (1 / 8, 0.316377), (1 / 4, 0.130812), (3 / 8, 0.031584), (1 / 2, 0)],
)
def test_d_me_has_the_published_values(p: float, expected: float) -> None:
    """Relative entropy to one half, natural logarithm."""
    assert d_me([p])[0] == pytest.approx(expected, abs=1e-6)


def test_d_me_leaves_the_unknown_unknown() -> None:
    """A row without a pass rate has no distance."""
    assert np.isnan(d_me([np.nan])[0])


def test_impossible_counts_are_refused() -> None:
    """More right ones than attempts, k = 0 and a confidence of 1 are errors, not numbers."""
    for call in (
        lambda: pass_at_k([3], [4], 1),
        lambda: pass_at_k([3], [1], 0),
        lambda: wilson_interval([-1], [3]),
        lambda: wilson_interval([1], [3], 1.0),
        lambda: d_me([0.5], 0.0),
    ):
        with pytest.raises(ValueError, match="must"):
            call()
