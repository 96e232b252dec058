"""`curate stages`: what can be measured."""

from __future__ import annotations

from typing import Annotated

import typer


def stages(
    name: Annotated[str | None, typer.Argument(help="One stage: its parameters and columns.")] = None,
) -> None:
    """List the stages, or show one: what it measures, its parameters, its evidence columns."""
    import sys

    from curate.errors import RecipeError, did_you_mean
    from curate.stages import STAGES

    if name is None:
        for stage in STAGES.values():
            module = sys.modules[stage.params.__module__]
            summary = (module.__doc__ or "").strip().splitlines()[0]
            typer.echo(f"{stage.name:<15} {stage.grain:<9} {summary}")
        return
    if name not in STAGES:
        raise RecipeError(f"{name}: no such stage. {did_you_mean(name, STAGES)}")
    stage = STAGES[name]
    typer.echo((sys.modules[stage.params.__module__].__doc__ or "").strip())
    typer.echo("\nParameters")
    for key, field in stage.params.model_fields.items():
        default = "required" if field.is_required() else f"default {field.default!r}"
        typer.echo(f"  {field.alias or key:<18} {default}. {field.description or ''}".rstrip())
    typer.echo(f"\nEvidence (one line a {stage.grain}, version {stage.version})")
    for column in stage.evidence:
        typer.echo(f"  {column.name:<18} {column.type}")
