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
    """Write the run's report again and print the funnel."""
    from curate.pipeline.files import write_text
    from curate.report.funnel import as_text
    from curate.report.html import render
    from curate.report.run import open_run

    manifest = open_run(run).manifest
    target = out or run / "report.html"
    write_text(target, render(run, manifest))
    typer.echo(as_text(manifest))
    typer.echo(f"report  {target}")
