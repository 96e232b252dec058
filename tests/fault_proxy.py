"""A proxy before a real server that breaks a share of what goes through it, in all the ways servers break.

`FaultProxy(target, script)` listens on loopback. `script(number, path, body)` names the fault of a POST, or
None to pass it on; numbers count the POSTs from 0. GETs pass. What it passed on is noted in `passed`.
"""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import urlsplit

Fault = Literal[
    "busy",  # 429 with Retry-After
    "unavailable",  # 503
    "error",  # 500
    "refused",  # connection closed before anything is read
    "reset",  # connection reset in the middle of the body
    "truncated",  # a whole answer of half a JSON text
    "garbage",  # 200 with bytes that are no text
    "no-choices",  # 200 and valid JSON without choices
    "told-error",  # 200 with an error in it
    "aborted",  # the choices broken off
    "fewer",  # one choice less than came
    "more",  # a choice twice
    "reversed",  # choices in another order
    "silent",  # never an answer
    "dripping",  # a byte now and then, without end
    "slow",  # an answer, late and in pieces
    "permanent",  # 400
    "missing",  # 404
    "key",  # 401
    "other-model",  # an answer of another model
]
Script = Callable[[int, str, dict[str, Any]], Fault | None]
RETRY_AFTER_S = 0.2
SLOW_S = 0.3


class FaultProxy:
    """Listens until it is closed; use it in `with`."""

    def __init__(self, target: str, script: Script) -> None:
        self.target = urlsplit(target)
        self.script = script
        self.made: list[Fault] = []
        self.passed: list[dict[str, Any]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._number = 0
        self._lock = threading.Lock()
        self.over = threading.Event()
        self._server = _Listening(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{self.target.path}"

    def next_fault(self, path: str, body: dict[str, Any]) -> Fault | None:
        """What to do to the next POST."""
        with self._lock:
            number, self._number = self._number, self._number + 1
            fault = self.script(number, path, body)
            if fault:
                self.made.append(fault)
        return fault

    def forward(self, method: str, path: str, raw: bytes | None) -> tuple[int, bytes]:
        """The target's own answer."""
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            connection = http.client.HTTPConnection(str(self.target.hostname), self.target.port, timeout=60)
            connection.request(method, path, raw, {"Content-Type": "application/json"} if raw else {})
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, content
        finally:
            with self._lock:
                self._at_once -= 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            try:
                self._send(*proxy.forward("GET", self.path, None))
            except OSError:
                self._send(502, b"{}")

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(raw)
            fault = proxy.next_fault(self.path, body)
            if fault in SAID:
                status, text, headers = SAID[fault]
                self._send(status, text, headers)
            elif fault == "refused":
                self._cut()
            elif fault == "silent":
                proxy.over.wait(60)
                self._cut()
            else:
                try:
                    status, content = proxy.forward("POST", self.path, raw)
                except OSError:
                    self._send(502, b"{}")
                    return
                if status == 200:
                    proxy.passed.append(body)
                if fault in CHANGES and status == 200:
                    answer = json.loads(content)
                    CHANGES[fault](answer)
                    content = json.dumps(answer).encode()
                self._deliver(fault, status, content)

        def _deliver(self, fault: Fault | None, status: int, content: bytes) -> None:
            if fault == "truncated":
                self._send(status, content[: len(content) // 2])
            elif fault == "reset":
                self._head(status, len(content))
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                self._cut()
            elif fault == "dripping":
                self._head(status, 10**9)
                while not proxy.over.wait(0.1):
                    self.wfile.write(b" ")
                    self.wfile.flush()
            elif fault == "slow":
                self._head(status, len(content))
                for start in range(0, len(content), 200):
                    self.wfile.write(content[start : start + 200])
                    self.wfile.flush()
                    time.sleep(SLOW_S / (len(content) / 200 + 1))
            else:
                self._send(status, content)

        def _head(self, status: int, size: int, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(size))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
            self._head(status, len(content), headers)
            self.wfile.write(content)

        def _cut(self) -> None:
            """Close the connection with a reset."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

    return Handler


SAID: dict[Fault | None, tuple[int, bytes, dict[str, str]]] = {
    "busy": (429, b'{"error": "slower, please"}', {"Retry-After": str(RETRY_AFTER_S)}),
    "unavailable": (503, b"<html>Service Unavailable</html>", {}),
    "error": (500, b'{"error": "out of luck"}', {}),
    "garbage": (200, bytes(range(256)), {}),
    "no-choices": (200, b'{"object": "chat.completion", "choices": []}', {}),
    "told-error": (200, b'{"error": {"message": "engine is dead"}}', {}),
    "permanent": (400, b'{"error": "the prompt is too long"}', {}),
    "missing": (404, b'{"error": "no such model"}', {}),
    "key": (401, b'{"error": "no such key"}', {}),
}


def _fewer(answer: dict[str, Any]) -> None:
    answer["choices"] = answer["choices"][1:]


def _more(answer: dict[str, Any]) -> None:
    answer["choices"].append(answer["choices"][0])


def _reversed(answer: dict[str, Any]) -> None:
    answer["choices"].reverse()


def _aborted(answer: dict[str, Any]) -> None:
    for choice in answer["choices"]:
        choice["finish_reason"] = "abort"


def _other_model(answer: dict[str, Any]) -> None:
    answer["model"] = "another"


CHANGES: dict[Fault | None, Callable[[dict[str, Any]], None]] = {
    "fewer": _fewer,
    "more": _more,
    "reversed": _reversed,
    "aborted": _aborted,
    "other-model": _other_model,
}
