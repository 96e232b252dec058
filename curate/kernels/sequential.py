"""Which problems need more samples before a rule about their pass rate can be told: arrays in, arrays out.

A rule accepts an interval of pass rates and is meant for the pass rate of n samples. A problem with fewer is
left alone once its place is settled, in one of two ways:

* sure: no outcome of the samples that are left changes what the rule says now (one right and one wrong
  answer, for `0 < pass_rate < 1`);
* likely: they would change it with a probability of at most an error rate, given what is known of this
  problem and of all others. The others tell how pass rates are spread (`fit_prior`), this one's samples
  which of them are likely, and these how the remaining samples would come out.

What the rule says now is what it says of correct / done: a stage that applies it to the samples that were
drawn comes to the same answer, and nobody has to be told of these probabilities.

The guarantee: of the problems left alone with a probability of error of at most e, at most a share e is
expected to be judged otherwise after n samples, among the accepted and among the rejected alike, if pass
rates are spread as the prior says. Looking often does not spend it: a posterior probability is one whenever
it is looked at. What can break it is a wrong prior; `fit_prior` says what is done about that, and
docs/design/011-adaptive-rollouts.md how far the error was held on real and adverse pass rates.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

RATES = np.sin(np.linspace(0, np.pi / 2, 65)) ** 2
"""Pass rates that a prior gives weight to: 0, 1 and 63 between, equally far apart for what n samples tell
(steps of pi / 128 in the angle of Fisher's arc sine, closest at the ends)."""
PSEUDO_PROBLEMS = 8.0
"""Problems that the default prior counts as. A run of few problems is judged by it, one of many by itself."""
EM_STEPS = 30
"""Of the fit. The likelihood is flat where a few samples do not tell pass rates apart; there the fit stays
near the default, instead of making up its mind."""
_TINY = 1e-300
_DIGITS = 9
"""Probabilities are rounded to so many before they are compared: sums differ in the last bits by machine."""


class Rule(NamedTuple):
    """An interval of accepted pass rates."""

    low: float = 0.0
    high: float = 1.0
    low_open: bool = False
    high_open: bool = False

    def too_low(self, rate: Floats) -> Bools:
        """Whether each pass rate is below the interval."""
        return rate <= self.low if self.low_open else rate < self.low

    def too_high(self, rate: Floats) -> Bools:
        """Whether each pass rate is above the interval."""
        return rate >= self.high if self.high_open else rate > self.high

    def accepts(self, rate: Floats) -> Bools:
        """Whether each pass rate is in the interval; NaN is not."""
        return ~(self.too_low(rate) | self.too_high(rate) | np.isnan(rate))


_NUMBER = r"([0-9]*\.?[0-9]+)"
_CLAUSE = re.compile(rf"(?:{_NUMBER}\s*([<>]=?)\s*)?(?:\w+\.)?pass_rate(?:\s*([<>]=?|=)\s*{_NUMBER})?")
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def parse_rule(text: str) -> Rule:
    """The rule that is written as `0 < pass_rate < 1`, `pass_rate <= 0.625`, or two of these with `and`.

    Raises ValueError if it is not one, or accepts nothing or everything.

    >>> parse_rule("pass_rate >= 0.25 and pass_rate < 0.75")
    Rule(low=0.25, high=0.75, low_open=False, high_open=True)
    """
    rule = Rule()
    for clause in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE):
        found = _CLAUSE.fullmatch(clause.strip())
        if found is None or not any(found.groups()):
            raise ValueError(
                "expected bounds of a pass rate, as `0 < pass_rate < 1`, `pass_rate <= 0.625`, or two "
                f"of these joined by `and`; found `{text}`"
            )
        before, sign_before, sign_after, after = found.groups()
        if before is not None:
            rule = _narrowed(rule, _MIRRORED[sign_before], float(before))
        if after is not None:
            rule = _narrowed(rule, sign_after, float(after))
    whole = Rule()
    is_empty = rule.low > rule.high or (rule.low == rule.high and (rule.low_open or rule.high_open))
    if is_empty or rule == whole or rule.low > 1 or rule.high > 1:
        raise ValueError(
            f"expected bounds between 0 and 1 that accept some pass rates and not others; found `{text}`"
        )
    return rule


