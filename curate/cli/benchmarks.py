"""`curate benchmarks`: which evaluation sets can be named, and getting their texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from curate.benchmarks.registry import Entry, Registry

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""
    Evaluation sets: those that curate knows by name, and your own.

    curate comes with fingerprints of most sets: hashes of their word 10-grams, by which rows that
    contain an item are found with nothing to download. The text, which shows what matched and
    allows other n-grams, is loaded by pull, or given by add.

      curate decontam data.parquet --against aime-2025 --against livecodebench@v5

      curate benchmarks show livecodebench

      curate benchmarks add my-exam exam.parquet --problem-column question
    """,
)

Name = Annotated[str, typer.Argument(help="Name of a benchmark.", metavar="NAME")]
SHOWN = 20
"""Ids that are printed of a list."""


@app.command("list")
def list_(
    group: Annotated[str | None, typer.Option(help="Only the sets of a group.")] = None,
    domain: Annotated[
        str | None, typer.Option(help="Only maths, code, science, general or instructions.")
    ] = None,
) -> None:
    """List the sets: items, what is at hand of each, its title; then the groups."""
    from curate.benchmarks.registry import fingerprint_path, registry
    from curate.errors import RecipeError, did_you_mean

    known = registry()
    if group is not None and group not in known.groups:
        raise RecipeError(f"--group {group}: no such group. {did_you_mean(group, known.groups)}")
    domains = sorted({entry.domain for entry in known.benchmarks.values()})
    if domain is not None and domain not in domains:
        raise RecipeError(f"--domain {domain}: no such domain. {did_you_mean(domain, domains)}")
    typer.echo(f"{'name':<20} {'items':>6}  {'text':<7} {'fingerprint':<11}  title")
    for name in known.benchmarks if group is None else known.members(group):
        entry = known.benchmarks[name]
        if domain not in (None, entry.domain):
            continue
        text = known.origins[name].how if name in known.origins else "-"
        shipped = "yes" if fingerprint_path(name).exists() else "-"
        items = f"{entry.items:,}" if entry.items is not None else "?"
        typer.echo(f"{name:<20} {items:>6}  {text:<7} {shipped:<11}  {entry.title}")
    if group is None and domain is None:
        typer.echo("\nGroups")
        for name in known.groups:
            members = known.members(name)
            shown = ", ".join(members[:4]) + (f" and {len(members) - 4} more" if len(members) > 4 else "")
            typer.echo(f"  {name:<20} {shown}")


@app.command()
def show(
    name: Name,
    ngram: Annotated[int, typer.Option(help="Words in an n-gram.", min=1, max=63)] = 10,
) -> None:
    """Show a set: what it is, where its text is, which of its items can be found and which cannot."""
    from curate.benchmarks.protect import resolve
    from curate.benchmarks.protection import protections
    from curate.benchmarks.registry import registry
    from curate.errors import CurateError

    known = registry()
    if name in known.groups:
        typer.echo("\n".join(known.members(name)))
        return
    try:
        found = resolve([name])
    except CurateError:
        spelt = known.aliases().get(name, name)
        if spelt not in known.benchmarks:
            raise
        _describe(spelt, known.benchmarks[spelt], known)
        typer.echo("fingerprint   none comes with curate")
        return
    for one in found:
        if one.entry is not None:
            _describe(one.name.partition("@")[0], one.entry, known)
        if one.fingerprint_file is not None:
            _describe_fingerprint(one.fingerprint_file)
        [how] = protections([one], ngram, "words")
        typer.echo(f"\n{one.name}: {how.n_items:,} items, found by word {ngram}-grams of the {how.by}")
        for ids, what in (
            (how.short, f"have fewer than {ngram} words: found only whole"),
            (how.unprotectable, "have fewer than four words: cannot be found inside a text"),
            (how.generic, "share all their n-grams with other items: a hit may mean another"),
        ):
            if ids:
                more = f", and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
                typer.echo(f"  {len(ids):,} {what}: {', '.join(ids[:SHOWN])}{more}")


