"""Near-duplicate texts: MinHash LSH or an exact join, every pair verified, memory bounded.

>>> import pyarrow as pa, pyarrow.parquet as pq, tempfile, pathlib
>>> file = pathlib.Path(tempfile.mkdtemp()) / "problems.parquet"
>>> texts = ["Let a be 2. Find a + 3 and a - 3.", "Let $a$ be $2$. Find $a+3$, and $a-3$!?", "Find 2 + 2."]
>>> pq.write_table(pa.table({"text": texts}), file)
>>> near_duplicates([file], ngram=3, threshold=0.7).select(["row", "representative"]).to_pydict()
{'row': [0, 1, 2], 'representative': [0, 0, 2]}
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.disk import memory_for_work, return_memory, whole_file, write_arrow
from curate.kernels.clusters import Linkage
from curate.kernels.minhash import choose_banding
from curate.kernels.native import Texts
from curate.kernels.text import Tokenizer
from curate.near.find import NOTHING_SETTLED, STATUSES, Near, find_near
from curate.near.signing import Agree, Mode, NearParams, Prompts, scratch_bytes

FOUND = pa.schema(
    [
        ("row", pa.int64()),
        ("representative", pa.int64()),
        ("cluster_size", pa.int32()),
        ("jaccard", pa.float64()),
        ("best_link", pa.float64()),
        ("worst_link", pa.float64()),
        ("status", pa.string()),
    ]
)


def near_duplicates(
    files: Sequence[Path | str],
    column: str = "text",
    *,
    into: Path | str | None = None,
    threshold: float = 0.8,
    tokenizer: Tokenizer = "math",
    ngram: int = 5,
    agree: Sequence[Agree] = ("numbers", "symbols", "words"),
    mode: Mode = "lsh",
    linkage: Linkage = "leader",
    large_cluster: int | None = 100,
    memory: int = 4_000_000_000,
    workers: int = 2,
    scratch: Path | None = None,
) -> pa.Table:
    """One line per row of the Parquet files, in their order: its representative and how near it is.

    `row` and `representative` count from 0 over all files. With `into` the lines are written to that Parquet
    file, and the table returned has none: for corpora whose lines alone would not fit. `scratch` is a folder
    for what does not fit in memory (default: the system's). Raises MachineError if `memory` (bytes) is too
    little for so many rows.
    """
    params = NearParams(
        threshold=threshold,
        banding=choose_banding(threshold),
        tokenizer=tokenizer,
        ngram=ngram,
        numbers_agree="numbers" in agree,
        symbols_agree="symbols" in agree,
        words_agree="words" in agree,
        mode=mode,
        linkage=linkage,
        large_cluster=large_cluster,
    )
    groups = _RowGroups(files, column, keep_bytes=memory // 4)
    on_the_way = scratch_bytes(groups.n_rows, groups.n_bytes, params)
    with tempfile.TemporaryDirectory(dir=scratch) as folder, ThreadPoolExecutor(workers) as pool:
        near = find_near(
            groups.parts,
            groups.read,
            params,
            _Threads(pool, Path(folder), in_memory=on_the_way <= memory // 4),
            Path(folder),
            memory_bytes=memory_for_work(memory),
            workers=workers,
        )
    groups.forget()
    near = near._replace(settled=NOTHING_SETTLED)  # nobody comes later
    return_memory()
    lines = (_lines(near, part) for part in range(len(groups.parts)))
    if into is None:
        return pa.Table.from_batches(lines, schema=FOUND)
    with whole_file(Path(into)) as sink, pq.ParquetWriter(sink, FOUND, compression="zstd") as writer:
        for batch in lines:
            writer.write_batch(batch)
    return FOUND.empty_table()


def _lines(near: Near, part: int) -> pa.RecordBatch:
    found = near.part(part)
    first = int(near.starts[part])
    alone = np.isnan(found.best)
    columns = [
        pa.array(np.arange(first, first + len(found.status))),
        pa.array(found.representative.astype(np.int64)),
        pa.array(found.size.astype(np.int32)),
        pa.array(found.jaccard),
        pa.array(found.best, mask=alone),
        pa.array(found.worst, mask=alone),
        pa.DictionaryArray.from_arrays(found.status, pa.array(STATUSES)).cast(pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=FOUND)


class _Threads:
    """Work on the threads of a pool; its tables stay in memory, or go to files."""

    def __init__(self, pool: ThreadPoolExecutor, folder: Path, *, in_memory: bool) -> None:
        self._pool = pool
        self._folder = folder
        self._in_memory = in_memory

    def __call__(
        self, fn: Callable[[Any], pa.Table], items: Sequence[Any], name: str
    ) -> Sequence[Path | pa.Table]:
        del name  # nobody watches
        return list(self._pool.map(lambda item: self._stored(fn(item)), items))

    def _stored(self, table: pa.Table) -> Path | pa.Table:
        if self._in_memory:
            return table
        path = self._folder / f"{uuid.uuid4().hex}.arrow"
        write_arrow(table, path)
        return path


class _RowGroups:
    """The row groups of Parquet files, kept in memory once read if they have no more than `keep_bytes`."""

    def __init__(self, files: Sequence[Path | str], column: str, keep_bytes: int) -> None:
        self._column = column
        self._kept: dict[tuple[Path, int], Prompts] = {}
        self._metadata = {Path(file): pq.read_metadata(file) for file in files}
        self.parts = [
            (Path(file), index)
            for file in files
            for index in range(self._metadata[Path(file)].num_row_groups)
        ]
        self.n_rows = sum(metadata.num_rows for metadata in self._metadata.values())
        groups = (self._metadata[path].row_group(index) for path, index in self.parts)
        self.n_bytes = sum(group.total_byte_size for group in groups)
        self._keep = self.n_bytes <= keep_bytes

    def forget(self) -> None:
        """Let go of the texts that were kept."""
        self._kept.clear()

    def read(self, part: tuple[Path, int]) -> Prompts:
        if part in self._kept:
            return self._kept[part]
        path, index = part
        with pq.ParquetFile(path, metadata=self._metadata[path]) as file:
            table = file.read_row_group(index, columns=[self._column], use_threads=False)
        prompts = Prompts(Texts(table[self._column]))
        if self._keep:
            self._kept[part] = prompts
        return prompts
