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
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

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
# Wrappers that fit any answer; the others change formulas and are for what can be read.
ANYWHERE = ("dollars", "boxed", "boxed-twice-wrapped", "displaystyle", "blank-around")
_TRIES = 6

RESPONSES: dict[str, str] = {
    "response-box": "First we add both sides.\n\nSo the result is\n\\[\n\\boxed{<A>}\n\\]",
    "response-inline-box": "We check the cases one by one. Hence the answer is $\\boxed{<A>}$.",
    "response-later-box": "A first guess is \\boxed{<B>}. Checking it shows a mistake in the second step, "
    "where a term was lost.\n\nCorrecting this gives \\boxed{<A>}",
    "response-think": "<think>\nMaybe it is <B>? So \\boxed{<B>}. Wait, no.\n</think>\n\nThe final answer is "
    "\\boxed{<A>}.",
    "response-sentence": "Putting both together settles it. The final answer is $<A>$. I hope it is correct.",
    "response-answer-line": "We compare the two.\n\n**Answer:** $<A>$",
    "response-chinese": "两边相加即可。所以答案是 $<A>$。",
    "response-chinese-box": "因此，最终答案为：$\\boxed{<A>}$",
}
_HASHES = "He needs both of them.\nSo there are <A> in all.\n#### <A>"


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


def equal_forms() -> dict[str, tuple[tuple[str, ...], Form, bool]]:
    """Kinds of equal pairs: families, rewriting, and whether the result can be read and evaluated."""
    kinds: dict[str, tuple[tuple[str, ...], Form, bool]] = {}
    for name, surface in SURFACE.items():
        families = ("*",) if name in ANYWHERE else READABLE
        kinds[f"surface/{name}"] = (families, _on_text(surface), name not in ANYWHERE)
    for name, form in VALUES.items():
        unread = name in (
            "repeating-decimal",
            "chinese-numeral",
            "mixed-number",
            "thousands",
            "number-in-text",
            "scientific",
        )
        kinds[f"number/{name}"] = (NUMERIC, form, not unread)
    for name, form in FORMULAS.items():
        kinds[f"formula/{name}"] = (READABLE, form, name != "assigned-to-letter")
    for family, forms in (PARTS_EQUAL | NAMED_EQUAL).items():
        for name, form in forms.items():
            kinds[f"{family}/{name}"] = ((family,), form, False)
    return kinds


def _on_text(change: Callable[[str, Random], str | None]) -> Form:
    def form(gold: Gold, rng: Random) -> str | None:
        is_text = gold.family == "option" and gold.parts[1]
        return None if "$" in gold.text or is_text else change(gold.text, rng)

    return form


def different_forms() -> dict[str, tuple[tuple[str, ...], Form, bool]]:
    """Kinds of different pairs, as `equal_forms`."""
    kinds: dict[str, tuple[tuple[str, ...], Form, bool]] = {}
    for name, miss in MISSES.items():
        kinds[f"near-miss/{name}"] = (READABLE, _on_text(miss), True)
    for family, forms in (PARTS_DIFFERENT | NAMED_DIFFERENT).items():
        for name, form in forms.items():
            kinds[f"{family}/{name}"] = ((family,), form, False)
    return kinds


class Stock(NamedTuple):
    """The ground truths, all and by family."""

    every: list[Gold]
    by_family: dict[str, list[Gold]]

    def of(self, families: tuple[str, ...]) -> list[Gold]:
        """Those of some families, in a fixed order."""
        return (
            self.every
            if families == ("*",)
            else [g for name in families for g in self.by_family.get(name, ())]
        )


