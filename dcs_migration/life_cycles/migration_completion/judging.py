"""What a row of the listing, or a missing row, says about a task in a wait, and the final messages of a wait."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from dcs_migration.dcs.errors import DcsMigrationError, TaskError, TaskNotFound, WaitTimeout
from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, worded
from dcs_migration.durations import elapsed
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.names import FULL, INCREMENTAL, ONLINE_MIGRATION

REACHED = (Kind.SUCCESS, Kind.REPLICATING)
"""Enough for a task that was seen before and has no record any more."""
FAILED = (Kind.FAILURE, Kind.STOPPED)

_WHOLE = 100.0  # percent
_IN_A_ROW = 2  # times that a target must be in sync, because one look may hit a pause in the writes


class State(Enum):
    """A task's state in a wait."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class WatchedTask:
    """One task, and its last known data."""

    id: str
    account: Account
    name: str | None = None
    urn: str | None = None
    status: str | None = None
    """The last known status; initially the one in the state."""
    state: State = State.RUNNING
    error: str | None = None
    row: TaskRow | None = None
    asked: float = float("-inf")
    """The time of the last separate call for it."""
    max_lag: float | None = None
    """How many bytes an incremental task can be behind and be done; None if it doesn't matter."""
    to_the_end: bool = False
    """Whether to keep watching an incremental task after it follows its source."""
    lag: float | None = None
    """How many bytes it was behind at the last call."""
    in_sync: int = 0
    """Number of consecutive calls when it wasn't too far behind."""

    @property
    def title(self) -> str:
        """Its name and id, for a message."""
        return f"{self.name} ({self.id})" if self.name else self.id

    @property
    def online(self) -> bool:
        """Whether it copies from a running instance, so that it has statistics."""
        return self.row is not None and self.row.migration_type == ONLINE_MIGRATION


def judge(task: WatchedTask, row: TaskRow | None) -> bool:
    """Update a task; return False if the listing isn't enough (see `ask`)."""
    status = lookup(row.status if row is not None else None)
    if row is None or status.kind is Kind.GONE:
        return False
    task.row, task.name = row, row.name or task.name
    if status.kind is Kind.RELEASED:
        _judge_lost(task, row.status)
        return True
    task.status = row.status
    follows = status.kind is Kind.REPLICATING and row.migration_method != FULL
    if status.kind is Kind.SUCCESS or (follows and task.max_lag is None and not task.to_the_end):
        task.state = State.DONE
    elif status.kind in FAILED:
        task.state, task.error = State.FAILED, row.error
    if task.to_the_end:
        return True
    old_style = status.name == "MIGRATING" and row.migration_method == INCREMENTAL and task.online
    return not old_style and not (follows and task.max_lag is not None)


def ask(task: WatchedTask, row: TaskRow | None, max_age: float) -> None:
    """Ask the service for one task, with one or two calls.

    A missing row may have been skipped, forgotten or deleted, which a second call shows. An old-style incremental
    task remains MIGRATING forever, but its statistics show the phase. The statistics of any incremental task show
    how far it is behind (ShowMigrationTaskStats).

    Args:
        task: A task that `judge` couldn't decide.
        row: Its row, or None.
        max_age: Maximum age of a listing, in seconds.

    Raises:
        DcsMigrationError: what the service answered.
    """
    if row is None or lookup(row.status).kind is Kind.GONE:
        row = task.account.look(task.id, max_age=max_age).row
        if row is None:
            _judge_lost(task, "GONE")
        else:
            judge(task, row)
        return
    try:
        stats = task.account.client.show_migration_task_stats(task.id)
    except TaskNotFound:
        return  # if it has disappeared, the next listing shows that
    whole = stats.full_progress is not None and stats.full_progress >= _WHOLE
    if task.max_lag is None:
        task.state = State.DONE if whole else task.state
        return
    follows = whole or lookup(row.status).kind is Kind.REPLICATING
    task.lag = stats.offset
    near = follows and stats.offset is not None and stats.offset <= task.max_lag
    task.in_sync = task.in_sync + 1 if near else 0
    if task.in_sync >= _IN_A_ROW:
        task.state = State.DONE


