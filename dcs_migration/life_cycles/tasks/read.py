"""Read: what the service now reports about a task. A record that no longer exists proves nothing about the data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.statuses import Kind, lookup
from dcs_migration.life_cycles.account import Account, Evidence, Seen
from dcs_migration.life_cycles.secrets import scrub
from dcs_migration.life_cycles.tasks import mark as marks
from dcs_migration.life_cycles.tasks.props import OUTPUTS, Props
from dcs_migration.names import (
    CREATE_TIMEOUT,
    DEFAULTS,
    DELETE_TIMEOUT,
    IDENTITY,
    MARK,
    MARK_LOST,
    OWNER,
    PROJECT_NAME,
    TAKEN_OVER,
    UPDATE_TIMEOUT,
    URN,
)

GONE = "GONE"
_TIMEOUTS = (CREATE_TIMEOUT, UPDATE_TIMEOUT, DELETE_TIMEOUT)
_HIDDEN_INPUTS = (URN, OWNER, IDENTITY, *_TIMEOUTS, DEFAULTS, PROJECT_NAME)
LOOK_UP_AGE = 10.0  # seconds: a refresh uses one listing for all tasks


class Gone(Exception):
    """The task failed or was stopped, and its record no longer exists: nothing is left for the resource."""


def refreshed(
    account: Account,
    id_: str,
    props: Props,
    *,
    again: str,
    removable: Collection[Kind] = (Kind.FAILURE, Kind.STOPPED),
) -> tuple[dict[str, Any], str | None]:
    """Return the new outputs of a managed task, and a warning.

    The service forgets finished tasks, while state usually still says MIGRATING because ``up`` doesn't
    refresh. If a forgotten task were removed from the state, its import would run again, so it remains as ``GONE``.

    Args:
        account: Where it lives.
        id_: Its id.
        props: Its properties in the state.
        again: What runs it again, in words.
        removable: Meanings of a last status after which creating it again loses nothing.

    Raises:
        Gone: it ended without success, and its record no longer exists.
        DcsMigrationError: what the service answered.
    """
    seen = account.look(id_, max_age=LOOK_UP_AGE)
    if seen.evidence is Evidence.LISTED and seen.row is not None:
        return _marked({**props, **outputs_of(seen.row, props)}, seen.row)
    if seen.evidence is Evidence.UNLISTABLE:
        if seen.row is not None:
            return {**props, **outputs_of(seen.row, props)}, None
        return dict(props), (
            f"ShowMigrationTask finds no task {id_}, but that alone doesn't prove that it no longer "
            "exists; state isn't changed; grant dcs:migrationTask:list so that the listing can show it"
        )
    return _forgotten(id_, seen, props, again, removable)


def _marked(outputs: dict[str, Any], row: TaskRow) -> tuple[dict[str, Any], str | None]:
    """Compare the owner mark that was sent with the one that the service gives back; return a warning, but only once
    if it was lost."""
    sent = outputs.get(MARK)
    marks.require_own(row.id, row.description, sent)
    if not sent or str(marks.split(row.description)[1]) == sent:
        return {key: value for key, value in outputs.items() if key != MARK_LOST}, None
    if outputs.get(MARK_LOST):
        return outputs, None
    return {**outputs, MARK_LOST: True}, (
        f"the service didn't keep the owner mark in the description of task {row.id}: with a lost response "
        "or a killed run, the next run can't recognize the task, and stops with an error if it finds its "
        "name"
    )


def _forgotten(
    id_: str, seen: Seen, props: Props, again: str, removable: Collection[Kind]
) -> tuple[dict[str, Any], str | None]:
    last = lookup(seen.row.status if seen.row else str(props.get("status") or ""))
    if last.kind in removable and not props.get(TAKEN_OVER):
        raise Gone
    if seen.row is not None and last.kind is Kind.SUCCESS:
        return {**props, **outputs_of(seen.row, props)}, None
    if seen.row is not None and not last.ended:
        return {**props, **outputs_of(seen.row, props)}, None
    warning = None
    if props.get("status") != GONE:
        warning = (
            f"the record of task {id_} no longer exists (last status {props.get('status')}): it remains in "
            f"state as GONE and doesn't run again by itself; to run it again, {again}"
        )
    return {**props, "status": GONE}, warning


def fetched(account: Account, id_: str, props: Props) -> tuple[dict[str, Any], str | None]:
    """Return the outputs of a task that is only read (``MigrationTask.get``), and a warning.

    Raises:
        DcsMigrationError: what the service answered.
    """
    seen = account.look(id_, max_age=LOOK_UP_AGE)
    row = seen.row
    if row is None or (seen.evidence is Evidence.UNLISTED and lookup(row.status).kind is Kind.FAILURE):
        warning = (
            f"there is no task {id_} in project {account.project_id} of {account.region}; its status is GONE"
        )
        return {**props, "status": GONE}, warning
    if seen.evidence is Evidence.LISTED:
        # Only Show reports the files and the time of the last change.
        row = completed(account.client.show_migration_task(id_), row)
    return {**props, **described(row), **outputs_of(row, props)}, None


def completed(shown: TaskRow, listed: TaskRow) -> TaskRow:
    """Return what Show reports about a task, plus the data that only the listing has."""
    missing = {field.name for field in fields(TaskRow) if getattr(shown, field.name) is None}
    return replace(shown, **{name: getattr(listed, name) for name in missing})


def described(row: TaskRow) -> dict[str, Any]:
    """Return a task's definition as the service reports it, in the form of inputs."""
    described: dict[str, Any] = {
        "task_name": row.name,
        "description": marks.split(row.description)[0],
        "migration_type": row.migration_type,
        "migration_method": row.migration_method,
    }
    if row.target_instance_id:
        described["target_instance"] = {"id": row.target_instance_id}
        if row.target_instance_name:
            described["target_instance"]["name"] = row.target_instance_name
    if row.backup is not None:
        files: dict[str, Any] = {
            "file_source": row.backup.file_source,
            "bucket_name": row.backup.bucket_name,
            "files": [{"file_name": name} for name in row.backup.file_names] or None,
            "backup_id": row.backup.backup_id,
        }
        described["backup_files"] = {key: value for key, value in files.items() if value is not None}
    return {key: value for key, value in described.items() if value}


def outputs_of(row: TaskRow, props: Props) -> dict[str, Any]:
    """Return the outputs that the service sets; one that it leaves out keeps the state's value."""
    response: Mapping[str, str | None] = {
        "name": row.name,
        "status": row.status,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "released_at": row.released_at,
        "error": scrub(row.error) if row.error else None,
    }
    return {key: response[key] or props.get(key) for key in OUTPUTS if response[key] or props.get(key)}


def inputs_of(outputs: Props, inputs: Iterable[str]) -> dict[str, Any]:
    """Rebuild the inputs from outputs, hidden ones included, so that the next preview compares the same form."""
    return {key: outputs[key] for key in (*inputs, *_HIDDEN_INPUTS) if key in outputs}
