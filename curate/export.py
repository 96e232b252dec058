"""Training formats: kept rows and responses in, Arrow tables of a fixed schema out.

Every shard of a format has the same schema, whatever the rows hold: no column of type null, `string`
and `list` rather than their large forms, so that trainers that concatenate files can do it. Nothing is
read, ordered or written here.

    format             one record per   for
    messages           response         SFT: verl, TRL, open-instruct, OpenRLHF
    prompt-completion  response         SFT: TRL (loss on the completion only)
    sharegpt           response         SFT: LLaMA-Factory
    verl               row              RL: verl
    trl                row              RL: TRL's GRPO, OpenRLHF

A conversation keeps its earlier turns; its last assistant turn is the response. A row without earlier
turns is one user turn with `prompt` as it stands in ROWS, so that a rewritten prompt is what is written.

Source: verl `verl/utils/dataset/rl_dataset.py` and `verl/utils/reward_score/__init__.py` @ b178a3cd5;
TRL `docs/source/dataset_formats.md` @ f2cd57710; LLaMA-Factory `data/README.md` @ ff6d4d12e.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curate.flow import RESPONSE_ID, ROW_ID, Grain

UNKNOWN_SOURCE = "unknown"
"""verl's `data_source` of a row that does not say where it comes from: verl cannot read a null there."""


class Options(NamedTuple):
    """What a recipe may say about the records."""

    system: str | None = None  # replaces the row's own system prompt
    prompt_suffix: str | None = None  # put after the last user turn, as it is
    data_source: str | None = None  # verl: names the reward function; None = the row's source
    ability: str = "math"  # verl: of rows without tests; rows with tests are `code`
    split: str = "train"


class Format(NamedTuple):
    """A training format. `records(rows, responses, options)` gives one record per line of its grain.

    `rows` has the columns of ROWS and may have `pass_rate` (float); `responses` those of RESPONSES, of
    rows that are in `rows` (a format of row grain takes None). Records come in the order of the lines.
    """

    name: str
    grain: Grain
    schema: pa.Schema
    records: Callable[[pl.DataFrame, pl.DataFrame | None, Options], pa.Table]
    describe: str


_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_VERL_PROMPT = pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))
_SHAREGPT = pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))
_TRACE: list[tuple[str, pa.DataType]] = [
    ("answer", pa.string()),  # the ground truth
    ("source", pa.string()),
    ("model", pa.string()),
    ("pass_rate", pa.float64()),
    (ROW_ID, pa.int64()),
    (RESPONSE_ID, pa.int32()),
]
MESSAGES = pa.schema([("messages", _MESSAGES), *_TRACE])
PROMPT_COMPLETION = pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES), *_TRACE])
SHAREGPT = pa.schema([("system", pa.string()), ("conversations", _SHAREGPT), *_TRACE])
VERL = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", _VERL_PROMPT),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("ground_truth", pa.string()), ("style", pa.string())])),
        (
            "extra_info",
            pa.struct(
                [
                    ("index", pa.int64()),
                    ("split", pa.string()),
                    (ROW_ID, pa.int64()),
                    ("source", pa.string()),
                    ("answer", pa.string()),
                    ("pass_rate", pa.float64()),
                ]
            ),
        ),
    ]
)
TRL = pa.schema(
    [
        ("prompt", _MESSAGES),
        ("ground_truth", pa.string()),
        ("solution", pa.string()),
        ("tests", pa.string()),
        ("source", pa.string()),
        ("pass_rate", pa.float64()),
        (ROW_ID, pa.int64()),
    ]
)

_TURN = pl.Struct({"role": pl.String, "content": pl.String})
_SHAREGPT_ROLES = {"user": "human", "assistant": "gpt", "tool": "observation"}


def _messages(rows: pl.DataFrame, responses: pl.DataFrame | None, options: Options) -> pa.Table:
    frame = _with_rows(_with_conversation(rows, options), responses)
    whole = pl.concat_list(_system_turn(), "conversation", _answer_turn())
    return _table(frame.with_columns(whole.alias("messages")), MESSAGES)


def _prompt_completion(rows: pl.DataFrame, responses: pl.DataFrame | None, options: Options) -> pa.Table:
    frame = _with_rows(_with_conversation(rows, options), responses)
    prompt = pl.concat_list(_system_turn(), "conversation")
    return _table(
        frame.with_columns(prompt.alias("prompt"), _answer_turn().alias("completion")), PROMPT_COMPLETION
    )


