"""vLLM in this process: the engine's own loop, one request a sample, so that each has a seed of its own.

vLLM shares the prompt's part of the cache between the samples of a prompt by itself. What is seen with one
version holds for it alone; written against 0.32.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from vllm import LLM, SamplingParams  # type: ignore[import-not-found,unused-ignore]
from vllm.sampling_params import StructuredOutputsParams  # type: ignore[import-not-found,unused-ignore]

from curate.errors import InputError
from curate.models.types import Capabilities, Completion, Message, Rating, Request, Sampling, Text
from curate.models.weights import THINK, fingerprint
from curate.models.windows import check_stride, windows

IN_FLIGHT = 512
"""Requests in the engine: more than it works on at once, so that it never waits for us."""


class _Engine:
    """A model of vLLM, and what generator and scorer share."""

    def __init__(self, path: str | Path, **options: Any) -> None:
        if not Path(path).is_dir():
            raise InputError(f"vllm:{path}: expected the folder of a model, found none")
        self._llm = LLM(model=str(path), seed=0, generation_config="vllm", **options)
        self._tokenizer = self._llm.get_tokenizer()
        config = self._llm.llm_engine.model_config
        self._context = int(config.max_model_len)
        self.fingerprint = f"vllm-{fingerprint(Path(path), str(config.dtype).rpartition('.')[2])}"

    def _template(self, messages: Sequence[Message]) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        text: str = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return text

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def close(self) -> None:
        """Let the model go; the engine's own process ends with it."""
        del self._llm

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class VllmGenerator(_Engine):
    """A model of vLLM that writes completions; see `curate.models.types.Generator`."""

    def __init__(self, path: str | Path, *, logprobs: bool = False, **options: Any) -> None:
        """`options` go to `vllm.LLM` (tensor_parallel_size, gpu_memory_utilization, max_model_len, ...)."""
        super().__init__(path, **options)
        self._logprobs = logprobs
        self.capabilities = Capabilities(1, logprobs, prompt_logprobs=True, seeds=True, context=self._context)

    def generate(
        self, requests: Iterable[Request], sampling: Sampling
    ) -> Iterator[tuple[Request, Completion]]:
        """Completions as they come. A prompt beyond the context is a permanent failure."""
        if sampling.think_budget is not None:
            raise InputError("think-budget: not for vllm:; use hf:, or leave it out")
        engine = self._llm.llm_engine
        waiting = iter(requests)
        flying: dict[str, Request] = {}
        number = 0
        more = True
        try:
            while more or flying:
                while more and len(flying) < IN_FLIGHT:
                    request = next(waiting, None)
                    if request is None:
                        more = False
                        break
                    tokens = self._tokens(self._template(request.messages))
                    room = self._context - len(tokens)
                    if room < 1:
                        error = f"the prompt has {len(tokens)} tokens, the context is {self._context}"
                        yield request, Completion(failure="permanent", error=error)
                        continue
                    number += 1
                    flying[str(number)] = request
                    parameters = self._parameters(request, sampling, room)
                    engine.add_request(str(number), {"prompt_token_ids": tokens}, parameters)
                for output in engine.step() if flying else []:
                    if output.finished:
                        yield flying.pop(output.request_id), _completion(output)
        finally:
            if flying:
                engine.abort_request(list(flying))

    def _parameters(self, request: Request, sampling: Sampling, room: int) -> Any:
        return SamplingParams(
            n=1,
            seed=request.seed(sampling),
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k or -1,
            min_p=sampling.min_p,
            max_tokens=min(sampling.max_tokens, room),
            stop=sampling.stop or None,
            logprobs=0 if self._logprobs else None,
            structured_outputs=StructuredOutputsParams(json=sampling.form) if sampling.form else None,
        )


def _completion(output: Any) -> Completion:
    one = output.outputs[0]
    if one.finish_reason not in ("stop", "length"):
        return Completion(failure="transient", error=f"the engine gave it up ({one.finish_reason})")
    return Completion(
        text=one.text,
        finish_reason=one.finish_reason,
        prompt_tokens=len(output.prompt_token_ids),
        completion_tokens=len(one.token_ids),
        logprob=one.cumulative_logprob,
    )


class VllmScorer(_Engine):
    """A model of vLLM that rates texts; see `curate.models.types.Scorer`."""

    def __init__(self, path: str | Path, *, stride: int | None = None, **options: Any) -> None:
        """`options` go to `vllm.LLM`. A text beyond the context is read in windows that move by `stride`."""
        super().__init__(path, **options)
        self._stride = stride
        if stride is not None:
            check_stride(stride, self._context - 1)

    def score(self, texts: Sequence[Text]) -> list[Rating]:
        """One rating per text, in order; a text of no tokens has none and no window."""
        split = [(self._prefix(text), self._tokens(text.text)) for text in texts]
        pieces = [
            (index, [*prefix, *body][window.start : window.end], window.first - window.start)
            for index, (prefix, body) in enumerate(split)
            for window in windows(len(prefix) + len(body), len(prefix), self._context - 1, self._stride)
        ]
        prompts = [{"prompt_token_ids": tokens} for _, tokens, _ in pieces]
        parameters = SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=0)
        outputs = self._llm.generate(prompts, parameters, use_tqdm=False) if prompts else []
        values: list[list[float]] = [[] for _ in texts]
        counts = [0] * len(texts)
        for (index, tokens, first), output in zip(pieces, outputs, strict=True):
            told = zip(tokens[first:], output.prompt_logprobs[first:], strict=True)
            values[index] += [place[token].logprob for token, place in told]
            counts[index] += 1
        return [
            Rating(math.fsum(some), len(some), len(text.text.encode("utf-8", "replace")), count)
            for text, some, count in zip(texts, values, counts, strict=True)
        ]

    def _prefix(self, text: Text) -> list[int]:
        """The tokens that stand before a text and are not counted: see `curate.models.scoring`."""
        if not text.prompt:
            ids = (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id)
            return [one for one in ids if one is not None][:1]
        prompt = self._template(text.prompt)
        if prompt.rstrip().endswith(THINK) and text.text.lstrip().startswith(THINK):
            prompt = prompt.rstrip().removesuffix(THINK)
        return self._tokens(prompt)
