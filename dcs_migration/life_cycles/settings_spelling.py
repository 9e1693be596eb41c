"""Misspelled settings: keys of the stack's configuration and variables that are almost those of this package."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator

from dcs_migration.credentials import agency, credentials_file, official_sdk, profiles, sources
from dcs_migration.life_cycles.config import (
    DCS_ENDPOINT,
    ENDPOINTS,
    IAM_ENDPOINT,
    LOCATION_SETTINGS,
    STS_ENDPOINT,
    Settings,
)
from dcs_migration.names import NAMESPACE

OURS = (
    *LOCATION_SETTINGS,
    ENDPOINTS,
    *(
        name.removeprefix(f"{NAMESPACE}:")
        for name in (*sources.NAMES, *profiles.PROFILE, *profiles.FILE, agency.ASSUME_ROLE)
        if name.startswith(f"{NAMESPACE}:")
    ),
)

# Other keys of pulumi-huaweicloud: a stack that uses both packages may have them, so they aren't reported.
OF_PULUMI_HUAWEICLOUD = frozenset(
    (
        "agencyDomainName",
        "agencyName",
        "assumeRoleWithOidc",
        "authUrl",
        "cacertFile",
        "cert",
        "defaultTags",
        "delegatedProject",
        "domainId",
        "domainName",
        "enableForceNew",
        "enterpriseProjectId",
        "ignoreTags",
        "key",
        "password",
        "regional",
        "signingAlgorithm",
        "skipCheckUpgrade",
        "skipCheckWebsiteType",
        "tenantId",
        "tenantName",
        "token",
        "userId",
        "userName",
    )
)
# Keys that are maps, with an example of a value.
_MAPS = {ENDPOINTS: "https://...", agency.ASSUME_ROLE.removeprefix(f"{NAMESPACE}:"): "..."}
# Names that the Pulumi engine itself may add.
OF_PULUMI = frozenset({"version", "pluginDownloadURL"})


def misspelt(settings: Settings) -> Iterator[str]:
    """Yield a line for each key of the stack's configuration that is probably a misspelled key of this package."""
    for key in settings.stack_keys():
        if key in OURS or key in OF_PULUMI_HUAWEICLOUD or key in OF_PULUMI:
            continue
        head, _, rest = key.partition(".")
        if head in _MAPS and rest:
            yield (
                f"{NAMESPACE}:{key} is a separate key, not part of the map {NAMESPACE}:{head}; run `pulumi "
                f"config rm '{NAMESPACE}:{key}'`, then `pulumi config set --path '{NAMESPACE}:{key}' "
                f"{_MAPS[head]}`"
            )
        elif meant := nearest(key):
            yield f"{NAMESPACE}:{key}: unknown key; did you mean {NAMESPACE}:{meant}?"


def misspelt_variables(settings: Settings, known: Collection[str]) -> Iterator[str]:
    """Yield a line for each variable that is probably a misspelling of one of ours that isn't set.

    Args:
        settings: The settings.
        known: Variables of other tools, which aren't misspelled.
    """
    for name in settings.variables():
        if name in OUR_VARIABLES or name in known or not settings.value(name):
            continue
        meant = _nearest_variable(name)
        if meant and not settings.value(meant):
            yield f"{name}: unknown variable; did you mean {meant}?"


def _nearest_variable(name: str) -> str | None:
    prefix = _HUAWEIS.match(name)
    if not prefix:
        return None
    # Programs have other variables, so a similar name isn't enough. The exception is an endpoint: if it is missed, the
    # real cloud is called instead of an emulator.
    rest = _plain(name[prefix.end() :])
    if "dcs" in rest and difflib.get_close_matches(rest, _DCS_ENDPOINTS, n=1, cutoff=0.9):
        return DCS_ENDPOINT
    return next((ours for ours in OUR_VARIABLES if _plain(ours) == _plain(name)), None)


_HUAWEIS = re.compile(r"(?:HUAWEI_?CLOUD|HWCLOUD|HW)_?(?:SDK_)?", re.IGNORECASE)
_DCS_ENDPOINTS = ("dcsendpoint", "endpointdcs", "dcsurl")

OUR_VARIABLES = (
    DCS_ENDPOINT,
    IAM_ENDPOINT,
    STS_ENDPOINT,
    *(name for names in LOCATION_SETTINGS.values() for name in names),
    *(
        name
        for name in (*sources.NAMES, *profiles.PROFILE, *profiles.FILE, *agency.VARIABLES.values())
        if not name.startswith(NAMESPACE)
    ),
    credentials_file.VARIABLE,
    *official_sdk.OPTIONAL,
)


def nearest(key: str) -> str | None:
    """Return our key with the most similar name, if it is similar enough."""
    (found,) = difflib.get_close_matches(_plain(key), _SPELLINGS, n=1, cutoff=0.8) or (None,)
    return _SPELLINGS[found] if found else None


def _plain(key: str) -> str:
    """Return a key without differences in case, underscores, hyphens, spaces and dots."""
    return re.sub(r"[^a-z0-9]", "", key.lower())


# Also names like those of the variables: regionName, after HW_REGION_NAME.
_SPELLINGS = {
    **{
        _plain(name.removeprefix("HW_")): key
        for key, names in LOCATION_SETTINGS.items()
        for name in names
        if name.startswith("HW_")
    },
    **{_plain(key): key for key in OURS},
}
