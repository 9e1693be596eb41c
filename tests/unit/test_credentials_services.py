"""Temporary keys from the emulator's services of identity, through Huawei's own SDK where it is used."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from dcs_migration.clock import SystemClock
from dcs_migration.dcs.errors import CredentialsRefused, CredentialsUnavailable, DcsMigrationError
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from tests.id_tokens import AUDIENCE, id_token

REGION = "emulator-1"
POD_TOKEN = "token-of-the-pod"
DEPLOY = "agency deploy of acme"


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """An emulator that trusts a pipeline, a pod and a server, and knows two agencies."""
    with Emulator(
        progression="manual",
        audience=AUDIENCE,
        agencies={"deploy": "acme", "spoke": "d-1"},
        server_agency="of-the-server",
        pod_token=POD_TOKEN,
    ) as running:
        yield running


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A file with a good id token."""
    path = tmp_path / "id-token"
    path.write_text(id_token())
    return path


def accounts_of(
    cloud: Emulator, environ: Mapping[str, str], config: Mapping[str, str] | None = None
) -> Accounts:
    """Return the accounts of a process with these settings."""
    named = {f"huaweicloud:{key}": value for key, value in (config or {}).items()}
    settings = {"HW_DCS_ENDPOINT": cloud.url, "HW_REGION_NAME": REGION, **environ}
    return Accounts(Settings(named.get, settings, lambda: named), SystemClock())


def oidc(file: Path) -> dict[str, str]:
    """The settings of a pipeline whose id token is in a file."""
    return {
        "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::acme:oidcProvider:ci",
        "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::acme:agency:deploy",
        "HUAWEICLOUD_OIDC_TOKEN_FILE": str(file),
    }


def keys(cloud: Emulator) -> dict[str, str]:
    """The settings of someone who has keys."""
    return {"HW_ACCESS_KEY": cloud.access_key, "HW_SECRET_KEY": cloud.secret_key}


def asked(cloud: Emulator) -> Counter[str]:
    """The operations of the journal."""
    return Counter(each["operation"] for each in cloud.requests())


def listed(accounts: Accounts) -> None:
    """Make one call of DCS, which proves who calls."""
    accounts.at(None, None).listing.get(max_age=0.0)


