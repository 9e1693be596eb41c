"""Taking over a task that exists: it must be the one that the user describes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.models import TaskRow
from dcs_migration.dcs.texts import clean, clean_lines
from dcs_migration.plugin.account import Account, Evidence
from dcs_migration.plugin.migration_task.fields import normalised
from dcs_migration.plugin.tasks.props import DEFAULTS, Props
from dcs_migration.plugin.tasks.read import completed, described


def existing(account: Account, props: Props) -> TaskRow:
    """Return the task that ``existing_task_id`` names.

    Raises:
        TaskError: there is no such task, or it is not what the inputs describe.
        DcsMigrationError: what the service answered.
    """
    id_ = str(props["existing_task_id"])
    seen = account.look(id_, max_age=0.0)
    if seen.row is None:
        raise TaskError(
            f"existing_task_id: there is no task {id_} in project {account.project_id} of {account.region}; "
            "correct it, or remove it to start a new task"
        )
    row = seen.row
    if seen.evidence is Evidence.LISTED:
        row = completed(account.client.show_migration_task(id_), row)
    inputs = normalised(props)
    if "task_name" in (props.get(DEFAULTS) or ()):
        inputs.pop("task_name", None)
    inputs = _as_told(inputs)
    differing = list(_differences(inputs, described(row), row))
    if differing:
        raise TaskError(
            f"existing_task_id: task {id_} is not what the inputs describe: it differs in {', '.join(differing)}; "
            "correct them, or remove existing_task_id to start a new task"
        )
    return row


def _as_told(value: Any, key: str = "") -> Any:
    """Return inputs as they look when the service tells them: there, every text is made clean."""
    if isinstance(value, Mapping):
        return {name: _as_told(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_told(item, key) for item in value]
    if isinstance(value, str):
        return clean_lines(value) if key == "description" else clean(value)
    return value


def _differences(inputs: Props, told: Mapping[str, Any], row: TaskRow) -> Iterator[str]:
    """Yield the paths that disagree. What the service does not tell cannot disagree."""
    for key in ("task_name", "description", "migration_type", "migration_method"):
        if key in inputs and key in told and inputs[key] != told[key]:
            yield key
    if "description" in inputs and "description" not in told:
        yield "description"
    wanted, actual = inputs.get("target_instance", {}), told.get("target_instance", {})
    if actual.get("id") and wanted.get("id") != actual["id"]:
        yield "target_instance.id"
    wanted, actual = inputs.get("backup_files", {}), told.get("backup_files", {})
    for key in ("file_source", "bucket_name", "backup_id"):
        if wanted.get(key) is not None and actual.get(key) is not None and wanted[key] != actual[key]:
            yield f"backup_files.{key}"
    names = {file["file_name"] for file in wanted.get("files", ())}
    if names and actual.get("files") and names != {file["file_name"] for file in actual["files"]}:
        yield "backup_files.files"
    if "source_instance" in inputs and row.data_source and not _same_addrs(inputs, row.data_source):
        yield "source_instance.addrs"


def _same_addrs(inputs: Props, data_source: str) -> bool:
    def addresses(text: str) -> set[str]:
        return {part.strip() for part in text.split(",")}

    return addresses(inputs["source_instance"]["addrs"]) == addresses(data_source)
