"""The native tokenizers and text hashes agree with their plain reading on every text."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import oracles
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curate.errors import InputError
from curate.kernels import native, text, unicode_tables
from curate.kernels.text import Normalization, Tokenizer

BOTH: tuple[Tokenizer, ...] = ("words", "math")

GOLDEN_TOKENS = [
    0xFDA7B1E3233ED976,
    0x28B134411D8D27FF,
    0xDAB833E4DF257637,
    0xFFEE68C374FCE10D,
    0x70F9D4006CD194D0,
    0x08B21A7AE26D7E4A,
    0x76714ECD04D6926F,
    0x0E3876EE412D7147,
    0xAAC6C34762E5C439,
    0x8CC73107985EC46F,
    0x28B134411D8D27FF,
    0x8CC73107985EC46F,
]  # find x ^ 2 é ! and frac 12 ≤ | x |
GOLDEN_TEXT = [0x104ED787740C37CE, 0xA1136693EDD435E3]

same_unicode = pytest.mark.skipif(
    native.unicode_version() != unicodedata.unidata_version,
    reason="NOT RUN: this Python has another version of Unicode than the tables",
)


def assigned() -> list[str]:
    """Every character Unicode assigns."""
    every = (chr(code) for code in range(0x110000))
    return [character for character in every if unicodedata.category(character) not in ("Cn", "Cs")]


def differences(texts: list[str], tokenizer: Tokenizer) -> list[str]:
    """The texts for which the kernel and the plain reading find other tokens."""
    found = text.token_hashes(pa.array(texts, pa.large_string()), tokenizer)
    hashes, offsets = found.hash.tolist(), found.offsets.tolist()
    return [
        sample
        for index, sample in enumerate(texts)
        if hashes[offsets[index] : offsets[index + 1]]
        != [oracles.token_hash(token) for token in oracles.tokens(sample, tokenizer)]
    ]


@pytest.mark.parametrize(
    ("sample", "words", "math"),
    [
        (r"\dfrac{1}{2} \le x_1!", "dfrac 1 2 le x 1", "frac 1 2 ≤ x 1 !"),
        ("3.5 and x2", "3 5 and x2", "3 5 and x 2"),
        ("It's $x^2$", "it s x 2", "it s x ^ 2"),
        ("a − b × c ≤ ½", "a b c 1 2", "a - b × c ≤ 1 / 2"),
        ("Straße, ﬁn, Ａ１ and İ", "strasse fin a1 and i̇", "strasse fin a 1 and i̇"),
        ("求 x 的值 かな", "求 x 的 值 か な", "求 x 的 值 か な"),
        ("soft\u00adhyphen zero\u200bwidth ❤\ufe0f 😀", "softhyphen zerowidth", "softhyphen zerowidth"),
        ("e\u0301 = é", "é é", "é = é"),
        ("f(x) = |x|! @[1] #2 & 5%", "f x x 1 2 5", "f ( x ) = | x | ! @ [ 1 ] # 2 & 5 %"),
        (r"\(x\!+\!y\) \[z!\] \\(2)", "x y z 2", "x + y z ! 2 )"),
        (r"\left(\tfrac ab\right)^\text{th}", "left tfrac ab right text th", "( frac ab ) ^ th"),
        (
            r"a\leqslant b\neq c \leftarrow left",
            "a leqslant b neq c leftarrow left",
            "a ≤ b ≠ c leftarrow left",
        ),
        (r"\LEFT\quad\textit{ﬁn} \left1 \x2 \ left", "left quad textit fin left1 x2 left", "fin 1 x 2 left"),
        ("\\\u200dle \\ｌｅ ＼le \\le\u0301 \\⑴", "le le le lé 1", "≤ ≤ ≤ lé 1 )"),
        (r"\{1, \ldots, n\} \% \& \| \mid", "1 ldots n mid", "1 n % & | |"),
        ("", "", ""),
        ("\x00 \t.,;$", "", ""),
    ],
)
def test_tokens_are_as_described(sample: str, words: str, math: str) -> None:
    """The rules of the module docstring, on texts of a line; kernel and plain reading agree on them."""
    assert oracles.tokens(sample, "words") == words.split()
    assert oracles.tokens(sample, "math") == math.split()
    assert differences([sample], "words") == []
    assert differences([sample], "math") == []


@same_unicode
@pytest.mark.parametrize("tokenizer", BOTH)
def test_every_character_is_read_as_the_oracle_reads_it(tokenizer: Tokenizer) -> None:
    """Each assigned code point between letters and digits gives the tokens of the plain reading."""
    assert differences([f"ab{character}c1" for character in assigned()], tokenizer) == []


@same_unicode
def test_the_tables_are_those_their_script_builds() -> None:
    """The committed unicode.bin is what `python -m curate.kernels.unicode_tables` writes."""
    assert unicode_tables.build() == native.UNICODE_TABLES.read_bytes()


@same_unicode
def test_characters_that_do_not_compose_are_normalised_one_by_one() -> None:
    """Whatever stands before a character outside `composing()`, NFKC of both is NFKC of each."""
    composing = unicode_tables.composing()
    free = [character for character in assigned() if ord(character) not in composing]
    alone = {c: unicodedata.normalize("NFKC", c) for c in free}
    for before in ("a", "e\u0301", "\u1100", "\uac00", "\u0b47", "\U00011099"):
        start = unicodedata.normalize("NFKC", before)
        assert [c for c in free if unicodedata.normalize("NFKC", before + c) != start + alone[c]] == []


pieces = st.one_of(
    st.text(max_size=8),
    st.sampled_from(list("aZ09 +-*/=<>^%|!()[]@#&.,$\\{}~_`'\"\n\t\x00")),
    st.sampled_from(
        ["\u0301", "\u0308", "\u3099", "か", "\u1161", "가", "\u200d", "\ufe0f", "½", "²", "ﬃ", "ﷺ", "≤", "≠"]
    ),
    st.sampled_from(
        ["\\", "\\(", "\\]", "\\left", "\\frac", "\\dfrac1", "\\LEQ", "\\quad ", "\\ldotsé", "\\in"]
    ),
    st.sampled_from(["word", "x", "1234567", "12345678", "abcdefghi", "你好", " " * 60, "a" * 64, "é" * 33]),
)
mixed_texts = st.lists(pieces, max_size=40).map("".join)


@same_unicode
@given(st.lists(mixed_texts, max_size=6), st.sampled_from(BOTH))
def test_random_texts_are_read_as_the_oracle_reads_them(texts: list[str], tokenizer: Tokenizer) -> None:
    """Letters, digits, symbols, combining marks, Hangul, emoji and NUL in any order."""
    assert differences(texts, tokenizer) == []


def number_keys(texts: list[str], tokenizer: Tokenizer) -> list[int]:
    """The number key of each text, as the kernel has it."""
    keys = np.empty(len(texts), dtype=np.uint64)
    column = native.Texts(pa.array(texts, pa.large_string()))
    native.call("curate_number_keys", column, text.TOKENIZERS[tokenizer], keys)
    return keys.tolist()


@pytest.mark.parametrize("tokenizer", BOTH)
def test_a_number_key_is_that_of_the_numbers_in_any_order(tokenizer: Tokenizer) -> None:
    """Texts with the same runs of digits have one key, whatever stands between them; no digit gives 0."""
    one = ["3 apples, 12 pears", "12 pears and 3 apples", "x12y3", "$\\frac{12}{3}$", "１２/3", "⁄³ 1\u00ad2"]
    assert len(set(number_keys(one, tokenizer))) == 1
    others = [
        "5",
        "05",
        "5 5",
        "55",
        "½",
        "1 2",
        "1 3",
        "12",
        "12345678",
        "12345678 0",
        "123456780",
        "1234567812345678",
    ]
    keys = number_keys(others, tokenizer)
    assert keys[4] == keys[5]
    assert len(set(keys)) == len(others) - 1
    assert number_keys(["", "no digits", "٣", "Ⅻ"], tokenizer) == [0, 0, 0, 0]


@pytest.mark.parametrize("tokenizer", BOTH)
@pytest.mark.parametrize("size", [1, 7, 8, 9, 15, 16, 17, 63, 64, 65, 4095, 4096, 4097, 8193])
def test_a_number_may_cross_any_block(size: int, tokenizer: Tokenizer) -> None:
    """Runs of digits that end at, before and after the blocks the kernel works in, and digits in every block."""
    texts = [
        "7" * size,
        "x" * (size - 1) + "42",
        "é" + "7" * size,
        "9 " * size,
        " " * size + "5",
        "1é" * size,
    ]
    assert number_keys(texts, tokenizer) == [oracles.number_key(sample) for sample in texts]


def test_a_number_ends_with_its_text() -> None:
    """Digits of the next text of the column are no part of the last number of this one."""
    for sample in ("4", "x4", "123456", "1234567", "12345678", "é4"):
        assert number_keys([sample, "56", "789"], "math")[0] == oracles.number_key(sample)


@same_unicode
@pytest.mark.parametrize("tokenizer", BOTH)
def test_number_keys_of_every_character_are_those_of_the_oracle(tokenizer: Tokenizer) -> None:
    """Each assigned code point between digits gives the number key of the plain reading."""
    texts = [f"1{character}23" for character in assigned()]
    assert number_keys(texts, tokenizer) == [oracles.number_key(sample) for sample in texts]


@same_unicode
@given(st.lists(mixed_texts, max_size=6), st.sampled_from(BOTH))
def test_number_keys_of_random_texts_are_those_of_the_oracle(texts: list[str], tokenizer: Tokenizer) -> None:
    """Numbers among letters, symbols, marks and blanks in any order."""
    assert number_keys(texts, tokenizer) == [oracles.number_key(sample) for sample in texts]


@example(
    [b"a\xe0\x81\x81b", b"\xf0\x80\x81\x81", b"\xc1\x81", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x89"],
    "math",
)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.sampled_from(BOTH))
def test_bytes_that_are_not_utf8_separate(raw: list[bytes], tokenizer: Tokenizer) -> None:
    """Bytes that no decoder accepts read as the replacement character does: they part tokens."""
    offsets = np.cumsum([0, *map(len, raw)])
    buffers = [None, pa.py_buffer(offsets.astype(np.int64)), pa.py_buffer(b"".join(raw))]
    column = pa.Array.from_buffers(pa.large_string(), len(raw), buffers)
    replaced = pa.array([part.decode("utf-8", "replace") for part in raw], pa.large_string())
    found, expected = text.token_hashes(column, tokenizer), text.token_hashes(replaced, tokenizer)
    assert found.offsets.tolist() == expected.offsets.tolist()
    assert found.hash.tolist() == expected.hash.tolist()


@pytest.mark.parametrize("tokenizer", BOTH)
@pytest.mark.parametrize("size", [62, 63, 64, 65, 127, 128, 4095, 4096, 4097, 8192, 12_289])
def test_tokens_may_cross_any_block(size: int, tokenizer: Tokenizer) -> None:
    """Tokens that end at, before and after the blocks the kernel works in, ASCII or not."""
    texts = [
        "x" * size,
        "(" * size,
        "ab1" * (size // 3),
        "x" * (size - 1) + " y",
        " " * size + "z",
        "é" * size,
    ]
    assert differences(texts, tokenizer) == []


@pytest.mark.parametrize("size", [56, 58, 60, 62, 63, 64, 4090, 4092, 4094, 4095, 4096, 8190, 8192])
@pytest.mark.parametrize("before", [" ", "x", "é "])
def test_commands_may_cross_any_block(size: int, before: str) -> None:
    """Backslashes, and commands read as another, as nothing or as themselves, at and before the end of blocks."""
    start = (before * size)[:size]
    texts = [
        f"{start}{piece} 1"
        for piece in (r"\dfrac", r"\left", r"\alpha", r"\(", r"\!\[", "\\", r"\left\right\le")
    ]
    texts += [
        f"{start}\\left",
        f"{start}\\leq",
        r"\left" * size,
        r"\le\(" * size,
        r"\left" * size + "y" * size,
    ]
    assert differences(texts, "math") == []


def test_every_command_of_the_table_is_read_as_its_twin_reads_it() -> None:
    """All commands, in small letters and capitals, alone and among others; without the backslash they are words."""
    texts = [
        form
        for name in oracles.COMMANDS
        for form in (f"\\{name}", f"a\\{name.upper()}_2", f"\\{name}x", name)
    ]
    texts += [
        " ".join(f"\\{name} b" for name in oracles.COMMANDS),
        "".join(f"\\{name}" for name in oracles.COMMANDS),
    ]
    assert differences(texts, "math") == []
    assert differences(texts, "words") == []


def test_a_text_of_many_megabytes_is_read_whole() -> None:
    """Eight million tokens in one text, and a combining mark that sends all of it the long way round."""
    plain = "x1 + " * 2_000_000
    counts = text.token_counts(pa.array([plain, plain + "e\u0301", None, ""]), "math")
    assert counts.tolist() == [6_000_000, 6_000_001, 0, 0]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_every_shape_of_column_is_read_alike(kind: pa.DataType) -> None:
    """Slices, chunks, nulls and the three Arrow types of text give the same hashes."""
    texts = ["skipped", "one e\u0301", None, "two 你", "", "three"]
    whole = pa.array(texts, pa.large_string())
    expected = text.token_hashes(pa.array(["one e\u0301", None, "two 你", ""], pa.large_string()), "words")
    array = whole.cast(kind)
    for column in (array.slice(1, 4), pa.chunked_array([array.slice(1, 2), array.slice(3, 2)])):
        found = text.token_hashes(column, "words")
        assert found.offsets.tolist() == expected.offsets.tolist() == [0, 2, 2, 4, 4]
        assert found.hash.tolist() == expected.hash.tolist()


@pytest.mark.parametrize(
    "column", [pa.array([], pa.string()), pa.chunked_array([], pa.string()), pa.nulls(2, pa.string())]
)
def test_columns_without_text_have_no_tokens(column: pa.Array) -> None:
    """Empty columns and columns of nulls are read, and have no tokens."""
    assert text.token_hashes(column, "math").hash.tolist() == []
    assert text.text_hash128(column, "none").size.tolist() == [0] * len(column)


def test_a_column_that_is_not_text_is_refused() -> None:
    """The error says what was expected and what was found."""
    with pytest.raises(InputError, match="expected a column of text .* found int64"):
        text.token_hashes(pa.array([1, 2]), "math")


@same_unicode
@given(mixed_texts, st.sampled_from(BOTH))
def test_the_place_of_a_token_holds_it(sample: str, tokenizer: Tokenizer) -> None:
    """The bytes between a token's begin and end are, read alone or as a command, that token, or hold it."""
    column = native.Texts(pa.array([sample], pa.large_string()))
    composed = column.array[0].as_py().encode()
    spans = text.token_spans(column, tokenizer)
    for token, begin, end in zip(oracles.tokens(sample, tokenizer), spans.begin, spans.end, strict=True):
        piece = composed[begin:end].decode()
        command = oracles.tokens("\\" + piece, tokenizer) if b"\\" in composed[:begin] else []
        assert token in [*oracles.tokens(piece, tokenizer), *command]
    assert (spans.begin[1:] >= spans.begin[:-1]).all()


