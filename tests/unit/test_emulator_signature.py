"""Who may call the emulator."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from dcs_emulator import Emulator
from dcs_emulator.signature import Credentials, Received, authenticate
from tests.signing import PROJECT, sign

PATH = f"/v2/{PROJECT}/migration-tasks"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Emulator]:
    """An emulator with a key pair and a token of its own."""
    with Emulator(access_key="AK", secret_key="SK", auth_token="TOKEN") as emulator:
        yield emulator


def get(cloud: Emulator, headers: dict[str, str], path: str = PATH, body: bytes = b"") -> requests.Response:
    """Send a request with exactly these headers."""
    return requests.get(cloud.url + path, headers=headers, data=body, timeout=30)


def signed(
    cloud: Emulator, path: str = PATH, extra: dict[str, str] | None = None, **how: Any
) -> dict[str, str]:
    """Return signed headers for a GET."""
    return sign("GET", cloud.url + path, extra or {}, **{"access_key": "AK", "secret_key": "SK", **how})


def refused(answer: requests.Response, reason: str) -> None:
    """Check a refusal in the gateway's shape."""
    body = answer.json()
    assert answer.status_code == 401
    assert set(body) == {"error_msg", "error_code", "request_id"}
    assert body["error_code"] == "APIGW.0301"
    assert body["error_msg"].startswith("Incorrect IAM authentication information: ")
    assert reason in body["error_msg"]
    assert body["request_id"] == answer.headers["X-Request-Id"]


def test_a_host_that_is_not_signed_is_accepted(cloud: Emulator) -> None:
    """The official Go client signs the date and its own headers, and no host; all it signs still counts."""
    headers = signed(cloud, extra={"X-Project-Id": PROJECT}, unsigned=("host",))
    assert "SignedHeaders=x-project-id;x-sdk-date," in headers["Authorization"]
    assert get(cloud, headers).status_code == 200
    alone = signed(cloud, unsigned=("host",))
    assert "SignedHeaders=x-sdk-date," in alone["Authorization"]
    assert get(cloud, alone).status_code == 200
    for changed in (
        {"X-Project-Id": "other"},
        {"X-Sdk-Date": signed(cloud, at=time.time() + 60)["X-Sdk-Date"]},
    ):
        refused(get(cloud, {**headers, **changed}), "verify aksk signature fail")


def test_a_body_that_is_not_signed(cloud: Emulator) -> None:
    """A signed header may say that the body isn't; one that tells the hash of another body helps no one."""
    cases: tuple[tuple[str, tuple[str, ...], str | None], ...] = (
        ("UNSIGNED-PAYLOAD", (), None),
        ("UNSIGNED-PAYLOAD", ("x-sdk-content-sha256",), "header x-sdk-content-sha256 must be signed"),
        (hashlib.sha256(b"{}").hexdigest(), (), "verify aksk signature fail"),
    )
    for told, unsigned, reason in cases:
        headers = signed(cloud, extra={"X-Sdk-Content-Sha256": told}, unsigned=unsigned)
        answer = get(cloud, headers, body=b"[]")
        if reason is None:
            assert answer.status_code == 200
        else:
            refused(answer, reason)


def test_published_vector() -> None:
    """The signature of the vendor's signing guide is accepted, and one digit more is not."""
    signature = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
    headers = {
        "host": "service.region.example.com",
        "content-type": "application/json",
        "x-sdk-date": "20191115T033655Z",
        "authorization": "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, "
        f"SignedHeaders=content-type;host;x-sdk-date, Signature={signature}",
    }
    path = "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"
    query = "limit=2&marker=13551d6b-755d-4757-b956-536f674975c0"
    keys = Credentials("QTWAOYTTINDUT2QVKYUC", "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")
    authenticate(Received("GET", path, query, headers, b""), keys, now=1573789015.0)
    with pytest.raises(Exception, match="verify aksk signature fail"):
        authenticate(Received("GET", path, f"{query}0", headers, b""), keys, now=1573789015.0)


@pytest.mark.parametrize(
    "path", [PATH, f"{PATH}?name=a%20b%2Bc&limit=5", f"{PATH}?limit=5&name=x~y", f"{PATH}?name=%C3%A9"]
)
def test_a_good_signature_is_accepted(cloud: Emulator, path: str) -> None:
    """Signed requests are let in, with encoded queries too."""
    assert get(cloud, signed(cloud, path), path).status_code == 200


