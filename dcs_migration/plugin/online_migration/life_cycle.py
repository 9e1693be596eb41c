"""The life cycle of an ``OnlineMigration`` in Pulumi's words."""

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

from dcs_migration.dcs.errors import TaskNotFound
from dcs_migration.dcs.online import Online
from dcs_migration.plugin.account import Account
from dcs_migration.plugin.online_migration.diff import compare, refusals, runs_again, warnings
from dcs_migration.plugin.online_migration.fields import INPUTS, OUTPUTS, normalised
from dcs_migration.plugin.online_migration.inputs import check
from dcs_migration.plugin.online_migration.looking import Looking
from dcs_migration.plugin.online_migration.phases import state_of
from dcs_migration.plugin.online_migration.steering import Steering
from dcs_migration.plugin.online_migration.take_over import existing
from dcs_migration.plugin.secrets import scrub
from dcs_migration.plugin.tasks import read
from dcs_migration.plugin.tasks.life_cycle import TaskLifeCycle
from dcs_migration.plugin.tasks.props import (
    CREATE_TIMEOUT,
    DELETE_TIMEOUT,
    ENDPOINT,
    TAKEN_OVER,
    UPDATE_TIMEOUT,
    URN,
)
from dcs_migration.plugin.tasks.replacing import urn_of
from dcs_migration.plugin.tasks.timeouts import timeout_of

Props = dict[str, Any]

_AGAIN = "replace its MigrationInstance"
_TOLD_SETTINGS = ("migration_method", "resume_mode", "bandwidth_limit_mb")


class OnlineMigrationLifeCycle(TaskLifeCycle):
    """Check, diff, create, read, update and delete of online migrations, for one plugin process."""

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate and complete the inputs. Every problem is a failure of its own; no call is made."""
        self._declare(olds, news)
        checked = check(olds, news, self._accounts.settings)
        found = checked.problems
        if olds and not found:
            changes = compare("", olds, checked.inputs, preview=self._preview)
            found = list(refusals(changes, olds, checked.inputs))
        if not found:
            self._replacing.checked(olds, checked.inputs)
        return CheckResult(checked.inputs, [CheckFailure("", scrub(line)) for line in found])

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare by the table, and say in words what will happen to data and addresses."""
        self._foretell_home(olds, news)
        changes = compare(id_, olds, news, preview=self._preview)
        self._replacing.differs(news, replaces=bool(changes.replaces))
        if olds.get(TAKEN_OVER) and self._replacing.declares(news):
            self._held.compared(urn_of(news), _run_on(id_), taken_over=True, replaces=bool(changes.replaces))
        for warning in warnings(changes, olds, news):
            self._foretell(warning, news)
        return DiffResult(changes=bool(changes), replaces=list(changes.replaces), delete_before_replace=True)

    def create(self, props: Props) -> CreateResult:
        """Wait for the instance, then configure and start the migration (SetOnlineMigrationTask)."""
        account = self._account(props)
        id_ = str(props["task_id"])
        self._replacing.created(props)
        looking = self._looking(account, id_, props, CREATE_TIMEOUT)
        outputs = {**props, **self._home(account)}
        if props.get("existing_task_id"):
            told = existing(looking, normalised(props))
            self._held.created(str(props.get(URN, "")), _run_on(id_))
            return CreateResult(id_, {**outputs, **_outputs(told), TAKEN_OVER: id_})
        looking.until_made(props.get("job_id"))
        told = Steering(looking, self._engine, normalised(props)).begin()
        return CreateResult(id_, {**outputs, **_outputs(told)})

    def read(self, id_: str, props: Props) -> ReadResult:
        """Answer a refresh; a state that is not the one that was left is shown as drift."""
        account = self._account(props)
        # A migration that is gone stays: making it anew would copy over data that has moved on.
        outputs, warning = read.refreshed(account, id_, props, again=_AGAIN, removable=())
        if warning is not None:
            self._warn(warning, props)
        outputs = {**props, **{key: outputs[key] for key in OUTPUTS if key in outputs}}
        if outputs.get("status") != read.GONE:
            outputs.update(self._told(account, id_, outputs))
        return ReadResult(id_, outputs, read.inputs_of(outputs, INPUTS))

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Change the migration where it is; a password alone is only written into state."""
        kept = {key: olds[key] for key in (*OUTPUTS, "project_id", ENDPOINT, TAKEN_OVER) if key in olds}
        if news.get("existing_task_id"):
            kept[TAKEN_OVER] = id_
        outputs = {**kept, **news}
        changes = compare(id_, olds, news, preview=False)
        if not changes.in_place:
            return UpdateResult(outputs)
        looking = self._looking(self._account(outputs), id_, news, UPDATE_TIMEOUT)
        told = Steering(looking, self._engine, normalised(news), changes.in_place).reach()
        return UpdateResult({**outputs, **_outputs(told)})

    def delete(self, id_: str, props: Props) -> None:
        """Stop the replication. What was copied stays, and so do addresses that were switched."""
        if props.get(TAKEN_OVER):
            self._warn(
                f"migration {id_} was taken over, not started here: it is forgotten, not stopped", props
            )
            return
        urn, run = urn_of(props), _run_on(id_)
        other = self._held.got_elsewhere(urn, run) or self._held.taken_elsewhere(urn, run)
        if other:
            self._warn(f"migration {id_} is held by {other}, too: it is forgotten here, not stopped", props)
            return
        looking = self._looking(self._account(props), id_, props, DELETE_TIMEOUT)
        self._replacing.deleted(props)
        if looking.account.look(id_, max_age=read.LOOK_UP_AGE).row is None:
            return
        Steering(looking, self._engine, normalised(props)).halt()

    def _runs_again(self, news: Mapping[str, Any]) -> str:
        return runs_again(news)

    def _told(self, account: Account, id_: str, outputs: Props) -> Props:
        """Return what the service tells of the settings, and the state that it is in."""
        try:
            told = account.client.show_online_migration(id_)
        except TaskNotFound:
            return {}
        settings = {
            key: getattr(told, key) for key in _TOLD_SETTINGS if key in outputs and getattr(told, key)
        }
        if "bandwidth_limit_mb" in settings:
            try:
                settings["bandwidth_limit_mb"] = int(float(settings["bandwidth_limit_mb"]))
            except ValueError:
                del settings["bandwidth_limit_mb"]
        return {**settings, "state": state_of(told) or outputs.get("state"), **_outputs(told)}

    def _looking(self, account: Account, id_: str, props: Props, timeout: str) -> Looking:
        urn = props.get(URN)
        return Looking(account, self._engine, id_, str(urn) if urn else None, timeout_of(props, timeout))


def _run_on(id_: str) -> str:
    """Name what runs on an instance, whose own resource has the same id."""
    return f"what runs on {id_}"


def _outputs(told: Online) -> Props:
    return {"status": told.status, "task_status": told.task_status}
