"""The match rules of papers, each as the recipe that comes with curate, on rows whose verdict is worked out by hand.

`w("abc")` is "alpha bravo charlie", so that words can be counted by the letters; zulu, yankee and what is made of
them stand in no item.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from curate.cli.main import app
from curate.recipe import shipped

WORDS = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett", "kilo", "lima",
    "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whiskey",
    "xray", "yankee", "zulu",
]  # fmt: skip


def w(letters: str) -> str:
    """The words that begin with these letters."""
    return " ".join(WORDS[ord(letter) - ord("a")] for letter in letters)


def zulus(n: int) -> str:
    """n words that no item has, each another."""
    return " ".join(f"zulu{'x' * i}" for i in range(n))


def reasons(
    recipe: str, folder: Path, items: list[str], rows: list[str] | list[dict[str, Any]], *more: str
) -> list[list[str]]:
    """Why each row is dropped by a recipe, against a benchmark of these items."""
    bench, data = folder / "bench.jsonl", folder / "rows.jsonl"
    lines = [{"id": str(i), "problem": text} for i, text in enumerate(items)]
    bench.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    given = [row if isinstance(row, dict) else {"problem": row} for row in rows]
    data.write_text("".join(json.dumps(row) + "\n" for row in given), "utf-8")
    command = ["run", recipe, "-i", str(data), "-o", str(folder / "out"), "--against", str(bench), *more]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    verdicts = pl.read_parquet(folder / "out" / "verdicts" / "*.parquet").sort("row_id")
    assert verdicts["undecided"].list.len().to_list() == [0] * len(rows)
    return verdicts["reasons"].to_list()


DROPPED, KEPT = ["contaminated"], []  # type: ignore[var-annotated]
TESTED = {
    "acereason", "apertus", "cosmopedia", "deepseekmath", "light-r1", "olmo3", "openr1", "openthoughts",
    "openthoughts-agent", "phi-4", "qwen2.5", "qwen2.5-math", "s1", "tulu3", "vibethinker",
}  # fmt: skip


def test_every_recipe_of_a_paper_is_tested_here() -> None:
    """A recipe that is added to rules/papers needs a test below."""
    assert {name.removeprefix("papers/") for name in shipped() if name.startswith("papers/")} == TESTED


@pytest.mark.parametrize("name", ["papers/openr1", "papers/s1"])
def test_any_eight_words(name: str, tmp_path: Path) -> None:
    """open-r1 and s1: eight words in a row, whatever case and blanks; punctuation stays; short items never match."""
    items = [w("abcdefghijkl"), w("mnopqrs")]  # twelve words; seven, fewer than eight
    rows = [
        f"Well {w('cdefghij')} zulu",  # eight
        f"Well {w('cdefghi')} zulu",  # seven
        w("abcdefgh").upper().replace(" ", "\n"),
        w("abcdefgh").replace("delta", "delta,"),  # `delta,` is another word
        w("mnopqrs"),
    ]
    assert reasons(name, tmp_path, items, rows) == [DROPPED, KEPT, DROPPED, KEPT, KEPT]


def test_s1_drops_exact_copies_too(tmp_path: Path) -> None:
    """s1: of two equal rows the second goes."""
    rows = [zulus(9), zulus(9)]
    assert reasons("papers/s1", tmp_path, [w("abcdefgh")], rows) == [KEPT, ["exact-duplicate"]]


def test_light_r1(tmp_path: Path) -> None:
    """Light-R1: 32 words in a row, or the same letters once digits are gone: blind to numbers."""
    long = f"{w('abcdefghijklmnopqrstuvwx')} {w('xwvutsrqponm')}".split()  # 36 words
    items = [" ".join(long), "What is 12 plus 30?"]
    rows = [
        "zulu " + " ".join(long[:32]),
        "zulu " + " ".join(long[:31]),
        "what is 7 plus 5",  # `whatisplus` on both sides
        "What was 12 plus 30?",
        "12 30",  # no letter is left
    ]
    assert reasons("papers/light-r1", tmp_path, items, rows) == [DROPPED, KEPT, DROPPED, KEPT, KEPT]


def test_vibethinker(tmp_path: Path) -> None:
    """VibeThinker: ten words in a row once punctuation, symbols and case are gone; a short item is found whole."""
    items = ["Alpha, bravo (charlie) delta: $echo$ foxtrot golf hotel india juliett kilo.", w("mnopq")]
    rows = [
        w("bcdefghijk").upper(),  # ten
        w("bcdefghij"),  # nine
        f"{zulus(4)}; {w('mnopq')}!",  # all five of the short one
        f"{zulus(4)} {w('mnop')}",  # four of them
    ]
    assert reasons("papers/vibethinker", tmp_path, items, rows) == [DROPPED, KEPT, DROPPED, KEPT]


def test_deepseekmath(tmp_path: Path) -> None:
    """DeepSeekMath: ten words in a row; an item of three to nine words whole; one of two words never."""
    items = [w("abcdefghijkl"), w("mno"), w("pq")]
    rows = [
        f"zulu {w('abcdefghij')}",  # ten
        f"zulu {w('abcdefghi')} zulu",  # nine
        f"zulu {w('mno')} zulu",  # the whole of three
        f"zulu {w('mn')} zulu",
        w("pq"),  # the whole of two
    ]
    assert reasons("papers/deepseekmath", tmp_path, items, rows) == [DROPPED, KEPT, DROPPED, KEPT, KEPT]


LONG = [w("abcdefghijklmnopqrst"), w("xwvutsrqponmlkjihgfedcba"), w("uvwxuvwxuvwx")]
"""20 words; 24 words, in the other direction, so that two items share one word in order; 12 words."""


def test_qwen25_math(tmp_path: Path) -> None:
    """Qwen2.5-Math: 13 words in a row AND more than 0.6 of the shorter text in order, of the same item."""
    rows = [
        f"{w('abcdefghijklm')} {zulus(7)}",  # 13 in a row; 13 / 20 = 0.65
        w("abcdefghijklznopqrst"),  # 19 / 20, but 12 in a row
        f"{w('xwvutsrqponml')} {zulus(11)}",  # 13 in a row; 13 / 24 = 0.54
        w("abcdefghijklm").replace(" ", ", "),  # 13 of a row of 13; commas are gone
    ]
    assert reasons("papers/qwen2.5-math", tmp_path, LONG, rows) == [DROPPED, KEPT, KEPT, DROPPED]


def test_qwen25_reports(tmp_path: Path) -> None:
    """Qwen2.5 reports: at least 13 tokens in order, gaps or not, and at least 0.6 of the shorter text."""
    rows = [
        w("abcdefghijklznopqrst"),  # 19 of 20
        w("uvwxuvwxuvwx"),  # all of an item, but twelve
        f"{w('abdegijlmoprt')} {zulus(7)}",  # 13 with gaps, none three in a row: 13 / 20 = 0.65
        f"{w('xwvutsrqponml')} {zulus(11)}",  # 13 / 24 = 0.54
        f"{w('abcdefghijkl')} {zulus(8)}",  # 12 / 20 = 0.6, but twelve
    ]
    assert reasons("papers/qwen2.5", tmp_path, LONG, rows) == [DROPPED, KEPT, DROPPED, KEPT, KEPT]


def test_tulu3_by_row(tmp_path: Path) -> None:
    """Tülu 3: 8-grams that one row shares cover more than half of an item, not half of it."""
    rows = [
        f"{w('abcdefghijk')} zulu",  # 4 8-grams cover 11 of 20
        f"{w('abcdefghij')} zulu",  # 3 cover 10 of 20
        f"{w('abcdefgh')} zulu {w('mnopqrst')}",  # two stretches of 8: 16 of 20
        f"{w('abcdefg')} zulu {w('hijklmn')} zulu {w('opqrst')}",  # all words, never 8 in a row
    ]
    found = reasons("papers/tulu3", tmp_path, [LONG[0]], rows, "--without", "share")
    assert found == [DROPPED, KEPT, DROPPED, KEPT]


def test_tulu3_tells_the_item_of_the_largest_coverage(tmp_path: Path) -> None:
    """best-by = coverage: of two items the one that is covered most, though of the other more n-grams are shared."""
    first = w("abcdefghijklmnop")  # 16 words, 9 8-grams
    second = " ".join([w("qrstuvwx"), w("abcdefgh"[::-1])])  # 16 words, 9 8-grams
    # of the first 4 8-grams side by side cover 11 words; of the second 2 apart cover all 16
    row = f"{w('abcdefghijk')} zulu {w('qrstuvwx')} zulu {w('hgfedcba')}"
    assert reasons("papers/tulu3", tmp_path, [first, second], [row], "--without", "share") == [DROPPED]
    leak = pl.read_parquet(tmp_path / "out" / "evidence" / "leak" / "*.parquet")
    told = leak.select("item", "coverage", "shared", "longest_run").rows()
    assert told == [("1", 1.0, 2, 8)]


def test_tulu3_by_data_set(tmp_path: Path) -> None:
    """Tülu 3: a source whose rows hold more than 2 % of an evaluation goes whole; 2 % is not more."""
    items = [" ".join(f"q{i}w{k}" for k in range(8)) for i in range(100)]
    web = [{"problem": items[i], "source": "web"} for i in (0, 1, 2, 2)]  # three items of 100
    book = [{"problem": items[i], "source": "book"} for i in (0, 1)]  # two
    clean = [{"problem": zulus(9), "source": source} for source in ("web", "book", None)]
    found = reasons("papers/tulu3", tmp_path, items, [*web, *book, *clean])
    both = ["contaminated", "contaminated-source"]
    assert found == [both, both, both, both, DROPPED, DROPPED, ["contaminated-source"], KEPT, KEPT]
    share = pl.read_parquet(tmp_path / "out" / "evidence" / "share" / "*.parquet").sort("row_id")
    told = share.select("benchmark", "of_benchmark", "items", "benchmark_items", "source_rows").rows()
    assert told[0] == told[6] == ("bench", 0.03, 3, 100, 4)
    assert told[4] == told[7] == ("bench", 0.02, 2, 100, 2)
    assert told[8] == (None, 0.0, 0, None, 0)


def test_olmo3(tmp_path: Path) -> None:
    """OLMo 3: generic phrases and n-grams of single characters do not count; by Tülu's rule they do."""
    phrase = "Think step by step and put the final answer in a box."  # twelve words
    items = [f"{w('abcdefghij')} {phrase}", "1 2 3 4 5 6 7 8 9 10", LONG[0]]
    rows = [
        f"{zulus(10)} {phrase}",  # 12 of the 22 words of the first item
        "1 2 3 4 5 6 7 8 9 10",
        f"{w('kl')} {w('abcdefghijk')}",  # 11 of the 20 of the third, 10 of the 22 of the first
    ]
    assert reasons("papers/olmo3", tmp_path, items, rows) == [KEPT, KEPT, DROPPED]
    (tmp_path / "tulu").mkdir()
    found = reasons("papers/tulu3", tmp_path / "tulu", items, rows, "--without", "share")
    assert found == [DROPPED, DROPPED, DROPPED]


