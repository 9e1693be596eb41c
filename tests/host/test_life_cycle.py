"""A task from its creation to its deletion, over the wire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from dcs_emulator import Emulator
from tests.host.conftest import (
    INSTANCE,
    PROJECT,
    REGION,
    TARGET_PASSWORD,
    StartPlugin,
    created,
    definition,
    environment,
    online,
    operations,
    urn_of,
)
from tests.host.harness import Plugin, StandInEngine


def test_a_task_lives_and_ends(plugin: Plugin, cloud: Emulator, engine: StandInEngine) -> None:
    """Create, an empty second run, refresh, an update of a password, replacement and deletion all hold together."""
    inputs, state = created(plugin, definition())
    (task,) = cloud.tasks()
    assert state.id == task["id"]
    assert state.outputs["status"] == "MIGRATING"
    assert (state.outputs["region"], state.outputs["project_id"]) == (REGION, PROJECT)
    assert state.outputs["name"] == state.outputs["task_name"] == inputs["task_name"]

    again = plugin.check(definition(), inputs)
    assert again.inputs == inputs
    assert plugin.diff(state.id, state.outputs, again.inputs).changes == "DIFF_NONE"

    cloud.set_status(state.id, "SUCCESS")
    refreshed = plugin.read(state.id, state.outputs)
    assert (refreshed.id, refreshed.outputs["status"]) == (state.id, "SUCCESS")
    assert refreshed.inputs == inputs
    assert plugin.diff(state.id, refreshed.outputs, inputs).changes == "DIFF_NONE"

    rotated = plugin.check(definition(target_instance={"id": INSTANCE, "password": "rotated"}), inputs).inputs
    change = plugin.diff(state.id, refreshed.outputs, rotated)
    assert (change.changes, change.replaces) == ("DIFF_SOME", [])
    cloud.clear_requests()
    updated = plugin.update(state.id, refreshed.outputs, rotated).outputs
    assert operations(cloud) == []
    assert updated == {**refreshed.outputs, **rotated}
    assert plugin.diff(state.id, updated, rotated).changes == "DIFF_NONE"

    triggered = plugin.check(definition(triggers=["again"]), rotated).inputs
    change = plugin.diff(state.id, updated, triggered)
    assert (change.changes, change.replaces, change.delete_before_replace) == (
        "DIFF_SOME",
        ["triggers"],
        True,
    )
    assert any("RUNS THE IMPORT AGAIN" in line for line in engine.warnings(urn_of("orders")))
    # The CLI repeats a row's last message with every step: an empty one takes the place of the warning.
    assert (engine.lines[-1].message, engine.lines[-1].ephemeral) == ("", True)

    plugin.delete(state.id, updated)
    assert cloud.tasks() == []
    _, second = created(plugin, definition(triggers=["again"]))
    assert second.id != state.id
    assert [task["id"] for task in cloud.tasks()] == [second.id]


def test_a_running_task_is_stopped_then_deleted(plugin: Plugin, cloud: Emulator) -> None:
    """A destroy stops a task that still writes into the target, and deletes it when it has stopped."""
    _, state = created(plugin, definition())
    cloud.clear_requests()
    plugin.delete(state.id, state.outputs)
    writes = [name for name in operations(cloud) if name.startswith(("BatchStop", "Stop", "Delete"))]
    assert writes == ["BatchStopMigrationTasks", "DeleteMigrationTask"]
    assert cloud.tasks() == []
    plugin.delete(state.id, state.outputs)


def test_a_failed_task_that_is_gone_leaves_the_state(
    plugin: Plugin, cloud: Emulator, engine: StandInEngine
) -> None:
    """The empty id and the empty bag that remove a resource survive the host's serialisation."""
    _, state = created(plugin, definition())
    cloud.set_status(state.id, "FAILED", "bad file")
    failed = plugin.read(state.id, state.outputs)
    assert (failed.outputs["status"], failed.outputs["error"]) == ("FAILED", "bad file")
    cloud.remove(state.id)
    plugin.delete(state.id, failed.outputs)  # makes this process's listing old
    removed = plugin.read(state.id, failed.outputs)
    assert removed.id == ""
    assert any("removed from state" in line for line in engine.warnings())


def test_a_task_that_is_gone_stays_in_state(plugin: Plugin, cloud: Emulator, engine: StandInEngine) -> None:
    """A forgotten task is GONE, not removed: removing it would run the import again at the next `up`."""
    inputs, state = created(plugin, definition())
    cloud.remove(state.id)
    gone = plugin.read(state.id, state.outputs)
    assert (gone.id, gone.outputs["status"]) == (state.id, "GONE")
    assert plugin.diff(state.id, gone.outputs, inputs).changes == "DIFF_NONE"
    assert len(engine.warnings(urn_of("orders"))) == 1


