"""How a text longer than a model's context is read: in windows that overlap, each token counted once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curate.errors import InputError


class Window(NamedTuple):
    """A stretch of tokens that the model reads at once."""

    start: int
    end: int
    first: int
    """The first token counted; those before it are only read: counted already, or no part of the text."""


def windows(n_tokens: int, first: int, context: int | None, stride: int | None = None) -> list[Window]:
    """The windows in which tokens `first` to `n_tokens - 1` are counted, each once.

    Token 0 has nothing before it and is never counted. A window moves on by `stride` tokens (half a context
    unless told), so that a counted token sees at least `context - stride` tokens before it, or all there are.
    No context: one window. Raises InputError if the stride is not between 1 and the context less 1: a window
    that moved on by a whole context would leave its first token without anything before it.

    >>> windows(10, 2, context=6, stride=3)
    [Window(start=0, end=6, first=2), Window(start=3, end=9, first=6), Window(start=4, end=10, first=9)]
    """
    first = max(first, 1)
    if n_tokens <= first:
        return []
    if context is None or n_tokens <= context:
        return [Window(0, n_tokens, first)]
    stride = context // 2 if stride is None else stride
    check_stride(stride, context)
    found = []
    end = min(n_tokens, max(context, first + stride))
    while True:
        found.append(Window(max(0, end - context), end, first))
        if end == n_tokens:
            return found
        first, end = end, min(n_tokens, end + stride)


def check_stride(stride: int, context: int) -> None:
    """Raise InputError if windows of this context cannot move on by this stride."""
    if not 1 <= stride < context:
        raise InputError(
            f"stride: expected 1 to {context - 1} (the context is {context} tokens), found {stride}"
        )


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Which items go together, longest first: at most `budget` tokens a batch, padding included.

    An item longer than the budget is a batch of its own.

    >>> batches([3, 9, 4, 4], budget=8)
    [[1], [2, 3], [0]]
    """
    made: list[list[int]] = []
    widest = 0
    for index in sorted(range(len(lengths)), key=lambda index: (-lengths[index], index)):
        if not made or (len(made[-1]) + 1) * widest > budget:
            made.append([])
            widest = lengths[index]
        made[-1].append(index)
    return made
