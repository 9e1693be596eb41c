"""The progress of a move of data, and the request to end it, shared by two threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from dcs_emulator.progression import Phase
from dcs_emulator.task import LogRow, Task

Numbers = dict[str, Any]


class Cancelled(Exception):
    """The task was stopped or deleted, or the emulator is stopping."""


class MigrationError(Exception):
    """The data can't be moved; the message is one line that says why."""


class Progress:
    """The state of one move. The moving thread writes, the store's thread reads; safe for both.

    ``clock`` returns the Unix time for tasks. ``passwords`` are masked in all texts, which become `sentence`.
    """

    def __init__(self, task: Task, clock: Callable[[], float], passwords: Iterable[str | None]) -> None:
        self._clock = clock
        self._passwords = [password for password in passwords if password]
        self._name = task.name
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._phase = Phase(task.full_phase, task.run_began_at)
        self._numbers: Numbers = {}
        self._rows: list[LogRow] = []

    # For the moving thread.

    def check(self) -> None:
        """Raise `Cancelled` if the move must end."""
        if self._cancelled.is_set():
            raise Cancelled

    def pause(self, seconds: float) -> None:
        """Wait for this many seconds, or raise `Cancelled` as soon as the move must end."""
        if self._cancelled.wait(seconds):
            raise Cancelled

    def log(self, level: str, message: str, code: str) -> None:
        """Write a row of the task's log: ``level`` is INFO, WARN or ERROR, ``code`` its last column."""
        row = LogRow(self._clock(), level, self._masked(message), f"migration.data.{code}", [self._name])
        with self._lock:
            self._rows.append(row)

    def measure(self, **numbers: Any) -> None:
        """Report the current numbers, with the names of ShowMigrationTaskStats."""
        with self._lock:
            self._numbers = {**self._numbers, **numbers}

    def enter(self, status: str, error: str | None = None) -> None:
        """Report a new status, with the reason of a failure."""
        phase = Phase(status, self._clock(), None if error is None else self._masked(error))
        with self._lock:
            self._phase = phase

    # For the store's thread.

    def cancel(self) -> None:
        """Request the end of the move."""
        self._cancelled.set()

    def take(self) -> tuple[Phase, Numbers, list[LogRow]]:
        """Return the phase, the numbers, and the new log rows."""
        with self._lock:
            rows, self._rows = self._rows, []
            return self._phase, self._numbers, rows

    def _masked(self, text: str) -> str:
        for password in self._passwords:
            text = text.replace(password, "********")
        return sentence(text)


def sentence(text: str) -> str:
    """Return a text as one line that starts with a capital and ends with one full stop, without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f"{line[:1].upper()}{line[1:].rstrip('. ')}."
