"""Addresses the user gave → local files to read, in order, each with its format checked.

A file, a glob, a folder (read recursively, in name order) or a remote address (`hf://datasets/...`,
`s3://...`, brought here first, see `curate.ingest.remote`). The format follows from the name; the first bytes
must agree with it, so that a renamed, truncated or half-downloaded file is told apart before reading.
"""

from __future__ import annotations

import glob
import gzip
import io
import json
import os
import stat
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple, cast

import zstandard

from curate.errors import InputError

Kind = Literal["parquet", "jsonl", "json", "csv", "arrow"]
KINDS: dict[str, Kind] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".feather": "arrow",
}
PACKED = (".gz", ".zst")
READABLE = ".parquet, .jsonl, .ndjson, .json, .csv (also .gz and .zst of these texts), .arrow, .feather"

# First bytes of files, and what to call them.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "Parquet"),
    (b"PARE", "encrypted Parquet"),
    (b"ARROW1", "Arrow"),
    (b"\xff\xff\xff\xff", "Arrow stream"),
    (b"FEA1", "Feather version 1"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"PK\x03\x04", "a zip archive"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"version https://git-lfs", "a Git LFS pointer"),
)
WHAT_TO_DO = {
    "encrypted Parquet": "Decrypt it first",
    "Feather version 1": "Write it again as Parquet or Feather version 2",
    "UTF-16 text": "Convert it: iconv -f UTF-16 -t UTF-8 IN > OUT",
    "a Git LFS pointer": "The data was not downloaded: run git lfs pull",
    "an HTML page": "A download gave a web page in place of the data: download it again",
    "a zip archive": "Unpack it first",
    "a JSON array": "Name it .json",
}
TEXTS = ("jsonl", "json", "csv")
READ_ERRORS = (OSError, EOFError, zlib.error, zstandard.ZstdError)


class Limits(NamedTuple):
    """What a packed file may become when it is unpacked; more is taken for a bomb."""

    unpacked_bytes: int = 1 << 40
    ratio: float = 200.0
    """Unpacked bytes for each packed one, asked from RATIO_FROM_BYTES on; text is packed 3 to 20 times."""


UNLIMITED = Limits(1 << 62, float("inf"))
RATIO_FROM_BYTES = 64 << 20


class Source(NamedTuple):
    """One file to read."""

    name: str  # as given, or as found under what was given
    path: Path  # where it lies on this machine
    kind: Kind
    packing: str  # "", ".gz" or ".zst"
    limits: Limits = Limits()


def find_sources(
    addresses: Sequence[str], spool: Path, note: Callable[[str], None], limits: Limits = Limits()
) -> list[Source]:
    """The files of the addresses: addresses in the order given, files of each in name order.

    `spool` is the folder remote files are brought to. Raises InputError for an address without a file,
    a file of unknown or false format, and a file named twice.
    """
    if not addresses:
        raise InputError("expected at least one input file, found none. Name a file, a glob or a folder")
    sources: list[Source] = []
    for address in addresses:
        if "://" in address:
            from curate.ingest.remote import fetch  # brings HTTP along, which local files need not wait for

            named = [(name, path) for name, path in fetch(address, spool, is_readable) if is_readable(name)]
            sources += [_checked(name, path) for name, path in named]
        else:
            sources += _local(_home(address), note)
    seen: set[Path] = set()
    for source in sources:
        real = source.path.resolve()
        if real in seen:
            raise InputError(f"{source.name}: expected each file once, found it named twice. Leave one out")
        seen.add(real)
    return [source._replace(limits=limits) for source in sources]


def _home(address: str) -> str:
    """The address with what `~` and `~name` stand for."""
    try:
        return str(Path(address).expanduser()) if address.startswith("~") else address
    except RuntimeError as problem:
        raise InputError(
            f"{address}: expected a file, a folder or a glob, found a home folder that nobody has. Check the "
            "path"
        ) from problem


def is_readable(name: str) -> bool:
    """Whether the name is one of a file that can be read.

    >>> [is_readable(name) for name in ("a.jsonl.zst", "b.Parquet", "README.md", "c.parquet.gz")]
    [True, True, False, False]
    """
    kind, packing = _kind_of(name)
    return kind is not None and (not packing or kind in TEXTS)


def _kind_of(name: str) -> tuple[Kind | None, str]:
    lower = name.lower()
    packing = next((end for end in PACKED if lower.endswith(end)), "")
    return KINDS.get(Path(lower.removesuffix(packing)).suffix), packing