def test_places_are_byte_offsets_of_the_text_itself() -> None:
    """Offsets count the bytes of the text given, not of its normalised form."""
    spans = text.token_spans(pa.array(["Ünï ½x≤3\u00ad4"]), "math")
    assert list(zip(spans.begin.tolist(), spans.end.tolist(), strict=True)) == [
        (0, 5),  # ünï
        (6, 8),  # 1
        (6, 8),  # /
        (6, 8),  # 2
        (8, 9),  # x
        (9, 12),  # ≤
        (12, 16),  # 34, with the soft hyphen
    ]
    spans = text.token_spans(pa.array([r"\(\left[ \dfrac{é}2 \right]\)"]), "math")
    assert list(zip(spans.begin.tolist(), spans.end.tolist(), strict=True)) == [
        (7, 8),  # [
        (10, 15),  # dfrac, without the backslash
        (16, 18),  # é
        (19, 20),  # 2
        (27, 28),  # ]
    ]


def normal_form(sample: str, normalization: Normalization) -> object:
    """What two texts must have in common to be equal."""
    if normalization == "none":
        return sample
    if normalization == "whitespace":
        return " ".join(sample.split())
    return tuple(oracles.tokens(sample, normalization))


@same_unicode
@pytest.mark.parametrize("normalization", ["none", "whitespace", "words", "math"])
@given(st.lists(st.text("aA1. \t\n\u00a0\u2009\u3000\x1c\x85é+", max_size=5), max_size=30))
def test_hashes_are_equal_exactly_where_normalised_texts_are(
    normalization: Normalization, texts: list[str]
) -> None:
    """128-bit hashes split a list of texts as their normalised forms do, and a size of 0 means nothing left."""
    hashes = text.text_hash128(pa.array(texts, pa.large_string()), normalization)
    keys = [tuple(pair) for pair in hashes.hash.tolist()]
    forms = [normal_form(sample, normalization) for sample in texts]
    assert len(set(keys)) == len(set(forms)) == len(set(zip(keys, forms, strict=True)))
    assert [size == 0 for size in hashes.size] == [not form for form in forms]


