"""Deduplication corpora of any size: real sentences spliced into new texts, with planted copies.

    python perf/dedup_corpus.py DATA [--out out/perf] [--sets s20k s100k s1m long30k s10m] [--seed 0]

DATA holds corpora/ and benchmarks/ as Parquet. Each set becomes OUT/SET.parquet: column `text`, zstd
level 3; a file that is there is left alone. Short sets (s*) are about 300 bytes a text in row groups of
50,000; long30k is 30,000 texts of about 15 KB in row groups of 2,500.

80 % of the rows are *bases*: sentences drawn at random, 7 % of the words replaced by other words, 70 % of
the words with digits given other digits, so that two bases are not near-duplicates; 5 % of them open with
a stock instruction. The other rows are copies of bases: unchanged, other case and punctuation, words
replaced, left out or doubled (one to six, of long texts for each 50), cut short, or with a sentence
added. Some bases have hundreds of copies, and one has 0.4 % of all rows. Every choice in a row is a hash
of (seed, base or row, position), so a row group needs no other one and the bytes do not depend on how
many threads write.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


@dataclass(frozen=True)
class Size:
    """What one set looks like: the length in bytes is the mean aimed at."""

    rows: int
    text_bytes: int
    row_group: int
    kind: str = "short"


SETS = {
    "s20k": Size(20_000, 302, 50_000),
    "s100k": Size(100_000, 302, 50_000),
    "s1m": Size(1_000_000, 302, 50_000),
    "long30k": Size(30_000, 15_400, 2_500, "long"),
    "s10m": Size(10_000_000, 302, 50_000),
}
COPIES, MONSTER = 0.196, 0.004  # shares of all rows
EXACT, RESTYLED, EDITED, CUT, EXTENDED = range(5)
EDIT_SHARES = [0.20, 0.20, 0.40, 0.10, 0.10]
WORD_SHARE, NUMBER_SHARE, STOCK_SHARE = 0.07, 0.70, 0.05
NUMBER_VARIANTS = 32
STOCK = [
    "Solve the following problem and explain every step of your reasoning. ",
    "Give the final answer in a box at the end of your solution. ",
    "Answer the question below; write the result on a line of its own. ",
    "You are given a problem. Think it through carefully before you answer. ",
    "Work out the answer to the following exercise without a calculator. ",
]
# A piece is a word with the white space behind it; Chinese and Japanese have a piece a character.
PIECE = r"[\p{Han}\p{Hiragana}\p{Katakana}]\s*|[^\s\p{Han}\p{Hiragana}\p{Katakana}]+\s*"
PLAIN = r"^([(\"']*)([A-Za-z]{2,})[,.;:!?]*(\s*)$"  # a word that may change its case and lose its punctuation
SHORT_QUERIES = [
    "deepscaler_5levels", "gsm8k_train", "limr_math_8k", "math_train_7500", "leetcode_train_1889",
    "numina_cot_2k", "processbench", "chat_mix_small",
]  # fmt: skip
SHORT_RESPONSES = ["gsm8k_train", "numina_cot_2k", "processbench"]
SHORT_BENCHMARKS = ["agieval", "cmath", "gaokao_math_qa", "gaokao_math_cloze", "math_test", "college_math"]
LONG_RESPONSES = [
    "math_model_outputs",
    "areal_long_cot_rollouts",
    "kodcode_demo",
    "numina_cot_2k",
    "processbench",
]


@dataclass(frozen=True)
class Pool:
    """Sentences as ids of pieces, and the pieces that stand in for others."""

    pieces: pa.BinaryArray
    stream: np.ndarray  # int32, the pieces of all sentences one after the other, stock sentences last
    starts: np.ndarray  # int64, n_sentences + 1
    n_drawn: int  # sentences that may be drawn; the rest are stock
    restyled: np.ndarray  # int32 per piece: the piece in another case, without punctuation
    numbered: np.ndarray  # int32 per piece: the first of NUMBER_VARIANTS pieces with other digits, or -1
    sentence_bytes: float


def mix(*parts: np.ndarray | int) -> np.ndarray:
    """Hash integers of any shapes that broadcast to uint64 (splitmix64 over each part in turn)."""
    state: np.ndarray = np.zeros((), np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            z = (state ^ np.asarray(part).astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = z ^ (z >> np.uint64(31))
    return np.asarray(state)


def below(hashed: np.ndarray, n: np.ndarray | int) -> np.ndarray:
    """Turn hashes into int64 below n."""
    return np.asarray((hashed >> np.uint64(11)) % np.asarray(n).astype(np.uint64)).astype(np.int64)


def chance(hashed: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Turn hashes into booleans that are true for a share of them (by the low 32 bits)."""
    return np.asarray((hashed & np.uint64(0xFFFFFFFF)).astype(np.float64) < np.asarray(share) * 2.0**32)


