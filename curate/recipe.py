"""A recipe: what to measure, which rules decide, what to write. Typed, checked whole before any data is read.

The tables of a recipe file (TOML, kebab-case keys):

    [source]            which files, which columns            (`Source`)
    [evidence.NAME]     one measurement: a stage and its parameters
    [drop.REASON]       a row rule, or a response rule if it names response evidence   (`DropRule`)
    [mask.REASON]       a rule that cuts passages out of the prompt, or the response     (`MaskRule`)
    [replace.NAME]      a ground truth that evidence puts in place of the row's own      (`ReplaceRule`)
    [keep-one.REASON]   of the rows that agree on `per`, keep the first by `prefer`    (`KeepOneRule`)
    [output]            format, shard size, shuffle            (`Output`)

The registry of stages is `curate.stages.STAGES`; the tagged union over their parameter classes is made
from it, so a stage is known to recipes, to `curate stages` and to the JSON schema as soon as it is listed.
"""

from __future__ import annotations

import functools
import itertools
import json
import operator
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, Field, ValidationError

from curate.decide import OnMissing
from curate.errors import RecipeError, did_you_mean
from curate.flow import RESPONSES, ROW_ID, Grain, KebabModel, Stage, StageParams
from curate.predicate import (
    BUILT_IN,
    ORIGINAL,
    RESPONSE_COUNTS,
    Table,
    grain_of,
    problems,
    references,
    tables_of,
)
from curate.stages import STAGES
from curate.stages.label_conflict import CLUSTER
from curate.stages.patterns import rules_folder


class Source(KebabModel):
    """Which files to read and how to find the fields in them."""

    files: list[str] = Field(default=[], description="Files, globs, folders, hf:// or s3:// addresses")
    prompt: str | None = Field(default=None, description="Column (or dotted path) of the problem")
    answer: str | None = Field(default=None, description="Column of the ground truth")
    responses: str | None = Field(default=None, description="Column of the model responses")
    source: str | None = Field(default=None, description="Column that says where a row comes from")
    system: str | None = Field(default=None, description="Column of the system prompt")
    tests: str | None = Field(default=None, description="Column of code tests")
    messages: str | None = Field(default=None, description="Column of a whole conversation")
    models: str | None = Field(default=None, description="Column of model names, parallel to responses")
    finish_reasons: str | None = Field(default=None, description="Column of finish reasons")
    correct: str | None = Field(default=None, description="Column of grades that came with the data")
    earlier: str | None = Field(
        default=None,
        description="Folder with an index of earlier data: its rows count as seen, and the run adds its own; "
        "made if it is not there",
    )
    on_bad_rows: Literal["stop", "quarantine"] = Field(
        default="stop", description="What to do about a row that cannot be read"
    )
    max_unpacked_bytes: Annotated[int, Field(ge=1)] = Field(
        default=1 << 40, description="Bytes that one .gz or .zst file may become; more is taken for a bomb"
    )
    max_unpacked_ratio: Annotated[float, Field(ge=1)] = Field(
        default=200.0,
        description="Bytes that each byte of a .gz or .zst file may become, asked from 64 MiB on",
    )


MaxDropShare = Annotated[
    Annotated[float, Field(ge=0, le=1)] | None,
    Field(description="Stop the run if the rule drops a larger share of any one row.source"),
]


class DropRule(KebabModel):
    """Drop the row (or the response) where `when` holds."""

    when: str = Field(description="SQL predicate over evidence, e.g. leak.containment >= 0.5")
    on_missing: OnMissing = Field(
        default="stop", description="What a null means where no other rule drops the row"
    )
    max_drop_share: MaxDropShare = None
    because: str = Field(default="", description="A sentence for the report")


