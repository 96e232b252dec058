"""`curate verify`: grade responses against ground truths, and repair these by what models agree on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import options

REPAIR = "Repair of ground truths"
PAIRS = "Pairs of answers"


def verify(
    input_: options.Input,
    out: options.Out = Path("out"),
    gold: Annotated[
        str | None,
        typer.Option(
            help="Column of the ground truth, in a file of pairs: no problem column is needed.",
            rich_help_panel=PAIRS,
            metavar="COLUMN",
        ),
    ] = None,
    predicted: Annotated[
        str | None,
        typer.Option(
            help="Column of the answer beside it: a bare answer or a whole response.",
            rich_help_panel=PAIRS,
            metavar="COLUMN",
        ),
    ] = None,
    profile: Annotated[
        str,
        typer.Option(
            help="What may differ: strict, lenient (order, units, rounding), compat (as Math-Verify says).",
            metavar="strict|lenient|compat",
        ),
    ] = "strict",
    extract: Annotated[
        str | None,
        typer.Option(
            help="Where the answer of a response is looked for: boxed (a box only), final (any mark), any "
            "(at last the last formula or number), auto (a bare answer is taken whole; default for pairs).",
            metavar="boxed|final|any|auto",
        ),
    ] = None,
    timeout_s: Annotated[
        float, typer.Option(help="Seconds after which one comparison is given up.", min=0.1)
    ] = 1.0,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Compare ground truths with what most responses answer, and with an arbiter's answer where "
            "they differ; kept rows carry the revised ones.",
            rich_help_panel=REPAIR,
        ),
    ] = False,
    first: Annotated[
        list[str] | None,
        typer.Option(
            help="Models whose answers are counted (* and ? are wildcards); repeatable (default: all but the "
            "arbiter).",
            rich_help_panel=REPAIR,
            metavar="MODEL",
        ),
    ] = None,
    arbiter: Annotated[
        list[str] | None,
        typer.Option(
            help="Models among the responses that decide where the others contradict the ground truth; "
            "repeatable.",
            rich_help_panel=REPAIR,
            metavar="MODEL",
        ),
    ] = None,
    arbiter_requests: Annotated[
        Path | None,
        typer.Option(
            help="Write the rows that need an arbiter to this file (Parquet: row_id, prompt, system).",
            rich_help_panel=REPAIR,
            metavar="FILE",
        ),
    ] = None,
    arbiter_answers: Annotated[
        Path | None,
        typer.Option(
            help="The arbiter's answers (Parquet: row_id, and response or answer; perhaps model).",
            rich_help_panel=REPAIR,
            metavar="FILE",
        ),
    ] = None,
    min_share: Annotated[
        float,
        typer.Option(
            help="Share of the responses that an answer against a ground truth needs.",
            min=0.0,
            max=1.0,
            rich_help_panel=REPAIR,
        ),
    ] = 0.5,
    min_lead: Annotated[
        int,
        typer.Option(help="Votes that it must be ahead of the next answer.", min=1, rich_help_panel=REPAIR),
    ] = 2,
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
    engine: options.Engine = "local",
    address: options.Address = None,
) -> None:
    """Grade every response against the ground truth: equal, unequal, or undecided and why.

    Nothing is dropped. The verdicts are evidence `math` (per response: status, tier, reason, the two answers
    as they were read) and `pass` (per problem: pass rate, interval, pass@k); look at them with `curate sql`
    or `curate explain`. A file of pairs is verified with

      curate verify pairs.parquet --gold gold --predicted predicted -o checked

    With --repair (or any option of it) ground truths are cross-verified (evidence `truth`), in one go where
    the arbiter is among the responses, else in two:

      curate verify rollouts.parquet -o checked --arbiter-requests ask.parquet

      curate verify rollouts.parquet -o checked --arbiter-answers answers.parquet
    """
    from curate.cli.execute import execute, say
    from curate.recipe import build

    if (gold is None) != (predicted is None):
        raise typer.BadParameter(
            "name both columns of a file of pairs, or neither", param_hint="--gold, --predicted"
        )
    answer_column, responses_column = answer_column or gold, responses_column or predicted
    prompt_column = prompt_column or (gold if messages_column is None else None)
    evidence: dict[str, Any] = {
        "math": {
            "stage": "math-verify",
            "profile": profile,
            "extract": extract or ("auto" if gold else "final"),
            "timeout-s": timeout_s,
        },
        "pass": {"stage": "pass-rate", "verdicts": "math"},
    }
    tree: dict[str, Any] = {
        "title": "verify",
        "source": options.source_table(
            input_, prompt_column, answer_column, responses_column, None, messages_column, on_bad_rows
        ),
        "evidence": evidence,
        "output": {"format": output_format},
    }
    repairs = bool(repair or first or arbiter or arbiter_requests or arbiter_answers)
    if repairs:
        cross: dict[str, Any] = {"stage": "cross-verify", "timeout-s": timeout_s}
        cross |= {"first": first or [], "arbiter": arbiter or []}
        cross |= {"min-share": min_share, "min-lead": min_lead}
        if arbiter_answers is not None:
            cross["arbiter-answers"] = str(arbiter_answers)
        evidence["truth"] = cross
        tree["replace"] = {
            "revised-answer": {
                "when": "truth.outcome in ('revised', 'pseudo-label')",
                "by": "truth.answer",
                "because": "Models and an arbiter agree on another answer (AM-Thinking-v1, section 2.2.1).",
            }
        }
    options.check_local(out)
    manifest = execute(
        build(tree, "curate verify"),
        out,
        machine=options.Machine(workers, memory, cache, engine, address),
        print_recipe=print_recipe,
    )
    if manifest is None:
        return
    from curate.report.query import as_text, query

    sql = "SELECT status, tier, cause, count(*) AS responses FROM math GROUP BY ALL ORDER BY ALL"
    typer.echo(as_text(query(out, sql)), nl=False)
    if repairs:
        sql = "SELECT outcome, count(*) AS rows, count(*) FILTER (ask) AS ask FROM truth"
        typer.echo(as_text(query(out, f"{sql} GROUP BY outcome ORDER BY rows DESC, outcome")), nl=False)
    if arbiter_requests is not None:
        from curate.stages.arbiter import write_requests

        rows, found = (sorted((out / part).glob("*.parquet")) for part in ("input/rows", "evidence/truth"))
        n_rows = write_requests(rows, found, arbiter_requests)
        say(
            f"{n_rows:,} rows need an arbiter: {arbiter_requests}. Its answers: "
            f"curate verify ... -o {out} --arbiter-answers FILE"
        )
