"""The stage label-conflict says which copies have another ground truth, and never guesses."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.engines.local import LocalEngine
from curate.flow import ROWS, shard_path, write_parquet
from curate.stages import label_conflict
from curate.stages.inputs import EvidenceShard, Inputs, Shard
from curate.stages.label_conflict import STAGE, Given, LabelConflictParams, compare

Line = tuple[int | None, str | None]  # cluster_id, answer


def labels_of(
    lines: Sequence[Line], folder: Path, *, rows_per_shard: int = 3, skip_if: str | None = None
) -> list[tuple[int | None, bool | None, str | None, float | None, str]]:
    """n_answers, conflict, majority, agree_share and status of every row."""
    items = []
    for index, first in enumerate(range(0, len(lines), rows_per_shard)):
        part = lines[first : first + rows_per_shard]
        ids = pa.array(range(first, first + len(part)), pa.int64())
        columns = {name: pa.nulls(len(part), ROWS.field(name).type) for name in ROWS.names}
        columns |= {"row_id": ids, "answer": pa.array([line[1] for line in part], pa.large_string())}
        near = pa.table(
            {
                "row_id": ids,
                "cluster_id": pa.array([line[0] for line in part], pa.int64()),
                "status": ["no-text" if line[0] is None else "ok" for line in part],
            }
        )
        for name, table in (("rows", pa.table(columns, schema=ROWS)), ("near", near)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            write_parquet(table, shard_path(folder / name, index))
        rows = shard_path(folder / "rows", index)
        earlier = (EvidenceShard("near", "row", shard_path(folder / "near", index)),)
        items.append(Shard("row", index, first, rows, rows, earlier, skip_if))
    inputs = Inputs(tuple(items), "row", tuple(item.first_row for item in items[1:]))
    params = LabelConflictParams(stage="label-conflict", clusters="near")
    assert STAGE.whole is not None
    found = pl.from_arrow(STAGE.whole(LocalEngine(2), inputs, params, folder / "work").read())
    assert isinstance(found, pl.DataFrame)
    assert found["row_id"].to_list() == list(range(len(lines)))
    return found.select(STAGE.evidence.names).rows()


def test_copies_with_another_answer_are_in_conflict(tmp_path: Path) -> None:
    """Of a cluster 1/2, 0.5, 2 over two shards the third row disagrees with the majority, which is written 1/2."""
    lines: list[Line] = [(0, "1/2"), (1, "7"), (0, "0.5"), (1, "7"), (0, "2")]
    assert labels_of(lines, tmp_path) == [
        (2, True, "1/2", pytest.approx(2 / 3), "ok"),
        (1, False, "7", 1.0, "ok"),
        (2, True, "1/2", pytest.approx(2 / 3), "ok"),
        (1, False, "7", 1.0, "ok"),
        (2, True, "1/2", pytest.approx(1 / 3), "ok"),
    ]


def test_rows_that_cannot_be_compared_say_why(tmp_path: Path) -> None:
    """Alone, without a cluster, without an answer: nulls and a status; an answer that is blank is none."""
    lines: list[Line] = [(0, "1"), (None, "1"), (2, "3"), (2, None), (2, " "), (5, None), (5, "")]
    assert labels_of(lines, tmp_path) == [
        (None, False, None, None, "alone"),
        (None, None, None, None, "no-cluster"),
        (1, False, "3", 1.0, "ok"),
        (1, None, "3", None, "no-answer"),
        (1, None, "3", None, "no-answer"),
        (0, None, None, None, "no-answer"),
        (0, None, None, None, "no-answer"),
    ]


def test_without_any_answer_there_is_nothing_to_compare(tmp_path: Path) -> None:
    """Where no row has a ground truth, copies have no answer and the others are alone; nothing is shuffled."""
    lines: list[Line] = [(0, None), (1, None), (0, None), (None, None), (0, None)]
    no_answer = (0, None, None, None, "no-answer")
    alone, no_cluster = (None, False, None, None, "alone"), (None, None, None, None, "no-cluster")
    assert labels_of(lines, tmp_path) == [no_answer, alone, no_answer, no_cluster, no_answer]
    assert not (tmp_path / "work" / "compared").exists()


def test_a_skipped_row_is_compared_with_none(tmp_path: Path) -> None:
    """Where skip-if holds the answer does not count, and who has only such copies is alone."""
    lines: list[Line] = [(0, "1"), (0, "2"), (0, "1")]
    found = labels_of(lines, tmp_path / "a", skip_if="row.answer = '2'")
    assert found[0] == found[2] == (1, False, "1", 1.0, "ok")
    assert found[1] == (None, None, None, None, "skipped")
    assert labels_of(lines[:2], tmp_path / "b", skip_if="row.answer = '2'")[0][4] == "alone"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["42", "#### 42", "\\boxed{42}", "$42$", "42.0", "4.2e1", " 42 "], False),  # one number
        (["1,000", "1000", "10^3"], False),
        (["\\frac{1}{2}", "\\dfrac12", "½", "0.50"], False),
        (["\\left( 1, 2 \\right)", "(1,2)"], False),  # spacing
        (["(1,2)", "(2,1)"], True),
        (["11 cups", "11"], False),
        (["11 cups", "12"], True),
        (["C", "(C) 12"], False),
        (["C", "(D) 12"], True),
        (["C", "12"], None),  # the option's text is not known
        (["x+1", "1+x"], False),
        (["Monday", "Tuesday"], True),
        (["1/3", "0.333333"], None),  # rounded
        (["1/3", "0.333"], True),
        ([r"\int_0^1 x dx", "1/2"], None),  # needs computer algebra
        (["3", "-3"], True),
        (["1 234", "1234"], False),
        (["50\\%", "0.5"], False),
        (["101_2", "5"], None),
        (["101_2", "110_2"], True),
    ],
)
def test_two_answers_are_equal_different_or_undecided(answers: list[str], expected: bool | None) -> None:
    """Only what is certain without algebra is a conflict or an agreement."""
    for order in (answers, answers[::-1]):
        found = compare([Given(answer, 1, row) for row, answer in enumerate(order)])
        assert {label.conflict for label in found} == {expected}
        assert {label.unsure for label in found} == {expected is None}
        if expected is False:
            assert {(label.n_answers, label.agree_share) for label in found} == {(1, 1.0)}


def test_a_sure_conflict_stands_beside_what_is_undecided(tmp_path: Path) -> None:
    """3 and 4 differ whatever the integral is; its row is undecided, and no share is told."""
    lines: list[Line] = [(0, "3"), (0, "4"), (0, r"\int_0^1 x dx"), (0, "3")]
    assert labels_of(lines, tmp_path) == [
        (3, True, "3", None, "undecided"),
        (3, True, "3", None, "undecided"),
        (3, None, "3", None, "undecided"),
        (3, True, "3", None, "undecided"),
    ]


def test_an_answer_with_a_unit_counts_with_its_number() -> None:
    """ "11 cups" is 11 where 11 is there too, so both are in conflict with 12; the more frequent is shown."""
    found = {x.answer: x for x in compare([Given("11 cups", 3, 0), Given("11", 1, 1), Given("12", 2, 2)])}
    assert [found[name].conflict for name in ("11 cups", "11", "12")] == [True, True, True]
    assert [found[name].n_answers for name in found] == [2, 2, 2]
    assert found["11"].agree_share == pytest.approx(4 / 6)
    assert found["12"].majority == "11 cups"


def test_a_tie_goes_to_the_answer_of_the_first_row() -> None:
    """Two and two: the majority is that of the smallest row_id, also where it comes together from two forms."""
    assert compare([Given("8", 2, 1), Given("7", 2, 0)])[0].majority == "7"
    assert compare([Given("8", 2, 1), Given("7 cups", 1, 0), Given("7", 1, 5)])[0].majority == "7 cups"


def test_near_decimals_are_undecided_and_far_ones_differ() -> None:
    """Of 0.333333, 0.3333331 and 5 the first two may be one rounded number, 5 is surely another."""
    found = compare([Given("0.333333", 1, 0), Given("0.3333331", 1, 1), Given("5", 1, 2)])
    assert [(label.conflict, label.agree_share) for label in found] == [
        (True, None), (True, None), (True, pytest.approx(1 / 3))
    ]  # fmt: skip
    assert all(label.unsure for label in found)


ANSWERS = st.lists(
    st.sampled_from(
        ["1", "1.0", "2", "x", " x", "y+1", "A", "(B) 3", "11 cups", "11", "0.1", "0.1000001", "", None]
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15)
@given(ANSWERS, st.integers(1, 4))
def test_order_and_cuts_say_the_same(answers: list[str | None], rows_per_shard: int) -> None:
    """Whether an answer is in conflict does not depend on the place of its row, nor on the shards."""
    with TemporaryDirectory() as folder:
        lines: list[Line] = [(0, answer) for answer in answers]
        one = labels_of(lines, Path(folder) / "a", rows_per_shard=len(lines))
        assert labels_of(lines, Path(folder) / "b", rows_per_shard=rows_per_shard) == one
        back = labels_of(lines[::-1], Path(folder) / "c")[::-1]
        assert [(line[0], line[1], line[4]) for line in back] == [(line[0], line[1], line[4]) for line in one]


def test_conflict_is_symmetric_for_every_order() -> None:
    """Three answers in any order of rows: the same are in conflict."""
    answers = ["3", "4", r"\int_0^1 x dx"]
    told = {
        tuple(
            sorted(
                (label.answer, label.conflict)
                for label in compare([Given(a, 1, i) for i, a in enumerate(order)])
            )
        )
        for order in permutations(answers)
    }
    assert told == {(("3", True), ("4", True), (r"\int_0^1 x dx", None))}


def test_a_huge_cluster_is_no_square() -> None:
    """50,000 different numbers are told apart in seconds, and 50,000 texts are undecided, not compared."""
    started = time.process_time()
    numbers = compare([Given(str(n), 2, n) for n in range(50_000)])
    assert all(label.conflict and label.n_answers == 50_000 for label in numbers)
    texts = compare([Given(f"x^{n}", 2, n) for n in range(50_000)])
    assert all(label.conflict is None and label.unsure for label in texts)
    assert time.process_time() - started < 30  # pairs would take hours


def test_above_the_limit_numbers_still_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where texts are too many to compare, two numbers are still known to differ."""
    monkeypatch.setattr(label_conflict, "MAX_PAIRS", 3)
    found = compare([Given("1", 1, 0), Given("2", 1, 1), Given("x", 1, 2), Given("x y", 1, 3)])
    assert [label.conflict for label in found] == [True, True, None, None]


def test_long_answers_are_cut_and_only_compared_as_text(tmp_path: Path) -> None:
    """Ten megabytes are equal to themselves, and undecided beside anything else; 1,000 characters are kept."""
    long = "x+" * 5_000_000
    found = labels_of([(0, long), (0, long + " "), (2, "(D) " + long), (2, "C")], tmp_path)
    assert found[0] == found[1] == (1, False, long[:1000], 1.0, "ok")
    assert [line[1::3] for line in found[2:]] == [(None, "undecided")] * 2
