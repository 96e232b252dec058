"""Runs on small inputs: what is written, in which order, and what is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from curate import recipe as recipes
from curate.engines.local import LocalEngine
from curate.errors import InputError, MissingEvidence, RecipeError, RunError
from curate.export import shuffle_key
from curate.pipeline import reading, run, writing
from curate.pipeline.deciding import judge
from curate.pipeline.measuring import finished_evidence, finished_input
from curate.report.explain import explain
from curate.report.query import query
from curate.stages import STAGES

LOOP = "The answer is seven and then we go on. " * 60


def run_recipe(
    text: str, rows: pl.DataFrame, folder: Path, **overrides: Any
) -> tuple[dict[str, Any], list[str]]:
    """The manifest of a run over the rows, and what it announced."""
    folder.mkdir(parents=True, exist_ok=True)
    rows.write_parquet(folder / "in.parquet")
    said: list[str] = []
    settings = {"source.files": [str(folder / "in.parquet")], **overrides}
    with LocalEngine(1) as engine:
        manifest = run(
            recipes.parse(text, "test", settings), folder / "out", engine=engine, announce=said.append
        )
    return manifest, said


def kept(folder: Path) -> pl.DataFrame:
    """The kept records, in file order."""
    return pl.read_parquet(sorted((folder / "out" / "kept").glob("*.parquet")))


RESPONSES = pl.DataFrame(
    {
        "id": ["a", "b", "c"],
        "problem": ["What is 1 + 6?", "What is 2 + 6?", "What is 3 + 6?"],
        "answer": ["7", "8", "9"],
        "responses": [["It is \\boxed{7}.", LOOP], [LOOP], ["It is \\boxed{9}."]],
    }
)
LOOPS = """
[evidence.loops]
stage = "repetition"
[drop.looping]
when = "loops.tail_loop_words >= 50"
"""


def test_original_says_which_responses_were_kept(tmp_path: Path) -> None:
    """Format original leaves the columns as they came and lists the responses that no rule dropped."""
    run_recipe(LOOPS, RESPONSES, tmp_path, **{"output.format": "original"})
    records = kept(tmp_path)
    assert records.columns == ["row_id", "id", "problem", "answer", "responses", "kept_responses"]
    assert records["kept_responses"].to_list() == [[0], None, [0]]
    assert records["responses"].to_list() == RESPONSES["responses"].to_list()


def test_kept_rows_are_cut_into_files_by_row_id(tmp_path: Path) -> None:
    """Format original in several files: ranges of row_id of one length, every kept row once and in order."""
    rows = pl.DataFrame({"problem": [f"What is {i} + 1?" for i in range(40)], "answer": ["7"] * 40})
    rule = '[drop.small]\nwhen = "row_id < 15 or row_id = 33"\n'
    settings = {"output.format": "original", "output.shard-bytes": 150}
    manifest, _ = run_recipe(rule, rows, tmp_path, **settings)
    files = sorted((tmp_path / "out" / "kept").glob("*.parquet"))
    ids = [pl.read_parquet(file)["row_id"].to_list() for file in files]
    assert len(files) >= 3
    ends = [(place + 1) * 40 // len(files) for place in range(len(files))]
    left = [row_id for row_id in range(15, 40) if row_id != 33]
    assert ids == [[i for i in left if low <= i < high] for low, high in zip([0, *ends], ends, strict=False)]
    assert manifest["counts"]["records"] == 24
    dropped = pl.read_parquet(tmp_path / "out" / "dropped" / "00000.parquet")
    assert dropped["row_id"].to_list() == [*range(15), 33]
    assert dropped.columns == ["row_id", "reasons", "kept_instead", "problem", "answer"]


def test_records_hold_only_kept_responses(tmp_path: Path) -> None:
    """A dropped response is in no record; the counts add up over rows that were kept and were not."""
    rule = LOOPS + "[drop.small]\nwhen = \"row.answer = '9'\"\n"
    manifest, _ = run_recipe(rule, RESPONSES, tmp_path, **{"output.format": "messages"})
    assert [m[-1]["content"] for m in kept(tmp_path)["messages"].to_list()] == ["It is \\boxed{7}."]
    counts = manifest["counts"]["responses"]
    assert counts == {"in": 4, "kept": 1, "dropped": 2, "undecided": 0, "of_other_rows": 1}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"output.format": "original"}, True),
        ({"output.format": "original", "output.shuffle-seed": 1}, False),
        ({"output.format": "verl"}, False),
        ({"output.format": "verl", "output.shuffle-seed": "none"}, True),
    ],
)
def test_records_are_shuffled_unless_original_or_told_not_to(
    overrides: dict[str, Any], expected: bool, tmp_path: Path
) -> None:
    """Training formats are shuffled with a seed; original and "none" keep the order of the input."""
    rows = pl.DataFrame(
        {"problem": [f"What is {i} + 1?" for i in range(50)], "answer": [str(i + 1) for i in range(50)]}
    )
    run_recipe("", rows, tmp_path, **overrides)
    column = kept(tmp_path)
    ids = column["row_id"] if "row_id" in column.columns else column["extra_info"].struct.field("row_id")
    assert sorted(ids) == list(range(50))
    assert (ids.to_list() == list(range(50))) is expected


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_how_many_records_are_put_in_order_at_once_changes_no_byte(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records of several shards end up in the shuffled order, in several files, whatever is held at once."""
    monkeypatch.setattr(writing, "WRITTEN_AT_ONCE", at_once)
    rows = pl.DataFrame({"problem": [f"What is {i} + 1?" for i in range(50)], "answer": ["1"] * 50})
    overrides = {"output.format": "verl", "output.shard-bytes": 2_000}
    monkeypatch.setattr(reading, "SHARD_ROWS", 9)
    run_recipe("", rows, tmp_path, **overrides)
    assert len(list((tmp_path / "out" / "input" / "rows").glob("*.parquet"))) == 6
    keys = shuffle_key(0, np.arange(50), np.zeros(50, np.int64)) >> np.uint64(1)
    assert kept(tmp_path)["extra_info"].struct.field("row_id").to_list() == np.argsort(keys).tolist()
    assert len(list((tmp_path / "out" / "kept").glob("*.parquet"))) > 1


