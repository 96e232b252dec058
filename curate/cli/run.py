"""`curate run`: a recipe over input files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import options

PROTECTING = (
    "benchmark-match", "benchmark-passages", "response-match", "response-passages", "ngram-overlap",
    "string-similarity", "benchmark-share",
)  # fmt: skip
"""Stages that compare with evaluation sets."""


def run(
    recipe: Annotated[
        str, typer.Argument(help="A recipe file, or the name of one that comes with curate (default, ...).")
    ],
    input_: Annotated[
        list[str] | None,
        typer.Option("--input", "-i", help="Files, globs, folders, hf:// or s3:// addresses; repeatable."),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="Evaluation sets to protect, instead of the recipe's: names and groups (curate benchmarks "
            "list), files, globs, folders; repeatable.",
            metavar="NAME_OR_FILE",
        ),
    ] = None,
    out: options.Out = Path("out"),
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Change one value, e.g. --set evidence.leak.ngram=13", metavar="KEY=VALUE"
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Leave out an evidence and the rules that name it.", metavar="EVIDENCE"),
    ] = None,
    prompt_column: options.PromptColumn = None,
    answer_column: options.AnswerColumn = None,
    responses_column: options.ResponsesColumn = None,
    source_column: options.SourceColumn = None,
    messages_column: options.MessagesColumn = None,
    on_bad_rows: Annotated[
        str | None,
        typer.Option(help="A row that cannot be read: stop, or quarantine.", metavar="stop|quarantine"),
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="auto, messages, verl, trl, prompt-completion, sharegpt or original.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    print_recipe: options.PrintRecipe = False,
    workers: options.Workers = None,
    memory: options.Memory = None,
    cache: options.Cache = None,
    engine: options.Engine = "local",
    address: options.Address = None,
) -> None:
    """Run a recipe: measure, decide, write kept and dropped rows and a report.

    A run that was interrupted goes on where it was; a changed threshold measures nothing again.

      curate run default -i 'data/*.parquet' -o out

      curate run default -i 'data/*.parquet' --against default --against my_exam.parquet -o out
    """
    from curate.cli.execute import execute
    from curate.errors import RecipeError
    from curate.recipe import build, find

    path = find(recipe)
    tree = read_tree(path)
    source = options.source_table(
        input_ or [],
        prompt_column,
        answer_column,
        responses_column,
        source_column,
        messages_column,
        on_bad_rows,
    )
    tree.setdefault("source", {}).update(source)
    if output_format:
        tree.setdefault("output", {})["format"] = output_format
    for name in without or []:
        leave_out(tree, name, recipe)
    guards = [entry for entry in tree.get("evidence", {}).values() if entry.get("stage") in PROTECTING]
    if against and not guards:
        raise RecipeError(
            f"--against {against[0]}: the recipe {recipe} has no stage that could protect it. "
            "Add benchmark-match, or use curate decontam."
        )
    for entry in guards:
        if against:
            entry["against"] = against
    execute(
        build(tree, recipe, overrides(set_ or [])),
        out,
        machine=options.Machine(workers, memory, cache, engine, address),
        print_recipe=print_recipe,
    )


def read_tree(path: Path) -> dict[str, Any]:
    """The recipe file as plain values, not checked yet."""
    import tomllib

    from curate.errors import RecipeError
    from curate.recipe import shipped

    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(
            f"{path}: there is no such recipe file. Recipes that come with curate: {', '.join(shipped())}."
        ) from None
    except UnicodeDecodeError:
        raise RecipeError(
            f"{path}: expected a recipe (TOML), found something else. "
            f"If it is data: curate run default --input {path}"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path}: not valid TOML: {error}. Check quotes and brackets there.") from None
    for name in ("source", "output", "evidence", "drop", "mask", "replace", "keep-one"):
        table = tree.get(name, {})
        nested = isinstance(table, dict) and name not in ("source", "output")
        entries = [table, *table.values()] if nested else [table]
        if not all(isinstance(entry, dict) for entry in entries):
            raise RecipeError(f"{path}: {name}: expected a table ([{name}...]), found a plain value.")
    return tree


def overrides(settings: list[str]) -> dict[str, Any]:
    """`key=value` settings as path → value; a value that is not TOML is taken as text."""
    import tomllib

    from curate.errors import RecipeError

    values: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key.strip():
            raise RecipeError(f"--set {setting}: expected KEY=VALUE, for example evidence.leak.ngram=13.")
        try:
            values[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            values[key.strip()] = text.strip()
    return values


def leave_out(tree: dict[str, Any], name: str, where: str) -> None:
    """Remove an evidence from a recipe, with every rule and every skip-if that names it."""
    from curate.errors import RecipeError, did_you_mean
    from curate.predicate import tables_of

    evidence = tree.get("evidence", {})
    if name not in evidence:
        raise RecipeError(f"--without {name}: {where} has no such evidence. {did_you_mean(name, evidence)}")
    del evidence[name]
    for entry in evidence.values():
        if name in tables_of([entry.get("skip-if", "")]):
            del entry["skip-if"]
    named = {"drop": ("when",), "mask": ("when", "spans"), "replace": ("when", "by"), "keep-one": ("per",)}
    for table, keys in named.items():
        rules = tree.get(table, {})
        for reason, rule in list(rules.items()):
            if name in tables_of([rule.get(key, "") for key in keys]):
                del rules[reason]
        for rule in rules.values():
            if "prefer" in rule:
                rule["prefer"] = [text for text in rule["prefer"] if name not in tables_of([text])]
