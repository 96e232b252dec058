"""Write many completions at once, each row of the batch taken over by the next as soon as it is free.

This is transformers' continuous batching (paged key-value cache, CUDA graphs, prompts shared), with our own
drawing of tokens in it, so that a seed belongs to a completion here too.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.cb_logits_processors import ContinuousBatchingLogitsProcessor

from curate.errors import MachineError
from curate.models.drawing import draw, uniforms
from curate.models.types import Sampling
from curate.models.weights import Opened
from curate.models.writing import Ends, Writing

POLL_S = 1.0


class _Draws(ContinuousBatchingLogitsProcessor):  # type: ignore[misc]
    """Leaves of a row's logits only the token that was drawn: the backend then takes the largest."""

    supported_kwargs = {"seed": int, "position": int}  # noqa: RUF012
    ignored_kwargs = ()

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._drawn: dict[str, int] = {}
        """Tokens drawn for a request; its state may lag by a token, as batches overlap."""

    def fill_defaults(self, int32_tensor: Any) -> None:
        int32_tensor.zero_()

    def prepare_tensor_args(self, requests_with_new_token: list[Any]) -> Any:
        states = [request.state for request in requests_with_new_token]
        asked = [state.logit_processor_kwargs for state in states]
        drawn = [self._drawn.get(state.request_id, 0) for state in states]
        self._drawn.update((state.request_id, n + 1) for state, n in zip(states, drawn, strict=True))
        positions = [one.get("position", 0) + n for one, n in zip(asked, drawn, strict=True)]
        return torch.from_numpy(uniforms([one.get("seed", 0) for one in asked], positions)).view(torch.int32)

    def __call__(self, scores: Any, tensor_arg: Any) -> Any:
        tokens = draw(scores, tensor_arg[: scores.shape[0]].view(torch.float32), self._sampling)
        return torch.full_like(scores, -torch.inf).scatter(1, tokens[:, None], 0.0)

    def forget(self, request_id: str) -> None:
        """A request is done."""
        self._drawn.pop(request_id, None)


class ContinuousWriter:
    """Takes completions to write and gives them back as they are done. Close it."""

    def __init__(self, opened: Opened, sampling: Sampling, ends: Ends, **settings: Any) -> None:
        self._draws = _Draws(sampling)
        self._ends = ends
        self._going: dict[str, Writing] = {}
        self._asked = 0
        told = GenerationConfig(
            do_sample=False,
            max_new_tokens=sampling.max_tokens,
            eos_token_id=sorted(ends.tokens) or -1,
            pad_token_id=opened.tokenizer.pad_token_id,
        )
        # 0.8 is what transformers itself takes where logits are worked on
        settings = {"max_memory_percent": 0.8} | settings
        self._manager = opened.model.init_continuous_batching(
            generation_config=told, continuous_batching_config=ContinuousBatchingConfig(**settings)
        )
        ours = self._manager.logit_processor
        ours.logits_processor.append(self._draws)
        ours.tensors_required += 1
        ours.do_processing = True
        ours._retrieve_processors_kwargs()
        self._manager.warmup()
        self._manager.start()

    @property
    def n_going(self) -> int:
        """Completions that are being written or wait for room."""
        return len(self._going)

    def add(self, writing: Writing) -> None:
        """Begin, or go on with, a completion."""
        name = str(self._asked)
        self._asked += 1
        self._going[name] = writing
        self._manager.add_request(
            [*writing.prompt, *writing.written],
            request_id=name,
            max_new_tokens=writing.limit - len(writing.written),
            eos_token_id=sorted(self._ends.tokens) or -1,
            seed=writing.seed,
            position=len(writing.written),
        )

    def take(self) -> Writing:
        """The next that is at its end or its limit. A text that ends a completion is looked for only now.

        Raises MachineError if the backend broke down.
        """
        while True:
            result = self._manager.get_result(timeout=POLL_S)
            if result is not None and result.is_finished():
                return self._taken(result)
            if result is None and not self._manager.is_running():
                reason = self._manager.background_thread_status.fatal_error
                raise MachineError(
                    f"the model stopped writing with {len(self._going)} completions under way: {reason}. "
                    "What is done is kept; run again to go on, with a smaller batch if memory ran out"
                )

    def _taken(self, result: Any) -> Writing:
        writing = self._going.pop(result.request_id)
        self._draws.forget(result.request_id)
        writing.logprob = None
        if result.error is not None:
            writing.failure = str(result.error)
            return writing
        n_before = len(writing.written)
        for token in result.generated_tokens:
            writing.written.append(token)
            if self._ends.reached(writing.written):
                writing.ended = True
                break
        if not self._ends.texts or not writing.ended:
            assert len(writing.written) - n_before == len(result.generated_tokens), "tokens after the end"
        return writing

    def close(self) -> None:
        """Stop writing and give the memory back."""
        self._manager.stop(block=True, timeout=5)
        self._manager.destroy()
