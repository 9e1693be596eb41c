"""Where a task lives: state remembers it, and nobody else is spoken to about it."""

from __future__ import annotations

from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.plugin.account import Account, Accounts
from dcs_migration.plugin.config import ACCEPT_ENDPOINT
from dcs_migration.plugin.tasks.props import ENDPOINT, Props


def account_of(accounts: Accounts, props: Props) -> Account:
    """Return the account of the region and project that a property bag names.

    Raises:
        ConfigurationError: the settings point to another host than the one that state remembers.
        DcsMigrationError: as for :meth:`Accounts.at`.
    """
    account = accounts.at(props.get("region"), props.get("project_id"))
    remembered = props.get(ENDPOINT)
    if remembered and account.endpoint not in (remembered, accounts.settings.accepted_endpoint()):
        raise ConfigurationError(
            f"this task lives at {remembered}, the settings now point to {account.endpoint} (is HW_DCS_ENDPOINT "
            f"left over from something else?); unset it, or set {ACCEPT_ENDPOINT}={account.endpoint} if the "
            "service has moved there"
        )
    return account
