"""Hosts of URLs: which texts are URLs of a service, how a host is written, and which hosts are this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]*:[0-9a-f:.]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """Return the Host header of a URL: with the port, unless it is the scheme's default."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    if parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme):
        return host
    return f"{host}:{parts.port}"


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine: `localhost` or a loopback address.

    Names such as `dcs.localhost` aren't, because not every system resolves them itself.
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_url(text: str) -> SplitResult | None:
    """Return the parts of the http or https URL of a host; None if it isn't one."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:
        return None
    return parts if usable and _HOST.fullmatch(parts.hostname or "") else None


def is_url(text: str) -> bool:
    """Whether a text is the http or https URL of a host, without a user."""
    parts = split_url(text)
    return parts is not None and parts.username is None
