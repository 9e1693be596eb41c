"""What the emulator's services of identity answer: Huawei's own SDK reads it, and codes and limits are the
documented ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests

from dcs_emulator import Emulator
from tests.id_tokens import AUDIENCE, id_token
from tests.signing import PROJECT, SignedClient, sign
from tests.unit.emulator_world import running

TASKS = f"/v2/{PROJECT}/migration-tasks"
BY_NAME = "/v3.0/OS-CREDENTIAL/securitytokens"
BY_URN = "/v5/agencies/assume"
WITH_TOKEN = "/v5/agencies/assume-with-oidc"
URN = "iam::acme:agency:deploy"
OIDC = {"provider_urn": "iam::acme:oidcProvider:ci", "agency_urn": URN, "agency_session_name": "ci"}
TRUST: dict[str, Any] = {
    "audience": AUDIENCE,
    "agencies": {"deploy": "acme"},
    "server_agency": "server",
    "pod_token": "pod-token",
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    """An emulator that issues keys of each kind."""
    with Emulator(**TRUST) as it:
        yield it


@pytest.fixture
def sdk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's own accessors; it writes into the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    from huaweicloudsdkcore.auth import internal

    return internal


def http_client() -> Any:
    """The SDK's own client."""
    from huaweicloudsdkcore.exceptions.exception_handler import DefaultExceptionHandler
    from huaweicloudsdkcore.http.http_client import HttpClient
    from huaweicloudsdkcore.http.http_config import HttpConfig

    return HttpClient(HttpConfig(), None, DefaultExceptionHandler(), None)


def post(cloud: Emulator, path: str, body: Any, **headers: str) -> requests.Response:
    """Send a request without a signature."""
    return requests.post(cloud.url + path, json=body, headers=headers, timeout=30)


def signed(cloud: Emulator, path: str, body: Any) -> requests.Response:
    """Send the same with the emulator's own keys."""
    return SignedClient(cloud.url).send("POST", path, json.dumps(body).encode())


