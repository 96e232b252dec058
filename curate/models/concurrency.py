"""How many samples to have in flight at a server that does not say how many it can take.

The number goes up as long as more samples in flight give more tokens a second: doubled at first, by a quarter
once a doubling did not pay. A step that does not pay is taken back and tried again later. A server that says
that it has too much to do (429, 503, a call that ran out of time) halves it. A server that is given too many
queues them, which costs little; one that is given too few stands idle: so a step is believed when it pays at
all, and nothing but the server's own word takes the number below what paid.

Samples are counted, not calls: a call for 16 samples fills 16 places of a server's batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple

FIRST_FACTOR = 2.0
LATER_FACTOR = 1.25
PAYS = 0.1  # of the rate that the step would give on an idle server: 10 % for a doubling, 2.5 % for a quarter
MIN_SAMPLES = 16  # a rate of fewer says little
REST_WINDOWS = 4  # between a step that did not pay and the next try
MAX_REST_WINDOWS = 32


class Bounds(NamedTuple):
    """Samples in flight: to begin with, and never more than."""

    first: int = 32
    most: int = 1024


class Concurrency:
    """The number of samples to have in flight, from what became of those before. It is told the time."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.limit = min(bounds.first, bounds.most)
        self.in_flight = 0
        self._paid = (self.limit, 0.0)
        self._factor = FIRST_FACTOR
        self._rest = 0
        self._next_rest = REST_WINDOWS
        self._cut_at = float("-inf")
        self._filled = False
        self._open_window()

    def has_room(self, n_samples: int) -> bool:
        """Whether a call for so many samples may start now. One call may always be in flight."""
        return self.in_flight == 0 or self.in_flight + n_samples <= self.limit

    def started(self, n_samples: int) -> None:
        """A call is on its way."""
        self.in_flight += n_samples
        self._filled = self._filled or self.in_flight + n_samples > self.limit

    def ended(self, n_samples: int, *, n_tokens: int = 0, came: bool, now: float) -> None:
        """A call is over; with `came` it brought so many tokens."""
        self.in_flight -= n_samples
        if not came:
            return
        if self._settling > 0:  # these were in flight before the number was what it is
            self._settling -= n_samples
            self._since = now
            return
        self._n_samples += n_samples
        self._n_tokens += max(n_tokens, n_samples)
        if self._n_samples >= max(self.limit, MIN_SAMPLES) and now > self._since:
            self._close_window(self._n_tokens / (now - self._since))

    def overloaded(self, *, started_at: float, now: float) -> None:
        """The server had too much to do. Calls that started before the last cut do not cut again."""
        if started_at < self._cut_at:
            return
        self._cut_at = now
        self.limit = max(1, self.limit // 2)
        self._paid = (self.limit, 0.0)
        self._factor = LATER_FACTOR
        self._open_window()

    def _open_window(self) -> None:
        self._settling = self.limit
        self._since = 0.0
        self._n_samples = 0
        self._n_tokens = 0
        self._filled = self.in_flight >= self.limit

    def _close_window(self, rate: float) -> None:
        limit, paid_rate = self._paid
        if not self._filled:  # there was not enough to ask: the rate says nothing about the number
            self._open_window()
            return
        if self.limit > limit and rate < paid_rate * (1 + PAYS * (self.limit / limit - 1)):
            self.limit = limit
            self._factor = LATER_FACTOR
            self._rest = self._next_rest
            self._next_rest = min(2 * self._next_rest, MAX_REST_WINDOWS)
        elif self._rest:
            self._rest -= 1
            self._paid = (self.limit, (paid_rate + rate) / 2)
        else:
            if self.limit > limit:
                self._next_rest = REST_WINDOWS
            self._paid = (self.limit, rate)
            self.limit = min(self.bounds.most, max(self.limit + 1, int(self.limit * self._factor)))
        self._open_window()


class Places:
    """The places of samples in flight; who comes first is let in first. For the coroutines of one loop."""

    def __init__(self, concurrency: Concurrency) -> None:
        self.concurrency = concurrency
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, n_samples: int) -> None:
        """Wait until there is room for a call for so many samples."""
        let_in = asyncio.get_running_loop().create_future()
        self._waiting.append((n_samples, let_in))
        self._let_in()
        try:
            await let_in
        except asyncio.CancelledError:
            if not let_in.cancelled():  # let in and called off in the same turn of the loop
                self.leave(n_samples, n_tokens=0, came=False, now=0.0)
            raise

    def leave(self, n_samples: int, *, n_tokens: int, came: bool, now: float) -> None:
        """A call is over: see `Concurrency.ended`."""
        self.concurrency.ended(n_samples, n_tokens=n_tokens, came=came, now=now)
        self._let_in()

    def _let_in(self) -> None:
        while self._waiting and (
            self._waiting[0][1].cancelled() or self.concurrency.has_room(self._waiting[0][0])
        ):
            n_samples, let_in = self._waiting.popleft()
            if not let_in.cancelled():
                self.concurrency.started(n_samples)
                let_in.set_result(None)
