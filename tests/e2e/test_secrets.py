"""No secret leaves the encrypted fields of the state: every byte that a stack prints or writes is searched."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dcs_migration.emulator import Emulator
from tests.chaos.leaks import leaked, told_by_server
from tests.e2e.stack import TIMEOUT, Stack, operations

TARGET = 'p@ss "w0rd"/é&<1>%2F\\n'
SOURCE = "s0urce&'pass\"word\\u00e9"
IN_URL = "Url;Crede+ntial=9?"
SECRET_KEY = "Sk/9+q=Zx&7%Tw"
TOKEN = "Tok+en/1==<&>'%5c"
SECRETS = (TARGET, SOURCE, IN_URL, SECRET_KEY, TOKEN)

PROGRAM = f"""
    import os
    config = pulumi.Config()
    task = MigrationTask("orders", **BACKUP, target_instance=target(password={TARGET!r}))
    source = {{"addrs": os.environ["ADDRS"], "password": config.require_secret("source")}}
    online = MigrationTask("online", **ONLINE | {{"source_instance": source}}, target_instance=target(1))
    pulumi.export("task", task.error)
    pulumi.export("target", task.target_instance)
    pulumi.export("source", online.source_instance)
"""
# Python reads it when it starts: the plugin's own log goes to a file.
DEBUG_LOG = """
    import logging, os
    handler = logging.FileHandler(os.environ["WIRE_LOG"])
    logging.getLogger("dcs_migration").addHandler(handler)
    logging.getLogger("dcs_migration").setLevel(logging.DEBUG)
"""


def found(text: str) -> set[str]:
    """Return the secrets that the text holds in any form."""
    return {secret for secret in SECRETS if leaked(text, [secret])}


@pytest.fixture
def cloud() -> Iterator[Emulator]:
    """A service that echoes passwords, with keys of its own."""
    with Emulator(
        progression="manual",
        stop_seconds=0.2,
        access_key="AK4SECRETS",
        secret_key=SECRET_KEY,
        quirks=["password-echoed"],
    ) as running:
        yield running


def test_the_search_finds_every_form() -> None:
    """The search itself: each form of each secret is found, wherever it stands."""
    for secret in SECRETS:
        quoted = json.dumps({"password": secret})
        encoded = [base64.b64encode(b"x" * before + secret.encode() + b"yz").decode() for before in range(3)]
        for told in (secret, quote(secret, safe=""), quoted, json.dumps([quoted]), *encoded):
            assert found(f"auth failed for {told}!") == {secret}


def test_secrets_stay_out_of_everything(cloud: Emulator, tmp_path: Path) -> None:
    """State, history, back-ups, outputs, errors, debug log, journal, temporary files: none holds a secret."""
    stack = Stack(tmp_path / "stack", cloud).program(PROGRAM)
    hook, temporary = tmp_path / "hook", stack.root / "tmp"
    hook.mkdir()
    temporary.mkdir()
    stack.environ |= {
        "HW_SECRET_KEY": SECRET_KEY,
        "HW_SECURITY_TOKEN": TOKEN,
        "ADDRS": f"redis://:{IN_URL}@10.0.0.1:6379",
        "DCS_MIGRATION_DEBUG": "1",
        "PYTHONPATH": f"{hook}:{stack.environ.get('PYTHONPATH', '')}",
        "WIRE_LOG": str(stack.root / "wire.log"),
        "TMPDIR": str(temporary),
    }
    lines = [line.strip() for line in DEBUG_LOG.strip().splitlines()]
    (hook / "sitecustomize.py").write_text("\n".join(lines) + "\n")
    stack.run("config", "set", "--secret", "source", SOURCE)
    printed: list[str] = []

    def run(*args: str, ok: bool) -> str:
        done = subprocess.run(  # with our tracebacks, which `Stack.run` would not let pass
            ["pulumi", *args, "--color", "never", "--non-interactive"],
            cwd=stack.work,
            env=stack.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert (done.returncode == 0) is ok, done.stdout
        printed.append(done.stdout)
        return done.stdout

    # A password in the URL of an address is refused by preview, and not repeated.
    assert "source_instance.addrs" in run("preview", "--json", ok=False)
    stack.environ["ADDRS"] = "10.0.0.1:6379"
    # The service gives everything away in its refusals, and then in the state of a task.
    message = " ".join(map(told_by_server, (TARGET, SOURCE, SECRET_KEY, TOKEN)))
    cloud.fault("CreateMigrationTask", "error", status=400, error_code="DCS.4800", message=message, times=2)
    assert "auth failed" in run("up", "--yes", "--skip-preview", "--diff", ok=False)
    run("up", "--yes", "--diff", ok=True)
    for task in cloud.tasks():
        cloud.set_status(task["id"], "FAILED", message)
    run("refresh", "--yes", "--skip-preview", "--diff", ok=True)
    run("up", "--yes", "--json", ok=True)
    assert "auth failed" in run("stack", "output", "--json", ok=True)
    run("stack", "history", "--json", ok=True)
    cloud.fault("DeleteMigrationTask", "error", status=400, error_code="DCS.4800", message=message)
    assert "auth failed" in run("destroy", "--yes", "--skip-preview", "--diff", ok=False)

    assert "Traceback" in printed[1]
    assert {"CreateMigrationTask", "ListMigrationTask", "DeleteMigrationTask"} <= set(operations(cloud))
    assert "CreateMigrationTask request" in (stack.root / "wire.log").read_text()
    assert list((stack.root / "backend").rglob("*.bak"))
    journal = json.dumps([cloud.requests(), cloud.faults()], ensure_ascii=False)
    written = stack.everything_written().decode("utf-8", "replace")
    assert found("\n".join([*printed, journal])) == set()
    assert found(written) == set()
