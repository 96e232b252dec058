"""A text beside a benchmark item: which changes leave it the same problem, and which make it another."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from oracles_laying import found_whole, lay, one_for_one
from oracles_vocabulary import (
    COMMANDS,
    EXCHANGED_WITH,
    NUMBER_WORDS,
    is_content,
    is_formula,
    is_variable,
    stem,
)
from oracles_words import Words, words_of

from curate.benchmarks.alignment import Alignment, alignments
from curate.benchmarks.background import background
from curate.kernels.item_index import CANDIDATE, TOKENIZER
from curate.kernels.native import Texts
from curate.kernels.text import token_counts, token_spans

FARM = (
    "A farmer keeps 24 goats and 36 sheep on a meadow near the river. Every goat eats 3 kilograms of hay and every "
    "sheep eats 2 kilograms of hay per day. How many kilograms of hay does the farmer need for 15 days?"
)
LADDER = (
    "A ladder of length 13 metres leans against a vertical wall. Its foot slides away from the wall along the floor "
    "at 2 metres per second. Determine the speed at which the top of the ladder descends when the foot is 5 metres "
    "away from the wall."
)
TRIANGLE = (
    "In triangle $ABC$ the bisector of angle $B$ meets side $AC$ at point $D$, and the altitude from $C$ meets side "
    "$AB$ at point $E$. Suppose that $AB = 14$, $BC = 21$ and $CA = 25$. Find the area of quadrilateral $BCDE$."
)
FORMULA = (
    "Let $f(x) = \\frac{2}{5} x^3 - 4x^2 + 7x - 1$ for real numbers $x$. Determine the maximum of $f(x) + f(4 - x)$ "
    "over the interval $0 \\le x \\le 4$, and express the value as a reduced fraction."
)
MODULUS = (
    "A staircase robot climbs one, two or four steps in each move. Let the number of different ways in which the robot "
    "climbs a staircase of exactly fifty steps be $W$. Find the remainder when $W$ is divided by 1000."
)
SIGNS = (
    "Polynomials with integer coefficients are coloured red or blue by a magician according to their roots. Decide which "
    "colour the magician gives to the polynomial whose four roots satisfy the relation $p q + q r + r p - s = p - q - r$."
)
CHINESE = "一个农场主在河边的草地上养了24只山羊和36只绵羊，每只山羊每天吃3千克干草，每只绵羊每天吃2千克干草，求15天一共需要多少千克干草。"
WALK = (
    "Every morning Ada takes a walk of 9 kilometres and rests a while at a bakery. At a speed of $s$ kilometres per hour "
    "it takes her 4 hours, a rest of $t$ minutes included. At $s+2$ kilometres per hour it takes her 2 hours, a rest of "
    "$t$ minutes included. Ada walks at $s+\\frac{1}{2}$ kilometres per hour. How long is a walk of hers?"
)
CIRCLES = (
    "One hundred circles around a point are labelled $C_1, C_2, C_3, \\ldots, C_{100}$. Each circle $C_n$ is drawn within "
    "a triangle whose vertices are points on $C_{n+1}$. Given that $C_1$ has a radius of $1$, find the radius of $C_{100}$."
)
PRODUCTS = "If $x$, $y$ and $z$ are positive with $xy = 24$, $xz = 48$ and $yz = 72$, then find $x + y + z$."
SOLUTION = (
    "Janet sells 16 - 3 - 4 = <<16-3-4=9>>9 duck eggs a day. She makes 9 * 2 = $<<9*2=18>>18 every day at the "
    "farmers market.\n#### 18"
)
PRODUCT = (
    "Five distinguishable candles stand around a circular table, and a waiter lights each of them independently with "
    "probability one half. Determine the sum of the expected numbers of lit candles that have a lit neighbour on each side."
)


def column(*texts: str) -> Texts:
    """Texts as the kernels read them."""
    return Texts(pa.array(texts, pa.large_string()))


def words(text: str) -> Words:
    """The words of one text, by the plain reading."""
    return next(words_of(column(text), background()))


def compared(item: str, text: str, first: int = 0, end: int | None = None) -> Alignment | None:
    """The item beside tokens [first, end) of a text, by default all of it."""
    texts = column(text)
    window = (0, 1000, first, int(token_counts(texts, TOKENIZER)[0]) if end is None else end)
    found = alignments(texts, column(item), np.array([[window]], dtype=CANDIDATE))
    return found[0] if found else None


def changed(text: str, *changes: tuple[str, str]) -> str:
    """The text with parts of it exchanged, each of which must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def renamed(text: str, **names: str) -> str:
    """The text with letters of its formulas renamed; LaTeX commands stay."""

    def name(match: re.Match[str]) -> str:
        return names.get(match[0], match[0])

    return re.sub(r"\$[^$]*\$", lambda formula: re.sub(r"\\[a-z]+|[A-Za-z]", name, formula[0]), text)


