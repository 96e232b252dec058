"""Stage benchmark-match: the evidence it gives for prompts against benchmarks."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from pydantic import ValidationError
from tables import shards

from curate.benchmarks.fingerprint import make_fingerprint, write_fingerprint
from curate.benchmarks.items import Items
from curate.engines.local import LocalEngine
from curate.stages.benchmark_match import EVIDENCE, STAGE, BenchmarkMatch, measure, prepare
from curate.stages.measure import measure_shard

LADDER = "A ladder 13 metres long leans against a wall, its foot 5 metres away. How high does it reach?"
FARM = (
    "A farmer keeps 24 goats and 36 sheep on a meadow near the river. Every goat eats 3 kilograms of hay and every "
    "sheep eats 2 kilograms of hay per day. How many kilograms of hay does the farmer need for 15 days?"
)


def benchmark(folder: Path, name: str = "aime", **items: str | None) -> str:
    """A benchmark file of items by id; returns its path."""
    path = folder / f"{name}.jsonl"
    lines = [json.dumps({"id": item, "problem": text}) + "\n" for item, text in items.items()]
    path.write_text("".join(lines), "utf-8")
    return str(path)


def evidence(prompts: list[str | None], against: str | list[str], folder: Path) -> list[dict[str, Any]]:
    """Evidence of the prompts, rows numbered from 100."""
    params = BenchmarkMatch(
        stage="benchmark-match", against=[against] if isinstance(against, str) else against
    )
    return measure(frame_of(prompts), params, prepare(params, folder / "state")).to_dicts()


def frame_of(prompts: list[str | None]) -> pl.DataFrame:
    """Rows with these prompts, numbered from 100."""
    rows = {"row_id": range(100, 100 + len(prompts)), "prompt": prompts}
    return pl.DataFrame(rows, schema={"row_id": pl.Int64, "prompt": pl.String})


def covered(text: str, span: dict[str, int]) -> str:
    """What a span covers."""
    return text[span["start"] : span["end"]]


def test_the_example_of_the_module(tmp_path: Path) -> None:
    """A copy with another number is a variant; what became what is told."""
    prompt = (
        "Q: a ladder 17 metres long leans against a wall, its foot 5 metres away. How high does it reach?"
    )
    [row] = evidence([prompt], benchmark(tmp_path, **{"7": LADDER}), tmp_path)
    assert row | {"alignment": round(row["alignment"], 2)} == {
        "row_id": 100,
        "benchmark": "aime",
        "item": "7",
        "class": "variant",
        "alignment": 0.96,
        "idf_containment": 1.0,
        "containment": None,
        "numbers_agree": False,
        "hits": 1,
        "why": "13 became 17",
        "row_span": {"start": 3, "end": 95},
        "item_span": {"start": 0, "end": 92},
        "status": "ok",
    }
    assert covered(prompt, row["row_span"]) == prompt[3:-1]
    assert covered(LADDER, row["item_span"]) == LADDER[:-1]


def test_rows_without_a_candidate_have_class_none_and_no_item(tmp_path: Path) -> None:
    """No candidate is `none` and 0 hits; no text is null in all but the status."""
    prompts = ["Prove that the square root of two is irrational.", "x", "", "?.", " \n", None]
    rows = evidence(prompts, benchmark(tmp_path, **{"7": LADDER}), tmp_path)
    nothing = dict.fromkeys(set(EVIDENCE.names) - {"class", "hits", "status"})
    assert [row["row_id"] for row in rows] == [100, 101, 102, 103, 104, 105]
    assert [{**row, "row_id": None} for row in rows[:2]] == [
        {"row_id": None, **nothing, "class": "none", "hits": 0, "status": "ok"}
    ] * 2
    assert [{**row, "row_id": None} for row in rows[2:]] == [
        {"row_id": None, **nothing, "class": None, "hits": None, "status": "no-text"}
    ] * 4


def test_evidence_is_as_declared_whatever_the_rows(tmp_path: Path) -> None:
    """Columns and types are those of EVIDENCE for no row, for no candidate and for candidates."""
    params = BenchmarkMatch(stage="benchmark-match", against=[benchmark(tmp_path, **{"7": LADDER})])
    state = prepare(params, tmp_path)
    declared = pl.DataFrame(EVIDENCE.empty_table()).schema
    for prompts in ([], [None], ["x"], [LADDER], [None, LADDER, ""]):
        frame = frame_of(prompts)
        found = measure(frame, params, state)
        assert found.schema == {"row_id": pl.Int64, **declared}
        assert found["row_id"].to_list() == frame["row_id"].to_list()


def test_classes_from_the_same_problem_to_another(tmp_path: Path) -> None:
    """Of one item: as it stands, edited, in other words, with another number, nothing of it."""
    reworded = (
        "Near the river lies a meadow where 24 goats live together with 36 sheep, all kept by one farmer. Daily hay: "
        "3 kilograms go to a goat, 2 kilograms to a sheep. Over 15 days, what amount of hay in kilograms must the "
        "farmer buy?"
    )
    prompts = {
        f"Solve: {FARM.upper()} Explain.": "verbatim",
        FARM.replace("meadow", "pasture").replace("Every goat", "Each goat"): "near",
        reworded: "reworded",
        FARM.replace("36", "48"): "variant",
        "Evaluate the integral of the sine from zero to one.": "none",
    }
    rows = evidence(list(prompts), benchmark(tmp_path, **{"1": LADDER, "2": FARM}), tmp_path)
    assert [row["class"] for row in rows] == list(prompts.values())
    assert {row["item"] for row in rows[:4]} == {"2"}


def test_the_nearest_class_counts_then_the_benchmark_named_first(tmp_path: Path) -> None:
    """Of a variant and a copy the copy is told; of two copies the one of the benchmark named first."""
    changed = FARM.replace("36", "48")
    one, two = benchmark(tmp_path, "one", a=changed, b=LADDER), benchmark(tmp_path, "two", a=FARM, b=LADDER)
    told = {
        name: [
            (row["benchmark"], row["item"], row["class"])
            for row in evidence([FARM, LADDER], against, tmp_path)
        ]
        for name, against in {"one, two": [one, two], "two, one": [two, one]}.items()
    }
    assert told == {
        "one, two": [("two", "a", "verbatim"), ("one", "b", "verbatim")],
        "two, one": [("two", "a", "verbatim"), ("two", "b", "verbatim")],
    }


def test_more_benchmarks_do_not_hide_an_item(tmp_path: Path) -> None:
    """A row's evidence is that of the set that holds its item, whatever other sets are named beside it."""
    other = benchmark(
        tmp_path, "other", **{str(i): f"Question {i} about polynomial number {i}." for i in range(50)}
    )
    one = benchmark(tmp_path, **{"7": LADDER, "8": FARM})
    prompts = [LADDER, FARM.replace("36", "48"), f"{FARM} {LADDER}"]
    for row, beside in zip(
        evidence(prompts, one, tmp_path), evidence(prompts, [other, one], tmp_path), strict=True
    ):
        assert row == beside


