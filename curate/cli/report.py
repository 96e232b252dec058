"""`curate report`: the HTML report of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import options


def report(
    run: options.Run,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it there instead.")] = None,
) -> None:
    """Write the run's report again and print it in short: funnel, and what was found of evaluation sets.

    Of these by set and by item, at other thresholds, what cannot be found, and the self-test if there is one.
    """
    from curate.pipeline.files import write_text
    from curate.report.benchmarks import as_text as guard_text
    from curate.report.benchmarks import guards
    from curate.report.funnel import as_text
    from curate.report.html import render
    from curate.report.run import open_run

    finished = open_run(run)
    manifest = finished.manifest
    target = out or run / "report.html"
    write_text(target, render(run))
    typer.echo(as_text(manifest))
    for guard in guards(finished):
        typer.echo(f"\n{guard_text(guard)}")
    typer.echo(f"report  {target}")
