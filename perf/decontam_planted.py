"""Sets made of the benchmarks themselves: one in two published forms, and edits planted by curate.

Natural sets: `gsm_hard` (GSM8K test with large numbers: another problem each), `translated` (OlymMATH in
English and in Chinese: the same problems), `transcribed` (AIME 2024 and 2025, HMMT February 2025 as typed by
two projects; the rows that are no item of these are other contests' problems).
Planted sets: real items of some benchmarks, each under every edit that applies to it, against all items of
these benchmarks; unrelated rows of a corpus beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import NamedTuple

import polars as pl
from decontam_pairs import CANDIDATES, REFERENCES, Pairs, drawn, plain, unrelated

from curate.benchmarks.edits import EDITS, Corpus

SEED = 20260101
NATURAL = ("gsm_hard", "translated", "transcribed")


class Planting(NamedTuple):
    """Benchmarks with the number of items to edit (all of them: None), and what to plant them into."""

    domain: str
    benchmarks: dict[str, int | None]
    hosts: tuple[str, ...]  # corpora whose queries give words and surroundings
    clean: tuple[tuple[str, int], ...]  # unrelated rows
    without: tuple[str, ...] = ()  # edits that mean something else in this domain


PLANTED = {
    "planted-competition": Planting(
        "maths",
        {
            "aime_2024": None,
            "aime_2025": None,
            "aime_2026": None,
            "hmmt_feb_2025": None,
            "hmmt_nov_2025": None,
            "brumo_2025": None,
            "math_500": 100,
        },
        ("dapo_math_25k", "numina_cot_2k"),
        (("corpora/math_train_7500", 2000), ("corpora/dapo_math_25k", 2000)),
    ),
    "planted-gsm8k": Planting(
        "maths", {"gsm8k_test": 200}, ("gsm8k_train", "chat_mix_small"), (("corpora/gsm8k_train", 3000),)
    ),
    # Other numbers in the examples of a programming task leave the task as it is.
    "planted-code": Planting(
        "code",
        {"livecodebench_v6": 60, "humaneval": 40, "mbpp": 60},
        ("taco_test_1000", "apps_codeforces_small"),
        (("corpora/taco_test_1000", 1000),),
        without=("changed-numbers", "latex", "renamed-variables"),
    ),
    "planted-gpqa": Planting(
        "knowledge", {"gpqa_diamond": 80}, ("chat_mix_small",), (("benchmarks/mmlu_pro", 2000),)
    ),
    "planted-chinese": Planting(
        "maths",
        {"cmath": 80, "gaokao_math_cloze": 60, "olymmath_zh_hard": 40},
        ("doocs_leetcode",),
        (("benchmarks/gaokao_math_qa", 351), ("benchmarks/cn_middle_school", 101)),
    ),
}
ROWS = pl.Schema(
    {
        "text": pl.String,
        "own_item": pl.String,
        "label": pl.Boolean,
        "relation": pl.String,
        "expected": pl.String,
    }
)
_CJK_WORD = re.compile(r"[\u4e00-\u9fff]")
_LATIN_WORD = re.compile(r"\b[A-Za-z]{3,12}\b")


def items(data: Path, name: str) -> pl.DataFrame:
    """Items of a benchmark: item, text, solution (its answer where it has no solution)."""
    return (
        pl.read_parquet(data / "benchmarks" / f"{name}.parquet")
        .select(item="id", text="problem", solution=pl.coalesce("solution", "answer"))
        .filter(pl.col("text").str.len_chars() > 0)
        .unique("text", keep="first", maintain_order=True)
    )


def surroundings(data: Path, names: tuple[str, ...]) -> Corpus:
    """400 queries of each corpus, and their words as often as they occur; in Chinese, its characters."""
    texts: list[str] = []
    for name in names:
        rows = pl.read_parquet(data / "corpora" / f"{name}.parquet", columns=["id", "query"])
        if name == "doocs_leetcode":
            rows = rows.filter(pl.col("id").str.contains("/zh/"))
        rows = rows.filter(pl.col("query").str.len_chars().is_between(40, 4000))
        texts += drawn(rows, 400)["query"].to_list()
    word = _CJK_WORD if names == ("doocs_leetcode",) else _LATIN_WORD
    return Corpus([found.lower() for text in texts for found in word.findall(text)], texts)


def planted(data: Path, name: str) -> Pairs:
    """A planted set."""
    plan = PLANTED[name]
    every = {benchmark: items(data, benchmark) for benchmark in plan.benchmarks}
    references = pl.concat(every.values()).unique("text", keep="first", maintain_order=True)
    corpus = surroundings(data, plan.hosts)
    rows = []
    for benchmark, count in plan.benchmarks.items():
        chosen = every[benchmark].rename({"item": "id"})
        chosen = drawn(chosen, len(chosen) if count is None else count)
        for item, text in chosen.select("id", "text").iter_rows():
            for edit, (apply, expected) in EDITS.items():
                if edit in plan.without:
                    continue
                made = apply(text, Random(f"{SEED}/{name}/{item}/{edit}"), corpus)
                if made is not None:
                    rows.append((made, item, expected != "variant", edit, expected))
    edited = pl.DataFrame(rows, schema=ROWS, orient="row")
    clean = [_negatives(data, corpus_name, n, references["text"]) for corpus_name, n in plan.clean]
    return _pairs(name, references, pl.concat([edited, *clean]), plan.domain)


def _negatives(data: Path, name: str, n: int, references: Iterable[str]) -> pl.DataFrame:
    return unrelated(data, name, n, references).select(
        "text",
        own_item=pl.lit(None, pl.String),
        label=pl.lit(False),
        relation=pl.lit(f"unrelated:{name.split('/')[1]}"),
        expected=pl.lit("none"),
    )


def _pairs(name: str, references: pl.DataFrame, rows: pl.DataFrame, domain: str) -> Pairs:
    references = references.with_columns(set=pl.lit(name)).select(*REFERENCES)
    candidates = rows.with_columns(
        set=pl.lit(name), row=pl.int_range(pl.len(), dtype=pl.Int64), domain=pl.lit(domain)
    ).select(*CANDIDATES)
    return Pairs(references.cast(pl.Schema(REFERENCES)), candidates.cast(pl.Schema(CANDIDATES)))


def natural(data: Path, name: str) -> Pairs:
    """A benchmark in two forms as published."""
    return {"gsm_hard": _gsm_hard, "translated": _translated, "transcribed": _transcribed}[name](data)


def _gsm_hard(data: Path) -> Pairs:
    """Rows of GSM-Hard whose words, numbers taken out, are exactly one GSM8K test item's."""
    references, others = items(data, "gsm8k_test"), items(data, "gsm_hard")
    skeleton = pl.col("text").str.replace_all(r"[\d.,]+", "0").str.replace_all(r"\W+", " ")
    own = references.select(own_item="item", key=skeleton).unique("key", keep="none")
    rows = others.with_columns(key=skeleton).join(own, on="key", how="inner", maintain_order="left")
    rows = rows.join(
        references.select(own_item="item", own_text="text"), on="own_item", maintain_order="left"
    )
    rows = rows.filter(pl.col("text") != pl.col("own_text"))
    clean = _negatives(data, "corpora/gsm8k_train", 3000, references["text"])
    rows = rows.select(
        "text",
        "own_item",
        label=pl.lit(False),
        relation=pl.lit("large numbers"),
        expected=pl.lit("variant"),
    )
    return _pairs("gsm_hard", references, pl.concat([rows, clean]), "maths")


