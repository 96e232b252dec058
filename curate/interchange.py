"""Signatures for other tools: datasketch's indexes work on what curate signed.

>>> from datasketch import MinHashLSH
>>> texts = ["Let a be 2. Find a + 3 and a - 3.", "let $a$ be $2$; find $a+3$ and $a-3$", "Find x."]
>>> signed = lean_minhashes(texts)
>>> index = MinHashLSH(threshold=0.8, num_perm=128)
>>> for row, minhash in enumerate(signed):
...     index.insert(row, minhash)
>>> sorted(index.query(signed[0]))
[0, 1]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from curate.kernels.minhash import signatures
from curate.kernels.text import Column, Tokenizer

if TYPE_CHECKING:
    from datasketch import LeanMinHash

SCHEME = "affine32"


def lean_minhashes(
    texts: Sequence[str | None] | Column,
    *,
    tokenizer: Tokenizer = "math",
    ngram: int = 5,
    num_perm: int = 128,
    seed: int = 1,
) -> list[LeanMinHash]:
    """One `datasketch.LeanMinHash` a text, of its shingles; null reads as the empty text, which has none.

    Bit for bit what datasketch 2.0 makes of the same shingles:
    `MinHash(num_perm, seed, hashfunc=int, scheme="affine32")`, updated with the upper 32 bits of each
    shingle (`curate.kernels.minhash.shingle_sets`). It can be inserted into MinHashLSH, MinHashLSHForest and
    MinHashLSHEnsemble, and compared with MinHashes of that seed and scheme.
    """
    from datasketch import LeanMinHash

    column = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts, pa.large_string())
    signed = signatures(column, tokenizer, ngram=ngram, n=num_perm, seed=seed)
    return [LeanMinHash(seed=seed, hashvalues=values, scheme=SCHEME) for values in signed]
