"""Patterns that tell what kind of text a prompt is: data in TOML files, checked when they are read.

A file is a category and is named for it (`proof.toml`). It holds entries

    [[pattern]]
    id = "proof-zh"              # unique over all files
    language = "zh"              # en, zh or any: for readers; every pattern is tried on every text
    regex = '求证|试证'           # Rust regex syntax: linear time, no look-around, no back-references
    explanation = "A proof is asked for."
    matches = ["..."]            # three texts or more that it must match
    rejects = ["..."]            # three or more that it must not

In place of `regex` an entry may say `all = [...]`, every one of which must match; `none = [...]`, none
of which may, can stand beside either. `check` runs every entry against its own examples.

`\\b` is read as a boundary of ASCII words: a Han character beside a word does not hide it, and the
search is ten times faster on text that is not all ASCII (measured on 108 MB of prompts).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from curate.errors import RecipeError

Examples = Annotated[list[str], Field(min_length=3)]


class Entry(BaseModel):
    """One `[[pattern]]` as it stands in a file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$")]
    language: Literal["en", "zh", "any"]
    regex: str | None = None
    all: list[str] = []
    none: list[str] = []
    explanation: Annotated[str, Field(min_length=1)]
    matches: Examples
    rejects: Examples


class Pattern(NamedTuple):
    """A pattern ready for use."""

    id: str
    category: str
    all: tuple[str, ...]
    """Regular expressions, every one of which must match."""
    none: tuple[str, ...]
    """Regular expressions, none of which may match."""
    matches: tuple[str, ...]
    rejects: tuple[str, ...]


def rules_folder() -> Path:
    """The folder of recipes and patterns: `curate/rules` where curate is installed, else `rules`."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent / "rules"


def pattern_files(folder: str | None = None) -> tuple[Path, ...]:
    """The pattern files that come with curate and those in `folder`, each list sorted by name.

    Raises RecipeError if `folder` is not a folder with at least one .toml file.
    """
    files = sorted((rules_folder() / "patterns").glob("*.toml"))
    if folder is not None:
        own = sorted(Path(folder).glob("*.toml"))
        if not own:
            found = "no .toml file in it" if Path(folder).is_dir() else "no such folder"
            raise RecipeError(
                f"patterns: expected a folder of .toml files at {folder}, found {found}. "
                "Name a folder that holds one .toml file a category."
            )
        files += own
    return tuple(files)


def load_patterns(folder: str | None = None) -> tuple[Pattern, ...]:
    """All patterns, those of curate and those in `folder`, sorted by id.

    Raises RecipeError that lists every problem of every file: unreadable TOML, unknown or missing
    keys, a regular expression that does not compile, an id that is used twice.
    """
    patterns: list[Pattern] = []
    problems: list[str] = []
    where: dict[str, Path] = {}
    for path in pattern_files(folder):
        found, wrong = _read(path)
        problems += wrong
        for pattern in found:
            if pattern.id in where:
                problems.append(f"{path.name}: {pattern.id}: the id is taken by {where[pattern.id].name}")
            where[pattern.id] = path
        patterns += found
    if problems:
        raise RecipeError.from_problems("patterns", problems)
    return tuple(sorted(patterns))


def _read(path: Path) -> tuple[list[Pattern], list[str]]:
    """The patterns of a file, and what is wrong with the rest of it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return [], [f"{path.name}: not TOML in UTF-8: {error}"]
    entries = content.pop("pattern", None)
    problems = [f"{path.name}: unknown key {key}; expected only [[pattern]]" for key in sorted(content)]
    if not isinstance(entries, list) or not entries:
        return [], [*problems, f"{path.name}: expected at least one [[pattern]], found none"]
    patterns = []
    for number, raw in enumerate(entries, start=1):
        name = raw.get("id", f"entry {number}") if isinstance(raw, dict) else f"entry {number}"
        try:
            entry = Entry.model_validate(raw)
        except ValidationError as error:
            problems += [
                f"{path.name}: {name}: {'.'.join(map(str, one['loc']))}: {one['msg']}"
                for one in error.errors()
            ]
            continue
        wrong = _regex_problems(entry)
        problems += [f"{path.name}: {name}: {problem}" for problem in wrong]
        if not wrong:
            required = (entry.regex,) if entry.regex is not None else tuple(entry.all)
            examples = tuple(entry.matches), tuple(entry.rejects)
            patterns.append(Pattern(entry.id, path.stem, required, tuple(entry.none), *examples))
    return patterns, problems


def _regex_problems(entry: Entry) -> list[str]:
    problems = []
    if (entry.regex is None) == (not entry.all):
        problems.append("expected either `regex` or `all`")
    for regex in [*([] if entry.regex is None else [entry.regex]), *entry.all, *entry.none]:
        try:
            pl.Series([""]).str.contains(_ascii_boundaries(regex))
        except pl.exceptions.ComputeError as error:
            last = str(error).strip().splitlines()[-1]
            problems.append(f"not a regular expression in Rust syntax: {regex} ({last})")
    return problems


def matches(pattern: Pattern, text: pl.Expr) -> pl.Expr:
    """True where the pattern holds for the text; null where the text is null."""
    required = [text.str.contains(_ascii_boundaries(regex)) for regex in pattern.all]
    forbidden = [~text.str.contains(_ascii_boundaries(regex)) for regex in pattern.none]
    return reduce(and_, [*required, *forbidden])


def held(patterns: Sequence[Pattern], texts: pl.Series) -> npt.NDArray[np.bool_]:
    """Which patterns hold, (texts, patterns) bool; of texts without nulls.

    The first expressions of a category are tried as one; most texts match none of them and are done with,
    in a fifth of the time.
    """
    found = np.zeros((len(texts), len(patterns)), dtype=np.bool_)
    columns: dict[str, list[int]] = {}
    for column, pattern in enumerate(patterns):
        columns.setdefault(pattern.category, []).append(column)
    for category in columns.values():
        any_of = "|".join(f"(?:{_ascii_boundaries(patterns[column].all[0])})" for column in category)
        rows = texts.str.contains(any_of).arg_true()
        near = texts.gather(rows).alias("text").to_frame()
        for column in category if len(near) else ():
            found[rows, column] = near.select(matches(patterns[column], pl.col("text"))).to_series()
    return found


def _ascii_boundaries(regex: str) -> str:
    r"""The same regular expression with every word boundary one of ASCII words.

    >>> _ascii_boundaries(r"\\begin|\bfig\b")
    '\\\\begin|(?-u:\\b)fig(?-u:\\b)'
    """
    return re.sub(
        r"\\(.)", lambda found: r"(?-u:\b)" if found[1] == "b" else found[0], regex, flags=re.DOTALL
    )


def check(folder: str | None = None) -> list[str]:
    """One line for each example that its pattern gets wrong, of curate's patterns and those in `folder`."""
    wrong = []
    for pattern in load_patterns(folder):
        examples = pl.DataFrame({"text": [*pattern.matches, *pattern.rejects]})
        expected = [True] * len(pattern.matches) + [False] * len(pattern.rejects)
        found = examples.select(matches(pattern, pl.col("text"))).to_series().to_list()
        for text, want, got in zip(examples["text"], expected, found, strict=True):
            if want != got:
                verb = "does not match" if want else "matches"
                wrong.append(f"{pattern.category}: {pattern.id} {verb} {text!r}")
    return wrong
