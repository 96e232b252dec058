"""Rules for options of multiple choice and for words."""

from __future__ import annotations

from curate.answers.forms.algebra import symbol
from curate.answers.forms.finding import Compare, Finding, Rules, kind, two, two_kinds
from curate.answers.forms.kinds import Answer, Number, Option, Relation, Several, Words, Yes
from curate.answers.forms.read import read

MAX_WORDS = 3
"""Words that are told from others; of longer texts nobody knows what they mean."""


def options(a: Answer, b: Answer, rules: Rules) -> Finding:
    """Two answers, at least one of them an option."""
    if isinstance(a, Option) and isinstance(b, Option):
        return Finding(a.letter == b.letter, "key", two(a, b))
    if isinstance(a, Option):
        return _option_and_other(a, b, rules.compare)
    assert isinstance(b, Option)
    return _option_and_other(b, a, lambda y, x: rules.compare(x, y))


def _option_and_other(option: Option, other: Answer, compare: Compare) -> Finding:
    """(C) 5 is 5; C without a text is a variable where the other one is made of variables."""
    if option.rest:
        rest = read(option.rest).answer
        if isinstance(rest, Option):
            return Finding(None, "key", "an option and a value")
        return compare(rest, other)
    letter = Number(symbol(option.letter))
    match other:
        case Number() if other.value.symbols:
            is_small = other.value == symbol(option.letter.lower())
            return Finding(True, "key", f"both are {option.letter}") if is_small else compare(letter, other)
        case Relation():
            return compare(letter, other)
        case Several() if all(isinstance(one, Number) and one.value.symbols for one in other.items):
            if len(other.items) > 1:
                return Finding(False, "key", two_kinds(option, other))
            return Finding(None, "key", "an option and a list")
        case Words():
            return Finding(None, "key", "an option and words")
    return Finding(None, "key", "an option and a value, without the text of the option")


def words(a: Answer, b: Answer) -> Finding:
    """Two answers, at least one of them words, neither an option."""
    if isinstance(a, Words) and isinstance(b, Words):
        return _two_words(a, b)
    known, other = (a, b) if isinstance(a, Words) else (b, a)
    assert isinstance(known, Words)
    if isinstance(other, Yes) and known.text.isalpha():
        return Finding(False, "text", f"{known.text} and {kind(other)}")
    return Finding(None, "text", f"words and {kind(other)}")


def _two_words(a: Words, b: Words) -> Finding:
    x, y = _stems(a), _stems(b)
    if x == y:
        return Finding(True, "text", "the same words")
    are_few = len(x) <= MAX_WORDS and len(y) <= MAX_WORDS
    if are_few and not set(x) & set(y) and _is_prose(a) and _is_prose(b):
        return Finding(False, "text", two(a, b))
    return Finding(None, "text", "other words")


def _is_prose(one: Words) -> bool:
    return all(sign.isalpha() or sign in " -" for sign in one.text)


def _stems(one: Words) -> list[str]:
    """The words, without the s of a plural."""
    return [word[:-1] if word.endswith("s") and len(word) > 3 else word for word in one.text.split()]
