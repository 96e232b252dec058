"""The tools that perf/dedup.py measures: the floor, curate, and its peers, each run in a process of its own.

    python perf/dedup_peers.py --install FOLDER   make virtual environments with the peers (versions pinned in
                                                  dedup_peers*.txt; text-dedup needs python3.12 or newer)
    python perf/dedup_peers.py TOOL INPUT OUTPUT  run one tool on the column `text` of a Parquet file

The settings are the closest to each other that the tools accept: shingles of 5 words, 20 bands of 6,
Jaccard 0.8. Tools that take tokens are given lower-case runs of letters and digits. OUTPUT gets one line
a row: `marked` (the tool says the row has a duplicate), and where the tool decides it, `dropped` and
`cluster`.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BANDS, ROWS_PER_BAND, THRESHOLD, SHINGLE = 20, 6, 0.8, 5
WORD = re.compile(r"[^\W_]+")
Answer = dict[str, Any]


def texts_by_row_group(path: Path) -> Iterator[list[str]]:
    """Read the column, one row group at a time."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield file.read_row_group(group, columns=["text"])["text"].to_pylist()


def shingles(text: str) -> list[str]:
    """The distinct 5-word shingles of a text; a shorter text is one."""
    tokens = WORD.findall(text.lower())
    return list({" ".join(tokens[i : i + SHINGLE]) for i in range(max(1, len(tokens) - SHINGLE + 1))})


def floor(path: Path) -> None:
    """Read the column with pyarrow, row groups in two threads, and add up every byte of it."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)

    def touch(group: int) -> int:
        file = pq.ParquetFile(path, metadata=metadata)
        column = file.read_row_group(group, columns=["text"], use_threads=False)["text"]
        total = 0
        for chunk in column.chunks:
            values = np.frombuffer(chunk.buffers()[2], np.uint8)
            whole = len(values) // 8 * 8
            total += int(values[:whole].view(np.uint64).sum()) + int(values[whole:].sum())
        return total

    with ThreadPoolExecutor(2) as threads:
        assert sum(threads.map(touch, range(metadata.num_row_groups))) > 0


def curate(**settings: Any) -> Callable[[Path], Answer]:
    """Curate's own verified near-duplicates, with these settings."""

    def run(path: Path) -> Answer:
        from curate.near import near_duplicates

        table = near_duplicates([path], column="text", threshold=THRESHOLD, workers=2, **settings)
        representative = table["representative"].to_numpy()
        return {
            "marked": table["cluster_size"].to_numpy() > 1,
            "dropped": representative != table["row"].to_numpy(),
            "cluster": representative,
        }

    return run


def curate_1gb(path: Path) -> None:
    """The same in a gigabyte, the labels written to a file as they are found."""
    from curate.near import near_duplicates

    with tempfile.TemporaryDirectory() as folder:
        labels = Path(folder) / "labels.parquet"
        near_duplicates([path], "text", into=labels, memory=1_000_000_000, threshold=THRESHOLD, **LIKE_PEERS)


def rensa(path: Path) -> Answer:
    """R-MinHash digests and the duplicate flags of its LSH index, in one shot; nothing is verified."""
    import numpy as np
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(THRESHOLD, BANDS * ROWS_PER_BAND, BANDS)
    token_sets = [shingles(text) for texts in texts_by_row_group(path) for text in texts]
    digests = RMinHash.digest_matrix_from_token_sets(token_sets, BANDS * ROWS_PER_BAND, 42)
    return {"marked": np.array(index.query_duplicate_flags_matrix_one_shot(digests), bool)}


def rensa_by_row_group(path: Path) -> Answer:
    """The same with less memory: a row is marked by rows of its own row group and of earlier ones."""
    import numpy as np
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(THRESHOLD, BANDS * ROWS_PER_BAND, BANDS)
    flags: list[bool] = []
    for texts in texts_by_row_group(path):
        token_sets = [shingles(text) for text in texts]
        digests = RMinHash.digest_matrix_from_token_sets(token_sets, BANDS * ROWS_PER_BAND, 42)
        flags += index.insert_matrix_and_query_duplicate_flags(digests, len(flags))
    return {"marked": np.array(flags, bool)}


