"""Texts laid beside the benchmark items that they may hold: what became of the item.

The kernels of native/item_align.cpp, and their layouts. `curate.benchmarks.alignment` puts into words what
they return.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curate.kernels.item_index import I64, Background
from curate.kernels.native import Texts, call

F64 = npt.NDArray[np.float64]

TOLD = np.dtype(
    [
        *((name, np.float64) for name in ("alignment", "share", "part")),
        *((name, np.uint64) for name in ("one", "other", "end")),
        *(("item", np.int32), ("hits", np.uint32), ("kind", np.uint32), ("why", np.uint32)),
        *((name, np.uint32) for name in ("row_first", "row_end", "item_first", "item_end", "count", "of")),
        *(("numbers_agree", np.int32), ("unused", np.uint32)),
    ]
)
"""struct Told of native/item_align.cpp; item -1 where there is none."""


class ToldOf(NamedTuple):
    """What is told of a column of texts."""

    lines: npt.NDArray[np.void]
    """One of TOLD for each text."""
    strings: bytes
    """What `why` names: from `one` to `other` the one thing, from there to `end` the one in its place."""


def align(texts: Texts, items: Texts, background: Background, candidates: npt.NDArray[np.void]) -> ToldOf:
    """Of every text the nearest of its candidates, (n, most) of `item_index.CANDIDATE`, laid beside it.

    items: the texts of the items that candidates are numbers of, with their drawings.
    """
    lines = np.zeros(texts.size, dtype=TOLD)
    most = candidates.shape[1]
    room = 4096
    while True:
        strings = np.zeros(room, dtype=np.uint8)
        size = call(
            "curate_item_align", texts, items, _view(background), candidates, most, lines, strings, room
        )
        if size <= room:
            return ToldOf(lines, strings[:size].tobytes())
        room = size


def content_shared(texts: Texts, items: Texts, background: Background, lines: I64, which: I64) -> F64:
    """The part of the content words of items `which` that texts `lines`, which ascend, have anywhere."""
    shared = np.zeros(len(lines), dtype=np.float64)
    call("curate_item_content", texts, items, _view(background), len(lines), lines, which, shared)
    return shared


def without_drawings(column: pa.Array) -> pa.Array:
    """The texts with a blank for each character of drawing code, where enough words are left; "" for null.

    All other characters keep their places. An index of items is made of it.
    """
    texts = Texts(column, composed=False)
    _, _offsets, values = texts.array.buffers()
    content = np.zeros(max(1, values.size if values is not None else 0), dtype=np.uint8)
    ends = np.zeros(texts.size + 1, dtype=np.int64)
    call("curate_without_drawings", texts, content, ends)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(content[: ends[-1]])]
    return pa.Array.from_buffers(pa.large_string(), texts.size, buffers)


def _view(background: Background) -> npt.NDArray[np.uint64]:
    """struct Background of native/words.hpp."""
    hashes, stock = background.hashes, background.stock
    return np.array(
        [
            *(hashes.ctypes.data, background.weights.ctypes.data, len(hashes)),
            *(background.rare, stock.ctypes.data, len(stock)),
        ],
        dtype=np.uint64,
    )
