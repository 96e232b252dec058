r"""Whether a response is whole: thinking closed, an answer after it, a box, a conversation that ends well.

Measures
    The thinking is what stands before the last closing tag and after the first opening one; a closing tag
    alone is enough, because some chat templates write the opening one themselves. The answer is what
    follows the thinking, and the whole response where there are no think tags; inside one pair of answer
    tags if there is one.
Columns
    has_think             a think tag of either kind occurs
    think_complete        at most one opening and exactly one closing tag, in order; false without tags
    think_nonempty        there is text in the thinking; false without tags
    n_think_tags          opening and closing think tags together
    has_answer_tags       an answer tag of either kind occurs in the answer
    answer_tags_complete  one opening and one closing answer tag, in order; false without tags
    answer_nonempty       there is text in the answer
    think_chars, answer_chars
                          their lengths in characters, outer white space not counted
    n_boxed, has_boxed    boxed results in the answer (\boxed or \fbox with something in it)
    boxed_balanced        the last of them closes its brace; false without a box
    is_chat               the row is a conversation
    n_turns               its turns, system turns not counted; null if it is none
    last_turn_assistant, even_turns
                          it ends with the assistant; n_turns is even; null if it is no conversation
    truncated             the response was cut off
    truncated_how         none, finish-reason, open-think, open-answer, unclosed-fence or unclosed-math: the
                          first of these that holds. Where the finish reason says that the model stopped by
                          itself, the text is not asked.
    ends_mid_sentence     a hint only: the text ends in a comma, an operator, an opening bracket or a word
                          that ends no sentence
    status                ok; no-text: the response is null, measured as if it were empty
Not covered
    Replies before the last one: their think tags are not looked at. Single dollar signs as math marks
    (money uses them too). Fences of four and more marks. Whether the answer answers.
Source
    AM-Thinking-v1 §2.3 (last turn, complete think and answer); DeepDistill §2.5 (even number of turns,
    content in both parts).

In:  {"row_id": 0, "response_id": 0, "response": "<think>1 + 1</think>It is \\boxed{2}.",
      "finish_reason": "stop", "turns": None}
Out: {"row_id": 0, "response_id": 0, "has_think": True, "think_complete": True, "think_nonempty": True,
      "n_think_tags": 2, ..., "answer_chars": 16, "n_boxed": 1, "has_boxed": True, ...,
      "truncated": False, "truncated_how": "none", ..., "status": "ok"}
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

import polars as pl
import pyarrow as pa
from pydantic import Field

from curate.flow import RESPONSE_ID, ROW_ID, Stage, StageParams

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("has_think", pa.bool_()),
        ("think_complete", pa.bool_()),
        ("think_nonempty", pa.bool_()),
        ("n_think_tags", pa.int32()),
        ("has_answer_tags", pa.bool_()),
        ("answer_tags_complete", pa.bool_()),
        ("answer_nonempty", pa.bool_()),
        ("think_chars", pa.int32()),
        ("answer_chars", pa.int32()),
        ("n_boxed", pa.int32()),
        ("has_boxed", pa.bool_()),
        ("boxed_balanced", pa.bool_()),
        ("is_chat", pa.bool_()),
        ("n_turns", pa.int32()),
        ("last_turn_assistant", pa.bool_()),
        ("even_turns", pa.bool_()),
        ("truncated", pa.bool_()),
        ("truncated_how", pa.string()),
        ("ends_mid_sentence", pa.bool_()),
        ("status", pa.string()),
    ]
)

TURNS = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
CUT_REASONS = ("length", "max_length", "max_new_tokens", "max_tokens", "model_length", "token_limit")
STOP_REASONS = ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed")
ASSISTANT_ROLES = ("assistant", "gpt", "model", "bot")
SYSTEM_ROLES = ("system", "developer")

BOX = r"\\(?:boxed|fbox)(?:\s*\{\s*[^\s}]|\s+[0-9A-Za-z])"
LAST_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
FENCE = r"(?m)^[ \t]*(?:```|~~~)"
TAIL_CHARS = 4000
"""Math still open this far from the end of a text is taken for a slip of the pen, not for a cut."""
OPEN_MATH = r"(?:^|[^\\])\\[(\[](?:[^\\]|\\[^()\[\]])*$"
OPEN_DOLLARS = r"(?:^|[^\\])\$\$(?:[^$\n]|\n[^$\n])*$"
OPEN_ENVIRONMENT = r"\\begin\{[a-zA-Z*]+\}(?:[^\\]|\\[^e]|\\e[^n])*$"
OPEN_FENCE = r"(?:```|~~~)[^`~]*[^`~\s][^`~]*$"
MID_SENTENCE = (
    r"(?:[,;=+/<&^\\(\[{（，、；]|[-−]"
    r"|(?i:\b(?:the|a|an|of|and|or|but|is|are|was|to|that|which|with|for|from|by|we|if|then|because|where|so))"
    r"|[的和与或在把从对是])$"
)


class StructureParams(StageParams):
    """Which tags mark the thinking and the answer."""

    stage: Literal["structure"]
    think_open: Annotated[str, Field(min_length=1)] = Field(
        default="<think>", description="Mark that opens the thinking"
    )
    think_close: Annotated[str, Field(min_length=1)] = Field(
        default="</think>", description="Mark that closes the thinking"
    )
    answer_open: Annotated[str, Field(min_length=1)] = Field(
        default="<answer>", description="Mark that opens the answer, where answers have marks"
    )
    answer_close: Annotated[str, Field(min_length=1)] = Field(
        default="</answer>", description="Mark that closes the answer"
    )


def measure(frame: pl.DataFrame, params: StructureParams, _state: None) -> pl.DataFrame:
    """One line of structure evidence a response."""
    parts = _parts(frame, params)
    boxes = pl.col("answer").str.count_matches(BOX)
    last = pl.col("roles").list.last()
    n_turns = pl.col("roles").list.filter(~pl.element().is_in(SYSTEM_ROLES)).list.len()
    measured = parts.select(
        ROW_ID,
        RESPONSE_ID,
        has_think=pl.col("opens") + pl.col("closes") > 0,
        think_complete=(pl.col("closes") == 1) & (pl.col("opens") <= 1) & ~pl.col("open_think"),
        think_nonempty=pl.col("thinking") != "",
        n_think_tags=pl.col("opens") + pl.col("closes"),
        has_answer_tags=pl.col("answer_opens") + pl.col("answer_closes") > 0,
        answer_tags_complete=pl.col("answer_complete"),
        answer_nonempty=pl.col("answer") != "",
        think_chars=pl.col("thinking").str.len_chars(),
        answer_chars=pl.col("answer").str.len_chars(),
        n_boxed=boxes,
        has_boxed=boxes > 0,
        boxed_balanced=(boxes > 0) & pl.col("box_closes"),
        is_chat=pl.col("roles").is_not_null(),
        n_turns=n_turns,
        last_turn_assistant=last.is_in(ASSISTANT_ROLES).fill_null(False) | _no_chat(),
        even_turns=n_turns % 2 == 0,
        truncated_how=_truncated_how(),
        ends_mid_sentence=pl.col("tail").str.contains(MID_SENTENCE),
        status=pl.when(pl.col("given")).then(pl.lit("ok")).otherwise(pl.lit("no-text")),
    ).with_columns(truncated=pl.col("truncated_how") != "none")
    schema = pl.DataFrame(EVIDENCE.empty_table()).schema
    return measured.select(ROW_ID, RESPONSE_ID, *(pl.col(name).cast(schema[name]) for name in EVIDENCE.names))


def _no_chat() -> pl.Expr:
    """Null where the row is no conversation, else false: `x | _no_chat()` is null or x."""
    return pl.when(pl.col("roles").is_not_null()).then(pl.lit(value=False))


def _parts(frame: pl.DataFrame, params: StructureParams) -> pl.DataFrame:
    """Thinking and answer of each response, their tags counted, and the roles of the turns."""
    text, rest, marked = pl.col("text"), pl.col("rest"), pl.col("marked")
    pieces = pl.col("pieces")
    reason = pl.col("finish_reason").str.strip_chars().str.to_lowercase().str.replace_all("[- ]", "_")
    parts = (
        frame.select(
            ROW_ID,
            RESPONSE_ID,
            given=pl.col("response").is_not_null(),
            text=pl.col("response").fill_null(""),
            reason=reason.fill_null(""),
            # The cast is for frames without any conversation: Polars forgets the type of such a list.
            roles=pl.col("turns").cast(TURNS).list.eval(pl.element().struct.field("role").str.to_lowercase()),
        )
        .with_columns(
            opens=text.str.count_matches(params.think_open, literal=True),
            closes=text.str.count_matches(params.think_close, literal=True),
            pieces=text.str.split(params.think_close),
        )
        .with_columns(
            before=pieces.list.slice(0, pl.col("closes")).list.join(params.think_close),
            after=pieces.list.last(),
        )
        .drop("pieces")
        .with_columns(open_think=pl.col("after").str.contains(params.think_open, literal=True))
        .with_columns(
            thinking=_after_first(
                pl.when("open_think").then(text).otherwise(pl.col("before")), params.think_open
            ),
            rest=pl.when("open_think").then(pl.lit("")).otherwise(pl.col("after")),
        )
        .with_columns(
            answer_opens=rest.str.count_matches(params.answer_open, literal=True),
            answer_closes=rest.str.count_matches(params.answer_close, literal=True),
            marked=_after_first(rest, params.answer_open),
        )
        .with_columns(
            answer_complete=(pl.col("answer_opens") == 1)
            & (pl.col("answer_closes") == 1)
            & marked.str.contains(params.answer_close, literal=True),
            open_answer=(pl.col("answer_opens") == 1) & (pl.col("answer_closes") == 0),
        )
    )
    unmarked = rest.str.replace_all(params.answer_open, "", literal=True).str.replace_all(
        params.answer_close, "", literal=True
    )
    inside = marked.str.splitn(params.answer_close, 2).struct.field("field_0")
    parts = parts.with_columns(
        thinking=pl.col("thinking").str.strip_chars(),
        answer=pl.when("answer_complete").then(inside).otherwise(unmarked).str.strip_chars(),
        tail=rest.str.strip_chars_end().str.tail(TAIL_CHARS),
    )
    closes = pl.Series([_last_box_closes(answer) for answer in parts["answer"]], dtype=pl.Boolean)
    return parts.with_columns(box_closes=closes)


def _after_first(text: pl.Expr, mark: str) -> pl.Expr:
    """What follows the first `mark`, or the whole text if it does not occur."""
    halves = text.str.splitn(mark, 2).struct
    return pl.coalesce(halves.field("field_1"), halves.field("field_0"))


def _last_box_closes(answer: str) -> bool:
    """Whether the last box with a brace closes it; true if no box has one.

    >>> _last_box_closes(r"so \\boxed{\\frac{1}{2}}"), _last_box_closes(r"so \\boxed{\\frac{1}{2}")
    (True, False)
    """
    at = max(answer.rfind("\\boxed"), answer.rfind("\\fbox"))
    box = LAST_BOX.match(answer, at) if at >= 0 else None
    if box is None:
        return True
    depth = 1
    for brace in BRACE.finditer(answer, box.end()):
        depth += (brace[0] == "{") - (brace[0] == "}")
        if depth == 0:
            return True
    return False


def _truncated_how() -> pl.Expr:
    """The first sign that a response was cut off."""
    tail = pl.col("tail")
    fence = (pl.col("answer").str.count_matches(FENCE) % 2 == 1) & tail.str.contains(OPEN_FENCE)
    dollars = (pl.col("answer").str.count_matches("$$", literal=True) % 2 == 1) & tail.str.contains(
        OPEN_DOLLARS
    )
    math = (
        tail.str.contains(OPEN_MATH) | tail.str.contains(OPEN_ENVIRONMENT) | dollars | ~pl.col("box_closes")
    )
    return (
        pl.when(pl.col("reason").is_in(CUT_REASONS))
        .then(pl.lit("finish-reason"))
        .when(pl.col("reason").is_in(STOP_REASONS))
        .then(pl.lit("none"))
        .when("open_think")
        .then(pl.lit("open-think"))
        .when("open_answer")
        .then(pl.lit("open-answer"))
        .when(fence)
        .then(pl.lit("unclosed-fence"))
        .when(math)
        .then(pl.lit("unclosed-math"))
        .otherwise(pl.lit("none"))
    )


STAGE = Stage(
    name="structure",
    version=VERSION,
    grain="response",
    reads=("response", "finish_reason", "turns"),
    evidence=EVIDENCE,
    params=StructureParams,
    measure=measure,
    runs="process",
)
