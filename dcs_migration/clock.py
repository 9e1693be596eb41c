"""Time as a parameter, so that tests wait for nothing."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """The three uses of time in this package."""

    def monotonic(self) -> float:
        """Return seconds on a scale that never runs backwards; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...

    def now(self) -> datetime:
        """Return the date and time, in UTC and aware of it."""
        ...


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Return the seconds of the monotonic clock."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block the thread for that many seconds; zero or less returns at once."""
        if seconds > 0:
            time.sleep(seconds)

    def now(self) -> datetime:
        """Return the current date and time in UTC."""
        return datetime.now(timezone.utc)
