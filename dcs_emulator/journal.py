"""The journal: the requests, without headers and bodies."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

CAPACITY = 10_000
LONGEST_PATH = 1_024


@dataclass(frozen=True)
class Entry:
    """One request: Unix time of arrival in seconds, path without query, status 0 without an answer."""

    time: float
    operation: str
    method: str
    path: str
    status: int
    task_ids: list[str] = field(default_factory=list)


class Journal:
    """A bounded list of entries; the oldest are removed and counted."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=capacity)
        self._dropped = 0

    def record(
        self, time: float, operation: str, method: str, path: str, status: int, task_ids: Iterable[str]
    ) -> None:
        """Append a request."""
        entry = Entry(time, operation, method[:16], path[:LONGEST_PATH], status, list(task_ids))
        with self._lock:
            if len(self._entries) == self._entries.maxlen:
                self._dropped += 1
            self._entries.append(entry)

    def entries(self) -> list[dict[str, Any]]:
        """Return the requests, oldest first, after a ``_dropped`` entry if some are missing."""
        with self._lock:
            rows = [asdict(entry) for entry in self._entries]
            dropped = self._dropped
        return [{"operation": "_dropped", "count": dropped}, *rows] if dropped else rows

    def clear(self) -> None:
        """Remove all requests."""
        with self._lock:
            self._entries.clear()
            self._dropped = 0
