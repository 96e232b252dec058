"""The ground truths of an audited run that are most likely wrong: as text, a table, a page to read.

The page is whole in itself, like report.html: no script, no address; texts of rows are escaped.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
import pyarrow as pa

from curate.disk import whole_file
from curate.errors import RunError
from curate.flow import RESPONSE_ID, ROW_ID, write_parquet
from curate.report.run import open_run
from curate.report.text import excerpt, printable, shown

STAGE = "gold-audit"
MAX_PROMPT, MAX_EXAMPLE = 1_500, 900
LISTED = pa.schema(
    [
        ("rank", pa.int32()),
        (ROW_ID, pa.int64()),
        ("probability", pa.float64()),
        ("log_odds", pa.float64()),
        ("gold", pa.string()),
        ("likely", pa.string()),
        ("likely_votes", pa.int32()),
        ("gold_votes", pa.int32()),
        ("valid", pa.int32()),
        ("copies_against", pa.int32()),
        ("reasons", pa.list_(pa.string())),
        ("source", pa.string()),
        ("prompt", pa.string()),
        ("example_model", pa.string()),
        ("example", pa.string()),
    ]
)


def worst(folder: Path, top: int) -> list[dict[str, Any]]:
    """The `top` rows with the highest log-odds that have a reason, ties by row_id; columns of LISTED.

    Raises RunError if the folder is no finished run with evidence of gold-audit.
    """
    run = open_run(folder)
    names = [name for name, entry in run.manifest["evidence"].items() if entry["stage"] == STAGE]
    if not names:
        raise RunError(
            f"{folder}: expected a run with evidence of {STAGE}, found none. Run curate audit-gold."
        )
    scored = pl.scan_parquet(list(run.sound_shards(f"evidence/{names[0]}")), glob=False)
    chosen = (
        scored.filter(pl.col("reasons").list.len() > 0)
        .sort(["log_odds", ROW_ID], descending=[True, False])
        .head(top)
        .collect()
    )
    shards = list(run.sound_shards("input/rows"))
    rows = pl.scan_parquet(shards, glob=False).select(ROW_ID, "prompt", "source")
    keys = chosen.select(ROW_ID, pl.col("example_id").cast(pl.Int32).alias(RESPONSE_ID)).drop_nulls()
    responses = (
        pl.scan_parquet(list(run.sound_shards("input/responses")), glob=False)
        .select(ROW_ID, RESPONSE_ID, "response", "model")
        .join(keys.lazy(), on=[ROW_ID, RESPONSE_ID], how="semi")
        .select(ROW_ID, "response", "model")
    )
    every = (
        chosen.lazy()
        .join(rows, on=ROW_ID, how="left", maintain_order="left")
        .join(responses, on=ROW_ID, how="left", maintain_order="left")
        .collect()
    )
    return [
        {
            **{name: line.get(name) for name in LISTED.names},
            "rank": rank,
            "prompt": excerpt(line["prompt"], MAX_PROMPT),
            "example_model": line["model"],
            "example": _end(line["response"]),
        }
        for rank, line in enumerate(every.iter_rows(named=True), start=1)
    ]


def _end(text: str | None) -> str:
    """The end of a response, where its answer is."""
    if text is None:
        return ""
    return printable(text if len(text) <= MAX_EXAMPLE else "… " + text[-MAX_EXAMPLE:])


def write_lists(found: Sequence[dict[str, Any]], folder: Path) -> None:
    """audit.parquet, audit.csv and audit.html."""
    write_parquet(pa.Table.from_pylist(list(found), schema=LISTED), folder / "audit.parquet")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LISTED.names)
    for line in found:
        writer.writerow([" ".join(line[name]) if name == "reasons" else line[name] for name in LISTED.names])
    for name, body in (("audit.csv", text.getvalue()), ("audit.html", page(found))):
        with whole_file(folder / name) as sink:
            sink.write(body.encode())


def page(found: Sequence[dict[str, Any]]) -> str:
    """The list as a page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(shown=shown, printable=printable)
    return environment.get_template("audit.html.j2").render(rows=found).lstrip() + "\n"


def as_text(found: Sequence[dict[str, Any]], show: int) -> str:
    """The first `show` rows as text: how likely, what against what, and the reasons."""
    lines = []
    for row in found[:show]:
        against = "nobody says otherwise" if row["likely"] is None else f"not {shown(row['likely'], 40)}"
        lines.append(
            f"{row['rank']:>4}. row {row['row_id']}  {row['probability']:.1%} wrong: "
            f"{shown(row['gold'], 40)}, {against}".replace("\n", " ")
        )
        lines += [f"      {printable(reason)}".replace("\n", " ") for reason in row["reasons"]]
    return "\n".join([*lines, ""]) if lines else "nothing speaks against any ground truth\n"
