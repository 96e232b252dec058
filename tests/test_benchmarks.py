"""The registry of evaluation sets, fingerprints, and what the names in a recipe stand for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.benchmarks import missing, resolve
from curate.benchmarks.build import build_shipped
from curate.benchmarks.fingerprint import (
    ENDING,
    MAGIC,
    make_fingerprint,
    read_fingerprint,
    to_bytes,
    write_fingerprint,
)
from curate.benchmarks.items import Items
from curate.benchmarks.own import add, remove
from curate.benchmarks.protection import parts_of, protections, sentence
from curate.benchmarks.registry import SHIPPED, Fields, fingerprint_path, registry, shipped
from curate.errors import InputError
from curate.kernels.native import Texts
from curate.kernels.ngram_index import ANYWHERE, SHORT_KEY, Part, open_index, scan, write_index
from curate.kernels.text import token_hashes
from curate.stages.ngram_overlap import NgramOverlap, measure, prepare

QUESTION = "Find the number of pairs of positive integers whose sum is 2024."
OTHER = "A bag holds six red and nine blue balls, and three of them are drawn at random without looking."


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a folder of benchmarks of its own."""
    monkeypatch.setenv("CURATE_BENCHMARKS", str(tmp_path / "home"))


def items(*texts: str | None, dates: list[str | None] | None = None, name: str = "exam") -> Items:
    """Items numbered from 0."""
    nothing: list[str | None] = [None] * len(texts)
    return Items(name, list(map(str, range(len(texts)))), list(texts), nothing, nothing, dates or nothing)


def jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    """A file of rows; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def evidence(prompts: list[str | None], against: list[str], folder: Path, **params: Any) -> pl.DataFrame:
    """Evidence of ngram-overlap for the prompts."""
    chosen = NgramOverlap(stage="ngram-overlap", against=against, **params)
    frame = pl.DataFrame(
        {"row_id": range(len(prompts)), "prompt": prompts}, schema={"row_id": pl.Int64, "prompt": pl.String}
    )
    return measure(frame, chosen, prepare(chosen, folder))


# ---- the registry


def test_every_name_of_the_registry_stands_for_one_set() -> None:
    """Groups name sets that are there; no alias is a name, a group or another's alias."""
    known = shipped()
    for group in known.groups:
        assert set(known.members(group)) <= set(known.benchmarks), group
    aliases = [alias for entry in known.benchmarks.values() for alias in entry.aliases]
    assert len(set(aliases)) == len(aliases)
    assert not set(aliases) & {*known.benchmarks, *known.groups}
    assert not set(known.benchmarks) & set(known.groups)


def test_every_snapshot_has_a_shipped_fingerprint_and_the_other_way() -> None:
    """The fingerprints that come with curate are those the registry says they are."""
    expected = {name for name, entry in shipped().benchmarks.items() if entry.snapshot is not None}
    assert {path.name.removesuffix(ENDING) for path in SHIPPED.glob(f"*{ENDING}")} == expected
    assert len(expected) > 35


def test_releases_are_spans_of_dates_that_grow() -> None:
    """Each release of LiveCodeBench ends later than the one before."""
    ends = [span.removeprefix("..") for span in shipped().benchmarks["livecodebench"].releases.values()]
    assert ends == sorted(ends)
    assert len(ends) == 6


def test_shipped_sets_are_at_hand_with_nothing_pulled() -> None:
    """The default group protects AIME, HMMT and LiveCodeBench by fingerprint, and tells what it cannot."""
    found = {one.name: one for one in resolve(["default"])}
    assert {"aime-2024", "aime-2025", "aime-2026", "hmmt-feb-2025", "livecodebench"} <= set(found)
    assert all(one.text is None and one.fingerprint_file is not None for one in found.values())
    assert missing(["default"]) == ["hmmt-feb-2026", "cmimc-2025", "smt-2025"]
    assert missing(["aime-2024"]) == []


# ---- names


def test_names_are_found_in_any_spelling() -> None:
    """Case, underscores and aliases do not matter; a set named twice counts once."""
    for name in ("aime-2024", "AIME_2024", "aime24"):
        assert [one.name for one in resolve([name])] == ["aime-2024"]
    assert [one.name for one in resolve(["aime24", "aime-2024", "aime"])] == [
        "aime-2024", "aime-1983-2024", "aime-2025", "aime-2026",
    ]  # fmt: skip


