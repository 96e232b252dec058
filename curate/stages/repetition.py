"""Whether a response got stuck: phrases back to back, loops in which only a number changes, nothing new said.

Measures
    A *word* is what stands between spaces (cut after 32 characters); in scripts written without spaces
    (Han, kana, Thai) every character is a word. A *loop* is a phrase of at least `min-phrase-words`
    words that stands at least `min-repeats` times back to back. A *template loop* is a loop that shows
    when every number is read as 0: "Step 12: ... Step 13: ...". An eight-word phrase is *new* when it
    did not stand earlier in the same response. Reasoning repeats itself by nature, and a correct
    enumeration is a template loop; what tells a stuck response is that it ends in a loop or that a
    whole window of it says nothing new.
Columns
    n_words               words of the response
    consecutive_repeats   most times a phrase stands back to back; 1 without a loop, 0 without a word
    repeated_phrase_words, repeated_words
                          words of that phrase, words of that loop; 0 without a loop
    loop_share            share of the words that lie in loops
    tail_loop             the response ends in a loop (the last two words may differ: a word cut short,
                          an end mark)
    loop_onset            words before that loop; null if the response does not end in one
    tail_loop_words       words from the onset to the end; 0 if it does not end in a loop
    template_repeats, template_words, template_share, template_tail_words
                          the same for template loops: most repeats, words of that loop, share, tail
    novelty_min, novelty_tail
                          share of new eight-word phrases in the worst window of `window-words`, and in
                          the last; over the whole response if it is shorter; 1.0 under eight words
    top_2gram_share, top_3gram_share, top_4gram_share
                          length times count of the most common phrase over n_words, at most 1.0
    dup_10gram_share      share of the words inside a phrase of ten words that stood earlier
    max_line_repeats      most often a line of 20 characters or more occurs; 0 without such a line
    compression_ratio     bytes over bytes compressed by zstd level 3; 1.0 for an empty response
    status                ok; no-text: the response is null, and so is every other column
Not covered
    Paraphrased loops. Loops shorter than three periods. A loop without any space shows only once the
    cut after 32 characters comes back to the same place in the phrase. Phrases common to many
    responses (corpus counts). Text is compared as it is: no case folding, no Unicode normalisation.
Source
    Back-to-back phrases: AM-Thinking-v1 §2.3, which states neither length nor count; the defaults here
    are ours. Top phrases and duplicate phrases: Gopher (Rae et al. 2021, table A1), by words where
    Gopher counts characters. Novelty in windows: loop detectors of inference servers, with eight-word
    phrases. Kernel: `curate.kernels.repeats`.

In:  {"row_id": 0, "response_id": 0, "response": "So x = 2. Wait, no. Wait, no. Wait, no. Wait, no."}
Out: {"row_id": 0, "response_id": 0, "n_words": 12, "consecutive_repeats": 4, "repeated_phrase_words": 2,
      "repeated_words": 8, "loop_share": 0.667, "tail_loop": True, "loop_onset": 4, ..., "status": "ok"}
(with min-phrase-words = 2)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import zstandard
from pydantic import Field

from curate.flow import RESPONSE_ID, ROW_ID, Stage, StageParams
from curate.kernels.repeats import (
    NEW_WORDS,
    Bools,
    Floats,
    Ints,
    Runs,
    covered,
    find_repeats,
    find_runs,
)

VERSION = 1

EVIDENCE = pa.schema(
    [
        ("n_words", pa.int32()),
        ("consecutive_repeats", pa.int32()),
        ("repeated_phrase_words", pa.int32()),
        ("repeated_words", pa.int32()),
        ("loop_share", pa.float64()),
        ("tail_loop", pa.bool_()),
        ("loop_onset", pa.int32()),
        ("tail_loop_words", pa.int32()),
        ("template_repeats", pa.int32()),
        ("template_words", pa.int32()),
        ("template_share", pa.float64()),
        ("template_tail_words", pa.int32()),
        ("novelty_min", pa.float64()),
        ("novelty_tail", pa.float64()),
        ("top_2gram_share", pa.float64()),
        ("top_3gram_share", pa.float64()),
        ("top_4gram_share", pa.float64()),
        ("dup_10gram_share", pa.float64()),
        ("max_line_repeats", pa.int32()),
        ("compression_ratio", pa.float64()),
        ("status", pa.string()),
    ]
)

WORD = r"[^\s\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}]{1,32}|\S"
NUMBER = r"[0-9]+(?:[.,][0-9]+)*"
TAIL_SLACK_WORDS = 2
MIN_LINE_CHARS = 20
BATCH_BYTES = 2**22
"""Text handed to the kernel at once; keeps its arrays under about 100 MB. No effect on the results."""


class RepetitionParams(StageParams):
    """What counts as a loop, and how long a window of novelty is."""

    stage: Literal["repetition"]
    min_phrase_words: Annotated[int, Field(ge=1)] = Field(
        default=3, description="Shortest phrase that can make a loop; a shorter one counts in multiples of it"
    )
    min_repeats: Annotated[int, Field(ge=3)] = Field(
        default=3, description="Times a phrase must stand back to back to be a loop"
    )
    window_words: Annotated[int, Field(ge=16)] = Field(
        default=512, description="Window in which novelty is measured, in words"
    )


class _Words(NamedTuple):
    """Texts as integers, in the layout of `curate.kernels.repeats`."""

    ids: Ints
    offsets: Ints


class _Loops(NamedTuple):
    """The loops of each text in numbers; one value a text."""

    repeats: Ints
    phrase_words: Ints
    words: Ints
    share: Floats
    tail_words: Ints


def measure(frame: pl.DataFrame, params: RepetitionParams, _state: None) -> pl.DataFrame:
    """One line of repetition evidence a response."""
    parts = [_measure_batch(batch, params) for batch in _batches(frame)]
    return pl.concat(parts) if parts else _measure_batch(frame, params)


def _batches(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The frame in slices of about BATCH_BYTES of text, never less than a response."""
    size = frame["response"].str.len_bytes().fill_null(0).cast(pl.Int64)
    batch = (size.cum_sum() - size) // BATCH_BYTES
    for part in frame.with_columns(batch.alias("__batch")).partition_by("__batch", maintain_order=True):
        yield part.drop("__batch")


