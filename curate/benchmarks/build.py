"""Making fingerprints: of a set that is at hand, or of the files the shipped ones are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from curate.benchmarks.fingerprint import Fingerprint, make_fingerprint
from curate.benchmarks.items import Items
from curate.benchmarks.load import load, read_columns
from curate.benchmarks.protect import Protected
from curate.benchmarks.registry import Entry, Origin
from curate.errors import InputError

SOURCE = {"source_repo": "repository", "source_path": "path", "source_commit": "commit"}


def build(benchmark: Protected, origin: Origin | None) -> Fingerprint:
    """The fingerprint of a set whose text is at hand."""
    if origin is None:
        sources = [{"file": benchmark.file.name}]
    else:
        commit = {"commit": origin.revision} if origin.revision else {}
        sources = [{"file": file, "sha256": digest, **commit} for file, digest in origin.files.items()]
    return make_fingerprint(benchmark.items(), sources)


def build_shipped(name: str, entry: Entry, folder: Path) -> Fingerprint:
    """The fingerprint of a registered set, from its snapshot in `folder`.

    A snapshot has the columns id, problem, meta (JSON), source_repo, source_path and source_commit; the part
    of an id before its first / repeats the file's name. Raises InputError if it is not there, or has other
    items than the registry says.
    """
    assert entry.snapshot is not None
    path = folder / f"{entry.snapshot.file}.parquet"
    read = load(path, "problem")
    if len(read.ids) != entry.items:
        raise InputError(f"{path}: expected {entry.items} items of {name}, found {len(read.ids)}")
    columns = read_columns(path, ("meta", *SOURCE))
    nothing: list[str | None] = [None] * len(read.ids)
    ids = [item.partition("/")[2] or item for item in read.ids]
    dates = [_date(meta, entry.snapshot.date) for meta in columns["meta"]]
    origins = dict.fromkeys(zip(*(columns[column] for column in SOURCE), strict=True))
    sources = [dict(zip(SOURCE.values(), origin, strict=True)) for origin in origins]
    return make_fingerprint(Items(name, ids, read.texts, nothing, nothing, dates), sources)


def _date(meta: str | None, key: str | None) -> str | None:
    """The day or year of an item, as its `meta` says."""
    value: Any = json.loads(meta or "{}").get(key) if key else None
    return None if value is None else str(value)[: len("2024-02-01")]
