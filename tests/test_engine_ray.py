"""The Ray engine on a real cluster of two nodes: the local engine's bytes, workers and nodes lost on the way."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from curate.cli.main import app
from curate.engines.local import LocalEngine
from curate.errors import InputError, MachineError
from curate.flow import Apart, Dataset, shard_path, write_parquet

ray = pytest.importorskip("ray", reason="Ray is not installed: the Ray engine is NOT tested")

from curate.engines.ray import RayEngine  # noqa: E402 - after the question whether there is Ray

ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the nodes do not have the tests


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes with two cores and one pretended GPU each, each with its own scheduler."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "num_gpus": 1, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    cluster.add_node(**node)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def engine(cluster: Any) -> Iterator[RayEngine]:
    """An engine on the cluster."""
    with RayEngine(cluster.address) as engine:
        yield engine


def square(item: int) -> pa.Table:
    """A number, its square and the process that did it."""
    return pa.table({"x": pa.array([item * item], pa.int64())})


def process(_item: int) -> pa.Table:
    """Who did it, and what it may see of GPUs."""
    time.sleep(0.3)
    return pa.table({"node": [ray.get_runtime_context().get_node_id()], "pid": [os.getpid()],
                     "gpus": [len(ray.get_gpu_ids())]})  # fmt: skip


def sorted_lines(part: pa.Table) -> pa.Table:
    """The partition, ordered by key and value."""
    return part.sort_by([("key", "ascending"), ("v", "ascending")]).combine_chunks()


def shards_of(folder: Path, sizes: list[int]) -> Dataset:
    """Shards of the given sizes with a key and a value per line."""
    folder.mkdir()
    rng = np.random.default_rng(7)
    for index, size in enumerate(sizes):
        table = pa.table({"key": rng.integers(-50, 50, size), "v": np.arange(size) + 1000 * index})
        write_parquet(table, shard_path(folder, index))
    return Dataset(tuple(shard_path(folder, index) for index in range(len(sizes))))


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every file under a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_map_and_shuffle_write_the_bytes_of_the_local_engine(engine: RayEngine, tmp_path: Path) -> None:
    """Evidence does not tell where it was made."""
    rows = shards_of(tmp_path / "in", [400, 0, 600])
    for name, other in (("ray", engine), ("local", LocalEngine(2))):
        other.map(square, range(7), tmp_path / name / "map")
        other.shuffle(rows, "key", sorted_lines, tmp_path / name / "hashed", partitions=5)
        other.shuffle(rows, "key", sorted_lines, tmp_path / name / "ranged", bounds=[-20, 0, 30])
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")
    assert len(contents(tmp_path / "ray")) == 7 + 5 + 4


def test_both_nodes_work(engine: RayEngine, tmp_path: Path) -> None:
    """Tasks are spread over the nodes of the cluster."""
    done = engine.map(process, range(12), tmp_path / "out").read()
    assert len(set(done["node"].to_pylist())) == 2
    assert os.getpid() not in done["pid"].to_pylist()


def test_a_gpu_stage_has_one_actor_per_gpu(engine: RayEngine, tmp_path: Path) -> None:
    """Each GPU is held by one process, which does many tasks: its model is loaded once."""
    done = engine.map(process, range(10), tmp_path / "out", runs="gpu").read()
    assert set(done["gpus"].to_pylist()) == {1}
    assert len(set(done["pid"].to_pylist())) == 2


def die_of_seven(item: tuple[int, ...]) -> pa.Table:
    """The numbers; the process that meets a 7 is killed."""
    if 7 in item:
        os.kill(os.getpid(), signal.SIGKILL)
    return pa.table({"x": pa.array(item, pa.int64())})


def fail_on_seven(item: tuple[int, ...]) -> pa.Table:
    """The numbers; a 7 is a failure that nobody foresaw."""
    if 7 in item:
        raise ZeroDivisionError("seven")
    return pa.table({"x": pa.array(item, pa.int64())})


def halves(item: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Two halves; none of a single number."""
    middle = len(item) // 2
    return [item[:middle], item[middle:]] if middle else []


APART = Apart(halves, lambda _item: pa.table({"x": pa.array([-1], pa.int64())}), lambda item: f"item {item}")