@given(
    st.text(
        st.sampled_from(
            " \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u200a\u2028\u202f\u205f\u3000\u200babc你"
        ),
        max_size=60,
    )
)
def test_whitespace_is_what_python_splits_at(sample: str) -> None:
    """A text and its `" ".join(text.split())` have one hash."""
    collapsed = text.text_hash128(pa.array([sample]), "whitespace")
    assert (
        collapsed.hash.tolist()
        == text.text_hash128(pa.array([" ".join(sample.split())]), "none").hash.tolist()
    )


@pytest.mark.parametrize("blanks", [" ", "  ", "\n ", "\u2028"])
def test_whitespace_collapses_at_every_place(blanks: str) -> None:
    """Runs of whitespace at each offset within the eight bytes the kernel reads at once."""
    texts = ["x" * before + blanks + "y" * 20 for before in range(20)]
    plain = ["x" * before + " " * (before > 0) + "y" * 20 for before in range(20)]
    found = text.text_hash128(pa.array(texts), "whitespace")
    assert found.hash.tolist() == text.text_hash128(pa.array(plain), "none").hash.tolist()


def test_every_byte_reaches_both_halves_of_the_hash() -> None:
    """Texts of 100 bytes that differ in one byte differ in both halves."""
    texts = ["a" * place + "b" + "a" * (99 - place) for place in range(100)] + ["a" * 100]
    hashes = text.text_hash128(pa.array(texts), "none").hash
    assert len(set(hashes[:, 0].tolist())) == len(set(hashes[:, 1].tolist())) == 101