def test_get_reads_what_another_run_created(plugin: Plugin, cloud: Emulator, start: StartPlugin) -> None:
    """`MigrationTask.get`, which Pulumi asks with inputs and no outputs, is answered from the service."""
    _, state = created(plugin, definition(description="orders, before the cut-over"))
    seen = start().read(state.id, {}, {"__urn": urn_of("seen"), "region": None, "status": None})
    assert seen.id == state.id
    assert seen.outputs["description"] == "orders, before the cut-over"
    assert seen.outputs["backup_files"]["files"] == [{"file_name": "orders.rdb"}]
    assert TARGET_PASSWORD not in str(seen.outputs)
    gone = plugin.read("0" * 32, {}, {"__urn": urn_of("seen")})
    assert (gone.id, gone.outputs["status"]) == ("0" * 32, "GONE")


def test_eight_creates_at_once_start_eight_tasks(plugin: Plugin, cloud: Emulator) -> None:
    """The four threads of the host start each definition once and share the look-ups before it."""
    names = [f"orders-{number}" for number in range(8)]
    checked = [plugin.check(definition(name)).inputs for name in names]
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(plugin.create, checked))
    assert sorted(state.id for state in states) == sorted(task["id"] for task in cloud.tasks())
    seen = operations(cloud)
    assert seen.count("CreateMigrationTask") == 8
    assert 1 <= seen.count("ListMigrationTask") <= 8
    assert seen[0] == "ListMigrationTask"


def test_a_lost_answer_starts_no_second_task(plugin: Plugin, cloud: Emulator, engine: StandInEngine) -> None:
    """A connection that breaks after the POST was carried out leads to adoption, with a warning on the row."""
    inputs = plugin.check(definition()).inputs
    cloud.fault("CreateMigrationTask", "drop_after")
    state = plugin.create(inputs)
    assert [task["id"] for task in cloud.tasks()] == [state.id]
    assert operations(cloud).count("CreateMigrationTask") == 1
    assert any(line.startswith(f"adopted task {state.id}") for line in engine.warnings(urn_of("orders")))


def test_a_killed_plugin_leaves_a_task_that_is_adopted(
    plugin: Plugin, cloud: Emulator, start: StartPlugin
) -> None:
    """What a killed run started is found by the next run's process, by its owner mark, and not started again."""
    inputs, state = created(plugin, definition())
    plugin.close()
    again = start().create(inputs)
    assert again.id == state.id
    assert operations(cloud).count("CreateMigrationTask") == 1


def test_an_engine_that_is_gone_stops_every_write(
    plugin: Plugin, cloud: Emulator, engine: StandInEngine
) -> None:
    """The plugin outlives a killed CLI; what it would start then, no one would record."""
    _, running = created(plugin, definition("running"))
    inputs = plugin.check(definition()).inputs
    cloud.clear_requests()
    engine.stop()
    with ThreadPoolExecutor(2) as pool:
        refused = [
            pool.submit(plugin.create, inputs).exception(),
            pool.submit(plugin.delete, running.id, running.outputs).exception(),
        ]
    for error in refused:
        assert "engine no longer answers" in str(error)
        assert "\n" not in str(error)
    assert {"ListMigrationTask"} >= set(operations(cloud))


def test_warnings_reach_the_row_of_their_resource(plugin: Plugin, engine: StandInEngine) -> None:
    """A warning of check carries the URN, is repeated under Diagnostics, and is shown once per process."""
    for _ in range(2):
        assert plugin.check(online("caution")).failures == []
    (line,) = [line for line in engine.lines if line.urn == urn_of("caution") and not line.ephemeral]
    assert (line.severity, line.ephemeral) == ("WARNING", False)
    assert "withdrawn" in line.message


def test_stack_configuration_reaches_the_plugin(cloud: Emulator, start: StartPlugin) -> None:
    """Region, project, keys and endpoint from `pulumi config` are enough, with nothing in the environment."""
    keys = environment(cloud)
    config = {
        "huaweicloud:region": "eu-west-102",
        "huaweicloud:projectId": PROJECT,
        "huaweicloud:accessKey": keys["HW_ACCESS_KEY"],
        "huaweicloud:secretKey": keys["HW_SECRET_KEY"],
        "huaweicloud:endpoints": f'{{"dcs": "{cloud.url}"}}',
    }
    _, state = created(start({}, config), definition())
    assert state.outputs["region"] == "eu-west-102"
    assert [task["id"] for task in cloud.tasks()] == [state.id]
