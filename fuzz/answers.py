r"""Random and mutated answers through the verifier: no crash, no hang, no lost row, never two opinions.

    python fuzz/answers.py [N] [--seed 1] [--pool N] [--data FOLDER] [--profile strict]

Makes N pairs (a million by default) and runs them through the tiers inside this process; every pair that
they leave open is counted, and of the first `--pool` of these the pool has to say something too. Reports,
and keeps in out/fuzz/answers.jsonl: pairs that raise; pairs that take more than `--slow` seconds of
processor time; a text that is not equal to itself; two texts that are equal one way and unequal the other.

Inputs are drawn four ways: sentences of a grammar of answers; edits of such sentences, or of ground truths
if `--data` names the folder of corpora; random tokens; random characters. The same seed, the same inputs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from curate.answers.profiles import PROFILES
from curate.answers.verifier import Verifier, look, quick

OUT = Path("out/fuzz/answers.jsonl")
_WRITTEN = r"""
\frac \dfrac \sqrt \left( \right) \pi \text{ \boxed{ \cup \infty \pm \mp \cdot \times \div \le \ge < >
\begin{pmatrix} \end{pmatrix} & \\ \circ ^ _ { } ( ) [ ] | , ; : . = + - * / ! % $ \% \$ \, \! \{ \}
x y n e i 0 1 2 7 10 3.5 .5 1,000 sin cos \log_ \ln and or cm kg the answer is #### ** </think> 答案是 三十
½ √ π ² × − ５ \overline{ \dot{ \mathrm{ \binom \sum_ \int_ \lim \in \mathbb{R} \ldots
"""
TOKENS = (*_WRITTEN.split(), "\u200b", "\u00a0", "\x00", " ", "\n")
_MAX_EDITS = 4
TIMES = ("", "*", " \\cdot ", " ", "/")
RELATIONS = ("=", "<", ">", "\\le", "\\ge", "\\in", "\\ne")


def grammar(rng: Random, depth: int = 0) -> str:
    """An answer as somebody might write it."""

    def part() -> str:
        return grammar(rng, depth + 1)

    leaves: list[Callable[[], str]] = [
        lambda: str(rng.choice((0, 1, 2, 3, -1, 7, 10, 12, 100, rng.randrange(-999, 99999)))),
        lambda: f"{rng.randrange(-50, 50)}.{rng.randrange(1000)}",
        lambda: rng.choice("xynabtk"),
        lambda: rng.choice(
            ("\\pi", "e", "i", "\\sqrt2", "\\infty", "\\frac12", "½", "50\\%", "30^\\circ", "5 \\text{ cm}")
        ),
    ]
    if depth > 3:
        return rng.choice(leaves)()
    inner: list[Callable[[], str]] = [
        lambda: f"{part()}{rng.choice(('+', '-', ' + ', ' - '))}{part()}",
        lambda: f"{part()}{rng.choice(TIMES)}{part()}",
        lambda: f"\\frac{{{part()}}}{{{part()}}}",
        lambda: f"\\sqrt{{{part()}}}",
        lambda: f"\\sqrt[{rng.randrange(2, 6)}]{{{part()}}}",
        lambda: f"({part()})",
        lambda: f"{part()}^{{{part()}}}",
        lambda: f"({part()}, {part()})",
        lambda: f"{rng.choice('([')}{part()}, {part()}{rng.choice(')]')}",
        lambda: f"\\{{{part()}, {part()}\\}}",
        lambda: f"{part()}, {part()}",
        lambda: f"{rng.choice('xy')} {rng.choice(RELATIONS)} {part()}",
        lambda: f"\\{rng.choice(('sin', 'cos', 'tan', 'ln', 'exp', 'arctan'))}({part()})",
        lambda: f"\\log_{{{part()}}} {part()}",
        lambda: f"{part()} \\pm {part()}",
        lambda: f"{part()} \\cup {part()}",
        lambda: f"\\begin{{pmatrix}} {part()} & {part()} \\\\ {part()} & {part()} \\end{{pmatrix}}",
        lambda: f"{rng.randrange(100)}_{{{rng.randrange(2, 12)}}}",
        lambda: f"{part()}!",
        lambda: f"|{part()}|",
        lambda: f"\\text{{{part()}}}",
        lambda: f"$ {part()} $",
        lambda: f"\\boxed{{{part()}}}",
        lambda: f"{rng.choice('ABCD')}. {part()}",
    ]
    return rng.choice(inner if rng.random() < 0.6 else leaves)()


def edited(text: str, rng: Random) -> str:
    """A text with a few tokens put in, taken out, doubled or exchanged."""
    for _ in range(rng.randrange(1, _MAX_EDITS + 1)):
        at, to = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        to = min(to, at + 8)
        text = rng.choice(
            (
                text[:at] + rng.choice(TOKENS) + text[at:],
                text[:at] + text[to:],
                text[:to] + text[at:to] + text[to:],
                text[:at] + text[at:to][::-1] + text[to:],
                text[:at]
                + chr(rng.choice((rng.randrange(32, 127), rng.randrange(0x3000), rng.randrange(0x11000))))
                + text[at:],
            )
        )
    return text


def inputs(n: int, seed: int, golds: list[str]) -> Iterator[tuple[str, str]]:
    """N pairs; of a quarter both texts are the same answer, once edited."""
    rng = Random(seed)

    def one() -> str:
        kind = rng.random()
        if kind < 0.45:
            return grammar(rng)
        if kind < 0.7:
            return edited(rng.choice(golds) if golds else grammar(rng), rng)
        if kind < 0.9:
            return rng.choice(("", " ")).join(rng.choices(TOKENS, k=rng.randrange(1, 14)))
        return "".join(
            chr(rng.choice((rng.randrange(127), rng.randrange(0x3000)))) for _ in range(rng.randrange(30))
        )

    for _ in range(n):
        gold = one()
        yield gold, edited(gold, rng) if rng.random() < 0.25 else one()


def real(folder: Path | None) -> list[str]:
    """Distinct ground truths of the corpora of a folder."""
    if folder is None:
        return []
    import polars as pl

    columns = [
        pl.read_parquet(path, columns=["answer"])["answer"].cast(pl.String).drop_nulls()
        for path in sorted((folder / "corpora").glob("*math*.parquet"))
    ]
    return pl.concat(columns).unique().sort().to_list()


def main() -> int:
    """Fuzz and report; 1 if anything was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("n", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pool", type=int, default=2_000, help="open pairs that the pool gets too")
    parser.add_argument(
        "--slow", type=float, default=0.5, help="seconds that no pair may take in this process"
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--profile", default="strict", choices=sorted(PROFILES))
    arguments = parser.parse_args()
    profile = PROFILES[arguments.profile]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    found: Counter[str] = Counter()
    open_pairs: list[tuple[str, str]] = []
    begun = time.monotonic()
    with OUT.open("w") as log:

        def report(what: str, gold: str, predicted: str, why: str) -> None:
            found[what] += 1
            log.write(json.dumps([what, why, gold, predicted]) + "\n")
            log.flush()

        for number, (gold, predicted) in enumerate(inputs(arguments.n, arguments.seed, real(arguments.data))):
            own = time.process_time()
            try:
                pair = look(gold, predicted)
                verdict = quick(gold, predicted, profile)
                back = quick(predicted, gold, profile)
                itself = quick(predicted, predicted, profile)
            except Exception as error:  # a finding: written down, and on to the next
                report("raised", gold, predicted, f"{type(error).__name__}: {error}"[:200])
                continue
            taken = time.process_time() - own
            if taken > arguments.slow:
                report("slow", gold, predicted, f"{taken:.2f} s")
            if not isinstance(pair, tuple):
                report("lost", gold, predicted, type(pair).__name__)
            if itself is not None and itself.status == "unequal":
                report("not-itself", predicted, predicted, itself.reason)
            if (
                verdict is not None
                and back is not None
                and {verdict.status, back.status} == {"equal", "unequal"}
            ):
                report("two-opinions", gold, predicted, f"{verdict.reason} / {back.reason}")
            found[f"{verdict.status} by {verdict.tier}" if verdict else "open"] += 1
            if verdict is None and len(open_pairs) < arguments.pool:
                open_pairs.append((gold, predicted))
            if number % 50_000 == 49_999:
                sys.stderr.write(f"{number + 1:,} pairs, {time.monotonic() - begun:.0f} s, {dict(found)}\n")
        with Verifier(arguments.profile, workers=2) as verifier:
            verdicts = verifier.compare_all(open_pairs)
        if len(verdicts) != len(open_pairs):
            report("lost", "", "", f"{len(open_pairs)} pairs, {len(verdicts)} verdicts")
        for (gold, predicted), said in zip(open_pairs, verdicts, strict=False):
            found[f"pool: {said.status} ({said.cause})"] += 1
            if said.cause == "crashed":
                report("crashed", gold, predicted, said.reason)
    for what, count in sorted(found.items()):
        sys.stdout.write(f"{count:10,} {what}\n")
    bad = sum(found[what] for what in ("raised", "slow", "lost", "not-itself", "two-opinions", "crashed"))
    sys.stdout.write(
        f"{arguments.n:,} pairs, {time.monotonic() - begun:.0f} s, {bad:,} findings (in {OUT})\n"
    )
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main())
