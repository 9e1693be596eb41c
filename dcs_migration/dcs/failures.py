"""What a failed exchange proves: that nothing was sent, or that the outcome is unknown."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import requests
import urllib3.exceptions as u3

from dcs_migration.dcs.environment import NO_PROXY_ADDRESS, LocalMistake

# All errors of sending a request and reading its answer, wrapped by `requests` or not.
SENDING_ERRORS: tuple[type[Exception], ...] = (
    requests.RequestException,
    u3.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


@dataclass(frozen=True)
class Failure:
    """One kind of failed exchange.

    words: with `{host}`, `{detail}`, and `{proxy}` (the variable with its address); sent: False if the request
    certainly never reached the service; permanent: a retry can't help; local: the problem is on this machine, and
    the words say what to fix.
    """

    words: str
    sent: bool = True
    permanent: bool = False
    local: bool = False


PROXY_REFUSED = Failure(
    "the proxy in {proxy} requires a user name and password (407); add them to the address in this variable",
    sent=False,
    permanent=True,
    local=True,
)

_UNKNOWN_AUTHORITY = Failure(
    "the certificate of {host} isn't trusted ({detail}); set REQUESTS_CA_BUNDLE to a file with its CA certificate "
    "(SSL_CERT_FILE isn't used)",
    sent=False,
    permanent=True,
    local=True,
)
# OpenSSL's codes for a missing issuer, a self-signed certificate at the end of a chain or within it, and an
# incomplete chain.
_NO_AUTHORITY = frozenset({2, 18, 19, 20, 21})

_NO_TLS = Failure(
    "can't open a TLS connection to {host} ({detail}); the server may not use https",
    sent=False,
    permanent=True,
)

# The first row with the type of an exception in the chain applies.
_TABLE: tuple[tuple[tuple[type[BaseException], ...], Failure], ...] = (
    (
        (LocalMistake,),
        Failure("{detail}", sent=False, permanent=True, local=True),
    ),
    (
        (requests.exceptions.InvalidProxyURL,),
        Failure(NO_PROXY_ADDRESS, sent=False, permanent=True, local=True),
    ),
    (
        (requests.exceptions.ProxyError, u3.ProxyError),
        Failure("can't reach {host} through the proxy in {proxy} ({detail})", sent=False, local=True),
    ),
    (
        (ssl.SSLCertVerificationError, ssl.CertificateError),
        Failure("the certificate of {host} isn't trusted ({detail})", sent=False, permanent=True),
    ),
    ((socket.gaierror,), Failure("can't resolve the host name of {host}", sent=False)),
    ((ConnectionRefusedError,), Failure("{host} refused the connection", sent=False)),
    ((u3.NewConnectionError,), Failure("can't connect to {host} ({detail})", sent=False)),
    (
        (requests.exceptions.ConnectTimeout, u3.ConnectTimeoutError),
        Failure("timed out while connecting to {host}", sent=False),
    ),
    (
        (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            u3.LocationValueError,
        ),
        Failure("{host} isn't a valid address", sent=False, permanent=True),
    ),
    (
        (
            http.client.UnknownProtocol,
            http.client.LineTooLong,
            u3.InvalidHeader,
            u3.DecodeError,
            requests.exceptions.ContentDecodingError,
        ),
        Failure("{host} sent a malformed response"),
    ),
    (
        (requests.exceptions.InvalidHeader, UnicodeEncodeError),
        Failure(
            "a header (a key, token or id) contains a character that HTTP doesn't allow",
            sent=False,
            permanent=True,
            local=True,
        ),
    ),
    (
        (requests.exceptions.ReadTimeout, u3.ReadTimeoutError, TimeoutError),
        Failure("timed out while waiting for the complete response from {host}"),
    ),
    (
        (http.client.IncompleteRead, u3.IncompleteRead, requests.exceptions.ChunkedEncodingError),
        Failure("the response from {host} was cut off"),
    ),
    ((http.client.RemoteDisconnected, ConnectionError), Failure("{host} dropped the connection")),
)
_OTHER = Failure("communication with {host} failed ({detail})")

# OpenSSL's reasons that occur only in a handshake, before a request is sent.
_HANDSHAKE = {
    "CERTIFICATE_VERIFY_FAILED",
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "HTTP_REQUEST",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "TLSV1_UNRECOGNIZED_NAME",
    "DH_KEY_TOO_SMALL",
}


_SENT = "request_was_sent"


def mark_sent(error: Exception) -> None:
    """Record that an exception was raised after the request had been sent."""
    vars(error)[_SENT] = True


def explain(error: BaseException, host: str, proxy: str = "HTTPS_PROXY") -> tuple[Failure, str]:
    """Return what the exception proves, and a description without headers and URLs.

    proxy: the name of the variable with the proxy, if the request uses one.
    """
    chain = list(_chain(error))
    failure = _classify(chain)
    return failure, failure.words.format(host=host, detail=_detail(chain), proxy=proxy)


def _classify(chain: list[BaseException]) -> Failure:
    if any(vars(link).get(_SENT) for link in chain):
        return next((failure for failure in _matching(chain) if failure.sent), _OTHER)
    status = _refused_tunnel(chain)
    if status == 407:
        return PROXY_REFUSED
    if status is not None:
        words = "the proxy in {proxy} refused to connect to {host} (HTTP " + str(status) + ")"
        return Failure(words, sent=False, permanent=status < 500, local=True)
    if any(getattr(link, "verify_code", None) in _NO_AUTHORITY for link in chain):
        return _UNKNOWN_AUTHORITY
    found = next(_matching(chain), None)
    if found is not None:
        return found
    handshake = any(isinstance(link, ssl.SSLError) and link.reason in _HANDSHAKE for link in chain)
    return _NO_TLS if handshake else _OTHER


def _matching(chain: list[BaseException]) -> Iterator[Failure]:
    """Yield the failures of the table for these exceptions, in order."""
    return (failure for types, failure in _TABLE if any(isinstance(link, types) for link in chain))


def _refused_tunnel(chain: list[BaseException]) -> int | None:
    """Return the status with which a proxy refused to connect, if it did; it is only in the error's text."""
    for link in chain:
        if type(link) is OSError and (said := re.match(r"Tunnel connection failed: (\d{3})\b", str(link))):
            return int(said[1])
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and the exceptions that it wraps, but not `__context__`, which may be an earlier failure."""
    queue: list[object] = [error]
    seen: set[int] = set()
    while queue:
        link = queue.pop(0)
        if not isinstance(link, BaseException) or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        queue += [
            getattr(link, "reason", None),
            getattr(link, "original_error", None),
            link.__cause__,
            *link.args,
        ]
        if isinstance(link, u3.NewConnectionError):
            # urllib3 1.26 doesn't show the cause; in any case, nothing was sent.
            queue.append(link.__context__)


def _detail(chain: list[BaseException]) -> str:
    for link in reversed(chain):
        if isinstance(link, LocalMistake):
            return str(link)
        if isinstance(link, ssl.SSLCertVerificationError) and hasattr(link, "verify_message"):
            return str(link.verify_message)
        if isinstance(link, ssl.SSLError) and link.reason:
            return str(link.reason).lower().replace("_", " ")
        if isinstance(link, OSError) and link.strerror and not isinstance(link, requests.RequestException):
            return link.strerror
    return type(chain[-1]).__name__