def sources(cloud: Emulator, file: Path, folder: Path) -> dict[str, tuple[dict[str, str], list[str]]]:
    """Each source: its settings, and the operations that give the keys."""
    pod = folder / "pod-token"
    pod.write_text(POD_TOKEN)
    credentials = folder / "credentials"
    credentials.write_text(f"[basic]\nak = {cloud.access_key}\nsk = {cloud.secret_key}\n")
    profiles = folder / "config.json"
    profiles.write_text(
        json.dumps(
            {
                "current": "a",
                "profiles": [
                    {"name": "a", "accessKeyId": cloud.access_key, "secretAccessKey": cloud.secret_key}
                ],
            }
        )
    )
    by_token = ["CreateTokenWithIdToken", "CreateTemporaryAccessKeyByToken"]
    by_name = {"HW_ASSUME_ROLE_AGENCY_NAME": "deploy", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}
    return {
        "OIDC": (oidc(file), ["AssumeAgencyWithOIDC"]),
        "identity provider": (
            {"HUAWEICLOUD_SDK_IDP_ID": "ci", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": str(file)},
            by_token,
        ),
        "identity provider, Terraform's variables": (
            {"HW_ASSUME_ROLE_IDP_ID": "ci", "HW_ASSUME_ROLE_ID_TOKEN_FILE": str(file)},
            by_token,
        ),
        "pod identity": (
            {
                "HC_CONTAINER_CREDENTIALS_FULL_URI": f"{cloud.url}/pod-identity/credentials",
                "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(pod),
            },
            ["ShowPodCredentials"],
        ),
        "the SDK's file": ({"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(credentials)}, []),
        "profile": ({"HW_SHARED_CONFIG_FILE": str(profiles)}, []),
        "agency by the account's name": ({**keys(cloud), **by_name}, ["CreateTemporaryAccessKeyByAgency"]),
        "agency by the account's id": (
            {**keys(cloud), "HW_ASSUME_ROLE_AGENCY_NAME": "spoke", "HW_ASSUME_ROLE_DOMAIN_ID": "d-1"},
            ["AssumeAgency"],
        ),
        "agency with an id token": (
            {**oidc(file), **by_name},
            ["AssumeAgencyWithOIDC", "CreateTemporaryAccessKeyByAgency"],
        ),
    }


NAMES = (
    "OIDC",
    "identity provider",
    "identity provider, Terraform's variables",
    "pod identity",
    "the SDK's file",
    "profile",
    "agency by the account's name",
    "agency by the account's id",
    "agency with an id token",
)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
@pytest.mark.parametrize("name", NAMES)
def test_each_source_brings_keys_once_and_they_are_good(
    cloud: Emulator, token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, zone: str
) -> None:
    """In every time zone: the SDK reads UTC times as local ones."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        settings, operations = sources(cloud, token_file, tmp_path)[name]
        for variable, value in settings.items():
            monkeypatch.setenv(
                variable, value
            )  # of the credentials file the SDK reads the environment itself
        accounts = accounts_of(cloud, settings)
        for _ in range(3):
            listed(accounts)
        found = asked(cloud)
        assert found.pop("ListMigrationTask") == 3
        assert found.pop("KeystoneListProjects") == 1
        assert found == Counter(operations)
        assert {each["status"] for each in cloud.requests()} <= {200, 201}
        accounts.close()
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("role", "unused"),
    [
        ('{"agencyName": "deploy", "domainName": "acme"}', "sts"),
        ('{"agencyName": "spoke", "domainId": "d-1"}', "iam"),
    ],
)
def test_an_agency_is_assumed_at_its_own_service(cloud: Emulator, role: str, unused: str) -> None:
    """By the account's name IAM gives the keys, by its id STS: the other one is not asked."""
    nowhere = json.dumps({unused: "http://127.0.0.1:1"})
    environ = {**keys(cloud), "HW_PROJECT_ID": "project-7"}
    listed(accounts_of(cloud, environ, {"assumeRole": role, "endpoints": nowhere}))
    assert asked(cloud)["ListMigrationTask"] == 1


def test_a_chain_of_agencies_is_assumed_link_by_link(cloud: Emulator) -> None:
    """Each with the keys of the one before."""
    chain = '[{"agencyName": "deploy", "domainName": "acme"}, {"agencyName": "spoke", "domainId": "d-1"}]'
    listed(accounts_of(cloud, keys(cloud), {"assumeRole": chain}))
    assert list(asked(cloud)) == [
        "CreateTemporaryAccessKeyByAgency",
        "AssumeAgency",
        "KeystoneListProjects",
        "ListMigrationTask",
    ]


def test_metadata_is_asked_where_nothing_is_set(cloud: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """At its fixed address, which a proxy leads to the emulator; so is DCS, at a name that no one has."""
    for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("HTTP_PROXY", cloud.url)
    environ = {
        "HW_DCS_ENDPOINT": "http://dcs.cloud.test",
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": "http://iam.cloud.test",
    }
    accounts = accounts_of(cloud, {**environ, "HW_INSECURE": "true"})
    listed(accounts)
    assert list(asked(cloud)) == [
        "CreateMetadataToken",
        "ShowSecurityKey",
        "KeystoneListProjects",
        "ListMigrationTask",
    ]


def test_keys_that_expire_are_renewed_under_way(token_file: Path) -> None:
    """No call is refused, however short they live; the file is read again each time."""
    with Emulator(
        progression="manual", audience=AUDIENCE, agencies={"deploy": "acme"}, key_lifetime=3
    ) as cloud:
        accounts = accounts_of(cloud, oidc(token_file))
        end = time.monotonic() + 6
        while time.monotonic() < end:
            listed(accounts)
            token_file.write_text(id_token())
            time.sleep(0.1)
        assert 3 <= asked(cloud)["AssumeAgencyWithOIDC"] <= 8
        assert {each["status"] for each in cloud.requests()} == {200}


def test_keys_that_expired_are_refused_and_not_hidden(token_file: Path) -> None:
    """Where no new ones are to be had: with the reason, and nothing is sent to DCS."""
    with Emulator(
        progression="manual", audience=AUDIENCE, agencies={"deploy": "acme"}, key_lifetime=1
    ) as cloud:
        accounts = accounts_of(cloud, oidc(token_file))
        listed(accounts)
        token_file.write_text(id_token(lasts=-1))
        time.sleep(1.2)
        sent = asked(cloud)["ListMigrationTask"]
        with pytest.raises(CredentialsUnavailable, match=r"HTTP 403 PAP5.0001: .*the id token has expired"):
            listed(accounts)
        assert asked(cloud)["ListMigrationTask"] == sent


@pytest.mark.parametrize(
    ("content", "settings", "words"),
    [
        (id_token(lasts=-5), {}, "the id token has expired"),
        (id_token(audience="somebody-else"), {}, "the audience of the id token is not accepted"),
        ("not.a.token", {}, "the id token is not a JSON web token"),
        (
            id_token(),
            {"HUAWEICLOUD_OIDC_AGENCY_URN": "iam::acme:agency:nobody"},
            "HTTP 404 STS5.1106: the agency 'iam::acme:agency:nobody' can't be found",
        ),
        ("", {}, "HUAWEICLOUD_OIDC_TOKEN_FILE names .*, which is empty"),
        (None, {}, "HUAWEICLOUD_OIDC_TOKEN_FILE names .*, which can't be read: No such file or directory"),
    ],
    ids=["expired", "audience", "no token", "agency", "empty file", "no file"],
)
def test_a_refused_id_token_is_one_line_and_is_sent_once(
    cloud: Emulator, tmp_path: Path, content: str | None, settings: dict[str, str], words: str
) -> None:
    """Twenty tasks ask once; the line says the source, what was said, and what to check, and holds no token."""
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    accounts = accounts_of(cloud, {**oidc(file), **settings})

    def failure(_: int) -> str:
        with pytest.raises(DcsMigrationError, match=words) as caught:
            listed(accounts)
        return str(caught.value)

    with ThreadPoolExecutor(4) as pool:
        texts = set(pool.map(failure, range(20)))
    assert len(texts) == 1
    (text,) = texts
    assert text.startswith("can't get temporary keys from OpenID Connect (HUAWEICLOUD_OIDC_*): ")
    assert "\n" not in text
    assert not content or content not in text
    assert sum(asked(cloud).values()) == (1 if content else 0)


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        (
            {"HW_ASSUME_ROLE_AGENCY_NAME": "nobody"},
            CredentialsUnavailable,
            "can't get temporary keys from agency nobody of acme: CreateTemporaryAccessKeyByAgency failed: HTTP 403: .*"
            "iam:agencies:assume",
        ),
        (
            {"HW_SECRET_KEY": "wrong"},
            CredentialsUnavailable,
            f"can't get temporary keys from {DEPLOY}: .*HTTP 401 APIGW.0301.*the credentials came from the environment",
        ),
    ],
    ids=["unknown agency", "wrong key"],
)
def test_a_refused_agency_is_one_line_and_is_asked_for_once(
    cloud: Emulator, changed: dict[str, str], kind: type[DcsMigrationError], words: str
) -> None:
    """More than five refusals would lock the key of the caller."""
    agency = {"HW_ASSUME_ROLE_AGENCY_NAME": "deploy", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}
    accounts = accounts_of(cloud, {**keys(cloud), **agency, **changed})
    for _ in range(3):
        with pytest.raises(kind, match=words):
            listed(accounts)
    assert sum(asked(cloud).values()) == 1


def test_a_service_that_is_down_is_tried_again(cloud: Emulator, token_file: Path) -> None:
    """As every read is; what passes needs no human."""
    accounts = accounts_of(
        cloud,
        {
            **oidc(token_file),
            "HUAWEICLOUD_SDK_STS_ENDPOINT": "http://127.0.0.1:9",
            "HW_MAX_RETRIES": "0",
        },
    )
    with pytest.raises(
        CredentialsUnavailable,
        match=r"HUAWEICLOUD_OIDC_\*\): 127.0.0.1:9 refused the connection; check the network and the region$",
    ) as caught:
        listed(accounts)
    assert caught.value.may_pass
    cloud.fault("AssumeAgencyWithOIDC", "error", status=503, error_code="X", times=1)
    listed(accounts_of(cloud, oidc(token_file)))


def test_a_refusal_by_dcs_names_the_source(cloud: Emulator, token_file: Path) -> None:
    """The person on call must know whose keys they were."""
    cloud.fault("KeystoneListProjects", "error", status=401, error_code="APIGW.0301")
    with pytest.raises(CredentialsRefused, match=r"came from OpenID Connect \(HUAWEICLOUD_OIDC_\*\)"):
        listed(accounts_of(cloud, oidc(token_file)))


def test_a_service_that_repeats_the_id_token_gives_nothing_away(cloud: Emulator, token_file: Path) -> None:
    """Its words are one line of bounded length."""
    token = token_file.read_text()
    said = f"no\nsuch <{token}>" + "x" * 5000
    cloud.fault("AssumeAgencyWithOIDC", "error", status=403, error_code="X.1", message=said)
    with pytest.raises(CredentialsUnavailable, match=r"HTTP 403 X\.1: no such <") as caught:
        listed(accounts_of(cloud, oidc(token_file)))
    assert token not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_an_id_token_goes_to_no_unprotected_endpoint(
    cloud: Emulator, token_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's file may name an endpoint of its own, which is held to the same rule as the settings."""
    file = tmp_path / "credentials"
    file.write_text(
        f"[basic]\nidp_id = ci\nid_token_file = {token_file}\niam_endpoint = http://iam.cloud.test\n"
    )
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
    accounts = accounts_of(cloud, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)})
    with pytest.raises(CredentialsUnavailable, match=r"iam_endpoint in .* must be https://"):
        listed(accounts)
    file.write_text(file.read_text().replace("http://iam.cloud.test", "https://iam.cloud.invalid"))
    with pytest.raises(CredentialsUnavailable, match=r"can't resolve the host name of iam.cloud.invalid"):
        listed(accounts_of(cloud, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)}))
    assert cloud.requests() == []


