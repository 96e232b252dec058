"""The item index: the candidates it finds, compared with the plain reading in oracles_items.py."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import oracles
import oracles_items
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles_items import Candidate, Rarity

from curate.kernels.item_index import (
    CANDIDATE,
    WINDOW,
    Background,
    ItemIndex,
    candidates,
    open_item_index,
    phrase_hashes,
    write_item_index,
)
from curate.kernels.native import Texts

STOCK = ("find", "the", "least", "value")
RARITY = Rarity(
    {
        "the": 0,
        "of": 0,
        "a": 0,
        "find": 12,
        "least": 90,
        "value": 70,
        "7": 40,
        "2": 15,
        "+": 25,
        "=": 0,
        "x": 45,
    },
    600,
    frozenset([STOCK, ("7", "+", "x", "=")]),
)
"""Words that weigh nothing, little and much; every other word weighs 600."""
KNOWN = [*RARITY.weights, "cube", "sphere", "torus", "prism", "disc", "ring", "12", "80", "面", "é"]


def word(number: int) -> str:
    """A word of letters: a token, and content."""
    return f"w{chr(97 + number // 26)}{chr(97 + number % 26)}"


def background(rarity: Rarity) -> Background:
    """The same weights as the index takes them."""
    weights = dict(sorted((oracles.token_hash(token), weight) for token, weight in rarity.weights.items()))
    four = np.array([0, 4])
    phrases = [np.array([oracles.token_hash(token) for token in gram], np.uint64) for gram in rarity.stock]
    stock = sorted(int(phrase_hashes(phrase, four)[0][0]) for phrase in phrases)
    hashes, values = np.array(list(weights), np.uint64), np.array(list(weights.values()), np.uint32)
    return Background(hashes, values, rarity.rare, np.array(stock, np.uint64))


def build(
    items: Sequence[str | None], folder: Path, share: float = 0.42, rarity: Rarity = RARITY
) -> ItemIndex:
    """Index of the items."""
    path = folder / f"{len(list(folder.glob('*.words')))}.words"
    write_item_index(Texts(pa.array(items, pa.large_string())), background(rarity), share, path)
    return ItemIndex(path)


def found(texts: Sequence[str | None], index: ItemIndex, most: int = 4) -> list[list[Candidate]]:
    """What the kernel finds, in the terms of the oracle."""
    best, n_tokens = candidates(Texts(pa.array(texts, pa.large_string())), index, most)
    assert best.shape == (len(texts), most)
    assert best.dtype == CANDIDATE
    assert n_tokens.tolist() == [len(tokens_of(text or "")) for text in texts]
    lines = [[Candidate(*one) for one in line] for line in best.tolist()]
    for line in lines:
        n_found = sum(one.item >= 0 for one in line)
        assert line[n_found:] == [Candidate(-1, 0, 0, 0)] * (most - n_found)
    return [[one for one in line if one.item >= 0] for line in lines]


def tokens_of(text: str) -> list[str]:
    """Tokens as the index counts them."""
    return oracles.tokens(text, "math")


def expected(
    texts: Sequence[str | None],
    items: Sequence[str | None],
    share: float = 0.42,
    most: int = 4,
    rarity: Rarity = RARITY,
) -> list[list[Candidate]]:
    """What the oracle finds."""
    return oracles_items.candidates(texts, items, rarity, share, most, tokens_of)


a_text = st.one_of(
    st.none(), st.just(""), st.lists(st.sampled_from(KNOWN), max_size=16).map(" ".join), st.text(max_size=20)
)


@settings(max_examples=300)
@given(
    items=st.lists(a_text, max_size=7),
    texts=st.lists(a_text, max_size=5),
    share=st.sampled_from([0.1, 0.42, 0.6, 1.0]),
    most=st.integers(1, 5),
)
def test_short_texts_equal_the_plain_reading(
    items: list[str | None],
    texts: list[str | None],
    share: float,
    most: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Every candidate of every text equals that of laying every item beside every window."""
    index = build(items, tmp_path_factory.mktemp("index"), share)
    texts = [*texts, *items]
    assert found(texts, index, most) == expected(texts, items, share, most)


