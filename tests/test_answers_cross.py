"""What follows for a ground truth: every outcome of the repair, and of the other schemes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from curate.answers.cross import Conclusion, Sides, Terms, conclude
from curate.answers.votes import unverifiable, vote


def equal(a: str | None, b: str | None) -> bool | None:
    """Texts are compared as they are; of `what` nothing is known."""
    if a is None or b is None or "what" in (a, b):
        return None
    return a == b


def sides(gold: str | None, first: Sequence[str | None], arbiter: Sequence[str | None] = ()) -> Sides:
    """What is known of a row with this ground truth, these answers and these of the arbiter."""
    a, b = vote(first, equal), vote(arbiter, equal)
    said = [equal(gold, cluster.answer) for cluster in a.clusters]
    sizes = [len(cluster.members) for cluster in a.clusters]
    return Sides(
        gold,
        "" if gold is None else unverifiable(gold),
        a,
        b,
        sum(size for size, one in zip(sizes, said, strict=True) if one),
        sum(size for size, one in zip(sizes, said, strict=True) if one is None) if gold is not None else 0,
        equal(gold, a.answer),
        equal(a.answer, b.answer),
        equal(gold, b.answer),
    )


def outcome(
    gold: str | None, first: Sequence[str | None], arbiter: Sequence[str | None] = (), **terms: object
) -> Conclusion:
    """The conclusion under the default terms but for those named."""
    return conclude(sides(gold, first, arbiter), Terms(**terms))  # type: ignore[arg-type]


CASES = {
    "kept": ("3", "3334", ""),
    "kept with few votes": ("3", "33456", ""),
    "revised": ("3", "4443", "4"),
    "b-agrees-with-gt": ("3", "4443", "3"),
    "all-disagree": ("3", "4443", "5"),
    "needs-arbiter": ("3", "4443", ""),
    "weak": ("3", "4456", "4"),  # half of the votes, one ahead
    "arbiter-no-answer": ("3", "4443", "56"),
    "tie": ("3", "3344", "4"),
    "no-answer": ("3", [None, None], "4"),
    "no-response": ("3", "", "4"),
    "pseudo-label": (None, "4444", ""),
    "pseudo-label by the arbiter": (None, "444567", "4"),
    "no-gt": (None, "4456", ""),
    "no-gt, the arbiter disagrees": (None, "4444", "5"),
    "unverifiable-gt": ("notfound", "4444", ""),
    "revised where nothing equals it": ("notfound", "4444", "4"),
    "undecided": ("what", "4444", "4"),
    "undecided with the arbiter": ("3", "4444", ["what"]),
}  # fmt: skip
OUTCOME = {
    "kept with few votes": "kept",
    "pseudo-label by the arbiter": "pseudo-label",
    "no-gt, the arbiter disagrees": "no-gt",
    "revised where nothing equals it": "revised",
    "undecided with the arbiter": "undecided",
}


@pytest.mark.parametrize("name", CASES)
def test_every_outcome_of_the_repair(name: str) -> None:
    """Each case the paper names or leaves open has its outcome, and a sentence that says why."""
    gold, first, arbiter = CASES[name]
    found = outcome(gold, list(first), list(arbiter))
    expected = OUTCOME.get(name, name)
    assert found.outcome == expected
    assert found.why


@pytest.mark.parametrize(
    ("gold", "first", "answer"),
    [("3", ["4", "4", "4"], "4.0"), (None, ["4", "4", "4"], "4.0"), ("notfound", ["4", "4", "4"], "4.0")],
)
def test_the_arbiters_text_becomes_the_ground_truth(gold: str | None, first: list[str], answer: str) -> None:
    """Where both agree it is the arbiter's string, not the first models', that is proposed."""
    known = sides(gold, first, [answer])._replace(arbiter_is_first=True)
    assert conclude(known, Terms()).answer == answer


def test_the_arbiter_is_asked_only_where_it_matters() -> None:
    """Against a ground truth or without one; not where it is confirmed, weakly contradicted, or answered."""
    asked = {name: outcome(gold, list(a), list(b)).ask for name, (gold, a, b) in CASES.items()}
    assert [name for name, ask in asked.items() if ask] == ["needs-arbiter", "unverifiable-gt"]
    assert outcome(None, list("444567")).ask  # half of the votes: too few for a label alone
    assert not outcome(None, list("4444")).ask


def test_only_what_changes_is_proposed() -> None:
    """An answer is proposed for revised ground truths and pseudo-labels alone."""
    for gold, first, arbiter in CASES.values():
        found = outcome(gold, list(first), list(arbiter))
        assert (found.answer is not None) == (found.outcome in ("revised", "pseudo-label"))


def test_thresholds_cut_where_they_say() -> None:
    """A share of exactly `min-share` and a lead of exactly `min-lead` are enough."""
    answers = ["4"] * 4 + ["5", "5", "6", "7"]
    assert outcome("3", answers, min_share=0.5, min_lead=2).outcome == "needs-arbiter"
    assert outcome("3", answers, min_share=0.51, min_lead=2).outcome == "weak"
    assert outcome("3", answers, min_share=0.5, min_lead=3).outcome == "weak"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["3"] * 9 + ["4"] * 23, "kept"),
        (["3"] * 8 + ["4"] * 24, "too-few-votes"),
        (["3"] * 8 + ["what"] + ["4"] * 23, "undecided"),
        (["3"] * 31, "too-few-responses"),
    ],
)
def test_k_of_n_is_skyworks_vote(answers: list[str], expected: str) -> None:
    """Nine of 32 keep a row; what could not be compared may be the ninth."""
    assert outcome("3", answers, scheme="k-of-n", k=9, n=32).outcome == expected


@pytest.mark.parametrize(
    ("gold", "answers", "expected"),
    [
        ("3", ["3", "3", "3"], "kept"),
        ("3", ["3", "3", "4"], "all-disagree"),
        ("3", ["3", "3", None], "all-disagree"),
        ("3", ["4", "4", "4"], "all-disagree"),
        ("3", ["3", "3"], "too-few-responses"),
        ("what", ["3", "3", "3"], "undecided"),
        (None, ["3", "3", "3"], "pseudo-label"),
        (None, ["3", "3", "4"], "no-gt"),
        ("notfound", ["3", "3", "3"], "unverifiable-gt"),
    ],
)
def test_all_agree_is_deepmaths_rule(gold: str | None, answers: list[str | None], expected: str) -> None:
    """Three solutions and the ground truth must all be one answer; a solution without one is none."""
    assert outcome(gold, answers, scheme="all-agree", n=3).outcome == expected


def test_re_extraction_looks_at_the_ground_truth_alone() -> None:
    """A ground truth that can be read back is kept whatever the responses say."""
    assert outcome("3", ["4", "4"], scheme="re-extraction").outcome == "kept"
    assert outcome("notfound", ["4"], scheme="re-extraction").outcome == "unverifiable-gt"
    assert outcome(None, ["4"], scheme="re-extraction").outcome == "no-gt"