def _sharegpt(rows: pl.DataFrame, responses: pl.DataFrame | None, options: Options) -> pa.Table:
    frame = _with_rows(_with_conversation(rows, options), responses)
    turn = pl.element().struct
    renamed = pl.struct(
        turn.field("role").replace(_SHAREGPT_ROLES).alias("from"), turn.field("content").alias("value")
    )
    whole = pl.concat_list("conversation", _answer_turn()).list.eval(renamed)
    return _table(frame.with_columns(whole.alias("conversations")), SHAREGPT)


def _verl(rows: pl.DataFrame, responses: pl.DataFrame | None, options: Options) -> pa.Table:
    _no_responses(responses)
    turn = pl.element().struct
    prompt = pl.concat_list(_system_turn(), "conversation").list.eval(
        pl.struct(turn.field("content"), turn.field("role"))
    )
    source = pl.col("source").fill_null(UNKNOWN_SOURCE) if options.data_source is None else (
        pl.lit(options.data_source)
    )  # fmt: skip
    is_code = pl.col("tests").is_not_null()
    frame = _with_conversation(rows, options).select(
        source.alias("data_source"),
        prompt.alias("prompt"),
        pl.when(is_code).then(pl.lit("code")).otherwise(pl.lit(options.ability)).alias("ability"),
        pl.struct(_ground_truth(), pl.lit("rule").alias("style")).alias("reward_model"),
        pl.struct(
            pl.col(ROW_ID).alias("index"),
            pl.lit(options.split).alias("split"),
            ROW_ID,
            "source",
            "answer",
            "pass_rate",
        ).alias("extra_info"),
    )
    return _table(frame, VERL)


def _trl(rows: pl.DataFrame, responses: pl.DataFrame | None, options: Options) -> pa.Table:
    _no_responses(responses)
    frame = _with_conversation(rows, options).with_columns(
        pl.concat_list(_system_turn(), "conversation").alias("prompt"),
        _ground_truth(),
        pl.col("answer").alias("solution"),
    )
    return _table(frame, TRL)


def _ground_truth() -> pl.Expr:
    """Tests where there are any, else the answer; null where the row has neither."""
    return pl.coalesce("tests", "answer").alias("ground_truth")


def _no_responses(responses: pl.DataFrame | None) -> None:
    assert responses is None, "a format with one record per row takes no responses"


def _with_conversation(rows: pl.DataFrame, options: Options) -> pl.DataFrame:
    """Rows with `conversation`: the turns before the answer, no system turn; and `system`, `pass_rate`."""
    role = pl.element().struct.field("role")
    spoken = pl.col("turns").cast(pl.List(_TURN)).list.filter(role != "system")
    own_system = (
        pl.col("turns")
        .cast(pl.List(_TURN))
        .list.filter(role == "system")
        .list.first()
        .struct.field("content")
    )
    system = pl.coalesce("system", own_system) if options.system is None else pl.lit(options.system)
    frame = rows.with_columns(spoken.alias("spoken"), system.alias("system"))
    if "pass_rate" not in rows.columns:
        frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias("pass_rate"))
    last_role = pl.col("spoken").list.last().struct.field("role")
    answered = (last_role == "assistant").fill_null(value=False)
    earlier = pl.when(answered).then(pl.col("spoken").list.head(pl.col("spoken").list.len() - 1)).otherwise(
        pl.col("spoken")
    )  # fmt: skip
    frame = frame.with_columns(earlier.alias("spoken"))
    only_turn = pl.concat_list(pl.struct(pl.lit("user").alias("role"), pl.col("prompt").alias("content")))
    conversation = pl.when(pl.col("spoken").list.len().fill_null(0) > 1).then("spoken").otherwise(only_turn)
    return _with_suffix(frame.with_columns(conversation.alias("conversation")), options.prompt_suffix)


def _with_suffix(frame: pl.DataFrame, suffix: str | None) -> pl.DataFrame:
    """Put the suffix after the last turn where the user speaks it; elsewhere the turns stay."""
    if not suffix:
        return frame
    last = pl.col("conversation").list.last().struct
    longer = pl.concat_list(
        pl.col("conversation").list.head(pl.col("conversation").list.len() - 1),
        pl.concat_list(
            pl.struct(
                last.field("role"), (last.field("content").fill_null("") + pl.lit(suffix)).alias("content")
            )
        ),
    )
    asked = last.field("role") == "user"
    return frame.with_columns(pl.when(asked).then(longer).otherwise("conversation").alias("conversation"))


