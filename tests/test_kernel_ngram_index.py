"""The n-gram index: what it finds, compared with the plain reading in oracles_ngram.py."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import oracles
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles_ngram import Match
from oracles_ngram import scan as plain_scan

from curate.errors import RunError
from curate.kernels import ngram_index
from curate.kernels.native import Texts
from curate.kernels.ngram_index import Index, Item, Tokenizer, open_index, scan, spans, write_index

QUESTION = "Find the number of ordered pairs $(a, b)$ of integers with $a^2 + b^2 < 2024$ and $a < b$."


def build(items: Sequence[str | None], n: int, folder: Path, tokenizer: Tokenizer = "words") -> Index:
    """Index of the items, one benchmark."""
    numbered = [Item("set", str(i), text) for i, text in enumerate(items)]
    return open_index(write_index(numbered, n, tokenizer, folder))


def found(texts: Sequence[str | None], index: Index) -> list[Match]:
    """What the kernel finds, in the terms of the oracle."""
    matches = []
    for row in scan(Texts(pa.array(texts, pa.large_string())), index).tolist():
        n_tokens, hits, item, shared, row_first, row_end, item_first, item_end = row
        if item < 0:
            assert (hits, shared) == (0, 0)
            matches.append(Match(n_tokens, 0, None, 0, 0, None, None))
        else:
            spans = (row_first, row_end), (item_first, item_end)
            matches.append(Match(n_tokens, hits, item, shared, int(index.n_ngrams[item]), *spans))
    return matches


def one(text: str, index: Index) -> Match:
    """What the kernel finds in one text."""
    return found([text], index)[0]


few_words = st.lists(st.sampled_from(["a", "b", "C", "7", "中", "é", "+", ".", "e\u0301"]), max_size=14).map(
    " ".join
)
any_text = st.text(max_size=40)
odd_text = st.text(
    st.sampled_from(
        [*"ab1 \n.,$\\{}", "\u0301", "中", "ﬁ", "½", "\u200d", "가", "\u11a8", "ß", "\0", "😀", "𝟙"]
    ),
    max_size=30,
)
a_text = st.one_of(st.none(), few_words, few_words, any_text, odd_text)


@settings(max_examples=400, deadline=None)
@given(
    items=st.lists(a_text, max_size=8),
    texts=st.lists(a_text, max_size=6),
    n=st.integers(1, 12),
    tokenizer=st.sampled_from(["words", "math"]),
)
def test_equals_the_plain_reading(
    items: list[str | None],
    texts: list[str | None],
    n: int,
    tokenizer: Tokenizer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Every figure of every row equals that of comparing sets of token tuples item by item."""
    index = build(items, n, tmp_path_factory.getbasetemp(), tokenizer)
    assert found(texts, index) == plain_scan(texts, items, n, lambda text: oracles.tokens(text, tokenizer))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.sampled_from([2, 5, 9]))
