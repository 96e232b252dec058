"""What `curate decontam` measures and decides, as tables of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Table = dict[str, object]

CUT = ("verbatim", "near")
"""Classes of a copy that begins and ends somewhere; what is reworded has no such place."""

NONE_LEFT = """case when responses.given = 0 or responses.left > 0 then false
  when responses.undecided > 0 then null
  else true end"""


class Rules(NamedTuple):
    """Tables of a recipe by name."""

    evidence: dict[str, Table]
    drop: dict[str, Table]
    mask: dict[str, Table]


def one_of(classes: Sequence[str]) -> str:
    """The classes as a list in SQL.

    >>> one_of(["near", "reworded"])
    "('near', 'reworded')"
    """
    return f"({', '.join(repr(str(one)) for one in classes)})"


def by_ngrams(against: Table, ngram: int, min_containment: float) -> Rules:
    """Drop what shares n-grams."""
    leak = {"stage": "ngram-overlap", **against, "ngram": ngram}
    when = f"leak.containment >= {min_containment}"
    return Rules({"leak": leak}, {"contaminated": {"when": when, "on-missing": "undecided"}}, {})


def dropping(against: Table, classes: Sequence[str], *, responses: bool) -> Rules:
    """Drop rows of these classes, with `responses` those that copy a solution too."""
    evidence: dict[str, Table] = {"leak": {"stage": "benchmark-match", **against}}
    drop: dict[str, Table] = {"contaminated": _rule(f"leak.class IN {one_of(classes)}")}
    if responses:
        evidence["leak_response"] = {"stage": "response-match", **against}
        drop["contaminated-response"] = _rule(f"leak_response.class IN {one_of(classes)}")
        drop["no-response-left"] = _rule(NONE_LEFT)
    return Rules(evidence, drop, {})


def masking(against: Table, classes: Sequence[str], how: Mapping[str, object], *, responses: bool) -> Rules:
    """Cut copies out of rows of these classes; drop those of which something is left that is no passage.

    how: `replace-with` and `min-left`, where they are given. The responses of a masked row lose the problem
    where they restate it, with `responses` also the solutions that they copy.
    """
    cut, told = [one for one in classes if one in CUT], one_of(classes)
    evidence: dict[str, Table] = {
        "leak": {"stage": "benchmark-match", **against},
        "passages": {
            "stage": "benchmark-passages", **against, "classes": cut, "skip-if": f"leak.class NOT IN {told}",
        },
        "restated": {
            "stage": "response-passages", **against, "part": "problem", "classes": cut,
            "skip-if": f"leak.class NOT IN {told}",
        },
    }  # fmt: skip
    drop: dict[str, Table] = {
        "contaminated-throughout": _rule(f"passages.rest IN {told}", "keep"),
        "restated-throughout": _rule(f"restated.rest IN {told}", "keep"),
    }
    mask: dict[str, Table] = {
        "contaminated": {**_rule(f"leak.class IN {one_of(cut)}"), "spans": "passages.spans", **how},
        "restated": {**_rule("array_length(restated.spans) > 0", "keep"), "spans": "restated.spans", **how},
    }
    if responses:
        evidence["leak_response"] = {"stage": "response-match", **against}
        evidence["solutions"] = {
            "stage": "response-passages", **against, "classes": cut,
            "skip-if": f"leak_response.class NOT IN {told}",
        }  # fmt: skip
        drop["contaminated-response-throughout"] = _rule(f"solutions.rest IN {told}", "keep")
        mask["contaminated-response"] = {
            **_rule(f"leak_response.class IN {one_of(cut)}"), "spans": "solutions.spans", **how,
        }  # fmt: skip
        drop["no-response-left"] = _rule(NONE_LEFT)
    return Rules(evidence, drop, mask)


def _rule(when: str, on_missing: str = "undecided") -> Table:
    return {"when": when, "on-missing": on_missing}