def _local(address: str, note: Callable[[str], None]) -> list[Source]:
    path = Path(address)
    try:
        if path.is_dir():
            return _folder(path, note)
        if path.exists():
            return [_checked(address, path)]
    except OSError as problem:  # a name that is too long, a folder that may not be entered
        raise InputError(
            f"{address[:200]}: expected a file, a folder or a glob, found: {problem.strerror}. Check the path"
        ) from problem
    if not glob.has_magic(address):
        raise InputError(
            f"{address}: expected a file, a folder or a glob, found nothing there. {_beside(path)}"
        )
    matches = glob.glob(address, recursive=True)  # noqa: PTH207 - keeps the names as given
    found = sorted(name for name in matches if Path(name).is_file())
    if not found:
        raise InputError(f"{address}: expected files that match, found none. {_beside(path)}")
    return [_checked(name, Path(name)) for name in found]


def _beside(path: Path) -> str:
    """What lies nearest to a path that does not exist."""
    folder = next(parent for parent in path.parents if parent.is_dir())
    if folder != path.parent:
        return (
            f"The folder {path.parent} does not exist"
            if not glob.has_magic(str(path.parent))
            else "Check the path"
        )
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if not names:
        return f"The folder {folder} is empty"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"The folder {folder} holds: {', '.join(names[:10])}{more}"


def _folder(folder: Path, note: Callable[[str], None]) -> list[Source]:
    """The data files below a folder, in name order; hidden files and files of other kinds are left out."""
    found: list[Path] = []
    ignored: list[str] = []

    def unreadable(problem: OSError) -> None:
        raise InputError(
            f"{problem.filename}: expected a readable folder, found: {problem.strerror}"
        ) from problem

    for base, inner, names in os.walk(folder, onerror=unreadable):
        inner[:] = sorted(name for name in inner if name[0] not in "._")
        for name in names:
            if name[0] in "._":
                continue
            path = Path(base) / name
            if is_readable(name) and not _is_single_object(path):
                found.append(path)
            else:
                ignored.append(path.relative_to(folder).as_posix())
    if ignored:
        ignored.sort()
        more = f" and {len(ignored) - 5} more" if len(ignored) > 5 else ""
        note(f"{folder}: not data, left out: {', '.join(ignored[:5])}{more}")
    if not found:
        what = f"only {', '.join(ignored[:5])}" if ignored else "no file"
        raise InputError(f"{folder}: expected a folder with data files ({READABLE}), found {what}")
    found.sort(key=lambda path: path.relative_to(folder).as_posix())
    return [_checked(str(path), path) for path in found]


def _is_single_object(path: Path) -> bool:
    """Whether the file is one JSON object, such as a manifest, and not rows."""
    if not path.name.lower().endswith(".json") or not path.is_file():
        return False
    try:
        with path.open("rb") as stream:
            head = stream.read(1 << 16).lstrip(b"\xef\xbb\xbf \t\r\n")
            first, _, rest = (head + stream.readline()).partition(b"\n")
            rest += stream.read(1 << 16)
    except OSError:
        return False  # `_checked` says what is wrong with it
    return head.startswith(b"{") and (not _is_object(first) or not rest.strip())


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _checked(name: str, path: Path) -> Source:
    """The source of a file whose first bytes agree with its name."""
    if name.encode("utf-8", "replace").decode() != name:
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        raise InputError(
            f"{shown}: expected a name in UTF-8, which can be written down, found other bytes. Rename it"
        )
    kind, packing = _kind_of(name)
    if kind is None or not is_readable(name):
        raise InputError(
            f"{name}: expected a name that ends in {READABLE}, found another. Rename or convert it"
        )
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe has no end and is read once: curate reads twice
            raise InputError(
                f"{name}: expected a file, found {_no_file(status.st_mode)}. Copy it to a file first"
            )
        size = status.st_size
        with path.open("rb") as stream:
            raw = stream.read(64)
    except OSError as problem:
        raise InputError(
            f"{name}: expected a readable file, found: {problem.strerror}. Check the path and its permissions"
        ) from problem
    if size == 0:
        raise InputError(f"{name}: expected {_title(kind)}, found an empty file (0 bytes)")
    if packing:
        wanted = "gzip" if packing == ".gz" else "zstandard"
        if _content(raw) != wanted:
            raise _mismatch(name, f"{wanted} as its name says", _content(raw))
    source = Source(name, path, kind, packing, UNLIMITED)  # what is read here is bounded
    return _checked_text(source) if kind in TEXTS else _checked_binary(source, raw)


def _no_file(mode: int) -> str:
    """What a thing that is no file is."""
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def _checked_binary(source: Source, head: bytes) -> Source:
    content = _content(head)
    if source.kind == "parquet":
        if content != "Parquet":
            raise _mismatch(source.name, "Parquet as its name says", content)
        with source.path.open("rb") as stream:
            stream.seek(-4, os.SEEK_END)
            if stream.read() != b"PAR1":
                raise InputError(
                    f"{source.name}: expected Parquet with its footer, found a file that ends early: it was "
                    f"not written or downloaded whole. Get it again"
                )
    elif content not in ("Arrow", "Arrow stream"):
        raise _mismatch(source.name, "Arrow as its name says", content)
    return source


