"""The native kernels under sanitizers, and how Arrow columns reach them."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import oracles
import pyarrow as pa
import pytest

from curate.errors import InputError
from curate.kernels import native, text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "fuzz"))
import run as fuzzing  # noqa: E402

GOLDEN_DIGESTS = {
    "tokens": "c30caabbfa6be749",
    "numbers": "765ed91b2c8bff3c",
    "text-hashes": "604bfe3084e84e7a",
}
"""What these kernels make of the fixed inputs of fuzz/driver.cpp, on every processor; on disk as hashes."""


@pytest.mark.slow
def test_kernels_hold_under_sanitizers() -> None:
    """Over every code point, texts around all block sizes and random bytes there is no finding of
    AddressSanitizer or UndefinedBehaviorSanitizer, every check of fuzz/ holds, and results never change."""
    driver = fuzzing.build_driver(fuzzing.OUT)
    if driver is None:
        pytest.skip("NOT RUN: needs clang++ or g++ with AddressSanitizer")
    environment = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=8:malloc_context_size=5"}
    command = [str(driver), str(native.UNICODE_TABLES), "digest"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-4000:]
    digests = dict(line.split() for line in done.stdout.splitlines())
    assert {name: digests[name] for name in GOLDEN_DIGESTS} == GOLDEN_DIGESTS


@contextmanager
def portable_kernels() -> Iterator[None]:
    """Kernels take their portable loops."""
    native.call("curate_use_portable", 1)
    try:
        yield
    finally:
        native.call("curate_use_portable", 0)


def test_portable_kernels_give_what_the_best_ones_give() -> None:
    """Tokens and hashes are the same on a processor without AVX2."""
    column = pa.array(
        [chr(code) * 3 + " x1+2 " + "ab" * (code % 70) for code in range(0x3000)], pa.large_string()
    )
    best = [text.token_spans(column, "math"), text.text_hash128(column, "words")]
    with portable_kernels():
        portable = [text.token_spans(column, "math"), text.text_hash128(column, "words")]
    for ours, theirs in zip(best, portable, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))


# Assigned in Unicode 15.0 (a combining mark of class 220, a letter with a compatibility decomposition), in
# 15.1 (a Han description character) and 16.0 (a mark of class 230; letters that compose: A + B is C).
LATER = ["\U00010efd", "\U0001e030", "\u2ffc", "\u0897", "\U00011382", "\U000113c9", "\U00011383"]


def test_code_points_the_tables_do_not_assign_are_kept_from_nfkc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python with a later Unicode is never asked about them, so its answer cannot differ."""

    class Later:
        @staticmethod
        def normalize(form: str, part: str) -> str:
            assert not set(part) & set(LATER)
            return unicodedata.normalize(form, part)

    monkeypatch.setattr(native, "unicodedata", Later)
    assert [native.nfkc(f"e{later}\u0301 ½") for later in LATER] == [f"e{later}\u0301 1⁄2" for later in LATER]
    assert native.nfkc("".join(LATER)) == "".join(LATER)
    assert native.nfkc("e\u0301\u0378\u0301e\u0323") == "é\u0378\u0301ẹ"
    assert native.nfkc("") == ""


def test_code_points_the_tables_do_not_assign_separate() -> None:
    """Next to letters, digits and combining marks, in either tokenizer, with every Python."""
    for later in LATER:
        for tokenizer in ("words", "math"):
            found = text.token_hashes(pa.array([f"a{later}b e{later}\u0301 e\u0301{later}"]), tokenizer)
            assert found.hash.tolist() == [
                oracles.token_hash(token) for token in ["a", "b", "e", "\u0301", "é"]
            ]


def test_nfkc_is_that_of_the_tables() -> None:
    """Where Python has the tables' version, leaving unassigned code points out changes nothing."""
    if native.unicode_version() != unicodedata.unidata_version:
        pytest.skip("NOT RUN: this Python has another version of Unicode than the tables")
    every = [chr(code) for code in range(0x110000)]
    for shape in ("e{}\u0301", "\u1100{}\u1161", "{}\u0323\u0301"):
        samples = "\n".join(map(shape.format, every))  # a line break composes with nothing
        assert native.nfkc(samples) == unicodedata.normalize("NFKC", samples)


