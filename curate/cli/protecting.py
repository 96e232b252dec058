"""Tell, before a run, what it protects and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curate.cli.execute import say, spare_pandas

if TYPE_CHECKING:
    from curate.recipe import Recipe
    from curate.stages.ngram_overlap import NgramOverlap
    from curate.stages.response_match import ResponseMatch
    from curate.stages.string_similarity import StringSimilarity


def say_protected(recipe: Recipe) -> None:
    """A line for every stage that compares with benchmarks: these, their items, and those it cannot find."""
    from curate.benchmarks.protect import missing, resolve
    from curate.benchmarks.protection import protections, sentence
    from curate.stages.benchmark_match import NGRAM, BenchmarkMatch
    from curate.stages.ngram_overlap import NgramOverlap
    from curate.stages.response_match import ResponseMatch
    from curate.stages.string_similarity import StringSimilarity

    spare_pandas()
    for name, params in recipe.evidence.items():
        if isinstance(params, NgramOverlap) and (native := params.native_unit()) is not None:
            ngram, tokenizer = params.ngram, native
        elif isinstance(params, NgramOverlap | StringSimilarity):
            say(f"{name}: {_by_text(params)}")
            continue
        elif isinstance(params, BenchmarkMatch):
            ngram, tokenizer = NGRAM, "words"
        elif isinstance(params, ResponseMatch) and params.part == "solution":
            say(f"{name}: {_solutions(params)}")
            continue
        else:
            continue
        found = protections(resolve(params.against, params.against_column), ngram, tokenizer)
        say(f"{name}: {sentence(found, missing(params.against), ngram)}")


def _by_text(params: NgramOverlap | StringSimilarity) -> str:
    """How many items are compared by their text, and how many are too short for that."""
    from curate.benchmarks.protect import resolve
    from curate.benchmarks.shared_ngrams import never_found
    from curate.stages.ngram_overlap import NgramOverlap, rule_of

    against = resolve(params.against, params.against_column)
    texts = [text for one in against for text in one.items().texts]
    told = f"against {len(against)} benchmark{'s' * (len(against) != 1)}, {len(texts):,} items, by their text"
    too_short = never_found(texts, rule_of(params)) if isinstance(params, NgramOverlap) else 0
    return told + (f"; {too_short:,} too short for this rule, never found" if too_short else "")


def _solutions(params: ResponseMatch) -> str:
    """How many solutions responses are compared with, and of which sets there is none."""
    from curate.benchmarks.matching import solutions_of
    from curate.benchmarks.protect import resolve

    against = resolve(params.against, params.against_column)
    n_solutions = {
        one.name: 0 if one.text is None else sum(text is not None for text in solutions_of(one.items()))
        for one in against
    }
    without = [name for name, count in n_solutions.items() if count == 0]
    told = f"{sum(n_solutions.values()):,} solutions of {len(against) - len(without)} benchmarks"
    return told + (f"; no solutions at hand of {', '.join(without)}" if without else "")
