"""The addresses that applications connect to: each one forwards to an instance's server, until two are exchanged."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

from dcs_emulator.real_data.endpoints import Endpoint

_CHUNK_BYTES = 65_536
_CONNECT_SECONDS = 5.0
_RETRY_SECONDS = 0.05


class AddressError(ValueError):
    """An address can't be opened; the message is one line."""


class Addresses:
    """Forwards connections on a port of this machine to the current server of the port's address.

    Raises `AddressError` if a port isn't available.
    """

    def __init__(self, ports: Mapping[str, int], endpoints: Mapping[str, Endpoint]) -> None:
        self._lock = threading.Lock()
        self._endpoints = dict(endpoints)
        self._proxies: dict[str, _Proxy] = {}
        for instance_id, port in ports.items():
            try:
                self._proxies[instance_id] = _Proxy(port, partial(self._endpoint, instance_id))
            except OSError as error:
                self.close()
                reason = os.strerror(error.errno) if error.errno else error
                raise AddressError(
                    f"--address: can't listen on 127.0.0.1:{port} for {instance_id}: {reason}"
                ) from None

    def ports(self) -> dict[str, int]:
        """Return the port of each instance's address."""
        return {instance_id: proxy.port for instance_id, proxy in self._proxies.items()}

    def exchange(self, one: str, other: str) -> None:
        """Swap the servers behind two addresses; connections are cut, as for a real exchange."""
        with self._lock:
            self._endpoints[one], self._endpoints[other] = self._endpoints[other], self._endpoints[one]
        for instance_id in (one, other):
            if instance_id in self._proxies:
                self._proxies[instance_id].cut()

    def close(self) -> None:
        """Stop listening, and cut all connections."""
        for proxy in self._proxies.values():
            proxy.close()

    def _endpoint(self, instance_id: str) -> Endpoint:
        with self._lock:
            return self._endpoints[instance_id]


class _Proxy:
    """One listening port."""

    def __init__(self, port: int, endpoint: Callable[[], Endpoint]) -> None:
        self._endpoint = endpoint
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._closed = False
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, name=f"address-{self.port}", daemon=True).start()

    def cut(self) -> None:
        """Cut the open connections."""
        with self._lock:
            for connection in self._open:
                _shut(connection)

    def close(self) -> None:
        """Close this port."""
        with self._lock:
            self._closed = True
        _shut(self._listener)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                time.sleep(_RETRY_SECONDS)  # closed, or temporarily too many open files
                continue
            threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        endpoint = self._endpoint()
        with (
            client,
            suppress(OSError),
            socket.create_connection((endpoint.host, endpoint.port), _CONNECT_SECONDS) as server,
        ):
            server.settimeout(None)
            with self._lock:
                if self._closed:
                    return
                self._open |= {client, server}
            try:
                if endpoint == self._endpoint():  # no exchange in the meantime
                    _relay(client, server)
            finally:
                with self._lock:
                    self._open -= {client, server}


def _relay(client: socket.socket, server: socket.socket) -> None:
    """Forward bytes in both directions until both sides have ended.

    It uses two threads, so that a client that sends a lot before it reads isn't blocked.
    """
    for side in (client, server):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    back = threading.Thread(target=_pump, args=(server, client), daemon=True)
    back.start()
    _pump(client, server)
    back.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    """Forward bytes in one direction, and then the end."""
    try:
        while data := one.recv(_CHUNK_BYTES):
            other.sendall(data)
    except OSError:
        _shut(one)
        _shut(other)
    else:
        with suppress(OSError):
            other.shutdown(socket.SHUT_WR)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