def _narrowed(rule: Rule, sign: str, bound: float) -> Rule:
    """The rule with one more bound on the pass rate."""
    if sign in (">", ">=", "="):
        low, is_open = max((rule.low, rule.low_open), (bound, sign == ">"))
        rule = rule._replace(low=low, low_open=is_open)
    if sign in ("<", "<=", "="):
        high, is_closed = min((rule.high, not rule.high_open), (bound, sign != "<"))
        rule = rule._replace(high=high, high_open=not is_closed)
    return rule


class Prior(NamedTuple):
    """How pass rates are spread over the problems: weights, with sum 1, of the pass rates RATES."""

    weights: Floats

    def given(self, correct: Ints, done: Ints) -> Floats:
        """What the samples of each problem leave of it: (problems, rates), each line with sum 1."""
        likelihood = _likelihood(correct, done) * self.weights
        posterior: Floats = likelihood / likelihood.sum(axis=1, keepdims=True)
        return posterior


DEFAULT_PRIOR = Prior(np.full(65, 0.8 / 65) + 0.1 * np.isin(np.arange(65), (0, 64)).astype(np.float64))
"""A tenth of the problems never solved, a tenth always, the rest spread evenly over the angles."""


def fit_prior(correct: npt.ArrayLike, done: npt.ArrayLike) -> Prior:
    """How pass rates are spread over the problems of a run, from `correct` of `done` samples of each.

    The most likely mixture of RATES, by expectation-maximisation, held back in two ways, since a prior that
    is surer than the samples make it would leave problems alone too early: EM_STEPS steps from the default
    prior, which counts as PSEUDO_PROBLEMS problems throughout. Problems without a graded sample tell nothing.
    Source: Laird, Nonparametric maximum likelihood estimation of a mixing distribution, JASA 73 (1978).
    """
    c, total = np.asarray(correct, np.int64), np.asarray(done, np.int64)
    states, n_problems = np.unique(np.stack([c, total])[:, total > 0], axis=1, return_counts=True)
    likelihood = _likelihood(states[0], states[1])
    weights = DEFAULT_PRIOR.weights
    for _ in range(EM_STEPS):
        posterior = likelihood * weights
        posterior *= (n_problems / posterior.sum(axis=1))[:, None]
        weights = posterior.sum(axis=0) + PSEUDO_PROBLEMS * DEFAULT_PRIOR.weights
        weights = weights / weights.sum()
    return Prior(weights)


def _likelihood(correct: Ints, done: Ints) -> Floats:
    """Of each of RATES, up to a factor for each problem: (problems, rates), the largest is 1."""
    right, wrong = _logs()
    logs = correct[:, None] * right + (done - correct)[:, None] * wrong
    likelihood: Floats = np.exp(logs - logs.max(axis=1, keepdims=True))
    return likelihood


def _logs() -> tuple[Floats, Floats]:
    """Logarithms of RATES and of 1 - RATES; that of 0 is finite, so that 0 times it is 0."""
    return np.log(np.maximum(RATES, _TINY)), np.log(np.maximum(RATES[::-1], _TINY))


class Decided(NamedTuple):
    """What a rule says of each problem now, and how that stands to what it would say of all n samples."""

    selected: Bools
    """What the rule says of correct / done; false without a graded sample."""
    error: Floats
    """Probability that it would say otherwise of all samples; 0 if it cannot, NaN without a graded one."""

    @property
    def sure(self) -> Bools:
        """Whether nothing that is left can change it."""
        return np.equal(self.error, 0.0)

    @property
    def false_select(self) -> float:
        """Share of the selected that is expected to be rejected after n samples; NaN if none is selected."""
        return _mean(self.error[self.selected])

    @property
    def false_reject(self) -> float:
        """Share of the rejected that is expected to be selected after n samples; NaN if none is rejected."""
        return _mean(self.error[~self.selected])


def _mean(errors: Floats) -> float:
    known = errors[~np.isnan(errors)]
    return float(known.mean()) if known.size else float("nan")


