"""Hold what a run found against what was planted: recall and false alarms for every defect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import polars as pl
from rich.table import Table


class Expectation(NamedTuple):
    """Which reasons mean that a defect was found, and which it may cause besides."""

    grain: Literal["row", "response"]
    reasons: frozenset[str]  # any of them counts as found; empty: the row or response is sound
    also: frozenset[str] = frozenset()  # other reasons that the defect explains
    pair: bool = False  # a row and its copy: one of the two must go
    demanded: bool = True  # False: good to find, no fault to miss


def _one(grain: Literal["row", "response"], *reasons: str, also: Iterable[str] = ()) -> Expectation:
    return Expectation(grain, frozenset(reasons), frozenset(also))


_DUPLICATE = frozenset({"exact-duplicate", "near-duplicate"})
_UNGRADABLE = ("no-correct-response", "wrong-answer", "no-boxed-answer")
_NO_ANSWER = ("broken-structure", "truncated", "no-boxed-answer", "no-answer", "wrong-answer")

EXPECTED: Mapping[str, Expectation] = {
    "exact-duplicate": Expectation("row", _DUPLICATE, pair=True),
    "exact-duplicate-spacing": Expectation("row", _DUPLICATE, pair=True),
    "near-duplicate": Expectation("row", frozenset({"near-duplicate"}), pair=True),
    "leak-verbatim": _one("row", "contaminated"),
    "leak-embedded": _one("row", "contaminated"),
    "leak-reformatted": _one("row", "contaminated"),
    "leak-reworded": _one("row", "contaminated")._replace(demanded=False),
    "leak-renumbered": _one("row"),
    "wrong-answer-key": _one("row", "no-correct-response", also=("wrong-answer",)),
    "no-correct-response": _one("row", "no-correct-response"),
    "url": _one("row", "url"),
    "image": _one("row", "image-reference", also=("url",)),
    "table": _one("row", "table"),
    "proof": _one("row", "proof", also=_UNGRADABLE),
    "multi-part": _one("row", "multi-part", also=_UNGRADABLE),
    "multiple-choice": _one("row", "multiple-choice"),
    "true-false": _one("row", "true-false"),
    "empty-prompt": _one("row", "empty-prompt", also=_DUPLICATE),
    "missing-answer": _one("row", "missing-answer", also=_UNGRADABLE)._replace(demanded=False),
    "odd-unicode": _one("row"),
    "last-turn-user": _one("row", "unanswered-conversation"),
    "odd-turns": _one("response", "broken-conversation"),
    "looping": _one("response", "looping", also=_NO_ANSWER),
    "truncated": _one("response", "truncated", also=_NO_ANSWER),
    "no-think-end": _one("response", "broken-structure", also=_NO_ANSWER),
    "empty-answer": _one("response", "broken-structure", also=_NO_ANSWER),
    "no-think": _one("response", "broken-structure")._replace(demanded=False),
    "no-box": _one("response", "no-boxed-answer", also=("wrong-answer",))._replace(demanded=False),
    "wrong": _one("response", "wrong-answer"),
    "right": _one("response"),
}

SCORE_SCHEMA = {
    "defect": pl.String,
    "grain": pl.String,
    "expected": pl.String,
    "demanded": pl.Boolean,
    "planted": pl.Int64,
    "found": pl.Int64,
    "undecided": pl.Int64,
    "recall": pl.Float64,
    "false_alarms": pl.Int64,
    "precision": pl.Float64,
}
_Line = tuple[int, int | None, str, int | None]  # row_id, response_id, defect, partner
_Key = tuple[int, int | None]  # (row_id, response_id or None)


class _Judged(NamedTuple):
    reasons: frozenset[str]
    stays: bool
    undecided: bool
    kept_instead: int | None


def score(
    truth: pl.DataFrame,
    verdicts: pl.DataFrame,
    response_verdicts: pl.DataFrame,
    expected: Mapping[str, Expectation] = EXPECTED,
) -> pl.DataFrame:
    """One line a defect: how many were planted, found and left undecided, and the false alarms.

    truth: as `write_sample` writes it. verdicts: row_id, reasons, undecided, kept_instead (the last
    two may be missing); response_verdicts: row_id, response_id, reasons, undecided. Planted are the
    defects whose row or response has a verdict. recall = found / planted. A false alarm is a row or
    response with one of the defect's reasons that no planted defect explains, neither on it nor
    (for pairs) on its copy; a reason shared by several defects gives each of them the same false
    alarms. precision = explained alarms / alarms. A sound line (`right`, `odd-unicode`,
    `leak-renumbered`) has no recall: its false alarms are lines with a reason that stands for some
    defect and that nothing on that line explains. Null means that there is nothing to divide by.
    Raises nothing of its own: a frame without a needed column is a bug of the caller.
    """
    judged = {"row": _judged(verdicts, "row"), "response": _judged(response_verdicts, "response")}
    responses_of: dict[int, list[int | None]] = {}
    for row, response in judged["response"]:
        responses_of.setdefault(row, []).append(response)
    lines: list[_Line] = []
    for row, response, name, partner in truth.select("row_id", "response_id", "defect", "partner").rows():
        if response is None and _grain(expected, name) == "response":
            # a defect of a whole conversation shows in the verdict of every answer to it
            lines += [(row, each, name, partner) for each in responses_of.get(row, [])]
        else:
            lines.append((row, response, name, partner))
    explained = _explained(lines, expected)
    telling = frozenset().union(*(entry.reasons for entry in expected.values()))
    rows = []
    for defect, entry in expected.items():
        known = judged[entry.grain]
        planted = [
            (row, response, partner)
            for row, response, name, partner in lines
            if name == defect and (row, response) in known
        ]
        found = undecided = 0
        for row, response, partner in planted:
            hit = _found(known, (row, response), partner, entry)
            found += hit
            undecided += not hit and known[row, response].undecided
        if entry.reasons:
            watched, alarms = (
                entry.reasons,
                [key for key, one in known.items() if one.reasons & entry.reasons],
            )
        else:
            keys = [(row, response) for row, response, _ in planted]
            watched, alarms = telling, [key for key in keys if known[key].reasons & telling]
        false = sum(bool(explained.without(key, known[key].reasons & watched)) for key in alarms)
        rows.append(
            {
                "defect": defect,
                "grain": entry.grain,
                "expected": ", ".join(sorted(entry.reasons)),
                "demanded": entry.demanded,
                "planted": len(planted),
                "found": found if entry.reasons else None,
                "undecided": undecided if entry.reasons else None,
                "recall": found / len(planted) if planted and entry.reasons else None,
                "false_alarms": false,
                "precision": 1 - false / len(alarms) if alarms and entry.reasons else None,
            }
        )
    return pl.DataFrame(rows, schema=SCORE_SCHEMA)


def _grain(expected: Mapping[str, Expectation], defect: str) -> str | None:
    return expected[defect].grain if defect in expected else None


def _judged(verdicts: pl.DataFrame, grain: str) -> dict[_Key, _Judged]:
    def column(name: str) -> list[object]:
        return verdicts[name].to_list() if name in verdicts.columns else [None] * verdicts.height

    responses = verdicts["response_id"].to_list() if grain == "response" else [None] * verdicts.height
    keys = zip(verdicts["row_id"].to_list(), responses, strict=True)
    reasons, undecided, instead = verdicts["reasons"].to_list(), column("undecided"), column("kept_instead")
    return {
        key: _Judged(frozenset(some or ()), not some, bool(unsure), other if isinstance(other, int) else None)
        for key, some, unsure, other in zip(keys, reasons, undecided, instead, strict=True)
    }


class _Explained(NamedTuple):
    """Reasons that planted defects explain: on the line itself, and on every response of a row."""

    here: dict[_Key, set[str]]
    responses_of: dict[int, set[str]]

    def without(self, key: _Key, reasons: frozenset[str]) -> frozenset[str]:
        """Those of the reasons that nothing planted explains."""
        row, response = key
        left = reasons - self.here.get(key, set())
        return left if response is None else left - self.responses_of.get(row, set())


def _explained(lines: list[_Line], expected: Mapping[str, Expectation]) -> _Explained:
    explained = _Explained({}, {})
    for row, response, defect, partner in lines:
        entry = expected.get(defect)
        if entry is None:
            continue
        reasons = entry.reasons | entry.also
        explained.here.setdefault((row, response), set()).update(reasons)
        if response is None:
            explained.responses_of.setdefault(row, set()).update(entry.also)
        if partner is not None:
            explained.here.setdefault((partner, None), set()).update(reasons)
    return explained


def _found(known: Mapping[_Key, _Judged], key: _Key, partner: int | None, entry: Expectation) -> bool:
    """Whether the planted defect was found.

    Of a pair exactly one goes (a keep-one rule does not act on a row that went for another reason),
    unless both go in favour of a third row that stays.
    """
    here = known[key]
    if not entry.pair or partner is None:
        return bool(here.reasons & entry.reasons)
    there = known.get((partner, None))
    if there is None:
        return bool(here.reasons & entry.reasons)
    mine, other = bool(here.reasons & entry.reasons), bool(there.reasons & entry.reasons)
    if mine and other:
        return {here.kept_instead, there.kept_instead}.isdisjoint({key[0], partner, None})
    return mine or other or here.stays != there.stays


def as_table(scores: pl.DataFrame) -> Table:
    """The scores as a table for a terminal."""
    table = Table("defect", "expected reason", title="Planted defects and what was found")
    for name in ("planted", "found", "undecided", "recall", "false alarms", "precision"):
        table.add_column(name, justify="right")
    for line in scores.iter_rows(named=True):
        mark = "" if line["demanded"] else " (not demanded)"
        table.add_row(
            line["defect"],
            (line["expected"] or "none: sound") + mark,
            *("-" if line[name] is None else f"{line[name]:,}" for name in ("planted", "found", "undecided")),
            _share(line["recall"]),
            f"{line['false_alarms']:,}",
            _share(line["precision"]),
        )
    return table


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
