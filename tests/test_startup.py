"""What a command brings into memory: a run of a thousand rows is mostly imports, so they are counted here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from runs import build_run

NOT_FOR_DEDUP = (
    "pandas", "duckdb", "sympy", "math_verify", "datasketch", "rich", "torch", "ray",
    "pyarrow.dataset", "urllib.request", "http.client", "asyncio",
)  # fmt: skip


def python(script: str, folder: Path) -> str:
    """The last line a script prints, where a package `pandas` is installed (an empty one, which pyarrow finds too old)."""
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "pandas.py").write_text('__version__ = "0.1"\n')
    root = Path(__file__).resolve().parent.parent
    script = f"import sys\nsys.path[:0] = [{str(folder / 'site')!r}, {str(root)!r}]\n{script}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_small_dedup_imports_only_what_it_uses(tmp_path: Path) -> None:
    """No data frames of pandas, no algebra, no SQL, no HTTP: nothing of what the run does not do."""
    texts = [f"Problem {index}: how many apples has Ann got?" for index in range(20)]
    pl.DataFrame({"text": texts}).write_parquet(tmp_path / "in.parquet")
    script = (
        "from curate.cli.main import app\n"
        "sys.argv = ['curate', 'dedup', 'in.parquet', '-o', 'out']\n"
        "try:\n"
        "    app()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
        f"print(sorted(set({NOT_FOR_DEDUP!r}) & set(sys.modules)))\n"
    )
    assert python(script, tmp_path) == "[]"
    assert (tmp_path / "out" / "manifest.json").exists()


def test_pandas_is_there_for_whoever_asks_afterwards(tmp_path: Path) -> None:
    """Only pyarrow's first look at pandas finds nothing; an import is an import."""
    script = (
        "from curate.cli.execute import spare_pandas\n"
        "import pyarrow\n"
        "spare_pandas()\n"
        "pyarrow.array([1])\n"
        "before = 'pandas' in sys.modules\n"
        "import pandas\n"
        "print(before, pandas.__version__, len([f for f in sys.meta_path if 'NoPandas' in repr(f)]))\n"
    )
    assert python(script, tmp_path) == "False 0.1 0"


def test_the_library_leaves_pandas_to_others(tmp_path: Path) -> None:
    """Importing curate's modules does not change what pyarrow finds; only a command does."""
    script = (
        "import curate.cli.main, curate.cli.execute, curate.pipeline, curate.near, pyarrow\n"
        "pyarrow.array([1])\n"
        "print('pandas' in sys.modules)\n"
    )
    assert python(script, tmp_path) == "True"


@pytest.mark.parametrize(
    "command", [["sql", "out", "select row_id from everything"], ["explain", "out", "0"]]
)
def test_a_command_ends_without_a_word_about_its_objects(command: list[str], tmp_path: Path) -> None:
    """Commands leave their memory to the system; no library complains of it on standard error."""
    (tmp_path / "out").mkdir()
    build_run(tmp_path / "out")
    script = f"from curate.cli.main import app; app({command!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert done.stderr == ""
    assert done.stdout
