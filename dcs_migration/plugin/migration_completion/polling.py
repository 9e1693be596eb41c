"""One poll for everybody: the listing of an account, and what becomes of trouble with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from dcs_migration.dcs.errors import (
    DcsMigrationError,
    TaskError,
    Throttled,
)
from dcs_migration.plugin.account import Account
from dcs_migration.plugin.listing import Listing

# All times in seconds.
LONGEST_OUTAGE = 600.0  # with no answer for that long, waiting on would help nobody
WIDEST_INTERVAL = 300.0
_SHARED = 0.95  # a listing that others fetched almost an interval ago is left to be renewed


@dataclass(frozen=True)
class Poll:
    """What a poll brought: a listing (maybe an older one), and what is wrong, if anything is."""

    listing: Listing | None
    trouble: str | None = None


class Poller:
    """Polls an account for every wait of the process; thread-safe.

    Throttling widens the interval. A passing failure (5xx, no connection, no usable answer) is survived for
    up to ten minutes; any other error is permanent.
    """

    def __init__(self, account: Account) -> None:
        """Build over an account whose reads are not retried: here is where that is decided."""
        self._account = account
        self._clock = account.clock
        self._lock = threading.Lock()
        self._last = Poll(None)
        self._not_before = float("-inf")
        self._outage: tuple[float, float] | None = None  # its first failure and its last
        self._widened = 1.0

    def poll(self, interval: float) -> Poll:
        """Return the present state of the account, at most one interval old.

        Raises:
            DcsMigrationError: a permanent error, or an outage that has lasted too long.
        """
        with self._lock:
            if self._clock.monotonic() < self._not_before:
                return self._last
            try:
                listing = self._account.listing.get(max_age=interval * _SHARED)
            except Throttled as error:
                self._widen(error, interval)
            except DcsMigrationError as error:
                if not error.may_pass:
                    raise
                self._survive(error, interval)
            else:
                self._last = Poll(listing)
                self._outage = None
                self._widened = 1.0
            return self._last

    def next_poll(self, interval: float) -> float:
        """Return the moment of the clock at which a poll will bring something new."""
        listing = self._last.listing
        due = listing.started + interval if listing is not None else self._clock.monotonic() + interval
        return max(due, self._not_before)

    def _widen(self, error: Throttled, interval: float) -> None:
        widest = max(WIDEST_INTERVAL, interval)
        self._widened = min(self._widened * 2, widest / interval)
        pause = min(max(error.retry_after or 0.0, interval * self._widened), widest)
        self._not_before = self._clock.monotonic() + pause
        self._outage = None  # the service answers
        self._last = Poll(self._last.listing, f"throttled, next poll in {pause:.0f} s")

    def _survive(self, error: DcsMigrationError, interval: float) -> None:
        now = self._clock.monotonic()
        since, last = self._outage or (now, now)
        if now - last > max(LONGEST_OUTAGE, 2 * interval):
            since = now  # nobody polled for so long that this is another outage
        self._outage = since, now
        if now - since > LONGEST_OUTAGE:
            raise TaskError(f"no usable answer for {elapsed(now - since)}: {error}")
        self._not_before = now + interval
        self._last = Poll(self._last.listing, f"polling fails for {elapsed(now - since)}, trying on: {error}")


def elapsed(seconds: float) -> str:
    """Word a span of time: ``45s``, ``4m10s``, ``2h05m``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
