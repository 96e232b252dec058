"""Input and evidence, cached by content: what was measured once is not measured again."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from curate.errors import RunError
from curate.flow import Dataset, Engine, Grain, StageParams, read_parquet, shard_path
from curate.ingest import VERSION as INGEST_VERSION
from curate.ingest import FieldMap, Ingested, ingest, load_ingested
from curate.pipeline.earlier import Earlier
from curate.pipeline.files import LOCK, digest, file_sha256, locked, write_text
from curate.predicate import tables_of
from curate.recipe import Recipe, load, stage_of
from curate.stages import STAGES
from curate.stages.inputs import TAKEN, EvidenceShard, Inputs, Shard
from curate.stages.measure import check_whole, measure_shard

COMPLETE = "complete.json"
"""Written last: evidence in the cache is whole where it is."""


class Evidence(NamedTuple):
    """One finished measurement in the cache."""

    name: str
    grain: Grain
    key: str
    dataset: Dataset
    columns: tuple[str, ...]
    counts: dict[str, int]  # lines per status
    taken: Path | None = None  # clusters that earlier data holds already, see `curate.stages.inputs.TAKEN`


def read_input(
    recipe: Recipe,
    cache: Path,
    progress: Callable[[str, int, int], None] | None,
    first_row: int = 0,
) -> Ingested:
    """The canonical tables of the recipe's files, from the cache if the files did not change."""
    source = recipe.source
    fields = FieldMap(**{name: getattr(source, name) for name in FieldMap._fields})
    slot = digest([source.files, fields._asdict(), source.on_bad_rows, first_row])[:16]
    into = cache / f"input-{slot}"
    with locked(into):
        return ingest(
            source.files,
            fields,
            into,
            on_bad_rows=source.on_bad_rows,
            first_row=first_row,
            progress=progress,
        )


def measure_all(
    recipe: Recipe, ingested: Ingested, engine: Engine, cache: Path, earlier: Earlier | None = None
) -> dict[str, Evidence]:
    """Every evidence of the recipe, in order, from the cache or measured into it."""
    done: dict[str, Evidence] = {}
    for name, params in recipe.evidence.items():
        key = evidence_key(params, ingested, done, earlier)
        folder = cache / f"evidence-{key[:32]}"
        shards = _shard_paths(folder / "shards", ingested)
        with locked(folder):
            if not (folder / COMPLETE).exists() or not all(shard.exists() for shard in shards):
                _measure(name, params, ingested, engine, folder, done, earlier)
            counts = json.loads((folder / COMPLETE).read_text(encoding="utf-8"))["status"]
        done[name] = _evidence(name, params, key, shards, counts, folder / TAKEN)
    return done


def finished_input(run: Path) -> Ingested:
    """The canonical tables of a finished run. Raises RunError if they are not whole."""
    ingested = load_ingested(run / "input")
    if ingested is None:
        raise RunError(f"{run}: input/ of this run is not whole, or of another version of curate. Run again.")
    return ingested


def finished_evidence(recipe: Recipe, ingested: Ingested, run: Path) -> dict[str, Evidence]:
    """The evidence of a finished run that a recipe asks for, measured with the same parameters.

    Raises RunError for evidence that would have to be measured.
    """
    measured = load(run / "recipe.toml").evidence
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["evidence"]
    done = {}
    for name, params in recipe.evidence.items():
        found = [other for other, before in measured.items() if before == params]
        current = [other for other in found if manifest[other]["version"] == STAGES[stage_of(params)].version]
        if not current:
            raise RunError(
                f"evidence.{name}: not measured in this run with these parameters, and `decide` measures "
                "nothing. Use `curate run` with this recipe, or the parameters of the run's recipe.toml."
            )
        entry = manifest[current[0]]
        shards = _shard_paths(run / "evidence" / current[0], ingested)
        taken = run / "taken" / f"{current[0]}.parquet"
        done[name] = _evidence(name, params, entry["key"], shards, entry["status"], taken)
    return done


