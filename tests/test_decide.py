"""Rules decide as written: all reasons, nulls that matter, one of each group kept."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.decide import (
    KeepOne,
    OnMissing,
    Rule,
    apply_rules,
    keep_one,
    keep_one_chain,
    keep_one_order,
    only_by_keep_one,
    tally,
    verdicts,
)
from curate.errors import MissingEvidence


def facts(values: list[float | None], other: list[bool | None]) -> pl.DataFrame:
    """Rows 0.. with leak.containment and query.has_url."""
    return pl.DataFrame(
        {
            "row_id": range(len(values)),
            "leak": [
                {"containment": value, "status": "ok" if value is not None else "no-text"} for value in values
            ],
            "query": [{"has_url": value} for value in other],
        },
        schema_overrides={
            "leak": pl.Struct({"containment": pl.Float64, "status": pl.String}),
            "query": pl.Struct({"has_url": pl.Boolean}),
        },
    )


def rules(on_missing: OnMissing = "stop") -> list[Rule]:
    """Two rules, the first with the given policy."""
    return [Rule("contaminated", "leak.containment >= 0.5", on_missing), Rule("url", "query.has_url", "keep")]


def test_every_reason_is_kept() -> None:
    """A row that two rules drop carries both reasons, and neither counts as the only one."""
    answers = apply_rules(facts([0.9, 0.9, 0.1], [True, False, False]), rules(), "row")
    judged = verdicts(answers, ["contaminated", "url"], "row")
    assert judged.to_dict(as_series=False) == {
        "row_id": [0, 1, 2],
        "keep": [False, False, True],
        "reasons": [["contaminated", "url"], ["contaminated"], []],
        "undecided": [[], [], []],
    }
    assert tally(judged, ["contaminated", "url"]) == {"contaminated": (2, 1), "url": (1, 0)}


def test_a_null_stops_the_run_and_says_where() -> None:
    """Without on-missing a null that matters is an error naming rule, predicate, row, status and remedy."""
    with pytest.raises(MissingEvidence) as caught:
        apply_rules(facts([0.9, None], [False, False]), rules(), "row")
    assert str(caught.value) == (
        "rule contaminated: `leak.containment >= 0.5` is null for 1 line(s), first row_id 1 "
        '(leak.status: no-text). Say in the rule what that means: on-missing = "keep", "drop" or "undecided".'
    )


def test_a_null_does_not_matter_where_another_rule_drops_the_row() -> None:
    """A row that is dropped anyway needs no answer from the rule that met null."""
    answers = apply_rules(facts([None], [True]), rules(), "row")
    assert verdicts(answers, ["contaminated", "url"], "row")["reasons"].to_list() == [["url"]]


@pytest.mark.parametrize(
    ("on_missing", "keep", "reasons", "undecided"),
    [
        ("keep", True, [], []),
        ("drop", False, ["contaminated"], []),
        ("undecided", False, [], ["contaminated"]),
    ],
)
def test_on_missing_says_what_a_null_means(
    on_missing: OnMissing, keep: bool, reasons: list[str], undecided: list[str]
) -> None:
    """keep, drop and undecided each do what they say."""
    judged = verdicts(
        apply_rules(facts([None], [False]), rules(on_missing), "row"), ["contaminated", "url"], "row"
    )
    assert judged.row(0) == (0, keep, reasons, undecided)


def test_of_a_group_the_preferred_row_stays() -> None:
    """Of duplicates the one with most correct answers stays; ties go to the smallest row_id; nulls lose."""
    survivors = pl.DataFrame(
        {
            "row_id": [2, 4, 7, 9, 11],
            "near": [{"cluster_id": value} for value in (2, 2, 2, 9, 9)],
            "pass": [{"correct": value} for value in (1, 3, 3, None, 0)],
        }
    )
    rule = KeepOne("near-duplicate", "near.cluster_id", (("pass.correct", True),))
    chosen = keep_one(keep_one_order(survivors, rule), rule)
    assert chosen.rows() == [(2, True, 4), (4, False, None), (7, True, 4), (9, True, 11), (11, False, None)]


def test_a_row_without_a_group_is_alone_or_stops_the_run() -> None:
    """A null group is an error unless the rule says what it means."""
    survivors = pl.DataFrame(
        {"row_id": [0], "near": [{"cluster_id": None}]},
        schema_overrides={"near": pl.Struct({"cluster_id": pl.Int64})},
    )
    strict = KeepOne("near-duplicate", "near.cluster_id", ())
    with pytest.raises(MissingEvidence, match="near-duplicate"):
        keep_one(keep_one_order(survivors, strict), strict)
    lenient = strict._replace(on_missing="keep")
    assert keep_one(keep_one_order(survivors, lenient), lenient).rows() == [(0, False, None)]


LINES = st.lists(st.tuples(st.none() | st.floats(0, 1), st.none() | st.booleans()), min_size=0, max_size=30)


@given(LINES, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_never_drops_more(
    lines: list[tuple[float | None, bool | None]], one: float, other: float
) -> None:
    """Raising the threshold of a rule drops a subset of what it dropped before."""
    low, high = sorted((one, other))
    table = facts([value for value, _ in lines], [value for _, value in lines])

    def dropped(threshold: float) -> set[int]:
        rule = Rule("contaminated", f"leak.containment >= {threshold}", "undecided")
        judged = verdicts(apply_rules(table, [rule], "row"), ["contaminated"], "row")
        return set(judged.filter(pl.col("reasons").list.len() > 0)["row_id"])

    assert dropped(high) <= dropped(low)


@given(LINES)
def test_no_row_is_lost_and_each_has_one_outcome(lines: list[tuple[float | None, bool | None]]) -> None:
    """in = kept + dropped + undecided, whatever is null."""
    table = facts([value for value, _ in lines], [value for _, value in lines])
    judged = verdicts(apply_rules(table, rules("undecided"), "row"), ["contaminated", "url"], "row")
    kept = judged["keep"].sum()
    dropped = (judged["reasons"].list.len() > 0).sum()
    undecided = ((judged["reasons"].list.len() == 0) & (judged["undecided"].list.len() > 0)).sum()
    assert kept + dropped + undecided == len(lines)


def test_only_of_a_keep_one_rule_is_what_would_be_kept_without_it() -> None:
    """Rows that a later keep-one rule would drop anyway are not dropped only by the earlier one."""
    answers = pl.DataFrame({"row_id": [0, 1, 2, 3], "url": [False, False, False, False]})
    facts = answers.select(
        "row_id",
        pl.struct(pl.Series("cluster_id", [0, 0, 2, 3])).alias("exact"),
        pl.struct(pl.Series("cluster_id", [0, 0, 0, 3])).alias("near"),
    )
    rules = [
        KeepOne("exact-duplicate", "exact.cluster_id", ()),
        KeepOne("near-duplicate", "near.cluster_id", ()),
    ]
    orders = {rule.reason: keep_one_order(facts, rule) for rule in rules}
    chained = keep_one_chain(answers, orders, rules)
    assert chained["exact-duplicate"].to_list() == [False, True, False, False]
    assert chained["near-duplicate"].to_list() == [False, False, True, False]
    assert chained["kept_instead"].to_list() == [None, 0, 0, None]
    assert only_by_keep_one(answers, orders, rules) == {"exact-duplicate": 0, "near-duplicate": 1}


def test_an_undecided_row_neither_stands_for_its_copies_nor_falls_for_them() -> None:
    """Keep-one rules ask only rows that are certain to be kept."""
    answers = pl.DataFrame(
        {"row_id": [0, 1, 2], "contaminated": [None, False, False]},
        schema_overrides={"contaminated": pl.Boolean},
    )
    facts = answers.select("row_id", pl.struct(pl.Series("cluster_id", [0, 0, 0])).alias("near"))
    rule = KeepOne("near-duplicate", "near.cluster_id", ())
    chained = keep_one_chain(answers, {"near-duplicate": keep_one_order(facts, rule)}, [rule])
    judged = verdicts(chained, ["contaminated", "near-duplicate"], "row")
    assert judged["keep"].to_list() == [False, True, False]
    assert judged["reasons"].to_list() == [[], [], ["near-duplicate"]]
    assert judged["undecided"].to_list() == [["contaminated"], [], []]
    assert judged["kept_instead"].to_list() == [None, None, 1]


def test_a_null_that_drops_is_a_reason_only_where_no_true_rule_drops() -> None:
    """on-missing = "drop" gives its reason where nothing else is known, and spares other rules their nulls."""
    two = [Rule("contaminated", "leak.containment >= 0.5", "drop"), Rule("url", "query.has_url", "stop")]
    answers = apply_rules(facts([None, None, 0.1], [True, None, False]), two, "row")
    judged = verdicts(answers, ["contaminated", "url"], "row")
    assert judged["reasons"].to_list() == [["url"], ["contaminated"], []]


def test_not_a_number_is_never_preferred() -> None:
    """0/0 sorts last in either direction, as null does."""
    survivors = pl.DataFrame({"row_id": [0, 1], "x": [{"g": 1, "v": float("nan")}, {"g": 1, "v": 0.5}]})
    for descending in (True, False):
        rule = KeepOne("copy", "x.g", (("x.v", descending),))
        assert keep_one(keep_one_order(survivors, rule), rule)["copy"].to_list() == [True, False]
