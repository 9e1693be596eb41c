"""One project in one region as this process sees it: its client, its shared listing, its joined writes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from dcs_migration.clock import Clock
from dcs_migration.dcs.errors import (
    ApiError,
    PermissionDenied,
    TaskNotFound,
    TransportError,
)
from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.batching import Batcher
from dcs_migration.life_cycles.listing import Listing, SharedListing
from dcs_migration.names import THREADS

if TYPE_CHECKING:
    from dcs_migration.dcs.client import DcsClient

SHORT_LISTINGS = 3  # how often a listing with fewer tasks than its count is read again
SHORT_PAUSE = 2.0  # seconds
LOG_LINES = 3  # last errors of a task's log
_LOG_PAGE = 100  # the order of the log isn't documented, so the last lines are found here
SEEN_WITHIN = 60.0  # seconds after which the listing shows each started task and its target


class Evidence(Enum):
    """How a task was looked up, and the result."""

    LISTED = "in the listing"
    UNLISTED = "not in a well-formed listing, though Show still answers for it"
    UNLISTABLE = "by Show alone, because the listing isn't permitted"


@dataclass(frozen=True)
class Seen:
    """What is known about a task: its row, or None if its record no longer exists."""

    row: TaskRow | None
    evidence: Evidence


@dataclass(frozen=True)
class Written:
    """The outcome of a joined write for one task, and the time after which a listing shows it."""

    moment: float
    refusal: ApiError | None = None


class CreateLock:
    """A lock for creates of this process that could interfere with each other; a context manager."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.attempted = float("-inf")
        """Time when the last attempt ended. An older listing can't show its result."""

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exception: object) -> None:
        self._lock.release()


