"""What a recipe protects, and what of it cannot be found: told before a run, kept in its manifest."""

from __future__ import annotations

from typing import Any

from curate.benchmarks import resolve
from curate.benchmarks.matching import NGRAM, solutions_of
from curate.benchmarks.protect import missing
from curate.benchmarks.protection import protections, sentence
from curate.benchmarks.shared_ngrams import never_found
from curate.recipe import Recipe
from curate.stages.benchmark_match import BenchmarkMatch
from curate.stages.ngram_overlap import NgramOverlap, rule_of
from curate.stages.response_match import ResponseMatch
from curate.stages.string_similarity import StringSimilarity


def protection_of(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """By evidence that compares with benchmarks: `told`, a line about them; `sets`, what of each is found.

    A set has its number of items and, where n-grams tell it, how many of them are `short` (found only whole),
    `unprotectable` and `generic` (see `curate.benchmarks.protection`). Raises InputError as `resolve` does.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, params in recipe.evidence.items():
        if isinstance(params, NgramOverlap) and (native := params.native_unit()) is not None:
            found[name] = _by_ngrams(params, params.ngram, native)
        elif isinstance(params, NgramOverlap | StringSimilarity):
            found[name] = _by_text(params)
        elif isinstance(params, BenchmarkMatch):
            found[name] = _by_ngrams(params, NGRAM, "words")
        elif isinstance(params, ResponseMatch) and params.part == "solution":
            found[name] = _solutions(params)
    return found


def _by_ngrams(params: NgramOverlap | BenchmarkMatch, ngram: int, tokenizer: Any) -> dict[str, Any]:
    made = protections(resolve(params.against, params.against_column), ngram, tokenizer)
    absent = missing(params.against)
    sets = {
        one.name: {
            "by": one.by, "items": one.n_items, "short": len(one.short),
            "unprotectable": len(one.unprotectable), "generic": len(one.generic),
        }
        for one in made
    }  # fmt: skip
    return {"told": sentence(made, absent, ngram), "ngram": ngram, "sets": sets, "absent": absent}


def _by_text(params: NgramOverlap | StringSimilarity) -> dict[str, Any]:
    """How many items are compared by their text, and how many are too short for that."""
    texts = {one.name: one.items().texts for one in resolve(params.against, params.against_column)}
    n_items = sum(map(len, texts.values()))
    told = f"against {len(texts)} benchmark{'s' * (len(texts) != 1)}, {n_items:,} items, by their text"
    sets: dict[str, dict[str, Any]] = {}
    for name, items in texts.items():
        too_short = never_found(items, rule_of(params)) if isinstance(params, NgramOverlap) else 0
        sets[name] = {"by": "text", "items": len(items), "unprotectable": too_short}
    too_short = sum(one["unprotectable"] for one in sets.values())
    told += f"; {too_short:,} too short for this rule, never found" if too_short else ""
    return {"told": told, "sets": sets, "absent": missing(params.against)}


def _solutions(params: ResponseMatch) -> dict[str, Any]:
    """How many solutions responses are compared with, and of which sets there is none."""
    sets = {}
    for one in resolve(params.against, params.against_column):
        solutions = solutions_of(one.items()) if one.text is not None else []
        n_solutions = sum(text is not None for text in solutions)
        sets[one.name] = {"by": "text" if solutions else "fingerprint", "solutions": n_solutions}
    without = [name for name, one in sets.items() if not one["solutions"]]
    n_solutions = sum(int(one["solutions"]) for one in sets.values())
    told = f"{n_solutions:,} solutions of {len(sets) - len(without)} benchmarks"
    told += f"; no solutions at hand of {', '.join(without)}" if without else ""
    return {"told": told, "sets": sets, "absent": missing(params.against)}
