"""Near-deduplication beside the cost of reading the file and beside other tools, and how right each one is.

    python perf/dedup_peers.py --install out/perf/peers
    python perf/dedup.py DATA [--out out/perf] [--parts speed slow long quality start growth] [--rounds 5]
                              [--tools floor curate rensa ...] [--log FILE.jsonl]

DATA holds corpora/ and benchmarks/ as Parquet; the corpora made from it (perf/dedup_corpus.py) and the
peers lie in OUT. Every tool is a fresh process, imports included, that gets the same Parquet file; a
round runs each tool once, in turn. CPU s = user and system time of the process and all it started, peak =
resident memory of its largest process, with the pages of files it maps, own = memory of all its processes
that is no file's, seen ten times a second; all are medians.

speed: 1,000,000 short texts; slow: 100,000, for tools that take minutes, once; long: 30,000 texts of 15
KB; quality: against every pair with exact Jaccard >= 0.8, at 20,000 and 100,000; start: 1,000 rows;
growth: 10,000,000 rows of curate alone (not run unless named). A tool that cannot run has its error in
its row.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq
from dedup_corpus import ensure
from dedup_peers import TOOLS, environment_python
from dedup_quality import answer_of, assess, truth_of

HERE = Path(__file__).resolve().parent
COMMAND = "curate dedup"  # the whole command: kept rows, evidence, verdicts and report are written too
FAST = [name for name, tool in TOOLS.items() if not tool.slow]
SLOW = [name for name, tool in TOOLS.items() if tool.slow]
SILENT = ("floor", "curate-1GB")
"""They leave no answer to be assessed."""
CURATE = ["floor", "curate", "curate-defaults", "curate-single", "curate-exact-join", "curate-1GB", COMMAND]
TOOL_NAMES = [*TOOLS, COMMAND]
LIMIT_S = 3_600


@dataclass(frozen=True)
class Run:
    """One process: what it took, and the end of its messages if it failed."""

    cpu_s: float
    wall_s: float
    peak_mb: float  # resident memory of its largest process, pages of mapped files included
    own_mb: float  # memory of all its processes that is no file's, as seen ten times a second
    error: str | None


def own_memory(session: int) -> int:
    """Bytes of anonymous memory that the processes of a session hold now; 0 where there is no /proc."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(after_name[3]) == session:
                status = (folder / "status").read_text(encoding="utf-8")
                total += sum(
                    int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")
                )
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended meanwhile
    return total * 1024


def watch(session: int, ended: threading.Event, seen: list[int]) -> None:
    """Note the largest memory of a session until it has ended; end it after LIMIT_S."""
    started = time.perf_counter()
    while not ended.wait(0.1):
        seen[0] = max(seen[0], own_memory(session))
        if time.perf_counter() - started > LIMIT_S:
            os.killpg(session, signal.SIGKILL)
            return


def measured(command: list[str], answer: Path | None = None) -> Run:
    """Run a command in a process group of its own; its children count as far as it waits for them."""
    variables = {**os.environ, "PYTHONPATH": str(HERE.parent), "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryFile() as messages:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=messages, stderr=messages, env=variables, start_new_session=True
        )
        ended, seen = threading.Event(), [0]
        watcher = threading.Thread(target=watch, args=(process.pid, ended, seen))
        watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
        except BaseException:  # stopped by hand: what it started must not go on
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            ended.set()
            watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        messages.seek(0)
        lines = messages.read().decode(errors="replace").strip().splitlines() or ["no message"]
    failed = process.returncode != 0 or (answer is not None and not answer.exists())
    error = f"exit {process.returncode}: {lines[-1][:300]}" if failed else None
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, seen[0] / 2**20, error)


def command_of(tool: str, path: Path, answer: Path, peers: Path) -> list[str]:
    """The command line of one tool."""
    if tool == COMMAND:
        words = ["dedup", str(path), "--prompt-column", "text", "--out", str(answer)]
        return [sys.executable, "-c", "from curate.cli.main import app; app()", *words]
    python = environment_python(TOOLS[tool].environment, peers)
    return [str(python), str(HERE / "dedup_peers.py"), tool, str(path), str(answer)]


def rounds_of(tools: list[str], path: Path, out: Path, rounds: int, log: Path | None) -> dict[str, list[Run]]:
    """Run the tools in turn, round after round; a failed one is not tried again; `log` gets a line a run."""
    answers = out / "answers"
    answers.mkdir(parents=True, exist_ok=True)
    runs: dict[str, list[Run]] = {tool: [] for tool in tools}
    for number in range(rounds):
        for tool in tools:
            if runs[tool] and runs[tool][-1].error:
                continue
            answer = answers / f"{path.stem}.{tool.replace(' ', '-')}.parquet"
            if tool == COMMAND:
                shutil.rmtree(answer, ignore_errors=True)
            elif answer.exists():
                answer.unlink()
            python = command_of(tool, path, answer, out / "peers")[0]
            if not Path(python).exists():
                missing = f"not installed: {python} is not there (python perf/dedup_peers.py --install)"
                runs[tool].append(Run(0, 0, 0, 0, missing))
                continue
            wanted = None if tool in SILENT else answer
            run = measured(command_of(tool, path, answer, out / "peers"), wanted)
            runs[tool].append(run)
            if log:
                with log.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"corpus": path.stem, "tool": tool, **asdict(run)}) + "\n")
            told = (
                run.error
                or f"{run.cpu_s:.2f} CPU s, {run.wall_s:.2f} s, {run.peak_mb:,.0f} MB, own {run.own_mb:,.0f}"
            )
            print(f"  {path.stem} round {number + 1} {tool}: {told}", file=sys.stderr, flush=True)
    return runs