def kinds(cases: dict[str, tuple[str, str]]) -> dict[str, str]:
    """What each pair of item and text is found to be."""
    found = {name: compared(item, text) for name, (item, text) in cases.items()}
    return {name: one.kind if one else "none" for name, one in found.items()}


VERBATIM = {
    "another fraction command": (FORMULA, changed(FORMULA, ("\\frac", "\\dfrac"))),
    "another verb form": (LADDER, changed(LADDER, ("descends", "descended"), ("leans", "leaning"))),
    "as it stands": (FARM, FARM),
    "in capitals": (FARM, FARM.upper()),
    "without punctuation": (FARM, FARM.replace(".", " ").replace("?", "")),
    "on many lines": (FARM, FARM.replace(" ", "\n  ")),
    "inside other text": (LADDER, f"Solve this problem. {LADDER} Think step by step, and box the answer."),
    "in HTML": (FARM, f"<div class='task'><p>{FARM}</p></div>".replace(" and ", " <b>and</b>&nbsp;")),
    "parentheses for dollars": (
        TRIANGLE,
        TRIANGLE.replace("$ABC$", "\\(ABC\\)").replace("$BCDE$", "\\(BCDE\\)"),
    ),
    "display mathematics": (FORMULA, changed(FORMULA, ("$f(x) + f(4 - x)$", "\\[f(x) + f(4 - x)\\]"))),
    "brackets that grow": (FORMULA, changed(FORMULA, ("f(4 - x)", "f\\left(4 - x\\right)"))),
    "plural for singular": (FARM, changed(FARM, ("goats", "goat"))),
    "a number in groups": (MODULUS, changed(MODULUS, ("1000", "1,000"))),
    "a number with decimals": (LADDER, changed(LADDER, ("13 metres", "13.0 metres"))),
    "a worked solution without the answer at its end": (SOLUTION, SOLUTION.partition("####")[0]),
    "in Chinese, other punctuation": (CHINESE, CHINESE.replace("，", ", ").replace("。", ".")),
    "in Chinese, within a text": (CHINESE, f"请解答下面的题目：{CHINESE}谢谢！"),
}

NEAR = {
    "a word in capitals that the text spells otherwise": (
        "How many arrangements of the letters of BANANAS begin with a vowel and end with a consonant of another pair?",
        "How many arrangements of the letters of Bananas begin with a vowel and end in a consonant of another pair?",
    ),
    "one word another": (LADDER, changed(LADDER, ("leans against", "rests against"))),
    "two words other": (FARM, changed(FARM, ("meadow", "pasture"), ("farmer", "peasant"))),
    "a word left out": (LADDER, changed(LADDER, (" vertical", ""))),
    "a word put in": (LADDER, changed(LADDER, ("vertical wall", "smooth vertical wall"))),
    "misspelt": (FARM, changed(FARM, ("kilograms", "kilogrmas"), ("sheep", "shepe"))),
    "last sentence left out": (PRODUCT + " Express it as a reduced fraction.", PRODUCT),
    "first sentence left out": ("Answer the question that follows here. " + FARM, FARM),
    "sentences in another order": (
        "How many kilograms of hay does the farmer need for 15 days? " + FARM.rpartition(" How")[0],
        FARM,
    ),
    "variable renamed": (FORMULA, renamed(FORMULA, x="t")),
    "a variable renamed a, which the text has as a word": (WALK, renamed(WALK, s="a", t="k")),
    "a letter renamed to the small one of another": (CIRCLES, renamed(CIRCLES, C="B", n="c")),
    "products of letters renamed": (PRODUCTS, renamed(PRODUCTS, x="c", y="b", z="m")),
    "without its drawing": (
        LADDER + " \\begin{asy} draw((0,0)--(5,12)); \\end{asy}",
        LADDER.replace("leans", "rests"),
    ),
    "function and variable renamed": (FORMULA, renamed(FORMULA, f="g", x="u")),
    "points renamed": (TRIANGLE, renamed(TRIANGLE, A="P", B="Q", C="R", D="S", E="T")),
    "letters exchanged everywhere": (TRIANGLE, renamed(TRIANGLE, A="C", C="A")),
    "in Chinese, two characters others": (CHINESE, changed(CHINESE, ("草地", "草原"), ("农场主", "牧场主"))),
}

