"""Where credentials come from: one table, in order of precedence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dcs_migration.credentials import official_sdk, profiles
from dcs_migration.credentials.agency import Agency, require_durations
from dcs_migration.credentials.official_sdk import Place
from dcs_migration.dcs.errors import ConfigurationError

Read = Callable[[str], "str | None"]
Fetch = Callable[[Read, Place], Any]

STACK_CONFIG = "the stack's configuration"


@dataclass(frozen=True)
class Source:
    """Where a whole set of credentials may come from.

    name: in words, for the text of a refusal. needs: one name of each group must be set; names of the stack's configuration
    have their namespace. security_token: the name of what may go with static keys. fetch: for temporary keys, what fetches
    them with Huawei's SDK. hint: what to do where these are refused.
    """

    name: str
    needs: tuple[tuple[str, ...], ...] = ()
    security_token: str = ""
    is_token: bool = False
    fetch: Fetch | None = None
    hint: str = ""
    unreachable: str = ""
    """What to do where nobody answers."""
    token: Callable[[Read], str] | None = None
    """Reads the token that it exchanges, or raises `ConfigurationError`."""
    present: Callable[[Read], bool] | None = None
    """Where no settings tell it: whether it is there. It then comes last."""

    @property
    def required(self) -> tuple[str, ...]:
        """The names that must all be set for this source to count; of alternatives the first."""
        return tuple(names[0] for names in self.needs)

    @property
    def from_config(self) -> bool:
        """Whether it is the stack's configuration."""
        return any(name.startswith("huaweicloud:") for name in self.required)

    @property
    def is_profile(self) -> bool:
        """Whether it is a profile of KooCLI."""
        return self is PROFILE

    def state(self, read: Read) -> bool | None:
        """Return whether all that it needs is set, or None where only a part of it is."""
        if self.present is not None:
            return self.present(read)
        there = [any(read(name) for name in names) for names in self.needs]
        return True if all(there) else None if any(there) else False

    def half(self, read: Read) -> ConfigurationError:
        """Return the error that says what is missing."""
        absent = [" or ".join(names) for names in self.needs if not any(read(name) for name in names)]
        given = [name for names in self.needs for name in names if read(name)]
        return ConfigurationError(
            f"half a set of credentials in {self.name}: {', '.join(given)} without {', '.join(absent)}; "
            f"{' and '.join(self.required)} belong together, set all or none"
        )


@dataclass(frozen=True)
class Credentials:
    """A whole set of credentials from one source. Its secrets are not shown by ``repr``.

    Static keys or a token are here; temporary keys are fetched by the source. agencies: through which these act.
    """

    source: str
    from_config: bool = False
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    security_token: str | None = field(default=None, repr=False)
    auth_token: str = field(default="", repr=False)
    fetched_by: Source | None = None
    agencies: tuple[Agency, ...] = ()
    from_program: bool = False
    """Whether the program gave them to this provider: the environment then decides nothing."""

    @property
    def provenance(self) -> str:
        """Where these credentials came from, for the text of a refusal."""
        source = ", then ".join([self.source, *map(str, self.agencies)])
        if self.from_program:
            return (
                f"the credentials came from {source} in the program, as of the last `pulumi up`; if they have changed since, add "
                "--run-program (this provider reads no HW_* variables)"
            )
        if self.auth_token:
            return f"the credentials came from {source}; a token expires within a day, so get a new one"
        if self.from_config:
            return (
                f"the credentials came from {source}, which refresh and destroy know as of the last `pulumi up`: after a "
                "change add --run-program, or set HW_ACCESS_KEY and HW_SECRET_KEY"
            )
        return f"the credentials came from {source}, not from the stack's configuration (which --run-program reads anew)"

    @property
    def are_static(self) -> bool:
        """Whether they stay as they are."""
        return self.fetched_by is None and not self.agencies


_OIDC_HINT = "check the id token (it may have expired), its audience, and whether the agency trusts this identity provider and subject"
_IDP_HINT = (
    "check the id token (it may have expired), its audience, and the rules of the identity provider in IAM"
)

PROFILE = Source("a profile of KooCLI", present=profiles.is_named)
_ON_SERVERS = "it answers on servers (ECS) that have an agency; elsewhere set HW_ACCESS_KEY and HW_SECRET_KEY"
METADATA = Source(
    "the instance metadata service",
    fetch=official_sdk.by_metadata,
    hint=_ON_SERVERS,
    unreachable=_ON_SERVERS,
    present=lambda read: official_sdk.is_installed(),
)
CREDENTIALS_FILE = Source(
    "the SDK's file of credentials",
    fetch=official_sdk.by_credentials_file,
    hint="write ak and sk in its section [basic]",
    present=lambda read: official_sdk.credentials_file(read) is not None,
)

