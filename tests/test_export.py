from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import datasets  # type: ignore[import-untyped]
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import RECIPE, build_run

from curate.data_card import data_card
from curate.export import FORMATS, Options, shuffle_key
from curate.flow import RESPONSES, ROWS, write_parquet

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "3 + 4?"},
    {"role": "assistant", "content": "7"},
    {"role": "user", "content": "Its square?"},
    {"role": "assistant", "content": "49"},
]
FULL: dict[str, Any] = {
    "row_id": 9, "prompt": "3 + 4?\nIts square?", "answer": "49", "source": "chats", "system": "Be brief.",
    "turns": CHAT, "tests": None,
}  # fmt: skip
BARE: dict[str, Any] = {
    "row_id": 2, "prompt": "What is 1 + 1?", "answer": None, "source": None, "system": None, "turns": None,
    "tests": None,
}  # fmt: skip
FULL_RESPONSE: dict[str, Any] = {
    "row_id": 9, "response_id": 1, "response": "<think>7 * 7</think>49", "model": "m1",
    "finish_reason": "stop", "given_correct": True,
}  # fmt: skip
BARE_RESPONSE: dict[str, Any] = {
    "row_id": 2, "response_id": 0, "response": "2", "model": None, "finish_reason": None,
    "given_correct": None,
}  # fmt: skip


def frame(lines: list[dict[str, Any]], schema: pa.Schema) -> pl.DataFrame:
    """Lines as a frame of the canonical types."""
    made = pl.from_arrow(pa.Table.from_pylist(lines, schema=schema))
    assert isinstance(made, pl.DataFrame)
    return made


def records(
    name: str,
    rows: list[dict[str, Any]],
    responses: list[dict[str, Any]] | None = None,
    options: Options | None = None,
) -> pa.Table:
    """Records of a format."""
    fmt = FORMATS[name]
    answers = frame(responses or [], RESPONSES) if fmt.grain == "response" else None
    return fmt.records(frame(rows, ROWS), answers, options or Options())


def turn(role: str, content: str | None) -> dict[str, str | None]:
    """A turn of a conversation."""
    return {"role": role, "content": content}


def test_messages_hold_the_whole_conversation_with_the_response_as_its_end() -> None:
    """A chat keeps its system prompt and earlier turns; its last answer is the kept response."""
    (record,) = records("messages", [FULL], [FULL_RESPONSE]).to_pylist()
    assert record == {
        "messages": [*CHAT[:4], turn("assistant", "<think>7 * 7</think>49")],
        "answer": "49", "source": "chats", "model": "m1", "pass_rate": None, "row_id": 9, "response_id": 1,
    }  # fmt: skip


def test_a_row_that_is_no_chat_is_one_user_turn() -> None:
    """Without turns and system prompt the conversation is the prompt and the response."""
    (record,) = records("messages", [BARE], [BARE_RESPONSE]).to_pylist()
    assert record["messages"] == [turn("user", "What is 1 + 1?"), turn("assistant", "2")]


def test_a_rewritten_prompt_is_what_is_written_for_a_chat_of_one_turn() -> None:
    """Where a chat has one user turn, `prompt` is the text, not the turn as it came in."""
    row = {**BARE, "prompt": "Rewritten.", "turns": [turn("user", "As it was."), turn("assistant", "2")]}
    assert records("trl", [row]).to_pylist()[0]["prompt"] == [turn("user", "Rewritten.")]


def test_a_chat_that_ends_with_the_user_keeps_its_last_turn() -> None:
    """Turns without a final answer are all part of the prompt."""
    row = {**FULL, "turns": CHAT[:4]}
    assert records("trl", [row]).to_pylist()[0]["prompt"] == CHAT[:4]


def test_the_system_prompt_of_the_recipe_replaces_that_of_the_row() -> None:
    """`system` of the options stands first, once; an empty system prompt of a row is kept as it is."""
    (record,) = records("trl", [FULL], options=Options(system="Think.")).to_pylist()
    assert record["prompt"][:2] == [turn("system", "Think."), turn("user", "3 + 4?")]
    (empty,) = records("trl", [{**BARE, "system": ""}]).to_pylist()
    assert empty["prompt"] == [turn("system", ""), turn("user", "What is 1 + 1?")]