@pytest.mark.parametrize(
    "content",
    [
        "[basic]\nak = AK\nsk hidden-secret-key\n",
        "hidden-secret-key\n",
        "[basic]\nsk = %(hidden-secret-key\n",
    ],
)
def test_a_broken_file_of_credentials_is_not_quoted(
    cloud: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    """What is in its lines may be a key."""
    file = tmp_path / "credentials"
    file.write_text(content)
    monkeypatch.setenv("HUAWEICLOUD_SDK_CREDENTIALS_FILE", str(file))
    with pytest.raises(CredentialsUnavailable) as caught:
        listed(accounts_of(cloud, {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": str(file)}))
    assert "hidden" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["first-line\nsecond-line\n", "x" * 70_000])
def test_a_file_that_holds_no_single_token_is_not_sent_or_quoted(
    cloud: Emulator, tmp_path: Path, content: str
) -> None:
    """Libraries quote what they cannot send; a pipe would never end."""
    file = tmp_path / "token"
    file.write_text(content)
    with pytest.raises(DcsMigrationError, match="which doesn't hold one token") as caught:
        listed(accounts_of(cloud, oidc(file)))
    assert "first-line" not in str(caught.value)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DcsMigrationError, match="which isn't a file"):
        listed(accounts_of(cloud, oidc(tmp_path / "pipe")))
    assert cloud.requests() == []