def test_a_row_whose_responses_are_all_undecided_is_undecided(tmp_path: Path) -> None:
    """`responses.undecided` tells a row that lost its responses from one whose responses were not judged."""
    text = """
[drop.wrong]
when = "nullif(response.response, 'It is \\\\boxed{9}.') = 'x'"
on-missing = "undecided"
[drop.no-response-left]
when = \"\"\"case when responses.given = 0 or responses.left > 0 then false
  when responses.undecided > 0 then null else true end\"\"\"
on-missing = "undecided"
"""
    run_recipe(text, RESPONSES, tmp_path)
    verdicts = pl.read_parquet(tmp_path / "out" / "verdicts" / "*.parquet")
    assert verdicts["keep"].to_list() == [True, True, False]
    assert verdicts["undecided"].to_list() == [[], [], ["no-response-left"]]
    assert pl.read_parquet(tmp_path / "out" / "undecided" / "*.parquet")["id"].to_list() == ["c"]


def test_original_columns_keep_their_names(tmp_path: Path) -> None:
    """A column of the input that is called like one of ours is not touched; ours gets a prefix."""
    rows = pl.DataFrame({"problem": ["x", "y"], "answer": ["1", "2"], "reasons": ["mine", "too"]})
    run_recipe("[drop.one]\nwhen = \"row.answer = '1'\"\n", rows, tmp_path)
    dropped = pl.read_parquet(tmp_path / "out" / "dropped" / "*.parquet")
    assert dropped.select("reasons", "curate_reasons").rows() == [("mine", ["one"])]


def test_replacing_another_run_is_announced(tmp_path: Path) -> None:
    """The same run again says nothing; another recipe into the same folder is told."""
    rows = pl.DataFrame({"problem": ["x", "y"], "answer": ["1", "2"]})
    text = "[drop.one]\nwhen = \"row.answer = '1'\"\n"
    assert not any("is replaced" in line for line in run_recipe(text, rows, tmp_path)[1])
    assert not any("is replaced" in line for line in run_recipe(text, rows, tmp_path)[1])
    assert any("is replaced" in line for line in run_recipe(text.replace("'1'", "'2'"), rows, tmp_path)[1])


