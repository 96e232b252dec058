"""Everything a run knows about a row: its verdict, each reason with the values the rule looked at,
what was kept instead, each response, the span that matched a benchmark.

Reads only the lines of the rows asked for, from the shard that holds them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from curate.errors import RunError
from curate.flow import KEYS, RESPONSE_ID, RESPONSES, ROW_ID
from curate.predicate import ORIGINAL
from curate.report.answered import place_of_answer
from curate.report.beside import Beside, items_beside
from curate.report.masked import Written, characters_left, written
from curate.report.run import (
    ORIGINALS_TABLE,
    RESPONSE_VERDICTS_TABLE,
    RESPONSES_TABLE,
    ROWS_TABLE,
    VERDICTS_TABLE,
    FinishedRun,
    Rule,
    Verdict,
    open_run,
    rule_of,
    verdict_of,
)
from curate.report.text import excerpt, marked_excerpt, printable, shown

ROW_SPAN = "row_span"  # the evidence column that points into the prompt, or into the response
FEW = 3  # so many responses are shown with their texts and all their evidence
LISTED = 30  # of more, so many with their verdicts and the values that decided them

Facts = dict[str, dict[str, Any]]  # table → column → value, of one line


class Ruling(NamedTuple):
    """A rule that dropped a line, or could not say, with the values it looked at."""

    rule: Rule
    values: tuple[tuple[str, Any], ...]  # `leak.containment` → value


class Span(NamedTuple):
    """A part of the prompt, or the response, that evidence points at: character offsets, end exclusive."""

    evidence: str
    start: int
    end: int


class Other(NamedTuple):
    """The row that was kept instead."""

    row_id: int
    prompt: str | None
    answer: str | None
    evidence: Facts
    earlier: bool = False  # a row of earlier data: this run has nothing of it but the row_id


class ResponseExplained(NamedTuple):
    """One response of the row with its own verdict."""

    response_id: int
    response: str | None
    model: str | None
    verdict: Verdict
    reasons: tuple[Ruling, ...]
    undecided: tuple[Ruling, ...]
    evidence: Facts
    beside: tuple[Beside, ...] = ()
    """Benchmark items that the response matches, of the evidence that its verdict rests on."""
    span: Span | None = None
    """The part of the response that matches the first of them; without one, the answer that was compared."""
    masked: tuple[Ruling, ...] = ()
    """Mask rules that cut something of the response."""
    written: Written | None = None
    """The response without it."""


class Explanation(NamedTuple):
    """What became of one row and why. Texts are whole; `as_text` cuts them."""

    row_id: int
    prompt: str | None
    answer: str | None
    source: str | None
    verdict: Verdict
    reasons: tuple[Ruling, ...]
    undecided: tuple[Ruling, ...]
    kept_instead: Other | None
    spans: tuple[Span, ...]
    evidence: Facts
    responses: tuple[ResponseExplained, ...]
    beside: tuple[Beside, ...] = ()
    """Benchmark items that the prompt matches, of the evidence that the verdict rests on."""
    masked: tuple[Ruling, ...] = ()
    """Mask rules that cut something of the prompt."""
    written: Written | None = None
    """The prompt without it."""


def explain(folder: Path, row_id: int) -> Explanation:
    """What became of a row. Raises RunError if the folder is no finished run or has no such row."""
    return explain_rows(open_run(folder), [row_id])[row_id]


def explain_rows(run: FinishedRun, row_ids: Collection[int]) -> dict[int, Explanation]:
    """Explanations of several rows, in row order. Raises RunError as `explain` does."""
    if not row_ids:
        return {}
    places = run.places(row_ids)
    rows = run.read(ROWS_TABLE, row_ids, None, places)
    verdicts = _by_row(run.read(VERDICTS_TABLE, row_ids, None, places))
    evidence = {
        name: _by_row(run.read(f"evidence/{name}", row_ids, None, places)) for name in run.evidence("row")
    }
    responses = _responses(run, row_ids, places)
    instead = {line["kept_instead"] for line in verdicts.values() if line["kept_instead"] is not None}
    others = _others(run, instead)
    originals = _originals(run, row_ids, places)
    explained = {}
    for row in rows.iter_rows(named=True):
        row_id = int(row[ROW_ID])
        if row_id not in verdicts:
            raise RunError(
                f"{run.folder}: row {row_id} has no verdict. The run folder is damaged; run again."
            )
        verdict = verdicts[row_id]
        facts = {name: _measured(lines[row_id]) for name, lines in evidence.items() if row_id in lines}
        looked_at = {**facts, ORIGINAL: originals[row_id]} if row_id in originals else facts
        mine = [_response(run, line, row, looked_at) for line in responses.get(row_id, [])]
        verdicts_given = Counter(response.verdict for response in mine)
        counts = {
            "given": len(mine), "left": verdicts_given["kept"], "undecided": verdicts_given["undecided"],
        }  # fmt: skip
        known = {**looked_at, "row": row, "responses": counts}
        reasons = tuple(_ruling(run, reason, known) for reason in verdict["reasons"])
        undecided = tuple(_ruling(run, reason, known) for reason in verdict["undecided"])
        names = verdict.get("masked") or []
        masked = tuple(_ruling(run, reason, known) for reason in names)
        explained[row_id] = Explanation(
            row_id, row["prompt"], row["answer"], row["source"],
            verdict_of(keep=verdict["keep"], reasons=verdict["reasons"]), reasons, undecided,
            others.get(verdict["kept_instead"]), tuple(_spans(facts)), facts, tuple(mine),
            items_beside(run, _looked_at(facts, reasons + undecided + masked)), masked,
            written(run, names, facts, row["prompt"]),
        )  # fmt: skip
    return explained


def _originals(
    run: FinishedRun, row_ids: Collection[int], places: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Of each row the columns of the input that the rules name; empty if they name none."""
    reasons = [name for kind in ("drop", "mask", "keep-one") for name in run.recipe.get(kind, {})]
    reads = dict.fromkeys(pair for reason in reasons for pair in rule_of(run, reason).reads)
    columns = [column for table, column in reads if table == ORIGINAL]
    if not columns:
        return {}
    return _by_row(run.read(ORIGINALS_TABLE, row_ids, [ROW_ID, *columns], places))


