"""`curate verify`: grade responses against ground truths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curate.cli import options


def verify(
    input_: options.Input,
    out: options.Out = Path("out"),
    timeout_s: Annotated[
        float, typer.Option(help="Seconds after which one comparison is given up.", min=0.1)
    ] = 1.0,
    answer_column: options.AnswerColumn = None,
    responses_column: options.ResponsesColumn = None,
    prompt_column: options.PromptColumn = None,
    messages_column: options.MessagesColumn = None,
    output_format: options.Format = "original",
    on_bad_rows: options.OnBadRows = "stop",
    print_recipe: options.PrintRecipe = False,
    workers: options.Workers = None,
    memory: options.Memory = None,
    cache: options.Cache = None,
) -> None:
    """Grade every response against the ground truth: equal, unequal, or undecided and why.

    Nothing is dropped. The verdicts are evidence `math` (per response) and `pass` (per problem: pass
    rate, interval, pass@k); look at them with `curate sql` or `curate explain`.
    """
    from curate.cli.execute import execute
    from curate.recipe import build

    tree = {
        "title": "verify",
        "source": options.source_table(
            input_, prompt_column, answer_column, responses_column, None, messages_column, on_bad_rows
        ),
        "evidence": {
            "math": {"stage": "math-verify", "timeout-s": timeout_s},
            "pass": {"stage": "pass-rate", "verdicts": "math"},
        },
        "output": {"format": output_format},
    }
    manifest = execute(
        build(tree, "curate verify"),
        out,
        workers=workers,
        memory=memory,
        cache=cache,
        print_recipe=print_recipe,
    )
    if manifest is not None:
        from curate.report.query import as_text, query

        sql = "SELECT verdict, status, count(*) AS responses FROM math GROUP BY ALL ORDER BY ALL"
        typer.echo(as_text(query(out, sql)), nl=False)
