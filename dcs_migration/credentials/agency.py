"""Agencies: their settings, and temporary keys for them (IAM, STS)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dcs_migration.credentials.keys import Keys, UnusableAnswer, keys_in
from dcs_migration.credentials.tokens import Read
from dcs_migration.dcs.errors import (
    ApiError,
    ConfigurationError,
    CredentialsUnavailable,
    PermissionDenied,
    TransportError,
)

if TYPE_CHECKING:
    from dcs_migration.dcs.transport import Transport

AGENCY = "HW_ASSUME_ROLE_AGENCY_NAME"
ASSUME_ROLE = "huaweicloud:assumeRole"
VARIABLES = {
    # part: its variable
    "agencyName": AGENCY,
    "domainName": "HW_ASSUME_ROLE_DOMAIN_NAME",
    "domainId": "HW_ASSUME_ROLE_DOMAIN_ID",
    "duration": "HW_ASSUME_ROLE_DURATION",
}
NO_AGENCY = "STS5.1106"
DEFAULT_DURATION = 3600  # seconds: the maximum for an agency that is assumed through another one
MIN_DURATION, MAX_DURATION = 900, 86_400
MAX_DURATION_OF_STS = 43_200
MAX_DURATION_IN_CHAIN = 3600  # of STS, if the caller's keys are temporary


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
        """Whether its keys come from STS and not from IAM."""
        return bool(self.domain_id)

    def __str__(self) -> str:
        return f"agency {self.name} of {self.domain_id or self.domain_name}"


def agencies(read: Read) -> tuple[Agency, ...]:
    """Return the agencies to assume, in order; the environment takes precedence over the stack's configuration.

    Args:
        read: Returns the value of a variable, or of a namespaced key of the configuration.

    Raises:
        ConfigurationError: one isn't whole, or is malformed.
    """
    # An account without an agency is incomplete: the agency's name may be a secret that a pipeline didn't get.
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
    """Return the agency with these parts.

    Args:
        given: The parts, with their names in the configuration.
        name_of: Returns the name of a part in its source.

    Raises:
        ConfigurationError: a part is missing, unknown or malformed.
    """
    unknown = sorted(set(given) - set(VARIABLES))
    if unknown:
        raise ConfigurationError(
            f"{ASSUME_ROLE} has an unknown key {unknown[0]}; valid keys: {', '.join(VARIABLES)}"
        )
    parts = {part: str(value).strip() for part, value in given.items() if value is not None}
    agency_name, domain_name, domain_id = (
        parts.get(key, "") for key in ("agencyName", "domainName", "domainId")
    )
    if not agency_name:
        raise ConfigurationError(f"{name_of('agencyName')} is missing; set it to the agency's name")
    if not domain_name and not domain_id:
        raise ConfigurationError(
            f"{name_of('agencyName')} is set, but the agency's account isn't; set {name_of('domainName')} or "
            f"{name_of('domainId')}"
        )
    longest = MAX_DURATION_OF_STS if domain_id else MAX_DURATION
    duration = duration_of(parts.get("duration"), name_of("duration"), longest)
    return Agency(agency_name, domain_name, domain_id, duration)


def require_durations(chain: tuple[Agency, ...], *, temporary: bool) -> None:
    """Check durations before the agencies are assumed: with temporary keys, STS gives at most one hour.

    Args:
        chain: The agencies, in order.
        temporary: Whether the first one is assumed with temporary keys.

    Raises:
        ConfigurationError: an agency has a longer duration.
    """
    for agency in chain if temporary else chain[1:]:
        if agency.uses_sts and agency.duration > MAX_DURATION_IN_CHAIN:
            raise ConfigurationError(
                f"the duration of {agency} must be at most {MAX_DURATION_IN_CHAIN} seconds, the limit of STS for "
                "temporary keys"
            )


def duration_of(text: str | None, name: str, longest: int) -> int:
    """Return a duration in seconds, with a default; `ConfigurationError` if it isn't a number or is out of range."""
    if not text:
        return DEFAULT_DURATION
    try:
        seconds = float(text)  # a number can arrive as 900.0
    except ValueError:
        seconds = 0.0  # a float, as those above: before Python 3.12 an int has no is_integer
    if not seconds.is_integer() or not MIN_DURATION <= seconds <= longest:
        raise ConfigurationError(f"{name} must be a whole number of seconds from {MIN_DURATION} to {longest}")
    return int(seconds)


@dataclass(frozen=True)
class _Call:
    """One of the two calls to assume an agency: the request, and the necessary permission."""

    operation: str
    action: str
    path: str
    body: Callable[[Agency], dict[str, Any]]


_BY_NAME = _Call(  # IAM 3: an agency with the name of its account
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
)
_BY_ID = _Call(  # STS: the call of Huawei's Terraform provider if the account's id is set
    "AssumeAgency",
    "sts:agencies:assume",
    "/v5/agencies/assume",
    lambda agency: {
        "agency_urn": f"iam::{agency.domain_id}:agency:{agency.name}",
        "agency_session_name": agency.name,
        "duration_seconds": agency.duration,
    },
)


def assume(agency: Agency, transport: Transport) -> Keys:
    """Return keys of an agency (CreateTemporaryAccessKeyByAgency, or AssumeAgency of STS).

    Args:
        agency: The agency.
        transport: To STS if the agency uses it, else to IAM, with the caller's credentials.

    Raises:
        CredentialsUnavailable: the call was refused, or there was no usable answer.
    """
    call = _BY_ID if agency.uses_sts else _BY_NAME
    try:
        # The call changes nothing, so an unclear outcome doesn't matter.
        body = json.dumps(call.body(agency)).encode()
        answer = transport.send(call.operation, "POST", call.path, body)
    except CredentialsUnavailable:
        raise
    except PermissionDenied as error:
        raise CredentialsUnavailable(
            str(agency),
            f"{error.facts}; check that the agency delegates to these credentials' account and that their user is allowed "
            f"to assume it ({call.action})",
        ) from None
    except ApiError as error:
        if error.error_code != NO_AGENCY:
            raise CredentialsUnavailable(str(agency), str(error), permanent=not error.may_pass) from None
        raise CredentialsUnavailable(
            str(agency), f"{error.facts}; check the agency's name and its account id"
        ) from None
    except TransportError as error:
        raise CredentialsUnavailable(str(agency), error.reason, permanent=error.permanent) from None
    try:
        return keys_in(answer.body)
    except UnusableAnswer as error:
        raise CredentialsUnavailable(str(agency), f"{call.operation}: {error}") from None
