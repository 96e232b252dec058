"""The input of a run as canonical tables, in the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from curate.flow import SHARD_ROWS
from curate.ingest import FieldMap, Ingested, Limits, ingest
from curate.pipeline.files import digest
from curate.pipeline.locks import SILENT, Announce, locked
from curate.pipeline.sums import (
    Complete,
    and_more,
    clear_temporaries,
    damaged,
    files_of,
    forget_sums,
    keep_sums,
    read_complete,
    write_complete,
)
from curate.recipe import Recipe

INPUT = "input-"
"""How folders of input in a cache begin."""
INGESTED = "ingest.json"


def read_input(
    recipe: Recipe,
    cache: Path,
    progress: Callable[[str, int, int], None] | None,
    first_row: int = 0,
    announce: Announce = SILENT,
) -> Ingested:
    """The canonical tables of the recipe's files, from the cache if the files did not change.

    Tables in the cache that are not as they were written are made again.
    """
    source = recipe.source
    into = input_folder(recipe, cache, first_row)
    with locked(into, announce):
        clear_temporaries(into)
        known = _sound_input(into, announce)
        keep_sums(into)
        ingested = ingest(
            source.files,
            _fields_of(recipe),
            into,
            on_bad_rows=source.on_bad_rows,
            shard_rows=_shard_rows(recipe),
            first_row=first_row,
            progress=progress,
            limits=Limits(source.max_unpacked_bytes, source.max_unpacked_ratio),
        )
        if known is not None and known.files[INGESTED].fits(into / INGESTED):
            forget_sums(into)
        else:
            write_complete(into, files_of(into), {})
        return ingested


def input_folder(recipe: Recipe, cache: Path, first_row: int = 0) -> Path:
    """Where the tables of a recipe's files lie in a cache."""
    source = recipe.source
    fields = _fields_of(recipe)._asdict()
    slot = digest([source.files, fields, source.on_bad_rows, first_row, _shard_rows(recipe)])[:16]
    return cache / f"{INPUT}{slot}"


def _shard_rows(recipe: Recipe) -> int:
    return min([SHARD_ROWS, *(params.most_rows() for params in recipe.evidence.values())])


def _fields_of(recipe: Recipe) -> FieldMap:
    return FieldMap(**{name: getattr(recipe.source, name) for name in FieldMap._fields})


def _sound_input(into: Path, announce: Announce) -> Complete | None:
    """What a folder of tables holds, if it is as it was written; else `ingest` is made to begin again."""
    if not (into / INGESTED).exists():
        return None
    complete = read_complete(into)
    bad = [INGESTED] if complete is None else damaged(into)
    if not bad:
        return complete
    announce(f"{into / bad[0]}: not as it was written{and_more(bad)}; the input is read again")
    (into / INGESTED).unlink(missing_ok=True)
    return None
