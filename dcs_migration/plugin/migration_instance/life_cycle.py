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

from dcs_migration.dcs.statuses import Kind
from dcs_migration.plugin.inputs import problems
from dcs_migration.plugin.migration_instance.fields import INPUTS, MARKED, OUTPUTS, normalised
from dcs_migration.plugin.secrets import scrub
from dcs_migration.plugin.tasks import mark as marks
from dcs_migration.plugin.tasks import read
from dcs_migration.plugin.tasks.create import Creation, Definition
from dcs_migration.plugin.tasks.defaults import fill, require_same_project
from dcs_migration.plugin.tasks.delete import Deletion
from dcs_migration.plugin.tasks.life_cycle import TaskLifeCycle
from dcs_migration.plugin.tasks.props import (
    DEFAULTS,
    DELETE_TIMEOUT,
    ENDPOINT,
    URN,
    changed,
    without_nulls,
)
from dcs_migration.plugin.tasks.timeouts import timeout_of, timeout_problems

SCHEMA = "migration_instance"
AGAIN = "`pulumi up --replace` its URN"

Props = dict[str, Any]


class MigrationInstanceLifeCycle(TaskLifeCycle):
    """Check, diff, create, read, update and delete of migration instances, for one plugin process."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate and complete the inputs. Every problem is a failure of its own; no call is made."""
        self._declare(news)
        news = without_nulls(news)
        written = {key: value for key, value in news.items() if not key.startswith("__")}
        found = [*problems(SCHEMA, written), *timeout_problems(news)]
        inputs = normalised(written)
        filled, missing = fill(inputs, olds, news, self._accounts.settings, name="name")
        hidden = {key: news[key] for key in (URN, DELETE_TIMEOUT) if key in news}
        self._replacing.checked(olds, news)
        return CheckResult(
            {**inputs, **hidden, DEFAULTS: filled},
            [CheckFailure("", scrub(line)) for line in (*found, *missing)],
        )

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare by the table: no call changes an instance, so every change replaces it."""
        self._foretell_home(olds, news)
        old, new = normalised(olds), normalised(news)
        replaces = [
            key
            for key, rule in INPUTS.items()
            if changed(key, rule, old, new, unknown_is_change=self._preview)
        ]
        require_same_project(old, news)
        updates = olds.get(DELETE_TIMEOUT) != news.get(DELETE_TIMEOUT)
        return DiffResult(changes=bool(replaces or updates), replaces=replaces, delete_before_replace=True)

    def create(self, props: Props) -> CreateResult:
        """Make the instance, or find the one that bears the mark (CreateOnlineMigrationTask)."""
        account = self._account(props)
        outputs = {
            **props,
            "region": account.region,
            "project_id": account.project_id,
            ENDPOINT: account.endpoint,
        }
        result = Creation(account, self._engine, definition_of(props)).run()
        # From here on nothing may fail: an error would lose the id.
        told = (
            _outputs(read.outputs_of(result.row, {}))
            if result.row
            else {"status": result.status or "CREATING"}
        )
        return CreateResult(result.id, {**outputs, "job_id": result.job_id, **told})

    def read(self, id_: str, props: Props) -> ReadResult:
        """Answer a refresh."""
        told, warning = read.refreshed(self._account(props), id_, props, again=AGAIN, removable=())
        if warning is not None:
            self._warn(warning, props)
        outputs = {**props, **_outputs(told)}
        return ReadResult(id_, outputs, read.inputs_of(outputs, INPUTS))

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Write the new inputs into state; no call is made."""
        kept = {key: olds[key] for key in (*OUTPUTS, "project_id", ENDPOINT) if key in olds}
        return UpdateResult({**kept, **news})

    def delete(self, id_: str, props: Props) -> None:
        """Stop what still runs on the instance, and delete it (DeleteMigrationTask)."""
        account = self._account(props)
        Deletion(
            account,
            self._engine,
            id_,
            props.get(URN),
            timeout_of(props, DELETE_TIMEOUT),
            replaced=self._replacing.deleted(props),
        ).run()


def _outputs(told: Mapping[str, Any]) -> Props:
    return {key: told[key] for key in OUTPUTS if key in told}


def definition_of(props: Mapping[str, Any]) -> Definition:
    """Return the definition that checked inputs make."""
    urn, inputs = str(props.get(URN, "")), normalised(props)
    mark = marks.mark_of(urn, inputs, MARKED)
    body = {key: inputs[key] for key in MARKED if key in inputs}
    body["description"] = marks.marked(inputs.get("description"), mark)
    return Definition(
        urn=urn,
        mark=mark,
        operation="CreateOnlineMigrationTask",
        post=lambda client: client.create_online_migration_task(body),
        # A migration that was stopped on it can be started again: only what failed cannot stand for it.
        ended_badly=(Kind.FAILURE,),
        again=AGAIN,
    )