class MaskRule(KebabModel):
    """Cut passages out of the prompts, or the responses, where `when` holds; they stay without them."""

    when: str = Field(description="SQL predicate over evidence, e.g. leak.class IN ('verbatim', 'near')")
    spans: str = Field(
        description="Column of evidence with the places that are cut, e.g. passages.spans: characters of the "
        "prompt where it is evidence about rows, of the response where it is about responses"
    )
    replace_with: str = Field(default="[removed]", description="Text that stands where a passage was")
    min_left: Annotated[int, Field(ge=1)] = Field(
        default=200,
        description="Least characters, white space and drawings not counted, that are left; with fewer the "
        "row (or the response) is dropped for this reason",
    )
    on_missing: OnMissing = Field(
        default="stop",
        description="What a null means where no other rule drops the row; keep: nothing is cut",
    )
    because: str = Field(default="", description="A sentence for the report")


class ReplaceRule(KebabModel):
    """Write another ground truth for the kept rows where `when` holds; a null replaces nothing."""

    when: str = Field(description="SQL predicate over row evidence, e.g. truth.outcome = 'revised'")
    by: str = Field(description="Column of row evidence with the new ground truth, e.g. truth.answer")
    because: str = Field(default="", description="A sentence for the report")


class KeepOneRule(KebabModel):
    """Of the surviving rows that agree on `per`, keep the first by `prefer`; drop the others."""

    per: str = Field(description="Column of row evidence that names the group, e.g. near.cluster_id")
    prefer: list[str] = Field(default=[], description="Sort keys, best first, e.g. pass.correct desc")
    protect: str | None = Field(
        default=None,
        description="SQL predicate; rows where it holds are never dropped by this rule, and stay instead of "
        "the others of their group",
    )
    where: str | None = Field(
        default=None,
        description="SQL predicate, e.g. near.jaccard >= 0.9; rows where it does not hold take no part: they "
        "are not dropped by this rule, and nothing is dropped for them",
    )
    on_missing: OnMissing = Field(default="stop", description="What a null in `per` or `where` means")
    max_drop_share: MaxDropShare = None
    because: str = Field(default="", description="A sentence for the report")


class Output(KebabModel):
    """What the kept rows are written as."""

    format: Literal["auto", "messages", "verl", "trl", "prompt-completion", "sharegpt", "original"] = Field(
        default="auto",
        description="auto: messages where there are responses, verl where there are none; "
        "original: the columns of the input",
    )
    shard_bytes: Annotated[int, Field(ge=1)] = Field(
        default=256_000_000, description="Size of a shard in bytes of uncompressed Arrow data"
    )
    shuffle_seed: int | Literal["none"] | None = Field(
        default=None, description='Seed of the shuffle (0), or "none": input order, as format original has it'
    )
    licence: str | None = Field(default=None, description="Licence for the data card, e.g. apache-2.0")
    system: str | None = Field(default=None, description="System prompt put before every record")
    prompt_suffix: str | None = Field(default=None, description="Text put after every prompt")
    data_source: str | None = Field(default=None, description="verl's data_source; default: the row's source")
    max_responses_per_row: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="Keep at most this many responses of a row, in response order"
    )


if TYPE_CHECKING:
    AnyStage = StageParams
else:
    AnyStage = Annotated[
        functools.reduce(operator.or_, [stage.params for stage in STAGES.values()]),
        Field(discriminator="stage"),
    ]


class Recipe(KebabModel):
    """A whole recipe, checked."""

    title: str = ""
    source: Source = Source()
    evidence: dict[str, AnyStage] = Field(default={})
    drop: dict[str, DropRule] = Field(default={})
    mask: dict[str, MaskRule] = Field(default={})
    replace: dict[str, ReplaceRule] = Field(default={})
    keep_one: dict[str, KeepOneRule] = Field(default={})
    output: Output = Output()

    def tables(self) -> dict[str, Table]:
        """What predicates may name: the evidence of this recipe and the built-in tables."""
        own = {name: _table_of(params) for name, params in self.evidence.items()}
        return {**own, **BUILT_IN}

    def sha256(self) -> str:
        """Fingerprint of everything that can change the output."""
        import hashlib

        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()


