"""Benchmark files: which files names stand for, and the items read from them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from curate.benchmarks.load import Benchmark, files_of, load, load_all
from curate.errors import InputError


def jsonl(*rows: Any) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def write(path: Path, content: bytes) -> Path:
    """Write a file, its folder too; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


ROWS = [{"id": "a", "problem": "What is 1+1?"}, {"id": "b", "problem": None}]
EXPECTED = Benchmark("set", ["a", "b"], ["What is 1+1?", None])


def test_every_kind_of_file_gives_the_same_items(tmp_path: Path) -> None:
    """Parquet and JSON lines, packed or not, are named by their stem and read alike; null text stays null."""
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "set.parquet")
    paths = [
        tmp_path / "set.parquet",
        write(tmp_path / "set.jsonl", jsonl(*ROWS)),
        write(tmp_path / "set.jsonl.gz", gzip.compress(jsonl(*ROWS))),
        write(tmp_path / "set.jsonl.zst", zstandard.compress(jsonl(*ROWS))),
        write(tmp_path / "set.JSONL", b"\xef\xbb\xbf" + jsonl(ROWS[0]) + b"\n  \n" + jsonl(ROWS[1])),
    ]
    assert [load(path) for path in paths] == [EXPECTED] * len(paths)


def test_csv_with_quotes_line_breaks_and_a_byte_order_mark(tmp_path: Path) -> None:
    """A CSV field may hold commas, quotes and line breaks; an absent id is the position."""
    path = write(tmp_path / "set.csv", '\ufeffquestion,answer\n"1, ""2""\nand 3?",6\nx,\n'.encode())
    assert load(path) == Benchmark("set", ["0", "1"], ['1, "2"\nand 3?', "x"])


@pytest.mark.parametrize("column", ["problem", "question", "prompt", "query", "text", "content"])
def test_the_text_column_is_recognised(column: str, tmp_path: Path) -> None:
    """Each usual name of the text column is found without being named."""
    assert load(write(tmp_path / "set.jsonl", jsonl({"answer": "2", column: "1+1"}))).texts == ["1+1"]


@pytest.mark.parametrize("column", ["id", "uid", "task_id", "question_id"])
def test_the_id_column_is_recognised(column: str, tmp_path: Path) -> None:
    """Ids are text, also where the file has numbers; a null id is the position."""
    path = write(tmp_path / "set.jsonl", jsonl({column: 7, "text": "x"}, {column: None, "text": "y"}))
    assert load(path).ids == ["7", "1"]


def test_problem_comes_before_prompt(tmp_path: Path) -> None:
    """Where several columns could be the text, the bare problem wins over the prompt made of it."""
    path = write(tmp_path / "set.jsonl", jsonl({"prompt": "Solve: 1+1", "problem": "1+1"}))
    assert load(path).texts == ["1+1"]
    assert load(path, column="prompt").texts == ["Solve: 1+1"]


def test_of_a_chat_the_user_texts_are_taken(tmp_path: Path) -> None:
    """A list of messages gives what the user says, in either of the two usual spellings."""
    chats = [
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "1+1?"},
            {"role": "assistant", "content": "2"},
            {"role": "user", "content": "2+2?"},
        ],
        [{"from": "human", "value": "3+3?"}, {"from": "gpt", "value": "6"}],
        [{"role": "assistant", "content": "hello"}],
    ]
    path = write(tmp_path / "set.jsonl", jsonl(*({"prompt": chat} for chat in chats)))
    assert load(path).texts == ["1+1?\n\n2+2?", "3+3?", None]
    pq.write_table(pa.table({"prompt": chats[:1]}), tmp_path / "set.parquet")
    assert load(tmp_path / "set.parquet").texts == ["1+1?\n\n2+2?"]


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    """JSON can spell half of a character; the text stays one that UTF-8 can hold."""
    path = write(tmp_path / "set.jsonl", b'{"text": "a\\ud83d b \\ud83d\\ude00"}\n')
    assert load(path).texts == ["a\ufffd b 😀"]


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    """Names of benchmarks are distinct, with no more folders in front than it takes."""
    places = ["gsm8k/test.jsonl", "math/test.jsonl", "old/math/test.jsonl", "aime.jsonl", "aime.csv"]
    row = {".jsonl": jsonl({"text": "x"}), ".csv": b"text\nx\n"}
    paths = [write(tmp_path / "sets" / place, row[Path(place).suffix]) for place in places]
    names = [benchmark.name for benchmark in load_all(paths)]
    assert names == ["gsm8k/test", "sets/math/test", "old/math/test", "aime.jsonl", "aime.csv"]


