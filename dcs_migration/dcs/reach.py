"""Checks without credentials whether a service can be reached, for diagnosis."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from dcs_migration.clock import Clock
from dcs_migration.dcs.environment import proxy_variable
from dcs_migration.dcs.errors import NotSent, TransportError
from dcs_migration.dcs.failures import SENDING_ERRORS, explain
from dcs_migration.dcs.hosts import host_of, is_loopback
from dcs_migration.dcs.texts import MAX_SERVER_TEXT, Scrub, worded
from dcs_migration.dcs.transport import new_session

RESOLVING, REACHING = "name resolution", "an unsigned request"


@dataclass(frozen=True)
class Reached:
    """The result of a request that any web server answers.

    seconds: until the answer started. skew: how many seconds the local clock is ahead of the service's; None if the
    answer doesn't have a time.
    """

    seconds: float
    skew: float | None


def via_proxy(url: str) -> str | None:
    """Return the name of the variable with the proxy for a service, if there is one."""
    proxies = {} if is_loopback(url) else get_environ_proxies(url)
    return proxy_variable(url) if select_proxy(url, proxies) else None


def resolve(url: str, scrub: Scrub) -> list[str]:
    """Return the addresses of a service.

    Raises:
        NotSent: the host has no addresses.
    """
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise NotSent(RESOLVING, worded(explain(error, host_of(url))[1], MAX_SERVER_TEXT, scrub)) from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def reach(url: str, *, verify: bool, timeouts: tuple[float, float], clock: Clock, scrub: Scrub) -> Reached:
    """Send one request without credentials; any answer is enough (a gateway refuses the request, and doesn't
    count it for any key).

    Raises:
        TransportError: there was no answer.
    """
    sent, started = clock.now(), clock.monotonic()
    broken: TransportError | None = None
    with new_session() as sender:
        try:
            answer = sender.get(
                url + "/", timeout=timeouts, verify=verify, allow_redirects=False, stream=True
            )
            answer.close()
        except SENDING_ERRORS as error:
            failure, words = explain(error, host_of(url), proxy_variable(url))
            kind = TransportError if failure.sent else NotSent
            broken = kind(REACHING, worded(words, MAX_SERVER_TEXT, scrub))
            broken.permanent, broken.local = failure.permanent, failure.local
    if broken:
        raise broken
    seconds = clock.monotonic() - started
    reported = _time_of(answer.headers.get("Date"))
    # The service wrote its time between the request and the answer.
    skew = None if reported is None else (sent - reported).total_seconds() + seconds / 2
    return Reached(seconds, skew)


def _time_of(header: str | None) -> datetime | None:
    try:
        reported = parsedate_to_datetime(header or "")
    except (ValueError, TypeError, IndexError):
        return None
    return reported if reported.tzinfo else reported.replace(tzinfo=timezone.utc)
