"""An index of earlier data: new rows are compared with it, and what is found is what one whole run would find."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from curate import recipe as recipes
from curate.engines.local import LocalEngine
from curate.errors import InputError, RecipeError
from curate.pipeline import run
from curate.pipeline.earlier import open_index

DEDUP = """
[evidence.exact]
stage = "exact-dedup"
[evidence.near]
stage = "near-dedup"
threshold = 0.6
large-cluster = 12
[keep-one.exact-duplicate]
per = "exact.cluster_id"
on-missing = "keep"
[keep-one.near-duplicate]
per = "near.cluster_id"
on-missing = "keep"
"""


def problems(n: int, seed: int) -> list[str | None]:
    """Originals, copies, edited copies, a template, nulls: in random order."""
    rng = random.Random(seed)
    made: list[str | None] = [None, "", "Find x.", "Find x."]
    for _ in range(n):
        words = [f"w{rng.randrange(2000)}" for _ in range(rng.randrange(6, 60))]
        for _ in range(rng.randrange(1, 4)):
            copy = list(words)
            for _ in range(rng.randrange(3)):
                copy[rng.randrange(len(copy))] = rng.choice(("north", "south", "river", "stone"))
            made.append(" ".join(copy))
    template = "one long story that is always told in the same words but for the name of the child called"
    names = ("".join(rng.choices("bcdfgh", k=7)) for _ in range(30))
    made += [f"{template} {name} who went home" for name in names]
    rng.shuffle(made)
    return made


def dedup(
    texts: Sequence[str | None], folder: Path, index: Path | None, recipe: str = DEDUP, name: str = "in"
) -> pl.DataFrame:
    """Evidence and verdicts of a run, one line a row."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.parquet"
    answers = [f"{len(text or '')}" for text in texts]
    pl.DataFrame(
        {"problem": texts, "answer": answers}, schema_overrides={"problem": pl.String}
    ).write_parquet(file)
    settings: dict[str, Any] = {"source.files": [str(file)], "source.prompt": "problem"}
    if index is not None:
        settings["source.earlier"] = str(index)
    with LocalEngine(2) as engine:
        run(recipes.parse(recipe, "test", settings), folder / "out", engine=engine)
    return result(folder / "out")


def result(out: Path) -> pl.DataFrame:
    """Evidence and verdicts of a finished run."""
    tables = [
        pl.read_parquet(out / table / "*.parquet").rename(
            lambda column, table=table: column if column == "row_id" else f"{table}.{column}"
        )
        for table in ("evidence/exact", "evidence/near", "verdicts")
    ]
    return tables[0].join(tables[1], on="row_id").join(tables[2], on="row_id").sort("row_id")


@pytest.mark.parametrize("mode", ["lsh", "exact-join"])
def test_new_rows_are_found_as_in_one_whole_run(mode: str, tmp_path: Path) -> None:
    """Three runs one after the other: the evidence of each is a slice of the whole run's, and as much is kept."""
    texts = problems(120, seed=1)
    recipe = DEDUP.replace("threshold = 0.6", f'threshold = 0.6\nmode = "{mode}"')
    whole = dedup(texts, tmp_path / "whole", None, recipe)
    assert (whole["evidence/near.status"] == "large").sum() == 30
    assert not whole["verdicts.keep"].all()
    cuts = [0, 70, 71, 180, len(texts)]
    for number, (start, stop) in enumerate(itertools.pairwise(cuts)):
        found = dedup(texts[start:stop], tmp_path / str(number), tmp_path / "index", recipe)
        expected = dedup(texts[:stop], tmp_path / f"whole{stop}", None, recipe).slice(start)
        columns = [name for name in found.columns if not name.startswith("verdicts.")]
        assert found.select(columns).equals(expected.select(columns))
        assert found["verdicts.keep"].equals(expected["verdicts.keep"])
    assert [part.first_row for part in open_index(tmp_path / "index").parts] == cuts[:-1]


def test_the_same_run_again_changes_nothing(tmp_path: Path) -> None:
    """Run once more, the last input is not taken for earlier data: same evidence, same index."""
    dedup(problems(20, seed=2), tmp_path / "first", tmp_path / "index")
    texts = problems(20, seed=3)
    once = dedup(texts, tmp_path / "second", tmp_path / "index")
    index = (tmp_path / "index" / "index.json").read_bytes()
    again = dedup(texts, tmp_path / "second", tmp_path / "index")
    assert again.equals(once)
    assert (tmp_path / "index" / "index.json").read_bytes() == index


