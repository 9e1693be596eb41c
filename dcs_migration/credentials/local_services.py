"""Temporary keys from the services of the machine itself: the agent of a pod, and the metadata service of a server."""

from __future__ import annotations

from urllib.parse import urlsplit

from dcs_migration.credentials.exchange import Exchange
from dcs_migration.credentials.keys import Keys, UnusableAnswer, keys_in
from dcs_migration.credentials.tokens import is_token, pod_token
from dcs_migration.dcs.errors import ApiError, ConfigurationError
from dcs_migration.dcs.hosts import is_url

METADATA_URL = "http://169.254.169.254"
_TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105
_KEYS_PATH = "/openstack/latest/securitykey"
_TOKEN_LIFETIME_SECONDS = 60
_TIMEOUTS = (3.0, 3.0)
POD_URI = "HC_CONTAINER_CREDENTIALS_FULL_URI"
POD_URI_FORM = "must be a URL such as http://HOST[:PORT]/PATH"


def by_pod_identity(exchange: Exchange) -> Keys:
    """Ask the agent of a Kubernetes cluster (CCE) for the keys of this pod.

    No proxy sees the token of the pod: the agent runs on the same node.
    """
    uri = exchange.read(POD_URI) or ""
    if not is_url(uri):
        raise ConfigurationError(f"{POD_URI} {POD_URI_FORM}")
    parts = urlsplit(uri)
    answer = exchange.send(
        "ShowPodCredentials",
        "POST",
        f"{parts.scheme}://{parts.netloc}",
        parts.path + (f"?{parts.query}" if parts.query else ""),
        headers={"Authorization": pod_token(exchange.read)},
        body="{}",
        timeouts=_TIMEOUTS,
        direct=True,
    )
    return keys_in(answer.body)


def by_metadata(exchange: Exchange) -> Keys:
    """Ask the metadata service for the keys of the agency of this server (ECS).

    Where the service issues tokens for its clients (IMDSv2), it gets one.
    """
    headers = {}
    try:
        lifetime = {"X-Metadata-Token-Ttl-Seconds": str(_TOKEN_LIFETIME_SECONDS)}
        token = exchange.send(
            "CreateMetadataToken", "PUT", METADATA_URL, _TOKEN_PATH, headers=lifetime, timeouts=_TIMEOUTS
        )
        headers["X-Metadata-Token"] = _token_in(token.body)
        exchange.hide(headers["X-Metadata-Token"])
    except ApiError as error:
        if error.status not in (404, 405, 503):  # an older service has no tokens
            raise
    answer = exchange.send(
        "ShowSecurityKey", "GET", METADATA_URL, _KEYS_PATH, headers=headers, timeouts=_TIMEOUTS
    )
    return keys_in(answer.body)


def _token_in(body: bytes) -> str:
    text = body.decode("latin-1").strip()
    if not is_token(text):  # such as the page of a proxy
        raise UnusableAnswer("the response has no token")
    return text