def _judge_lost(task: WatchedTask, status: str | None) -> None:
    """Judge a task without a record by what was known before."""
    if lookup(task.status).kind in (REACHED[:1] if task.to_the_end else REACHED):
        task.state = State.DONE
        return
    if task.status:
        why = f"its result is no longer available (last seen: {task.status}); if"
    else:
        why = f"{task.account.region} has no such task, or its record has expired; check the id and the region; if"
    task.error = f"{why} its data is complete, remove it from this completion"
    task.status, task.state = status, State.FAILED


MOST_LINES = 50  # for tasks in an error


def failure(tasks: Sequence[WatchedTask]) -> TaskError:
    """Return the error of a wait with failed tasks; reads their logs (ListMigrationTaskLogs)."""
    running, failed = _in(tasks, State.RUNNING), _in(tasks, State.FAILED)
    still = f", {len(running)} still running" if running else ""
    done = f"{len(_in(tasks, State.DONE))} done{still}"
    return TaskError(
        f"{len(failed)} of {len(tasks)} migrations failed ({done}); all remain in state", *_lines(failed)
    )


def timeout(tasks: Sequence[WatchedTask], seconds: float, trouble: str | None) -> WaitTimeout:
    """Return the error of a wait that took too long, with lines for the tasks that failed meanwhile."""
    running, failed = _in(tasks, State.RUNNING), _in(tasks, State.FAILED)
    why = f" ({trouble})" if trouble else ""
    also = f"; {len(failed)} failed" if failed else ""
    return WaitTimeout(
        f"timed out after {elapsed(seconds)}{why}: {len(running)} of {len(tasks)} migrations still running (not "
        f"stopped): {_named(running)}; run `pulumi up` again to keep waiting, or raise timeout= (and "
        f"custom_timeouts, if set){also}",
        *_lines(failed),
    )


def pointless(error: DcsMigrationError, task: WatchedTask | None = None) -> TaskError:
    """Return the error of a wait that can't succeed, because of one task if it is given."""
    of_task = f"task {task.title}: " if task is not None else ""
    return TaskError(
        f"{of_task}{error}; the wait has ended, and no task was stopped; run `pulumi up` again to keep waiting"
    )


def _in(tasks: Sequence[WatchedTask], state: State) -> list[WatchedTask]:
    return [task for task in tasks if task.state is state]


def _lines(failed: Sequence[WatchedTask]) -> Iterator[str]:
    readable = True
    for task in failed[:MOST_LINES]:
        logged: list[str] = []
        if readable and lookup(task.status).kind in FAILED:
            try:
                logged = task.account.last_errors(task.id)
            except DcsMigrationError:
                readable = False  # the logs are only additional: stop after one refusal
        yield _line(task, logged)
    if len(failed) > MOST_LINES:
        yield f"and {len(failed) - MOST_LINES} more: {_named(failed[MOST_LINES:])}"


def _line(task: WatchedTask, logged: Sequence[str]) -> str:
    said = dict.fromkeys(_shown(text) for text in (task.error or "", *logged) if text)
    why = f": {' | '.join(said)}" if said else ""
    if task.urn:
        again = f"`pulumi up --replace {_quoted(task.urn)}`, or change its triggers"
    else:
        again = "start it again where it was first started"
    return f"{task.title} is {task.status}{why}; to run it again: {again}"


def _shown(text: str) -> str:
    return worded(text, MAX_SERVER_TEXT, scrub)


def _quoted(urn: str) -> str:
    """Quote for a shell, always: the URN of a child contains a dollar sign, and a name can contain anything."""
    return "'" + urn.replace("'", "'\"'\"'") + "'"


def _named(tasks: Sequence[WatchedTask]) -> str:
    names = [f"{task.title} {task.status or 'not seen yet'}{_behind(task)}" for task in tasks[:MOST_LINES]]
    more = len(tasks) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _behind(task: WatchedTask) -> str:
    return f" ({task.lag:.0f} bytes behind)" if task.lag else ""
