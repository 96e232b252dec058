"""Bad inputs by the thousand through `curate run`: each ends in a clear error, or every row is accounted for.

    python fuzz/inputs.py [N] [--seed 1] [--kind NAME] [--cli] [--workers 2] [--case SEED]

Case i of a kind is made from the seed and i alone. A worker process runs `curate run` (the command itself,
inside the process; with `--cli` as a process of its own) and checks what came of it, `problems_of`; the
parent kills a worker that takes longer than a case may, and starts another. Findings are printed as they
come, with the words that make the case again. Exits with 1 if there is any.

What must hold: exit code 0 and a whole run (every row kept, dropped or undecided, once; rows read and rows
quarantined are the rows of the files; the prompts are those of the files), or exit code 1 to 5, one message
and no output. Never a traceback, a hang, a crash, or more memory than a case may take.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent)]

import input_places  # noqa: E402
import input_recipes  # noqa: E402
import input_tables  # noqa: E402
import input_texts  # noqa: E402
from input_cases import Case, Make  # noqa: E402

KINDS: dict[str, Make] = {
    **input_texts.KINDS,
    **input_tables.KINDS,
    **input_places.KINDS,
    **input_recipes.KINDS,
}
RARE = {"huge": 25, "bomb": 25, "wide": 15, "parquet-wide": 20, "parquet-repeats": 40, "deep": 3}
"""Kinds of which a case takes long: one for so many of the others."""
DEADLINE_S = 300.0
MEMORY_BYTES = 6 << 30
"""What a worker may allocate."""
USER_ERRORS = (1, 2, 3, 4, 5)


class Done(NamedTuple):
    """What a run of the command left."""

    code: int
    told: str
    """Standard error."""


def plan(n: int, only: str | None = None) -> list[str]:
    """The kinds of n cases, the long ones seldom."""
    names = [only] if only else list(KINDS)
    weights = [1 if only else 1 / RARE.get(name, 1) for name in names]
    shares = [weight / sum(weights) * n for weight in weights]
    return [name for name, share in zip(names, shares, strict=True) for _ in range(round(share))]


def command(case: Case, folder: Path) -> list[str]:
    """The words of the command line."""
    recipe = folder / "recipe.toml"
    recipe.write_bytes(case.recipe.encode("utf-8", "surrogatepass"))
    files = [word for name in case.files for word in ("-i", name)]
    return ["run", str(recipe), *files, "-o", str(folder / "out"), "--workers", "1", *case.options]


@contextlib.contextmanager
def native_words() -> Iterator[Callable[[], str]]:
    """What native code writes to standard error, past Python: the panic of a library in Rust, for one."""
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield lambda: (file.seek(0), file.read().decode("utf-8", "backslashreplace"))[1]
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def run_inside(words: list[str], case: Case) -> Done:
    """The command inside this process."""
    from typer.testing import CliRunner

    from curate.cli import execute, main

    steps = iter(range(1 << 30))

    def meddling(_label: str, _done: int, _total: int) -> None:
        if case.meddle is not None and next(steps) == case.meddle_at:
            case.meddle()

    shown, execute.progress_lines = execute.progress_lines, lambda: contextlib.nullcontext(meddling)
    try:
        with native_words() as spoken:
            result = CliRunner().invoke(main.app, words)
            told = result.stderr + spoken()
    finally:
        execute.progress_lines = shown
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        import traceback

        told += "".join(traceback.format_exception(result.exception))
    return Done(result.exit_code, told)


def run_outside(words: list[str], case: Case) -> Done:
    """The command as a process of its own; a file that changes does so at some moment."""
    start = "from curate.cli.main import app; app()"
    timer = threading.Timer(0.7 + 0.2 * case.meddle_at, case.meddle) if case.meddle is not None else None
    if timer is not None:
        timer.start()
    words = [os.fsencode(word) if "\0" not in word else b"nul" for word in words]  # type: ignore[misc]
    done = subprocess.run([sys.executable, "-c", start, *words], capture_output=True, check=False)
    if timer is not None:
        timer.join()
    return Done(done.returncode, done.stderr.decode("utf-8", "backslashreplace"))


def problems_of(case: Case, done: Done, out: Path) -> Iterator[str]:
    """What does not hold."""
    if any(
        said in done.told for said in ("Traceback (most recent call last)", "PanicException", "panicked at")
    ):
        yield f"traceback: {done.told[-1500:]}"
        return
    if case.fails is not None and case.fails != (done.code != 0):
        wanted = "an error" if case.fails else "no error"
        yield f"expected {wanted}, exit code {done.code}: {done.told[-600:]}"
    left = [path for path in out.rglob("*") if path.name.endswith(".tmp") or path.name == ".spool"]
    if left:
        yield f"left behind: {left[:3]}"
    if done.code != 0:
        if done.code not in USER_ERRORS:
            yield f"exit code {done.code}: {done.told[-600:]}"
        messages = [line for line in done.told.split("\n") if line.startswith("curate: ")]
        usage = "Usage:" in done.told and "Error" in done.told  # a word Typer does not know
        if len(messages) != 1 and not usage:
            yield f"{len(messages)} messages: {done.told[-600:]}"
        if messages and len(done.told.rpartition("curate: ")[2]) < 30:
            yield f"a message too short to help: {messages[0]}"
        if any(mark in done.told for mark in "\x1b\x07\x00"):
            yield f"marks that a terminal obeys: {done.told[-300:]!r}"
        half = [name for name in ("manifest.json", "kept", "dropped", "verdicts") if (out / name).exists()]
        if half:
            yield f"output of a run that failed: {half}: {done.told[-300:]}"
        return
    yield from _not_whole(case, out)


def _not_whole(case: Case, out: Path) -> Iterator[str]:
    """What is amiss with a finished run."""
    import pyarrow.parquet as pq

    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    rows = manifest["counts"]["rows"]
    if rows["in"] != rows["kept"] + rows["dropped"] + rows["undecided"]:
        yield f"rows are lost: {rows}"
    if case.n_rows is not None and rows["in"] + rows["quarantined"] != case.n_rows:
        yield f"{case.n_rows} rows in the files, {rows['in']} read and {rows['quarantined']} quarantined"
    found: dict[str, list[dict[str, object]]] = {}
    for name in ("verdicts", "dropped", "undecided", "input/originals", "input/rows", "quarantined"):
        columns = ["row_id", "prompt"] if name == "input/rows" else ["row_id"]
        files = sorted((out / name).glob("*.parquet"))
        if name == "quarantined":
            columns = ["line", "reason"]
        found[name] = [line for file in files for line in pq.ParquetFile(file).read(columns).to_pylist()]
    ids = list(range(rows["in"]))
    for name in ("verdicts", "input/originals", "input/rows"):
        if [line["row_id"] for line in found[name]] != ids:
            yield f"{name} does not hold every row once"
    for name in ("dropped", "undecided", "quarantined"):
        if len(found[name]) != rows[name]:
            yield f"{len(found[name])} rows in {name}, the manifest says {rows[name]}"
    if case.prompts is not None and [line["prompt"] for line in found["input/rows"]] != case.prompts:
        yield "prompts were changed"


QUESTIONS = (
    ["sql", "OUT", "SELECT * FROM everything"],
    ["sql", "OUT", "SELECT * FROM original", "--output", "json"],
    ["explain", "OUT", "0"],
    ["decide", "OUT", "--recipe", "RECIPE", "-o", "AGAIN"],
)


def ask(folder: Path, out: Path, rng: Random) -> Iterator[str]:
    """What does not hold of a question about a finished run."""
    places = {"OUT": str(out), "RECIPE": str(out / "recipe.toml"), "AGAIN": str(folder / "again")}
    words = [places.get(word, word) for word in rng.choice(QUESTIONS)]
    done = run_inside(words, Case([]))
    if "Traceback" in done.told or done.code != 0:
        yield f"{' '.join(words)}: exit code {done.code}: {done.told[-900:]}"


def try_case(
    kind: str, seed: str, *, outside: bool = False, keep: Path | None = None
) -> tuple[int, list[str]]:
    """Exit code of one case and what does not hold."""
    folder = Path(tempfile.mkdtemp(prefix="curate-fuzz-")) if keep is None else keep
    (folder / "in").mkdir(parents=True)
    rng = Random(f"{kind} {seed}")
    try:
        case = KINDS[kind](rng, folder / "in")
        words = command(case, folder)
        done = (run_outside if outside else run_inside)(words, case)
        found = list(problems_of(case, done, folder / "out"))
        if done.code == 0 and not found and rng.random() < 0.3:
            found += list(ask(folder, folder / "out", rng))
        return done.code, found
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _serve(pipe: Connection, outside: bool) -> None:
    """Run the cases that come through the pipe."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115
    while (asked := pipe.recv()) is not None:
        begun = time.monotonic()
        try:
            code, found = try_case(*asked, outside=outside)
        except BaseException:  # a finding: told, and on to the next
            import traceback

            code, found = -1, [f"the check itself failed: {traceback.format_exc()[-1500:]}"]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pipe.send((code, found, time.monotonic() - begun, peak))