def _translated(data: Path) -> Pairs:
    """OlymMATH: Chinese rows against English items; negatives are Chinese rows of other sets."""
    kinds = ("easy", "hard")
    references = pl.concat(items(data, f"olymmath_en_{kind}") for kind in kinds)
    rows = pl.concat(items(data, f"olymmath_zh_{kind}") for kind in kinds).select(
        "text",
        own_item=pl.col("item").str.replace("_zh_", "_en_").str.replace("-ZH", "-EN"),
        label=pl.lit(True),
        relation=pl.lit("Chinese"),
        expected=pl.lit(None, pl.String),
    )
    assert rows["own_item"].is_in(references["item"].implode()).all()
    clean = [_negatives(data, f"benchmarks/{name}", 351, ()) for name in ("gaokao_math_qa", "cmath")]
    return _pairs("translated", references, pl.concat([rows, *clean]), "maths")


def _transcribed(data: Path) -> Pairs:
    """Competition problems typed by another project, each joined to the item of its contest that is nearest.

    Nearest by the Jaccard similarity of word sets; of HMMT, the rounds of MathArena's items.
    """
    contests = {
        "aime24": "aime_2024",
        "aime25": "aime_2025",
        "hmmt_F_2025_algebra": "hmmt_feb_2025",
        "hmmt_F_2025_geometry": "hmmt_feb_2025",
        "hmmt_F_2025_combinatorics": "hmmt_feb_2025",
    }
    references = pl.concat(items(data, name) for name in dict.fromkeys(contests.values()))
    words = [set(plain(text).split()) for text in references["text"]]
    rows = []
    for item, text in items(data, "comp_math_24_25").select("item", "text").iter_rows():
        contest = re.sub(r".*/(.*?)[-_]\d+$", r"\1", item)
        own, reference = set(plain(text).split()), None
        if contest in contests:
            reference = max(
                (len(own & other) / len(own | other), name)
                for name, other in zip(references["item"], words, strict=True)
                if name.startswith(contests[contest])
            )[1]
        group = contest if contest in contests else re.sub(r"_\w*$", "", contest[:6]) + " other rounds"
        rows.append((text, reference, reference is not None, group, None))
    return _pairs("transcribed", references, pl.DataFrame(rows, ROWS, orient="row"), "maths")