class Account:
    """The tasks of one project in one region, at one endpoint."""

    def __init__(
        self,
        client: DcsClient,
        *,
        region: str,
        project_id: str,
        endpoint: str,
        clock: Clock,
        threads: int | None = THREADS,
    ) -> None:
        """Build over a client; ``endpoint`` is the host (and port) that state remembers.

        ``threads`` is how many threads may write at the same time; None if unknown.
        """
        self.client = client
        self.region = region
        self.project_id = project_id
        self.endpoint = endpoint
        self.clock = clock
        self.listing = SharedListing(client.list_migration_tasks, clock)
        self.stop: Batcher[Written] = Batcher(self._stop, clock.sleep, threads=threads)
        self.delete: Batcher[Written] = Batcher(self._delete, clock.sleep, threads=threads)
        self.deleted: set[str] = set()
        """Ids deleted by this process: a listing that still shows one of them is too old."""
        self.started: dict[str, tuple[float, TaskRow]] = {}
        """Tasks started by this process, with the time: a listing may not show them yet."""
        self._create_locks: dict[str, CreateLock] = {}
        self._guard = threading.Lock()
        self._last_written = float("-inf")

    def create_lock(self, key: str) -> CreateLock:
        """Return the lock for the creates of one target, or of one definition without a target."""
        with self._guard:
            return self._create_locks.setdefault(key, CreateLock())

    def record_start(self, row: TaskRow) -> None:
        """Record a task that this process has just started; a known name and owner mark are kept."""
        known = self.started.get(row.id, (0.0, row))[1]
        row = replace(row, name=row.name or known.name, description=row.description or known.description)
        self.started[row.id] = self.clock.monotonic(), row

    def recent(self) -> dict[str, TaskRow]:
        """Return the tasks that this process started so recently that a listing may not show them or their target."""
        since = self.clock.monotonic() - SEEN_WITHIN
        return {id_: row for id_, (moment, row) in list(self.started.items()) if moment > since}

    def rows_of(self, listing: Listing) -> list[TaskRow]:
        """Return the tasks of a listing, and the started tasks that it doesn't show yet."""
        rows = {**self.recent(), **listing.rows}
        return [row for row in rows.values() if row.id not in self.deleted]

    def record_write(self) -> None:
        """Record that this process has just changed a task, or may have: an older listing doesn't disprove it."""
        self._last_written = self.clock.monotonic()

    def _stop(self, ids: Sequence[str]) -> dict[str, Written]:
        refusals = self.client.batch_stop_migration_tasks(ids)
        moment = self.clock.monotonic()
        return {id_: Written(moment, refusals.get(id_)) for id_ in ids}

    def _delete(self, ids: Sequence[str]) -> dict[str, Written]:
        self.client.delete_migration_tasks(ids)
        moment = self.clock.monotonic()
        return {id_: Written(moment) for id_ in ids}

    def look(self, id_: str, *, max_age: float, not_before: float = float("-inf")) -> Seen:
        """Find a task in the shared listing; if it isn't there, ask Show or prove that it no longer exists.

        The proof needs two answers: a well-formed listing without the task, and the service's not-found code (or
        DELETED) from Show. A 404 without the code, or an empty body, means a wrong endpoint, and raises an error.

        Args:
            id_: Id of the task.
            max_age: Maximum age of the listing, in seconds.
            not_before: The listing must not be older than this time.

        Raises:
            DcsMigrationError: what the service answered.
        """
        try:
            row = self.listed(id_, max_age=max_age, not_before=not_before)
        except PermissionDenied:
            return Seen(self._shown(id_), Evidence.UNLISTABLE)
        if row is not None:
            return Seen(row, Evidence.LISTED)
        shown = self._shown(id_)
        if shown is not None and not lookup(shown.status).ended:
            # Show reports that it is running: a listing that was read while rows moved may have skipped it.
            row = self.listed(id_, max_age=0.0, not_before=self.clock.monotonic())
            if row is not None:
                return Seen(row, Evidence.LISTED)
        return Seen(shown, Evidence.UNLISTED)

    def last_errors(self, id_: str) -> list[str]:
        """Return the last errors in a task's log, in the service's words (ListMigrationTaskLogs).

        Raises:
            DcsMigrationError: what the service answered.
        """
        lines = self.client.list_migration_task_logs(id_, "ERROR", _LOG_PAGE)
        ordered = sorted(lines, key=lambda line: line.created_at or "")
        return [line.message for line in ordered if line.message][-LOG_LINES:]

    def listed(self, id_: str, *, max_age: float, not_before: float) -> TaskRow | None:
        """Return the task's row of the shared listing, or None; arguments and errors as for :meth:`look`."""
        not_before = max(not_before, self._last_written)
        listing = self.listing.get(max_age=max_age, not_before=not_before)
        row = listing.rows.get(id_) or self._whole(listing).rows.get(id_)
        return row if row is not None and lookup(row.status).kind is not Kind.GONE else None

    def whole_listing(self, *, max_age: float, not_before: float) -> Listing:
        """Return a listing with as many tasks as its count says.

        A listing can skip rows that move while its pages are read, but another attempt rarely skips the same
        rows. If the count is always higher than the number of rows, the listing is accepted.

        Raises:
            TransportError: each listing has different tasks, and fewer than its count.
            DcsMigrationError: what the service answered.
        """
        return self._whole(self.listing.get(max_age=max_age, not_before=not_before))

    def _whole(self, listing: Listing) -> Listing:
        for _ in range(SHORT_LISTINGS):
            if listing.complete:
                return listing
            self.clock.sleep(SHORT_PAUSE)
            before, listing = listing, self.listing.get(max_age=0.0)
        if listing.complete or (listing.rows.keys() == before.rows.keys() and listing.count == before.count):
            return listing
        raise TransportError(
            "ListMigrationTask",
            f"it reports {listing.count} tasks but shows {len(listing.rows)}, even after "
            f"{SHORT_LISTINGS + 1} attempts",
        )

    def _shown(self, id_: str) -> TaskRow | None:
        try:
            row = self.client.show_migration_task(id_)
        except TaskNotFound:
            return None
        return row if lookup(row.status).kind is not Kind.GONE else None
