"""Finds all problems of the settings offline: every check calls this first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from dcs_migration.credentials import agency, profiles, sources
from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dcs.hosts import is_loopback
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.identity_check import malformed_identity
from dcs_migration.life_cycles.settings_spelling import misspelt, misspelt_variables
from dcs_migration.names import NAMESPACE

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
    if settings.explicit_endpoint and is_loopback(settings.iam_url("any")):
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
        f"this way to use an agency isn't supported; unset it, and set {agency.AGENCY} and "
        "HW_ASSUME_ROLE_DOMAIN_NAME",
    ),
    NotHonoured(
        ("HW_ASSUME_ROLE_ID_TOKEN", f"{NAMESPACE}:assumeRoleWithOidc*"),
        "an id token is only read from a file; unset it, and set HUAWEICLOUD_OIDC_PROVIDER_URN, "
        "HUAWEICLOUD_OIDC_AGENCY_URN and HUAWEICLOUD_OIDC_TOKEN_FILE",
    ),
    NotHonoured(
        (*profiles.PROFILE, *profiles.FILE),
        "other tools prefer a profile to other credentials, and this provider doesn't; unset it, or "
        "the other credentials",
        _beside_profile,
    ),
    NotHonoured(
        ("HW_SHARED_CREDENTIALS_FILE", "OS_ACCESS_KEY"),
        f"this source of credentials isn't supported; {_KEYS}",
        _without_keys,
    ),
    NotHonoured(
        ("HW_USER_PASSWORD", "OS_PASSWORD", f"{NAMESPACE}:password"),
        f"a user name with a password isn't supported; {_KEYS}",
        _without_keys,
    ),
    NotHonoured(
        ("HW_AUTH_TOKEN",),
        "other tools prefer a token to keys, and this provider uses the keys; unset it, or the keys",
        _beside_keys,
    ),
    NotHonoured(
        ("OS_AUTH_TOKEN", f"{NAMESPACE}:token"),
        "other tools prefer this token to keys, and this provider doesn't read it; unset it, or set "
        "HW_AUTH_TOKEN instead of keys",
        _without_token,
    ),
    NotHonoured(
        AUTH_URLS,
        f"it names another cloud, but this provider doesn't read it; unset it, or set {NAMESPACE}:cloud "
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
        f"it names a project, but this provider doesn't read it; unset it, or set {NAMESPACE}:projectId or "
        f"{NAMESPACE}:projectName (HW_PROJECT_ID, HW_PROJECT_NAME)",
        _without_project,
    ),
    NotHonoured(
        ("HUAWEICLOUD_SDK_REGION_DCS_*", "HUAWEICLOUD_SDK_REGIONS_FILE"),
        "it names an endpoint, but this provider doesn't read it; unset it, or set HW_DCS_ENDPOINT or "
        f"{NAMESPACE}:endpoints (dcs)",
        _without_endpoint,
    ),
)

# They don't affect the location or the credentials: a note is enough.
WITHOUT_EFFECT = {
    name: f"{name} has no effect on migration tasks, which belong to no enterprise project"
    for name in ("HW_ENTERPRISE_PROJECT_ID", f"{NAMESPACE}:enterpriseProjectId")
}


_OF_OTHER_TOOLS = frozenset({name for row in NOT_HONOURED for name in row.names} | WITHOUT_EFFECT.keys())


def problems(settings: Settings) -> list[str]:
    """Return one line for each problem of the settings, for any resource: with names, never with values."""
    lines = [*misspelt(settings), *misspelt_variables(settings, _OF_OTHER_TOOLS), *not_honoured(settings)]
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
