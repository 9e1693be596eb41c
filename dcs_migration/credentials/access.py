"""The credentials of one process: they sign its requests, and stop them after a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from requests import PreparedRequest
from requests.auth import AuthBase

from dcs_migration.credentials.agency import Agency, assume
from dcs_migration.credentials.exchange import Exchange, IdentityEndpoints, fetched
from dcs_migration.credentials.keys import Keys, RenewedKeys
from dcs_migration.credentials.sources import Credentials, Source
from dcs_migration.credentials.tokens import Read
from dcs_migration.dcs.auth import KeyPairAuth, TokenAuth, add_headers
from dcs_migration.dcs.breaker import CredentialBreaker
from dcs_migration.dcs.transport import Answer, Transport


class Connect(Protocol):
    """Connects to a service."""

    def __call__(
        self,
        url: str,
        auth: AuthBase,
        breaker: CredentialBreaker,
        *,
        timeouts: tuple[float, float] | None = None,
        direct: bool = False,
    ) -> Transport:
        """Return a transport; timeouts: in seconds, default as usual; direct: bypass proxies."""
        ...


class Access:
    """Signs the requests of one process; they all share the temporary keys."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        read: Read,
        endpoints: IdentityEndpoints,
        connect: Connect,
        now: Callable[[], datetime],
        hide: Callable[..., None],
    ) -> None:
        """Set up with the chosen credentials; nothing is fetched yet.

        Args:
            credentials: The credentials.
            read: Returns the value of a setting.
            endpoints: The location of the identity services.
            connect: Connects to one of them.
            now: The date and time, in UTC.
            hide: Called with each secret that becomes known.
        """
        self.credentials = credentials
        self.breaker = CredentialBreaker(credentials.provenance)
        self._hide = hide
        self._connect = connect
        self._agency_transports: list[Transport] = []
        self._keys = self._keys_of(credentials, Exchange(read, endpoints, self._send, hide), now)

    def auth(self, project_id: str | None) -> AuthBase:
        """Return the signer for a project's requests."""
        if self.credentials.auth_token:
            return TokenAuth(self.credentials.auth_token)
        if self._keys is None:
            return _signer(self.credentials, project_id)
        return RenewedKeysAuth(self._keys, project_id)

    def temporary_keys(self) -> Keys | None:
        """Return the current temporary keys, and fetch them if necessary; None if the credentials are permanent.

        Raises:
            CredentialsUnavailable: there are none.
        """
        return None if self._keys is None else self._keys()

    def close(self) -> None:
        """Close the connections to the services that issue an agency's keys."""
        for transport in self._agency_transports:
            transport.close()

    def _keys_of(
        self, credentials: Credentials, exchange: Exchange, now: Callable[[], datetime]
    ) -> Callable[[], Keys] | None:
        keys: Callable[[], Keys] | None = None
        auth: AuthBase = _signer(credentials, None)
        source = credentials.fetched_by
        if source is not None:
            keys = RenewedKeys(source.name, lambda: self._fetched(source, exchange), now)
            auth = RenewedKeysAuth(keys)
        names = [credentials.source]
        for agency in credentials.agencies:
            breaker = CredentialBreaker(f"the credentials came from {', then '.join(names)}")
            url = exchange.endpoints.sts if agency.uses_sts else exchange.endpoints.iam
            transport = self._connect(url, auth, breaker)
            self._agency_transports.append(transport)
            keys = RenewedKeys(str(agency), self._assuming(agency, transport), now)
            auth = RenewedKeysAuth(keys)
            names.append(str(agency))
        return keys

    def _assuming(self, agency: Agency, transport: Transport) -> Callable[[], Keys]:
        def assumed() -> Keys:
            keys = assume(agency, transport)
            self._hide(keys.secret_key, keys.security_token)
            return keys

        return assumed

    def _fetched(self, source: Source, exchange: Exchange) -> Keys:
        fetch = source.fetch
        assert fetch is not None

        def fetch_quietly(exchange: Exchange) -> Keys:
            if source.token is not None:
                exchange.hide(source.token(exchange.read))  # a service may quote it in a refusal
            return fetch(exchange)

        return fetched(source.name, source.hint, source.unreachable, fetch_quietly, exchange)

    def _send(
        self,
        operation: str,
        method: str,
        url: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        timeouts: tuple[float, float] | None = None,
        direct: bool = False,
    ) -> Answer:
        transport = self._connect(
            url, _Headers(headers or {}), CredentialBreaker(), timeouts=timeouts, direct=direct
        )
        try:
            return transport.send(operation, method, path, None if body is None else body.encode())
        finally:
            transport.close()


class _Headers(AuthBase):
    """Adds headers. (With an auth object, requests doesn't read ``~/.netrc``.)"""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        add_headers(request, self._headers)
        return request


def _signer(credentials: Credentials, project_id: str | None) -> AuthBase:
    return KeyPairAuth(credentials.access_key, credentials.secret_key, credentials.security_token, project_id)


class RenewedKeysAuth(AuthBase):
    """Signs each request with the current keys.

    project_id: sent (and signed) as X-Project-Id.
    """

    def __init__(self, keys: Callable[[], Keys], project_id: str | None = None) -> None:
        self._keys = keys
        self._project_id = project_id

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the signature to a prepared request and return it.

        Raises:
            CredentialsUnavailable: there are no keys; nothing was sent.
        """
        keys = self._keys()
        return KeyPairAuth(keys.access_key, keys.secret_key, keys.security_token, self._project_id)(request)

    def __repr__(self) -> str:
        return "RenewedKeysAuth(***)"
