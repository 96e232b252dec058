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


class Mode(StrEnum):
    """What becomes of contaminated rows."""

    DROP = "drop"
    MASK = "mask"
    REPORT = "report"


def fate(name: str, mode: Mode) -> str:
    """What becomes of a row of a class that is contaminated."""
    if mode == Mode.REPORT:
        return "reported"
    return "cut out" if mode == Mode.MASK and name in ("verbatim", "near") else "dropped"


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
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder of the run (default: out). With --self-test: the run whose report shows the result.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    classes: Annotated[
        list[Class] | None,
        typer.Option(
            "--class",
            metavar="CLASS",
            help="Classes that are contaminated, of verbatim, near, reworded, variant, template; repeatable "
            "(default: verbatim, near, reworded).",
        ),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="drop: contaminated rows go; mask: the copies are cut out of them, and the rows stay; "
            "report: they stay as they are, and the report tells them."
        ),
    ] = Mode.DROP,
    mask_token: Annotated[
        str | None,
        typer.Option(
            help="With --mode mask: text that stands where a copy was (default: \\[removed]).", metavar="TEXT"
        ),
    ] = None,
    min_left: Annotated[
        int | None,
        typer.Option(
            help="With --mode mask: a row that would keep fewer characters, white space and drawings not "
            "counted, is dropped (default: 200).",
            min=1,
        ),
    ] = None,
    responses: Annotated[
        bool,
        typer.Option(
            "--responses",
            help="Compare responses with the sets' solutions too: what is done about rows is done about "
            "responses that copy one.",
        ),
    ] = False,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show what would go of a sample, by class; write nothing."),
    ] = False,
    self_test: Annotated[
        bool,
        typer.Option(
            "--self-test",
            help="Plant edited copies of the sets into a sample of the data, and tell how many are found; "
            "nothing is decided. With -o the report of that run shows it.",
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
    engine: options.Engine = "local",
    address: options.Address = None,
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

      curate decontam long_documents.parquet --mode mask -o out
    """
    from curate.cli.decontam_rules import CUT, Table, dropping, masking
    from curate.cli.decontam_rules import by_ngrams as ngram_rules
    from curate.cli.execute import execute
    from curate.errors import RecipeError
    from curate.recipe import build

    by_ngrams = ngram is not None or min_containment is not None
    if by_ngrams and (classes or preview or self_test):
        raise RecipeError(
            "--ngram and --min-containment compare n-grams alone, without classes: "
            "leave out --class, --preview and --self-test."
        )
    if mode == Mode.MASK and by_ngrams:
        raise RecipeError(
            "--mode mask cuts out copies, which n-grams alone do not tell from stock phrases: "
            "leave out --ngram and --min-containment."
        )
    if mode != Mode.MASK and (mask_token is not None or min_left is not None):
        raise RecipeError("--mask-token and --min-left say how --mode mask masks: add it, or leave them out.")
    if responses and (preview or self_test):
        raise RecipeError("--preview and --self-test look at prompts alone: leave out --responses.")
    chosen = [str(one) for one in classes or COPIES]
    named: Table = {"against": against or ["default"]}
    if against_column:
        named["against-column"] = against_column
    if by_ngrams:
        rules = ngram_rules(named, ngram or 10, 0.5 if min_containment is None else min_containment)
    elif mode == Mode.MASK:
        if not set(CUT) & set(chosen):
            raise RecipeError(
                f"--mode mask cuts out {' and '.join(CUT)} copies: add --class {CUT[0]} or --class {CUT[1]}."
            )
        given = {"replace-with": mask_token, "min-left": min_left}
        how = {key: value for key, value in given.items() if value is not None}
        rules = masking(named, chosen, how, responses=responses)
    else:
        rules = dropping(named, chosen, responses=responses)
    tree = {
        "title": "decontam",
        "source": options.source_table(
            input_,
            prompt_column,
            responses=responses_column,
            messages=messages_column,
            on_bad_rows=on_bad_rows,
        ),
        "evidence": rules.evidence,
        "drop": {} if mode == Mode.REPORT else rules.drop,
        "mask": rules.mask,
        "output": {"format": output_format},
    }
    recipe = build(tree, "curate decontam")
    if preview or self_test:
        from curate.cli.contamination import show_preview, show_self_test
        from curate.cli.protecting import say_protected

        say_protected(recipe)
        if preview:
            show_preview(recipe, {name: fate(name, mode) for name in chosen})
        if self_test:
            show_self_test(recipe, out)
        return
    execute(
        recipe,
        out or Path("out"),
        machine=options.Machine(workers, memory, cache, engine, address),
        print_recipe=print_recipe,
    )
