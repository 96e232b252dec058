"""Any input → curate's canonical tables: rows, responses and the original columns, as Parquet shards.

Two passes. The first finds the types: JSON and CSV are parsed once into a spool of Arrow batches, of
Parquet and Arrow files only the schemas are read. The second brings every batch to the one schema, cuts
the stream of rows into shards and writes the three tables of each shard. Memory is bounded by a few
shards, whatever the size of the input.

Folder: rows/, responses/, originals/ (NNNNN.parquet, shard i of all three covers the same rows),
quarantined/ if bad rows were put aside, ingest.json (written last: it exists = the ingest is complete).
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curate.arrays import cut_by_size
from curate.disk import whole_file
from curate.errors import InputError, MachineError
from curate.flow import RESPONSES, ROW_ID, ROWS, SHARD_ROWS, Dataset, shard_path, write_parquet
from curate.ingest.canonical import canonical, plain_prompt
from curate.ingest.fields import FieldMap, Shape, recognise
from curate.ingest.mapping import FileColumns, shape_line, shape_notes, shapes_of
from curate.ingest.readers import BadRow, binary_batches, binary_schema, text_batches
from curate.ingest.sources import TEXTS, Limits, Source, find_sources
from curate.ingest.unify import final_type, fit_batch, plain_schema, unify_schemas
from curate.ingest.unused import Unused, prompts_note, uncarried_fields, uncarried_note, unused_columns

__all__ = ["FieldMap", "Ingested", "InputFile", "ingest", "load_ingested"]

VERSION = 6
"""Raise it when the tables change for any input."""

QUARANTINED = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),  # from 1; in a JSON array, the number of the item
        ("reason", pa.string()),
        ("text", pa.large_string()),  # the line, at most 2,000 bytes of it
    ]
)
TABLES = ("rows", "responses", "originals")
SHOWN_BAD_ROWS = 5

Progress = Callable[[str, int, int], None]


class InputFile(NamedTuple):
    """One file that was read."""

    path: str  # as given, or as found under the folder or glob that was given
    bytes: int
    sha256: str
    rows: int  # read, without those put aside


class Ingested(NamedTuple):
    """The canonical tables of an input."""

    rows: Dataset
    responses: Dataset
    originals: Dataset
    shape: str  # one line: which column became what
    n_rows: int
    n_responses: int
    n_quarantined: int
    files: list[InputFile]
    bounds: tuple[int, ...]  # first row_id of shards 1, 2, ...
    first_row: int  # row_id of the first row
    schema: pa.Schema  # of originals: row_id and the columns of the input
    notes: tuple[str, ...]  # what else was done to the input: files left out, types joined, ...
    unused: Unused  # columns that became nothing; rules may read them


def ingest(
    files: Sequence[str],
    fields: FieldMap,
    into: Path,
    *,
    on_bad_rows: Literal["stop", "quarantine"] = "stop",
    shard_rows: int = SHARD_ROWS,
    shard_bytes: int = 16 << 20,
    first_row: int = 0,
    progress: Progress | None = None,
    limits: Limits = Limits(),
) -> Ingested:
    """Read files, globs, folders or remote addresses into canonical tables in the folder `into`.

    row_id is `first_row` and the position among the rows read, files in the order of the addresses, those of
    one folder or glob in name order. A shard ends at `shard_rows` rows, or before the row that would pass
    `shard_bytes` (bytes of the values of the original columns); this depends on the rows alone, not on the
    files they came in. A finished ingest of the same bytes with the same settings in `into` is used again.

    progress(label, done, total) is told of bytes while reading, of rows while writing (total 0: unknown).
    Raises InputError for input that cannot be read or understood, and, with on_bad_rows="stop", for any
    row that cannot; MachineError if the disk says no.
    """
    tell = progress or (lambda _label, _done, _total: None)
    notes: dict[str, None] = {}
    with _disk_errors(into):
        into.mkdir(parents=True, exist_ok=True)
        spool = into / ".spool"
        shutil.rmtree(spool, ignore_errors=True)
        spool.mkdir()
    try:
        with _disk_errors(into):
            sources = find_sources(files, spool / "remote", lambda text: notes.setdefault(text), limits)
        stamps = _stamps(sources)
        inputs = _fingerprints(sources, tell)
        key = _key(sources, inputs, fields, on_bad_rows, shard_rows, shard_bytes, first_row)
        known = _load(into, key)
        if known is not None:
            return known._replace(
                files=[new._replace(rows=old.rows) for new, old in zip(inputs, known.files, strict=True)]
            )
        (into / "ingest.json").unlink(missing_ok=True)
        for name in (*TABLES, "quarantined"):
            shutil.rmtree(into / name, ignore_errors=True)
        with _disk_errors(into):
            size = (shard_rows, shard_bytes)
            try:
                state = _ingest(sources, inputs, key, fields, into, on_bad_rows, size, first_row, tell, notes)
            finally:  # a file that changed is the reason for whatever went wrong with it
                _check_stamps(sources, stamps)
            with whole_file(into / "ingest.json") as sink:
                sink.write((json.dumps(state, indent=1, ensure_ascii=False) + "\n").encode())
        done = load_ingested(into)
        assert done is not None
        return done
    finally:
        shutil.rmtree(spool, ignore_errors=True)


def load_ingested(into: Path) -> Ingested | None:
    """The finished ingest in a folder; null if there is none, or if one of its shards is gone."""
    return _load(into, None)


def _load(into: Path, key: str | None) -> Ingested | None:
    path = into / "ingest.json"
    if not path.exists():
        return None
    state = json.loads(path.read_text(encoding="utf-8"))
    if state["version"] != VERSION or (key is not None and state["key"] != key):
        return None
    tables = {
        name: tuple(shard_path(into / name, index) for index in range(len(state["bounds"]) + 1))
        for name in TABLES
    }
    if not all(shard.exists() for shards in tables.values() for shard in shards):
        return None
    return Ingested(
        rows=Dataset(tables["rows"]),
        responses=Dataset(tables["responses"]),
        originals=Dataset(tables["originals"]),
        shape=state["shape"],
        n_rows=state["n_rows"],
        n_responses=state["n_responses"],
        n_quarantined=state["n_quarantined"],
        files=[InputFile(**file) for file in state["files"]],
        bounds=tuple(state["bounds"]),
        first_row=state["first_row"],
        schema=pq.read_schema(tables["originals"][0]),
        notes=tuple(state["notes"]),
        unused=Unused(*map(tuple, state["unused"])),
    )


def _ingest(
    sources: list[Source],
    inputs: list[InputFile],
    key: str,
    fields: FieldMap,
    into: Path,
    on_bad_rows: str,
    shard_size: tuple[int, int],
    first_row: int,
    tell: Progress,
    notes: dict[str, None],
) -> dict[str, Any]:
    """Write the tables; what ingest.json will say of them."""
    bad = _BadRows(into / "quarantined", keep=on_bad_rows == "quarantine")
    stream = _Stream(sources, into / ".spool", lambda text: notes.setdefault(text))
    schema = stream.find_schema(bad.add, tell)
    bad.close()
    if bad.count and on_bad_rows == "stop":
        raise InputError(bad.message())
    if stream.known_empty():
        hint = f". {bad.message()}" if bad.count else ""
        raise InputError(f"{_names(sources)}: expected rows, found none{hint}")
    try:
        whole = recognise(schema, fields)
    except InputError as problem:
        raise InputError(f"{_names(sources)}: {problem}") from None
    files = stream.files(schema)
    shapes = shapes_of(schema, [file for _, file in files], fields, whole)
    shape_of = {index: shape for (index, _), shape in zip(files, shapes, strict=True)}
    counts = [0] * len(sources)
    for name in TABLES:
        (into / name).mkdir()
    bounds: list[int] = []
    n_rows = n_responses = n_blank = 0
    misaligned: dict[str, int] = {}
    uncarried: dict[str, dict[str, None]] = {}  # path of a chat → fields of its turns
    for index, originals in enumerate(cut_by_size(stream.tables(schema, counts), *shard_size)):
        start = first_row + n_rows
        bounds.append(start)
        ids = pa.array(np.arange(start, start + originals.num_rows, dtype=np.int64))
        originals = originals.add_column(0, ROW_ID, ids)
        pieces = _pieces(n_rows, originals.num_rows, counts, shape_of)
        n_rows += originals.num_rows
        written = _write_shard(originals, pieces, into, index, misaligned)
        n_responses += written.responses
        n_blank += written.without_prompt
        for length, shape in pieces:
            for path, names in uncarried_fields(originals.slice(0, length), shape).items():
                uncarried.setdefault(path, {}).update(dict.fromkeys(names))
            originals = originals.slice(length)
        tell("writing", n_rows, stream.known_rows)
    if not n_rows:
        raise InputError(f"{_names(sources)}: expected rows, found none")
    for line in shape_notes(shapes, [file for _, file in files]):
        notes[line] = None
    if n_blank:
        notes[prompts_note(n_blank, schema, shapes)] = None
    for path, rows in misaligned.items():
        notes[f"{path}: not as long as the responses in {rows} rows, left null there"] = None
    for path, fields_left in uncarried.items():
        notes[uncarried_note(path, fields_left)] = None
    return {
        "version": VERSION,
        "key": key,
        "shape": shape_line(shapes),
        "n_rows": n_rows,
        "n_responses": n_responses,
        "n_quarantined": bad.count,
        "files": [file._replace(rows=rows)._asdict() for file, rows in zip(inputs, counts, strict=True)],
        "bounds": bounds[1:],
        "first_row": first_row,
        "notes": list(notes),
        "unused": unused_columns(schema, shapes),
    }


Piece = tuple[int, Shape]  # rows, and what they look like


def _pieces(start: int, n_rows: int, counts: Sequence[int], shape_of: Mapping[int, Shape]) -> list[Piece]:
    """The rows `start` and following, cut where the shape changes; `counts` are the rows of each file."""
    pieces: list[Piece] = []
    end = 0
    for index, count in enumerate(counts):
        first, end = max(end, start), end + count
        length = min(end, start + n_rows) - first
        if length <= 0:
            continue
        if pieces and pieces[-1][1] == shape_of[index]:
            length += pieces.pop()[0]
        pieces.append((length, shape_of[index]))
    return pieces


class _Written(NamedTuple):
    responses: int
    without_prompt: int


def _write_shard(
    originals: pa.Table, pieces: Sequence[Piece], into: Path, index: int, misaligned: dict[str, int]
) -> _Written:
    """Write shard `index` of the three tables; the number of its responses and of rows without a prompt."""
    made, start = [], 0
    for length, shape in pieces:
        made.append(canonical(originals.slice(start, length), shape))
        start += length
        for path, rows in made[-1].misaligned.items():
            misaligned[path] = misaligned.get(path, 0) + rows
    oldest = pl.CompatLevel.oldest()
    prompt = plain_prompt(originals.schema, pieces[0][1]) if len(pieces) == 1 else None
    made_rows = pl.concat([piece.rows for piece in made])
    if prompt is not None:  # the text is there already
        made_rows = made_rows.with_columns(pl.lit(None, pl.String).alias("prompt"))
    rows = made_rows.rechunk().to_arrow(compat_level=oldest).cast(ROWS)
    if prompt is not None:
        rows = rows.set_column(ROWS.get_field_index("prompt"), ROWS.field("prompt"), originals[prompt])
    made_responses = pl.concat([piece.responses for piece in made])
    responses = made_responses.rechunk().to_arrow(compat_level=oldest).cast(RESPONSES)
    write_parquet(originals, shard_path(into / "originals", index))
    write_parquet(responses, shard_path(into / "responses", index), scanned=True)
    write_parquet(rows, shard_path(into / "rows", index), scanned=True)
    return _Written(int(responses.num_rows), int(rows["prompt"].null_count))


Stamp = tuple[int, int, int] | None


def _stamps(sources: Sequence[Source]) -> list[Stamp]:
    """Of each file what changes when it is written or replaced; null where there is none any more."""
    stamps: list[Stamp] = []
    for source in sources:
        try:
            status = source.path.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((status.st_size, status.st_mtime_ns, status.st_ino))
    return stamps


def _check_stamps(sources: Sequence[Source], stamps: Sequence[Stamp]) -> None:
    """Raise InputError if a file is not what it was: its rows would not be those of its fingerprint."""
    for source, before, now in zip(sources, stamps, _stamps(sources), strict=True):
        if before != now:
            found = "that it was written to or replaced" if now else "that it is gone"
            raise InputError(
                f"{source.name}: expected a file that stays as it is while it is read, found {found}. Wait "
                f"until it is finished, or read a copy"
            )


def _fingerprints(sources: Sequence[Source], tell: Progress) -> list[InputFile]:
    """Size and sha256 of every file; rows are not known yet (0)."""
    sizes = [source.path.stat().st_size for source in sources]
    inputs, done = [], 0
    for source, size in zip(sources, sizes, strict=True):
        with source.path.open("rb") as stream:
            inputs.append(InputFile(source.name, size, hashlib.file_digest(stream, "sha256").hexdigest(), 0))
        done += size
        tell("checking", done, sum(sizes))
    return inputs


def _key(
    sources: Sequence[Source],
    inputs: Sequence[InputFile],
    fields: FieldMap,
    on_bad_rows: str,
    shard_rows: int,
    shard_bytes: int,
    first_row: int,
) -> str:
    """Fingerprint of all that the tables depend on; the places of the files are not among it."""
    read = [[source.kind, source.packing, file.sha256] for source, file in zip(sources, inputs, strict=True)]
    # A name shows in the quarantine and in messages of what was done, nowhere else.
    names = [file.path for file in inputs] if on_bad_rows == "quarantine" else []
    parts = [VERSION, read, names, fields._asdict(), on_bad_rows, shard_rows, shard_bytes, first_row]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _names(sources: Sequence[Source]) -> str:
    more = f" and {len(sources) - 1} more files" if len(sources) > 1 else ""
    return sources[0].name + more


class _Columns:
    """The columns of one file: all of them, and those that hold more than null as far as is known."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.filled: set[str] = set()
        self.rows: int | None = 0  # None: not known

    def add(self, schema: pa.Schema, rows: int | None) -> None:
        """Take the columns of some rows of the file."""
        self.names.update(schema.names)
        self.filled.update(field.name for field in schema if not pa.types.is_null(field.type))
        self.rows = None if rows is None or self.rows is None else self.rows + rows


