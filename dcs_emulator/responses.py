"""Tasks in the service's form: list rows, Show bodies, log rows, statistics."""

from __future__ import annotations

import hashlib
import html
from datetime import datetime, timezone
from typing import Any

from dcs_emulator.instances import filled_in, place_of
from dcs_emulator.quirks import QuirkSet
from dcs_emulator.store import Secrets
from dcs_emulator.task import CREATING, DELETED, ENDED, RELEASED, SUCCESS, TERMINATING, LogRow, Task
from dcs_emulator.validation import BACKUP_RECORD, OBS

VERSION = "3.0"
NETWORK = ("vpc_id", "subnet_id", "security_group_id")
_NO_STATISTICS = dict.fromkeys(
    (
        "full_migration_progress",
        "offset",
        "source_dbsize",
        "target_dbsize",
        "target_input_kbps",
        "target_ops",
    ),
    0,
)


def timestamp(at: float | None) -> str | None:
    """Format a Unix time like the service: ISO 8601, milliseconds, UTC."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shown_status(task: Task, quirks: QuirkSet) -> str:
    """Return the status in Show, including that of a recently deleted task."""
    if task.deleted_at is None:
        return task.status
    return SUCCESS if "deleted-shows-success" in quirks else DELETED


def list_row(task: Task, quirks: QuirkSet) -> dict[str, Any]:
    """Return the task as a row of ListMigrationTask."""
    source, target = (_instance_in_row(instance, quirks) for instance in (task.source, task.target))
    return {
        "task_id": task.id,
        "task_name": task.name,
        "status": task.status,
        "migration_type": task.migration_type,
        "migration_method": task.migration_method,
        "ecs_tenant_private_ip": _private_ip(task),
        "data_source": _data_source(task, source),
        **{f"source_instance_{name}": value for name, value in source.items() if name != "addrs"},
        **{f"target_instance_{name}": value for name, value in target.items()},
        "created_at": timestamp(task.created_at),
        "description": _description(task, quirks),
        "error_message": task.error,
        "released_at": _released_at(task),
        "version": VERSION,
        "resume_mode": task.resume_mode,
        "supported_features": [],
    }


def show_body(task: Task, quirks: QuirkSet, passwords: Secrets) -> dict[str, Any]:
    """Return the task as the body of ShowMigrationTask."""
    return {
        "task_id": task.id,
        "task_name": task.name,
        "description": _description(task, quirks),
        "status": shown_status(task, quirks),
        "migration_type": task.migration_type,
        "migration_method": task.migration_method,
        "ecs_tenant_private_ip": _private_ip(task),
        "backup_files": _backup_files(task),
        "network_type": _network_type(task),
        "source_instance": _instance(task.source, "source", quirks, passwords),
        "target_instance": _instance(task.target, "target", quirks, passwords),
        "created_at": timestamp(task.created_at),
        "updated_at": timestamp(task.ended_at),
        "released_at": _released_at(task),
        "version": VERSION,
        "resume_mode": task.resume_mode,
        "supported_features": [],
        **{f"tenant_{name}": (task.network or {}).get(name) for name in NETWORK},
        "bandwidth_limit_mb": task.bandwidth_limit_mb,
        "task_status": task.task_status,
    }


def log_row(row: LogRow) -> dict[str, Any]:
    """Return a row of ListMigrationTaskLogs."""
    return {
        "created_at": timestamp(row.created_at),
        "log_level": row.level,
        "message": row.message,
        "log_code": row.code,
        "keyword": row.keywords,
    }


def stats_body(task: Task, quirks: QuirkSet) -> dict[str, Any]:
    """Return the progress of a task as the body of ShowMigrationTaskStats."""
    numbers = _statistics(task)
    if "stats-as-numbers" in quirks:
        return numbers
    return {name: value if isinstance(value, bool) else str(value) for name, value in numbers.items()}


def _statistics(task: Task) -> dict[str, Any]:
    """Return the numbers of the real data, or numbers for the status: half or all of the data."""
    moving = task.status not in ENDED and task.status != TERMINATING
    if task.statistics is not None:
        idle = {} if moving else {"target_input_kbps": 0, "target_ops": 0}
        return {**_NO_STATISTICS, **task.statistics, **idle, "is_migrating": moving}
    if task.unconfigured:
        return {**_NO_STATISTICS, "is_migrating": False}
    follows = task.incremental if task.follows is None else task.follows
    copied = task.status == SUCCESS or (moving and (task.status != task.full_phase or follows))
    keys = 1_000
    return {
        "full_migration_progress": 100 if copied else 50,
        "offset": task.offset if task.offset is not None else 0 if copied else 4_096,
        "source_dbsize": keys,
        "target_dbsize": keys if copied else keys // 2,
        "target_input_kbps": 12.5 if moving else 0,
        "target_ops": 250 if moving else 0,
        "is_migrating": moving,
    }


def unsorted_key(task: Task) -> str:
    """Return a stable sort key that doesn't depend on time."""
    return hashlib.sha256(task.id.encode()).hexdigest()


