"""An application that writes one order after another, and records those that Redis has acknowledged.

    python write_orders.py HOST:PORT FILE [PASSWORD]

It stops on SIGTERM. When its connection breaks, such as during the switch, it reconnects. The names of the orders contain
the name of the file, so you can run several copies at once.
"""

import signal
import socket
import sys
import threading
from pathlib import Path

PAUSE = 0.002  # seconds between two writes


class Redis:
    """A connection that writes keys. The Redis protocol is simple enough that this needs no library."""

    def __init__(self, host: str, port: int, password: str | None) -> None:
        self._socket = socket.create_connection((host, port), timeout=5)
        self._answers = self._socket.makefile("rb")
        if password:
            self.call("AUTH", password)

    def call(self, *words: str) -> str:
        """Send a command and return the response line; raise OSError if there is none, or if it's an error."""
        parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
        self._socket.sendall("".join(parts).encode())
        answer = self._answers.readline().decode()
        if not answer.startswith("+"):
            raise OSError(answer or "the connection is closed")
        return answer


def main() -> None:
    """Write until SIGTERM arrives."""
    (host, _, port), file = sys.argv[1].rpartition(":"), Path(sys.argv[2])
    password = sys.argv[3] if len(sys.argv) > 3 else None
    end = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: end.set())
    number = len(file.read_text().splitlines()) if file.exists() else 0
    redis = None
    with file.open("a", buffering=1) as acknowledged:
        while not end.wait(PAUSE):
            try:
                redis = redis or Redis(host, int(port), password)
                redis.call("SET", key := f"order:{file.name}:{number}", "paid")
            except OSError:
                redis = None
                continue
            acknowledged.write(f"{key}\n")
            number += 1


if __name__ == "__main__":
    main()
