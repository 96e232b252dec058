"""The model of who answers what: recovered from data made by it, and what it says of plain cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from curate.kernels.answer_model import Fitted, Votes, believe, fit

ROWS, VOTERS = 1_200, 8


def packed(rows: Sequence[tuple[Sequence[int], int]], n_voters: int, prior: float = 0.05) -> Votes:
    """Votes of rows: the answer each voter gives (a number; -1 none), and the ground truth (a number)."""
    cluster, voter, row, is_gold = [], [], [], []
    for place, (answers, gold) in enumerate(rows):
        given = sorted({answer for answer in answers if answer >= 0})
        for who, answer in enumerate(answers):
            if answer >= 0:
                cluster.append(len(row) + given.index(answer))
                voter.append(who)
        shares = [float(answer == gold) for answer in given]
        is_gold += [*shares, 1 - sum(shares)]
        row += [place] * (len(given) + 1)
    right = np.full(len(rows), 1 - prior)
    return Votes(
        np.array(cluster, np.int64), np.array(voter, np.int64), np.array(row, np.int64), np.array(is_gold, np.float64), right,
        1 - right, np.zeros(len(row)), n_voters,
    )  # fmt: skip


def made() -> tuple[Votes, np.ndarray, np.ndarray]:
    """Data made by the model: the votes, the abilities, which ground truths are wrong."""
    dice = np.random.default_rng(7)
    ability = np.linspace(-1, 3, VOTERS)
    wrong_gold = dice.random(ROWS) < 0.05
    rows = []
    for is_wrong in wrong_gold:
        difficulty, habit = dice.normal(0, 2), dice.choice([0.2, 3.0])
        wrong: list[int] = []

        def another(wrong: list[int] = wrong, habit: float = habit) -> int:
            new = dice.random() < habit / (habit + len(wrong))
            wrong.append(max(wrong, default=0) + 1 if new else int(dice.choice(wrong)))
            return wrong[-1]

        answers = [0 if dice.random() < 1 / (1 + np.exp(difficulty - a)) else another() for a in ability]
        rows.append((answers, another() if is_wrong else 0))
    return packed(rows, VOTERS), ability, wrong_gold


def test_abilities_and_probabilities_are_those_of_the_data() -> None:
    """Abilities are found to a third, the difficulties' spread to a tenth, and probabilities are calibrated."""
    votes, ability, wrong_gold = made()
    fitted = fit(votes)
    assert np.abs(fitted.ability - ability).max() < 0.35
    assert fitted.spread == pytest.approx(2, rel=0.15)
    assert fitted.slopes[2] > 0.95
    chance = 1 / (1 + np.exp(-believe(votes, fitted).log_odds))
    for low, high in ((0, 0.02), (0.02, 0.3), (0.3, 0.8), (0.8, 1)):
        some = (chance >= low) & (chance < high)
        error = 3 * np.sqrt(chance[some].mean() * (1 - chance[some].mean()) / some.sum()) + 0.01
        assert wrong_gold[some].mean() == pytest.approx(chance[some].mean(), abs=error)


@pytest.fixture(scope="module")
def known() -> Fitted:
    """Two weak voters, four able ones."""
    able = np.array([-1.0, -1.0, 2.5, 2.5, 2.5, 2.5])
    weights = np.array([0.1, 0.2, 0.2, 0.3, 0.1, 0.1])
    return Fitted(able, float(able.mean()), 1.5, np.array([0.01, 0.04, 0.95]), weights)


def odds(known: Fitted, answers: Sequence[int], gold: int) -> float:
    """Log-odds that the ground truth of one row is wrong."""
    return float(believe(packed([(answers, gold)], 6), known).log_odds[0])


def test_more_voters_against_a_ground_truth_speak_more_against_it(known: Fitted) -> None:
    """From all for it on, the odds rise with every able voter who changes sides; all against is against."""
    steps = [[0] * 6, [0] * 5 + [1], [0] * 4 + [1] * 2, [0] * 3 + [1] * 3, [0] * 2 + [1] * 4]
    found = [odds(known, answers, 0) for answers in steps]
    assert found == sorted(found)
    assert found[0] < -5 < 0 < found[4]
    assert odds(known, [1] * 6, 0) > 0


def test_able_voters_outweigh_weak_ones(known: Fitted) -> None:
    """Two able voters against two weak ones for the ground truth: worse than the other way round."""
    assert odds(known, [0, 0, 1, 1, -1, -1], 0) > odds(known, [1, 1, 0, 0, -1, -1], 0) + 2


def test_agreement_on_one_wrong_answer_says_more_than_many_different_ones(known: Fitted) -> None:
    """All against the ground truth with one answer, or each with another: the former is worse for it."""
    assert odds(known, [1, 1, 1, 1, 1, 1], 0) > odds(known, [1, 2, 3, 4, 5, 6], 0) + 2


def test_without_votes_the_prior_stands(known: Fitted) -> None:
    """Nobody answers: the odds are those that were stated."""
    assert odds(known, [-1] * 6, 0) == pytest.approx(np.log(0.05 / 0.95))


def test_names_of_answers_and_order_of_rows_do_not_matter(known: Fitted) -> None:
    """Rows are weighed alone: other numbers for the answers, other rows beside them, the same odds."""
    rows = [([0, 1, 1, 1, 2, -1], 0), ([0] * 6, 0), ([1, 1, 2, 2, 2, 2], 1)]
    together = believe(packed(rows, 6), known).log_odds
    alone = [odds(known, answers, gold) for answers, gold in rows]
    assert together == pytest.approx(alone)
    assert odds(known, [3, 0, 0, 0, 7, -1], 3) == pytest.approx(alone[0])
    assert believe(packed(rows, 6), known).truth.sum() == pytest.approx(3)


def test_fitting_never_makes_the_data_less_likely() -> None:
    """EM raises the evidence: what was fitted explains the votes better than the first guess."""
    from curate.kernels.answer_model import first_guess

    votes, _, _ = made()
    before, after = (believe(votes, state).log_evidence for state in (first_guess(votes), fit(votes)))
    assert after > before


def test_no_rows_and_no_votes_can_be_fitted() -> None:
    """Data without a vote, or without a row, has no abilities, and raises nothing."""
    assert believe(packed([([-1], 0)], 1), fit(packed([([-1], 0)], 1))).log_odds.shape == (1,)
    assert len(fit(packed([], 0)).ability) == 0
