"""The progress of tasks. Every look calls an engine, which doesn't need its own thread.

The engines here only use the clock. The task engine of `dcs_emulator.real_data` moves real data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dcs_emulator.task import INCREMENTAL, SUCCESS, Task


@dataclass(frozen=True)
class Phase:
    """The progress of a task: its status, since when (Unix time), and the reason if it failed."""

    status: str
    since: float
    error: str | None = None


class Engine(Protocol):
    """Moves tasks. Calls hold the store's lock, so they must return quickly."""

    def start(self, task: Task, request: Mapping[str, Any]) -> None:
        """Start a new task; ``request`` is its creation body, passwords included."""

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return the task's phase, or None if it doesn't change."""

    def resume(self, task: Task) -> None:
        """Continue a stopped task; the task engine still knows its servers."""

    def stop(self, task: Task) -> None:
        """Stop moving a task that is being stopped or deleted."""

    def exchange(self, task: Task) -> None:
        """Swap the addresses of a task's source and target; a second call swaps them back."""

    def stopped(self, task: Task) -> bool:
        """Whether a stopped task no longer moves anything."""

    def close(self) -> None:
        """End all moves, and wait for their end: the only call without the lock."""


class _Clockwork:
    """An engine without anything to start or stop."""

    def start(self, task: Task, request: Mapping[str, Any]) -> None:
        """Nothing to do."""

    def resume(self, task: Task) -> None:
        """Nothing to do."""

    def stop(self, task: Task) -> None:
        """Nothing to do."""

    def exchange(self, task: Task) -> None:
        """Nothing to do."""

    def stopped(self, task: Task) -> bool:
        """Return True, because nothing moves."""
        return True

    def close(self) -> None:
        """Nothing to do."""


class Timed(_Clockwork):
    """A full task succeeds after ``duration`` seconds, an incremental one is in sync after half of it."""

    def __init__(self, duration: float) -> None:
        self._duration = duration

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return the current phase."""
        status, after = (INCREMENTAL, self._duration / 2) if task.incremental else (SUCCESS, self._duration)
        since = task.run_began_at + (0 if task.resumed else after)
        return Phase(status, since) if now >= since else Phase(task.full_phase, task.run_began_at)


class Immediate(Timed):
    """Tasks are done at the first look."""

    def __init__(self) -> None:
        super().__init__(duration=0.0)


class Manual(_Clockwork):
    """Tasks change only through control calls."""

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return None, because nothing changes on its own."""
        return None


PROGRESSIONS: dict[str, Callable[[float], Engine]] = {
    "timed": Timed,
    "immediate": lambda duration: Immediate(),
    "manual": lambda duration: Manual(),
}
