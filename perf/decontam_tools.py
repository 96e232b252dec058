"""Tools that say which rows hold which benchmark item: curate, and published rules written anew.

A tool is a function of the references (item, text, solution) and the candidates (row, text) of one set. It
returns `Flags`: per candidate whether it is flagged, the item it is closest to, and the class, where the tool
knows classes. Nothing is tuned to the sets.

Written anew, each from its source, so that figures are those of the rule, not of the program:
- any-8, any-10, any-13: open-r1 scripts/decontaminate.py; lower-cased pieces between white space; any n-gram.
- gpt3-13: GPT-3 (2005.14165, appendix C) and lm-evaluation-harness' janitor: words without punctuation, any
  13-gram, n-grams in more than ten rows ignored.
- tulu: open-instruct decontamination/search.py: more than half of an item's tokens lie in 8-grams shared with
  the row (runs of letters and digits in place of spaCy's tokens and Elasticsearch's).
- olmo3: the same without n-grams of mostly one-character tokens (2512.13961); its list of generic phrases is
  not published, so that it is missing here.
- indel-95, indel-75: open-thoughts (fuzz.ratio >= 95 of the whole texts), OpenThoughts3 (75).
- decon, decon-question: allenai/decon 0.3.0 from its source, see `decon`; its binary was not run.
- lightr1: Light-R1 decontaminate/: equal without digits and punctuation, or any 32-gram.
- qwen: Qwen2.5-Math: a shared 13-gram, and a longest common subsequence of at least 13 tokens and 0.6 of the
  shorter text.
Run as it is: datatrove's n-gram filter (perf/decontam_datatrove.py), with the n-grams of questions switched
on; by default it looks for answers only.
"""

# mypy: disable-error-code="import-untyped"
from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl
from rapidfuzz import fuzz, process
from rapidfuzz.distance import LCSseq

CHUNK = 500  # candidates at a time: stock phrases make many pairs
WORD = re.compile(r"\w+")
DECON_PUNCTUATION = re.compile(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~“”‘’]")
DECON_TOKEN = re.compile(r"[\u3040-\u9fff]|\d{1,3}|[^\W\d\u3040-\u9fff]+")
COPIES = ("verbatim", "near", "reworded")
Split = Callable[[str], list[str]]


class Flags(NamedTuple):
    """The answer of a tool, a line a candidate."""

    flagged: npt.NDArray[np.bool_]
    item: npt.NDArray[np.int64]  # position in the references, -1 if none
    kind: pl.Series | None = None  # class, null if none; None if the tool knows no classes


Tool = Callable[[pl.DataFrame, pl.DataFrame], Flags]


def by_spaces(text: str) -> list[str]:
    """Lower-cased pieces between white space."""
    return text.lower().split()


def by_words(text: str) -> list[str]:
    """Lower-cased runs of letters and digits."""
    return WORD.findall(text.lower())


def by_decon(text: str) -> list[str]:
    """Decon's cleaning; words and groups of three digits in place of cl100k's pieces."""
    return DECON_TOKEN.findall(DECON_PUNCTUATION.sub(" ", text.lower()))


class Corpora:
    """References and candidates as token numbers, n-grams of both as 64-bit numbers."""

    def __init__(self, references: pl.DataFrame, candidates: pl.DataFrame, split: Split) -> None:
        self.numbers: dict[str, int] = {}
        self.references = [self._known(split(text)) for text in references["text"]]
        self.candidates = [self._known(split(text)) for text in candidates["text"]]
        self.hashes = np.random.default_rng(0).integers(0, 2**64, len(self.numbers) + 1, np.uint64)

    def _known(self, tokens: list[str]) -> list[int]:
        return [self.numbers.setdefault(token, len(self.numbers)) for token in tokens]

    def grams(self, documents: list[list[int]], n: int, first: int = 0) -> pl.DataFrame:
        """The n-grams of some documents: doc, pos (number of its first token), gram."""
        lengths = np.array([len(document) for document in documents], np.int64)
        flat = np.fromiter((token for document in documents for token in document), np.int64)
        if len(flat) < n:
            schema = {"doc": pl.UInt32, "pos": pl.UInt32, "gram": pl.UInt64}
            return pl.DataFrame(schema=schema)
        hashes = self.hashes[flat]
        grams = np.zeros(len(flat) - n + 1, np.uint64)
        for shift in range(n):
            grams = grams * np.uint64(0x9E3779B97F4A7C15) + hashes[shift : shift + len(grams)]
        starts = np.cumsum(lengths) - lengths
        doc = np.repeat(np.arange(len(documents)), lengths)[: len(grams)]
        pos = np.arange(len(grams)) - starts[doc]
        whole = pos + n <= lengths[doc]
        frame = {"doc": (doc + first).astype(np.uint32), "pos": pos.astype(np.uint32), "gram": grams}
        return pl.DataFrame(frame).filter(pl.Series(whole))

    def chunks(self, n: int) -> Iterator[pl.DataFrame]:
        """The n-grams of the candidates, some candidates at a time."""
        for at in range(0, len(self.candidates), CHUNK):
            yield self.grams(self.candidates[at : at + CHUNK], n, at)


