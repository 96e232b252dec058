"""Known input shapes, and what each of their columns is to curate. Pure: nothing is read here.

`recognise(schema, fields)` finds the shape of an input by its column names and types: the first entry of
`SHAPES` whose needed columns are there, the most specific first. What the user named (`FieldMap`)
overrides what the shape says. `curate.ingest.canonical` makes the rows and responses of a table with it.

A column is named by its path: `reward_model.ground_truth` is a field of a struct column. A path that
passes through a list (`messages.info.reference_answer`) means the first value there that is not empty.

A *chat* is a list of turns, structs with `role` or `from` and `content` or `value`. Its prompt is the
text of its user turns, joined by blank lines; if its last turn is the assistant's, that turn is the
response and all user turns lie before it. A chat that ends otherwise has no response. A chat under the
name `prompt` is a prompt: where it is one question and at most a system turn it is no conversation, and
where the answer is a chat of its own (`completion`) the two are one conversation.

Source of the shapes: the data cards and loaders of the data sets named in `SHAPES`; verl
docs/preparation/prepare_data.rst; TRL docs/source/dataset_formats.md; LLaMA-Factory data/README.md.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pyarrow as pa

from curate.arrays import is_list, is_text, type_name
from curate.errors import InputError, did_you_mean

ROW_ID = "row_id"
ROLES = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "observation": "tool",
}


class FieldMap(NamedTuple):
    """Columns (or dotted paths) that the user named; null: let the shape decide."""

    prompt: str | None = None
    answer: str | None = None
    responses: str | None = None
    source: str | None = None
    system: str | None = None
    tests: str | None = None
    messages: str | None = None
    models: str | None = None
    finish_reasons: str | None = None
    correct: str | None = None


ANSWERS = "answer|ground_truth|reference_answer|final_answer|expected_answer"
RESPONSES = (
    "responses|response|completions|completion|generations|generated_solution|model_output|model_response"
)


class Template(NamedTuple):
    """A shape as the table below writes it: `a|b` is the first of the columns that is there."""

    name: str
    needs: tuple[str, ...]  # path, or path:chat, path:list, path:text
    prompt: tuple[str, ...] = ()  # joined by blank lines, empty ones left out
    answer: str = ANSWERS
    answer_after: str | None = None  # the answer is what follows the last such mark, if it is there
    responses: tuple[str, ...] = ()  # lists are laid end to end, a null scalar is no response
    messages: str = ""
    completion: str = ""  # a chat that goes on where `messages` ends
    source: str = "source|data_source|dataset|source_repo"
    system: str = "system|system_prompt"
    tests: str = "tests|test_cases|test_case|input_output"
    code_tests: str = ""  # holds tests where `ability` is code
    models: str = "response_models|models|model_name|model"
    finish_reasons: str = "finish_reasons|finish_reason"
    correct: str = "response_correct|is_correct"


SHAPES: tuple[Template, ...] = (
    Template(
        "verl, as curate writes it",
        needs=("prompt:chat", "reward_model.ground_truth", "extra_info.row_id", "extra_info.answer"),
        messages="prompt",
        answer="extra_info.answer",
        source="extra_info.source",
        code_tests="reward_model.ground_truth",
    ),
    Template(
        "verl",
        needs=("prompt:chat", "reward_model.ground_truth"),
        messages="prompt",
        answer="reward_model.ground_truth",
        responses=("responses|response",),
        code_tests="reward_model.ground_truth",
    ),
    Template(
        "TRL, as curate writes it",
        needs=("prompt:chat", "ground_truth", "solution", "tests"),
        messages="prompt",
        answer="solution",
    ),
    Template(
        "AM conversations (AM-Thinking-v1-Distilled)",
        needs=("conversations:chat", "conversations.info.answer_content"),
        messages="conversations",
        answer="conversations.info.ground_truth",
        source="conversations.info.source",
        tests="conversations.info.test_case",
        models="conversations.info.model_name",
    ),
    Template(
        "AM messages (AM-DeepSeek-R1-Distilled-1.4M)",
        needs=("messages:chat", "messages.info.reference_answer"),
        messages="messages",
        answer="messages.info.reference_answer",
        source="messages.info.source",
        tests="messages.info.test_case",
    ),
    Template(
        "AM question and answer (AM-DeepSeek-Distilled-40M)",
        needs=("question:text", "answer:text", "ground_truth", "answer_source|model_name|verify_score"),
        prompt=("question",),
        answer="ground_truth",
        responses=("answer",),
        source="question_source|source",
        models="model_name|answer_source",
    ),
    Template(
        "OpenR1",
        needs=("problem", "generations:list"),
        prompt=("problem",),
        answer="answer",
        responses=("generations",),
        correct="correctness_math_verify|response_correct",
    ),
    Template(
        "DeepMath",
        needs=("question", "final_answer", "r1_solution_1"),
        prompt=("question",),
        answer="final_answer",
        responses=("r1_solution_1", "r1_solution_2", "r1_solution_3"),
    ),
    Template("Big-Math", needs=("problem", "answer", "llama8b_solve_rate"), prompt=("problem",)),
    Template(
        "queries and responses",
        needs=("query", "responses:list"),
        prompt=("query",),
        responses=("responses",),
    ),
    Template(
        "problems and chats",
        needs=("problem:text", "messages:chat"),
        prompt=("problem",),
        messages="messages",
        responses=("responses|response|generations",),
    ),
    Template("ShareGPT", needs=("conversations:chat",), messages="conversations"),
    Template("messages", needs=("messages:chat",), messages="messages", responses=("responses|response",)),
    Template(
        "Alpaca",
        needs=("instruction:text", "output"),
        prompt=("instruction", "input"),
        responses=("output",),
    ),
    Template(
        "prompt and completion, as chats",
        needs=("prompt:chat", "completion:chat"),
        messages="prompt",
        completion="completion",
    ),
    Template(
        "prompt as a chat",
        needs=("prompt:chat",),
        messages="prompt",
        answer=f"{ANSWERS}|solution",
        responses=(RESPONSES,),
    ),
    Template(
        "prompts and responses",
        needs=("prompt|question|problem|query", RESPONSES),
        prompt=("prompt|question|problem|query",),
        responses=(RESPONSES,),
    ),
    Template(
        "problem, solution, answer (NuminaMath)", needs=("problem", "solution", "answer"), prompt=("problem",)
    ),
    Template(
        "problem and solution (NuminaMath-CoT)",
        needs=("problem", "solution"),
        prompt=("problem",),
        responses=("solution",),
    ),
    Template(
        "question and answer (GSM8K)",
        needs=("question", "answer"),
        prompt=("question",),
        answer="answer",
        answer_after="####",
    ),
    Template("problem", needs=("problem|question|query|prompt",), prompt=("problem|question|query|prompt",)),
    Template("text", needs=("text:text",), prompt=("text",), answer="answer|ground_truth"),
)


class Shape(NamedTuple):
    """The columns of one input; every path is in its schema."""

    name: str
    prompt: tuple[str, ...] = ()
    answer: str | None = None
    answer_after: str | None = None
    responses: tuple[str, ...] = ()
    messages: str | None = None
    completion: str | None = None  # chat, laid at the end of `messages`
    is_prompt: bool = False  # `messages` is a prompt: a lone question there is no conversation
    source: str | None = None
    system: str | None = None
    tests: str | None = None
    code_tests: str | None = None  # the tests of rows whose `ability` is code
    ability: str | None = None
    models: str | None = None
    finish_reasons: str | None = None
    correct: str | None = None

    def line(self) -> str:
        """The shape in one line, as a run announces it."""
        prompt = " + ".join(self.prompt)
        if self.messages and prompt:
            prompt += f" (where null: {self.messages}[user])"
        responses = " + ".join(self.responses)
        if self.messages:
            last = f"{self.completion or self.messages}[last assistant turn]"
            responses = f"{responses} (where there is none: {last})" if responses else last
        answer = self.answer
        if answer and self.answer_after:
            answer += f" (after the last {self.answer_after} where there is one)"
        turns = self.messages
        if self.completion:
            turns = f"{self.messages} + {self.completion}"
        elif self.is_prompt:
            turns = f"{self.messages} (where it is more than one question)"
        tests = self.tests
        if self.code_tests:
            code = f"{self.code_tests} (JSON, where {self.ability} is code)"
            tests = f"{tests} (where null: {code})" if tests else code
        parts = {
            "prompt": prompt or f"{self.messages}[user]",
            "answer": answer,
            "responses": responses,
            "models": self.models,
            "finish_reasons": self.finish_reasons,
            "correct": self.correct,
            "source": self.source,
            "system": self.system,
            "turns": turns,
            "tests": tests,
        }
        mapped = ", ".join(f"{name} ← {path}" for name, path in parts.items() if path)
        return f"recognised {self.name}: {mapped}"

    def columns(self) -> list[str]:
        """Every path the shape reads."""
        chats = (self.messages, self.completion)
        single = (self.answer, self.source, self.system, self.tests, self.code_tests, self.ability)
        lists = (self.models, self.finish_reasons, self.correct)
        return [*self.prompt, *self.responses, *(path for path in (*chats, *single, *lists) if path)]


def recognise(schema: pa.Schema, fields: FieldMap = FieldMap()) -> Shape:
    """The shape of an input with this schema (plain types, see `curate.ingest.unify`).

    Names match whatever their case and separators: `Final Answer` is final_answer. Raises InputError if the
    user named a column that is not there, or if no shape matches and the user named neither prompt nor
    messages.
    """
    given = {name: _named(schema, name, path) for name, path in fields._asdict().items() if path is not None}
    template = next((t for t in SHAPES if all(_meets(schema, need) for need in t.needs)), None)
    if template is None and not {"prompt", "messages"} & given.keys():
        raise InputError(_unrecognised(schema))
    if template is None:
        shape = Shape("the columns named")
    else:
        shape = Shape(
            name=template.name,
            prompt=tuple(path for names in template.prompt if (path := _first(schema, names))),
            answer_after=None if "answer" in given else template.answer_after,
            responses=tuple(path for names in template.responses if (path := _first(schema, names))),
            completion=_first(schema, template.completion),
            is_prompt=template.messages == "prompt",
            code_tests=_first(schema, template.code_tests),
            ability=_first(schema, "ability"),
            **{name: _first(schema, getattr(template, name)) for name in _SINGLE},
        )
    named: dict[str, Any] = {name: path for name, path in given.items() if name in _SINGLE}
    if given.get("messages", shape.messages) != shape.messages:
        shape = shape._replace(completion=None)
    shape = shape._replace(**named, is_prompt=shape.is_prompt and "messages" not in given)
    if "prompt" in given:
        chat = is_chat(_kind(schema, given["prompt"]))
        going_on = shape.completion if shape.messages == given["prompt"] else None
        shape = (
            shape._replace(messages=given["prompt"], completion=going_on, is_prompt=True, prompt=())
            if chat
            else shape._replace(prompt=(given["prompt"],))
        )
    if "messages" in given and not is_chat(_kind(schema, given["messages"])):
        raise InputError(
            f"column {given['messages']}: expected a conversation, list<struct<role: text, content: text>> "
            f"or list<struct<from: text, value: text>>, found {type_name(_kind(schema, given['messages']))}"
        )
    if "responses" in given:
        going_on = given["responses"] if shape.is_prompt else None
        if is_chat(_kind(schema, given["responses"])) and going_on != shape.messages and going_on:
            shape = shape._replace(completion=going_on, responses=())
        else:
            shape = shape._replace(completion=None, responses=(given["responses"],))
    if not (shape.responses or shape.messages):
        shape = shape._replace(models=None, finish_reasons=None, correct=None)
    if "tests" in given or not (shape.ability and shape.code_tests):
        shape = shape._replace(code_tests=None, ability=None)
    return shape


_SINGLE = ("answer", "messages", "source", "system", "tests", "models", "finish_reasons", "correct")


def is_chat(kind: pa.DataType | None) -> bool:
    """Whether the type is a list of turns."""
    if kind is None or not (is_list(kind) and pa.types.is_struct(kind.value_type)):
        return False
    names = {field.name for field in kind.value_type}
    return bool({"role", "from"} & names) and bool({"content", "value"} & names)


def plain_name(name: str) -> str:
    """The name without case and separators.

    >>> plain_name("Final Answer") == plain_name("final-answer") == plain_name("finalAnswer")
    True
    """
    return re.sub(r"[\s_-]+", "", name).lower()


def steps_of(schema: pa.Schema, path: str) -> list[str] | None:
    """The path as column and field names, spelt as the schema spells them; null if it is not there.

    A column is found whatever its case; failing that whatever its separators, if no other is like it.
    """
    names = {name.lower(): name for name in reversed(schema.names)}
    parts = path.split(".")
    for width in range(len(parts), 0, -1):  # a column name may hold dots itself
        head = ".".join(parts[:width])
        column = head if head in schema.names else names.get(head.lower())
        if column is None and plain_name(head):
            alike = [name for name in schema.names if plain_name(name) == plain_name(head)]
            column = alike[0] if len(alike) == 1 else None
        if column is None:
            continue
        kind = schema.field(column).type
        for part in parts[width:]:
            kind = kind.value_type if is_list(kind) else kind
            if not pa.types.is_struct(kind) or kind.get_field_index(part) < 0:
                break
            kind = kind.field(part).type
        else:
            return [column, *parts[width:]]
    return None


def _kind(schema: pa.Schema, path: str) -> pa.DataType | None:
    """The type at a path, lists on the way left out; null if it is not there."""
    steps = steps_of(schema, path)
    if steps is None:
        return None
    kind = schema.field(steps[0]).type
    for step in steps[1:]:
        kind = (kind.value_type if is_list(kind) else kind).field(step).type
    return kind


def _first(schema: pa.Schema, names: str) -> str | None:
    """The first of `a|b|c` that the schema has, as the schema spells it."""
    found = (steps_of(schema, name) for name in names.split("|") if name)
    return next((".".join(steps) for steps in found if steps), None)


def _meets(schema: pa.Schema, need: str) -> bool:
    names, _, wanted = need.partition(":")
    path = _first(schema, names)
    kind = _kind(schema, path) if path else None
    if path is None or kind is None:
        return False
    match wanted:
        case "chat":
            return is_chat(kind)
        case "list":
            return is_list(kind)
        case "text":
            return is_text(kind)
        case _:
            return True


def _named(schema: pa.Schema, field: str, path: str) -> str:
    """The path the user gave, as the schema spells it."""
    steps = steps_of(schema, path)
    if steps is not None:
        return ".".join(steps)
    hint = did_you_mean(path, _all_paths(schema)) if len(_all_paths(schema)) <= 200 else ""
    hint = hint if hint.startswith("Did") else ""
    raise InputError(
        f"{field} = {path}: expected a column of the input, found none of that name. {hint}".rstrip()
        + f"\n{_listing(schema)}"
    )


def _all_paths(schema: pa.Schema) -> list[str]:
    """Columns and the fields of structs, as paths."""

    def walk(prefix: str, kind: pa.DataType) -> list[str]:
        kind = kind.value_type if is_list(kind) else kind
        inner = list(kind) if pa.types.is_struct(kind) else []
        return [prefix, *(path for f in inner for path in walk(f"{prefix}.{f.name}", f.type))]

    return [path for field in schema for path in walk(field.name, field.type)]


def _listing(schema: pa.Schema) -> str:
    shown = [f"  {field.name}: {type_name(field.type)}" for field in schema][:60]
    more = [f"  ... and {len(schema) - 60} more"] if len(schema) > 60 else []
    return "\n".join([f"The input has {len(schema)} columns:", *shown, *more])


def _unrecognised(schema: pa.Schema) -> str:
    hint = ""
    if len(schema) == 1 and any(mark in schema.names[0] for mark in ";\t|"):
        hint = "\nThe only column name holds separators: is the file separated by something else than commas?"
    return (
        "expected a known shape (problem + answer, question + answer, prompt + response, "
        "instruction + output, query + responses, messages or conversations as "
        "list<struct<role, content>>, ...), found none.\n"
        f"{_listing(schema)}{hint}\n"
        "Say which column is which: --prompt-column NAME (or --messages-column NAME for conversations), and "
        'where there are such --answer-column NAME, --responses-column NAME; in a recipe, prompt = "NAME" '
        "under [source]. A field of a struct is written struct.field."
    )
