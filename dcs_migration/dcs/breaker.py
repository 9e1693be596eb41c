"""A breaker for credentials: more than five refusals lock an access key for everyone who uses it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from typing import TypeVar

from dcs_migration.dcs.errors import ApiError, CredentialsRefused

T = TypeVar("T")


class CredentialBreaker:
    """The state of one set of credentials, shared by every transport that uses it; thread-safe.

    Until the service has accepted the credentials once, only one request at a time is sent. After a refusal, no
    request is sent: every later call raises the same error. `source` describes where the credentials came from.
    """

    def __init__(self, source: str | None = None) -> None:
        self._source = source
        self._first = threading.Lock()
        self._accepted = False
        self._refusal: CredentialsRefused | None = None

    def call(self, send: Callable[[], T]) -> T:
        """Return what `send` returns, or raise an earlier refusal again."""
        if not self._accepted:
            with self._first:
                if not self._accepted:
                    return self._pass(send)
        return self._pass(send)

    def _pass(self, send: Callable[[], T]) -> T:
        if self._refusal is not None:
            # Raise a copy, because threads would write their tracebacks into a shared exception.
            raise copy.copy(self._refusal)
        try:
            result = send()
        except CredentialsRefused as error:
            error.source = self._source
            self._refusal = copy.copy(error)
            raise
        except ApiError as error:
            # An error of DCS itself means that the gateway accepted the credentials.
            if error.status < 500 and (error.error_code or "").startswith("DCS."):
                self._accepted = True
            raise
        self._accepted = True
        return result
