"""The n-gram index of benchmark items, one file that every worker maps into memory.

A *gram* is a distinct n-gram of tokens in the index. An item of fewer than n tokens has no n-gram: its
whole token sequence is its one gram. From four tokens on it is found anywhere in a text; shorter ones
("prove that") only where they are the whole text.

Items come as text, or as the hashes of their grams alone (`Grams`, see `curate.benchmarks.fingerprint`), that
are cut to `SHORT_KEY` bits. An index that holds one of these compares all hashes in so many bits; an index of
texts compares all 64. A hash that is cut meets another one with probability 2**-48.

Layout of the file, little-endian: magic (8 bytes), length of the header (uint64), header (JSON: n,
tokenizer, Unicode version, and for every section its name, dtype, first byte and number of values),
sections at multiples of 64 bytes. Its bytes depend on nothing but the items, n and the tokenizer.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from curate.errors import RunError
from curate.kernels.native import Texts, call, nfkc, unicode_version

MAGIC = b"curateG2"
"""G2: the tokenizer `math` reads LaTeX commands as what they print; hashes that do not give the text away."""
WHOLE_KEY = 2**64 - 1
SHORT_KEY = 2**48 - 1
"""The bits of a hash that a fingerprint keeps."""
ALIGNMENT = 64
ANYWHERE = 4
"""Tokens from which on an item of fewer than n tokens is found anywhere; as kAnywhere in the kernel."""
STOCK = 64
"""A gram in more items than this is a stock phrase; as kStock in the kernel."""
MAX_NGRAM = 63
"""Lengths of short items are kept as the bits of one word."""

Tokenizer = Literal["words", "math", "formulas"]
"""As `curate.kernels.text` has them; `formulas` keeps of `math` what is the same in any language: digits,
signs and single letters."""
TOKENIZERS: dict[Tokenizer, int] = {"words": 0, "math": 1, "formulas": 2}

Array = npt.NDArray[Any]

RESULT = np.dtype(
    [
        ("n_tokens", np.uint32),
        ("hits", np.uint32),  # positions of the text at which a gram of the index begins
        ("item", np.int32),  # the item of which the text has the largest part; -1: none
        ("shared", np.uint32),  # distinct grams of that item that the text has
        ("row_first", np.uint32),  # tokens of the text from the first to the last of these, half open
        ("row_end", np.uint32),
        ("item_first", np.uint32),  # the same in the item
        ("item_end", np.uint32),
    ]
)
"""struct Result of native/ngram_index.cpp."""


class Item(NamedTuple):
    """One benchmark item, to be indexed."""

    benchmark: str
    id: str
    text: str | None


class Grams(NamedTuple):
    """The n-grams of a set of items, without their text."""

    hashes: Array
    """uint64, not 0: every gram of every item, in the order of the items and of their tokens."""
    of: Array
    """uint64, one more than items: where the grams of each begin."""
    n_tokens: Array
    """uint32, by item."""
    starts: Array
    """uint64, not 0: hash of the first ANYWHERE tokens of every item that has these and fewer than n."""


class Part(NamedTuple):
    """Items of one benchmark, to be indexed: their texts, or where these are not known their grams."""

    benchmark: str
    ids: list[str]
    texts: list[str | None] | None
    grams: Grams | None = None


class Index:
    """An index file, mapped; read-only and safe to share between threads.

    Items are numbered 0, 1, ... in the order they were given.
    """

    def __init__(self, path: Path) -> None:
        header, sections = _read(path)
        self.ngram: int = header["ngram"]
        self.tokenizer: Tokenizer = header["tokenizer"]
        self.key_mask: int = header["key-mask"]
        self.sections = sections
        self.n_tokens: Array = sections["item_tokens"]
        self.n_ngrams: Array = sections["item_ngrams"]
        self.n_items = len(self.n_tokens)
        self.n_grams = len(sections["postings_of"]) - 1
        self.texts = _strings(sections, "texts")
        self.item_texts = Texts(self.texts)
        self.has_text: Array = sections["has_text"].view(bool)
        self.ids = _strings(sections, "ids")
        self.benchmarks = _strings(sections, "benchmarks")
        self.view = self._view()

    @property
    def short_items(self) -> Array:
        """Items of 1 to n - 1 tokens, which are matched whole."""
        return np.flatnonzero((self.n_tokens > 0) & (self.n_tokens < self.ngram))

    @property
    def empty_items(self) -> Array:
        """Items without a token, which are never matched."""
        return np.flatnonzero(self.n_tokens == 0)

    def _view(self) -> Array:
        """struct Index of native/ngram_index.cpp."""

        def table(name: str) -> list[int]:
            bloom, slots, values = (self.sections[f"{name}_{part}"] for part in ("bloom", "slots", "values"))
            return [bloom.ctypes.data, slots.ctypes.data, values.ctypes.data, len(bloom) - 1, len(slots) - 1]

        lists = ("length_sets", "postings_of", "postings", "grams_of", "item_grams", "stock_of")
        more = ("stock_grams", "item_ngrams", "item_tokens")
        return np.array(
            [
                *table("grams"),
                *table("starts"),
                *(self.sections[name].ctypes.data for name in (*lists, *more)),
                self.n_items,
                self.ngram,
                TOKENIZERS[self.tokenizer],
                self.key_mask,
            ],
            dtype=np.uint64,
        )


@lru_cache(maxsize=8)
def open_index(path: Path) -> Index:
    """The index at `path`, opened once per process: a file of this name never changes."""
    return Index(path)


def write_index(items: Sequence[Item | Part], ngram: int, tokenizer: Tokenizer, folder: Path) -> Path:
    """Write the index of `items` into `folder` and return its path, which holds its content's hash.

    The same items, n and tokenizer give the same bytes and name. Grams must be of this n and tokenizer.
    """
    assert 1 <= ngram <= MAX_NGRAM
    parts = [
        Part(item.benchmark, [item.id], [item.text]) if isinstance(item, Item) else item for item in items
    ]
    key_mask = SHORT_KEY if any(part.grams is not None for part in parts) else WHOLE_KEY
    facts = {"ngram": ngram, "tokenizer": tokenizer, "unicode": unicode_version(), "key-mask": key_mask}
    given, hashes = _given(parts, ngram, tokenizer)
    name = hashlib.sha256(MAGIC + json.dumps(facts).encode())
    for section in (hashes.hashes, hashes.starts, *given.values()):
        name.update(len(section).to_bytes(8, "little"))
        name.update(np.ascontiguousarray(section).data)
    path = folder / f"ngrams-{name.hexdigest()[:16]}.index"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with temporary.open("wb") as sink:
            sink.writelines(_file({**_tables(hashes, ngram), **given}, facts))
        temporary.replace(path)
    return path


def grams_of_texts(texts: Texts, ngram: int, tokenizer: Tokenizer, key_mask: int = WHOLE_KEY) -> Grams:
    """The n-grams of texts, hashes cut to the bits of `key_mask`; a null text has none."""
    hashes, of, n_tokens = _item_hashes(texts, ngram, tokenizer)
    short = np.flatnonzero((n_tokens >= ANYWHERE) & (n_tokens < ngram))
    starts, first, _ = _item_hashes(Texts(texts.array.take(pa.array(short))), ANYWHERE, tokenizer)
    return Grams(cut(hashes, key_mask), of, n_tokens, cut(starts[first[:-1].astype(np.int64)], key_mask))


def cut(hashes: Array, key_mask: int) -> Array:
    """The bits of hashes that count, never 0; as Index::key of the kernel."""
    kept: Array = np.maximum(hashes & np.uint64(key_mask), np.uint64(1))
    return kept


def scan(texts: Texts, index: Index) -> npt.NDArray[np.void]:
    """For every text the item of which it has the largest part: RESULT, one a text; null as no text.

    Part of an item: its distinct grams in the text / its distinct grams. Ties go to more shared grams,
    then to the smaller item.
    """
    results = np.zeros(texts.size, dtype=RESULT)
    call("curate_ngram_scan", texts, index.view, results)
    return results


class Extents(NamedTuple):
    """How far what texts share with items reaches, a value for each pair of a text and an item."""

    row_ngrams: npt.NDArray[np.uint32]
    """Distinct n-grams of the text; one of fewer than n tokens is one."""
    covered: npt.NDArray[np.uint32]
    """Tokens of the item that shared n-grams cover; of an item of n tokens or more."""
    longest_run: npt.NDArray[np.uint32]
    """Tokens of the longest stretch of it all n-grams of which are shared."""


def extents(texts: Texts, index: Index, which: Array, items: Array) -> Extents:
    """How far the texts numbered `which` reach in `items`, pair by pair."""
    size = len(which)
    found = Extents(*(np.zeros(size, dtype=np.uint32) for _ in Extents._fields))
    rows, of_items = (
        np.ascontiguousarray(values, dtype=kind) for values, kind in ((which, np.int64), (items, np.uint32))
    )
    call("curate_ngram_extents", texts, index.view, size, rows, of_items, *found)
    return found


def spans(
    texts: Texts, originals: pa.Array, tokenizer: Tokenizer, which: Array, first: Array, end: Array
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Characters [begin, end) of the texts numbered `which` that their tokens [first, end) cover.

    Positions are those of Python strings, in `originals`: the column as it was before `Texts` brought
    some of it to NFKC. Where a position there cannot be found the whole text is given, never a wrong part.
    """
    size = len(which)
    begin_at, end_at = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=np.int32)
    rows, first_token, end_token = (
        np.ascontiguousarray(values, dtype=kind)
        for values, kind in ((which, np.int64), (first, np.uint32), (end, np.uint32))
    )
    bounds = (first_token, end_token, begin_at, end_at)
    call("curate_token_characters", texts, TOKENIZERS[tokenizer], size, rows, *bounds)
    taken = pa.array(rows)
    before, after = originals.take(taken), texts.array.take(taken)
    for i in np.flatnonzero(np.asarray(pc.not_equal(before.cast(pa.large_string()), after))):
        position = int(begin_at[i]), int(end_at[i])
        begin_at[i], end_at[i] = _before_nfkc(before[i].as_py(), after[i].as_py(), *position)
    return begin_at, end_at


