"""Every source of credentials, and each way in which one fails: the real CLI, the real plugins, Huawei's real SDK.

Renewals in a wait are in test_credentials.py. Most tests are refreshes of one stack, which need no program: the
environment alone shows who calls.
"""

from __future__ import annotations

import json
import os
import re
import secrets as real_secrets
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from dcs_emulator import Emulator
from dcs_emulator.app import IDENTITY_OPERATIONS
from tests.e2e.stack import FRONT_END, Result, Stack, calls, operations
from tests.id_tokens import AUDIENCE, id_token

Settings = dict[str, "str | None"]

POD_TOKEN = "token-of-the-pod"
TASK = 'MigrationTask("orders", **BACKUP, target_instance=target())\n'
TWENTY = 'for n in range(20):\n    MigrationTask(f"orders{n}", **BACKUP, target_instance=target(n))\n'
AGENCIES = {"deploy": "acme", "spoke": "d-1"}
BY_TOKEN = ["CreateTokenWithIdToken", "CreateTemporaryAccessKeyByToken"]
BY_NAME: Settings = {"HW_ASSUME_ROLE_AGENCY_NAME": "deploy", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}
BY_ID: Settings = {"HW_ASSUME_ROLE_AGENCY_NAME": "spoke", "HW_ASSUME_ROLE_DOMAIN_ID": "d-1"}
NO_KEYS: Settings = {"HW_ACCESS_KEY": None, "HW_SECRET_KEY": None}
OIDC_HINT = (
    "check the id token (it may have expired), its audience, and whether the agency trusts this identity provider and "
    "subject"
)
OIDC = "OpenID Connect (HUAWEICLOUD_OIDC_*)"


@dataclass(frozen=True)
class World:
    """A cloud, a stack with one task in it, and a folder for files."""

    cloud: Emulator
    stack: Stack
    files: Path

    def file(self, name: str, content: str) -> str:
        """Write a file and return its path."""
        path = self.files / name
        path.write_text(content)
        return str(path)

    def asked(self) -> list[str]:
        """The operations that gave keys, in order."""
        return [name for name in operations(self.cloud) if name in (*IDENTITY_OPERATIONS, BY_TOKEN[1])]

    def refresh(self, settings: Mapping[str, str | None], *, ok: bool = True) -> Result:
        """Refresh with these settings and no keys but theirs; the journal has this command alone."""
        self.cloud.clear_requests()
        return self.stack.refresh(ok=ok, **{**NO_KEYS, **settings})


