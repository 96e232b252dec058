"""`curate audit-gold`: which ground truths are most likely wrong, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import options


def audit_gold(
    input_: options.Input,
    out: options.Out = Path("out"),
    top: Annotated[int, typer.Option(help="Ground truths in the list to be checked.", min=1)] = 100,
    show: Annotated[int, typer.Option(help="Of these, how many are printed.", min=0)] = 20,
    prior: Annotated[
        float,
        typer.Option(
            help="Share of ground truths that are wrong, before anything is looked at.", min=0.0, max=1.0
        ),
    ] = 0.05,
    copies: Annotated[
        bool, typer.Option(help="Look for copies of a problem whose ground truths differ.")
    ] = True,
    timeout_s: Annotated[
        float, typer.Option(help="Seconds after which one comparison is given up.", min=0.1)
    ] = 1.0,
    prompt_column: options.PromptColumn = None,
    answer_column: options.AnswerColumn = None,
    responses_column: options.ResponsesColumn = None,
    source_column: options.SourceColumn = None,
    messages_column: options.MessagesColumn = None,
    on_bad_rows: options.OnBadRows = "stop",
    print_recipe: options.PrintRecipe = False,
    workers: options.Workers = None,
    memory: options.Memory = None,
    cache: options.Cache = None,
    engine: options.Engine = "local",
    address: options.Address = None,
) -> None:
    """Rank ground truths by how likely they are wrong, with what speaks against each.

    Models that answer otherwise, the abler the more, whatever their number; copies of a problem with another
    ground truth; ground truths that nothing can be compared with. Abilities are learnt from the data. The
    log-odds of every row are evidence `gold`; the worst --top are written to OUT/audit.html, audit.parquet
    and audit.csv, for a person to check. Nothing is dropped.

      curate audit-gold rollouts.parquet -o audit
    """
    from curate.cli.execute import execute, say
    from curate.recipe import build

    gold: dict[str, Any] = {"stage": "gold-audit", "prior": prior, "timeout-s": timeout_s}
    evidence: dict[str, Any] = {"gold": gold}
    if copies:
        gold["clusters"] = "near"
        evidence = {"near": {"stage": "near-dedup"}, **evidence}
    tree = {
        "title": "audit-gold",
        "source": options.source_table(
            input_,
            prompt_column,
            answer_column,
            responses_column,
            source_column,
            messages_column,
            on_bad_rows,
        ),
        "evidence": evidence,
        "output": {"format": "original"},
    }
    options.check_local(out)
    manifest = execute(
        build(tree, "curate audit-gold"),
        out,
        machine=options.Machine(workers, memory, cache, engine, address),
        print_recipe=print_recipe,
    )
    if manifest is None:
        return
    from curate.report.audit import as_text, worst, write_lists

    found = worst(out, top)
    write_lists(found, out)
    typer.echo(as_text(found, show), nl=False)
    say(f"{len(found)} ground truths to check: {out / 'audit.html'}, audit.parquet, audit.csv")