def decide(
    correct: npt.ArrayLike, done: npt.ArrayLike, left: npt.ArrayLike, rule: Rule, prior: Prior
) -> Decided:
    """What the rule says of each problem now, and the probability that the samples left would change it.

    correct, done, left: integers, (problems,): right ones, graded ones, and samples still to be drawn. Those
    that never came or could not be graded are in none of the three. What is sure holds however many of those
    left can be graded; the probability takes it that all can.
    """
    c, total, more = np.broadcast_arrays(*(np.asarray(one, np.int64) for one in (correct, done, left)))
    if np.any(c < 0) or np.any(c > total) or np.any(more < 0):
        raise ValueError("counts must satisfy 0 <= correct <= done and left >= 0")
    with np.errstate(divide="ignore", invalid="ignore"):
        now, least, most = c / total, c / (total + more), (c + more) / (total + more)
    selected = rule.accepts(now)
    sure = np.where(
        selected, rule.accepts(least) & rule.accepts(most), rule.too_high(least) | rule.too_low(most)
    )
    chance = _chance_selected(c, total, more, rule, prior)
    error = np.round(np.where(selected, 1 - chance, chance), _DIGITS)
    error = np.where(sure, 0.0, np.maximum(error, 10.0**-_DIGITS))  # 0 says that it is sure
    return Decided(selected, np.where(total == 0, np.nan, error))


def _chance_selected(correct: Ints, done: Ints, left: Ints, rule: Rule, prior: Prior) -> Floats:
    """Probability that the rule accepts the pass rate of done + left samples."""
    states, problem = np.unique(np.stack([correct, done, left]), axis=1, return_inverse=True)
    c, total, more = states
    posterior = prior.given(c, total)
    chance = np.zeros(len(c))
    for done_at_end, n_left in sorted(set(zip((total + more).tolist(), more.tolist(), strict=True))):
        at_end = rule.accepts(np.arange(done_at_end + 1) / max(done_at_end, 1)).nonzero()[0]
        if len(at_end):
            here = ((total + more) == done_at_end) & (more == n_left)
            first = np.clip(at_end[0] - c[here], 0, n_left + 1)
            beyond = np.clip(at_end[-1] + 1 - c[here], 0, n_left + 1)
            below = _chance_below(n_left)
            chance[here] = ((below[beyond] - below[first]) * posterior[here]).sum(axis=1)
    return chance[problem.reshape(-1)]


def _chance_below(n: int) -> Floats:
    """Probability that fewer than x of n samples are right at each of RATES: (x = 0 ... n + 1, rates)."""
    right, wrong = _logs()
    x = np.arange(n + 1)
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    choose = log_factorial[n] - log_factorial[x] - log_factorial[n - x]
    share: Floats = np.exp(choose[:, None] + x[:, None] * right + (n - x)[:, None] * wrong)
    return np.concatenate([np.zeros((1, len(RATES))), np.cumsum(share, axis=0)])


def settled(
    correct: npt.ArrayLike, done: npt.ArrayLike, left: npt.ArrayLike, rule: Rule, prior: Prior, error: float
) -> Bools:
    """Whether each problem can be left alone; error 0: only if that is sure. See `decide`."""
    return decide(correct, done, left, rule, prior).error <= error  # NaN, nothing graded, is not


def next_round(asked: npt.ArrayLike, n: int, first: int) -> Ints:
    """How many samples a problem that is not settled gets now: `first`, then half as many as it has.

    asked: samples that each was given so far, graded or not. Never more than n in all. Doubling
    needs fewer rounds (5 for 64 samples, not 8) and 4 to 20 % more samples; single samples save another 10
    to 20 %, and leave a server waiting for the longest of each round.
    """
    so_far = np.asarray(asked, np.int64)
    size = np.where(so_far == 0, first, np.maximum((so_far + 1) // 2, 1))
    return np.minimum(size, n - so_far)


class Plan(NamedTuple):
    """The next round: samples of each problem, and for those that get none, why."""

    more: Ints
    settled: npt.NDArray[np.str_]
    """sure, likely, or n: it has, or is getting, all n samples if nothing settles it before."""
    prior: Prior


def plan_round(
    correct: npt.ArrayLike,
    decided: npt.ArrayLike,
    asked: npt.ArrayLike,
    rule: Rule,
    n: int,
    first_round: int,
    error_rate: float,
) -> Plan:
    """Samples that each problem gets now. Nothing more is wanted when `more` is 0 everywhere.

    correct, decided, asked: integers, (problems,): right, graded, and asked for so far (whether they came or
    not). Depends on nothing else, so that an interrupted run goes on with the same rounds.
    """
    so_far = np.asarray(asked, np.int64)
    prior = fit_prior(correct, decided)
    errors = decide(correct, decided, n - so_far, rule, prior).error
    why = np.where(errors == 0, "sure", np.where(errors <= error_rate, "likely", "n"))
    why = np.where(so_far >= n, "n", why)
    return Plan(np.where(why == "n", next_round(so_far, n, first_round), 0), why, prior)
