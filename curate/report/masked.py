"""Texts as a run wrote them: without the passages that mask rules cut, with the place marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from curate.masking import Cut, left, places_of, without
from curate.report.run import FinishedRun


class Written(NamedTuple):
    """A prompt, or a response, as it stands in the records."""

    text: str
    first: tuple[int, int]
    """Where the first passage was: characters of the text, half open."""


def written(
    run: FinishedRun, reasons: Sequence[str], facts: Mapping[str, Mapping[str, Any]], text: str | None
) -> Written | None:
    """The text without what the mask rules named cut of it; null if they cut nothing."""
    places = []
    for reason in reasons:
        token = str(run.recipe.get("mask", {}).get(reason, {}).get("replace-with", "[removed]"))
        places += [(start, end, token) for start, end in _places(run, reason, facts, text)]
    if text is None or not places:
        return None
    places.sort()
    start, _, token = places[0]
    return Written(without(text, [Cut(text, tuple(places))]), (start, start + len(token)))


def characters_left(run: FinishedRun, reason: str, known: Mapping[str, Mapping[str, Any]]) -> int:
    """What a mask rule would leave of the prompt, or of the response where its spans point into that."""
    table = str(run.recipe.get("mask", {}).get(reason, {}).get("spans", "")).partition(".")[0]
    of_response = run.manifest["evidence"].get(table, {}).get("grain") == "response"
    text = known.get("response", {}).get("response") if of_response else known.get("row", {}).get("prompt")
    return left(text or "", _places(run, reason, known, text))


def _places(
    run: FinishedRun, reason: str, facts: Mapping[str, Mapping[str, Any]], text: str | None
) -> list[tuple[int, int]]:
    table, _, column = str(run.recipe.get("mask", {}).get(reason, {}).get("spans", "")).partition(".")
    spans = facts.get(table, {}).get(column)
    return places_of([spans] if isinstance(spans, dict) else spans or [], len(text or ""))
