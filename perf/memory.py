"""Memory, disk and processor time of `curate run` as the input grows, and the straight line through them.

    python perf/memory.py [GB ...] [--memory 2GB] [--kind text|rows|responses|row-group|long] [--at FOLDER]

For each size: synthetic Parquet is written into a scratch folder (at --at), `curate run` with a recipe of row
stages, deduplication and decontamination is run in a process of its own, and every 50 ms the memory of the
process and its children is added up (`Pss` of /proc: pages that several map count once; `Anonymous` of it is
what no file stands for). Printed: rows, seconds, processor seconds, peak of both, the peak of each phase, the
largest the folder of the run became, the share of the cores that was busy while a text stage ran.

text: problems of about 1,500 characters; rows: of 150; responses: four answers of 3,000 characters to each;
row-group: one row group for the whole file; long: one row of 500 MB among others.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
EVERY_S = 0.05
BATCH = 4_096
RECIPE = """
[evidence.query]
stage = "query-quality"
[evidence.exact]
stage = "exact-dedup"
[evidence.near]
stage = "near-dedup"
[evidence.leak]
stage = "ngram-overlap"
against = ["BENCHMARK"]
RESPONSES
[drop.url]
when = "query.has_url"
on-missing = "undecided"
[drop.contaminated]
when = "leak.containment >= 0.5"
on-missing = "undecided"
[keep-one.exact-duplicate]
per = "exact.cluster_id"
prefer = ["query.n_chars desc"]
on-missing = "keep"
[keep-one.near-duplicate]
per = "near.cluster_id"
on-missing = "keep"
"""
LOOPS = """
[evidence.loops]
stage = "repetition"
[drop.looping]
when = "loops.repeated_words >= 50"
on-missing = "undecided"
"""


class Input(NamedTuple):
    """What the files of a kind of input hold."""

    characters: int
    """Of a problem."""
    responses: int = 0
    row_group: int = BATCH
    long_bytes: int = 0
    """Of one row in the middle."""


KINDS = {
    "text": Input(1_500),
    "rows": Input(150),
    "responses": Input(300, responses=4),
    "row-group": Input(1_500, row_group=1 << 40),
    "long": Input(1_500, long_bytes=500_000_000),
}


def words() -> npt.NDArray[np.object_]:
    """Made-up words, of which prose is put together; of the length of English ones."""
    rng = np.random.default_rng(7)
    letters = np.array(list("etaoinshrdlucmwfygpbvkxqjz"))
    return np.array(["".join(rng.choice(letters[:18], n)) for n in rng.integers(2, 9, 50_000)], dtype=object)


def texts(
    rng: np.random.Generator, vocabulary: npt.NDArray[np.object_], n: int, characters: int
) -> list[str]:
    """Texts of words drawn as Zipf has it."""
    per_text = max(1, characters // 6)
    drawn = np.minimum(rng.zipf(1.3, (n, per_text)), len(vocabulary)) - 1
    return [" ".join(line) for line in vocabulary[drawn]]


def tables(kind: Input, n_bytes: int, seed: int) -> Iterator[pa.Table]:
    """About n_bytes of text; one row in ten is a copy of another, half of these with a word exchanged."""
    rng, vocabulary, made, first = np.random.default_rng(seed), words(), 0, True
    while made < n_bytes:
        problems = texts(rng, vocabulary, BATCH, kind.characters)
        for copy in range(0, BATCH - 1, 10):
            problems[copy + 1] = problems[copy] if copy % 20 else f"{problems[copy]} {vocabulary[copy]}"
        if first and kind.long_bytes:
            problems[BATCH // 2] = ("one more word of a very long row " * (kind.long_bytes // 33 + 1))[
                : kind.long_bytes
            ]
        columns: dict[str, list[object]] = {
            "problem": list(problems),
            "answer": [str(i) for i in range(BATCH)],
        }
        if kind.responses:
            answers = texts(rng, vocabulary, BATCH * kind.responses, 3_000)
            columns["responses"] = [
                answers[i : i + kind.responses] for i in range(0, len(answers), kind.responses)
            ]
        table = pa.table(columns)
        made += table.nbytes
        first = False
        yield table


def write_input(folder: Path, kind: Input, n_bytes: int) -> int:
    """Parquet files of about a gigabyte of text each; returns their rows."""
    n_files, n_rows = max(1, round(n_bytes / 1e9)), 0
    if kind.row_group > BATCH:
        n_files = 1
    for index in range(n_files):
        made = tables(kind, n_bytes // n_files, index)
        first = next(made)
        with pq.ParquetWriter(folder / f"{index:04d}.parquet", first.schema, compression="zstd") as writer:
            if kind.row_group > BATCH:
                whole = pa.concat_tables([first, *made])
                writer.write_table(whole, row_group_size=whole.num_rows)
                n_rows += whole.num_rows
                continue
            for table in (first, *made):
                writer.write_table(table)
                n_rows += table.num_rows
    return n_rows


class Used(NamedTuple):
    """Memory of a process and its children, bytes, and processor seconds."""

    pss: int
    anonymous: int
    cpu_s: float


def used(pid: int) -> Used:
    """What the process and its children use now."""
    pss = anonymous = 0
    cpu = 0.0
    for one in [pid, *children(pid)]:
        try:
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it ended
            continue
        found = dict(re.findall(r"(\w+):\s+(\d+) kB", rollup))
        pss += int(found.get("Pss", 0)) << 10
        anonymous += int(found.get("Anonymous", 0)) << 10
        cpu += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return Used(pss, anonymous, cpu)


def children(pid: int) -> list[int]:
    """Processes below one, all the way down."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [inner for child in map(int, listed) for inner in (child, *children(child))]


