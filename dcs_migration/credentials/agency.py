"""Acting through an agency: who delegated what, and temporary keys for it (IAM, STS)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from dcs_migration.credentials.keys import Keys
from dcs_migration.dcs.errors import (
    ApiError,
    ConfigurationError,
    CredentialsUnavailable,
    DcsMigrationError,
    PermissionDenied,
)

if TYPE_CHECKING:
    from dcs_migration.dcs.transport import Transport

AGENCY = "HW_ASSUME_ROLE_AGENCY_NAME"
ASSUME_ROLE = "huaweicloud:assumeRole"
VARIABLES = {
    # part: the variable that has it
    "agencyName": AGENCY,
    "domainName": "HW_ASSUME_ROLE_DOMAIN_NAME",
    "domainId": "HW_ASSUME_ROLE_DOMAIN_ID",
    "duration": "HW_ASSUME_ROLE_DURATION",
}
NO_AGENCY = "STS5.1106"
DEFAULT_DURATION = 3600  # seconds: an agency that is reached through another one lasts no longer
MIN_DURATION, MAX_DURATION = 900, 86_400
MAX_DURATION_OF_STS = 43_200
MAX_DURATION_IN_CHAIN = 3600  # of STS, where the caller's own keys are temporary

Read = Callable[[str], "str | None"]


@dataclass(frozen=True)
class Agency:
    """An agency of an account that delegates to the caller.

    duration: of its keys, in seconds.
    """

    name: str
    domain_name: str = ""
    domain_id: str = ""
    duration: int = DEFAULT_DURATION

    @property
    def uses_sts(self) -> bool:
        """Whether STS is asked for its keys, and not IAM."""
        return bool(self.domain_id)

    def __str__(self) -> str:
        return f"agency {self.name} of {self.domain_id or self.domain_name}"


def agencies(read: Read) -> tuple[Agency, ...]:
    """Return the agencies to go through, in order; the environment goes before the stack's configuration.

    Args:
        read: What a variable, or a namespaced key of the configuration, is set to.

    Raises:
        ConfigurationError: one is not whole, or is malformed.
    """
    # An account without an agency is half of one: its name may be a secret that a pipeline did not get.
    if any(read(VARIABLES[part]) for part in ("agencyName", "domainName", "domainId")):
        given = {part: value for part, variable in VARIABLES.items() if (value := read(variable))}
        return (agency_of(given, lambda part: VARIABLES[part]),)
    text = read(ASSUME_ROLE)
    if text is None:
        return ()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    chain = [value] if isinstance(value, dict) else value
    if not isinstance(chain, list) or not all(isinstance(item, dict) for item in chain):
        raise ConfigurationError(
            f"{ASSUME_ROLE} must be a map; set it with `pulumi config set --path '{ASSUME_ROLE}.agencyName' ...` and "
            f"`pulumi config set --path '{ASSUME_ROLE}.domainName' ...`"
        )
    return tuple(agency_of(item, lambda part: f"{ASSUME_ROLE}.{part}") for item in chain if item)


def agency_of(given: Mapping[str, Any], name_of: Callable[[str], str]) -> Agency:
    """Return the agency of these parts.

    Args:
        given: The parts by their names in the configuration.
        name_of: How a part is called where it was written.

    Raises:
        ConfigurationError: a part is missing, unknown or malformed.
    """
    unknown = sorted(set(given) - set(VARIABLES))
    if unknown:
        raise ConfigurationError(
            f"{ASSUME_ROLE} has the key {unknown[0]}; the known ones are {', '.join(VARIABLES)}"
        )
    parts = {part: str(value).strip() for part, value in given.items() if value is not None}
    agency_name, domain_name, domain_id = (
        parts.get(key, "") for key in ("agencyName", "domainName", "domainId")
    )
    if not agency_name:
        raise ConfigurationError(f"{name_of('agencyName')} is missing: write the name of the agency")
    if not domain_name and not domain_id:
        raise ConfigurationError(
            f"{name_of('agencyName')} needs the account that the agency belongs to: set {name_of('domainName')} or "
            f"{name_of('domainId')}"
        )
    longest = MAX_DURATION_OF_STS if domain_id else MAX_DURATION
    duration = _duration(parts.get("duration"), name_of("duration"), longest)
    return Agency(agency_name, domain_name, domain_id, duration)


def require_durations(chain: tuple[Agency, ...], *, temporary: bool) -> None:
    """To be called before the agencies are assumed: STS gives an hour at most to whoever has temporary keys.

    Args:
        chain: The agencies, in order.
        temporary: Whether the keys that the first one is assumed with are temporary.

    Raises:
        ConfigurationError: one is to last for longer.
    """
    for agency in chain if temporary else chain[1:]:
        if agency.uses_sts and agency.duration > MAX_DURATION_IN_CHAIN:
            raise ConfigurationError(
                f"the duration of {agency} must be {MAX_DURATION_IN_CHAIN} seconds at most: STS gives no more to "
                "temporary keys"
            )


def _duration(text: str | None, name: str, longest: int) -> int:
    if not text:
        return DEFAULT_DURATION
    try:
        seconds = float(text)  # a number may arrive as 900.0
    except ValueError:
        seconds = 0.0  # a float, as those above: before Python 3.12 an int has no is_integer
    if not seconds.is_integer() or not MIN_DURATION <= seconds <= longest:
        raise ConfigurationError(f"{name} must be a whole number of seconds from {MIN_DURATION} to {longest}")
    return int(seconds)


@dataclass(frozen=True)
class _Call:
    """One of the two ways to assume an agency: what is asked and must be allowed, where the answer has the keys."""

    operation: str
    action: str
    path: str
    body: Callable[[Agency], dict[str, Any]]
    answer: str
    access_key: str
    secret_key: str
    security_token: str
    expires_at: str


_BY_NAME = _Call(  # IAM 3: an agency that is known by the name of its account
    "CreateTemporaryAccessKeyByAgency",
    "iam:agencies:assume",
    "/v3.0/OS-CREDENTIAL/securitytokens",
    lambda agency: {
        "auth": {
            "identity": {
                "methods": ["assume_role"],
                "assume_role": {
                    "agency_name": agency.name,
                    "domain_name": agency.domain_name,
                    "duration_seconds": agency.duration,
                },
            }
        }
    },
    "credential",
    "access",
    "secret",
    "securitytoken",
    "expires_at",
)
_BY_ID = _Call(  # STS: what Huawei's Terraform provider asks where the account's id is given
    "AssumeAgency",
    "sts:agencies:assume",
    "/v5/agencies/assume",
    lambda agency: {
        "agency_urn": f"iam::{agency.domain_id}:agency:{agency.name}",
        "agency_session_name": agency.name,
        "duration_seconds": agency.duration,
    },
    "credentials",
    "access_key_id",
    "secret_access_key",
    "security_token",
    "expiration",
)


def assume(agency: Agency, transport: Transport) -> Keys:
    """Return keys of an agency (CreateTemporaryAccessKeyByAgency, or AssumeAgency of STS).

    Args:
        agency: The agency.
        transport: To STS where the agency uses it, else to IAM, with the credentials of the caller.

    Raises:
        CredentialsUnavailable: it was refused, or there was no usable answer.
    """
    call = _BY_ID if agency.uses_sts else _BY_NAME
    try:
        # It changes nothing, so that an unclear outcome is not one.
        answer = transport.write(call.operation, "POST", call.path, call.body(agency))
    except CredentialsUnavailable:
        raise
    except PermissionDenied as error:
        raise CredentialsUnavailable(
            str(agency),
            f"{error.facts}; the agency must delegate to the account of these credentials, and their user must be allowed to "
            f"assume it ({call.action})",
        ) from None
    except ApiError as error:
        if error.error_code != NO_AGENCY:
            raise CredentialsUnavailable(str(agency), str(error), permanent=not error.may_pass) from None
        raise CredentialsUnavailable(
            str(agency), f"{error.facts}; check the name of the agency and the id of its account"
        ) from None
    except DcsMigrationError as error:
        raise CredentialsUnavailable(str(agency), str(error), permanent=not error.may_pass) from None
    found = answer.get(call.answer)
    try:
        keys = found if isinstance(found, dict) else {}
        access_key, secret_key = str(keys[call.access_key]), str(keys[call.secret_key])
        expires_at = datetime.fromisoformat(str(keys[call.expires_at]).replace("Z", "+00:00"))
        return Keys(
            access_key, secret_key, str(keys[call.security_token]), expires_at.astimezone(timezone.utc)
        )
    except (KeyError, ValueError):
        raise CredentialsUnavailable(
            str(agency), f"{call.operation} answered without keys, or without the date that they expire"
        ) from None
