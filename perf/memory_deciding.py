"""Memory of deciding alone, by the number of rows: made-up evidence, the rules of `curate dedup`.

    python perf/memory_deciding.py [ROWS ...] [--met 0.2]

For each size a process of its own writes rows and evidence of that many rows (a share --met of which are in
a cluster with another), decides, and prints seconds and by how much the memory that no file stands for grew.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from curate.flow import RESPONSES, ROWS, Dataset, shard_path, write_parquet
from curate.ingest import Ingested
from curate.ingest.unused import Unused
from curate.pipeline.deciding import judge
from curate.pipeline.measuring import Evidence
from curate.recipe import parse

SHARD = 65_536
RECIPE = """
[evidence.exact]
stage = "exact-dedup"
[evidence.near]
stage = "near-dedup"
[drop.empty]
when = "exact.status = 'no-text'"
[keep-one.exact-duplicate]
per = "exact.cluster_id"
prefer = ["exact.cluster_size desc"]
on-missing = "keep"
[keep-one.near-duplicate]
per = "near.cluster_id"
on-missing = "keep"
max-drop-share = 0.9
"""


def written(folder: Path, n_rows: int, met: float) -> tuple[Ingested, dict[str, Evidence]]:
    """Rows and evidence on disk: every row alone, but for pairs of neighbours."""
    rng = np.random.default_rng(0)
    names = ("rows", "responses", "originals", "exact", "near")
    for name in names:
        (folder / name).mkdir()
    starts = list(range(0, n_rows, SHARD))
    for index, start in enumerate(starts):
        ids = np.arange(start, min(start + SHARD, n_rows))
        clusters = {
            name: np.where(rng.random(len(ids)) < met, ids - ids % 2, ids) for name in ("exact", "near")
        }
        nulls = {field.name: pa.nulls(len(ids), field.type) for field in ROWS}
        rows = {
            **nulls,
            "row_id": ids,
            "source": pa.array(["web", "book"] * (len(ids) // 2) + ["web"] * (len(ids) % 2)),
        }
        write_parquet(pa.table(rows, schema=ROWS), shard_path(folder / "rows", index))
        write_parquet(RESPONSES.empty_table(), shard_path(folder / "responses", index))
        for name, cluster in clusters.items():
            columns = {"row_id": ids, "cluster_id": cluster, "cluster_size": np.ones(len(ids), np.int32)}
            columns["status"] = pa.array(["ok"] * len(ids))
            write_parquet(pa.table(columns), shard_path(folder / name, index))
    tables = {
        name: Dataset(tuple(shard_path(folder / name, i) for i in range(len(starts)))) for name in names
    }
    ingested = Ingested(
        tables["rows"], tables["responses"], tables["rows"], "", n_rows, 0, 0, [], tuple(starts[1:]), 0,
        ROWS, (), Unused((), ()),
    )  # fmt: skip
    columns = ("cluster_id", "cluster_size", "status")
    found = {
        name: Evidence(name, "row", "", tables[name], columns, {"ok": n_rows}) for name in ("exact", "near")
    }
    return ingested, found


def anonymous() -> int:
    """Bytes of this process that no file stands for."""
    rollup = Path("/proc/self/smaps_rollup").read_text(encoding="ascii")
    return int(rollup.split("Anonymous:")[1].split()[0]) << 10


def measure(n_rows: int, met: float) -> None:
    """Decide once and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ingested, evidence = written(folder, n_rows, met)
        (folder / "work").mkdir()
        before, peak, done = anonymous(), 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.02):
                peak = max(peak, anonymous())

        watcher = threading.Thread(target=watch)
        watcher.start()
        begun = time.process_time()
        verdicts = judge(parse(RECIPE, "recipe"), ingested, evidence, folder / "work")
        seconds = time.process_time() - begun
        done.set()
        watcher.join()
    grew = (peak - before) / 1e6
    print(
        f"{n_rows:,} rows, {met:.0%} in a cluster: {seconds:.1f} CPU s, {grew:,.0f} MB, "
        f"{grew * 1e6 / n_rows:.0f} bytes a row; kept {verdicts.counts['rows']['kept']:,}"
    )


def main() -> None:
    """Measure every size in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=[1_000_000, 4_000_000])
    parser.add_argument("--met", type=float, default=0.2)
    arguments = parser.parse_args()
    if len(arguments.rows) == 1:
        measure(arguments.rows[0], arguments.met)
        return
    for n_rows in arguments.rows:
        subprocess.run([sys.executable, __file__, str(n_rows), "--met", str(arguments.met)], check=True)


if __name__ == "__main__":
    main()
