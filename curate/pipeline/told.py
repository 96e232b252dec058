"""Verdicts, written shard by shard and added up on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from curate import decide
from curate.flow import KEYS, RESPONSE_ID, ROW_ID, Dataset, Grain, shard_path, write_parquet
from curate.masking import Mask


class Verdicts(NamedTuple):
    """Where the verdicts lie, and what they add up to."""

    rows: Dataset
    responses: Dataset
    counts: dict[str, dict[str, int]]
    reasons: dict[str, dict[str, dict[str, int]]]
    undecided: dict[str, int]
    cuts: dict[Grain, pl.DataFrame]
    """What is cut of the kept lines: key columns, reason, start, end; see `curate.masking.find_cuts`."""
    masked: dict[str, dict[str, dict[str, int]]]
    """By grain and mask rule: lines that are masked, passages, characters of these."""


VERDICT_SCHEMA = pa.schema(
    [
        (ROW_ID, pa.int64()),
        ("keep", pa.bool_()),
        ("reasons", pa.list_(pa.string())),
        ("undecided", pa.list_(pa.string())),
        ("kept_instead", pa.int64()),
    ]
)
RESPONSE_VERDICT_SCHEMA = pa.schema(
    [(ROW_ID, pa.int64()), (RESPONSE_ID, pa.int32()), *list(VERDICT_SCHEMA)[1:4]]
)
SCHEMAS: dict[Grain, pa.Schema] = {"row": VERDICT_SCHEMA, "response": RESPONSE_VERDICT_SCHEMA}
FOLDERS: dict[Grain, str] = {"row": "verdicts", "response": "response_verdicts"}
UNITS: dict[Grain, str] = {"row": "rows", "response": "responses"}


class Told:
    """The verdicts so far. `masks`: the mask rules by grain, null if the recipe has none."""

    def __init__(
        self,
        work: Path,
        reasons: Mapping[Grain, Sequence[str]],
        masks: Mapping[Grain, list[Mask]] | None,
        expected: Mapping[Grain, int],
    ) -> None:
        self.work = work
        self.reasons = reasons
        self.masks = masks
        self.expected = expected
        self.paths: dict[Grain, list[Path]] = {"row": [], "response": []}
        self.counts: dict[str, dict[str, int]] = {unit: {} for unit in UNITS.values()}
        self.tallies: dict[Grain, dict[str, decide.Tally]] = {
            grain: {reason: decide.Tally(0, 0) for reason in names} for grain, names in reasons.items()
        }
        self.undecided: dict[str, int] = {}
        self.cuts: dict[Grain, list[pl.DataFrame]] = {"row": [], "response": []}
        for folder in FOLDERS.values():
            (work / folder).mkdir()

    def write(
        self, index: int, rows: pl.DataFrame, responses: pl.DataFrame, cuts: Mapping[Grain, pl.DataFrame]
    ) -> None:
        """Judge and write one shard by the answers of its lines."""
        judged: dict[Grain, pl.DataFrame] = {
            "row": decide.verdicts(rows, self.reasons["row"], "row"),
            "response": decide.verdicts(responses, self.reasons["response"], "response"),
        }
        if self.masks is not None:
            for grain, found in _kept_cuts(cuts, judged["row"], judged["response"]).items():
                self.cuts[grain].append(found)
                judged[grain] = _with_masked(judged[grain], found, self.masks[grain], grain)
            for grain in judged.keys() - cuts.keys():
                judged[grain] = _with_masked(judged[grain], None, self.masks[grain], grain)
        for grain, frame in judged.items():
            schema = SCHEMAS[grain]
            if self.masks is not None:
                schema = schema.append(pa.field("masked", pa.list_(pa.string())))
            path = shard_path(self.work / FOLDERS[grain], index)
            write_parquet(frame.to_arrow().cast(schema), path)
            self.paths[grain].append(path)
            self._count(grain, frame)
        self._count_between(judged["row"], judged["response"])

    def _count(self, grain: Grain, judged: pl.DataFrame) -> None:
        dropped = judged["reasons"].list.len() > 0
        kept = int(judged["keep"].sum())
        n_dropped = int(dropped.sum())
        found = {"in": judged.height, "kept": kept, "dropped": n_dropped}
        found["undecided"] = judged.height - kept - n_dropped
        if self.masks is not None:
            found["masked"] = int((judged["masked"].list.len() > 0).sum())
        _add(self.counts[UNITS[grain]], found)
        known = self.tallies[grain]
        for reason, tally in decide.tally(judged, list(self.reasons[grain])).items():
            known[reason] = decide.Tally(known[reason].lines + tally.lines, known[reason].only + tally.only)
        names = judged.filter(~dropped).select(pl.col("undecided").explode()).drop_nulls()
        _add(self.undecided, dict(names.group_by("undecided").len().iter_rows()))

    def _count_between(self, rows: pl.DataFrame, responses: pl.DataFrame) -> None:
        kept_rows = rows.filter("keep").select(ROW_ID)
        answers = responses.filter("keep").select(ROW_ID)
        of_kept = answers.join(kept_rows, on=ROW_ID, how="semi").height
        _add(self.counts["responses"], {"of_other_rows": answers.height - of_kept})
        unanswered = kept_rows.join(answers, on=ROW_ID, how="anti").height
        _add(self.counts["rows"], {"without_response": unanswered})

    def verdicts(self, only: Mapping[str, int], n_quarantined: int) -> Verdicts:
        """What was written, added up. `only`: rows that nothing but a keep-one rule drops, by rule."""
        for grain, n_lines in self.expected.items():
            counts = self.counts[UNITS[grain]]
            if counts["in"] != n_lines or min(counts.values()) < 0:
                raise AssertionError(f"lines were lost: {counts}, {n_lines} expected")
        rows, responses = self.counts["rows"], self.counts["responses"]
        made = {grain: pl.concat(found) for grain, found in self.cuts.items() if found}
        return Verdicts(
            rows=Dataset(tuple(self.paths["row"])),
            responses=Dataset(tuple(self.paths["response"])),
            counts={
                "rows": _ordered({**rows, "quarantined": n_quarantined}),
                "responses": _ordered({**responses, "kept": responses["kept"] - responses["of_other_rows"]}),
            },
            reasons={
                "row": {
                    reason: {"rows": tally.lines, "only": only.get(reason, tally.only)}
                    for reason, tally in self.tallies["row"].items()
                },
                "response": {
                    reason: {"responses": tally.lines, "only": tally.only}
                    for reason, tally in self.tallies["response"].items()
                },
            },
            undecided=dict(sorted(self.undecided.items())),
            cuts=made,
            masked=_masked_counts(made, self.masks) if self.masks is not None else {},
        )


ORDER = ("in", "kept", "dropped", "undecided", "quarantined", "without_response", "masked", "of_other_rows")


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in ORDER if name in counts}


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for name, count in more.items():
        counts[name] = counts.get(name, 0) + count


def _kept_cuts(
    cuts: Mapping[Grain, pl.DataFrame], rows: pl.DataFrame, responses: pl.DataFrame
) -> dict[Grain, pl.DataFrame]:
    """What is cut of lines that are kept; of responses, those of kept rows."""
    kept_rows = rows.filter("keep").select(ROW_ID)
    kept: dict[Grain, pl.DataFrame] = {
        "row": kept_rows,
        "response": responses.filter("keep").join(kept_rows, on=ROW_ID, how="semi").select(KEYS["response"]),
    }
    return {
        grain: found.join(kept[grain], on=KEYS[grain], how="semi", maintain_order="left")
        for grain, found in cuts.items()
    }


def _masked_counts(
    cuts: Mapping[Grain, pl.DataFrame], masks: Mapping[Grain, list[Mask]]
) -> dict[str, dict[str, dict[str, int]]]:
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for grain, rules in masks.items():
        for mask in rules:
            found = cuts[grain].filter(pl.col("reason") == mask.reason)
            counts.setdefault(grain, {})[mask.reason] = {
                f"{grain}s": found.select(KEYS[grain]).n_unique(),
                "passages": found.height,
                "characters": int((found["end"] - found["start"]).cast(pl.Int64).sum()),
            }
    return counts


def _with_masked(
    judged: pl.DataFrame, cuts: pl.DataFrame | None, masks: list[Mask], grain: Grain
) -> pl.DataFrame:
    """The verdicts with `masked`, the mask rules that cut something of a line that is kept."""
    none = pl.lit([], dtype=pl.List(pl.String))
    if cuts is None:
        return judged.with_columns(none.alias("masked"))
    order = {mask.reason: number for number, mask in enumerate(masks)}
    names = (
        cuts.select(*KEYS[grain], "reason")
        .unique()
        .sort(pl.col("reason").replace_strict(order, return_dtype=pl.Int32))
        .group_by(KEYS[grain], maintain_order=True)
        .agg(pl.col("reason").alias("masked"))
    )
    joined = judged.join(names, on=list(KEYS[grain]), how="left", maintain_order="left")
    return joined.with_columns(pl.col("masked").fill_null(none))
