"""Finding the final answer in a response and in a ground truth."""

from __future__ import annotations

import time

import pytest

from curate.answers.extract import answer_part, final_answer, gold_answer, last_boxed, tidy
from curate.answers.grade import find_answer


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("no tags at all", "no tags at all"),
        ("<think>a</think>b", "b"),
        ("a</think>b", "b"),  # the template opened the thinking
        ("<think>a</think>b<think>c</think>d", "d"),
        ("<think>a <answer>1</answer></think> <answer> 2 </answer> bye", " 2 "),
        ("<think>a</think><answer>3", "3"),
        ("<think>never ends \\boxed{4}", None),
        ("<think>a</think>b<think>again, never ends", None),
        ("", ""),
    ],
)
def test_only_the_part_after_the_thinking_counts(response: str, expected: str | None) -> None:
    """The answer part is what follows the thinking; a thinking that never ends has none."""
    assert answer_part(response) == expected


def test_other_think_tags_can_be_named() -> None:
    """A model with its own tags is read with its own closing tag."""
    assert answer_part("[THINK]a[/THINK]b", "[/THINK]") == "b"
    assert answer_part("[THINK]a", "[/THINK]") is None
    assert answer_part("<|message|>a<|final|>b", "<|final|>") == "b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"\boxed{5}", "5"),
        (r"\boxed {5}", "5"),
        (r"\fbox{7}", "7"),
        (r"\boxed 5 is it", "5"),
        (r"\boxed5", "5"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{1} no, \boxed{2}", "2"),
        (r"\boxed{\boxed{3}}", "3"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{ x \right.}", r"\left\{ x \right."),
        (r"$\boxed{1}$, $\boxed{2}$, and $\boxed{3}$", "1,2,3"),
        (r"$x = \boxed{1}$ or $x = \boxed{2}$", "1,2"),
        (r"\boxed{4}, so \boxed{4}", "4"),
        (r"\boxed{4} and \boxed{4}", "4"),
        (r"\boxed{A} is wrong, so \boxed{B}", "B"),
        (r"\boxed{35 cm} ++++++ \boxed{4}", "4"),
        (r"\boxed{9} then \boxed{\frac{1}{", "9"),  # the last one was cut off
        (r"put it in \boxed{}", None),
        (r"\boxed{5", None),
        ("no box", None),
        ("", None),
    ],
)
def test_the_last_closed_box_is_the_answer(text: str, expected: str | None) -> None:
    """The last box whose braces close counts; boxes with only a separator between are one answer."""
    assert last_boxed(text) == expected


@pytest.mark.parametrize(
    ("text", "answer", "how"),
    [
        (r"The answer is 3, I mean \boxed{4}.", "4", "boxed"),
        ("so\n#### 1,234", "1,234", "hashes"),
        ("#### 1\n#### 2\n", "2", "hashes"),
        ("Thus they have #### 120 friends together.", "120", "hashes"),
        ("#### Step 2\nThe answer is 3", "3", "sentence"),
        ("#### 2. Solve it\nThe answer is 3", "3", "sentence"),
        ("The answer is 18.", "18", "sentence"),
        ("The answer is $18 a day, and $3 more.", "18", "sentence"),
        ("The answer is 5 dollars.", "5", "sentence"),
        ("The answer is 3 or 4.", "3 or 4", "sentence"),
        ("The answer is -3/4 of it", "-3/4", "sentence"),
        (r"Therefore the final answer is: $\sqrt{2}$.", r"\sqrt{2}", "sentence"),
        ("**Answer:** 7", "7", "sentence"),
        ("Answer: **18**", "18", "sentence"),
        ("Answer:\n42", "42", "sentence"),
        ("The answer to the second part is (B).", "(B)", "sentence"),
        ("The answer is 1. No. The answer is 2.", "2", "sentence"),
        (r"答案是 $\frac12$。", r"\frac12", "sentence"),
        ("答案:12", "12", "sentence"),
        ("答案\uff1a18", "18", "sentence"),
        ("Final answer: 18", "18", "sentence"),
    ],
)
def test_box_then_hashes_then_sentence(text: str, answer: str, how: str) -> None:
    """Without a box a line `#### x` counts, without that the last sentence "the answer is x"."""
    assert final_answer(text) == (answer, how)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("16 - 7 = 9\n9 * 2 = 18\nA: 18", "18"),
        ("A: 18", "18"),
        ("so\n**A:** $18 per day\n\n", "18"),
        ("so\n**A**: $\\frac{1}{2}$.", r"\frac{1}{2}"),
        ("so\nAns: 18 eggs", "18"),
        ("so\nA:\n\n18", "18"),
        ("so\n答\uff1a18 元", "18"),
        ("so\n答:星期一", "星期一"),
        ("A: 3\nA: 4", "4"),
        ("Q: How much is 2 + 2?\nA: 4", "4"),
        ("The answer is 5.\nNo, I forgot one.\nA: 6", "6"),
        ("x" * 500 + "\nA: 7", "7"),
        ("A: B) 12 apples", "B) 12 apples"),
    ],
)
def test_a_last_line_may_name_the_answer(text: str, answer: str) -> None:
    """Without a box or `####` a short last line `A: 18` counts, before a sentence higher up."""
    assert final_answer(text) == (answer, "line")