@app.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="Names of benchmarks, or groups.", metavar="NAME...")],
    revision: Annotated[
        str | None, typer.Option(help="Commit, branch or tag (default: the registry's, else main).")
    ] = None,
    any_count: Annotated[
        bool, typer.Option("--any-count", help="Take it even if it has other than the known number of items.")
    ] = False,
) -> None:
    """Load the text of sets from the hub, once, into your folder of benchmarks.

    The commit is written down with the files' SHA-256. A load that broke off goes on with the same command.
    What is here already at that commit is not loaded again. Of several sets those that cannot be had are
    told at the end. HF_TOKEN opens gated sets, HF_ENDPOINT names another server; with CURATE_OFFLINE or
    HF_HUB_OFFLINE set nothing is loaded. The folder is $CURATE_BENCHMARKS, or
    ~/.local/share/curate/benchmarks.
    """
    from curate.benchmarks.own import Hub
    from curate.benchmarks.own import pull as load
    from curate.benchmarks.registry import registry
    from curate.errors import InputError, RecipeError
    from curate.ingest.remote import fetch, hf_commit

    known = registry()
    wanted: dict[str, None] = {}
    for given in names:
        if given in known.groups:
            wanted.update(dict.fromkeys(one for one in known.members(given) if known.benchmarks[one].source))
        else:
            wanted[given] = None
    if revision is not None and len(wanted) > 1:
        raise RecipeError(f"--revision {revision}: a revision is of one set, and {len(wanted)} are named.")
    problems = []
    for name in wanted:
        try:
            kept = load(name, Hub(hf_commit, fetch), revision=revision, any_count=any_count)
        except InputError as error:
            problems.append(str(error))
            continue
        here = ", here already" if kept.was_here else ""
        typer.echo(f"{name}: {kept.origin.items:,} items at {kept.origin.revision}{here}  {kept.path}")
    if problems:
        raise InputError("\n".join(problems))


