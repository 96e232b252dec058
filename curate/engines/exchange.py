"""The file exchange of a shuffle: one file per map task with one record batch per partition.

Whoever gathers a partition maps the files into memory and takes its batch of each, so what fits stays in
the page cache and what does not is on disk; M tasks and P partitions make M files, not M x P.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.disk import whole_file
from curate.flow import Gathered, read_parquet, write_tables

PARTITION_BYTES = 64 << 20


def partitions_for(shards: Sequence[Path]) -> int:
    """How many partitions of about 64 MB the lines of the shards make; at most 4,096."""
    size = sum(_uncompressed_bytes(shard) for shard in shards)
    return max(1, min(4096, -(-size // PARTITION_BYTES)))


def partition_of(keys: np.ndarray, partitions: int, bounds: Sequence[int] | None) -> np.ndarray:
    """Partition of each integer key: by range if there are bounds, else by a fixed multiplicative hash."""
    if bounds is not None:
        return np.searchsorted(np.asarray(bounds, dtype=keys.dtype), keys, side="right").astype(np.int64)
    mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return ((mixed >> np.uint64(32)) * np.uint64(partitions) >> np.uint64(32)).astype(np.int64)


def scatter(shard: Path, by: str, partitions: int, bounds: Sequence[int] | None, file: Path) -> None:
    """Write the lines of a shard to `file`, one record batch per partition."""
    table = read_parquet(shard).combine_chunks()
    part = partition_of(table[by].to_numpy(), partitions, bounds)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], np.arange(partitions + 1))
    table = table.take(pa.array(order))
    with whole_file(file) as sink, pa.ipc.new_file(sink, table.schema) as writer:
        for index in range(partitions):
            piece = table.slice(starts[index], starts[index + 1] - starts[index]).combine_chunks()
            batches = piece.to_batches()
            writer.write_batch(batches[0] if batches else _empty_batch(table.schema))


def gather(files: Sequence[Path], partition: int, fn: Gathered, shard: Path) -> None:
    """Write fn(lines of one partition, in input order) to `shard`; of tables it yields one is held."""
    batches = [pa.ipc.open_file(pa.memory_map(str(file))).get_batch(partition) for file in files]
    made = fn(pa.Table.from_batches(batches))
    tables = iter([made] if isinstance(made, pa.Table) else made)
    first = next(tables)
    write_tables(itertools.chain([first], tables), first.schema, shard)


def _empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


def _uncompressed_bytes(shard: Path) -> int:
    metadata = pq.read_metadata(shard)
    return sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