def test_a_system_turn_is_found_where_the_system_column_is_null() -> None:
    """The system turn inside a chat is used where ingest did not lift it out."""
    (record,) = records("trl", [{**FULL, "system": None}]).to_pylist()
    assert record["prompt"] == CHAT[:4]


def test_the_prompt_suffix_goes_after_the_last_user_turn_only() -> None:
    """Earlier turns and the response stay as they are."""
    (record,) = records("messages", [FULL], [FULL_RESPONSE], Options(prompt_suffix=" Box it.")).to_pylist()
    assert [t["content"] for t in record["messages"]] == [
        "Be brief.", "3 + 4?", "7", "Its square? Box it.", "<think>7 * 7</think>49",
    ]  # fmt: skip


def test_prompt_completion_splits_before_the_response() -> None:
    """TRL's conversational form: every turn before the answer, then the answer as one turn."""
    (record,) = records("prompt-completion", [FULL], [FULL_RESPONSE]).to_pylist()
    assert record["prompt"] == CHAT[:4]
    assert record["completion"] == [turn("assistant", "<think>7 * 7</think>49")]


def test_sharegpt_names_the_speakers_as_llama_factory_does() -> None:
    """user, assistant and tool are human, gpt and observation; the system prompt is a column."""
    tool_chat = [
        turn("user", "Run it."),
        turn("assistant", "call"),
        turn("tool", "42"),
        turn("assistant", "x"),
    ]
    lines = [FULL, {**BARE, "turns": tool_chat}]
    first, second = records("sharegpt", lines, [FULL_RESPONSE, BARE_RESPONSE]).to_pylist()
    assert first["system"] == "Be brief."
    assert [(t["from"], t["value"]) for t in first["conversations"]] == [
        ("human", "3 + 4?"), ("gpt", "7"), ("human", "Its square?"), ("gpt", "<think>7 * 7</think>49"),
    ]  # fmt: skip
    assert second["system"] is None
    assert [t["from"] for t in second["conversations"]] == ["human", "gpt", "observation", "gpt"]


def test_verl_records_hold_what_its_reward_functions_read() -> None:
    """One record per row: data_source, prompt, ability, reward_model, extra_info."""
    (record,) = records("verl", [FULL]).to_pylist()
    assert record == {
        "data_source": "chats", "prompt": CHAT[:4], "ability": "math",
        "reward_model": {"ground_truth": "49", "style": "rule"},
        "extra_info": {
            "index": 9, "split": "train", "row_id": 9, "source": "chats", "answer": "49", "pass_rate": None,
        },
    }  # fmt: skip


def test_verl_code_rows_have_their_tests_as_ground_truth() -> None:
    """Tests win over the answer and make the ability `code`."""
    (record,) = records("verl", [{**BARE, "answer": "42", "tests": '{"inputs": []}'}]).to_pylist()
    assert record["reward_model"]["ground_truth"] == '{"inputs": []}'
    assert (record["ability"], record["extra_info"]["answer"]) == ("code", "42")


def test_verl_data_source_is_the_recipe_s_then_the_row_s_then_unknown() -> None:
    """The source of the row stays in extra_info when data_source is overridden."""
    own, none = records("verl", [FULL, BARE]).to_pylist()
    assert (own["data_source"], none["data_source"]) == ("chats", "unknown")
    (given_name,) = records("verl", [FULL], options=Options(data_source="math_dapo")).to_pylist()
    assert (given_name["data_source"], given_name["extra_info"]["source"]) == ("math_dapo", "chats")


def test_trl_records_hold_the_columns_that_reward_functions_get() -> None:
    """ground_truth is the tests or the answer; solution is the answer, as TRL's own reward names it."""
    math, code = records("trl", [FULL, {**BARE, "tests": "[]"}]).to_pylist()
    assert (math["ground_truth"], math["solution"], math["tests"]) == ("49", "49", None)
    assert (code["ground_truth"], code["solution"], code["tests"]) == ("[]", None, "[]")


