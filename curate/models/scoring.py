"""Rate texts with a model in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch

from curate.models.types import Rating, Text
from curate.models.weights import THINK, Opened, Precision, open_model, prompt_text, token_ids
from curate.models.windows import Window, batches, check_stride, windows

GPU_TOKENS = 16_384
CPU_TOKENS = 2_048
"""Tokens read at once. On a GPU enough to keep it busy with any model of a billion weights or more."""
LOGIT_BYTES = 2**28
"""Room for the logits worked out at once, in float32; with a vocabulary of 150,000 a token takes 600 kB."""


class _Piece(NamedTuple):
    """A window of one text."""

    text: int
    tokens: list[int]
    window: Window


class TransformersScorer:
    """A causal language model of transformers that rates texts; see `curate.models.types.Scorer`.

    Sums of log-probabilities do not depend on how texts are batched but for rounding: 1e-6 of the value in
    float32 (CPU), up to 0.5 % in bfloat16 (GPU), which is why the fingerprint names the type. A text beyond
    the context is read in windows. `read_tokens` and `padding_tokens` count what the model was given.

    A text without prompt is rated after the tokenizer's first token (`bos`, or `eos` where there is none), a
    response after its prompt in the chat template. A template that opens the thinking itself does not do so
    before a response that opens it too.
    """

    def __init__(
        self,
        path: str | Path | Opened,
        device: str | None = None,
        dtype: Precision | None = None,
        *,
        context: int | None = None,
        stride: int | None = None,
        batch_tokens: int | None = None,
    ) -> None:
        self._opened = open_model(path, device, dtype, context)
        self._stride = stride
        if stride is not None and self._opened.context is not None:
            check_stride(stride, self._opened.context)
        self._budget = batch_tokens or (CPU_TOKENS if self._opened.device.type == "cpu" else GPU_TOKENS)
        self._split = _heads_agree(self._opened)
        self.fingerprint = self._opened.fingerprint
        self.read_tokens = 0
        self.padding_tokens = 0

    def score(self, texts: Sequence[Text]) -> list[Rating]:
        """One rating per text, in order; a text of no tokens has none and no window."""
        prefixes = [self._prefix(text) for text in texts]
        bodies = token_ids(self._opened, [text.text for text in texts])
        pieces = [
            _Piece(index, [*prefix, *body], window)
            for index, (prefix, body) in enumerate(zip(prefixes, bodies, strict=True))
            for window in windows(len(prefix) + len(body), len(prefix), self._opened.context, self._stride)
        ]
        sums, counts = [0.0] * len(texts), [0] * len(texts)
        # by text and place, whatever the batches: the order of a sum is part of its value
        for piece, logprob in zip(pieces, self._logprobs(pieces), strict=True):
            sums[piece.text] += logprob
            counts[piece.text] += 1
        return [
            Rating(
                sums[index],
                max(0, len(prefix) + len(body) - max(len(prefix), 1)),
                len(texts[index].text.encode()),
                counts[index],
            )
            for index, (prefix, body) in enumerate(zip(prefixes, bodies, strict=True))
        ]

    def _prefix(self, text: Text) -> list[int]:
        """The tokens that stand before a text and are not counted."""
        if not text.prompt:
            tokenizer = self._opened.tokenizer
            first = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
            return [] if first is None else [first]
        prompt = prompt_text(self._opened, text.prompt)
        if prompt.rstrip().endswith(THINK) and text.text.lstrip().startswith(THINK):
            prompt = prompt.rstrip().removesuffix(THINK)
        return token_ids(self._opened, [prompt])[0]

    def _logprobs(self, pieces: Sequence[_Piece]) -> list[float]:
        """The sum of each piece's counted tokens."""
        lengths = [piece.window.end - piece.window.start for piece in pieces]
        found = [0.0] * len(pieces)
        for batch in batches(lengths, self._budget):
            for index, logprob in zip(batch, self._batch([pieces[index] for index in batch]), strict=True):
                found[index] = logprob
        return found

    @torch.inference_mode()  # type: ignore[untyped-decorator]
    def _batch(self, pieces: Sequence[_Piece]) -> list[float]:
        """The sums of a batch, its longest piece first.

        Shorter ones are padded on the right: no token sees what comes after it, so no mask is needed, and
        attention takes its fastest way.
        """
        width = pieces[0].window.end - pieces[0].window.start
        rows = torch.zeros((len(pieces), width), dtype=torch.long)
        for row, piece in zip(rows, pieces, strict=True):
            tokens = piece.tokens[piece.window.start : piece.window.end]
            row[: len(tokens)] = torch.tensor(tokens)
            self.read_tokens += len(tokens)
            self.padding_tokens += width - len(tokens)
        rows = rows.to(self._opened.device)
        states = self._states(rows)
        spans = [
            (row, piece.window.first - piece.window.start, piece.window.end - piece.window.start)
            for row, piece in enumerate(pieces)
        ]
        # position i tells of token i + 1
        told = torch.cat([states[row, first - 1 : end - 1] for row, first, end in spans])
        wanted = torch.cat([rows[row, first:end] for row, first, end in spans])
        each = torch.cat(
            [
                _logprobs_of(self._logits(some), tokens)
                for some, tokens in zip(told.split(self._step), wanted.split(self._step), strict=True)
            ]
        )
        sums = [part.sum() for part in each.double().split([end - first for _, first, end in spans])]
        return [float(value) for value in torch.stack(sums).cpu()]

    @property
    def _step(self) -> int:
        """Tokens whose logits are worked out at once."""
        return max(1, LOGIT_BYTES // (4 * int(self._opened.model.config.get_text_config().vocab_size)))

    def _states(self, rows: Any) -> Any:
        """What the logits are made of; the logits themselves where the model does more than one product."""
        if not self._split:
            return self._opened.model(input_ids=rows, use_cache=False).logits
        return self._opened.model.base_model(input_ids=rows, use_cache=False).last_hidden_state

    def _logits(self, states: Any) -> Any:
        return (self._opened.model.get_output_embeddings()(states) if self._split else states).float()

    def close(self) -> None:
        """Let the model go, and the memory of the GPU that it has."""
        self._opened = self._opened._replace(model=None)
        if self._opened.device.type == "cuda":
            torch.cuda.empty_cache()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _logprobs_of(logits: Any, tokens: Any) -> Any:
    """Natural log-probability of each token, (n,), under its logits, (n, vocabulary)."""
    return logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(1)


@torch.inference_mode()  # type: ignore[untyped-decorator]
def _heads_agree(opened: Opened) -> bool:
    """Whether the model's logits are its last states times its output matrix, and nothing else.

    Some scale or cap them. Tried, because no attribute says it of all of them.
    """
    head = opened.model.get_output_embeddings()
    if head is None:
        return False
    rows = torch.arange(1, 9, device=opened.device)[None]
    whole = opened.model(input_ids=rows, use_cache=False).logits
    parted = head(opened.model.base_model(input_ids=rows, use_cache=False).last_hidden_state)
    return bool(torch.allclose(whole.float(), parted.float(), rtol=1e-3, atol=1e-3))
