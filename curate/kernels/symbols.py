"""Symbols of a text: what makes it another problem when one is exchanged for another.

    letter    a variable: one ASCII letter (but for a, A and I between blanks, and what an apostrophe leaves
              over), the letters of a word in capitals, a Greek letter written as a LaTeX command
    name      a word of two or more capitals: ABC, AYX, RADII
    sign      + and -, hyphens between words left out
    relation  < > and their LaTeX commands
    function  sin, log, gcd, sum, ...; and English words for what is asked: area, perimeter, largest
              (greatest, maximum), smallest, even, odd, product, ... (native/symbols.cpp has the list)

Two texts *exchange* a symbol if, of one kind, each has one more often than the other: x for y, sin for tan,
a plus for a minus. What one text merely has more of (a hint, a name in the source line, a LaTeX command
written out) exchanges nothing. Drawings between [asy] and [/asy] are passed over.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from curate.kernels.minhash import ShingleSets
from curate.kernels.native import Texts, call
from curate.kernels.text import I64


def symbols(texts: Texts, rows: I64) -> ShingleSets:
    """The symbols of the texts in `rows`, ascending, each as often as it is there."""
    sizes = pc.binary_length(texts.array).fill_null(0).to_numpy(zero_copy_only=False)
    capacity = len(rows) + 2 * int(sizes[rows].sum())  # a capital is a letter and part of a name
    values = np.empty(capacity, dtype=np.uint64)
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    n_values = call("curate_symbols", texts, rows, len(rows), values, capacity, offsets[1:])
    assert n_values <= capacity
    return ShingleSets(offsets, values[:n_values])