def _before_nfkc(text: str, composed: str, begin: int, end: int) -> tuple[int, int]:
    """The part of `text` whose NFKC form is the part [begin, end) of `composed`, its NFKC form.

    NFKC maps runs, of a character and those after it that may compose with it, each by itself, and
    ASCII to itself. A part that begins or ends inside what a run became gets the whole run.
    """
    others = sorted(set(text) - set(map(chr, range(128))))
    joining = np.zeros(len(others), dtype=np.uint8)
    call("curate_composing", Texts(pa.array(others, pa.large_string()), composed=False), joining)
    joins = re.escape("".join(others[i] for i in np.flatnonzero(joining)))
    if not joins:
        return 0, len(text)
    runs = re.findall(rf"[\x00-\x7f]+(?![{joins}])|(?s:.)[{joins}]*", text)
    after = [run if run.isascii() else nfkc(run) for run in runs]
    if "".join(after) != composed:
        return 0, len(text)
    ends, ends_after = (np.cumsum([len(run) for run in parts]) for parts in (runs, after))
    first = int(np.searchsorted(ends_after, begin, side="right"))
    last = int(np.searchsorted(ends_after, end, side="left"))
    start, stop = int(ends[first]) - len(runs[first]), int(ends[last])
    if runs[first].isascii():
        start += begin - (int(ends_after[first]) - len(after[first]))
    if runs[last].isascii():
        stop -= int(ends_after[last]) - end
    return start, stop


