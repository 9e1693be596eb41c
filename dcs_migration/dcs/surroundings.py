"""This machine's settings for connections: proxies and certificate authorities, from environment variables.

A mistake in them is found before anything is sent, and the error names the variable.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from requests.utils import select_proxy
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from dcs_migration.dcs.loopback import is_this_machine

CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
NO_PROXY_ADDRESS = "{proxy} isn't a valid proxy address; set it to http://host:port or unset it"
_PROXY_SCHEMES = {"http", "https"}
_SOCKS_SCHEMES = {"socks4", "socks4a", "socks5", "socks5h"}


class LocalMistake(requests.RequestException):
    """A setting of this machine prevents the exchange: nothing was sent. The text names the setting."""


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    return is_this_machine(host) or host.endswith(".localhost")


def require_usable(url: str, proxies: Mapping[str, str], verify: object) -> None:
    """Check the connection settings of a request.

    Args:
        url: The request's URL.
        proxies: As ``requests`` reads them from the environment.
        verify: The same; a string is the path of certificate authorities.

    Raises:
        LocalMistake: the request couldn't be sent.
    """
    if isinstance(verify, str) and urlsplit(url).scheme == "https":
        _require_authorities(verify)
    proxy = select_proxy(url, dict(proxies))
    if proxy:
        _require_proxy(url, proxy)


def proxy_variable(url: str) -> str:
    """Return the name of the variable with the proxy for a URL."""
    names = (f"{urlsplit(url).scheme}_proxy", "all_proxy")
    spelt = [each for name in names for each in (name, name.upper())]
    return next((name for name in spelt if os.environ.get(name)), spelt[1])


def _require_authorities(path: str) -> None:
    variable = next((name for name in CA_BUNDLES if os.environ.get(name) == path), "the CA bundle")
    try:
        stamp = os.stat(path).st_mtime_ns
    except OSError as error:
        raise LocalMistake(
            f"{variable} names {path}, which can't be read ({error.strerror}){_UNSET}"
        ) from None
    problem = None if os.path.isdir(path) else _problem_of_bundle(path, stamp)
    if problem:
        raise LocalMistake(f"{variable} names {path}, which {problem}{_UNSET}")


_UNSET = "; fix it or unset it"


@functools.lru_cache(maxsize=8)
def _problem_of_bundle(path: str, stamp: int) -> str | None:
    """Return the problem of a file of certificate authorities; ``stamp`` is the time of its last change."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return "contains no PEM certificates"
    except OSError as error:
        return f"can't be read ({error.strerror})"
    return None


def _require_proxy(url: str, proxy: str) -> None:
    """Check the address of a proxy. It is never shown, because it may contain a password."""
    variable = proxy_variable(url)
    try:
        address = parse_url(proxy if "://" in proxy else f"http://{proxy}")
        scheme, host = address.scheme, address.host
    except (LocationParseError, ValueError):
        scheme = host = None
    if scheme in _SOCKS_SCHEMES and host:
        if importlib.util.find_spec("socks") is None:
            raise LocalMistake(
                f"{variable} names a SOCKS proxy, which needs PySocks; run pip install PySocks, unset {variable}, or add "
                f"{urlsplit(url).hostname} to NO_PROXY"
            )
    elif scheme not in _PROXY_SCHEMES or not host:
        raise LocalMistake(NO_PROXY_ADDRESS.format(proxy=variable))
