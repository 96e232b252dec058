"""The two verbs, on top of a way to run tasks: what every engine shares, so that all write the same bytes.

A task writes one file, whole or not at all, so doing it twice is harmless. An engine says how tasks are run
(`_finished`) and how one is run by itself (`_alone`); a task that its workers die of, or whose function
fails, is done in halves here (`Apart`), so that one bad row costs one row.
"""

from __future__ import annotations

import functools
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from curate.disk import write_arrow
from curate.engines.exchange import gather, partitions_for, scatter
from curate.errors import CurateError, MachineError
from curate.flow import Apart, Dataset, Gathered, Runs, shard_path, write_parquet

Task = Callable[[], None]
Progress = Callable[[str, int, int], None]
MOST_LOST = 16
"""Rows of one shard that may be lost to failures before the whole run stops."""


class WorkerDiedError(MachineError):
    """A worker process ended abruptly; the message says how."""


class TaskEngine(ABC):
    """`map` and `shuffle` of an engine that knows how to run tasks."""

    def __init__(
        self,
        workers: int,
        memory_bytes: int,
        progress: Progress | None = None,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        self.workers = workers
        self.memory_bytes = memory_bytes
        self._progress = progress or (lambda _label, _done, _total: None)
        self._announce = announce or (lambda _line: None)

    def open_folder(self, folder: Path) -> None:
        """Make a folder, and check that whoever does the tasks can write it."""
        folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:  # noqa: B027 - an engine may have nothing to end
        """End what the engine started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def map(
        self,
        fn: Callable[[Any], pa.Table],
        items: Sequence[Any],
        into: Path,
        *,
        runs: Runs = "process",
        label: str = "",
        scratch: bool = False,
        apart: Apart | None = None,
    ) -> Dataset:
        """Write `fn(items[i])` to shard i of `into`; shards already there are not made again."""
        self.open_folder(into)
        write = write_arrow if scratch else write_parquet
        shards = tuple(
            shard_path(into, index, "arrow" if scratch else "parquet") for index in range(len(items))
        )
        todo = [index for index, shard in enumerate(shards) if not shard.exists()]
        tasks = (functools.partial(make_shard, fn, items[index], shards[index], write) for index in todo)
        for place, error in self._run(tasks, len(todo), runs, label, len(items) - len(todo)):
            index = todo[place]
            if apart is None or not _is_of_a_row(error):
                raise error
            write(self._in_halves(fn, items[index], into, runs, label, apart), shards[index])
        return Dataset(shards)

    def shuffle(
        self,
        rows: Dataset,
        by: str,
        fn: Gathered,
        into: Path,
        *,
        partitions: int | None = None,
        bounds: Sequence[int] | None = None,
        label: str = "",
    ) -> Dataset:
        """Bring lines with equal `by` together; write fn(partition) to one shard per partition."""
        if bounds is not None:
            partitions = len(bounds) + 1
        elif partitions is None:
            partitions = partitions_for(rows.shards)
        self.open_folder(into)
        shards = tuple(shard_path(into, index) for index in range(partitions))
        todo = [index for index, shard in enumerate(shards) if not shard.exists()]
        if not todo:
            return Dataset(shards)
        exchange = into / ".exchange"
        exchange.mkdir(exist_ok=True)  # what a killed run left there is whole, file by file
        files = [shard_path(exchange, index, "arrow") for index in range(len(rows.shards))]
        scattering = [
            functools.partial(scatter, shard, by, partitions, bounds, file)
            for shard, file in zip(rows.shards, files, strict=True)
            if not file.exists()
        ]
        gathering = [functools.partial(gather, files, index, fn, shards[index]) for index in todo]
        for tasks, what in ((scattering, f"{label}: exchange" if label else ""), (gathering, label)):
            for _, error in self._run(tasks, len(tasks), "thread", what, 0):
                raise error
        shutil.rmtree(exchange)
        return Dataset(shards)

    def _run(
        self, tasks: Iterable[Task], n_tasks: int, runs: Runs, label: str, already: int
    ) -> Iterator[tuple[int, Exception]]:
        """Run the tasks with progress; yields the place and the error of those that failed."""
        total = already + n_tasks
        if label:
            self._progress(label, already, total)
        for done, (place, error) in enumerate(self._finished(tasks, n_tasks, runs), start=already + 1):
            if error is not None:
                yield place, error
            if label:
                self._progress(label, done, total)

    @abstractmethod
    def _finished(
        self, tasks: Iterable[Task], n_tasks: int, runs: Runs
    ) -> Iterator[tuple[int, Exception | None]]:
        """Run the tasks, a few of them waiting at once, and yield place and error of each as it ends."""

    @abstractmethod
    def _alone(self, task: Task, runs: Runs) -> Exception | None:
        """Run one task where it can hurt nothing else, and give its error."""

    def _in_halves(
        self,
        fn: Callable[[Any], pa.Table],
        item: Any,
        into: Path,
        runs: Runs,
        label: str,
        apart: Apart,
    ) -> pa.Table:
        """`fn(item)` put together from parts of the item, lines that cannot be done marked as such."""
        folder = into / ".parts"
        folder.mkdir(exist_ok=True)
        n_lost = 0

        def done(part: Any) -> list[pa.Table]:
            nonlocal n_lost
            halves = apart.halves(part)
            for _attempt in range(1 if halves else 2):  # somebody else may have killed the worker
                file = folder / "part.arrow"
                error = self._alone(functools.partial(make_shard, fn, part, file, write_arrow), runs)
                if error is None:
                    return [_read_arrow(file)]
                if not _is_of_a_row(error):
                    raise error
            if halves:
                return [table for half in halves for table in done(half)]
            n_lost += 1
            assert error is not None
            if n_lost > MOST_LOST:
                raise error
            self._announce(f"{label}: {apart.name(part)} is left undecided: {type(error).__name__}: {error}")
            return [apart.lost(part)]

        table = pa.concat_tables(
            table for half in apart.halves(item) or (item,) for table in done(half)
        ).combine_chunks()
        shutil.rmtree(folder)
        return table


def make_shard(
    fn: Callable[[Any], pa.Table], item: Any, shard: Path, write: Callable[[pa.Table, Path], None]
) -> None:
    """Write fn(item)."""
    write(fn(item), shard)


def _is_of_a_row(error: Exception) -> bool:
    """Whether a row may be the reason: a worker that died, or a failure nobody foresaw."""
    if isinstance(error, WorkerDiedError):
        return True
    return not isinstance(error, CurateError | OSError | MemoryError)


def _read_arrow(file: Path) -> pa.Table:
    with file.open("rb") as source:
        return pa.ipc.open_file(source.read()).read_all()