class _Stream:
    """The rows of all files, read once for their types and once for their values."""

    def __init__(self, sources: Sequence[Source], spool: Path, note: Callable[[str], None]) -> None:
        self.sources = sources
        self.spool = spool
        self.note = note
        self.spooled: list[tuple[int, Path]] = []  # source and batch, in order
        self.known_rows = 0  # rows counted so far; Arrow files do not say how many they hold
        self.renamed = False
        self.own = [_Columns() for _ in sources]

    def find_schema(self, on_bad: Callable[[BadRow], None], tell: Progress) -> pa.Schema:
        """The one schema of all files; text files are parsed into the spool on the way."""
        schema: pa.Schema = pa.schema([])
        sizes = [source.path.stat().st_size for source in self.sources]
        for index, source in enumerate(self.sources):
            if source.kind in TEXTS:
                for batch in text_batches(source, on_bad, self.note):
                    self.own[index].add(batch.schema, batch.num_rows)
                    schema = self._joined(schema, batch.schema, source)
                    self._spool(index, batch)
            else:
                own, rows = binary_schema(source)
                self.own[index].add(own, rows)
                schema = self._joined(schema, own, source)
                self.known_rows += rows or 0
            tell("reading", sum(sizes[: index + 1]), sum(sizes))
        return self._named(pa.schema([(field.name, final_type(field.type)) for field in schema]))

    def files(self, schema: pa.Schema) -> list[tuple[int, FileColumns]]:
        """The files that have rows, as far as is known, with their columns as `schema` names them."""
        named = {self._original(name): name for name in schema.names}
        return [
            (
                index,
                FileColumns(
                    source.name,
                    frozenset(named[name] for name in own.names),
                    frozenset(named[name] for name in own.filled),
                ),
            )
            for index, (source, own) in enumerate(zip(self.sources, self.own, strict=True))
            if own.rows != 0
        ]

    def known_empty(self) -> bool:
        """Whether there is no row, as far as can be told before the second pass."""
        return not self.known_rows and not any(source.kind == "arrow" for source in self.sources)

    def tables(self, schema: pa.Schema, counts: list[int]) -> Iterator[pa.Table]:
        """All rows in `schema`, in order; `counts` gets the rows of each file."""
        spooled = iter(self.spooled)
        following = next(spooled, None)
        own = pa.schema([field.with_name(self._original(field.name)) for field in schema])
        for index, source in enumerate(self.sources):
            if source.kind not in TEXTS:
                for batch in binary_batches(source):
                    counts[index] += batch.num_rows
                    yield self._fitted(batch, own, source).rename_columns(schema.names)
            while following is not None and following[0] == index:
                with pa.memory_map(str(following[1])) as memory, pa.ipc.open_file(memory) as reader:
                    batch = reader.get_batch(0)
                counts[index] += batch.num_rows
                yield self._fitted(batch, own, source).rename_columns(schema.names)
                following[1].unlink()
                following = next(spooled, None)

    def _joined(self, schema: pa.Schema, own: pa.Schema, source: Source) -> pa.Schema:
        try:
            return unify_schemas(schema, plain_schema(own), self.note)
        except InputError as problem:
            raise InputError(f"{source.name}: {problem}") from problem

    def _fitted(self, batch: pa.RecordBatch, schema: pa.Schema, source: Source) -> pa.Table:
        try:
            return fit_batch(batch, schema)
        except InputError as problem:
            raise InputError(f"{source.name}: {problem}") from problem

    def _spool(self, index: int, batch: pa.RecordBatch) -> None:
        path = self.spool / f"{len(self.spooled):08d}.arrow"
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, batch.schema, options=options) as writer,
        ):
            writer.write_batch(batch)
        self.spooled.append((index, path))
        self.known_rows += batch.num_rows

    def _named(self, schema: pa.Schema) -> pa.Schema:
        """The schema with a column `row_id` of the input under another name."""
        if ROW_ID not in schema.names:
            return schema
        self.renamed = True
        self.note(f"the input has a column {ROW_ID}, kept as {ROW_ID}_original")
        if f"{ROW_ID}_original" in schema.names:
            raise InputError(
                f"the input has columns {ROW_ID} and {ROW_ID}_original: expected at most one of the two, as "
                f"curate numbers rows in {ROW_ID}. Rename one of them"
            )
        return pa.schema([f.with_name(f"{ROW_ID}_original") if f.name == ROW_ID else f for f in schema])

    def _original(self, name: str) -> str:
        return ROW_ID if self.renamed and name == f"{ROW_ID}_original" else name