def test_a_file_and_a_set_of_one_name_stay_apart(tmp_path: Path) -> None:
    """A file named like a set of the registry gets its folder in front."""
    path = jsonl(tmp_path / "mine" / "aime-2024.jsonl", {"problem": QUESTION})
    assert [one.name for one in resolve(["aime-2024", str(path)])] == ["aime-2024", "mine/aime-2024"]
    assert [one.name for one in resolve([str(path)])] == ["aime-2024"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("aime_2035", "aime_2035: neither a benchmark nor a group nor a file. Did you mean aime-2025?"),
        ("mmlu-pro", "mmlu-pro: its text is not here, and no fingerprint .* curate benchmarks pull mmlu-pro"),
        ("asdiv", "asdiv: its text is not here, .* curate benchmarks add asdiv FILE"),
        ("livecodebench@v9", r"livecodebench@v9: expected a release \(v1, .*\) or dates such as"),
        ("aime-2024@first", "aime-2024@first: expected dates such as aime-2024@2024-08..2025-02"),
        ("sat-math@2024", "sat-math@2024: no dates are known"),
        ("data/aime.parquet", "data/aime.parquet: there is no such file"),
        ("*.nothing", "no file matches"),
        ("maths-competitions@1950", "no set of the group maths-competitions that is at hand has items"),
    ],
)
def test_a_name_that_stands_for_nothing_says_what_to_do(name: str, message: str) -> None:
    """Every wrong name is told at once, each with what was meant or how to get it."""
    with pytest.raises(InputError, match=message):
        resolve([name])
    with pytest.raises(InputError, match="(?s)zzz.*\n|\n.*zzz"):
        resolve([name, "zzz.parquet"])


def test_a_window_without_items_is_an_error_not_an_empty_benchmark() -> None:
    """Dates that no item has stop the run and tell the dates there are."""
    [one] = resolve(["livecodebench@2019"])
    with pytest.raises(InputError, match=r"no item has a date in 2019\.\.2019. .* 2023-05-07 to 2025-04-06"):
        one.fingerprint()
    [one] = resolve(["aime-2025@2024"])
    with pytest.raises(InputError, match="Its items are of 2025-02 to 2025-02"):
        one.fingerprint()


@pytest.mark.parametrize(
    ("selector", "n_items"),
    [("v5", 884), ("v6", 1055), ("2024-08..2025-02", 374), ("..2023-05-31", 34), ("2025-04-06", 4)],
)
def test_items_of_livecodebench_are_chosen_by_release_and_date(selector: str, n_items: int) -> None:
    """Both ends of a window count; a release holds its last contest day whole (v5 itself has 880 items)."""
    found = resolve([f"livecodebench@{selector}"])[0].fingerprint()
    assert len(found.ids) == n_items
    assert n_items == len(found.dates) == len(found.grams.n_tokens) == len(found.grams.of) - 1


def test_a_group_with_dates_leaves_out_sets_of_other_dates() -> None:
    """aime@2025.. is AIME 2025 and 2026, and of the sets with dated items those that may have some."""
    assert [one.name for one in resolve(["aime@2025.."])] == [
        "aime-1983-2024@2025..", "aime-2025@2025..", "aime-2026@2025..",
    ]  # fmt: skip


# ---- fingerprints


def test_a_fingerprint_comes_back_as_it_was_made(tmp_path: Path) -> None:
    """What is written is read: ids, dates, token counts, hashes; the same items give the same bytes."""
    made = make_fingerprint(
        items(QUESTION, None, "Compute 2 + 3.", OTHER, dates=["2024", None, None, "2025-01-02"]), []
    )
    write_fingerprint(made, tmp_path / "exam.fingerprint")
    found = read_fingerprint(tmp_path / "exam.fingerprint")
    for one, other in zip(made, found, strict=True):
        if isinstance(one, tuple):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        else:
            assert one == other
    assert to_bytes(made) == to_bytes(found)
    assert found.dates == ["2024", None, None, "2025-01-02"]
    assert found.grams.n_tokens.tolist() == [12, 0, 3, 19]
    assert np.diff(found.grams.of).tolist() == [3, 0, 0, 10]  # three tokens: no hash at all


def test_no_hash_stands_for_fewer_than_four_tokens() -> None:
    """Items of one to three tokens leave nothing in a fingerprint, those of four their whole and start."""
    made = make_fingerprint(items("Solve.", "Prove that.", "Compute 2 + 3.", "Compute 2 + 3 now."), [])
    assert made.grams.n_tokens.tolist() == [1, 2, 3, 4]
    assert np.diff(made.grams.of).tolist() == [0, 0, 0, 1]
    assert len(made.grams.starts) == 1