def _with_rows(rows: pl.DataFrame, responses: pl.DataFrame | None) -> pl.DataFrame:
    assert responses is not None, "a format with one record per response needs the responses"
    return responses.join(rows, on=ROW_ID, how="inner", maintain_order="left")


def _system_turn() -> pl.Expr:
    turn = pl.concat_list(pl.struct(pl.lit("system").alias("role"), pl.col("system").alias("content")))
    return pl.when(pl.col("system").is_not_null()).then(turn).otherwise(pl.lit([], dtype=pl.List(_TURN)))


def _answer_turn() -> pl.Expr:
    return pl.concat_list(pl.struct(pl.lit("assistant").alias("role"), pl.col("response").alias("content")))


def _table(frame: pl.DataFrame, schema: pa.Schema) -> pa.Table:
    """The frame's columns of the schema, cast to it, in chunks that 32-bit string offsets can hold."""
    table = frame.select(schema.names).to_arrow()
    if table.nbytes > 1 << 30 and frame.height > 1:
        half = frame.height // 2
        return pa.concat_tables([_table(frame.head(half), schema), _table(frame.tail(-half), schema)])
    return table.cast(schema)


FORMATS: dict[str, Format] = {
    "messages": Format(
        "messages", "response", MESSAGES, _messages,
        "One record per kept response: `messages` is the whole conversation with its system prompt. "
        "Read by TRL's SFTTrainer, verl's SFT trainer, open-instruct and, with "
        "`--data.input_key messages`, OpenRLHF.",
    ),
    "prompt-completion": Format(
        "prompt-completion", "response", PROMPT_COMPLETION, _prompt_completion,
        "One record per kept response: `prompt` holds every turn before the answer, `completion` the "
        "answer as one assistant turn. TRL's SFTTrainer takes the loss on the completion only.",
    ),
    "sharegpt": Format(
        "sharegpt", "response", SHAREGPT, _sharegpt,
        "One record per kept response, for LLaMA-Factory. Its entry in `dataset_info.json`: "
        '`{"file_name": "FOLDER", "formatting": "sharegpt", '
        '"columns": {"messages": "conversations", "system": "system"}}`.',
    ),
    "verl": Format(
        "verl", "row", VERL, _verl,
        "One record per kept row, for verl. `reward_model.ground_truth` is the answer, or the tests as "
        "JSON text where the row has tests (`ability` is then `code`); it is null where the row has "
        "neither. verl chooses its reward function by `data_source` and stops at a name it does not "
        "know: set `output.data-source` to one it knows, or give verl a `custom_reward_function`.",
    ),
    "trl": Format(
        "trl", "row", TRL, _trl,
        "One record per kept row, for TRL's GRPOTrainer, which hands every other column to the reward "
        "functions: `ground_truth` (tests as JSON text, else the answer), `solution` (the answer, as "
        "TRL's own accuracy reward names it), `tests`. OpenRLHF reads it with "
        "`--data.input_key prompt --data.label_key ground_truth --data.apply_chat_template`.",
    ),
}  # fmt: skip


def shuffle_key(
    seed: int, row_id: npt.NDArray[np.int64], response_id: npt.NDArray[np.int32] | None = None
) -> npt.NDArray[np.uint64]:
    """Sort key of a seeded shuffle, uint64, one per record.

    Depends on the seed and the ids only, so the order is the same for any sharding. Different rows never
    share a key where response_id is equal or absent; across response_ids break ties by the ids.

    Source: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014 (the mixer).

    >>> shuffle_key(0, np.array([0, 1, 2])).argsort().tolist()
    [1, 2, 0]
    """
    state = _mix(np.full(1, seed & 0xFFFF_FFFF_FFFF_FFFF, np.uint64))
    key = _mix(state + row_id.astype(np.uint64))
    return key if response_id is None else _mix(key + response_id.astype(np.uint64))


def _mix(value: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    value = value + np.uint64(0x9E37_79B9_7F4A_7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return value ^ (value >> np.uint64(31))
