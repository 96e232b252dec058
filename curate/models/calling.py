"""Calls of a server over HTTP: tried again until they succeed, or until it is known whose fault it is.

A call that fails is the server's fault as long as nothing else works either: then a smallest possible
generation is asked for beside it, and while that fails too, calls wait and count nothing. If nothing works
for `patience_s`, MachineError. A call that fails while others succeed is at fault itself: after some attempts
it is given up (`transient`), or at once if the server says that it cannot be done (`permanent`).
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

import httpx2

from curate.errors import MachineError
from curate.models.concurrency import Bounds, Concurrency, Places
from curate.models.types import Failure

Result = TypeVar("Result")

BUSY = frozenset([429, 503])
AGAIN = frozenset([408, 409, 425, 429])  # and all of 500 and above
ATTEMPTS = 8
REFUSED = frozenset([401, 403])  # waiting does not help
BUSY_ATTEMPT = 0.25  # being turned away says more about the others in flight than about the call
FIRST_WAIT_S = 0.5
MAX_WAIT_S = 30.0
SHOWN_CHARACTERS = 300


class Limits(NamedTuple):
    """How long a server may take, and how much it is given at once."""

    connect_s: float = 10.0
    start_s: float = 120.0
    """For a call that asks for no tokens: waiting in the server's queue, reading the prompt."""
    token_s: float = 0.1
    """More for each token that may come: 10 tokens a second is the slowest server that is waited for."""
    patience_s: float = 600.0
    """After so long in which nothing worked the server is given up."""
    samples: Bounds = Bounds()
    """Samples in flight."""


class Reply(NamedTuple):
    """What became of one attempt."""

    body: dict[str, Any]
    failure: Failure | None = None
    error: str = ""
    status: int = 0
    """Of HTTP; 0 if there was no answer."""
    busy: bool = False
    """Too much to do: said so, or ran out of time."""
    wait_s: float = 0.0
    """What the server asks to be left alone for."""


