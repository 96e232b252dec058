"""The data card: a README.md beside the kept records that says what they are and how they came to be.

Its YAML front matter is what the Hugging Face Hub reads, so a folder of kept records can be uploaded as
it is. Source: github.com/huggingface/hub-docs `datasetcard.md`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from curate.export import FORMATS
from curate.report.funnel import only_text
from curate.report.run import record_order

_SIZES = ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"),
          (10**7, "1M<n<10M"), (10**8, "10M<n<100M"), (10**9, "100M<n<1B"))  # fmt: skip


def data_card(
    manifest: Mapping[str, Any],
    recipe_text: str,
    licence: str | None,
    example: Mapping[str, Any] | None = None,
) -> str:
    """README.md of the kept records: YAML front matter for the Hub, counts, funnel, recipe, format.

    licence: an identifier such as `apache-2.0`, or any other name (written as `other` with that name);
    None leaves the field out and says so. example: one record, long texts in it are cut.
    """
    counts = manifest["counts"]
    format_name = str(manifest["format"])
    parts = [
        _front_matter(int(counts["records"]), licence, _fingerprint(manifest)),
        "# Data card",
        f"{counts['records']:,} records in the `{format_name}` format, made by curate {manifest['curate']} "
        f"from {counts['rows']['in']:,} rows. Every row that was left out is in the run's `dropped` and "
        "`undecided` tables with its reasons.",
        *_masked_parts(manifest),
        "Licence: " + (f"{licence}." if licence else "not stated by the recipe (`output.licence`)."),
        "## Format",
        *_format_parts(format_name),
        record_order(tomllib.loads(recipe_text), format_name),
    ]
    if example is not None:
        parts += ["One record:", _fenced(json.dumps(_cut(example), ensure_ascii=False, indent=2), "json")]
    parts += ["## What was kept and dropped", _counts_table(counts), *_reason_tables(manifest)]
    parts += ["## Input", _input_table(manifest)]
    parts += ["## Recipe", f"sha256 `{manifest['recipe_sha256']}`", _fenced(recipe_text.rstrip("\n"), "toml")]
    return "\n\n".join(parts) + "\n"


def _masked_parts(manifest: Mapping[str, Any]) -> list[str]:
    """A sentence for every mask rule that cut something."""
    return [
        f"Mask rule `{name}` cut {entry['passages']:,} passages ({entry['characters']:,} characters) out of "
        f"{entry[f'{grain}s']:,} {grain}s, which are kept without them."
        for grain, rules in manifest.get("masked", {}).items()
        for name, entry in rules.items()
        if entry["passages"]
    ]


def _format_parts(name: str) -> list[str]:
    if name not in FORMATS:  # `original`: the input's own columns, which differ from run to run
        return ["One record per kept row, with the columns the row came with; `row_id` is its position."]
    return [FORMATS[name].describe, _fenced(_schema_text(FORMATS[name].schema), "text")]


def _fingerprint(manifest: Mapping[str, Any]) -> str:
    """16 hex digits that change with the kept files and with the recipe."""
    files = sorted((path, file["sha256"]) for path, file in manifest["files"].items() if path[:5] == "kept/")
    return hashlib.sha256(json.dumps([manifest["recipe_sha256"], files]).encode()).hexdigest()[:16]


def _front_matter(n_records: int, licence: str | None, fingerprint: str) -> str:
    size = next((label for limit, label in _SIZES if n_records < limit), "n>1T")
    lines = ["---"]
    if licence and re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", licence):
        lines.append(f"license: {licence}")
    elif licence:
        lines += ["license: other", f"license_name: {json.dumps(licence)}"]
    lines += ["task_categories:", "- text-generation", "tags:", "- reasoning", "- curate"]
    lines += ["size_categories:", f"- {size}"]
    # datasets caches a local folder by this entry alone, so the entry has to change with the content
    lines += ["configs:", "- config_name: default", f"  description: curate {fingerprint}"]
    lines += ["  data_files:", "  - split: train"]
    return "\n".join([*lines, "    path: train-*.parquet", "---"])


def _schema_text(schema: pa.Schema) -> str:
    return "\n".join(f"{field.name}: {field.type}" for field in schema)


def _counts_table(counts: Mapping[str, Any]) -> str:
    names = {"in": "in", "kept": "kept", "dropped": "dropped", "undecided": "undecided"}
    if counts.get("responses", {}).get("of_other_rows"):
        names["of_other_rows"] = "of rows not kept"
    lines = [f"| | {' | '.join(names.values())} |", "|---|" + "---:|" * len(names)]
    for grain in ("rows", "responses"):
        if counts.get(grain, {}).get("in"):
            found = [counts[grain].get(name) for name in names]  # rows have no `of rows not kept`
            cells = " | ".join("" if n is None else f"{n:,}" for n in found)
            lines.append(f"| {grain} | {cells} |")
    return "\n".join(lines)


def _reason_tables(manifest: Mapping[str, Any]) -> list[str]:
    tables = []
    for grain, unit in (("row", "rows"), ("response", "responses")):
        reasons = manifest["reasons"].get(grain, {})
        if reasons:
            ordered = sorted(reasons.items(), key=lambda item: (-item[1][unit], item[0]))
            lines = [f"| reason ({unit}) | {unit} | only this reason |", "|---|---:|---:|"]
            lines += [f"| {name} | {entry[unit]:,} | {only_text(entry['only'])} |" for name, entry in ordered]
            tables.append("\n".join(lines))
    return tables


def _input_table(manifest: Mapping[str, Any]) -> str:
    lines = ["| file | rows | sha256 |", "|---|---:|---|"]
    for entry in manifest["input"]:
        name = PurePosixPath(str(entry["path"])).name.replace("|", "\\|")
        lines.append(f"| {name} | {entry['rows']:,} | `{entry['sha256'][:16]}…` |")
    return "\n".join(lines)


def _cut(value: Any, limit: int = 400) -> Any:
    if isinstance(value, str):
        return value if len(value) <= limit else f"{value[:limit]} … [{len(value) - limit:,} more characters]"
    if isinstance(value, Mapping):
        return {name: _cut(item, limit) for name, item in value.items()}
    return [_cut(item, limit) for item in value] if isinstance(value, list) else value


def _fenced(text: str, language: str) -> str:
    """A Markdown code block that the text cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
