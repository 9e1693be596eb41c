"""The core of the lifecycle again, under every behaviour that the service's documents leave open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dcs_emulator.errors import SHAPE_NAMES
from dcs_emulator.quirks import QUIRKS
from dcs_emulator.task import ENDED
from tests.conftest import CloudOfAllTests
from tests.fakes import FakeClock, FakeEngine
from tests.unit.life_cycle_world import (
    BACKUP_IMPORT,
    ONLINE,
    PASSWORD,
    World,
    assert_looked_before_every_post,
    failing,
    in_threads,
)

OTHER_IMPORT = {
    **BACKUP_IMPORT,
    "backup_files": {"bucket_name": "backups", "files": [{"file_name": "users.rdb"}]},
}
DURATION = 120.0  # seconds that a task takes
ALL = [*(name for name in QUIRKS if name != "error-body"), *(f"error-body={shape}" for shape in SHAPE_NAMES)]
REFUSES_ALL = "create-answers-error"
# In these shapes an error has no code of the service's own, which alone proves a task gone.
WITHOUT_CODE = ("error-body=iam", "error-body=html")
# With these the owner mark is lost, so that no task can be known as one's own.
WITHOUT_MARK = ("description-null", "description-trimmed")


@pytest.fixture(params=ALL)
def quirk(request: pytest.FixtureRequest) -> str:
    """One quirk after the other."""
    return str(request.param)


@pytest.fixture(scope="module")
def timed_cloud() -> Iterator[CloudOfAllTests]:
    """A cloud whose tasks end by themselves."""
    clouds = CloudOfAllTests(progression="timed", duration=DURATION)
    yield clouds
    clouds.close()


@pytest.fixture
def world(timed_cloud: CloudOfAllTests, quirk: str, clock: FakeClock, engine: FakeEngine) -> World:
    """That cloud with the quirk."""
    cloud = timed_cloud.at(clock)
    cloud.set_quirks([quirk])
    return World(cloud, clock, engine)


def refused(world: World, quirk: str, inputs: dict[str, Any]) -> bool:
    """Where the quirk refuses every such task: see that it fails in one line and leaves nothing."""
    if quirk != REFUSES_ALL and not (quirk == "online-refused" and inputs is ONLINE):
        return False
    failing(lambda: world.resource().up(inputs))
    assert world.ids() == []
    assert world.count("CreateMigrationTask") == 1
    return True


@pytest.mark.parametrize("inputs", [BACKUP_IMPORT, ONLINE], ids=["import", "online"])
def test_a_whole_life(world: World, quirk: str, inputs: dict[str, Any]) -> None:
    """Create, refresh, replace, refresh when done, destroy: each preview between is empty, nothing is left."""
    if refused(world, quirk, inputs):
        return
    resource = world.resource()
    resource.up(inputs)
    first = resource.id
    assert resource.preview(inputs).step == "same"
    world.clock.advance(15)
    resource.refresh()
    assert resource.id == first
    assert resource.preview(inputs).step == "same"
    again = {**inputs, "triggers": ["again"]}
    resource.up(again)
    assert resource.id != first
    assert world.ids() == [resource.id]
    world.clock.advance(DURATION + 1)
    resource.refresh()
    assert resource.outputs["status"] in ("SUCCESS", "MIGRATING", "INCRMIGEATING", "INCRMIGRATING")
    assert resource.preview(again).step == "same"
    assert PASSWORD not in repr({**resource.outputs, "source_instance": None, "target_instance": None})
    resource.plugin = world.new_plugin()
    resource.destroy()
    assert world.listed() == []
    assert all(task["status"] in ENDED for task in world.cloud.tasks())
    assert_looked_before_every_post(world)


@pytest.mark.parametrize("fault", ["drop_after", "garbage", "truncate"])
def test_a_lost_answer_starts_nothing_twice(world: World, quirk: str, fault: str) -> None:
    """The task is found by its owner mark, and a killed run's task adopted."""
    if quirk == REFUSES_ALL:
        refused(world, quirk, BACKUP_IMPORT)
        return
    world.cloud.fault("CreateMigrationTask", fault)
    resource = world.resource()
    if quirk in WITHOUT_MARK:
        for _ in range(2):  # also the next run meets the name, and stops
            resource.plugin = world.new_plugin()
            message = failing(lambda: resource.up(BACKUP_IMPORT))
            (id_,) = world.ids()
            assert f'existing_task_id="{id_}"' in message
        return
    resource.up(BACKUP_IMPORT)
    assert world.ids() == [resource.id]
    world.clock.advance(15)
    second = world.resource(plugin=world.new_plugin())
    second.up(BACKUP_IMPORT)
    assert second.id == resource.id
    assert world.count("CreateMigrationTask") == 1


