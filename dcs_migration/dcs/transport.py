"""HTTP: how an API call is sent, when it is retried, and what a failure proves.

A read is retried if the problem may be temporary. A write is sent exactly once, because only the caller can find out
whether it took effect.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote

import requests
from requests.auth import AuthBase

from dcs_migration.clock import Clock, SystemClock
from dcs_migration.dcs import wirelog
from dcs_migration.dcs.breaker import CredentialBreaker
from dcs_migration.dcs.deadline import DeadlineAdapter
from dcs_migration.dcs.environment import proxy_variable, require_usable
from dcs_migration.dcs.errors import (
    DcsMigrationError,
    NotSent,
    OutcomeUnknown,
    ServerFault,
    Throttled,
    TransportError,
    WrongEndpoint,
    looks_like_html,
    parse_error,
    plain_text,
)
from dcs_migration.dcs.failures import PROXY_REFUSED, SENDING_ERRORS, Failure, explain
from dcs_migration.dcs.hosts import host_of, is_loopback
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, Scrub, decoded, harmless, worded

MAX_ANSWER_BYTES = 32 * 1024 * 1024
READ_BOUND_SECONDS = 120.0
MAX_RETRY_AFTER_SECONDS = 60.0
THROTTLE_WAITS_SECONDS = (10.0, 20.0, 30.0)
FAULT_WAIT_SECONDS = 0.5
MAX_FAULT_WAIT_SECONDS = 8.0
_CHUNK_BYTES = 64 * 1024
_RANDOM = random.SystemRandom()


@dataclass(frozen=True)
class Answer:
    """An answer of the service as it came: its status of 2xx, its headers and its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends calls to one endpoint with one set of credentials; thread-safe.

    base_url: scheme, host and optionally a path; auth: signs each request; verify: as in requests (False: accept any
    certificate, a string: a CA bundle); timeouts: seconds to connect, and to wait for bytes; max_retries: of a read;
    clock: for waits and deadlines; scrub: removes secrets from the server's texts; breaker: shared by the transports of
    one set of credentials; max_answer_bytes: maximum size of an answer; direct: whether calls bypass proxies.
    """

    def __init__(
        self,
        base_url: str,
        auth: AuthBase,
        *,
        verify: bool | str = True,
        timeouts: tuple[float, float] = (10.0, 30.0),
        max_retries: int = 5,
        clock: Clock | None = None,
        scrub: Scrub | None = None,
        breaker: CredentialBreaker | None = None,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
        direct: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._auth = auth
        self._verify = verify
        self._timeouts = timeouts
        self._max_retries = max(0, max_retries)
        self._clock: Clock = clock or SystemClock()
        self.scrub: Scrub = scrub or str
        self._breaker = breaker or CredentialBreaker()
        self._max_answer_bytes = max_answer_bytes
        self._session = new_session(direct=direct)

    @property
    def host(self) -> str:
        """The host of the calls, with the port unless it is the scheme's default."""
        return host_of(self.base_url)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def read(self, operation: str, path: str, query: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        """Return the JSON object of a GET, with the allowed number of retries.

        Raises ApiError for an error answer, TransportError for no answer (NotSent if the request was never sent).
        """
        target = path + _query_string(query or {})
        end = self._clock.monotonic() + READ_BOUND_SECONDS
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._attempt(operation, "GET", target, None, TransportError)
            except (TransportError, Throttled, ServerFault, WrongEndpoint) as error:
                wait = _wait_before(error, attempt)
                too_late = self._clock.monotonic() + wait > end
                if not error.may_pass or attempt > self._max_retries or too_late:
                    raise
            self._clock.sleep(wait)

    def write(
        self, operation: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send one request, once, and return the JSON object of the answer ({} for 204).

        Raises NotSent if it certainly never arrived, OutcomeUnknown if it may have taken effect, else ApiError (after
        a ServerFault, the outcome is also unknown).
        """
        data = None if body is None else json.dumps(body).encode()
        return self._attempt(operation, method, path, data, OutcomeUnknown)

    def send(self, operation: str, method: str, path: str, data: bytes | None = None) -> Answer:
        """Send one request, once, and return its answer as it came. It raises what `write` raises."""
        return self._breaker.call(lambda: self._exchange(operation, method, path, data, OutcomeUnknown))

    def _attempt(
        self, operation: str, method: str, target: str, data: bytes | None, unclear: type[TransportError]
    ) -> dict[str, Any]:
        def exchange() -> dict[str, Any]:
            answer = self._exchange(operation, method, target, data, unclear)
            return (
                {} if answer.status == 204 else self._decoded(operation, answer.status, answer.body, unclear)
            )

        return self._breaker.call(exchange)

    def _exchange(
        self, operation: str, method: str, target: str, data: bytes | None, unclear: type[TransportError]
    ) -> Answer:
        wirelog.request_sent(operation, method, target, data, self.scrub)
        started = self._clock.monotonic()
        broken: tuple[Failure, str] | None = None
        try:
            response = self._session.request(
                method,
                self.base_url + target,
                data=data,
                auth=self._auth,
                timeout=self._timeouts,
                verify=self._verify,
                allow_redirects=False,
                stream=True,
            )
        except SENDING_ERRORS as error:
            broken = self._explained(error)
        if broken:  # raised here, so that the exception doesn't reference the request and its signature
            failure, words = broken
            wirelog.no_answer(operation, self._since(started), worded(words, MAX_SERVER_TEXT, self.scrub))
            raise self._transport_error(unclear if failure.sent else NotSent, operation, words, failure)
        body, problem = self._body(response)
        request_id = response.headers.get("X-Request-Id")
        wirelog.answer_received(
            operation, response.status_code, self._since(started), request_id, body, self.scrub
        )
        if response.status_code == 407:  # only a proxy sends this status
            words = PROXY_REFUSED.words.format(proxy=proxy_variable(self.base_url))
            raise self._transport_error(NotSent, operation, words, PROXY_REFUSED)
        if response.status_code >= 300:
            raise parse_error(operation, response.status_code, response.headers, body, self.scrub)
        if problem:
            raise self._transport_error(unclear, operation, problem)
        return Answer(response.status_code, response.headers, body)

    def _body(self, response: requests.Response) -> tuple[bytes, str | None]:
        """Return the part of the body that could be read, and the error, if any."""
        parts: list[bytes] = []
        size = 0
        try:
            for part in response.iter_content(_CHUNK_BYTES):
                parts.append(part)
                size += len(part)
                if size > self._max_answer_bytes:
                    return b"", f"{self.host} sent more than {self._max_answer_bytes} bytes"
        except SENDING_ERRORS as error:
            return b"".join(parts), self._explained(error)[1]
        finally:
            response.close()
        return b"".join(parts), None

    def _decoded(
        self, operation: str, status: int, body: bytes, unclear: type[TransportError]
    ) -> dict[str, Any]:
        try:
            answer = harmless(json.loads(decoded(body)), self.scrub)
        except (ValueError, RecursionError):
            answer = None
        if isinstance(answer, dict):
            return answer
        what = _describe(body, self.scrub)
        if looks_like_html(body) and unclear is not OutcomeUnknown:
            raise WrongEndpoint(operation, status, error_msg=what)
        raise self._transport_error(unclear, operation, f"{self.host} didn't send a DCS response ({what})")

    def _explained(self, error: Exception) -> tuple[Failure, str]:
        return explain(error, self.host, proxy_variable(self.base_url))

    def _transport_error(
        self, kind: type[TransportError], operation: str, reason: str, failure: Failure | None = None
    ) -> TransportError:
        error = kind(operation, worded(reason, MAX_SERVER_TEXT, self.scrub))
        if failure is not None:
            error.permanent, error.local = failure.permanent, failure.local
        return error

    def _since(self, started: float) -> float:
        return (self._clock.monotonic() - started) * 1000


class _Session(requests.Session):
    direct = False

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None: a redirect is treated like any other answer, and its address isn't read."""

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Read proxies and certificate authorities from the environment, and check them."""
        settings = super().merge_environment_settings(url, proxies, stream, verify, cert)
        if self.direct or is_loopback(url):
            # Calls to this machine (the emulator) must not go through a proxy.
            settings["proxies"] = {}
        require_usable(url, settings["proxies"], settings["verify"])
        return settings


def new_session(*, direct: bool = False) -> requests.Session:
    """Return a session without redirects and cookies; calls to this machine bypass proxies.

    direct: whether all calls do.
    """
    session = _Session()
    session.direct = direct
    adapter = DeadlineAdapter(pool_maxsize=8, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers.update(
        {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "pulumi-dcs-migration",
        }
    )
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def _query_string(query: Mapping[str, str | int]) -> str:
    # Encode spaces as %20, like the signature.
    pairs = "&".join(f"{quote(key, safe='~')}={quote(str(value), safe='~')}" for key, value in query.items())
    return f"?{pairs}" if pairs else ""


def _wait_before(failure: DcsMigrationError, attempt: int) -> float:
    """Return the seconds to wait before retry number `attempt` (1 is the first)."""
    if isinstance(failure, Throttled):
        if failure.retry_after is not None:
            return min(failure.retry_after, MAX_RETRY_AFTER_SECONDS)
        return THROTTLE_WAITS_SECONDS[min(attempt, len(THROTTLE_WAITS_SECONDS)) - 1]
    longest = min(FAULT_WAIT_SECONDS * 2 ** (attempt - 1), MAX_FAULT_WAIT_SECONDS)
    return _RANDOM.uniform(longest / 2, longest)


def _describe(body: bytes, scrub: Scrub) -> str:
    if not body.strip():
        return "an empty response"
    words = worded(plain_text(body, scrub), 120, scrub)
    kind = "a web page" if looks_like_html(body) else f"{len(body)} bytes"
    return f"{kind}: {words}" if words else kind
