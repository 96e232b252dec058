"""What a cache holds that nobody needs any more, and its removal.

Every run that uses a cache writes down there which folders its recipe needs (`.runs/`). A folder of input or
evidence goes if no run that is still there needs it, and if no run shares its files (they are hard links:
removing them would free nothing). What killed runs left, temporary files, checksums and scratch, goes too.
What is locked is being used, and stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from curate.disk import temporaries
from curate.errors import RunError
from curate.pipeline.files import write_text
from curate.pipeline.locks import LOCK, Busy, held
from curate.pipeline.measuring import EVIDENCE, evidence_folder
from curate.pipeline.places import CACHE, MANIFEST, MARK, WORK
from curate.pipeline.reading import INPUT
from curate.pipeline.sums import COMPLETE, read_complete
from curate.report.run import open_run

RUNS = ".runs"


class Removal(NamedTuple):
    """Something that is removed."""

    path: Path
    why: str
    bytes: int
    """That become free: files that a run shares stay there."""


class Collected(NamedTuple):
    """What was removed, or would be, and what could not be looked at because a run holds it."""

    removed: tuple[Removal, ...]
    held: tuple[str, ...]


def note_run(cache: Path, out: Path, folders: Collection[str]) -> None:
    """Write down in a cache which of its folders the recipe of a run needs."""
    (cache / RUNS).mkdir(parents=True, exist_ok=True)
    place = os.path.relpath(out.resolve(), cache.resolve())  # a run that holds its cache can be moved
    name = f"{hashlib.sha256(place.encode()).hexdigest()[:16]}.json"
    for path in temporaries(cache / RUNS, name):
        path.unlink()
    write_text(cache / RUNS / name, json.dumps({"run": place, "folders": sorted(folders)}) + "\n")


def collect(folder: Path, *, dry_run: bool) -> Collected:
    """Remove what nobody needs from a run's folder or a cache. RunError for a folder that is neither."""
    removed: list[Removal] = []
    busy: list[str] = []
    cache = folder
    if (folder / MARK).exists():
        cache = folder / CACHE
        with held(folder / MARK, wait=False):
            left = [path for path in _temporaries(folder) if not path.is_relative_to(cache)]
            removed += _remove([*left, folder / WORK], "left by a killed run", dry_run=dry_run)
    elif not any(cache.glob(f"*/{LOCK}")):
        raise RunError(f"{folder}: expected a run or a cache of runs, found neither. Name its folder.")
    needed = _needed(cache)
    for path in sorted([*cache.glob(f"{INPUT}*"), *cache.glob(f"{EVIDENCE}*")]):
        try:
            with held(path / LOCK, wait=False):
                if path.name in needed or _is_shared(path):
                    removed += _remove(_left_in(path), "left by a killed run", dry_run=dry_run)
                else:
                    removed += _remove([path], "needed by no run", dry_run=dry_run)
        except Busy as error:
            busy.append(str(error))
    gone = [path for path, run, _ in _notes(cache) if not (run / MARK).exists()]
    removed += _remove(gone, "of a run that is gone", dry_run=dry_run)
    return Collected(tuple(removed), tuple(busy))


def _left_in(folder: Path) -> list[Path]:
    """What is no part of a folder that is whole; of another temporary files: who goes on has the rest."""
    complete = read_complete(folder)
    left = list(_temporaries(folder))
    if complete is not None:
        parts = {Path(name).parts[0] for name in complete.files} | {COMPLETE, LOCK}
        others = [path for path in sorted(folder.iterdir()) if path.name not in parts]
        left = [*others, *(path for path in left if path.relative_to(folder).parts[0] in parts)]
    return left


def _needed(cache: Path) -> set[str]:
    """Names of the folders that runs need which are still there: by notes, and as manifests say."""
    needed: set[str] = set()
    runs = {cache.parent} if cache.name == CACHE else set()
    for _, run, folders in _notes(cache):
        if (run / MARK).exists():
            needed.update(folders)
            runs.add(run)
    for run in runs:
        if (run / MANIFEST).exists():
            keys = [entry["key"] for entry in open_run(run).manifest["evidence"].values()]
            needed.update(evidence_folder(key, cache).name for key in keys)
    return needed


def _notes(cache: Path) -> Iterator[tuple[Path, Path, list[str]]]:
    """Of each run that used the cache its note, its folder, and the folders it needs."""
    for path in sorted((cache / RUNS).glob("*.json")):
        note = json.loads(path.read_text(encoding="utf-8"))
        yield path, Path(os.path.normpath(cache.resolve() / note["run"])), note["folders"]


def _is_shared(folder: Path) -> bool:
    """Whether a file of a folder has another name somewhere: in a run."""
    return any(path.stat().st_nlink > 1 for path in folder.rglob("*.parquet"))


def _temporaries(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob(".*.tmp"))


def _remove(paths: Collection[Path], why: str, *, dry_run: bool) -> list[Removal]:
    """Remove files and folders, unless it is a dry run; what it was."""
    found = []
    for path in paths:
        if not path.exists():
            continue
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        n_bytes = sum(status.st_size for status in map(Path.stat, files) if status.st_nlink == 1)
        if not dry_run:
            path.unlink() if path.is_file() else shutil.rmtree(path)
        found.append(Removal(path, why, n_bytes))
    return found
