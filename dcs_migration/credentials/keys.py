"""Access keys, and temporary ones that are fetched again before they expire."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from dcs_migration.credentials.tokens import is_token
from dcs_migration.dcs.errors import CredentialsUnavailable
from dcs_migration.dcs.texts import decoded

RENEW_BEFORE = timedelta(minutes=20)  # signatures allow a clock that is up to 15 minutes behind
RENEW_AT = 1 / 3  # of the remaining lifetime, if that is less
RETRY_AFTER = timedelta(minutes=1)


@dataclass(frozen=True)
class Keys:
    """An access key and what belongs to it. Secret parts aren't shown by ``repr``.

    expires_at: in UTC; None if the keys don't expire, or the time is unknown.
    """

    access_key: str
    secret_key: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None


class UnusableAnswer(ValueError):
    """An answer without a whole set of keys. The text quotes nothing of it."""


# The names of each part: those of IAM and the metadata service, of STS, and of the agents of pods.
_ENVELOPES = ("credential", "credentials")
_ACCESS_KEY = ("access", "access_key_id", "accessKeyId")
_SECRET_KEY = ("secret", "secret_access_key", "secretAccessKey")
_SECURITY_TOKEN = ("securitytoken", "security_token", "securityToken")
_EXPIRES_AT = ("expires_at", "expiration")

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)


def keys_in(body: bytes) -> Keys:
    """Return the temporary keys in the answer of a service.

    Raises:
        UnusableAnswer: The answer has no whole set of keys, or doesn't say when they expire.
    """
    try:
        found = json.loads(decoded(body))
    except (ValueError, RecursionError):
        found = None
    for envelope in _ENVELOPES:
        if isinstance(found, dict) and isinstance(found.get(envelope), dict):
            found = found[envelope]
    parts = found if isinstance(found, dict) else {}
    access_key, secret_key, security_token, expires_at = (
        next((value for name in names if isinstance(value := parts.get(name), str)), "")
        for names in (_ACCESS_KEY, _SECRET_KEY, _SECURITY_TOKEN, _EXPIRES_AT)
    )
    if not all(map(is_token, (access_key, secret_key, security_token))):
        raise UnusableAnswer("the response has no keys")
    return Keys(access_key, secret_key, security_token, _moment(expires_at))


def _moment(text: str) -> datetime:
    """Return a date in UTC, which it is in without a time zone of its own. (Python 3.10 parses fewer forms.)"""
    match = _DATE.fullmatch(text)
    if match is None:
        raise UnusableAnswer("the response doesn't say when the keys expire")
    day, time, fraction, zone = match.groups()
    try:
        moment = datetime.strptime(f"{day}T{time}.{fraction or 0}{zone or 'Z'}", "%Y-%m-%dT%H:%M:%S.%f%z")
        return moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise UnusableAnswer("the response doesn't say when the keys expire") from None


class RenewedKeys:
    """Keys that are fetched when they are first needed, and again before they expire; thread-safe.

    A failed renewal does no harm while the old keys are valid, and is tried again a minute later. Without valid keys,
    the threads that waited for the renewal fail with it, so that they don't call a service that hangs one after
    another. A refusal is remembered, so that the service isn't called again.
    """

    def __init__(self, source: str, fetch: Callable[[], Keys], now: Callable[[], datetime]) -> None:
        self._source = source
        self._fetch = fetch
        self._now = now
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._renew_at: datetime | None = None
        self._failures = 0
        self._failure: CredentialsUnavailable | None = None

    def __call__(self) -> Keys:
        """Return keys that are good now.

        Raises:
            CredentialsUnavailable: there are none.
        """
        keys = self._keys
        if keys is not None and not self._is_due():
            return keys
        failures = self._failures
        # A thread with keys that are still good doesn't wait for the thread that renews them.
        usable = keys is not None and self._are_good(keys)
        if not self._lock.acquire(blocking=not usable):
            assert keys is not None
            return keys
        try:
            return self._renewed(failures)
        finally:
            self._lock.release()

    def _renewed(self, failures: int) -> Keys:
        """Return new keys; failures: how many there had been when the caller started to wait."""
        if self._keys is not None and not self._is_due():
            return self._keys  # another thread was faster
        if self._failure is not None and (failures != self._failures or not self._failure.may_pass):
            raise copy.copy(self._failure)
        try:
            keys = self._fetch()
            if not self._are_good(keys):  # the service would refuse what they sign
                raise CredentialsUnavailable(
                    self._source,
                    f"the new keys expired at {keys.expires_at:%Y-%m-%dT%H:%M:%SZ}; check this machine's clock",
                )
        except CredentialsUnavailable as error:
            old = self._keys
            if old is not None and old.expires_at is not None and self._are_good(old):
                self._renew_at = min(self._now() + RETRY_AFTER, old.expires_at)
                return old
            self._failures += 1
            self._failure = copy.copy(error)
            raise
        self._keys, self._renew_at, self._failure = keys, _renew_at(keys, self._now()), None
        return keys

    def _is_due(self) -> bool:
        return self._renew_at is not None and self._now() >= self._renew_at

    def _are_good(self, keys: Keys) -> bool:
        return keys.expires_at is None or self._now() < keys.expires_at


def _renew_at(keys: Keys, now: datetime) -> datetime | None:
    if keys.expires_at is None:
        return None
    return keys.expires_at - min(RENEW_BEFORE, (keys.expires_at - now) * RENEW_AT)
