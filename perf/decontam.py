"""Decontamination beside the cost of reading the file and beside other tools: processor seconds and memory.

    python perf/decontam.py DATA [--out out/perf] [--parts few many slow sets layers] [--rounds 5]
                                 [--tools floor ngrams match polars sets datatrove] [--log FILE.jsonl]

DATA holds corpora/ and benchmarks/ as Parquet; the corpora made from it (perf/dedup_corpus.py) and datatrove
(perf/dedup_peers.py --install) lie in OUT. Every tool is a fresh process, imports included, that looks for
10-grams of the references in the column `text` of one file; a round runs each tool once, in turn; medians.

*work* is the processor time from the first text read to the last answer: imports, and making or opening the
index, are before it. *whole* is the process. The floor reads the column and touches every byte.

few: twelve benchmarks as references, on 1,000,000 short and 30,000 long texts; many: all benchmarks, and the
rows of the corpora; slow: 100,000 short texts, with the tools that take minutes, once; sets: the first 1, 10
and 50 benchmarks as references; layers: what alignment takes of benchmark-match, on five real maths corpora,
and what more benchmarks cost there.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
N = 10
THREADS = 2
MATHS = ["dapo_math_25k", "deepscaler_5levels", "deepscaler_difficulty", "limr_math_8k", "math_train_7500"]
CONTESTS = ["aime_2024", "aime_2025", "aime_2026", "hmmt_feb_2025", "hmmt_nov_2025", "math_500"]
MANY = ["amc_2023", "brumo_2025", "gsm8k_test", "livecodebench_v6", "mmlu_test", "olympiadbench"]
TEXT_COLUMNS = ("problem", "question", "prompt", "query", "text", "content")

Marks = npt.NDArray[np.bool_]
Work = Callable[[Path], Marks]


def columns_of(path: Path) -> Iterator[pa.Array]:
    """The texts of a file, one row group at a time."""
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        column = file.read_row_group(group, columns=["text"], use_threads=False)["text"]
        yield column.combine_chunks()


def by_group(path: Path, mark: Callable[[pa.Array], Marks], threads: int = THREADS) -> Marks:
    """Row groups in threads, one after the other in each; what is found, in order."""
    metadata = pq.read_metadata(path)

    def one(group: int) -> Marks:
        file = pq.ParquetFile(path, metadata=metadata)
        return mark(file.read_row_group(group, columns=["text"], use_threads=False)["text"].combine_chunks())

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(one, range(metadata.num_row_groups))))


def floor(_: Path) -> Work:
    """Read the column, and add up every byte of it."""

    def touch(column: pa.Array) -> Marks:
        values = np.frombuffer(column.buffers()[2], np.uint8)
        whole = len(values) // 8 * 8
        total = int(values[:whole].view(np.uint64).sum()) + int(values[whole:].sum())
        return np.full(len(column), total == 0)

    return lambda path: by_group(path, touch)


def ngrams(references: Path) -> Work:
    """The kernel of ngram-overlap, which finds the best item of each text, its share and its place."""
    from curate.kernels.native import Texts
    from curate.kernels.ngram_index import open_index, scan

    index = open_index(next(references.glob("ngrams-*.index")))

    def mark(column: pa.Array) -> Marks:
        found = scan(Texts(column), index)
        return np.asarray((found["item"] >= 0) & (index.n_tokens[found["item"]] >= N))

    return lambda path: by_group(path, mark)


def match(references: Path) -> Work:
    """The whole of benchmark-match, in one thread: candidates, alignment, evidence with places."""
    from curate.benchmarks.matching import State, match, open_items
    from curate.stages.benchmark_match import evidence_of

    items, formulas = (str(next((references / "match").glob(name))) for name in ("*.arrow", "*.index"))
    state = State(items, formulas, None)
    open_items(Path(items))

    def mark(column: pa.Array) -> Marks:
        kinds = evidence_of(match(column, state))["class"]
        return kinds.is_in(["verbatim", "near", "reworded"]).fill_null(value=False).to_numpy()

    return lambda path: by_group(path, mark, 1)


def polars(references: Path) -> Work:
    """Expressions alone: tokens, hashes, shifts, a semi-join."""
    import polars as pl

    step = pl.lit(0x9E3779B97F4A7C15, pl.UInt64)

    def hashes(texts: pl.Series) -> pl.DataFrame:
        token = texts.str.normalize("NFKC").str.to_lowercase().str.extract_all(r"[\p{L}\p{M}\p{N}]+")
        one = pl.DataFrame({"line": np.arange(len(texts), dtype=np.uint32), "hash": token}).explode("hash")
        one = one.drop_nulls().with_columns(pl.col("hash").hash(1))
        gram = pl.col("hash")
        for i in range(1, N):
            gram = gram * step + pl.col("hash").shift(-i)
        whole = pl.col("line") == pl.col("line").shift(-(N - 1))
        return one.select("line", gram.alias("gram"), whole.alias("whole")).filter("whole").drop("whole")

    table = hashes(pl.read_parquet(references / "items.parquet")["text"]).select("gram").unique()

    def mark(column: pa.Array) -> Marks:
        marks = np.zeros(len(column), dtype=bool)
        hit = hashes(pl.Series(column)).join(table, on="gram", how="semi").get_column("line").unique()
        marks[hit.to_numpy()] = True
        return marks

    return lambda path: by_group(path, mark, 1)  # it has threads of its own


def sets(references: Path) -> Work:
    """Open-r1's rule in plain Python: lower-case pieces between white space, a set of 10-grams."""

    def grams(text: str) -> Iterator[str]:
        pieces = text.lower().split()
        return (" ".join(pieces[i : i + N]) for i in range(len(pieces) - N + 1))

    texts = pq.read_table(references / "items.parquet", columns=["text"])["text"].to_pylist()
    known = {gram for text in texts for gram in grams(text or "")}

    def mark(column: pa.Array) -> Marks:
        return np.array([any(gram in known for gram in grams(text)) for text in column.to_pylist()])

    return lambda path: by_group(path, mark, 1)


