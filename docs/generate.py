"""Write docs/cli.md and docs/stages.md from the program itself; a test holds them current."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.update(TERM="dumb", NO_COLOR="1", COLUMNS="100", TERMINAL_WIDTH="100")
FOLDER = Path(__file__).resolve().parent


def cli_page() -> str:
    """Every command's help."""
    import typer

    from curate.cli.main import app

    group = typer.main.get_command(app)
    pages = ["# Commands", "", "Written by `make docs` from the program's own help.", ""]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        context = typer.Context(command, info_name=f"curate {name}")
        pages += [f"## curate {name}", "", *_help(command, context), ""]
    return "\n".join(pages)


def _help(command: object, context: object) -> list[str]:
    lines = ["    " + " ".join([context.info_name, *command.collect_usage_pieces(context)]), ""]  # type: ignore[attr-defined]
    lines += [line.strip() for line in (command.help or "").strip().splitlines()]  # type: ignore[attr-defined]
    lines += ["", "| option | meaning |", "|---|---|"]
    for parameter in command.params:  # type: ignore[attr-defined]
        record = parameter.get_help_record(context)
        if record is None:
            record = (parameter.human_readable_name, getattr(parameter, "help", "") or "")
        option, meaning = (text.replace("|", "\\|").replace("\n", " ") for text in record)
        lines.append(f"| `{option.strip()}` | {meaning.strip()} |")
    return lines


def stages_page() -> str:
    """Every stage: what it measures, its parameters, its columns."""
    from curate.stages import STAGES

    lines = ["# Stages", "", "Written by `make docs`; `curate stages NAME` prints the same.", ""]
    for stage in STAGES.values():
        module = sys.modules[stage.params.__module__]
        lines += [f"## {stage.name}", "", (module.__doc__ or "").strip(), ""]
        lines += ["| parameter | default | meaning |", "|---|---|---|"]
        for key, field in stage.params.model_fields.items():
            default = "required" if field.is_required() else f"`{field.default!r}`"
            meaning = (field.description or "").replace("|", "\\|").replace("\n", " ")
            lines.append(f"| `{field.alias or key}` | {default} | {meaning} |")
        lines += ["", f"| evidence, one line a {stage.grain} | type |", "|---|---|"]
        lines += [f"| `{column.name}` | {column.type} |" for column in stage.evidence]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    (FOLDER / "cli.md").write_text(cli_page(), encoding="utf-8")
    (FOLDER / "stages.md").write_text(stages_page(), encoding="utf-8")
