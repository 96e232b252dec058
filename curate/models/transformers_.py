"""A model of transformers in this process, to write completions; `TransformersScorer` rates texts."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from curate.models.continuous import ContinuousWriter
from curate.models.scoring import TransformersScorer
from curate.models.types import Capabilities, Completion, Request, Sampling
from curate.models.weights import THINK, UNTHINK, Opened, Precision, open_model, prompt_text, token_ids
from curate.models.writing import Ends, Writing, end_tokens, write_batch

__all__ = ["TransformersGenerator", "TransformersScorer"]

CPU_ROWS = 32
GPU_ROWS = 1024
"""Completions written at once: on a GPU those that wait for room in the cache included."""
LOOKAHEAD = 8
"""Batches of requests that are sorted by length together, so that prompts of a batch are alike."""
CLOSING = f"\n{UNTHINK}\n\n"
"""What ends a thinking that used up its budget."""


class TransformersGenerator:
    """A causal language model of transformers that writes; see `curate.models.types.Generator`.

    `batching`: `continuous` (default on a GPU), where a row that is done makes room for the next at once, or
    `static` (default on a CPU), batches of `rows` prompts of like length that are written in step. Either way
    the completion of a prompt and a seed is the same whatever else is asked for, up to rounding: in float32
    all but about one in a million tokens; in bfloat16 this is not promised. `static` alone tells the
    log-probability of a completion, under the model itself at temperature 1.
    `settings` of continuous batching go to transformers' ContinuousBatchingConfig.

    A completion ends (`stop`) with the model's end token or a text of `sampling.stop`, which is cut off with
    what follows; `length` if it reached `max_tokens` or the context. A prompt that fills the context is a
    permanent failure. A thinking that reaches `think_budget` tokens is closed, and the answer comes after it.
    """

    def __init__(
        self,
        path: str | Path | Opened,
        device: str | None = None,
        dtype: Precision | None = None,
        *,
        context: int | None = None,
        batching: Literal["continuous", "static"] | None = None,
        rows: int | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self._opened: Opened = open_model(path, device, dtype, context)
        on_gpu = self._opened.device.type == "cuda"
        self._batching = batching or ("continuous" if on_gpu else "static")
        self._rows = rows or (GPU_ROWS if self._batching == "continuous" else CPU_ROWS)
        self._settings = settings or {}
        self._closing = token_ids(self._opened, [CLOSING])[0]
        self.fingerprint = self._opened.fingerprint
        self.capabilities = Capabilities(
            most_samples=1,
            logprobs=self._batching == "static",
            prompt_logprobs=False,
            seeds=True,
            context=self._opened.context,
        )

    def generate(
        self, requests: Iterable[Request], sampling: Sampling
    ) -> Iterator[tuple[Request, Completion]]:
        """Completions as they come, one for each request; at most `rows` (times 8 if static) are held.

        Raises MachineError if the model stops working, InputError if it has no chat template.
        """
        if self._batching == "continuous":
            yield from self._continuous(iter(requests), sampling)
            return
        coming = iter(requests)
        while some := list(itertools.islice(coming, self._rows * LOOKAHEAD)):
            begun = []
            for request in some:
                writing = self._begin(request, sampling)
                if isinstance(writing, Writing):
                    begun.append(writing)
                else:
                    yield request, writing
            yield from self._static(begun, sampling)

    def _static(self, writings: list[Writing], sampling: Sampling) -> Iterator[tuple[Request, Completion]]:
        ends = self._ends(sampling)
        while writings:
            writings.sort(key=lambda one: (len(one.prompt) + len(one.written), one.prompt))
            unanswered = []
            for start in range(0, len(writings), self._rows):
                for writing in write_batch(
                    self._opened, writings[start : start + self._rows], sampling, ends
                ):
                    if self._goes_on(writing, sampling):
                        unanswered.append(writing)
                    else:
                        yield writing.request, self._completion(writing, sampling)
            writings = unanswered

    def _continuous(
        self, requests: Iterator[Request], sampling: Sampling
    ) -> Iterator[tuple[Request, Completion]]:
        writer = ContinuousWriter(self._opened, sampling, self._ends(sampling), **self._settings)
        try:
            for request in itertools.chain(requests, [None]):
                if request is not None:
                    begun = self._begin(request, sampling)
                    if isinstance(begun, Completion):
                        yield request, begun
                        continue
                    writer.add(begun)
                while writer.n_going >= (1 if request is None else self._rows):
                    writing = writer.take()
                    if self._goes_on(writing, sampling):
                        writer.add(writing)
                    else:
                        yield writing.request, self._completion(writing, sampling)
        finally:
            writer.close()

    def _begin(self, request: Request, sampling: Sampling) -> Writing | Completion:
        """The request with nothing written yet; or why it cannot be."""
        prompt = token_ids(self._opened, [prompt_text(self._opened, request.messages)])[0]
        context = self._opened.context
        if context is not None and len(prompt) >= context:
            return Completion(
                prompt_tokens=len(prompt),
                failure="permanent",
                error=f"the prompt is {len(prompt)} tokens; the model reads {context}",
            )
        writing = Writing(request, prompt, request.seed(sampling), self._most(len(prompt), sampling))
        if sampling.think_budget is not None:
            writing.limit = min(writing.limit, sampling.think_budget)
        return writing

    def _most(self, n_prompt: int, sampling: Sampling) -> int:
        """Tokens a completion may have."""
        context = self._opened.context
        return sampling.max_tokens if context is None else min(sampling.max_tokens, context - n_prompt)

    def _goes_on(self, writing: Writing, sampling: Sampling) -> bool:
        """Whether it stopped only at its thinking budget; the thinking is closed if it is still open."""
        most = self._most(len(writing.prompt), sampling)
        if writing.ended or writing.failure or writing.limit == most:
            return False
        writing.limit = most
        shown = self._opened.tokenizer.decode([*writing.prompt[-16:], *writing.written])
        if THINK in shown and UNTHINK not in shown.rpartition(THINK)[2]:
            writing.written += self._closing
        return len(writing.written) < most

    def _completion(self, writing: Writing, sampling: Sampling) -> Completion:
        if writing.failure:
            return Completion(prompt_tokens=len(writing.prompt), failure="transient", error=writing.failure)
        written = writing.written[: self._most(len(writing.prompt), sampling)]
        text = self._opened.tokenizer.decode(
            written, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        cuts = [place for stop in sampling.stop if (place := text.find(stop)) >= 0]
        return Completion(
            text=text[: min(cuts, default=len(text))],
            finish_reason="stop" if writing.ended else "length",
            prompt_tokens=len(writing.prompt),
            completion_tokens=len(written),
            logprob=writing.logprob,
        )

    def _ends(self, sampling: Sampling) -> Ends:
        return Ends(end_tokens(self._opened), tuple(sampling.stop), self._opened.tokenizer)

    def close(self) -> None:
        """Let the model go."""
        self._opened = self._opened._replace(model=None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