def test_the_default_pair_is_checked_too() -> None:
    """Without keys of its own an emulator wants the default pair, correctly used."""
    with Emulator() as emulator:
        url = emulator.url + PATH
        assert requests.get(url, headers=sign("GET", url, {}), timeout=30).status_code == 200
        wrong = sign("GET", url, {}, secret_key="guess")
        refused(requests.get(url, headers=wrong, timeout=30), "verify aksk signature fail")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"access_key": "OTHER"}, "ak does not exist"),
        ({"secret_key": "OTHER"}, "verify aksk signature fail"),
        ({"unsigned": ("x-sdk-date",)}, "header x-sdk-date must be signed"),
        ({"extra": {"X-Security-Token": "t"}, "unsigned": ("x-security-token",)}, "must be signed"),
    ],
)
def test_a_wrong_signature_is_refused(cloud: Emulator, how: dict[str, Any], reason: str) -> None:
    """Wrong keys and unsigned required headers are refused."""
    refused(get(cloud, signed(cloud, **how)), reason)


@pytest.mark.parametrize(("minutes", "accepted"), [(-16, False), (-14, True), (14, True), (16, False)])
def test_the_clock_window(cloud: Emulator, minutes: int, accepted: bool) -> None:
    """A date fifteen minutes away from now, before or after, is too far."""
    answer = get(cloud, signed(cloud, at=time.time() + 60 * minutes))
    assert (answer.status_code == 200) is accepted
    if not accepted:
        refused(answer, "signature expired")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Authorization": None}, "authorization header is missing"),
        ({"Authorization": "Basic eA=="}, "authorization header is malformed"),
        ({"X-Sdk-Date": None}, "x-sdk-date is missing or malformed"),
        ({"X-Sdk-Date": "yesterday"}, "x-sdk-date is missing or malformed"),
        ({"X-Project-Id": None}, "signed header x-project-id is missing"),
        ({"X-Project-Id": "other"}, "verify aksk signature fail"),
        ({"Host": "elsewhere:80"}, "verify aksk signature fail"),
    ],
)
def test_a_changed_header_is_refused(cloud: Emulator, change: dict[str, str | None], reason: str) -> None:
    """A header that is missing or not the one that was signed is refused."""
    headers = {**signed(cloud, extra={"X-Project-Id": PROJECT}), **change}
    refused(get(cloud, {name: value for name, value in headers.items() if value is not None}), reason)


def test_a_changed_body_path_query_or_method_is_refused(cloud: Emulator) -> None:
    """The signature covers all parts of a request."""
    reason = "verify aksk signature fail"
    refused(get(cloud, signed(cloud), body=b"{}"), reason)
    refused(get(cloud, signed(cloud), f"{PATH}?limit=1"), reason)
    refused(get(cloud, signed(cloud, "/v2/other/migration-tasks")), reason)
    headers = sign("POST", cloud.url + PATH, {}, access_key="AK", secret_key="SK")
    refused(get(cloud, headers), reason)


def test_unsorted_signed_headers_are_refused(cloud: Emulator) -> None:
    """The list of signed headers is sorted."""
    headers = signed(cloud)
    headers["Authorization"] = headers["Authorization"].replace("host;x-sdk-date", "x-sdk-date;host")
    refused(get(cloud, headers), "signed headers are not sorted")


def test_temporary_keys(cloud: Emulator) -> None:
    """A security token that is signed is accepted."""
    assert get(cloud, signed(cloud, extra={"X-Security-Token": "temporary"})).status_code == 200


def test_tokens(cloud: Emulator) -> None:
    """The configured token lets in, another does not, and an emulator without one accepts none."""
    assert get(cloud, {"X-Auth-Token": "TOKEN"}).status_code == 200
    refused(get(cloud, {"X-Auth-Token": "OTHER"}), "decrypt token fail")
    with Emulator() as emulator:
        refused(get(emulator, {"X-Auth-Token": ""}), "decrypt token fail")


def test_a_refused_call_does_nothing_and_is_in_the_journal() -> None:
    """A create without a signature makes no task; the journal has it with status 401."""
    with Emulator() as emulator:
        url = f"{emulator.url}/v2/{PROJECT}/migration-task"
        refused(requests.post(url, json={"task_name": "a"}, timeout=30), "missing")
        assert emulator.tasks() == []
        (entry,) = emulator.requests()
        assert (entry["operation"], entry["status"]) == ("CreateMigrationTask", 401)