CASES = {
    "nothing": ({}, set()),
    "rule": ({"drop.looping.when": "loops.tail_loop_words >= 10"}, set()),
    "parameter": ({"evidence.loops.min-repeats": 4}, {"loops"}),
    "skip-if": ({"evidence.loops.skip-if": "query.is_empty"}, {"loops"}),
    "format": ({"output.format": "trl"}, set()),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_measures_again_exactly_what_depends_on_it(case: str, tmp_path: Path) -> None:
    """A rule or a format changes no evidence; a parameter or a skip-if changes that of its stage alone."""
    text = '[evidence.query]\nstage = "query-quality"\n' + LOOPS
    before, _ = run_recipe(text, RESPONSES, tmp_path)
    changed, again = CASES[case]
    after, _ = run_recipe(text, RESPONSES, tmp_path, **changed)
    moved = {
        name
        for name in before["evidence"]
        if before["evidence"][name]["key"] != after["evidence"][name]["key"]
    }
    assert moved == again


def test_a_changed_input_measures_everything_again(tmp_path: Path) -> None:
    """Evidence belongs to the bytes of the input."""
    text = '[evidence.query]\nstage = "query-quality"\n' + LOOPS
    before, _ = run_recipe(text, RESPONSES, tmp_path)
    after, _ = run_recipe(text, RESPONSES.reverse(), tmp_path)
    assert all(
        before["evidence"][name]["key"] != after["evidence"][name]["key"] for name in before["evidence"]
    )
    assert kept(tmp_path)["row_id"].sort().to_list() != []


def test_no_rows_are_an_error(tmp_path: Path) -> None:
    """An input without a single row is more likely a mistake than a data set."""
    rows = pl.DataFrame({"problem": [], "answer": []}, schema={"problem": pl.String, "answer": pl.String})
    with pytest.raises(InputError, match="expected rows, found none"):
        run_recipe("", rows, tmp_path)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_nobodys_files_are_deleted(tmp_path: Path) -> None:
    """A folder that no run made is refused, whatever its files are called; so is input inside the run."""
    rows = pl.DataFrame({"problem": ["x"], "answer": ["1"]})
    for name in ("manifest.json", ".cache/x", "kept/thesis.txt", "input/rows.parquet"):
        folder = tmp_path / name.replace("/", "-")
        (folder / "out" / name).parent.mkdir(parents=True)
        (folder / "out" / name).write_text("mine", encoding="utf-8")
        with pytest.raises(RunError, match="expected an empty folder or an earlier run"):
            run_recipe("", rows, folder)
        assert (folder / "out" / name).read_text(encoding="utf-8") == "mine"
    run_recipe("", rows, tmp_path / "good")
    inside = tmp_path / "good" / "out" / "more.parquet"
    rows.write_parquet(inside)
    with pytest.raises(RunError, match="lies in"):
        run_recipe("", rows, tmp_path / "good", **{"source.files": [str(inside)]})
    assert inside.exists()


def test_a_rule_that_fails_leaves_the_finished_run_alone(tmp_path: Path) -> None:
    """The old run is complete until its outputs are replaced."""
    rows = pl.DataFrame({"problem": ["x", None], "answer": ["1", "2"]})
    text = '[evidence.exact]\nstage = "exact-dedup"\n'
    run_recipe(text, rows, tmp_path)
    with pytest.raises(MissingEvidence):
        run_recipe(text + '[drop.alone]\nwhen = "exact.cluster_size > 5"\n', rows, tmp_path)
    assert (tmp_path / "out" / "manifest.json").exists()


def test_a_damaged_manifest_is_replaced(tmp_path: Path) -> None:
    """Running again mends a run whose manifest cannot be read."""
    rows = pl.DataFrame({"problem": ["x"], "answer": ["1"]})
    whole, _ = run_recipe("", rows, tmp_path)
    for text in ('{"curate": "0.', "[]"):
        (tmp_path / "out" / "manifest.json").write_text(text, encoding="utf-8")
        again, said = run_recipe("", rows, tmp_path)
        assert again == whole
        assert any("is replaced" in line for line in said)


def test_a_renamed_benchmark_is_measured_again(tmp_path: Path) -> None:
    """The name of a benchmark is evidence, so it belongs to the cache key."""
    item = "Find the sum of all positive integers that divide the number of apples in the basket of Ann"
    rows = pl.DataFrame({"problem": [item], "answer": ["1"]})
    text = '[evidence.leak]\nstage = "ngram-overlap"\nagainst = ["x"]\n'
    for name in ("first", "second"):
        bench = tmp_path / f"{name}.parquet"
        rows.write_parquet(bench)
        run_recipe(text, rows, tmp_path, **{"evidence.leak.against": [str(bench)]})
        leak = pl.read_parquet(tmp_path / "out" / "evidence" / "leak" / "*.parquet")
        assert leak["benchmark"].to_list() == [name]
        bench.unlink()


def test_a_raised_version_measures_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence of an older version of a stage is not used."""
    before, _ = run_recipe(LOOPS, RESPONSES, tmp_path)
    stage = STAGES["repetition"]
    monkeypatch.setitem(STAGES, "repetition", stage._replace(version=stage.version + 1))
    after, _ = run_recipe(LOOPS, RESPONSES, tmp_path)
    assert before["evidence"]["loops"]["key"] != after["evidence"]["loops"]["key"]


def test_evidence_follows_what_its_skip_if_looks_at(tmp_path: Path) -> None:
    """A stage that skips by other evidence is measured again when that evidence is."""
    text = LOOPS.replace('stage = "repetition"', 'stage = "repetition"\nskip-if = "exact.cluster_size > 1"')
    text = '[evidence.exact]\nstage = "exact-dedup"\n' + text
    before, _ = run_recipe(text, RESPONSES, tmp_path)
    after, _ = run_recipe(text, RESPONSES, tmp_path, **{"evidence.exact.normalize": "math"})
    assert before["evidence"]["loops"]["key"] != after["evidence"]["loops"]["key"]


def test_a_run_can_be_decided_again_wherever_it_lies(tmp_path: Path) -> None:
    """A copied run without cache and without its input is enough to decide; so is the result of deciding."""
    text = '[evidence.query]\nstage = "query-quality"\n' + LOOPS
    run_recipe(text, RESPONSES, tmp_path / "here", **{"output.format": "original"})
    shutil.copytree(tmp_path / "here" / "out", tmp_path / "copy", ignore=shutil.ignore_patterns(".cache"))
    shutil.rmtree(tmp_path / "here")
    source = tmp_path / "copy"
    for index in range(2):
        out = tmp_path / f"again-{index}"
        strict = recipes.parse(text, "test", {"drop.looping.when": "loops.n_words > 3"})
        with LocalEngine(1) as engine:
            manifest = run(strict, out, engine=engine, decide_from=source)
        assert manifest["reasons"]["response"]["looping"]["responses"] == 2
        source = out
    other = recipes.parse(text.replace('repetition"', 'repetition"\nmin-repeats = 9'), "test")
    with LocalEngine(1) as engine, pytest.raises(RunError, match="not measured in this run"):
        run(other, tmp_path / "no", engine=engine, decide_from=source)


def test_two_runs_may_share_a_cache(tmp_path: Path) -> None:
    """Two processes with one cache wait for each other and both end with the same bytes."""
    rows = pl.DataFrame(
        {"problem": [f"What is {i} and {i + 1}?" for i in range(3000)], "answer": ["1"] * 3000}
    )
    rows.write_parquet(tmp_path / "in.parquet")
    command = [
        sys.executable,
        "-c",
        "from curate.cli.main import app; app()",
        "dedup",
        str(tmp_path / "in.parquet"),
    ]
    both = [
        subprocess.Popen(
            [*command, "--cache", str(tmp_path / "cache"), "-o", str(tmp_path / name)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name in ("a", "b")
    ]  # fmt: skip
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    a, b = ((tmp_path / name / "manifest.json").read_bytes() for name in ("a", "b"))
    assert a == b


def test_what_is_published_says_nothing_of_the_machine(tmp_path: Path) -> None:
    """The data card names files, not folders."""
    run_recipe("", pl.DataFrame({"problem": ["x"], "answer": ["1"]}), tmp_path)
    card = (tmp_path / "out" / "kept" / "README.md").read_text(encoding="utf-8")
    assert "in.parquet" in card
    assert str(tmp_path) not in card


COPIES = pl.DataFrame(
    {
        "problem": ["What is 1 + 1?"] * 3 + ["What is 2 + 2?"] * 2 + ["What is 3 + 3?", "What is 4 + 4?"],
        "answer": ["2", "2", "2", "4", "4", "6", "8"],
        "source": ["web", "web", "web", "book", "web", None, None],
        "added": ["2021", "2024", None, "2020", "2023", "2022", "2022"],
        "meta": [{"checked": value} for value in (True, None, False, False, True, True, False)],
    }
)
KEEP = """
[evidence.exact]
stage = "exact-dedup"
[keep-one.exact-duplicate]
per = "exact.cluster_id"
"""


def verdicts_of(folder: Path) -> list[tuple[int, bool, list[str], int | None]]:
    """row_id, keep, reasons and kept_instead of every row."""
    table = pl.read_parquet(folder / "out" / "verdicts" / "*.parquet")
    return table.select("row_id", "keep", "reasons", "kept_instead").rows()


def test_the_newest_copy_stays(tmp_path: Path) -> None:
    """A column of the input, as it was read, can say which copy stays; the others name it."""
    run_recipe(KEEP + 'prefer = ["original.added desc"]\n', COPIES, tmp_path)
    assert [line[3] for line in verdicts_of(tmp_path)] == [1, None, 1, 4, None, None, None]


def test_a_nested_column_of_the_input_protects_rows(tmp_path: Path) -> None:
    """A field of a struct column protects rows where it is true; where it is null it does not."""
    run_recipe(KEEP + 'protect = "original.meta.checked"\n', COPIES, tmp_path)
    assert [line[3] for line in verdicts_of(tmp_path)] == [None, 0, 0, 4, None, None, None]


def test_a_column_of_the_input_skips_drops_and_judges_responses(tmp_path: Path) -> None:
    """`original` stands in skip-if, in rules about rows and, repeated for each response, about responses."""
    rows = RESPONSES.with_columns(pl.Series("level", [1, 2, 9]), pl.Series("a.b", ["x", None, "y"]))
    text = """
[evidence.loops]
stage = "repetition"
skip-if = "original.level > 5"
[drop.looping]
when = "loops.tail_loop_words >= 50"
on-missing = "keep"
[drop.odd]
when = "original.\\"a.b\\" = 'x' and response.response like '%boxed%'"
on-missing = "keep"
[drop.late]
when = "original.level > 1 and responses.given > 0"
"""
    manifest, _ = run_recipe(text, rows, tmp_path)
    assert manifest["evidence"]["loops"]["status"] == {"ok": 3, "skipped": 1}
    assert [line[2] for line in verdicts_of(tmp_path)] == [[], ["late"], ["late"]]
    judged = pl.read_parquet(tmp_path / "out" / "response_verdicts" / "*.parquet")
    assert judged["reasons"].to_list() == [["odd"], ["looping"], ["looping"], []]


def test_a_column_that_the_input_does_not_have_is_known_before_anything_is_measured(tmp_path: Path) -> None:
    """All wrong names are told at once after ingest; no evidence is made."""
    text = KEEP + 'prefer = ["original.aded desc"]\n[drop.x]\nwhen = "original.level > 3"\n'
    with pytest.raises(RecipeError) as caught:
        run_recipe(text, COPIES, tmp_path)
    assert str(caught.value).startswith(
        "recipe: 2 problems\n  - drop.x: `original.level > 3`: unknown column"
    )
    assert "Did you mean added?" in str(caught.value)
    assert not list((tmp_path / "out" / ".cache").glob("evidence-*"))


def test_finished_runs_know_the_columns_of_the_input(tmp_path: Path) -> None:
    """`curate decide`, `explain` and `sql` have the original columns as rules have them."""
    run_recipe(KEEP + 'prefer = ["original.added desc"]\n', COPIES, tmp_path)
    out = tmp_path / "out"
    ruling = explain(out, 0).reasons[0]
    assert dict(ruling.values) == {"exact.cluster_id": 0, "original.added": "2021"}
    found = query(
        out, "SELECT row_id FROM everything WHERE original.meta.checked AND original.added > '2021'"
    )
    assert found.table["row_id"].to_pylist() == [4, 5]
    assert query(out, "SELECT added FROM original WHERE row_id = 3").table["added"].to_pylist() == ["2020"]
    oldest = recipes.parse(KEEP + 'prefer = ["original.added"]\n', "test")
    with LocalEngine(1) as engine:
        run(oldest, tmp_path / "again" / "out", engine=engine, decide_from=out)
    assert [line[3] for line in verdicts_of(tmp_path / "again")] == [None, 0, 0, None, 3, None, None]
    wrong = recipes.parse(KEEP + 'prefer = ["original.aded"]\n', "test")
    with LocalEngine(1) as engine, pytest.raises(RecipeError, match="Did you mean added"):
        run(wrong, tmp_path / "no" / "out", engine=engine, decide_from=out)


def test_a_rule_that_drops_too_much_of_a_source_stops_the_run(tmp_path: Path) -> None:
    """Nothing is written, and a finished run in the same folder stays as it is; at the limit the run goes on."""
    run_recipe(KEEP + "max-drop-share = 0.5\n", COPIES, tmp_path)  # 2 of 4 rows of web, for a copy in web
    before = (tmp_path / "out" / "manifest.json").read_bytes()
    with pytest.raises(RunError, match="rule exact-duplicate drops 50.0% of source"):
        run_recipe(KEEP + "max-drop-share = 0.49\n", COPIES, tmp_path)
    assert (tmp_path / "out" / "manifest.json").read_bytes() == before
    with pytest.raises(RunError):
        run_recipe(KEEP + "max-drop-share = 0.49\n", COPIES, tmp_path / "new")
    assert not (tmp_path / "new" / "out" / "kept").exists()
    assert not (tmp_path / "new" / "out" / "manifest.json").exists()


def test_the_guard_changes_no_verdict(tmp_path: Path) -> None:
    """With and without max-drop-share the verdicts are the same bytes."""
    run_recipe(KEEP, COPIES, tmp_path / "without")
    run_recipe(KEEP + "max-drop-share = 1\n", COPIES, tmp_path / "with")
    a, b = (tmp_path / name / "out" / "verdicts" / "00000.parquet" for name in ("without", "with"))
    assert a.read_bytes() == b.read_bytes()


def test_a_source_that_another_one_holds_is_no_collapse(tmp_path: Path) -> None:
    """Of a keep-one rule only rows count whose surviving copy is of their own source, or both of none."""
    rows = pl.DataFrame({"problem": ["x y", "x y", "z w", "z w"], "answer": ["1", "1", "2", "2"]})
    guard = KEEP + "max-drop-share = 0\n"
    for sources in (["a", "b", None, "b"], ["b", "a", "b", None]):
        run_recipe(guard, rows.with_columns(pl.Series("source", sources)), tmp_path)
    for sources in (["a", "a", "c", "d"], ["c", "d", None, None]):
        with pytest.raises(RunError, match="drops 50.0% of"):
            run_recipe(guard, rows.with_columns(pl.Series("source", sources)), tmp_path)


def test_the_guard_counts_nulls_as_a_source_and_responses_by_their_rows(tmp_path: Path) -> None:
    """A rule about rows is held to the rows of a source, one about responses to its responses."""
    rows = RESPONSES.with_columns(pl.Series("source", ["a", None, None]))
    small = "[drop.small]\nwhen = \"row.answer = '9'\"\nmax-drop-share = 0.4\n"
    with pytest.raises(RunError, match=r"rule small drops 50.0% of the rows without source \(1 of 2 rows\)"):
        run_recipe(small, rows, tmp_path)
    loops = LOOPS + "max-drop-share = {}\n"  # half of the responses of each: 1 of 2, and 1 of 2
    run_recipe(loops.format(0.5), rows, tmp_path)
    with pytest.raises(
        RunError, match=r"rule looping drops 50.0% of source \"a\" \(1 of 2 responses\)"
    ) as caught:
        run_recipe(loops.format(0.4), rows, tmp_path)
    assert "also 50.0% of the rows without source (1 of 2 responses)" in str(caught.value)
    assert 'dropped row 0, response 1: "What is 1 + 6?"' in str(caught.value)


def test_every_rule_that_takes_too_much_is_told(tmp_path: Path) -> None:
    """Two rules over their limit are two paragraphs of one message."""
    text = KEEP + "max-drop-share = 0.1\n[drop.source]\nwhen = \"row.answer = '6'\"\nmax-drop-share = 0\n"
    with pytest.raises(RunError) as caught:
        run_recipe(text, COPIES, tmp_path)
    assert [line.split(" drops ")[0] for line in str(caught.value).splitlines() if " drops " in line] == [
        "rule source",
        "rule exact-duplicate",
    ]


def test_the_guard_shows_the_cluster_that_does_most(tmp_path: Path) -> None:
    """Prompts are cut to about 100 characters, null and control characters are made visible."""
    long = "word " * 400
    rows = pl.DataFrame(
        {
            "problem": ["a\x1b b"] * 2 + [long] * 4,
            "answer": ["1"] * 6,
            "source": ["s", "s", "other", "s", "s", "s"],
        }
    )
    with pytest.raises(RunError) as caught:
        run_recipe(KEEP + 'prefer = ["row_id desc"]\nmax-drop-share = 0.1\n', rows, tmp_path)
    lines = str(caught.value).splitlines()
    assert lines[0] == (
        'rule exact-duplicate drops 60.0% of source "s" (3 of 5 rows, for copies in the same source); '
        "its max-drop-share is 0.1."
    )
    assert lines[1] == (
        "  Most of it is the cluster exact.cluster_id = 2: 4 rows, 3 of them in this source, of which 2 go."
    )
    shown = '"' + ("word " * 20)[:99] + '…"'
    assert lines[2:5] == [
        f"    kept    row 5: {shown}", f"    dropped row 3: {shown}", f"    dropped row 4: {shown}"
    ]  # fmt: skip


def test_rows_of_groups_that_earlier_data_holds_are_dropped(tmp_path: Path) -> None:
    """`judge` takes the groups of earlier data by rule; such a loss is never a collapse of the source."""
    rows = pl.DataFrame({"problem": ["x y", "z w"], "answer": ["1", "2"], "source": ["a", "a"]})
    text = KEEP + "max-drop-share = 0\n"
    run_recipe(text, rows, tmp_path)
    recipe = recipes.parse(text, "test")
    ingested = finished_input(tmp_path / "out")
    evidence = finished_evidence(recipe, ingested, tmp_path / "out")
    taken = {"exact-duplicate": pl.DataFrame({"group": [1], "row_id": [-7]})}
    (tmp_path / "work").mkdir()
    judged = judge(recipe, ingested, evidence, tmp_path / "work", taken)
    assert judged.reasons["row"] == {"exact-duplicate": {"rows": 1, "only": 1}}
    table = pl.read_parquet(tmp_path / "work" / "verdicts" / "00000.parquet")
    assert table.select("keep", "kept_instead").rows() == [(True, None), (False, -7)]


WORDS = " ".join(f"word{a}{b}" for a in "abcdef" for b in "ghijklmnop")
ALIKE = pl.DataFrame(
    {  # Jaccard to row 0: 1, 56/58, 56/68
        "problem": [WORDS, f"{WORDS} and more", f"{WORDS} " + " ".join(f"end{a}" for a in "abcdefghijkl")],
        "answer": ["1", "1", "1"],
        "date": ["2024", "2023", "2022"],
    }
)
LONGEST = """
[evidence.near]
stage = "near-dedup"
[keep-one.near-duplicate]
per = "near.cluster_id"
prefer = ["length(row.prompt) desc"]
"""


def outcomes(manifest: dict[str, Any], folder: Path) -> list[tuple[bool, int | None]]:
    """keep and kept_instead of each row of a run that has so many rows."""
    verdicts = pl.read_parquet(folder / "verdicts" / "*.parquet").sort("row_id")
    assert verdicts.height == manifest["counts"]["rows"]["in"]
    return verdicts.select("keep", "kept_instead").rows()


def test_a_keep_one_rule_is_raised_without_measuring_again(tmp_path: Path) -> None:
    """With `where` the longest of the rows at 0.9 stays instead of the others; the row at 0.82 stays too."""
    first, _ = run_recipe(LONGEST, ALIKE, tmp_path)
    assert outcomes(first, tmp_path / "out") == [(False, 2), (False, 2), (True, None)]
    where = {"keep-one.near-duplicate.where": "near.jaccard >= 0.9"}
    with LocalEngine(1) as engine:
        stricter = recipes.parse(LONGEST, "test", where)
        manifest = run(stricter, tmp_path / "strict", engine=engine, decide_from=tmp_path / "out")
    assert outcomes(manifest, tmp_path / "strict") == [(False, 1), (True, None), (True, None)]
    rule = explain(tmp_path / "strict", 0).reasons[0]
    assert rule.rule.text == (
        "keep one row per near.cluster_id of those where near.jaccard >= 0.9, "
        "best first by length(row.prompt) desc"
    )
    assert dict(rule.values)["near.jaccard"] == 1.0
    page = (tmp_path / "strict" / "report.html").read_text(encoding="utf-8")
    assert "of those where near.jaccard &gt;= 0.9" in page


def test_where_holds_for_copies_of_earlier_data(tmp_path: Path) -> None:
    """A new row at 0.97 to a row of the index goes, one at 0.82 stays."""
    where = {"keep-one.near-duplicate.where": "near.jaccard >= 0.9"}
    index = {"source.earlier": str(tmp_path / "index"), **where}
    run_recipe(LONGEST, ALIKE.head(1), tmp_path / "a", **index)
    manifest, _ = run_recipe(LONGEST, ALIKE.tail(2), tmp_path / "b", **index)
    assert outcomes(manifest, tmp_path / "b" / "out") == [(False, 0), (True, None)]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (
            "near.jacard >= 0.9",
            "keep-one.near-duplicate.where: `near.jacard >= 0.9`: unknown column near.jacard",
        ),
        ("near.jaccard", "keep-one.near-duplicate.where: `near.jaccard`: expected true or false"),
    ],
)
def test_a_where_that_is_no_predicate_is_refused(where: str, expected: str) -> None:
    """A typo and a number are told before any data is read."""
    with pytest.raises(RecipeError, match=expected):
        recipes.parse(LONGEST, "test", {"keep-one.near-duplicate.where": where})


def test_a_column_that_a_rule_reads_is_not_called_unused(tmp_path: Path) -> None:
    """`date` is announced as not used, unless a rule, a preference or a skip-if looks at it."""
    note = "columns not used: date"
    _, said = run_recipe(LONGEST, ALIKE, tmp_path / "plain")
    assert note in said
    for index, setting in enumerate(
        (
            {"keep-one.near-duplicate.prefer": ["original.date desc"]},
            {"keep-one.near-duplicate.protect": "original.date = '2024'"},
            {"keep-one.near-duplicate.where": "original.date > '2020'"},
            {"drop.old": {"when": "original.date < '2000'"}},
            {"evidence.near.skip-if": "original.date < '2000'"},
        )
    ):
        _, said = run_recipe(LONGEST, ALIKE, tmp_path / str(index), **setting)
        assert not [line for line in said if "not used" in line], setting
