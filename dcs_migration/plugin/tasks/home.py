"""Where a task lives: state remembers it, and nobody else is spoken to about it."""

from __future__ import annotations

from urllib.parse import urlsplit

from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.names import ENDPOINT, LOOPBACK
from dcs_migration.plugin.account import Account, Accounts
from dcs_migration.plugin.config import ACCEPT_ENDPOINT, DCS_ENDPOINT, Settings
from dcs_migration.plugin.tasks.props import Props


def account_of(accounts: Accounts, props: Props) -> Account:
    """Return the account of the region and project that a property bag names.

    Raises:
        ConfigurationError: the settings point to another host than the one that state remembers.
        DcsMigrationError: as for :meth:`Accounts.at`.
    """
    moved = _moved(accounts.settings, props)  # before anything is sent, to IAM neither
    if moved is not None:
        raise ConfigurationError(moved)
    return accounts.at(props.get("region"), props.get("project_id"))


def foretold(settings: Settings, props: Props) -> str | None:
    """Say what :func:`account_of` would refuse, for a preview, which needs no settings."""
    try:
        return _moved(settings, props)
    except ConfigurationError:
        return None


def _moved(settings: Settings, props: Props) -> str | None:
    region, remembered = props.get("region"), props.get(ENDPOINT)
    if not isinstance(region, str) or not remembered:
        return None
    endpoint, accepted = urlsplit(settings.dcs_url(region)).netloc, settings.accepted_endpoint()
    if endpoint in (remembered, accepted):
        return None
    other = f" (it now names {accepted})" if accepted else ""
    return (
        f"this task lives at {remembered}, the settings now point to {endpoint}: {_way_back(settings, remembered)}, "
        f"or set {ACCEPT_ENDPOINT}={endpoint} if the service has moved there{other}"
    )


def _way_back(settings: Settings, remembered: str) -> str:
    source = settings.dcs_endpoint_source()
    on_loopback = urlsplit(f"//{remembered}").hostname in LOOPBACK
    if source == DCS_ENDPOINT and not on_loopback:
        return f"{source} says so; unset it if it is left over from something else"
    because = f"{source} says so" if source else f"{DCS_ENDPOINT} is not set"
    return f"{because}; set {DCS_ENDPOINT}={'http' if on_loopback else 'https'}://{remembered} to go on there"