CIRCLE = "Find the radius of the circle with equation $x^2 - 10x + y^2 + 6y + 9 = 0$ in the plane."


def test_formulas_in_order_tell_an_item_in_another_language(tmp_path: Path) -> None:
    """In Chinese it is reworded; another question in English about the same formulas is not."""
    prompts = [
        "求圆 $x^2 - 10x + y^2 + 6y + 9 = 0$ 的半径。",
        "Which lattice points lie on $x^2 - 10x + y^2 + 6y + 9 = 0$, and how many of them are also below $x = y$?",
    ]
    against = benchmark(tmp_path, **{"1": CIRCLE, "2": FARM})
    rows = evidence(prompts, against, tmp_path)
    assert [row["class"] == "reworded" for row in rows] == [True, False]
    assert (
        covered(prompts[0], rows[0]["row_span"])
        == prompts[0][prompts[0].index("x^2") : prompts[0].index("=") + 3]
    )
    assert rows[0]["why"].endswith("of the formulas, in other words")


def test_drawings_are_not_the_formulas_of_an_item(tmp_path: Path) -> None:
    """Labels and coordinates in drawing code are in the order of many a formula; the text beside it is what counts."""
    item = "Welche Kurve ist das? (A) Gerade (B) Kreis (C) Parabel (D) Ellipse (E) Hyperbel (F) Kegel, r = 4"
    drawing = "[asy] dot(A); dot(B); dot(C); dot(D); dot(E); dot(F); r = 4; [/asy]"
    words = "Cities of a country are connected by roads so that every road of it is used by one bus in each hour of the day"
    found = evidence([f"{words} {drawing}", drawing], benchmark(tmp_path, **{"1": item, "2": FARM}), tmp_path)
    assert [row["class"] for row in found] == ["none", "reworded"]
    after = f"{words} {drawing} {LADDER}"
    [row] = evidence([after], benchmark(tmp_path, name="two", **{"1": LADDER}), tmp_path)
    assert covered(after, row["row_span"]) == LADDER[:-1]