def best(scores: pl.DataFrame, n_candidates: int, limit: float, *, strict: bool = False) -> Flags:
    """Flag each candidate by its best item; scores: doc, item, score."""
    top = scores.sort("doc", pl.col("score"), "item", descending=[False, True, False]).unique(
        "doc", keep="first", maintain_order=True
    )
    item = np.full(n_candidates, -1, np.int64)
    score = np.full(n_candidates, -1.0)
    item[top["doc"].to_numpy()] = top["item"].to_numpy()
    score[top["doc"].to_numpy()] = top["score"].to_numpy()
    return Flags(score > limit if strict else score >= limit, item)


def shared(corpora: Corpora, n: int, max_rows: int | None = None) -> pl.DataFrame:
    """Distinct n-grams shared by each pair of candidate and item: doc, item, score.

    max_rows: ignore n-grams that are in more candidates than this.
    """
    items = corpora.grams(corpora.references, n).unique(["doc", "gram"]).select("gram", item="doc")
    wanted = items.select("gram").unique()
    hits = pl.concat(
        part.join(wanted, on="gram", how="semi").unique(["doc", "gram"]).select("doc", "gram")
        for part in corpora.chunks(n)
    )
    if max_rows is not None:
        hits = hits.filter(pl.len().over("gram") <= max_rows)
    return hits.join(items, on="gram").group_by("doc", "item").agg(score=pl.len().cast(pl.Float64))


