"""Edits of benchmark items: each does what its name says, and nothing besides."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from math_verify import parse, verify
from rapidfuzz.distance import Levenshtein

from curate.benchmarks.edits import (
    EDITS,
    PLAIN,
    Corpus,
    changed_numbers,
    in_chat,
    in_document,
    is_cjk,
    n_words,
    renamed_variables,
    reordered,
    sentence_dropped,
    sentences,
    word_edits,
)
from curate.benchmarks.formula_edits import FORMULA, REWRITES, rewrite_latex, split, variables

TRIANGLE = (
    "In triangle $ABC$ let $D$ be the point of side $BC$ with $BD = 2x$ and $DC = x + 7$. "
    "The length of AD is $\\sqrt{x^2 + y_1}$, where x is a positive integer below 100. "
    "Let $k$ be the area of $ABD$. Find the largest possible value of $\\frac{k}{2}$."
)
SHOP = (
    "Mona sells 1,250 pears for $0.50 each and 48 melons for $3 each. "
    "She pays the driver $75 of what she earns. "
    "On the 3rd day she gives half of the rest to her sister. "
    "How much money does Mona have left, in dollars?"
)
CHINESE = "小明有84个苹果，比小红多12个。小红又买来5个苹果，每个苹果3元。小红现在一共有多少个苹果？"
CODE = (
    "Write a function that returns the two largest numbers of a list.\n\n"
    "def two_largest(numbers):\n    return sorted(numbers)[-2:]"
)
ITEMS = {"triangle": TRIANGLE, "shop": SHOP, "chinese": CHINESE, "code": CODE}
WORD = re.compile(r"\w+")


def edited(name: str, text: str, seed: int = 0) -> str | None:
    """The text under an edit."""
    return EDITS[name].apply(text, Random(seed), PLAIN)


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("name", EDITS)
def test_equal_generators_give_equal_texts(name: str, item: str) -> None:
    """An edit depends on the text, the generator and the corpus, and on nothing else."""
    once, twice = (edited(name, ITEMS[item], seed=11) for _ in range(2))
    assert once == twice


@pytest.mark.parametrize("name", sorted(EDITS.keys() - {"verbatim"}))
def test_another_generator_gives_another_text(name: str) -> None:
    """Every edit but `verbatim` has more than one outcome, and none of them is the text itself."""
    outcomes = {
        edited(name, TRIANGLE if name in ("latex", "renamed-variables") else SHOP, s) for s in range(30)
    }
    assert len(outcomes) > 1
    assert not outcomes & {TRIANGLE, SHOP, None}


def test_known_outcomes() -> None:
    """What a seed gives stays the same from version to version: published figures depend on it."""
    assert edited("changed-numbers", "From 12 pears 5 are eaten.", 3) == "From 12 pears 7 are eaten."
    assert edited("renamed-variables", "Solve $x^2 = y$.", 3) == "Solve $g^2 = p$."
    assert edited("re-wrapped", "one two three four five six seven eight nine", 1) == (
        "one two three four five\nsix seven eight nine"
    )


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("name", [name for name, edit in EDITS.items() if edit.expected == "verbatim"])
def test_verbatim_edits_keep_every_word_in_order(name: str, item: str, seed: int) -> None:
    """An edit of class `verbatim` holds the item's words one after another, case and space apart."""
    changed = edited(name, ITEMS[item], seed)
    if changed is None:
        assert (name, item) == ("case-and-space", "chinese")
        return
    strip = (lambda text: re.sub(r"\s", "", text)) if item == "chinese" else str
    words, within = (" ".join(WORD.findall(strip(text.lower()))) for text in (ITEMS[item], changed))
    assert words in within


def test_case_changes_outside_formulas_only() -> None:
    """Upper case in a formula would be another variable."""
    formulas = [found[0] for found in FORMULA.finditer(TRIANGLE)]
    changed = [edited("case-and-space", TRIANGLE, seed) or "" for seed in range(20)]
    assert all(
        [re.sub(r"\s", "", found[0]) for found in FORMULA.finditer(text)]
        == [re.sub(r"\s", "", formula) for formula in formulas]
        for text in changed
    )
    assert any(text.upper().split()[:2] == text.split()[:2] for text in changed)


def test_case_stays_beside_commands() -> None:
    """In upper case, a command outside dollar signs would be another one."""
    text = "\\begin{itemize} \\item one \\end{itemize}"
    assert all("\\item" in (edited("case-and-space", text, seed) or text) for seed in range(20))