def test_phi4(tmp_path: Path) -> None:
    """Phi-4: a shared 13-gram; else the share of 7-grams of the smaller side tells three labels apart."""
    allowed = "a true true b false false c true false d false true"
    items = [LONG[0], f"{allowed} {w('uvwx')}"]  # 20 words, 14 7-grams
    rows = [
        f"{w('abcdefghijklm')} zulu",  # 13 in a row
        w("abcdefghijkl"),  # 12 words, 6 7-grams, all shared: 6 / min(6, 14) = 1
        f"{w('abcdefghijkl')} {zulus(8)}",  # 6 of 14 on both sides: 0.43
        f"{w('abcdefgh')} {zulus(12)}",  # 2 of 14: 0.14
        zulus(20),
        # 13 in a row with the allowed phrase in them; 7 7-grams of min(10, 19)
        f"{zulus(3)} {allowed} uniform {zulus(9)}",
    ]
    by_seven, partly = ["contaminated-7"], ["partly-contaminated"]
    found = reasons("papers/phi-4", tmp_path, items, rows)
    assert found == [["contaminated-13"], by_seven, partly, KEPT, KEPT, by_seven]


def test_phi4_takes_the_item_of_the_largest_share_of_the_smaller_side(tmp_path: Path) -> None:
    """best-by = overlap: much of the row is in a long item, of which that is little; a short item holds more of it."""
    long = f"{w('abcdefghijk')} {' '.join(f'y{i}' for i in range(69))}"  # 80 words, 74 7-grams: 5 / 74 = 0.07
    short = f"{w('mnopqrs')} yy yyy"  # 9 words, 3 7-grams: 1 / 3
    rows = [f"{w('abcdefghijk')} zulu zulux"]  # 13 words, 7 7-grams, 5 of the long item: 5 / 7
    rows.append(
        f"{w('abcdefghijk')} {w('mnopqrs')}"
    )  # 18 words, 12 7-grams: 5 / 12 and 1 / min(12, 3) = 0.33
    found = reasons("papers/phi-4", tmp_path, [long, short], rows)
    assert found == [["contaminated-7"], ["partly-contaminated"]]
    leak = pl.read_parquet(tmp_path / "out" / "evidence" / "short" / "*.parquet").sort("row_id")
    assert leak["item"].to_list() == ["0", "0"]


