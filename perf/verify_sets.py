r"""The rows that perf/verify.py measures on: labelled pairs, real pairs for agreement, graded responses.

`adapter` is the one place that calls curate.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import polars as pl
from verify_pairs import pairs as constructed_pairs

from curate.answers.verdict import Verdict
from curate.answers.verifier import Verifier

EQUIVALENCE = (
    "grader_unit_tests",
    "lighteval_extractive_tests",
    "math_verify_tests",
    "omni_math_gpt_judged",
    "processbench_final_answers",
    "stack_answertests",
    "xverify_examples",
    "qwen_math_rule_graded",
)
GRADED = ("gsm8k_test_multi_model", "math_model_outputs", "zeroeval_gsm", "processbench_final_answers")
TYPOGRAPHIC = frozenset({"response", "mixture"})


class Row(NamedTuple):
    """A ground truth, an answer or response, its label (None: nobody says), and where it is from."""

    id: str
    gold: str
    predicted: str
    label: bool | None
    kind: str


def adapter(rows: Sequence[Row], profile: str = "strict", workers: int = 2) -> list[Verdict]:
    """What curate says of rows, in order."""
    with Verifier(profile, workers=workers) as verifier:
        return verifier.verify_all([row.gold for row in rows], [row.predicted for row in rows])


def drawn(rows: Iterable[Row], n: int | None) -> list[Row]:
    """`n` rows in the order of the hash of their id, the same on every machine; all for None."""
    every = list(rows)
    if n is None or n >= len(every):
        return every
    return sorted(every, key=lambda row: hashlib.sha256(row.id.encode()).digest())[:n]


def equivalence(data: Path, name: str) -> list[Row]:
    """One labelled set."""
    frame = pl.read_parquet(data / "equivalence" / f"{name}.parquet")
    return [
        Row(*row)
        for row in frame.select(
            "id", pl.col("gold").fill_null(""), pl.col("predicted").fill_null(""), "equivalent", "kind"
        ).iter_rows()
    ]


def constructed(data: Path, cache: Path) -> list[Row]:
    """The constructed pairs; made once for a cache folder."""
    path = cache / "constructed.parquet"
    if path.exists():
        columns = pl.read_parquet(path).select("gold", "predicted", "equal", "kind").iter_rows()
    else:
        columns = ((p.gold, p.predicted, p.equal, p.kind) for p in constructed_pairs(data))
    return [Row(f"constructed/{_digest(row[0], row[1])}", *row) for row in columns]


def _digest(gold: str, predicted: str) -> str:
    """A name for a pair that does not depend on the pairs beside it."""
    return hashlib.sha256(f"{gold}\0{predicted}".encode()).hexdigest()[:12]


def _predictions(data: Path) -> list[tuple[str, str]]:
    """Distinct (ground truth, answer as upstream extracted it) that differ as strings."""
    found: dict[tuple[str, str], None] = {}
    for name in ("math_model_outputs", "gsm8k_test_multi_model", "math_cot_100x8"):
        frame = pl.read_parquet(data / "corpora" / f"{name}.parquet", columns=["answer", "response_preds"])
        pairs = (
            frame.explode("response_preds")
            .drop_nulls()
            .filter(pl.col("response_preds").str.len_chars() < 200)
        )
        found |= dict.fromkeys(pairs.filter(pl.col("answer") != pl.col("response_preds")).iter_rows())
    return list(found)


def _shuffled(data: Path, n: int, seed: int) -> list[tuple[str, str]]:
    """Pairs of two ground truths of one corpus, drawn at random; short ones only."""
    rng = Random(seed)
    found: list[tuple[str, str]] = []
    corpora = ("deepscaler_5levels", "deepscaler_difficulty", "math_train_7500", "limr_math_8k")
    for name in corpora:
        answers = pl.read_parquet(data / "corpora" / f"{name}.parquet", columns=["answer"])[
            "answer"
        ].drop_nulls()
        texts = answers.filter(answers.str.len_chars().is_between(1, 80)).unique().sort().to_list()
        by_first: dict[str, list[str]] = {}
        for text in texts:
            by_first.setdefault(text[:2] if text[0] == "\\" else text[0], []).append(text)
        for _ in range(n // len(corpora)):
            one = rng.choice(texts)
            alike = by_first[one[:2] if one[0] == "\\" else one[0]]
            found.append((one, rng.choice(alike if rng.random() < 0.7 else texts)))
    return found


def agreement(data: Path, cache: Path, n: int | None) -> list[Row]:
    """Distinct bare pairs: real answers of models, two ground truths at random, 26,000 constructed ones."""
    bare = [row for row in constructed(data, cache) if row.kind.partition("/")[0] not in TYPOGRAPHIC]
    real, mixed = _predictions(data), _shuffled(data, 16_000, 0)
    parts = [
        [Row(f"real/{_digest(*pair)}", *pair, None, "real") for pair in real],
        [Row(f"shuffled/{_digest(*pair)}", *pair, None, "shuffled") for pair in mixed],
        [row._replace(kind="constructed") for row in drawn(bare, 26_000)],
    ]
    some = [drawn(part, None if n is None else n // 3) for part in parts]
    return list({(row.gold, row.predicted): row for part in some for row in part}.values())


def _answer_in_json(response: str) -> str:
    """The field `answer` of a response that is a JSON object; the whole text where it is none."""
    try:
        fields = json.loads(response)
    except ValueError:
        return response
    answer = fields.get("answer") if isinstance(fields, dict) else None
    return (
        f"\\boxed{{{answer}}}" if isinstance(answer, str | int | float) and str(answer).strip() else response
    )


def graded_upstream(data: Path, name: str) -> list[Row]:
    """Whole responses with the grade they have upstream (none for zeroeval_gsm)."""
    if name == "processbench_final_answers":
        return equivalence(data, name)
    frame = pl.read_parquet(data / "corpora" / f"{name}.parquet")
    lists = ["responses", "response_models", *(["response_correct"] if name != "zeroeval_gsm" else [])]
    frame = frame.select("id", "answer", *lists).explode(lists)
    if name == "zeroeval_gsm":
        frame = frame.with_columns(response_correct=pl.lit(None, pl.Boolean))
    rows = frame.select("id", "answer", "responses", "response_correct", "response_models")
    return [
        Row(
            f"{key}/{at}",
            gold or "",
            _answer_in_json(text or "") if name == "zeroeval_gsm" else text or "",
            label,
            model or "",
        )
        for at, (key, gold, text, label, model) in enumerate(rows.iter_rows())
    ]
