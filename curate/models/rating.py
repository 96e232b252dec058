"""How likely a model behind a server thinks given texts are: vLLM, SGLang, and what does as they do.

The server has to make tokens of texts (`/tokenize`, also of a conversation), to take tokens as a prompt, and
to give the log-probability of each (`prompt_logprobs`, or `echo`). Whether it does, and whether what it gives
is right, is tried: what it says of tokens that it has just written must be what it said when it wrote them.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Self

from curate.errors import InputError
from curate.models.calling import Caller, Limits, Reply
from curate.models.probing import Seen, probe
from curate.models.types import Message, Rating, Text
from curate.models.windows import check_stride, windows

Way = Literal["prompt-logprobs", "echo"]
ASKED: dict[Way, dict[str, Any]] = {
    "prompt-logprobs": {"prompt_logprobs": 0},
    "echo": {"echo": True, "logprobs": 1},
}
TRIED = "The first numbers are one, two, three,"
TRIED_TOKENS = 6
WRONG_BY = 0.05  # of a log-probability: servers that compute in 16 bits differ from themselves by a hundredth
PROBE_S = 120.0
PIECES_AT_ONCE = 256
THINK = "<think>"


async def find_way(caller: Caller, model: str) -> Way | None:
    """How a server rates given tokens; null if it does not, or if what it says does not fit what it wrote."""
    start = await _tokens(caller, {"model": model, "prompt": TRIED})
    if not start:
        return None
    body = {"model": model, "prompt": start, "max_tokens": TRIED_TOKENS, "temperature": 0.0, "logprobs": 1}
    reply = await caller.once("/completions", body, PROBE_S)
    text, said = _written(reply)
    whole = await _tokens(caller, {"model": model, "prompt": TRIED + text})
    # Written tokens may be others than those of the text they make: as many as are the same are compared.
    n_same = len(whole) - len(start)
    if whole[: len(start)] != start or not 1 <= n_same <= len(said):
        return None
    for way in ASKED:
        values = rated(await caller.once("/completions", _body(model, whole, way), PROBE_S), way, len(whole))
        if values and all(
            abs(value - other) <= WRONG_BY * max(1.0, abs(other))
            for value, other in zip(values[-n_same:], said[:n_same], strict=True)
        ):
            return way
    return None


def _body(model: str, tokens: Sequence[int], way: Way) -> dict[str, Any]:
    return {"model": model, "prompt": list(tokens), "max_tokens": 1, "temperature": 0.0, **ASKED[way]}


def rated(reply: Reply, way: Way, n_tokens: int) -> list[float]:
    """The log-probability of each token of a prompt but the first; empty if they are not all there."""
    choices = reply.body.get("choices")
    choice: dict[str, Any] = {}
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        choice = choices[0]
    values: list[Any]
    if way == "prompt-logprobs":
        told = choice.get("prompt_logprobs") or reply.body.get("prompt_logprobs") or []
        values = [_first_logprob(place) for place in told[1:]]
    else:
        logprobs = choice.get("logprobs")
        told = (logprobs.get("token_logprobs") if isinstance(logprobs, dict) else None) or []
        values = told[1:n_tokens]
    if len(values) != n_tokens - 1 or not all(isinstance(value, (int, float)) for value in values):
        return []
    return [float(value) for value in values]


def _first_logprob(place: Any) -> Any:
    try:
        return next(iter(place.values()))["logprob"]
    except (AttributeError, StopIteration, KeyError, TypeError):
        return None


def _written(reply: Reply) -> tuple[str, list[float]]:
    """A completion's text and the log-probabilities of its tokens."""
    try:
        choice = reply.body["choices"][0]
        return choice["text"], [float(value) for value in choice["logprobs"]["token_logprobs"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return "", []


async def _tokens(caller: Caller, body: dict[str, Any]) -> list[int]:
    """What the server makes of a text or a conversation; empty if it does not say."""
    reply = await caller.once(_beside(caller.url, "tokenize"), body, PROBE_S)
    tokens = reply.body.get("tokens") if reply.failure is None else None
    return tokens if isinstance(tokens, list) and all(isinstance(one, int) for one in tokens) else []


def _beside(url: str, name: str) -> str:
    """Servers have their own calls beside `/v1`, not below it."""
    return f"{url.removesuffix('/v1')}/{name}"


class _Tokens(NamedTuple):
    prefix: list[int]
    body: list[int]


class ServerScorer:
    """A model behind a server that rates texts; see `curate.models.types.Scorer`."""

    def __init__(
        self,
        url: str,
        model: str = "",
        *,
        limits: Limits = Limits(),
        stride: int | None = None,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        """Raises InputError if the server cannot rate given text, or what it says of it is not right."""
        self._caller = Caller(url, limits, key_variable)
        try:
            self._seen: Seen = self._caller.run(probe(self._caller, model))
            way = self._caller.run(find_way(self._caller, self._seen.model))
            if way is None:
                raise InputError(
                    f"{url}: expected a server that rates given text (/tokenize, and prompt_logprobs or echo "
                    "in /v1/completions), found one that does not, or not rightly. vLLM does; or use hf:"
                )
            context = self._seen.capabilities.context
            self._context = (
                context - 1 if context else None
            )  # one place is for the token that must be asked for
            if stride is not None and self._context is not None:
                check_stride(stride, self._context)
            self._first = self._caller.run(_tokens(self._caller, {"model": self._seen.model, "prompt": ""}))
        except BaseException:
            self._caller.close()
            raise
        self._way: Way = way
        self._stride = stride
        self._caller.canary = self._sing
        self.fingerprint = self._seen.fingerprint

    def score(self, texts: Sequence[Text]) -> list[Rating]:
        """One rating per text, in order."""
        found: list[Rating] = []
        for start in range(0, len(texts), PIECES_AT_ONCE):
            found += self._caller.run(self._score(texts[start : start + PIECES_AT_ONCE]))
        return found

    async def _score(self, texts: Sequence[Text]) -> list[Rating]:
        tasks = [asyncio.create_task(self._rate(text)) for text in texts]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _rate(self, text: Text) -> Rating:
        size = len(text.text.encode("utf-8", "replace"))
        told = await self._split(text)
        if isinstance(told, Reply):
            return Rating(0.0, 0, size, 0, told.failure, told.error)
        whole = told.prefix + told.body
        pieces = windows(len(whole), len(told.prefix), self._context, self._stride)
        values: list[float] = []
        for piece in pieces:
            tokens = whole[piece.start : piece.end]
            reply = await self._ask(tokens)
            if reply.failure is not None:
                return Rating(0.0, 0, size, 0, reply.failure, reply.error)
            values += rated(reply, self._way, len(tokens))[piece.first - piece.start - 1 :]
        return Rating(math.fsum(values), len(values), size, len(pieces))

    async def _ask(self, tokens: Sequence[int]) -> Reply:
        def wrong(reply: Reply) -> str:
            return (
                "" if rated(reply, self._way, len(tokens)) else "an answer without the rating of every token"
            )

        return await self._caller.call(
            "/completions",
            _body(self._seen.model, tokens, self._way),
            n_samples=1,
            total_s=self._caller.total_s(len(tokens)),
            usable=wrong,
        )

    async def _split(self, text: Text) -> _Tokens | Reply:
        """The tokens of a text and of what stands before it; the reply that failed if they did not come.

        A template that opens the thinking itself does not do so before a response that opens it too.
        """
        prefix: list[int] | Reply = self._first
        if text.prompt:
            prefix = await self._tokenize(messages=_turns(text.prompt), add_generation_prompt=True)
            if text.text.lstrip().startswith(THINK) and not isinstance(prefix, Reply):
                prefix = await self._without_think(prefix)
        if isinstance(prefix, Reply):
            return prefix
        body = await self._tokenize(prompt=text.text, add_special_tokens=False)
        return body if isinstance(body, Reply) else _Tokens(prefix, body)

    async def _without_think(self, prefix: list[int]) -> list[int] | Reply:
        reply = await self._tool("detokenize", {"tokens": prefix}, "prompt", str)
        if reply.failure is not None:
            return reply
        shown = str(reply.body["prompt"]).rstrip()
        if not shown.endswith(THINK):
            return prefix
        return await self._tokenize(prompt=shown.removesuffix(THINK), add_special_tokens=False)

    async def _tokenize(self, **body: Any) -> list[int] | Reply:
        reply = await self._tool("tokenize", body, "tokens", list)
        tokens: list[int] = reply.body.get("tokens", [])
        return tokens if reply.failure is None else reply

    async def _tool(self, name: str, body: dict[str, Any], wanted: str, kind: type) -> Reply:
        return await self._caller.call(
            _beside(self._caller.url, name),
            {"model": self._seen.model, **body},
            n_samples=0,
            total_s=PROBE_S,
            usable=lambda one: (
                "" if isinstance(one.body.get(wanted), kind) else f"an answer without {wanted}"
            ),
        )

    async def _sing(self) -> Reply:
        """The smallest rating: whether the server works at all."""
        reply = await self._caller.once("/completions", _body(self._seen.model, [1, 2], self._way), PROBE_S)
        if reply.failure is None and not rated(reply, self._way, 2):
            return reply._replace(failure="transient", error="an answer without ratings")
        return reply

    def close(self) -> None:
        """End the calls in flight."""
        self._caller.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]
