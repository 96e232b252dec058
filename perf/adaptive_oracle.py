"""The least rollouts that any rule to stop needs on average, found by dynamic programming.

For perf/adaptive.py: the limit that stopping early is measured against.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from curate.kernels.sequential import Rule

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Problems(NamedTuple):
    """Problems by the responses that there are: `right` of `total`; total 0: right is a rate, without end."""

    right: Floats
    total: Ints

    @property
    def rate(self) -> Floats:
        """The true pass rate of each."""
        return np.where(self.total > 0, self.right / np.maximum(self.total, 1), self.right)

    def chance(self, correct: Ints, done: int) -> Floats:
        """Of each problem (lines), after each number of right ones (columns): whether the next is right."""
        left = np.maximum(self.total[:, None] - done, 1)
        drawn = np.clip((self.right[:, None] - correct[None, :]) / left, 0, 1)
        return np.where(self.total[:, None] > 0, drawn, self.right[:, None])

    def outcomes(self, n: int, random: np.random.Generator) -> Ints:
        """Right ones among the first 0, 1, ... n samples of each."""
        found = np.zeros((len(self.right), n + 1), np.int64)
        for done in range(n):
            left = np.maximum(self.total - done, 1)
            chance = np.where(self.total > 0, (self.right - found[:, done]) / left, self.right)
            found[:, done + 1] = found[:, done] + (random.random(len(chance)) < chance)
        return found


class Tables(NamedTuple):
    """By number of samples 0 ... n and, in each, by number of right ones."""

    next_right: list[Floats]
    error: list[Floats]  # of the better decision, if it is taken there


def oracle_tables(problems: Problems, rule: Rule, n: int, *, against_n: bool) -> Tables:
    """What one who knows the spread of the problems (not which is which) knows in every state."""
    kinds, counts = np.unique(np.stack([problems.right, problems.total]), axis=1, return_counts=True)
    kind = Problems(kinds[0], kinds[1].astype(np.int64))
    steps = [kind.chance(np.arange(done + 1), done) for done in range(n + 1)]
    reach = [np.ones((len(counts), 1)) * (counts / counts.sum())[:, None]]
    for step in steps[:-1]:
        stay, rise = reach[-1] * (1 - step), reach[-1] * step
        reach.append(np.pad(stay, ((0, 0), (0, 1))) + np.pad(rise, ((0, 0), (1, 0))))
    if against_n:
        accepted = [np.broadcast_to(rule.accepts(np.arange(n + 1) / n), reach[n].shape).astype(float)]
        for step in steps[n - 1 :: -1]:
            accepted.insert(0, step * accepted[0][:, 1:] + (1 - step) * accepted[0][:, :-1])
    else:
        accepted = [
            np.broadcast_to(rule.accepts(kind.rate)[:, None], one.shape).astype(float) for one in reach
        ]
    weight = [np.maximum(one.sum(axis=0), 1e-300) for one in reach]
    chance = [(one * yes).sum(axis=0) / all_ for one, yes, all_ in zip(reach, accepted, weight, strict=True)]
    next_right = [
        (one * step).sum(axis=0) / all_ for one, step, all_ in zip(reach, steps, weight, strict=True)
    ]
    return Tables(next_right, [np.minimum(one, 1 - one) for one in chance])


def best(tables: Tables, price: float) -> tuple[float, float]:
    """Expected rollouts and error of the best rule to stop, if an error costs `price` rollouts."""
    n = len(tables.error) - 1
    value = price * tables.error[n]
    stops = [np.ones(n + 1, bool)]
    for done in range(n - 1, -1, -1):
        p = tables.next_right[done]
        go_on = 1 + p * value[1:] + (1 - p) * value[:-1]
        stops.insert(0, price * tables.error[done] <= go_on)
        value = np.minimum(price * tables.error[done], go_on)
    here, rollouts, error = np.ones(1), 0.0, 0.0
    for done in range(n + 1):
        error += float((here * stops[done] * tables.error[done]).sum())
        here = here * ~stops[done]
        if done < n:
            rollouts += float(here.sum())
            p = tables.next_right[done]
            here = np.pad(here * (1 - p), (0, 1)) + np.pad(here * p, (1, 0))
    return rollouts, error


def oracle(tables: Tables, error: float) -> float:
    """Least expected rollouts at an expected error: the lower hull of the best rules over all prices."""
    low, high = (0.0, best(tables, 0.0)), (1e9, best(tables, 1e9))
    if error <= high[1][1]:
        return high[1][0]
    for _ in range(60):
        price = (high[0] + low[0]) / 2 if low[0] else high[0] / 4
        found = best(tables, price)
        low, high = ((price, found), high) if found[1] > error else (low, (price, found))
    (few, worse), (many, better) = low[1], high[1]
    part = 1.0 if worse <= better else (worse - error) / (worse - better)
    return few + part * (many - few)
