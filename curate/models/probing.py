"""What a server can do, found out by asking it: a server that answers 200 may have ignored half of a request.

Seen: servers that take `n` and give one choice, that give a 400 above a number of their own, that count the
tokens of one choice of several, that give null for `logprobs`, that take `seed` and sample as they like, that
take `temperature` and always give the likeliest tokens (transformers serve, where the model's
`generation_config.json` does not say `do_sample`), that sample by defaults of their own where nothing is
said (top-k 40, min-p 0.05, the repetition penalty of `generation_config.json`), that cut a long prompt.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from typing import Any, NamedTuple

from curate.errors import InputError, MachineError, did_you_mean
from curate.models.calling import Caller, Reply, tokens_of
from curate.models.chat import Dialect, chat_body, read_choices
from curate.models.types import Capabilities, Completion, Message, Sampling

PROBE = (Message("user", "Write a few words, any you like, and after them a number."),)
TEMPERATURE = 2.0  # the most the protocol allows: two samples that are the same are no accident
DIALECTS = (Dialect(no_top_k=0), Dialect(no_top_k=-1), Dialect(no_top_k=None))
SAMPLES_TRIED = (16, 8, 4, 2)
PROBE_S = 120.0
NO_SERVER_S = 3.0
LONG_WORDS = (3_000, 12_000, 50_000)
"""Of prompts that may be too long: the next one only if the one before was no work for the server."""
LONG_S = 60.0
NO_WORK_S = 3.0
WEIGHTS = ("n_params", "size", "n_vocab", "n_embd", "ftype")
"""What llama.cpp tells of the weights beside their name."""
LIMIT_TOLD = re.compile(
    r"(?:context length (?:is|of)|context size \(|n_ctx\D{1,4}|max_model_len\D{1,4})\s*(\d{2,9})"
)


class Seen(NamedTuple):
    """A server as its answers show it."""

    model: str
    """What it is to be asked for."""
    model_reported: str
    """What it says it answered as."""
    fingerprint: str
    dialect: Dialect
    capabilities: Capabilities


async def probe(caller: Caller, model: str) -> Seen:
    """Ask a server what it is and try what it can do: one or two dozen small calls.

    `capabilities.prompt_logprobs` is left false: see `curate.models.rating`. Raises InputError if there is no
    such model or it takes no chat, MachineError if there is no server.
    """
    listed = await _listed(caller)
    model = _chosen(caller.url, model, listed)
    first, dialect = await _dialect(caller, model)
    reported = first.body.get("model")
    reported = reported if isinstance(reported, str) and reported else model
    told = next((one for one in listed if one.get("id") == model), {})
    asker = _Asker(caller, model, dialect)
    logprobs = await _logprobs(asker)
    seeds, heeds_temperature = await _seeds(asker)
    most = await _most_samples(asker)
    if most > 1 and not await _counts_all(asker, most):
        # The tokens of each choice can be counted by their log-probabilities, or one at a time.
        dialect = dialect._replace(always_logprobs=logprobs)
        most = most if logprobs else 1
    context = await _context(asker, told)
    capabilities = Capabilities(most, logprobs, prompt_logprobs=False, seeds=seeds, context=context)
    capabilities = capabilities._replace(heeds_temperature=heeds_temperature)
    return Seen(model, reported, fingerprint(reported, told), dialect, capabilities)


def fingerprint(reported: str, told: dict[str, Any]) -> str:
    """What stands for the weights of a server: the name it answers as and what it tells of them.

    The end of the name for the reader, a hash of all of it: a name may be the path of a folder.
    """
    meta = told.get("meta")
    weights = {name: meta.get(name) for name in WEIGHTS} if isinstance(meta, dict) else None
    whole = json.dumps([reported, told.get("root"), weights], ensure_ascii=False, sort_keys=True)
    digest = hashlib.blake2b(whole.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"server:{reported.rstrip('/').rpartition('/')[2]}:{digest}"


class _Asker(NamedTuple):
    caller: Caller
    model: str
    dialect: Dialect

    async def ask(
        self,
        max_tokens: int,
        n_samples: int = 1,
        seed: int | None = None,
        logprobs: bool = False,
        messages: tuple[Message, ...] = PROBE,
        total_s: float = PROBE_S,
    ) -> Reply:
        """The reply; asked again if it is transient, a few times."""
        sampling = Sampling(temperature=TEMPERATURE, max_tokens=max_tokens)
        body = chat_body(
            self.model, messages, sampling, self.dialect, n_samples=n_samples, seed=seed, logprobs=logprobs
        )
        for wait_s in (0.2, 1.0, 3.0):
            reply = await self.caller.once("/chat/completions", body, total_s)
            if reply.failure != "transient" or total_s < PROBE_S:
                return reply
            await asyncio.sleep(max(wait_s, min(reply.wait_s, PROBE_S)))
        return await self.caller.once("/chat/completions", body, total_s)

    async def completions(self, max_tokens: int, n_samples: int = 1, **more: Any) -> list[Completion]:
        reply = await self.ask(max_tokens, n_samples, **more)
        return [] if reply.failure else read_choices(reply.body, n_samples)


async def _listed(caller: Caller) -> list[dict[str, Any]]:
    """The models that the server lists; none if it does not say. Waits for one that is being loaded."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        reply = await caller.once("/models", None, PROBE_S)
        waited = loop.time() - began
        if reply.status == 0 and waited > NO_SERVER_S:
            raise MachineError(
                f"{caller.url}: expected a server that speaks the OpenAI protocol, found none "
                f"({reply.error}). Start it, or name another address"
            )
        if reply.status and (reply.status != 503 or waited > caller.limits.start_s):
            break
        await asyncio.sleep(0.5)
    if reply.status in (401, 403):
        raise InputError(_refused(caller.url, reply))
    models = reply.body.get("data")
    return [one for one in models if isinstance(one, dict)] if isinstance(models, list) else []