@app.command()
def add(
    name: Name,
    files: Annotated[
        list[Path], typer.Argument(help="Parquet, JSONL (plain, .gz, .zst) or CSV.", metavar="FILE...")
    ],
    problem_column: Annotated[
        str | None, typer.Option(help="Column of the problem (default: recognised).", metavar="COLUMN")
    ] = None,
    answer_column: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    solution_column: Annotated[str | None, typer.Option(metavar="COLUMN")] = None,
    id_column: Annotated[
        str | None,
        typer.Option(help="Column of ids (default: recognised, else positions).", metavar="COLUMN"),
    ] = None,
    date_column: Annotated[
        str | None, typer.Option(help="Column of dates, for NAME@FROM..TO.", metavar="COLUMN")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What the set is, for `list`.")] = None,
    domain: Annotated[str | None, typer.Option(help="maths, code, science, general or instructions.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the problems, e.g. en.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the text.")] = None,
    keep_private: Annotated[
        bool, typer.Option("--keep-private", help="Its text must not be published.")
    ] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a set of this name.")] = False,
) -> None:
    """Register files as a benchmark of your own, to be named like any other.

    Their items are copied into your folder of benchmarks ($CURATE_BENCHMARKS, or
    ~/.local/share/curate/benchmarks), so that the set stays what it was. A name that curate knows gives the
    text to that set: `curate benchmarks add aime-2025 aime25.jsonl`.
    """
    from curate.benchmarks.load import ANSWER_COLUMNS, ID_COLUMNS, SOLUTION_COLUMNS, read_columns, text_column
    from curate.benchmarks.own import add as register
    from curate.benchmarks.registry import Fields

    columns = read_columns(files[0], ())

    def column(given: str | None, usual: tuple[str, ...]) -> str | None:
        return given or next((each for each in usual if each in columns and each != problem), None)

    problem = text_column(files[0], columns, problem_column, "--problem-column")
    fields = Fields(
        problem=problem,
        answer=column(answer_column, ANSWER_COLUMNS),
        solution=column(solution_column, SOLUTION_COLUMNS),
        id=column(id_column, ID_COLUMNS),
        date=date_column,
    )
    described: dict[str, str | bool | None] = {
        "title": title,
        "domain": domain,
        "language": language,
        "licence": licence,
        "may-publish": False if keep_private else None,
    }
    kept = register(name, files, fields, described, replace=replace)
    typer.echo(f"{name}: {kept.origin.items:,} items  {kept.path}")


@app.command()
def remove(name: Name) -> None:
    """Delete the text of a set from your folder of benchmarks."""
    from curate.benchmarks.own import remove as delete

    typer.echo(f"deleted {delete(name)}")


@app.command()
def build(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names of sets whose text is at hand, or files.", metavar="NAME..."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for NAME.fingerprint.")] = Path(),
    snapshots: Annotated[
        Path | None,
        typer.Option(help="Make the fingerprints that come with curate, of the snapshots in this folder."),
    ] = None,
) -> None:
    """Make fingerprints: files of hashes to compare rows with where the text must not go.

      curate benchmarks build my-exam -o shared

      curate decontam data.parquet --against shared/my-exam.fingerprint

    A fingerprint holds no text and no word by itself. Who guesses ten words in a row can check the guess, so
    it hides a text from readers, not from those who have it.
    """
    from curate.benchmarks.build import build as make
    from curate.benchmarks.build import build_shipped
    from curate.benchmarks.fingerprint import ENDING, write_fingerprint
    from curate.benchmarks.protect import resolve
    from curate.benchmarks.registry import registry, shipped
    from curate.errors import RecipeError

    if snapshots is None and not names:
        raise RecipeError("build: expected names of benchmarks or files, found none. Or use --snapshots.")
    if snapshots is not None:
        entries = {name: entry for name, entry in shipped().benchmarks.items() if entry.snapshot}
        made = {
            name: build_shipped(name, entry, snapshots)
            for name, entry in entries.items()
            if not names or name in names
        }
    else:
        origins = registry().origins
        made = {one.name: make(one, origins.get(one.name)) for one in resolve(names or [])}
    for name, fingerprint in made.items():
        path = out / f"{name.replace('/', '-')}{ENDING}"
        write_fingerprint(fingerprint, path)
        typer.echo(f"{path}  {len(fingerprint.ids):,} items, {path.stat().st_size:,} bytes")


def _describe(name: str, entry: Entry, known: Registry) -> None:
    origin = known.origins.get(name)
    facts: dict[str, Any] = {
        "name": ", ".join([name, *entry.aliases]),
        "title": entry.title,
        "version": entry.version,
        "released": entry.released,
        "items from": entry.held,
        "domain": f"{entry.domain}, {entry.language}",
        "licence": entry.licence + ("" if entry.may_publish else "; its text is not to be published"),
        "releases": ", ".join(entry.releases),
        "groups": ", ".join(group for group in known.groups if name in known.members(group)),
        "source": entry.source,
        "note": entry.note,
    }
    if origin is None:
        get = f"curate benchmarks pull {name}" if entry.source else f"curate benchmarks add {name} FILE"
        facts["text"] = f"not here. Get it with: {get}"
    else:
        from curate.benchmarks.registry import items_path

        facts["text"] = f"{items_path(name)} ({origin.how})"
        facts["commit"] = origin.revision
        facts["made of"] = "\n              ".join(
            f"{file}  sha256 {digest[:16]}" for file, digest in origin.files.items()
        )
    for what, value in facts.items():
        if value:
            typer.echo(f"{what:<13} {value}")


def _describe_fingerprint(path: Path) -> None:
    from curate.benchmarks.fingerprint import read_header

    header = read_header(path)
    made_of = "; ".join(" ".join(str(value) for value in source.values()) for source in header.sources)
    size = path.stat().st_size
    typer.echo(f"fingerprint   {header.ngram}-grams of {header.tokenizer}, {size:,} bytes")
    typer.echo(f"  made of     {made_of}")
