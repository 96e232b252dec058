"""The local engine maps, shuffles, resumes, and writes the same bytes however the work is spread."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from curate.engines.local import LocalEngine, partition_of
from curate.errors import MachineError
from curate.flow import Dataset, shard_path, write_parquet


def square(item: int) -> pa.Table:
    """A table of one number."""
    return pa.table({"x": pa.array([item * item], pa.int64())})


def die(item: int) -> pa.Table:
    """Kill the worker process."""
    os._exit(9)


def largest_per_key(part: pa.Table) -> pa.Table:
    """Per key the largest value, and how many lines the key has."""
    frame = pl.from_arrow(part)
    assert isinstance(frame, pl.DataFrame)
    return frame.group_by("key").agg(pl.col("v").max(), pl.len().alias("n")).sort("key").to_arrow()


def sorted_lines(part: pa.Table) -> pa.Table:
    """The partition, ordered by key."""
    return part.sort_by("key").combine_chunks()


def dataset(folder: Path, sizes: list[int]) -> Dataset:
    """Shards of the given sizes with a key and a value per line."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    keys = rng.integers(-50, 50, sum(sizes))
    start = 0
    for index, size in enumerate(sizes):
        piece = {"key": keys[start : start + size], "v": np.arange(start, start + size)}
        write_parquet(pa.table(piece), shard_path(folder, index))
        start += size
    return Dataset(tuple(shard_path(folder, index) for index in range(len(sizes))))


@pytest.mark.parametrize("runs", ["thread", "process", "inline"])
def test_map_writes_one_shard_per_item_in_item_order(tmp_path: Path, runs: str) -> None:
    """Shard i holds fn(items[i]) in threads, in processes and inline."""
    with LocalEngine(2) as engine:
        result = engine.map(square, [3, 1, 2], tmp_path / "out", runs=runs)  # type: ignore[arg-type]
    assert result.read()["x"].to_pylist() == [9, 1, 4]
    assert [path.name for path in result.shards] == ["00000.parquet", "00001.parquet", "00002.parquet"]


def test_map_does_not_make_a_finished_shard_again(tmp_path: Path) -> None:
    """A shard that is there is kept as it is: that is how a killed run goes on."""
    (tmp_path / "out").mkdir()
    write_parquet(pa.table({"x": [-1]}), shard_path(tmp_path / "out", 1))
    with LocalEngine(1) as engine:
        assert engine.map(square, [3, 1], tmp_path / "out").read()["x"].to_pylist() == [9, -1]


def test_a_dying_worker_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """A killed worker process ends the run with a message, not a hang or a traceback of futures."""
    with LocalEngine(2) as engine, pytest.raises(MachineError, match="start the same command again"):
        engine.map(die, [1, 2, 3], tmp_path / "out", runs="process")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("partitions", [1, 3, 7])
@pytest.mark.parametrize("sizes", [[1000], [1, 0, 999], [250, 250, 250, 250]])
def test_shuffle_hands_over_whole_groups(
    tmp_path: Path, workers: int, partitions: int, sizes: list[int]
) -> None:
    """Every key meets all of its lines once, whatever the sharding, partitions and workers."""
    rows = dataset(tmp_path / "in", sizes)
    with LocalEngine(workers) as engine:
        result = engine.shuffle(rows, "key", largest_per_key, tmp_path / "out", partitions=partitions)
    found = pl.from_arrow(result.read()).sort("key")  # type: ignore[union-attr]
    expected = largest_per_key(rows.read())
    assert found.to_arrow().to_pydict() == expected.to_pydict()
    assert not (tmp_path / "out" / ".exchange").exists()


def test_shuffle_with_bounds_is_in_key_order(tmp_path: Path) -> None:
    """Range partitions: partition i holds bounds[i-1] <= key < bounds[i]."""
    rows = dataset(tmp_path / "in", [400, 600])
    with LocalEngine(2) as engine:
        result = engine.shuffle(rows, "key", sorted_lines, tmp_path / "out", bounds=[-10, 0, 49])
    keys = [Dataset((shard,)).read()["key"].to_pylist() for shard in result.shards]
    assert [bool(part) for part in keys] == [True] * 4
    assert max(keys[0]) < -10 <= min(keys[1]) <= max(keys[1]) < 0 <= min(keys[2]) < 49 <= min(keys[3])
    assert [key for part in keys for key in part] == sorted(rows.read()["key"].to_pylist())


def test_shuffle_bytes_do_not_depend_on_workers_or_sharding(tmp_path: Path) -> None:
    """The same lines in other shards, with other workers, give the same files."""
    one, four = dataset(tmp_path / "one", [1000]), dataset(tmp_path / "four", [250] * 4)
    for name, rows, workers in (("a", one, 1), ("b", four, 2)):
        with LocalEngine(workers) as engine:
            engine.shuffle(rows, "key", sorted_lines, tmp_path / name, bounds=[-20, 0, 30])
    files = sorted((tmp_path / "a").iterdir())
    assert len(files) == 4
    for file in files:
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_hash_partitions_are_even_and_cover_all_keys() -> None:
    """Consecutive ids spread evenly over partitions, and negative and unsigned keys are fine."""
    part = partition_of(np.arange(100_000), 7, None)
    assert set(part) == set(range(7))
    assert np.bincount(part).max() < 1.05 * 100_000 / 7
    assert partition_of(np.array([-1, 2**63 - 1]), 3, None).max() < 3
    assert partition_of(np.array([2**64 - 1], dtype=np.uint64), 3, None).max() < 3
