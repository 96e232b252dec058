"""The compiled kernels: finding them, handing them Arrow columns and NumPy arrays, and their errors.

The library has a plain C interface and is called through ctypes, which releases the GIL; kernels keep
no state between calls, so threads may run them side by side. `hatch_build.py` compiles it.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import InputError, MachineError
from curate.kernels.unicode_tables import unassigned

NATIVE = Path(__file__).parent / "native"
UNICODE_TABLES = NATIVE / "unicode.bin"


def library() -> ctypes.CDLL:
    """The compiled kernels with their Unicode tables set; raises MachineError if they are not built."""
    with _FIRST:
        return _load()


_FIRST = threading.RLock()
"""`cache` lets two threads that come first together both make a value, of which one goes; the library points
into the tables, so there must be one of them."""


@cache
def _load() -> ctypes.CDLL:
    path = NATIVE / ("libcurate.dylib" if sys.platform == "darwin" else "libcurate.so")
    try:
        kernels = ctypes.CDLL(str(path))
    except OSError as error:
        raise MachineError(
            f"expected the compiled kernels at {path.name} in curate/kernels/native, found: {error}. "
            "In a checkout run: python hatch_build.py (needs a C++17 compiler); "
            "in an installation: pip install --force-reinstall curate"
        ) from error
    tables = unicode_tables()
    kernels.curate_set_unicode.argtypes = [ctypes.c_void_p, ctypes.c_int64]
    if kernels.curate_set_unicode(tables.ctypes.data, tables.nbytes) != 0:
        raise MachineError(
            f"expected Unicode tables of this version of curate in {UNICODE_TABLES.name}, found others. "
            "In a checkout run: python -m curate.kernels.unicode_tables"
        )
    return kernels


def unicode_tables() -> np.ndarray:
    """The Unicode tables as bytes; kept for the life of the process, since the library points into them."""
    with _FIRST:
        return _read_tables()


@cache
def _read_tables() -> np.ndarray:
    return np.fromfile(UNICODE_TABLES, dtype=np.uint8)


def unicode_version() -> str:
    """Version of Unicode the tables were built from: code points it does not assign separate tokens."""
    return bytes(unicode_tables()[8:24]).rstrip(b"\0").decode()


@cache
def _unassigned() -> npt.NDArray[np.bool_]:
    return unassigned(unicode_tables().tobytes())


def nfkc(text: str) -> str:
    """NFKC of a text by the Unicode version of the tables, also where the running Python has a later one.

    A code point that is not assigned is left alone and keeps its neighbours apart. For all others NFKC is
    the same in every version (Unicode Standard Annex #15, section 3: Versioning and Stability).
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    foreign = _unassigned()[codes]
    if not foreign.any():
        return unicodedata.normalize("NFKC", text)
    edges = [0, *(np.flatnonzero(np.diff(foreign)) + 1).tolist(), len(text)]
    return "".join(
        text[start:end] if foreign[start] else unicodedata.normalize("NFKC", text[start:end])
        for start, end in pairwise(edges)
    )


def call(name: str, *arguments: Texts | np.ndarray | int | float | None) -> int:
    """Run kernel `name` and return its result, a count; raises MachineError if it ran out of memory.

    Arrays are passed by address and must be contiguous, of the type the kernel reads or writes; integers
    are passed as int64 and floats as double.
    """
    function = library()[name]
    function.restype = ctypes.c_int64
    result = int(function(*map(_as_c, arguments)))
    if result < 0:
        raise MachineError(
            f"expected enough memory for kernel {name}, found too little. "
            "Free some, or run with fewer workers or smaller shards"
        )
    return result


def _as_c(argument: Texts | np.ndarray | int | float | None) -> object:
    if isinstance(argument, np.ndarray):
        assert argument.flags.c_contiguous
        return ctypes.c_void_p(argument.ctypes.data)
    if isinstance(argument, Texts):
        return ctypes.byref(argument.column)
    if isinstance(argument, float):
        return ctypes.c_double(argument)
    return argument if argument is None else ctypes.c_int64(argument)


class Column(ctypes.Structure):
    """struct Column of native/text.hpp."""

    _fields_ = (
        ("bytes", ctypes.c_void_p),
        ("offsets", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("size", ctypes.c_int64),
    )


class Texts:
    """A string column as the kernels read it; keeps the Arrow buffers alive.

    Takes a pa.Array or pa.ChunkedArray of string, large_string or string_view, sliced or not, with or
    without nulls; raises InputError for any other type. With `composed` (the default) texts in which a
    character may compose with its neighbour are replaced by their NFKC form, which tokenizing needs;
    the other texts are not copied.
    """

    def __init__(self, column: pa.Array | pa.ChunkedArray, *, composed: bool = True) -> None:
        array = one_array(column)
        self._hold(array)
        if composed and self.size:
            composing = np.zeros(self.size, dtype=np.uint8)
            if call("curate_composing", self, composing):
                self._hold(_composed(array, composing.view(bool)))

    def _hold(self, array: pa.Array) -> None:
        self.array = array
        self.size = len(array)
        self.is_null = np.asarray(array.is_null())
        _, offsets, text = array.buffers()
        self._valid = (~self.is_null).view(np.uint8) if array.null_count else None
        self._offsets = _offsets(offsets, array.offset, self.size)
        self.column = Column(
            text.address if text is not None else None,
            self._offsets.ctypes.data,
            self._valid.ctypes.data if self._valid is not None else None,
            self.size,
        )


def _offsets(buffer: pa.Buffer, first: int, size: int) -> npt.NDArray[np.int64]:
    """Where each text begins, and where the last one ends; copied only if the buffer is not aligned."""
    if not size:
        return np.zeros(1, dtype=np.int64)
    return np.require(np.frombuffer(buffer, np.int64, size + 1, 8 * first), requirements="A")


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as one large_string array, copied only if it comes in several chunks."""
    if not _is_text(column.type):
        raise InputError(
            f"expected a column of text (string or large_string), found {column.type}. "
            "Choose another column, or turn it into text first"
        )
    if column.type != pa.large_string():
        column = column.cast(pa.large_string())
    if isinstance(column, pa.ChunkedArray):
        chunks = column.chunks
        column = (
            chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks or [pa.array([], pa.large_string())])
        )
    return column


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _composed(array: pa.Array, composing: np.ndarray) -> pa.Array:
    """`array` with NFKC applied to the rows where `composing` is true."""
    _, offset_buffer, text = array.buffers()
    offsets = _offsets(offset_buffer, array.offset, len(array))
    view = memoryview(text)
    composed = [
        nfkc(str(view[offsets[row] : offsets[row + 1]], "utf-8", "replace"))
        for row in np.flatnonzero(composing)
    ]
    return pc.replace_with_mask(array, pa.array(composing), pa.array(composed, pa.large_string()))
