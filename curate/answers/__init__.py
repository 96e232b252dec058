"""Answers of mathematics: found in a response, read as exact typed values, compared, voted on.

`verify` is imported when it is first asked for, so that naming this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curate.answers.verdict import Verdict
    from curate.answers.verifier import Verifier, verify

__all__ = ["Verdict", "Verifier", "verify"]


def __getattr__(name: str) -> Any:
    if name == "Verdict":
        from curate.answers.verdict import Verdict

        return Verdict
    if name in ("Verifier", "verify"):
        from curate.answers import verifier

        return getattr(verifier, name)
    raise AttributeError(f"module 'curate.answers' has no attribute {name!r}")