def test_formulas_lead_to_an_item_whose_rare_words_are_others(tmp_path: Path) -> None:
    """An item found by its formulas alone is laid beside the text, and told by its words."""
    tower = "n!"
    for _ in range(100):
        tower = f"n!^{{{tower}}}"
    item = f"The superfactorial is ${tower}$. What is it?"
    prompt = item.replace("superfactorial", "tower")
    rows = evidence([prompt, "What is it?", FARM], benchmark(tmp_path, **{"1": item, "2": FARM}), tmp_path)
    assert [(row["class"], row["item"]) for row in rows] == [("near", "1"), ("none", None), ("verbatim", "2")]
    assert covered(prompt, rows[0]["row_span"]) == prompt[:-1]


def test_drawings_do_not_part_an_item(tmp_path: Path) -> None:
    """An item is found, all of it, whatever drawing code stands between its sentences, or is left out there."""
    drawing = "[asy] " + " ".join(f"draw(({k},0)--({k},5));" for k in range(60)) + " [/asy]"
    words = FARM.split()
    drawn = f" {drawing} ".join(" ".join(words[k : k + 10]) for k in range(0, len(words), 10))
    for item, prompt in ((drawn, drawn), (FARM, drawn), (drawn, FARM)):
        [row] = evidence([prompt], benchmark(tmp_path, **{"1": item, "2": LADDER}), tmp_path)
        assert (row["class"], row["item"]) == ("verbatim", "1")
        assert covered(prompt, row["row_span"]) == prompt[:-1]
        assert covered(item, row["item_span"]) == item[:-1]


def test_an_item_of_common_words_is_found_as_the_whole_prompt_only(tmp_path: Path) -> None:
    """Without a rare word an item is `verbatim` where the prompt is it, and nowhere else."""
    item = "What is the (1) of that?"
    common = "Is that the 1 of a and 2, to 1?"
    against = benchmark(tmp_path, **{"7": common})
    rows = evidence(
        [common, "is THAT the $1$ of a, and 2 to 1", f"{common} {common}", item], against, tmp_path
    )
    assert [(row["class"], row["item"], row["hits"]) for row in rows] == [
        ("verbatim", "7", 1),
        ("verbatim", "7", 1),
        ("none", None, 0),
        ("none", None, 0),
    ]
    assert covered(common, rows[0]["row_span"]) == covered(common, rows[0]["item_span"]) == common[:-1]


