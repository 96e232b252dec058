"""Tell, before a sample is looked at, what is protected and what cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curate.cli.execute import say, spare_pandas

if TYPE_CHECKING:
    from curate.recipe import Recipe


def say_protected(recipe: Recipe) -> None:
    """A line for every evidence that compares with benchmarks; a run says the same by itself."""
    spare_pandas()
    from curate.pipeline.protecting import protection_of

    for name, one in protection_of(recipe).items():
        say(f"{name}: {one['told']}")
