"""The endpoints that a user configures: a map in the stack's configuration, or a variable for each service."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from dcs_migration.dcs.errors import ConfigurationError
from dcs_migration.dcs.hosts import host_of, is_loopback, split_url

_SERVICES = ("dcs", "iam", "sts")  # services whose endpoints are used here; the map may have others


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
        parts.port  # noqa: B018 (reading it checks it)
    except ValueError:
        raise ConfigurationError(f"{where} isn't a URL; use https://host[:port]") from None
    beyond = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if split_url(url) is None or beyond:
        raise ConfigurationError(f"{where} must be https://host[:port], without a path or credentials")
    if "://" not in endpoint and is_loopback(url):
        raise ConfigurationError(
            f"{where} starts with neither http nor https; use http://{parts.netloc} for an emulator"
        )
    if parts.scheme == "http" and not is_loopback(url) and not allow_http:
        raise ConfigurationError(
            f"{where} uses plain http to {parts.hostname}, which sends requests unprotected; use https://, or set "
            "huaweicloud:insecure to allow it"
        )
    # Normalize the host's spelling, because the state keeps it.
    return f"{parts.scheme}://{host_of(url)}"