def any_ngram(n: int, split: Split = by_spaces, max_rows: int | None = None) -> Tool:
    """Flag a row that shares any n-gram with an item."""

    def flag(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
        corpora = Corpora(references, candidates, split)
        return best(shared(corpora, n, max_rows), len(candidates), 1)

    return flag


def coverage(n: int, limit: float, *, mostly_long_tokens: bool = False) -> Tool:
    """Flag a row whose shared n-grams cover more than this share of an item's tokens."""

    def flag(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
        corpora = Corpora(references, candidates, by_words)
        items = corpora.grams(corpora.references, n)
        if mostly_long_tokens:
            short = np.array([len(token) == 1 for token in corpora.numbers], np.int64)
            runs = [np.cumsum([0, *short[document]]) for document in corpora.references]
            places = zip(items["doc"], items["pos"], strict=True)
            few = [(runs[doc][pos + n] - runs[doc][pos]) * 2 <= n for doc, pos in places]
            items = items.filter(pl.Series(few, dtype=pl.Boolean))
        lengths = pl.DataFrame(
            {
                "item": np.arange(len(references), dtype=np.uint32),
                "length": [float(len(document)) for document in corpora.references],
            }
        )
        items = items.select("gram", "pos", item="doc")
        covered = pl.concat(
            part.select("doc", "gram")
            .unique()
            .join(items, on="gram")
            .sort("doc", "item", "pos")
            .with_columns(step=pl.col("pos").shift(-1).over("doc", "item") - pl.col("pos"))
            .group_by("doc", "item")
            .agg(tokens=pl.min_horizontal(pl.col("step").fill_null(n), pl.lit(n)).sum())
            for part in corpora.chunks(n)
        )
        scores = covered.join(lengths, on="item").select(
            "doc", "item", score=pl.col("tokens") / pl.col("length")
        )
        return best(scores, len(candidates), limit, strict=True)

    return flag


def indel(limit: int) -> Tool:
    """Flag a row whose whole text is as similar as this to an item's (Indel ratio, percent)."""

    def flag(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
        texts, rows = references["text"].to_list(), candidates["text"].to_list()
        item, score = np.full(len(rows), -1, np.int64), np.zeros(len(rows))
        order = np.argsort([len(row) for row in rows], kind="stable")
        lengths = np.array([len(text) for text in texts])
        for at in range(0, len(rows), CHUNK):
            chunk = order[at : at + CHUNK]
            low, high = len(rows[chunk[0]]), len(rows[chunk[-1]])
            # 2 min / (a + b) bounds the ratio, so that items of other lengths need no comparison.
            fits = np.flatnonzero(
                (lengths * (200 - limit) >= low * limit) & (lengths * limit <= high * (200 - limit))
            )
            if not len(fits):
                continue
            matrix = process.cdist(
                [rows[row] for row in chunk],
                [texts[i] for i in fits],
                scorer=fuzz.ratio,
                score_cutoff=limit,
                dtype=np.float32,
                workers=2,
            )
            top = matrix.argmax(axis=1)
            found = matrix[np.arange(len(chunk)), top] >= limit
            item[chunk[found]] = fits[top[found]]
            score[chunk] = matrix.max(axis=1)
        return Flags(score >= limit, item)

    return flag


def decon(*, answers: bool) -> Tool:
    """Decon's rule: the IDF share of an item's 5-grams in one cluster of the row, and its answer behind it.

    As in its source: every tenth n-gram of the row can begin a cluster, which goes on until eleven n-grams
    miss; O = IDF share (IDF among the items); a question alone must reach 0.8, short ones more (1 up to 20
    tokens, falling evenly to 0.8 at 50); with an answer 0.75 O + 0.25 A, where A is 1 if an answer of up to
    three tokens is within 50 tokens of the cluster, else the share of the answer's 3-grams within
    max(100, twice its tokens), 0 below 0.2. Items under 20 tokens or 4 distinct words are left out. Other
    than the source: tokens are words, so that fewer items are long enough; n-grams in very many items are
    not set aside; questions of fewer than 20 n-grams do not hand weight to the answer.
    """

    def flag(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
        corpora = Corpora(references, candidates, by_decon)
        n = 5
        kept = [
            i for i, tokens in enumerate(corpora.references) if len(tokens) >= 20 and len(set(tokens)) >= 4
        ]
        items = (
            corpora.grams(corpora.references, n)
            .filter(pl.col("doc").is_in(kept))
            .unique(["doc", "gram"])
            .select("gram", item="doc")
        )
        items = items.with_columns(idf=(len(kept) / pl.len().over("gram")).log())
        # One item alone has an IDF of ln 1 = 0 throughout; count n-grams then.
        items = items.with_columns(
            idf=pl.when(pl.col("idf").sum().over("item") > 0).then("idf").otherwise(1.0)
        )
        whole = items.group_by("item").agg(whole=pl.col("idf").sum())
        clusters = pl.concat(
            part.join(items, on="gram")
            .sort("doc", "item", "pos")
            .with_columns(
                cluster=(pl.col("pos").diff() > 11)
                .fill_null(False)
                .cast(pl.UInt32)
                .cum_sum()
                .over("doc", "item")
            )
            .filter((pl.col("pos") % 10 == 0).any().over("doc", "item", "cluster"))
            .group_by("doc", "item", "cluster")
            .agg(
                first=pl.col("pos").min(),
                last=pl.col("pos").max() + n,
                found=pl.col("idf").filter(pl.col("gram").is_first_distinct()).sum(),
            )
            for part in corpora.chunks(n)
        )
        clusters = clusters.join(whole, on="item").with_columns(o=pl.col("found") / pl.col("whole"))
        clusters = clusters.filter(pl.col("o") >= (0.8 - 0.3) / 0.7)
        solutions = references["solution"].to_list() if answers else [None] * len(references)
        scores = [
            (doc, item, _decon_score(corpora, doc, item, first, last, o, solutions[item]))
            for doc, item, first, last, o in clusters.select("doc", "item", "first", "last", "o").iter_rows()
        ]
        schema = {"doc": pl.UInt32, "item": pl.UInt32, "score": pl.Float64}
        return best(pl.DataFrame(scores, schema, orient="row"), len(candidates), 0.8 - 1e-9)

    return flag


def _decon_score(
    corpora: Corpora, doc: int, item: int, first: int, last: int, o: float, solution: str | None
) -> float:
    length = len(corpora.references[item])
    needed = 1.0 if length <= 20 else max(0.8, 1.0 - 0.2 * (length - 20) / 30)
    if o < needed - 1e-9:
        return 0.0
    answer = [corpora.numbers.get(token, -1) for token in by_decon(solution)] if solution else []
    if not answer:
        return o
    row = corpora.candidates[doc]
    reach = 50 if len(answer) <= 3 else max(100, 2 * len(answer))
    near = [*row[last : last + reach], -2, *row[max(0, first - reach) : first]]
    n = len(answer) if len(answer) <= 3 else 3
    there = {tuple(near[i : i + n]) for i in range(len(near) - n + 1)}
    wanted = {tuple(answer[i : i + n]) for i in range(len(answer) - n + 1)}
    share = len(wanted & there) / len(wanted)
    return 0.75 * o + 0.25 * (share if share >= 0.2 else 0.0)


def lightr1(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
    """Equal without digits and punctuation, or any 32-gram shared."""

    def bare(text: str) -> str:
        return re.sub(r"\d+", "", re.sub(r"[^\w]", "", text)).lower()

    flags = any_ngram(32)(references, candidates)
    equal: dict[str, int] = {}
    for index, text in enumerate(references["text"]):
        equal.setdefault(bare(text), index)
    same = np.array([equal.get(bare(text), -1) for text in candidates["text"]], np.int64)
    return Flags(flags.flagged | (same >= 0), np.where(same >= 0, same, flags.item))


def qwen(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
    """A shared 13-gram and a long common subsequence; of each row, the five items that share most."""
    corpora = Corpora(references, candidates, by_words)
    pairs = shared(corpora, 13).sort("doc", pl.col("score"), "item", descending=[False, True, False])
    pairs = pairs.group_by("doc", maintain_order=True).head(5)
    scores = []
    for doc, item in pairs.select("doc", "item").iter_rows():
        one, two = corpora.candidates[doc], corpora.references[item]
        length = LCSseq.similarity(one, two)
        score = length / min(len(one), len(two)) if length >= 13 else 0.0
        scores.append((doc, item, score))
    schema = {"doc": pl.UInt32, "item": pl.UInt32, "score": pl.Float64}
    return best(pl.DataFrame(scores, schema, orient="row"), len(candidates), 0.6)


def curate(*options: str) -> Tool:
    """`curate decontam` as a user runs it; classes come from the evidence where it has them."""

    def flag(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
        with tempfile.TemporaryDirectory() as folder:
            rows, items, run = (
                Path(folder, "rows.parquet"),
                Path(folder, "items.parquet"),
                Path(folder, "run"),
            )
            candidates.select("row", "text").write_parquet(rows)
            items_frame = references.select(id="item", problem="text", solution="solution")
            items_frame.write_parquet(items)
            program = [sys.executable, "-c", "from curate.cli.main import app; app()"]
            command = [
                *program,
                "decontam",
                str(rows),
                "--prompt-column",
                "text",
                "--against",
                str(items),
                "--out",
                str(run),
            ]
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"{' '.join(done.args)}\n{done.stdout}\n{done.stderr}")
            return _read_run(run, references, candidates)

    return flag


def _read_run(run: Path, references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
    """Verdicts and evidence of a run, in the order of the candidates."""
    original = pl.read_parquet(run / "input" / "originals" / "*.parquet").select("row_id", "row")
    verdicts = pl.read_parquet(run / "verdicts" / "*.parquet").select(
        "row_id", flagged=pl.col("reasons").list.contains("contaminated")
    )
    leak = pl.read_parquet(run / "evidence" / "leak" / "*.parquet")
    leak = leak.select("row_id", "item", *(["class"] if "class" in leak.columns else []))
    position = references.select("item").with_row_index("position")
    lines = (
        candidates.select("row")
        .join(original, on="row", how="left", maintain_order="left")
        .join(verdicts, on="row_id", how="left", maintain_order="left")
        .join(leak, on="row_id", how="left", maintain_order="left")
        .join(position, on="item", how="left", maintain_order="left")
    )
    if lines["flagged"].null_count() or len(lines) != len(candidates):
        raise RuntimeError(f"{run}: {lines['flagged'].null_count()} rows have no verdict")
    item = lines["position"].cast(pl.Int64).fill_null(-1).to_numpy()
    return Flags(lines["flagged"].to_numpy(), item, lines["class"] if "class" in lines.columns else None)


def datatrove(references: pl.DataFrame, candidates: pl.DataFrame) -> Flags:
    """datatrove's n-gram filter in the environment of perf/dedup_peers.py."""
    python = Path("out/perf/peers/libraries/bin/python")
    with tempfile.TemporaryDirectory() as folder:
        references.write_parquet(Path(folder, "references.parquet"))
        candidates.select("row", "text").write_parquet(Path(folder, "candidates.parquet"))
        script = Path(__file__).with_name("decontam_datatrove.py")
        done = subprocess.run([python, script, folder], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        item = pl.read_parquet(Path(folder, "found.parquet"))["item"].to_numpy()
    return Flags(item >= 0, item)


TOOLS: dict[str, Tool] = {
    "curate": curate(),
    "any-8": any_ngram(8),
    "any-10": any_ngram(10),
    "any-13": any_ngram(13),
    "gpt3-13": any_ngram(13, by_words, max_rows=10),
    "tulu": coverage(8, 0.5),
    "olmo3": coverage(8, 0.5, mostly_long_tokens=True),
    "indel-95": indel(95),
    "indel-75": indel(75),
    "decon": decon(answers=True),
    "decon-question": decon(answers=False),
    "lightr1": lightr1,
    "qwen": qwen,
    "datatrove": datatrove,
}