def datasketch(path: Path) -> Answer:
    """MinHash.bulk, then one query and one insertion a row."""
    import numpy as np
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=BANDS * ROWS_PER_BAND, params=(BANDS, ROWS_PER_BAND))
    marked: list[bool] = []
    dropped: list[bool] = []
    for texts in texts_by_row_group(path):
        token_sets = [[shingle.encode() for shingle in shingles(text)] for text in texts]
        for minhash in MinHash.bulk(token_sets, num_perm=BANDS * ROWS_PER_BAND):
            earlier = index.query(minhash)
            for row in earlier:
                marked[row] = True
            index.insert(len(dropped), minhash)
            dropped.append(bool(earlier))
            marked.append(bool(earlier))
    return {"marked": np.array(marked), "dropped": np.array(dropped)}


def polars_only(path: Path) -> Answer:
    """MinHash LSH as Polars expressions, signatures a row group at a time; nothing is verified."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(0)
    odd = [int(a) | 1 for a in rng.integers(0, 2**32, BANDS * ROWS_PER_BAND)]
    shift = [int(b) for b in rng.integers(0, 2**32, BANDS * ROWS_PER_BAND)]
    step = pl.lit(0x9E3779B97F4A7C15, pl.UInt64)
    gram = pl.col("word")
    for i in range(1, SHINGLE):
        gram = gram * step + pl.col("word").shift(-i)
    base = (gram // pl.lit(2**32, pl.UInt64)).cast(pl.UInt32)
    minima = [
        (pl.col("gram") * pl.lit(a, pl.UInt32) + pl.lit(b, pl.UInt32)).min().alias(f"m{k}")
        for k, (a, b) in enumerate(zip(odd, shift, strict=True))
    ]
    bands = [
        pl.struct(f"m{k}" for k in range(band * ROWS_PER_BAND, (band + 1) * ROWS_PER_BAND))
        .hash(band)
        .alias(f"b{band}")
        for band in range(BANDS)
    ]
    signed = []
    n_rows = 0
    for texts in texts_by_row_group(path):
        words = pl.Series("word", texts).str.to_lowercase().str.extract_all(r"[\p{L}\p{M}\p{N}]+")
        frame = pl.DataFrame({"row": np.arange(n_rows, n_rows + len(texts)), "word": words}).explode("word")
        frame = frame.with_columns(pl.col("word").hash(1))
        whole = pl.col("row") == pl.col("row").shift(-(SHINGLE - 1))
        frame = frame.select("row", base.alias("gram"), whole.alias("whole")).filter("whole")
        signed.append(frame.group_by("row", maintain_order=True).agg(minima).select("row", *bands))
        n_rows += len(texts)
    keys = pl.concat(signed)
    marked, dropped = np.zeros(n_rows, bool), np.zeros(n_rows, bool)
    for band in range(BANDS):
        key = keys.select("row", key=f"b{band}")
        shared = key.with_columns(first=pl.col("row").min().over("key"), size=pl.len().over("key")).filter(
            pl.col("size") > 1
        )
        marked[shared["row"].to_numpy()] = True
        dropped[shared.filter(pl.col("row") > pl.col("first"))["row"].to_numpy()] = True
    return {"marked": marked, "dropped": dropped}


def fastsketch(path: Path) -> Answer:
    """FastSketchLSH, 16 bands of 8 (it takes powers of two only); its one-shot flags, nothing is verified."""
    import numpy as np
    from FastSketchLSH import LSH, FastSimilaritySketch

    sketch, index = FastSimilaritySketch(size=128, seed=42), LSH(num_perm=128, num_bands=16)
    token_sets = [shingles(text) for texts in texts_by_row_group(path) for text in texts]
    flags = index.insert_and_query_duplicates(sketch.batch(token_sets))
    return {"marked": np.asarray(flags).astype(bool)}


def text_dedup(path: Path) -> Answer:
    """text-dedup's minhash with its check of false positives on, two processes."""
    import pickle

    import numpy as np
    import pyarrow.parquet as pq
    from text_dedup.config import Config
    from text_dedup.minhash import main

    n_rows = pq.read_metadata(path).num_rows
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "config.toml"
        settings.write_text(
            f"""
            [input]
            input_type = "local_files"
            file_type = "parquet"
            [input.read_arguments]
            path = "parquet"
            data_files = "{path}"
            split = "train"
            cache_dir = "{folder}/cache"
            [algorithm]
            algorithm_name = "minhash"
            text_column = "text"
            num_perm = {BANDS * ROWS_PER_BAND}
            bands = {BANDS}
            rows = {ROWS_PER_BAND}
            ngram_size = {SHINGLE}
            threshold = {THRESHOLD}
            check_false_positive = true
            num_proc = 2
            [output]
            output_dir = "{folder}/out"
            save_clusters = true
            keep_index_column = true
            [debug]
            """.replace("\n            ", "\n"),
            encoding="utf-8",
        )
        from text_dedup.config.base import load_config_from_toml

        config = load_config_from_toml(settings)
        assert isinstance(config, Config)
        main(config)
        pickled = (Path(folder) / "out" / "clusters.pickle").read_bytes()
        clusters = pickle.loads(pickled)  # noqa: S301 - written a moment ago, by the tool under test
    cluster = np.arange(n_rows)
    cluster[list(clusters)] = list(clusters.values())
    marked = np.zeros(n_rows, bool)
    marked[list(clusters)] = True
    return {"marked": marked, "dropped": cluster != np.arange(n_rows), "cluster": cluster}


