"""Authentication: verification of SDK-HMAC-SHA256 signatures and tokens.

It is written from the description of the algorithm, not from a client's signer, so that each one tests the
other.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from dcs_emulator.errors import ApiError, api_error

ALGORITHM = "SDK-HMAC-SHA256"
CLOCK_TOLERANCE_SECONDS = 15 * 60
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
MUST_BE_SIGNED = ("x-sdk-date",)
"""Not ``host``: the official Go client leaves it out."""
CONTENT_HASH = "x-sdk-content-sha256"
SIGNED_IF_PRESENT = ("x-security-token", CONTENT_HASH)
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"

_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Access=(?P<access>[^,\s]+), SignedHeaders=(?P<headers>[a-z0-9;-]+), "
    r"Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Received:
    """A request as received: lower-case header names, raw path and query."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class IssuedKeys:
    """Temporary keys; ``expires`` is a Unix time."""

    access_key: str
    secret_key: str
    security_token: str
    expires: float


def _none(access_key: str) -> IssuedKeys | None:
    return None


@dataclass(frozen=True)
class Credentials:
    """The accepted credentials: a key pair, the configured token, or issued keys."""

    access_key: str
    secret_key: str
    token: str | None = None
    issued: Callable[[str], IssuedKeys | None] = _none


def authenticate(request: Received, credentials: Credentials, now: float) -> None:
    """Raise a 401 `ApiError` unless the request carries the token or a valid signature."""
    token = request.headers.get("x-auth-token")
    if token is not None:
        expected = credentials.token
        if expected is None or not hmac.compare_digest(token.encode(), expected.encode()):
            raise _refusal("decrypt token fail")
        return
    _check_signature(request, credentials, now)


def _refusal(detail: str) -> ApiError:
    return api_error("APIGW.0301", detail)


def _check_signature(request: Received, credentials: Credentials, now: float) -> None:
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise _refusal("authorization header is missing")
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise _refusal("authorization header is malformed")
    date = request.headers.get("x-sdk-date", "")
    _check_date(date, now)
    signed = match["headers"].split(";")
    _check_signed_headers(signed, request.headers)
    secret_key = _secret_of(match["access"], request, credentials, now)
    text = f"{ALGORITHM}\n{date}\n{_sha256(canonical_request(request, signed).encode())}"
    expected = hmac.new(secret_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, match["signature"]):
        raise _refusal("verify aksk signature fail")


def _secret_of(access_key: str, request: Received, credentials: Credentials, now: float) -> str:
    if access_key == credentials.access_key:
        return credentials.secret_key
    keys = credentials.issued(access_key)
    if keys is None:
        raise _refusal("ak does not exist")
    given = request.headers.get("x-security-token", "")
    if not hmac.compare_digest(given.encode(), keys.security_token.encode()):
        raise _refusal("the security token does not belong to this ak")
    if now > keys.expires:
        raise _refusal("the security token has expired")
    return keys.secret_key


def _check_date(date: str, now: float) -> None:
    try:
        sent = calendar.timegm(time.strptime(date, DATE_FORMAT))
    except ValueError:
        raise _refusal("x-sdk-date is missing or malformed") from None
    if abs(now - sent) > CLOCK_TOLERANCE_SECONDS:
        raise _refusal("signature expired, the clock differs by more than 15 minutes")


def _check_signed_headers(signed: list[str], headers: Mapping[str, str]) -> None:
    if signed != sorted(set(signed)):
        raise _refusal("signed headers are not sorted")
    for name in signed:
        if name not in headers:
            raise _refusal(f"signed header {name} is missing")
    required = [*MUST_BE_SIGNED, *(name for name in SIGNED_IF_PRESENT if name in headers)]
    for name in required:
        if name not in signed:
            raise _refusal(f"header {name} must be signed")


def canonical_request(request: Received, signed: list[str]) -> str:
    """Return the text to hash and sign."""
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in signed)
    parts = (
        request.method,
        _canonical_path(request.path),
        _canonical_query(request.query),
        headers,
        ";".join(signed),
        _content_hash(request),
    )
    return "\n".join(parts)


def _content_hash(request: Received) -> str:
    """Return the signed part of the body; a header can say that the body isn't signed."""
    claimed = request.headers.get(CONTENT_HASH)
    return UNSIGNED_PAYLOAD if claimed == UNSIGNED_PAYLOAD else _sha256(request.body)


def _canonical_path(path: str) -> str:
    encoded = "/".join(quote(part, safe="~") for part in unquote(path).split("/"))
    return encoded if encoded.endswith("/") else f"{encoded}/"


def _canonical_query(query: str) -> str:
    # A plus is a plus here: the service's clients encode a space as %20.
    pairs = (item.partition("=") for item in query.split("&") if item)
    decoded = sorted((unquote(name), unquote(value)) for name, _, value in pairs)
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in decoded)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
