"""Tell, before a run, what it protects and what it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curate.cli.execute import say, spare_pandas

if TYPE_CHECKING:
    from curate.recipe import Recipe


def say_protected(recipe: Recipe) -> None:
    """A line for every stage that compares with benchmarks: these, their items, and those it cannot find."""
    from curate.benchmarks.protect import missing, resolve
    from curate.benchmarks.protection import protections, sentence
    from curate.stages.benchmark_match import NGRAM, BenchmarkMatch
    from curate.stages.ngram_overlap import NgramOverlap

    spare_pandas()
    for name, params in recipe.evidence.items():
        if isinstance(params, NgramOverlap):
            ngram, tokenizer = params.ngram, params.tokenizer
        elif isinstance(params, BenchmarkMatch):
            ngram, tokenizer = NGRAM, "words"
        else:
            continue
        found = protections(resolve(params.against, params.against_column), ngram, tokenizer)
        say(f"{name}: {sentence(found, missing(params.against), ngram)}")
