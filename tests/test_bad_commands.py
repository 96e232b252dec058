"""What a user can do wrong on the command line: a message that helps, an exit code, no traceback, no output."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from golden import check_golden
from typer.testing import CliRunner

from curate.cli.main import app

ROWS = pl.DataFrame({"problem": ["What is 1 + 1?", "What is 2 + 2?"], "answer": ["2", "4"]})
RULE = '[evidence.query]\nstage = "query-quality"\n[drop.url]\nwhen = "query.has_url"\n'


def rows(tmp: Path) -> str:
    """A good input file."""
    path = tmp / "rows.parquet"
    ROWS.write_parquet(path)
    return str(path)


def recipe(tmp: Path, text: str) -> str:
    """A recipe file."""
    path = tmp / "my.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def copies(tmp: Path) -> str:
    """An input of which most rows of one source are copies of each other."""
    path = tmp / "copies.parquet"
    prompts = ["What is 1 + 1?"] * 6 + ["What is 2 + 2?", "What is 3 + 3?"]
    sources = ["web"] * 6 + ["web", "book"]
    pl.DataFrame({"problem": prompts, "answer": ["2"] * 8, "source": sources}).write_parquet(path)
    return str(path)


KEEP_ONE = '[evidence.exact]\nstage = "exact-dedup"\n[keep-one.exact-duplicate]\nper = "exact.cluster_id"\n'


def finished(tmp: Path) -> str:
    """A finished run."""
    out = tmp / "run"
    done = CliRunner().invoke(
        app, ["run", recipe(tmp, RULE), "-i", rows(tmp), "-o", str(out), "--workers", "1"]
    )
    assert done.exit_code == 0, done.output
    return str(out)


def unfinished(tmp: Path) -> str:
    """A run folder whose manifest is missing."""
    out = finished(tmp)
    (Path(out) / "manifest.json").unlink()
    return out


def broken_manifest(tmp: Path) -> str:
    """A run folder whose manifest is cut short."""
    out = finished(tmp)
    manifest = Path(out) / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8")[:50], encoding="utf-8")
    return out


def foreign_folder(tmp: Path) -> str:
    """A folder with somebody's files in it."""
    (tmp / "mine").mkdir()
    (tmp / "mine" / "thesis.tex").write_text("x", encoding="utf-8")
    return str(tmp / "mine")


def message(stderr: str) -> str:
    """What curate (or Typer) complains about, without the progress before it."""
    start = stderr.rfind("curate: ") if "curate: " in stderr else 0
    return stderr[start:]


