"""Known input shapes → canonical rows and responses."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.errors import InputError
from curate.ingest.canonical import Canonical, canonical
from curate.ingest.fields import SHAPES, FieldMap, recognise
from curate.ingest.unify import final_type, fit_batch, infer, plain_schema


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows as an ingest has them: unified types and row_id."""
    batch = infer(rows, lambda _note: None)
    schema = pa.schema([(f.name, final_type(f.type)) for f in plain_schema(batch.schema)])
    return fit_batch(batch, schema).add_column(0, "row_id", pa.array(range(len(rows)), pa.int64()))


def made_of(rows: list[dict[str, Any]], **fields: str) -> tuple[str, Canonical]:
    """The announcement and the tables of rows, with columns the user named."""
    table = table_of(rows)
    shape = recognise(table.schema.remove(0), FieldMap(**fields))
    return shape.line(), canonical(table, shape)


def told(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """The lines of a frame without what is null."""
    return [{name: value for name, value in line.items() if value is not None} for line in frame.to_dicts()]


def user(text: str | None) -> dict[str, Any]:
    """A turn of the user."""
    return {"role": "user", "content": text}


def assistant(text: str | None) -> dict[str, Any]:
    """A turn of the assistant."""
    return {"role": "assistant", "content": text}


def am(role: str, content: str, **info: str) -> dict[str, Any]:
    """A turn of AM-DeepSeek-R1-Distilled-1.4M."""
    nothing = {"source": None, "reference_answer": None, "test_case": None}
    nothing |= {"think_content": None, "answer_content": None}
    return {"role": role, "content": content, "info": nothing | info}


VERL = {
    "prompt": [{"role": "system", "content": "Be brief."}, user("2 + 2?")],
    "data_source": "math_dapo",
    "ability": "MATH",
    "reward_model": {"ground_truth": "4", "style": "rule"},
    "extra_info": {"index": 0, "split": None},
}
AM_INFO = {"source": "orca", "category": "math", "ground_truth": "4", "test_case": "", "model_name": "R1"}
AM_TURNS = [
    {"from": "human", "value": "2 + 2?", "info": AM_INFO | {"think_content": None, "answer_content": None}},
    {
        "from": "assistant",
        "value": "<think>easy</think>\n\n<answer>4</answer>",
        "info": {"ground_truth": None, "think_content": "easy", "answer_content": "4"},
    },
]

# name of the shape → rows in, rows out, responses out (what is null is left out)
EXAMPLES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]] = {
    "verl": (
        [
            VERL,
            VERL
            | {
                "prompt": [user("Print 1.")],
                "data_source": "apps",
                "ability": "code",
                "reward_model": {"ground_truth": '{"inputs": [""]}', "style": "rule"},
            },
            VERL
            | {
                "prompt": [user("Hi"), assistant("Hello"), user("2 + 2?")],
                "data_source": "chats",
                "reward_model": {"ground_truth": "[4]", "style": "rule"},
            },
        ],
        [
            {
                "row_id": 0,
                "prompt": "2 + 2?",
                "answer": "4",
                "source": "math_dapo",
                "system": "Be brief.",
            },
            {"row_id": 1, "prompt": "Print 1.", "source": "apps", "tests": '{"inputs": [""]}'},
            {
                "row_id": 2,
                "prompt": "Hi\n\n2 + 2?",
                "answer": "[4]",
                "source": "chats",
                "turns": [user("Hi"), assistant("Hello"), user("2 + 2?")],
            },
        ],
        [],
    ),
    "verl, as curate writes it": (
        [
            VERL
            | {
                "data_source": "unknown",
                "ability": "code",
                "reward_model": {"ground_truth": '{"inputs": [""]}', "style": "rule"},
                "extra_info": {"index": 3, "split": "train", "row_id": 3, "source": "own", "answer": "4"},
            }
        ],
        [
            {
                "row_id": 0,
                "prompt": "2 + 2?",
                "answer": "4",
                "source": "own",
                "system": "Be brief.",
                "tests": '{"inputs": [""]}',
            }
        ],
        [],
    ),
    "TRL, as curate writes it": (
        [{"prompt": [user("2 + 2?")], "ground_truth": '["t"]', "solution": "4", "tests": '["t"]'}],
        [{"row_id": 0, "prompt": "2 + 2?", "answer": "4", "tests": '["t"]'}],
        [],
    ),
    "AM conversations (AM-Thinking-v1-Distilled)": (
        [{"system": "Think.", "conversations": AM_TURNS}],
        [
            {
                "row_id": 0,
                "prompt": "2 + 2?",
                "answer": "4",
                "source": "orca",
                "system": "Think.",
                "turns": [user("2 + 2?"), assistant("<think>easy</think>\n\n<answer>4</answer>")],
            }
        ],
        [
            {
                "row_id": 0,
                "response_id": 0,
                "response": "<think>easy</think>\n\n<answer>4</answer>",
                "model": "R1",
            }
        ],
    ),
    "AM messages (AM-DeepSeek-R1-Distilled-1.4M)": (
        [
            {
                "messages": [
                    am("user", "2 + 2?", source="numina", reference_answer="4", test_case="[]"),
                    am("assistant", "4", think_content="easy", answer_content="4"),
                ]
            },
            {"messages": [am("user", "Hi"), am("assistant", "Hello!", think_content="greet")]},
        ],
        [
            {
                "row_id": 0,
                "prompt": "2 + 2?",
                "answer": "4",
                "source": "numina",
                "tests": "[]",
                "turns": [user("2 + 2?"), assistant("<think>easy</think><answer>4</answer>")],
            },
            {"row_id": 1, "prompt": "Hi", "turns": [user("Hi"), assistant("<think>greet</think>Hello!")]},
        ],
        [
            {"row_id": 0, "response_id": 0, "response": "<think>easy</think><answer>4</answer>"},
            {"row_id": 1, "response_id": 0, "response": "<think>greet</think>Hello!"},
        ],
    ),
    "AM question and answer (AM-DeepSeek-Distilled-40M)": (
        [
            {
                "question": "2 + 2?",
                "answer": "<think>e</think><answer>4</answer>",
                "question_source": "orca",
                "answer_source": "deepseek",
                "ground_truth": "4",
                "test_case": "",
                "pass_rate_r1": 0.5,
                "model_name": "r1",
            }
        ],
        [{"row_id": 0, "prompt": "2 + 2?", "answer": "4", "source": "orca"}],
        [{"row_id": 0, "response_id": 0, "response": "<think>e</think><answer>4</answer>", "model": "r1"}],
    ),
    "OpenR1": (
        [
            {
                "problem": "2 + 2?",
                "solution": "It is 4.",
                "answer": "4",
                "source": "olympiads",
                "generations": ["4", "5"],
                "correctness_math_verify": [True, False],
                "finish_reasons": ["stop", "length"],
                "messages": [user("2 + 2?"), assistant("4")],
            },
            {"problem": "Prove it.", "answer": "proof", "generations": ["a"], "finish_reasons": None},
        ],
        [
            {"row_id": 0, "prompt": "2 + 2?", "answer": "4", "source": "olympiads"},
            {"row_id": 1, "prompt": "Prove it.", "answer": "proof"},
        ],
        [
            {
                "row_id": 0,
                "response_id": 0,
                "response": "4",
                "finish_reason": "stop",
                "given_correct": True,
            },
            {
                "row_id": 0,
                "response_id": 1,
                "response": "5",
                "finish_reason": "length",
                "given_correct": False,
            },
            {"row_id": 1, "response_id": 0, "response": "a"},
        ],
    ),
    "DeepMath": (
        [
            {
                "question": "2 + 2?",
                "final_answer": "4",
                "difficulty": 1.0,
                "r1_solution_1": "a",
                "r1_solution_2": None,
                "r1_solution_3": "c",
            }
        ],
        [{"row_id": 0, "prompt": "2 + 2?", "answer": "4"}],
        [
            {"row_id": 0, "response_id": 0, "response": "a"},
            {"row_id": 0, "response_id": 1, "response": "c"},
        ],
    ),
    "Big-Math": (
        [{"problem": "2 + 2?", "answer": "4", "source": "gsm8k", "llama8b_solve_rate": 0.9}],
        [{"row_id": 0, "prompt": "2 + 2?", "answer": "4", "source": "gsm8k"}],
        [],
    ),
    "queries and responses": (
        [
            {
                "query": "2 + 2?",
                "answer": "4",
                "responses": ["4", None],
                "response_models": ["m", "n"],
                "response_correct": [True, None],
            },
            {"query": "3 + 3?", "answer": "6", "responses": None},
        ],
        [
            {"row_id": 0, "prompt": "2 + 2?", "answer": "4"},
            {"row_id": 1, "prompt": "3 + 3?", "answer": "6"},
        ],
        [
            {"row_id": 0, "response_id": 0, "response": "4", "model": "m", "given_correct": True},
            {"row_id": 0, "response_id": 1, "model": "n"},
        ],
    ),
    "problems and chats": (
        [
            {
                "id": "a",
                "problem": "2 + 2?",
                "answer": "4",
                "messages": None,
                "tests": None,
                "responses": ["four"],
                "response_models": ["m"],
                "finish_reasons": ["stop"],
            },
            {
                "id": "b",
                "problem": None,
                "messages": [user("Write f."), assistant("def f(): ...")],
                "tests": '{"inputs": []}',
                "responses": [],
                "finish_reasons": [],
            },
        ],
        [
            {"row_id": 0, "prompt": "2 + 2?", "answer": "4"},
            {
                "row_id": 1,
                "prompt": "Write f.",
                "tests": '{"inputs": []}',
                "turns": [user("Write f."), assistant("def f(): ...")],
            },
        ],
        [
            {"row_id": 0, "response_id": 0, "response": "four", "model": "m", "finish_reason": "stop"},
            {"row_id": 1, "response_id": 0, "response": "def f(): ..."},
        ],
    ),
    "ShareGPT": (
        [
            {
                "system": "Be kind.",
                "conversations": [
                    {"from": "human", "value": "Hi"},
                    {"from": "gpt", "value": "Hello"},
                    {"from": "human", "value": "2 + 2?"},
                    {"from": "gpt", "value": "4"},
                ],
            },
            {"conversations": [{"from": "human", "value": "Anyone?"}]},
        ],
        [
            {
                "row_id": 0,
                "prompt": "Hi\n\n2 + 2?",
                "system": "Be kind.",
                "turns": [user("Hi"), assistant("Hello"), user("2 + 2?"), assistant("4")],
            },
            {"row_id": 1, "prompt": "Anyone?", "turns": [user("Anyone?")]},
        ],
        [{"row_id": 0, "response_id": 0, "response": "4"}],
    ),
    "messages": (
        [
            {
                "messages": [{"role": "system", "content": "Brief."}, user("2 + 2?"), assistant("4")],
                "ground_truth": 4,
                "dataset": "gsm8k",
            },
            {"messages": [user("Hi"), assistant("Hello"), user("Again?")]},
        ],
        [
            {
                "row_id": 0,
                "prompt": "2 + 2?",
                "answer": "4",
                "source": "gsm8k",
                "system": "Brief.",
                "turns": [{"role": "system", "content": "Brief."}, user("2 + 2?"), assistant("4")],
            },
            {
                "row_id": 1,
                "prompt": "Hi\n\nAgain?",
                "turns": [user("Hi"), assistant("Hello"), user("Again?")],
            },
        ],
        [{"row_id": 0, "response_id": 0, "response": "4"}],
    ),
    "Alpaca": (
        [
            {"instruction": "Add.", "input": "2, 2", "output": "4"},
            {"instruction": "Say hi.", "input": "", "output": "hi"},
        ],
        [{"row_id": 0, "prompt": "Add.\n\n2, 2"}, {"row_id": 1, "prompt": "Say hi."}],
        [
            {"row_id": 0, "response_id": 0, "response": "4"},
            {"row_id": 1, "response_id": 0, "response": "hi"},
        ],
    ),
    "prompt and completion, as chats": (
        [
            {"prompt": [user("2 + 2?")], "completion": [assistant("4")]},
            {
                "prompt": [
                    {"role": "system", "content": "Brief."},
                    user("Hi"),
                    assistant("Yes?"),
                    user("3?"),
                ],
                "completion": [assistant("Let me see"), {"role": "tool", "content": "3"}, assistant("3")],
            },
            {"prompt": [user("4?")], "completion": None},
            {"prompt": None, "completion": [assistant("5")]},
        ],
        [
            {"row_id": 0, "prompt": "2 + 2?", "turns": [user("2 + 2?"), assistant("4")]},
            {
                "row_id": 1,
                "prompt": "Hi\n\n3?",
                "system": "Brief.",
                "turns": [
                    {"role": "system", "content": "Brief."},
                    user("Hi"),
                    assistant("Yes?"),
                    user("3?"),
                    assistant("Let me see"),
                    {"role": "tool", "content": "3"},
                    assistant("3"),
                ],
            },
            {"row_id": 2, "prompt": "4?"},
            {"row_id": 3, "turns": [assistant("5")]},
        ],
        [
            {"row_id": 0, "response_id": 0, "response": "4"},
            {"row_id": 1, "response_id": 0, "response": "3"},
            {"row_id": 3, "response_id": 0, "response": "5"},
        ],
    ),
    "prompt as a chat": (
        [
            {"prompt": [user("2 + 2?")], "answer": "4", "responses": ["a", "b"]},
            {"prompt": [user("Hi"), assistant("Yes?"), user("3?")], "responses": ["c", "d"]},
            {"prompt": [user("Hi"), assistant("Yes?"), user("3?")], "responses": None},
            {"prompt": [user("Hi"), user("3?")], "responses": None},
        ],
        [
            {"row_id": 0, "prompt": "2 + 2?", "answer": "4"},
            {
                "row_id": 1,
                "prompt": "Hi\n\n3?",
                "turns": [user("Hi"), assistant("Yes?"), user("3?"), assistant("c")],
            },
            {"row_id": 2, "prompt": "Hi\n\n3?", "turns": [user("Hi"), assistant("Yes?"), user("3?")]},
            {"row_id": 3, "prompt": "Hi\n\n3?", "turns": [user("Hi"), user("3?")]},
        ],
        [
            {"row_id": 0, "response_id": 0, "response": "a"},
            {"row_id": 0, "response_id": 1, "response": "b"},
            {"row_id": 1, "response_id": 0, "response": "c"},
            {"row_id": 1, "response_id": 1, "response": "d"},
        ],
    ),
    "prompts and responses": (
        [
            {"prompt": "2 + 2?", "completion": "4", "model": "m"},
            {"prompt": "3?", "completion": None, "model": "m"},
        ],
        [{"row_id": 0, "prompt": "2 + 2?"}, {"row_id": 1, "prompt": "3?"}],
        [{"row_id": 0, "response_id": 0, "response": "4", "model": "m"}],
    ),
    "problem, solution, answer (NuminaMath)": (
        [{"problem": "2 + 2?", "solution": "It is 4.", "answer": "4", "source": "amc"}],
        [{"row_id": 0, "prompt": "2 + 2?", "answer": "4", "source": "amc"}],
        [],
    ),
    "problem and solution (NuminaMath-CoT)": (
        [{"problem": "2 + 2?", "solution": "It is \\boxed{4}.", "source": "amc"}],
        [{"row_id": 0, "prompt": "2 + 2?", "source": "amc"}],
        [{"row_id": 0, "response_id": 0, "response": "It is \\boxed{4}."}],
    ),
    "question and answer (GSM8K)": (
        [
            {"question": "2 + 2?", "answer": "2 + 2 = <<2+2=4>>4\n#### 4"},
            {"question": "Why?", "answer": "So."},
        ],
        [{"row_id": 0, "prompt": "2 + 2?", "answer": "4"}, {"row_id": 1, "prompt": "Why?", "answer": "So."}],
        [],
    ),
    "problem": (
        [{"Problem": "2 + 2?", "Answer": 4, "id": 7}],
        [{"row_id": 0, "prompt": "2 + 2?", "answer": "4"}],
        [],
    ),
    "text": ([{"text": "All of it."}], [{"row_id": 0, "prompt": "All of it."}], []),
}