def test_hashes_never_change() -> None:
    """Hashes are written to disk: these values hold for every version and machine."""
    column = pa.array(["Find $x^2$, é!", r"\(\dfrac12 \leq \left|x\right|\)"])
    assert text.token_hashes(column, "math").hash.tolist() == GOLDEN_TOKENS
    assert text.text_hash128(column[:1], "none").hash.tolist() == [GOLDEN_TEXT]


@pytest.mark.real_data
@same_unicode
def test_real_texts_are_read_as_the_oracle_reads_them(shared_data: Path) -> None:
    """Problems in English, LaTeX and Chinese, code problems, and long model responses."""
    for name, column in (
        ("benchmarks/math_500", "problem"),
        ("benchmarks/cmath", "problem"),
        ("benchmarks/gaokao_math_qa", "problem"),
        ("benchmarks/humaneval", "problem"),
        ("benchmarks/imo_answerbench", "problem"),
    ):
        texts = pl.read_parquet(shared_data / f"{name}.parquet")[column].drop_nulls().to_list()
        assert len(texts) > 90
        for tokenizer in BOTH:
            assert differences(texts, tokenizer) == []
    rollouts = pl.read_parquet(shared_data / "corpora" / "areal_long_cot_rollouts.parquet")["responses"]
    long = rollouts.explode().drop_nulls().head(40).to_list()
    assert differences(long, "math") == []