def test_a_running_task_is_deleted(world: World, quirk: str) -> None:
    """Stop and delete succeed, even if the service refuses or ignores calls meanwhile."""
    if refused(world, quirk, BACKUP_IMPORT):
        return
    resource = world.started()
    resource.destroy()
    assert world.ids() == []


def test_a_failed_leftover_is_replaced(world: World, quirk: str) -> None:
    """A failed record of the definition does not stand in for the task."""
    if refused(world, quirk, BACKUP_IMPORT):
        return
    id_ = world.started().id
    world.cloud.set_status(id_, "FAILED")
    if quirk == "listing-lags":
        world.clock.advance(15)
    resource = world.resource(plugin=world.new_plugin())
    resource.up(BACKUP_IMPORT)
    assert resource.id != id_
    # Without its owner mark no one knows it; one that the service forgets by itself doesn't need to be removed.
    left = [id_] if quirk in (*WITHOUT_MARK, "records-expire-wholly") else []
    assert sorted(world.ids()) == sorted({resource.id, *left})


def test_a_task_deleted_at_the_console_is_never_run_again_by_itself(world: World, quirk: str) -> None:
    """It stays as GONE (or with its last success), and destroying it needs no write."""
    if refused(world, quirk, BACKUP_IMPORT):
        return
    resource = world.started()
    world.cloud.remove(resource.id)
    world.clock.advance(15)
    resource.refresh()
    assert resource.outputs["status"] == ("SUCCESS" if quirk == "deleted-shows-success" else "GONE")
    assert resource.preview(BACKUP_IMPORT).step == "same"
    resource.destroy()
    assert world.writes() == []


def test_a_task_that_is_wholly_forgotten_is_gone_by_the_codes_alone(world: World, quirk: str) -> None:
    """Where errors carry no code nothing is proved, so that the refresh fails and state stays."""
    if refused(world, quirk, BACKUP_IMPORT):
        return
    resource = world.started()
    world.cloud.remove(resource.id)
    world.clock.advance(3600)
    if quirk in WITHOUT_CODE:
        failing(resource.refresh)
        assert resource.outputs["status"] == "MIGRATING"
    else:
        resource.refresh()
        assert resource.outputs["status"] == "GONE"


def test_four_at_once(world: World, quirk: str) -> None:
    """Four resources, created and destroyed in four threads, on four targets."""
    if refused(world, quirk, BACKUP_IMPORT):
        return
    resources = [world.resource(f"orders-{number}") for number in range(4)]
    works = [
        lambda resource=resource, number=number: resource.up(
            {**BACKUP_IMPORT, "target_instance": {"id": f"instance-{number}"}}
        )
        for number, resource in enumerate(resources)
    ]
    assert in_threads(list(works)) == [None] * 4
    assert len(world.ids()) == len({resource.id for resource in resources}) == 4
    assert in_threads([resource.destroy for resource in resources]) == [None] * 4
    assert world.listed() == []
    assert all(task["status"] in ENDED for task in world.cloud.tasks())


def test_a_second_task_on_a_busy_target(world: World, quirk: str) -> None:
    """With a first one of any owner, the second one isn't started, and its error names it."""
    if refused(world, quirk, BACKUP_IMPORT):
        return
    first = world.started()
    world.clock.advance(15)
    second = world.resource("users", plugin=world.new_plugin())
    assert first.id in failing(lambda: second.up(OTHER_IMPORT))
    assert world.ids() == [first.id]
