"""What `curate dedup` does to real corpora: rows dropped, labelled pairs joined or not, and pairs to read.

    python perf/dedup_real.py DATA [--out out/perf/real] [--groups maths templated ...] [--read FILE.jsonl]

DATA holds corpora/, benchmarks/ and contamination/ as Parquet. Each group of GROUPS is one run; the files of
a group in EACH are also run alone. Printed as Markdown: counts of every run; which near-duplicates would
have been dropped but for numbers, symbols, words or answers; for the sets of VARIANTS, whose pairs are
labelled, how many are joined; for the LeetCode sets, how near the copies of one problem are to each other.

--read writes pairs drawn at random (seed 0), for a person to judge: 50 dropped as near-duplicates, 10 of
them apart that have the same tokens, and 30 that reach the threshold but are kept apart.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from curate.cli.preview import word_difference
from curate.kernels.clusters import F64, Sets, jaccards, pack_pairs, sets_at
from curate.kernels.minhash import shingle_sets
from curate.kernels.native import Texts, call
from curate.kernels.symbols import SYMBOLS, WORDS, symbols
from curate.kernels.text import TOKENIZERS, U64
from curate.near import near_duplicates
from curate.stages.near_dedup import answer_labels

GROUPS = {
    "maths": [
        "deepscaler_5levels", "deepscaler_difficulty", "dapo_math_25k", "limr_math_8k", "math_train_7500",
    ],
    "templated": ["bbh", "asdiv", "mawps", "svamp"],
    "leetcode": [
        "doocs_leetcode", "leetcode_train_1889", "leetcodedataset_train", "leetcode_test_200",
        "leetcode_weekly_180",
    ],
    "t0": ["t0_train_50k"],
    "mixed": ["numina_cot_2k", "kodcode_demo", "taco_test_1000", "apps_codeforces_small", "chat_mix_small"],
}  # fmt: skip
EACH = ["maths", "templated", "mixed"]
VARIANTS = ["benbench_gsm8k_rewritten", "gsm_symbolic_p2", "gsm_plus_perturbed", "math_perturb"]
VETOES = ["numbers", "symbols", "words", "answers"]
THRESHOLD, NGRAM = 0.8, 5
RUN_COLUMNS = [
    "input", "rows", "exact", "near", "clusters", "largest", "its texts", "large", "conflicts", "s",
]  # fmt: skip
VETO_COLUMNS = ["input", "pairs kept apart", "by linkage", *VETOES, *(f"{veto} alone" for veto in VETOES)]
VARIANT_COLUMNS = [
    "set", "kind", "label", "pairs", "Jaccard 10/50/90 %", ">= 0.8", "of these joined", "others joined",
]  # fmt: skip
FORMAT_COLUMNS = [
    "formats", "pairs", "Jaccard 10/50/90 %", "joined", "of the statement", ">= 0.5", ">= 0.6", ">= 0.7",
    ">= 0.8", "and agree",
]  # fmt: skip
N_DROPPED, N_EQUAL, N_APART = 50, 10, 30


def prepared(data: Path, name: str, out: Path) -> Path:
    """Write one set as id, prompt, answer, origin; of labelled pairs the originals come first, each once."""
    path = out / "input" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    if name in VARIANTS:
        pairs = labelled_pairs(data, name)
        original = pl.concat_str(pl.lit("original "), "group", pl.lit(" "), "reference").alias("id")
        first = pairs.select(original, prompt="reference", answer="reference_answer").unique(
            "id", maintain_order=True
        )
        rows = pl.concat([first, pairs.select("id", prompt="candidate", answer="answer")])
    else:
        found = next(data.glob(f"*/{name}.parquet"))
        columns = pl.read_parquet_schema(found)
        prompt = "query" if "query" in columns else "problem"
        rows = pl.read_parquet(found).select("id", prompt=prompt, answer="answer")
    rows.with_columns(origin=pl.lit(name)).write_parquet(path)
    return path


def labelled_pairs(data: Path, name: str) -> pl.DataFrame:
    """id, group, reference, candidate, label, kind, answer, reference_answer of a set of variants.

    An original of MATH whose ground truth the set leaves out gets that of MATH.
    """
    pairs = pl.read_parquet(data / "contamination" / f"{name}.parquet")
    meta = [json.loads(text) if text else {} for text in pairs["meta"].to_list()]

    def of(key: str) -> pl.Series:
        return pl.Series([None if key not in one else str(one[key]) for one in meta], dtype=pl.String)

    train = pl.read_parquet(data / "corpora" / "math_train_7500.parquet").select("answer", prompt="query")
    test = pl.read_parquet(data / "benchmarks" / "math_test.parquet").select("answer", prompt="problem")
    known = dict(pl.concat([train, test], how="diagonal").select("prompt", "answer").iter_rows())
    return pairs.select(
        "id",
        "group",
        "reference",
        "candidate",
        "label",
        kind=pl.col("relation").str.replace(r":.*", ""),
        answer=of("answer"),
        reference_answer=of("seed_answer").fill_null(
            pl.Series([known.get(text) for text in pairs["reference"].to_list()], dtype=pl.String)
        ),
    )


def deduplicate(files: Sequence[Path], run: Path) -> float:
    """Run `curate dedup` in a process of its own; returns its wall seconds."""
    shutil.rmtree(run, ignore_errors=True)
    command = [sys.executable, "-c", "from curate.cli.main import app; app()", "dedup", *map(str, files)]
    command += ["--prompt-column", "prompt", "--answer-column", "answer", "--source-column", "origin"]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, "--max-drop-share", "1", "-o", str(run)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - started


def rows_of(run: Path) -> pl.DataFrame:
    """Every row: row_id, prompt, answer, source, and what near-dedup, label-conflict and the verdicts say."""
    rows = pl.read_parquet(run / "input" / "rows" / "*.parquet").select(
        "row_id", "prompt", "answer", "source"
    )
    near = pl.read_parquet(run / "evidence" / "near" / "*.parquet").rename({"status": "near_status"})
    label = pl.read_parquet(run / "evidence" / "label" / "*.parquet").select("row_id", "conflict")
    verdicts = pl.read_parquet(run / "verdicts" / "*.parquet").select("row_id", "reasons", "kept_instead")
    for other in (near, label, verdicts):
        rows = rows.join(other, on="row_id", how="left", validate="1:1")
    return rows.sort("row_id")


def only_near() -> pl.Expr:
    """Whether a row is dropped as a near-duplicate and for no other reason."""
    return pl.col("reasons").list.contains("near-duplicate") & (pl.col("reasons").list.len() == 1)


def counts(name: str, rows: pl.DataFrame, seconds: float) -> list[Any]:
    """One line of the table of runs."""
    exact = int(rows["reasons"].list.contains("exact-duplicate").sum())
    clusters = rows.filter(pl.col("cluster_size") > 1)
    texts = rows.unique("prompt").filter(pl.col("cluster_size") > 1)["cluster_id"].value_counts()
    large = int((rows["near_status"] == "large").sum())
    conflicts = rows.filter(pl.col("conflict"))["cluster_id"].n_unique()
    return [
        name,
        rows.height,
        exact,
        rows.select(only_near().sum()).item(),
        clusters["cluster_id"].n_unique(),
        rows["cluster_size"].max(),
        texts["count"].max() if texts.height else 1,
        large,
        conflicts,
        f"{seconds:.1f}",
    ]


def numbers_of(texts: Texts) -> U64:
    """The key of the numbers of every text."""
    keys = np.empty(texts.size, dtype=np.uint64)
    call("curate_number_keys", texts, TOKENIZERS["math"], keys)
    return keys


def similarities(first: Sequence[str | None], second: Sequence[str | None]) -> F64:
    """Jaccard of every two texts, as near-dedup measures it."""
    found = shingle_sets(pa.array([*first, *second], pa.large_string()), "math", ngram=NGRAM)
    low = np.arange(len(first), dtype=np.uint32)
    return jaccards(pack_pairs(low, low + np.uint32(len(first))), sets_at(found))


def parted(first: Sequence[str], second: Sequence[str], kinds: int, answers: U64 | None = None) -> list[bool]:
    """Whether symbols of these kinds keep two texts apart; `answers`: labels of both, the firsts first."""
    own = sets_at(made := symbols(Texts(as_array([*first, *second])), np.arange(2 * len(first)), kinds))
    one = np.zeros(1, dtype=np.uint64)  # the same shingle set for all
    starts = np.full(len(own.starts), one.ctypes.data, dtype=np.uint64)
    labels = np.zeros(len(starts), dtype=np.uint64) if answers is None else answers & ~np.uint64(1)
    sets = Sets(starts, np.ones(len(starts), dtype=np.uint32), own.starts, own.sizes, labels)
    low = np.arange(len(first), dtype=np.uint32)
    apart = np.isnan(jaccards(pack_pairs(low, low + np.uint32(len(first))), sets, threshold=0.5))
    assert len(made.offsets) == len(starts) + 1  # kept until here
    return [bool(value) for value in apart]


def kept_apart(run: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Pairs of different texts that reach the threshold but lie in two clusters: a column for each veto.

    row_id, other, jaccard, and whether numbers, symbols, answers part them. The pairs are those of a row and
    its representative where nothing needs to agree.
    """
    files = sorted((run / "input" / "rows").glob("*.parquet"))
    found = near_duplicates(files, "prompt", agree=[], threshold=THRESHOLD, large_cluster=None)
    pairs = pl.DataFrame(found.select(["row", "representative", "jaccard"])).rename(
        {"row": "row_id", "representative": "other"}
    )
    near = rows.select("row_id", "cluster_id", "prompt", "answer")
    pairs = (
        pairs.join(near, on="row_id")
        .join(near, left_on="other", right_on="row_id", suffix="_other")
        .filter(pl.col("cluster_id") != pl.col("cluster_id_other"))
        .unique(["prompt", "prompt_other"], keep="first", maintain_order=True)
        .sort("row_id")
    )
    one, other = (pairs[name].to_list() for name in ("prompt", "prompt_other"))
    given = [*pairs["answer"].to_list(), *pairs["answer_other"].to_list()]
    labels = answer_labels([text or "" for text in given])
    values = np.where(labels & np.uint64(1), labels, np.uint64(0)).reshape(2, -1)
    return pairs.select("row_id", "other", "jaccard").with_columns(
        numbers=pl.Series(numbers_of(Texts(as_array(one))) != numbers_of(Texts(as_array(other)))),
        symbols=pl.Series(parted(one, other, SYMBOLS), dtype=pl.Boolean),
        words=pl.Series(parted(one, other, WORDS, labels), dtype=pl.Boolean),
        answers=pl.Series((values[0] != 0) & (values[1] != 0) & (values[0] != values[1])),
    )