def _given(parts: Sequence[Part], ngram: int, tokenizer: Tokenizer) -> tuple[dict[str, Array], Grams]:
    """What the parts say of every item, and the grams of all of them, hashes not cut yet."""
    sizes = [len(part.ids) for part in parts]
    texts = pa.array(
        [text or "" for part in parts for text in part.texts or [""] * len(part.ids)], pa.large_string()
    )
    read = grams_of_texts(Texts(texts), ngram, tokenizer)
    benchmarks = [part.benchmark for part in parts for _ in part.ids]
    ids = [item for part in parts for item in part.ids]
    has_text = np.repeat(np.array([part.texts is not None for part in parts], dtype=np.uint8), sizes)
    given = {
        "has_text": has_text,
        **_string_sections("texts", texts),
        **_string_sections("ids", pa.array(ids, pa.large_string())),
        **_string_sections("benchmarks", pa.array(benchmarks, pa.large_string())),
    }
    if all(part.grams is None for part in parts):
        return given, read
    grams: list[Grams] = []
    first = 0
    for part, size in zip(parts, sizes, strict=True):
        grams.append(part.grams or _slice(read, first, size, ngram))
        first += size
    counts = np.concatenate([np.diff(some.of) for some in grams])
    joined = (np.concatenate(arrays) for arrays in zip(*grams, strict=True))
    hashes, _, n_tokens, starts = joined
    return given, Grams(cut(hashes, SHORT_KEY), starts_of(counts), n_tokens, cut(starts, SHORT_KEY))


