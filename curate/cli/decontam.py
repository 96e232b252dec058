"""`curate decontam`: remove rows that are problems of evaluation sets, and show where."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from curate.cli import options


class Class(StrEnum):
    """Classes of benchmark-match that a rule can drop."""

    VERBATIM = "verbatim"
    NEAR = "near"
    REWORDED = "reworded"
    VARIANT = "variant"
    TEMPLATE = "template"


COPIES = [Class.VERBATIM, Class.NEAR, Class.REWORDED]


NONE_LEFT = """case when responses.given = 0 or responses.left > 0 then false
  when responses.undecided > 0 then null
  else true end"""


class Mode(StrEnum):
    """What becomes of contaminated rows."""

    DROP = "drop"
    REPORT = "report"


def decontam(
    input_: options.Input,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Evaluation sets to protect: names and groups (curate benchmarks list), livecodebench@v5, "
            "files, globs, folders; repeatable (default: the group default).",
            metavar="NAME_OR_FILE",
        ),
    ] = None,
    out: options.Out = Path("out"),
    classes: Annotated[
        list[Class] | None,
        typer.Option(
            "--class", help="Classes that are contaminated; repeatable (default: verbatim, near, reworded)."
        ),
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="drop: contaminated rows go; report: they stay, and the report tells them.")
    ] = Mode.DROP,
    responses: Annotated[
        bool,
        typer.Option(
            "--responses",
            help="Compare responses with the sets' solutions too; those that copy one go.",
        ),
    ] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show what would go, by class, of a sample; write nothing."),
    ] = False,
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test",
            help="Plant edited copies of the sets into a sample of the data, and tell how many are found.",
        ),
    ] = False,
    ngram: Annotated[
        int | None,
        typer.Option(help="Compare by n-grams of so many words alone, as papers do.", min=1),
    ] = None,
    min_containment: Annotated[
        float | None,
        typer.Option(
            help="With --ngram: share of an item's n-grams at which a row is contaminated (default: 0.5).",
            min=0.0,
            max=1.0,
        ),
    ] = None,
    against_column: Annotated[
        str | None, typer.Option(help="Column of the problem in the evaluation sets.", metavar="COLUMN")
    ] = None,
    prompt_column: options.PromptColumn = None,
    responses_column: options.ResponsesColumn = None,
    messages_column: options.MessagesColumn = None,
    output_format: options.Format = "original",
    on_bad_rows: options.OnBadRows = "stop",
    print_recipe: options.PrintRecipe = False,
    workers: options.Workers = None,
    memory: options.Memory = None,
    cache: options.Cache = None,
) -> None:
    """Remove rows that are problems of evaluation sets, and show where.

    Each row is laid beside the items it may be, and classed: verbatim, near (edited), reworded, variant
    (the same text, other numbers or another question), template, none. The first three are copies and go.
    Item, class, spans on both sides and the reason are evidence; another choice of classes needs no second
    scan (`curate decide`). Of sets whose text is not at hand the fingerprints that come with curate are
    used: copies are found by 10-grams, but edited ones and variants are not told apart
    (`curate benchmarks pull` gets the text).

      curate decontam train.parquet -o out

      curate decontam train.parquet --against aime-2025 --against my_exam.jsonl --self-test

      curate decontam train.parquet --ngram 13 --min-containment 0.5 -o out

      curate decontam rollouts.parquet --responses -o out
    """
    from curate.cli.execute import execute
    from curate.cli.protecting import say_protected
    from curate.errors import RecipeError
    from curate.recipe import build

    by_ngrams = ngram is not None or min_containment is not None
    if by_ngrams and (classes or preview or self_test):
        raise RecipeError(
            "--ngram and --min-containment compare n-grams alone, without classes: "
            "leave out --class, --preview and --self-test."
        )
    if responses and (preview or self_test):
        raise RecipeError("--preview and --self-test look at prompts alone: leave out --responses.")
    told = ", ".join(repr(str(one)) for one in classes or COPIES)
    leak: dict[str, object] = {"against": against or ["default"]}
    if against_column:
        leak["against-column"] = against_column
    if by_ngrams:
        leak |= {"stage": "ngram-overlap", "ngram": ngram or 10}
        when = f"leak.containment >= {0.5 if min_containment is None else min_containment}"
    else:
        leak["stage"] = "benchmark-match"
        when = f"leak.class IN ({told})"
    evidence = {"leak": leak}
    rules = {"contaminated": {"when": when, "on-missing": "undecided"}}
    if responses:
        named = {key: value for key, value in leak.items() if key in ("against", "against-column")}
        evidence["leak_response"] = {"stage": "response-match", **named}
        when = f"leak_response.class IN ({told})"
        rules["contaminated-response"] = {"when": when, "on-missing": "undecided"}
        rules["no-response-left"] = {"when": NONE_LEFT, "on-missing": "undecided"}
    tree = {
        "title": "decontam",
        "source": options.source_table(
            input_,
            prompt_column,
            responses=responses_column,
            messages=messages_column,
            on_bad_rows=on_bad_rows,
        ),
        "evidence": evidence,
        "drop": rules if mode == Mode.DROP else {},
        "output": {"format": output_format},
    }
    recipe = build(tree, "curate decontam")
    if not print_recipe:
        say_protected(recipe)
    if preview or self_test:
        from curate.cli.contamination import show_preview, show_self_test

        show = show_self_test if self_test else show_preview
        show(recipe)
        return
    execute(
        recipe,
        out,
        workers=workers,
        memory=memory,
        cache=cache,
        print_recipe=print_recipe,
    )
