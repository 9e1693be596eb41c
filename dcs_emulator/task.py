"""The record of one migration task, without any password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

CREATING = "CREATING"
IDLE = "RUNNING"  # the service's status of a task that isn't configured yet
MIGRATING = "MIGRATING"
FULL_PHASE = "FULLMIGRATING"
INCREMENTAL = "INCRMIGEATING"  # the service's own spelling
INCREMENTAL_SPELLED_RIGHT = "INCRMIGRATING"
TERMINATING = "TERMINATING"
TERMINATED = "TERMINATED"
SUCCESS = "SUCCESS"
FAILED = "FAILED"
RELEASED = "RELEASED"
DELETED = "DELETED"

EXCHANGING, EXCHANGED, EXCHANGE_FAILED = "EXCHANGING", "EXCHANGE_SUCCESS", "EXCHANGE_FAILED"
ROLLING_BACK, ROLLED_BACK, ROLLBACK_FAILED = "ROLLBACKING", "ROLLBACK_SUCCESS", "ROLLBACK_FAILED"

FAILURES = frozenset({FAILED, "MIGRATION_FAILED", "ERROR"})
ENDED = frozenset({SUCCESS, "MIGRATION_SUCCESS", TERMINATED, RELEASED, DELETED}) | FAILURES

BACKUP_IMPORT = "backupfile_import"
ONLINE = "online_migration"
FULL = "full_amount_migration"
INCREMENTAL_METHOD = "incremental_migration"

_LATEST = 253_402_300_800  # the end of the year 9999
_STATUS = re.compile(r"[A-Z][A-Z_]{0,63}")


def is_status(text: object) -> bool:
    """Return whether this can be a status; undocumented ones are allowed on purpose."""
    return isinstance(text, str) and _STATUS.fullmatch(text) is not None


@dataclass
class LogRow:
    """One row of a task's log."""

    created_at: float
    level: str
    message: str
    code: str
    keywords: list[str] = field(default_factory=list)


@dataclass
class Change:
    """A status, its time, and the reason if the task failed."""

    at: float
    status: str
    error: str | None = None


@dataclass
class Task:
    """One task. Times are Unix times in seconds.

    ``source`` and ``target`` have the request's data about the instances, except passwords.
    ``pinned`` means that a control call has set the status, which the task engine then leaves alone.
    ``follows`` is whether the full phase is over, even if the status doesn't show it; None if unknown.
    ``statistics`` are numbers with the names of ShowMigrationTaskStats, if real data is moved.
    ``history`` has the statuses after the first one.

    ``network`` is the network of a migration instance; only a task with an instance uses the following fields.
    ``started_at`` is when its current run started, ``resumed`` is whether this run continues the last one.
    ``offset`` is a lag in bytes from a control call. ``runs`` and ``restarts`` count full copies and
    resumed ones, ``exchanges`` and ``rollbacks`` successful calls. ``exchange_since`` is when the
    exchange of addresses in ``task_status`` started.
    """

    id: str
    project_id: str
    name: str
    description: str | None
    migration_type: str
    migration_method: str | None
    network_type: str | None
    backup_files: dict[str, Any] | None
    source: dict[str, Any] | None
    target: dict[str, Any] | None
    created_at: float
    resume_mode: str = "auto"
    status: str = MIGRATING
    pinned: bool = False
    follows: bool | None = None
    stopping_since: float | None = None
    ended_at: float | None = None
    deleted_at: float | None = None
    error: str | None = None
    logs: list[LogRow] = field(default_factory=list)
    statistics: dict[str, Any] | None = None
    history: list[Change] = field(default_factory=list)
    network: dict[str, str] | None = None
    job_id: str | None = None
    job_ended_at: float | None = None
    made: bool = False
    bandwidth_limit_mb: str | None = None
    started_at: float | None = None
    resumed: bool = False
    offset: int | None = None
    runs: int = 0
    restarts: int = 0
    exchanges: int = 0
    rollbacks: int = 0
    task_status: str | None = None
    exchange_since: float | None = None

    @property
    def running(self) -> bool:
        """Whether the task has neither ended nor been deleted."""
        return self.deleted_at is None and self.status not in ENDED

    @property
    def unconfigured(self) -> bool:
        """Whether its migration instance is being created or isn't configured yet."""
        return self.status in (CREATING, IDLE) and self.network is not None

    @property
    def migrating(self) -> bool:
        """Whether it was configured and isn't ending or ended."""
        return self.running and not self.unconfigured and self.status != TERMINATING and not self.exchanging

    @property
    def full_phase(self) -> str:
        """The service's status during the full copy."""
        return MIGRATING if self.network is None else FULL_PHASE

    @property
    def run_began_at(self) -> float:
        """When its current run started."""
        return self.created_at if self.started_at is None else self.started_at

    @property
    def in_sync(self) -> bool:
        """Whether the task is in its incremental phase, in any spelling."""
        return self.status in (INCREMENTAL, INCREMENTAL_SPELLED_RIGHT)

    @property
    def incremental(self) -> bool:
        """Whether the task follows its source until it is stopped."""
        return self.migration_type == ONLINE and self.migration_method == INCREMENTAL_METHOD

    @property
    def target_id(self) -> str:
        """The id of the target instance; empty if there is none."""
        return str((self.target or {}).get("id") or "")

    @property
    def addresses_exchanged(self) -> bool:
        """Whether the addresses of source and target are swapped."""
        return self.task_status in (EXCHANGED, ROLLING_BACK, ROLLBACK_FAILED)

    @property
    def exchanging(self) -> bool:
        """Whether an exchange of addresses is in progress."""
        return self.task_status in (EXCHANGING, ROLLING_BACK)

    def log(self, at: float, level: str, message: str, code: str) -> None:
        """Append a row to the task's log."""
        self.logs.append(LogRow(at, level, message, code, [self.name]))

    def enter(self, status: str, at: float, error: str | None = None) -> None:
        """Set a new status, and write its log row."""
        self.status = status
        self.error = error
        self.ended_at = at if status in ENDED else None
        self.history.append(Change(at, status, error))
        if status in FAILURES:
            self.log(at, "ERROR", error or "The migration task failed.", "migration.task.failed")
        elif status in ENDED:
            self.log(at, "INFO", f"The migration task ended: {status}.", "migration.task.ended")
        else:
            self.log(at, "INFO", f"The migration task is {status}.", "migration.task.status")

    def release(self, at: float) -> None:
        """Release the resources of an ended task; the time of its end doesn't change."""
        self.status = RELEASED
        self.history.append(Change(at, RELEASED))
        self.log(at, "INFO", "The resources of the migration task were released.", "migration.task.released")

    def as_of(self, at: float) -> Task:
        """Return the task with its status at an earlier time."""
        if not self.history or self.history[-1].at <= at:
            return self
        first = Change(self.created_at, MIGRATING if self.network is None else CREATING)
        then = next((change for change in reversed(self.history) if change.at <= at), first)
        return replace(self, status=then.status, error=then.error)

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Task:
        """Return the task of `to_json`'s object; raises TypeError or KeyError when it isn't one."""
        fields = dict(record)
        fields["logs"] = [LogRow(**row) for row in fields["logs"]]
        fields["history"] = [Change(**change) for change in fields.get("history", ())]
        task = cls(**fields)
        for part in (task, *task.logs, *task.history):
            _check_types(part)
        return task


