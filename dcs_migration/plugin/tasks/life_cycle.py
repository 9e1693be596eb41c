"""What the life cycles of tasks share: the process's accounts and engine, the phase, warnings."""

from __future__ import annotations

import threading
from typing import Any, TypeVar

from pulumi.dynamic.config import Config

from dcs_migration.clock import Clock, SystemClock
from dcs_migration.plugin.account import Account, Accounts
from dcs_migration.plugin.config import Settings
from dcs_migration.plugin.engine import Engine, engine_of_this_process
from dcs_migration.plugin.tasks.home import account_of, foretold
from dcs_migration.plugin.tasks.props import DRY_RUN, Props
from dcs_migration.plugin.tasks.replacing import Replacing, urn_of

Some = TypeVar("Some", bound="TaskLifeCycle")


class TaskLifeCycle:
    """The base of the life cycles, one of each for a plugin process."""

    def __init__(self, accounts: Accounts, engine: Engine) -> None:
        """Build over the process's accounts and engine."""
        self._accounts = accounts
        self._engine = engine
        self._preview = False
        """A plugin process serves one phase, a preview or an update, and only the program knows which."""
        self._replacing = Replacing(self._runs_again, self._warn)
        self._home_unsaid = threading.Lock()
        """Taken by the first of the plugin's threads that warns of the endpoint, and never given back."""

    @classmethod
    def from_config(cls: type[Some], config: Config, clock: Clock | None = None) -> Some:
        """Build for this plugin process."""
        return cls(Accounts(Settings(config.get), clock or SystemClock()), engine_of_this_process())

    def _runs_again(self, news: Props) -> str | None:
        """Say what is done again when a resource with these inputs is made anew; None if nothing is."""
        return None

    def _declare(self, news: dict[str, Any]) -> None:
        """Note what a check tells of the phase."""
        self._preview = bool(news.pop(DRY_RUN, self._preview))

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
