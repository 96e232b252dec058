"""The benchmark item a text is most alike, by a measure of strings.

Texts become strings of one character a unit: of the normal form itself where the unit is a character, else of
numbers that stand for tokens. A token that no item has is the one number that none of them has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import LCSseq

from curate.benchmarks.item_file import read_item_file
from curate.benchmarks.normal_forms import Form, Tokens, normalize, tokens
from curate.benchmarks.shared_ngrams import fits, grams
from curate.errors import InputError
from curate.kernels.text import I64, U64

Measure = Literal["indel", "partial", "lcs", "run", "blocks", "equal"]

MAX_TOKENS = 0x10FFFF - 0x800
"""Distinct tokens that have a character of their own; the surrogates have none."""
ROWS_AT_ONCE = 64


class Setting(NamedTuple):
    """What to measure, of what, and what is too little to be told."""

    by: Measure
    form: Form
    min_similarity: float
    min_shared: int
    min_block: int
    """Units of the shortest block that counts."""
    min_run: int | None
    """Only items of which the text has so many units of `run_form` in a row count; None: all."""
    run_form: Form


class Match(NamedTuple):
    """The item that a text is most alike."""

    item: int
    similarity: float
    shared: int | None
    row_units: tuple[int, int]
    """Units of the text from the first to the last one in common, half open."""
    item_units: tuple[int, int]


class Matches(NamedTuple):
    """What was found for each text."""

    matches: list[Match | None]
    row_units: list[int]
    item_units: list[int]
    """By item."""


class Strings(NamedTuple):
    """The items as strings of units."""

    strings: list[str]
    vocabulary: U64
    """Hashes of the tokens, ascending; empty where units are characters."""


@lru_cache(maxsize=8)
def units_of(items: Path, form: Form) -> Strings:
    """The items of a file as strings, made once a process: a file of this name never changes."""
    texts = read_item_file(items).texts
    if form.unit == "characters":
        return Strings([normalize(text or "", form.steps) for text in texts], np.empty(0, np.uint64))
    found = tokens(texts, form)
    vocabulary = np.unique(found.hash)
    if len(vocabulary) > MAX_TOKENS - 1:
        raise InputError(
            f"string-similarity: expected at most {MAX_TOKENS - 1:,} distinct tokens in all items, found "
            f"{len(vocabulary):,}. Compare with fewer benchmarks at once."
        )
    return Strings(_strings(found, vocabulary), vocabulary)


def _strings(found: Tokens, vocabulary: U64) -> list[str]:
    """Texts as strings of a character a token: that of its place in the vocabulary, or the one after all."""
    number = np.searchsorted(vocabulary, found.hash)
    known = np.append(vocabulary, np.uint64(0))[number] == found.hash
    code = np.where(known & (number < len(vocabulary)), number, len(vocabulary))
    code = np.where(code >= 0xD800, code + 0x800, code).astype("<u4")
    joined = code.tobytes().decode("utf-32-le")
    bounds = found.offsets.tolist()
    return [joined[start:end] for start, end in pairwise(bounds)]


def best_matches(texts: Sequence[str | None], items: Path, asked: Setting) -> Matches:
    """The most alike item of each text; None where none is as alike as asked for."""
    known = units_of(items, asked.form)
    if asked.form.unit == "characters":
        rows = [normalize(text or "", asked.form.steps) for text in texts]
    else:
        rows = _strings(tokens(texts, asked.form), known.vocabulary)
    if asked.by == "equal":
        found = _equal(rows, known.strings)
    elif asked.min_run is not None:
        candidates = _sharing(tokens(texts, asked.run_form), _runs(items, asked.run_form, asked.min_run))
        found = _among(candidates, rows, known.strings, asked)
    else:
        found = _among_all(rows, known.strings, asked)
    return Matches(found, [len(row) for row in rows], [len(item) for item in known.strings])


def _equal(rows: list[str], items: list[str]) -> list[Match | None]:
    first = {item: number for number, item in reversed(list(enumerate(items))) if item}
    found: list[Match | None] = []
    for row in rows:
        number = first.get(row)
        whole = (0, len(row))
        found.append(None if number is None else Match(number, 1.0, len(row), whole, whole))
    return found


def _among_all(rows: list[str], items: list[str], asked: Setting) -> list[Match | None]:
    """By indel, partial or lcs, of every item whose length allows the similarity asked for."""
    lengths = np.array([len(item) for item in items], dtype=np.int64)
    by_length = np.argsort(lengths, kind="stable")
    by_length = by_length[np.searchsorted(lengths[by_length], 1) :]
    ordered, sizes = [items[i] for i in by_length], lengths[by_length]
    found: list[Match | None] = [None] * len(rows)
    order = sorted((i for i, row in enumerate(rows) if row), key=lambda i: len(rows[i]))
    for start in range(0, len(order), ROWS_AT_ONCE):
        chosen = order[start : start + ROWS_AT_ONCE]
        low, high = 0, len(ordered)
        if asked.by == "indel" and asked.min_similarity > 0:
            # of lengths a <= b the similarity is at most 2a / (a + b)
            factor = asked.min_similarity / (2 - asked.min_similarity)
            low = int(np.searchsorted(sizes, len(rows[chosen[0]]) * factor - 1))
            high = int(np.searchsorted(sizes, len(rows[chosen[-1]]) / factor + 1, side="right"))
        if low == high:
            continue
        scores = _scores([rows[i] for i in chosen], ordered[low:high], sizes[low:high], asked)
        best = scores.max(axis=1)
        for line, i in enumerate(chosen):
            if best[line] > 0 and best[line] >= asked.min_similarity:
                number = int(by_length[low:high][scores[line] == best[line]].min())
                found[i] = _told(rows[i], items[number], number, float(best[line]), asked)
    return found


def _scores(rows: list[str], items: list[str], sizes: I64, asked: Setting) -> np.ndarray:
    """Similarity of every row and item; 0 where it is too small to be told."""
    if asked.by == "lcs":
        shared = process.cdist(rows, items, scorer=LCSseq.similarity, dtype=np.float64)
        shorter = np.minimum(np.array([len(row) for row in rows])[:, None], sizes[None, :])
        return np.where(shared >= asked.min_shared, shared / shorter, 0.0)
    scorer = fuzz.ratio if asked.by == "indel" else fuzz.partial_ratio
    cutoff = 100 * asked.min_similarity
    found = process.cdist(rows, items, scorer=scorer, score_cutoff=cutoff, dtype=np.float64) / 100
    if asked.by == "indel" and asked.min_shared:
        both = np.array([len(row) for row in rows])[:, None] + sizes[None, :]
        found[found * both / 2 < asked.min_shared - 0.5] = 0.0
    return np.asarray(found)


def _told(row: str, item: str, number: int, similarity: float, asked: Setting) -> Match:
    if asked.by == "partial":
        part = fuzz.partial_ratio_alignment(row, item)
        assert part is not None
        return Match(
            number, similarity, None, (part.src_start, part.src_end), (part.dest_start, part.dest_end)
        )
    shared = LCSseq.similarity(row, item)
    return Match(number, similarity, shared, (0, len(row)), (0, len(item)))


def _among(
    candidates: list[list[int]], rows: list[str], items: list[str], asked: Setting
) -> list[Match | None]:
    """By any measure, of the items that are named for each row."""
    found: list[Match | None] = []
    for row, numbers in zip(rows, candidates, strict=True):
        best: Match | None = None
        for number in numbers:
            match = _MEASURES[asked.by](row, items[number], asked.min_block)._replace(item=number)
            enough = match.shared is None or match.shared >= asked.min_shared
            if enough and match.similarity >= asked.min_similarity and match.similarity > 0:
                best = match if best is None or match.similarity > best.similarity else best
        found.append(best)
    return found


class _Runs(NamedTuple):
    """Every run of `size` tokens of the items: its hash, ascending, and its item."""

    size: int
    keys: U64
    items: I64


@lru_cache(maxsize=8)
def _runs(path: Path, run_form: Form, size: int) -> _Runs:
    own = tokens(read_item_file(path).texts, run_form)
    [(_, keys)] = grams(own, (size,))
    fit = fits(own, size)
    item = np.repeat(np.arange(len(own.counts)), own.counts)[fit]
    order = np.argsort(keys[fit], kind="stable")
    return _Runs(size, keys[fit][order], item[order])


def _sharing(rows: Tokens, known: _Runs) -> list[list[int]]:
    """For each row the items, ascending, of which it has a run."""
    [(_, wanted)] = grams(rows, (known.size,))
    fit = fits(rows, known.size)
    row = np.repeat(np.arange(len(rows.counts)), rows.counts)[fit]
    first, last = (np.searchsorted(known.keys, wanted[fit], side=side) for side in ("left", "right"))
    found: list[set[int]] = [set() for _ in rows.counts]
    for place in np.flatnonzero(last > first).tolist():
        found[row[place]].update(known.items[first[place] : last[place]].tolist())
    return [sorted(numbers) for numbers in found]


def _run(row: str, item: str, _: int) -> Match:
    block = SequenceMatcher(None, row, item, autojunk=False).find_longest_match()
    spans = (block.a, block.a + block.size), (block.b, block.b + block.size)
    return Match(0, block.size / len(item), block.size, *spans)


def _blocks(row: str, item: str, size: int) -> Match:
    found = SequenceMatcher(None, row, item, autojunk=False).get_matching_blocks()
    blocks = [block for block in found if block.size >= size]
    if not blocks:
        return Match(0, 0.0, 0, (0, 0), (0, 0))
    shared = sum(block.size for block in blocks)
    first, last = blocks[0], blocks[-1]
    spans = (first.a, last.a + last.size), (first.b, last.b + last.size)
    return Match(0, shared / len(item), shared, *spans)


def _lcs(row: str, item: str, _: int) -> Match:
    shared = LCSseq.similarity(row, item)
    return Match(0, shared / min(len(row), len(item)), shared, (0, len(row)), (0, len(item)))


def _indel(row: str, item: str, _: int) -> Match:
    similarity = fuzz.ratio(row, item) / 100
    return Match(0, similarity, LCSseq.similarity(row, item), (0, len(row)), (0, len(item)))


def _partial(row: str, item: str, _: int) -> Match:
    part = fuzz.partial_ratio_alignment(row, item)
    assert part is not None
    spans = (part.src_start, part.src_end), (part.dest_start, part.dest_end)
    return Match(0, part.score / 100, None, *spans)


_MEASURES: dict[str, Callable[[str, str, int], Match]] = {
    "run": _run,
    "blocks": _blocks,
    "lcs": _lcs,
    "indel": _indel,
    "partial": _partial,
}
