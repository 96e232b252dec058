"""Answers that are words: options, yes and no, none, everything, numbers, and others as they are."""

from __future__ import annotations

import re

from curate.answers.forms.kinds import EMPTY, LINE, Answer, Infinite, Number, Option, Words, Yes
from curate.answers.forms.spelled import spelled
from curate.answers.forms.tokens import names
from curate.answers.forms.values import constant
from curate.answers.forms.vocabulary import FUNCTIONS

MAX_KNOWN = 60
"""Characters of words that are looked up."""
_OPTION = re.compile(
    r"(?P<cue>(?i:option|choice|answer)\s*:?\s*)?"
    r"(?:[(\[](?P<marked>[A-J])[)\]]|(?P<bare>[A-J])(?=[).:]|\s*$|\}))"
    r"(?!\s*(?:[+*/^=_<>!,|]|-\s)|\s*\\(?:cup|cap|cdot|le|ge|in)\b)"
    r"[).:]*(?:\\[ ,;:!]|[\s~])*\}*(?P<rest>.*)",
    re.DOTALL,
)
_BEFORE_REST = re.compile(r"^(?:\\[ ,;:!]|[\s,:~])*")
_MARKED = re.compile(r"\(|(?:\\(?:text|math)\w*\{)?\(?[A-J][).:]")
_OPTION_IN_TEXT = re.compile(r"\\(?:text(?:bf)?|math(?:rm|bf)|mbox)\s*\{\s*(?=\(?[A-J][).}])")
_TEXT_COMMAND = re.compile(r"\\(?:text(?:bf|it)?|math(?:rm|bf)|mbox|operatorname|rm)(?![A-Za-z])|\\[ ,;:!~]")
_FORMULA_SIGNS = re.compile(r"[=<>^_+*/\\]|\d")
_IN_TEXT = re.compile(r"\\(?:text|mathrm|mbox|mathbf|textbf)\s*\{([^{}]*)\}")
_SPACING = re.compile(r"\\(?:left|right|[,;:! ]|q?quad)(?![A-Za-z])")
_LETTERS_ONLY = re.compile(r"(?:\\(?:text|math)[a-z]*\s*\{\s*)?[A-Za-z]+\s*\}?[.!]?")
_ARTICLES = re.compile(r"\b(?:the|a|an)\b")
_NOT_LETTERS = re.compile(r"[^\w\u4e00-\u9fff+-]+")
_VOWELS = frozenset("aeiou")
_YES = names("yes true correct right 是 对 正确 si oui ja")
_NO = names("no false incorrect wrong 否 不是 错 错误 non nein")
_NOTHING = frozenset([
    "no solution", "no solutions", "none", "no real solution", "no real solutions", "empty set",
    "does not exist", "no such", "nothing", "无解", "there are no solutions", "null set", "dne",
    "no solution exists", "no real roots", "空集", "there is no solution", "no such numbers exist",
    "emptyset", "no values",
])  # fmt: skip
_EVERYTHING = frozenset([
    "all real numbers", "all reals", "real numbers", "r", "any real number", "all real", "全体实数", "实数",
    "every real number", "all real values", "mathbb r", "reals",
])  # fmt: skip
_ENDLESS = frozenset(["infinity", "infinite", "unbounded", "无穷", "无穷大", "positive infinity"])


def normal_words(text: str) -> str:
    r"""Words in small letters without commands, articles and marks.

    >>> normal_words(r"\text{The East Side.}")
    'east side'
    """
    plain = _TEXT_COMMAND.sub(" ", text)
    plain = _ARTICLES.sub(" ", plain.replace("\\", " ").lower())
    return " ".join(_NOT_LETTERS.sub(" ", plain).split())


def as_words(text: str) -> Words:
    """Words, or the signs of a formula that could not be read, where every sign counts."""
    if _FORMULA_SIGNS.search(_TEXT_COMMAND.sub("", text)):
        return Words("".join(_SPACING.sub("", _IN_TEXT.sub(r"\1", text)).split()))
    return Words(normal_words(text))


def known_words(text: str) -> Answer | None:
    """Options, yes and no, none, all real numbers, numbers in words; None for anything else."""
    option = _option(text)
    if option is not None:
        return option
    words = normal_words(text)
    if not words or len(words) > MAX_KNOWN:
        return None
    if words in _YES or words in _NO:
        return Yes(words in _YES)
    if words in _NOTHING:
        return EMPTY
    if words in _EVERYTHING and (len(words) > 1 or "mathbb" in text):
        return LINE
    if words in _ENDLESS:
        return Infinite(1)
    number = spelled(words)
    if number is not None:
        return Number(constant(number))
    return Words(words) if _LETTERS_ONLY.fullmatch(text) and _is_one_word(words) else None


def _option(text: str) -> Option | None:
    """A letter of multiple choice, alone, in brackets, or before a text; None for a variable and for I."""
    bare = text.strip()
    inside = _OPTION_IN_TEXT.match(bare)
    option = _OPTION.fullmatch(bare[inside.end() :] if inside else bare)
    if option is None or bare == "I":
        return None
    if option["rest"] and not option["cue"] and not _MARKED.match(bare):
        return None
    return Option(option["marked"] or option["bare"], _unbraced(option["rest"]))


def _unbraced(rest: str) -> str:
    rest = rest.strip()
    if rest.count("}") == rest.count("{") + 1:
        rest = rest.removesuffix("}")
    return _BEFORE_REST.sub("", rest).rstrip(" .,:~\\")


def _is_one_word(word: str) -> bool:
    """Whether letters that are a whole answer are a word: abc and xyz are products, Ted and all are not."""
    letters = set(word)
    return (
        len(word) > 2
        and word not in FUNCTIONS
        and word not in ("pi", "inf")
        and bool(letters & _VOWELS)
        and bool(letters - _VOWELS)
        and list(word) != sorted(letters)
    )
