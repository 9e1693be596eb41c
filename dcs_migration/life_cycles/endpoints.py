"""The endpoints that a user configures: a map in the stack's configuration, or a variable for each service."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dcs.loopback import is_this_machine

_SERVICES = ("dcs", "iam", "sts")  # services whose endpoints are used here; the map may have others
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]*:[0-9a-f:.]*")
_DEFAULT_PORTS = {"https": 443, "http": 80}


def configured(text: str | None) -> dict[str, str]:
    """Return the endpoints in the value of ``huaweicloud:endpoints``, by service.

    Raises:
        ConfigurationError: It isn't a map of URLs, or a service's name is misspelled.
    """
    if text is None:
        return {}
    try:
        endpoints = json.loads(text)
    except (ValueError, RecursionError):
        endpoints = None
    if not isinstance(endpoints, dict) or not all(isinstance(value, str) for value in endpoints.values()):
        raise ConfigurationError(
            "huaweicloud:endpoints must be a map of URLs; set it with "
            "`pulumi config set --path 'huaweicloud:endpoints.dcs' https://...`"
        )
    for key in endpoints:
        if key not in _SERVICES and key.strip().lower() in _SERVICES:
            raise ConfigurationError(
                f"huaweicloud:endpoints has the key {key.strip()}; use {key.strip().lower()}"
            )
    return {key: value.strip() for key, value in endpoints.items() if value.strip()}


def base_url(endpoint: str, where: str, *, allow_http: bool) -> str:
    """Return the base URL of an endpoint.

    Args:
        endpoint: A URL, or a host with or without a port.
        where: What sets it, for the error.
        allow_http: Whether requests may be sent unprotected to other machines, too.

    Raises:
        ConfigurationError: It isn't the URL of a service, or isn't protected.
    """
    url = endpoint if "://" in endpoint else f"https://{endpoint}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigurationError(f"{where} is not a URL; use https://host[:port]") from None
    host = parts.hostname or ""
    usable = parts.scheme in ("http", "https") and _HOST.fullmatch(host) and port != 0
    beyond = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if not usable or beyond:
        raise ConfigurationError(f"{where} must be https://host[:port], without a path or credentials")
    if "://" not in endpoint and is_this_machine(host):
        raise ConfigurationError(
            f"{where} starts with neither http nor https; use http://{parts.netloc} for an emulator"
        )
    if parts.scheme == "http" and not is_this_machine(host) and not allow_http:
        raise ConfigurationError(
            f"{where} uses plain http to {host}, which sends requests unprotected; use https://, or set "
            "huaweicloud:insecure to allow it"
        )
    # Normalize the host's spelling, because the state keeps it.
    shown_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://" + (f"[{host}]" if ":" in host else host) + shown_port
