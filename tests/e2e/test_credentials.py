"""Credentials of pipelines, from the variable to the task: the real CLI, Huawei's SDK, and services that issue keys."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.running import running
from tests.e2e.stack import Stack, calls
from tests.id_tokens import AUDIENCE, id_token
from tests.native.conftest import YamlStack, task, wait

TASK = 'MigrationTask("orders", **BACKUP, target_instance=target())\n'
WAITED_FOR = 'done = MigrationTask("orders", **BACKUP, target_instance=target()).completion(interval="1s")\n'
BLOCKED = 'import sys; sys.modules["huaweicloudsdkcore"] = None\n'  # as if it were not installed


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose temporary keys live for five seconds."""
    with Emulator(
        progression="manual",
        stop_seconds=0.2,
        audience=AUDIENCE,
        agencies={"deploy": "acme", "spoke": "d-1"},
        key_lifetime=5,
    ) as running:
        yield running


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """A file with a good id token."""
    path = tmp_path / "id-token"
    path.write_text(id_token())
    return path


def pipeline(token: Path) -> dict[str, str | None]:
    """The environment of a pipeline without a key."""
    return {
        "HW_ACCESS_KEY": None,
        "HW_SECRET_KEY": None,
        "HUAWEICLOUD_OIDC_PROVIDER_URN": "iam::acme:oidcProvider:ci",
        "HUAWEICLOUD_OIDC_AGENCY_URN": "iam::acme:agency:deploy",
        "HUAWEICLOUD_OIDC_TOKEN_FILE": str(token),
    }


def become(stack: Stack, environ: dict[str, str | None]) -> None:
    """Change the environment of every command."""
    for name, value in environ.items():
        stack.environ.pop(name, None)
        if value is not None:
            stack.environ[name] = value


@pytest.mark.parametrize("zone", ["Asia/Shanghai", pytest.param("America/New_York", marks=pytest.mark.long)])
def test_keys_of_an_id_token_expire_in_the_middle_of_a_wait(
    stack: Stack, emulator: Emulator, token: Path, zone: str
) -> None:
    """They are renewed, no call is refused, and no secret is in a text, a log or a file."""
    become(stack, {**pipeline(token), "TZ": zone})
    stack.program(WAITED_FOR)
    assert "+ 5 to create" in stack.preview().text
    assert emulator.requests() == []
    with running(stack, "up", "--yes", "--skip-preview", "--logtostderr", "-v=9") as up:
        up.until(lambda: "0 of 1 done" in up.text)
        time.sleep(7)
        emulator.set_status(emulator.tasks()[0]["id"], "SUCCESS")
        assert up.end() == 0, up.text
        said = up.text
    assert calls(emulator)["AssumeAgencyWithOIDC"] >= 4  # both processes, and again
    assert {each["status"] for each in emulator.requests()} == {200}
    written = stack.everything_written().decode(errors="replace") + said
    assert token.read_text().rpartition(".")[0] not in written
    assert "ggpj" not in written, "a security token"
    stack.destroy()
    assert emulator.tasks() == []


def test_an_agency_of_the_configuration_and_one_of_a_provider(stack: Stack, emulator: Emulator) -> None:
    """Of one program, with the pipeline's own keys below both."""
    stack.run("config", "set", "--path", "huaweicloud:assumeRole.agencyName", "deploy")
    stack.run("config", "set", "--path", "huaweicloud:assumeRole.domainName", "acme")
    stack.program(
        TASK
        + """
from dcs_migration import Provider
spoke = Provider("spoke", assume_role={"agency_name": "spoke", "domain_id": "d-1", "duration": 900})
MigrationTask("users", **BACKUP, target_instance=target(1), opts=pulumi.ResourceOptions(provider=spoke))
"""
    )
    stack.up()
    assert calls(emulator)["CreateTemporaryAccessKeyByAgency"] == 1
    assert calls(emulator)["AssumeAgency"] == 1
    assert calls(emulator)["CreateMigrationTask"] == 2
    stack.require_no_changes()
    stack.destroy()
    assert emulator.tasks() == []


def test_refused_id_tokens_are_one_line_and_one_call(stack: Stack, emulator: Emulator, token: Path) -> None:
    """However many tasks: with the source, what was said, and what to check; nothing is made."""
    become(stack, pipeline(token))
    stack.program(
        'for number in range(6):\n    MigrationTask(f"t{number}", **BACKUP, target_instance=target(number))\n'
    )
    token.write_text(id_token(lasts=-60))
    said = stack.up(ok=False).text
    line = (
        r"can't get temporary keys from OpenID Connect \(HUAWEICLOUD_OIDC_\*\): AssumeAgencyWithOIDC failed: HTTP 403 PAP5\.0001: access denied: the id token has expired "
        r"\(request id [0-9a-f]+\); check the id token \(it may have expired\), its audience, and whether the agency trusts "
        "this identity provider and subject\n"
    )
    assert re.search(line, said), said
    assert dict(calls(emulator)) == {"AssumeAgencyWithOIDC": 1}
    token.unlink()
    assert f"HUAWEICLOUD_OIDC_TOKEN_FILE names {token}, which can't be read" in stack.up(ok=False).text
    token.write_text(id_token())
    assert "+ 6 created" in stack.up().text


def test_a_missing_extra_is_said_in_preview(
    stack: Stack, emulator: Emulator, token: Path, tmp_path: Path
) -> None:
    """With the command; who has static keys never misses it."""
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text(BLOCKED)
    path = f"{tmp_path / 'blocked'}:{stack.environ.get('PYTHONPATH', '')}"
    stack.program(TASK)
    stack.environ["PYTHONPATH"] = path
    stack.up()
    become(stack, pipeline(token))
    said = stack.preview(ok=False).text
    assert (
        "OpenID Connect (HUAWEICLOUD_OIDC_*) needs Huawei's SDK: run "
        "`pip install 'pulumi-dcs-migration[credentials]'`"
    ) in said, said


@pytest.mark.long
def test_the_native_provider_has_the_same_sources(tmp_path: Path, emulator: Emulator, token: Path) -> None:
    """The environment's, and an agency of `dcs:assumeRole`."""
    stack = YamlStack(tmp_path / "native", emulator)
    become(stack, pipeline(token))
    stack.run("config", "set", "--path", "dcs:assumeRole.agencyName", "spoke")
    stack.run("config", "set", "--path", "dcs:assumeRole.domainId", "d-1")
    stack.resources_are(orders=task(), done=wait("orders"))
    assert "+ 3 to create" in stack.preview().text
    with running(stack, "up", "--yes", "--skip-preview") as up:
        up.until(lambda: "0 of 1 done" in up.text)
        time.sleep(6)
        emulator.set_status(emulator.tasks()[0]["id"], "SUCCESS")
        assert up.end() == 0, up.text
    assert calls(emulator)["AssumeAgencyWithOIDC"] >= 2
    assert calls(emulator)["AssumeAgency"] >= 2
    assert {each["status"] for each in emulator.requests()} == {200}
    stack.destroy()
    assert emulator.tasks() == []
