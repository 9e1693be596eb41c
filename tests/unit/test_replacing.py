"""A replacement says once that it runs again, for any reason of the replacement."""

from __future__ import annotations

from typing import Any

import pytest

from dcs_migration.life_cycles.inputs import UNKNOWN
from tests.unit.life_cycle_world import BACKUP_IMPORT, ONLINE, Resource, World, into
from tests.unit.online_world import INSTANCE, MIGRATION

AGAIN = "RUNS THE IMPORT AGAIN into instance instance-1; keys with the same name are overwritten"


def check(resource: Resource, inputs: dict[str, Any], *, old: bool, preview: bool = False) -> dict[str, Any]:
    """Have the inputs checked, as those of the resource in state or as those of a new one."""
    assert resource.state is not None
    return resource._check(resource.state.inputs if old else {}, inputs, preview=preview)


@pytest.mark.parametrize("preview", [True, False])
def test_a_replacement_trigger(world: World, preview: bool) -> None:
    """The second check, without old inputs, is the sign, in a preview and in an update."""
    resource = world.started()
    check(resource, BACKUP_IMPORT, old=True, preview=preview)
    assert world.engine.warnings == []
    news = check(resource, BACKUP_IMPORT, old=False, preview=preview)
    assert world.engine.warnings == [f"replaced: {AGAIN}"]
    if not preview:
        resource.destroy()
        resource._create(news)
        assert world.engine.warnings == [f"replaced: {AGAIN}"]


def test_a_command_that_replaces(world: World) -> None:
    """`--replace` and taint show the provider nothing before the delete of a resource that is still declared."""
    resource = world.started()
    news = check(resource, BACKUP_IMPORT, old=False)
    assert world.engine.warnings == []
    resource.destroy()
    assert world.engine.warnings == [f"replaced: {AGAIN}"]
    resource._create(news)
    assert len(world.engine.warnings) == 1
    assert "the old task is stopped and deleted" in world.engine.progress


def test_what_it_depends_on_is_replaced(world: World) -> None:
    """In a preview Pulumi asks for the difference before the program declares the task."""
    resource = world.started()
    assert resource._plan({**resource.outputs, "description": UNKNOWN}).step == "same"
    assert world.engine.warnings == []
    check(resource, {**BACKUP_IMPORT, "description": UNKNOWN}, old=False, preview=True)
    assert world.engine.warnings == [f"replaced: {AGAIN}"]


def test_what_it_depends_on_is_the_only_target(world: World) -> None:
    """The program never declares a resource that isn't a target, and the update doesn't replace it."""
    resource = world.started()
    world.resource("users").preview(BACKUP_IMPORT)  # now the process knows that this is a preview
    assert resource._plan({**resource.outputs, "description": UNKNOWN}).step == "same"
    assert world.engine.warnings == []


def test_a_delete_before_the_program_declares_it(world: World) -> None:
    """The create that follows says it."""
    resource = world.started()
    resource.destroy()
    assert world.engine.warnings == []
    resource.up(BACKUP_IMPORT)
    assert world.engine.warnings == [f"replaced: {AGAIN}"]


def test_a_refresh_alone_says_nothing(world: World) -> None:
    """It asks for a difference, too, and replaces nothing; a replacement in the same run is told once."""
    resource = world.started()
    resource.refresh()
    check(resource, BACKUP_IMPORT, old=True, preview=True)
    assert world.engine.warnings == []
    check(resource, BACKUP_IMPORT, old=False, preview=True)
    assert world.engine.warnings == [f"replaced: {AGAIN}"]


def test_a_changed_input_is_told_by_its_own_words_alone(world: World) -> None:
    """What the difference has said is not said again by the check and the delete that follow."""
    resource = world.started()
    resource.up({**BACKUP_IMPORT, "triggers": ["again"]})
    assert world.engine.warnings == [f"replaced because triggers changed: {AGAIN}"]


def test_resources_without_a_known_urn_are_not_taken_for_one(world: World) -> None:
    """Below some parents a preview doesn't know the URN: the checks of one say nothing about another."""
    one, other = world.started(), world.started(into("instance-2"), name="other")
    one.urn = other.urn = UNKNOWN
    check(one, BACKUP_IMPORT, old=True, preview=True)
    check(other, into("instance-2"), old=False, preview=True)
    assert world.engine.warnings == []


@pytest.mark.parametrize("status", ["FAILED", "TERMINATED"])
@pytest.mark.parametrize("changes", [{}, {"triggers": ["again"]}], ids=["by a command", "by a change"])
def test_a_task_that_never_filled_its_target(world: World, status: str, changes: dict[str, Any]) -> None:
    """Nothing is overwritten that it had written: there is nothing to warn of."""
    resource = world.started()
    resource.outputs["status"] = status
    resource.up({**BACKUP_IMPORT, **changes}, replace=True)
    assert world.engine.warnings == []


def test_a_task_that_is_taken_over_runs_nothing(world: World) -> None:
    """Replacing it takes it over again."""
    resource = world.started()
    inputs = {**BACKUP_IMPORT, "existing_task_id": resource.id}
    check(resource, inputs, old=True)
    check(resource, inputs, old=False)
    assert world.engine.warnings == []


def test_a_destroy_is_no_replacement(world: World) -> None:
    """No one declares the resource any more: there is no old task, for no new one follows."""
    resource = world.started()
    resource.destroy()
    assert world.engine.warnings == []
    assert world.engine.progress[-1] == "the task is stopped and deleted"


def test_an_unchanged_and_a_new_task_say_nothing(world: World) -> None:
    """One check isn't one too many."""
    resource = world.started()
    resource.up(BACKUP_IMPORT)
    world.resource("another").up({**BACKUP_IMPORT, "target_instance": {"id": "instance-2"}})
    assert world.engine.warnings == []


def test_an_online_task_of_the_old_call(world: World) -> None:
    """It isn't an import, and says so."""
    resource = world.started(ONLINE)
    check(resource, ONLINE, old=True)
    check(resource, ONLINE, old=False)
    words = (
        "replaced: RUNS THE MIGRATION AGAIN into instance instance-1; keys with the same name are overwritten"
    )
    assert words in world.engine.warnings


def test_an_online_migration(world: World) -> None:
    """It says so too; the machine alone copies nothing."""
    instance = world.started(INSTANCE, kind="MigrationInstance")
    inputs = {**MIGRATION, "task_id": instance.id}
    online = world.started(inputs, kind="OnlineMigration")
    check(instance, INSTANCE, old=True)
    check(instance, INSTANCE, old=False)
    assert world.engine.warnings == []
    check(online, inputs, old=False)
    online.destroy()
    assert world.engine.warnings == [
        "replaced: RUNS THE MIGRATION AGAIN into instance orders; keys with the same name are overwritten"
    ]
