"""Location settings and credentials, from stack configuration and environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dcs.loopback import is_this_machine
from dcs_migration.life_cycles import endpoints
from dcs_migration.life_cycles.secrets import scrub

if TYPE_CHECKING:
    from dcs_migration.credentials.agency import Agency
    from dcs_migration.credentials.profiles import Profile
    from dcs_migration.credentials.sources import Credentials, Source

NAMESPACE = "huaweicloud"
DEFAULT_CLOUD = "myhuaweicloud.com"
DEFAULT_MAX_RETRIES = 5

# Location settings: the stack's configuration first, then these variables in turn.
WHERE: dict[str, tuple[str, ...]] = {
    "region": ("HW_REGION_NAME",),
    "projectId": ("HW_PROJECT_ID", "HUAWEICLOUD_SDK_PROJECT_ID"),
    "projectName": ("HW_PROJECT_NAME",),
    "cloud": ("HW_CLOUD",),
    "insecure": ("HW_INSECURE",),
    "maxRetries": ("HW_MAX_RETRIES",),
}
ENDPOINTS = "endpoints"
DCS_ENDPOINT = "HW_DCS_ENDPOINT"
IAM_ENDPOINT = "HUAWEICLOUD_SDK_IAM_ENDPOINT"
STS_ENDPOINT = "HUAWEICLOUD_SDK_STS_ENDPOINT"
EXPLICIT = "dcs_migration:credentials"  # names the Provider whose credentials are set in the program
EXPLICIT_AGENCY = "dcs_migration:agency"  # and the one whose agency is set there
ACCEPT_ENDPOINT = "DCS_MIGRATION_ACCEPT_ENDPOINT"

EMPTY = ("[]", "{}")  # templates leave these behind; they count as not set

_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PROJECT = re.compile(r"[0-9A-Za-z_-]{1,64}")
_PROJECT_NAME = re.compile(r"[\w.-][\w. -]{0,63}")
_CLOUD = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}

NO_REGION = "no region; set huaweicloud:region (`pulumi config set huaweicloud:region ...`) or HW_REGION_NAME"
NO_CREDENTIALS = (
    "no credentials; set HW_ACCESS_KEY and HW_SECRET_KEY (or HW_AUTH_TOKEN), or huaweicloud:accessKey and "
    "`pulumi config set --secret huaweicloud:secretKey`; for other sources see docs/guides/credentials.md "
    "(a user name with a password is not supported)"
)


class Settings:
    """The ``huaweicloud`` settings of one plugin process; they are read only when needed, so a preview works
    without any."""

    def __init__(
        self,
        get: Callable[[str], Any] = lambda key: None,
        environ: Mapping[str, str] = os.environ,
        keys: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Build from stack configuration (a getter, and all keys, both with namespaces) and the environment."""
        self._get = get
        self._environ = environ
        self._keys = keys

    def stack_keys(self) -> list[str]:
        """The keys of the stack's configuration in our namespace, without it."""
        prefix = f"{NAMESPACE}:"
        return sorted(key.removeprefix(prefix) for key in self._keys() if key.startswith(prefix))

    def named(self, pattern: str) -> list[str]:
        """The variables, or the namespaced keys, of this name that are set; a trailing ``*`` stands for any ending."""
        prefix = f"{NAMESPACE}:"
        of_stack = pattern.startswith(prefix)
        names = [pattern]
        if pattern.endswith("*"):
            every = [prefix + key for key in self.stack_keys()] if of_stack else sorted(self._environ)
            names = [name for name in every if name.startswith(pattern[:-1])]
        return [name for name in names if self.value(name) not in (None, *EMPTY)]

    def value(self, name: str) -> str | None:
        """Returns the value of a variable, or of a namespaced key of the stack's configuration."""
        prefix = f"{NAMESPACE}:"
        return self._config(name.removeprefix(prefix)) if name.startswith(prefix) else self._env(name)

    def variables(self) -> list[str]:
        """The names of all variables."""
        return sorted(self._environ)

    def _config(self, key: str) -> str | None:
        value = self._get(f"{NAMESPACE}:{key}")
        return str(value).strip() or None if value is not None else None

    def _env(self, *names: str) -> str | None:
        return next((value for name in names if (value := self._environ.get(name, "").strip())), None)

    def _where(self, key: str) -> str | None:
        return self._config(key) or self._env(*WHERE[key]) or self._of_profile(key)

    def origin(self, key: str) -> str | None:
        """Return the name of the setting that sets a key of :data:`WHERE`; None if it isn't set."""
        if self._config(key):
            return f"{NAMESPACE}:{key}"
        variable = next((name for name in WHERE[key] if self._env(name)), None)
        if variable or not self._of_profile(key):
            return variable
        return self.profile.name if self.profile is not None else None

    def _of_profile(self, key: str) -> str | None:
        """The value from the credentials' profile, if no setting has one."""
        if key not in ("region", "projectId") or self.profile is None:
            return None
        if key == "region":
            return self.profile.region or None
        # A project belongs to a region.
        return self.profile.project_id or None if self._where("region") == self.profile.region else None

    def _valid(self, key: str, pattern: re.Pattern[str], what: str) -> str | None:
        value = self._where(key)
        if value is not None and not pattern.fullmatch(value):
            raise ConfigurationError(
                f"{NAMESPACE}:{key} ({', '.join(WHERE[key])}) is not {what}; correct it where it is set"
            )
        return value

    @property
    def region(self) -> str | None:
        """The configured region, if any."""
        return self._valid("region", _REGION, "a region name such as eu-west-101")

    @property
    def project_id(self) -> str | None:
        """The configured project, if any. It belongs to the configured region only."""
        variable = next((name for name in WHERE["projectId"] if self._env(name)), None)
        if variable and self._config("projectName") and not self._config("projectId"):
            raise ConfigurationError(
                f"{NAMESPACE}:projectName and {variable} both name a project; unset one of them"
            )
        return self._valid("projectId", _PROJECT, "a project id")

    @property
    def project_name(self) -> str | None:
        """The name of the configured project, if its id isn't set. It belongs to the configured region only."""
        return None if self.project_id else self._valid("projectName", _PROJECT_NAME, "a project name")

    @property
    def cloud(self) -> str:
        """The domain of the cloud. Default ``myhuaweicloud.com``."""
        return self._valid("cloud", _CLOUD, "a domain such as myhuaweicloud.com") or DEFAULT_CLOUD

    @property
    def insecure(self) -> bool:
        """Whether to skip TLS verification and to allow plain http outside loopback. Default False."""
        text = self._where("insecure")
        if text is None:
            return False
        if text.lower() not in _FLAGS:
            raise ConfigurationError("huaweicloud:insecure (HW_INSECURE) must be true or false")
        return _FLAGS[text.lower()]

    @property
    def max_retries(self) -> int:
        """How often a failed read is retried. Default 5."""
        text = self._where("maxRetries")
        if text is None:
            return DEFAULT_MAX_RETRIES
        try:
            number = float(text)  # a number can arrive as 3.0
        except ValueError:
            number = -1
        if not 0 <= number <= 20 or not number.is_integer():
            raise ConfigurationError(
                "huaweicloud:maxRetries (HW_MAX_RETRIES) must be a whole number from 0 to 20"
            )
        return int(number)

    def dcs_url(self, region: str) -> str:
        """Base URL of DCS: HW_DCS_ENDPOINT, then ``huaweicloud:endpoints`` (``dcs``), then the region's."""
        return self._url("dcs", region, self.explicit_endpoint, DCS_ENDPOINT)

    @property
    def explicit_iam(self) -> str | None:
        """The configured endpoint of IAM, if any."""
        return self._endpoints().get("iam") or self._env(IAM_ENDPOINT)

    @property
    def explicit_endpoint(self) -> str | None:
        """The configured endpoint of DCS, if any."""
        return self._env(DCS_ENDPOINT) or self._endpoints().get("dcs")

    def dcs_endpoint_source(self) -> str | None:
        """Return the name of the setting with the base URL of DCS; None if the region determines it."""
        if self._env(DCS_ENDPOINT):
            return DCS_ENDPOINT
        return f"{NAMESPACE}:endpoints" if self._endpoints().get("dcs") else None

    def iam_url(self, region: str) -> str:
        """Base URL of IAM. A DCS endpoint on loopback is an emulator, which also serves IAM."""
        explicit = self.explicit_iam
        if explicit is None:
            dcs = self.dcs_url(region)
            if is_this_machine(urlsplit(dcs).hostname):
                return dcs
        return self._url("iam", region, explicit, IAM_ENDPOINT)

    def on_loopback(self, region: str) -> bool:
        """Whether the service of a region is on this machine: an emulator."""
        return is_this_machine(urlsplit(self.dcs_url(region)).hostname)

    def accepted_endpoint(self) -> str | None:
        """The host in DCS_MIGRATION_ACCEPT_ENDPOINT, for tasks whose endpoint has moved."""
        return self._env(ACCEPT_ENDPOINT)

    def _endpoints(self) -> dict[str, str]:
        return endpoints.configured(self._config(ENDPOINTS))

    def _url(self, service: str, region: str, explicit: str | None, variable: str) -> str:
        if explicit is None:
            return f"https://{service}.{region}.{self.cloud}"
        where = f"the {service} endpoint ({variable} or huaweicloud:endpoints)"
        return endpoints.base_url(explicit, where, allow_http=self.insecure)

    @property
    def explicit_sts(self) -> str | None:
        """The configured endpoint of STS, if any."""
        return self._endpoints().get("sts") or self._env(STS_ENDPOINT)

    def sts_url(self, region: str) -> str:
        """Base URL of STS, the service for agencies and identity providers. An emulator also serves it."""
        explicit = self.explicit_sts
        if explicit is None and self.on_loopback(region):
            return self.dcs_url(region)
        return self._url("sts", region, explicit, STS_ENDPOINT)

    def credentials(self) -> Credentials:
        """Return the first complete set of credentials, with the agencies that it assumes.

        Raises:
            ConfigurationError: there are none, a set is incomplete, or something that they need is missing.
        """
        credentials = self._chosen_credentials()
        if credentials is None:
            raise ConfigurationError(NO_CREDENTIALS)
        scrub.add(
            *filter(
                self._is_hidden, (credentials.secret_key, credentials.security_token, credentials.auth_token)
            )
        )
        return credentials

    def _is_hidden(self, secret: str | None) -> bool:
        """Whether a secret is to be masked: an emulator's key is often a part of its region's name, which is shown."""
        return not (self._is_emulated and secret and secret in (self.region or ""))

    def checked_credentials(self) -> Credentials | None:
        """Return the same for a check, which doesn't use their secrets; None if there are none.

        Raises:
            ConfigurationError: as above, or a token file can't be used.
        """
        credentials = self._chosen_credentials()
        source = credentials.fetched_by if credentials is not None else None
        if source is not None and source.token is not None:
            try:
                source.token(self.of_identity)
            except ConfigurationError as error:
                raise ConfigurationError(f"{source.name}: {error}") from None
        return credentials

    def _chosen_credentials(self) -> Credentials | None:
        source = self.source(halves=False)
        if source is None:
            return None
        from dcs_migration.credentials.sources import credentials_of

        found = credentials_of(source, self.of_identity, self.agencies, self._name_of(source))
        return replace(found, from_program=True) if self.has_own_credentials else found

    def source(self, *, halves: bool = True) -> Source | None:
        """Return the source of the credentials: the first complete one; None if there is none.

        Raises:
            ConfigurationError: an earlier source is incomplete, unless ``halves`` are skipped.
        """
        from dcs_migration.credentials.sources import CREDENTIALS_FILE, METADATA, SOURCES

        for source in SOURCES:
            if source in (CREDENTIALS_FILE, METADATA) and self.has_own_credentials:
                continue  # they are the machine's
            if source is METADATA and self._is_emulated:
                continue  # an emulator's servers have no metadata, and on other machines the call is slow
            state = source.state(self.of_identity)
            if state:
                return source
            if state is None and not halves:
                raise source.half(self.of_identity)
        return None

    def of_identity(self, name: str) -> str | None:
        """The value of a credentials setting. If the program sets credentials, only the program's values count."""
        if self.has_own_credentials and not name.startswith(NAMESPACE):
            return None
        value = self.value(name)
        return None if value in EMPTY else value

    def _config_alone(self, name: str) -> str | None:
        """The program's value of a setting; variables don't count."""
        return self.of_identity(name) if name.startswith(NAMESPACE) else None

    @property
    def agencies(self) -> tuple[Agency, ...]:
        """The agencies to assume, in order.

        Raises:
            ConfigurationError: an agency is incomplete or malformed.
        """
        from dcs_migration.credentials.agency import agencies

        written = self._get(EXPLICIT_AGENCY) is not None
        found = agencies(self._config_alone if written else self.of_identity)
        return found if found or self.profile is None else self.profile.agencies

    @cached_property
    def profile(self) -> Profile | None:
        """The KooCLI profile, if the credentials come from one.

        Raises:
            ConfigurationError: the profile doesn't exist, or it can't be used.
        """
        from dcs_migration.credentials import profiles
        from dcs_migration.credentials.sources import PROFILE

        return profiles.load(self.of_identity) if self.source() is PROFILE else None

    @property
    def has_own_credentials(self) -> bool:
        """Whether the program gave this provider its credentials."""
        return self._get(EXPLICIT) is not None

    @property
    def _is_emulated(self) -> bool:
        return self.on_loopback("any")

    def _name_of(self, source: Source) -> str:
        """A description of where the credentials come from: an explicit provider, or else the source."""
        name = self._get(EXPLICIT)
        if name is not None:
            return f"Provider '{name}'"
        return source.name if self.profile is None else self.profile.name
