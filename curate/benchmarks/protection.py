"""What of an evaluation set n-grams can find: which items are too short, and which share all they have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from curate.benchmarks.fingerprint import Fingerprint
from curate.benchmarks.protect import Protected
from curate.errors import InputError
from curate.kernels.native import Texts
from curate.kernels.ngram_index import ANYWHERE, Grams, Part, Tokenizer, grams_of_texts


class Protection(NamedTuple):
    """Items of a set by how well they can be found. An item of fewer than n tokens counts as one n-gram."""

    name: str
    by: str
    """`text` or `fingerprint`."""
    n_items: int
    short: list[str]
    """Ids of items of four to n - 1 tokens: found whole, anywhere in a text, or not at all."""
    unprotectable: list[str]
    """Ids of items without a token; of fewer than four, which by a fingerprint cannot be found, and by their
    text only where they are the whole of a prompt."""
    generic: list[str]
    """Ids of items each of whose n-grams is also in another item of the set: a hit may mean the other."""


def parts_of(against: Sequence[Protected], ngram: int, tokenizer: Tokenizer) -> list[Part]:
    """The items of benchmarks as an index takes them: texts, or where these are not at hand fingerprints.

    Raises InputError if a fingerprint is of other n-grams than asked for.
    """
    parts: list[Part] = []
    others: list[Fingerprint] = []
    for benchmark in against:
        if benchmark.text is not None:
            items = benchmark.items()
            parts.append(Part(benchmark.name, items.ids, items.texts))
            continue
        found = benchmark.fingerprint()
        parts.append(found.part(benchmark.name))
        if (found.ngram, found.tokenizer) != (ngram, tokenizer):
            others.append(found)
    if others:
        names = list(dict.fromkeys(one.name for one in others))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        raise InputError(
            f"{names[0]}{more}: expected n-grams of {ngram} {tokenizer}, found only fingerprints, of "
            f"n-grams of {others[0].ngram} {others[0].tokenizer}. Other n-grams need the texts: "
            f"curate benchmarks pull {' '.join(names)}"
        )
    return parts


def part_of(benchmark: Protected, ngram: int, tokenizer: Tokenizer) -> Part:
    """The items of one benchmark; see `parts_of`."""
    [part] = parts_of([benchmark], ngram, tokenizer)
    return part


def protections(against: Sequence[Protected], ngram: int, tokenizer: Tokenizer) -> list[Protection]:
    """How well the items of each benchmark can be found by n-grams."""
    return [_protection(part, ngram, tokenizer) for part in parts_of(against, ngram, tokenizer)]


def _protection(part: Part, ngram: int, tokenizer: Tokenizer) -> Protection:
    grams = part.grams or _grams(part, ngram, tokenizer)
    few = grams.n_tokens < ANYWHERE
    return Protection(
        part.benchmark,
        "fingerprint" if part.grams is not None else "text",
        len(part.ids),
        _ids(part, ~few & (grams.n_tokens < ngram)),
        _ids(part, few),
        _ids(part, _generic(grams) & ~few),
    )


def _grams(part: Part, ngram: int, tokenizer: Tokenizer) -> Grams:
    return grams_of_texts(Texts(pa.array(part.texts, pa.large_string())), ngram, tokenizer)


def _generic(grams: Grams) -> np.ndarray:
    """Whether each item has n-grams, all of which are in other items too."""
    lengths = np.diff(grams.of).astype(np.int64)
    item = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((item, grams.hashes))
    hashes, items = grams.hashes[order], item[order]
    begins = np.flatnonzero(np.diff(hashes, prepend=~hashes[:1]) != 0)
    lone = np.minimum.reduceat(items, begins) == np.maximum.reduceat(items, begins) if len(begins) else begins
    own = np.bincount(items[begins][lone], minlength=len(lengths)) if len(begins) else 0 * lengths
    found: np.ndarray = (lengths > 0) & (own == 0)
    return found


def _ids(part: Part, chosen: np.ndarray) -> list[str]:
    return [part.ids[i] for i in np.flatnonzero(chosen)]


def sentence(found: list[Protection], absent: list[str], ngram: int) -> str:
    """What is protected, and what is not, for the person who watches a run.

    >>> sentence([Protection("a", "text", 30, ["7"], [], [])], [], 10)
    'against 1 benchmark, 30 items; 1 of fewer than 10 tokens, found only whole'
    """
    items = sum(one.n_items for one in found)
    by_hash = sum(one.by == "fingerprint" for one in found)
    short, none = sum(len(one.short) for one in found), sum(len(one.unprotectable) for one in found)
    parts = [
        f"against {len(found)} benchmark{'s' * (len(found) != 1)}, {items:,} items",
        f"{by_hash} by fingerprint (copies only; curate benchmarks pull gets the texts, which tell more)"
        if by_hash
        else "",
        f"{short:,} of fewer than {ngram} tokens, found only whole" if short else "",
        f"{none:,} unprotectable (fewer than {ANYWHERE} tokens)" if none else "",
        f"not protected, since not pulled: {', '.join(absent)}" if absent else "",
    ]
    return "; ".join(part for part in parts if part)
