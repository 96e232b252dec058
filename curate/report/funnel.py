"""The funnel of a run: what came in, what each reason took out, what is left; as data and as text.

*Only* is the number of lines that no other rule drops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.table import Table

from curate.flow import Grain


class ReasonCount(NamedTuple):
    """Lines a reason drops, and lines that no other reason drops."""

    reason: str
    lines: int
    only: int


class Funnel(NamedTuple):
    """Counts of one grain; n_in = kept + dropped + undecided. Quarantined rows were never in."""

    grain: Grain
    n_in: int
    kept: int
    dropped: int
    undecided: int
    quarantined: int
    reasons: tuple[ReasonCount, ...]  # most lines first, then by name

    def share(self, lines: int) -> float:
        """Part of the lines that came in, 0 to 1; 0 where none came in."""
        return lines / self.n_in if self.n_in else 0.0


def funnels(manifest: Mapping[str, Any]) -> tuple[Funnel, ...]:
    """The funnel of the rows, and that of the responses where there are any."""
    rows = _funnel(manifest, "row", "rows")
    responses = _funnel(manifest, "response", "responses")
    return (rows, responses) if responses.n_in else (rows,)


def _funnel(manifest: Mapping[str, Any], grain: Grain, unit: str) -> Funnel:
    counts = manifest["counts"].get(unit, {})
    reasons = [
        ReasonCount(name, int(entry[unit]), int(entry["only"]))
        for name, entry in manifest["reasons"].get(grain, {}).items()
    ]
    reasons.sort(key=lambda item: (-item.lines, item.reason))
    return Funnel(
        grain,
        n_in=int(counts.get("in", 0)),
        kept=int(counts.get("kept", 0)),
        dropped=int(counts.get("dropped", 0)),
        undecided=int(counts.get("undecided", 0)),
        quarantined=int(counts.get("quarantined", 0)),
        reasons=tuple(reasons),
    )


def undecided_counts(manifest: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Rules that met a null that mattered, with the number of lines; most lines first."""
    entries = manifest.get("undecided", {}).items()
    return tuple(sorted(((str(name), int(n)) for name, n in entries), key=lambda item: (-item[1], item[0])))


def as_text(manifest: Mapping[str, Any], width: int = 28) -> str:
    """The funnel as plain text, with bars of at most `width` characters."""
    return "\n\n".join(_as_text(funnel, width) for funnel in funnels(manifest)) + _undecided_text(manifest)


def as_tables(manifest: Mapping[str, Any]) -> list[Table]:
    """The funnel as tables for a terminal."""
    return [_as_table(funnel) for funnel in funnels(manifest)]


def _lines(funnel: Funnel) -> list[tuple[str, int, int | None]]:
    """Name, lines, only (None where it has no meaning), from the top of the funnel to its foot."""
    unit = f"{funnel.grain}s"
    body = [(f"  {item.reason}", item.lines, item.only) for item in funnel.reasons]
    head: list[tuple[str, int, int | None]] = [
        (f"{unit} in", funnel.n_in, None),
        ("dropped", funnel.dropped, None),
    ]
    foot: list[tuple[str, int, int | None]] = [
        ("undecided", funnel.undecided, None),
        ("kept", funnel.kept, None),
    ]
    if funnel.quarantined:
        foot.append(("(quarantined, not in)", funnel.quarantined, None))
    return [*head, *body, *foot]


def _as_text(funnel: Funnel, width: int) -> str:
    lines = _lines(funnel)
    longest = max(len(name) for name, _, _ in lines)
    text = []
    for name, count, only in lines:
        bar = "█" * round(width * funnel.share(count)) or ("▏" if count else "")
        alone = f"  only {only:,}" if only is not None else ""
        text.append(f"{name:<{longest}} {count:>12,} {funnel.share(count):>7.2%} {bar}{alone}".rstrip())
    return "\n".join(text)


def _undecided_text(manifest: Mapping[str, Any]) -> str:
    entries = undecided_counts(manifest)
    if not entries:
        return ""
    return "\n\nundecided because of: " + ", ".join(f"{name} ({n:,})" for name, n in entries)


def _as_table(funnel: Funnel) -> Table:
    table = Table(title=f"{funnel.grain}s", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for heading in ("lines", "share", "only this"):
        table.add_column(heading, justify="right")
    styles = {"kept": "bold green", "undecided": "yellow", "dropped": "bold"}
    for name, count, only in _lines(funnel):
        cells = (name, f"{count:,}", f"{funnel.share(count):.2%}", "" if only is None else f"{only:,}")
        table.add_row(*cells, style=styles.get(name, ""))
    return table
