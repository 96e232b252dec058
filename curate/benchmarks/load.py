"""Benchmark files: which files a recipe names, and the items in them.

A benchmark is a file of items: Parquet, JSON lines (plain, .gz or .zst) or CSV. Its name is the
file's name without endings. The text of an item is the first of `TEXT_COLUMNS` that the file has,
its id the first of `ID_COLUMNS`, else its position in the file.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from curate.errors import InputError, did_you_mean

TEXT_COLUMNS = ("problem", "question", "prompt", "query", "text", "content")
ID_COLUMNS = ("id", "uid", "task_id", "question_id")
ANSWER_COLUMNS = ("answer", "final_answer")
SOLUTION_COLUMNS = ("solution", "canonical_solution")
ACCEPTED = (
    "a file (.parquet, .jsonl, .jsonl.gz, .jsonl.zst, .csv), a glob such as 'benchmarks/*.parquet', "
    "or a folder of such files"
)


Reader = Callable[[Path, Sequence[str]], dict[str, list[Any]]]


class Benchmark(NamedTuple):
    """Items of one evaluation set, in file order; `ids` and `texts` run in parallel."""

    name: str
    ids: list[str]
    texts: list[str | None]  # null where the file has none: such an item is never matched


def files_of(names: Sequence[str]) -> list[Path]:
    """Return the benchmark files that `names` stand for, in the order named, each once.

    A name is a file, a glob (`*`, `?`, `[`, `**`) or a folder; files of a glob or folder come sorted
    by path, a folder gives the files of a known kind directly in it.
    Raises InputError listing every name that stands for no file.
    """
    found: dict[Path, Path] = {}
    problems = []
    for name in names:
        paths = paths_of(name)
        if not paths:
            problems.append(why_none(name))
        for path in paths:
            found.setdefault(path.resolve(), path)
    if problems:
        raise InputError("\n".join(problems))
    return list(found.values())


def load(path: Path | str, column: str | None = None) -> Benchmark:
    """Return the items of one benchmark file.

    column: the text column; by default the first of `TEXT_COLUMNS` that is there. A column that
    holds a chat (a list of messages with role and content) gives the text of the user's messages.
    Raises InputError if the file cannot be read, has no items, or no text column is found.
    """
    path = Path(path)
    columns = read_columns(path, (*TEXT_COLUMNS, *ID_COLUMNS, *([column] if column else [])))
    texts_of = text_column(path, columns, column)
    texts = texts_in(path, columns, texts_of)
    id_column = next((name for name in ID_COLUMNS if name in columns and name != texts_of), None)
    return Benchmark(_stem(path), ids_in(columns, id_column, len(texts)), texts)


def texts_in(path: Path, columns: dict[str, list[Any]], column: str) -> list[str | None]:
    """The texts of a column; raises InputError if there is no item, or one that is no text."""
    texts = [_text(value, path, column, position) for position, value in enumerate(columns[column])]
    if not texts:
        raise InputError(f"{path}: expected benchmark items, found none. Give a file with one item a line.")
    return texts


def ids_in(columns: dict[str, list[Any]], column: str | None, n_items: int) -> list[str]:
    """The ids of a column as text; where it has none, positions."""
    known: list[Any] = columns[column] if column else [None] * n_items
    return [str(i) if value is None else well_formed(str(value)) for i, value in enumerate(known)]


def load_all(paths: Sequence[Path | str], column: str | None = None) -> list[Benchmark]:
    """Return the benchmarks of several files, their names distinct.

    Files of the same name get the names of their folders in front, as many as tell them apart
    (`gsm8k/test`, `math/test`).
    """
    benchmarks = [load(path, column) for path in paths]
    names = distinct_names([Path(path) for path in paths])
    return [benchmark._replace(name=name) for benchmark, name in zip(benchmarks, names, strict=True)]


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Names of distinct files, with as many folders in front as tell them apart.

    Without endings, unless two files of a folder differ only in theirs.

    >>> distinct_names([Path("gsm8k/test.jsonl"), Path("math/test.csv"), Path("aime.parquet")])
    ['gsm8k/test', 'math/test', 'aime']
    """
    beside = Counter((path.parent.absolute(), _stem(path)) for path in paths)
    parts = [
        (*folder.parts[1:], _stem(path) if beside[folder, _stem(path)] == 1 else path.name)
        for path in paths
        for folder in [path.parent.absolute()]
    ]
    depth = [1] * len(paths)
    while True:
        names = ["/".join(part[-n:]) for part, n in zip(parts, depth, strict=True)]
        times = Counter(names)
        if max(times.values(), default=1) == 1 or max(depth) > max(map(len, parts)):
            return names  # the second case: a file given twice
        depth = [n + (times[name] > 1) for n, name in zip(depth, names, strict=True)]


