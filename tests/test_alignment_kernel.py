"""The kernel that lays items beside texts: it tells what the plain reading in oracles_alignment.py tells."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import oracles_alignment
import oracles_words
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles_vocabulary import COMMANDS, EXCHANGES, NUMBER_WORDS

from curate.benchmarks.alignment import alignments
from curate.benchmarks.background import background
from curate.benchmarks.edits import EDITS, PLAIN
from curate.benchmarks.matching import CANDIDATES, SHARE
from curate.kernels.item_align import content_shared, without_drawings
from curate.kernels.item_index import CANDIDATE, TOKENIZER, ItemIndex, candidates, write_item_index
from curate.kernels.native import Texts
from curate.kernels.text import token_counts

Windows = list[list[tuple[int, int, int]]]

PROSE = [
    "a",
    "farmer",
    "keeps",
    "goats",
    "and",
    "sheep",
    "on",
    "the",
    "meadow",
    "near",
    "river",
    "every",
    "goat",
    "eats",
    "kilograms",
    "of",
    "hay",
    "per",
    "day",
    "find",
    "how",
    "many",
    "does",
    "need",
    "for",
    "days",
    "ladder",
    "leans",
    "against",
    "wall",
    "its",
    "foot",
    "slides",
    "determine",
    "speed",
    "at",
    "which",
    "top",
    "descends",
    "not",
    "some",
    "n",
    "boxes",
    "box",
    "filled",
    "filling",
    "kilogrmas",
    "meadwo",
    "relatively",
    "prime",
    "positive",
    "integers",
    "express",
    "your",
    "answer",
    "as",
    "common",
]
ODD = [
    *["0", "1", "2", "3", "7", "10", "12", "13", "3.5", "3.50", "0.5", "1,000", "1000", "1,00", "1.2.3", ",4", "5.", "007", "x2", "x_1", "x^2", "٣", "٣٤", "३", "½", "²", "１２", "½½"],
    *["one", "two", "five", "twenty", "hundred", "thousand", "twenty-five", "one-hundred", "One", "TWO", "three\xad", "ﬁnd", "ﬁfty", "ß", "STRASSE"],
    *["$ABC$", "$AB$", "$x$", "y", "r", "R", "$B$", "BANANAS", "LETTERS", "Bananas", "Éa", "alpha", "\\alpha", "\\varepsilon", "\\beta", "\\Delta", "k"],
    *["+", "-", "−", "*", "∗", "/", "∕", "⁄", "=", "<", ">", "≤", "\\leq", "\\le", "\\times", "×", "∣", "|", "!", "(", ")", "[", "]", "#", "&", "^", "%", "\\lt", "\\cdot", "\\dfrac", "\\frac{1}{2}", "\\sqrt"],
    *["&lt;", "&gt;", "&amp;", "&#39;", "&#x2f;", "&nbsp;", "&x;", "&#;", "<b>", "</b>", "<br/>", "<br>", "<1>", "<a", "<<", "<<48/2=24>>", "<<1>>"],
    "<a href='two 3'>", '<p class="x y" id=7 >', "<i a=b/>", '<i a="b c=d">', "<i a='>", "< b and c >", "<a b>",
    "#### 18", "#### -$1,200.5\n", "####7\n", "#### 3.", "##### 5", "#### x", "#### 1 ", "$xy$", "$pq", "+uv", "ab^2", "\\pi^2", "cd", "a", "A",
    "$a$", "$A", "C", "$C$", "c", "$c$", "\\begin{asy} 7 \\end{asy}", "\\begin{asy}", "{asy}",
    "[asy] draw 2,000 (0,0) [/asy]", "[asy]", "[/asy]", "\\begin{tikzpicture} 5 \\end{tikzpicture}", "tikzpicture",
    *["面", "积", "甲乙", "已知", "ひ", "。", "？", ".", "?", "!", ";", "'", "´m", "é", "\u200b", "😀", "\x00"], "\n", "",
]  # fmt: skip
WORDS = [
    *PROSE, *PROSE, *ODD, *COMMANDS, *NUMBER_WORDS, *(word for group in EXCHANGES for word in group.split())
]  # fmt: skip


def column(texts: Sequence[str | None]) -> Texts:
    """Texts as the kernels read them."""
    return Texts(pa.array(texts, pa.large_string()))


def told(texts: Texts, items: Texts, windows: Windows) -> list[tuple[object, ...] | None]:
    """What the kernel tells of each text: the item, items laid beside it, and the rest in the oracle's order."""
    most = max([1, *map(len, windows)])
    best = np.full((texts.size, most), np.array((-1, 0, 0, 0), dtype=CANDIDATE))
    for line, some in enumerate(windows):
        for place, (item, first, end) in enumerate(some):
            best[line, place] = (item, 1000, first, end)
    found: list[tuple[object, ...] | None] = [None] * texts.size
    for one in alignments(texts, items, best):
        found[one.line] = (
            one.item, one.hits, one.kind, one.alignment, one.share, one.numbers_agree, one.why,
            one.row_tokens, one.item_tokens,
        )  # fmt: skip
    return found