def test_a_command_is_no_content_whatever_other_items_say(tmp_path: Path) -> None:
    """LaTeX commands are signs: words in another order do not lead to them, though other items have them as prose."""
    names = ["cube", "sphere", "torus", "prism", "disc", "ring"]
    prose, commands = " ".join(names), " ".join(f"\\{name}" for name in names)
    turned = " ".join(names[::-1])
    assert [one.item for one in found([turned], build([commands, prose], tmp_path))[0]] == [1]
    for items in ([commands], [prose, commands], [commands, prose]):
        mine = items.index(commands)
        there = found([turned, prose, commands], build(items, tmp_path))
        assert [mine in [one.item for one in line] for line in there] == [False, True, True]


def edited(words: list[str], rng: random.Random) -> list[str]:
    """A text made from an item: words left out, exchanged, put in, turned round or mixed."""
    kept = [word for word in words if rng.random() > 0.15]
    kept = [rng.choice(KNOWN) if rng.random() < 0.1 else word for word in kept]
    cut = rng.randint(0, len(kept))
    how = rng.randint(0, 3)
    if how == 0:
        kept = kept[cut:] + kept[:cut]
    elif how == 1:
        rng.shuffle(kept)
    elif how == 2:
        kept[cut:cut] = rng.choices([*KNOWN, "other"], k=rng.randint(0, 40))
    return kept


@settings(max_examples=120)
@given(
    seed=st.integers(0, 2**32),
    own_words=st.sampled_from([0, 3, 30]),
    share=st.sampled_from([0.2, 0.42]),
    most=st.sampled_from([1, 2, 4]),
)
def test_long_texts_equal_the_plain_reading(
    seed: int, own_words: int, share: float, most: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Texts of several chunks; items of every level, with repeated words and stock phrases, in part and whole."""
    rng = random.Random(seed)
    vocabulary = KNOWN + [word(i) for i in range(own_words)]
    items = []
    for size in (
        3,
        9,
        12,
        30,
        70,
        76,
        90,
        170,
    ):  # from 75 and 155 tokens on: levels 1 and 2
        words = rng.choices(vocabulary, k=rng.randint(size // 2, size))
        words[0:0] = STOCK if rng.random() < 0.3 else []
        items.append(words)
    items.append(list(items[1]))  # a tie
    texts = []
    for _ in range(4):
        words = []
        for _ in range(rng.randint(1, 4)):
            words += rng.choices(
                rng.choice([KNOWN, ["other", "the", "7"], ["other"]]), k=rng.choice([0, 5, 60, 120, 250])
            )
            words += edited(rng.choice(items), rng)
        texts.append(" ".join(words))
    texts_of_items = [" ".join(words) for words in items]
    index = build(texts_of_items, tmp_path_factory.mktemp("index"), share)
    assert found(texts, index, most) == expected(texts, texts_of_items, share, most)


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_an_item_is_found_wherever_it_lies(
    seed: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An item planted at any place of 10,000 tokens is found there, from its first rare word to its last."""
    rng = random.Random(seed)
    size = data.draw(st.sampled_from([6, 40, 74, 75, 100, 300]))
    item = [word(rng.randint(0, size)) if rng.random() < 0.7 else "the" for _ in range(size - 2)]
    item = ["start", *item, "end"]
    at = data.draw(st.integers(0, 10_000 - size))
    near_a_chunk = st.integers(-size - 1, 1).map(lambda d: max(0, d + 128 * rng.randint(1, 70)))
    at = data.draw(st.one_of(st.just(at), near_a_chunk))
    noise = rng.choices(["the", "value", "other", "thing", "7"], k=10_000 - size)
    index = build([" ".join(item), "value other thing of another kind"], tmp_path_factory.mktemp("index"))
    [line] = found([" ".join([*noise[:at], *item, *noise[at:]])], index)
    assert [one for one in line if one.item == 0] == [Candidate(0, 2000, at, at + size)]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32))
