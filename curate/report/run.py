"""A finished run as values: its manifest, its recipe, its rules and its tables.

A run is finished when `manifest.json` is there (it is written last). Tables are read by row_id, from
the shards that can hold it: shard i of every table covers the same range of rows.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl
import pyarrow.parquet as pq

from curate.disk import FileSum, fitting
from curate.errors import RunError
from curate.flow import RESPONSE_ID, ROW_ID
from curate.predicate import references

Verdict = Literal["kept", "dropped", "undecided"]

ROWS_TABLE = "input/rows"
RESPONSES_TABLE = "input/responses"
ORIGINALS_TABLE = "input/originals"
VERDICTS_TABLE = "verdicts"
RESPONSE_VERDICTS_TABLE = "response_verdicts"


class Rule(NamedTuple):
    """A rule of the recipe, as the recipe says it."""

    reason: str
    kind: Literal["drop", "mask", "keep-one", "unknown"]  # unknown: the recipe has no rule of that name
    text: str
    on_missing: str
    because: str
    reads: tuple[tuple[str, str], ...]  # (evidence, column), in order


class FinishedRun(NamedTuple):
    """A run folder that holds a manifest."""

    folder: Path
    manifest: dict[str, Any]
    recipe_text: str
    recipe: dict[str, Any]
    checked: set[Path]
    """Files that are known to be as the run wrote them."""

    def shards(self, table: str) -> tuple[Path, ...]:
        """Parquet files of a table such as `input/rows` or `evidence/leak`, in row order.

        Those that the manifest lists, be they there or not; of a table that it does not list what is there.
        """
        names = [Path(name) for name in self.manifest.get("files", {})]
        listed = [name for name in names if name.parent == Path(table) and name.suffix == ".parquet"]
        if listed:
            return tuple(self.folder / name for name in sorted(listed))
        return tuple(sorted(path for path in self.folder.glob(f"{table}/*.parquet") if path.name[0] != "."))

    def check(self, paths: Collection[Path]) -> None:
        """Raise RunError if one of these files of the run is not as the run wrote it.

        A file is read for its checksum once. One that a manifest does not list cannot be checked.
        """
        sums = {}
        for path in paths:
            entry = self.manifest.get("files", {}).get(path.relative_to(self.folder).as_posix())
            if entry is not None and path not in self.checked:
                sums[path] = FileSum(entry.get("rows"), entry["bytes"], entry["sha256"])
        for path, fits in fitting(sums).items():
            if not fits:
                raise RunError(not_as_written(path, sums[path]))
            self.checked.add(path)

    def sound_shards(self, table: str) -> tuple[Path, ...]:
        """The same as `shards`, checked: to be read whole. Raises RunError."""
        shards = self.shards(table)
        self.check(shards)
        return shards

    def evidence(self, grain: str) -> tuple[str, ...]:
        """Names of the evidence of a grain, in the order of the recipe."""
        known = {name for name, entry in self.manifest["evidence"].items() if entry["grain"] == grain}
        ordered = [name for name in self.recipe.get("evidence", {}) if name in known]
        return (*ordered, *sorted(known - set(ordered)))

    def read(
        self,
        table: str,
        row_ids: Collection[int],
        columns: Sequence[str] | None = None,
        places: Sequence[int] | None = None,
    ) -> pl.DataFrame:
        """Lines of the given rows, in row order; all columns unless some are named.

        `places` are the shards that hold these rows (see `places`); None looks in all. A table that the
        run does not have is an empty frame without columns.
        """
        shards = self.shards(table)
        if places is not None and len(shards) == len(self.shards(ROWS_TABLE)):
            shards = tuple(shards[place] for place in places)
        if not shards:
            return pl.DataFrame()
        self.check(shards)
        wanted = sorted(row_ids)
        one = pl.col(ROW_ID) == wanted[0] if len(wanted) == 1 else pl.col(ROW_ID).is_in(wanted)
        found = pl.scan_parquet(list(shards), glob=False).filter(one)
        frame = (found if columns is None else found.select(columns)).collect()
        return frame.sort([key for key in (ROW_ID, RESPONSE_ID) if key in frame.columns])

    def places(self, row_ids: Collection[int]) -> tuple[int, ...]:
        """Indices of the shards that hold these rows, ascending."""
        if len(row_ids) <= 2:
            return tuple(sorted({self.shard_of(row_id) for row_id in row_ids}))
        ranges = [_row_range(shard) for shard in self.sound_shards(ROWS_TABLE)]
        wanted = sorted(row_ids)
        at = [bisect_left(wanted, first) < bisect_right(wanted, last) for first, last in ranges]
        return tuple(index for index, here in enumerate(at) if here)

    @property
    def first_row(self) -> int:
        """The smallest row_id; rows before it are of earlier data."""
        shards = self.shards(ROWS_TABLE)
        self.check(shards[:1])
        return _row_range(shards[0])[0] if shards else 0

    def shard_of(self, row_id: int) -> int:
        """Index of the shard that holds a row. Raises RunError if no shard does."""
        shards = self.shards(ROWS_TABLE)
        low, high = 0, len(shards)
        while low < high:  # shards are in row order, so a few footers are enough
            middle = (low + high) // 2
            self.check([shards[middle]])
            first, last = _row_range(shards[middle])
            if row_id < first:
                high = middle
            elif row_id > last:
                low = middle + 1
            else:
                return middle
        raise RunError(
            f"{self.folder}: there is no row {row_id}. {_rows_there(shards)}"
            " row_id is the position of a row in the input, counted from 0."
        )


def open_run(folder: Path, manifest: Mapping[str, Any] | None = None) -> FinishedRun:
    """The run in a folder. A run about to be finished passes the manifest it will write; its files are not
    checked, for they were written just now.

    Raises RunError if the folder is not a finished run or its manifest or recipe cannot be read.
    """
    checked = set() if manifest is None else {folder / name for name in manifest.get("files", {})}
    if manifest is None:
        manifest = _manifest(folder)
    try:
        recipe_text = (folder / "recipe.toml").read_text(encoding="utf-8")
        recipe = tomllib.loads(recipe_text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RunError(
            f"{folder}: recipe.toml of this run cannot be read: {error}. The folder is damaged; run again."
        ) from error
    return FinishedRun(folder, dict(manifest), recipe_text, recipe, checked)


def not_as_written(path: Path, written: FileSum) -> str:
    """A sentence about a file of a run that is not the one that was written."""
    if not path.exists():
        found = "none"
    elif path.stat().st_size != written.bytes:
        found = f"{path.stat().st_size:,} bytes"
    else:
        found = "the size right and the content damaged"
    return (
        f"{path}: expected the file that the run wrote ({written.bytes:,} bytes, SHA-256 "
        f"{written.sha256[:16]}…), found {found}. `curate check` lists all such files; the command that made "
        "the run makes it again, and measures what is damaged"
    )


def rule_of(run: FinishedRun, reason: str) -> Rule:
    """The rule that gives a reason; kind `unknown` and no text if the recipe has none of that name."""
    drop = run.recipe.get("drop", {}).get(reason)
    keep = run.recipe.get("keep-one", {}).get(reason)
    if drop is not None:
        text = str(drop.get("when", ""))
        reads = references(text)
        return Rule(
            reason, "drop", text, drop.get("on-missing", "stop"), drop.get("because", ""), tuple(reads)
        )
    mask = run.recipe.get("mask", {}).get(reason)
    if mask is not None:
        when, spans = str(mask.get("when", "")), str(mask.get("spans", ""))
        least = mask.get("min-left", 200)
        text = f"{when}; cut {spans}, drop where fewer than {least} characters are left"
        reads = [*references(when), *references(spans)]
        unique = tuple(dict.fromkeys(reads))
        return Rule(reason, "mask", text, mask.get("on-missing", "stop"), mask.get("because", ""), unique)
    if keep is not None:
        per, prefer = str(keep.get("per", "")), [str(key) for key in keep.get("prefer", [])]
        protect, where = str(keep.get("protect", "")), str(keep.get("where", ""))
        text = f"keep one row per {per}" + (f" of those where {where}" if where else "")
        text += f", best first by {', '.join(prefer)}" if prefer else ""
        text += f", and every row where {protect}" if protect else ""
        reads = [pair for part in (per, where, *prefer, protect) for pair in references(part)]
        unique = tuple(dict.fromkeys(reads))
        return Rule(reason, "keep-one", text, keep.get("on-missing", "stop"), keep.get("because", ""), unique)
    return Rule(reason, "unknown", "", "", "", ())


def record_order(recipe: Mapping[str, Any], format_name: str) -> str:
    """A sentence about the order of the records: shuffled with which seed, or as the input."""
    seed = recipe.get("output", {}).get("shuffle-seed", "none" if format_name == "original" else 0)
    if seed == "none":
        return "The records are in the order of the input."
    return f"The records are shuffled with the seed {seed} (`output.shuffle-seed` of the recipe)."


def verdict_of(*, keep: bool, reasons: Sequence[str]) -> Verdict:
    """Name of a verdict: kept, dropped (at least one reason) or undecided."""
    return "kept" if keep else "dropped" if reasons else "undecided"


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not path.is_file():
        found = "an unfinished run: start it again and it goes on" if (folder / "recipe.toml").exists() else (
            "no run" if folder.is_dir() else "nothing there"
        )  # fmt: skip
        raise RunError(f"{folder}: expected a finished run (a folder with manifest.json), found {found}.")
    try:
        manifest = json.loads(path.read_bytes())
    except ValueError as error:
        raise RunError(f"{path}: not valid JSON: {error}. The run folder is damaged; run again.") from error
    if isinstance(manifest, dict) and manifest.get(SELF) not in (None, manifest_sha256(manifest)):
        raise RunError(
            f"{path}: not as the run wrote it: its content does not fit its own {SELF}. The run folder is "
            "damaged; run again."
        )
    missing = {"counts", "reasons", "evidence", "input"} - set(manifest if isinstance(manifest, dict) else ())
    if missing:
        raise RunError(
            f"{path}: not a manifest of a curate run: it has no {', '.join(sorted(missing))}."
            " Give the folder that `curate run` wrote."
        )
    return dict(manifest)


SELF = "manifest_sha256"
"""Entry of a manifest: the checksum of all the others."""


def manifest_sha256(manifest: Mapping[str, Any]) -> str:
    """Checksum of a manifest without its own."""
    others = {name: value for name, value in manifest.items() if name != SELF}
    return hashlib.sha256(json.dumps(others, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _row_range(shard: Path) -> tuple[int, int]:
    footer = pq.read_metadata(shard)
    if footer.num_rows == 0:
        return (0, -1)
    column = footer.schema.to_arrow_schema().get_field_index(ROW_ID)
    first = footer.row_group(0).column(column).statistics
    last = footer.row_group(footer.num_row_groups - 1).column(column).statistics
    return int(first.min), int(last.max)


def _rows_there(shards: Sequence[Path]) -> str:
    if not shards:
        return "The run has no rows."
    return f"The run has rows {_row_range(shards[0])[0]} to {_row_range(shards[-1])[1]}."
