"""Stage ngram-overlap: the evidence it gives for prompts against benchmark files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from curate.errors import InputError
from curate.kernels.ngram_index import ANYWHERE, open_index
from curate.stages.ngram_overlap import EVIDENCE, STAGE, NgramOverlap, measure, prepare

QUESTION = "Find the number of pairs of positive integers whose sum is 2024."
STOCK = "The answer is m/n where m and n are relatively prime positive integers. Find m + n."


def benchmark(folder: Path, **items: str | None) -> str:
    """A benchmark file `aime.jsonl` of items by id; returns its path."""
    path = folder / "aime.jsonl"
    path.write_text("".join(json.dumps({"id": i, "problem": t}) + "\n" for i, t in items.items()), "utf-8")
    return str(path)


def evidence(prompts: list[str | None], against: str, folder: Path, **params: Any) -> list[dict[str, Any]]:
    """Evidence of the prompts, rows numbered from 100."""
    with_stage = NgramOverlap(stage="ngram-overlap", against=[against], **params)
    frame = pl.DataFrame(
        {"row_id": range(100, 100 + len(prompts)), "prompt": prompts},
        schema={"row_id": pl.Int64, "prompt": pl.String},
    )
    return measure(frame, with_stage, prepare(with_stage, folder)).to_dicts()


def test_the_example_of_the_module(tmp_path: Path) -> None:
    """A copy in other letters, embedded in text, is contained whole and its place is told."""
    prompt = "Q: find the NUMBER of pairs of positive integers whose sum is 2024"
    [row] = evidence([prompt], benchmark(tmp_path, **{"7": QUESTION}), tmp_path)
    assert row == {
        "row_id": 100,
        "benchmark": "aime",
        "item": "7",
        "containment": 1.0,
        "row_containment": 0.75,
        "coverage": 1.0,
        "longest_run": 12,
        "shared": 3,
        "item_ngrams": 3,
        "item_tokens": 12,
        "hits": 3,
        "row_span": {"start": 3, "end": 66},
        "item_span": {"start": 0, "end": 63},
        "status": "ok",
    }
    assert prompt[3:66] == "find the NUMBER of pairs of positive integers whose sum is 2024"


def test_rows_that_share_nothing_have_zeros_and_no_item(tmp_path: Path) -> None:
    """No hit is containment 0.0, not null; too little text is told by the status."""
    prompts = [
        "Prove that the square root of two is not a rational number at all.",
        "Prove that.",
        "",
        "?!",
        None,
    ]
    rows = evidence(prompts, benchmark(tmp_path, **{"7": QUESTION}), tmp_path)
    nothing = {"benchmark": None, "item": None, "item_ngrams": None, "item_tokens": None}
    nothing |= {"row_span": None, "item_span": None}
    measured = ("containment", "row_containment", "coverage", "longest_run", "shared", "hits")
    zeros = {**nothing, **dict.fromkeys(measured, 0)}
    nulls = {**nothing, **dict.fromkeys(measured, None)}
    assert rows == [
        {"row_id": 100, **zeros, "status": "ok"},
        {"row_id": 101, **zeros, "status": "short-row"},
        {"row_id": 102, **nulls, "status": "no-text"},
        {"row_id": 103, **nulls, "status": "no-text"},
        {"row_id": 104, **nulls, "status": "no-text"},
    ]


def test_a_stock_phrase_is_a_hit_of_small_containment(tmp_path: Path) -> None:
    """Two problems that share only a stock phrase have hits, and a containment that says how few."""
    items = {"1": f"A bag holds six red and nine blue balls, and three are drawn at random. {STOCK}"}
    prompt = f"Two circles of radius three touch inside a larger circle as shown. {STOCK}"
    [row] = evidence([prompt], benchmark(tmp_path, **items), tmp_path)
    assert row["hits"] == row["shared"] == 8
    assert 0 < row["containment"] < 0.5
    assert prompt[row["row_span"]["start"] : row["row_span"]["end"]] == STOCK.rstrip(".")
    assert items["1"][row["item_span"]["start"] : row["item_span"]["end"]] == STOCK.rstrip(".")


def test_short_items_are_told_by_their_tokens(tmp_path: Path) -> None:
    """An item of fewer than n tokens counts as one n-gram; item_tokens says that it is short."""
    against = benchmark(tmp_path, **{"1": "Compute $\\sin 60^\\circ$.", "2": None})
    rows = evidence(
        ["Compute sin 60 circ!", "Please compute sin 60 circ and nothing else in the world."],
        against,
        tmp_path,
    )
    told = [(r["item"], r["containment"], r["item_ngrams"], r["item_tokens"], r["status"]) for r in rows]
    assert told == [("1", 1.0, 1, 4, "short-row"), ("1", 1.0, 1, 4, "ok")]


def test_the_unit_math_keeps_operators(tmp_path: Path) -> None:
    """With `math` a changed sign takes n-grams away, with `words` it does not show."""
    against = benchmark(tmp_path, **{"1": "Let x + y = 7 and x - y = 3 hold, find x * y."})
    other = "Let x - y = 7 and x + y = 3 hold, find x / y."
    contained = {
        name: evidence([other], against, tmp_path, unit=name)[0]["containment"] for name in ("words", "math")
    }
    assert contained == {"words": 1.0, "math": 0.0}


def test_evidence_is_as_declared_whatever_the_rows(tmp_path: Path) -> None:
    """Columns and types are those of EVIDENCE for no row, for no hit and for hits."""
    params = NgramOverlap(stage="ngram-overlap", against=[benchmark(tmp_path, **{"7": QUESTION})])
    state = prepare(params, tmp_path)
    declared = pl.DataFrame(EVIDENCE.empty_table()).schema
    for prompts in ([], [None], ["x"], [QUESTION]):
        frame = pl.DataFrame(
            {"row_id": list(range(len(prompts))), "prompt": prompts},
            schema={"row_id": pl.Int64, "prompt": pl.String},
        )
        found = measure(frame, params, state)
        assert found.schema == {"row_id": pl.Int64, **declared}
        assert found["row_id"].to_list() == frame["row_id"].to_list()


def test_rows_are_measured_one_by_one(tmp_path: Path) -> None:
    """A row's evidence is the same alone, in another order and in a slice."""
    against = benchmark(tmp_path, **{"1": QUESTION, "2": STOCK})
    prompts = [QUESTION, None, f"e\u0301 {STOCK} 😀", "short", f"{STOCK} {QUESTION}"] * 5
    whole = evidence(prompts, against, tmp_path)
    for i, prompt in enumerate(prompts):
        assert evidence([prompt], against, tmp_path)[0] | {"row_id": 100 + i} == whole[i]


