"""Shingle sets of the rows that may have a neighbour, on disk, and the tokens of the short ones."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from curate.disk import Mapped, packed
from curate.kernels.clusters import Sets
from curate.kernels.minhash import U32, shingle_sets
from curate.kernels.symbols import SYMBOLS, WORDS, symbols
from curate.kernels.text import I64, U64
from curate.near.short import token_texts
from curate.near.signing import NearParams, Prompts, Signed

Read = Callable[[Any], Prompts]
"""The texts of a part."""


class Work(Protocol):
    """Runs fn(items[i]) for every i; returns the tables, or the Arrow files they were written to."""

    def __call__(
        self, fn: Callable[[Any], pa.Table], items: Sequence[Any], name: str
    ) -> Sequence[Path | pa.Table]:
        """`name` tells what is being done; the same name, the same items."""
        ...


Label = Callable[[Any, I64], U64]
"""The labels of some rows of a part, by their places in it; 0 for none. Odd ones that differ keep rows apart,
if asked; equal ones let their words differ."""


class Wanted(NamedTuple):
    """Rows of a part, by their places in it, that get a shingle set; of some the tokens are kept too."""

    part: Any
    places: I64
    worded: npt.NDArray[np.bool_]


class Shingled(NamedTuple):
    """Shingle sets of the candidates, in the files they were written to."""

    sets: Sets
    files: list[Mapped]
    cuts: I64
    """First candidate of each file; one more for the end."""

    def words(self, node: int) -> str:
        """The tokens of a candidate whose tokens were kept, with blanks between them."""
        k = int(np.searchsorted(self.cuts, node, side="right")) - 1
        ends = self.files[k].array("words_end", np.int64)
        place = node - int(self.cuts[k])
        begin = int(ends[place - 1]) if place else 0
        return self.files[k].array("words", np.uint8)[begin : int(ends[place])].tobytes().decode()

    def release(self) -> None:
        """Let go of the memory of what was read."""
        for file in self.files:
            file.release()


def shingle_rows(
    parts: Sequence[Any],
    read: Read,
    params: NearParams,
    work: Work,
    signed: Signed,
    rows: U32,
    worded: npt.NDArray[np.bool_],
) -> Shingled:
    """The sets of the rows at these positions (ascending), and the tokens of those where `worded` is true."""
    cuts = np.searchsorted(rows, signed.starts).astype(np.int64)
    wanted = [
        Wanted(
            part,
            rows[start:stop].astype(np.int64) - first,
            worded[start:stop],
        )
        for part, first, start, stop in zip(parts, signed.starts[:-1], cuts[:-1], cuts[1:], strict=True)
    ]
    paths = work(functools.partial(_shingle, read=read, params=params), wanted, "shingle sets")
    files = [Mapped(path) for path in paths]
    sets = Sets(*_places(files, cuts, "values", "ends"))
    if kinds_that_agree(params):
        sets = Sets(*sets[:2], *_places(files, cuts, "symbols", "symbols_end"))
    return Shingled(sets, files, cuts)


def kinds_that_agree(params: NearParams) -> int:
    """The kinds of symbols that keep rows apart, as bits."""
    return (SYMBOLS if params.symbols_agree else 0) | (WORDS if params.words_agree else 0)


def _places(files: Sequence[Mapped], cuts: I64, values: str, ends: str) -> tuple[U64, U32]:
    """Address and size of what each candidate has among the values."""
    starts, sizes = np.empty(cuts[-1], dtype=np.uint64), np.empty(cuts[-1], dtype=np.uint32)
    for file, start, stop in zip(files, cuts[:-1], cuts[1:], strict=True):
        end = file.array(ends, np.int64)
        begin = np.concatenate([np.zeros(min(1, len(end)), dtype=np.int64), end[:-1]])
        place = np.uint64(file.array(values, np.uint64).ctypes.data)
        starts[start:stop] = place + np.uint64(8) * begin.astype(np.uint64)
        sizes[start:stop] = end - begin
    return starts, sizes


def _shingle(wanted: Wanted, read: Read, params: NearParams) -> pa.Table:
    """The sets of the wanted rows one after the other, and where each ends; likewise the tokens kept."""
    texts = read(wanted.part).texts
    sets = shingle_sets(texts, params.tokenizer, ngram=params.ngram, rows=wanted.places)
    words = iter(token_texts(texts.array.take(pa.array(wanted.places[wanted.worded])), params.tokenizer))
    written = [next(words).encode() if worded else b"" for worded in wanted.worded]
    kinds = kinds_that_agree(params)
    own = symbols(texts, wanted.places if kinds else wanted.places[:0], kinds)
    return packed(
        symbols=own.values,
        symbols_end=own.offsets[1:],
        values=sets.values,
        ends=sets.offsets[1:],
        words=np.frombuffer(b"".join(written), dtype=np.uint8),
        words_end=np.cumsum([len(text) for text in written], dtype=np.int64),
    )


def label_rows(
    parts: Sequence[Any],
    label: Label,
    work: Work,
    signed: Signed,
    rows: U32,
    wanted: npt.NDArray[np.bool_],
) -> U64:
    """Labels of the rows at these positions, which ascend, where they are wanted; 0 elsewhere."""
    some = rows[wanted]
    cuts = np.searchsorted(some, signed.starts)
    items = [
        (part, some[start:stop].astype(np.int64) - first)
        for part, first, start, stop in zip(parts, signed.starts[:-1], cuts[:-1], cuts[1:], strict=True)
    ]
    found = work(functools.partial(_label, label=label), items, "answers")
    labels = np.zeros(len(rows), dtype=np.uint64)
    labels[wanted] = np.concatenate(
        [np.empty(0, dtype=np.uint64), *(Mapped(item).array("labels", np.uint64) for item in found)]
    )
    return labels


def _label(item: tuple[Any, I64], label: Label) -> pa.Table:
    return packed(labels=label(*item))