def assume_role(name: str = "deploy", account: str = "acme", **more: Any) -> dict[str, Any]:
    """The body for an agency by the name of its account."""
    role = {"agency_name": name, "domain_name": account, **more}
    return {"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}}


def status_with(cloud: Emulator, access: str, secret: str, token: str | None) -> tuple[int, str]:
    """Return the status of a signed call with these keys, and the words of a refusal."""
    extra = {} if token is None else {"X-Security-Token": token}
    headers = sign("GET", cloud.url + TASKS, extra, access_key=access, secret_key=secret)
    answer = requests.get(cloud.url + TASKS, headers=headers, timeout=30)
    return answer.status_code, answer.json().get("error_msg", "")


class TestOfficialSdk:
    """Its accessors read the answers, and what they read signs requests."""

    def accepted(self, cloud: Emulator, found: Any) -> None:
        """Check that keys are good with their token and not without."""
        assert status_with(cloud, found.access, found.secret, found.security_token) == (200, "")
        refused = status_with(cloud, found.access, found.secret, None)
        assert refused[0] == 401
        assert "the security token does not belong to this ak" in refused[1]

    def test_an_agency_by_an_id_token(self, cloud: Emulator, sdk: Any) -> None:
        """STS, without a signature."""
        accessor = sdk.OidcStsAccessor(OIDC["provider_urn"], URN, id_token(), "ci")
        found = accessor.get_credential(http_client=http_client(), sts_endpoint=cloud.url)
        self.accepted(cloud, found)

    def test_an_identity_provider(self, cloud: Emulator, sdk: Any, tmp_path: Path) -> None:
        """IAM, in two steps; an audience may be one of several."""
        (tmp_path / "token").write_text(id_token(audience=["another", AUDIENCE]))
        found = sdk.FederalAccessor().get_credential(
            http_client=http_client(),
            iam_endpoint=cloud.url,
            idp_id="ci",
            id_token_file=str(tmp_path / "token"),
        )
        self.accepted(cloud, found)

    def test_a_pod(self, cloud: Emulator, sdk: Any, tmp_path: Path) -> None:
        """The agent, for the token in a file."""
        (tmp_path / "token").write_text("pod-token")
        uri = f"{cloud.url}/pod-identity/credentials"
        self.accepted(cloud, sdk.PodIdentityAccessor(uri, str(tmp_path / "token")).get_credential())

    def test_a_server_through_a_proxy(
        self, cloud: Emulator, sdk: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The metadata service, whose address is fixed: the proxy gets whole URLs."""
        monkeypatch.setenv("HTTP_PROXY", cloud.url)
        self.accepted(cloud, sdk.MetadataAccessor().get_credential())

    def test_a_server_without_an_agency(self, sdk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        """The SDK knows the words of the real one, and does not ask for another token."""
        from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

        with Emulator() as cloud:
            monkeypatch.setenv("HTTP_PROXY", cloud.url)
            with pytest.raises(ClientRequestException) as caught:
                sdk.MetadataAccessor().get_credential()
            assert caught.value.status_code == 401
            assert "Please configure Cloud Service Agency first" in caught.value.error_msg
            asked = [entry["operation"] for entry in cloud.requests()]
            assert asked == ["CreateMetadataToken", "ShowSecurityKey"]

    def test_a_refusal_is_understood(self, cloud: Emulator, sdk: Any) -> None:
        """Its code, its words and its request id."""
        from huaweicloudsdkcore.exceptions.exceptions import SdkException

        accessor = sdk.OidcStsAccessor(OIDC["provider_urn"], URN, id_token(lasts=-9), "ci")
        with pytest.raises(SdkException, match=r"403.*PAP5\.0001.*the id token has expired"):
            accessor.get_credential(http_client=http_client(), sts_endpoint=cloud.url)


def test_iam_and_sts_write_times_in_their_own_ways(cloud: Emulator) -> None:
    """Both in UTC, and as long as was asked for."""
    by_name = signed(cloud, BY_NAME, assume_role(duration_seconds=1200))
    by_urn = signed(cloud, BY_URN, {"agency_urn": URN, "agency_session_name": "ci", "duration_seconds": 900})
    assert (by_name.status_code, by_urn.status_code) == (201, 200)
    times = by_name.json()["credential"]["expires_at"], by_urn.json()["credentials"]["expiration"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", times[0])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", times[1])
    for text, seconds in zip(times, (1200, 900), strict=True):
        left = datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.now(timezone.utc)
        assert seconds - 60 < left.total_seconds() <= seconds
    assert by_urn.json()["assumed_agency"]["urn"] == "sts::acme::assumed-agency:deploy/ci"


@pytest.mark.parametrize(
    ("token", "words"),
    [
        (id_token(lasts=-1), "the id token has expired"),
        (id_token(audience="x"), "the audience of the id token is not accepted"),
        (id_token(audience=["x", "y"]), "the audience of the id token is not accepted"),
        *(
            (bad, "the id token is not a JSON web token")
            for bad in ("x", "a.b.c", "..", "a.bnVsbA.c", "é.é.é")
        ),
    ],
)
def test_an_id_token_is_refused_by_both_services(cloud: Emulator, token: str, words: str) -> None:
    """Each in its own shape; the token is not repeated."""
    sts = post(cloud, WITH_TOKEN, {**OIDC, "id_token": token})
    assert (sts.status_code, sts.json()["error_code"]) == (403, "PAP5.0001")
    assert set(sts.json()) == {"error_code", "error_msg", "request_id"}
    iam = post(
        cloud, "/v3.0/OS-AUTH/id-token/tokens", {"auth": {"id_token": {"id": token}}}, **{"X-Idp-Id": "ci"}
    )
    assert (iam.status_code, iam.json()["error"]["code"]) == (401, 401)
    for said in (sts.json()["error_msg"], iam.json()["error"]["message"]):
        assert words in said
        assert len(token) < 5 or token not in said


def test_an_agency_that_there_is_not(cloud: Emulator) -> None:
    """STS has a code for it; of another account it is another one."""
    for urn in ("iam::acme:agency:nobody", "iam::other:agency:deploy"):
        answer = signed(cloud, BY_URN, {"agency_urn": urn, "agency_session_name": "ci"})
        assert answer.json()["error_code"] == "STS5.1106"
        assert answer.json()["error_msg"] == f"the agency '{urn}' can't be found"
    assert signed(cloud, BY_NAME, assume_role(account="other")).status_code == 403
    assert signed(cloud, BY_NAME, assume_role(account="", domain_id="acme")).status_code == 201


@pytest.mark.parametrize(
    ("seconds", "chained", "status"),
    [
        (899, False, 400),
        (900, False, 200),
        (43_200, False, 200),
        (43_201, False, 400),
        (3600, True, 200),
        (3601, True, 400),
        ("900", False, 400),
        (True, False, 400),
    ],
)
def test_durations_of_sts(cloud: Emulator, seconds: Any, chained: bool, status: int) -> None:
    """At most an hour for a caller with temporary keys."""
    body = {"agency_urn": URN, "agency_session_name": "ci", "duration_seconds": seconds}
    access, secret = cloud.access_key, cloud.secret_key
    extra = {"Content-Type": "application/json"}
    if chained:
        given = post(cloud, WITH_TOKEN, {**OIDC, "id_token": id_token()}).json()["credentials"]
        access, secret = given["access_key_id"], given["secret_access_key"]
        extra["X-Security-Token"] = given["security_token"]
    data = json.dumps(body).encode()
    headers = sign("POST", cloud.url + BY_URN, extra, data, access_key=access, secret_key=secret)
    assert requests.post(cloud.url + BY_URN, data=data, headers=headers, timeout=30).status_code == status


def test_a_signed_request_through_a_proxy(cloud: Emulator) -> None:
    """What is signed is the path, and the host that was meant."""
    url = f"http://dcs.cloud.test{TASKS}"
    answer = requests.get(url, headers=sign("GET", url, {}), proxies={"http": cloud.url}, timeout=30)
    assert (answer.status_code, cloud.requests()[-1]["path"]) == (200, TASKS)


def test_the_command_takes_the_same_options() -> None:
    """As a pipeline in another language starts it."""
    options = (
        "--audience",
        AUDIENCE,
        "--agency",
        "deploy=acme",
        "--agency",
        "spoke=d-1",
        "--key-lifetime",
        "3",
    )
    with running(*options) as (_, url):
        body = {**OIDC, "id_token": id_token(), "agency_urn": "iam::d-1:agency:spoke"}
        answer = requests.post(url + WITH_TOKEN, json=body, timeout=30).json()
        expires = datetime.fromisoformat(answer["credentials"]["expiration"].replace("Z", "+00:00"))
        assert 0 < (expires - datetime.now(timezone.utc)).total_seconds() <= 3
