"""Responses against ground truths: find the answers, decide what is cheap, hand the rest to a pool.

The verdict has three values. `undecided` is never a guess at `unequal`: its status says why
nobody could tell. The same two answers get the same verdict whatever comes before or beside
them; only answers that take about as long as the time limit may differ from run to run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from curate.answers import exact, guard
from curate.answers.extract import answer_part, final_answer, gold_answer
from curate.answers.latex import as_latex
from curate.answers.pool import Pool

Extract = Literal["boxed", "final"]
Status = Literal[
    "ok", "no-answer", "no-gold", "no-text", "timeout", "memory", "crashed", "error", "too-complex"
]

MAX_EXTRACTED = 1_000  # characters of an answer that are kept as evidence
MAX_MEMO = 200_000  # pairs; about 100 MB


class Verdict(NamedTuple):
    """Whether a response gives the ground truth, why, the answer found in it, and a status."""

    verdict: Literal["equal", "unequal", "undecided"]
    why: str
    extracted: str | None
    status: Status


class _Pair(NamedTuple):
    """Two answers of which only the pool can tell whether they are equal."""

    gold: str
    answer: str
    extracted: str


def find_answer(
    response: str, extract: Extract = "final", think_close: str = "</think>"
) -> tuple[str | None, str]:
    """The final answer of a response, or None and why there is none."""
    if not response.strip():
        return None, "the response is empty"
    part = answer_part(response, think_close)
    if part is None:
        return None, "the thinking never ends"
    found = final_answer(part, extract)
    if found is None:
        return None, f"no {'boxed' if extract == 'boxed' else 'final'} answer in the response"
    return found.text, ""


class Grader:
    """Grades responses with a pool, and remembers the pairs of answers the pool has compared."""

    def __init__(self, pool: Pool, extract: Extract = "final", think_close: str = "</think>") -> None:
        self._pool = pool
        self._extract: Extract = extract
        self._think_close = think_close
        self._memo: dict[tuple[str, str], Verdict] = {}

    def grade(self, golds: Sequence[str | None], responses: Sequence[str | None]) -> list[Verdict]:
        """One verdict for every ground truth and response, in order; None is a missing text.

        Raises MachineError if no process to compare answers can be started.
        """
        looks = [self._look(gold, response) for gold, response in zip(golds, responses, strict=True)]
        asked = dict.fromkeys(look[:2] for look in looks if isinstance(look, _Pair))
        memo = self._memo if len(self._memo) + len(asked) <= MAX_MEMO else {}
        unknown = [pair for pair in asked if pair not in memo]
        for pair, (verdict, why, status) in zip(unknown, self._pool.compare(unknown), strict=True):
            memo[pair] = Verdict(verdict, why, None, status)
        self._memo = memo
        return [
            memo[look[:2]]._replace(extracted=look.extracted) if isinstance(look, _Pair) else look
            for look in looks
        ]

    def _look(self, gold: str | None, response: str | None) -> Verdict | _Pair:
        """The verdict, where it needs no computer algebra; else the pair of answers to compare."""
        found, why_not = (
            (None, "there is no response")
            if response is None
            else find_answer(response, self._extract, self._think_close)
        )
        extracted = None if found is None else found[:MAX_EXTRACTED]
        truth = None if gold is None else gold_answer(gold)
        if truth is None:
            return Verdict("undecided", "there is no ground truth", extracted, "no-gold")
        if found is None or extracted is None:
            return Verdict("undecided", why_not, None, "no-text" if response is None else "no-answer")
        left, right = as_latex(truth.text), as_latex(found)
        decision = exact.decide(left, right)
        if decision is not None:
            return Verdict("equal" if decision.equal else "unequal", decision.why, extracted, "ok")
        for side, text in (("ground truth", left), ("answer", right)):
            reason = guard.too_complex(text)
            if reason is not None:
                why = f"not compared: the {side} has {reason}"
                return Verdict("undecided", why, extracted, "too-complex")
        return _Pair(left, right, extracted)