@pytest.mark.parametrize("seed", range(10))
def test_surroundings_come_from_the_corpus(seed: int) -> None:
    """A chat and a document hold the item untouched, and texts of the corpus before and behind it."""
    corpus = Corpus(["word"], ["First host text.", "Second host text."])
    for plant in (in_chat, in_document):
        before, item, after = plant(SHOP, Random(seed), corpus).partition(SHOP)
        assert item == SHOP
        assert "host text." in before
        assert "host text." in after
    assert in_chat(SHOP, Random(seed), corpus).count(f"User: {SHOP}") == 1


@pytest.mark.parametrize("rate", [0.05, 0.10, 0.20])
def test_word_edits_keep_to_their_rate(rate: float) -> None:
    """The word edit distance is about the rate: one for each edit, two where neighbours are swapped."""
    text = " ".join(ITEMS[item] for item in ("triangle", "shop"))
    expected = round(rate * n_words(text))
    distances = []
    for seed in range(60):
        changed = word_edits(rate)(text, Random(seed), PLAIN)
        assert changed is not None
        distances.append(Levenshtein.distance(text.split(), changed.split()))
    assert all(0.6 * expected <= distance <= 2 * expected for distance in distances)
    assert 0.9 * expected <= sum(distances) / len(distances) <= 1.25 * expected


def test_word_edits_of_chinese_count_characters() -> None:
    """A Chinese character is a word: a tenth of them changes."""
    corpus = Corpus(list("春夏秋冬"), ["春天来了。"])
    expected = round(0.1 * n_words(CHINESE))
    distances = []
    for seed in range(40):
        changed = word_edits(0.1)(CHINESE, Random(seed), corpus)
        assert changed is not None
        distances.append(Levenshtein.distance(CHINESE, changed))
    assert n_words("小明有84个") == 5
    assert 0.9 * expected <= sum(distances) / len(distances) <= 1.25 * expected


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("item", ["triangle", "shop", "chinese"])
def test_word_edits_leave_numbers_and_formulas(item: str, seed: int) -> None:
    """The problem stays the same: every formula and every number is there, in order."""
    text, changed = ITEMS[item], edited("words-20%", ITEMS[item], seed)
    assert changed is not None
    for pattern in (FORMULA, re.compile(r"\d[\d.,]*")):
        kept = [found[0] for found in pattern.finditer(changed)]
        assert kept == [found[0] for found in pattern.finditer(text)]


NUMBERS = st.lists(
    st.one_of(
        st.integers(0, 10**6).map(str),
        st.integers(1000, 10**7).map("{:,}".format),
        st.decimals(0, 1000, places=2).map(str),
        st.sampled_from(
            ["pears", "$x^2+3x$", "of", "x_1", "3rd", "\n1. ", "为", "\\frac{3}{4}", "$20{,}000$"]
        ),
    ),
    min_size=1,
    max_size=20,
).map(" ".join)


@given(NUMBERS, st.integers(0, 50))
def test_changed_numbers_change_numbers_and_nothing_else(text: str, seed: int) -> None:
    """Without its digits the text is the same; equal numbers stay equal, different ones different."""
    number = re.compile(r"\d+(?:(?:,|\{,\})\d{3})*(?:\.\d+)?")
    changed = changed_numbers(text, Random(seed), PLAIN)
    if changed is None:
        return
    old, new = number.findall(text), number.findall(changed)
    assert number.sub("#", text) == number.sub("#", changed)
    assert old != new
    # A number that may not change (x_1) can be spelled like one that does.
    free = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert len(set(free)) == len({a for a, _ in free}) == len({b for _, b in free})


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("1,250 pears", r"\d,\d{3} pears|[1-9]\d\d pears"),
        ("a tax of 0.50 percent", r"a tax of \d\.\d\d percent"),
        ("$20{,}000$ euros", r"\$\d\d\{,\}\d{3}\$ euros"),
        ("有84个苹果", r"有\d{2,3}个苹果"),
        ("compute $2x + 1$", r"compute \$\d+x \+ \d+\$"),
    ],
)
def test_a_changed_number_is_written_like_the_old_one(text: str, pattern: str) -> None:
    """Decimals, thousands marks and the words around it stay."""
    for seed in range(20):
        changed = changed_numbers(text, Random(seed), PLAIN)
        assert changed is not None
        assert changed != text
        assert re.fullmatch(pattern, changed)


