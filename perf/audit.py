"""How well wrong ground truths are found: planted ones in real data with responses, real ones in corpora.

    python perf/audit.py DATA [--out out/perf/audit] [--read FILE.jsonl] [--only planted repair conflicts ...]

DATA holds corpora/ as Parquet. Printed as Markdown:

planted    5 % of the ground truths of each corpus with responses are made wrong (seed 0), in five ways in
           turn; the stage of `curate audit-gold` ranks all. Precision among as many as are wrong, recall
           among twice as many, average precision, calibration, and the same for simpler scores on the same
           rows; precision among the first 100 of all corpora. Ground truths that were wrong before (WRONG)
           count as wrong too, those whose problem can be read in two ways (CONTESTED) are left out: both
           were found by reading the heads of the rankings.
repair     the same corpora through cross-verify (AM-Thinking-v1): how many planted ground truths are revised,
           to the right value or not, and how many sound ones are revised.
conflicts  five maths corpora against each other: ground truths that copies of the problem contradict.

--read writes what a person should read: the first rows of each ranking that were not planted, and conflicts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import shutil
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from curate.answers.value import known_value
from curate.answers.votes import gold_text
from curate.engines.local import LocalEngine
from curate.pipeline import run
from curate.recipe import build

CORPORA = ["gsm8k_test_multi_model", "zeroeval_gsm", "math_cot_100x8", "math_model_outputs"]
MATHS = ["deepscaler_5levels", "deepscaler_difficulty", "dapo_math_25k", "limr_math_8k", "math_train_7500"]
SHARE, SEED, TOP = 0.05, 0, 100
WRONG = {952, 403, 1309, 768, 749, 649, 823, 814, 1042, 119}
"""Rows of GSM8K's test whose ground truth is wrong as it stands: those of the rankings' heads, read."""
CONTESTED = {782, 1048, 962, 368, 380, 590, 675, 652, 1161, 406, 515, 187, 984, 1019}
"""Rows of it whose words allow another answer too, by which the ground truth may be right."""
ARBITERS = {
    "gsm8k_test_multi_model": ["gpt4"],
    "zeroeval_gsm": ["o1-mini-2024-09-12"],
    "math_model_outputs": ["Qwen2.5-Math-7B-Instruct", "Qwen2.5-32B-Instruct_MATH500_test_None_0_-1_cw_0.1"],
}


# ---- data


def corpus(data: Path, name: str) -> pl.DataFrame:
    """prompt, answer, responses, models of a corpus; JSON replies become text that ends in the answer."""
    table = pl.read_parquet(data / "corpora" / f"{name}.parquet").with_row_index("at")
    responses = table["responses"].to_list()
    if name == "zeroeval_gsm":
        responses = [[said_in_json(text) for text in texts] for texts in responses]
    return pl.DataFrame(
        {
            "at": table["at"],
            "prompt": table["query"],
            "answer": table["answer"],
            "responses": responses,
            "models": table["response_models"],
        }
    )


def said_in_json(text: str) -> str:
    """The reply as text, its `answer` as the last sentence; a reply that is no such JSON as it is."""
    found = re.findall(r'"answer"\s*:\s*"?((?:[^"\\]|\\.)*?)"?\s*\n?\s*\}', text, re.DOTALL)
    answer = found[-1].replace('\\"', "").strip() if found else ""
    return f"{text}\nThe answer is: {answer}" if answer else text


# ---- planting


def slip(value: Fraction, dice: random.Random) -> Fraction:
    """One off, ten times, a sign, a digit: a slip of the pen."""
    return dice.choice([value + 1, value - 1, value * 10, -value if value else value + 2, value + 10])


def swap_digits(value: Fraction, dice: random.Random) -> Fraction:
    """Two digits of a whole number exchanged."""
    digits = list(str(abs(value.numerator)))
    at = [i for i in range(len(digits) - 1) if digits[i] != digits[i + 1]]
    if value.denominator != 1 or not at:
        return slip(value, dice)
    i = dice.choice(at)
    digits[i], digits[i + 1] = digits[i + 1], digits[i]
    return Fraction(int("".join(digits)))


def written(value: Fraction) -> str:
    """A number as a ground truth writes it."""
    return (
        str(value.numerator)
        if value.denominator == 1
        else f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    )


KINDS = ["slip", "digits", "other-row", "model-error", "broken"]


def corrupted(
    kind: str, row: int, golds: Sequence[str], wrong: Sequence[str | None], dice: random.Random
) -> str:
    """The ground truth of a row made wrong in one way; where that is not possible, another row's."""
    value = known_value(golds[row])
    if kind == "slip" and value is not None:
        return written(slip(value, dice))
    if kind == "digits" and value is not None:
        return written(swap_digits(value, dice))
    if kind == "model-error" and (said := wrong[row]) is not None:
        return said
    if kind == "broken":
        return dice.choice(["notfound", "proof", f"\\frac{{{golds[row]}", "see the solution"])
    return next(
        other
        for other in (dice.choice(golds) for _ in range(10_000))
        if other != golds[row] and (value is None or known_value(other) != value)
    )


