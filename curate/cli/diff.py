"""`curate diff`: what changed between two runs, row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def diff(
    before: Annotated[Path, typer.Argument(help="Folder of a finished run.", metavar="RUN1")],
    after: Annotated[Path, typer.Argument(help="Folder of another.", metavar="RUN2")],
    examples: Annotated[int, typer.Option(help="Rows to show per change.", min=0)] = 3,
) -> None:
    """Show which rows changed their verdict between two runs, and how the recipes differ."""
    from curate.report.diff import as_text
    from curate.report.diff import diff as compare

    typer.echo(as_text(compare(before, after, examples)), nl=False)