def _checked_text(source: Source) -> Source:
    try:
        with open_stream(source) as stream:
            raw = stream.read(1 << 16)
    except READ_ERRORS as problem:
        raise damaged(source, problem) from problem
    head = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    content = _content(raw if not head or raw[:2] in (b"\xff\xfe", b"\xfe\xff") else head)
    if not head:
        raise InputError(f"{source.name}: expected {_title(source.kind)}, found nothing but white space")
    if content != "text":
        raise _mismatch(source.name, f"{_title(source.kind)} as its name says", content)
    if source.kind == "jsonl" and (head.startswith(b"[{") or head.split(b"\n", 1)[0].strip() == b"["):
        raise _mismatch(source.name, "JSON Lines as its name says", "a JSON array")
    if source.kind == "json" and head.startswith(b"{"):
        if not _is_object(_first_line(source)):
            raise InputError(
                f"{source.name}: expected a JSON array of objects or one object a line, found a single "
                f"object. If the rows are in one of its fields, write that field to a file of its own"
            )
        return source._replace(kind="jsonl")
    if source.kind == "json" and not head.startswith(b"["):
        raise _mismatch(source.name, "a JSON array of objects as its name says", "text that is not JSON")
    return source


def _first_line(source: Source) -> bytes:
    with open_stream(source) as stream:
        return stream.readline(1 << 26).removeprefix(b"\xef\xbb\xbf")


def _content(head: bytes) -> str:
    """What the first bytes of a file say it is."""
    known = next((title for magic, title in MAGIC if head.startswith(magic)), None)
    if known:
        return known
    lower = head[:64].lstrip().lower()
    if lower.startswith((b"<!doctype", b"<html", b"<?xml")):
        return "an HTML page"
    return "binary data" if head[:64].count(b"\0") > 6 else "text"  # one stray NUL is a bad row, not a format


def _title(kind: Kind) -> str:
    return {"jsonl": "JSON Lines", "json": "a JSON array", "csv": "CSV"}.get(kind, kind.capitalize())


def _mismatch(name: str, wanted: str, found: str) -> InputError:
    advice = WHAT_TO_DO.get(found, "Give the file the name of its format")
    return InputError(f"{name}: expected {wanted}, found {found}. {advice}")


def open_stream(source: Source) -> BinaryIO:
    """The bytes of a file, unpacked. Reading past the limits of the source raises InputError."""
    raw = source.path.open("rb")
    if not source.packing:
        return raw
    if source.packing == ".gz":
        unpacked = cast(BinaryIO, gzip.GzipFile(fileobj=raw))
    else:
        unpack = zstandard.ZstdDecompressor(max_window_size=2**31)
        unpacked = cast(BinaryIO, unpack.stream_reader(raw, read_across_frames=True))
    return cast(BinaryIO, io.BufferedReader(_Unpacked(source, raw, unpacked), 1 << 20))


class _Unpacked(io.RawIOBase):
    """What a packed file becomes, as far as its limits go."""

    def __init__(self, source: Source, raw: BinaryIO, unpacked: BinaryIO) -> None:
        self.source = source
        self.raw = raw
        self.unpacked = unpacked
        self.n_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; see `io.RawIOBase`."""
        content = self.unpacked.read(len(buffer))
        buffer[: len(content)] = content
        self.n_bytes += len(content)
        limits, packed = self.source.limits, max(1, self.raw.tell())
        if self.n_bytes > limits.unpacked_bytes:
            raise self._too_much(f"{limits.unpacked_bytes:,} bytes", "max-unpacked-bytes")
        if self.n_bytes > max(RATIO_FROM_BYTES, packed * limits.ratio):
            raise self._too_much(f"{limits.ratio:g} times its packed size", "max-unpacked-ratio")
        return len(content)

    def _too_much(self, limit: str, setting: str) -> InputError:
        return InputError(
            f"{self.source.name}: expected no more than {limit} when unpacked, found {self.n_bytes:,} bytes "
            f"made of {self.raw.tell():,}. If the file is what it should be, raise {setting} under [source]"
        )

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            self.unpacked.close()
            self.raw.close()
        super().close()


def damaged(source: Source, problem: BaseException) -> InputError:
    """The error for a file that cannot be read to its end."""
    what = (
        f"{source.packing.removeprefix('.')} of {_title(source.kind)}"
        if source.packing
        else _title(source.kind)
    )
    reason = str(problem).split("\n")[0].replace(str(source.path), source.name)
    return InputError(
        f"{source.name}: expected whole {what}, found it damaged or cut off ({reason}). Get it again"
    )