def test_items_without_text_or_of_markup_alone_are_never_found(tmp_path: Path) -> None:
    """An item that is null, empty or an HTML tag matches nothing, and stops nothing."""
    against = benchmark(tmp_path, **{"1": None, "2": "", "3": "<section>", "4": "&nbsp;", "5": LADDER})
    rows = evidence([None, "", "<section>", "&nbsp;", "a <section> b", LADDER], against, tmp_path)
    assert [row["item"] for row in rows] == [None] * 5 + ["5"]


def test_a_benchmark_of_empty_items_alone(tmp_path: Path) -> None:
    """Benchmarks without a single text are compared with, and nothing is found."""
    rows = evidence([LADDER, None], benchmark(tmp_path, **{"1": None, "2": ""}), tmp_path)
    assert [(row["item"], row["hits"]) for row in rows] == [(None, 0), (None, None)]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "Q: ",
        "é中😀 ",
        "e\u0301, o\u0302\u0323; ",
        "① ﬁ ½ \u200d ",
        "가 \u1100\u1161\u11a8 ",
        "\u0301 ",
        "=\u0338 \n",
        "ﷺ ",
    ],
)
def test_spans_are_characters_of_the_text_as_it_was_given(before: str, tmp_path: Path) -> None:
    """Spans cover the copy in prompt and item, whatever NFKC makes of the characters before it."""
    item, prompt = f"{before}{LADDER}", f"{before}{before}{LADDER.upper()} {before}"
    [row] = evidence([prompt], benchmark(tmp_path, **{"7": item, "8": FARM}), tmp_path)
    assert row["class"] == "verbatim"
    assert covered(prompt, row["row_span"]).endswith(LADDER.upper()[:-1])
    assert covered(item, row["item_span"]).endswith(LADDER[:-1])
    assert covered(prompt, row["row_span"]).lower() == covered(item, row["item_span"]).lower()


def test_spans_of_an_edited_copy_end_with_its_last_words(tmp_path: Path) -> None:
    """A near copy amid other text is covered from the first word in order to the last."""
    prompt = f"½ ﬁ① {FARM} {LADDER.replace('leans', 'stands').replace('How', 'So how')} {FARM}"
    [row] = evidence([prompt], benchmark(tmp_path, **{"7": LADDER}), tmp_path)
    assert (row["class"], row["numbers_agree"]) == ("near", True)
    assert covered(prompt, row["row_span"]) == LADDER.replace("leans", "stands").replace("How", "So how")[:-1]


def test_rows_are_measured_one_by_one(tmp_path: Path) -> None:
    """A row's evidence is the same alone, in another order and in a slice."""
    against = benchmark(tmp_path, **{"1": LADDER, "2": FARM})
    prompts = [LADDER, None, f"e\u0301 {FARM} 😀", "short", f"{FARM} {LADDER}", FARM.replace("24", "7")] * 3
    whole = evidence(prompts, against, tmp_path)
    for i, prompt in enumerate(prompts[:6]):
        assert evidence([prompt], against, tmp_path)[0] | {"row_id": 100 + i} == whole[i]
    back = evidence(prompts[::-1], against, tmp_path)
    assert [row | {"row_id": None} for row in back[::-1]] == [row | {"row_id": None} for row in whole]


def test_shards_have_the_same_evidence_however_rows_are_cut(tmp_path: Path) -> None:
    """One shard or four, one worker or two, threads or processes: the same evidence, and bytes."""
    params = BenchmarkMatch(
        stage="benchmark-match", against=[benchmark(tmp_path, **{"1": LADDER, "2": FARM, "3": None})]
    )
    prompts = [
        LADDER,
        None,
        f"é {FARM}",
        "",
        FARM.replace("24", "25"),
        "① " + LADDER,
        "nothing",
        f"{LADDER} {FARM}",
    ]
    lines = [{"prompt": prompt} for prompt in prompts]
    found: dict[str, tuple[list[dict[str, Any]], list[bytes]]] = {}
    ways: list[tuple[str, tuple[int, ...], int, Literal["thread", "process", "inline"]]] = [
        ("whole", (), 1, "inline"),
        ("cut", (1, 3, 6), 2, "process"),
        ("cut in threads", (1, 3, 6), 2, "thread"),
    ]
    for name, cuts, workers, runs in ways:
        folder = tmp_path / name
        with LocalEngine(workers) as engine:
            fn = functools.partial(measure_shard, STAGE.name, params, prepare(params, folder / "state"))
            dataset = engine.map(fn, shards(folder, lines, STAGE.name, cuts), folder / "out", runs=runs)
        found[name] = dataset.read().to_pylist(), [shard.read_bytes() for shard in dataset.shards]
    assert found["whole"][0] == found["cut"][0]
    assert [row["class"] for row in found["whole"][0]][:3] == ["verbatim", None, "verbatim"]
    assert found["cut"] == found["cut in threads"]


