"""Importing a task that exists: `pulumi import` in the native provider, and `import` in a program's options."""

from __future__ import annotations

from typing import Any

import pytest

from dcs_emulator.operations import project_id_of
from dcs_migration.dcs.errors import TaskError
from tests.signing import SignedClient
from tests.unit.life_cycle_world import ONLINE, REGION, World
from tests.unit.online_world import Migration


def client(world: World) -> SignedClient:
    """Return a client of the emulator."""
    return SignedClient(world.cloud.url, project=project_id_of(REGION))


def imported(world: World, id_: str) -> Any:
    """Import a task."""
    return world.plugin.provider._loaded.imported(id_, {"__owner": "owner", "__urn": "urn"})


def test_the_name_that_dcs_adds_is_no_input(world: World) -> None:
    """DCS adds the target's name; a program with only its id must not replace the task, and so import again."""
    id_ = world.started_elsewhere(target_instance={"id": "instance-9"})
    assert client(world).show(id_).json()["target_instance"]["name"]
    assert imported(world, id_).inputs["target_instance"] == {"id": "instance-9"}


def test_an_online_migration_has_its_source(world: World) -> None:
    """The source's addresses come from the listing."""
    task = world.started(ONLINE)
    inputs = imported(world, task.id).inputs
    assert inputs["source_instance"] == {"addrs": ONLINE["source_instance"]["addrs"]}
    assert inputs["migration_type"] == "online_migration"


def test_a_task_with_a_migration_instance_is_another_resource(world: World) -> None:
    """Its data looks the same in the listing, but to destroy it as a task would delete the instance, too."""
    migration = Migration(world)
    migration.up()
    (row,) = client(world).rows()
    assert row["data_source"].endswith(":6379")
    with pytest.raises(TaskError, match="is an online migration with an instance of its own"):
        imported(world, migration.id)