def speed_table(runs: dict[str, list[Run]]) -> str:
    """Medians and ratios of one corpus as Markdown."""
    lines = [
        "| tool | rounds | CPU s (least–most) | wall s | peak MB | own MB | ÷ floor | ÷ curate | |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    median = {
        tool: statistics.median(run.cpu_s for run in done)
        for tool, done in runs.items()
        if done and not done[-1].error
    }
    for tool, done in runs.items():
        note = TOOLS[tool].note if tool in TOOLS else "the whole command, everything written"
        if tool not in median:
            lines.append(f"| {tool} | | | | | | | | failed: {done[-1].error if done else 'not run'} |")
            continue
        cpu = [run.cpu_s for run in done]
        wall, peak, own = (
            statistics.median(getattr(run, name) for run in done) for name in ("wall_s", "peak_mb", "own_mb")
        )
        ratios = [
            f"{median[tool] / median[base]:.1f}" if base in median else "" for base in ("floor", "curate")
        ]
        lines.append(
            f"| {tool} | {len(done)} | {median[tool]:.2f} ({min(cpu):.2f}–{max(cpu):.2f}) | {wall:.2f} "
            f"| {peak:,.0f} | {own:,.0f} | {ratios[0]} | {ratios[1]} | {note} |"
        )
    return "\n".join(lines)


def growth_table(small: dict[str, list[Run]], large: dict[str, list[Run]]) -> str:
    """How ten times the rows cost beside ten times the cost of the rows, as Markdown."""
    lines = [
        "| tool | CPU s, 1M | CPU s, 10M | ÷ 10 × 1M | peak and own MB, 1M | 10M |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for tool in large:
        one, ten = small[tool][-1:], large[tool][-1:]
        if not one or not ten or one[0].error or ten[0].error:
            continue  # the table of each corpus has the error
        cpu = [statistics.median(run.cpu_s for run in runs[tool]) for runs in (small, large)]
        lines.append(
            f"| {tool} | {cpu[0]:.2f} | {cpu[1]:.2f} | {cpu[1] / (10 * cpu[0]):.2f} "
            f"| {one[0].peak_mb:,.0f}, {one[0].own_mb:,.0f} | {ten[0].peak_mb:,.0f}, {ten[0].own_mb:,.0f} |"
        )
    return "\n".join(lines)


def share(value: float | None) -> str:
    """A share as text."""
    return "" if value is None else f"{value:.5f}"


def quality_table(path: Path, tools: list[str], out: Path) -> str:
    """What each tool said, against every truly similar pair, as Markdown."""
    truth = truth_of(path)
    components = truth.n_rows - len(set(truth.components().tolist()))
    lines = [
        f"{len(truth.first):,} pairs at 0.8 or above, {int((truth.jaccard < 1).sum()):,} not identical; "
        f"{truth.n_with_twin:,} rows have a twin; one row a connected component would drop {components:,}.",
        "",
        "| tool | rows marked | marked of those with a twin | with a twin of those marked | pairs joined "
        "| rows dropped | pairs settled | settled, not identical | kept twin |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for tool in tools:
        answer = out / "answers" / f"{path.stem}.{tool}.parquet"
        if tool in SILENT or not answer.is_file():
            continue
        found = assess(truth, answer_of(answer))
        counts = ["" if n is None else f"{n:,}" for n in (found.marked, found.dropped)]
        lines.append(
            f"| {tool} | {counts[0]} | {share(found.marked_recall)} | {share(found.marked_precision)} "
            f"| {share(found.pairs_joined)} | {counts[1]} | {share(found.pairs_settled)} "
            f"| {share(found.unequal_pairs_settled)} | {share(found.kept_twin)} |"
        )
    return "\n".join(lines)


def first_rows(path: Path, n: int, out: Path) -> Path:
    """Write the first n rows of a corpus as a file of their own."""
    small = out / f"first{n}.parquet"
    pq.write_table(pq.read_table(path, columns=["text"]).slice(0, n), small, compression="zstd")
    return small


def main() -> None:
    """Measure the parts asked for and print them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/perf"))
    parts = ["speed", "slow", "long", "quality", "start", "growth"]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts[:-1])
    parser.add_argument("--tools", nargs="+", choices=TOOL_NAMES, default=TOOL_NAMES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--log", type=Path)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    plan = {
        "speed": (["s1m"], [*FAST, COMMAND], chosen.rounds),
        "slow": (["s100k"], ["floor", "curate", *SLOW], 1),
        "long": (["long30k"], [*CURATE, "rensa-by-row-group", "polars"], chosen.rounds),
        "start": (["s20k"], [COMMAND], chosen.rounds),
        "growth": (["s1m", "s10m"], ["floor", "curate", "curate-1GB", COMMAND], 1),
        "quality": (["s20k", "s100k"], list(TOOLS), 1),
    }
    for part in chosen.parts:
        names, tools, rounds = plan[part]
        tools = [tool for tool in tools if tool in chosen.tools]
        done = []
        for name in names:
            path = ensure([name], chosen.data, chosen.out)[name]
            if part == "start":
                path = first_rows(path, 1_000, chosen.out)
            runs = rounds_of(tools, path, chosen.out, rounds, chosen.log)
            done.append(runs)
            rows, size = pq.read_metadata(path).num_rows, path.stat().st_size / 1e6
            print(
                f"\n## {part}: {path.stem}, {rows:,} rows, {size:,.0f} MB of Parquet\n\n{speed_table(runs)}\n"
            )
            if part == "quality":
                print(quality_table(path, tools, chosen.out))
        if part == "growth":
            print(growth_table(done[0], done[1]))


if __name__ == "__main__":
    main()