def test_names_stand_for_files_globs_and_folders(tmp_path: Path) -> None:
    """Files come in the order named, those of a glob or folder by name; each once."""
    for name in ("b.jsonl", "a.csv", "README.md", ".hidden.csv", "deep/c.parquet", "z.jsonl.gz"):
        write(tmp_path / name, b"")
    z, a, b, c = (tmp_path / name for name in ("z.jsonl.gz", "a.csv", "b.jsonl", "deep/c.parquet"))
    assert files_of([str(z), str(tmp_path)]) == [z, a, b]
    assert files_of([str(tmp_path / "**" / "*.parquet"), str(tmp_path / "[ab].*")]) == [c, a, b]
    assert files_of([str(tmp_path / "b.jsonl"), str(tmp_path / "deep" / ".." / "b.jsonl")]) == [b]


def test_all_names_that_stand_for_nothing_are_told(tmp_path: Path) -> None:
    """Each is said with what would have been accepted."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as error:
        files_of(["aime_2024", "none/*.csv", str(tmp_path / "empty")])
    accepted = (
        "a file (.parquet, .jsonl, .jsonl.gz, .jsonl.zst, .csv), a glob such as 'benchmarks/*.parquet', "
        "or a folder of such files"
    )
    assert str(error.value) == (
        f"aime_2024: there is no such file. Expected {accepted}.\n"
        f"none/*.csv: no file matches. Expected {accepted}.\n"
        f"{tmp_path}/empty: the folder holds no benchmark file. "
        "Expected .parquet, .jsonl, .jsonl.gz, .jsonl.zst, .csv files in it."
    )


WRONG = {
    "other.jsonl": (
        jsonl({"stem": "x", "key": 1}),
        "expected a text column named .*; found stem, key",
    ),
    "line.jsonl": (jsonl({"text": "x"}) + b"{text}\n", "line 2: expected one JSON object a line"),
    "deep.jsonl": (b"[" * 100_000 + b"\n", "line 1: expected one JSON object a line"),
    "list.jsonl": (b"[1]\n", "line 1: expected a JSON object, found list"),
    "none.jsonl": (b"\n", "found no columns"),
    "header.csv": (b"text\n", "expected benchmark items, found none"),
    "fields.csv": (b"text,id\nx\n", "record 2: expected 2 fields as in the header, found 1"),
    "number.jsonl": (jsonl({"text": 5}), "item 0: column text: expected text or a list of messages"),
    "bytes.jsonl": (b'{"text": "\xff"}\n', "expected UTF-8 text"),
    "set.parquet": (b"not parquet at all", "damaged or not what its name says"),
    "set.jsonl.gz": (b"not gzip", "damaged or not what its name says"),
    "cut.jsonl.gz": (gzip.compress(jsonl({"text": "x" * 1000}))[:-9], "damaged or not what its name says"),
    "set.jsonl.zst": (b"not zstd", "damaged or not what its name says"),
    "set.xlsx": (b"", "unknown kind of file. Expected .parquet"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_named_with_what_is_wrong(name: str, tmp_path: Path) -> None:
    """No file is half read: the error says which file, where in it, and what was expected."""
    content, message = WRONG[name]
    path = write(tmp_path / name, content)
    with pytest.raises(InputError, match=message) as error:
        load(path)
    assert str(error.value).startswith(str(path))


def test_an_unknown_column_gets_a_suggestion(tmp_path: Path) -> None:
    """The nearest column the file has is named."""
    path = write(tmp_path / "set.jsonl", jsonl({"question_text": "x", "answer": "1"}))
    with pytest.raises(InputError, match=r"no column question_txt. Did you mean question_text\?"):
        load(path, column="question_txt")


def test_an_absent_file_is_an_input_error(tmp_path: Path) -> None:
    """A file that is not there is told as such."""
    with pytest.raises(InputError, match="there is no such file"):
        load(tmp_path / "absent.jsonl")


@pytest.mark.real_data
def test_all_benchmarks_beside_the_repository_are_read(shared_data: Path) -> None:
    """54 sets with 74,498 items, ids from their files, no item without text."""
    benchmarks = load_all(files_of([str(shared_data / "benchmarks")]))
    assert (len(benchmarks), sum(len(b.ids) for b in benchmarks)) == (54, 74_498)
    assert all(text for b in benchmarks for text in b.texts)
    assert next(b for b in benchmarks if b.name == "aime_2026").ids[0].startswith("aime_2026/")
