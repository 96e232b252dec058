"""How likely each answer of a problem is the true one, given who gives it: arrays in, arrays out.

The model. A problem has a difficulty d, normal about 0, and a slope s, one of SLOPES; a voter of ability a
names the truth with probability 1 / (1 + exp(d - s a)), voters independently once d and s are given (Birnbaum
1968; with one slope, Rasch 1960). So many weak voters who agree on a hard problem weigh less than their
number; and slopes of 0 and below let a problem be one of those where ability does not help, or hurts, because
its words can be read in two ways: without them the abler half against the weaker half would be proof. Wrong
answers meet: those of one problem fall into groups as customers sit down at tables (the Ewens or "Chinese
restaurant" law with concentration c), where c is drawn for each problem from CONCENTRATIONS: at the smallest
nearly all who are wrong say the same, at the largest nearly all something else. The ground truth is right
with a stated prior probability; a wrong one is one more wrong answer. Abilities, the spread of the
difficulties and the weights of slopes and concentrations are fitted by EM to the data, ground truths
included, under that prior; no grade is needed.

What it leaves out: voters of one family err together more than difficulty alone explains, and several samples
of one voter on one problem share more than its difficulty.

Sources: A. Birnbaum in Lord and Novick, Statistical theories of mental test scores (1968), ch. 17; G. Rasch,
Probabilistic models (1960); Dawid and Skene, Maximum likelihood estimation of observer error-rates using the
EM algorithm, Applied Statistics 28 (1979); W. J. Ewens, The sampling theory of selectively neutral alleles
(1972).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

CONCENTRATIONS = np.array([0.05, 0.2, 0.8, 3.0, 12.0, 50.0])
_D, _S = np.linspace(-9.0, 9.0, 25), np.array([-1.0, 0.0, 1.0])
SLOPES = np.repeat(_S, len(_D))
DIFFICULTIES = np.tile(_D, len(_S))
"""The nodes over which difficulty and slope are summed."""
FIRST_SLOPES = np.array([0.02, 0.08, 0.9])
ABILITY_SPREAD = (
    3.0  # standard deviation of the prior on abilities: a voter never right or always stays finite
)
STEPS = 40
NEWTON_STEPS = 2
TOLERANCE = 1e-3


class Votes(NamedTuple):
    """Votes of many problems ("rows", numbered from 0).

    Candidates are the answers that are given, and for each row one more, its last: "none of them".
    """

    cluster: I64  # (votes,) the candidate each vote is for
    voter: I64  # (votes,)
    row: I64  # (candidates,) row of each candidate, ascending; the last of a row is "none of them"
    is_gold: F64  # (candidates,) probability that the ground truth is this candidate; sums to 1 per row
    right: F64  # (rows,) prior probability that the ground truth is right
    other: F64  # (rows,) that it is wrong, nobody says what is right
    told: F64  # (candidates,) that it is wrong and this candidate right, known before any vote
    n_voters: int

    @property
    def n_rows(self) -> int:
        """Problems."""
        return len(self.right)


class Fitted(NamedTuple):
    """What was learnt of the voters and the problems."""

    ability: F64  # (voters,)
    middle: float  # ability about which slopes turn: the mean
    spread: float  # of the difficulties
    slopes: F64  # (3,) how often slopes -1, 0 and 1 occur
    weights: F64  # (len(CONCENTRATIONS),) how often each concentration occurs


class Belief(NamedTuple):
    """What follows for each row and candidate."""

    log_odds: F64  # (rows,) of the ground truth being wrong, natural logarithm
    truth: F64  # (candidates,) probability that this candidate is the truth
    log_evidence: float  # of all rows, what EM raises


def first_guess(votes: Votes) -> Fitted:
    """Abilities from how often each voter agrees with the ground truth, before anything is fitted."""
    agree = np.bincount(votes.voter, votes.is_gold[votes.cluster], votes.n_voters)
    share = (agree + 1) / (np.bincount(votes.voter, minlength=votes.n_voters) + 2)
    ability = 1.5 * np.log(share / (1 - share))
    weights = np.full(len(CONCENTRATIONS), 1 / len(CONCENTRATIONS))
    return Fitted(ability, float(ability.mean()) if len(ability) else 0.0, 2.0, FIRST_SLOPES, weights)


def fit(votes: Votes) -> Fitted:
    """Abilities, spread and weights that make the votes most likely; at most STEPS steps of EM."""
    state = first_guess(votes)
    before = -math.inf
    for _ in range(STEPS if votes.n_rows else 0):
        state, log_evidence = _step(votes, state)
        if log_evidence - before < TOLERANCE * max(1, votes.n_rows) / 100:
            break
        before = log_evidence
    return state


def believe(votes: Votes, fitted: Fitted) -> Belief:
    """The log-odds that each ground truth is wrong, and how likely each candidate is the truth."""
    found = _expect(votes, fitted)
    return Belief(found.log_odds, found.truth, found.log_evidence)


class _Expected(NamedTuple):
    log_odds: F64
    truth: F64
    log_evidence: float
    nodes: F64  # (rows, nodes) probability of each node
    hits: F64  # (voters, slopes) expected right votes
    concentration: F64  # (concentrations,) expected count


def _expect(votes: Votes, fitted: Fitted) -> _Expected:
    shape = _shape(votes)
    answered, by_node = _answered(votes, fitted, shape)
    wrong, lands = _wrong(shape, fitted.weights)
    first = np.searchsorted(votes.row, np.arange(votes.n_rows))
    with np.errstate(divide="ignore"):
        if_right = np.log(votes.right[votes.row] * votes.is_gold)[:, None] + wrong
        candidate = votes.other[votes.row] * (1 - votes.is_gold * (shape.size > 0)) + votes.told
        if_wrong = np.log(candidate)[:, None] + wrong + np.log(lands)
    if_right, if_wrong = if_right + answered[:, None], if_wrong + answered[:, None]
    log_right, log_wrong = _row_sum(if_right, first), _row_sum(if_wrong, first)
    total = np.logaddexp(log_right, log_wrong)
    weight = np.exp(if_right - total[votes.row, None]) + np.exp(if_wrong - total[votes.row, None])
    truth = weight.sum(axis=1)
    by_node *= truth[:, None]
    nodes = np.add.reduceat(by_node, first, axis=0)
    slope = by_node.reshape(len(by_node), len(_S), len(_D)).sum(axis=2)
    by_slope = (np.bincount(votes.voter, one, votes.n_voters) for one in slope[votes.cluster].T)
    hits: F64 = np.stack([one.astype(np.float64) for one in by_slope], axis=1)
    return _Expected(log_wrong - log_right, truth, float(total.sum()), nodes, hits, weight.sum(axis=0))


class _Shape(NamedTuple):
    size: F64  # votes for each candidate; 0 for "none of them"
    n_wrong: F64  # votes of the row for others
    n_groups: F64  # others that are given
    log_sizes: F64  # sum over the others of log (size - 1)!
    gold_size: F64  # (candidates,) expected votes of the ground truth's candidate, but for this one
    gold_new: F64  # (candidates,) probability that the ground truth is given by nobody


def _shape(votes: Votes) -> _Shape:
    size = np.bincount(votes.cluster, minlength=len(votes.row)).astype(np.float64)
    given = size > 0
    log_own = np.where(given, _log_factorial(np.maximum(size - 1, 0)), 0.0)

    def others(values: F64) -> F64:
        total: F64 = np.bincount(votes.row, values, votes.n_rows)[votes.row] - values
        return total

    unsaid = np.bincount(votes.row, np.where(given, 0.0, votes.is_gold), votes.n_rows)
    gold_new: F64 = unsaid[votes.row].astype(np.float64)
    n_wrong, n_groups = others(size), others(given.astype(np.float64))
    return _Shape(size, n_wrong, n_groups, others(log_own), others(votes.is_gold * size), gold_new)


def _answered(votes: Votes, fitted: Fitted, shape: _Shape) -> tuple[F64, F64]:
    """log P(who is right | candidate is the truth), and the difficulties given that: (candidates, nodes)."""
    n_votes = _n_votes(votes)
    log_miss = -np.logaddexp(0.0, _logit(fitted))
    bell = -0.5 * (_D / fitted.spread) ** 2
    bell -= _log_sum(bell[None, :])[0]
    prior = (np.log(fitted.slopes)[:, None] + bell).reshape(-1)
    by_node = (n_votes @ log_miss + prior)[votes.row]
    above = np.bincount(votes.cluster, fitted.ability[votes.voter] - fitted.middle, len(votes.row))
    by_node += above[:, None] * SLOPES + shape.size[:, None] * (fitted.middle - DIFFICULTIES)
    total = _log_sum(by_node)
    return total, np.exp(by_node - total[:, None])


def _logit(fitted: Fitted) -> F64:
    """log-odds that each voter is right at each node: (voters, nodes)."""
    found: F64 = (fitted.ability[:, None] - fitted.middle) * SLOPES + fitted.middle - DIFFICULTIES
    return found


def _wrong(shape: _Shape, weights: F64) -> tuple[F64, F64]:
    """Of each candidate as the truth, by concentration: log of weight times P(groups of wrong answers), and
    the probability that a wrong ground truth lands where it is: (candidates, concentrations)."""
    most = int(shape.n_wrong.max(initial=0))
    rising = np.zeros((most + 1, len(CONCENTRATIONS)))
    rising[1:] = np.cumsum(np.log(CONCENTRATIONS + np.arange(most)[:, None]), axis=0)
    log_groups = (
        shape.n_groups[:, None] * np.log(CONCENTRATIONS)
        + shape.log_sizes[:, None]
        - rising[shape.n_wrong.astype(np.int64)]
        + np.log(np.maximum(weights, 1e-12))
    )
    lands = (shape.gold_size[:, None] + shape.gold_new[:, None] * CONCENTRATIONS) / (
        CONCENTRATIONS + shape.n_wrong[:, None]
    )
    return log_groups, lands


def _step(votes: Votes, fitted: Fitted) -> tuple[Fitted, float]:
    """One step of EM: the new state, and the log evidence of the old one."""
    found = _expect(votes, fitted)
    exposure = _n_votes(votes).T @ found.nodes  # (voters, nodes)
    state = fitted
    for _ in range(NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-_logit(state)))
        off = state.ability / ABILITY_SPREAD**2
        slope = found.hits @ _S - (exposure * chance * SLOPES).sum(axis=1) - off
        curve = (exposure * chance * (1 - chance) * SLOPES**2).sum(axis=1) + 1 / ABILITY_SPREAD**2
        ability = np.clip(state.ability + np.clip(slope / curve, -1, 1), -9, 9)
        state = state._replace(ability=ability)
    mean_square = float((found.nodes @ DIFFICULTIES**2).mean()) if votes.n_rows else 1.0
    slopes = found.nodes.reshape(-1, len(_S), len(_D)).sum(axis=(0, 2)) + 10 * FIRST_SLOPES
    weights = found.concentration + 1  # one row of each kind before any is seen
    return Fitted(
        state.ability,
        float(state.ability.mean()) if len(state.ability) else 0.0,
        min(max(math.sqrt(mean_square), 0.5), 5.0),
        slopes / slopes.sum(),
        weights / weights.sum(),
    ), found.log_evidence


def _n_votes(votes: Votes) -> F64:
    """How often each voter votes on each row: (rows, voters)."""
    at = votes.row[votes.cluster] * votes.n_voters + votes.voter
    flat = np.bincount(at, minlength=votes.n_rows * votes.n_voters)
    return flat.reshape(votes.n_rows, votes.n_voters).astype(np.float64)


def _log_sum(values: F64) -> F64:
    """log of the sum of exp along the last axis."""
    top = values.max(axis=-1)
    finite = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total: F64 = finite + np.log(np.exp(values - finite[..., None]).sum(axis=-1))
    return total


def _row_sum(values: F64, first: I64) -> F64:
    """log of the sum of exp over the candidates of each row and all columns."""
    by_candidate = _log_sum(values)
    top = np.maximum.reduceat(by_candidate, first)
    finite = np.where(np.isfinite(top), top, 0.0)
    counts = np.diff(np.append(first, len(values)))
    with np.errstate(divide="ignore"):
        total: F64 = finite + np.log(np.add.reduceat(np.exp(by_candidate - np.repeat(finite, counts)), first))
    return total


def _log_factorial(n: F64) -> F64:
    """log n! of whole numbers."""
    table = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, int(n.max(initial=0)) + 1)))])
    found: F64 = table[n.astype(np.int64)]
    return found
