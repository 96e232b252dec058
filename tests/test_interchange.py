"""Signatures leave curate as datasketch's own, and its indexes work on them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from datasketch import LeanMinHash, MinHash, MinHashLSH, MinHashLSHEnsemble, MinHashLSHForest

from curate.interchange import lean_minhashes
from curate.kernels import minhash

TEXTS = [
    "A train leaves the station at noon and travels north at sixty miles an hour. How far is it at three?",
    "A train leaves the station at noon and travels north at sixty miles an hour. How far is it by three?",
    "Find all integers n such that n + 2 divides n^2 + 4.",
    "求所有正整数 n 使得 n 整除 2^n - 1。",
    "",
    None,
]


def of_datasketch(text: str | None, num_perm: int, seed: int) -> MinHash:
    """What datasketch makes of the shingles of a text."""
    made = MinHash(num_perm=num_perm, seed=seed, hashfunc=int, scheme="affine32")
    made.update_batch(
        (
            minhash.shingle_sets(pa.array([text], pa.large_string()), "math", ngram=5).values >> np.uint64(32)
        ).tolist()
    )
    return made


@pytest.mark.parametrize(("num_perm", "seed"), [(128, 1), (64, 42), (126, 7)])
def test_signatures_are_those_of_datasketch_bit_for_bit(num_perm: int, seed: int) -> None:
    """Hash values, serialised form and Jaccard estimates equal those of datasketch's own MinHash."""
    ours = lean_minhashes(TEXTS, num_perm=num_perm, seed=seed)
    theirs = [of_datasketch(text, num_perm, seed) for text in TEXTS]
    for own, other in zip(ours, theirs, strict=True):
        assert isinstance(own, LeanMinHash)
        np.testing.assert_array_equal(own.hashvalues, other.hashvalues)
        buffer, expected = bytearray(own.bytesize()), bytearray(own.bytesize())
        own.serialize(buffer)
        LeanMinHash(other).serialize(expected)
        assert buffer == expected
    assert ours[0].jaccard(theirs[1]) == theirs[0].jaccard(theirs[1]) > 0.5


def test_indexes_of_datasketch_find_what_was_signed_here() -> None:
    """LSH, forest and ensemble take the signatures, and find the text that is nearly the same."""
    signed = lean_minhashes(TEXTS[:4])
    index, forest = MinHashLSH(threshold=0.6, num_perm=128), MinHashLSHForest(num_perm=128)
    ensemble = MinHashLSHEnsemble(threshold=0.6, num_perm=128, num_part=2)
    for row, own in enumerate(signed):
        index.insert(row, own)
        forest.add(row, own)
    forest.index()
    ensemble.index((row, own, 20) for row, own in enumerate(signed))
    query = of_datasketch(TEXTS[0], 128, 1)
    assert sorted(index.query(query)) == [0, 1]
    assert sorted(forest.query(query, 2)) == [0, 1]
    assert {0, 1} <= set(ensemble.query(query, 20))