def veto_counts(name: str, apart: pl.DataFrame) -> list[Any]:
    """One line of the table of vetoes; pairs without any are parted by linkage (another representative)."""
    alone = apart.filter(pl.sum_horizontal(VETOES) == 1)
    none = apart.filter(~pl.any_horizontal(VETOES)).height
    return [name, apart.height, none, *(int(some[veto].sum()) for some in (apart, alone) for veto in VETOES)]


def variants(data: Path, name: str, rows: pl.DataFrame, ids: Sequence[str]) -> Iterator[list[Any]]:
    """For each kind of labelled pair: how many, their Jaccards, how many at the threshold and joined."""
    place = {text: row for row, text in enumerate(ids)}
    cluster = rows["cluster_id"].to_list()
    pairs = labelled_pairs(data, name).with_columns(
        jaccard=pl.lit(0.0), original=pl.format("original {} {}", "group", "reference")
    )
    pairs = pairs.with_columns(
        jaccard=pl.Series(similarities(pairs["reference"].to_list(), pairs["candidate"].to_list())),
        joined=pl.Series(
            [cluster[place[a]] == cluster[place[b]] for a, b in pairs.select("original", "id").iter_rows()],
            dtype=pl.Boolean,
        ),
    )
    for (kind, label), some in pairs.group_by("kind", "label", maintain_order=True):
        near = some.filter(pl.col("jaccard") >= THRESHOLD)
        yield [
            name,
            kind,
            "same" if label else "another",
            some.height,
            quantiles(some["jaccard"]),
            near.height,
            int(near["joined"].sum()),
            int(some["joined"].sum()) - int(near["joined"].sum()),
        ]
    group = pairs.select("id", "group")
    group = pl.concat([group, pairs.select(id="original", group="group").unique()])
    members = pl.DataFrame({"id": ids, "cluster": cluster}).join(group.unique("id"), on="id")
    mixed = members.group_by("cluster").agg(pl.col("group").n_unique()).filter(pl.col("group") > 1)
    yield [name, "(clusters of more than one group)", "", mixed.height, "", "", "", ""]


