"""Prompts of rows, and completions of them: from a server in one stream, or from models in our processes."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from time import monotonic
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from curate.errors import MachineError
from curate.flow import ROW_ID, Engine, Grain
from curate.models.address import open_generator
from curate.models.journal import Journal, through, to_stderr
from curate.models.progress import Price, Progress
from curate.models.types import Completion, Generator, Message, Request, Sampling
from curate.stages.inputs import Shard

FILLED: dict[Grain, tuple[str, ...]] = {
    "row": ("prompt", "answer"),
    "response": ("prompt", "answer", "response"),
}
"""Columns that a template can name, by grain."""
JOURNAL = "completions.sqlite"
"""Beside the evidence: all evidence of a cache shares it."""
TOLD_EVERY_S = 5.0
ROWS_AT_ONCE = 64
"""Problems that one task of a GPU worker completes."""

I32 = npt.NDArray[np.int32]


class Asking(NamedTuple):
    """How a row becomes a request."""

    model: str
    sampling: Sampling
    system: str | None  # instead of the row's own
    suffix: str
    concurrency: int | None
    gpus: int = 0
    prices: tuple[float, ...] = ()
    template: str | None = None
    """Text with {prompt}, {answer}, {response} that is sent instead of the conversation."""
    """Of a million tokens read, and of a million written."""


class Prompts(NamedTuple):
    """Rows of a shard: what is sent."""

    row_ids: npt.NDArray[np.int64]
    messages: list[tuple[Message, ...] | None]
    """Null where there is nothing to ask, or `skip-if` holds."""


class Answered(NamedTuple):
    """A completion and the place it belongs to."""

    shard: int
    row: int  # position in the shard
    sample: int
    completion: Completion


class Wanted(NamedTuple):
    """Completions `asked` for before, and `more` that are wanted now, by row of a shard."""

    shard: Shard
    asked: I32
    more: I32


class Portion(NamedTuple):
    """Some rows of a shard, the work of one task."""

    shard: int
    first: int  # position of the first row in its shard
    wanted: Wanted


def _part(wanted: Wanted, part: slice) -> Wanted:
    return Wanted(replace(wanted.shard, part=part), wanted.asked[part], wanted.more[part])


class Sampler(Protocol):
    """What gets completions, and keeps them in a journal as they come."""

    fingerprint: str
    """Of the model; of weights in our processes known when the first completion has come."""

    def sample(self, wanted: Sequence[Wanted], into: Path) -> Iterator[Answered]:
        """What is wanted, as it comes; `into` is a folder for scratch."""
        ...

    def close(self) -> None:
        """Let go of the model."""
        ...


def prompts_of(shard: Shard, asking: Asking) -> Prompts:
    """What is sent for each line of the grain: the conversation before the answer, or the template filled."""
    columns = ("prompt", "system", "turns") if asking.template is None else FILLED[shard.grain]
    keys = shard.keys()
    wanted = keys.join(shard.skip_mask(), on=keys.columns, how="anti")
    frame = keys.join(
        wanted.join(shard.read(*columns), on=keys.columns, how="left").with_columns(asked=pl.lit(value=True)),
        on=keys.columns,
        how="left",
        maintain_order="left",
    )
    messages: list[tuple[Message, ...] | None] = []
    for asked, *values in frame.select("asked", *columns).iter_rows():
        if not asked:
            messages.append(None)
        elif asking.template is None:
            prompt, system, turns = values
            messages.append(messages_of(prompt, system, turns, asking))
        else:
            messages.append(_filled(asking.template, dict(zip(columns, values, strict=True)), asking.system))
    return Prompts(frame[ROW_ID].to_numpy(), messages)


def _filled(template: str, values: dict[str, str | None], system: str | None) -> tuple[Message, ...] | None:
    """The template with the texts of a line, in one pass; null if one that it names is null or empty."""
    names = fields_of(template)
    if any(not (values[name] or "").strip() for name in names):
        return None
    text = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1]) or found[0], template)
    return (*([Message("system", system)] if system else []), Message("user", text))


def fields_of(template: str) -> list[str]:
    """Names of columns in braces that a template has; other braces are text."""
    return [name for name in dict.fromkeys(re.findall(r"\{(\w+)\}", template)) if name in FILLED["response"]]


def messages_of(
    prompt: str | None, system: str | None, turns: list[dict[str, str | None]] | None, asking: Asking
) -> tuple[Message, ...] | None:
    """What is sent for one row; null if there is nothing to ask."""
    said = [Message(turn["role"] or "", turn["content"] or "") for turn in turns or ()]
    while said and said[-1].role == "assistant":
        said.pop()
    system = next((turn.content for turn in said if turn.role == "system"), system)
    said = [turn for turn in said if turn.role != "system"] or ([Message("user", prompt)] if prompt else [])
    if not any(turn.content.strip() for turn in said):
        return None
    said[-1] = said[-1]._replace(content=said[-1].content + asking.suffix)
    system = system if asking.system is None else asking.system
    return (*([Message("system", system)] if system else []), *said)


def open_sampler(asking: Asking, engine: Engine, journal: Path) -> Sampler:
    """The sampler of a model: the stream of a server, or tasks of the engine's GPU workers."""
    if asking.model.startswith("server:"):
        return Served(asking, journal)
    return InProcess(asking, engine, journal)


def _requests(prompts: Prompts, asked: I32, more: I32) -> Iterator[tuple[int, Request]]:
    """Position of the row and request, of everything that is wanted."""
    for row, messages in enumerate(prompts.messages):
        if messages is not None:
            for sample in range(int(asked[row]), int(asked[row] + more[row])):
                yield row, Request(messages, sample)


