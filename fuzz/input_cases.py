"""What a fuzzed case is, values and names nobody wishes for, and ways to damage bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

RECIPE = """
[evidence.query]
stage = "query-quality"
[evidence.exact]
stage = "exact-dedup"
[evidence.loops]
stage = "repetition"
[drop.url]
when = "query.has_url"
on-missing = "undecided"
[drop.looping]
when = "loops.repeated_words >= 50"
on-missing = "undecided"
[keep-one.exact-duplicate]
per = "exact.cluster_id"
prefer = ["length(row.answer) desc"]
on-missing = "keep"
"""


class Case(NamedTuple):
    """One run of `curate run`, and what is known of its input."""

    files: list[str]
    recipe: str = RECIPE
    options: tuple[str, ...] = ()
    n_rows: int | None = None
    """Rows that the files hold, good and bad together; null: not known."""
    prompts: list[str | None] | None = None
    """The prompts of all rows, in order, where every row is good; null: not known."""
    fails: bool | None = None
    """Whether the run must end in an error; null: not known."""
    meddle: Callable[[], object] | None = None
    """Done to the files while the run reads them, at step `meddle_at` of its progress."""
    meddle_at: int = 0


Make = Callable[[Random, Path], Case]

NAMES = (
    "id", "meta", "answer", "solution", "response", "a.b", "", " ", "row_id", "ROW_ID", "Problem",
    "reasons", "masked", "kept_instead", "__order", 'x"y', "x'y", "x`y", "'; DROP TABLE row; --",
    '"; DROP TABLE row; --', "x)y", "{x}", "__import__('os').system('id')", "../../etc/passwd", "a/b",
    "a\\b", "\n", "\t", "é", "e\u0301", "数学", "🙂", "\u202e", "x" * 300, "select", "null", "row",
    "original", "element", "list", "key_value", "$x", "%s", "^a.*$", "*",
)  # fmt: skip
"""Names of columns."""

TEXTS = (
    "", " ", "What is 1 + 1?", "What is 2 + 2?", "Solve x^2 = 4 for x > 0.",
    "See https://example.org/a.png", "\x00", "a\x00b", "\u202ereversed", "e\u0301\u0301\u0301", "🙂" * 40,
    "数学" * 30, "\ud83d\ude00", "\ufeff", "\ufffd", "\x7f\x1b[31m", "\r\n\r\n", "<script>alert(1)</script>",
    "'; DROP TABLE row; --", "{{ 7 * 7 }}", "$(id)", "=1+1", "\\boxed{4}", "<think>" * 50, "</think>",
    "(" * 5_000, "wait " * 500, "7" * 6_000, "\\frac{" * 700, "x" * 70_000, "NaN", "null", "-0", "1e999",
)  # fmt: skip

NUMBERS = (
    0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64, 10**40, 0.5, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), float("-inf"), True, False,
)  # fmt: skip


def text(rng: Random) -> str:
    """A text, now and then a long one, or one of random characters."""
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(TEXTS)
    if kind < 0.75:
        return f"What is {rng.randrange(9)} plus {rng.randrange(9)}?"
    if kind < 0.97:
        marks = (rng.choice((rng.randrange(128), rng.randrange(0x3000))) for _ in range(rng.randrange(60)))
        return "".join(map(chr, marks))
    return rng.choice(TEXTS[1:]) * rng.randrange(1, 40)


def value(rng: Random, depth: int = 0) -> Any:
    """A value of JSON, of any kind, nested up to five deep (now and then much deeper)."""
    kind = rng.random()
    if kind < 0.4 or depth > 4:
        return text(rng)
    if kind < 0.55:
        return rng.choice(NUMBERS)
    if kind < 0.65:
        return None
    if kind < 0.8:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind < 0.99:
        return {rng.choice(NAMES): value(rng, depth + 1) for _ in range(rng.randrange(4))}
    nested: Any = "deep"
    for _ in range(rng.choice((30, 33, 70, 400))):
        nested = [nested] if rng.random() < 0.5 else {"a": nested}
    return nested


def row(rng: Random) -> dict[str, Any]:
    """A row with a prompt, most often, and a few columns of anything."""
    found: dict[str, Any] = {}
    if rng.random() < 0.95:
        found["problem"] = text(rng) if rng.random() < 0.9 else value(rng)
    if rng.random() < 0.6:
        found["answer"] = rng.choice((text, value))(rng)
    if rng.random() < 0.3:
        found["responses"] = (
            [text(rng) for _ in range(rng.randrange(3))] if rng.random() < 0.8 else value(rng)
        )
    if rng.random() < 0.15:
        found["messages"] = (
            [
                {
                    "role": rng.choice(("user", "assistant", "system", "tool", "", None)),
                    "content": value(rng, 4),
                }
                for _ in range(rng.randrange(4))
            ]
            if rng.random() < 0.8
            else value(rng)
        )
    for _ in range(rng.randrange(3)):
        found[rng.choice(NAMES)] = value(rng)
    return found


def damaged(content: bytes, rng: Random, first: int = 0) -> bytes:
    """The bytes from `first` on cut, flipped, doubled, exchanged or with others put in."""
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        at = rng.randrange(min(first, len(made)), len(made) + 1)
        match rng.randrange(7):
            case 0 | 1 if at < len(made):
                made[at] ^= 1 << rng.randrange(8)
            case 2:
                made[at:at] = rng.choice(
                    (b"\0", b"\xff", b"\xc3", b'"', b"\n", b"{", b"]", b",", b"\xef\xbb\xbf", b"\r")
                )
            case 3 if at < len(made):
                made[at] = rng.randrange(256)
            case 4:
                del made[at : at + rng.randrange(1, 20)]
            case 5:
                made[at:at] = made[at : at + rng.randrange(1, 60)]
            case 6 if rng.random() < 0.3:
                del made[at:]
    return bytes(made)
