"""Fingerprints: the n-grams of a benchmark's items as hashes, so that rows can be compared without its text.

A fingerprint is a file NAME.fingerprint: `MAGIC`, the length of the header (uint64), the header (JSON: name,
n, tokenizer, Unicode version, digest of what the tokenizer does, where the text came from, and the sections),
then the sections, all little-endian:

    item_tokens   uint32, tokens of every item
    grams_of      uint32, where the grams of each item begin (one more than items)
    grams         48 bits each: the n-grams of every item, in the order of its tokens
    starts        48 bits each: the first four tokens of every item of 4 to n - 1 tokens
    ids, dates    JSON lists

Its bytes depend on nothing but the items, n and the tokenizer. What can be learned from it, and what a cut
hash costs, is in docs/design/006-benchmarks.md: no word stands in it by itself, nor two n-grams from which
one could be computed; who guesses ten words in a row can see that they are right.

Items of fewer than four tokens have no gram in it: so few words could be found by trying all. They are
*unprotectable* by a fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from curate.benchmarks.items import Items
from curate.disk import whole_file
from curate.errors import InputError
from curate.kernels.native import Texts, unicode_version
from curate.kernels.ngram_index import (
    ANYWHERE,
    MAX_NGRAM,
    SHORT_KEY,
    Grams,
    Part,
    grams_of_texts,
)
from curate.kernels.text import Tokenizer, token_hashes

ENDING = ".fingerprint"
MAGIC = b"curateF1"
NGRAM = 10
TOKENIZER: Tokenizer = "words"
HASH_BYTES = 6
MAX_ID = 100
MAX_HEADER = 1 << 20

SECTIONS = ("item_tokens", "grams_of", "grams", "starts", "ids", "dates")

Array = npt.NDArray[Any]


class Fingerprint(NamedTuple):
    """The n-grams of a benchmark's items, and what is known of the items besides."""

    name: str
    ngram: int
    tokenizer: Tokenizer
    ids: list[str]
    dates: list[str | None]
    grams: Grams
    sources: list[dict[str, str]]
    """Where the text came from: repository, path and commit, or address and revision."""

    def part(self, name: str) -> Part:
        """The items as an index takes them."""
        return Part(name, self.ids, None, self.grams)

    def where(self, chosen: Callable[[str | None], bool]) -> Fingerprint:
        """The items whose date is chosen."""
        keep = np.array([chosen(date) for date in self.dates], dtype=bool)
        lengths = np.diff(self.grams.of).astype(np.int64)
        n_tokens = self.grams.n_tokens
        short = keep[(n_tokens >= ANYWHERE) & (n_tokens < self.ngram)]
        grams = Grams(
            self.grams.hashes[np.repeat(keep, lengths)],
            np.concatenate([[0], np.cumsum(lengths[keep])]).astype(np.uint64),
            n_tokens[keep],
            self.grams.starts[short],
        )
        picked = np.flatnonzero(keep)
        return self._replace(
            ids=[self.ids[i] for i in picked], dates=[self.dates[i] for i in picked], grams=grams
        )


def make_fingerprint(items: Items, sources: list[dict[str, str]]) -> Fingerprint:
    """The fingerprint of items: word 10-grams, hashes cut to 48 bits, too short items without any.

    An id that is longer than 100 characters or holds blanks could be text; its place stands for it.
    """
    texts = Texts(pa.array(items.texts, pa.large_string()))
    grams = grams_of_texts(texts, NGRAM, TOKENIZER, SHORT_KEY)
    lengths = np.diff(grams.of).astype(np.int64)
    enough = grams.n_tokens >= ANYWHERE
    hashes = grams.hashes[np.repeat(enough, lengths)]
    of = np.concatenate([[0], np.cumsum(np.where(enough, lengths, 0))]).astype(np.uint64)
    ids = [
        item if len(item) <= MAX_ID and not any(map(str.isspace, item)) else str(place)
        for place, item in enumerate(items.ids)
    ]
    cut = Grams(hashes, of, grams.n_tokens, grams.starts)
    return Fingerprint(items.name, NGRAM, TOKENIZER, ids, items.dates, cut, sources)


def to_bytes(fingerprint: Fingerprint) -> bytes:
    """The content of the file."""
    grams = fingerprint.grams
    lists = {
        name: json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()
        for name, values in (("ids", fingerprint.ids), ("dates", _shared(fingerprint.dates)))
    }
    sections = {
        "item_tokens": grams.n_tokens.astype("<u4").tobytes(),
        "grams_of": grams.of.astype("<u4").tobytes(),
        "grams": _packed(grams.hashes),
        "starts": _packed(grams.starts),
        **lists,
    }
    header = {
        "name": fingerprint.name,
        "ngram": fingerprint.ngram,
        "tokenizer": fingerprint.tokenizer,
        "unicode": unicode_version(),
        "behaviour": tokenizer_digest(fingerprint.tokenizer),
        "items": len(fingerprint.ids),
        "sources": fingerprint.sources,
        "sections": {name: len(content) for name, content in sections.items()},
    }
    head = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return b"".join([MAGIC, len(head).to_bytes(8, "little"), head, *sections.values()])


def write_fingerprint(fingerprint: Fingerprint, path: Path) -> None:
    """Write the file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as sink:
        sink.write(to_bytes(fingerprint))


class Header(BaseModel):
    """What a fingerprint says of itself; `first` is where its sections begin."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    ngram: int = Field(ge=1, le=MAX_NGRAM)
    tokenizer: Tokenizer
    unicode: str
    behaviour: str
    items: int
    sources: list[dict[str, str]]
    sections: dict[str, int]
    first: int = 0


