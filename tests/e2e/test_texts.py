"""What the screen says when something is wrong: one line for each problem, readable alone."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, live, operations

# What Pulumi adds to an error: the second is its SDK's, on the stack's row, and comes more often with newer CLIs.
OF_PULUMI = {"error: update failed", "error: Resource monitor has terminated, shutting down"}
ONE = 'MigrationTask("orders", **BACKUP, target_instance=target(password="hunter2hunter2"))\n'


def errors(text: str) -> list[str]:
    """The error lines under Diagnostics, but for those that Pulumi adds."""
    diagnostics = text.partition("Diagnostics:")[2].partition("Resources:")[0]
    lines = [line.strip() for line in diagnostics.splitlines()]
    return [line for line in lines if line.startswith("error:") and line not in OF_PULUMI]


def test_a_successful_up_has_no_noise(stack: Stack, emulator: Emulator) -> None:
    """Nothing is printed beyond what Pulumi itself prints."""
    text = stack.program(ONE).up().text
    assert "Diagnostics" not in text
    assert "warning" not in text


def test_refused_credentials(stack: Stack, emulator: Emulator) -> None:
    """A 401 names what was attempted, where the credentials came from, and is sent once for four tasks."""
    stack.program("""
        for number in range(4):
            MigrationTask(f"task{number}", **BACKUP, target_instance=target(number))
    """)
    text = stack.up(ok=False, HW_SECRET_KEY="wrong-secret-key").text
    lines = errors(text)
    assert len(lines) == 4
    for line in lines:
        assert "HTTP 401 APIGW.0301" in line
        assert "the credentials came from the environment (HW_*)" in line
    assert "wrong-secret-key" not in text
    assert len(operations(emulator)) == 1


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"HW_REGION_NAME": None}, ["huaweicloud:region", "HW_REGION_NAME"]),
        ({"HW_ACCESS_KEY": None, "HW_SECRET_KEY": None}, ["HW_ACCESS_KEY", "huaweicloud:accessKey"]),
        ({"HW_SECRET_KEY": None}, ["incomplete credentials", "HW_ACCESS_KEY and HW_SECRET_KEY"]),
        ({"HW_DCS_ENDPOINT": "http://dcs.example.com"}, ["plain http", "huaweicloud:insecure"]),
        ({"HW_INSECURE": "perhaps"}, ["huaweicloud:insecure", "true or false"]),
    ],
    ids=["region", "credentials", "half-set", "plain-http", "flag"],
)
def test_a_missing_or_bad_setting(
    stack: Stack, emulator: Emulator, environ: dict[str, Any], words: list[str]
) -> None:
    """A setting that is missing is named by its config key and its variable, and costs no call."""
    text = stack.program(ONE).up(ok=False, **environ).text
    (line,) = errors(text)
    for word in words:
        assert word in line
    assert operations(emulator) == []
    assert len(line) < 400


def test_a_wrong_endpoint(stack: Stack, emulator: Emulator) -> None:
    """An address where nothing listens is said as such, and nothing was started."""
    with socket.create_server(("127.0.0.1", 0)) as placeholder:
        port = placeholder.getsockname()[1]
    text = (
        stack.program(ONE)
        .up(ok=False, HW_DCS_ENDPOINT=f"http://127.0.0.1:{port}", HW_PROJECT_ID="p", HW_MAX_RETRIES="0")
        .text
    )
    (line,) = errors(text)
    assert f"127.0.0.1:{port}" in line
    assert "nothing was started" in line


def test_a_withdrawn_online_migration(stack: Stack, emulator: Emulator) -> None:
    """Preview warns that most regions have withdrawn it; the service's refusal is one line saying so."""
    emulator.set_quirks(["online-refused"])
    stack.program('MigrationTask("orders", **ONLINE, target_instance=target())\n')
    assert "most regions no longer support online_migration" in stack.preview().text
    (line,) = errors(stack.up(ok=False).text)
    assert "this region no longer supports online_migration in CreateMigrationTask" in line
    assert live(emulator) == {}


def test_a_secret_in_a_servers_message_is_scrubbed(stack: Stack, emulator: Emulator) -> None:
    """What the service echoes of a password isn't shown."""
    emulator.fault(
        "CreateMigrationTask",
        "error",
        status=400,
        error_code="DCS.4080",
        message="verify of hunter2hunter2 failed",
    )
    text = stack.program(ONE).up(ok=False).text
    assert "verify of *** failed" in text
    assert "hunter2hunter2" not in text
