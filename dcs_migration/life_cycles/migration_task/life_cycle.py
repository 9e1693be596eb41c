"""The lifecycle of a ``MigrationTask`` in Pulumi's words; each step has its own module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError
from dcs_migration.life_cycles.inputs import problems
from dcs_migration.life_cycles.migration_task.definition import AGAIN, definition_of, existing
from dcs_migration.life_cycles.migration_task.inputs import (
    INPUTS,
    SPEC,
    get_problems,
    normalised,
    replacement_warning,
    runs_again,
    warnings,
)
from dcs_migration.life_cycles.process import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from dcs_migration.life_cycles.tasks import importing, read
from dcs_migration.life_cycles.tasks.create import create_task
from dcs_migration.life_cycles.tasks.life_cycle import TaskLifeCycle
from dcs_migration.life_cycles.tasks.props import OUTPUTS
from dcs_migration.life_cycles.tasks.spec import check
from dcs_migration.names import (
    ADOPTED,
    ENDPOINT,
    MARK,
    MARK_LOST,
    ONLINE_MIGRATION,
    TAKEN_OVER,
    URN,
)

Props = dict[str, Any]

_KEPT_OUTPUTS = (*OUTPUTS, "project_id", ENDPOINT, TAKEN_OVER, MARK, MARK_LOST, ADOPTED)


class MigrationTaskLifeCycle(TaskLifeCycle):
    """Check, diff, create, read, update and delete of migration tasks, for one plugin process."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate and complete the inputs. Each problem is a separate failure; no calls are made."""
        self._declare(olds, news)
        result = check(SPEC, olds, news, self._accounts.settings)
        if not result.problems:
            for warning in warnings(olds, result.inputs):
                self._warn(warning, news)
            self._replacing.checked(olds, result.inputs)
        return result

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare by the table; warn if a replacement runs an import again."""
        self._warn_about_endpoint(olds, news)
        changes = self._compare(SPEC, id_, olds, news)
        self._record_holder(id_, olds, news, replaces=bool(changes.replaces))
        self._replacing.differs(news, replaces=bool(changes.replaces))
        warning = replacement_warning(changes, olds, news)
        if warning is not None:
            self._warn_if_declared(warning, news)
        return changes.result

    def create(self, props: Props) -> CreateResult:
        """Start the migration (CreateMigrationTask), or take over an existing task."""
        account = self._account(props)
        outputs = {**props, **self._location(account)}
        if props.get("existing_task_id"):
            row = existing(account, props)
            self._take_over(row.id, props)
            return CreateResult(row.id, {**outputs, **read.outputs_of(row, {}), TAKEN_OVER: row.id})
        self._replacing.created(props)
        definition = definition_of(props)
        result = create_task(account, self._engine, self._holders, definition)
        # Nothing may fail from here on, because an error would lose the id.
        outputs.update({"name": result.name, "status": result.status, MARK: str(definition.mark)})
        if result.row:
            outputs.update({**read.outputs_of(result.row, {}), ADOPTED: result.claim})
        return CreateResult(result.id, outputs)

    def read(self, id_: str, props: Props) -> ReadResult:
        """Answer a refresh, or ``MigrationTask.get``."""
        if ENDPOINT not in props:  # it is only read
            return self._get(id_, props)
        account = self._account(props)
        self._holders.read(props.get(URN), id_)
        try:
            outputs, warning = read.refreshed(account, id_, props, again=AGAIN)
        except read.Gone:
            self._holders.removed(id_)
            self._warn(
                f"task {id_} failed or was stopped, and its record no longer exists: removed from state",
                props,
            )
            return ReadResult(None)
        if warning is not None:
            self._warn(warning, props)
        return ReadResult(id_, outputs, read.inputs_of(outputs, INPUTS))

    def imported(self, id_: str, props: Props) -> ReadResult:
        """Read a task for an import (ShowMigrationTask)."""
        found = get_problems(id_, props)
        if found:
            raise TaskError("; ".join(found))
        found_task = importing.find(self._account(props), id_, props)
        row = found_task.row
        inputs = normalised(read.described(row))
        # Only the id matters, and a program that leaves out the name that DCS adds must not replace the task.
        inputs.get("target_instance", {}).pop("name", None)
        online = inputs.get("migration_type") == ONLINE_MIGRATION
        if online and row.data_source:
            inputs["source_instance"] = {"addrs": row.data_source}
        if online and (row.vpc_id or problems(SPEC.schema, inputs)):
            raise TaskError(
                f"task {id_} is an online migration with an instance of its own; import it as a "
                "MigrationInstance and an OnlineMigration"
            )
        self._read_for_import(found_task.warning, props)
        self._holders.read(props.get(URN), id_)
        return found_task.result(self._accounts.settings, inputs, read.outputs_of(row, {}))

    def _get(self, id_: str, props: Props) -> ReadResult:
        """Read a task without managing it. Its inputs are checked here, offline, because Pulumi doesn't call check."""
        found = get_problems(id_, props)
        if found:
            raise TaskError(f"MigrationTask.get: {'; '.join(found)}")
        account = self._account(props)
        outputs, warning = read.fetched(account, id_, props)
        if warning is not None:
            self._warn(warning, props)
        return ReadResult(id_, {**outputs, "region": account.region, "project_id": account.project_id})

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Write the new inputs into the state; no calls are made."""
        kept = {key: olds[key] for key in _KEPT_OUTPUTS if key in olds}
        if news.get("existing_task_id"):
            kept[TAKEN_OVER] = id_  # from now on even our own task counts as the user's
        return UpdateResult({**kept, **news})

    def delete(self, id_: str, props: Props) -> None:
        """Stop and delete our own task. One that was taken over is only removed from the state."""
        if props.get(TAKEN_OVER):
            self._warn(
                f"task {id_} was taken over, not started here; it is removed from state, but not "
                "stopped or deleted",
                props,
            )
            self._holders.deleted(props.get(URN), id_)
            return
        self._delete(id_, props)

    def _runs_again(self, news: Mapping[str, Any]) -> str | None:
        return None if news.get("existing_task_id") else runs_again(news)
