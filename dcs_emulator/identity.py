"""Identity: the operations of IAM, STS, and the services of servers and pods that issue temporary keys.

Id tokens are read but not verified: the audience and expiry are checked, but not the issuer's signature.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from dcs_emulator.errors import ApiError
from dcs_emulator.signature import IssuedKeys

BY_TOKEN = "CreateTemporaryAccessKeyByToken"  # noqa: S105 (a name)
BY_AGENCY = "CreateTemporaryAccessKeyByAgency"

# operation, method, path
ROUTES: tuple[tuple[str, str, str], ...] = (
    ("CreateTokenWithIdToken", "POST", "/v3.0/OS-AUTH/id-token/tokens"),
    (BY_AGENCY, "POST", "/v3.0/OS-CREDENTIAL/securitytokens"),
    ("AssumeAgencyWithOIDC", "POST", "/v5/agencies/assume-with-oidc"),
    ("AssumeAgency", "POST", "/v5/agencies/assume"),
    ("CreateMetadataToken", "PUT", "/meta-data/latest/api/token"),
    ("ShowSecurityKey", "GET", "/openstack/latest/securitykey"),
    ("ShowPodCredentials", "POST", "/pod-identity/credentials"),
)
SIGNED = frozenset({BY_AGENCY, "AssumeAgency"})
"""The caller already has keys. With the other operations, a caller without keys gets some."""

# The public codes of STS. The code of a refused id token isn't public, so the one for denied access is used.
NO_AGENCY = "STS5.1106"
DENIED = "PAP5.0001"

SHORTEST, LONGEST = 900, 86_400  # allowed lifetimes of keys, in seconds
LONGEST_OF_STS = 43_200
LONGEST_IN_CHAIN = 3600  # of STS, if the caller's keys are temporary
DEFAULT_SECONDS = {BY_AGENCY: 900, BY_TOKEN: 900, "AssumeAgency": 3600, "AssumeAgencyWithOIDC": 3600}


@dataclass(frozen=True)
class Trust:
    """Who gets keys. By default, no one.

    audience: the required audience of an id token; agencies: the account (name or id) of each agency, by the
    agency's name; server_agency: the agency of the server with this metadata service; pod_token: the token of a
    pod; lifetime: of all keys, in seconds, if it isn't the requested one.
    """

    audience: str | None = None
    agencies: Mapping[str, str] = field(default_factory=dict)
    server_agency: str | None = None
    pod_token: str | None = None
    lifetime: float | None = None


@dataclass(frozen=True)
class IdentityCall:
    """One call: its operation, headers (lower case), and a function that reads its JSON body or raises `ApiError`."""

    operation: str
    headers: Mapping[str, str]
    read_body: Callable[[], Any]


@dataclass(frozen=True)
class IdentityReply:
    """An answer: a JSON body, or a text."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Identity:
    """The services that issue temporary keys; thread-safe."""

    def __init__(self, trust: Trust, clock: Callable[[], float]) -> None:
        self._trust = trust
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, IssuedKeys] = {}
        self._tokens: dict[str, float] = {}
        self._table: dict[str, Callable[[IdentityCall], IdentityReply]] = {
            "CreateTokenWithIdToken": self._token,
            BY_AGENCY: self._by_agency,
            BY_TOKEN: self._by_token,
            "AssumeAgencyWithOIDC": self._assume_with_oidc,
            "AssumeAgency": self._assume,
            "CreateMetadataToken": self._metadata_token,
            "ShowSecurityKey": self._metadata_keys,
            "ShowPodCredentials": self._pod_keys,
        }

    def keys_of(self, access_key: str) -> IssuedKeys | None:
        """Return the issued keys with this access key, including expired ones."""
        with self._lock:
            return self._keys.get(access_key)

    def answer(self, call: IdentityCall) -> IdentityReply:
        """Run an operation; raises `ApiError`."""
        return self._table[call.operation](call)

    # IAM

    def _token(self, call: IdentityCall) -> IdentityReply:
        if not call.headers.get("x-idp-id"):
            raise _refusal(400, "X-Idp-Id is missing")
        self._check_id_token(_text(call.read_body(), "auth", "id_token", "id"))
        token = "gAAAA" + secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = self._clock() + LONGEST
        return IdentityReply({"token": {"methods": ["mapped"]}}, 201, {"X-Subject-Token": token})

    def _by_token(self, call: IdentityCall) -> IdentityReply:
        body = call.read_body()
        token = _text(body, "auth", "identity", "token", "id")
        with self._lock:
            expires = self._tokens.get(token, 0.0)
        if expires < self._clock():
            raise _refusal(401, "The token must be updated.")
        return self._reply_of_iam(_seconds(body, BY_TOKEN, "auth", "identity", "token", "duration_seconds"))

    def _by_agency(self, call: IdentityCall) -> IdentityReply:
        body = call.read_body()
        role = ("auth", "identity", "assume_role")
        name = _text(body, *role, "agency_name")
        domain = _value(body, *role, "domain_name") or _value(body, *role, "domain_id")
        if not self._has_agency(name, domain):
            raise _refusal(403, f"the account {domain} has no agency {name} that trusts this caller")
        return self._reply_of_iam(_seconds(body, BY_AGENCY, *role, "duration_seconds"))

    def _reply_of_iam(self, seconds: float) -> IdentityReply:
        keys = self._issue(seconds)
        return IdentityReply(
            {
                "credential": {
                    "access": keys.access_key,
                    "secret": keys.secret_key,
                    "securitytoken": keys.security_token,
                    "expires_at": _time(keys.expires),
                }
            },
            201,
        )

    # STS

    def _assume_with_oidc(self, call: IdentityCall) -> IdentityReply:
        body = call.read_body()
        _text(body, "provider_urn")
        _text(body, "agency_session_name")
        try:
            self._check_id_token(_text(body, "id_token"))
        except ApiError as error:
            if error.status == 400:
                raise
            raise ApiError(403, DENIED, f"access denied: {error.message}") from None
        return self._assumed(call, body)

    def _assume(self, call: IdentityCall) -> IdentityReply:
        body = call.read_body()
        _text(body, "agency_session_name")
        return self._assumed(call, body)

    def _assumed(self, call: IdentityCall, body: Any) -> IdentityReply:
        urn = _text(body, "agency_urn")
        service, _, domain, kind, name, *more = [*urn.split(":"), *[""] * 5][:6]
        if service != "iam" or kind != "agency" or not name or any(more):
            raise _refusal(400, "agency_urn must be iam::ACCOUNT:agency:NAME")
        if not self._has_agency(name, domain):
            raise ApiError(404, NO_AGENCY, f"the agency '{urn}' can't be found")
        longest = LONGEST_IN_CHAIN if "x-security-token" in call.headers else LONGEST_OF_STS
        keys = self._issue(_seconds(body, call.operation, "duration_seconds", longest=longest))
        credentials = {
            "access_key_id": keys.access_key,
            "secret_access_key": keys.secret_key,
            "security_token": keys.security_token,
            "expiration": _time(keys.expires, "milliseconds"),
        }
        assumed = {"urn": f"sts::{domain}::assumed-agency:{name}/{body['agency_session_name']}"}
        return IdentityReply({"credentials": credentials, "assumed_agency": assumed})

    # Servers and pods

    def _metadata_token(self, call: IdentityCall) -> IdentityReply:
        if not call.headers.get("x-metadata-token-ttl-seconds", "").isdecimal():
            raise _refusal(400, "X-Metadata-Token-Ttl-Seconds is missing")
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._tokens[token] = self._clock() + float(call.headers["x-metadata-token-ttl-seconds"])
        return IdentityReply(token)

    def _metadata_keys(self, call: IdentityCall) -> IdentityReply:
        if self._trust.server_agency is None:
            raise _refusal(401, "Please configure Cloud Service Agency first")
        with self._lock:
            expires = self._tokens.get(call.headers.get("x-metadata-token", ""), 0.0)
        if expires < self._clock():
            raise _refusal(401, "the metadata token is missing or has expired")
        return IdentityReply(self._reply_of_iam(LONGEST).body)

    def _pod_keys(self, call: IdentityCall) -> IdentityReply:
        expected = self._trust.pod_token
        given = call.headers.get("authorization", "")
        if expected is None or not hmac.compare_digest(given.encode(), expected.encode()):
            raise _refusal(403, "this service account is bound to no agency")
        return IdentityReply(self._reply_of_iam(LONGEST).body)

    # Shared functions

    def _issue(self, seconds: float) -> IssuedKeys:
        lifetime = seconds if self._trust.lifetime is None else min(seconds, self._trust.lifetime)
        keys = IssuedKeys(
            "HST" + secrets.token_hex(9).upper(),
            secrets.token_urlsafe(30),
            "ggpj" + secrets.token_urlsafe(90),
            self._clock() + lifetime,
        )
        with self._lock:
            self._keys[keys.access_key] = keys
        return keys

    def _has_agency(self, name: str, domain: str) -> bool:
        return bool(domain) and self._trust.agencies.get(name) == domain

    def _check_id_token(self, token: str) -> None:
        try:
            _, payload, _ = token.split(".")
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            expires, audience = float(claims["exp"]), claims["aud"]
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            raise _refusal(401, "the id token is not a JSON web token with exp and aud") from None
        if expires < self._clock():
            raise _refusal(401, "the id token has expired")
        audiences = audience if isinstance(audience, list) else [audience]
        if self._trust.audience is None or self._trust.audience not in audiences:
            raise _refusal(401, "the audience of the id token is not accepted")


