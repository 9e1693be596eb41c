"""What the life cycles of tasks share: the process's accounts and engine, the phase, warnings."""

from __future__ import annotations

from typing import Any, TypeVar

from pulumi.dynamic.config import Config

from dcs_migration.clock import Clock, SystemClock
from dcs_migration.plugin.account import Account, Accounts
from dcs_migration.plugin.config import Settings
from dcs_migration.plugin.engine import Engine, engine_of_this_process
from dcs_migration.plugin.inputs import is_unknown
from dcs_migration.plugin.settings_check import without_effect
from dcs_migration.plugin.tasks.home import account_of
from dcs_migration.plugin.tasks.props import DRY_RUN, URN

Some = TypeVar("Some", bound="TaskLifeCycle")


class TaskLifeCycle:
    """The base of the life cycles, one of each for a plugin process."""

    def __init__(self, accounts: Accounts, engine: Engine) -> None:
        """Build over the process's accounts and engine."""
        self._accounts = accounts
        self._engine = engine
        self._preview = False
        """A plugin process serves one phase, a preview or an update, and only the program knows which."""
        self._declared: set[Any] = set()
        """URNs that a program has declared in this phase. A refresh asks for differences, too, and does nothing."""

    @classmethod
    def from_config(cls: type[Some], config: Config, clock: Clock | None = None) -> Some:
        """Build for this plugin process."""
        return cls(Accounts(Settings.of(config), clock or SystemClock()), engine_of_this_process())

    def _declare(self, news: dict[str, Any]) -> None:
        """Note what a check tells of the phase."""
        self._preview = bool(news.pop(DRY_RUN, self._preview))
        for note in without_effect(self._accounts.settings):
            self._engine.log("INFO", note, None)
        self._declared.add(_urn(news))

    def _account(self, props: dict[str, Any]) -> Account:
        return account_of(self._accounts, props)

    def _warn(self, message: str, props: dict[str, Any]) -> None:
        self._engine.log("WARNING", message, _urn(props))

    def _foretell(self, message: str, news: dict[str, Any]) -> None:
        """Warn of what a change will do, where something will be done."""
        if _urn(news) in self._declared:
            self._warn(message, news)


def _urn(props: dict[str, Any]) -> str | None:
    urn = props.get(URN)
    return None if urn is None or is_unknown(urn) else str(urn)