def datatrove(references: Path) -> Work:
    """datatrove's own filter, its n-grams of 10 words; see perf/decontam_datatrove.py for its index."""
    from datatrove.data import Document
    from datatrove.pipeline.decont import n_grams
    from decontam_datatrove import indexer_and_config

    indexer, config = indexer_and_config()
    config.n_grams = N
    texts = pq.read_table(references / "items.parquet", columns=["text"])["text"].to_pylist()
    known = {value for text in texts for value in indexer.compute_hashes("", text or "")}
    folder = tempfile.mkdtemp()
    values = np.array(sorted(known), dtype=config.hash_config.np_descr)
    values.tofile(Path(folder, "set.index.hashes"))
    tool = n_grams.NGramsDecontFilter(folder, config, language="eng")

    def mark(column: pa.Array) -> Marks:
        return np.array([tool.filter(Document(text=text, id="0")) is not True for text in column.to_pylist()])

    return lambda path: by_group(path, mark, 1)


class Tool(NamedTuple):
    """A tool: given the folder of the references, what marks the texts of a file."""

    prepare: Callable[[Path], Work]
    environment: str
    note: str


TOOLS = {
    "floor": Tool(floor, "own", "reads the column and touches every byte"),
    "ngrams": Tool(ngrams, "own", "ngram-overlap: best item, share, places"),
    "match": Tool(match, "own", "benchmark-match: classes, and what they rest on"),
    "polars": Tool(polars, "libraries", "expressions; marks alone"),
    "sets": Tool(sets, "own", "open-r1's rule in Python; marks alone"),
    "datatrove": Tool(datatrove, "libraries", "its own filter; marks alone"),
}


def run_tool(name: str, references: Path, path: Path, answer: Path) -> None:
    """Run one tool here; the answer has its marks and its processor seconds."""
    work = TOOLS[name].prepare(references)
    began = time.process_time()
    marks = work(path)
    work_s = time.process_time() - began
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    peak = next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), np.nan)
    np.savez(answer, marks=marks, work_s=work_s, peak_mb=peak)


class Done(NamedTuple):
    """One process."""

    work_s: float
    whole_s: float
    own_mb: float
    peak_mb: float
    marks: Marks


def rounds_of(
    tools: list[str], references: Path, path: Path, out: Path, rounds: int, log: Path | None
) -> dict[str, list[Done]]:
    """Run the tools in turn, round after round."""
    from dedup import measured
    from dedup_peers import environment_python

    answers = out / "answers"
    answers.mkdir(parents=True, exist_ok=True)
    done: dict[str, list[Done]] = {name: [] for name in tools}
    for number in range(rounds):
        for name in tools:
            answer = answers / f"{path.stem}.{references.name}.{name}.npz"
            answer.unlink(missing_ok=True)
            python = environment_python(TOOLS[name].environment, out / "peers")
            command = [str(python), str(HERE / "decontam.py"), "--run", name, str(references)]
            run = measured([*command, str(path), str(answer)], answer)
            if run.error:
                sys.exit(f"{name}: {run.error}")
            with np.load(answer) as found:
                work_s, peak_mb = float(found["work_s"]), float(found["peak_mb"])
                one = Done(work_s, run.cpu_s, run.own_mb, peak_mb, found["marks"].astype(bool))
            done[name].append(one)
            told = {"corpus": path.stem, "references": references.name, "tool": name, "round": number + 1}
            told |= {"work_s": round(one.work_s, 3), "whole_s": round(one.whole_s, 3)}
            told |= {
                "own_mb": round(one.own_mb),
                "peak_mb": round(one.peak_mb),
                "marked": int(one.marks.sum()),
            }
            print(json.dumps(told), file=sys.stderr, flush=True)
            if log:
                with log.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(told) + "\n")
    return done


