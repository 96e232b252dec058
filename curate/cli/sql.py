"""`curate sql`: ask a finished run anything."""

from __future__ import annotations

from typing import Annotated

import typer

from curate.cli import options


def sql(
    run: options.Run,
    query: Annotated[str, typer.Argument(help="One SELECT.", metavar="SELECT")],
    limit: Annotated[
        int | None, typer.Option(help="Rows at most (default: 100 in a table, else all; 0: all).", min=0)
    ] = None,
    output: Annotated[
        str, typer.Option("--output", help="table, csv, json or parquet.", metavar="table|csv|json|parquet")
    ] = "table",
    memory: Annotated[
        str | None,
        typer.Option(
            help="Memory a query may use, e.g. 4GB (default: half of the machine's).", metavar="SIZE"
        ),
    ] = None,
    allow_external: Annotated[
        bool, typer.Option("--allow-external", help="Let the query read files and the network too.")
    ] = False,
) -> None:
    """Query a run with DuckDB: every evidence is a view, beside verdicts, kept, dropped, row and response.

    curate sql out "SELECT benchmark, item, count(*) FROM leak WHERE containment >= 0.5 GROUP BY ALL"

    curate sql out "SELECT row_id FROM everything WHERE leak.containment >= 0.5"

    curate sql out "SELECT row_id, response_id FROM every_response WHERE math.status = 'unequal'"
    """
    import sys

    from curate.errors import RecipeError, did_you_mean
    from curate.machine import available_memory_bytes
    from curate.report import query as queries

    if output not in queries.RENDER:
        raise RecipeError(f"--output {output}: no such form. {did_you_mean(output, queries.RENDER)}")
    if limit is None and output == "table":
        limit = 100
    found = queries.query(
        run,
        query,
        limit or None,
        memory_bytes=options.memory_bytes(memory) or available_memory_bytes() // 2,
        allow_external=allow_external,
    )
    rendered = queries.RENDER[output](found)
    if isinstance(rendered, bytes):
        sys.stdout.buffer.write(rendered)
    else:
        typer.echo(rendered, nl=False)