def read_reply(status: int, headers: Mapping[str, str], content: bytes) -> Reply:
    """What an answer of a server means. A 200 that is no JSON object, or holds an error, is a failure."""
    told = content[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace")[:SHOWN_CHARACTERS]
    if status != 200:
        again = status in AGAIN or status >= 500
        return Reply(
            _object(content),
            "transient" if again else "permanent",
            f"HTTP {status}: {told}",
            status,
            status in BUSY,
            _retry_after(headers.get("retry-after", "")) if again else 0.0,
        )
    body = _object(content)
    if not body:
        return Reply({}, "transient", f"expected a JSON object, found {told!r}", status)
    if body.get("error"):
        return Reply(body, "transient", f"an error with status 200: {told}", status)
    return Reply(body, status=status)


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(text: str) -> float:
    """Seconds; 0 for none, and for a date, which needs a clock that agrees with the server's."""
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def tokens_of(body: dict[str, Any]) -> int:
    """Tokens of all completions of a reply; 0 where the server does not say."""
    usage = body.get("usage")
    told = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return told if isinstance(told, int) and told > 0 else 0


def _kept_alive() -> list[tuple[int, int, int]]:
    """Socket options by which a server that vanished without a word is noticed within a minute."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


class Caller:
    """The calls of one server. Its coroutines run in a thread of its own; close it."""

    def __init__(self, url: str, limits: Limits, key_variable: str = "OPENAI_API_KEY") -> None:
        """`key_variable` names the environment variable with the key; it is sent, and kept nowhere."""
        self.url = url
        self.limits = limits
        self.places = Places(Concurrency(limits.samples))
        self.canary: Callable[[], Coroutine[Any, Any, Reply]] | None = None
        """The smallest call that shows that the server works; set by whoever knows the model's name."""
        self._dice = random.Random()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="calls", daemon=True)
        self._thread.start()
        key = os.environ.get(key_variable, "")
        self._client = self.run(self._open_client({"Authorization": f"Bearer {key}"} if key else {}))
        self._checking = asyncio.Lock()
        self._checked_at = self._worked_at = self._loop.time()
        self._failing_since: float | None = None
        self._not_before = 0.0

    async def _open_client(self, headers: dict[str, str]) -> httpx2.AsyncClient:
        no_limit = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
        transport = None
        if not any(os.environ.get(name) for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")):
            transport = httpx2.AsyncHTTPTransport(limits=no_limit, socket_options=_kept_alive())
        return httpx2.AsyncClient(headers=headers, limits=no_limit, transport=transport)

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """What a coroutine gives, waited for."""
        return self.start(work).result()

    def start(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        """Begin a coroutine in the thread of the calls."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def total_s(self, n_tokens: int) -> float:
        """How long a call may take that may give so many tokens."""
        return self.limits.start_s + n_tokens * self.limits.token_s

    async def once(self, path: str, body: dict[str, Any] | None, total_s: float) -> Reply:
        """One attempt: POST of a JSON object, or GET if there is none.

        The bytes of an answer come all at once, when the last token is there: so the first one may take as
        long as all of them.
        """
        url = path if path.startswith("http") else self.url + path
        timeout = httpx2.Timeout(total_s, connect=min(self.limits.connect_s, total_s), pool=None)
        try:
            async with asyncio.timeout(total_s):
                if body is None:
                    got = await self._client.get(url, timeout=timeout)
                else:
                    sent = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
                    headers = {"Content-Type": "application/json"}
                    got = await self._client.post(url, content=sent, headers=headers, timeout=timeout)
        except (TimeoutError, httpx2.ReadTimeout, httpx2.WriteTimeout):
            return Reply({}, "transient", f"no answer within {total_s:.0f} s", busy=True)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            return Reply({}, "transient", f"{type(error).__name__}: {error}")
        return read_reply(got.status_code, got.headers, got.content)

    async def call(
        self,
        path: str,
        body: dict[str, Any],
        *,
        n_samples: int,
        total_s: float,
        usable: Callable[[Reply], str],
    ) -> Reply:
        """The reply of a call that succeeded, or of the last attempt when it is given up.

        `usable(reply)` says what is wrong with a reply that came; empty if nothing is. Raises MachineError
        if nothing has worked for `patience_s`.
        """
        spent = 0.0
        turn = 0
        while True:
            await self.places.enter(n_samples)
            n_tokens, came = 0, False
            try:
                await self._left_alone()
                started = self._loop.time()
                reply = await self.once(path, body, total_s)
                wrong = "" if reply.failure else usable(reply)
                if wrong:
                    reply = reply._replace(failure="transient", error=wrong)
                came = reply.failure is None
                n_tokens = tokens_of(reply.body) if came else 0
                self._note(reply, started)
            finally:
                self.places.leave(n_samples, n_tokens=n_tokens, came=came, now=self._loop.time())
            if came:
                return reply
            # A server may go bad while others' answers are on their way: what is never asked for again has
            # to be seen beside something that was begun after it and worked.
            since = self._loop.time() if reply.failure == "permanent" else started
            if await self._works_since(since, reply):
                if reply.failure == "permanent":
                    return reply
                spent += BUSY_ATTEMPT if reply.busy else 1
                if spent >= ATTEMPTS:
                    return reply
            await asyncio.sleep(self._dice.uniform(0, min(MAX_WAIT_S, FIRST_WAIT_S * 2.0**turn)))
            turn = min(turn + 1, 10)

    async def _left_alone(self) -> None:
        """Wait for as long as the server wants to be left alone; not all come back in the same instant."""
        while (wait_s := self._not_before - self._loop.time()) > 0:
            await asyncio.sleep(wait_s + self._dice.uniform(0, min(1.0, wait_s)))

    def _note(self, reply: Reply, started: float) -> None:
        now = self._loop.time()
        if reply.failure is None:
            self._worked_at, self._failing_since = max(self._worked_at, started), None
        if reply.busy:
            self.places.concurrency.overloaded(started_at=started, now=now)
        if reply.wait_s:
            self._not_before = max(self._not_before, now + min(reply.wait_s, self.limits.patience_s))

    async def _works_since(self, since: float, reply: Reply) -> bool:
        """Whether anything works that was begun after a time; if nothing did, the canary is asked."""
        asked_at = self._loop.time()
        async with self._checking:
            if self._worked_at < since and self._checked_at < asked_at and self.canary is not None:
                self._checked_at = began = self._loop.time()
                sung = await self.canary()
                self._note(sung._replace(busy=False), began)
                reply = sung if sung.failure else reply
        if self._worked_at >= since:
            return True
        now = self._loop.time()
        self._failing_since = since if self._failing_since is None else self._failing_since
        if reply.status in REFUSED or now - self._failing_since > self.limits.patience_s:
            raise MachineError(
                f"{self.url}: expected a server that works, found none for {now - self._failing_since:.0f} s "
                f"({reply.error}). What was done is kept; start the server again and run the same command"
            )
        return False

    def close(self) -> None:
        """End the calls in flight and the thread."""
        if self._loop.is_running():
            self.run(self._close_client())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _close_client(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()
