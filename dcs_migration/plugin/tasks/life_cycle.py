"""What the life cycles of tasks share: the process's accounts and engine, the phase, warnings."""

from __future__ import annotations

from typing import Any, TypeVar

from pulumi.dynamic.config import Config

from dcs_migration.clock import Clock, SystemClock
from dcs_migration.plugin.account import Account, Accounts
from dcs_migration.plugin.config import Settings
from dcs_migration.plugin.engine import Engine, engine_of_this_process
from dcs_migration.plugin.inputs import is_unknown
from dcs_migration.plugin.tasks.home import account_of
from dcs_migration.plugin.tasks.props import URN

Some = TypeVar("Some", bound="TaskLifeCycle")


class TaskLifeCycle:
    """The base of the life cycles, one of each for a plugin process."""

    def __init__(self, accounts: Accounts, engine: Engine) -> None:
        """Build over the process's accounts and engine."""
        self._accounts = accounts
        self._engine = engine
        self._preview = False
        """A plugin process serves one phase, a preview or an update, and only the program knows which."""

    @classmethod
    def from_config(cls: type[Some], config: Config, clock: Clock | None = None) -> Some:
        """Build for this plugin process."""
        return cls(Accounts(Settings(config.get), clock or SystemClock()), engine_of_this_process())

    def _account(self, props: dict[str, Any]) -> Account:
        return account_of(self._accounts, props)

    def _warn(self, message: str, props: dict[str, Any]) -> None:
        urn = props.get(URN)
        self._engine.log("WARNING", message, None if urn is None or is_unknown(urn) else str(urn))