def _responses(
    run: FinishedRun, row_ids: Collection[int], places: Sequence[int]
) -> dict[int, list[dict[str, Any]]]:
    """Response lines per row, each with `verdict` and `evidence` put in."""
    lines = run.read(RESPONSES_TABLE, row_ids, None, places)
    if lines.is_empty():
        return {}
    verdicts = _by_response(run.read(RESPONSE_VERDICTS_TABLE, row_ids, None, places))
    evidence = {
        name: _by_response(run.read(f"evidence/{name}", row_ids, None, places))
        for name in run.evidence("response")
    }
    found: dict[int, list[dict[str, Any]]] = {}
    for line in lines.iter_rows(named=True):
        key = (int(line[ROW_ID]), int(line[RESPONSE_ID]))
        if key not in verdicts:
            raise RunError(
                f"{run.folder}: response {key[1]} of row {key[0]} has no verdict."
                " The run folder is damaged; run again."
            )
        measured = {name: _measured(of[key]) for name, of in evidence.items() if key in of}
        found.setdefault(key[0], []).append({**line, "verdict": verdicts[key], "evidence": measured})
    return found


def _response(
    run: FinishedRun, line: Mapping[str, Any], row: Mapping[str, Any], row_facts: Facts
) -> ResponseExplained:
    verdict = line["verdict"]
    own = {name: line[name] for name in RESPONSES.names if name not in KEYS["response"]}
    known = {**row_facts, **line["evidence"], "row": dict(row), "response": own}
    reasons = tuple(_ruling(run, reason, known) for reason in verdict["reasons"])
    undecided = tuple(_ruling(run, reason, known) for reason in verdict["undecided"])
    names = verdict.get("masked") or []
    masked = tuple(_ruling(run, reason, known) for reason in names)
    looked_at = _looked_at(line["evidence"], reasons + undecided + masked)
    return ResponseExplained(
        int(line[RESPONSE_ID]), line["response"], line["model"],
        verdict_of(keep=verdict["keep"], reasons=verdict["reasons"]), reasons, undecided,
        line["evidence"], items_beside(run, looked_at),
        next(_spans(looked_at), None) or _answer_span(run, line["evidence"], line["response"]), masked,
        written(run, names, line["evidence"], line["response"]),
    )  # fmt: skip


def _answer_span(run: FinishedRun, facts: Facts, response: str | None) -> Span | None:
    """The answer in a response that was compared with the ground truth."""
    for name, columns in facts.items():
        place = place_of_answer(run.recipe.get("evidence", {}).get(name, {}), columns, response)
        if place is not None:
            return Span(name, *place)
    return None


def _looked_at(facts: Facts, rulings: tuple[Ruling, ...]) -> Facts:
    """The evidence that rules looked at."""
    looked = {table for ruling in rulings for table, _ in ruling.rule.reads}
    return {name: columns for name, columns in facts.items() if name in looked}


