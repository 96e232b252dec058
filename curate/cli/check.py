"""`curate check`: is a finished run what it says it is?"""

from __future__ import annotations

import typer

from curate.cli import options


def check(run: options.Run) -> None:
    """Verify a finished run: checksums, schemas, shards, every row and response once, every count.

    Prints a line for each check, and every failure with its file and what to do; then the exit code is 1.
    """
    from curate.pipeline.checking import check_run

    checks = check_run(run)
    for one in checks:
        result = f"{len(one.failures)} failed" if one.failures else "ok"
        typer.echo(f"{one.name:<10} {one.looked_at:<40} {result}")
    failures = [failure for one in checks for failure in one.failures]
    for failure in failures:
        typer.echo(f"{run / failure.file}: {failure.what}. What to do: {failure.do}.")
    if failures:
        raise typer.Exit(1)
