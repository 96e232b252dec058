"""Run a recipe for a command: progress on the terminal, then the funnel and where things are."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from curate.cli import options

if TYPE_CHECKING:
    from curate.engines.tasks import TaskEngine
    from curate.recipe import Recipe

Progress = Callable[[str, int, int], None]


def execute(
    recipe: Recipe,
    out: Path,
    *,
    machine: options.Machine,
    print_recipe: bool = False,
    decide_from: Path | None = None,
) -> dict[str, Any] | None:
    """Print the recipe, or run it and print the funnel; returns the manifest of a run."""
    from curate.recipe import to_toml

    if print_recipe:
        typer.echo(to_toml(recipe), nl=False)
        return None
    from curate.pipeline import run
    from curate.pipeline.remote import placed
    from curate.report.funnel import as_text

    spare_pandas()
    started = time.perf_counter()
    with (
        progress_lines() as progress,
        open_engine(machine, progress) as engine,
        placed(out, machine.cache, say) as place,
    ):
        manifest = run(
            recipe,
            place.out,
            engine=engine,
            cache=place.cache,
            shared=place.shared,
            announce=say,
            progress=progress,
            decide_from=decide_from,
        )
    seconds = max(time.perf_counter() - started, 1e-3)  # some clocks stand still
    rows = manifest["counts"]["rows"]["in"]
    typer.echo(as_text(manifest))
    typer.echo(f"{manifest['counts']['records']:,} records  {out / 'kept'}  ({manifest['format']})")
    typer.echo(f"report          {out / 'report.html'}")
    typer.echo(f"why a row went  curate explain {out} ROW_ID")
    say(f"{seconds:.1f} s, {rows / seconds:,.0f} rows/s")
    return manifest


def open_engine(machine: options.Machine, progress: Progress) -> TaskEngine:
    """The engine a command was asked to work with; close it, or use it in `with`."""
    memory_bytes = options.memory_bytes(machine.memory)
    if machine.engine == "ray":
        from curate.engines.ray import RayEngine

        return RayEngine(machine.address, machine.workers, progress, memory_bytes=memory_bytes, announce=say)
    if machine.engine != "local":
        from curate.errors import InputError

        raise InputError(f"--engine: expected local or ray, found {machine.engine}.")
    from curate.engines.local import LocalEngine

    return LocalEngine(machine.workers, progress, memory_bytes=memory_bytes, announce=say)


def spare_pandas() -> None:
    """Let pyarrow ask for pandas now, and not find it.

    Where pandas is installed, pyarrow imports it (0.25 s, 60 MB) at the first array it makes, to learn
    whether the values are a series; it asks once in a process. Only that question goes unanswered: who
    imports pandas afterwards gets it, and so does `to_pandas` of pyarrow. A command makes no series; a
    library that others import must leave this alone.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    sys.meta_path.insert(0, _NoPandas)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(_NoPandas)


class _NoPandas:
    """A finder that says pandas is not installed."""

    @staticmethod
    def find_spec(name: str, _path: Any = None, _target: Any = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is not asked for here", name=name)


def say(line: str) -> None:
    """A line for the person who watches: standard error, so that output can be piped."""
    from curate.report.text import printable

    sys.stderr.write(f"{printable(line)}\n")
    sys.stderr.flush()


@contextmanager
def progress_lines() -> Iterator[Progress]:
    """A live bar with rate and time left on a terminal; otherwise a plain line every few seconds."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TaskID,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import (
            Progress as Bar,
        )

        bar = Bar(
            TextColumn("{task.description:<34}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        tasks: dict[str, TaskID] = {}

        def update(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bar.add_task(label, total=total, rate="")
            speed = bar.tasks[tasks[label]].speed
            bar.update(tasks[label], completed=done, total=total, rate=f"{speed:.1f}/s" if speed else "")

        with bar:
            yield update
    else:
        last: dict[str, float] = {}

        def log(label: str, done: int, total: int) -> None:
            now = time.monotonic()
            first = last.setdefault(label, now)
            if done == total or now - last.get(f"{label}\0line", first) >= LOG_SECONDS:
                last[f"{label}\0line"] = now
                left = (now - first) / done * (total - done) if done else 0.0
                say(
                    f"{label}: {done:,} of {total:,} {UNITS.get(label, 'parts')}"
                    + (f", about {left:.0f} s left" if done < total else "")
                )

        yield log


LOG_SECONDS = 5.0
UNITS = {"checking": "bytes", "reading": "bytes", "writing": "rows"}
"""What is counted; of other work the parts that the rows are cut into."""
