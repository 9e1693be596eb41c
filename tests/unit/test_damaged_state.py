"""A state that was edited by hand: no operation breaks on it, and the line names the property and what to do."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import pytest

from dcs_emulator import Emulator
from dcs_migration.life_cycles.boundary import HIDDEN, SHOWN
from dcs_migration.life_cycles.reporting import ProviderError
from tests.fakes import FakeClock, FakeEngine
from tests.unit.completion_world import Waits
from tests.unit.life_cycle_world import BACKUP_IMPORT, PICKLE, CheckFailed, Resource, World, failing, into
from tests.unit.online_world import INSTANCE, MIGRATION

WRONG: tuple[Any, ...] = (5.0, True, "", "wrong", [], [5.0], {}, {"a": 5.0})
HIDDEN_OF_TASKS = [key for key in HIDDEN if key != "__tasks"]


def ups(inputs: dict[str, Any]) -> dict[str, Callable[[Resource], object]]:
    """Return the commands that read a state."""
    return {
        "preview": lambda resource: resource.preview(inputs),
        "up": lambda resource: resource.up({**inputs, "triggers": ["again"]}),
        "refresh": lambda resource: resource.refresh(),
        "destroy": lambda resource: resource.destroy(),
    }


@pytest.mark.parametrize("command", ["preview", "up", "refresh", "destroy"])
@pytest.mark.parametrize("key", HIDDEN_OF_TASKS)
def test_a_hidden_property_of_a_wrong_type(world: World, key: str, command: str) -> None:
    """The line names the state, the property and the resource, and how to fix it; nothing is called."""
    resource = world.started()
    for props in (resource.outputs, resource.state.inputs if resource.state else {}):
        props[key] = 5.0
    line = failing(lambda: ups(BACKUP_IMPORT)[command](resource))
    assert line.startswith(f"the stack's state is damaged: {key} of ")
    assert f" must be {HIDDEN[key][1]}; correct it between `pulumi stack export" in line
    assert '"orders"' in line or key == "__urn"
    assert world.requests() == []


@pytest.mark.parametrize("command", ["up", "refresh", "destroy"])
@pytest.mark.parametrize(
    "key", [key for key in SHOWN if key in ("name", "status", "region", "project_id", "error")]
)
def test_an_output_of_a_wrong_type(world: World, key: str, command: str) -> None:
    """The same for what the provider relies on of the rest."""
    resource = world.started()
    resource.outputs[key] = {"a": 5.0}
    line = failing(lambda: ups(BACKUP_IMPORT)[command](resource))
    assert line.startswith(f'the stack\'s state is damaged: {key} of "orders" must be a string; ')


def started_online(world: World) -> Resource:
    """Return an online migration that was created in an earlier run."""
    instance = world.started(INSTANCE, kind="MigrationInstance")
    return world.started({**MIGRATION, "task_id": instance.id}, kind="OnlineMigration")


STARTED: dict[str, tuple[dict[str, Any], Callable[[World], Resource]]] = {
    "MigrationTask": (BACKUP_IMPORT, lambda world: world.started()),
    "MigrationInstance": (INSTANCE, lambda world: world.started(INSTANCE, kind="MigrationInstance")),
    "OnlineMigration": (MIGRATION, started_online),
}


@pytest.mark.parametrize("kind", ["MigrationTask", "MigrationInstance"])
@pytest.mark.parametrize("command", ["refresh", "destroy"])
def test_an_id_of_another_stacks_task(world: World, kind: str, command: str) -> None:
    """Its owner mark isn't the one in the state: it is neither read into the state nor stopped nor deleted."""
    inputs, start = STARTED[kind]
    resource = start(world)
    elsewhere = into("instance-2") if kind == "MigrationTask" else inputs
    other = world.started(elsewhere, name="users", stack="prod", kind=kind)
    assert resource.state is not None
    resource.state.id = other.id
    before = deepcopy(resource.outputs)
    line = failing(lambda: ups(inputs)[command](resource))
    assert f"it has the owner mark {before['__mark']} for task {other.id}, but the task has" in line
    assert "remove the resource with `pulumi state delete` and its URN" in line
    assert resource.outputs == before
    assert world.writes() == []