@pytest.mark.parametrize("runs", ["process", "gpu"])
@pytest.mark.parametrize("fn", [die_of_seven, fail_on_seven])
def test_a_poisoned_row_costs_that_row(cluster: Any, tmp_path: Path, runs: Any, fn: Any) -> None:
    """A row that kills every worker, or fails, is found by halving, marked, told, and not tried for ever."""
    told: list[str] = []
    with RayEngine(cluster.address, announce=told.append) as engine:
        items = [tuple(range(8)), (8, 9)]
        done = engine.map(fn, items, tmp_path / "out", runs=runs, label="stage", apart=APART)
    assert done.read()["x"].to_pylist() == [0, 1, 2, 3, 4, 5, 6, -1, 8, 9]
    assert len(told) == 1
    assert told[0].startswith("stage: item (7,) is left undecided: ")
    assert not (tmp_path / "out" / ".parts").exists()


def test_without_a_way_to_halve_a_dying_worker_stops_the_run(engine: RayEngine, tmp_path: Path) -> None:
    """After three retries the run ends with a message, and what was finished is there."""
    with pytest.raises(MachineError, match="start the same command again"):
        engine.map(die_of_seven, [(1,), (2,), (7,)], tmp_path / "out")
    assert shard_path(tmp_path / "out", 0).exists()


ROLLOUTS = """
[source]
files = ["rows.jsonl"]
[evidence.roll]
stage = "rollouts"
model = "hf:MODEL"
n = 3
[evidence.roll.sampling]
max-tokens = 80
[evidence.math]
stage = "math-verify"
[evidence.pass]
stage = "pass-rate"
[evidence.exact]
stage = "exact-dedup"
[evidence.near]
stage = "near-dedup"
[evidence.conflict]
stage = "label-conflict"
clusters = "near"
[output]
format = "verl"
"""


def test_a_whole_run_with_a_model_has_the_bytes_of_the_local_one(
    cluster: Any, small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rollouts on two GPU actors, verdicts, deduplication, records: the folders are equal, byte for byte."""
    monkeypatch.chdir(tmp_path)
    rows = [{"problem": f"Ann has {n % 70} pens and buys {n % 9} more. How many pens?", "answer": str(n % 70 + n % 9)}
            for n in range(140)]  # fmt: skip
    Path("rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    Path("recipe.toml").write_text(ROLLOUTS.replace("MODEL", str(small_model)), encoding="utf-8")
    there = ["--engine", "ray", "--address", cluster.address]
    for out, options in (("ray", there), ("local", [])):
        result = CliRunner().invoke(app, ["run", "recipe.toml", "-o", out, *options])
        assert result.exit_code == 0, result.output
    made = {out: {name: text for name, text in contents(tmp_path / out).items() if not name.startswith(".")}
            for out in ("ray", "local")}  # fmt: skip
    assert made["ray"] == made["local"]
    assert len(made["ray"]) > 15


def slowly(item: int) -> pa.Table:
    """A square, after a while."""
    time.sleep(0.4)
    return square(item)


def test_killed_workers_and_a_lost_node_change_nothing(tmp_path: Path) -> None:
    """Workers are killed and a node is taken away while they work: all shards are there, and right."""
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 2, "object_store_memory": 100_000_000, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=node)
    second = cluster.add_node(**node)
    lost: list[int] = []
    done_before: list[Path] = []

    def havoc() -> None:
        while not shard_path(tmp_path / "ray", 1).exists():
            time.sleep(0.05)
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and len(lost) < 2 and _is_at_work(folder):
                os.kill(int(folder.name), signal.SIGKILL)
                lost.append(int(folder.name))
        cluster.remove_node(second, allow_graceful=False)
        done_before.extend((tmp_path / "ray").glob("*.parquet"))

    try:
        with RayEngine(cluster.address) as engine:
            killer = threading.Thread(target=havoc)
            killer.start()
            done = engine.map(slowly, range(40), tmp_path / "ray")
            killer.join()
            while len([one for one in ray.nodes() if one["Alive"]]) > 1:  # the cluster has to notice
                time.sleep(0.1)
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert lost
    assert len(done_before) < 40
    assert done.read()["x"].to_pylist() == [item * item for item in range(40)]


def _is_at_work(folder: Path) -> bool:
    try:
        return b"ray::_work" in (folder / "cmdline").read_bytes()
    except OSError:  # it has ended
        return False


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1", "nowhere.invalid:6379"])
def test_no_cluster_at_the_address_says_how_to_start_one(address: str) -> None:
    """A wrong address is an error of the command, not a hang."""
    with pytest.raises(InputError, match="ray start --head"):
        RayEngine(address)
