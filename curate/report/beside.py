"""The benchmark items that evidence points at, to be shown beside the rows or responses that match them.

A run folder's tables hold no text of a benchmark: some must not be published. The text is read where the
recipe says the benchmark is; where it is gone, or only its fingerprint is at hand, that is said instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from curate.benchmarks import resolve
from curate.errors import CurateError
from curate.report.run import FinishedRun

Part = Literal["problem", "solution"]

ITEM_SPAN = "item_span"  # the evidence column that points into the item


class Beside(NamedTuple):
    """A benchmark item that a row, or a response, matched."""

    evidence: str
    benchmark: str
    item: str
    part: Part
    """Which text of the item it is."""
    text: str | None
    span: tuple[int, int] | None
    """The matched part: character offsets, end exclusive."""
    missing: str
    """Why there is no text, in a sentence; empty if there is."""


def items_beside(run: FinishedRun, facts: Mapping[str, Mapping[str, Any]]) -> tuple[Beside, ...]:
    """The items that the evidence of one line names, each with its text where that is at hand."""
    found = []
    for name, columns in facts.items():
        benchmark, item = columns.get("benchmark"), columns.get("item")
        if benchmark is None or item is None or ITEM_SPAN not in columns:
            continue
        entry = run.recipe.get("evidence", {}).get(name, {})
        by_solution = entry.get("stage") == "response-match" and entry.get("part") != "problem"
        part: Part = "solution" if by_solution else "problem"
        against = tuple(entry.get("against", ())), entry.get("against-column")
        text, missing = _text(*against, str(benchmark), str(item), part)
        span = columns[ITEM_SPAN]
        place = (int(span["start"]), int(span["end"])) if isinstance(span, dict) else None
        found.append(Beside(name, str(benchmark), str(item), part, text, place, missing))
    return tuple(found)


def _text(
    against: tuple[str, ...], column: str | None, benchmark: str, item: str, part: Part
) -> tuple[str | None, str]:
    try:
        texts = _texts(against, column, benchmark, part)
    except CurateError as error:
        return None, str(error).splitlines()[0]
    if item not in texts:
        return None, f"{benchmark} has no item {item} any more"
    return texts[item], ""


@lru_cache(maxsize=64)
def _texts(against: tuple[str, ...], column: str | None, benchmark: str, part: Part) -> dict[str, str]:
    """Problems or solutions of the items of one benchmark, by id."""
    one = next((one for one in resolve(against, column) if one.name == benchmark), None)
    if one is None:
        return {}
    items = one.items()
    texts = items.texts if part == "problem" else items.solutions
    return {name: text or "" for name, text in zip(items.ids, texts, strict=True)}
