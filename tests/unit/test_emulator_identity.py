"""Who gets temporary keys of the emulator, and what they are good for."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dcs_emulator import Emulator
from dcs_emulator.identity import ROUTES
from dcs_emulator.operations import project_id_of
from tests.id_tokens import AUDIENCE, id_token
from tests.signing import SignedClient

TOKENS = "/v3.0/OS-AUTH/id-token/tokens"
KEYS = "/v3.0/OS-CREDENTIAL/securitytokens"
WITH_OIDC = "/v5/agencies/assume-with-oidc"
METADATA = "/openstack/latest/securitykey"
POD = "/pod-identity/credentials"
PROJECT = project_id_of("emulator-1")


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator that trusts a pipeline, a pod and a server."""
    with Emulator(
        audience=AUDIENCE,
        agencies={"deploy": "acme"},
        server_agency="of-the-server",
        pod_token="pod",
        key_lifetime=1.0,
    ) as running:
        yield running


def post(cloud: Emulator, path: str, body: Any, **headers: str) -> requests.Response:
    """Send an unsigned request."""
    return requests.post(cloud.url + path, json=body, headers=headers, timeout=10)


def with_oidc(token: str, **changes: Any) -> dict[str, Any]:
    """The body that exchanges an id token for keys of an agency."""
    return {
        "provider_urn": "iam::acme:oidcProvider:ci",
        "agency_urn": "iam::acme:agency:deploy",
        "agency_session_name": "session",
        "id_token": token,
        "duration_seconds": 900,
        **changes,
    }


def listing(cloud: Emulator, access: str, secret: str, token: str | None) -> int:
    """Return the status of a call that is signed with keys."""
    client = SignedClient(cloud.url, project=PROJECT, access_key=access, secret_key=secret)
    path = f"/v2/{PROJECT}/migration-tasks"
    if token is None:
        return client.send("GET", path).status_code
    return client.send("GET", path, X_Security_Token=token).status_code


def test_keys_are_good_with_their_token_until_they_expire(cloud: Emulator) -> None:
    """As the gateway judges them; an expired one is told from one that never was."""
    keys = post(cloud, WITH_OIDC, with_oidc(id_token())).json()["credentials"]
    pair = keys["access_key_id"], keys["secret_access_key"]
    assert listing(cloud, *pair, keys["security_token"]) == 200
    assert listing(cloud, *pair, None) == 401
    assert listing(cloud, *pair, "another") == 401
    assert listing(cloud, pair[0], "wrong", keys["security_token"]) == 401
    time.sleep(1.1)
    assert listing(cloud, *pair, keys["security_token"]) == 401
    assert [each["status"] for each in cloud.requests()] == [200, 200, 401, 401, 401, 401]


def test_a_token_of_an_id_token_is_good_for_keys(cloud: Emulator) -> None:
    """The two calls of a federated user; the times are written as IAM writes them."""
    answer = post(cloud, TOKENS, {"auth": {"id_token": {"id": id_token()}}}, **{"X-Idp-Id": "ci"})
    assert answer.status_code == 201
    identity = {"methods": ["token"], "token": {"id": answer.headers["X-Subject-Token"]}}
    keys = post(cloud, KEYS, {"auth": {"identity": identity}})
    assert keys.status_code == 201
    assert set(keys.json()["credential"]) == {"access", "secret", "securitytoken", "expires_at"}
    assert keys.json()["credential"]["expires_at"].endswith("Z")
    identity["token"] = {"id": "another"}
    assert post(cloud, KEYS, {"auth": {"identity": identity}}).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (with_oidc(id_token(lasts=-1)), 403, "access denied: the id token has expired"),
        (
            with_oidc(id_token(audience=["x", "y"])),
            403,
            "access denied: the audience of the id token is not accepted",
        ),
        (with_oidc("a.b.c"), 403, "access denied: the id token is not a JSON web token"),
        (with_oidc("abc"), 403, "access denied: the id token is not a JSON web token"),
        (with_oidc(id_token(exp=10**400)), 403, "access denied: the id token is not a JSON web token"),
        (with_oidc(id_token(), agency_urn="iam::acme:agency:nobody"), 404, "nobody' can't be found"),
        (with_oidc(id_token(), agency_urn="iam::other:agency:deploy"), 404, "deploy' can't be found"),
        (with_oidc(id_token(), agency_urn="deploy"), 400, "agency_urn must be iam::ACCOUNT:agency:NAME"),
        (with_oidc(id_token(), duration_seconds=60), 400, "duration_seconds must be a number from 900"),
        (with_oidc(id_token(), duration_seconds="900"), 400, "duration_seconds must be a number from 900"),
        ({}, 400, "provider_urn is missing"),
        ([], 400, "provider_urn is missing"),
    ],
)
def test_whoever_is_not_trusted_gets_no_keys(cloud: Emulator, body: Any, status: int, words: str) -> None:
    """With the published codes of STS; a malformed request is told as IAM tells it."""
    answer = post(cloud, WITH_OIDC, body)
    assert answer.status_code == status
    said = answer.json()
    code, message = (
        (said["error"]["code"], said["error"]["message"])
        if status == 400
        else (said["error_code"], said["error_msg"])
    )
    assert code == {400: 400, 403: "PAP5.0001", 404: "STS5.1106"}[status]
    assert words in message


