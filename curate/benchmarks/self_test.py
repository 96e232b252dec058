"""Edited copies of benchmark items planted among texts, to see how many are found: recall by kind of edit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import pyarrow as pa

from curate.benchmarks.edits import EDITS, Corpus
from curate.benchmarks.matching import State, match
from curate.benchmarks.protect import Protected
from curate.kernels.estimators import wilson_interval

COPIES = frozenset({"verbatim", "near", "reworded"})
N_ITEMS = 300
"""Items that are edited, drawn from all benchmarks with a text."""
SEED = 1


class Planted(NamedTuple):
    """An edited item."""

    edit: str
    item: tuple[str, str]
    text: str


class Recall(NamedTuple):
    """What became of the copies of one kind of edit."""

    edit: str
    expected: str
    n: int
    as_copy: int
    """Told to be a copy of the item they were made from."""
    as_variant: int
    low: float
    """Bounds of the share that was told as expected, at 95 % (Wilson)."""
    high: float

    @property
    def right(self) -> int:
        """Those that were told as they should be."""
        return self.as_variant if self.expected == "variant" else self.as_copy


def plant(against: Sequence[Protected], texts: Sequence[str], n_items: int = N_ITEMS) -> list[Planted]:
    """Every edit that applies, of items drawn from the benchmarks; what stands around them is of `texts`."""
    items = [
        (one.name, name, text)
        for one in against
        if one.text is not None
        for found in [one.items()]
        for name, text in zip(found.ids, found.texts, strict=True)
        if text
    ]
    random = Random(SEED)
    chosen = random.sample(items, min(n_items, len(items)))
    words = sorted({word for text in texts[:2000] for word in text.split() if word.isalpha()})
    corpus = Corpus(words or ["word"], list(texts) or ["text"])
    planted = []
    for benchmark, item, text in chosen:
        for name, edit in EDITS.items():
            made = edit.apply(text, Random(f"{SEED} {name} {benchmark} {item}"), corpus)
            if made is not None:
                planted.append(Planted(name, (benchmark, item), made))
    return planted


def recalls(planted: Sequence[Planted], state: State) -> list[Recall]:
    """Of each kind of edit, how many of its copies are told as what they are."""
    found = match(pa.array([one.text for one in planted], pa.large_string()), state)
    counts: Counter[tuple[str, str]] = Counter()
    for line, one in enumerate(planted):
        counts[one.edit, "n"] += 1
        told = found.of.get(line)
        if told is not None and (told.benchmark, told.item) == one.item:
            counts[one.edit, "copy" if told.kind in COPIES else told.kind] += 1
    rows = []
    for name, edit in EDITS.items():
        n, as_copy, as_variant = (counts[name, what] for what in ("n", "copy", "variant"))
        right = as_variant if edit.expected == "variant" else as_copy
        bounds = wilson_interval([right], [n])
        rows.append(Recall(name, edit.expected, n, as_copy, as_variant, *(float(x[0]) for x in bounds)))
    return rows
