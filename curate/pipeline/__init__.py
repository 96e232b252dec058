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

`manifest.json` comes last: it exists exactly when the run is complete. Input and evidence lie in a
content-addressed cache (RUN/.cache, or one shared by several runs) and are linked into the run, so a run
that was killed goes on at the shard it was in, and a new threshold measures nothing again.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

import curate
from curate.data_card import data_card
from curate.disk import FileSum, sum_of, sync_folder, temporaries
from curate.errors import InputError, RunError
from curate.export import FORMATS
from curate.flow import Dataset, Engine
from curate.ingest import Ingested
from curate.pipeline.collecting import note_run
from curate.pipeline.deciding import Verdicts, judge
from curate.pipeline.earlier import Earlier, extend, open_index, read_after
from curate.pipeline.files import told_sum, write_text
from curate.pipeline.locks import Held, held, locked
from curate.pipeline.measuring import Evidence, finished_evidence, finished_input, folders_needed, measure_all
from curate.pipeline.places import CACHE, MANIFEST, MARK, OUTPUTS, READY, WORK
from curate.pipeline.protecting import protection_of
from curate.pipeline.reading import INGESTED, read_input
from curate.pipeline.remote import SharedEvidence
from curate.pipeline.replacing import count_replaced
from curate.pipeline.sums import read_complete
from curate.pipeline.writing import link_inputs, write_rows
from curate.recipe import Recipe, check_originals, originals_read, stage_of, to_toml, without_folders
from curate.report.benchmarks import SELF_TEST
from curate.report.html import render
from curate.report.run import SELF, manifest_sha256, open_run
from curate.stages import STAGES

Announce = Callable[[str], None]


