"""`curate decide`: other rules over the same evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from curate.cli import options


def decide(
    run_: options.Run,
    recipe: Annotated[str, typer.Option("--recipe", "-r", help="A recipe with other rules.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Write a new run there (default: rewrite RUN's verdicts and output)."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change one value of the recipe.", metavar="KEY=VALUE"),
    ] = None,
    workers: options.Workers = None,
) -> None:
    """Decide again with other thresholds or rules; nothing is measured again.

    curate decide out --recipe out/recipe.toml --set 'drop.contaminated.when=leak.containment >= 0.8' -o out2
    """
    from curate.cli.execute import execute
    from curate.cli.run import overrides, read_tree
    from curate.pipeline import finish
    from curate.recipe import build, find
    from curate.report.run import open_run

    finish(run_)
    open_run(run_)
    path = find(recipe)
    tree = read_tree(path)
    before = read_tree(run_ / "recipe.toml")
    tree["source"] = before.get("source", {})
    for name, entry in before.get("evidence", {}).items():
        # what the run measured is what there is; a recipe template may leave its files open
        if name in tree.get("evidence", {}) and tree["evidence"][name].get("stage") == entry.get("stage"):
            tree["evidence"][name] = {**entry, **_filled_in(tree["evidence"][name])}
    execute(
        build(tree, recipe, overrides(set_ or [])),
        out or run_,
        machine=options.Machine(workers),
        decide_from=run_,
    )


def _filled_in(entry: dict[str, Any]) -> dict[str, Any]:
    """The settings of an evidence that are not left open (`against = []`, or the group `default`)."""
    return {key: value for key, value in entry.items() if value not in ([], ["default"])}
