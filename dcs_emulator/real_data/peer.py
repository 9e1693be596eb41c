"""A connection to a Redis server; its errors show the server and the reason."""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from dcs_emulator.real_data.endpoints import Endpoint
from dcs_emulator.real_data.progress import MigrationError

_QUOTED = re.compile(r",?\s*with args beginning with:.*", re.DOTALL)
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 12.0  # more than the timeout of a MIGRATE


class Loading(MigrationError):
    """The server is still reading its data."""


class Unreachable(MigrationError):
    """The server can't be reached, or cuts the connection."""


class Peer:
    """A server: ``name`` for messages, ``ip``, ``port`` and ``password`` for the other servers.

    Every call can raise `MigrationError`. It isn't thread-safe.
    """

    def __init__(self, name: str, client: Redis, endpoint: Endpoint | None = None) -> None:
        self.name = name
        self.ip = endpoint.host if endpoint else ""
        self.port = endpoint.port if endpoint else 0
        self.password = endpoint.password if endpoint else None
        self._endpoint = endpoint
        self._client = client
        self._run: Callable[..., Any] = client.execute_command

    def __str__(self) -> str:
        return self.name

    def call(self, *command: str | bytes | int) -> Any:
        """Run a command and return the client library's result."""
        with self._explained():
            return self._run(*command)

    def info(self) -> dict[str, Any]:
        """Return INFO, all sections in one table."""
        answer: dict[str, Any] = self.call("INFO")
        return answer

    @contextmanager
    def with_timeout(self, seconds: float) -> Iterator[Peer]:
        """Yield a second connection to the same server, with this timeout for answers."""
        where = {**self._client.connection_pool.connection_kwargs, "socket_timeout": seconds}
        pool = ConnectionPool(self._client.connection_pool.connection_class, max_connections=1, **where)
        peer = Peer(self.name, Redis(connection_pool=pool), self._endpoint)
        try:
            yield peer
        finally:
            pool.disconnect()

    def close(self) -> None:
        """Cut the connection."""
        self._client.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (AuthenticationError, AuthenticationWrongNumberOfArgsError) as error:
            raise MigrationError(self._refused_password(str(error))) from None
        except BusyLoadingError:
            raise Loading(f"{self.name} is still loading its data") from None
        except ResponseError as error:
            raise MigrationError(f"{self.name} returned an error: {without_payload(str(error))}") from None
        except RedisTimeout:
            raise MigrationError(f"{self.name} doesn't respond") from None
        except UnicodeEncodeError:
            raise MigrationError(f"the password of {self.name} can't be sent: it isn't valid UTF-8") from None
        except (RedisError, OSError) as error:
            raise Unreachable(f"{self.name} can't be reached: {_reason(error)}") from None

    def _refused_password(self, said: str) -> str:
        if self.password is None:
            return f"{self.name} requires a password, but none was given"
        if "without any password" in said:
            return f"{self.name} has no password, but one was given"
        return f"the password of {self.name} is wrong, or its default user is disabled (other users aren't supported)"


@contextmanager
def connect(side: str, endpoint: Endpoint, answer_seconds: float | None = None) -> Iterator[Peer]:
    """Connect to the ``source`` or the ``target``, and cut the connection at the end.

    The peer's ``ip`` is numeric, so that other servers don't resolve the name again, perhaps to
    another address. An answer can take up to ``answer_seconds`` (`ANSWER_SECONDS`). Raises `MigrationError` if the
    server can't be reached or refuses the password.
    """
    name = f"the {side} {endpoint}"
    try:
        with socket.create_connection((endpoint.host, endpoint.port), CONNECT_SECONDS) as probe:
            ip = probe.getpeername()[0]
    except socket.gaierror as error:
        raise MigrationError(
            f"{name} can't be reached: the host name is unknown ({error.strerror})"
        ) from None
    except UnicodeError:
        raise MigrationError(f"{name} can't be reached: not a valid host name") from None
    except OSError as error:
        raise MigrationError(f"{name} can't be reached: {_reason(error)}") from None
    client = client_of(answer_seconds, host=ip, port=endpoint.port, password=endpoint.password)
    peer = Peer(name, client, Endpoint(ip, endpoint.port, endpoint.password))
    try:
        try:
            peer.call("PING")
        except Unreachable as error:
            raise MigrationError(f"{error} (it may require TLS, or not be a Redis server)") from None
        yield peer
    finally:
        peer.close()


def client_of(answer_seconds: float | None = None, **where: Any) -> Redis:
    """Return a client with one connection, with timeouts and without retries."""
    return Redis(
        single_connection_client=False,
        max_connections=1,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS if answer_seconds is None else answer_seconds,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        **where,
    )


def without_payload(said: str) -> str:
    """Return a server's message without quoted arguments, which may be data."""
    return _QUOTED.sub("", said)


def _reason(error: BaseException) -> str:
    """Return why a connection failed, with the system's text if there is one."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, (TimeoutError, RedisTimeout)):
            return "no response in time"
        if isinstance(inner, OSError) and inner.errno is not None and inner.errno in errno.errorcode:
            return os.strerror(inner.errno)
        inner = inner.__cause__ or inner.__context__
    return "the connection was cut"
