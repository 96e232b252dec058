"""What a million rows cost: `curate run` on growing input, on this machine and on Ray with 1, 2, 4 workers.

    python perf/scale.py [--rows 100000 300000 1000000] [--engines local ray:1 ray:2 ray:4] [--at FOLDER]

The input is the synthetic one of perf/memory.py (problems of about 150 characters, one in ten a copy or
nearly so), the recipe its row stages, deduplication and decontamination. Printed for each: wall and processor
seconds of the run and all its processes, peak memory, disk; for each engine the straight line through the
points, its largest distance from a point, and the share of processor time beside the local engine's. The
constants of docs/scale.md come from here.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from memory import KINDS, RECIPE, Measured, measure, write_input

BYTES_A_ROW = 170
"""Of the synthetic input, about."""


def run(engine: str, data: Path, scratch: Path, memory: str) -> Measured:
    """One run of the recipe, from nothing."""
    benchmark = scratch / "benchmark.jsonl"
    benchmark.write_text('{"problem": "How many primes are there below one hundred and ten in all?"}\n')
    recipe = scratch / "recipe.toml"
    recipe.write_text(RECIPE.replace("BENCHMARK", str(benchmark)).replace("RESPONSES", ""), encoding="utf-8")
    name, _, workers = engine.partition(":")
    words = ["run", str(recipe), "-i", str(data), "-o", str(scratch / "out"), "--format", "original"]
    words += ["--memory", memory, "--engine", name, *(["--workers", workers] if workers else [])]
    return measure([sys.executable, "-c", "from curate.cli.main import app; app()", *words], scratch / "out")


def line(rows: list[int], seconds: list[float]) -> str:
    """Seconds before the first row and for each million, and how far the points lie from the line."""
    if len(rows) < 2:
        return "one point, no line"
    slope, base = np.polyfit(np.array(rows) / 1e6, seconds, 1)
    off = max(abs(base + slope * n / 1e6 - s) / s for n, s in zip(rows, seconds, strict=True))
    return f"{base:.1f} s + {slope:.1f} s a million rows, at most {off:.0%} off"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="+", type=int, default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--engines", nargs="+", default=["local", "ray:1", "ray:2", "ray:4"])
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--at", type=Path, default=None, help="folder for the scratch files")
    arguments = parser.parse_args()
    print("| engine | rows | wall s | CPU s | CPU s a million | peak MB | disk MB |\n" + "|---" * 7 + "|")
    found: dict[str, list[tuple[int, Measured]]] = {engine: [] for engine in arguments.engines}
    for n_rows in arguments.rows:
        scratch = Path(tempfile.mkdtemp(prefix="curate-scale-", dir=arguments.at))
        try:
            (scratch / "in").mkdir()
            made = write_input(scratch / "in", KINDS["rows"], n_rows * BYTES_A_ROW)
            for engine in arguments.engines:
                one = run(engine, scratch / "in", scratch, arguments.memory)
                shutil.rmtree(scratch / "out")
                found[engine].append((made, one))
                cells = [f"{one.seconds:.1f}", f"{one.cpu_s:.1f}", f"{one.cpu_s / made * 1e6:.0f}"]
                cells += [f"{one.pss / 1e6:,.0f}", f"{one.disk / 1e6:,.0f}"]
                print(f"| {engine} | {made:,} | {' | '.join(cells)} |", flush=True)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    for engine, points in found.items():
        rows = [n for n, _ in points]
        for what in ("seconds", "cpu_s"):
            print(f"{engine}, {what}: {line(rows, [getattr(one, what) for _, one in points])}")
    if "local" in found:
        base = np.median([one.cpu_s for _, one in found["local"]])
        for engine, points in found.items():
            print(f"{engine}: {np.median([one.cpu_s for _, one in points]) / base:.2f} x the CPU of local")


if __name__ == "__main__":
    main()
