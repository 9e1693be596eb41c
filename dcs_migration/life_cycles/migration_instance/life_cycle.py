"""The lifecycle of a ``MigrationInstance`` with Pulumi's operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcs_migration.life_cycles.migration_instance.definition import (
    AGAIN,
    INPUTS,
    NETWORK,
    OUTPUTS,
    SPEC,
    definition_of,
    existing,
)
from dcs_migration.life_cycles.process import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from dcs_migration.life_cycles.tasks import importing, read
from dcs_migration.life_cycles.tasks.create import create_task
from dcs_migration.life_cycles.tasks.life_cycle import TaskLifeCycle
from dcs_migration.life_cycles.tasks.spec import check
from dcs_migration.names import ADOPTED, ENDPOINT, MARK, MARK_LOST, TAKEN_OVER, URN

Props = dict[str, Any]

_KEPT_OUTPUTS = (*OUTPUTS, "project_id", ENDPOINT, TAKEN_OVER, MARK, MARK_LOST, ADOPTED)


class MigrationInstanceLifeCycle(TaskLifeCycle):
    """Check, diff, create, read, update and delete of migration instances, for one plugin process."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate and complete the inputs. Each problem is a separate failure; no calls are made."""
        self._declare(olds, news)
        self._replacing.checked(olds, news)
        return check(SPEC, olds, news, self._accounts.settings)

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare by the table: the API can't change an instance, so every change replaces it."""
        self._warn_about_endpoint(olds, news)
        changes = self._compare(SPEC, id_, olds, news)
        self._record_holder(id_, olds, news, replaces=bool(changes.replaces))
        return changes.result

    def create(self, props: Props) -> CreateResult:
        """Create the instance, or find the one with the owner mark (CreateOnlineMigrationTask)."""
        account = self._account(props)
        outputs = {**props, **self._location(account)}
        if props.get("existing_task_id"):
            row = existing(account, props)
            self._take_over(row.id, props)
            return CreateResult(row.id, {**outputs, **_outputs(read.outputs_of(row, {})), TAKEN_OVER: row.id})
        definition = definition_of(props)
        result = create_task(account, self._engine, self._holders, definition)
        # Nothing may fail from here on, because an error would lose the id.
        outputs.update(
            {"job_id": result.job_id, "status": result.status or "CREATING", MARK: str(definition.mark)}
        )
        if result.row:
            outputs.update({**_outputs(read.outputs_of(result.row, {})), ADOPTED: result.claim})
        return CreateResult(result.id, outputs)

    def read(self, id_: str, props: Props) -> ReadResult:
        """Answer a refresh."""
        self._holders.read(props.get(URN), id_)
        observed, warning = read.refreshed(self._account(props), id_, props, again=AGAIN, removable=())
        if warning is not None:
            self._warn(warning, props)
        outputs = {**props, **_outputs(observed), MARK_LOST: observed.get(MARK_LOST)}
        return ReadResult(id_, outputs, read.inputs_of(outputs, INPUTS))

    def imported(self, id_: str, props: Props) -> ReadResult:
        """Read an instance for an import (ShowMigrationTask)."""
        account = self._account(props)
        found = importing.find(account, id_, props)
        importing.require_online(found)
        self._read_for_import(found.warning, props)
        self._holders.read(props.get(URN), id_)
        observed = account.client.show_online_migration(id_)
        described = read.described(found.row)
        inputs = {"name": described.get("task_name"), "description": described.get("description")}
        inputs.update({key: getattr(observed, key) for key in NETWORK})
        known = {key: value for key, value in inputs.items() if value}
        return found.result(self._accounts.settings, known, _outputs(read.outputs_of(found.row, {})))

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Write the new inputs into the state; no calls are made."""
        kept = {key: olds[key] for key in _KEPT_OUTPUTS if key in olds}
        if news.get("existing_task_id"):
            kept[TAKEN_OVER] = id_
        return UpdateResult({**kept, **news})

    def delete(self, id_: str, props: Props) -> None:
        """Stop the migration on the instance and delete the instance (DeleteMigrationTask). One that was taken
        over is only removed from the state."""
        if props.get(TAKEN_OVER):
            self._warn(
                f"instance {id_} was taken over, not created here; it is removed from state, but not "
                "stopped or deleted",
                props,
            )
            self._holders.deleted(props.get(URN), id_)
            return
        self._delete(id_, props)


def _outputs(observed: Mapping[str, Any]) -> Props:
    return {key: observed[key] for key in OUTPUTS if key in observed}
