"""The wait: one poll for all tasks; each is watched until it is done, has failed, or the time is over."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dcs_migration.clock import Clock
from dcs_migration.dcs.errors import (
    DcsMigrationError,
    EngineGone,
    TaskError,
    Throttled,
)
from dcs_migration.dcs.statuses import lookup
from dcs_migration.durations import elapsed
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.listing import Listing
from dcs_migration.life_cycles.migration_completion import judging
from dcs_migration.life_cycles.migration_completion.judging import State, WatchedTask, ask, judge
from dcs_migration.life_cycles.migration_completion.progress import Shows, Snapshot

# All times in seconds.
LONGEST_OUTAGE = 600.0  # after this time without an answer, the wait ends
WIDEST_INTERVAL = 300.0
_SHARED = 0.95  # a listing that another wait fetched almost an interval ago is fetched again


@dataclass(frozen=True)
class Poll:
    """The result of a poll: a listing (possibly an older one), and the problem, if any."""

    listing: Listing | None
    trouble: str | None = None


class Poller:
    """Polls an account for every wait of the process; thread-safe.

    Throttling makes the interval longer. A temporary failure (5xx, no connection, no usable answer) can last up to
    ten minutes; any other error is permanent.
    """

    def __init__(self, account: Account) -> None:
        """Set up with an account without retries, because the poller itself retries."""
        self._account = account
        self._clock = account.clock
        self._lock = threading.Lock()
        self._last = Poll(None)
        self._not_before = float("-inf")
        self._outage: tuple[float, float] | None = None  # its first and last failure
        self._widened = 1.0

    def poll(self, interval: float) -> Poll:
        """Return the current state of the account, at most one interval old.

        Raises:
            DcsMigrationError: there is a permanent error, or an outage has lasted too long.
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
        """Return the clock's time when a poll will have something new."""
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
            since = now  # the last poll was so long ago that this is a new outage
        self._outage = since, now
        if now - since > LONGEST_OUTAGE:
            raise TaskError(f"no valid response for {elapsed(now - since)}: {error}")
        self._not_before = now + interval
        self._last = Poll(
            self._last.listing, f"polling has failed for {elapsed(now - since)}, retrying: {error}"
        )


ENGINE_EVERY = 2.0  # seconds; how often a wait checks that Pulumi is still running
ENGINE_MISSES = 2  # in a row: during hours of waiting, a busy machine may answer late once
MOST_ASKED = 20  # tasks that one poll gets separately; the others follow in the next poll


class Wait:
    """One wait of one completion."""

    def __init__(
        self,
        tasks: Sequence[WatchedTask],
        poller_of: Callable[[Account], Poller],
        engine: Engine,
        clock: Clock,
        progress: Shows,
        *,
        timeout: float,
        interval: float,
        fail_fast: bool,
    ) -> None:
        """Set up; times in seconds."""
        self._tasks = tasks
        self._pollers = {task.account: poller_of(task.account) for task in tasks}
        self._engine = engine
        self._misses = 0
        self._clock = clock
        self._progress = progress
        self._timeout = timeout
        self._interval = interval
        self._fail_fast = fail_fast
        self._started = clock.monotonic()

    def run(self) -> dict[str, str]:
        """Return the status of each task when all are done.

        Raises:
            TaskError: tasks failed; there is one line for each.
            WaitTimeout: some are still running.
            DcsMigrationError: the wait can't succeed; no task was changed.
        """
        while True:
            trouble = self._look()
            self._progress.show(self._snapshot(trouble))
            running = self._in(State.RUNNING)
            failed = self._in(State.FAILED)
            if failed and (self._fail_fast or not running):
                raise judging.failure(self._tasks)
            if not running:
                return {task.id: task.status or "" for task in self._tasks}
            if self._clock.monotonic() >= self._started + self._timeout:
                raise judging.timeout(self._tasks, self._timeout, trouble)
            self._pause(running)

    def _in(self, state: State) -> list[WatchedTask]:
        return [task for task in self._tasks if task.state is state]

    def _look(self) -> str | None:
        """Update every running task; return the problem of the polls, if any."""
        troubles = []
        for account, poller in self._pollers.items():
            unfinished = [task for task in self._in(State.RUNNING) if task.account is account]
            if not unfinished:
                continue
            try:
                poll = poller.poll(self._interval)
            except DcsMigrationError as error:
                raise judging.pointless(error) from None
            trouble = poll.trouble
            if trouble is None and poll.listing is not None:
                trouble = self._judge_all(unfinished, poll.listing)
            if trouble is not None:
                troubles.append(trouble)
        return "; ".join(troubles) or None

    def _judge_all(self, unfinished: Sequence[WatchedTask], listing: Listing) -> str | None:
        """Judge tasks by a listing; return a temporary problem with the additional calls for some of them."""
        unclear = [task for task in unfinished if not judge(task, listing.rows.get(task.id))]
        for task in sorted(unclear, key=lambda task: task.asked)[:MOST_ASKED]:
            task.asked = self._clock.monotonic()
            try:
                ask(task, listing.rows.get(task.id), self._interval)
            except DcsMigrationError as error:
                if error.may_pass:
                    return str(error)
                raise judging.pointless(error, task) from None
        return None

    def _pause(self, running: Sequence[WatchedTask]) -> None:
        """Sleep until the next poll or the end, in short steps: the wait ends when Pulumi has ended."""
        wake = min(
            self._started + self._timeout,
            *(self._pollers[account].next_poll(self._interval) for account in {t.account for t in running}),
        )
        self._require_engine()
        while (left := wake - self._clock.monotonic()) > 0:
            self._clock.sleep(min(ENGINE_EVERY, left))
            self._require_engine()

    def _require_engine(self) -> None:
        try:
            self._engine.require()
        except EngineGone:
            self._misses += 1
            if self._misses < ENGINE_MISSES:
                return
            for account in self._pollers:
                account.client.transport.close()
            raise
        self._misses = 0

    def _snapshot(self, trouble: str | None) -> Snapshot:
        counts = Counter(task.state for task in self._tasks)
        running = self._in(State.RUNNING)
        return Snapshot(
            done=counts[State.DONE],
            running=counts[State.RUNNING],
            failed=counts[State.FAILED],
            seconds=self._clock.monotonic() - self._started,
            unknown=tuple(
                sorted({task.status for task in running if task.status and not lookup(task.status).known})
            ),
            trouble=trouble,
            online=tuple((task.title, task.id, task.account) for task in running if task.online),
        )