def expected(texts: Texts, items: Texts, windows: Windows) -> list[tuple[object, ...] | None]:
    """The same by the plain reading."""
    found: list[tuple[object, ...] | None] = []
    for line, some in enumerate(windows):
        one = oracles_alignment.nearest(texts, line, items, some, background())
        found.append(None if one is None else (one[0], one[1], *one[2][:-1]))
    return found


def a_text(rng: random.Random, size: int, ends: float = 0.1) -> list[str]:
    """Words and odd pieces, now and then the end of a sentence."""
    some = rng.choices(rng.choice([WORDS, PROSE, [*PROSE, *ODD]]), k=size)
    return [word + (rng.choice([". ", "? ", "\n", "; "]) if rng.random() < ends else "") for word in some]


def edited(words: list[str], rng: random.Random) -> list[str]:
    """A text made from an item: words left out, exchanged, misspelt, put in, letters renamed, sentences moved."""
    rate = rng.choice([0, 0.05, 0.2, 0.5])
    made = []
    for word in words:
        chance = rng.random()
        if chance > rate:
            made.append(word)
        elif chance < rate / 4:
            made += [rng.choice(WORDS)] * rng.randint(0, 2)
        elif chance < rate / 2 and len(word) > 3:
            at = rng.randint(0, len(word) - 2)
            made.append(word[:at] + word[at + 1] + word[at] + word[at + 2 :])
        elif chance < 0.75 * rate:
            made += [word, *rng.choices(WORDS, k=rng.choice([1, 6, 12]))]
    if rng.random() < 0.3:
        cut = rng.randint(0, len(made))
        made = made[cut:] + made[:cut]
    if rng.random() < 0.4:
        letters = dict(zip("ABCxyrRn", rng.sample("PQRSTuvwxyzABC", 8), strict=True))
        made = [
            word.translate(str.maketrans(letters)) if "$" in word or len(word) == 1 else word for word in made
        ]
    return [*a_text(rng, rng.choice([0, 0, 3, 40])), *made, *a_text(rng, rng.choice([0, 0, 3, 40]))]


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32), most=st.integers(1, 4))
def test_the_kernel_tells_what_the_plain_reading_tells(seed: int, most: int) -> None:
    """Item, kind, why, shares and places are equal, for texts of odd pieces made from the items, in any window."""
    rng = random.Random(seed)
    items = [a_text(rng, rng.choice([1, 4, 12, 30, 70, 140])) for _ in range(4)]
    rows = [edited(rng.choice(items), rng) for _ in range(4)]
    texts, of_items = (
        column([rng.choice([" ", " ", "  "]).join(one) for one in some]) for some in (rows, items)
    )
    windows: Windows = []
    for size in token_counts(texts, TOKENIZER).tolist():
        some = []
        for _ in range(rng.randint(0, most)):
            first = rng.choice([0, rng.randint(0, size)])
            some.append((rng.randrange(4), first, rng.choice([size, rng.randint(first, size)])))
        windows.append(some)
    assert told(texts, of_items, windows) == expected(texts, of_items, windows)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_any_unicode_is_read_as_plainly(data: st.DataObject) -> None:
    """Texts of any characters, laid beside each other."""
    some = st.one_of(st.text(max_size=12), st.sampled_from(ODD))
    texts = column(data.draw(st.lists(st.lists(some, max_size=8).map(" ".join), min_size=2, max_size=4)))
    size = token_counts(texts, TOKENIZER).tolist()
    windows = [
        [(other, 0, end) for other in range(texts.size) if other != line] for line, end in enumerate(size)
    ]
    assert told(texts, texts, windows) == expected(texts, texts, windows)
    pairs = [(line, other) for line in range(texts.size) for other in range(texts.size)]
    lines, which = (np.array(side, np.int64) for side in zip(*pairs, strict=True))
    shared = content_shared(texts, texts, background(), lines, which)
    assert shared.tolist() == [
        oracles_alignment.content_shared(texts, line, texts, other, background()) for line, other in pairs
    ]


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(
        st.one_of(st.none(), st.lists(st.sampled_from([*ODD, "goat " * 12]), max_size=12).map("".join)),
        max_size=4,
    )
)
def test_drawings_are_blanked_where_words_stand_beside_them(texts: list[str | None]) -> None:
    """A blank for every character of a drawing, the same length, the text itself where too few words are left."""
    before = pa.array([*texts, "sliced off"], pa.large_string())[: len(texts)]
    blanked = without_drawings(before).to_pylist()
    assert blanked == [oracles_words.without_drawings(text or "") for text in texts]
    assert [len(text) for text in blanked] == [len(text or "") for text in texts]