class Served:
    """A server: one stream of requests over all shards, as many at once as it bears."""

    def __init__(self, asking: Asking, journal: Path) -> None:
        self._asking = asking
        self._journal = journal
        from curate.models.calling import Limits  # brings the HTTP client
        from curate.models.concurrency import Bounds

        most = asking.concurrency or Bounds().most
        bounds = Bounds(first=min(Bounds().first, most), most=most)
        self._generator = open_generator(asking.model, limits=Limits(samples=bounds))
        self.fingerprint = self._generator.fingerprint

    def close(self) -> None:
        """Leave the server."""
        self._generator.close()

    def sample(self, wanted: Sequence[Wanted], into: Path) -> Iterator[Answered]:
        """What is wanted, as it comes."""
        del into
        n_rows = sum(int((one.more > 0).sum()) for one in wanted)
        most = max(int(one.more.max(initial=0)) for one in wanted)
        price = Price(*self._asking.prices) if self._asking.prices else None
        progress = Progress(n_rows, most, now=monotonic(), gpus=self._asking.gpus, price=price)
        told = monotonic()

        def asked() -> Iterator[tuple[tuple[int, int], Request]]:
            for index, (shard, before, more) in enumerate(wanted):
                if more.any():
                    for row, request in _requests(prompts_of(shard, self._asking), before, more):
                        yield (index, row), request

        with Journal(self._journal) as journal:
            for got in through(self._generator, asked, self._asking.sampling, journal):
                progress.add(got.request, got.completion, now=monotonic(), known=got.known)
                if monotonic() - told > TOLD_EVERY_S:
                    told = monotonic()
                    to_stderr(f"completions: {progress.line(told)}")
                yield Answered(*got.place, got.request.sample, got.completion)
        to_stderr(f"completions: {progress.line(monotonic())}")


class InProcess:
    """Weights in processes of ours: the engine gives each GPU the next few problems when it is free."""

    def __init__(self, asking: Asking, engine: Engine, journal: Path) -> None:
        self._asking, self._engine, self._journal = asking, engine, journal
        self.fingerprint = ""

    def close(self) -> None:
        """Nothing: a worker keeps its model."""

    def sample(self, wanted: Sequence[Wanted], into: Path) -> Iterator[Answered]:
        """What is wanted, in order, when all of it has come."""
        portions = [
            Portion(index, start, _part(one, slice(start, start + ROWS_AT_ONCE)))
            for index, one in enumerate(wanted)
            for start in range(0, len(one.more), ROWS_AT_ONCE)
            if one.more[start : start + ROWS_AT_ONCE].any()
        ]
        fn = partial(_complete, self._asking, self._journal, socket.gethostname())
        label = f"completions ({self._asking.model})"
        done = self._engine.map(fn, portions, into, runs="gpu", label=label, scratch=True)
        with Journal(self._journal) as journal:
            for path in done.shards:
                with pa.memory_map(str(path)) as source:
                    keys, models, *told = pa.ipc.open_file(source).read_all().to_pydict().values()
                self._check(models)
                answers = [
                    Answered(index, row, sample, Completion(*json.loads(text)))
                    for index, row, sample, text in zip(*told, strict=True)
                ]
                journal.put_many(dict(zip(keys, (one.completion for one in answers), strict=True)))
                yield from answers

    def _check(self, models: Sequence[str]) -> None:
        """Take the fingerprint from what the workers say; raise MachineError if they do not agree."""
        found = {*models, *([self.fingerprint] if self.fingerprint else [])}
        if len(found) > 1:
            raise MachineError(
                f"{self._asking.model}: expected the same weights in the same precision wherever they run, "
                f"found {' and '.join(sorted(found))}. Put the same files on every node, of one kind."
            )
        self.fingerprint = next(iter(found), "")


COMPLETIONS = pa.schema(
    [
        ("key", pa.binary(16)),
        ("model", pa.string()),
        ("shard", pa.int32()),
        ("row", pa.int32()),
        ("sample", pa.int32()),
        ("completion", pa.large_string()),
    ]
)


def _complete(asking: Asking, journal: Path, host: str, portion: Portion) -> pa.Table:
    """Complete the prompts of some rows with the model that this process holds.

    What comes is in a journal at once: on the machine of the run in the run's, elsewhere in one of that
    machine's own (SQLite's log does not work over a network), from where the driver's gets it.
    """
    if socket.gethostname() != host:
        journal = journal.with_name(f"{journal.stem}-{socket.gethostname()}{journal.suffix}")
    wanted = portion.wanted
    generator = _kept_open(asking.model)
    requests = list(_requests(prompts_of(wanted.shard, asking), wanted.asked, wanted.more))
    lines = []
    with Journal(journal) as kept:
        for got in through(generator, lambda: requests, asking.sampling, kept):
            key = got.request.key(generator.fingerprint, asking.sampling)
            place = portion.shard, portion.first + got.place, got.request.sample
            lines.append((key, generator.fingerprint, *place, json.dumps(got.completion)))
    lines.sort(key=lambda line: line[3:5])
    columns = list(zip(*lines, strict=True)) or [()] * len(COMPLETIONS)
    return pa.table(list(map(pa.array, columns, COMPLETIONS.types)), schema=COMPLETIONS)


@lru_cache(maxsize=1)
def _kept_open(model: str) -> Generator:
    """This process's model: it is loaded once."""
    return open_generator(model)
