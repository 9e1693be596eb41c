"""The service's answers as plain data, limited to the necessary fields; missing and mistyped fields are allowed.

Passwords, and the instance objects that may contain them, are never kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Backup:
    """Where the data of a backup import comes from; fields that don't apply are None (or empty)."""

    file_source: str | None
    bucket_name: str | None
    file_names: tuple[str, ...]
    backup_id: str | None


@dataclass(frozen=True)
class TaskRow:
    """One migration task; times are the service's strings (in several formats).

    backup and vpc_id: only from ShowMigrationTask; data_source and error: only from ListMigrationTask (error mostly).
    vpc_id: the network of its migration instance; only a task with such an instance has one.
    """

    id: str
    name: str | None = None
    status: str | None = None
    description: str | None = None
    migration_type: str | None = None
    migration_method: str | None = None
    target_instance_id: str | None = None
    target_instance_name: str | None = None
    target_instance_addrs: str | None = None
    data_source: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    released_at: str | None = None
    error: str | None = None
    backup: Backup | None = None
    vpc_id: str | None = None


@dataclass(frozen=True)
class Created:
    """The answer of a create call; `error` is set if the service accepted the call but refused the task.

    job_id: of the job that creates a migration instance, if the service returned one.
    """

    id: str
    name: str | None
    status: str | None
    error: str | None
    job_id: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of the listing; `count` is the service's number of all tasks, or possibly of this page."""

    rows: list[TaskRow]
    count: int


@dataclass(frozen=True)
class Stats:
    """The progress of an online task; a number that the service doesn't return is None.

    full_progress: of the full phase, in percent; offset: how many bytes the target is behind.
    """

    full_progress: float | None = None
    offset: float | None = None


@dataclass(frozen=True)
class LogLine:
    """One line of the log of a task."""

    created_at: str | None
    level: str | None
    message: str | None
    code: str | None


class Malformed(ValueError):
    """An answer doesn't have the API's format; the message says where."""


def text(value: Any) -> str | None:
    """Return a string or a number as a string; None for anything else and for the empty string."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def fields(value: Any) -> dict[str, Any]:
    """Return an object unchanged, and an empty object for anything else."""
    return value if isinstance(value, dict) else {}


def addresses(text: str | None) -> set[str]:
    """Return the addresses of ``host:port[,host:port...]``."""
    return {part.strip() for part in text.split(",") if part.strip()} if text else set()


def task_id_of(answer: dict[str, Any]) -> str | None:
    """Return the id of a task object, which is `id` in some calls and `task_id` in others; else None."""
    for key in ("task_id", "id"):
        value = answer.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def parse_task(answer: Any, task_id: str | None = None) -> TaskRow:
    """Read a row of the listing, or the answer of Show for `task_id`. Raises Malformed."""
    row = fields(answer)
    found = task_id_of(row)
    if found is None and (task_id is None or text(row.get("status")) is None):
        raise Malformed("a task without an id")
    if task_id is not None and found not in (None, task_id):
        raise Malformed("a task with a different id")
    target = fields(row.get("target_instance"))
    return TaskRow(
        id=found or task_id or "",
        name=text(row.get("task_name")) or text(row.get("name")),
        status=text(row.get("status")),
        description=text(row.get("description")),
        migration_type=text(row.get("migration_type")) or text(row.get("migrate_type")),
        migration_method=text(row.get("migration_method")),
        target_instance_id=text(row.get("target_instance_id")) or text(target.get("id")),
        target_instance_name=text(row.get("target_instance_name")) or text(target.get("name")),
        target_instance_addrs=text(row.get("target_instance_addrs")) or text(target.get("addrs")),
        data_source=text(row.get("data_source")),
        created_at=text(row.get("created_at")),
        updated_at=text(row.get("updated_at")),
        released_at=text(row.get("released_at")),
        error=text(row.get("error_message")) or text(row.get("error")),
        backup=_parse_backup(row.get("backup_files")),
        vpc_id=text(row.get("tenant_vpc_id")),
    )


def _parse_backup(answer: Any) -> Backup | None:
    if not isinstance(answer, dict):
        return None
    files = answer.get("files")
    names = [text(fields(file).get("file_name")) for file in files] if isinstance(files, list) else []
    return Backup(
        file_source=text(answer.get("file_source")),
        bucket_name=text(answer.get("bucket_name")),
        file_names=tuple(name for name in names if name),
        backup_id=text(answer.get("backup_id")) or text(fields(answer.get("backup_record")).get("backup_id")),
    )


def parse_page(answer: dict[str, Any]) -> Page:
    """Read a page of the listing. Raises Malformed: only well-formed pages prove that a task doesn't exist."""
    count = _count(answer.get("count"))
    rows = answer.get("migration_tasks")
    if rows is None and count == 0 and "migration_tasks" in answer:
        rows = []
    if not isinstance(rows, list):
        raise Malformed("no list of tasks")
    return Page(rows=[parse_task(row) for row in rows], count=count)


def _count(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Malformed("no count of tasks")
    return value


def parse_stats(answer: dict[str, Any]) -> Stats:
    """Read the statistics, which are strings in the API's description and numbers in its examples."""
    return Stats(_number(answer.get("full_migration_progress")), _number(answer.get("offset")))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value[:40].strip().rstrip("%") if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def parse_log_line(answer: Any) -> LogLine:
    """Read one line of a log."""
    row = fields(answer)
    return LogLine(
        created_at=text(row.get("created_at")),
        level=text(row.get("log_level")),
        message=text(row.get("message")),
        code=text(row.get("log_code")),
    )


# Online migrations on a migration instance.

JOB_SUCCEEDED, JOB_FAILED = "SUCCESS", "FAIL"

EXCHANGED = "EXCHANGE_SUCCESS"
ROLLED_BACK = "ROLLBACK_SUCCESS"


@dataclass(frozen=True)
class Side:
    """The source or the target as the service reports it; missing values are None."""

    id: str | None = None
    addrs: str | None = None


@dataclass(frozen=True)
class Online:
    """One online migration (ShowMigrationTask); missing values are None.

    task_status: the status of an exchange of addresses (such as EXCHANGING, EXCHANGE_SUCCESS or ROLLBACK_SUCCESS).
    bandwidth_limit_mb: a number as text, because the API uses both.
    """

    id: str
    status: str | None
    task_status: str | None
    migration_method: str | None
    resume_mode: str | None
    bandwidth_limit_mb: str | None
    source: Side
    target: Side
    vpc_id: str | None = None
    subnet_id: str | None = None
    security_group_id: str | None = None


def parse_online(answer: dict[str, Any], task_id: str) -> Online:
    """Read what Show reports about a task. Raises Malformed."""
    found = task_id_of(answer)
    if found not in (None, task_id):
        raise Malformed("a task with a different id")
    if found is None and text(answer.get("status")) is None:
        raise Malformed("a task without an id")
    return Online(
        id=task_id,
        status=text(answer.get("status")),
        task_status=text(answer.get("task_status")),
        migration_method=text(answer.get("migration_method")),
        resume_mode=text(answer.get("resume_mode")),
        bandwidth_limit_mb=text(answer.get("bandwidth_limit_mb")),
        source=_side(answer.get("source_instance")),
        target=_side(answer.get("target_instance")),
        vpc_id=text(answer.get("tenant_vpc_id")),
        subnet_id=text(answer.get("tenant_subnet_id")),
        security_group_id=text(answer.get("tenant_security_group_id")),
    )


def _side(answer: Any) -> Side:
    instance = fields(answer)
    return Side(text(instance.get("id")), text(instance.get("addrs")))
