"""Votes over answers: groups, representatives, both directions, ties, and what is not known."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.answers.votes import (
    MAX_GROUPS,
    Referee,
    Vote,
    final_text,
    gold_text,
    reextracted,
    unverifiable,
    vote,
    vote_all,
)
from curate.answers.zygote import Limits


def never(_a: str, _b: str) -> bool:
    """Nothing is equal that has not the same key."""
    return False


def test_the_most_frequent_answer_wins() -> None:
    """Equal values are one answer, shown as most write it; votes without an answer count in n alone."""
    found = vote(["1/2", "0.5", "0.5", "2", None, ""], never)
    assert (found.status, found.answer, found.n, found.valid, found.top, found.lead) == (
        "ok", "0.5", 6, 4, 3, 2,
    )  # fmt: skip
    assert [cluster.members for cluster in found.clusters] == [(0, 1, 2), (3,)]


def test_the_shorter_spelling_stands_for_an_answer() -> None:
    """Of spellings that are as frequent the shorter one is shown, then the first by its characters."""
    assert vote(["0.50", "1/2", "0.500"], never).answer == "1/2"
    assert vote([".50", "0.5"], never).answer == ".50"


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([], "no-response"),
        ([None, "", "  "], "no-answer"),
        (["1", "2"], "tie"),
        (["1", "1", "2", "2", "3"], "tie"),
    ],
)
def test_without_a_winner_the_status_says_why(answers: list[str | None], status: str) -> None:
    """No votes, no answers and ties have a status, and no answer wins."""
    found = vote(answers, never)
    assert (found.status, found.answer) == (status, None)


LONG = "+".join(f"x^{{{power}}}" for power in range(90))
"""A polynomial of which far more than 200 characters are shown."""


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("7" * 250 + "1", "7" * 250 + "2"),
        ("1/" + "7" * 250 + "1", "1/" + "7" * 250 + "2"),
        (LONG, LONG.replace("x^{0}", "2x^{0}")),
        ("(" + ", ".join(["12345"] * 40) + ", 1)", "(" + ", ".join(["12345"] * 40) + ", 2)"),
        ("w" * 250 + " a", "w" * 250 + " b"),
    ],
)
def test_answers_that_differ_late_are_two(a: str, b: str) -> None:
    """Answers of which the first 200 characters are the same are counted apart, in whatever form."""
    assert len(vote([a, b, a], never).clusters) == 2
    assert vote([a, b, a], never).answer == a


def test_one_value_is_one_answer_however_long() -> None:
    """The same polynomial with its terms in another order is one answer, without a question."""
    turned = "+".join(reversed(LONG.split("+")))
    found = vote([LONG, turned, "50%", "0.5", "100 cm", "1 m"], never)
    assert [len(cluster.members) for cluster in found.clusters] == [2, 2, 2]


def hub(a: str, b: str) -> bool:
    """Equal to the hub both ways, and to nothing else."""
    return "hub" in (a, b)


def test_nothing_is_joined_through_a_third_answer() -> None:
    """a equals the hub and b equals the hub: with a and b larger, the hub joins a, and b stays alone."""
    found = vote(["a"] * 3 + ["b"] * 2 + ["hub"], hub)
    assert [(cluster.answer, len(cluster.members)) for cluster in found.clusters] == [("a", 4), ("b", 2)]


def unknown_with(word: str) -> object:
    """Nothing is known of pairs with the word; others are different."""
    return lambda a, b: None if word in (a, b) else False


def test_an_unknown_answer_joins_none_and_is_counted() -> None:
    """An answer that may equal the winner stays alone; the winner is sure all the same."""
    found = vote(["a"] * 3 + ["what"], unknown_with("what"))  # type: ignore[arg-type]
    assert (found.status, found.answer, found.top, found.unsure) == ("ok", "a", 3, 4)


def test_unknown_answers_that_may_outvote_the_winner_leave_it_open() -> None:
    """b and c may be one answer of four votes, against three for a: nobody knows who wins."""

    def same(x: str, y: str) -> bool | None:
        return None if {x, y} == {"b", "c"} else False

    assert vote(["a"] * 3 + ["b"] * 2 + ["c"] * 2, same).status == "undecided"
    assert vote(["a"] * 5 + ["b"] * 2 + ["c"] * 2, same).status == "ok"


def test_a_tie_that_an_unknown_answer_may_break_is_undecided() -> None:
    """Two answers have as many votes, and a third may be one of them."""
    assert vote(["a", "a", "b", "b", "what"], unknown_with("what")).status == "undecided"  # type: ignore[arg-type]


def test_a_row_of_many_different_answers_asks_few_questions() -> None:
    """Of 500 different words only the first groups are compared; the others are unknown, not lost."""
    asked = 0

    def same(_a: str, _b: str) -> bool:
        nonlocal asked
        asked += 1
        return False

    found = vote([f"word {'x' * place}" for place in range(500)], same)
    assert asked == MAX_GROUPS * (MAX_GROUPS - 1) // 2
    assert (found.valid, len(found.clusters)) == (500, 500)
    assert found.status == "undecided"


WORDS = ["a", "b", "c", "1", "1.0", "2", "2/1", None]


@given(st.lists(st.sampled_from(WORDS), max_size=9), st.randoms(use_true_random=False))
def test_order_changes_nothing(answers: list[str | None], dice: object) -> None:
    """The same votes in another order: the same answers with the same numbers of votes."""
    mixed = list(answers)
    dice.shuffle(mixed)  # type: ignore[attr-defined]

    def shape(found: Vote) -> object:
        return found.status, found.n, [(c.answer, len(c.members)) for c in found.clusters]

    assert shape(vote(answers, never)) == shape(vote(mixed, never))


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=6), max_size=5))
def test_polls_side_by_side_are_as_one_by_one(polls: list[list[str | None]]) -> None:
    """Asking for many rows at once gives what asking for each alone gives."""

    def both(pairs: Sequence[tuple[str, str]]) -> list[bool | None]:
        return [hub(a, b) for a, b in pairs]

    assert vote_all(polls, both) == [vote(poll, hub) for poll in polls]


@given(st.lists(st.sampled_from(WORDS), max_size=9))
def test_every_vote_is_in_one_cluster(answers: list[str | None]) -> None:
    """Each vote with an answer is a member of one cluster, and the entropy is that of the shares."""
    found = vote(answers, never)
    members = sorted(itertools.chain.from_iterable(cluster.members for cluster in found.clusters))
    assert members == [place for place, answer in enumerate(answers) if answer]
    assert found.entropy >= 0
    assert (found.entropy == 0) == (len(found.clusters) <= 1)


def test_the_referee_wants_both_directions() -> None:
    """Numbers and texts are told apart without the pool, formulas by it, and either order gives the same."""
    pairs = [("1/2", "0.5"), ("3", "4"), ("x+1", "1+x"), ("x+1", "x-1"), ("11", "11 cups")]
    compare = Referee(Limits())
    there = compare(pairs)
    assert there == [True, False, True, False, True]
    assert compare([(b, a) for a, b in pairs]) == there


def test_the_referee_does_not_know_what_nobody_computes() -> None:
    """A tower of powers is not handed to the pool, and is not called different."""
    assert Referee(Limits())([("9^{9^{9^{9}}}", "x+1")]) == [None]


@pytest.mark.parametrize(
    ("gold", "why"),
    [
        ("notfound", "a placeholder: notfound"),
        (r"\text{Proof.}", r"a placeholder: \text{Proof.}"),
        ("?", "a placeholder: ?"),
        (r"\frac{1}{2", "a formula with a bracket missing"),
        ("The set of all even integers that are greater than two", "prose of 11 words"),
        ("1" * 2_000, "2,000 characters long"),
        ("9^{9^{9^{9}}}", "a tower of more than two powers, which nobody computes"),
        ("x = 3 or x = 5", ""),
        (r"\text{Monday}", ""),
        ("(-\\infty, 3]", ""),
        ("no solution", ""),
        ("C", ""),
    ],
)
def test_ground_truths_that_nothing_can_equal(gold: str, why: str) -> None:
    """Placeholders, prose, broken formulas and towers are told; short words and formulas are answers."""
    assert unverifiable(gold) == why


def test_final_answers_and_ground_truths_are_found() -> None:
    """The last box of a response, the text after #### of a ground truth, and a box read back."""
    assert final_text("<think>1</think> so \\boxed{3}") == "3"
    assert final_text(None) is None
    assert final_text("\\boxed{" + "7" * 2_000 + "}") is None
    assert gold_text("6 * 7 = 42\n#### 42") == "42"
    assert gold_text(" ") is None
    assert reextracted("2, 3") == "2, 3"
    assert reextracted(r"\frac{1}{2") is None