@pytest.mark.parametrize("command", ["preview", "up", "refresh", "destroy"])
def test_a_migration_with_the_id_of_another_instance(world: World, command: str) -> None:
    """Another stack's migration is neither stopped nor changed."""
    resource = started_online(world)
    other = world.started(INSTANCE, name="users", stack="prod", kind="MigrationInstance")
    assert resource.state is not None
    instance, resource.state.id = resource.id, other.id
    commands = ups({**MIGRATION, "task_id": instance})
    commands["up"] = partial(stop, instance=instance)
    line = failing(lambda: commands[command](resource))
    assert f"it has the id {other.id} for a migration on instance {instance}; nothing was changed" in line
    assert world.requests() == []


def stop(resource: Resource, instance: str) -> object:
    """Change a migration in place."""
    return resource.up({**MIGRATION, "task_id": instance, "state": "stopped"})


@pytest.mark.parametrize("kind", list(STARTED))
@pytest.mark.parametrize("command", ["preview", "destroy"])
def test_a_resource_without_outputs(world: World, kind: str, command: str) -> None:
    """Each input would count as changed, and the migration would run again."""
    inputs, start = STARTED[kind]
    resource = start(world)
    assert resource.state is not None
    resource.state.outputs = {"__provider": PICKLE}
    inputs = {**inputs, **({"task_id": resource.id} if kind == "OnlineMigration" else {})}
    line = failing(lambda: ups(inputs)[command](resource))
    assert line.startswith("the stack's state is damaged: ")
    assert (
        "has no outputs; restore an earlier state, or, if its task still exists, remove the resource" in line
    )
    assert world.requests() == []
    resource.state = None
    resource.up(inputs)  # as the line says
    assert world.count("CreateMigrationTask") + world.count("CreateOnlineMigrationTask") == 0
    assert world.count("SetOnlineMigrationTask") == 0


def words_of(work: Callable[[], object]) -> str:
    """Return what a command fails with, if it fails."""
    try:
        work()
    except (CheckFailed, ProviderError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("kind", list(STARTED))
@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_no_property_of_a_wrong_type_breaks_an_operation(world: World, kind: str, wrong: Any) -> None:
    """Every property, of the inputs and of the outputs, in every operation: never an internal error."""
    inputs, start = STARTED[kind]
    resource = start(world)
    assert resource.state is not None
    sound = deepcopy(resource.state)
    inputs = {**inputs, **({"task_id": resource.id} if kind == "OnlineMigration" else {})}
    for side in ("inputs", "outputs"):
        for key in getattr(sound, side):
            for command, run in ups(inputs).items():
                if command == "up" and kind != "MigrationTask":
                    continue  # their writes are those of a create, an update and a delete, which `destroy` is
                if command == "destroy" and key not in sound.outputs:
                    continue
                resource.state = deepcopy(sound)
                getattr(resource.state, side)[key] = wrong
                said = words_of(partial(run, resource))
                assert "internal error" not in said, (side, key, command)


@pytest.fixture
def waits(cloud: Emulator, clock: FakeClock, engine: FakeEngine) -> Waits:
    """A cloud, the time, an engine and a plugin process of waits."""
    return Waits(cloud, clock, engine)


DAMAGES = [
    *(
        (key, wrong)
        for key in ("statuses", "__tasks", "__urn", "__update_timeout")
        for wrong in (5.0, [5.0], {"a": 5.0})
    ),
    ("task_ids", 5.0),
    ("region", {"a": 5.0}),
]


@pytest.mark.parametrize(("key", "wrong"), DAMAGES)
def test_a_wait_whose_state_is_damaged(waits: Waits, key: str, wrong: Any) -> None:
    """Its tasks and its statuses are relied on, too: no command breaks, and what is relied on is named."""
    task = waits.task()
    waits.turn(1, task, "SUCCESS")
    done = waits.completion()
    done.up([task])
    assert done.state is not None
    sound = deepcopy(done.state)
    commands: list[Callable[[], object]] = [
        lambda: done.preview([task], timeout="5m"),
        lambda: done.up([task], timeout="5m"),
        done.refresh,
        done.destroy,
    ]
    for command in commands:
        done.state = deepcopy(sound)
        done.state.outputs[key] = wrong
        if key in HIDDEN or (key in SHOWN and command != done.refresh):  # which hands a wait on as it is
            line = failing(command)
            assert line.startswith(f"the stack's state is damaged: {key} of ")
        else:
            command()
