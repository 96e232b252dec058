"""Completions from any server that speaks the OpenAI protocol: vLLM, SGLang, llama.cpp, transformers serve.

Consecutive requests of one prompt go in one call of as many samples as the server really gives. The choices
that came are counted; for one that did not come the server is asked again. Calls run in a thread of their
own, so the server stays filled while the caller works on what has come. See `curate.models.calling` for what
happens to calls that fail, `curate.models.concurrency` for how many are in flight.
"""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import NamedTuple, Self

from curate.errors import InputError
from curate.models.calling import Caller, Limits, Reply
from curate.models.chat import chat_body, read_choices
from curate.models.probing import TEMPERATURE, Seen, probe
from curate.models.rating import find_way
from curate.models.types import Completion, Message, Request, Sampling

CANARY = (Message("user", "Hi"),)
CANARY_S = 60.0
AHEAD = 2
"""Samples asked for and not yet answered, in multiples of those in flight: the rest stays with the caller."""

Answered = list[tuple[Request, Completion]]


class Group(NamedTuple):
    """Samples of one prompt that are asked for in one call."""

    messages: tuple[Message, ...]
    samples: tuple[int, ...]


def groups(requests: Iterable[Request], most: int) -> Iterator[Group]:
    """Consecutive requests of one prompt together, at most so many of them."""
    held: list[Request] = []
    for request in requests:
        if held and (request.messages != held[0].messages or len(held) == most):
            yield Group(held[0].messages, tuple(one.sample for one in held))
            held = []
        held.append(request)
    if held:
        yield Group(held[0].messages, tuple(one.sample for one in held))


class ServerGenerator:
    """A model behind a server. One `generate` at a time."""

    def __init__(
        self,
        url: str,
        model: str = "",
        *,
        limits: Limits = Limits(),
        logprobs: bool = False,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        """Try what the server can do (`curate.models.probing`).

        `url` ends with `/v1`; `model` may be empty if the server has one. `logprobs` asks for the
        log-probability of every token, which makes answers several times as long. The key is read from the
        environment variable `key_variable`, if it is set.
        """
        self._caller = Caller(url, limits, key_variable)
        self._logprobs = logprobs
        try:
            self._seen: Seen = self._caller.run(probe(self._caller, model))
            way = self._caller.run(find_way(self._caller, self._seen.model))
        except BaseException:
            self._caller.close()
            raise
        self._caller.canary = self._sing
        self.capabilities = self._seen.capabilities._replace(prompt_logprobs=way is not None)
        self.fingerprint = self._seen.fingerprint
        self.model_reported = self._seen.model_reported

    def generate(
        self, requests: Iterable[Request], sampling: Sampling
    ) -> Iterator[tuple[Request, Completion]]:
        """Completions as they come: see `curate.models.types.Generator`.

        Raises InputError if the server cannot sample as is asked.
        """
        self._check(sampling)
        waiting = groups(requests, self.capabilities.most_samples)
        came: queue.SimpleQueue[Answered | BaseException] = queue.SimpleQueue()
        running: set[Future[None]] = set()
        asked = answered = 0
        more = True
        try:
            while more or answered < asked:
                while more and asked - answered <= AHEAD * self._caller.places.concurrency.limit:
                    group = next(waiting, None)
                    if group is None:
                        more = False
                        break
                    asked += len(group.samples)
                    future = self._caller.start(self._serve(group, sampling, came))
                    running.add(future)
                    future.add_done_callback(running.discard)
                if answered == asked:
                    continue
                part = came.get()
                if isinstance(part, BaseException):
                    raise part
                answered += len(part)
                yield from part
        finally:
            for future in list(running):
                future.cancel()

    async def _serve(
        self, group: Group, sampling: Sampling, came: queue.SimpleQueue[Answered | BaseException]
    ) -> None:
        """Ask until every sample of a group has come, or is given up."""
        left = list(group.samples)
        try:
            while left:
                n_samples = min(len(left), self.capabilities.most_samples)
                got, reply = await self._ask(group.messages, left[:n_samples], sampling)
                if reply.failure is not None:
                    lost = Completion(failure=reply.failure, error=reply.error)
                    got = [lost] * len(left)
                came.put(
                    [(Request(group.messages, sample), one) for sample, one in zip(left, got, strict=False)]
                )
                left = left[len(got) :]
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # told to the thread that waits for it
            came.put(error)

    async def _ask(
        self, messages: tuple[Message, ...], samples: list[int], sampling: Sampling
    ) -> tuple[list[Completion], Reply]:
        body = chat_body(
            self._seen.model,
            messages,
            sampling,
            self._seen.dialect,
            n_samples=len(samples),
            seed=Request(messages, samples[0]).seed(sampling),
            logprobs=self._logprobs,
        )
        reply = await self._caller.call(
            "/chat/completions",
            body,
            n_samples=len(samples),
            total_s=self._caller.total_s(sampling.max_tokens),
            usable=lambda one: self._wrong(one, len(samples)),
        )
        got = [] if reply.failure else read_choices(reply.body, len(samples))
        return got if self._logprobs else [one._replace(logprob=None) for one in got], reply

    def _wrong(self, reply: Reply, n_samples: int) -> str:
        """What is wrong with a reply of status 200; empty if nothing is."""
        reported = reply.body.get("model")
        if isinstance(reported, str) and reported and reported != self.model_reported:
            return f"expected an answer of {self.model_reported!r}, found one of {reported!r}"
        return "" if read_choices(reply.body, n_samples) else "an answer without a choice that can be read"

    async def _sing(self) -> Reply:
        """The smallest generation: whether the server works at all."""
        body = chat_body(self._seen.model, CANARY, Sampling(max_tokens=1), self._seen.dialect)
        reply = await self._caller.once("/chat/completions", body, CANARY_S)
        wrong = "" if reply.failure else self._wrong(reply, 1)
        return reply._replace(failure="transient", error=wrong) if wrong else reply

    def _check(self, sampling: Sampling) -> None:
        if self._seen.dialect.no_top_k is None and (sampling.top_k or sampling.min_p):
            raise InputError(
                f"{self._caller.url}: it takes no top-k and no min-p; leave both out of the sampling"
            )
        if sampling.temperature > 0 and not self.capabilities.heeds_temperature:
            raise InputError(
                f"{self._caller.url}: expected completions that differ at temperature {TEMPERATURE:g}, found "
                "the same one for every seed: the server does not sample. For transformers serve, the "
                "model's generation_config.json has to say do_sample: true; else set temperature to 0"
            )
        if sampling.think_budget is not None:
            raise InputError(
                f"{self._caller.url}: a think-budget needs a model in this process; use hf: or vllm:, "
                "or leave it out"
            )

    def close(self) -> None:
        """End the calls in flight."""
        self._caller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