def test_the_state_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    """What the workers read of the benchmarks depends on the benchmarks alone."""
    params = BenchmarkMatch(
        stage="benchmark-match", against=[benchmark(tmp_path, **{"1": LADDER, "2": FARM})]
    )
    for name in ("one", "two"):
        prepare(params, tmp_path / name)
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")
    )
    assert one == two
    assert one


def fingerprint(folder: Path, **texts: str) -> str:
    """A fingerprint `exam.fingerprint` of items by id; returns its path."""
    nothing: list[str | None] = [None] * len(texts)
    path = folder / "exam.fingerprint"
    write_fingerprint(
        make_fingerprint(Items("exam", list(texts), list(texts.values()), nothing, nothing, nothing), []),
        path,
    )
    return str(path)


def test_a_fingerprint_tells_copies_by_their_ngrams(tmp_path: Path) -> None:
    """All n-grams are `verbatim`, half of them `near`, fewer `none`; the status says that it was a fingerprint."""
    half = FARM[: FARM.index("per day")]
    prompts = [f"Q: {FARM}", f"{half} in a shed.", FARM[:70], "Nothing of it.", None]
    rows = evidence(prompts, fingerprint(tmp_path, a=LADDER, b=FARM), tmp_path)
    told = [
        (row["class"], row["item"], row["status"], row["alignment"], row["numbers_agree"]) for row in rows
    ]
    assert told == [
        ("verbatim", "b", "fingerprint", None, None),
        ("near", "b", "fingerprint", None, None),
        ("none", "b", "fingerprint", None, None),
        ("none", None, "ok", None, None),
        (None, None, "no-text", None, None),
    ]
    assert [row["containment"] == 1.0 for row in rows[:3]] == [True, False, False]
    assert 0.5 <= rows[1]["containment"] < 1
    assert 0 < rows[2]["containment"] < 0.5
    assert covered(prompts[0] or "", rows[0]["row_span"]) == FARM[:-1]
    assert rows[0]["item_span"] is None
    assert "curate benchmarks pull exam" in rows[0]["why"]


def test_text_and_fingerprint_together(tmp_path: Path) -> None:
    """With some sets as text and some as fingerprint each row has the nearer class, whichever told it."""
    text = benchmark(tmp_path, "mine", a=LADDER)
    prints = fingerprint(tmp_path, b=FARM)
    for against in ([text, prints], [prints, text]):
        rows = evidence([LADDER, FARM, f"{LADDER} {FARM}", FARM.replace("24", "25")], against, tmp_path)
        assert [(row["benchmark"], row["class"]) for row in rows[:2]] == [
            ("mine", "verbatim"),
            ("exam", "verbatim"),
        ]
        assert (rows[2]["benchmark"], rows[2]["class"], rows[2]["status"]) == ("mine", "verbatim", "ok")
        assert (rows[3]["benchmark"], rows[3]["status"]) == ("exam", "fingerprint")


