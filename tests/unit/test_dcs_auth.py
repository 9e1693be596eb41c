"""The signature, against published vectors and the official signer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from dcs_migration.dcs.auth import KeyPairAuth, TokenAuth, sign
from dcs_migration.dcs.hosts import host_of

WHEN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def test_the_vector_of_the_signing_guide() -> None:
    """The example of the provider's own signing guide is reproduced."""
    headers = sign(
        "GET",
        "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"
        "?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
        {"Content-Type": "application/json"},
        b"",
        "QTWAOYTTINDUT2QVKYUC",
        "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc",
        datetime(2019, 11, 15, 3, 36, 55, tzinfo=timezone.utc),
    )
    assert headers == {
        "X-Sdk-Date": "20191115T033655Z",
        "Authorization": "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, "
        "SignedHeaders=content-type;host;x-sdk-date, "
        "Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe",
    }


def test_a_vector_with_a_body_and_a_project() -> None:
    """A creation with a body and a project id has the signature that the official SDK gave."""
    headers = sign(
        "POST",
        "https://dcs.cn-north-4.myhuaweicloud.com/v2/0123/migration-task",
        {"Content-Type": "application/json", "X-Project-Id": "0123"},
        b'{"task_name": "m1"}',
        "AK",
        "SK",
        WHEN,
    )
    assert headers["Authorization"] == (
        "SDK-HMAC-SHA256 Access=AK, SignedHeaders=content-type;host;x-project-id;x-sdk-date, "
        "Signature=05a25c88161523c02eead66105c113cb33007afc4222648c404186df48da38af"
    )


def test_the_date_is_utc() -> None:
    """A moment given in another zone is signed as UTC."""
    zone = timezone(timedelta(hours=8))
    assert (
        sign("GET", "https://h/", {}, b"", "a", "s", WHEN.astimezone(zone))["X-Sdk-Date"]
        == "20260101T000000Z"
    )


def test_headers_with_an_underscore_are_not_signed() -> None:
    """A header that gateways drop is left out of the signature."""
    headers = sign("GET", "https://h/", {"X_Custom": "1", "X-Custom": "1"}, b"", "a", "s", WHEN)
    assert "SignedHeaders=host;x-custom;x-sdk-date," in headers["Authorization"]


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give the official signer; its import writes into the home directory, which is therefore a temporary one."""
    home: Path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        from huaweicloudsdkcore.sdk_request import SdkRequest
        from huaweicloudsdkcore.signer.signer import Signer

        yield SimpleNamespace(SdkRequest=SdkRequest, Signer=Signer)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SEGMENT = _TEXT.filter(lambda part: part not in ("", ".", ".."))
_KEY = st.text("abcdefABCDEF0123456789+/=", min_size=1, max_size=24)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    host=st.sampled_from(["dcs.example.com", "dcs.example.com:8443", "127.0.0.1:80", "dcs.example.com:443"]),
    segments=st.lists(_SEGMENT, max_size=4),
    query=st.lists(st.tuples(_TEXT.filter(bool), _TEXT), max_size=5),
    body=st.none() | _TEXT,
    keys=st.tuples(_KEY, _KEY),
    token=st.none() | _KEY,
    project=st.none() | _KEY,
)
def test_random_requests_are_signed_as_by_the_official_signer(
    official: Any,
    method: str,
    host: str,
    segments: list[str],
    query: list[tuple[str, str]],
    body: str | None,
    keys: tuple[str, str],
    token: str | None,
    project: str | None,
) -> None:
    """Reserved and foreign characters, repeated keys, tokens and ports are signed as the official SDK does."""
    path = "/v2/" + "/".join(quote(part, safe="") for part in segments)
    pairs = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query)
    prepared = requests.Request(
        method,
        f"https://{host}{path}" + (f"?{pairs}" if pairs else ""),
        headers={"Content-Type": "application/json"},
        data=body.encode() if body is not None else None,
        auth=KeyPairAuth(*keys, security_token=token, project_id=project, now=lambda: WHEN),
    ).prepare()

    expected = {"Content-Type": "application/json", "X-Sdk-Date": "20260101T000000Z"}
    if token:
        expected["X-Security-Token"] = token
    if project:
        expected["X-Project-Id"] = project
    oracle = official.Signer(SimpleNamespace(ak=keys[0], sk=keys[1])).sign(
        official.SdkRequest(
            method=method,
            schema="https",
            host=host.removesuffix(":443"),
            resource_path=path,
            query_params=list(query),
            header_params=expected,
            body=(body or "").encode(),
        )
    )
    assert prepared.headers["Authorization"] == oracle.header_params["Authorization"]
    assert prepared.headers["Host"] == oracle.header_params["Host"]
    assert urlsplit(prepared.url or "").scheme == "https"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://dcs.example.com/x", "dcs.example.com"),
        ("https://dcs.example.com:443/x", "dcs.example.com"),
        ("http://dcs.example.com:443/x", "dcs.example.com:443"),
        ("http://[::1]:8788/x", "[::1]:8788"),
        ("http://user:pw@DCS.example.com/x", "dcs.example.com"),
    ],
)
def test_the_host_header(url: str, host: str) -> None:
    """The host that is signed has a port only if it is not the scheme's own, and never a user."""
    assert host_of(url) == host


def test_a_token_is_sent_as_it_is() -> None:
    """Token authentication adds X-Auth-Token and no signature."""
    prepared = requests.Request("GET", "https://h/", auth=TokenAuth("tok")).prepare()
    assert prepared.headers["X-Auth-Token"] == "tok"
    assert "Authorization" not in prepared.headers


def test_no_secret_is_shown() -> None:
    """Neither repr nor str of the credentials shows any part of them."""
    for auth in (KeyPairAuth("AKAKAK", "SKSKSK", "TKTKTK", "PRJ"), TokenAuth("TKTKTK")):
        shown = f"{auth} {auth!r}"
        assert not [secret for secret in ("AKAKAK", "SKSKSK", "TKTKTK") if secret in shown]
