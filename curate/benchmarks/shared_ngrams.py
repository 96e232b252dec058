"""Shared n-grams in any normal form and unit: what `curate.kernels.ngram_index` does for words, in NumPy.

Slower than the kernel (2 to 7 MB a second instead of 50 to 400), because tokens are cut in Python.
Benchmarks are compared by their text; a fingerprint knows only words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from curate.benchmarks.item_file import ItemTexts, read_item_file
from curate.benchmarks.normal_forms import Form, Tokens, mixed, one_character, tokens
from curate.kernels.ngram_index import ANYWHERE
from curate.kernels.text import I64, U64

Rank = Literal["containment", "coverage", "overlap"]

BATCH_CHARACTERS = 4_000_000
BATCH_PAIRS = 2_000_000
"""Pairs of a row and an item, or tokens of such pairs, that are held at once."""
MULTIPLIER = np.uint64(0x9FB21C651E98DF25)
BLOOM_BITS = 22

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]


class Rule(NamedTuple):
    """What counts as an n-gram, and which item of a row is the best."""

    form: Form
    ngram: int
    skip_short: bool = False
    """Items of fewer than n tokens are not looked for; otherwise each is one n-gram, its whole."""
    min_item_tokens: int | None = None
    """Items of fewer tokens are not looked for; None: those of fewer than four only as a whole row."""
    ignore: tuple[str, ...] = ()
    """Phrases: their n-grams do not count, nor do n-grams that contain a phrase of fewer than n tokens."""
    ignore_one_character: bool = False
    """Nor do n-grams more than half of whose tokens are one ASCII character."""
    rank: Rank = "containment"


class State(NamedTuple):
    """What a worker needs: the file of the items, and the rule."""

    items: Path
    rule: Rule


class Index(NamedTuple):
    """The n-grams of items. A gram is known by its place in `keys`."""

    items: ItemTexts
    tokens: Tokens
    keys: U64
    """Ascending."""
    bloom: Bools
    of: I64
    """Where the items of each gram begin in `postings`; one more than keys."""
    postings: I64
    lengths: tuple[int, ...]
    """Lengths of grams, ascending."""
    whole_only: Bools
    """By gram: it counts only where it is the whole row."""
    n_grams: I64
    """By item: distinct grams that count."""
    grams_of: I64
    """Where the grams of each item begin in `item_grams`; one more than items."""
    item_grams: I64
    """The gram that begins at each token of an item, in order; -1 where it is ignored."""
    gram_tokens: I64
    """By item: n, or its tokens if it has fewer."""


@lru_cache(maxsize=8)
def open_state(state: State) -> Index:
    """The index, made once a process: a file of this name never changes."""
    items = read_item_file(state.items)
    rule = state.rule
    own = tokens(items.texts, rule.form)
    counts = own.counts
    usable = counts >= _least_tokens(rule)
    gram_tokens = np.minimum(counts, rule.ngram)
    n_starts = np.where(usable, counts - gram_tokens + 1, 0)
    item = np.repeat(np.arange(len(counts)), n_starts)
    grams_of = np.concatenate([[0], np.cumsum(n_starts)])
    start = own.offsets[item] + np.arange(len(item)) - grams_of[item]
    length = gram_tokens[item]
    hashes = np.zeros(len(item), dtype=np.uint64)
    for size, at in grams(own, tuple(np.unique(length).tolist())):
        mine = length == size
        hashes[mine] = at[start[mine]]
    kept = ~_ignored(own, rule, items, start, length, hashes)
    keys, number = np.unique(hashes[kept], return_inverse=True)
    item_grams = np.full(len(item), -1)
    item_grams[kept] = number
    pairs = np.unique(number.astype(np.int64) * len(counts) + item[kept])
    gram, posting = np.divmod(pairs, max(len(counts), 1))
    key_length = np.zeros(len(keys), dtype=np.int64)
    key_length[number] = length[kept]
    bloom = np.zeros(1 << BLOOM_BITS, dtype=np.bool_)
    bloom[_bloom_place(keys)] = True
    return Index(
        items,
        own,
        keys,
        bloom,
        np.concatenate([[0], np.cumsum(np.bincount(gram, minlength=len(keys)))]),
        posting,
        tuple(np.unique(key_length).tolist()),
        (key_length < rule.ngram) & (key_length < (rule.min_item_tokens or ANYWHERE)),
        np.bincount(posting, minlength=len(counts)),
        grams_of,
        item_grams,
        gram_tokens,
    )


def never_found(texts: Sequence[str | None], rule: Rule) -> int:
    """How many items are too short to be looked for."""
    return int((tokens(texts, rule.form).counts < _least_tokens(rule)).sum())


def _least_tokens(rule: Rule) -> int:
    return max(1, rule.min_item_tokens or 1, rule.ngram if rule.skip_short else 1)


def _bloom_place(keys: U64) -> I64:
    return (keys >> np.uint64(64 - BLOOM_BITS)).astype(np.int64)


def grams(found: Tokens, lengths: Sequence[int]) -> Iterator[tuple[int, U64]]:
    """For each length, ascending: of every token the hash of the tokens from it on, of any text.

    Near the end of a text that runs into the next one: `fits` tells where it does not.
    """
    sizes = sorted(lengths)
    rolling = np.zeros(len(found.hash), dtype=np.uint64)
    done = 0
    for size in sizes:
        for k in range(done, size):
            rolling *= MULTIPLIER
            rolling[: max(len(rolling) - k, 0)] += found.hash[k:]
        done = size
        yield size, mixed(rolling + np.uint64(size))


def fits(found: Tokens, size: int) -> Bools:
    """Whether so many tokens of its text begin at each token."""
    end = np.repeat(found.offsets[1:], found.counts)
    return np.asarray(np.arange(len(found.hash)) + size <= end)


def _ignored(own: Tokens, rule: Rule, items: ItemTexts, start: I64, length: I64, hashes: U64) -> Bools:
    ignored = np.zeros(len(start), dtype=np.bool_)
    if rule.ignore_one_character:
        before = np.concatenate([[0], np.cumsum(one_character(items.texts, rule.form))])
        ignored |= 2 * (before[start + length] - before[start]) > length
    phrases = tokens(rule.ignore, rule.form)
    sizes = np.minimum(phrases.counts, rule.ngram)
    lengths = tuple(size for size in np.unique(sizes).tolist() if size)
    of_items = dict(grams(own, lengths))
    for size, at in grams(phrases, lengths):
        mine = np.repeat(sizes == size, phrases.counts) & fits(phrases, size)
        chosen = np.unique(at[mine])
        if size == rule.ngram:
            ignored |= (length == size) & np.isin(hashes, chosen)
            continue
        begins = np.isin(of_items[size], chosen) & fits(own, size)
        before = np.concatenate([[0], np.cumsum(begins)])
        ignored |= (length >= size) & (before[np.maximum(start + length - size + 1, start)] > before[start])
    return ignored


class Found(NamedTuple):
    """Of the rows that share a gram with an item, in order, what they share with the best one."""

    row: I64
    item: I64
    shared: I64
    row_ngrams: I64
    coverage: F64
    longest_run: I64
    row_first: I64
    """Tokens of the row from the first to the last shared gram, half open."""
    row_end: I64
    item_first: I64
    item_end: I64


_NONE = np.empty(0, np.int64)
_NOTHING = Found(_NONE, _NONE, _NONE, _NONE, np.empty(0, np.float64), _NONE, _NONE, _NONE, _NONE, _NONE)


class Scan(NamedTuple):
    """What was found in a list of texts."""

    n_tokens: I64
    hits: I64
    """By row: positions at which a gram of any item begins."""
    found: Found


def scan(texts: Sequence[str | None], state: State) -> Scan:
    """What the texts share with the items."""
    parts = [_scan(own, state.rule, open_state(state)) for own in _batches(texts, state.rule.form)]
    if not parts:
        parts = [_scan(tokens([], state.rule.form), state.rule, open_state(state))]
    first_rows = np.concatenate([[0], np.cumsum([len(part.n_tokens) for part in parts])])
    moved = [
        part.found._replace(row=part.found.row + first)
        for part, first in zip(parts, first_rows[:-1], strict=True)
    ]
    return Scan(
        np.concatenate([part.n_tokens for part in parts]),
        np.concatenate([part.hits for part in parts]),
        _joined(moved),
    )


def _batches(texts: Sequence[str | None], form: Form) -> Iterator[Tokens]:
    size = np.cumsum([len(text or "") for text in texts])
    batch = size // BATCH_CHARACTERS
    for number in np.unique(batch).tolist():
        lines = np.flatnonzero(batch == number)
        yield tokens(texts[int(lines[0]) : int(lines[-1]) + 1], form)


def _joined(parts: Sequence[Found]) -> Found:
    columns: Any = zip(*parts, strict=True)
    return Found(*(np.concatenate(column) for column in columns))


def _hits(own: Tokens, index: Index) -> tuple[I64, I64]:
    """Token and gram of every hit, by token."""
    counts = own.counts
    at: list[I64] = [np.empty(0, np.int64)]
    gram: list[I64] = [np.empty(0, np.int64)]
    for size, hashes in grams(own, index.lengths):
        place = np.flatnonzero(index.bloom[_bloom_place(hashes)] & fits(own, size))
        number = np.searchsorted(index.keys, hashes[place])
        known = index.keys[np.minimum(number, len(index.keys) - 1)] == hashes[place]
        place, number = place[known], number[known]
        row = np.searchsorted(own.offsets, place, side="right") - 1
        allowed = ~index.whole_only[number] | (counts[row] == size)
        at.append(place[allowed])
        gram.append(number[allowed])
    places, numbers = np.concatenate(at), np.concatenate(gram)
    order = np.argsort(places, kind="stable")
    return places[order], numbers[order]


def _scan(own: Tokens, rule: Rule, index: Index) -> Scan:
    """`scan` of texts whose tokens are cut."""
    place, gram = _hits(own, index)
    row = np.searchsorted(own.offsets, place, side="right") - 1
    hits = np.bincount(
        np.searchsorted(own.offsets, np.unique(place), side="right") - 1, minlength=len(own.counts)
    )
    n_items, n_keys = max(len(index.n_grams), 1), max(len(index.keys), 1)
    row_gram = np.unique(row * n_keys + gram)
    rows, numbers = np.divmod(row_gram, n_keys)
    row_ngrams = distinct(own, np.unique(rows), rule.ngram)
    best: list[Found] = []
    size = index.of[numbers + 1] - index.of[numbers]
    for part in _slices(rows, size):
        expanded = _expand(index.of[numbers[part]], size[part])
        pair = np.repeat(rows[part], size[part]) * n_items + index.postings[expanded]
        pairs, shared = np.unique(pair, return_counts=True)
        best.append(_best(np.divmod(pairs, n_items), shared, row_gram, row_ngrams, rule, index))
    found = _joined(best) if best else _NOTHING
    return Scan(own.counts, hits, _with_row_spans(found, place, gram, row, own, index))


def _slices(rows: I64, size: I64) -> Iterator[slice]:
    """Slices of whole rows, whose sizes sum to about BATCH_PAIRS."""
    if not len(rows):
        return
    first_of_row = np.flatnonzero(np.diff(rows, prepend=-1))
    before = np.cumsum(size) - size
    batch = before[first_of_row] // BATCH_PAIRS
    starts = first_of_row[np.flatnonzero(np.diff(batch, prepend=-1))].tolist()
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        yield slice(start, end)


def _expand(first: I64, size: I64) -> I64:
    """first[0], first[0] + 1, ... size[0] of them, then those of first[1], ..."""
    before = np.cumsum(size) - size
    return np.asarray(np.repeat(first - before, size) + np.arange(int(size.sum())))


def _by_text(own: Tokens, ngram: int) -> U64:
    """Every n-gram of every text, in order: its text in the first bits, then as much of its hash as fits."""
    bits = len(own.counts).bit_length()
    [(_, hashes)] = grams(own, (ngram,))
    text = np.repeat(np.arange(len(own.counts), dtype=np.uint64), own.counts)
    keys = (text << np.uint64(64 - bits)) | (hashes >> np.uint64(bits))
    return np.asarray(keys[fits(own, ngram)])


def _count_distinct(keys: U64, counts: I64) -> I64:
    """Distinct n-grams of each text, from `_by_text`, ascending; a text that is too short is one n-gram."""
    new = np.ones(len(keys), dtype=np.bool_)
    new[1:] = keys[1:] != keys[:-1]
    text = (keys[new] >> np.uint64(64 - len(counts).bit_length())).astype(np.int64)
    return np.maximum(np.bincount(text, minlength=len(counts)), counts > 0)


def distinct(own: Tokens, rows: I64, ngram: int) -> I64:
    """By text, 0 for those not among `rows`: its distinct n-grams; a shorter one is one n-gram, its whole."""
    counts = own.counts
    found = np.zeros(len(counts), dtype=np.int64)
    if len(rows):
        of_rows = _expand(own.offsets[rows], counts[rows])
        mine = Tokens(np.concatenate([[0], np.cumsum(counts[rows])]), own.hash[of_rows])
        found[rows] = _count_distinct(np.sort(_by_text(mine, ngram)), mine.counts)
    return found


class Extent(NamedTuple):
    """Of each item: how far what is shared reaches."""

    covered: I64
    """Tokens that shared grams cover."""
    longest_run: I64
    """Tokens of the longest stretch every gram of which is shared."""
    first: I64
    end: I64


def extent(shared: Bools, sizes: I64, gram_tokens: I64) -> Extent:
    """What shared grams cover of items; `shared`: for every gram of every item, in order, `sizes` of each.

    >>> marks = np.array([True, True, False, False, True, False])
    >>> one = extent(marks, np.array([6]), np.array([3]))
    >>> [int(column[0]) for column in one]
    [7, 4, 0, 7]
    """
    which = np.repeat(np.arange(len(sizes)), sizes)
    place = np.flatnonzero(shared)
    item = which[place]
    n = gram_tokens[item]
    same = np.zeros(len(place), dtype=np.bool_)
    same[1:] = item[1:] == item[:-1]
    step = np.diff(place, append=0)
    following = np.zeros(len(place), dtype=np.bool_)
    following[:-1] = same[1:]
    covered = np.bincount(item, np.where(following, np.minimum(step, n), n), len(sizes)).astype(np.int64)
    begins = np.flatnonzero(~(same & (np.diff(place, prepend=-2) == 1)))
    run = np.diff(begins, append=len(place)) + n[begins] - 1
    longest = np.zeros(len(sizes), dtype=np.int64)
    np.maximum.at(longest, item[begins], run)
    start = np.cumsum(sizes) - sizes
    first, end = np.zeros(len(sizes), dtype=np.int64), np.zeros(len(sizes), dtype=np.int64)
    heads, tails = np.flatnonzero(~same), np.flatnonzero(~following)
    first[item[heads]] = place[heads] - start[item[heads]]
    end[item[tails]] = place[tails] - start[item[tails]] + n[tails]
    return Extent(covered, longest, first, end)


def _extent(row: I64, item: I64, row_gram: I64, index: Index) -> Extent:
    """How far the shared grams reach in the items, pair by pair."""
    sizes = index.grams_of[item + 1] - index.grams_of[item]
    if int(sizes.sum()) > BATCH_PAIRS and len(row) > 1:
        half = len(row) // 2
        parts: Any = zip(
            _extent(row[:half], item[:half], row_gram, index),
            _extent(row[half:], item[half:], row_gram, index),
            strict=True,
        )
        return Extent(*(np.concatenate(columns) for columns in parts))
    gram = index.item_grams[_expand(index.grams_of[item], sizes)]
    wanted = np.repeat(row, sizes) * max(len(index.keys), 1) + gram
    at = np.minimum(np.searchsorted(row_gram, wanted), len(row_gram) - 1)
    return extent((row_gram[at] == wanted) & (gram >= 0), sizes, index.gram_tokens[item])


def _best(
    pairs: tuple[I64, I64], shared: I64, row_gram: I64, row_ngrams: I64, rule: Rule, index: Index
) -> Found:
    """Of each row the best item, its spans in the row left out."""
    row, item = pairs
    score = shared / index.n_grams[item]
    if rule.rank == "overlap":
        score = shared / np.minimum(index.n_grams[item], row_ngrams[row])
    elif rule.rank == "coverage":
        score = _extent(row, item, row_gram, index).covered / index.tokens.counts[item]
    order = np.lexsort((item, -shared, -score, row))
    order = order[np.flatnonzero(np.diff(row[order], prepend=-1))]
    row, item, shared = row[order], item[order], shared[order]
    reach = _extent(row, item, row_gram, index)
    none = np.zeros(len(row), dtype=np.int64)
    return Found(
        row,
        item,
        shared,
        row_ngrams[row],
        reach.covered / index.tokens.counts[item],
        reach.longest_run,
        none,
        none,
        reach.first,
        reach.end,
    )


def _with_row_spans(found: Found, place: I64, gram: I64, row: I64, own: Tokens, index: Index) -> Found:
    """The same with the first and last token of the row that a gram of its item covers."""
    if not len(found.row):
        return found
    n_items = max(len(index.n_grams), 1)
    item_of = np.full(len(own.counts), -1)
    item_of[found.row] = found.item
    known = np.repeat(np.arange(len(index.keys)), np.diff(index.of)) * n_items + index.postings
    wanted = gram * n_items + item_of[row]
    at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    mine = np.flatnonzero(known[at] == wanted)
    rows, first = np.unique(row[mine], return_index=True)
    last = np.append(first[1:], len(mine)) - 1
    assert (rows == found.row).all(), "the best item of a row has a hit in it"
    begin = place[mine[first]] - own.offsets[rows]
    end = place[mine[last]] - own.offsets[rows] + index.gram_tokens[found.item]
    return found._replace(row_first=begin, row_end=end)
