"""Words that tell one problem from another, and what a word is: content, a number, a sign, a variable."""

from __future__ import annotations

from functools import lru_cache

ENDINGS = ("ing", "ed", "es", "s")


def stem(word: str) -> str:
    """An English word without its ending, so that the forms of a word meet; never fewer than three letters.

    >>> [stem(word) for word in ("boxes", "box", "filled", "filling", "is")]
    ['box', 'box', 'fill', 'fill', 'is']
    """
    if len(word) > 4 and word.isascii():
        for ending in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                word = word[: -len(ending)]
                break
        if word[-1] == "e" and len(word) > 3:
            word = word[:-1]
    return word


def _split(*lines: str) -> list[str]:
    return " ".join(lines).split()


_COUNTED = _split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen",
    "seventeen eighteen nineteen twenty",
)
_TENS = _split("thirty forty fifty sixty seventy eighty ninety")
NUMBER_WORDS: dict[str, str] = {
    **{word: str(value) for value, word in enumerate(_COUNTED)},
    **{word: str(value) for value, word in zip(range(30, 100, 10), _TENS, strict=True)},
    "hundred": "100", "thousand": "1000", "million": "1000000",
    "billion": "1000000000", "once": "1", "twice": "2", "double": "2", "doubled": "2",
    "thrice": "3", "triple": "3", "half": "0.5", "dozen": "12", "first": "1", "second": "2", "third": "3",
    "fourth": "4", "fifth": "5", "quarter": "4",
}  # fmt: skip
"""Numbers spelt out, and what they count to."""

CARDINALS = frozenset({*_COUNTED[2:], *_TENS, "hundred", "thousand", "million", "billion"})
"""Of these the numbers that are counted with; "one" is a pronoun as often."""

INDEFINITE = frozenset(map(stem, _split("some several many few certain unknown various multiple number")))
"""What stands for a number that is not told."""

ASKING = frozenset(
    map(
        stem,
        _split(
            "what how find determine compute evaluate calculate which who show prove simplify solve express",
        ),
    )
)
"""Words of the sentence that asks."""

EXCHANGES = (
    "sum difference product quotient ratio", "maximum minimum largest smallest greatest least most fewest",
    "area perimeter volume circumference", "sin cos tan sec csc cot sine cosine tangent", "odd even",
    "increasing decreasing ascending descending", "positive negative nonnegative", "radius diameter",
    "mean median mode average range", "before after", "more fewer less", "above below", "first last",
    "domain range", "numerator denominator", "parallel perpendicular", "real complex imaginary",
    "permutation combination", "prefix suffix", "horizontal vertical", "north south east west", "left right",
    "true false", "gcd lcm", "inside outside", "row column", "with without", "interior exterior",
    "acute obtuse", "same different", "all none", "arithmetic geometric", "union intersection", "start end",
    "increase decrease", "cylindrical spherical polar", "clockwise counterclockwise",
)  # fmt: skip
"""Words that make another question where one stands for another of its group."""

EXCHANGED_WITH: dict[str, set[int]] = {}
"""The groups of `EXCHANGES` that a stem is in."""
for _number, _group in enumerate(EXCHANGES):
    for _word in _group.split():
        EXCHANGED_WITH.setdefault(stem(_word), set()).add(_number)

NEGATIONS = frozenset(map(stem, _split("not no never neither nor without except unless cannot")))
"""Words that turn a condition round."""

COMMANDS: dict[str, str] = {
    **dict.fromkeys(_split("dfrac tfrac cfrac"), "frac"),
    **dict.fromkeys(_split("le leq leqslant leqq"), "≤"),
    **dict.fromkeys(_split("ge geq geqslant geqq"), "≥"),
    **dict.fromkeys(_split("ne neq"), "≠"),
    **dict.fromkeys(_split("lvert rvert vert mid"), "|"),
    "lt": "<", "gt": ">", "ast": "*", "times": "×", "pm": "±", "in": "∈", "to": "→", "rightarrow": "→",
    "varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "ell": "l",
}  # fmt: skip
"""LaTeX commands, and what they print; the tokenizer `math` knows more of them (native/tokenize.cpp)."""

OPERATORS = frozenset("+-*/=<>^%|!")
FUNCTIONS = frozenset(
    _split(
        "frac sqrt sin cos tan log ln exp sum prod int lim max min binom pmatrix cdot times",
        "le ge lt gt ne pm circ pi",
    )
)
GREEK = frozenset(
    _split(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau",
        "upsilon phi chi psi omega varphi varepsilon",
    )
)


@lru_cache(maxsize=1 << 16)
def is_content(word: str) -> bool:
    """Whether it is a word that says what the text is about: no number, sign, variable."""
    return not word.startswith("#") and (len(word) >= 3 or word >= "\u2e80")


def is_variable(word: str) -> bool:
    """Whether it is a letter or a Greek letter's name."""
    return (len(word) == 1 and "a" < word <= "z") or word in GREEK  # "a" is an article more often


@lru_cache(maxsize=1 << 16)
def is_formula(word: str) -> bool:
    """Whether it stands in formulas: a number, sign, variable or function."""
    return (
        word.startswith("#") or word in OPERATORS or word in "()[]" or is_variable(word) or word in FUNCTIONS
    )