def _measure_batch(frame: pl.DataFrame, params: RepetitionParams) -> pl.DataFrame:
    text = frame["response"].fill_null("")
    words = _words(text)
    n_words = np.diff(words.offsets)
    repeats = find_repeats(words.ids, words.offsets)
    loops = _loops(repeats.runs, words.offsets, params)
    numbered = _words(text.str.replace_all(NUMBER, "0"))
    template = _loops(find_runs(numbered.ids, numbered.offsets), numbered.offsets, params)
    novelty_min, novelty_tail = _novelty(repeats.new, words.offsets, params.window_words)
    onset = pl.Series(n_words - loops.tail_words).set(pl.Series(loops.tail_words == 0), None)

    def phrase_share(count: Ints, length: int) -> Floats:
        return np.minimum(1.0, _share(count * length, n_words))

    columns = {
        "n_words": n_words,
        "consecutive_repeats": loops.repeats,
        "repeated_phrase_words": loops.phrase_words,
        "repeated_words": loops.words,
        "loop_share": loops.share,
        "tail_loop": loops.tail_words > 0,
        "loop_onset": onset,
        "tail_loop_words": loops.tail_words,
        "template_repeats": template.repeats,
        "template_words": template.words,
        "template_share": template.share,
        "template_tail_words": template.tail_words,
        "novelty_min": novelty_min,
        "novelty_tail": novelty_tail,
        "top_2gram_share": phrase_share(repeats.top_2gram, 2),
        "top_3gram_share": phrase_share(repeats.top_3gram, 3),
        "top_4gram_share": phrase_share(repeats.top_4gram, 4),
        "dup_10gram_share": _share(_count(repeats.in_duplicate, words.offsets), n_words),
        "max_line_repeats": _max_line_repeats(text),
        "compression_ratio": _compression_ratio(text),
    }
    schema = pl.DataFrame(EVIDENCE.empty_table()).schema
    evidence = pl.DataFrame(columns).cast({name: schema[name] for name in columns})
    given = frame["response"].is_not_null()
    return (
        frame.select(ROW_ID, RESPONSE_ID)
        .hstack(evidence.select(pl.when(given).then(pl.all())))
        .with_columns(pl.when(given).then(pl.lit("ok")).otherwise(pl.lit("no-text")).alias("status"))
    )