VARIANT = {
    "a number changed": (FARM, changed(FARM, ("36 sheep", "48 sheep"))),
    "all numbers changed": (
        FARM,
        changed(FARM, ("24", "11"), ("36", "53"), ("3 kilo", "4 kilo"), ("2 kilo", "7 kilo"), ("15", "9")),
    ),
    "a fraction changed": (FORMULA, changed(FORMULA, ("\\frac{2}{5}", "\\frac{3}{5}"))),
    "the modulus at the very end": (MODULUS, changed(MODULUS, ("1000", "997"))),
    "a number word changed": (MODULUS, changed(MODULUS, ("fifty", "sixty"))),
    "a short clause with a number": (
        FARM,
        changed(FARM, ("near the river", "near the river, where 5 horses graze too")),
    ),
    "a long clause": (
        FARM,
        changed(
            FARM,
            ("per day.", "per day, but the youngest animals of the herd are still fed with milk by hand."),
        ),
    ),
    "a number no longer told": (FARM, changed(FARM, ("24 goats", "some goats"))),
    "a number became a letter": (FARM, changed(FARM, ("24 goats", "$n$ goats"))),
    "sum for product": (PRODUCT, changed(PRODUCT, ("the sum of", "the product of"))),
    "minus for plus": (FORMULA, changed(FORMULA, ("f(x) + f(4", "f(x) - f(4"))),
    "minimum for maximum": (FORMULA, changed(FORMULA, ("maximum", "minimum"))),
    "letters of another word": (
        "How many arrangements of the letters of BANANAS begin with a vowel and end with a consonant of another pair?",
        "How many arrangements of the letters of LETTERS begin with a vowel and end with a consonant of another pair?",
    ),
    "a condition turned round": (LADDER, changed(LADDER, ("when the foot is", "when the foot is not"))),
    "largest for smallest": (
        "Determine the smallest volume of a cone that circumscribes a given sphere of radius 4 standing on the same plane.",
        "Determine the largest volume of a cone that circumscribes a given sphere of radius 4 standing on the same plane.",
    ),
    "one point exchanged for another": (
        TRIANGLE,
        changed(TRIANGLE, ("altitude from $C$", "altitude from $A$")),
    ),
    "another question about the same": (
        LADDER,
        LADDER.partition("Determine")[0]
        + "Compute how quickly its angle with the ground changes after 3 seconds of motion.",
    ),
    "a number put in": (FARM, changed(FARM, ("on a meadow", "on a meadow of 9 hectares"))),
    "half the numbers are others, elsewhere": (
        LADDER,
        changed(
            LADDER,
            ("2 metres per second", "a constant speed of metres per second"),
            ("13 metres", "9 metres and 4"),
        ),
    ),
    "formulas of the same letters": (
        SIGNS,
        changed(SIGNS, ("p q + q r + r p - s = p - q - r", "p/q^2 * |s|")),
    ),
    "in Chinese, a clause with a number": (
        CHINESE,
        changed(CHINESE, ("每只山羊", "另外还养了8匹马，每只山羊")),
    ),
    "in Chinese, a number changed": (CHINESE, changed(CHINESE, ("36只", "48只"))),
    "other formulas in the same words": (
        FORMULA,
        changed(FORMULA, ("\\frac{2}{5} x^3 - 4x^2 + 7x - 1", "\\sqrt{x} + \\ln x / (x^2 + 7)")),
    ),
}