CASES: dict[str, Callable[[Path], list[str]]] = {
    "no-such-recipe-name": lambda tmp: ["run", "defualt", "-i", rows(tmp)],
    "no-such-recipe-file": lambda tmp: ["run", str(tmp / "none.toml"), "-i", rows(tmp)],
    "recipe-is-not-toml": lambda tmp: ["run", recipe(tmp, "[evidence"), "-i", rows(tmp)],
    "recipe-is-binary": lambda tmp: ["run", recipe(tmp, RULE), "-i", rows(tmp), "--set", "=1"],
    "recipe-unknown-stage": lambda tmp: ["run", recipe(tmp, RULE.replace("query-q", "querry-q")), "-i", rows(tmp)],
    "recipe-unknown-key": lambda tmp: ["run", recipe(tmp, RULE + "on-missin = 'keep'\n"), "-i", rows(tmp)],
    "recipe-unknown-table": lambda tmp: ["run", recipe(tmp, RULE.replace("drop", "drops")), "-i", rows(tmp)],
    "recipe-unknown-column": lambda tmp: ["run", recipe(tmp, RULE.replace("has_url", "has_urls")), "-i", rows(tmp)],
    "recipe-unknown-evidence": lambda tmp: ["run", recipe(tmp, RULE.replace("query.has", "qwery.has")), "-i", rows(tmp)],
    "recipe-not-a-predicate": lambda tmp: ["run", recipe(tmp, RULE.replace("has_url", "n_chars")), "-i", rows(tmp)],
    "recipe-bad-sql": lambda tmp: ["run", recipe(tmp, RULE.replace("query.has_url", "query.n_chars >")), "-i", rows(tmp)],
    "recipe-wrong-type": lambda tmp: ["run", recipe(tmp, RULE), "-i", rows(tmp), "--set", "output.shard-bytes=big"],
    "recipe-two-problems": lambda tmp: [
        "run", recipe(tmp, RULE.replace("has_url", "has_urls") + '[output]\nformat = "arrow"\n'), "-i", rows(tmp),
    ],
    "recipe-two-predicates": lambda tmp: [
        "run", recipe(tmp, RULE.replace("has_url", "has_urls") + "[drop.x]\nwhen = 'a.b'\n"), "-i", rows(tmp),
    ],
    "original-unknown-columns": lambda tmp: [
        "run", recipe(tmp, KEEP_ONE + 'prefer = ["original.sauce"]\n[drop.x]\nwhen = "original.answer > 2"\n'),
        "-i", copies(tmp),
    ],
    "drop-share-of-a-keep-one-rule": lambda tmp: [
        "run", recipe(tmp, KEEP_ONE + "max-drop-share = 0.5\n"), "-i", copies(tmp),
    ],
    "drop-share-of-a-drop-rule": lambda tmp: [
        "run", recipe(tmp, "[drop.two]\nwhen = \"row.answer = '2'\"\nmax-drop-share = 0.5\n"), "-i", copies(tmp),
    ],
    "no-input": lambda tmp: ["run", recipe(tmp, RULE)],
    "input-does-not-exist": lambda tmp: ["run", recipe(tmp, RULE), "-i", str(tmp / "none.parquet")],
    "nothing-to-protect": lambda tmp: ["run", "default", "-i", rows(tmp), "--set", "evidence.leak.against=[]"],
    "benchmark-does-not-exist": lambda tmp: ["decontam", rows(tmp), "--against", "aime_2035"],
    "benchmark-without-text": lambda tmp: ["decontam", rows(tmp), "--against", rows(tmp), "--against-column", "x"],
    "unknown-prompt-column": lambda tmp: ["dedup", rows(tmp), "--prompt-column", "problm"],
    "memory-is-no-size": lambda tmp: ["dedup", rows(tmp), "--memory", "lots"],
    "memory-is-too-little": lambda tmp: ["dedup", rows(tmp), "--memory", "10"],
    "unknown-mode": lambda tmp: ["dedup", rows(tmp), "--mode", "all-pairs"],
    "protect-is-no-predicate": lambda tmp: ["dedup", rows(tmp), "--protect", "row.source"],
    "against-is-no-index": lambda tmp: ["dedup", rows(tmp), "--against", foreign_folder(tmp)],
    "unknown-format": lambda tmp: ["dedup", rows(tmp), "--format", "alpaca"],
    "on-bad-rows-misspelt": lambda tmp: ["dedup", rows(tmp), "--on-bad-rows", "skip"],
    "without-unknown-evidence": lambda tmp: ["run", recipe(tmp, RULE), "-i", rows(tmp), "--without", "querry"],
    "set-without-value": lambda tmp: ["run", recipe(tmp, RULE), "-i", rows(tmp), "--set", "output.format"],
    "filter-rule-without-predicate": lambda tmp: ["filter", rows(tmp), "--drop", "too-long"],
    "filter-bad-reason": lambda tmp: ["filter", rows(tmp), "--drop", "Too Long=query.n_chars > 3"],
    "out-is-not-a-run": lambda tmp: ["run", recipe(tmp, RULE), "-i", rows(tmp), "-o", foreign_folder(tmp)],
    "explain-not-a-run": lambda tmp: ["explain", foreign_folder(tmp), "0"],
    "explain-no-folder": lambda tmp: ["explain", str(tmp / "none"), "0"],
    "explain-unfinished-run": lambda tmp: ["explain", unfinished(tmp), "0"],
    "explain-damaged-manifest": lambda tmp: ["explain", broken_manifest(tmp), "0"],
    "explain-no-such-row": lambda tmp: ["explain", finished(tmp), "99"],
    "sql-unknown-view": lambda tmp: ["sql", finished(tmp), "SELECT * FROM leek"],
    "sql-not-a-select": lambda tmp: ["sql", finished(tmp), "DROP VIEW query"],
    "sql-reads-a-file": lambda tmp: ["sql", finished(tmp), "SELECT * FROM read_csv('/etc/hosts')"],
    "sql-unknown-output": lambda tmp: ["sql", finished(tmp), "SELECT 1", "--output", "xml"],
    "decide-unmeasured-evidence": lambda tmp: [
        "decide", finished(tmp), "--recipe", recipe(tmp, RULE + '[evidence.exact]\nstage = "exact-dedup"\n'),
    ],
    "diff-not-a-run": lambda tmp: ["diff", finished(tmp), foreign_folder(tmp)],
    "unknown-stage": lambda tmp: ["stages", "near-dup"],
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_gets_a_message_that_helps(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong command ends with its golden message, an exit code, no traceback and no half-written run."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, CASES[name](tmp_path))
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit), result.exception
    assert not (tmp_path / "out" / "manifest.json").exists()
    check_golden("bad_commands", name, message(result.stderr), tmp_path)


def test_a_rule_that_meets_null_stops_the_run(tmp_path: Path) -> None:
    """Evidence that could not be measured is never taken for false."""
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"problem": ["What is 1 + 1?", None], "answer": ["2", "3"]}).write_parquet(path)
    text = '[evidence.exact]\nstage = "exact-dedup"\n[drop.alone]\nwhen = "exact.cluster_size < 1"\n'
    result = CliRunner().invoke(
        app, ["run", recipe(tmp_path, text), "-i", str(path), "-o", str(tmp_path / "out")]
    )
    assert result.exit_code == 4
    check_golden("bad_commands", "rule-meets-null", result.stderr.splitlines()[-1], tmp_path)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_second_run_into_the_same_folder_stops(tmp_path: Path) -> None:
    """While one run writes a folder, another is told so."""
    import fcntl

    out = Path(finished(tmp_path))
    with (out / ".curate").open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        arguments = ["run", str(tmp_path / "my.toml"), "-i", str(tmp_path / "rows.parquet"), "-o", str(out)]
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 3
    check_golden("bad_commands", "two-runs-one-folder", result.stderr, tmp_path)
    json.loads((out / "manifest.json").read_text(encoding="utf-8"))