def _words(text: pl.Series) -> _Words:
    """The words of every text as integers, equal exactly when the words are."""
    lists = text.str.extract_all(WORD)
    offsets = np.concatenate(([0], np.cumsum(lists.list.len().to_numpy().astype(np.int64))))
    words = lists.list.explode(empty_as_null=False).to_arrow()
    return _Words(pc.dictionary_encode(words).indices.to_numpy().astype(np.int64), offsets)


def _loops(runs: Runs, offsets: Ints, params: RepetitionParams) -> _Loops:
    """The runs that are loops, in numbers for each text.

    A run of period 1 is read as phrases of `min_phrase_words` words: a run of nine equal words is a
    phrase of three words three times.
    """
    n_texts, n_words = len(offsets) - 1, np.diff(offsets)
    phrase = -(-params.min_phrase_words // runs.period) * runs.period
    times = (runs.end - runs.start) // phrase
    enough = times >= params.min_repeats
    start, end, phrase, times = runs.start[enough], runs.end[enough], phrase[enough], times[enough]
    text = np.searchsorted(offsets, start, side="right") - 1

    repeats, phrase_words = np.minimum(n_words, 1), np.zeros(n_texts, dtype=np.int64)
    words, tail_words = np.zeros(n_texts, dtype=np.int64), np.zeros(n_texts, dtype=np.int64)
    # The last assignment to a text stays: most repeats, then most words, then the earliest.
    order = np.lexsort((-start, end - start, times))
    repeats[text[order]] = times[order]
    phrase_words[text[order]] = phrase[order]
    words[text[order]] = (end - start)[order]
    last = offsets[text + 1] - end <= TAIL_SLACK_WORDS
    np.maximum.at(tail_words, text[last], (offsets[text + 1] - start)[last])
    in_loop = covered(start, end, int(offsets[-1]))
    return _Loops(repeats, phrase_words, words, _share(_count(in_loop, offsets), n_words), tail_words)


def _novelty(new: Bools, offsets: Ints, window: int) -> tuple[Floats, Floats]:
    """Share of new phrases in the worst and in the last window of each text."""
    total = np.concatenate(([0], np.cumsum(new)))
    worst, last = np.ones(len(offsets) - 1), np.ones(len(offsets) - 1)
    for text, (start, end) in enumerate(zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)):
        phrases = end - start - NEW_WORDS + 1
        if phrases > 0:
            size = min(window, phrases)
            upto = total[start : start + phrases + 1]
            new_in_window = upto[size:] - upto[:-size]
            worst[text], last[text] = new_in_window.min() / size, new_in_window[-1] / size
    return worst, last


def _max_line_repeats(text: pl.Series) -> pl.Series:
    """How often the most frequent line of MIN_LINE_CHARS characters or more occurs in each text."""
    lines = pl.LazyFrame({"text": np.arange(len(text)), "line": text.str.split("\n")}).explode("line")
    counts = (
        lines.with_columns(pl.col("line").str.strip_chars())
        .filter(pl.col("line").str.len_chars() >= MIN_LINE_CHARS)
        .group_by("text", "line")
        .len()
        .group_by("text")
        .agg(pl.col("len").max())
    )
    texts = pl.LazyFrame({"text": np.arange(len(text))})
    found = texts.join(counts, on="text", how="left", maintain_order="left").collect()
    return found["len"].fill_null(0)


def _compression_ratio(text: pl.Series) -> Floats:
    """Bytes over compressed bytes."""
    compressor = zstandard.ZstdCompressor(level=3)
    sizes = [(len(raw), len(compressor.compress(raw))) for raw in (value.encode() for value in text)]
    return np.array([raw / packed if raw else 1.0 for raw, packed in sizes], dtype=np.float64)


def _count(flags: Bools, offsets: Ints) -> Ints:
    """How many words of each text are flagged."""
    total = np.concatenate(([0], np.cumsum(flags)))
    return np.asarray(total[offsets[1:]] - total[offsets[:-1]])


def _share(part: Ints, whole: Ints) -> Floats:
    """part / whole, 0.0 where there is nothing."""
    return np.asarray(part / np.maximum(whole, 1))


STAGE = Stage(
    name="repetition",
    version=VERSION,
    grain="response",
    reads=("response",),
    evidence=EVIDENCE,
    params=RepetitionParams,
    measure=measure,
    runs="process",
)
