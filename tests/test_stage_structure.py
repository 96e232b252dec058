"""Structure: think and answer parts, boxes, turns and cut-off responses."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.stages.structure import EVIDENCE, StructureParams, measure

TURNS = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))

TRUNCATED = "truncated or ends_mid_sentence"
BROKEN = (
    "not answer_nonempty or (has_think and not (think_complete and think_nonempty)) "
    "or (has_answer_tags and not answer_tags_complete)"
)
NO_BOX = "not has_boxed or not boxed_balanced"
BROKEN_CONVERSATION = "is_chat and not (last_turn_assistant and even_turns)"


def frame(
    *responses: str | None, finish: list[str | None] | None = None, turns: list[Any] | None = None
) -> pl.DataFrame:
    """Responses of one row, with finish reasons and turns if given."""
    n = len(responses)
    return pl.DataFrame(
        {
            "row_id": [0] * n,
            "response_id": range(n),
            "response": responses,
            "finish_reason": finish or [None] * n,
            "turns": turns or [None] * n,
        },
        schema={
            "row_id": pl.Int64,
            "response_id": pl.Int32,
            "response": pl.String,
            "finish_reason": pl.String,
            "turns": TURNS,
        },
    )


def measured(
    response: str | None, finish: str | None = None, roles: str = "", **params: Any
) -> dict[str, Any]:
    """Evidence of one response; `roles` are the roles of the turns, separated by blanks."""
    given = StructureParams.model_validate({"stage": "structure", **params})
    turns = [{"role": role, "content": "x"} for role in roles.split()] or None
    [line] = measure(frame(response, finish=[finish], turns=[turns]), given, None).to_dicts()
    return line


def holds(rule: str, response: str | None, finish: str | None = None, roles: str = "") -> Any:
    """What a predicate says of a response."""
    turns = [{"role": role, "content": "x"} for role in roles.split()] or None
    found = measure(frame(response, finish=[finish], turns=[turns]), StructureParams(stage="structure"), None)
    return found.select(pl.sql_expr(rule)).item()


def test_the_example_of_the_docstring() -> None:
    """The literal example of the module docstring is what the stage gives."""
    line = measured("<think>1 + 1</think>It is \\boxed{2}.", "stop")
    assert (line["has_think"], line["think_complete"], line["think_nonempty"]) == (True, True, True)
    assert (line["n_think_tags"], line["think_chars"], line["answer_chars"]) == (2, 5, 16)
    assert (line["n_boxed"], line["has_boxed"], line["boxed_balanced"]) == (1, True, True)
    assert (line["truncated"], line["truncated_how"], line["status"]) == (False, "none", "ok")


@pytest.mark.parametrize(
    ("response", "tags", "complete", "thinking", "answer"),
    [
        ("abc", 0, False, 0, 3),
        ("<think>ab</think>c", 2, True, 2, 1),
        ("ab</think> c ", 1, True, 2, 1),
        ("<think>\n\n</think>c", 2, True, 0, 1),
        ("<think>ab", 1, False, 2, 0),
        ("<think>ab</think>", 2, True, 2, 0),
        ("<think>a</think>b</think>c", 3, False, 10, 1),
        ("<think>a<think>b</think>c", 3, False, 9, 1),
        ("</think>a<think>", 2, False, 0, 0),
        ("<think>a</think>b<think>c", 3, False, 18, 0),
    ],
)
def test_thinking_and_answer_are_told_apart(
    response: str, tags: int, complete: bool, thinking: int, answer: int
) -> None:
    """One closing tag, after at most one opening one, makes complete thinking; the rest is the answer."""
    line = measured(response)
    assert (line["n_think_tags"], line["has_think"], line["think_complete"]) == (tags, tags > 0, complete)
    assert (line["think_chars"], line["answer_chars"]) == (thinking, answer)
    assert (line["think_nonempty"], line["answer_nonempty"]) == (thinking > 0, answer > 0)


@pytest.mark.parametrize(
    ("response", "has", "complete", "chars"),
    [
        ("<think>a</think><answer>bc</answer>", True, True, 2),
        ("text <answer>bc</answer> more", True, True, 2),
        ("<answer></answer>", True, True, 0),
        ("<answer>bc", True, False, 2),
        ("bc</answer>", True, False, 2),
        ("</answer>bc<answer>", True, False, 2),
        ("<think><answer>x</answer></think>bc", False, False, 2),
    ],
)
def test_answer_tags_count_in_the_answer_only(response: str, has: bool, complete: bool, chars: int) -> None:
    """A pair of answer tags narrows the answer; tags inside the thinking are thoughts."""
    line = measured(response)
    assert (line["has_answer_tags"], line["answer_tags_complete"]) == (has, complete)
    assert line["answer_chars"] == chars


def test_other_tags_can_be_named() -> None:
    """The marks are parameters, and are taken literally."""
    marks = {"think-open": "<|begin(", "think-close": ")end|>"}
    line = measured("<|begin(ab)end|>c", **marks)
    assert (line["think_complete"], line["think_chars"], line["answer_chars"]) == (True, 2, 1)
    assert measured("<think>ab</think>c", **marks)["has_think"] is False


@pytest.mark.parametrize(
    ("answer", "n", "balanced"),
    [
        ("\\boxed{2}", 1, True),
        ("\\boxed{\\frac{1}{2}} and \\boxed{3}", 2, True),
        ("\\fbox{2}", 1, True),
        ("\\boxed 5", 1, True),
        ("\\boxed{}", 0, False),
        ("\\boxed{2", 1, False),
        ("\\boxed{1} \\boxed{\\frac{1}{2}", 2, False),
        ("\\boxed{\\{1, 2\\}}", 1, True),
        ("\\boxed{[0, 1\\}", 1, False),
        ("<think>\\boxed{2}</think>two", 0, False),
        ("no box", 0, False),
    ],
)
def test_boxes_are_counted_in_the_answer(answer: str, n: int, balanced: bool) -> None:
    """A box counts with something in it; the last one must close, escaped braces aside."""
    line = measured(answer)
    assert (line["n_boxed"], line["has_boxed"], line["boxed_balanced"]) == (n, n > 0, balanced)


@pytest.mark.parametrize(
    ("response", "finish", "how"),
    [
        ("The answer is 5.", "length", "finish-reason"),
        ("The answer is 5.", " MAX_TOKENS ", "finish-reason"),
        ("The answer is 5.", "max-tokens", "finish-reason"),
        ("The answer is 5.", "stop", "none"),
        ("The answer is 5.", "tool_calls", "none"),
        ("<think>hm", None, "open-think"),
        ("<think>hm", "stop", "none"),
        ("<answer>five", None, "open-answer"),
        ("Code:\n```python\nx = 1", None, "unclosed-fence"),
        ("Code:\n```python\nx = 1\n```", None, "none"),
        ("x = 1\n```", None, "none"),
        ("So \\[ x = \\frac{1}", None, "unclosed-math"),
        ("So \\( x", None, "unclosed-math"),
        ("So \\( x \\) and \\[ y \\].", None, "none"),
        ("\\begin{pmatrix} 1 \\\\[2pt] 2 \\end{pmatrix} done.", None, "none"),
        ("We have \\begin{align} x &= 1", None, "unclosed-math"),
        ("We have\n$$x = 1\n", None, "unclosed-math"),
        ("We have $$x = 1$$ and $$y = 2$$.", None, "none"),
        ("It is $a$$b$.", None, "none"),
        ("The answer is \\boxed{1", None, "unclosed-math"),
        ("So \\( x is left open, but the text goes on for long. " + "And on it goes. " * 300, None, "none"),
    ],
)
def test_cut_off_responses_say_how(response: str, finish: str | None, how: str) -> None:
    """The finish reason comes first; the text is asked only where the model did not say it stopped."""
    line = measured(response, finish)
    assert (line["truncated_how"], line["truncated"]) == (how, how != "none")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("The answer is 5", False),
        ("The answer is 5.", False),
        ("**So it is five**", False),
        ("Thus the sum of the", True),
        ("Let x = 2 and y =", True),
        ("first, second,", True),
        ("f(", True),
        ("It is a panda", False),
        ("因此我们得到，", True),
        ("因此答案是5", False),
        ("It weighs 5 kg\n", False),
        ("we know that\n", True),
    ],
)
def test_a_sentence_left_open_is_hinted_at(response: str, expected: bool) -> None:
    """A comma, an operator, an open bracket or a word like "the" does not end a text."""
    assert measured(response)["ends_mid_sentence"] is expected


@pytest.mark.parametrize(
    ("roles", "n", "last", "even"),
    [
        ("user assistant", 2, True, True),
        ("system user assistant", 2, True, True),
        ("user assistant user", 3, False, False),
        ("user user assistant", 3, True, False),
        ("human gpt", 2, True, True),
        ("USER Assistant", 2, True, True),
        ("system", 0, False, True),
    ],
)
def test_turns_are_counted_without_the_system_turn(roles: str, n: int, last: bool, even: bool) -> None:
    """The system turn is no turn; the last one should be the assistant's."""
    line = measured("x", roles=roles)
    assert line["is_chat"] is True
    assert (line["n_turns"], line["last_turn_assistant"], line["even_turns"]) == (n, last, even)