def paths_of(name: str) -> list[Path]:
    """The files that a name stands for; none if it is no file, folder or glob."""
    path = Path(name)
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(p for p in path.iterdir() if p.is_file() and _reader_of(p) and p.name[0] != ".")
    matches = glob.glob(name, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
    return sorted(Path(match) for match in matches if Path(match).is_file())


def why_none(name: str) -> str:
    """A sentence about a name that stands for no file."""
    if Path(name).is_dir():
        return f"{name}: the folder holds no benchmark file. Expected {', '.join(READERS)} files in it."
    if glob.has_magic(name):
        return f"{name}: no file matches. Expected {ACCEPTED}."
    return f"{name}: there is no such file. Expected {ACCEPTED}."


def read_columns(path: Path, wanted: Sequence[str]) -> dict[str, list[Any]]:
    """All columns of a file by name, at least those that are wanted with their values.

    Raises InputError if the file is not there, damaged, or of an unknown kind.
    """
    reader = _reader_of(path)
    if reader is None:
        raise InputError(f"{path}: unknown kind of file. Expected {', '.join(READERS)}.")
    try:
        return reader(path, wanted)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. Expected {ACCEPTED}.") from None
    except (pa.ArrowInvalid, csv.Error, gzip.BadGzipFile, zstandard.ZstdError, EOFError) as error:
        raise InputError(f"{path}: the file is damaged or not what its name says: {error}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected UTF-8 text: {error}. Convert the file to UTF-8.") from error


def _read_parquet(path: Path, wanted: Sequence[str]) -> dict[str, list[Any]]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        # Code benchmarks carry test cases of hundreds of megabytes beside their questions.
        read = [name for name in names if name in wanted]
        table = file.read(columns=read)
    return {name: table[name].to_pylist() if name in read else [] for name in names}


def _read_jsonl(path: Path, _: Sequence[str]) -> dict[str, list[Any]]:
    rows: list[dict[str, Any]] = []
    with _open_text(path) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(
                    f"{path}: line {number}: expected one JSON object a line: {error}"
                ) from error
            if not isinstance(row, dict):
                raise InputError(f"{path}: line {number}: expected a JSON object, found {type(row).__name__}")
            rows.append(row)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _read_csv(path: Path, _: Sequence[str]) -> dict[str, list[Any]]:
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.reader(lines)
        names = next(table, [])
        rows = list(table)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            raise InputError(
                f"{path}: record {number}: expected {len(names)} fields as in the header, found {len(row)}"
            )
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


READERS: dict[str, Reader] = {
    ".parquet": _read_parquet,
    ".jsonl": _read_jsonl,
    ".jsonl.gz": _read_jsonl,
    ".jsonl.zst": _read_jsonl,
    ".csv": _read_csv,
}


def _ending(path: Path) -> str | None:
    return next((ending for ending in READERS if path.name.lower().endswith(ending)), None)


def _reader_of(path: Path) -> Reader | None:
    return READERS.get(_ending(path) or "")


def _stem(path: Path) -> str:
    return path.name.removesuffix(".fingerprint")[: -len(_ending(path) or "") or None]


def _open_text(path: Path) -> IO[str]:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig")
    if path.name.lower().endswith(".zst"):
        return io.TextIOWrapper(zstandard.open(path, "rb"), encoding="utf-8-sig")
    return path.open(encoding="utf-8-sig")


def text_column(
    path: Path, columns: dict[str, list[Any]], column: str | None, setting: str = "against-column"
) -> str:
    """Name of the column of the text: the one asked for, else the first of `TEXT_COLUMNS`."""
    if column is not None:
        if column not in columns:
            raise InputError(f"{path}: no column {column}. {did_you_mean(column, columns)}")
        return column
    found = next((name for name in TEXT_COLUMNS if name in columns), None)
    if found is None:
        raise InputError(
            f"{path}: expected a text column named {', '.join(TEXT_COLUMNS)}; "
            f"found {', '.join(columns) or 'no columns'}. Name it with {setting}."
        )
    return found


def _text(value: Any, path: Path, column: str, position: int) -> str | None:
    """Text of an item: a string as it is, of a chat the user's messages."""
    if isinstance(value, list) and all(isinstance(turn, dict) for turn in value):
        value = "\n\n".join(_user_texts(value)) or None
    if value is None or isinstance(value, str):
        return None if value is None else well_formed(value)
    raise InputError(
        f"{path}: item {position}: column {column}: expected text or a list of messages with role and "
        f"content, found {type(value).__name__}. Name the text column with against-column."
    )


def _user_texts(turns: list[dict[str, Any]]) -> Iterator[str]:
    for turn in turns:
        role = turn.get("role", turn.get("from"))
        content = turn.get("content", turn.get("value"))
        if role in ("user", "human") and isinstance(content, str):
            yield content


def well_formed(text: str) -> str:
    """The text with lone surrogates, which JSON can spell and UTF-8 cannot, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
