"""A completion that is being written, and one way to write many: a batch at a time, all in step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import DynamicCache

from curate.models.drawing import draw, uniforms
from curate.models.types import Request, Sampling
from curate.models.weights import Opened


@dataclass(eq=False)
class Writing:
    """A completion as far as it is written."""

    request: Request
    prompt: list[int]
    seed: int
    limit: int
    """Tokens at which the backend stops, to look at it."""
    written: list[int] = field(default_factory=list)
    logprob: float | None = 0.0
    """Sum over the tokens the model chose, under the model itself (temperature 1, nothing cut)."""
    ended: bool = False
    """It came to its own end, or to a text that ends it."""
    failure: str = ""


@dataclass(frozen=True)
class Ends:
    """What ends a completion."""

    tokens: frozenset[int]
    texts: tuple[str, ...]
    tokenizer: Any

    def reached(self, written: Sequence[int]) -> bool:
        """Whether the last token written ends it."""
        if written[-1] in self.tokens:
            return True
        if not self.texts:
            return False
        # a token may be part of a character: as many tokens as the longest text has bytes, and some before
        n_tokens = max(len(text.encode()) for text in self.texts) + 4
        tail = self.tokenizer.decode(written[-n_tokens:], skip_special_tokens=False)
        return any(text in tail for text in self.texts)


def end_tokens(opened: Opened) -> frozenset[int]:
    """The tokens with which a model ends what it writes."""
    told = opened.model.generation_config.eos_token_id
    listed = told if isinstance(told, list) else [told]
    return frozenset(token for token in (*listed, opened.tokenizer.eos_token_id) if token is not None)


@torch.inference_mode()  # type: ignore[untyped-decorator]
def write_batch(
    opened: Opened, writings: Sequence[Writing], sampling: Sampling, ends: Ends
) -> Iterator[Writing]:
    """Write all of them to their end or their limit; each is yielded when it gets there.

    Prompts that are the same are read once. Rows that are done leave the batch when they are a quarter of it.
    """
    rows = list(writings)
    starts = [(*writing.prompt, *writing.written) for writing in rows]
    distinct = sorted(set(starts))
    width = max(map(len, distinct))
    inputs = torch.zeros((len(distinct), width), dtype=torch.long)
    mask = torch.zeros_like(inputs)
    for row, start in enumerate(distinct):  # the padding stands left: all rows go on at the same place
        inputs[row, width - len(start) :] = torch.tensor(start)
        mask[row, width - len(start) :] = 1
    places = (mask.cumsum(1) - 1).clamp(min=0)
    cache = DynamicCache(config=opened.model.config)
    inputs, mask, places = (part.to(opened.device) for part in (inputs, mask, places))
    logits = _step(opened, inputs, mask, places, cache)
    taken = torch.tensor([distinct.index(start) for start in starts], device=opened.device)
    cache.batch_select_indices(taken)
    logits, mask, places = logits[taken], mask[taken], places[taken, -1:]
    done = [False] * len(rows)
    while True:
        numbers = uniforms([row.seed for row in rows], [len(row.written) for row in rows])
        tokens = draw(logits, torch.from_numpy(numbers).to(opened.device), sampling)
        chosen = logits.gather(1, tokens[:, None])[:, 0] - logits.logsumexp(1)
        for row, (writing, token, logprob) in enumerate(
            zip(rows, tokens.tolist(), chosen.tolist(), strict=True)
        ):
            if done[row]:
                continue
            writing.written.append(token)
            writing.logprob = None if writing.logprob is None else writing.logprob + logprob
            writing.ended = ends.reached(writing.written)
            done[row] = writing.ended or len(writing.written) >= writing.limit
            if done[row]:
                yield writing
        if all(done):
            return
        if sum(done) * 4 >= len(rows):
            left = [row for row, over in enumerate(done) if not over]
            taken = torch.tensor(left, device=opened.device)
            cache.batch_select_indices(taken)
            rows, done = [rows[row] for row in left], [False] * len(left)
            tokens, mask, places = tokens[taken], mask[taken], places[taken]
        places = places + 1
        mask = torch.cat([mask, mask.new_ones((len(rows), 1))], 1)
        logits = _step(opened, tokens[:, None], mask, places, cache)


def _step(opened: Opened, inputs: Any, mask: Any, places: Any, cache: Any) -> Any:
    """Logits of the token after the inputs, float32, (rows, vocabulary); the cache grows by the inputs."""
    out = opened.model(
        input_ids=inputs,
        attention_mask=mask,
        position_ids=places,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    return out.logits[:, -1].float()
