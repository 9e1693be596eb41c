"""A client of the emulator that costs little: it signs requests once, and uses plain sockets."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dcs_migration.dcs.auth import sign
from tools.bench.stacks import PROJECT, BenchError

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 4
POLL_SECONDS = 0.005
BOUND = 300.0  # seconds


@contextmanager
def emulator(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run the command on a free port; yields its URL and its process."""
    command = [sys.executable, "-m", "dcs_emulator", "--port", "0", *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[-1], process
        finally:
            process.terminate()


class Caller:
    """Calls one emulator."""

    def __init__(self, url: str) -> None:
        """Set the emulator's address."""
        self._url = url
        parts = urlsplit(url)
        self._address = (str(parts.hostname), int(parts.port or 0))

    def request(self, method: str, rest: str, body: bytes = b"") -> bytes:
        """Return a complete signed request."""
        path = f"/v2/{PROJECT}/{rest}"
        headers = {"Host": urlsplit(self._url).netloc}
        if body:
            headers["Content-Type"] = "application/json"
        now = datetime.now(timezone.utc)
        headers.update(sign(method, self._url + path, headers, body, "emulator", "emulator", now))
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body

    def creation(self, **fields: Any) -> bytes:
        """Return a request that creates a task."""
        request = {
            "task_name": "bench",
            "migration_type": "backupfile_import",
            "migration_method": "full_amount_migration",
            "target_instance": {"id": "target"},
            **(fields or {"backup_files": {"bucket_name": "b", "files": [{"file_name": "f.rdb"}]}}),
        }
        return self.request("POST", "migration-task", json.dumps(request).encode())

    def rate(self, request: bytes, calls: int) -> float:
        """Make this many calls over all connections; returns calls per second."""
        threads = [
            threading.Thread(target=self._repeat, args=(request, calls // CONNECTIONS))
            for _ in range(CONNECTIONS)
        ]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return calls / (time.monotonic() - began)

    def create(self, **fields: Any) -> str:
        """Create a task and return its id."""
        return str(self.answer(self.creation(**fields))["id"])

    def migrate(self, **fields: Any) -> None:
        """Create a task and wait until it has succeeded."""
        show = self.request("GET", f"migration-task/{self.create(**fields)}")
        until = time.monotonic() + BOUND
        while (status := self.answer(show)["status"]) != "SUCCESS":
            if status != "MIGRATING" or time.monotonic() > until:
                raise BenchError(f"the task is {status}")
            time.sleep(POLL_SECONDS)

    def answer(self, request: bytes) -> Any:
        """Make a call and return its answer."""
        with socket.create_connection(self._address) as connection:
            return json.loads(_exchange(connection, request))

    def _repeat(self, request: bytes, calls: int) -> None:
        with socket.create_connection(self._address) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(calls):
                _exchange(connection, request)


def _exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the body of its answer, which must have status 200."""
    connection.sendall(request)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise BenchError(f"the emulator answered {answer!r}")
    length = int(head.lower().partition(b"content-length:")[2].split()[0])
    while len(body) < length:
        body += _received(connection)
    return body


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise BenchError("the emulator closed the connection")
    return data