def test_a_fingerprint_holds_neither_text_nor_hashes_of_tokens() -> None:
    """No word of the items and no token's hash stands in the bytes; an id that could be text is replaced."""
    named = items(QUESTION, OTHER)._replace(ids=[QUESTION, "exam/1"])
    made = make_fingerprint(named, [])
    assert made.ids == ["0", "exam/1"]
    content = to_bytes(made)
    for word in ("pairs", "integers", "balls", "drawn"):
        assert word.encode() not in content
    tokens = token_hashes(pa.array([QUESTION, OTHER], pa.large_string()), "words").hash
    assert not any(int(token & np.uint64(SHORT_KEY)).to_bytes(6, "little") in content for token in tokens)


def test_two_hashes_in_a_row_do_not_tell_the_tokens_between() -> None:
    """The difference that gives away a plain rolling hash is not that of two tokens here.

    Of a rolling hash h(i+1) - h(i) * S = t[i+n] - t[i] * S**n, so a list of words finds both tokens.
    """
    step, mask = 0x9E3779B97F4A7C15, 2**64 - 1
    text = " ".join(
        ["alpha", "beta", "gamma", "delta", "eins", "zwei", "drei", "vier", "five", "six", "seven", "eight"]
    )
    tokens = [int(t) for t in token_hashes(pa.array([text], pa.large_string()), "words").hash]
    part = Part("x", ["0"], [text])
    from curate.kernels.ngram_index import grams_of_texts

    hashes = [
        int(h) for h in grams_of_texts(Texts(pa.array(part.texts, pa.large_string())), 10, "words").hashes
    ]
    told = tokens[10] - tokens[0] * pow(step, 10, 2**64) & mask
    for undo in (lambda h: h, _unfinished):
        assert undo(hashes[1]) - undo(hashes[0]) * step & mask != told


def _unfinished(h: int) -> int:
    """The inverse of `finish` in native/text.hpp."""
    mask = 2**64 - 1
    h ^= h >> 33
    h = h * pow(0xC4CEB9FE1A85EC53, -1, 2**64) & mask
    h ^= h >> 33
    h = h * pow(0xFF51AFD7ED558CCD, -1, 2**64) & mask
    return h ^ h >> 33


def test_a_stale_fingerprint_is_refused(tmp_path: Path) -> None:
    """N-grams of another version of the tokenizer are told, with what to do."""
    path = tmp_path / "exam.fingerprint"
    content = to_bytes(make_fingerprint(items(QUESTION), []))
    head = json.loads(content[16 : 16 + int.from_bytes(content[8:16], "little")])
    digest = head["behaviour"].encode()
    path.write_bytes(content.replace(digest, b"0" * 16))
    with pytest.raises(InputError, match="stale: expected n-grams of the tokenizer words .* pull exam"):
        read_fingerprint(path)


@pytest.mark.parametrize("cut", [1, 30, 300, 330])
def test_a_damaged_fingerprint_is_refused(cut: int, tmp_path: Path) -> None:
    """A file that ends early, is longer, or is no fingerprint is told, not read."""
    path = tmp_path / "exam.fingerprint"
    content = to_bytes(make_fingerprint(items(QUESTION, OTHER), []))
    for broken in (content[:-cut], content + b"x", b"PAR1" + content[4:]):
        path.write_bytes(broken)
        with pytest.raises(
            InputError, match=r"exam.fingerprint: (the fingerprint is damaged|expected a fingerprint)"
        ):
            read_fingerprint(path)


@given(st.binary(min_size=1, max_size=4), st.integers(0, 2**20))
def test_whatever_stands_in_a_fingerprint_nothing_crashes(content: bytes, at: int) -> None:
    """Bytes put anywhere into a fingerprint give an error or arrays that belong together."""
    import tempfile

    good = to_bytes(make_fingerprint(items(QUESTION, "Compute 2 + 3 now.", None), []))
    place = at % (len(good) - len(content))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "exam.fingerprint"
        path.write_bytes(good[:place] + content + good[place + len(content) :])
        try:
            found = read_fingerprint(path)
        except InputError:
            return
        index = open_index(write_index([found.part("exam")], found.ngram, "words", Path(folder)))
        scan(Texts(pa.array([QUESTION, "Compute 2 + 3 now. Compute"], pa.large_string())), index)


TOKENS = st.lists(st.sampled_from(["a", "b", "c", "1", "2", "中"]), max_size=16).map(" ".join)


