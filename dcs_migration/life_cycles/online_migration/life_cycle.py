"""The lifecycle of an ``OnlineMigration`` with Pulumi's operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dcs_migration.dcs.errors import TaskError, TaskNotFound
from dcs_migration.dcs.models import Online
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.online_migration.inputs import (
    INPUTS,
    OUTPUTS,
    SPEC,
    STOPPED,
    check,
    normalised,
    refusals,
    runs_again,
    unsent,
    warnings,
)
from dcs_migration.life_cycles.online_migration.observer import Observer, Phase, existing, phase_of, state_of
from dcs_migration.life_cycles.online_migration.reconciler import Reconciler
from dcs_migration.life_cycles.process import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from dcs_migration.life_cycles.tasks import importing, read
from dcs_migration.life_cycles.tasks.holders import new_claim
from dcs_migration.life_cycles.tasks.life_cycle import TaskLifeCycle
from dcs_migration.life_cycles.tasks.props import timeout_of
from dcs_migration.life_cycles.tasks.replacing import urn_of
from dcs_migration.life_cycles.tasks.spec import compare
from dcs_migration.names import (
    ADOPTED,
    CREATE_TIMEOUT,
    DELETE_TIMEOUT,
    ENDPOINT,
    TAKEN_OVER,
    UNSENT,
    UPDATE_TIMEOUT,
    URN,
)

Props = dict[str, Any]

_AGAIN = "replace its MigrationInstance"
_OBSERVED_SETTINGS = ("migration_method", "resume_mode", "bandwidth_limit_mb")


class OnlineMigrationLifeCycle(TaskLifeCycle):
    """Check, diff, create, read, update and delete of online migrations, for one plugin process."""

    HOLDS = "migration"

    def check(self, olds: Props, news: Props) -> CheckResult:
        """Validate and complete the inputs. Each problem is a separate failure; no calls are made."""
        self._declare(olds, news)
        result = check(olds, news, self._accounts.settings)
        if olds and not result.problems:
            changes = compare(SPEC, "", olds, result.inputs, preview=self._preview)
            result.problems = list(refusals(changes, olds, result.inputs))
        if not result.problems:
            self._replacing.checked(olds, result.inputs)
        return result

    def diff(self, id_: str, olds: Props, news: Props) -> DiffResult:
        """Compare by the table, and describe the effects on data and addresses."""
        _require_same_instance(id_, olds)
        self._warn_about_endpoint(olds, news)
        changes = self._compare(SPEC, id_, olds, news)
        self._record_holder(id_, olds, news, replaces=bool(changes.replaces))
        self._replacing.differs(news, replaces=bool(changes.replaces))
        for warning in warnings(changes, olds, news):
            self._warn_if_declared(warning, news)
        return changes.result

    def create(self, props: Props) -> CreateResult:
        """Wait for the instance, then configure and start the migration (SetOnlineMigrationTask)."""
        account = self._account(props)
        id_ = str(props["task_id"])
        self._replacing.created(props)
        observer = self._observer(account, id_, props, CREATE_TIMEOUT)
        outputs = {**props, **self._location(account)}
        if props.get("existing_task_id"):
            observed = existing(observer, normalised(props))
            self._take_over(id_, props)
            return CreateResult(id_, {**outputs, **_outputs(observed), TAKEN_OVER: id_})
        before = observer.until_made(props.get("job_id"))
        observed = Reconciler(observer, self._engine, normalised(props)).begin()
        claim = new_claim() if phase_of(before) is not Phase.IDLE else None
        self._holders.created(urn_of(props) or "", id_, claim)
        return CreateResult(id_, {**outputs, **_outputs(observed), ADOPTED: claim})

    def read(self, id_: str, props: Props) -> ReadResult:
        """Answer a refresh; a different state than before is shown as drift."""
        _require_same_instance(id_, props)
        account = self._account(props)
        # Keep a migration that no longer exists: creating it again would overwrite newer data.
        outputs, warning = read.refreshed(account, id_, props, again=_AGAIN, removable=())
        if warning is not None:
            self._warn(warning, props)
        outputs = {**props, **{key: outputs[key] for key in OUTPUTS if key in outputs}}
        if outputs.get("status") != read.GONE:
            outputs.update(self._observed_settings(account, id_, outputs))
        return ReadResult(id_, outputs, read.inputs_of(outputs, INPUTS))

    def imported(self, id_: str, props: Props) -> ReadResult:
        """Read a migration for an import, in its current state (ShowMigrationTask)."""
        account = self._account(props)
        found = importing.find(account, id_, props)
        importing.require_online(found)
        self._read_for_import(found.warning, props)
        observed = account.client.show_online_migration(id_)
        inputs: Props = {
            "task_id": id_,
            "migration_method": observed.migration_method,
            "state": state_of(observed),
        }
        for key, side in (("source_instance", observed.source), ("target_instance", observed.target)):
            inputs[key] = {"id": side.id} if side.id else {"addrs": side.addrs} if side.addrs else None
        known = {key: value for key, value in inputs.items() if value}
        return found.result(self._accounts.settings, known, _outputs(observed))

    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        """Change the migration in place; a change of only a password is written into the state."""
        _require_same_instance(id_, olds)
        kept = {
            key: olds[key] for key in (*OUTPUTS, "project_id", ENDPOINT, TAKEN_OVER, ADOPTED) if key in olds
        }
        if news.get("existing_task_id"):
            kept[TAKEN_OVER] = id_
        outputs = {**kept, **news}
        changes = compare(SPEC, id_, olds, news, preview=False)
        changed = unsent(changes, olds)
        if changed and news.get("state") == STOPPED:
            outputs[UNSENT] = changed
        if not changes.in_place:
            return UpdateResult(outputs)
        observer = self._observer(self._account(outputs), id_, news, UPDATE_TIMEOUT)
        observed = Reconciler(observer, self._engine, normalised(news), changed).reconcile()
        return UpdateResult({**outputs, **_outputs(observed)})

    def delete(self, id_: str, props: Props) -> None:
        """Stop the replication. Copied data and switched addresses remain."""
        _require_same_instance(id_, props)
        if props.get(TAKEN_OVER):
            self._warn(
                f"migration {id_} was taken over, not started here; it is removed from state, but not "
                "stopped",
                props,
            )
            return
        if self._keeps(id_, props):
            return
        observer = self._observer(self._account(props), id_, props, DELETE_TIMEOUT)
        self._replacing.deleted(props)
        if observer.account.look(id_, max_age=read.LOOK_UP_AGE).row is None:
            return
        Reconciler(observer, self._engine, normalised(props)).halt()

    def _runs_again(self, news: Mapping[str, Any]) -> str:
        return runs_again(news)

    def _observed_settings(self, account: Account, id_: str, outputs: Props) -> Props:
        """Return the settings and the state that the service reports."""
        try:
            observed = account.client.show_online_migration(id_)
        except TaskNotFound:
            return {}
        settings = {
            key: getattr(observed, key)
            for key in _OBSERVED_SETTINGS
            if key in outputs and getattr(observed, key)
        }
        if "bandwidth_limit_mb" in settings:
            try:
                settings["bandwidth_limit_mb"] = int(float(settings["bandwidth_limit_mb"]))
            except ValueError:
                del settings["bandwidth_limit_mb"]
        return {**settings, "state": state_of(observed) or outputs.get("state"), **_outputs(observed)}

    def _observer(self, account: Account, id_: str, props: Props, timeout: str) -> Observer:
        urn = props.get(URN)
        return Observer(account, self._engine, id_, str(urn) if urn else None, timeout_of(props, timeout))


def _require_same_instance(id_: str, props: Props) -> None:
    """Check that the migration in the state is the one on its instance: they have the same id.

    Raises:
        TaskError: someone has edited one of the two.
    """
    instance = props.get("task_id")
    if isinstance(instance, str) and instance != id_:
        raise TaskError(
            f"the stack's state is damaged: it has the id {id_} for a migration on instance {instance}; nothing was "
            "changed; correct the id in the state, or remove the resource with `pulumi state delete` and its URN"
        )


def _outputs(observed: Online) -> Props:
    return {"status": observed.status, "task_status": observed.task_status}
