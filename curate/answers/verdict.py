"""What is said of two answers."""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["equal", "unequal", "undecided"]
Tier = Literal["extract", "text", "key", "algebra", "numeric", "guard", "sympy"]
Cause = Literal[
    "ok", "no-answer", "no-gold", "no-text", "incomparable", "timeout", "memory", "crashed", "error",
    "too-complex",
]  # fmt: skip


class Verdict(NamedTuple):
    """Whether a predicted answer is the ground truth, who found out, and why."""

    status: Status
    tier: Tier
    """extract: there was nothing to compare; text: the same letters; key: the same canonical form, or
    another kind of thing; algebra: exact arithmetic; numeric: computed, they differ; guard: not even
    tried; sympy: Math-Verify and sympy in a process of their own."""
    reason: str
    gold_form: str | None = None
    """The ground truth in canonical form, as text."""
    predicted_form: str | None = None
    cause: Cause = "ok"
    """Why it is undecided."""
    extracted: str | None = None
    """The answer found in the response."""
    found_in: str | None = None
    """What marked it: boxed, hashes, sentence, whole, ..."""
