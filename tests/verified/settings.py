"""What the tier may use: the real service only when a variable says so, and only what is named for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dcs_migration.credentials.sources import METADATA
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.life_cycles.config import NO_CREDENTIALS, NO_REGION, Settings

OPT_IN = "DCS_MIGRATION_VERIFIED"
NEEDED = ("TARGET_ID", "BUCKET", "FILE")
PLACE = ("VPC_ID", "SUBNET_ID", "SECURITY_GROUP_ID")
_SOURCE = ("SOURCE_ID", "SOURCE_ADDRS")
OPTIONAL = ("TARGET_PASSWORD", *_SOURCE, "SOURCE_PASSWORD", *PLACE)
_OURS = ("HW_", "HUAWEICLOUD_", OPT_IN)
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}


class Missing(Exception):
    """The real service was asked for, and something that it takes isn't set; the message is one line."""


@dataclass(frozen=True)
class Source:
    """A Redis to migrate from, and the network in which the service may make its migration machine."""

    instance: Mapping[str, str] = field(repr=False)
    network: Mapping[str, str]


@dataclass(frozen=True)
class Named:
    """What may be written to, and read from."""

    target: Mapping[str, str] = field(repr=False)
    bucket: str
    file: str
    source: Source | None


def variable(name: str) -> str:
    """Return the full name of a variable of this tier."""
    return f"{OPT_IN}_{name}"


def opted_in(environ: Mapping[str, str]) -> bool:
    """Return whether to use the real service. Raises Missing if that can't be intended."""
    value = environ.get(OPT_IN, "").strip().lower()
    if value not in _FLAGS:
        raise Missing(f"{OPT_IN} must be 1, or not be set")
    if _FLAGS[value] and "PYTEST_XDIST_WORKER" in environ:
        raise Missing(
            f"{OPT_IN}=1 is for one process, not for several beside each other: run `make verified`"
        )
    return _FLAGS[value]


def settings_in(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that the package and this tier read, and no others."""
    return {name: value for name, value in environ.items() if name.startswith(_OURS)}


def named_in(environ: Mapping[str, str]) -> Named:
    """Return what is named. Makes no call; raises Missing with everything that isn't set, on one line."""
    given = {name: environ.get(variable(name), "").strip() for name in (*NEEDED, *OPTIONAL)}
    missing = [*_unset(environ), *(variable(name) for name in NEEDED if not given[name])]
    online = any(given[name] for name in (*_SOURCE, "SOURCE_PASSWORD", *PLACE))
    if online:
        missing += [variable(name) for name in PLACE if not given[name]]
        if not any(given[name] for name in _SOURCE):
            missing.append(" or ".join(variable(name) for name in _SOURCE))
    if missing:
        raise Missing(f"{OPT_IN}=1 needs more, and nothing was called: not set: {', '.join(missing)}")
    if all(given[name] for name in _SOURCE):
        raise Missing(f"{' and '.join(variable(name) for name in _SOURCE)} are both set: write one of them")
    source = Source(_instance(given, "SOURCE"), {name.lower(): given[name] for name in PLACE})
    return Named(_instance(given, "TARGET"), given["BUCKET"], given["FILE"], source if online else None)


def _instance(given: Mapping[str, str], side: str) -> dict[str, str]:
    found = {key: given.get(f"{side}_{key.upper()}", "") for key in ("id", "addrs", "password")}
    return {key: value for key, value in found.items() if value}


def _unset(environ: Mapping[str, str]) -> list[str]:
    settings = Settings(environ=environ)
    found = []
    try:
        if settings.region is None:
            raise ConfigurationError(NO_REGION)
    except ConfigurationError as error:
        found.append(f"HW_REGION_NAME ({error})")
    try:
        if settings.source() in (
            None,
            METADATA,
        ):  # who wants to try it with a server's agency says so with a profile
            raise ConfigurationError(NO_CREDENTIALS)
        settings.credentials()
    except ConfigurationError as error:
        found.append(f"HW_ACCESS_KEY and HW_SECRET_KEY ({error})")
    return found
