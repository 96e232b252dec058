from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from runs import APPLES, LEAKED, LEAKED_IN_STORY, RECIPE, SUM, TURNS, build_run

from curate.errors import RunError
from curate.flow import write_parquet
from curate.report.explain import as_text, explain
from curate.report.html import render


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made run."""
    return build_run(tmp_path_factory.mktemp("run"))


def test_every_row_has_the_verdict_the_run_gave_it(run: Path) -> None:
    """All twelve rows of both shards: verdict and reasons."""
    found = {i: (e.verdict, [r.rule.reason for r in e.reasons]) for i in range(12) for e in [explain(run, i)]}
    kept: tuple[str, list[str]] = ("kept", [])
    assert found == {
        0: kept, 1: ("dropped", ["contaminated", "too-easy"]), 2: ("dropped", ["contaminated"]),
        3: ("dropped", ["near-duplicate"]), 4: ("dropped", ["exact-duplicate"]), 5: kept,
        6: ("undecided", []), 7: ("dropped", ["no-prompt"]), 8: ("dropped", ["too-easy"]), 9: kept,
        10: ("dropped", ["no-response-left"]), 11: kept,
    }  # fmt: skip


def test_a_reason_comes_with_its_rule_and_the_values_it_looked_at(run: Path) -> None:
    """The rule's text is the recipe's; the values are those of the evidence it names."""
    leak = explain(run, 1).reasons[0]
    assert (leak.rule.kind, leak.rule.text) == ("drop", "leak.containment >= 0.5")
    assert leak.rule.because == "The problem is in a benchmark."
    assert leak.values == (("leak.containment", 0.9375),)


def test_an_undecided_row_shows_the_null_and_its_status(run: Path) -> None:
    """A null value comes with the status that says why it is null."""
    (ruling,) = explain(run, 6).undecided
    assert ruling.rule.reason == "too-easy"
    assert ruling.values == (("pass.pass_rate", None), ("pass.status", "no-response"))


def test_a_duplicate_shows_the_row_that_was_kept_instead(run: Path) -> None:
    """Text, answer and evidence of the kept row, also where it lies in the same shard or another."""
    other = explain(run, 3).kept_instead
    assert other is not None
    assert (other.row_id, other.prompt, other.answer) == (0, SUM, "110")
    assert other.evidence["near"]["jaccard"] == 0.875
    assert (explain(run, 4).kept_instead or other).prompt == APPLES


def test_responses_come_with_their_own_verdicts(run: Path) -> None:
    """Row 0 kept one response and dropped the other; the values are the response's."""
    kept, dropped = explain(run, 0).responses
    assert (kept.verdict, dropped.verdict) == ("kept", "dropped")
    assert dropped.reasons[0].values == (("math.verdict", "wrong"),)
    assert kept.evidence == {
        "loops": {"longest_run": 0, "status": "ok"},
        "math": {"verdict": "right", "status": "ok"},
    }


def test_rules_on_the_row_and_on_response_counts_show_their_values(run: Path) -> None:
    """`row.prompt` and `responses.left` are values like any other."""
    assert explain(run, 7).reasons[0].values == (("row.prompt", None),)
    assert explain(run, 10).reasons[0].values == (("responses.given", 1), ("responses.left", 0))


def test_a_rule_about_the_turns_shows_them(tmp_path: Path) -> None:
    """Every column of ROWS and RESPONSES is a value like any other, lists too."""
    recipe = (
        RECIPE
        + """
[drop.chat]
when = "len(row.turns) > 1"

[drop.cut-off]
when = "response.finish_reason = 'stop' AND len(row.turns) > 1"
"""
    )
    run = build_run(tmp_path / "run", recipe, {9: ["chat"]})
    (name, turns), *_ = explain(run, 9).reasons[0].values
    assert (name, turns) == ("row.turns", TURNS)
    assert "    row.turns = role system, content Be brief., role user" in as_text(explain(run, 9))


def many_responses(folder: Path, texts: int) -> Path:
    """The run as if row 0 had `texts` responses, each dropped for a wrong answer but the first."""
    run = build_run(folder)
    for table in ("input/responses", "response_verdicts", "evidence/math", "evidence/loops"):
        shard = run / table / "00000.parquet"
        lines = pq.read_table(shard)
        kept, dropped = lines.slice(0, 1), lines.slice(1, 1).to_pylist()[0]
        more = [{**dropped, "response_id": i} for i in range(1, texts)]
        added = pa.Table.from_pylist(more, schema=lines.schema)
        write_parquet(pa.concat_tables([kept, added, lines.slice(2)]), shard)
    return run


def test_of_many_responses_the_values_that_decided_come_first(tmp_path: Path) -> None:
    """Each has its verdict and values; texts and all evidence are there in full mode only."""
    row = explain(many_responses(tmp_path / "run", 8), 0)
    short, full = as_text(row), as_text(row, full=True)
    at = short.splitlines().index("8 responses: 1 kept, 7 dropped (wrong-answer 7)")
    assert short.splitlines()[at + 1 : at + 4] == [
        "  response 0: kept (m1)",
        "  response 1: dropped, wrong-answer (m2)",
        "    math.verdict = wrong",
    ]
    assert short.count("math.verdict = wrong") == full.count("math.verdict = wrong") == 7
    assert (short.count("boxed{100}"), full.count("boxed{100}")) == (0, 7)
    assert "(--full)" in short
    assert "(--full)" not in full


