"""What makes a task progress. An engine is asked at every look; it needs no thread of its own.

The engines here only watch the clock. The one of `dcs_emulator.real_data` moves real data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dcs_emulator.task import INCREMENTAL, SUCCESS, Task


@dataclass(frozen=True)
class Phase:
    """Where a task has got to: its status, since when (Unix time), and why when it failed."""

    status: str
    since: float
    error: str | None = None


class Engine(Protocol):
    """Moves tasks. Every call is made under the store's lock, so it must return quickly."""

    def start(self, task: Task, request: Mapping[str, Any]) -> None:
        """Start a new task; ``request`` is its creation body, passwords included."""

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return where the task is, or None if it doesn't change."""

    def resume(self, task: Task) -> None:
        """Continue a task that was stopped; the mover still knows its servers."""

    def stop(self, task: Task) -> None:
        """Stop moving a task that is being stopped or deleted."""

    def exchange(self, task: Task) -> None:
        """Swap the addresses of a task's source and target; again swaps them back."""

    def stopped(self, task: Task) -> bool:
        """Whether nothing of a task that was stopped is moving any more."""

    def close(self) -> None:
        """End everything that is moving, and wait for that: the one call without the lock."""


class _Clockwork:
    """An engine that has nothing to start or to stop."""

    def start(self, task: Task, request: Mapping[str, Any]) -> None:
        """Nothing to do."""

    def resume(self, task: Task) -> None:
        """Nothing to do."""

    def stop(self, task: Task) -> None:
        """Nothing to do."""

    def exchange(self, task: Task) -> None:
        """Nothing to do."""

    def stopped(self, task: Task) -> bool:
        """Return True: nothing has ever moved."""
        return True

    def close(self) -> None:
        """Nothing to do."""


class Timed(_Clockwork):
    """A full task succeeds after ``duration`` seconds, an incremental one is in step after half of it."""

    def __init__(self, duration: float) -> None:
        self._duration = duration

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return the last phase that has been reached."""
        status, after = (INCREMENTAL, self._duration / 2) if task.incremental else (SUCCESS, self._duration)
        since = task.run_began_at + (0 if task.resumed else after)
        return Phase(status, since) if now >= since else Phase(task.full_phase, task.run_began_at)


class Immediate(Timed):
    """A task is done at the first look."""

    def __init__(self) -> None:
        super().__init__(duration=0.0)


class Manual(_Clockwork):
    """A task changes only by the control calls."""

    def phase(self, task: Task, now: float) -> Phase | None:
        """Return None: nothing happens by itself."""
        return None


PROGRESSIONS: dict[str, Callable[[float], Engine]] = {
    "timed": Timed,
    "immediate": lambda duration: Immediate(),
    "manual": lambda duration: Manual(),
}
