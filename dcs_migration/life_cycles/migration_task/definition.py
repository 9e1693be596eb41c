"""A ``MigrationTask`` in the service: its owner mark, its definition, the body of its create call, and taking one
over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcs_migration.dcs.errors import ApiError, DcsMigrationError, TaskError
from dcs_migration.dcs.models import TaskRow, addresses
from dcs_migration.dcs.statuses import Kind
from dcs_migration.dcs.texts import clean, clean_lines
from dcs_migration.life_cycles.account import Account, Evidence
from dcs_migration.life_cycles.migration_task.inputs import MARKED, normalised
from dcs_migration.life_cycles.tasks import mark as marks
from dcs_migration.life_cycles.tasks.look_up import Definition, Shown
from dcs_migration.life_cycles.tasks.mark import same_text
from dcs_migration.life_cycles.tasks.props import Props, owner_of
from dcs_migration.life_cycles.tasks.read import completed, described
from dcs_migration.names import DEFAULTS, ONLINE_MIGRATION, URN

AGAIN = "change triggers"


def definition_of(props: Props) -> Definition:
    """Return the definition of checked inputs."""
    urn, inputs = str(props.get(URN, "")), normalised(props)
    mark = marks.mark_of(owner_of(props), urn, identity_of(inputs))
    target = inputs.get("target_instance")
    return Definition(
        urn=urn,
        mark=mark,
        mark_of_0_1_0=marks.mark_of_0_1_0(urn, inputs, MARKED),
        name=inputs.get("task_name"),
        operation="CreateMigrationTask",
        post=lambda client: client.create_migration_task(_request_body(inputs, mark)),
        shown=lambda client, row: _compared(inputs, completed(client.show_migration_task(row.id), row)),
        ended_badly=(Kind.FAILURE, Kind.STOPPED),
        again=AGAIN,
        target=target.get("id") if isinstance(target, Mapping) else None,
        refused=_refused_online if inputs.get("migration_type") == ONLINE_MIGRATION else lambda error: error,
    )


def identity_of(inputs: Props) -> dict[str, Any]:
    """Return what a task does: the data, the source, the target and the triggers."""
    files = inputs.get("backup_files") or {}
    return {
        "type": inputs.get("migration_type"),
        "method": inputs.get("migration_method"),
        "bucket": files.get("bucket_name"),
        "files": sorted(str(file.get("file_name")) for file in files.get("files") or ()) or None,
        "backup": files.get("backup_id"),
        "source": sorted(addresses((inputs.get("source_instance") or {}).get("addrs"))) or None,
        "target": (inputs.get("target_instance") or {}).get("id"),
        "triggers": inputs.get("triggers"),
    }


def differences(inputs: Props, row: TaskRow) -> Iterator[str]:
    """Yield the paths in which a task differs. Values that the service doesn't return can't differ."""
    observed = described(row)
    for key in ("migration_type", "migration_method"):
        if key in inputs and key in observed and inputs[key] != observed[key]:
            yield key
    wanted, actual = inputs.get("target_instance", {}), observed.get("target_instance", {})
    if actual.get("id") and wanted.get("id") != actual["id"]:
        yield "target_instance.id"
    wanted, actual = inputs.get("backup_files", {}), observed.get("backup_files", {})
    for key in ("file_source", "bucket_name", "backup_id"):
        if wanted.get(key) is not None and actual.get(key) is not None and wanted[key] != actual[key]:
            yield f"backup_files.{key}"
    names = {file["file_name"] for file in wanted.get("files", ())}
    if names and actual.get("files") and names != {file["file_name"] for file in actual["files"]}:
        yield "backup_files.files"
    source = inputs.get("source_instance")
    if source and row.data_source and addresses(source.get("addrs")) != addresses(row.data_source):
        yield "source_instance.addrs"


def as_returned(value: Any, key: str = "") -> Any:
    """Return inputs as the service returns them, with every text cleaned."""
    if isinstance(value, Mapping):
        return {name: as_returned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [as_returned(item, key) for item in value]
    if isinstance(value, str):
        return clean_lines(value) if key == "description" else clean(value)
    return value


def _compared(inputs: Props, row: TaskRow) -> Shown:
    return Shown(row.status, tuple(differences(as_returned(inputs), row)))


def _request_body(inputs: Props, mark: marks.Mark) -> dict[str, Any]:
    sent = ("task_name", "migration_type", "migration_method", "backup_files", "network_type")
    body: dict[str, Any] = {key: inputs[key] for key in sent if key in inputs}
    body.update({key: inputs[key] for key in ("source_instance", "target_instance") if key in inputs})
    body["description"] = marks.marked(inputs.get("description"), mark)
    return body


def _refused_online(error: ApiError) -> DcsMigrationError:
    if error.status != 400 or "migration_type" not in (error.error_msg or "").lower():
        return error
    return TaskError(
        "nothing was started: this region no longer supports online_migration in CreateMigrationTask; use "
        f"an OnlineMigrationTask, or a backupfile_import ({error})"
    )


def existing(account: Account, props: Props) -> TaskRow:
    """Return the task in ``existing_task_id``.

    Raises:
        TaskError: the task doesn't exist, or doesn't match the inputs.
        DcsMigrationError: what the service answered.
    """
    id_ = str(props["existing_task_id"])
    seen = account.look(id_, max_age=0.0)
    if seen.row is None:
        raise TaskError(
            f"existing_task_id: there is no task {id_} in project {account.project_id} of {account.region}; "
            "correct the id, or remove it to start a new task"
        )
    row = seen.row
    if seen.evidence is Evidence.LISTED:
        row = completed(account.client.show_migration_task(id_), row)
    inputs = normalised(props)
    if "task_name" in (props.get(DEFAULTS) or ()):
        inputs.pop("task_name", None)
    differing = list(_differences(as_returned(inputs), row))
    if differing:
        raise TaskError(
            f"existing_task_id: task {id_} differs from the inputs in {', '.join(differing)}; correct the "
            "inputs, or remove existing_task_id to start a new task"
        )
    return row


def _differences(inputs: Props, row: TaskRow) -> Iterator[str]:
    """Yield the paths that differ. Values that the service doesn't return can't differ."""
    observed = described(row)
    if "task_name" in inputs and "task_name" in observed and inputs["task_name"] != observed["task_name"]:
        yield "task_name"
    if "description" in inputs and not same_text(inputs["description"], observed.get("description")):
        yield "description"
    yield from differences(inputs, row)
