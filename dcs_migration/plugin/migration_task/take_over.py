"""Taking over a task that exists: it must be the one that the user describes."""

from __future__ import annotations

from collections.abc import Iterator

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.models import TaskRow
from dcs_migration.names import DEFAULTS
from dcs_migration.plugin.account import Account, Evidence
from dcs_migration.plugin.migration_task.definition import as_told, differences
from dcs_migration.plugin.migration_task.fields import normalised
from dcs_migration.plugin.tasks.mark import same_text
from dcs_migration.plugin.tasks.props import Props
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
    differing = list(_differences(as_told(inputs), row))
    if differing:
        raise TaskError(
            f"existing_task_id: task {id_} is not what the inputs describe: it differs in {', '.join(differing)}; "
            "correct them, or remove existing_task_id to start a new task"
        )
    return row


def _differences(inputs: Props, row: TaskRow) -> Iterator[str]:
    """Yield the paths that disagree. What the service does not tell cannot disagree."""
    told = described(row)
    if "task_name" in inputs and "task_name" in told and inputs["task_name"] != told["task_name"]:
        yield "task_name"
    if "description" in inputs and not same_text(inputs["description"], told.get("description")):
        yield "description"
    yield from differences(inputs, row)
