"""Texts of benchmarks in the user's folder: pulled from the hub, or added from files."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
from pydantic import ValidationError

from curate.benchmarks.items import STANDARD, Items, read_items, table_of
from curate.benchmarks.load import READERS
from curate.benchmarks.registry import NAME, Entry, Fields, Origin, Own, home, items_path, registry, shipped
from curate.errors import InputError, did_you_mean

OFFLINE_VARIABLES = ("CURATE_OFFLINE", "HF_HUB_OFFLINE")


class Hub(NamedTuple):
    """What reads from the hub: `curate.ingest.remote`, which lies above this package."""

    commit: Callable[[str], str]
    """The commit that an address without a path means now."""
    fetch: Callable[[str, Path, Callable[[str], bool]], list[tuple[str, Path]]]
    """Copies the files of an address into a folder; their addresses and copies, in name order."""


class Kept(NamedTuple):
    """A set whose text is now at hand."""

    path: Path
    origin: Origin
    was_here: bool = False
    """Nothing had to be loaded."""


def pull(name: str, hub: Hub, *, revision: str | None = None, any_count: bool = False) -> Kept:
    """Load the text of a benchmark of the registry from the hub into the user's folder.

    The revision is resolved to a commit first, and all files are of it; where the text of that commit is here
    already, nothing is loaded, and offline the text that is here will do. A download that broke off goes on
    with the next call; the text is there whole or not at all. Without `any_count` the number of items must be
    that of the registry. Raises InputError if there is no such benchmark, no address, no network, or other
    items.
    """
    known = shipped().benchmarks
    name = shipped().aliases().get(name, name)
    if name not in known:
        raise InputError(f"{name}: no benchmark of this name to pull. {did_you_mean(name, known)}")
    entry = known[name]
    if entry.source is None:
        raise InputError(
            f"{name}: no address on the hub is known. Get its file elsewhere, then: "
            f"curate benchmarks add {name} FILE"
        )
    here = _pulled(name)
    wanted_revision = revision or entry.revision
    if here is not None and wanted_revision is not None and here.origin.revision == wanted_revision:
        return here
    if offline := next((each for each in OFFLINE_VARIABLES if os.environ.get(each)), None):
        if here is not None and wanted_revision is None:
            return here
        raise InputError(
            f"{name}: {entry.source} cannot be read: {offline} is set, so nothing is loaded. Unset it, or "
            f"get the file elsewhere and use: curate benchmarks add {name} FILE"
        )
    parts = re.fullmatch(r"(hf://datasets/[^/@]+/[^/@]+)(/.*)?", entry.source)
    assert parts, entry.source
    commit = hub.commit(parts[1] + (f"@{wanted_revision}" if wanted_revision else ""))
    if here is not None and here.origin.revision == commit:
        return here
    spool = home() / ".loading" / name
    copies = hub.fetch(f"{parts[1]}@{commit}{parts[2] or ''}", spool, _is_data)
    try:
        items = read_items([copy for _, copy in copies], name, entry.fields)
    except InputError as error:
        shutil.rmtree(spool)  # what cannot be read is loaded anew
        raise InputError(
            f"{name}: {entry.source} at {commit} cannot be read as this set: "
            f"{str(error).removeprefix(f'{spool}/')} The publisher may have changed it: name an earlier "
            "commit with --revision, or get the file and name its columns: "
            f"curate benchmarks add {name} FILE --problem-column COLUMN"
        ) from error
    if entry.items not in (None, len(items.ids)) and not any_count:
        raise InputError(
            f"{name}: expected {entry.items:,} items, found {len(items.ids):,} in {entry.source} at {commit}"
            ": the publisher may have changed it. Name a commit with --revision, or take it with --any-count"
        )
    files = {address: _sha256(copy) for address, copy in copies}
    origin = Origin(how="pulled", files=files, items=len(items.ids), revision=commit)
    kept = _keep(name, entry, items, origin)
    shutil.rmtree(spool)
    return kept


def _pulled(name: str) -> Kept | None:
    """The set as it was pulled before, if it was."""
    origin = registry().origins.get(name)
    return Kept(items_path(name), origin, True) if origin is not None and origin.how == "pulled" else None


def add(
    name: str,
    files: Sequence[Path],
    fields: Fields,
    described: Mapping[str, str | bool | None],
    *,
    replace: bool = False,
) -> Kept:
    """Register files as a benchmark: their items are copied into the user's folder.

    The name may be one of the registry whose text somebody has already: then the registry describes it.
    described: settings of `Entry` for a new name. Raises InputError if the name is taken or no name, or the
    files cannot be read.
    """
    known = shipped()
    if not NAME.fullmatch(name):
        raise InputError(f"{name}: expected a name of small letters, digits and single hyphens: my-set-2025.")
    if name in known.groups or name in known.aliases():
        kind = "a group" if name in known.groups else f"another name of {known.aliases()[name]}"
        raise InputError(f"{name}: is {kind}. Choose another name.")
    if (home() / name).exists() and not replace:
        raise InputError(f"{name}: is there already ({home() / name}). Replace it with --replace.")
    entry = known.benchmarks.get(name) or _described(name, described)
    items = read_items(files, name, fields)
    hashes = {path.name: _sha256(path) for path in files}
    if fields.date is not None:
        entry = entry.model_copy(update={"fields": STANDARD})
    return _keep(name, entry, items, Origin(how="added", files=hashes, items=len(items.ids)))


def _described(name: str, described: Mapping[str, str | bool | None]) -> Entry:
    given = {key: value for key, value in described.items() if value is not None}
    try:
        return Entry.model_validate({"title": name, "domain": "general", **given})
    except ValidationError as error:
        problem = error.errors()[0]
        wrong = f"--{problem['loc'][0]}: {problem['msg']}; found {problem['input']}"
        raise InputError(f"{name}: {wrong}") from error


def remove(name: str) -> Path:
    """Delete the text of a set from the user's folder; returns where it was."""
    folder = home() / name
    if not NAME.fullmatch(name) or not (folder / "entry.json").exists():
        own = [path.parent.name for path in home().glob("*/entry.json")]
        raise InputError(f"{name}: neither pulled nor added. {did_you_mean(name, own)}")
    shutil.rmtree(folder)
    return folder


def _keep(name: str, entry: Entry, items: Items, origin: Origin) -> Kept:
    """Put a set into its folder, whole or not at all."""
    folder = home() / name
    making = home() / f".{name}.{os.getpid()}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    pq.write_table(table_of(items), making / "items.parquet", compression="zstd")
    own = Own(entry=entry, origin=origin)
    (making / "entry.json").write_text(own.model_dump_json(indent=2, by_alias=True) + "\n", encoding="utf-8")
    before = home() / f".{name}.{os.getpid()}.before"
    if folder.exists():
        folder.rename(before)
    making.rename(folder)
    shutil.rmtree(before, ignore_errors=True)
    return Kept(folder / "items.parquet", origin)


def _is_data(name: str) -> bool:
    return name.lower().endswith(tuple(READERS))


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
