"""Every message that the troubleshooting page explains is one that someone can get."""

from __future__ import annotations

import ast
import inspect
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pulumi
import pytest
from pulumi.dynamic.dynamic import PROVIDER_KEY

from dcs_migration.dcs import failures
from dcs_migration.dcs.errors import NotSent, parse_error
from dcs_migration.life_cycles import settings_check
from dcs_migration.life_cycles.config import Settings
from dcs_migration.life_cycles.inputs import problems
from tests.docs.pages import ROOT, Page
from tests.unit.dcs_server import free_port

PAGE = Page(ROOT / "docs" / "guides" / "troubleshooting.md")
OURS, _, PULUMIS = PAGE.text.partition("## Messages from Pulumi")
OF_GRPC = "failed to connect to all addresses; last error: ..."
OF_SDK = "Resource monitor has terminated, shutting down"
OF_HOST = "KeyError: '__provider'"
OF_PYTHON = "ModuleNotFoundError: No module named 'dcs_migration'"


def api_error(status: int, code: str) -> str:
    """The text of an error answer of the service."""
    body = f'{{"error_code": "{code}", "error_msg": "no"}}'.encode()
    return str(parse_error("ListMigrationTask", status, {"X-Request-Id": "1"}, body))


# Messages that are put together from several parts: here they are provoked.
PROVOKED = {
    "unknown key; did you mean ...?": lambda: problems("migration_task", {"task_nam": "orders"})[-1],
    "unknown key; did you mean huaweicloud:...?": lambda: settings_check.problems(
        Settings(keys=lambda: ["huaweicloud:Region"])
    )[0],
    "... failed: HTTP 401 APIGW.0301...": lambda: api_error(401, "APIGW.0301"),
    "... failed: HTTP 403 ...; grant these credentials the DCS migration permissions": lambda: api_error(
        403, "DCS.2003"
    ),
    "... failed: HTTP 429 ...; try again in a minute": lambda: api_error(429, "APIGW.0308"),
    "... wasn't sent: ...; check the network, the region and the endpoint": lambda: str(
        NotSent("ListMigrationTask", failures.explain(ConnectionRefusedError(), "dcs.example.com")[1])
    ),
}


def entries(text: str) -> list[str]:
    """The messages in the headings of a part of the page."""
    return re.findall(r"^### `(.+)`$", text, re.MULTILINE)


def templates(tree: ast.AST) -> Iterator[str]:
    """The texts of a module, with a NUL for each value that is put in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """The texts of the whole package."""
    files = (ROOT / "dcs_migration").rglob("*.py")
    return [text for file in files for text in templates(ast.parse(file.read_text("utf-8")))]


def pattern(message: str) -> re.Pattern[str]:
    """What a message looks like; three dots stand for anything."""
    return re.compile(".*?".join(map(re.escape, message.split("..."))), re.DOTALL)


@pytest.mark.parametrize("message", entries(OURS))
def test_we_say_it(message: str, texts: list[str]) -> None:
    """A message of the page is a text of the code, or comes from what provokes it."""
    if message in PROVOKED:
        assert pattern(message).search(PROVOKED[message]())
    else:
        assert any(pattern(message).search(text) for text in texts)


def test_all_that_is_provoked_is_told() -> None:
    """No message is provoked that the page does not have."""
    assert PROVOKED.keys() <= set(entries(OURS))


def test_every_entry_says_what_to_do() -> None:
    """Below each heading there is a cause and a fix."""
    for body in re.split(r"^##+ .*$", PAGE.text, flags=re.MULTILINE)[1:]:
        assert not body.strip() or len(body.split()) >= 5, body


@pytest.mark.parametrize(
    "message", [entry for entry in entries(PULUMIS) if entry not in (OF_GRPC, OF_SDK, OF_HOST, OF_PYTHON)]
)
def test_pulumi_says_it(message: str) -> None:
    """The Pulumi CLI holds the words."""
    path = shutil.which("pulumi")
    assert path is not None, "no pulumi on PATH: run `make setup`"
    words = max(message.split("..."), key=len).strip().encode()
    assert words in Path(path).read_bytes()


def test_the_sdk_says_it() -> None:
    """Pulumi's SDK has the words for an engine that ends a run."""
    assert OF_SDK in entries(PULUMIS)
    assert OF_SDK in inspect.getsource(pulumi.runtime.settings)


def test_the_host_says_it() -> None:
    """Pulumi's host of dynamic providers looks for the property before it calls ours."""
    assert OF_HOST in entries(PULUMIS)
    source = (Path(pulumi.__file__).parent / "dynamic" / "__main__.py").read_text("utf-8")
    assert "providerStr = props[PROVIDER_KEY]" in source
    assert f"KeyError: {PROVIDER_KEY!r}" == OF_HOST


def test_grpc_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in lower case gets what is meant for this machine, and the fix of the page helps."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    assert pattern(OF_GRPC).search(said_by_grpc(port))
    mend = next(line for line in PULUMIS.splitlines() if line.startswith("$ export NO_PROXY="))
    for setting in mend.split()[2:]:
        monkeypatch.setenv(*setting.split("="))
    assert "Method not found" in said_by_grpc(port)
    server.stop(None)


def said_by_grpc(port: int) -> str:
    """What a call of a method that is not there comes to."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/none/none")(b"", timeout=10)
    return str(caught.value)


def test_python_says_it() -> None:
    """A package that is not there is named so."""
    with pytest.raises(ModuleNotFoundError) as caught:
        __import__("dcs_migration_")
    assert f"{caught.type.__name__}: {caught.value}".replace("migration_", "migration") == OF_PYTHON
