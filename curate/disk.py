"""Files that are there whole or not at all, and arrays that outlive the memory they were made in."""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import mmap
import os
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from curate.errors import MachineError

Scalar = TypeVar("Scalar", bound=np.generic)


def temporaries(folder: Path, name: str = "*") -> list[Path]:
    """Files in a folder that were being written when the process was killed: of one name, or of any."""
    return sorted(folder.glob(f".{name}.*.tmp"))


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, under another name until it is whole: then it is synced and renamed.

    Where checksums are kept (`SUMS`), its own is there before it has its name.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as sink:
            yield sink
            sink.flush()
            os.fsync(sink.fileno())
        _keep_sum(path, temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


SUMS = ".sums"
"""A folder that has this one keeps in it the size and SHA-256 of every file written into it, or below it."""
SUMS_DEPTH = 4


def sum_path(path: Path) -> Path | None:
    """Where the checksum of a file is kept; null if no folder above it keeps any."""
    for folder in itertools.islice(path.parents, SUMS_DEPTH):
        if (folder / SUMS).is_dir():
            return folder / SUMS / path.relative_to(folder).as_posix().replace("/", "+")
    return None


def _keep_sum(path: Path, written: Path) -> None:
    """Keep the checksum of a file that is about to be called `path`.

    Not synced: after a power cut a checksum that is torn, or of a file that did not get its name, does not
    fit, and what does not fit is made again.
    """
    kept = sum_path(path)
    if kept is not None:
        kept.write_text(f"{written.stat().st_size} {file_sha256(written)}\n", encoding="ascii")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


class FileSum(NamedTuple):
    """A file as it was written."""

    rows: int | None
    """Of a Parquet file."""
    bytes: int
    sha256: str

    def fits(self, path: Path) -> bool:
        """Whether the file at a path is this one. It is read only if it has the size."""
        try:
            return path.stat().st_size == self.bytes and file_sha256(path) == self.sha256
        except FileNotFoundError:
            return False

    def told(self) -> dict[str, Any]:
        """As a manifest has it."""
        return {name: value for name, value in self._asdict().items() if value is not None}


def sum_of(path: Path) -> FileSum:
    """A file as it is."""
    rows = pq.read_metadata(path).num_rows if path.suffix == ".parquet" else None
    return FileSum(rows, path.stat().st_size, file_sha256(path))


HASHERS = 4
"""Threads that read files for their checksums: hashing lets go of the interpreter."""


def fitting(sums: Mapping[Path, FileSum]) -> dict[Path, bool]:
    """Which files are as they were written."""
    with ThreadPoolExecutor(HASHERS) as threads:
        return dict(zip(sums, threads.map(lambda path: sums[path].fits(path), sums), strict=True))


PROCESS_BYTES = 350_000_000


def memory_for_work(limit_bytes: int) -> int:
    """What a process's memory limit leaves beside the interpreter, its libraries and the shards at hand."""
    return max(limit_bytes // 2, limit_bytes - PROCESS_BYTES)


def check_free(folder: Path, n_bytes: int, what: str) -> None:
    """Raise MachineError if the disk of a folder has less room than will be needed."""
    free = shutil.disk_usage(folder).free
    if free < n_bytes:
        raise MachineError(
            f"{folder}: expected {n_bytes / 1e9:.1f} GB free for {what}, found {free / 1e9:.1f} GB. "
            "Free some, or put the cache on another disk (--cache)"
        )


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def packed(**arrays: npt.NDArray[Any]) -> pa.Table:
    """A table of one line that holds the bytes of each array; they are not copied."""
    columns = {}
    for name, array in arrays.items():
        flat = np.ascontiguousarray(array)
        ends = pa.py_buffer(np.array([0, flat.nbytes], dtype=np.int64))
        columns[name] = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), 1, [None, ends, pa.py_buffer(flat.reshape(-1).view(np.uint8))]
        )
    return pa.table(columns)


def write_arrow(table: pa.Table, path: Path) -> None:
    """Write a table as it lies in memory, to be mapped by `Mapped` or `pyarrow.memory_map`."""
    with whole_file(path) as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


class Mapped:
    """The arrays of a table made by `packed`: in memory, or in the file `write_arrow` wrote, where they stay.

    What was read of a file stays in memory until `release`, or until the system needs the room.
    """

    def __init__(self, stored: Path | pa.Table) -> None:
        self._map: mmap.mmap | None = None
        if isinstance(stored, Path):
            with stored.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            self._batch = pa.ipc.open_file(pa.py_buffer(self._map)).get_batch(0)
        else:
            self._batch = stored.to_batches()[0]

    def array(self, name: str, kind: type[Scalar]) -> npt.NDArray[Scalar]:
        """An array by its name, read-only; the file stays mapped while it is used."""
        _, ends, values = self._batch.column(name).buffers()  # a scalar's `as_buffer` would be a copy
        size = int(np.frombuffer(ends, dtype=np.int64)[1]) // np.dtype(kind).itemsize
        array = np.frombuffer(values, dtype=kind, count=size) if size else np.empty(0, dtype=kind)
        array.flags.writeable = False  # it may be the memory of the array that was packed
        return array

    def release(self) -> None:
        """Let go of the memory of what was read of a file; it is read again where it is needed."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)


def return_memory() -> None:
    """Give the system back what was freed but is still held, by Arrow's pool and by the C library."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
