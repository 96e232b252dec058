"""A pool of killable processes: nothing lost, nothing twice, whatever the rows or the machine do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from curate.answers import pool as pool_module
from curate.answers.pool import Outcome, Pool
from curate.answers.verifier import Verifier
from curate.answers.zygote import Limits
from curate.errors import MachineError

REPOSITORY = Path(__file__).resolve().parent.parent

QUICK = [(f"x+{i}", f"{i + i % 3}+x") for i in range(60)]
QUICK_VERDICTS = ["equal" if i % 3 == 0 else "unequal" for i in range(60)]
SLOW = (r"\sum_{k=1}^{99999} k^{k}", "1")  # more than a second


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two workers with a short time limit."""
    with Pool(Limits(timeout_s=0.4, wall_s=20), workers=2) as pool:
        yield pool


def verdicts(outcomes: list[Outcome]) -> list[str]:
    """The verdicts alone."""
    return [outcome.verdict for outcome in outcomes]


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that ended and was not waited for does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return not state.stdout.strip().startswith("Z") and bool(state.stdout.strip())


def wait_until(true: Callable[[], bool], within_s: float = 20) -> bool:
    """Whether something becomes true in time."""
    until = time.monotonic() + within_s
    while not true():
        if time.monotonic() > until:
            return False
        threading.Event().wait(0.02)
    return True


def test_one_outcome_a_pair_in_order(pool: Pool) -> None:
    """Every pair has its own outcome, in the order asked; no pairs have none."""
    assert verdicts(pool.compare(QUICK)) == QUICK_VERDICTS
    assert pool.compare([]) == []


def test_a_slow_pair_costs_only_itself(pool: Pool) -> None:
    """Pairs that run out of time are undecided; those before and behind them are compared."""
    pairs = [*QUICK[:20], SLOW, *QUICK[20:40], SLOW, *QUICK[40:]]
    outcomes = pool.compare(pairs)
    assert [i for i, outcome in enumerate(outcomes) if outcome.status == "timeout"] == [20, 41]
    assert outcomes[20] == Outcome("undecided", "comparing took more than 0.4 s", "timeout")
    assert verdicts(outcomes[:20] + outcomes[21:41] + outcomes[42:]) == QUICK_VERDICTS