def _chosen(url: str, model: str, listed: list[dict[str, Any]]) -> str:
    names = [name for one in listed if isinstance(name := one.get("id"), str)]
    aliases = [alias for one in listed for alias in one.get("aliases") or []]
    if model:
        if names and model not in [*names, *aliases]:
            raise InputError(f"{url}: no model {model!r}. {did_you_mean(model, names)}")
        return model
    if len(names) == 1:
        return names[0]
    has = f"it has {', '.join(sorted(names))}" if names else "it lists none"
    raise InputError(f"{url}: expected the name of a model, {has}. Name one: server:{url}#NAME")


async def _dialect(caller: Caller, model: str) -> tuple[Reply, Dialect]:
    """The reply to the first chat, and how the server wants to be told of a sampling without limits."""
    for dialect in DIALECTS:
        reply = await _Asker(caller, model, dialect).ask(1)
        if reply.failure is None and read_choices(reply.body, 1):
            return reply, dialect
        if reply.status not in (400, 422):
            break
    if reply.status in (401, 403):
        raise InputError(_refused(caller.url, reply))
    kind = MachineError if reply.failure == "transient" else InputError
    raise kind(
        f"{caller.url}: expected a completion of one token from {model!r}, found "
        f"{reply.error or 'no choice that can be read'}. Try another model, or look at the server's log"
    )


def _refused(url: str, reply: Reply) -> str:
    return f"{url}: expected to be let in, found {reply.error}. Put the key in the variable OPENAI_API_KEY"


async def _logprobs(asker: _Asker) -> bool:
    """Whether each token of a completion comes with its log-probability."""
    came = await asker.completions(8, logprobs=True)
    return bool(came) and came[0].logprob is not None


async def _seeds(asker: _Asker) -> tuple[bool, bool]:
    """Whether a seed gives the same completion again, also beside others; whether another gives another."""
    alone = await asker.completions(16, seed=11)
    beside = await asyncio.gather(*(asker.completions(16, seed=seed) for seed in (11, 12, 13)))
    again, *others = [came[0].text if came else None for came in beside]
    same = bool(alone) and alone[0].text == again
    if not (same and again) or any(text != again for text in others):
        return same, True
    free = await asker.completions(16)  # a server may give one completion to all seeds, and another to none
    return same, bool(free) and free[0].text != again


async def _most_samples(asker: _Asker) -> int:
    """Samples that one call brings, and that are not copies of each other."""
    for n_samples in SAMPLES_TRIED:
        reply = await asker.ask(16, n_samples, seed=11)
        if reply.failure == "permanent":
            continue
        came = [] if reply.failure else read_choices(reply.body, n_samples)
        if len(came) > 1 and len({one.text for one in came}) == 1:
            other = await asker.completions(16, seed=12)
            if not other or other[0].text != came[0].text:
                return 1  # one seed for all: copies
        return max(1, len(came))
    return 1


async def _counts_all(asker: _Asker, n_samples: int) -> bool:
    """Whether `usage` counts the tokens of all choices: of so many of one token each."""
    reply = await asker.ask(1, n_samples)
    return reply.failure is None and tokens_of(reply.body) >= n_samples


async def _context(asker: _Asker, told: dict[str, Any]) -> int | None:
    """Tokens of prompt and completion together: as told, or as a prompt that is too long brings out."""
    meta = told.get("meta")
    for value in (told.get("max_model_len"), meta.get("n_ctx") if isinstance(meta, dict) else None):
        if isinstance(value, int) and value > 0:
            return value
    loop = asyncio.get_running_loop()
    for n_words in LONG_WORDS:
        began = loop.time()
        reply = await asker.ask(1, messages=(Message("user", "no " * n_words),), total_s=LONG_S)
        if reply.failure == "permanent":
            found = LIMIT_TOLD.search(json.dumps(reply.body) if reply.body else reply.error)
            return int(found.group(1)) if found else None
        usage = reply.body.get("usage")
        read = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if isinstance(read, int) and 0 < read < n_words // 2:
            return read  # it cut the prompt and said nothing
        if reply.failure or loop.time() - began > NO_WORK_S:
            break
    return None