REWORDED = {
    "told in other words": (
        FARM,
        "Near the river lies a meadow where 24 goats live together with 36 sheep, all kept by one farmer. Daily hay: "
        "3 kilograms go to a goat, 2 kilograms to a sheep. Over 15 days, what amount of hay in kilograms must the farmer buy?",
    ),
    "the question first": (
        LADDER,
        "With what speed does the top of a 13 metres long ladder descends along a vertical wall, if the foot of the ladder "
        "slides 2 metres per second away on the floor and is now 5 metres from the wall?",
    ),
}

TEMPLATE = {
    "a short item, half of it": (
        "Evaluate $3x + 7$ for the cube root $x = 5$.",
        "Evaluate the square root of seventy.",
    ),
    "the same things, another problem": (
        FARM,
        "A farmer sells hay. On a meadow near the river his sheep eat hay every day while every goat of the farmer sleeps.",
    ),
}

NONE = {
    "only a stock phrase in common": (
        "A fair coin is tossed until three heads in a row appear. The probability that this takes exactly eight tosses can "
        "be written as $\\frac{m}{n}$, where $m$ and $n$ are relatively prime positive integers. Find $m + n$.",
        "Two cars leave the same garage in opposite directions. The ratio of their final distances can be written as "
        "$\\frac{m}{n}$, where $m$ and $n$ are relatively prime positive integers. Find $m + n$.",
    ),
    "another problem": (LADDER, FARM),
    "a few common words": (
        TRIANGLE,
        "Find the number of points that lie on the side of a square with integer coordinates.",
    ),
    "its words far apart": (
        LADDER,
        " ".join(f"{word} and then we saw some old red houses there" for word in LADDER.split()),
    ),
    "in Chinese, another problem": (CHINESE, "已知函数在区间上单调递增，求实数的取值范围。"),
}

TABLE = {
    "verbatim": VERBATIM,
    "near": NEAR,
    "variant": VARIANT,
    "reworded": REWORDED,
    "template": TEMPLATE,
    "none": NONE,
}


WHY = {
    "a number changed": "36 became 48",
    "all numbers changed": "24 became 11",
    "a fraction changed": "1 of 10 numbers are others",
    "the modulus at the very end": "1000 became 997",
    "a number word changed": "50 became 60",
    "a short clause with a number": "5 words with a number put in",
    "a long clause": "14 words put in",
    "a number no longer told": "24 is not told",
    "a number became a letter": "24 is not told",
    "sum for product": "sum became product",
    "minus for plus": "+ became -",
    "minimum for maximum": "maximum became minimum",
    "letters of another word": "BANANAS became LETTERS",
    "a condition turned round": "a condition turned round",
    "largest for smallest": "smallest became largest",
    "one point exchanged for another": "C became A",
    "another question about the same": "another question",
    "a number put in": "1 numbers more",
    "half the numbers are others, elsewhere": "13 became 9",
    "formulas of the same letters": "31% of the formulas",
    "in Chinese, a clause with a number": "8 words with a number put in",
    "in Chinese, a number changed": "36 became 48",
    "other formulas in the same words": "1 is not told",
}


@pytest.mark.parametrize("kind", TABLE)
def test_kinds(kind: str) -> None:
    """Every pair is of the kind it is listed under."""
    assert kinds(TABLE[kind]) == dict.fromkeys(TABLE[kind], kind)


def test_variants_say_what_changed() -> None:
    """What makes a text another problem is told in words."""
    found = {name: compared(item, text) for name, (item, text) in VARIANT.items()}
    assert {name: one.why for name, one in found.items() if one} == WHY


def test_what_is_measured_of_a_pair() -> None:
    """Alignment and share are parts of the item's weight, the spans those of the words in order."""
    text = f"Question 3: {LADDER} Answer:"
    whole = compared(LADDER, text)
    last = len(words(LADDER).first)
    assert whole == Alignment(
        0, 0, 1, "verbatim", 1.0, 1.0, True, "all words, in order", (2, 2 + last), (0, last)
    )
    part = compared(
        LADDER, changed(text, ("A ladder", "One ladder"), ("vertical", "sheer"), ("wall.", "wall?"))
    )
    assert part is not None
    assert (part.kind, part.row_tokens, part.item_tokens) == ("near", (3, 2 + last), (1, last))
    assert 0.9 < part.alignment < 1
    assert 0.9 < part.share < 1


