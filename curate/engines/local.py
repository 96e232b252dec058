"""The local engine: threads where the kernel releases the GIL, spawned processes for plain Python.

Processes are spawned, never forked: Polars deadlocks in a forked child. A shuffle writes one Arrow
file per map task with one record batch per partition and maps the files into memory to read them,
so what fits stays in the page cache and what does not is on disk; the code path is the same.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.disk import write_arrow
from curate.errors import MachineError
from curate.flow import Dataset, shard_path, write_parquet

PARTITION_BYTES = 64 << 20
Progress = Callable[[str, int, int], None]


def available_cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory_bytes() -> int:
    """Memory this process may use: what the machine has, or what its control group may use."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with contextlib.suppress(FileNotFoundError, ValueError):  # no such group, or no limit ("max")
            limits.append(int(Path(limit).read_text(encoding="ascii")))
    return min(limits)


class LocalEngine:
    """Runs on this machine's cores. Close it (or use it in `with`) to end its worker processes."""

    def __init__(
        self,
        workers: int | None = None,
        progress: Progress | None = None,
        *,
        memory_bytes: int | None = None,
    ) -> None:
        self.workers = workers or available_cores()
        self.memory_bytes = memory_bytes or available_memory_bytes() // 2
        self._progress = progress or (lambda _label, _done, _total: None)
        self._processes: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker processes."""
        if self._processes is not None:
            self._processes.shutdown(wait=True, cancel_futures=True)
            self._processes = None

    def map(
        self,
        fn: Callable[[Any], pa.Table],
        items: Sequence[Any],
        into: Path,
        *,
        runs: Literal["thread", "process", "inline"] = "process",
        label: str = "",
        scratch: bool = False,
    ) -> Dataset:
        """Write `fn(items[i])` to shard i of `into`; shards already there are not made again."""
        into.mkdir(parents=True, exist_ok=True)
        write = write_arrow if scratch else write_parquet
        kind = "arrow" if scratch else "parquet"
        shards = tuple(shard_path(into, index, kind) for index in range(len(items)))
        todo = [index for index, shard in enumerate(shards) if not shard.exists()]
        tasks = (functools.partial(_make_shard, fn, items[index], shards[index], write) for index in todo)
        self._run(tasks, len(todo), runs, label, already=len(items) - len(todo))
        return Dataset(shards)

    def shuffle(
        self,
        rows: Dataset,
        by: str,
        fn: Callable[[pa.Table], pa.Table],
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
            size = sum(_uncompressed_bytes(shard) for shard in rows.shards)
            partitions = max(1, min(4096, -(-size // PARTITION_BYTES)))
        into.mkdir(parents=True, exist_ok=True)
        shards = tuple(shard_path(into, index) for index in range(partitions))
        if all(shard.exists() for shard in shards):
            return Dataset(shards)
        exchange = into / ".exchange"
        shutil.rmtree(exchange, ignore_errors=True)
        exchange.mkdir()
        try:
            files = [exchange / f"{index:05d}.arrow" for index in range(len(rows.shards))]
            scatter = [
                functools.partial(_scatter, shard, by, partitions, bounds, file)
                for shard, file in zip(rows.shards, files, strict=True)
            ]
            self._run(scatter, len(scatter), "thread", f"{label}: exchange" if label else "")
            gather = [
                functools.partial(_gather, files, index, fn, shard) for index, shard in enumerate(shards)
            ]
            self._run(gather, len(gather), "thread", label)
        finally:
            shutil.rmtree(exchange, ignore_errors=True)
        return Dataset(shards)

    def _run(
        self,
        tasks: Iterable[Callable[[], None]],
        n_tasks: int,
        runs: Literal["thread", "process", "inline"],
        label: str,
        already: int = 0,
    ) -> None:
        total = already + n_tasks
        if label:
            self._progress(label, already, total)
        for done, _ in enumerate(self._completed(tasks, n_tasks, runs), start=already + 1):
            if label:
                self._progress(label, done, total)

    def _completed(
        self, tasks: Iterable[Callable[[], None]], n_tasks: int, runs: Literal["thread", "process", "inline"]
    ) -> Iterator[None]:
        """Run the tasks, at most two a worker waiting at once, and yield as they end, in order."""
        if runs == "inline" or self.workers == 1 or n_tasks <= 1:
            for task in tasks:
                yield task()
            return
        if runs == "thread":
            with ThreadPoolExecutor(self.workers) as threads:
                yield from _in_order(threads, tasks, 2 * self.workers)
            return
        try:
            yield from _in_order(self._process_pool(), tasks, 2 * self.workers)
        except BrokenProcessPool as error:
            self._processes = None
            raise MachineError(
                "A worker process ended abruptly (killed, or out of memory). Finished shards are kept: "
                "start the same command again to go on, with fewer --workers if memory is short."
            ) from error

    def _process_pool(self) -> ProcessPoolExecutor:
        if self._processes is None:
            self._processes = ProcessPoolExecutor(
                self.workers, mp_context=multiprocessing.get_context("spawn"), initializer=_worker_starts
            )
        return self._processes


def _worker_starts() -> None:
    """Runs first in a worker: Ctrl-C is the parent's to handle."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_order(executor: Executor, tasks: Iterable[Callable[[], None]], waiting: int) -> Iterator[None]:
    pending: list[Future[None]] = []
    try:
        for task in tasks:
            pending.append(executor.submit(task))
            if len(pending) >= waiting:
                yield pending.pop(0).result()
        while pending:
            yield pending.pop(0).result()
    except BaseException:
        for future in pending:
            future.cancel()
        raise


def _make_shard(
    fn: Callable[[Any], pa.Table], item: Any, shard: Path, write: Callable[[pa.Table, Path], None]
) -> None:
    write(fn(item), shard)


def partition_of(keys: np.ndarray, partitions: int, bounds: Sequence[int] | None) -> np.ndarray:
    """Partition of each integer key: by range if there are bounds, else by a fixed multiplicative hash."""
    if bounds is not None:
        return np.searchsorted(np.asarray(bounds, dtype=keys.dtype), keys, side="right").astype(np.int64)
    mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)).astype(np.int64)


def _scatter(shard: Path, by: str, partitions: int, bounds: Sequence[int] | None, file: Path) -> None:
    table = pq.read_table(shard, use_threads=False).combine_chunks()
    part = partition_of(table[by].to_numpy(), partitions, bounds)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(partitions + 1))
    table = table.take(pa.array(order))
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        for index in range(partitions):
            piece = table.slice(starts[index], starts[index + 1] - starts[index]).combine_chunks()
            batches = piece.to_batches()
            writer.write_batch(batches[0] if batches else _empty_batch(table.schema))


def _gather(files: list[Path], partition: int, fn: Callable[[pa.Table], pa.Table], shard: Path) -> None:
    if shard.exists():
        return
    batches = []
    for file in files:
        reader = pa.ipc.open_file(pa.memory_map(str(file)))
        batches.append(reader.get_batch(partition))
    write_parquet(fn(pa.Table.from_batches(batches)), shard)


def _empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _uncompressed_bytes(shard: Path) -> int:
    metadata = pq.read_metadata(shard)
    return sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
