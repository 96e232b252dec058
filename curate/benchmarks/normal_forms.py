"""The normal forms and units of published match rules: what of a text counts, and what its tokens are.

A normal form is a chain of steps, each of which says what becomes of one character. By name:

    none            nothing changes
    openr1          lower, collapse-whitespace
    lightr1-exact   delete-non-word, delete-digits, lower
    vibethinker     delete-punctuation, delete-symbols, lower, collapse-whitespace
    qwen            delete-punctuation, delete-symbols, collapse-whitespace
    decon           lower, ascii-punctuation-to-blank, collapse-whitespace
    cosmopedia      strip-accents, lower, non-word-to-blank, collapse-whitespace

or as a list of these steps: lower; strip-accents (NFD without category Mn); nfkc; delete-punctuation (P),
delete-symbols (S), delete-digits (Nd), delete-non-word (neither letter, digit nor _); punctuation-to-blank,
symbols-to-blank, non-word-to-blank; ascii-punctuation-to-blank (with “ ” ‘ ’ —, as decon has it);
collapse-whitespace (runs to one blank, none at the ends), which is done last wherever it stands.

A unit says what a token is: `words` and `math` as in `curate.kernels.text`, `whitespace` (what blanks
separate), `word-characters` (runs of letters, digits and _), `characters`, or the path of the JSON file of a
Hugging Face tokenizer (needs the package `tokenizers`).

Characters are looked at one by one, so Σ at the end of a word becomes σ, not ς.

Source: the normalisers of open-r1 (`scripts/decontaminate.py`, also s1 and Light-R1), Light-R1
(`decontaminate/character_matching.py`), decon (`clean_text`) and cosmopedia
(`decontamination/decontaminate.py`); VibeThinker-1.5B, section 3.5, and Qwen2.5-Math say "punctuation and
symbols" in words.
"""

from __future__ import annotations

import importlib
import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curate.errors import InputError
from curate.kernels.native import Texts
from curate.kernels.ngram_index import spans
from curate.kernels.text import I64, U64, Tokenizer, text_hash128, token_hashes, token_spans

NATIVE_UNITS: dict[str, Tokenizer] = {"words": "words", "math": "math"}
PATTERNS = {
    "whitespace": re.compile(r"\S+"),
    "word-characters": re.compile(r"\w+"),
    "characters": re.compile(r"(?s:.)"),
}
UNITS = (*NATIVE_UNITS, *PATTERNS)

COLLAPSE = "collapse-whitespace"
ASCII_PUNCTUATION = frozenset(string.punctuation + "“”‘’—")
_WORD = re.compile(r"\w")


def _without_accents(character: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")


def _kind(kinds: str, becomes: str, character: str) -> str:
    """What a character becomes, if its Unicode category begins with `kinds`."""
    return becomes if unicodedata.category(character).startswith(kinds) else character


def _non_word(becomes: str, character: str) -> str:
    return character if _WORD.match(character) else becomes


def _ascii_punctuation(character: str) -> str:
    return " " if character in ASCII_PUNCTUATION else character


STEPS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "strip-accents": _without_accents,
    "nfkc": partial(unicodedata.normalize, "NFKC"),
    "delete-punctuation": partial(_kind, "P", ""),
    "delete-symbols": partial(_kind, "S", ""),
    "delete-digits": partial(_kind, "Nd", ""),
    "delete-non-word": partial(_non_word, ""),
    "punctuation-to-blank": partial(_kind, "P", " "),
    "symbols-to-blank": partial(_kind, "S", " "),
    "non-word-to-blank": partial(_non_word, " "),
    "ascii-punctuation-to-blank": _ascii_punctuation,
}

NORMALIZERS: dict[str, tuple[str, ...]] = {
    "none": (),
    "openr1": ("lower", COLLAPSE),
    "lightr1-exact": ("delete-non-word", "delete-digits", "lower"),
    "vibethinker": ("delete-punctuation", "delete-symbols", "lower", COLLAPSE),
    "qwen": ("delete-punctuation", "delete-symbols", COLLAPSE),
    "decon": ("lower", "ascii-punctuation-to-blank", COLLAPSE),
    "cosmopedia": ("strip-accents", "lower", "non-word-to-blank", COLLAPSE),
}


class Form(NamedTuple):
    """A normal form and a unit."""

    steps: tuple[str, ...]
    unit: str


