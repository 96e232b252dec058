"""A small finished run, made by hand: twelve rows in two shards with every kind of verdict.

row  verdict    why
0    kept       one response kept, one dropped for wrong-answer
1    dropped    contaminated, too-easy
2    dropped    contaminated
3    dropped    near-duplicate of row 0
4    dropped    exact-duplicate of row 5
5    kept
6    undecided  too-easy met null (there is no response)
7    dropped    no-prompt (the prompt is null)
8    dropped    too-easy
9    kept       a conversation of several turns
10   dropped    no-response-left (its only response is looping)
11   kept       code with tests; the prompt holds markup and odd characters
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from curate.flow import RESPONSES, ROWS, shard_path, write_parquet

RECIPE = """\
title = "hand-made"

[source]
files = "problems.jsonl"

[evidence.near]
stage = "near-dedup"

[evidence.exact]
stage = "exact-dedup"

[evidence.leak]
stage = "ngram-overlap"
against = ["toy_bench"]

[evidence.loops]
stage = "repetition"

[evidence.math]
stage = "math-verify"

[evidence.pass]
stage = "pass-rate"

[drop.no-prompt]
when = "row.prompt IS NULL"

[drop.contaminated]
when = "leak.containment >= 0.5"
on-missing = "keep"
because = "The problem is in a benchmark."

[drop.too-easy]
when = "pass.pass_rate = 1.0"
on-missing = "undecided"

[drop.no-response-left]
when = "responses.given > 0 AND responses.left = 0"

[drop.wrong-answer]
when = "math.verdict = 'wrong'"
on-missing = "undecided"

[drop.looping]
when = "loops.longest_run >= 50"

[keep-one.exact-duplicate]
per = "exact.cluster_id"
prefer = ["row_id"]