def test_a_row_that_is_no_chat_has_null_turns() -> None:
    """Without a conversation there is nothing to say about turns, and the rule on them is false, not null."""
    line = measured("x")
    assert line["is_chat"] is False
    assert (line["n_turns"], line["last_turn_assistant"], line["even_turns"]) == (None, None, None)
    assert holds(BROKEN_CONVERSATION, "x") is False


def test_the_recommended_rules() -> None:
    """Rules drop what is cut or broken, and let data without think tags alone."""
    whole, plain = "<think>1 + 1</think>It is \\boxed{2}.", "It is \\boxed{2}."
    for response in (whole, plain):
        assert [holds(rule, response) for rule in (TRUNCATED, BROKEN, NO_BOX)] == [False, False, False]
    assert holds(TRUNCATED, "<think>1 + 1") is True
    for broken in ("<think>1 + 1", "<think></think>2", "<think>1</think>", "<answer>2", "", None):
        assert holds(BROKEN, broken) is True
    for unboxed in ("It is 2.", "\\boxed{}", "\\boxed{2", None):
        assert holds(NO_BOX, unboxed) is True
    assert holds(BROKEN_CONVERSATION, "x", roles="user assistant user") is True
    assert holds(BROKEN_CONVERSATION, "x", roles="system user assistant") is False


