"""The default recipe over real corpora: funnel, seconds, rows/s, peak memory, agreement with upstream grades.

    python perf/pipeline.py DATA [OUT]

DATA holds corpora/ and benchmarks/ as Parquet. Each run is a fresh process into a fresh folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

MATHS = ["dapo_math_25k", "deepscaler_5levels", "deepscaler_difficulty", "limr_math_8k", "math_train_7500"]
PROTECTED = [
    "aime_2024", "aime_2025", "aime_2026", "hmmt_feb_2025", "hmmt_nov_2025", "livecodebench_v6", "math_500",
]  # fmt: skip
GRADED = ["math_model_outputs", "math_cot_100x8", "gsm8k_test_multi_model"]


def measured(arguments: list[str], out: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds, and peak MB of the largest process of one `curate run`."""
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-c", "from curate.cli.main import app; app()", *arguments, "--out", str(out)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{' '.join(arguments)} failed")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def funnel(out: Path) -> str:
    """Counts and reasons of a run, one line a grain."""
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    lines = []
    for grain, unit in (("row", "rows"), ("response", "responses")):
        reasons = manifest["reasons"][grain].items()
        shown = [f"{name} {entry[unit]:,} (only {entry['only']:,})" for name, entry in reasons if entry[unit]]
        lines.append(f"  {unit}: {manifest['counts'][unit]}; {', '.join(shown)}")
    return "\n".join(lines)


def agreement(out: Path) -> str:
    """How verdicts of math-verify and the grades that came with the data go together."""
    math = pl.read_parquet(out / "evidence" / "math" / "*.parquet")
    given = pl.read_parquet(out / "input" / "responses" / "*.parquet")
    both = math.join(given, on=["row_id", "response_id"]).filter(pl.col("given_correct").is_not_null())
    counts = both.group_by("verdict", "given_correct").len().sort("verdict", "given_correct").rows()
    decided = both.filter(pl.col("verdict") != "undecided")
    same = ((decided["verdict"] == "equal") == decided["given_correct"]).sum()
    return f"  verdict × upstream: {counts}; agree on {same:,} of {decided.height:,} decided"


def main(data: Path, scratch: Path) -> None:
    """Run everything and print it."""
    against = [word for name in PROTECTED for word in ("--against", str(data / f"benchmarks/{name}.parquet"))]
    inputs = [word for name in MATHS for word in ("--input", str(data / f"corpora/{name}.parquet"))]
    runs = {"five maths corpora": ["run", "default", *inputs, *against]}
    for name in GRADED:
        corpus = str(data / f"corpora/{name}.parquet")
        runs[name] = ["run", "default", "--input", corpus, "--without", "leak"]
    for name, arguments in runs.items():
        out = scratch / name.replace(" ", "-")
        wall, cpu, peak = measured(arguments, out)
        rows = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["counts"]["rows"]["in"]
        print(f"{name}: {wall:.1f} s wall, {cpu:.1f} CPU s, {rows / wall:,.0f} rows/s, peak {peak:,.0f} MB")
        print(funnel(out))
        if name in GRADED:
            print(agreement(out))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp()))
