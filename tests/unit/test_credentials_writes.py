"""Temporary keys that cannot be renewed in the middle of a write: nothing was sent, and that is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.dcs.transport import Transport
from dcs_migration.life_cycles.reporting import ProviderError
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import BACKUP_IMPORT, World

AGENCY = {"HW_ASSUME_ROLE_AGENCY_NAME": "deploy", "HW_ASSUME_ROLE_DOMAIN_NAME": "acme"}
ASSUMED = "CreateTemporaryAccessKeyByAgency"
NO_KEYS = "can't get temporary keys from agency deploy of acme: "


class WallClock(FakeClock):
    """A clock that is right when it starts: the emulator judges signatures by the real time."""

    started = datetime.now(timezone.utc)

    def now(self) -> datetime:
        """Return the date and time, in UTC."""
        return self.started + timedelta(seconds=self.seconds)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world that is reached through an agency; its keys expire by the world's clock."""
    clock = WallClock()
    monkeypatch.setattr("dcs_emulator.server.time", SimpleNamespace(time=lambda: clock.now().timestamp()))
    with Emulator(progression="manual", clock=clock.time, agencies={"deploy": "acme"}) as cloud:
        world = World(cloud, clock, FakeEngine())
        world.environ.update(AGENCY)
        world.plugin = world.new_plugin()
        yield world


def let_keys_expire(world: World, monkeypatch: pytest.MonkeyPatch, *fault: Any, **how: Any) -> None:
    """Let the keys expire right before the next write, and the service that issues new ones fail."""
    write = Transport.write

    def late(transport: Transport, operation: str, *rest: Any) -> Any:
        if operation != ASSUMED:
            monkeypatch.setattr(Transport, "write", write)
            world.clock.advance(4000)
            world.cloud.fault(ASSUMED, *fault, **how)
        return write(transport, operation, *rest)

    monkeypatch.setattr(Transport, "write", late)


def test_a_create_waits_for_keys_that_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service of identity that is down for a moment fails no task, and starts none twice."""
    let_keys_expire(world, monkeypatch, "drop_before")
    world.resource().up(BACKUP_IMPORT)
    assert world.count("CreateMigrationTask") == 1
    (line,) = [line for line in world.engine.progress if NO_KEYS in line]
    assert line.endswith("trying again in 1 s")


def test_a_create_without_keys_says_that_nothing_was_started(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line with the reason, and no write."""
    refusal = {"status": 403, "error_code": "IAM.0003", "message": "the agency is gone"}
    let_keys_expire(world, monkeypatch, "error", **refusal)
    with pytest.raises(ProviderError, match=NO_KEYS + ".*the agency is gone") as caught:
        world.resource().up(BACKUP_IMPORT)
    assert "\n" not in str(caught.value)
    assert world.count("CreateMigrationTask") == 0


def test_a_delete_waits_for_keys_that_come_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops and deletes the task."""
    resource = world.resource()
    resource.delete_timeout = "2h"
    resource.up(BACKUP_IMPORT)
    let_keys_expire(world, monkeypatch, "drop_before")
    resource.destroy()
    assert world.cloud.tasks() == []
