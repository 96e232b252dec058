"""Wilson interval, pass@k and D_ME against enumeration, exact fractions and published values."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from curate.kernels.estimators import d_me, majority_at_k, pass_at_k, w_me, wilson_interval


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
        lambda: w_me([0.5], -1.0),
        lambda: majority_at_k(3, 2, [2], 1),
        lambda: majority_at_k(3, 2, [1], 0),
    ):
        with pytest.raises(ValueError, match="must"):
            call()


@pytest.mark.parametrize(
    ("right", "wrong", "silent"),
    [
        (3, [2, 1], 1),
        (2, [2, 2], 0),
        (1, [1, 1, 1, 1], 1),
        (0, [3], 2),
        (4, [], 1),
        (2, [2, 2, 2], 0),
        (3, [4], 0),
    ],
)
def test_majority_at_k_is_the_share_of_draws_whose_vote_is_right(
    right: int, wrong: list[int], silent: int
) -> None:
    """Equal to voting over all k-subsets, a tie of t answers counted as 1/t, for every k."""
    votes = ["right"] * right + [None] * silent
    for place, size in enumerate(wrong):
        votes += [f"wrong {place}"] * size
    for k in range(1, len(votes) + 1):
        share, n_draws = Fraction(0), 0
        for draw in combinations(votes, k):
            counts = Counter(one for one in draw if one)
            n_draws += 1
            if counts and counts["right"] == max(counts.values()):
                share += Fraction(1, sum(n == counts["right"] for n in counts.values()))
        assert majority_at_k(len(votes), right, wrong, k) == pytest.approx(float(share / n_draws), abs=1e-13)


def test_a_majority_needs_k_attempts_and_of_one_is_the_pass_rate() -> None:
    """NaN with fewer than k; majority@1 and @2 are c / n where all wrong answers differ from the right one."""
    assert math.isnan(majority_at_k(3, 3, [], 4))
    assert majority_at_k(64, 20, [30, 14], 1) == pytest.approx(20 / 64)
    assert majority_at_k(64, 20, [30, 14], 2) == pytest.approx(20 / 64)
    assert majority_at_k(64, 40, [24], 64) == pytest.approx(1.0)


def test_pass_at_k_is_unbiased() -> None:
    """Averaged over all outcomes of n attempts at each of several rates it is 1 - (1 - p)^k exactly."""
    for n, k in [(4, 1), (8, 4), (16, 8), (16, 16)]:
        c = np.arange(n + 1)
        estimates = pass_at_k(np.full(n + 1, n), c, k)
        for p in (0.0, 0.03, 0.25, 0.5, 0.9, 1.0):
            chances = np.array([math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in c])
            assert float(chances @ estimates) == pytest.approx(1 - (1 - p) ** k, abs=1e-12)


def test_the_wilson_interval_covers_about_as_often_as_it_says() -> None:
    """Exactly summed over outcomes, 95 % intervals hold 0.93 to 0.97 on average over the rates, 0.83 at the worst."""
    p = np.linspace(0.001, 0.999, 999)
    for n in (8, 16, 64):
        c = np.arange(n + 1)
        interval = wilson_interval(c, np.full(n + 1, n))
        chances = np.stack([math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in c])
        holds = (interval.low[:, None] <= p) & (p <= interval.high[:, None])
        covered = (chances * holds).sum(axis=0)
        assert 0.93 < covered.mean() < 0.97
        assert covered.min() > 0.83


def test_the_weight_of_mgpo_has_the_published_values() -> None:
    """exp(-lambda D): at 1/8 0.728785 for lambda 1, at 0 0.25 for lambda 2; lambda 0 weighs all alike."""
    assert w_me([1 / 8, 0.5], 1.0) == pytest.approx([0.728785, 1.0], abs=1e-6)
    assert w_me([0.0, 0.3], 2.0)[0] == pytest.approx(0.25)
    assert w_me([0.0, 0.3], 0.0).tolist() == [1.0, 1.0]
    assert np.isnan(w_me([np.nan], 1.0)[0])