def test_a_list_of_audiences_may_hold_the_right_one(cloud: Emulator) -> None:
    """As some issuers write it."""
    assert post(cloud, WITH_OIDC, with_oidc(id_token(audience=["x", AUDIENCE]))).status_code == 200


def test_an_agency_is_assumed_by_whoever_has_keys(cloud: Emulator) -> None:
    """A signature is wanted, by name or by URN."""
    role = {"agency_name": "deploy", "domain_name": "acme", "duration_seconds": 900}
    body = {"auth": {"identity": {"methods": ["assume_role"], "assume_role": role}}}
    assert post(cloud, KEYS, body).status_code == 401
    urn = {"agency_urn": "iam::acme:agency:deploy", "agency_session_name": "s"}
    assert post(cloud, "/v5/agencies/assume", urn).status_code == 401


def test_a_server_and_a_pod_get_keys(cloud: Emulator) -> None:
    """The server with a token of the metadata service, the pod with its own."""
    assert requests.get(cloud.url + METADATA, timeout=10).status_code == 401
    ttl = {"X-Metadata-Token-Ttl-Seconds": "60"}
    token = requests.put(cloud.url + "/meta-data/latest/api/token", headers=ttl, timeout=10).text
    keys = requests.get(cloud.url + METADATA, headers={"X-Metadata-Token": token}, timeout=10).json()
    assert (
        listing(
            cloud,
            keys["credential"]["access"],
            keys["credential"]["secret"],
            keys["credential"]["securitytoken"],
        )
        == 200
    )
    assert post(cloud, POD, {}, Authorization="wrong").status_code == 403
    assert post(cloud, POD, {}, Authorization="pod").status_code == 200


def test_nobody_gets_keys_unless_an_option_says_so() -> None:
    """An emulator without these options is as strict as before."""
    with Emulator() as cloud:
        assert post(cloud, WITH_OIDC, with_oidc(id_token())).status_code == 403
        assert post(cloud, POD, {}, Authorization="").status_code == 403
        assert requests.get(cloud.url + METADATA, timeout=10).status_code == 401


def test_a_whole_address_as_the_target_is_what_a_proxy_gets(cloud: Emulator) -> None:
    """So clients of a metadata service can be led here; the control calls aren't for them."""
    connection = http.client.HTTPConnection("127.0.0.1", cloud.port, timeout=10)
    for target, status in (
        ("http://169.254.169.254/openstack/latest/securitykey", 401),
        ("http://169.254.169.254", 404),
        (f"http://127.0.0.1:{cloud.port}/_emulator/health", 404),
    ):
        connection.request("GET", target)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status, target
    assert cloud.requests()[0]["path"] == METADATA


@pytest.mark.parametrize(("operation", "method", "path"), ROUTES)
def test_every_call_meets_faults_and_bad_bodies(
    cloud: Emulator, operation: str, method: str, path: str
) -> None:
    """With one line, for any request."""
    cloud.fault(operation, "error", status=503, error_code="X.1")
    signed = operation in ("AssumeAgency", "CreateTemporaryAccessKeyByAgency")
    answers = [
        requests.request(
            method, cloud.url + path, data=data, headers={"Content-Type": "application/json"}, timeout=10
        )
        for data in (
            "{}",
            "[1]",
            "{",
            '{"auth": {"identity": 3}}',
            json.dumps({"auth": {"identity": {"methods": [1]}}}),
        )
    ]
    assert answers[0].status_code == (401 if signed else 503)
    assert all(400 <= answer.status_code < 500 or answer.ok for answer in answers[1:])


@pytest.mark.parametrize("lifetime", [-1.0, float("nan"), float("inf")])
def test_a_lifetime_is_a_number_of_seconds(lifetime: float) -> None:
    """As every other duration."""
    with pytest.raises(ValueError, match="key_lifetime: must be a number of seconds"):
        Emulator(key_lifetime=lifetime)
