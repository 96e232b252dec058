"""Files are there whole or not at all; arrays come back from them as they were, at one address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.disk import Mapped, packed, whole_file, write_arrow

KINDS = (np.uint8, np.int8, np.uint32, np.int32, np.uint64, np.int64, np.float32, np.float64, np.bool_)


def test_a_file_appears_under_its_name_when_it_is_whole(tmp_path: Path) -> None:
    """While it is written there is none of that name, or the one from before; at the end nothing else is left."""
    path = tmp_path / "table.bin"
    with whole_file(path) as sink:
        sink.write(b"first")
        sink.flush()
        assert not path.exists()
    assert path.read_bytes() == b"first"
    with whole_file(path) as sink:
        sink.write(b"second, longer")
        sink.flush()
        assert path.read_bytes() == b"first"
    assert path.read_bytes() == b"second, longer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_file_that_was_not_finished_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    """After an exception, or Ctrl-C, the folder is as it was."""

    def write_half(path: Path) -> None:
        with whole_file(path) as sink:
            sink.write(b"half of it")
            raise error

    with pytest.raises(error):
        write_half(tmp_path / "new.bin")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old.bin").write_bytes(b"old")
    with pytest.raises(error):
        write_half(tmp_path / "old.bin")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("old.bin", b"old")]


def test_a_table_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    """A folder that is not there is an error, and none is made."""
    with pytest.raises(FileNotFoundError):
        write_arrow(packed(a=np.arange(3)), tmp_path / "missing" / "a.arrow")
    assert list(tmp_path.iterdir()) == []


def stored_both_ways(arrays: dict[str, npt.NDArray[Any]], folder: Path) -> list[Mapped]:
    """The arrays in memory, and in a file."""
    path = folder / "arrays.arrow"
    write_arrow(packed(**arrays), path)
    return [Mapped(packed(**arrays)), Mapped(path)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 7, 100_000])
def test_arrays_come_back_as_they_were(tmp_path: Path, kind: type[np.generic], size: int) -> None:
    """Of every kind and size, empty ones too, beside others whose size is no multiple of eight."""
    array = np.random.default_rng(0).integers(0, 120, size).astype(kind)
    odd = np.arange(3, dtype=np.uint8)
    arrays = {"before": odd, "array": array, "empty": np.empty(0, dtype=kind), "after": odd}
    for stored in stored_both_ways(arrays, tmp_path):
        for name, expected in arrays.items():
            found = stored.array(name, expected.dtype.type)
            assert found.dtype == expected.dtype
            assert found.tolist() == expected.tolist()
            assert not found.flags.writeable
            assert found.ctypes.data % found.dtype.itemsize == 0


@given(st.lists(st.floats(width=64)), st.integers(1, 4), st.booleans())
def test_any_floats_and_layouts_come_back(values: list[float], step: int, backwards: bool) -> None:
    """NaN and infinities keep their bits; an array with gaps, or read backwards, is stored in its own order."""
    array = np.array(values, dtype=np.float64)[:: -step if backwards else step]
    found = Mapped(packed(a=array)).array("a", np.float64)
    assert found.tobytes() == array.tobytes()


def test_a_matrix_is_stored_line_by_line() -> None:
    """Its shape is the reader's to know."""
    matrix = np.arange(6, dtype=np.uint32).reshape(2, 3)
    for array in (matrix, np.asfortranarray(matrix)):
        assert Mapped(packed(m=array)).array("m", np.uint32).tolist() == [0, 1, 2, 3, 4, 5]


def test_arrays_are_packed_without_a_copy() -> None:
    """The table points into the array it was made of."""
    array = np.arange(1000, dtype=np.uint64)
    assert Mapped(packed(a=array)).array("a", np.uint64).ctypes.data == array.ctypes.data


def test_an_array_stays_at_its_address(tmp_path: Path) -> None:
    """Kernels are given addresses: those of a file do not change between two reads, nor by a release."""
    array = np.arange(300_000, dtype=np.uint64)
    for stored in stored_both_ways({"a": array}, tmp_path):
        first = stored.array("a", np.uint64)
        assert stored.array("a", np.uint64).ctypes.data == first.ctypes.data
        stored.release()
        assert stored.array("a", np.uint64).ctypes.data == first.ctypes.data
        assert (first == array).all()


def test_released_values_are_read_again(tmp_path: Path) -> None:
    """Release lets go of the memory of a file's pages; what is asked for next comes from the file."""
    size = 4 << 20
    array = np.arange(size, dtype=np.uint64)
    path = tmp_path / "a.arrow"
    write_arrow(packed(a=array), path)
    stored = Mapped(path)
    found = stored.array("a", np.uint64)

    def resident_bytes() -> int:
        lines = Path("/proc/self/smaps").read_text(encoding="ascii").splitlines()
        start = next(index for index, line in enumerate(lines) if line.endswith(str(path)))
        return next(int(line.split()[1]) << 10 for line in lines[start:] if line.startswith("Rss:"))

    assert int(found.sum()) == size * (size - 1) // 2
    if Path("/proc/self/smaps").exists():
        assert resident_bytes() > array.nbytes // 2
        stored.release()
        assert resident_bytes() < array.nbytes // 100
    stored.release()
    assert int(found.sum()) == size * (size - 1) // 2


def test_an_array_outlives_what_it_was_read_by(tmp_path: Path) -> None:
    """The file stays mapped while an array of it is used, though its name be gone."""
    array = np.arange(100_000, dtype=np.int64)
    for index in range(2):
        found = stored_both_ways({"a": array}, tmp_path)[index].array("a", np.int64)
        (tmp_path / "arrays.arrow").unlink()
        assert (found == array).all()


def test_a_name_that_is_not_there_is_an_error() -> None:
    """A wrong name is no empty array."""
    with pytest.raises(KeyError, match="other"):
        Mapped(packed(a=np.arange(2))).array("other", np.int64)


def test_written_bytes_depend_on_the_arrays_alone(tmp_path: Path) -> None:
    """Two files of the same arrays are equal."""
    for name in ("one", "two"):
        write_arrow(packed(a=np.arange(10), b=np.ones(3)), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert pa.ipc.open_file(tmp_path / "one").num_record_batches == 1