def test_order_and_chunks_change_no_verdict(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reversed, or one pair at a time, or by other workers: the same outcomes."""
    pairs = (
        QUICK
        + [(b, a) for a, b in QUICK]
        + [(r"\frac{x^2-1}{x-1}", "x+1"), ("(1,2)", "1,2"), (r"\frac10", "2")]
    )
    expected = pool.compare(pairs)
    assert pool.compare(pairs[::-1])[::-1] == expected
    monkeypatch.setattr(pool_module, "CHUNK_ROWS", 1)
    assert pool.compare(pairs) == expected
    monkeypatch.setattr(pool_module, "RECYCLE_ROWS", 1)
    assert pool.compare(pairs[::7]) == expected[::7]


def test_killing_workers_changes_no_verdict() -> None:
    """A worker killed while idle or under a pair is replaced, and its pairs are compared by another."""
    with Pool(Limits(timeout_s=5), workers=2) as pool:
        assert verdicts(pool.compare(QUICK[:4])) == QUICK_VERDICTS[:4]
        for pid in pool.pids():
            os.kill(pid, signal.SIGKILL)
        assert verdicts(pool.compare(QUICK)) == QUICK_VERDICTS

        done: list[Outcome] = []
        run = threading.Thread(target=lambda: done.extend(pool.compare([SLOW, *QUICK])))
        before = set(pool.pids())
        run.start()
        threading.Event().wait(0.3)
        for pid in before & set(pool.pids()):
            os.kill(pid, signal.SIGKILL)
        run.join(60)
        assert done[0].status in ("timeout", "ok")
        assert verdicts(done[1:]) == QUICK_VERDICTS


def test_a_pair_under_which_every_worker_dies_is_blamed() -> None:
    """When its worker dies a second time the pair is `crashed`, and says by which signal."""
    with Pool(Limits(timeout_s=30), workers=1) as pool:
        pool.compare(QUICK[:1])
        done: list[Outcome] = []
        run = threading.Thread(target=lambda: done.extend(pool.compare([SLOW])))
        run.start()
        while run.is_alive():
            for pid in pool.pids():
                os.kill(pid, signal.SIGSEGV)
            run.join(0.1)
        assert done == [
            Outcome("undecided", "the process that compared them ended by signal SIGSEGV", "crashed")
        ]
        assert verdicts(pool.compare(QUICK)) == QUICK_VERDICTS


def test_a_worker_that_does_not_run_is_ended_by_the_clock() -> None:
    """A stopped worker costs the wall limit; its other pairs go to a new one."""
    with Pool(Limits(timeout_s=0.4, wall_s=2), workers=1) as pool:
        pool.compare(QUICK[:1])
        os.kill(pool.pids()[0], signal.SIGSTOP)
        outcomes = pool.compare(QUICK)
    assert outcomes[0].status == "timeout"
    assert verdicts(outcomes[1:]) == QUICK_VERDICTS[1:]


def test_the_death_of_the_zygote_is_survived() -> None:
    """When the process that forks workers is killed, another one is started."""
    with Pool(workers=1) as pool:
        first = pool.compare(QUICK[:2])
        parents = subprocess.run(
            ["ps", "-o", "ppid=", "-p", str(pool.pids()[0])], capture_output=True, text=True, check=True
        )
        os.kill(int(parents.stdout), signal.SIGKILL)
        os.kill(pool.pids()[0], signal.SIGKILL)
        assert pool.compare(QUICK[:2]) == first


def test_two_threads_share_a_pool(pool: Pool) -> None:
    """Calls from several threads at once each get their own outcomes."""
    results: dict[int, list[str]] = {}

    def use(first: int) -> None:
        results[first] = verdicts(pool.compare(QUICK[first:]))

    threads = [threading.Thread(target=use, args=(first,)) for first in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert results == {first: QUICK_VERDICTS[first:] for first in (0, 10, 20, 30)}


HOSTILE = [
    "2^{2^{2^{2^{2^{2}}}}}", "9^{9^{9^{9}}}", "10^{10^{10}}", "2^2^2^2^2^2", "(((9!)!)!)!", "99999999!", "9999!",
    r"\binom{1000000000}{500000000}", r"\binom{99999}{50000}", r"\sum_{k=1}^{10^{9}} \frac{1}{k}",
    r"\prod_{k=1}^{9999} k!", r"\int_0^{\infty} \sin(x^{x^{x}}) dx", r"\log(\log(9^{99999}))", r"\sin(7^{99999})",
    "(" * 1_000 + "1" + ")" * 1_000, "{" * 50_000, "[" * 60 + "1" + "]" * 60, "1" * 1_000_000, "7" * 999, "x+" * 2_000 + "x",
    "a" * 1_000_000, r"\sqrt{" * 50 + "2" + "}" * 50, r"\frac{1}{" * 55 + "2" + "}" * 55, "x^{99999} + y^{99999}",
    r"(x+1)^{9999} = (y+1)^{9999}", r"\begin{vmatrix} a & b & c & d & e \\ f & g & h & i & j \\ k & l & m & n & o \\ p "
    r"& q & r & s & t \\ u & v & w & x & y \end{vmatrix}", "\x00", "🙂\u0301", "\\", "\\text{", "__import__('os')",
    r"\operatorname{eval}(1)", "sin" * 500, "1/0", r"\frac{0}{0}", r"\infty - \infty", "x^5 - x + 1 = 0", "=" * 300,
]  # fmt: skip


def test_hostile_answers_are_survived_and_nothing_is_lost(pool: Pool) -> None:
    """Towers, factorials, brackets, megabytes and code each give one verdict; the pool goes on."""
    golds = ["1", "x+1"] * len(HOSTILE)
    responses = [f"\\boxed{{{answer}}}" for answer in HOSTILE for _ in range(2)]
    began = time.monotonic()
    with Verifier(workers=2) as verifier:
        graded = verifier.verify_all(golds, responses, "final")
        assert verifier.verify_all(["x+1"], [r"\boxed{1+x}"])[0].status == "equal"
    assert time.monotonic() - began < len(HOSTILE) * 2 * pool.limits.wall_s
    assert len(graded) == len(responses)
    assert {verdict.cause for verdict in graded} <= {
        "ok",
        "timeout",
        "memory",
        "error",
        "too-complex",
        "no-answer",
        "incomparable",
    }
    assert "equal" not in {verdict.status for verdict in graded}


SCRIPT = """
import json, os, subprocess, sys, time
from curate.answers.pool import Pool
from curate.answers.zygote import Limits
pool = Pool(Limits(timeout_s=60), workers=2)
pool.compare([("x+1", "1+x")] * 4)
zygote = int(subprocess.check_output(["ps", "-o", "ppid=", "-p", str(pool.pids()[0])]))
print(json.dumps([zygote, *pool.pids()]), flush=True)
try:
    pool.compare([(r"\\sum_{k=1}^{99999} k^{k}", "1")] * 8)
except KeyboardInterrupt:
    print("interrupted", pool.pids(), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_process_outlives_the_one_that_has_the_pool(how: signal.Signals) -> None:
    """Killed, interrupted or ended under way: zygote and workers are gone soon after."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    pids = json.loads(process.stdout.readline())
    threading.Event().wait(0.3)  # workers are in the middle of a sum
    assert all(is_alive(pid) for pid in pids)
    process.send_signal(how)
    said, _ = process.communicate(timeout=30)
    assert said == ("interrupted []\n" if how == signal.SIGINT else "")
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids))


STUCK = """
import signal, sys
from curate.answers import compare, zygote
def stuck(gold, answer):
    {what}
compare.compare = stuck
signal.signal(signal.SIGPROF, zygote._out_of_time)
zygote._limit_memory(1_000_000_000)
print(zygote._compare_within("1", "2", zygote.Limits(timeout_s=0.2, memory_bytes=1_000_000_000)))
"""


def stuck_in(what: str) -> subprocess.CompletedProcess[str]:
    """A worker's comparison that does `what`, in a process of its own."""
    command = [sys.executable, "-c", STUCK.format(what=what)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)


def test_the_kernel_ends_a_comparison_that_hears_no_signal() -> None:
    """A comparison stuck where no signal is handled ends its process at twice the time limit."""
    deaf = "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPROF])\n    while True: pass"
    assert stuck_in(deaf).returncode == -signal.SIGVTALRM


def test_a_signal_that_is_swallowed_comes_again() -> None:
    """A bare except in a library takes one signal; the next one gets through."""
    forever = "sum(int() for _ in iter(int, 1))"
    swallows = f"try: {forever}\n    except: pass\n    {forever}"
    assert "timeout" in stuck_in(swallows).stdout


def test_too_much_memory_is_its_own_status() -> None:
    """A comparison that asks for more than the limit is undecided with status memory."""
    assert stuck_in("return [0] * 10**9").stdout.startswith("('undecided'")
    assert "'memory'" in stuck_in("return [0] * 10**9").stdout


def test_a_pool_that_cannot_start_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without Math-Verify the first comparison fails with what the process said."""
    (tmp_path / "math_verify.py").write_text("raise ImportError('no such library here')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with Pool(workers=1) as broken, pytest.raises(MachineError, match="no such library here"):
        broken.compare(QUICK[:1])
