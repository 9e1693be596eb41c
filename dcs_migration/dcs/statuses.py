"""The one table of task statuses; everything that asks what a status means asks here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """What a status means to someone who waits."""

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

    name: as the service spells it; kind: what it means; ended: the task can be deleted without a stop first;
    idle: nothing has started yet that could be stopped; stopping: a stop was accepted and is under way;
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
    Status("RUNNING", Kind.RUNNING, idle=True),  # an online task that waits to be configured
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
    Status("GONE", Kind.GONE, ended=True),  # our own word, written into state when a record has vanished
)

STATUSES: dict[str, Status] = {status.name: status for status in _ALL}


def lookup(status: str | None) -> Status:
    """Return what a status means; one that isn't in the table (or None) counts as still running."""
    name = (status or "").strip()
    return STATUSES.get(name.upper()) or Status(name, Kind.RUNNING, known=False)
