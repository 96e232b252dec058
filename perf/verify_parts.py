r"""Answers made of parts: tuples, sets, lists, intervals, inequalities, matrices, equations, plus-minus.

`PARTS_EQUAL` and `PARTS_DIFFERENT` map a family to its rewritings and to its near-misses. What is changed is
taken from the parts that the ground truth was read into, so that every label follows from them; where two
parts are exchanged or changed, their formulas are evaluated first (`verify_read.same`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

from verify_forms import Form, part_rewritten
from verify_golds import Gold
from verify_misses import missed
from verify_read import read, same

Change = Callable[[Sequence[str], Random], list[str] | None]


def _changed_part(parts: Sequence[str], rng: Random) -> list[str] | None:
    """The parts with one of them near-missed."""
    order = list(range(len(parts)))
    rng.shuffle(order)
    for at in order:
        other = missed(parts[at], rng)
        if other is not None:
            return [*parts[:at], other, *parts[at + 1 :]]
    return None


def _exchanged(parts: Sequence[str], rng: Random) -> list[str] | None:
    """The parts in another order, of which at least one place holds another value."""
    order = list(parts)
    for _ in range(4):
        rng.shuffle(order)
        if any(same(read(a), read(b)) is False for a, b in zip(parts, order, strict=True)):
            return order
    return None


def _distinct(parts: Sequence[str]) -> bool:
    trees = [read(part) for part in parts]
    return all(same(a, b) is False for i, a in enumerate(trees) for b in trees[:i])


def _one_more(parts: Sequence[str], rng: Random) -> list[str] | None:
    other = missed(rng.choice(list(parts)), rng)
    if other is None or not _distinct([*parts, other]):
        return None
    return [*parts, other]


def _one_less(parts: Sequence[str], rng: Random) -> list[str] | None:
    if len(parts) < 2 or not _distinct(parts):
        return None
    left = list(parts)
    del left[rng.randrange(len(left))]
    return left


def _one_less_of_three(parts: Sequence[str], rng: Random) -> list[str] | None:
    return _one_less(parts, rng) if len(parts) > 2 else None


def _changed_member(parts: Sequence[str], rng: Random) -> list[str] | None:
    """The parts with one near-missed, where that makes another set."""
    changed = _changed_part(parts, rng)
    return changed if changed is not None and _distinct(changed) else None


def _as_they_are(parts: Sequence[str], _rng: Random) -> list[str]:
    return list(parts)


def _rewritten(parts: Sequence[str], rng: Random) -> list[str] | None:
    found = [part_rewritten(part, rng) for part in parts]
    return found if found != list(parts) else None


def _joined(left: str, right: str, change: Change) -> Form:
    def form(gold: Gold, rng: Random) -> str | None:
        parts = change(gold.parts, rng)
        return None if parts is None else left + rng.choice((", ", ",")).join(parts) + right

    return form


def _reordered(parts: Sequence[str], rng: Random) -> list[str] | None:
    order = list(parts)
    rng.shuffle(order)
    return order if order != list(parts) and _distinct(parts) else None


def _listed(gold: Gold, rng: Random) -> str | None:
    """A list in words, or every part in dollars of its own."""
    parts = list(gold.parts)
    sure = [*parts[:-2], f"{parts[-2]} and {parts[-1]}"]
    tex = [*parts[:-2], f"{parts[-2]} \\text{{ and }} {parts[-1]}"]
    dollars = [f"${part}$" for part in parts]
    return rng.choice(
        (
            ", ".join(sure),
            ", ".join(tex),
            ", ".join(dollars),
            " and ".join(dollars) if len(parts) == 2 else ", ".join(parts),
        )
    )


# -- intervals and inequalities


def _quads(parts: Sequence[str]) -> list[tuple[str, str, str, str]]:
    return [tuple(parts[at : at + 4]) for at in range(0, len(parts), 4)]  # type: ignore[misc]


def _union(quads: Sequence[Sequence[str]], cup: str = " \\cup ") -> str:
    return cup.join(f"{a}{low}, {high}{b}" for a, low, high, b in quads)


def _is_infinite(part: str) -> bool:
    return "infty" in part


def _inequality(quad: Sequence[str], letter: str, rng: Random) -> str | None:
    """One interval as an inequality of a letter."""
    left, low, high, right = quad
    less, at_most = "<", rng.choice(("\\le", "\\leq", "\\leqslant"))
    first, then = (less if left == "(" else at_most), (less if right == ")" else at_most)
    if _is_infinite(low) and _is_infinite(high):
        return None
    turned = {"<": ">", "\\le": "\\ge", "\\leq": "\\geq", "\\leqslant": "\\geqslant"}
    if _is_infinite(low):
        return rng.choice((f"{letter} {then} {high}", f"{high} {turned[then]} {letter}"))
    if _is_infinite(high):
        return rng.choice((f"{letter} {turned[first]} {low}", f"{low} {first} {letter}"))
    return rng.choice(
        (f"{low} {first} {letter} {then} {high}", f"{high} {turned[then]} {letter} {turned[first]} {low}")
    )


def _as_inequalities(gold: Gold, rng: Random) -> str | None:
    found = [_inequality(quad, "x", rng) for quad in _quads(gold.parts)]
    if any(piece is None for piece in found):
        return None
    return rng.choice((" \\text{ or } ", " or ")).join(str(piece) for piece in found)


def _set_builder(gold: Gold, rng: Random) -> str | None:
    quads = _quads(gold.parts)
    found = _inequality(quads[0], "x", rng) if len(quads) == 1 else None
    return None if found is None else f"\\{{x {rng.choice(('|', ':', chr(92) + 'mid'))} {found}\\}}"


def _element_of(gold: Gold, _rng: Random) -> str:
    return f"x \\in {_union(_quads(gold.parts))}"


def _union_reordered(gold: Gold, rng: Random) -> str | None:
    quads = _quads(gold.parts)
    order = quads[:]
    rng.shuffle(order)
    return _union(order, rng.choice((" \\cup ", "\\cup", " ∪ "))) if order != quads else None


def _plus_infinity(gold: Gold, _rng: Random) -> str | None:
    found = re.sub(r"(?<![-+])\\infty", r"+\\infty", _union(_quads(gold.parts)))
    return found if "+\\infty" in found else None


def _ends_rewritten(gold: Gold, rng: Random) -> str | None:
    parts = [p if p in "()[]" or _is_infinite(p) else part_rewritten(p, rng) for p in gold.parts]
    return _union(_quads(parts)) if parts != list(gold.parts) else None


def _bracket_turned(gold: Gold, rng: Random) -> str | None:
    parts = list(gold.parts)
    places = [
        at
        for at, part in enumerate(parts)
        if part in "()[]" and not _is_infinite(parts[at + 1] if at % 4 == 0 else parts[at - 1])
    ]
    if not places:
        return None
    at = rng.choice(places)
    parts[at] = {"(": "[", "[": "(", ")": "]", "]": ")"}[parts[at]]
    return _union(_quads(parts))


def _end_changed(gold: Gold, rng: Random) -> str | None:
    parts = list(gold.parts)
    places = [
        at for at, part in enumerate(parts) if part not in ("(", ")", "[", "]") and not _is_infinite(part)
    ]
    rng.shuffle(places)
    for at in places:
        other = missed(parts[at], rng)
        if other is not None and "i" not in other:
            parts[at] = other
            return _union(_quads(parts))
    return None


def _interval_less(gold: Gold, rng: Random) -> str | None:
    quads = _quads(gold.parts)
    if len(quads) < 2:
        return None
    del quads[rng.randrange(len(quads))]
    return _union(quads)


def _bounds(gold: Gold) -> tuple[str, str, str, str]:
    """The interval of an inequality: bracket, low, high, bracket."""
    low, first, _, then, high = gold.parts
    if first:
        return ("(" if first == "<" else "[", low, high, ")" if then == "<" else "]")
    if then in (">", "\\ge", "\\geq", "\\geqslant"):
        return ("(" if then == ">" else "[", high, "\\infty", ")")
    return ("(", "-\\infty", high, ")" if then == "<" else "]")


def _interval_of(gold: Gold, _rng: Random) -> str:
    return _union([_bounds(gold)])


def _other_inequality(gold: Gold, rng: Random) -> str | None:
    return _inequality(_bounds(gold), gold.parts[2], rng)


def _strictness(gold: Gold, rng: Random) -> str | None:
    left, low, high, right = _bounds(gold)
    if _is_infinite(low) or (not _is_infinite(high) and rng.random() < 0.5):
        right = {")": "]", "]": ")"}[right]
    else:
        left = {"(": "[", "[": "("}[left]
    return _inequality((left, low, high, right), gold.parts[2], rng)


def _direction(gold: Gold, _rng: Random) -> str | None:
    _, first, letter, then, high = gold.parts
    turned = {"<": ">", ">": "<", "\\le": "\\ge", "\\leq": "\\geq", "\\ge": "\\le", "\\geq": "\\leq"}
    return f"{letter} {turned[then]} {high}" if not first and then in turned else None


def _bound_changed(gold: Gold, rng: Random) -> str | None:
    left, low, high, right = _bounds(gold)
    which = high if _is_infinite(low) or (not _is_infinite(high) and rng.random() < 0.5) else low
    other = missed(which, rng)
    if other is None:
        return None
    pair = (low, other) if which is high else (other, high)
    return _inequality((left, *pair, right), gold.parts[2], rng)


# -- matrices and equations


def _cells(gold: Gold) -> list[list[str]]:
    rows, cells = int(gold.parts[0]), gold.parts[1:]
    width = len(cells) // rows
    return [list(cells[at : at + width]) for at in range(0, len(cells), width)]


def _matrix(rows: Sequence[Sequence[str]], environment: str = "pmatrix") -> str:
    body = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{{environment}}} {body} \\end{{{environment}}}"


def _other_environment(gold: Gold, rng: Random) -> str:
    rows = _cells(gold)
    body = " \\\\ ".join(" & ".join(row) for row in rows)
    array = f"\\left[\\begin{{array}}{{{'c' * len(rows[0])}}} {body} \\end{{array}}\\right]"
    return rng.choice(
        (_matrix(rows, "bmatrix"), array, array.replace("[", "(", 1).replace("right]", "right)"))
    )


def _entries_rewritten(gold: Gold, rng: Random) -> str | None:
    found = [[part_rewritten(cell, rng) for cell in row] for row in _cells(gold)]
    return _matrix(found) if found != _cells(gold) else None


def _entry_changed(gold: Gold, rng: Random) -> str | None:
    cells = _changed_part(gold.parts[1:], rng)
    return None if cells is None else _matrix(_cells(gold._replace(parts=(gold.parts[0], *cells))))


def _transposed(gold: Gold, _rng: Random) -> str | None:
    rows = _cells(gold)
    if len(rows) != len(rows[0]):
        return None
    other = [list(column) for column in zip(*rows, strict=True)]
    pairs = [(a, b) for x, y in zip(rows, other, strict=True) for a, b in zip(x, y, strict=True)]
    return _matrix(other) if any(same(read(a), read(b)) is False for a, b in pairs) else None


def _moved(gold: Gold, rng: Random) -> str | None:
    """An equation with everything on one side, its sides exchanged, or multiplied."""
    left, right = gold.parts
    factor = rng.choice(("2", "3", "-1", "\\frac{1}{2}"))
    return rng.choice(
        (
            f"{right} = {left}",
            f"{left} - ({right}) = 0",
            f"0 = {left} - ({right})",
            f"{factor}({left}) = {factor}({right})",
            f"({left}) - ({right}) = 0",
        )
    )


def _coefficient_changed(gold: Gold, rng: Random) -> str | None:
    """An equation with one side near-missed, where that does not only multiply both."""
    left, right = gold.parts
    if len(left) == 1 or rng.random() < 0.5:  # another name for y is not another line to everyone
        other = missed(right, rng)
        return None if other is None or same(read(left), read("0")) is None else f"{left} = {other}"
    other = missed(left, rng)
    return None if other is None or right.strip() == "0" else f"{other} = {right}"


def _both_signs(gold: Gold, rng: Random) -> str:
    parts = [part.lstrip("+ ") for part in gold.parts]
    if rng.random() < 0.5:
        parts.reverse()
    return rng.choice(("%s, %s", "%s,%s", "\\{%s, %s\\}", "%s \\text{ and } %s", "$%s$ and $%s$")) % tuple(
        parts
    )


def _one_sign(gold: Gold, rng: Random) -> str:
    return rng.choice(gold.parts).lstrip("+ ")


def _wrong_signs(gold: Gold, rng: Random) -> str | None:
    parts = _changed_part([part.lstrip("+ ") for part in gold.parts], rng)
    return None if parts is None or not _distinct(parts) else ", ".join(parts)


PARTS_EQUAL: dict[str, dict[str, Form]] = {
    "tuple": {
        "parts-rewritten": _joined("(", ")", _rewritten),
        "parts-spaced": _joined("\\left( ", " \\right)", _as_they_are),
    },
    "set": {
        "set-order": _joined("\\{", "\\}", _reordered),
        "parts-rewritten": _joined("\\{", "\\}", _rewritten),
        "braces": _joined("\\left\\{ ", " \\right\\}", _as_they_are),
        "lbrace": _joined("\\lbrace ", " \\rbrace", _as_they_are),
    },
    "list": {"in-words": _listed, "parts-rewritten": _joined("", "", _rewritten)},
    "interval": {
        "as-inequality": _as_inequalities,
        "set-builder": _set_builder,
        "element-of": _element_of,
        "union-order": _union_reordered,
        "plus-infinity": _plus_infinity,
        "parts-rewritten": _ends_rewritten,
    },
    "inequality": {"as-interval": _interval_of, "inequality-turned": _other_inequality},
    "matrix": {"matrix-environment": _other_environment, "parts-rewritten": _entries_rewritten},
    "equation": {"sides-moved": _moved},
    "plus-minus": {"both-signs": _both_signs},
}

PARTS_DIFFERENT: dict[str, dict[str, Form]] = {
    "tuple": {
        "order-exchanged": _joined("(", ")", _exchanged),
        "part-changed": _joined("(", ")", _changed_part),
        "part-missing": _joined("(", ")", _one_less_of_three),
        "part-added": _joined("(", ")", _one_more),
    },
    "set": {
        "part-changed": _joined("\\{", "\\}", _changed_member),
        "part-missing": _joined("\\{", "\\}", _one_less),
        "part-added": _joined("\\{", "\\}", _one_more),
    },
    "list": {
        "part-changed": _joined("", "", _changed_member),
        "part-missing": _joined("", "", _one_less),
        "part-added": _joined("", "", _one_more),
    },
    "interval": {
        "bracket-turned": _bracket_turned,
        "part-changed": _end_changed,
        "part-missing": _interval_less,
    },
    "inequality": {"bracket-turned": _strictness, "direction": _direction, "part-changed": _bound_changed},
    "matrix": {"part-changed": _entry_changed, "transposed": _transposed},
    "equation": {"coefficient-changed": _coefficient_changed},
    "plus-minus": {"one-sign": _one_sign, "part-changed": _wrong_signs},
}
