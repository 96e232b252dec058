"""The local engine maps, shuffles, resumes, and writes the same bytes however the work is spread."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from curate.engines.exchange import partition_of
from curate.engines.local import LocalEngine
from curate.errors import MachineError
from curate.flow import Apart, Dataset, Runs, shard_path, write_parquet


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


def die_of_seven(item: tuple[int, ...]) -> pa.Table:
    """The numbers; the process that meets a 7 is killed."""
    if 7 in item:
        os._exit(9)
    return pa.table({"x": pa.array(item, pa.int64())})


def fail_on_sevens(item: tuple[int, ...]) -> pa.Table:
    """The numbers; those that end in 7 are a failure that nobody foresaw."""
    if any(number % 10 == 7 for number in item):
        raise ZeroDivisionError("seven")
    return pa.table({"x": pa.array(item, pa.int64())})


def full_disk(item: tuple[int, ...]) -> pa.Table:
    """What no row is to blame for."""
    raise OSError(28, "No space left on device")


def halves(item: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Two halves; none of a single number."""
    middle = len(item) // 2
    return [item[:middle], item[middle:]] if middle else []


APART = Apart(halves, lambda _item: pa.table({"x": pa.array([-1], pa.int64())}), lambda item: f"item {item}")


@pytest.mark.parametrize(
    ("fn", "runs", "workers"),
    [(die_of_seven, "process", 2), (fail_on_sevens, "process", 2), (fail_on_sevens, "thread", 2),
     (fail_on_sevens, "inline", 1)],
)  # fmt: skip
def test_a_poisoned_row_costs_that_row(
    tmp_path: Path, fn: Callable[[tuple[int, ...]], pa.Table], runs: Runs, workers: int
) -> None:
    """A row that kills its worker, or fails, is found by halving, marked and told; all others are done."""
    told: list[str] = []
    with LocalEngine(workers, announce=told.append) as engine:
        items = [tuple(range(10)), (10, 11), (12,)]
        done = engine.map(fn, items, tmp_path / "out", runs=runs, label="stage", apart=APART)
    assert done.read()["x"].to_pylist() == [0, 1, 2, 3, 4, 5, 6, -1, 8, 9, 10, 11, 12]
    assert [line.split(": ")[:2] for line in told] == [["stage", "item (7,) is left undecided"]]
    assert not (tmp_path / "out" / ".parts").exists()


def test_many_poisoned_rows_stop_the_run(tmp_path: Path) -> None:
    """A failure on row after row is the stage's, not the rows'."""
    with LocalEngine(1) as engine, pytest.raises(ZeroDivisionError):
        engine.map(fail_on_sevens, [tuple(range(200))], tmp_path / "out", runs="inline", apart=APART)
    assert not shard_path(tmp_path / "out", 0).exists()


def test_a_full_disk_is_no_poisoned_row(tmp_path: Path) -> None:
    """What the machine is to blame for stops the run and marks nothing."""
    with LocalEngine(2) as engine, pytest.raises(OSError, match="No space left"):
        engine.map(full_disk, [(1, 2), (3, 4)], tmp_path / "out", apart=APART)


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
