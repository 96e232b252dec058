"""The documentation says what the program does: generated pages are current, examples run, help is light."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from curate.recipe import parse, shipped
from curate.sample import write_sample
from curate.stages import STAGES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import generate  # noqa: E402 - docs/generate.py

HEAVY = (
    "polars",
    "pyarrow",
    "duckdb",
    "sympy",
    "numpy",
    "rapidfuzz",
    "datasketch",
    "math_verify",
)


def blocks(page: str, language: str) -> list[str]:
    """Fenced blocks of one language in a page."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(
    ("name", "make"), [("cli.md", generate.cli_page), ("stages.md", generate.stages_page)]
)
def test_generated_pages_are_current(name: str, make: object) -> None:
    """docs/cli.md and docs/stages.md are what `make docs` writes."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == make()  # type: ignore[operator]


def test_every_stage_and_recipe_is_documented() -> None:
    """Each stage has its page, each shipped recipe begins with a title and says why it drops."""
    page = (ROOT / "docs" / "stages.md").read_text(encoding="utf-8")
    assert all(f"## {name}\n" in page for name in STAGES)
    for name in shipped():
        text = (
            (ROOT / "rules" / f"{name}.toml")
            .read_text(encoding="utf-8")
            .replace("against = []", 'against = ["x"]')
        )
        recipe = parse(text, name)
        rules = [*recipe.drop.items(), *recipe.keep_one.items()]
        assert recipe.title
        assert all(rule.because for _, rule in rules), [reason for reason, rule in rules if not rule.because]


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    """`curate --help` and the help of every command import none of the data libraries."""
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from curate.cli.main import app\n"
        "commands = ['run', 'dedup', 'decontam', 'verify', 'filter', 'decide', 'explain', 'sql', 'diff', 'report',"
        " 'sample', 'stages', 'schema']\n"
        "for arguments in [['--help'], *[[command, '--help'] for command in commands]]:\n"
        "    result = CliRunner().invoke(app, arguments)\n"
        "    assert result.exit_code == 0, (arguments, result.output)\n"
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_commands_of_readme_and_guide_run(tmp_path: Path) -> None:
    """Every `curate` line of the README and the guide runs on the sample and ends with 0."""
    files = write_sample(tmp_path, 400, seed=1)
    files.rows[0].rename(tmp_path / "data.parquet")
    files.benchmark.rename(tmp_path / "my_exam.parquet")
    own = {**os.environ, "CURATE_BENCHMARKS": str(tmp_path / "benchmarks")}
    lines = [
        line
        for page in ("README.md", "docs/guide.md")
        for block in blocks(page, "sh")
        for line in block.splitlines()
        if line.startswith("curate ")
    ]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(line)[1:]
        command = [sys.executable, "-c", "from curate.cli.main import app; app()", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=own)
        assert done.returncode == 0, (line, done.stderr)


def test_the_recipes_of_readme_and_guide_are_valid() -> None:
    """Every TOML block that is a recipe is accepted; a block of patterns is checked as patterns are."""
    for page in ("README.md", "docs/guide.md"):
        for block in blocks(page, "toml"):
            if "[[pattern]]" not in block and "responses.given" not in block:
                parse(block, page)


def test_the_readme_names_two_commands_first() -> None:
    """The first block of the README is `make run` and `make test`, and the Makefile has both."""
    first = blocks("README.md", "sh")[0]
    assert [line.split()[:2] for line in first.splitlines()] == [["make", "run"], ["make", "test"]]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("run", "test", "check", "pipeline", "bench", "docs", "clean", "help"):
        assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), target
