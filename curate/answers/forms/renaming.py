"""Values with other names for their variables."""

from __future__ import annotations

from collections.abc import Callable

from curate.answers.forms.sums import Atom, Sum, tidied
from curate.answers.forms.values import Value, thaw


def renamed(value: Value, how: Callable[[str], str]) -> Value:
    """A value with other names for its variables; no two of them may become one."""
    return Value(_renamed_sum(value.above, how), _renamed_sum(value.below, how))


def _renamed_sum(part: Sum, how: Callable[[str], str]) -> Sum:
    found: Sum = {}
    for product, factor in part.items():
        new, outside = tidied({_renamed_atom(one, how): exponent for one, exponent in product})
        found[new] = factor * outside
    return found


def _renamed_atom(one: Atom, how: Callable[[str], str]) -> Atom:
    match one:
        case ("s", str(name)):
            return "s", how(name)
        case ("b" | "v" as kind, inside):
            return kind, renamed(thaw(inside), how).inner
        case ("x", tuple(base), exponent):
            return "x", _renamed_atom(base, how), renamed(thaw(exponent), how).inner
        case ("f", name, *args):
            return (
                "f",
                name,
                *(renamed(thaw(arg), how).inner if isinstance(arg, tuple) else arg for arg in args),
            )
    return one


def substitute(value: Value, old: str, new: str) -> Value:
    """A value with one variable in the place of another; it must not have it already."""
    return renamed(value, lambda name: new if name == old else name)