def known_normalizer(value: str | list[str]) -> str | list[str]:
    """The value, if it names a normal form or its steps; else ValueError with what is known."""
    if isinstance(value, str) and value not in NORMALIZERS:
        raise ValueError(f"one of {', '.join(NORMALIZERS)}, or a list of steps")
    if not isinstance(value, str) and not {COLLAPSE, *STEPS}.issuperset(value):
        raise ValueError(f"steps among {', '.join(STEPS)}, {COLLAPSE}")
    return value


def known_unit(value: str) -> str:
    """The value, if it names a unit or looks like a tokenizer's file; else ValueError with what is known."""
    if value not in UNITS and not value.endswith(".json"):
        raise ValueError(f"one of {', '.join(UNITS)}, or the .json file of a tokenizer")
    return value


def form(normalizer: str | Sequence[str], unit: str) -> Form:
    """The form that a recipe's values name."""
    steps = NORMALIZERS[normalizer] if isinstance(normalizer, str) else tuple(normalizer)
    return Form(steps, unit)


class _Table(dict[int, str]):
    """What each character becomes, found out when it is first met."""

    def __init__(self, steps: tuple[str, ...]) -> None:
        super().__init__()
        self.steps = [STEPS[step] for step in steps if step != COLLAPSE]
        self.lengths: dict[str, int] = {}
        """Characters that each character became; those that became one are left out."""

    def __missing__(self, code: int) -> str:
        text = chr(code)
        for step in self.steps:
            text = "".join(map(step, text))
        self[code] = text
        if len(text) != 1:
            self.lengths[chr(code)] = len(text)
        return text


@lru_cache(maxsize=64)
def _table(steps: tuple[str, ...]) -> _Table:
    return _Table(steps)


def normalize(text: str, steps: tuple[str, ...]) -> str:
    """The text in a normal form.

    >>> normalize("  Find  $x + 1$, Zoë! ", NORMALIZERS["cosmopedia"])
    'find x 1 zoe'
    >>> normalize("Find $x+1$.", NORMALIZERS["vibethinker"])
    'find x1'
    >>> normalize("x 12, Y", NORMALIZERS["lightr1-exact"])
    'xy'
    """
    table = _table(steps)
    if table.steps:
        text = text.translate(table)
    return " ".join(text.split()) if COLLAPSE in steps else text


class Tokens(NamedTuple):
    """Tokens of texts: text i has those from offsets[i] to offsets[i + 1]."""

    offsets: I64
    hash: U64
    """Equal where tokens are, up to collisions of 64 bits."""

    @property
    def counts(self) -> I64:
        """Tokens of each text."""
        return np.diff(self.offsets)

    def of(self, i: int) -> U64:
        """Tokens of text i."""
        return self.hash[self.offsets[i] : self.offsets[i + 1]]


def tokens(texts: Sequence[str | None], chosen: Form) -> Tokens:
    """Tokens of each text in its normal form; a null text has none.

    Raises InputError if the unit is a tokenizer that cannot be loaded.
    """
    normal = [normalize(text or "", chosen.steps) for text in texts]
    if chosen.unit in NATIVE_UNITS:
        found = token_hashes(pa.array(normal, pa.large_string()), NATIVE_UNITS[chosen.unit])
        return Tokens(found.offsets, found.hash)
    if chosen.unit == "characters":
        counts = [len(text) for text in normal]
        codes = np.frombuffer("".join(normal).encode("utf-32-le"), dtype=np.uint32)
        return Tokens(_offsets(counts), mixed(codes.astype(np.uint64)))
    if chosen.unit in PATTERNS:
        words = [PATTERNS[chosen.unit].findall(text) for text in normal]
        flat = pa.array(list(chain.from_iterable(words)), pa.large_string())
        hashes = np.ascontiguousarray(text_hash128(flat, "none").hash[:, 0])
        return Tokens(_offsets([len(some) for some in words]), hashes)
    ids = [one.ids for one in hugging_face(chosen.unit).encode_batch(normal, add_special_tokens=False)]
    flat_ids = np.fromiter(chain.from_iterable(ids), dtype=np.uint64)
    return Tokens(_offsets([len(some) for some in ids]), mixed(flat_ids))


def _offsets(counts: Sequence[int]) -> I64:
    found = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(counts, out=found[1:])
    return found


