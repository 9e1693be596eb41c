"""The credentials of one process: they sign its requests, and stop them after a refusal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from requests import PreparedRequest
from requests.auth import AuthBase

from dcs_migration.credentials import official_sdk
from dcs_migration.credentials.agency import Agency, assume
from dcs_migration.credentials.keys import Keys, RenewedKeys
from dcs_migration.credentials.official_sdk import Place
from dcs_migration.credentials.sources import Credentials, Read, Source
from dcs_migration.dcs.auth import KeyPairAuth, TokenAuth
from dcs_migration.dcs.breaker import CredentialBreaker
from dcs_migration.dcs.texts import Scrub
from dcs_migration.dcs.transport import Transport


class Connect(Protocol):
    """Connects to a service."""

    def __call__(self, url: str, auth: AuthBase, breaker: CredentialBreaker) -> Transport:
        """Return a transport."""
        ...


class Access:
    """Signs the requests of one process; they all share the temporary keys."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        read: Read,
        place: Place,
        connect: Connect,
        now: Callable[[], datetime],
        hide: Callable[..., None],
        scrub: Scrub,
    ) -> None:
        """Set up with the chosen credentials; nothing is fetched yet.

        Args:
            credentials: The credentials.
            read: Returns the value of a setting.
            place: The location of the identity services.
            connect: Connects to one of them.
            now: The date and time, in UTC.
            hide: Called with each secret that becomes known.
            scrub: Masks those secrets in a text.
        """
        self.credentials = credentials
        self.breaker = CredentialBreaker(credentials.provenance)
        self._hide = hide
        self._scrub = scrub
        self._keys = self._keys_of(credentials, read, place, connect, now)

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

    def _keys_of(
        self,
        credentials: Credentials,
        read: Read,
        place: Place,
        connect: Connect,
        now: Callable[[], datetime],
    ) -> Callable[[], Keys] | None:
        keys: Callable[[], Keys] | None = None
        auth: AuthBase = _signer(credentials, None)
        source = credentials.fetched_by
        if source is not None:
            keys = RenewedKeys(lambda: self._fetched(source, read, place), now)
            auth = RenewedKeysAuth(keys)
        names = [credentials.source]
        for agency in credentials.agencies:
            breaker = CredentialBreaker(f"the credentials came from {', then '.join(names)}")
            transport = connect(place.sts if agency.uses_sts else place.iam, auth, breaker)
            keys = RenewedKeys(self._assuming(agency, transport), now)
            auth = RenewedKeysAuth(keys)
            names.append(str(agency))
        return keys

    def _assuming(self, agency: Agency, transport: Transport) -> Callable[[], Keys]:
        return lambda: self._hidden(assume(agency, transport))

    def _fetched(self, source: Source, read: Read, place: Place) -> Keys:
        def method(read: Read, place: Place) -> Any:
            assert source.fetch is not None
            if source.token is not None:
                self._hide(source.token(read))  # a service may quote it in a refusal
            return source.fetch(read, place)

        return self._hidden(
            official_sdk.fetch(
                source.name,
                source.hint,
                method,
                read,
                place,
                unreachable=source.unreachable,
                scrub=self._scrub,
            )
        )

    def _hidden(self, keys: Keys) -> Keys:
        self._hide(keys.secret_key, keys.security_token)
        return keys


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