def test_of_very_many_responses_some_are_listed(tmp_path: Path) -> None:
    """The counts are of all; the text says how many are not listed."""
    short = as_text(explain(many_responses(tmp_path / "run", 300), 0))
    assert "300 responses: 1 kept, 299 dropped (wrong-answer 299)" in short.splitlines()
    assert "  … and 270 more" in short.splitlines()
    assert short.count("math.verdict = wrong") == 29


def test_a_response_that_no_rule_drops_is_not_kept_without_its_row(run: Path) -> None:
    """Row 8 is dropped; its right response is of a row that is not kept."""
    lines = as_text(explain(run, 8)).splitlines()
    assert "response 0: of a row not kept (m1)" in lines
    assert "response 1: undecided (m2)" in lines


def test_the_leak_is_marked_in_the_text(run: Path) -> None:
    """The span of the evidence, in characters of the prompt."""
    row = explain(run, 1)
    (span,) = row.spans
    assert LEAKED_IN_STORY[span.start : span.end] == LEAKED
    assert f"Please answer with care. ⟦{LEAKED}⟧ Give one number." in as_text(row)
    assert "\x1b[1;33m⟦" in as_text(row, colour=True)


def test_the_text_says_everything_in_words(run: Path) -> None:
    """Verdict, rule, values, the other row and its values."""
    text = as_text(explain(run, 3))
    for line in (
        "row 3: dropped, near-duplicate",
        "  near-duplicate: keep one row per near.cluster_id, best first by pass.correct desc, row_id",
        "    pass.correct = null",
        "kept instead: row 0",
        "  pass.correct = 1",
    ):
        assert line in text.splitlines()


def test_a_terminal_does_not_obey_a_prompt(run: Path) -> None:
    """Escape sequences and NUL of a row are spelled out."""
    text = as_text(explain(run, 11))
    assert "\x1b" not in text
    assert "\\x1b[31m" in text


def test_an_unknown_row_is_an_error_that_says_which_rows_there_are(run: Path) -> None:
    """Below, above and far away."""
    for row_id in (-1, 12, 10**12):
        with pytest.raises(RunError, match=f"there is no row {row_id}. The run has rows 0 to 11"):
            explain(run, row_id)


def test_a_folder_that_is_no_finished_run_is_an_error(run: Path, tmp_path: Path) -> None:
    """No folder, a foreign folder, an unfinished run and a damaged manifest are told apart."""
    with pytest.raises(RunError, match="found nothing there"):
        explain(tmp_path / "absent", 0)
    with pytest.raises(RunError, match="found no run"):
        explain(tmp_path, 0)
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    (copy / "manifest.json").write_text("{")
    with pytest.raises(RunError, match="not valid JSON"):
        explain(copy, 0)
    (copy / "manifest.json").write_text("{}")
    with pytest.raises(RunError, match="it has no counts, evidence, input, reasons"):
        explain(copy, 0)
    (copy / "manifest.json").unlink()
    with pytest.raises(RunError, match="found an unfinished run"):
        explain(copy, 0)


def test_a_row_without_verdict_is_a_damaged_run(run: Path, tmp_path: Path) -> None:
    """A missing line is never shown as kept."""
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    shard = copy / "verdicts" / "00000.parquet"
    write_parquet(pq.read_table(shard).slice(1), shard)
    with pytest.raises(RunError, match="row 0 has no verdict"):
        explain(copy, 0)
    shard = copy / "response_verdicts" / "00000.parquet"
    write_parquet(pq.read_table(shard).slice(0, 3), shard)
    with pytest.raises(RunError, match="response 0 of row 5 has no verdict"):
        explain(copy, 5)


def test_only_the_shard_of_the_row_is_read(run: Path, tmp_path: Path) -> None:
    """The other shard may be unreadable: row 8 is in the second."""
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    for path in copy.glob("**/00000.parquet"):
        if path.parent.name not in ("rows", "dropped", "undecided"):
            path.write_bytes(b"damaged")
    assert explain(copy, 8).verdict == "dropped"


def test_a_row_of_earlier_data_is_named_and_no_more(tmp_path: Path) -> None:
    """A row kept instead that came before this run's first is told by its row_id, in text and report."""
    run = build_run(tmp_path / "run")
    path = run / "verdicts" / "00000.parquet"
    table = pq.read_table(path)
    earlier = [-4 if value == 0 else value for value in table["kept_instead"].to_pylist()]
    index = table.schema.get_field_index("kept_instead")
    write_parquet(table.set_column(index, table.schema.field(index), pa.array(earlier, pa.int64())), path)
    explained = explain(run, 3)
    assert explained.kept_instead == (-4, None, None, {}, True)
    assert "kept instead: row -4 of the earlier data\n" in as_text(explained)
    assert "kept instead: row 5\n" in as_text(explain(run, 4))
    page = render(run, json.loads((run / "manifest.json").read_text(encoding="utf-8")))
    assert "kept instead: row -4 of the earlier data" in page


def test_columns_of_the_input_are_shown_where_a_rule_looked_at_them(tmp_path: Path) -> None:
    """A rule about `original` comes with the value of the row, and a protected row with the rule that spares it."""
    recipe = RECIPE.replace("row.prompt IS NULL", "original.level < 3")
    recipe = recipe.replace(
        'per = "near.cluster_id"', 'per = "near.cluster_id"\nprotect = "original.level > 4"'
    )
    assert recipe.count("original") == 2
    run = build_run(tmp_path / "run", recipe)
    assert explain(run, 7).reasons[0].values == (("original.level", 1),)
    (ruling,) = explain(run, 3).reasons
    assert ruling.rule.text.endswith("and every row where original.level > 4")
    assert dict(ruling.values)["original.level"] == 1
