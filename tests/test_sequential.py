"""When a problem needs no more samples: certain decisions by enumeration, likely ones by simulation."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.kernels.sequential import (
    DEFAULT_PRIOR,
    RATES,
    Prior,
    Rule,
    decide,
    fit_prior,
    next_round,
    parse_rule,
    plan_round,
    settled,
)

BETWEEN, AT_MOST, MIDDLE = (
    parse_rule(text) for text in ("0 < pass_rate < 1", "pass_rate <= 0.625", "0.25 <= pass_rate < 0.75")
)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0 < pass_rate < 1", Rule(0, 1, True, True)),
        ("pass_rate<=0.625", Rule(0, 0.625)),
        ("pass.pass_rate > .1 AND pass.pass_rate < 0.9", Rule(0.1, 0.9, True, True)),
        ("0.75 > pass_rate >= 0.25", Rule(0.25, 0.75, False, True)),
        ("pass_rate = 1", Rule(1, 1)),
        ("pass_rate >= 0.2 and pass_rate > 0.2", Rule(0.2, 1, True, False)),
        ("pass_rate <= 0.5 and pass_rate < 0.5", Rule(0, 0.5, False, True)),
    ],
)
def test_a_rule_is_read_as_it_is_written(text: str, rule: Rule) -> None:
    """Bounds on either side, open and closed, once or twice; the narrower one of two counts."""
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    "text",
    ["", "pass_rate", "0.5", "pass_rate < low", "pass_rate > 1", "pass_rate >= 0", "pass_rate <= 62.5",
     "pass_rate < 0.5 and pass_rate > 0.5", "pass_rate < 0.5 or pass_rate > 0.6", "0 < pass_rate < 0",
     "correct > 3"],
)  # fmt: skip
def test_what_is_no_rule_is_refused(text: str) -> None:
    """Not a bound, or one that accepts nothing or everything: an error that says what was expected."""
    with pytest.raises(ValueError, match="expected bounds"):
        parse_rule(text)


def test_bounds_that_are_met_exactly_count_as_they_are_written() -> None:
    """5 of 8 is 0.625, 1 of 10 is 0.1, 7 of 25 is 0.28: no rounding error decides."""
    assert parse_rule("pass_rate <= 0.625").accepts(np.array([5 / 8, 6 / 8])).tolist() == [True, False]
    assert parse_rule("pass_rate > 0.1").accepts(np.array([1 / 10, 2 / 10])).tolist() == [False, True]
    assert parse_rule("pass_rate >= 0.28").accepts(np.array([7 / 25, 6 / 25, np.nan])).tolist() == [
        True,
        False,
        False,
    ]


def test_strictly_between_is_sure_after_one_right_and_one_wrong() -> None:
    """Of 16: 1 of 2 is selected for good; 4 of 4 and 0 of 15 may still change; 0 of 16 is rejected for good."""
    found = decide([1, 4, 0, 0], [2, 4, 15, 16], [14, 12, 1, 0], BETWEEN, DEFAULT_PRIOR)
    assert found.selected.tolist() == [True, False, False, False]
    assert found.sure.tolist() == [True, False, False, True]


@given(
    st.sampled_from([BETWEEN, AT_MOST, MIDDLE, Rule(0.5, 1, True), Rule(1, 1)]),
    st.integers(1, 6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(0, 4),
)
def test_sure_is_what_no_outcome_changes(rule: Rule, state: tuple[int, int], left: int) -> None:
    """If it is sure, every way the samples left can come out, graded or not, says the same."""
    correct, done = state
    found = decide([correct], [done], [left], rule, DEFAULT_PRIOR)
    outcomes = [
        bool(rule.accepts(np.array([(correct + right) / (done + graded)]))[0])
        for graded in range(left + 1)
        for right in range(graded + 1)
    ]
    if found.sure[0]:
        assert set(outcomes) == {bool(found.selected[0])}
    elif rule not in (Rule(1, 1),):  # an interval that shares may jump over is looked at again, not given up
        assert len(set(outcomes)) == 2 or rule == MIDDLE


def test_error_is_the_posterior_probability_of_another_decision() -> None:
    """Equal to summing over all outcomes by hand, with a prior of two pass rates."""
    weights = np.zeros(65)
    weights[[32, 48]] = [0.25, 0.75]  # sin²(π/4) = 1/2 and sin²(3π/8) = 0.853553
    half, high = RATES[32], RATES[48]
    assert half == pytest.approx(0.5)
    assert high == pytest.approx(0.853553, abs=1e-6)
    seen = [0.25 * half**2 * half, 0.75 * high**2 * (1 - high)]  # 2 of 3 right
    chance = 0.0  # of at most 5 right of 8, when 5 more are drawn
    for rate, weight in zip((half, high), seen, strict=True):
        for drawn in itertools.product([0, 1], repeat=5):
            if 2 + sum(drawn) <= 5:
                chance += weight / sum(seen) * rate ** sum(drawn) * (1 - rate) ** (5 - sum(drawn))
    found = decide([2], [3], [5], AT_MOST, Prior(weights))
    assert not found.selected[0]  # 2 / 3 is above 0.625
    assert found.error[0] == pytest.approx(chance, abs=1e-9)
    assert found.false_reject == pytest.approx(chance, abs=1e-9)
    assert math.isnan(found.false_select)


def test_nothing_graded_is_never_settled() -> None:
    """Without a graded sample there is no decision, whatever the error rate."""
    assert settled([0, 0], [0, 1], [4, 4], BETWEEN, DEFAULT_PRIOR, 0.999).tolist() == [False, True]
    assert np.isnan(decide([0], [0], [4], BETWEEN, DEFAULT_PRIOR).error).all()


def test_impossible_counts_are_refused() -> None:
    """More right ones than graded ones, or fewer than none left."""
    for counts in (([2], [1], [0]), ([0], [1], [-1]), ([-1], [1], [0])):
        with pytest.raises(ValueError, match="must satisfy"):
            decide(*counts, BETWEEN, DEFAULT_PRIOR)


def test_a_prior_without_samples_is_the_default() -> None:
    """No problem, or none with a graded sample, tells nothing; weights are shares."""
    for correct, done in (([], []), ([0, 0], [0, 0])):
        assert np.allclose(fit_prior(correct, done).weights, DEFAULT_PRIOR.weights, atol=1e-12)
    assert fit_prior([3], [4]).weights.sum() == pytest.approx(1)


def test_few_problems_hardly_move_the_prior_and_many_do() -> None:
    """Four problems that are always solved leave the default nearly as it is; 4,000 replace it."""
    few, many = fit_prior([16] * 4, [16] * 4), fit_prior([16] * 4000, [16] * 4000)
    below = RATES < 0.5
    assert DEFAULT_PRIOR.weights[below].sum() == pytest.approx(0.5, abs=0.01)
    assert 0.25 < few.weights[below].sum() < 0.45
    assert many.weights[below].sum() < 0.005


def test_a_prior_finds_how_rates_are_spread() -> None:
    """Of 2,000 problems, 30 % at 0 and the rest at one half, 16 samples each tell that."""
    random = np.random.default_rng(0)
    right = random.binomial(16, np.repeat([0.0, 0.5], [600, 1400]))
    weights = fit_prior(right, np.full(2000, 16)).weights
    assert weights[RATES < 0.02].sum() == pytest.approx(0.3, abs=0.03)
    assert weights[(RATES > 0.35) & (RATES < 0.65)].sum() == pytest.approx(0.7, abs=0.03)


def test_what_the_others_show_settles_a_problem_earlier() -> None:
    """4 wrong of 4 is likely rejected for good where most problems are never solved, and not by itself."""
    alone = settled([0], [4], [12], AT_MOST, fit_prior([0], [4]), 1e-4)
    among = settled([0], [4], [12], AT_MOST, fit_prior([0] * 500, [16] * 500), 1e-4)
    assert (alone.tolist(), among.tolist()) == ([False], [True])


def test_rounds_grow_by_half_and_end_at_n() -> None:
    """4, then half as many as there were, never beyond n."""
    asked, sizes = np.array([0]), []
    while size := int(next_round(asked, 40, 4)[0]):
        sizes.append(size)
        asked = asked + size
    assert sizes == [4, 2, 3, 5, 7, 11, 8]
    assert next_round([0, 3], 3, 4).tolist() == [3, 0]


def test_a_plan_gives_samples_to_those_that_are_not_settled() -> None:
    """Sure, likely, unsettled, nothing that could be graded, and all drawn: why and how many."""
    many = 2000  # problems that nobody solves, so that one of them is likely another
    correct = np.array([1, 0, 4, 0, 0] + [0] * many)
    decided = np.array([4, 10, 4, 0, 16] + [16] * many)
    asked = np.array([4, 10, 4, 4, 16] + [16] * many)
    plan = plan_round(correct, decided, asked, BETWEEN, 16, 4, 0.05)
    assert plan.settled[:5].tolist() == ["sure", "likely", "n", "n", "n"]
    assert plan.more[:5].tolist() == [0, 0, 2, 2, 0]


def test_the_first_round_goes_to_all() -> None:
    """Before anything is known each problem gets the first round."""
    none = np.zeros(3, np.int64)
    assert plan_round(none, none, none, MIDDLE, 32, 4, 0.01).more.tolist() == [4, 4, 4]


def test_a_problem_does_not_depend_on_its_place() -> None:
    """Problems in another order get the same plan, in that order."""
    random = np.random.default_rng(1)
    asked = random.choice([4, 6, 9], 300)
    correct = random.binomial(asked, random.beta(0.3, 0.3, 300))
    order = random.permutation(300)
    straight = plan_round(correct, asked, asked, AT_MOST, 32, 4, 0.02)
    moved = plan_round(correct[order], asked[order], asked[order], AT_MOST, 32, 4, 0.02)
    assert straight.more[order].tolist() == moved.more.tolist()
    assert straight.settled[order].tolist() == moved.settled.tolist()


def sampled(rates: np.ndarray, rule: Rule, n: int, error: float, seed: int) -> tuple[float, float, float]:
    """Rollouts a problem, and the shares of the selected and of the rejected that n samples judge otherwise."""
    random = np.random.default_rng(seed)
    drawn = (random.random((len(rates), n)) < rates[:, None]).cumsum(axis=1)
    right = np.concatenate([np.zeros((len(rates), 1), np.int64), drawn], axis=1)
    asked, every = np.zeros(len(rates), np.int64), np.arange(len(rates))
    while (plan := plan_round(right[every, asked], asked, asked, rule, n, 4, error)).more.any():
        asked += plan.more
    now, at_n = rule.accepts(right[every, asked] / asked), rule.accepts(right[:, n] / n)
    return float(asked.mean()), float((~at_n[now]).mean()), float(at_n[~now].mean())


@pytest.mark.parametrize("rule", [BETWEEN, AT_MOST, MIDDLE], ids=["between", "at-most", "middle"])
def test_the_error_rate_is_held(rule: Rule) -> None:
    """Of 3,000 problems with rates from Beta(0.3, 0.3) at most 5 % of either side are judged otherwise."""
    rates = np.random.default_rng(2).beta(0.3, 0.3, 3000)
    rollouts, false_selects, false_rejects = sampled(rates, rule, 32, 0.05, 3)
    assert rollouts < 20
    assert false_selects <= 0.05
    assert false_rejects <= 0.05


def test_with_no_error_allowed_nothing_is_judged_otherwise() -> None:
    """At an error rate of 0 the decisions are those of all n samples, with fewer of them."""
    rates = np.random.default_rng(4).uniform(0, 1, 1000)
    rollouts, *false = sampled(rates, BETWEEN, 32, 0.0, 5)
    assert rollouts < 12
    assert false == [0.0, 0.0]


@pytest.mark.real_data
def test_half_of_the_rollouts_are_saved_on_real_pass_rates(shared_data: Path) -> None:
    """On the rates of deepscaler_difficulty, `<= 0.625` of 32, at 1 %: two thirds fewer, the error held."""
    meta = pl.read_parquet(shared_data / "corpora" / "deepscaler_difficulty.parquet", columns=["meta"])[
        "meta"
    ]
    rates = 1 - np.array([json.loads(one)["difficulty"] for one in meta]) / 100
    rollouts, false_selects, false_rejects = sampled(rates, AT_MOST, 32, 0.01, 0)
    assert rollouts < 12
    assert false_selects <= 0.01
    assert false_rejects <= 0.01