def _evidence(
    name: str, params: StageParams, key: str, shards: tuple[Path, ...], counts: dict[str, int], taken: Path
) -> Evidence:
    stage = STAGES[stage_of(params)]
    columns = tuple(stage.evidence.names)
    return Evidence(
        name, stage.grain, key, Dataset(shards), columns, counts, taken if taken.exists() else None
    )


def _shard_paths(folder: Path, ingested: Ingested) -> tuple[Path, ...]:
    return tuple(shard_path(folder, index) for index in range(len(ingested.rows.shards)))


def _measure(
    name: str,
    params: StageParams,
    ingested: Ingested,
    engine: Engine,
    folder: Path,
    done: Mapping[str, Evidence],
    earlier: Earlier | None,
) -> None:
    stage = STAGES[stage_of(params)]
    folder.mkdir(parents=True, exist_ok=True)
    shards = shards_of(ingested, done, stage.grain, params.skip_if)
    state = stage.prepare(params, folder) if stage.prepare else None
    if stage.whole is not None:
        inputs = Inputs(shards, stage.grain, ingested.bounds)
        if earlier is not None:
            state = earlier.folder / "state" / earlier.key_of(ingested)
            inputs = inputs._replace(earlier=earlier.stage_parts(), state=state)
        dataset = stage.whole(engine, inputs, params, folder)
        check_whole(dataset, inputs, stage)
        _rename_into(dataset, folder / "shards")
    else:
        fn = functools.partial(measure_shard, stage.name, params, state)
        engine.map(fn, shards, folder / "shards", runs=stage.runs, label=f"{name} ({stage.name})")
    counts: dict[str, int] = {}
    for index in range(len(shards)):
        statuses = read_parquet(shard_path(folder / "shards", index), ["status"])["status"]
        for item in statuses.value_counts().to_pylist():
            counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]
    write_text(folder / COMPLETE, json.dumps({"status": dict(sorted(counts.items()))}))
    for leftover in folder.iterdir():  # scratch of the stage; its prepared state too
        if leftover.name not in ("shards", COMPLETE, LOCK, TAKEN):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def evidence_key(
    params: StageParams, ingested: Ingested, done: Mapping[str, Evidence], earlier: Earlier | None
) -> str:
    """Fingerprint of all that the evidence depends on: stage, VERSION, parameters, input, files, evidence."""
    stage = STAGES[stage_of(params)]
    used = dict.fromkeys(params.evidence_read())
    used.update(dict.fromkeys(tables_of([params.skip_if] if params.skip_if else [])))
    return digest(
        [
            stage.name,
            stage.version,
            params.model_dump(mode="json"),
            INGEST_VERSION,
            [[file.sha256, file.rows] for file in ingested.files],
            ingested.shape,
            ingested.bounds,  # shard i of evidence goes with shard i of the rows
            [[Path(file).name, file_sha256(Path(file))] for file in params.files()],  # names are evidence too
            [done[name].key for name in used if name in done],
            earlier.key_of(ingested) if earlier is not None and stage.whole is not None else None,
        ]
    )


def shards_of(
    ingested: Ingested, done: Mapping[str, Evidence], grain: Grain, skip_if: str | None
) -> tuple[Shard, ...]:
    """The run's shards as a stage sees them, with the evidence measured so far."""
    return tuple(
        Shard(
            grain=grain,
            index=i,
            first_row=ingested.first_row if i == 0 else ingested.bounds[i - 1],
            rows=rows,
            responses=ingested.responses.shards[i],
            evidence=tuple(EvidenceShard(e.name, e.grain, e.dataset.shards[i]) for e in done.values()),
            skip_if=skip_if,
            originals=ingested.originals.shards[i],
        )
        for i, rows in enumerate(ingested.rows.shards)
    )


def _rename_into(dataset: Dataset, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for index, path in enumerate(dataset.shards):
        path.replace(shard_path(folder, index))
