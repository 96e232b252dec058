"""Which benchmark item each text of a column is, and how it was told: three ways, the nearest class counts.

Words: items of whose words a window of the text has a large share are laid beside it (`alignment`).
Formulas: most of the formulas of an item, in order, are the item in other words, or in another language.
Fingerprints: where the text of a benchmark is not at hand, n-grams of ten words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curate.benchmarks.alignment import KINDS, Kind, alignments
from curate.benchmarks.background import background
from curate.benchmarks.item_file import ItemTexts, map_item_file, write_item_file
from curate.benchmarks.items import Items
from curate.benchmarks.protect import Protected
from curate.benchmarks.protection import parts_of
from curate.kernels.item_align import content_shared, without_drawings
from curate.kernels.item_index import CANDIDATE, I64, TOKENIZER, candidates, open_item_index, write_item_index
from curate.kernels.native import Texts
from curate.kernels.ngram_index import Index, Item, Tokenizer, open_index, scan, spans, write_index
from curate.kernels.text import text_hash128, token_counts, token_spans

Part = Literal["problem", "solution"]
Pair = tuple[int, int]

CANDIDATES = 4
"""Items of a text that are laid beside it."""
SHARE = 0.42
"""Least share of an item that makes it a candidate."""
NGRAM = 10
"""Words in an n-gram of a fingerprint."""
FINGERPRINT_NEAR = 0.5
"""Least part of an item's n-grams that a near copy has, where nothing else is at hand."""
SOLUTION_TOKENS = 15
"""A solution of fewer tokens is an answer, which any response may have, and is not compared."""
SAME_LANGUAGE = 0.3
"""Part of an item's content words from which a text is in its language: words could have found it."""
ENGLISH = re.compile(r"(?<!\\)\b(?:the|of|is|are|and|in|to|for|that|if)\b", re.IGNORECASE)
WORD = re.compile(r"[\u2e80-\u9fff]|(?<![\\\w])[^\W\d_]{2,}")
DRAWING = re.compile(
    r"(?s)\[asy\].*?\[/asy\]|\\begin\{asy\}.*?\\end\{asy\}|\\begin\{tikzpicture\}.*?\\end\{tikzpicture\}"
)
ENGLISH_PART = 12
"""One of so many words of an English text, mathematics in LaTeX among them, is one of `ENGLISH`, at least."""
DRAWN_TOKENS = 10_000
"""A text with drawings of so many tokens, at most, is looked at without them."""
LONGER = 4
"""What has the formulas of an item is at most so many times as long, to be laid beside it."""
FORMULA_NGRAM, FORMULA_TOKENS, FORMULA_PART = 6, 16, 0.55
"""An item of so many signs, digits and letters is found by n-grams of them, where a text has such a part."""


class State(NamedTuple):
    """Paths of what the workers map into memory; None where no benchmark needs it."""

    items: str | None
    formulas: str | None
    fingerprints: str | None


class Match(NamedTuple):
    """What is told of one text: the item it is nearest to."""

    benchmark: str
    item: str
    kind: Kind
    why: str
    status: Literal["ok", "fingerprint"] = "ok"
    alignment: float | None = None
    share: float | None = None
    containment: float | None = None
    """Part of the item's n-grams that the text has, where these decided."""
    numbers_agree: bool | None = None
    hits: int = 0
    """Items that were laid beside the text."""
    row_span: Pair | None = None
    """Characters of the text, half open."""
    item_span: Pair | None = None


class Matches(NamedTuple):
    """What is told of a column of texts."""

    n_tokens: npt.NDArray[np.uint32]
    of: dict[int, Match]
    """By the number of the text; none for a text without a candidate."""


class _Found(NamedTuple):
    """A match whose places are still tokens."""

    match: Match
    number: int
    """Of the item, among those of its index."""
    tokenizer: Tokenizer
    row: Pair
    item: Pair