# The environment first, because destroy and refresh see the configuration of the last `up`, where a rotated key could never
# be mended. Of Huawei's own variables the order is that of its SDK; but the metadata service, for which nothing is set, comes
# last.
SOURCES: tuple[Source, ...] = (
    Source("the environment (HW_*)", (("HW_ACCESS_KEY",), ("HW_SECRET_KEY",)), "HW_SECURITY_TOKEN"),
    Source("the environment (HW_AUTH_TOKEN)", (("HW_AUTH_TOKEN",),), is_token=True),
    Source(
        "OpenID Connect (HUAWEICLOUD_OIDC_*)",
        (
            ("HUAWEICLOUD_OIDC_PROVIDER_URN",),
            ("HUAWEICLOUD_OIDC_AGENCY_URN",),
            ("HUAWEICLOUD_OIDC_TOKEN_FILE", "HUAWEICLOUD_OIDC_ID_TOKEN"),
        ),
        token=official_sdk.oidc_token,
        fetch=official_sdk.by_oidc_agency,
        hint=_OIDC_HINT,
    ),
    Source(
        "OpenID Connect (HUAWEICLOUD_SDK_IDP_ID)",
        (("HUAWEICLOUD_SDK_IDP_ID",), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE",)),
        token=official_sdk.provider_token,
        fetch=official_sdk.by_identity_provider,
        hint=_IDP_HINT,
    ),
    Source(
        "OpenID Connect (HW_ASSUME_ROLE_IDP_ID)",
        (("HW_ASSUME_ROLE_IDP_ID",), ("HW_ASSUME_ROLE_ID_TOKEN_FILE",)),
        token=official_sdk.provider_token,
        fetch=official_sdk.by_identity_provider,
        hint=_IDP_HINT,
    ),
    Source(
        "the environment (HUAWEICLOUD_SDK_*)",
        (("HUAWEICLOUD_SDK_AK",), ("HUAWEICLOUD_SDK_SK",)),
        "HUAWEICLOUD_SDK_SECURITY_TOKEN",
    ),
    Source(
        "pod identity (HC_CONTAINER_*)",
        (("HC_CONTAINER_CREDENTIALS_FULL_URI",), ("HC_CONTAINER_AUTHORIZATION_TOKEN_FILE",)),
        token=official_sdk.pod_token,
        fetch=official_sdk.by_pod_identity,
        hint="check that the service account of this pod is bound to an agency",
    ),
    Source(
        STACK_CONFIG,
        (("huaweicloud:accessKey",), ("huaweicloud:secretKey",)),
        "huaweicloud:securityToken",
    ),
    PROFILE,
    CREDENTIALS_FILE,
    METADATA,
)

NAMES = tuple(
    name
    for source in SOURCES
    for name in (*(name for names in source.needs for name in names), source.security_token)
    if name
)
"""The names of all settings that the sources read."""


def credentials_of(source: Source, read: Read, agencies: tuple[Agency, ...], name: str) -> Credentials:
    """Return the credentials of a source that is whole.

    Args:
        source: The source.
        read: What a setting is set to.
        agencies: Through which they act.
        name: Where they come from, in words.

    Raises:
        ConfigurationError: a profile cannot be used, Huawei's SDK is missing, or an agency cannot be assumed in this way.
    """
    if source.fetch is not None:
        if not official_sdk.is_installed():
            raise official_sdk.missing(name)
        official_sdk.oidc_duration(read)
        require_durations(agencies, temporary=True)
        return Credentials(name, fetched_by=source, agencies=agencies)
    if source is PROFILE:
        keys = profiles.load(read).keys
        require_durations(agencies, temporary=keys.security_token is not None)
        return Credentials(
            name, False, keys.access_key, keys.secret_key, keys.security_token, agencies=agencies
        )
    values = [read(needed) or "" for needed in source.required]
    if source.is_token:
        if agencies:
            raise ConfigurationError(
                f"{agencies[0]} is assumed with an access key, and {name} has a token: unset one of them"
            )
        return Credentials(name, source.from_config, auth_token=values[0])
    token = read(source.security_token)
    require_durations(agencies, temporary=token is not None)
    return Credentials(name, source.from_config, values[0], values[1], token, agencies=agencies)
