"""Where credentials come from: one table, in order of precedence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from dcs_migration.credentials import credentials_file, local_services, official_sdk, profiles, tokens
from dcs_migration.credentials.agency import Agency, require_durations
from dcs_migration.credentials.exchange import Fetch
from dcs_migration.credentials.tokens import Read
from dcs_migration.dcs.errors import ConfigurationError

STACK_CONFIG = "the stack's configuration"


@dataclass(frozen=True)
class Source:
    """A possible source of a complete set of credentials.

    name: a description for the text of a refusal. needs: one name of each group must be set; names of the stack's
    configuration have their namespace. security_token: the name of the optional token of static keys. fetch: fetches
    temporary keys. uses_sdk: whether that needs Huawei's SDK. hint: what to do if they are refused.
    """

    name: str
    needs: tuple[tuple[str, ...], ...] = ()
    security_token: str = ""
    is_token: bool = False
    fetch: Fetch | None = None
    uses_sdk: bool = False
    hint: str = ""
    unreachable: str = ""
    """What to do if there is no answer."""
    token: Callable[[Read], str] | None = None
    """Reads the secret that it uses, from a file or a variable, or raises `ConfigurationError`."""
    present: Callable[[Read], bool] | None = None
    """Whether it is available, for a source without settings. Such a source comes last."""

    @property
    def required(self) -> tuple[str, ...]:
        """The names that must all be set for this source; the first of each group of alternatives."""
        return tuple(names[0] for names in self.needs)

    @property
    def from_config(self) -> bool:
        """Whether it is the stack's configuration."""
        return any(name.startswith("huaweicloud:") for name in self.required)

    def state(self, read: Read) -> bool | None:
        """Return whether all necessary names are set, or None if only some of them are."""
        if self.present is not None:
            return self.present(read)
        there = [any(read(name) for name in names) for names in self.needs]
        return True if all(there) else None if any(there) else False

    def incomplete(self, read: Read) -> ConfigurationError:
        """Return an error with the missing names."""
        absent = [" or ".join(names) for names in self.needs if not any(read(name) for name in names)]
        given = [name for names in self.needs for name in names if read(name)]
        return ConfigurationError(
            f"incomplete credentials in {self.name}: {', '.join(given)} without {', '.join(absent)}; "
            f"set {' and '.join(self.required)} together, or none of them"
        )


@dataclass(frozen=True)
class Credentials:
    """A complete set of credentials from one source. ``repr`` doesn't show its secrets.

    It has static keys or a token; the source fetches temporary keys. agencies: those that it assumes.
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
        """A description of where these credentials came from, for the text of a refusal."""
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
                f"the credentials came from {source} as of the last `pulumi up`; if you changed them since, add --run-program "
                "or set HW_ACCESS_KEY and HW_SECRET_KEY"
            )
        return f"the credentials came from {source}"


_OIDC_HINT = "check the id token (it may have expired), its audience, and whether the agency trusts this identity provider and subject"
_IDP_HINT = (
    "check the id token (it may have expired), its audience, and the rules of the identity provider in IAM"
)

_NETWORK = "check the network and the region"

PROFILE = Source("a KooCLI profile", present=profiles.is_named)
_ON_SERVERS = (
    "it's available only on servers (ECS) with an agency; elsewhere, set HW_ACCESS_KEY and HW_SECRET_KEY"
)
METADATA = Source(
    "the instance metadata service",
    fetch=local_services.by_metadata,
    hint=_ON_SERVERS,
    unreachable=_ON_SERVERS,
    present=lambda read: official_sdk.is_installed(),
)
CREDENTIALS_FILE = Source(
    "the SDK's credentials file",
    fetch=credentials_file.by_credentials_file,
    hint="write ak and sk into its [basic] section",
    token=credentials_file.secret,
    present=lambda read: credentials_file.credentials_file(read) is not None,
)

# The environment comes first, because destroy and refresh use the configuration of the last `up`, where a rotated key
# can't be fixed. Huawei's own variables are in the order of its SDK, except that the metadata service, which has no
# settings, comes last.
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
        token=tokens.oidc_token,
        unreachable=_NETWORK,
        fetch=official_sdk.by_oidc_agency,
        uses_sdk=True,
        hint=_OIDC_HINT,
    ),
    Source(
        "OpenID Connect (HUAWEICLOUD_SDK_IDP_ID)",
        (("HUAWEICLOUD_SDK_IDP_ID",), ("HUAWEICLOUD_SDK_ID_TOKEN_FILE",)),
        token=tokens.provider_token,
        unreachable=_NETWORK,
        fetch=official_sdk.by_identity_provider,
        uses_sdk=True,
        hint=_IDP_HINT,
    ),
    Source(
        "OpenID Connect (HW_ASSUME_ROLE_IDP_ID)",
        (("HW_ASSUME_ROLE_IDP_ID",), ("HW_ASSUME_ROLE_ID_TOKEN_FILE",)),
        token=tokens.provider_token,
        unreachable=_NETWORK,
        fetch=official_sdk.by_identity_provider,
        uses_sdk=True,
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
        token=tokens.pod_token,
        unreachable="check that the agent of pod identity runs on this node",
        fetch=local_services.by_pod_identity,
        hint="check that this pod's service account is bound to an agency",
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
"""The names of the sources' settings."""


def credentials_of(source: Source, read: Read, agencies: tuple[Agency, ...], name: str) -> Credentials:
    """Return the credentials of a complete source.

    Args:
        source: The source.
        read: Returns the value of a setting.
        agencies: The agencies to assume.
        name: A description of where they come from.

    Raises:
        ConfigurationError: a profile can't be used, Huawei's SDK is missing, or an agency can't be assumed in this way.
    """
    if source.fetch is not None:
        if source.uses_sdk and not official_sdk.is_installed():
            raise official_sdk.missing(name)
        if source.fetch is official_sdk.by_oidc_agency:
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
                f"{agencies[0]} can only be assumed with an access key, but {name} has a token; unset one of them"
            )
        return Credentials(name, source.from_config, auth_token=values[0])
    token = read(source.security_token)
    require_durations(agencies, temporary=token is not None)
    return Credentials(name, source.from_config, values[0], values[1], token, agencies=agencies)
