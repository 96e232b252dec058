"""A pool of processes that compare answers, and of which any one may hang or die.

`Pool.compare(pairs)` gives one outcome for every pair, in order, whatever the pairs do. A pair
that takes too long, too much memory or the whole process costs one worker; the pairs that were
waiting behind it go to another one. A pair is blamed for a crash only when its worker died under
it twice, so a worker killed from outside changes no verdict.

A worker is thrown away after a pair that was stopped, after `RECYCLE_ROWS` pairs, and when its
memory has grown (the parser and sympy never forget). Forking a new one takes milliseconds.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import IO, Literal, NamedTuple, Self

from curate.answers.zygote import FORK, KILL, KILLED_BY_TIMER, READY, REPLY, REQUEST, Limits
from curate.errors import MachineError
from curate.machine import available_cores

CHUNK_ROWS = 8  # about 100 ms of work: long against a message (0.1 ms), short against a shard
RECYCLE_ROWS = 5_000
RECYCLE_BYTES = 700_000_000
START_S = 120.0  # importing sympy takes a second, and a minute from a cold network disk
MAX_CRASHES = 2


class Outcome(NamedTuple):
    """What became of one pair: a verdict, why, and a status (`ok` if it could be compared)."""

    verdict: Literal["equal", "unequal", "undecided"]
    why: str
    status: Literal["ok", "timeout", "memory", "crashed", "error"]


class _Zygote:
    """The process that forks workers (`curate.answers.zygote`); start it with the constructor."""

    def __init__(self, limits: Limits) -> None:
        self.control, theirs = socket.socketpair()
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)  # noqa: PTH109 - a plain string
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            # Same verdicts everywhere: set order, and integers that a signal can interrupt.
            "PYTHONHASHSEED": "0",
            "SYMPY_GROUND_TYPES": "python",
            "MPMATH_NOGMPY": "1",
        }
        command = [sys.executable, "-P", "-m", "curate.answers.zygote", str(theirs.fileno())]
        with tempfile.TemporaryFile() as errors, theirs:
            self.process = subprocess.Popen(
                [*command, json.dumps(limits)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is for the process that has the pool
            )
            theirs.close()
            self._wait_until_ready(errors)

    def _wait_until_ready(self, errors: IO[bytes]) -> None:
        self.control.settimeout(START_S)
        try:
            ready = self.control.recv(1)
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                ready = b""
            else:
                raise
        if ready != READY:
            self.close()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()[-2_000:] or "it said nothing"
            raise MachineError(
                f"the process that compares answers did not start within {START_S:g} s; "
                f"it needs the packages math-verify and sympy in {sys.executable}. It said:\n{said}"
            )

    def _ask(self, what: bytes, number: int, sockets: list[int]) -> int:
        """The zygote's reply to one request; raises ConnectionError if it is gone."""
        request = REQUEST.pack(what, number)
        if sockets:
            socket.send_fds(self.control, [request], sockets)
        else:
            self.control.sendall(request)
        reply = self.control.recv(REPLY.size)
        if len(reply) < REPLY.size:
            raise ConnectionResetError("the zygote is gone")
        number, *_ = REPLY.unpack(reply)
        return int(number)

    def fork(self) -> tuple[int, socket.socket]:
        """A new worker: its process id and the socket to speak with it."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                worker = self._ask(FORK, 0, [theirs.fileno()])
            except BaseException:
                ours.close()
                raise
        if worker < 0:
            ours.close()
            raise MachineError(
                f"could not start a process to compare answers: {os.strerror(-worker)}. "
                "Free memory or raise the limit on processes, then run again: finished shards are kept."
            )
        return worker, ours

    def kill(self, worker: int) -> int | None:
        """End a worker if it still runs; the signal that ended it, None if it left by itself."""
        status = self._ask(KILL, worker, [])
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else None

    def close(self) -> None:
        """End the zygote, which ends its workers."""
        self.control.close()
        try:
            self.process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class _Worker:
    """One worker process, the pairs it was given and has not answered, and since when it is at the first."""

    def __init__(self, zygote: _Zygote, wall_s: float) -> None:
        self.zygote = zygote
        self.pid, self.socket = zygote.fork()
        self.socket.settimeout(wall_s)
        self.waiting: deque[int] = deque()
        self.received = b""
        self.since = 0.0
        self.done = 0
        self.peak_bytes = 0

    def send(self, rows: Sequence[int], pairs: Sequence[tuple[str, str]]) -> None:
        """Give it pairs; a worker that is gone shows it when its reply is read."""
        self.waiting.extend(rows)
        self.since = time.monotonic()
        with contextlib.suppress(OSError):
            self.socket.sendall(json.dumps([[row, *pairs[row]] for row in rows]).encode() + b"\n")

    def receive(self) -> list[tuple[int, Outcome]] | None:
        """The outcomes that have come since the last call; None when the worker is gone."""
        try:
            received = self.socket.recv(1 << 16)
        except OSError:
            return None
        if not received:
            return None
        *lines, self.received = (self.received + received).split(b"\n")
        outcomes = []
        for line in lines:
            row, verdict, why, status, self.peak_bytes = json.loads(line)
            assert self.waiting.popleft() == row, "a worker answers in order"
            outcomes.append((row, Outcome(verdict, why, status)))
        self.since = time.monotonic()
        self.done += len(outcomes)
        return outcomes

    @property
    def is_worn(self) -> bool:
        """Whether a fresh worker should take its place."""
        return self.done >= RECYCLE_ROWS or self.peak_bytes >= RECYCLE_BYTES

    @property
    def is_gone(self) -> bool:
        """Whether a worker with nothing to say has something to read: the end of its socket."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            return bool(selector.select(0))

    def end(self) -> int | None:
        """Kill it; the signal that ended it, None if it left by itself or nobody knows."""
        self.socket.close()
        try:
            return self.zygote.kill(self.pid)
        except OSError:
            return None  # the zygote is gone; the worker leaves at the end of its socket