def stage_of(params: StageParams) -> str:
    """Name of the stage these parameters belong to."""
    return str(getattr(params, "stage"))  # noqa: B009 - each parameter class declares its own literal


def _table_of(params: StageParams) -> Table:
    stage = STAGES[stage_of(params)]
    return Table(stage.grain, stage.evidence)


VIEWS = (
    "verdicts", "response_verdicts", "kept", "dropped", "undecided", "masked", "replaced", "quarantined",
    "everything", "every_response",
)  # fmt: skip
"""Views of a finished run (`curate sql`), so not names of evidence."""

VERDICT_COLUMNS = ("row_id", "response_id", "keep", "reasons", "masked", "kept_instead")
"""Columns that stand beside evidence in those views, so not names of evidence either."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_NAME = 100
"""Characters of the name of an evidence, which names a folder."""
_REASON = re.compile(r"[a-z][a-z0-9-]*")


def parse(text: str, where: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a TOML text, with overrides (`output.format` → value) put in.

    Raises RecipeError naming every problem at once; `where` is how the recipe is called in messages.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where}: not valid TOML: {error}. Check quotes and brackets there.") from error
    return build(tree, where, overrides)


def build(tree: dict[str, Any], where: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a tree of plain values; see `parse`."""
    for path, value in (overrides or {}).items():
        _put(tree, path, value, where)
    if foreign := list(_not_text(tree)):
        raise RecipeError.from_problems(
            where, [f"{text}: expected UTF-8, found other bytes" for text in foreign]
        )
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        raise RecipeError.from_problems(where, [_sentence(item, tree) for item in error.errors()]) from error
    found = _problems(recipe)
    if found:
        raise RecipeError.from_problems(where, found)
    return recipe


def _not_text(value: Any) -> Iterator[str]:
    """Every text in a tree that cannot be written down: a word of the command line that is not UTF-8."""
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for item in value:
            yield from _not_text(item)
    elif isinstance(value, str) and value.encode("utf-8", "replace").decode() != value:
        yield value.encode("utf-8", "backslashreplace").decode()


def load(path: Path, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe in a file; see `parse`."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RecipeError(
            f"{path}: there is no such recipe. Recipes that come with curate: {', '.join(shipped())}."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read as a recipe: {error}.") from error
    return parse(text, str(path), overrides)


def shipped() -> list[str]:
    """Names of the recipes that come with curate."""
    folder = rules_folder()
    paths = [*folder.glob("*.toml"), *folder.glob("papers/*.toml")]
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in paths)