def as_array(texts: Sequence[str | None]) -> pa.Array:
    """The texts as an Arrow array."""
    return pa.array(texts, pa.large_string())


def slug(title: str) -> str:
    """A LeetCode title as it stands in its address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower().replace("'", "")).strip("-")


def problem_slugs(data: Path) -> pl.DataFrame:
    """id and slug of the rows of the LeetCode sets that tell it; two of the sets have no titles."""
    doocs = pl.read_parquet(data / "corpora" / "doocs_leetcode.parquet", columns=["id", "source_path"])
    titles = doocs["source_path"].str.extract(r"/\d+\.([^/]*)$").to_list()
    weekly = pl.read_parquet(data / "benchmarks" / "leetcode_weekly_180.parquet", columns=["id", "meta"])
    named = pl.read_parquet(data / "corpora" / "leetcodedataset_train.parquet", columns=["id"])
    return pl.concat(
        [
            pl.DataFrame({"id": doocs["id"], "slug": [slug(title or "") for title in titles]}),
            pl.DataFrame({"id": weekly["id"], "slug": [json.loads(m)["title"] for m in weekly["meta"]]}),
            named.select("id", slug=pl.col("id").str.replace(r".*/", "")),
        ]
    )


def table(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; numbers to the right."""
    shown = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in line] for line in lines]
    right = [all(re.fullmatch(r"[\d.,]*", cell) for cell in column) for column in zip(*shown, strict=True)]
    rule = ["---:" if numbers else "---" for numbers in right]
    return "\n".join("| " + " | ".join(line) + " |" for line in [list(head), rule, *shown])