def source_texts(data: Path, kind: str) -> pl.Series:
    """Read the distinct texts that sentences of this kind of set are taken from."""

    def column(folder: str, name: str, wanted: str) -> pl.Series:
        series = pl.read_parquet(data / folder / f"{name}.parquet", columns=[wanted]).get_column(wanted)
        return (series.explode() if series.dtype == pl.List else series).cast(pl.String).alias("text")

    if kind == "short":
        parts = [column("corpora", name, "query") for name in SHORT_QUERIES]
        parts += [column("corpora", name, "responses") for name in SHORT_RESPONSES]
        parts += [column("benchmarks", name, "problem") for name in SHORT_BENCHMARKS]
    else:
        parts = [column("corpora", name, "responses") for name in LONG_RESPONSES]
        parts.append(column("corpora", "alpaca_eval_outputs", "responses").gather_every(4))
    return pl.concat(parts).drop_nulls().unique(maintain_order=True)


def other_digits(pieces: pl.Series, rng: np.random.Generator) -> pl.Series:
    """Give every piece NUMBER_VARIANTS copies with other digits; lengths stay, no number begins with 0."""
    copies = (
        pieces.gather(np.repeat(np.arange(len(pieces)), NUMBER_VARIANTS)).to_arrow().cast(pa.large_string())
    )
    _, offsets, values = copies.buffers()
    text = np.frombuffer(values, np.uint8).copy()
    digit = (text >= 48) & (text <= 57)
    leading = digit & ~np.r_[False, digit[:-1]]
    text[digit] = rng.integers(48, 58, int(digit.sum()), dtype=np.uint8)
    text[leading] = rng.integers(49, 58, int(leading.sum()), dtype=np.uint8)
    changed = pa.LargeStringArray.from_buffers(len(copies), offsets, pa.py_buffer(text.tobytes()))
    return pl.Series(changed)