@pytest.mark.parametrize(
    "text",
    ["no number at all", "the 3rd of $x_1$ and $x_{12}$", "1. find it\n(2) draw it", "[asy] draw(3); [/asy]"],
)
def test_what_is_no_quantity_stays(text: str) -> None:
    """Ordinals, subscripts, marks of lists and drawings are no numbers to change."""
    assert changed_numbers(text, Random(0), PLAIN) is None


LETTERS = st.sampled_from(
    ["x", "y", "n", "ab", "AB", "P", "f(x)", "\\sin x", "2k+1", "e^{i t}", "x_n", "\\text{cm}"]
)
FORMULAS = st.lists(st.lists(LETTERS, min_size=1, max_size=5).map(" + ".join), min_size=1, max_size=5)


@given(FORMULAS, st.integers(0, 50))
def test_variables_are_renamed_one_to_one(bodies: list[str], seed: int) -> None:
    """Letter by letter the texts match: an injective map of letters, the same in every formula."""
    text = "".join(f"Here $ {body} $ and $({body})$ hold. " for body in bodies)
    changed = renamed_variables(text, Random(seed), PLAIN)
    names = variables(text)
    if changed is None:
        assert not names
        return
    assert len(changed) == len(text)
    used: dict[str, set[str]] = {name: set() for name in names}
    for formula, other in zip(FORMULA.finditer(text), FORMULA.finditer(changed), strict=True):
        commands = re.sub(r"\\text\{cm\}|\\sin", lambda found: "\\" * len(found[0]), formula[0])
        for place, letter in enumerate(commands):
            if letter in used:
                used[letter].add(other[0][place])
            else:
                assert letter == "\\" or other[0][place] == letter
    assert all(len(names) == 1 for names in used.values())
    assert len(set.union(*used.values())) == len(used)
    assert all(letter not in used[letter] for letter in used)


def test_variables_change_places_where_letters_run_out() -> None:
    """With twenty variables no new letters are left for all; they take one another's."""
    body = " + ".join("abcfghjkmnpqrstuvwxy")
    changed = renamed_variables(f"${body}$", Random(0), PLAIN)
    assert changed == f"${' + '.join('bcfghjkmnpqrstuvwxya')}$"


def test_prose_follows_renamed_formulas() -> None:
    """Points and variables named in the prose get their new names; words and options keep theirs."""
    text = "A circle through A and $B$ has chord $AB = n$; let n be a prime, see AB. (B) 7 (C) $C$"
    changed = renamed_variables(text, Random(1), PLAIN)
    assert changed is not None
    found = re.fullmatch(
        r"A circle through A and \$(\w)\$ has chord \$(\w)(\w) = (\w)\$; let (\w) be a prime, see (\w\w)\. "
        r"\(B\) 7 \(C\) \$(\w)\$",
        changed,
    )
    assert found is not None
    b, a, b_again, n, n_again, chord, c = found.groups()
    assert (b_again, n_again, chord) == (b, n, a + b)
    assert len({a, b, c, n}) == 4
    assert not {a, b, c, n} & {"A", "B", "C", "n"}


def test_constants_functions_and_units_are_no_variables() -> None:
    """Renaming them would make another formula."""
    assert variables("$\\sin x + e^{i t} \\, dx + 5 cm + \\text{kg} + \\mathbb{R}$ and $\\log ABC$") == [
        *("A", "B", "C"),
        *("t", "x"),
    ]


SAME = [
    r"$\frac{3}{4} + 2 \cdot 5$",
    r"$2^{10} - x^2 + \frac{x+1}{7}$",
    r"$3\frac{1}{2}$",
    r"$\left(x+1\right)(x-1)$",
    r"$(x+1)(x-1) = 7$",
    r"$x \leq 5$",
    r"$\dfrac{\sqrt{2}}{2}x$",
    r"$y = \frac{1}{x}$",
    r"\(\frac{a+b}{c}\)",
    r"$$\frac{1}{2^{n}}+x_{1}$$",
    r"$x^{12} + \frac12$",
    r"$(1,\, 2)$",
    r"$[0, \frac{1}{2})$",
]


@pytest.mark.parametrize("formula", SAME)
def test_rewritten_latex_means_the_same(formula: str) -> None:
    """Math-Verify reads every rewriting of a formula as equal to the formula."""
    rewritten = {rewrite_latex(formula, Random(seed)) for seed in range(12)} - {None}
    assert rewritten
    gold = parse(formula, parsing_timeout=None)
    assert gold
    assert not verify(gold, parse("$977$", parsing_timeout=None), timeout_seconds=None)
    for other in rewritten:
        assert other is not None
        assert other != formula
        assert verify(gold, parse(other, parsing_timeout=None), timeout_seconds=None), other