def leetcode_formats(data: Path, rows: pl.DataFrame, ids: Sequence[str]) -> Iterator[list[Any]]:
    """For every two formats of one problem: pairs, their Jaccards as they are and of the statement alone."""
    known = (
        rows.with_columns(id=pl.Series(ids)).join(problem_slugs(data), on="id").filter(pl.col("slug") != "")
    )
    form = pl.col("id").str.extract(r"^(doocs_leetcode/[a-z]+|[a-z_0-9]+)")
    known = known.select("slug", "prompt", "cluster_id", "row_id", form=form)
    pairs = known.join(known, on="slug", suffix="_other").filter(
        (pl.col("form") < pl.col("form_other")) & (pl.col("row_id") != pl.col("row_id_other"))
    )
    whole = similarities(*(pairs[name].to_list() for name in ("prompt", "prompt_other")))
    one, other = ([statement(text) for text in pairs[name].to_list()] for name in ("prompt", "prompt_other"))
    agree = numbers_of(Texts(as_array(one))) == numbers_of(Texts(as_array(other)))
    agree &= ~np.array(parted(one, other, SYMBOLS | WORDS), dtype=np.bool_)
    pairs = pairs.with_columns(
        whole=pl.Series(whole), jaccard=pl.Series(similarities(one, other)), agree=pl.Series(agree)
    )
    for (first, second), some in pairs.group_by("form", "form_other", maintain_order=True):
        yield [
            f"{first} and {second}",
            some.height,
            quantiles(some["whole"]),
            int((some["cluster_id"] == some["cluster_id_other"]).sum()),
            quantiles(some["jaccard"]),
            *(int((some["jaccard"] >= threshold).sum()) for threshold in (0.5, 0.6, 0.7, 0.8)),
            some.filter("agree", pl.col("jaccard") >= THRESHOLD).height,
        ]


