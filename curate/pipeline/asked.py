"""What the rules say of each line, kept on disk between asking and deciding.

Rules about one line are asked shard by shard; keep-one rules choose among rows of all shards, but most rows
are alone in their groups. So of the answers only those of rows that meet another are ever in memory together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from curate import decide
from curate.flow import ROW_ID, shard_path

PASS_ROWS = 1 << 21
"""Rows whose groups are in memory at once, about 200 MB with what finding equal ones takes."""


class Asked:
    """Answers and keep-one orders of every shard, as Arrow files in a folder."""

    def __init__(self, folder: Path, n_shards: int) -> None:
        self.folder = folder
        self.n_shards = n_shards

    def write(self, table: str, index: int, frame: pl.DataFrame) -> None:
        """Keep a shard's answers (table `row`, `response`) or its order of a keep-one rule."""
        path = self._path(table, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_ipc(path, compression="lz4")

    def read(self, table: str, index: int) -> pl.DataFrame:
        """What was put there."""
        return pl.read_ipc(self._path(table, index))

    def _path(self, table: str, index: int) -> Path:
        return shard_path(self.folder / table, index, "arrow")

    def met(
        self, rules: Sequence[decide.KeepOne], taken: Mapping[str, pl.DataFrame] | None = None
    ) -> pl.Series:
        """row_id of the rows that a keep-one rule chooses among, or cannot judge, ascending."""
        found = [pl.Series(ROW_ID, [], dtype=pl.Int64)]
        for rule in rules:
            height = sum(self._order(rule, index).select(pl.len()).collect().item() for index in self._shards)
            n_passes = max(1, -(-height // PASS_ROWS))
            for number in range(n_passes):
                mine = (
                    pl.col("group").hash(seed=0) % n_passes == number
                )  # equal groups have equal hashes here
                parts = [
                    self._order(rule, index).filter(mine.fill_null(value=number == 0)).collect()
                    for index in self._shards
                ]
                order = {rule.reason: pl.concat(parts)}
                found.append(decide.rows_that_meet(order, [rule], taken))
        return pl.concat(found).unique().sort()

    @property
    def _shards(self) -> range:
        return range(self.n_shards)

    def _order(self, rule: decide.KeepOne, index: int) -> pl.LazyFrame:
        path = self._path(order_table(rule), index)
        return pl.scan_ipc(path).select(ROW_ID, "group")

    def rows(self, wanted: pl.Series) -> pl.DataFrame:
        """The answers of some rows."""
        return self._some("row", wanted)

    def order(self, rule: decide.KeepOne, wanted: pl.Series) -> pl.DataFrame:
        """The order of a keep-one rule, of some rows."""
        return self._some(order_table(rule), wanted)

    def _some(self, table: str, wanted: pl.Series) -> pl.DataFrame:
        parts = []
        for index in self._shards:
            frame = self.read(table, index)
            parts.append(frame.filter(frame[ROW_ID].is_in(wanted.implode())))
        return pl.concat(parts)

    def judged(self, index: int, chosen: pl.DataFrame, rules: Sequence[decide.KeepOne]) -> pl.DataFrame:
        """The answers of a shard's rows with those of the keep-one rules: `chosen`, and no for all others."""
        answers = self.read("row", index)
        new = ["kept_instead", *(rule.reason for rule in rules)]
        every = answers.with_columns(
            pl.lit(None, dtype=pl.Int64).alias("kept_instead"),
            *(pl.lit(value=False).alias(rule.reason) for rule in rules),
        )
        if not answers.height:
            return every
        first, last = answers[ROW_ID][0], answers[ROW_ID][-1]
        start = chosen[ROW_ID].search_sorted(first, side="left")
        few = chosen.slice(start, chosen[ROW_ID].search_sorted(last, side="right") - start)
        places = answers[ROW_ID].search_sorted(few[ROW_ID])
        return every.with_columns(every[name].scatter(places, few[name]) for name in new)


def order_table(rule: decide.KeepOne) -> str:
    """Where the order of a keep-one rule lies; a reason may be longer than the name of a folder."""
    return f"keep-one-{hashlib.sha256(rule.reason.encode()).hexdigest()[:16]}"
