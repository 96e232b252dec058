r"""Pairs of answers whose truth is known by construction, from real ground truths.

    python perf/verify_pairs.py DATA FILE.parquet [--per-kind 400] [--seed 0]

writes kind, gold, predicted, equal, family, source; distinct pairs, the same for the same seed and data.

Equal: another way to write the ground truth (verify_surface.py, verify_forms.py, verify_parts.py,
verify_named.py), bare, wrapped, or at the end of a response. Different: near-misses (verify_misses.py and the
last two), written and wrapped in the same ways, and other ground truths of the same family. Every formula is
read anew from both texts and evaluated with mpmath to 50 digits at five points (verify_read.py): equal pairs
agree to 35 digits wherever either is real, different ones are somewhere apart by more than one part in ten
thousand. What cannot be checked so (words, options, units, order) follows from the parts.

Left out, as questions of policy and not of truth: 28% beside 28, an angle without its degree sign, a number
without its unit or base, a list without order or braces, rounded decimals, other names for the unknown.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

import polars as pl
from verify_forms import FORMULAS, VALUES, Form
from verify_golds import Gold, golds
from verify_misses import MISSES
from verify_named import NAMED_DIFFERENT, NAMED_EQUAL
from verify_parts import PARTS_DIFFERENT, PARTS_EQUAL
from verify_read import read, same
from verify_surface import SURFACE, undone

READABLE = ("integer", "decimal", "fraction", "closed", "formula")
NUMERIC = ("integer", "grouped", "decimal", "fraction")
# Wrappers that fit any answer; the other surfaces change formulas and are for what can be read.
ANYWHERE = ("dollars", "boxed", "boxed-twice-wrapped", "displaystyle", "blank-around")
# Ways to write a number that the reader of the checks does not read; they are right by how they are made.
UNREAD = frozenset(
    ("repeating-decimal", "chinese-numeral", "mixed-number", "thousands", "number-in-text", "scientific")
)
NOT_INSIDE = ("$", "\\boxed", "\\(", "\\[", "**", "\n", "\\text{ and", ".\\", "。", "ption")
_ROUNDS = 6

RESPONSES: dict[str, str] = {
    "box": "First we add both sides.\n\nSo the result is\n\\[\n\\boxed{<A>}\n\\]",
    "inline-box": "We check the cases one by one. Hence the answer is $\\boxed{<A>}$.",
    "later-box": "A first guess is \\boxed{<B>}. Checking it shows a mistake in the second step, where "
    "a term was lost.\n\nCorrecting this gives \\boxed{<A>}",
    "think": "<think>\nMaybe it is <B>? So \\boxed{<B>}. Wait, no.\n</think>\n\nThe final answer is "
    "\\boxed{<A>}.",
    "sentence": "Putting both together settles it. The final answer is $<A>$. I hope it is correct.",
    "answer-line": "We compare the two.\n\n**Answer:** $<A>$",
    "chinese": "两边相加即可。所以答案是 $<A>$。",
    "chinese-box": "因此，最终答案为：$\\boxed{<A>}$",
    "hashes": "He needs both of them.\nSo there are <A> in all.\n#### <A>",
}
Families = Mapping[str, Sequence[Gold]]
T = TypeVar("T")


class Pair(NamedTuple):
    """Two answers, how the second was made of the first, and whether they are equal."""

    kind: str
    gold: str
    predicted: str
    equal: bool
    family: str
    source: str


def checked(gold: str, predicted: str, equal: bool) -> bool:
    """Whether two formulas, read anew, are as the label says."""
    return same(read(undone(gold)), read(undone(predicted))) is equal


class Rule(NamedTuple):
    """How a kind of pair is made: of which families (none: of all), and whether to check both as formulas."""

    families: tuple[str, ...]
    form: Form
    is_formula: bool


def equal_rules() -> dict[str, Rule]:
    """The kinds of equal pairs."""
    kinds: dict[str, Rule] = {}
    for name, surface in SURFACE.items():
        everywhere = name in ANYWHERE
        kinds[f"surface/{name}"] = Rule(() if everywhere else READABLE, _on_text(surface), not everywhere)
    for name, form in VALUES.items():
        kinds[f"number/{name}"] = Rule(NUMERIC, form, name not in UNREAD)
    for name, form in FORMULAS.items():
        kinds[f"formula/{name}"] = Rule(READABLE, form, name != "assigned-to-letter")
    for family, forms in (PARTS_EQUAL | NAMED_EQUAL).items():
        kinds |= {f"{family}/{name}": Rule((family,), form, False) for name, form in forms.items()}
    return kinds


def different_rules() -> dict[str, Rule]:
    """The kinds of different pairs."""
    kinds = {f"near-miss/{name}": Rule(READABLE, _on_text(miss), True) for name, miss in MISSES.items()}
    for family, forms in (PARTS_DIFFERENT | NAMED_DIFFERENT).items():
        kinds |= {f"{family}/{name}": Rule((family,), form, False) for name, form in forms.items()}
    return kinds


def _on_text(change: Callable[[str, Random], str | None]) -> Form:
    def form(gold: Gold, rng: Random) -> str | None:
        is_text = gold.family == "option" and gold.parts[1]
        return None if "$" in gold.text or is_text else change(gold.text, rng)

    return form


def _shuffled(items: Iterable[T], key: Callable[[T], str], most: int) -> list[T]:
    """At most so many items in the order of the hash of their key.

    Unlike a sample it hardly changes when a few items come or go, so that what graders said can be kept.
    """
    return sorted(items, key=lambda item: hashlib.sha256(key(item).encode()).digest())[:most]


def _drawn(by_family: Families, kind: str, rule: Rule, equal: bool, most: int, seed: int) -> Iterator[Pair]:
    """Pairs of one kind, as many as asked for or as can be made."""
    families = rule.families or tuple(sorted(by_family))
    share = max(most // 2, most * 3 // len(families))  # a small family is not drowned by a large one

    def key(gold: Gold) -> str:
        return f"{seed}/{kind}/{equal}/{gold.text}"

    order = [gold for name in families for gold in _shuffled(by_family.get(name, ()), key, share)]
    order = _shuffled(order, key, len(order))
    made: set[tuple[str, str]] = set()
    for round_number in range(_ROUNDS):
        before = len(made)
        for gold in order:
            if len(made) >= most:
                return
            predicted = rule.form(gold, Random(f"{key(gold)}/{round_number}"))
            if not predicted or predicted == gold.text or (gold.text, predicted) in made:
                continue
            if rule.is_formula and not checked(gold.text, predicted, equal):
                continue
            made.add((gold.text, predicted))
            yield Pair(kind, gold.text, predicted, equal, gold.family, gold.source)
        if round_number and len(made) == before:
            return


def _others(by_family: Families, most: int, seed: int) -> Iterator[Pair]:
    """Two ground truths of one family with different values."""
    for family in READABLE:
        every = _shuffled(by_family.get(family, ()), lambda gold: f"{seed}/one/{gold.text}", 2 * most)
        for one, two in zip(every[::2], every[1::2], strict=False):
            if same(one.tree, two.tree) is False:
                yield Pair("other/ground-truth", one.text, two.text, False, family, one.source)


def _key(what: str, pair: Pair) -> str:
    return f"{what}/{pair.gold}/{pair.predicted}"


def _in_responses(pairs: list[Pair], most: int, seed: int) -> Iterator[Pair]:
    """Equal and different pairs whose prediction is the end of a response that names both answers."""
    bare = [pair for pair in pairs if _fits(pair.predicted) and "$" not in pair.gold]
    wrong = [pair.predicted for pair in bare if not pair.equal]
    numbers = [pair for pair in bare if pair.family in NUMERIC]
    for name, template in RESPONSES.items():
        for equal in (True, False):
            fitting = [pair for pair in (numbers if name == "hashes" else bare) if pair.equal is equal]
            for pair in _shuffled(fitting, partial(_key, f"{seed}/{name}"), most):
                other = Random(f"{seed}/{pair.gold}").choice(wrong) if equal else pair.gold
                text = template.replace("<A>", pair.predicted).replace("<B>", other)
                yield pair._replace(kind=f"response/{name}", predicted=text)


def _fits(text: str) -> bool:
    """Whether an answer can stand inside dollars, a box or a sentence."""
    return not any(mark in text for mark in NOT_INSIDE) and not text.endswith(".")


def _mixed(pair: Pair, rng: Random) -> str:
    """The prediction with two changes of its writing and a wrapper, where its value stays as it is."""
    text = pair.predicted
    if "text" not in text:
        for name in rng.sample(("frac-size", "spaced", "unspaced", "exponent-braces"), 2):
            text = SURFACE[name](text, rng) or text
    before = read(undone(pair.predicted))
    if before is not None and same(before, read(undone(text))) is not True:
        text = pair.predicted
    if _fits(text):
        wrapper = rng.choice(("dollars", "boxed", "full-stop", "bold", "blank-around"))
        text = SURFACE[wrapper](text, rng) or text
    return text


def _mixtures(pairs: list[Pair], most: int, seed: int) -> Iterator[Pair]:
    """A rewriting and changes of its writing on top, as they come in real responses."""
    for equal in (True, False):
        stock = [pair for pair in pairs if pair.equal is equal and not pair.kind.startswith("surface/")]
        for pair in _shuffled(stock, partial(_key, f"{seed}/mixture"), most):
            text = _mixed(pair, Random(f"{seed}/{pair.gold}/{pair.predicted}"))
            yield pair._replace(kind="mixture/" + ("equal" if equal else "near-miss"), predicted=text)


def _exchanged(pair: Pair, seed: int) -> Pair:
    """One of five pairs of bare formulas with its sides exchanged: being equal has no direction."""
    if not pair.kind.startswith(("formula/", "near-miss/", "number/as-")):
        return pair
    if Random(f"{seed}/{pair.gold}/{pair.predicted}").random() >= 0.2:
        return pair
    return pair._replace(gold=pair.predicted, predicted=pair.gold)


def pairs(data: Path, per_kind: int = 400, seed: int = 0) -> list[Pair]:
    """All constructed pairs, distinct, in a fixed order."""
    by_family: dict[str, list[Gold]] = {}
    for gold in golds(data):
        by_family.setdefault(gold.family, []).append(gold)
    found: list[Pair] = []
    for equal, rules in ((True, equal_rules()), (False, different_rules())):
        for kind, rule in rules.items():
            found += _drawn(by_family, kind, rule, equal, per_kind, seed)
    found += _others(by_family, per_kind, seed)
    found = [_exchanged(pair, seed) for pair in found]
    found += [*_in_responses(found, per_kind // 2, seed), *_mixtures(found, per_kind * 3, seed)]
    distinct: dict[tuple[str, str], Pair] = {}
    for pair in found:
        distinct.setdefault((pair.gold, pair.predicted), pair)
    return list(distinct.values())


def main() -> None:
    """Write the pairs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with benchmarks/ and corpora/")
    parser.add_argument("file", type=Path)
    parser.add_argument("--per-kind", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    frame = pl.DataFrame(
        pairs(arguments.data, arguments.per_kind, arguments.seed), schema=list(Pair._fields), orient="row"
    )
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(arguments.file)
    counts = frame.group_by("equal", "kind", maintain_order=True).len()
    for equal, kind, n in counts.iter_rows():
        print(f"{'equal' if equal else 'different':9} {n:6,} {kind}")
    print(f"{len(frame):,} pairs, {frame['equal'].sum():,} equal")


if __name__ == "__main__":
    main()
