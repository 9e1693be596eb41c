"""Waiting, over the wire: the real plugin process, as Pulumi speaks to it."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import dill
import grpc
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from dcs_emulator import Emulator
from dcs_migration.providers.migration_completion import MigrationCompletionProvider
from tests.host.conftest import (
    PROJECT,
    REGION,
    SECRET_KEY,
    TARGET_PASSWORD,
    created,
    definition,
    environment,
    operations,
)
from tests.host.harness import UNKNOWN, Failed, Plugin, Props, StandInEngine
from tests.host.harness import State as Result

URN = "urn:pulumi:dev::shop::pulumi-python:dynamic/dcs:MigrationCompletion::done"
# What release 0.1.0 writes into users' states. Never to be changed: old states are read forever.
RELEASED = "gASVUwAAAAAAAACMLGRjc19taWdyYXRpb24ucHJvdmlkZXJzLm1pZ3JhdGlvbl9jb21wbGV0aW9ulIwbTWlncmF0aW9uQ29tcGxldGlvblByb3ZpZGVylJOUKYGULg=="


class WaitingPlugin(Plugin):
    """A plugin process that is asked for completions."""

    def __init__(
        self,
        engine: StandInEngine,
        environ: Mapping[str, str],
        cwd: Path,
        config: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(engine, environ, cwd, config)
        self._provider = serialize_provider(MigrationCompletionProvider())


@pytest.fixture
def waiter(cloud: Emulator, engine: StandInEngine, tmp_path: Path) -> Iterator[WaitingPlugin]:
    """A plugin process in addition to the one that makes tasks."""
    plugin = WaitingPlugin(engine, environment(cloud), tmp_path)
    yield plugin
    plugin.close()


def start_tasks(plugin: Plugin, count: int) -> list[Result]:
    """Start some tasks."""
    return [created(plugin, definition(f"task{number}"))[1] for number in range(count)]


def wait_for(tasks: list[Result], **changes: Any) -> Props:
    """Return the inputs of a completion, as the resource class sends them."""
    props: Props = {
        "task_ids": [task.id for task in tasks],
        **dict.fromkeys(("region", "project_id", "timeout", "fail_fast", "statuses")),
        "interval": "1s",
        "__tasks": [
            {"urn": f"urn:of:{task.outputs['name']}"}
            | {key: task.outputs[key] for key in ("name", "status", "region", "project_id")}
            for task in tasks
        ],
        "__urn": URN,
        "__create_timeout": None,
        "__update_timeout": None,
    }
    return {**props, **changes}


def checked(waiter: Plugin, props: Props) -> Props:
    """Return the checked inputs."""
    result = waiter.check(props)
    assert result.failures == []
    return result.inputs


def test_a_wait_from_check_to_delete(
    plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator, engine: StandInEngine
) -> None:
    """It ends with the statuses; then diff is empty, and read and delete answer without a call."""
    tasks = start_tasks(plugin, 2)
    inputs = checked(waiter, wait_for(tasks))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.create, inputs)
        while not engine.lines:
            time.sleep(0.02)
        assert not waiting.done()
        for task in tasks:
            cloud.set_status(task.id, "SUCCESS")
        state = waiting.result()
    assert state.id == "done"
    assert state.outputs == {**inputs, "statuses": {task.id: "SUCCESS" for task in tasks}}
    first, last = engine.lines[0], engine.lines[-1]
    assert (first.message, first.urn) == ("0 of 2 done · 2 running · 0s", URN)
    assert last.message.startswith("2 of 2 done · ")
    assert all(line.ephemeral and line.severity == "INFO" for line in engine.lines)

    cloud.clear_requests()
    again = checked(waiter, wait_for(tasks))
    assert waiter.diff(state.id, state.outputs, again).changes == "DIFF_NONE"
    refreshed = waiter.read(state.id, state.outputs)
    assert (refreshed.id, refreshed.outputs) == (state.id, state.outputs)
    assert waiter.diff(state.id, refreshed.outputs, again).changes == "DIFF_NONE"
    waiter.delete(state.id, refreshed.outputs)
    assert operations(cloud) == []
    assert len(cloud.tasks()) == 2


def test_a_task_that_moved_on_changes_nothing(plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator) -> None:
    """After a refresh the tasks' own status differs from what was passed: that isn't a change of the wait."""
    tasks = start_tasks(plugin, 1)
    cloud.set_status(tasks[0].id, "SUCCESS")
    state = waiter.create(checked(waiter, wait_for(tasks)))
    tasks[0].outputs["status"] = "SUCCESS"
    assert waiter.diff(state.id, state.outputs, checked(waiter, wait_for(tasks))).changes == "DIFF_NONE"


def test_an_update_waits_for_the_new_alone(
    plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator, engine: StandInEngine
) -> None:
    """A fleet that grows is an update without a replacement; what was done is not looked at again."""
    tasks = start_tasks(plugin, 3)
    for task in tasks:
        cloud.set_status(task.id, "SUCCESS")
    state = waiter.create(checked(waiter, wait_for(tasks[:2])))
    grown = checked(waiter, wait_for(tasks))
    change = waiter.diff(state.id, state.outputs, grown)
    assert (change.changes, change.replaces) == ("DIFF_SOME", [])
    cloud.remove(tasks[0].id)
    engine.lines.clear()
    updated = waiter.update(state.id, state.outputs, grown)
    assert updated.outputs["statuses"] == {task.id: "SUCCESS" for task in tasks}
    assert [line.message for line in engine.lines] == ["1 of 1 done · 0s"]


def test_a_failure_is_lines_without_a_traceback(
    plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator
) -> None:
    """The text is what the screen shows: name, id, status, error and the command; a key in it is masked."""
    tasks = start_tasks(plugin, 2)
    cloud.set_status(tasks[0].id, "FAILED", f"can't read the bucket with {SECRET_KEY}")
    cloud.set_status(tasks[1].id, "SUCCESS")
    with pytest.raises(Failed) as caught:
        waiter.create(checked(waiter, wait_for(tasks)))
    head, line = caught.value.text.splitlines()
    name = tasks[0].outputs["name"]
    assert head == "1 of 2 migrations failed (1 done); all remain in state"
    assert line.startswith(f"{name} ({tasks[0].id}) is FAILED: can't read the bucket with ")
    assert line.endswith(f"to run it again: `pulumi up --replace 'urn:of:{name}'`, or change its triggers")
    assert SECRET_KEY not in caught.value.text


def test_four_waits_share_the_polls_of_one(plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator) -> None:
    """Four completions fill a process and cost one list call per interval together."""
    tasks = start_tasks(plugin, 4)
    inputs = [checked(waiter, wait_for([task], __urn=f"{URN}{task.id}")) for task in tasks]
    cloud.clear_requests()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(waiter.create, props) for props in inputs]
        while len(operations(cloud)) < 3:
            time.sleep(0.02)
        for task in tasks:
            cloud.set_status(task.id, "SUCCESS")
        assert [result.result().outputs["statuses"] for result in waiting] == [
            {task.id: "SUCCESS"} for task in tasks
        ]
    polls = [entry["time"] for entry in cloud.requests()]
    assert len(polls) == len(operations(cloud)) == 4
    assert all(later - earlier > 0.8 for earlier, later in pairwise(polls))


def test_an_engine_that_is_gone_ends_the_wait(
    plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator, engine: StandInEngine
) -> None:
    """Pulumi has ended: the wait ends within seconds, although its tasks keep running."""
    tasks = start_tasks(plugin, 1)
    inputs = checked(waiter, wait_for(tasks, interval="5m"))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(waiter.create, inputs)
        while not engine.lines:
            time.sleep(0.02)
        engine.stop()
        stopped = time.monotonic()
        error = waiting.exception(timeout=30)
    assert time.monotonic() - stopped < 6
    assert "the Pulumi engine no longer responds" in str(error)
    assert waiter.alive()
    assert cloud.tasks()[0]["status"] == "MIGRATING"


def test_refused_credentials_are_one_line_and_one_call(
    plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator
) -> None:
    """Four waits whose token is refused make one refused call together, and each says that no task was stopped."""
    tasks = start_tasks(plugin, 4)
    inputs = [checked(waiter, wait_for([task])) for task in tasks]
    cloud.clear_requests()
    cloud.fault("ListMigrationTask", "error", status=401, error_code="APIGW.0301", times=9)
    with ThreadPoolExecutor(4) as pool:
        errors = [pool.submit(waiter.create, props).exception() for props in inputs]
    for error in errors:
        assert isinstance(error, Failed)
        assert "APIGW.0301" in error.text
        assert "no task was stopped" in error.text
        assert "\n" not in error.text
    assert [entry["status"] for entry in cloud.requests()] == [401]


def test_mistakes_are_reasons_of_check(waiter: WaitingPlugin, cloud: Emulator) -> None:
    """Every problem is a line of its own, seen in preview, and costs no call."""
    id_ = "0" * 32
    wrong = wait_for([], task_ids=[id_, id_, "a/b"], interval="500ms", timeout="soon", __create_timeout="x")
    reasons = waiter.check(wrong).reasons
    paths = sorted(reason.split(":")[0] for reason in reasons)
    assert paths == ["interval", "opts.custom_timeouts.create", "task_ids[1]", "task_ids[2]", "timeout"]
    assert waiter.check(wait_for([])).reasons[0].startswith("task_ids: ")
    assert operations(cloud) == []


def test_the_passwords_of_the_tasks_stay_in_the_process(
    plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator
) -> None:
    """`check` takes them out of the inputs and remembers them: what fails later does not show them."""
    tasks = start_tasks(plugin, 1)
    inputs = checked(waiter, wait_for(tasks, __passwords=[None, UNKNOWN, TARGET_PASSWORD]))
    assert "__passwords" not in inputs
    cloud.set_status(tasks[0].id, "FAILED", f"WRONGPASS {TARGET_PASSWORD}")
    with pytest.raises(Failed) as caught:
        waiter.create(inputs)
    assert "is FAILED: WRONGPASS ***; to run it again" in caught.value.text
    assert TARGET_PASSWORD not in caught.value.text


@pytest.mark.parametrize("unknown", [UNKNOWN, [UNKNOWN], ["0" * 32, UNKNOWN]])
def test_unknown_ids_pass_a_preview(waiter: WaitingPlugin, unknown: Any, cloud: Emulator) -> None:
    """Tasks that do not exist yet are a change and no mistake."""
    props = wait_for([], task_ids=unknown, __tasks=UNKNOWN, timeout=UNKNOWN, region=UNKNOWN)
    result = waiter.check(props)
    assert result.failures == []
    assert result.inputs["task_ids"] == unknown
    old = {"task_ids": ["0" * 32], "region": REGION, "statuses": {"0" * 32: "SUCCESS"}}
    assert waiter.diff("done", old, result.inputs).changes == "DIFF_SOME"
    assert operations(cloud) == []


def test_numbers_from_the_wire_are_seconds(plugin: Plugin, waiter: WaitingPlugin, cloud: Emulator) -> None:
    """Every number arrives as a float; a bound of two seconds ends after two seconds, with the still running named."""
    tasks = start_tasks(plugin, 1)
    inputs = checked(waiter, wait_for(tasks, timeout=2, interval=1))
    started = time.monotonic()
    with pytest.raises(Failed) as caught:
        waiter.create(inputs)
    assert 2 <= time.monotonic() - started < 6
    assert caught.value.text.startswith("timed out after 2s: 1 of 1 migrations still running (not stopped): ")
    assert f"({tasks[0].id}) MIGRATING" in caught.value.text
    assert caught.value.code is grpc.StatusCode.UNKNOWN


def test_ids_from_elsewhere_use_the_configuration(
    plugin: Plugin, cloud: Emulator, engine: StandInEngine, tmp_path: Path
) -> None:
    """With the provider resource's own properties and an empty environment the wait knows where to look."""
    tasks = start_tasks(plugin, 1)
    cloud.set_status(tasks[0].id, "SUCCESS")
    config = {
        "huaweicloud:region": REGION,
        "huaweicloud:projectId": PROJECT,
        "huaweicloud:accessKey": cloud.access_key,
        "huaweicloud:secretKey": cloud.secret_key,
        "huaweicloud:endpoints": f'{{"dcs": "{cloud.url}"}}',
    }
    with WaitingPlugin(engine, {}, tmp_path, config) as waiter:
        inputs = checked(waiter, wait_for(tasks, __tasks=[]))
        assert inputs["region"] == REGION
        assert waiter.create(inputs).outputs["statuses"] == {tasks[0].id: "SUCCESS"}


def test_the_provider_is_a_reference_that_every_release_loads() -> None:
    """State names a module and a class, short and the same forever."""
    assert serialize_provider(MigrationCompletionProvider()) == RELEASED
    assert type(dill.loads(base64.b64decode(RELEASED))) is MigrationCompletionProvider
    assert vars(MigrationCompletionProvider()) == {}
    assert MigrationCompletionProvider.serialize_as_secret_always is False
