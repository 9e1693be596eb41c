"""What the life cycles of tasks share: the process's accounts and engine, the phase, what is heard, warnings."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

from pulumi.dynamic.config import Config

from dcs_migration.clock import SystemClock
from dcs_migration.dcs.errors import TaskError
from dcs_migration.plugin.account import Account, Accounts
from dcs_migration.plugin.config import Settings
from dcs_migration.plugin.engine import Engine, engine_of_this_process
from dcs_migration.plugin.settings_check import without_effect
from dcs_migration.plugin.tasks.held import Held
from dcs_migration.plugin.tasks.home import account_of, foretold
from dcs_migration.plugin.tasks.props import ADOPTED, DRY_RUN, ENDPOINT, TAKEN_OVER, Props
from dcs_migration.plugin.tasks.replacing import Replacing, urn_of

Some = TypeVar("Some", bound="TaskLifeCycle")


class TaskLifeCycle:
    """The base of the life cycles, one of each for a plugin process."""

    def __init__(self, accounts: Accounts, engine: Engine, held: Held | None = None) -> None:
        """Build over the process's accounts and engine, and what it has heard of the state."""
        self._accounts = accounts
        self._engine = engine
        self._held = held or Held()
        self._preview = False
        """A plugin process serves one phase, a preview or an update, and only the program knows which."""
        self._replacing = Replacing(self._runs_again, self._warn)
        self._home_unsaid = threading.Lock()
        """Taken by the first of the plugin's threads that warns of the endpoint, and never given back."""

    @classmethod
    def from_config(cls: type[Some], config: Config) -> Some:
        """Build for this plugin process, whose resources share accounts, and so listings and turns."""
        global _process
        with _FIRST:
            if _process is None:
                accounts = Accounts(Settings.of(config), SystemClock())
                _process = accounts, engine_of_this_process(), Held()
        return cls(*_process)

    def _runs_again(self, news: Props) -> str | None:
        """Say what is done again when a resource with these inputs is made anew; None if nothing is."""
        return None

    def _declare(self, olds: dict[str, Any], news: dict[str, Any]) -> None:
        """Note what a check tells of the phase, and of a replacement."""
        self._preview = bool(news.pop(DRY_RUN, self._preview))
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
        other = self._held.compared(
            urn_of(news), id_, taken_over=bool(olds.get(TAKEN_OVER)), replaces=replaces
        )
        if other and not olds.get(TAKEN_OVER):
            raise TaskError(
                f"two resources of this stack hold task {id_}, this one and {other}: a change of one would touch the "
                "other; take the newer one out of the state with `pulumi state delete` and its URN, and out of the program"
            )

    def _take_over(self, id_: str, props: dict[str, Any]) -> None:
        """Note a task that a resource takes over.

        Raises:
            TaskError: another resource of the program holds it, and keeps it.
        """
        urn = urn_of(props)
        other = self._held.is_needed_elsewhere(urn, id_) or self._held.got_elsewhere(urn, id_)
        if other:
            raise TaskError(
                f"existing_task_id: task {id_} is held by another resource of this stack, {other}: take that one out of the "
                "program first"
            )
        self._held.created(urn or "", id_)

    def _keeps_for_another(self, id_: str, props: dict[str, Any]) -> bool:
        """Whether another resource of the program has taken a task over, or holds one that was adopted: it is forgotten."""
        urn = urn_of(props)
        other = self._held.got_elsewhere(urn, id_) or self._held.taken_elsewhere(urn, id_)
        if props.get(ADOPTED):
            other = other or self._held.is_needed_elsewhere(urn, id_)
        if other:
            self._warn(
                f"task {id_} is held by {other}, too: it is forgotten here, not stopped or deleted", props
            )
        return bool(other)

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
        moved = foretold(self._accounts.settings, olds) if self._preview else None
        if moved is not None and self._home_unsaid.acquire(blocking=False):
            self._foretell(
                f"{moved}; until then refresh, destroy and every change that needs a call fail", news
            )

    def _warn(self, message: str, props: Props) -> None:
        self._engine.log("WARNING", message, urn_of(props))

    def _foretell(self, message: str, news: Props) -> None:
        """Warn of what a change will do, where something will be done."""
        if self._replacing.declares(news):
            self._warn(message, news)


_FIRST = threading.Lock()
_process: tuple[Accounts, Engine, Held] | None = None
