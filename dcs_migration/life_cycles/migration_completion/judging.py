"""What a row of the listing, or its absence, says of a task that is waited for, and the texts with which a wait ends."""

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
"""What is enough of a task that was seen before and tells nothing more."""
FAILED = (Kind.FAILURE, Kind.STOPPED)

_WHOLE = 100.0  # percent
_IN_A_ROW = 2  # times that a target must have been in sync: one look may fall into a pause of the writes


class State(Enum):
    """What a task is to a wait."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Watched:
    """One task, and the last that is known of it."""

    id: str
    account: Account
    name: str | None = None
    urn: str | None = None
    status: str | None = None
    """The last known status; at first the one in state."""
    state: State = State.RUNNING
    error: str | None = None
    row: TaskRow | None = None
    asked: float = float("-inf")
    """The moment when it was last asked for by itself."""
    max_lag: float | None = None
    """How many bytes an incremental one may be behind to be done; None where that is no matter."""
    to_the_end: bool = False
    """Whether an incremental one goes on being watched once it follows its source."""
    lag: float | None = None
    """How many bytes it was behind when it was last asked for."""
    in_sync: int = 0
    """How often in a row it was not too far behind."""

    @property
    def title(self) -> str:
        """Name and id, for a message."""
        return f"{self.name} ({self.id})" if self.name else self.id

    @property
    def online(self) -> bool:
        """Whether it copies from a running instance, so that it has statistics."""
        return self.row is not None and self.row.migration_type == ONLINE_MIGRATION


def judge(task: Watched, row: TaskRow | None) -> bool:
    """Bring a task up to date; return False where the listing does not tell enough (see `ask`)."""
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


def ask(task: Watched, row: TaskRow | None, max_age: float) -> None:
    """Ask the service for one task by itself, a call or two.

    A row that is missing may have been passed over, forgotten or deleted: a second witness tells. An
    old-style incremental task stays MIGRATING for ever: its statistics tell the phase, and those of any
    incremental task how far it is behind (ShowMigrationTaskStats).

    Args:
        task: A task that `judge` left open.
        row: Its row, or None.
        max_age: Age in seconds of a listing that will do.

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
        return  # if it has vanished, the next listing shows that
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


def _judge_lost(task: Watched, status: str | None) -> None:
    """The record tells nothing more: what was known before decides."""
    if lookup(task.status).kind in (REACHED[:1] if task.to_the_end else REACHED):
        task.state = State.DONE
        return
    if task.status:
        why = f"its result is no longer available (last seen: {task.status}); if"
    else:
        why = f"{task.account.region} has no such task, or no longer; check the id and the region; if"
    task.error = f"{why} its data is complete, remove it from this completion"
    task.status, task.state = status, State.FAILED


MOST_LINES = 50  # of tasks that are named in an error


def failure(tasks: Sequence[Watched]) -> TaskError:
    """Word the end of a wait of whose tasks some failed; reads their logs (ListMigrationTaskLogs)."""
    running, failed = _in(tasks, State.RUNNING), _in(tasks, State.FAILED)
    still = f", {len(running)} still running" if running else ""
    done = f"{len(_in(tasks, State.DONE))} done{still}"
    return TaskError(
        f"{len(failed)} of {len(tasks)} migrations failed ({done}); all remain in state", *_lines(failed)
    )


def timeout(tasks: Sequence[Watched], seconds: float, trouble: str | None) -> WaitTimeout:
    """Word the end of a wait that took too long; those that failed meanwhile have their lines, too."""
    running, failed = _in(tasks, State.RUNNING), _in(tasks, State.FAILED)
    why = f" ({trouble})" if trouble else ""
    also = f"; {len(failed)} failed" if failed else ""
    return WaitTimeout(
        f"timed out after {elapsed(seconds)}{why}: {len(running)} of {len(tasks)} migrations still running (not "
        f"stopped): {_named(running)}; run `pulumi up` again to keep waiting, or raise timeout= (and "
        f"custom_timeouts, if set){also}",
        *_lines(failed),
    )


def pointless(error: DcsMigrationError) -> TaskError:
    """Word the end of a wait that waiting on would not help."""
    return TaskError(
        f"{error}; the wait has ended, and no task was stopped; run `pulumi up` again to keep waiting"
    )


def _in(tasks: Sequence[Watched], state: State) -> list[Watched]:
    return [task for task in tasks if task.state is state]


def _lines(failed: Sequence[Watched]) -> Iterator[str]:
    readable = True
    for task in failed[:MOST_LINES]:
        logged: list[str] = []
        if readable and lookup(task.status).kind in FAILED:
            try:
                logged = task.account.last_errors(task.id)
            except DcsMigrationError:
                readable = False  # the logs only add to what is known: one refusal is enough
        yield _line(task, logged)
    if len(failed) > MOST_LINES:
        yield f"and {len(failed) - MOST_LINES} more: {_named(failed[MOST_LINES:])}"


def _line(task: Watched, logged: Sequence[str]) -> str:
    said = dict.fromkeys(_shown(text) for text in (task.error or "", *logged) if text)
    why = f": {' | '.join(said)}" if said else ""
    if task.urn:
        again = f"`pulumi up --replace {_quoted(task.urn)}`, or change its triggers"
    else:
        again = "start it again where it was started first"
    return f"{task.title} is {task.status}{why}; to run it again: {again}"


def _shown(text: str) -> str:
    return worded(text, MAX_SERVER_TEXT, scrub)


def _quoted(urn: str) -> str:
    """Quote for a shell, always: a URN of a child holds a dollar sign, and a name may hold anything."""
    return "'" + urn.replace("'", "'\"'\"'") + "'"


def _named(tasks: Sequence[Watched]) -> str:
    names = [f"{task.title} {task.status or 'not seen yet'}{_behind(task)}" for task in tasks[:MOST_LINES]]
    more = len(tasks) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def _behind(task: Watched) -> str:
    return f" ({task.lag:.0f} bytes behind)" if task.lag else ""
