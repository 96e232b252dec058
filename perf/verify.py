r"""Answer verification beside Math-Verify and every other grader that installs from PyPI.

    python perf/verify_peers.py --install FOLDER       once; then VERIFY_CACHE=FOLDER for every run
    python perf/verify.py DATA [--only PART ...] [--rows N] [--peers NAME ...]

Parts: `equivalence` (the labelled sets of DATA/equivalence), `constructed` (pairs of known truth, by kind),
`compat` (agreement with Math-Verify on distinct pairs), `speed` (processor time beside it), `upstream`
(responses graded upstream), `pathological` (tests/pathological.py). `--rows` is how many rows a part takes
at most; graders slower than a thousand pairs a second get `--peer-rows` of the constructed pairs.

Graders say yes or no; what curate leaves undecided, and what a grader refuses, counts as "not equal", as a
reward function would take it. Math-Verify is given both texts as they are, and with bare answers boxed; on
every set the better of the two is taken. What the graders said is kept in VERIFY_CACHE and asked only once.
Tables go to standard output; errors and disagreements, one JSON line each, to VERIFY_CACHE/log.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from verify_peers import CACHE, GRADERS, graded, in_box
from verify_sets import (
    EQUIVALENCE,
    GRADED,
    Row,
    adapter,
    agreement,
    constructed,
    drawn,
    equivalence,
    graded_upstream,
)
from verify_speed import measured, workloads

from curate.answers.profiles import PROFILES
from curate.answers.verdict import Verdict

MATH_VERIFY = ("math-verify", "math-verify-boxed")
PEERS = tuple(name for name in GRADERS if name not in MATH_VERIFY)
QUICK = frozenset({"verl-hendrycks", "verl-dapo"})


class Score(NamedTuple):
    """How many labels a grader agrees with, and how often it says yes wrongly."""

    right: int
    n: int
    false_positives: int

    def __str__(self) -> str:
        return f"{self.right / self.n:.3f} / {self.false_positives}" if self.n else "–"


def scored(rows: Sequence[Row], said: Sequence[bool]) -> Score:
    """The score of yes and no against the labels."""
    labels = [bool(row.label) for row in rows]
    right = sum(yes == label for yes, label in zip(said, labels, strict=True))
    return Score(right, len(rows), sum(yes and not label for yes, label in zip(said, labels, strict=True)))


def by_peer(name: str, rows: Sequence[Row]) -> list[bool]:
    """What another grader says; a refusal is a no."""
    said = graded(name, [(row.gold, row.predicted) for row in rows])
    return [bool(said[row.gold, row.predicted][0]) for row in rows]


def by_math_verify(rows: Sequence[Row]) -> list[bool]:
    """Math-Verify on the texts as they are or with bare answers boxed, whichever does better."""
    both = [by_peer(name, rows) for name in MATH_VERIFY]
    return max(both, key=lambda said: (scored(rows, said).right, -scored(rows, said).false_positives))


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    ruled = [list(head), ["---"] + ["---:"] * (len(head) - 1), *map(list, lines)]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def log(name: str, rows: Sequence[Row], verdicts: Sequence[Verdict], wanted: Sequence[bool]) -> Path:
    """Write the rows that are wanted, with what was said of them, for reading."""
    folder = CACHE / "log"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    with path.open("w") as file:
        for row, verdict, is_wanted in zip(rows, verdicts, wanted, strict=True):
            if is_wanted:
                shown = row._asdict() | {"predicted": row.predicted[-600:]} | verdict._asdict()
                file.write(json.dumps(shown, ensure_ascii=True) + "\n")
    return path


def yes(verdicts: Sequence[Verdict]) -> list[bool]:
    """Which verdicts are `equal`."""
    return [verdict.status == "equal" for verdict in verdicts]


def run_equivalence(data: Path, arguments: argparse.Namespace) -> None:
    """Accuracy and false positives on the labelled sets."""
    names = [f"curate {profile}" for profile in PROFILES] + ["math-verify", *arguments.peers]
    lines, wrong = [], []
    for name in EQUIVALENCE:
        rows = drawn(equivalence(data, name), arguments.rows)
        cells = [name, f"{len(rows):,}", str(sum(bool(row.label) for row in rows))]
        for profile in PROFILES:
            verdicts = adapter(rows, profile)
            cells.append(str(scored(rows, yes(verdicts))))
            if profile == "strict":
                missed = [
                    row.label is not (v.status == "equal") for row, v in zip(rows, verdicts, strict=True)
                ]
                log(f"equivalence-{name}", rows, verdicts, missed)
                cells[2] += f" / {sum(verdict.status == 'undecided' for verdict in verdicts)}"
                wrong += [row.id for row, is_wrong in zip(rows, missed, strict=True) if is_wrong]
        cells.append(str(scored(rows, by_math_verify(rows))))
        cells += [str(scored(rows, by_peer(peer, rows))) for peer in arguments.peers]
        lines.append(cells)
        sys.stderr.write(f"{' '.join(cells)}\n")
    print("\nAccuracy / false positives.\n")
    print(table(["set", "n", "equal / curate undecided", *names], lines))
    print(f"\nWrong by curate strict ({len(wrong):,}): {' '.join(wrong)}")


def run_constructed(data: Path, arguments: argparse.Namespace) -> None:
    """Accuracy on constructed pairs, by kind and label."""
    rows = drawn(constructed(data, CACHE), arguments.rows)
    verdicts = adapter(rows)
    log("constructed", rows, verdicts, [r.label is not ok for r, ok in zip(rows, yes(verdicts), strict=True)])
    some = drawn(rows, arguments.peer_rows)
    said: dict[str, tuple[Sequence[Row], list[bool]]] = {"curate": (rows, yes(verdicts))}
    for name in (*MATH_VERIFY, *arguments.peers):
        given = rows if name in QUICK or name == arguments.whole else some
        said[name] = (given, by_peer(name, given))
    print("\nConstructed pairs: share right.\n")
    lines = []
    for name, (asked, answers) in said.items():
        cells = [name, f"{len(asked):,}"]
        for label in (True, False):
            of_label = [ok for row, ok in zip(asked, answers, strict=True) if row.label is label]
            cells.append(f"{100 * of_label.count(label) / max(1, len(of_label)):.2f} %")
        lines.append(cells)
    print(table(["grader", "pairs", "equal", "different"], lines))
    boxed = dict(zip(*said["math-verify-boxed"], strict=True))
    print("\nBy kind (right of all; undecided; Math-Verify with boxes).\n")
    kinds: dict[tuple[str, bool | None], list[tuple[Row, Verdict]]] = {}
    for row, verdict in zip(rows, verdicts, strict=True):
        kinds.setdefault((row.kind, row.label), []).append((row, verdict))
    lines = []
    for (kind, truth), part in kinds.items():
        right = sum((verdict.status == "equal") is truth for _, verdict in part)
        unsure = sum(verdict.status == "undecided" for _, verdict in part)
        theirs = [boxed[row] is truth for row, _ in part if row in boxed]
        share = f"{100 * sum(theirs) / len(theirs):.1f} %" if theirs else "–"
        lines.append(
            [
                kind,
                "equal" if truth else "different",
                f"{len(part):,}",
                f"{100 * right / len(part):.1f} %",
                str(unsure),
                share,
            ]
        )
    print(table(["kind", "truth", "n", "curate", "undecided", "math-verify"], lines))


def run_compat(data: Path, arguments: argparse.Namespace) -> None:
    """Agreement of the profile `compat` with Math-Verify where that decides."""
    rows = agreement(data, CACHE, arguments.rows)
    verdicts = adapter(rows, "compat")
    pairs = [(in_box(row.gold), in_box(row.predicted)) for row in rows]
    said = graded("math-verify-boxed", pairs)
    lines, differ = [], [False] * len(rows)
    for at, verdict in enumerate(verdicts):
        theirs = said[pairs[at]][0]
        differ[at] = theirs is not None and (verdict.status == "equal") is not theirs
    for kind in ("constructed", "real", "shuffled", "all"):
        places = [at for at, row in enumerate(rows) if kind in (row.kind, "all")]
        decided = [at for at in places if said[pairs[at]][0] is not None]
        other = sum(differ[at] for at in decided)
        share = f"{100 * (1 - other / max(1, len(decided))):.3f} %"
        unsure = sum(verdicts[at].status == "undecided" for at in decided)
        lines.append([kind, f"{len(places):,}", f"{len(decided):,}", str(unsure), str(other), share])
    print("\nAgreement of curate compat with Math-Verify, distinct pairs, both sides boxed.\n")
    print(table(["pairs", "n", "decided by Math-Verify", "undecided", "differ", "agreement"], lines))
    print(f"\nDifferences: {log('compat', rows, verdicts, differ)}")


def run_speed(data: Path, arguments: argparse.Namespace) -> None:
    """Ratios of processor time."""
    lines = []
    for name, rows in workloads(data, CACHE, arguments.rows or 4_000).items():
        made = rows()
        for profile in [profile for profile in ("strict", "compat") if profile in PROFILES]:
            timing = measured(made, arguments.rounds, profile, drawn(agreement(data, CACHE, 150), 150))
            ours, theirs = (f"{timing.rows / seconds:,.0f}" for seconds in (timing.ours_s, timing.peer_s))
            spread = f"{timing.lowest:.1f}–{timing.highest:.1f}"
            lines.append(
                [
                    name,
                    profile,
                    f"{timing.rows:,}",
                    ours,
                    theirs,
                    f"{timing.ratio:.1f}",
                    spread,
                    f"{100 * timing.same:.2f} %",
                ]
            )
            sys.stderr.write(f"{' '.join(lines[-1])}\n")
    print("\nRows a second of processor time, one core, in turns; the ratio is the median of rounds.\n")
    print(
        table(
            ["rows", "profile", "n", "curate", "Math-Verify", "ratio", "lowest–highest", "same verdict"],
            lines,
        )
    )


def run_upstream(data: Path, arguments: argparse.Namespace) -> None:
    """Statuses and agreement with the grades that responses have upstream."""
    lines = []
    for name in GRADED:
        rows = drawn(graded_upstream(data, name), arguments.rows)
        verdicts = adapter(rows)
        counts = Counter(verdict.status for verdict in verdicts)
        causes = Counter(verdict.cause for verdict in verdicts if verdict.status == "undecided")
        tiers = Counter(verdict.tier for verdict in verdicts)
        graded_rows = [
            (row, verdict) for row, verdict in zip(rows, verdicts, strict=True) if row.label is not None
        ]
        decided = [(row, v) for row, v in graded_rows if v.status != "undecided"]
        same = sum((v.status == "equal") is row.label for row, v in decided)
        differ = [
            row.label is not None and v.status != "undecided" and (v.status == "equal") is not row.label
            for row, v in zip(rows, verdicts, strict=True)
        ]
        only_ours = sum(
            v.status == "equal"
            for (_, v), d in zip(zip(rows, verdicts, strict=True), differ, strict=True)
            if d
        )
        log(f"upstream-{name}", rows, verdicts, differ)
        lines.append(
            [
                name,
                f"{len(rows):,}",
                *(f"{counts[status]:,}" for status in ("equal", "unequal", "undecided")),
                f"{100 * same / len(decided):.2f} %" if decided else "–",
                f"{only_ours:,} / {sum(differ) - only_ours:,}",
                " ".join(f"{cause} {n:,}" for cause, n in causes.most_common()),
                " ".join(f"{tier} {n:,}" for tier, n in tiers.most_common()),
            ]
        )
        sys.stderr.write(f"{' '.join(lines[-1])}\n")
    print("\nResponses graded upstream (agreement where curate decides).\n")
    head = [
        "set",
        "responses",
        "equal",
        "unequal",
        "undecided",
        "agreement",
        "only curate / only upstream equal",
    ]
    print(table([*head, "why undecided", "tiers"], lines))


def run_pathological(_data: Path, _arguments: argparse.Namespace) -> None:
    """Right, undecided and wrong on the pathological cases, beside Math-Verify."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from tests.pathological import cases

    every = [Row(case.name, case.gold, case.predicted, case.right == "equal", "") for case in cases()]
    rows = [row for row in every if len(row.gold) + len(row.predicted) < 3_000_000]
    verdicts = adapter(rows)
    said = graded("math-verify-boxed", [(row.gold, row.predicted) for row in rows])
    theirs = [said[row.gold, row.predicted] for row in rows]
    right = sum(
        (v.status == "equal") is row.label
        for row, v in zip(rows, verdicts, strict=True)
        if v.status != "undecided"
    )
    unsure = sum(v.status == "undecided" for v in verdicts)
    ok = sum(bool(one[0]) is row.label for row, one in zip(rows, theirs, strict=True))
    longest = max(one[1] for one in theirs)
    wrong = [
        f"{row.id} ({v.reason})"
        for row, v in zip(rows, verdicts, strict=True)
        if v.status not in ("undecided", "equal" if row.label else "unequal")
    ]
    lines = [
        ["curate strict", str(right), str(unsure), str(len(wrong)), "–"],
        ["math-verify", str(ok), "–", str(len(rows) - ok), f"{longest:.1f}"],
    ]
    print(f"\nPathological cases ({len(rows)}).\n")
    print(table(["grader", "right", "undecided", "wrong", "longest, s"], lines))
    print(f"\nWrong: {'; '.join(wrong) or 'none'}")


PARTS = {
    "equivalence": run_equivalence,
    "constructed": run_constructed,
    "compat": run_compat,
    "speed": run_speed,
    "upstream": run_upstream,
    "pathological": run_pathological,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with equivalence/, benchmarks/, corpora/")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--rows", type=int, help="rows of a part at most")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    parser.add_argument("--peer-rows", type=int, default=10_000, help="constructed pairs for a slow peer")
    parser.add_argument(
        "--whole", help="the slow grader that gets all constructed pairs", choices=MATH_VERIFY
    )
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    for part in arguments.only:
        PARTS[part](arguments.data, arguments)


if __name__ == "__main__":
    main()