def test_a_measured_pass_rate_travels_with_the_records() -> None:
    """A `pass_rate` column beside those of ROWS is written; without it the column is null."""
    rows = frame([FULL], ROWS).with_columns(pl.lit(0.25).alias("pass_rate"))
    verl = FORMATS["verl"].records(rows, None, Options()).to_pylist()[0]
    messages = FORMATS["messages"].records(rows, frame([FULL_RESPONSE], RESPONSES), Options()).to_pylist()[0]
    assert (verl["extra_info"]["pass_rate"], messages["pass_rate"]) == (0.25, 0.25)


def test_records_come_in_the_order_of_the_responses() -> None:
    """One record per response, in the order given, whatever the order of the rows."""
    table = records(
        "messages", [FULL, BARE], [BARE_RESPONSE, FULL_RESPONSE, {**BARE_RESPONSE, "response_id": 5}]
    )
    assert list(zip(table["row_id"].to_pylist(), table["response_id"].to_pylist(), strict=True)) == [
        (2, 0), (9, 1), (2, 5),
    ]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rows", [[], [BARE], [FULL, BARE], [{**BARE, "prompt": None, "turns": []}]])
def test_every_table_of_a_format_has_the_same_schema(name: str, rows: list[dict[str, Any]]) -> None:
    """Empty tables, all-null columns and full rows give one schema without null or large types."""
    responses = [{**BARE_RESPONSE, "row_id": row["row_id"]} for row in rows]
    table = records(name, rows, responses)
    assert table.schema == FORMATS[name].schema
    assert table.num_rows == len(rows)
    assert not re.search(r"large_|null", str(table.schema))


@pytest.mark.parametrize("name", FORMATS)
def test_two_shards_load_in_every_reader(name: str, tmp_path: Path) -> None:
    """A shard whose optional fields are all null loads beside a full one: datasets, Arrow, Polars, DuckDB."""
    shards = [tmp_path / f"train-0000{i}-of-00002.parquet" for i in range(2)]
    write_parquet(records(name, [BARE], [BARE_RESPONSE]), shards[0])
    write_parquet(records(name, [FULL], [FULL_RESPONSE]), shards[1])
    files = [str(path) for path in shards]
    loaded = datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache")
    )
    expected = records(name, [BARE, FULL], [BARE_RESPONSE, FULL_RESPONSE])
    assert loaded.features == datasets.Features.from_arrow_schema(expected.schema)
    assert loaded.to_list() == expected.to_pylist()
    assert pa.concat_tables([pq.read_table(path) for path in shards]).to_pylist() == expected.to_pylist()
    assert pl.read_parquet(files).to_dicts() == expected.to_pylist()
    queried = duckdb.sql(f"FROM read_parquet({files})")
    assert queried is not None
    assert queried.to_arrow_table().to_pylist() == expected.to_pylist()


def test_odd_text_survives_unchanged() -> None:
    """NUL, escape sequences, emoji, lone combining marks and a long text are written as they came in."""
    odd = "\x00\x1b[31m🙂\u0301" + "x" * 1_000_000
    (record,) = records(
        "messages", [{**BARE, "prompt": odd}], [{**BARE_RESPONSE, "response": odd}]
    ).to_pylist()
    assert [t["content"] for t in record["messages"]] == [odd, odd]


