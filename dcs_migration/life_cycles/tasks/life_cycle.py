"""What the life cycles of tasks share: the process's accounts and engine, the phase, what is heard, warnings."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

from dcs_migration.dcs.errors import TaskError
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.process import Process
from dcs_migration.life_cycles.settings_check import without_effect
from dcs_migration.life_cycles.tasks.defaults import account_of, foretold
from dcs_migration.life_cycles.tasks.held import Claim
from dcs_migration.life_cycles.tasks.props import Props
from dcs_migration.life_cycles.tasks.replacing import Replacing, urn_of
from dcs_migration.names import ADOPTED, ENDPOINT, TAKEN_OVER


class TaskLifeCycle:
    """The base of the life cycles, one of each for a plugin process."""

    HOLDS: ClassVar[str] = "task"
    """What one resource alone may hold; a migration has the id of the instance that it runs on."""

    def __init__(self, process: Process) -> None:
        """Build over what the plugin process has, which its life cycles share."""
        self.process = process
        self._accounts = process.accounts
        self._engine = process.engine
        self._held = process.held(self.HOLDS)
        self._replacing = Replacing(self._runs_again, self._warn)
        self._home_unsaid = threading.Lock()
        """Taken by the first of the plugin's threads that warns of the endpoint, and never given back."""

    @property
    def _preview(self) -> bool:
        return self.process.phase.preview

    def _runs_again(self, news: Props) -> str | None:
        """Say what is done again when a resource with these inputs is made anew; None if nothing is."""
        return None

    def _declare(self, olds: dict[str, Any], news: dict[str, Any]) -> None:
        """Note what a check tells of a replacement, and say which settings have no effect."""
        for note in without_effect(self._accounts.settings):
            self._engine.log("INFO", note, None)
        if not olds:
            self._held.checked_anew(urn_of(news))

    def _hear(self, id_: str, olds: dict[str, Any], news: dict[str, Any], *, replaces: bool) -> None:
        """Note which task a resource holds.

        Raises:
            TaskError: another resource of the program holds the same one.
        """
        if not self._replacing.declares(news):
            return
        taken_over = bool(olds.get(TAKEN_OVER))
        other = self._held.compared(urn_of(news), id_, _claim(olds), taken_over=taken_over, replaces=replaces)
        if other:
            raise TaskError(
                f"two resources of this stack hold task {id_}, this one and {other}, so a change to one "
                "affects the other; remove the newer one from the state with `pulumi state delete` and its "
                "URN, and from the program"
            )

    def _take_over(self, id_: str, props: Props) -> None:
        """Note a task that is about to be taken over.

        Raises:
            TaskError: another resource of the program keeps it.
        """
        urn = urn_of(props) or ""
        owner = self._held.owner_in_the_way(urn, id_)
        if owner is not None:
            raise TaskError(
                f"existing_task_id: task {id_} is held by another resource of this stack, {owner}; remove one of the two"
            )
        self._held.created(urn, id_, id_, taken_over=True)

    def _keeps(self, id_: str, props: Props) -> bool:
        """Whether a resource of the program has the task now: then it is only forgotten here, with a warning."""
        keeper = self._held.keeper(urn_of(props), id_, _claim(props))
        if keeper:
            self._warn(
                f"task {id_} is also held by {keeper}; it is removed from state here, but not stopped "
                "or deleted",
                props,
            )
        return keeper is not None

    @staticmethod
    def _home(account: Account) -> dict[str, Any]:
        """Return the outputs that remember where a task lives."""
        return {"region": account.region, "project_id": account.project_id, ENDPOINT: account.endpoint}

    def _account(self, props: dict[str, Any]) -> Account:
        return account_of(self._accounts, props)

    def _foretell_home(self, olds: dict[str, Any], news: dict[str, Any]) -> None:
        """Warn in a preview, once, that calls about this stack's tasks will be refused.

        It is no error: a preview makes no call, and often has not the settings of the run that follows it.
        """
        ahead = self._preview or not self.process.phase.known
        moved = foretold(self._accounts.settings, olds) if ahead else None
        if moved is not None and self._home_unsaid.acquire(blocking=False):
            self._foretell(
                f"{moved}; until then, refresh, destroy and every change that needs a call fail", news
            )

    def _warn(self, message: str, props: Props) -> None:
        self._engine.log("WARNING", message, urn_of(props))

    def _foretell(self, message: str, news: Props) -> None:
        """Warn of what a change will do, where something will be done."""
        if self._replacing.declares(news):
            self._warn(message, news)


def _claim(props: Props) -> Claim:
    claim: Claim = props.get(TAKEN_OVER) or props.get(ADOPTED)
    return claim