def _ruling(run: FinishedRun, reason: str, known: Mapping[str, Mapping[str, Any]]) -> Ruling:
    """The rule and the values it names; the status of a table is added where one of its values is null."""
    rule = rule_of(run, reason)
    values = {}
    for table, column in rule.reads:
        facts = known.get(table, {})
        values[f"{table}.{column}"] = facts.get(column)
        if facts.get(column) is None and "status" in facts:
            values[f"{table}.status"] = facts["status"]
    if rule.kind == "mask":
        values["characters left"] = characters_left(run, reason, known)
    return Ruling(rule, tuple(values.items()))


def _spans(facts: Facts) -> Iterator[Span]:
    for name, columns in facts.items():
        span = columns.get(ROW_SPAN)
        if isinstance(span, dict) and span["start"] is not None:
            yield Span(name, int(span["start"]), int(span["end"]))


def _others(run: FinishedRun, row_ids: set[int]) -> dict[int | None, Other]:
    earlier = {row_id for row_id in row_ids if row_id < run.first_row}
    found: dict[int | None, Other] = {
        row_id: Other(row_id, None, None, {}, earlier=True) for row_id in earlier
    }
    row_ids = row_ids - earlier
    if not row_ids:
        return found
    places = run.places(row_ids)
    lines = run.read(ROWS_TABLE, row_ids, ("row_id", "prompt", "answer"), places)
    evidence = {
        name: _by_row(run.read(f"evidence/{name}", row_ids, None, places)) for name in run.evidence("row")
    }
    for row_id, prompt, answer in lines.iter_rows():
        measured = {name: _measured(of[row_id]) for name, of in evidence.items() if row_id in of}
        found[row_id] = Other(row_id, prompt, answer, measured)
    return found


def _measured(line: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in KEYS["response"]}


def _by_row(lines: pl.DataFrame) -> dict[int, dict[str, Any]]:
    return {int(line[ROW_ID]): line for line in lines.iter_rows(named=True)}


def _by_response(lines: pl.DataFrame) -> dict[tuple[int, int], dict[str, Any]]:
    return {(int(line[ROW_ID]), int(line[RESPONSE_ID])): line for line in lines.iter_rows(named=True)}


def as_text(explanation: Explanation, limit: int = 600, *, colour: bool = False, full: bool = False) -> str:
    """The explanation for a terminal; texts are cut to `limit` characters, matched spans are in ⟦ ⟧.

    Of more than a few responses only verdicts and the values that decided them are shown; with `full`
    every response has its text and all its evidence.
    """
    row = explanation
    lines = [
        f"row {row.row_id}: {row.verdict}"
        + "".join(f", {ruling.rule.reason}" for ruling in row.reasons)
        + _masked_by(row.masked)
    ]
    if row.source is not None:
        lines.append(f"source: {excerpt(row.source, 120)}")
    lines += ["", "prompt", _indent(_marked(row, limit, colour=colour))]
    lines += ["", f"answer: {'null' if row.answer is None else excerpt(row.answer, limit)}"]
    for item in row.beside:
        lines += ["", *_beside_lines(item, limit, colour=colour)]
    lines += _rulings("dropped because", row.reasons) + _rulings("undecided because", row.undecided)
    lines += _rulings("masked because", row.masked) + _written_lines(row.written, limit, colour=colour)
    if row.kept_instead is not None and row.kept_instead.earlier:
        lines += ["", f"kept instead: row {row.kept_instead.row_id} of the earlier data"]
    elif row.kept_instead is not None:
        other = row.kept_instead
        lines += ["", f"kept instead: row {other.row_id}", _indent(_text(other.prompt, limit))]
        lines.append(f"  answer: {'null' if other.answer is None else excerpt(other.answer, limit)}")
        lines += [f"  {name} = {shown(value)}" for name, value in values_of_kept(row)]
    lines += _evidence_lines("evidence", row.evidence)
    few = full or len(row.responses) <= FEW
    if not few:
        lines += ["", _tally(row)]
    for response in row.responses if few else row.responses[:LISTED]:
        lines += (
            _response_lines(row, response, limit, colour=colour) if few else _deciding_lines(row, response)
        )
    if not few:
        rest = len(row.responses) - LISTED
        lines += [f"  … and {rest:,} more"] if rest > 0 else []
        lines += ["", "Texts and all evidence of the responses are shown in full (--full)."]
    return "\n".join(lines) + "\n"


def _masked_by(rulings: tuple[Ruling, ...]) -> str:
    return f", masked by {', '.join(ruling.rule.reason for ruling in rulings)}" if rulings else ""


def _written_lines(text: Written | None, limit: int, *, colour: bool) -> list[str]:
    if text is None:
        return []
    return ["", "written as", _indent(_in_marks(text.text, text.first, limit, colour=colour))]


