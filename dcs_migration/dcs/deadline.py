"""Connections with a deadline for the whole answer, headers and body.

A socket's read timeout restarts with every byte, so a server that occasionally sends a byte would block the caller
forever. With this module, an answer can take at most twice the read timeout in total.

They also mark what fails after a request was sent, because the libraries report some of it as a failure to connect.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from dcs_migration.dcs.failures import mark_sent

OVERALL_FACTOR = 2.0


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a time of the monotonic clock."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._seconds = seconds
        self._end = time.monotonic() + OVERALL_FACTOR * seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the response takes too long")
        self._sock.settimeout(min(self._seconds, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        seconds = sock.gettimeout()
        if seconds:
            self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, seconds))


class _Connection(HTTPConnection):
    response_class = _Response

    def getresponse(self) -> Any:
        """Read the start of an answer; the request was sent before."""
        try:
            response = super().getresponse()
            if response.status < 200:  # the final answer would be taken for that of the next request
                self.close()
                raise http.client.UnknownProtocol(f"HTTP {response.status}")
            return response
        except Exception as error:
            mark_sent(error)
            raise


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


_POOLS = {"http": _Pool, "https": _TlsPool}


class DeadlineAdapter(HTTPAdapter):
    """The adapter of requests, with connections that have an overall deadline."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pool manager for direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool manager for connections through a proxy."""
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager
