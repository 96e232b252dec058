"""Shingles, MinHash signatures cut into bands, and what a choice of bands finds.

A *shingle* is the hash of n tokens in a row; a text with fewer tokens has one shingle, over all of them.
A *signature* holds, for each of bands * rows_per_band random permutations of the 32-bit numbers, the
least image of the text's shingles; two texts agree in one place with probability equal to the Jaccard
of their shingle sets. A band's key is a hash of rows_per_band neighbouring places.

The permutations are those of datasketch 2.0 (scheme affine32, same seed, same number), so a signature is
`datasketch.MinHash.hashvalues` of the shingles, bit for bit: see `curate.interchange`.
Source: Broder 1997; Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, 3rd ed., §3.3 and §3.4.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from curate.kernels.native import Texts, call
from curate.kernels.text import I64, TOKENIZERS, U64, Column, Tokenizer, as_texts

U32 = npt.NDArray[np.uint32]
I32 = npt.NDArray[np.int32]


class Signatures(NamedTuple):
    """Band keys of a column of texts."""

    keys: U32
    """(bands, n); where all of band j is equal, so is line j; 0 for a text without tokens."""
    n_tokens: I32
    sequence: U64
    """(2, n): 128-bit hash of the token sequence; equal exactly where the tokens are."""
    numbers: U64
    """(n): equal where the runs of digits are, in any order; 0 without digits."""


class ShingleSets(NamedTuple):
    """Sets of shingles: set i is values[offsets[i]:offsets[i + 1]], ascending, each value once."""

    offsets: I64
    values: U64


class Banding(NamedTuple):
    """How a signature is cut: bands * rows_per_band permutations."""

    bands: int
    rows_per_band: int


def permutations(n: int, seed: int) -> U32:
    """The n permutations x -> a * x + b modulo 2**32 of `datasketch.MinHash(num_perm=n, seed=seed)`.

    Returns (2, n): a (odd) and b. NumPy never changes the numbers of `RandomState`.
    """
    random = np.random.RandomState(seed)
    a = random.randint(0, 1 << 31, n, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return np.stack([a, random.randint(0, 1 << 32, n, dtype=np.uint32)])


def band_keys(
    column: Column | Texts,
    tokenizer: Tokenizer,
    *,
    ngram: int,
    banding: Banding,
    seed: int,
    numbers_agree: bool = False,
) -> Signatures:
    """Band keys, token counts, sequence hashes and number keys of every text; null reads as the empty text.

    With `numbers_agree` texts share a key only if they have the same numbers.
    """
    texts = as_texts(column)
    bands, rows_per_band = banding
    a, b = permutations(bands * rows_per_band, seed)
    made = Signatures(
        keys=np.empty((bands, texts.size), dtype=np.uint32),
        n_tokens=np.empty(texts.size, dtype=np.int32),
        sequence=np.empty((2, texts.size), dtype=np.uint64),
        numbers=np.empty(texts.size, dtype=np.uint64),
    )
    which = TOKENIZERS[tokenizer]
    call("curate_band_keys", texts, which, ngram, bands, rows_per_band, a, b, int(numbers_agree), *made)
    return made


def signatures(column: Column | Texts, tokenizer: Tokenizer, *, ngram: int, n: int, seed: int = 1) -> U32:
    """The signature of every text under n permutations: (texts, n); all ones for a text without tokens."""
    texts = as_texts(column)
    made = np.empty((texts.size, n), dtype=np.uint32)
    a, b = permutations(n, seed)
    call("curate_signatures", texts, TOKENIZERS[tokenizer], ngram, n, a, b, made)
    return made


def shingle_sets(
    column: Column | Texts, tokenizer: Tokenizer, *, ngram: int, rows: I64 | None = None
) -> ShingleSets:
    """The set of shingles of every text, or of those in `rows`; empty for a text without tokens."""
    texts = as_texts(column)
    rows = np.arange(texts.size) if rows is None else rows
    sizes = pc.binary_length(texts.array).fill_null(0).to_numpy(zero_copy_only=False)
    # Two bytes may become three tokens (a quarter sign is 1 / 4). Room that is not used is never touched.
    capacity = len(rows) + 2 * int(sizes[rows].sum())
    values = np.empty(capacity, dtype=np.uint64)
    offsets = np.zeros(len(rows) + 1, dtype=np.int64)
    how = (TOKENIZERS[tokenizer], ngram, values, capacity, offsets[1:])
    n_values = call("curate_shingle_sets", texts, rows, len(rows), *how)
    assert n_values <= capacity
    return ShingleSets(offsets, values[:n_values])


def word_gap_keys(
    column: Column | Texts, tokenizer: Tokenizer, *, rows: I64, max_tokens: int, numbers_agree: bool = False
) -> U32:
    """(max_tokens, rows): in line i, if the i-th token of a text is a word, the hash of all the others.

    A word has three letters or more and nothing else. 0: the text has no such token, or more than
    `max_tokens`. Two texts that share a key of line i differ in their i-th token at most.
    """
    texts = as_texts(column)
    keys = np.empty((max_tokens, len(rows)), dtype=np.uint32)
    how = (TOKENIZERS[tokenizer], max_tokens, int(numbers_agree))
    call("curate_word_gap_keys", texts, rows, len(rows), *how, keys)
    return keys


def expected_recall(banding: Banding, jaccard: float) -> float:
    """Probability that two texts of this Jaccard share a band, and so become a candidate pair.

    >>> round(expected_recall(Banding(21, 6), 0.8), 4), round(expected_recall(Banding(21, 6), 0.5), 2)
    (0.9983, 0.28)
    """
    bands, rows_per_band = banding
    return float(1.0 - (1.0 - jaccard**rows_per_band) ** bands)


def false_candidate_rate(banding: Banding, threshold: float) -> float:
    """Mean probability of becoming a candidate pair over the Jaccards below the threshold, taken evenly.

    >>> [round(false_candidate_rate(banding, 0.8), 2) for banding in (Banding(21, 6), Banding(32, 4))]
    [0.31, 0.53]
    """
    steps = 1000
    below = (threshold * (step + 0.5) / steps for step in range(steps))
    return sum(expected_recall(banding, jaccard) for jaccard in below) / steps


def choose_banding(threshold: float, *, recall: float = 0.998, max_permutations: int = 96) -> Banding:
    """The fewest false candidates whose expected recall at the threshold is at least `recall`.

    More rows in a band make it pickier, more bands make up for it, and every permutation costs time: of the
    bandings that reach the recall, the one with the most rows in a band that has at most `max_permutations`,
    or else as few as can be.

    >>> [tuple(choose_banding(threshold)) for threshold in (0.5, 0.7, 0.8, 0.9)]
    [(22, 2), (23, 4), (16, 5), (12, 8)]
    """
    bandings = []
    for rows_per_band in range(1, max_permutations + 1):
        missed = 1.0 - threshold**rows_per_band
        if missed == 1.0:
            break
        bands = math.ceil(math.log(1.0 - recall) / math.log(missed)) if missed else 1
        bandings.append(Banding(bands, rows_per_band))
    costs = [banding.bands * banding.rows_per_band for banding in bandings]
    limit = max(max_permutations, min(costs))
    return [banding for banding, cost in zip(bandings, costs, strict=True) if cost <= limit][-1]