@pytest.mark.parametrize(
    "text",
    [
        "A: 18\nand more follows",
        "Team A: 18",
        "A: red\nB: blue\nC: green",
        "B: 4\nA: 3",
        "A: 3 B: 4 C: 5",
        "A: 3, B) 4",
        "A: the option that costs less",
        "A: " + "1" * 300,
        "答\uff1a她每天赚18元。",
        "So 4.\nA: 4\n\nQ: How much is 3 + 3?\nA: 6",
        "So 4.\nA: 4\n\n**Question 2:** How much is 3 + 3?\nA: 6",
        "4\n问\uff1a3 + 3?\n答\uff1a6",
        "a: 18",
        "A:",
    ],
)
def test_a_label_in_a_list_a_dialogue_or_prose_names_nothing(text: str) -> None:
    """An option list, a dialogue that goes on with other questions, prose and a line higher up are no answer."""
    assert final_answer(text) is None


def test_a_box_hashes_and_a_sentence_in_the_last_line_go_first() -> None:
    """A last line `A: ...` with a box, `####` or a sentence in it or before it is read by these."""
    assert final_answer("\\boxed{1}\nA: 2") == ("1", "boxed")
    assert final_answer("#### 1\nA: 2") == ("1", "hashes")
    assert final_answer("A: The answer is 18.") == ("18", "sentence")
    assert final_answer("so\nA: 2", "boxed") is None


def test_boxed_only_ignores_the_rest() -> None:
    """`extract = "boxed"` finds nothing in a text without a box."""
    assert final_answer("#### 5\nThe answer is 5.", "boxed") is None
    assert final_answer("Forty-two it may well be.") is None


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ("42", "42"),
        (" $\\frac{1}{2}$. ", "\\frac{1}{2}"),
        ("24 + 18 = <<24+18=42>>42\n#### 42", "42"),
        ("So the area is $\\boxed{12}$ square units.", "12"),
        ("\\boxed{7}\n#### 8", "8"),
        ("two words", "two words"),
    ],
)
def test_a_ground_truth_may_be_a_whole_solution(gold: str, expected: str) -> None:
    """A ground truth is what follows ####, else its last box, else all of it."""
    found = gold_answer(gold)
    assert found is not None
    assert found.text == expected


@pytest.mark.parametrize("blank", ["", "  \n", "$$"[:0], "."])
def test_a_blank_ground_truth_is_none(blank: str) -> None:
    """A ground truth of blanks (or a lone full stop) is no ground truth."""
    assert gold_answer(blank) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5.", "5"),
        ("**5**", "5"),
        ("46 g**", "46 g"),
        (r"\(x\)", "x"),
        ("$$x$$", "x"),
        ("$x$ and $y$", "$x$ and $y$"),
        ("1, 2, ...", "1, 2, ..."),
        ("$", "$"),
    ],
)
def test_tidy_takes_off_wrapping_only(text: str, expected: str) -> None:
    """Dollars, stars and a full stop around an answer go; those inside stay."""
    assert tidy(text) == expected


def test_why_there_is_no_answer() -> None:
    """Each kind of missing answer has its own sentence."""
    assert find_answer(" ") == (None, "the response is empty")
    assert find_answer("<think> \\boxed{1}") == (None, "the thinking never ends")
    assert find_answer("hm", "final") == (None, "no final answer in the response")
    assert find_answer("#### 1", "boxed") == (None, "no boxed answer in the response")


HOSTILE = {
    "open boxes": "\\boxed{" * 50_000,
    "open braces": "{" * 1_000_000,
    "closed boxes": "\\boxed{1}" * 100_000,
    "joined boxes": "\\boxed{1}," * 100_000,
    "closing braces": "\\boxed{" + "}" * 1_000_000,
    "sentences": "the answer is " * 100_000,
    "half sentences": "the answer to " * 100_000,
    "blanks after answer": "answer" + " " * 2_000_000,
    "blanks after box": "\\boxed" + " " * 2_000_000,
    "far box": "\\boxed{1}" + " " * 2_000_000 + "\\boxed{2}",
    "hashes": "#### 1\n" * 300_000,
    "answer lines": "A: 1\n" * 300_000,
    "half answer lines": "\nA:" * 300_000,
    "question lines": "A: 1\nQ: 2\n" * 200_000 + "A: 3",
    "blanks after a count": "\\boxed{11" + " " * 500_000 + ";}",
    "empty hashes": "####\n" * 300_000,
    "dollars": "answer is " + "$" * 1_000_000,
    "stars": "answer is " + "*" * 1_000_000,
    "answer tags": "<answer>" * 200_000,
    "think tags": "<think>" * 200_000 + "</think>",
    "nul and marks": "\x00\u0301🙂" * 300_000,
    "dots": "." * 2_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_take_linear_time(name: str) -> None:
    """Megabytes of braces, boxes, blanks or tags are read in seconds, not hours, and never crash."""
    began = time.process_time()
    find_answer(HOSTILE[name])
    gold_answer(HOSTILE[name])
    assert time.process_time() - began < 20
