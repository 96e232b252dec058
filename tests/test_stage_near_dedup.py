"""The stage near-dedup finds near-duplicates over all shards, measures them exactly, and does not chain."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import oracles
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stage_inputs import inputs_of, run_whole

from curate.kernels import clusters
from curate.kernels.text import U64
from curate.near.pairs import MAX_BUCKET
from curate.stages.near_dedup import EVIDENCE, STAGE, NearDedupParams

STORY = (
    "A train leaves the station at noon and travels north at sixty miles per hour for three hours "
    "before it stops in a small town where the passengers buy apples and oranges for their families"
)


def evidence_of(
    prompts: Sequence[str | None], folder: Path, *, rows_per_shard: int = 4, workers: int = 2, **params: Any
) -> pl.DataFrame:
    """Evidence about every prompt; words may be exchanged unless `agree` says otherwise."""
    inputs = inputs_of(prompts, folder / "rows", rows_per_shard=rows_per_shard)
    settings = NearDedupParams(stage="near-dedup", **{"agree": ["numbers", "symbols"]} | params)
    frame = run_whole(STAGE, settings, inputs, folder / "work", workers=workers)
    assert frame["row_id"].to_list() == list(range(len(prompts)))
    return frame


def reworded(text: str, *places: int) -> str:
    """The text with the words at these places replaced."""
    words = text.split()
    for place in places:
        words[place] = words[place][::-1] + "q"
    return " ".join(words)


def test_copies_join_and_other_numbers_do_not(tmp_path: Path) -> None:
    """Case, punctuation and one word make near-duplicates; a problem with other numbers is another problem."""
    prompts = [
        f"Let x = 3. {STORY}. Find x + 5.",
        f"let X = 3; {STORY.upper()}? find x+5",
        f"Let x = 3. {reworded(STORY, 20)}. Find x + 5.",
        "Compute 12 + 35.",
        "Compute 12 + 36.",
        "Compute 12 - 35.",
        "compute:  $12 + 35$",
    ]
    frame = evidence_of(prompts, tmp_path, threshold=0.7)
    assert frame["cluster_id"].to_list() == [0, 0, 0, 3, 4, 5, 3]
    assert frame["cluster_size"].to_list() == [3, 3, 3, 2, 1, 1, 2]


def test_every_column_says_what_it_promises(tmp_path: Path) -> None:
    """Two edits of one text: exact Jaccards to the representative, and the best and worst link of each."""
    prompts = [
        STORY,
        reworded(STORY, 0),
        reworded(STORY, 34),
        "something else entirely but long enough",
        None,
        "?",
    ]
    frame = evidence_of(prompts, tmp_path, threshold=0.7)
    first, second, third = (oracles.shingles(text or "", "math", 5) for text in prompts[:3])
    to_first, to_third = oracles.jaccard(first, second), oracles.jaccard(second, third)
    assert to_first == oracles.jaccard(first, third) == 30 / 32
    assert to_third == 29 / 33
    assert frame.rows() == [
        (0, 0, 3, 0, 1.0, 30 / 32, 30 / 32, "ok"),
        (1, 0, 3, 0, 30 / 32, 30 / 32, 29 / 33, "ok"),
        (2, 0, 3, 0, 30 / 32, 30 / 32, 29 / 33, "ok"),
        (3, 3, 1, 3, 1.0, None, None, "short"),
        (4, None, None, None, None, None, None, "no-text"),
        (5, None, None, None, None, None, None, "no-text"),
    ]


def test_texts_shorter_than_a_shingle_are_compared_too(tmp_path: Path) -> None:
    """Fewer tokens than a shingle: the same tokens are a copy, other numbers or signs are not."""
    frame = evidence_of(["1 + 1", "1+1.", "1 + 2", "(1 + 1)", "Solve!"], tmp_path)
    assert frame["status"].to_list() == ["short"] * 5
    assert frame["cluster_id"].to_list() == [0, 0, 2, 3, 4]
    assert frame["jaccard"].to_list() == [1.0] * 5
    assert frame["best_link"].to_list() == [1.0, 1.0, None, None, None]


def test_one_number_in_a_long_text_keeps_problems_apart(tmp_path: Path) -> None:
    """However long the text, another number makes another problem, unless the numbers are to be ignored."""
    prompts = [
        f"{STORY} {STORY} For how many n up to 2008 is it so?",
        f"{STORY} {STORY} For how many n up to 2500 is it so?",
        f"{STORY} {STORY} For how many n up to 2008 is that so?",
        f"{STORY} {STORY} For how many n up to ２００８ is it so?",
    ]
    frame = evidence_of(prompts, tmp_path / "agree")
    assert frame["cluster_id"].to_list() == [0, 1, 0, 0]
    ignored = evidence_of(prompts, tmp_path / "ignore", agree=["symbols"])
    assert ignored["cluster_id"].to_list() == [0, 0, 0, 0]


def chain(n_links: int) -> list[str]:
    """Texts of which each differs from the one before in two words more."""
    return [reworded(STORY, *range(2 * length)) for length in range(n_links)]


def test_chains_do_not_merge(tmp_path: Path) -> None:
    """Each text is near the one before it and far from the first: leader linkage parts them, single does not."""
    prompts = chain(12)
    sets = [oracles.shingles(text, "words", 1) for text in prompts]
    assert all(oracles.jaccard(a, b) >= 0.8 for a, b in itertools.pairwise(sets))
    assert oracles.jaccard(sets[0], sets[-1]) < 0.4
    params: dict[str, Any] = {"tokenizer": "words", "ngram": 1, "bands": 60, "rows_per_band": 6}
    led = evidence_of(prompts, tmp_path / "leader", **params)
    single = evidence_of(prompts, tmp_path / "single", linkage="single", **params)
    assert single["cluster_id"].to_list() == [0] * 12
    assert led["cluster_id"].n_unique() > 2
    for row_id, representative, jaccard in led.select("row_id", "representative", "jaccard").rows():
        assert jaccard == oracles.jaccard(sets[row_id], sets[representative])
        assert jaccard >= 0.8
    expected = oracles.leader_clusters(sets, set(itertools.combinations(range(12), 2)), 0.8)
    assert led["cluster_id"].to_list() == [leader for leader, _ in expected]


def generated(n_originals: int, seed: int) -> list[str | None]:
    """Originals with exact copies, edited copies, short texts, nulls, in random order."""
    rng = random.Random(seed)
    prompts: list[str | None] = [None, "", "x", "x", "1 2 3"]
    for _ in range(n_originals):
        words = [f"w{rng.randrange(3000)}" for _ in range(rng.randrange(4, 50))]
        for _ in range(rng.randrange(1, 5)):
            copy = list(words)
            for _ in range(rng.randrange(0, 4)):
                copy[rng.randrange(len(copy))] = f"w{rng.randrange(3000)}"
            prompts.append(" ".join(copy))
    rng.shuffle(prompts)
    return prompts


@pytest.mark.parametrize("linkage", ["leader", "single"])
def test_clusters_are_those_of_all_pairs(linkage: str, tmp_path: Path) -> None:
    """With bands enough to miss none, clusters and Jaccards are those of comparing every two rows."""
    prompts = generated(60, seed=3)
    frame = evidence_of(
        prompts,
        tmp_path,
        rows_per_shard=37,
        ngram=3,
        threshold=0.5,
        bands=120,
        rows_per_band=3,
        linkage=linkage,
        agree=[],
    ).filter(pl.col("status").is_in(["ok", "short"]))
    rows = frame["row_id"].to_list()
    sets = [oracles.shingles(prompts[row_id] or "", "math", 3) for row_id in rows]
    twin = oracles.leader_clusters if linkage == "leader" else oracles.single_clusters
    expected = twin(sets, set(itertools.combinations(range(len(sets)), 2)), 0.5)
    assert frame.select("cluster_id", "jaccard").rows() == [
        (rows[leader], value) for leader, value in expected
    ]
    assert frame["cluster_id"].n_unique() < 0.8 * frame.height


def test_the_result_does_not_depend_on_sharding_order_or_threads(tmp_path: Path) -> None:
    """Other shards, shards given in another order and other numbers of threads give the same evidence."""
    prompts = generated(40, seed=5)
    settings: dict[str, Any] = {"agree": []}  # the generated edits change numbers too
    expected = evidence_of(prompts, tmp_path / "0", rows_per_shard=1000, workers=1, **settings)
    assert expected["cluster_id"].n_unique() < 0.9 * len(prompts)
    for index, (rows_per_shard, workers) in enumerate([(5, 1), (7, 3), (50, 2)], start=1):
        found = evidence_of(
            prompts, tmp_path / str(index), rows_per_shard=rows_per_shard, workers=workers, **settings
        )
        assert found.equals(expected)
    inputs = inputs_of(prompts, tmp_path / "rows", rows_per_shard=20)
    backwards = inputs._replace(shards=inputs.shards[::-1])
    found = run_whole(
        STAGE, NearDedupParams(stage="near-dedup", **settings), backwards, tmp_path / "backwards"
    )
    assert found.sort("row_id").equals(expected)
    assert found["row_id"][0] == inputs.shards[-1].first_row


def test_an_empty_shard_beside_others_stays_empty(tmp_path: Path) -> None:
    """A shard without rows, which begins at the same row_id as the next, is not taken for it."""
    full = inputs_of([STORY, STORY], tmp_path / "full", rows_per_shard=1)
    empty = inputs_of([], tmp_path / "empty")
    for shards in ((*empty.shards, *full.shards), (*full.shards, *empty.shards)):
        frame = run_whole(
            STAGE,
            NearDedupParams(stage="near-dedup"),
            full._replace(shards=shards),
            tmp_path / shards[0].rows.parent.name / "work",
        )
        assert frame.select("row_id", "cluster_id", "cluster_size").rows() == [(0, 0, 2), (1, 0, 2)]


def test_skipped_rows_are_compared_with_none(tmp_path: Path) -> None:
    """A row for which skip-if holds neither leads nor joins."""
    inputs = inputs_of([STORY, STORY, reworded(STORY, 3)], tmp_path / "rows", skipped=[0])
    frame = run_whole(STAGE, NearDedupParams(stage="near-dedup", threshold=0.6), inputs, tmp_path / "work")
    assert frame["status"].to_list() == ["skipped", "ok", "ok"]
    assert frame["cluster_id"].to_list() == [None, 1, 1]
    assert frame["cluster_size"].to_list() == [None, 2, 2]


@pytest.mark.parametrize(
    "prompts", [[None], ["one"], [STORY, "another text that has nothing in common with it"]]
)
def test_corpora_without_candidates_are_measured(prompts: list[str | None], tmp_path: Path) -> None:
    """No row, one row, no text at all, nothing alike: every row alone."""
    frame = evidence_of(prompts, tmp_path)
    assert frame["cluster_size"].to_list() == [None if prompt is None else 1 for prompt in prompts]
    assert frame["best_link"].to_list() == [None] * len(prompts)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that receives the number of pairs that are measured exactly."""
    n_pairs: list[int] = []
    measure = clusters.jaccards

    def counting(pairs: U64, *args: Any, **kwargs: Any) -> clusters.F64:
        n_pairs.append(len(pairs))
        return measure(pairs, *args, **kwargs)

    monkeypatch.setattr(clusters, "jaccards", counting)
    return n_pairs


