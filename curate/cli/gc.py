"""`curate gc`: make room in a cache."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def gc(
    folder: Annotated[Path, typer.Argument(help="Folder of a run, or of a cache.", metavar="RUN|CACHE")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")
    ] = False,
) -> None:
    """Remove input and evidence that no run needs any more, and what killed runs left.

    Stays: what the recipe of a run needs that is still there, finished or not, and whatever a run holds now.
    """
    from curate.pipeline.collecting import collect

    found = collect(folder, dry_run=dry_run)
    for one in found.removed:
        typer.echo(f"{one.bytes:>15,}  {one.path}  ({one.why})")
    for line in found.held:
        typer.echo(line, err=True)
    total = sum(one.bytes for one in found.removed)
    typer.echo(f"{total:>15,}  bytes {'would be freed' if dry_run else 'freed'}")