def _heading(row: Explanation, response: ResponseExplained) -> str:
    verdict = "of a row not kept" if _of_other_row(row, response) else response.verdict
    reasons = "".join(f", {ruling.rule.reason}" for ruling in response.reasons)
    model = f" ({printable(response.model)})" if response.model else ""
    masked = _masked_by(response.masked)
    return f"response {response.response_id}: {verdict}{reasons}{masked}{model}"


def _of_other_row(row: Explanation, response: ResponseExplained) -> bool:
    return response.verdict == "kept" and row.verdict != "kept"


def _beside_lines(item: Beside, limit: int, *, colour: bool) -> list[str]:
    text = item.missing if item.text is None else _in_marks(item.text, item.span, limit, colour=colour)
    part = "" if item.part == "problem" else f", its {item.part}"
    return [f"{printable(item.benchmark)} item {printable(item.item)}{part}", _indent(text)]


def _response_lines(row: Explanation, response: ResponseExplained, limit: int, *, colour: bool) -> list[str]:
    span = (response.span.start, response.span.end) if response.span is not None else None
    text = "null" if response.response is None else _in_marks(response.response, span, limit, colour=colour)
    lines = ["", _heading(row, response), _indent(text)]
    for item in response.beside:
        lines += [f"  {line}" for line in _beside_lines(item, limit, colour=colour)]
    below = _rulings("dropped because", response.reasons) + _rulings("undecided because", response.undecided)
    below += _rulings("masked because", response.masked)
    below += _written_lines(response.written, limit, colour=colour)
    below += _evidence_lines("evidence", response.evidence)
    return lines + [f"  {line}" for line in below if line]


def _deciding_lines(row: Explanation, response: ResponseExplained) -> list[str]:
    values = dict(pair for ruling in response.reasons + response.undecided for pair in ruling.values)
    seen = ", ".join(f"{name} = {shown(value)}" for name, value in values.items())
    return [f"  {_heading(row, response)}", *([f"    {seen}"] if seen else [])]


def _tally(row: Explanation) -> str:
    """`16 responses: 1 kept, 15 dropped (wrong-answer 15, looping 2)`."""
    kinds = Counter(
        "of a row not kept" if _of_other_row(row, item) else str(item.verdict) for item in row.responses
    )
    reasons = Counter(ruling.rule.reason for item in row.responses for ruling in item.reasons)
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    why = f" ({', '.join(f'{name} {n:,}' for name, n in ordered)})" if ordered else ""
    parts = [
        f"{kinds[kind]:,} {kind}" + (why if kind == "dropped" else "")
        for kind in ("kept", "of a row not kept", "dropped", "undecided")
        if kinds[kind]
    ]
    return f"{len(row.responses):,} responses: {', '.join(parts)}"


def values_of_kept(row: Explanation) -> list[tuple[str, Any]]:
    """What the keep-one rule saw of the row that was kept instead; nothing where there is none."""
    if row.kept_instead is None:
        return []
    read = [pair for ruling in row.reasons if ruling.rule.kind == "keep-one" for pair in ruling.rule.reads]
    evidence = row.kept_instead.evidence
    return [(f"{table}.{name}", evidence[table].get(name)) for table, name in read if table in evidence]


def _text(text: str | None, limit: int) -> str:
    return "null" if text is None else excerpt(text, limit)


def _marked(row: Explanation, limit: int, *, colour: bool) -> str:
    if row.prompt is None:
        return "null"
    span = (row.spans[0].start, row.spans[0].end) if row.spans else None
    return _in_marks(row.prompt, span, limit, colour=colour)


def _in_marks(text: str, span: tuple[int, int] | None, limit: int, *, colour: bool) -> str:
    before, after = ("\x1b[1;33m⟦", "⟧\x1b[0m") if colour else ("⟦", "⟧")
    pieces = marked_excerpt(text, span, limit)
    return "".join(f"{before}{piece.text}{after}" if piece.marked else piece.text for piece in pieces)


def _rulings(heading: str, rulings: tuple[Ruling, ...]) -> list[str]:
    lines = ["", heading] if rulings else []
    for ruling in rulings:
        lines.append(f"  {ruling.rule.reason}: {ruling.rule.text or 'not a rule of the recipe'}")
        if ruling.rule.because:
            lines.append(f"    {printable(ruling.rule.because)}")
        lines += [f"    {name} = {shown(value)}" for name, value in ruling.values]
    return lines


def _evidence_lines(heading: str, evidence: Facts) -> list[str]:
    lines = ["", heading] if evidence else []
    for name, columns in evidence.items():
        values = "; ".join(
            f"{column} {shown(value)}" for column, value in columns.items() if value is not None
        )
        lines.append(f"  {name}: {values}")
    return lines


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
