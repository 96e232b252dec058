"""Answers kept on disk and decided a shard at a time are those of all rows decided together."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from curate import decide
from curate.pipeline import asked as module
from curate.pipeline.asked import Asked, order_table

RULES = [
    decide.KeepOne("exact", "exact.cluster_id", (("k", True),), on_missing="keep"),
    decide.KeepOne("near", "near.cluster_id", (("k", False),), on_missing="drop", protect="p"),
]


def answers_and_orders(n: int, seed: int) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """n rows from row 5 on: a row rule, and two keep-one rules over groups of which a third is shared or null."""
    rng = np.random.default_rng(seed)
    row_id = pl.Series("row_id", np.arange(5, n + 5))
    answers = pl.DataFrame(
        [row_id, pl.Series("url", rng.random(n) < 0.2).set(pl.Series(rng.random(n) < 0.1), None)]
    )
    orders = {}
    for rule in RULES:
        group = pl.Series("group", np.where(rng.random(n) < 0.4, rng.integers(0, 4, n), np.arange(n) + 100))
        key = pl.Series("k0", rng.integers(0, 3, n))
        order = pl.DataFrame([row_id, group.set(pl.Series(rng.random(n) < 0.1), None), key])
        if rule.protect:
            order = order.with_columns(pl.Series("protected", rng.random(n) < 0.2))
        orders[rule.reason] = order
    return answers, orders


@pytest.mark.parametrize("pass_rows", [3, 1 << 22])
@pytest.mark.parametrize("seed", range(12))
def test_rows_that_meet_decide_for_all(
    tmp_path: Path, seed: int, pass_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many passes and shards, every row's answers are those of one chain over all rows."""
    monkeypatch.setattr(module, "PASS_ROWS", pass_rows)
    n, bounds = 40, [0, 7, 7, 22, 40]  # the second shard is empty
    answers, orders = answers_and_orders(n, seed)
    taken = {"near": pl.DataFrame({"group": [2], "row_id": [1]})} if seed % 2 else {}
    kept = Asked(tmp_path, len(bounds) - 1)
    for index, (start, end) in enumerate(itertools.pairwise(bounds)):
        kept.write("row", index, answers.slice(start, end - start))
        for rule in RULES:
            kept.write(order_table(rule), index, orders[rule.reason].slice(start, end - start))
    met = kept.met(RULES, taken)
    assert met.to_list() == decide.rows_that_meet(orders, RULES, taken).sort().to_list()
    assert 0 < len(met) < n
    few, some = kept.rows(met), {rule.reason: kept.order(rule, met) for rule in RULES}
    chosen = decide.keep_one_chain(few, some, RULES, taken)
    together = decide.keep_one_chain(answers, orders, RULES, taken)
    parts = pl.concat([kept.judged(index, chosen, RULES) for index in range(kept.n_shards)])
    assert parts.select(together.columns).equals(together)
    assert decide.only_by_keep_one(few, some, RULES, taken) == decide.only_by_keep_one(
        answers, orders, RULES, taken
    )