def test_long_texts_equal_the_plain_reading(
    seed: int, n: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Texts of up to 700 tokens, longer than what the kernel looks up at once, hits at any place."""
    rng = random.Random(seed)
    items = [" ".join(rng.choices("abc", k=rng.randint(4, 20))) for _ in range(6)]
    texts = [" ".join(rng.choices("abcdefghi", k=rng.randint(0, 600))) for _ in range(6)]
    texts += [f"{text} {item} {text[:100]} {item}" for text, item in zip(texts, items, strict=True)]
    index = build(items, n, tmp_path_factory.getbasetemp())
    assert found(texts, index) == plain_scan(texts, items, n, lambda text: oracles.tokens(text, "words"))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), n=st.sampled_from([2, 3, 6]))
def test_stock_phrases_are_counted_exactly(
    data: st.DataObject,
    n: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Grams in more than STOCK items give the same best item as the plain reading, ties included."""
    seed = data.draw(st.integers(0, 2**32))
    rng = random.Random(seed)
    templates = [[rng.choice("abcdefgh") for _ in range(8)] for _ in range(4)]

    def text() -> str:
        words = [word for template in rng.sample(templates, rng.randint(1, 3)) for word in template]
        words += [rng.choice("abcdefghijklmnop") for _ in range(rng.randint(0, 6))]
        start = rng.randint(0, len(words) // 2)
        return " ".join(words[start:])

    items, texts = [text() for _ in range(ngram_index.STOCK * 4)], [text() for _ in range(12)]
    index = build(items, n, tmp_path_factory.getbasetemp())
    assert len(index.sections["stock_grams"]) > 0
    assert found(texts, index) == plain_scan(texts, items, n, lambda text: oracles.tokens(text, "words"))


def test_a_copy_is_found_however_it_is_written(tmp_path: Path) -> None:
    """Case, punctuation, line breaks, text around it and Unicode look-alikes leave containment at 1."""
    index = build(["Some other question about the area of a triangle in the plane.", QUESTION], 10, tmp_path)
    copies = {
        "verbatim": QUESTION,
        "upper case": QUESTION.upper(),
        "no punctuation": "".join(c if c.isalnum() else " " for c in QUESTION),
        "re-wrapped": QUESTION.replace(" ", "\n"),
        "embedded": f"Solve this.\n\nProblem 7. {QUESTION} Let's think step by step." + " filler" * 500,
        "wide letters": "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in QUESTION),
        "soft hyphens": QUESTION.replace("number", "num\u00adber"),
    }
    matches = {name: one(text, index) for name, text in copies.items()}
    assert {name: (m.item, m.containment) for name, m in matches.items()} == dict.fromkeys(copies, (1, 1.0))


def test_changed_numbers_lower_containment(tmp_path: Path) -> None:
    """A changed number takes away the n-grams that hold it, and only those."""
    index = build([QUESTION], 10, tmp_path)
    tokens = oracles.tokens(QUESTION, "words")
    changed = one(QUESTION.replace("2024", "1999"), index)
    with_number = sum("2024" in tokens[i : i + 10] for i in range(len(tokens) - 9))
    assert changed.item_ngrams == len(tokens) - 9
    assert changed.shared == changed.item_ngrams - with_number
    assert 0 < changed.containment < 1


def test_chinese_is_matched_by_character(tmp_path: Path) -> None:
    """Text without blanks is found inside other text; ten characters are an n-gram."""
    question = "已知函数在区间上单调递增，求实数的取值范围。"
    index = build([question], 10, tmp_path)
    match = one("解答下题：已知函数在区间上单调递增，求实数的取值范围！谢谢", index)
    assert (match.containment, match.item_ngrams) == (1.0, len(oracles.tokens(question, "words")) - 9)


def test_short_items_are_matched_whole(tmp_path: Path) -> None:
    """An item of 4 to n-1 tokens is found anywhere in a text, one of fewer only as the whole text."""
    index = build(["Compute $\\sin 60^\\circ$.", "Prove that.", "?!"], 10, tmp_path)
    assert [list(index.short_items), list(index.empty_items)] == [[0, 1], [2]]
    texts = {
        "compute sin 60 circ": (0, 1.0),
        "First compute sin 60 circ and then add one to what you get from it": (0, 1.0),
        "compute sin 30 circ": (None, 0.0),
        "PROVE THAT": (1, 1.0),
        "Prove that 2 is prime": (None, 0.0),
        "?!": (None, 0.0),
    }
    assert {text: (m.item, m.containment) for text, m in ((t, one(t, index)) for t in texts)} == texts


def test_ties_go_to_more_shared_ngrams_then_to_the_smaller_item(tmp_path: Path) -> None:
    """Of two items wholly contained the longer wins; of two equal ones the first."""
    index = build(["a b c d", "a b c d e f", "A B, C D E F!"], 3, tmp_path)
    assert one("x a b c d e f y", index).item == 1


@settings(max_examples=100, deadline=None)
@given(
    items=st.lists(few_words, min_size=1, max_size=5), added=few_words, text=few_words, n=st.integers(1, 5)
)
def test_more_benchmark_items_never_lower_containment(
    items: list[str], added: str, text: str, n: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """An item added to the index leaves a row's containment as it was or raises it, and so its hits."""
    folder = tmp_path_factory.getbasetemp()
    before, after = one(text, build(items, n, folder)), one(text, build([*items, added], n, folder))
    assert after.containment >= before.containment
    assert after.hits >= before.hits


@settings(max_examples=100, deadline=None)
@given(items=st.lists(few_words, min_size=1, max_size=5), text=few_words, more=few_words, n=st.integers(1, 8))
def test_text_appended_never_lowers_hits(
    items: list[str], text: str, more: str, n: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Text after a row's text keeps its hits and containment; items that must be the whole row aside."""
    items = [item for item in items if len(oracles.tokens(item, "words")) >= min(n, ngram_index.ANYWHERE)]
    index = build(items, n, tmp_path_factory.getbasetemp())
    before, after = one(text, index), one(f"{text} {more}", index)
    assert after.hits >= before.hits
    assert after.containment >= before.containment


def test_nulls_slices_and_string_types_are_read_alike(tmp_path: Path) -> None:
    """A slice of a string or large_string column, with nulls or not, gives what its texts give."""
    texts = [QUESTION, None, "", "no match here", QUESTION + " 😀", "e\u0301 " + QUESTION]
    index = build([QUESTION], 10, tmp_path)
    expected = scan(Texts(pa.array(texts, pa.large_string())), index)
    assert expected["item"].tolist() == [0, -1, -1, -1, 0, 0]
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        column = pa.array(["before", *texts, "after"], kind).slice(1, len(texts))
        assert scan(Texts(column), index).tolist() == expected.tolist()


def test_the_file_depends_on_the_items_alone(tmp_path: Path) -> None:
    """Built twice and in four threads the index has the same name and bytes; another n gives another."""
    items = [Item("set", str(i), f"{QUESTION} {i} " * (i % 7)) for i in range(500)]
    once = write_index(items, 10, "words", tmp_path / "once")
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda i: write_index(items, 10, "words", tmp_path / str(i)), range(4)))
    assert {path.name for path in paths} == {once.name}
    assert {path.read_bytes() for path in paths} == {once.read_bytes()}
    assert write_index(items, 9, "words", tmp_path).name != once.name


def test_the_bytes_of_the_file_are_fixed(tmp_path: Path) -> None:
    """A known index: if its name or content changes, so do persisted bytes and the version must be raised."""
    items = [
        Item("aime", "1", QUESTION),
        Item("aime", "2", "Compute $\\sin 60^\\circ$."),
        Item("x", "3", None),
    ]
    path = write_index(items, 10, "words", tmp_path)
    assert path.name == "ngrams-9fe7bc32746aaf49.index"
    assert hashlib.sha256(path.read_bytes()).hexdigest()[:16] == "e3eba9ee267eeb68"


def test_threads_share_one_index(tmp_path: Path) -> None:
    """Scans of several threads on one index give what one thread gives."""
    index = build([f"{QUESTION} variant {i}" for i in range(300)], 5, tmp_path)
    batches = [Texts(pa.array([f"{QUESTION} variant {i + j}" for j in range(50)])) for i in range(40)]
    alone = [scan(batch, index).tolist() for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda batch: scan(batch, index).tolist(), batches)) == alone


def test_long_text_takes_time_in_proportion(tmp_path: Path) -> None:
    """Ten megabytes, all of them hits of phrases that two thousand items share, take seconds at most."""
    phrase = "where m and n are relatively prime integers find m plus n "
    index = build([f"{phrase} {i} {phrase}" for i in range(2000)], 10, tmp_path)
    began = time.process_time()
    match = one(phrase * 180_000, index)
    assert match.hits >= 180_000 * 3
    assert match.row_span == (0, match.n_tokens)
    assert time.process_time() - began < 10


def test_a_template_around_many_items_costs_each_row_little(tmp_path: Path) -> None:
    """Rows that hold a phrase of all 20,000 items do not pay for 20,000 items each."""
    template = "answer the following multiple choice question by giving the letter of the right option only "
    index = build(
        [f"{template} item{i} a{i} b{i} c{i} d{i} e{i} f{i} g{i} h{i}" for i in range(20_000)], 8, tmp_path
    )
    texts = Texts(pa.array([f"{template} row{i}" for i in range(20_000)]))
    began = time.process_time()
    assert set(scan(texts, index)["item"].tolist()) == {0}
    assert time.process_time() - began < 2  # counting item by item: 20,000 x 20,000 x 7 steps


@pytest.mark.parametrize("text", ["", "\0" * 50, "\u0301" * 50, "😀" * 50, " " * 50, "\U000e0100" * 9])
def test_text_without_words_is_no_match(text: str, tmp_path: Path) -> None:
    """Text of which no n-gram is in the index is found with nothing, whatever it is made of."""
    assert one(text, build([QUESTION], 10, tmp_path)).item is None


def spans_of(text: str, index: Index) -> tuple[str, str]:
    """What the row span and the item span cover, as text."""
    originals = pa.array([text], pa.large_string())
    texts = Texts(originals)
    row = scan(texts, index)
    item = row["item"].astype(np.int64)
    begin, end = spans(texts, originals, index.tokenizer, np.array([0]), row["row_first"], row["row_end"])
    first, last = spans(
        index.item_texts, index.texts, index.tokenizer, item, row["item_first"], row["item_end"]
    )
    return text[begin[0] : end[0]], index.texts[int(item[0])].as_py()[first[0] : last[0]]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "Q: ",
        "é中😀 ",
        "e\u0301, o\u0302\u0323; ",
        "½ ﬁ \u200d ",
        "가 \u1100\u1161\u11a8 ",
        "\u0301 ",
        "=\u0338 \n",
    ],
)
def test_spans_are_characters_of_the_original_text(before: str, tmp_path: Path) -> None:
    """A span covers the shared part in the text as it was given, whatever NFKC does to what precedes it."""
    index = build([f"{before}the quick brown fox jumps over 12 lazy dogs!"], 4, tmp_path)
    row, item = spans_of(f"{before}!! Quick brown FOX jumps, over it and 13 more.", index)
    assert (row, item) == ("Quick brown FOX jumps, over", "quick brown fox jumps over")