def find(name: str) -> Path:
    """Path of a recipe given by file or by the name of a shipped recipe."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    inside = rules_folder() / f"{name}.toml"
    if inside.exists():
        return inside
    raise RecipeError(
        f"{name}: neither a recipe file nor a recipe that comes with curate. {did_you_mean(name, shipped())}"
    )


def to_toml(recipe: Recipe) -> str:
    """The recipe as TOML, defaults that were not set left out; `parse` gives an equal recipe back."""
    tree = recipe.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for name, params in recipe.evidence.items():  # the tag has a default and would be left out
        tree["evidence"][name] = {"stage": stage_of(params), **tree["evidence"][name]}
    lines = [f"{_key(key)} = {_value(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    for table, entries in tree.items():
        if not isinstance(entries, dict):
            continue
        if table in ("source", "output"):
            lines += _toml_table(table, entries)
        else:
            for name, values in entries.items():
                lines += _toml_table(f"{table}.{_key(name)}", values)
    return "\n".join(lines).lstrip("\n") + "\n"


def without_folders(recipe: Recipe) -> Recipe:
    """The recipe with file names for paths: what may be published says nothing of a machine."""
    evidence = {}
    for name, params in recipe.evidence.items():
        paths = {key: getattr(params, key, None) for key in ("against", "arbiter_answers")}
        names = {
            key: Path(value).name if isinstance(value, str) else [Path(file).name for file in value]
            for key, value in paths.items()
            if value
        }
        evidence[name] = params.model_copy(update=names)
    source = recipe.source.model_copy(
        update={
            "files": [Path(file).name for file in recipe.source.files],
            "earlier": recipe.source.earlier and Path(recipe.source.earlier).name,
        }
    )
    return recipe.model_copy(update={"source": source, "evidence": evidence})


def json_schema() -> dict[str, Any]:
    """JSON schema of recipe files, for editors."""
    schema = Recipe.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return schema


def _toml_table(name: str, values: Mapping[str, Any]) -> list[str]:
    return ["", f"[{name}]", *(f"{_key(key)} = {_value(value)}" for key, value in values.items())]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    text = json.dumps(value, ensure_ascii=False)  # TOML's strings, numbers and booleans are JSON's
    return text.replace("\x7f", "\\u007f")  # ... but for this one character


def _put(tree: dict[str, Any], path: str, value: Any, where: str) -> None:
    *parents, last = path.split(".")
    node = tree
    for key in parents:
        node = node.setdefault(key, {})
        if not isinstance(node, dict):
            raise RecipeError(f"{where}: cannot set {path}: {key} is a value, not a table.")
    node[last] = value


def _sentence(error: Any, tree: Mapping[str, Any]) -> str:
    """One validation error of pydantic as: place, what was expected, what was found."""
    loc = list(error["loc"])
    if loc[0] == "evidence" and len(loc) > 2:
        del loc[2]  # the tag of the union
    place = [str(part) for part in loc]
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        known = _known_keys(error["loc"], tree)
        return f"{key}: there is no such setting. {did_you_mean(place[-1], known)}"
    if error["type"] == "missing":
        return f"{key}: missing. {_describe(error['loc'], tree)}".rstrip()
    if error["type"] == "union_tag_invalid":
        return f"{key}: unknown stage {error['ctx']['tag']}. {did_you_mean(error['ctx']['tag'], STAGES)}"
    if error["type"] == "union_tag_not_found":
        return f"{key}: `stage` is missing. {did_you_mean('', STAGES)}"
    if error["type"] == "too_short":
        return f"{key}: is empty. {_describe(error['loc'], tree)}".rstrip()
    found = json.dumps(error["input"], ensure_ascii=False, default=str)
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return f"{key}: expected {message}; found {found[:80]}"


def _model_at(loc: tuple[Any, ...], tree: Mapping[str, Any]) -> type[BaseModel]:
    head = str(loc[0]) if len(loc) > 1 else ""
    if head == "evidence" and len(loc) > 2:
        entry = tree["evidence"][loc[1]]
        return STAGES[entry["stage"]].params
    models: dict[str, type[BaseModel]] = {
        "source": Source, "drop": DropRule, "mask": MaskRule, "replace": ReplaceRule,
        "keep-one": KeepOneRule,
        "output": Output,
    }  # fmt: skip
    return models.get(head, Recipe)


def _known_keys(loc: tuple[Any, ...], tree: Mapping[str, Any]) -> list[str]:
    fields = _model_at(loc, tree).model_fields
    return [field.alias or name for name, field in fields.items()]


def _describe(loc: tuple[Any, ...], tree: Mapping[str, Any]) -> str:
    fields = _model_at(loc, tree).model_fields
    for name, field in fields.items():
        if (field.alias or name) == loc[-1]:
            return " ".join((field.description or "").split())
    return ""


def check_originals(recipe: Recipe, schema: pa.Schema) -> None:
    """Check what the recipe says of `original`, once the columns of the input are known.

    schema: row_id and the columns of the input. Raises RecipeError naming every problem at once.
    """
    columns = pa.schema([field for field in schema if field.name != ROW_ID])
    found = _problems(recipe, Table("row", columns))
    if found:
        raise RecipeError.from_problems(recipe.title or "recipe", found)


def originals_read(recipe: Recipe) -> set[str]:
    """Columns of the input that the recipe's rules look at."""
    texts = [rule.when for rule in recipe.drop.values()]
    texts += [text for rule in recipe.mask.values() for text in (rule.when, rule.spans)]
    texts += [text for rule in recipe.replace.values() for text in (rule.when, rule.by)]
    texts += [params.skip_if for params in recipe.evidence.values() if params.skip_if is not None]
    for keep in recipe.keep_one.values():
        texts += [keep.per, *map(sort_key, keep.prefer)]
        texts += [text for text in (keep.protect, keep.where) if text is not None]
    return {column for text in texts for table, column in references(text) if table == ORIGINAL}


