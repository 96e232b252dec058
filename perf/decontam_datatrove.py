"""datatrove's NGramsDecontFilter on FOLDER/references.parquet and FOLDER/candidates.parquet, two processes.

    out/perf/peers/libraries/bin/python perf/decontam_datatrove.py FOLDER

Its own code makes and looks up the n-grams. Its indexer's `run` cannot be called: it calls a function that
lighteval has dropped; so that the index is written here, by the indexer's `compute_hashes`. The n-grams of
questions are switched on (by default only those of answers, and across the two, are looked for). Written is
FOLDER/found.parquet: `item`, the position of the first reference with the n-gram found, -1 for none.
"""

# mypy: disable-error-code="import-not-found"
from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

PROCESSES = 2


def indexer_and_config() -> tuple[Any, Any]:
    """The indexer without its constructor, which asks for lighteval, and the configuration."""
    from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontIndexer
    from datatrove.utils.hashing import create_hash_func
    from datatrove.utils.word_tokenizers import load_word_tokenizer

    config = NGramsDecontConfig(find_query_ngrams=True, find_overlap_ngrams=False)
    indexer = object.__new__(NGramsDecontIndexer)
    indexer.config = config
    indexer.tokenizer = load_word_tokenizer("eng")
    indexer.hash_func = create_hash_func(config.hash_config)
    return indexer, config


def hits(index: Path, texts: list[str]) -> list[int | None]:
    """Hash of the n-gram that condemns each text, None where none does."""
    from datatrove.data import Document
    from datatrove.pipeline.decont.n_grams import NGramsDecontFilter

    indexer, config = indexer_and_config()
    tool = NGramsDecontFilter(str(index), config, language="eng")
    found: list[int | None] = []
    for row, text in enumerate(texts):
        document = Document(text=text, id=str(row))
        kept = tool.filter(document) is True
        found.append(None if kept else indexer.hash_func(document.metadata["contaminated_ngram"]))
    return found


def main(folder: Path) -> None:
    """Write what is found."""
    indexer, config = indexer_and_config()
    first: dict[int, int] = {}
    for position, text in enumerate(pl.read_parquet(folder / "references.parquet")["text"]):
        for value in indexer.compute_hashes("", text):
            first.setdefault(value, position)
    index = folder / "index"
    index.mkdir()
    hashes = np.array(sorted(first), dtype=config.hash_config.np_descr)
    hashes.tofile(index / "set.index.hashes")
    texts = pl.read_parquet(folder / "candidates.parquet")["text"].to_list()
    parts = [texts[part::PROCESSES] for part in range(PROCESSES)]
    items = [-1] * len(texts)
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        for part, found in enumerate(pool.map(hits, [index] * PROCESSES, parts)):
            items[part::PROCESSES] = [-1 if value is None else first[value] for value in found]
    pl.DataFrame({"item": items}, schema={"item": pl.Int64}).write_parquet(folder / "found.parquet")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
