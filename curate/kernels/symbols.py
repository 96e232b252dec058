"""Symbols of a text: what makes it another problem when one is exchanged for another.

    letter    a variable: one ASCII letter (but for a, A and I between blanks, and what an apostrophe leaves
              over), the letters of a word in capitals, a Greek letter written as a LaTeX command
    name      a word of two or more capitals: ABC, AYX, RADII
    sign      + and -, hyphens between words left out
    relation  < > and their LaTeX commands
    function  sin, log, gcd, sum, ...; and English words for what is asked: area, perimeter, largest
              (greatest, maximum), smallest, even, odd, product, ... (native/symbols.cpp has the list)
    number    two, dozen, half, twice, third, ...

and, if words are asked for:

    logic     and, or
    amount    the number words again
    negation  not, never, except, without, ...
    word      any other word of two letters or more, and the English ones of `function`; left out are those
              that say nothing of the matter (the, is, find, calculate, ...), those joined to a letter
              beyond ASCII, and those of fewer than five letters, all capitals, that may be points

Two texts *exchange* a symbol if, of one kind, each has one more often than the other: x for y, sin for tan,
a plus for a minus. What one text merely has more of (a hint, a name in the source line, a LaTeX command
written out) exchanges nothing. Of words, those are taken away first that are the same word: misspelt (one
letter changed, left out, put in or swapped, but not the first, in words of five letters or more, which
covers most British and American spellings), or inflected (-s, -es, -ed, -ing). Amounts and negations do not
exchange: they must be equal, a negation as often in one as in the other. Drawings between [asy] and [/asy]
are passed over. Not seen: a house for a horse (a letter apart), what is added to one text alone, other
alphabets than the Latin one.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from curate.kernels.minhash import ShingleSets
from curate.kernels.native import Texts, call
from curate.kernels.text import I64

SYMBOLS, WORDS = 0b0000111111, 0b1111000000
"""Kinds as bits, in the order above; those of WORDS may differ where labels are equal."""


def symbols(texts: Texts, rows: I64, kinds: int = SYMBOLS) -> ShingleSets:
    """The symbols of the texts in `rows`, ascending, each as often as it is there."""
    sizes = pc.binary_length(texts.array).fill_null(0).to_numpy(zero_copy_only=False)
    capacity = len(rows) + 2 * int(sizes[rows].sum())  # a capital is a letter and part of a name
    values = np.empty(capacity, dtype=np.uint64)
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    n_values = call("curate_symbols", texts, rows, len(rows), kinds, values, capacity, offsets[1:])
    assert n_values <= capacity
    return ShingleSets(offsets, values[:n_values])