def datatrove(path: Path) -> Answer:
    """datatrove's four stages on one file; numbers kept (its default makes each 0); nothing is verified."""
    import numpy as np
    import pyarrow.parquet as pq
    from datatrove.executor.local import LocalPipelineExecutor
    from datatrove.pipeline.dedup import MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupBuckets
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.writers import ParquetWriter
    from datatrove.utils.text import TextNormConfig

    config = MinhashConfig(
        n_grams=SHINGLE,
        num_buckets=BANDS,
        hashes_per_bucket=ROWS_PER_BAND,
        norm_config=TextNormConfig(norm_numbers=False),
    )
    reader = ParquetReader(str(path.parent), glob_pattern=path.name)
    with tempfile.TemporaryDirectory() as folder:
        signatures, buckets, remove, out = (
            f"{folder}/{name}" for name in ("signatures", "buckets", "remove", "out")
        )
        stages: list[tuple[list[Any], int]] = [
            ([reader, MinhashDedupSignature(signatures, config=config)], 1),
            ([MinhashDedupBuckets(signatures, buckets, config=config)], BANDS),
            ([MinhashDedupCluster(buckets, remove, config=config)], 1),
            ([reader, MinhashDedupFilter(remove), ParquetWriter(out)], 1),
        ]
        for steps, tasks in stages:
            LocalPipelineExecutor(
                steps,
                tasks=tasks,
                workers=min(tasks, 2),
                start_method="fork",
                logging_dir=None,
                skip_completed=False,
            ).run()
        kept = pq.read_table(out, columns=["id"])["id"].to_pylist()
    dropped = np.ones(pq.read_metadata(path).num_rows, bool)
    dropped[[int(name.rsplit("/", 1)[1]) for name in kept]] = False
    return {"dropped": dropped}


def semhash(path: Path) -> Answer:
    """semhash at its default cosine of 0.9 over a static model of random word vectors: for its cost only."""
    import numpy as np
    from model2vec import StaticModel
    from semhash import SemHash
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    texts = [text for group in texts_by_row_group(path) for text in group]
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator(
        texts[:20_000], trainers.WordLevelTrainer(vocab_size=30_000, special_tokens=["[UNK]"])
    )
    vectors = np.random.default_rng(0).standard_normal((tokenizer.get_vocab_size(), 256)).astype(np.float32)
    records = [{"row": str(row), "text": text} for row, text in enumerate(texts)]
    found = SemHash.from_records(records, columns=["text"], model=StaticModel(vectors, tokenizer))
    kept = [int(record["row"]) for record in found.self_deduplicate().selected]
    dropped = np.ones(len(texts), bool)
    dropped[kept] = False
    return {"dropped": dropped}


