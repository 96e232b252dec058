"""Whether a finished run is what its manifest says: files, schemas, shards, every row once, every count.

Each check looks at all files it can read and tells every failure; a file that is not as it was written is
told once, and checks that would have to read it leave it out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curate.disk import FileSum, fitting
from curate.errors import CurateError
from curate.export import FORMATS
from curate.flow import KEYS, RESPONSE_ID, RESPONSES, ROW_ID, ROWS, Grain, read_parquet
from curate.pipeline.places import MANIFEST, OUTPUTS
from curate.pipeline.told import RESPONSE_VERDICT_SCHEMA, VERDICT_SCHEMA
from curate.recipe import load
from curate.report.run import (
    ORIGINALS_TABLE,
    RESPONSE_VERDICTS_TABLE,
    RESPONSES_TABLE,
    ROWS_TABLE,
    VERDICTS_TABLE,
    FinishedRun,
    open_run,
)
from curate.stages import STAGES
from curate.stages.measure import evidence_schema

AGAIN = "run the command that made it again: it measures what is damaged, and only that"
UNKNOWN = "remove it, or run the command that made the run again"
TELL_US = "report it: no damage explains it"


class Failure(NamedTuple):
    """Something that is not as it must be."""

    file: str
    """Path in the run."""
    what: str
    do: str


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    looked_at: str
    failures: tuple[Failure, ...]


class _Looking(NamedTuple):
    """A run and those of its files that are as they were written."""

    run: FinishedRun
    sound: frozenset[Path]

    def table(self, table: str) -> list[Path]:
        """The sound files of a table, in row order."""
        return [path for path in self.run.shards(table) if path in self.sound]

    def name(self, path: Path) -> str:
        return path.relative_to(self.run.folder).as_posix()

    def read(self, table: str, columns: Sequence[str]) -> pl.DataFrame:
        """Columns of the sound files of a table; without columns if there are none."""
        tables = [read_parquet(path, columns) for path in self.table(table)]
        if not tables:
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.Int64))
        frame = pl.from_arrow(pa.concat_tables(tables))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def whole(self, *tables: str) -> bool:
        """Whether all files of these tables are sound."""
        return all(path in self.sound for table in tables for path in self.run.shards(table))


def check_run(folder: Path) -> list[Check]:
    """Every check of a finished run, in a fixed order. Raises RunError if there is no run to be checked."""
    run = open_run(folder)
    files, sound = _files(run)
    looking = _Looking(run, frozenset(sound))
    checks = [Check("files", f"{len(run.manifest['files']):,} files", tuple(files))]
    for name, look in CHECKS.items():
        found = look(looking)
        told = next(found)
        assert isinstance(told, str)
        checks.append(Check(name, told, tuple(item for item in found if isinstance(item, Failure))))
    return checks


def _files(run: FinishedRun) -> tuple[list[Failure], list[Path]]:
    """Sizes and checksums of all files that the manifest lists; files that it does not list."""
    sums = {
        run.folder / name: FileSum(entry.get("rows"), entry["bytes"], entry["sha256"])
        for name, entry in run.manifest["files"].items()
    }
    failures, sound = [], []
    for path, fits in fitting(sums).items():
        name = path.relative_to(run.folder).as_posix()
        if fits:
            sound.append(path)
        elif not path.exists():
            failures.append(Failure(name, "is gone", AGAIN))
        elif path.stat().st_size != sums[path].bytes:
            found = f"has {path.stat().st_size:,} bytes, {sums[path].bytes:,} were written"
            failures.append(Failure(name, found, AGAIN))
        else:
            failures.append(Failure(name, "has other content than was written (SHA-256)", AGAIN))
    for table in OUTPUTS:
        for path in sorted((run.folder / table).rglob("*.parquet")):
            if path not in sums and path.name[0] != ".":
                name = path.relative_to(run.folder).as_posix()
                failures.append(Failure(name, "is not a file of this run", UNKNOWN))
    return failures, sound


Found = Iterator[str | Failure]
"""First what is looked at, then each failure."""


def _manifest(looking: _Looking) -> Found:
    """The recipe, statuses of evidence and counts of reasons are those of the manifest."""
    run = looking.run
    n_reasons = sum(map(len, run.manifest["reasons"].values()))
    yield f"{len(run.manifest['evidence'])} evidence, {n_reasons} reasons"
    try:
        found = load(run.folder / "recipe.toml").sha256()
        if found != run.manifest["recipe_sha256"]:
            yield Failure("recipe.toml", "is not the recipe that the manifest names", AGAIN)
    except CurateError as error:
        yield Failure("recipe.toml", f"cannot be read: {error}", AGAIN)
    for name, entry in run.manifest["evidence"].items():
        table = f"evidence/{name}"
        if looking.whole(table):
            counts = Counter(looking.read(table, ["status"])["status"].to_list())
            if dict(counts) != entry["status"]:
                yield Failure(
                    table, f"has statuses {dict(counts)}, the manifest says {entry['status']}", TELL_US
                )
    for grain, table, unit in (
        ("row", VERDICTS_TABLE, "rows"),
        ("response", RESPONSE_VERDICTS_TABLE, "responses"),
    ):
        if looking.whole(table):
            lists = looking.read(table, ["reasons"])["reasons"].explode(empty_as_null=True).drop_nulls()
            reasons = Counter(lists.to_list())
            said = {
                reason: entry[unit] for reason, entry in run.manifest["reasons"][grain].items() if entry[unit]
            }
            if dict(reasons) != said:
                yield Failure(table, f"has reasons {dict(reasons)}, the manifest says {said}", TELL_US)


def _schemas(looking: _Looking) -> Found:
    """Every table has the columns that it must have, and all shards of one table the same."""
    run = looking.run
    expected = {
        ROWS_TABLE: ROWS,
        RESPONSES_TABLE: RESPONSES,
        VERDICTS_TABLE: VERDICT_SCHEMA,
        RESPONSE_VERDICTS_TABLE: RESPONSE_VERDICT_SCHEMA,
    }
    for name, entry in run.manifest["evidence"].items():
        stage = STAGES.get(entry["stage"])
        if stage is not None and stage.version == entry["version"]:
            expected[f"evidence/{name}"] = evidence_schema(stage)
    tables = [*expected, ORIGINALS_TABLE, "kept", "dropped", "undecided", "quarantined"]
    yield f"{len(tables)} tables"
    for table in tables:
        schema = expected.get(table)
        for path in looking.table(table):
            found = _plain(pq.read_schema(path))
            schema = schema or found
            if not found.equals(schema):
                yield Failure(
                    looking.name(path), f"has columns {_told(found)}; expected {_told(schema)}", AGAIN
                )


def _plain(schema: pa.Schema) -> pa.Schema:
    """Without metadata, and without the column that only recipes with mask rules have."""
    return pa.schema([field for field in schema if field.name != "masked"])


def _told(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _shards(looking: _Looking) -> Found:
    """Shard i of every table has the same keys, in the same order."""
    run = looking.run
    places = range(len(run.shards(ROWS_TABLE)))
    yield f"{len(places):,} of each table"
    tables: dict[str, Grain] = {
        ORIGINALS_TABLE: "row",
        VERDICTS_TABLE: "row",
        RESPONSE_VERDICTS_TABLE: "response",
        **{f"evidence/{name}": entry["grain"] for name, entry in run.manifest["evidence"].items()},
    }
    for table in (RESPONSES_TABLE, *tables):
        if len(run.shards(table)) != len(places):
            yield Failure(
                table, f"has {len(run.shards(table)):,} shards, {ROWS_TABLE} {len(places):,}", AGAIN
            )
    lengths = {len(run.shards(table)) for table in (ROWS_TABLE, RESPONSES_TABLE, *tables)}
    if len(lengths) > 1:
        return
    for place in places:
        of: dict[Grain, Path] = {
            "row": run.shards(ROWS_TABLE)[place], "response": run.shards(RESPONSES_TABLE)[place]
        }  # fmt: skip
        if not set(of.values()) <= looking.sound:
            continue
        keys = {grain: read_parquet(path, KEYS[grain]) for grain, path in of.items()}
        if not set(keys["response"][ROW_ID].to_pylist()) <= set(keys["row"][ROW_ID].to_pylist()):
            yield Failure(looking.name(of["response"]), "has responses of rows of another shard", TELL_US)
        for table, grain in tables.items():
            path = run.shards(table)[place]
            if path in looking.sound and not read_parquet(path, KEYS[grain]).equals(keys[grain]):
                yield Failure(looking.name(path), f"has other keys than {looking.name(of[grain])}", TELL_US)


def _rows(looking: _Looking) -> Found:
    """Rows in = kept + dropped + undecided, each once, where its verdict says; the quarantine as counted."""
    run, said = looking.run, looking.run.manifest["counts"]["rows"]
    yield f"{said['in']:,} in = {said['kept']:,} + {said['dropped']:,} + {said['undecided']:,}"
    if said["in"] != said["kept"] + said["dropped"] + said["undecided"]:
        yield Failure(MANIFEST, "rows in are not kept + dropped + undecided", TELL_US)
    if sum(file["rows"] for file in run.manifest["input"]) != said["in"]:
        yield Failure(MANIFEST, "the rows of the input files are not the rows in", TELL_US)
    if looking.whole("quarantined"):
        n_quarantined = looking.read("quarantined", ["line"]).height
        if n_quarantined != said["quarantined"]:
            yield Failure(
                "quarantined", f"has {n_quarantined:,} rows, {said['quarantined']:,} were counted", AGAIN
            )
    if not looking.whole(VERDICTS_TABLE):
        return
    judged = _judged(looking.read(VERDICTS_TABLE, [ROW_ID, "keep", "reasons"]))
    yield from _once(VERDICTS_TABLE, judged[ROW_ID], said["in"], looking)
    for verdict in ("kept", "dropped", "undecided"):
        of = judged.filter(pl.col("verdict") == verdict)
        if of.height != said[verdict]:
            yield Failure(
                VERDICTS_TABLE, f"{of.height:,} rows are {verdict}, {said[verdict]:,} were counted", TELL_US
            )
        if verdict != "kept" and looking.whole(verdict):
            there = looking.read(verdict, [ROW_ID])[ROW_ID]
            if there.to_list() != of[ROW_ID].to_list():
                yield Failure(verdict, f"holds other rows than those whose verdict is {verdict}", TELL_US)


def _once(table: str, row_ids: pl.Series, expected: int, looking: _Looking) -> Iterator[Failure]:
    first = looking.run.first_row if looking.whole(ROWS_TABLE) else int(row_ids.min() or 0)  # type: ignore[arg-type]
    if row_ids.to_list() != list(range(first, first + expected)):
        missing = expected - row_ids.n_unique()
        doubled = row_ids.len() - row_ids.n_unique()
        yield Failure(
            table, f"not every row is there once, in order ({missing:,} missing, {doubled:,} twice)", TELL_US
        )


def _responses(looking: _Looking) -> Found:
    """Responses in = kept + of rows that are not + dropped + undecided."""
    said = looking.run.manifest["counts"]["responses"]
    parts = [said[name] for name in ("kept", "of_other_rows", "dropped", "undecided")]
    yield f"{said['in']:,} in = {' + '.join(f'{part:,}' for part in parts)}"
    if said["in"] != sum(parts):
        yield Failure(MANIFEST, "responses in are not kept + of other rows + dropped + undecided", TELL_US)
    if not looking.whole(VERDICTS_TABLE, RESPONSE_VERDICTS_TABLE):
        return
    judged = _judged(looking.read(RESPONSE_VERDICTS_TABLE, [ROW_ID, RESPONSE_ID, "keep", "reasons"]))
    kept_rows = looking.read(VERDICTS_TABLE, [ROW_ID, "keep"]).filter("keep")
    kept = judged.filter(pl.col("verdict") == "kept")
    found = {
        "in": judged.height,
        "kept": kept.join(kept_rows, on=ROW_ID, how="semi").height,
        "of_other_rows": kept.join(kept_rows, on=ROW_ID, how="anti").height,
        "dropped": judged.filter(pl.col("verdict") == "dropped").height,
        "undecided": judged.filter(pl.col("verdict") == "undecided").height,
    }
    for name, number in found.items():
        if number != said[name]:
            what = f"{number:,} responses are {name}, {said[name]:,} were counted"
            yield Failure(RESPONSE_VERDICTS_TABLE, what, TELL_US)
    if judged.select(KEYS["response"]).is_duplicated().any():
        yield Failure(RESPONSE_VERDICTS_TABLE, "a response is there twice", TELL_US)


def _judged(verdicts: pl.DataFrame) -> pl.DataFrame:
    dropped = pl.col("reasons").list.len() > 0
    name = pl.when("keep").then(pl.lit("kept")).when(dropped).then(pl.lit("dropped"))
    return verdicts.with_columns(name.otherwise(pl.lit("undecided")).alias("verdict"))


def _records(looking: _Looking) -> Found:
    """Records are of kept rows, none twice; one a kept row, or one a kept response of it."""
    run = looking.run
    said, fmt = run.manifest["counts"]["records"], run.manifest["format"]
    yield f"{said:,} of format {fmt}"
    if not looking.whole("kept", VERDICTS_TABLE, RESPONSE_VERDICTS_TABLE) or not looking.table("kept"):
        return
    names = pq.read_schema(looking.table("kept")[0]).names
    by_response = fmt in FORMATS and FORMATS[fmt].grain == "response"
    keys = list(KEYS["response" if by_response else "row"])
    if "extra_info" in names and ROW_ID not in names:  # as the formats for RL have it
        found = looking.read("kept", ["extra_info"]).select(pl.col("extra_info").struct.field(ROW_ID))
    else:
        found = looking.read("kept", keys)
    if found.height != said:
        yield Failure("kept", f"has {found.height:,} records, {said:,} were counted", TELL_US)
    wanted = looking.read(VERDICTS_TABLE, [ROW_ID, "keep"]).filter("keep").select(ROW_ID)
    if by_response:
        responses = looking.read(RESPONSE_VERDICTS_TABLE, [ROW_ID, RESPONSE_ID, "keep"]).filter("keep")
        wanted = responses.join(wanted, on=ROW_ID, how="semi").select(ROW_ID, RESPONSE_ID)
    if found.is_duplicated().any():
        yield Failure("kept", "a record is there twice", TELL_US)
    if found.join(wanted, on=keys, how="anti").height:
        yield Failure("kept", "has a record of a line that is not kept", TELL_US)
    limited = run.recipe.get("output", {}).get("max-responses-per-row") is not None
    lost = wanted.join(found, on=keys if not limited else [ROW_ID], how="anti").height
    if lost:
        yield Failure("kept", f"{lost:,} lines are kept and have no record", TELL_US)


CHECKS: dict[str, Callable[[_Looking], Found]] = {
    "manifest": _manifest,
    "schemas": _schemas,
    "shards": _shards,
    "rows": _rows,
    "responses": _responses,
    "records": _records,
}
