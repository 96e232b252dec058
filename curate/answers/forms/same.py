"""Whether two typed answers are the same: yes, no, or not to be told by exact arithmetic alone.

Each rule is for a pair of kinds. Whatever order the two are given in, the same is said of them.
"""

from __future__ import annotations

from functools import partial

from curate.answers.forms.effort import Limited
from curate.answers.forms.finding import Finding, Rules, brief, two, two_kinds
from curate.answers.forms.kinds import (
    Answer,
    Based,
    Matrix,
    Number,
    Option,
    Proportion,
    Region,
    Relation,
    Several,
    Words,
    Yes,
)
from curate.answers.forms.same_kinds import based, matrices, mixed, proportions, regions
from curate.answers.forms.same_numbers import numbers
from curate.answers.forms.same_relations import relations
from curate.answers.forms.same_several import several
from curate.answers.forms.same_words import options, words
from curate.answers.forms.tokens import Unreadable
from curate.answers.profiles import Profile

__all__ = ["Finding", "same"]


def same(gold: Answer, predicted: Answer, profile: Profile) -> Finding:
    """Whether two answers are the same under a profile.

    Takes at most a good tenth of a second, whatever the answers; where that is not enough, neither is sure.
    """
    with Limited():
        return _compare(profile, gold, predicted)


def _compare(profile: Profile, a: Answer, b: Answer) -> Finding:
    if a == b:
        return Finding(True, "key", f"both are {brief(a)}")
    try:
        return _by_kind(a, b, Rules(profile, partial(_compare, profile)))
    except Unreadable as error:
        return Finding(None, "algebra", str(error))


def _by_kind(a: Answer, b: Answer, rules: Rules) -> Finding:
    if isinstance(a, Option) or isinstance(b, Option):
        return options(a, b, rules)
    if isinstance(a, Words) or isinstance(b, Words):
        return words(a, b)
    if isinstance(a, Several) and isinstance(b, Several):
        found = several(a, b, rules)
        if found.equal is not False or (_single(a), _single(b)) == (a, b):
            return found
    a, b = _single(a), _single(b)
    if isinstance(a, Relation) or isinstance(b, Relation):
        return relations(a, b, rules)
    match a, b:
        case Number(), Number():
            return numbers(a, b, rules.profile)
        case Several(), Several():
            return several(a, b, rules)
        case Region(), Region():
            return regions(a, b, rules)
        case Matrix(), Matrix():
            return matrices(a, b, rules)
        case Proportion(), Proportion():
            return proportions(a, b)
        case Based(), Based():
            return based(a, b)
        case Yes(), Yes():
            return Finding(a == b, "key", two(a, b))
    return mixed(a, b, rules) or Finding(False, "key", two_kinds(a, b))


def _single(one: Answer) -> Answer:
    """What is alone in a list or a set; a root that is named twice is alone."""
    while isinstance(one, Several) and one.kind != "tuple" and one.items:
        if any(item != one.items[0] for item in one.items[1:]):
            break
        one = one.items[0]
    return one
