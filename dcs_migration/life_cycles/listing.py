"""A listing of an account's tasks, shared by all callers in the process that need it at about the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from dcs_migration.clock import Clock
from dcs_migration.dcs.errors import TransportError
from dcs_migration.dcs.models import Page, TaskRow

PAGE_SIZE = 1000  # the API's maximum
# Limits of a listing: endless pages must not block Pulumi or fill its memory.
MOST_SECONDS = 120.0
MOST_ROWS = 100_000
MOST_TEXT = 100_000_000  # characters, in all rows
# If rows disappear while pages are read, later rows move to the previous page. So each page starts slightly
# before the end of the last one, which shows that rows have moved. One row is enough to notice it. More rows make
# it less likely that a page must be read again, but must not cost as much as a page.
_OVERLAP = 20
_OVERLAP_SHARE = 10  # at most one in this many rows of a page


@dataclass(frozen=True)
class Listing:
    """All tasks of an account, as they were between two times of the clock.

    count: the service's number of tasks.
    """

    started: float
    rows: Mapping[str, TaskRow]
    count: int = 0

    @property
    def complete(self) -> bool:
        """Whether there are as many rows as the service counts. If not, a missing task proves nothing."""
        return len(self.rows) >= self.count


class SharedListing:
    """Fetches the listing if there is no recent one; only one fetch runs at a time."""

    def __init__(self, fetch_page: Callable[[int, int], Page], clock: Clock) -> None:
        """Build over ``fetch_page(offset, limit)`` (ListMigrationTask)."""
        self._fetch_page = fetch_page
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: Listing | None = None

    def get(self, *, max_age: float, not_before: float = float("-inf")) -> Listing:
        """Return a listing whose fetch started at most ``max_age`` seconds ago, and not before a given time.

        Args:
            max_age: In seconds.
            not_before: A time of the monotonic clock, such as the end of a write that the listing must
                show.

        Raises:
            DcsMigrationError: what the service answered, or its pages don't fit together.
        """
        oldest = self._clock.monotonic() - max_age

        def is_fresh(listing: Listing | None) -> TypeGuard[Listing]:
            return listing is not None and listing.started >= oldest and listing.started > not_before

        latest = self._latest
        if is_fresh(latest):
            return latest  # without the lock, which another thread may hold for a whole fetch
        with self._lock:  # threads that wait here use the listing that the previous one fetched
            latest = self._latest
            if not is_fresh(latest):
                latest = self._latest = self._fetch()
            return latest

    def _fetch(self) -> Listing:
        started = self._clock.monotonic()
        rows: dict[str, TaskRow] = {}
        size = PAGE_SIZE
        offset = step = overlap = text = 0
        while not (excess := self._excess(started, rows, text)):
            page = self._fetch_page(offset, PAGE_SIZE)
            text += sum(
                len(value) for row in page.rows for value in vars(row).values() if isinstance(value, str)
            )
            if overlap and not any(row.id in rows for row in page.rows):
                # More rows have disappeared than the overlap covers, so rows may have been skipped:
                # drop this page, and go back to the rows that are already known.
                offset = max(offset - step, 0)
                overlap = overlap if offset else 0
                continue
            before = len(rows)
            rows.update((row.id, row) for row in page.rows)
            # A short page is the last one, unless `count` (which some stacks fill with the size of the
            # page) says that there is more: then the service's pages are smaller than what is asked for.
            full, missing = len(page.rows) >= size, page.count > len(rows)
            if len(rows) == before and full and missing:
                excess = f"its pages don't continue at {offset}"
                break
            if len(rows) == before or not (full or missing):
                return Listing(started, rows, page.count)
            size = min(size, len(page.rows))
            overlap = min(_OVERLAP, max(1, len(page.rows) // _OVERLAP_SHARE), len(page.rows) - 1)
            step = len(page.rows) - overlap
            offset += step
        # A task that is missing from this listing may still exist.
        raise TransportError("ListMigrationTask", f"the listing is incomplete: {excess}")

    def _excess(self, started: float, rows: Mapping[str, TaskRow], text: int) -> str | None:
        """Return which limit a listing exceeds, if any."""
        read = f"it still continues after {len(rows):,} tasks"
        if len(rows) > MOST_ROWS or text > MOST_TEXT:
            return f"{read}, which is more than this provider reads; delete tasks that have ended"
        if self._clock.monotonic() - started > MOST_SECONDS:
            return (
                f"{read} and {MOST_SECONDS:.0f} s, which is longer than this provider waits; try again later"
            )
        return None
