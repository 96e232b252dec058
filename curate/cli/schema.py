"""`curate schema`: the JSON schema of recipes."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON schema of recipe files, for editors that complete and check TOML."""
    import json

    from curate.recipe import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
