"""Shingles, MinHash signatures cut into bands, and what a choice of bands finds.

A *shingle* is the hash of n tokens in a row; a text with fewer tokens has one shingle, over all of them.
A *signature* holds, for each of bands * rows_per_band random permutations of the 32-bit numbers, the
least image of the text's shingles; two texts agree in one place with probability equal to the Jaccard
of their shingle sets. A band's key is a hash of rows_per_band neighbouring places.
Source: Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3rd ed., §3.3 and §3.4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from curate.kernels.native import Texts, call
from curate.kernels.text import I64, TOKENIZERS, U64, Column, Tokenizer, as_texts, token_counts


class Signatures(NamedTuple):
    """Band keys of a column of texts, one line a text."""

    keys: U64
    """(n, bands); equal in column j where all of band j is equal; 0 for a text without tokens."""
    n_tokens: I64
    sequence: U64
    """(n, 2): 128-bit hash of the token sequence; equal exactly where the tokens are."""


class ShingleSets(NamedTuple):
    """Sets of shingles: set i is values[offsets[i]:offsets[i + 1]], ascending, each value once."""

    offsets: I64
    values: U64


def band_keys(
    column: Column | Texts, tokenizer: Tokenizer, *, ngram: int, bands: int, rows_per_band: int, seed: int
) -> Signatures:
    """Band keys, token counts and sequence hashes of every text; null reads as the empty text."""
    texts = as_texts(column)
    keys = np.empty((texts.size, bands), dtype=np.uint64)
    n_tokens = np.empty(texts.size, dtype=np.int64)
    sequence = np.empty((texts.size, 2), dtype=np.uint64)
    which = TOKENIZERS[tokenizer]
    call("curate_band_keys", texts, which, ngram, bands, rows_per_band, seed, keys, n_tokens, sequence)
    return Signatures(keys, n_tokens, sequence)


def shingle_sets(column: Column | Texts, tokenizer: Tokenizer, *, ngram: int) -> ShingleSets:
    """The set of shingles of every text; empty for a null text and for one without tokens."""
    texts = as_texts(column)
    capacity = int(np.maximum(token_counts(texts, tokenizer), 1).sum())
    values = np.empty(capacity, dtype=np.uint64)
    offsets = np.zeros(texts.size + 1, dtype=np.int64)
    n_values = call("curate_shingle_sets", texts, TOKENIZERS[tokenizer], ngram, values, capacity, offsets[1:])
    assert n_values <= capacity
    return ShingleSets(offsets, values[:n_values])


def expected_recall(bands: int, rows_per_band: int, jaccard: float) -> float:
    """Probability that two texts of this Jaccard share a band, and so become a candidate pair.

    >>> round(expected_recall(21, 6, 0.8), 4), round(expected_recall(21, 6, 0.5), 2)
    (0.9983, 0.28)
    """
    return float(1.0 - (1.0 - jaccard**rows_per_band) ** bands)