def trusting(**more: object) -> Emulator:
    """An emulator that issues keys of every kind."""
    options = {
        "progression": "manual",
        "audience": AUDIENCE,
        "agencies": AGENCIES,
        "server_agency": "of-the-server",
        "pod_token": POD_TOKEN,
        **more,
    }
    return Emulator(**options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    """Make the world of a front end when it is first asked for."""
    made: dict[str, World] = {}
    with ExitStack() as clouds:

        def world_of(front_end: str) -> World:
            if front_end not in made:
                folder = tmp_path_factory.mktemp(front_end)
                cloud = clouds.enter_context(trusting())
                with pytest.MonkeyPatch.context() as patch:
                    patch.setenv(FRONT_END, front_end)
                    stack = Stack(folder / "stack", cloud).program(TASK)
                stack.up()
                assert ("dynamic" in stack.resources()["orders"]["type"]) is (front_end == "dynamic")
                made[front_end] = World(cloud, stack, folder)
            return made[front_end]

        yield world_of


@pytest.fixture
def world(worlds: Callable[[str], World]) -> World:
    """That of the Python front end."""
    return worlds("dynamic")


@pytest.fixture
def dynamic(tmp_path: Path) -> Iterator[World]:
    """A stack of the Python front end with nothing in it yet."""
    with trusting() as cloud:
        yield World(cloud, Stack(tmp_path / "stack", cloud), tmp_path)


def keys(cloud: Emulator) -> Settings:
    """Keys that do not expire."""
    return {"HW_ACCESS_KEY": cloud.access_key, "HW_SECRET_KEY": cloud.secret_key}


def oidc(path: str) -> Settings:
    """A pipeline whose id token is in a file."""
    return {
        "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::acme:oidcProvider:ci",
        "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::acme:agency:deploy",
        "HUAWEICLOUD_OIDC_TOKEN_FILE": path,
    }


def profile(world: World, **more: str) -> str:
    """A file of KooCLI with one profile, which is not the current one."""
    item = {
        "name": "production",
        "mode": "AKSK",
        "accessKeyId": world.cloud.access_key,
        "secretAccessKey": world.cloud.secret_key,
        **more,
    }
    return world.file("config.json", json.dumps({"current": "default", "profiles": [item]}))


def of_oidc(world: World) -> Settings:
    """OpenID Connect, for an agency; the token in a file."""
    return oidc(world.file("id-token", id_token()))


def of_provider(world: World) -> Settings:
    """OpenID Connect, for a user of an identity provider."""
    file = world.file("id-token", id_token())
    return {"HUAWEICLOUD_SDK_IDP_ID": "ci", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": file}


def of_terraform(world: World) -> Settings:
    """The same by the variables of Huawei's Terraform provider."""
    file = world.file("id-token", id_token())
    return {"HW_ASSUME_ROLE_IDP_ID": "ci", "HW_ASSUME_ROLE_ID_TOKEN_FILE": file}


def of_pod(world: World) -> Settings:
    """Pod identity of a Kubernetes cluster."""
    return {
        "HC_CONTAINER_CREDENTIALS_FULL_URI": f"{world.cloud.url}/pod-identity/credentials",
        "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": world.file("pod", POD_TOKEN),
    }


def of_sdk_file(world: World) -> Settings:
    """The SDK's own file of credentials."""
    text = f"[basic]\nak = {world.cloud.access_key}\nsk = {world.cloud.secret_key}\n"
    return {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": world.file("credentials", text)}


def of_profile_with_agency(world: World) -> Settings:
    """A profile that names an agency itself."""
    file = profile(world, agencyName="deploy", agencyDomainName="acme")
    return {"HW_PROFILE": "production", "HW_SHARED_CONFIG_FILE": file}


def of_agency(world: World) -> Settings:
    """An agency by the name of its account."""
    return {**keys(world.cloud), **BY_NAME}


def of_agency_by_id(world: World) -> Settings:
    """An agency by the id of its account."""
    return {**keys(world.cloud), **BY_ID}


def of_agency_of_pipeline(world: World) -> Settings:
    """An agency, assumed with the keys of an id token."""
    return {**of_oidc(world), **BY_ID}


def of_metadata(world: World) -> Settings:
    """Nothing but the metadata service, at its fixed address; a proxy leads that and DCS to the emulator."""
    return {
        "HTTP_PROXY": world.cloud.url,
        "NO_PROXY": None,
        "no_proxy": None,
        "HW_DCS_ENDPOINT": "http://dcs.cloud.test",
        "HUAWEICLOUD_SDK_IAM_ENDPOINT": "http://iam.cloud.test",
        "HW_INSECURE": "true",
        "DCS_MIGRATION_ACCEPT_ENDPOINT": "dcs.cloud.test",
    }


SOURCES: list[tuple[Callable[[World], Settings], list[str]]] = [
    (of_oidc, ["AssumeAgencyWithOIDC"]),
    (of_provider, BY_TOKEN),
    (of_terraform, BY_TOKEN),
    (of_pod, ["ShowPodCredentials"]),
    (of_sdk_file, []),
    (of_profile_with_agency, ["CreateTemporaryAccessKeyByAgency"]),
    (of_agency, ["CreateTemporaryAccessKeyByAgency"]),
    (of_agency_by_id, ["AssumeAgency"]),
    (of_agency_of_pipeline, ["AssumeAgencyWithOIDC", "AssumeAgency"]),
    (of_metadata, ["CreateMetadataToken", "ShowSecurityKey"]),
]


FRONT_ENDS = [
    *(("dynamic", settings, operations) for settings, operations in SOURCES),
    # Both read the settings in one place: of the native front end one way of each kind will do.
    *(
        ("native", settings, operations)
        for settings, operations in SOURCES
        if settings in (of_agency_of_pipeline, of_metadata)
    ),
]


@pytest.mark.long
@pytest.mark.parametrize(
    ("front_end", "settings", "exchanges"),
    FRONT_ENDS,
    ids=[f"{front_end}-{each.__name__}" for front_end, each, _ in FRONT_ENDS],
)
def test_each_source_is_enough(
    worlds: Callable[[str], World],
    front_end: str,
    settings: Callable[[World], Settings],
    exchanges: list[str],
) -> None:
    """Each exchange is made once, and no call is refused."""
    world = worlds(front_end)
    world.refresh(settings(world))
    assert world.asked() == exchanges
    assert calls(world.cloud)["ListMigrationTask"] == 1
    assert {each["status"] for each in world.cloud.requests()} <= {200, 201}


def configure(stack: Stack, parts: Mapping[str, str]) -> None:
    """Set parts of the agency in the stack's configuration."""
    pairs = [f"huaweicloud:assumeRole{part}={value}" for part, value in parts.items()]
    stack.run("config", "set-all", "--path", *(each for pair in pairs for each in ("--plaintext", pair)))


def test_an_agency_of_the_configuration_a_chain_and_one_of_the_program(dynamic: World) -> None:
    """The whole life of each: a preview asks for nothing; what a program writes goes before the environment."""
    stack, cloud = dynamic.stack, dynamic.cloud
    stack.program(TASK)
    configure(stack, {".agencyName": "deploy", ".domainName": "acme"})
    stack.preview()
    assert cloud.requests() == []
    stack.up()
    assert dynamic.asked() == ["CreateTemporaryAccessKeyByAgency"]
    stack.run("config", "rm", "huaweicloud:assumeRole")
    configure(stack, {"[0].agencyName": "deploy", "[0].domainName": "acme"})
    configure(stack, {"[1].agencyName": "spoke", "[1].domainId": "d-1"})
    cloud.clear_requests()
    stack.refresh("--run-program")
    assert dynamic.asked() == ["CreateTemporaryAccessKeyByAgency", "AssumeAgency"]
    stack.run("config", "rm", "huaweicloud:assumeRole")
    stack.program(
        """
        from dcs_migration import Provider
        spoke = Provider("spoke", assume_role={"agency_name": "spoke", "domain_id": "d-1"})
        MigrationTask("orders", **BACKUP, target_instance=target(), opts=pulumi.ResourceOptions(provider=spoke))
        """
    )
    cloud.clear_requests()
    stack.up(ok=True, **BY_NAME)
    stack.refresh(ok=True, **BY_NAME)
    assert set(dynamic.asked()) == {"AssumeAgency"}
    cloud.clear_requests()
    stack.destroy(ok=True, **BY_NAME)
    assert set(dynamic.asked()) == {"AssumeAgency"}
    assert cloud.tasks() == []


def _denied(why: str) -> str:
    return f"can't get temporary keys from {OIDC}: AssumeAgencyWithOIDC failed: HTTP 403 PAP5.0001: access denied: {why} (request id *); {OIDC_HINT}"


def _with_token(**claims: object) -> Callable[[World], Settings]:
    return lambda world: oidc(world.file("refused", id_token(**claims)))  # type: ignore[arg-type]


def _agency(operation: str, facts: str, action: str) -> str:
    return (
        f"can't get temporary keys from {operation} failed: HTTP {facts} (request id *); check that the agency delegates to "
        f"these credentials' account and that their user is allowed to assume it ({action})"
    )


def _refused_by_sts(world: World) -> Settings:
    said = "access denied: no trust"
    world.cloud.fault("AssumeAgency", "error", status=403, error_code="PAP5.0001", message=said)
    return of_agency_by_id(world)


REFUSED: dict[str, tuple[Callable[[World], Settings], str]] = {
    "expired token": (_with_token(lasts=-5), _denied("the id token has expired")),
    "audience": (
        _with_token(audience="somebody-else"),
        _denied("the audience of the id token is not accepted"),
    ),
    "unknown agency": (
        lambda world: {**keys(world.cloud), **BY_NAME, "HW_ASSUME_ROLE_AGENCY_NAME": "nobody"},
        _agency(
            "agency nobody of acme: CreateTemporaryAccessKeyByAgency",
            "403: the account acme has no agency nobody that trusts this caller",
            "iam:agencies:assume",
        ),
    ),
    "unknown agency by id": (
        lambda world: {**keys(world.cloud), **BY_ID, "HW_ASSUME_ROLE_AGENCY_NAME": "nobody"},
        "can't get temporary keys from agency nobody of d-1: AssumeAgency failed: HTTP 404 STS5.1106: the agency "
        "'iam::d-1:agency:nobody' can't be found (request id *); check the agency's name and its account id",
    ),
    "refused agency": (
        _refused_by_sts,
        _agency(
            "agency spoke of d-1: AssumeAgency",
            "403 PAP5.0001: access denied: no trust",
            "sts:agencies:assume",
        ),
    ),
    "pod": (
        lambda world: {**of_pod(world), "HC_CONTAINER_AUTHORIZATION_TOKEN_FILE": world.file("pod", "other")},
        "can't get temporary keys from pod identity (HC_CONTAINER_*): ShowPodCredentials failed: HTTP 403: this service account is "
        "bound to no agency (request id *); check that this pod's service account is bound to an agency",
    ),
}


def lines_of(result: Result) -> set[str]:
    """The errors that a command printed, with a star for what no two runs have alike."""
    found = re.findall(r"^    error: (.*)$", result.text, re.MULTILINE)
    return {re.sub(r"request id [0-9a-f]+", "request id *", line) for line in found} - {"update failed"}


@pytest.mark.long
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_one_line(world: World, name: str) -> None:
    """What was attempted, on what, what the cloud said, what to do; and DCS is not asked."""
    settings, line = REFUSED[name]
    result = world.refresh(settings(world), ok=False)
    assert lines_of(result) == {line}
    assert len(world.cloud.requests()) == 1


OFFLINE: dict[str, tuple[Callable[[World], Settings], str]] = {
    "missing file": (
        lambda world: oidc("/nowhere/token"),
        f"{OIDC}: HUAWEICLOUD_OIDC_TOKEN_FILE names /nowhere/token, which can't be read: No such file or directory",
    ),
    "empty file": (
        lambda world: oidc(world.file("empty", "\n")),
        f"{OIDC}: HUAWEICLOUD_OIDC_TOKEN_FILE names FOLDER/empty, which is empty",
    ),
    "half a set": (
        lambda world: {**oidc("/nowhere"), "HUAWEICLOUD_OIDC_AGENCY_URN": None},
        f"incomplete credentials in {OIDC}: HUAWEICLOUD_OIDC_PROVIDER_URN, HUAWEICLOUD_OIDC_TOKEN_FILE without "
        "HUAWEICLOUD_OIDC_AGENCY_URN; set HUAWEICLOUD_OIDC_PROVIDER_URN and HUAWEICLOUD_OIDC_AGENCY_URN and "
        "HUAWEICLOUD_OIDC_TOKEN_FILE together, or none of them",
    ),
    "profile without keys": (
        lambda world: {
            "HW_PROFILE": "production",
            "HW_SHARED_CONFIG_FILE": profile(world, accessKeyId="", mode="ecsAgency"),
        },
        "the profile production in FOLDER/config.json has no access key and secret key (mode: ecsAgency); use a profile "
        "with mode AKSK",
    ),
    "too long": (
        lambda world: {**of_oidc(world), **BY_ID, "HW_ASSUME_ROLE_DURATION": "7200"},
        "the duration of agency spoke of d-1 must be at most 3600 seconds, the limit of STS for temporary keys",
    ),
}


@pytest.mark.long
@pytest.mark.parametrize("name", OFFLINE)
def test_what_is_wrong_offline_fails_the_preview(world: World, name: str) -> None:
    """In one line, and nothing is sent."""
    settings, line = OFFLINE[name]
    world.cloud.clear_requests()
    result = world.stack.preview(ok=False, **{**NO_KEYS, **settings(world)})
    said = result.text.replace(str(world.files), "FOLDER")
    assert line in said, said
    assert world.cloud.requests() == []


@pytest.mark.long
def test_a_service_that_is_down_is_named_and_asked_again_later(tmp_path: Path) -> None:
    """Nothing is lost meanwhile, and nothing has to be fixed."""
    port, state = _closed_port(), tmp_path / "state.json"
    with trusting(port=port, state=str(state)) as cloud:
        world = World(cloud, Stack(tmp_path / "stack", cloud).program(TASK), tmp_path)
        world.stack.up()
    settings = {**of_oidc(world), "HW_MAX_RETRIES": "0"}
    result = world.stack.refresh(ok=False, **{**NO_KEYS, **settings})
    assert lines_of(result) == {
        f"can't get temporary keys from {OIDC}: 127.0.0.1:{port} refused the connection; check the network and the region"
    }
    with trusting(port=port, state=str(state)) as cloud:
        world = World(cloud, world.stack, tmp_path)
        world.refresh(settings)
        assert world.asked() == ["AssumeAgencyWithOIDC"]


def test_twenty_tasks_ask_for_an_agency_once(dynamic: World) -> None:
    """Each says why it was not started; a caller that continues after five refusals is locked out."""
    settings, _ = REFUSED["unknown agency"]
    # Otherwise Pulumi starts no further one after the first failure.
    everyone = dynamic.stack.program(TWENTY).up(
        "--continue-on-error", ok=False, **{**NO_KEYS, **settings(dynamic)}
    )
    refused = re.findall(
        r"MigrationTask \((orders\d+)\):\n    error: can't get temporary keys from agency nobody",
        everyone.text,
    )
    assert sorted(refused) == sorted(f"orders{n}" for n in range(20)), everyone.text
    assert dict(calls(dynamic.cloud)) == {"CreateTemporaryAccessKeyByAgency": 1}


# Python reads it when it starts: all logs of all packages in all processes go to a file.
LOG_ALL = """
import logging, os
logging.basicConfig(filename=os.environ["WIRE_LOG"], level=logging.DEBUG)
"""


@pytest.mark.long
def test_no_token_and_no_key_is_printed_written_or_logged(
    dynamic: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor in Pulumi's own log at its loudest, in the state, in the logs of all Python packages, or the journal."""
    issued: list[str] = []

    def recorded(make: Callable[[int], str]) -> Callable[[int], str]:
        def made(size: int) -> str:
            issued.append(make(size))
            return issued[-1]

        return made

    fake = SimpleNamespace(
        token_urlsafe=recorded(real_secrets.token_urlsafe), token_hex=real_secrets.token_hex
    )
    monkeypatch.setattr("dcs_emulator.identity.secrets", fake)
    dynamic.file("sitecustomize.py", LOG_ALL)
    log = dynamic.files / "python.log"
    common: Settings = {
        **NO_KEYS,
        **BY_ID,
        "PYTHONPATH": f"{dynamic.files}:{os.environ.get('PYTHONPATH', '')}",
        "WIRE_LOG": str(log),
    }
    tokens = [id_token() for _ in range(2)]
    in_variable: Settings = {**oidc(""), "HUAWEICLOUD_OIDC_ID_TOKEN": tokens[0]}
    provider = dynamic.file("id-token", tokens[1])
    in_file: Settings = {"HUAWEICLOUD_SDK_IDP_ID": "ci", "HUAWEICLOUD_SDK_ID_TOKEN_FILE": provider}
    loud = ("--logtostderr", "-v=9")
    dynamic.stack.program(TASK)
    printed = [dynamic.stack.up(*loud, ok=True, **{**common, **in_variable}).text]
    printed.append(dynamic.stack.refresh(*loud, ok=True, **{**common, **in_file}).text)
    # A service that repeats what it was sent.
    for exchange, settings, token in (
        ("AssumeAgencyWithOIDC", in_variable, tokens[0]),
        ("CreateTokenWithIdToken", in_file, tokens[1]),
    ):
        dynamic.cloud.fault(exchange, "error", status=403, error_code="X.1", message=f"not <{token}>")
        printed.append(dynamic.stack.refresh(*loud, ok=False, **{**common, **settings}).text)
        assert "HTTP 403 X.1: not <" in printed[-1]
    assert set(dynamic.asked()) >= {"AssumeAgencyWithOIDC", *BY_TOKEN, "AssumeAgency"}
    (dynamic.files / "id-token").unlink()
    everything = b"\n".join(
        [
            *(text.encode() for text in printed),
            log.read_bytes(),
            dynamic.stack.everything_written(),
            json.dumps(dynamic.cloud.requests()).encode(),
        ]
    )
    assert b"ListMigrationTask" in everything
    assert len(issued) >= 9
    for secret in (*tokens, *issued):
        for part in (secret, secret.rpartition(".")[0] or secret):
            assert part.encode() not in everything, f"{part[:8]}... is written down"


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