def build_pool(texts: pl.Series, seed: int) -> Pool:
    """Cut texts into sentences of 8 to 60 pieces and number the pieces."""
    sentence = texts.str.replace_all(r"([.!?]\s+|[。！？]\s*|\n+)", "$1\x1e").str.split("\x1e").explode()
    sentence = (
        sentence.filter(sentence.str.len_bytes() > 0).str.replace(r"(\S)$", "$1 ").unique(maintain_order=True)
    )
    parts = sentence.str.extract_all(PIECE)
    wanted = parts.list.len().is_between(8, 60)
    sentence, parts = sentence.filter(wanted), parts.filter(wanted)
    stock = pl.Series(STOCK).str.extract_all(PIECE)
    coded = pl.concat([parts, stock]).explode().to_arrow().cast(pa.string()).dictionary_encode()
    base = pl.Series(coded.dictionary)
    plain = base.str.contains(PLAIN)
    core = base.str.extract(PLAIN, 2)
    other_case = pl.select(
        pl.when(core == core.str.to_lowercase())
        .then(core.str.to_uppercase())
        .otherwise(core.str.to_lowercase())
    ).to_series()
    styled = (base.str.extract(PLAIN, 1) + other_case + base.str.extract(PLAIN, 3)).filter(plain)
    with_digit = base.str.contains("[0-9]")
    variants = other_digits(base.filter(with_digit), np.random.default_rng([seed, 1]))
    restyled = np.arange(len(base), dtype=np.int32)
    restyled[plain.to_numpy()] = len(base) + np.arange(len(styled), dtype=np.int32)
    numbered = np.full(len(base), -1, np.int32)
    first = len(base) + len(styled)
    numbered[with_digit.to_numpy()] = first + NUMBER_VARIANTS * np.arange(
        int(with_digit.sum()), dtype=np.int32
    )
    every = pl.concat([base, styled, variants])
    beyond = len(every) - len(base)
    return Pool(
        pieces=every.to_arrow().cast(pa.string()).cast(pa.binary()),
        stream=coded.indices.to_numpy(),
        starts=np.r_[0, np.cumsum(pl.concat([parts, stock]).list.len().to_numpy().astype(np.int64))],
        n_drawn=len(parts),
        restyled=np.r_[restyled, np.arange(len(base), len(every), dtype=np.int32)],
        numbered=np.r_[numbered, np.full(beyond, -1, np.int32)],
        sentence_bytes=float(sentence.str.len_bytes().mean() or 0),  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Plan:
    """Which base each row shows and how it is changed; how many sentences each base has."""

    base: np.ndarray  # int32 per row
    edit: np.ndarray  # int8 per row
    n_sentences: np.ndarray  # int16 per base


def make_plan(size: Size, sentence_bytes: float, seed: int) -> Plan:
    """Draw the plan of a set; base 0 is the monster cluster's."""
    rng = np.random.default_rng([seed, 2, size.rows])
    n_copies, n_monster = int(size.rows * COPIES), int(size.rows * MONSTER)
    n_bases = size.rows - n_copies - n_monster
    popular = rng.random(n_copies) ** 2 * (0.14 * size.rows)  # squared: a few bases have very many copies
    base = np.concatenate([np.arange(n_bases), popular.astype(np.int64), np.zeros(n_monster, np.int64)])
    edit = rng.choice(len(EDIT_SHARES), size=size.rows, p=EDIT_SHARES).astype(np.int8)
    edit[:n_bases] = EXACT
    order = rng.permutation(size.rows)
    more = max(size.text_bytes / sentence_bytes - 1, 0)
    spread = rng.lognormal(-0.125, 0.5, n_bases)  # mean 1
    n_sentences = (1 + rng.poisson(more * spread)).astype(np.int16)
    n_sentences[0] = 2 * more + 1
    return Plan(base[order].astype(np.int32), edit[order], n_sentences)


def render(pool: Pool, plan: Plan, size: Size, first: int, last: int, seed: int) -> pa.Array:
    """Write out rows first to last as a string array."""
    row, base, edit = np.arange(first, last), plan.base[first:last].astype(np.int64), plan.edit[first:last]
    draw = mix(seed, 3, row)
    in_front = (edit == EXTENDED) & chance(draw, 0.5)
    # one line a sentence: its row, its place in the base (outside 0..n for an added one), what decides on it
    own = plan.n_sentences[base].astype(np.int64)
    counts = own + (edit == EXTENDED)
    of_row = np.repeat(np.arange(len(row)), counts)
    place = np.arange(len(of_row)) - np.repeat(np.cumsum(counts) - counts, counts) - in_front[of_row]
    added = (place < 0) | (place >= own[of_row])
    decides = np.where(added, row[of_row] + (1 << 40), base[of_row])
    hashed = mix(seed, 4, decides, place + 1)
    stock = (place == 0) & (own[of_row] >= 3) & chance(mix(hashed), STOCK_SHARE)
    n_stock = len(pool.starts) - 1 - pool.n_drawn
    sentence = np.where(stock, pool.n_drawn + below(hashed, n_stock), below(hashed, pool.n_drawn))
    # one line a piece
    lengths = (pool.starts[1:] - pool.starts[:-1])[sentence]
    of_sentence = np.repeat(np.arange(len(sentence)), lengths)
    begins = np.cumsum(lengths) - lengths
    within = np.arange(len(of_sentence)) - begins[of_sentence]
    piece = pool.stream[pool.starts[sentence][of_sentence] + within]
    hashed = mix(hashed[of_sentence], within)
    drawable = pool.stream[
        : pool.starts[pool.n_drawn]
    ]  # a word drawn from the running text: common ones are common
    replaced = chance(hashed, WORD_SHARE) & ~stock[of_sentence]
    piece = np.where(replaced, drawable[below(hashed, len(drawable))], piece)
    again = mix(hashed)
    renumbered = (pool.numbered[piece] >= 0) & chance(again, NUMBER_SHARE)
    piece = np.where(renumbered, pool.numbered[piece] + below(again, NUMBER_VARIANTS), piece).astype(np.int32)
    row_of = of_row[of_sentence]
    # the copies' own changes
    n_pieces = np.bincount(row_of, minlength=len(row))
    row_begins = np.cumsum(n_pieces) - n_pieces
    own_hash = mix(draw[row_of], np.arange(len(piece)) - row_begins[row_of])
    share = 0.4 + 0.6 * below(draw, 1000) / 1000
    restyle = (edit == RESTYLED)[row_of] & chance(own_hash, share[row_of])
    piece = np.where(restyle, pool.restyled[piece], piece)
    times = np.ones(len(piece), np.int8)
    changed = np.flatnonzero(edit == EDITED)
    n_edits = 1 + below(mix(draw[changed], 5), np.where(base[changed] == 0, 2, 6))
    n_edits = np.maximum(n_edits * n_pieces[changed] // 50, n_edits if size.kind == "short" else 1)
    of_edit = np.repeat(changed, n_edits)
    hashed = mix(draw[of_edit], 6, np.arange(len(of_edit)) - np.repeat(np.cumsum(n_edits) - n_edits, n_edits))
    target = row_begins[of_edit] + below(hashed, n_pieces[of_edit])
    how = below(mix(hashed), 3)
    piece[target[how == 0]] = drawable[below(mix(hashed, 7), len(drawable))][how == 0]
    times[target[how == 1]] = 0
    times[target[how == 2]] = 2
    cut = np.flatnonzero(edit == CUT)
    gone = (n_pieces[cut] * (0.03 + 0.20 * below(draw[cut], 1000) / 1000)).astype(np.int64)
    begins = row_begins[cut] + np.where(chance(draw[cut], 0.5), 0, n_pieces[cut] - gone)
    of_cut = np.repeat(np.arange(len(cut)), gone)
    times[begins[of_cut] + np.arange(len(of_cut)) - np.repeat(np.cumsum(gone) - gone, gone)] = 0
    kept = np.bincount(row_of, weights=times, minlength=len(row)).astype(np.int64)
    return join_pieces(pool.pieces, np.repeat(piece, times), kept)


def join_pieces(pieces: pa.BinaryArray, chosen: np.ndarray, counts: np.ndarray) -> pa.Array:
    """Glue chosen pieces together, counts[i] of them to text i."""
    taken = pc.take(pieces, pa.array(chosen))
    assert isinstance(taken, pa.BinaryArray)
    assert taken.offset == 0
    offsets = np.frombuffer(taken.buffers()[1], np.int32)
    ends = offsets[np.r_[0, np.cumsum(counts)]]
    return pa.StringArray.from_buffers(len(counts), pa.py_buffer(ends.tobytes()), taken.buffers()[2])


def write_set(pool: Pool, size: Size, path: Path, seed: int) -> None:
    """Write one set: two row groups in work at a time."""
    plan = make_plan(size, pool.sentence_bytes, seed)
    firsts = range(0, size.rows, size.row_group)

    def row_group(first: int) -> pa.Table:
        last = min(first + size.row_group, size.rows)
        return pa.table({"text": render(pool, plan, size, first, last, seed)})

    def in_turn(threads: ThreadPoolExecutor) -> Iterator[pa.Table]:
        for at in range(0, len(firsts), 2):
            yield from threads.map(row_group, firsts[at : at + 2])

    unfinished = path.with_suffix(".unfinished")
    schema = pa.schema({"text": pa.string()})
    with (
        ThreadPoolExecutor(2) as threads,
        pq.ParquetWriter(unfinished, schema, compression="zstd", compression_level=3) as writer,
    ):
        for table in in_turn(threads):
            writer.write_table(table, row_group_size=size.row_group)
    unfinished.rename(path)


def ensure(names: list[str], data: Path, out: Path, seed: int = 0) -> dict[str, Path]:
    """Write the sets that are not there; return where each one is."""
    out.mkdir(parents=True, exist_ok=True)
    paths = {name: out / f"{name}.parquet" for name in names}
    pools: dict[str, Pool] = {}
    for name, path in paths.items():
        if path.exists():
            continue
        size, started = SETS[name], time.perf_counter()
        if size.kind not in pools:
            pools[size.kind] = build_pool(source_texts(data, size.kind), seed)
        write_set(pools[size.kind], size, path, seed)
        seconds, packed = time.perf_counter() - started, path.stat().st_size / 1e6
        print(f"{path}: {size.rows:,} rows, {packed:,.0f} MB, {seconds:.1f} s", file=sys.stderr)
    return paths


def main() -> None:
    """Write the sets asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out/perf"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=["s20k", "s100k", "s1m", "long30k"])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    ensure(arguments.sets, arguments.data, arguments.out, arguments.seed)


if __name__ == "__main__":
    main()
