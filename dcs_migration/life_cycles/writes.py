"""Sends each write once. A refused write is sent again later; after an unclear outcome, the result is looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from dcs_migration.clock import Clock
from dcs_migration.dcs.errors import Busy, DcsMigrationError, NotSent, Throttled
from dcs_migration.dcs.models import TaskRow

# All times in seconds.
SEARCH_FOR = 60.0  # how long to look for the result of a write with an unclear outcome
SEARCH_EVERY = 5.0

T = TypeVar("T")


class Occupied(DcsMigrationError):
    """A task of any owner runs on the target: nothing was sent."""

    def __init__(self, rows: Sequence[TaskRow]) -> None:
        super().__init__(f"the target is occupied by {named(rows)}")
        self.rows = rows


DELETE_FIRST = (
    "if it belongs to a resource that you removed from the program, delete it first with `pulumi destroy --target` "
    "and its URN"
)
"""Pulumi deletes removed resources at the end of a run, after it has created the new ones."""


def named(rows: Sequence[TaskRow]) -> str:
    """Name the tasks that occupy a target, at most three."""
    return " and ".join(f"task {row.name or row.id} ({row.id}, {row.status})" for row in rows[:3])


@dataclass(frozen=True)
class RetryPauses:
    """How long to wait after each of several refusals in a row, in seconds."""

    pauses: tuple[float, ...]


FOR_THE_TARGET = RetryPauses((10.0,) * 6)

# Refusals that certainly had no effect: the write may be accepted later.
RETRY_PAUSES: dict[type[DcsMigrationError], RetryPauses] = {
    NotSent: RetryPauses((1.0, 2.0, 4.0)),
    Busy: FOR_THE_TARGET,
    Occupied: FOR_THE_TARGET,
    Throttled: RetryPauses((15.0, 20.0, 25.0)),
}
REFUSED = tuple(RETRY_PAUSES)


class Refusals:
    """Number of refusals of a write so far."""

    def __init__(self) -> None:
        self._counts: dict[RetryPauses, int] = {}

    def pause_after(self, error: DcsMigrationError) -> float | None:
        """Count a refusal, and return how long to wait; None to give up."""
        schedule = next(found for kind, found in RETRY_PAUSES.items() if isinstance(error, kind))
        count = self._counts[schedule] = self._counts.get(schedule, 0) + 1
        permanent = isinstance(error, NotSent) and error.permanent
        return None if permanent or count > len(schedule.pauses) else schedule.pauses[count - 1]


class Deadline:
    """The end of the time that an operation may take."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        """Set up for this many seconds from now."""
        self.seconds = seconds
        self._clock = clock
        self._end = clock.monotonic() + seconds

    def allows(self, pause: float = 0.0) -> bool:
        """Whether there is time for a pause."""
        return self._clock.monotonic() + pause <= self._end


def delays(seconds: Sequence[float]) -> Iterator[float]:
    """Yield the seconds between looks; the last one repeats."""
    yield from seconds
    while True:
        yield seconds[-1]


def search(find: Callable[[], T | None], clock: Clock, pause: Callable[[float], None]) -> T | None:
    """Look for the result of a write until it shows up; return None after a minute.

    Args:
        find: Looks once.
        clock: The process's clock.
        pause: Waits for this many seconds, if Pulumi is still running.
    """
    deadline = Deadline(clock, SEARCH_FOR)
    while True:
        found = find()
        if found is not None or not deadline.allows():
            return found
        pause(SEARCH_EVERY)