def run(
    recipe: Recipe,
    out: Path,
    *,
    engine: Engine,
    cache: Path | None = None,
    announce: Announce = lambda _line: None,
    progress: Callable[[str, int, int], None] | None = None,
    decide_from: Path | None = None,
    shared: SharedEvidence | None = None,
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
    with _claimed(out) as claim, _index(recipe, decide_from, announce) as index:
        if decide_from is None:
            cache = cache or out / CACHE
            read = functools.partial(read_input, recipe, cache, progress, announce=announce)
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
            note_run(cache, out, folders_needed(recipe, ingested, cache, index))
            ingested, evidence = measure_all(recipe, ingested, engine, cache, index, announce, shared)
        else:
            assert decide_from is not None
            evidence = finished_evidence(recipe, ingested, decide_from)
            protection = _told_before(evidence, decide_from)
        work = out / WORK
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        verdicts = judge(recipe, ingested, evidence, work, _taken(recipe, evidence))
        records, fmt = write_rows(recipe, ingested, evidence, verdicts, engine, work)
        sources = link_inputs(ingested, evidence, work)
        write_text(work / "recipe.toml", to_toml(recipe))
        sums = _written_sums(ingested, evidence, sources, decide_from)
        manifest = _manifest(recipe, ingested, evidence, verdicts, records, fmt, work, sums)
        if protection:
            manifest["protection"] = protection
        card = data_card(manifest, to_toml(without_folders(recipe)), recipe.output.licence)
        write_text(work / "kept" / "README.md", card)
        manifest[SELF] = manifest_sha256(manifest)
        if (out / SELF_TEST).exists():
            write_text(work / SELF_TEST, (out / SELF_TEST).read_text(encoding="utf-8"))
        write_text(work / "report.html", render(work, manifest))
        if index is not None:
            extend(index, ingested, recipe.source.files, verdicts.rows)
        write_text(work / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
        claim.check()
        put_in_place(work, out)
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
        write_text(out / "report.html", render(out))
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
def _index(recipe: Recipe, decide_from: Path | None, announce: Announce) -> Iterator[Earlier | None]:
    """The index of earlier data that the recipe names, held until the run is over; null if it names none."""
    if recipe.source.earlier is None or decide_from is not None:
        yield None
        return
    folder = Path(recipe.source.earlier)
    index = open_index(folder)  # before the folder is made: it may be somebody's
    with locked(folder, announce):
        yield open_index(folder) if index.parts else index


def _taken(recipe: Recipe, evidence: Mapping[str, Evidence]) -> dict[str, pl.DataFrame]:
    """By reason, the clusters of a keep-one rule that hold a kept row of earlier data."""
    found = {}
    for reason, rule in recipe.keep_one.items():
        name, _, column = rule.per.partition(".")
        if column == "cluster_id" and (taken := evidence[name].taken) is not None:
            found[reason] = pl.read_parquet(taken)
    return found


def _written_sums(
    ingested: Ingested,
    evidence: Mapping[str, Evidence],
    sources: Mapping[str, Path],
    decide_from: Path | None,
) -> dict[str, FileSum]:
    """What is known of the files that were linked into the run: they were checked when they were read."""
    if decide_from is not None:
        files = open_run(decide_from).manifest["files"]
        known = {
            decide_from / name: FileSum(e.get("rows"), e["bytes"], e["sha256"]) for name, e in files.items()
        }
    else:
        folders = [ingested.rows.shards[0].parent.parent]
        folders += [item.dataset.shards[0].parent.parent for item in evidence.values()]
        known = {}
        for folder in folders:
            complete = read_complete(folder)
            assert complete is not None, f"{folder} was whole a moment ago"
            known.update({folder / name: entry for name, entry in complete.files.items()})
    return {name: known[source] for name, source in sources.items() if source in known}


def _manifest(
    recipe: Recipe,
    ingested: Ingested,
    evidence: Mapping[str, Evidence],
    verdicts: Verdicts,
    records: Dataset,
    fmt: str,
    work: Path,
    sums: Mapping[str, FileSum],
) -> dict[str, Any]:
    names = [path.relative_to(work).as_posix() for path in sorted(work.rglob("*.parquet"))]
    names.append(f"input/{INGESTED}")
    files = {name: (sums.get(name) or sum_of(work / name)).told() for name in names}
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
                "files": [[Path(file).name, told_sum(Path(file))] for file in recipe.evidence[name].files()],
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


def put_in_place(work: Path, out: Path) -> None:
    """Make a whole run in `work` the run of the folder `out`, whatever was there, and whenever it is killed.

    First `work` gets a name that says it is whole; from there on the rest can be done over and over.
    """
    for folder in [path for path in work.rglob("*") if path.is_dir()]:
        sync_folder(folder)
    work.replace(out / READY)
    _finish(out)


def _finish(out: Path) -> None:
    """Put a whole run in place that is still, or partly, where it was made; the manifest last."""
    ready = out / READY
    if not ready.exists():
        return
    sync_folder(out)
    if (ready / MANIFEST).exists():
        (out / MANIFEST).unlink(missing_ok=True)  # from here until the end the run is not complete
        manifest = json.loads((ready / MANIFEST).read_bytes())
        given = {Path(name).parts[0] for name in manifest["files"]}
        for name in OUTPUTS:
            if name not in given or (ready / name).exists():
                shutil.rmtree(out / name, ignore_errors=True)
        for path in sorted(ready.iterdir()):
            if path.name != MANIFEST:
                path.replace(out / path.name)
        sync_folder(out)
        (ready / MANIFEST).replace(out / MANIFEST)
        sync_folder(out)
    ready.rmdir()


def finish(out: Path) -> None:
    """If a run in the folder was killed when it was whole but not yet in place, put it in place."""
    if (out / READY).exists():
        with _claimed(out):
            return


@contextmanager
def _claimed(out: Path) -> Iterator[Held]:
    """Make the folder a run's and hold it: nobody's files are in it, and nobody else writes it.

    A folder is a run's if it was empty when the first run came, which left its mark; only such a folder
    is ever cleared.
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
    with held(mark, wait=False) as claim:
        for path in temporaries(out):
            path.unlink()
        _finish(out)
        yield claim


def _outside(out: Path, recipe: Recipe) -> None:
    """Refuse input that lies in the folder that is about to be written."""
    here = out.resolve()
    named = [*recipe.source.files, *(file for params in recipe.evidence.values() for file in params.files())]
    for name in named:
        if "://" in name or "\0" in name:
            continue
        path = Path(os.path.realpath(name.split("*")[0]))  # unlike `resolve` it takes a link to itself
        if path.is_relative_to(here):
            raise RunError(f"{name}: lies in {out}, the folder of the run. Name another folder with -o.")