@pytest.mark.real_data
@pytest.mark.parametrize("name", FORMATS)
def test_real_problems_and_responses_come_back_unchanged(
    name: str, shared_data: Path, tmp_path: Path
) -> None:
    """100 problems with 8 responses each: every text is in the loaded records, in its place."""
    corpus = pl.read_parquet(shared_data / "corpora" / "math_cot_100x8.parquet").with_row_index("row_id")
    rows = [
        {**BARE, "row_id": i, "prompt": q, "answer": a}
        for i, q, a in corpus["row_id", "query", "answer"].rows()
    ]
    texts = [(i, j, text) for i, all_ in corpus["row_id", "responses"].rows() for j, text in enumerate(all_)]
    responses = [{**BARE_RESPONSE, "row_id": i, "response_id": j, "response": text} for i, j, text in texts]
    path = tmp_path / "train-00000-of-00001.parquet"
    write_parquet(records(name, rows, responses), path)
    loaded = pq.read_table(path).to_pylist()
    by_row = FORMATS[name].grain == "row"
    assert len(loaded) == (len(rows) if by_row else len(texts))
    for record, line in zip(loaded, [(i, 0, "") for i in range(len(rows))] if by_row else texts, strict=True):
        turns = [
            t
            for column in ("prompt", "messages", "conversations", "completion")
            for t in record.get(column, [])
        ]
        spoken = [t.get("content", t.get("value")) for t in turns]
        assert spoken == [rows[line[0]]["prompt"], *([] if by_row else [line[2]])]


@given(st.integers(0, 2**63), st.lists(st.integers(0, 2**40), unique=True, min_size=2, max_size=50))
def test_shuffle_keys_of_different_rows_differ(seed: int, row_ids: list[int]) -> None:
    """For a fixed response_id the key is a bijection of the row_id, so no two rows tie."""
    keys = shuffle_key(seed, np.array(row_ids), np.zeros(len(row_ids), np.int32))
    assert keys.dtype == np.uint64
    assert len(set(keys.tolist())) == len(row_ids)


def test_shuffle_keys_are_those_of_earlier_versions_and_depend_on_the_seed() -> None:
    """The order of a shuffle never changes: the keys are chained SplitMix64, here in integers."""
    full = 2**64

    def mix(value: int) -> int:
        value = (value + 0x9E3779B97F4A7C15) % full
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % full
        value = (value ^ value >> 27) * 0x94D049BB133111EB % full
        return value ^ value >> 31

    assert mix(0) == 0xE220A8397B1DCDAF  # first output of the published generator for seed 0
    ids = ((0, 0), (1, 0), (1, 1))
    expected = [mix((mix((mix(7) + row) % full) + response) % full) for row, response in ids]
    keys = shuffle_key(7, np.array([0, 1, 1]), np.array([0, 0, 1], np.int32)).tolist()
    assert keys == expected
    assert shuffle_key(8, np.array([0, 1, 1]), np.array([0, 0, 1], np.int32)).tolist() != keys


def test_shuffle_spreads_rows_evenly() -> None:
    """Of 100,000 keys a tenth falls into each tenth of the range, within five standard deviations."""
    keys = shuffle_key(0, np.arange(100_000))
    counts, _ = np.histogram(keys.astype(np.float64), bins=10, range=(0, 2.0**64))
    assert np.abs(counts - 10_000).max() < 5 * np.sqrt(9_000)


def card(tmp_path: Path, licence: str | None = "apache-2.0", **kwargs: Any) -> str:
    """The data card of the hand-made run."""
    run = build_run(tmp_path / "run")
    manifest = json.loads((run / "manifest.json").read_text())
    return data_card(manifest, RECIPE, licence, **kwargs)