def test_latex_and_plain_spelling_share_their_tokens_and_spans_point_into_the_prompt(tmp_path: Path) -> None:
    """With `math` one formula in two spellings is one item; the span ends where the LaTeX of the prompt does."""
    item = r"Find $\frac{a}{b}$ if $a \le b \ne 0$, $c > 0$, and $(a, b, c)$ add to $10!$"
    prompt = r"é: Find \(\dfrac{a}{b}\) if \(a \leqslant b \neq 0\), \(c \gt 0\), and \(\left(a,\, b,\, c\right)\) add to \(10!\)."
    [row] = evidence([prompt], benchmark(tmp_path, **{"7": item}), tmp_path, unit="math")
    assert (row["containment"], row["item_tokens"]) == (1.0, 23)
    assert prompt[row["row_span"]["start"] : row["row_span"]["end"]] == prompt[3:-3]
    [words] = evidence([prompt], benchmark(tmp_path, **{"7": item}), tmp_path, unit="words")
    assert words["containment"] < 0.5


def test_spans_are_characters_of_the_prompt_as_given(tmp_path: Path) -> None:
    """Emoji, Chinese and letters with combining marks before the match each count as Python counts them."""
    against = benchmark(tmp_path, **{"7": f"😀 {QUESTION}"})
    for before in ("😀é中", "e\u0301", "가각 ﬁ½ "):
        [row] = evidence([f"{before} {QUESTION} 😀"], against, tmp_path)
        assert row["row_span"] == {"start": len(before) + 1, "end": len(before) + len(QUESTION)}
        assert row["item_span"] == {"start": 2, "end": 1 + len(QUESTION)}


def test_the_files_it_reads_are_the_resolved_ones(tmp_path: Path) -> None:
    """The cache key covers every benchmark file, also behind a folder or glob."""
    path = benchmark(tmp_path, **{"7": QUESTION})
    for name in (path, str(tmp_path), str(tmp_path / "*.jsonl")):
        assert NgramOverlap(stage="ngram-overlap", against=[name]).files() == (path,)


