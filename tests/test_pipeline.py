"""Runs on small inputs: what is written, in which order, and what is said."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate import recipe as recipes
from curate.engines.local import LocalEngine
from curate.errors import InputError, MissingEvidence, RunError
from curate.pipeline import run
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
