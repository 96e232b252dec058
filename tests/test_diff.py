from __future__ import annotations

import json
from pathlib import Path

import pytest
from runs import LEAKED_IN_STORY, REASONS, RECIPE, build_run

from curate.errors import RunError
from curate.report.diff import ABSENT, Example, as_text, diff

OTHER_RECIPE = RECIPE.replace("leak.containment >= 0.5", "leak.containment >= 0.95")
OTHER_REASONS = {**REASONS, 1: ["too-easy"], 8: [], 5: ["too-easy"]}


def other_input(run: Path) -> Path:
    """The same run as if it had read another file."""
    path = run / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["input"][0]["sha256"] = "cd" * 32
    path.write_text(json.dumps(manifest))
    return run


def test_a_run_does_not_differ_from_itself(tmp_path: Path) -> None:
    """No transitions and no recipe lines."""
    run = build_run(tmp_path / "a")
    found = diff(run, run)
    assert (found.matched_by, found.n_rows, found.n_same) == ("row_id", (12, 12), 12)
    assert (found.rows, found.responses, found.recipe) == ((), (), ())


@pytest.mark.parametrize("same_input", [True, False])
def test_rows_that_changed_are_grouped_by_what_they_were_and_are(tmp_path: Path, same_input: bool) -> None:
    """Matched by row_id or by the prompt's text, the transitions are the same."""
    before = build_run(tmp_path / "a")
    after = build_run(tmp_path / "b", OTHER_RECIPE, OTHER_REASONS)
    if not same_input:
        other_input(after)
    found = diff(before, after)
    assert found.matched_by == ("row_id" if same_input else "prompt")
    assert {(item.before, item.after): item.lines for item in found.rows} == {
        ("dropped: contaminated, too-easy", "dropped: too-easy"): 1,
        ("dropped: too-easy", "kept"): 1,
        ("kept", "dropped: too-easy"): 1,
    }
    assert found.rows[0].examples == (Example(1, 1, LEAKED_IN_STORY),)
    assert found.n_same == 9


def test_copies_of_one_prompt_are_matched_in_order(tmp_path: Path) -> None:
    """Rows 4 and 5 have one text: the first is matched with the first, the second with the second."""
    before = build_run(tmp_path / "a")
    after = other_input(build_run(tmp_path / "b", RECIPE, {**REASONS, 5: ["too-easy"]}))
    (change,) = diff(before, after).rows
    assert (change.before, change.after) == ("kept", "dropped: too-easy")
    assert [(example.before, example.after) for example in change.examples] == [(5, 5)]


def test_rows_of_one_run_only_are_absent_in_the_other(tmp_path: Path) -> None:
    """With other inputs, rows can come and go; n_rows counts each run's own."""
    before = build_run(tmp_path / "a")
    after = other_input(build_run(tmp_path / "b"))
    for name in ("input/rows", "verdicts"):
        (after / name / "00000.parquet").unlink()
    found = diff(before, after, examples=1)
    assert found.n_rows == (12, 5)
    assert {item.before: item.lines for item in found.rows if item.after == ABSENT} == {
        "dropped: contaminated": 1,
        "dropped: contaminated, too-easy": 1,
        "dropped: exact-duplicate": 1,
        "dropped: near-duplicate": 1,
        "kept": 2,
        "undecided: too-easy": 1,
    }
    assert found.n_same == 5
    assert all(len(item.examples) == 1 for item in found.rows)
    came = diff(after, before).rows
    assert {item.before for item in came} == {ABSENT}
    assert {example.before for item in came for example in item.examples} == {None}


def test_the_order_of_reasons_is_no_difference(tmp_path: Path) -> None:
    """A recipe that names its rules in another order gives the same outcomes."""
    after = build_run(tmp_path / "b", RECIPE, {**REASONS, 1: ["too-easy", "contaminated"]})
    assert diff(build_run(tmp_path / "a"), after).rows == ()


def test_responses_are_compared_too(tmp_path: Path) -> None:
    """A response whose verdict changed is a transition of its own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from curate.flow import write_parquet

    before, after = build_run(tmp_path / "a"), build_run(tmp_path / "b")
    shard = after / "response_verdicts" / "00000.parquet"
    table = pq.read_table(shard)
    lines = table.to_pylist()
    lines[0] |= {"keep": False, "reasons": ["looping"]}
    write_parquet(pa.Table.from_pylist(lines, schema=table.schema), shard)
    (change,) = diff(before, after).responses
    assert (change.before, change.after, change.lines) == ("kept", "dropped: looping", 1)
    assert change.examples[0].before == 0


def test_the_text_shows_transitions_examples_and_the_changed_line_of_the_recipe(tmp_path: Path) -> None:
    """Everything a person needs to judge a new threshold."""
    after = build_run(tmp_path / "b", OTHER_RECIPE, OTHER_REASONS)
    text = as_text(diff(build_run(tmp_path / "a"), after))
    lines = text.splitlines()
    assert lines[0] == "rows: 12 before, 12 after, matched by row_id; 9 the same, 3 changed"
    assert "        1  dropped: too-easy → kept" in lines
    assert "           row 8  What is 1 + 1?" in lines
    assert '-when = "leak.containment >= 0.5"' in lines
    assert '+when = "leak.containment >= 0.95"' in lines
    assert str(tmp_path) not in text


def test_both_folders_must_be_finished_runs(tmp_path: Path) -> None:
    """The message names the folder that is not one."""
    with pytest.raises(RunError, match="absent: expected a finished run"):
        diff(build_run(tmp_path / "a"), tmp_path / "absent")
