"""Pass rates of the stage beside those of the grades that came with the data; intervals; suspicious rows.

    python perf/pass_rates.py DATA [--rows 600] [--read FILE.jsonl]

DATA holds corpora/ and benchmarks/ as Parquet. Of each corpus --rows rows, evenly spaced, are graded by
`math-verify` and counted by `pass-rate`. Printed as Markdown:

agree      rows whose pass rate is that of the given grades, over the rows where all responses are decided;
           within 0.1; the mean difference of all rows.
covers     of 20 random halves of each row's decided responses (rows with at least 8), how often the 95 %
           interval of one half holds the rate of the other; in brackets how often it does so for two halves
           drawn at the rate of all. Both vary, so it is less than 95 %.
all        the same for the rate of all responses, of which the half is a part.
flagged    rows that `too_hard_or_wrong_truth` flags (none right of at least 8), and those of them, and of all
           rows with none right, where at least three responses and half of all agree on one other answer.

--read writes the latter, for a person: problem, ground truth, answers and votes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from curate.answers import Verifier
from curate.answers.votes import key
from curate.kernels.estimators import wilson_interval
from curate.stages.pass_rate import LISTS, Params, measure

CORPORA = ["gsm8k_test_multi_model", "areal_long_cot_rollouts", "math_model_outputs"]
BENCHMARKS = ["aime_2024", "aime_2025", "hmmt_feb_2025", "olympiadbench"]
HALVES = 20


def corpus(data: Path, name: str, most: int) -> pl.DataFrame:
    """Rows with a ground truth: query, answer, responses, response_models, response_correct."""
    table = pl.read_parquet(data / "corpora" / f"{name}.parquet")
    if name == "areal_long_cot_rollouts":  # has no ground truths: those of the benchmarks, by text
        truths: dict[str, str] = {}
        for benchmark in BENCHMARKS:
            items = pl.read_parquet(data / "benchmarks" / f"{benchmark}.parquet")
            truths |= {
                folded(problem): answer for problem, answer in items.select("problem", "answer").iter_rows()
            }
        answers = [truths.get(folded(query)) for query in table["query"]]
        table = table.with_columns(pl.Series("answer", answers, pl.String))
    table = table.filter(pl.col("answer").is_not_null())
    return table.gather(np.linspace(0, table.height - 1, min(most, table.height)).astype(int).tolist())


def folded(text: str | None) -> str:
    """A problem without white space and case, the same wherever it was copied."""
    return "".join((text or "").split()).lower()


def graded(table: pl.DataFrame, verifier: Verifier) -> pl.DataFrame:
    """The lists that the stage is given, one line a row."""
    lengths = table["responses"].list.len().to_list()
    golds = [gold for gold, n in zip(table["answer"], lengths, strict=True) for _ in range(n)]
    verdicts = iter(verifier.verify_all(golds, table["responses"].explode().to_list(), "final"))
    lists: dict[str, list[Any]] = {name: [] for name in LISTS}
    for n, models in zip(lengths, table["response_models"], strict=True):
        row = [next(verdicts) for _ in range(n)]
        lists["status"].append([one.status for one in row])
        lists["cause"].append([one.cause for one in row])
        lists["extracted"].append([one.extracted for one in row])
        lists["model"].append(list(models))
        lists["finish_reason"].append([None] * n)
    schema = dict.fromkeys(LISTS, pl.List(pl.String))
    return pl.DataFrame(lists, schema=schema).with_row_index("row_id").cast({"row_id": pl.Int64})


def coverage(decided: np.ndarray, correct: np.ndarray) -> tuple[float, float, float]:
    """How often the interval of a random half holds the rate of the other half, would, and holds that of all.

    Would: two halves that are drawn at the rate of all, independently.
    """
    random = np.random.default_rng(0)
    other: list[float] = []
    would: list[float] = []
    all_: list[float] = []
    enough = decided >= 8
    total, right = decided[enough], correct[enough]
    for _ in range(HALVES):
        half = total // 2
        drawn = random.hypergeometric(right, total - right, half)
        interval = wilson_interval(drawn, half)
        for rate, held in (((right - drawn) / (total - half), other), (right / total, all_)):
            held.append(((interval.low <= rate) & (rate <= interval.high)).mean())
        drawn, rate = random.binomial(half, right / total), random.binomial(total - half, right / total)
        interval = wilson_interval(drawn, half)
        rate = rate / (total - half)
        would.append(((interval.low <= rate) & (rate <= interval.high)).mean())
    return float(np.mean(other)), float(np.mean(would)), float(np.mean(all_))


def agreed_otherwise(extracted: list[str | None], n: int) -> Counter[str] | None:
    """Votes for answers, if at least three and half of all n responses agree on one."""
    votes = Counter(key(answer) for answer in extracted if answer is not None)
    top = votes.most_common(1)
    return votes if top and top[0][1] >= 3 and 2 * top[0][1] >= n else None


def report(name: str, table: pl.DataFrame, verifier: Verifier) -> list[dict[str, Any]]:
    """One line of the table; the suspicious rows."""
    lists = graded(table, verifier)
    found = measure(lists, Params())
    given = np.array([np.mean([bool(one) for one in row]) for row in table["response_correct"]])
    rate = found["pass_rate"].fill_null(np.nan).to_numpy()
    whole = (found["undecided"] == 0).to_numpy()
    same = np.abs(rate - given)
    other, would, all_ = coverage(found["decided"].to_numpy(), found["correct"].to_numpy())
    flagged = found["too_hard_or_wrong_truth"].fill_null(value=False).to_numpy()
    suspicious = []
    for row in ((found["correct"] == 0) & (found["decided"] > 0)).arg_true():
        votes = agreed_otherwise(lists["extracted"][row].to_list(), found["n"][int(row)])
        if votes is not None:
            suspicious.append(
                {
                    "corpus": name,
                    "id": table["id"][row],
                    "problem": table["query"][row],
                    "truth": table["answer"][row],
                    "votes": votes.most_common(4),
                    "n": found["n"][row],
                    "given_right": float(given[row] * found["n"][row]),
                    "flagged": bool(flagged[row]),
                }
            )
    none_right = int((rate == 0).sum())
    print(
        f"| {name} | {table.height:,} | {int(found['n'].sum()):,} | {int(whole.sum()):,} "
        f"| {(same[whole] < 1e-9).mean():.1%} | {(same[whole] <= 0.1).mean():.1%} "
        f"| {np.nanmean(rate - given):+.4f} | {other:.1%} ({would:.1%}) | {all_:.1%} "
        f"| {none_right} | {int(flagged.sum())} "
        f"| {len(suspicious)} ({sum(one['flagged'] for one in suspicious)} flagged) |",
        flush=True,
    )
    return suspicious


def main() -> None:
    """Print the table, write what is to be read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--read", type=Path)
    given = parser.parse_args()
    print("| data | rows | responses | all decided | same rate | within 0.1 | mean difference ", end="")
    print("| covers the other half (drawn) | covers all | none right | flagged | agree otherwise |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    suspicious = []
    with Verifier() as verifier:
        for name in CORPORA:
            suspicious += report(name, corpus(given.data, name, given.rows), verifier)
    if given.read:
        given.read.write_text("".join(f"{json.dumps(one)}\n" for one in suspicious), encoding="utf-8")


if __name__ == "__main__":
    main()