def test_wrong_parameters_are_refused() -> None:
    """No benchmark, an n of 0 and an unknown unit are errors; kebab-case names are read."""
    wrongs: tuple[dict[str, Any], ...] = (
        {"against": []},
        {"ngram": 0},
        {"ngram": 64},
        {"unit": "chars"},
        {"n": 10},
    )
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            NgramOverlap.model_validate({"stage": "ngram-overlap", "against": ["x.csv"], **wrong})
    read = NgramOverlap.model_validate(
        {"stage": "ngram-overlap", "against": ["x.csv"], "against-column": "question"}
    )
    assert (read.against_column, read.ngram, read.unit) == ("question", 10, "words")


def test_an_absent_benchmark_stops_before_any_row(tmp_path: Path) -> None:
    """A name that stands for no file is an InputError of the parameters, not of a row."""
    params = NgramOverlap(stage="ngram-overlap", against=["aime_2036"])
    with pytest.raises(InputError, match="aime_2036: neither a benchmark nor a group nor a file"):
        params.files()
    with pytest.raises(InputError, match="aime_2036: neither a benchmark nor a group nor a file"):
        prepare(params, tmp_path)


def test_the_stage_is_declared() -> None:
    """Name, grain and the columns it reads."""
    assert (STAGE.name, STAGE.grain, STAGE.reads, STAGE.runs) == (
        "ngram-overlap",
        "row",
        ("prompt",),
        "thread",
    )


def real(frame: pl.DataFrame, names: list[str], shared_data: Path, folder: Path) -> pl.DataFrame:
    """Evidence of a frame against real benchmarks."""
    against = [str(shared_data / "benchmarks" / f"{name}.parquet") for name in names]
    params = NgramOverlap(stage="ngram-overlap", against=against)
    return measure(frame, params, prepare(params, folder))


@pytest.mark.real_data
def test_a_real_leak_is_found(shared_data: Path, tmp_path: Path) -> None:
    """Row 728 of dapo_math_25k is the first problem of AIME 2026, and the only one of them there."""
    frame = pl.read_parquet(shared_data / "corpora" / "dapo_math_25k.parquet", columns=["query"])
    frame = (
        frame.rename({"query": "prompt"})
        .with_row_index("row_id")
        .with_columns(pl.col("row_id").cast(pl.Int64))
    )
    found = real(frame, ["aime_2026"], shared_data, tmp_path).filter(pl.col("containment") >= 0.5)
    assert found.select("row_id", "item", "containment").rows() == [(728, "aime_2026/1", 1.0)]


@pytest.mark.real_data
def test_every_planted_item_is_found(shared_data: Path, tmp_path: Path) -> None:
    """All items of six sets, embedded in long text, upper-cased and re-wrapped: each found whole."""
    names = ["aime_2024", "aime_2025", "aime_2026", "hmmt_feb_2025", "hmmt_nov_2025", "math_500"]
    files = [shared_data / "benchmarks" / f"{name}.parquet" for name in names]
    items = pl.concat([pl.read_parquet(file, columns=["id", "problem"]) for file in files])
    fillers = pl.read_parquet(shared_data / "corpora" / "numina_cot_2k.parquet", columns=["responses"])
    long_text = "\n".join(fillers["responses"].explode().drop_nulls().head(10).to_list())
    params = NgramOverlap(stage="ngram-overlap", against=[str(file) for file in files])
    tiny = open_index(Path(prepare(params, tmp_path))).n_tokens < ANYWHERE
    assert tiny.sum() == 2  # of math_500, three tokens each: found only as the whole prompt
    problems = items["problem"]
    copies = {
        "verbatim": problems,
        "upper case": problems.str.to_uppercase(),
        "re-wrapped": problems.str.replace_all(" ", "\n"),
    }
    for name, planted in copies.items():
        prompts = [
            text if whole else f"{long_text[:9000]} {text} {long_text[9000:20000]}"
            for text, whole in zip(planted, tiny, strict=True)
        ]
        frame = pl.DataFrame({"row_id": range(len(prompts)), "prompt": prompts})
        found = real(frame, names, shared_data, tmp_path)
        assert found["containment"].to_list() == [1.0] * len(items), name
        # The few others are problems that are part of another, or twice in these sets.
        assert (found["item"] == items["id"]).sum() >= len(items) - 5, name
