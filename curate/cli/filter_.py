"""`curate filter`: drop rows and responses by what their text looks like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import options


def filter_(
    input_: options.Input,
    out: options.Out = Path("out"),
    drop: Annotated[
        list[str] | None,
        typer.Option(
            help="A rule, e.g. --drop 'too-long=query.n_chars > 8000'; none: those of the default recipe.",
            metavar="REASON=PREDICATE",
        ),
    ] = None,
    patterns: Annotated[
        str | None, typer.Option(help="Folder of your own patterns (TOML), used beside the shipped ones.")
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
    """Drop rows by query quality, responses by repetition and structure.

    Evidence: `query` (URLs, images, proofs, ... of the problem), `loops` and `structure` (of each
    response). `curate stages` lists their columns.
    """
    from curate.cli.execute import execute
    from curate.cli.run import read_tree
    from curate.recipe import build
    from curate.stages.patterns import rules_folder

    default = read_tree(rules_folder() / "default.toml")
    evidence = {name: default["evidence"][name] for name in ("query", "loops", "structure")}
    if patterns:
        evidence["query"]["patterns"] = patterns
    tree: dict[str, Any] = {
        "title": "filter",
        "source": options.source_table(
            input_, prompt_column, None, responses_column, None, messages_column, on_bad_rows
        ),
        "evidence": evidence,
        "drop": _rules(drop) if drop else _rules_about(default["drop"], evidence),
        "output": {"format": output_format},
    }
    execute(
        build(tree, "curate filter"),
        out,
        machine=options.Machine(workers, memory, cache, engine, address),
        print_recipe=print_recipe,
    )


def _rules(texts: list[str]) -> dict[str, dict[str, str]]:
    from curate.errors import RecipeError

    rules = {}
    for text in texts:
        reason, equals, predicate = text.partition("=")
        if not equals:
            raise RecipeError(
                f"--drop {text}: expected REASON=PREDICATE, e.g. too-long=query.n_chars > 8000."
            )
        if reason.strip() in rules:
            raise RecipeError(f"--drop {reason.strip()}: given twice. Every reason needs its own name.")
        rules[reason.strip()] = {"when": predicate.strip(), "on-missing": "undecided"}
    return rules


def _rules_about(rules: dict[str, Any], evidence: dict[str, Any]) -> dict[str, Any]:
    """The rules that name nothing but the given evidence."""
    from curate.predicate import tables_of

    return {
        reason: rule
        for reason, rule in rules.items()
        if set(tables_of([rule["when"]])) <= {*evidence, "row", "response", "responses"}
    }