def test_a_null_response_is_measured_as_an_empty_one() -> None:
    """Null differs from empty in its status only, and leaves no null but those of the turns."""
    null, empty = measured(None), measured("")
    assert (null.pop("status"), empty.pop("status")) == ("no-text", "ok")
    assert null == empty
    nulls = {name for name, value in null.items() if value is None}
    assert nulls == {"n_turns", "last_turn_assistant", "even_turns"}


pieces = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "\\boxed{", "}", "{", "\\[", "\\]", "$$", "```\n", "🙂", "\x00",
     "\u0301", "求", "\n", " ", "the", "\\"]
)  # fmt: skip
odd = st.lists(pieces, max_size=20).map("".join)


@given(st.lists(st.one_of(st.none(), odd), min_size=1, max_size=6), st.integers(1, 6))
def test_cutting_and_order_change_nothing(responses: list[str | None], cut: int) -> None:
    """A response has the same evidence alone, in another order and in another shard."""
    params = StructureParams(stage="structure")
    whole = measure(frame(*responses), params, None)
    parts = [measure(part, params, None) for part in frame(*responses).iter_slices(cut)]
    assert pl.concat(parts).equals(whole)
    assert measure(frame(*responses).reverse(), params, None).reverse().equals(whole)


def test_an_empty_frame_has_the_schema() -> None:
    """No response gives no line, in the declared schema."""
    found = measure(frame(), StructureParams(stage="structure"), None)
    assert found.height == 0
    assert found.drop("row_id", "response_id").schema == pl.DataFrame(EVIDENCE.empty_table()).schema


def test_ten_megabytes_of_braces_take_seconds() -> None:
    """Ten megabytes of open boxes and tags are measured in linear time."""
    line = measured("<think>" + "\\boxed{ <think> \\[ $$ " * 450_000)
    assert (line["truncated_how"], line["answer_chars"]) == ("open-think", 0)
    line = measured("\\boxed{ a \\[ $$ ( " * 550_000)
    assert (line["truncated_how"], line["boxed_balanced"]) == ("unclosed-math", False)
