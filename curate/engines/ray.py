"""The Ray engine: the same tasks on a cluster, over a folder that every node sees.

Ray Core tasks, not Ray Data: nothing but file names travels, the files are those of the local engine, and
a task that is done twice (a node was lost, or came back) writes the same file twice. Tasks of stages that
need a GPU go to actors, one per GPU, which keep their model. What a stage does with all rows at once (the
pairs and clusters of near-dedup) runs where the command runs, on that machine's cores.

Lost workers and nodes: Ray gives their tasks to others, `RETRIES` times; a task that kills every worker
is then taken apart (`curate.engines.tasks`).
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

import curate
from curate.engines.tasks import Progress, Task, TaskEngine, WorkerDiedError
from curate.errors import InputError, MachineError
from curate.flow import Runs
from curate.machine import available_cores, available_memory_bytes

RETRIES = 3
OBJECT_STORE_BYTES = 100_000_000
"""Of a cluster that the engine starts: tasks hand over file names, not data."""


class RayEngine(TaskEngine):
    """Runs on a Ray cluster: the one at `address`, or one of this machine that ends with the engine.

    `workers` cores are used by what runs beside the cluster's tasks, in this process; the cluster's own
    cores are the tasks'. Raises MachineError if Ray is not installed, the cluster cannot be reached, a node
    has another curate, Python, Polars or pyarrow (their bytes could differ), or does not see the folder.
    """

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
        *,
        memory_bytes: int | None = None,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(
            workers or available_cores(), memory_bytes or available_memory_bytes() // 2, progress, announce
        )
        self._ray = _connect(address, self.workers)
        self._nodes_seen: set[str] = set()
        self._actors: list[Any] = []

    def close(self) -> None:
        """Leave the cluster; what was started for this engine ends."""
        self._actors.clear()
        self._ray.shutdown()

    @property
    def slots(self) -> int:
        """Cores of the cluster: how many tasks run at once."""
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def _finished(
        self, tasks: Iterable[Task], _n_tasks: int, runs: Runs
    ) -> Iterator[tuple[int, Exception | None]]:
        if runs == "gpu":
            yield from self._on_gpus(tasks)
            return
        remote = self._ray.remote(num_cpus=1, max_retries=RETRIES)(_work)
        waiting: dict[Any, int] = {}
        todo = iter(enumerate(tasks))
        try:
            while True:
                for place, task in todo:
                    waiting[remote.remote(str(Path.cwd()), task)] = place
                    if len(waiting) >= 2 * self.slots:
                        break
                if not waiting:
                    return
                (ended, *_), _ = self._ray.wait(list(waiting))
                yield waiting.pop(ended), self._outcome(ended)
        finally:
            for reference in waiting:
                self._ray.cancel(reference)

    def _on_gpus(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Exception | None]]:
        """Run tasks on one actor per GPU; whoever is free gets the next. Without GPUs, on one per core."""
        n_gpus = int(self._ray.cluster_resources().get("GPU", 0))
        if n_gpus == 0 and not self._actors:
            self._announce("The Ray cluster has no GPU: models run on its cores, one on each.")
        needs = {"num_gpus": 1, "num_cpus": 0} if n_gpus else {"num_cpus": 1}
        while len(self._actors) < (n_gpus or self.slots):
            self._actors.append(self._ray.remote(max_restarts=-1, **needs)(_Worker).remote())
        free = list(self._actors)
        waiting: dict[Any, tuple[int | None, Any]] = {}
        todo = iter(enumerate(tasks))
        while True:
            while free and (following := next(todo, None)) is not None:
                actor = free.pop()
                place, task = following
                call = actor.work.options(max_task_retries=RETRIES)
                waiting[call.remote(str(Path.cwd()), task)] = place, actor
            if not waiting:
                return
            (ended, *_), _ = self._ray.wait(list(waiting))
            finished, actor = waiting.pop(ended)
            outcome = self._outcome(ended)
            if finished is not None and isinstance(outcome, WorkerDiedError):
                waiting[_ping(actor)] = None, actor
            else:
                free.append(actor)
            if finished is not None:
                yield finished, outcome

    def _alone(self, task: Task, runs: Runs) -> Exception | None:
        if runs == "gpu":
            there = {_ping(actor): actor for actor in self._actors}
            (first, *_), _ = self._ray.wait(list(there))
            call = there[first].work.options(max_task_retries=0)
        else:
            call = self._ray.remote(num_cpus=1, max_retries=0, max_calls=1)(_work)
        return self._outcome(call.remote(str(Path.cwd()), task))

    def _outcome(self, reference: Any) -> Exception | None:
        """The error of a task, as the task raised it."""
        from ray import exceptions

        try:
            self._ray.get(reference)
        except exceptions.RayTaskError as error:
            cause = error.cause
            return cause if isinstance(cause, Exception) else error
        except (
            exceptions.WorkerCrashedError,
            exceptions.OutOfMemoryError,
            exceptions.NodeDiedError,
            exceptions.ActorDiedError,
            exceptions.LocalRayletDiedError,
            exceptions.ActorUnavailableError,
        ) as error:
            return WorkerDiedError(
                f"{RETRIES + 1} workers of the Ray cluster ended abruptly over one task (killed, or out of "
                "memory). Finished shards are kept: start the same command again to go on. Ray says: "
                f"{str(error).splitlines()[0]}"
            )
        return None

    def open_folder(self, folder: Path) -> None:
        """Check that every node sees the folder and has the software of this process; each is asked once."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        super().open_folder(folder)
        new = {node: name for node, name in self._nodes().items() if node not in self._nodes_seen}
        if not new:
            return
        token = secrets.token_hex(8)
        file = folder.resolve() / f".seen-{token}.tmp"
        file.write_text(token, encoding="ascii")
        look = self._ray.remote(num_cpus=0, max_retries=RETRIES)(_look)
        try:
            asked = {}
            for node in new:
                there = NodeAffinitySchedulingStrategy(node, soft=False)
                asked[node] = look.options(scheduling_strategy=there).remote(str(Path.cwd()), str(file))
            for node, reference in asked.items():
                self._check_answer(node, new[node], reference, token, folder)
        finally:
            file.unlink()
        self._nodes_seen.update(new)

    def _nodes(self) -> dict[str, str]:
        """Names of the nodes that are alive, by their id."""
        return {node["NodeID"]: node["NodeName"] for node in self._ray.nodes() if node["Alive"]}

    def _check_answer(self, node: str, name: str, reference: Any, token: str, folder: Path) -> None:
        from ray import exceptions

        try:
            found, seen = self._ray.get(reference)
        except exceptions.RayError as error:
            if node not in self._nodes():  # lost meanwhile: nobody will work there
                return
            raise MachineError(
                f"Node {name} of the Ray cluster: expected it to answer before the work begins; "
                f"found {str(error).strip().splitlines()[-1]}. It needs curate {curate.__version__} "
                "installed in the Python that Ray runs there."
            ) from error
        _compare(name, found, seen, token, folder)