@given(st.lists(TOKENS, min_size=1, max_size=12), st.lists(TOKENS, min_size=1, max_size=12))
def test_text_and_fingerprint_find_the_same(benchmark: list[str], texts: list[str]) -> None:
    """For items of four tokens on every number of the result is the same, also beside a set with text."""
    import tempfile

    kept: list[str | None] = [text for text in benchmark if len(text.split()) >= ANYWHERE]
    first, second = kept[::2], kept[1::2]
    made = make_fingerprint(items(*second), [])
    rows = Texts(pa.array(texts, pa.large_string()))
    ids = [list(map(str, range(len(some)))) for some in (first, second)]
    with tempfile.TemporaryDirectory() as folder:
        known, hashed = (
            open_index(write_index([Part("x", ids[0], first), part], 10, "words", Path(folder)))
            for part in (Part("exam", ids[1], second), made.part("exam"))
        )
        assert (scan(rows, known) == scan(rows, hashed)).all()
        assert hashed.has_text.tolist() == [True] * len(first) + [False] * len(second)


def test_a_made_fingerprint_can_be_named_like_a_file(tmp_path: Path) -> None:
    """--against exam.fingerprint compares with it; what needs the item's text is null, all else as with it."""
    path = jsonl(tmp_path / "exam.jsonl", {"id": "a", "problem": QUESTION}, {"id": "b", "problem": OTHER})
    [one] = resolve([str(path)])
    write_fingerprint(make_fingerprint(one.items(), []), tmp_path / "by" / "exam.fingerprint")
    prompts = [f"Well: {QUESTION}", OTHER, "nothing of it", None]
    known = evidence(prompts, [str(path)], tmp_path)
    hashed = evidence(prompts, [str(tmp_path / "by" / "exam.fingerprint")], tmp_path)
    of_text = ["item_span", "coverage", "longest_run"]
    assert hashed.drop(of_text).equals(known.drop(of_text))
    assert known.select(of_text).null_count().row(0) == (2, 1, 1)
    assert hashed.select(of_text).null_count().row(0) == (4, 3, 3)


@pytest.mark.parametrize("other", [{"ngram": 8}, {"unit": "math"}])
def test_other_ngrams_than_the_fingerprints_need_the_text(other: dict[str, Any], tmp_path: Path) -> None:
    """A recipe that asks for another n or tokenizer is told to pull."""
    with pytest.raises(
        InputError, match="aime-2024: expected n-grams of .* curate benchmarks pull aime-2024"
    ):
        evidence(["x"], ["aime-2024"], tmp_path, **other)


# ---- one's own sets


def test_an_added_set_is_named_like_any_other(tmp_path: Path) -> None:
    """Its items are copied, so the file may go; dates choose; the text is preferred; removing ends it."""
    rows = [
        {"q": QUESTION, "key": "7", "gold": "2023", "day": "2024-05-01T10:00:00"},
        {"q": OTHER, "key": "8", "gold": "84/455", "day": "2025-02-03"},
    ]
    path = jsonl(tmp_path / "exam.jsonl", *rows)
    fields = Fields(problem="q", answer="gold", id="key", date="day")
    kept = add("my-exam", [path], fields, {"title": "Mine", "domain": "maths"})
    path.unlink()
    assert (kept.origin.how, kept.origin.items, list(kept.origin.files)) == ("added", 2, ["exam.jsonl"])
    [one] = resolve(["my-exam"])
    assert one.items() == Items(
        "my-exam",
        ["7", "8"],
        [QUESTION, OTHER],
        ["2023", "84/455"],
        [None, None],
        ["2024-05-01", "2025-02-03"],
    )
    [late] = resolve(["my-exam@2025"])
    assert (late.name, late.items().ids) == ("my-exam@2025", ["8"])
    found = evidence([QUESTION], ["my-exam"], tmp_path, ngram=8)
    assert found["benchmark"].to_list() == ["my-exam"]
    assert found["item_span"].null_count() == 0
    remove("my-exam")
    with pytest.raises(InputError, match="my-exam: neither a benchmark"):
        resolve(["my-exam"])
    with pytest.raises(InputError, match="my-exam: neither pulled nor added"):
        remove("my-exam")


