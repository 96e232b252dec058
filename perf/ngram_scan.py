"""CPU seconds of the n-gram scan beside a Python set and Polars expressions, on the same real texts.

    python perf/ngram_scan.py DATA

DATA is the folder with benchmarks/ and corpora/. Each tool marks the texts that share a 10-gram with an
index; the kernel also finds the best item. Index building and reading are not counted. Median of 3 rounds,
the tools in turn, one thread; a round of the kernel is ten passes, whose mean counts. Printed: MB of text a
CPU second, the ratio to the kernel, and how many texts are marked otherwise than by the kernel (the others
take a run of Chinese letters for one word).
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from curate.benchmarks.load import load_all
from curate.kernels.native import Texts
from curate.kernels.ngram_index import Item, open_index, scan, write_index

N = 10
CONTESTS = ["aime_2024", "aime_2025", "aime_2026", "brumo_2025", "hmmt_feb_2025", "hmmt_nov_2025", "amc_2023"]
FEW = [*CONTESTS, "olymmath_en_hard"]
MANY = [*CONTESTS, "math_500", "livecodebench_v6", "gsm8k_test", "mmlu_test", "olympiadbench"]
WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Lower-case runs of letters and digits."""
    return WORD.findall(unicodedata.normalize("NFKC", text).lower())


def ngrams(text: str) -> list[str]:
    """The 10-grams of a text."""
    tokens = words(text)
    return [" ".join(tokens[i : i + N]) for i in range(len(tokens) - N + 1)]


def hashes(texts: pl.Series) -> pl.DataFrame:
    """Line and hash of every 10-gram, by expressions alone."""
    token = texts.str.normalize("NFKC").str.to_lowercase().str.extract_all(r"[\p{L}\p{M}\p{N}]+")
    one = pl.DataFrame({"line": np.arange(len(texts), dtype=np.uint32), "hash": token}).explode("hash")
    one = one.drop_nulls().with_columns(pl.col("hash").hash(1))
    step = pl.lit(0x9E3779B97F4A7C15, pl.UInt64)
    gram = pl.col("hash")
    for i in range(1, N):
        gram = gram * step + pl.col("hash").shift(-i)
    whole = pl.col("line") == pl.col("line").shift(-(N - 1))
    return one.select("line", gram.alias("gram"), whole.alias("whole")).filter("whole").drop("whole")


def medians(tools: dict[str, Callable[[], np.ndarray]]) -> dict[str, tuple[float, np.ndarray]]:
    """Median CPU seconds and the marks of every tool, three rounds in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in tools}
    marks = {}
    for _ in range(3):
        for name, tool in tools.items():
            passes = 10 if name == "kernel" else 1
            began = time.process_time()
            for _ in range(passes):
                marks[name] = tool()
            seconds[name].append((time.process_time() - began) / passes)
    return {name: (statistics.median(seconds[name]), marks[name]) for name in tools}


def compare(label: str, texts: pl.Series, benchmarks: list[str], data: Path) -> None:
    """Print one comparison."""
    read = load_all([data / "benchmarks" / f"{name}.parquet" for name in benchmarks])
    items = [Item(b.name, i, t) for b in read for i, t in zip(b.ids, b.texts, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        index = open_index(write_index(items, N, "words", Path(folder)))
        known = {gram for item in items for gram in ngrams(item.text or "")}
        table = hashes(pl.Series([item.text for item in items])).select("gram").unique()
        plain, arrow = texts.to_list(), texts.to_arrow()

        def kernel() -> np.ndarray:
            found = scan(Texts(arrow), index)
            long_enough = index.n_tokens[found["item"]] >= N  # the others know no short items
            return np.asarray((found["item"] >= 0) & long_enough)

        def python_set() -> np.ndarray:
            return np.array([any(gram in known for gram in ngrams(text)) for text in plain])

        def polars_expressions() -> np.ndarray:
            marks = np.zeros(len(texts), dtype=bool)
            hit = hashes(texts).join(table, on="gram", how="semi").get_column("line").unique()
            marks[hit.to_numpy()] = True
            return marks

        results = medians({"kernel": kernel, "Polars": polars_expressions, "Python set": python_set})
    megabytes = sum(len(text.encode()) for text in plain) / 1e6
    base, expected = results["kernel"]
    size = f"{len(plain):,} texts, {megabytes:.1f} MB"
    print(f"{label}: {size}, {index.n_grams:,} n-grams, {expected.sum():,} marked")
    for name, (seconds, marks) in results.items():
        other = int((marks != expected).sum())
        print(
            f"  {name:10} {megabytes / seconds:7.1f} MB/s  {seconds / base:6.1f} x  {other} marked otherwise"
        )


def main() -> None:
    """Short and long texts, a small and a large index."""
    data = Path(sys.argv[1])
    prompts = pq.read_table(data / "corpora" / "deepscaler_5levels.parquet", columns=["query"])["query"]
    answers = pq.read_table(data / "corpora" / "math_model_outputs.parquet", columns=["responses"])[
        "responses"
    ]
    short = pl.Series(prompts.combine_chunks()).drop_nulls()
    long = pl.Series(answers.combine_chunks().flatten()).drop_nulls().gather_every(6)
    for benchmarks in (FEW, MANY):
        compare("short", short, benchmarks, data)
        compare("long", long, benchmarks, data)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