class _Worker:
    """An actor that holds a GPU."""

    def work(self, folder: str, task: Task) -> None:
        """Do one task."""
        _work(folder, task)

    def ready(self) -> None:
        """Nothing: who waits for it knows that the actor is there."""


def _ping(actor: Any) -> Any:
    """What is done when an actor is there: one that begins again fails what is asked of it meanwhile, and
    that would be taken for a task's fault.
    """
    return actor.ready.options(max_task_retries=-1).remote()


def _work(folder: str, task: Task) -> None:
    os.chdir(folder)  # file names may be relative
    task()


def versions() -> dict[str, str]:
    """What the bytes of a run depend on, besides the input and the recipe."""
    return {
        "curate": curate.__version__,
        "Python": ".".join(map(str, sys.version_info[:2])),
        "Polars": pl.__version__,
        "pyarrow": pa.__version__,
    }


def _look(folder: str, file: str) -> tuple[dict[str, str], str | None]:
    seen = Path(folder).is_dir() and Path(file).exists()
    return versions(), Path(file).read_text(encoding="ascii") if seen else None


def _compare(name: str, found: dict[str, str], seen: str | None, token: str, folder: Path) -> None:
    for what, version in versions().items():
        if found[what] != version:
            raise MachineError(
                f"Node {name} of the Ray cluster: expected {what} {version}, as here; found {found[what]}. "
                "The bytes of a run could differ: install the same versions everywhere."
            )
    if seen != token:
        raise MachineError(
            f"Node {name} of the Ray cluster: expected to see {folder.resolve()} and {Path.cwd()}, found "
            "one missing. Work in a folder of a file system that all nodes share, under the same path."
        )


def _connect(address: str | None, workers: int) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")  # of tasks that are not waited for any more
    try:
        import ray
    except ImportError as error:
        raise MachineError(
            "--engine ray: Ray is not installed. Install it with: pip install 'curate[ray]'"
        ) from error
    threads = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "CURATE_CORES": "1"}
    settings: dict[str, Any] = {
        "runtime_env": {"env_vars": threads},
        "logging_level": logging.ERROR,
        "log_to_driver": False,
        "include_dashboard": False,
    }
    if address is None:
        settings |= {"num_cpus": workers, "object_store_memory": OBJECT_STORE_BYTES}
    elif address != "auto":
        _reach(address)
    try:
        ray.init(address=address or "local", **settings)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise _no_cluster(address, str(error).strip().splitlines()[0]) from error
    return ray


def _reach(address: str) -> None:
    """Raise InputError if nobody listens at the address: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except (OSError, ValueError) as error:
        raise _no_cluster(address, str(error)) from error


def _no_cluster(address: str | None, why: str) -> InputError:
    return InputError(
        f"--address {address}: expected the HOST:PORT of a running Ray cluster (or auto for this machine's); "
        f"found none: {why}. Start one with: ray start --head --port 6379"
    )
