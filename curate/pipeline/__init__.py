"""Recipe in, run folder out: ingest, measure, decide, write. The only writer of runs.

    RUN/
      input/{rows,responses,originals}/   the canonical tables (see `curate.flow`) and the original columns
      evidence/<name>/                    one table per measurement
      verdicts/, response_verdicts/       every line with its reasons
      kept/, dropped/, undecided/         training-ready records; original columns with reasons
      masked/                             rows that passages were cut out of, as they came
      replaced/                           new ground truths of kept rows, and what stood there before
      quarantined/                        input rows that could not be read
      taken/                              clusters that hold a row of earlier data (`curate.pipeline.earlier`)
      recipe.toml, report.html, manifest.json

`manifest.json` is written last: it exists exactly when the run is complete. Input and evidence lie in a
content-addressed cache (RUN/.cache, or one shared by several runs) and are linked into the run, so a run
that was killed goes on at the shard it was in, and a new threshold measures nothing again.
"""

from __future__ import annotations

import fcntl
import functools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq

import curate
from curate.data_card import data_card
from curate.errors import InputError, RunError
from curate.export import FORMATS
from curate.flow import Dataset, Engine
from curate.ingest import Ingested
from curate.pipeline.deciding import Verdicts, judge
from curate.pipeline.earlier import Earlier, extend, open_index, read_after
from curate.pipeline.files import file_sha256, locked, write_text
from curate.pipeline.measuring import (
    Evidence,
    finished_evidence,
    finished_input,
    measure_all,
    read_input,
)
from curate.pipeline.protecting import protection_of
from curate.pipeline.replacing import count_replaced
from curate.pipeline.writing import link_inputs, write_rows
from curate.recipe import Recipe, check_originals, originals_read, stage_of, to_toml, without_folders
from curate.report.benchmarks import SELF_TEST
from curate.report.html import render
from curate.report.run import open_run
from curate.stages import STAGES

Announce = Callable[[str], None]
MANIFEST = "manifest.json"
MARK = ".curate"
"""A folder with this file is a run's; it is also the lock."""
OUTPUTS = (
    "input",
    "evidence",
    "verdicts",
    "response_verdicts",
    "kept",
    "dropped",
    "undecided",
    "masked",
    "replaced",
    "quarantined",
    "taken",
)


