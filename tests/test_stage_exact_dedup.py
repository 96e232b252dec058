"""The stage exact-dedup finds equal prompts over all shards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import oracles
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage_inputs import inputs_of, run_whole

from curate.disk import packed, write_arrow
from curate.kernels.text import Normalization
from curate.stages.exact_dedup import EVIDENCE, STAGE, ExactDedupParams, group_rows, hash_rows, taken


def clusters_of(
    prompts: Sequence[str | None],
    folder: Path,
    *,
    normalize: Normalization = "whitespace",
    rows_per_shard: int = 4,
) -> list[tuple[int | None, int | None, str]]:
    """cluster_id, cluster_size and status of every prompt."""
    params = ExactDedupParams(stage="exact-dedup", normalize=normalize)
    inputs = inputs_of(prompts, folder / "rows", rows_per_shard=rows_per_shard)
    frame = run_whole(STAGE, params, inputs, folder / "work")
    assert frame["row_id"].to_list() == list(range(len(prompts)))
    return frame.select("cluster_id", "cluster_size", "status").rows()


def test_equal_prompts_share_a_cluster_across_shards(tmp_path: Path) -> None:
    """Rows 0, 2 and 4 are equal but for whitespace; each is told the smallest row_id and the size."""
    prompts = ["What is 2+2?", "What is 2+3?", "  What is\t2+2?\n", "Other", "What  is 2+2?"]
    assert clusters_of(prompts, tmp_path, rows_per_shard=2) == [
        (0, 3, "ok"),
        (1, 1, "ok"),
        (0, 3, "ok"),
        (3, 1, "ok"),
        (0, 3, "ok"),
    ]


@pytest.mark.parametrize(
    ("normalize", "clusters"),
    [
        ("none", [0, 1, 2, 3, 4, 5]),
        ("whitespace", [0, 0, 2, 3, 4, 5]),
        ("words", [0, 0, 0, 0, 4, 5]),
        ("math", [0, 0, 0, 3, 4, 5]),
    ],
)
def test_each_normalisation_makes_more_rows_equal(
    normalize: Normalization, clusters: list[int], tmp_path: Path
) -> None:
    """Bytes, then whitespace, then case and punctuation; `math` keeps operators apart, `words` does not."""
    prompts = ["Find a + b.", "Find  a + b.", "find A + b", "Find a - b.", "Find a + c.", "Find ab."]
    assert [row[0] for row in clusters_of(prompts, tmp_path, normalize=normalize)] == clusters


def test_rows_without_text_are_compared_with_none(tmp_path: Path) -> None:
    """Null, empty and blank prompts get status no-text and nulls; with `math` also mere punctuation."""
    prompts = [None, "", " \n ", "...", None, "..."]
    nothing = (None, None, "no-text")
    assert clusters_of(prompts, tmp_path / "a") == [
        nothing,
        nothing,
        nothing,
        (3, 2, "ok"),
        nothing,
        (3, 2, "ok"),
    ]
    assert clusters_of(prompts, tmp_path / "b", normalize="math") == [nothing] * 6


def test_a_shard_without_rows_has_no_evidence(tmp_path: Path) -> None:
    """An empty shard gives an empty table."""
    assert clusters_of([], tmp_path) == []


def test_skipped_rows_are_compared_with_none(tmp_path: Path) -> None:
    """A row for which skip-if holds neither joins a cluster nor counts in its size."""
    inputs = inputs_of(["same", "same", "same"], tmp_path / "rows", skipped=[0])
    frame = run_whole(STAGE, ExactDedupParams(stage="exact-dedup"), inputs, tmp_path / "work")
    assert frame.rows() == [(0, None, None, "skipped"), (1, 1, 2, "ok"), (2, 1, 2, "ok")]


def test_a_million_characters_nul_and_emoji_are_text(tmp_path: Path) -> None:
    """Odd prompts are compared like any other."""
    odd = ["x" * 1_000_000, "\x00", "😀", "\u0301"]
    assert [row[0] for row in clusters_of([*odd, *odd], tmp_path)] == [0, 1, 2, 3, 0, 1, 2, 3]


@settings(max_examples=40)
@given(
    st.lists(st.none() | st.text("aA \n.", max_size=3), min_size=1, max_size=20),
    st.integers(1, 7),
    st.sampled_from(["none", "whitespace", "words"]),
)
def test_clusters_are_those_of_a_dictionary(
    prompts: list[str | None], rows_per_shard: int, normalize: Normalization
) -> None:
    """Any prompts in shards of any size: the groups of a dictionary keyed by the normalised text."""
    groups: dict[object, list[int]] = {}
    forms = [normal_form(prompt or "", normalize) for prompt in prompts]
    for row_id, form in enumerate(forms):
        groups.setdefault(form, []).append(row_id)
    expected = [
        (groups[form][0], len(groups[form]), "ok") if form else (None, None, "no-text") for form in forms
    ]
    with TemporaryDirectory() as folder:
        found = clusters_of(prompts, Path(folder), normalize=normalize, rows_per_shard=rows_per_shard)
    assert found == expected


def normal_form(prompt: str, normalize: Normalization) -> object:
    """What equal prompts have in common."""
    if normalize == "none":
        return prompt
    return " ".join(prompt.split()) if normalize == "whitespace" else tuple(oracles.tokens(prompt, "words"))


def test_shards_come_out_as_they_went_in(tmp_path: Path) -> None:
    """Shard i of the evidence covers the rows of shard i, in the declared schema."""
    inputs = inputs_of(["a", "b", "a", "c", "b"], tmp_path / "rows", rows_per_shard=2)
    run_whole(STAGE, ExactDedupParams(stage="exact-dedup"), inputs, tmp_path / "work")
    tables = [pq.read_table(path) for path in sorted((tmp_path / "work" / "evidence").glob("*.parquet"))]
    assert [table["row_id"].to_pylist() for table in tables] == [[0, 1], [2, 3], [4]]
    assert all(table.schema.equals(pa.schema([("row_id", pa.int64()), *EVIDENCE])) for table in tables)


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 2)), max_size=6), min_size=1
    ),
    st.integers(1, 9),
)
def test_groups_do_not_depend_on_how_many_hashes_are_held(
    shards: list[list[tuple[int, int, int]]], pass_rows: int
) -> None:
    """Any hashes, also such as agree in one half alone, in passes of any size: the groups of a dictionary."""
    groups: dict[tuple[int, ...], list[int]] = {}
    lines = [line for shard in shards for line in shard]
    for place, (first, second, status) in enumerate(lines):
        groups.setdefault((first, second) if status == 0 else (-1, place), []).append(place)
    expected = {place: (members[0], len(members)) for members in groups.values() for place in members}
    with TemporaryDirectory() as folder:
        files = []
        for index, shard in enumerate(shards):
            table = np.array(shard, dtype=np.uint64).reshape(-1, 3)
            files.append(Path(folder) / f"{index}.arrow")
            halves = {"first": table[:, 0] << np.uint64(62), "second": table[:, 1]}
            write_arrow(packed(**halves, status=table[:, 2].astype(np.uint8)), files[-1])
        equal = group_rows(files, np.zeros(len(files), np.int64), pass_rows)
    found = dict(enumerate(zip(equal.leader.tolist(), equal.size.tolist(), strict=True)))
    assert found == expected


def test_a_cluster_that_earlier_rows_are_in_is_told_with_the_first_one_kept(tmp_path: Path) -> None:
    """Of the clusters of rows 0 to 3 those with a later row are taken, by the first kept row of each, if any."""
    prompts = ["a", "b", "a", "c", "a", "b", "d"]
    shards = inputs_of(prompts, tmp_path / "rows", rows_per_shard=4).shards
    files = []
    for index, shard in enumerate(shards):
        files.append(tmp_path / f"{index}.arrow")
        write_arrow(hash_rows(shard, "none"), files[-1])
    equal = group_rows(files, np.array([0, 4]))
    of_all = taken(equal, np.array([True, True, True, True]))
    assert of_all.to_pylist() == [{"group": 0, "row_id": 0}, {"group": 1, "row_id": 1}]
    of_some = taken(equal, np.array([False, False, True, True]))
    assert of_some.to_pylist() == [{"group": 0, "row_id": 2}]


@pytest.mark.real_data
def test_overlapping_corpora_share_their_rows(shared_data: Path, tmp_path: Path) -> None:
    """Two files made from one corpus: the kernel's groups are those of a Polars group-by on the text."""
    prompts = pl.concat(
        pl.read_parquet(shared_data / "corpora" / f"{name}.parquet", columns=["query"])["query"].head(6000)
        for name in ("deepscaler_5levels", "deepscaler_difficulty", "math_train_7500")
    ).to_list()
    found = clusters_of(prompts, tmp_path, normalize="none", rows_per_shard=5000)
    expected = pl.DataFrame({"row_id": range(len(prompts)), "prompt": prompts}).select(
        pl.col("row_id").min().over("prompt"), pl.len().over("prompt")
    )
    assert [row[:2] for row in found] == expected.rows()
    assert expected["row_id"].n_unique() < len(prompts)
