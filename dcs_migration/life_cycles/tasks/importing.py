"""Import: a task that someone else started becomes the resource's own task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.dcs.models import TaskRow
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.process import ReadResult
from dcs_migration.life_cycles.tasks import mark as marks
from dcs_migration.life_cycles.tasks.props import Props
from dcs_migration.life_cycles.tasks.read import completed
from dcs_migration.names import BACKUP_IMPORT, DEFAULTS, ENDPOINT, MARK, OWNER

_NAMES = ("task_name", "name")


@dataclass(frozen=True)
class Import:
    """A task to import: its location, the service's data about it, and the import's inputs."""

    account: Account
    row: TaskRow
    props: Props

    @property
    def warning(self) -> str | None:
        """Its owner, if another stack started it."""
        mark = marks.split(self.row.description)[1]
        if mark is None or mark.owner == marks.hashed(str(self.props.get(OWNER, ""))):
            return None
        return (
            f"task {self.row.id} has the owner mark of another stack, and destroying this stack deletes it; "
            "remove it from the other stack's state with `pulumi state delete`, or set existing_task_id to "
            "leave the task alone"
        )

    def result(self, settings: Settings, inputs: Mapping[str, Any], hidden: Mapping[str, Any]) -> ReadResult:
        """Return the resulting state, and the inputs of a program without changes.

        The name, and a region or project from the settings, count as defaults: a program can set them or leave
        them out.
        """
        account = self.account
        defaults = [key for key in _NAMES if key in inputs]
        place = {"region": account.region, "project_id": account.project_id}
        if account.region == settings.region and settings.project_id in (None, account.project_id):
            defaults.append("region")
            place = {"region": account.region}
        read = {**inputs, **place, DEFAULTS: defaults}
        home = {"region": account.region, "project_id": account.project_id, ENDPOINT: account.endpoint}
        mark = marks.split(self.row.description)[1]
        known = {MARK: str(mark)} if mark else {}
        return ReadResult(self.row.id, {**self.props, **read, **hidden, **known, **home}, read)


def find(account: Account, id_: str, props: Props) -> Import:
    """Return a task to import.

    Raises:
        TaskError: there is no such task.
        DcsMigrationError: what the service answered.
    """
    row = account.look(id_, max_age=0.0).row
    if row is None:
        raise TaskError(f"there is no task {id_} in project {account.project_id} of {account.region}")
    row = completed(account.client.show_migration_task(id_), row)
    return Import(account, row, props)


def require_online(found: Import) -> None:
    """Refuse a backup import.

    Raises:
        TaskError: it is one.
    """
    if found.row.migration_type == BACKUP_IMPORT:
        raise TaskError(f"task {found.row.id} is a backup import; import it as a MigrationTask")