def test_signs_that_look_alike_are_one_as_they_are_to_the_tokenizer() -> None:
    """A minus sign is a hyphen, a soft hyphen is nothing: what is told does not depend on them."""
    plain = "For real x the value x - 3 times (x - 8) / 2 is positive. Find the smallest integer x > 9 that is odd."
    other = plain.replace("-", "−").replace("/", "∕").replace("smallest", "small\u00adest")
    assert other != plain
    for item, text in ((plain, other), (other, plain)):
        size = int(token_counts(column([text]), TOKENIZER)[0])
        [found] = told(column([text]), column([item]), [[(0, 0, size)]])
        assert found is not None
        assert found[2:4] == ("verbatim", 1.0)


def test_strings_named_need_no_more_room_than_they_have() -> None:
    """Words in capitals longer than all the room there is at first are told whole, for every line."""
    names = [letter * 1500 for letter in "ABCDEFGH"]
    item = "How many arrangements of the letters of {} begin with a vowel and end with a consonant of another pair?"
    texts = column([item.format(name) for name in names])
    size = token_counts(texts, TOKENIZER).tolist()
    found = told(texts, column([item.format("Z" * 1500)]), [[(0, 0, end)] for end in size])
    assert [one and one[6] for one in found] == [f"{'Z' * 1500} became {name}" for name in names]


def test_no_texts_no_items_and_texts_without_a_token() -> None:
    """Nothing is told where there is nothing to lay beside."""
    assert told(column([]), column([]), []) == []
    assert told(column(["", None, "?."]), column(["goat"]), [[(0, 0, 0)], [], [(0, 0, 0)]]) == [None] * 3
    assert told(column(["goat"]), column([""]), [[(0, 0, 1)]]) == [None]


@pytest.mark.parametrize(
    "text",
    [
        '<a b="1"' + ' b="1"' * 100_000 + "<",
        "<a " * 300_000,
        "&#" * 400_000,
        "<<1" * 300_000,
        "[asy]" * 200_000,
        "one hundred " * 80_000,
        "1,000," * 100_000,
        "x" * 1_000_000,
    ],
    ids=lambda text: text[:12],
)
def test_long_texts_take_time_in_proportion(text: str) -> None:
    """Tags that never close, references that never end, and words and numbers without end are read once."""
    texts = column([f"{text} a farmer keeps 24 goats and 36 sheep near the river"])
    size = int(token_counts(texts, TOKENIZER)[0])
    began = time.process_time()
    [found] = told(
        texts, column(["a farmer keeps 24 goats and 36 sheep near the river"]), [[(0, size - 5, size)]]
    )
    assert found is not None
    assert time.process_time() - began < 2


def texts_of(path: Path, name: str, every: int = 1) -> list[str]:
    """Texts of a file, every so many."""
    found: list[str] = pq.read_table(path, columns=[name])[name].to_pylist()
    return [text for text in found[::every] if text]


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("sets", "corpus", "every"),
    [
        (["math_500", "aime_2024", "hmmt_feb_2025", "mmlu_stem"], "dapo_math_25k", 60),
        (["livecodebench_v6", "humaneval", "mbpp"], "doocs_leetcode", 100),
        (["gsm8k_test", "svamp"], "gsm8k_train", 20),
        (["cmath", "olymmath_zh_easy"], "chat_mix_small", 30),
    ],
)
def test_real_candidates_are_told_as_plainly(
    sets: list[str], corpus: str, every: int, shared_data: Path, tmp_path: Path
) -> None:
    """Candidates of real texts, and of planted edits of the items, are what the plain reading says they are."""
    found = [texts_of(shared_data / "benchmarks" / f"{name}.parquet", "problem") for name in sets]
    items = [text for some in found for text in some]
    rows = texts_of(shared_data / "corpora" / f"{corpus}.parquet", "query", every)
    for number, (name, edit) in enumerate(sorted(EDITS.items())):
        for text in items[number :: max(1, len(items) // 6)]:
            made = edit.apply(text, random.Random(f"{name} {number}"), PLAIN)
            rows += [made] if made else []
    write_item_index(
        Texts(without_drawings(column(items).array)), background(), SHARE, tmp_path / "items.words"
    )
    texts, of_items = column(rows), column(items)
    best, _ = candidates(texts, ItemIndex(tmp_path / "items.words"), CANDIDATES)
    windows = [[(item, first, end) for item, _, first, end in line if item >= 0] for line in best.tolist()]
    assert sum(map(bool, windows)) > 50
    assert told(texts, of_items, windows) == expected(texts, of_items, windows)
