"""Where the answer that was compared with the ground truth stands in a response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STAGE = "math-verify"


def place_of_answer(
    entry: Mapping[str, Any], columns: Mapping[str, Any], response: str | None
) -> tuple[int, int] | None:
    r"""Characters of the response, half open; None where nothing was found, or by another version of curate.

    entry: the evidence as the recipe asks for it. columns: what was measured of this response.

    >>> place_of_answer({"stage": "math-verify"}, {"extracted": "7"}, r"So it is \boxed{7}.")
    (16, 17)
    """
    extracted = columns.get("extracted")
    if entry.get("stage") != STAGE or not extracted or response is None:
        return None
    from curate.answers.extract import final_answer, predicted_answer  # of a run without it nobody waits
    from curate.answers.extract.sections import answer_span

    extract, think_close = entry.get("extract", "final"), entry.get("think-close", "</think>")
    start = 0
    if extract == "auto":
        found = predicted_answer(response, "any", think_close)
    else:
        part = answer_span(response, think_close)
        start = part[0] if part else 0
        found = final_answer(response[slice(*part)], extract) if part else None
    if found is None or found.span is None or not found.text.startswith(extracted):
        return None  # the evidence is cut, and nothing else
    return start + found.span[0], start + found.span[1]
