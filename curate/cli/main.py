"""The `curate` command: errors a user can cause end here, as a message and an exit code."""

from __future__ import annotations

import atexit
import errno
import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import curate
from curate.cli import (
    audit_gold,
    benchmarks,
    check,
    decide,
    decontam,
    dedup,
    diff,
    explain,
    filter_,
    report,
    run,
    sample,
    schema,
    sql,
    stages,
    verify,
)
from curate.cli import (
    gc as gc_,
)
from curate.errors import CurateError

INTERRUPTED, TERMINATED = 130, 143


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as a scheduler sends it: ends the run as Ctrl-C does."""


class _Group(TyperGroup):
    """Commands in the order they are listed here; user errors without a traceback."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: Any) -> Any:
        _spare_collections()
        try:
            with _termination_raises():
                return super().invoke(ctx)
        except CurateError as error:
            _complain(str(error))
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt as end:
            told, code = (
                ("terminated", TERMINATED) if isinstance(end, _Terminated) else ("interrupted", INTERRUPTED)
            )
            _complain(f"{told}. What was finished is kept: the same command goes on from there.")
            raise typer.Exit(code) from None
        except MemoryError as error:  # Arrow's, Polars' and numpy's too
            _complain(
                f"out of memory ({error or 'no size told'}). What was finished is kept: start the same "
                "command again with a smaller --memory or fewer --workers."
            )
            raise typer.Exit(5) from None
        except OSError as error:
            message = _machine_trouble(error)
            if message is None:
                raise
            _complain(message)
            raise typer.Exit(5) from None


@contextmanager
def _termination_raises() -> Iterator[None]:
    """SIGTERM raises, as Ctrl-C does; a second one ends the process."""

    def terminate(_signal: int, _frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise _Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _spare_collections() -> None:
    """Collect cyclic garbage seldom, and not at the end.

    Imports make 300,000 objects that live as long as the process: to look through them every 700 new ones
    takes 20 ms of a small run, and to take them apart one by one when it ends, 80 ms.
    """
    gc.set_threshold(100_000)
    atexit.register(_leave_objects)


def _leave_objects() -> None:
    """Let the memory go with the process; DuckDB alone reports what was not taken apart before."""
    if "duckdb" not in sys.modules:
        gc.freeze()


def _complain(message: str) -> None:
    """Say it without obeying it: the names in it are somebody's."""
    from curate.report.text import printable

    sys.stderr.write(f"curate: {printable(message)}\n")


def _machine_trouble(error: OSError) -> str | None:
    """A sentence for what the machine refused; None for what is a bug of ours."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}. Free some space and start the same command again: it goes on there."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission to read or write{where}. Name another folder with -o, or change permissions."
    if error.errno == errno.ENOMEM:
        return (
            f"out of memory{where}. Start the same command again with a smaller --memory or fewer --workers."
        )
    names = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP)
    if error.errno in names and error.filename:
        return (
            f"{error.filename}: {error.strerror}. Was a file named where a folder is expected, or moved away?"
        )
    if error.errno == errno.EDQUOT:
        return f"the disk quota is used up{where}. Free some space and start the same command again."
    return None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="""
    From raw problems, answers and model responses to training-ready Parquet,
    with a reason for every row.

    Start here:

      curate sample data/sample             write a small data set to play with

      curate run default -i data/sample/rows.parquet -o out

      curate explain out 17                 what became of row 17, and why
    """,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"curate {curate.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before a command."""


CURATE, LOOK, LEARN = "Curate", "Look at a run", "Learn"
app.command("run", rich_help_panel=CURATE)(run.run)
app.command("dedup", rich_help_panel=CURATE)(dedup.dedup)
app.command("decontam", rich_help_panel=CURATE)(decontam.decontam)
app.command("verify", rich_help_panel=CURATE)(verify.verify)
app.command("audit-gold", rich_help_panel=CURATE)(audit_gold.audit_gold)
app.command("filter", rich_help_panel=CURATE)(filter_.filter_)
app.command("decide", rich_help_panel=CURATE)(decide.decide)
app.command("explain", rich_help_panel=LOOK)(explain.explain)
app.command("sql", rich_help_panel=LOOK)(sql.sql)
app.command("diff", rich_help_panel=LOOK)(diff.diff)
app.command("report", rich_help_panel=LOOK)(report.report)
app.command("check", rich_help_panel=LOOK)(check.check)
app.command("gc", rich_help_panel=LOOK)(gc_.gc)
app.add_typer(benchmarks.app, name="benchmarks", rich_help_panel=LEARN)
app.command("sample", rich_help_panel=LEARN)(sample.sample)
app.command("stages", rich_help_panel=LEARN)(stages.stages)
app.command("schema", rich_help_panel=LEARN)(schema.schema)
