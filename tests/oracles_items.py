"""What the item index must find, said plainly: every item beside every window of every text, in turn."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

STOCK_WEIGHT = 30  # what a word in a stock phrase weighs at most, and any word in order at least
PHRASE = 4  # tokens of a stock phrase
WINDOW = 128  # tokens of the longest window of level 0; of every further level, twice as many


def is_content(token: str) -> bool:
    """Whether a token says what a text is about: it has three letters or more, or is an ideograph."""
    return token[0].isalpha() and (len(token) >= 3 or token >= "\u2e80")


class Rarity(NamedTuple):
    """What tokens weigh."""

    weights: Mapping[str, int]
    rare: int  # of every token that is not in `weights`
    stock: frozenset[tuple[str, ...]]

    def of(self, tokens: Sequence[str]) -> list[int]:
        """The weight of each token; little of signs and short words, and in a stock phrase."""
        found = [self.weights.get(token, self.rare) for token in tokens]
        for place, token in enumerate(tokens):
            if not (is_content(token) or token.isdecimal()):
                found[place] = min(found[place], STOCK_WEIGHT)
        for start in range(len(tokens) - PHRASE + 1):
            if tuple(tokens[start : start + PHRASE]) in self.stock:
                for place in range(start, start + PHRASE):
                    found[place] = min(found[place], STOCK_WEIGHT)
        return found


class Item(NamedTuple):
    """One benchmark item, and what it asks of a window."""

    tokens: list[str]
    in_order: list[int]  # what each token weighs in order
    words: dict[str, int]  # distinct tokens that weigh anything
    content: dict[str, int]  # those of them that say what it is about; none if these are too few
    numbers: set[str]
    window: int  # tokens
    step: int  # a chunk of a text is twice as long, and the next begins so many tokens later
    needed: int  # weight of its words in the window
    least_in_order: int  # thousandths

    @property
    def total(self) -> int:
        """Weight of all its words."""
        return sum(self.words.values())


class Candidate(NamedTuple):
    """An item that a text may hold, in its tokens [first, end)."""

    item: int
    score: int
    first: int
    end: int


def item_of(tokens: list[str], rarity: Rarity, share: float) -> Item:
    """What an item asks of a window that has `share` of it."""
    weights = rarity.of(tokens)
    words: dict[str, int] = {}
    for token, weight in zip(tokens, weights, strict=True):
        if weight:
            words[token] = max(weight, words.get(token, 0))
    content = {word: weight for word, weight in words.items() if weight > STOCK_WEIGHT and is_content(word)}
    window, step = len(tokens) * 8 // 5 + 10, WINDOW
    while window > step:
        step *= 2
    return Item(
        tokens,
        [max(weight, STOCK_WEIGHT) for weight in weights],
        words,
        content if len(content) >= 5 else {},
        {word for word in words if word.isdecimal()},
        window,
        step,
        max(1, math.ceil(sum(words.values()) * (max(share, 0.5) if step > WINDOW else share))),
        500 if len(content) >= 5 else 600,
    )


def in_order(item: Item, tokens: Sequence[str]) -> int:
    """Weight of the item's tokens that end a longer common subsequence of its beginning and `tokens`."""
    before = [0] * (len(tokens) + 1)
    weight = 0
    for token, its_weight in zip(item.tokens, item.in_order, strict=True):
        lengths = [0]
        for place, other in enumerate(tokens):
            longer = before[place] + 1 if other == token else 0
            lengths.append(max(longer, before[place + 1], lengths[place]))
        weight += its_weight if lengths[-1] > before[-1] else 0
        before = lengths
    return weight


def heaviest_window(item: Item, tokens: Sequence[str], places: list[int]) -> tuple[int, int, int]:
    """(weight, first, end) of the heaviest part that begins and ends with a word of the item."""
    if places[-1] + 1 - places[0] <= item.window:
        return sum(item.words[word] for word in {tokens[i] for i in places}), places[0], places[-1] + 1
    best = (0, 0, 0)
    for last in places:
        inside = [i for i in places if last - item.window < i <= last]
        weight = sum(item.words[word] for word in {tokens[i] for i in inside})
        if weight > best[0]:
            best = (weight, inside[0], last + 1)
    return best


def score(item: Item, tokens: Sequence[str], weight: int, first: int, end: int) -> int:
    """How near the item is to the window, 0 if it cannot be there."""
    margin = len(item.tokens) // 4 + 5
    around = tokens[max(0, first - margin) : end + margin]
    common, all_of_it = in_order(item, around), sum(item.in_order)
    held = set(around)
    content = sum(weight for word, weight in item.content.items() if word in held)
    least = 60 if len(item.numbers) < 2 else 40
    reworded = (
        bool(item.content)
        and 100 * content >= least * sum(item.content.values())
        and 100 * len(item.numbers & held) >= 65 * len(item.numbers)
    )
    if not reworded and 1000 * common < item.least_in_order * all_of_it:
        return 0
    thousandths = 1000 * common // all_of_it
    return thousandths + 1000 * weight // item.total if thousandths else 0


def candidates_of(tokens: list[str], items: Sequence[Item], most: int) -> list[Candidate]:
    """The nearest items, best first; of equals the smaller one; of an item its best window, the first of equals."""
    found = []
    for number, item in enumerate(items):
        best = Candidate(number, 0, 0, 0)
        for start in range(0, len(tokens), item.step):
            end_of_chunk = min(start + 2 * item.step, len(tokens))
            places = [i for i in range(start, end_of_chunk) if tokens[i] in item.words]
            if places:
                weight, first, end = heaviest_window(item, tokens, places)
                if weight >= item.needed and (value := score(item, tokens, weight, first, end)) > best.score:
                    best = Candidate(number, value, first, end)
            if end_of_chunk == len(tokens):
                break
        if best.score:
            found.append(best)
    return sorted(found, key=lambda one: (-one.score, one.item))[:most]


def candidates(
    texts: Sequence[str | None],
    items: Sequence[str | None],
    rarity: Rarity,
    share: float,
    most: int,
    tokens_of: Callable[[str], list[str]],
) -> list[list[Candidate]]:
    """The `most` nearest items of every text."""
    indexed = [item_of(tokens_of(text or ""), rarity, share) for text in items]
    return [candidates_of(tokens_of(text or ""), indexed, most) for text in texts]
