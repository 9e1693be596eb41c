"""The requests for temporary keys are those of Huawei's own SDK, also where it isn't used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from huaweicloudsdkcore.auth.internal import MetadataAccessor, PodIdentityAccessor

from dcs_migration.clock import SystemClock
from dcs_migration.credentials import local_services
from dcs_migration.credentials.access import Access
from dcs_migration.credentials.exchange import IdentityEndpoints
from dcs_migration.credentials.sources import SOURCES, Credentials, Source
from dcs_migration.dcs.transport import Transport
from tests.unit.dcs_server import Answer, Received, StandIn, answer

PART = {"access": "AK", "secret": "sk", "securitytoken": "t", "expires_at": "2099-01-01T00:00:00.000000Z"}
KEYS = answer({"credential": PART})
POD = next(source for source in SOURCES if source.fetch is local_services.by_pod_identity)
METADATA = next(source for source in SOURCES if source.fetch is local_services.by_metadata)


def ours(url: str, source: Source, settings: dict[str, str]) -> None:
    """Fetch keys as this package does."""
    access = Access(
        Credentials(source.name, fetched_by=source),
        read=settings.get,
        endpoints=IdentityEndpoints(url, url),
        connect=lambda url, auth, breaker, *, timeouts=None, direct=False: Transport(
            url, auth, direct=direct
        ),
        now=SystemClock().now,
        hide=lambda *secrets: None,
    )
    keys = access.temporary_keys()
    assert keys is not None
    assert keys.access_key == "AK"


def said(request: Received) -> tuple[object, ...]:
    """What the service reads of a request."""
    names = ("Authorization", "X-Metadata-Token")
    body = json.loads(request.body) if request.body else None
    return request.method, request.target, body, *(request.headers[name] for name in names)


def compare(mine: Callable[[str], object], official: Callable[[str], object], *answers: Answer) -> None:
    """Let both ask a server of their own."""
    requests = []
    for ask in (mine, official):
        with StandIn(*answers) as server:
            ask(server.url)
            requests.append([said(request) for request in server.requests])
    assert requests[0] == requests[1]
    assert len(requests[0]) == len(answers)


def test_a_pod_sends_the_requests_of_the_sdk(tmp_path: Path) -> None:
    """The token as it is, and an empty object."""
    file = tmp_path / "token"
    file.write_text("token-of-the-pod\n")
    path = "/v1/credentials?a=1"

    def mine(url: str) -> None:
        uri, tokens = POD.required
        ours(url, POD, {uri: url + path, tokens: str(file)})

    compare(mine, lambda url: PodIdentityAccessor(url + path, str(file)).get_credential(), KEYS)


@pytest.mark.parametrize("first", [answer(raw=b"token"), answer(status=404)], ids=["tokens", "no tokens"])
def test_a_server_sends_the_requests_of_the_sdk(first: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a token where the service issues them."""

    def mine(url: str) -> None:
        monkeypatch.setattr(local_services, "METADATA_URL", url)
        ours(url, METADATA, {})

    def official(url: str) -> None:
        accessor = MetadataAccessor()
        accessor._METADATA_ENDPOINT = url
        accessor.get_credential()

    compare(mine, official, first, KEYS)