def _problems(recipe: Recipe, original: Table = BUILT_IN[ORIGINAL]) -> list[str]:
    """What pydantic cannot see: names, order, and every predicate."""
    found: list[str] = []
    reserved = {*BUILT_IN, *VIEWS, *VERDICT_COLUMNS, *RESPONSE_COUNTS.names}
    known: dict[str, Table] = {name: BUILT_IN[name] for name in ("row", "response")}
    known[ORIGINAL] = original
    for name, params in recipe.evidence.items():
        place = f"evidence.{name}"
        if name in reserved or not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            found.append(f"{place}: use another name: lower-case letters, digits and _, not a reserved word.")
        found += [
            f"{place}: reads evidence {other}, which is not measured before it. {did_you_mean(other, known)}"
            for other in params.evidence_read()
            if other not in known
        ]
        grain, wanted = _evidence_wanted(STAGES[stage_of(params)])
        found += [
            f"{place}: reads evidence {other}, which has no columns {', '.join(sorted(wanted))} per {grain}."
            for other in params.evidence_read()
            if other in known and (other in BUILT_IN or not _has(known[other], grain, wanted))
        ]
        if (when := getattr(params, "when", None)) is not None:
            found += [f"{place}.when: {text}" for text in problems(when, known)]
        if params.skip_if is not None:
            found += [f"{place}.skip-if: {text}" for text in problems(params.skip_if, known)]
            used = [table for table in tables_of([params.skip_if]) if table in known]
            if STAGES[stage_of(params)].grain == "row" and any(known[t].grain == "response" for t in used):
                found.append(f"{place}.skip-if: measures rows but names response evidence.")
        if recipe.source.earlier is not None and (why := params.without_earlier()):
            found.append(f"{place}: cannot be used with an index of earlier data (source.earlier): {why}.")
        if STAGES[stage_of(params)].makes_responses:
            found += [
                f"{place}: makes responses, and evidence.{other} was measured before they were there. "
                f"Put [evidence.{name}] before it."
                for other, table in known.items()
                if other not in BUILT_IN and table.grain == "response"
            ]
        known[name] = _table_of(params)
    tables = {**recipe.tables(), ORIGINAL: original}
    for reason in [*recipe.drop, *recipe.mask, *recipe.replace, *recipe.keep_one]:
        if not _REASON.fullmatch(reason):
            found.append(f"{reason}: a reason is lower-case letters, digits and hyphens, like wrong-answer.")
    kinds = {"drop": [*recipe.drop], "mask": [*recipe.mask], "keep-one": [*recipe.keep_one]}
    for (one, rules), (other, others) in itertools.combinations(kinds.items(), 2):
        for reason in [reason for reason in rules if reason in others]:
            found.append(f"{reason}: names a {one} rule and a {other} rule; every reason needs its own name.")
    found += [
        f"mask.{reason}: {text}"
        for reason, mask in recipe.mask.items()
        for text in _mask_problems(mask, tables)
    ]
    found += [
        f"replace.{name}: {text}"
        for name, replace in recipe.replace.items()
        for text in _replace_problems(replace, tables)
    ]
    judging = [("drop", reason, rule.when, rule.when) for reason, rule in recipe.drop.items()]
    judging += [("mask", name, mask.when, f"{mask.when} {mask.spans}") for name, mask in recipe.mask.items()]
    for kind, reason, when, text in judging:
        found += [f"{kind}.{reason}: {problem}" for problem in problems(when, tables)]
        if {"response", "responses"} <= {
            "responses" if table == "responses" else tables[table].grain
            for table, _ in references(text) if table in tables
        }:  # fmt: skip
            found.append(f"{kind}.{reason}: `responses` counts what is left after the rules about responses; "
                         "a rule about responses cannot use it.")  # fmt: skip
    for reason, keep in recipe.keep_one.items():
        for text in (keep.per, *map(sort_key, keep.prefer)):
            found += [f"keep-one.{reason}: {problem}" for problem in problems(text, tables, boolean=False)]
            if grain_of(text, tables) == "response":
                found.append(f"keep-one.{reason}: `{text}` is response evidence; a keep-one rule needs rows.")
        for key, predicate in (("protect", keep.protect), ("where", keep.where)):
            if predicate is None:
                continue
            place = f"keep-one.{reason}.{key}"
            found += [f"{place}: {problem}" for problem in problems(predicate, tables)]
            if grain_of(predicate, tables) == "response":
                found.append(f"{place}: `{predicate}` is response evidence; a keep-one rule needs rows.")
    return found


