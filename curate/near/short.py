"""Short texts: alike where one word is misspelt, since one word changes most of their shingles.

Two texts of as many tokens are alike if all their tokens are equal but one, that one is a word in both, the
words are a typing error apart, and the edit similarity of the whole (`rapidfuzz`: 1 - Levenshtein / length
of the longer) is at the threshold or above. A typing error is one letter left out, put in, changed or swapped
with its neighbour in words of five letters or more; in those of three and four, where a changed letter is
another word (sin, tan, max, mix), only a swap. Numbers, operators, variables and Chinese or Japanese
characters are never misspelt, nor are words for numbers ("eighty" is not a misspelt "eight"), names of points
in capitals (angle ABC is not angle ACB), and some mathematical words that are a letter apart.
"""

from __future__ import annotations

import pyarrow as pa

from curate.kernels.native import Texts, nfkc
from curate.kernels.text import Tokenizer, token_spans

NUMBER_WORDS = frozenset(
    word
    for line in (
        "three four fourth forty five fifth fifty sixth sixty seven seventh eight eighth eighty nine ninth",
        "ninety tenth tenths hundred hundredth thousand million billion trillion half quarter third first",
    )
    for word in line.split()
)
MATHEMATICAL_WORDS = frozenset(
    word
    for line in (
        "arccos arccot arccoth arccosh arcsin arcsinh arctan arctanh arcsec arcsech arccsc arccsch",
        "subset supset subseteq supseteq bigcap bigcup lfloor rfloor lceil rceil",
        "decameter decimeter decametre decimetre",
    )
    for word in line.split()
)
"""Words that are a letter apart and never meant for one another."""

SHORT_WORD, LONG_WORD = 3, 5


def token_texts(texts: pa.Array, tokenizer: Tokenizer) -> list[str]:
    """Every text as its tokens with blanks between them, in small letters but for words all in capitals."""
    made = Texts(texts)
    spans = token_spans(made, tokenizer)
    found = []
    for row, text in enumerate(made.array.to_pylist()):
        raw = (text or "").encode("utf-8", "surrogatepass")
        places = range(spans.offsets[row], spans.offsets[row + 1])
        words = (raw[spans.begin[i] : spans.end[i]].decode("utf-8", "replace") for i in places)
        found.append(" ".join(_folded(nfkc(word)) for word in words))
    return found


def _folded(word: str) -> str:
    return word if len(word) > 1 and word.isupper() else word.casefold()


def edit_similarity(one: str, other: str, threshold: float) -> float:
    """Edit similarity of two texts made by `token_texts` if they differ by a typing error, else NaN.

    >>> round(edit_similarity("find the derivative of x", "find the derivitive of x", 0.8), 3)
    0.958
    >>> edit_similarity("find the sin of x", "find the tan of x", 0.8)
    nan
    """
    from rapidfuzz.distance import OSA, Levenshtein

    words, others = one.split(" "), other.split(" ")
    if len(words) != len(others):
        return float("nan")
    different = [(a, b) for a, b in zip(words, others, strict=True) if a != b]
    if len(different) != 1:
        return float("nan")
    a, b = different[0]
    if not (a.isalpha() and b.isalpha()) or a.isupper() or b.isupper():
        return float("nan")
    if {a, b} & (NUMBER_WORDS | MATHEMATICAL_WORDS):
        return float("nan")
    shortest = SHORT_WORD if sorted(a) == sorted(b) else LONG_WORD
    if min(len(a), len(b)) < shortest or OSA.distance(a, b, score_cutoff=1) > 1:
        return float("nan")
    similarity = float(Levenshtein.normalized_similarity(one, other))
    return similarity if similarity >= threshold else float("nan")
