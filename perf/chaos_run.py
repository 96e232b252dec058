"""One run of the command for perf/chaos.py: in a process of its own, watched, killed where its plan says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

PLAN = "CURATE_CHAOS"
SHARD_ROWS = 20
SIGNALS = {"SIGKILL": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "SIGINT": signal.SIGINT}
START = "from curate.cli.main import app; app()"


class Plan(NamedTuple):
    """What is done to a run, by the run itself; written to the environment, so that its workers do it too."""

    log: str
    """File that gets a line for every rename and link."""
    root: int = 0
    """Process that is killed."""
    at: int | None = None
    """Which rename or link."""
    after: bool = False
    """Kill after it, not before."""
    signal: int = signal.SIGKILL
    alone: bool = False
    """Kill the process alone, not its workers."""
    clock: tuple[float, ...] = ()
    """Seconds by which the clock jumps, one after the other."""


def install(plan: Plan) -> None:
    """Wrap what a plan watches."""

    def wrapped(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(source: Any, target: Any, *rest: Any, **named: Any) -> Any:
            number = _log(plan.log, f"{name} {os.fspath(target)}")
            if number == plan.at and not plan.after:
                _strike(plan)
            result = original(source, target, *rest, **named)
            _log(plan.log, f"done {name} {os.fspath(target)}")
            if number == plan.at and plan.after:
                _strike(plan)
            return result

        return call

    for name in ("replace", "rename", "link"):
        setattr(os, name, wrapped(name, getattr(os, name)))
    if plan.clock:
        real, calls = time.time, iter(range(sys.maxsize))
        time.time = lambda: real() + plan.clock[next(calls) % len(plan.clock)]


def _log(log: str, line: str) -> int:
    """Append a line; how many before it are of something that begins, over all processes."""
    with open(log, "a+b") as handle:  # noqa: PTH123 - the wrapped functions must not be called
        handle.write(line.encode() + b"\n")
        handle.flush()
        handle.seek(0)
        return sum(not line.startswith(b"done ") for line in handle.read().splitlines()) - 1


def _strike(plan: Plan) -> None:
    if plan.alone:
        os.kill(plan.root, plan.signal)
    else:
        os.killpg(plan.root, plan.signal)
    time.sleep(0.2)  # the signal is handled where it arrives


class Run(NamedTuple):
    """A run that ended, or was ended."""

    code: int
    """Negative: the signal that killed it."""
    said: str
    log: list[str]

    @property
    def traceback(self) -> bool:
        """Whether it ended with a bug; what Python's own resource tracker says of a dead process is none."""
        told = self.said.count("Traceback (most recent call last)")
        return told > self.said.count("resource_tracker.py")


class Site(NamedTuple):
    """Where the runs of one case take place."""

    sample: Path
    folder: Path

    @property
    def out(self) -> Path:
        """The folder of the run."""
        return self.folder / "out"

    def command(self, workers: int) -> list[str]:
        """The words of the command."""
        rows, items = self.sample / "rows.parquet", self.sample / "benchmark.parquet"
        words = [
            "run",
            "default",
            "--input",
            rows,
            "--against",
            items,
            "--out",
            self.out,
            "--workers",
            workers,
        ]
        return [str(word) for word in words]


def run(
    site: Site,
    workers: int = 1,
    *,
    words: list[str] | None = None,
    wrap: list[str] | None = None,
    meanwhile: Callable[[int, Path], None] | None = None,
    **plan: Any,
) -> Run:
    """Run the command and wait for it; `meanwhile(pid, log)` may do something to it."""
    log = Path(tempfile.mkstemp(dir=site.folder, prefix="log-")[1])
    said = log.with_name(f"said-{log.name}")
    words = words or site.command(workers)
    pid = _started(words, said, wrap) if wrap is not None else _forked(words, said, Plan(str(log), **plan))
    if meanwhile is not None:
        meanwhile(pid, log)
    _, status = os.waitpid(pid, 0)
    result = Run(
        os.waitstatus_to_exitcode(status), said.read_text(errors="replace"), log.read_text().splitlines()
    )
    log.unlink()
    said.unlink()
    return result


def _started(words: list[str], said: Path, wrap: list[str]) -> int:
    """The command from nothing, as people start it; shards are as large as they are."""
    with said.open("wb") as sink:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
        command = [*wrap, sys.executable, "-c", START, *words]
        return subprocess.Popen(
            command, stdout=sink, stderr=sink, start_new_session=True, env=environment
        ).pid


def _forked(words: list[str], said: Path, plan: Plan) -> int:
    """The command in a fork of this process, which has imported everything and has no thread of Python."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    sink = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    import curate.ingest.tables
    from curate.cli.main import app

    curate.ingest.tables.ingest.__kwdefaults__["shard_rows"] = SHARD_ROWS
    plan = plan._replace(root=os.getpid())
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    os.environ[PLAN] = json.dumps(plan._asdict())
    install(plan)
    sys.argv = ["curate", *words]
    code = 1
    try:
        app(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a run; the cache and locks are no part of it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".")
    }


def still_running(site: Site) -> str:
    """A sentence about processes of a case that live on for seconds after it; empty if there are none."""
    until = time.monotonic() + 20
    while True:
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if f"{PLAN}=".encode() in (words := path.read_bytes()) and str(site.folder).encode() in words:
                    found.append(Path(path.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        if not found or time.monotonic() > until:
            return f"still running: {found[0][:200]}" if found else ""
        time.sleep(0.1)


def shards(log: list[str]) -> Counter[str]:
    """Shards of evidence, and of what lies between, that were given their names."""
    names = [line.split(" ", 2)[2] for line in log if line.startswith("done replace ")]
    made = [name for name in names if "/evidence-" in name and Path(name).stem.isdigit()]
    return Counter(made)


if PLAN in os.environ:  # a worker of a run: it imports what the first process had as its main module
    install(Plan(**json.loads(os.environ[PLAN])))
