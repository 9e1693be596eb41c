"""What the service adds to a task: its instances' names and places, its network, and the release of its server.

Terraform's acceptance tests, which run against the real service, require all of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.signing import SignedClient, online_changes
from tests.unit.emulator_world import World, world
from tests.unit.test_emulator_online import FULL, Online

PLACE = ("name", "subnet_id", "spec_code", "status")


@pytest.fixture
def here() -> Iterator[World]:
    """An emulator whose tasks take ten seconds."""
    with world(duration=10.0) as it:
        yield it


def row_of(client: SignedClient) -> dict[str, Any]:
    """Return the only row of the listing."""
    (row,) = client.rows()
    return row


class TestInstances:
    """A DCS instance, which a request names by its id, and another Redis, which it names by its addresses."""

    def test_dcs_instances(self, here: World) -> None:
        """Each has a name and an address of its own, in Show as in the listing."""
        task = Online(here).following()
        shown, row = task.shown(), row_of(task.client)
        source, target = shown["source_instance"], shown["target_instance"]
        for side, instance in (("source", source), ("target", target)):
            assert instance["addrs"] == f"{instance['ip']}:{instance['port']}"
            assert (instance["name"], instance["task_status"]) == (row[f"{side}_instance_name"], "RUNNING")
            assert all(row[f"{side}_instance_{name}"] for name in PLACE)
        assert source["addrs"] != target["addrs"]
        assert (row["data_source"], row["target_instance_addrs"]) == (source["addrs"], target["addrs"])

    def test_another_redis(self, here: World) -> None:
        """The service knows its address only."""
        addrs = "10.0.0.1:6379,10.0.0.2:6380"
        task_id = here.client.create(**online_changes(source_instance={"addrs": addrs}))
        source = here.client.show(task_id).json()["source_instance"]
        assert (source["addrs"], source["ip"], source["port"]) == (addrs, "10.0.0.1", "6379")
        assert (source["name"], source["task_status"]) == (None, None)
        row = row_of(here.client)
        assert [row[f"source_instance_{name}"] for name in PLACE] == [None] * len(PLACE)

    def test_the_request_goes_first(self, here: World) -> None:
        """A name in the request is shown."""
        task_id = here.client.create(target_instance={"id": "orders", "name": "mine"})
        assert here.client.show(task_id).json()["target_instance"]["name"] == "mine"

    def test_they_stay_the_same(self, here: World) -> None:
        """An instance has the same address in two tasks."""
        first, second = (here.client.show(here.client.create()).json() for _ in range(2))
        assert first["target_instance"] == second["target_instance"]


class TestNetwork:
    """The type of the network."""

    def test_of_a_migration_instance(self, here: World) -> None:
        """It is a VPC once a migration is configured."""
        task = Online(here).idle()
        assert task.shown()["network_type"] is None
        task.following()
        assert task.shown()["network_type"] == "vpc"

    def test_of_an_import(self, here: World) -> None:
        """There is none."""
        assert here.client.show(here.client.create()).json()["network_type"] is None


class TestRelease:
    """When the migration server is released."""

    def test_of_an_import(self, here: World) -> None:
        """It is released at the end, and the status remains SUCCESS; the published example's format is its own."""
        task_id = here.client.create()
        assert here.client.show(task_id).json()["released_at"] is None
        here.clock.turn(10)
        shown = here.client.show(task_id).json()
        assert (shown["status"], shown["released_at"]) == ("SUCCESS", "202311142213")
        assert row_of(here.client)["released_at"] == "202311142213"

    def test_of_a_migration_instance(self, here: World) -> None:
        """It remains, because another migration can be configured on it."""
        task = Online(here).following(migration_method=FULL)
        task.turn(10)
        assert (task.shown()["status"], task.shown()["released_at"]) == ("SUCCESS", None)

    def test_a_released_one(self) -> None:
        """The time is that of the release, not of the end."""
        with world(duration=10.0, quirks=["success-becomes-released=60"]) as it:
            task_id = it.client.create()
            it.clock.turn(70)
            shown = it.client.show(task_id).json()
            assert (shown["status"], shown["released_at"]) == ("RELEASED", "202311142214")
