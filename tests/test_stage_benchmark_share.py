"""Stage benchmark-share: how much of a set the rows of a source hold between them."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from tables import evidence, shards

from curate.engines.local import LocalEngine
from curate.errors import RecipeError
from curate.recipe import parse
from curate.stages.benchmark_share import BenchmarkShare
from curate.stages.measure import measure_shard
from curate.stages.ngram_overlap import NgramOverlap, prepare

ITEMS = {name: [f"{name} alpha{i} bravo{i} charlie{i}" for i in range(n)] for name, n in (("a", 4), ("b", 2))}


def measured(folder: Path, rows: list[tuple[str | None, str | None]], **params: Any) -> list[tuple[Any, ...]]:
    """Evidence of rows of (source, prompt) against two sets, a of four and b of two items; three shards."""
    paths = []
    for name, texts in ITEMS.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"id": str(i), "problem": t}) + "\n" for i, t in enumerate(texts)))
        paths.append(str(path))
    lines = [{"source": source, "prompt": prompt} for source, prompt in rows]
    leak = NgramOverlap(stage="ngram-overlap", against=paths, ngram=4)
    share = BenchmarkShare(
        stage="benchmark-share", against=paths, **{"when": "leak.containment > 0.5", **params}
    )
    with LocalEngine(2) as engine:
        cuts = (1, 3)
        items = shards(folder / "before", lines, "ngram-overlap", cuts)
        fn = functools.partial(measure_shard, "ngram-overlap", leak, prepare(leak, folder))
        dataset = engine.map(fn, items, folder / "leak" / "shards")
        assert len(dataset.shards) == 3
        items = shards(folder / "in", lines, "benchmark-share", cuts, leak=folder / "leak" / "shards")
        found = evidence(engine, folder / "out", share, items)
    assert found["status"].to_list() == ["ok"] * len(rows)
    return found.select("benchmark", "of_benchmark", "items", "benchmark_items", "source_rows").rows()


def test_distinct_items_of_a_source_are_counted_over_all_shards(tmp_path: Path) -> None:
    """Two rows with one item count once; the set of the largest share is told; no source is a source."""
    a, b = ITEMS["a"], ITEMS["b"]
    rows = [("x", a[0]), ("x", a[0]), ("x", a[1]), ("x", b[0]), ("y", b[1]), (None, a[3]), ("z", "zulu")]
    half_a, half_b = ("a", 0.5, 2, 4, 3), ("b", 0.5, 1, 2, 1)
    # x holds 2 of 4 of a and 1 of 2 of b: both a half, a is named first
    assert measured(tmp_path, rows) == [
        half_a, half_a, half_a, half_a, half_b, ("a", 0.25, 1, 4, 1), (None, 0.0, 0, None, 0)
    ]  # fmt: skip


def test_what_does_not_count_is_not_counted(tmp_path: Path) -> None:
    """Rows for which `when` is false or null hold nothing."""
    rows = [("x", ITEMS["a"][0]), ("x", None), ("x", "zulu"), ("x", "yankee")]
    assert measured(tmp_path, rows, when="leak.containment > 1") == [(None, 0.0, 0, None, 0)] * 4


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("row.source = 'x'", "expected a predicate on one evidence"),
        ("leak.hits > 0 and other.hits > 0", "expected a predicate on one evidence"),
        ("leek.hits > 0", "reads evidence leek, which is not measured before it. Did you mean leak?"),
        ("leak.hitz > 0", "unknown column leak.hitz"),
        ("exact.cluster_size > 1", "reads evidence exact, which has no columns benchmark, item per row"),
    ],
)
def test_wrong_predicates_are_refused(when: str, message: str) -> None:
    """`when` names one evidence, of earlier in the recipe, that names benchmarks and items."""
    text = f"""
[evidence.exact]
stage = "exact-dedup"

[evidence.leak]
stage = "ngram-overlap"
against = ["x"]

[evidence.share]
stage = "benchmark-share"
against = ["x"]
when = "{when}"
"""
    with pytest.raises(RecipeError) as caught:
        parse(text, "share.toml")
    assert message in str(caught.value)


def test_a_row_counts_for_the_one_item_it_names(tmp_path: Path) -> None:
    """A row that holds two items counts for one: the share is a lower bound."""
    assert measured(tmp_path, [("x", f"{ITEMS['a'][0]} {ITEMS['a'][1]}")]) == [("a", 0.25, 1, 4, 1)]
