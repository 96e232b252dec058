r"""Which answer most responses give: groups of equal answers, counted, and what is not known about them.

Equality of answers is no equivalence relation: 50 is 50 %, 50 % is 0.5, and 50 is not 0.5. So groups are
never joined through a third one. Answers with one key (`key`) are a group; the groups, largest first, are
each compared with the representatives of the clusters that are there, in both directions, and join the first
that is equal. An answer of which it is not known whether it equals a representative joins none, and is
counted as `unsure`.

`vote` asks one question at a time; `vote_all` puts the questions of many rows to a comparer together, so that
a pool of processes is kept busy. What an answer is (`final_text`, `gold_text`), its key and the comparer
(`Referee`) are adapters to the rest of `curate.answers`; nothing else here knows how answers are compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import Literal, NamedTuple

from curate.answers import guard
from curate.answers.extract import answer_part, final_answer, gold_answer
from curate.answers.forms.kinds import Number
from curate.answers.forms.read import read
from curate.answers.latex import as_latex
from curate.answers.verifier import Verifier
from curate.answers.zygote import Limits

Pair = tuple[str, str]
Compare = Callable[[Sequence[Pair]], Sequence[bool | None]]
"""Whether the two answers of each pair are equal, in both directions; None where that is not known."""

MAX_GROUPS = 64
"""Groups of one row that are compared; of smaller ones beyond these nothing is known."""
MAX_CHARACTERS = 1_000
"""A longer answer is no final answer: it is not counted as one."""
MAX_PROSE = 6
"""Words outside formulas in a ground truth beyond which nobody can compare it with an answer."""

Status = Literal["ok", "tie", "undecided", "no-answer", "no-response"]


class Cluster(NamedTuple):
    """Equal answers: the text that stands for them, and who gives it (places in the list of answers)."""

    answer: str
    members: tuple[int, ...]


class Vote(NamedTuple):
    """The outcome of a vote. `clusters`: most votes first, ties by the key of their representatives.

    status: ok; tie: two clusters have most votes; undecided: comparisons that could not be decided might
    change the winner; no-answer: no vote holds an answer; no-response: nobody votes.
    """

    status: Status
    n: int
    clusters: tuple[Cluster, ...]
    unsure: int = 0
    """Votes in clusters of which it is not known whether they equal another one."""

    @property
    def answer(self) -> str | None:
        """The answer that wins; None unless the status is ok."""
        return self.clusters[0].answer if self.status == "ok" else None

    @property
    def valid(self) -> int:
        """Votes that hold an answer."""
        return sum(len(cluster.members) for cluster in self.clusters)

    @property
    def top(self) -> int:
        """Votes of the largest cluster; 0 without one."""
        return len(self.clusters[0].members) if self.clusters else 0

    @property
    def lead(self) -> int:
        """Votes by which the largest cluster is ahead of the next."""
        return self.top - (len(self.clusters[1].members) if len(self.clusters) > 1 else 0)

    @property
    def entropy(self) -> float:
        """Of the shares of the clusters among the votes that hold an answer, in nats."""
        shares = [len(cluster.members) / self.valid for cluster in self.clusters]
        return math.fsum(-share * math.log(share) for share in shares if share < 1)


def vote(answers: Sequence[str | None], same: Callable[[str, str], bool | None]) -> Vote:
    """The outcome of one vote; None is a vote without an answer.

    >>> found = vote(["1/2", "0.5", "2", None], lambda a, b: False)
    >>> found.status, found.answer, found.n, found.valid, found.lead
    ('ok', '0.5', 4, 3, 1)
    """
    return vote_all([answers], lambda pairs: [same(a, b) for a, b in pairs])[0]


def vote_all(polls: Sequence[Sequence[str | None]], compare: Compare) -> list[Vote]:
    """The outcome of each poll. Polls go on side by side: `compare` gets a question of all that have one."""
    counts = [_count(answers) for answers in polls]
    asked: dict[int, list[Pair]] = {}
    found: dict[int, Vote] = {}

    def go_on(place: int, said: list[bool | None] | None) -> None:
        try:
            asked[place] = next(counts[place]) if said is None else counts[place].send(said)
        except StopIteration as end:
            found[place] = end.value

    for place in range(len(polls)):
        go_on(place, None)
    while asked:
        questions = dict(asked)
        said = iter(compare([pair for question in questions.values() for pair in question]))
        asked.clear()
        for place, question in questions.items():
            go_on(place, [next(said) for _ in question])
    return [found[place] for place in range(len(polls))]


class _Group(NamedTuple):
    key: str
    answer: str
    members: tuple[int, ...]


def _groups(answers: Sequence[str | None]) -> list[_Group]:
    """Answers with one key, the largest group first, ties by key."""
    members: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        if answer is not None and answer.strip():
            members.setdefault(key(answer), []).append(place)
    groups = []
    for its_key, places in members.items():
        texts = Counter(str(answers[place]) for place in places)
        shown = min(texts, key=lambda text: (-texts[text], len(text), text))
        groups.append(_Group(its_key, shown, tuple(places)))
    return sorted(groups, key=lambda group: (-len(group.members), group.key))


def _count(answers: Sequence[str | None]) -> Generator[list[Pair], list[bool | None], Vote]:
    """One vote, as questions: yields the pairs it wants to know about, is sent what is known of them."""
    heads: list[_Group] = []
    joined: list[list[int]] = []
    unsure: set[tuple[int, int]] = set()
    for place, group in enumerate(_groups(answers)):
        pairs = [(head.answer, group.answer) for head in heads]
        known = place < MAX_GROUPS
        said = ((yield pairs) if known else [None] * len(pairs)) if pairs else []
        home = next((i for i, equal in enumerate(said) if equal), None)
        if home is not None:
            joined[home] += group.members
            continue
        unsure |= {(i, len(heads)) for i, equal in enumerate(said) if equal is None}
        heads.append(group)
        joined.append(list(group.members))
    order = sorted(range(len(heads)), key=lambda i: (-len(joined[i]), heads[i].key))
    clusters = tuple(Cluster(heads[i].answer, tuple(sorted(joined[i]))) for i in order)
    sizes = [len(members) for members in joined]
    doubtful = {i for edge in unsure for i in edge}
    n_unsure = sum(sizes[i] for i in doubtful)
    status = _status(sizes, order, unsure) if answers else "no-response"
    return Vote(status, len(answers), clusters, n_unsure)


def _status(sizes: Sequence[int], order: Sequence[int], unsure: set[tuple[int, int]]) -> Status:
    """Who wins, or why nobody knows: clusters that may be one are taken together against the winner."""
    if not sizes:
        return "no-answer"
    top = sizes[order[0]]
    if len(sizes) > 1 and sizes[order[1]] == top:
        together = _components(len(sizes), unsure)
        return "undecided" if any(_weight(one, sizes) >= top for one in together) else "tie"
    others = {edge for edge in unsure if order[0] not in edge}
    together = _components(len(sizes), others)
    return "undecided" if any(_weight(one, sizes) >= top for one in together) else "ok"


def _weight(clusters: Sequence[int], sizes: Sequence[int]) -> int:
    return sum(sizes[i] for i in clusters)


def _components(n: int, edges: set[tuple[int, int]]) -> list[list[int]]:
    """Clusters that may all be one, of two or more."""
    root = list(range(n))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for a, b in sorted(edges):
        root[find(b)] = find(a)
    found: dict[int, list[int]] = {}
    for i in range(n):
        found.setdefault(find(i), []).append(i)
    return [one for one in found.values() if len(one) > 1]


# ---- what an answer is, and when two are equal: adapters to the rest of curate.answers


def key(answer: str) -> str:
    """What answers have in common that are equal beyond doubt: their exact key, or else the text.

    Keys of numbers sort before those of texts: of groups of one size a number stands for a cluster.

    >>> key("0.50") == key(r"\\frac{1}{2}"), key("x + 1") == key("1  + x"), key("x") == key("y")
    (True, True, False)
    """
    if len(answer) > MAX_CHARACTERS:
        return " ".join(answer.split())
    reading = read(answer)
    exact = reading.key
    if exact is None:
        return " ".join(reading.plain.split())
    found = reading.answer
    is_number = isinstance(found, Number) and found.value.rational is not None
    return f"# {exact}" if is_number and exact.startswith(_NUMBER) else exact


_NUMBER = "('number'"
"""What the key of a number without a unit begins with; 50 % is one half, and has none."""


def final_text(
    response: str | None, extract: Literal["boxed", "final"] = "final", think_close: str = "</think>"
) -> str | None:
    """The final answer of a response; None if it names none, or one of more than MAX_CHARACTERS."""
    part = None if response is None else answer_part(response, think_close)
    found = None if part is None else final_answer(part, extract)
    return found.text if found is not None and len(found.text) <= MAX_CHARACTERS else None


def gold_text(gold: str | None) -> str | None:
    """The answer of a ground truth; None if it is null or blank."""
    found = None if gold is None else gold_answer(gold)
    return None if found is None else found.text


_PLACEHOLDER = re.compile(
    r"(?:proof|prove|not ?found|none|null|nan|n/?a|unknown|todo|see (?:the )?(?:solution|proof|above|below)"
    r"|no (?:answer|solution given)|answer|omitted|证明|略|见解析|[-?.…]+)[.!]?",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]", re.DOTALL)
_COMMAND = re.compile(r"\\(?:text|mathrm|textbf|mbox)\s*\{([^{}]*)\}|\\[A-Za-z]+")
_WORD = re.compile(r"[A-Za-z]{2,}")


def unverifiable(gold: str) -> str:
    r"""Why no answer can be compared with a ground truth, as the end of a sentence; empty if one can.

    >>> unverifiable("notfound"), unverifiable(r"\frac{1}{2}"), unverifiable("x = 3 or x = 5")
    ('a placeholder: notfound', '', '')
    """
    text = gold.strip()
    if not text:
        return "blank"
    plain = _COMMAND.sub(lambda found: found.group(1) or " ", text)
    if _PLACEHOLDER.fullmatch(plain.strip("$\\{}() ")):
        return f"a placeholder: {text[:40]}"
    if len(text) > MAX_CHARACTERS:
        return f"{len(text):,} characters long"
    words = _WORD.findall(_COMMAND.sub(lambda found: found.group(1) or " ", _FORMULA.sub(" ", text)))
    if len(words) > MAX_PROSE:
        return f"prose of {len(words)} words"
    if not _balanced(text):
        return "a formula with a bracket missing"
    complex_ = guard.too_complex(as_latex(text))
    return "" if complex_ is None else f"{complex_}, which nobody computes"


def _balanced(text: str) -> bool:
    depth = 0
    for sign in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if sign == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def reextracted(gold: str) -> str | None:
    """The answer found in a response that boxes the ground truth; None if none is."""
    found = final_answer(f"The answer is $\\boxed{{{gold}}}$.", "boxed")
    return None if found is None else found.text


class Referee:
    """Compares bare answers in both directions, under the profile `strict`."""

    def __init__(self, limits: Limits) -> None:
        self._verifier = Verifier("strict", limits)

    def __call__(self, pairs: Sequence[Pair]) -> list[bool | None]:
        """Whether each pair is equal in one direction, and, if so, in the other; None if that is not known.

        Raises MachineError if no process to compare answers can be started.
        """
        ordered = [(min(pair), max(pair)) for pair in pairs]
        said = self._ask(list(dict.fromkeys(ordered)))
        equal = [pair for pair, one in said.items() if one]
        back = self._ask([(b, a) for a, b in equal])
        return [back[pair[::-1]] if said[pair] else said[pair] for pair in ordered]

    def _ask(self, pairs: Sequence[Pair]) -> dict[Pair, bool | None]:
        verdicts = self._verifier.compare_all(pairs)
        known = {"equal": True, "unequal": False}
        return {pair: known.get(verdict.status) for pair, verdict in zip(pairs, verdicts, strict=True)}
