"""A server on 127.0.0.1 that answers as told, well or badly, and a clock that only moves when someone sleeps."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


class FakeClock:
    """A clock whose `sleep` returns at once, moves it, and notes the seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.seconds += seconds

    def now(self) -> datetime:
        """Return the start plus the seconds slept."""
        return START + timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: Message
    body: bytes


class Handler(BaseHTTPRequestHandler):
    """Records each request and lets the next answer of the stand-in deal with it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    stand_in: StandIn

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def handle_one_request(self) -> None:
        """Take one request of any method."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.stand_in.take(Received(self.command, self.path, self.headers, body))(self)
            self.wfile.flush()
        except OSError:
            self.close_connection = True


Answer = Callable[[Handler], None]


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that go away are what these tests are about."""


class StandIn:
    """A server for one test: each request gets the next answer, the last answer serves all the rest."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answers = list(answers)
        self._lock = threading.Lock()
        self.requests: list[Received] = []
        self.closing = threading.Event()
        handler = type("BoundHandler", (Handler,), {"stand_in": self})
        self._server = _QuietServer(("127.0.0.1", 0), handler)
        if tls:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        """The URL to send to."""
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def take(self, request: Received) -> Answer:
        """Record a request and return its answer."""
        with self._lock:
            self.requests.append(request)
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def answer(
    body: object = None, status: int = 200, headers: dict[str, str] | None = None, *, raw: bytes | None = None
) -> Answer:
    """Answer with JSON, or with the bytes given."""
    data = raw if raw is not None else json.dumps(body).encode()

    def send(handler: Handler) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return send


def error(status: int, code: str, message: str = "no", **headers: str) -> Answer:
    """Answer with an error in the shape of DCS."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer({"error_code": code, "error_msg": message}, status, names)


def drop(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def truncated(handler: Handler) -> None:
    """Promise 100 bytes, send 12, close."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.wfile.write(b'{"id": "abc"')
    handler.close_connection = True


def silent(handler: Handler) -> None:
    """Never answer."""
    handler.stand_in.closing.wait(30)
    handler.close_connection = True


def dribble_headers(handler: Handler) -> None:
    """Send a header line a byte at a time, each well within the read timeout, for as long as someone listens."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _dribble(handler)


def dribble_body(handler: Handler) -> None:
    """Send a body a byte at a time, each well within the read timeout, for as long as someone listens."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    _dribble(handler)


def _dribble(handler: Handler) -> None:
    handler.close_connection = True
    while not handler.stand_in.closing.wait(0.05):
        handler.wfile.write(b"x")
        handler.wfile.flush()


def endless(handler: Handler) -> None:
    """Send a body that never ends, as fast as it is read."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    handler.close_connection = True
    while not handler.stand_in.closing.is_set():
        handler.wfile.write(b'{"a":' * 10000)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_address[1])


def elapsed(work: Callable[[], object]) -> float:
    """Return the real seconds that a piece of work takes."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def tls_context(folder: Path) -> ssl.SSLContext:
    """Return the server side of TLS with a certificate that no one trusts; it is left in `folder` as cert.pem."""
    pem = folder / "cert.pem"
    pem.write_text(TEST_CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


# Made for these tests alone: self-signed for localhost and 127.0.0.1, valid for a century.
TEST_CERTIFICATE = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg7g2SfMcehvqg4YBH
wEAV7SfnhDQ8Y9+RO0lJluq6AzGhRANCAATi5VkfXVm2TOLpqgOqz9PS2Nm6WB6p
OlveA6akBIuNXEiP33HFbUmBLJFk/w9t+C+jILGsuvANjGsDhK61jB/6
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUf76QVwXzz9jW57LqFJRlJZnugc4wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE2MzExMVoYDzIxMjYxMDMw
MTYzMTExWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATi5VkfXVm2TOLpqgOqz9PS2Nm6WB6pOlveA6akBIuNXEiP33HFbUmB
LJFk/w9t+C+jILGsuvANjGsDhK61jB/6o28wbTAdBgNVHQ4EFgQUUtyy/7iOkjMU
luZN2lBFmiCzoykwHwYDVR0jBBgwFoAUUtyy/7iOkjMUluZN2lBFmiCzoykwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgYZ4yegrCODBNp9SYFUHZznXwpIXqIXI0SU3KWC6wTI0CIQCQ
vZiVysm0BRdS+rBDfXSZzFcgKATiFeMsmLPkbe+ljg==
-----END CERTIFICATE-----
"""