def test_templated_rows_stay_linear(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """60,000 rows from 6 templates: at most MAX_BUCKET pairs a row and band, 60 a row in all, of 4,500."""
    rng = random.Random(0)
    templates = [[f"t{template}w{word}" for word in range(30)] for template in range(6)]
    prompts = []
    for _ in range(60_000):
        words = list(rng.choice(templates))
        words[rng.randrange(30)] = str(rng.randrange(1000))
        prompts.append(" ".join(words))
    n_pairs = counted(monkeypatch)
    params: dict[str, Any] = {"threshold": 0.5, "agree": [], "large_cluster": "none"}
    frame = evidence_of(prompts, tmp_path, rows_per_shard=15_000, **params)
    n_distinct = len(set(prompts))
    assert n_distinct > 45_000
    assert n_pairs[0] < n_distinct * MAX_BUCKET * 21
    assert n_pairs[0] < n_distinct * 60
    assert frame["cluster_id"].n_unique() < 300


def test_a_large_templated_cluster_is_clustered_again(tmp_path: Path) -> None:
    """More texts than `large-cluster` of one template: each stays, and a copy of one of them joins it alone."""
    fillers = ["apples", "pears", "plums", "nuts", "figs", "dates", "grapes", "limes"]
    prompts = [
        f"{STORY} and then they all walk home along the river until the {filler} end" for filler in fillers
    ]
    prompts.append(prompts[5].replace("A train", "The train", 1))
    believed = evidence_of(prompts, tmp_path / "believed", agree=[])
    assert believed["cluster_id"].to_list() == [0] * 9
    assert set(believed["status"]) == {"ok"}
    doubted = evidence_of(prompts, tmp_path / "doubted", agree=[], large_cluster=8)
    assert doubted["cluster_id"].to_list() == [0, 1, 2, 3, 4, 5, 6, 7, 5]
    assert doubted["cluster_size"].to_list() == [1, 1, 1, 1, 1, 2, 1, 1, 2]
    assert set(doubted["status"]) == {"large"}
    assert doubted["jaccard"][8] == 43 / 45


def test_a_misspelt_word_of_a_short_prompt_is_near(tmp_path: Path) -> None:
    """Its `jaccard` is the edit similarity; with `short-tokens` 0 no prompt is compared so."""
    prompts = ["Find the derivative of x.", "find the derivitive of x", "find the derivitive of y"]
    frame = evidence_of(prompts, tmp_path / "on")
    assert frame["cluster_id"].to_list() == [0, 0, 2]
    assert frame["jaccard"][1] == 1 - 1 / 24
    assert set(frame["status"]) == {"short"}
    off = evidence_of(prompts, tmp_path / "off", short_tokens=0)
    assert off["cluster_id"].to_list() == [0, 1, 2]
    assert set(off["status"]) == {"ok"}


def test_a_run_that_was_cut_short_goes_on(tmp_path: Path) -> None:
    """What lies in its folder, half a signature file and a torn file of pairs too, does not change the evidence."""
    prompts = generated(60, seed=6)
    expected = evidence_of(prompts, tmp_path, rows_per_shard=20)
    work = tmp_path / "work"
    scratch = sorted(path for path in work.rglob("*") if path.suffix == ".arrow")
    assert len(scratch) >= 2 * (len(prompts) // 20)
    for path in [*scratch[::2], *work.rglob("*.parquet")]:
        path.unlink()
        path.with_name(f".{path.name}.1.tmp").write_bytes(b"half")
    (work / "pairs-000.u64").write_bytes(b"torn")
    assert evidence_of(prompts, tmp_path, rows_per_shard=20).equals(expected)


def test_equal_rows_make_no_pairs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ten thousand copies of a text and one edit of it are one pair."""
    n_pairs = counted(monkeypatch)
    frame = evidence_of([STORY] * 10_000 + [reworded(STORY, 34)], tmp_path, rows_per_shard=3000)
    assert n_pairs[0] == 1
    assert frame["cluster_size"].to_list() == [10_001] * 10_001
    assert frame.row(0) == (0, 0, 10_001, 0, 1.0, 1.0, 30 / 32, "ok")
    assert frame.row(10_000) == (10_000, 0, 10_001, 0, 30 / 32, 30 / 32, 30 / 32, "ok")


def test_evidence_is_in_its_schema_and_order(tmp_path: Path) -> None:
    """Shard i of the evidence covers the rows of shard i, in the declared schema."""
    evidence_of([STORY, None, "a", STORY, "b"], tmp_path, rows_per_shard=2)
    tables = [pq.read_table(path) for path in sorted((tmp_path / "work" / "evidence").glob("*.parquet"))]
    assert [table["row_id"].to_pylist() for table in tables] == [[0, 1], [2, 3], [4]]
    assert all(table.schema.equals(pa.schema([("row_id", pa.int64()), *EVIDENCE])) for table in tables)


@pytest.mark.real_data
def test_real_problems_join_their_copies_alone(shared_data: Path, tmp_path: Path) -> None:
    """Problems of overlapping corpora: reported Jaccards are exact, and members are all at the threshold."""
    prompts = pl.concat(
        pl.read_parquet(shared_data / "corpora" / f"{name}.parquet", columns=["query"])["query"].head(3000)
        for name in ("deepscaler_5levels", "dapo_math_25k", "math_train_7500", "limr_math_8k")
    ).to_list()
    frame = evidence_of(prompts, tmp_path, rows_per_shard=5000)
    joined = frame.filter(pl.col("representative") != pl.col("row_id"))
    assert joined.height > 100
    for row_id, representative, value in (
        joined.select("row_id", "representative", "jaccard").head(500).rows()
    ):
        both = (oracles.shingles(prompts[index], "math", 5) for index in (row_id, representative))
        assert math.isclose(value, oracles.jaccard(*both), rel_tol=0, abs_tol=0)
        assert value >= 0.8