def test_shipped_fingerprints_are_enough(tmp_path: Path) -> None:
    """Sets of which only the fingerprint is at hand are compared with, by their names."""
    params = BenchmarkMatch(stage="benchmark-match", against=["aime-2025", "aime-2024"])
    rows = measure(frame_of([LADDER, None]), params, prepare(params, tmp_path)).to_dicts()
    assert [(row["class"], row["status"]) for row in rows] == [("none", "ok"), (None, "no-text")]


def test_parameters_are_checked() -> None:
    """Nothing to compare with, or an unknown parameter, is refused before anything is read."""
    for given in ({"against": []}, {"against": ["x.jsonl"], "n": 10}, {}):
        with pytest.raises(ValidationError):
            BenchmarkMatch.model_validate({"stage": "benchmark-match", **given})


def test_odd_text_stops_nothing(tmp_path: Path) -> None:
    """Unicode of every kind, unclosed tags and drawings, and the item among them."""
    odd = [
        "\0",
        "\u0301" * 5,
        "😀" * 9,
        "<" * 500,
        "&" * 500,
        "<b " * 300,
        "<<" * 300,
        "[asy]" * 300,
        "\\",
        "$" * 99,
        "3." * 200,
    ]
    against = benchmark(tmp_path, **{str(i): text for i, text in enumerate([*odd, LADDER])})
    rows = evidence([*odd, *(f"{text} {LADDER} {text}" for text in odd)], against, tmp_path)
    assert all(row["status"] in ("ok", "no-text") for row in rows)
    copies = rows[len(odd) :]
    assert [row["class"] for row in copies] == ["verbatim"] * len(odd)


@pytest.mark.parametrize(
    ("noise", "size"),
    [
        ("We note that the answer is 5 metres, since x = 3 and the wall is high. ", 5_000_000),
        (LADDER.replace("ladder", "board") + " ", 1_000_000),
        ("<b>x < 3</b> &amp; [asy] ", 1_000_000),
        ("\\begin{tikzpicture} << <a ", 1_000_000),
        ("e\u0301 ½ 中 ", 500_000),
    ],
)
def test_a_very_long_row_takes_time_in_proportion(noise: str, size: int, tmp_path: Path) -> None:
    """The item at the end of megabytes of text is found, in about twice the time of half of them."""
    params = BenchmarkMatch(
        stage="benchmark-match", against=[benchmark(tmp_path, **{"1": LADDER, "2": FARM})]
    )
    state = prepare(params, tmp_path)

    def seconds(n_bytes: int) -> float:
        text = noise * (n_bytes // len(noise.encode())) + FARM
        began = time.process_time()
        [row] = measure(frame_of([text]), params, state).to_dicts()
        spent = time.process_time() - began
        assert (row["class"], row["item"]) == ("verbatim", "2")
        assert covered(text, row["row_span"]) == FARM[:-1]
        return spent

    seconds(10_000)
    assert seconds(size) < 3.5 * seconds(size // 2) + 0.5


@pytest.mark.real_data
def test_every_item_is_verbatim_itself_and_other_problems_are_not(shared_data: Path, tmp_path: Path) -> None:
    """Items of AIME 2024 and 2025 are found in themselves; 2,000 rows of another corpus are no copy of them."""
    files = [shared_data / "benchmarks" / f"aime_{year}.parquet" for year in (2024, 2025)]
    params = BenchmarkMatch(stage="benchmark-match", against=[str(file) for file in files])
    state = prepare(params, tmp_path)
    items = pl.concat(pl.read_parquet(file, columns=["id", "problem"]) for file in files)
    rows = measure(frame_of(items["problem"].to_list()), params, state)
    assert set(rows["class"]) == {"verbatim"}
    assert rows["item"].to_list() == items["id"].cast(pl.String).to_list()
    corpus = pl.read_parquet(shared_data / "corpora" / "dapo_math_25k.parquet")
    column = next(name for name in ("query", "problem", "question", "prompt") if name in corpus.columns)
    others = corpus[column].cast(pl.String).head(2000).to_list()
    assert "verbatim" not in set(measure(frame_of(others), params, state)["class"])