def read_header(path: Path) -> Header:
    """What a fingerprint says of itself. Raises InputError if the file is none."""
    with path.open("rb") as source:
        start = source.read(len(MAGIC) + 8)
        if start[: len(MAGIC)] != MAGIC:
            raise InputError(
                f"{path}: expected a fingerprint of this version ({MAGIC.decode()}), found another file. "
                "Make it again with: curate benchmarks build"
            )
        size = int.from_bytes(start[len(MAGIC) :], "little")
        if size > MAX_HEADER:
            raise _damaged(path, f"a header of {size:,} bytes")
        head = source.read(size)
    try:
        header = Header.model_validate_json(head)
    except ValidationError as error:
        raise _damaged(path, f"its header: {error.errors()[0]['msg']}") from error
    return header.model_copy(update={"first": len(start) + len(head)})


def read_fingerprint(path: Path) -> Fingerprint:
    """The fingerprint in a file, kept for the next time.

    Raises InputError if it is damaged, or stale: made by another version of the tokenizer, whose n-grams are
    not those that rows have now.
    """
    facts = path.stat()
    return _read(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int, size: int) -> Fingerprint:
    header = read_header(path)
    found = (header.unicode, header.behaviour)
    expected = (unicode_version(), tokenizer_digest(header.tokenizer))
    if found != expected:
        raise InputError(
            f"{path}: stale: expected n-grams of the tokenizer {header.tokenizer} of this version "
            f"(Unicode {expected[0]}, {expected[1]}), found those of another (Unicode {found[0]}, "
            f"{found[1]}). Use the text instead: curate benchmarks pull {header.name}"
        )
    if header.first + sum(header.sections.values()) != size or list(header.sections) != list(SECTIONS):
        raise _damaged(path, "it ends early or late")
    content, sections = path.read_bytes(), {}
    begin = header.first
    for name, length in header.sections.items():
        sections[name] = content[begin : begin + length]
        begin += length
    try:
        grams = Grams(
            _unpacked(sections["grams"]),
            np.frombuffer(sections["grams_of"], "<u4").astype(np.uint64),
            np.frombuffer(sections["item_tokens"], "<u4").astype(np.uint32),
            _unpacked(sections["starts"]),
        )
        ids, dates = json.loads(sections["ids"]), json.loads(sections["dates"])
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    dates = dates if isinstance(dates, list) else [dates] * header.items
    texts = isinstance(ids, list) and all(isinstance(item, str) for item in ids)
    if not (texts and all(date is None or isinstance(date, str) for date in dates)):
        raise _damaged(path, "an id or a date is no text")
    if not (_agree(grams, header.ngram) and len(grams.n_tokens) == len(ids) == len(dates) == header.items):
        raise _damaged(path, "its parts disagree")
    return Fingerprint(header.name, header.ngram, header.tokenizer, ids, dates, grams, header.sources)


def _agree(grams: Grams, ngram: int) -> bool:
    """Whether the arrays belong together: the kernels trust them."""
    of, n_tokens = grams.of.astype(np.int64), grams.n_tokens.astype(np.int64)
    n_grams = np.where(n_tokens < ANYWHERE, 0, np.maximum(n_tokens - ngram + 1, 1))
    return bool(
        len(of) == len(n_tokens) + 1
        and of[0] == 0
        and np.array_equal(np.diff(of), n_grams)
        and of[-1] == len(grams.hashes)
        and np.count_nonzero((n_tokens >= ANYWHERE) & (n_tokens < ngram)) == len(grams.starts)
        and grams.hashes.all()
        and grams.starts.all()
    )


def _damaged(path: Path, how: str) -> InputError:
    return InputError(f"{path}: the fingerprint is damaged: {how}. Get it again, or install curate again.")


PROBES = (
    "It's $x^2$: ½ of 3,141.59 — naïve STRASSE straße Ⅷ",
    "设集合 $A=\\{1,2\\}$，则 カタカナ ﾊﾟﾋﾟ",
    "e\u0301 a\u00adb x\u200dy 𝒳₁ \\frac{1}{2} \\le n!",
    "for i in range(10): print(a_b[i]**2)  # ok\r\n\tİ ſ ς",
    "สวัสดี हिन्दी العربية 한국어 ͏x ✅ ١٢٣",
)
"""Texts in which each rule of the tokenizers shows."""


@lru_cache
def tokenizer_digest(tokenizer: Tokenizer) -> str:
    """What a tokenizer makes of `PROBES`, in 16 hexadecimal digits: it changes when n-grams do."""
    texts = pa.array(PROBES, pa.large_string())
    offsets, hashes = token_hashes(texts, tokenizer)
    grams = grams_of_texts(Texts(texts), 2, tokenizer)
    content = b"".join(array.astype("<u8").tobytes() for array in (offsets, hashes, grams.hashes))
    return hashlib.sha256(content).hexdigest()[:16]


def _shared(dates: list[str | None]) -> list[str | None] | str | None:
    """Dates, one for all if it is the same for all."""
    return dates[0] if len(set(dates)) == 1 else dates


def _packed(hashes: Array) -> bytes:
    return hashes.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :HASH_BYTES].tobytes()


def _unpacked(content: bytes) -> Array:
    wide = np.zeros((len(content) // HASH_BYTES, 8), dtype=np.uint8)
    wide[:, :HASH_BYTES] = np.frombuffer(content, np.uint8).reshape(-1, HASH_BYTES)
    return wide.reshape(-1).view("<u8").astype(np.uint64)