def _drawn(
    stock: Stock, kind: str, rule: tuple[tuple[str, ...], Form, bool], equal: bool, most: int, seed: int
) -> Iterator[Pair]:
    """Pairs of one kind, as many as asked for or as can be made."""
    families, form, readable = rule
    rng = Random(f"{seed}/{kind}/{equal}")
    # A family of few members is not drowned by one of thousands.
    members = (
        [stock.by_family.get(name, []) for name in families]
        if families != ("*",)
        else list(stock.by_family.values())
    )
    order: list[Gold] = []
    for family in members:
        order += rng.sample(family, min(len(family), max(most // 2, most * 3 // max(1, len(members)))))
    rng.shuffle(order)
    made: set[tuple[str, str]] = set()
    for round_number in range(_TRIES):
        before = len(made)
        for gold in order:
            if len(made) >= most:
                return
            predicted = form(gold, rng)
            if not predicted or predicted == gold.text or (gold.text, predicted) in made:
                continue
            if readable and not checked(gold.text, predicted, equal):
                continue
            made.add((gold.text, predicted))
            yield Pair(kind, gold.text, predicted, equal, gold.family, gold.source)
        if round_number and len(made) == before:
            return


def _others(stock: Stock, most: int, seed: int) -> Iterator[Pair]:
    """Two ground truths of one family with different values."""
    for family in READABLE:
        rng = Random(f"{seed}/others/{family}")
        stock_of = stock.by_family.get(family, [])
        for _ in range(most):
            one, two = rng.choice(stock_of), rng.choice(stock_of)
            if same(one.tree, two.tree) is False:
                yield Pair("other/ground-truth", one.text, two.text, False, family, one.source)


def _in_responses(pairs: list[Pair], most: int, seed: int) -> Iterator[Pair]:
    """Equal and different pairs whose prediction is the end of a response that names both answers."""
    for name, template in RESPONSES.items():
        for equal in (True, False):
            rng = Random(f"{seed}/{name}/{equal}")
            bare = [pair for pair in pairs if pair.equal is equal and _fits(pair.predicted)]
            wrong = [pair for pair in pairs if not pair.equal and _fits(pair.predicted)]
            for pair in rng.sample(bare, min(most, len(bare))):
                other = rng.choice(wrong).predicted if equal else pair.gold
                if "$" in pair.gold + other:
                    continue
                text = template.replace("<A>", pair.predicted).replace("<B>", other)
                yield pair._replace(kind=f"response/{name[9:]}", predicted=text)
    for equal in (True, False):
        rng = Random(f"{seed}/hashes/{equal}")
        numbers = [
            p
            for p in pairs
            if p.equal is equal and p.family in ("integer", "decimal", "grouped") and _fits(p.predicted)
        ]
        for pair in rng.sample(numbers, min(most, len(numbers))):
            yield pair._replace(kind="response/hashes", predicted=_HASHES.replace("<A>", pair.predicted))


def _fits(text: str) -> bool:
    return not any(
        mark in text
        for mark in ("$", "\\boxed", "\\(", "\\[", "**", "\n", "\\text{ and", ".\\", "。", "\\$", "ption")
    ) and not text.endswith(".")


def _mixtures(pairs: list[Pair], most: int, seed: int) -> Iterator[Pair]:
    """A rewriting and one or two changes of surface on top of it, as they come in real responses."""
    for equal in (True, False):
        rng = Random(f"{seed}/mixtures/{equal}")
        stock = [
            pair
            for pair in pairs
            if pair.equal is equal and not pair.kind.startswith(("surface/", "response/"))
        ]
        for pair in rng.sample(stock, min(most, len(stock))):
            text = pair.predicted
            names = (
                rng.sample(("frac-size", "spaced", "unspaced", "exponent-braces"), 2)
                if "text" not in text
                else []
            )
            for name in names:
                text = SURFACE[name](text, rng) or text
            if (
                read(undone(pair.predicted)) is not None
                and same(read(undone(pair.predicted)), read(undone(text))) is not True
            ):
                continue
            if _fits(text):
                text = (
                    SURFACE[rng.choice(("dollars", "boxed", "full-stop", "bold", "blank-around"))](text, rng)
                    or text
                )
            yield pair._replace(kind="mixture/" + ("equal" if equal else "near-miss"), predicted=text)


def pairs(data: Path, per_kind: int = 400, seed: int = 0) -> list[Pair]:
    """All constructed pairs, distinct, in a fixed order."""
    every = list(golds(data))
    by_family: dict[str, list[Gold]] = {}
    for gold in every:
        by_family.setdefault(gold.family, []).append(gold)
    stock = Stock(every, by_family)
    found: list[Pair] = []
    for kind, rule in equal_forms().items():
        found += _drawn(stock, kind, rule, True, per_kind, seed)
    for kind, rule in different_forms().items():
        found += _drawn(stock, kind, rule, False, per_kind, seed)
    found += _others(stock, per_kind, seed)
    # Symmetric: every fifth pair of bare formulas has its sides exchanged.
    found = [
        pair._replace(gold=pair.predicted, predicted=pair.gold)
        if at % 5 == 0 and pair.kind.startswith(("formula/", "near-miss/", "number/as-"))
        else pair
        for at, pair in enumerate(found)
    ]
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
