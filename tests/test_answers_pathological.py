"""Hundreds of answers made to hurt: right or undecided, in time, in memory, and none of them runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.pathological import KINDS, cases

ROOT = Path(__file__).resolve().parent.parent
EVERY = {case.name: case for case in cases()}

pytestmark = pytest.mark.slow


class Said(NamedTuple):
    """What a verifier said of a case alone, and what it took."""

    name: str
    status: str
    tier: str
    cause: str
    wall_s: float
    own_s: float


class Run(NamedTuple):
    """One run over all cases, in a process and a folder of its own."""

    alone: list[Said]
    together: list[str]
    peak_bytes: int
    worker_peak_bytes: int
    left_behind: list[str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Verify every case once."""
    folder = tmp_path_factory.mktemp("pathological")
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "pathological.py", folder],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    *lines, together, peaks = map(json.loads, done.stdout.splitlines())
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    own_bytes, worker_bytes = peaks
    return Run([Said(*line) for line in lines], together, own_bytes, worker_bytes, left)


def test_there_are_enough_of_every_kind() -> None:
    """There are at least 205 cases of 14 kinds, all with names of their own."""
    assert len(EVERY) == len(cases()) >= 205
    assert {name.partition("/")[0] for name in EVERY} == set(KINDS)


def test_no_row_is_lost(run: Run) -> None:
    """Every case gets exactly one verdict, in its place, and none raises."""
    assert [said.name for said in run.alone] == list(EVERY)
    known = ("equal", "unequal", "undecided")
    assert [(said.name, said.tier, said.cause) for said in run.alone if said.status not in known] == []
    assert len(run.together) == len(EVERY)


def test_right_or_undecided(run: Run) -> None:
    """No case gets the opposite of what is right."""
    said = {one.name: one.status for one in run.alone}
    wrong = [
        f"{name}: {status}" for name, status in said.items() if status not in (EVERY[name].right, "undecided")
    ]
    assert wrong == []


def test_company_changes_no_verdict(run: Run) -> None:
    """All at once get what each got alone, but for those that a limit of time may stop or not."""
    both = zip(run.alone, run.together, strict=True)
    changed = [(said, status) for said, status in both if status != said.status]
    assert [pair for pair in changed if "undecided" not in (pair[0].status, pair[1])] == []
    assert len(changed) <= len(EVERY) // 50


def test_none_takes_long(run: Run) -> None:
    """No case takes this process two seconds; by the clock, none holds it up on a busy machine either."""
    assert [said for said in run.alone if said.own_s > 2] == []
    assert [said for said in run.alone if said.wall_s > 20] == []


def test_memory_stays_small(run: Run) -> None:
    """Neither this process nor any worker holds 1.5 GB."""
    assert run.peak_bytes < 1_500_000_000
    assert run.worker_peak_bytes < 1_500_000_000


def test_nothing_runs(run: Run) -> None:
    """No text creates a file."""
    assert run.left_behind == []
