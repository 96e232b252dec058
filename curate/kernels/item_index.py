"""The words of benchmark items and what they weigh, one file that every worker maps into memory.

A *word* of an item is a distinct token that weighs anything: 100 times the natural logarithm of how rare it
is (`curate.benchmarks.background`), as an integer, so that sums are the same in any order. The *share* of an
item in a window of a text is the weight of the item's words that the window has, of the weight of all: the
inverse-document-frequency-weighted containment. A window has 1.6 times the tokens of the item, and ten more.

Not every word leads from a text to an item: "number" would lead to half of them. The rarest words of an item
do, until what is left could not make the share by itself; so no item is missed.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from curate.disk import Mapped, packed, write_arrow
from curate.kernels.native import Texts, call, nfkc
from curate.kernels.ngram_index import hash_table, starts_of
from curate.kernels.text import TOKENIZERS, Tokenizer, TokenSpans, token_spans

U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

CANDIDATE = np.dtype([("item", np.int32), ("score", np.uint32), ("first", np.uint32), ("end", np.uint32)])
"""struct Candidate of native/item_match.cpp: tokens [first, end) of the text; item -1 where there is none."""

SIGN, CONTENT, NUMBER = range(3)
"""Kinds of words, as in the kernel: a content word has three letters or more, or is an ideograph."""

TOKENIZER: Tokenizer = "math"

PHRASE = 4
STOCK_WEIGHT = 30
"""What any word in a stock phrase weighs at most, and what the commonest word counts for in order."""

WINDOW = 128
"""Items of level k have windows of at most WINDOW << k tokens; as kWindow in the kernel."""

LONG = 0.5
"""Least share of an item whose window is longer than `WINDOW`: chance gives any text a part of many words."""

FEW_WORDS = 5
"""An item of fewer content words than this is a formula and a stock phrase: it is found in order only."""
IN_ORDER, IN_ORDER_FEW = 500, 600
"""Least thousandths of an item in order that make it a candidate, and of one of few content words."""

UNLED = 0.2
"""Part of an item's weight, in its commonest words, that does not lead to it."""


class Background(NamedTuple):
    """What tokens weigh where nothing else is known: how rare they are among problems at large."""

    hashes: U64
    """Ascending."""
    weights: U32
    """Theirs: 100 times the natural logarithm of how rare they are, 0 for the commonest."""
    rare: int
    """The weight of every other token."""
    stock: U64
    """Hashes of stock phrases of `PHRASE` tokens (`phrase_hashes`), ascending."""

    def weights_of(self, tokens: U64, offsets: I64) -> U32:
        """The weight of each token of texts; little in a stock phrase."""
        weights = np.full(len(tokens), self.rare, dtype=np.uint32)
        known, at = _among(tokens, self.hashes)
        weights[known] = self.weights[at[known]]
        grams, _, starts = _phrases(tokens, offsets)
        stock = starts[_among(grams, self.stock)[0]]
        for step in range(PHRASE):
            weights[stock + step] = np.minimum(weights[stock + step], STOCK_WEIGHT)
        return weights


def _among(values: U64, ascending: U64) -> tuple[npt.NDArray[np.bool_], I64]:
    """Which values are among the ascending ones, and where they are or would be."""
    if not len(ascending):
        return np.zeros(len(values), dtype=np.bool_), np.zeros(len(values), dtype=np.int64)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return ascending[at] == values, at


def phrase_hashes(tokens: U64, offsets: I64) -> tuple[U64, I64]:
    """Hash of every phrase of `PHRASE` tokens of texts, and the number of its text."""
    grams, text_of, _ = _phrases(tokens, offsets)
    return grams, text_of


def _phrases(tokens: U64, offsets: I64) -> tuple[U64, I64, I64]:
    """Hash of every phrase, its text, and the token it begins with."""
    size = max(0, len(tokens) - PHRASE + 1)
    hashes = np.zeros(size, dtype=np.uint64)
    for step in range(PHRASE):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + tokens[step : step + size]
    text_of = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    inside = np.flatnonzero(text_of[:size] == text_of[len(tokens) - size :])
    return hashes[inside], text_of[inside], inside


ITEM = np.dtype(
    [
        *((name, np.uint64) for name in ("words", "tokens")),
        *(
            (name, np.uint32)
            for name in ("n_led", "n_heavy", "n_words", "n_tokens", "total", "needed", "window")
        ),
        *((name, np.uint32) for name in ("order", "content", "numbers", "in_order", "unused")),
    ]
)
"""struct Item of native/item_match.cpp."""

