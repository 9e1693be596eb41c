"""Delete: stop the task, delete it, and check that it no longer exists. Every step can be repeated."""

from __future__ import annotations

from dcs_migration.dcs.codes import NOT_IN_THIS_STATE
from dcs_migration.dcs.errors import (
    OUTCOME_UNCLEAR,
    ApiError,
    Busy,
    DcsMigrationError,
    NotSent,
    PermissionDenied,
    Throttled,
    WaitTimeout,
)
from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.statuses import lookup
from dcs_migration.life_cycles.account import Account, Evidence, Written
from dcs_migration.life_cycles.batching import Batcher
from dcs_migration.life_cycles.engine import Engine
from dcs_migration.life_cycles.tasks.mark import require_own
from dcs_migration.life_cycles.tasks.props import Props, timeout_of
from dcs_migration.life_cycles.writes import Deadline, delays
from dcs_migration.names import DELETE_TIMEOUT, MARK, URN

# All times in seconds.
PAUSES = (1.5, 2.0, 3.0, 5.0, 10.0)  # between looks; the last one repeats
LOOK_UP_AGE = 10.0  # maximum age of the listing for the first look
SHARED_AGE = 1.0  # maximum age of a listing that waiting deletes share

# After these errors, look at the task to decide the next step: the write had no effect, or its outcome is unclear.
_LOOK_AGAIN = (NotSent, Busy, Throttled, *OUTCOME_UNCLEAR)


def delete_task(account: Account, engine: Engine, id_: str, props: Props, *, replaced: bool = False) -> bool:
    """Stop and delete our task until the service no longer lists it; return whether it was listed at first.

    Args:
        account: Where it lives.
        engine: Who called.
        id_: Its id.
        props: Its properties in the state.
        replaced: Whether another task replaces it.

    Raises:
        TaskError: it has another owner mark than the state.
        WaitTimeout: it didn't end or disappear in time.
        DcsMigrationError: what the service answered.
    """
    return _Deletion(account, engine, id_, props, "the old task" if replaced else "the task").run()


class _Deletion:
    """One delete of one task."""

    def __init__(self, account: Account, engine: Engine, id_: str, props: Props, what: str) -> None:
        """Set up; ``what`` names the task in progress lines."""
        self._account = account
        self._engine = engine
        self._id = id_
        self._urn = props.get(URN)
        self._mark = props.get(MARK)
        self._what = what
        self._deadline = Deadline(account.clock, timeout_of(props, DELETE_TIMEOUT))
        self._wrote = float("-inf")
        self._ran = False  # this delete saw it running
        self._deleted = False
        self._pauses = delays(PAUSES)
        self._trouble: DcsMigrationError | None = None

    def run(self) -> bool:
        """See :func:`delete_task`."""
        stop_sent = refused = False
        row = self._look(LOOK_UP_AGE)
        was_there = row is not None
        if row is not None:
            require_own(self._id, row.description, self._mark)
        while row is not None:
            status = lookup(row.status)
            self._ran = self._ran or not status.ended
            if status.ended or self._deleted or (status.idle and not refused):
                if self._write(self._account.delete):
                    self._deleted = True
                    row = self._confirm()
                    if row is None:
                        break
                else:
                    refused = True
            elif not status.stopping and not stop_sent:
                self._say(f"stopping {self._what} ({row.status})")
                stop_sent = self._write(self._account.stop)
            self._pause(row)
            row = self._look(SHARED_AGE)
        self._account.deleted.add(self._id)
        if stop_sent:
            self._say(f"{self._what} is stopped and deleted")
        return was_there

    def _look(self, max_age: float) -> TaskRow | None:
        seen = self._account.look(self._id, max_age=max_age, not_before=self._wrote)
        if seen.row is None:
            return None
        if self._ran and not self._deleted:
            return seen.row  # it has just ended, and a listing may show that late
        if seen.evidence is Evidence.UNLISTED and lookup(seen.row.status).ended:
            # Show still reports deleted tasks, and a single listing may have skipped a row.
            return self._account.listed(self._id, max_age=0.0, not_before=self._account.clock.monotonic())
        return seen.row

    def _confirm(self) -> TaskRow | None:
        """After our delete was accepted, a listing without the task is enough proof."""
        try:
            return self._account.listed(self._id, max_age=SHARED_AGE, not_before=self._wrote)
        except PermissionDenied:
            return self._look(SHARED_AGE)

    def _pause(self, row: TaskRow) -> None:
        pause = next(self._pauses)
        if not self._deadline.allows(pause):
            why = f" ({self._trouble})" if self._trouble else ""
            raise WaitTimeout(
                f"task {self._id} wasn't deleted within {self._deadline.seconds:.0f} s, and is "
                f"{row.status}{why}; run the command again, or allow more time with "
                'opts=ResourceOptions(custom_timeouts=CustomTimeouts(delete="30m"))'
            )
        self._account.clock.sleep(pause)

    def _write(self, write: Batcher[Written]) -> bool:
        """Make one write; return whether the service accepted it. After a refusal, look at the task and try again."""
        self._engine.require()
        try:
            written = write(self._id)
        except _LOOK_AGAIN as error:
            if isinstance(error, NotSent) and error.permanent:
                raise
            self._trouble = error
        except ApiError as error:
            if error.error_code != NOT_IN_THIS_STATE:
                raise
            self._trouble = error
        else:
            self._wrote, self._trouble = written.moment, written.refusal
            return written.refusal is None
        self._wrote = self._account.clock.monotonic()
        return False

    def _say(self, message: str) -> None:
        self._engine.log("INFO", message, self._urn, ephemeral=True)
