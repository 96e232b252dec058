"""What a folder of the cache holds, file by file, with checksums: nothing is read that was not written so.

While a folder is being filled, every file has its checksum beside it (`curate.disk.SUMS`): what a killed run
left is used if it fits, and made again if it does not. When the folder is whole, `complete.json` says so and
has the checksums of all files, and its own. They are verified when the folder is used again, and handed on to
the manifest of the run, so that a file is read for its checksum once.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from curate.disk import SUMS, FileSum, fitting, sum_of, sum_path, sync_folder
from curate.pipeline.files import digest, write_text
from curate.pipeline.locks import LOCK

COMPLETE = "complete.json"
"""Written last: a folder of the cache is whole where it is."""
VERSION = 1
OWN = (COMPLETE, LOCK, SUMS)


class Complete(NamedTuple):
    """What `complete.json` says of a folder."""

    facts: dict[str, Any]
    files: dict[str, FileSum]
    """By path in the folder."""


def clear_temporaries(folder: Path) -> None:
    """Remove what killed runs were writing into a folder when they were killed; its lock must be held."""
    for path in folder.rglob(".*.tmp"):
        path.unlink()


def read_complete(folder: Path) -> Complete | None:
    """What `complete.json` of a folder says; null if there is none, or if it is not as it was written."""
    try:
        tree = json.loads((folder / COMPLETE).read_bytes())
        checked = tree.pop("sha256")
        if tree["version"] != VERSION or checked != digest(tree):
            return None
        return Complete(tree["facts"], {name: FileSum(**entry) for name, entry in tree["files"].items()})
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_complete(folder: Path, names: Collection[str], facts: Mapping[str, Any]) -> Complete:
    """Say that a folder is whole with these files, and forget the checksums beside them."""
    kept = _kept_sums(folder)
    made = Complete(dict(facts), {name: _with_rows(folder / name, kept.get(name)) for name in sorted(names)})
    tree = {
        "version": VERSION,
        "facts": made.facts,
        "files": {name: entry._asdict() for name, entry in made.files.items()},
    }
    write_text(folder / COMPLETE, json.dumps({**tree, "sha256": digest(tree)}, indent=1) + "\n")
    forget_sums(folder)
    return made


def forget_sums(folder: Path) -> None:
    """Remove the checksums beside the files."""
    shutil.rmtree(folder / SUMS, ignore_errors=True)


def keep_sums(folder: Path) -> None:
    """From now on what is written into the folder has its checksum beside it."""
    (folder / SUMS).mkdir(parents=True, exist_ok=True)


def damaged(folder: Path) -> list[str]:
    """Files of a whole folder that are not as they were written, or gone; removed, to be made again."""
    complete = read_complete(folder)
    if complete is None:
        return []
    sums = {folder / name: entry for name, entry in complete.files.items()}
    bad = [path for path, fits in fitting(sums).items() if not fits]
    for path in bad:
        path.unlink(missing_ok=True)
    return [path.relative_to(folder).as_posix() for path in bad]


def sweep(folder: Path) -> list[str]:
    """Remove from a folder that is not whole what is not as it was written; the files that were damaged.

    What has no checksum was not finished, or cannot be checked: it goes too, without a word.
    """
    known = _kept_sums(folder)
    complete = read_complete(folder)
    files = {name: folder / name for name in files_of(folder)}
    expected: dict[Path, FileSum] = {}
    for name, path in files.items():
        entry = known.get(name) or (complete.files.get(name) if complete else None)
        if entry is None:
            path.unlink()
        else:
            expected[path] = entry
    bad = [path for path, fits in fitting(expected).items() if not fits]
    for path in bad:
        path.unlink()
    return [path.relative_to(folder).as_posix() for path in bad]


def move_folder(files: Sequence[Path], target: Path) -> None:
    """Make the folder that holds these files, and nothing else, the folder `target`, in one step.

    Their checksums are there before: one without a file does no harm.
    """
    [source] = {path.parent for path in files}
    for path in files:
        old, new = sum_path(path), sum_path(target / path.name)
        if old is not None and new is not None and old.exists():
            shutil.copyfile(old, new)
    shutil.rmtree(target, ignore_errors=True)
    source.replace(target)
    sync_folder(target.parent)


def files_of(folder: Path) -> list[str]:
    """Paths in a folder of all files in it and below, but those that are about the folder."""
    return sorted(path.relative_to(folder).as_posix() for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder):
        top = Path(where) == folder
        folders[:] = [name for name in folders if not (top and name in OWN)]
        yield from (Path(where) / name for name in names if not (top and name in OWN))


def _kept_sums(folder: Path) -> dict[str, FileSum]:
    """The checksums beside the files, by path in the folder; a torn one fits no file."""
    found = {}
    for path in sorted((folder / SUMS).glob("*")):
        size, _, sha256 = path.read_text(encoding="ascii", errors="replace").strip().partition(" ")
        if size.isdigit() and sha256:
            found[path.name.replace("+", "/")] = FileSum(None, int(size), sha256)
    return found


def _with_rows(path: Path, kept: FileSum | None) -> FileSum:
    """A file's sum with its rows; what has no checksum beside it is read for it."""
    if kept is None:
        return sum_of(path)
    return kept._replace(rows=pq.read_metadata(path).num_rows if path.suffix == ".parquet" else None)


def and_more(names: Sequence[str]) -> str:
    """How many names a message leaves out after the first."""
    return f" (nor are {len(names) - 1} more files)" if len(names) > 1 else ""