def test_a_text_added_for_a_known_set_is_preferred_to_its_fingerprint(tmp_path: Path) -> None:
    """The registry goes on describing the set; the cache key follows the file that is read."""
    params = NgramOverlap(stage="ngram-overlap", against=["brumo-2025"])
    assert params.files() == (str(fingerprint_path("brumo-2025")),)
    kept = add("brumo-2025", [jsonl(tmp_path / "b.jsonl", {"problem": QUESTION})], Fields(), {})
    assert params.files() == (str(kept.path),)
    assert registry().benchmarks["brumo-2025"].title == "BrUMO 2025"
    assert missing(["brumo-2025"]) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My_Exam", "expected a name of small letters, digits and single hyphens"),
        ("../x", "expected a name of small letters"),
        ("default", "is a group"),
        ("aime24", "is another name of aime-2024"),
        ("exam", r"is there already .* --replace"),
    ],
)
def test_a_name_that_cannot_be_added_is_told(name: str, message: str, tmp_path: Path) -> None:
    """A name must be free, and such that it can be told from files."""
    path = jsonl(tmp_path / "exam.jsonl", {"problem": QUESTION})
    add("exam", [path], Fields(), {})
    with pytest.raises(InputError, match=message):
        add(name, [path], Fields(), {})
    assert add("exam", [path, path], Fields(), {}, replace=True).origin.items == 2


def test_a_damaged_entry_is_told(tmp_path: Path) -> None:
    """A folder that curate did not write stops with its path."""
    path = tmp_path / "home" / "exam" / "entry.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"entry": {}}')
    with pytest.raises(InputError, match=r"entry.json: expected the entry of a benchmark"):
        resolve(["aime-2024"])


# ---- what cannot be found


def test_items_that_cannot_be_found_are_told(tmp_path: Path) -> None:
    """Short, unprotectable and generic items by id, and in one line for the run."""
    rows = [QUESTION, OTHER, "Compute 2 + 3 now.", "Solve.", None, QUESTION, f"{QUESTION} {OTHER}"]
    path = jsonl(tmp_path / "exam.jsonl", *({"problem": text} for text in rows))
    [one] = resolve([str(path)])
    [found] = protections([one], 10, "words")
    assert found == ("exam", "text", 7, ["2"], ["3", "4"], ["0", "1", "5"])
    write_fingerprint(make_fingerprint(one.items(), []), tmp_path / "by" / "exam.fingerprint")
    [hashed] = resolve([str(tmp_path / "by" / "exam.fingerprint")])
    assert protections([hashed], 10, "words") == [found._replace(by="fingerprint")]
    assert sentence([found], ["smt-2025"], 10) == (
        "against 1 benchmark, 7 items; 1 of fewer than 10 tokens, found only whole; "
        "2 unprotectable (fewer than 4 tokens); not protected, since not pulled: smt-2025"
    )


# ---- on real data


@pytest.mark.real_data
def test_the_shipped_fingerprints_are_those_of_the_texts(shared_data: Path) -> None:
    """Made again of their snapshots they have the same bytes."""
    for name, entry in shipped().benchmarks.items():
        if entry.snapshot is not None:
            made = to_bytes(build_shipped(name, entry, shared_data / "benchmarks"))
            assert made == fingerprint_path(name).read_bytes(), name
            assert made.startswith(MAGIC)


@pytest.mark.real_data
def test_real_rows_get_the_same_evidence_by_text_and_by_fingerprint(
    shared_data: Path, tmp_path: Path
) -> None:
    """68,000 rows against all sets of the default group: every column but item_span is the same.

    Only items of fewer than four tokens are left out of the texts: a fingerprint has none of them.
    """
    against = resolve(["default"])
    hashed = parts_of(against, 10, "words")
    known = []
    for part in hashed:
        entry = shipped().benchmarks[part.benchmark]
        assert entry.snapshot is not None
        texts = pl.read_parquet(shared_data / "benchmarks" / f"{entry.snapshot.file}.parquet")[
            "problem"
        ].to_list()
        assert part.grams is not None
        few = part.grams.n_tokens < ANYWHERE
        known.append(
            Part(part.benchmark, part.ids, [None if f else t for t, f in zip(texts, few, strict=True)])
        )
    by_text, by_hash = (open_index(write_index(parts, 10, "words", tmp_path)) for parts in (known, hashed))
    assert by_text.key_mask != by_hash.key_mask
    n_rows = n_hits = 0
    for name in ("dapo_math_25k", "deepscaler_5levels", "leetcode_train_1889", "zeroeval_gsm"):
        prompts = pl.read_parquet(shared_data / "corpora" / f"{name}.parquet", columns=["query"])["query"]
        rows = Texts(prompts.to_arrow())
        one, other = scan(rows, by_text), scan(rows, by_hash)
        assert (one == other).all(), name
        n_rows, n_hits = n_rows + len(one), n_hits + int((one["item"] >= 0).sum())
    assert n_rows > 60_000
    assert n_hits > 6_000