def test_a_text_that_shares_no_word_has_no_alignment() -> None:
    """Nothing in common is None; one word in common is `none`."""
    assert compared("cube sphere torus", "prism") is None
    assert compared("", "prism") is None
    assert compared("prism", "") is None
    one = compared(LADDER, "a wall")
    assert one is not None
    assert one.kind == "none"


def test_a_rewording_says_more_than_chance_gives_a_text_of_its_length() -> None:
    """Rare words in another order are a rewording; common ones are chance, and in a long text rarer ones too."""
    common = "Given $f(x) = x - 2$, what is the smallest possible integer value for $x$ such that $f(x)$ has a real value?"
    other = "For real $x$ let $f(x) = 2 - x$, the smallest integer possible. What value, $f(x)$ such that $x$ is real?"
    rare = "A ladder 13 metres tall leans on a vertical wall; its foot slides 2 metres away along a wooden floor."
    turned = "Along a wooden floor the foot of a ladder, 13 metres tall, slides 2 metres away; it leans on a vertical wall."
    assert [one and one.kind for one in (compared(common, other), compared(rare, turned))] == [
        "template",
        "reworded",
    ]
    item = "Write a python function to count lower case letters in a given string."
    part = "Given a string, count lower case letters in it with a python function."
    size = len(words(part).first)
    [short, long] = [compared(item, part + " or so on" * n, 0, size) for n in (0, 20_000)]
    assert short is not None
    assert long is not None
    assert (short.kind, long.kind) == ("reworded", "template")
    assert short.share == long.share


def test_a_spacing_accent_is_no_letter() -> None:
    """An accent typed as an apostrophe is no content of the item, which a text with an apostrophe lacks."""
    accent, apostrophe = (
        f"I{mark}m very proud of the people of this small island" for mark in ("\u00b4", "'")
    )
    found = compared(accent + ", the old governor said.", apostrophe + ", said the old governor, a sailor.")
    assert found is not None
    assert found.share == 1.0


def test_of_two_near_items_the_one_that_leaves_less_out_counts() -> None:
    """An item of few words, all of them there, is not nearer than the longer one that the text is but for a word."""
    short = "Write a function to find the surface area of a cylinder."
    whole = "Write a function to find the top or bottom surface area of a cylinder."
    text = whole.replace(" or ", " and ")
    size = int(token_counts(column(text), TOKENIZER)[0])
    for items in ((short, whole), (whole, short)):
        windows = np.array([[(0, 1000, 0, size), (1, 900, 0, size)]], dtype=CANDIDATE)
        [found] = alignments(column(text), column(*items), windows)
        assert (found.kind, items[found.item]) == ("near", whole)


def test_numbers_agree_where_all_are_there_and_no_other() -> None:
    """Null without numbers in digits, true for all of them, false if one is missing or exchanged."""
    assert [
        one.numbers_agree
        for text in (FARM, changed(FARM, ("near the river", "by a lake")), changed(FARM, ("36", "37")))
        if (one := compared(FARM, text))
    ] == [True, True, False]
    same = compared(PRODUCT, PRODUCT)
    assert same is not None
    assert same.numbers_agree is None


@pytest.mark.parametrize("before", [0, 1, 200, 3000])
def test_a_copy_is_the_same_wherever_it_lies(before: int) -> None:
    """Text before and after an item changes its place, and nothing else of what is found."""
    for text in (LADDER, changed(LADDER, ("5 metres", "6 metres")), changed(LADDER, ("leans", "stands"))):
        alone = compared(LADDER, text)
        assert alone is not None
        embedded = "note " * before + text + " note" * 300
        size = len(words(text).first)
        found = compared(LADDER, embedded, before, before + size)
        assert found is not None
        assert found._replace(row_tokens=(0, 0)) == alone._replace(row_tokens=(0, 0))
        assert tuple(end - before for end in found.row_tokens) == alone.row_tokens