def test_every_rewriting_has_its_formula() -> None:
    """No rewriting is idle: each changes one of these formulas, and together they change each."""
    bodies = [split(formula)[1] for formula in SAME] + ["\\text{if } a \\to b", "a, b"]
    assert all(any(step(body) != body for body in bodies) for step in REWRITES)


@pytest.mark.parametrize(
    "body", [r"3\frac{1}{2}", r"x^\frac{1}{2}", r"\frac{1}{2}x", r"2\frac{a}{b}c", r"\frac{1}{2}\frac{3}{4}"]
)
def test_a_fraction_beside_a_factor_gets_no_slash(body: str) -> None:
    """3 1/2 is another number than three and a half, and 1/2x may be read as 1/(2x)."""
    assert not any("/" in (rewrite_latex(f"${body}$", Random(seed)) or "") for seed in range(20))


def test_sums_of_money_are_no_formulas() -> None:
    """Dollar signs before numbers open no formula; formulas with numbers are found all the same."""
    assert not FORMULA.search(SHOP)
    assert not FORMULA.search("It costs $5 for one (or $9 for two), and $12 in (US$).")
    assert [found[0] for found in FORMULA.finditer("Pay $5 or solve $5x=1$ and $$y$$.")] == [
        "$5x=1$",
        "$$y$$",
    ]


def test_sentences_are_permuted_with_the_question_last() -> None:
    """Reordering keeps every sentence; the last stays in its place."""
    parts = sentences(SHOP)
    assert len(parts) == 4
    for seed in range(10):
        changed = reordered(SHOP, Random(seed), PLAIN)
        assert changed is not None
        assert Counter(sentences(changed)) == Counter(parts)
        assert sentences(changed) != parts
        assert sentences(changed)[-1] == parts[-1]


def test_a_dropped_sentence_leaves_the_others() -> None:
    """One sentence goes: neither the question nor the longest."""
    parts = sentences(SHOP)
    outcomes = {sentence_dropped(SHOP, Random(seed), PLAIN) for seed in range(20)}
    assert outcomes == {parts[0] + parts[2] + parts[3], parts[0] + parts[1] + parts[3]}


@pytest.mark.parametrize("text", ["Let $x = 1. Then$ hold.", "Prof. A. Bell asks $n > 2$.", "一个。"])
def test_sentences_do_not_end_in_formulas_or_initials(text: str) -> None:
    """These are one sentence."""
    assert sentences(text) == [text] or text.startswith("Prof.")
    assert all(part.count("$") % 2 == 0 for part in sentences(text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("renamed-variables", SHOP),
        ("renamed-variables", "[asy] draw((0,0)--(3,0)); [/asy] Find $x$."),
        ("latex", SHOP),
        ("changed-numbers", "Find all primes."),
        ("reordered", "Find x. Then stop."),
        ("sentence-dropped", "One sentence only, however long it may be?"),
        ("words-20%", "$a$ + $b$ = $c$ + $d$ + $e$ and then"),
        ("words-5%", "Too short for this."),
        ("re-wrapped", "Four words and no"),
        ("case-and-space", "一二三四五六七八九十"),
    ],
)
def test_an_edit_that_does_not_apply_gives_none(name: str, text: str) -> None:
    """Without formulas, numbers, sentences or words enough there is nothing to edit."""
    assert edited(name, text) is None


@settings(max_examples=150)
@given(st.text(max_size=200) | st.text("$\\({[]})_^ab1.。中 \n", max_size=200), st.integers(0, 9))
def test_any_text_can_be_edited(text: str, seed: int) -> None:
    """No text makes an edit fail; what it gives is text, or None where it does not apply."""
    for name in EDITS:
        assert isinstance(edited(name, text, seed), str | None)


@pytest.mark.parametrize(
    "piece", ["$", "\\(", "\\[", "$$a", "\\frac{", "[asy]", "a_{", "1,", "中", "a. B", "\n"]
)
def test_long_texts_of_one_piece_end(piece: str) -> None:
    """Marks that open and never close cost no more than their number: 50,000 of each come back at once."""
    for name in EDITS:
        assert isinstance(edited(name, piece * 50_000), str | None)


def test_chinese_is_told_by_its_characters() -> None:
    """A fifth of the characters decides."""
    assert is_cjk(CHINESE)
    assert not is_cjk(TRIANGLE)
    assert not is_cjk("")