CHARACTERS = "abcdefghij klmnopqrst uvwxyzabcd efghijk"  # 40


def with_digits(n: int, text: str = CHARACTERS) -> str:
    """The text with n characters replaced, evenly, by ones that it does not have."""
    step = len(text) // n
    return "".join("0" if i % step == step // 2 and i // step < n else c for i, c in enumerate(text))


def test_openthoughts(tmp_path: Path) -> None:
    """OpenThoughts: 2 * (characters in order) / (characters of both) of at least 0.95; case counts."""
    assert len(CHARACTERS) == 40
    rows = [
        with_digits(2),  # 38 in order: 76 / 80 = 0.95
        with_digits(3),  # 37: 0.925
        f"{CHARACTERS} 123",  # 40 in order of 40 and 44: 80 / 84 = 0.952
        f"{CHARACTERS} 1234",  # 80 / 85 = 0.941
        CHARACTERS.upper(),
        CHARACTERS,
    ]
    found = reasons("papers/openthoughts", tmp_path, ["zzz", CHARACTERS], rows)
    assert found == [DROPPED, KEPT, DROPPED, KEPT, KEPT, DROPPED]


def test_openthoughts_agent(tmp_path: Path) -> None:
    """OpenThoughts-Agent: eight tokens in a row, or 0.8 of the characters of all or of a stretch of the text."""
    rows = [
        f"{zulus(20)} {w('abcdefgh')}",  # 8 words
        with_digits(8),  # 32 in order: 64 / 80 = 0.8
        with_digits(10),  # 30 in order: 0.75
        f"{'9' * 200}{with_digits(5)}{'9' * 200}",  # 35 in order of a stretch of 40: 0.875
        f"{'9' * 200}{with_digits(10)}{'9' * 200}",  # 0.75
    ]
    found = reasons("papers/openthoughts-agent", tmp_path, [LONG[0], CHARACTERS], rows)
    assert found == [DROPPED, DROPPED, KEPT, DROPPED, KEPT]


def test_acereason(tmp_path: Path) -> None:
    """AceReason: nine words for maths, fourteen for code; code of August 2024 or later goes by its date."""
    rows = [
        {"problem": f"{w('abcdefghi')} zulu", "domain": "math", "date": "2025-01-01"},  # 9
        {"problem": f"{w('abcdefgh')} zulu", "domain": "math", "date": "2025-01-01"},  # 8
        {"problem": f"{w('abcdefghijklm')} zulu", "domain": "code", "date": "2024-07-31"},  # 13
        {"problem": f"{w('abcdefghijklmn')} zulu", "domain": "code", "date": "2024-07-31"},  # 14
        {"problem": zulus(9), "domain": "code", "date": "2024-08-01"},
        {"problem": f"{w('abcdefghijklmn')} yankee", "domain": "code", "date": "2024-08-01"},
    ]
    found = reasons("papers/acereason", tmp_path, LONG, rows)
    recent = ["too-recent"]
    assert found == [DROPPED, KEPT, KEPT, DROPPED, recent, ["contaminated", "too-recent"]]


def test_cosmopedia(tmp_path: Path) -> None:
    """cosmopedia: ten words in a row, then blocks of six characters or more over half of the same item."""
    # a to j are 54 letters and 9 blanks, k to t are 51 and 9: the item has 63 + 1 + 60 = 124 characters
    assert (len(w("abcdefghij")), len(w("klmnopqrst"))) == (63, 60)
    rows = [
        f"zulu {w('abcdefghij')} zulu",  # with the blank after it 64 / 124 = 0.516
        f"zulu {w('klmnopqrst')} zulu",  # with the blank before it 61 / 124 = 0.492
        w("abcdefghizklmnopqrst"),  # ten in a row, and nine more words
        w("abcdefghizklmnopqrsz"),  # nearly all, but never ten in a row
        w("abcdefghij").replace("a", "Ä") + " zulu",  # accents and case are gone
    ]
    found = reasons("papers/cosmopedia", tmp_path, [LONG[0]], rows)
    assert found == [DROPPED, KEPT, DROPPED, KEPT, DROPPED]


def test_apertus(tmp_path: Path) -> None:
    """Apertus: eight words in a row, then blocks of five words or more over half of the same item."""
    rows = [
        w("abcdefghzjklmn"),  # 8 and 5: 13 / 20
        w("abcdefghzjklm"),  # 8 and 4, which does not count: 8 / 20
        w("abcdefgzijklmno"),  # 7 and 7: 14 / 20, but never eight in a row
        w("abcdefghij"),  # 10 / 20 is not more than half
    ]
    assert reasons("papers/apertus", tmp_path, [LONG[0]], rows) == [DROPPED, KEPT, KEPT, KEPT]