def table_of(done: dict[str, list[Done]], megabytes: float) -> str:
    """Medians and ratios as Markdown."""
    lines = [
        "| tool | rounds | work, CPU s (least–most) | MB/s | whole, CPU s | own MB | peak MB | work ÷ floor "
        "| whole ÷ floor | work ÷ ngrams | marked | otherwise than ngrams | |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    middle = {
        name: [statistics.median(float(getattr(run, field)) for run in runs) for field in Done._fields[:4]]
        for name, runs in done.items()
    }
    for name, runs in done.items():
        work, whole, own, peak = middle[name]
        spread = f"{min(run.work_s for run in runs):.2f}–{max(run.work_s for run in runs):.2f}"
        marks, other = runs[-1].marks, done["ngrams"][-1].marks if "ngrams" in done else None
        differ = "" if other is None or name in ("floor", "match") else f"{int((marks != other).sum()):,}"
        ngrams_work = f"{work / middle['ngrams'][0]:.1f}" if "ngrams" in middle else ""
        lines.append(
            f"| {name} | {len(runs)} | {work:.2f} ({spread}) | {megabytes / work:,.0f} | {whole:.2f} "
            f"| {own:,.0f} | {peak:,.0f} | {work / middle['floor'][0]:.2f} "
            f"| {whole / middle['floor'][1]:.2f} | {ngrams_work} | {int(marks.sum()):,} | {differ} "
            f"| {TOOLS[name].note} |"
        )
    return "\n".join(lines)


def megabytes_of(path: Path) -> float:
    """Millions of bytes of text in a file."""
    return float(sum(column.nbytes for column in columns_of(path))) / 1e6


def texts_of(files: list[Path]) -> pa.Table:
    """The items of files: benchmark, id, text."""
    from curate.benchmarks.load import load_all

    read = load_all(files)
    columns = [
        [one.name for one in read for _ in one.ids],
        [item for one in read for item in one.ids],
        [text for one in read for text in one.texts],
    ]
    return pa.table([pa.array(column, pa.large_string()) for column in columns], ["benchmark", "id", "text"])


def references_of(name: str, files: list[Path], out: Path) -> Path:
    """The folder of an index of these files, made anew; what it took is printed."""
    from curate.benchmarks.protect import resolve
    from curate.kernels.ngram_index import Part, open_index, write_index

    folder = out / "decontam" / name
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("ngrams-*.index"):
        old.unlink()
    table = texts_of(files)
    pq.write_table(table, folder / "items.parquet")
    parts = [
        Part(str(one), rows["id"].to_pylist(), rows["text"].to_pylist())
        for one in table["benchmark"].unique().to_pylist()
        if (rows := table.filter(pa.compute.equal(table["benchmark"], one))).num_rows
    ]
    began = time.process_time()
    path = write_index(parts, N, "words", folder)
    took = time.process_time() - began
    index = open_index(path)
    size = path.stat().st_size / 1e6
    texts = sum(section.nbytes for key, section in index.sections.items() if key.startswith("texts")) / 1e6
    print(
        f"{name}: {len(files)} files, {table.num_rows:,} items, {index.n_grams:,} n-grams; "
        f"index {size:,.0f} MB, {texts:,.0f} of it the texts; made in {took:.1f} CPU s",
        flush=True,
    )
    if name == "twelve":
        from curate.benchmarks.matching import write_state

        began = time.process_time()
        write_state(resolve([str(file) for file in files]), "problem", folder / "match")
        print(f"benchmark-match: index made in {time.process_time() - began:.1f} CPU s", flush=True)
    return folder


def column_of(path: Path) -> pa.Array:
    """The prompts of a real corpus."""
    chosen = next(one for one in TEXT_COLUMNS if one in pq.read_schema(path).names)
    return pq.read_table(path, columns=[chosen])[chosen].combine_chunks().cast(pa.large_string())


