"""Known input shapes, and what each of their columns is to curate. Pure: nothing is read here.

`recognise(schema, fields)` finds the shape of an input by its column names and types: the first entry of
`SHAPES` whose needed columns are there, the most specific first. What the user named (`FieldMap`)
overrides what the shape says. `curate.ingest.canonical` makes the rows and responses of a table with it.

A column is named by its path: `reward_model.ground_truth` is a field of a struct column. A path that
passes through a list (`messages.info.reference_answer`) means the first value there that is not empty.

A *chat* is a list of turns, structs with `role` or `from` and `content` or `value`. Its prompt is the
text of its user turns, joined by blank lines; if its last turn is the assistant's, that turn is the
response and all user turns lie before it. A chat that ends otherwise has no response.

Source of the shapes: the data cards and loaders of the data sets named in `SHAPES`; verl
docs/preparation/prepare_data.rst; TRL docs/source/dataset_formats.md; LLaMA-Factory data/README.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from curate.errors import InputError, did_you_mean
from curate.ingest.unify import is_list, is_text, type_name

ROW_ID = "row_id"
ROLES = {
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
}
THINKING = ("info.think_content", "think_content", "reasoning_content")
ANSWERING = ("info.answer_content", "answer_content")


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


class Template(NamedTuple):
    """A shape as the table below writes it: `a|b` is the first of the columns that is there."""

    name: str
    needs: tuple[str, ...]  # path, or path:chat, path:list, path:text
    prompt: tuple[str, ...] = ()  # joined by blank lines, empty ones left out
    answer: str = "answer|ground_truth|reference_answer|final_answer|expected_answer"
    answer_after: str | None = None  # the answer is what follows the last such mark, if it is there
    responses: tuple[str, ...] = ()  # lists are laid end to end, a null scalar is no response
    messages: str = ""
    source: str = "source|data_source|dataset|source_repo"
    system: str = "system|system_prompt"
    tests: str = "tests|test_cases|test_case|input_output"
    models: str = "response_models|models|model_name|model"
    finish_reasons: str = "finish_reasons|finish_reason"
    correct: str = "response_correct|is_correct"


SHAPES: tuple[Template, ...] = (
    Template(
        "verl",
        needs=("prompt:chat", "reward_model.ground_truth"),
        messages="prompt",
        answer="reward_model.ground_truth",
        responses=("responses|response",),
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
        responses=("completion",),
    ),
    Template(
        "prompt as a chat",
        needs=("prompt:chat",),
        messages="prompt",
        responses=("responses|response|completions|completion",),
    ),
    Template(
        "prompts and responses",
        needs=("prompt|question|problem|query", "responses|response|completions|completion|generations"),
        prompt=("prompt|question|problem|query",),
        responses=("responses|response|completions|completion|generations",),
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
    source: str | None = None
    system: str | None = None
    tests: str | None = None
    models: str | None = None
    finish_reasons: str | None = None
    correct: str | None = None
    thinking: str | None = None  # field of the turns, see `_turns`
    answering: str | None = None

    def line(self) -> str:
        """The shape in one line, as a run announces it."""
        prompt = " + ".join(self.prompt)
        if self.messages and prompt:
            prompt += f" (where null: {self.messages}[user])"
        responses = " + ".join(self.responses)
        if self.messages:
            last = f"{self.messages}[last assistant turn]"
            responses = f"{responses} (where there is none: {last})" if responses else last
        answer = self.answer
        if answer and self.answer_after:
            answer += f" (after the last {self.answer_after} where there is one)"
        parts = {
            "prompt": prompt or f"{self.messages}[user]",
            "answer": answer,
            "responses": responses,
            "models": self.models,
            "finish_reasons": self.finish_reasons,
            "correct": self.correct,
            "source": self.source,
            "system": self.system,
            "turns": self.messages,
            "tests": self.tests,
        }
        mapped = ", ".join(f"{name} ← {path}" for name, path in parts.items() if path)
        return f"recognised {self.name}: {mapped}"

    def columns(self) -> list[str]:
        """Every path the shape reads."""
        single = (self.answer, self.messages, self.source, self.system, self.tests)
        lists = (self.models, self.finish_reasons, self.correct)
        return [*self.prompt, *self.responses, *(path for path in (*single, *lists) if path)]


def recognise(schema: pa.Schema, fields: FieldMap = FieldMap()) -> Shape:
    """The shape of an input with this schema (plain types, see `curate.ingest.unify`).

    Names match whatever their case. Raises InputError if the user named a column that is not there,
    or if no shape matches and the user named neither prompt nor messages.
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
            **{name: _first(schema, getattr(template, name)) for name in _SINGLE},
        )
    named: dict[str, Any] = {name: path for name, path in given.items() if name in _SINGLE}
    shape = shape._replace(**named)
    if "prompt" in given:
        chat = is_chat(_kind(schema, given["prompt"]))
        shape = (
            shape._replace(messages=given["prompt"], prompt=())
            if chat
            else shape._replace(prompt=(given["prompt"],))
        )
    if "messages" in given and not is_chat(_kind(schema, given["messages"])):
        raise InputError(
            f"column {given['messages']}: expected a conversation, list<struct<role: text, content: text>> "
            f"or list<struct<from: text, value: text>>, found {type_name(_kind(schema, given['messages']))}"
        )
    if "responses" in given:
        shape = shape._replace(responses=(given["responses"],))
    if not (shape.responses or shape.messages):
        shape = shape._replace(models=None, finish_reasons=None, correct=None)
    if shape.messages:
        shape = shape._replace(
            thinking=_inside(schema, shape.messages, THINKING),
            answering=_inside(schema, shape.messages, ANSWERING),
        )
    return shape


_SINGLE = ("answer", "messages", "source", "system", "tests", "models", "finish_reasons", "correct")


def is_chat(kind: pa.DataType | None) -> bool:
    """Whether the type is a list of turns."""
    return kind is not None and _turn_keys(kind) is not None


def _turn_keys(kind: pa.DataType) -> tuple[str, str] | None:
    """Names of the role and content fields of a chat type, else null."""
    if not (is_list(kind) and pa.types.is_struct(kind.value_type)):
        return None
    names = [field.name for field in kind.value_type]
    role = next((name for name in ("role", "from") if name in names), None)
    content = next((name for name in ("content", "value") if name in names), None)
    return (role, content) if role and content else None


def steps_of(schema: pa.Schema, path: str) -> list[str] | None:
    """The path as column and field names, spelt as the schema spells them; null if it is not there."""
    names = {name.lower(): name for name in reversed(schema.names)}
    parts = path.split(".")
    for width in range(len(parts), 0, -1):  # a column name may hold dots itself
        head = ".".join(parts[:width])
        column = head if head in schema.names else names.get(head.lower())
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


def _inside(schema: pa.Schema, chat: str, paths: Sequence[str]) -> str | None:
    """The first of the paths that the turns of the chat have."""
    return next((path for path in paths if _kind(schema, f"{chat}.{path}") is not None), None)


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