def folder_bytes(folder: Path) -> int:
    """Bytes on disk of the files below a folder, each counted once."""
    seen: dict[int, int] = {}
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                status = (Path(base) / name).stat()
            except OSError:
                continue
            seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


class Phase(NamedTuple):
    """One label of the progress."""

    label: str
    seconds: float
    cpu_s: float
    pss: int
    anonymous: int


class Measured(NamedTuple):
    """One run."""

    seconds: float
    cpu_s: float
    pss: int
    anonymous: int
    disk: int
    phases: list[Phase]


def measure(command: list[str], out: Path) -> Measured:
    """Run a command and watch it; phases are the labels of its progress lines."""
    begun = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    label = "start"
    told: list[str] = []

    def listen() -> None:
        nonlocal label
        assert process.stderr is not None
        for line in process.stderr:
            told.append(line)
            if found := re.match(r"(.+): [\d,]+ of [\d,]+ ", line):
                label = found[1]

    listener = threading.Thread(target=listen)
    listener.start()
    phases: dict[str, list[tuple[float, Used]]] = {}
    disk, looked = 0, 0.0
    while process.poll() is None:
        now = time.monotonic()
        phases.setdefault(label, []).append((now, used(process.pid)))
        if now - looked > 2:
            disk, looked = max(disk, folder_bytes(out)), time.monotonic()
        time.sleep(EVERY_S)
    listener.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{''.join(told)[-3000:]}")
    made = []
    for name, seen in phases.items():
        (first, before), (last, after) = seen[0], seen[-1]
        peak = max(one.pss for _, one in seen), max(one.anonymous for _, one in seen)
        made.append(Phase(name, last - first, after.cpu_s - before.cpu_s, *peak))
    seconds = time.monotonic() - begun
    cpu = max(one.cpu_s for seen in phases.values() for _, one in seen)
    pss, anonymous = max(one.pss for one in made), max(one.anonymous for one in made)
    return Measured(seconds, cpu, pss, anonymous, max(disk, folder_bytes(out)), made)


def line(x: list[float], y: list[float]) -> str:
    """The straight line through the points, and what it says of 40 GB."""
    if len(x) < 2:
        return "one point, no line"
    slope, base = np.polyfit(x, y, 1)
    return f"{base:,.0f} + {slope:,.1f} for each GB; at 40 GB {base + 40 * slope:,.0f}"


def main() -> None:
    """Measure every size and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("gb", nargs="*", type=float, default=[0.5, 2.0, 5.0], help="GB of text")
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--kind", choices=sorted(KINDS), default="text")
    parser.add_argument("--format", default="original")
    parser.add_argument("--at", type=Path, default=None, help="folder for the scratch files")
    parser.add_argument("--phases", action="store_true")
    arguments = parser.parse_args()
    kind = KINDS[arguments.kind]
    peaks: list[float] = []
    cores = len(os.sched_getaffinity(0))
    for size in arguments.gb:
        scratch = Path(tempfile.mkdtemp(prefix="curate-memory-", dir=arguments.at))
        try:
            (scratch / "in").mkdir()
            n_rows = write_input(scratch / "in", kind, int(size * 1e9))
            benchmark = scratch / "benchmark.jsonl"
            benchmark.write_text(
                '{"problem": "How many primes are there below one hundred and eleven in all?"}\n'
            )
            recipe = RECIPE.replace("BENCHMARK", str(benchmark)).replace(
                "RESPONSES", LOOPS if kind.responses else ""
            )
            (scratch / "recipe.toml").write_text(recipe, encoding="utf-8")
            words = [
                "run",
                str(scratch / "recipe.toml"),
                "-i",
                str(scratch / "in"),
                "-o",
                str(scratch / "out"),
            ]
            words += ["--format", arguments.format, "--memory", arguments.memory]
            start = "from curate.cli.main import app; app()"
            found = measure([sys.executable, "-c", start, *words], scratch / "out")
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        peaks.append(found.pss / 1e6)
        print(
            f"{arguments.kind} {size:g} GB, {n_rows:,} rows, --memory {arguments.memory}: "
            f"{found.seconds:.0f} s, {found.cpu_s:.0f} CPU s, peak {found.pss / 1e6:,.0f} MB "
            f"({found.anonymous / 1e6:,.0f} MB of no file), disk {found.disk / 1e9:.2f} GB"
        )
        for phase in found.phases if arguments.phases else []:
            busy = phase.cpu_s / phase.seconds / cores if phase.seconds > 1 else float("nan")
            print(
                f"    {phase.label:34} {phase.seconds:6.1f} s, {phase.pss / 1e6:7,.0f} MB "
                f"({phase.anonymous / 1e6:7,.0f}), busy {busy:4.0%} of {cores} cores"
            )
        sys.stdout.flush()
    print(f"peak MB: {line(arguments.gb, peaks)}")


if __name__ == "__main__":
    main()
