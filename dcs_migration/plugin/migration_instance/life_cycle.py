"""The life cycle of a ``MigrationInstance`` in Pulumi's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    UpdateResult,
)

from dcs_migration.plugin.inputs import problems
from dcs_migration.plugin.migration_instance.definition import AGAIN, definition_of, existing
from dcs_migration.plugin.migration_instance.fields import INPUTS, OUTPUTS, normalised
from dcs_migration.plugin.secrets import scrub
from dcs_migration.plugin.tasks import read
from dcs_migration.plugin.tasks.create import Creation
from dcs_migration.plugin.tasks.defaults import fill, require_same_project, require_taken_over_stays
from dcs_migration.plugin.tasks.delete import Deletion
from dcs_migration.plugin.tasks.life_cycle import TaskLifeCycle
from dcs_migration.plugin.tasks.props import (
    ADOPTED,
    DEFAULTS,
    DELETE_TIMEOUT,
    ENDPOINT,
    IDENTITY,
    MARK,
    MARK_LOST,
    OWNER,
    TAKEN_OVER,
    URN,
    OnChange,
    changed,
    without_nulls,
)
from dcs_migration.plugin.tasks.timeouts import timeout_of, timeout_problems

SCHEMA = "migration_instance"

Props = dict[str, Any]

_HIDDEN = (URN, OWNER, IDENTITY, DELETE_TIMEOUT)
_OUTPUTS_OF_OUR_OWN = (*OUTPUTS, "project_id", ENDPOINT, TAKEN_OVER, MARK, MARK_LOST, ADOPTED)


class MigrationInstanceLifeCycle(TaskLifeCycle):
    """Check, diff, create, read, update and delete of migration instances, for one plugin process."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate and complete the inputs. Every problem is a failure of its own; no call is made."""
        self._declare(olds, news)
        news = without_nulls(news)
        written = {key: value for key, value in news.items() if not key.startswith("__")}
        found = [*problems(SCHEMA, written), *timeout_problems(news)]
        inputs = normalised(written)
        filled, missing = fill(inputs, olds, news, self._accounts.settings, name="name")
        hidden = {key: news[key] for key in _HIDDEN if key in news}
        self._replacing.checked(olds, news)
        return CheckResult(
            {**inputs, **hidden, DEFAULTS: filled},
            [CheckFailure("", scrub(line)) for line in (*found, *missing)],
        )

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare by the table: no call changes an instance, so every change replaces it."""
        self._foretell_home(olds, news)
        old, new = normalised(olds), normalised(news)
        differing = [
            key
            for key, rule in INPUTS.items()
            if changed(key, rule, old, new, unknown_is_change=self._preview)
        ]
        replaces = [key for key in differing if INPUTS[key] is not OnChange.UPDATE]
        require_same_project(old, news)
        require_taken_over_stays(id_, new, replaces)
        self._hear(id_, olds, news, replaces=bool(replaces))
        updates = len(replaces) < len(differing) or olds.get(DELETE_TIMEOUT) != news.get(DELETE_TIMEOUT)
        return DiffResult(changes=bool(replaces or updates), replaces=replaces, delete_before_replace=True)

    def create(self, props: Props) -> CreateResult:
        """Make the instance, or find the one that bears the mark (CreateOnlineMigrationTask)."""
        account = self._account(props)
        outputs = {**props, **self._home(account)}
        if props.get("existing_task_id"):
            row = existing(account, props)
            self._take_over(row.id, props)
            return CreateResult(row.id, {**outputs, **_outputs(read.outputs_of(row, {})), TAKEN_OVER: row.id})
        definition = definition_of(props)
        result = Creation(account, self._engine, self._held, definition).run()
        # From here on nothing may fail: an error would lose the id.
        outputs.update(
            {"job_id": result.job_id, "status": result.status or "CREATING", MARK: str(definition.mark)}
        )
        if result.row:
            outputs.update({**_outputs(read.outputs_of(result.row, {})), ADOPTED: True})
        return CreateResult(result.id, outputs)

    def read(self, id_: str, props: Props) -> ReadResult:
        """Answer a refresh."""
        self._held.read(props.get(URN), id_)
        told, warning = read.refreshed(self._account(props), id_, props, again=AGAIN, removable=())
        if warning is not None:
            self._warn(warning, props)
        outputs = {**props, **_outputs(told), MARK_LOST: told.get(MARK_LOST)}
        return ReadResult(id_, outputs, read.inputs_of(outputs, INPUTS))

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Write the new inputs into state; no call is made."""
        kept = {key: olds[key] for key in _OUTPUTS_OF_OUR_OWN if key in olds}
        if news.get("existing_task_id"):
            kept[TAKEN_OVER] = id_
        return UpdateResult({**kept, **news})

    def delete(self, id_: str, props: Props) -> None:
        """Stop what still runs on the instance, and delete it (DeleteMigrationTask); only forget one taken over."""
        if props.get(TAKEN_OVER):
            self._warn(
                f"instance {id_} was taken over, not made here: it is forgotten, not stopped or deleted",
                props,
            )
            self._held.deleted(props.get(URN), id_)
            return
        if self._keeps_for_another(id_, props):
            return
        account = self._account(props)
        Deletion(
            account,
            self._engine,
            id_,
            props.get(URN),
            timeout_of(props, DELETE_TIMEOUT),
            replaced=self._replacing.deleted(props),
        ).run()
        self._held.deleted(props.get(URN), id_)


def _outputs(told: Mapping[str, Any]) -> Props:
    return {key: told[key] for key in OUTPUTS if key in told}