def test_stems() -> None:
    """Plurals and tenses meet; short words, words of other scripts and the first three letters stay."""
    meet = [
        ("boxes", "box"),
        ("filled", "filling"),
        ("integers", "integer"),
        ("circles", "circle"),
        ("divides", "divided"),
    ]
    assert [stem(a) == stem(b) for a, b in meet] == [True] * len(meet)
    apart = [("sum", "sums"), ("maximum", "minimum"), ("odd", "even"), ("ring", "rings"[:3]), ("bed", "be")]
    assert [stem(a) == stem(b) for a, b in apart] == [False] * len(apart)
    assert [stem(word) for word in ("is", "was", "ring", "éclats", "круги", "面积", "")] == [
        "is",
        "was",
        "ring",
        "éclats",
        "круги",
        "面积",
        "",
    ]
    assert all(len(stem(word)) >= 3 for word in ("being", "using", "seed", "uses", "ased", "teeth"))


def test_kinds_of_words() -> None:
    """Numbers, signs, letters and functions are formula; words of three letters and ideographs are content."""
    told = {
        word: (is_content(word), is_variable(word), is_formula(word))
        for word in ("#12", "+", "x", "alpha", "a", "frac", "cube", "面", "it")
    }
    assert told == {
        "#12": (False, False, True),
        "+": (False, False, True),
        "x": (False, True, True),
        "alpha": (True, True, True),
        "a": (False, False, False),
        "frac": (True, False, True),
        "cube": (True, False, False),
        "面": (True, False, False),
        "it": (False, False, False),
    }


def test_words_that_exchange_the_question_are_told_by_their_stems() -> None:
    """Every word of a group of opposites is found under its stem; a word may be in two groups."""
    assert EXCHANGED_WITH[stem("sum")] & EXCHANGED_WITH[stem("products")]
    assert EXCHANGED_WITH[stem("fewest")] & EXCHANGED_WITH[stem("maximum")]
    assert not EXCHANGED_WITH[stem("sum")] & EXCHANGED_WITH[stem("area")]
    assert len(EXCHANGED_WITH[stem("range")]) == 2


@pytest.mark.parametrize(
    ("text", "stems", "values"),
    [
        (
            "1,000 = 1000 = 1000.0 = 01000",
            ["#1000", "=", "#1000", "=", "#1000", "=", "#1000"],
            ["1000", None] * 3 + ["1000"],
        ),
        ("3.50 and 3.5", ["#3.5", "and", "#3.5"], ["3.5", None, "3.5"]),
        ("3.5.7", ["#3.5", "#7"], ["3.5", "7"]),
        ("12,34 and 1,234,567", ["#12", "#34", "and", "#1234567"], ["12", "34", None, "1234567"]),
        ("1, 000", ["#1", "#0"], ["1", "0"]),
        ("$x2$", ["x", "#2"], [None, "2"]),
        ("Twelve boxes, half full", ["#12", "box", "half", "full"], ["w12", None, "w0.5", None]),
        ("<p class='a'>Two</p>&nbsp;cubes &#39;red&amp;", ["#2", "cub", "red"], ["w2", None, None]),
        (
            "if a<b and 7 c>d",
            ["if", "a", "<", "b", "and", "#7", "c", ">", "d"],
            [None] * 5 + ["7"] + [None] * 3,
        ),
        ("已知3个球", ["已", "知", "#3", "个", "球"], [None, None, "3", None, None]),
        (
            "twenty-five, one hundred fifty, of two three",
            ["#25", "#150", "of", "#2", "#3"],
            ["w25", "w150", None, "w2", "w3"],
        ),
        (
            "one cube, once and twice, the first third",
            ["one", "cube", "once", "and", "twic", "the", "first", "third"],
            ["w1", None, "w1", None, "w2", None, "w1", "w3"],
        ),
        ("", [], []),
        ("\0 ?.", [], []),
        ("1&2;3", ["#1", "&", "#2", "#3"], ["1", None, "2", "3"]),
        ("a &lt; b", ["a", "<", "b"], [None] * 3),
        ("1&nbsp;&#39;2", ["#1", "#2"], ["1", "2"]),
    ],
)
def test_words(text: str, stems: list[str], values: list[str | None]) -> None:
    """Numbers have one form, markup is left out, words are stems."""
    found = words(text)
    assert (found.stems, found.values) == (stems, values)