class _BadRows:
    """Rows that could not be read: counted, the first few kept for the message, all written if asked."""

    def __init__(self, folder: Path, *, keep: bool) -> None:
        self.folder = folder
        self.keep = keep
        self.count = 0
        self.first: list[BadRow] = []
        self.held: list[BadRow] = []
        self.n_files = 0

    def add(self, row: BadRow) -> None:
        """Take one bad row."""
        self.count += 1
        if len(self.first) < SHOWN_BAD_ROWS:
            self.first.append(row)
        if self.keep:
            self.held.append(row)
            if len(self.held) >= 16_384:
                self.close()

    def close(self) -> None:
        """Write the rows held."""
        if not self.held:
            return
        self.folder.mkdir(exist_ok=True)
        columns = {name: [getattr(row, name) for row in self.held] for name in QUARANTINED.names}
        table = pa.table(columns, schema=QUARANTINED)
        write_parquet(table, shard_path(self.folder, self.n_files))
        self.n_files += 1
        self.held = []

    def message(self) -> str:
        """What is wrong, where, and what to do."""
        lines = [f"  {row.file}, {row.unit} {row.line}: {row.reason}" for row in self.first]
        more = [f"  and {self.count - len(lines)} more"] if self.count > len(lines) else []
        rows = "1 row" if self.count == 1 else f"{self.count} rows"
        return "\n".join(
            [
                f"expected rows that can be read, found {rows} that cannot:",
                *lines,
                *more,
                "Mend them, or put them aside: --on-bad-rows quarantine (in a recipe, "
                'on-bad-rows = "quarantine" under [source])',
            ]
        )


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Say what a full or read-only disk means."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EROFS,
            errno.EACCES,
            errno.EPERM,
            errno.ENOTDIR,
        ):
            raise MachineError(
                f"{folder}: expected a folder that can be written, found: {os.strerror(problem.errno)}. Free "
                f"space there, or choose another folder"
            ) from problem
        raise
