"""Input and evidence, cached by content: what was measured once is not measured again."""

from __future__ import annotations

import functools
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from curate.errors import RunError
from curate.flow import (
    NEW_RESPONSES,
    Dataset,
    Engine,
    Grain,
    Stage,
    StageParams,
    read_parquet,
    shard_path,
)
from curate.ingest import VERSION as INGEST_VERSION
from curate.ingest import Ingested, load_ingested
from curate.pipeline.earlier import Earlier
from curate.pipeline.files import digest, told_sum
from curate.pipeline.locks import SILENT, Announce, locked
from curate.pipeline.remote import SharedEvidence
from curate.pipeline.sums import (
    COMPLETE,
    OWN,
    Complete,
    and_more,
    clear_temporaries,
    damaged,
    keep_sums,
    move_folder,
    read_complete,
    sweep,
    write_complete,
)
from curate.predicate import tables_of
from curate.recipe import Recipe, load, stage_of
from curate.report.run import open_run
from curate.stages import STAGES
from curate.stages.inputs import TAKEN, EvidenceShard, Inputs, Shard
from curate.stages.measure import check_whole, evidence_schema, measure_shard, taken_apart

EVIDENCE = "evidence-"
"""How folders of evidence in a cache begin."""


class Evidence(NamedTuple):
    """One finished measurement in the cache."""

    name: str
    grain: Grain
    key: str
    dataset: Dataset
    columns: tuple[str, ...]
    counts: dict[str, int]  # lines per status
    taken: Path | None = None  # clusters that earlier data holds already, see `curate.stages.inputs.TAKEN`


def evidence_folder(key: str, cache: Path) -> Path:
    """Where the evidence of a key lies in a cache."""
    return cache / f"{EVIDENCE}{key[:32]}"


def folders_needed(
    recipe: Recipe, ingested: Ingested, cache: Path, earlier: Earlier | None = None
) -> list[str]:
    """Names of the folders of a cache that a recipe needs."""
    keys = evidence_keys(recipe, ingested, earlier)
    folders = [ingested.rows.shards[0].parent.parent, *(evidence_folder(key, cache) for key in keys.values())]
    return [folder.name for folder in folders]


def measure_all(
    recipe: Recipe,
    ingested: Ingested,
    engine: Engine,
    cache: Path,
    earlier: Earlier | None = None,
    announce: Announce = SILENT,
    shared: SharedEvidence | None = None,
) -> tuple[Ingested, dict[str, Evidence]]:
    """Every evidence of the recipe, in order, from the cache or measured into it; and the tables in the end.

    A stage that makes responses puts another table of responses in place of the one before.

    Evidence in the cache that is not as it was written is measured again. What others have measured and
    `shared` is fetched instead of being measured, and what is measured is given to them.
    """
    done: dict[str, Evidence] = {}
    keys = evidence_keys(recipe, ingested, earlier)
    for name, params in recipe.evidence.items():
        key = keys[name]
        folder = evidence_folder(key, cache)
        shards = _shard_paths(folder / "shards", ingested)
        with locked(folder, announce):
            clear_temporaries(folder)
            if shared is not None and not (folder / COMPLETE).exists() and shared.fetch(folder):
                announce(f"{name}: fetched from {shared.store.address}")
            complete = _sound_evidence(name, params, ingested, folder, announce)
            if complete is None:
                keep_sums(folder)
                _measure(name, params, ingested, engine, folder, done, earlier)
                complete = read_complete(folder)
                assert complete is not None
                if shared is not None:
                    shared.keep(folder)
        done[name] = _evidence(name, params, key, shards, complete.facts["status"], folder / TAKEN)
        if STAGES[stage_of(params)].makes_responses:
            ingested = with_responses(ingested, folder / NEW_RESPONSES)
    return ingested, done


def with_responses(ingested: Ingested, folder: Path) -> Ingested:
    """The tables with other responses."""
    responses = Dataset(_shard_paths(folder, ingested))
    return ingested._replace(responses=responses, n_responses=responses.n_rows)


def _sound_evidence(
    name: str, params: StageParams, ingested: Ingested, folder: Path, announce: Announce
) -> Complete | None:
    """What a folder of evidence holds, if it is whole and as it was written.

    Else null, and what is left in the folder is as it was written.
    """
    complete = read_complete(folder)
    paths = _shard_paths(folder / "shards", ingested)
    shards = [path.relative_to(folder).as_posix() for path in paths]
    if complete is None or not _is_of(complete, params, ingested, shards):
        (folder / COMPLETE).unlink(missing_ok=True)
        bad = sweep(folder)
    else:
        bad = damaged(folder)
    if bad:
        announce(f"{folder / bad[0]}: not as it was written{and_more(bad)}; {name} is measured again there")
    return None if bad else complete


