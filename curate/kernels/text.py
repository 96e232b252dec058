"""What the tokens of a text are, and hashes of tokens and of whole texts.

Both tokenizers first bring a text to Unicode NFKC (½ becomes 1⁄2, ² becomes 2, full-width letters become
plain ones), casefold it, and drop format characters (category Cf: soft hyphens, joiners, direction marks)
and variation selectors.

`words`  a run of letters, marks and numbers is a token; everything else separates. A Han or Kana letter
         is a token by itself. `It's $x^2$` -> it s x 2.
`math`   as `words`, but ASCII digits are a run of their own (`x2` -> x 2), and each of
         + - * / = < > ^ % | ! ( ) [ ] @ # & is a token, as is every other mathematical sign (Unicode
         category Sm: × ≤ √ ∑ ...). The signs − ∕ ∗ ∣ ⁄ count as - / * | /. Punctuation, quotes, currency
         signs and $ \\ { } ~ _ separate, and so do ( ) [ ] ! straight after a backslash: `\\(x\\)` is x, as
         `$x$` is. LaTeX commands are read as what they print: `\\dfrac` as `\\frac`, `\\leq`, `\\leqslant` as
         ≤, `\\neq` as ≠, `\\times` as ×, `\\mid` as |; those for size, spacing and type (`\\left`, `\\quad`,
         `\\text`, `\\mathbb`) and, like their Unicode signs, dots and the product `\\cdot` as nothing
         (native/tokenize.cpp has the table). So LaTeX and plain spelling differ by few names:
         `\\dfrac{1}{2} \\le x_1!` -> frac 1 2 ≤ x 1 ! and `3.5` -> 3 5.

Two texts that differ in a number, a variable or an operator other than that product never have the same
`math` tokens. Not seen: the decimal point (3.5 and 3,5 and "3 5"), braces (nor that \\{1, 2\\} is a
set), upper against lower case, the type of a letter (ℝ and R), emoji.

Unicode is the version of the tables, `native.unicode_version()`; code points it does not assign separate.
Bytes that are not UTF-8 separate. `tests/oracles.py` has the same in plain Python.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curate.kernels.native import Texts, call

Tokenizer = Literal["words", "math"]
Normalization = Literal["none", "whitespace", "words", "math"]

TOKENIZERS: dict[Tokenizer, int] = {"words": 0, "math": 1}
NORMALIZATIONS: dict[Normalization, int] = {"none": 0, "whitespace": 1, "words": 2, "math": 3}

Column: TypeAlias = pa.Array | pa.ChunkedArray
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]


class TokenHashes(NamedTuple):
    """Tokens of a column: text i has those from offsets[i] to offsets[i + 1]."""

    offsets: I64
    hash: U64


class TokenSpans(NamedTuple):
    """Tokens with their places: `begin` and `end` (exclusive) are byte offsets into the composed text.

    The composed text is the text itself, or its NFKC form where characters compose (`native.Texts.array`).
    """

    offsets: I64
    hash: U64
    begin: I64
    end: I64


class TextHashes(NamedTuple):
    """128-bit hashes of a column of texts."""

    hash: U64
    """(n, 2); equal exactly where the normalised texts are, up to collisions (chance n**2 / 2**129)."""
    size: I64
    """What was hashed, in bytes (none, whitespace) or tokens (words, math); 0 = nothing, or a null text."""


def token_hashes(column: Column | Texts, tokenizer: Tokenizer) -> TokenHashes:
    """Hash of every token of every text, in order; null and empty texts have none."""
    texts = as_texts(column)
    offsets = _token_offsets(texts, tokenizer)
    hashes = np.empty(offsets[-1], dtype=np.uint64)
    call("curate_tokens", texts, TOKENIZERS[tokenizer], offsets, hashes, None, None)
    return TokenHashes(offsets, hashes)


def token_spans(column: Column | Texts, tokenizer: Tokenizer) -> TokenSpans:
    """Hash and place of every token of every text, in order."""
    texts = as_texts(column)
    offsets = _token_offsets(texts, tokenizer)
    n_tokens = int(offsets[-1])
    hashes = np.empty(n_tokens, dtype=np.uint64)
    begin, end = np.empty(n_tokens, dtype=np.int64), np.empty(n_tokens, dtype=np.int64)
    call("curate_tokens", texts, TOKENIZERS[tokenizer], offsets, hashes, begin, end)
    return TokenSpans(offsets, hashes, begin, end)


def token_counts(column: Column | Texts, tokenizer: Tokenizer) -> I64:
    """Number of tokens of every text; 0 for null."""
    return np.diff(_token_offsets(as_texts(column), tokenizer))


def _token_offsets(texts: Texts, tokenizer: Tokenizer) -> I64:
    offsets = np.zeros(texts.size + 1, dtype=np.int64)
    call("curate_tokens", texts, TOKENIZERS[tokenizer], offsets, None, None, None)
    return offsets


def text_hash128(column: Column, normalization: Normalization) -> TextHashes:
    """Hash of every text after normalisation.

    none: the bytes as they are. whitespace: runs of whitespace (as str.split has it) as one blank, none
    at the ends. words, math: the sequence of tokens.
    """
    texts = Texts(column, composed=normalization in TOKENIZERS)
    hashes = np.empty((texts.size, 2), dtype=np.uint64)
    sizes = np.empty(texts.size, dtype=np.int64)
    call("curate_text_hash128", texts, NORMALIZATIONS[normalization], hashes, sizes)
    return TextHashes(hashes, sizes)


def as_texts(column: Column | Texts) -> Texts:
    """The column made ready for tokenizing; one that is ready already is returned as it is."""
    return column if isinstance(column, Texts) else Texts(column)