def test_a_fraction_sign_is_its_numbers() -> None:
    """What NFKC makes of one character is read as its parts: ½ as 1/2."""
    assert words("½ cup")[0][-1] == "cup"
    assert words("ﬁnd").stems == words("find").stems
    assert words("１２ ｘ").stems == ["#12", "x"]


def test_sentences_start_after_stops_and_line_breaks() -> None:
    """The first word starts a sentence, and so does a word after . ? ; with a blank, a new line or 。"""
    text = "Two cubes. Each is 3.5 high; one is red? Is it\nlarge? 面大。好"
    found = words(text)
    starts = [stem for stem, first in zip(found.stems, found.starts, strict=True) if first]
    assert starts == ["#2", "each", "one", "is", "larg", "面", "好"]


def test_labels_are_letters_capitals_and_greek() -> None:
    """A letter, capitals and a Greek letter's name may name things; other words do not."""
    found = words("In $ABCD$ let x be AB times \\alpha over the sphere")
    labels = [label for label in found.labels if label is not None]
    assert labels == ["ABCD", "x", "AB", "alpha"]


@pytest.mark.parametrize(
    "text",
    [
        FORMULA,
        CHINESE,
        f"<i>{FARM}</i> ½ ﬁ 😀",
        "é中 1,000.50 <br/> x\u00ady \\dfrac{1}{2}",
    ],
)
def test_words_point_at_their_tokens(text: str) -> None:
    """A word's tokens cover its characters: the tokens of words follow each other, markup between them."""
    texts = Texts(pa.array([text], pa.large_string()))
    spans = token_spans(texts, TOKENIZER)
    content = texts.array[0].as_py().encode()
    found = words(text)
    before = 0
    for stemmed, first, end in zip(found.stems, found.first, found.end, strict=True):
        assert before <= first < end <= len(spans.begin)
        before = end
        written = content[spans.begin[first] : spans.end[end - 1]].decode()
        if stemmed.startswith("#"):
            assert float(written.replace(",", "")) == float(stemmed[1:]) if written.isascii() else True
        elif written.isascii():
            assert written.lower().startswith(stemmed.rstrip("e")) or len(stemmed) >= 3 or written in COMMANDS


def test_numbers_spelt_out_count_as_numbers() -> None:
    """Every number word has the value of its digits."""
    assert {NUMBER_WORDS[word] for word in ("three", "third", "triple", "thrice")} == {"3"}
    assert [NUMBER_WORDS[word] for word in ("zero", "twelve", "twenty", "thirty", "ninety")] == [
        "0",
        "12",
        "20",
        "30",
        "90",
    ]
    assert all(float(value) >= 0 for value in NUMBER_WORDS.values())


def test_letters_are_exchanged_one_for_one() -> None:
    """The pair seen most often wins, and no letter stands for two."""
    seen = Counter({("x", "t"): 3, ("y", "t"): 1, ("x", "u"): 1, ("y", "s"): 2})
    assert one_for_one(seen) == {"t": "x", "s": "y"}


def test_an_item_is_found_whole_only_without_a_word_between() -> None:
    """The first place counts; a place beyond the last that has room does not."""
    row = ["a", "b", "a", "b", "c", "a", "b", "c"]
    assert found_whole(["a", "b", "c"], row, 0, 8) == 2
    assert found_whole(["a", "b", "c"], row, 3, 8) == 5
    assert found_whole(["a", "b", "c"], row, 3, 7) is None
    assert found_whole(["a", "c"], row, 0, 8) is None


def test_short_runs_far_out_are_no_part_of_what_was_laid() -> None:
    """A common word long before the copy does not stretch its span."""
    item, row = (
        words("the cube has red faces"),
        words("the other things come first and then a cube has red faces"),
    )
    laid = lay(item, row, 0, len(row.stems))
    assert laid is not None
    assert laid.span == (8, 12)
    assert laid.kept == [False, True, True, True, True]
