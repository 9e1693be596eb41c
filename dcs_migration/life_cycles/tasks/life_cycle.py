"""What the lifecycles of tasks share: accounts, engine, phase, known resources and warnings."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from dcs_migration.dcs.errors import TaskError
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.process import Process
from dcs_migration.life_cycles.settings_check import without_effect
from dcs_migration.life_cycles.tasks.defaults import account_of, endpoint_conflict
from dcs_migration.life_cycles.tasks.delete import delete_task
from dcs_migration.life_cycles.tasks.holders import Claim
from dcs_migration.life_cycles.tasks.props import Props
from dcs_migration.life_cycles.tasks.replacing import Replacing, urn_of
from dcs_migration.life_cycles.tasks.spec import Changes, Spec, compare
from dcs_migration.names import ADOPTED, ENDPOINT, TAKEN_OVER, URN


class TaskLifeCycle:
    """The base of the lifecycles, one of each for a plugin process."""

    HOLDS: ClassVar[str] = "task"
    """The kind of thing that only one resource can hold. A migration has the id of its instance."""

    def __init__(self, process: Process) -> None:
        """Set up with the shared objects of the plugin process."""
        self.process = process
        self._accounts = process.accounts
        self._engine = process.engine
        self._holders = process.holders(self.HOLDS)
        self._replacing = Replacing(self._runs_again, self._warn)
        self._imports: dict[str | None, str] = {}  # URN: the warning about a task that was read for an import
        self._endpoint_unreported = threading.Lock()
        """The first thread that warns about the endpoint takes it, and never releases it."""

    @property
    def _preview(self) -> bool:
        return self.process.phase.preview

    def _runs_again(self, news: Props) -> str | None:
        """Return what is done again when a resource with these inputs is created again; None if nothing."""
        return None

    def _declare(self, olds: dict[str, Any], news: dict[str, Any]) -> None:
        """Record what a check shows about a replacement, and report settings without an effect."""
        for note in without_effect(self._accounts.settings):
            self._engine.log("INFO", note, None)
        if not olds:
            self._holders.checked_without_olds(urn_of(news))
        warning = self._imports.pop(urn_of(news), None)
        if warning is not None:
            self._warn(warning, news)

    def _read_for_import(self, warning: str | None, props: Props) -> None:
        """Keep a warning until the check that follows in an import.

        Pulumi's calls for a `get` are the same up to there, and what is only read is never deleted.
        """
        if warning is not None:
            self._imports[urn_of(props)] = warning

    def _compare(self, spec: Spec, id_: str, olds: Props, news: Props) -> Changes:
        """Compare by the table.

        Pulumi also asks about resources that depend on a replaced one, before the program declares them and also
        if they aren't a target. Then an unknown value isn't a change in a preview either; otherwise the preview of
        `--target` would replace what the update doesn't.
        """
        certain = self._preview and self._replacing.declares(news)
        return compare(spec, id_, olds, news, preview=certain)

    def _record_holder(self, id_: str, olds: dict[str, Any], news: dict[str, Any], *, replaces: bool) -> None:
        """Record which task a resource holds.

        Raises:
            TaskError: another resource of the program holds the same task.
        """
        if not self._replacing.declares(news):
            return
        taken_over = bool(olds.get(TAKEN_OVER))
        other = self._holders.compared(
            urn_of(news), id_, _claim(olds), taken_over=taken_over, replaces=replaces
        )
        if other:
            raise TaskError(
                f"two resources of this stack hold task {id_}, this one and {other}, so a change to one "
                "affects the other; remove the newer one from the state with `pulumi state delete` and its "
                "URN, and from the program"
            )

    def _take_over(self, id_: str, props: Props) -> None:
        """Record a task that will be taken over.

        Raises:
            TaskError: another resource of the program keeps it.
        """
        urn = urn_of(props) or ""
        owner = self._holders.owner_in_the_way(urn, id_)
        if owner is not None:
            raise TaskError(
                f"existing_task_id: task {id_} is held by another resource of this stack, {owner}; remove one of the two"
            )
        self._holders.created(urn, id_, id_, taken_over=True)

    def _keeps(self, id_: str, props: Props) -> bool:
        """Whether another resource of the program has the task now. Then this resource only removes it from the
        state, with a warning."""
        keeper = self._holders.keeper(urn_of(props), id_, _claim(props))
        if keeper:
            self._warn(
                f"task {id_} is also held by {keeper}; it is removed from state here, but not stopped "
                "or deleted",
                props,
            )
        return keeper is not None

    def _delete(self, id_: str, props: dict[str, Any]) -> None:
        """Stop and delete a task (DeleteMigrationTask), unless another resource of the program has it now."""
        if self._keeps(id_, props):
            return
        account = self._account(props)
        was_there = delete_task(account, self._engine, id_, props, replaced=self._replacing.deleted(props))
        self._holders.deleted(props.get(URN), id_, was_there=was_there)

    @staticmethod
    def _location(account: Account) -> dict[str, Any]:
        """Return the outputs with a task's location."""
        return {"region": account.region, "project_id": account.project_id, ENDPOINT: account.endpoint}

    def _account(self, props: dict[str, Any]) -> Account:
        return account_of(self._accounts, props)

    def _warn_about_endpoint(self, olds: dict[str, Any], news: dict[str, Any]) -> None:
        """Warn in a preview, once, that calls about this stack's tasks will be refused.

        It isn't an error, because a preview makes no calls and often doesn't have the settings of the update.
        """
        ahead = self._preview or not self.process.phase.known
        moved = endpoint_conflict(self._accounts.settings, olds) if ahead else None
        if moved is not None and self._endpoint_unreported.acquire(blocking=False):
            self._warn_if_declared(
                f"{moved}; until then, refresh, destroy and every change that needs a call fail", news
            )

    def _warn(self, message: str, props: Props) -> None:
        self._engine.log("WARNING", message, urn_of(props))

    def _warn_if_declared(self, message: str, news: Props) -> None:
        """Warn about the effects of a change, if there are any."""
        if self._replacing.declares(news):
            self._warn(message, news)


def _claim(props: Props) -> Claim:
    claim: Claim = props.get(TAKEN_OVER) or props.get(ADOPTED)
    return claim
