"""Options that several commands share, declared once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

FIELDS = "Which column is what (recognised by itself where possible)"
OUTPUT = "Output"
MACHINE = "Machine"

Input = Annotated[
    list[str],
    typer.Argument(help="Files, globs, folders, hf:// or s3:// addresses.", metavar="INPUT..."),
]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.", rich_help_panel=OUTPUT)]
PromptColumn = Annotated[
    str | None,
    typer.Option(help="Column (or dotted path) of the problem.", rich_help_panel=FIELDS, metavar="COLUMN"),
]
AnswerColumn = Annotated[
    str | None,
    typer.Option(help="Column of the ground truth.", rich_help_panel=FIELDS, metavar="COLUMN"),
]
ResponsesColumn = Annotated[
    str | None,
    typer.Option(help="Column of the model responses.", rich_help_panel=FIELDS, metavar="COLUMN"),
]
SourceColumn = Annotated[
    str | None,
    typer.Option(help="Column that says where a row is from.", rich_help_panel=FIELDS, metavar="COLUMN"),
]
MessagesColumn = Annotated[
    str | None,
    typer.Option(help="Column of a whole conversation.", rich_help_panel=FIELDS, metavar="COLUMN"),
]
OnBadRows = Annotated[
    str,
    typer.Option(
        help="What to do about a row that cannot be read: stop, or quarantine.", metavar="stop|quarantine"
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help="original, auto, messages, verl, trl, prompt-completion or sharegpt.",
        rich_help_panel=OUTPUT,
    ),
]
PrintRecipe = Annotated[
    bool, typer.Option("--print-recipe", help="Print the recipe this command stands for, and do nothing.")
]
Workers = Annotated[
    int | None, typer.Option(help="Cores to use (default: all).", min=1, rich_help_panel=MACHINE)
]
Memory = Annotated[
    str | None,
    typer.Option(
        help="Memory to stay within, e.g. 4GB (default: half of the machine's).",
        rich_help_panel=MACHINE,
        metavar="SIZE",
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        help="Folder for input and evidence shared by several runs (default: inside the run).",
        rich_help_panel=MACHINE,
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        help="Where the work is done: local (this machine) or ray (a cluster; pip install 'curate\\[ray]').",
        rich_help_panel=MACHINE,
        metavar="local|ray",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="Ray cluster: HOST:PORT, or auto (default: one that is started here and ends with the run).",
        rich_help_panel=MACHINE,
        metavar="HOST:PORT",
        envvar="RAY_ADDRESS",
    ),
]
Run = Annotated[Path, typer.Argument(help="Folder of a finished run.", metavar="RUN")]


class Machine(NamedTuple):
    """Where a command works, and with how much of it."""

    workers: int | None = None
    memory: str | None = None
    cache: Path | None = None
    engine: str = "local"
    address: str | None = None


LEAST_MEMORY = 512_000_000


def memory_bytes(text: str | None) -> int | None:
    """What stages may use of a size as people write it; raises InputError for another text, or too little.

    >>> memory_bytes("4GB"), memory_bytes("1 GiB"), memory_bytes("0.6g"), memory_bytes(None)
    (3650000000, 723741824, 300000000, None)
    """
    if text is None:
        return None
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*", text, re.IGNORECASE)
    n_bytes = 0 if found is None else _bytes(*found.groups())
    if n_bytes < LEAST_MEMORY:
        from curate.errors import InputError

        raise InputError(f"--memory: expected a size such as 4GB, at least 512MB; found {text}.")
    from curate.disk import memory_for_work

    return memory_for_work(n_bytes)


def _bytes(number: str, letter: str, binary: str) -> int:
    power = " kmgt".index(letter.lower() or " ")
    return int(float(number) * (1024 if binary else 1000) ** power)


def check_local(out: Path) -> None:
    """Raise InputError for an address: the command reads what it wrote."""
    if re.match(r"\w+:/", str(out)):
        from curate.errors import InputError

        raise InputError(
            f"-o {out}: expected a folder of this machine, found an address. Copy the folder afterwards, "
            "or use curate run with --print-recipe's recipe, which writes to s3://."
        )


def source_table(
    files: list[str],
    prompt: str | None = None,
    answer: str | None = None,
    responses: str | None = None,
    source: str | None = None,
    messages: str | None = None,
    on_bad_rows: str | None = None,
) -> dict[str, object]:
    """The [source] table of a recipe, with the settings that were given."""
    given = {
        "files": files,
        "prompt": prompt,
        "answer": answer,
        "responses": responses,
        "source": source,
        "messages": messages,
        "on-bad-rows": on_bad_rows,
    }
    return {key: value for key, value in given.items() if value}
