"""Rows and responses of a table of originals, by the shape `curate.ingest.fields` recognised. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from curate.arrays import is_text
from curate.errors import InputError
from curate.ingest.fields import ROLES, ROW_ID, Shape, steps_of
from curate.ingest.unify import python_values, text_of


class Canonical(NamedTuple):
    """The columns of `curate.flow.ROWS` and `RESPONSES` for the rows of one table, in row order."""

    rows: pl.DataFrame
    responses: pl.DataFrame
    misaligned: dict[str, int]  # path → rows whose list is not as long as the responses; left null


_TURNS = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
_ROWS = ("prompt", "answer", "source", "system", "turns", "tests")
_RESPONSES: dict[str, pl.DataType] = {
    ROW_ID: pl.Int64(),
    "response_id": pl.Int32(),
    "response": pl.String(),
    "model": pl.String(),
    "finish_reason": pl.String(),
    "given_correct": pl.Boolean(),
}
THINKING = ("info.think_content", "think_content", "reasoning_content", "thinking")
ANSWERING = ("info.answer_content", "answer_content")
_GRADES = {"true": True, "1": True, "correct": True, "yes": True}
_GRADES |= {"false": False, "0": False, "-1": False, "incorrect": False, "wrong": False, "no": False}


def canonical(table: pa.Table, shape: Shape) -> Canonical:
    """The rows and responses of a table of originals.

    `table` has `row_id` (ascending) and the columns of the schema the shape was made from. Text is taken
    as it is; numbers, booleans and lists become text (`curate.ingest.unify.text_of`). An answer, source,
    system prompt, test or model of nothing but white space is null. A null scalar is no response; a null in a
    list is a response without text, so that positions keep their meaning.
    """
    steps = {path: steps_of(table.schema, path) or [] for path in shape.columns()}
    frame = pl.DataFrame(table.select([ROW_ID, *sorted({heads[0] for heads in steps.values()})]))
    column = {path: _values(frame, names) for path, names in steps.items()}
    rows = frame.select(ROW_ID).with_columns(
        _joined([_text(column[path]) for path in shape.prompt], frame.height).alias("prompt"),
        *(
            (_told(column[path]) if path else _nulls(frame.height)).alias(name)
            for name in ("answer", "source", "system", "tests")
            for path in (getattr(shape, name),)
        ),
    )
    if shape.code_tests and shape.ability:
        is_code = _text(column[shape.ability]).str.strip_chars().str.to_lowercase().eq("code")
        told = _told(column[shape.code_tests])
        held = rows.select(tests=pl.when(is_code & told.str.contains(r"^\s*[\[{]")).then(told))["tests"]
        rows = rows.with_columns(tests=pl.coalesce("tests", held))
        if shape.answer == shape.code_tests:
            rows = rows.with_columns(answer=pl.when(held.is_null()).then("answer"))
    if shape.answer_after:
        after = pl.col("answer").str.extract(rf"(?s)^.*{shape.answer_after}\s*(.*?)\s*$")
        rows = rows.with_columns(answer=pl.coalesce(after, "answer"))
    chats = None
    if shape.messages:
        paths = [path for path in (shape.messages, shape.completion) if path]
        turns = pl.concat([_turns(frame.select(ROW_ID, turn=column[path])) for path in paths])
        chats = _chats(turns.sort(ROW_ID, maintain_order=True))
        rows = rows.join(chats, on=ROW_ID, how="left", maintain_order="left").with_columns(
            prompt=pl.coalesce(pl.col("prompt").replace("", None), "chat_prompt", "prompt"),
            system=pl.coalesce("system", "chat_system"),
        )
    else:
        rows = rows.with_columns(turns=pl.lit(None, _TURNS))
    responses = _numbered(frame.select(ROW_ID), chats, [column[path] for path in shape.responses])
    if chats is not None:
        rows = _whole_turns(rows, responses, is_prompt=shape.is_prompt)
    beside = {"model": shape.models, "finish_reason": shape.finish_reasons, "given_correct": shape.correct}
    misaligned: dict[str, int] = {}
    for name, path in beside.items():
        values = column[path] if path else None
        responses, n_misaligned = _beside(responses, frame.select(ROW_ID), name, values)
        if path and n_misaligned:
            misaligned[path] = n_misaligned
    return Canonical(rows.select(ROW_ID, *_ROWS), responses.select(*_RESPONSES), misaligned)


def plain_prompt(schema: pa.Schema, shape: Shape) -> str | None:
    """The column that is the prompt as it stands; null where the prompt is put together or converted."""
    steps = steps_of(schema, shape.prompt[0]) if len(shape.prompt) == 1 and not shape.messages else None
    if steps is None or len(steps) > 1 or not is_text(schema.field(steps[0]).type):
        return None
    return steps[0]


def _values(frame: pl.DataFrame, steps: Sequence[str]) -> pl.Series:
    """The column at a path; through a list, the first value there that is not null or empty."""
    series = frame[steps[0]]
    for index, step in enumerate(steps[1:], 1):
        if isinstance(series.dtype, pl.List):
            inner = pl.element()
            for field in steps[index:]:
                inner = inner.struct.field(field)
            found = series.list.eval(inner).list.drop_nulls()
            if found.dtype == pl.List(pl.String):
                found = found.list.eval(pl.element().filter(pl.element() != ""))
            return found.list.get(0, null_on_oob=True)
        series = series.struct.field(step)
    return series


def _nulls(height: int) -> pl.Series:
    return pl.Series([None], dtype=pl.String).new_from_index(0, height)


def _text(series: pl.Series) -> pl.Series:
    """The values as text; null and NaN are null."""
    if series.dtype == pl.String:
        return series
    if series.dtype.is_integer() or series.dtype == pl.Null:
        return series.cast(pl.String)
    if series.dtype == pl.Binary:
        try:
            return series.cast(pl.String)
        except pl.exceptions.PolarsError as problem:
            raise InputError(
                f"column {series.name}: expected text, found bytes that are not UTF-8. Decode them first"
            ) from problem
    return pl.Series(series.name, [text_of(value) for value in python_values(series.to_arrow())], pl.String)


def _told(series: pl.Series) -> pl.Series:
    """The values as text, null where there is nothing but white space."""
    text = pl.col("x")
    return _text(series).alias("x").to_frame().select(pl.when(text.str.contains(r"\S")).then(text))["x"]


def _graded(series: pl.Series) -> pl.Series:
    """The grades as booleans: true and false, 1 and 0 (or -1), and their words; anything else is null."""
    words = _text(series).str.strip_chars().str.to_lowercase()
    return words.replace_strict(_GRADES, default=None, return_dtype=pl.Boolean)


def _joined(parts: Sequence[pl.Series], height: int) -> pl.Series:
    """The parts of each row joined by blank lines, null and empty ones left out; null if all are null."""
    if len(parts) < 2:
        return parts[0] if parts else _nulls(height)
    frame = pl.DataFrame([part.alias(str(index)) for index, part in enumerate(parts)])
    filled = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in frame.columns]
    joined = pl.concat_str(filled, separator="\n\n", ignore_nulls=True)
    some = pl.any_horizontal(pl.all().is_not_null())
    return frame.select(prompt=pl.when(some).then(joined))["prompt"]


def _turns(frame: pl.DataFrame) -> pl.DataFrame:
    """row_id, role, content: one line for each turn of a column of chats.

    frame: row_id, turn (list of turns). Where the thinking lies in a field of its own and the text has no
    <think>, the text is put together as the data sets with tags write it: <think>T</think><answer>A</answer>,
    or <think>T</think> and the text where that is more than the answer.
    """
    turns = frame.filter(pl.col("turn").list.len() > 0).explode("turn").filter(pl.col("turn").is_not_null())
    kind = turns.schema["turn"]
    role_name, content_name = turn_keys(kind)
    turns = turns.select(ROW_ID).with_columns(
        _text(turns["turn"].struct.field(role_name)).replace(ROLES).alias("role"),
        _text(turns["turn"].struct.field(content_name)).alias("content"),
        _inner(turns["turn"], text_field(kind, THINKING)).fill_null("").alias("thinking"),
        _inner(turns["turn"], text_field(kind, ANSWERING)).fill_null("").alias("answering"),
    )
    role, content, thinking = pl.col("role"), pl.col("content"), pl.col("thinking")
    bare = content.fill_null("")
    stripped = bare.str.strip_chars()
    only_answer = stripped.eq("") | stripped.eq(pl.col("answering").str.strip_chars())
    body = (
        pl.when(only_answer & pl.col("answering").ne(""))
        .then(pl.concat_str(pl.lit("<answer>"), "answering", pl.lit("</answer>")))
        .otherwise(bare)
    )
    untagged = role.eq("assistant") & thinking.ne("") & ~bare.str.contains("<think>", literal=True)
    whole = pl.concat_str(pl.lit("<think>"), thinking, pl.lit("</think>"), body)
    return turns.select(ROW_ID, "role", content=pl.when(untagged).then(whole).otherwise(content))


def _chats(turns: pl.DataFrame) -> pl.DataFrame:
    """One line for each row that has turns: prompt, system, turns, and the response if it ends in one.

    is_question: it is one user turn and at most one system turn.
    """
    role, content = pl.col("role"), pl.col("content")
    asked = content.filter(role.eq("user") & content.is_not_null())
    n_user, n_system = role.eq("user").sum(), role.eq("system").sum()
    return turns.group_by(ROW_ID, maintain_order=True).agg(
        chat_prompt=pl.when(asked.len() > 0).then(asked.str.join("\n\n")),
        chat_system=content.filter(role.eq("system")).first(),
        chat_response=content.last(),
        answered=role.last().eq("assistant").fill_null(False),
        is_question=(n_user == 1) & (n_system <= 1) & (n_user + n_system == pl.len()),
        turns=pl.struct("role", "content"),
    )


def _whole_turns(rows: pl.DataFrame, responses: pl.DataFrame, *, is_prompt: bool) -> pl.DataFrame:
    """The rows with `turns` as whole conversations: the first response follows where they do not end in one.

    With `is_prompt`, turns that are one question alone are null. rows: has the columns of `_chats`.
    """
    first = responses.filter((pl.col("response_id") == 0) & pl.col("response").is_not_null())
    first = first.select(ROW_ID, content="response")
    lone = pl.lit(is_prompt) & pl.col("is_question").fill_null(False)
    turns = pl.when(~lone).then("turns")
    answer = pl.concat_list(pl.struct(pl.lit("assistant").alias("role"), "content"))
    goes_on = pl.col("content").is_not_null() & ~pl.col("answered").fill_null(True)
    whole = pl.when(goes_on).then(pl.concat_list("turns", answer)).otherwise("turns")
    rows = rows.with_columns(turns).join(first, on=ROW_ID, how="left", maintain_order="left")
    return rows.with_columns(whole.alias("turns")).drop("content")


def turn_keys(dtype: pl.DataType) -> tuple[str, str]:
    """Names of the role and the content field of a turn."""
    assert isinstance(dtype, pl.Struct)  # `recognise` let chats through only
    names = [field.name for field in dtype.fields]
    return ("role" if "role" in names else "from", "content" if "content" in names else "value")


def text_field(dtype: pl.DataType, paths: Sequence[str]) -> str | None:
    """The first of the paths that is text in a turn of this type; null if there is none."""
    for path in paths:
        inner: object = dtype
        for step in path.split("."):
            inner = dict(inner.to_schema()).get(step) if isinstance(inner, pl.Struct) else None
        if inner == pl.String:
            return path
    return None


def _inner(turns: pl.Series, path: str | None) -> pl.Series:
    if path is None:
        return _nulls(len(turns))
    for step in path.split("."):
        turns = turns.struct.field(step)
    return _text(turns)


def _numbered(keys: pl.DataFrame, chats: pl.DataFrame | None, columns: Sequence[pl.Series]) -> pl.DataFrame:
    """row_id, response_id, response, size (responses of the row): the columns laid end to end.

    The last turn of a chat is the response of a row whose columns hold none.
    """
    parts = [_long(keys, _last_turn(series), part) for part, series in enumerate(columns)]
    if chats is not None:
        ends = chats.filter("answered").select(
            ROW_ID, part=pl.lit(0), position=pl.lit(0, pl.Int64), response="chat_response"
        )
        parts.append(ends.join(pl.concat(parts), on=ROW_ID, how="anti") if parts else ends)
    if not parts:
        return pl.DataFrame(
            schema={name: _RESPONSES[name] for name in list(_RESPONSES)[:3]} | {"size": pl.UInt32()}
        )
    found = pl.concat(parts).sort(ROW_ID, "part", "position")
    return found.select(ROW_ID, _position("response_id"), "response", size=pl.len().over(ROW_ID))


def _position(name: str) -> pl.Expr:
    return pl.int_range(pl.len(), dtype=pl.Int32).over(ROW_ID).alias(name)


def _long(keys: pl.DataFrame, series: pl.Series, part: int) -> pl.DataFrame:
    """row_id, part, position, response: one line an item of a list, or a scalar that is not null."""
    frame = keys.with_columns(series.alias("value"))
    if isinstance(series.dtype, pl.List):
        frame = frame.filter(pl.col("value").list.len() > 0).explode("value")
    else:
        frame = frame.filter(pl.col("value").is_not_null())
    position = pl.int_range(pl.len()).over(ROW_ID)
    text = _text(frame["value"])
    return frame.select(ROW_ID, part=pl.lit(part), position=position).with_columns(text.alias("response"))


def _last_turn(series: pl.Series) -> pl.Series:
    """The text of the last turn where the column is a chat, else the column."""
    inner = series.dtype.inner if isinstance(series.dtype, pl.List) else None
    if not isinstance(inner, pl.Struct):
        return series
    names = {field.name for field in inner.fields}
    if not ({"role", "from"} & names and {"content", "value"} & names):
        return series
    return series.list.get(-1, null_on_oob=True).struct.field(turn_keys(inner)[1])


def _beside(
    responses: pl.DataFrame, keys: pl.DataFrame, name: str, values: pl.Series | None
) -> tuple[pl.DataFrame, int]:
    """The responses with column `name`, and how many rows have a list not as long as the responses.

    Which response such a list means is unknown, so nothing is taken from it. A scalar model holds for
    all responses of the row; one grade or ending for several says nothing about each and is left out.
    """
    if values is None:
        return responses.with_columns(pl.lit(None, _RESPONSES[name]).alias(name)), 0
    read = _graded if name == "given_correct" else _told
    frame = keys.with_columns(values.alias("value"))
    if not isinstance(values.dtype, pl.List):
        frame = frame.select(ROW_ID, read(frame["value"]).alias(name))
        found = responses.join(frame, on=ROW_ID, how="left", maintain_order="left")
        alone = pl.when((pl.col("size") == 1) | pl.lit(name == "model")).then(pl.col(name))
        return found.with_columns(alone.alias(name)), 0
    sizes = responses.group_by(ROW_ID).agg(pl.col("size").first())
    frame = frame.filter(pl.col("value").list.len() > 0).join(sizes, on=ROW_ID, maintain_order="left")
    fits = frame.filter(pl.col("value").list.len() == pl.col("size"))
    items = fits.explode("value")
    items = items.select(ROW_ID, _position("response_id"), read(items["value"]).alias(name))
    found = responses.join(items, on=[ROW_ID, "response_id"], how="left", maintain_order="left")
    return found, frame.height - fits.height
