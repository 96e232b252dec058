"""How well tools find contamination: labelled sets, benchmarks in two forms, planted edits.

    python perf/decontam_quality.py DATA [--sets NAME ...] [--tools NAME ...] [--details]

Every tool judges every row of every set against all items of the set (decontam_pairs.py says what a set is,
decontam_tools.py what the tools are). A row is flagged as a copy if the tool flags it and, where the tool
knows classes, the class is `verbatim`, `near` or `reworded`. A positive counts as found if it is flagged with
its own item (`recall`; `recall_any`: with whichever item); a negative flagged with any item is a false alarm.
Precision and F1 follow from these counts. Printed are Markdown tables; --log writes every count as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from decontam_pairs import DOMAINS, load
from decontam_planted import NATURAL, PLANTED
from decontam_tools import COPIES, TOOLS, Flags

from curate.benchmarks.edits import EDITS

Figures = dict[str, Any]


def judged(references: pl.DataFrame, candidates: pl.DataFrame, flags: Flags) -> pl.DataFrame:
    """The candidates with `copy`, `own` (as a copy of its own item), `kind` and `touched` (any class)."""
    names = references["item"].to_list()
    found = [names[item] if item >= 0 else None for item in flags.item.tolist()]
    kind = flags.kind if flags.kind is not None else pl.Series([None] * len(candidates), dtype=pl.String)
    return candidates.with_columns(
        found=pl.Series(found, dtype=pl.String),
        kind=kind,
        flagged=pl.Series(np.asarray(flags.flagged)),
    ).with_columns(
        copy=pl.col("flagged") & (pl.col("kind").is_in(COPIES) | pl.lit(flags.kind is None)),
        own=pl.col("found").eq_missing(pl.col("own_item")) & pl.col("own_item").is_not_null(),
    )


def counted(rows: pl.DataFrame) -> Figures:
    """Counts and rates of some rows of one set."""
    positives, negatives = rows.filter("label"), rows.filter(~pl.col("label"))
    found = int((positives["copy"] & positives["own"]).sum())
    alarms = int(negatives["copy"].sum())
    figures: Figures = {
        "positives": len(positives),
        "negatives": len(negatives),
        "found": found,
        "found_any": int(positives["copy"].sum()),
        "false_alarms": alarms,
    }
    if len(positives):
        figures["recall"] = round(found / len(positives), 6)
        figures["recall_any"] = round(figures["found_any"] / len(positives), 6)
    if len(negatives):
        figures["alarms_per_1000"] = round(1000 * alarms / len(negatives), 2)
    if len(positives) and len(negatives):
        figures["precision"] = round(found / (found + alarms), 6) if found + alarms else None
        figures["f1"] = round(2 * found / (found + alarms + len(positives)), 6)
    classes = rows.filter(pl.col("kind").is_not_null()).group_by("kind").len().sort("kind")
    if len(classes):
        figures["classes"] = dict(classes.iter_rows())
    return figures


def measure(references: pl.DataFrame, candidates: pl.DataFrame, tool: str) -> Figures:
    """What one tool makes of one set, whole and by relation."""
    begun = time.perf_counter()
    rows = judged(references, candidates, TOOLS[tool](references, candidates))
    seconds = time.perf_counter() - begun
    relations = {str(name): counted(part) for (name,), part in rows.group_by("relation", maintain_order=True)}
    hard = rows.filter(~pl.col("label") & pl.col("own_item").is_not_null())
    figures = counted(rows) | {"relations": relations, "seconds": round(seconds, 2)}
    return figures | ({"hard_negatives": counted(hard)} if len(hard) else {})


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(
        "| " + " | ".join(line) + " |" for line in [head, ["---"] + ["---:"] * (len(head) - 1), *lines]
    )


def percent(value: float | None) -> str:
    """A share as percent with one decimal; a dash for none."""
    return "–" if value is None else f"{100 * value:.1f}"


def best_marked(columns: list[list[str]], highest: list[bool]) -> list[list[str]]:
    """The columns with their best values in bold; a column whose highest value is not the best: lowest."""
    marked = []
    for column, up in zip(columns, highest, strict=True):
        values = [float(cell) for cell in column if cell != "–"]
        top = (max if up else min)(values) if values else None
        marked.append([f"**{cell}**" if cell != "–" and float(cell) == top else cell for cell in column])
    return marked


def summary(figures: dict[str, dict[str, Figures]], sets: list[str], tools: list[str]) -> str:
    """F1 of every tool on every set; of a set without positives the false alarms per 1,000."""
    with_positives = [bool(figures[name][tools[0]]["positives"]) for name in sets]
    columns = [
        [
            percent(figures[name][tool].get("f1"))
            if up
            else f"{figures[name][tool].get('alarms_per_1000', 0):.1f}"
            for tool in tools
        ]
        for name, up in zip(sets, with_positives, strict=True)
    ]
    columns = best_marked(columns, with_positives)
    head = [name if up else f"{name} (alarms/1,000)" for name, up in zip(sets, with_positives, strict=True)]
    return table(["tool", *head], [[tool, *cells] for tool, *cells in zip(tools, *columns, strict=True)])


def by_edit(figures: dict[str, dict[str, Figures]], sets: list[str], tools: list[str]) -> str:
    """Recall by edit over the planted sets together, and how often another problem is taken for a copy."""
    lines = []
    names = [name for name, edit in EDITS.items() if edit.expected != "variant"]
    for tool in tools:
        relations = [figures[name][tool]["relations"] for name in sets]
        line = [tool]
        for edit in names:
            parts = [relation[edit] for relation in relations if edit in relation]
            total = sum(part["positives"] for part in parts)
            line.append(percent(sum(part["found"] for part in parts) / total) if total else "–")
        changed = [relation["changed-numbers"] for relation in relations if "changed-numbers" in relation]
        n = sum(part["negatives"] for part in changed)
        line.append(percent(sum(part["false_alarms"] for part in changed) / n) if n else "–")
        variants = sum(part.get("classes", {}).get("variant", 0) for part in changed)
        line.append(percent(variants / n) if n and any("classes" in part for part in changed) else "–")
        clean = [
            part for relation in relations for key, part in relation.items() if key.startswith("unrelated")
        ]
        n = sum(part["negatives"] for part in clean)
        line.append(f"{1000 * sum(part['false_alarms'] for part in clean) / n:.1f}" if n else "–")
        lines.append(line)
    head = ["tool", *names, "changed numbers as copy", "… as `variant`", "unrelated, alarms/1,000"]
    return table(head, lines)


def details(name: str, of_set: dict[str, Figures]) -> str:
    """Recall and false alarms of one set by relation, all tools."""
    tools = list(of_set)
    relations = list(of_set[tools[0]]["relations"])
    lines = []
    for tool in tools:
        whole = of_set[tool]
        cells = [percent(whole.get(key)) for key in ("recall", "recall_any", "precision", "f1")]
        cells += [f"{whole.get('alarms_per_1000', 0):.1f}", f"{whole['seconds']:.1f}"]
        for relation in relations:
            part = whole["relations"][relation]
            recall = percent(part["recall"]) if part["positives"] else ""
            alarms = f"{part['alarms_per_1000']:.0f}‰" if part["negatives"] else ""
            cells.append(" ".join(cell for cell in (recall, alarms) if cell))
        lines.append([tool, *cells])
    counts = [
        f"{relation} ({of_set[tools[0]]['relations'][relation]['positives']}+/"
        f"{of_set[tools[0]]['relations'][relation]['negatives']}-)"
        for relation in relations
    ]
    head = ["tool", "recall", "recall, any item", "precision", "F1", "alarms/1,000", "s", *counts]
    return f"\n### {name}\n\n{table(head, lines)}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with contamination/, benchmarks/, corpora/")
    parser.add_argument("--sets", nargs="+", choices=[*DOMAINS, *NATURAL, *PLANTED])
    parser.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    parser.add_argument("--details", action="store_true", help="also each set by relation")
    parser.add_argument("--log", type=Path, default=Path("out/perf/decontam/quality.json"))
    arguments = parser.parse_args()
    pairs = load(arguments.data, arguments.sets)
    sets = pairs.references["set"].unique(maintain_order=True).to_list()
    figures: dict[str, dict[str, Figures]] = {}
    for name in sets:
        of_set = pairs.references.filter(set=name), pairs.candidates.filter(set=name)
        figures[name] = {}
        for tool in arguments.tools:
            figures[name][tool] = measure(*of_set, tool)
            print(f"{name}: {tool}: {figures[name][tool]['seconds']} s", file=sys.stderr, flush=True)
    published = [name for name in sets if name not in PLANTED]
    planted = [name for name in sets if name in PLANTED]
    if published:
        print(summary(figures, published, arguments.tools))
    if planted:
        print("\n" + summary(figures, planted, arguments.tools))
        print("\n" + by_edit(figures, planted, arguments.tools))
    if arguments.details:
        for name in sets:
            print(details(name, figures[name]))
    arguments.log.parent.mkdir(parents=True, exist_ok=True)
    arguments.log.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
