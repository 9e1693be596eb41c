"""HTTP on a socket: extends Werkzeug's request handler to keep and cut connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from werkzeug.serving import WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_CHUNK = 65_536
_LONGEST_LENGTH = 18  # digits of a Content-Length
_DRAIN_FACTOR = 8  # how many times the limit is read and discarded before the connection is closed

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class ConnectionCut(ConnectionError):
    """Raised by the application to end a connection without an answer."""


class Connections:
    """The open connections of one server, so that closing it closes them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False

    def add(self, connection: socket.socket) -> None:
        """Register a connection, or cut it if the server is already closed."""
        with self._lock:
            if not self._closed:
                self._open.add(connection)
                return
        _cut(connection)

    def discard(self, connection: socket.socket) -> None:
        """Unregister a connection."""
        with self._lock:
            self._open.discard(connection)

    def close(self) -> None:
        """Cut all connections, and every later one."""
        with self._lock:
            self._closed = True
            connections = list(self._open)
        for connection in connections:
            _cut(connection)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster


def handler_class(connections: Connections) -> type[WSGIRequestHandler]:
    """Return the request handler of a server; its connections are registered here."""

    class Handler(WSGIRequestHandler):
        """Keeps connections alive, answers with complete bodies, and doesn't write a log.

        Werkzeug's own handler closes every connection. Here the application first reads the whole request
        body, and sends ``Connection: close`` if it couldn't. So a kept connection is always
        at the start of the next request.
        """

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            connections.add(self.connection)

        def finish(self) -> None:
            connections.discard(self.connection)
            super().finish()

        def log(self, type: str, message: str, *args: Any) -> None:
            """Do nothing: the journal has the requests."""

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Do nothing."""

        def run_wsgi(self) -> None:
            """Call the application and write its whole answer."""
            try:
                environ = self.make_environ()
            except ValueError:  # a request target that isn't a URL
                self.send_error(400)
                return
            try:
                status, headers, body = _call(self.server.app, environ)
            except ConnectionError:
                self.close_connection = True
                _cut(self.connection)
                return
            code, _, reason = status.partition(" ")
            self.send_response(int(code), reason)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _call(app: Any, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        started.append((status, headers))
        return written.append

    pieces = app(environ, start_response)
    try:
        written.extend(pieces)
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    status, headers = started[-1]
    return status, headers, b"".join(written)


class BodyTooLarge(Exception):
    """The request body is longer than the limit; ``drained`` shows whether it was read to its end."""

    def __init__(self, drained: bool) -> None:
        super().__init__("the request body is too large")
        self.drained = drained


class BadBody(Exception):
    """The request body's framing is broken."""


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """Read the whole request body.

    A body longer than ``limit`` bytes raises `BodyTooLarge`, after it was read and discarded up to a maximum: a client
    that is still sending wouldn't see the answer.
    """
    stream: IO[bytes] = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return _read(stream, None, limit)
    text = environ.get("CONTENT_LENGTH") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_LENGTH):
        raise BadBody
    if "HTTP_TRANSFER_ENCODING" in environ:  # an encoding that isn't supported
        raise BadBody
    length = int(text)
    if length > _DRAIN_FACTOR * limit:
        raise BodyTooLarge(drained=False)
    return _read(stream, length, limit)


def _read(stream: IO[bytes], length: int | None, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while length is None or size < length:
        if size > _DRAIN_FACTOR * limit:
            raise BodyTooLarge(drained=False)
        try:
            piece = stream.read(_CHUNK if length is None else min(_CHUNK, length - size))
        except ConnectionError:
            raise
        except OSError as error:
            raise BadBody from error
        if not piece:
            if length is None:
                break
            raise ConnectionCut("the client went away in the middle of its body")
        size += len(piece)
        if size <= limit:
            pieces.append(piece)
        else:
            pieces.clear()
    if size > limit:
        raise BodyTooLarge(drained=True)
    return b"".join(pieces)