def layers_of(column: pa.Array, against: list[Path], folder: Path) -> str:
    """What the layers of benchmark-match take on these texts, as cells: medians of three, ms of CPU time."""
    from curate.benchmarks.alignment import alignments
    from curate.benchmarks.matching import CANDIDATES, match, open_items, write_state
    from curate.benchmarks.protect import resolve
    from curate.kernels.item_index import candidates
    from curate.kernels.native import Texts
    from curate.kernels.ngram_index import open_index, scan

    state = write_state(resolve([str(path) for path in against]), "problem", folder)
    assert state.items is not None
    assert state.formulas is not None
    items, formulas = open_items(Path(state.items)), open_index(Path(state.formulas))
    best, _ = candidates(Texts(column), items.index, CANDIDATES)
    steps: list[Callable[[], Any]] = [
        lambda: candidates(Texts(column), items.index, CANDIDATES),
        lambda: scan(Texts(column), formulas),
        lambda: alignments(Texts(column), items.texts, best),
        lambda: match(column, state),
    ]
    took: list[list[float]] = [[] for _ in steps]
    for _ in range(3):
        for step, seconds in zip(steps, took, strict=True):
            began = time.process_time()
            found = step()
            seconds.append(1000 * (time.process_time() - began))
    first, second, aligned, whole = map(statistics.median, took)
    beside = sum(one.hits for one in found.of.values())
    return (
        f"{len(column):,} | {beside:,} | {first:,.0f} | {second:,.0f} | {aligned:,.0f} | {whole:,.0f} "
        f"| {aligned / whole:.0%} | {1000 * whole / len(column):.0f}"
    )


def layers(data: Path, benchmarks: list[Path]) -> str:
    """Real corpora against the contests, and a part of one against more and more sets, as Markdown."""
    lines = [
        "| corpus | sets | rows | laid beside | candidates | formulas | alignment | all | alignment of all "
        "| µs a row |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        contests = [data / "benchmarks" / f"{name}.parquet" for name in CONTESTS]
        for name in MATHS:
            column = column_of(data / "corpora" / f"{name}.parquet")
            lines.append(f"| {name} | {len(CONTESTS)} | {layers_of(column, contests, Path(folder))} |")
        column = column_of(data / "corpora" / f"{MATHS[0]}.parquet").slice(0, 5_000)
        lines += [
            f"| of {MATHS[0]} | first {n} | {layers_of(column, benchmarks[:n], Path(folder))} |"
            for n in (1, 10, 50)
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure the parts asked for and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/perf"))
    parts = ["few", "many", "slow", "sets", "layers"]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--log", type=Path)
    chosen = parser.parse_args()
    from dedup_corpus import ensure

    benchmarks = sorted((chosen.data / "benchmarks").glob("*.parquet"))
    corpora = sorted((chosen.data / "corpora").glob("*.parquet"))
    twelve = [path for path in benchmarks if path.stem in (*CONTESTS, *MANY)]
    short_and_long = ("s1m", "long30k")
    plan: dict[str, list[tuple[str, list[Path], str, list[str], int]]] = {
        "few": [
            ("twelve", twelve, name, ["floor", "ngrams", "polars", "sets"], chosen.rounds)
            for name in short_and_long
        ],
        "many": [
            (label, files, name, ["floor", "ngrams"], chosen.rounds)
            for label, files in (("all", benchmarks), ("all-and-corpora", benchmarks + corpora))
            for name in short_and_long
        ],
        "slow": [("twelve", twelve, "s100k", list(TOOLS), 1)],
        "sets": [
            (f"first-{n}", benchmarks[:n], "s1m", ["floor", "ngrams"], chosen.rounds) for n in (1, 10, 50)
        ],
        "layers": [],
    }
    made: dict[str, Path] = {}
    for part in chosen.parts:
        for name, files, corpus, tools, rounds in plan[part]:
            if name not in made:
                made[name] = references_of(name, files, chosen.out)
            path = ensure([corpus], chosen.data, chosen.out)[corpus]
            wanted = [tool for tool in tools if tool in chosen.tools]
            done = rounds_of(wanted, made[name], path, chosen.out, rounds, chosen.log)
            size = megabytes_of(path)
            print(f"\n## {part}: {corpus}, {size:,.0f} MB of text, against {name}\n", flush=True)
            print(table_of(done, size), flush=True)
        if part == "layers":
            print(
                f"\n## layers: contests are {', '.join(CONTESTS)}\n\n{layers(chosen.data, benchmarks)}",
                flush=True,
            )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        run_tool(sys.argv[2], *map(Path, sys.argv[3:6]))
    else:
        main()
