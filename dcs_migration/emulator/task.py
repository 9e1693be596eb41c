"""The record of one migration task, without any password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

MIGRATING = "MIGRATING"
INCREMENTAL = "INCRMIGEATING"  # the service's own spelling
INCREMENTAL_SPELLED_RIGHT = "INCRMIGRATING"
TERMINATING = "TERMINATING"
TERMINATED = "TERMINATED"
SUCCESS = "SUCCESS"
FAILED = "FAILED"
RELEASED = "RELEASED"
DELETED = "DELETED"

FAILURES = frozenset({FAILED, "MIGRATION_FAILED", "ERROR"})
ENDED = frozenset({SUCCESS, "MIGRATION_SUCCESS", TERMINATED, RELEASED, DELETED}) | FAILURES

BACKUP_IMPORT = "backupfile_import"
ONLINE = "online_migration"
FULL = "full_amount_migration"
INCREMENTAL_METHOD = "incremental_migration"

_STATUS = re.compile(r"[A-Z][A-Z_]{0,63}")


def is_status(text: object) -> bool:
    """Tell whether this can be a status; ones that no document knows are allowed on purpose."""
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
class Task:
    """One task. Times are Unix times in seconds.

    ``source`` and ``target`` hold what the request said of the instances, except passwords.
    ``pinned`` means that a control call has set the status, which the engine then leaves alone.
    ``follows`` says whether the full phase is over, also where the status does not tell; None: not known.
    ``statistics`` are numbers by the names of ShowMigrationTaskStats, where real data is moved.
    """

    id: str
    project_id: str
    name: str
    description: str | None
    migration_type: str
    migration_method: str
    network_type: str | None
    backup_files: dict[str, Any] | None
    source: dict[str, Any] | None
    target: dict[str, Any]
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

    @property
    def running(self) -> bool:
        """Whether the task has neither ended nor been deleted."""
        return self.deleted_at is None and self.status not in ENDED

    @property
    def in_step(self) -> bool:
        """Whether the task is in its incremental phase, however that is spelled."""
        return self.status in (INCREMENTAL, INCREMENTAL_SPELLED_RIGHT)

    @property
    def never_ends(self) -> bool:
        """Whether the task follows its source until it is stopped."""
        return self.migration_type == ONLINE and self.migration_method == INCREMENTAL_METHOD

    @property
    def target_id(self) -> str:
        """The id of the target instance."""
        return str(self.target["id"])

    def log(self, at: float, level: str, message: str, code: str) -> None:
        """Append a row to the task's log."""
        self.logs.append(LogRow(at, level, message, code, [self.name]))

    def enter(self, status: str, at: float, error: str | None = None) -> None:
        """Take a new status, and write the log row that belongs to it."""
        self.status = status
        self.error = error
        self.ended_at = at if status in ENDED else None
        if status in FAILURES:
            self.log(at, "ERROR", error or "The migration task failed.", "migration.task.failed")
        elif status in ENDED:
            self.log(at, "INFO", f"The migration task ended: {status}.", "migration.task.ended")
        else:
            self.log(at, "INFO", f"The migration task is {status}.", "migration.task.status")

    def release(self, at: float) -> None:
        """Give up the resources of a task that has ended; its end keeps its time."""
        self.status = RELEASED
        self.log(at, "INFO", "The resources of the migration task were released.", "migration.task.released")

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Task:
        """Return the task of `to_json`'s object; raises TypeError or KeyError when it is not one."""
        fields = dict(record)
        fields["logs"] = [LogRow(**row) for row in fields["logs"]]
        return cls(**fields)


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
        source=_without_password(request.get("source_instance")),
        target=_without_password(request["target_instance"]) or {},
        created_at=now,
    )
    task.log(now, "INFO", "The migration task was created.", "migration.task.created")
    return task


def _without_password(instance: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if instance is None:
        return None
    return {name: value for name, value in instance.items() if name != "password"}
