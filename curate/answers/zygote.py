"""The process that the comparing workers are forked from, and what a worker does.

Started as `python -m curate.answers.zygote FD LIMITS` by `curate.answers.pool`, never forked from
a process with threads. It imports sympy and Math-Verify once, reads a few typical answers so that
the parser's tables are built, then forks a worker in milliseconds whenever the pool asks.

Over FD, a socket, one request at a time: b"F" with a socket attached: fork a worker that serves
this socket, answer its process id; b"K" + id: kill that worker if it still runs, answer its wait
status. Only the zygote kills: a child that was not waited for keeps its id, so no stranger is hit.
End of file, which the death of the pool's process also is: kill all workers and leave.

A worker reads JSON lines [[row, gold, answer], ...] and writes a JSON line
[row, verdict, why, status, peak_bytes] for every row, in order.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import socket
import struct
import sys
from typing import NamedTuple, NoReturn

READY = b"R"
FORK = b"F"
KILL = b"K"
REQUEST = struct.Struct("<ci")
REPLY = struct.Struct("<i")
KILLED_BY_TIMER = int(signal.SIGVTALRM)

_SIGNAL_AGAIN_S = 0.1  # a bare `except:` in a library may swallow the first signal
_RECURSION = 3_000  # sympy needs more than Python's 1,000 for formulas that the guards let pass


class Limits(NamedTuple):
    """What one row may cost.

    Time is processor time, not the clock's, so that a busy machine changes no verdict: after
    `timeout_s` a signal stops the comparison, after twice as much the kernel ends a worker that
    did not listen. `wall_s`, by the clock, is for a worker that does not even run: stopped,
    swapped out, waiting; the pool ends it.
    """

    timeout_s: float = 1.0
    memory_bytes: int = 1_500_000_000
    wall_s: float = 10.0
    as_is: bool = False
    """Whether Math-Verify is asked as it is, without our mends (`curate.answers.compat`)."""


class _OutOfTime(BaseException):
    """The row's time is up. Not an Exception, so that the libraries cannot take it for a failure."""


def _out_of_time(_signal: int, _frame: object) -> None:
    raise _OutOfTime


def _peak_bytes() -> int:
    """The most memory this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kilobytes on Linux, bytes on macOS


def _limit_memory(memory_bytes: int) -> None:
    # macOS refuses RLIMIT_AS; there only the pool's look at the peak memory remains.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _compare_within(gold: str, answer: str, limits: Limits) -> tuple[str, str, str]:
    """Verdict, why and status of one row, whatever it does."""
    from curate.answers.compare import as_is, compare

    try:
        try:
            signal.setitimer(signal.ITIMER_VIRTUAL, 2 * limits.timeout_s)
            signal.setitimer(signal.ITIMER_PROF, limits.timeout_s, _SIGNAL_AGAIN_S)
            return (as_is if limits.as_is else compare)(gold, answer)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except _OutOfTime:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        return "undecided", f"comparing took more than {limits.timeout_s:g} s", "timeout"
    except MemoryError:
        return "undecided", f"comparing took more than {limits.memory_bytes:,} bytes of memory", "memory"


def _serve_rows(rows: socket.socket, limits: Limits) -> NoReturn:
    """A worker's life: compare what comes, until the socket closes or a row leaves it unfit."""
    signal.signal(signal.SIGPROF, _out_of_time)
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)  # the kernel ends the process, even inside C
    _limit_memory(limits.memory_bytes)
    sys.setrecursionlimit(_RECURSION)
    try:
        with rows.makefile("rb") as requests:
            for line in requests:
                for row, gold, answer in json.loads(line):
                    verdict, why, status = _compare_within(gold, answer, limits)
                    reply = json.dumps([row, verdict, why, status, _peak_bytes()])
                    rows.sendall(reply.encode() + b"\n")
                    if status in ("timeout", "memory"):
                        os._exit(0)  # it was stopped anywhere: caches may be half written
    except (OSError, MemoryError):
        os._exit(1)
    os._exit(0)


def _serve_pool(control: socket.socket, limits: Limits, workers: set[int]) -> None:
    """Fork and kill workers as asked, keeping their ids in `workers`; return when the pool is gone."""
    while True:
        request, sockets, _, _ = socket.recv_fds(control, REQUEST.size, 1)
        if len(request) < REQUEST.size:
            break
        what, number = REQUEST.unpack(request)
        if what == FORK:
            try:
                child = os.fork()
            except OSError as error:
                child = -(error.errno or 1)
            if child == 0:
                control.close()
                _serve_rows(socket.socket(fileno=sockets[0]), limits)
            for handed_over in sockets:
                os.close(handed_over)
            if child > 0:
                workers.add(child)
            control.sendall(REPLY.pack(child))
        else:
            status = 0
            if number in workers:
                workers.remove(number)
                os.kill(number, signal.SIGKILL)
                _, status = os.waitpid(number, 0)
            control.sendall(REPLY.pack(status))


def main(fd: int, limits: Limits) -> None:
    """Import, warm up, say so, and serve until the pool is gone."""
    control = socket.socket(fileno=fd)
    from curate.answers.compare import warm_up

    warm_up(is_as_is=limits.as_is)
    gc.collect()
    gc.freeze()  # forked workers share these pages as long as nobody writes to them
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - until here errors go to the pool
        os.dup2(nowhere.fileno(), 2)
    workers: set[int] = set()
    try:
        with contextlib.suppress(ConnectionError):
            control.sendall(READY)
            _serve_pool(control, limits, workers)
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), Limits(*json.loads(sys.argv[2])))