_TYPES: dict[type, dict[str, Any]] = {kind: get_type_hints(kind) for kind in (Task, LogRow, Change)}


def _check_types(record: object) -> None:
    """Raise `TypeError` if a field of a dataclass has a wrong type."""
    for name, wanted in _TYPES[type(record)].items():
        value = getattr(record, name)
        kinds = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
        if not any(_fits(value, kind) for kind in kinds):
            raise TypeError(f"{name} is a {type(value).__name__}")


def _fits(value: Any, wanted: Any) -> bool:
    kind = get_origin(wanted) or wanted
    if kind is float:
        return type(value) in (int, float) and abs(value) < _LATEST
    return type(value) is kind


def new_task(task_id: str, project_id: str, request: Mapping[str, Any], now: float) -> Task:
    """Return the record of a valid creation request."""
    task = Task(
        id=task_id,
        project_id=project_id,
        name=request["task_name"],
        description=request.get("description"),
        migration_type=request["migration_type"],
        migration_method=request["migration_method"],
        network_type=request.get("network_type"),
        backup_files=request.get("backup_files"),
        source=without_password(request.get("source_instance")),
        target=without_password(request["target_instance"]),
        created_at=now,
    )
    task.log(now, "INFO", "The migration task was created.", "migration.task.created")
    return task


def new_online_task(
    task_id: str, job_id: str, project_id: str, request: Mapping[str, Any], now: float
) -> Task:
    """Return the record of a valid request for a migration instance, which isn't configured yet."""
    task = Task(
        id=task_id,
        project_id=project_id,
        name=request["name"],
        description=request.get("description"),
        migration_type=ONLINE,
        migration_method=None,
        network_type=None,
        backup_files=None,
        source=None,
        target=None,
        created_at=now,
        status=CREATING,
        job_id=job_id,
        network={name: request[name] for name in ("vpc_id", "subnet_id", "security_group_id")},
    )
    task.log(now, "INFO", "The migration instance is being created.", "migration.instance.creating")
    return task


def without_password(instance: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a request's data about an instance, without its password."""
    if instance is None:
        return None
    return {name: value for name, value in instance.items() if name != "password" and value is not None}
