"""The funnel of a run: what came in, what each reason took out, what is left; as data and as text.

*Only* is the number of lines that no other rule drops; it has no meaning for a rule whose answer follows
from what other rules drop, and is then null and shown as –.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from curate.flow import Grain


class ReasonCount(NamedTuple):
    """Lines a reason drops, and lines that no other reason drops (null: not meaningful)."""

    reason: str
    lines: int
    only: int | None


class MaskCount(NamedTuple):
    """Kept lines that a mask rule cut passages out of."""

    reason: str
    lines: int
    passages: int
    characters: int


class Funnel(NamedTuple):
    """Counts of one grain; n_in = kept + dropped + undecided + of_other_rows.

    Quarantined rows were never in.
    """

    grain: Grain
    n_in: int
    kept: int
    dropped: int
    undecided: int
    of_other_rows: int  # responses that no rule about responses drops, of rows that are not kept
    quarantined: int
    reasons: tuple[ReasonCount, ...]  # most lines first, then by name
    masked: tuple[MaskCount, ...] = ()  # of the kept lines; most lines first, then by name

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
        ReasonCount(name, int(entry[unit]), None if entry["only"] is None else int(entry["only"]))
        for name, entry in manifest["reasons"].get(grain, {}).items()
    ]
    masked = [
        MaskCount(name, int(entry[unit]), int(entry["passages"]), int(entry["characters"]))
        for name, entry in manifest.get("masked", {}).get(grain, {}).items()
    ]
    masked.sort(key=lambda item: (-item.lines, item.reason))
    reasons.sort(key=lambda item: (-item.lines, item.reason))
    return Funnel(
        grain,
        n_in=int(counts.get("in", 0)),
        kept=int(counts.get("kept", 0)),
        dropped=int(counts.get("dropped", 0)),
        undecided=int(counts.get("undecided", 0)),
        of_other_rows=int(counts.get("of_other_rows", 0)),
        quarantined=int(counts.get("quarantined", 0)),
        reasons=tuple(reasons),
        masked=tuple(masked),
    )


def undecided_counts(manifest: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Rules that met a null that mattered, with the number of lines; most lines first."""
    entries = manifest.get("undecided", {}).items()
    return tuple(sorted(((str(name), int(n)) for name, n in entries), key=lambda item: (-item[1], item[0])))


def without_lines(funnel: Funnel) -> tuple[str, ...]:
    """Reasons that dropped and masked nothing, by name."""
    masked = {item.reason for item in funnel.masked if item.lines}
    return tuple(item.reason for item in funnel.reasons if not item.lines and item.reason not in masked)


def only_text(only: int | None) -> str:
    """The number of lines that only one reason drops, – where it is not meaningful."""
    return "–" if only is None else f"{only:,}"


def as_text(manifest: Mapping[str, Any], width: int = 28) -> str:
    """The funnel as plain text, with bars of at most `width` characters.

    Reasons that dropped nothing and rules that left lines undecided are named at the foot.
    """
    found = funnels(manifest)
    undecided = ", ".join(f"{name} ({n:,})" for name, n in undecided_counts(manifest))
    none = ", ".join(reason for funnel in found for reason in without_lines(funnel))
    foot = [f"undecided because of: {undecided}"] if undecided else []
    foot += [f"no line: {none}"] if none else []
    parts = [*(_as_text(funnel, width) for funnel in found), *(["\n".join(foot)] if foot else [])]
    return "\n\n".join(parts)


class _Line(NamedTuple):
    """A line of the funnel; a share or a note that has no meaning is empty."""

    name: str
    lines: int
    share: str
    only: str = ""


def _lines(funnel: Funnel) -> list[_Line]:
    """From the top of the funnel to its foot, reasons without a line left out."""

    def line(name: str, count: int, only: str = "") -> _Line:
        return _Line(name, count, f"{funnel.share(count):.2%}", only)

    foot = [line("undecided", funnel.undecided)]
    if funnel.of_other_rows:
        foot.append(line("of rows not kept", funnel.of_other_rows))
    foot.append(line("kept", funnel.kept))
    foot += [line(f"  masked: {item.reason}", item.lines) for item in funnel.masked if item.lines]
    if funnel.quarantined:  # no share: they are no part of what came in
        foot.append(_Line("(quarantined, not in)", funnel.quarantined, ""))
    return [
        line(f"{funnel.grain}s in", funnel.n_in),
        line("dropped", funnel.dropped),
        *(
            line(f"  {item.reason}", item.lines, only_text(item.only))
            for item in funnel.reasons
            if item.lines
        ),
        *foot,
    ]


def _as_text(funnel: Funnel, width: int) -> str:
    lines = _lines(funnel)
    longest = max(len(line.name) for line in lines)
    text = []
    for name, count, share, only in lines:
        bar = ("█" * round(width * funnel.share(count)) or ("▏" if count else "")) if share else ""
        alone = f"  only {only}" if only else ""
        text.append(f"{name:<{longest}} {count:>12,} {share:>7} {bar}{alone}".rstrip())
    return "\n".join(text)