def _replace_problems(rule: ReplaceRule, tables: Mapping[str, Table]) -> list[str]:
    """What is wrong with a rule that replaces ground truths."""
    found = problems(rule.when, tables) + [f"by: {text}" for text in problems(rule.by, tables, boolean=False)]
    return found + [
        f"`{text}` is response evidence; a ground truth is a row's."
        for text in (rule.when, rule.by)
        if grain_of(text, tables) == "response"
    ]


def _mask_problems(mask: MaskRule, tables: Mapping[str, Table]) -> list[str]:
    """What is wrong with the spans of a mask rule."""
    named = references(mask.spans)
    if len(named) != 1 or mask.spans != ".".join(named[0]):
        return [f"spans: expected one column of evidence, such as leak.row_span, found `{mask.spans}`."]
    [(table, column)] = named
    if table not in tables:
        return [f"spans: unknown evidence {table}. {did_you_mean(table, tables)}"]
    schema = tables[table].schema
    if schema is None or table in BUILT_IN:
        return [f"spans: `{mask.spans}` is no evidence that was measured. Name a column of evidence."]
    if column not in schema.names:
        return [f"spans: unknown column {mask.spans}. {did_you_mean(column, schema.names)}"]
    kind = schema.field(column).type
    kind = kind.value_type if pa.types.is_list(kind) else kind
    if not (pa.types.is_struct(kind) and {"start", "end"} <= {field.name for field in kind}):
        return [f"spans: {mask.spans} is of type {kind}. Expected places: start and end, or a list of these."]
    if tables[table].grain == "row" and grain_of(mask.when, tables) == "response":
        return [f"spans: {mask.spans} points into prompts, but `{mask.when}` is about responses."]
    return []


def _evidence_wanted(stage: Stage) -> tuple[Grain, set[str]]:
    """Grain and columns of the earlier evidence a stage reads: clusters, where its rows meet by them.

    Columns of RESPONSES are read there, not from the evidence.
    """
    if stage.name in ("label-conflict", "gold-audit"):
        return ("row", {CLUSTER})
    return ("row" if stage.whole is not None else "response", set(stage.reads) - set(RESPONSES.names))


def _has(table: Table, grain: Grain, columns: set[str]) -> bool:
    return table.grain == grain and table.schema is not None and columns <= set(table.schema.names)


_DIRECTION = re.compile(r"\s+(asc|desc)\s*$", re.IGNORECASE)


def sort_key(text: str) -> str:
    """The expression of a `prefer` entry without its direction.

    >>> sort_key("pass.correct desc"), is_descending("pass.correct desc")
    ('pass.correct', True)
    """
    return _DIRECTION.sub("", text)


def is_descending(text: str) -> bool:
    """Whether a `prefer` entry sorts from high to low."""
    match = _DIRECTION.search(text)
    return match is not None and match.group(1).lower() == "desc"