@settings(max_examples=300, deadline=None)
@given(
    before=odd_text,
    after=odd_text,
    middle=odd_text,
    n=st.integers(1, 4),
    tokenizer=st.sampled_from(["words", "math"]),
)
def test_what_a_span_covers_has_the_shared_tokens(
    before: str,
    after: str,
    middle: str,
    n: int,
    tokenizer: Tokenizer,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Tokens of the covered part are the tokens from the first to the last shared n-gram."""
    text = f"{before} {middle} {after}"
    index = build([middle], n, tmp_path_factory.getbasetemp(), tokenizer)
    match = one(text, index)
    if match.row_span is None:
        return
    row, _ = spans_of(text, index)
    expected = oracles.tokens(text, tokenizer)[slice(*match.row_span)]
    # A character may hold several tokens (½): the part then has those around the shared ones too.
    assert is_within(expected, oracles.tokens(row, tokenizer))


def test_a_long_text_with_one_combining_mark_is_traced_in_proportion(tmp_path: Path) -> None:
    """Ten megabytes with a mark that NFKC composes: the span is exact, and found in seconds at most."""
    index = build([QUESTION], 10, tmp_path)
    before, after = "one e\u0301 two, " * 300_000, " three four" * 500_000
    text = f"{before}{QUESTION}{after}"
    began = time.process_time()
    assert spans_of(text, index)[0] == QUESTION.rstrip("$.")
    assert time.process_time() - began < 20


def test_a_span_that_cannot_be_traced_is_the_whole_text() -> None:
    """Where the normalised text is not what the text becomes run by run, no part of it is claimed."""
    assert ngram_index._before_nfkc("e\u0301 abc", "\u00e9 abc", 2, 5) == (3, 6)
    assert ngram_index._before_nfkc("e\u0301 abc", "something else", 2, 5) == (0, 6)


def is_within(part: list[str], whole: list[str]) -> bool:
    """Whether `part` occurs in `whole` with at most three tokens more at either end."""
    return any(whole[i : i + len(part)] == part and len(whole) - i - len(part) <= 3 for i in range(4))


def test_a_file_that_is_no_index_is_refused(tmp_path: Path) -> None:
    """Another file, a part of an index, or one with the hashes of an earlier version is named in a RunError."""
    path = write_index([Item("set", "1", QUESTION)], 10, "words", tmp_path)
    (tmp_path / "other").write_bytes(b"something else entirely")
    (tmp_path / "cut").write_bytes(path.read_bytes()[:-200])
    (tmp_path / "earlier").write_bytes(b"curateG1" + path.read_bytes()[8:])
    for name in ("other", "cut", "earlier", "absent"):
        with pytest.raises(RunError, match=name):
            Index(tmp_path / name)