@dataclass(frozen=True)
class Tool:
    """How to run a tool: in which environment, and what it can bear."""

    run: Callable[[Path], Answer | None]
    environment: str  # "own": the interpreter that runs this script
    note: str
    slow: bool = False  # minutes for 100,000 rows


LIKE_PEERS: dict[str, Any] = {"tokenizer": "words", "agree": [], "large_cluster": None}
TOOLS = {
    "floor": Tool(floor, "own", "reads the column and touches every byte"),
    "curate": Tool(curate(**LIKE_PEERS), "own", "verified; words, nothing need agree"),
    "curate-defaults": Tool(curate(), "own", "verified; tokens of maths, numbers and symbols must agree"),
    "curate-single": Tool(curate(**LIKE_PEERS, linkage="single"), "own", "verified; connected components"),
    "curate-exact-join": Tool(
        curate(**LIKE_PEERS, mode="exact-join", linkage="single"),
        "own",
        "every pair, not only candidates; connected components",
    ),
    "curate-1GB": Tool(curate_1gb, "own", "verified; memory = 1 GB, lines to a file"),
    "rensa": Tool(rensa, "libraries", "flags, not verified"),
    "rensa-by-row-group": Tool(rensa_by_row_group, "libraries", "flags, not verified; a row group at a time"),
    "polars": Tool(polars_only, "libraries", "expressions only; not verified"),
    "fastsketch": Tool(fastsketch, "libraries", "16 × 8; flags, not verified"),
    "datasketch": Tool(datasketch, "libraries", "bulk; candidates, not verified"),
    "datatrove": Tool(datatrove, "libraries", "four stages; not verified", slow=True),
    "text-dedup": Tool(text_dedup, "text-dedup", "verified", slow=True),
    "semhash": Tool(semhash, "libraries", "cosine of random word vectors; cost only", slow=True),
}
ENVIRONMENTS = {
    "libraries": ("dedup_peers.txt", ["python3.11", "python3.12", "python3.13", "python3"]),
    "text-dedup": ("dedup_peers_text_dedup.txt", ["python3.12", "python3.13"]),
}


def environment_python(name: str, folder: Path) -> Path:
    """Where the interpreter of one environment is, or would be."""
    return Path(sys.executable) if name == "own" else folder / name / "bin" / "python"


def find_python(names: list[str]) -> tuple[str, dict[str, str]]:
    """Find the first interpreter that runs; one that hides behind a version switch gets its variable."""
    for name in names:
        if not shutil.which(name):
            continue
        versions = [""]
        if shutil.which("pyenv"):
            whence = subprocess.run(["pyenv", "whence", name], capture_output=True, text=True, check=False)
            versions += whence.stdout.split()
        for version in versions:
            variables = {**os.environ, **({"PYENV_VERSION": version} if version else {})}
            if subprocess.run([name, "-V"], env=variables, capture_output=True, check=False).returncode == 0:
                return name, variables
    raise SystemExit(f"none of {', '.join(names)} runs; put one on PATH")


def install(folder: Path) -> None:
    """Make every environment; say which one failed and go on with the next."""
    for name, (requirements, pythons) in ENVIRONMENTS.items():
        python, variables = find_python(pythons)
        subprocess.run([python, "-m", "venv", str(folder / name)], env=variables, check=True)
        command = [str(environment_python(name, folder)), "-m", "pip", "install", "--quiet"]
        done = subprocess.run([*command, "--requirement", str(HERE / requirements)], check=False)
        print(f"{name}: {'installed' if done.returncode == 0 else 'NOT installed'}")


def main() -> None:
    """Install the peers, or run one tool."""
    if sys.argv[1:2] == ["--install"] and len(sys.argv) == 3:
        install(Path(sys.argv[2]))
        return
    if len(sys.argv) != 4 or sys.argv[1] not in TOOLS:
        raise SystemExit(__doc__)
    import pyarrow as pa
    import pyarrow.parquet as pq

    answer = TOOLS[sys.argv[1]].run(Path(sys.argv[2]).resolve())
    if answer is not None:
        pq.write_table(pa.table(answer), sys.argv[3], compression="zstd")


if __name__ == "__main__":
    main()
