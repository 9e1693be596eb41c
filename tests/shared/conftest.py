"""Fixtures of the tier whose states are shared: each test runs with a bucket and with a database, and finds it empty."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dcs_emulator import Emulator
from tests.e2e.stack import Stack, require_cli
from tests.shared.servers import SERVERS, Server

PROGRAM = """
orders = MigrationTask("orders", **BACKUP, target_instance=target(0, password="hunter2hunter2"))
carts = MigrationTask("carts", **BACKUP, target_instance=target(1))
MigrationCompletion("loaded", tasks=[orders, carts], timeout="1m")
"""


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each of the servers, once for all tests."""
    require_cli()
    with SERVERS[request.param]() as made:
        yield made


@pytest.fixture
def store(server: Server, request: pytest.FixtureRequest) -> Server:
    """A folder or a table of the test's own."""
    return server.of(re.sub(r"\W", "_", request.node.name))


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulator whose tasks are done at the first look."""
    with Emulator(
        progression="immediate", stop_seconds=0.2, access_key="AK4CLOUD", secret_key="SK4CLOUD/+x"
    ) as running:
        yield running


@pytest.fixture
def stack(tmp_path: Path, emulator: Emulator, store: Server) -> Stack:
    """The checkout of the first pipeline, which has made the stack."""
    return Stack(tmp_path / "first", emulator, store=store).program(PROGRAM)


@pytest.fixture
def checkout(tmp_path: Path, stack: Stack) -> Callable[[], Stack]:
    """Check the project out again: the program and the stack's settings, on a machine that has nothing else."""

    def make() -> Stack:
        other = Stack(tmp_path / "second", stack.emulator, exists=True, store=stack.store)
        shutil.copytree(stack.work, other.work, dirs_exist_ok=True)
        other.run("stack", "select", stack.name)
        return other

    return make
