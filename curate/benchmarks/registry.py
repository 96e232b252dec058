"""The registry of evaluation sets: what they are, where they come from, and which names stand for them.

`registry.toml` beside this module describes the sets that come with curate, one `[benchmarks.NAME]` a set,
and `[groups]`. `curate benchmarks add` puts sets of one's own beside them, in the folder `home()`:

    HOME/NAME/entry.json      how the set is described, and where its text came from
    HOME/NAME/items.parquet   its items: id, problem, answer, solution, date
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from curate.errors import InputError
from curate.flow import KebabModel

REGISTRY = Path(__file__).with_name("registry.toml")
SHIPPED = Path(__file__).with_name("fingerprints")
HOME_VARIABLE = "CURATE_BENCHMARKS"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Domain = Literal["maths", "code", "science", "general", "instructions"]


class Fields(KebabModel):
    """Columns of the published files, by what they hold; None: the set has none."""

    problem: str = "problem"
    answer: str | None = None
    solution: str | None = None
    id: str | None = None
    date: str | None = None


class Snapshot(KebabModel):
    """The file of which a shipped fingerprint is made: columns id, problem and meta, a JSON object."""

    file: str = Field(description="Name without ending")
    date: str | None = Field(default=None, description="Key of `meta` that dates the item")


class Entry(KebabModel):
    """One evaluation set.

    Dates are ISO 8601, as exact as they are known (2024, 2024-02, 2024-02-01), or a span (FIRST..LAST).
    """

    title: str
    domain: Domain
    language: str = "en"
    version: str | None = None
    released: str | None = Field(default=None, description="When it was published")
    held: str | None = Field(default=None, description="When its items were first shown, if not at release")
    licence: str = Field(default="not stated", description="As stated upstream")
    may_publish: bool = Field(default=True, description="Whether its authors let the text be published")
    items: int | None = Field(default=None, description="Number of items; None: not known, not checked")
    source: str | None = Field(default=None, description="hf:// address of the files; None: not on the hub")
    revision: str | None = Field(
        default=None, description="Commit of the source; None: not known, so that `pull` takes main"
    )
    fields: Fields = Fields()
    releases: dict[str, str] = Field(default={}, description="Name of a release to its dates (FIRST..LAST)")
    aliases: list[str] = Field(default=[])
    snapshot: Snapshot | None = Field(default=None, description="What the shipped fingerprint is made of")
    note: str = ""

    @property
    def date(self) -> str | None:
        """The date, or the span of dates, of items that have none of their own."""
        return self.held or self.released

    @property
    def has_dates(self) -> bool:
        """Whether its items have dates of their own."""
        return self.fields.date is not None or (self.snapshot is not None and self.snapshot.date is not None)


class Origin(KebabModel):
    """Where the items of a pulled or added set came from."""

    how: Literal["pulled", "added"]
    files: dict[str, str] = Field(description="Address, or name of the file, to the SHA-256 of its content")
    items: int
    revision: str | None = Field(default=None, description="Commit of the source that was read, if known")


class Own(KebabModel):
    """What entry.json of a pulled or added set holds."""

    entry: Entry
    origin: Origin


class Registry(BaseModel):
    """All sets by name, shipped and one's own, and the groups."""

    benchmarks: dict[str, Entry]
    groups: dict[str, list[str]]
    origins: dict[str, Origin] = {}
    """Of the sets whose text is here."""

    def aliases(self) -> dict[str, str]:
        """Other spellings to names."""
        return {alias: name for name, entry in self.benchmarks.items() for alias in entry.aliases}

    def members(self, group: str) -> list[str]:
        """Names of the sets of a group, groups in it opened, each once."""
        found: dict[str, None] = {}
        for name in self.groups[group]:
            found.update(dict.fromkeys(self.members(name) if name in self.groups else [name]))
        return list(found)


def home() -> Path:
    """Folder of sets that were pulled or added.

    $CURATE_BENCHMARKS, else curate/benchmarks in the folder for a user's data ($XDG_DATA_HOME, by default
    ~/.local/share): not a cache, for what somebody added is nowhere else.
    """
    if named := os.environ.get(HOME_VARIABLE):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "curate" / "benchmarks"


def registry() -> Registry:
    """The shipped registry with the user's own sets; own ones win over shipped ones of their name."""
    known, own = shipped(), _own()
    return Registry(
        benchmarks={**known.benchmarks, **{name: mine.entry for name, mine in own.items()}},
        groups=known.groups,
        origins={name: mine.origin for name, mine in own.items()},
    )


@cache
def shipped() -> Registry:
    """The registry that comes with curate; its group `all` holds every set."""
    tree = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    groups = {**tree["groups"], "all": list(tree["benchmarks"])}
    return Registry.model_validate({"benchmarks": tree["benchmarks"], "groups": groups})


def items_path(name: str) -> Path:
    """Where the text of a set lies once it is pulled or added."""
    return home() / name / "items.parquet"


def fingerprint_path(name: str) -> Path:
    """Where the shipped fingerprint of a set is, if there is one."""
    return SHIPPED / f"{name}.fingerprint"


def _own() -> dict[str, Own]:
    found = {}
    for path in sorted(home().glob("*/entry.json")):
        try:
            found[path.parent.name] = Own.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise InputError(
                f"{path}: expected the entry of a benchmark as curate writes it, found: "
                f"{error.errors()[0]['msg']}. Delete the folder, then pull or add the benchmark again."
            ) from error
    return found
