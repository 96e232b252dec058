"""Chat completions of the OpenAI protocol as values: the body of a call, and what its choices are."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from curate.models.types import Completion, Message, Sampling

BROKEN_OFF = frozenset(["abort", "error"])
"""Finish reasons of completions that the server gave up."""


class Dialect(NamedTuple):
    """How a server is told what the protocol does not know, or counts otherwise."""

    no_top_k: int | None
    """What takes all tokens; null if the server takes no top-k, no min-p and no repetition penalty."""
    always_logprobs: bool = False
    """Ask for log-probabilities to count the tokens of a choice: `usage` does not count all choices."""


def chat_body(
    model: str,
    messages: Sequence[Message],
    sampling: Sampling,
    dialect: Dialect,
    *,
    n_samples: int = 1,
    seed: int | None = None,
    logprobs: bool = False,
) -> dict[str, Any]:
    """What to send. All of the sampling is said, also what takes nothing away: servers have defaults."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.content} for message in messages],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
        "n": n_samples,
    }
    if seed is not None:
        body["seed"] = seed
    if dialect.no_top_k is not None:
        body |= {
            "top_k": sampling.top_k or dialect.no_top_k,
            "min_p": sampling.min_p,
            "repetition_penalty": 1.0,
        }
    if sampling.stop:
        body["stop"] = sampling.stop
    if sampling.form:
        form = {"name": "answer", "schema": json.loads(sampling.form), "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    if logprobs or dialect.always_logprobs:
        body |= {"logprobs": True, "top_logprobs": 1}
    return body


def read_choices(body: dict[str, Any], n_samples: int) -> list[Completion]:
    """The completions of a reply, in the order of their index; fewer than asked for if fewer came.

    A choice without a text or a finish reason, or one that was broken off, did not come. Tokens of each:
    counted where the server gave their probabilities, or only one came; else the reply's number is shared
    out by length, so that the sum is right.
    """
    choices = body.get("choices")
    choices = choices if isinstance(choices, list) else []
    whole = [(choice, text) for choice in choices if (text := _text(choice)) is not None]
    if len({_index(choice) for choice, _ in whole}) == len(whole):
        whole.sort(key=lambda pair: _index(pair[0]))
    told = body.get("usage")
    usage: dict[str, Any] = told if isinstance(told, dict) else {}
    rated = [_logprobs(choice) for choice, _ in whole]
    if rated and all(one is not None for one in rated):
        n_tokens = [len(one) for one in rated if one is not None]
    else:
        sizes = [len(text.encode("utf-8", "replace")) for _, text in whole]
        n_tokens = shared_out(_count(usage, "completion_tokens"), sizes)
    return [
        Completion(
            text=text,
            finish_reason=choice["finish_reason"],
            prompt_tokens=_count(usage, "prompt_tokens"),
            completion_tokens=tokens,
            logprob=math.fsum(logprobs) if logprobs is not None else None,
        )
        for (choice, text), tokens, logprobs in zip(whole, n_tokens, rated, strict=True)
    ][:n_samples]


def shared_out(total: int, sizes: Sequence[int]) -> list[int]:
    """Whole numbers in proportion to sizes, with a sum of `total`.

    >>> shared_out(10, [1, 1, 3])
    [2, 2, 6]
    """
    if not sum(sizes):
        sizes = [1] * len(sizes)
    ends = [total * done // sum(sizes) for done in itertools.accumulate(sizes)]
    return [end - start for start, end in itertools.pairwise([0, *ends])]


def _text(choice: Any) -> str | None:
    """The text of a choice, thinking included; null if it did not come.

    Servers that split the thinking off have it beside the content; it is put where the model wrote it.
    """
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        return None
    reason = choice.get("finish_reason")
    if not isinstance(reason, str) or not reason or reason in BROKEN_OFF:
        return None
    content = message.get("content")
    thinking = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thinking, str) and thinking:
        if not content:
            return f"<think>{thinking}" if reason == "length" else f"<think>{thinking}</think>"
        return f"<think>{thinking}</think>{content}"
    if content is None:
        return ""
    return content if isinstance(content, str) else None


def _index(choice: dict[str, Any]) -> int:
    index = choice.get("index")
    return index if isinstance(index, int) else 0


def _count(usage: dict[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _logprobs(choice: dict[str, Any]) -> list[float] | None:
    """The log-probability of each token; null where the server does not give them."""
    told = choice.get("logprobs")
    tokens = told.get("content") if isinstance(told, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    values = [token.get("logprob") if isinstance(token, dict) else None for token in tokens]
    if not all(isinstance(value, (int, float)) and value <= 0 for value in values):
        return None
    return [float(value) for value in values if value is not None]
