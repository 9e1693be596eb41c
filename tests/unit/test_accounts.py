"""The accounts of a process: look-ups of projects by several threads, and connections that are closed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from dcs_emulator import Emulator
from dcs_emulator.operations import project_id_of
from dcs_migration.clock import SystemClock
from dcs_migration.dcs import client
from dcs_migration.dcs.transport import Transport
from dcs_migration.life_cycles.accounts import Accounts
from dcs_migration.life_cycles.config import Settings
from dcs_migration.native.provider import DcsProvider

PATIENCE = 20.0  # seconds after which a test has failed
AGENCY = {"HW_ASSUME_ROLE_AGENCY_NAME": "migrator", "HW_ASSUME_ROLE_DOMAIN_NAME": "shop"}


def accounts_of(url: str, **environ: str) -> Accounts:
    """Return accounts of an emulator at this URL."""
    known = {"HW_DCS_ENDPOINT": url, "HW_ACCESS_KEY": "emulator", "HW_SECRET_KEY": "emulator"}
    return Accounts(Settings(environ={**known, "HW_REGION_NAME": "here", **environ}), SystemClock())


class SlowIam:
    """A look-up that lasts until it is released."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.called, self.released = threading.Event(), threading.Event()

    def __call__(self, transport: Transport, name: str) -> str:
        """Stand in for `find_project_id`."""
        self.calls.append(name)
        self.called.set()
        assert self.released.wait(PATIENCE)
        return project_id_of(name)


@pytest.fixture
def iam(monkeypatch: pytest.MonkeyPatch) -> SlowIam:
    """A slow IAM."""
    slow = SlowIam()
    monkeypatch.setattr(client, "find_project_id", slow)
    return slow


def test_a_slow_look_up_of_a_project_does_not_block_other_accounts(iam: SlowIam) -> None:
    """A region that IAM is slow to answer for would hold up the tasks of every other region."""
    accounts = accounts_of("http://127.0.0.1:9")
    with ThreadPoolExecutor(2) as threads:
        waiting = threads.submit(accounts.at, None, None)
        assert iam.called.wait(PATIENCE)
        try:
            assert threads.submit(accounts.at, "there", "project-7").result(2.0).project_id == "project-7"
            accounts.close()
        finally:
            iam.released.set()
        assert waiting.result(PATIENCE).project_id == project_id_of("here")


def test_threads_share_the_look_up_of_a_project(iam: SlowIam) -> None:
    """Four creates in a new stack need the same project at once."""
    accounts = accounts_of("http://127.0.0.1:9")
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(accounts.at, None, None) for _ in range(4)]
        assert iam.called.wait(PATIENCE)
        iam.released.set()
        assert len({future.result(PATIENCE) for future in found}) == 1
    assert iam.calls == ["here"]


def test_every_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those to IAM: one for the project, one for the keys of an agency."""
    opened: list[str] = []
    closed: list[str] = []
    set_up, close = Transport.__init__, Transport.close

    def noted(self: Transport, url: str, auth: Any, **options: Any) -> None:
        set_up(self, url, auth, **options)
        opened.append(repr(auth))

    def note(self: Transport) -> None:
        close(self)
        closed.append(repr(self._auth))

    monkeypatch.setattr(Transport, "__init__", noted)
    monkeypatch.setattr(Transport, "close", note)
    with Emulator(agencies={"migrator": "shop"}) as cloud:
        accounts = accounts_of(cloud.url, **AGENCY)
        assert accounts.at(None, None).listing.get(max_age=0.0).rows == {}
        accounts.close()
    assert sorted(closed) == sorted(opened)
    assert len(opened) == 3


def test_the_native_plugin_closes_the_connections_of_its_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that only calls `getMigrationTasks` uses no resource."""
    closed: list[Accounts] = []
    monkeypatch.setattr(Accounts, "close", lambda accounts: closed.append(accounts))
    provider = DcsProvider()
    provider.Configure(provider_pb2.ConfigureRequest(), None)
    provider.close()
    assert len(closed) == 1