def test_a_row_that_was_dropped_does_not_stand_in_the_way(tmp_path: Path) -> None:
    """Earlier data holds a copy that another rule dropped: the new one is kept; one it kept: the new one goes."""
    recipe = DEDUP + "[drop.told-off]\nwhen = \"row.answer = '7'\"\n"
    first = dedup(["Find x.", "Find all y with y^2 = 4."], tmp_path / "first", tmp_path / "index", recipe)
    assert first["verdicts.keep"].to_list() == [False, True]
    found = dedup(
        ["Find  x.", "Find all y with $y^2=4$"], tmp_path / "second", tmp_path / "index", recipe, name="more"
    )
    assert found["row_id"].to_list() == [2, 3]
    assert found["evidence/near.representative"].to_list() == [0, 1]
    assert found["evidence/exact.cluster_id"].to_list() == [0, 3]
    assert found["verdicts.reasons"].to_list() == [[], ["near-duplicate"]]
    assert found["verdicts.kept_instead"].to_list() == [None, 1]


def test_an_input_that_is_in_the_index_already_is_refused(tmp_path: Path) -> None:
    """Its rows would all be copies of themselves: the message says so."""
    texts = problems(10, seed=4)
    dedup(texts, tmp_path / "first", tmp_path / "index")
    dedup(problems(10, seed=5), tmp_path / "second", tmp_path / "index")
    with pytest.raises(InputError, match=r"in the index already \(part 1 of 2, \d+ rows\)"):
        dedup(texts, tmp_path / "first", tmp_path / "index")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "found a damaged one"),
        (json.dumps({"version": 99, "parts": []}), "expected version 2, found 99"),
        (json.dumps({"version": 2, "parts": [{"key": "a"}]}), "found a damaged one"),
    ],
)
def test_a_damaged_index_stops_the_run(text: str, message: str, tmp_path: Path) -> None:
    """What is wrong with index.json is said; nothing is written."""
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "index.json").write_text(text)
    with pytest.raises(InputError, match=message):
        dedup(["Find x."], tmp_path / "run", tmp_path / "index")
    assert not (tmp_path / "run" / "out" / "manifest.json").exists()


def test_a_folder_of_something_else_is_no_index(tmp_path: Path) -> None:
    """A folder with files of its own is not taken for an index, and nothing is put into it."""
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"found thesis\.tex and no index\.json"):
        dedup(["Find x."], tmp_path / "run", tmp_path / "index")
    assert [path.name for path in (tmp_path / "index").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('linkage = "single"', "would join clusters of earlier data"),
        ("skip-if = \"row.source = 'x'\"", "evidence that earlier data does not have"),
    ],
)
def test_what_cannot_go_with_an_index_is_known_before_anything_is_read(
    line: str, message: str, tmp_path: Path
) -> None:
    """Single linkage and skip-if are refused with the reason."""
    recipe = DEDUP.replace("threshold = 0.6", f"threshold = 0.6\n{line}")
    with pytest.raises(RecipeError, match=message):
        dedup(["Find x."], tmp_path / "run", tmp_path / "index", recipe)


def test_other_parameters_measure_the_earlier_data_again(tmp_path: Path) -> None:
    """The index was made at one threshold; a run at another finds what a whole run at that threshold finds."""
    texts = problems(40, seed=6)
    dedup(texts[:50], tmp_path / "first", tmp_path / "index")
    recipe = DEDUP.replace("0.6", "0.5")
    found = dedup(texts[50:], tmp_path / "second", tmp_path / "index", recipe)
    expected = dedup(texts, tmp_path / "whole", None, recipe).slice(50)
    columns = [name for name in found.columns if not name.startswith("verdicts.")]
    assert found.select(columns).equals(expected.select(columns))


def test_an_index_that_is_damaged_is_not_compared_with(tmp_path: Path) -> None:
    """A changed row of earlier data stops the run; what stages remember of it is worked out again."""
    first, texts = problems(20, seed=2), problems(20, seed=3)
    dedup(first, tmp_path / "first", tmp_path / "whole")
    expected = dedup(texts, tmp_path / "expected", tmp_path / "whole")
    dedup(first, tmp_path / "again", tmp_path / "index")
    [state] = (tmp_path / "index" / "state").iterdir()
    remembered = [path for path in state.rglob("*") if path.is_file() and ".sums" not in path.parts]
    assert len(remembered) >= 3
    for path in remembered:
        path.write_bytes(bytes(len(path.read_bytes())))
    assert dedup(texts, tmp_path / "new", tmp_path / "index").equals(expected)
    rows, *_ = sorted((tmp_path / "whole" / "parts").glob("*/rows/00000.parquet"))
    data = bytearray(rows.read_bytes())
    data[len(data) // 2] ^= 1
    rows.write_bytes(data)
    with pytest.raises(InputError, match="rows/00000.parquet: expected the file that an earlier run wrote"):
        dedup(problems(20, seed=4), tmp_path / "third", tmp_path / "whole")
