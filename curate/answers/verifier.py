r"""Two answers compared: as texts, as exact typed values, and what is left by Math-Verify in a pool.

The verdict has three values. `undecided` is never a guess at `unequal`: its cause says why nobody could tell.
The same two answers get the same verdict whatever comes before or beside them, from any thread.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, cast

from curate.answers import guard
from curate.answers.extract import (
    Extract,
    Extracted,
    answer_part,
    final_answer,
    gold_answer,
    predicted_answer,
)
from curate.answers.forms.kinds import Option
from curate.answers.forms.read import form_of, read
from curate.answers.forms.same import same
from curate.answers.latex import as_latex
from curate.answers.memo import Memo, Said
from curate.answers.pool import Pool, shared_pool
from curate.answers.profiles import PROFILES, Profile
from curate.answers.verdict import Cause, Status, Verdict
from curate.answers.zygote import Limits
from curate.errors import InputError

VERSION = 3
"""Of what is said of two answers: a memo of another version is not used."""
MAX_EXTRACTED = 1_000
"""Characters of an answer that are kept as evidence."""
MAX_MEMO = 200_000
"""Pairs remembered in memory; about 100 MB."""


SHORT = 200
"""Characters of a response that may well be given again: bare answers of many samples are alike."""
AT_HAND = 4_096
"""Short ground truths remembered, and short responses of one call."""


def quick(gold: str, predicted: str, profile: Profile) -> Verdict | None:
    """The verdict on two bare answers, where text and exact arithmetic can tell; None where they cannot.

    Takes microseconds to a few milliseconds, needs no process and may run in any thread.
    """
    if profile.name == "compat":
        from curate.answers import compat  # only here: no other profile needs it

        return compat.decide(gold, predicted)
    if len(gold) > guard.MAX_CHARS or len(predicted) > guard.MAX_CHARS:
        return _long(gold, predicted)
    a, b = read(gold), read(predicted)
    if not a.plain or not b.plain:
        return Verdict("undecided", "extract", "an empty answer", cause="no-answer")
    if a.plain == b.plain:
        return Verdict(
            "equal", "text", "the same text", form_of(gold) or a.plain, form_of(predicted) or b.plain
        )
    found = same(a.answer, b.answer, profile)
    is_option = isinstance(a.answer, Option) != isinstance(b.answer, Option)
    are_words = _LETTERS.fullmatch(a.plain) and _LETTERS.fullmatch(b.plain)
    if found.equal is None and (is_option or are_words):  # for Math-Verify stop is pots
        return Verdict("undecided", found.tier, found.why, form_of(gold), form_of(predicted), "incomparable")
    if found.equal is None:
        return None
    return Verdict(
        "equal" if found.equal else "unequal", found.tier, found.why, form_of(gold), form_of(predicted)
    )


def _agree(gold: str, predicted: str, profile: Profile) -> bool:
    """Whether two answers are numbers that no computing tells apart."""
    found = same(read(gold).answer, read(predicted).answer, profile)
    return found.equal is None and found.tier == "numeric"


_CALLED = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}\(")


def _is_called(text: str) -> bool:
    """Whether an answer that could not be read holds a function of an unknown name."""
    found = read(text)
    return found.unreadable is not None and _CALLED.search(found.plain) is not None


def _long(gold: str, predicted: str) -> Verdict:
    """Texts too long for an answer: only the same text is equal."""
    if gold.strip() == predicted.strip():
        return Verdict("equal", "text", "the same text")
    why = f"not compared: more than {guard.MAX_CHARS:,} characters"
    return Verdict("undecided", "guard", why, cause="too-complex")


def guarded(gold: str, predicted: str) -> Verdict | None:
    """Undecided where a text would cost computer algebra more than it is worth; None elsewhere."""
    if _GOES_ON.search(gold) or _GOES_ON.search(predicted):
        why = "a list or sum that goes on with dots, which nobody can compare"
        return Verdict("undecided", "guard", why, cause="incomparable")
    for side, text in (("ground truth", gold), ("answer", predicted)):
        reason = guard.too_complex(as_latex(text))
        if reason is not None:
            why = f"not compared: the {side} has {reason}"
            return Verdict("undecided", "guard", why, cause="too-complex")
    return None


_GOES_ON = re.compile(r"\\[lc]?dots(?![A-Za-z])|\.\.\.|…")


_LETTERS = re.compile(r"[A-Za-z]{3,}")
_GUESSED = ("last-number", "last-formula")
_PROSE = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{3,}")


_MARKS = ("\\boxed", "\\fbox", "####")
"""What shows beyond doubt where in a text an answer stands."""


class Pair(NamedTuple):
    """A ground truth, the answer found in a response, and what marked it."""

    gold: str
    predicted: str
    found_in: str


def look(
    gold: str | None, response: str | None, extract: Extract | None = None, think_close: str = "</think>"
) -> Pair | Verdict:
    """The two answers to compare, or why there are none.

    extract: how far to look for the answer in a response; None: `response` may be a bare answer as well.
    """
    found, why_not = (
        (None, "there is no response") if response is None else find_answer(response, extract, think_close)
    )
    truth = None if gold is None else gold_answer(gold) if len(gold) > SHORT else _short_gold(gold)
    if truth is None:
        text, how = (None, None) if found is None else (found.text[:MAX_EXTRACTED], found.how)
        why = "there is no ground truth"
        return Verdict("undecided", "extract", why, cause="no-gold", extracted=text, found_in=how)
    if found is None:
        return Verdict("undecided", "extract", why_not, cause="no-text" if response is None else "no-answer")
    return Pair(truth.text, found.text, found.how)


@lru_cache(maxsize=AT_HAND)
def _short_gold(text: str) -> Extracted | None:
    return gold_answer(text)


def untouched(pair: Pair, gold: str, response: str, think_close: str) -> Pair:
    """The pair with the texts as they were given, where nothing in them shows what the answer is.

    Math-Verify makes something of what our own extraction takes off: of 5. it reads no number.
    """
    if pair.found_in not in ("whole", *_GUESSED):
        return pair
    truth = pair.gold if _is_marked(gold) else gold
    return pair._replace(
        gold=truth, predicted=pair.predicted if _is_marked(response, think_close) else response
    )


def _is_marked(text: str, *marks: str) -> bool:
    return any(mark in text for mark in (*_MARKS, *marks))


def find_answer(
    response: str, extract: Extract | None = "final", think_close: str = "</think>"
) -> tuple[Extracted | None, str]:
    """The answer of a response (or for extract None of a bare answer); or None, and why there is none."""
    if not response.strip():
        return None, "the response is empty"
    part = answer_part(response, think_close)
    if part is None:
        return None, "the thinking never ends"
    found = predicted_answer(part, "any") if extract is None else final_answer(part, extract)
    if extract is None and found is not None and found.how in _GUESSED and not _PROSE.search(part):
        found = Extracted(part.strip(), "whole")  # a long formula, of which the last number says nothing
    return found, "" if found else f"no {'boxed' if extract == 'boxed' else 'final'} answer in the response"


class Verifier:
    """Compares answers under one profile; keeps its processes and what they said until it is closed.

    profile: `strict`, `lenient` or `compat` (see `curate.answers.profiles`). limits: what one pair may cost
    in the pool. workers: processes of its own; without it, those that all verifiers of this process share.
    memo: a file that remembers what the pool said, from run to run. Safe to use from several threads.
    """

    def __init__(
        self,
        profile: str = "strict",
        limits: Limits | None = None,
        workers: int | None = None,
        memo: Path | None = None,
    ) -> None:
        """Raises InputError for an unknown profile, or if the memo is no memo."""
        if profile not in PROFILES:
            raise InputError(f"profile {profile!r}: expected one of {', '.join(PROFILES)}.")
        self.profile = PROFILES[profile]
        asked = (limits or Limits())._replace(as_is=profile == "compat")
        self._pool = Pool(asked, workers) if workers is not None else shared_pool(asked)
        self._owned = workers is not None
        self._memo = Memo(memo, "compat" if asked.as_is else "strict", VERSION) if memo is not None else None
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], Said] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that belong to this verifier alone, and close its memo."""
        if self._owned:
            self._pool.close()
        if self._memo is not None:
            self._memo.close()

    def compare_all(self, pairs: Sequence[tuple[str, str]]) -> list[Verdict]:
        """One verdict for every (ground truth, answer), in order; both are bare answers.

        Raises MachineError if no process can be started.
        """
        found: dict[tuple[str, str], Verdict] = {}
        asked: dict[tuple[str, str], tuple[str, str]] = {}
        for pair in dict.fromkeys(pairs):
            known = quick(*pair, self.profile) or (None if self.profile.name == "compat" else guarded(*pair))
            if known is not None:
                found[pair] = known
            elif self.profile.name == "compat":
                asked[pair] = pair
            else:
                asked[pair] = read(pair[0]).plain, read(pair[1]).plain
        if asked:
            said = self._ask(list(dict.fromkeys(asked.values())))
            for pair, texts in asked.items():
                status, why, cause = said[texts]
                is_ours = self.profile.name != "compat"
                if is_ours and status == "unequal" and _agree(*pair, self.profile):
                    why = "they agree to many digits, and Math-Verify says they differ: which root is meant?"
                    status, cause = "undecided", "incomparable"
                if is_ours and status == "unequal" and any(map(_is_called, pair)):
                    why = "a function that is not known here, whose name Math-Verify takes for a product"
                    status, cause = "undecided", "incomparable"
                a, b = (form_of(text) if is_ours else None for text in pair)
                found[pair] = Verdict(cast(Status, status), "sympy", why, a, b, cast(Cause, cause))
        return [found[pair] for pair in pairs]

    def _ask(self, pairs: list[tuple[str, str]]) -> dict[tuple[str, str], Said]:
        """What the pool says of these pairs, or has said before."""
        with self._lock:
            said = {pair: self._said[pair] for pair in pairs if pair in self._said}
            unknown = [pair for pair in pairs if pair not in said]
            if self._memo is not None and unknown:
                said |= self._memo.recall(unknown)
                unknown = [pair for pair in unknown if pair not in said]
        outcomes = self._pool.compare(unknown) if unknown else []
        fresh: dict[tuple[str, str], Said] = {
            pair: (one.verdict, one.why, one.status) for pair, one in zip(unknown, outcomes, strict=True)
        }
        with self._lock:
            if len(self._said) + len(fresh) > MAX_MEMO:
                self._said.clear()
            self._said.update(fresh)
            if self._memo is not None and fresh:
                self._memo.keep(fresh)
        return said | fresh

    def verify_all(
        self,
        golds: Sequence[str | None],
        predicted: Sequence[str | None],
        extract: Extract | None = None,
        think_close: str = "</think>",
    ) -> list[Verdict]:
        """One verdict for every ground truth and response (or bare answer), in order."""
        looked = lru_cache(maxsize=AT_HAND)(partial(look, extract=extract, think_close=think_close))
        looks = [
            (
                look(gold, response, extract, think_close)
                if len(response or "") > SHORT
                else looked(gold, response)
            )
            for gold, response in zip(golds, predicted, strict=True)
        ]
        if self.profile.name == "compat" and extract is None:
            looks = [
                untouched(one, gold or "", response or "", think_close) if isinstance(one, Pair) else one
                for one, gold, response in zip(looks, golds, predicted, strict=True)
            ]
        pairs = [one for one in looks if isinstance(one, Pair)]
        verdicts = iter(self.compare_all([(one.gold, one.predicted) for one in pairs]))
        return [
            next(verdicts)._replace(extracted=one.predicted[:MAX_EXTRACTED], found_in=one.found_in)
            if isinstance(one, Pair)
            else one
            for one in looks
        ]


_shared: dict[str, Verifier] = {}
_shared_lock = threading.Lock()


def verify(gold: str, predicted: str, profile: str = "strict") -> Verdict:
    r"""Whether a response, or a bare answer, gives the ground truth.

    >>> verify("0.5", r"so it is \boxed{\frac12}").reason
    'both are 1/2'

    Raises InputError for an unknown profile, MachineError if no process can be started where one is needed.
    """
    with _shared_lock:
        if profile not in _shared:
            _shared[profile] = Verifier(profile)
    return _shared[profile].verify_all([gold], [predicted])[0]