class IndexedItems:
    """The items whose text is at hand."""

    def __init__(self, path: Path) -> None:
        self.benchmarks, self.ids, self.originals = map_item_file(path)
        self.texts = Texts(self.originals)
        self.index = open_item_index(path.with_suffix(".words"))
        whole = np.flatnonzero(self.index.total == 0)
        hashes = text_hash128(self.originals.take(pa.array(whole)), TOKENIZER)
        self.plain = {
            tuple(pair): int(item)
            for pair, item, size in zip(hashes.hash.tolist(), whole, hashes.size, strict=True)
            if size
        }
        """Items without a rare word, by the hash of their tokens: found where a text is one of them."""
        self.plain_sizes = np.unique(hashes.size[hashes.size > 0])

    def named(self, items: list[int]) -> list[tuple[str, str]]:
        """The benchmark and the id of each item."""
        chosen = pa.array(items, pa.int64())
        return list(
            zip(self.benchmarks.take(chosen).to_pylist(), self.ids.take(chosen).to_pylist(), strict=True)
        )


@lru_cache(maxsize=2)
def open_items(path: Path) -> IndexedItems:
    """The items at `path`, opened once per process: a file of this name never changes."""
    return IndexedItems(path)


def write_state(against: Sequence[Protected], part: Part, folder: Path) -> State:
    """Write what the workers need of the benchmarks into `folder`; the same benchmarks give the same bytes.

    part: what of the items is compared, their problems or their solutions. Fingerprints have problems only.
    """
    told = [one.items() for one in against if one.text is not None]
    marked = [one for one in against if one.text is None] if part == "problem" else []
    names = [found.name for found in told for _ in found.ids]
    ids = [item for found in told for item in found.ids]
    texts = [text for found in told for text in (found.texts if part == "problem" else solutions_of(found))]
    folder.mkdir(parents=True, exist_ok=True)
    items = formulas = None
    if any(texts):
        items = write_item_file(ItemTexts(names, ids, texts), folder)
        plain = without_drawings(pa.array(texts, pa.large_string()))
        write_item_index(Texts(plain), background(), SHARE, items.with_suffix(".words"))
        named = [Item(*one) for one in zip(names, ids, plain.to_pylist(), strict=True)]
        formulas = write_index(named, FORMULA_NGRAM, "formulas", folder)
    prints = write_index(parts_of(marked, NGRAM, "words"), NGRAM, "words", folder) if marked else None
    return State(*(str(path) if path else None for path in (items, formulas, prints)))


def solutions_of(items: Items) -> list[str | None]:
    """The solutions that responses are compared with; null where there is none."""
    sizes = token_counts(pa.array(items.solutions, pa.large_string()), TOKENIZER).tolist()
    return [
        text if size >= SOLUTION_TOKENS else None for text, size in zip(items.solutions, sizes, strict=True)
    ]


def match(column: pa.Array, state: State) -> Matches:
    """The item that each text is nearest to."""
    texts = Texts(column)
    n_tokens = np.zeros(texts.size, dtype=np.uint32)
    found: dict[int, _Found] = {}

    def take(more: Iterable[tuple[int, _Found]]) -> None:
        for line, one in more:
            if line not in found or _better(one.match, found[line].match):
                found[line] = one

    items = open_items(Path(state.items)) if state.items is not None else None
    formulas: Index | None = None
    read: dict[Tokenizer, tuple[Texts, pa.Array]] = {"words": (texts, column), TOKENIZER: (texts, column)}
    if items is not None:
        best, n_tokens = candidates(texts, items.index, CANDIDATES)
        blanked = without_drawings(column)
        best = _around_drawings(best, column, blanked, items, n_tokens)
        take(_by_words(texts, items, best))
        take(_whole(texts, items, n_tokens))
        if state.formulas is not None:
            formulas = open_index(Path(state.formulas))
            read["formulas"] = Texts(blanked), blanked
            take(_by_formulas(read["formulas"][0], items, formulas, best, found))
    if state.fingerprints is not None:
        index = open_index(Path(state.fingerprints))
        result = scan(texts, index)
        n_tokens = np.maximum(n_tokens, result["n_tokens"])
        take(_by_fingerprints(index, result))
    if items is None and state.fingerprints is None:
        n_tokens = token_counts(texts, TOKENIZER).astype(np.uint32)
    return Matches(n_tokens, _placed(found, read, items, formulas))


def _better(one: Match, other: Match) -> bool:
    return KINDS.index(one.kind) < KINDS.index(other.kind)