[keep-one.near-duplicate]
per = "near.cluster_id"
prefer = ["pass.correct desc", "row_id"]
"""

SUM = "What is the sum of the first ten even positive integers?"
SUM_AGAIN = "What is the sum of the first ten even positive whole numbers?"
LEAKED = (
    "A frog climbs a well of 31 metres, three metres a day and back one at night. On which day is it out?"
)
LEAKED_IN_STORY = f"Please answer with care. {LEAKED} Give one number."
APPLES = "Ana has 7 apples and gives away 2. How many are left?"
ODD = "Print <script>alert('x')</script> & a \x00 NUL, a \x1b[31m red, 数学 🙂, e\u0301."

PROMPTS = [
    SUM, LEAKED_IN_STORY, LEAKED, SUM_AGAIN, APPLES, APPLES, "Find all real x with x^2 = 2.",
    None, "What is 1 + 1?", "And its square?", "Count the primes below 100.", ODD,
]  # fmt: skip
ANSWERS = ["110", "16", "16", "110", "5", "5", "\\pm\\sqrt{2}", "3", "2", "49", "25", None]
SOURCES = ["books", "web", "web", "web", "web", "books", "books", "web", "web", "chats", None, "code"]
TESTS = '{"inputs": [""], "outputs": ["ok"]}'
TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "What is 3 + 4?"},
    {"role": "assistant", "content": "7"},
    {"role": "user", "content": "And its square?"},
    {"role": "assistant", "content": "<think>7 * 7</think>\\boxed{49}"},
]

# row_id, response_id, text, model, keep, reasons, undecided, longest_run, verdict
RESPONSE_LINES: list[tuple[int, int, str, str, bool, list[str], list[str], int, str | None]] = [
    (0, 0, "<think>10 * 11</think>\\boxed{110}", "m1", True, [], [], 0, "right"),
    (0, 1, "\\boxed{100}", "m2", False, ["wrong-answer"], [], 0, "wrong"),
    (1, 0, "\\boxed{16}", "m1", True, [], [], 0, "right"),
    (5, 0, "\\boxed{5}", "m1", True, [], [], 0, "right"),
    (8, 0, "\\boxed{2}", "m1", True, [], [], 0, "right"),
    (8, 1, "It is even.", "m2", False, [], ["wrong-answer"], 0, None),
    (9, 0, "<think>7 * 7</think>\\boxed{49}", "m1", True, [], [], 0, "right"),
    (10, 0, "wait " * 400, "m1", False, ["looping", "wrong-answer"], [], 400, "wrong"),
    (11, 0, "```python\nprint('ok')\n```", "m1", True, [], [], 0, "right"),
]
REASONS: dict[int, list[str]] = {
    1: ["contaminated", "too-easy"], 2: ["contaminated"], 3: ["near-duplicate"], 4: ["exact-duplicate"],
    7: ["no-prompt"], 8: ["too-easy"], 10: ["no-response-left"],
}  # fmt: skip
UNDECIDED = {6: ["too-easy"]}
KEPT_INSTEAD = {3: 0, 4: 5}
SPLIT_AT = 7  # rows 0-6 are shard 0, rows 7-11 shard 1

SPAN = pa.struct([("start", pa.int64()), ("end", pa.int64())])
STRINGS = pa.list_(pa.string())


def build_run(folder: Path, recipe: str = RECIPE, reasons: dict[int, list[str]] | None = None) -> Path:
    """Write the run into `folder` and return it; `recipe` and the row reasons can be others."""
    reasons = REASONS if reasons is None else reasons
    ids = list(range(12))
    keep = [not reasons.get(i) and i not in UNDECIDED for i in ids]
    tables: dict[str, pa.Table] = {
        "input/rows": pa.table(
            {
                "row_id": ids, "prompt": PROMPTS, "answer": ANSWERS, "source": SOURCES,
                "system": [None] * 9 + ["Be brief."] + [None] * 2,
                "turns": [None] * 9 + [TURNS] + [None] * 2, "tests": [None] * 11 + [TESTS],
            },
            schema=ROWS,
        ),
        "input/responses": pa.table(
            {
                "row_id": [line[0] for line in RESPONSE_LINES],
                "response_id": [line[1] for line in RESPONSE_LINES],
                "response": [line[2] for line in RESPONSE_LINES],
                "model": [line[3] for line in RESPONSE_LINES],
                "finish_reason": ["stop"] * len(RESPONSE_LINES),
                "given_correct": [None] * len(RESPONSE_LINES),
            },
            schema=RESPONSES,
        ),
        "input/originals": pa.table({"row_id": ids, "problem": PROMPTS, "level": [1] * 12}),
        "verdicts": pa.table(
            {
                "row_id": ids, "keep": keep, "reasons": [reasons.get(i, []) for i in ids],
                "undecided": [UNDECIDED.get(i, []) for i in ids],
                "kept_instead": [KEPT_INSTEAD.get(i) if reasons.get(i) else None for i in ids],
            },
            schema=pa.schema(
                [("row_id", pa.int64()), ("keep", pa.bool_()), ("reasons", STRINGS), ("undecided", STRINGS),
                 ("kept_instead", pa.int64())]
            ),
        ),
        "response_verdicts": pa.table(
            {
                "row_id": [line[0] for line in RESPONSE_LINES],
                "response_id": [line[1] for line in RESPONSE_LINES],
                "keep": [line[4] for line in RESPONSE_LINES],
                "reasons": [line[5] for line in RESPONSE_LINES],
                "undecided": [line[6] for line in RESPONSE_LINES],
            },
            schema=pa.schema(
                [("row_id", pa.int64()), ("response_id", pa.int32()), ("keep", pa.bool_()),
                 ("reasons", STRINGS), ("undecided", STRINGS)]
            ),
        ),
        **{f"evidence/{name}": table for name, table in _evidence().items()},
    }  # fmt: skip
    for name, table in tables.items():
        _write_shards(folder / name, table)
    originals = _frame(tables["input/originals"])
    judged = _frame(tables["verdicts"])
    joined = judged.join(originals, on="row_id")
    dropped = joined.filter(pl.col("reasons").list.len() > 0).drop("keep", "undecided")
    undecided = joined.filter(~pl.col("keep") & (pl.col("reasons").list.len() == 0))
    _write_one(folder / "dropped" / "00000.parquet", dropped.to_arrow())
    _write_one(
        folder / "undecided" / "00000.parquet", undecided.drop("keep", "reasons", "kept_instead").to_arrow()
    )
    records = [line for line in RESPONSE_LINES if line[4] and keep[line[0]]]
    _write_one(
        folder / "kept" / "train-00000-of-00001.parquet",
        pa.table({"row_id": [line[0] for line in records], "response": [line[2] for line in records]}),
    )
    (folder / "recipe.toml").write_text(recipe, encoding="utf-8")
    manifest = _manifest(folder, reasons, keep, len(records))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return folder


def _evidence() -> dict[str, pa.Table]:
    ids = list(range(12))
    no_text = ["no-text" if i == 7 else "ok" for i in ids]

    def per_row(value: Callable[[int], Any]) -> list[Any]:
        return [None if i == 7 else value(i) for i in ids]

    start = LEAKED_IN_STORY.index(LEAKED)
    spans = {1: {"start": start, "end": start + len(LEAKED)}, 2: {"start": 0, "end": len(LEAKED)}}
    leaked = {1: 0.9375, 2: 1.0}
    near = {3: 0, 2: 1, 5: 4}
    correct = {0: 1, 1: 1, 5: 1, 8: 1, 9: 1, 10: 0, 11: 1}
    decided = {**dict.fromkeys(correct, 1), 0: 2}
    rates = {i: correct[i] / decided[i] for i in correct}
    lines = RESPONSE_LINES
    keys = {
        "row_id": pa.array([line[0] for line in lines], pa.int64()),
        "response_id": pa.array([line[1] for line in lines], pa.int32()),
    }
    row_ids = pa.array(ids, pa.int64())
    return {
        "exact": pa.table(
            {
                "row_id": row_ids,
                "cluster_id": pa.array(per_row(lambda i: {5: 4}.get(i, i)), pa.int64()),
                "cluster_size": pa.array(per_row(lambda i: 2 if i in (4, 5) else 1), pa.int64()),
                "status": no_text,
            }
        ),
        "near": pa.table(
            {
                "row_id": row_ids,
                "cluster_id": pa.array(per_row(lambda i: near.get(i, i)), pa.int64()),
                "jaccard": pa.array(per_row(lambda i: 0.875 if i in (0, 3) else None), pa.float64()),
                "status": no_text,
            }
        ),
        "leak": pa.table(
            {
                "row_id": row_ids,
                "benchmark": pa.array(["toy_bench" if i in spans else None for i in ids], pa.string()),
                "item": pa.array(["toy-7" if i in spans else None for i in ids], pa.string()),
                "containment": pa.array(per_row(lambda i: leaked.get(i, 0.0)), pa.float64()),
                "row_span": pa.array([spans.get(i) for i in ids], SPAN),
                "status": no_text,
            }
        ),
        "pass": pa.table(
            {
                "row_id": row_ids,
                "n": pa.array([len([line for line in lines if line[0] == i]) for i in ids], pa.int32()),
                "correct": pa.array([correct.get(i) for i in ids], pa.int32()),
                "pass_rate": pa.array([rates.get(i) for i in ids], pa.float64()),
                "status": ["ok" if i in rates else "no-response" for i in ids],
            }
        ),
        "loops": pa.table(
            {
                **keys,
                "longest_run": pa.array([line[7] for line in lines], pa.int32()),
                "status": ["ok"] * len(lines),
            }
        ),
        "math": pa.table(
            {
                **keys,
                "verdict": pa.array([line[8] for line in lines], pa.string()),
                "status": ["ok" if line[8] else "no-answer" for line in lines],
            }
        ),
    }


def _manifest(folder: Path, reasons: dict[int, list[str]], keep: list[bool], records: int) -> dict[str, Any]:
    def tally(lists: list[list[str]], unit: str) -> dict[str, dict[str, int | None]]:
        names = sorted({name for names in lists for name in names})
        return {
            name: {
                unit: sum(name in names for names in lists),
                "only": sum([name] == names for names in lists),
            }
            for name in names
        }

    evidence = {}
    for name, table in _evidence().items():
        statuses = table.column("status").to_pylist()
        grain = "response" if "response_id" in table.column_names else "row"
        evidence[name] = {
            "stage": name, "version": 1, "grain": grain, "key": "0" * 16, "lines": len(statuses),
            "status": {status: statuses.count(status) for status in sorted(set(statuses))},
        }  # fmt: skip
    kept = folder / "kept" / "train-00000-of-00001.parquet"
    judged = list(RESPONSE_LINES)
    row_reasons = tally(list(reasons.values()), "rows")
    if "no-response-left" in row_reasons:  # it follows from what other rules drop
        row_reasons["no-response-left"]["only"] = None
    return {
        "curate": "0.1.0",
        "recipe_sha256": hashlib.sha256((folder / "recipe.toml").read_bytes()).hexdigest(),
        "format": "messages",
        "counts": {
            "rows": {
                "in": 12, "kept": sum(keep), "dropped": sum(bool(reasons.get(i)) for i in range(12)),
                "undecided": sum(not keep[i] and not reasons.get(i) for i in range(12)), "quarantined": 0,
            },
            "responses": {
                "in": len(judged), "kept": sum(line[4] and keep[line[0]] for line in judged),
                "dropped": sum(bool(line[5]) for line in judged),
                "undecided": sum(bool(line[6]) and not line[5] for line in judged),
                "of_other_rows": sum(line[4] and not keep[line[0]] for line in judged),
            },
            "records": records,
        },
        "reasons": {
            "row": row_reasons,
            "response": tally([line[5] for line in judged if line[5]], "responses"),
        },
        "undecided": {"too-easy": 1, "wrong-answer": 1},
        "input": [{"path": "problems.jsonl", "bytes": 2048, "sha256": "ab" * 32, "rows": 12}],
        "evidence": evidence,
        "files": {
            "kept/train-00000-of-00001.parquet": {
                "rows": records, "bytes": kept.stat().st_size,
                "sha256": hashlib.sha256(kept.read_bytes()).hexdigest(),
            }
        },
        "shape": "prompt from problem, answer from answer",
    }  # fmt: skip


def _write_shards(folder: Path, table: pa.Table) -> None:
    frame = _frame(table)
    for index, part in enumerate((pl.col("row_id") < SPLIT_AT, pl.col("row_id") >= SPLIT_AT)):
        _write_one(shard_path(folder, index), frame.filter(part).to_arrow().cast(table.schema))


def _write_one(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(table, path)


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame
