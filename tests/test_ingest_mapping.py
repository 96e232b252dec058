"""Files of one input that name their columns differently: each is mapped by itself, or the run stops."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.ingest import FieldMap, Ingested, ingest


def written(folder: Path, **files: list[dict[str, Any]]) -> list[str]:
    """Each argument as a file of JSON Lines; their paths, in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, rows in files.items():
        path = folder / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        paths.append(str(path))
    return paths


def read(files: list[str], into: Path, shard_rows: int = 65_536, **fields: str) -> Ingested:
    """The files, ingested."""
    return ingest(files, FieldMap(**fields), into, shard_rows=shard_rows)


def rows_of(made: Ingested) -> list[dict[str, Any]]:
    """The rows with their responses, without row_id."""
    responses: dict[int, list[str | None]] = {}
    for line in made.responses.read().to_pylist():
        responses.setdefault(line["row_id"], []).append(line["response"])
    return [
        {**row, "row_id": None, "responses": responses.get(row["row_id"], [])}
        for row in made.rows.read().to_pylist()
    ]


QUERY: dict[str, Any] = {"query": "1 + 1?", "answer": "2", "source": "q"}
PROBLEM: dict[str, Any] = {"problem": "2 + 2?", "ground_truth": "4", "dataset": "p"}


@pytest.mark.parametrize("shard_rows", [1, 2, 3, 65_536])
def test_files_with_query_and_with_problem_are_each_mapped_by_themselves(
    shard_rows: int, tmp_path: Path
) -> None:
    """No prompt, answer or source is lost, wherever shards end, and each file's mapping is announced."""
    files = written(tmp_path, a=[QUERY] * 2, b=[PROBLEM] * 3, c=[QUERY])
    made = read(files, tmp_path / "out", shard_rows)
    rows = made.rows.read()
    assert rows["prompt"].to_pylist() == ["1 + 1?"] * 2 + ["2 + 2?"] * 3 + ["1 + 1?"]
    assert rows["answer"].to_pylist() == ["2"] * 2 + ["4"] * 3 + ["2"]
    assert rows["source"].to_pylist() == ["q"] * 2 + ["p"] * 3 + ["q"]
    assert made.shape == (
        "files 1, 3: recognised problem: prompt ← query, answer ← answer, source ← source; "
        "file 2: recognised problem: prompt ← problem, answer ← ground_truth, source ← dataset"
    )
    assert made.notes == (
        f"{files[0]} and 1 more: recognised problem: prompt ← query, answer ← answer, source ← source",
        f"{files[1]}: recognised problem: prompt ← problem, answer ← ground_truth, source ← dataset",
    )
    assert made.unused.note() is None
    assert made.originals.read().to_pylist()[2] == {
        "row_id": 2, "query": None, "answer": None, "source": None, **PROBLEM
    }  # fmt: skip


@pytest.mark.parametrize(
    "other",
    [
        {"problem": "2?", "answer": "2"},  # without `solution`, the first has it
        {"problem": "2?"},
        {"problem": "2?", "answer": "2", "solution": "so", "licence": "mit"},
        {"problem": None, "answer": "2", "solution": "so"},
    ],
)
def test_files_that_one_mapping_serves_share_it(other: dict[str, Any], tmp_path: Path) -> None:
    """Where a file only lacks something, all files have the mapping that their columns together give."""
    first = {"problem": "1?", "answer": "1", "solution": "so"}
    made = read(written(tmp_path, a=[first], b=[other]), tmp_path / "out")
    assert (
        made.shape == "recognised problem, solution, answer (NuminaMath): prompt ← problem, answer ← answer"
    )
    assert made.rows.read()["prompt"].to_pylist() == ["1?", other["problem"]]


def test_a_mapping_may_find_the_prompt_of_a_file_that_alone_has_no_shape(tmp_path: Path) -> None:
    """`instruction` without `output` is no shape, but beside a file that has both it is the prompt."""
    files = written(tmp_path, a=[{"instruction": "a", "output": "b"}], b=[{"instruction": "c"}])
    made = read(files, tmp_path / "out")
    assert made.rows.read()["prompt"].to_pylist() == ["a", "c"]
    assert made.shape.startswith("recognised Alpaca")


def test_a_column_that_is_null_throughout_a_file_is_no_prompt_there(tmp_path: Path) -> None:
    """`problem: null` on every line of a file does not hide its `query`."""
    files = written(tmp_path, a=[{"problem": "a"}], b=[{"problem": None, "query": "b"}])
    assert read(files, tmp_path / "out").rows.read()["prompt"].to_pylist() == ["a", "b"]


def test_a_file_without_rows_says_nothing(tmp_path: Path) -> None:
    """An empty Parquet file with other columns changes no mapping and is no error."""
    pq.write_table(pa.table({"query": pa.array([], pa.string())}), tmp_path / "b.parquet")
    files = [*written(tmp_path, a=[PROBLEM]), str(tmp_path / "b.parquet")]
    made = read(files, tmp_path / "out")
    assert made.rows.read()["prompt"].to_pylist() == ["2 + 2?"]
    assert made.shape.startswith("recognised problem: prompt ← problem")


def test_a_named_column_that_a_file_lacks_with_nothing_in_its_place_is_null_there(tmp_path: Path) -> None:
    """--answer-column gold where one of the files has no answers of any name."""
    files = written(tmp_path, a=[{"problem": "a", "gold": "1"}], b=[{"problem": "b"}])
    made = read(files, tmp_path / "out", answer="gold")
    assert made.rows.read()["answer"].to_pylist() == ["1", None]


def test_a_named_conversation_leaves_the_prompts_of_other_files(tmp_path: Path) -> None:
    """The prompt is the column `problem` where there is one, and the conversation's elsewhere."""
    files = written(tmp_path, a=[{"talk": [{"role": "user", "content": "a"}]}], b=[{"problem": "b"}])
    assert read(files, tmp_path / "out", messages="talk").rows.read()["prompt"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"problem": "a"}, {"problem": None}], "1 row has no prompt: problem is null there"),
        (
            [{"problem": "a"}, {"query": "b"}, {"query": "c"}],
            "2 rows have no prompt: problem is null there. Not looked at: query; to use such a column, put "
            "it and problem into one",
        ),
    ],
)
def test_rows_without_a_prompt_are_told(rows: list[dict[str, Any]], expected: str, tmp_path: Path) -> None:
    """Their number is a note, with the columns of the input that may hold what is missing."""
    assert expected in read(written(tmp_path, a=rows), tmp_path / "out").notes


def test_a_finished_ingest_of_such_files_is_found_again(tmp_path: Path) -> None:
    """Shape, notes and unused columns come back from the folder."""
    files = written(tmp_path, a=[{**QUERY, "date": "2024"}], b=[PROBLEM])
    made = read(files, tmp_path / "out")
    assert read(files, tmp_path / "out") == made
    assert made.unused.note() == "columns not used: date"
    assert made.unused.note({"date"}) is None


KINDS: dict[str, dict[str, Any]] = {
    "query": {"query": "q?", "responses": ["r", "s"]},
    "problem": {"problem": "p?", "answer": "1", "date": "2024"},
    "question": {"question": "w?", "answer": "so #### 7"},
    "alpaca": {"instruction": "i", "input": "j", "output": "o"},
    "chat": {"messages": [{"role": "user", "content": "m?"}, {"role": "assistant", "content": "n"}]},
    "sharegpt": {"conversations": [{"from": "human", "value": "h?"}, {"from": "gpt", "value": "g"}]},
    "text": {"text": "t", "ground_truth": "3"},
}


@settings(max_examples=40, deadline=None)
@given(
    kinds=st.lists(st.tuples(st.sampled_from(sorted(KINDS)), st.integers(1, 3)), min_size=2, max_size=4),
    shard_rows=st.integers(1, 5),
)
def test_files_of_different_kinds_give_the_rows_that_each_gives_alone(
    kinds: list[tuple[str, int]], shard_rows: int
) -> None:
    """Whatever kinds of files meet, every row is as if its file had been read by itself."""
    with TemporaryDirectory() as folder:
        files = written(Path(folder), **{f"f{i}": [KINDS[kind]] * n for i, (kind, n) in enumerate(kinds)})
        together = rows_of(read(files, Path(folder) / "out", shard_rows))
        alone = [
            row for i, file in enumerate(files) for row in rows_of(read([file], Path(folder) / f"out{i}"))
        ]
        assert together == alone
        assert all(row["prompt"] for row in together)
