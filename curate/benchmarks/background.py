"""How rare the words of problems are, counted once over real prompts of maths, code and instructions.

The background is fixed, not counted over the data at hand: what is said about a row depends on that row and
the item alone.

`python -m curate.benchmarks.background TEXTS.parquet...` counts again and writes the file that is shipped. It
holds no text: hashes of tokens (tokenizer `math`) with the number of texts each is in, and hashes of the
phrases that many texts have.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.disk import Mapped, packed, write_arrow
from curate.kernels.item_index import I64, TOKENIZER, U64, Background, phrase_hashes
from curate.kernels.text import token_hashes

SHIPPED = Path(__file__).with_name("background.arrow")
TEXTS_A_FILE = 3000
"""Of each file this many texts are counted, at even distances, so that no corpus outweighs the others."""
LEAST_TEXTS = 3
"""A token of fewer texts is not listed: it weighs as much as one never seen."""
STOCK_TEXTS = 15
"""A phrase of `PHRASE` tokens in so many texts is a stock phrase, such as "express your answer as"."""
COMMON = math.e
"""A token of more than one text in `COMMON` weighs nothing."""
COLUMNS = ("query", "problem", "question", "prompt", "text")


@lru_cache(maxsize=1)
def background() -> Background:
    """The weights of tokens, and the stock phrases, that the package ships."""
    file = Mapped(SHIPPED)
    n_texts = int(file.array("n_texts", np.uint64)[0])
    n_with = file.array("n_with", np.uint16).astype(np.float64)
    weights = np.round(100 * np.log((n_texts + 1) / (n_with + 1)))
    weights[n_with * COMMON > n_texts] = 0
    rare = round(100 * math.log(n_texts + 1))
    hashes, stock = file.array("hashes", np.uint64), file.array("stock", np.uint64)
    return Background(hashes, weights.astype(np.uint32), rare, stock)


def count(paths: Sequence[Path]) -> pa.Table:
    """Count in how many texts of these files each token is, and find the phrases that are in many of them.

    The table is what `background` reads. A file without one of `COLUMNS`, or where that is no text, is passed
    over.
    """
    words: list[U64] = []
    phrases: list[U64] = []
    n_texts = 0
    for path in paths:
        names = pq.read_schema(path).names
        column = next((name for name in COLUMNS if name in names), None)
        if column is None:
            continue
        texts = pq.read_table(path, columns=[column])[column].combine_chunks().drop_null()
        if not pa.types.is_string(texts.type) and not pa.types.is_large_string(texts.type):
            continue
        some = np.unique(np.linspace(0, len(texts) - 1, min(TEXTS_A_FILE, len(texts))).astype(np.int64))
        tokens = token_hashes(texts.take(pa.array(some)), TOKENIZER)
        grams, of_text = phrase_hashes(tokens.hash, tokens.offsets)
        words.append(_once_a_text(tokens.hash, np.repeat(np.arange(len(some)), np.diff(tokens.offsets))))
        phrases.append(_once_a_text(grams, of_text))
        n_texts += len(some)
    hashes, n_with = np.unique(np.concatenate(words), return_counts=True)
    stock, n_with_phrase = np.unique(np.concatenate(phrases), return_counts=True)
    listed = n_with >= LEAST_TEXTS
    return packed(
        n_texts=np.array([n_texts], dtype=np.uint64),
        hashes=hashes[listed],
        n_with=np.minimum(n_with[listed], 65535).astype(np.uint16),
        stock=stock[n_with_phrase >= STOCK_TEXTS],
    )


def _once_a_text(hashes: U64, text_of: I64) -> U64:
    once: U64 = np.unique(np.stack([text_of.astype(np.uint64), hashes]), axis=1)[1]
    return once


if __name__ == "__main__":
    write_arrow(count([Path(name) for name in sorted(sys.argv[1:])]), SHIPPED)