def _around_drawings(
    best: npt.NDArray[np.void],
    column: pa.Array,
    blanked: pa.Array,
    items: IndexedItems,
    n_tokens: npt.NDArray[np.uint32],
) -> npt.NDArray[np.void]:
    """The candidates, and those that texts have without their drawings, which may part an item in two."""
    drawn = np.flatnonzero(
        np.asarray(pc.fill_null(pc.not_equal(Texts(column, composed=False).array, blanked), False))
        & (n_tokens <= DRAWN_TOKENS)
    )
    if not len(drawn):
        return best
    more, _ = candidates(Texts(blanked.take(pa.array(drawn))), items.index, CANDIDATES)
    both = np.full((len(best), 2 * CANDIDATES), np.array((-1, 0, 0, 0), dtype=CANDIDATE))
    both[:, :CANDIDATES] = best
    for line, found in zip(drawn.tolist(), more, strict=True):
        known = best["item"][line]
        others = found[(found["item"] >= 0) & ~np.isin(found["item"], known)]
        others["first"], others["end"] = 0, n_tokens[line]
        start = int((known >= 0).sum())
        both[line, start : start + len(others)] = others
    return both


def _by_words(texts: Texts, items: IndexedItems, best: npt.NDArray[np.void]) -> Iterator[tuple[int, _Found]]:
    """Of every text the nearest of its candidates."""
    aligned = alignments(texts, items.texts, best)
    for one, names in zip(aligned, items.named([one.item for one in aligned]), strict=True):
        told = Match(
            *names, one.kind, one.why, "ok", one.alignment, one.share,
            numbers_agree=one.numbers_agree, hits=one.hits,
        )  # fmt: skip
        yield one.line, _Found(told, one.item, TOKENIZER, one.row_tokens, one.item_tokens)


def _whole(
    texts: Texts, items: IndexedItems, n_tokens: npt.NDArray[np.uint32]
) -> Iterator[tuple[int, _Found]]:
    """Texts that are an item without a rare word, and nothing else."""
    lines = np.flatnonzero(np.isin(n_tokens, items.plain_sizes))
    hashes = text_hash128(texts.array.take(pa.array(lines)), TOKENIZER).hash
    for line, pair in zip(lines.tolist(), hashes.tolist(), strict=True):
        item = items.plain.get(tuple(pair))
        if item is not None:
            span = 0, int(n_tokens[line])
            [names] = items.named([item])
            told = Match(*names, "verbatim", "all words, in order", "ok", 1.0, 1.0, hits=1)
            yield line, _Found(told, item, TOKENIZER, span, span)


def _by_formulas(
    texts: Texts, items: IndexedItems, index: Index, best: npt.NDArray[np.void], found: dict[int, _Found]
) -> Iterator[tuple[int, _Found]]:
    """Texts that have the formulas of an item in order, in a language in which it was not found.

    texts: without their drawings, whose labels and coordinates are in the order of many items' formulas.
    """
    result = scan(texts, index)
    item_of = np.maximum(result["item"], 0)
    part = result["shared"] / np.maximum(1, index.n_ngrams[item_of])
    enough = (result["item"] >= 0) & (index.n_tokens[item_of] >= FORMULA_TOKENS) & (part >= FORMULA_PART)
    lines = np.flatnonzero(enough)
    beside = (best["item"][lines] == item_of[lines, None]).any(axis=1)
    judged = beside & np.isin(lines, np.fromiter(found, np.int64, len(found)))  # by their words
    lines = lines[~judged]
    which = item_of[lines].astype(np.int64)
    shared = content_shared(texts, items.texts, background(), lines, which)
    same_language = shared >= SAME_LANGUAGE
    for at in np.flatnonzero(~same_language).tolist():
        row, item_text = texts.array[int(lines[at])].as_py(), items.originals[int(which[at])].as_py()
        same_language[at] = _in_english(row) and _in_english(item_text)
    yield from _laid_beside(texts, items, result, lines[same_language], which[same_language])
    for line in lines[~same_language].tolist():
        item = int(item_of[line])
        why = f"{part[line]:.0%} of the formulas, in other words"
        hits = found[line].match.hits if line in found else 0
        [names] = items.named([item])
        told = Match(*names, "reworded", why, containment=float(part[line]), hits=hits)
        row, of_item = _places(result[line])
        yield line, _Found(told, item, "formulas", row, of_item)


