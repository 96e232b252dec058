"""`curate decontam`: remove rows that contain evaluation problems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import options


def decontam(
    input_: options.Input,
    against: Annotated[
        list[str], typer.Option(help="Evaluation sets to protect: files, globs, folders; repeatable.")
    ],
    out: options.Out = Path("out"),
    ngram: Annotated[int, typer.Option(help="Words in an n-gram.", min=1)] = 10,
    min_containment: Annotated[
        float,
        typer.Option(help="Share of an item's n-grams at which a row is contaminated.", min=0.0, max=1.0),
    ] = 0.5,
    against_column: Annotated[
        str | None, typer.Option(help="Column of the problem in the evaluation sets.", metavar="COLUMN")
    ] = None,
    prompt_column: options.PromptColumn = None,
    messages_column: options.MessagesColumn = None,
    output_format: options.Format = "original",
    on_bad_rows: options.OnBadRows = "stop",
    print_recipe: options.PrintRecipe = False,
    workers: options.Workers = None,
    memory: options.Memory = None,
    cache: options.Cache = None,
) -> None:
    """Remove rows that contain problems of evaluation sets, and show where.

    Measured is the containment: the share of an item's n-grams that the row contains (punctuation and
    symbols out, case folded, as VibeThinker-1.5B does). The matched item and its place in the row are
    evidence; another threshold needs no second scan (`curate decide`).
    """
    from curate.cli.execute import execute
    from curate.recipe import build

    leak: dict[str, object] = {"stage": "ngram-overlap", "against": against, "ngram": ngram}
    if against_column:
        leak["against-column"] = against_column
    tree = {
        "title": "decontam",
        "source": options.source_table(
            input_, prompt_column, messages=messages_column, on_bad_rows=on_bad_rows
        ),
        "evidence": {"leak": leak},
        "drop": {
            "contaminated": {"when": f"leak.containment >= {min_containment}", "on-missing": "undecided"}
        },
        "output": {"format": output_format},
    }
    execute(
        build(tree, "curate decontam"),
        out,
        workers=workers,
        memory=memory,
        cache=cache,
        print_recipe=print_recipe,
    )