def statement(text: str) -> str:
    """A LeetCode problem without markup, examples, constraints and requests about the code."""
    plain = html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<sup>(.*?)</sup>", r"^\1", text, flags=re.DOTALL)))
    return re.split(r"\n\s*(?:Examples?\b|Constraints:|Please complete the following)", plain)[0]


def quantiles(values: pl.Series) -> str:
    """The first decile, the median, and the last decile."""
    return " / ".join(f"{values.quantile(q):.2f}" for q in (0.1, 0.5, 0.9))


def drawn(pairs: pl.DataFrame, n: int, rows: pl.DataFrame, group: str, why: str) -> Iterator[dict[str, Any]]:
    """Pairs (row_id, other, jaccard, ...) drawn at random, with what differs between them."""
    prompts, answers = rows["prompt"].to_list(), rows["answer"].to_list()
    chosen = np.random.default_rng(0).permutation(pairs.height)[:n]
    for pair in pairs[np.sort(chosen)].to_dicts():
        one, other = pair["other"], pair["row_id"]
        yield {"group": group, "why": why, **pair} | {
            "given": [answers[one], answers[other]],
            "difference": word_difference(prompts[one] or "", prompts[other] or ""),
        }


def to_read(group: str, rows: pl.DataFrame, apart: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The pairs of one run that a person should judge."""
    gone = rows.filter(only_near()).select("row_id", other="kept_instead", jaccard="jaccard")
    texts = rows["prompt"]
    gone = gone.with_columns(
        jaccard=pl.Series(
            similarities(texts.gather(gone["row_id"]).to_list(), texts.gather(gone["other"]).to_list())
        )
    )
    equal = gone["jaccard"] == 1.0
    yield from drawn(gone.filter(~equal), N_DROPPED, rows, group, "dropped")
    yield from drawn(gone.filter(equal), N_EQUAL, rows, group, "dropped, same shingles")
    yield from drawn(apart.filter(pl.any_horizontal(VETOES)), N_APART, rows, group, "kept apart")


def main() -> None:
    """Run all that is asked for and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/perf/real"))
    parser.add_argument("--groups", nargs="*", default=[*GROUPS, "variants"], choices=[*GROUPS, "variants"])
    parser.add_argument("--read", type=Path, help="file for the pairs to be read")
    asked = parser.parse_args()
    runs: list[list[Any]] = []
    vetoed: list[list[Any]] = []
    labelled: list[list[Any]] = []
    formats: list[list[Any]] = []
    reading: list[dict[str, Any]] = []
    for group in asked.groups:
        names = VARIANTS if group == "variants" else GROUPS[group]
        files = [prepared(asked.data, name, asked.out) for name in names]
        alone = {
            name: [file] for name, file in zip(names, files, strict=True) if group in (*EACH, "variants")
        }
        for name, some in (alone if group == "variants" else alone | {f"**{group}**": files}).items():
            run = asked.out / "runs" / name.strip("*")
            seconds = deduplicate(some, run)
            rows = rows_of(run)
            runs.append(counts(name, rows, seconds))
            ids = [text for file in some for text in pl.read_parquet(file)["id"].to_list()]
            if group == "variants":
                labelled += variants(asked.data, name, rows, ids)
            elif name not in names or (len(names) == 1 and group not in EACH):
                apart = kept_apart(run, rows)
                vetoed.append(veto_counts(group, apart))
                reading += to_read(group, rows, apart)
            if group == "leetcode":
                formats += leetcode_formats(asked.data, rows, ids)
    print(table(RUN_COLUMNS, runs))
    for head, lines in ((VETO_COLUMNS, vetoed), (VARIANT_COLUMNS, labelled), (FORMAT_COLUMNS, formats)):
        print(f"\n{table(head, lines)}" if lines else "")
    if asked.read:
        asked.read.write_text("".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in reading))


if __name__ == "__main__":
    main()
