"""Repetition: what loops, what only resembles a loop, and what null, empty and odd texts give."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.stages import repetition
from curate.stages.repetition import EVIDENCE, RepetitionParams, measure

LOOPING = "tail_loop_words >= 50 or template_tail_words >= 200 or novelty_min <= 0.1"
"""The predicate the default recipe uses, without the name of its evidence."""

SENTENCE = "The tide goes out at noon and the boats lie on the sand until the evening comes again. "
STORY = " ".join("".join(random.Random(n).choices("abcdefghij", k=5)) for n in range(800))
"""800 words of prose without a repeated phrase."""


def frame(*responses: str | None) -> pl.DataFrame:
    """Responses of one row."""
    columns = {"row_id": [0] * len(responses), "response_id": range(len(responses)), "response": responses}
    types = {"row_id": pl.Int64, "response_id": pl.Int32, "response": pl.String}
    return pl.DataFrame(columns, schema=types)


def measured(*responses: str | None, **params: Any) -> list[dict[str, Any]]:
    """Evidence of each response."""
    given = RepetitionParams.model_validate({"stage": "repetition", **params})
    return measure(frame(*responses), given, None).to_dicts()


def flagged(response: str) -> bool:
    """Whether the default rule drops the response."""
    given = RepetitionParams(stage="repetition")
    return measure(frame(response), given, None).select(pl.sql_expr(LOOPING)).item() is True


def test_the_example_of_the_docstring() -> None:
    """The literal example of the module docstring is what the stage gives."""
    [line] = measured("So x = 2. Wait, no. Wait, no. Wait, no. Wait, no.", **{"min-phrase-words": 2})
    assert line["n_words"] == 12
    assert line["consecutive_repeats"] == 4
    assert line["repeated_phrase_words"] == 2
    assert line["repeated_words"] == 8
    assert line["loop_share"] == pytest.approx(2 / 3)
    assert (line["tail_loop"], line["loop_onset"], line["tail_loop_words"]) == (True, 4, 8)
    assert line["status"] == "ok"


def test_a_text_that_ends_in_a_loop_says_where_it_starts() -> None:
    """Words before the loop are its onset; a last word cut short does not hide the loop."""
    [line] = measured("one two three four. " + "but wait let me check. " * 40 + "but wa")
    assert (line["tail_loop"], line["loop_onset"], line["tail_loop_words"]) == (True, 4, 202)
    assert line["consecutive_repeats"] == 40
    assert line["repeated_phrase_words"] == 5


def test_a_loop_in_the_middle_is_no_tail_loop() -> None:
    """A text that gets out of a loop has repeats but no tail loop, and no onset."""
    [line] = measured("but wait let me check. " * 10 + "It is well. The answer is seven, as promised.")
    assert line["consecutive_repeats"] == 10
    assert (line["tail_loop"], line["loop_onset"], line["tail_loop_words"]) == (False, None, 0)


def test_a_counter_makes_a_template_loop() -> None:
    """Steps that differ in their number only are no loop, but a template loop to the end."""
    steps = " ".join(f"## Step {n}: We add {n} to the sum and get {n * n}.5 once more." for n in range(40))
    [line] = measured(steps)
    assert line["consecutive_repeats"] == 1
    assert line["template_repeats"] == 40
    assert line["template_tail_words"] == line["n_words"] == 40 * 14


def test_short_phrases_count_in_multiples() -> None:
    """With phrases of three words or more, nine equal words are three of them, eight are no loop."""
    nine, eight = measured("no " * 9, "no " * 8)
    assert (nine["consecutive_repeats"], nine["repeated_phrase_words"], nine["repeated_words"]) == (3, 3, 9)
    assert (eight["consecutive_repeats"], eight["repeated_words"]) == (1, 0)


def test_the_most_repeats_win_then_the_longest_loop() -> None:
    """Of two loops the one that repeats more often is named; shares count both."""
    [line] = measured("a b c " * 5 + "x " + "d e f g h i " * 3)
    assert (line["consecutive_repeats"], line["repeated_words"]) == (5, 15)
    assert line["loop_share"] == pytest.approx(33 / 34)


def test_novelty_falls_where_nothing_new_is_said() -> None:
    """A text said twice has no new phrase in its last window; a text said once has only new ones."""
    once, twice = measured(STORY, STORY + " " + STORY, **{"window-words": 100})
    assert (once["novelty_min"], once["novelty_tail"]) == (1.0, 1.0)
    assert twice["novelty_tail"] == 0.0


def test_novelty_of_a_short_text_is_taken_over_all_of_it() -> None:
    """Ten words in two equal halves of five have three eight-word phrases, all new."""
    [line, tiny] = measured("a b c d e a b c d e", "a b c")
    assert (line["novelty_min"], line["novelty_tail"]) == (1.0, 1.0)
    assert tiny["novelty_min"] == 1.0


def test_shares_of_common_and_duplicate_phrases_are_by_words() -> None:
    """Top phrases count length times occurrences over words, duplicates the words they cover."""
    [line] = measured("a b x a b y a b z w")
    assert line["top_2gram_share"] == pytest.approx(6 / 10)
    assert line["top_3gram_share"] == pytest.approx(3 / 10)
    ten = "one two three four five six seven eight nine ten"
    [line] = measured(f"{ten} {ten}")
    assert line["dup_10gram_share"] == pytest.approx(10 / 20)


def test_lines_count_from_twenty_characters() -> None:
    """The same long line three times counts three; short lines like \\] do not count."""
    [line] = measured(
        "  this line is long enough to count\nthis line is long enough to count\n\\]\n" * 2 + "\\]\n" * 9
    )
    assert line["max_line_repeats"] == 4
    [line] = measured("\\]\n" * 9)
    assert line["max_line_repeats"] == 0


def test_chinese_characters_are_words() -> None:
    """Text without spaces loops by characters, kana too."""
    [line] = measured("我们再检查一遍。" * 12)
    assert (line["n_words"], line["consecutive_repeats"], line["repeated_phrase_words"]) == (96, 12, 8)
    [line] = measured("もう一度" * 9)
    assert (line["consecutive_repeats"], line["repeated_phrase_words"]) == (9, 4)


def test_a_loop_without_spaces_is_found() -> None:
    """Thousands of zeros are words of 32 characters, and those repeat."""
    assert flagged("The number is 1." + "0" * 4000)


def test_null_is_not_measured_and_empty_is() -> None:
    """A null response has nulls and the status no-text; an empty one has zeros and the status ok."""
    null, empty, blank = measured(None, "", " \n\t")
    assert null["status"] == "no-text"
    assert {name for name, value in null.items() if value is not None} == {"row_id", "response_id", "status"}
    for line in (empty, blank):
        assert (line["status"], line["n_words"], line["consecutive_repeats"]) == ("ok", 0, 0)
        assert (line["loop_share"], line["novelty_min"], line["max_line_repeats"]) == (0.0, 1.0, 0)
    assert empty["compression_ratio"] == 1.0


def test_stuck_texts_are_dropped_and_long_reasoning_is_not() -> None:
    """The default rule drops a loop, a counting loop and a story told again, and keeps plain reasoning."""
    assert flagged(STORY + " but wait, let me check that again." * 30)
    assert flagged(STORY + " ".join(f"Try n = {n}: {n * n} is no cube, so n = {n} fails." for n in range(60)))
    assert flagged((STORY + "\n") * 3)
    assert not flagged(STORY)
    assert not flagged(
        STORY + " No, no, no! Wait, wait. 0 & 0 & 0 & 0 \\\\ 0 & 0 & 0 & 0 \\\\ 0 & 0 & 0 & 1."
    )
    cases = " ".join(f"If x = {n}, then x^2 = {n * n}." for n in range(15))
    assert not flagged(
        STORY + cases + " So the answer is 14, since no other case remains to be checked here."
    )


pieces = st.sampled_from(["a ", "b ", "🙂", "\x00", "\u0301", "求", "1", "\n", " ", "½"])
odd = st.lists(pieces, max_size=80).map("".join)


@given(st.lists(st.one_of(st.none(), odd), min_size=1, max_size=6), st.integers(1, 6))
def test_cutting_and_order_change_nothing(responses: list[str | None], cut: int) -> None:
    """A response has the same evidence alone, in another order and in another batch."""
    params = RepetitionParams(stage="repetition")
    whole = measure(frame(*responses), params, None)
    parts = [measure(part, params, None) for part in frame(*responses).iter_slices(cut)]
    assert pl.concat(parts).equals(whole)
    backwards = measure(frame(*responses).reverse(), params, None)
    assert backwards.reverse().equals(whole)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of the batches handed to the kernel does not show."""
    responses = [SENTENCE * n for n in range(12)] + [None, "", STORY]
    whole = measured(*responses)
    monkeypatch.setattr(repetition, "BATCH_BYTES", 500)
    assert measured(*responses) == whole


def test_an_empty_frame_has_the_schema() -> None:
    """No response gives no line, in the declared schema."""
    found = measure(frame(), RepetitionParams(stage="repetition"), None)
    assert found.height == 0
    assert found.drop("row_id", "response_id").schema == pl.DataFrame(EVIDENCE.empty_table()).schema


@pytest.mark.real_data
def test_stuck_model_outputs_are_found_and_healthy_ones_are_not(shared_data: Path) -> None:
    """The rule finds stuck responses, nearly all of them graded wrong, and no healthy long reasoning."""
    params = RepetitionParams(stage="repetition")

    def of(name: str, every: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        read = pl.read_parquet(shared_data / "corpora" / f"{name}.parquet").gather_every(every)
        graded = read.select("responses", "response_correct").explode("responses", "response_correct")
        found = measure(frame(*graded["responses"]), params, None).with_columns(graded["response_correct"])
        return found, found.filter(pl.sql_expr(LOOPING))

    _, stuck = of("areal_long_cot_rollouts", 8)
    assert stuck.height == 0
    outputs, stuck = of("math_model_outputs", 25)
    assert 0.04 < stuck.height / outputs.height < 0.1
    assert stuck["response_correct"].sum() / stuck.height < 0.08
