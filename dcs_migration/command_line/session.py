"""What every command uses: settings, accounts, the clock, the console."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from dcs_migration.clock import Clock
from dcs_migration.command_line.console import Console
from dcs_migration.life_cycles.account import Account
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.names import NAMESPACE

# The options for settings: like the stack's configuration, they take precedence over the environment.
FLAGS = {"region": "--region", "projectId": "--project-id"}

CONNECT, READ = 5.0, 30.0  # seconds; someone is waiting for the result


def name_of(flag: str) -> str:
    """Return argparse's name of an option."""
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
        """The given options, then the environment. There is no stack."""
        given = {f"{NAMESPACE}:{key}": getattr(self.args, name_of(flag)) for key, flag in FLAGS.items()}
        return Settings(given.get, self.environ)

    @cached_property
    def accounts(self) -> Accounts:
        """The accounts for single reads, which are retried."""
        return Accounts(self.settings, self.clock, timeouts=(CONNECT, READ))

    @cached_property
    def patient_accounts(self) -> Accounts:
        """The accounts for polls, which handle failures themselves."""
        return Accounts(self.settings, self.clock, timeouts=(CONNECT, READ), max_retries=0)

    @property
    def account(self) -> Account:
        """The account in the settings.

        Raises:
            DcsMigrationError: a setting is missing or wrong, or the project couldn't be looked up.
        """
        return self.accounts.at(None, None)