def _slice(grams: Grams, first: int, size: int, ngram: int) -> Grams:
    """The grams of `size` items from the first on."""
    of, n_tokens = grams.of[first : first + size + 1], grams.n_tokens[first : first + size]
    before, within = (_n_starts(some, ngram) for some in (grams.n_tokens[:first], n_tokens))
    return Grams(
        grams.hashes[int(of[0]) : int(of[-1])],
        of - of[0],
        n_tokens,
        grams.starts[before : before + within],
    )


def _n_starts(n_tokens: Array, ngram: int) -> int:
    return int(np.count_nonzero((n_tokens >= ANYWHERE) & (n_tokens < ngram)))


def _tables(grams: Grams, ngram: int) -> dict[str, Array]:
    """The sections a scan looks things up in."""
    n_items = len(grams.n_tokens)
    keys, item_grams = _numbered(grams.hashes)
    postings_of = np.zeros(len(keys) + 1, dtype=np.uint64)
    postings = np.empty(len(item_grams), dtype=np.uint32)
    item_ngrams, last = np.zeros(n_items, dtype=np.uint32), np.zeros(len(keys), dtype=np.uint32)
    which = (item_grams, grams.of, n_items, len(keys), last)
    size = call("curate_ngram_postings", *which, postings_of, postings, item_ngrams)
    n_items_with = np.diff(postings_of).astype(np.int64)
    stock = np.flatnonzero(n_items_with > STOCK)
    stock_gram = np.repeat(stock, n_items_with[stock])
    within = np.arange(len(stock_gram)) - np.repeat(
        np.cumsum(n_items_with[stock]) - n_items_with[stock], n_items_with[stock]
    )
    stock_item = postings[postings_of[stock_gram].astype(np.int64) + within].astype(np.int64)
    by_item = np.argsort(stock_item, kind="stable")  # within an item grams stay ascending
    return {
        **hash_table("grams", keys),
        **_short_starts(grams, ngram),
        "postings_of": postings_of,
        "postings": postings[:size],
        "grams_of": grams.of,
        "item_grams": item_grams,
        "stock_of": starts_of(np.bincount(stock_item, minlength=n_items)),
        "stock_grams": stock_gram[by_item].astype(np.uint32),
        "item_ngrams": item_ngrams,
        "item_tokens": grams.n_tokens,
    }


def _numbered(hashes: Array) -> tuple[Array, Array]:
    """The distinct hashes in the order in which they are first met, and for each hash its number there."""
    keys, numbers = hashes.copy(), np.empty(len(hashes), dtype=np.uint32)
    n_slots = _n_slots(len(keys))
    slots, values = np.zeros(n_slots, dtype=np.uint64), np.empty(n_slots, dtype=np.uint32)
    size = call("curate_ngram_number", keys, len(keys), slots, values, n_slots - 1, numbers)
    return keys[:size].copy(), numbers


def _item_hashes(texts: Texts, ngram: int, tokenizer: Tokenizer) -> tuple[Array, Array, Array]:
    """Hash of every gram of every item in order, where each item's begin (n + 1), tokens of each item."""
    grams_of = np.zeros(texts.size + 1, dtype=np.uint64)
    item_tokens = np.zeros(texts.size, dtype=np.uint32)
    which = TOKENIZERS[tokenizer]
    size = call("curate_ngram_items", texts, which, ngram, None, grams_of, item_tokens)
    hashes = np.zeros(size, dtype=np.uint64)
    call("curate_ngram_items", texts, which, ngram, hashes, grams_of, item_tokens)
    return hashes, grams_of, item_tokens