class Tally:
    """What came of the cases."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.codes: dict[str, Counter[int]] = {}
        self.findings = 0
        self.slowest = 0.0
        self.peak = 0

    def add(self, kind: str, seed: str, code: int, found: list[str]) -> None:
        """Count one case and print what was found."""
        with self.lock:
            self.codes.setdefault(kind, Counter())[code] += 1
            self.findings += len(found)
            for problem in found:
                sys.stdout.write(f"--- {kind} {seed}\n{problem}\n")
            sys.stdout.flush()


def work(cases: Iterator[tuple[str, str]], lock: threading.Lock, tally: Tally, outside: bool) -> None:
    """Feed one worker process after another until there are no more cases."""
    context = multiprocessing.get_context("spawn")
    worker = None
    while True:
        with lock:
            asked = next(cases, None)
        if asked is None:
            break
        if worker is None or not worker.is_alive():
            here, there = context.Pipe()
            worker = context.Process(target=_serve, args=(there, outside), daemon=True)
            worker.start()
            there.close()
        try:
            here.send(asked)
            if not here.poll(DEADLINE_S):
                worker.kill()
                worker.join()
                tally.add(*asked, -2, [f"hangs: more than {DEADLINE_S:.0f} s"])
                continue
            code, found, seconds, peak = here.recv()
        except (EOFError, ConnectionError):
            worker.join()
            tally.add(*asked, -3, [f"the process ended: exit code {worker.exitcode}"])
            continue
        tally.slowest, tally.peak = max(tally.slowest, seconds), max(tally.peak, peak)
        tally.add(*asked, code, found)
    if worker is not None and worker.is_alive():
        here.send(None)
        worker.join()


def main() -> int:
    """Fuzz and report; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("n", nargs="?", type=int, default=5_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--kind", choices=sorted(KINDS))
    parser.add_argument("--cli", action="store_true", help="every case a process of its own")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--case", metavar="SEED", help="one case of --kind, kept in out/fuzz/inputs")
    arguments = parser.parse_args()
    if arguments.case:
        kept = Path("out/fuzz/inputs") / f"{arguments.kind}-{arguments.case}"
        shutil.rmtree(kept, ignore_errors=True)
        code, found = try_case(arguments.kind, arguments.case, outside=arguments.cli, keep=kept.resolve())
        sys.stdout.write("\n".join([f"exit code {code}, in {kept}", *found]) + "\n")
        return int(bool(found))
    kinds = plan(arguments.n, arguments.kind)
    Random(arguments.seed).shuffle(kinds)
    cases = iter([(kind, f"{arguments.seed}-{index}") for index, kind in enumerate(kinds)])
    tally, lock, begun = Tally(), threading.Lock(), time.monotonic()
    threads = [
        threading.Thread(target=work, args=(cases, lock, tally, arguments.cli))
        for _ in range(arguments.workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for kind, codes in sorted(tally.codes.items()):
        told = ", ".join(f"exit code {code}: {count}" for code, count in sorted(codes.items()))
        sys.stdout.write(f"{kind:16} {sum(codes.values()):6,}  {told}\n")
    sys.stdout.write(
        f"{len(kinds):,} cases, {time.monotonic() - begun:.0f} s, slowest {tally.slowest:.1f} s, "
        f"peak {tally.peak / 1024:.0f} MB, {tally.findings:,} findings\n"
    )
    return int(tally.findings > 0)


if __name__ == "__main__":
    raise SystemExit(main())