def job_body(task: Task) -> dict[str, Any]:
    """Return the job that creates a task's migration instance."""
    status = "RUNNING" if task.job_ended_at is None else "SUCCESS" if task.made else "FAIL"
    return {
        "job_id": task.job_id,
        "job_type": "create_migration_instance",
        "status": status,
        "begin_time": timestamp(task.created_at),
        "end_time": timestamp(task.job_ended_at),
        "fail_reason": task.error if status == "FAIL" else None,
    }


def _description(task: Task, quirks: QuirkSet) -> str | None:
    """Return the displayed description, which can differ from the given one."""
    if task.description is None or "description-null" in quirks:
        return None
    text = task.description
    length = quirks.number("description-trimmed")
    if length is not None:
        text = text[: int(length)]
    return html.escape(text) if "description-escaped" in quirks else text


def _private_ip(task: Task) -> str | None:
    """Return the address of a migration instance after its creation."""
    return None if task.network is None or task.status == CREATING else "192.168.0.20"


def _network_type(task: Task) -> str | None:
    """Return the type of the network; a configured migration instance is in a VPC."""
    return "vpc" if task.network is not None and task.source is not None else task.network_type


def _released_at(task: Task) -> str | None:
    """Return when the migration server was released, in the format of the published example.

    A task of CreateMigrationTask releases its server when it ends; a migration instance remains.
    """
    at = task.ended_at if task.network is None else None
    if task.status == RELEASED and task.history:
        at = task.history[-1].at
    return None if at is None else datetime.fromtimestamp(at, timezone.utc).strftime("%Y%m%d%H%M")


def _data_source(task: Task, source: dict[str, Any]) -> str | None:
    if task.source is not None:
        return str(source["addrs"] or source["id"])
    return (task.backup_files or {}).get("bucket_name")


def _backup_files(task: Task) -> dict[str, Any] | None:
    """Return the files of a task; a backup record's id is nested, like in the service's answers."""
    if task.backup_files is None:
        return None
    files = task.backup_files
    file_source = files.get("file_source", OBS)
    return {
        "file_source": file_source,
        "bucket_name": files.get("bucket_name"),
        "files": files.get("files"),
        "backup_record": {"backup_id": files["backup_id"]} if file_source == BACKUP_RECORD else None,
    }


def _instance_in_row(request: dict[str, Any] | None, quirks: QuirkSet) -> dict[str, Any]:
    """Return the part of a list row that describes an instance, without the prefix of its names."""
    shown = _instance(request, "", quirks, {}) or {}
    return {
        "addrs": shown.get("addrs"),
        "name": shown.get("name"),
        "id": shown.get("id"),
        "status": shown.get("task_status"),
        **place_of(None if "instances-not-filled-in" in quirks else shown.get("id")),
    }


def _instance(
    request: dict[str, Any] | None, side: str, quirks: QuirkSet, passwords: Secrets
) -> dict[str, Any] | None:
    if request is None:
        return None
    return {
        "task_status": None,
        "id": None,
        "name": None,
        "addrs": None,
        "ip": None,
        "port": None,
        "proxy_multi_db": False,
        "db": None,
        "password": passwords.get(side) if "password-echoed" in quirks else None,
        **(request if "instances-not-filled-in" in quirks else filled_in(request)),
    }
