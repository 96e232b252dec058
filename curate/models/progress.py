"""How far a run of completions is, how fast, when it ends and what it has cost: numbers in, a line out."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from curate.models.types import Completion, Message, Request

RECENT_S = 60.0
"""Rates are of the last minute, once there was one: what counts for the end is how fast it goes now."""


class Price(NamedTuple):
    """What a million tokens cost, in any currency."""

    prompt: float
    completion: float


class Shown(NamedTuple):
    """A run at one moment."""

    rows: int
    """Prompts of which every sample has come, or is known not to come."""
    completions: int
    known: int
    """Of these from the journal."""
    failed: int
    prompt_tokens: int
    """Read by the model in this run; those of one prompt that follow each other were read once."""
    completion_tokens: int
    """Written in this run."""
    completions_s: float | None
    """Of the last minute; null before anything came."""
    tokens_s: float | None
    eta_s: float | None
    gpu_hours: float
    cost: float | None
    """Null without a price."""


class Progress:
    """Adds up a run. It is told the time: seconds of any clock that only goes forward."""

    def __init__(
        self, rows: int, samples: int, *, now: float, gpus: int = 0, price: Price | None = None
    ) -> None:
        """`rows` prompts, `samples` of each. `gpus` are those that the model has while the run lasts."""
        self._rows, self._samples = rows, samples
        self._began = now
        self._gpus, self._price = gpus, price
        self._came: dict[int, int] = {}
        self._recent: deque[tuple[float, int, int]] = deque([(now, 0, 0)])
        self._read: tuple[Message, ...] | None = None
        self._done = self._known = self._failed = 0
        self._prompt_tokens = self._completion_tokens = 0
        self._whole_rows = 0

    def add(self, request: Request, completion: Completion, *, now: float, known: bool = False) -> None:
        """A completion came; `known` ones cost nothing now and say nothing of the speed."""
        prompt = hash(request.messages)
        came = self._came.pop(prompt, 0) + 1
        if came == self._samples:
            self._whole_rows += 1
        else:
            self._came[prompt] = came
        self._done += 1
        self._failed += completion.failure is not None
        if known:
            self._known += 1
            return
        if completion.failure is None and request.messages != self._read:
            self._read = request.messages
            self._prompt_tokens += completion.prompt_tokens
        self._completion_tokens += completion.completion_tokens
        if now - self._recent[-1][0] >= 1.0 or len(self._recent) == 1:
            self._recent.append((now, self._done - self._known, self._completion_tokens))
        while len(self._recent) > 2 and now - self._recent[1][0] > RECENT_S:
            self._recent.popleft()

    def shown(self, now: float) -> Shown:
        """The run as it is now."""
        since, completions, tokens = self._recent[0]
        asked = self._done - self._known
        past_s = now - since
        rate = (asked - completions) / past_s if asked and past_s > 0 else None
        left = self._rows * self._samples - self._done
        cost = None
        if self._price is not None:
            spent = self._prompt_tokens * self._price.prompt
            cost = (spent + self._completion_tokens * self._price.completion) / 1e6
        return Shown(
            rows=self._whole_rows,
            completions=self._done,
            known=self._known,
            failed=self._failed,
            prompt_tokens=self._prompt_tokens,
            completion_tokens=self._completion_tokens,
            completions_s=rate,
            tokens_s=(self._completion_tokens - tokens) / past_s if asked and past_s > 0 else None,
            eta_s=0.0 if left <= 0 else left / rate if rate else None,
            gpu_hours=self._gpus * (now - self._began) / 3600,
            cost=cost,
        )

    def line(self, now: float) -> str:
        """One line for who watches."""
        shown = self.shown(now)
        parts = [
            f"{shown.rows:,} of {self._rows:,} rows",
            f"{shown.completions:,} completions" + (f" ({shown.known:,} known)" if shown.known else ""),
        ]
        if shown.failed:
            parts.append(f"{shown.failed:,} failed")
        if shown.completions_s is not None and shown.tokens_s is not None:
            parts.append(f"{shown.completions_s:,.1f}/s, {shown.tokens_s:,.0f} tokens/s")
        if shown.eta_s:
            parts.append(f"{_duration(shown.eta_s)} left")
        if self._gpus:
            parts.append(f"{shown.gpu_hours:,.2f} GPU hours")
        if shown.cost is not None:
            parts.append(f"cost {shown.cost:,.2f}")
        return " · ".join(parts)


def _duration(seconds: float) -> str:
    """Hours and minutes, or minutes and seconds.

    >>> _duration(3700), _duration(65)
    ('1 h 02 min', '1 min 05 s')
    """
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 60} min {whole % 60:02} s"