def test_what_is_found_of_an_item_does_not_depend_on_the_others(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An index of one item finds the window, and the score, that an index of many finds."""
    rng = random.Random(seed)
    items = [" ".join(rng.choices(KNOWN, k=rng.choice([5, 10, 40, 90]))) for _ in range(6)]
    pieces = [*items, *(" ".join(rng.choices(["other", *KNOWN], k=100)) for _ in range(4))]
    texts = [" ".join(rng.sample(pieces, 3)) for _ in range(4)]
    folder = tmp_path_factory.mktemp("index")
    together = found(texts, build(items, folder), len(items))
    for number, item in enumerate(items):
        alone = found(texts, build([item], folder), 1)
        assert alone == [[one._replace(item=0) for one in line if one.item == number] for line in together]


def test_a_window_is_looked_for_to_the_end_of_the_text(tmp_path: Path) -> None:
    """Words after a window that no item has do not hide it: with an item that has them the same is found."""
    item = [word(i) for i in range(10)]
    text = " ".join([*item[::-1], *["the"] * 140, *item[:9], *["other"] * 200])
    alone = found([text], build([" ".join(item)], tmp_path))
    beside = found([text], build([" ".join(item), "other cube ring disc"], tmp_path))
    assert alone == beside == [[Candidate(0, 1800, 150, 159)]]


def test_a_text_gives_the_same_alone_in_slices_and_in_chunks(tmp_path: Path) -> None:
    """Candidates of a text do not depend on the texts before it, the kind of string, nulls or the chunks."""
    rng = random.Random(1)
    items = [" ".join(rng.choices(KNOWN, k=k)) for k in (6, 20, 90, 8, 0)]
    texts = [*items, None, "e\u0301 " + items[1], items[2] * 4, "", "ﬁ " + items[0], items[3].upper()] * 3
    index = build(items, tmp_path)
    whole, n_tokens = candidates(Texts(pa.array(texts, pa.large_string())), index, 4)
    assert (whole["item"] >= 0).any(axis=1).sum() >= 3 * 7
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        part = pa.array(["before", *texts, "after"], kind).slice(1, len(texts))
        assert candidates(Texts(part), index, 4)[0].tolist() == whole.tolist()
    chunked = pa.chunked_array([texts[:5], [], texts[5:6], texts[6:]], pa.large_string())
    assert candidates(Texts(chunked), index, 4)[0].tolist() == whole.tolist()
    for place in (0, 2, 5, 7, 30):
        one, size = candidates(Texts(pa.array([texts[place]], pa.large_string())), index, 4)
        assert (one[0].tolist(), size[0]) == (whole[place].tolist(), n_tokens[place])
    back, _ = candidates(Texts(pa.array(texts[::-1], pa.large_string())), index, 4)
    assert back[::-1].tolist() == whole.tolist()


def test_threads_share_one_index(tmp_path: Path) -> None:
    """Several threads on one index find what one thread finds; a file is opened once."""
    items = [f"cube ring torus {word(i)} prism" for i in range(50)]
    path = tmp_path / "items.words"
    write_item_index(Texts(pa.array(items, pa.large_string())), background(RARITY), 0.42, path)
    index = open_item_index(path)
    assert open_item_index(path) is index
    batches = [Texts(pa.array(items[i:] + items[:i], pa.large_string())) for i in range(20)]
    alone = [candidates(batch, index, 4)[0].tolist() for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda batch: candidates(batch, index, 4)[0].tolist(), batches)) == alone


def test_the_file_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    """An index written twice, and from a sliced column, is the same file."""
    items = pa.array(["cube of 7", None, "", "ring + torus"] * 20, pa.large_string())
    padded = pa.concat_arrays([pa.array(["x"], pa.large_string()), items]).slice(1)
    for name, column in (("a", items), ("b", items), ("c", padded)):
        write_item_index(Texts(column), background(RARITY), 0.42, tmp_path / name)
    assert len({(tmp_path / name).read_bytes() for name in "abc"}) == 1


def test_an_item_whose_words_weigh_nothing_has_no_candidate(tmp_path: Path) -> None:
    """Items of common words only, without text or without a token are not found, not even in themselves."""
    items = ["the value of a", "the of a", "", None, "?."]
    index = build(items, tmp_path)
    assert index.total.tolist() == [70, 0, 0, 0, 0]
    assert [[one.item for one in line] for line in found(items, index)] == [[0], [], [], [], []]


def test_no_items_and_no_texts(tmp_path: Path) -> None:
    """An index of no item finds nothing; no text gives no line."""
    assert found(["cube", None], build([], tmp_path)) == [[], []]
    assert found([], build(["cube ring torus"], tmp_path)) == []


def test_ties_go_to_the_smaller_item(tmp_path: Path) -> None:
    """Of items with the same score the first ones are named, in their order."""
    index = build(
        ["ring torus prism", "cube disc sphere", "sphere cube disc", "Cube, disc; sphere."], tmp_path
    )
    assert [one.item for one in found(["cube disc sphere"], index, 4)[0]] == [1, 3, 2]
    assert [one.item for one in found(["cube disc sphere"], index, 1)[0]] == [1]


def test_the_nearer_of_two_windows_counts(tmp_path: Path) -> None:
    """Of two places of an item the better one is told, and of two equal ones the first."""
    item = "cube disc sphere prism torus ring"
    index = build([item], tmp_path)
    noise = " other" * 200
    texts = {
        f"cube disc sphere prism{noise} {item}{noise}": [Candidate(0, 2000, 204, 210)],
        f"{item}{noise} {item}": [Candidate(0, 2000, 0, 6)],
        f"cube disc{noise} sphere prism{noise} torus ring": [],
    }
    assert {text: found([text], index)[0] for text in texts} == texts


def test_the_weight_of_a_word_is_its_highest(tmp_path: Path) -> None:
    """A word that is in a stock phrase at one place of an item only weighs what it weighs at the others."""
    index = build(["find the least value cube", "find the least value of value"], tmp_path)
    assert index.total.tolist() == [12 + 30 + 30 + 600, 12 + 30 + 70]


@pytest.mark.parametrize("item_tokens", [10, 200])
def test_long_texts_take_time_in_proportion(item_tokens: int, tmp_path: Path) -> None:
    """A text twice as long, every word of which leads to items, takes about twice as long."""
    rng = random.Random(5)
    words = [word(i) for i in range(40)]
    index = build([" ".join(rng.choices(words, k=item_tokens)) for _ in range(30)], tmp_path)

    def seconds(n_tokens: int) -> float:
        texts = Texts(pa.array([" ".join(rng.choices(words, k=n_tokens))], pa.large_string()))
        began = time.process_time()
        candidates(texts, index, 4)
        return time.process_time() - began

    seconds(1000)
    assert seconds(40_000) < 6 * seconds(20_000) + 0.2


def test_levels_double(tmp_path: Path) -> None:
    """The longest item whose window is of the first level has 74 tokens, and chance gives longer ones less."""
    assert WINDOW == oracles_items.WINDOW
    words = ["12", "80", *map(word, range(200))]
    for size, least in ((74, 0.42), (75, 0.5)):
        index = build([" ".join(words[:size])], tmp_path)
        half = int(np.ceil(size * least))
        texts = [" ".join(words[: half - 1]), " ".join(words[:half])]
        assert [bool(line) for line in found(texts, index)] == [False, True], size
