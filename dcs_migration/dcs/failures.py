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

from dcs_migration.dcs.surroundings import NO_PROXY_ADDRESS, LocalMistake

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
    "the proxy of {proxy} asks for a user and a password (407): write http://user:password@host:port",
    sent=False,
    permanent=True,
    local=True,
)

_UNKNOWN_AUTHORITY = Failure(
    "the certificate of {host} is not trusted ({detail}): name a file with its authority in REQUESTS_CA_BUNDLE "
    "(SSL_CERT_FILE is not read)",
    sent=False,
    permanent=True,
    local=True,
)
# OpenSSL's codes for a missing issuer, a self-signed certificate at the end of a chain or within it, and an
# incomplete chain.
_NO_AUTHORITY = frozenset({2, 18, 19, 20, 21})

_NO_TLS = Failure("no TLS connection to {host} ({detail}): is it https?", sent=False, permanent=True)

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
        Failure(
            "the proxy of {proxy} on the way to {host} cannot be used ({detail})", sent=False, local=True
        ),
    ),
    (
        (ssl.SSLCertVerificationError, ssl.CertificateError),
        Failure("the certificate of {host} is not trusted ({detail})", sent=False, permanent=True),
    ),
    ((socket.gaierror,), Failure("the host name of {host} cannot be resolved", sent=False)),
    ((ConnectionRefusedError,), Failure("{host} refused the connection", sent=False)),
    ((u3.NewConnectionError,), Failure("no connection to {host} ({detail})", sent=False)),
    (
        (requests.exceptions.ConnectTimeout, u3.ConnectTimeoutError),
        Failure("no connection to {host} in time", sent=False),
    ),
    (
        (
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
            requests.exceptions.MissingSchema,
            u3.LocationValueError,
        ),
        Failure("{host} is no usable address", sent=False, permanent=True),
    ),
    (
        (requests.exceptions.InvalidHeader, UnicodeEncodeError),
        Failure(
            "a header (token or project id) holds a character that HTTP does not allow",
            sent=False,
            permanent=True,
        ),
    ),
    (
        (requests.exceptions.ReadTimeout, u3.ReadTimeoutError, TimeoutError),
        Failure("no complete answer from {host} in time"),
    ),
    (
        (http.client.IncompleteRead, u3.IncompleteRead, requests.exceptions.ChunkedEncodingError),
        Failure("the answer of {host} broke off"),
    ),
    ((http.client.RemoteDisconnected, ConnectionError), Failure("{host} dropped the connection")),
)
_OTHER = Failure("the exchange with {host} broke ({detail})")

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


def explain(error: BaseException, host: str, proxy: str = "HTTPS_PROXY") -> tuple[Failure, str]:
    """Return what the exception proves, and a description without headers and URLs.

    proxy: the name of the variable with the proxy, if the request uses one.
    """
    chain = list(_chain(error))
    failure = _classify(chain)
    return failure, failure.words.format(host=host, detail=_detail(chain), proxy=proxy)


def _classify(chain: list[BaseException]) -> Failure:
    status = _refused_tunnel(chain)
    if status == 407:
        return PROXY_REFUSED
    if status is not None:
        words = "the proxy of {proxy} lets nothing through to {host} (HTTP " + str(status) + ")"
        return Failure(words, sent=False, permanent=status < 500, local=True)
    if any(getattr(link, "verify_code", None) in _NO_AUTHORITY for link in chain):
        return _UNKNOWN_AUTHORITY
    for types, failure in _TABLE:
        if any(isinstance(link, types) for link in chain):
            return failure
    if any(isinstance(link, ssl.SSLError) and link.reason in _HANDSHAKE for link in chain):
        return _NO_TLS
    return _OTHER


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
            queue.append(
                link.__context__
            )  # urllib3 1.26 doesn't show the cause; in any case, nothing was sent


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
