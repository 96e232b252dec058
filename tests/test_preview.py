"""`curate dedup --preview` shows what each threshold would drop and the pairs about the chosen one."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from typer.testing import CliRunner

from curate.cli.main import app
from curate.cli.preview import word_difference

WORDS = [
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima",
    "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango", "uniform", "victor", "whisky",
]  # fmt: skip


def text_of(*changed: int) -> str:
    """A sentence with the words at these places replaced."""
    return " ".join("other" if place in changed else word for place, word in enumerate(WORDS))


def preview(tmp_path: Path, texts: list[str], *flags: str) -> tuple[str, str]:
    """What is printed, and what is said beside it."""
    pl.DataFrame({"problem": texts}).write_parquet(tmp_path / "in.parquet")
    command = ["dedup", str(tmp_path / "in.parquet"), "--preview", "-o", str(tmp_path / "out"), *flags]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return done.stdout, done.stderr


def test_the_sweep_counts_what_each_threshold_drops(tmp_path: Path) -> None:
    """One exact copy, a pair at 18/20 and one at 14/24: dropped at .9 and .58, each at no higher threshold."""
    texts = [text_of(), text_of(), text_of(22), text_of(0).upper(), " ".join(reversed(WORDS))]
    texts += [" ".join(reversed(text_of(22).split()))]
    said, beside = preview(tmp_path, texts)
    assert "1 of 6 rows are exact copies" in said
    lines = {line.split()[0]: line.split() for line in said.splitlines() if line.strip()[:2] in ("0.", "1.")}
    assert {step: int(line[1]) for step, line in lines.items()} == {
        "0.60": 3, "0.65": 3, "0.70": 3, "0.75": 3, "0.80": 3, "0.85": 3, "0.90": 3, "0.95": 0, "1.00": 0,
    }  # fmt: skip
    assert lines["0.80"][-1] == "--threshold"
    assert "16 bands of 5 minhashes find 99.83% of the pairs at Jaccard 0.8" in beside
    assert not (tmp_path / "out").exists()


def test_borderline_pairs_show_what_differs(tmp_path: Path) -> None:
    """The pair nearest to the threshold comes with its Jaccard and the words that differ."""
    said, _ = preview(tmp_path, [text_of(), text_of(22)])
    assert "rows 0 and 1, Jaccard 0.900: same" in said
    assert "[-whisky-] {+other+}" in said


def test_no_pair_is_no_error(tmp_path: Path) -> None:
    """A corpus of one row has a sweep of zeros and no pairs."""
    said, _ = preview(tmp_path, ["Find x."], "--mode", "exact-join")
    assert "0 pairs about 0.8" in said


def test_long_equal_stretches_are_shortened() -> None:
    """Of what two texts share only the words beside a difference are shown."""
    one = " ".join(["start", *(f"w{number}" for number in range(40)), "end"])
    assert word_difference(one, one.replace("end", "stop")) == (
        "... w34 w35 w36 w37 w38 w39 [-end-] {+stop+}"
    )
