"""Finds all problems of the settings offline: every check calls this first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from dcs_migration.credentials import agency, credentials_file, official_sdk, profiles, sources
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dcs.loopback import is_this_machine
from dcs_migration.life_cycles.config import (
    DCS_ENDPOINT,
    ENDPOINTS,
    IAM_ENDPOINT,
    NAMESPACE,
    STS_ENDPOINT,
    WHERE,
    Settings,
)
from dcs_migration.life_cycles.identity_check import malformed_identity

OURS = (
    *WHERE,
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

_FROM_CONFIGURATION = (
    " (refresh and destroy use the configuration of the last `pulumi up`; after a change, add --run-program)"
)


def _always(settings: Settings) -> bool:
    return True


def _without_keys(settings: Settings) -> bool:
    """Whether no credentials are configured. If there are some, every tool uses them."""
    return settings.source() in (None, sources.METADATA)


def _without_project(settings: Settings) -> bool:
    return settings.project_id is None and settings.project_name is None


def _without_endpoint(settings: Settings) -> bool:
    return settings.explicit_endpoint is None


def _beside_keys(settings: Settings) -> bool:
    """Whether keys are used although every tool would use the token first; keys that the program sets are intended."""
    return not _without_keys(settings) and not _by_token(settings) and not settings.has_own_credentials


def _by_token(settings: Settings) -> bool:
    source = settings.source()
    return source is not None and source.is_token


def _without_token(settings: Settings) -> bool:
    return _without_keys(settings) or _beside_keys(settings)


def _beside_profile(settings: Settings) -> bool:
    """Whether other credentials are used although a profile is set, which other tools use instead."""
    return settings.source() is not sources.PROFILE and not settings.has_own_credentials


def _of_another_cloud(settings: Settings) -> bool:
    """Whether there is an IAM address that this package doesn't use, and the DCS address or the project depends
    on it."""
    if settings.explicit_endpoint and (settings.explicit_iam or settings.project_id):
        return False
    ours = urlsplit(settings.iam_url("any")).hostname or ""
    if settings.explicit_endpoint and is_this_machine(ours):
        return False  # an emulator also serves IAM
    urls = [value for name in AUTH_URLS if (value := settings.value(name))]
    hosts = [urlsplit(url if "://" in url else f"https://{url}").hostname or "" for url in urls]
    return any(host != ours and not f".{host}".endswith(f".{settings.cloud}") for host in hosts)


AUTH_URLS = ("HW_AUTH_URL", "OS_AUTH_URL", f"{NAMESPACE}:authUrl")


@dataclass(frozen=True)
class NotHonoured:
    """Location settings and credentials of Huawei's other tools that this package doesn't use.

    names: variables, and keys of the stack's configuration with their namespace; a trailing ``*`` matches any
    ending. counts: whether they would have an effect with the other settings.
    """

    names: tuple[str, ...]
    why: str
    counts: Callable[[Settings], bool] = _always


_KEYS = "unset it, and set HW_ACCESS_KEY and HW_SECRET_KEY"

# In Huawei's Terraform provider (and pulumi-huaweicloud, which is built from it) a profile replaces the keys that
# are set.
NOT_HONOURED = (
    NotHonoured(
        ("OS_AGENCY_NAME", f"{NAMESPACE}:agencyName"),
        f"this way to use an agency is not supported; unset it, and set {agency.AGENCY} and "
        "HW_ASSUME_ROLE_DOMAIN_NAME",
    ),
    NotHonoured(
        ("HW_ASSUME_ROLE_ID_TOKEN", f"{NAMESPACE}:assumeRoleWithOidc*"),
        "an id token is only read from a file; unset it, and set HUAWEICLOUD_OIDC_PROVIDER_URN, "
        "HUAWEICLOUD_OIDC_AGENCY_URN and HUAWEICLOUD_OIDC_TOKEN_FILE",
    ),
    NotHonoured(
        (*profiles.PROFILE, *profiles.FILE),
        "other tools prefer a profile to other credentials, and this provider does not; unset it, or "
        "the other credentials",
        _beside_profile,
    ),
    NotHonoured(
        ("HW_SHARED_CREDENTIALS_FILE", "OS_ACCESS_KEY"),
        f"this source of credentials is not supported; {_KEYS}",
        _without_keys,
    ),
    NotHonoured(
        ("HW_USER_PASSWORD", "OS_PASSWORD", f"{NAMESPACE}:password"),
        f"a user name with a password is not supported; {_KEYS}",
        _without_keys,
    ),
    NotHonoured(
        ("HW_AUTH_TOKEN",),
        "other tools prefer a token to keys, and this provider uses the keys; unset it, or the keys",
        _beside_keys,
    ),
    NotHonoured(
        ("OS_AUTH_TOKEN", f"{NAMESPACE}:token"),
        "other tools prefer this token to keys, and this provider does not read it; unset it, or set "
        "HW_AUTH_TOKEN instead of keys",
        _without_token,
    ),
    NotHonoured(
        AUTH_URLS,
        f"it names another cloud, but this provider does not read it; unset it, or set {NAMESPACE}:cloud "
        f"(HW_CLOUD), or {NAMESPACE}:endpoints (dcs, iam)",
        _of_another_cloud,
    ),
    NotHonoured(
        (
            "OS_PROJECT_ID",
            "OS_PROJECT_NAME",
            "OS_TENANT_ID",
            "OS_TENANT_NAME",
            f"{NAMESPACE}:tenantId",
            f"{NAMESPACE}:tenantName",
        ),
        f"it names a project, but this provider does not read it; unset it, or set {NAMESPACE}:projectId or "
        f"{NAMESPACE}:projectName (HW_PROJECT_ID, HW_PROJECT_NAME)",
        _without_project,
    ),
    NotHonoured(
        ("HUAWEICLOUD_SDK_REGION_DCS_*", "HUAWEICLOUD_SDK_REGIONS_FILE"),
        "it names an endpoint, but this provider does not read it; unset it, or set HW_DCS_ENDPOINT or "
        f"{NAMESPACE}:endpoints (dcs)",
        _without_endpoint,
    ),
)

# They don't affect the location or the credentials: a note is enough.
WITHOUT_EFFECT = {
    name: f"{name} has no effect on migration tasks, which belong to no enterprise project"
    for name in ("HW_ENTERPRISE_PROJECT_ID", f"{NAMESPACE}:enterpriseProjectId")
}


def problems(settings: Settings) -> list[str]:
    """Return one line for each problem of the settings, for any resource: with names, never with values."""
    lines = [*misspelt(settings), *misspelt_variables(settings), *not_honoured(settings)]
    for read in _READERS:
        try:
            read(settings)
        except ConfigurationError as error:
            lines.append(str(error))
    lines += malformed_identity(settings)
    return list(dict.fromkeys(lines))


_READERS: tuple[Callable[[Settings], object], ...] = (
    lambda settings: settings.region,
    lambda settings: settings.project_id,
    lambda settings: settings.project_name,
    lambda settings: settings.cloud,
    lambda settings: settings.insecure,
    lambda settings: settings.max_retries,
    lambda settings: settings.dcs_url("any"),
    lambda settings: settings.iam_url("any"),
    lambda settings: settings.sts_url("any"),
    lambda settings: settings.agencies,
    lambda settings: settings.checked_credentials(),
)


def require_honoured(settings: Settings) -> None:
    """Refuse bad settings. Call it before the service, because not every operation has a check before it.

    Raises:
        ConfigurationError: there is a location setting or a credential that this package doesn't use.
    """
    lines = list(not_honoured(settings))
    if lines:
        raise ConfigurationError(*lines)


def not_honoured(settings: Settings) -> Iterator[str]:
    """Yield a line for each location setting or credential that other tools use and this package doesn't."""
    for row in NOT_HONOURED:
        names = [name for pattern in row.names for name in settings.named(pattern)]
        if names and _counts(row, settings):
            from_config = any(name.startswith(NAMESPACE) for name in names)
            yield f"{', '.join(names)}: {row.why}" + _FROM_CONFIGURATION * from_config


def _counts(row: NotHonoured, settings: Settings) -> bool:
    try:
        return row.counts(settings)
    except ConfigurationError:
        return False  # the problem of the other setting is already reported


def without_effect(settings: Settings) -> list[str]:
    """Return a note for each setting without an effect."""
    return [note for name, note in WITHOUT_EFFECT.items() if settings.named(name)]


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


def misspelt_variables(settings: Settings) -> Iterator[str]:
    """Yield a line for each variable that is probably a misspelling of one of ours that isn't set."""
    known = {name for row in NOT_HONOURED for name in row.names} | WITHOUT_EFFECT.keys()
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
    *(name for names in WHERE.values() for name in names),
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
        for key, names in WHERE.items()
        for name in names
        if name.startswith("HW_")
    },
    **{_plain(key): key for key in OURS},
}
