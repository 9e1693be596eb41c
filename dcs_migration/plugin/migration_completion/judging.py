"""What a row of the listing, or its absence, says of a task that is waited for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dcs_migration.dcs.errors import TaskNotFound
from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.plugin.account import Account

REACHED = (Kind.SUCCESS, Kind.STEADY)
"""What is enough of a task that was seen before and tells nothing more."""
FAILED = (Kind.FAILURE, Kind.STOPPED)

_FULL = "full_amount_migration"
_INCREMENTAL = "incremental_migration"
_ONLINE = "online_migration"
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
        return self.row is not None and self.row.migration_type == _ONLINE


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
    follows = status.kind is Kind.STEADY and row.migration_method != _FULL
    if status.kind is Kind.SUCCESS or (follows and task.max_lag is None):
        task.state = State.DONE
    elif status.kind in FAILED:
        task.state, task.error = State.FAILED, row.error
    old_style = status.name == "MIGRATING" and row.migration_method == _INCREMENTAL and task.online
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
    follows = whole or lookup(row.status).kind is Kind.STEADY
    task.lag = stats.offset
    near = follows and stats.offset is not None and stats.offset <= task.max_lag
    task.in_sync = task.in_sync + 1 if near else 0
    if task.in_sync >= _IN_A_ROW:
        task.state = State.DONE


def _judge_lost(task: Watched, status: str | None) -> None:
    """The record tells nothing more: what was known before decides."""
    if lookup(task.status).kind in REACHED:
        task.state = State.DONE
        return
    if task.status:
        why = f"the service no longer tells how it ended (last seen: {task.status}); if"
    else:
        why = f"the service knows no such task in {task.account.region}, or has forgotten it; check the id and the region, or if"
    task.error = f"{why} its data is complete, take it out of this completion"
    task.status, task.state = status, State.FAILED
