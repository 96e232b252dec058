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

from curate.disk import write_arrow
from curate.kernels.clusters import Linkage
from curate.kernels.minhash import choose_banding
from curate.kernels.native import Texts
from curate.kernels.text import Tokenizer
from curate.near.find import STATUSES, find_near
from curate.near.signing import Agree, Mode, NearParams, Prompts

FOUND = pa.schema(
    [
        ("row", pa.int64()),
        ("representative", pa.int64()),
        ("cluster_size", pa.int64()),
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
    threshold: float = 0.8,
    tokenizer: Tokenizer = "math",
    ngram: int = 5,
    agree: Sequence[Agree] = ("numbers", "symbols"),
    mode: Mode = "lsh",
    linkage: Linkage = "leader",
    large_cluster: int | None = 100,
    memory: int = 4_000_000_000,
    workers: int = 2,
    scratch: Path | None = None,
) -> pa.Table:
    """One line per row of the Parquet files, in their order: its representative and how near it is.

    `row` and `representative` count from 0 over all files. `scratch` is a folder for what does not fit in
    memory (default: the system's). Raises MachineError if `memory` (bytes) is too little for so many rows.
    """
    params = NearParams(
        threshold=threshold,
        banding=choose_banding(threshold),
        tokenizer=tokenizer,
        ngram=ngram,
        numbers_agree="numbers" in agree,
        symbols_agree="symbols" in agree,
        mode=mode,
        linkage=linkage,
        large_cluster=large_cluster,
    )
    groups = _RowGroups(files, column, keep_bytes=memory // 4)
    with tempfile.TemporaryDirectory(dir=scratch) as folder, ThreadPoolExecutor(workers) as pool:
        work = _Threads(pool, Path(folder), keep_bytes=memory // 4)
        near = find_near(
            groups.parts,
            groups.read,
            params,
            work,
            Path(folder),
            memory_bytes=memory // 2,
            workers=workers,
        )
        parts = [near.part(k) for k in range(len(groups.parts))]
    if not parts:
        return FOUND.empty_table()
    status, representative, size, jaccard, best, worst = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    alone = np.isnan(best)
    arrays = [
        pa.array(np.arange(len(status))),
        pa.array(representative.astype(np.int64)),
        pa.array(size.astype(np.int64)),
        pa.array(jaccard),
        pa.array(best, mask=alone),
        pa.array(worst, mask=alone),
        pa.DictionaryArray.from_arrays(status.astype(np.int8), pa.array(STATUSES)).cast(pa.string()),
    ]
    return pa.Table.from_arrays(arrays, schema=FOUND)


class _Threads:
    """Work on the threads of a pool; tables stay in memory while they have no more than `keep_bytes`."""

    def __init__(self, pool: ThreadPoolExecutor, folder: Path, keep_bytes: int) -> None:
        self._pool = pool
        self._folder = folder
        self._left = keep_bytes

    def __call__(
        self, fn: Callable[[Any], pa.Table], items: Sequence[Any], name: str
    ) -> Sequence[Path | pa.Table]:
        del name  # nobody watches
        return list(self._pool.map(lambda item: self._stored(fn(item)), items))

    def _stored(self, table: pa.Table) -> Path | pa.Table:
        if table.nbytes <= self._left:  # two threads may both see the last of it: a table too many
            self._left -= table.nbytes
            return table
        path = self._folder / f"{uuid.uuid4().hex}.arrow"
        write_arrow(table, path)
        return path


class _RowGroups:
    """The row groups of Parquet files, the first `keep_bytes` of them kept in memory once read."""

    def __init__(self, files: Sequence[Path | str], column: str, keep_bytes: int) -> None:
        self._column = column
        self._left = keep_bytes
        self._kept: dict[tuple[Path, int], Prompts] = {}
        self._metadata = {Path(file): pq.read_metadata(file) for file in files}
        self.parts = [
            (Path(file), index)
            for file in files
            for index in range(self._metadata[Path(file)].num_row_groups)
        ]

    def read(self, part: tuple[Path, int]) -> Prompts:
        if part in self._kept:
            return self._kept[part]
        path, index = part
        with pq.ParquetFile(path, metadata=self._metadata[path]) as file:
            table = file.read_row_group(index, columns=[self._column], use_threads=False)
        prompts = Prompts(Texts(table[self._column]))
        if table.nbytes <= self._left:
            self._left -= table.nbytes
            self._kept[part] = prompts
        return prompts
