"""An index of earlier data: what runs before this one have seen, so that new rows are compared with it too.

    INDEX/
      index.json                          the parts, in the order they came; written last
      parts/<key>/rows/NNNNN.parquet      canonical rows of one run, numbered on from the part before
      parts/<key>/kept.parquet            which of them that run kept
      state/<key>/<stage>-<params>/       what a stage needs to know of them, made once

A part's key stands for its input and for all parts before it, so what a run leaves behind in state/ before
it ends does no harm, and is used again by the same run.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from curate.disk import FileSum, fitting, sum_of
from curate.errors import InputError
from curate.flow import ROW_ID, Dataset, write_parquet
from curate.ingest import Ingested
from curate.pipeline.files import digest, link, write_text
from curate.pipeline.sums import keep_sums, sweep
from curate.stages.inputs import EarlierPart

VERSION = 2
INDEX = "index.json"


class Part(NamedTuple):
    """One run's rows in the index."""

    key: str
    input: list[str]
    """SHA-256 of each input file."""
    names: list[str]
    """The addresses they were read from, as given."""
    first_row: int
    n_rows: int
    kept: str
    """SHA-256 of kept.parquet."""
    sums: dict[str, list[Any]]
    """By path in the folder of the part the rows, bytes and SHA-256 of each file."""


class Earlier(NamedTuple):
    """The index as a run finds it: the parts that come before its own rows."""

    folder: Path
    parts: tuple[Part, ...]

    @property
    def first_row(self) -> int:
        """row_id of the first row that is not in these parts."""
        return self.parts[-1].first_row + self.parts[-1].n_rows if self.parts else 0

    def sound_state(self, key: str) -> Path:
        """Folder of what stages know of a part; what is not as it was written is gone from it."""
        folder = self.folder / "state" / key
        sweep(folder)
        keep_sums(folder)
        return folder

    def key_of(self, ingested: Ingested) -> str:
        """Key of these rows as the next part."""
        before = [[part.key, part.kept] for part in self.parts]
        return digest([VERSION, before, [file.sha256 for file in ingested.files], ingested.shape])[:32]

    def stage_parts(self) -> tuple[EarlierPart, ...]:
        """The parts as stages see them. Raises InputError if a file is not as it was written.

        What stages know of them and is not as it was written is removed: it is made again.
        """
        found = []
        for part in self.parts:
            folder = self.folder / "parts" / part.key
            sums = {folder / name: FileSum(*entry) for name, entry in part.sums.items()}
            for path, fits in fitting(sums).items():
                if not fits:
                    raise InputError(
                        f"{path}: expected the file that an earlier run wrote ({sums[path].bytes:,} bytes, "
                        f"SHA-256 {sums[path].sha256[:16]}…), found another, or none. Make the index again "
                        "from the data, in another folder"
                    )
            self.sound_state(part.key)
            shards = tuple(sorted((folder / "rows").glob("*.parquet")))
            state = self.folder / "state" / part.key
            found.append(EarlierPart(part.first_row, part.n_rows, shards, folder / "kept.parquet", state))
        return tuple(found)


def open_index(folder: Path) -> Earlier:
    """All parts of an index; none if it is not there. Raises InputError for a folder of another kind."""
    try:
        text = (folder / INDEX).read_text(encoding="utf-8")
    except FileNotFoundError:
        strangers = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if set(strangers) - {"parts", "state", ".lock"}:
            raise InputError(
                f"{folder}: expected an index of earlier data, or a folder to make one in, found "
                f"{', '.join(strangers[:3])} and no {INDEX}. Name another folder"
            ) from None
        return Earlier(folder, ())
    except (NotADirectoryError, UnicodeDecodeError) as error:
        raise InputError(f"{folder}: expected a folder with an index of earlier data: {error}") from error
    try:
        tree = json.loads(text)
        version, parts = tree["version"], tuple(Part(**part) for part in tree["parts"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / INDEX}: expected an index of earlier data, found a damaged one: {error}. "
            "Make it again from the data, in another folder"
        ) from error
    if version != VERSION:
        raise InputError(
            f"{folder / INDEX}: expected version {VERSION}, found {version}: it was made by another version "
            "of curate. Make it again from the data, in another folder"
        )
    return Earlier(folder, parts)


def read_after(
    index: Earlier, names: Sequence[str], read: Callable[[int], Ingested]
) -> tuple[Earlier, Ingested]:
    """The rows of the files `names`, numbered after the index, and the index they come after.

    `read(first_row)` reads them. If they are the last part of the index already, this is the same run once
    more: they come after the parts before. Raises InputError if they are a part further back, since every
    row would be its own copy.
    """
    if index.parts and index.parts[-1].names == list(names):
        before = index._replace(parts=index.parts[:-1])
        again = read(before.first_row)
        if [file.sha256 for file in again.files] == index.parts[-1].input:
            return before, again
    ingested = read(index.first_row)
    own = [file.sha256 for file in ingested.files]
    for number, part in enumerate(index.parts, start=1):
        if part.input == own:
            raise InputError(
                f"{index.folder}: expected new rows, found this input in the index already (part {number} of "
                f"{len(index.parts)}, {part.n_rows:,} rows). Name new data, or another index"
            )
    return index, ingested


def extend(index: Earlier, ingested: Ingested, names: Sequence[str], verdicts: Dataset) -> None:
    """Make the rows of a finished run the last part of the index."""
    key = index.key_of(ingested)
    folder = index.folder / "parts" / key
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "rows").mkdir(parents=True)
    for shard in ingested.rows.shards:
        link(shard, folder / "rows" / shard.name)
    write_parquet(verdicts.read([ROW_ID, "keep"]), folder / "kept.parquet")
    written = [*sorted((folder / "rows").iterdir()), folder / "kept.parquet"]
    sums = {path.relative_to(folder).as_posix(): list(sum_of(path)) for path in written}
    part = Part(
        key=key,
        sums=sums,
        input=[file.sha256 for file in ingested.files],
        names=list(names),
        first_row=index.first_row,
        n_rows=ingested.n_rows,
        kept=str(sums["kept.parquet"][-1]),
    )
    parts = [item._asdict() for item in (*index.parts, part)]
    write_text(index.folder / INDEX, json.dumps({"version": VERSION, "parts": parts}, indent=1) + "\n")
