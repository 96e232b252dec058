"""What the n-gram index must compute, said plainly: sets of token tuples, every item compared in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

ANYWHERE = 4  # an item of fewer than n tokens is looked for anywhere from this many tokens on


class Match(NamedTuple):
    """What a row shares with the benchmark item it shares the largest part of."""

    n_tokens: int
    hits: int  # positions of the row at which an indexed n-gram, or the whole of a short item, begins
    item: int | None
    shared: int
    item_ngrams: int
    row_span: tuple[int, int] | None  # tokens, half open: first to last shared n-gram
    item_span: tuple[int, int] | None

    @property
    def containment(self) -> float:
        """Share of the item's distinct n-grams that the row has."""
        return self.shared / self.item_ngrams if self.item_ngrams else 0.0


def item_grams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """N-grams of an item in order; an item of fewer than n tokens is one gram, an empty one none."""
    if len(tokens) < n:
        return [tuple(tokens)] if tokens else []
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def row_grams(tokens: Sequence[str], n: int) -> list[tuple[int, tuple[str, ...]]]:
    """(position, gram) of everything in a row that may match an item."""
    lengths = [n, *range(ANYWHERE, n)]
    grams = [
        (i, tuple(tokens[i : i + m])) for m in dict.fromkeys(lengths) for i in range(len(tokens) - m + 1)
    ]
    if 0 < len(tokens) < min(ANYWHERE, n):
        grams.append((0, tuple(tokens)))
    return grams


def scan(
    texts: Sequence[str | None],
    items: Sequence[str | None],
    n: int,
    tokens_of: Callable[[str], list[str]],
) -> list[Match]:
    """The best item of every text: largest containment, then most shared n-grams, then smallest id."""
    by_item = [item_grams(tokens_of(item or ""), n) for item in items]
    indexed = {gram for grams in by_item for gram in grams}
    found = []
    for text in texts:
        tokens = tokens_of(text or "")
        mine = [(i, gram) for i, gram in row_grams(tokens, n) if gram in indexed]
        have = {gram for _, gram in mine}
        best = Match(len(tokens), len({i for i, _ in mine}), None, 0, 0, None, None)
        for item, grams in enumerate(by_item):
            shared = have & set(grams)
            match = best._replace(item=item, shared=len(shared), item_ngrams=len(set(grams)))
            if not shared or (match.containment, match.shared) <= (best.containment, best.shared):
                continue
            in_row = [(i, i + len(gram)) for i, gram in mine if gram in shared]
            in_item = [(i, i + len(gram)) for i, gram in enumerate(grams) if gram in shared]
            best = match._replace(
                row_span=(min(in_row)[0], max(end for _, end in in_row)),
                item_span=(min(in_item)[0], max(end for _, end in in_item)),
            )
        found.append(best)
    return found
