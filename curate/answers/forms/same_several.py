"""Rules for tuples, sets and lists: item by item, or in any order."""

from __future__ import annotations

from curate.answers.forms.finding import Finding, Rules, brief, two
from curate.answers.forms.kinds import Answer, Number, Relation, Several
from curate.answers.forms.same_relations import is_name

MAX_ITEMS = 60


def several(a: Several, b: Several, rules: Rules) -> Finding:
    """Two tuples, sets or lists; a list is what has no brackets, and is equal to either of the others."""
    kinds = {a.kind, b.kind}
    if kinds == {"tuple", "set"} and not rules.profile.any_order:
        return Finding(False, "key", "a tuple and a set")
    if "set" in kinds:
        a, b = _distinct(a, rules), _distinct(b, rules)
    if len(a.items) != len(b.items):
        flat_a, flat_b = _flat(a), _flat(b)
        if (flat_a, flat_b) != (a, b):
            return several(flat_a, flat_b, rules)
        return Finding(False, "key", f"{len(a.items)} values and {len(b.items)}")
    if len(a.items) > MAX_ITEMS:
        return Finding(None, "algebra", f"more than {MAX_ITEMS} values")
    found = in_order(a.items, b.items, rules)
    if found.equal or ("tuple" in kinds and not rules.profile.any_order):
        return found
    return _any_order(a.items, b.items, rules)


def _distinct(one: Several, rules: Rules) -> Several:
    kept: list[Answer] = []
    for item in one.items:
        if not any(rules.compare(item, other).equal for other in kept):
            kept.append(item)
    return one._replace(items=tuple(kept))


def _flat(one: Several) -> Several:
    """A list of sets as one list, a list of one tuple as the tuple."""
    if one.kind != "list":
        return one
    inner = [item for item in one.items if isinstance(item, Several)]
    if len(inner) < len(one.items):
        return one
    if len(inner) == 1:
        return inner[0]
    if any(item.kind != "set" for item in inner):
        return one
    return Several("list", tuple(item for items in inner for item in items.items))


def in_order(a: tuple[Answer, ...], b: tuple[Answer, ...], rules: Rules) -> Finding:
    """As many things as there are others, each compared with the one in its place."""
    worst = Finding(True, "key", f"the same {len(a)} values")
    for x, y in zip(a, b, strict=True):
        found = _item(x, y, rules)
        if found.equal is False:
            return found._replace(why=f"in place, {found.why}")
        if found.equal is None:
            worst = found
        elif worst.equal and found.tier != "key":
            worst = worst._replace(tier=found.tier)
    return worst


def _item(x: Answer, y: Answer, rules: Rules) -> Finding:
    """One of several: names on both sides have to agree."""
    if isinstance(x, Relation) and isinstance(y, Relation) and x.sign == y.sign == "=":
        names = {_name(x), _name(y)}
        if len(names) == 2 and None not in names:
            return Finding(False, "key", two(x, y))
    return rules.compare(x, y)


def _name(one: Relation) -> str | None:
    """The variable that an equation is of, where its left side is one variable alone."""
    if isinstance(one.left, Number) and len(one.left.value.symbols) == 1 and is_name(one.left):
        return next(iter(one.left.value.symbols))
    return None


def _any_order(a: tuple[Answer, ...], b: tuple[Answer, ...], rules: Rules) -> Finding:
    """Whether the things can be paired so that both of every pair are equal.

    Things that are the very same are paired first. Of the others any pairing will do, and it has to be looked
    for: a decimal may be equal to two of the others.
    """
    left, right = _without_common(a, b)
    findings = []
    for x in left:
        row = [_item(x, y, rules) for y in right]
        if all(found.equal is False for found in row):
            return Finding(False, "key", f"{brief(x)} is in one of them only")
        findings.append(row)
    if _can_be_paired([[found.equal is True for found in row] for row in findings]):
        return Finding(True, "key", "the same values, in another order")
    if not _can_be_paired([[found.equal is not False for found in row] for row in findings]):
        return Finding(False, "key", "the values cannot be paired")
    unsure = next(found for row in findings for found in row if found.equal is None)
    return Finding(None, "algebra", unsure.why)


def _without_common(a: tuple[Answer, ...], b: tuple[Answer, ...]) -> tuple[list[Answer], list[Answer]]:
    """What is left of two lists when what stands in both is taken out of both."""
    left, right = [], list(b)
    for item in a:
        if item in right:
            right.remove(item)
        else:
            left.append(item)
    return left, right


def _can_be_paired(may_pair: list[list[bool]]) -> bool:
    """Whether every row can have a column of its own, of those it may have (augmenting paths)."""
    row_of: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column, may in enumerate(may_pair[row]):
            if may and column not in tried:
                tried.add(column)
                if column not in row_of or place(row_of[column], tried):
                    row_of[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(len(may_pair)))
