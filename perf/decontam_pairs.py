"""Labelled contamination as two frames: benchmark items, and rows of which it is known which item they hold.

    python perf/decontam_pairs.py DATA [FOLDER]

writes FOLDER/references.parquet (set, item, text, solution) and FOLDER/candidates.parquet (set, row, text,
own_item, label, relation, domain, expected); FOLDER is out/perf/decontam unless given.

A set is a file of contamination/; or one benchmark in two forms as published (`gsm_hard`, ...); or
`planted-NAME`, benchmarks with edits planted by curate.benchmarks.edits.
`label` is true where the row holds the item (the same problem, however worded), false where it holds another
problem: one derived from `own_item` (hard), or an unrelated one (`own_item` null). `expected` is the class
that a planted edit should get; null in labelled sets, which know no classes.

Files without negatives get unrelated rows as negatives (relation `unrelated:CORPUS`): rows of the same
domain, drawn by the hash of their id, less those that are an item of the set: equal words, or the same
numbers and an Indel ratio of 85 or more. They are not checked further, so that a few may be related all the
same. Negatives of a file that are positives of another item of it are left out too (the random problems of
livecodebench_vs_doocs are drawn from the benchmark's own source): they do hold an item.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import polars as pl
from rapidfuzz import fuzz

DOMAINS = {
    "benbench_gsm8k_rewritten": "maths",
    "decon_fixtures": "mixed",
    "gsm_plus_perturbed": "maths",
    "gsm_symbolic_p2": "maths",
    "livecodebench_vs_doocs": "code",
    "llm_decontaminator_rephrased": "mixed",
    "math_perturb": "maths",
    "mbpp_semantic_dupes": "code",
    "mrpc_paraphrase": "news",
    "recode_prompts": "code",
    "soft_contamination_judged": "code",
    "web_contamination_reports": "knowledge",
}
# Rows of these files stand beside sets that have no negatives, or (soft_contamination_judged) hardly any.
UNRELATED = {
    "benbench_gsm8k_rewritten": (("corpora/gsm8k_train", 5000),),
    "llm_decontaminator_rephrased": (
        ("corpora/gsm8k_train", 2000),
        ("corpora/leetcode_train_1889", 1000),
        ("benchmarks/mmlu_test", 2000),
    ),
    "recode_prompts": (("corpora/leetcode_train_1889", 1889), ("corpora/taco_test_1000", 1000)),
    "soft_contamination_judged": (("corpora/taco_test_1000", 1000), ("corpora/leetcode_train_1889", 1889)),
}
CANDIDATES = {
    "set": pl.String,
    "row": pl.Int64,
    "text": pl.String,
    "own_item": pl.String,
    "label": pl.Boolean,
    "relation": pl.String,
    "domain": pl.String,
    "expected": pl.String,
}
REFERENCES = {"set": pl.String, "item": pl.String, "text": pl.String, "solution": pl.String}
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+")


class Pairs(NamedTuple):
    """Benchmark items and the rows to judge against them, of all sets."""

    references: pl.DataFrame
    candidates: pl.DataFrame


def plain(text: str) -> str:
    """The words of a text, lower-cased."""
    return " ".join(_WORD.findall(text.lower()))


def drawn(frame: pl.DataFrame, n: int) -> pl.DataFrame:
    """`n` rows in the order of the hash of their `id`: the same on every machine and version."""
    keys = [hashlib.sha256(key.encode()).hexdigest() for key in frame["id"]]
    return frame.with_columns(_key=pl.Series(keys)).sort("_key").head(n).drop("_key")


def numbers(text: str) -> tuple[str, ...]:
    """The numbers of a text, sorted."""
    return tuple(sorted(_NUMBER.findall(text)))


def unrelated(data: Path, name: str, n: int, references: Iterable[str]) -> pl.DataFrame:
    """`n` rows (id, text) of a corpus or benchmark that are none of the references."""
    column = "query" if name.startswith("corpora") else "problem"
    rows = pl.read_parquet(data / f"{name}.parquet", columns=["id", column]).rename({column: "text"})
    rows = rows.filter(pl.col("text").str.len_chars() > 0).unique("text", keep="first", maintain_order=True)
    # Some references carry their options, which the rows of the other source lack.
    parts = {plain(part) for text in references for part in (text, text.split("\nA. ")[0])}
    alike: dict[tuple[str, ...], list[str]] = {}
    for part in sorted(parts):
        alike.setdefault(numbers(part), []).append(part)

    def is_other(text: str) -> bool:
        own = plain(text)
        return all(fuzz.ratio(own, other, score_cutoff=85) < 85 for other in alike.get(numbers(own), ()))

    return drawn(rows.filter(pl.Series([is_other(text) for text in rows["text"]])), n)


def labelled(data: Path, name: str) -> Pairs:
    """One file of contamination/: its distinct references are the benchmark, every candidate is a row."""
    rows = pl.read_parquet(data / "contamination" / f"{name}.parquet")
    texts = rows["reference"].drop_nulls().unique(maintain_order=True)
    items = [f"{name}/{index}" for index in range(len(texts))]
    references = pl.DataFrame(
        {"set": [name] * len(texts), "item": items, "text": texts, "solution": [None] * len(texts)},
        schema=REFERENCES,
    )
    candidates = rows.select(
        text="candidate",
        own_item=pl.col("reference").replace_strict(texts, items, default=None, return_dtype=pl.String),
        label="label",
        relation="relation",
    )
    held = {" ".join(text.split()) for text in (*texts, *candidates.filter("label")["text"])}
    stray = pl.Series([" ".join(text.split()) in held for text in candidates["text"]])
    candidates = candidates.filter(pl.col("label") | ~stray)
    others = [
        unrelated(data, corpus, n, texts).select(
            "text",
            own_item=pl.lit(None, pl.String),
            label=pl.lit(False),
            relation=pl.lit(f"unrelated:{corpus.split('/')[1]}"),
        )
        for corpus, n in UNRELATED.get(name, ())
    ]
    every = pl.concat([candidates, *others]).with_columns(
        set=pl.lit(name),
        row=pl.int_range(pl.len(), dtype=pl.Int64),
        domain=pl.lit(DOMAINS[name]),
        expected=pl.lit(None, pl.String),
    )
    return Pairs(references, every.select(*CANDIDATES))


def load(data: Path, sets: list[str] | None = None) -> Pairs:
    """All sets, or those named: labelled, natural and planted."""
    from decontam_planted import NATURAL, PLANTED, natural, planted

    wanted = sets or [*DOMAINS, *NATURAL, *PLANTED]
    every = [
        labelled(data, name)
        if name in DOMAINS
        else natural(data, name)
        if name in NATURAL
        else planted(data, name)
        for name in wanted
    ]
    return Pairs(pl.concat(p.references for p in every), pl.concat(p.candidates for p in every))


def main(data: Path, folder: Path) -> None:
    """Write both frames into a folder."""
    pairs = load(data)
    folder.mkdir(parents=True, exist_ok=True)
    pairs.references.write_parquet(folder / "references.parquet")
    pairs.candidates.write_parquet(folder / "candidates.parquet")
    print(pairs.candidates.group_by("set", "label", maintain_order=True).len())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "out/perf/decontam"))
