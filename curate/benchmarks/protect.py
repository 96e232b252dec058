"""Which evaluation sets the names in a recipe stand for: `resolve`, and what each of them offers.

A name is, in this order:

    default, code ...            a group of the registry: every set of it that is at hand
    aime-2024, gsm8k ...         a set of the registry, or one that was pulled or added
    livecodebench@v5             of these the items up to a release
    livecodebench@2024-08..2025-02   or of dates, the first and last included; an end may be left out
    my/file.parquet, data/*.jsonl, folder    files, as `curate.benchmarks.load` reads them
    theirs.fingerprint           a fingerprint that `curate benchmarks build` made

Case and _ do not matter in the names of sets. What looks like a path (a / or an ending) is a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from curate.benchmarks.fingerprint import ENDING, Fingerprint, read_fingerprint
from curate.benchmarks.items import STANDARD, Items, read_items
from curate.benchmarks.load import (
    ACCEPTED,
    ANSWER_COLUMNS,
    SOLUTION_COLUMNS,
    distinct_names,
    load,
    paths_of,
    read_columns,
    why_none,
)
from curate.benchmarks.registry import Entry, Registry, fingerprint_path, items_path, registry
from curate.errors import InputError, did_you_mean


class Protected(NamedTuple):
    """One evaluation set that rows are compared with. It has a text, or a fingerprint, or both.

    A set without text can be told by its n-grams alone; `items()` raises with the command that gets the text.
    """

    name: str
    """As evidence names it: aime-2024, livecodebench@v5, or a file's name without ending."""
    entry: Entry | None
    """What the registry says of it; None for a file."""
    text: Path | None
    """File of the items' text."""
    fingerprint_file: Path | None
    """The shipped fingerprint; None for a file and for a set without one."""
    column: str | None = None
    """Column of the problem where `text` is a file that somebody named; None: recognised."""
    window: str | None = None
    """Dates of the items that count, FIRST..LAST; None: all items."""

    @property
    def file(self) -> Path:
        """What is read: the text where it is at hand, else the fingerprint."""
        path = self.text or self.fingerprint_file
        assert path is not None
        return path

    def items(self) -> Items:
        """Ids, texts, answers, solutions and dates of the items, in order.

        Raises InputError if only the fingerprint is at hand, or the file cannot be read.
        """
        if self.text is None:
            raise InputError(
                f"{self.name}: expected the text of this benchmark, found only its fingerprint. "
                f"Get the text with: curate benchmarks pull {self.name.partition('@')[0]}"
            )
        if self.entry is None:
            return _items_of_file(self.text, self.name, self.column)
        items = read_items([self.text], self.name, STANDARD)
        if self.window is None:
            return items
        chosen = items.where(_within(self.window, self.entry.date))
        return chosen if chosen.ids else self._nothing(items.dates)

    def fingerprint(self) -> Fingerprint:
        """The shipped fingerprint, of the items that count. Raises InputError if it is stale or damaged."""
        assert self.fingerprint_file is not None
        found = read_fingerprint(self.fingerprint_file)
        if self.window is None:
            return found
        assert self.entry is not None
        chosen = found.where(_within(self.window, self.entry.date))
        return chosen if chosen.ids else self._nothing(found.dates)

    def _nothing(self, dates: list[str | None]) -> NoReturn:
        assert self.entry is not None
        known = sorted({date for date in dates if date} | ({self.entry.date} if self.entry.date else set()))
        raise InputError(
            f"{self.name}: no item has a date in {self.window}. Its items are of {known[0]} to {known[-1]}."
        )


def resolve(names: Sequence[str], column: str | None = None) -> list[Protected]:
    """The evaluation sets that `names` stand for, in the order named, each once, their names distinct.

    The text is preferred where it is at hand (pulled or added), because it allows more than n-grams.
    column: the column of the problem in files that are named; by default recognised.
    Raises InputError about every name that stands for nothing, or for a set of which neither text nor
    fingerprint is at hand. Of a group only the sets at hand count: `missing` tells the others.
    """
    known = registry()
    found: dict[tuple[Path | None, Path | None, str | None], Protected] = {}
    problems: list[str] = []
    files: dict[Path, Path] = {}
    for name in names:
        try:
            for one in _resolve(name, known, files):
                found.setdefault((one.text and one.text.resolve(), one.fingerprint_file, one.window), one)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError("\n".join(problems))
    taken = {one.name for one in found.values() if one.entry is not None}
    labels = dict(zip(files, distinct_names(list(files.values())), strict=True))
    return [
        one
        if one.entry is not None
        else one._replace(name=_free(labels[one.file.resolve()], one.file, taken), column=column)
        for one in found.values()
    ]


def missing(names: Sequence[str]) -> list[str]:
    """Sets of the groups among `names` of which neither text nor fingerprint is at hand."""
    known = registry()
    groups = [found for name in names if (found := _spelt(name.partition("@")[0], known)) in known.groups]
    members = dict.fromkeys(name for group in groups for name in known.members(group))
    return [name for name in members if not _at_hand(name)]