def tokens_of(column: pa.Array | pa.ChunkedArray) -> list[list[int]]:
    """Hashes of the `math` tokens of each text."""
    found = text.token_hashes(column, "math")
    return [part.tolist() for part in np.split(found.hash, found.offsets[1:-1])] if len(column) else []


def hashes(*samples: str | None) -> list[list[int]]:
    """The same by the plain reading."""
    return [
        [oracles.token_hash(token) for token in oracles.tokens(sample or "", "math")] for sample in samples
    ]


TEXTS = [None if i % 7 == 3 else f"text {i} e\u0301 ½" if i % 5 == 0 else f"x{i} + {i}" for i in range(40)]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
@pytest.mark.parametrize("start", [0, 1, 3, 8, 13])
def test_a_slice_is_read_as_its_texts(kind: pa.DataType, start: int) -> None:
    """Slices that begin within a byte of the validity bitmap, with nulls, for every Arrow type of text."""
    column = pa.array(TEXTS, kind)[start : start + 19]
    assert tokens_of(column) == hashes(*TEXTS[start : start + 19])
    assert tokens_of(column[2:9]) == hashes(*TEXTS[start + 2 : start + 9])


def test_chunks_may_be_empty_or_null() -> None:
    """Empty chunks, chunks of nulls, no chunk at all."""
    kind = pa.large_string()
    empty, nulls = pa.array([], kind), pa.array([None, None], kind)
    column = pa.chunked_array([empty, nulls, pa.array(TEXTS, kind)[4:9], empty, nulls])
    assert tokens_of(column) == hashes(None, None, *TEXTS[4:9], None, None)
    assert tokens_of(pa.chunked_array([empty])) == tokens_of(pa.chunked_array([], kind)) == []
    assert tokens_of(nulls) == [[], []]
    assert text.text_hash128(nulls, "none").size.tolist() == [0, 0]


@pytest.mark.parametrize("kind", [pa.dictionary(pa.int32(), pa.string()), pa.binary(), pa.null(), pa.int8()])
def test_a_column_of_another_type_is_refused(kind: pa.DataType) -> None:
    """The error names the type found."""
    with pytest.raises(InputError, match=r"expected a column of text .* found (dictionary|binary|null|int8)"):
        native.Texts(pa.array([None], kind))


def test_buffers_are_read_where_they_lie() -> None:
    """Buffers of exactly the size needed, offsets that begin beyond 0 and at an odd address."""
    content = b"skipped" + "x1 + é e\u0301 2".encode()
    offsets = np.array([7, 9, len(content)], dtype=np.int64)
    room = np.zeros(offsets.nbytes + 1, dtype=np.uint8)
    room[1:] = offsets.view(np.uint8)
    for bounds in (pa.py_buffer(offsets), pa.py_buffer(room)[1:]):
        column = pa.Array.from_buffers(pa.large_string(), 2, [None, bounds, pa.py_buffer(content)])
        assert tokens_of(column) == hashes("x1", " + é e\u0301 2")


def test_offsets_may_lie_beyond_two_gibibytes() -> None:
    """Texts at 5 GiB of a buffer of which only these pages exist are read, hashed and composed."""
    at, content = 5 << 30, "x1 + 2 é½; e\u0301 = 3".encode()
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0)
    with mmap.mmap(-1, at + len(content), flags=flags) as room:
        room[at:] = content
        offsets = pa.py_buffer(np.array([at, at + 11, at + len(content)], dtype=np.int64))
        column = pa.Array.from_buffers(pa.large_string(), 2, [None, offsets, pa.py_buffer(room)])
        found = tokens_of(column)
        equal = text.text_hash128(column, "none").hash.tolist()
        del column
    first, second = content[:11].decode(), content[11:].decode()
    assert found == hashes(first, second)
    assert equal == text.text_hash128(pa.array([first, second]), "none").hash.tolist()


def test_threads_that_come_first_together_share_one_set_of_tables() -> None:
    """However many threads call the first kernel of a process at once, the tables are read once."""
    script = """
import sys, threading, time
import numpy as np
from curate.kernels import native
sys.setswitchinterval(1e-6)
read, calls = np.fromfile, []
def slowly(*arguments, **named):
    calls.append(1)
    time.sleep(0.05)
    return read(*arguments, **named)
np.fromfile = slowly
start = threading.Barrier(8)
def first():
    start.wait()
    native.unicode_version()
    native.library()
threads = [threading.Thread(target=first) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(calls))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
