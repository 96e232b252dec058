"""`curate dedup`: remove exact and near duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from curate.cli import options

if TYPE_CHECKING:
    from curate.stages.near_dedup import NearDedupParams

COPIES = "Which copy stays"


def dedup(
    input_: options.Input,
    out: options.Out = Path("out"),
    threshold: Annotated[
        float,
        typer.Option(help="Jaccard of token 5-grams at which two problems are the same.", min=0.1, max=1.0),
    ] = 0.8,
    mode: Annotated[
        str,
        typer.Option(
            help="lsh: MinHash bands, which miss about one pair in 600 at the threshold and fewer above; "
            "exact-join: misses none, at up to twice the cost.",
            metavar="lsh|exact-join",
        ),
    ] = "lsh",
    against: Annotated[
        Path | None,
        typer.Option(
            help="Index folder of earlier data: its rows count as seen, new ones are added to it. Made if it "
            "is not there.",
            metavar="INDEX",
        ),
    ] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview",
            help="Show what each threshold would drop and 20 pairs about --threshold; write nothing.",
        ),
    ] = False,
    prefer: Annotated[
        list[str] | None,
        typer.Option(
            help="What stays, best first, e.g. 'length(row.prompt) desc' or 'original.date desc'.",
            rich_help_panel=COPIES,
        ),
    ] = None,
    prefer_source: Annotated[
        list[str] | None,
        typer.Option(help="Sources whose copy stays, best first.", rich_help_panel=COPIES, metavar="SOURCE"),
    ] = None,
    protect: Annotated[
        str | None,
        typer.Option(
            help="Rows that are never dropped, e.g. \"row.source = 'gold'\".",
            rich_help_panel=COPIES,
            metavar="PREDICATE",
        ),
    ] = None,
    max_drop_share: Annotated[
        float,
        typer.Option(
            help="Stop if near-duplicates within a source are more than this share of it: a template is "
            "collapsing.",
            rich_help_panel=COPIES,
            min=0.0,
            max=1.0,
        ),
    ] = 0.9,
    prompt_column: options.PromptColumn = None,
    answer_column: options.AnswerColumn = None,
    source_column: options.SourceColumn = None,
    messages_column: options.MessagesColumn = None,
    output_format: options.Format = "original",
    on_bad_rows: options.OnBadRows = "stop",
    print_recipe: options.PrintRecipe = False,
    workers: options.Workers = None,
    memory: options.Memory = None,
    cache: options.Cache = None,
    engine: options.Engine = "local",
    address: options.Address = None,
) -> None:
    """Remove exact and near duplicates; every pair is verified by its exact Jaccard similarity.

    Numbers, operators and LaTeX commands count: problems that differ in a number are different problems.
    Of a group of copies the first stays, unless --prefer says otherwise. Copies whose ground truths differ
    are told in evidence/label: one of them is wrong.
    """
    from curate.cli.execute import execute, say
    from curate.recipe import build

    order = [f"row.source = '{_quoted(name)}' desc" for name in prefer_source or []] + (prefer or [])
    copies: dict[str, Any] = {"prefer": order, "on-missing": "keep"}
    if protect is not None:
        copies["protect"] = protect
    source = options.source_table(
        input_,
        prompt_column,
        answer=answer_column,
        source=source_column,
        messages=messages_column,
        on_bad_rows=on_bad_rows,
    )
    if against is not None:
        source["earlier"] = str(against)
    tree: dict[str, Any] = {
        "title": "dedup",
        "source": source,
        "evidence": {
            "query": {"stage": "query-quality"},
            "exact": {"stage": "exact-dedup"},
            "near": {"stage": "near-dedup", "threshold": threshold, "mode": mode},
            "label": {"stage": "label-conflict"},
        },
        "keep-one": {
            "exact-duplicate": {"per": "exact.cluster_id", **copies},
            "near-duplicate": {"per": "near.cluster_id", "max-drop-share": max_drop_share, **copies},
        },
        "output": {"format": output_format},
    }
    if not any("query." in text for text in [*order, protect or ""]):
        del tree["evidence"]["query"]
    recipe = build(tree, "curate dedup")
    near: NearDedupParams = recipe.evidence["near"]  # type: ignore[assignment]
    if not print_recipe and mode == "lsh":
        say(_about_banding(near))
    machine = options.Machine(workers, memory, cache, engine, address)
    if preview:
        from curate.cli.preview import show_preview

        show_preview(recipe, machine)
        return
    execute(recipe, out, machine=machine, print_recipe=print_recipe)


def _quoted(name: str) -> str:
    """The name as it stands between the quotes of an SQL string."""
    return name.replace("'", "''")


def _about_banding(params: NearDedupParams) -> str:
    """What the choice of bands finds, in a line."""
    from curate.kernels.minhash import expected_recall, false_candidate_rate

    banding, threshold = params.banding(), params.threshold
    return (
        f"{banding.bands} bands of {banding.rows_per_band} minhashes find "
        f"{expected_recall(banding, threshold):.2%} of the pairs at Jaccard {threshold:g}, "
        f"{expected_recall(banding, min(1.0, threshold + 0.05)):.3%} at {min(1.0, threshold + 0.05):g}; "
        f"{false_candidate_rate(banding, threshold):.0%} of those below are measured in vain"
    )
