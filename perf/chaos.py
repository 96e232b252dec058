"""Kill runs of the default recipe everywhere and see that they go on to the same bytes.

    python perf/chaos.py [--scale X] [--seed S] [--only WORD ...] [--part K/N]

Every case is a run of the default recipe on a small sample, in a process of its own that is killed, starved
or lied to, and then the same command once more. What it must come to: the bytes of an undisturbed run, or an
error that says what is wrong and an exit code that is not 0. A case takes about two processor seconds:
modules are imported once and the runs are forked (some are started from nothing, like anybody's). Renames
and links are counted by wrapped `os` functions, in the run and in its workers.

Needs Linux; as root also full disks (tmpfs) and read-only ones (bind mount), else these are left out, loudly.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from chaos_run import SIGNALS, Run, Site, run, shards, still_running, tree

ROWS = 60


class Outcome(NamedTuple):
    """What a case came to."""

    kind: str
    result: str
    """`killed`, `stopped` (with an error), or `finished` in spite of what was done."""
    wrong: str
    """Empty: it went on to the same bytes."""
    shards_redone: int
    in_flight: int
    input_read_again: bool
    seconds: float


class Case(NamedTuple):
    """A way to disturb a run: `disturb(site)` runs the command at least once; then it is run to its end."""

    kind: str
    disturb: Callable[[Site], Run]
    workers: int = 1
    expect: str = ""
    """What the run that is resumed must say."""


def decided(case: Case, site: Site, files: dict[str, str]) -> Outcome:
    """Do one case and say what it came to."""
    started = time.perf_counter()
    first = case.disturb(site)
    in_flight = len(list(site.out.glob(".cache/evidence-*/**/.*.tmp")))
    again = run(site, case.workers)
    wrong = ""
    if first.traceback and first.code >= 0:
        wrong = f"traceback: {first.said[-300:]}"
    elif first.code > 0 and "curate: " not in first.said and first.said:
        wrong = f"no message: {first.said[-300:]}"
    elif first.code == 0 and not tree(site.out):
        wrong = "finished without output"
    elif again.code:
        wrong = f"resumed with exit code {again.code}: {again.said[-300:]}"
    elif case.expect not in again.said:
        wrong = f"did not say {case.expect!r}"
    else:
        found = tree(site.out)
        differing = sorted(name for name in {*files, *found} if files.get(name) != found.get(name))
        wrong = f"other bytes: {', '.join(differing[:5])}" if differing else ""
        left = [path.name for path in site.out.rglob(".*.tmp")]
        wrong = wrong or (f"left behind: {', '.join(left[:3])}" if left else "")
    wrong = wrong or still_running(site)
    both = shards(first.log) & shards(again.log)
    read = [line for line in again.log if "/input-" in line and "/rows/" in line]
    once = any("/input-" in line and "/rows/" in line for line in first.log)
    result = "killed" if first.code < 0 or first.code >= 128 else "stopped" if first.code else "finished"
    return Outcome(
        case.kind,
        result,
        wrong,
        sum(both.values()),
        in_flight,
        bool(read) and once,
        time.perf_counter() - started,
    )


def at_every_rename(n_renames: int, rng: random.Random) -> Iterator[Case]:
    """SIGKILL before each rename and link, and after each fifth; the other signals at some."""
    for at in range(n_renames):
        yield Case("SIGKILL at a rename", lambda site, at=at: run(site, at=at))
        if at % 5 == 2:
            yield Case("SIGKILL after a rename", lambda site, at=at: run(site, at=at, after=True))
        if at % 8 == 4:
            name = rng.choice(["SIGTERM", "SIGINT"])
            yield Case(
                f"{name} at a rename", lambda site, at=at, name=name: run(site, at=at, signal=SIGNALS[name])
            )


def waits(renames: int, seconds: float, then: Callable[[int], None]) -> Callable[[int, Path], None]:
    """Do something when so many renames were made, and some time has gone by."""

    def meanwhile(pid: int, log: Path) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and log.read_bytes().count(b"\ndone ") < renames:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return
            time.sleep(0.002)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            then(pid)

    return meanwhile


def at_random(n_renames: int, rng: random.Random, n: int) -> Iterator[Case]:
    """Signals between two renames, to all processes or to the first alone; every third with two workers."""
    for index in range(n):
        name = list(SIGNALS)[index % 3]
        alone = index % 2 == 1
        workers = 2 if index % 3 == 0 else 1
        renames, seconds = rng.randrange(n_renames), rng.uniform(0, 0.1)
        kill = os.kill if alone else os.killpg
        moment = waits(renames, seconds, lambda pid, kill=kill, name=name: kill(pid, SIGNALS[name]))
        yield Case(
            f"{name} at random",
            lambda site, moment=moment, workers=workers: run(site, workers, meanwhile=moment),
            workers,
        )


def from_nothing(seconds: float, rng: random.Random, n: int) -> Iterator[Case]:
    """Processes started from nothing and killed at a random time, imports included."""
    for index in range(n):
        name = list(SIGNALS)[index % 3]
        moment = waits(0, rng.uniform(0, seconds), lambda pid, name=name: os.killpg(pid, SIGNALS[name]))
        yield Case(
            f"{name} at random, from nothing",
            lambda site, moment=moment: run(site, wrap=[], meanwhile=moment),
        )


def worker_killed(n_renames: int, rng: random.Random, n: int) -> Iterator[Case]:
    """SIGKILL to a worker process, as the system does when memory is short."""

    def kill_one(pid: int, pick: float) -> None:
        children = _descendants(pid)
        if children:
            os.kill(children[int(pick * len(children))], signal.SIGKILL)

    for _ in range(n):
        moment = waits(
            rng.randrange(n_renames), rng.uniform(0, 0.1), lambda pid, pick=rng.random(): kill_one(pid, pick)
        )
        yield Case("worker killed", lambda site, moment=moment: run(site, 2, meanwhile=moment), 2)


def _descendants(pid: int) -> list[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, path.read_text().split()):
                command = Path(f"/proc/{child}/cmdline").read_bytes()
                if b"resource_tracker" not in command:
                    found += [child, *_descendants(child)]
    return sorted(found)


def damaged(n_renames: int, rng: random.Random, n: int) -> Iterator[Case]:
    """A file of the cache is cut short, has a bit flipped, is emptied or gone, after a kill or a run."""

    def disturb(site: Site, at: int | None, how: str, pick: float) -> Run:
        first = run(site, at=at)
        files = sorted(
            path for path in site.out.glob(".cache/*/**/*") if path.is_file() and path.name[0] != "."
        )
        if files:
            harm(files[int(pick * len(files))], how, pick)
        return first

    for index in range(n):
        how = list(HARMS)[index % len(HARMS)]
        at = None if index % 3 == 0 else rng.randrange(n_renames // 4, n_renames)
        yield Case(
            f"{how}, then resumed",
            lambda site, at=at, how=how, pick=rng.random(): disturb(site, at, how, pick),
        )


def harm(path: Path, how: str, pick: float) -> None:
    """Damage a file in place: all of its names are damaged."""
    data = bytearray(path.read_bytes())
    if not data:
        return
    changed = HARMS[how](data, int(pick * 7919 * len(data)) % len(data))
    if changed is None:
        path.unlink()
        return
    with path.open("r+b") as handle:
        handle.write(changed)
        handle.truncate()


def _flipped(data: bytearray, at: int) -> bytearray:
    data[at] ^= 1 << (at % 8)
    return data


HARMS: dict[str, Callable[[bytearray, int], bytes | bytearray | None]] = {
    "truncated": lambda data, at: data[:at],
    "bit flipped": _flipped,
    "page of zeros": lambda data, at: (
        data[: at // 2] + bytes(min(4096, len(data) - at // 2)) + data[at // 2 + 4096 :]
    ),
    "emptied": lambda _data, _at: b"",
    "removed": lambda _data, _at: None,
}


def asked_of_damage(rng: random.Random, n: int, files: dict[str, str]) -> Iterator[Case]:
    """A file of a finished run is damaged: `check` must say which, and no other command may give an answer
    that differs from the one before."""
    asking = {
        "decide": ["decide", "{out}", "--recipe", "{out}/recipe.toml", "--out", "{out}-2"],
        "sql": ["sql", "{out}", "SELECT sum(hash(COLUMNS(*))) FROM everything", "--output", "csv"],
        "explain": ["explain", "{out}", "17", "--full"],
        "report": ["report", "{out}"],
    }

    def disturb(site: Site, how: str, pick: float, ask: str) -> Run:
        first = run(site)
        words = [word.format(out=site.out) for word in asking[ask]]
        before = run(site, words=words)
        shutil.rmtree(f"{site.out}-2", ignore_errors=True)
        names = [name for name in files if name.endswith(".parquet")]
        name = names[int(pick * len(names))]
        harm(site.out / name, how, pick)
        checked = run(site, words=["check", str(site.out)])
        if checked.code != 1 or f"{name}: " not in checked.said:
            return Run(99, f"check did not tell {name}, {how}: {checked.said}", [])
        asked = run(site, words=words)
        told = asked.code == 3 and name in asked.said and not asked.traceback
        if not told and (asked.code, asked.said) != (before.code, before.said) and ask != "decide":
            return Run(99, f"{ask} of {name}, {how}, gave another answer: {asked.said}", [])
        if not told and asked.code:
            return Run(99, f"{ask} of {name}, {how}, ended with {asked.code}: {asked.said}", [])
        if ask == "decide" and not asked.code:
            differing = [file for file, sha in tree(Path(f"{site.out}-2")).items() if files.get(file) != sha]
            if differing:
                return Run(99, f"decide of {name}, {how}, gave other {differing}", [])
        return first

    for index in range(n):
        how, ask = list(HARMS)[index % len(HARMS)], list(asking)[index % len(asking)]
        yield Case(
            f"finished run damaged, {ask}",
            lambda site, how=how, ask=ask, pick=rng.random(): disturb(site, how, pick, ask),
        )


def full_disk(n_bytes: int, rng: random.Random, n: int) -> Iterator[Case]:
    """The run's folder is on a disk that is full before it ends; then there is room."""

    def disturb(site: Site, size: int) -> Run:
        mounted(site.out, "-t", "tmpfs", "-o", f"size={size}", "none")
        first = run(site)
        if first.code and not any(words in first.said for words in ("disk is full", "No space left")):
            return first._replace(said=f"curate: Traceback (most recent call last) {first.said}")
        subprocess.run(["mount", "-o", "remount,size=64m", str(site.out)], check=True)
        return first

    for index in range(n):
        size = int(n_bytes * (index + rng.random()) / n)
        yield Case("disk full", lambda site, size=size: disturb(site, max(4096, size)))