def mixed(values: U64) -> U64:
    """The values with their bits spread over the whole word, one to one (splitmix64)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@lru_cache(maxsize=4)
def hugging_face(file: str) -> Any:
    """The tokenizer in a JSON file. Raises InputError if it, or the package that reads it, is not there."""
    try:
        package = importlib.import_module("tokenizers")
    except ImportError as error:
        raise InputError(
            f"unit {file}: expected the package `tokenizers`, which reads tokenizer files; it is not "
            f"installed. Install it (pip install 'curate[tokenizers]'), or use one of the units "
            f"{', '.join(UNITS)}."
        ) from error
    if not Path(file).is_file():
        raise InputError(f"unit {file}: there is no such file. Expected the tokenizer.json of a tokenizer.")
    try:
        found = package.Tokenizer.from_file(file)
    except Exception as error:  # the package raises nothing narrower
        raise InputError(
            f"unit {file}: cannot be read as a tokenizer: {error}. Expected a tokenizer.json of Hugging Face."
        ) from error
    found.no_truncation()
    found.no_padding()
    return found


def span(text: str, chosen: Form, first: int, end: int) -> tuple[int, int]:
    """Characters [begin, end) of the text as given that its tokens [first, end) cover.

    >>> span("Zoë: x = 12", Form(NORMALIZERS["cosmopedia"], "word-characters"), 1, 3)
    (5, 11)
    """
    collapse = COLLAPSE in chosen.steps and chosen.unit not in _PARTED_BY_BLANKS
    normal, source = _with_source(text, _table(chosen.steps), collapse=collapse)
    begin_at, end_at = _normal_span(normal, chosen.unit, first, end)
    return int(source[begin_at]), int(source[max(end_at - 1, begin_at)]) + 1


def _normal_span(text: str, unit: str, first: int, end: int) -> tuple[int, int]:
    if unit in NATIVE_UNITS:
        column = pa.array([text], pa.large_string())
        which = (np.array([value]) for value in (0, first, end))
        begins, ends = spans(Texts(column), column, NATIVE_UNITS[unit], *which)
        return int(begins[0]), int(ends[0])
    if unit in PATTERNS:
        found = islice((match.span() for match in PATTERNS[unit].finditer(text)), first, end)
    else:
        found = iter(hugging_face(unit).encode(text, add_special_tokens=False).offsets[first:end])
    covered = list(found)
    return covered[0][0], covered[-1][1]


def one_character(texts: Sequence[str | None], chosen: Form) -> npt.NDArray[np.bool_]:
    """Whether each token of all texts, end to end, is a single ASCII character."""
    normal = [normalize(text or "", chosen.steps) for text in texts]
    if chosen.unit in NATIVE_UNITS:
        found = token_spans(pa.array(normal, pa.large_string()), NATIVE_UNITS[chosen.unit])
        return np.asarray(found.end - found.begin == 1)
    if chosen.unit in PATTERNS:
        words = chain.from_iterable(PATTERNS[chosen.unit].findall(text) for text in normal)
        return np.fromiter((len(word) == 1 and word.isascii() for word in words), dtype=np.bool_)
    each = hugging_face(chosen.unit).encode_batch(normal, add_special_tokens=False)
    names = chain.from_iterable(one.tokens for one in each)
    return np.fromiter((len(name) == 1 and name.isascii() for name in names), dtype=np.bool_)


_PARTED_BY_BLANKS = (*NATIVE_UNITS, "whitespace", "word-characters")
"""Units to which it is all one how many blanks there are."""


def _with_source(text: str, table: _Table, *, collapse: bool) -> tuple[str, npt.NDArray[np.int64]]:
    """The text in a normal form, and where in `text` each of its characters, and its end, came from."""
    source = np.arange(len(text) + 1)
    normal = text
    if table.steps:
        normal = text.translate(table)
        if not table.lengths.keys().isdisjoint(text):
            length = table.lengths.get
            source = np.append(np.repeat(source[:-1], [length(c, 1) for c in text]), len(text))
    if collapse:
        runs = [match.span() for match in PATTERNS["whitespace"].finditer(normal)]
        normal = " ".join(normal[begin:end] for begin, end in runs)
        # the blank before a run stands for the whitespace there
        kept = [np.arange(max(begin - (i > 0), 0), end) for i, (begin, end) in enumerate(runs)]
        source = source[np.concatenate([*kept, [len(source) - 1]])]
    return normal, source