# ---- runs


def evidence_of(table: pl.DataFrame, evidence: dict[str, Any], out: Path, name: str) -> pl.DataFrame:
    """One evidence over a table."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    table.write_parquet(out / "in.parquet")
    columns = set(table.columns)
    source: dict[str, Any] = {"files": [str(out / "in.parquet")], "prompt": "prompt", "answer": "answer"}
    if "responses" in columns:
        source |= {"responses": "responses", "models": "models"}
    recipe = build(
        {"source": source, "evidence": evidence, "output": {"format": "original"}}, "perf/audit.py"
    )
    with LocalEngine(None) as engine:
        run(recipe, out / "run", engine=engine)
    return pl.read_parquet(sorted((out / "run" / "evidence" / name).glob("*.parquet")))


def average_precision(score: np.ndarray, is_wrong: np.ndarray) -> float:
    """Mean precision at the place of each wrong row."""
    order = np.argsort(-score, kind="stable")
    hits = is_wrong[order]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def measures(score: np.ndarray, is_wrong: np.ndarray) -> list[str]:
    """Precision among as many rows as are wrong, recall among twice as many, average precision."""
    order, n = np.argsort(-score, kind="stable"), int(is_wrong.sum())
    values = (
        is_wrong[order[:n]].mean(),
        is_wrong[order[: 2 * n]].sum() / n,
        average_precision(score, is_wrong),
    )
    return [f"{value:.3f}" for value in values]


def against(evidence: pl.DataFrame) -> dict[str, np.ndarray]:
    """Simpler scores: what one would do without a model of who answers."""
    known = evidence.with_columns(pl.col("likely_votes", "gold_votes", "valid").fill_null(0))
    share = known.select(1 - pl.col("gold_votes") / pl.col("valid").clip(1)).to_series().to_numpy()
    margin = known.select((pl.col("likely_votes") - pl.col("gold_votes")) / pl.col("valid").clip(1))
    return {"share of answers that differ": share, "margin of the majority": margin.to_series().to_numpy()}


def plant(table: pl.DataFrame, out: Path, name: str) -> tuple[list[str | None], dict[int, str]]:
    """The ground truths of a corpus, some of them made wrong, and how: kind by row."""
    clean = evidence_of(table, {"gold": {"stage": "gold-audit"}}, out / f"{name}-clean", "gold")
    golds = [gold_text(text) or "" for text in table["answer"].to_list()]
    wrong = [
        likely if known_value(likely) is not None and votes and known_value(gold) is not None else None
        for gold, likely, votes in clean.select("gold", "likely", "likely_votes").iter_rows()
    ]
    dice = random.Random(SEED)
    n = max(5, round(SHARE * table.height))
    rows = dice.sample(range(table.height), n)
    kinds = {row: KINDS[place % len(KINDS)] for place, row in enumerate(rows)}
    kinds = {
        row: "other-row" if kind == "model-error" and wrong[row] is None else kind
        for row, kind in kinds.items()
    }
    answers = table["answer"].to_list()
    for row, kind in kinds.items():
        answers[row] = corrupted(kind, row, golds, wrong, dice)
    return answers, kinds


def planted(data: Path, out: Path, read: list[dict[str, Any]], only: Sequence[str]) -> None:
    """The tables of planted ground truths."""
    print("\n### Planted\n")
    print("| corpus | rows | planted + wrong | score | precision | recall at twice | average precision | s |")
    print("|---|---:|---:|---|---:|---:|---:|---:|")
    by_kind: dict[str, list[tuple[int, int, int]]] = {kind: [] for kind in KINDS}
    believed: list[tuple[float, bool]] = []
    pooled: list[tuple[np.ndarray, ...]] = []
    for name in only:
        table = corpus(data, name)
        audit = {"gold": {"stage": "gold-audit"}}
        answers, kinds = plant(table, out, name)
        n = len(kinds)
        dirty = table.with_columns(answer=pl.Series(answers, dtype=pl.String))
        started = time.process_time()
        found = evidence_of(dirty, audit, out / f"{name}-dirty", "gold")
        seconds = time.process_time() - started
        is_planted = np.array([row in kinds for row in range(table.height)])
        is_gsm = "gsm" in name
        is_wrong = is_planted | np.array([is_gsm and row in WRONG for row in range(table.height)])
        doubtful = is_wrong | np.array([is_gsm and row in CONTESTED for row in range(table.height)])
        score = found["log_odds"].fill_null(-np.inf).to_numpy()
        pooled.append((score, is_planted, is_wrong, doubtful))
        sure = is_wrong | ~doubtful  # contested rows are neither right nor wrong
        for label, values in {"log-odds": score, **against(found)}.items():
            told = [name, f"{table.height:,}", f"{n} + {is_wrong.sum() - n}", label]
            told += measures(values[sure], is_wrong[sure])
            print(f"| {' | '.join(told)} | {f'{seconds:.0f}' if label == 'log-odds' else ''} |", flush=True)
        order = np.argsort(-score, kind="stable")
        first = set(order[:n].tolist())
        for kind in KINDS:
            mine = [row for row, its in kinds.items() if its == kind]
            by_kind[kind].append((len(mine), len(first.intersection(mine)), int((score[mine] > 0).sum())))
        chance = found["probability"].fill_null(0).to_numpy()
        believed += list(zip(chance[sure], is_wrong[sure], strict=True))
        for row in order[: 2 * n].tolist():
            if not is_planted[row]:
                line = found.row(row, named=True)
                read.append({"what": "not planted", "corpus": name, **table.row(row, named=True), **line})
                read[-1].pop("responses", None)
    score, is_planted, is_wrong, doubtful = (np.concatenate(column) for column in zip(*pooled, strict=True))
    order = np.argsort(-score, kind="stable")
    print("\n| first of all corpora | planted | or wrong, read | or contested, read |\n|---|---:|---:|---:|")
    for top in (50, TOP, 200):
        shares = (float(marks[order[:top]].mean()) for marks in (is_planted, is_wrong, doubtful))
        print(f"| {top} | {' | '.join(f'{share:.3f}' for share in shares)} |")
    print("\n| kind | planted | among as many as were planted | log-odds above 0 |")
    print("|---|---:|---:|---:|")
    for kind, counts in by_kind.items():
        total, first_n, above = (sum(column) for column in zip(*counts, strict=True))
        print(f"| {kind} | {total} | {first_n / max(1, total):.2f} | {above / max(1, total):.2f} |")
    print("\n| probability told | rows | mean | planted or wrong |\n|---|---:|---:|---:|")
    edges = [0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.01]
    for low, high in itertools.pairwise(edges):
        some = [(p, hit) for p, hit in believed if low <= p < high]
        if some:
            mean, share = np.mean([p for p, _ in some]), np.mean([hit for _, hit in some])
            print(f"| {low:g} to {min(1, high):g} | {len(some):,} | {mean:.3f} | {share:.3f} |")


# ---- repair


def repair(data: Path, out: Path, read: list[dict[str, Any]], only: Sequence[str]) -> None:
    """The table of cross-verify over planted ground truths, by the share that the first models need."""
    print("\n### Repair\n")
    print(
        "| corpus | min-share | planted | asked | revised, right | wrong | others | asked | revised | of "
        "these, read: wrong or contested |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in (name for name in only if name in ARBITERS):
        table = corpus(data, name)
        answers, kinds = plant(table, out, name)
        dirty = table.with_columns(answer=pl.Series(answers, dtype=pl.String))
        for min_share in (0.25, 0.5, 0.75):
            truth = {"stage": "cross-verify", "arbiter": ARBITERS[name], "min-share": min_share}
            found = evidence_of(dirty, {"truth": truth}, out / f"{name}-{min_share}", "truth")
            counts = dict.fromkeys(
                ("planted", "asked", "right", "wrong", "sound", "asked-sound", "revised-sound", "not-sound"),
                0,
            )
            for row, (outcome, answer) in enumerate(found.select("outcome", "answer").iter_rows()):
                decided = outcome in ("revised", "b-agrees-with-gt", "all-disagree", "arbiter-no-answer")
                if row in kinds:
                    right = known_value(answer) == known_value(table["answer"][row]) != None  # noqa: E711
                    counts["planted"] += 1
                    counts["asked"] += decided
                    counts["right"] += outcome == "revised" and right
                    counts["wrong"] += outcome == "revised" and not right
                else:
                    counts["sound"] += 1
                    counts["asked-sound"] += decided
                    counts["revised-sound"] += outcome == "revised"
                    counts["not-sound"] += outcome == "revised" and "gsm" in name and row in WRONG | CONTESTED
                    if outcome == "revised" and min_share == 0.5:
                        line = found.row(row, named=True)
                        read.append(
                            {"what": "revised", "corpus": name, "prompt": table["prompt"][row], **line}
                        )
            print(f"| {name} | {min_share} | {' | '.join(f'{n:,}' for n in counts.values())} |", flush=True)


# ---- conflicts


def conflicts(data: Path, out: Path, read: list[dict[str, Any]], _only: Sequence[str]) -> None:
    """Ground truths of five corpora that copies of the problem contradict."""
    tables = [
        pl.read_parquet(data / "corpora" / f"{name}.parquet").select(
            prompt="query", answer="answer", source=pl.lit(name)
        )
        for name in MATHS
    ]
    table = pl.concat(tables)
    evidence = {
        "near": {"stage": "near-dedup"},
        "label": {"stage": "label-conflict"},
        "gold": {"stage": "gold-audit", "clusters": "near"},
    }
    found = evidence_of(table, evidence, out, "gold").with_columns(table["prompt"], table["source"])
    label = pl.read_parquet(sorted((out / "run" / "evidence" / "label").glob("*.parquet")))
    near = pl.read_parquet(sorted((out / "run" / "evidence" / "near").glob("*.parquet")))
    found = found.with_columns(label["conflict"], near["cluster_id"], near["jaccard"])
    told = found.filter(pl.col("copies_against") > 0)
    print("\n### Five maths corpora\n")
    n_problems, n_told = found.filter("conflict")["cluster_id"].n_unique(), told["cluster_id"].n_unique()
    unread = found.filter(pl.col("reasons").list.first().str.contains("no answer can be compared")).height
    n_rows = int(label["conflict"].sum())
    print(f"{table.height:,} rows. label-conflict: {n_rows:,} rows that a copy contradicts,")
    print(f"in {n_problems:,} problems; gold-audit: {told.height:,} rows in {n_told:,} problems;")
    print(f"ground truths that nothing can be compared with: {unread:,}")
    clusters = told["cluster_id"].unique().sort().to_list()
    for cluster in random.Random(SEED).sample(clusters, min(40, len(clusters))):
        lines = told.filter(pl.col("cluster_id") == cluster).select(
            "source", "gold", "prompt", "probability", "jaccard"
        )
        read.append({"what": "conflict", "cluster": cluster, "rows": lines.unique("gold").to_dicts()})


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/perf/audit"))
    parser.add_argument("--read", type=Path)
    parts: dict[str, Callable[[Path, Path, list[dict[str, Any]], Sequence[str]], None]] = {
        "planted": planted, "repair": repair, "conflicts": conflicts,
    }  # fmt: skip
    parser.add_argument("--only", nargs="*", choices=list(parts), default=list(parts))
    parser.add_argument("--corpora", nargs="*", choices=CORPORA, default=CORPORA)
    given = parser.parse_args()
    read: list[dict[str, Any]] = []
    for name in given.only:
        parts[name](given.data, given.out / name, read, given.corpora)
    if given.read is not None:
        given.read.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in read), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
