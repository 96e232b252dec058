"""The items of a run's benchmarks in one file, that every worker maps: their benchmark, id and text."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from curate.benchmarks.protect import Protected
from curate.disk import write_arrow
from curate.errors import InputError

COLUMNS = ("benchmark", "item", "text")


class ItemTexts(NamedTuple):
    """The items of all benchmarks, in the order named; the lists run in parallel."""

    benchmarks: list[str]
    ids: list[str]
    texts: list[str | None]


def write_item_file(items: ItemTexts, folder: Path) -> Path:
    """Write the items into `folder`; the path, which holds their content's hash."""
    digest = hashlib.sha256()
    for column in items:
        for value in column:
            content = (value or "").encode("utf-8", "surrogatepass")
            digest.update((-1 if value is None else len(content)).to_bytes(8, "little", signed=True))
            digest.update(content)
    path = folder / f"items-{digest.hexdigest()[:16]}.arrow"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        columns = [pa.array(column, pa.large_string()) for column in items]
        write_arrow(pa.table(columns, names=list(COLUMNS)), path)
    return path


def map_item_file(path: Path) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Benchmarks, ids and texts as they lie in the file."""
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    benchmarks, ids, texts = (table.column(name).combine_chunks() for name in COLUMNS)
    return benchmarks, ids, texts


def read_item_file(path: Path) -> ItemTexts:
    """The items as Python strings."""
    return ItemTexts(*(column.to_pylist() for column in map_item_file(path)))


def items_with_text(against: Sequence[Protected]) -> ItemTexts:
    """The problems of all items. Raises InputError if only the fingerprint of a benchmark is at hand."""
    without = list(dict.fromkeys(one.name.partition("@")[0] for one in against if one.text is None))
    if without:
        more = f" and {len(without) - 1} more" if len(without) > 1 else ""
        raise InputError(
            f"{without[0]}{more}: expected the text of the benchmark, found only its fingerprint, "
            f"which is of n-grams of 10 words. Other normal forms, units and measures need the texts: "
            f"curate benchmarks pull {' '.join(without)}"
        )
    read = [(one.name, one.items()) for one in against]
    return ItemTexts(
        [name for name, items in read for _ in items.ids],
        [item for _, items in read for item in items.ids],
        [text for _, items in read for text in items.texts],
    )
