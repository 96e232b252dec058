"""How many rollouts are saved by stopping problems whose place under a rule is settled, and at what error.

    python perf/adaptive.py DATA [--only real adverse] [--seeds 10] [--problems 5000]

DATA holds corpora/ as Parquet. Printed as Markdown:

real     pass rates as they are: of deepscaler_difficulty the measured rates (steps of 1/128), from which
         outcomes are drawn; of corpora with graded responses these, in a random order, without replacement.
         For each rule, most samples n and error rate e: rollouts per problem; the share judged otherwise than
         by all n, and that share of the selected and of the rejected; the error against the true rate (the
         rate they were drawn from, or of all responses). Beside it the least fixed number of samples whose
         error against n, and against the true rate, is no greater, and the oracle: the least expected number
         of rollouts at that error by any rule that stops, one sample at a time, knowing how rates are spread
         (dynamic programming; it averages its errors, where curate bounds each).
adverse  made-up spreads of pass rates: where the fitted prior could go wrong, and runs of few problems.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from adaptive_oracle import Problems, Tables, oracle, oracle_tables

from curate.kernels.sequential import Rule, decide, parse_rule, plan_round

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

RULES = ["0 < pass_rate < 1", "pass_rate <= 0.625", "0.25 <= pass_rate <= 0.75"]
MOST = [8, 16, 32, 64]
ERRORS = [0.0, 0.01, 0.05]
GRADED = {"gsm8k_test_multi_model": [8, 16], "math_model_outputs": [8], "areal_long_cot_rollouts": [16, 32]}
FIRST = 4


class Outcome(NamedTuple):
    """Of one run: rollouts per problem, rounds, and shares of problems."""

    rollouts: float
    rounds: float
    otherwise: float  # judged otherwise than by all n samples
    expected: float  # what curate expects of it
    false_select: float  # of the selected
    false_reject: float  # of the rejected
    selected: float
    wrong: float  # judged otherwise than by the true rate
    wrong_fixed: float  # of n samples
    same_otherwise: float  # the least fixed number of samples with no more of `otherwise`
    same_wrong: float  # the least fixed number of samples with no more of `wrong`


def run(problems: Problems, rule: Rule, n: int, error: float, random: np.random.Generator) -> Outcome:
    """Sample in rounds until all is settled, and compare with fixed numbers of the same samples."""
    right = problems.outcomes(n, random)
    every = np.arange(len(right))
    asked = np.zeros(len(right), np.int64)
    rounds = 0
    while (plan := plan_round(right[every, asked], asked, asked, rule, n, FIRST, error)).more.any():
        asked += plan.more
        rounds += 1
    decided = decide(right[every, asked], asked, n - asked, rule, plan.prior)
    fixed = np.stack([rule.accepts(right[:, k] / k) for k in range(1, n + 1)])
    at_n, true = fixed[-1], rule.accepts(problems.rate)
    otherwise, wrong = (decided.selected != at_n).mean(), (decided.selected != true).mean()
    return Outcome(
        asked.mean(),
        rounds,
        otherwise,
        decided.error.mean(),
        (~at_n)[decided.selected].mean() if decided.selected.any() else 0.0,
        at_n[~decided.selected].mean() if (~decided.selected).any() else 0.0,
        decided.selected.mean(),
        wrong,
        (at_n != true).mean(),
        _least((fixed != at_n).mean(axis=1) <= otherwise),
        _least((fixed != true).mean(axis=1) <= wrong),
    )


def _least(as_good: npt.NDArray[np.bool_]) -> int:
    """The least number of samples that does as well; all of them if none does."""
    return 1 + int(as_good.argmax()) if as_good.any() else len(as_good)


# ---- what is printed


def real_problems(data: Path, name: str) -> Problems:
    """The problems of a corpus."""
    frame = pl.read_parquet(data / "corpora" / f"{name}.parquet", columns=["meta", "response_correct"])
    if name == "deepscaler_difficulty":
        rates = 1 - np.array([json.loads(meta)["difficulty"] for meta in frame["meta"]]) / 100
        return Problems(np.round(rates * 128) / 128, np.zeros(len(rates), np.int64))
    graded = frame["response_correct"].list.drop_nulls()
    return Problems(
        graded.list.sum().cast(pl.Float64).to_numpy(), graded.list.len().cast(pl.Int64).to_numpy()
    )


def over_seeds(problems: Problems, rule: Rule, n: int, error: float, seeds: int, most: int) -> list[Outcome]:
    """A run a seed, each over `most` problems of its own."""
    found = []
    for seed in range(seeds):
        random = np.random.default_rng([seed, n])
        part = random.permutation(len(problems.right))[:most]
        found.append(run(Problems(problems.right[part], problems.total[part]), rule, n, error, random))
    return found


def over_all(found: Sequence[Outcome]) -> Outcome:
    """Means over the seeds; shares of the selected and of the rejected are those of all seeds together."""
    mean = Outcome(*np.mean(found, axis=0))
    selects = sum(one.false_select * one.selected for one in found) / len(found)
    rejects = sum(one.false_reject * (1 - one.selected) for one in found) / len(found)
    return mean._replace(
        false_select=selects / mean.selected if mean.selected else 0.0,
        false_reject=rejects / (1 - mean.selected) if mean.selected < 1 else 0.0,
    )


def line(
    name: str, rule: str, n: int, error: float, found: Sequence[Outcome], tables: list[Tables], *, few: bool
) -> str:
    """One line of the table: means over seeds, and the least and the greatest.

    few: so few problems that errors of fixed numbers of samples are 0 by luck, and compare nothing.
    """
    mean = over_all(found)
    low, high = Outcome(*np.min(found, axis=0)), Outcome(*np.max(found, axis=0))
    saved = _saved(found, "same_otherwise"), _saved(found, "same_wrong")
    if few:
        saved = "too few", "too few"
    return (
        f"| {name} | {rule} | {n} | {error:.0%} | {mean.rollouts:.1f} | {mean.rounds:.0f} "
        f"| {mean.otherwise:.2%} ({low.otherwise:.2%}–{high.otherwise:.2%}), {mean.expected:.2%} "
        f"| {mean.false_select:.2%} / {mean.false_reject:.2%} | {mean.wrong_fixed:.2%} → {mean.wrong:.2%} "
        f"| {saved[0]} | {saved[1]} "
        f"| {oracle(tables[0], mean.otherwise):.1f} | {oracle(tables[1], mean.wrong):.1f} |"
    )


def _saved(found: Sequence[Outcome], fixed: str) -> str:
    """The fixed number of samples, and the share of it that is saved: mean, least and greatest."""
    saved = [1 - one.rollouts / getattr(one, fixed) for one in found]
    number = np.mean([getattr(one, fixed) for one in found])
    return f"{number:.1f}: **{np.mean(saved):.0%}** ({min(saved):.0%}–{max(saved):.0%})"


HEAD = (
    "| problems | rule | n | e | rollouts | rounds | other than n says, expected | of selected / rejected "
    "| wrong: n → here | fixed with this error against n: saved | against the true rate: saved "
    "| oracle, n | oracle, true |\n|---|---|---:|---:|---:|---:|---|---|---|---|---|---:|---:|"
)


def print_real(data: Path, seeds: int, most: int) -> None:
    """Real pass rates and graded responses."""
    print(HEAD)
    for name, sizes in {"deepscaler_difficulty": MOST, **GRADED}.items():
        problems = real_problems(data, name)
        for n in sizes:
            enough = (problems.total >= n) | (problems.total == 0)
            usable = Problems(problems.right[enough], problems.total[enough])
            for text in RULES:
                rule = parse_rule(text)
                tables = [oracle_tables(usable, rule, n, against_n=which) for which in (True, False)]
                for error in ERRORS:
                    found = over_seeds(usable, rule, n, error, seeds, most)
                    label = f"{name} ({min(most, len(usable.right)):,})"
                    few = len(usable.right) < 100
                    print(line(label, text, n, error, found, tables, few=few), flush=True)


def adverse_rates() -> dict[str, Floats]:
    """Spreads of 1,000 pass rates, by name: hard to tell from the ends of an interval, or all alike."""
    beta = np.random.default_rng(5).beta(0.1, 0.1, 1000)
    spreads: dict[str, list[tuple[int, float]]] = {
        "half 1, half 0.99": [(500, 1.0), (500, 0.99)],
        "95 % 1, 5 % 0.99": [(950, 1.0), (50, 0.99)],
        "99 % 1, 1 % 0.97": [(990, 1.0), (10, 0.97)],
        "98 % 0, 2 % 0.03": [(980, 0.0), (20, 0.03)],
        "all 0.98": [(1000, 0.98)],
        "all 0.02": [(1000, 0.02)],
        "all 0.625": [(1000, 0.625)],
        "all 0.66": [(1000, 0.66)],
        "all 0.75": [(1000, 0.75)],
        "half 0.5, half 0.9": [(500, 0.5), (500, 0.9)],
    }
    made = {name: np.concatenate([np.full(*one) for one in parts]) for name, parts in spreads.items()}
    return {**made, "Beta(0.1, 0.1)": beta}


def print_adverse(data: Path, seeds: int) -> None:
    """The greatest errors over rules and n, and where they are; all that exceed the error rate are named."""
    print("| spread | e | other than n says, at most | of the selected | of the rejected |")
    print("|---|---:|---|---|---|")
    real = real_problems(data, "deepscaler_difficulty").right
    worlds = {name: (rates, len(rates), seeds) for name, rates in adverse_rates().items()}
    worlds |= {f"{few} of deepscaler_difficulty": (real, few, 3000 // few) for few in (10, 30, 100)}
    for name, (rates, most, n_seeds) in worlds.items():
        problems = Problems(rates, np.zeros(len(rates), np.int64))
        for error in ERRORS[1:]:
            means = {
                f"{text}, n {n}": over_all(over_seeds(problems, parse_rule(text), n, error, n_seeds, most))
                for text in RULES
                for n in (16, 64)
            }
            cells = []
            for field in ("otherwise", "false_select", "false_reject"):
                where = max(means, key=lambda key: float(getattr(means[key], field)))
                value = getattr(means[where], field)
                cells.append(f"**{value:.2%}** ({where})" if value > error else f"{value:.2%}")
            print(f"| {name} | {error:.0%} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="+", choices=["real", "adverse"], default=["real", "adverse"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--problems", type=int, default=5000)
    given = parser.parse_args()
    if "real" in given.only:
        print_real(given.data, given.seeds, given.problems)
    if "adverse" in given.only:
        print_adverse(given.data, given.seeds)


if __name__ == "__main__":
    main()
