"""What every command works with: settings, accounts, the clock, the console."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dcs_migration.clock import Clock
from dcs_migration.command_line.console import Console
from dcs_migration.life_cycles.account import Account, Accounts
from dcs_migration.life_cycles.config import NAMESPACE, Settings

# The options that stand for a setting: they go before the environment, as the stack's configuration does.
FLAGS = {"region": "--region", "projectId": "--project-id"}

CONNECT, READ = 5.0, 30.0  # seconds; someone sits and waits


def name_of(flag: str) -> str:
    """Return the name that argparse gives an option."""
    return flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Session:
    """One run of a command."""

    args: argparse.Namespace
    console: Console
    clock: Clock
    environ: Mapping[str, str]

    @cached_property
    def settings(self) -> Settings:
        """The options that were given, then the environment. There is no stack."""
        given = {f"{NAMESPACE}:{key}": getattr(self.args, name_of(flag)) for key, flag in FLAGS.items()}
        return Settings(given.get, self.environ)

    @cached_property
    def accounts(self) -> Accounts:
        """The accounts, for looks that are tried again while trouble may pass."""
        return Accounts(self.settings, self.clock, timeouts=(CONNECT, READ))

    @cached_property
    def patient_accounts(self) -> Accounts:
        """The accounts, for polls that decide by themselves what to do about trouble."""
        return Accounts(self.settings, self.clock, timeouts=(CONNECT, READ), max_retries=0)

    @property
    def account(self) -> Account:
        """The account that the settings name.

        Raises:
            DcsMigrationError: a setting is missing or wrong, or the project could not be looked up.
        """
        return self.accounts.at(None, None)