def run(
    recipe: Recipe,
    out: Path,
    *,
    engine: Engine,
    cache: Path | None = None,
    announce: Announce = lambda _line: None,
    progress: Callable[[str, int, int], None] | None = None,
    decide_from: Path | None = None,
) -> dict[str, Any]:
    """Run a recipe into the folder `out` and return its manifest.

    With `decide_from`, a finished run, input and evidence are that run's and nothing is measured.
    Raises CurateError; whatever was finished stays in the cache and is used by the next run.
    """
    if decide_from is None:
        if not recipe.source.files:
            raise InputError("No input: name files in the recipe ([source] files = [...]) or with --input.")
        for params in recipe.evidence.values():
            params.files()  # a benchmark or a pattern file that is not there is known before any data is read
        _outside(out, recipe)
        protection = protection_of(recipe)
        for name, one in protection.items():
            announce(f"{name}: {one['told']}")
    with _claimed(out), _index(recipe, decide_from) as index:
        if decide_from is None:
            cache = cache or out / ".cache"
            read = functools.partial(read_input, recipe, cache, progress)
            if index is None:
                ingested = read(0)
            else:
                index, ingested = read_after(index, recipe.source.files, read)
                announce(f"{index.folder}: {index.first_row:,} rows of earlier data")
        else:
            ingested = finished_input(decide_from)
        announce(f"{ingested.n_rows:,} rows, {ingested.n_responses:,} responses: {ingested.shape}")
        for note in (*ingested.notes, ingested.unused.note(originals_read(recipe))):
            if note is not None:
                announce(note)
        check_originals(recipe, ingested.schema)
        if other := _replaces(out, recipe):
            announce(other)
        if cache is not None:
            evidence = measure_all(recipe, ingested, engine, cache, index)
        else:
            assert decide_from is not None
            evidence = finished_evidence(recipe, ingested, decide_from)
            protection = _told_before(evidence, decide_from)
        work = out / ".work"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        verdicts = judge(recipe, ingested, evidence, work, _taken(recipe, evidence))
        records, fmt = write_rows(recipe, ingested, evidence, verdicts, engine, work)
        link_inputs(ingested, evidence, work)
        write_text(work / "recipe.toml", to_toml(recipe))
        manifest = _manifest(recipe, ingested, evidence, verdicts, records, fmt, work)
        if protection:
            manifest["protection"] = protection
        card = data_card(manifest, to_toml(without_folders(recipe)), recipe.output.licence)
        write_text(work / "kept" / "README.md", card)
        _replace_outputs(work, out)
        write_text(out / "report.html", render(out, manifest))
        if index is not None:
            extend(index, ingested, recipe.source.files, Dataset(_moved(verdicts.rows, work, out)))
        write_text(out / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    missing = manifest["counts"]["rows"]["without_response"]
    if missing and fmt in FORMATS and FORMATS[fmt].grain == "response":
        announce(
            f"{missing:,} kept rows have no kept response and so no record: format {fmt} writes one per "
            "response (verl and trl write one per row)"
        )
    return manifest


def keep_self_test(out: Path, result: Mapping[str, Any]) -> bool:
    """Write the result of a self-test into the folder of a run; if the run is finished, its report again.

    Returns whether the run is of the same rows, sets and parameters, so that its report carries the result;
    one that is yet to come will. Raises RunError as `run` does for a folder that is somebody's.
    """
    with _claimed(out):
        write_text(out / SELF_TEST, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        if not (out / MANIFEST).exists():
            return False
        manifest = open_run(out).manifest
        write_text(out / "report.html", render(out, manifest))
        entry = manifest["evidence"].get(result["evidence"], {})
        return bool(entry.get("key") == result["key"])


def _told_before(evidence: Mapping[str, Evidence], run_folder: Path) -> dict[str, dict[str, Any]]:
    """What the run that is decided again said of the benchmarks of its evidence."""
    before = open_run(run_folder).manifest
    told = {
        entry["key"]: before.get("protection", {}).get(name) for name, entry in before["evidence"].items()
    }
    return {name: told[one.key] for name, one in evidence.items() if told.get(one.key)}


@contextmanager
def _index(recipe: Recipe, decide_from: Path | None) -> Iterator[Earlier | None]:
    """The index of earlier data that the recipe names, held until the run is over; null if it names none."""
    if recipe.source.earlier is None or decide_from is not None:
        yield None
        return
    folder = Path(recipe.source.earlier)
    index = open_index(folder)  # before the folder is made: it may be somebody's
    with locked(folder):
        yield open_index(folder) if index.parts else index


def _taken(recipe: Recipe, evidence: Mapping[str, Evidence]) -> dict[str, pl.DataFrame]:
    """By reason, the clusters of a keep-one rule that hold a kept row of earlier data."""
    found = {}
    for reason, rule in recipe.keep_one.items():
        name, _, column = rule.per.partition(".")
        if column == "cluster_id" and (taken := evidence[name].taken) is not None:
            found[reason] = pl.read_parquet(taken)
    return found


def _moved(dataset: Dataset, work: Path, out: Path) -> tuple[Path, ...]:
    return tuple(out / path.relative_to(work) for path in dataset.shards)


def _manifest(
    recipe: Recipe,
    ingested: Ingested,
    evidence: Mapping[str, Evidence],
    verdicts: Verdicts,
    records: Dataset,
    fmt: str,
    work: Path,
) -> dict[str, Any]:
    files = {}
    for path in sorted(work.rglob("*.parquet")):
        rows = pq.read_metadata(path).num_rows
        files[path.relative_to(work).as_posix()] = {
            "rows": rows, "bytes": path.stat().st_size, "sha256": file_sha256(path)
        }  # fmt: skip
    return {
        "curate": curate.__version__,
        "recipe_sha256": recipe.sha256(),
        "format": fmt,
        "counts": {**verdicts.counts, "records": records.n_rows},
        "reasons": verdicts.reasons,
        **({"masked": verdicts.masked} if recipe.mask else {}),
        **({"replaced": count_replaced(work)} if recipe.replace else {}),
        "undecided": verdicts.undecided,
        "input": [file._asdict() for file in ingested.files],
        "shape": ingested.shape,
        "evidence": {
            name: {
                "stage": stage_of(recipe.evidence[name]),
                "version": STAGES[stage_of(recipe.evidence[name])].version,
                "grain": item.grain,
                "key": item.key,
                "lines": sum(item.counts.values()),
                "status": item.counts,
                "files": [
                    [Path(file).name, file_sha256(Path(file))] for file in recipe.evidence[name].files()
                ],
            }
            for name, item in evidence.items()
        },
        "files": files,
    }


def _replaces(out: Path, recipe: Recipe) -> str | None:
    """A line for the person who is about to replace a run of another recipe or input."""
    try:
        before = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return f"{out} holds a damaged run: it is replaced"
    if isinstance(before, dict) and before.get("recipe_sha256") == recipe.sha256():
        return None
    return f"{out} holds a run of another recipe or input: it is replaced (evidence stays in the cache)"


def _replace_outputs(work: Path, out: Path) -> None:
    (out / MANIFEST).unlink(missing_ok=True)  # from here until the end the run is not complete
    for name in OUTPUTS:
        shutil.rmtree(out / name, ignore_errors=True)
    for path in sorted(work.iterdir()):
        path.replace(out / path.name)
    work.rmdir()


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Make the folder a run's and hold it: nobody's files are in it, and nobody else writes it.

    A folder is a run's if it was empty when the first run came, which left its mark; only such a folder
    is ever cleared. The lock dies with the process.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        strangers = sorted(path.name for path in out.iterdir())
    except (FileExistsError, NotADirectoryError, FileNotFoundError) as error:
        raise RunError(
            f"{out}: expected a folder to write the run to: {error.strerror}. Name another with -o."
        ) from error
    mark = out / MARK
    if strangers and not mark.exists():
        raise RunError(
            f"{out}: expected an empty folder or an earlier run, found {', '.join(strangers[:3])}. "
            "Name another folder with -o."
        )
    with mark.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(
                f"{out}: another curate run is writing this folder. "
                "Wait for it, or name another folder with -o."
            ) from error
        yield


def _outside(out: Path, recipe: Recipe) -> None:
    """Refuse input that lies in the folder that is about to be written."""
    here = out.resolve()
    named = [*recipe.source.files, *(file for params in recipe.evidence.values() for file in params.files())]
    for name in named:
        path = Path(name.split("*")[0]).resolve() if "://" not in name else None
        if path is not None and path.is_relative_to(here):
            raise RunError(f"{name}: lies in {out}, the folder of the run. Name another folder with -o.")
