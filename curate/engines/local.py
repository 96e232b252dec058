"""The local engine: threads where the kernel releases the GIL, spawned processes for plain Python.

Processes are spawned, never forked: Polars deadlocks in a forked child.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from curate.engines.tasks import Progress, Task, TaskEngine, WorkerDiedError
from curate.flow import Runs
from curate.machine import available_cores, available_memory_bytes


class LocalEngine(TaskEngine):
    """Runs on this machine's cores. Close it (or use it in `with`) to end its worker processes."""

    def __init__(
        self,
        workers: int | None = None,
        progress: Progress | None = None,
        *,
        memory_bytes: int | None = None,
        announce: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(
            workers or available_cores(), memory_bytes or available_memory_bytes() // 2, progress, announce
        )
        self._processes: ProcessPoolExecutor | None = None
        self._lone: ProcessPoolExecutor | None = None

    def close(self) -> None:
        """End the worker processes."""
        for processes in (self._processes, self._lone):
            if processes is not None:
                processes.shutdown(wait=True, cancel_futures=True)
        self._processes = self._lone = None

    def _finished(
        self, tasks: Iterable[Task], n_tasks: int, runs: Runs
    ) -> Iterator[tuple[int, Exception | None]]:
        if runs in ("inline", "gpu") or self.workers == 1 or n_tasks <= 1:
            for place, task in enumerate(tasks):
                yield place, _here(task)
        elif runs == "thread":
            with ThreadPoolExecutor(self.workers) as threads:
                yield from self._submitted(threads, tasks, runs)
        else:
            if self._processes is None:
                self._processes = _processes(self.workers)
            yield from self._submitted(self._processes, tasks, runs)

    def _submitted(
        self, executor: Executor, tasks: Iterable[Task], runs: Runs
    ) -> Iterator[tuple[int, Exception | None]]:
        """Have the tasks done by an executor, at most two a worker waiting at once; in order."""
        pending: deque[tuple[int, Task, Future[None]]] = deque()
        try:
            for place, task in enumerate(tasks):
                pending.append((place, task, self._submit(executor, task)))
                if len(pending) >= 2 * self.workers:
                    yield self._outcome(*pending.popleft(), runs)
            while pending:
                yield self._outcome(*pending.popleft(), runs)
        finally:
            for _, _, future in pending:
                future.cancel()

    def _submit(self, executor: Executor, task: Task) -> Future[None]:
        """Submit to an executor that may be broken: then to nobody, and `_outcome` does the task alone."""
        try:
            if isinstance(executor, ProcessPoolExecutor):
                executor = self._processes = self._processes or _processes(self.workers)
            return executor.submit(task)
        except BrokenProcessPool as error:
            future: Future[None] = Future()
            future.set_exception(error)
            return future

    def _outcome(
        self, place: int, task: Task, future: Future[None], runs: Runs
    ) -> tuple[int, Exception | None]:
        """Place and error of a task. One that a dying worker took along is done again, by itself."""
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            self._processes = None
            return place, self._alone(task, runs)
        if error is not None and not isinstance(error, Exception):
            raise error
        return place, error

    def _alone(self, task: Task, runs: Runs) -> Exception | None:
        if runs != "process":
            return _here(task)
        self._lone = self._lone or _processes(1)
        error = self._lone.submit(task).exception()
        if isinstance(error, BrokenProcessPool):
            self._lone = None
            return WorkerDiedError(
                "A worker process ended abruptly (killed, or out of memory). Finished shards are kept: "
                "start the same command again to go on, with fewer --workers if memory is short."
            )
        if error is not None and not isinstance(error, Exception):
            raise error
        return error


def _here(task: Task) -> Exception | None:
    try:
        task()
    except Exception as error:
        return error
    return None


def _processes(workers: int) -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=spawn, initializer=_worker_starts)


def _worker_starts() -> None:
    """Runs first in a worker: Ctrl-C is the parent's to handle, and without the parent there is no work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A worker waits for work at a pipe that it holds open itself: a parent that is killed goes unseen."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