def test_every_shape_has_an_example() -> None:
    """No shape is in the table without an example here."""
    assert sorted(EXAMPLES) == sorted(template.name for template in SHAPES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_shape_gives_its_canonical_rows_and_responses(name: str) -> None:
    """An example of each shape is recognised as that shape and gives the rows and responses shown."""
    given_rows, rows, responses = EXAMPLES[name]
    line, made = made_of(given_rows)
    assert line.startswith(f"recognised {name}: prompt ← ")
    assert told(made.rows) == rows
    assert told(made.responses) == responses
    assert made.misaligned == {}


def test_announcement_says_which_column_became_what() -> None:
    """The announcement of verl names the path of every field."""
    line, _ = made_of([VERL])
    assert line == (
        "recognised verl: prompt ← prompt[user], answer ← reward_model.ground_truth, responses ← "
        "prompt[last assistant turn], source ← data_source, turns ← prompt (where it is more than one "
        "question), tests ← reward_model.ground_truth (JSON, where ability is code)"
    )


def test_announcement_of_a_completion_names_both_chats() -> None:
    """Prompt and completion make one conversation, and the announcement says so."""
    line, _ = made_of([{"prompt": [user("2 + 2?")], "completion": [assistant("4")]}])
    assert line == (
        "recognised prompt and completion, as chats: prompt ← prompt[user], responses ← "
        "completion[last assistant turn], turns ← prompt + completion"
    )


def test_named_columns_override_the_shape() -> None:
    """A column or dotted path that the user names replaces what the shape would take."""
    rows = [{"problem": "a", "answer": "1", "q": {"text": "b", "truth": [1, 2]}, "out": ["x", "y"]}]
    line, made = made_of(rows, prompt="q.text", answer="q.truth", responses="out")
    assert line == "recognised problem: prompt ← q.text, answer ← q.truth, responses ← out"
    assert told(made.rows) == [{"row_id": 0, "prompt": "b", "answer": "[1, 2]"}]
    assert [line["response"] for line in told(made.responses)] == ["x", "y"]


def test_columns_of_an_unknown_shape_can_be_named() -> None:
    """Where no shape matches, the columns the user names are taken, and no others."""
    line, made = made_of([{"ask": "a", "key": True, "answer": "no"}], prompt="ask", answer="key")
    assert line == "recognised the columns named: prompt ← ask, answer ← key"
    assert told(made.rows) == [{"row_id": 0, "prompt": "a", "answer": "true"}]


def test_a_chat_can_be_named_as_prompt_or_messages() -> None:
    """A conversation under another name is read as one, whichever of the two options names it."""
    rows = [{"dialogue": [user("2 + 2?"), assistant("4")]}]
    for field in ("prompt", "messages"):
        _, made = made_of(rows, **{field: "dialogue"})
        assert told(made.rows)[0]["prompt"] == "2 + 2?"
        assert told(made.responses) == [{"row_id": 0, "response_id": 0, "response": "4"}]


def test_a_chat_named_messages_is_a_conversation_even_if_it_is_a_lone_question() -> None:
    """A question alone is a prompt under the name prompt, a conversation where the user says messages."""
    rows = [{"prompt": [user("2 + 2?")], "answer": "4"}]
    assert made_of(rows)[1].rows["turns"].to_list() == [None]
    assert made_of(rows, prompt="prompt")[1].rows["turns"].to_list() == [None]
    assert made_of(rows, messages="prompt")[1].rows["turns"].to_list() == [[user("2 + 2?")]]


def test_a_chat_of_responses_goes_on_where_the_prompt_ends() -> None:
    """A chat named as responses is laid after a prompt that is a chat; text is not, nor is another chat."""
    rows = [
        {"prompt": [user("2?")], "chosen": [assistant("2")], "completion": [assistant("no")], "text": "t"}
    ]
    _, made = made_of(rows, responses="chosen")
    assert made.rows["turns"].to_list() == [[user("2?"), assistant("2")]]
    assert made.responses["response"].to_list() == ["2"]
    _, made = made_of(rows, responses="text")
    assert made.rows["turns"].to_list() == [None]
    assert made.responses["response"].to_list() == ["t"]
    _, made = made_of(rows, messages="chosen")
    assert made.rows["turns"].to_list() == [[assistant("2")]]


@pytest.mark.parametrize("field", ["thinking", "reasoning_content"])
def test_thinking_in_a_field_of_its_own_is_read_from_a_completion(field: str) -> None:
    """The thinking of a completion comes before its text even where the prompt has no such field."""
    completion = [assistant("4") | {field: "easy"}]
    _, made = made_of([{"prompt": [user("2 + 2?")], "completion": completion}])
    assert made.responses["response"].to_list() == ["<think>easy</think>4"]
    assert made.rows["turns"].to_list() == [[user("2 + 2?"), assistant("<think>easy</think>4")]]


def test_observations_of_llama_factory_are_tool_turns() -> None:
    """What a tool says has the role tool, as in the other formats."""
    said = [{"from": "human", "value": "a"}, {"from": "observation", "value": "b"}]
    _, made = made_of([{"conversations": said}])
    assert [turn["role"] for turn in made.rows["turns"][0]] == ["user", "tool"]


def test_a_flag_called_thinking_is_not_thinking() -> None:
    """Only text is taken as thinking."""
    _, made = made_of([{"messages": [user("a"), assistant("b") | {"thinking": True}]}])
    assert made.responses["response"].to_list() == ["b"]


def test_columns_are_found_whatever_their_case_and_separators() -> None:
    """Question, Final Answer and model-output are what their names say."""
    line, made = made_of([{"Question": "2?", "Final Answer": "2", "model-output": "two", "licence": "x"}])
    assert line == (
        "recognised prompts and responses: prompt ← Question, answer ← Final Answer, responses ← model-output"
    )
    assert told(made.rows) == [{"row_id": 0, "prompt": "2?", "answer": "2"}]
    assert told(made.responses) == [{"row_id": 0, "response_id": 0, "response": "two"}]


def test_a_name_with_two_columns_like_it_is_not_guessed() -> None:
    """Two spellings of a name leave it open; an exact name wins over both."""
    both = {"problem": "p", "Final Answer": "1", "final-answer": "2"}
    assert made_of([both])[1].rows["answer"].to_list() == [None]
    assert made_of([both | {"final_answer": "3"}])[1].rows["answer"].to_list() == ["3"]


def test_column_name_with_dots_is_found_before_a_path() -> None:
    """A column whose own name holds a dot is that column."""
    _, made = made_of([{"a.b": "dotted", "a": {"b": "nested"}}], prompt="a.b")
    assert told(made.rows) == [{"row_id": 0, "prompt": "dotted"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (3.0, "3"),
        (-0.0, "0"),
        (2.5, "2.5"),
        (1e30, "1e+30"),
        (True, "true"),
        ([1, 2], "[1, 2]"),
        ([1.0, 2.5], "[1, 2.5]"),
        (["½", None], '["½", null]'),
        ({"b": 2, "a": "x"}, '{"a": "x", "b": 2}'),
        ("033", "033"),
        (" 4 ", " 4 "),
        ("  ", None),
        ("", None),
        (float("nan"), None),
        (2**70, str(2**70)),
    ],
)
def test_answers_of_any_kind_become_text(value: Any, text: str | None) -> None:
    """An answer is text: no .0, lists as JSON, NaN and white space as null, text untouched."""
    _, made = made_of([{"problem": "p", "answer": value}])
    assert made.rows["answer"].to_list() == [text]


@pytest.mark.parametrize(
    ("grades", "known"),
    [
        ([True, False, None], [True, False, None]),
        ([1, 0, -1], [True, False, False]),
        ([1.0, 0.0, 0.5], [True, False, None]),
        (["True", "incorrect", "maybe"], [True, False, None]),
    ],
)
def test_grades_are_read_only_where_they_are_plain(grades: list[Any], known: list[bool | None]) -> None:
    """A grade is true or false only where the value says so; a partial score is null."""
    rows = [{"query": "q", "responses": ["a", "b", "c"], "response_correct": grades}]
    _, made = made_of(rows)
    assert made.responses["given_correct"].to_list() == known


def test_lists_that_do_not_match_the_responses_are_left_null_and_counted() -> None:
    """Two models for three responses belong to none of them; the row is counted."""
    rows: list[dict[str, Any]] = [
        {"query": "q", "responses": ["a", "b", "c"], "response_models": ["m", "n"]},
        {"query": "r", "responses": ["d"], "response_models": ["o"]},
    ]
    _, made = made_of(rows)
    assert made.responses["model"].to_list() == [None, None, None, "o"]
    assert made.misaligned == {"response_models": 1}


def test_one_grade_for_several_responses_is_left_null() -> None:
    """A scalar grade holds for a single response, a scalar model for all."""
    rows: list[dict[str, Any]] = [
        {"query": "q", "responses": ["a", "b"], "is_correct": True, "model": "m"},
        {"query": "r", "responses": ["c"], "is_correct": True, "model": "m"},
    ]
    _, made = made_of(rows)
    assert made.responses["given_correct"].to_list() == [None, None, True]
    assert made.responses["model"].to_list() == ["m", "m", "m"]


def test_odd_chats_do_not_crash() -> None:
    """Null and empty chats, null turns and contents, and chats without a user give nulls."""
    rows = [
        {"messages": None},
        {"messages": []},
        {"messages": [None]},
        {"messages": [user(None), assistant(None)]},
        {"messages": [assistant("only me")]},
        {"messages": [user("a"), assistant("b"), {"role": "tool", "content": "c"}]},
        {"messages": [user(""), user("x\0\U0001f600"), assistant("")]},
    ]
    _, made = made_of(rows)
    assert made.rows["prompt"].to_list() == [None, None, None, None, None, "a", "\n\nx\0\U0001f600"]
    assert made.responses.select("row_id", "response").rows() == [(3, None), (4, "only me"), (6, "")]


def test_an_empty_problem_gives_way_to_the_chat() -> None:
    """In the mixed shape an empty problem is one that is not there."""
    _, made = made_of([{"problem": "", "messages": [user("x")]}])
    assert made.rows["prompt"].to_list() == ["x"]


def test_bytes_that_are_text_are_read_as_text() -> None:
    """A prompt column of bytes is decoded; bytes that are not UTF-8 are refused."""
    schema = pa.schema([("problem", pa.large_binary())])

    def made(value: bytes) -> Canonical:
        table = pa.table(
            {"row_id": pa.array([0], pa.int64()), "problem": pa.array([value], pa.large_binary())}
        )
        return canonical(table, recognise(schema))

    assert made("ü".encode()).rows["prompt"].to_list() == ["ü"]
    with pytest.raises(InputError, match="bytes that are not UTF-8"):
        made(b"\xff")


TEXTS = st.none() | st.text(max_size=5)
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "x"]), "content": TEXTS}
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "problem": TEXTS,
                "messages": st.none() | st.lists(st.none() | TURN, max_size=4),
                "responses": st.none() | st.lists(TEXTS, max_size=3),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_rows_and_responses_are_conserved(rows: list[dict[str, Any]]) -> None:
    """One line a row, in order; one a response, counted from 0; the same as reading rows one by one."""
    rows = [{"problem": "p", "messages": [user("u")], "responses": ["r"]}, *rows]
    _, made = made_of(rows)
    assert made.rows["row_id"].to_list() == list(range(len(rows)))
    for index, row in enumerate(rows):
        turns = [turn for turn in row["messages"] or [] if turn]
        expected = row["responses"] or []
        if not expected and turns and turns[-1]["role"] == "assistant":
            expected = [turns[-1]["content"]]
        lines = made.responses.filter(pl.col("row_id") == index)
        assert lines["response"].to_list() == expected
        assert lines["response_id"].to_list() == list(range(len(expected)))
        asked = [turn["content"] for turn in turns if turn["role"] == "user" and turn["content"] is not None]
        prompt = row["problem"] or ("\n\n".join(asked) if asked else row["problem"])
        assert made.rows["prompt"][index] == prompt
