r"""Speed of answer verification beside Math-Verify: processor time, one core, in turns, medians.

Rounds of the same rows go to curate and to a warm Math-Verify one after the other. Counted for curate: this
process, its zygote and its worker (one). Counted for Math-Verify: the time inside its own process from
parsing to verdict, without starting it and without passing the texts. Each ratio is the median over rounds.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import polars as pl
from verify_forms import VALUES
from verify_golds import Gold, golds
from verify_misses import missed
from verify_peers import HANG_S, Server, python_of
from verify_sets import Row, agreement, drawn, graded_upstream
from verify_surface import SURFACE

from curate.answers.verifier import Verifier

_TICK = os.sysconf("SC_CLK_TCK")
SLOWEST_S = 20.0


class Timing(NamedTuple):
    """One workload: rows, processor seconds of both, the median ratio, and the smallest and largest."""

    rows: int
    ours_s: float
    peer_s: float
    ratio: float
    lowest: float
    highest: float
    same: float


def _seconds_of(pid: int, *, children: bool) -> float:
    """Processor seconds of a process, with those of its ended children if asked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if children else 13])) / _TICK


def _spent(verifier: Verifier) -> float:
    """Processor seconds of this process and of the pool of a verifier."""
    pool = verifier._pool
    workers = sum(_seconds_of(pid, children=False) for pid in pool.pids())
    zygote = pool._zygote.process.pid if pool._zygote else None
    return time.process_time() + workers + (_seconds_of(zygote, children=True) if zygote else 0.0)


def _by_peer(server: Server, rows: Sequence[Row]) -> tuple[float, list[bool | None]]:
    """Processor seconds and verdicts of a warm Math-Verify; a row that it hangs on counts `HANG_S`."""
    seconds = 0.0
    said: list[bool | None] = []
    for number, row in enumerate(rows):
        server.ask(number, row.gold, row.predicted)
        reply = server.read(HANG_S)
        if reply is None:
            server.restart()
            seconds += HANG_S
            said.append(None)
        else:
            seconds += reply[2]
            said.append(reply[1])
    return seconds, said


def measured(rows: Sequence[Row], rounds: int, profile: str, warm: Sequence[Row]) -> Timing:
    """Both over the rows, in turns."""
    server = Server("math-verify-boxed", python_of("math-verify-boxed"), niceness=0)
    ratios, ours_total, peer_total, agreed = [], 0.0, 0.0, 0
    with Verifier(profile, workers=1) as verifier:
        verifier.verify_all([row.gold for row in warm], [row.predicted for row in warm])
        _by_peer(server, warm)
        step = -(-len(rows) // rounds)
        for at in range(0, len(rows), step):
            part = rows[at : at + step]
            begun = _spent(verifier)
            verdicts = verifier.verify_all([row.gold for row in part], [row.predicted for row in part])
            ours = _spent(verifier) - begun
            peer, said = _by_peer(server, part)
            ratios.append(peer / ours)
            ours_total, peer_total = ours_total + ours, peer_total + peer
            agreed += sum((v.status == "equal") is bool(p) for v, p in zip(verdicts, said, strict=True))
    server.end()
    middle = statistics.median(ratios)
    return Timing(len(rows), ours_total, peer_total, middle, min(ratios), max(ratios), agreed / len(rows))


def _sixteen(gold: Gold, rng: Random) -> list[str]:
    """Sixteen answers to one ground truth as sampled responses give them: most alike, some wrong."""
    wrong = [other for other in (missed(gold.text, rng) for _ in range(3)) if other] or ["0"]
    right = [gold.text]
    right += [VALUES[name](gold, rng) or gold.text for name in rng.sample(sorted(VALUES), 3)]
    surfaces = ("frac-size", "spaced", "boxed", "dollars")
    right += [SURFACE[name](gold.text, rng) or gold.text for name in surfaces]
    share = rng.random()
    return [rng.choice(right) if rng.random() < share else rng.choice(wrong) for _ in range(16)]


def _sampled(data: Path, n: int) -> list[Row]:
    readable = [g for g in golds(data) if g.family in ("integer", "decimal", "fraction", "closed", "formula")]
    rng = Random(0)
    chosen = rng.sample(readable, max(1, n // 16))
    return [
        Row(f"sampled/{at}", gold.text, answer, None, "sampled")
        for at, gold in enumerate(chosen)
        for answer in _sixteen(gold, rng)
    ]


def _solutions(data: Path, n: int) -> list[Row]:
    frame = pl.read_parquet(data / "benchmarks" / "math_test.parquet", columns=["id", "answer", "solution"])
    return drawn([Row(key, gold, text, None, "solution") for key, gold, text in frame.iter_rows()], n)


def _long(data: Path, n: int) -> list[Row]:
    rows = [row for row in graded_upstream(data, "math_model_outputs") if "\\boxed" in row.predicted]
    return drawn(rows, n)


def workloads(data: Path, cache: Path, n: int) -> dict[str, Callable[[], list[Row]]]:
    """Names and rows of what is timed."""
    return {
        "distinct pairs": lambda: drawn(agreement(data, cache, None), n),
        "ground truths x 16 answers": lambda: _sampled(data, n),
        "boxed solutions (MATH)": lambda: _solutions(data, n),
        "boxed responses (models)": lambda: _long(data, n),
    }
