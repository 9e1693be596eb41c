"""The table of task statuses: the only place that defines what a status means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache


class Kind(str, Enum):
    """What a status means for a wait."""

    RUNNING = "running"
    REPLICATING = "replicating"
    SUCCESS = "success"
    FAILURE = "failure"
    STOPPED = "stopped"
    GONE = "gone"
    RELEASED = "released"


@dataclass(frozen=True)
class Status:
    """One status of a migration task.

    name: as the service spells it; kind: what it means; ended: the task can be deleted without a stop;
    idle: nothing has started that could be stopped; stopping: a stop was accepted and is in progress;
    known: False for a status that isn't in the table.
    """

    name: str
    kind: Kind
    ended: bool = False
    idle: bool = False
    stopping: bool = False
    known: bool = True


_ALL = (
    Status("CREATING", Kind.RUNNING),
    Status("RUNNING", Kind.RUNNING, idle=True),  # an online task that isn't configured yet
    Status("MIGRATING", Kind.RUNNING),
    Status("FULLMIGRATING", Kind.RUNNING),
    Status("INCRMIGEATING", Kind.REPLICATING),  # the service's real spelling
    Status("INCRMIGRATING", Kind.REPLICATING),  # the spelling of its documentation
    Status("TERMINATING", Kind.RUNNING, stopping=True),
    Status("TERMINATED", Kind.STOPPED, ended=True),
    Status("SUCCESS", Kind.SUCCESS, ended=True),
    Status("MIGRATION_SUCCESS", Kind.SUCCESS, ended=True),
    Status("FAILED", Kind.FAILURE, ended=True),
    Status("MIGRATION_FAILED", Kind.FAILURE, ended=True),
    Status("ERROR", Kind.FAILURE, ended=True),
    Status("RELEASED", Kind.RELEASED, ended=True),
    Status("DELETED", Kind.GONE, ended=True),
    # Not from the service: written into the state if the record no longer exists.
    Status("GONE", Kind.GONE, ended=True),
)

STATUSES: dict[str, Status] = {status.name: status for status in _ALL}


@lru_cache(maxsize=256)
def lookup(status: str | None) -> Status:
    """Return what a status means; one that isn't in the table (or None) counts as still running."""
    name = (status or "").strip()
    return STATUSES.get(name.upper()) or Status(name, Kind.RUNNING, known=False)
