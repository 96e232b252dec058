"""What follows for a ground truth from what models answer: values in, an outcome and a sentence out.

The outcomes are explained in `curate.stages.cross_verify`. Source: AM-Thinking-v1 §2.2.1; Skywork-OR1 §6;
DeepMath-103K §2.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from curate.answers.votes import Vote

Scheme = Literal["arbiter", "k-of-n", "all-agree", "re-extraction"]


class Terms(NamedTuple):
    """Which scheme, and its thresholds; see the parameters of cross-verify."""

    scheme: Scheme = "arbiter"
    min_share: float = 0.5
    min_lead: int = 2
    label_share: float = 0.75
    k: int = 9
    n: int = 32


class Sides(NamedTuple):
    """What is known of one row before anything is concluded."""

    gold: str | None
    unverifiable: str  # why nothing can be equal to the ground truth; empty if something can
    first: Vote
    arbiter: Vote
    gold_votes: int
    gold_unknown: int
    gold_is_first: bool | None
    arbiter_is_first: bool | None
    arbiter_is_gold: bool | None


class Conclusion(NamedTuple):
    """The outcome, the answer it proposes, whether the arbiter is needed for it, and why."""

    outcome: str
    why: str
    answer: str | None = None
    ask: bool = False


def conclude(sides: Sides, terms: Terms) -> Conclusion:
    """What follows for one row."""
    if terms.scheme == "re-extraction":
        return _reextraction(sides)
    if terms.scheme == "k-of-n":
        return _k_of_n(sides, terms)
    if terms.scheme == "all-agree":
        return _all_agree(sides, terms)
    return _arbitrated(sides, terms)


def _reextraction(sides: Sides) -> Conclusion:
    if sides.gold is None:
        return Conclusion("no-gt", "there is no ground truth")
    if sides.unverifiable:
        return Conclusion("unverifiable-gt", f"the ground truth is {sides.unverifiable}")
    return Conclusion("kept", "the ground truth is read back from a box")


def _k_of_n(sides: Sides, terms: Terms) -> Conclusion:
    n, votes, unknown = sides.first.n, sides.gold_votes, sides.gold_unknown
    if sides.gold is None:
        return Conclusion("no-gt", "there is no ground truth")
    if sides.unverifiable:
        return Conclusion("unverifiable-gt", f"the ground truth is {sides.unverifiable}")
    if n < terms.n:
        return Conclusion("too-few-responses", f"{n} responses of {terms.n}")
    why = f"{votes} of {n} responses agree with the ground truth"
    if votes >= terms.k:
        return Conclusion("kept", why)
    if votes + unknown >= terms.k:
        return Conclusion("undecided", f"{why}, of {unknown} it is not known")
    return Conclusion("too-few-votes", why)


def _all_agree(sides: Sides, terms: Terms) -> Conclusion:
    first = sides.first
    if first.n < terms.n:
        return Conclusion("too-few-responses", f"{first.n} responses of {terms.n}")
    if first.unsure or (first.status == "ok" and sides.gold is not None and sides.gold_is_first is None):
        return Conclusion("undecided", "whether all agree could not be decided")
    united = first.status == "ok" and first.top == first.n
    if sides.gold is None:
        if united:
            return Conclusion(
                "pseudo-label", f"all {first.n} answers are {_shown(first.answer)}", first.answer
            )
        return Conclusion("no-gt", "there is no ground truth, and the answers differ")
    if sides.unverifiable:
        return Conclusion("unverifiable-gt", f"the ground truth is {sides.unverifiable}")
    if united and sides.gold_is_first:
        return Conclusion("kept", f"all {first.n} answers agree with the ground truth")
    return Conclusion("all-disagree", f"{sides.gold_votes} of {first.n} answers agree with the ground truth")


_NO_WINNER = {
    "tie": "two answers have as many votes",
    "undecided": "which answer has most votes is not known",
    "no-answer": "no response names a final answer",
    "no-response": "there is no response",
}


def _arbitrated(sides: Sides, terms: Terms) -> Conclusion:
    """AM-Thinking-v1's repair, with every case it leaves open told apart."""
    first, arbiter = sides.first, sides.arbiter
    if sides.gold is not None and sides.gold_is_first:
        why = f"{first.top} of {first.n} answers agree with the ground truth"
        return Conclusion("kept", why)
    missing = "no-gt" if sides.gold is None else "unverifiable-gt" if sides.unverifiable else ""
    reason = f"the ground truth is {sides.unverifiable}" if sides.unverifiable else "there is no ground truth"
    if first.status != "ok":
        return Conclusion(missing or first.status, reason if missing else _NO_WINNER[first.status])
    answers = f"{first.top} of {first.n} answers are {_shown(first.answer)}"
    if not missing and sides.gold_is_first is None:
        return Conclusion("undecided", f"{answers}; whether that is {_shown(sides.gold)} is not known")
    against = answers if missing else f"{answers}, not {_shown(sides.gold)}"
    if first.top < terms.min_share * first.n or first.lead < terms.min_lead:
        return Conclusion(missing or "weak", f"{reason}; {answers}" if missing else f"only {against}")
    if arbiter.n == 0:
        alone = missing == "no-gt" and first.top >= terms.label_share * first.n
        if alone:
            return Conclusion("pseudo-label", f"{reason}; {answers}", first.answer)
        return Conclusion(
            missing or "needs-arbiter", f"{reason}; {answers}" if missing else against, ask=True
        )
    if arbiter.answer is None:
        return Conclusion(missing or "arbiter-no-answer", f"{against}; the arbiter names no one answer")
    if sides.arbiter_is_first:
        both = f"{first.top} of {first.n} answers and the arbiter's are {_shown(first.answer)}"
        if missing == "no-gt":
            return Conclusion("pseudo-label", f"{reason}; {both}", arbiter.answer)
        return Conclusion("revised", f"{both}, not {_shown(sides.gold)}", arbiter.answer)
    if not missing and sides.arbiter_is_gold:
        return Conclusion("b-agrees-with-gt", f"{against}; the arbiter says {_shown(arbiter.answer)} too")
    if sides.arbiter_is_first is None or (not missing and sides.arbiter_is_gold is None):
        return Conclusion(missing or "undecided", f"{against}; with whom the arbiter agrees is not known")
    return Conclusion(missing or "all-disagree", f"{against}; the arbiter says {_shown(arbiter.answer)}")


def _shown(answer: str | None) -> str:
    text = "" if answer is None else " ".join(answer[:200].split())
    return text if len(text) <= 60 else f"{text[:57]}..."
