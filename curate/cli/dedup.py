"""`curate dedup`: remove exact and near duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import options


def dedup(
    input_: options.Input,
    out: options.Out = Path("out"),
    threshold: Annotated[
        float,
        typer.Option(help="Jaccard of word 5-grams at which two problems are the same.", min=0.1, max=1.0),
    ] = 0.8,
    prefer: Annotated[
        list[str] | None,
        typer.Option(help="Which copy stays, best first, e.g. 'row.source' or 'query.n_chars desc'."),
    ] = None,
    prompt_column: options.PromptColumn = None,
    source_column: options.SourceColumn = None,
    messages_column: options.MessagesColumn = None,
    output_format: options.Format = "original",
    on_bad_rows: options.OnBadRows = "stop",
    print_recipe: options.PrintRecipe = False,
    workers: options.Workers = None,
    cache: options.Cache = None,
) -> None:
    """Remove exact and near duplicates; every pair is verified by its exact Jaccard similarity.

    Numbers, operators and LaTeX commands count: problems that differ in a number are different problems.
    Of a group of copies the first stays, unless --prefer says otherwise.
    """
    from curate.cli.execute import execute
    from curate.recipe import build

    order = prefer or []
    tree = {
        "title": "dedup",
        "source": options.source_table(
            input_, prompt_column, source=source_column, messages=messages_column, on_bad_rows=on_bad_rows
        ),
        "evidence": {
            "query": {"stage": "query-quality"},
            "exact": {"stage": "exact-dedup"},
            "near": {"stage": "near-dedup", "threshold": threshold},
        },
        "keep-one": {
            "exact-duplicate": {"per": "exact.cluster_id", "prefer": order, "on-missing": "keep"},
            "near-duplicate": {"per": "near.cluster_id", "prefer": order, "on-missing": "keep"},
        },
        "output": {"format": output_format},
    }
    if not any("query." in text for text in order):
        del tree["evidence"]["query"]  # type: ignore[attr-defined]
    execute(build(tree, "curate dedup"), out, workers=workers, cache=cache, print_recipe=print_recipe)