def read_only(rng: random.Random, n_renames: int, n: int) -> Iterator[Case]:
    """The run's folder, or its cache, is read-only; then it is not."""

    def disturb(site: Site, at: int | None, part: str) -> Run:
        site.out.mkdir()
        if at is not None:
            run(site, at=at)
        place = site.out / part
        place.mkdir(exist_ok=True)
        mounted(place, "--bind", str(place))
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        first = run(site)
        subprocess.run(["umount", str(place)], check=True)
        if not first.code:
            return Run(99, "curate: wrote a folder that is read-only", [])
        return first

    for index in range(n):
        at = None if index % 3 == 0 else rng.randrange(n_renames)
        part = ".cache" if index % 2 and at is not None else "."
        yield Case("read-only folder", lambda site, at=at, part=part: disturb(site, at, part))


def mounted(place: Path, *words: str) -> None:
    """Mount something on a folder, made if need be; `main` unmounts it."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", *words, str(place)], check=True)


def clock_jumps(n_renames: int, rng: random.Random, n: int) -> Iterator[Case]:
    """The clock jumps back and forth by up to three years while the run is killed; or it is another year all
    the time, and the clock stands still or begins anew in each process (faketime, where it is installed)."""
    faketime = shutil.which("faketime")
    for index in range(n):
        jumps = tuple(rng.uniform(-1e8, 1e8) for _ in range(5))
        if faketime and index % 3 == 0:
            when = rng.choice(["1999-12-31 23:59:59", "2038-01-19 03:14:07", "@2099-02-28 12:00:00"])
            words = [faketime, "-f", when]
            yield Case("clock elsewhere (faketime)", lambda site, words=words: run(site, wrap=words))
        else:
            at = rng.randrange(n_renames)
            yield Case("clock jumps", lambda site, at=at, jumps=jumps: run(site, at=at, clock=jumps))


def cases(
    undisturbed: Run, seconds: float, files: dict[str, str], scale: float, rng: random.Random
) -> list[Case]:
    """All cases; `scale` says how many of the random ones."""
    n_renames = sum(line.startswith("done ") for line in undisturbed.log)

    def n(whole: int) -> int:
        return max(1, round(whole * scale))

    found = list(at_every_rename(n_renames, rng))
    if scale < 1:
        found = rng.sample(found, n(len(found)))
    found += at_random(n_renames, rng, n(45))
    found += from_nothing(seconds, rng, n(12))
    found += worker_killed(n_renames, rng, n(12))
    found += damaged(n_renames, rng, n(50))
    found += asked_of_damage(rng, n(20), files)
    found += clock_jumps(n_renames, rng, n(9))
    if os.geteuid() == 0:
        found += full_disk(2_500_000, rng, n(14))
        found += read_only(rng, n_renames, n(6))
    else:
        print("NOT TRIED: full and read-only disks, for which a file system must be mounted (root)")
    return found


def sample(folder: Path) -> Path:
    """The first rows of the built-in sample."""
    import pyarrow.parquet as pq

    from curate.sample import write_sample

    made = write_sample(folder / "whole", 200, seed=5)
    (folder / "sample").mkdir()
    pq.write_table(pq.read_table(made.rows[0]).slice(0, ROWS), folder / "sample" / "rows.parquet")
    shutil.copy(made.benchmark, folder / "sample" / "benchmark.parquet")
    return folder / "sample"


def import_all() -> None:
    """Import what a run needs, so that forks have it."""
    import curate.cli.execute
    import curate.cli.main
    import curate.engines.local
    import curate.pipeline.checking
    import curate.report.explain
    import curate.report.funnel
    import curate.report.html
    import curate.report.query
    import curate.stages  # noqa: F401


def chaos(
    folder: Path,
    *,
    scale: float = 1.0,
    seed: int = 0,
    only: list[str] | None = None,
    part: tuple[int, int] = (0, 1),
) -> list[Outcome]:
    """Do the cases in a folder and say what each came to; prints a line for each that is wrong."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as a terminal has it, for runs from nothing
    import_all()
    place = sample(folder)
    first = Site(place, folder / "undisturbed")
    first.folder.mkdir()
    started = time.perf_counter()
    undisturbed = run(first)
    seconds = time.perf_counter() - started
    if undisturbed.code:
        raise SystemExit(f"the undisturbed run failed: {undisturbed.said}")
    files = tree(first.out)
    once_more = run(first)
    assert tree(first.out) == files, once_more.said
    assert not shards(once_more.log), "nothing is measured again"
    outcomes = []
    todo = cases(undisturbed, seconds, files, scale, random.Random(seed))
    todo = [case for case in todo if not only or any(word in case.kind for word in only)]
    todo = todo[part[0] :: part[1]]
    for index, case in enumerate(todo):
        # the benchmark's place is part of the recipe, and the output's place is not part of the output
        site = Site(place, folder / f"case-{index}")
        site.folder.mkdir()
        outcome = decided(case, site, files)
        outcomes.append(outcome)
        if outcome.wrong:
            print(f"WRONG {index} {case.kind}: {outcome.wrong}", flush=True)
        subprocess.run(["umount", "-q", str(site.out)], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(site.folder, ignore_errors=True)
        if index % 25 == 24:
            print(f"{index + 1} of {len(todo)}", flush=True)
    return outcomes


def table(outcomes: list[Outcome]) -> str:
    """A line for each kind of case."""
    lines = [
        "| what was done | runs | killed | stopped with an error | finished | wrong | shards redone, most "
        "| in flight, most | input read again |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for kind in dict.fromkeys(outcome.kind for outcome in outcomes):
        of = [outcome for outcome in outcomes if outcome.kind == kind]
        results = Counter(outcome.result for outcome in of)
        redone, flying = (max(getattr(one, name) for one in of) for name in ("shards_redone", "in_flight"))
        numbers = [
            len(of), results["killed"], results["stopped"], results["finished"],
            sum(bool(one.wrong) for one in of), redone, flying, sum(one.input_read_again for one in of),
        ]  # fmt: skip
        lines.append(f"| {kind} | {' | '.join(map(str, numbers))} |")
    wrong = sum(bool(one.wrong) for one in outcomes)
    seconds = sum(one.seconds for one in outcomes)
    lines.append(f"\n{len(outcomes)} cases, {wrong} wrong, {seconds:.0f} s.")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="how many of the cases, 1: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="words in the names of kinds")
    parser.add_argument("--part", default="0/1", help="every Nth case from the Kth on, to share them out")
    asked = parser.parse_args()
    every = asked.part.split("/")
    with tempfile.TemporaryDirectory(prefix="chaos-") as scratch:
        found = chaos(
            Path(scratch),
            scale=asked.scale,
            seed=asked.seed,
            only=asked.only,
            part=(int(every[0]), int(every[1])),
        )
    print(table(found))
    sys.exit(any(one.wrong for one in found))