def test_the_data_card_s_front_matter_tells_the_hub_what_to_load(tmp_path: Path) -> None:
    """datasets, given the folder of the card, loads the shards it names."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "README.md").write_text(card(tmp_path), encoding="utf-8")
    write_parquet(records("messages", [FULL], [FULL_RESPONSE]), folder / "train-00000-of-00001.parquet")
    loaded = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "cache"))
    assert {name: part.num_rows for name, part in loaded.items()} == {"train": 1}
    assert "license: apache-2.0\n" in card(tmp_path)


def write_kept(run: Path, text: str, recipe: str = RECIPE) -> Path:
    """A finished run whose kept/ holds one record with this text, and its card; returns kept/."""
    kept = build_run(run, recipe) / "kept"
    shard = kept / "train-00000-of-00001.parquet"
    write_parquet(records("messages", [FULL], [{**FULL_RESPONSE, "response": text}]), shard)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"]["kept/" + shard.name]["sha256"] = hashlib.sha256(shard.read_bytes()).hexdigest()
    (kept / "README.md").write_text(data_card(manifest, recipe, None), encoding="utf-8")
    return kept


def test_datasets_does_not_give_the_records_of_another_run(tmp_path: Path) -> None:
    """One cache, two runs, one of them written again: each load has the records that are there now."""

    def load(kept: Path) -> str:
        loaded = datasets.load_dataset(str(kept), split="train", cache_dir=str(tmp_path / "cache"))
        return str(loaded[0]["messages"][-1]["content"])

    one = write_kept(tmp_path / "a", "first")
    assert load(one) == "first"
    assert load(write_kept(tmp_path / "b", "second")) == "second"
    assert load(one) == "first"
    write_kept(tmp_path / "a", "third")
    assert load(one) == "third"


def test_the_card_of_the_same_records_is_the_same_wherever_they_lie(tmp_path: Path) -> None:
    """The entry for datasets changes with the files and with the recipe, with nothing else."""

    def entry(run: str, *what: str) -> str:
        (line,) = re.findall(
            "^  description: (.*)$", (write_kept(tmp_path / run, *what) / "README.md").read_text(), re.M
        )
        return str(line)

    first = entry("a", "x")
    assert re.fullmatch("curate [0-9a-f]{16}", first)
    assert entry("b", "x") == first
    assert entry("c", "y") != first
    assert entry("d", "x", RECIPE + "# edited\n") != first


def test_the_card_says_in_which_order_the_records_are(tmp_path: Path) -> None:
    """Shuffled with the recipe's seed; where it names none, with 0 or, in the format original, as the input."""
    manifest = json.loads((build_run(tmp_path / "run") / "manifest.json").read_text())
    shuffled = "The records are shuffled with the seed {} (`output.shuffle-seed` of the recipe)."
    as_input = "The records are in the order of the input."
    seeded = RECIPE + "[output]\nshuffle-seed = 7\n"
    assert shuffled.format(0) in data_card(manifest, RECIPE, None)
    assert shuffled.format(7) in data_card(manifest, seeded, None)
    assert as_input in data_card(manifest, RECIPE + '[output]\nshuffle-seed = "none"\n', None)
    assert as_input in data_card({**manifest, "format": "original"}, RECIPE, None)
    assert shuffled.format(7) in data_card({**manifest, "format": "original"}, seeded, None)


def test_a_licence_without_identifier_is_written_as_other(tmp_path: Path) -> None:
    """The Hub takes identifiers only; any other name goes into license_name, quoted."""
    text = card(tmp_path, 'Mine: "all" rights')
    assert 'license: other\nlicense_name: "Mine: \\"all\\" rights"\n' in text
    assert "license" not in card(tmp_path, None).split("---")[1]


def test_the_data_card_holds_counts_reasons_and_the_recipe(tmp_path: Path) -> None:
    """What a reader of the records needs: how many, from what, dropped why, by which recipe."""
    text = card(tmp_path, example={"messages": [{"role": "user", "content": "```\n" + "x" * 500}]})
    assert "4 records in the `messages` format" in text
    assert (
        "| | in | kept | dropped | undecided | of rows not kept |\n|---|---:|---:|---:|---:|---:|\n" in text
    )
    assert "| rows | 12 | 4 | 7 | 1 |  |\n| responses | 9 | 4 | 2 | 1 | 2 |" in text
    assert "| contaminated | 2 | 1 |" in text
    assert "| no-response-left | 1 | – |" in text
    assert RECIPE.strip() in text
    assert "[104 more characters]" in text
    assert "\n````json\n" in text  # a fence longer than the one inside


def test_a_card_of_records_in_the_input_s_own_columns_names_no_schema(tmp_path: Path) -> None:
    """The format `original` is none of ours: the card says what it is and shows no columns."""
    run = build_run(tmp_path / "run")
    manifest = {**json.loads((run / "manifest.json").read_text()), "format": "original"}
    text = data_card(manifest, RECIPE, None)
    assert "with the columns the row came with" in text
    assert "messages: list" not in text
