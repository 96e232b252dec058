"""Input and evidence, cached by content: what was measured once is not measured again."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from curate.errors import RunError
from curate.flow import Dataset, Engine, Grain, StageParams, shard_path
from curate.ingest import FieldMap, Ingested, ingest
from curate.pipeline.files import digest, file_sha256, write_text
from curate.predicate import tables_of
from curate.recipe import Recipe, stage_of
from curate.stages import STAGES
from curate.stages.inputs import EvidenceShard, Inputs, Shard
from curate.stages.measure import check_whole, measure_shard


class Evidence(NamedTuple):
    """One finished measurement in the cache."""

    name: str
    grain: Grain
    key: str
    dataset: Dataset
    columns: tuple[str, ...]
    counts: dict[str, int]  # lines per status


def read_input(recipe: Recipe, cache: Path, progress: Callable[[str, int, int], None] | None) -> Ingested:
    """The canonical tables of the recipe's files, from the cache if the files did not change."""
    source = recipe.source
    fields = FieldMap(**{name: getattr(source, name) for name in FieldMap._fields})
    slot = digest([source.files, fields._asdict(), source.on_bad_rows])[:16]
    into = cache / f"input-{slot}"
    into.mkdir(parents=True, exist_ok=True)
    return ingest(source.files, fields, into, on_bad_rows=source.on_bad_rows, progress=progress)


def measure_all(
    recipe: Recipe, ingested: Ingested, engine: Engine, cache: Path, *, measure: bool
) -> dict[str, Evidence]:
    """Every evidence of the recipe, in order; with `measure=False` only what the cache holds."""
    done: dict[str, Evidence] = {}
    for name, params in recipe.evidence.items():
        key = _evidence_key(params, ingested, done)
        folder = cache / f"evidence-{key[:32]}"
        if not (folder / "complete.json").exists():
            if not measure:
                raise RunError(
                    f"evidence.{name}: not measured in this run with these parameters, and `decide` measures "
                    "nothing. Use `curate run` with this recipe, or the parameters of the run's recipe.toml."
                )
            _measure(name, params, ingested, engine, folder, done)
        counts = json.loads((folder / "complete.json").read_text(encoding="utf-8"))["status"]
        shards = tuple(shard_path(folder / "shards", i) for i in range(len(ingested.rows.shards)))
        stage = STAGES[stage_of(params)]
        done[name] = Evidence(name, stage.grain, key, Dataset(shards), tuple(stage.evidence.names), counts)
    return done


def _measure(
    name: str,
    params: StageParams,
    ingested: Ingested,
    engine: Engine,
    folder: Path,
    done: Mapping[str, Evidence],
) -> None:
    stage = STAGES[stage_of(params)]
    folder.mkdir(parents=True, exist_ok=True)
    shards = shards_of(ingested, done, stage.grain, params.skip_if)
    state = stage.prepare(params, folder) if stage.prepare else None
    if stage.whole is not None:
        inputs = Inputs(shards, stage.grain, ingested.bounds)
        dataset = stage.whole(engine, inputs, params, folder)
        check_whole(dataset, inputs, stage)
        _rename_into(dataset, folder / "shards")
    else:
        fn = functools.partial(measure_shard, stage.name, params, state)
        engine.map(fn, shards, folder / "shards", runs=stage.runs, label=f"{name} ({stage.name})")
    counts: dict[str, int] = {}
    for index in range(len(shards)):
        statuses = pq.read_table(shard_path(folder / "shards", index), columns=["status"])["status"]
        for item in statuses.value_counts().to_pylist():
            counts[item["values"]] = counts.get(item["values"], 0) + item["counts"]
    write_text(folder / "complete.json", json.dumps({"status": dict(sorted(counts.items()))}))
    for leftover in folder.iterdir():  # scratch of the stage; its prepared state too
        if leftover.name not in ("shards", "complete.json"):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _evidence_key(params: StageParams, ingested: Ingested, done: Mapping[str, Evidence]) -> str:
    """Fingerprint of all that the evidence depends on: stage, VERSION, parameters, input, files, evidence."""
    stage = STAGES[stage_of(params)]
    used = dict.fromkeys(params.evidence_read())
    used.update(dict.fromkeys(tables_of([params.skip_if] if params.skip_if else [])))
    return digest(
        [
            stage.name,
            stage.version,
            params.model_dump(mode="json"),
            [[file.sha256, file.rows] for file in ingested.files],
            ingested.shape,
            [file_sha256(Path(file)) for file in params.files()],
            [done[name].key for name in used if name in done],
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
            first_row=0 if i == 0 else ingested.bounds[i - 1],
            rows=rows,
            responses=ingested.responses.shards[i],
            evidence=tuple(EvidenceShard(e.name, e.grain, e.dataset.shards[i]) for e in done.values()),
            skip_if=skip_if,
        )
        for i, rows in enumerate(ingested.rows.shards)
    )


def _rename_into(dataset: Dataset, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for index, path in enumerate(dataset.shards):
        path.replace(shard_path(folder, index))