def _resolve(name: str, known: Registry, files: dict[Path, Path]) -> list[Protected]:
    base, at, selector = name.partition("@")
    spelt = _spelt(base, known)
    if spelt in known.groups:
        chosen = (member for member in known.members(spelt) if _at_hand(member))
        if not at:
            return [_registered(member, None, known) for member in chosen]
        dated = [member for member in chosen if _may_hold(member, selector, known)]
        found = [_registered(member, selector, known) for member in dated]
        if not found:
            raise InputError(f"{name}: no set of the group {spelt} that is at hand has items of these dates.")
        return found
    if spelt in known.benchmarks:
        return [_registered(spelt, selector if at else None, known)]
    paths = paths_of(name)
    if not paths:
        looks_like_path = "/" in name or "." in Path(base).name or "*" in name
        if looks_like_path or Path(name).is_dir():
            raise InputError(why_none(name))
        names = [*known.benchmarks, *known.groups, *known.aliases()]
        raise InputError(
            f"{name}: neither a benchmark nor a group nor a file. {_nearest(base, names)}"
            f"Expected a name that `curate benchmarks list` shows, {ACCEPTED}."
        )
    for path in paths:
        files.setdefault(path.resolve(), path)
    return [
        Protected(path.name, None, None, path) if path.name.endswith(ENDING)
        else Protected(path.name, None, path, None)
        for path in paths
    ]  # fmt: skip


def _registered(name: str, selector: str | None, known: Registry) -> Protected:
    entry = known.benchmarks[name]
    text = items_path(name) if name in known.origins else None
    shipped = fingerprint_path(name)
    fingerprint = shipped if shipped.exists() else None
    if text is None and fingerprint is None:
        get = f"curate benchmarks pull {name}" if entry.source else f"curate benchmarks add {name} FILE"
        raise InputError(
            f"{name}: its text is not here, and no fingerprint of it comes with curate. Get it with: {get}"
        )
    if selector is None:
        return Protected(name, entry, text, fingerprint)
    return Protected(f"{name}@{selector}", entry, text, fingerprint, window=_window(name, selector, entry))


def _at_hand(name: str) -> bool:
    return items_path(name).exists() or fingerprint_path(name).exists()


def _spelt(name: str, known: Registry) -> str:
    """A name as the registry spells it."""
    plain = name.lower().replace("_", "-")
    return known.aliases().get(plain, plain)


def _nearest(word: str, names: list[str]) -> str:
    sentence = did_you_mean(word.lower().replace("_", "-"), names)
    return f"{sentence} " if sentence.startswith("Did") else ""


def _free(name: str, path: Path, taken: set[str]) -> str:
    """A file's name, with its folder or its ending where a set of the registry has that name."""
    if name not in taken:
        return name
    return f"{path.absolute().parent.name}/{name}" if path.absolute().parent.name else path.name


def _may_hold(name: str, selector: str, known: Registry) -> bool:
    """Whether a set has dates, and may have items of those that a selector names."""
    entry = known.benchmarks[name]
    if not (entry.has_dates or entry.date):
        return False
    return entry.has_dates or _within(_window(name, selector, entry), entry.date)(None)


PERIOD = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")


def _window(name: str, selector: str, entry: Entry) -> str:
    """The dates that a selector stands for, FIRST..LAST."""
    if not (entry.has_dates or entry.date):
        raise InputError(f"{name}@{selector}: no dates are known of this benchmark. Name it without @.")
    if selector in entry.releases:
        return entry.releases[selector]
    first, dots, last = selector.partition("..")
    ends = (first, last) if dots else (selector, selector)
    if any(ends) and all(not end or PERIOD.fullmatch(end) for end in ends):
        return f"{ends[0]}..{ends[1]}"
    releases = f"a release ({', '.join(entry.releases)}) or " if entry.releases else ""
    raise InputError(
        f"{name}@{selector}: expected {releases}dates such as {name}@2024-08..2025-02, found {selector}."
    )


def _within(window: str, otherwise: str | None) -> Callable[[str | None], bool]:
    """Whether a date, or a span of dates, may lie in a window; what is not dated may.

    >>> inside = _within("2024-08..2025-02", None)
    >>> [inside(date) for date in ("2024-07-31", "2024-08-01", "2025-02-28", "2025-03-01")]
    [False, True, True, False]
    >>> [inside(date) for date in ("2024", "2022..2023", "2023..2024", "2025-01..", None)]
    [True, False, True, True, True]
    """
    first, _, last = window.partition("..")

    def inside(date: str | None) -> bool:
        date = date or otherwise
        if date is None:
            return True
        begin, dots, end = date.partition("..")
        end = end if dots else begin
        after = not end or end[: len(first)] >= first[: len(end)]
        return after and begin[: len(last)] <= last[: len(begin)]

    return inside


def _items_of_file(path: Path, name: str, column: str | None) -> Items:
    """A file that somebody named, its columns recognised."""
    benchmark = load(path, column)
    more = read_columns(path, (*ANSWER_COLUMNS, *SOLUTION_COLUMNS))
    n_items = len(benchmark.ids)

    def texts_of(names: Sequence[str]) -> list[str | None]:
        values = next((more[name] for name in names if name in more), [None] * n_items)
        return [value if isinstance(value, str) else None for value in values]

    answers, solutions = texts_of(ANSWER_COLUMNS), texts_of(SOLUTION_COLUMNS)
    return Items(name, benchmark.ids, benchmark.texts, answers, solutions, [None] * n_items)