def _laid_beside(
    texts: Texts, items: IndexedItems, result: npt.NDArray[np.void], lines: I64, which: I64
) -> Iterator[tuple[int, _Found]]:
    """Texts that have the formulas of items `which` in the same language: copies, variants."""
    chosen, own = Texts(texts.array.take(pa.array(lines))), items.texts.array.take(pa.array(which))
    sizes = token_counts(own, TOKENIZER)
    words = token_spans(chosen, TOKENIZER)
    places = _spans(
        chosen, chosen.array, "formulas", list(range(len(lines))), [_places(hit)[0] for hit in result[lines]]
    )
    windows = np.zeros((len(lines), 1), dtype=CANDIDATE)
    windows["item"] = -1
    for at, (place, item, size) in enumerate(zip(places, which.tolist(), sizes.tolist(), strict=True)):
        row = chosen.array[at].as_py()
        begins = words.begin[words.offsets[at] : words.offsets[at + 1]]
        begin, end = (int(np.searchsorted(begins, len(row[:character].encode()))) for character in place)
        if end - begin <= LONGER * size:
            windows[at, 0] = (item, 0, max(0, begin - size), min(len(begins), end + size))
    for one, found in _by_words(chosen, items, windows):
        if KINDS.index(found.match.kind) <= KINDS.index("variant"):
            yield int(lines[one]), found


def _in_english(text: str) -> bool:
    """Whether words of English that any text has are as many as English has them, drawings left out."""
    text = DRAWING.sub(" ", text)
    return ENGLISH_PART * len(ENGLISH.findall(text)) >= len(WORD.findall(text)) > 0


def _by_fingerprints(index: Index, result: npt.NDArray[np.void]) -> Iterator[tuple[int, _Found]]:
    for line in np.flatnonzero(result["item"] >= 0).tolist():
        item = int(result["item"][line])
        part = int(result["shared"][line]) / int(index.n_ngrams[item])
        kind: Kind = "verbatim" if part == 1.0 else "near" if part >= FINGERPRINT_NEAR else "none"
        benchmark, name = index.benchmarks[item].as_py(), index.ids[item].as_py()
        set_name = benchmark.partition("@")[0]
        why = f"{part:.0%} of its {NGRAM}-grams; curate benchmarks pull {set_name} tells more"
        row, of_item = _places(result[line])
        told = Match(benchmark, name, kind, why, "fingerprint", containment=part)
        yield line, _Found(told, item, "words", row, of_item)


def _places(hit: np.void) -> tuple[Pair, Pair]:
    return (int(hit["row_first"]), int(hit["row_end"])), (int(hit["item_first"]), int(hit["item_end"]))


def _placed(
    found: dict[int, _Found],
    texts: dict[Tokenizer, tuple[Texts, pa.Array]],
    items: IndexedItems | None,
    formulas: Index | None,
) -> dict[int, Match]:
    """The matches with their places in characters; texts: as each tokenizer read them, and before NFKC."""
    spans_of: list[dict[int, Pair]] = [{}, {}]  # of the row, of the item
    for tokenizer in sorted({one.tokenizer for one in found.values()}):
        lines = [line for line, one in found.items() if one.tokenizer == tokenizer]
        rows = [found[line].row for line in lines]
        spans_of[0] |= zip(lines, _spans(*texts[tokenizer], tokenizer, lines, rows), strict=True)
        told = [line for line in lines if found[line].match.status == "ok"]
        if items is None or not told:
            continue
        numbers, tokens = [found[line].number for line in told], [found[line].item for line in told]
        of_items = (items.texts, items.originals)
        if tokenizer == "formulas" and formulas is not None:  # without drawings, each character in its place
            of_items = (formulas.item_texts, formulas.texts)
        spans_of[1] |= zip(told, _spans(*of_items, tokenizer, numbers, tokens), strict=True)
    return {
        line: one.match._replace(row_span=spans_of[0][line], item_span=spans_of[1].get(line))
        for line, one in sorted(found.items())
    }


def _spans(
    texts: Texts, originals: pa.Array, tokenizer: Tokenizer, which: list[int], tokens: list[Pair]
) -> list[Pair]:
    """The characters that tokens of texts cover."""
    bounds = np.array(tokens, dtype=np.int64).reshape(-1, 2)
    chosen = np.array(which, dtype=np.int64)
    begin, end = spans(texts, originals, tokenizer, chosen, bounds[:, 0], bounds[:, 1])
    return list(zip(begin.tolist(), end.tolist(), strict=True))
