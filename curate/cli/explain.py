"""`curate explain`: what became of one row, and why."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from curate.cli import options


def explain(
    run: options.Run,
    row: Annotated[int, typer.Argument(help="row_id: the row's position in the input, from 0.", min=0)],
    full: Annotated[bool, typer.Option("--full", help="Do not cut long texts.")] = False,
) -> None:
    """Show a row: verdict, every reason with the evidence behind it, and what was kept instead."""
    from curate.report.explain import as_text
    from curate.report.explain import explain as explain_row

    limit = sys.maxsize if full else 600
    typer.echo(as_text(explain_row(run, row), limit, colour=sys.stdout.isatty()), nl=False)
