"""`curate sample`: a data set of curate's own making."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import options


def sample(
    out: Annotated[Path, typer.Argument(help="Folder to write rows, benchmark and truth to.")],
    rows: Annotated[int, typer.Option(help="How many rows.", min=200)] = 2000,
    seed: Annotated[int, typer.Option(help="Another seed, another data set.", min=0)] = 0,
    workers: options.Workers = None,
) -> None:
    """Write a generated data set with known defects, to try curate on and to test recipes with.

    rows.parquet: problems, answers and responses; benchmark.parquet: an evaluation set that some rows
    leak; truth.parquet: which defect each row or response carries.
    """
    from curate.machine import available_cores
    from curate.sample import write_sample

    files = write_sample(out, rows, seed, workers=workers or available_cores())
    for path in (*files.rows, files.benchmark, files.truth):
        typer.echo(path)