class Pool:
    """Processes that compare answers; usable from several threads (one at a time, the others wait).

    Nothing is started before the first pair. `close()`, or leaving the `with` block, ends all of
    its processes; so does the end of this process, however it comes.
    """

    def __init__(self, limits: Limits | None = None, workers: int | None = None) -> None:
        self.limits = limits or Limits()
        self.n_workers = workers or available_cores()
        self._lock = threading.Lock()
        self._zygote: _Zygote | None = None
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def compare(self, pairs: Sequence[tuple[str, str]]) -> list[Outcome]:
        """One outcome for every pair (ground truth, answer), in order.

        Raises MachineError if no worker can be started.
        """
        with self._lock:
            try:
                return _Run(self, pairs).outcomes()
            except BaseException:  # Ctrl-C among them: nobody will read what is under way
                self.stop()
                raise

    def pids(self) -> list[int]:
        """Process ids of the workers that are there now."""
        return [worker.pid for worker in self._workers]

    def close(self) -> None:
        """End all processes of the pool; the next `compare` starts new ones."""
        with self._lock:
            self.stop()

    def stop(self) -> None:
        """End all processes at once, under a running `compare` too (it then fails)."""
        for worker in self._workers:
            worker.socket.close()
        self._workers.clear()
        if self._zygote is not None:
            self._zygote.close()
            self._zygote = None

    def hire(self) -> _Worker:
        """A new worker, from a new zygote if the last one is gone."""
        if self._zygote is not None:
            try:
                worker = _Worker(self._zygote, self.limits.wall_s)
            except OSError:
                self._zygote.close()
                self._zygote = None
            else:
                self._workers.append(worker)
                return worker
        self._zygote = _Zygote(self.limits)
        worker = _Worker(self._zygote, self.limits.wall_s)
        self._workers.append(worker)
        return worker

    def fire(self, worker: _Worker) -> int | None:
        """End a worker; the signal that ended it, None if it left by itself or nobody knows."""
        self._workers.remove(worker)
        return worker.end()

    @property
    def idle(self) -> list[_Worker]:
        """Workers with nothing to do."""
        return [worker for worker in self._workers if not worker.waiting]

    @property
    def busy(self) -> list[_Worker]:
        """Workers with pairs to answer."""
        return [worker for worker in self._workers if worker.waiting]

    @property
    def has_room(self) -> bool:
        """Whether one more worker may be hired."""
        return len(self._workers) < self.n_workers


