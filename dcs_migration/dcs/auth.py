"""Authentication of requests: the SDK-HMAC-SHA256 signature of a key pair, or a token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase
from requests.exceptions import InvalidHeader

from dcs_migration.dcs.hosts import host_of

ALGORITHM = "SDK-HMAC-SHA256"


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def sign(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    access_key: str,
    secret_key: str,
    now: datetime,
) -> dict[str, str]:
    """Return the headers `Authorization` and `X-Sdk-Date` that sign a request.

    The signature covers the method, path, query, body, host, date, and every given header except those with
    `_` in their names, which gateways remove.
    """
    date = now.astimezone(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    signed = {name.lower(): value.strip() for name, value in headers.items() if "_" not in name}
    signed.setdefault("host", host_of(url))
    signed["x-sdk-date"] = date
    names = sorted(signed)
    canonical = "\n".join(
        (
            method.upper(),
            _canonical_path(url),
            _canonical_query(url),
            "".join(f"{name}:{signed[name]}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(
        secret_key.encode(), f"{ALGORITHM}\n{date}\n{digest}".encode(), hashlib.sha256
    ).hexdigest()
    authorization = f"{ALGORITHM} Access={access_key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {"X-Sdk-Date": date, "Authorization": authorization}


def _canonical_path(url: str) -> str:
    path = "/".join(quote(part, safe="~") for part in unquote(urlsplit(url).path).split("/"))
    return path if path.endswith("/") else path + "/"


def _canonical_query(url: str) -> str:
    pairs = sorted(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in pairs)


def add_headers(request: PreparedRequest, headers: Mapping[str, str]) -> None:
    """Add headers to a request, or raise `InvalidHeader`, which names the header."""
    # Checked here, because HTTP libraries quote a refused value in their errors, and it may be a secret.
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise InvalidHeader(f"the value of {name} contains a character that HTTP doesn't allow")
    request.headers.update(headers)


class KeyPairAuth(AuthBase):
    """Signs each request with an access key and a secret key, just before it is sent.

    security_token: of temporary keys; project_id: sent (and signed) as X-Project-Id; now: its clock.
    """

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        security_token: str | None = None,
        project_id: str | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._security_token = security_token
        self._project_id = project_id
        self._now = now

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the signature to a prepared request and return it."""
        url = request.url or ""
        # Only headers that proxies don't rewrite: not Connection, Accept-Encoding, User-Agent or Content-Length.
        signed = {"Host": host_of(url)}
        if "Content-Type" in request.headers:
            signed["Content-Type"] = str(request.headers["Content-Type"])
        if self._project_id:
            signed["X-Project-Id"] = self._project_id
        if self._security_token:
            signed["X-Security-Token"] = self._security_token
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else body
        add_headers(request, signed)
        add_headers(
            request,
            sign(request.method or "GET", url, signed, data, self._access_key, self._secret_key, self._now()),
        )
        return request

    def __repr__(self) -> str:
        return "KeyPairAuth(***)"


class TokenAuth(AuthBase):
    """Sends an IAM token of the project in X-Auth-Token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the token to a prepared request and return it."""
        add_headers(request, {"X-Auth-Token": self._token})
        return request

    def __repr__(self) -> str:
        return "TokenAuth(***)"
