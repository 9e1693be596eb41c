"""What a ``MigrationTask`` is to the service: its mark, and the body of CreateMigrationTask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcs_migration.dcs.errors import ApiError, DcsMigrationError, TaskError
from dcs_migration.dcs.statuses import Kind
from dcs_migration.plugin.migration_task.fields import MARKED, normalised
from dcs_migration.plugin.migration_task.inputs import ONLINE
from dcs_migration.plugin.tasks import mark as marks
from dcs_migration.plugin.tasks.create import Definition
from dcs_migration.plugin.tasks.props import URN, Props

AGAIN = "change triggers"


def definition_of(props: Props) -> Definition:
    """Return the definition that checked inputs make."""
    urn, inputs = str(props.get(URN, "")), normalised(props)
    mark = marks.mark_of(urn, inputs, MARKED)
    target = inputs.get("target_instance")
    return Definition(
        urn=urn,
        mark=mark,
        operation="CreateMigrationTask",
        post=lambda client: client.create_migration_task(_request_body(inputs, mark)),
        ended_badly=(Kind.FAILURE, Kind.STOPPED),
        again=AGAIN,
        target=target.get("id") if isinstance(target, Mapping) else None,
        refused=_refused_online if inputs.get("migration_type") == ONLINE else lambda error: error,
    )


def _request_body(inputs: Props, mark: str) -> dict[str, Any]:
    sent = ("task_name", "migration_type", "migration_method", "backup_files", "network_type")
    body: dict[str, Any] = {key: inputs[key] for key in sent if key in inputs}
    body.update({key: inputs[key] for key in ("source_instance", "target_instance") if key in inputs})
    body["description"] = marks.marked(inputs.get("description"), mark)
    return body


def _refused_online(error: ApiError) -> DcsMigrationError:
    if error.status != 400 or "migration_type" not in (error.error_msg or "").lower():
        return error
    return TaskError(
        "nothing was started: this region has withdrawn online_migration from CreateMigrationTask; "
        f"use an OnlineMigrationTask, or a backupfile_import ({error})"
    )