WORD = np.dtype(
    [
        ("word", np.uint32),
        ("order", np.uint32),
        ("weight", np.uint16),
        ("kind", np.uint8),
        ("unused", np.uint8),
    ]
)
"""struct Word there."""

ARRAYS: dict[str, type[np.uint8 | np.uint16 | np.uint32 | np.uint64]] = {
    "postings_of": np.uint64,
    "postings": np.uint32,
    "posting_weights": np.uint16,
    "met_of": np.uint32,
    "items": np.uint8,  # of ITEM
    "item_words": np.uint8,  # of WORD
    "item_tokens": np.uint32,
    "token_weights": np.uint16,
}
"""Arrays of the index, in the order of struct Items there."""


class ItemIndex:
    """An index file, mapped; safe to share between threads. Items are numbered as they were given."""

    def __init__(self, path: Path) -> None:
        file = Mapped(path)
        bloom, slots = (file.array(f"words_{part}", np.uint64) for part in ("bloom", "slots"))
        values = file.array("words_values", np.uint32)
        held: dict[str, npt.NDArray[Any]] = {name: file.array(name, kind) for name, kind in ARRAYS.items()}
        self._held = (file, bloom, slots, values, held)  # the view has their addresses
        self.total: U32 = held["items"].view(ITEM)["total"]
        """Weight of the words of each item."""
        self.n_items = len(self.total)
        self.view = np.array(
            [
                *(bloom.ctypes.data, slots.ctypes.data, values.ctypes.data, len(bloom) - 1, len(slots) - 1),
                *(array.ctypes.data for array in held.values()),
                *(self.n_items, len(held["item_words"]) // WORD.itemsize),
                *(int(file.array(name, np.uint64)[0]) for name in ("n_words", "n_levels")),
                TOKENIZERS[TOKENIZER],
            ],
            dtype=np.uint64,
        )


@lru_cache(maxsize=4)
def open_item_index(path: Path) -> ItemIndex:
    """The index at `path`, opened once per process: a file of this name never changes."""
    return ItemIndex(path)


def candidates(texts: Texts, index: ItemIndex, most: int) -> tuple[npt.NDArray[np.void], U32]:
    """The `most` items of which each text has the largest share, (n, most) of CANDIDATE, and its tokens (n).

    Best first; an item of which no window has the share the index was written for is not among them.
    """
    found = np.zeros((texts.size, most), dtype=CANDIDATE)
    n_tokens = np.zeros(texts.size, dtype=np.uint32)
    call("curate_item_candidates", texts, index.view, most, found, n_tokens)
    return found, n_tokens


def write_item_index(texts: Texts, background: Background, share: float, path: Path) -> None:
    """Write the index of the items to `path`; `candidates` will find every window that has `share` of one."""
    tokens = token_spans(texts, TOKENIZER)
    n_tokens = np.diff(tokens.offsets)
    item_of = np.repeat(np.arange(texts.size, dtype=np.int64), n_tokens)
    keys, word_of = np.unique(tokens.hash, return_inverse=True)
    token_weight = background.weights_of(tokens.hash, tokens.offsets)
    token_kind = _kinds(texts, tokens, item_of)
    signs = token_kind == SIGN  # variables may be renamed
    token_weight[signs] = np.minimum(token_weight[signs], STOCK_WEIGHT)

    # Every word of every item, its weight there - the highest, where some of its places are stock phrases -
    # what all its places weigh in order, and its kind: a command that is prose elsewhere in it is a word.
    in_order = np.maximum(token_weight, STOCK_WEIGHT)
    places = np.lexsort((token_weight, word_of, item_of))
    last = np.ones(len(places), dtype=np.bool_)
    last[:-1] = (np.diff(item_of[places]) != 0) | (np.diff(word_of[places]) != 0)
    item, word, weight = item_of[places[last]], word_of[places[last]], token_weight[places[last]]
    up_to = np.cumsum(in_order[places], dtype=np.int64)[last]
    order_weight = np.diff(up_to, prepend=0)
    begins = np.concatenate([[0], np.flatnonzero(last)[:-1] + 1]) if len(places) else places
    kind = np.maximum.reduceat(token_kind[places], begins) if len(places) else token_kind
    heavy = weight > 0
    total = np.bincount(item, weights=weight, minlength=texts.size).astype(np.int64)

    # Words lead to an item that few texts have for what they weigh; those that weigh nothing are last.
    n_items_with = np.bincount(word[heavy], minlength=len(keys))
    cost = n_items_with[word] / np.maximum(weight, 1)
    order = np.lexsort((word, cost, ~heavy, item))
    item, word, weight, order_weight = item[order], word[order], weight[order], order_weight[order]
    kind = kind[order]
    heavy = weight > 0

    def per_item(chosen: npt.NDArray[np.bool_], values: npt.NDArray[Any] | None = None) -> I64:
        """How many of the chosen words each item has, or the sum of their values."""
        chosen_values = None if values is None else values[chosen]
        return np.bincount(item[chosen], weights=chosen_values, minlength=texts.size).astype(np.int64)

    starts = starts_of(per_item(np.ones(len(item), dtype=np.bool_)))
    before = np.concatenate([[0], np.cumsum(weight, dtype=np.int64)])
    before = before[:-1] - before[starts.astype(np.int64)[item]]
    leads = heavy & (before < (1.0 - min(UNLED, share / 2)) * total[item])

    window = n_tokens * 8 // 5 + 10
    level = np.zeros(texts.size, dtype=np.int64)
    for step in range(1, 40):
        level[window > WINDOW << (step - 1)] = step
    n_levels = int(level.max(initial=0)) + 1
    slot = word[leads] * n_levels + level[item[leads]]
    by_slot = np.lexsort((item[leads], slot))

    # Content is what is no stock phrase; an item of little content can only be found in order.
    content = (kind == CONTENT) & (weight > STOCK_WEIGHT)
    number = (kind == NUMBER) & heavy
    telling = per_item(content) >= FEW_WORDS
    needed = np.maximum(np.ceil(total * np.where(level > 0, max(share, LONG), share)), 1).astype(np.int64)

    items = np.zeros(texts.size, dtype=ITEM)
    items["words"], items["tokens"] = starts[:-1], tokens.offsets[:-1]
    items["n_led"], items["n_heavy"], items["n_words"] = per_item(leads), per_item(heavy), np.diff(starts)
    items["n_tokens"], items["total"], items["needed"], items["window"] = n_tokens, total, needed, window
    items["order"] = np.bincount(item_of, weights=in_order, minlength=texts.size)
    items["content"] = np.where(telling, per_item(content, weight), 0)
    items["numbers"] = per_item(number)
    items["in_order"] = np.where(telling, IN_ORDER, IN_ORDER_FEW)
    item_words = np.zeros(len(word), dtype=WORD)
    item_words["word"], item_words["order"], item_words["weight"] = word, order_weight, weight
    item_words["kind"] = np.where(content, CONTENT, np.where(number, NUMBER, SIGN))
    write_arrow(
        packed(
            **hash_table("words", keys),
            postings_of=starts_of(np.bincount(slot, minlength=n_levels * len(keys))),
            postings=item[leads][by_slot].astype(np.uint32),
            posting_weights=weight[leads][by_slot].astype(np.uint16),
            met_of=np.maximum(needed - (total - per_item(leads, weight)), 0).astype(np.uint32),
            items=items,
            item_words=item_words,
            item_tokens=word_of.astype(np.uint32),
            token_weights=in_order.astype(np.uint16),
            n_words=np.array([len(keys)], dtype=np.uint64),
            n_levels=np.array([n_levels], dtype=np.uint64),
        ),
        path,
    )


def _kinds(texts: Texts, tokens: TokenSpans, item_of: I64) -> npt.NDArray[np.uint8]:
    """The kind of each token; a LaTeX command is a sign, whatever the word is elsewhere."""
    _, offsets, content = texts.array.buffers()
    if content is None or not len(tokens.hash):
        return np.zeros(0, dtype=np.uint8)
    letters = np.frombuffer(content, np.uint8)
    text_begin = np.frombuffer(offsets, np.int64)[texts.array.offset :][item_of]
    begin, end = text_begin + tokens.begin, text_begin + tokens.end
    command = (tokens.begin > 0) & (letters[begin - 1] == ord("\\"))
    # Tokens of one hash that begin alike are one word: its kind is told once.
    alike = tokens.hash ^ (letters[begin] * np.uint64(2) + command) * np.uint64(0x9E3779B97F4A7C15)
    _, example, which = np.unique(alike, return_index=True, return_inverse=True)
    kinds = np.full(len(example), SIGN, dtype=np.uint8)
    for at, token in enumerate(example.tolist()):
        word = nfkc(letters[begin[token] : end[token]].tobytes().decode("utf-8", "replace"))
        if word.isdecimal():
            kinds[at] = NUMBER
        elif not command[token] and word[0].isalpha() and (len(word) >= 3 or word >= "\u2e80"):
            kinds[at] = CONTENT
    return kinds[which]