def _short_starts(grams: Grams, ngram: int) -> dict[str, Array]:
    """The table of the first tokens of short items: hash -> lengths to look for, as the bits of a word."""
    lengths = grams.n_tokens[(grams.n_tokens >= ANYWHERE) & (grams.n_tokens < ngram)]
    starts, which = np.unique(grams.starts, return_inverse=True)
    length_sets = np.zeros(len(starts), dtype=np.uint64)
    np.bitwise_or.at(length_sets, which, np.uint64(1) << lengths.astype(np.uint64))
    return {**hash_table("starts", starts), "length_sets": length_sets}


def _n_slots(n_keys: int) -> int:
    """Slots of a table that is at most half full."""
    return 1 << (2 * n_keys - 1).bit_length() if n_keys else 1


def hash_table(name: str, keys: Array) -> dict[str, Array]:
    """The sections of struct Table of the kernels, from keys to their positions.

    At most half full; its Bloom filter has 8 to 16 bits a key.
    """
    n_slots = _n_slots(len(keys))
    n_words = max(1, n_slots // 16)
    bloom, slots = np.zeros(n_words, dtype=np.uint64), np.zeros(n_slots, dtype=np.uint64)
    values = np.zeros(n_slots, dtype=np.uint32)
    call("curate_ngram_table", keys, len(keys), bloom, n_words - 1, slots, values, n_slots - 1)
    return {f"{name}_bloom": bloom, f"{name}_slots": slots, f"{name}_values": values}


def starts_of(counts: Array) -> Array:
    """Where the values of each begin, if it has so many of them; one more than counts."""
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)


def _string_sections(name: str, strings: pa.Array) -> dict[str, Array]:
    _, offsets, content = strings.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64, count=len(strings) + 1)
    return {
        f"{name}_of": starts,
        f"{name}_bytes": np.frombuffer(content or b"", dtype=np.uint8, count=int(starts[-1])),
    }


def _strings(sections: dict[str, Array], name: str) -> pa.Array:
    """The large_string array of two sections, not copied."""
    offsets, content = (pa.py_buffer(sections[f"{name}_{part}"]) for part in ("of", "bytes"))
    size = len(sections[f"{name}_of"]) - 1
    return pa.Array.from_buffers(pa.large_string(), size, [None, offsets, content])


def _file(sections: dict[str, Array], facts: dict[str, Any]) -> list[bytes | memoryview]:
    """The bytes of the file, in parts."""
    layout: dict[str, tuple[str, int, int]] = {}
    parts: list[bytes | memoryview] = []
    offset = 0  # from the end of the header
    for name, values in sections.items():
        kind = values.dtype.newbyteorder("<")
        content = np.ascontiguousarray(values, dtype=kind)
        layout[name] = (kind.str, offset, len(values))
        padding = -content.nbytes % ALIGNMENT
        parts += [content.data, bytes(padding)]
        offset += content.nbytes + padding
    header = json.dumps({**facts, "sections": layout}, separators=(",", ":")).encode()
    header += b" " * (-(len(MAGIC) + 8 + len(header)) % ALIGNMENT)
    return [MAGIC, len(header).to_bytes(8, "little"), header, *parts]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r")
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: expected an n-gram index, found: {error}. Run the stage again") from error
    start = len(MAGIC) + 8
    if content[: len(MAGIC)].tobytes() != MAGIC:
        raise RunError(
            f"{path}: expected an n-gram index of this version ({MAGIC.decode()}), found another file. "
            "Delete it and run the stage again"
        )
    size = int.from_bytes(content[len(MAGIC) : start].tobytes(), "little")
    header = json.loads(content[start : start + size].tobytes())
    sections = {}
    for name, (kind, offset, count) in header["sections"].items():
        first, dtype = start + size + offset, np.dtype(kind)
        if first + count * dtype.itemsize > len(content):
            raise RunError(f"{path}: the n-gram index ends early. Delete it and run the stage again")
        sections[name] = content[first : first + count * dtype.itemsize].view(dtype)
    return header, sections
