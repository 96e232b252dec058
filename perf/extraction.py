"""How often the final answer is found in real responses, beside Math-Verify's own extraction, and how fast.

    python perf/extraction.py DATA [ROWS]

DATA is a folder with corpora/, equivalence/ and benchmarks/ in Parquet; of every set ROWS responses
(1,500) are taken at even distances. Both extractions are judged alike, by the exact arithmetic of the
verifier, so that an answer that needs computer algebra counts against both. The rules were written with
two thirds of the rows in view; the last third ("held back") was not read.
"""

from __future__ import annotations

import logging
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import polars as pl
from math_verify import parse

from curate.answers.extract import Extract, answer_part, final_answer, gold_answer
from curate.answers.profiles import PROFILES
from curate.answers.verifier import quick

ROWS = 1_500
CORPORA = (
    "gsm8k_test_multi_model",
    "math_model_outputs",
    "math_cot_100x8",
    "mmlu_pro_model_outputs",
    "zeroeval_gsm",
    "areal_long_cot_rollouts",
)


class Response(NamedTuple):
    """A response, its ground truth, the upstream grade and what upstream took for its answer, if known."""

    text: str
    gold: str
    is_correct: bool | None
    upstream: str | None
    is_held_back: bool


def responses(data: Path, name: str) -> Iterator[Response]:
    """The graded responses of one corpus; ground truths that it lacks come from the benchmarks."""
    frame = pl.read_parquet(data / "corpora" / f"{name}.parquet")
    truths = _truths(data) if frame["answer"].null_count() else {}
    for row in frame.iter_rows(named=True):
        gold = row["answer"] or truths.get(_key(row["query"]))
        texts = row["responses"]
        grades, taken = (
            row["response_correct"] or [None] * len(texts),
            row["response_preds"] or [None] * len(texts),
        )
        held_back = zlib.crc32(row["id"].encode()) % 3 == 0
        for text, grade, upstream in zip(texts, grades, taken, strict=True):
            if text is not None and gold is not None:
                yield Response(text, gold, grade, upstream, held_back)


def pairs(data: Path, name: str) -> Iterator[Response]:
    """The responses of one set of equivalence pairs."""
    for row in pl.read_parquet(data / "equivalence" / f"{name}.parquet").iter_rows(named=True):
        held_back = zlib.crc32(row["id"].encode()) % 3 == 0
        yield Response(row["predicted"], row["gold"], row["equivalent"], None, held_back)


def _truths(data: Path) -> dict[str, str]:
    """Problem → answer of the contests that the corpora answer."""
    frame = pl.read_parquet(data / "benchmarks" / "aime_2024.parquet")
    return {_key(problem): answer for problem, answer in frame.select("problem", "answer").iter_rows()}


def _key(problem: str) -> str:
    """A problem's beginning without blanks."""
    return "".join(problem.split())[:150]


@lru_cache(maxsize=1_000_000)
def equal(gold: str, found: str) -> bool:
    """Whether two answers are equal, as far as exact arithmetic can tell (profile `lenient`, no pool)."""
    truth = gold_answer(gold)
    verdict = quick(truth.text if truth else gold, found, PROFILES["lenient"])
    return verdict is not None and verdict.status == "equal"


def ours(extract: Extract) -> Callable[[str], str | None]:
    """Our extraction at one level."""

    def take(text: str) -> str | None:
        part = answer_part(text)
        found = None if part is None else final_answer(part, extract)
        return found.text if found else None

    return take


def theirs(text: str) -> str | None:
    """What Math-Verify takes for the answer of a response: the text it parsed."""
    parsed = parse(text)
    return next((str(value) for value in reversed(parsed) if isinstance(value, str)), None)


def line(name: str, rows: list[Response]) -> str:
    """One line of the table: shares of upstream-correct responses whose extracted answer equals the gold."""
    right = [row for row in rows if row.is_correct is not False]
    wrong = [row for row in rows if row.is_correct is False]
    cells = [name, f"{len(rows):,}", f"{len(right):,}"]
    cells += [
        f"{100 * _hits(take, right) / max(1, len(right)):.1f}"
        for take in (ours("boxed"), ours("final"), ours("any"), theirs)
    ]
    cells += [str(_hits(take, wrong)) for take in (ours("final"), ours("any"), theirs)]
    return "| " + " | ".join(cells) + " |"


def _hits(take: Callable[[str], str | None], rows: list[Response]) -> int:
    """In how many responses an extraction finds an answer equal to the ground truth."""
    return sum((found := take(row.text)) is not None and equal(row.gold, found) for row in rows)


def by_mark(rows: list[Response]) -> list[str]:
    """Lines of what marked the answers: how many, and in how many upstream took the same answer."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        part = answer_part(row.text)
        found = None if part is None else final_answer(part, "any")
        n = counts.setdefault(found.how if found else "none", [0, 0, 0, 0, 0])
        n[0] += 1
        if found and row.upstream:
            n[1] += 1
            n[2] += equal(row.upstream, found.text)
        if found and row.is_correct:
            n[3] += 1
            n[4] += equal(row.gold, found.text)
    return [
        f"| {how} | {n[0]:,} | {n[1]:,} | {_share(n[2], n[1])} | {n[3]:,} | {_share(n[4], n[3])} |"
        for how, n in sorted(counts.items(), key=lambda item: -item[1][0])
    ]


def _share(part: int, whole: int) -> str:
    """A share in percent; a dash of nothing."""
    return f"{100 * part / whole:.1f}" if whole else "–"


def speed(name: str, texts: list[str]) -> str:
    """MB of text read in a processor second, and microseconds a text, of our extraction."""
    take, began = ours("final"), time.process_time()
    for text in texts:
        take(text)
    seconds = time.process_time() - began
    megabytes = sum(map(len, texts)) / 1e6
    return f"| {name} | {len(texts):,} | {megabytes / seconds:.0f} | {seconds / len(texts) * 1e6:,.0f} |"


def main(data: Path, n_rows: int) -> None:
    """Print the tables."""
    logging.disable(logging.WARNING)
    sets = {name: list(responses(data, name)) for name in CORPORA}
    sets["processbench_final_answers"] = list(pairs(data, "processbench_final_answers"))
    print(
        "| set | responses | right upstream | boxed | final | any | Math-Verify | wrong: final | any | MV |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, rows in sets.items():
        some = rows[:: max(1, len(rows) // n_rows)]
        for held_back in (False, True):
            kind = "held back" if held_back else "seen"
            print(line(f"{name}, {kind}", [row for row in some if row.is_held_back == held_back]), flush=True)
    print("\n| marked by | responses | upstream's answer known | same % | right upstream | equal to gold % |")
    print("|---|---:|---:|---:|---:|---:|")
    print("\n".join(by_mark([row for name in CORPORA for row in sets[name]])))
    print("\n| text | n | MB/s | µs each |")
    print("|---|---:|---:|---:|")
    for name, rows in sets.items():
        print(speed(name, [row.text for row in rows]))
    print(speed("10 MB of prose", ["Let us see it in another way, since 5 + 6 = 11. " * 208_000]))
    print(speed("50,000 open boxes", ["\\boxed{" * 50_000]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)