def _is_of(complete: Complete, params: StageParams, ingested: Ingested, shards: Sequence[str]) -> bool:
    """Whether evidence has the schema and the lines that it must have."""
    stage = STAGES[stage_of(params)]
    if complete.facts.get("schema") != str(evidence_schema(stage)) or not set(shards) <= set(complete.files):
        return False
    found = [complete.files[shard].rows for shard in shards]
    if stage.grain == "response":
        return sum(rows or 0 for rows in found) == ingested.n_responses
    ends = [*ingested.bounds, ingested.first_row + ingested.n_rows]
    return found == [
        end - start for start, end in zip([ingested.first_row, *ingested.bounds], ends, strict=True)
    ]


def finished_input(run: Path) -> Ingested:
    """The canonical tables of a finished run. Raises RunError if they are not as it wrote them."""
    check_files(run, ["input", "quarantined"])
    ingested = load_ingested(run / "input")
    if ingested is None:
        raise RunError(f"{run}: input/ of this run is not whole, or of another version of curate. Run again.")
    return ingested._replace(n_responses=ingested.responses.n_rows)  # a stage may have made some


def check_files(run: Path, parts: Sequence[str]) -> None:
    """Raise RunError if a file of these parts of a finished run is not as the run wrote it, or gone."""
    finished = open_run(run)
    names = finished.manifest.get("files", {})
    finished.check([run / name for name in names if any(Path(name).is_relative_to(part) for part in parts)])


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
        check_files(run, [f"evidence/{current[0]}", f"taken/{current[0]}.parquet"])
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
    if stage.whole is not None and _is_all_there(folder, stage, len(shards), earlier):
        pass  # killed between the last shard and `complete.json`
    elif stage.whole is not None:
        inputs = Inputs(shards, stage.grain, ingested.bounds)
        if earlier is not None:
            state = earlier.sound_state(earlier.key_of(ingested))
            inputs = inputs._replace(earlier=earlier.stage_parts(), state=state)
        dataset = stage.whole(engine, inputs, params, folder)
        check_whole(dataset, inputs, stage)
        move_folder(dataset.shards, folder / "shards")
    else:
        fn = functools.partial(measure_shard, stage.name, params, state)
        label = f"{name} ({stage.name})"
        apart = taken_apart(stage.name)
        engine.map(fn, shards, folder / "shards", runs=stage.runs, label=label, apart=apart)
    _complete(folder, stage, len(shards))


def _is_all_there(folder: Path, stage: Stage, n_shards: int, earlier: Earlier | None) -> bool:
    """Whether a stage in which rows meet has written all it writes; it puts its shards there in one step."""
    taken = earlier is None or not earlier.parts or (folder / TAKEN).exists()
    tables = ["shards", *([NEW_RESPONSES] if stage.makes_responses else [])]
    paths = [shard_path(folder / table, index) for table in tables for index in range(n_shards)]
    return taken and all(path.exists() for path in paths)


def _complete(folder: Path, stage: Stage, n_shards: int) -> None:
    """Say that evidence is whole; scratch of the stage goes, and its prepared state too."""
    shards = [shard_path(folder / "shards", index) for index in range(n_shards)]
    counts: Counter[str] = Counter()
    for shard in shards:
        statuses = read_parquet(shard, ["status"])["status"]
        counts.update({item["values"]: item["counts"] for item in statuses.value_counts().to_pylist()})
    files = [*shards, *([folder / TAKEN] if (folder / TAKEN).exists() else [])]
    if stage.makes_responses:
        files += [shard_path(folder / NEW_RESPONSES, index) for index in range(n_shards)]
    names = [path.relative_to(folder).as_posix() for path in files]
    facts = {"status": dict(sorted(counts.items())), "schema": str(evidence_schema(stage))}
    write_complete(folder, names, facts)
    for leftover in folder.iterdir():
        if leftover.name not in ("shards", TAKEN, NEW_RESPONSES, *OWN):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def evidence_keys(recipe: Recipe, ingested: Ingested, earlier: Earlier | None = None) -> dict[str, str]:
    """By name the fingerprint of every evidence of a recipe, in order."""
    keys: dict[str, str] = {}
    makers: list[str] = []
    for name, params in recipe.evidence.items():
        keys[name] = evidence_key(params, ingested, keys, earlier, makers)
        if STAGES[stage_of(params)].makes_responses:
            makers.append(keys[name])
    return keys


def evidence_key(
    params: StageParams,
    ingested: Ingested,
    done: Mapping[str, str],
    earlier: Earlier | None,
    makers: Sequence[str] = (),
) -> str:
    """Fingerprint of all that the evidence depends on: stage, VERSION, parameters, input, files, evidence.

    `makers`: fingerprints of the evidence that made responses before this is measured.
    """
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
            [[Path(file).name, told_sum(Path(file))] for file in params.files()],  # names are evidence too
            [done[name] for name in used if name in done],
            earlier.key_of(ingested) if earlier is not None and stage.whole is not None else None,
            *makers,
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