class _Run:
    """One call of `Pool.compare`."""

    def __init__(self, pool: Pool, pairs: Sequence[tuple[str, str]]) -> None:
        self.pool = pool
        self.pairs = pairs
        self.todo = deque(range(len(pairs)))
        self.found: dict[int, Outcome] = {}
        self.crashes: dict[int, int] = {}

    def outcomes(self) -> list[Outcome]:
        """All outcomes, in the order of the pairs."""
        while len(self.found) < len(self.pairs):
            self._hand_out()
            self._wait_and_read()
            self._end_the_hung()
        return [self.found[row] for row in range(len(self.pairs))]

    def _hand_out(self) -> None:
        for worker in self.pool.idle:
            if worker.is_gone:  # killed while it had nothing to do: no pair's fault
                self.pool.fire(worker)
        while self.todo:
            idle = self.pool.idle
            if not idle and not self.pool.has_room:
                return
            worker = idle[0] if idle else self.pool.hire()
            n_rows = max(1, min(CHUNK_ROWS, len(self.todo) // self.pool.n_workers))
            worker.send([self.todo.popleft() for _ in range(n_rows)], self.pairs)

    def _wait_and_read(self) -> None:
        busy = self.pool.busy
        if not busy:
            return
        patience_s = min(worker.since for worker in busy) + self.pool.limits.wall_s - time.monotonic()
        with selectors.DefaultSelector() as selector:
            for worker in busy:
                selector.register(worker.socket, selectors.EVENT_READ, worker)
            ready = [key.data for key, _ in selector.select(max(0.0, patience_s))]
        for worker in ready:
            outcomes = worker.receive()
            if outcomes is None:
                self._bury(worker)
                continue
            self.found.update(outcomes)
            was_stopped = any(outcome.status in ("timeout", "memory") for _, outcome in outcomes)
            if was_stopped or (worker.is_worn and not worker.waiting):
                self.todo.extendleft(reversed(worker.waiting))
                self.pool.fire(worker)

    def _bury(self, worker: _Worker) -> None:
        """A worker is gone: by its own timer under the first of its pairs, or by a crash."""
        rows = list(worker.waiting)
        ended_by = self.pool.fire(worker)
        if ended_by == KILLED_BY_TIMER:
            self.found[rows.pop(0)] = _too_long(self.pool.limits)
        else:
            first = rows[0]
            self.crashes[first] = self.crashes.get(first, 0) + 1
            if self.crashes[first] >= MAX_CRASHES:
                how = f"by signal {signal.Signals(ended_by).name}" if ended_by else "without a word"
                why = f"the process that compared them ended {how}"
                self.found[rows.pop(0)] = Outcome("undecided", why, "crashed")
        self.todo.extendleft(reversed(rows))

    def _end_the_hung(self) -> None:
        for worker in self.pool.busy:
            if time.monotonic() - worker.since >= self.pool.limits.wall_s:
                rows = list(worker.waiting)
                self.pool.fire(worker)
                self.found[rows.pop(0)] = _too_long(self.pool.limits)
                self.todo.extendleft(reversed(rows))


def _too_long(limits: Limits) -> Outcome:
    return Outcome("undecided", f"comparing took more than {limits.timeout_s:g} s", "timeout")


_shared: dict[tuple[int, Limits], Pool] = {}
_shared_lock = threading.Lock()


def shared_pool(limits: Limits) -> Pool:
    """This process's pool with these limits, closed when the process ends."""
    with _shared_lock:
        key = (os.getpid(), limits)  # a forked child must not speak over its parent's sockets
        if key not in _shared:
            _shared[key] = Pool(limits)
            atexit.register(_shared[key].stop)
        return _shared[key]