def operation_of(operation: str, body: Any) -> str:
    """Return the operation of a body, because two operations have the same path."""
    if operation != BY_AGENCY or not isinstance(body, dict):
        return operation
    identity = body.get("auth")
    identity = identity.get("identity") if isinstance(identity, dict) else None
    methods = identity.get("methods") if isinstance(identity, dict) else None
    return BY_TOKEN if methods == ["token"] else BY_AGENCY


def _refusal(status: int, message: str) -> ApiError:
    return ApiError(status, "", message)


def _value(body: Any, *path: str) -> str:
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""


def _text(body: Any, *path: str) -> str:
    value = _value(body, *path)
    if not value:
        raise _refusal(400, f"{'.'.join(path)} is missing")
    return value


def _seconds(body: Any, operation: str, *path: str, longest: int = LONGEST) -> float:
    for key in path:
        body = body.get(key) if isinstance(body, dict) else None
    if body is None:
        return DEFAULT_SECONDS[operation]
    if not isinstance(body, int) or isinstance(body, bool) or not SHORTEST <= body <= longest:
        raise _refusal(400, f"{'.'.join(path)} must be a number from {SHORTEST} to {longest}")
    return body


def _time(moment: float, precision: str = "microseconds") -> str:
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec=precision).replace("+00:00", "Z")
